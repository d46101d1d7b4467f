//! The check of one story: which parts of the STAR frame are there and where,
//! whether the result has a number, whose doing it was, and how long it takes
//! to say.

use serde::{Deserialize, Serialize};

use super::SECONDS;
use super::parts::Parts;
use crate::guide::{PointKind, SpokenRange, StarPart};
use crate::interview::spoken::{Quote, spoken};
use crate::interview::{Attempt, Turn};
use crate::judge::text::sentences;
use crate::judge::{Assessment, Basis, Case, CasePoint, Verdict};

/// The parts in the order they are told, with the letter each is shown as.
pub const PARTS: [(StarPart, char); 5] = [
    (StarPart::Situation, 'S'),
    (StarPart::Task, 'T'),
    (StarPart::Action, 'A'),
    (StarPart::Result, 'R'),
    (StarPart::Lesson, 'L'),
];

/// What the judge is asked to look for, a statement a part.
const STATEMENTS: [(&str, StarPart); 5] = [
    (
        "Describes the situation and what was at stake",
        StarPart::Situation,
    ),
    ("Says what they were responsible for", StarPart::Task),
    ("Says what they did themselves", StarPart::Action),
    (
        "Says what came of it, with a number or a change that could be seen",
        StarPart::Result,
    ),
    ("Says what they learned from it", StarPart::Lesson),
];

/// What the person is asked for, as the judge reads it.
const QUESTION: &str = "Tell us about something you did at work.";

/// Share of the words' signal in the strength of a part; the judge has the
/// rest. The trained reader takes most personal texts for stories (it finds a
/// lesson where there is none), while the words of time, duty and outcome miss
/// a part told plainly; together they were right where either was wrong on the
/// stories of `tests/fixtures/stories` and variants of them with one part cut.
const WORDS: f32 = 0.6;

/// Strength from which a part is told, set on the same stories.
const TOLD: f32 = 0.55;

/// Strength from which a part is half there, likewise.
const UNCLEAR: f32 = 0.27;

/// How far a part is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is there.
    Told,
    /// Something of it may be there; a panel would ask.
    Unclear,
    /// It is not there.
    Missing,
}

/// What was found of one part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The part.
    pub part: StarPart,
    /// How far it is told.
    pub state: State,
    /// How clearly, 0 to 1.
    pub strength: f32,
    /// The sentences that show it; empty when it is missing.
    pub quotes: Vec<Quote>,
}

/// What is to be said of a story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The judge's version; `None` when the words alone were looked at.
    pub judge: Option<String>,
    /// The five parts, in the order of [`PARTS`].
    pub parts: Vec<Found>,
    /// Numbers in the sentences that tell the result.
    pub result_numbers: Vec<Quote>,
    /// "I", "my" and the like.
    pub own: usize,
    /// "We", "our" and the like.
    pub team: usize,
    /// Words.
    pub words: usize,
    /// Seconds they take to say at 140 words a minute.
    pub seconds: u32,
}

/// Returns what the judge is asked about a story with the words `text`.
pub fn case(text: &str) -> Case {
    Case {
        question: QUESTION.to_owned(),
        points: STATEMENTS
            .iter()
            .map(|(statement, part)| CasePoint {
                id: part.to_string(),
                text: (*statement).to_owned(),
                weight: 20.0,
                kind: PointKind::Essential,
                key_terms: Vec::new(),
                star: Some(*part),
            })
            .collect(),
        mistakes: Vec::new(),
        references: Vec::new(),
        behavioural: true,
        basis: Basis::Rubric,
        answer: text.to_owned(),
    }
}

/// Returns the check of a story; `judged` is what the judge said to [`case`],
/// and without it the words decide alone.
pub fn check(text: &str, judged: Option<&Assessment>) -> Check {
    let words = Parts::of(text);
    let places: Vec<_> = sentences(text);
    let parts: Vec<Found> = PARTS
        .iter()
        .map(|(part, _)| found(text, &words, &places, *part, judged))
        .collect();
    let said = spoken(
        &Attempt {
            turns: vec![Turn {
                text: text.to_owned(),
                ..Turn::default()
            }],
            ..Attempt::default()
        },
        SpokenRange {
            min: SECONDS.0,
            max: SECONDS.1,
        },
    );
    let result: Vec<&Quote> = parts
        .iter()
        .filter(|found| found.part == StarPart::Result)
        .flat_map(|found| &found.quotes)
        .collect();
    let mut check = Check {
        judge: judged.map(|judged| judged.judge.clone()),
        result_numbers: Vec::new(),
        own: 0,
        team: 0,
        words: 0,
        seconds: 0,
        parts: parts.clone(),
    };
    if let Some(said) = said {
        check.own = said.own.len();
        check.team = said.team.len();
        check.words = said.words;
        check.seconds = said.seconds;
        check.result_numbers = said
            .numbers
            .into_iter()
            .filter(|number| {
                words.is_of_result(number.start)
                    && result
                        .iter()
                        .any(|quote| quote.start <= number.start && number.end <= quote.end)
            })
            .collect();
    }
    check
}

