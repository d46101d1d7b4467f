//! The judge's room: question, rubric and answer in, [`Assessment`] out.
//!
//! It decides what an answer says, where it says it and how sure that is. It
//! neither prints nor stores, and it never asks a model for a number.

pub mod assessment;

pub use assessment::*;
