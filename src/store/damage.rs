//! Damage: seeing it, setting the file aside under a dated name, and keeping
//! what can still be read of it in a new journal.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, ErrorCode, params_from_iter};
use serde::Serialize;

use super::journal::{Journal, checksum, now_ms};
use super::layout::{self, Layout};
use super::open::{self, beside, storage};
use super::reviews::note_stale;
use super::types::SessionId;
use crate::paths::Paths;
use crate::{Error, Result};

/// How many row numbers in a row are tried one by one where a stretch of a
/// table cannot be walked. A page holds some dozens of rows.
const GAP: i64 = 2_000;

/// What SQLite says, with the code of a wrong statement, to a header with a
/// schema format that there is none of.
const UNKNOWN_FORMAT: &str = "unsupported file format";

/// Something in the journal that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// What was found, a full sentence.
    pub what: String,
}

/// The state of the journal, for `viva doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The file.
    pub path: PathBuf,
    /// Its size with the write-ahead log, in bytes.
    pub bytes: u64,
    /// The number of its schema.
    pub schema: i64,
    /// Sessions in it.
    pub sessions: u64,
    /// Events in it.
    pub events: u64,
    /// What is wrong with it; empty when all is well.
    pub damage: Vec<Damage>,
}

/// What could be kept of a damaged journal.
#[derive(Debug, Default)]
pub(super) struct Kept {
    sessions: u64,
    events: u64,
    stories: u64,
    rows: u64,
    refused: u64,
}

impl Kept {
    /// Returns what was kept in sentences; `nothing` is the first of them when
    /// that was nothing.
    pub(super) fn told(&self, nothing: &str) -> String {
        let mut told = match self.rows {
            0 => nothing.to_owned(),
            _ => format!(
                "{} sessions with {} events were kept.",
                self.sessions, self.events
            ),
        };
        if self.stories > 0 {
            told.push_str(&format!(" {} stories were kept.", self.stories));
        }
        if self.refused > 0 {
            told.push_str(&format!(
                " {} entries were damaged themselves and left out.",
                self.refused
            ));
        }
        told
    }
}

/// Returns whether `error` means that the file's content is broken.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    ) || matches!(
        error,
        rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::Utf8Error(..)
    ) || error.to_string() == UNKNOWN_FORMAT
}

/// Returns the first thing SQLite's quick check finds wrong, if anything.
pub(super) fn quick_check(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then(|| {
        // The finding may take several lines; the first names the place.
        found
            .lines()
            .last()
            .unwrap_or("broken structure")
            .to_owned()
    }))
}

/// Renames the journal at `path`, with its write-ahead log and the note of its
/// layout, to a dated name beside it, which is returned.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf> {
    let stamp = jiff::Zoned::now().strftime("%Y%m%dT%H%M%S").to_string();
    let folder = path.parent().unwrap_or(Path::new("."));
    let aside = (0..100)
        .map(|n| match n {
            0 => folder.join(format!("journal.damaged-{stamp}.sqlite3")),
            n => folder.join(format!("journal.damaged-{stamp}-{n}.sqlite3")),
        })
        .find(|name| !name.exists())
        .ok_or_else(|| Error::storage("too many damaged journals were set aside this second"))?;
    let moved = |from: PathBuf, to: PathBuf| match std::fs::rename(&from, &to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::storage(format!(
            "the damaged journal {} cannot be set aside",
            from.display()
        ))
        .caused_by(error)
        .hint("Make the data folder writable, or move the file away yourself.")),
        _ => Ok(()),
    };
    // The log goes first: a log without its database is ignored, but a new
    // database beside an old log would be mixed with it.
    moved(beside(path, "-wal"), beside(&aside, "-wal"))?;
    let _ = std::fs::remove_file(beside(path, "-shm"));
    moved(beside(path, layout::SUFFIX), beside(&aside, layout::SUFFIX))?;
    moved(path.to_owned(), aside.clone())?;
    Ok(aside)
}

/// Copies every readable row of the damaged file `aside` into `into`. Where the
/// layout of its tables is noted beside it, the file is read by its own first
/// page and by one made of the note, and what holds more is taken.
///
/// # Errors
/// Fails when the new journal cannot be written; a damaged row is no failure.
pub(super) fn restore(aside: &Path, into: &Connection) -> Result<Kept> {
    let folder = aside.parent().unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| {
        Error::storage("there is no room to look through the damaged journal")
            .caused_by(error)
            .hint(format!(
                "Free some space, then run `viva history recover {}`.",
                aside.display()
            ))
    };
    // SQLite may write while it reads (it replays the log), and the file set
    // aside stays exactly as it was found.
    let work = tempfile::tempdir_in(folder).map_err(failed)?;
    let copied = |name: &str| -> std::io::Result<PathBuf> {
        let copy = work.path().join(name);
        std::fs::copy(aside, &copy)?;
        if beside(aside, "-wal").exists() {
            std::fs::copy(beside(aside, "-wal"), beside(&copy, "-wal"))?;
        }
        Ok(copy)
    };
    let unread = |error| storage(&error, "be recovered");
    let mut readable = Vec::new();
    readable.extend(Connection::open(copied("copy.sqlite3").map_err(failed)?));
    if let Some(noted) = Layout::noted(aside) {
        let copy = copied("remade.sqlite3").map_err(failed)?;
        let remade = noted.put_into(&copy);
        readable.extend(remade.and_then(|()| Connection::open(&copy)));
    }
    if let [plain, remade] = readable.as_slice() {
        let rows = |from| -> Result<u64> {
            let trial = open::open_in_memory()?;
            Ok(salvage(from, &trial).map_err(unread)?.rows)
        };
        let better = usize::from(rows(remade)? > rows(plain)?);
        readable.swap(0, better);
    }
    match readable.first() {
        Some(from) => salvage(from, into).map_err(unread),
        None => Ok(Kept::default()),
    }
}

