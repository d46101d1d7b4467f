//! Forgetting: what is removed is gone from the files, not only from the tables.

use super::journal::Journal;
use super::layout::Layout;
use super::open::storage;
use super::reviews::note_stale;
use super::stories;
use super::types::SessionId;
use crate::Result;

impl Journal {
    /// Removes `session` and everything that belongs to it, also from the
    /// free pages and the write-ahead log.
    ///
    /// # Errors
    /// Fails when there is no such session, when an interview is running, or
    /// when nothing can be written.
    pub fn forget(&self, session: &SessionId) -> Result<()> {
        self.session(session)?;
        self.purge(|connection| {
            stories::forget_origin(connection, session)?;
            let gone =
                connection.execute("DELETE FROM sessions WHERE id = ?1", [session.as_str()])?;
            // A card is what its reviews add up to; without them it goes, and
            // the others are computed again.
            connection.execute(
                "DELETE FROM cards WHERE NOT EXISTS (SELECT 1 FROM reviews r
                 WHERE r.question = cards.question AND r.point = cards.point)",
                [],
            )?;
            note_stale(connection)?;
            Ok(gone)
        })
        .map(|_| ())
    }

    /// Removes everything, stories too, likewise; returns how many sessions
    /// that were.
    ///
    /// # Errors
    /// As [`Journal::forget`].
    pub fn forget_all(&self) -> Result<u64> {
        self.purge(|connection| {
            stories::delete_stories(connection)?;
            connection.execute("DELETE FROM cards", [])?;
            connection.execute("DELETE FROM kept", [])?;
            connection.execute("DELETE FROM sessions", [])
        })
    }

    /// Carries `delete` out and leaves nothing of what it deleted in the files;
    /// returns what it returned.
    pub(super) fn purge(
        &self,
        delete: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<usize>,
    ) -> Result<u64> {
        let ours = self.holds();
        self.hold()?;
        let outcome = (|| {
            let connection = self.connection();
            let gone = {
                let transaction = connection.unchecked_transaction()?;
                let gone = delete(&transaction)?;
                transaction.commit()?;
                gone
            };
            // secure_delete has overwritten the cells; the log still holds
            // the old pages, and VACUUM leaves no page that once held them.
            connection.execute_batch("VACUUM")?;
            if let Some(path) = self.path() {
                // It has moved the tables.
                Layout::note(&connection, path);
                let busy: i64 =
                    connection
                        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
                if busy != 0 {
                    return Err(rusqlite::Error::SqliteFailure(
                        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                        Some("another viva is reading the journal".to_owned()),
                    ));
                }
            }
            Ok(gone as u64)
        })();
        if !ours {
            self.let_go();
        }
        outcome.map_err(|error| storage(&error, "forget"))
    }
}
