//! Has a contested verdict judged again and keeps both results: for
//! `viva report --contest` and for `/contest` in an interview.

use serde_json::{Value, json};

use super::interview::history::word;
use crate::critique::contest::{Contestable, DOCUMENT, MAX_CONTESTS, count, numbered};
use crate::critique::{Contest, Contests, Critique, QuestionCritique, Quote};
use crate::interview::{Attempt, Machine, PlannedQuestion, Recovery};
use crate::judge::contest::{self as again, Ruled, Ruling, Target};
use crate::judge::{Assessment, Case, Judge};
use crate::llm::Cancel;
use crate::store::{Journal, SessionId, VerdictRow, VerdictSource, Versions};
use crate::{Error, Result};

/// A session in which a verdict is contested.
pub(super) struct Contested<'a> {
    /// Where both results are kept.
    pub journal: &'a Journal,
    /// The session.
    pub session: &'a SessionId,
    /// Its interview.
    pub machine: &'a Machine,
    /// The critique whose numbers are meant.
    pub critique: &'a Critique,
}

/// What one contest was about and what it did.
pub(super) struct Outcome {
    /// What came of it.
    pub contest: Contest,
    /// The question's first score.
    pub score: Option<f32>,
    /// The question's score with its contests.
    pub with_contests: Option<f32>,
}

impl Contested<'_> {
    /// Returns the verdict of this number.
    ///
    /// # Errors
    /// Fails when there is none, saying which there are.
    pub fn find(&self, number: usize) -> Result<(&QuestionCritique, Contestable<'_>)> {
        numbered(self.critique, number).ok_or_else(|| {
            let most = count(self.critique);
            let what = match most {
                0 => "there is no verdict to contest here".to_owned(),
                1 => format!("there is no verdict {number} to contest, only 1"),
                _ => format!("there is no verdict {number} to contest, only 1 to {most}"),
            };
            let hint = match most {
                0 => "Points that were made have no number, and neither have verdicts stored before they could be contested.".to_owned(),
                _ => format!("`viva report {}` shows the numbers.", self.session.short()),
            };
            Error::usage(what).hint(hint)
        })
    }

    /// Returns the words of the answer that a person pointed at.
    ///
    /// # Errors
    /// Fails when they are not there.
    pub fn words(&self, one: &QuestionCritique, words: &str) -> Result<Quote> {
        let place = again::locate(&one.answer, words).ok_or_else(|| {
            let what = if words.trim().is_empty() {
                "no words were pointed at".to_owned()
            } else {
                format!("these words are not in the answer: {}", words.trim())
            };
            Error::usage(what).hint(format!(
                "Point at words as they stand in your answer (white space and case are free); `viva report {}` shows it.",
                self.session.short()
            ))
        })?;
        Ok(Quote {
            start: place.start,
            end: place.end,
            text: one.answer.get(place).unwrap_or_default().to_owned(),
        })
    }

    /// Has the verdict of this number judged again on `words` and keeps what
    /// came of it. The same words for the same verdict are judged once.
    ///
    /// # Errors
    /// Fails when there is no such verdict, the words are not in the answer,
    /// it was contested too often, the judge fails or nothing can be written.
    pub async fn contest(
        &self,
        judge: &dyn Judge,
        number: usize,
        words: &str,
        cancel: Cancel,
    ) -> Result<Outcome> {
        let (one, found) = self.find(number)?;
        let words = self.words(one, words)?;
        let target = found.target();
        let stored = self.journal.document(self.session, DOCUMENT)?;
        let mut all: Contests = stored
            .and_then(|stored| serde_json::from_value(stored).ok())
            .unwrap_or_default();
        let (planned, attempt_number, attempt, assessment) = self.judged(&one.question)?;
        let before = again::ruled(assessment, &target).ok_or_else(|| self.lost())?;
        let earlier = all.on(&one.question, attempt_number, &target);
        if let Some(same) = earlier
            .iter()
            .find(|earlier| earlier.words == words && earlier.before == before)
        {
            let contest = (*same).clone();
            return Ok(Outcome {
                contest,
                score: one.score,
                with_contests: all.scores.get(&one.question).copied(),
            });
        }
        if earlier.len() >= MAX_CONTESTS {
            return Err(Error::usage(format!(
                "verdict {number} was contested {MAX_CONTESTS} times already"
            ))
            .hint(
                "Practise the point instead: answer the question once more in a new interview.",
            ));
        }
        let case = Case::from_question(&planned.question, &planned.asked, &attempt.answer());
        let accused = evidence(assessment, &target);
        let range = words.start..words.end;
        let result =
            again::again(judge, &case, &before, &target, (&range, accused), cancel).await?;
        let contest = Contest {
            number,
            question: one.question.clone(),
            attempt: attempt_number,
            target,
            text: found.text().to_owned(),
            words,
            before,
            after: result.ruled,
            counts: result.counts,
            refused: result.refused,
            at_ms: jiff::Timestamp::now().as_millisecond(),
        };
        let shown: Vec<(String, Option<f32>)> = self
            .critique
            .questions
            .iter()
            .map(|one| (one.question.clone(), one.score))
            .collect();
        all.add(contest.clone(), &case, assessment, &shown);
        self.journal.put_document(self.session, DOCUMENT, &all)?;
        let deciding = all.deciding(&one.question, attempt_number, &contest.target);
        if let Some(row) = deciding.and_then(|one| self.row(one, planned, attempt).transpose()) {
            self.journal.record_verdicts(self.session, &[row?])?;
        }
        Ok(Outcome {
            contest,
            score: one.score,
            with_contests: all.scores.get(&one.question).copied(),
        })
    }

    /// Returns the first result of a verdict.
    ///
    /// # Errors
    /// Fails when the interview cannot be read back.
    pub fn before(&self, one: &QuestionCritique, target: &Target) -> Result<Ruled> {
        let (_, _, _, assessment) = self.judged(&one.question)?;
        again::ruled(assessment, target).ok_or_else(|| self.lost())
    }

    /// Returns what was judged of a question: the attempt that counts.
    fn judged(&self, question: &str) -> Result<(&PlannedQuestion, usize, &Attempt, &Assessment)> {
        let plan = self.machine.plan().ok_or_else(|| self.lost())?;
        plan.questions
            .iter()
            .zip(self.machine.records())
            .find(|(planned, _)| planned.question.id == question)
            .and_then(|(planned, record)| {
                let attempt = record.attempt()?;
                let number = record.attempts.len() - 1;
                Some((planned, number, attempt, attempt.assessment()?))
            })
            .ok_or_else(|| self.lost())
    }

    fn lost(&self) -> Error {
        Error::storage(format!(
            "the judgement of session {} cannot be read back",
            self.session.short()
        ))
        .hint("`viva doctor` looks at the journal.")
    }

    /// Returns the verdict as the journal keeps it for the next interviews;
    /// `None` for a mistake, which has no row.
    fn row(
        &self,
        contest: &Contest,
        planned: &PlannedQuestion,
        attempt: &Attempt,
    ) -> Result<Option<VerdictRow>> {
        let (Target::Point(point), Some(verdict)) =
            (&contest.target, contest.after.verdict.verdict())
        else {
            return Ok(None);
        };
        let meta = self.journal.session(self.session)?.meta;
        let recovery = match contest.after.verdict {
            Ruling::Covered => recovery(attempt, point, contest.words.start),
            _ => Recovery::Never.word(None),
        };
        Ok(Some(VerdictRow {
            question: contest.question.clone(),
            attempt: u32::try_from(contest.attempt).unwrap_or(u32::MAX),
            source: VerdictSource::Contest,
            point: point.clone(),
            verdict: word(verdict).to_owned(),
            probability: f64::from(contest.after.probability),
            recovery,
            model_hash: meta.model.hash,
            versions: Versions {
                judge: contest.after.judge.clone(),
                prompts: meta.versions.prompts,
                guides: planned.citation.clone(),
            },
        }))
    }
}

