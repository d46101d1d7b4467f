//! Where content files are: compiled into the program, or in the user's
//! configuration folder.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::document::Document;
use super::fault::Fault;
use crate::{Error, Result};

static CONTENT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/content");

/// The prompts, here only so that the checker can hold them against a source.
static PROMPTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/prompts");

/// Returns the built-in guides as documents, in the order of their file names.
pub(super) fn built_in_guides() -> Vec<Result<Document, Box<Fault>>> {
    let mut files: Vec<_> = CONTENT
        .get_dir("guides")
        .map(|dir| dir.files().collect())
        .unwrap_or_default();
    files.retain(|file| file.path().extension().is_some_and(|ext| ext == "toml"));
    files.sort_by_key(|file| file.path());
    files
        .into_iter()
        .map(|file| {
            Document::from_bytes(
                format!("content/{}", file.path().display()),
                file.contents(),
            )
        })
        .collect()
}

/// Returns everything that is compiled in as documents: the panel, the guides,
/// the plans, the table of expected items and the prompts.
pub fn built_in_documents() -> Vec<Result<Document, Box<Fault>>> {
    let mut documents: Vec<_> = built_in_file("panel.toml").into_iter().collect();
    documents.extend(built_in_guides());
    documents.extend(built_in_file("plans.toml"));
    documents.extend(built_in_file("coverage.toml"));
    documents.extend(PROMPTS.files().map(|file| {
        Document::from_bytes(
            format!("prompts/{}", file.path().display()),
            file.contents(),
        )
    }));
    documents
}

/// Returns a built-in file of `content/` as a document.
pub(super) fn built_in_file(name: &str) -> Option<Result<Document, Box<Fault>>> {
    CONTENT
        .get_file(name)
        .map(|file| Document::from_bytes(format!("content/{name}"), file.contents()))
}

/// Returns the user's guide files, sorted; none when the folder does not exist.
///
/// # Errors
/// Fails when the folder exists and cannot be listed.
pub fn user_guides(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Error::content(format!(
                "the folder of your guides, {}, cannot be listed",
                folder.display()
            ))
            .caused_by(error)
            .hint("Check its permissions, or set VIVA_CONFIG_DIR to another folder."));
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    paths.sort();
    Ok(paths)
}
