//! Where the tables lie. A database file keeps that on its first page, so that
//! everything is lost with that page. A note beside the journal holds it a
//! second time: names, definitions and first pages of tables and indexes, and
//! never a word that a person typed.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::open::beside;

/// What the note's name adds to the journal's.
pub(super) const SUFFIX: &str = "-layout";

/// Bytes of a file's first page that say how many pages it has and which are
/// free; zeros have SQLite go by the size of the file.
const COUNTS: std::ops::Range<usize> = 28..40;

/// Everything that a first page says of the rest of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layout {
    /// The number of the schema.
    pub(super) schema: i64,
    /// Bytes of a page.
    page_size: i64,
    objects: Vec<Object>,
}

/// A row of `sqlite_schema`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Object {
    kind: String,
    name: String,
    table: String,
    /// The page it begins on.
    root: i64,
    /// `None` for an index that SQLite makes by itself.
    sql: Option<String>,
}

impl Layout {
    /// Reads the layout of an open database.
    ///
    /// # Errors
    /// Fails when its first page cannot be read.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let number = |name| connection.pragma_query_value(None, name, |row| row.get(0));
        let mut query = connection.prepare(
            "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY name",
        )?;
        let objects = query
            .query_map([], |row| {
                Ok(Object {
                    kind: row.get(0)?,
                    name: row.get(1)?,
                    table: row.get(2)?,
                    root: row.get(3)?,
                    sql: row.get(4)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            schema: number("user_version")?,
            page_size: number("page_size")?,
            objects,
        })
    }

    /// Returns what is noted beside the database at `path`, if that can be read.
    pub(super) fn noted(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(beside(path, SUFFIX)).ok()?).ok()
    }

    /// Notes the layout of the database at `path` beside it, for the owner
    /// alone, unless it is there already. A note that cannot be written keeps
    /// nobody from working: the journal itself is sound.
    pub(super) fn note(connection: &Connection, path: &Path) {
        let noted = || -> std::io::Result<()> {
            let layout = Self::of(connection).map_err(std::io::Error::other)?;
            if Self::noted(path).as_ref() == Some(&layout) {
                return Ok(());
            }
            // A temporary file is for the owner alone from its first byte.
            let folder = path.parent().unwrap_or(Path::new("."));
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut file, &layout)?;
            file.as_file().sync_all()?;
            file.persist(beside(path, SUFFIX))?;
            Ok(())
        };
        if let Err(error) = noted() {
            tracing::debug!(%error, "the layout of the journal is not noted");
        }
    }

    /// Returns whether both have the same tables and indexes in the same places.
    pub(super) fn places_as(&self, other: &Self) -> bool {
        self.page_size == other.page_size && self.objects == other.objects
    }

    /// Gives the database at `path`, a copy of a damaged one, a first page that
    /// says what this layout says. A write-ahead log beside it is taken in.
    ///
    /// # Errors
    /// Fails when the copy cannot be written.
    pub(super) fn put_into(&self, path: &Path) -> rusqlite::Result<()> {
        let io = |error: std::io::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        let mut page = self.first_page(path)?;
        page[COUNTS].fill(0);
        let put = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&page)
        };
        put().map_err(io)?;
        // Closing the last connection takes the log in; what it has of the
        // first page may be as broken as the rest of the schema.
        let connection = Connection::open(path)?;
        let _: rusqlite::Result<i64> =
            connection.pragma_query_value(None, "user_version", |row| row.get(0));
        drop(connection);
        let _ = std::fs::remove_file(beside(path, "-wal"));
        put().map_err(io)?;
        // SQLite itself writes the rows: what has no room on the first page
        // goes to new ones at the end of the file.
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "writable_schema", true)?;
        let transaction = connection.unchecked_transaction()?;
        for object in &self.objects {
            transaction.execute(
                "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    object.kind,
                    object.name,
                    object.table,
                    object.root,
                    object.sql
                ],
            )?;
        }
        transaction.commit()
    }

    /// Returns the first page of an empty database with pages of the same size,
    /// which is made beside `path`.
    fn first_page(&self, path: &Path) -> rusqlite::Result<Vec<u8>> {
        let io = |error: std::io::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        let empty = beside(path, "-empty");
        let connection = Connection::open(&empty)?;
        connection.pragma_update(None, "page_size", self.page_size)?;
        connection.pragma_update(None, "user_version", self.schema)?;
        drop(connection);
        let page = std::fs::read(&empty).map_err(io)?;
        if page.len() < COUNTS.end {
            return Err(io(std::io::Error::other("an empty database has no page")));
        }
        Ok(page)
    }
}
