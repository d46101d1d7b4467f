//! What the candidate asks for while an answer is expected: hints, the question
//! again, another attempt, a harder direction, an easier way in, the clock.

use super::{
    Attempt, Command, Decision, Effect, EndReason, HintGiven, Intent, MAX_ATTEMPTS, Machine,
    Notice, follow_up, lines, notice,
};

impl Machine {
    pub(super) fn commanded(&mut self, now: u64, command: Command) -> Option<Vec<Effect>> {
        if !self.is_listening() {
            return None;
        }
        if let Some(from) = self.paused_at {
            return match command {
                Command::Resume => {
                    self.paused_at = None;
                    self.paused_ms += now.saturating_sub(from);
                    Some(vec![notice(Notice::Resumed)])
                }
                Command::Quit => {
                    self.paused_ms += now.saturating_sub(from);
                    self.close(EndReason::Quit)
                }
                _ => None,
            };
        }
        match command {
            Command::Hint => self.hint(),
            Command::Repeat => self.repeat(),
            Command::Skip => self.skip(),
            Command::Pause => {
                self.paused_at = Some(now);
                Some(vec![notice(Notice::Paused)])
            }
            Command::Resume => Some(Vec::new()),
            Command::Time => Some(vec![Effect::ShowTime(self.clock(now)?)]),
            Command::Status => Some(vec![Effect::ShowStatus(self.status()?)]),
            Command::Why => self.why(),
            Command::Again => self.again(),
            Command::Harder => self.harder(),
            Command::Easier => self.easier(),
            Command::Note(text) => {
                self.notes.push(text);
                Some(vec![notice(Notice::Noted)])
            }
            Command::Contest { number, words } => self.contest(number, words),
            Command::Quit => self.close(EndReason::Quit),
        }
    }

    /// Returns whether the verdict on the question at `index` was shown.
    pub fn is_verdict_shown(&self, index: usize) -> bool {
        self.plan
            .as_ref()
            .is_some_and(|plan| plan.rules(index).critique_each)
            && self
                .records
                .get(index)
                .is_some_and(|record| record.settled && record.assessment().is_some())
    }

    fn contest(&self, number: usize, words: String) -> Option<Vec<Effect>> {
        if !self.rules()?.help {
            return Some(vec![notice(Notice::NoHelpHere)]);
        }
        let shown = (0..self.records.len()).any(|index| self.is_verdict_shown(index));
        Some(vec![if shown {
            Effect::Contest { number, words }
        } else {
            notice(Notice::NothingToContest)
        }])
    }

    fn hint(&mut self) -> Option<Vec<Effect>> {
        if !self.rules()?.help {
            return Some(vec![notice(Notice::NoHelpHere)]);
        }
        if self.is_weighing() {
            return Some(vec![notice(Notice::NoMoreHints)]);
        }
        let index = self.index;
        let planned = self.plan.as_ref()?.questions.get(index)?;
        let attempt = self.attempt()?;
        // The point a follow-up is about, else what matters most.
        let open = attempt
            .follow_ups
            .last()
            .filter(|asked| asked.after_turns == attempt.turns.len())
            .and_then(|asked| asked.point.clone());
        let ranked = match attempt.assessment() {
            Some(assessment) => {
                follow_up::unsettled(&planned.question, assessment, &planned.weak_points)
            }
            None => follow_up::by_importance(&planned.question),
        };
        let point = open
            .and_then(|id| planned.question.points.iter().find(|point| point.id == id))
            .or_else(|| ranked.first().copied());
        let Some(point) = point else {
            return Some(vec![notice(Notice::NoMoreHints)]);
        };
        let given = attempt
            .hints
            .iter()
            .filter(|hint| hint.point == point.id && hint.rung > 0)
            .count();
        let Some(text) = point.hints.get(given).cloned() else {
            return Some(vec![notice(Notice::NoMoreHints)]);
        };
        let rung = u8::try_from(given + 1).unwrap_or(u8::MAX);
        let point = point.id.clone();
        let attempt = self.attempt_mut()?;
        attempt.hints.push(HintGiven {
            point: point.clone(),
            rung,
            after_turns: attempt.turns.len(),
        });
        Some(vec![Effect::ShowHint {
            question: index,
            point,
            rung,
            text,
        }])
    }

