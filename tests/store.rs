//! The journal against the things that happen to files: a process killed in
//! the middle of writing, a full disk, a truncated and a bit-flipped database.

// The child process speaks to its parent over standard error.
#![allow(clippy::print_stderr)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use viva::ErrorKind;
use viva::paths::Paths;
use viva::store::{Journal, SessionFilter, SessionId, SessionMeta, Status};

const CHILD: &str = "VIVA_TEST_STORE_CHILD";

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

/// Not a test: the process that the next one kills. It says on standard
/// output what it was told is safe.
#[test]
#[ignore = "started and killed by the test below it"]
fn child_that_appends_until_killed() {
    let root = std::env::var_os(CHILD).expect("started by the parent test only");
    let journal = Journal::open(&paths(Path::new(&root))).unwrap();
    let id = journal.begin(&SessionMeta::default()).unwrap();
    eprintln!("session {id}");
    for n in 0.. {
        journal.append(&id, &asked(n)).unwrap();
        eprintln!("event {n}");
        journal.append_line(&id, &format!("line {n}")).unwrap();
        eprintln!("line {n}");
    }
}

#[test]
fn whatever_was_acknowledged_before_a_kill_is_there_afterwards() {
    for stop_after in [2, 3, 8, 21, 40, 77] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "child_that_appends_until_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(CHILD, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut heard: Vec<String> = said.by_ref().take(stop_after).map(Result::unwrap).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        // The pipe may hold more that was acknowledged before the signal came.
        heard.extend(said.map_while(Result::ok));

        let count = |word: &str| heard.iter().filter(|line| line.starts_with(word)).count();
        let journal = Journal::open(&paths(dir.path())).unwrap();
        assert!(journal.notices().is_empty(), "{:?}", journal.notices());
        let session = journal.latest_unfinished().unwrap().unwrap().id;
        let events = journal.events(&session).unwrap();
        let lines = journal.draft(&session).unwrap();
        assert!(events.len() >= count("event ") && events.len() <= count("event ") + 1);
        assert!(lines.len() >= count("line ") && lines.len() <= count("line ") + 1);
        for (n, event) in events.iter().enumerate() {
            assert_eq!(event.event, asked(n));
        }
        journal.resume(&session).unwrap();
        let next = journal.append(&session, &asked(events.len())).unwrap();
        assert_eq!(next, events.len() as u64);
    }
}

#[test]
fn a_truncated_journal_is_set_aside_and_its_readable_part_kept() {
    let dir = tempfile::tempdir().unwrap();
    let ids = filled(dir.path(), 12, 40);
    let file = paths(dir.path()).journal();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() * 6 / 10]).unwrap();

    let journal = Journal::open(&paths(dir.path())).unwrap();
    assert_eq!(journal.notices().len(), 1, "{:?}", journal.notices());
    assert!(journal.notices()[0].contains("set aside as"));
    let kept: usize = ids.iter().map(|id| journal.events(id).unwrap().len()).sum();
    assert!(kept > 12 * 40 / 3, "only {kept} of 480 events kept");
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

#[test]
#[ignore = "needs the right to mount; the store's unit tests fill a database without it"]
fn a_full_disk_is_said_clearly_and_loses_nothing_already_stored() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Mounted::small(dir.path()).expect("a file system can be mounted");
    let journal = Journal::open(&paths(disk.0)).unwrap();
    let id = journal.begin(&SessionMeta::default()).unwrap();
    let mut stored = 0;
    let error = loop {
        match journal.append(&id, &asked(stored)) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100_000, "the disk never filled");
    };
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.hints()[0].contains("disk"), "{:?}", error.hints());
    drop(journal);
    let journal = Journal::open(&paths(disk.0)).unwrap();
    assert_eq!(journal.events(&id).unwrap().len(), stored);
    assert_eq!(
        journal.sessions(&SessionFilter::default()).unwrap().len(),
        1
    );
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

/// A file system of one megabyte, unmounted when dropped.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn small(at: &'a Path) -> Option<Self> {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "none"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|status| status.success())
            .then_some(Self(at))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}
