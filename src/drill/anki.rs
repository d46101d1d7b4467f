//! Rubric points as an Anki package: the notes, and the bytes of an `.apkg`.
//!
//! A package is a zip archive with a SQLite collection (`collection.anki2`,
//! schema 11) and a list of media (`media`, none here). Which points go in,
//! and where the file is written, is not decided here.
//!
//! A card comes in as new: Anki keeps its own schedule on the phone, and what
//! is answered there does not come back.

use std::io::{Cursor, Write};

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::guide::{Point, PointKind, Question};
use crate::{Error, Result};

/// The deck's name. Anki puts the cards into the deck of this name where the
/// person has one already.
pub const DECK: &str = "viva";

/// Anki tells decks and note types apart by these numbers. They are drawn once
/// and never change; a change of [`FIELDS`] needs a new note type.
const DECK_ID: i64 = 1_764_115_203_417;
const NOTE_TYPE_ID: i64 = 1_764_115_208_952;

/// When the look of the cards was last changed, seconds since 1970: a later
/// number makes Anki take the new look over the one it has.
const LOOK_CHANGED: i64 = 1_795_564_800;

/// Between the fields of a note.
const FIELD_END: &str = "\u{1f}";

/// The fields of the note type, in order. The first is unique, since Anki
/// warns of notes that share it.
const FIELDS: [&str; 6] = ["Id", "Question", "Asked", "Point", "Why", "Source"];

const FRONT: &str = r#"<div class="question">{{Question}}</div>
<div class="asked">{{Asked}}</div>"#;

const BACK: &str = r#"{{FrontSide}}
<hr id=answer>
<div class="point">{{Point}}</div>
<div class="why">{{Why}}</div>
<div class="source">{{Source}}</div>"#;

const CSS: &str = ".card { font-family: sans-serif; font-size: 18px; line-height: 1.4; text-align: left; max-width: 34em; margin: 0 auto; }
.asked { margin-top: 1em; font-weight: bold; }
.point { font-weight: bold; }
.why { margin-top: 1em; }
.source { margin-top: 1em; font-size: 80%; opacity: 0.7; }
";

const TABLES: &str = include_str!("anki.sql");

/// A rubric point as a note; every text is plain, not HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The question's identifier.
    pub question: String,
    /// The point's identifier.
    pub point: String,
    /// The question in one of its wordings.
    pub wording: String,
    /// What is asked for, without naming it.
    pub asked: String,
    /// The point's statement.
    pub statement: String,
    /// Why a panel minds.
    pub why: String,
    /// Where it stands in the guides.
    pub source: String,
    /// Concept, competencies and round.
    pub tags: Vec<String>,
}

impl Note {
    /// Returns the note of `point`, a point of `question`, which stands at
    /// `citation`. It asks the question as it is written and follows up with
    /// the point's first probe; [`Note::asking`] changes both.
    pub fn of(question: &Question, point: &Point, citation: &str) -> Self {
        let panel = match point.kind {
            PointKind::Essential => "Essential: an answer without it is thin.",
            PointKind::Strong => "Good candidates say it.",
            PointKind::Standout => "Few say it, and panels remember those who do.",
        };
        let mut tags = vec![
            format!("concept::{}", question.concept),
            format!("round::{}", question.round),
        ];
        tags.extend(
            question
                .competencies
                .iter()
                .map(|competency| format!("competency::{competency}")),
        );
        Self {
            question: question.id.clone(),
            point: point.id.clone(),
            wording: question.ask.clone(),
            asked: point.probes.first().cloned().unwrap_or_default(),
            statement: point.text.clone(),
            why: format!(
                "{panel} It is worth {} of the question's 100.\n\nWhat the panel scores: {}",
                point.weight, question.panel_note
            ),
            source: citation.to_owned(),
            tags,
        }
    }

    /// Returns the same note in other words: the question as `wording`, and
    /// `asked` after it.
    #[must_use]
    pub fn asking(mut self, wording: &str, asked: &str) -> Self {
        wording.clone_into(&mut self.wording);
        asked.clone_into(&mut self.asked);
        self
    }

