//! Random walks over everything that can happen to an interview.

use proptest::prelude::*;

use super::*;

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => Just(Command::Hint),
        2 => Just(Command::Repeat),
        1 => Just(Command::Skip),
        2 => Just(Command::Pause),
        3 => Just(Command::Resume),
        1 => Just(Command::Time),
        1 => Just(Command::Status),
        2 => Just(Command::Why),
        2 => Just(Command::Again),
        2 => Just(Command::Harder),
        2 => Just(Command::Easier),
        1 => ".{0,8}".prop_map(Command::Note),
        1 => (0_usize..9, ".{0,8}")
            .prop_map(|(number, words)| Command::Contest { number, words }),
    ]
}

fn any_answer() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(prop_oneof!["[-+~?][abcd]", Just("word".to_owned())], 0..6)
            .prop_map(|words| words.join(" ")),
        Just("dunno".to_owned()),
        Just("How do you version? Who owns drift?".to_owned()),
        Just("that is all".to_owned()),
        Just(String::new()),
    ]
}

/// What a random step does: most do what is awaited, the others do not care.
#[derive(Debug, Clone)]
enum Step {
    Expected(String),
    Command(Command),
    Stray(u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any_answer().prop_map(Step::Expected),
        3 => any_command().prop_map(Step::Command),
        1 => (0_u8..9).prop_map(Step::Stray),
    ]
}

fn stray(which: u8) -> EventKind {
    match which {
        0 => EventKind::Started {
            plan: Box::new(sample::plan(1, 1, Mode::Practice)),
        },
        1 => EventKind::Spoken {
            text: "out of turn".to_owned(),
            source: Source::Model,
            cut: true,
        },
        2 => EventKind::Answered {
            text: "out of turn +a".to_owned(),
        },
        3 => EventKind::NotAssessed {
            reason: String::new(),
        },
        4 => EventKind::Interrupted,
        5 | 6 => EventKind::Resumed,
        7 => EventKind::CritiqueShown,
        8 => EventKind::Predicted { score: Some(200) },
        _ => command(Command::Resume),
    }
}

/// The plan of an interview of up to four rounds; `reverse` ends with the candidate's
/// own questions.
fn any_plan(reverse: bool) -> impl Strategy<Value = Plan> {
    let mode = prop_oneof![
        Just(Mode::Practice),
        Just(Mode::Pressure),
        Just(Mode::Study),
        Just(Mode::Mixed)
    ];
    (0_u64..50, 1_usize..5, any::<bool>(), mode).prop_map(
        move |(seed, questions, predict, mode)| {
            let mut plan = if reverse {
                sample::reverse_plan(seed, questions - 1, mode)
            } else {
                sample::plan(seed, questions, mode)
            };
            plan.predict = predict;
            plan
        },
    )
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(any_step(), 0..32)
}

// Two thousand sequences in two tests of about the same length, which run side by side.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(1200))]

    #[test]
    fn any_interview_ends_keeps_its_budgets_and_replays(plan in any_plan(false), steps in any_steps()) {
        holds(plan, steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn so_does_any_in_which_the_candidate_asks(plan in any_plan(true), steps in any_steps()) {
        holds(plan, steps)?;
    }
}

/// Plays a plan with some steps to its end, and checks what holds of every interview.
fn holds(plan: Plan, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let predict = plan.predict;
    let mut play = Play::start(plan);
    for step in steps {
        match step {
            Step::Expected(answer) => {
                play.settle();
                let kind = match play.machine.due() {
                    Some(Effect::AwaitResume) => command(Command::Resume),
                    Some(Effect::End {
                        reason: EndReason::Interrupted,
                    }) => EventKind::Resumed,
                    _ => EventKind::Answered { text: answer },
                };
                play.send(kind);
            }
            Step::Command(command) => {
                play.send(EventKind::Commanded { command });
            }
            Step::Stray(which) => {
                play.send(stray(which));
            }
        }
    }
    // However it stands, it comes to its end in a bounded number of steps.
    play.send(EventKind::Resumed);
    play.settle();
    play.send(EventKind::EndOfInput);
    play.settle();
    prop_assert_eq!(play.machine.phase(), Phase::Ended);
    prop_assert!(play.count(Intent::Closing) <= 1);

    // Nothing is asked twice.
    let plan = play.machine.plan().expect("a plan").clone();
    let mut asked: Vec<Option<usize>> = play
        .machine
        .said()
        .iter()
        .filter(|line| line.intent == Intent::Ask)
        .map(|line| line.question)
        .collect();
    let before = asked.len();
    asked.sort_unstable();
    asked.dedup();
    prop_assert_eq!(asked.len(), before);

    // Budgets hold, and no point is followed up twice in an attempt.
    for (index, record) in play.machine.records().iter().enumerate() {
        prop_assert!(record.attempts.len() <= MAX_ATTEMPTS);
        prop_assert!(
            record
                .predicted
                .and_then(OwnScore::given)
                .is_none_or(|score| score <= 10)
        );
        prop_assert!(predict || record.predicted.is_none());
        for attempt in &record.attempts {
            prop_assert!(attempt.panel_follow_ups() <= plan.rules(index).follow_ups);
            if plan.is_reverse(index) {
                prop_assert!(attempt.turns.len() <= crate::interview::reverse::MAX_MESSAGES);
                prop_assert_eq!(attempt.panel_follow_ups(), 0);
            }
            let mut points: Vec<&str> = attempt
                .follow_ups
                .iter()
                .filter_map(|asked| asked.point.as_deref())
                .collect();
            let before = points.len();
            points.sort_unstable();
            points.dedup();
            prop_assert_eq!(points.len(), before);
            for point in &plan.questions[index].question.points {
                let hints = attempt
                    .hints
                    .iter()
                    .filter(|hint| hint.point == point.id && hint.rung > 0)
                    .count();
                prop_assert!(hints <= 3);
            }
        }
    }

    // Every batch ends with one thing to reply to, and the journal gives
    // the same state back, also through its written form.
    let written: Vec<String> = play
        .events
        .iter()
        .map(|event| serde_json::to_string(event).expect("written"))
        .collect();
    let read: Vec<Event> = written
        .iter()
        .map(|text| serde_json::from_str(text).expect("read"))
        .collect();
    prop_assert_eq!(Machine::replay(&read), play.machine);
    Ok(())
}
