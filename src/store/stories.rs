//! The person's own stories, and where each was told.
//!
//! What is here is kept as it was given: which story was told and how alike a
//! telling is, is decided in [`crate::stories`].

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::journal::{Journal, now_ms};
use super::open::storage;
use super::types::{SessionId, uuid_name};
use crate::{Error, Result};

const COLUMNS: &str = "id, made_at, changed_at, title, text, tags, origin";

/// What the names of values kept beside a story begin with; its name follows.
pub(super) const NOTE: &str = "story-check-";

uuid_name!(
    /// The name of a story.
    StoryId,
    "a story's name"
);

/// The answer a story was taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The session.
    pub session: SessionId,
    /// The question's identifier.
    pub question: String,
    /// Which attempt at it, 0 for the first.
    #[serde(default)]
    pub attempt: u32,
}

/// What a person gives to make a story, or to change one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoryDraft {
    /// A line the person recognises it by.
    pub title: String,
    /// The story as it would be said.
    pub text: String,
    /// Competencies it shows, as the guides spell them.
    pub tags: Vec<String>,
    /// The answer it was taken from, if one.
    pub origin: Option<Origin>,
}

/// A story of the bank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// Its name.
    pub id: StoryId,
    /// When it was added, milliseconds since 1970 in UTC.
    pub made_at: i64,
    /// When title, text or tags last changed, likewise.
    pub changed_at: i64,
    /// A line the person recognises it by.
    pub title: String,
    /// The story as it would be said.
    pub text: String,
    /// Competencies it shows, as the guides spell them.
    pub tags: Vec<String>,
    /// The answer it was taken from, if one.
    #[serde(default)]
    pub origin: Option<Origin>,
}

/// One time a story was told in an interview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Telling {
    /// The story.
    pub story: StoryId,
    /// The session it was told in.
    pub session: SessionId,
    /// The question it was told for.
    pub question: String,
    /// Which attempt at the question, 0 for the first.
    #[serde(default)]
    pub attempt: u32,
    /// When it was told, milliseconds since 1970 in UTC.
    pub at_ms: i64,
    /// How alike the answer and the story are, 0 to 1.
    pub likeness: f64,
}

impl Journal {
    /// Stores a new story.
    ///
    /// # Errors
    /// Fails when nothing can be written; then there is no new story.
    pub fn add_story(&self, draft: &StoryDraft) -> Result<Story> {
        let now = now_ms();
        let story = Story {
            id: StoryId::fresh(),
            made_at: now,
            changed_at: now,
            title: draft.title.clone(),
            text: draft.text.clone(),
            tags: draft.tags.clone(),
            origin: draft.origin.clone(),
        };
        insert_story(&self.connection(), &story)
            .map_err(|error| storage(&error, "keep the story"))?;
        Ok(story)
    }

    /// Replaces title, text and tags of the story named `id`; where it was
    /// taken from stays.
    ///
    /// # Errors
    /// Fails when there is no such story, or nothing can be written; then the
    /// old one stands.
    pub fn change_story(&self, id: &StoryId, draft: &StoryDraft) -> Result<Story> {
        let rows = self
            .connection()
            .execute(
                "UPDATE stories SET title = ?2, text = ?3, tags = ?4, changed_at = ?5 WHERE id = ?1",
                params![
                    id.as_str(),
                    draft.title,
                    draft.text,
                    tags_json(&draft.tags),
                    now_ms()
                ],
            )
            .map_err(|error| storage(&error, "keep the story"))?;
        if rows == 0 {
            return Err(none_such(id.short()));
        }
        self.story(id)
    }

