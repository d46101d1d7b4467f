//! Carries out what the state machine wants: says lines, takes answers, has
//! them judged, and stores every event before it takes effect.

use std::time::Instant;

use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;

use super::super::contest::{self, Contested};
use super::candidate::{Candidate, Heard};
use super::{second, view, wire};
use crate::critique::contest::numbered;
use crate::critique::{Critique, critique};
use crate::interview::{
    Command, Effect, EndReason, Event, EventKind, Intent, Machine, Notice, Source, Utterance,
};
use crate::judge::{Assessment, Case, Judge};
use crate::llm::Cancel;
use crate::store::{Journal, SessionId};
use crate::ui::Ui;
use crate::{ErrorKind, Result};

/// Words a minute at which people speak; what a scripted answer takes.
pub const WORDS_A_MINUTE: u64 = crate::interview::spoken::WORDS_A_MINUTE as u64;

/// Where the words of a line go as soon as they may be seen.
pub type Sink<'a> = &'a mut (dyn FnMut(&str) + Send);

/// Somebody who words the panel's lines.
#[async_trait(?Send)]
pub trait Words: Send + Sync {
    /// Says a line and returns what went to `sink` and whose words they are.
    async fn speak(&self, line: &Utterance, sink: Sink<'_>, cancel: &Cancel) -> (String, Source);
}

/// What time it is in the interview.
#[derive(Debug)]
pub enum Clock {
    /// Runs as the clock on the wall does, from this many milliseconds.
    Wall(Instant, u64),
    /// Runs as words are spoken: the same interview always takes as long.
    Spoken(u64),
}

impl Clock {
    fn now_ms(&self) -> u64 {
        match self {
            Self::Wall(start, from) => {
                from + u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
            }
            Self::Spoken(ms) => *ms,
        }
    }

    fn said(&mut self, text: &str) {
        if let Self::Spoken(ms) = self {
            *ms += text.split_whitespace().count() as u64 * 60_000 / WORDS_A_MINUTE;
        }
    }
}

/// Everything an interview needs of the world.
pub struct Driver<'a> {
    /// Where it is shown.
    pub ui: &'a Ui,
    /// Where it is stored.
    pub journal: &'a Journal,
    /// What it is stored as.
    pub session: &'a SessionId,
    /// Who answers.
    pub candidate: &'a mut dyn Candidate,
    /// Who words the panel's lines.
    pub words: &'a dyn Words,
    /// Who judges.
    pub judge: &'a dyn Judge,
    /// What time it is.
    pub clock: Clock,
    /// Hears Ctrl-C while nobody is typing.
    pub stops: UnboundedReceiver<()>,
    /// The interview.
    pub machine: Machine,
}

/// How an interview came out.
#[derive(Debug)]
pub struct Outcome {
    /// Why it ended.
    pub reason: EndReason,
    /// The critique, unless the candidate left to come back later.
    pub critique: Option<Critique>,
    /// The interview as it stands.
    pub machine: Machine,
}

