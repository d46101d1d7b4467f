//! `viva stories coverage`: competencies and their stories, gaps, overuse.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::Context;
use super::{behavioural, count};
use crate::Result;
use crate::guide::{Library, Question};
use crate::store::{Journal, SessionFilter, Story};
use crate::stories::coverage::{Answered, LOOK_BACK, Overuse, Row, coverage, overuse};
use crate::ui::{Meaning, Text};

/// Sessions that are searched for [`LOOK_BACK`] with behavioural answers.
const SEARCHED: u32 = 100;

pub(super) fn run(ctx: &Context) -> Result<()> {
    let library = Library::load(&ctx.paths)?;
    let questions = behavioural(&library);
    let (stories, tellings, sessions) = match Journal::open_to_read(&ctx.paths)? {
        Some(journal) => (
            journal.stories()?,
            journal.tellings()?,
            answered(&journal, &questions)?,
        ),
        None => (Vec::new(), Vec::new(), Vec::new()),
    };
    let rows = coverage(&questions, &stories, &tellings);
    let often = overuse(&sessions, &tellings);
    if ctx.ui.is_json() {
        let gaps: Vec<_> = rows
            .iter()
            .filter(|row| row.stories.is_empty())
            .map(|row| row.competency)
            .collect();
        ctx.ui.json_line(&json!({
            "schema": 1, "type": "stories-coverage", "stories": stories.len(),
            "competencies": rows, "gaps": gaps, "overused": often,
            "sessions": sessions.len(),
        }));
        return Ok(());
    }
    table(ctx, &rows, &stories);
    gaps(ctx, &rows, &questions);
    too_often(ctx, &often, &stories);
    Ok(())
}

/// Returns the last sessions with how many behavioural questions were answered
/// in each, newest first; those without any are left out.
fn answered(journal: &Journal, questions: &[&Question]) -> Result<Vec<Answered>> {
    let mut out = Vec::new();
    let filter = SessionFilter {
        limit: Some(SEARCHED),
        ..SessionFilter::default()
    };
    let known: BTreeSet<&str> = questions.iter().map(|one| one.id.as_str()).collect();
    for session in journal.sessions(&filter)? {
        let answers: BTreeSet<(String, u32)> = journal
            .verdicts(&session.id)?
            .into_iter()
            .filter(|verdict| known.contains(verdict.row.question.as_str()))
            .map(|verdict| (verdict.row.question, verdict.row.attempt))
            .collect();
        if !answers.is_empty() {
            out.push(Answered {
                session: session.id,
                answers: answers.len(),
            });
        }
        if out.len() == LOOK_BACK {
            break;
        }
    }
    Ok(out)
}

fn table(ctx: &Context, rows: &[Row], stories: &[Story]) {
    let widest = rows
        .iter()
        .map(|row| row.competency.to_string().len())
        .max()
        .unwrap_or(0);
    ctx.ui
        .line(&format!("{:<widest$}  asked  told  stories", "competency"));
    for row in rows {
        let first = Text::new().plain(format!(
            "{:<widest$}  {:>5}  {:>4}  ",
            row.competency.to_string(),
            row.questions,
            row.told
        ));
        let indent = " ".repeat(widest + 15);
        let titles: Vec<&str> = stories
            .iter()
            .filter(|story| row.stories.contains(&story.id))
            .map(|story| story.title.as_str())
            .collect();
        let text = if titles.is_empty() {
            Text::new().with(Meaning::Bad, "none")
        } else {
            Text::new().plain(titles.join("; "))
        };
        ctx.ui.stage_hanging(&first, &indent, &text);
    }
    ctx.ui.status(&format!(
        "\u{201c}asked\u{201d}: behavioural questions of the guides that ask for it. {}.",
        count(stories.len(), "story", "stories")
    ));
}

/// Prints a question to find a story for, a gap each.
fn gaps(ctx: &Context, rows: &[Row], questions: &[&Question]) {
    let missing: Vec<&Row> = rows.iter().filter(|row| row.stories.is_empty()).collect();
    ctx.ui.line("");
    if missing.is_empty() {
        ctx.ui
            .line("Every competency that is asked for has a story.");
        return;
    }
    ctx.ui.paragraph(
        0,
        &Text::new().with(
            Meaning::Heading,
            format!(
                "{} without a story",
                count(missing.len(), "competency", "competencies")
            ),
        ),
    );
    for row in missing {
        // The question that asks for it above all else.
        let place = |question: &Question| {
            question
                .competencies
                .iter()
                .position(|one| *one == row.competency)
        };
        let Some(question) = questions
            .iter()
            .filter(|question| place(question).is_some())
            .min_by_key(|question| (place(question), question.difficulty))
        else {
            continue;
        };
        ctx.ui.stage_hanging(
            &Text::new().with(Meaning::Value, format!("  {}  ", row.competency)),
            "    ",
            &Text::new()
                .with(Meaning::Question, &question.ask)
                .with(Meaning::Muted, format!(" ({})", question.id)),
        );
    }
}

fn too_often(ctx: &Context, often: &[Overuse], stories: &[Story]) {
    if often.is_empty() {
        return;
    }
    ctx.ui.line("");
    ctx.ui
        .paragraph(0, &Text::new().with(Meaning::Heading, "Told too often"));
    for one in often {
        let title = stories
            .iter()
            .find(|story| story.id == one.story)
            .map_or("", |story| story.title.as_str());
        ctx.ui.stage_text(
            2,
            &Text::new().with(Meaning::Warning, title).plain(format!(
                " ({}): in {} of the last {}, in {} of {}. Panels compare notes; have a second story ready.",
                one.story.short(),
                one.sessions,
                count(one.of_sessions, "session", "sessions"),
                one.answers,
                count(one.of_answers, "answer", "answers"),
            )),
        );
    }
}
