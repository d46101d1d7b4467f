//! What happens in an interview. Events are everything the state machine
//! knows: replaying them, in order, gives the same state.

use serde::{Deserialize, Serialize};

use super::intent::Source;
use super::plan::Plan;
use crate::judge::Assessment;

/// Something that happened, with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds since the interview began, pauses included.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The interview begins.
    Started {
        /// What will be asked, by whom.
        plan: Box<Plan>,
    },
    /// A panellist's line was said.
    Spoken {
        /// The words as they were shown.
        text: String,
        /// Whose words they are.
        source: Source,
        /// Whether the candidate stopped the line before its end.
        #[serde(default)]
        cut: bool,
    },
    /// The candidate sent an answer.
    Answered {
        /// The whole answer.
        text: String,
    },
    /// The judge has spoken about the answer so far.
    Assessed {
        /// What it said.
        assessment: Box<Assessment>,
    },
    /// The judge could not speak; the question stays without a verdict.
    NotAssessed {
        /// Why, for the journal.
        reason: String,
    },
    /// The candidate said what they would give themselves, or passed.
    Predicted {
        /// 0 to 10; `None` when they passed.
        score: Option<u8>,
    },
    /// The candidate gave a command.
    Commanded {
        /// The command.
        command: Command,
    },
    /// There will be no more answers.
    EndOfInput,
    /// The candidate left with Ctrl-C, or the program was told to stop.
    Interrupted,
    /// An interview that was left is taken up again.
    Resumed,
    /// The critique was shown.
    CritiqueShown,
}

/// What the candidate can ask for while an answer is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", content = "text", rename_all = "snake_case")]
pub enum Command {
    /// The next hint.
    Hint,
    /// The question again.
    Repeat,
    /// On to the next question.
    Skip,
    /// Stop the clock until [`Command::Resume`].
    Pause,
    /// Go on after a pause.
    Resume,
    /// How long it has taken.
    Time,
    /// How far it has come.
    Status,
    /// What the question tests; only once it was answered.
    Why,
    /// Another attempt at the question.
    Again,
    /// A harder direction.
    Harder,
    /// An easier way in.
    Easier,
    /// Keep a remark for the report.
    Note(String),
    /// Have a verdict judged again.
    Contest {
        /// The verdict's number, as it was shown.
        number: usize,
        /// The words of the answer that make the point.
        words: String,
    },
    /// Close the interview now.
    Quit,
}
