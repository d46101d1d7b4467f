//! What a judgement consists of.

use std::ops::Range;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::guide::{PointKind, Severity, StarPart};

/// What is to be judged. Made from a bank question, or from a line of
/// `viva grade`, which has no identifiers, kinds or key terms of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The question as it was asked.
    pub question: String,
    /// The rubric.
    pub points: Vec<CasePoint>,
    /// The mistakes to look for.
    pub mistakes: Vec<CaseMistake>,
    /// Model answers, if any: recitation is measured against them.
    pub references: Vec<String>,
    /// Whether a personal story is expected.
    pub behavioural: bool,
    /// What the answer is graded by.
    #[serde(default)]
    pub basis: Basis,
    /// What the candidate said. Follow-up answers to the same question are
    /// joined with a blank line between them.
    pub answer: String,
}

/// What an answer is graded by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The rubric's points and mistakes: an interview.
    #[default]
    Rubric,
    /// Model answers alone, whose sentences stand in for points: an exam.
    Reference,
    /// Points, and model answers as a whole: an exam too.
    Both,
    /// Statements that are looked for in a text: nothing was asked.
    Statements,
}

impl Basis {
    /// Returns whether the answer is written, an exam's or a text: often a list or a
    /// formula, and not screened as what somebody says in an interview is.
    pub fn is_written(self) -> bool {
        self != Self::Rubric
    }
}

/// A rubric point to look for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CasePoint {
    /// Identifier within the case.
    pub id: String,
    /// The statement.
    pub text: String,
    /// Share of the score, any positive scale.
    pub weight: f32,
    /// How much the panel minds.
    pub kind: PointKind,
    /// Words typical of the point, lower case.
    pub key_terms: Vec<String>,
    /// The STAR part it checks.
    pub star: Option<StarPart>,
}

/// A mistake to look for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseMistake {
    /// Identifier within the case.
    pub id: String,
    /// The mistake as a statement.
    pub text: String,
    /// How badly it hurts.
    pub severity: Severity,
}

/// What the judge says of one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The answer makes the point.
    Covered,
    /// It comes near without making it.
    Partial,
    /// It does not speak of it.
    Missing,
    /// It says the opposite, or something false about it.
    Wrong,
    /// The judge cannot tell; the panel asks instead of scoring.
    Unsure,
}

/// The judgement of one point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointVerdict {
    /// The point.
    pub id: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Calibrated probability that the answer makes the point, 0 to 1.
    pub probability: f32,
    /// Byte ranges of the answer the verdict rests on, on character
    /// boundaries, in order; empty when missing.
    pub evidence: Vec<Range<usize>>,
}

/// Whether a mistake was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MistakeFinding {
    /// The mistake.
    pub id: String,
    /// Whether it counts as made.
    pub made: bool,
    /// Probability that it was made, 0 to 1.
    pub probability: f32,
    /// Byte ranges of the answer that show it.
    pub evidence: Vec<Range<usize>>,
}

/// Something about the whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// "I don't know", nothing, or noise.
    NonAnswer,
    /// Speaks of something else.
    OffTopic,
    /// Says the question back.
    QuestionEcho,
    /// The right words without sentences around them.
    KeywordSalad,
    /// The model answer or the guide word for word.
    Recitation,
    /// Tries to instruct the grader.
    GraderInstruction,
}

/// A whole judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Version of judge and score formula; scores of different versions are
    /// not compared.
    pub judge: String,
    /// One verdict a point, in the rubric's order.
    pub points: Vec<PointVerdict>,
    /// One finding a mistake, in the rubric's order.
    pub mistakes: Vec<MistakeFinding>,
    /// What the answer as a whole is.
    pub flags: Vec<Flag>,
    /// How much of the rubric the trained reader hears in the answer: the mean
    /// of its probabilities over the points, less what the answer is away from
    /// its question, 1 at most. `None` without the reader, in an exam, and where
    /// there are too few points to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<f32>,
    /// 0 to 100.
    pub score: f32,
}

/// Somebody who judges answers.
#[async_trait]
pub trait Judge: Send + Sync {
    /// Returns the judgement of one case; the same case gives the same
    /// judgement, always.
    ///
    /// # Errors
    /// Fails when a model it relies on fails, or when cancelled.
    async fn assess(&self, case: &Case, cancel: crate::llm::Cancel) -> crate::Result<Assessment>;
}
