//! What earlier interviews say about the next one, and what this one leaves
//! behind for later.

use std::collections::BTreeMap;

use crate::Result;
use crate::interview::{Attempt, Machine, PlanRequest, Recovery, hint_of};
use crate::judge::{PointVerdict, Verdict};
use crate::progress::guide_version;
use crate::store::{
    Journal, ModelStamp, SessionFilter, StoredVerdict, VerdictRow, VerdictSource, Versions,
};

/// Sessions that are looked back on.
const LOOK_BACK: u32 = 30;

/// One question in this many comes back for its weak points: the rest of an
/// interview is for what was not asked yet.
const WEAK_SHARE: usize = 3;

/// Tells the plan what was asked before and which points were weak.
///
/// # Errors
/// Fails when the journal cannot be read.
pub(super) fn apply(journal: &Journal, request: &mut PlanRequest) -> Result<()> {
    let filter = SessionFilter {
        limit: Some(4 * LOOK_BACK),
        ..SessionFilter::default()
    };
    let mut sessions = journal.sessions(&filter)?;
    // Drills have reviews and no verdicts; they must not crowd interviews out.
    sessions.retain(|session| session.meta.mode != crate::commands::drill::MODE);
    sessions.truncate(LOOK_BACK as usize);
    sessions.sort_by_key(|session| session.started_at);
    let mut weak: BTreeMap<String, BTreeMap<String, f32>> = BTreeMap::new();
    for session in &sessions {
        for row in standing(journal.verdicts(&session.id)?) {
            request.asked_before.insert(row.question.clone());
            let weight = weight(&row.verdict, &row.recovery);
            // The latest verdict on a point replaces the earlier ones.
            weak.entry(row.question)
                .or_default()
                .insert(row.point, weight);
        }
    }
    let mut weakest: Vec<(f32, String, BTreeMap<String, f32>)> = weak
        .into_iter()
        .map(|(question, points)| (points.values().sum(), question, points))
        .filter(|(sum, _, _)| *sum > 0.0)
        .collect();
    weakest.sort_by(|(a, id_a, _), (b, id_b, _)| b.total_cmp(a).then(id_a.cmp(id_b)));
    let count = (request.questions.max(3) / WEAK_SHARE).max(1);
    request.weak_points = weakest
        .into_iter()
        .take(count)
        .map(|(_, question, points)| (question, points))
        .collect();
    Ok(())
}

/// Returns the verdicts of one session that count, in the order they were
/// stored: where one was contested and came out better, the contest's. It may
/// have been stored before the verdict it is about.
fn standing(stored: Vec<StoredVerdict>) -> Vec<VerdictRow> {
    let (contests, mut rows): (Vec<VerdictRow>, Vec<VerdictRow>) = stored
        .into_iter()
        .map(|stored| stored.row)
        .partition(|row| row.source == VerdictSource::Contest);
    for contest in contests {
        let about = |row: &&mut VerdictRow| {
            (&row.question, row.attempt, &row.point)
                == (&contest.question, contest.attempt, &contest.point)
        };
        for row in rows.iter_mut().filter(about) {
            let better = (row.verdict == "wrong" && contest.verdict != "wrong")
                || contest.probability > row.probability;
            if better {
                *row = contest.clone();
            }
        }
    }
    rows
}

/// Returns how much a point matters to the next interview, 0 to 1.
fn weight(verdict: &str, recovery: &str) -> f32 {
    match (verdict, recovery) {
        ("wrong", _) => 1.0,
        ("missing", _) => 0.7,
        ("partial", _) => 0.5,
        ("covered", word) if hint_of(word).is_some() => 0.4,
        ("unsure" | "covered", "probe") | ("unsure", _) => 0.2,
        _ => 0.0,
    }
}

/// Returns one row a judged point of every attempt. `guides` are the session's
/// guides with their versions.
pub(super) fn rows(
    machine: &Machine,
    model: &ModelStamp,
    prompts: &str,
    guides: &str,
) -> Vec<VerdictRow> {
    let Some(plan) = machine.plan() else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for (planned, record) in plan.questions.iter().zip(machine.records()) {
        let guide = with_version(&planned.citation, guides);
        for (number, attempt) in (0_u32..).zip(&record.attempts) {
            rows.extend(attempt_rows(
                attempt,
                &VerdictRow {
                    question: planned.question.id.clone(),
                    attempt: number,
                    source: VerdictSource::Interview,
                    point: String::new(),
                    verdict: String::new(),
                    probability: 0.0,
                    recovery: String::new(),
                    model_hash: model.hash.clone(),
                    versions: Versions {
                        judge: String::new(),
                        prompts: prompts.to_owned(),
                        guides: guide.clone(),
                    },
                },
            ));
        }
    }
    rows
}

