//! The trained reader's files: its adapter, which is part of the program, and
//! the starter's weights that it tunes. Says where they are; loads nothing.

use std::io::Write;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::catalogue::Catalogue;
use super::discover::{Places, discover};
use super::download::hexadecimal;
use crate::llm::ReaderOptions;
use crate::paths::Paths;
use crate::{Error, Result};

/// The adapter, a LoRA on the starter; `models/reader.md` is its card.
const ADAPTER: &[u8] = include_bytes!("../../models/reader.gguf");

/// Returns the SHA-256 of the adapter, in hexadecimal.
pub fn adapter_sha256() -> String {
    hexadecimal(&Sha256::digest(ADAPTER))
}

/// Returns the files of the trained reader; `None` when the starter, which it
/// tunes, is not on this machine. The adapter is unpacked into the cache
/// folder on the first call, for the inference library reads files only.
///
/// # Errors
/// Fails when the adapter cannot be written.
pub fn reader(paths: &Paths) -> Result<Option<ReaderOptions>> {
    let Some(base) = base(paths)? else {
        return Ok(None);
    };
    Ok(Some(ReaderOptions {
        adapter: unpacked(paths)?,
        base,
    }))
}

/// The starter's file, by name and size: the adapter fits no other weights.
fn base(paths: &Paths) -> Result<Option<PathBuf>> {
    let catalogue = Catalogue::load()?;
    let entry = catalogue.expect("starter")?;
    Ok(discover(&Places::from_environment(paths))?
        .into_iter()
        .find(|found| {
            found.size == entry.size
                && found
                    .path
                    .file_name()
                    .is_some_and(|file| file == entry.file.as_str())
        })
        .map(|found| found.path))
}

fn unpacked(paths: &Paths) -> Result<PathBuf> {
    let path = paths
        .cache
        .join(format!("reader-{}.gguf", &adapter_sha256()[..16]));
    // The name holds the checksum; what lies there is compared all the same,
    // since a damaged file can end the process from inside the library.
    if std::fs::read(&path).is_ok_and(|bytes| bytes == ADAPTER) {
        return Ok(path);
    }
    let unwritable = |error: std::io::Error| {
        Error::storage(format!(
            "the trained reader cannot be unpacked into {}",
            paths.cache.display()
        ))
        .caused_by(error)
        .hint("Make the folder writable, or set XDG_CACHE_HOME to one that is.")
    };
    std::fs::create_dir_all(&paths.cache).map_err(unwritable)?;
    let mut file = tempfile::NamedTempFile::new_in(&paths.cache).map_err(unwritable)?;
    file.write_all(ADAPTER).map_err(unwritable)?;
    file.persist(&path)
        .map_err(|error| unwritable(error.error))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::header::Header;

    fn paths(root: &std::path::Path) -> Paths {
        Paths {
            config: root.join("config"),
            data: root.join("data"),
            models: root.join("models"),
            cache: root.join("cache"),
        }
    }

    #[test]
    fn the_adapter_is_unpacked_once_and_mended_when_damaged() {
        let root = tempfile::tempdir().expect("a folder");
        let paths = paths(root.path());
        let path = unpacked(&paths).expect("unpacked");
        assert!(std::fs::read(&path).expect("there") == ADAPTER);
        std::fs::write(&path, b"GGUF").expect("damaged");
        assert_eq!(unpacked(&paths).expect("unpacked again"), path);
        assert!(std::fs::read(&path).expect("there") == ADAPTER);
    }

    #[test]
    fn the_adapter_is_no_chat_model() {
        let header = Header::parse(&mut &ADAPTER[..]).expect("a GGUF");
        assert_eq!(header.kind(), crate::models::Kind::Other);
        assert!(ADAPTER.len() < 50 << 20);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().expect("a folder");
        let mut paths = paths(root.path());
        std::fs::write(root.path().join("file"), "").expect("a file");
        paths.cache = root.path().join("file").join("cache");
        let error = unpacked(&paths).expect_err("no folder");
        assert!(error.to_string().contains("unpacked"), "{error}");
    }
}
