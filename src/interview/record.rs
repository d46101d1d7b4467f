//! What was said, judged and helped along, question by question.

use serde::{Deserialize, Serialize};

use super::intent::{Intent, Source};
use super::reverse::{Exchange, Weighing};
use crate::judge::{Assessment, Verdict};

/// What stands between two answers to the same question where they are judged
/// together.
pub const ANSWER_JOINT: &str = "\n\n";

/// How a point came to be made, if it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// In the first answer, without help.
    Unaided,
    /// After the panel asked again.
    AfterProbe,
    /// After a hint that led to it.
    AfterHint,
    /// Not in any answer.
    Never,
}

/// The word for help by a hint. Which one follows after a hyphen (`hint-2`);
/// before that was kept, and where it is not known, the word stands alone.
const HINT: &str = "hint";

impl Recovery {
    /// Returns the word it is stored as; `rung` is the hint it took, if it did.
    pub fn word(self, rung: Option<u8>) -> String {
        match (self, rung) {
            (Self::Unaided, _) => "unaided".to_owned(),
            (Self::AfterProbe, _) => "probe".to_owned(),
            (Self::AfterHint, Some(rung)) => format!("{HINT}-{rung}"),
            (Self::AfterHint, None) => HINT.to_owned(),
            (Self::Never, _) => "never".to_owned(),
        }
    }
}

/// Returns which hint it took by the word that a recovery is stored as: `None`
/// when it took none, and `Some(None)` when that was not kept.
pub fn hint_of(word: &str) -> Option<Option<u8>> {
    match word.strip_prefix(HINT)? {
        "" => Some(None),
        rung => rung.strip_prefix('-')?.parse().ok().map(Some),
    }
}

/// A line the panel said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Index of the panellist.
    pub panellist: usize,
    /// Why it was said.
    pub intent: Intent,
    /// The words as they were shown.
    pub text: String,
    /// Whose words they are.
    pub source: Source,
    /// Whether the candidate stopped it before its end.
    pub cut: bool,
    /// Index of the question in play, if any.
    pub question: Option<usize>,
    /// When its end was reached.
    pub at_ms: u64,
}

/// An answer, or the answer to a follow-up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// What the candidate sent.
    pub text: String,
    /// When it was sent.
    pub at_ms: u64,
    /// Milliseconds from the end of the question to the answer, without pauses.
    pub took_ms: u64,
    /// Whether it ran past the question's time and the panel cut in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
}

/// A follow-up as it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    /// The point it was after, if one.
    pub point: Option<String>,
    /// Why it was asked.
    pub intent: Intent,
    /// The words as they were shown; empty until they were said.
    pub text: String,
    /// Whose words they are.
    pub source: Source,
    /// Whether the candidate asked for it; such follow-ups do not count
    /// against the panel's budget.
    pub asked_for: bool,
    /// Answers that had been given when it was asked.
    pub after_turns: usize,
}

/// A hint as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HintGiven {
    /// The point it leads to.
    pub point: String,
    /// 1 to 3, or 0 for the easier way in.
    pub rung: u8,
    /// Answers that had been given when it was given.
    pub after_turns: usize,
}

/// What the judge said, and of how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Answers it took in.
    pub turns: usize,
    /// What it said.
    pub assessment: Assessment,
}

/// One attempt at a question.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The first answer and the answers to follow-ups.
    pub turns: Vec<Turn>,
    /// One judgement an answer, unless the judge failed.
    pub judgements: Vec<Judgement>,
    /// The follow-ups in order.
    pub follow_ups: Vec<FollowUp>,
    /// The hints in order.
    pub hints: Vec<HintGiven>,
    /// What the panel answered, in the round in which the candidate asks; the
    /// turns are then the candidate's messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// What the candidate made of the panel's answers, once that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weighing: Option<Weighing>,
}

/// What became of one question of the plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QuestionRecord {
    /// The attempts in order; empty until the question is asked.
    pub attempts: Vec<Attempt>,
    /// Whether the candidate skipped it.
    pub skipped: bool,
    /// Whether the panel is done with it.
    pub settled: bool,
    /// What the candidate would give the attempt that counts, once they were
    /// asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<OwnScore>,
}

/// What a candidate said when asked for their own score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnScore {
    /// This, 0 to 10.
    Given(u8),
    /// Nothing.
    Passed,
}

impl OwnScore {
    /// Returns the score, if one was given.
    pub fn given(self) -> Option<u8> {
        match self {
            Self::Given(score) => Some(score),
            Self::Passed => None,
        }
    }
}

impl QuestionRecord {
    /// Returns the attempt that counts: the last.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Returns the judgement that counts: the last of the last attempt.
    /// `None` means the question is not assessed.
    pub fn assessment(&self) -> Option<&Assessment> {
        self.attempt()?.assessment()
    }
}

impl Attempt {
    /// Returns everything the candidate said to the question, joined by [`ANSWER_JOINT`].
    /// Byte ranges of judgements are ranges of this text. What the candidate
    /// made of the panel's answers is not in it.
    pub fn answer(&self) -> String {
        let texts: Vec<&str> = self.turns.iter().map(|turn| turn.text.as_str()).collect();
        texts.join(ANSWER_JOINT)
    }

    /// Returns where the turn at `index` begins in [`Attempt::answer`].
    pub fn offset(&self, index: usize) -> usize {
        self.turns
            .iter()
            .take(index)
            .map(|turn| turn.text.len() + ANSWER_JOINT.len())
            .sum()
    }

