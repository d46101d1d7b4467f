//! Paths through the interview.

mod play;
mod properties;

use play::{Play, command};

use super::*;
use crate::interview::Mode;
use crate::interview::sample;

fn play(questions: usize, mode: Mode, replies: &[&str]) -> Play {
    let mut play = Play::start(sample::plan(7, questions, mode));
    for reply in replies {
        play.reply(reply);
    }
    play
}

#[test]
fn their_own_score_is_asked_for_before_the_verdict() {
    for (mode, when) in [(Mode::Practice, "at the end"), (Mode::Study, "at once")] {
        let mut plan = sample::plan(7, 2, mode);
        plan.predict = true;
        let mut play = Play::start(plan);
        play.reply("I say +a and +b in 40 ms instead of 90 and it failed");
        let asked = |play: &Play| {
            play.effects
                .iter()
                .filter(|effect| matches!(effect, Effect::Predict { .. }))
                .count()
        };
        assert_eq!(asked(&play), usize::from(mode == Mode::Study), "{when}");
        let play = play.end();
        assert_eq!(asked(&play), 1, "{when}");
        assert_eq!(
            play.machine.records()[0].predicted,
            Some(OwnScore::Given(7))
        );
        assert_eq!(play.machine.records()[1].predicted, None);
        assert_eq!(play.machine.phase(), Phase::Ended);
    }
}

#[test]
fn under_pressure_the_panel_cuts_in_on_a_ramble_once() {
    let ramble = format!("I say +a {}", "and so on ".repeat(400));
    let play = play(1, Mode::Pressure, &[&ramble, &ramble]);
    assert_eq!(play.count(Intent::Interrupt), 1);
    assert!(play.machine.records()[0].attempts[0].turns[0].interrupted);
    let patient = self::play(1, Mode::Practice, &[&ramble]);
    assert_eq!(patient.count(Intent::Interrupt), 0);
}

#[test]
fn a_vague_answer_is_asked_for_what_it_lacks_once() {
    let play = play(
        1,
        Mode::Practice,
        &["I say +a and +b and +c", "it was quick", "still"],
    );
    assert_eq!(play.count(Intent::Deepen), 1);
    let line = play
        .machine
        .said()
        .iter()
        .find(|line| line.intent == Intent::Deepen)
        .expect("asked");
    assert_eq!(line.text.matches('?').count(), 1);
}

#[test]
fn an_interview_opens_asks_and_closes() {
    let play = play(1, Mode::Practice, &["I say +a and +b in 5 ms"]);
    assert_eq!(
        play.intents(),
        [
            Intent::Opening,
            Intent::Greeting,
            Intent::Greeting,
            Intent::Ask,
            Intent::Closing
        ]
    );
    assert_eq!(play.machine.phase(), Phase::Ended);
    assert_eq!(play.machine.reason(), Some(EndReason::Completed));
    assert_eq!(play.last_line(), "Thank you.");
}

#[test]
fn a_thin_answer_is_probed_and_recovery_is_credited() {
    let play = play(
        1,
        Mode::Practice,
        &["I say +a today", "and also +b in 5 ms"],
    );
    assert_eq!(play.count(Intent::Probe), 1);
    let attempt = play.machine.records()[0].attempt().expect("an attempt");
    assert_eq!(attempt.follow_ups[0].point.as_deref(), Some("b"));
    assert!(!attempt.follow_ups[0].text.is_empty());
    assert_eq!(
        attempt.recovery("b"),
        Some(crate::interview::Recovery::AfterProbe)
    );
    assert_eq!(play.machine.phase(), Phase::Ended);
}

#[test]
fn a_probe_does_not_give_the_point_away() {
    let play = play(1, Mode::Practice, &["I say very little today"]);
    let line = play.last_line();
    assert!(!line.contains("secret"), "{line}");
    assert_eq!(line.matches('?').count(), 1, "{line}");
}

#[test]
fn what_was_wrong_is_quoted_back() {
    let mut plan = sample::plan(7, 1, Mode::Practice);
    plan.questions[0].question.points[0].probes = vec!["Why is that?".to_owned()];
    let mut play = Play::start(plan);
    play.settle();
    play.send(EventKind::Answered {
        text: "First we test on the training data. Done.".to_owned(),
    });
    let Some(Effect::Assess { case, .. }) = play.machine.due() else {
        panic!("judged first");
    };
    let mut assessment = sample::assess(&case);
    assessment.points[0].verdict = crate::judge::Verdict::Wrong;
    assessment.points[0].evidence.push(0..35);
    play.send(EventKind::Assessed {
        assessment: Box::new(assessment),
    });
    play.settle();
    assert!(
        play.last_line()
            .ends_with("You said \u{201c}First we test on the training data\u{201d}. Why is that?"),
        "{}",
        play.last_line()
    );
}

