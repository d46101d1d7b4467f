//! Interviews played end to end against a screen in memory.

use std::sync::Mutex;

use tokio::sync::mpsc::unbounded_channel;

use super::super::candidate::Script;
use super::*;
use crate::interview::{Mode, sample};
use crate::judge::Assessment;
use crate::store::SessionMeta;
use crate::ui::{Look, Screen};

struct Guide;

#[async_trait(?Send)]
impl Words for Guide {
    async fn speak(&self, line: &Utterance, sink: Sink<'_>, _: &Cancel) -> (String, Source) {
        sink(&line.fallback);
        (line.fallback.clone(), Source::Guide)
    }
}

/// A panellist who talks until stopped.
struct Endless(Mutex<u32>);

#[async_trait(?Send)]
impl Words for Endless {
    async fn speak(&self, _: &Utterance, sink: Sink<'_>, cancel: &Cancel) -> (String, Source) {
        *self.0.lock().expect("not poisoned") += 1;
        sink("And so on");
        while !cancel.is_cancelled() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        ("And so on".to_owned(), Source::Model)
    }
}

struct Marks;

#[async_trait]
impl Judge for Marks {
    async fn assess(&self, case: &Case, _: Cancel) -> Result<Assessment> {
        Ok(sample::assess(case))
    }
}

struct Broken;

#[async_trait]
impl Judge for Broken {
    async fn assess(&self, _: &Case, _: Cancel) -> Result<Assessment> {
        Err(crate::Error::model("the model is gone"))
    }
}

struct Room {
    journal: Journal,
    session: SessionId,
    ui: Ui,
    screen: Screen,
}

impl Room {
    fn new(look: Look) -> Self {
        let journal = Journal::open_in_memory().expect("a journal");
        let session = journal.begin(&SessionMeta::default()).expect("a session");
        let (ui, screen) = Ui::memory(look, Some(80));
        Self {
            journal,
            session,
            ui,
            screen,
        }
    }

    async fn play(
        &self,
        machine: Machine,
        first: EventKind,
        answers: &'static str,
        judge: &dyn Judge,
    ) -> Outcome {
        let mut script = Script::new(&self.ui, answers.as_bytes());
        let (_keep, stops) = unbounded_channel();
        let from = machine.now_ms();
        Driver {
            ui: &self.ui,
            journal: &self.journal,
            session: &self.session,
            candidate: &mut script,
            words: &Guide,
            judge,
            clock: Clock::Spoken(from),
            stops,
            machine,
        }
        .run(first)
        .await
        .expect("it runs")
    }

    fn events(&self) -> Vec<Event> {
        self.journal
            .events(&self.session)
            .expect("readable")
            .into_iter()
            .map(|stored| serde_json::from_value(stored.event).expect("an event"))
            .collect()
    }
}

fn start(questions: usize) -> EventKind {
    EventKind::Started {
        plan: Box::new(sample::plan(7, questions, Mode::Practice)),
    }
}

#[tokio::test]
async fn a_script_is_played_to_its_end_and_journalled() {
    let room = Room::new(Look::Plain);
    let answers = "I say +a and +b in 5 ms\n---\nI say ~a\n---\nnow +a\n---\nand +b\n";
    let outcome = room.play(Machine::new(), start(2), answers, &Marks).await;
    assert_eq!(outcome.reason, EndReason::Completed);
    let critique = outcome.critique.expect("a critique");
    assert_eq!(critique.assessed, 2);
    let shown = room.screen.stdout();
    assert!(shown.contains("Critique"), "{shown}");
    assert!(shown.contains("\u{201c}+a\u{201d}"), "{shown}");
    let replayed = Machine::replay(&room.events());
    assert_eq!(crate::critique::critique(&replayed), critique);
}

#[tokio::test]
async fn the_same_answers_give_the_same_screen() {
    let answers = "/hint\nI say +a\n---\n/time\nmore +b\n---\n\n---\n";
    let mut screens = Vec::new();
    for _ in 0..2 {
        let room = Room::new(Look::Plain);
        room.play(Machine::new(), start(3), answers, &Marks).await;
        screens.push(room.screen.stdout());
    }
    assert_eq!(screens[0], screens[1]);
    assert!(
        screens[0].contains("Not assessed: not asked"),
        "{}",
        screens[0]
    );
}

#[tokio::test]
async fn a_judge_that_fails_costs_the_verdict_and_nothing_else() {
    let room = Room::new(Look::Plain);
    let outcome = room
        .play(Machine::new(), start(1), "I say +a", &Broken)
        .await;
    assert_eq!(outcome.reason, EndReason::Completed);
    assert_eq!(outcome.critique.expect("a critique").score, None);
    assert!(room.screen.stderr().contains("could not be judged"));
}

#[tokio::test]
async fn an_interrupted_interview_goes_on_where_it_stood() {
    let room = Room::new(Look::Plain);
    let first = room
        .play(Machine::new(), start(2), "I say +a and +b in 5 ms", &Marks)
        .await;
    assert_eq!(first.reason, EndReason::EndOfInput);
    let mut events = room.events();
    // As if the program had died while the second question was open.
    let end = events
        .iter()
        .position(|event| event.kind == EventKind::EndOfInput)
        .expect("it ended");
    events.truncate(end);
    let machine = Machine::replay(&events);
    let again = Room::new(Look::Plain);
    let outcome = again
        .play(
            machine,
            EventKind::Resumed,
            "I say +a and +b in 5 ms",
            &Marks,
        )
        .await;
    assert_eq!(outcome.reason, EndReason::Completed);
    assert_eq!(outcome.critique.expect("a critique").assessed, 2);
}

#[tokio::test]
async fn ctrl_c_stops_a_line_and_twice_leaves() {
    let room = Room::new(Look::Plain);
    let mut script = Script::new(&room.ui, &b"an answer"[..]);
    let (stop, stops) = unbounded_channel();
    // One for the first line, two at once for the second.
    stop.send(()).expect("open");
    let words = Endless(Mutex::new(0));
    let watcher = async {
        while *words.0.lock().expect("not poisoned") < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        stop.send(()).expect("open");
        stop.send(()).expect("open");
        std::future::pending::<()>().await;
    };
    let driver = Driver {
        ui: &room.ui,
        journal: &room.journal,
        session: &room.session,
        candidate: &mut script,
        words: &words,
        judge: &Marks,
        clock: Clock::Spoken(0),
        stops,
        machine: Machine::new(),
    };
    let outcome = tokio::select! {
        outcome = driver.run(start(1)) => outcome.expect("it runs"),
        () = watcher => unreachable!("the watcher waits for ever"),
    };
    assert_eq!(outcome.reason, EndReason::Interrupted);
    assert!(outcome.critique.is_none());
    let cut = room
        .events()
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Spoken { cut: true, .. }))
        .count();
    assert_eq!(cut, 1);
}

#[tokio::test]
async fn json_lines_carry_their_schema_and_type() {
    let room = Room::new(Look::Json);
    room.play(
        Machine::new(),
        start(1),
        "I say +a\n---\nand +b in 5 ms",
        &Marks,
    )
    .await;
    let types: Vec<String> = room
        .screen
        .stdout()
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(value["schema"], 1);
            value["type"].as_str().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(
        types,
        [
            "question",
            "answer",
            "verdict",
            "follow_up",
            "answer",
            "verdict",
            "critique",
            "end"
        ]
    );
}
