//! Tests of the sitting, with verdicts made by hand.

use proptest::prelude::*;

use super::*;
use crate::guide::{Competency, Round};
use crate::interview::sample;
use crate::judge::PointVerdict;

/// A plan of one point each of so many questions.
fn plan(count: usize) -> SittingPlan {
    let mut plan = SittingPlan::default();
    for n in 0..count {
        let id = format!("q{n}");
        let question = sample::question(&id, Round::Technical, Competency::Evaluation, &id);
        let mut case = Case::from_question(&question, &question.ask, "");
        let whole = Whole {
            question: id.clone(),
            concept: id.clone(),
            guide: "guide".to_owned(),
            wording: super::super::wording::for_whole(&question, &[]),
            case: case.clone(),
        };
        case.points.truncate(1);
        let point = &question.points[0];
        let first = super::super::wording::for_point(&question, point, 0, None, false);
        plan.tasks.push(Task {
            question: id.clone(),
            point: point.id.clone(),
            concept: id,
            statement: point.text.clone(),
            kind: point.kind,
            guide: "guide".to_owned(),
            again: super::super::wording::for_point(&question, point, 1, Some(&first.id), false),
            wording: first,
            hints: point.hints.clone(),
            case,
        });
        plan.wholes.push(whole);
    }
    plan
}

fn assessment(case: &Case, verdict: Verdict) -> DrillEvent {
    let points = case
        .points
        .iter()
        .map(|point| PointVerdict {
            id: point.id.clone(),
            verdict,
            probability: if verdict == Verdict::Covered {
                0.9
            } else {
                0.1
            },
            evidence: Vec::new(),
        })
        .collect();
    DrillEvent::Assessed {
        assessment: Box::new(Assessment {
            heard: None,
            judge: crate::judge::JUDGE_VERSION.to_owned(),
            points,
            mistakes: Vec::new(),
            flags: Vec::new(),
            score: 0.0,
        }),
    }
}

/// Plays to the end; `verdicts` judges the answers in order, and what comes
/// after the last is covered.
fn play(count: usize, verdicts: &[Verdict]) -> (Sitting, Vec<DrillEvent>) {
    let mut sitting = Sitting::default();
    let mut events = vec![DrillEvent::DrillStarted {
        plan: Box::new(plan(count)),
    }];
    sitting.handle(&events[0]);
    let mut judged = 0;
    for _ in 0..200 {
        let event = match sitting.step() {
            Step::Done => return (sitting, events),
            Step::Ask(asked) => DrillEvent::Spoken {
                text: asked.wording().whole(),
            },
            Step::Listen(_) => DrillEvent::Answered {
                text: "An answer.".to_owned(),
            },
            Step::Judge(asked, answer) => {
                let verdict = verdicts.get(judged).copied().unwrap_or(Verdict::Covered);
                judged += 1;
                assessment(&asked.case(answer), verdict)
            }
        };
        sitting.handle(&event);
        events.push(event);
    }
    panic!("the sitting does not end");
}

