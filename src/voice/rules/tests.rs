//! Each rule with lines it must refuse and lines it must let through.

use proptest::prelude::*;

use super::*;
use crate::guide::PointKind;
use crate::interview::PointFacts;
use crate::judge::Verdict;

const ANSWER: &str = "I would retrain the model on newer data, then deploy it again. \
                      We had alerts on latency but nobody looked at them.";

fn facts() -> Facts {
    Facts {
        question: Some("degraded-model".into()),
        asked: Some("A model you deployed got worse over a month. What do you do?".into()),
        answer: ANSWER.into(),
        point: Some(PointFacts {
            id: "inputs-first".into(),
            text: "Checks the input distribution for drift before touching the model".into(),
            key_terms: vec!["drift".into(), "distribution".into(), "upstream".into()],
            kind: PointKind::Essential,
            verdict: Verdict::Missing,
            quotes: vec!["retrain the model on newer data".into()],
        }),
        probe: Some("Before doing that, what would you look at first?".into()),
        lead: Some("Right.".into()),
        earlier: vec!["Hello, I run the platform team.".into()],
        ..Facts::default()
    }
}

fn broken(line: &str, facts: &Facts, intent: Intent) -> Vec<Rule> {
    let standard = Standard {
        intent,
        facts,
        fallback: "Right. Before doing that, what would you look at first?",
        max_words: 30,
        min_similarity: MIN_SIMILARITY,
    };
    check(line, &standard, None)
        .into_iter()
        .map(|breach| breach.rule)
        .collect()
}

fn probe(line: &str) -> Vec<Rule> {
    broken(line, &facts(), Intent::Probe)
}

fn refuses(rule: Rule, lines: &[&str]) {
    for line in lines {
        assert!(probe(line).contains(&rule), "{rule:?} lets through: {line}");
    }
}

#[test]
fn lines_that_are_fit_to_be_said_pass_every_rule() {
    for line in [
        "You said \"retrain the model on newer data\". What would you look at first, before that?",
        "Before you retrain anything, what would you look at first?",
        "Help me understand: before doing that, what would you look at first?",
        "And what would you look at first, before doing that?",
    ] {
        assert_eq!(probe(line), [], "{line}");
    }
}

#[test]
fn a_follow_up_asks_exactly_one_question_and_asks_it_last() {
    refuses(
        Rule::Questions,
        &[
            "What would you look at first? And what second?",
            "Tell me what you would look at first.",
            "What would you look at first? Take your time.",
            "What would you look at first, and why did you choose that?",
        ],
    );
}

#[test]
fn the_point_is_not_given_away() {
    refuses(
        Rule::Leak,
        &[
            "Before doing that, would you look at drift first?",
            "Would you first look at whether things had drifted?",
            "Would you look upstream first?",
            "Would you check what the model's input was first, before touching it?",
        ],
    );
}

#[test]
fn a_word_the_candidate_said_is_no_leak() {
    let mut facts = facts();
    facts.answer.push_str(" Maybe it was drift.");
    let line = "Before doing that, what would you look at first to see drift?";
    assert_eq!(broken(line, &facts, Intent::Probe), []);
}

#[test]
fn praise_and_grades_are_refused() {
    refuses(
        Rule::Verdict,
        &[
            "Great. What would you look at first, before doing that?",
            "That's a good start. What would you look at first?",
            "Exactly. What would you look at first?",
            "Good, so what would you look at first?",
            "That makes sense, so what would you look at first?",
            "That's not quite it, what would you look at first?",
            "What would you look at first!",
            "We would hire for that. What would you look at first?",
        ],
    );
}

#[test]
fn saying_it_again_is_refused() {
    refuses(
        Rule::Repeats,
        &[
            "A model you deployed got worse over a month, so what do you do?",
            "What would you look at, what would you look at first?",
            "Hello, I run the platform team?",
        ],
    );
}

#[test]
fn nothing_is_put_into_the_candidates_mouth() {
    refuses(
        Rule::WordsInMouth,
        &[
            "You mentioned canary releases, so what would you look at first?",
            "You used Kafka there. What would you look at first?",
            "As you explained about sampling, what would you look at first?",
            "I would retrain it. What would you look at first?",
            "In my last project we looked at that first, what would you do?",
        ],
    );
}

#[test]
fn what_the_candidate_did_say_may_be_reported() {
    let line = "You mentioned alerts on latency; before doing that, what would you look at first?";
    assert_eq!(probe(line), []);
}

#[test]
fn after_an_empty_answer_nobody_said_anything() {
    let mut facts = facts();
    facts.answer = String::new();
    let line = "You said that already, so what would you look at first?";
    assert!(broken(line, &facts, Intent::Probe).contains(&Rule::WordsInMouth));
}

#[test]
fn a_quotation_is_verbatim_and_one_of_those_offered() {
    refuses(
        Rule::Quote,
        &[
            "You said \"retrain a model on newer data\". What would you look at first?",
            "You said \u{201c}we moved it to the new cluster\u{201d}. What would you look at first?",
            // Verbatim, but not among the quotations offered.
            "You said \"nobody looked at them\". What would you look at first?",
            "You said \"model\". What would you look at first?",
        ],
    );
}

