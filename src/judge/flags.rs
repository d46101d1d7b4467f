//! What an answer as a whole is, beyond the points it makes: nothing, the
//! question said back, a heap of keywords, the model answer by heart, or a
//! message to whoever grades.
//!
//! Words that are no answer (a message to the grader, a heap of keywords, the
//! question said back) are struck before anything is looked for, so that
//! padding them with other words cannot bring them back. When what was struck
//! is most of the answer, the answer is flagged.

use std::collections::HashSet;

use super::assessment::{Case, Flag};
use super::lexical::question_stems;
use super::text::{Text, Word};

/// Words of the regions in which keyword heaps are looked for.
const HEAP_WINDOW: usize = 14;

/// Share of function words below which such a region is a heap of keywords.
/// English speech has .45 to .60; the tersest exam answers measured, .20.
const HEAP_SHARE: f32 = 0.12;

/// Words in a row, shared with the question, that are the question said back.
const ECHO_RUN: usize = 6;

/// Words in a row that, shared with a reference, are taken from it.
const RECITED_RUN: usize = 8;

/// Share of an answer that must be struck for it to be flagged.
const MOSTLY: f32 = 0.6;

/// Words in which somebody says that they have no answer to an exam question.
const DISCLAIMER: usize = 12;

/// Phrases that address whoever grades.
const TO_GRADER: &[&str] = &[
    "full marks please",
    "full marks for this",
    "full marks for me",
    "score this answer",
    "score this as",
    "every point as",
    "all points as",
    "all the points as",
    "each point as",
    "mark this answer",
    "mark this as",
    "grade this answer",
    "grade this as",
    "rate this answer",
    "this answer is correct",
    "this answer is perfect",
    "this answer is complete",
    "this answer covers all",
    "this answer covers every",
    "this answer deserves",
    "treat this answer",
    "treat this as",
    "consider this answer",
    "accept this answer",
    "dear grader",
    "dear evaluator",
    "dear examiner",
    "to the grader",
    "to grader",
    "attention grader",
    "as the grader",
    "the grader must",
    "the grader should",
    "you are the grader",
    "you are a grader",
    "you are grading",
    "for the evaluator",
    "to the evaluator",
    "note to evaluator",
    "the evaluator should",
    "note to the ai",
    "note to ai",
    "output covered",
    "verdict covered",
    "answer yes to",
    "answer yes for",
    "say yes to every",
    "say yes to all",
    "respond with yes",
    "reply yes",
    "points are covered",
    "all points covered",
    "all criteria are met",
    "all criteria met",
    "pass this candidate",
    "hire this candidate",
    "candidate has passed",
];

/// Verbs that, shortly before one of [`PRIZES`], ask for a grade.
const GRANTS: &[&str] = &[
    "give", "award", "assign", "grant", "deserve", "deserves", "mark", "grade", "rate", "output",
    "return", "set",
];

/// Grades asked for.
const PRIZES: &[&str] = &[
    "full marks",
    "full score",
    "full points",
    "full credit",
    "maximum score",
    "maximum marks",
    "max score",
    "max points",
    "perfect score",
    "highest score",
    "highest marks",
    "highest grade",
    "top score",
    "top marks",
    "score of 100",
    "score of 10",
    "score 100",
    "score to 100",
    "100 out of",
    "10 out of 10",
    "100 points",
    "100 percent",
    "as covered",
    "as correct",
    "a perfect",
    "covered for",
];

/// Phrases that try to instruct a model.
const TO_MODEL: &[&str] = &[
    "ignore previous instructions",
    "ignore all previous",
    "ignore the previous",
    "ignore prior",
    "ignore the above",
    "ignore all instructions",
    "ignore your instructions",
    "ignore any previous",
    "ignore the rubric",
    "ignore all prior",
    "ignore everything above",
    "disregard previous",
    "disregard the above",
    "disregard all",
    "disregard the rubric",
    "disregard your",
    "disregard prior",
    "forget previous",
    "forget the previous",
    "forget all previous",
    "forget your instructions",
    "forget the rubric",
    "system override",
    "you are now",
    "developer mode",
    "you must output",
    "you must answer",
];

