//! Judging one verdict again on the words a person points at.
//!
//! What is fair is decided here and written down in `docs/judge.md`. Somebody
//! who contests a point that was not heard names the words that make it: they
//! are judged alone and in the sentences around them, and the better reading
//! counts. Somebody who contests that they were wrong cannot choose the words
//! that were held against them: those stay part of what is judged again. Words
//! that would be no answer by themselves count for nothing, and no reading
//! makes a verdict worse than it was.
//!
//! It stores and prints nothing.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::assessment::{Assessment, Case, Flag, Judge, Verdict};
use super::score::{self, Overall};
use super::{flags, text};
use crate::Result;
use crate::llm::Cancel;

/// Words that are judged by themselves; of fewer, only the sentences they
/// stand in are judged: a keyword alone says nothing.
pub const MIN_WORDS: usize = 5;

/// What is contested.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "kebab-case")]
pub enum Target {
    /// The verdict on a point.
    Point(String),
    /// That a mistake was made.
    Mistake(String),
}

/// A verdict on a point or a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// The point is made.
    Covered,
    /// It is nearly made.
    Partial,
    /// It is not mentioned.
    Missing,
    /// It is wrong.
    Wrong,
    /// It cannot be told.
    Unsure,
    /// The mistake was made.
    Made,
    /// The mistake was not made.
    NotMade,
}

impl Ruling {
    /// Returns the words it is shown as.
    pub fn words(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Partial => "partly there",
            Self::Missing => "missing",
            Self::Wrong => "wrong",
            Self::Unsure => "unclear",
            Self::Made => "made",
            Self::NotMade => "not made",
        }
    }

    /// Returns the verdict on a point, if it is one.
    pub fn verdict(self) -> Option<Verdict> {
        Some(match self {
            Self::Covered => Verdict::Covered,
            Self::Partial => Verdict::Partial,
            Self::Missing => Verdict::Missing,
            Self::Wrong => Verdict::Wrong,
            Self::Unsure => Verdict::Unsure,
            Self::Made | Self::NotMade => return None,
        })
    }
}

impl From<Verdict> for Ruling {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Covered => Self::Covered,
            Verdict::Partial => Self::Partial,
            Verdict::Missing => Self::Missing,
            Verdict::Wrong => Self::Wrong,
            Verdict::Unsure => Self::Unsure,
        }
    }
}

/// A verdict with its probability and the version of the judge that gave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ruled {
    /// The verdict.
    pub verdict: Ruling,
    /// Probability that the point or the mistake was made, 0 to 1.
    pub probability: f32,
    /// The judge's version.
    pub judge: String,
}

/// What came of judging again.
#[derive(Debug, Clone, PartialEq)]
pub struct Again {
    /// The verdict on the words pointed at.
    pub ruled: Ruled,
    /// Why the words could not count, where every reading of them was no
    /// answer.
    pub refused: Option<Flag>,
    /// Whether the new verdict is better for the person than the one before;
    /// otherwise the one before stands.
    pub counts: bool,
}

/// Returns what `assessment` says of the target, if it is there.
pub fn ruled(assessment: &Assessment, target: &Target) -> Option<Ruled> {
    let (verdict, probability) = match target {
        Target::Point(id) => {
            let point = assessment.points.iter().find(|point| point.id == *id)?;
            (Ruling::from(point.verdict), point.probability)
        }
        Target::Mistake(id) => {
            let found = assessment.mistakes.iter().find(|one| one.id == *id)?;
            let ruling = if found.made {
                Ruling::Made
            } else {
                Ruling::NotMade
            };
            (ruling, found.probability)
        }
    };
    Some(Ruled {
        verdict,
        probability,
        judge: assessment.judge.clone(),
    })
}

/// Returns where `words` stand in `answer`, in bytes, widened to whole words.
/// White space, case, the shape of apostrophes and quotation marks around the
/// words do not matter; anything else does. `None` when they are not there.
///
/// ```
/// use viva::judge::contest::locate;
///
/// let answer = "I fit the scaler on the\ntraining part.";
/// assert_eq!(locate(answer, "\"Scaler on  the Training\""), Some(10..32));
/// assert_eq!(locate(answer, "scaler on the test part"), None);
/// ```
pub fn locate(answer: &str, words: &str) -> Option<Range<usize>> {
    let hay = folded(answer);
    let wanted = folded(words);
    let is_edge = |c: char| c == ' ' || "\"'.,;:!?\u{2026}()".contains(c);
    let start = wanted.iter().position(|(c, _)| !is_edge(*c))?;
    let end = wanted.iter().rposition(|(c, _)| !is_edge(*c))? + 1;
    let needle: Vec<char> = wanted.get(start..end)?.iter().map(|(c, _)| *c).collect();
    let at = hay
        .windows(needle.len())
        .position(|window| window.iter().map(|(c, _)| *c).eq(needle.iter().copied()))?;
    let last = at + needle.len() - 1;
    let in_word = |index: usize| hay.get(index).is_some_and(|(c, _)| c.is_alphanumeric());
    let mut first = at;
    while first > 0 && in_word(first) && in_word(first - 1) {
        first -= 1;
    }
    let mut end = last;
    while in_word(end) && in_word(end + 1) {
        end += 1;
    }
    Some(hay.get(first)?.1.start..hay.get(end)?.1.end)
}