/// Returns one row a point of what `attempt` came to, each otherwise as `like`.
pub(in crate::commands) fn attempt_rows(attempt: &Attempt, like: &VerdictRow) -> Vec<VerdictRow> {
    let Some(assessment) = attempt.assessment() else {
        return Vec::new();
    };
    let row = |found: &PointVerdict| VerdictRow {
        point: found.id.clone(),
        verdict: word(found.verdict).to_owned(),
        probability: f64::from(found.probability),
        recovery: attempt
            .recovery(&found.id)
            .unwrap_or(Recovery::Never)
            .word(attempt.rung(&found.id)),
        versions: Versions {
            judge: assessment.judge.clone(),
            ..like.versions.clone()
        },
        ..like.clone()
    };
    assessment.points.iter().map(row).collect()
}

/// Returns a question's place in its guide with the guide's version put in:
/// `basics, question 4` becomes `basics 2026.1, question 4`.
pub(in crate::commands) fn with_version(citation: &str, guides: &str) -> String {
    let (id, item) = citation.split_once(", ").unwrap_or((citation, ""));
    match guide_version(citation, guides).as_str() {
        "" => citation.to_owned(),
        version => format!("{id} {version}, {item}"),
    }
}

/// Returns the word that a verdict is stored as.
pub(in crate::commands) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Covered => "covered",
        Verdict::Partial => "partial",
        Verdict::Missing => "missing",
        Verdict::Wrong => "wrong",
        Verdict::Unsure => "unsure",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SessionMeta;

    fn row(question: &str, point: &str, verdict: &str) -> VerdictRow {
        VerdictRow {
            question: question.to_owned(),
            attempt: 0,
            source: VerdictSource::Interview,
            point: point.to_owned(),
            verdict: verdict.to_owned(),
            probability: 0.5,
            recovery: "never".to_owned(),
            model_hash: String::new(),
            versions: Versions::default(),
        }
    }

    #[test]
    fn the_weakest_question_comes_back_and_the_others_are_known_as_asked() {
        let journal = Journal::open_in_memory().expect("a journal");
        let session = journal.begin(&SessionMeta::default()).expect("a session");
        let rows = [
            row("one", "a", "missing"),
            row("two", "a", "wrong"),
            row("two", "b", "partial"),
            row("three", "a", "covered"),
        ];
        journal.record_verdicts(&session, &rows).expect("stored");
        let mut request = PlanRequest {
            questions: 3,
            ..PlanRequest::default()
        };
        apply(&journal, &mut request).expect("readable");
        let weak: Vec<&str> = request.weak_points.keys().map(String::as_str).collect();
        assert_eq!(weak, ["two"]);
        assert_eq!(request.asked_before.len(), 3);
    }

    #[test]
    fn a_verdict_names_the_version_of_its_guide() {
        assert_eq!(
            with_version("basics, question 4", "basics 2026.1, other 2025.3"),
            "basics 2026.1, question 4"
        );
        assert_eq!(
            with_version("gone, question 4", "basics 2026.1"),
            "gone, question 4"
        );
    }

    #[test]
    fn a_contested_verdict_is_gone_by_where_it_came_out_better() {
        let journal = Journal::open_in_memory().expect("a journal");
        let session = journal.begin(&SessionMeta::default()).expect("a session");
        let contested = |point: &str, verdict: &str, probability: f64| VerdictRow {
            source: VerdictSource::Contest,
            probability,
            recovery: "unaided".to_owned(),
            ..row("one", point, verdict)
        };
        // Contested in the interview: the contests are stored first.
        let rows = [
            contested("a", "covered", 0.9),
            contested("b", "missing", 0.1),
            row("one", "a", "missing"),
            row("one", "b", "partial"),
        ];
        journal.record_verdicts(&session, &rows).expect("stored");
        let standing = standing(journal.verdicts(&session).expect("readable"));
        let verdicts: Vec<(&str, &str)> = standing
            .iter()
            .map(|row| (row.point.as_str(), row.verdict.as_str()))
            .collect();
        assert_eq!(verdicts, [("a", "covered"), ("b", "partial")]);
        let mut request = PlanRequest::default();
        apply(&journal, &mut request).expect("readable");
        let weak = &request.weak_points["one"];
        assert_eq!(weak["a"], 0.0);
        assert!(weak["b"] > 0.0);
    }

    #[test]
    fn what_came_unaided_is_not_weak() {
        assert_eq!(weight("covered", "unaided"), 0.0);
        assert!(weight("covered", "hint") > weight("covered", "probe"));
        assert_eq!(weight("covered", "hint-2"), weight("covered", "hint"));
        assert!(weight("wrong", "never") > weight("missing", "never"));
    }
}
