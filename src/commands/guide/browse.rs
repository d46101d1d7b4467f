//! `viva guide list`, `show` and `search`: the content in use.

use serde::Serialize;
use serde_json::{Value, json};

use super::{FilterArgs, SearchArgs, ShowArgs};
use crate::commands::Context;
use crate::guide::{Library, Question, search as finder};
use crate::ui::{Meaning, Text};
use crate::{Error, Result};

/// The width of a list when nothing says how wide a page is.
const WIDTH: usize = 100;

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
            if number > questions.len() {
                ctx.ui.line("");
            }
            ctx.ui.paragraph(
                0,
                &Text::new()
                    .with(Meaning::Heading, &guide.guide.title)
                    .with(Meaning::Muted, format!(" ({})", guide.guide.id)),
            );
            for question in questions {
                one_line(question, ctx);
            }
        }
    }
    let answer = match number {
        0 => "No question fits. `viva guide list` without options shows all.".to_owned(),
        1 => "1 question.".to_owned(),
        number => format!("{number} questions."),
    };
    ctx.ui.status(&answer);
}

/// Prints a question as one line of a list; what is too long for it is cut.
fn one_line(question: &Question, ctx: &Context) {
    let head = format!(
        "  {:<28} {:<19} {}  ",
        question.id, question.round, question.difficulty
    );
    let width = ctx.ui.width().unwrap_or(WIDTH);
    let room = width.saturating_sub(head.chars().count()).max(20);
    let ask = textwrap::wrap(&question.ask, room.saturating_sub(1));
    let ask = match ask.as_slice() {
        [first, _, ..] => format!("{first}\u{2026}"),
        _ => question.ask.clone(),
    };
    ctx.ui.line(&format!("{head}{ask}"));
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
            one_line(hit.question, ctx);
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
            ctx.ui.paragraph(
                0,
                &Text::new().with(Meaning::Heading, kind.replace('_', " ")),
            );
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
    ctx.ui.paragraph(
        0,
        &Text::new()
            .with(Meaning::Heading, &question.id)
            .with(Meaning::Muted, format!(" [{}]", library.citation(question))),
    );
    say(&format!(
        "{} round, difficulty {} of 5, {} to {} seconds, for {}",
        question.round,
        question.difficulty,
        question.spoken_seconds.min,
        question.spoken_seconds.max,
        names(&question.levels)
    ));
    say(&format!(
        "concept {}; shows {}",
        question.concept,
        names(&question.competencies)
    ));
    section("Asked", ctx);
    item(2, "", Meaning::Question, &question.ask, ctx);
    section("Or", ctx);
    for variant in &question.variants {
        item(2, "- ", Meaning::Question, variant, ctx);
    }
    section("What the panel scores", ctx);
    item(2, "", Meaning::Plain, &question.panel_note, ctx);
    section("Rubric", ctx);
    for point in &question.points {
        let star = point
            .star
            .map(|part| format!(" [{part}]"))
            .unwrap_or_default();
        let head = format!("{:>3}  {:<9}  ", point.weight, point.kind);
        item(
            2,
            &head,
            Meaning::Plain,
            &format!("{}{star}", point.text),
            ctx,
        );
    }
    section("What loses the panel", ctx);
    for mistake in &question.mistakes {
        let head = format!("{:<7}  ", mistake.severity);
        let text = format!("{}. {}", mistake.text, mistake.why);
        item(2, &head, Meaning::Plain, &text, ctx);
    }
    section("A good answer", ctx);
    item(2, "", Meaning::Quote, question.model_answer.trim(), ctx);
    section("Harder", ctx);
    for direction in &question.harder {
        item(2, "- ", Meaning::Question, direction, ctx);
    }
}

fn names(list: &[impl ToString]) -> String {
    let names: Vec<String> = list.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn section(title: &str, ctx: &Context) {
    ctx.ui.line("");
    ctx.ui
        .paragraph(0, &Text::new().with(Meaning::Heading, title));
}

/// Prints a paragraph indented by `indent`, its first line begun with `head`.
fn item(indent: usize, head: &str, meaning: Meaning, text: &str, ctx: &Context) {
    let first = format!("{}{head}", " ".repeat(indent));
    let rest = " ".repeat(first.chars().count());
    ctx.ui.stage_hanging(
        &Text::new().with(Meaning::Muted, first),
        &rest,
        &Text::new().with(meaning, text),
    );
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
    let indent = 2 * (depth + 1);
    let Some(fields) = value.as_object() else {
        return;
    };
    for (name, value) in fields {
        let name = name.replace('_', " ");
        match value {
            Value::Array(items) => {
                item(indent, "", Meaning::Muted, &name, ctx);
                for one in items {
                    match one {
                        Value::Object(_) => lines(one, depth + 1, ctx),
                        other => item(indent + 2, "- ", Meaning::Plain, &plain(other), ctx),
                    }
                }
            }
            Value::Object(_) => {
                item(indent, "", Meaning::Muted, &name, ctx);
                lines(value, depth + 1, ctx);
            }
            other => item(
                indent,
                &format!("{name}: "),
                Meaning::Plain,
                &plain(other),
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
