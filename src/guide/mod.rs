//! The content room: what a guide, a panel and a plan are, how they are read,
//! checked and found. It knows nothing of models, terminals or interviews in
//! progress.

mod casting;
pub mod check;
pub mod coverage;
pub mod document;
pub mod fault;
pub mod files;
pub mod library;
pub mod model;
mod names;
pub mod schema;
pub mod search;
pub mod structure;

pub use document::{Document, MAX_DEPTH, MAX_FILE_BYTES};
pub use fault::{Fault, Rule};
pub use files::user_guides;
pub use library::{DEFAULT_PLAN, Library, Origin, QuestionFilter, Shelved};
pub use model::*;
