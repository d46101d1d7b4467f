//! The journal against the things that happen to files: a truncated and a
//! bit-flipped database. `kills.rs` has killed processes and full disks.

use std::path::Path;

use serde_json::json;
use viva::paths::Paths;
use viva::store::{Journal, SessionId, SessionMeta, Status};

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
    // Places spread over header, schema, tables and indexes; a fixed stride
    // that shares no factor with the page size.
    for n in 0..40_usize {
        let at = match n {
            0..30 => n * 3,
            _ => (n * 7_919) % whole.len(),
        };
        let trial = tempfile::tempdir().unwrap();
        std::fs::create_dir(trial.path().join("data")).unwrap();
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (n % 8);
        std::fs::write(paths(trial.path()).journal(), &bytes).unwrap();
        let journal = match Journal::open(&paths(trial.path())) {
            Ok(journal) => journal,
            // A flipped schema number can only look like a newer program's.
            Err(error) if error.to_string().contains("newer viva") => continue,
            Err(error) => panic!("bit {} of byte {at}: {error}: {:?}", n % 8, error.causes()),
        };
        for id in &ids {
            for (n, event) in journal.events(id).unwrap().iter().enumerate() {
                assert_eq!(event.event, asked(n), "byte {at}");
            }
        }
    }
}

fn aside_is(root: &Path, bytes: &[u8]) {
    let aside = std::fs::read_dir(root.join("data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("journal.damaged-"))
        })
        .expect("the damaged file is kept");
    assert!(
        std::fs::read(aside).unwrap() == bytes,
        "kept as it was found"
    );
}
