//! `viva drill`, run as a program on the real starter model.

mod engine_support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use engine_support::{EMBEDDER, STARTER, model};
use insta_cmd::get_cargo_bin;
use serde_json::Value;
use viva::paths::Paths;
use viva::store::{Journal, SessionId};

/// Long enough for a model to load on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

fn models() -> PathBuf {
    model(EMBEDDER);
    model(STARTER).parent().expect("a folder").to_owned()
}

fn at_home(command: &mut Command, root: &Path) {
    command
        .env_clear()
        .env("HOME", root)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("VIVA_MODELS_DIR", models())
        // What the reader unpacks is the same for all tests: once is enough.
        .env(
            "XDG_CACHE_HOME",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"),
        )
        .env("VIVA_DATA_DIR", root.join("data"))
        .env("VIVA_CONFIG_DIR", root.join("config"))
        .current_dir(root)
        .stdin(Stdio::null());
}

fn run(root: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(get_cargo_bin("viva"));
    at_home(&mut command, root);
    command.args(args).output().expect("the program runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", stderr(output));
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect()
}

fn of_type<'a>(lines: &'a [Value], name: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == name).collect()
}

fn answers(root: &Path, texts: &[&str]) -> String {
    let path = root.join("answers.txt");
    std::fs::write(&path, texts.join("\n---\n") + "\n---\n").expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

const NOTHING: &str = "I do not know, I would have to look that up.";

#[test]
fn with_an_empty_history_what_panels_score_most_is_drilled() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    let file = answers(root, &[NOTHING; 6]);
    let args = ["drill", "--seed", "3", "--minutes", "6", "--answers", &file];
    let output = run(root, &[&args[..], &["--json"]].concat());
    let found = lines(&output);
    assert!(found.iter().all(|line| line["schema"] == 1));
    assert_eq!(of_type(&found, "drill")[0]["points"], 2);
    assert_eq!(of_type(&found, "drill")[0]["due"], 0);

    // Two points, both missed, both once more, and the whole at the end.
    let asked = of_type(&found, "drill_question");
    assert_eq!(asked.len(), 5, "{}", stdout(&output));
    assert_ne!(asked[0]["concept"], asked[1]["concept"]);
    for (first, again) in [(0, 2), (1, 3)] {
        assert_eq!(asked[first]["point"], asked[again]["point"]);
        assert_eq!(asked[again]["again"], true);
        assert_ne!(asked[first]["wording"], asked[again]["wording"]);
        assert_ne!(asked[first]["text"], asked[again]["text"]);
    }
    assert_eq!(asked[4]["point"], Value::Null);
    let verdicts = of_type(&found, "drill_verdict");
    assert_eq!(verdicts.len(), 4);
    for verdict in &verdicts {
        assert_eq!(verdict["verdict"], "missing", "{verdict}");
        assert_eq!(verdict["rating"], 1);
        assert!(!verdict["text"].as_str().expect("text").is_empty());
    }
    assert_eq!(verdicts[0]["comes_back"], true);
    assert_eq!(verdicts[2]["comes_back"], false);
    assert_eq!(of_type(&found, "drill_whole").len(), 1);
    let end = found.last().expect("an end");
    assert_eq!(end["type"], "drill_end");
    assert_eq!(end["reason"], "finished");
    assert_eq!(end["points"], 2);
    assert_eq!(end["covered"], 0);

    // It is a session like any other.
    let history = run(root, &["history", "--json"]);
    let session = &lines(&history)[0];
    assert_eq!(session["mode"], "drill");
    assert_eq!(session["plan"], "drill");
    assert_eq!(session["status"], "finished");
    for args in [
        &["history", "show"][..],
        &["report"],
        &["report", "--format", "markdown"],
        &["report", "--format", "html"],
    ] {
        let output = run(root, args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        let text = stdout(&output)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(text.contains("I do not know"), "{args:?}: {text}");
        assert!(!text.contains("viva resume"), "{args:?}: {text}");
    }

    // What was missed is asked for in other words the next time.
    let question = asked[0]["question"].as_str().expect("an id");
    let next = run(
        root,
        &[
            "drill",
            "--json",
            "--question",
            question,
            "--answers",
            &file,
        ],
    );
    let next = lines(&next);
    let same = of_type(&next, "drill_question")
        .into_iter()
        .find(|line| line["point"] == asked[0]["point"])
        .expect("the same point");
    assert_ne!(same["wording"], asked[2]["wording"]);
    assert_ne!(same["text"], asked[2]["text"]);
}

#[test]
fn the_verdict_is_shown_at_once_with_the_words_it_rests_on() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    let said = "After the launch I deploy it behind a flag and then monitor the running model: \
                latency, drift of its inputs and the share of wrong predictions, every day.";
    let file = answers(
        root,
        &[
            "/hint\nHm, I would just begin.",
            said,
            said,
            NOTHING,
            NOTHING,
        ],
    );
    let output = run(
        root,
        &[
            "drill",
            "--question",
            "lifecycle-end-to-end",
            "--minutes",
            "1",
            "--seed",
            "3",
            "--answers",
            &file,
        ],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let shown = stdout(&output);
    assert!(
        shown.starts_with("Drill, 1 point and one full answer\n"),
        "{shown}"
    );
    assert!(shown.contains("Hint 1 of 3"), "{shown}");
    assert!(
        shown.contains("Includes deployment followed by monitoring of the running model"),
        "{shown}"
    );
    assert!(shown.contains("It comes back before the end."), "{shown}");
    assert!(shown.contains("Covered"), "{shown}");
    assert!(shown.contains("\u{201c}"), "{shown}");
    assert!(shown.contains("the full answer once more"), "{shown}");
    assert!(shown.contains("1 came the second time"), "{shown}");
    assert!(
        stderr(&output).contains("Saved as session"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_interview_leaves_weak_points_to_drill() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    let mixed = format!(
        "{}/tests/fixtures/answers/mixed.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    let interview = run(
        root,
        &[
            "interview",
            "--questions",
            "2",
            "--seed",
            "7",
            "--answers",
            &mixed,
            "--json",
        ],
    );
    let interview = lines(&interview);
    let asked: Vec<&Value> = of_type(&interview, "question")
        .into_iter()
        .map(|line| &line["id"])
        .collect();
    let file = answers(root, &[NOTHING; 9]);
    let weak = run(
        root,
        &[
            "drill",
            "--weak",
            "--minutes",
            "8",
            "--json",
            "--answers",
            &file,
        ],
    );
    let weak = lines(&weak);
    let drilled = of_type(&weak, "drill_question");
    assert!(!drilled.is_empty());
    for line in &drilled {
        assert!(asked.contains(&&line["question"]), "{line}");
    }
    // Asked a moment ago, so the panel asks on instead of telling a scenario.
    let wording = drilled[0]["wording"].as_str().expect("a name");
    assert!(wording.starts_with("probe-"), "{wording}");

    let due = run(root, &["drill", "--due"]);
    assert!(due.status.success(), "{}", stderr(&due));
    assert!(due.stdout.is_empty(), "{}", stdout(&due));
    assert!(stderr(&due).contains("Nothing is due."), "{}", stderr(&due));

    // Forgetting the interview and the drill leaves nothing to be weak in.
    let gone = run(root, &["history", "forget", "--all"]);
    assert!(gone.status.success(), "{}", stderr(&gone));
    let weak = run(root, &["drill", "--weak", "--json"]);
    assert_eq!(lines(&weak)[0]["reason"], "nothing_to_ask");
}

#[test]
fn a_plan_up_to_a_date_says_what_can_be_ready_and_what_to_do_each_day() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    let today = jiff::Zoned::now().date();
    let date = today.saturating_add(jiff::Span::new().days(10)).to_string();
    let output = run(root, &["drill", "--until", &date, "--json"]);
    let found = lines(&output);
    assert_eq!(found.len(), 1, "{}", stdout(&output));
    let plan = &found[0];
    assert_eq!(plan["type"], "drill_plan");
    let days = plan["days"].as_array().expect("days");
    assert_eq!(days.len(), 10);
    assert_eq!(days[0]["date"], today.to_string());
    for day in days {
        assert!(
            day["points"].as_array().expect("points").len() <= 9,
            "{day}"
        );
    }
    for day in &days[3..] {
        assert!(
            !day["advice"].as_array().expect("advice").is_empty(),
            "{day}"
        );
    }
    assert!(!plan["ready"].as_array().expect("ready").is_empty());
    assert!(!plan["not_ready"].as_array().expect("not ready").is_empty());

    let shown = run(root, &["drill", "--until", &date]);
    assert!(shown.status.success(), "{}", stderr(&shown));
    for words in [
        "10 days, 15 minutes a day",
        "Can be ready: ",
        "Cannot: ",
        "Today",
    ] {
        assert!(
            stdout(&shown).contains(words),
            "{words}: {}",
            stdout(&shown)
        );
    }
    // An interview of one round: what its panel asks is planned first.
    let output = run(
        root,
        &[
            "drill",
            "--until",
            &date,
            "--round",
            "behavioural",
            "--json",
        ],
    );
    let of_round = &lines(&output)[0];
    assert_eq!(of_round["round"], "behavioural");
    let count = |plan: &Value, list: &str| {
        let list = plan[list].as_array().expect("a list").iter();
        list.filter(|one| one["round"] == "behavioural").count()
    };
    assert!(count(of_round, "ready") > count(plan, "ready"));
    let shown = run(root, &["drill", "--until", &date, "--round", "behavioural"]);
    assert!(
        stdout(&shown).contains("Can be ready for behavioural: "),
        "{}",
        stdout(&shown)
    );
    let reverse = run(
        root,
        &["drill", "--until", &date, "--round", "candidate-questions"],
    );
    assert_eq!(reverse.status.code(), Some(2), "{}", stderr(&reverse));
    let past = run(root, &["drill", "--until", "2020-01-01"]);
    assert_eq!(past.status.code(), Some(2));
    assert!(
        stderr(&past).contains("is not after today"),
        "{}",
        stderr(&past)
    );
    let unknown = run(root, &["drill", "--concept", "no such thing"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(unknown.stdout.is_empty());
    // Only a look was taken: nothing was begun.
    assert!(stdout(&run(root, &["history"])).is_empty());
}

/// The program on a terminal of its own, typed at through a pipe.
struct Typed {
    child: Child,
    pid: String,
}

impl Typed {
    fn start(root: &Path, args: &str) -> Self {
        let pid_file = root.join("pid");
        let _ = std::fs::remove_file(&pid_file);
        let mut command = Command::new("script");
        at_home(&mut command, root);
        let inner = format!(
            "sh -c 'echo $$ > {}; exec {} {args}'",
            pid_file.display(),
            get_cargo_bin("viva").display()
        );
        let child = command
            .env("TERM", "xterm")
            .args(["-qefc", &inner, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("script(1) of util-linux runs");
        let pid = wait_for("the program's number", || {
            std::fs::read_to_string(&pid_file)
                .ok()
                .filter(|text| text.ends_with('\n'))
        });
        Self {
            child,
            pid: pid.trim().to_owned(),
        }
    }

    fn type_in(&mut self, keys: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin.write_all(keys.as_bytes()).expect("typed");
        stdin.flush().expect("typed");
    }

    fn kill(mut self) {
        let killed = Command::new("kill").args(["-9", &self.pid]).status();
        assert!(killed.expect("kill runs").success());
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what} never came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn session(paths: &Paths) -> Option<(Journal, SessionId)> {
    let journal = Journal::open_to_read(paths).ok()??;
    let id = journal.find("last").ok()?;
    Some((journal, id))
}

fn kinds(paths: &Paths) -> Vec<String> {
    session(paths)
        .and_then(|(journal, id)| journal.events(&id).ok())
        .unwrap_or_default()
        .into_iter()
        .map(|event| event.kind)
        .collect()
}

#[test]
fn killed_at_any_moment_a_drill_goes_on_with_every_line_and_judges_nothing_twice() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    let paths = Paths::under(root);
    let args = "drill --question lifecycle-end-to-end --minutes 1";

    // Killed while an answer is being typed.
    let mut typed = Typed::start(root, args);
    wait_for("the question", || {
        kinds(&paths).contains(&"spoken".to_owned()).then_some(())
    });
    typed.type_in("Before any data I settle the problem\rand the decision it serves");
    let drafted = "Before any data I settle the problem";
    wait_for("the draft", || {
        let (journal, id) = session(&paths)?;
        let draft = journal.draft(&id).ok()?;
        draft.iter().any(|line| line == drafted).then_some(())
    });
    typed.kill();

    // Taken up again with the line typed, sent, and killed again.
    let mut typed = Typed::start(root, "resume");
    wait_for("the question again", || {
        let spoken = kinds(&paths)
            .iter()
            .filter(|kind| *kind == "spoken")
            .count();
        (spoken == 2).then_some(())
    });
    typed.type_in("so I ask what it would change\r\r");
    wait_for("the answer", || {
        kinds(&paths).contains(&"answered".to_owned()).then_some(())
    });
    typed.kill();
    let (journal, id) = session(&paths).expect("the drill");
    let events = journal.events(&id).expect("events");
    let answer = events
        .iter()
        .find(|event| event.kind == "answered")
        .and_then(|event| event.event["text"].as_str())
        .expect("an answer");
    assert!(answer.starts_with(drafted), "{answer}");
    assert!(
        answer.ends_with("so I ask what it would change"),
        "{answer}"
    );
    let judged = events.iter().filter(|one| one.kind == "assessed").count();
    drop(journal);

    // `viva drill` itself goes on: what was sent is judged, not asked again.
    let file = answers(root, &[NOTHING, NOTHING, NOTHING]);
    let output = run(root, &["drill", "--json", "--answers", &file]);
    let found = lines(&output);
    if judged == 0 {
        assert_eq!(found[0]["type"], "drill_verdict", "{}", stdout(&output));
        assert_eq!(found[0]["number"], 1);
    }
    assert_eq!(found.last().expect("an end")["reason"], "finished");
    let (journal, id_after) = session(&paths).expect("the drill");
    assert_eq!(id_after, id);
    let events = journal.events(&id).expect("events");
    let count = |kind: &str| events.iter().filter(|one| one.kind == kind).count();
    assert_eq!(count("drill_started"), 1);
    assert_eq!(count("answered"), count("assessed"));
    let reviews = journal.reviews().expect("reviews");
    let mut names: Vec<_> = reviews
        .iter()
        .map(|review| (&review.question, &review.point, review.n))
        .collect();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(journal.latest_unfinished().expect("readable").is_none());
}
