//! Tests of the journal as its users see it.

use std::io::BufReader;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ErrorKind;
use crate::paths::Paths;

/// A data folder of its own.
fn folder() -> (tempfile::TempDir, Paths) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let paths = Paths::under(root);
    (dir, paths)
}

fn meta() -> SessionMeta {
    SessionMeta {
        title: "Recruiter screen".into(),
        plan: "screen".into(),
        mode: "practice".into(),
        seed: u64::MAX - 6,
        model: ModelStamp {
            name: "starter Q4_1".into(),
            hash: "ab12".into(),
        },
        versions: Versions {
            judge: "1".into(),
            prompts: "2".into(),
            guides: "3".into(),
        },
        extra: json!({"questions": 3}),
    }
}

fn verdict(point: &str) -> VerdictRow {
    VerdictRow {
        question: "q1".into(),
        attempt: 0,
        source: VerdictSource::Interview,
        point: point.into(),
        verdict: "covered".into(),
        probability: 0.1 + 0.2,
        recovery: "unaided".into(),
        model_hash: "ab12".into(),
        versions: meta().versions,
    }
}

#[test]
fn what_is_appended_is_read_back_in_order_by_another_process_too() {
    let (_dir, paths) = folder();
    let journal = Journal::open(&paths).unwrap();
    let id = journal.begin(&meta()).unwrap();
    assert_eq!(
        journal
            .append(&id, &json!({"type": "asked", "q": 1}))
            .unwrap(),
        0
    );
    assert_eq!(
        journal
            .append(&id, &json!({"Answered": {"text": "β \u{0}"}}))
            .unwrap(),
        1
    );
    assert_eq!(journal.append(&id, &"Paused").unwrap(), 2);

    let reader = Journal::open_to_read(&paths).unwrap().unwrap();
    let events = reader.events(&id).unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["asked", "answered", "paused"]);
    assert_eq!(events[1].event, json!({"Answered": {"text": "β \u{0}"}}));
    assert_eq!(reader.session(&id).unwrap().meta, meta());
}

#[test]
fn a_draft_survives_until_the_answer_is_stored() {
    let (_dir, paths) = folder();
    let journal = Journal::open(&paths).unwrap();
    let id = journal.begin(&meta()).unwrap();
    journal.append_line(&id, "first").unwrap();
    journal.append_line(&id, "").unwrap();
    journal.append_line(&id, "third").unwrap();
    journal.append(&id, &json!({"type": "tick"})).unwrap();
    assert_eq!(journal.draft(&id).unwrap(), ["first", "", "third"]);
    journal.replace_draft(&id, &["other".into()]).unwrap();
    assert_eq!(journal.draft(&id).unwrap(), ["other"]);
    journal.append(&id, &json!({"type": "answered"})).unwrap();
    assert!(journal.draft(&id).unwrap().is_empty());
}

#[test]
fn the_latest_unfinished_session_is_found_and_a_finished_one_is_not() {
    let (_dir, paths) = folder();
    let journal = Journal::open(&paths).unwrap();
    let first = journal.begin(&meta()).unwrap();
    let second = journal.begin(&meta()).unwrap();
    assert!(journal.latest_unfinished().unwrap().is_none());
    for session in [&first, &second] {
        journal.append(session, &json!({"type": "asked"})).unwrap();
    }
    // The program ended before this one's first event: nothing to go on with.
    let empty = journal.begin(&meta()).unwrap();
    assert_eq!(journal.latest_unfinished().unwrap().unwrap().id, second);
    journal.forget(&empty).unwrap();
    journal.finish(&second, Status::Finished).unwrap();
    assert_eq!(journal.latest_unfinished().unwrap().unwrap().id, first);
    assert_eq!(
        journal.resume(&second).unwrap_err().kind(),
        ErrorKind::Usage
    );
    assert_eq!(journal.find("last").unwrap(), second);
    assert_eq!(journal.find(first.short()).unwrap(), first);
    assert_eq!(journal.find(&first.short()[..6]).unwrap(), first);
    assert_eq!(journal.find("zz").unwrap_err().kind(), ErrorKind::Usage);
}

#[test]
fn a_second_interview_is_told_who_has_the_journal_while_reading_goes_on() {
    let (_dir, paths) = folder();
    let first = Journal::open(&paths).unwrap();
    let id = first.begin(&meta()).unwrap();
    let second = Journal::open(&paths).unwrap();
    let error = second.begin(&meta()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains(&std::process::id().to_string()));
    assert_eq!(second.sessions(&SessionFilter::default()).unwrap().len(), 1);
    assert!(second.forget(&id).is_err());
    first.finish(&id, Status::Finished).unwrap();
    second.begin(&meta()).unwrap();
}

