//! The round in which the candidate asks: the panel answers each message,
//! then asks what the candidate makes of it, and the candidate's questions are
//! judged together at its end.

use super::{Effect, Machine, Notice, Phase, Turn, lines, notice};
use crate::interview::intent::Intent;
use crate::interview::reverse::{self, MAX_MESSAGES, Weighing};

impl Machine {
    /// Returns whether the candidate asks and the panel answers.
    pub(super) fn is_reverse(&self) -> bool {
        self.plan
            .as_ref()
            .is_some_and(|plan| plan.is_reverse(self.index))
    }

    /// Returns whether the panel has asked what the candidate makes of it.
    pub(super) fn is_weighing(&self) -> bool {
        self.attempt()
            .is_some_and(|attempt| attempt.weighing.is_some())
    }

    /// Returns whether the candidate has asked something that was not judged.
    pub(super) fn has_unjudged_questions(&self) -> bool {
        self.is_reverse()
            && self
                .attempt()
                .is_some_and(|attempt| !attempt.turns.is_empty() && attempt.judgements.is_empty())
    }

    /// Takes a message of the candidate's.
    pub(super) fn asked_panel(&mut self, turn: Turn) -> Option<Vec<Effect>> {
        if let Some(weighing) = &mut self.attempt_mut()?.weighing {
            weighing.answer = Some(turn);
            self.phase = Phase::Assessing;
            return Some(Vec::new());
        }
        let plan = self.plan.as_ref()?;
        let attempt = self.attempt()?;
        let first = attempt.turns.is_empty();
        if reverse::is_done(&turn.text, &plan.red_flags) {
            if !first {
                return self.weigh();
            }
            // Nothing to ask is an answer too, and there is nothing to weigh.
            self.attempt_mut()?.turns.push(turn);
            self.phase = Phase::Assessing;
            return Some(Vec::new());
        }
        let index = self.index;
        let replies = reverse::replies(plan, index, attempt, &turn.text, &self.said);
        let spoken: Vec<_> = replies
            .iter()
            .map(|reply| lines::reply(plan, index, reply.exchange.panellist, reply.text.clone()))
            .collect::<Option<_>>()?;
        let attempt = self.attempt_mut()?;
        attempt.turns.push(turn);
        attempt
            .exchanges
            .extend(replies.into_iter().map(|reply| reply.exchange));
        let full = attempt.turns.len() >= MAX_MESSAGES;
        for (panellist, utterance) in spoken {
            self.push_line(panellist, utterance);
        }
        if full {
            return self.weigh();
        }
        Some(if first {
            vec![notice(Notice::AskOn)]
        } else {
            Vec::new()
        })
    }

    /// Ends the candidate's questions before their time: what the panel asks
    /// in the end comes next, and is left out where it was asked already.
    pub(super) fn stop_asking(&mut self) -> Option<Vec<Effect>> {
        if self.is_weighing() {
            self.phase = Phase::Assessing;
            return Some(Vec::new());
        }
        self.weigh()
    }

    /// Keeps what the panel said in answer, as it was shown.
    pub(super) fn heard_reply(&mut self, intent: Intent, text: &str) {
        let Some(attempt) = self.attempt_mut() else {
            return;
        };
        match intent {
            Intent::Reply => {
                let waiting = attempt.exchanges.iter_mut().find(|one| one.said.is_none());
                if let Some(exchange) = waiting {
                    exchange.said = Some(text.to_owned());
                }
            }
            Intent::Weigh => {
                if let Some(weighing) = &mut attempt.weighing {
                    text.clone_into(&mut weighing.asked);
                }
            }
            _ => {}
        }
    }

    fn weigh(&mut self) -> Option<Vec<Effect>> {
        let (panellist, utterance) = lines::weigh(self.plan.as_ref()?, self.index, &self.said)?;
        self.attempt_mut()?.weighing = Some(Weighing {
            asked: utterance.fallback.clone(),
            answer: None,
        });
        self.push_line(panellist, utterance);
        self.phase = Phase::Listening;
        Some(Vec::new())
    }
}