    /// Returns the judgement that counts: the last.
    pub fn assessment(&self) -> Option<&Assessment> {
        self.judgements
            .last()
            .map(|judgement| &judgement.assessment)
    }

    /// Returns how many follow-ups the panel asked of its own accord.
    pub fn panel_follow_ups(&self) -> usize {
        self.follow_ups.iter().filter(|one| !one.asked_for).count()
    }

    /// Returns how the point came to be made, or `None` when nothing was
    /// judged.
    ///
    /// The last judgement decides whether it was made. If it was, the first
    /// judgement that found it decides when; a hint that led to the point and
    /// was given before that counts as help even if the panel also asked.
    pub fn recovery(&self, point: &str) -> Option<Recovery> {
        let last = self.judgements.last()?;
        if !is_covered(last, point) {
            return Some(Recovery::Never);
        }
        let first = self.judgements.iter().find(|one| is_covered(one, point))?;
        Some(if self.rung(point).is_some() {
            Recovery::AfterHint
        } else if first.turns > 1 && self.exchanges.is_empty() {
            // Questions to the panel come in several messages unprobed.
            Recovery::AfterProbe
        } else {
            Recovery::Unaided
        })
    }

    /// Returns the furthest hint to `point` that was given before it was made:
    /// 1 to 3, or 0 for the easier way in; `None` when there was none, or the
    /// point was not made.
    pub fn rung(&self, point: &str) -> Option<u8> {
        let first = self.judgements.iter().find(|one| is_covered(one, point))?;
        self.rung_within(point, first.turns)
    }

    /// Returns the furthest hint to `point` among the first `turns` answers.
    pub fn rung_within(&self, point: &str, turns: usize) -> Option<u8> {
        self.hints
            .iter()
            .filter(|hint| hint.point == point && hint.after_turns < turns)
            .map(|hint| hint.rung)
            .max()
    }
}

/// Returns whether `judgement` found `point`.
fn is_covered(judgement: &Judgement, point: &str) -> bool {
    judgement
        .assessment
        .points
        .iter()
        .any(|found| found.id == point && found.verdict == Verdict::Covered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::{Competency, Round};
    use crate::interview::sample;
    use crate::judge::Case;

    fn attempt(answers: &[&str], hints: Vec<HintGiven>) -> Attempt {
        let question = sample::question("q", Round::Technical, Competency::Evaluation, "q");
        let mut attempt = Attempt {
            hints,
            ..Attempt::default()
        };
        for answer in answers {
            attempt.turns.push(Turn {
                text: (*answer).to_owned(),
                at_ms: 0,
                took_ms: 0,
                interrupted: false,
            });
            let case = Case::from_question(&question, &question.ask, &attempt.answer());
            attempt.judgements.push(Judgement {
                turns: attempt.turns.len(),
                assessment: sample::assess(&case),
            });
        }
        attempt
    }

    #[test]
    fn the_four_kinds_of_recovery_are_kept_apart() {
        let hint = HintGiven {
            point: "c".to_owned(),
            rung: 1,
            after_turns: 1,
        };
        let attempt = attempt(&["I say +a", "and +b", "and +c"], vec![hint]);
        assert_eq!(attempt.recovery("a"), Some(Recovery::Unaided));
        assert_eq!(attempt.recovery("b"), Some(Recovery::AfterProbe));
        assert_eq!(attempt.recovery("c"), Some(Recovery::AfterHint));
        assert_eq!(attempt.recovery("d"), Some(Recovery::Never));
        let rungs = ["a", "b", "c", "d"].map(|point| attempt.rung(point));
        assert_eq!(rungs, [None, None, Some(1), None]);
    }

    #[test]
    fn the_word_of_a_recovery_says_which_hint_it_took() {
        assert_eq!(Recovery::AfterHint.word(Some(2)), "hint-2");
        assert_eq!(hint_of("hint-2"), Some(Some(2)));
        assert_eq!(hint_of(&Recovery::AfterHint.word(None)), Some(None));
        for word in [Recovery::AfterProbe.word(Some(2)), "hint-x".to_owned()] {
            assert_eq!(hint_of(&word), None);
        }
    }

    #[test]
    fn the_furthest_hint_before_the_point_was_made_is_the_one_it_took() {
        let hint = |rung, after_turns| HintGiven {
            point: "c".to_owned(),
            rung,
            after_turns,
        };
        let given = vec![hint(1, 1), hint(2, 1), hint(3, 2)];
        let attempt = attempt(&["I say +a", "and +c", "more"], given);
        assert_eq!(attempt.rung("c"), Some(2));
    }

    #[test]
    fn a_hint_after_the_point_was_made_takes_no_credit() {
        let hint = HintGiven {
            point: "a".to_owned(),
            rung: 1,
            after_turns: 1,
        };
        let attempt = attempt(&["I say +a", "more"], vec![hint]);
        assert_eq!(attempt.recovery("a"), Some(Recovery::Unaided));
    }

    #[test]
    fn a_point_taken_back_is_not_made() {
        let attempt = attempt(&["I say +a", "no, -a"], Vec::new());
        assert_eq!(attempt.recovery("a"), Some(Recovery::Never));
    }

    #[test]
    fn without_a_judgement_there_is_no_recovery() {
        assert_eq!(Attempt::default().recovery("a"), None);
    }
}
