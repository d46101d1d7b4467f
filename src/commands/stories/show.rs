//! One story on the screen: each sentence with the parts it tells, then what
//! is there, what is not and what to do about it.

use super::super::Context;
use super::super::history::{open, when};
use super::bench::Bench;
use super::{list, reading};
use crate::Result;
use crate::guide::StarPart;
use crate::judge::text::sentences;
use crate::store::{Journal, Story};
use crate::stories::check::{Check, PARTS, State};
use crate::ui::{Meaning, Text};

/// Columns of the letters before a sentence.
const MARGIN: usize = 6;

pub(super) fn run(story: &str, ctx: &Context) -> Result<()> {
    // Looking must not make a journal where there is none.
    reading(ctx)?;
    let journal = open(ctx)?;
    let story = journal.find_story(story)?;
    checked(ctx, &journal, &story)
}

/// Has `story` checked and shows it.
///
/// # Errors
/// Fails when a model fails or the journal cannot be read.
pub(super) fn checked(ctx: &Context, journal: &Journal, story: &Story) -> Result<()> {
    let check = Bench::open(ctx)?.check(journal, story)?;
    shown(ctx, journal, story, &check)
}

/// Shows `story` with its check.
///
/// # Errors
/// Fails when the journal cannot be read.
pub(super) fn shown(ctx: &Context, journal: &Journal, story: &Story, check: &Check) -> Result<()> {
    let tellings = journal.tellings()?;
    if ctx.ui.is_json() {
        ctx.ui.json_line(&list::as_json(story, check, &tellings));
        return Ok(());
    }
    list::head(ctx, story, check, &tellings);
    ctx.ui.line("");
    sentences_with_letters(ctx, story, check);
    ctx.ui.line("");
    parts(ctx, check);
    for line in check.advice() {
        ctx.ui.stage_hanging(
            &Text::new().with(Meaning::Hint, "To do").plain("  "),
            "       ",
            &line.as_str().into(),
        );
    }
    let told = list::story_tellings(story, &tellings);
    if !told.is_empty() {
        ctx.ui.line("");
    }
    for telling in told {
        ctx.ui.paragraph(
            0,
            &Text::new()
                .plain(format!("Told on {} for ", when(telling.at_ms)))
                .with(Meaning::Value, &telling.question)
                .with(
                    Meaning::Muted,
                    format!(
                        " (session {}, likeness {:.0}%)",
                        telling.session.short(),
                        100.0 * telling.likeness
                    ),
                ),
        );
    }
    Ok(())
}

fn sentences_with_letters(ctx: &Context, story: &Story, check: &Check) {
    let mut last_end = 0;
    for range in sentences(&story.text) {
        if story
            .text
            .get(last_end..range.start)
            .is_some_and(|between| between.matches('\n').count() > 1)
        {
            ctx.ui.line("");
        }
        last_end = range.end;
        let letters: String = PARTS
            .iter()
            .filter(|(part, _)| {
                check.parts.iter().any(|found| {
                    found.part == *part
                        && found
                            .quotes
                            .iter()
                            .any(|quote| quote.start < range.end && range.start < quote.end)
                })
            })
            .map(|(_, letter)| *letter)
            .collect();
        let margin = Text::new().with(Meaning::Value, format!("{letters:<MARGIN$}"));
        let words = story.text.get(range).unwrap_or_default();
        ctx.ui.stage_hanging(
            &margin,
            &" ".repeat(MARGIN),
            &Text::new().with(Meaning::Quote, words),
        );
    }
}

fn parts(ctx: &Context, check: &Check) {
    for found in &check.parts {
        let name = found.part.to_string();
        let (word, meaning) = match found.state {
            State::Told => ("told", Meaning::Good),
            State::Unclear => ("half there", Meaning::Partly),
            State::Missing => ("missing", Meaning::Bad),
        };
        let mut line = Text::new().with(meaning, word);
        if found.part == StarPart::Result && found.state != State::Missing {
            let numbers: Vec<String> = check
                .result_numbers
                .iter()
                .map(|number| format!("\u{201c}{}\u{201d}", number.text))
                .collect();
            line = line.plain(if numbers.is_empty() {
                ", without a number".to_owned()
            } else {
                format!(", with {}", numbers.join(", "))
            });
        }
        let mut letters = name.chars();
        let name: String = letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect())
            .unwrap_or_default();
        ctx.ui.stage_hanging(
            &Text::new().plain(format!("{name:<9}  ")),
            "           ",
            &line,
        );
    }
    let how = match &check.judge {
        Some(_) => "",
        None => " (by the words alone)",
    };
    ctx.ui.paragraph(
        0,
        &Text::new().with(
            Meaning::Muted,
            format!(
                "{} words, {} seconds; \u{201c}I\u{201d} {}, \u{201c}we\u{201d} {}{how}",
                check.words, check.seconds, check.own, check.team
            ),
        ),
    );
}