    fn repeat(&mut self) -> Option<Vec<Effect>> {
        let plan = self.plan.as_ref()?;
        let (panellist, mut utterance) = lines::ask(plan, self.index, Intent::Repeat)?;
        let attempt = self.attempt()?;
        if let Some(weighing) = &attempt.weighing {
            utterance.fallback.clone_from(&weighing.asked);
        } else if let Some(open) = attempt
            .follow_ups
            .last()
            .filter(|asked| asked.after_turns == attempt.turns.len())
        {
            utterance.fallback.clone_from(&open.text);
        }
        self.push_line(panellist, utterance);
        Some(Vec::new())
    }

    fn skip(&mut self) -> Option<Vec<Effect>> {
        if self.has_unjudged_questions() {
            return self.stop_asking();
        }
        let record = self.records.get_mut(self.index)?;
        record.skipped = record
            .attempt()
            .is_none_or(|attempt| attempt.turns.is_empty());
        let mut effects = vec![notice(Notice::Skipped)];
        effects.extend(self.settle()?);
        Some(effects)
    }

    fn why(&self) -> Option<Vec<Effect>> {
        if !self.rules()?.help {
            return Some(vec![notice(Notice::NoHelpHere)]);
        }
        if !self.attempt()?.turns.is_empty() {
            return Some(vec![Effect::ShowWhy {
                question: self.index,
            }]);
        }
        // The next question is asked at once, so "why" may mean the last one.
        match self.index.checked_sub(1) {
            Some(last) if self.records[last].assessment().is_some() => {
                Some(vec![Effect::ShowWhy { question: last }])
            }
            _ => Some(vec![notice(Notice::WhyComesAfter)]),
        }
    }

    fn again(&mut self) -> Option<Vec<Effect>> {
        if !self.rules()?.help {
            return Some(vec![notice(Notice::NoHelpHere)]);
        }
        let target = if self.attempt()?.turns.is_empty() {
            match self.index.checked_sub(1) {
                Some(last) if self.records[last].assessment().is_some() => last,
                _ => return Some(vec![notice(Notice::NothingToRepeat)]),
            }
        } else {
            self.index
        };
        let record = self.records.get_mut(target)?;
        if record.attempts.len() >= MAX_ATTEMPTS {
            return Some(vec![notice(Notice::NoMoreAttempts)]);
        }
        record.attempts.push(Attempt::default());
        record.settled = false;
        record.predicted = None;
        let mut effects = vec![notice(Notice::AnotherAttempt)];
        effects.extend(self.put_question(target, Intent::Repeat)?);
        Some(effects)
    }

    fn harder(&mut self) -> Option<Vec<Effect>> {
        let plan = self.plan.as_ref()?;
        let attempt = self.attempt()?;
        let used = attempt
            .follow_ups
            .iter()
            .filter(|asked| asked.intent == Intent::Harder)
            .count();
        let line = (!attempt.turns.is_empty() && !self.is_weighing())
            .then(|| {
                lines::follow_up(
                    plan,
                    self.index,
                    attempt,
                    Decision::Harder(used),
                    &self.said,
                )
            })
            .flatten();
        match line {
            Some(line) => self.put_follow_up(line, true),
            None => Some(vec![notice(Notice::NothingHarder)]),
        }
    }

    fn easier(&mut self) -> Option<Vec<Effect>> {
        if !self.rules()?.help {
            return Some(vec![notice(Notice::NoHelpHere)]);
        }
        let plan = self.plan.as_ref()?;
        let planned = plan.questions.get(self.index)?;
        let attempt = self.attempt()?;
        let ranked = match attempt.assessment() {
            Some(assessment) => {
                follow_up::unsettled(&planned.question, assessment, &planned.weak_points)
            }
            None => follow_up::by_importance(&planned.question),
        };
        let fresh = ranked.into_iter().find(|point| {
            !self.is_weighing()
                && attempt
                    .follow_ups
                    .iter()
                    .all(|asked| asked.point.as_deref() != Some(point.id.as_str()))
        });
        let line = fresh.and_then(|point| {
            let decision = Decision::Encourage(point);
            lines::follow_up(plan, self.index, attempt, decision, &self.said)
        });
        let Some(line) = line else {
            return Some(vec![notice(Notice::NothingEasier)]);
        };
        let point = line.2.clone();
        let attempt = self.attempt_mut()?;
        let after_turns = attempt.turns.len();
        if let Some(point) = point {
            attempt.hints.push(HintGiven {
                point,
                rung: 0,
                after_turns,
            });
        }
        self.put_follow_up(line, true)
    }
}
