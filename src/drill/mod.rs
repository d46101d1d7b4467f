//! Drilling: which rubric points to ask again, when, and in which words.
//!
//! It owns the memory model, the way from a verdict to a rating, the choice of
//! points and words, the course of a sitting and the plan up to an interview
//! date, what goes to Anki, and the simulation that shows what it is worth. It
//! asks no model, reads no clock, prints nothing and stores nothing;
//! `commands::drill` wires it up.

pub mod anki;
pub mod card;
pub mod choose;
pub mod memory;
pub mod rating;
pub mod simulate;
pub mod sitting;
pub mod tasks;
pub mod until;
pub mod wording;

pub use card::Card;
pub use choose::{Candidate, Choice, Key, Wish};
pub use memory::{DESIRED_RETENTION, Memory, PastReview, Rating, Reviewed, Scheduler};
pub use rating::{Help, rate};
pub use sitting::{Asked, DrillEvent, Finding, Sitting, SittingPlan, Step, Task, Whole};
pub use wording::Wording;
