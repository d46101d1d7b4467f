//! Planting, matching and catching, on the red flags that ship.

use super::*;
use crate::interview::{Intent, Mode, Source, sample};

fn plan(planted: &[&str]) -> Plan {
    let mut plan = sample::reverse_plan(7, 0, Mode::Practice);
    for one in &mut plan.red_flags {
        one.planted = planted.contains(&one.flag.id.as_str());
    }
    plan
}

fn turn(text: &str) -> Turn {
    Turn {
        text: text.to_owned(),
        at_ms: 0,
        took_ms: 0,
        interrupted: false,
    }
}

/// Plays messages and returns the attempt and the panel's lines.
fn ask(plan: &Plan, messages: &[&str]) -> (Attempt, Vec<Line>) {
    let mut attempt = Attempt::default();
    let mut said = Vec::new();
    for message in messages {
        for reply in replies(plan, 0, &attempt, message, &said) {
            said.push(Line {
                panellist: reply.exchange.panellist,
                intent: Intent::Reply,
                text: reply.text.clone(),
                source: Source::Guide,
                cut: false,
                question: Some(0),
                at_ms: 0,
            });
            let mut exchange = reply.exchange;
            exchange.said = Some(reply.text);
            attempt.exchanges.push(exchange);
        }
        attempt.turns.push(turn(message));
    }
    (attempt, said)
}

fn flags(attempt: &Attempt) -> Vec<Option<&str>> {
    attempt
        .exchanges
        .iter()
        .map(|one| one.flag.as_deref())
        .collect()
}

/// Returns what is named in `text` after `messages`, flag and words.
fn names(plan: &Plan, messages: &[&str], text: &str) -> Vec<(String, String)> {
    let (mut attempt, _) = ask(plan, messages);
    attempt.weighing = Some(Weighing {
        asked: String::new(),
        answer: Some(turn(text)),
    });
    findings(plan, &attempt)
        .iter()
        .flat_map(|finding| {
            let id = &finding.employer.flag.id;
            finding
                .named
                .iter()
                .map(|range| (id.clone(), text[range.clone()].to_owned()))
        })
        .collect()
}

const ABOUT_ALL: [&str; 2] = [
    "How do you version data and models? How is a candidate model evaluated before release?",
    "Who owns a model once it is live and drifting? How do you deploy to production? What does success look like for the business?",
];

#[test]
fn two_flags_are_planted_by_the_seed_and_each_by_some_seed() {
    let mut ever = BTreeSet::new();
    for seed in 0..40 {
        let planted = |seed| -> Vec<String> {
            sample::reverse_plan(seed, 0, Mode::Practice)
                .red_flags
                .into_iter()
                .filter(|one| one.planted)
                .map(|one| one.flag.id)
                .collect()
        };
        assert_eq!(planted(seed).len(), PLANTED);
        assert_eq!(planted(seed), planted(seed));
        ever.extend(planted(seed));
    }
    assert_eq!(ever.len(), sample::red_flags().len());
}

#[test]
fn a_plan_without_questions_to_the_panel_has_no_employer() {
    let plan = sample::plan(7, 3, Mode::Practice).with_employer(sample::red_flags());
    assert!(plan.red_flags.is_empty() && !plan.is_reverse(0));
}

#[test]
fn every_question_of_the_guides_finds_its_own_flag() {
    let plan = plan(&[]);
    for (flag, _) in sample::red_flags() {
        for question in &flag.asks {
            let found = best(&plan, &Attempt::default(), question);
            let found = found.map(|employer| employer.flag.id.as_str());
            assert_eq!(found, Some(flag.id.as_str()), "{question}");
        }
    }
}

#[test]
fn a_planted_flag_is_answered_with_it_and_another_in_health() {
    let plan = plan(&["no-versioning"]);
    let (attempt, said) = ask(
        &plan,
        &[
            "How do you version models?",
            "Who owns a model after launch?",
        ],
    );
    assert_eq!(
        flags(&attempt),
        [Some("no-versioning"), Some("no-quality-owner")]
    );
    assert!(plan.red_flags[0].flag.planted.contains(&said[0].text));
    assert!(plan.red_flags[2].flag.healthy.contains(&said[1].text));
}

#[test]
fn several_questions_of_one_message_get_an_answer_each() {
    let plan = plan(&[]);
    let message = "First, how do you version data? Second, who monitors drift? And pay?";
    let (attempt, _) = ask(&plan, &[message]);
    assert_eq!(
        flags(&attempt),
        [Some("no-versioning"), Some("no-quality-owner")]
    );
    assert_eq!(
        &message[attempt.exchanges[1].asked.clone()],
        " Second, who monitors drift?"
    );
}

