//! The content room: what a guide, a panel and a plan are, how they are read,
//! checked and found. It knows nothing of models, terminals or interviews in
//! progress.

pub mod model;

pub use model::*;
