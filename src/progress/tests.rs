//! Tests of progress on rows as the journal would hold them.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::judge::Verdict;
use crate::store::{SessionId, StoredVerdict, VerdictRow, VerdictSource, Versions};

const JUDGE: &str = "2.w1-reader";
const LATER: &str = "2.w2-reader";
const DAY: i64 = 86_400_000;

fn id(n: usize) -> SessionId {
    SessionId::parse(&format!("0190a000-0000-7000-8000-{n:012}")).expect("a name")
}

/// Session `n` of a past, a day after the one before.
fn session(n: usize) -> Session {
    Session {
        id: id(n).to_string(),
        started_at: n as i64 * DAY,
        title: format!("Session {n}"),
        guides: "basics 2026.1".to_owned(),
    }
}

fn row(n: usize, question: &str, point: &str, verdict: &str, recovery: &str) -> StoredVerdict {
    StoredVerdict {
        session: id(n),
        at_ms: n as i64 * DAY + 1,
        row: VerdictRow {
            question: question.to_owned(),
            attempt: 0,
            source: VerdictSource::Interview,
            point: point.to_owned(),
            verdict: verdict.to_owned(),
            probability: 0.5,
            recovery: recovery.to_owned(),
            model_hash: String::new(),
            versions: Versions {
                judge: JUDGE.to_owned(),
                prompts: String::new(),
                guides: "basics, question 1".to_owned(),
            },
        },
    }
}

fn topic(concept: &str, competency: &str) -> Topic {
    Topic {
        ask: "What is drift?".to_owned(),
        concept: concept.to_owned(),
        competencies: vec![competency.to_owned()],
        points: [("a", "Says a"), ("b", "Says b")]
            .map(|(id, text)| (id.to_owned(), text.to_owned()))
            .into(),
    }
}

fn past(sessions: usize, verdicts: Vec<StoredVerdict>) -> Past {
    Past {
        sessions: (0..sessions).map(session).collect(),
        verdicts,
        topics: [
            ("q1".to_owned(), topic("drift", "evaluation")),
            ("q2".to_owned(), topic("drift", "evaluation")),
            ("q3".to_owned(), topic("labels", "data-judgment")),
        ]
        .into(),
        ..Past::default()
    }
}

/// Both points of `q1` with these verdicts, in session `n`.
fn both(n: usize, a: &str, b: &str) -> Vec<StoredVerdict> {
    let recovery = |verdict: &str| match verdict {
        "covered" => "unaided",
        _ => "never",
    };
    vec![
        row(n, "q1", "a", a, recovery(a)),
        row(n, "q1", "b", b, recovery(b)),
    ]
}

fn all(past: &Past) -> Progress {
    progress(past, &Wish::default())
}

fn critique(question: serde_json::Value) -> PastCritique {
    serde_json::from_value(json!({"questions": [question]})).expect("a critique")
}

#[test]
fn nothing_comes_to_nothing() {
    let found = all(&Past::default());
    assert!(found.is_empty() && !found.is_broken());
    assert!(all(&past(3, Vec::new())).is_empty());
}

#[test]
fn credit_and_its_interval_are_as_computed_by_hand() {
    // One answer: covered and partial come to 0.75. Wilson with n = 1:
    // z² = 3.8415, scale 4.8415, middle (0.75 + 1.92073) / 4.8415 = 0.55164,
    // half 1.95996 / 4.8415 * sqrt(0.1875 + 0.96036) = 0.43373.
    let found = all(&past(1, both(0, "covered", "partial")));
    let [line] = found.competencies.as_slice() else {
        panic!("one competency: {found:?}");
    };
    let credit = line.credit.expect("an estimate");
    assert_eq!((line.name.as_str(), credit.mean), ("evaluation", 0.75));
    assert!((credit.low - 0.1179).abs() < 5e-4, "{credit:?}");
    assert!((credit.high - 0.9854).abs() < 5e-4, "{credit:?}");
    assert_eq!(line.unaided.expect("an estimate").mean, 0.5);
    assert_eq!(line.trend, Trend::TooEarly { needed: 3 });
    assert_eq!(found.recall.unaided, 0.5);
    assert_eq!(found.recall.never, 0.5);
}