#[test]
fn asking_again_brings_the_other_words_and_then_no_more() {
    let plan = plan(&["no-versioning"]);
    let message = "How do you version models?";
    let (attempt, said) = ask(&plan, &[message, message, message]);
    assert_eq!(
        flags(&attempt),
        [Some("no-versioning"), Some("no-versioning"), None]
    );
    assert_ne!(said[0].text, said[1].text);
    assert!(!plan.red_flags[0].flag.planted.contains(&said[2].text));
}

#[test]
fn what_the_panel_cannot_answer_is_said_and_invites_another_question() {
    let plan = plan(&["no-versioning"]);
    let (attempt, said) = ask(&plan, &["Is there a canteen?", "And a gym?"]);
    assert_eq!(flags(&attempt), [None, None]);
    assert_ne!(said[0].text, said[1].text);
    for line in &said {
        assert!(
            line.text.contains("ask") || line.text.contains("else"),
            "{}",
            line.text
        );
    }
}

#[test]
fn an_end_is_heard_and_a_bare_topic_is_not_one() {
    let flags = plan(&[]).red_flags;
    for text in [
        "",
        "  ",
        "no",
        "That\u{2019}s all, thank you.",
        "No more from me",
        "I have no questions",
    ] {
        assert!(is_done(text, &flags), "{text}");
    }
    for text in [
        "Versioning",
        "No monitoring then?",
        "Why?",
        "I'm not sure how you deploy",
        "Tell me about the biggest outage you ever had and how it was put right in the end",
    ] {
        assert!(!is_done(text, &flags), "{text}");
    }
}

#[test]
fn a_flag_is_caught_by_its_topic_by_its_name_and_by_the_panels_own_words() {
    let plan = plan(&["no-versioning", "no-quality-owner"]);
    for text in [
        "There is no versioning.",
        "Your data sets and models do not look versioned to me.",
        "A shared folder, the date in the file name and Tom's laptop; you keep the current one in a bucket and overwrite it.",
    ] {
        let named = names(&plan, &ABOUT_ALL, text);
        assert!(
            !named.is_empty() && named.iter().all(|(id, _)| id == "no-versioning"),
            "{text}: {named:?}"
        );
    }
    assert_eq!(
        names(
            &plan,
            &ABOUT_ALL,
            "Nobody owns quality, and nothing is versioned."
        ),
        [
            (
                "no-versioning".to_owned(),
                "and nothing is versioned".to_owned()
            ),
            (
                "no-quality-owner".to_owned(),
                "Nobody owns quality".to_owned()
            ),
        ]
    );
}

#[test]
fn a_flag_goes_by_when_it_is_not_named_or_spoken_of_without_worry() {
    let plan = plan(&["no-versioning", "no-quality-owner"]);
    for text in [
        "Nothing, it all sounds great.",
        "",
        "I'm not worried about versioning or monitoring.",
        "I liked what I heard of your registry.",
        "The commute, to be honest.",
    ] {
        assert_eq!(names(&plan, &ABOUT_ALL, text), [], "{text}");
    }
    let turned = "I liked the versioning, but monitoring worries me.";
    assert_eq!(
        names(&plan, &ABOUT_ALL, turned),
        [(
            "no-quality-owner".to_owned(),
            "but monitoring worries me".to_owned()
        )]
    );
    let unhappy = names(&plan, &ABOUT_ALL, "I am not happy with the versioning.");
    assert_eq!(unhappy.len(), 1);
}

#[test]
fn what_was_not_asked_after_cannot_be_caught_by_guessing() {
    let plan = plan(&["no-versioning", "no-quality-owner"]);
    let guess = "No versioning, no holdout, no owner, no deployment and a wrong metric.";
    assert_eq!(names(&plan, &["Is there a canteen?"], guess), []);
}

#[test]
fn a_worry_about_what_is_done_well_is_a_false_alarm() {
    let plan = plan(&["no-quality-owner"]);
    let named = names(&plan, &ABOUT_ALL, "Your versioning.");
    assert_eq!(
        named,
        [("no-versioning".to_owned(), "Your versioning".to_owned())]
    );
}

proptest::proptest! {
    #[test]
    fn any_message_gets_an_answer_and_every_place_lies_within_it(
        message in "(how|who|version|drift|deploy|metric|[?.,!]|\\PC{0,6}| ){0,14}",
        last in "(own|version|liked|but|and|metric|[.,]|\\PC{0,4}| ){0,14}",
    ) {
        let plan = plan(&["no-versioning", "wrong-metric"]);
        let (attempt, said) = ask(&plan, &[&message]);
        proptest::prop_assert!((1..=MAX_REPLIES).contains(&said.len()));
        for exchange in &attempt.exchanges {
            proptest::prop_assert!(message.get(exchange.asked.clone()).is_some());
        }
        for (_, words) in names(&plan, &[&message], &last) {
            proptest::prop_assert!(last.contains(&words));
        }
    }
}
