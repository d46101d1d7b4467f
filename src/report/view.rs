//! What the templates see: the critique with the answers cut into marked
//! pieces, the competencies gathered over the panel, the transcript.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Report;
use super::marks::{Mark, pieces};
use crate::critique::Contests;
use crate::interview::Spoken;
use crate::judge::contest::Target;
use crate::store::StoredEvent;

/// The lists of a question's critique whose quotes mark the answer.
const MARKED: [(&str, Mark); 4] = [
    ("covered", Mark::Covered),
    ("partial", Mark::Partial),
    ("wrong", Mark::Wrong),
    ("hurt", Mark::Wrong),
];

/// The lists of a question's critique whose verdicts can be contested.
const CONTESTABLE: [&str; 5] = ["partial", "wrong", "unsure", "missing", "hurt"];

/// Returns whether a verdict of the critique has a number to contest it by.
pub fn is_contestable(critique: &Value) -> bool {
    list(critique, "questions").any(|question| {
        CONTESTABLE
            .iter()
            .flat_map(|name| list(question, name))
            .any(|remark| remark["number"].is_u64())
    })
}

/// Writes what came of contests beside the verdicts they are about.
pub(super) fn contested(critique: &mut Value, contests: &Contests) {
    if contests.contests.is_empty() {
        return;
    }
    let questions = critique.get_mut("questions").and_then(Value::as_array_mut);
    for question in questions.into_iter().flatten() {
        let id = question["question"].as_str().unwrap_or_default().to_owned();
        // The critique is of the last attempt.
        let attempt = list(question, "attempts").count().saturating_sub(1);
        if let (Some(score), Some(question)) = (contests.scores.get(&id), question.as_object_mut())
        {
            question.insert("score_with_contests".to_owned(), json!(score));
        }
        for name in CONTESTABLE {
            let remarks = question.get_mut(name).and_then(Value::as_array_mut);
            for remark in remarks.into_iter().flatten() {
                let named = |key: &str| remark[key].as_str().map(str::to_owned);
                let Some(target) = named("point")
                    .map(Target::Point)
                    .or_else(|| named("mistake").map(Target::Mistake))
                else {
                    continue;
                };
                let found = contests.deciding(&id, attempt, &target);
                if let (Some(one), Some(remark)) = (found, remark.as_object_mut()) {
                    remark.insert("contested".to_owned(), json!(one.line()));
                    remark.insert("contest_words".to_owned(), json!(one.words.text));
                }
            }
        }
    }
    if let (Some(score), Some(critique)) = (contests.score, critique.as_object_mut()) {
        critique.insert("score_with_contests".to_owned(), json!(score));
    }
}

/// Returns how long the things to do next take together, in minutes; 0 when
/// there are none.
pub fn minutes(critique: &Value) -> u64 {
    list(critique, "work_on")
        .filter_map(|item| item["minutes"].as_u64())
        .sum()
}

/// Returns the context of the templates.
pub(super) fn view(report: &Report) -> Value {
    let mut critique = report.contested_critique().unwrap_or(Value::Null);
    if let Some(questions) = critique.get_mut("questions").and_then(Value::as_array_mut) {
        for question in questions {
            mark(question);
        }
    }
    let started = jiff::Timestamp::from_millisecond(report.session.started_at)
        .map(|time| {
            time.to_zoned(jiff::tz::TimeZone::system())
                .strftime("%-d %B %Y, %H:%M")
                .to_string()
        })
        .unwrap_or_default();
    let mut view = json!({
        "session": report.session,
        "short": report.session.id.short(),
        "started": started,
        "competencies": competencies(&critique),
        "contestable": is_contestable(&critique),
        "minutes": minutes(&critique),
        "critique": critique,
        "transcript": transcript(&report.events),
    });
    clean(&mut view);
    view
}

/// Takes out what a terminal or a browser would act on instead of showing:
/// control characters and marks that change the direction of text. Done last,
/// because quotes are byte ranges of the text as it was typed.
pub(super) fn clean(value: &mut Value) {
    let acts = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    match value {
        Value::String(text) if text.contains(acts) => text.retain(|c| !acts(c)),
        Value::Array(values) => values.iter_mut().for_each(clean),
        Value::Object(members) => members.values_mut().for_each(clean),
        _ => {}
    }
}

fn mark(question: &mut Value) {
    let Some(answer) = question.get("answer").and_then(Value::as_str) else {
        return;
    };
    let mut ranges = Vec::new();
    for (list, mark) in MARKED {
        let remarks = question.get(list).and_then(Value::as_array);
        for quote in remarks
            .into_iter()
            .flatten()
            .filter_map(|remark| remark.get("quotes").and_then(Value::as_array))
            .flatten()
        {
            let place = |name: &str| {
                quote
                    .get(name)
                    .and_then(Value::as_u64)
                    .and_then(|at| usize::try_from(at).ok())
            };
            if let (Some(start), Some(end)) = (place("start"), place("end")) {
                ranges.push((start, end, mark));
            }
        }
    }
    let pieces = json!(pieces(answer, &ranges));
    let how_said = how_said(question);
    if let Some(question) = question.as_object_mut() {
        question.insert("how_said".to_owned(), json!(how_said));
        question.insert("pieces".to_owned(), pieces);
    }
}

/// Returns how the answer to a question of the critique was said, a sentence a
/// line; nothing where the session was stored before that was measured.
pub fn how_said(question: &Value) -> Vec<String> {
    question
        .get("spoken")
        .and_then(|spoken| Spoken::deserialize(spoken).ok())
        .map(|spoken| spoken.lines())
        .unwrap_or_default()
}

/// Returns each competency once, as the first panellist who votes on it
/// scored it; every vote on the same competency rests on the same verdicts.
fn competencies(critique: &Value) -> Vec<Value> {
    let mut seen = Map::new();
    for vote in list(critique, "votes") {
        for one in list(vote, "competencies") {
            if let Some(name) = one.get("competency").and_then(Value::as_str) {
                seen.entry(name.to_owned()).or_insert_with(|| one.clone());
            }
        }
    }
    seen.into_iter().map(|(_, one)| one).collect()
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Returns what was said, in order: `{who: "panel" | "you", text, at_ms}`.
pub(super) fn transcript(events: &[StoredEvent]) -> Vec<Value> {
    events
        .iter()
        .filter_map(|stored| {
            let who = match stored.kind.as_str() {
                "spoken" => "panel",
                "answered" => "you",
                _ => return None,
            };
            let text = stored.event.get("text")?.as_str()?;
            Some(json!({"who": who, "text": text, "at_ms": stored.event.get("at_ms")}))
        })
        .collect()
}
