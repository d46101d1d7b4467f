//! `viva`: a panel interview on your own laptop.
//!
//! The library holds every room of the house described in
//! `docs/architecture.md`; the binary in `main.rs` only maps a result to an
//! exit code. Facts (what was covered, what is asked next, the score) are
//! decided by the program; the language model supplies words, and its words
//! are checked before they are shown.

pub mod cli;
pub mod commands;
pub mod config;
pub mod critique;
pub mod drill;
pub mod error;
pub mod guide;
pub mod interview;
pub mod judge;
pub mod llm;
pub mod models;
pub mod paths;
pub mod progress;
pub mod report;
pub mod store;
pub mod stories;
pub mod ui;
pub mod voice;

pub use error::{Error, ErrorKind, Result};
