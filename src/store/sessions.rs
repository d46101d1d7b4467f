//! Questions about the past: lists of sessions, one session by what a person
//! types, verdicts over time.

use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

use super::journal::Journal;
use super::open::storage;
use super::types::{
    ModelStamp, SessionFilter, SessionId, SessionMeta, SessionSummary, Status, StoredVerdict,
    VerdictRow, VerdictSource, Versions,
};
use crate::{Error, Result};

const COLUMNS: &str = "s.id, s.started_at, s.ended_at, s.status, s.title, s.plan, s.mode, s.seed,
     s.model_name, s.model_hash, s.judge, s.prompts, s.guides, s.extra,
     (SELECT count(*) FROM events e WHERE e.session = s.id)";

/// What [`read_verdict`] reads, of `verdicts v`.
pub(super) const VERDICT_COLUMNS: &str =
    "v.session, v.question, v.attempt, v.source, v.point, v.verdict, v.probability, v.recovery,
     v.at_ms, v.model_hash, v.judge, v.prompts, v.guides";

impl Journal {
    /// Returns the sessions that `filter` lets through, newest first.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn sessions(&self, filter: &SessionFilter) -> Result<Vec<SessionSummary>> {
        let failed = |error| storage(&error, "be read");
        let text = filter.text.as_ref().map(|text| {
            format!(
                "%{}%",
                text.replace('\\', "\\\\")
                    .replace('%', "\\%")
                    .replace('_', "\\_")
            )
        });
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM sessions s
                 WHERE (?1 IS NULL OR s.status = ?1)
                   AND (?2 IS NULL OR s.started_at >= ?2)
                   AND (?3 IS NULL OR s.title LIKE ?3 ESCAPE '\\' OR s.plan LIKE ?3 ESCAPE '\\'
                        OR s.mode LIKE ?3 ESCAPE '\\')
                 ORDER BY s.started_at DESC, s.id DESC LIMIT ?4"
            ))
            .map_err(failed)?;
        query
            .query_map(
                params![
                    filter.status.map(Status::as_str),
                    filter.since_ms,
                    text,
                    filter.limit.map_or(-1, i64::from)
                ],
                read_session,
            )
            .and_then(Iterator::collect)
            .map_err(failed)
    }

    /// Returns what is known of `session`.
    ///
    /// # Errors
    /// Fails when there is no such session or the journal cannot be read.
    pub fn session(&self, session: &SessionId) -> Result<SessionSummary> {
        self.connection()
            .query_row(
                &format!("SELECT {COLUMNS} FROM sessions s WHERE s.id = ?1"),
                [session.as_str()],
                read_session,
            )
            .optional()
            .map_err(|error| storage(&error, "be read"))?
            .ok_or_else(|| none_such(session.as_str()))
    }

    /// Returns the session that a person means by `text`, four characters of its
    /// name at least (see [`SessionId::is_meant_by`]), or `last`.
    ///
    /// # Errors
    /// Fails when it means none or more than one.
    pub fn find(&self, text: &str) -> Result<SessionId> {
        if text == "last" {
            return self
                .sessions(&SessionFilter {
                    limit: Some(1),
                    ..SessionFilter::default()
                })?
                .pop()
                .map(|session| session.id)
                .ok_or_else(|| {
                    Error::usage("there is no session yet").hint("`viva interview` holds one.")
                });
        }
        let wanted = text.to_lowercase();
        let failed = |error| storage(&error, "be read");
        if wanted.len() < 4 || !wanted.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            return Err(none_such(text));
        }
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(
                // The last eight characters are what is shown: `SessionId::short`.
                "SELECT id FROM sessions WHERE id LIKE ?1 || '%' OR id LIKE '%' || ?1
                 OR substr(id, -8) LIKE ?1 || '%' LIMIT 2",
            )
            .map_err(failed)?;
        let found: Vec<String> = query
            .query_map([&wanted], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(failed)?;
        match found.as_slice() {
            [] => Err(none_such(text)),
            [one] => SessionId::parse(one).ok_or_else(|| none_such(text)),
            _ => Err(
                Error::usage(format!("more than one session is meant by {text:?}"))
                    .hint("Give more characters of the name, as `viva history --json` prints it."),
            ),
        }
    }

    /// Returns the newest session that can be resumed: one that is unfinished
    /// and did not end before its first event.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn latest_unfinished(&self) -> Result<Option<SessionSummary>> {
        self.connection()
            .query_row(
                &format!(
                    "SELECT {COLUMNS} FROM sessions s WHERE s.status = ?1
                       AND EXISTS (SELECT 1 FROM events e WHERE e.session = s.id)
                     ORDER BY s.started_at DESC, s.id DESC LIMIT 1"
                ),
                [Status::Unfinished.as_str()],
                read_session,
            )
            .optional()
            .map_err(|error| storage(&error, "be read"))
    }

    /// Returns the verdicts of `session`, in the order they were stored.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn verdicts(&self, session: &SessionId) -> Result<Vec<StoredVerdict>> {
        self.verdicts_where("session = ?1", session.as_str())
    }

    /// Returns every verdict on `question`, oldest first, over all sessions.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn verdicts_on(&self, question: &str) -> Result<Vec<StoredVerdict>> {
        self.verdicts_where("question = ?1", question)
    }

    fn verdicts_where(&self, condition: &str, value: &str) -> Result<Vec<StoredVerdict>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(&format!(
                "SELECT {VERDICT_COLUMNS} FROM verdicts v WHERE {condition} ORDER BY at_ms, id"
            ))
            .map_err(failed)?;
        query
            .query_map([value], read_verdict)
            .and_then(Iterator::collect)
            .map_err(failed)
    }
}

