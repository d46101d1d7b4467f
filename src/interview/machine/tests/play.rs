//! A driver for the machine's tests: it carries out what needs no candidate. What
//! must hold is asserted by the tests that use it.

use crate::interview::machine::*;
use crate::interview::sample::{self, at};

/// Plays an interview: answers effects as a driver would, taking replies to
/// `Listen` from `script` and sending the end of input after them.
pub(super) struct Play {
    pub(super) machine: Machine,
    pub(super) events: Vec<Event>,
    pub(super) effects: Vec<Effect>,
    pub(super) clock: u64,
}

impl Play {
    pub(super) fn start(plan: Plan) -> Self {
        let mut play = Self {
            machine: Machine::new(),
            events: Vec::new(),
            effects: Vec::new(),
            clock: 0,
        };
        play.send(EventKind::Started {
            plan: Box::new(plan),
        });
        play
    }

    pub(super) fn send(&mut self, kind: EventKind) -> bool {
        self.clock += 1000;
        let event = at(self.clock, kind);
        self.events.push(event.clone());
        let effects = self.machine.handle(event);
        let fitted = !effects.is_empty();
        self.effects.extend(effects);
        fitted
    }

    /// Carries out whatever needs no candidate.
    pub(super) fn settle(&mut self) {
        for _ in 0..100 {
            match self.machine.due() {
                Some(Effect::Say { utterance }) => self.send(EventKind::Spoken {
                    text: utterance.fallback,
                    source: Source::Guide,
                    cut: false,
                }),
                Some(Effect::Assess { case, .. }) => self.send(EventKind::Assessed {
                    assessment: Box::new(sample::assess(&case)),
                }),
                Some(Effect::Predict { .. }) => self.send(EventKind::Predicted { score: Some(7) }),
                Some(Effect::Critique) => self.send(EventKind::CritiqueShown),
                _ => return,
            };
        }
        panic!("the interview does not come to rest");
    }

    pub(super) fn reply(&mut self, text: &str) {
        self.settle();
        let kind = match text.strip_prefix('/') {
            Some("hint") => command(Command::Hint),
            Some("repeat") => command(Command::Repeat),
            Some("skip") => command(Command::Skip),
            Some("pause") => command(Command::Pause),
            Some("resume") => command(Command::Resume),
            Some("time") => command(Command::Time),
            Some("again") => command(Command::Again),
            Some("why") => command(Command::Why),
            Some("harder") => command(Command::Harder),
            Some("easier") => command(Command::Easier),
            Some("quit") => command(Command::Quit),
            _ => EventKind::Answered {
                text: text.to_owned(),
            },
        };
        self.send(kind);
        self.settle();
    }

    pub(super) fn end(mut self) -> Self {
        self.settle();
        self.send(EventKind::EndOfInput);
        self.settle();
        self
    }

    pub(super) fn intents(&self) -> Vec<Intent> {
        self.machine.said().iter().map(|line| line.intent).collect()
    }

    pub(super) fn count(&self, intent: Intent) -> usize {
        self.intents().iter().filter(|one| **one == intent).count()
    }

    pub(super) fn last_line(&self) -> &str {
        self.machine.said().last().map_or("", |line| &line.text)
    }
}

pub(super) fn command(command: Command) -> EventKind {
    EventKind::Commanded { command }
}
