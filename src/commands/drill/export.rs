//! `viva drill export`: rubric points as an Anki package, for the phone.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::Context;
use super::super::history::{open, write_private};
use super::super::interview::wire::SCHEMA;
use super::ledger::{self, Deck};
use crate::drill::anki::{self, Note};
use crate::drill::choose::interleave;
use crate::drill::{Candidate, Scheduler, wording};
use crate::guide::Library;
use crate::{Error, Result};

/// Arguments of `viva drill export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The file to write, for example viva.apkg
    file: PathBuf,
    /// Take the points that are due; what is taken when nothing is said
    #[arg(long, group = "which")]
    due: bool,
    /// Take the points you had trouble with
    #[arg(long, group = "which")]
    weak: bool,
    /// Take every point, also those you were never asked for
    #[arg(long, group = "which")]
    all: bool,
    /// Take only points of this concept
    #[arg(long, value_name = "CONCEPT")]
    concept: Option<String>,
}

/// Which points are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Due,
    Weak,
    All,
}

impl Which {
    fn of(args: &ExportArgs) -> Self {
        if args.weak {
            Self::Weak
        } else if args.all || (args.concept.is_some() && !args.due) {
            Self::All
        } else {
            Self::Due
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Weak => "weak",
            Self::All => "all",
        }
    }
}

/// Writes the package.
///
/// # Errors
/// Fails when the file has another ending, when there is no such concept, or
/// when the journal cannot be read or the file cannot be written.
pub(super) fn run(args: &ExportArgs, ctx: &Context, library: &Library) -> Result<()> {
    let ending = args.file.extension().and_then(|ending| ending.to_str());
    if !ending.is_some_and(|ending| ending.eq_ignore_ascii_case("apkg")) {
        return Err(Error::usage(format!(
            "{} does not end in .apkg, by which Anki knows its packages",
            args.file.display()
        ))
        .hint("Name the file viva.apkg, for example."));
    }
    let concept = args
        .concept
        .as_deref()
        .map(|concept| super::known_concept(concept, library))
        .transpose()?;
    let journal = open(ctx)?;
    ledger::catch_up(&journal)?;
    let scheduler = ledger::scheduler(&journal)?;
    let deck = Deck::read(&journal)?;
    let which = Which::of(args);
    // The minutes of a sitting say nothing about a phone.
    let when = super::when(ctx, 1)?;
    let chosen = choose(
        deck.candidates(library),
        which,
        concept.as_deref(),
        &scheduler,
        (when.now, when.day_end),
    );
    let notes: Vec<Note> = chosen.iter().map(|one| note(one, library)).collect();
    if !notes.is_empty() {
        let package = anki::package(&notes, when.now)?;
        write_private(&args.file, |out| {
            out.write_all(&package).map_err(|error| {
                Error::storage(format!("{} cannot be written", args.file.display()))
                    .caused_by(error)
            })
        })?;
    }
    if ctx.ui.is_json() {
        ctx.ui.json_line(&json!({
            "schema": SCHEMA, "type": "drill_export", "which": which.name(),
            "cards": notes.len(), "file": (!notes.is_empty()).then(|| args.file.display().to_string()),
        }));
    } else if notes.is_empty() {
        ctx.ui.status(match which {
            Which::Due => "Nothing is due, and no file was written. `--weak` takes what you had trouble with, `--all` every point.",
            Which::Weak => "There is no point you had trouble with, and no file was written. `--all` takes every point.",
            Which::All => "There is no such point, and no file was written.",
        });
    } else {
        let cards = if notes.len() == 1 { "card" } else { "cards" };
        ctx.ui.line(&format!(
            "{} {cards} for Anki's deck {} in {}",
            notes.len(),
            anki::DECK,
            args.file.display()
        ));
        ctx.ui.status(
            "Open the file on the phone, or in Anki with File, Import. A later export renews the cards and doubles none.",
        );
    }
    Ok(())
}

/// Returns the points to take, the most valuable first, concepts mixed.
/// `times` are now and the end of the day, milliseconds since 1970.
fn choose<'a>(
    candidates: Vec<Candidate<'a>>,
    which: Which,
    concept: Option<&str>,
    scheduler: &Scheduler,
    times: (i64, i64),
) -> Vec<Candidate<'a>> {
    let (now, day_end) = times;
    let mut chosen: Vec<Candidate<'a>> = candidates
        .into_iter()
        .filter(|one| concept.is_none_or(|concept| one.question.concept == concept))
        .filter(|one| match which {
            Which::Due => one.is_due(day_end),
            Which::Weak => one.is_weak(),
            Which::All => true,
        })
        .collect();
    chosen.sort_by(|a, b| b.value(scheduler, now).total_cmp(&a.value(scheduler, now)));
    interleave(chosen, |one| one.question.concept.clone())
}

/// Returns the note of a point, in the words whose turn it is.
fn note(one: &Candidate<'_>, library: &Library) -> Note {
    let turn = one.card.map_or(0, |card| card.reviews);
    let words = wording::for_point(one.question, one.point, turn, one.wording, false);
    let scenario = words.scenario.as_deref().unwrap_or(&one.question.ask);
    Note::of(one.question, one.point, &library.citation(one.question)).asking(scenario, &words.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::card::{Card, DAY_MS};
    use crate::drill::{Rating, choose as drill};

    const NOW: i64 = 1_000 * DAY_MS;

    /// Every point, the first four of them reviewed: two due, one of them
    /// missed, and two kept.
    fn candidates(library: &Library) -> Vec<Candidate<'_>> {
        let scheduler = Scheduler::default();
        let reviews = [
            vec![(NOW - 20 * DAY_MS, Rating::Again)],
            vec![(NOW - 20 * DAY_MS, Rating::Good)],
            vec![(NOW, Rating::Easy)],
            vec![(NOW, Rating::Good)],
        ];
        drill::points(library)
            .enumerate()
            .map(|(n, (question, point))| Candidate {
                question,
                point,
                card: reviews.get(n).and_then(|one| Card::of(&scheduler, one)),
                wording: None,
            })
            .collect()
    }

    fn chosen(which: Which, concept: Option<&str>) -> usize {
        let library = Library::built_in();
        let times = (NOW, NOW + DAY_MS / 2);
        let all = candidates(&library);
        choose(all, which, concept, &Scheduler::default(), times).len()
    }

    #[test]
    fn what_is_due_and_what_is_weak_are_taken_apart() {
        let library = Library::built_in();
        assert_eq!(chosen(Which::Due, None), 2);
        assert_eq!(chosen(Which::Weak, None), 1);
        assert_eq!(chosen(Which::All, None), drill::points(&library).count());
        let concept = &library.questions().next().expect("a question").concept;
        let of_it = chosen(Which::All, Some(concept));
        assert!(of_it >= 4 && of_it < chosen(Which::All, None));
        assert_eq!(chosen(Which::All, Some("no-such-concept")), 0);
    }

    #[test]
    fn every_point_of_the_guides_makes_a_whole_note_of_its_own() {
        let library = Library::built_in();
        let mut names = std::collections::BTreeSet::new();
        for one in candidates(&library) {
            let note = note(&one, &library);
            assert!(
                names.insert(note.guid()),
                "{} {}",
                note.question,
                note.point
            );
            for text in [&note.wording, &note.asked, &note.statement, &note.source] {
                assert!(!text.is_empty(), "{} {}", note.question, note.point);
            }
            assert!(!note.wording.contains(&note.statement));
        }
    }
}