#[test]
fn traces_of_templates_and_labels_are_refused() {
    refuses(
        Rule::Debris,
        &[
            "Question: what would you look at first?",
            "What would you look at first?<|im_end|>",
            "**What would you look at first?**",
            "what would you look at first?",
            "You said \"retrain the model. What would you look at first?",
            "Certainly, here is the question. What would you look at first?",
            "What would you look at first... before that?",
            "- What would you look at first?",
            "What would you look at first",
        ],
    );
}

#[test]
fn other_languages_are_refused() {
    refuses(
        Rule::Language,
        &[
            "Was würden Sie sich denn zuerst genauer ansehen?",
            "\u{4f60}\u{5148}\u{770b}\u{4ec0}\u{4e48}?",
        ],
    );
}

#[test]
fn long_lines_are_refused() {
    let line = format!(
        "Before that, {} what would you look at first?",
        "then ".repeat(30)
    );
    assert!(probe(&line).contains(&Rule::Long));
    refuses(Rule::Empty, &["", "  ?? 12"]);
}

#[test]
fn a_probe_must_ask_what_it_was_to_ask() {
    refuses(
        Rule::Meaning,
        &["When did you last talk to the people upstairs?"],
    );
    let facts = facts();
    let standard = Standard {
        intent: Intent::Probe,
        facts: &facts,
        fallback: "",
        max_words: 30,
        min_similarity: MIN_SIMILARITY,
    };
    let line = "Which thing would have your attention ahead of that?";
    let with = |similarity| check(line, &standard, Some(similarity));
    assert_eq!(with(0.8), []);
    assert_eq!(with(0.3)[0].rule, Rule::Meaning);
}

#[test]
fn a_handover_names_the_next_speaker_and_asks_nothing() {
    let facts = Facts {
        next_name: Some("Priya".into()),
        ..Facts::default()
    };
    let standard = Standard {
        intent: Intent::Handover,
        facts: &facts,
        fallback: "Over to Priya.",
        max_words: 20,
        min_similarity: MIN_SIMILARITY,
    };
    let rules = |line: &str| -> Vec<Rule> {
        check(line, &standard, None)
            .iter()
            .map(|breach| breach.rule)
            .collect()
    };
    assert_eq!(rules("Let me hand you to Priya."), []);
    assert_eq!(rules("Let me hand you over."), [Rule::Meaning]);
    assert_eq!(
        rules("Priya, what do you think of that?"),
        [Rule::Questions]
    );
}

proptest! {
    #[test]
    fn no_line_makes_a_check_fail_badly(line in "\\PC{0,160}", answer in "\\PC{0,80}") {
        let mut facts = facts();
        facts.answer = answer;
        for intent in [Intent::Probe, Intent::Handover, Intent::Closing] {
            let _ = broken(&line, &facts, intent);
        }
    }

    #[test]
    fn a_line_with_a_key_term_never_passes(
        before in "[a-z]{0,8}",
        term in prop_oneof![Just("drift"), Just("drifting"), Just("Distribution"), Just("upstream")],
    ) {
        let line = format!("Before doing that, {before} what {term} would you look at first?");
        prop_assert!(probe(&line).contains(&Rule::Leak));
    }
}

#[test]
fn a_line_about_something_else_is_refused() {
    // As small models drift: the form is right, the matter is not.
    refuses(
        Rule::Relevance,
        &[
            "My favourite restaurant in Paris serves wonderful seafood, what would you look at first?",
            "The history of steam engines begins in Cornwall. Before doing that, what would you look at first?",
            "Customers of the bakery usually prefer fresh bread in winter, before doing that, don't they?",
        ],
    );
}

#[test]
fn rewordings_and_bridges_are_relevant() {
    for line in [
        "Before you retrain, which numbers would you look at first?",
        "Let me stay with that for a moment. Before doing that, what would you look at first?",
        "Suppose it is Monday morning. Before doing that, what would you look at first?",
        "Picture the dashboard on that day. Before doing that, what would you look at first?",
    ] {
        assert!(
            !probe(line).contains(&Rule::Relevance),
            "{line}: {:?}",
            probe(line)
        );
    }
}

#[test]
fn a_close_and_a_handover_must_say_what_the_guides_do() {
    let known = Facts {
        next_name: Some("Priya".into()),
        ..Facts::default()
    };
    let check = |line: &str, fallback: &str, intent, similarity| {
        let standard = Standard {
            intent,
            facts: &known,
            fallback,
            max_words: 55,
            min_similarity: MIN_SIMILARITY,
        };
        check(line, &standard, similarity)
            .into_iter()
            .map(|breach| breach.rule)
            .collect::<Vec<_>>()
    };
    let close = "That is everything from our side. Thank you for thinking it through with us.";
    let said = "That is everything from our side today. Thank you for thinking it through with us.";
    assert_eq!(check(said, close, Intent::Closing, None), []);
    assert_eq!(check(said, close, Intent::Closing, Some(0.8)), []);
    assert_eq!(
        check(said, close, Intent::Closing, Some(0.1)),
        [Rule::Relevance]
    );
    let strays = "The quarterly budget review covers travel expenses and office furniture.";
    assert!(check(strays, close, Intent::Closing, None).contains(&Rule::Relevance));
    let hand = "Priya, I'll let you take the next one.";
    assert_eq!(
        check("Over to you, Priya.", hand, Intent::Handover, Some(0.6)),
        []
    );
}
