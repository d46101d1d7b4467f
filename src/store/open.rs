//! Opening the database file: folder and file for the owner alone, settings
//! of SQLite, migrations, and what SQLite's refusals mean for a person.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::damage;
use super::layout::Layout;
use super::lock::SessionLock;
use crate::{Error, Result};

/// Every schema there has been, oldest first. A file that was released is
/// never edited and never leaves this list.
const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001_journal.sql")),
    M::up(include_str!("migrations/0002_drill.sql")),
    M::up(include_str!("migrations/0003_stories.sql")),
];

/// Up to this size the whole database is looked through at every opening;
/// that takes about 20 ms. A larger one is looked through after a session
/// that ended without letting go of its lock, and by `viva doctor`.
const ALWAYS_CHECKED_BYTES: u64 = 16 << 20;

/// How long one process waits for another's write.
const BUSY: Duration = Duration::from_secs(5);

/// A connection and what happened on the way to it.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) notices: Vec<String>,
}

/// Returns the schema number this program writes.
pub(super) fn known_schema() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Opens the journal at `path`, makes it when there is none, brings it to the
/// current schema, and sets it aside when it is damaged.
///
/// # Errors
/// Fails when folder or file cannot be made or written, when the schema is
/// newer than this program, or when a damaged journal is in use elsewhere.
pub(super) fn open(path: &Path) -> Result<Opened> {
    open_with(path, ALWAYS_CHECKED_BYTES)
}

/// As [`open`], looking through a journal of any size.
///
/// # Errors
/// As [`open`].
pub(super) fn open_fully_checked(path: &Path) -> Result<Opened> {
    open_with(path, u64::MAX)
}

fn open_with(path: &Path, checked_bytes: u64) -> Result<Opened> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_private_folder(folder)?;
    let mut notices = Vec::new();
    if std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() == 0) && !has_log(path)
    {
        notices.push(format!(
            "The journal {} was an empty file; a new one was begun in its place.",
            path.display()
        ));
    }
    make_private_file(path)?;
    let open = || {
        let connection = open_checked(path, folder, checked_bytes)?;
        Layout::note(&connection, path);
        Ok(connection)
    };
    match open() {
        Ok(connection) => Ok(Opened {
            connection,
            notices,
        }),
        Err(OpenFailure::Damaged(what)) => {
            let _lock = SessionLock::take(folder)?;
            // Somebody else may have repaired it while we waited our turn.
            if let Ok(connection) = open() {
                return Ok(Opened {
                    connection,
                    notices,
                });
            }
            let aside = damage::set_aside(path)?;
            make_private_file(path)?;
            let connection = open().map_err(|failure: OpenFailure| failure.told(path))?;
            let told = damage::restore(&aside, &connection)?.told("nothing in it could be read.");
            notices.push(format!(
                "The journal was damaged ({what}). It was set aside as {}; {told}",
                aside.display()
            ));
            Ok(Opened {
                connection,
                notices,
            })
        }
        Err(failure) => Err(failure.told(path)),
    }
}

/// Opens an existing journal for reading only; `None` when there is none.
///
/// # Errors
/// Fails when it cannot be read, is damaged or is newer than this program.
pub(super) fn open_for_reading(path: &Path) -> Result<Option<Connection>> {
    if !path.exists() {
        return Ok(None);
    }
    let noted = Layout::noted(path);
    let probe = |connection: &Connection| check_version(connection, noted.as_ref());
    let plain = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(OpenFailure::from)
        .and_then(|connection| probe(&connection).map(|()| connection));
    let connection = match plain {
        // A folder that cannot be written has no place for WAL's index; when
        // nobody can write there, reading the file as it lies is safe.
        Err(OpenFailure::Other(_)) => {
            let uri = format!("file:{}?immutable=1", uri_path(path));
            Connection::open_with_flags(
                uri,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
            )
            .map_err(OpenFailure::from)
            .and_then(|connection| probe(&connection).map(|()| connection))
        }
        other => other,
    };
    let connection = connection.map_err(|failure| failure.told(path))?;
    let _ = connection.busy_timeout(BUSY);
    Ok(Some(connection))
}

/// Opens a journal that lives in memory and ends with the process.
///
/// # Errors
/// Fails only when memory runs out.
pub(super) fn open_in_memory() -> Result<Connection> {
    let mut connection =
        Connection::open_in_memory().map_err(|error| storage(&error, "be opened in memory"))?;
    prepare(&mut connection).map_err(|failure| failure.told(Path::new(":memory:")))?;
    Ok(connection)
}

/// Why a database could not be opened.
enum OpenFailure {
    /// Its content is not what SQLite wrote; what was seen.
    Damaged(String),
    /// Its schema is newer than ours.
    Newer(i64),
    /// Anything else.
    Other(rusqlite::Error),
}

impl From<rusqlite::Error> for OpenFailure {
    fn from(error: rusqlite::Error) -> Self {
        if damage::is_damage(&error) {
            Self::Damaged(error.to_string())
        } else {
            Self::Other(error)
        }
    }
}

