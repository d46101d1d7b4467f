//! Contests with a judge that reads marks.

use async_trait::async_trait;
use proptest::prelude::*;

use super::*;
use crate::guide::{Competency, Round};
use crate::interview::sample;
use crate::judge::MistakeFinding;

/// A judge that finds a point by its mark, `+a`, and the mistake by `!m`
/// unless `(not)` stands in the same text, which it overlooks in a long one.
struct Marks;

#[async_trait]
impl Judge for Marks {
    async fn assess(&self, case: &Case, _cancel: Cancel) -> Result<Assessment> {
        let mut found = sample::assess(case);
        let at = case.answer.find("!m");
        let short = case.answer.split_whitespace().count() < 14;
        let taken_back = short && case.answer.contains("(not)");
        let made = at.is_some() && !taken_back;
        found.mistakes = vec![MistakeFinding {
            id: "m".to_owned(),
            made,
            probability: if made { 0.9 } else { 0.1 },
            evidence: at.map(|at| at..at + 2).into_iter().collect(),
        }];
        if case.answer.split_whitespace().count() < 3 {
            found.flags.push(Flag::NonAnswer);
        }
        Ok(found)
    }
}

fn case(answer: &str) -> Case {
    let question = sample::question("q", Round::Technical, Competency::Evaluation, "q");
    Case::from_question(&question, &question.ask, answer)
}

fn contest(answer: &str, target: &Target, words: &str) -> Again {
    let case = case(answer);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let first = Marks.assess(&case, Cancel::new()).await.expect("judged");
        let before = ruled(&first, target).expect("it is there");
        let accused = match target {
            Target::Point(id) => first
                .points
                .iter()
                .find(|point| point.id == *id)
                .map(|point| point.evidence.clone()),
            Target::Mistake(_) => first.mistakes.first().map(|one| one.evidence.clone()),
        };
        let words = locate(answer, words).expect("the words are there");
        again(
            &Marks,
            &case,
            &before,
            target,
            (&words, &accused.unwrap_or_default()),
            Cancel::new(),
        )
        .await
        .expect("judged again")
    })
}

fn point(id: &str) -> Target {
    Target::Point(id.to_owned())
}

#[test]
fn words_are_found_whatever_their_white_space_case_and_quotation_marks() {
    let answer = "We don\u{2019}t  retrain\nat night.";
    for words in [
        "don't retrain at",
        "DON\u{2019}T RETRAIN AT",
        "\u{201c}don't retrain\tat\u{201d}",
    ] {
        let found = locate(answer, words).expect(words);
        assert_eq!(answer.get(found), Some("don\u{2019}t  retrain\nat"));
    }
}

#[test]
fn a_part_of_a_word_means_the_whole_word() {
    let found = locate("I monitor inputs", "onito").expect("there");
    assert_eq!("I monitor inputs".get(found), Some("monitor"));
}

#[test]
fn words_that_are_not_there_are_not_found() {
    for words in ["", "  \u{201c}\u{201d} ", "retrain daily", "..."] {
        assert_eq!(locate("We retrain it weekly.", words), None, "{words:?}");
    }
}

#[test]
fn a_few_words_are_judged_in_their_sentence_only() {
    let answer = "First this. Then I looked at the inputs of it. Last that.";
    let at = |words| locate(answer, words).expect("there");
    assert_eq!(
        readings(answer, &at("the inputs"), &[]),
        [
            "Then I looked at the inputs of it.",
            "First this. Then I looked at the inputs of it. Last that."
        ]
    );
    assert_eq!(
        readings(answer, &at("I looked at the inputs"), &[]),
        [
            "I looked at the inputs",
            "Then I looked at the inputs of it.",
            "First this. Then I looked at the inputs of it. Last that."
        ]
    );
}

#[test]
fn what_was_held_against_somebody_stays_part_of_what_is_judged() {
    let answer = "I said -a here. Other things too. But I say +a now.";
    let words = locate(answer, "I say +a now").expect("there");
    let accused = locate(answer, "-a").expect("there");
    assert_eq!(
        readings(answer, &words, std::slice::from_ref(&accused)),
        ["I said -a here. But I say +a now."]
    );
}

