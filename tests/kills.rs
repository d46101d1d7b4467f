//! Two hundred kills at random moments: of interviews answered through a pipe
//! and at a keyboard, of downloads, and of the first opening of a journal of an
//! older program. What was sent is there, and what comes of it in the end is
//! what would have come of it undisturbed.
//!
//! The interviews run without models, in the guide's words, so that there are
//! many; `interview.rs` kills one on the real models. `VIVA_KILLS` multiplies
//! the numbers.

#![cfg(unix)]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use viva::paths::Paths;
use viva::store::{Journal, SessionFilter, SessionId, SessionMeta, Status};

#[path = "support/alone.rs"]
mod alone;
#[path = "support/hub.rs"]
mod support;

use alone::program;
use support::{LoopbackHub, gguf, serve_file, sha256};

/// What is sent to the program, line by line: answers to three questions and
/// more follow-ups than are asked.
const SCRIPT: &str = "\
I always start with a plain baseline, say a logistic regression on ten features,
because it tells me what the data can give.
It ran in a day and reached 0.81 AUC.
---
We measured the cost of both kinds of error before we chose the threshold,

and the threshold moved from 0.5 to 0.32.
---
I do not know.
---
Our p99 was 180 milliseconds after we moved the features to a cache.
The trade-off was staleness of five minutes.
---
Well, the drift alarm fired twice a week, and we retrained on the last 90 days.
---
That is all I have.
---
I would ask the product owner first.
We had 4,000 labels and two annotators a page.
---
Nothing to add.
---
";

/// How long one step may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

fn times(count: usize) -> usize {
    let factor = std::env::var("VIVA_KILLS").map_or(1, |text| text.parse().expect("a number"));
    count * factor
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn paths(root: &Path) -> Paths {
    Paths::under(root)
}

fn journal(root: &Path) -> Journal {
    let journal = Journal::open(&paths(root)).expect("a journal that opens");
    // A kill in the first opening of all leaves a file with nothing in it yet.
    let harm = |notice: &&String| !notice.contains("was an empty file");
    let harmed: Vec<&String> = journal.notices().iter().filter(harm).collect();
    assert!(harmed.is_empty(), "{harmed:?}");
    journal
}

fn viva(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .env("HOME", root)
        .env("NO_PROXY", "127.0.0.1")
        .env("TERM", "xterm")
        .env("VIVA_MODELS_DIR", root.join("models"))
        .env("VIVA_DATA_DIR", root.join("data"))
        .env("VIVA_CONFIG_DIR", root.join("config"))
        .env("XDG_CACHE_HOME", root.join("cache"))
        .current_dir(root)
        .args(args);
    command
}

const INTERVIEW: [&str; 8] = [
    "--json",
    "--seed",
    "7",
    "interview",
    "--questions",
    "3",
    "--answers",
    "-",
];

/// Starts the program and feeds it `lines` from a thread of their own. A
/// program that has ended reads no more, which ends the thread. Returns with it
/// what will hold everything it printed. `open` leaves the pipe open behind the
/// lines, as somebody does who has more to say.
fn fed(root: &Path, args: &[&str], lines: &[&str], open: bool) -> (Child, JoinHandle<String>) {
    let mut child = viva(root, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let mut out = child.stdout.take().expect("another pipe");
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    thread::spawn(move || {
        for line in lines {
            if pipe.write_all(line.as_bytes()).is_err() {
                return;
            }
            thread::sleep(Duration::from_micros(400));
        }
        if open {
            thread::sleep(PATIENCE);
        }
    });
    let printed = thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).expect("a pipe that ends");
        String::from_utf8_lossy(&bytes).into_owned()
    });
    (child, printed)
}

