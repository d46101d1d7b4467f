//! Fetches one file of the hub into a folder: resumes what an earlier run left,
//! survives cut connections, checks size and checksum, and puts the file in its
//! place only when it is whole.
//!
//! While it grows the file is called `NAME.part`; beside it `NAME.part.json`
//! says which version of which address it belongs to. A part is taken up again
//! only when all of that is unchanged.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hub::{Failure, Hub, HubFile, Metadata};
use super::progress::{Event, Observer};
use super::select::gigabytes;
use crate::{Error, Result};

/// Free space that is left alone on the disk, in bytes.
const SPARE: u64 = 64 << 20;
/// A connection that brought so many bytes counts as progress: the attempts
/// begin anew.
const PROGRESS: u64 = 1 << 20;
const BUFFER: usize = 1 << 18;

/// How often and how patiently a cut connection is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Attempts in a row without progress.
    pub attempts: u32,
    /// Pause before the second attempt; it doubles each time.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            pause: Duration::from_millis(500),
        }
    }
}

/// A file that was fetched whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it lies.
    pub path: PathBuf,
    /// Its checksum, 64 hexadecimal digits.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
    /// Whether the hub gave a checksum and it agreed.
    pub verified: bool,
}

/// Which version of what a part belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ticket {
    url: String,
    etag: Option<String>,
    size: Option<u64>,
}

/// Fetches `file` of `hub` into `folder`.
///
/// # Errors
/// Network errors when the file is not there, not ours to fetch, the connection
/// keeps failing or the bytes are not what the hub said; storage errors when the
/// folder cannot be written or has too little space. All but a wrong checksum
/// leave the part for the next run.
pub fn download(
    hub: &Hub,
    file: &HubFile,
    folder: &Path,
    patience: Patience,
    observer: &mut impl Observer,
) -> Result<Fetched> {
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    let mut part = Part::open(folder, file.file_name())?;
    let mut failures = 0;
    let mut started = false;
    loop {
        let before = part.length;
        let outcome = attempt(hub, file, &mut part, &mut started, observer);
        match outcome {
            Ok(metadata) => {
                let fetched = part.finish(&metadata)?;
                observer.on_event(&Event::Finished);
                return Ok(fetched);
            }
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Passing(reason)) => {
                if part.length >= before.saturating_add(PROGRESS) {
                    failures = 0;
                }
                failures += 1;
                if failures >= patience.attempts {
                    return Err(Error::network(format!("{file} could not be fetched"))
                        .caused_by(io::Error::other(reason))
                        .hint("Check the network, then give the same command again.")
                        .hint(format!(
                            "{} are kept; the download goes on from there.",
                            gigabytes(part.length)
                        )));
                }
                let after = patience.pause * 2_u32.saturating_pow(failures - 1);
                observer.on_event(&Event::Retrying {
                    attempt: failures + 1,
                    of: patience.attempts,
                    after,
                    reason: &reason,
                });
                std::thread::sleep(after);
            }
        }
    }
}

/// Asks what the file is, and fetches what is missing of it.
fn attempt(
    hub: &Hub,
    file: &HubFile,
    part: &mut Part,
    started: &mut bool,
    observer: &mut impl Observer,
) -> Result<Metadata, Failure> {
    let metadata = hub.metadata(file)?;
    part.claim(Ticket {
        url: hub.address(file),
        etag: metadata.etag.clone(),
        size: metadata.size,
    })
    .map_err(Failure::Final)?;
    if let Some(size) = metadata.size {
        part.check_space(size).map_err(Failure::Final)?;
    }
    if !*started {
        observer.on_event(&Event::Started {
            label: file.file_name(),
            total: metadata.size,
            from: part.length,
        });
        *started = true;
    }
    if metadata.size.is_none_or(|size| part.length < size) {
        let mut stream = hub.bytes(file, part.length)?;
        if stream.start != part.length {
            part.restart().map_err(Failure::Final)?;
        }
        part.receive(&mut stream.body, metadata.size, observer)?;
    }
    match metadata.size {
        Some(size) if part.length < size => Err(Failure::Passing(format!(
            "the connection was cut after {} of {}",
            gigabytes(part.length),
            gigabytes(size)
        ))),
        _ => Ok(metadata),
    }
}