#[test]
fn what_the_judge_could_not_settle_is_held_against_nobody() {
    let found = all(&past(1, both(0, "covered", "unsure")));
    assert_eq!(found.concepts[0].credit.expect("an estimate").mean, 1.0);
    assert_eq!(found.recall.points, 1);
}

#[test]
fn a_rise_is_told_from_four_sessions_on_and_only_when_it_is_clear() {
    let rise = |n: usize| {
        let rows = (0..n)
            .flat_map(|at| {
                let verdict = if at < n / 2 { "missing" } else { "covered" };
                both(at, verdict, verdict)
            })
            .collect();
        all(&past(n, rows)).concepts[0].trend
    };
    assert_eq!(rise(3), Trend::TooEarly { needed: 1 });
    // Two answers with nothing against two with everything, each half Wilson
    // of n = 2: 0 to 0.6576 and 0.3424 to 1, so that the difference is 1 less
    // the root of 2 * 0.6576², which is 0.0700, at least.
    let Trend::Rising { low, high } = rise(4) else {
        panic!("{:?}", rise(4));
    };
    assert!((low - 0.0700).abs() < 5e-4 && high == 1.0, "{low} {high}");
    let wavering = (0..6)
        .flat_map(|at| both(at, ["missing", "covered"][at % 2], "covered"))
        .collect();
    let trend = all(&past(6, wavering)).concepts[0].trend;
    assert!(matches!(trend, Trend::Unclear { .. }), "{trend:?}");
}

#[test]
fn verdicts_of_another_judge_are_shown_apart_and_no_claim_rests_on_them() {
    let mut rows: Vec<StoredVerdict> = (0..4).flat_map(|n| both(n, "missing", "missing")).collect();
    for row in rows.iter_mut().filter(|row| row.session >= id(2)) {
        row.row.versions.judge = LATER.to_owned();
        row.row.verdict = "covered".to_owned();
    }
    let found = all(&past(4, rows.clone()));
    assert!(found.is_broken());
    let versions: Vec<(&str, usize, bool)> = found
        .judges
        .iter()
        .map(|one| (one.version.as_str(), one.sessions, one.present))
        .collect();
    assert_eq!(versions, [(JUDGE, 2, false), (LATER, 2, true)]);
    let line = &found.concepts[0];
    assert!(line.broken);
    assert_eq!(line.credit.expect("an estimate").mean, 1.0);
    assert_eq!(line.trend, Trend::TooEarly { needed: 2 });
    assert!(found.improved.is_empty(), "{:?}", found.improved);

    // Judged again by the present judge, the past can be compared.
    let again: Vec<StoredVerdict> = rows
        .iter()
        .filter(|row| row.session < id(2))
        .map(|row| {
            let mut again = row.clone();
            again.at_ms = 9 * DAY;
            again.row.source = VerdictSource::Regrade;
            again.row.versions.judge = LATER.to_owned();
            again.row.verdict = "partial".to_owned();
            again
        })
        .collect();
    rows.extend(again);
    let found = all(&past(4, rows));
    assert!(!found.is_broken());
    assert_eq!(found.concepts[0].credit.expect("an estimate").answers, 4);
    assert_eq!(found.improved.len(), 2);
    assert_eq!(found.improved[0].then.verdict, Verdict::Partial);
}

#[test]
fn verdicts_of_a_judge_that_is_not_reliable_are_left_out_and_counted() {
    let mut rows = both(0, "covered", "covered");
    for row in &mut rows {
        row.row.versions.judge = "2.w1-vectors".to_owned();
    }
    rows.extend(both(1, "covered", "missing"));
    let found = all(&past(2, rows));
    assert_eq!(found.unreliable, 1);
    assert_eq!(found.judges.len(), 1);
    assert_eq!(found.concepts[0].sessions.len(), 1);
}

#[test]
fn a_later_attempt_counts_and_is_no_unaided_recall() {
    let mut rows = both(0, "missing", "missing");
    for mut row in both(0, "covered", "missing") {
        row.row.attempt = 1;
        rows.push(row);
    }
    let found = all(&past(1, rows));
    assert_eq!(found.concepts[0].credit.expect("an estimate").mean, 0.5);
    assert_eq!((found.recall.unaided, found.recall.again), (0.0, 0.5));
}