impl Driver<'_> {
    /// Runs from `first`, the event that starts or resumes it, to the end.
    ///
    /// # Errors
    /// Fails when the input cannot be read or an event cannot be stored.
    pub async fn run(mut self, first: EventKind) -> Result<Outcome> {
        let mut effects = self.happen(first).await?;
        let mut result = None;
        loop {
            let mut reply = None;
            for effect in effects {
                match effect {
                    Effect::Say { utterance } => reply = Some(self.say(&utterance).await),
                    Effect::Listen(listen) => {
                        // The line editor takes Ctrl-C as a key; this is for
                        // a pipe, and for a signal sent by another process.
                        let heard = tokio::select! {
                            heard = self.candidate.listen(&listen) => heard?,
                            Some(()) = self.stops.recv() => Heard::Left,
                        };
                        reply = Some(self.event_of(heard));
                    }
                    Effect::AwaitResume => {
                        let heard = self.candidate.wait().await?;
                        reply = Some(self.event_of(heard));
                    }
                    Effect::Assess { question, case } => {
                        reply = Some(self.assess(question, &case).await);
                    }
                    Effect::Predict { question } => {
                        let heard = self.candidate.predict(question).await?;
                        reply = Some(self.event_of(heard));
                    }
                    Effect::Critique => {
                        let critique = critique(&self.machine);
                        view::critique(self.ui, &self.machine, &critique);
                        self.json(|| wire::critique(&critique));
                        result = Some(critique);
                        reply = Some(EventKind::CritiqueShown);
                    }
                    Effect::End { reason } => {
                        self.json(|| wire::end(reason));
                        return Ok(Outcome {
                            reason,
                            critique: result,
                            machine: self.machine,
                        });
                    }
                    Effect::Contest { number, words } => self.contest(number, &words).await?,
                    other => self.show(other),
                }
            }
            // The machine names one thing to reply to in every batch; should a
            // damaged journal have left it without, the interview is over.
            let Some(reply) = reply else {
                return Ok(Outcome {
                    reason: self.machine.reason().unwrap_or(EndReason::Interrupted),
                    critique: result,
                    machine: self.machine,
                });
            };
            effects = self.happen(reply).await?;
        }
    }

    /// Stores an event, then lets it take effect.
    async fn happen(&mut self, kind: EventKind) -> Result<Vec<Effect>> {
        let event = Event {
            at_ms: self.clock.now_ms(),
            kind,
        };
        store(self.ui, self.journal, self.session, self.candidate, &event).await?;
        if let EventKind::Answered { text } = &event.kind
            && let Some(planned) = self.planned(self.machine.index())
        {
            self.json(|| wire::answer(planned, text));
        }
        Ok(self.machine.handle(event))
    }

    fn event_of(&mut self, heard: Heard) -> EventKind {
        match heard {
            Heard::Answer(text) => {
                self.clock.said(&text);
                EventKind::Answered { text }
            }
            Heard::OwnScore(score) => EventKind::Predicted { score },
            Heard::Command(command) => EventKind::Commanded { command },
            Heard::End => EventKind::EndOfInput,
            Heard::Left => EventKind::Interrupted,
        }
    }

    async fn say(&mut self, utterance: &Utterance) -> EventKind {
        let ui = self.ui.clone();
        let (seat, _) = self.machine.speaking().unwrap_or((0, utterance.intent));
        if utterance.intent == Intent::Ask {
            view::question_mark(&ui, &self.machine);
        } else if utterance.intent != Intent::Opening {
            ui.gap();
        }
        let quiet = ui.quiet_typing();
        let mut speech = ui.speech(seat, &utterance.speaker.name, &utterance.speaker.role);
        let cancel = Cancel::new();
        let mut sink = |piece: &str| speech.say(piece);
        let mut stopped = 0_u32;
        let (text, source) = {
            let mut speaking = Box::pin(self.words.speak(utterance, &mut sink, &cancel));
            loop {
                tokio::select! {
                    said = &mut speaking => break said,
                    Some(()) = self.stops.recv() => {
                        stopped += 1;
                        cancel.cancel();
                    }
                }
            }
        };
        if stopped > 0 {
            speech.cut();
        } else {
            speech.end();
        }
        drop(quiet);
        if stopped > 1 {
            return EventKind::Interrupted;
        }
        self.clock.said(&text);
        self.json_of_line(utterance, &text, source);
        EventKind::Spoken {
            text,
            source,
            cut: stopped > 0,
        }
    }

    fn json_of_line(&self, utterance: &Utterance, text: &str, source: Source) {
        if !self.ui.is_json() {
            return;
        }
        let (Some(plan), index) = (self.machine.plan(), self.machine.index()) else {
            return;
        };
        match utterance.intent {
            Intent::Ask => {
                if let Some(planned) = plan.questions.get(index) {
                    self.json(|| wire::question(plan, planned, text));
                }
            }
            Intent::Reply | Intent::Weigh => {
                if let Some(planned) = plan.questions.get(index) {
                    let line = wire::reply(planned, utterance, text);
                    self.json(|| line);
                }
            }
            Intent::Interrupt => {
                if let Some(planned) = plan.questions.get(index) {
                    let line = wire::interrupt(planned, utterance, text);
                    self.json(|| line);
                }
            }
            intent if intent.is_follow_up() => {
                let line = crate::interview::Line {
                    panellist: self.machine.speaking().map_or(0, |(seat, _)| seat),
                    intent,
                    text: text.to_owned(),
                    source,
                    cut: false,
                    question: Some(index),
                    at_ms: 0,
                };
                if let Some(line) = wire::follow_up(&self.machine, &line) {
                    self.json(|| line);
                }
            }
            _ => {}
        }
    }

    async fn assess(&mut self, question: usize, case: &Case) -> EventKind {
        let progress = self.ui.spinner("The panel is taking that in");
        let judged = judged(self.judge, case, &mut self.stops).await;
        progress.finish();
        match judged {
            // The answer is stored; it is judged when the interview goes on.
            None => EventKind::Interrupted,
            Some(Ok(assessment)) => {
                if let Some(planned) = self.planned(question) {
                    self.json(|| wire::verdict(planned, &assessment));
                }
                EventKind::Assessed {
                    assessment: Box::new(assessment),
                }
            }
            Some(Err(error)) => {
                self.ui.warn(&format!(
                    "That answer could not be judged and stays without a verdict: {error}."
                ));
                EventKind::NotAssessed {
                    reason: error.to_string(),
                }
            }
        }
    }

    /// Has a verdict judged again; what is wrong with the request is said, and
    /// the interview goes on.
    async fn contest(&mut self, number: usize, words: &str) -> Result<()> {
        let critique = critique(&self.machine);
        let contested = Contested {
            journal: self.journal,
            session: self.session,
            machine: &self.machine,
            critique: &critique,
        };
        let shown = numbered(&critique, number).is_some_and(|(one, _)| {
            critique
                .questions
                .iter()
                .position(|other| other.question == one.question)
                .is_some_and(|index| self.machine.is_verdict_shown(index))
        });
        if !shown {
            self.ui
                .remark(&format!("No verdict with the number {number} was shown."));
            return Ok(());
        }
        let cancel = Cancel::new();
        let progress = self.ui.spinner("Judging these words");
        let result = {
            let mut judging =
                Box::pin(contested.contest(self.judge, number, words, cancel.clone()));
            loop {
                tokio::select! {
                    result = &mut judging => break result,
                    Some(()) = self.stops.recv() => cancel.cancel(),
                }
            }
        };
        progress.finish();
        match result {
            Ok(outcome) => {
                second::contest(self.ui, &outcome);
                self.json(|| contest::line(&outcome));
            }
            Err(error) if error.kind() == ErrorKind::Storage => return Err(error),
            Err(error) => {
                self.ui
                    .remark(&format!("That cannot be contested: {error}."));
                for hint in error.hints() {
                    self.ui.remark(hint);
                }
            }
        }
        Ok(())
    }

    fn show(&self, effect: Effect) {
        match effect {
            Effect::ShowHint {
                question,
                point,
                rung,
                text,
            } => {
                self.ui.hint_card(usize::from(rung), 3, &text);
                if let Some(planned) = self.planned(question) {
                    self.json(|| wire::hint(planned, &point, rung, &text));
                }
            }
            Effect::ShowTime(clock) => view::time(self.ui, clock),
            Effect::ShowStatus(status) => view::status(self.ui, status),
            Effect::ShowWhy { question } => {
                if let Some(planned) = self.planned(question) {
                    view::why(self.ui, planned);
                }
            }
            Effect::Settled {
                question,
                show: true,
            } => {
                let critique = critique(&self.machine);
                if let Some(one) = critique.questions.get(question) {
                    view::settled(self.ui, one);
                }
            }
            Effect::Notice { notice } => self.ui.remark(words(notice)),
            _ => {}
        }
    }

    fn planned(&self, index: usize) -> Option<&crate::interview::PlannedQuestion> {
        self.machine.plan()?.questions.get(index)
    }

    fn json(&self, line: impl FnOnce() -> serde_json::Value) {
        if self.ui.is_json() {
            self.ui.json_line(&line());
        }
    }
}