fn found(
    text: &str,
    words: &Parts,
    sentences: &[std::ops::Range<usize>],
    part: StarPart,
    judged: Option<&Assessment>,
) -> Found {
    let places = words.places(part);
    let by_words = words.signal(part);
    let verdict = judged.and_then(|judged| {
        let id = part.to_string();
        judged.points.iter().find(|point| point.id == id)
    });
    let strength = match verdict {
        Some(point) => WORDS * by_words + (1.0 - WORDS) * point.probability,
        None => by_words,
    };
    let state = if strength >= TOLD {
        State::Told
    } else if strength >= UNCLEAR {
        State::Unclear
    } else {
        State::Missing
    };
    let quote = |range: &std::ops::Range<usize>| {
        Some(Quote {
            start: range.start,
            end: range.end,
            text: text.get(range.clone())?.to_owned(),
        })
    };
    let mut quotes: Vec<Quote> = sentences
        .iter()
        .filter(|range| {
            places
                .iter()
                .any(|at| range.start <= *at && *at < range.end)
        })
        .filter_map(quote)
        .collect();
    if quotes.is_empty()
        && let Some(point) = verdict.filter(|point| point.verdict != Verdict::Missing)
    {
        quotes = point.evidence.iter().filter_map(quote).collect();
    }
    if state == State::Missing {
        quotes.clear();
    }
    Found {
        part,
        state,
        strength,
        quotes,
    }
}

impl Check {
    /// Returns the five letters: the part's own where it is told, `·` where
    /// something may be there, `-` where it is missing.
    pub fn letters(&self) -> String {
        self.parts
            .iter()
            .map(|found| match found.state {
                State::Told => letter(found.part),
                State::Unclear => '\u{b7}',
                State::Missing => '-',
            })
            .collect()
    }

    /// Returns the state of one part.
    pub fn state(&self, part: StarPart) -> State {
        self.parts
            .iter()
            .find(|found| found.part == part)
            .map_or(State::Missing, |found| found.state)
    }

    /// Returns what to do about it, a sentence each, the weightiest first.
    pub fn advice(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (part, _) in PARTS {
            let advice = match part {
                StarPart::Situation => "Say where and when it was, and what was at stake.",
                StarPart::Task => "Say what was yours to do.",
                StarPart::Action => "Say what you did yourself, step by step.",
                StarPart::Result => "Say what came of it.",
                StarPart::Lesson => "Say what you learned, or do differently since.",
            };
            match self.state(part) {
                State::Missing => out.push(advice.to_owned()),
                State::Unclear => out.push(format!("Make it plainer: {}", lower(advice))),
                State::Told => {}
            }
        }
        if self.state(StarPart::Result) != State::Missing && self.result_numbers.is_empty() {
            out.push("Put a number to the result: before and after, time, money, people.".into());
        }
        if self.team > self.own {
            out.push(format!(
                "\u{201c}We\u{201d} {} times, \u{201c}I\u{201d} {}: say which part was yours.",
                self.team, self.own
            ));
        }
        let (shortest, longest) = SECONDS;
        if self.seconds < shortest {
            out.push(format!(
                "It takes {} seconds to say; a panel reckons with {shortest} at least.",
                self.seconds
            ));
        } else if self.seconds > longest {
            out.push(format!(
                "It takes {} seconds to say; a panel stops listening after {longest}.",
                self.seconds
            ));
        }
        out
    }
}

/// Returns the letter of a part.
pub fn letter(part: StarPart) -> char {
    PARTS
        .iter()
        .find(|(one, _)| *one == part)
        .map_or('?', |(_, letter)| *letter)
}

fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::PointVerdict;

    const FEED: &str = include_str!("../../tests/fixtures/stories/feed.txt");
    const THIN: &str = include_str!("../../tests/fixtures/stories/thin.txt");

    fn judged(probabilities: [f32; 5]) -> Assessment {
        Assessment {
            heard: None,
            judge: "test".to_owned(),
            points: STATEMENTS
                .iter()
                .zip(probabilities)
                .map(|((_, part), probability)| PointVerdict {
                    id: part.to_string(),
                    verdict: Verdict::Unsure,
                    probability,
                    evidence: std::iter::once(0..2).collect(),
                })
                .collect(),
            mistakes: Vec::new(),
            flags: Vec::new(),
            score: 0.0,
        }
    }

    #[test]
    fn a_whole_story_tells_five_parts_each_with_its_words() {
        let check = check(FEED, None);
        assert_eq!(check.letters(), "STARL");
        for found in &check.parts {
            assert!(!found.quotes.is_empty(), "{found:?}");
            for quote in &found.quotes {
                assert_eq!(&FEED[quote.start..quote.end], quote.text);
            }
        }
        let numbers: Vec<&str> = check
            .result_numbers
            .iter()
            .map(|number| number.text.as_str())
            .collect();
        assert_eq!(numbers[..2], ["four hundred", "thirty"]);
        assert_eq!((check.words, check.seconds), (142, 61));
        assert!(check.own > check.team);
        assert_eq!(check.advice(), Vec::<String>::new());
    }

    /// Returns how many parts and how many stories' numbers of a fixture are
    /// found by the words alone, and of how many; and what was found.
    fn measured(told: &str) -> ([usize; 4], String) {
        let [mut parts, mut all_parts, mut numbers, mut stories] = [0; 4];
        let mut lines = String::new();
        for block in told.split("\n=== ").skip(1) {
            let (head, story) = block.split_once('\n').expect("a story");
            let (letters, wanted) = head.split_once(" | ").expect("parts and numbers");
            let wanted: Vec<&str> = wanted.split("; ").filter(|one| *one != "-").collect();
            let check = check(story, None);
            let found: Vec<&str> = check
                .result_numbers
                .iter()
                .map(|number| number.text.as_str())
                .collect();
            let seen = check.letters();
            let right = letters
                .chars()
                .zip(seen.chars())
                .filter(|(told, found)| match told {
                    '-' => !found.is_alphabetic(),
                    told => told == found,
                })
                .count();
            lines.push_str(&format!("\n{letters} {seen} {wanted:?} {found:?}"));
            parts += right;
            all_parts += 5;
            numbers += usize::from(found == wanted);
            stories += 1;
        }
        ([parts, all_parts, numbers, stories], lines)
    }

    #[test]
    fn told_stories_have_the_parts_that_are_in_them() {
        let (first, seen) = measured(include_str!("../../tests/fixtures/stories/told-first.txt"));
        let (second, unseen) =
            measured(include_str!("../../tests/fixtures/stories/told-second.txt"));
        // Parts and numbers found, and of how many. The phrases that came
        // before these rules found 28 of 45 and 5 of 9, then 22 and 5.
        assert_eq!(first, [45, 45, 8, 9], "{seen}");
        assert!(second[0] >= 36 && second[2] >= 7, "{second:?}{unseen}");
    }

    #[test]
    fn a_thin_story_is_told_what_it_lacks() {
        let check = check(THIN, Some(&judged([0.85, 0.52, 0.5, 0.37, 0.5])));
        assert_eq!(check.letters(), "\u{b7}--\u{b7}-");
        let advice = check.advice().join(" ");
        for part in ["yours to do", "yourself", "number", "We", "13 seconds"] {
            assert!(advice.contains(part), "{part}: {advice}");
        }
        assert!(check.parts[1].quotes.is_empty());
    }

    #[test]
    fn words_and_judge_decide_together() {
        // The judge alone does not make a lesson of a text without one.
        let without = "Last year I was responsible for the search, so I profiled the code.";
        let check_of = |p| check(without, Some(&judged([0.87, 0.89, 0.82, p, 0.62])));
        assert_eq!(check_of(0.47).letters(), "STA--");
        // A part the words do not know is shown by the judge's evidence.
        let found = &check_of(0.9).parts[3];
        assert_eq!(found.state, State::Unclear);
        assert_eq!(found.quotes[0].text, "La");
    }

    #[test]
    fn a_long_story_is_a_ramble() {
        let long = format!("{FEED} {}", "And then there was more of it. ".repeat(60));
        let advice = check(&long, None).advice();
        assert!(advice.iter().any(|line| line.contains("180")), "{advice:?}");
    }

    #[test]
    fn the_judge_is_asked_for_every_part_once() {
        let case = case("I did it.");
        let parts: Vec<_> = case.points.iter().filter_map(|point| point.star).collect();
        assert_eq!(parts, PARTS.map(|(part, _)| part));
        assert!(case.behavioural);
    }
}
