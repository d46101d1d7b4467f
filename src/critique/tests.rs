//! Critiques of small made-up interviews.

use super::super::Part;
use super::*;
use crate::interview::sample::{self, at};
use crate::interview::{Effect, EventKind, Mode, Source};
use crate::judge::{Assessment, Case, MistakeFinding};

/// Plays `answers` and returns the critique; `twist` may change a judgement.
fn play(questions: usize, answers: &[&str], twist: impl Fn(&Case, &mut Assessment)) -> Critique {
    play_plan(sample::plan(7, questions, Mode::Practice), answers, twist)
}

fn play_plan(
    plan: crate::interview::Plan,
    answers: &[&str],
    twist: impl Fn(&Case, &mut Assessment),
) -> Critique {
    let mut machine = Machine::new();
    let mut answers = answers.iter();
    let plan = Box::new(plan);
    let mut effects = machine.handle(at(0, EventKind::Started { plan }));
    for time in 1.. {
        let kind = match effects.pop() {
            Some(Effect::Say { utterance }) => EventKind::Spoken {
                text: utterance.fallback,
                source: Source::Guide,
                cut: false,
            },
            Some(Effect::Listen(_)) => match answers.next() {
                Some(text) => EventKind::Answered {
                    text: (*text).to_owned(),
                },
                None => EventKind::EndOfInput,
            },
            Some(Effect::Assess { case, .. }) => {
                let mut assessment = sample::assess(&case);
                twist(&case, &mut assessment);
                EventKind::Assessed {
                    assessment: Box::new(assessment),
                }
            }
            Some(Effect::Predict { .. }) => EventKind::Predicted { score: Some(9) },
            _ => break,
        };
        effects = machine.handle(at(time, kind));
    }
    critique(&machine)
}

fn points(remarks: &[Remark]) -> Vec<&str> {
    remarks.iter().map(|remark| remark.point.as_str()).collect()
}

#[test]
fn every_point_stands_under_its_verdict_with_its_words() {
    let critique = play(1, &["I say +a ~b -c ?d", "so", "so"], |_, _| {});
    let one = &critique.questions[0];
    assert_eq!(points(&one.covered), ["a"]);
    assert_eq!(points(&one.partial), ["b"]);
    assert_eq!(points(&one.wrong), ["c"]);
    assert_eq!(points(&one.unsure), ["d"]);
    for remark in [&one.covered, &one.partial, &one.wrong, &one.unsure]
        .into_iter()
        .flatten()
    {
        for quote in &remark.quotes {
            assert_eq!(
                one.answer.get(quote.start..quote.end),
                Some(quote.text.as_str())
            );
        }
        assert!(remark.guide.starts_with("sample, question 1, point "));
    }
}

#[test]
fn a_line_without_words_to_show_for_it_is_not_made() {
    let critique = play(1, &["I say +a ~b", "so", "so"], |_, assessment| {
        for point in &mut assessment.points {
            point.evidence.clear();
        }
    });
    let one = &critique.questions[0];
    assert!(one.covered.is_empty());
    assert!(one.partial.is_empty());
    assert!(points(&one.missing).contains(&"b"));
}

#[test]
fn a_range_off_the_answer_or_inside_a_character_gives_no_quote() {
    let ranges = [0..1, 1..2, 5..99, 2..4];
    let found = quotes("\u{e9} ok", &ranges);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].start, found[0].end, found[0].text.as_str()),
        (3, 4, "o")
    );
}

#[test]
fn questions_that_were_not_reached_have_no_score_and_are_not_zero() {
    let critique = play(3, &["+a +b here 5"], |_, _| {});
    let scores: Vec<Option<f32>> = critique.questions.iter().map(|one| one.score).collect();
    assert_eq!(scores, [Some(70.0), None, None]);
    let reasons: Vec<Option<NotAssessed>> = critique
        .questions
        .iter()
        .map(|one| one.not_assessed)
        .collect();
    assert_eq!(
        reasons,
        [
            None,
            Some(NotAssessed::NotAnswered),
            Some(NotAssessed::NotAsked)
        ]
    );
    assert_eq!(critique.score, Some(70.0));
    assert_eq!(critique.assessed, 1);
}

