//! The weakest answer said again: the candidate's own words where they made a
//! point, the guide's statement where they did not, and a place for the number
//! that only they know. Nothing else, so that nothing is put into their mouth.

use serde::{Deserialize, Serialize};

use super::{QuestionCritique, Quote, Remark, STRONG_YES};
use crate::guide::{PointKind, Question};
use crate::interview::Plan;

/// What stands where the candidate's own figure belongs.
pub const YOUR_NUMBER: &str = "[your number]";

/// Words of a statement that ask for a figure.
const ASKS_FOR_A_FIGURE: &[&str] = &[
    "number",
    "figure",
    "how much",
    "how many",
    "per cent",
    "percent",
    "saved",
    "effect",
    "result",
    "metric",
    "latency",
    "measur",
    "cost",
    "time saved",
    "size",
    "scale",
    "quantif",
];

/// An answer put together again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rewrite {
    /// The question's identifier.
    pub question: String,
    /// The question as it was asked.
    pub asked: String,
    /// What to say, in this order.
    pub parts: Vec<Part>,
}

/// A part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Part {
    /// The candidate's own words, verbatim.
    Own {
        /// Where they stand in the answer.
        quote: Quote,
        /// The guide's item they are for.
        guide: String,
    },
    /// What to add, in the guide's statement.
    Add {
        /// The statement, with [`YOUR_NUMBER`] where a figure belongs.
        text: String,
        /// The guide's item.
        guide: String,
    },
}

/// Returns the weakest assessed answer said again; `None` when there is none
/// that is weak, or nothing was said to it.
pub(super) fn rewrite(plan: &Plan, questions: &[QuestionCritique]) -> Option<Rewrite> {
    let (one, planned) = questions
        .iter()
        .zip(&plan.questions)
        .filter(|(one, _)| {
            one.reverse.is_none()
                && !one.answer.trim().is_empty()
                && one.score.is_some_and(|score| score < STRONG_YES)
        })
        .min_by(|(a, _), (b, _)| {
            a.score
                .unwrap_or(100.0)
                .total_cmp(&b.score.unwrap_or(100.0))
        })?;
    let parts = parts(one, &planned.question);
    (!parts.is_empty()).then(|| Rewrite {
        question: one.question.clone(),
        asked: one.asked.clone(),
        parts,
    })
}

fn parts(one: &QuestionCritique, question: &Question) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
    for point in &question.points {
        let said = find(&[&one.covered, &one.partial], &point.id);
        let lacking = find(
            &[&one.partial, &one.wrong, &one.unsure, &one.missing],
            &point.id,
        );
        if let Some(remark) = said {
            for quote in &remark.quotes {
                let told = out.iter().any(|part| {
                    matches!(part, Part::Own { quote: before, .. }
                        if before.start < quote.end && quote.start < before.end)
                });
                if !told {
                    out.push(Part::Own {
                        quote: quote.clone(),
                        guide: remark.guide.clone(),
                    });
                }
            }
        }
        // A standout is what few say; a rewrite that demands it is no help.
        if let Some(remark) = lacking.filter(|_| point.kind != PointKind::Standout) {
            let lower = point.text.to_lowercase();
            let figure = ASKS_FOR_A_FIGURE.iter().any(|word| lower.contains(word));
            let statement = point.text.trim_end_matches('.');
            out.push(Part::Add {
                text: if figure {
                    format!("{statement}: {YOUR_NUMBER}")
                } else {
                    statement.to_owned()
                },
                guide: remark.guide.clone(),
            });
        }
    }
    out
}

fn find<'a>(lists: &[&'a Vec<Remark>], point: &str) -> Option<&'a Remark> {
    lists
        .iter()
        .flat_map(|list| list.iter())
        .find(|remark| remark.point == point)
}
