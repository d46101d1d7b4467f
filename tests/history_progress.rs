//! `viva history progress` and `regrade` as a person meets them: on journals
//! brought in as JSON Lines, and on one real interview.

mod engine_support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use engine_support::{EMBEDDER, STARTER, model};
use insta_cmd::{assert_cmd_snapshot, get_cargo_bin};
use serde_json::{Value, json};

const EARLIER: &str = "2.w1-reader";
const LATER: &str = "2.w2-reader";

fn viva(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(get_cargo_bin("viva"));
    command
        .env_clear()
        .env("HOME", root)
        .env("TZ", "UTC")
        .env("COLUMNS", "60")
        .env("VIVA_CONFIG_DIR", root.join("config"))
        .env("VIVA_DATA_DIR", root.join("data"))
        .env("VIVA_MODELS_DIR", root.join("models"))
        .current_dir(root)
        .stdin(Stdio::null())
        .args(args);
    command
}

fn run(mut command: Command) -> Output {
    command.output().expect("the program runs")
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect()
}

/// One session of the fixture: who judged it, the verdicts on its two points,
/// its score and the candidate's own.
struct Sat {
    judge: &'static str,
    inputs: &'static str,
    watch: &'static str,
    score: f64,
    own: u8,
}

fn sat(judge: &'static str, inputs: &'static str, watch: &'static str, score: f64, own: u8) -> Sat {
    Sat {
        judge,
        inputs,
        watch,
        score,
        own,
    }
}

fn several() -> Vec<Sat> {
    vec![
        sat(EARLIER, "missing", "missing", 10.0, 8),
        sat(EARLIER, "covered", "missing", 50.0, 7),
        sat(LATER, "missing", "covered", 48.0, 8),
        sat(LATER, "covered", "partial", 75.0, 7),
        sat(LATER, "covered", "covered", 96.0, 9),
        sat(LATER, "covered", "missing", 55.0, 9),
    ]
}

