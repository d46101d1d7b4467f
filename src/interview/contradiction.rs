//! What a candidate said in one answer and unsaid in another, told by the
//! program alone: a point made and then got wrong, a point made beside a
//! mistake about the same, two figures for the same named thing.
//!
//! Silence is better than a false charge: somebody who takes something back
//! does not contradict themselves, two figures of different stories are not
//! compared, and nothing is read within one answer.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::figures::{Figure, Kind, differ, figures};
use super::plan::{Plan, PlannedQuestion};
use super::record::{Attempt, QuestionRecord};
use super::spoken::Quote;
use super::words::{clauses, content_stems, sentences};
use crate::judge::{Assessment, Verdict};

/// Share of the informative words of the shorter of two statements of the
/// guides that the other must hold for both to be about the same.
const NEAR: f32 = 0.5;

/// The same where both questions are about one concept.
const NEAR_IN_CONCEPT: f32 = 0.34;

/// Informative words that two such statements must share.
const SHARED: usize = 3;

/// Informative words that two sentences of different questions must share,
/// beside the name of the figure, to be about the same thing.
const ANCHORS: usize = 2;

/// Words of a passage that can be said aloud.
const SPEAKABLE: std::ops::RangeInclusive<usize> = 3..=16;

/// Phrases of somebody who corrects themselves.
const TAKEN_BACK: [&str; 24] = [
    "sorry",
    "i meant",
    "correct that",
    "correct myself",
    "correct something",
    "correction",
    "take back",
    "take that back",
    "take it back",
    "take one thing back",
    "take this back",
    "took that back",
    "scratch that",
    "scrap",
    "withdraw",
    "misspoke",
    "i was wrong",
    "mistaken",
    "changed my mind",
    "rephrase",
    "hold on",
    "shouldn't have said",
    "i said earlier",
    "what i said",
];

/// A passage of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Index of the question.
    pub question: usize,
    /// The answer to it, from 0: 0 is the first, the others follow-ups.
    pub turn: usize,
    /// The sentence, a range of all the candidate said to the question.
    pub quote: Quote,
    /// What of it is said aloud.
    pub spoken: Option<String>,
}

/// What two passages disagree about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A figure for a named thing: the name as it was said.
    Figure(String),
    /// A statement of the guides.
    Statement(String),
}

/// Two passages that cannot both be so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// What was said first.
    pub earlier: Passage,
    /// What was said later.
    pub later: Passage,
    /// What they are about.
    pub about: About,
}

/// One answer of the interview.
struct Told<'a> {
    question: usize,
    turn: usize,
    /// Where it begins in all that was said to the question.
    offset: usize,
    at_ms: u64,
    text: &'a str,
    taken_back: bool,
}

/// Returns the contradictions between the answers of an interview, in the
/// order in which their later passages were said.
pub fn find(plan: &Plan, records: &[QuestionRecord]) -> Vec<Contradiction> {
    let attempts: Vec<Option<&Attempt>> = records
        .iter()
        .enumerate()
        .map(|(index, record)| record.attempt().filter(|_| !plan.is_reverse(index)))
        .collect();
    let mut told: Vec<Told<'_>> = Vec::new();
    for (question, attempt) in attempts.iter().enumerate() {
        for (turn, said) in attempt.iter().flat_map(|one| one.turns.iter().enumerate()) {
            told.push(Told {
                question,
                turn,
                offset: attempt.map_or(0, |one| one.offset(turn)),
                at_ms: said.at_ms,
                text: &said.text,
                taken_back: is_taken_back(&said.text),
            });
        }
    }
    told.sort_by_key(|one| (one.at_ms, one.question, one.turn));
    let mut found = of_figures(&told);
    found.extend(of_statements(plan, &attempts, &told));
    let when = |passage: &Passage| {
        told.iter()
            .position(|one| one.question == passage.question && one.turn == passage.turn)
    };
    found.sort_by_key(|one| (when(&one.later), one.later.quote.start));
    found
}

/// Returns whether somebody corrects themselves in these words.
fn is_taken_back(text: &str) -> bool {
    let plain: Vec<String> = text
        .unicode_words()
        .map(|word| word.to_lowercase().replace('\u{2019}', "'"))
        .collect();
    let plain = format!(" {} ", plain.join(" "));
    TAKEN_BACK
        .iter()
        .any(|phrase| plain.contains(&format!(" {phrase} ")))
}