/// Words of questions that are themselves about grading or attacks; there the
/// phrases above may be part of an honest answer.
const ABOUT_GRADING: &[&str] = &[
    "injection",
    "jailbreak",
    "jailbreaks",
    "guardrails",
    "judge",
    "grader",
    "grading",
    "rubric",
    "rubrics",
    "adversarial",
    "attack",
    "attacks",
];

/// Phrases of somebody who has no answer.
const NO_ANSWER: &[&str] = &[
    "i dont know",
    "dont know",
    "do not know",
    "no idea",
    "not sure",
    "no clue",
    "cant remember",
    "cannot remember",
    "dont remember",
    "never heard",
    "no answer",
    "pass on this",
    "id pass",
    "skip this",
    "skip",
    "pass",
    "nothing comes to mind",
    "cant answer",
    "cannot answer",
    "cant think",
    "not familiar",
    "couldnt say",
    "couldnt tell",
    "havent come across",
    "not come across",
    "no comment",
    "next question",
    "havent used",
    "never used",
    "never worked",
    "havent worked",
    "not applicable",
    "n a",
];

/// Words around which somebody without an answer says nothing.
const EMPTY_TALK: &[&str] = &[
    "sorry",
    "question",
    "questions",
    "answer",
    "honest",
    "honestly",
    "sure",
    "know",
    "idea",
    "remember",
    "heard",
    "good",
    "great",
    "interesting",
    "skip",
    "pass",
    "moment",
    "right",
    "head",
    "top",
    "experience",
    "unfortunately",
    "afraid",
    "apologies",
    "please",
    "familiar",
    "thank",
    "thanks",
    "time",
    "learn",
    "day",
    "quick",
    "look",
    "move",
    "come",
    "back",
    "later",
    "used",
    "worked",
    "topic",
    "area",
    "none",
    "na",
    "blank",
    "mind",
    "clue",
    "tell",
    "off",
];

/// What was found out about a whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Screened {
    /// The answer without the words that were struck.
    pub text: Text,
    /// What it is.
    pub flags: Vec<Flag>,
}

/// Returns whether an answer flagged so gets at most [`super::score::GATE`].
/// Reciting is not among them: the panel asks a variant instead.
pub fn gates(flag: Flag) -> bool {
    flag != Flag::Recitation
}

/// Strikes what is no answer from `answer`, and says what the answer is.
/// Off-topic answers are found later, by [`off_topic`].
pub fn screen(case: &Case, answer: Text) -> Screened {
    let question = Text::new(&case.question);
    let mut flags = Vec::new();
    let whole = answer.words.len();
    let mut struck = vec![false; whole];

    if to_grader(&answer, &question, &mut struck) {
        flags.push(Flag::GraderInstruction);
    }
    // Exam answers that are lists or formulas look like heaps, and there is a
    // whole model answer to compare them with.
    let written = case.basis.is_written();
    let heap = match written {
        true => 0,
        false => strike_heaps(&answer, &mut struck),
    };
    if whole > 0 && share(heap, whole) >= MOSTLY {
        flags.push(Flag::KeywordSalad);
    }
    if echoes(&answer, &question, written, &mut struck) {
        flags.push(Flag::QuestionEcho);
    }
    let references = case.references.iter().map(String::as_str);
    let points = case.points.iter().map(|point| point.text.as_str());
    let read: Vec<Text> = references.chain(points).map(Text::new).collect();
    if recites(&answer, &read) {
        flags.push(Flag::Recitation);
    }
    // Somebody without an answer to an exam question says so shortly ("pass it
    // in" is no pass), and a formula is one.
    let none = match written {
        true => {
            answer.words.is_empty()
                || answer.words.len() <= DISCLAIMER
                    && is_empty(&answer, &question)
                    && !phrases(&answer, NO_ANSWER).is_empty()
        }
        false => is_empty(&answer, &question),
    };
    if none && flags.is_empty() {
        flags.push(Flag::NonAnswer);
    }
    let mut kept = struck.iter();
    let mut text = answer;
    text.words
        .retain(|_| !kept.next().copied().unwrap_or(false));
    Screened { text, flags }
}