#[test]
fn questions_go_to_who_votes_on_them_and_are_handed_over() {
    let play = play(
        3,
        Mode::Practice,
        &["+a +b yes 5", "+a +b yes 5", "+a +b yes 5"],
    );
    assert_eq!(play.count(Intent::Ask), 3);
    assert!(play.count(Intent::Handover) >= 1);
    let handover = play
        .machine
        .said()
        .iter()
        .find(|line| line.intent == Intent::Handover)
        .expect("a handover");
    assert!(!handover.text.contains("{name}"), "{}", handover.text);
}

#[test]
fn the_end_of_input_leaves_unasked_questions_unassessed() {
    let play = play(3, Mode::Practice, &["+a +b yes 5"]).end();
    assert_eq!(play.machine.phase(), Phase::Ended);
    assert_eq!(play.machine.reason(), Some(EndReason::EndOfInput));
    assert_eq!(play.last_line(), lines::EARLY_CLOSING);
    let assessed: Vec<bool> = play
        .machine
        .records()
        .iter()
        .map(|record| record.assessment().is_some())
        .collect();
    assert_eq!(assessed, [true, false, false]);
    assert!(play.machine.records()[2].attempts.is_empty());
}

#[test]
fn no_input_at_all_still_opens_and_closes() {
    let play = play(2, Mode::Practice, &[]).end();
    assert_eq!(play.machine.phase(), Phase::Ended);
    assert_eq!(play.count(Intent::Ask), 1);
    assert_eq!(play.count(Intent::Closing), 1);
}

#[test]
fn hints_climb_a_ladder_of_three_and_cost_credit() {
    let mut play = play(1, Mode::Practice, &["/hint", "/hint", "/hint", "/hint"]);
    let rungs: Vec<u8> = play
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::ShowHint { rung, .. } => Some(*rung),
            _ => None,
        })
        .collect();
    assert_eq!(rungs, [1, 2, 3]);
    assert!(play.effects.contains(&notice(Notice::NoMoreHints)));
    play.reply("now +a and +b");
    let attempt = play.machine.records()[0].attempt().expect("an attempt");
    assert_eq!(
        attempt.recovery("a"),
        Some(crate::interview::Recovery::AfterHint)
    );
    assert_eq!(
        attempt.recovery("b"),
        Some(crate::interview::Recovery::Unaided)
    );
}

#[test]
fn pressure_gives_no_help() {
    let play = play(1, Mode::Pressure, &["/hint", "/easier", "/why"]);
    let refusals = play
        .effects
        .iter()
        .filter(|effect| **effect == notice(Notice::NoHelpHere))
        .count();
    assert_eq!(refusals, 3);
}

#[test]
fn a_verdict_can_be_contested_once_it_was_shown() {
    let contest = || {
        command(Command::Contest {
            number: 2,
            words: "I say".to_owned(),
        })
    };
    let last = |play: &Play| {
        play.effects
            .iter()
            .rev()
            .find(|effect| matches!(effect, Effect::Contest { .. } | Effect::Notice { .. }))
            .cloned()
    };
    let nothing = notice(Notice::NothingToContest);
    for (mode, answers, expected) in [
        (Mode::Study, &[][..], &nothing),
        (Mode::Practice, &["I say +a +b with 40"][..], &nothing),
        (
            Mode::Pressure,
            &["I say +a +b"][..],
            &notice(Notice::NoHelpHere),
        ),
        (
            Mode::Study,
            &["I say +a +b with 40"][..],
            &Effect::Contest {
                number: 2,
                words: "I say".to_owned(),
            },
        ),
    ] {
        let mut play = play(2, mode, answers);
        play.settle();
        let before = play.machine.clone();
        assert!(play.send(contest()), "{mode:?}");
        assert_eq!(last(&play).as_ref(), Some(expected), "{mode:?}");
        // The interview itself goes on as it was.
        assert_eq!(play.machine.due(), before.due());
        assert_eq!(play.machine.records(), before.records());
    }
}

#[test]
fn a_contradiction_is_asked_about_once_and_counts_as_a_follow_up() {
    let replies = [
        "I say nothing of it. The p99 was 40 ms.",
        "The p99 was 400 ms.",
        "The p99 was 4 seconds.",
        "The p99 was 9 seconds.",
    ];
    for mode in [Mode::Practice, Mode::Pressure, Mode::Study] {
        let play = play(1, mode, &replies);
        let asked: Vec<&Line> = play
            .machine
            .said()
            .iter()
            .filter(|line| line.intent == Intent::Reconcile)
            .collect();
        let attempt = play.machine.records()[0].attempt().expect("asked");
        assert!(attempt.panel_follow_ups() <= mode.rules(0).follow_ups);
        if mode == Mode::Study {
            assert!(asked.is_empty(), "the one follow-up was a probe");
            continue;
        }
        assert_eq!(asked.len(), 1, "{mode:?}");
        for quote in [
            "\u{201c}The p99 was 40 ms\u{201d}",
            "\u{201c}The p99 was 400 ms\u{201d}",
        ] {
            assert!(asked[0].text.contains(quote), "{}", asked[0].text);
        }
    }
}

