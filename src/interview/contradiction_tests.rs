//! Answers that contradict each other, and answers that only look so.

use proptest::prelude::*;

use super::*;
use crate::interview::record::{Judgement, Turn};
use crate::interview::{Mode, sample};
use crate::judge::{Case, MistakeFinding};

/// Returns the records of an interview in which each question was answered in
/// these turns, judged by their marks.
fn records(plan: &Plan, answers: &[&[&str]]) -> Vec<QuestionRecord> {
    let mut at_ms = 0;
    plan.questions
        .iter()
        .enumerate()
        .map(|(index, planned)| {
            let mut attempt = Attempt::default();
            for text in answers.get(index).copied().unwrap_or_default() {
                at_ms += 1000;
                attempt.turns.push(Turn {
                    text: (*text).to_owned(),
                    at_ms,
                    ..Turn::default()
                });
                let case = Case::from_question(&planned.question, "", &attempt.answer());
                attempt.judgements.push(Judgement {
                    turns: attempt.turns.len(),
                    assessment: sample::assess(&case),
                });
            }
            QuestionRecord {
                attempts: vec![attempt],
                settled: true,
                ..QuestionRecord::default()
            }
        })
        .collect()
}

fn clashes(answers: &[&[&str]]) -> Vec<Contradiction> {
    let plan = sample::plan(7, answers.len(), Mode::Practice);
    let records = records(&plan, answers);
    let found = find(&plan, &records);
    for passage in found.iter().flat_map(|one| [&one.earlier, &one.later]) {
        let answer = records[passage.question].attempt().expect("asked").answer();
        let range = passage.quote.start..passage.quote.end;
        assert_eq!(answer.get(range), Some(passage.quote.text.as_str()));
        if let Some(spoken) = &passage.spoken {
            assert!(answer.contains(spoken.as_str()), "{spoken}");
        }
    }
    found
}

fn spoken(one: &Contradiction) -> (&str, &str) {
    (
        one.earlier.spoken.as_deref().unwrap_or_default(),
        one.later.spoken.as_deref().unwrap_or_default(),
    )
}

#[test]
fn two_figures_for_the_same_named_thing_are_noticed() {
    let found = clashes(&[&[
        "We served it live. It ran at a p99 of 40 ms.",
        "Our pager was quiet. The p99 was 400 ms on every day of it.",
    ]]);
    // "Every" makes the second no plain statement.
    assert!(found.is_empty());
    let found = clashes(&[&[
        "We served it live. It ran at a p99 of 40 ms.",
        "Our pager was quiet. The p99 was 400 ms.",
    ]]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        spoken(&found[0]),
        ("It ran at a p99 of 40 ms", "The p99 was 400 ms")
    );
    assert_eq!(found[0].about, About::Figure("p99 was 400 ms".to_owned()));
    assert_eq!((found[0].earlier.turn, found[0].later.turn), (0, 1));
}