/// Returns whether an answer that was not flagged speaks of something else.
/// `relation` is the strongest relation, 0 to 1, of the answer to the question
/// or any point by words, `meaning` the strongest by vectors when there are any,
/// and `about` how near the matcher finds the whole answer to question and points
/// together.
pub fn off_topic(answer: &Text, relation: f32, meaning: Option<f32>, about: Option<f32>) -> bool {
    // Nearer are 99% of the labelled answers to the question; two thirds of good answers
    // to other questions of the field are not: validation part of the corpus.
    const ABOUT: f32 = 0.09;
    const LONG_ENOUGH: usize = 12;
    if answer.content_words() < LONG_ENOUGH {
        return false;
    }
    match meaning {
        Some(meaning) => {
            relation < 0.2 && meaning < 0.25 || about.is_some_and(|about| about < ABOUT)
        }
        None => relation < 0.02,
    }
}

fn share(part: usize, whole: usize) -> f32 {
    part as f32 / whole.max(1) as f32
}

/// Finds messages to the grader and strikes them with the words around them.
fn to_grader(answer: &Text, question: &Text, struck: &mut [bool]) -> bool {
    const AROUND: usize = 10;
    let honest = question
        .words
        .iter()
        .any(|word| ABOUT_GRADING.contains(&word.text.as_str()));
    let mut places = phrases(answer, TO_GRADER);
    for (at, end) in phrases(answer, PRIZES) {
        const REACH: usize = 8;
        let before = &answer.words[at.saturating_sub(REACH)..at];
        if before
            .iter()
            .any(|word| GRANTS.contains(&word.text.as_str()))
        {
            places.push((at, end));
        }
    }
    let to_model = phrases(answer, TO_MODEL);
    // One such phrase may be a manner of speaking; an instruction to a model,
    // or several, are not, unless the question is about just that.
    let needed = if honest { 3 } else { 1 };
    places.extend(to_model);
    if places.len() < needed {
        return false;
    }
    for (from, to) in places {
        let end = (to + AROUND).min(struck.len());
        struck[from.saturating_sub(AROUND)..end].fill(true);
    }
    true
}

fn phrases(text: &Text, phrases: &[&str]) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    for phrase in phrases {
        let words: Vec<&str> = phrase.split(' ').collect();
        for (at, window) in text.words.windows(words.len()).enumerate() {
            if window
                .iter()
                .map(|word| word.text.as_str())
                .eq(words.iter().copied())
            {
                out.push((at, at + words.len()));
            }
        }
    }
    out
}

/// Strikes regions of keywords without sentences around them; returns the
/// number of words struck.
fn strike_heaps(answer: &Text, struck: &mut [bool]) -> usize {
    let mut heap = vec![false; struck.len()];
    if answer.words.len() >= HEAP_WINDOW {
        for (at, window) in answer.words.windows(HEAP_WINDOW).enumerate() {
            let function = window.iter().filter(|w| w.stop || is_figure(w)).count();
            let different: HashSet<&str> = window.iter().map(|w| w.stem.as_str()).collect();
            if share(function, HEAP_WINDOW) < HEAP_SHARE || different.len() * 3 < HEAP_WINDOW {
                heap[at..at + HEAP_WINDOW].fill(true);
            }
        }
    }
    for (mark, &is_heap) in struck.iter_mut().zip(&heap) {
        *mark |= is_heap;
    }
    heap.iter().filter(|&&h| h).count()
}

/// Whether a word is a figure: a heap is one of names, and rows of figures are
/// what some questions ask for.
fn is_figure(word: &Word) -> bool {
    word.text.bytes().all(|b| b.is_ascii_digit() || b == b'x')
}