    /// Returns all stories, oldest first.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn stories(&self) -> Result<Vec<Story>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM stories ORDER BY made_at, id"
            ))
            .map_err(failed)?;
        query
            .query_map([], read_story)
            .and_then(Iterator::collect)
            .map_err(failed)
    }

    /// Returns the story named `id`.
    ///
    /// # Errors
    /// Fails when there is no such story or the journal cannot be read.
    pub fn story(&self, id: &StoryId) -> Result<Story> {
        self.connection()
            .query_row(
                &format!("SELECT {COLUMNS} FROM stories WHERE id = ?1"),
                [id.as_str()],
                read_story,
            )
            .optional()
            .map_err(|error| storage(&error, "be read"))?
            .ok_or_else(|| none_such(id.short()))
    }

    /// Returns the story that a person means by `text`: four characters of its
    /// name at least (see [`StoryId::is_meant_by`]), or `last` for the one made
    /// last.
    ///
    /// # Errors
    /// Fails when it means none or more than one.
    pub fn find_story(&self, text: &str) -> Result<Story> {
        let wanted = text.to_lowercase();
        if wanted == "last" {
            return self.stories()?.pop().ok_or_else(|| none_such(text));
        }
        if wanted.len() < 4 || !wanted.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            return Err(none_such(text));
        }
        let mut found = self.stories()?;
        found.retain(|story| story.id.is_meant_by(&wanted));
        match found.len() {
            0 => Err(none_such(text)),
            1 => found.pop().ok_or_else(|| none_such(text)),
            _ => Err(
                Error::usage(format!("more than one story is meant by {text:?}"))
                    .hint("Give more characters of the name, as `viva stories --json` prints it."),
            ),
        }
    }

    /// Removes the story named `id` and its tellings, also from the free pages
    /// and the write-ahead log.
    ///
    /// # Errors
    /// Fails when there is no such story, when an interview is running, or
    /// when nothing can be written.
    pub fn remove_story(&self, id: &StoryId) -> Result<()> {
        self.story(id)?;
        self.purge(|connection| {
            let note = format!("{NOTE}{}", id.as_str());
            connection.execute("DELETE FROM kept WHERE name = ?1", [note])?;
            connection.execute("DELETE FROM stories WHERE id = ?1", [id.as_str()])
        })
        .map(|_| ())
    }

    /// Stores that a story was told. What is known already of the same attempt
    /// at the same question is replaced, so that a resumed session may repeat
    /// itself.
    ///
    /// # Errors
    /// Fails when story or session are not there, or nothing can be written.
    pub fn record_telling(&self, telling: &Telling) -> Result<()> {
        insert_telling(&self.connection(), telling)
            .map_err(|error| storage(&error, "keep which story was told"))
    }

    /// Returns every telling, oldest first.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn tellings(&self) -> Result<Vec<Telling>> {
        self.tellings_where("?1 = ''", "")
    }

    /// Returns the tellings of `session`, oldest first.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn tellings_in(&self, session: &SessionId) -> Result<Vec<Telling>> {
        self.tellings_where("session = ?1", session.as_str())
    }

    /// Returns what was kept of the last check of the story named `id`, an
    /// opaque value; `None` when there is none that can be read.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub fn story_check(&self, id: &StoryId) -> Result<Option<Value>> {
        let text: Option<String> = self
            .connection()
            .query_row(
                "SELECT json FROM kept WHERE name = ?1",
                [format!("{NOTE}{}", id.as_str())],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| storage(&error, "be read"))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Keeps what the check of the story named `id` found.
    ///
    /// # Errors
    /// Fails when nothing can be written.
    pub fn put_story_check(&self, id: &StoryId, check: &Value) -> Result<()> {
        self.connection()
            .execute(
                "INSERT INTO kept (name, at_ms, json) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms, json = excluded.json",
                params![
                    format!("{NOTE}{}", id.as_str()),
                    now_ms(),
                    check.to_string()
                ],
            )
            .map(|_| ())
            .map_err(|error| storage(&error, "keep the check of the story"))
    }

    fn tellings_where(&self, condition: &str, value: &str) -> Result<Vec<Telling>> {
        let failed = |error| storage(&error, "be read");
        let connection = self.connection();
        let mut query = connection
            .prepare_cached(&format!(
                "SELECT story, session, question, attempt, at_ms, likeness
                 FROM tellings WHERE {condition} ORDER BY at_ms, id"
            ))
            .map_err(failed)?;
        query
            .query_map([value], read_telling)
            .and_then(Iterator::collect)
            .map_err(failed)
    }
}

/// Removes all stories and what is kept beside them; their tellings go with
/// them.
pub(super) fn delete_stories(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM kept WHERE name LIKE ?1", [format!("{NOTE}%")])?;
    connection.execute("DELETE FROM stories", [])
}

/// Lets the stories that were taken from `session` stand on their own.
pub(super) fn forget_origin(
    connection: &Connection,
    session: &SessionId,
) -> rusqlite::Result<usize> {
    connection.execute(
        "UPDATE stories SET origin = 'null'
         WHERE json_valid(origin) AND json_extract(origin, '$.session') = ?1",
        [session.as_str()],
    )
}

/// Inserts a story unless one of this name is here; returns whether it was new.
pub(super) fn insert_story(connection: &Connection, story: &Story) -> rusqlite::Result<bool> {
    let origin = serde_json::to_string(&story.origin).unwrap_or_else(|_| "null".to_owned());
    let rows = connection.execute(
        "INSERT OR IGNORE INTO stories (id, made_at, changed_at, title, text, tags, origin)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            story.id.as_str(),
            story.made_at,
            story.changed_at,
            story.title,
            story.text,
            tags_json(&story.tags),
            origin
        ],
    )?;
    Ok(rows == 1)
}

