//! The rows of `viva grade`: a line of JSON into cases, and assessments into a
//! line of JSON.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guide::{PointKind, Severity};

use super::assessment::{Assessment, Basis, Case, CaseMistake, CasePoint, Flag, Verdict};
use super::local::Detailed;
use super::text::{Text, sentences};

/// Points of one row, given or derived, at most.
pub const MAX_POINTS: usize = 64;

/// References of one row that are read, at most.
const MAX_REFERENCES: usize = 16;

/// A line of input.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Row {
    /// Any JSON value; it comes back as it is.
    #[serde(default)]
    pub id: Value,
    /// The question.
    #[serde(default)]
    pub question: String,
    /// What the answer should say. May be empty.
    #[serde(default)]
    pub points: Vec<RowPoint>,
    /// Model answers. May be empty.
    #[serde(default)]
    pub references: Vec<String>,
    /// Mistakes to look for. May be empty.
    #[serde(default)]
    pub mistakes: Vec<RowMistake>,
    /// The answer.
    pub answer: String,
    /// A person's grade, 0 to 1, for `--report`.
    #[serde(default)]
    pub score: Option<f64>,
}

/// A point of a row: a text, or a text with its weight.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum RowPoint {
    /// Weight 1.
    Text(String),
    /// With a weight, any positive scale.
    Weighted {
        /// The statement.
        text: String,
        /// Share of the score.
        #[serde(default = "one")]
        weight: f32,
    },
}

/// A mistake of a row: a text, alone or in an object.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum RowMistake {
    /// Serious.
    Text(String),
    /// With a severity.
    Rated {
        /// The mistake as a statement.
        text: String,
        /// How badly it hurts.
        #[serde(default = "serious")]
        severity: Severity,
    },
}

fn one() -> f32 {
    1.0
}

fn serious() -> Severity {
    Severity::Serious
}

/// A line of output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Graded {
    /// Version of this format.
    pub schema: u32,
    /// As in the input.
    pub id: Value,
    /// 0 to 1; null when the row has neither points nor references.
    pub score: Option<f32>,
    /// The points, given or derived from the references.
    pub points: Vec<GradedPoint>,
    /// The mistakes.
    pub mistakes: Vec<GradedMistake>,
    /// What the answer as a whole is.
    pub flags: Vec<Flag>,
    /// Version of judge and formula.
    pub judge: String,
    /// The signals behind the verdicts, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signals: Option<Value>,
}

/// The verdict on a point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GradedPoint {
    /// The point.
    pub text: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Probability that the answer makes it.
    pub probability: f32,
    /// Byte ranges of the answer.
    pub evidence: Vec<[usize; 2]>,
}

/// Whether a mistake was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GradedMistake {
    /// The mistake.
    pub text: String,
    /// Probability that it was made.
    pub probability: f32,
    /// Byte ranges of the answer.
    pub evidence: Vec<[usize; 2]>,
}

impl Row {
    /// Reads a line.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with it.
    pub fn parse(line: &str) -> Result<Self, String> {
        let row: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if row.points.len() > MAX_POINTS {
            return Err(format!(
                "{} points; at most {MAX_POINTS} are judged",
                row.points.len()
            ));
        }
        if let Some(score) = row.score
            && !(0.0..=1.0).contains(&score)
        {
            return Err(format!("`score` is {score}; it must lie between 0 and 1"));
        }
        for point in &row.points {
            let weight = point.weight();
            if !(weight.is_finite() && weight > 0.0) {
                return Err("a `weight` must be a positive number".into());
            }
            if point.text().trim().is_empty() {
                return Err("a point has no text".into());
            }
        }
        Ok(row)
    }