#[test]
fn the_size_of_a_team_is_a_figure_too() {
    let found = clashes(&[&["It was a team of four.", "We were twelve, so it was loud."]]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn the_same_figure_in_other_words_is_no_contradiction() {
    for (one, other) in [
        ("Recall was 90%.", "Recall was 0.9."),
        (
            "Recall was nine in ten.",
            "Our recall was about 91 per cent.",
        ),
        (
            "The training was of 1 hour.",
            "The training was of 60 minutes.",
        ),
        ("It was a team of four.", "We were four."),
        ("The budget was \u{a3}20k.", "The budget was \u{a3}20,000."),
    ] {
        assert!(clashes(&[&[one, other]]).is_empty(), "{one} / {other}");
    }
}

#[test]
fn within_one_answer_nothing_is_held_against_anybody() {
    for answer in [
        "The p99 was 40 ms. The p99 was 400 ms.",
        "The p99 was 400 ms, no, sorry, it was 40.",
        "It was a team of four. We were twelve.",
    ] {
        assert!(clashes(&[&[answer]]).is_empty(), "{answer}");
    }
}

#[test]
fn who_takes_something_back_does_not_contradict_themselves() {
    for later in [
        "Sorry, the p99 was 400 ms.",
        "I have to correct myself. The p99 was 400 ms.",
        "I take that back: the p99 was 400 ms.",
        "The p99 was 400 ms, actually.",
        "Later the p99 was 400 ms.",
    ] {
        let found = clashes(&[&["The p99 was 40 ms.", later]]);
        assert!(found.is_empty(), "{later}: {found:?}");
    }
    // Nor does somebody whose first answer already said two things.
    let unsure = "The p99 was 40 ms. In the evening the p99 was 90 ms.";
    assert!(clashes(&[&[unsure, "The p99 was 400 ms."]]).is_empty());
}

#[test]
fn figures_of_other_stories_are_not_compared() {
    let apart = clashes(&[
        &["At the bank it was a team of four."],
        &["On the search project we were twelve."],
    ]);
    assert!(apart.is_empty(), "{apart:?}");
    let same = clashes(&[
        &["For the Atlas ranker it was a team of four."],
        &["On the Atlas thing we were twelve, all in one room."],
    ]);
    assert_eq!(same.len(), 1, "{same:?}");
    let different = clashes(&[&[
        "The old service latency was 400 ms.",
        "The new service latency was 40 ms.",
    ]]);
    assert!(different.is_empty());
}

#[test]
fn a_point_made_and_then_got_wrong_is_noticed() {
    let found = clashes(&[&["I say +a and mean it.", "Well I think of it -a these days."]]);
    assert_eq!(found.len(), 1);
    assert!(matches!(&found[0].about, About::Statement(text) if text.contains("called a")));
    assert_eq!((found[0].earlier.turn, found[0].later.turn), (0, 1));
    let back = clashes(&[&[
        "I say +a and mean it.",
        "I take that back, it is -a really.",
    ]]);
    assert!(back.is_empty());
    // In one answer it is a slip.
    assert!(clashes(&[&["I say +a and then -a too."]]).is_empty());
}

#[test]
fn a_mistake_about_what_another_answer_made_is_noticed() {
    let mut plan = sample::plan(7, 2, Mode::Practice);
    let points = &mut plan.questions[0].question.points;
    points[0].text = "Fits the scaler inside every cross-validation fold".to_owned();
    let mistakes = &mut plan.questions[1].question.mistakes;
    mistakes[0].text = "Fits the scaler before cross-validation, outside the folds".to_owned();
    let mut records = records(
        &plan,
        &[
            &["I fit it +a inside each fold."],
            &["I fit the scaler once, before the split."],
        ],
    );
    let made = |records: &mut Vec<QuestionRecord>| {
        let last = records[1].attempts[0].judgements.last_mut();
        last.expect("judged").assessment.mistakes = vec![MistakeFinding {
            id: "m".to_owned(),
            made: true,
            probability: 0.9,
            evidence: vec![Range { start: 0, end: 40 }],
        }];
    };
    assert!(find(&plan, &records).is_empty());
    made(&mut records);
    let found = find(&plan, &records);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].earlier.question, found[0].later.question), (0, 1));
    // A mistake about something else is none.
    plan.questions[1].question.mistakes[0].text = "Blames the platform people".to_owned();
    assert!(find(&plan, &records).is_empty());
}

#[test]
fn what_is_said_aloud_is_short() {
    let long = format!("The p99 was 400 ms {}.", "and the wall was blue ".repeat(9));
    let found = clashes(&[&["The p99 was 40 ms.", &long]]);
    assert_eq!(found.len(), 1);
    let said = found[0].later.spoken.as_deref().expect("words");
    assert!(
        said.split_whitespace().count() <= *SPEAKABLE.end(),
        "{said}"
    );
    assert!(said.starts_with("The p99 was 400 ms"), "{said}");
}

/// Sentences of real answers, none of which contradicts another.
const UNRELATED: [&str; 14] = [
    "I always begin with the inputs.",
    "Our recall was 90 per cent.",
    "It was a team of four.",
    "The p99 was 40 ms.",
    "We had 9,000 applicants.",
    "It ran for eight months like that.",
    "The budget was \u{a3}20k.",
    "I spent two weeks going through it, month by month.",
    "A recruiter must look at each rejection.",
    "The threshold was 0.3 on validation data.",
    "That went from forty minutes to six.",
    "We lost 200 shops.",
    "Accuracy is no use when the classes are lopsided.",
    "I start small, one per cent of people, then five, then twenty.",
];

proptest! {
    #[test]
    fn no_order_of_unrelated_sentences_makes_one(
        order in Just((0..UNRELATED.len()).collect::<Vec<_>>()).prop_shuffle(),
        cuts in (1_usize..13, 1_usize..13),
    ) {
        let said: Vec<&str> = order.iter().map(|at| UNRELATED[*at]).collect();
        let (one, two) = (cuts.0.min(cuts.1), cuts.0.max(cuts.1));
        let turns = [said[..one].join(" "), said[one..two].join(" "), said[two..].join(" ")];
        let found = clashes(&[&[&turns[0], &turns[1]], &[&turns[2]]]);
        prop_assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn one_contradiction_stays_one_in_any_order_of_its_answers_sentences(
        order in Just((0..UNRELATED.len()).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let said: Vec<&str> = order.iter().map(|at| UNRELATED[*at]).collect();
        let found = clashes(&[&[&said.join(" "), "The p99 was 400 ms."]]);
        prop_assert_eq!(found.len(), 1);
    }
}