fn of_figures(told: &[Told<'_>]) -> Vec<Contradiction> {
    // Each answer's figures by what they are of; two figures for one thing in
    // the same answer say that it is not one thing.
    type Named = BTreeMap<(Vec<String>, Kind), Vec<Figure>>;
    let read: Vec<Named> = told
        .iter()
        .map(|one| {
            let mut named = Named::new();
            let all = if one.taken_back {
                Vec::new()
            } else {
                figures(one.text)
            };
            for figure in all {
                let key = (figure.name.clone(), figure.kind);
                named.entry(key).or_default().push(figure);
            }
            named
        })
        .collect();
    let mut found = Vec::new();
    for (later, (one, here)) in told.iter().zip(&read).enumerate() {
        for (key, mine) in here {
            let [mine] = mine.as_slice() else { continue };
            let clash = told
                .iter()
                .zip(&read)
                .take(later)
                .rev()
                .find_map(|(other, there)| {
                    let [theirs] = there.get(key)?.as_slice() else {
                        return None;
                    };
                    let same_thing = other.question == one.question
                        || is_anchored((one.text, mine), (other.text, theirs));
                    (same_thing && differ(mine, theirs)).then_some((other, theirs))
                });
            if let Some((other, theirs)) = clash {
                let name = one
                    .text
                    .get(mine.place.clone())
                    .unwrap_or_default()
                    .to_owned();
                found.extend(contradiction(
                    (other, &theirs.sentence, &theirs.place),
                    (one, &mine.sentence, &mine.place),
                    About::Figure(name),
                ));
            }
        }
    }
    found
}

/// Returns whether two sentences of different questions speak of the same
/// thing: they share a proper name, or words beside the figure's name.
fn is_anchored(one: (&str, &Figure), other: (&str, &Figure)) -> bool {
    fn parts<'a>((text, figure): (&'a str, &Figure)) -> (BTreeSet<String>, BTreeSet<&'a str>) {
        let sentence = text.get(figure.sentence.clone()).unwrap_or_default();
        let mut words = content_stems(sentence);
        words.retain(|stem| !figure.name.contains(stem));
        (words, proper_names(sentence))
    }
    let ((words, names), (other_words, other_names)) = (parts(one), parts(other));
    names.intersection(&other_names).next().is_some()
        || words.intersection(&other_words).count() >= ANCHORS
}

/// Returns the words of a sentence that begin with a capital and do not stand
/// at its beginning.
fn proper_names(sentence: &str) -> BTreeSet<&str> {
    sentence
        .unicode_words()
        .skip(1)
        .filter(|word| {
            word.chars().count() > 2
                && word.starts_with(char::is_uppercase)
                && !word.starts_with("I\u{2019}")
                && !word.starts_with("I'")
        })
        .collect()
}

/// What was judged of a statement, with the words it rests on.
struct Judged<'a> {
    question: usize,
    statement: &'a str,
    concept: &'a str,
    evidence: Range<usize>,
}