    /// Returns the name Anki knows the note by: of the question and the point
    /// alone, so that a second import updates the note whatever its words.
    /// 16 hexadecimal digits of SHA-256.
    pub fn guid(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.question.as_bytes());
        hash.update([0]);
        hash.update(self.point.as_bytes());
        hash.finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Returns the fields as Anki stores them, in the order of [`FIELDS`].
    fn fields(&self) -> String {
        let id = format!("{}/{}", self.question, self.point);
        let fields: [&str; FIELDS.len()] = [
            &id,
            &self.wording,
            &self.asked,
            &self.statement,
            &self.why,
            &self.source,
        ];
        fields.map(html).join(FIELD_END)
    }

    /// Returns the tags as Anki stores them: between spaces, none inside.
    fn tag_line(&self) -> String {
        let mut line = String::from(" viva ");
        for tag in &self.tags {
            line.extend(
                tag.chars()
                    .filter(|c| !c.is_control())
                    .map(|c| if c.is_whitespace() { '-' } else { c }),
            );
            line.push(' ');
        }
        line
    }
}

/// Returns `text` as HTML. Square brackets are escaped as well: Anki reads
/// `[sound:…]` and `[latex]` inside a field.
fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '[' => out.push_str("&#91;"),
            '\n' => out.push_str("<br>"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Returns the bytes of an `.apkg` with `notes`, in the order they should be
/// learned in. `made_at_ms` (milliseconds since 1970) tells Anki which of two
/// versions of a note is the newer one.
///
/// # Errors
/// Fails with [`crate::ErrorKind::Storage`] when no temporary file can be
/// written.
pub fn package(notes: &[Note], made_at_ms: i64) -> Result<Vec<u8>> {
    let failed = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Error::storage("the cards could not be packed for Anki")
            .caused_by(cause)
            .hint("Check that the folder for temporary files can be written and has room.")
    };
    // Which points somebody is weak in is theirs alone: the folder is too.
    let folder = tempfile::tempdir().map_err(|error| failed(error.into()))?;
    let file = folder.path().join("collection.anki2");
    collection(&file, notes, made_at_ms).map_err(|error| failed(error.into()))?;
    let collection = std::fs::read(&file).map_err(|error| failed(error.into()))?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("collection.anki2", &collection[..]), ("media", b"{}")] {
        zip.start_file(name, SimpleFileOptions::default())
            .map_err(|error| failed(error.into()))?;
        zip.write_all(bytes).map_err(|error| failed(error.into()))?;
    }
    zip.finish()
        .map(Cursor::into_inner)
        .map_err(|error| failed(error.into()))
}

/// Writes the collection to `file`, which is not there yet.
fn collection(file: &std::path::Path, notes: &[Note], at_ms: i64) -> rusqlite::Result<()> {
    let at = at_ms.div_euclid(1000);
    let mut connection = Connection::open(file)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute(
        "INSERT INTO col (id, crt, mod, scm, ver, dty, usn, ls, conf, models, decks, dconf, tags)
         VALUES (1, ?1, ?2, ?2, 11, 0, 0, 0, ?3, ?4, ?5, ?6, '{}')",
        params![
            at,
            at_ms,
            settings(notes.len()).to_string(),
            note_types().to_string(),
            decks(at).to_string(),
            deck_options().to_string(),
        ],
    )?;
    for (n, note) in (0_i64..).zip(notes) {
        // A note is told by its GUID; the numbers only tie cards to notes, and
        // Anki draws others where it has them already.
        let id = at_ms + n;
        let fields = note.fields();
        let sort = fields.split(FIELD_END).next().unwrap_or_default();
        // Anki works the checksum out itself when it takes the note in.
        transaction.execute(
            "INSERT INTO notes (id, guid, mid, mod, usn, tags, flds, sfld, csum, flags, data)
             VALUES (?1, ?2, ?3, ?4, -1, ?5, ?6, ?7, 0, 0, '')",
            params![
                id,
                note.guid(),
                NOTE_TYPE_ID,
                at,
                note.tag_line(),
                fields,
                sort
            ],
        )?;
        // A new card; `due` is its place among the new ones.
        transaction.execute(
            "INSERT INTO cards (id, nid, did, ord, mod, usn, type, queue, due, ivl, factor, reps,
                                lapses, left, odue, odid, flags, data)
             VALUES (?1, ?1, ?2, 0, ?3, -1, 0, 0, ?4, 0, 0, 0, 0, 0, 0, 0, 0, '')",
            params![id, DECK_ID, at, n + 1],
        )?;
    }
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)
}