/// Returns the words that a verdict rests on.
fn evidence<'a>(assessment: &'a Assessment, target: &Target) -> &'a [std::ops::Range<usize>] {
    let found = match target {
        Target::Point(id) => assessment
            .points
            .iter()
            .find(|point| point.id == *id)
            .map(|point| point.evidence.as_slice()),
        Target::Mistake(id) => assessment
            .mistakes
            .iter()
            .find(|one| one.id == *id)
            .map(|one| one.evidence.as_slice()),
    };
    found.unwrap_or_default()
}

/// Returns how a point came to be made by words that begin at this byte, as it
/// is stored.
fn recovery(attempt: &Attempt, point: &str, at: usize) -> String {
    let turn = (0..attempt.turns.len())
        .rev()
        .find(|turn| attempt.offset(*turn) <= at)
        .unwrap_or(0);
    let rung = attempt.rung_within(point, turn + 1);
    let recovery = if rung.is_some() {
        Recovery::AfterHint
    } else if turn > 0 && attempt.exchanges.is_empty() {
        Recovery::AfterProbe
    } else {
        Recovery::Unaided
    };
    recovery.word(rung)
}

/// Returns the JSON line of a contest.
pub(super) fn line(outcome: &Outcome) -> Value {
    let mut value = json!({ "schema": 1, "type": "contest" });
    if let (Some(into), Ok(Value::Object(from))) = (
        value.as_object_mut(),
        serde_json::to_value(&outcome.contest),
    ) {
        into.extend(from);
        into.insert("score".to_owned(), json!(outcome.score));
        into.insert(
            "score_with_contests".to_owned(),
            json!(outcome.with_contests),
        );
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::{HintGiven, Turn};

    fn attempt(hint_after: Option<usize>) -> Attempt {
        let turn = |text: &str| Turn {
            text: text.to_owned(),
            ..Turn::default()
        };
        Attempt {
            turns: vec![turn("first"), turn("second")],
            hints: hint_after
                .map(|after_turns| HintGiven {
                    point: "a".to_owned(),
                    rung: 1,
                    after_turns,
                })
                .into_iter()
                .collect(),
            ..Attempt::default()
        }
    }

    #[test]
    fn credit_goes_by_where_the_words_stand() {
        assert_eq!(recovery(&attempt(None), "a", 0), "unaided");
        assert_eq!(recovery(&attempt(None), "a", 7), "probe");
        assert_eq!(recovery(&attempt(Some(0)), "a", 0), "hint-1");
        assert_eq!(recovery(&attempt(Some(1)), "a", 0), "unaided");
        assert_eq!(recovery(&attempt(Some(1)), "a", 7), "hint-1");
        assert_eq!(recovery(&attempt(Some(1)), "b", 7), "probe");
    }
}
