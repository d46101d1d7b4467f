//! Drilling: which rubric points to ask again, when, and in which words.
//!
//! It owns the memory model and the choice. It asks no model, reads no clock,
//! prints nothing and stores nothing; `commands::drill` wires it up.

pub mod anki;
pub mod memory;
pub mod simulate;

pub use memory::{DESIRED_RETENTION, Memory, PastReview, Rating, Reviewed, Scheduler};