#[test]
fn what_moved_is_shown_with_the_words_then_and_now() {
    let mut rows = both(0, "missing", "covered");
    rows.extend(both(1, "covered", "wrong"));
    let mut past = past(2, rows);
    past.critiques.insert(
        id(0),
        critique(json!({"question": "q1", "missing": [{"point": "a"}],
            "covered": [{"point": "b", "quotes": [{"text": "b it is"}]}]})),
    );
    past.critiques.insert(
        id(1),
        critique(
            json!({"question": "q1", "wrong": [{"point": "b", "quotes": [{"text": "not b"}]}],
            "covered": [{"point": "a", "quotes": [{"text": "a"}, {"text": "a again"}]}]}),
        ),
    );
    let found = all(&past);
    let [improved] = found.improved.as_slice() else {
        panic!("{:?}", found.improved);
    };
    assert_eq!(improved.text, "Says a");
    assert_eq!(
        (improved.then.session, improved.then.quote.as_deref()),
        (0, None)
    );
    assert_eq!(improved.now.quote.as_deref(), Some("a … a again"));
    let [regressed] = found.regressed.as_slice() else {
        panic!("{:?}", found.regressed);
    };
    assert_eq!(regressed.then.quote.as_deref(), Some("b it is"));
    assert_eq!(regressed.now.quote.as_deref(), Some("not b"));
    assert_eq!(
        found.inconsistent,
        [Inconsistency::Point(regressed.clone())]
    );
}

#[test]
fn a_relapse_is_measured_against_the_best_time() {
    let rows = ["missing", "covered", "partial"]
        .iter()
        .enumerate()
        .flat_map(|(n, verdict)| both(n, verdict, "covered"))
        .collect();
    let found = all(&past(3, rows));
    assert!(found.improved.is_empty());
    assert_eq!(found.regressed[0].then.session, 1);
    assert!(found.inconsistent.is_empty(), "half made is not missing");
}

#[test]
fn points_of_another_edition_of_the_guide_are_not_compared() {
    let mut rows = both(0, "missing", "missing");
    for row in &mut rows {
        row.row.versions.guides = "basics 2025.4, question 1".to_owned();
    }
    rows.extend(both(1, "covered", "covered"));
    let found = all(&past(2, rows));
    assert!(found.improved.is_empty());
    assert_eq!(found.concepts[0].sessions.len(), 2, "the trend has both");
}

#[test]
fn a_mistake_of_one_session_and_two_questions_far_apart_are_inconsistent() {
    let mut rows = both(0, "covered", "covered");
    rows.extend(both(1, "covered", "covered"));
    rows.push(row(2, "q2", "a", "missing", "never"));
    let mut past = past(3, rows);
    past.critiques.insert(
        id(0),
        critique(json!({"question": "q1", "score": 60, "hurt": [
            {"mistake": "m", "text": "Mixes it up", "quotes": [{"text": "the labels drift"}]}]})),
    );
    past.critiques
        .insert(id(1), critique(json!({"question": "q1", "score": 95})));
    past.critiques
        .insert(id(2), critique(json!({"question": "q2", "score": 20})));
    let found = all(&past).inconsistent;
    assert!(matches!(
        &found[0],
        Inconsistency::Mistake { mistake, made: 0, avoided: 1, quote: Some(quote), .. }
            if mistake == "m" && quote == "the labels drift"
    ));
    assert!(matches!(
        &found[1],
        Inconsistency::Questions { well, well_session: 1, badly, badly_session: 2, .. }
            if well == "q1" && badly == "q2"
    ));
    assert_eq!(found.len(), 2);
}

#[test]
fn own_scores_are_compared_with_the_panels() {
    let mut rows = both(0, "covered", "covered");
    rows.extend(both(1, "covered", "covered"));
    let mut past = past(2, rows);
    for (n, own, score) in [(0, 9, 40.0), (1, 5, 60.0)] {
        past.critiques.insert(
            id(n),
            critique(json!({"question": "q1", "score": score, "predicted": own})),
        );
    }
    let found = all(&past).calibration;
    assert_eq!(
        (found.answers, found.bias, found.distance),
        (2, Some(20.0), Some(30.0))
    );
    assert_eq!((found.over, found.under), (1, 0));
    assert_eq!(found.competencies["evaluation"].answers, 2);
}

