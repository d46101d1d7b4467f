//! Reviews of rubric points, the cards they add up to, and values kept for the
//! person rather than for a session.
//!
//! Reviews belong to a session and go with it; cards are computed from them by
//! `drill` and may be thrown away at any time. Which points have to be
//! computed again is written down in the transaction that makes it so.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::journal::{Journal, now_ms};
use super::open::storage;
use super::stories;
use super::types::SessionId;
use crate::{Error, Result};

/// The value that says cards do not fit the reviews any more, after an import
/// or after a session was forgotten.
const STALE: &str = "drill-cards-stale";

/// What was recalled of a point, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewRow {
    /// The question's identifier.
    pub question: String,
    /// The point's identifier.
    pub point: String,
    /// 0, 1, 2 … within session, question and point.
    pub n: u32,
    /// When, milliseconds since 1970 in UTC.
    pub at_ms: i64,
    /// `interview` or `drill`.
    pub source: String,
    /// 1 again, 2 hard, 3 good, 4 easy.
    pub rating: u32,
    /// The verdict, as the judge spells it.
    pub verdict: String,
    /// Calibrated probability, 0 to 1.
    pub probability: f64,
    /// `unaided`, `probe`, `hint` or `never`; from an interview `hint-1` to
    /// `hint-3`, or `hint-0` for the easier way in.
    pub recovery: String,
    /// The name of the words it was asked in.
    pub wording: String,
}

/// A review with the session it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredReview {
    /// The session.
    pub session: SessionId,
    /// The review.
    #[serde(flatten)]
    pub row: ReviewRow,
}

/// What the reviews of a point add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct CardRow {
    /// The question's identifier.
    pub question: String,
    /// The point's identifier.
    pub point: String,
    /// Days after which recall has fallen to 90%.
    pub stability: f64,
    /// 1 to 10.
    pub difficulty: f64,
    /// The last review, milliseconds since 1970 in UTC.
    pub last_at: i64,
    /// When it is due, likewise.
    pub due_at: i64,
    /// How many reviews there were.
    pub reviews: u32,
    /// How many found it gone.
    pub lapses: u32,
    /// The wording asked last.
    pub wording: String,
    /// The rating of the last review, 1 to 4; read only.
    pub last_rating: u32,
}

impl Journal {
    /// Stores reviews of `session`. One that is there already (session,
    /// question, point, number) stays as it is, so that a resumed session may
    /// repeat itself.
    ///
    /// # Errors
    /// Fails when nothing can be written; then none of them is stored.
    pub fn put_reviews(&self, session: &SessionId, rows: &[ReviewRow]) -> Result<()> {
        let failed = |error| storage(&error, "keep the reviews");
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(failed)?;
        for row in rows {
            insert_review(&transaction, session, row).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// Returns the reviews of one point, oldest first.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn reviews_of(&self, question: &str, point: &str) -> Result<Vec<ReviewRow>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(
                "SELECT question, point, n, at_ms, source, rating, verdict, probability, recovery,
                        wording
                 FROM reviews WHERE question = ?1 AND point = ?2 ORDER BY at_ms, id",
            )
            .map_err(failed)?;
        query
            .query_map([question, point], |row| read_review(row, 0))
            .and_then(Iterator::collect)
            .map_err(failed)
    }

