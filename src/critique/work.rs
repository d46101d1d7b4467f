//! What is worth the most to the next interview, with advice from the guide.

use super::{QuestionCritique, Remark, WorkItem};
use crate::guide::{PointKind, Severity};
use crate::interview::{Plan, PlannedQuestion, Recovery};

/// Things to work on: more than three are not worked on.
pub const ITEMS: usize = 3;

/// Items of one question, so that one bad answer does not hide the others.
const PER_QUESTION: usize = 2;

/// Returns the most valuable things to work on over all assessed questions, at
/// most [`ITEMS`], the most valuable first.
pub(super) fn work_on(plan: &Plan, questions: &[QuestionCritique]) -> Vec<WorkItem> {
    let mut found: Vec<(u32, usize, WorkItem)> = Vec::new();
    for (index, (one, planned)) in questions.iter().zip(&plan.questions).enumerate() {
        if one.score.is_none() {
            continue;
        }
        // A panel minds what was false more than what was not said, and what
        // was not said more than what came late.
        let groups: [(&[Remark], u32, &str); 5] = [
            (&one.wrong, 40, "What you said about it was not right."),
            (&one.missing, 20, "It was not in your answer."),
            (&one.partial, 14, "You came near it without saying it."),
            (
                &one.unsure,
                10,
                "It could not be told whether you meant it.",
            ),
            (&one.covered, 4, ""),
        ];
        for (remarks, factor, why) in groups {
            for remark in remarks {
                let why = match (why, remark.recovery) {
                    ("", Recovery::AfterProbe) => "It came only when the panel asked again.",
                    ("", Recovery::AfterHint) => "It came only after a hint.",
                    ("", _) => continue,
                    (why, _) => why,
                };
                let value = remark.weight * factor * kind_factor(remark.kind);
                if let Some(item) = item(planned, remark, why) {
                    found.push((value, index, item));
                }
            }
        }
        for hurt in &one.hurt {
            let value = match hurt.severity {
                Severity::Fatal => 12_000,
                Severity::Serious => 5_000,
                Severity::Minor => 400,
            };
            let item = WorkItem {
                question: one.question.clone(),
                point: hurt.mistake.clone(),
                title: hurt.text.clone(),
                why: "A panel holds this against a candidate.".to_owned(),
                advice: hurt.why.clone(),
                practise: planned.question.ask.clone(),
                minutes: 10,
                quotes: hurt.quotes.clone(),
                guide: hurt.guide.clone(),
            };
            found.push((value, index, item));
        }
    }
    found.sort_by_key(|(value, index, _)| (std::cmp::Reverse(*value), *index));
    let mut taken = vec![0_usize; questions.len()];
    let mut items = Vec::new();
    for (_, index, item) in found {
        if items.len() < ITEMS && taken[index] < PER_QUESTION {
            taken[index] += 1;
            items.push(item);
        }
    }
    items
}

fn kind_factor(kind: PointKind) -> u32 {
    match kind {
        PointKind::Essential => 3,
        PointKind::Strong => 2,
        PointKind::Standout => 1,
    }
}

fn item(planned: &PlannedQuestion, remark: &Remark, why: &str) -> Option<WorkItem> {
    let point = planned
        .question
        .points
        .iter()
        .find(|point| point.id == remark.point)?;
    Some(WorkItem {
        question: planned.question.id.clone(),
        point: point.id.clone(),
        title: point.text.clone(),
        why: why.to_owned(),
        // The last hint says nearly the point itself, in words of advice.
        advice: point.hints.last().cloned().unwrap_or_default(),
        practise: point.probes.first().cloned()?,
        minutes: match remark.kind {
            PointKind::Essential => 10,
            PointKind::Strong | PointKind::Standout => 5,
        },
        quotes: remark.quotes.clone(),
        guide: remark.guide.clone(),
    })
}
