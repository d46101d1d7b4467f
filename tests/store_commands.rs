//! `viva history` and `viva report` as a person meets them.

use std::path::Path;
use std::process::Command;

use insta_cmd::assert_cmd_snapshot;
use serde_json::json;
use viva::paths::Paths;
use viva::store::{Journal, SessionId, SessionMeta, Status};

fn viva(root: &Path) -> Command {
    let mut command = Command::new(insta_cmd::get_cargo_bin("viva"));
    command
        .env_clear()
        .env("HOME", root)
        .env("TZ", "UTC")
        .env("COLUMNS", "80")
        .env("VIVA_CONFIG_DIR", root.join("config"))
        .env("VIVA_DATA_DIR", root.join("data"))
        .env("VIVA_MODELS_DIR", root.join("models"))
        .current_dir(root);
    command
}

fn journal(root: &Path) -> Journal {
    Journal::open(&Paths::under(root)).unwrap()
}

/// One finished session with a critique.
fn told(root: &Path) -> SessionId {
    let journal = journal(root);
    let meta = SessionMeta {
        title: "Recruiter screen".into(),
        mode: "practice".into(),
        ..SessionMeta::default()
    };
    let id = journal.begin(&meta).unwrap();
    for event in [
        json!({"at_ms": 1, "event": "spoken", "text": "Why this team?"}),
        json!({"at_ms": 2, "event": "answered", "text": "I cut costs by 40%.\u{1b}[31m"}),
    ] {
        journal.append(&id, &event).unwrap();
    }
    let critique = json!({
        "recommendation": "borderline", "score": 50.0, "assessed": 1,
        "questions": [{
            "question": "why-us", "asked": "Why this team?", "score": 50.0,
            "answer": "I cut costs by 40%.",
            "covered": [{"text": "Gives a number", "quotes": [{"start": 2, "end": 18, "text": "cut costs by 40%"}]}],
            "missing": [{"text": "Names the team's product", "quotes": []}],
        }],
        "work_on": [{"title": "Name the product", "why": "You did not.", "advice": "Read their page.", "minutes": 5}],
    });
    journal.put_document(&id, "critique", &critique).unwrap();
    journal.finish(&id, Status::Finished).unwrap();
    id
}

#[test]
fn without_any_session_history_says_how_to_hold_one() {
    let dir = tempfile::tempdir().unwrap();
    assert_cmd_snapshot!(viva(dir.path()).arg("history"), @r#"
success: true
exit_code: 0
----- stdout -----

----- stderr -----
No sessions here. `viva interview` holds one.
"#);
    assert!(!dir.path().join("data").exists(), "looking makes nothing");
}

#[test]
fn the_newest_twenty_sessions_are_listed_unless_more_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path());
    for number in 0..23 {
        let meta = SessionMeta {
            title: format!("Screen {number}"),
            ..SessionMeta::default()
        };
        let id = journal.begin(&meta).unwrap();
        journal.finish(&id, Status::Finished).unwrap();
    }
    let run = |args: &[&str]| {
        let done = viva(dir.path()).arg("history").args(args).output().unwrap();
        assert!(done.status.success(), "{args:?}: {done:?}");
        (
            String::from_utf8(done.stdout).unwrap(),
            String::from_utf8(done.stderr).unwrap(),
        )
    };
    let (listed, told) = run(&[]);
    assert_eq!(listed.lines().count(), 20);
    assert!(listed.lines().next().unwrap().ends_with("Screen 22"));
    assert!(told.contains("viva history --all"), "{told}");
    for (args, lines) in [
        (&["--all"][..], 23),
        (&["--limit", "3"], 3),
        (&["--limit", "21"], 21),
        (&["--json"], 23),
        (&["list", "--all"], 23),
    ] {
        let (listed, told) = run(args);
        assert_eq!(listed.lines().count(), lines, "{args:?}");
        assert_eq!(told, "", "{args:?}");
    }
}

#[test]
fn a_session_that_is_not_there_is_a_usage_error() {
    let dir = tempfile::tempdir().unwrap();
    told(dir.path());
    assert_cmd_snapshot!(viva(dir.path()).args(["report", "ffffffff-ffff"]), @r#"
success: false
exit_code: 2
----- stdout -----

----- stderr -----
Error: there is no session "ffffffff-ffff".
Hint: `viva history` lists them; four characters of a name, or `last`, will do.
"#);
}

#[test]
fn the_report_on_the_screen_quotes_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let id = told(dir.path());
    insta::with_settings!({filters => vec![
        (id.short(), "[session]"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d", "[time]"),
    ]}, {
        assert_cmd_snapshot!(viva(dir.path()).arg("report"), @r#"
success: true
exit_code: 0
----- stdout -----
Recruiter screen [time] · finished · session [session]

The panel's recommendation: borderline, 50 of 100

1. Why this team?
50 of 100
covered: Gives a number “cut costs by 40%”
missing: Names the team's product

What to do next, 5 minutes
1. Name the product (5 minutes). You did not. Read their page.

----- stderr -----
"#);
    });
}

#[test]
fn an_html_report_is_written_whole_and_for_the_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    told(dir.path());
    let out = dir.path().join("report.html");
    let done = viva(dir.path())
        .args(["report", "last", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(done.stdout.is_empty());
    let html = std::fs::read_to_string(&out).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"));
    assert!(!html.contains('\u{1b}'), "no terminal escape gets through");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_is_exported_forgotten_and_imported_is_as_before() {
    let dir = tempfile::tempdir().unwrap();
    told(dir.path());
    let run = |args: &[&str]| {
        let done = viva(dir.path()).args(args).output().unwrap();
        assert!(done.status.success(), "{args:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let before = run(&["history", "export"]);
    run(&["history", "export", "all.jsonl"]);
    assert_eq!(
        run(&["history", "forget", "--all"]),
        "All 1 sessions are forgotten.\n"
    );
    assert_eq!(run(&["history", "--json"]), "");
    run(&["history", "import", "all.jsonl"]);
    // The import has made the session's verdicts reviews, which is a line more.
    let after = run(&["history", "export"]);
    let (scheduled, rest): (Vec<&str>, Vec<&str>) = after
        .lines()
        .partition(|line| line.contains(r#""type":"scheduled""#));
    assert_eq!(rest, before.lines().collect::<Vec<_>>());
    assert_eq!(scheduled.len(), 1);
    assert_eq!(run(&["history", "--json"]).lines().count(), 1);
}

#[test]
fn a_damaged_journal_is_recovered_on_request_and_history_says_how() {
    let dir = tempfile::tempdir().unwrap();
    told(dir.path());
    let file = dir.path().join("data/journal.sqlite3");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100..400].fill(0xFF);
    std::fs::write(&file, bytes).unwrap();
    let listed = viva(dir.path()).arg("history").output().unwrap();
    assert_eq!(listed.status.code(), Some(5), "{listed:?}");
    assert!(String::from_utf8_lossy(&listed.stderr).contains("viva history recover"));
    let recovered = viva(dir.path())
        .args(["history", "recover"])
        .output()
        .unwrap();
    assert!(recovered.status.success(), "{recovered:?}");
    assert!(String::from_utf8_lossy(&recovered.stdout).contains("set aside as"));
    assert!(
        viva(dir.path())
            .arg("history")
            .output()
            .unwrap()
            .status
            .success()
    );
}
