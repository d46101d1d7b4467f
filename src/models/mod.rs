//! The weights: which models there are, where they come from, whether they are
//! whole, and which one to use. Nothing here loads a model.

pub mod bert;
pub mod gguf_writer;