#[test]
fn a_missed_point_comes_back_once_in_other_words_before_the_whole_answer() {
    let (sitting, events) = play(2, &[Verdict::Missing]);
    let asked: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            DrillEvent::Spoken { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert_ne!(asked[0], asked[2]);
    assert!(asked[3].contains("q0"), "the weakest question: {asked:?}");
    let points: Vec<(u32, bool)> = sitting
        .findings()
        .iter()
        .map(|finding| (finding.n, finding.whole))
        .collect();
    assert_eq!(points[..3], [(0, false), (0, false), (1, false)]);
    assert!(points[3..].iter().all(|(_, whole)| *whole));
}

#[test]
fn what_is_no_answer_makes_no_point() {
    let case = plan(1).tasks[0].case.clone();
    let DrillEvent::Assessed { mut assessment } = assessment(&case, Verdict::Covered) else {
        panic!("an assessment");
    };
    assessment.points[0].evidence = std::iter::once(0..4).collect();
    assert_eq!(as_counted((*assessment).clone()), *assessment);
    assessment.flags.push(Flag::NonAnswer);
    let counted = as_counted(*assessment);
    assert_eq!(counted.points[0].verdict, Verdict::Missing);
    assert!(counted.points[0].evidence.is_empty());
}

#[test]
fn missed_twice_it_waits_for_another_day() {
    let (_, events) = play(1, &[Verdict::Wrong, Verdict::Missing]);
    let judged = events
        .iter()
        .filter(|event| matches!(event, DrillEvent::Assessed { .. }))
        .count();
    assert_eq!(judged, 3);
}

#[test]
fn a_missed_point_is_known_to_come_back_also_where_it_is_next() {
    let (_, events) = play(1, &[Verdict::Missing, Verdict::Missing]);
    let key = ("q0".to_owned(), "a".to_owned());
    let after = |judged: usize| {
        let end = events
            .iter()
            .enumerate()
            .filter(|(_, event)| matches!(event, DrillEvent::Assessed { .. }))
            .nth(judged)
            .map_or(0, |(index, _)| index + 1);
        Sitting::replay(&events[..end]).comes_back(&key)
    };
    assert!(after(0));
    assert!(!after(1));
}

#[test]
fn what_was_told_in_the_sitting_is_no_review_of_the_whole_answer() {
    let (sitting, _) = play(1, &[]);
    let rated: Vec<(&str, bool)> = sitting
        .findings()
        .iter()
        .filter(|finding| finding.whole)
        .map(|finding| (finding.key.1.as_str(), finding.rating.is_some()))
        .collect();
    assert_eq!(rated, [("a", false), ("b", true), ("c", true), ("d", true)]);
}

#[test]
fn an_unsure_verdict_is_asked_again_and_is_no_review() {
    let (sitting, _) = play(1, &[Verdict::Unsure]);
    assert_eq!(sitting.findings()[0].rating, None);
    assert_eq!(sitting.findings()[1].n, 1);
    assert_eq!(sitting.findings()[1].rating, Some(Rating::Good));
}

#[test]
fn hints_count_against_the_point_they_were_given_for_alone() {
    let mut sitting = Sitting::default();
    sitting.handle(&DrillEvent::DrillStarted {
        plan: Box::new(plan(2)),
    });
    let say = |sitting: &mut Sitting| {
        sitting.handle(&DrillEvent::Spoken {
            text: String::new(),
        });
    };
    let answer = |sitting: &mut Sitting| {
        sitting.handle(&DrillEvent::Answered {
            text: "An answer.".to_owned(),
        });
        let Step::Judge(asked, text) = sitting.step() else {
            panic!("an answer is judged");
        };
        let event = assessment(&asked.case(text), Verdict::Covered);
        sitting.handle(&event);
    };
    say(&mut sitting);
    sitting.handle(&DrillEvent::Hinted);
    assert_eq!(sitting.hints(), 1);
    answer(&mut sitting);
    say(&mut sitting);
    answer(&mut sitting);
    let ratings: Vec<Option<Rating>> = sitting
        .findings()
        .iter()
        .map(|finding| finding.rating)
        .collect();
    assert_eq!(ratings, [Some(Rating::Hard), Some(Rating::Good)]);
    assert_eq!(sitting.findings()[0].recovery, "hint");
}

#[test]
fn ending_early_keeps_what_was_judged() {
    let (_, mut events) = play(3, &[]);
    events.truncate(4);
    events.push(DrillEvent::Quit);
    let sitting = Sitting::replay(&events);
    assert_eq!(sitting.step(), Step::Done);
    assert!(sitting.is_cut_short());
    assert_eq!(sitting.findings().len(), 1);
}

#[test]
fn events_are_read_back_as_they_were_stored() {
    let (_, events) = play(1, &[Verdict::Missing]);
    for event in events {
        let text = serde_json::to_string(&event).expect("JSON");
        let read: DrillEvent = serde_json::from_str(&text).expect("an event");
        assert_eq!(read, event);
    }
}

fn verdicts() -> impl Strategy<Value = Vec<Verdict>> {
    prop::collection::vec(
        prop::sample::select(vec![
            Verdict::Covered,
            Verdict::Partial,
            Verdict::Missing,
            Verdict::Wrong,
            Verdict::Unsure,
        ]),
        0..8,
    )
}

proptest! {
    #[test]
    fn cut_anywhere_and_resumed_a_sitting_ends_the_same_and_judges_nothing_twice(
        verdicts in verdicts(),
        cut in 1_usize..40,
    ) {
        let (whole, events) = play(3, &verdicts);
        let cut = cut.min(events.len());
        let mut sitting = Sitting::replay(&events[..cut]);
        let judged = events[..cut]
            .iter()
            .filter(|event| matches!(event, DrillEvent::Assessed { .. }))
            .count();
        sitting.handle(&DrillEvent::Resumed);
        let mut at = judged;
        for _ in 0..200 {
            let event = match sitting.step() {
                Step::Done => break,
                Step::Ask(asked) => DrillEvent::Spoken { text: asked.wording().whole() },
                Step::Listen(_) => DrillEvent::Answered { text: "An answer.".to_owned() },
                Step::Judge(asked, answer) => {
                    let verdict = verdicts.get(at).copied().unwrap_or(Verdict::Covered);
                    at += 1;
                    assessment(&asked.case(answer), verdict)
                }
            };
            sitting.handle(&event);
        }
        prop_assert_eq!(sitting.step(), Step::Done);
        let plain = |sitting: &Sitting| -> Vec<(Key, u32, Verdict, Option<Rating>)> {
            sitting
                .findings()
                .iter()
                .map(|one| (one.key.clone(), one.n, one.verdict, one.rating))
                .collect()
        };
        prop_assert_eq!(plain(&sitting), plain(&whole));
        prop_assert!(sitting.findings().iter().all(|one| !one.wording.is_empty()));
    }
}
