//! The engine room: the only place that names llama.cpp.
//!
//! One operating-system thread owns backend, models and contexts; the rest of
//! the program talks to it through the traits of [`api`]. This room does not
//! know what an interview is.

mod actor;
pub mod api;
mod backend;
mod branch;
mod cache;
mod chat;
mod embed;
mod engine;
#[doc(hidden)]
pub mod fake;
mod fold;
pub mod gguf;
mod load;
mod logs;
pub mod merge;
pub mod options;
pub mod preflight;
mod prompt;
mod sampling;
mod schema;
mod stop;
mod stream;
pub mod system;
pub mod template;

pub use api::*;
pub use engine::Engine;
pub use options::{EngineOptions, KvType, LoadProgress};
pub use system::{SystemInfo, system_info};
