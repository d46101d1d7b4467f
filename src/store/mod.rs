//! The store: one SQLite journal in the data folder that holds every session,
//! every event of it, the lines of an answer still being typed, the verdicts,
//! the reviews of rubric points, the finished critique, and the person's own
//! stories.
//!
//! It owns durability (an event is on disk when [`Journal::append`] returns),
//! permissions, migrations, damage, the lock between two interviews, export,
//! import and forgetting. It decides nothing: events and critiques are opaque
//! JSON to it, and it prints nothing; what a person should be told is in
//! [`Journal::notices`] or in the error's hints.

mod damage;
mod forget;
mod journal;
mod layout;
mod lock;
mod open;
mod past;
mod reviews;
mod sessions;
pub mod standing;
mod stories;
#[cfg(test)]
mod tests;
mod transfer;
mod types;

pub use damage::{Damage, Health};
pub use journal::Journal;
pub use past::{OUTCOME, Outcome};
pub use reviews::{CardRow, ReviewRow, StoredReview};
pub use stories::{Origin, Story, StoryDraft, StoryId, Telling};
pub use transfer::{Exported, Imported};
pub use types::{
    EventSeq, ModelStamp, SessionFilter, SessionId, SessionMeta, SessionSummary, Status,
    StoredEvent, StoredVerdict, VerdictRow, VerdictSource, Versions,
};