#[test]
fn the_question_about_a_contradiction_breaks_no_rule() {
    use crate::voice::{Standard, rules};

    let mut play = play(2, Mode::Pressure, &["I say so. The p99 was 40 ms."]);
    play.settle();
    play.send(EventKind::Answered {
        text: "The p99 was 400 ms.".to_owned(),
    });
    let Some(Effect::Assess { case, .. }) = play.machine.due() else {
        panic!("an answer is judged");
    };
    play.send(EventKind::Assessed {
        assessment: Box::new(sample::assess(&case)),
    });
    let Some(Effect::Say { utterance }) = play.machine.due() else {
        panic!("the panel asks");
    };
    assert_eq!(utterance.intent, Intent::Reconcile);
    let standard = Standard {
        intent: utterance.intent,
        facts: &utterance.facts,
        fallback: &utterance.fallback,
        max_words: 60,
        min_similarity: rules::MIN_SIMILARITY,
    };
    assert_eq!(rules::check(&utterance.fallback, &standard, None), []);
}

#[test]
fn a_skipped_question_is_not_assessed() {
    let play = play(2, Mode::Practice, &["/skip", "+a +b yes 5"]);
    assert!(play.machine.records()[0].skipped);
    assert!(play.machine.records()[0].assessment().is_none());
    assert_eq!(play.machine.phase(), Phase::Ended);
}

#[test]
fn a_pause_stops_the_clock_and_refuses_answers() {
    let mut play = play(1, Mode::Practice, &["/pause"]);
    assert_eq!(play.machine.due(), Some(Effect::AwaitResume));
    assert!(!play.send(EventKind::Answered {
        text: "x".to_owned()
    }));
    play.clock += 600_000;
    play.reply("/resume");
    play.reply("/time");
    let clock = play.effects.iter().rev().find_map(|effect| match effect {
        Effect::ShowTime(clock) => Some(*clock),
        _ => None,
    });
    assert!(clock.expect("a clock").elapsed_ms < 600_000);
}

#[test]
fn repeat_says_the_open_follow_up_again() {
    let mut play = play(1, Mode::Practice, &["I say +a today"]);
    let probe = play.last_line().to_owned();
    play.reply("/repeat");
    assert_eq!(play.last_line(), probe);
    assert_eq!(
        play.machine.records()[0]
            .attempt()
            .expect("one")
            .follow_ups
            .len(),
        1
    );
}

#[test]
fn another_attempt_is_judged_afresh_and_kept_beside_the_first() {
    let play = play(
        2,
        Mode::Practice,
        &[
            "+a +b yes 5",
            "/again",
            "+a +b +c this 2nd time",
            "+a +b yes 5",
        ],
    );
    assert_eq!(play.machine.phase(), Phase::Ended);
    let record = &play.machine.records()[0];
    assert_eq!(record.attempts.len(), 2);
    assert_eq!(record.assessment().map(|one| one.score), Some(90.0));
    assert_eq!(play.count(Intent::Ask), 2);
}

#[test]
fn harder_and_easier_do_as_their_names_say() {
    let play = play(
        1,
        Mode::Practice,
        &["/harder", "/easier", "I say ~a", "/harder"],
    );
    assert!(play.effects.contains(&notice(Notice::NothingHarder)));
    assert_eq!(play.count(Intent::Encourage), 1);
    assert_eq!(play.count(Intent::Harder), 1);
}

#[test]
fn quitting_closes_with_a_critique() {
    let play = play(3, Mode::Practice, &["+a +b yes 5", "/quit"]);
    assert_eq!(play.machine.reason(), Some(EndReason::Quit));
    assert!(play.effects.contains(&Effect::Critique));
    assert_eq!(play.machine.phase(), Phase::Ended);
}

#[test]
fn an_interview_that_was_left_can_be_taken_up_again() {
    let mut play = play(2, Mode::Practice, &["I say +a today"]);
    let before = play.machine.due();
    play.send(EventKind::Interrupted);
    assert_eq!(
        play.machine.due(),
        Some(Effect::End {
            reason: EndReason::Interrupted
        })
    );
    assert!(!play.send(EventKind::Answered {
        text: "too late".to_owned()
    }));
    play.clock += 86_400_000;
    play.send(EventKind::Resumed);
    assert_eq!(play.machine.due(), before);
    play.reply("and also +b");
    let took = play.machine.records()[0].attempt().expect("one").turns[1].took_ms;
    assert!(took < 86_400_000);
}

