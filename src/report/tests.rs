//! Tests of the report on a critique as the journal would hold it.

use serde_json::json;

use super::*;
use crate::store::{SessionId, SessionMeta, Status};

fn sample() -> Report {
    let answer = "I cut p99 by 40 ms. <script>alert(1)</script> * but I guessed";
    Report {
        session: SessionSummary {
            id: SessionId::fresh(),
            started_at: 1_790_000_000_000,
            ended_at: None,
            status: Status::Finished,
            meta: SessionMeta {
                title: "Screen & <b>more</b>".into(),
                ..SessionMeta::default()
            },
            events: 2,
        },
        critique: Some(json!({
            "recommendation": "not-yet", "score": 41.6, "assessed": 1,
            "questions": [{
                "question": "q1", "asked": "What did you _do_?", "score": 41.6, "answer": answer,
                "covered": [{"text": "Gives a number", "recovery": "after-probe",
                             "quotes": [{"start": 2, "end": 18, "text": "cut p99 by 40 ms"}]}],
                "wrong": [{"text": "Knows why", "quotes": [{"start": 48, "end": 61, "text": &answer[48..61]}]}],
                "missing": [{"text": "Names the baseline", "quotes": []}],
            }, {"question": "q2", "asked": "And then?", "score": null, "not_assessed": "not-asked", "answer": ""}],
            "work_on": [{"title": "Give the baseline", "why": "You gave none.", "advice": "Say it first.", "minutes": 10}],
            "votes": [{"name": "Ada", "recommendation": "borderline", "score": null,
                       "competencies": [{"competency": "system-design", "score": 41.6},
                                        {"competency": "communication", "score": null}]}],
            "moments": [],
        })),
        events: vec![
            event(0, "spoken", "What did you _do_?"),
            event(1, "answered", answer),
        ],
    }
}

fn event(seq: u64, kind: &str, text: &str) -> StoredEvent {
    StoredEvent {
        seq,
        at_ms: 0,
        kind: kind.into(),
        event: json!({"event": kind, "text": text, "at_ms": seq}),
    }
}

#[test]
fn html_escapes_everything_somebody_wrote_and_marks_the_answer() {
    let html = sample().to_html().unwrap();
    assert!(!html.contains("<script>"));
    assert!(!html.contains("<b>more"));
    assert!(
        html.contains("<mark class=\"covered\" title=\"earned a point\">cut p99 by 40 ms</mark>")
    );
    assert!(html.contains("<mark class=\"wrong\""));
    assert!(
        !html.contains("http://") && !html.contains("https://"),
        "self-contained"
    );
}

#[test]
fn what_was_not_assessed_is_said_so_and_has_no_number() {
    let markdown = sample().to_markdown().unwrap();
    assert!(
        markdown.contains("## 2. And then?\n\nNot assessed: not asked."),
        "{markdown}"
    );
    assert!(
        markdown.contains("| communication | not assessed |"),
        "{markdown}"
    );
    assert!(
        markdown.contains("| system design | 42 of 100 |"),
        "{markdown}"
    );
}

#[test]
fn markdown_escapes_what_would_become_markup() {
    let markdown = sample().to_markdown().unwrap();
    assert!(markdown.contains("What did you \\_do\\_?"));
    assert!(markdown.contains("\\<script\\>"));
    assert!(markdown.contains("(after probe)"));
}

#[test]
fn a_session_without_a_debrief_still_has_its_transcript() {
    let report = Report {
        critique: None,
        ..sample()
    };
    for text in [report.to_markdown().unwrap(), report.to_html().unwrap()] {
        assert!(text.contains("no debrief yet"));
        assert!(text.contains("cut p99 by 40 ms"));
    }
    assert_eq!(report.to_json()["critique"], Value::Null);
    assert_eq!(report.to_json()["transcript"][1]["who"], "you");
}