/// Waits for the program's own end, or kills it after `delay`; returns whether
/// it was killed.
fn killed_after(child: &mut Child, delay: Duration) -> bool {
    let end = Instant::now() + delay;
    while Instant::now() < end {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        thread::sleep(Duration::from_micros(300));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ended");
    true
}

/// Everything of a session that must not depend on kills: what happened,
/// without times and without the resuming itself.
fn transcript(journal: &Journal, session: &SessionId) -> Vec<Value> {
    journal
        .events(session)
        .expect("readable")
        .into_iter()
        .filter(|event| event.kind != "resumed")
        .map(|event| {
            let mut value = event.event;
            if let Some(members) = value.as_object_mut() {
                members.remove("at_ms");
            }
            value
        })
        .collect()
}

/// Returns the session, if it came to its end. A kill before a session's first
/// event leaves nothing to go on with, and another one is begun.
fn finished(journal: &Journal) -> Option<SessionId> {
    let all = journal
        .sessions(&SessionFilter::default())
        .expect("readable");
    let begun: Vec<_> = all.iter().filter(|session| session.events > 0).collect();
    assert!(begun.len() <= 1, "{begun:?}");
    let done = begun
        .into_iter()
        .find(|session| session.status == Status::Finished)?;
    Some(done.id.clone())
}

/// Returns how many answers the journal holds.
fn answers(journal: &Journal) -> usize {
    let all = journal
        .sessions(&SessionFilter::default())
        .expect("readable");
    all.iter()
        .flat_map(|session| journal.events(&session.id).expect("readable"))
        .filter(|event| event.kind == "answered")
        .count()
}

/// Returns how many of `lines` were taken in by the answers of a session, after
/// checking that these answers are those lines, and that the draft goes on
/// exactly where they end.
fn taken(journal: &Journal, session: &SessionId, lines: &[&str]) -> usize {
    let mut at = 0;
    for event in journal.events(session).expect("readable") {
        if event.kind != "answered" {
            continue;
        }
        let length = lines[at..]
            .iter()
            .position(|line| *line == "---")
            .expect("no more answers than were sent");
        assert_eq!(event.event["text"], lines[at..at + length].join("\n"));
        at += length + 1;
    }
    let draft = journal.draft(session).expect("readable");
    assert_eq!(draft, lines[at..at + draft.len()], "the draft");
    at + draft.len()
}

#[test]
fn interviews_by_pipe_end_as_if_nobody_had_killed_them() {
    let lines: Vec<&str> = SCRIPT.lines().collect();
    let whole = tempfile::tempdir().expect("a folder");
    let begun = Instant::now();
    let undisturbed = fed(whole.path(), &INTERVIEW, &lines, false)
        .0
        .wait()
        .expect("it ends");
    let length = begun.elapsed();
    assert!(undisturbed.success(), "{undisturbed}");
    let expected = {
        let journal = journal(whole.path());
        let session = journal.find("last").expect("a session");
        let document = journal.document(&session, "critique").expect("readable");
        (transcript(&journal, &session), document)
    };
    assert!(
        expected.1.is_some(),
        "an undisturbed interview has a critique"
    );

    let mut rng = rng(1);
    let (mut kills, mut in_mid_answer) = (0, 0);
    while kills < times(140) {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        let mut acknowledged = 0;
        loop {
            // Every third kill meets a program that waits for the next line,
            // wherever the lines break off.
            let waits = rng.random_range(0..3) == 0;
            let delay = match waits {
                true => length.mul_f64(1.3),
                false => length.mul_f64(rng.random_range(0.02..1.1)),
            };
            let sent = |at: usize, rng: &mut ChaCha8Rng| match waits {
                true => rng.random_range(at..=lines.len()),
                false => lines.len(),
            };
            let known = paths(root).journal().exists().then(|| journal(root));
            if known
                .as_ref()
                .is_some_and(|known| finished(known).is_some())
            {
                // The kill came after all was done.
                break;
            }
            let unfinished = known
                .as_ref()
                .and_then(|journal| journal.latest_unfinished().expect("readable"));
            let (mut child, printed) = match unfinished {
                None => fed(root, &INTERVIEW, &lines[..sent(0, &mut rng)], waits),
                Some(session) => {
                    let journal = known.as_ref().expect("it was opened");
                    let at = taken(journal, &session.id, &lines);
                    in_mid_answer +=
                        usize::from(!journal.draft(&session.id).expect("readable").is_empty());
                    drop(known);
                    let rest = &lines[at..sent(at, &mut rng)];
                    fed(root, &["--json", "resume"], rest, waits)
                }
            };
            let killed = killed_after(&mut child, delay);
            // What it said it had taken in is on the disk.
            let printed = printed.join().expect("it was read");
            acknowledged += printed.matches(r#""type":"answer""#).count();
            let journal = journal(root);
            assert!(answers(&journal) >= acknowledged, "{printed}");
            if !killed {
                let status = child.wait().expect("it ended");
                assert!(status.success(), "{status}");
                break;
            }
            kills += 1;
        }
        let journal = journal(root);
        let id = finished(&journal).expect("one that is finished");
        assert_eq!(transcript(&journal, &id), expected.0);
        assert_eq!(
            journal.document(&id, "critique").expect("readable"),
            expected.1
        );
    }
    assert!(
        in_mid_answer > 3,
        "only {in_mid_answer} kills hit an answer on its way"
    );
}

/// The program in a terminal of its own.
struct Typist {
    child: Child,
    keys: std::fs::File,
    screen: Receiver<Vec<u8>>,
    /// What was shown since what was waited for last, as it came.
    seen: String,
}

/// Returns what `shown` wrote, without the movements of the cursor in it.
fn written(shown: &str) -> String {
    let mut text = String::new();
    let mut rest = shown.chars();
    while let Some(c) = rest.next() {
        match c {
            '\r' => {}
            '\u{1b}' => {
                rest.by_ref().find(char::is_ascii_alphabetic);
            }
            c => text.push(c),
        }
    }
    text
}

impl Typist {
    fn start(root: &Path, args: &[&str]) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).expect("a terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let size = rustix::termios::Winsize {
            ws_row: 40,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&master, size).expect("a size");
        let name = name.into_string().expect("UTF-8");
        let side = || {
            let file = std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open(&name);
            Stdio::from(file.expect("the other side"))
        };
        let child = viva(root, args)
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("the program starts");
        let keys = std::fs::File::from(master);
        let mut eyes = keys.try_clone().expect("a second handle");
        let (sender, screen) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = eyes.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys,
            screen,
            seen: String::new(),
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys
            .write_all(keys.as_bytes())
            .expect("the terminal takes keys");
    }

    /// Waits until `wanted` was shown after what was waited for before.
    fn await_text(&mut self, wanted: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            if written(&self.seen).contains(wanted) {
                self.seen.clear();
                return;
            }
            match self.screen.recv_timeout(Duration::from_millis(100)) {
                Ok(bytes) => self.seen += &String::from_utf8_lossy(&bytes),
                Err(RecvTimeoutError::Timeout) if Instant::now() < end => {}
                Err(error) => panic!("{error}: {wanted:?} was not shown in {:?}", self.seen),
            }
        }
    }

    fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ended");
    }
}