/// Returns the note types, by number.
fn note_types() -> Value {
    let fields: Vec<Value> = FIELDS
        .iter()
        .enumerate()
        .map(|(ord, name)| {
            json!({"name": name, "ord": ord, "sticky": false, "rtl": false, "font": "Arial",
                   "size": 20, "media": []})
        })
        .collect();
    json!({NOTE_TYPE_ID.to_string(): {
        "id": NOTE_TYPE_ID, "name": "viva point", "type": 0, "mod": LOOK_CHANGED, "usn": -1,
        "sortf": 0, "did": DECK_ID, "tags": [], "vers": [], "flds": fields, "css": CSS,
        "tmpls": [{"name": "Point", "ord": 0, "qfmt": FRONT, "afmt": BACK, "bqfmt": "",
                   "bafmt": "", "did": null}],
        // The card exists where one of these fields (by number) is not empty.
        "req": [[0, "any", [1, 2]]],
        "latexPre": "", "latexPost": "",
    }})
}

/// Returns the decks, by number: Anki wants its default one to be there.
fn decks(at: i64) -> Value {
    let deck = |id: i64, name: &str| {
        json!({"id": id, "name": name, "mod": at, "usn": -1, "desc": "", "dyn": 0, "conf": 1,
               "collapsed": false, "browserCollapsed": false, "extendNew": 0, "extendRev": 0,
               "lrnToday": [0, 0], "revToday": [0, 0], "newToday": [0, 0], "timeToday": [0, 0]})
    };
    json!({"1": deck(1, "Default"), DECK_ID.to_string(): deck(DECK_ID, DECK)})
}

/// Returns the options of the decks: Anki's own defaults.
fn deck_options() -> Value {
    json!({"1": {
        "id": 1, "name": "Default", "mod": 0, "usn": 0, "maxTaken": 60, "autoplay": true,
        "timer": 0, "replayq": true, "dyn": false,
        "new": {"bury": false, "delays": [1.0, 10.0], "initialFactor": 2500, "ints": [1, 4, 0],
                "order": 1, "perDay": 20},
        "rev": {"bury": false, "ease4": 1.3, "ivlFct": 1.0, "maxIvl": 36500, "perDay": 200,
                "hardFactor": 1.2},
        "lapse": {"delays": [10.0], "leechAction": 1, "leechFails": 8, "minInt": 1, "mult": 0.0},
    }})
}

