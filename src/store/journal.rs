//! The journal of one data folder: sessions begun, events appended and read
//! back, drafts, documents and verdicts.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::layout;
use super::lock::SessionLock;
use super::open::{self, storage};
use super::types::{EventSeq, SessionId, SessionMeta, Status, StoredEvent, VerdictRow};
use crate::paths::Paths;
use crate::{Error, Result};

/// The event whose arrival makes the draft of the answer superfluous.
const ANSWERED: &str = "answered";

/// The events whose arrival makes the line that gave the command superfluous:
/// of an interview, and of a drill.
const COMMANDED: [&str; 4] = ["commanded", "hinted", "skipped", "quit"];

/// The record of everything that happened. It may be shared between threads.
#[derive(Debug)]
pub struct Journal {
    connection: Mutex<Connection>,
    lock: Mutex<Option<SessionLock>>,
    path: Option<PathBuf>,
    notices: Vec<String>,
}

impl Journal {
    /// Opens the journal of `paths`, making folder and file for the owner
    /// alone when there are none. A damaged file is set aside, what can be
    /// read of it is kept, and [`Journal::notices`] says so.
    ///
    /// # Errors
    /// Fails with [`crate::ErrorKind::Storage`] when the folder cannot be
    /// written, or the file was written by a newer program.
    pub fn open(paths: &Paths) -> Result<Self> {
        let path = paths.journal();
        let opened = open::open(&path)?;
        Ok(Self {
            connection: Mutex::new(opened.connection),
            lock: Mutex::new(None),
            path: Some(path),
            notices: opened.notices,
        })
    }