#[test]
fn a_judge_that_fails_leaves_the_question_unassessed() {
    let mut play = play(1, Mode::Practice, &[]);
    play.settle();
    play.send(EventKind::Answered {
        text: "+a".to_owned(),
    });
    play.send(EventKind::NotAssessed {
        reason: "the model failed".to_owned(),
    });
    play.settle();
    assert_eq!(play.machine.phase(), Phase::Ended);
    assert!(play.machine.records()[0].assessment().is_none());
}

#[test]
fn study_shows_each_verdict_at_once() {
    let play = play(1, Mode::Study, &["+a +b yes 5"]);
    assert!(play.effects.contains(&Effect::Settled {
        question: 0,
        show: true
    }));
}

#[test]
fn events_survive_the_journal() {
    let play = play(
        2,
        Mode::Mixed,
        &["/hint", "I say ~a", "+a", "/note", "/quit"],
    );
    for event in &play.events {
        let text = serde_json::to_string(event).expect("written");
        let back: Event = serde_json::from_str(&text).expect("read");
        assert_eq!(&back, event, "{text}");
    }
}

fn reverse(replies: &[&str]) -> Play {
    let mut play = Play::start(sample::reverse_plan(3, 0, Mode::Practice));
    for reply in replies {
        play.reply(reply);
    }
    play
}

#[test]
fn the_candidate_asks_the_panel_answers_and_asks_what_they_make_of_it() {
    let play = reverse(&[
        "+a How do you version models?",
        "+b Is there a canteen?",
        "that is all",
        "Nothing is versioned.",
    ]);
    assert_eq!(
        play.intents()[3..],
        [
            Intent::Ask,
            Intent::Reply,
            Intent::Reply,
            Intent::Weigh,
            Intent::Closing
        ]
    );
    let attempt = play.machine.records()[0].attempt().expect("an attempt");
    assert_eq!(
        attempt.answer(),
        "+a How do you version models?\n\n+b Is there a canteen?"
    );
    assert_eq!(attempt.assessment().map(|one| one.score), Some(70.0));
    assert!(attempt.exchanges.iter().all(|one| one.said.is_some()));
    assert!(attempt.follow_ups.is_empty());
    assert_eq!(
        attempt.recovery("b"),
        Some(crate::interview::Recovery::Unaided)
    );
    assert_eq!(play.machine.reason(), Some(EndReason::Completed));
    assert_eq!(Machine::replay(&play.events), play.machine);
}

#[test]
fn after_four_messages_the_panel_asks_its_own_question() {
    let play = reverse(&["Canteen?", "Gym?", "Parking?", "Pay?"]);
    assert_eq!(play.count(Intent::Reply), 4);
    assert_eq!(play.count(Intent::Weigh), 1);
    assert!(matches!(play.machine.due(), Some(Effect::Listen(_))));
    let asked = play.last_line().to_owned();
    let mut play = play;
    play.reply("/repeat");
    assert_eq!(play.last_line(), asked);
    play.reply("/harder");
    assert!(play.effects.contains(&notice(Notice::NothingHarder)));
    play.reply("The parking.");
    assert_eq!(play.machine.phase(), Phase::Ended);
}

#[test]
fn the_end_of_input_still_has_the_questions_judged() {
    let play = reverse(&["+a How do you deploy?"]).end();
    assert_eq!(play.machine.phase(), Phase::Ended);
    assert_eq!(play.machine.reason(), Some(EndReason::EndOfInput));
    assert!(play.machine.records()[0].assessment().is_some());
    assert_eq!(play.count(Intent::Weigh), 0);
}

#[test]
fn nothing_to_ask_is_judged_and_nothing_is_weighed() {
    let play = reverse(&["No, that's all."]);
    assert_eq!(play.machine.phase(), Phase::Ended);
    assert!(play.machine.records()[0].assessment().is_some());
    assert_eq!(play.count(Intent::Weigh) + play.count(Intent::Reply), 0);
}

#[test]
fn skip_stops_the_questions_then_the_last_one() {
    let play = reverse(&["+a How do you deploy?", "/skip", "/skip"]);
    assert_eq!(play.count(Intent::Weigh), 1);
    assert_eq!(play.machine.phase(), Phase::Ended);
    let record = &play.machine.records()[0];
    assert!(record.assessment().is_some() && !record.skipped);
    let skipped = reverse(&["/skip"]);
    assert!(skipped.machine.records()[0].skipped);
}
