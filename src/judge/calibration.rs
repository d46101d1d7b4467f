//! The calibration set: labelled answers that nothing was trained or fitted
//! on, and what a judge is worth on them. Neither runs a judge nor prints.
//!
//! The set is `models/calibration.jsonl`, made by
//! `training/make_calibration.py` from the test part of the corpus.

use serde::{Deserialize, Serialize};

use super::assessment::{Assessment, Basis, Case, CaseMistake, CasePoint, Verdict};
use super::measure::{auc, calibration_error};
use crate::guide::{PointKind, Severity};
use crate::{Error, Result};

const SHIPPED: &str = include_str!("../../models/calibration.jsonl");

/// A question of the set with its labelled answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Sample {
    /// The question's identifier.
    pub id: String,
    /// The question.
    pub question: String,
    points: Vec<SamplePoint>,
    mistakes: Vec<SampleMistake>,
    /// Its answers.
    pub answers: Vec<SampleAnswer>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct SamplePoint {
    text: String,
    weight: f32,
    essential: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct SampleMistake {
    text: String,
    severity: Severity,
}

/// A labelled answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SampleAnswer {
    /// What it was written to be, for example `strong`.
    pub kind: String,
    /// The answer.
    pub answer: String,
    /// A label a point: 1 made, 0.5 near, 0 not spoken of, -1 said wrongly.
    pub points: Vec<f32>,
    /// A label a mistake: 1 made, 0.5 leans to it, 0 not made.
    pub mistakes: Vec<f32>,
}

/// Returns the shipped set.
///
/// # Errors
/// Fails when the embedded file is not valid, which a test rules out.
pub fn shipped() -> Result<Vec<Sample>> {
    SHIPPED
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .map_err(|error| Error::internal("the calibration set is not valid").caused_by(error))
}

impl Sample {
    /// Returns the case of one of its answers.
    pub fn case(&self, answer: &str) -> Case {
        Case {
            question: self.question.clone(),
            points: self
                .points
                .iter()
                .enumerate()
                .map(|(at, point)| CasePoint {
                    id: at.to_string(),
                    text: point.text.clone(),
                    weight: point.weight,
                    kind: if point.essential {
                        PointKind::Essential
                    } else {
                        PointKind::Strong
                    },
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
                    text: mistake.text.clone(),
                    severity: mistake.severity,
                })
                .collect(),
            references: Vec::new(),
            basis: Basis::Rubric,
            behavioural: false,
            answer: answer.to_owned(),
        }
    }
}

/// What kind of answer it is, for the comparisons between kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Strong,
    Medium,
    Wrong,
    Worthless,
    Other,
}

fn class(kind: &str) -> Class {
    match kind {
        "strong" | "told" => Class::Strong,
        "half" | "medium" => Class::Medium,
        "wrong" | "wrong-sure" => Class::Wrong,
        "echo" | "salad" | "nonsense" | "off-topic" | "order" | "non-answer" => Class::Worthless,
        _ => Class::Other,
    }
}

/// A judged answer of the set.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// Its question.
    pub sample: &'a Sample,
    /// The answer with its labels.
    pub answer: &'a SampleAnswer,
    /// What the judge said.
    pub found: Assessment,
}

/// What a judge is worth on the set. A figure is absent where the set has not
/// the answers to tell it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Answers judged.
    pub answers: usize,
    /// Point labels compared; labels of 0.5 are left out.
    pub labels: usize,
    /// Area under the curve, point made against not made or said wrongly.
    pub point_auc: Option<f64>,
    /// Share of verdicts that agree (covered: made; partial, missing, wrong:
    /// not made) among points not called unsure.
    pub accuracy: Option<f64>,
    /// Share of points called unsure.
    pub unsure: f64,
    /// Expected calibration error of the point probabilities, ten bins; a
    /// label of 0.5 counts as half.
    pub calibration_error: Option<f64>,
    /// Area under the curve, mistake made against not made.
    pub mistake_auc: Option<f64>,
    /// Mean score of strong answers, 0 to 100.
    pub strong: Option<f64>,
    /// Mean score of medium answers.
    pub medium: Option<f64>,
    /// Mean score of confident, wrong answers.
    pub wrong: Option<f64>,
    /// Share of confident, wrong answers that score above the medium answer to
    /// the same question.
    pub wrong_above_medium: Option<f64>,
    /// Share of answers worth nothing that score above 10.
    pub worthless_above_ten: Option<f64>,
}