fn none_such(text: &str) -> Error {
    Error::usage(format!("there is no session {text:?}"))
        .hint("`viva history` lists them; four characters of a name, or `last`, will do.")
}

pub(super) fn read_session(row: &Row<'_>) -> rusqlite::Result<SessionSummary> {
    let id: String = row.get(0)?;
    let status: String = row.get(3)?;
    let seed: i64 = row.get(7)?;
    let extra: String = row.get(13)?;
    let events: i64 = row.get(14)?;
    Ok(SessionSummary {
        id: SessionId::parse(&id).ok_or_else(|| unreadable(0, "a session name", &id))?,
        started_at: row.get(1)?,
        ended_at: row.get(2)?,
        status: Status::parse(&status).ok_or_else(|| unreadable(3, "a status", &status))?,
        meta: SessionMeta {
            title: row.get(4)?,
            plan: row.get(5)?,
            mode: row.get(6)?,
            seed: seed.cast_unsigned(),
            model: ModelStamp {
                name: row.get(8)?,
                hash: row.get(9)?,
            },
            versions: Versions {
                judge: row.get(10)?,
                prompts: row.get(11)?,
                guides: row.get(12)?,
            },
            extra: serde_json::from_str(&extra).unwrap_or(Value::Null),
        },
        events: events.cast_unsigned(),
    })
}

pub(super) fn read_verdict(row: &Row<'_>) -> rusqlite::Result<StoredVerdict> {
    let session: String = row.get(0)?;
    let source: String = row.get(3)?;
    Ok(StoredVerdict {
        session: SessionId::parse(&session)
            .ok_or_else(|| unreadable(0, "a session name", &session))?,
        at_ms: row.get(8)?,
        row: VerdictRow {
            question: row.get(1)?,
            attempt: row.get(2)?,
            source: VerdictSource::parse(&source)
                .ok_or_else(|| unreadable(3, "a source", &source))?,
            point: row.get(4)?,
            verdict: row.get(5)?,
            probability: row.get(6)?,
            recovery: row.get(7)?,
            model_hash: row.get(9)?,
            versions: Versions {
                judge: row.get(10)?,
                prompts: row.get(11)?,
                guides: row.get(12)?,
            },
        },
    })
}

fn unreadable(column: usize, what: &str, found: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        rusqlite::types::Type::Text,
        format!("{found:?} is not {what}").into(),
    )
}
