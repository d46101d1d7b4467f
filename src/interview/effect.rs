//! What the state machine wants done. Effects are data; a driver carries them
//! out and answers the last of each batch with an event.

use serde::{Deserialize, Serialize};

use super::intent::Utterance;
use crate::judge::Case;

/// Something to be done.
///
/// A batch holds any number of `Show…`, [`Effect::Notice`],
/// [`Effect::Settled`] and [`Effect::Contest`] effects, which need no reply,
/// followed by exactly one of the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Say a line; reply with `Spoken`.
    Say {
        /// The line.
        utterance: Box<Utterance>,
    },
    /// Take an answer; reply with `Answered`, `Commanded`, `EndOfInput` or
    /// `Interrupted`.
    Listen(Listen),
    /// Wait for the candidate to come back; reply with the command `Resume`,
    /// `EndOfInput` or `Interrupted`.
    AwaitResume,
    /// Judge an answer; reply with `Assessed` or `NotAssessed`.
    Assess {
        /// Index of the question.
        question: usize,
        /// What to judge.
        case: Box<Case>,
    },
    /// Ask what the candidate would give their answer; reply with `Predicted`
    /// or `Interrupted`.
    Predict {
        /// Index of the question.
        question: usize,
    },
    /// Show the critique; reply with `CritiqueShown`.
    Critique,
    /// The interview is over; nothing is replied.
    End {
        /// Why.
        reason: EndReason,
    },
    /// Show a hint.
    ShowHint {
        /// Index of the question.
        question: usize,
        /// The point it leads to; not for the candidate's eyes.
        point: String,
        /// 1 to 3.
        rung: u8,
        /// The hint.
        text: String,
    },
    /// Show how long it has taken.
    ShowTime(Clock),
    /// Show how far it has come.
    ShowStatus(Status),
    /// Show what the question tests.
    ShowWhy {
        /// Index of the question.
        question: usize,
    },
    /// Have a verdict that was shown judged again, and show what came of it.
    /// The interview goes on as if nothing had happened.
    Contest {
        /// The verdict's number.
        number: usize,
        /// The words of the answer that make the point.
        words: String,
    },
    /// Tell the candidate something about the interview itself.
    Notice {
        /// What.
        notice: Notice,
    },
    /// A question is settled; in study mode its verdict is shown now.
    Settled {
        /// Index of the question.
        question: usize,
        /// Whether to show verdict and model answer.
        show: bool,
    },
}

/// What kind of answer is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// Index of the question.
    pub question: usize,
    /// Whether a follow-up was asked.
    pub follow_up: bool,
    /// Expected spoken length in seconds, shortest and longest, where the
    /// clock is shown.
    pub seconds: Option<(u32, u32)>,
    /// Whether hints and the like are there.
    pub help: bool,
}

/// How long it has taken, without pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Milliseconds since the interview began.
    pub elapsed_ms: u64,
    /// Milliseconds since the question was asked.
    pub question_ms: u64,
    /// Minutes the plan reckons with.
    pub planned_minutes: u32,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The question in play, counted from 1.
    pub question: usize,
    /// Questions of the plan.
    pub questions: usize,
    /// Follow-ups asked to it.
    pub follow_ups: usize,
    /// Hints taken for it.
    pub hints: usize,
}

/// Something about the interview itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Hints and the like are off in this mode.
    NoHelpHere,
    /// The ladder of hints is used up.
    NoMoreHints,
    /// What a question tests is told once it was answered.
    WhyComesAfter,
    /// There is nothing to try again yet.
    NothingToRepeat,
    /// No further attempt at this question.
    NoMoreAttempts,
    /// No harder direction is left, or nothing was answered yet.
    NothingHarder,
    /// No easier way in is left.
    NothingEasier,
    /// The clock stands still.
    Paused,
    /// The clock runs again.
    Resumed,
    /// The question was skipped.
    Skipped,
    /// The remark is kept.
    Noted,
    /// A new attempt begins.
    AnotherAttempt,
    /// The candidate may go on asking, and how to stop.
    AskOn,
    /// No verdict has been shown that could be contested.
    NothingToContest,
}

/// Why an interview ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Every question was asked.
    Completed,
    /// The candidate closed it.
    Quit,
    /// There were no more answers.
    EndOfInput,
    /// The candidate left; it can be taken up again.
    Interrupted,
}