pub(super) fn insert_telling(connection: &Connection, telling: &Telling) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO tellings (story, session, question, attempt, at_ms, likeness)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (session, question, attempt) DO UPDATE
             SET story = excluded.story, at_ms = excluded.at_ms, likeness = excluded.likeness",
            params![
                telling.story.as_str(),
                telling.session.as_str(),
                telling.question,
                telling.attempt,
                telling.at_ms,
                telling.likeness
            ],
        )
        .map(|_| ())
}

fn tags_json(tags: &[String]) -> String {
    serde_json::to_string(tags).unwrap_or_else(|_| "[]".to_owned())
}

fn none_such(text: &str) -> Error {
    Error::usage(format!("there is no story {text:?}"))
        .hint("`viva stories` lists them; four characters of a name, or `last`, will do.")
}

fn read_story(row: &Row<'_>) -> rusqlite::Result<Story> {
    let id: String = row.get(0)?;
    let tags: String = row.get(5)?;
    let origin: String = row.get(6)?;
    Ok(Story {
        id: StoryId::parse(&id).ok_or_else(|| unreadable(0, "a story's name", &id))?,
        made_at: row.get(1)?,
        changed_at: row.get(2)?,
        title: row.get(3)?,
        text: row.get(4)?,
        // Tags and origin are conveniences: the words are what must be read.
        tags: serde_json::from_str(&tags).unwrap_or_default(),
        origin: serde_json::from_str(&origin).unwrap_or_default(),
    })
}

fn read_telling(row: &Row<'_>) -> rusqlite::Result<Telling> {
    let story: String = row.get(0)?;
    let session: String = row.get(1)?;
    Ok(Telling {
        story: StoryId::parse(&story).ok_or_else(|| unreadable(0, "a story's name", &story))?,
        session: SessionId::parse(&session)
            .ok_or_else(|| unreadable(1, "a session name", &session))?,
        question: row.get(2)?,
        attempt: row.get(3)?,
        at_ms: row.get(4)?,
        likeness: row.get(5)?,
    })
}

