//! The journal against the things that happen to files: a truncated and a
//! bit-flipped database. `kills.rs` has killed processes and full disks.

use std::path::Path;

use serde_json::json;
use viva::paths::Paths;
use viva::store::{Journal, SessionId, SessionMeta, Status, StoryDraft};

fn paths(root: &Path) -> Paths {
    Paths::under(root)
}

fn asked(n: usize) -> serde_json::Value {
    json!({"type": "asked", "n": n, "text": format!("question {n}: {}", "why ".repeat(40))})
}

/// Makes a journal of `sessions` finished sessions with `events` events each,
/// all of it in the database file itself.
fn filled(root: &Path, sessions: usize, events: usize) -> Vec<SessionId> {
    let journal = Journal::open(&paths(root)).unwrap();
    (0..sessions)
        .map(|_| {
            let id = journal.begin(&SessionMeta::default()).unwrap();
            for n in 0..events {
                journal.append(&id, &asked(n)).unwrap();
            }
            journal.finish(&id, Status::Finished).unwrap();
            id
        })
        .collect()
}

#[test]
fn a_truncated_journal_is_set_aside_and_its_readable_part_kept() {
    let dir = tempfile::tempdir().unwrap();
    let ids = filled(dir.path(), 12, 160);
    let file = paths(dir.path()).journal();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() * 6 / 10]).unwrap();

    let journal = Journal::open(&paths(dir.path())).unwrap();
    assert_eq!(journal.notices().len(), 1, "{:?}", journal.notices());
    assert!(journal.notices()[0].contains("set aside as"));
    let kept: usize = ids.iter().map(|id| journal.events(id).unwrap().len()).sum();
    assert!(kept > 12 * 160 / 3, "only {kept} of 1920 events kept");
    aside_is(dir.path(), &whole[..whole.len() * 6 / 10]);
    // The new one is sound and goes on.
    journal.begin(&SessionMeta::default()).unwrap();
    drop(journal);
    assert!(
        Journal::open(&paths(dir.path()))
            .unwrap()
            .notices()
            .is_empty()
    );
}

#[test]
fn a_journal_with_a_broken_page_loses_that_page_only() {
    let dir = tempfile::tempdir().unwrap();
    let ids = filled(dir.path(), 12, 40);
    let file = paths(dir.path()).journal();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xA5);
    std::fs::write(&file, &bytes).unwrap();

    let journal = Journal::open(&paths(dir.path())).unwrap();
    assert_eq!(journal.notices().len(), 1);
    let kept: usize = ids.iter().map(|id| journal.events(id).unwrap().len()).sum();
    assert!(kept >= 400, "only {kept} of 480 events kept");
    aside_is(dir.path(), &bytes);
}

#[test]
fn a_flipped_bit_in_the_words_is_seen_and_never_believed() {
    let dir = tempfile::tempdir().unwrap();
    let ids = filled(dir.path(), 1, 10);
    let file = paths(dir.path()).journal();
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes
        .windows(11)
        .position(|part| part == b"question 5:")
        .unwrap();
    bytes[at] ^= 1;
    std::fs::write(&file, &bytes).unwrap();

    let journal = Journal::open(&paths(dir.path())).unwrap();
    let events = journal.events(&ids[0]).unwrap();
    assert_eq!(events.len(), 5, "what follows a damaged event rests on it");
    let health = Journal::health(&paths(dir.path())).unwrap().unwrap();
    assert_eq!(health.damage.len(), 1, "{health:?}");
}

