//! The state machine: events in, effects out, nothing else.
//!
//! At any time exactly one thing is awaited (a line being said, an answer, a
//! judgement, the critique); [`Machine::due`] names it. An event that does not
//! fit what is awaited changes nothing and returns no effect, so that a driver
//! or a damaged journal cannot bring the interview into a state it cannot
//! leave.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::contradiction;
use super::effect::{Clock, Effect, EndReason, Listen, Notice, Status};
use super::event::{Command, Event, EventKind};
use super::follow_up::{self, Decision};
use super::intent::{Intent, Source, Utterance};
use super::lines;
use super::plan::Plan;
use super::record::{
    Attempt, FollowUp, HintGiven, Judgement, Line, OwnScore, QuestionRecord, Turn,
};
use super::spoken::seconds_of;
use crate::judge::{Assessment, Case};

/// Attempts at one question, the first included: two comparisons are as many
/// as a person learns from in one sitting.
pub const MAX_ATTEMPTS: usize = 3;

/// Times longer that an answer takes to type than to say: 140 spoken words a
/// minute against some 40 typed ones.
const TYPING: u64 = 3;

/// Where the interview stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing has happened yet.
    #[default]
    Idle,
    /// An answer is expected.
    Listening,
    /// The judge is at work.
    Assessing,
    /// The candidate is asked for their own score of a question.
    Predicting,
    /// The critique is being shown.
    Critiquing,
    /// It is over.
    Ended,
}

/// A line waiting to be said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pending {
    panellist: usize,
    question: Option<usize>,
    utterance: Utterance,
}

/// An interview in progress.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    plan: Option<Plan>,
    phase: Phase,
    index: usize,
    records: Vec<QuestionRecord>,
    said: Vec<Line>,
    pending: VecDeque<Pending>,
    notes: Vec<String>,
    reason: Option<EndReason>,
    paused_at: Option<u64>,
    left: bool,
    now_ms: u64,
    paused_ms: u64,
    question_from_ms: u64,
    listening_from_ms: u64,
}

