//! The engine room: the only place that names llama.cpp.
//!
//! One operating-system thread owns backend, models and contexts; the rest of
//! the program talks to it through the traits of [`api`]. This room does not
//! know what an interview is.

pub mod api;
#[doc(hidden)]
pub mod fake;

pub use api::*;
