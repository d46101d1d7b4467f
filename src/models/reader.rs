//! The trained reader's files: its adapter, which is part of the program, is
//! merged into the weights of the starter, which it tunes. Makes the result in
//! the cache folder and says where it is; loads nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::catalogue::Catalogue;
use super::discover::{Places, discover};
use super::download::hexadecimal;
use crate::paths::Paths;
use crate::{Error, Result};

/// The adapter, a LoRA on the starter; `models/reader.md` is its card.
const ADAPTER: &[u8] = include_bytes!("../../models/reader.gguf");

static ADAPTER_SHA256: LazyLock<String> = LazyLock::new(|| hexadecimal(&Sha256::digest(ADAPTER)));

/// Returns the SHA-256 of the adapter, in hexadecimal.
pub fn adapter_sha256() -> &'static str {
    &ADAPTER_SHA256
}

/// Returns the file of the trained reader; `None` when the starter, which it
/// tunes, is not on this machine. On the first call the adapter is merged into
/// the layers of the starter that it was trained on, in Q8_0, in the cache
/// folder; that takes some seconds and 125 MB of disk, the adapter included.
///
/// # Errors
/// Fails when the cache folder cannot be written.
pub fn reader(paths: &Paths) -> Result<Option<PathBuf>> {
    let Some(base) = base(paths)? else {
        return Ok(None);
    };
    let path = merged_path(paths);
    if !is_whole(&path) {
        merge(paths, &base, &unpacked(paths)?)?;
    }
    Ok(Some(path))
}

fn merged_path(paths: &Paths) -> PathBuf {
    paths
        .cache
        .join(format!("reader-{}.q8_0.gguf", &adapter_sha256()[..16]))
}

/// Whether the merged weights lie there whole: of the size that was noted when
/// they were written.
fn is_whole(path: &Path) -> bool {
    std::fs::read_to_string(path.with_extension("size"))
        .is_ok_and(|noted| std::fs::metadata(path).is_ok_and(|f| f.len().to_string() == noted))
}

/// Merges the adapter into the starter's weights, and removes what earlier
/// versions of this program left.
fn merge(paths: &Paths, base: &Path, adapter: &Path) -> Result<()> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::storage(format!(
            "the trained reader cannot be written into {}",
            paths.cache.display()
        ))
        .caused_by(error)
        .hint("It takes 125 MB there: make room, or set XDG_CACHE_HOME to a folder that has it.")
    };
    let path = merged_path(paths);
    let file = tempfile::NamedTempFile::new_in(&paths.cache).map_err(|e| failed(e.into()))?;
    crate::llm::merge::q8_0(base, adapter, file.path()).map_err(|e| failed(e.into()))?;
    file.as_file().sync_all().map_err(|e| failed(e.into()))?;
    file.persist(&path).map_err(|e| failed(e.into()))?;
    let written = std::fs::metadata(&path)
        .map_err(|e| failed(e.into()))?
        .len();
    std::fs::write(path.with_extension("size"), written.to_string())
        .map_err(|e| failed(e.into()))?;
    // The adapter stays: another process may be about to merge it.
    let mine = format!("reader-{}", &adapter_sha256()[..16]);
    for entry in std::fs::read_dir(&paths.cache)
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("reader-") && !name.starts_with(&mine) {
            // What another process holds open may not go away; no harm done.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
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
    let name = format!("reader-{}.gguf", &adapter_sha256()[..16]);
    unpack(paths, &name, ADAPTER)
}

/// Writes `bytes`, a model that is part of the program, into the cache folder
/// under `name` unless it lies there, and returns where that is.
///
/// # Errors
/// Fails when the cache folder cannot be written.
pub(super) fn unpack(paths: &Paths, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = paths.cache.join(name);
    // The name holds the checksum; what lies there is compared all the same,
    // since a damaged file can end the process from inside the library.
    if std::fs::read(&path).is_ok_and(|found| found == bytes) {
        return Ok(path);
    }
    let unwritable = |error: std::io::Error| {
        Error::storage(format!(
            "a model that judges cannot be unpacked into {}",
            paths.cache.display()
        ))
        .caused_by(error)
        .hint("Make the folder writable, or set XDG_CACHE_HOME to one that is.")
    };
    std::fs::create_dir_all(&paths.cache).map_err(unwritable)?;
    let mut file = tempfile::NamedTempFile::new_in(&paths.cache).map_err(unwritable)?;
    file.write_all(bytes).map_err(unwritable)?;
    file.persist(&path)
        .map_err(|error| unwritable(error.error))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::header::Header;

    fn paths(root: &std::path::Path) -> Paths {
        Paths::under(root)
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
    fn weights_that_cannot_be_merged_leave_only_the_adapter_behind() {
        let root = tempfile::tempdir().expect("a folder");
        let paths = paths(root.path());
        std::fs::create_dir_all(&paths.cache).expect("a folder");
        let base = root.path().join("starter.gguf");
        std::fs::write(&base, "no weights").expect("written");
        let adapter = unpacked(&paths).expect("unpacked");
        let error = merge(&paths, &base, &adapter).expect_err("no weights");
        assert!(error.to_string().contains("trained reader"), "{error}");
        let left: Vec<_> = std::fs::read_dir(&paths.cache)
            .expect("there")
            .flatten()
            .map(|entry| entry.path())
            .collect();
        assert_eq!(left, [adapter]);
    }

    #[test]
    fn merged_weights_of_another_size_than_was_noted_are_made_again() {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join("reader-x.q8_0.gguf");
        std::fs::write(&path, "weights").expect("written");
        assert!(!is_whole(&path));
        std::fs::write(path.with_extension("size"), "7").expect("written");
        assert!(is_whole(&path));
        std::fs::write(&path, "weig").expect("cut short");
        assert!(!is_whole(&path));
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