fn of_statements(
    plan: &Plan,
    attempts: &[Option<&Attempt>],
    told: &[Told<'_>],
) -> Vec<Contradiction> {
    let mut made: Vec<Judged<'_>> = Vec::new();
    let mut unsaid: Vec<Judged<'_>> = Vec::new();
    let mut found = Vec::new();
    for (question, (planned, attempt)) in plan.questions.iter().zip(attempts).enumerate() {
        let Some(attempt) = attempt else { continue };
        let Some(last) = attempt.assessment() else {
            continue;
        };
        let judged = |statement, evidence: &Range<usize>| Judged {
            question,
            statement,
            concept: planned.question.concept.as_str(),
            evidence: evidence.clone(),
        };
        for point in &planned.question.points {
            let verdict = |one: &Assessment| {
                one.points
                    .iter()
                    .find(|found| found.id == point.id)
                    .and_then(|found| Some((found.verdict, found.evidence.first()?.clone())))
            };
            match verdict(last) {
                Some((Verdict::Covered, at)) => made.push(judged(&point.text, &at)),
                Some((Verdict::Wrong, at)) => {
                    unsaid.push(judged(&point.text, &at));
                    found.extend(taken_apart(
                        question, planned, attempt, &point.id, &at, told,
                    ));
                }
                _ => {}
            }
        }
        for mistake in &planned.question.mistakes {
            let at = last
                .mistakes
                .iter()
                .find(|found| found.id == mistake.id && found.made)
                .and_then(|found| found.evidence.first());
            unsaid.extend(at.map(|at| judged(&mistake.text, at)));
        }
    }
    for good in &made {
        for bad in &unsaid {
            if good.question == bad.question && good.statement == bad.statement {
                continue;
            }
            if is_near(good, bad) {
                found.extend(pair(
                    (good.question, &good.evidence),
                    (bad.question, &bad.evidence),
                    good.statement,
                    told,
                ));
            }
        }
    }
    found
}

/// Returns the contradiction of a point that an answer made and a later answer
/// to the same question, whose words are `wrong`, got wrong.
fn taken_apart(
    question: usize,
    planned: &PlannedQuestion,
    attempt: &Attempt,
    point: &str,
    wrong: &Range<usize>,
    told: &[Told<'_>],
) -> Option<Contradiction> {
    let made = attempt.judgements.iter().find_map(|judgement| {
        judgement
            .assessment
            .points
            .iter()
            .find(|found| found.id == point && found.verdict == Verdict::Covered)
            .and_then(|found| found.evidence.first())
    })?;
    let statement = planned.question.points.iter().find(|one| one.id == point)?;
    pair((question, made), (question, wrong), &statement.text, told)
}

/// Returns whether a point and a statement that speaks against it are about
/// the same.
fn is_near(good: &Judged<'_>, bad: &Judged<'_>) -> bool {
    let (one, other) = (content_stems(good.statement), content_stems(bad.statement));
    let shared = one.intersection(&other).count();
    let share = shared as f32 / one.len().min(other.len()).max(1) as f32;
    let needed = if good.concept == bad.concept {
        NEAR_IN_CONCEPT
    } else {
        NEAR
    };
    shared >= SHARED && share >= needed
}

/// Returns the contradiction between two passages of different answers, each
/// a range of all that was said to its question; `None` where they belong to
/// one answer, or the later one takes the earlier back.
fn pair(
    one: (usize, &Range<usize>),
    other: (usize, &Range<usize>),
    statement: &str,
    told: &[Told<'_>],
) -> Option<Contradiction> {
    let place = |(question, range): (usize, &Range<usize>)| {
        told.iter().enumerate().find_map(|(at, one)| {
            let start = range.start.checked_sub(one.offset)?;
            let inside = one.question == question && start < one.text.len();
            let end = (range.end - one.offset).min(one.text.len());
            inside.then_some((at, start..end))
        })
    };
    let (first, second) = (place(one)?, place(other)?);
    let (first, second) = if first.0 <= second.0 {
        (first, second)
    } else {
        (second, first)
    };
    let (earlier, later) = (told.get(first.0)?, told.get(second.0)?);
    if first.0 == second.0 || later.taken_back {
        return None;
    }
    contradiction(
        (earlier, &first.1, &first.1),
        (later, &second.1, &second.1),
        About::Statement(statement.to_owned()),
    )
}

fn contradiction(
    earlier: (&Told<'_>, &Range<usize>, &Range<usize>),
    later: (&Told<'_>, &Range<usize>, &Range<usize>),
    about: About,
) -> Option<Contradiction> {
    let passage = |(told, sentence, key): (&Told<'_>, &Range<usize>, &Range<usize>)| {
        let text = told.text.get(sentence.clone())?;
        let start = sentence.start + (text.len() - text.trim_start().len());
        let text = text.trim();
        (!text.is_empty()).then(|| Passage {
            question: told.question,
            turn: told.turn,
            quote: Quote {
                start: told.offset + start,
                end: told.offset + start + text.len(),
                text: text.to_owned(),
            },
            spoken: speakable(told.text, key),
        })
    };
    Some(Contradiction {
        earlier: passage(earlier)?,
        later: passage(later)?,
        about,
    })
}

/// Returns the words around `key` that can be said aloud, verbatim: its
/// sentence, its clauses, or as many words from its beginning as a listener
/// keeps.
fn speakable(text: &str, key: &Range<usize>) -> Option<String> {
    let sentence = sentences(text)
        .into_iter()
        .find(|sentence| sentence.start <= key.start && key.start < sentence.end)?;
    let end = key.end.min(sentence.end);
    let touching: Vec<Range<usize>> = clauses(text, sentence.clone())
        .into_iter()
        .map(|clause| clause.range)
        .filter(|clause| clause.start < end && key.start < clause.end)
        .collect();
    let clause = match (touching.first(), touching.last()) {
        (Some(first), Some(last)) => first.start..last.end,
        _ => sentence.clone(),
    };
    [sentence, clause.clone()]
        .into_iter()
        .chain(head(text, clause))
        .find_map(|range| {
            let part = text.get(range)?;
            let part = part.trim().trim_end_matches(|c: char| ".,;:!?".contains(c));
            let plain = !part.contains(['\n', '"', '\u{201c}', '\u{201d}'])
                && !part.chars().any(char::is_control);
            let words = part.split_whitespace().count();
            (plain && SPEAKABLE.contains(&words)).then(|| part.to_owned())
        })
}

/// Returns the first words of a clause, as many as can be said aloud.
fn head(text: &str, clause: Range<usize>) -> Option<Range<usize>> {
    let part = text.get(clause.clone())?;
    let (at, word) = part
        .split_word_bound_indices()
        .filter(|(_, word)| word.chars().any(char::is_alphanumeric))
        .nth(SPEAKABLE.end() - 2)?;
    Some(clause.start..clause.start + at + word.len())
}

#[cfg(test)]
#[path = "contradiction_tests.rs"]
mod tests;
