//! What this program fetched or was given: `manifest.json` in the models
//! folder, one entry a file. The weights lie beside it.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::catalogue::Kind;
use crate::{Error, Result};

const FILE: &str = "manifest.json";

/// One file of the models folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The name to ask for.
    pub name: String,
    /// The file's name in the models folder.
    pub file: String,
    /// What it is for.
    pub kind: Kind,
    /// Checksum of the file when it was put there, 64 hexadecimal digits.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// Where it came from.
    pub source: String,
    /// When it was put there.
    pub added: Timestamp,
}

/// All entries, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format.
    #[serde(default = "schema")]
    pub schema: u32,
    /// The entries.
    #[serde(default)]
    pub models: Vec<Record>,
}

fn schema() -> u32 {
    1
}

impl Manifest {
    /// Reads the manifest of the folder; no file means no entries.
    ///
    /// # Errors
    /// Fails when the file cannot be read or is damaged.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self {
                    schema: schema(),
                    models: Vec::new(),
                });
            }
            Err(error) => {
                return Err(Error::storage(format!("{} cannot be read", path.display()))
                    .caused_by(error)
                    .hint("Check that you may read the models folder."));
            }
        };
        serde_json::from_str(&text).map_err(|error| {
            Error::storage(format!("{} is damaged", path.display()))
                .caused_by(error)
                .hint("Move that file away: the weights beside it stay, and are found again by their names.")
        })
    }

    /// Writes the manifest whole, or leaves the old one as it was.
    ///
    /// # Errors
    /// Fails when the folder cannot be written to.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::storage(format!("{} cannot be written", folder.join(FILE).display()))
                .caused_by(error)
                .hint("Check that the models folder is yours and the disk is not full.")
        };
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.write_all(b"\n").map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(folder.join(FILE))
            .map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Returns the entry called `name`, whatever its case.
    pub fn find(&self, name: &str) -> Option<&Record> {
        self.models
            .iter()
            .find(|record| record.name.eq_ignore_ascii_case(name))
    }

    /// Returns the entry of the file called `file`.
    pub fn by_file(&self, file: &str) -> Option<&Record> {
        self.models.iter().find(|record| record.file == file)
    }

    /// Adds an entry in place of those with its name or file.
    pub fn put(&mut self, record: Record) {
        self.models
            .retain(|old| !old.name.eq_ignore_ascii_case(&record.name) && old.file != record.file);
        self.models.push(record);
        self.models.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Adds an entry to the manifest in `folder` and writes it.
    ///
    /// # Errors
    /// As [`Manifest::load`] and [`Manifest::save`].
    pub fn record(folder: &Path, record: Record) -> Result<()> {
        let mut manifest = Self::load(folder)?;
        manifest.put(record);
        manifest.save(folder)
    }
}

/// Returns where a file of the models folder lies; `None` for a name that
/// leaves the folder.
pub fn inside(folder: &Path, file: &str) -> Option<PathBuf> {
    let name = Path::new(file);
    (name.file_name() == Some(name.as_os_str())).then(|| folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, file: &str) -> Record {
        Record {
            name: name.into(),
            file: file.into(),
            kind: Kind::Chat,
            sha256: "0".repeat(64),
            size: 1,
            source: "test".into(),
            added: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Manifest::load(folder.path()).unwrap().models.is_empty());
        Manifest::record(folder.path(), record("b", "b.gguf")).unwrap();
        Manifest::record(folder.path(), record("a", "a.gguf")).unwrap();
        Manifest::record(folder.path(), record("B", "b2.gguf")).unwrap();
        let manifest = Manifest::load(folder.path()).unwrap();
        let files: Vec<&str> = manifest.models.iter().map(|r| r.file.as_str()).collect();
        assert_eq!(files, ["b2.gguf", "a.gguf"]);
        assert_eq!(manifest.find("b").unwrap().file, "b2.gguf");
    }

    #[test]
    fn a_damaged_manifest_is_an_error_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        let error = Manifest::load(folder.path()).unwrap_err();
        assert!(error.to_string().ends_with("is damaged"));
        assert!(error.hints()[0].starts_with("Move that file away"));
    }

    #[test]
    fn a_file_name_cannot_leave_the_folder() {
        let folder = Path::new("/m");
        assert_eq!(inside(folder, "a.gguf"), Some("/m/a.gguf".into()));
        for name in ["../a", "a/b", "/etc/passwd", "..", ""] {
            assert_eq!(inside(folder, name), None, "{name}");
        }
    }
}
