//! The lock that keeps two interviews from writing one journal at a time.
//! Reading (history, reports) needs no lock: SQLite's WAL allows it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::{Error, Result};

/// The lock, held until dropped. The operating system lets go of it when the
/// process ends, however it ends.
#[derive(Debug)]
pub(super) struct SessionLock {
    file: File,
}

impl SessionLock {
    /// Takes the lock of the journal in `folder`.
    ///
    /// # Errors
    /// Fails when another process holds it, or when the file cannot be made.
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("journal.lock");
        let mut file = options().open(&path).map_err(|error| {
            Error::storage(format!("the lock {} cannot be made", path.display()))
                .caused_by(error)
                .hint("Make the folder writable, or name another one in VIVA_DATA_DIR.")
        })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another viva".to_owned(),
                    pid => format!("another viva (process {pid})"),
                };
                return Err(Error::storage(format!(
                    "{holder} is in the middle of a session and has the journal in {}",
                    folder.display()
                ))
                .hint("Finish or leave that session first; history and reports can be read meanwhile.")
                .hint("To hold two interviews at once, give one its own folder in VIVA_DATA_DIR."));
            }
            Err(TryLockError::Error(error)) => {
                return Err(
                    Error::storage(format!("the lock {} cannot be taken", path.display()))
                        .caused_by(error)
                        .hint("The file system may not support locks; name a local folder in VIVA_DATA_DIR."),
                );
            }
        }
        // Who holds it is a courtesy to the reader of the message above: a
        // full disk must not keep anybody from resuming.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { file })
    }

    /// Returns whether the last holder in `folder` ended without letting go,
    /// which is the moment to look for damage.
    pub(super) fn left_behind(folder: &Path) -> bool {
        std::fs::metadata(folder.join("journal.lock")).is_ok_and(|data| data.len() > 0)
    }
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