/// Returns the characters of a text without case, runs of white space as one
/// space, each with the bytes it stands for.
fn folded(text: &str) -> Vec<(char, Range<usize>)> {
    let mut out: Vec<(char, Range<usize>)> = Vec::new();
    for (at, c) in text.char_indices() {
        let bytes = at..at + c.len_utf8();
        if c.is_whitespace() {
            match out.last_mut() {
                Some((' ', before)) => before.end = bytes.end,
                _ => out.push((' ', bytes)),
            }
            continue;
        }
        let c = match c {
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            c => c,
        };
        out.extend(c.to_lowercase().map(|c| (c, bytes.clone())));
    }
    out
}

/// Returns the texts that are judged in the place of the answer: `words`
/// alone, the sentences they stand in, and these with the sentence before and
/// the one after, since the judge hears a point better where it is led up to.
/// Where something is held against the
/// person, `accused` are the words it rests on, and the one text is the
/// sentences of both, in the answer's order.
pub fn readings(answer: &str, words: &Range<usize>, accused: &[Range<usize>]) -> Vec<String> {
    let touches = |sentence: &Range<usize>, range: &Range<usize>| {
        sentence.start < range.end && range.start < sentence.end
    };
    let sentences = text::sentences(answer);
    let of = |wanted: &dyn Fn(usize) -> bool| {
        let parts: Vec<&str> = (0..sentences.len())
            .filter(|at| wanted(*at))
            .filter_map(|at| answer.get(sentences[at].clone()))
            .collect();
        parts.join(" ")
    };
    let touched = |at: usize| {
        sentences.get(at).is_some_and(|sentence| {
            touches(sentence, words) || accused.iter().any(|range| touches(sentence, range))
        })
    };
    let mut out = Vec::new();
    if accused.is_empty() {
        let alone = answer.get(words.clone()).unwrap_or_default().trim();
        if alone.split_whitespace().count() >= MIN_WORDS {
            out.push(alone.to_owned());
        }
    }
    out.push(of(&touched));
    if accused.is_empty() {
        out.push(of(&|at| {
            touched(at) || touched(at + 1) || at.checked_sub(1).is_some_and(touched)
        }));
    }
    out.dedup();
    out
}

/// Judges `target` again on `words`, a byte range of the answer of `case`,
/// whose first judgement was `before`.
///
/// # Errors
/// Fails when the judge fails, or when cancelled.
pub async fn again(
    judge: &dyn Judge,
    case: &Case,
    before: &Ruled,
    target: &Target,
    (words, accused): (&Range<usize>, &[Range<usize>]),
    cancel: Cancel,
) -> Result<Again> {
    let held = matches!(before.verdict, Ruling::Wrong | Ruling::Made);
    let accused = if held { accused } else { &[] };
    let mut best: Option<Ruled> = None;
    let mut refused: Option<(Flag, Ruled)> = None;
    for reading in readings(&case.answer, words, accused) {
        let case = Case {
            answer: reading,
            ..case.clone()
        };
        let found = judge.assess(&case, cancel.clone()).await?;
        let Some(one) = ruled(&found, target) else {
            continue;
        };
        match found.flags.iter().find(|flag| flags::gates(**flag)) {
            Some(flag) => refused = Some((*flag, one)),
            None if best.as_ref().is_none_or(|best| is_better(&one, best)) => best = Some(one),
            None => {}
        }
    }
    let counts = best.as_ref().is_some_and(|one| is_better(one, before));
    Ok(match (best, refused) {
        (Some(ruled), _) => Again {
            ruled,
            refused: None,
            counts,
        },
        (None, Some((flag, ruled))) => Again {
            ruled,
            refused: Some(flag),
            counts: false,
        },
        (None, None) => Again {
            ruled: before.clone(),
            refused: Some(Flag::NonAnswer),
            counts: false,
        },
    })
}

/// Returns whether one verdict is better for the person than another: a point
/// that is more probable, or a mistake that is less.
pub fn is_better(one: &Ruled, other: &Ruled) -> bool {
    match one.verdict {
        Ruling::Made | Ruling::NotMade => one.probability < other.probability,
        // Not wrong any more is better at any probability.
        _ if one.verdict != Ruling::Wrong && other.verdict == Ruling::Wrong => true,
        _ if one.verdict == Ruling::Wrong && other.verdict != Ruling::Wrong => false,
        _ => one.probability > other.probability,
    }
}

/// Returns the score of `assessment` with `rulings` in the place of what it
/// says of their targets, by the same formula.
pub fn score_with(case: &Case, assessment: &Assessment, rulings: &[(Target, Ruled)]) -> f32 {
    let mut points = assessment.points.clone();
    let mut mistakes = assessment.mistakes.clone();
    let mut won = 0.0;
    for (target, ruled) in rulings {
        match target {
            Target::Point(id) => {
                for point in points.iter_mut().filter(|point| point.id == *id) {
                    won += (ruled.probability - point.probability).max(0.0);
                    point.probability = ruled.probability;
                    if let Some(verdict) = ruled.verdict.verdict() {
                        point.verdict = verdict;
                    }
                }
            }
            Target::Mistake(id) => {
                for found in mistakes.iter_mut().filter(|found| found.id == *id) {
                    found.probability = ruled.probability;
                    found.made = ruled.verdict == Ruling::Made;
                }
            }
        }
    }
    // What was won by a contest was heard after all.
    let share = won / points.len().max(1) as f32;
    score::score(
        case,
        &points,
        Overall {
            heard: assessment.heard.map(|heard| (heard + share).min(1.0)),
            ..Overall::default()
        },
        &mistakes,
        &assessment.flags,
    )
}

#[cfg(test)]
#[path = "contest_tests.rs"]
mod tests;