#[test]
fn any_single_flipped_bit_leaves_a_journal_that_opens() {
    let dir = tempfile::tempdir().unwrap();
    let ids = filled(dir.path(), 3, 12);
    let file = paths(dir.path()).journal();
    let whole = std::fs::read(&file).unwrap();
    // Every byte of the header, then places spread over schema, tables and
    // indexes; a fixed stride that shares no factor with the page size.
    for n in 0..130_usize {
        let at = match n {
            0..100 => n,
            _ => (n * 7_919) % whole.len(),
        };
        let trial = copied(dir.path());
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (n % 8);
        std::fs::write(paths(trial.path()).journal(), &bytes).unwrap();
        let journal = Journal::open(&paths(trial.path())).unwrap_or_else(|error| {
            panic!("bit {} of byte {at}: {error}: {:?}", n % 8, error.causes())
        });
        let mut kept = 0;
        for id in &ids {
            for (n, event) in journal.events(id).unwrap().iter().enumerate() {
                assert_eq!(event.event, asked(n), "byte {at}");
                kept += 1;
            }
        }
        assert!(at >= 100 || kept == 36, "byte {at}: {kept} of 36 events");
    }
}

/// What a journal holds: how many events each session has, the lines of the
/// answer being typed, and the stories.
fn held(root: &Path, ids: &[SessionId]) -> (Vec<usize>, Vec<String>, Vec<String>) {
    let journal = Journal::open(&paths(root)).unwrap();
    (
        ids.iter()
            .map(|id| journal.events(id).unwrap().len())
            .collect(),
        journal.draft(ids.last().unwrap()).unwrap(),
        journal
            .stories()
            .unwrap()
            .into_iter()
            .map(|story| story.title)
            .collect(),
    )
}

/// Copies the journal of `root`, as it lies, to a folder of its own.
fn copied(root: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    for name in ["", "-wal", "-layout"] {
        let name = format!("data/journal.sqlite3{name}");
        if root.join(&name).exists() {
            std::fs::copy(root.join(&name), dir.path().join(&name)).unwrap();
        }
    }
    dir
}

/// Fills a journal with finished sessions and one that goes on, with the lines
/// of an answer, and with a story.
fn busy(root: &Path) -> Vec<SessionId> {
    let mut ids = filled(root, 12, 40);
    let journal = Journal::open(&paths(root)).unwrap();
    journal
        .add_story(&StoryDraft {
            title: "The feed".into(),
            text: "I traced the feed.".into(),
            ..StoryDraft::default()
        })
        .unwrap();
    let open = journal.begin(&SessionMeta::default()).unwrap();
    journal.append(&open, &asked(0)).unwrap();
    journal.append_line(&open, "half an answer").unwrap();
    ids.push(open);
    ids
}

/// Ways in which the first page, or the beginning of it, can be lost.
fn broken_heads() -> Vec<(&'static str, Vec<u8>)> {
    let noise = |seed: u64| {
        // xorshift: bytes that look like nothing, the same at each run.
        let mut state = seed;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        }
    };
    vec![
        ("zeros", vec![0; 4096]),
        ("ones", vec![0xFF; 4096]),
        (
            "noise",
            std::iter::repeat_with(noise(7)).take(4096).collect(),
        ),
        (
            "a header of noise",
            std::iter::repeat_with(noise(9)).take(100).collect(),
        ),
        ("another file's words", b"<!DOCTYPE html>".repeat(200)),
    ]
}

#[test]
fn a_journal_whose_first_page_is_destroyed_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ids = busy(dir.path());
    let before = held(dir.path(), &ids);
    assert_eq!(before.0.iter().sum::<usize>(), 12 * 40 + 1);
    for (how, head) in broken_heads() {
        let trial = copied(dir.path());
        let file = paths(trial.path()).journal();
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[..head.len()].copy_from_slice(&head);
        std::fs::write(&file, &bytes).unwrap();
        let journal = Journal::open(&paths(trial.path())).unwrap();
        let notice = journal.notices().join(" ");
        assert!(notice.contains("damaged"), "{how}: {notice}");
        assert!(notice.contains("set aside as"), "{how}: {notice}");
        assert!(
            notice.contains("13 sessions with 481 events were kept"),
            "{how}: {notice}"
        );
        drop(journal);
        assert_eq!(held(trial.path(), &ids), before, "{how}");
        aside_is(trial.path(), &bytes);
        assert!(
            Journal::open(&paths(trial.path()))
                .unwrap()
                .notices()
                .is_empty()
        );
    }
}

