//! `viva guide list`, `show` and `search`: the content in use.

use serde::Serialize;
use serde_json::{Value, json};

use super::{FilterArgs, SearchArgs, ShowArgs};
use crate::commands::Context;
use crate::guide::{Library, Question, search as finder};
use crate::{Error, Result};

/// The width of a page when the terminal does not say.
const WIDTH: usize = 80;

/// A question in a list, as a line of JSON.
#[derive(Serialize)]
struct Listed<'a> {
    schema: u32,
    r#type: &'static str,
    id: &'a str,
    guide: &'a str,
    source: String,
    concept: &'a str,
    round: String,
    levels: Vec<String>,
    difficulty: u8,
    competencies: Vec<String>,
    ask: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
}

fn listed<'a>(library: &'a Library, question: &'a Question, score: Option<f64>) -> Listed<'a> {
    Listed {
        schema: 1,
        r#type: "question",
        id: &question.id,
        guide: library
            .guide_of(&question.id)
            .map_or("", |guide| guide.guide.id.as_str()),
        source: library.citation(question),
        concept: &question.concept,
        round: question.round.to_string(),
        levels: question.levels.iter().map(ToString::to_string).collect(),
        difficulty: question.difficulty,
        competencies: question
            .competencies
            .iter()
            .map(ToString::to_string)
            .collect(),
        ask: &question.ask,
        score,
    }
}

pub(super) fn list(library: &Library, args: &FilterArgs, ctx: &Context) {
    let filter = args.filter();
    let mut number = 0;
    for guide in library.guides() {
        let questions: Vec<&Question> = guide
            .questions
            .iter()
            .filter(|question| filter.accepts(&guide.guide.id, question))
            .collect();
        number += questions.len();
        if ctx.ui.is_json() {
            for question in questions {
                ctx.ui.json_line(&listed(library, question, None));
            }
        } else if !questions.is_empty() {
            ctx.ui
                .line(&format!("{}  ({})", guide.guide.title, guide.guide.id));
            for question in questions {
                ctx.ui.line(&one_line(question));
            }
            ctx.ui.line("");
        }
    }
    let answer = match number {
        0 => "No question fits. `viva guide list` without options shows all.".to_owned(),
        1 => "1 question.".to_owned(),
        number => format!("{number} questions."),
    };
    ctx.ui.status(&answer);
}

/// Returns a question as one line of a list.
fn one_line(question: &Question) -> String {
    let id = &question.id;
    let head = format!(
        "  {id:<30} {:<19} {}  ",
        question.round, question.difficulty
    );
    let room = WIDTH
        .saturating_sub(textwrap::core::display_width(&head))
        .max(24);
    let ask = textwrap::wrap(&question.ask, room.saturating_sub(1));
    match ask.as_slice() {
        [all] => format!("{head}{all}"),
        [first, ..] => format!("{head}{first}\u{2026}"),
        [] => head,
    }
}

pub(super) fn search(library: &Library, args: &SearchArgs, ctx: &Context) -> Result<()> {
    let query = args.words.join(" ");
    let hits = finder::search(library, &query);
    if hits.is_empty() {
        return Err(Error::usage(format!("no question speaks of '{query}'"))
            .hint("Try another word; `viva guide list` shows all questions."));
    }
    for hit in hits.iter().take(args.limit) {
        if ctx.ui.is_json() {
            ctx.ui
                .json_line(&listed(library, hit.question, Some(hit.score)));
        } else {
            ctx.ui.line(&one_line(hit.question));
        }
    }
    if hits.len() > args.limit {
        ctx.ui.status(&format!(
            "{} more; --limit shows them.",
            hits.len() - args.limit
        ));
    }
    Ok(())
}

pub(super) fn show(library: &Library, args: &ShowArgs, ctx: &Context) -> Result<()> {
    if let Some((kind, item)) = other_item(library, &args.id)
        && library.question(&args.id).is_none()
    {
        if ctx.ui.is_json() {
            ctx.ui
                .json_line(&json!({ "schema": 1, "type": kind, kind: item }));
        } else {
            ctx.ui.line(&format!("{kind}: {}", args.id));
            lines(&item, 0, ctx);
        }
        return Ok(());
    }
    let question = library.resolve(&args.id)?;
    if ctx.ui.is_json() {
        ctx.ui.json_line(&json!({
            "schema": 1,
            "type": "question",
            "guide": library.guide_of(&question.id).map(|guide| &guide.guide.id),
            "source": library.citation(question),
            "question": question,
        }));
        return Ok(());
    }
    show_question(library, question, ctx);
    Ok(())
}

