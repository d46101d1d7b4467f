//! Where things live: configuration, data, weights and cache, by the XDG base
//! directories, each overridable by a `VIVA_*_DIR` variable.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::{Error, Result};

/// The folders in use. None of them is created by this type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Settings and the user's own guides (`VIVA_CONFIG_DIR`).
    pub config: PathBuf,
    /// The journal and transcripts (`VIVA_DATA_DIR`).
    pub data: PathBuf,
    /// Model weights (`VIVA_MODELS_DIR`).
    pub models: PathBuf,
    /// What can be made again at any time.
    pub cache: PathBuf,
}

impl Paths {
    /// Returns folders of their own beneath `root`, for what must not touch the
    /// user's: tests and trials.
    pub fn under(root: &Path) -> Self {
        Self {
            config: root.join("config"),
            data: root.join("data"),
            models: root.join("models"),
            cache: root.join("cache"),
        }
    }

    /// Returns the folders that the process environment asks for.
    ///
    /// # Errors
    /// Fails when no home folder can be found and not every folder is
    /// overridden.
    pub fn from_environment() -> Result<Self> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// Returns the folders that `lookup` asks for. A variable counts only when
    /// it holds an absolute path, as the XDG specification says.
    ///
    /// # Errors
    /// As [`Paths::from_environment`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let absolute = |name: &str| {
            lookup(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let base = etcetera::choose_base_strategy().map_err(|error| {
            Error::storage("the home folder cannot be found")
                .caused_by(error)
                .hint("Set HOME, or VIVA_CONFIG_DIR, VIVA_DATA_DIR and VIVA_MODELS_DIR.")
        })?;
        let data_home = base.data_dir().join("viva");
        Ok(Self {
            config: absolute("VIVA_CONFIG_DIR").unwrap_or_else(|| base.config_dir().join("viva")),
            models: absolute("VIVA_MODELS_DIR").unwrap_or_else(|| data_home.join("models")),
            data: absolute("VIVA_DATA_DIR").unwrap_or(data_home),
            cache: base.cache_dir().join("viva"),
        })
    }

    /// Returns the journal's file.
    pub fn journal(&self) -> PathBuf {
        self.data.join("journal.sqlite3")
    }

    /// Returns the folder of the user's own guides.
    pub fn guides(&self) -> PathBuf {
        self.config.join("guides")
    }

    /// Returns the settings file.
    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// Returns the four folders with their names, for `viva doctor`.
    pub fn all(&self) -> [(&'static str, &Path); 4] {
        [
            ("config", &self.config),
            ("data", &self.data),
            ("models", &self.models),
            ("cache", &self.cache),
        ]
    }
}