    /// Returns the cases of this row: one with the given points, or one a
    /// reference with points derived from it; the answer gets the best score
    /// of these. Points with references and without mistakes are an exam's; points
    /// alone, where nothing was asked, are statements to look for in a text.
    /// Empty when there is nothing to judge by.
    pub fn cases(&self) -> Vec<Case> {
        if !self.points.is_empty() {
            let points = self
                .points
                .iter()
                .map(|p| (p.text().to_owned(), p.weight()));
            let basis = match (self.references.is_empty(), self.mistakes.is_empty()) {
                (false, true) => Basis::Both,
                (true, true) if self.question.trim().is_empty() => Basis::Statements,
                _ => Basis::Rubric,
            };
            return vec![self.case(points.collect(), basis)];
        }
        self.references
            .iter()
            .take(MAX_REFERENCES)
            .map(|reference| derive_points(reference))
            .filter(|points| !points.is_empty())
            .map(|points| self.case(points, Basis::Reference))
            .collect()
    }

    /// Returns a case without points, to find flags and mistakes by.
    pub fn bare_case(&self) -> Case {
        self.case(Vec::new(), Basis::Rubric)
    }

    fn case(&self, points: Vec<(String, f32)>, basis: Basis) -> Case {
        Case {
            question: self.question.clone(),
            points: points
                .into_iter()
                .enumerate()
                .map(|(at, (text, weight))| CasePoint {
                    id: at.to_string(),
                    text,
                    weight,
                    kind: PointKind::Strong,
                    key_terms: Vec::new(),
                    star: None,
                })
                .collect(),
            mistakes: self
                .mistakes
                .iter()
                .enumerate()
                .map(|(at, mistake)| CaseMistake {
                    id: at.to_string(),
                    text: mistake.text().to_owned(),
                    severity: mistake.severity(),
                })
                .collect(),
            references: self
                .references
                .iter()
                .take(MAX_REFERENCES)
                .cloned()
                .collect(),
            basis,
            behavioural: false,
            answer: self.answer.clone(),
        }
    }
}

impl RowPoint {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Weighted { text, .. } => text,
        }
    }

    fn weight(&self) -> f32 {
        match self {
            Self::Text(_) => 1.0,
            Self::Weighted { weight, .. } => *weight,
        }
    }
}

impl RowMistake {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Rated { text, .. } => text,
        }
    }

    fn severity(&self) -> Severity {
        match self {
            Self::Text(_) => Severity::Serious,
            Self::Rated { severity, .. } => *severity,
        }
    }
}

/// Returns the sentences of a reference as points, weighted by the number of
/// their content words; sentences of less than two such words join the one
/// before.
pub fn derive_points(reference: &str) -> Vec<(String, f32)> {
    let mut out: Vec<(String, f32)> = Vec::new();
    for range in sentences(reference) {
        let sentence = &reference[range];
        let content = Text::new(sentence).content_words();
        match out.last_mut() {
            // A beginning without a content word takes the next one in.
            Some((text, weight)) if content < 2 || *weight < 1.0 => {
                text.push(' ');
                text.push_str(sentence);
                *weight += content as f32;
            }
            _ => out.push((sentence.to_owned(), content as f32)),
        }
    }
    // More sentences than are judged: the rest is one point.
    if out.len() > MAX_POINTS {
        let rest: Vec<(String, f32)> = out.split_off(MAX_POINTS - 1);
        let weight = rest.iter().map(|(_, weight)| weight).sum();
        let text: Vec<String> = rest.into_iter().map(|(text, _)| text).collect();
        out.push((text.join(" "), weight));
    }
    out.retain(|(_, weight)| *weight > 0.0);
    out
}

