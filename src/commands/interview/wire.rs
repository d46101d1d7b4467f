//! The JSON lines of an interview, as `docs/json.md` describes them. Fields
//! may be added; none is renamed or taken away.

use std::ops::Range;

use serde::Serialize;
use serde_json::{Value, json};

use crate::critique::Critique;
use crate::interview::{EndReason, Line, Machine, Plan, PlannedQuestion, Utterance};
use crate::judge::Assessment;

/// The version of the lines.
pub const SCHEMA: u32 = 1;

/// Returns the line that begins a session.
pub fn session(id: &str, plan: &Plan, model: Option<&str>) -> Value {
    let panel: Vec<Value> = plan
        .panel
        .iter()
        .map(|person| json!({ "id": person.id, "name": person.name, "role": person.role }))
        .collect();
    json!({
        "schema": SCHEMA,
        "type": "session",
        "id": id,
        "seed": plan.seed,
        "model": model,
        "plan": plan.id,
        "mode": plan.mode,
        "questions": plan.questions.len(),
        "panel": panel,
    })
}

/// Returns the line of a question that was asked.
pub fn question(plan: &Plan, planned: &PlannedQuestion, text: &str) -> Value {
    json!({
        "schema": SCHEMA,
        "type": "question",
        "id": planned.question.id,
        "panellist": plan.panel.get(planned.panellist).map(|person| &person.id),
        "text": text,
        "guide": planned.citation,
        "round": planned.question.round,
    })
}

/// Returns the line of an answer.
pub fn answer(planned: &PlannedQuestion, text: &str) -> Value {
    json!({
        "schema": SCHEMA,
        "type": "answer",
        "question": planned.question.id,
        "text": text,
    })
}

/// Returns the line of a verdict. Byte ranges are ranges of the question's
/// answers so far, joined with a blank line.
pub fn verdict(planned: &PlannedQuestion, assessment: &Assessment) -> Value {
    let points: Vec<Value> = assessment
        .points
        .iter()
        .map(|found| {
            let text = planned
                .question
                .points
                .iter()
                .find(|point| point.id == found.id)
                .map(|point| point.text.as_str());
            json!({
                "id": found.id,
                "text": text,
                "verdict": found.verdict,
                "probability": found.probability,
                "evidence": pairs(&found.evidence),
            })
        })
        .collect();
    let mistakes: Vec<Value> = assessment
        .mistakes
        .iter()
        .filter(|finding| finding.made)
        .map(|finding| {
            json!({
                "id": finding.id,
                "made": finding.made,
                "probability": finding.probability,
                "evidence": pairs(&finding.evidence),
            })
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "type": "verdict",
        "question": planned.question.id,
        "points": points,
        "mistakes": mistakes,
        "flags": assessment.flags,
        "score": assessment.score,
        "judge": assessment.judge,
    })
}

/// Returns byte ranges as pairs, first byte and one past the last.
fn pairs(ranges: &[Range<usize>]) -> Vec<[usize; 2]> {
    ranges
        .iter()
        .map(|range| [range.start, range.end])
        .collect()
}

/// Returns the line of a follow-up that was asked.
pub fn follow_up(machine: &Machine, line: &Line) -> Option<Value> {
    let plan = machine.plan()?;
    let index = line.question?;
    let planned = plan.questions.get(index)?;
    let asked = machine.records().get(index)?.attempt()?.follow_ups.last()?;
    Some(json!({
        "schema": SCHEMA,
        "type": "follow_up",
        "question": planned.question.id,
        "point": asked.point,
        "panellist": plan.panel.get(line.panellist).map(|person| &person.id),
        "text": line.text,
        "source": line.source,
        "intent": line.intent,
    }))
}

/// Returns the line of what a panellist said in the round in which the
/// candidate asks.
pub fn reply(planned: &PlannedQuestion, utterance: &Utterance, text: &str) -> Value {
    json!({
        "schema": SCHEMA,
        "type": "reply",
        "question": planned.question.id,
        "panellist": utterance.speaker.id,
        "text": text,
        "intent": utterance.intent,
    })
}

/// Returns the line in which a panellist cut in on an answer.
pub fn interrupt(planned: &PlannedQuestion, utterance: &Utterance, text: &str) -> Value {
    json!({
        "schema": SCHEMA,
        "type": "interrupt",
        "question": planned.question.id,
        "panellist": utterance.speaker.id,
        "text": text,
    })
}

/// Returns the line of a hint that was given.
pub fn hint(planned: &PlannedQuestion, point: &str, rung: u8, text: &str) -> Value {
    json!({
        "schema": SCHEMA,
        "type": "hint",
        "question": planned.question.id,
        "point": point,
        "rung": rung,
        "text": text,
    })
}

/// Returns the line of the critique.
pub fn critique(critique: &Critique) -> Value {
    typed("critique", critique)
}

/// Returns the last line.
pub fn end(reason: EndReason) -> Value {
    json!({ "schema": SCHEMA, "type": "end", "reason": reason })
}

fn typed(name: &str, body: &impl Serialize) -> Value {
    let mut value = json!({ "schema": SCHEMA, "type": name });
    if let (Some(into), Ok(Value::Object(from))) =
        (value.as_object_mut(), serde_json::to_value(body))
    {
        into.extend(from);
    }
    value
}