/// A file that is not whole yet.
struct Part {
    /// Where the whole file will lie.
    target: PathBuf,
    path: PathBuf,
    ticket_path: PathBuf,
    file: File,
    length: u64,
    hasher: Sha256,
}

impl Part {
    /// Opens the part of `name`, and keeps other processes from doing so.
    fn open(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(format!("{name}.part"));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| unwritable(&path, error))?;
        match file.try_lock() {
            // A file system without locks is no reason to refuse.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(
                    Error::storage(format!("{name} is being fetched by another viva"))
                        .hint("Wait until it is done, or stop it and try again."),
                );
            }
        }
        Ok(Self {
            target: folder.join(name),
            ticket_path: folder.join(format!("{name}.part.json")),
            path,
            file,
            length: 0,
            hasher: Sha256::new(),
        })
    }

    /// Takes up what is here when it belongs to `ticket`, else begins anew.
    fn claim(&mut self, ticket: Ticket) -> Result<()> {
        let old: Option<Ticket> = std::fs::read(&self.ticket_path)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        // Without a tag nothing says that the file is still the same one.
        if old.as_ref() == Some(&ticket) && ticket.etag.is_some() {
            return self.take_up(ticket.size);
        }
        self.restart()?;
        let text = serde_json::to_vec(&ticket)
            .map_err(|error| unwritable(&self.ticket_path, error.into()))?;
        std::fs::write(&self.ticket_path, text).map_err(|error| self.write_failed(error))
    }

    /// Reads what is here into the checksum, unless that was done before.
    fn take_up(&mut self, size: Option<u64>) -> Result<()> {
        let there = self
            .file
            .metadata()
            .map_err(|error| unwritable(&self.path, error))?
            .len();
        if there == self.length && there > 0 {
            return Ok(());
        }
        if size.is_some_and(|size| there > size) {
            return self.restart();
        }
        self.hasher = Sha256::new();
        self.length = 0;
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(|error| unwritable(&self.path, error))?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = self
                .file
                .read(&mut buffer)
                .map_err(|error| unwritable(&self.path, error))?;
            if count == 0 {
                return Ok(());
            }
            self.hasher.update(&buffer[..count]);
            self.length += count as u64;
        }
    }

    fn restart(&mut self) -> Result<()> {
        self.hasher = Sha256::new();
        self.length = 0;
        let there = self
            .file
            .metadata()
            .map_err(|error| unwritable(&self.path, error))?
            .len();
        if there > 0 {
            self.file
                .set_len(0)
                .map_err(|error| unwritable(&self.path, error))?;
        }
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(|error| unwritable(&self.path, error))?;
        Ok(())
    }

    fn check_space(&self, size: u64) -> Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let missing = size.saturating_sub(self.length);
        // A file system that does not say how full it is shows it by failing.
        let Ok(free) = fs4::available_space(folder) else {
            return Ok(());
        };
        if missing > 0 && free < missing.saturating_add(SPARE) {
            return Err(Error::storage(format!(
                "there is too little space for {}: {} are missing and {} are free in {}",
                self.target
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy(),
                gigabytes(missing),
                gigabytes(free),
                folder.display()
            ))
            .hint(format!(
                "Free {} or more, or set VIVA_MODELS_DIR to a folder on another disk.",
                gigabytes((missing + SPARE).saturating_sub(free))
            )));
        }
        Ok(())
    }

    fn receive(
        &mut self,
        body: &mut dyn Read,
        size: Option<u64>,
        observer: &mut impl Observer,
    ) -> Result<(), Failure> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Failure::Passing(format!(
                        "the connection was cut ({error})"
                    )));
                }
            };
            if size.is_some_and(|size| self.length + count as u64 > size) {
                self.discard();
                return Err(Failure::Final(
                    Error::network("the server sent more bytes than the file has")
                        .hint("The part was removed. Try again later."),
                ));
            }
            self.file
                .write_all(&buffer[..count])
                .map_err(|error| Failure::Final(self.write_failed(error)))?;
            self.hasher.update(&buffer[..count]);
            self.length += count as u64;
            observer.on_event(&Event::Advanced(self.length));
        }
    }

    /// Checks the whole file and puts it in its place.
    fn finish(mut self, metadata: &Metadata) -> Result<Fetched> {
        let sha256 = hexadecimal(&std::mem::take(&mut self.hasher).finalize());
        let name = self
            .target
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if let Some(expected) = metadata.sha256()
            && !expected.eq_ignore_ascii_case(&sha256)
        {
            self.discard();
            return Err(
                Error::network(format!("{name} arrived damaged: its checksum is wrong"))
                    .caused_by(io::Error::other(format!(
                        "the hub says {expected}, the bytes give {sha256}"
                    )))
                    .hint("The part was removed. Give the same command again to fetch it anew."),
            );
        }
        if let Err(error) = super::header::Header::read(&self.path) {
            self.discard();
            return Err(
                Error::network(format!("what arrived as {name} is no GGUF model"))
                    .caused_by(error)
                    .hint("The part was removed. Check the file's name and HF_ENDPOINT."),
            );
        }
        self.file
            .sync_all()
            .map_err(|error| self.write_failed(error))?;
        std::fs::rename(&self.path, &self.target)
            .map_err(|error| unwritable(&self.target, error))?;
        let _ = std::fs::remove_file(&self.ticket_path);
        Ok(Fetched {
            path: self.target,
            sha256,
            size: self.length,
            verified: metadata.sha256().is_some(),
        })
    }

    fn discard(&self) {
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(&self.ticket_path);
    }

    fn write_failed(&self, error: io::Error) -> Error {
        if matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        ) {
            return Error::storage(format!(
                "the disk is full: {} cannot grow",
                self.path.display()
            ))
            .caused_by(error)
            .hint("Free some space, or set VIVA_MODELS_DIR to a folder on another disk.")
            .hint(format!(
                "{} are kept; the download goes on from there.",
                gigabytes(self.length)
            ));
        }
        unwritable(&self.path, error)
    }
}