/// Writes sessions as `viva history export` does, one a day from 21 September
/// 2026, and brings them in.
fn import(root: &Path, sessions: &[Sat]) {
    let mut out = vec![json!({"type": "viva-journal", "schema": 1, "sessions": sessions.len()})];
    for (n, sat) in (0_i64..).zip(sessions) {
        let id = format!("0190a000-0000-7000-8000-{n:012x}");
        let at = 1_790_000_000_000 + n * 86_400_000;
        out.push(json!({
            "type": "session", "schema": 1, "id": id, "started_at": at, "ended_at": at + 1_800_000,
            "status": "finished", "title": format!("Round {n}"), "plan": "panel",
            "mode": "practice", "seed": n, "model": {"name": "starter", "hash": "abc"},
            "versions": {"judge": sat.judge, "prompts": "", "guides": "basics 2026.1"},
            "extra": null, "events": 0,
        }));
        let mut question = json!({
            "question": "my-drift", "asked": "What is drift?", "guide": "basics, question 1",
            "competencies": ["evaluation"], "score": sat.score, "predicted": sat.own,
            "answer": "I think inputs change over time and we watch them.",
            "spoken": {"words": 9, "seconds": 40 + 10 * n, "took_seconds": 50,
                "expected": [60, 120], "first_point_seconds": 3,
                "hedges": [{"start": 0, "end": 7, "text": "I think"}], "fillers": [],
                "own": [{"start": 0, "end": 1, "text": "I"}], "team": [], "numbers": [],
                "tools": [], "walls": []},
        });
        for (point, text, verdict, quote) in [
            (
                "inputs",
                "Says that inputs change",
                sat.inputs,
                "inputs change",
            ),
            (
                "watch",
                "Watches a metric in production",
                sat.watch,
                "we watch them",
            ),
        ] {
            let recovery = if verdict == "covered" {
                "unaided"
            } else {
                "never"
            };
            out.push(json!({
                "type": "verdict", "schema": 1, "session": id, "at_ms": at + 1000,
                "question": "my-drift", "attempt": 0, "source": "interview", "point": point,
                "verdict": verdict, "probability": 0.5, "recovery": recovery,
                "model_hash": "abc", "judge": sat.judge, "prompts": "",
                "guides": "basics 2026.1, question 1",
            }));
            let quotes = match verdict {
                "missing" => json!([]),
                _ => json!([{"start": 8, "end": 21, "text": quote}]),
            };
            let remark = json!({"point": point, "text": text, "quotes": quotes});
            match question[verdict].as_array_mut() {
                Some(remarks) => remarks.push(remark),
                None => question[verdict] = json!([remark]),
            }
        }
        let recommendation = if sat.score < 65.0 {
            "borderline"
        } else {
            "yes"
        };
        out.push(json!({
            "type": "document", "schema": 1, "session": id, "name": "critique",
            "at_ms": at + 2000, "document": {"questions": [question], "score": sat.score,
                "recommendation": recommendation, "assessed": 1},
        }));
    }
    let text: String = out.iter().map(|line| format!("{line}\n")).collect();
    let file = root.join("past.jsonl");
    std::fs::write(&file, text).expect("written");
    let done = run(viva(root, &["history", "import", "past.jsonl"]));
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn without_a_session_there_is_nothing_to_tell() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_cmd_snapshot!(viva(dir.path(), &["history", "progress"]), @r#"
success: true
exit_code: 0
----- stdout -----

----- stderr -----
No sessions here. `viva interview` holds one.
"#);
    assert_cmd_snapshot!(viva(dir.path(), &["history", "regrade", "--all"]), @r#"
success: false
exit_code: 2
----- stdout -----

----- stderr -----
Error: there is no session yet.
Hint: `viva interview` holds one.
"#);
    assert!(!dir.path().join("data").exists(), "looking makes nothing");
}

#[test]
fn one_session_is_shown_and_no_trend_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    import(dir.path(), &[sat(EARLIER, "covered", "missing", 50.0, 8)]);
    assert_cmd_snapshot!(viva(dir.path(), &["history", "progress"]), @r#"
success: true
exit_code: 0
----- stdout -----
1 session with verdicts, judge 2.w1-reader.

Competencies
evaluation           [#++++++++++++++++++.]  50 (5 to 95)
  5  1 answer, 3 more sessions for a trend

Concepts, weakest first
my drift             [#++++++++++++++++++.]  50 (5 to 95)
  5  1 answer, 3 more sessions for a trend

Of 100: the mean share of a rubric that answers make, and
its 95% interval (# surely, + perhaps). Below, one mark a
session, oldest first, its digit the tenths.

How points came
unaided              [##########..........]  50%
half or not at all   [##########..........]  50%

Your own scores
  1 answer scored by yourself, too few to compare.

How you speak
  40 seconds on average where panels expect 60 to 120: of 1
    first answer, 1 too short, 0 in time, 0 too long.
  In 100 words: 10.0 hedges, 0.0 fillers. Of "I" and "we",
    100% were "I".

----- stderr -----
"#);
}

#[test]
fn sessions_of_two_judges_are_drawn_apart_and_regrade_is_advised() {
    let dir = tempfile::tempdir().expect("a folder");
    import(dir.path(), &several());
    assert_cmd_snapshot!(viva(dir.path(), &["history", "progress"]), @r#"
success: true
exit_code: 0
----- stdout -----
6 sessions with verdicts, judge 2.w2-reader.

Competencies
evaluation           [#######+++++++++++..]  69 (36 to 90)
  05|5795  4 answers, no clear change

Concepts, weakest first
my drift             [#######+++++++++++..]  69 (36 to 90)
  05|5795  4 answers, no clear change

Of 100: the mean share of a rubric that answers make, and
its 95% interval (# surely, + perhaps). Below, one mark a
session, oldest first, its digit the tenths.

How points came
unaided              [#############.......]  62%
half or not at all   [########............]  38%

Your own scores
  Over 4 answers you put yourself 14 above the panel on
    average, 20 of 100 away on a typical answer; far above
    twice, far below never.

How you speak
  65 seconds on average where panels expect 60 to 120: of 6
    first answers, 2 too short, 4 in time, 0 too long.
  456789  seconds, session by session
  In 100 words: 10.0 hedges, 0.0 fillers. Of "I" and "we",
    100% were "I".

Better than the first time
Says that inputs change (my drift)
  then missing, 2026-09-23, session 00000002: not said.
  now made, 2026-09-26, session 00000005: “inputs change”

Worse than before
Watches a metric in production (my drift)
  then made, 2026-09-25, session 00000004: “we watch them”
  now missing, 2026-09-26, session 00000005: not said.

Answered one way and then another
my drift: "Watches a metric in production" came and went.
  then made, 2026-09-25, session 00000004: “we watch them”
  now missing, 2026-09-26, session 00000005: not said.

----- stderr -----
Warning: 2 sessions of 2026-09-21 to 2026-09-22 came from
  another judge (2.w1-reader). They are drawn apart by a |
  and no claim rests on them.
Hint: `viva history regrade --all` judges them again, so
  that all can be compared.
"#);
}

#[test]
fn the_list_says_how_each_session_went_in_60_columns() {
    let dir = tempfile::tempdir().expect("a folder");
    import(dir.path(), &several()[3..5]);
    assert_cmd_snapshot!(viva(dir.path(), &["history"]), @r#"
success: true
exit_code: 0
----- stdout -----
00000001  2026-09-22   96 yes         Round 1
00000000  2026-09-21   75 yes         Round 0

----- stderr -----
"#);
    let listed = lines(&run(viva(dir.path(), &["history", "--json"])));
    assert_eq!(listed[1]["score"], 75.0);
    assert_eq!(listed[1]["recommendation"], "yes");
}

#[test]
fn json_carries_what_the_screen_shows() {
    let dir = tempfile::tempdir().expect("a folder");
    import(dir.path(), &several());
    let done = lines(&run(viva(dir.path(), &["history", "progress", "--json"])));
    let [progress] = done.as_slice() else {
        panic!("one object: {done:?}");
    };
    assert_eq!(progress["type"], "progress");
    assert_eq!(progress["broken"], true);
    assert_eq!(progress["judges"][1]["version"], LATER);
    assert_eq!(progress["judges"][1]["present"], true);
    let line = &progress["competencies"][0];
    assert_eq!(line["credit"]["mean"], 0.6875);
    assert_eq!(line["sessions"].as_array().map(Vec::len), Some(6));
    assert_eq!(line["trend"]["direction"], "unclear");
    assert_eq!(progress["regressed"][0]["then"]["quote"], "we watch them");
    assert_eq!(progress["regressed"][0]["now"]["quote"], Value::Null);
    assert_eq!(progress["inconsistent"][0]["kind"], "point");
    let since = ["history", "progress", "--since", "2026-09-23", "--json"];
    let later = lines(&run(viva(dir.path(), &since)));
    assert_eq!(later[0]["broken"], false);
    assert_eq!(later[0]["sessions"].as_array().map(Vec::len), Some(4));
}

#[test]
fn the_page_stands_alone_and_its_charts_have_words() {
    let dir = tempfile::tempdir().expect("a folder");
    import(dir.path(), &several());
    let args = [
        "history",
        "progress",
        "--format",
        "html",
        "--out",
        "progress.html",
    ];
    let done = run(viva(dir.path(), &args));
    assert!(done.status.success() && done.stdout.is_empty(), "{done:?}");
    let file = dir.path().join("progress.html");
    let html = std::fs::read_to_string(&file).expect("a page");
    assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"));
    for part in [
        "<svg class=\"chart\" role=\"img\" aria-labelledby=",
        "<desc id=\"chart-0-text\">2026-09-21, Round 0: 0 of 100 by another judge.",
        "<polyline class=\"run\"",
        "<line class=\"break\"",
        "69 of 100 (36 to 90) over 4 answers",
        "<q>we watch them</q>",
        "viva history regrade --all",
    ] {
        assert!(html.contains(part), "{part}");
    }
    for outside in ["http://", "https://", "<script", "src="] {
        assert!(!html.contains(outside), "{outside}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_concept_that_nothing_is_about_is_named_with_its_neighbours() {
    let dir = tempfile::tempdir().expect("a folder");
    let args = ["history", "progress", "--concept", "imbalance"];
    let done = run(viva(dir.path(), &args));
    assert_eq!(done.status.code(), Some(2));
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(
        told.contains("no question is about the concept 'imbalance'"),
        "{told}"
    );
    assert!(told.contains("Perhaps you mean"), "{told}");
}

#[test]
fn without_the_models_that_judge_the_past_is_not_judged_again() {
    let dir = tempfile::tempdir().expect("a folder");
    import(dir.path(), &several()[..1]);
    // From its own folder the program would find the models of the checkout.
    let alone = dir.path().join("viva");
    std::fs::copy(get_cargo_bin("viva"), &alone).expect("copied");
    let mut command = Command::new(&alone);
    command
        .env_clear()
        .env("HOME", dir.path())
        .env("VIVA_DATA_DIR", dir.path().join("data"))
        .current_dir(dir.path())
        .args(["history", "regrade"]);
    let done = run(command);
    assert_eq!(done.status.code(), Some(4), "{done:?}");
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(told.contains("not reliable enough"), "{told}");
    assert!(told.contains("viva models pull starter"), "{told}");
}

/// A real interview of one question, as an earlier judge would have stored it:
/// its verdicts carry another version and say that nothing was made.
fn aged(root: &Path) -> String {
    std::fs::write(
        root.join("answer.txt"),
        "I would start with prompting, since it is the cheaper baseline, and decide by an \
         evaluation set of 200 cases.\n---\nTraining pays from tens of thousands of calls a day \
         on, when the task is narrow and does not change.\n",
    )
    .expect("written");
    let args = [
        "interview",
        "--question",
        "finetune-or-prompt",
        "--questions",
        "1",
        "--seed",
        "7",
        "--answers",
        "answer.txt",
    ];
    let done = run(real(root, &args));
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let exported = run(real(root, &["history", "export"]));
    let text: String = String::from_utf8_lossy(&exported.stdout)
        .lines()
        .map(|line| {
            let mut entry: Value = serde_json::from_str(line).expect("JSON");
            if entry["type"] == "verdict" {
                entry["judge"] = json!(EARLIER);
                entry["verdict"] = json!("missing");
            }
            format!("{entry}\n")
        })
        .collect();
    std::fs::write(root.join("aged.jsonl"), &text).expect("written");
    for args in [
        ["history", "forget", "--all"],
        ["history", "import", "aged.jsonl"],
    ] {
        let done = run(real(root, &args));
        assert!(done.status.success(), "{done:?}");
    }
    text
}

fn real(root: &Path, args: &[&str]) -> Command {
    model(EMBEDDER);
    let models: PathBuf = model(STARTER).parent().expect("a folder").to_owned();
    let mut command = viva(root, args);
    command.env("VIVA_MODELS_DIR", models).env(
        "XDG_CACHE_HOME",
        concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"),
    );
    command
}

#[test]
fn the_past_is_judged_again_once_and_its_critique_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let before = aged(root);
    let critique = |text: &str| {
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .find(|entry| entry["name"] == "critique")
            .expect("a critique")
    };

    let done = run(real(root, &["history", "regrade", "--all", "--json"]));
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let told = lines(&done);
    let [regraded, drift] = told.as_slice() else {
        panic!("one question and the drift: {told:?}");
    };
    assert_eq!(regraded["type"], "regraded");
    assert_eq!(regraded["question"], "finetune-or-prompt");
    // The events hold what the real judge said: the same judge says it again.
    assert_eq!(regraded["before"], regraded["after"]);
    assert_eq!(regraded["judge_before"], regraded["judge"]);
    assert_eq!(drift["type"], "drift");
    assert_eq!(drift["changed"], 0);

    let exported = run(real(root, &["history", "export"]));
    let text = String::from_utf8_lossy(&exported.stdout).into_owned();
    assert_eq!(
        critique(&text),
        critique(&before),
        "the critique stays as it was"
    );
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|entry: &Value| entry["type"] == "verdict" && entry["source"] == "regrade")
        .collect();
    assert!(!rows.is_empty());
    for row in &rows {
        assert_eq!(row["judge"], regraded["judge"]);
        let guide = row["guides"].as_str().expect("a guide");
        assert!(guide.starts_with("recruiter-twelve 20"), "{guide}");
        assert_eq!(row["model_hash"].as_str().map(str::len), Some(64));
    }
    assert!(
        rows.iter().any(|row| row["recovery"] == "unaided"),
        "{rows:?}"
    );

    // Progress goes by what today's judge says.
    let progress = lines(&run(real(root, &["history", "progress", "--json"])));
    assert_eq!(progress[0]["broken"], false);
    assert_eq!(progress[0]["judges"][0]["version"], regraded["judge"]);
    assert!(progress[0]["recall"]["unaided"].as_f64() > Some(0.0));

    // The same set-up has nothing to judge again, unless it is forced to.
    let again = run(real(root, &["history", "regrade"]));
    assert!(
        again.status.success() && again.stdout.is_empty(),
        "{again:?}"
    );
    assert!(String::from_utf8_lossy(&again.stderr).contains("Nothing to judge again"));
    let forced = run(real(root, &["history", "regrade", "--force"]));
    let shown = String::from_utf8_lossy(&forced.stdout).into_owned();
    assert!(shown.contains("Judged again: 1 answer by judge"), "{shown}");
}