/// Copies rows table by table. Errors of `from` are skipped, errors of `into`
/// end it.
fn salvage(from: &Connection, into: &Connection) -> rusqlite::Result<Kept> {
    // Without this SQLite refuses a file that is shorter than its header says.
    let _ = from.pragma_update(None, "writable_schema", true);
    let mut kept = Kept::default();
    let transaction = into.unchecked_transaction()?;
    transaction.pragma_update(None, "defer_foreign_keys", true)?;
    let mut known = BTreeSet::new();
    let mut mentioned = BTreeSet::new();
    for (table, columns) in tables(&transaction)? {
        let list = columns.join(", ");
        let marks = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT OR IGNORE INTO {table} ({list}) VALUES ({marks})");
        let mut failure = None;
        walk(from, &table, &list, columns.len(), |row| {
            if !sound(&table, &columns, &row) {
                kept.refused += 1;
                return;
            }
            let text = |name: &str| {
                columns
                    .iter()
                    .position(|c| c == name)
                    .and_then(|at| match row.get(at) {
                        Some(Sql::Text(text)) => Some(text.clone()),
                        _ => None,
                    })
            };
            let outcome = transaction
                .prepare_cached(&insert)
                .and_then(|mut insert| insert.execute(params_from_iter(row.iter())));
            match outcome {
                Ok(0) => {}
                Ok(_) => {
                    kept.rows += 1;
                    match table.as_str() {
                        "sessions" => {
                            kept.sessions += 1;
                            known.extend(text("id"));
                        }
                        "events" => kept.events += 1,
                        "stories" => kept.stories += 1,
                        _ => {}
                    }
                    mentioned.extend(text("session"));
                }
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    kept.refused += 1;
                }
                Err(error) => failure = failure.take().or(Some(error)),
            }
        });
        if let Some(error) = failure {
            return Err(error);
        }
    }
    for id in mentioned.difference(&known) {
        transaction.execute(
            "INSERT INTO sessions (id, started_at, status, title, plan, mode, seed, model_name,
                                   model_hash, judge, prompts, guides, extra)
             VALUES (?1, coalesce((SELECT min(at_ms) FROM events WHERE session = ?1), ?2),
                     'abandoned', 'Recovered from a damaged journal', '', '', 0, '', '', '', '', '', 'null')",
            rusqlite::params![id, now_ms()],
        )?;
        kept.sessions += 1;
    }
    // A telling without its story says nothing, and would refuse the rest.
    transaction.execute(
        "DELETE FROM tellings WHERE story NOT IN (SELECT id FROM stories)",
        [],
    )?;
    transaction.commit()?;
    Ok(kept)
}

/// Returns the tables to copy with their columns, `sessions` first.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, Vec<String>)>> {
    let mut query = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
         ORDER BY name != 'sessions', name",
    )?;
    let names: Vec<String> = query
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    names
        .into_iter()
        .map(|name| {
            // A number that SQLite gave a row is given anew.
            let mut query = connection.prepare(
                "SELECT name FROM pragma_table_info(?1) WHERE NOT (pk AND type = 'INTEGER')",
            )?;
            let columns = query
                .query_map([&name], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok((name, columns))
        })
        .collect()
}

/// Returns whether a row is as it was written, as far as that can be known.
fn sound(table: &str, columns: &[String], row: &[Sql]) -> bool {
    let value = |name: &str| {
        columns
            .iter()
            .position(|column| column == name)
            .and_then(|at| row.get(at))
    };
    let session_named = match value(if matches!(table, "sessions" | "stories") {
        "id"
    } else {
        "session"
    }) {
        Some(Sql::Text(id)) => SessionId::parse(id).is_some_and(|parsed| parsed.as_str() == id),
        Some(_) => false,
        None => true,
    };
    if !session_named || table != "events" {
        return session_named;
    }
    match (
        value("session"),
        value("seq"),
        value("at_ms"),
        value("kind"),
        value("json"),
        value("sum"),
    ) {
        (
            Some(Sql::Text(session)),
            Some(Sql::Integer(seq)),
            Some(Sql::Integer(at_ms)),
            Some(Sql::Text(kind)),
            Some(Sql::Text(json)),
            Some(Sql::Integer(sum)),
        ) => checksum(session, *seq, *at_ms, kind, json) == *sum,
        _ => false,
    }
}