    /// As [`Journal::open`], and looks through the whole file however large.
    /// A file so damaged that it cannot be opened is recovered likewise.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_with_full_check(paths: &Paths) -> Result<Self> {
        let path = paths.journal();
        let opened = open::open_fully_checked(&path)?;
        Ok(Self {
            connection: Mutex::new(opened.connection),
            lock: Mutex::new(None),
            path: Some(path),
            notices: opened.notices,
        })
    }

    /// Returns the damaged journals that were set aside in the data folder.
    pub fn set_aside_files(&self) -> Vec<PathBuf> {
        let folder = self.path.as_deref().and_then(Path::parent);
        let mut files: Vec<PathBuf> = folder
            .and_then(|folder| std::fs::read_dir(folder).ok())
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name().is_some_and(|name| {
                    let name = name.to_string_lossy();
                    name.starts_with("journal.damaged-") && !name.ends_with(layout::SUFFIX)
                })
            })
            .collect();
        files.sort();
        files
    }

    /// Opens the journal of `paths` for reading, also where nothing can be
    /// written; `None` when there is none yet. Writing through it fails.
    ///
    /// # Errors
    /// Fails when the file cannot be read, is damaged, or is too new.
    pub fn open_to_read(paths: &Paths) -> Result<Option<Self>> {
        let path = paths.journal();
        Ok(open::open_for_reading(&path)?.map(|connection| Self {
            connection: Mutex::new(connection),
            lock: Mutex::new(None),
            path: Some(path),
            notices: Vec::new(),
        }))
    }

    /// Opens a journal that is lost when the process ends: for an interview
    /// on a machine whose data folder cannot be written, after the person was
    /// told.
    ///
    /// # Errors
    /// Fails only when memory runs out.
    pub fn open_in_memory() -> Result<Self> {
        Ok(Self {
            connection: Mutex::new(open::open_in_memory()?),
            lock: Mutex::new(None),
            path: None,
            notices: Vec::new(),
        })
    }

    /// Returns what the person should be told about the opening, in full
    /// sentences; usually nothing.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Returns the file, or `None` for a journal in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Begins a session and takes the lock for it.
    ///
    /// # Errors
    /// Fails when another process is in a session, or nothing can be written.
    pub fn begin(&self, meta: &SessionMeta) -> Result<SessionId> {
        self.hold()?;
        let id = SessionId::fresh();
        self.connection()
            .execute(
                "INSERT INTO sessions (id, started_at, status, title, plan, mode, seed, model_name,
                                       model_hash, judge, prompts, guides, extra)
                 VALUES (?1, ?2, 'unfinished', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                params![
                    id.as_str(),
                    now_ms(),
                    meta.title,
                    meta.plan,
                    meta.mode,
                    meta.seed.cast_signed(),
                    meta.model.name,
                    meta.model.hash,
                    meta.versions.judge,
                    meta.versions.prompts,
                    meta.versions.guides,
                    meta.extra.to_string(),
                ],
            )
            .map_err(|error| storage(&error, "begin a session"))?;
        Ok(id)
    }

    /// Takes the lock to continue `session`.
    ///
    /// # Errors
    /// Fails when another process is in a session, when there is no such
    /// session, or when it is over.
    pub fn resume(&self, session: &SessionId) -> Result<()> {
        let found = self.session(session)?;
        if found.status != Status::Unfinished {
            return Err(Error::usage(format!(
                "session {} is {} and cannot be resumed",
                session.short(),
                found.status
            ))
            .hint("`viva history` lists the sessions; `viva report` shows what came of one."));
        }
        self.hold()
    }

    /// Stores `event` and returns its position. When this returns, the event
    /// is on the disk. An event of the kind `answered` ends the draft of the
    /// answer in the same transaction, so that a line is never lost between
    /// the two and never there twice; one that a command gave likewise
    /// takes the line off that the draft begins with, when that is a command.
    ///
    /// The kind is the string under `type`, `kind` or `event`, or else the
    /// name of a one-member object or a plain string.
    ///
    /// # Errors
    /// Fails when the event is not representable in JSON or nothing can be
    /// written; then nothing of it is stored.
    pub fn append(&self, session: &SessionId, event: &impl Serialize) -> Result<EventSeq> {
        let event = serde_json::to_value(event)
            .map_err(|error| Error::internal("an event is not valid JSON").caused_by(error))?;
        let kind = kind_of(&event);
        let text = event.to_string();
        let failed = |error| storage(&error, "keep what just happened");
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(failed)?;
        let seq: i64 = transaction
            .prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM events WHERE session = ?1")
            .and_then(|mut query| query.query_row([session.as_str()], |row| row.get(0)))
            .map_err(failed)?;
        insert_event(&transaction, session, seq, now_ms(), &kind, &text).map_err(failed)?;
        if kind == ANSWERED {
            transaction
                .execute("DELETE FROM drafts WHERE session = ?1", [session.as_str()])
                .map_err(failed)?;
        }
        if COMMANDED.contains(&kind.as_str()) {
            transaction
                .execute(
                    "DELETE FROM drafts WHERE session = ?1 AND n <=
                       (SELECT n FROM (SELECT n, text FROM drafts
                                       WHERE session = ?1 AND trim(text, char(9, 13, 32)) <> ''
                                       ORDER BY n LIMIT 1)
                        WHERE ltrim(text, char(9, 32)) LIKE '/%')",
                    [session.as_str()],
                )
                .map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(seq.cast_unsigned())
    }

    /// Returns the events of `session` in order. An event whose stored text
    /// does not have the checksum it was stored with is left out together
    /// with everything after it, because what follows rests on it.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn events(&self, session: &SessionId) -> Result<Vec<StoredEvent>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(
                "SELECT seq, at_ms, kind, json, sum FROM events WHERE session = ?1 ORDER BY seq",
            )
            .map_err(failed)?;
        let mut rows = query.query([session.as_str()]).map_err(failed)?;
        let mut events = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            // What comes after one that is damaged, or was left out of a
            // recovered journal, rests on it.
            match read_event(session, row, 0).map_err(failed)? {
                Some(event) if event.seq == events.len() as EventSeq => events.push(event),
                _ => break,
            }
        }
        Ok(events)
    }

    /// Adds a line to the answer that is being typed; `text` has no line end.
    ///
    /// # Errors
    /// Fails when nothing can be written.
    pub fn append_line(&self, session: &SessionId, text: &str) -> Result<()> {
        self.append_lines(session, std::slice::from_ref(&text))
    }

    /// Adds lines that arrived together, in one write.
    ///
    /// # Errors
    /// Fails when nothing can be written; then none of them is stored.
    pub fn append_lines(&self, session: &SessionId, lines: &[impl AsRef<str>]) -> Result<()> {
        let failed = |error| storage(&error, "keep the lines just typed");
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(failed)?;
        for text in lines {
            transaction
                .prepare_cached(
                    "INSERT INTO drafts (session, n, at_ms, text)
                     SELECT ?1, coalesce(max(n) + 1, 0), ?2, ?3 FROM drafts WHERE session = ?1",
                )
                .and_then(|mut insert| {
                    insert.execute(params![session.as_str(), now_ms(), text.as_ref()])
                })
                .map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// Replaces the whole draft: for an editor in which earlier lines change.
    ///
    /// # Errors
    /// Fails when nothing can be written; then the old draft stands.
    pub fn replace_draft(&self, session: &SessionId, lines: &[String]) -> Result<()> {
        let failed = |error| storage(&error, "keep the lines just typed");
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(failed)?;
        transaction
            .execute("DELETE FROM drafts WHERE session = ?1", [session.as_str()])
            .map_err(failed)?;
        for (n, text) in (0_i64..).zip(lines) {
            transaction
                .execute(
                    "INSERT INTO drafts (session, n, at_ms, text) VALUES (?1, ?2, ?3, ?4)",
                    params![session.as_str(), n, now_ms(), text],
                )
                .map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// Returns the lines of the answer that was being typed, in order.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn draft(&self, session: &SessionId) -> Result<Vec<String>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached("SELECT text FROM drafts WHERE session = ?1 ORDER BY n")
            .map_err(failed)?;
        query
            .query_map([session.as_str()], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(failed)
    }

    /// Stores `document` (the critique, say) of `session` under `name`,
    /// in place of an earlier one.
    ///
    /// # Errors
    /// Fails when it is not representable in JSON or nothing can be written.
    pub fn put_document(
        &self,
        session: &SessionId,
        name: &str,
        document: &impl Serialize,
    ) -> Result<()> {
        let text = serde_json::to_string(document).map_err(|error| {
            Error::internal(format!("the {name} is not valid JSON")).caused_by(error)
        })?;
        self.connection()
            .execute(
                "INSERT INTO documents (session, name, at_ms, json) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (session, name) DO UPDATE SET at_ms = excluded.at_ms, json = excluded.json",
                params![session.as_str(), name, now_ms(), text],
            )
            .map_err(|error| storage(&error, &format!("keep the {name}")))?;
        Ok(())
    }

    /// Returns the document `name` of `session`, if there is one.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn document(&self, session: &SessionId, name: &str) -> Result<Option<Value>> {
        let text: Option<String> = self
            .connection()
            .query_row(
                "SELECT json FROM documents WHERE session = ?1 AND name = ?2",
                [session.as_str(), name],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| storage(&error, "be read"))?;
        text.map(|text| {
            serde_json::from_str(&text).map_err(|error| {
                Error::storage(format!(
                    "the {name} of session {} is damaged",
                    session.short()
                ))
                .caused_by(error)
                .hint("Run `viva doctor` to see the state of the journal.")
            })
        })
        .transpose()
    }

    /// Stores verdicts of `session`. The same verdict (question, attempt,
    /// source, point, versions) stored twice is there once, so that a resumed
    /// session may repeat itself.
    ///
    /// # Errors
    /// Fails when nothing can be written; then none of them is stored.
    pub fn record_verdicts(&self, session: &SessionId, rows: &[VerdictRow]) -> Result<()> {
        let failed = |error| storage(&error, "keep the verdicts");
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(failed)?;
        for row in rows {
            insert_verdict(&transaction, session, now_ms(), row).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// Ends `session` and lets go of the lock.
    ///
    /// # Errors
    /// Fails when nothing can be written.
    pub fn finish(&self, session: &SessionId, status: Status) -> Result<()> {
        self.connection()
            .execute(
                "UPDATE sessions SET status = ?2, ended_at = ?3 WHERE id = ?1",
                params![session.as_str(), status.as_str(), now_ms()],
            )
            .map_err(|error| storage(&error, "end the session"))?;
        *lock(&self.lock) = None;
        Ok(())
    }

    /// Takes the lock between processes unless it is held already.
    pub(super) fn hold(&self) -> Result<()> {
        let mut held = lock(&self.lock);
        if held.is_none()
            && let Some(folder) = self.path.as_deref().and_then(Path::parent)
        {
            *held = Some(SessionLock::take(folder)?);
        }
        Ok(())
    }

    pub(super) fn holds(&self) -> bool {
        lock(&self.lock).is_some()
    }

    pub(super) fn let_go(&self) {
        *lock(&self.lock) = None;
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }
}

/// A panic elsewhere while the guard was held rolled its transaction back;
/// the connection itself is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the time, milliseconds since 1970 in UTC.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Returns what kind of event `event` says it is, in lower case.
fn kind_of(event: &Value) -> String {
    let name = match event {
        Value::String(name) => Some(name.as_str()),
        Value::Object(members) => ["type", "kind", "event"]
            .iter()
            .find_map(|key| members.get(*key).and_then(Value::as_str))
            .or_else(|| match members.keys().collect::<Vec<_>>()[..] {
                [only] => Some(only.as_str()),
                _ => None,
            }),
        _ => None,
    };
    name.unwrap_or("event").to_lowercase()
}

/// Returns the checksum an event is stored with. SQLite's own checks see
/// broken structure only; this one sees a flipped bit in the words.
pub(super) fn checksum(session: &str, seq: i64, at_ms: i64, kind: &str, json: &str) -> i64 {
    let mut hash = Sha256::new();
    for part in [
        session.as_bytes(),
        &seq.to_le_bytes(),
        &at_ms.to_le_bytes(),
        kind.as_bytes(),
        json.as_bytes(),
    ] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut first = [0_u8; 8];
    for (to, from) in first.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    i64::from_le_bytes(first)
}

pub(super) fn insert_event(
    connection: &Connection,
    session: &SessionId,
    seq: i64,
    at_ms: i64,
    kind: &str,
    json: &str,
) -> rusqlite::Result<()> {
    let sum = checksum(session.as_str(), seq, at_ms, kind, json);
    connection
        .prepare_cached(
            "INSERT INTO events (session, seq, at_ms, kind, json, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![session.as_str(), seq, at_ms, kind, json, sum])?;
    Ok(())
}

/// Reads an event off a row whose columns from `first` on are seq, at_ms,
/// kind, json, sum; `None` when its checksum or its JSON is wrong.
pub(super) fn read_event(
    session: &SessionId,
    row: &rusqlite::Row<'_>,
    first: usize,
) -> rusqlite::Result<Option<StoredEvent>> {
    let seq: i64 = row.get(first)?;
    let at_ms: i64 = row.get(first + 1)?;
    let kind: String = row.get(first + 2)?;
    let json: String = row.get(first + 3)?;
    let sum: i64 = row.get(first + 4)?;
    if sum != checksum(session.as_str(), seq, at_ms, &kind, &json) {
        return Ok(None);
    }
    let Ok(event) = serde_json::from_str(&json) else {
        return Ok(None);
    };
    Ok(Some(StoredEvent {
        seq: seq.cast_unsigned(),
        at_ms,
        kind,
        event,
    }))
}

pub(super) fn insert_verdict(
    connection: &Connection,
    session: &SessionId,
    at_ms: i64,
    row: &VerdictRow,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO verdicts (session, question, attempt, source, point, verdict, probability,
                                   recovery, at_ms, model_hash, judge, prompts, guides)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (session, question, attempt, source, judge, guides, point) DO UPDATE
             SET verdict = excluded.verdict, probability = excluded.probability,
                 recovery = excluded.recovery",
        )?
        .execute(params![
            session.as_str(),
            row.question,
            row.attempt,
            row.source.as_str(),
            row.point,
            row.verdict,
            row.probability,
            row.recovery,
            at_ms,
            row.model_hash,
            row.versions.judge,
            row.versions.prompts,
            row.versions.guides,
        ])?;
    Ok(())
}
