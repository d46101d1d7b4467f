//! Whether model answers make their essential points.
//!
//! With a judge at hand the judge says so, as it would of a candidate's answer.
//! Without one, the words decide: a necessary condition, not a sufficient one.

use std::collections::BTreeSet;

use crate::Result;
use crate::guide::document::Step;
use crate::guide::fault::Rule;
use crate::guide::model::{Guide, Point, PointKind, Question};
use crate::guide::structure::{Findings, with};
use crate::interview::leak::stems;
use crate::judge::{Case, Judge, Verdict};
use crate::llm::Cancel;

/// The fewest and most words of a model answer: one to one and a half minutes
/// of speech, which is what a panel hears patiently.
pub const WORDS: (usize, usize) = (90, 180);

/// A point counts as touched when the answer holds one of its key terms or this
/// share of its own content words. A third is what a statement keeps when half
/// of it is paraphrased; a little less, so that two words of six count.
const SHARE: f64 = 0.3;

/// Returns whether `answer` touches `point` by its words.
pub fn touches(answer: &str, point: &Point) -> bool {
    let answer: BTreeSet<String> = stems(answer).into_iter().collect();
    let key_term = point.key_terms.iter().any(|term| {
        let term = stems(term);
        !term.is_empty() && term.iter().all(|stem| answer.contains(stem))
    });
    if key_term {
        return true;
    }
    // Words of up to three letters carry grammar, not meaning.
    let own: BTreeSet<String> = stems(&point.text)
        .into_iter()
        .filter(|stem| stem.len() > 3)
        .collect();
    let shared = own.intersection(&answer).count();
    !own.is_empty() && shared as f64 / own.len() as f64 >= SHARE
}

/// Notes model answers that are too short or long, and (unless `judged`) those
/// whose words touch an essential point nowhere.
///
/// Points of a STAR story are left out of the latter: they speak of the shape
/// of a story ("States what was theirs to do"), whose words are the teller's
/// own; only a judge can tell.
pub(super) fn check(findings: &mut Findings<'_>, way: &[Step], question: &Question, judged: bool) {
    let at = with(way, &["model_answer".into()]);
    let (least, most) = WORDS;
    let words = question.model_answer.split_whitespace().count();
    if words < least || words > most {
        findings.note(
            &at,
            Rule::ModelAnswer,
            format!("the model answer has {words} words, and {least} to {most} are expected"),
            "Write what somebody would say in about a minute and a quarter.",
        );
    }
    if judged {
        return;
    }
    for point in essential(question).filter(|point| point.star.is_none()) {
        if !touches(&question.model_answer, point) {
            findings.note(
                &at,
                Rule::ModelAnswer,
                format!(
                    "the model answer has no word of the essential point '{}'",
                    point.id
                ),
                format!("Let it make the point: {}.", point.text),
            );
        }
    }
}

/// Notes model answers that `judge` says miss an essential point of `guide`.
///
/// # Errors
/// Fails when the judge fails or is cancelled.
pub(super) async fn check_judged(
    findings: &mut Findings<'_>,
    guide: &Guide,
    judge: &dyn Judge,
    cancel: &Cancel,
) -> Result<()> {
    for (index, question) in guide.questions.iter().enumerate() {
        let assessment = judge.assess(&case_of(question), cancel.clone()).await?;
        for verdict in assessment.points {
            let Some(point) = essential(question).find(|point| point.id == verdict.id) else {
                continue;
            };
            let heard = match verdict.verdict {
                Verdict::Missing => "does not find",
                Verdict::Wrong => "hears the contrary of",
                Verdict::Covered | Verdict::Partial | Verdict::Unsure => continue,
            };
            findings.note(
                    &["question".into(), index.into(), "model_answer".into()],
                    Rule::ModelAnswer,
                    format!(
                        "the judge {heard} the essential point '{}' in the model answer (probability {:.2})",
                        point.id, verdict.probability
                    ),
                    format!("Let it make the point plainly: {}.", point.text),
                );
        }
    }
    Ok(())
}

fn essential(question: &Question) -> impl Iterator<Item = &Point> {
    question
        .points
        .iter()
        .filter(|point| point.kind == PointKind::Essential)
}

/// Returns the model answer as a case. It has no references: compared with
/// itself it would be a recitation.
fn case_of(question: &Question) -> Case {
    let mut case = Case::from_question(question, &question.ask, &question.model_answer);
    case.references.clear();
    case
}
