//! The trained reader's files: its adapter, which is part of the program, and
//! the starter's weights that it tunes, in the quantisation that reads fastest.
//! Makes both in the cache folder and says where they are; loads nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::catalogue::Catalogue;
use super::discover::{Places, discover};
use super::download::hexadecimal;
use crate::llm::ReaderOptions;
use crate::paths::Paths;
use crate::{Error, Result};

/// The adapter, a LoRA on the starter; `models/reader.md` is its card.
const ADAPTER: &[u8] = include_bytes!("../../models/reader.gguf");

static ADAPTER_SHA256: LazyLock<String> = LazyLock::new(|| hexadecimal(&Sha256::digest(ADAPTER)));

/// Returns the SHA-256 of the adapter, in hexadecimal.
pub fn adapter_sha256() -> &'static str {
    &ADAPTER_SHA256
}

/// Returns the files of the trained reader; `None` when the starter, which it
/// tunes, is not on this machine. On the first call the adapter is unpacked
/// and the weights are converted to Q8_0, into the cache folder; that takes
/// some seconds and 145 MB of disk. Where the disk has no room for that, the
/// starter's own file is used, which reads at half the speed.
///
/// # Errors
/// Fails when the adapter cannot be written.
pub fn reader(paths: &Paths) -> Result<Option<ReaderOptions>> {
    let Some(base) = base(paths)? else {
        return Ok(None);
    };
    let adapter = unpacked(paths)?;
    Ok(Some(ReaderOptions {
        adapter,
        base: converted(paths, &base).unwrap_or(base),
    }))
}

/// The starter's weights in Q8_0; nothing where they cannot be made.
fn converted(paths: &Paths, base: &Path) -> Option<PathBuf> {
    let path = paths.cache.join("reader-base.q8_0.gguf");
    let sum = paths.cache.join("reader-base.q8_0.size");
    let size = |path: &Path| std::fs::metadata(path).ok().map(|found| found.len());
    let noted = std::fs::read_to_string(&sum).ok();
    if size(&path).is_some_and(|size| noted == Some(size.to_string())) {
        return Some(path);
    }
    let file = tempfile::NamedTempFile::new_in(&paths.cache).ok()?;
    if let Err(error) = crate::llm::requantise::to_q8_0(base, file.path()) {
        tracing::warn!("the reader's weights stay as they are: {error}");
        return None;
    }
    file.as_file().sync_all().ok()?;
    file.persist(&path).ok()?;
    std::fs::write(&sum, size(&path)?.to_string()).ok()?;
    Some(path)
}

/// Returns the starter's file, by name and size: the adapter fits no other
/// weights.
///
/// # Errors
/// Fails when the manifest of models is damaged.
pub fn base(paths: &Paths) -> Result<Option<PathBuf>> {
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