#[test]
fn a_judge_that_is_not_reliable_gives_verdicts_and_no_score() {
    let critique = play(1, &["+a +b here 5"], |_, assessment| {
        assessment.judge = "2.4-vectors".into();
    });
    let one = &critique.questions[0];
    assert_eq!((one.score, one.first_score), (None, None));
    assert_eq!(one.not_assessed, Some(NotAssessed::NotReliable));
    assert_eq!(points(&one.covered), ["a", "b"]);
    assert_eq!(critique.recommendation, Recommendation::NotAssessed);
}

#[test]
fn nothing_heard_is_not_assessed() {
    let critique = play(2, &[], |_, _| {});
    assert_eq!(critique.recommendation, Recommendation::NotAssessed);
    assert_eq!(critique.score, None);
    assert!(critique.work_on.is_empty());
    assert!(critique.votes.iter().all(|vote| vote.score.is_none()));
}

#[test]
fn the_most_valuable_points_come_first_and_are_three_at_most() {
    let critique = play(
        2,
        &[
            "I say nothing of use",
            "so",
            "so",
            "I say +a -c",
            "so",
            "so",
        ],
        |_, _| {},
    );
    let items: Vec<(usize, &str)> = critique
        .work_on
        .iter()
        .map(|item| {
            let index = critique
                .questions
                .iter()
                .position(|one| one.question == item.question)
                .expect("one of them");
            (index, item.point.as_str())
        })
        .collect();
    assert_eq!(items, [(0, "a"), (0, "b"), (1, "b")]);
    assert!(critique.work_on.iter().all(|item| !item.advice.is_empty()));
}

#[test]
fn a_point_that_came_after_a_probe_is_worth_a_thought_when_nothing_else_is() {
    let critique = play(1, &["I say +a +c +d", "and +b"], |_, _| {});
    let titles: Vec<&str> = critique
        .work_on
        .iter()
        .map(|item| item.point.as_str())
        .collect();
    assert_eq!(titles, ["b"]);
    assert_eq!(critique.questions[0].first_score, Some(70.0));
    assert_eq!(critique.questions[0].score, Some(100.0));
}

#[test]
fn a_fatal_mistake_is_not_outweighed() {
    let fatal = |_: &Case, assessment: &mut Assessment| {
        assessment.mistakes = vec![MistakeFinding {
            id: "m".to_owned(),
            made: true,
            probability: 0.9,
            evidence: std::iter::once(0..2).collect(),
        }];
    };
    let critique = play(1, &["+a +b +c +d", "more", "more"], fatal);
    assert_eq!(critique.questions[0].hurt[0].quotes[0].text, "+a");
    // The sample's mistake is serious, not fatal: the band stands.
    assert_eq!(critique.recommendation, Recommendation::StrongYes);
    assert!(critique.moments.iter().any(|moment| !moment.speaks_for));
}

#[test]
fn one_weak_answer_holds_a_yes_back() {
    let critique = play(2, &["I say +a +b +c +d", "I say ~a", "so", "so"], |_, _| {});
    assert!(critique.recommendation <= Recommendation::Borderline);
}

#[test]
fn what_had_to_be_asked_for_makes_no_strong_yes() {
    let unaided = play(1, &["+a +b +c +d", "more", "more"], |_, _| {});
    assert_eq!(unaided.recommendation, Recommendation::StrongYes);
    let helped = play(1, &["I say nothing yet", "+a +b +c +d", "more"], |_, _| {});
    let question = &helped.questions[0];
    assert!(
        question
            .score
            .is_some_and(|score| score >= crate::critique::STRONG_YES)
    );
    assert!(
        question
            .first_score
            .is_some_and(|score| score < crate::critique::YES)
    );
    assert_eq!(helped.recommendation, Recommendation::Yes);
}

#[test]
fn panellists_vote_on_their_own_competencies_and_may_differ() {
    let critique = play(
        3,
        &["+a +b +c +d 5", "+a +b +c +d 5", "I say ~a", "so", "so"],
        |_, _| {},
    );
    let votes: Vec<(&str, Option<f32>)> = critique
        .votes
        .iter()
        .map(|vote| (vote.panellist.as_str(), vote.score))
        .collect();
    assert_eq!(
        votes,
        [
            ("chair", Some(0.0)),
            ("engineer", Some(100.0)),
            ("designer", None)
        ]
    );
    let split = critique.split.expect("they differ");
    assert_eq!(split.for_it, "Ben Brook");
    assert_eq!(split.against, "Ann Archer");
}