#[cfg(unix)]
#[test]
fn everything_in_the_data_folder_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, paths) = folder();
    let journal = Journal::open(&paths).unwrap();
    let id = journal.begin(&meta()).unwrap();
    journal.append(&id, &1).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&paths.data), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&paths.data).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
        files += 1;
    }
    assert!(files >= 3, "database, log and lock are expected");
}

#[test]
fn forgetting_leaves_no_trace_in_any_file() {
    let (_dir, paths) = folder();
    let journal = Journal::open(&paths).unwrap();
    let secret = "the-employer-nobody-may-know";
    let gone = journal.begin(&meta()).unwrap();
    for _ in 0..50 {
        journal
            .append(&gone, &json!({"type": "answered", "text": secret}))
            .unwrap();
        journal.append_line(&gone, secret).unwrap();
    }
    journal.finish(&gone, Status::Finished).unwrap();
    let kept = journal.begin(&meta()).unwrap();
    journal.append(&kept, &json!("kept")).unwrap();
    let holds_secret = || {
        std::fs::read_dir(&paths.data).unwrap().any(|entry| {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes())
        })
    };
    assert!(holds_secret());
    journal.forget(&gone).unwrap();
    assert!(!holds_secret());
    assert_eq!(journal.events(&kept).unwrap().len(), 1);
    assert_eq!(journal.forget_all().unwrap(), 1);
    assert!(
        journal
            .sessions(&SessionFilter::default())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_note_of_the_layout_holds_the_migrations_words_and_nobody_elses() {
    let (_dir, paths) = folder();
    let journal = Journal::open(&paths).unwrap();
    let session = journal.begin(&meta()).unwrap();
    for n in 0..300 {
        journal
            .append(&session, &json!({"type": "asked", "n": n}))
            .unwrap();
    }
    journal.finish(&session, Status::Finished).unwrap();
    let schema = [
        include_str!("migrations/0001_journal.sql"),
        include_str!("migrations/0002_drill.sql"),
        include_str!("migrations/0003_stories.sql"),
    ]
    .concat();
    let note = open::beside(&paths.journal(), layout::SUFFIX);
    let read = || -> Value { serde_json::from_slice(&std::fs::read(&note).unwrap()).unwrap() };
    let first = read();
    let objects = first["objects"].as_array().unwrap();
    assert!(objects.len() > 15, "{first}");
    for object in objects {
        // SQLite names the indexes of UNIQUE after their table and keeps no words.
        let words = object["sql"].as_str().or(object["table"].as_str()).unwrap();
        assert!(schema.contains(words), "{words}");
        assert_eq!(object.as_object().unwrap().len(), 5);
    }
    // Forgetting moves the tables, and the note goes with them.
    journal.forget(&session).unwrap();
    let noted = layout::Layout::noted(&paths.journal()).unwrap();
    assert_eq!(noted, layout::Layout::of(&journal.connection()).unwrap());
    drop(journal);
    std::fs::write(&note, b"{}").unwrap();
    drop(Journal::open(&paths).unwrap());
    assert_eq!(layout::Layout::noted(&paths.journal()), Some(noted));
}

#[test]
fn a_newer_schema_is_refused_and_left_untouched() {
    let (_dir, paths) = folder();
    drop(Journal::open(&paths).unwrap());
    let connection = rusqlite::Connection::open(paths.journal()).unwrap();
    connection
        .execute_batch("CREATE TABLE later (id INTEGER); PRAGMA user_version = 99")
        .unwrap();
    drop(connection);
    let before = std::fs::read(paths.journal()).unwrap();
    let error = Journal::open(&paths).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("newer viva"));
    assert!(error.hints()[0].contains("Update viva"));
    assert_eq!(std::fs::read(paths.journal()).unwrap(), before);
}

#[test]
fn the_migrations_are_valid_and_the_released_ones_unchanged() {
    use sha2::Digest;
    assert_eq!(open::known_schema(), 3);
    let sum = sha2::Sha256::digest(include_str!("migrations/0001_journal.sql"));
    let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex, "91cc66b1909efc85f70c7f4ff6b512d881687319c94d17e901ae0830ae0d8c02",
        "a released migration is never edited: add a new file instead"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_a_clear_storage_error() {
    let (dir, mut paths) = folder();
    let file = dir.path().join("a-file");
    std::fs::write(&file, "x").unwrap();
    paths.data = file.join("data");
    let error = Journal::open(&paths).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(
        error
            .hints()
            .iter()
            .any(|hint| hint.contains("VIVA_DATA_DIR"))
    );
    assert!(Journal::open_to_read(&paths).unwrap().is_none());
}

#[test]
fn a_full_disk_is_said_clearly_and_loses_nothing_already_stored() {
    let (_dir, paths) = folder();
    let journal = Journal::open(&paths).unwrap();
    let id = journal.begin(&meta()).unwrap();
    // SQLite's own limit gives the code that a full disk gives.
    journal
        .connection()
        .pragma_update(None, "max_page_count", 40)
        .unwrap();
    let mut stored = 0;
    let error = loop {
        match journal.append(&id, &json!({"type": "asked", "text": "why ".repeat(500)})) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 1000, "the limit was never reached");
    };
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(
        error.hints()[0].contains("disk is full"),
        "{:?}",
        error.hints()
    );
    drop(journal);
    let journal = Journal::open(&paths).unwrap();
    assert_eq!(journal.events(&id).unwrap().len(), stored);
}