/// Stores `event`. A person at the keyboard can make room when the disk is full
/// and go on: what they typed would be lost with the program.
///
/// # Errors
/// Fails when it cannot be stored and nobody is there to make room, or they
/// leave.
pub(in crate::commands) async fn store(
    ui: &Ui,
    journal: &Journal,
    session: &SessionId,
    candidate: &mut dyn Candidate,
    event: &impl Serialize,
) -> Result<()> {
    while let Err(error) = journal.append(session, event) {
        if candidate.is_scripted() {
            return Err(error);
        }
        ui.warn(&format!("{error}. Nothing is lost yet."));
        for hint in error.hints() {
            ui.hint(hint);
        }
        match candidate.wait().await? {
            Heard::Command(Command::Resume) => {}
            _ => return Err(error),
        }
    }
    Ok(())
}

/// Has a case judged; `None` when the second Ctrl-C ended it. One alone may
/// have been meant for a line that was being said.
pub(in crate::commands) async fn judged(
    judge: &dyn Judge,
    case: &Case,
    stops: &mut UnboundedReceiver<()>,
) -> Option<Result<Assessment>> {
    let cancel = Cancel::new();
    let mut judging = Box::pin(judge.assess(case, cancel.clone()));
    let mut stopped = 0_u32;
    let judged = loop {
        tokio::select! {
            judged = &mut judging => break judged,
            Some(()) = stops.recv() => {
                stopped += 1;
                if stopped > 1 {
                    cancel.cancel();
                }
            }
        }
    };
    (stopped <= 1).then_some(judged)
}

fn words(notice: Notice) -> &'static str {
    match notice {
        Notice::NoHelpHere => "There is no help under pressure; answer as well as you can.",
        Notice::NoMoreHints => "There are no more hints for this.",
        Notice::WhyComesAfter => "What a question is after is told once you have answered it.",
        Notice::NothingToRepeat => "There is no answer yet to try again.",
        Notice::NoMoreAttempts => {
            "Three attempts are enough for one sitting; the next question is still open."
        }
        Notice::NothingHarder => "There is nothing harder to ask about this yet.",
        Notice::NothingEasier => "There is no easier way into this one.",
        Notice::Paused => "The clock stands still. Take your time.",
        Notice::Resumed => "The clock runs again.",
        Notice::Skipped => "Skipped. What you did not answer is not assessed.",
        Notice::Noted => "Kept with this interview.",
        Notice::AskOn => "Ask on when they have answered, or say that is all.",
        Notice::NothingToContest => {
            "No verdict has been shown yet. After the critique, `viva report --contest` has one judged again."
        }
        Notice::AnotherAttempt => "Once more, from the start. Both attempts are kept.",
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