fn unreadable(column: usize, what: &str, found: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        rusqlite::types::Type::Text,
        format!("{found:?} is not {what}").into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::Paths;
    use crate::store::{SessionMeta, Status};

    fn draft(title: &str, text: &str) -> StoryDraft {
        StoryDraft {
            title: title.to_owned(),
            text: text.to_owned(),
            tags: vec!["growth".to_owned()],
            origin: None,
        }
    }

    fn told(journal: &Journal, story: &Story) -> Telling {
        let session = journal.begin(&SessionMeta::default()).unwrap();
        journal.finish(&session, Status::Finished).unwrap();
        let telling = Telling {
            story: story.id.clone(),
            session,
            question: "conflict".to_owned(),
            attempt: 0,
            at_ms: 7,
            likeness: 0.5,
        };
        journal.record_telling(&telling).unwrap();
        telling
    }

    #[test]
    fn a_story_is_found_by_the_end_of_its_name_and_changed_in_place() {
        let journal = Journal::open_in_memory().unwrap();
        let first = journal.add_story(&draft("Feed", "I traced it.")).unwrap();
        let second = journal.add_story(&draft("Sceptic", "I sat down.")).unwrap();
        assert_eq!(journal.stories().unwrap(), [first.clone(), second.clone()]);
        assert_eq!(journal.find_story(first.id.short()).unwrap(), first);
        assert_eq!(journal.find_story(&first.id.short()[..6]).unwrap(), first);
        assert_eq!(journal.find_story("last").unwrap(), second);
        let changed = journal
            .change_story(&first.id, &draft("Feed", "I traced it twice."))
            .unwrap();
        assert_eq!(changed.text, "I traced it twice.");
        assert_eq!(changed.made_at, first.made_at);
        for nothing in ["ffffffff-ffff", "xyz", "", "%%%%"] {
            let error = journal.find_story(nothing).expect_err(nothing);
            assert_eq!(error.kind(), crate::ErrorKind::Usage, "{nothing}");
        }
        // Names of one moment begin alike.
        let clock = &first.id.as_str()[..4];
        let error = journal.find_story(clock).expect_err("two stories");
        assert!(error.to_string().contains("more than one"), "{error}");
    }

    #[test]
    fn a_telling_told_again_replaces_the_first_and_goes_with_its_session() {
        let journal = Journal::open_in_memory().unwrap();
        let story = journal.add_story(&draft("Feed", "I traced it.")).unwrap();
        let mut telling = told(&journal, &story);
        telling.likeness = 0.9;
        journal.record_telling(&telling).unwrap();
        assert_eq!(journal.tellings().unwrap(), [telling.clone()]);
        assert_eq!(
            journal.tellings_in(&telling.session).unwrap(),
            [telling.clone()]
        );
        journal.forget(&telling.session).unwrap();
        assert_eq!(journal.tellings().unwrap(), []);
        assert_eq!(journal.stories().unwrap(), [story]);
    }

    #[test]
    fn a_forgotten_session_is_no_longer_named_by_the_stories_taken_from_it() {
        let journal = Journal::open_in_memory().unwrap();
        let session = journal.begin(&SessionMeta::default()).unwrap();
        journal.finish(&session, Status::Finished).unwrap();
        let taken = journal
            .add_story(&StoryDraft {
                origin: Some(Origin {
                    session: session.clone(),
                    question: "conflict".to_owned(),
                    attempt: 0,
                }),
                ..draft("Feed", "I traced it.")
            })
            .unwrap();
        assert!(taken.origin.is_some());
        journal.forget(&session).unwrap();
        assert_eq!(journal.story(&taken.id).unwrap().origin, None);
    }

    #[test]
    fn what_is_removed_is_in_no_file_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Paths::under(dir.path())).unwrap();
        let bytes = |dir: &std::path::Path| -> Vec<u8> {
            std::fs::read_dir(dir.join("data"))
                .unwrap()
                .flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap_or_default())
                .collect()
        };
        let holds = |words: &[u8]| bytes(dir.path()).windows(words.len()).any(|w| w == words);
        let story = journal
            .add_story(&draft("Feed", "quartzflamingo one"))
            .unwrap();
        let other = journal
            .add_story(&draft("Other", "quartzflamingo two"))
            .unwrap();
        journal
            .put_story_check(
                &story.id,
                &serde_json::json!({"said": "quartzflamingo three"}),
            )
            .unwrap();
        told(&journal, &other);
        assert!(holds(b"quartzflamingo three"));
        journal.remove_story(&story.id).unwrap();
        assert!(!holds(b"quartzflamingo one") && !holds(b"quartzflamingo three"));
        assert!(holds(b"quartzflamingo two"));
        journal.forget_all().unwrap();
        assert!(!holds(b"quartzflamingo"));
        assert_eq!(journal.tellings().unwrap(), []);
    }

    #[test]
    fn stories_and_tellings_are_taken_along_and_brought_back() {
        let here = Journal::open_in_memory().unwrap();
        let story = here
            .add_story(&draft("Feed \"é\"", "I traced it.\n\nTwice."))
            .unwrap();
        here.add_story(&draft("Other", "never told")).unwrap();
        told(&here, &story);
        let export = |journal: &Journal| {
            let mut out = Vec::new();
            let done = journal.export(&mut out).unwrap();
            (out, done)
        };
        let (out, done) = export(&here);
        assert_eq!((done.sessions, done.stories), (1, 2));
        let there = Journal::open_in_memory().unwrap();
        let done = there.import(&mut &out[..]).unwrap();
        assert_eq!((done.sessions, done.stories), (1, 2));
        assert_eq!(there.stories().unwrap(), here.stories().unwrap());
        assert_eq!(there.tellings().unwrap(), here.tellings().unwrap());
        assert_eq!(export(&there).0, out);
        // Once more changes nothing.
        let done = there.import(&mut &out[..]).unwrap();
        assert_eq!((done.sessions, done.known, done.stories), (0, 1, 0));
        assert_eq!(export(&there).0, out);
    }

    #[test]
    fn an_export_from_before_there_were_stories_is_still_read() {
        let old = concat!(r#"{"type":"viva-journal","schema":1,"sessions":0}"#, "\n");
        let journal = Journal::open_in_memory().unwrap();
        assert_eq!(
            journal.import(&mut old.as_bytes()).unwrap(),
            crate::store::Imported::default()
        );
    }

    #[test]
    fn a_telling_of_a_story_that_is_not_there_ends_the_import() {
        let here = Journal::open_in_memory().unwrap();
        let story = here.add_story(&draft("Feed", "I traced it.")).unwrap();
        told(&here, &story);
        let mut out = Vec::new();
        here.export(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let without: String = text
            .lines()
            .filter(|line| !line.contains("\"type\":\"story\""))
            .map(|line| format!("{line}\n"))
            .collect();
        let there = Journal::open_in_memory().unwrap();
        let error = there
            .import(&mut without.as_bytes())
            .expect_err("no such story");
        assert!(error.to_string().contains("story"), "{error}");
        assert_eq!(there.tellings().unwrap(), []);
        assert!(there.latest_unfinished().unwrap().is_none());
    }
}