/// Gives `take` every row of `table` that can be read: forward from the start
/// to the first broken page, backward from the end, then one by one between.
fn walk(
    from: &Connection,
    table: &str,
    columns: &str,
    width: usize,
    mut take: impl FnMut(Vec<Sql>),
) {
    let mut run = |condition: &str, bounds: &[i64]| -> (Option<i64>, bool) {
        let sql = format!("SELECT rowid, {columns} FROM {table} NOT INDEXED WHERE {condition}");
        let Ok(mut query) = from.prepare_cached(&sql) else {
            return (None, false);
        };
        let Ok(mut rows) = query.query(params_from_iter(bounds)) else {
            return (None, false);
        };
        let mut last = None;
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    last = row.get(0).ok().or(last);
                    let values: rusqlite::Result<Vec<Sql>> =
                        (1..=width).map(|at| row.get(at)).collect();
                    if let Ok(values) = values {
                        take(values);
                    }
                }
                Ok(None) => return (last, true),
                Err(_) => return (last, false),
            }
        }
    };
    let (low, whole) = run("rowid > ?1 ORDER BY rowid", &[i64::MIN]);
    if whole {
        return;
    }
    let low = low.unwrap_or(0);
    let (high, _) = run("rowid > ?1 ORDER BY rowid DESC", &[low]);
    let high = high.unwrap_or(low.saturating_add(GAP));
    for row in low.saturating_add(1)..high.min(low.saturating_add(GAP)) {
        run("rowid = ?1", &[row]);
    }
}

impl Journal {
    /// Takes in what can be read of `file`, a damaged journal that was set
    /// aside, and returns a sentence that says how much was new here. The file
    /// stays as it is.
    ///
    /// # Errors
    /// Fails when there is no such file, when an interview is running, or when
    /// nothing can be written.
    pub fn take_in_damaged(&self, file: &Path) -> Result<String> {
        if !file.is_file() {
            return Err(
                Error::usage(format!("there is no file {}", file.display())).hint(
                    "Damaged journals lie in the data folder and begin with `journal.damaged-`; `viva doctor` names the folder.",
                ),
            );
        }
        let ours = self.holds();
        self.hold()?;
        let outcome = (|| {
            let connection = self.connection();
            let kept = restore(file, &connection)?;
            // What the cards add up to has changed with the reviews.
            note_stale(&connection).map_err(|error| storage(&error, "be recovered"))?;
            Ok::<Kept, Error>(kept)
        })();
        if !ours {
            self.let_go();
        }
        Ok(outcome?.told("nothing in it could be read, or all of it is here already."))
    }

    /// Looks through the whole journal of `paths` without changing it; `None`
    /// when there is none yet.
    ///
    /// # Errors
    /// Fails when the file cannot be opened at all.
    pub fn health(paths: &Paths) -> Result<Option<Health>> {
        let path = paths.journal();
        let Some(connection) = open::open_for_reading(&path)? else {
            return Ok(None);
        };
        let mut damage: Vec<Damage> = Vec::new();
        let mut note = |what: String| damage.push(Damage { what });
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
        match quick_check(&connection) {
            Ok(None) => {}
            Ok(Some(what)) => note(format!("SQLite's check says: {what}.")),
            Err(error) => note(format!("SQLite's check failed: {error}.")),
        }
        let count = |table: &str| -> u64 {
            connection
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get::<_, i64>(0)
                })
                .map_or(0, i64::cast_unsigned)
        };
        match wrong_checksums(&connection) {
            Ok(0) => {}
            Ok(wrong) => note(format!(
                "{wrong} events do not have the checksum they were stored with."
            )),
            Err(error) => note(format!("The events cannot all be read: {error}.")),
        }
        Ok(Some(Health {
            bytes: size(&path) + size(&beside(&path, "-wal")),
            schema: connection
                .pragma_query_value(None, "user_version", |row| row.get(0))
                .unwrap_or_default(),
            sessions: count("sessions"),
            events: count("events"),
            damage,
            path,
        }))
    }
}

fn wrong_checksums(connection: &Connection) -> rusqlite::Result<u64> {
    let mut query =
        connection.prepare("SELECT session, seq, at_ms, kind, json, sum FROM events")?;
    let mut rows = query.query([])?;
    let mut wrong = 0;
    while let Some(row) = rows.next()? {
        let sum = checksum(
            row.get_ref(0)?.as_str()?,
            row.get(1)?,
            row.get(2)?,
            row.get_ref(3)?.as_str()?,
            row.get_ref(4)?.as_str()?,
        );
        wrong += u64::from(sum != row.get::<_, i64>(5)?);
    }
    Ok(wrong)
}