impl Graded {
    /// Returns the output of `row` judged as `cases` gave `judged`: the best of
    /// them. `signals` adds what the verdicts rest on.
    pub fn new(row: &Row, cases: &[Case], judged: &[Detailed], signals: bool) -> Option<Self> {
        let (case, detailed) = cases.iter().zip(judged).reduce(|best, next| {
            if next.1.assessment.score > best.1.assessment.score {
                next
            } else {
                best
            }
        })?;
        let assessment: &Assessment = &detailed.assessment;
        Some(Self {
            schema: 1,
            id: row.id.clone(),
            score: (!case.points.is_empty()).then(|| round(assessment.score / 100.0)),
            points: case
                .points
                .iter()
                .zip(&assessment.points)
                .map(|(point, verdict)| GradedPoint {
                    text: point.text.clone(),
                    verdict: verdict.verdict,
                    probability: round(verdict.probability),
                    evidence: pairs(&verdict.evidence),
                })
                .collect(),
            mistakes: case
                .mistakes
                .iter()
                .zip(&assessment.mistakes)
                .map(|(mistake, finding)| GradedMistake {
                    text: mistake.text.clone(),
                    probability: round(finding.probability),
                    evidence: pairs(&finding.evidence),
                })
                .collect(),
            flags: assessment.flags.clone(),
            judge: assessment.judge.clone(),
            signals: signals.then(|| {
                serde_json::json!({
                    "points": detailed.points,
                    "mistakes": detailed.mistakes,
                    "whole": detailed.whole,
                    "weights": case.points.iter().map(|p| p.weight).collect::<Vec<_>>(),
                })
            }),
        })
    }
}

fn pairs(ranges: &[Range<usize>]) -> Vec<[usize; 2]> {
    ranges
        .iter()
        .map(|range| [range.start, range.end])
        .collect()
}

/// Rounds to four decimals, so that output is short and the same everywhere.
fn round(x: f32) -> f32 {
    (x * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn points_and_references_may_be_absent() {
        let row = Row::parse(r#"{"id": 7, "question": "Q", "answer": "A"}"#);
        assert!(row.is_ok_and(|row| row.cases().is_empty() && row.id == 7));
    }

    #[test]
    fn points_are_derived_from_the_sentences_of_a_reference() {
        let points = derive_points("Lasso gives sparse weights. Yes. Ridge shrinks all of them.");
        let texts: Vec<&str> = points.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Lasso gives sparse weights. Yes.",
                "Ridge shrinks all of them."
            ]
        );
    }

    #[test]
    fn points_with_references_and_no_mistakes_are_an_exam() {
        let basis = |line: &str| {
            let cases = Row::parse(line).map(|row| row.cases());
            cases.ok().and_then(|cases| Some(cases.first()?.basis))
        };
        let points = r#""answer": "A", "points": ["p"]"#;
        for (rest, wanted) in [
            ("", Basis::Statements),
            (r#", "question": "Q""#, Basis::Rubric),
            (r#", "mistakes": ["m"]"#, Basis::Rubric),
            (r#", "references": ["One two three."]"#, Basis::Both),
            (
                r#", "references": ["One two three."], "mistakes": ["m"]"#,
                Basis::Rubric,
            ),
        ] {
            assert_eq!(
                basis(&format!("{{{points}{rest}}}")),
                Some(wanted),
                "{rest}"
            );
        }
        let derived = r#"{"answer": "A", "references": ["Lasso gives sparse weights."]}"#;
        assert_eq!(basis(derived), Some(Basis::Reference));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        for (line, part) in [
            ("{", "EOF"),
            (r#"{"question": "Q"}"#, "answer"),
            (r#"{"answer": "A", "score": 3}"#, "between 0 and 1"),
            (
                r#"{"answer": "A", "points": [{"text": "p", "weight": -1}]}"#,
                "positive",
            ),
            (r#"{"answer": "A", "points": [" "]}"#, "no text"),
        ] {
            let said = Row::parse(line).err().unwrap_or_default();
            assert!(said.contains(part), "{line}: {said}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(line in "\\PC{0,300}") {
            let _ = Row::parse(&line);
        }

        #[test]
        fn derived_points_are_never_empty(text in "\\PC{0,300}") {
            for (point, weight) in derive_points(&text) {
                prop_assert!(weight > 0.0 && !point.trim().is_empty());
            }
        }
    }
}
