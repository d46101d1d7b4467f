//! The list of stories, and a story as JSON.

use serde_json::{Value, json};

use super::super::Context;
use super::super::history::when;
use super::{bench, count};
use crate::Result;
use crate::store::{Journal, Story, Telling};
use crate::stories::Check;
use crate::stories::check::letter;
use crate::ui::{Meaning, Text};

pub(super) fn run(ctx: &Context) -> Result<()> {
    let journal = Journal::open_to_read(&ctx.paths)?;
    let (stories, tellings) = match &journal {
        Some(journal) => (journal.stories()?, journal.tellings()?),
        None => (Vec::new(), Vec::new()),
    };
    for (at, story) in stories.iter().enumerate() {
        let Some(journal) = &journal else { break };
        let check = bench::known(journal, story)?;
        if ctx.ui.is_json() {
            ctx.ui.json_line(&as_json(story, &check, &tellings));
            continue;
        }
        if at > 0 {
            ctx.ui.line("");
        }
        head(ctx, story, &check, &tellings);
    }
    if stories.is_empty() {
        ctx.ui
            .status("No stories yet. `viva stories add` takes one down; `viva stories import` finds them in past answers.");
    } else if !ctx.ui.is_json() {
        ctx.ui.status(&format!(
            "{}. STARL: situation, task, action, result, lesson; \u{b7} half there, - missing.",
            count(stories.len(), "story", "stories")
        ));
    }
    Ok(())
}

/// Prints the title of a story and what is known of it in short.
pub(super) fn head(ctx: &Context, story: &Story, check: &Check, tellings: &[Telling]) {
    ctx.ui
        .paragraph(0, &Text::new().with(Meaning::Heading, &story.title));
    let tags = if story.tags.is_empty() {
        "no tags".to_owned()
    } else {
        story.tags.join(", ")
    };
    let text = Text::new()
        .with(Meaning::Command, story.id.short())
        .plain("  ")
        .with(Meaning::Value, check.letters())
        .plain(format!(
            "  {} s  {}",
            check.seconds,
            told(&story_tellings(story, tellings))
        ));
    ctx.ui.stage_text(2, &text);
    ctx.ui
        .stage_text(2, &Text::new().with(Meaning::Muted, tags));
}

/// Returns the tellings of `story`.
pub(super) fn story_tellings<'a>(story: &Story, tellings: &'a [Telling]) -> Vec<&'a Telling> {
    tellings
        .iter()
        .filter(|telling| telling.story == story.id)
        .collect()
}

/// Returns how often a story was told and when last.
fn told(tellings: &[&Telling]) -> String {
    let Some(last) = tellings.last() else {
        return "not told yet".to_owned();
    };
    let day: String = when(last.at_ms).chars().take(10).collect();
    match tellings.len() {
        1 => format!("told once, on {day}"),
        n => format!("told {n} times, last on {day}"),
    }
}

/// Returns a story as one line of JSON.
pub(super) fn as_json(story: &Story, check: &Check, tellings: &[Telling]) -> Value {
    let tellings = story_tellings(story, tellings);
    let parts: Vec<Value> = check
        .parts
        .iter()
        .map(|found| {
            json!({
                "part": found.part, "letter": letter(found.part), "state": found.state,
                "strength": found.strength, "quotes": found.quotes,
            })
        })
        .collect();
    json!({
        "schema": 1,
        "type": "story",
        "id": story.id,
        "title": story.title,
        "text": story.text,
        "tags": story.tags,
        "made_at": story.made_at,
        "changed_at": story.changed_at,
        "origin": story.origin,
        "check": {
            "judge": check.judge, "letters": check.letters(), "parts": parts,
            "result_numbers": check.result_numbers, "own": check.own, "team": check.team,
            "words": check.words, "seconds": check.seconds, "advice": check.advice(),
        },
        "told": tellings.len(),
        "last_told_at": tellings.last().map(|telling| telling.at_ms),
        "tellings": tellings.iter().map(|telling| json!({
            "session": telling.session, "question": telling.question,
            "attempt": telling.attempt, "at_ms": telling.at_ms, "likeness": telling.likeness,
        })).collect::<Vec<_>>(),
    })
}