impl OpenFailure {
    fn told(self, path: &Path) -> Error {
        match self {
            Self::Damaged(what) => Error::storage(format!(
                "the journal {} is damaged ({what})",
                path.display()
            ))
            .hint("Run `viva history recover`: it sets the file aside and keeps what can be read."),
            Self::Newer(found) => Error::storage(format!(
                "the journal {} was written by a newer viva (schema {found}, this program knows {})",
                path.display(),
                known_schema()
            ))
            .hint("Update viva; nothing in the file was changed.")
            .hint("Or name another folder in VIVA_DATA_DIR for this version."),
            Self::Other(error) => storage(&error, "be opened"),
        }
    }
}

fn open_checked(path: &Path, folder: &Path, checked_bytes: u64) -> Result<Connection, OpenFailure> {
    // SQLite takes an empty file for a new database and deletes the log, which
    // may hold the latest answers.
    if std::fs::metadata(path).is_ok_and(|data| data.len() == 0) && has_log(path) {
        return Err(OpenFailure::Damaged(
            "the file is empty and its write-ahead log is not".to_owned(),
        ));
    }
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    let noted = Layout::noted(path);
    check_version(&connection, noted.as_ref())?;
    let small = std::fs::metadata(path).is_ok_and(|data| data.len() <= checked_bytes);
    if (small || SessionLock::left_behind(folder))
        && let Some(what) = damage::quick_check(&connection)?
    {
        return Err(OpenFailure::Damaged(what));
    }
    prepare(&mut connection)?;
    Ok(connection)
}

/// Returns whether a write-ahead log lies beside the database at `path`.
fn has_log(path: &Path) -> bool {
    std::fs::metadata(beside(path, "-wal")).is_ok_and(|data| data.len() > 0)
}

/// Refuses a schema that is newer than this program, and one whose number is
/// not that of its tables, going by what was `noted` of them.
fn check_version(connection: &Connection, noted: Option<&Layout>) -> Result<(), OpenFailure> {
    let layout = Layout::of(connection)?;
    let found = layout.schema;
    if let Some(noted) = noted
        && noted.places_as(&layout)
        && (found < noted.schema || found > known_schema() && noted.schema <= known_schema())
    {
        return Err(OpenFailure::Damaged(format!(
            "its schema has the number {found} and was {}",
            noted.schema
        )));
    }
    if found > known_schema() {
        return Err(OpenFailure::Newer(found));
    }
    if found < 0 {
        return Err(OpenFailure::Damaged(format!("schema number {found}")));
    }
    Ok(())
}

fn prepare(connection: &mut Connection) -> Result<(), OpenFailure> {
    // WAL lets others read during an interview; where a file system cannot do
    // it SQLite keeps its own journal mode, which is as safe.
    let _mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    // NORMAL could lose the last commits at a power cut; every answer counts.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    Migrations::from_slice(MIGRATIONS)
        .to_latest(connection)
        .map_err(|error| match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => OpenFailure::from(err),
            other => OpenFailure::Other(rusqlite::Error::ToSqlConversionFailure(Box::new(other))),
        })
}

/// Returns the error for `error`, which kept the journal from `doing` something
/// ("be opened", "keep the answer").
pub(super) fn storage(error: &rusqlite::Error, doing: &str) -> Error {
    let failure = Error::storage(format!("the journal could not {doing}"))
        .caused_by(std::io::Error::other(error.to_string()));
    let elsewhere = "Or name another folder in VIVA_DATA_DIR.";
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => failure
            .hint("The disk is full: free some space and run the command again. What was stored before is safe."),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => failure
            .hint("The data folder cannot be written: give yourself the right to write there.")
            .hint(elsewhere),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            failure.hint("Another viva is writing; wait until it is done and try again.")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => failure
            .hint("The file is damaged. Run `viva history recover`: it sets the file aside and keeps what can be read."),
        Some(ErrorCode::SystemIoFailure) => failure
            .hint("The disk refused to read or write; it may be full or failing. What was stored before is safe.")
            .hint(elsewhere),
        _ => failure.hint("Run `viva doctor` to see the state of the journal."),
    }
}

/// Makes `folder` for the owner alone; an existing one keeps its permissions.
fn make_private_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        Error::storage(format!(
            "the data folder {} cannot be made",
            folder.display()
        ))
        .caused_by(error)
        .hint("Make the folder yourself, or name another one in VIVA_DATA_DIR.")
    })
}

/// Makes the file for the owner alone; SQLite gives the WAL beside it the same
/// permissions. An existing file is closed to others if it was open to them.
fn make_private_file(path: &Path) -> Result<()> {
    let told = |error: std::io::Error| {
        Error::storage(format!("the journal {} cannot be written", path.display()))
            .caused_by(error)
            .hint(
                "Give yourself the right to write there, or name another folder in VIVA_DATA_DIR.",
            )
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(told)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(told)?.permissions().mode();
        if mode & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))
                .map_err(told)?;
        }
    }
    drop(file);
    Ok(())
}

fn uri_path(path: &Path) -> String {
    let mut out = String::new();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// Returns `path` with `suffix` added to its file name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
