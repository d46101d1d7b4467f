//! The weights: which models there are, where they come from, whether they are
//! whole, and which one to use. Nothing here loads a model or prints.

pub mod bert;
pub mod catalogue;
pub mod discover;
pub mod download;
pub mod gguf_writer;
pub mod header;
pub mod hub;
pub mod import;
pub mod manifest;
pub mod matcher;
pub mod package;
pub mod progress;
pub mod reader;
pub mod select;

pub use catalogue::{Catalogue, Entry, Kind};
pub use discover::{Found, Place, Places, discover};
pub use import::{ensure_starter, import, pull, remove};
pub use matcher::matcher;
pub use reader::reader;
pub use select::{Choice, Machine, digest, embedder, select};
