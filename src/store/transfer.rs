//! Taking the journal along as JSON Lines, and bringing it back.
//!
//! The format: a first line of type `viva-journal`, then a line of type `story`
//! for each story, then for each session a line of type `session` followed by
//! its `event`, `draft`, `verdict`, `document`, `review`, `scheduled` and
//! `telling` lines, each naming the session it belongs to; last the `kept`
//! lines, which belong to the person. Every line has `"schema": 1`. Cards are
//! not exported: the reviews add up to them.

use std::io::{BufRead, Write};

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::journal::{Journal, insert_event, insert_verdict, read_event};
use super::open::storage;
use super::reviews::{
    StoredReview, insert_review, insert_scheduled, is_bookkeeping, note_stale, put_kept,
    read_review,
};
use super::stories::{Story, StoryId, Telling, insert_story, insert_telling};
use super::types::{SessionFilter, SessionId, SessionSummary, StoredVerdict};
use crate::{Error, Result};

/// The number of this format.
const SCHEMA: u32 = 1;

/// What an export wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Sessions.
    pub sessions: u64,
    /// Stories.
    pub stories: u64,
    /// Lines, the first one included.
    pub lines: u64,
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Sessions that are new here.
    pub sessions: u64,
    /// Sessions that were here already and were left as they are.
    pub known: u64,
    /// Events that came with the new ones.
    pub events: u64,
    /// Stories that are new here.
    pub stories: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Entry {
    VivaJournal {
        schema: u32,
        sessions: u64,
    },
    Session {
        schema: u32,
        #[serde(flatten)]
        session: SessionSummary,
    },
    Event {
        schema: u32,
        session: SessionId,
        seq: i64,
        at_ms: i64,
        kind: String,
        event: Value,
    },
    Draft {
        schema: u32,
        session: SessionId,
        n: i64,
        at_ms: i64,
        text: String,
    },
    Verdict {
        schema: u32,
        #[serde(flatten)]
        verdict: StoredVerdict,
    },
    Document {
        schema: u32,
        session: SessionId,
        name: String,
        at_ms: i64,
        document: Value,
    },
    Review {
        schema: u32,
        #[serde(flatten)]
        review: StoredReview,
    },
    Scheduled {
        schema: u32,
        session: SessionId,
    },
    Kept {
        schema: u32,
        name: String,
        at_ms: i64,
        value: Value,
    },
    Story {
        schema: u32,
        #[serde(flatten)]
        story: Story,
    },
    Telling {
        schema: u32,
        #[serde(flatten)]
        telling: Telling,
    },
}

impl Journal {
    /// Writes everything to `out` as JSON Lines: stories, then sessions, oldest
    /// first.
    ///
    /// # Errors
    /// Fails when the journal cannot be read or `out` cannot be written.
    pub fn export(&self, out: &mut dyn Write) -> Result<Exported> {
        let mut sessions = self.sessions(&SessionFilter::default())?;
        sessions.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
        let mut done = Exported::default();
        let mut lines = 0;
        let mut put = |entry: &Entry| -> Result<()> {
            let failed = |error: std::io::Error| {
                Error::storage("the export could not be written")
                    .caused_by(error)
                    .hint("Check that the disk has room and the file can be written.")
            };
            serde_json::to_writer(&mut *out, entry).map_err(|error| failed(error.into()))?;
            out.write_all(b"\n").map_err(failed)?;
            lines += 1;
            Ok(())
        };
        put(&Entry::VivaJournal {
            schema: SCHEMA,
            sessions: sessions.len() as u64,
        })?;
        for story in self.stories()? {
            done.stories += 1;
            put(&Entry::Story {
                schema: SCHEMA,
                story,
            })?;
        }
        for session in &sessions {
            let id = session.id.clone();
            put(&Entry::Session {
                schema: SCHEMA,
                session: session.clone(),
            })?;
            for entry in self.entries_of(&id)? {
                put(&entry)?;
            }
        }
        for entry in self.kept_entries()? {
            put(&entry)?;
        }
        out.flush()
            .map_err(|error| Error::storage("the export could not be written").caused_by(error))?;
        done.sessions = sessions.len() as u64;
        done.lines = lines;
        Ok(done)
    }

