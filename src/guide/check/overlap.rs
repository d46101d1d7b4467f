//! Runs of words that a content file shares with a source text.

use std::collections::HashMap;
use std::path::Path;

use crate::guide::document::{Document, MAX_FILE_BYTES};
use crate::guide::fault::{Fault, MAX_FAULTS, Rule};
use crate::{Error, Result};

/// So many words in a row are a borrowed sentence rather than a shared phrase.
pub const RUN: usize = 8;

/// The source texts that content is held against.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    names: Vec<String>,
    /// A hash of each run of [`RUN`] words, with the text it stands in. A
    /// collision would need 64 equal bits; the fault shows the words.
    runs: HashMap<u64, usize>,
}

impl Sources {
    /// Adds a source file, or every `.txt` and `.md` file of a folder.
    ///
    /// # Errors
    /// Fails when something cannot be read, or a folder holds no text.
    pub fn read(&mut self, path: &Path) -> Result<()> {
        let unreadable = |path: &Path, error: std::io::Error| {
            Error::usage(format!("the source text {} cannot be read", path.display()))
                .caused_by(error)
                .hint("Give --against a text file, or a folder of .txt or .md files.")
        };
        let mut files = Vec::new();
        if path.is_dir() {
            for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, error))? {
                let file = entry.map_err(|error| unreadable(path, error))?.path();
                if file
                    .extension()
                    .is_some_and(|ext| ext == "txt" || ext == "md")
                {
                    files.push(file);
                }
            }
            files.sort();
            if files.is_empty() {
                return Err(Error::usage(format!(
                    "the folder {} holds no source text",
                    path.display()
                ))
                .hint("Source texts are files ending in .txt or .md."));
            }
        } else {
            files.push(path.to_owned());
        }
        for file in files {
            let length = std::fs::metadata(&file)
                .map_err(|error| unreadable(&file, error))?
                .len();
            if length > 8 * MAX_FILE_BYTES {
                return Err(Error::usage(format!(
                    "the source text {} is larger than {} MiB",
                    file.display(),
                    8 * MAX_FILE_BYTES / (1024 * 1024)
                ))
                .hint("Split it, or name the part that matters."));
            }
            let bytes = std::fs::read(&file).map_err(|error| unreadable(&file, error))?;
            let name = file
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            self.add(name, &String::from_utf8_lossy(&bytes));
        }
        Ok(())
    }

    /// Adds a source text.
    pub fn add(&mut self, name: impl Into<String>, text: &str) {
        let index = self.names.len();
        self.names.push(name.into());
        let words = words(text);
        for window in words.windows(RUN) {
            self.runs.entry(hash(window)).or_insert(index);
        }
    }

    /// Returns a fault for every place where `document` shares [`RUN`] words in
    /// a row with a source; runs that touch each other count as one place.
    pub fn check(&self, document: &Document) -> Vec<Fault> {
        let words = words(document.text());
        let mut faults = Vec::new();
        let mut next = 0;
        for (at, window) in words.windows(RUN).enumerate() {
            if faults.len() >= MAX_FAULTS {
                break;
            }
            if at < next {
                continue;
            }
            let Some(name) = self
                .runs
                .get(&hash(window))
                .and_then(|index| self.names.get(*index))
            else {
                continue;
            };
            let shared: Vec<&str> = window.iter().map(|word| word.text.as_str()).collect();
            let offset = window.first().map_or(0, |word| word.offset);
            faults.push(document.fault_at(
                offset,
                document.field_at(offset),
                Rule::Overlap,
                format!("'{}' stands word for word in {name}", shared.join(" ")),
                "Say it in your own words.",
            ));
            next = at + RUN;
        }
        faults
    }
}

struct Word {
    text: String,
    offset: usize,
}

/// Returns the runs of ASCII letters and digits in `text`, in lower case.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in text.bytes().chain([b' ']).enumerate() {
        match (byte.is_ascii_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(Word {
                    text: text.get(from..at).unwrap_or_default().to_ascii_lowercase(),
                    offset: from,
                });
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Returns the FNV-1a hash of the words with a separator between them.
fn hash(words: &[Word]) -> u64 {
    let bytes = words
        .iter()
        .flat_map(|word| word.text.bytes().chain([b' ']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "It was the best of times, it was the worst of times.";

    fn sources() -> Sources {
        let mut sources = Sources::default();
        sources.add("cities.txt", SOURCE);
        sources
    }

    #[test]
    fn eight_words_in_a_row_are_found_whatever_stands_between_them() {
        let text = "title = \"none\"\ntext = \"The BEST - of times; it was the 'worst' of\"\n";
        let document = Document::new("a.toml", text).expect("small");
        let faults = sources().check(&document);
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].line, faults[0].field.as_str()), (2, "text"));
    }

    #[test]
    fn seven_words_in_a_row_are_a_phrase() {
        let document = Document::new("a.toml", "text = \"best of times it was the worst day\"")
            .expect("small");
        assert_eq!(sources().check(&document), []);
    }

    #[test]
    fn a_folder_without_texts_is_a_usage_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Sources::default()
            .read(folder.path())
            .expect_err("nothing there");
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        std::fs::write(folder.path().join("a.txt"), SOURCE).expect("written");
        assert!(Sources::default().read(folder.path()).is_ok());
        assert!(
            Sources::default()
                .read(&folder.path().join("missing.txt"))
                .is_err()
        );
    }
}