/// Returns what the judge is worth that judged these answers.
pub fn figures(judged: &[Judged]) -> Figures {
    let mut made = Vec::new();
    let mut calibration = Vec::new();
    let (mut right, mut told, mut unsure) = (0_usize, 0_usize, 0_usize);
    let mut mistakes = Vec::new();
    for one in judged {
        for (verdict, &label) in one.found.points.iter().zip(&one.answer.points) {
            let probability = f64::from(verdict.probability);
            calibration.push((probability, f64::from(label.max(0.0))));
            if label == 0.5 {
                continue;
            }
            made.push((probability, f64::from(label.max(0.0))));
            if verdict.verdict == Verdict::Unsure {
                unsure += 1;
                continue;
            }
            told += 1;
            right += usize::from((verdict.verdict == Verdict::Covered) == (label == 1.0));
        }
        for (finding, &label) in one.found.mistakes.iter().zip(&one.answer.mistakes) {
            if label != 0.5 {
                mistakes.push((f64::from(finding.probability), f64::from(label)));
            }
        }
    }
    let scores = |wanted: Class| -> Vec<f64> {
        judged
            .iter()
            .filter(|one| class(&one.answer.kind) == wanted)
            .map(|one| f64::from(one.found.score))
            .collect()
    };
    let pairs: Vec<bool> = judged
        .iter()
        .filter(|one| class(&one.answer.kind) == Class::Wrong)
        .filter_map(|wrong| {
            let medium = judged.iter().find(|other| {
                other.sample.id == wrong.sample.id && class(&other.answer.kind) == Class::Medium
            })?;
            Some(wrong.found.score > medium.found.score)
        })
        .collect();
    let worthless: Vec<bool> = scores(Class::Worthless).iter().map(|s| *s > 10.0).collect();
    Figures {
        answers: judged.len(),
        labels: made.len(),
        point_auc: auc(&made),
        accuracy: (told > 0).then(|| right as f64 / told as f64),
        unsure: unsure as f64 / made.len().max(1) as f64,
        calibration_error: calibration_error(&calibration),
        mistake_auc: auc(&mistakes),
        strong: mean(&scores(Class::Strong)),
        medium: mean(&scores(Class::Medium)),
        wrong: mean(&scores(Class::Wrong)),
        wrong_above_medium: share(&pairs),
        worthless_above_ten: share(&worthless),
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn share(values: &[bool]) -> Option<f64> {
    let yes = values.iter().filter(|value| **value).count();
    (!values.is_empty()).then(|| yes as f64 / values.len() as f64)
}

/// A figure and what it must reach for scores to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// What is measured.
    pub name: String,
    /// The figure; absent where it could not be measured.
    pub value: Option<f64>,
    /// What it must reach.
    pub floor: f64,
    /// Whether more is better; otherwise the figure must not exceed the floor.
    pub more_is_better: bool,
}

impl Floor {
    /// Returns whether the floor is reached.
    pub fn is_met(&self) -> bool {
        self.value.is_some_and(|value| {
            if self.more_is_better {
                value >= self.floor
            } else {
                value <= self.floor
            }
        })
    }
}

impl Figures {
    /// Returns the mean score of strong answers minus that of confident, wrong
    /// ones.
    pub fn gap(&self) -> Option<f64> {
        Some(self.strong? - self.wrong?)
    }

    /// Returns the figures with the floors they must reach for scores to be
    /// shown.
    pub fn floors(&self) -> Vec<Floor> {
        let floor = |name: &str, value, floor, more_is_better| Floor {
            name: name.to_owned(),
            value,
            floor,
            more_is_better,
        };
        vec![
            floor("point made or not, AUC", self.point_auc, 0.85, true),
            floor("verdicts that agree", self.accuracy, 0.80, true),
            floor("points called unsure", Some(self.unsure), 0.20, false),
            floor("calibration error", self.calibration_error, 0.10, false),
            floor("mistake made or not, AUC", self.mistake_auc, 0.80, true),
            floor("strong minus confident and wrong", self.gap(), 40.0, true),
            floor(
                "wrong answers above the medium one",
                self.wrong_above_medium,
                0.25,
                false,
            ),
            floor(
                "worthless answers above 10 of 100",
                self.worthless_above_ten,
                0.05,
                false,
            ),
        ]
    }

    /// Returns whether every floor is reached.
    pub fn is_trusted(&self) -> bool {
        self.floors().iter().all(Floor::is_met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::assessment::{MistakeFinding, PointVerdict};

    #[test]
    fn the_shipped_set_is_valid_and_large_enough() {
        let samples = shipped().expect("valid");
        let answers: Vec<&SampleAnswer> = samples.iter().flat_map(|s| &s.answers).collect();
        assert!(answers.len() >= 250, "{}", answers.len());
        for wanted in [Class::Strong, Class::Medium, Class::Wrong, Class::Worthless] {
            let count = answers.iter().filter(|a| class(&a.kind) == wanted).count();
            assert!(count >= 40, "{wanted:?}: {count}");
        }
        for sample in &samples {
            let case = sample.case("");
            for answer in &sample.answers {
                assert_eq!(answer.points.len(), case.points.len(), "{}", sample.id);
                assert_eq!(answer.mistakes.len(), case.mistakes.len(), "{}", sample.id);
            }
        }
    }

    fn assessment(probability: f32, mistaken: f32, score: f32) -> Assessment {
        Assessment {
            heard: None,
            judge: "test".into(),
            points: vec![PointVerdict {
                id: "0".into(),
                verdict: if probability >= 0.5 {
                    Verdict::Covered
                } else {
                    Verdict::Missing
                },
                probability,
                evidence: Vec::new(),
            }],
            mistakes: vec![MistakeFinding {
                id: "0".into(),
                made: mistaken > 0.5,
                probability: mistaken,
                evidence: Vec::new(),
            }],
            flags: Vec::new(),
            score,
        }
    }

    fn sample() -> Sample {
        let answer = |kind: &str, point: f32, mistake: f32| SampleAnswer {
            kind: kind.into(),
            answer: kind.into(),
            points: vec![point],
            mistakes: vec![mistake],
        };
        Sample {
            id: "q".into(),
            question: "Q".into(),
            points: vec![SamplePoint {
                text: "p".into(),
                weight: 1.0,
                essential: false,
            }],
            mistakes: vec![SampleMistake {
                text: "m".into(),
                severity: Severity::Serious,
            }],
            answers: vec![
                answer("strong", 1.0, 0.0),
                answer("half", 1.0, 0.0),
                answer("wrong", -1.0, 1.0),
                answer("salad", 0.0, 0.0),
            ],
        }
    }

    fn judged(sample: &Sample, found: [Assessment; 4]) -> Figures {
        let judged: Vec<Judged> = sample
            .answers
            .iter()
            .zip(found)
            .map(|(answer, found)| Judged {
                sample,
                answer,
                found,
            })
            .collect();
        figures(&judged)
    }

    #[test]
    fn a_judge_that_is_right_is_trusted_and_one_that_is_fooled_is_not() {
        let sample = sample();
        let right = judged(
            &sample,
            [
                assessment(0.99, 0.01, 90.0),
                assessment(0.98, 0.01, 60.0),
                assessment(0.02, 0.99, 5.0),
                assessment(0.01, 0.01, 0.0),
            ],
        );
        assert_eq!(right.gap(), Some(85.0));
        assert!(right.is_trusted(), "{:?}", right.floors());
        let fooled = judged(
            &sample,
            [
                assessment(0.4, 0.5, 40.0),
                assessment(0.3, 0.5, 30.0),
                assessment(0.9, 0.1, 80.0),
                assessment(0.8, 0.1, 70.0),
            ],
        );
        assert_eq!(fooled.wrong_above_medium, Some(1.0));
        assert_eq!(fooled.worthless_above_ten, Some(1.0));
        assert_eq!(fooled.point_auc, Some(0.0));
        assert!(
            fooled
                .floors()
                .iter()
                .filter(|floor| floor.is_met())
                .count()
                <= 1
        );
    }
}