fn show_question(library: &Library, question: &Question, ctx: &Context) {
    let say = |text: &str| ctx.ui.line(text);
    say(&format!(
        "{}  [{}]",
        question.id,
        library.citation(question)
    ));
    let levels: Vec<String> = question.levels.iter().map(ToString::to_string).collect();
    let shows: Vec<String> = question
        .competencies
        .iter()
        .map(ToString::to_string)
        .collect();
    say(&format!(
        "{} round, difficulty {} of 5, {} to {} seconds, for {}",
        question.round,
        question.difficulty,
        question.spoken_seconds.min,
        question.spoken_seconds.max,
        levels.join(", ")
    ));
    say(&format!(
        "concept {}; shows {}",
        question.concept,
        shows.join(", ")
    ));
    section("Asked", ctx);
    wrapped(&question.ask, "  ", "  ", ctx);
    section("Or", ctx);
    for variant in &question.variants {
        wrapped(variant, "  - ", "    ", ctx);
    }
    section("What the panel scores", ctx);
    wrapped(&question.panel_note, "  ", "  ", ctx);
    section("Rubric", ctx);
    for point in &question.points {
        let star = point
            .star
            .map(|part| format!(" [{part}]"))
            .unwrap_or_default();
        let head = format!("  {:>3}  {:<9} ", point.weight, point.kind);
        let room = " ".repeat(head.len());
        wrapped(&format!("{}{star}", point.text), &head, &room, ctx);
    }
    section("What loses the panel", ctx);
    for mistake in &question.mistakes {
        let head = format!("  {:<8} ", mistake.severity);
        let room = " ".repeat(head.len());
        wrapped(
            &format!("{}. {}", mistake.text, mistake.why),
            &head,
            &room,
            ctx,
        );
    }
    section("A good answer", ctx);
    wrapped(&question.model_answer, "  ", "  ", ctx);
    section("Harder", ctx);
    for direction in &question.harder {
        wrapped(direction, "  - ", "    ", ctx);
    }
}

fn section(title: &str, ctx: &Context) {
    ctx.ui.line("");
    ctx.ui.line(title);
}

fn wrapped(text: &str, first: &str, rest: &str, ctx: &Context) {
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(rest);
    for line in textwrap::wrap(text, options) {
        ctx.ui.line(&line);
    }
}

/// Returns an item that is not a question, with what it is.
fn other_item(library: &Library, id: &str) -> Option<(&'static str, Value)> {
    fn value<T: Serialize>(kind: &'static str, item: Option<&T>) -> Option<(&'static str, Value)> {
        Some((kind, serde_json::to_value(item?).ok()?))
    }
    if let Some(guide) = library.guide(id) {
        return value("guide", Some(&guide.guide));
    }
    value("panellist", library.panellist(id))
        .or_else(|| value("plan", library.plan(id)))
        .or_else(|| value("stage", library.stages().find(|one| one.id == id)))
        .or_else(|| value("format", library.format(id)))
        .or_else(|| {
            value(
                "level",
                library.levels().find(|one| one.id.to_string() == id),
            )
        })
        .or_else(|| value("red_flag", library.red_flags().find(|one| one.id == id)))
        .or_else(|| value("pitfall", library.pitfalls().find(|one| one.id == id)))
        .or_else(|| value("advice", library.advice().find(|one| one.id == id)))
}

/// Prints a value as indented lines, a list as items with dashes.
fn lines(value: &Value, depth: usize, ctx: &Context) {
    let indent = "  ".repeat(depth + 1);
    let Some(fields) = value.as_object() else {
        return;
    };
    for (name, value) in fields {
        let name = name.replace('_', " ");
        match value {
            Value::Array(items) => {
                ctx.ui.line(&format!("{indent}{name}"));
                for item in items {
                    match item {
                        Value::Object(_) => lines(item, depth + 1, ctx),
                        other => wrapped(
                            &plain(other),
                            &format!("{indent}- "),
                            &format!("{indent}  "),
                            ctx,
                        ),
                    }
                }
            }
            Value::Object(_) => {
                ctx.ui.line(&format!("{indent}{name}"));
                lines(value, depth + 1, ctx);
            }
            other => wrapped(
                &format!("{name}: {}", plain(other)),
                &indent,
                &format!("{indent}  "),
                ctx,
            ),
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