#[test]
fn lines_typed_at_a_keyboard_are_there_after_a_kill_in_the_middle_of_the_next() {
    let typed = [
        "first line alpha",
        "second line bravo",
        "third line charlie",
    ];
    let mut rng = rng(2);
    for round in 0..times(30) {
        let dir = tempfile::tempdir().expect("a folder");
        let args = ["--plain", "--seed", "7", "interview", "--questions", "1"];
        let mut person = Typist::start(dir.path(), &args);
        // Before the prompt is there the terminal itself echoes what is typed.
        person.await_text("you> ");
        let whole = rng.random_range(1..typed.len());
        for line in &typed[..whole] {
            person.press(&format!("{line}\r"));
        }
        // The beginning of a line can be read on the screen only when the
        // lines before it were taken in.
        let letters = rng.random_range(1..typed[whole].len());
        let begun = &typed[whole][..letters];
        person.press(begun);
        person.await_text(&format!("{}\n{begun}", typed[whole - 1]));
        thread::sleep(Duration::from_micros(rng.random_range(0..4_000)));
        person.kill();

        let journal = journal(dir.path());
        let session = journal
            .latest_unfinished()
            .expect("readable")
            .expect("a session")
            .id;
        assert_eq!(
            journal.draft(&session).expect("readable"),
            typed[..whole],
            "round {round}"
        );
        drop(journal);

        let mut person = Typist::start(dir.path(), &["--plain", "resume"]);
        person.await_text(&format!("you> {}", typed[..whole].join("\n")));
        person.press("\x13");
        // Whatever comes next, the answer is on the disk first.
        person.await_text("\n");
        let end = Instant::now() + PATIENCE;
        let answer = loop {
            let journal = journal_of(dir.path());
            let events = journal.events(&session).expect("readable");
            if let Some(event) = events.iter().find(|event| event.kind == "answered") {
                break event.event["text"].as_str().expect("a text").to_owned();
            }
            assert!(Instant::now() < end, "the answer never arrived");
            thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(answer, typed[..whole].join("\n"));
        person.kill();
    }
}

/// Opens a journal that another process is using.
fn journal_of(root: &Path) -> Journal {
    Journal::open_to_read(&paths(root))
        .expect("readable")
        .expect("there")
}

#[test]
fn downloads_go_on_after_kills_and_end_with_the_right_bytes() {
    let bytes = gguf(6_000_000);
    let sum = sha256(&bytes);
    let whole = bytes.clone();
    let hub = LoopbackHub::start(move |request| serve_file(request, &bytes, &sum));
    let mut rng = rng(3);
    let mut kills = 0;
    let pull = [
        "--plain",
        "models",
        "pull",
        "hf:owner/repo/tiny-Q4_K_M.gguf",
    ];
    while kills < times(15) {
        let dir = tempfile::tempdir().expect("a folder");
        loop {
            let mut child = viva(dir.path(), &pull)
                .env("HF_ENDPOINT", &hub.address)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program starts");
            if !killed_after(&mut child, Duration::from_millis(rng.random_range(2..80))) {
                let status = child.wait().expect("it ended");
                assert!(status.success(), "{status}");
                break;
            }
            kills += 1;
        }
        let file = dir.path().join("models/tiny-Q4_K_M.gguf");
        assert!(std::fs::read(file).expect("there") == whole, "other bytes");
        let verified = viva(dir.path(), &["models", "verify", "tiny-Q4_K_M"]).output();
        assert!(verified.expect("it runs").status.success());
    }
}

#[test]
fn a_journal_of_an_older_program_survives_kills_while_it_is_brought_up_to_date() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = dir.path().join("old");
    {
        let journal = journal(&old);
        for n in 0..40 {
            let id = journal.begin(&SessionMeta::default()).expect("a session");
            for m in 0..10 {
                let event = serde_json::json!({"type": "asked", "n": n, "m": m});
                journal.append(&id, &event).expect("stored");
            }
            journal.finish(&id, Status::Finished).expect("stored");
        }
    }
    let file = paths(&old).journal();
    let connection = rusqlite::Connection::open(&file).expect("a database");
    let later: Vec<String> = connection
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN
             ('sessions', 'events', 'drafts', 'verdicts', 'documents') AND name NOT LIKE 'sqlite_%'
             ORDER BY rowid DESC",
        )
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .expect("readable");
    assert!(!later.is_empty(), "a later program has more tables");
    for table in later {
        connection
            .execute_batch(&format!("DROP TABLE {table}"))
            .expect("dropped");
    }
    connection
        .pragma_update(None, "user_version", 1)
        .expect("written");
    connection
        .pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
        .expect("one file");
    drop(connection);

    let mut rng = rng(4);
    for round in 0..times(15) {
        let root = dir.path().join(format!("round-{round}"));
        std::fs::create_dir_all(root.join("data")).expect("a folder");
        std::fs::copy(&file, paths(&root).journal()).expect("copied");
        // Forgetting a session that is not there opens the journal to write.
        let mut child = viva(&root, &["--plain", "history", "forget", "00000000"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        killed_after(
            &mut child,
            Duration::from_micros(rng.random_range(500..25_000)),
        );
        let journal = journal(&root);
        let sessions = journal
            .sessions(&SessionFilter::default())
            .expect("readable");
        assert_eq!(sessions.len(), 40);
        assert!(sessions.iter().all(|session| session.events == 10));
        let version: i64 = rusqlite::Connection::open(paths(&root).journal())
            .and_then(|connection| {
                connection.pragma_query_value(None, "user_version", |row| row.get(0))
            })
            .expect("readable");
        assert!(version > 1, "it is brought up to date in the end");
    }
}

/// Says how a shell starts the program with a disk that holds no more than so
/// many kilobytes: a small file system where one can be mounted without being
/// root, else a limit on the size of files.
fn on_a_small_disk(kilobytes: u32, script: &str) -> Command {
    let mut command = Command::new("unshare");
    let mountable = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if mountable {
        let script = format!(
            "mount -t tmpfs -o size={kilobytes}k none \"$VIVA_DATA_DIR\"
             room() {{ mount -o remount,size=64m \"$VIVA_DATA_DIR\"; }}
             {script}"
        );
        command.args(["-rm", "sh", "-ec", &script]);
    } else {
        command = Command::new("sh");
        let script = format!(
            "trap '' XFSZ; ulimit -S -f {}
             room() {{ ulimit -S -f unlimited; }}
             {script}",
            kilobytes * 2
        );
        command.args(["-ec", &script]);
    }
    command
}

#[test]
fn a_disk_that_fills_up_is_said_clearly_and_the_interview_goes_on_once_there_is_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    std::fs::create_dir_all(root.join("data")).expect("a folder");
    let long = "We measured it and changed the threshold. ".repeat(1_500);
    let answer = |n: usize| format!("{n} {long}");
    let all: String = (0..8).map(|n| format!("{}\n---\n", answer(n))).collect();
    std::fs::write(root.join("answers.txt"), all).expect("written");
    // What the journal holds at the end goes where there is room.
    let script = r#"
        full=0; "$VIVA" --plain --seed 7 interview --questions 3 --answers "$HOME/answers.txt" || full=$?
        echo "full $full" >&2
        room
        "$VIVA" --plain history export "$HOME/export.jsonl"
        "$VIVA" --plain resume </dev/null
        "$VIVA" --plain history export "$HOME/after.jsonl"
    "#;
    let output = on_a_small_disk(420, script)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", root)
        .env("VIVA", program())
        .env("VIVA_MODELS_DIR", root.join("models"))
        .env("VIVA_DATA_DIR", root.join("data"))
        .env("VIVA_CONFIG_DIR", root.join("config"))
        .env("XDG_CACHE_HOME", root.join("cache"))
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("full 5"),
        "the exit code of a storage error: {said}"
    );
    assert!(said.contains("What was stored before is safe."), "{said}");
    let stored = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(root.join(name)).expect("exported");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .filter(|line: &Value| line["type"] == "event")
            .collect()
    };
    let (before, after) = (stored("export.jsonl"), stored("after.jsonl"));
    let answered = before.iter().filter(|line| line["kind"] == "answered");
    for (n, line) in answered.clone().enumerate() {
        assert_eq!(line["event"]["text"], answer(n).trim_end());
    }
    assert!(
        answered.count() >= 1,
        "the disk was full before the first answer"
    );
    assert_eq!(after[..before.len()], before, "nothing stored was lost");
    assert!(after.len() > before.len(), "the interview went on");
}