/// Returns bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the checksum and size of a file.
///
/// # Errors
/// Fails when the file cannot be read.
pub fn checksum(path: &Path, observer: &mut impl Observer) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let total = file.metadata()?.len();
    observer.on_event(&Event::Started {
        label: &path.file_name().unwrap_or_default().to_string_lossy(),
        total: Some(total),
        from: 0,
    });
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut length = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        length += count as u64;
        observer.on_event(&Event::Advanced(length));
    }
    observer.on_event(&Event::Finished);
    Ok((hexadecimal(&hasher.finalize()), length))
}

/// Returns the error of a folder or file that cannot be written.
pub(super) fn unwritable(path: &Path, error: io::Error) -> Error {
    Error::storage(format!("{} cannot be written", path.display()))
        .caused_by(error)
        .hint("Check that the models folder is yours, or set VIVA_MODELS_DIR to another one.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::progress::Silent;

    fn ticket(etag: Option<&str>) -> Ticket {
        Ticket {
            url: "u".into(),
            etag: etag.map(str::to_owned),
            size: Some(10),
        }
    }

    #[test]
    fn a_part_is_taken_up_only_when_its_ticket_is_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = Part::open(folder.path(), "m.gguf").unwrap();
        part.claim(ticket(Some("a"))).unwrap();
        part.receive(&mut &b"12345"[..], Some(10), &mut Silent)
            .unwrap();
        drop(part);
        let mut part = Part::open(folder.path(), "m.gguf").unwrap();
        part.claim(ticket(Some("a"))).unwrap();
        assert_eq!(part.length, 5);
        part.claim(ticket(Some("b"))).unwrap();
        assert_eq!(part.length, 0);
    }

    #[test]
    fn a_part_without_a_tag_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = Part::open(folder.path(), "m.gguf").unwrap();
        part.claim(ticket(None)).unwrap();
        part.receive(&mut &b"12345"[..], Some(10), &mut Silent)
            .unwrap();
        part.claim(ticket(None)).unwrap();
        assert_eq!(part.length, 0);
    }

    #[test]
    fn two_processes_cannot_grow_one_part() {
        let folder = tempfile::tempdir().unwrap();
        let _held = Part::open(folder.path(), "m.gguf").unwrap();
        let error = Part::open(folder.path(), "m.gguf").err().unwrap();
        assert!(error.to_string().contains("another viva"));
    }

    #[test]
    fn more_bytes_than_announced_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = Part::open(folder.path(), "m.gguf").unwrap();
        let outcome = part.receive(&mut &[0_u8; 11][..], Some(10), &mut Silent);
        assert!(matches!(outcome, Err(Failure::Final(_))));
        assert!(!folder.path().join("m.gguf.part").exists());
    }
}