#[test]
fn a_journal_in_memory_does_everything_but_stay() {
    let journal = Journal::open_in_memory().unwrap();
    let id = journal.begin(&meta()).unwrap();
    journal.append(&id, &json!({"type": "asked"})).unwrap();
    journal.record_verdicts(&id, &[verdict("p1")]).unwrap();
    assert_eq!(journal.events(&id).unwrap().len(), 1);
    assert_eq!(journal.path(), None);
    journal.forget(&id).unwrap();
}

#[test]
fn a_verdict_recorded_again_on_resume_is_there_once() {
    let journal = Journal::open_in_memory().unwrap();
    let id = journal.begin(&meta()).unwrap();
    journal
        .record_verdicts(&id, &[verdict("p1"), verdict("p2")])
        .unwrap();
    journal.record_verdicts(&id, &[verdict("p1")]).unwrap();
    let contested = VerdictRow {
        source: VerdictSource::Contest,
        ..verdict("p1")
    };
    journal.record_verdicts(&id, &[contested]).unwrap();
    assert_eq!(journal.verdicts(&id).unwrap().len(), 3);
    assert_eq!(journal.verdicts_on("q1").unwrap().len(), 3);
}

#[test]
fn documents_are_replaced_and_read_back() {
    let journal = Journal::open_in_memory().unwrap();
    let id = journal.begin(&meta()).unwrap();
    assert_eq!(journal.document(&id, "critique").unwrap(), None);
    journal
        .put_document(&id, "critique", &json!({"score": 1}))
        .unwrap();
    journal
        .put_document(&id, "critique", &json!({"score": null}))
        .unwrap();
    assert_eq!(
        journal.document(&id, "critique").unwrap(),
        Some(json!({"score": null}))
    );
}

#[test]
fn an_import_with_a_bad_line_takes_nothing_in_and_names_the_line() {
    let journal = Journal::open_in_memory().unwrap();
    let id = journal.begin(&meta()).unwrap();
    journal.append(&id, &json!("x")).unwrap();
    let mut out = Vec::new();
    journal.export(&mut out).unwrap();
    out.extend_from_slice(b"{\"type\":\"event\"}\n");
    let other = Journal::open_in_memory().unwrap();
    let error = other.import(&mut BufReader::new(&out[..])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Content);
    assert!(error.to_string().contains("line 4"), "{error}");
    assert!(
        other
            .sessions(&SessionFilter::default())
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        other
            .import(&mut BufReader::new(&b""[..]))
            .unwrap_err()
            .kind(),
        ErrorKind::Content
    );
}

/// Any JSON an event could be.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e15_f64..1e15).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_export_taken_in_elsewhere_exports_the_same(
        sessions in prop::collection::vec(
            (any::<u64>(), any_json(), prop::collection::vec(any_json(), 0..5),
             prop::collection::vec(any::<String>(), 0..3), 0.0_f64..=1.0, any::<bool>()),
            0..4,
        )
    ) {
        let here = Journal::open_in_memory().unwrap();
        for (seed, extra, events, draft, probability, ended) in sessions {
            let id = here.begin(&SessionMeta { seed, extra, ..meta() }).unwrap();
            for event in &events {
                here.append(&id, event).unwrap();
            }
            for line in &draft {
                here.append_line(&id, line).unwrap();
            }
            let row = VerdictRow { probability, ..verdict("p") };
            here.record_verdicts(&id, &[row]).unwrap();
            here.put_document(&id, "critique", &events).unwrap();
            if ended {
                here.finish(&id, Status::Finished).unwrap();
            }
        }
        let mut first = Vec::new();
        here.export(&mut first).unwrap();
        let there = Journal::open_in_memory().unwrap();
        there.import(&mut BufReader::new(&first[..])).unwrap();
        let mut second = Vec::new();
        there.export(&mut second).unwrap();
        prop_assert_eq!(String::from_utf8(first.clone()), String::from_utf8(second));
        // Taking it in once more changes nothing.
        let again = there.import(&mut BufReader::new(&first[..])).unwrap();
        prop_assert_eq!(again.sessions, 0);
    }

    #[test]
    fn no_bytes_given_as_an_import_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let journal = Journal::open_in_memory().unwrap();
        let _ = journal.import(&mut BufReader::new(&bytes[..]));
        prop_assert!(journal.sessions(&SessionFilter::default()).unwrap().is_empty());
    }
}