#[test]
fn the_better_reading_of_the_words_counts() {
    let again = contest("I talked of ~a much. Later ~a", &point("a"), "I talked of");
    assert_eq!(again.ruled.verdict, Ruling::Partial);
    assert!(!again.counts, "it is as probable as before");
    let heard = contest(
        "I say +b and +a clearly here. ?a",
        &point("a"),
        "I say +b and +a clearly",
    );
    assert_eq!(heard.ruled.verdict, Ruling::Covered);
    assert!(heard.counts && heard.refused.is_none());
}

#[test]
fn words_that_are_no_answer_by_themselves_count_for_nothing() {
    let again = contest("+a. ?a", &point("a"), "+a");
    assert_eq!(again.refused, Some(Flag::NonAnswer));
    assert!(!again.counts);
}

#[test]
fn a_wrong_point_cannot_be_won_by_pointing_elsewhere() {
    let answer = "I would say +a at first. In fact I say -a here.";
    let again = contest(answer, &point("a"), "I would say +a at first");
    assert_eq!(again.ruled.verdict, Ruling::Wrong);
    assert!(!again.counts);
}

#[test]
fn a_mistake_falls_by_words_that_take_it_back_and_by_no_others() {
    let target = Target::Mistake("m".to_owned());
    let answer = "They said !m to me there. I told them (not) so. And I went home then.";
    let fallen = contest(answer, &target, "I told them (not) so");
    assert_eq!(fallen.ruled.verdict, Ruling::NotMade);
    assert!(fallen.counts);
    let other = "They said !m to me there. And I went home then.";
    let stands = contest(other, &target, "And I went home then");
    assert_eq!(stands.ruled.verdict, Ruling::Made);
    assert!(!stands.counts);
}

#[test]
fn the_score_with_a_contest_is_the_formulas() {
    let case = case("I say +a ?b here");
    let first = sample::assess(&case);
    let ruling = Ruled {
        verdict: Ruling::Covered,
        probability: 0.9,
        judge: String::new(),
    };
    let without = score_with(&case, &first, &[]);
    let with = score_with(&case, &first, &[(point("b"), ruling.clone())]);
    let mut changed = first.clone();
    changed.points[1].verdict = Verdict::Covered;
    changed.points[1].probability = 0.9;
    let expected = score::score(
        &case,
        &changed.points,
        Overall {
            heard: changed.heard,
            ..Overall::default()
        },
        &changed.mistakes,
        &changed.flags,
    );
    assert!(with > without);
    assert_eq!(with, expected);
    // An answer of which little was heard is worth more by what is won.
    let quiet = Assessment {
        heard: Some(0.1),
        ..first.clone()
    };
    let before = score_with(&case, &quiet, &[]);
    let after = score_with(&case, &quiet, &[(point("b"), ruling.clone())]);
    assert!(after > with * before / without, "{before} {after}");
    let gated = Assessment {
        flags: vec![Flag::KeywordSalad],
        ..first
    };
    let held = score_with(&case, &gated, &[(point("b"), ruling)]);
    assert!(held <= score::GATE);
}

proptest! {
    #[test]
    fn what_is_found_lies_in_the_answer(answer in "\\PC{0,60}", words in "\\PC{0,10}") {
        if let Some(found) = locate(&answer, &words) {
            prop_assert!(answer.get(found).is_some_and(|text| !text.trim().is_empty()));
        }
    }

    #[test]
    fn any_words_of_an_answer_are_found(answer in "[a-z .\n]{1,60}", from in 0_usize..60, len in 1_usize..20) {
        let end = (from + len).min(answer.len());
        if let Some(words) = answer.get(from..end) && words.contains(|c: char| c.is_alphabetic()) {
            prop_assert!(locate(&answer, &words.to_uppercase()).is_some());
        }
    }

    #[test]
    fn a_better_verdict_never_lowers_the_score(old in 0.0_f32..1.0, new in 0.0_f32..1.0) {
        let case = case("I say +b here");
        let mut first = sample::assess(&case);
        first.points[0].probability = old;
        let before = Ruled { verdict: Ruling::Partial, probability: old, judge: String::new() };
        let after = Ruled { verdict: Ruling::Partial, probability: new, judge: String::new() };
        if is_better(&after, &before) {
            let score = score_with(&case, &first, &[(point("a"), after)]);
            prop_assert!(score + 1e-3 >= score_with(&case, &first, &[]));
        }
    }
}