    /// Returns all reviews, point by point, oldest first within each.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn reviews(&self) -> Result<Vec<ReviewRow>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(
                "SELECT question, point, n, at_ms, source, rating, verdict, probability, recovery,
                        wording
                 FROM reviews ORDER BY question, point, at_ms, id",
            )
            .map_err(failed)?;
        query
            .query_map([], |row| read_review(row, 0))
            .and_then(Iterator::collect)
            .map_err(failed)
    }

    /// Returns how many reviews there are.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn review_count(&self) -> Result<u64> {
        self.count("SELECT count(*) FROM reviews")
    }

    /// Returns all cards: as many as the person has met points.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn cards(&self) -> Result<Vec<CardRow>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(
                "SELECT question, point, stability, difficulty, last_at, due_at, reviews, lapses,
                        wording,
                        (SELECT rating FROM reviews r
                         WHERE r.question = c.question AND r.point = c.point
                         ORDER BY r.at_ms DESC, r.id DESC LIMIT 1)
                 FROM cards c ORDER BY question, point",
            )
            .map_err(failed)?;
        query
            .query_map([], |row| {
                Ok(CardRow {
                    question: row.get(0)?,
                    point: row.get(1)?,
                    stability: row.get(2)?,
                    difficulty: row.get(3)?,
                    last_at: row.get(4)?,
                    due_at: row.get(5)?,
                    reviews: row.get(6)?,
                    lapses: row.get(7)?,
                    wording: row.get(8)?,
                    last_rating: row.get::<_, Option<u32>>(9)?.unwrap_or(1),
                })
            })
            .and_then(Iterator::collect)
            .map_err(failed)
    }

    /// Stores cards in place of those of the same points.
    ///
    /// # Errors
    /// Fails when nothing can be written; then none of them is stored.
    pub fn put_cards(&self, cards: &[CardRow]) -> Result<()> {
        let failed = |error| storage(&error, "keep the cards");
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(failed)?;
        for card in cards {
            put_card(&transaction, card).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// Replaces all cards: they fit the reviews from here on.
    ///
    /// # Errors
    /// Fails when nothing can be written; then the old ones stand.
    pub fn replace_cards(&self, cards: &[CardRow]) -> Result<()> {
        let failed = |error| storage(&error, "keep the cards");
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(failed)?;
        transaction
            .execute("DELETE FROM cards", [])
            .map_err(failed)?;
        for card in cards {
            put_card(&transaction, card).map_err(failed)?;
        }
        transaction
            .execute("DELETE FROM kept WHERE name = ?1", [STALE])
            .map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// Returns whether the cards have to be computed again from the reviews.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn are_cards_stale(&self) -> Result<bool> {
        Ok(self.kept(STALE)?.is_some())
    }

    /// Returns finished sessions whose verdicts have not become reviews yet,
    /// the newest first, `limit` at most.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn unscheduled(&self, limit: u32) -> Result<Vec<SessionId>> {
        // Nearly always there are none, which two counts over indexes tell.
        let finished = self.count("SELECT count(*) FROM sessions WHERE status = 'finished'")?;
        if finished == self.count("SELECT count(*) FROM scheduled")? {
            return Ok(Vec::new());
        }
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(
                "SELECT s.id FROM sessions s
                 WHERE s.status = 'finished'
                   AND NOT EXISTS (SELECT 1 FROM scheduled d WHERE d.session = s.id)
                 ORDER BY s.started_at DESC LIMIT ?1",
            )
            .map_err(failed)?;
        let found: Vec<String> = query
            .query_map([limit], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(failed)?;
        Ok(found.iter().filter_map(|id| SessionId::parse(id)).collect())
    }

    /// Stores the reviews that finished sessions amount to, and notes that
    /// they have been taken in; both or neither.
    ///
    /// # Errors
    /// Fails when nothing can be written; then none of them is stored.
    pub fn schedule(&self, sessions: &[(SessionId, Vec<ReviewRow>)]) -> Result<()> {
        let failed = |error| storage(&error, "keep the reviews");
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(failed)?;
        for (session, rows) in sessions {
            for row in rows {
                insert_review(&transaction, session, row).map_err(failed)?;
            }
            insert_scheduled(&transaction, session).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// Keeps a value of the person's under `name`, in place of an earlier one.
    ///
    /// # Errors
    /// Fails when it is not representable in JSON or nothing can be written.
    pub fn keep(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let value = serde_json::to_value(value).map_err(|error| {
            Error::internal(format!("the {name} is not valid JSON")).caused_by(error)
        })?;
        put_kept(&self.connection(), name, now_ms(), &value, true)
            .map_err(|error| storage(&error, &format!("keep the {name}")))
    }

    /// Returns the value kept under `name`; one that cannot be read any more
    /// counts as none.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn kept(&self, name: &str) -> Result<Option<Value>> {
        let text: Option<String> = self
            .connection()
            .query_row("SELECT json FROM kept WHERE name = ?1", [name], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|error| storage(&error, "be read"))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    fn count(&self, query: &str) -> Result<u64> {
        self.connection()
            .query_row(query, [], |row| row.get::<_, i64>(0))
            .map(i64::cast_unsigned)
            .map_err(|error| storage(&error, "be read"))
    }
}

/// Reads a review off a row whose columns from `first` on are those of
/// [`ReviewRow`], in its order.
pub(super) fn read_review(row: &Row<'_>, first: usize) -> rusqlite::Result<ReviewRow> {
    Ok(ReviewRow {
        question: row.get(first)?,
        point: row.get(first + 1)?,
        n: row.get(first + 2)?,
        at_ms: row.get(first + 3)?,
        source: row.get(first + 4)?,
        rating: row.get(first + 5)?,
        verdict: row.get(first + 6)?,
        probability: row.get(first + 7)?,
        recovery: row.get(first + 8)?,
        wording: row.get(first + 9)?,
    })
}

pub(super) fn insert_review(
    connection: &Connection,
    session: &SessionId,
    row: &ReviewRow,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO reviews (session, question, point, n, at_ms, source, rating, verdict,
                                  probability, recovery, wording)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (session, question, point, n) DO NOTHING",
        )?
        .execute(params![
            session.as_str(),
            row.question,
            row.point,
            row.n,
            row.at_ms,
            row.source,
            row.rating,
            row.verdict,
            row.probability,
            row.recovery,
            row.wording,
        ])?;
    Ok(())
}

fn put_card(connection: &Connection, card: &CardRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO cards (question, point, stability, difficulty, last_at, due_at, reviews,
                                lapses, wording)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (question, point) DO UPDATE
             SET stability = excluded.stability, difficulty = excluded.difficulty,
                 last_at = excluded.last_at, due_at = excluded.due_at,
                 reviews = excluded.reviews, lapses = excluded.lapses,
                 wording = excluded.wording",
        )?
        .execute(params![
            card.question,
            card.point,
            card.stability,
            card.difficulty,
            card.last_at,
            card.due_at,
            card.reviews,
            card.lapses,
            card.wording,
        ])?;
    Ok(())
}

pub(super) fn insert_scheduled(
    connection: &Connection,
    session: &SessionId,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO scheduled (session) VALUES (?1)")?
        .execute([session.as_str()])?;
    Ok(())
}

/// Keeps a value; one that is there already stands unless `replace`.
pub(super) fn put_kept(
    connection: &Connection,
    name: &str,
    at_ms: i64,
    value: &Value,
    replace: bool,
) -> rusqlite::Result<()> {
    let conflict = if replace {
        "UPDATE SET at_ms = excluded.at_ms, json = excluded.json"
    } else {
        "NOTHING"
    };
    connection.execute(
        &format!(
            "INSERT INTO kept (name, at_ms, json) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO {conflict}"
        ),
        params![name, at_ms, value.to_string()],
    )?;
    Ok(())
}

/// Returns whether `name` names a value of this program's bookkeeping, which
/// means nothing on another machine or can be made again there.
pub(super) fn is_bookkeeping(name: &str) -> bool {
    name == STALE || name.starts_with(stories::NOTE)
}

/// Notes, in the transaction that changed the reviews, that the cards do not
/// fit them any more.
pub(super) fn note_stale(connection: &Connection) -> rusqlite::Result<()> {
    put_kept(connection, STALE, now_ms(), &Value::Bool(true), true)
}
