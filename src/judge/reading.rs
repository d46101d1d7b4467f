//! What the trained reader is asked and says.
//!
//! Question and answer are decoded once, and every statement is a fork of them.
//! The prompt is the one of `training/reader_data.py`.

use std::borrow::Cow;

use crate::Result;
use crate::llm::{BranchPrefix, BranchRequest, Cancel, ChatModel, Part};

use super::assessment::{CaseMistake, CasePoint};
use super::combine::Reading;
use super::local::judge_error;
use super::text;

/// Words of an answer that are read at a time, as many as in training; a longer
/// answer is read in windows.
const WORDS: usize = 320;

/// Words between the beginnings of two such windows.
const STRIDE: usize = 240;

/// Characters of a question, point or mistake that are read.
const CHARACTERS: usize = 400;

/// Points that stand before an answer at a time, as many as about the longest rubric
/// in training; a longer one is read in parts.
const POINTS: usize = 10;

/// Characters of a whole model answer that are read.
pub(super) const REFERENCE_CHARACTERS: usize = 600;

/// What an answer is read for.
pub(super) struct Asked<'a> {
    pub question: &'a str,
    pub points: &'a [CasePoint],
    pub mistakes: &'a [CaseMistake],
    /// Whole model answers.
    pub references: &'a [Cow<'a, str>],
}

/// What the reader says of one answer.
pub(super) struct Read {
    /// Of every point, then of every mistake.
    pub statements: Vec<Reading>,
    /// Of every whole model answer.
    pub references: Vec<Reading>,
}

/// Returns what `reader` says of an answer of these `words`. What is said in any
/// window of a long answer is said; of no words, nothing is.
///
/// What is sought stands before the answer, so that the answer is read with it
/// in view: all points of the rubric, or the model answer, each of which
/// is read for itself.
///
/// # Errors
/// Fails when the reader does, or when cancelled.
pub(super) async fn read(
    reader: &dyn ChatModel,
    asked: &Asked<'_>,
    words: &[String],
    cancel: &Cancel,
) -> Result<Read> {
    let points: Vec<String> = (asked.points.iter())
        .map(|p| collapse(&p.text, CHARACTERS))
        .collect();
    let mut parts: Vec<&[String]> = points.chunks(POINTS).collect();
    // Mistakes are read beside the last part, also where there is no point.
    let last = parts.pop().unwrap_or_default();
    let mistakes = (asked.mistakes.iter())
        .map(|m| fork("Mistake", &collapse(&m.text, CHARACTERS)))
        .collect();
    let parts = parts.into_iter().map(|part| (part, Vec::new()));
    let mut statements = Vec::new();
    for (part, more) in parts.chain([(last, mistakes)]) {
        let sought: String = (part.iter().zip(1..))
            .map(|(text, n)| format!("\nPoint {n}: {text}"))
            .collect();
        let points = part.iter().map(|text| fork("Point", text));
        let branches = points.chain(more).collect();
        let found = in_windows(reader, asked.question, &sought, words, branches, cancel).await?;
        statements.extend(found);
    }
    let mut references = Vec::new();
    for text in asked.references {
        let text = collapse(text, REFERENCE_CHARACTERS);
        let sought = format!("\nModel answer 1: {text}");
        let branch = vec![fork("Model answer", &text)];
        let found = in_windows(reader, asked.question, &sought, words, branch, cancel).await?;
        references.extend(found);
    }
    Ok(Read {
        statements,
        references,
    })
}

/// Returns what `reader` says at the end of each of `branches`.
async fn in_windows(
    reader: &dyn ChatModel,
    question: &str,
    sought: &str,
    words: &[String],
    branches: Vec<String>,
    cancel: &Cancel,
) -> Result<Vec<Reading>> {
    let mut found: Option<Vec<Reading>> = None;
    let windows = match branches.is_empty() {
        true => Vec::new(),
        false => text::windows(words.len(), WORDS, STRIDE),
    };
    for window in windows {
        let read = reader
            .branch(
                BranchRequest {
                    prefix: BranchPrefix::Plain(vec![
                        Part::Prompt("Question: ".into()),
                        Part::Guide(collapse(question, CHARACTERS)),
                        Part::Guide(sought.to_owned()),
                        Part::Prompt("\nAnswer: ".into()),
                        Part::Candidate(words[window].join(" ")),
                    ]),
                    branches: branches.clone(),
                    words: vec![" yes".into(), " no".into(), " wrong".into()],
                    likelihood: false,
                    fresh: true,
                },
                cancel.clone(),
            )
            .await
            .map_err(judge_error)?;
        let now = read.logits.iter().map(|row| Reading::new(row));
        found = Some(match found {
            None => now.collect(),
            Some(before) => before.iter().zip(now).map(|(a, b)| a.either(b)).collect(),
        });
    }
    Ok(found.unwrap_or_else(|| vec![Reading::SILENCE; branches.len()]))
}

fn fork(head: &str, text: &str) -> String {
    format!("\n{head}: {text}\nVerdict:")
}

fn collapse(text: &str, limit: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(limit).collect()
}