#[test]
fn it_can_be_stored_and_read_back() {
    let critique = play(2, &["I say +a -c", "so", "so"], |_, _| {});
    let text = serde_json::to_string(&critique).expect("written");
    let back: Critique = serde_json::from_str(&text).expect("read");
    assert_eq!(back, critique);
}

#[test]
fn what_the_candidate_found_out_is_shown_with_both_sides_words() {
    let mut plan = sample::reverse_plan(7, 0, Mode::Practice);
    for one in &mut plan.red_flags {
        one.planted = matches!(one.flag.id.as_str(), "no-versioning" | "deployment-later");
    }
    let critique = play_plan(
        plan,
        &[
            "Hello. How do you version models? Who owns drift?",
            "no more",
            "I'd hesitate because nothing is versioned.",
        ],
        |_, _| {},
    );
    let one = &critique.questions[0];
    let round = one.reverse.as_ref().expect("a round");
    let state: Vec<(&str, bool, bool, bool)> = round
        .flags
        .iter()
        .map(|flag| {
            (
                flag.flag.as_str(),
                flag.present,
                flag.uncovered,
                flag.caught,
            )
        })
        .collect();
    assert_eq!(
        state,
        [
            ("no-versioning", true, true, true),
            ("evaluates-on-training", false, false, false),
            ("no-quality-owner", false, true, false),
            ("deployment-later", true, false, false),
            ("wrong-metric", false, false, false),
        ]
    );
    let caught = &round.flags[0];
    assert_eq!(caught.asked[0].text, "Hello. How do you version models?");
    assert_eq!(caught.guide, "sample, red flag 1");
    assert_eq!(caught.said.len(), 1);
    let weighed = round.weighed.as_deref().expect("weighed");
    for flag in &round.flags {
        for quote in &flag.asked {
            assert_eq!(
                one.answer.get(quote.start..quote.end),
                Some(quote.text.as_str())
            );
        }
        for quote in &flag.named {
            assert_eq!(
                weighed.get(quote.start..quote.end),
                Some(quote.text.as_str())
            );
        }
    }
}

#[test]
fn the_weakest_answer_is_said_again_in_its_own_words_and_the_guides() {
    let critique = play(
        2,
        &[
            "I say +a and +b and +c in 5 ms",
            "I say +a ~b -c",
            "so",
            "so",
        ],
        |_, _| {},
    );
    let again = critique.rewrite.as_ref().expect("the second is weak");
    assert_eq!(again.question, critique.questions[1].question);
    let answer = &critique.questions[1].answer;
    let mut added = Vec::new();
    for part in &again.parts {
        match part {
            Part::Own { quote, guide } => {
                assert_eq!(
                    answer.get(quote.start..quote.end),
                    Some(quote.text.as_str())
                );
                assert!(!guide.is_empty());
            }
            Part::Add { text, guide } => {
                assert!(!guide.is_empty());
                added.push(text.as_str());
            }
        }
    }
    // The standout is not demanded.
    assert_eq!(
        added,
        ["Says the thing called b", "Says the thing called c"]
    );
}

#[test]
fn a_strong_interview_needs_no_rewrite() {
    let critique = play(1, &["I say +a +b +c +d in 5 ms"], |_, _| {});
    assert_eq!(critique.rewrite, None);
    let spoken = critique.questions[0].spoken.as_ref().expect("measured");
    assert_eq!(spoken.words, 9);
    assert_eq!(spoken.expected, (60, 120));
    assert!(spoken.first_point_seconds.is_some());
}

#[test]
fn a_score_far_from_the_panels_is_a_surprise() {
    let mut plan = sample::plan(7, 1, Mode::Practice);
    plan.predict = true;
    let critique = play_plan(plan, &["I say -a", "so", "so"], |_, _| {});
    let [one] = critique.surprises.as_slice() else {
        panic!("one surprise: {:?}", critique.surprises);
    };
    assert_eq!(
        (one.predicted, critique.questions[0].predicted),
        (9, Some(9))
    );
    assert!(one.is_overconfident());
}