/// Strikes the question said back; returns whether the answer is little else.
/// A `written` answer may be one word beside those of the question.
fn echoes(answer: &Text, question: &Text, written: bool, struck: &mut [bool]) -> bool {
    let asked = runs(std::slice::from_ref(question), ECHO_RUN);
    let mut echoed = vec![false; struck.len()];
    for (at, window) in answer.words.windows(ECHO_RUN).enumerate() {
        if asked.contains(&key(window)) {
            echoed[at..at + ECHO_RUN].fill(true);
        }
    }
    let stems = question_stems(question);
    let said: Vec<&Word> = answer.words.iter().filter(|word| !word.stop).collect();
    let new = said
        .iter()
        .filter(|word| !stems.contains(&word.stem) && !EMPTY_TALK.contains(&word.text.as_str()))
        .count();
    let repeated: HashSet<&str> = said
        .iter()
        .map(|word| word.stem.as_str())
        .filter(|stem| stems.contains(*stem))
        .collect();
    let mostly_asked = repeated.len() >= 4
        && repeated.len() as f32 >= 0.7 * stems.len() as f32
        && new <= said.len() / 6;
    let any_run = echoed.iter().any(|&e| e);
    if written {
        return new == 0 && (any_run || mostly_asked);
    }
    for (mark, &echo) in struck.iter_mut().zip(&echoed) {
        *mark |= echo;
    }
    (any_run && new <= 2.max(said.len() / 6)) || (mostly_asked && new <= 2)
}

/// Returns whether most of `answer` is taken from `references` word for word.
fn recites(answer: &Text, references: &[Text]) -> bool {
    const LONG_ENOUGH: usize = 20;
    if answer.words.len() < LONG_ENOUGH {
        return false;
    }
    let known = runs(references, RECITED_RUN);
    let mut taken = vec![false; answer.words.len()];
    for (at, window) in answer.words.windows(RECITED_RUN).enumerate() {
        if known.contains(&key(window)) {
            taken[at..at + RECITED_RUN].fill(true);
        }
    }
    share(taken.iter().filter(|&&t| t).count(), answer.words.len()) >= 0.5
}

fn runs(texts: &[Text], length: usize) -> HashSet<String> {
    texts
        .iter()
        .flat_map(|text| text.words.windows(length).map(key))
        .collect()
}

fn key(words: &[Word]) -> String {
    let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    words.join(" ")
}

/// Returns whether there is no answer: nothing said, nothing but noise, or
/// the words of somebody who has none.
fn is_empty(answer: &Text, question: &Text) -> bool {
    let stems = question_stems(question);
    let meaningful = answer
        .words
        .iter()
        .filter(|word| !word.stop && !is_noise(&word.text))
        .filter(|word| !EMPTY_TALK.contains(&word.text.as_str()))
        .collect::<Vec<_>>();
    let new = meaningful
        .iter()
        .filter(|word| !stems.contains(&word.stem))
        .count();
    if meaningful.is_empty() {
        // "Yes" and "no" answer some questions.
        let short = answer.words.iter().any(|w| {
            matches!(
                w.text.as_str(),
                "yes" | "no" | "none" | "both" | "neither" | "nothing" | "all" | "same"
            )
        });
        let asked_shortly = answer.words.len() <= 8;
        return !(short && asked_shortly && phrases(answer, NO_ANSWER).is_empty());
    }
    let disclaims = !phrases(answer, NO_ANSWER).is_empty();
    let short = answer.words.len() <= 30;
    disclaims && short && new <= 3
}

/// Returns whether `word` cannot be one: no vowel in five letters, or the
/// same letter four times.
fn is_noise(word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    let ascii = word.is_ascii() && letters.iter().all(|c| c.is_ascii_alphabetic());
    let vowel = letters.iter().any(|c| "aeiouy".contains(*c));
    let repeated = letters
        .windows(4)
        .any(|w| w[0].is_alphabetic() && w.iter().all(|c| *c == w[0]));
    (ascii && letters.len() >= 5 && !vowel && !word.contains("ml")) || repeated
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
