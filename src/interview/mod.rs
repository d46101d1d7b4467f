//! The interview itself: a pure state machine that is handed events and
//! returns effects as data.
//!
//! It owns the plan, the panel, the follow-up policy and the record of what
//! was asked, answered and recovered. It does no I/O, reads no clock and knows
//! neither tokio nor a model: times come with the events, words come back as
//! events, and a driver in `commands/` carries the effects out.

pub mod intent;
pub mod leak;

pub use intent::{Facts, Intent, PointFacts, Source, Speaker, Utterance};