impl Machine {
    /// Returns an interview in which nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the state after `events`, in order.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut machine = Self::new();
        for event in events {
            machine.handle(event.clone());
        }
        machine
    }

    /// Takes an event and returns what to do. The batch is empty when the
    /// event did not fit.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        let Some(mut effects) = self.apply(event) else {
            return Vec::new();
        };
        effects.extend(self.due());
        effects
    }

    /// Returns what is awaited; `None` before the start and after the end.
    pub fn due(&self) -> Option<Effect> {
        let plan = self.plan.as_ref()?;
        if self.left {
            return Some(Effect::End {
                reason: EndReason::Interrupted,
            });
        }
        if let Some(next) = self.pending.front() {
            let mut utterance = next.utterance.clone();
            utterance.facts.earlier = self.said.iter().map(|line| line.text.clone()).collect();
            return Some(Effect::Say {
                utterance: Box::new(utterance),
            });
        }
        match self.phase {
            Phase::Idle => None,
            Phase::Listening if self.paused_at.is_some() => Some(Effect::AwaitResume),
            Phase::Listening => Some(Effect::Listen(self.listen(plan))),
            Phase::Assessing => {
                let planned = plan.questions.get(self.index)?;
                let answer = self.attempt()?.answer();
                Some(Effect::Assess {
                    question: self.index,
                    case: Box::new(Case::from_question(
                        &planned.question,
                        &planned.asked,
                        &answer,
                    )),
                })
            }
            Phase::Predicting => Some(Effect::Predict {
                question: self.index,
            }),
            Phase::Critiquing => Some(match self.unpredicted() {
                Some(question) => Effect::Predict { question },
                None => Effect::Critique,
            }),
            Phase::Ended => Some(Effect::End {
                reason: self.reason.unwrap_or(EndReason::Completed),
            }),
        }
    }

    /// Returns the plan, once the interview has begun.
    pub fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// Returns where the interview stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns the index of the question in play.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns what became of each question, in the plan's order.
    pub fn records(&self) -> &[QuestionRecord] {
        &self.records
    }

    /// Returns everything the panel has said.
    pub fn said(&self) -> &[Line] {
        &self.said
    }

    /// Returns the candidate's remarks.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns why the interview ended, once it is closing.
    pub fn reason(&self) -> Option<EndReason> {
        self.reason
    }

    /// Returns the line being said, with the index of who says it.
    pub fn speaking(&self) -> Option<(usize, Intent)> {
        let next = self.pending.front()?;
        Some((next.panellist, next.utterance.intent))
    }

    /// Returns the time of the last event in milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn apply(&mut self, event: Event) -> Option<Vec<Effect>> {
        // A clock set back between two sessions must not make time run
        // backwards here.
        let now = event.at_ms.max(self.now_ms);
        if self.left && !matches!(event.kind, EventKind::Resumed) {
            return None;
        }
        let effects = match event.kind {
            EventKind::Started { plan } => self.start(*plan),
            EventKind::Spoken { text, source, cut } => self.spoken(now, text, source, cut),
            EventKind::Answered { text } => self.answered(now, text),
            EventKind::Assessed { assessment } => self.assessed(Some(*assessment)),
            EventKind::NotAssessed { .. } => self.assessed(None),
            EventKind::Predicted { score } => self.predicted(score),
            EventKind::Commanded { command } => self.commanded(now, command),
            EventKind::EndOfInput => self.close(EndReason::EndOfInput),
            EventKind::Interrupted => self.leave(),
            EventKind::Resumed => self.come_back(now),
            EventKind::CritiqueShown => self.critique_shown(),
        }?;
        self.now_ms = now;
        Some(effects)
    }

    fn start(&mut self, plan: Plan) -> Option<Vec<Effect>> {
        if self.plan.is_some() || plan.questions.is_empty() || plan.panel.is_empty() {
            return None;
        }
        self.records = vec![QuestionRecord::default(); plan.questions.len()];
        for (panellist, utterance) in lines::opening(&plan) {
            self.pending.push_back(Pending {
                panellist,
                question: None,
                utterance,
            });
        }
        self.plan = Some(plan);
        self.phase = Phase::Listening;
        self.put_question(0, Intent::Ask)
    }

    fn put_question(&mut self, index: usize, intent: Intent) -> Option<Vec<Effect>> {
        let (panellist, utterance) = lines::ask(self.plan.as_ref()?, index, intent)?;
        self.index = index;
        self.phase = Phase::Listening;
        let record = self.records.get_mut(index)?;
        if record.attempts.is_empty() {
            record.attempts.push(Attempt::default());
        }
        self.push_line(panellist, utterance);
        Some(Vec::new())
    }

    fn push_line(&mut self, panellist: usize, utterance: Utterance) {
        let question = utterance.facts.question.is_some().then_some(self.index);
        self.pending.push_back(Pending {
            panellist,
            question,
            utterance,
        });
    }

    fn spoken(&mut self, now: u64, text: String, source: Source, cut: bool) -> Option<Vec<Effect>> {
        let line = self.pending.pop_front()?;
        let intent = line.utterance.intent;
        self.heard_reply(intent, &text);
        if intent.is_follow_up()
            && let Some(asked) = self
                .attempt_mut()
                .and_then(|attempt| attempt.follow_ups.last_mut())
        {
            asked.text.clone_from(&text);
            asked.source = source;
        }
        if intent == Intent::Ask {
            self.question_from_ms = now.saturating_sub(self.paused_ms);
        }
        self.listening_from_ms = now.saturating_sub(self.paused_ms);
        self.said.push(Line {
            panellist: line.panellist,
            intent,
            text,
            source,
            cut,
            question: line.question,
            at_ms: now,
        });
        Some(Vec::new())
    }

    fn answered(&mut self, now: u64, text: String) -> Option<Vec<Effect>> {
        if !self.is_listening() || self.paused_at.is_some() {
            return None;
        }
        let took_ms = now
            .saturating_sub(self.paused_ms)
            .saturating_sub(self.listening_from_ms);
        let mut turn = Turn {
            text,
            at_ms: now,
            took_ms,
            interrupted: false,
        };
        if self.is_reverse() {
            return self.asked_panel(turn);
        }
        turn.interrupted = self.runs_over(&turn);
        let cut_in = turn
            .interrupted
            .then(|| lines::interruption(self.plan.as_ref()?, self.index, &self.said))
            .flatten();
        self.attempt_mut()?.turns.push(turn);
        if let Some((panellist, line)) = cut_in {
            self.push_line(panellist, line);
        }
        self.phase = Phase::Assessing;
        Some(Vec::new())
    }

    /// Returns whether the panel cuts in on a first answer: the clock runs, and
    /// it takes longer than the question has, said or typed.
    fn runs_over(&self, turn: &Turn) -> bool {
        let Some(plan) = self.plan.as_ref() else {
            return false;
        };
        let first = self
            .attempt()
            .is_some_and(|attempt| attempt.turns.is_empty());
        let spoken = u64::from(seconds_of(&turn.text));
        plan.rules(self.index).clock
            && first
            && plan.questions.get(self.index).is_some_and(|planned| {
                let longest = u64::from(planned.question.spoken_seconds.max);
                // Silence counts too, but a person types slower than they speak.
                spoken > longest || (turn.took_ms / 1000 > longest * TYPING && spoken > longest / 2)
            })
    }

    fn assessed(&mut self, assessment: Option<Assessment>) -> Option<Vec<Effect>> {
        if self.phase != Phase::Assessing || !self.pending.is_empty() {
            return None;
        }
        let attempt = self.attempt_mut()?;
        let turns = attempt.turns.len();
        if let Some(assessment) = assessment {
            attempt.judgements.push(Judgement { turns, assessment });
        }
        // While the judge was at work the candidate may have sent the end.
        if self.reason.is_some() {
            return self.finish();
        }
        if self.is_reverse() {
            return self.settle();
        }
        let judged = self
            .attempt()?
            .judgements
            .last()
            .is_some_and(|one| one.turns == turns);
        if judged && let Some(line) = self.reconciliation() {
            return self.put_follow_up(line, false);
        }
        let plan = self.plan.as_ref()?;
        let planned = plan.questions.get(self.index)?;
        let attempt = self.attempt()?;
        let decision = if judged {
            follow_up::decide(
                &planned.question,
                attempt,
                plan.rules(self.index),
                &planned.weak_points,
            )
        } else {
            Decision::MoveOn
        };
        match lines::follow_up(plan, self.index, attempt, decision, &self.said) {
            Some(line) => self.put_follow_up(line, false),
            None => self.settle(),
        }
    }

    /// Returns the question about what the answer just given and an earlier
    /// one say against each other: once an interview, and within the budget of
    /// follow-ups.
    fn reconciliation(&self) -> Option<(usize, Utterance, Option<String>)> {
        let plan = self.plan.as_ref()?;
        let attempt = self.attempt()?;
        let asked = self
            .said
            .iter()
            .any(|line| line.intent == Intent::Reconcile);
        if asked || attempt.panel_follow_ups() >= plan.rules(self.index).follow_ups {
            return None;
        }
        let turn = attempt.turns.len().checked_sub(1)?;
        contradiction::find(plan, &self.records)
            .iter()
            .filter(|one| one.later.question == self.index && one.later.turn == turn)
            .find_map(|one| lines::reconcile(plan, self.index, attempt, one, &self.said))
    }

    fn put_follow_up(
        &mut self,
        (panellist, utterance, point): (usize, Utterance, Option<String>),
        asked_for: bool,
    ) -> Option<Vec<Effect>> {
        let intent = utterance.intent;
        let attempt = self.attempt_mut()?;
        let after_turns = attempt.turns.len();
        attempt.follow_ups.push(FollowUp {
            point,
            intent,
            text: String::new(),
            source: Source::Guide,
            asked_for,
            after_turns,
        });
        self.push_line(panellist, utterance);
        self.phase = Phase::Listening;
        Some(Vec::new())
    }

    /// Returns the first judged question whose own score was not asked for.
    fn unpredicted(&self) -> Option<usize> {
        self.plan.as_ref().filter(|plan| plan.predict)?;
        self.records.iter().position(|record| {
            record.predicted.is_none()
                && record.attempt().is_some_and(|attempt| {
                    attempt.assessment().is_some() && attempt.exchanges.is_empty()
                })
        })
    }

    fn predicted(&mut self, score: Option<u8>) -> Option<Vec<Effect>> {
        if !self.pending.is_empty() {
            return None;
        }
        let said = score.map_or(OwnScore::Passed, |score| OwnScore::Given(score.min(10)));
        match self.phase {
            Phase::Predicting => {
                self.records.get_mut(self.index)?.predicted = Some(said);
                self.settle()
            }
            Phase::Critiquing => {
                let question = self.unpredicted()?;
                self.records.get_mut(question)?.predicted = Some(said);
                Some(Vec::new())
            }
            _ => None,
        }
    }

    fn settle(&mut self) -> Option<Vec<Effect>> {
        let from = self.index;
        let plan = self.plan.as_ref()?;
        let show = plan.rules(from).critique_each && self.records.get(from)?.assessment().is_some();
        if show && self.unpredicted().is_some_and(|question| question == from) {
            self.phase = Phase::Predicting;
            return Some(Vec::new());
        }
        self.records.get_mut(from)?.settled = true;
        let mut effects = vec![Effect::Settled {
            question: from,
            show,
        }];
        let plan = self.plan.as_ref()?;
        match (from + 1..plan.questions.len()).find(|&next| !self.records[next].settled) {
            Some(next) => {
                let speaker = plan.questions.get(from)?.panellist;
                let asked = !self.records[next].attempts.is_empty();
                let moves = plan.questions.get(next)?.panellist != speaker;
                if moves && let Some((who, line)) = lines::handover(plan, speaker, next, &self.said)
                {
                    self.push_line(who, line);
                }
                let intent = if asked { Intent::Repeat } else { Intent::Ask };
                effects.extend(self.put_question(next, intent)?);
            }
            None => {
                self.reason = Some(EndReason::Completed);
                effects.extend(self.finish()?);
            }
        }
        Some(effects)
    }

    fn close(&mut self, reason: EndReason) -> Option<Vec<Effect>> {
        if self.plan.is_none()
            || self.reason.is_some()
            || matches!(self.phase, Phase::Critiquing | Phase::Ended | Phase::Idle)
        {
            return None;
        }
        self.reason = Some(reason);
        self.paused_at = None;
        // What waited to be said has no listener any more.
        self.pending.clear();
        if self.phase == Phase::Assessing {
            return Some(Vec::new());
        }
        if self.has_unjudged_questions() {
            self.phase = Phase::Assessing;
            return Some(Vec::new());
        }
        self.finish()
    }

    fn finish(&mut self) -> Option<Vec<Effect>> {
        let early = self.reason != Some(EndReason::Completed);
        let (panellist, utterance) = lines::closing(self.plan.as_ref()?, early);
        self.push_line(panellist, utterance);
        self.phase = Phase::Critiquing;
        Some(Vec::new())
    }

    fn critique_shown(&mut self) -> Option<Vec<Effect>> {
        if self.phase != Phase::Critiquing || !self.pending.is_empty() {
            return None;
        }
        self.phase = Phase::Ended;
        Some(Vec::new())
    }

    fn leave(&mut self) -> Option<Vec<Effect>> {
        if matches!(self.phase, Phase::Idle | Phase::Ended) {
            return None;
        }
        self.left = true;
        Some(Vec::new())
    }

    fn come_back(&mut self, now: u64) -> Option<Vec<Effect>> {
        // A crash leaves no event behind, so coming back is also right when
        // nobody was seen to leave: the clock is stopped for the time between.
        if matches!(self.phase, Phase::Idle | Phase::Ended) {
            return None;
        }
        self.left = false;
        self.paused_ms += now.saturating_sub(self.now_ms);
        Some(Vec::new())
    }

    fn listen(&self, plan: &Plan) -> Listen {
        let rules = plan.rules(self.index);
        let seconds = plan
            .questions
            .get(self.index)
            .map(|planned| planned.question.spoken_seconds)
            .filter(|_| rules.clock)
            .map(|range| (range.min, range.max));
        Listen {
            question: self.index,
            follow_up: self
                .attempt()
                .is_some_and(|attempt| !attempt.turns.is_empty()),
            seconds,
            help: rules.help,
        }
    }

    fn clock(&self, now: u64) -> Option<Clock> {
        let running = now.saturating_sub(self.paused_ms);
        Some(Clock {
            elapsed_ms: running,
            question_ms: running.saturating_sub(self.question_from_ms),
            planned_minutes: self.plan.as_ref()?.minutes,
        })
    }

    fn status(&self) -> Option<Status> {
        let attempt = self.attempt()?;
        Some(Status {
            question: self.index + 1,
            questions: self.records.len(),
            follow_ups: attempt.follow_ups.len(),
            hints: attempt.hints.iter().filter(|hint| hint.rung > 0).count(),
        })
    }

    fn is_listening(&self) -> bool {
        self.phase == Phase::Listening && self.pending.is_empty()
    }

    fn rules(&self) -> Option<super::Rules> {
        Some(self.plan.as_ref()?.rules(self.index))
    }

    fn attempt(&self) -> Option<&Attempt> {
        self.records.get(self.index)?.attempts.last()
    }

    fn attempt_mut(&mut self) -> Option<&mut Attempt> {
        self.records.get_mut(self.index)?.attempts.last_mut()
    }
}

mod commands;
mod reverse;

fn notice(notice: Notice) -> Effect {
    Effect::Notice { notice }
}

#[cfg(test)]
mod tests;