#[test]
fn the_tables_are_found_where_forgetting_has_moved_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut ids = busy(dir.path());
    let journal = Journal::open(&paths(dir.path())).unwrap();
    journal.forget(&ids.remove(0)).unwrap();
    drop(journal);
    let file = paths(dir.path()).journal();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..4096].fill(0);
    std::fs::write(&file, &bytes).unwrap();
    let (events, draft, stories) = held(dir.path(), &ids);
    assert_eq!(events.iter().sum::<usize>(), 11 * 40 + 1);
    assert_eq!(draft, ["half an answer"]);
    assert_eq!(stories, ["The feed"]);
}

#[test]
fn the_write_ahead_log_of_a_broken_journal_is_read_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut ids = busy(dir.path());
    // A process that is not allowed to end: its last answers are in the log.
    let journal = Journal::open(&paths(dir.path())).unwrap();
    for n in 1..30 {
        journal.append(&ids[12], &asked(n)).unwrap();
    }
    journal.append_line(&ids[12], "half another").unwrap();
    let cut = copied(dir.path());
    drop(journal);
    assert!(
        std::fs::metadata(cut.path().join("data/journal.sqlite3-wal"))
            .unwrap()
            .len()
            > 0
    );
    let before = held(dir.path(), &ids);
    for (how, head) in broken_heads() {
        let trial = copied(cut.path());
        let file = paths(trial.path()).journal();
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[..head.len()].copy_from_slice(&head);
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(held(trial.path(), &ids), before, "{how}");
    }
    // An empty file beside a full log: what the log has is kept.
    let trial = copied(cut.path());
    std::fs::write(paths(trial.path()).journal(), b"").unwrap();
    let journal = Journal::open(&paths(trial.path())).unwrap();
    let notice = journal.notices().join(" ");
    assert!(notice.contains("write-ahead log is not"), "{notice}");
    let last = ids.pop().unwrap();
    assert_eq!(journal.draft(&last).unwrap(), before.1, "{notice}");
}

#[test]
fn a_journal_set_aside_is_taken_in_again() {
    let dir = tempfile::tempdir().unwrap();
    let ids = busy(dir.path());
    let before = held(dir.path(), &ids);
    let damaged = copied(dir.path());
    let aside = paths(damaged.path()).journal();
    let mut bytes = std::fs::read(&aside).unwrap();
    bytes[..4096].fill(0);
    std::fs::write(&aside, &bytes).unwrap();
    let fresh = tempfile::tempdir().unwrap();
    let journal = Journal::open(&paths(fresh.path())).unwrap();
    let mine = journal.begin(&SessionMeta::default()).unwrap();
    journal.append(&mine, &asked(0)).unwrap();
    let told = journal.take_in_damaged(&aside).unwrap();
    assert!(told.contains("13 sessions with 481 events"), "{told}");
    let again = journal.take_in_damaged(&aside).unwrap();
    assert!(again.contains("here already"), "{again}");
    assert_eq!(journal.events(&mine).unwrap().len(), 1);
    drop(journal);
    assert_eq!(held(fresh.path(), &ids), before);
    assert!(
        std::fs::read(&aside).unwrap() == bytes,
        "the file stays as it is"
    );
}

fn aside_is(root: &Path, bytes: &[u8]) {
    let aside = std::fs::read_dir(root.join("data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name()
                .map(|name| name.to_string_lossy())
                .is_some_and(|name| {
                    name.starts_with("journal.damaged-") && name.ends_with(".sqlite3")
                })
        })
        .expect("the damaged file is kept");
    assert!(
        std::fs::read(aside).unwrap() == bytes,
        "kept as it was found"
    );
}
