//! What `viva doctor --judge` measured, kept per set of models, so that the
//! next interview knows how far its judge is to be trusted. Measures nothing.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::judge::calibration::Figures;
use crate::judge::vote::Election;
use crate::paths::Paths;
use crate::{Error, Result};

/// Bytes at either end of a file that its fingerprint covers.
const ENDS: u64 = 1 << 20;

/// What was measured on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Version of this format.
    pub schema: u32,
    /// Version of the judge without a vote.
    pub judge: String,
    /// Figures of the judge as it will be used: with the vote, where it helps.
    pub figures: Figures,
    /// Figures without the chat model's vote, where there was one to measure.
    pub without_vote: Option<Figures>,
    /// What the chat model's vote is worth.
    pub election: Option<Election>,
    /// How much scores move when nothing but the writing changes.
    pub jitter: Jitter,
}

impl Standing {
    /// Returns the same measurement for a judge without the chat model's vote.
    #[must_use]
    pub fn voteless(mut self) -> Self {
        if let Some(figures) = self.without_vote.take() {
            self.figures = figures;
        }
        self.election = None;
        self
    }
}

/// How much the score of an answer moves, in points of 100.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Jitter {
    /// Answers judged again.
    pub answers: usize,
    /// Most that judging the same text twice moved a score.
    pub same_text: f64,
    /// Most that case, white space and punctuation moved one.
    pub writing: f64,
    /// Mean that another order of sentences moved one.
    pub order: f64,
}

/// Returns the key of a judge of this version with these model files.
///
/// # Errors
/// Fails when a file cannot be read.
pub fn key(judge: &str, models: &[&Path]) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(judge.as_bytes());
    for path in models {
        let print = fingerprint(path).map_err(|error| {
            Error::model(format!("{} cannot be read", path.display())).caused_by(error)
        })?;
        hash.update(print);
    }
    Ok(crate::models::download::hexadecimal(&hash.finalize()[..12]))
}

/// A hash of a file's length, beginning and end: quick for files of many
/// gigabytes, and different for different weights.
fn fingerprint(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut hash = Sha256::new();
    hash.update(length.to_le_bytes());
    let mut bytes = Vec::new();
    (&mut file).take(ENDS).read_to_end(&mut bytes)?;
    file.seek(SeekFrom::Start(length.saturating_sub(ENDS)))?;
    (&mut file).take(ENDS).read_to_end(&mut bytes)?;
    hash.update(&bytes);
    Ok(hash.finalize().into())
}

/// Returns a name for weights that nobody has summed up whole: `ends:` and a
/// hash of the file's size, beginning and end, in hexadecimal.
///
/// # Errors
/// Fails when the file cannot be read.
pub fn ends_hash(path: &Path) -> std::io::Result<String> {
    let print = fingerprint(path)?;
    Ok(format!(
        "ends:{}",
        crate::models::download::hexadecimal(&print)
    ))
}

fn file(paths: &Paths, key: &str) -> PathBuf {
    paths.cache.join("judge").join(format!("{key}.json"))
}

/// Returns what was measured under `key`; nothing where that was never done,
/// or by a version with another format.
pub fn load(paths: &Paths, key: &str) -> Option<Standing> {
    let text = std::fs::read_to_string(file(paths, key)).ok()?;
    serde_json::from_str(&text)
        .ok()
        .filter(|found: &Standing| found.schema == 1)
}

/// Keeps what was measured.
///
/// # Errors
/// Fails when the cache folder cannot be written.
pub fn save(paths: &Paths, key: &str, standing: &Standing) -> Result<()> {
    let path = file(paths, key);
    let unwritable = |error: std::io::Error| {
        Error::storage(format!(
            "what was measured cannot be kept in {}",
            path.display()
        ))
        .caused_by(error)
        .hint("Make the cache folder writable, or set XDG_CACHE_HOME to one that is.")
    };
    let folder = paths.cache.join("judge");
    std::fs::create_dir_all(&folder).map_err(unwritable)?;
    let mut out = tempfile::NamedTempFile::new_in(&folder).map_err(unwritable)?;
    let text = serde_json::to_vec_pretty(standing)
        .map_err(|error| Error::internal("figures could not be written").caused_by(error))?;
    out.write_all(&text).map_err(unwritable)?;
    out.persist(&path)
        .map_err(|error| unwritable(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_comes_back_for_the_same_files_only() {
        let root = tempfile::tempdir().expect("a folder");
        let paths = Paths::under(root.path());
        let (one, other) = (root.path().join("one"), root.path().join("other"));
        std::fs::write(&one, vec![1_u8; 3 << 20]).expect("written");
        let mut bytes = vec![1_u8; 3 << 20];
        bytes[(3 << 20) - 1] = 2;
        std::fs::write(&other, bytes).expect("written");
        let first = key("1.1-reader", &[&one]).expect("readable");
        assert_eq!(first, key("1.1-reader", &[&one]).expect("readable"));
        assert_ne!(first, key("1.1-reader", &[&other]).expect("readable"));
        assert_ne!(first, key("1.2-reader", &[&one]).expect("readable"));
        assert!(key("1.1-reader", &[&root.path().join("none")]).is_err());

        assert_eq!(load(&paths, &first), None);
        let standing = Standing {
            schema: 1,
            judge: "1.1-reader".into(),
            figures: crate::judge::calibration::figures(&[]),
            without_vote: None,
            election: None,
            jitter: Jitter::default(),
        };
        let voting = Standing {
            without_vote: Some(Figures {
                answers: 7,
                ..standing.figures.clone()
            }),
            ..standing.clone()
        };
        assert_eq!(voting.voteless().figures.answers, 7);
        assert_eq!(standing.clone().voteless(), standing);
        save(&paths, &first, &standing).expect("kept");
        assert_eq!(load(&paths, &first), Some(standing));
        std::fs::write(file(&paths, &first), "{").expect("damaged");
        assert_eq!(load(&paths, &first), None);
    }
}
