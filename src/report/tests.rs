//! Tests of the report on a critique as the journal would hold it.

use serde_json::json;

use super::*;
use crate::judge::contest::Target;
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
        contests: Contests::default(),
        voice: None,
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
    let mut report = Report {
        critique: None,
        ..sample()
    };
    report.session.status = Status::Unfinished;
    for text in [report.to_markdown().unwrap(), report.to_html().unwrap()] {
        assert!(text.contains("no debrief yet"));
        assert!(text.contains("cut p99 by 40 ms"));
    }
    // Only what is not over can go on.
    report.session.status = Status::Finished;
    let over = report.to_markdown().unwrap();
    assert!(over.contains("no debrief") && !over.contains("viva resume"));
    report.session.meta.mode = "drill".into();
    assert!(report.to_html().unwrap().contains("A drill:"));
    assert_eq!(report.to_json()["critique"], Value::Null);
    assert_eq!(report.to_json()["transcript"][1]["who"], "you");
}

#[test]
fn how_it_was_said_and_what_to_say_instead_are_in_every_form() {
    use crate::critique::{Part, Quote, Rewrite, Surprise};
    use crate::interview::{Attempt, Turn, spoken};

    let attempt = Attempt {
        turns: vec![Turn {
            text: "Um, we cut it by 40 ms <i>".to_owned(),
            ..Turn::default()
        }],
        ..Attempt::default()
    };
    let expected = crate::guide::SpokenRange { min: 60, max: 120 };
    let rewrite = Rewrite {
        question: "q1".to_owned(),
        asked: "What did you do?".to_owned(),
        parts: vec![
            Part::Own {
                quote: Quote {
                    start: 0,
                    end: 3,
                    text: "cut <b>it".to_owned(),
                },
                guide: "guide, point a".to_owned(),
            },
            Part::Add {
                text: "Names the baseline".to_owned(),
                guide: "guide, point b".to_owned(),
            },
        ],
    };
    let surprise = Surprise {
        question: "q1".to_owned(),
        competencies: vec![crate::guide::Competency::SystemDesign],
        predicted: 9,
        score: 41.6,
    };
    let mut report = sample();
    let critique = report.critique.as_mut().expect("a critique");
    critique["questions"][0]["spoken"] = json!(spoken::spoken(&attempt, expected));
    critique["rewrite"] = json!(rewrite);
    critique["surprises"] = json!([surprise]);
    let said = how_said(&critique["questions"][0]);
    assert!(
        said[0].starts_with("First answer: 8 words") && said[1].contains("fillers 1"),
        "{said:?}"
    );

    let html = report.to_html().expect("HTML");
    for part in [
        "fillers 1",
        "<q>cut &lt;b&gt;it</q>",
        "<b>Add:</b> Names the baseline",
        "system design: you gave yourself 9 of 10, the panel 42 of 100",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let markdown = report.to_markdown().expect("Markdown");
    for part in [
        "fillers 1",
        "“cut \\<b\\>it”",
        "Add: Names the baseline (guide, point b)",
        "system design: you gave yourself 9 of 10, the panel 42 of 100.",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
}

#[test]
fn the_progress_page_escapes_what_was_said_and_is_whole_without_any_session() {
    use crate::judge::Verdict;
    use crate::progress::{Moved, Progress, Session, Then, Wish};

    let then = |verdict, quote: Option<&str>| Then {
        session: 0,
        verdict,
        quote: quote.map(str::to_owned),
    };
    let progress = Progress {
        sessions: vec![Session {
            id: SessionId::fresh().to_string(),
            started_at: 1_790_000_000_000,
            title: "A <b>round</b>".to_owned(),
            guides: String::new(),
        }],
        improved: vec![Moved {
            question: "q".to_owned(),
            concept: "drift".to_owned(),
            point: "p".to_owned(),
            text: "Says | why".to_owned(),
            then: then(Verdict::Missing, None),
            now: then(Verdict::Covered, Some("<script>alert(1)</script>\u{1b}[2J")),
        }],
        ..Progress::default()
    };
    let wish = Wish::default();
    let told = ProgressPage {
        progress: &progress,
        wish: &wish,
        since_ms: None,
    };
    let html = told.to_html().expect("HTML");
    assert!(html.contains("<q>&lt;script&gt;alert(1)"), "{html}");
    assert!(!html.contains("<script>") && !html.contains("<b>round") && !html.contains('\u{1b}'));
    let markdown = told.to_markdown().expect("Markdown");
    assert!(markdown.contains("Says \\| why"), "{markdown}");
    assert!(markdown.contains("“\\<script\\>"), "{markdown}");

    let nothing = Progress::default();
    let empty = ProgressPage {
        progress: &nothing,
        wish: &wish,
        since_ms: None,
    };
    for text in [
        empty.to_html().expect("HTML"),
        empty.to_markdown().expect("Markdown"),
    ] {
        assert!(text.contains("has been judged yet"));
    }
    assert_eq!(empty.to_json()["type"], "progress");
}

#[test]
fn a_contested_verdict_stands_beside_the_first_in_every_form() {
    use crate::critique::{Contest, Quote};
    use crate::judge::contest::{Ruled, Ruling};

    let ruled = |verdict, probability| Ruled {
        verdict,
        probability,
        judge: "2.4-reader".to_owned(),
    };
    let mut report = sample();
    let critique = report.critique.as_mut().expect("a critique");
    critique["questions"][0]["missing"][0]["point"] = json!("baseline");
    critique["questions"][0]["missing"][0]["number"] = json!(2);
    critique["questions"][0]["attempts"] = json!([{"score": 41.6, "points": []}]);
    let untouched = critique.clone();
    report.contests.contests.push(Contest {
        number: 2,
        question: "q1".to_owned(),
        attempt: 0,
        target: Target::Point("baseline".to_owned()),
        text: "Names the baseline".to_owned(),
        words: Quote {
            start: 2,
            end: 18,
            text: "cut p99 by <40 ms".to_owned(),
        },
        before: ruled(Ruling::Missing, 0.2),
        after: ruled(Ruling::Covered, 0.9),
        counts: true,
        refused: None,
        at_ms: 0,
    });
    report.contests.scores.insert("q1".to_owned(), 63.2);
    report.contests.score = Some(63.2);
    let line = "contested: now covered (0.90), was missing (0.20)";
    let html = report.to_html().expect("HTML");
    for part in [
        line,
        "<q>cut p99 by &lt;40 ms</q>",
        "no. 2",
        "63 of 100 with contests",
        "--contest",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let markdown = report.to_markdown().expect("Markdown");
    for part in [
        line,
        "“cut p99 by \\<40 ms”",
        "(no. 2)",
        "63 of 100 with contests",
        "--contest",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    let whole = report.to_json();
    assert_eq!(whole["critique"], untouched, "the critique stays as it was");
    assert_eq!(
        whole["contests"]["contests"][0]["after"]["verdict"],
        "covered"
    );
    assert_eq!(whole["contests"]["contests"][0]["kind"], "point");
    // Of another attempt nothing is shown.
    report.contests.contests[0].attempt = 3;
    assert!(!report.to_markdown().expect("Markdown").contains(line));
}