    /// Brings in what [`Journal::export`] wrote. All of it, or nothing: a line
    /// that is not understood ends the import and leaves the journal as it
    /// was. Sessions and stories that are here already are left alone.
    ///
    /// # Errors
    /// Fails with [`crate::ErrorKind::Content`] naming the line, or when
    /// nothing can be written.
    pub fn import(&self, input: &mut dyn BufRead) -> Result<Imported> {
        let failed = |error| storage(&error, "take in the sessions");
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(failed)?;
        let mut done = Imported::default();
        // The session whose lines are being read, and whether it is new here.
        let mut current: Option<(SessionId, bool)> = None;
        let mut seen_header = false;
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let read = input.read_until(b'\n', &mut line).map_err(|error| {
                Error::storage(format!("line {number} of the import cannot be read"))
                    .caused_by(error)
            })?;
            if read == 0 {
                break;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let entry: Entry =
                serde_json::from_slice(&line).map_err(|error| bad(number, &error.to_string()))?;
            let schema = entry.schema();
            if schema != SCHEMA {
                return Err(bad(
                    number,
                    &format!("schema {schema} is not known; this program reads {SCHEMA}"),
                ));
            }
            if let Entry::VivaJournal { .. } = entry {
                seen_header = true;
                continue;
            }
            if !seen_header {
                return Err(bad(number, "the first line must be of type viva-journal"));
            }
            if let Entry::Kept {
                name, at_ms, value, ..
            } = &entry
            {
                // What this machine holds is newer to the person than a file.
                put_kept(&transaction, name, *at_ms, value, false).map_err(failed)?;
                continue;
            }
            if let Entry::Story { story, .. } = &entry {
                let new = insert_story(&transaction, story).map_err(failed)?;
                done.stories += u64::from(new);
                continue;
            }
            if let Entry::Session { session, .. } = &entry {
                let new = put_session(&transaction, session).map_err(failed)?;
                done.sessions += u64::from(new);
                done.known += u64::from(!new);
                current = Some((session.id.clone(), new));
                continue;
            }
            match (&current, entry.session()) {
                (Some((open, new)), Some(named)) if open == named => {
                    if *new {
                        if let Entry::Telling { telling, .. } = &entry
                            && !is_there(&transaction, &telling.story).map_err(failed)?
                        {
                            return Err(bad(number, "it names a story that is not there"));
                        }
                        done.events += u64::from(matches!(entry, Entry::Event { .. }));
                        put_part(&transaction, &entry).map_err(|error| {
                            if error.sqlite_error_code()
                                == Some(rusqlite::ErrorCode::ConstraintViolation)
                            {
                                bad(number, "the same entry is there twice")
                            } else {
                                storage(&error, "take in the sessions")
                            }
                        })?;
                    }
                }
                _ => {
                    return Err(bad(
                        number,
                        "it belongs to another session than the lines before it",
                    ));
                }
            }
        }
        if !seen_header {
            return Err(bad(1, "the file is empty"));
        }
        if done.sessions > 0 {
            note_stale(&transaction).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(done)
    }

    fn entries_of(&self, id: &SessionId) -> Result<Vec<Entry>> {
        let failed = |error| storage(&error, "be read");
        let verdicts = self.verdicts(id)?;
        let tellings = self.tellings_in(id)?;
        let connection = self.connection();
        let mut entries = Vec::new();
        let mut query = connection
            .prepare_cached(
                "SELECT seq, at_ms, kind, json, sum FROM events WHERE session = ?1 ORDER BY seq",
            )
            .map_err(failed)?;
        let mut rows = query.query([id.as_str()]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            // A damaged event is not exported: it could not be told from a sound one.
            if let Some(stored) = read_event(id, row, 0).map_err(failed)? {
                entries.push(Entry::Event {
                    schema: SCHEMA,
                    session: id.clone(),
                    seq: stored.seq.cast_signed(),
                    at_ms: stored.at_ms,
                    kind: stored.kind,
                    event: stored.event,
                });
            }
        }
        let mut query = connection
            .prepare_cached("SELECT n, at_ms, text FROM drafts WHERE session = ?1 ORDER BY n")
            .map_err(failed)?;
        let drafts = query
            .query_map([id.as_str()], |row| {
                Ok(Entry::Draft {
                    schema: SCHEMA,
                    session: id.clone(),
                    n: row.get(0)?,
                    at_ms: row.get(1)?,
                    text: row.get(2)?,
                })
            })
            .map_err(failed)?;
        for draft in drafts {
            entries.push(draft.map_err(failed)?);
        }
        entries.extend(verdicts.into_iter().map(|verdict| Entry::Verdict {
            schema: SCHEMA,
            verdict,
        }));
        let mut query = connection
            .prepare_cached(
                "SELECT name, at_ms, json FROM documents WHERE session = ?1 ORDER BY name",
            )
            .map_err(failed)?;
        let documents = query
            .query_map([id.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))
            })
            .map_err(failed)?;
        for document in documents {
            let (name, at_ms, json) = document.map_err(failed)?;
            if let Ok(document) = serde_json::from_str(&json) {
                entries.push(Entry::Document {
                    schema: SCHEMA,
                    session: id.clone(),
                    name,
                    at_ms,
                    document,
                });
            }
        }
        let mut query = connection
            .prepare_cached(
                "SELECT question, point, n, at_ms, source, rating, verdict, probability, recovery,
                        wording
                 FROM reviews WHERE session = ?1 ORDER BY question, point, n",
            )
            .map_err(failed)?;
        let reviews = query
            .query_map([id.as_str()], |row| read_review(row, 0))
            .map_err(failed)?;
        for row in reviews {
            entries.push(Entry::Review {
                schema: SCHEMA,
                review: StoredReview {
                    session: id.clone(),
                    row: row.map_err(failed)?,
                },
            });
        }
        let scheduled: bool = connection
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM scheduled WHERE session = ?1)",
                [id.as_str()],
                |row| row.get(0),
            )
            .map_err(failed)?;
        if scheduled {
            entries.push(Entry::Scheduled {
                schema: SCHEMA,
                session: id.clone(),
            });
        }
        entries.extend(tellings.into_iter().map(|telling| Entry::Telling {
            schema: SCHEMA,
            telling,
        }));
        Ok(entries)
    }

    fn kept_entries(&self) -> Result<Vec<Entry>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached("SELECT name, at_ms, json FROM kept ORDER BY name")
            .map_err(failed)?;
        let rows = query
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))
            })
            .map_err(failed)?;
        let mut entries = Vec::new();
        for row in rows {
            let (name, at_ms, json): (String, i64, String) = row.map_err(failed)?;
            if let (false, Ok(value)) = (is_bookkeeping(&name), serde_json::from_str(&json)) {
                entries.push(Entry::Kept {
                    schema: SCHEMA,
                    name,
                    at_ms,
                    value,
                });
            }
        }
        Ok(entries)
    }
}