/// Returns the collection's settings: Anki's own defaults.
fn settings(notes: usize) -> Value {
    json!({"activeDecks": [1], "curDeck": 1, "newSpread": 0, "collapseTime": 1200, "timeLim": 0,
           "estTimes": true, "dueCounts": true, "curModel": null, "nextPos": notes + 1,
           "sortType": "noteFld", "sortBackwards": false, "addToCur": true})
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::guide::{Document, Library, Origin};

    fn notes() -> Vec<Note> {
        let text = include_str!("../../tests/fixtures/guides/tiny.toml");
        let mut library = Library::default();
        library.add_guide(
            &Document::new("tiny.toml", text).expect("within limits"),
            Origin::BuiltIn,
        );
        let question = library.question("tiny-retry-storm").expect("the question");
        let citation = library.citation(question);
        question
            .points
            .iter()
            .map(|point| Note::of(question, point, &citation))
            .collect()
    }

    /// Opens the collection inside a package.
    fn opened(package: Vec<u8>) -> (tempfile::TempDir, Connection) {
        let mut zip = zip::ZipArchive::new(Cursor::new(package)).expect("a zip archive");
        let mut media = String::new();
        zip.by_name("media")
            .expect("the list of media")
            .read_to_string(&mut media)
            .expect("text");
        assert_eq!(media, "{}");
        let mut bytes = Vec::new();
        zip.by_name("collection.anki2")
            .expect("the collection")
            .read_to_end(&mut bytes)
            .expect("read");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("c.anki2");
        std::fs::write(&file, bytes).expect("written");
        let connection = Connection::open(&file).expect("a database");
        (folder, connection)
    }

    #[test]
    fn a_note_asks_without_naming_the_point_and_answers_with_it() {
        let note = &notes()[2];
        assert!(note.wording.starts_with("A scoring service went down"));
        assert_eq!(
            note.asked,
            "What would the callers do differently next time?"
        );
        assert_eq!(note.statement, "Adds randomised backoff to the clients");
        assert!(
            note.why
                .starts_with("Good candidates say it. It is worth 25")
        );
        assert_eq!(note.source, "tiny, question 1");
        assert_eq!(
            note.tags,
            [
                "concept::retry-storm",
                "round::technical",
                "competency::production",
                "competency::engineering"
            ]
        );
    }

    #[test]
    fn other_words_make_the_same_note_and_another_point_another() {
        let first = &notes()[0];
        let again = first.clone().asking("In other words?", "And then?");
        assert_eq!(
            (again.wording.as_str(), again.asked.as_str()),
            ("In other words?", "And then?")
        );
        assert_eq!(first.guid(), again.guid());
        let names: std::collections::BTreeSet<String> = notes().iter().map(Note::guid).collect();
        assert_eq!(names.len(), 4);
    }

    #[test]
    fn a_package_holds_a_card_for_each_note_in_order() {
        let at_ms = 1_700_000_000_500;
        let wanted = notes();
        let (_folder, connection) = opened(package(&wanted, at_ms).expect("packed"));
        let mut query = connection
            .prepare(
                "SELECT n.guid, n.flds, n.tags, n.mod, c.due FROM notes n JOIN cards c ON c.nid = n.id
                 ORDER BY c.due",
            )
            .expect("the tables");
        let rows: Vec<(String, String, String, i64, i64)> = query
            .query_map([], |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            })
            .and_then(Iterator::collect)
            .expect("rows");
        assert_eq!(rows.len(), wanted.len());
        for ((n, row), note) in (1..).zip(&rows).zip(&wanted) {
            assert_eq!(row.0, note.guid());
            assert_eq!(row.1.split(FIELD_END).count(), FIELDS.len());
            assert!(row.2.starts_with(" viva concept::retry-storm ") && row.2.ends_with(' '));
            assert_eq!((row.3, row.4), (1_700_000_000, n));
        }
        let models: String = connection
            .query_row("SELECT models FROM col", [], |row| row.get(0))
            .expect("the note types");
        assert!(models.contains("viva point"));
    }

    #[test]
    fn markup_in_a_guide_stays_text_and_no_field_breaks_into_two() {
        let mut note = notes()[0].clone();
        note.wording = "Is a<b & \"c\">d\u{1f}?\n[sound:x.mp3]\u{1b}".to_owned();
        note.tags = vec!["concept::two words".to_owned()];
        assert_eq!(
            note.fields().split(FIELD_END).nth(1),
            Some("Is a&lt;b &amp; &quot;c&quot;&gt;d?<br>&#91;sound:x.mp3]")
        );
        assert_eq!(note.fields().split(FIELD_END).count(), FIELDS.len());
        assert_eq!(note.tag_line(), " viva concept::two-words ");
    }

    #[test]
    fn no_notes_make_an_empty_package() {
        let (_folder, connection) = opened(package(&[], 0).expect("packed"));
        let cards: i64 = connection
            .query_row("SELECT count(*) FROM cards", [], |row| row.get(0))
            .expect("counted");
        assert_eq!(cards, 0);
    }
}
