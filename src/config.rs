//! Settings: built-in values, then the settings file, then the environment.
//! Command-line options are laid over them by each verb.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::paths::Paths;
use crate::{Error, Result};

/// Everything that can be set in `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The model to use: a catalogue name, an imported name or a path.
    pub model: Option<String>,
    /// How the engine runs.
    pub engine: EngineConfig,
}

/// How the engine runs; `None` means: choose for this machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Threads used to decode.
    pub threads: Option<usize>,
    /// Tokens the context holds.
    pub context: Option<u32>,
    /// Layers to hold on a GPU.
    pub gpu_layers: Option<u32>,
    /// KV cache element type: `f16`, `q8_0` or `q4_0`.
    pub kv_type: Option<String>,
    /// Whether weights are mapped from the file instead of read.
    pub mmap: Option<bool>,
    /// A chat template to use instead of the model's own: a family name or a file.
    pub chat_template: Option<String>,
}

impl Config {
    /// Returns the settings of `explicit`, or else of the usual file; a usual
    /// file that does not exist means built-in values.
    ///
    /// # Errors
    /// Fails when a file cannot be read or is not valid, naming line and field.
    pub fn load(explicit: Option<&Path>, paths: &Paths) -> Result<Self> {
        let usual = paths.settings();
        let path = explicit.unwrap_or(&usual);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if explicit.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(Error::content(format!(
                    "the settings file {} cannot be read",
                    path.display()
                ))
                .caused_by(error)
                .hint("Check the path given with --config."));
            }
        };
        toml::from_str(&text).map_err(|error| {
            Error::content(format!("the settings file {} is not valid", path.display()))
                .caused_by(error)
                .hint(
                    "Correct the line named above, or move the file away to use built-in settings.",
                )
        })
    }
}
