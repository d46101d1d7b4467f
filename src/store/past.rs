//! Questions about all sessions at once, one query each: verdicts, documents
//! and outcomes since a date.

use std::collections::HashMap;

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::journal::Journal;
use super::open::storage;
use super::sessions::{VERDICT_COLUMNS, read_verdict};
use super::types::{SessionId, StoredVerdict};
use crate::Result;

/// The name of the small document that says how a session came out.
pub const OUTCOME: &str = "outcome";

/// How a session came out, as the list of sessions shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the panel recommends, as the critique spells it.
    #[serde(default)]
    pub recommendation: Option<String>,
    /// 0 to 100; `None` when nothing was assessed.
    #[serde(default)]
    pub score: Option<f64>,
}

impl Journal {
    /// Returns every verdict of the sessions that began at or after
    /// `since_ms` (milliseconds since 1970 in UTC), in the order of sessions
    /// and, within one, of storing.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn verdicts_since(&self, since_ms: Option<i64>) -> Result<Vec<StoredVerdict>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(&format!(
                "SELECT {VERDICT_COLUMNS} FROM verdicts v JOIN sessions s ON s.id = v.session
                 WHERE ?1 IS NULL OR s.started_at >= ?1
                 ORDER BY s.started_at, s.id, v.at_ms, v.id"
            ))
            .map_err(failed)?;
        query
            .query_map([since_ms], read_verdict)
            .and_then(Iterator::collect)
            .map_err(failed)
    }

    /// Hands the JSON text of every document `name` of the sessions that began
    /// at or after `since_ms` to `each`, one at a time, so that they are never
    /// all in memory.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn documents_since(
        &self,
        name: &str,
        since_ms: Option<i64>,
        mut each: impl FnMut(SessionId, &str),
    ) -> Result<()> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(
                "SELECT d.session, d.json FROM documents d JOIN sessions s ON s.id = d.session
                 WHERE d.name = ?1 AND (?2 IS NULL OR s.started_at >= ?2)",
            )
            .map_err(failed)?;
        let mut rows = query.query(params![name, since_ms]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let session: String = row.get(0).map_err(failed)?;
            let text = row.get_ref(1).map_err(failed)?;
            if let (Some(session), Ok(text)) = (SessionId::parse(&session), text.as_str()) {
                each(session, text);
            }
        }
        Ok(())
    }

    /// Returns how the sessions that began at or after `since_ms` came out.
    ///
    /// The small document [`OUTCOME`] is read where there is one. Sessions
    /// that were stored without it cost a look into their critique, which
    /// SQLite takes inside the database.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn outcomes(&self, since_ms: Option<i64>) -> Result<HashMap<SessionId, Outcome>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(
                "SELECT s.id,
                        coalesce(
                            (SELECT o.json FROM documents o
                             WHERE o.session = s.id AND o.name = 'outcome'),
                            (SELECT json_object(
                                        'recommendation', json_extract(c.json, '$.recommendation'),
                                        'score', json_extract(c.json, '$.score'))
                             FROM documents c
                             WHERE c.session = s.id AND c.name = 'critique' AND json_valid(c.json)))
                 FROM sessions s WHERE ?1 IS NULL OR s.started_at >= ?1",
            )
            .map_err(failed)?;
        let mut rows = query.query([since_ms]).map_err(failed)?;
        let mut found = HashMap::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let session: String = row.get(0).map_err(failed)?;
            let text: Option<String> = row.get(1).map_err(failed)?;
            let outcome = text.and_then(|text| serde_json::from_str(&text).ok());
            if let (Some(session), Some(outcome)) = (SessionId::parse(&session), outcome) {
                found.insert(session, outcome);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::{SessionMeta, Status, VerdictRow, VerdictSource, Versions};

    fn row(point: &str) -> VerdictRow {
        VerdictRow {
            question: "q".to_owned(),
            attempt: 0,
            source: VerdictSource::Interview,
            point: point.to_owned(),
            verdict: "covered".to_owned(),
            probability: 0.9,
            recovery: "unaided".to_owned(),
            model_hash: String::new(),
            versions: Versions::default(),
        }
    }

    #[test]
    fn verdicts_and_documents_of_all_sessions_come_with_one_query_each() {
        let journal = Journal::open_in_memory().expect("a journal");
        let mut ids = Vec::new();
        for point in ["a", "b"] {
            let id = journal.begin(&SessionMeta::default()).expect("a session");
            journal.record_verdicts(&id, &[row(point)]).expect("stored");
            journal
                .put_document(&id, "critique", &json!({"score": 1}))
                .expect("stored");
            ids.push(id);
        }
        let all = journal.verdicts_since(None).expect("readable");
        let points: Vec<&str> = all.iter().map(|one| one.row.point.as_str()).collect();
        assert_eq!(points, ["a", "b"]);
        assert!(
            journal
                .verdicts_since(Some(i64::MAX))
                .expect("readable")
                .is_empty()
        );
        let mut seen = Vec::new();
        journal
            .documents_since("critique", None, |id, text| {
                seen.push((id, text.to_owned()));
            })
            .expect("readable");
        seen.sort();
        assert_eq!(seen.len(), 2);
        assert!(
            seen.iter()
                .all(|(id, text)| ids.contains(id) && text == "{\"score\":1}")
        );
    }

    #[test]
    fn an_outcome_is_read_from_its_own_document_or_out_of_the_critique() {
        let journal = Journal::open_in_memory().expect("a journal");
        let mut begin = |documents: &[(&str, serde_json::Value)]| {
            let id = journal.begin(&SessionMeta::default()).expect("a session");
            for (name, document) in documents {
                journal.put_document(&id, name, document).expect("stored");
            }
            journal.finish(&id, Status::Finished).expect("finished");
            id
        };
        let critique = json!({"questions": [], "recommendation": "yes", "score": 71.5});
        let old = begin(&[("critique", critique.clone())]);
        let own = json!({"recommendation": "not-yet", "score": 12.0});
        let new = begin(&[("critique", critique), ("outcome", own)]);
        let none = begin(&[]);
        let found = journal.outcomes(None).expect("readable");
        assert_eq!(found[&old].score, Some(71.5));
        assert_eq!(found[&old].recommendation.as_deref(), Some("yes"));
        assert_eq!(found[&new].recommendation.as_deref(), Some("not-yet"));
        assert!(!found.contains_key(&none));
    }
}
