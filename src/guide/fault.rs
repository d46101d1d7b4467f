//! A fault in a content file: where it is, which field, what is wrong and what
//! to do about it. Nothing here looks for faults.

use std::fmt;

use serde::Serialize;

/// What kind of fault it is; the identifier that `--json` and tests name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The file cannot be read.
    Unreadable,
    /// The file is larger than [`super::MAX_FILE_BYTES`].
    TooLarge,
    /// Brackets or key parts are nested deeper than [`super::MAX_DEPTH`].
    TooDeep,
    /// The file is not UTF-8.
    Encoding,
    /// The file is not TOML.
    Syntax,
    /// A field is missing, unknown or of the wrong type.
    Shape,
    /// The format version is not one this program reads.
    Version,
    /// A text holds control characters.
    ControlCharacter,
    /// An identifier is not lower-case words joined by hyphens.
    Identifier,
    /// An identifier is used twice.
    Duplicate,
    /// Something names a thing that does not exist.
    Reference,
    /// A text or list that must hold something is empty.
    Empty,
    /// There are too few or too many of something.
    Count,
    /// The weights of a question do not add up to 100.
    Weights,
    /// A number lies outside its range.
    Range,
    /// A question of this round lacks parts that the round asks for.
    MissingPart,
    /// A point says two things.
    Compound,
    /// A probe, hint or rewording gives its point away.
    Leak,
    /// A rewording is too close to another wording of the question.
    TooClose,
    /// A probe asks no question, or several.
    OneQuestion,
    /// A model answer misses an essential point.
    ModelAnswer,
    /// Eight words in a row stand in a source text.
    Overlap,
}

impl Rule {
    /// Returns whether an item with this fault can still be played: it is a
    /// matter of quality, not of soundness.
    pub fn is_playable(self) -> bool {
        matches!(
            self,
            Self::Compound
                | Self::Leak
                | Self::TooClose
                | Self::OneQuestion
                | Self::ModelAnswer
                | Self::Overlap
                | Self::MissingPart
        )
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The kebab-case name, from the one place that spells it.
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => f.write_str(&name),
            _ => fmt::Debug::fmt(self, f),
        }
    }
}

/// The most faults that are reported of one file: with more, it is the wrong
/// file, and finding the line of each would take long.
pub const MAX_FAULTS: usize = 200;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, as the user named it or as `content/…` when built in.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The field, for example `question[two-nets].point[baseline].weight`.
    pub field: String,
    /// What kind of fault.
    pub rule: Rule,
    /// What is wrong, and what was expected: a full sentence without its stop.
    pub message: String,
    /// What to do next, a full sentence.
    pub help: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}
