//! The JSON lines of a drill, as `docs/json.md` describes them. Fields may be
//! added; none is renamed or taken away.

use serde_json::{Value, json};

use super::super::interview::wire::SCHEMA;
use super::play::Question;
use crate::drill::{Finding, Rating, Sitting, SittingPlan, Whole};
use crate::judge::{Assessment, Case, Verdict};
use crate::ui::Ui;

/// Prints a line where standard output carries JSON.
pub(super) fn line(ui: &Ui, line: impl FnOnce() -> Value) {
    if ui.is_json() {
        ui.json_line(&line());
    }
}

/// Returns the line that begins a drill.
pub(super) fn begun(session: &str, plan: &SittingPlan, seed: u64) -> Value {
    json!({
        "schema": SCHEMA,
        "type": "drill",
        "id": session,
        "seed": seed,
        "points": plan.tasks.len(),
        "due": plan.due,
    })
}

/// Returns the line of a question that was asked.
pub(super) fn question(number: usize, question: &Question) -> Value {
    let (id, point, concept, guide, wording, again) = match question {
        Question::Point(task, again) => (
            &task.question,
            Some(&task.point),
            &task.concept,
            &task.guide,
            if *again { &task.again } else { &task.wording },
            *again,
        ),
        Question::Whole(whole) => (
            &whole.question,
            None,
            &whole.concept,
            &whole.guide,
            &whole.wording,
            false,
        ),
    };
    json!({
        "schema": SCHEMA,
        "type": "drill_question",
        "number": number,
        "question": id,
        "point": point,
        "concept": concept,
        "guide": guide,
        "wording": wording.id,
        "text": wording.whole(),
        "again": again,
    })
}

/// Returns the line of an answer.
pub(super) fn answer(number: usize, question: &Question, text: &str) -> Value {
    let (id, point) = names(question);
    json!({
        "schema": SCHEMA,
        "type": "drill_answer",
        "number": number,
        "question": id,
        "point": point,
        "text": text,
    })
}

fn names(question: &Question) -> (&str, Option<&str>) {
    match question {
        Question::Point(task, _) => (&task.question, Some(&task.point)),
        Question::Whole(whole) => (&whole.question, None),
    }
}

/// Returns the line of a hint; `rung` counts from 1.
pub(super) fn hint(number: usize, question: &Question, rung: u8, text: &str) -> Value {
    let (id, point) = names(question);
    json!({
        "schema": SCHEMA,
        "type": "drill_hint",
        "number": number,
        "question": id,
        "point": point,
        "step": rung,
        "text": text,
    })
}

/// Returns the line of the verdict on one point.
pub(super) fn verdict(
    number: usize,
    question: &Question,
    finding: &Finding,
    case: &Case,
    assessment: &Assessment,
    due_at: Option<i64>,
    back: bool,
) -> Value {
    let (id, _) = names(question);
    let mistakes: Vec<Value> = assessment
        .mistakes
        .iter()
        .filter(|mistake| mistake.made)
        .map(|mistake| {
            json!({
                "id": mistake.id,
                "probability": mistake.probability,
                "evidence": ranges(&mistake.evidence),
            })
        })
        .collect();
    let mut value = json!({
        "schema": SCHEMA,
        "type": "drill_verdict",
        "number": number,
        "question": id,
    });
    let rest = json!({
        "mistakes": mistakes,
        "flags": assessment.flags,
        "judge": assessment.judge,
        "due_at": due_at,
        "comes_back": back,
    });
    merge(&mut value, point(finding, case, assessment));
    merge(&mut value, rest);
    value
}

/// Returns the line of the verdicts on a whole answer.
pub(super) fn whole(
    number: usize,
    whole: &Whole,
    findings: &[Finding],
    case: &Case,
    assessment: &Assessment,
) -> Value {
    let points: Vec<Value> = findings
        .iter()
        .map(|finding| point(finding, case, assessment))
        .collect();
    json!({
        "schema": SCHEMA,
        "type": "drill_whole",
        "number": number,
        "question": whole.question,
        "points": points,
        "flags": assessment.flags,
        "judge": assessment.judge,
    })
}

fn point(finding: &Finding, case: &Case, assessment: &Assessment) -> Value {
    let text = case
        .points
        .iter()
        .find(|point| point.id == finding.key.1)
        .map(|point| &point.text);
    let evidence = assessment
        .points
        .iter()
        .find(|point| point.id == finding.key.1)
        .map(|point| ranges(&point.evidence))
        .unwrap_or_default();
    json!({
        "point": finding.key.1,
        "text": text,
        "verdict": finding.verdict,
        "probability": finding.probability,
        "evidence": evidence,
        "recovery": finding.recovery,
        "rating": finding.rating.map(Rating::number),
    })
}

fn ranges(evidence: &[std::ops::Range<usize>]) -> Vec<[usize; 2]> {
    evidence.iter().map(|one| [one.start, one.end]).collect()
}

fn merge(value: &mut Value, more: Value) {
    if let (Some(all), Value::Object(own)) = (value.as_object_mut(), more) {
        all.extend(own);
    }
}

/// Returns the line that says there is nothing to ask.
pub(super) fn nothing(next_due_at: Option<i64>) -> Value {
    json!({
        "schema": SCHEMA,
        "type": "drill_end",
        "reason": "nothing_to_ask",
        "points": 0,
        "covered": 0,
        "next_due_at": next_due_at,
    })
}

/// Returns the last line.
pub(super) fn end(reason: &str, sitting: Option<&Sitting>, next_due_at: Option<i64>) -> Value {
    let single = || {
        sitting
            .into_iter()
            .flat_map(Sitting::findings)
            .filter(|finding| !finding.whole && finding.n == 0)
    };
    json!({
        "schema": SCHEMA,
        "type": "drill_end",
        "reason": reason,
        "points": single().count(),
        "covered": single().filter(|one| one.verdict == Verdict::Covered).count(),
        "next_due_at": next_due_at,
    })
}