#[test]
fn speaking_is_told_without_any_verdict() {
    let spoken = |seconds: u32| {
        json!({"words": 100, "seconds": seconds, "took_seconds": 50, "expected": [60, 120],
            "first_point_seconds": null, "own": [{"start": 0, "end": 1, "text": "I"}],
            "hedges": [{"start": 0, "end": 1, "text": "maybe"}], "fillers": [], "team": [],
            "numbers": [], "tools": [], "walls": []})
    };
    let mut past = past(2, Vec::new());
    for (n, seconds) in [(0, 30), (1, 90)] {
        past.critiques.insert(
            id(n),
            critique(json!({"question": "q1", "spoken": spoken(seconds)})),
        );
    }
    let found = all(&past);
    let speaking = &found.speaking;
    assert_eq!((speaking.short, speaking.within, speaking.long), (1, 1, 0));
    assert_eq!(
        (speaking.seconds, speaking.expected),
        (Some(60.0), Some((60.0, 120.0)))
    );
    assert_eq!((speaking.hedges, speaking.own), (Some(1.0), Some(1.0)));
    assert_eq!(speaking.sessions.len(), 2);
    assert!(!found.is_empty());
}

#[test]
fn a_wish_narrows_everything() {
    let mut rows = both(0, "covered", "missing");
    rows.push(row(0, "q3", "a", "covered", "probe"));
    let past = past(1, rows);
    let only = |competency: Option<&str>, concept: Option<&str>| {
        progress(
            &past,
            &Wish {
                competency: competency.map(str::to_owned),
                concept: concept.map(str::to_owned),
            },
        )
    };
    let labels = only(None, Some("labels"));
    assert_eq!(labels.competencies[0].name, "data-judgment");
    assert_eq!((labels.recall.points, labels.recall.probe), (1, 1.0));
    assert_eq!(only(Some("evaluation"), None).concepts.len(), 1);
    assert!(only(Some("leadership"), None).is_empty());
}

#[test]
fn points_that_the_rubric_lost_are_not_judged_again() {
    let mut rows = both(0, "covered", "covered");
    let mut again = row(0, "q1", "a", "covered", "unaided");
    again.at_ms = 5 * DAY;
    again.row.source = VerdictSource::Regrade;
    again.row.versions.guides = "basics 2026.2, question 1".to_owned();
    rows.push(again);
    assert_eq!(all(&past(1, rows)).recall.points, 1);
}

fn any_row() -> impl Strategy<Value = StoredVerdict> {
    let word = |words: &'static [&'static str]| prop::sample::select(words);
    (
        (0_usize..5, 0_u32..2, 0_i64..4, prop::bool::ANY),
        word(&["q1", "q2", "q3", "unknown"]),
        word(&["a", "b", "c"]),
        word(&["covered", "partial", "missing", "wrong", "unsure"]),
        word(&["unaided", "probe", "hint", "never"]),
        word(&[JUDGE, LATER, "2.w1-vectors"]),
    )
        .prop_map(
            |((n, attempt, later, regrade), question, point, verdict, recovery, judge)| {
                let mut row = row(n, question, point, verdict, recovery);
                row.at_ms += later;
                row.row.attempt = attempt;
                row.row.versions.judge = judge.to_owned();
                if regrade {
                    row.row.source = VerdictSource::Regrade;
                }
                row
            },
        )
}

proptest! {
    #[test]
    fn progress_is_the_same_whatever_the_order_of_rows(
        (rows, shuffled) in prop::collection::vec(any_row(), 0..40)
            .prop_flat_map(|rows| {
                (Just(rows.clone()), Just(rows).prop_shuffle())
            }),
    ) {
        let mut turned = past(5, shuffled);
        turned.sessions.reverse();
        prop_assert_eq!(all(&past(5, rows)), all(&turned));
    }

    #[test]
    fn shares_are_shares_and_intervals_hold_their_means(
        rows in prop::collection::vec(any_row(), 0..60),
    ) {
        let found = all(&past(5, rows));
        for line in found.competencies.iter().chain(&found.concepts) {
            for estimate in line.credit.iter().chain(&line.unaided) {
                prop_assert!(0.0 <= estimate.low && estimate.high <= 1.0);
                prop_assert!(estimate.low <= estimate.mean + 1e-9);
                prop_assert!(estimate.mean <= estimate.high + 1e-9);
            }
        }
        let recall = found.recall;
        let sum = recall.unaided + recall.probe + recall.hint + recall.again + recall.never;
        prop_assert!(recall.points == 0 || (sum - 1.0).abs() < 1e-9);
    }
}
