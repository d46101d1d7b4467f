//! Stories that are being typed, on disk from the first line on: files in the
//! data folder, readable by the owner alone, until the journal has the story.

use std::path::{Path, PathBuf};

use crate::paths::Paths;
use crate::store::StoryId;
use crate::{Error, Result};

use super::super::history::write_private;

const BEGINNING: &str = "story-";
const ENDING: &str = ".draft.txt";

/// The draft of a new story.
pub(super) fn new(paths: &Paths) -> PathBuf {
    paths.data.join(format!("{BEGINNING}new{ENDING}"))
}

/// The draft of a change to the story named `id`.
pub(super) fn of(paths: &Paths, id: &StoryId) -> PathBuf {
    paths
        .data
        .join(format!("{BEGINNING}{}{ENDING}", id.as_str()))
}

/// Returns what was typed before, if anything but white space.
pub(super) fn read(draft: &Path) -> Option<String> {
    let bytes = std::fs::read(draft).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Writes the draft in place of what was there, for the owner alone.
///
/// # Errors
/// Fails when the data folder cannot be written.
pub(super) fn write(draft: &Path, text: &str) -> Result<()> {
    write_private(draft, |out| {
        out.write_all(text.as_bytes())
            .map_err(|error| Error::storage("the draft cannot be kept").caused_by(error))
    })
}

/// Removes a draft whose story is in the journal.
pub(super) fn remove(draft: &Path) {
    if let Err(error) = std::fs::remove_file(draft)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "a draft could not be removed");
    }
}

/// Removes every draft of a story; returns how many there were.
///
/// # Errors
/// Fails when one cannot be removed.
pub(in crate::commands) fn forget(paths: &Paths) -> Result<usize> {
    let mut gone = 0;
    for entry in std::fs::read_dir(&paths.data)
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(BEGINNING) && name.ends_with(ENDING) {
            std::fs::remove_file(entry.path()).map_err(|error| {
                Error::storage(format!("{} cannot be removed", entry.path().display()))
                    .caused_by(error)
                    .hint("Remove it yourself: it holds a story that was being typed.")
            })?;
            gone += 1;
        }
    }
    Ok(gone)
}
