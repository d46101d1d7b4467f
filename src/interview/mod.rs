//! The interview itself: a pure state machine that is handed events and
//! returns effects as data.
//!
//! It owns the plan, the panel, the follow-up policy and the record of what
//! was asked, answered and recovered. It does no I/O, reads no clock and knows
//! neither tokio nor a model: times come with the events, words come back as
//! events, and a driver in `commands/` carries the effects out.

pub mod contradiction;
pub mod effect;
pub mod event;
mod figures;
pub mod follow_up;
pub mod intent;
pub mod leak;
pub mod lines;
pub mod machine;
pub mod mode;
pub mod plan;
pub mod record;
pub mod reverse;
#[cfg(test)]
pub(crate) mod sample;
pub mod spoken;
mod words;

pub use contradiction::{About, Contradiction, Passage};
pub use effect::{Clock, Effect, EndReason, Listen, Notice, Status};
pub use event::{Command, Event, EventKind};
pub use intent::{Facts, Intent, PointFacts, Source, Speaker, Utterance};
pub use machine::{Machine, Phase};
pub use mode::{Mode, Rules};
pub use plan::{BankItem, Plan, PlanError, PlanRequest, PlannedQuestion};
pub use record::{
    Attempt, FollowUp, HintGiven, Judgement, Line, OwnScore, QuestionRecord, Recovery, Turn,
    hint_of,
};
pub use reverse::{EmployerFlag, Exchange, Weighing};
pub use spoken::{Quote, Spoken};