impl Entry {
    fn schema(&self) -> u32 {
        match self {
            Self::VivaJournal { schema, .. }
            | Self::Session { schema, .. }
            | Self::Event { schema, .. }
            | Self::Draft { schema, .. }
            | Self::Verdict { schema, .. }
            | Self::Document { schema, .. }
            | Self::Review { schema, .. }
            | Self::Scheduled { schema, .. }
            | Self::Kept { schema, .. }
            | Self::Story { schema, .. }
            | Self::Telling { schema, .. } => *schema,
        }
    }

    fn session(&self) -> Option<&SessionId> {
        match self {
            Self::VivaJournal { .. } | Self::Kept { .. } | Self::Story { .. } => None,
            Self::Session { session, .. } => Some(&session.id),
            Self::Event { session, .. }
            | Self::Draft { session, .. }
            | Self::Document { session, .. }
            | Self::Scheduled { session, .. } => Some(session),
            Self::Review { review, .. } => Some(&review.session),
            Self::Verdict { verdict, .. } => Some(&verdict.session),
            Self::Telling { telling, .. } => Some(&telling.session),
        }
    }
}

fn bad(line: u64, why: &str) -> Error {
    Error::content(format!("line {line} of the import is not valid: {why}"))
        .hint("Nothing was taken in. `viva history import` reads what `viva history export` wrote.")
}

/// Inserts a session unless it is here; returns whether it was new.
fn put_session(
    connection: &rusqlite::Connection,
    session: &SessionSummary,
) -> rusqlite::Result<bool> {
    let meta = &session.meta;
    let rows = connection.execute(
        "INSERT OR IGNORE INTO sessions (id, started_at, ended_at, status, title, plan, mode, seed,
                    model_name, model_hash, judge, prompts, guides, extra)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            session.id.as_str(),
            session.started_at,
            session.ended_at,
            session.status.as_str(),
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
    )?;
    Ok(rows == 1)
}

fn is_there(connection: &rusqlite::Connection, story: &StoryId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM stories WHERE id = ?1")?
        .exists([story.as_str()])
}

fn put_part(connection: &rusqlite::Connection, entry: &Entry) -> rusqlite::Result<()> {
    match entry {
        Entry::VivaJournal { .. }
        | Entry::Session { .. }
        | Entry::Kept { .. }
        | Entry::Story { .. } => Ok(()),
        Entry::Review { review, .. } => insert_review(connection, &review.session, &review.row),
        Entry::Scheduled { session, .. } => insert_scheduled(connection, session),
        Entry::Telling { telling, .. } => insert_telling(connection, telling),
        Entry::Event {
            session,
            seq,
            at_ms,
            kind,
            event,
            ..
        } => insert_event(connection, session, *seq, *at_ms, kind, &event.to_string()),
        Entry::Draft {
            session,
            n,
            at_ms,
            text,
            ..
        } => connection
            .execute(
                "INSERT INTO drafts (session, n, at_ms, text) VALUES (?1, ?2, ?3, ?4)",
                params![session.as_str(), n, at_ms, text],
            )
            .map(|_| ()),
        Entry::Verdict { verdict, .. } => {
            insert_verdict(connection, &verdict.session, verdict.at_ms, &verdict.row)
        }
        Entry::Document {
            session,
            name,
            at_ms,
            document,
            ..
        } => connection
            .execute(
                "INSERT INTO documents (session, name, at_ms, json) VALUES (?1, ?2, ?3, ?4)",
                params![session.as_str(), name, at_ms, document.to_string()],
            )
            .map(|_| ()),
    }
}
