//! What the journal keeps, as plain data.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A position in a session's events: 0 for the first.
pub type EventSeq = u64;

/// Makes a type of names that are UUIDs v7: they sort by time.
macro_rules! uuid_name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                Self::parse(&text).ok_or_else(|| format!("{text:?} is not {} (a UUID)", $what))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl $name {
            /// Returns a name that nothing has yet.
            pub fn fresh() -> Self {
                Self(uuid::Uuid::now_v7().to_string())
            }

            /// Returns the name in `text`, or `None` when it is not a UUID.
            pub fn parse(text: &str) -> Option<Self> {
                uuid::Uuid::parse_str(text)
                    .ok()
                    .map(|id| Self(id.to_string()))
            }

            /// Returns the whole name, 36 characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the last eight characters, which a person can type. The
            /// first ones are the clock and look alike for names of one day.
            pub fn short(&self) -> &str {
                self.0
                    .get(self.0.len().saturating_sub(8)..)
                    .unwrap_or(&self.0)
            }

            /// Returns whether a person who types `wanted` may mean this one:
            /// the beginning or the end of the name, or the beginning of what
            /// is shown of it.
            pub fn is_meant_by(&self, wanted: &str) -> bool {
                [self.as_str(), self.short()]
                    .iter()
                    .any(|name| name.starts_with(wanted))
                    || self.as_str().ends_with(wanted)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(super) use uuid_name;

uuid_name!(
    /// The name of a session.
    SessionId,
    "a session name"
);

/// Which weights spoke.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStamp {
    /// What a person calls it, quantisation included.
    pub name: String,
    /// SHA-256 of the file in hexadecimal, `ends:` and a hash of its size and
    /// both ends where nobody has summed it up whole, or empty without a model.
    pub hash: String,
}

/// The versions that decide whether two verdicts may be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Judge and score formula.
    pub judge: String,
    /// Prompts.
    pub prompts: String,
    /// Guides: of a session, `id version` each with commas between; of a
    /// verdict, `id version, item`.
    pub guides: String,
}

/// What is known of a session when it begins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionMeta {
    /// A line a person recognises it by.
    pub title: String,
    /// The plan's name.
    pub plan: String,
    /// The mode: `practice`, `pressure`, `study` or `mixed`.
    pub mode: String,
    /// The seed everything random was drawn from.
    pub seed: u64,
    /// The chat model.
    pub model: ModelStamp,
    /// Judge, prompts and guides.
    pub versions: Versions,
    /// Whatever else the interview wants back when it resumes.
    #[serde(default)]
    pub extra: Value,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It can be resumed.
    Unfinished,
    /// It came to its end.
    Finished,
    /// The person chose not to continue it.
    Abandoned,
}

impl Status {
    /// Returns the word it is stored and shown as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Finished => "finished",
            Self::Abandoned => "abandoned",
        }
    }

    /// Returns the status that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Unfinished, Self::Finished, Self::Abandoned]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A session as the list of sessions shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// Its name.
    pub id: SessionId,
    /// When it began, milliseconds since 1970 in UTC.
    pub started_at: i64,
    /// When it ended, likewise.
    pub ended_at: Option<i64>,
    /// How far it is.
    pub status: Status,
    /// Everything given at its beginning.
    #[serde(flatten)]
    pub meta: SessionMeta,
    /// How many events it has.
    #[serde(default)]
    pub events: u64,
}

/// Which sessions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Only these.
    pub status: Option<Status>,
    /// Only those that began at or after this time, milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Only those whose title, plan or mode contains this, in any case.
    pub text: Option<String>,
    /// At most this many, the newest.
    pub limit: Option<u32>,
}

/// One event as it was stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Position in the session.
    pub seq: EventSeq,
    /// When it was stored, milliseconds since 1970 in UTC.
    pub at_ms: i64,
    /// What it is, read off the JSON.
    pub kind: String,
    /// The event.
    pub event: Value,
}

/// Where a verdict comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerdictSource {
    /// Judged during the interview.
    #[default]
    Interview,
    /// Judged again because the person contested it.
    Contest,
    /// Judged again with a later set-up.
    Regrade,
}

impl VerdictSource {
    /// Returns the word it is stored and shown as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interview => "interview",
            Self::Contest => "contest",
            Self::Regrade => "regrade",
        }
    }

    /// Returns the source that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Interview, Self::Contest, Self::Regrade]
            .into_iter()
            .find(|source| source.as_str() == word)
    }
}

/// One point's verdict, for questions about the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// The question's identifier.
    pub question: String,
    /// Which time it was answered in this session: 0 for the first.
    #[serde(default)]
    pub attempt: u32,
    /// Where the verdict comes from.
    #[serde(default)]
    pub source: VerdictSource,
    /// The point's identifier.
    pub point: String,
    /// The verdict, as the judge spells it.
    pub verdict: String,
    /// Calibrated probability, 0 to 1.
    pub probability: f64,
    /// `unaided`, `probe`, `hint` or `never`; from an interview `hint-1` to
    /// `hint-3`, or `hint-0` for the easier way in.
    pub recovery: String,
    /// The model's hash.
    pub model_hash: String,
    /// The versions it was made with.
    #[serde(flatten)]
    pub versions: Versions,
}

/// A verdict with the session it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredVerdict {
    /// The session.
    pub session: SessionId,
    /// When it was stored, milliseconds since 1970 in UTC.
    pub at_ms: i64,
    /// The verdict.
    #[serde(flatten)]
    pub row: VerdictRow,
}
