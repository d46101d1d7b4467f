//! Contested verdicts, contradictions and the measuring of the model's words,
//! run as a program on the real starter model.

mod engine_support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use engine_support::{EMBEDDER, STARTER, model};
use insta_cmd::get_cargo_bin;
use serde_json::Value;
use viva::paths::Paths;
use viva::store::{Journal, VerdictSource};

/// Returns the folder of the models, or fails: what is claimed here is
/// claimed of the real thing.
fn models() -> PathBuf {
    model(EMBEDDER);
    model(STARTER).parent().expect("a folder").to_owned()
}

fn run(root: &Path, args: &[&str]) -> Output {
    Command::new(get_cargo_bin("viva"))
        .env_clear()
        .env("HOME", root)
        .env("TZ", "UTC")
        .env("COLUMNS", "80")
        .env("VIVA_MODELS_DIR", models())
        // What the reader unpacks is the same for all tests: once is enough.
        .env(
            "XDG_CACHE_HOME",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"),
        )
        .env("VIVA_DATA_DIR", root.join("data"))
        .env("VIVA_CONFIG_DIR", root.join("config"))
        .current_dir(root)
        .stdin(Stdio::null())
        .args(args)
        .output()
        .expect("the program runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn well(output: Output) -> Output {
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

fn lines(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect()
}

fn of_type<'a>(lines: &'a [Value], name: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == name).collect()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// Plays an interview about fine-tuning with these answers.
fn interview(root: &Path, answers: &str, more: &[&str]) -> Output {
    let file = root.join("answers.txt");
    std::fs::write(&file, answers).expect("written");
    let file = file.to_str().expect("UTF-8");
    let mut args = vec![
        "interview",
        "--question",
        "finetune-or-prompt",
        "--seed",
        "4",
        "--answers",
        file,
    ];
    args.extend(more);
    well(run(root, &args))
}

const ANSWER: &str = "Cost, quality and latency come first: a tuned model that is two points better but \
                      slow is no use to anybody. I start with a prompt because it is cheap to try. \
                      On the ticket tagger training paid off.\n---\n\
                      Training pays when the task is narrow and stays the same for months.\n---\n\
                      Nothing to add.";

fn report(root: &Path) -> Value {
    let output = well(run(root, &["report", "--format", "json"]));
    serde_json::from_str(&stdout(&output)).expect("JSON")
}

/// Returns the numbers of the verdicts of a critique, with what they are about.
fn numbers(critique: &Value) -> Vec<(u64, &'static str, Value)> {
    list(critique, "questions")
        .iter()
        .flat_map(|question| {
            ["partial", "wrong", "unsure", "missing", "hurt"]
                .into_iter()
                .flat_map(|group| {
                    list(question, group).iter().map(move |remark| {
                        let number = remark["number"].as_u64().expect("a number");
                        (number, group, remark.clone())
                    })
                })
        })
        .collect()
}

#[test]
fn a_contested_verdict_is_judged_again_and_both_results_are_kept() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    interview(root, ANSWER, &[]);
    let before = report(root);
    assert_eq!(before["contests"], Value::Null);
    let numbered = numbers(&before["critique"]);
    let counted: Vec<u64> = numbered.iter().map(|(number, ..)| *number).collect();
    let expected: Vec<u64> = (1..=numbered.len() as u64).collect();
    assert_eq!(counted, expected, "numbered through, in order");
    let (number, group, remark) = numbered
        .iter()
        .find(|(_, group, _)| *group != "hurt")
        .expect("something is not made");
    let number = number.to_string();
    let words = "ON THE  TICKET tagger training";
    let args = ["report", "last", "--contest", &number, "--words", words];
    let json: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let output = well(run(root, &json));
    let told = lines(&output);
    let contest = of_type(&told, "contest")[0];
    assert_eq!(contest["schema"], 1);
    assert_eq!(contest["id"], remark["point"]);
    assert_eq!(contest["kind"], "point");
    assert_eq!(contest["before"]["verdict"], *group);
    let probability = |value: &Value| value["probability"].as_f64().expect("a number");
    assert!((probability(&contest["before"]) - probability(remark)).abs() < 1e-6);
    assert_eq!(contest["words"]["text"], "On the ticket tagger training");
    let answer = before["critique"]["questions"][0]["answer"]
        .as_str()
        .expect("an answer");
    let place = |name: &str| contest["words"][name].as_u64().expect("a place") as usize;
    assert_eq!(
        answer.get(place("start")..place("end")),
        contest["words"]["text"].as_str()
    );

    // The critique stays; both results are in every form of the report.
    let after = report(root);
    assert_eq!(after["critique"], before["critique"]);
    assert_eq!(list(&after["contests"], "contests").len(), 1);
    for format in ["terminal", "markdown", "html"] {
        let shown = stdout(&well(run(root, &["report", "--format", format])));
        assert!(shown.contains("contested: "), "{format}: {shown}");
        assert!(shown.contains("--contest"), "{format}");
    }
    let journal = Journal::open_to_read(&Paths::under(root))
        .expect("readable")
        .expect("a journal");
    let session = journal.find("last").expect("a session");
    let row = journal
        .verdicts(&session)
        .expect("verdicts")
        .into_iter()
        .find(|stored| stored.row.source == VerdictSource::Contest)
        .expect("the contest's verdict");
    assert_eq!(remark["point"], row.row.point.as_str());

    // The same words again are not judged again; the fourth try is refused.
    well(run(root, &args));
    assert_eq!(list(&report(root)["contests"], "contests").len(), 1);
    for words in ["narrow and stays the same", "it is cheap to try"] {
        well(run(
            root,
            &["report", "--contest", &number, "--words", words],
        ));
    }
    let fourth = run(
        root,
        &["report", "--contest", &number, "--words", "for months"],
    );
    assert_eq!(fourth.status.code(), Some(2));
    assert!(stderr(&fourth).contains("contested 3 times already"));
}

#[test]
fn a_contest_that_cannot_be_is_refused_with_advice() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    interview(root, ANSWER, &[]);
    let refused = |args: &[&str], expected: &[&str]| {
        let all: Vec<&str> = ["report", "last"].iter().chain(args).copied().collect();
        let output = run(root, &all);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let told = stderr(&output);
        let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in expected {
            assert!(flat.contains(part), "{part}: {flat}");
        }
        assert_eq!(stdout(&output), "");
    };
    refused(
        &["--contest", "1", "--words", "words I never said"],
        &["words I never said", "as they stand in your answer"],
    );
    refused(&["--contest", "99", "--words", "slow"], &["only 1 to"]);
    refused(&["--contest", "1"], &["--words"]);
    refused(&["--words", "slow"], &["--contest"]);
    assert_eq!(report(root)["contests"], Value::Null);
}

#[test]
fn pointing_at_words_about_something_else_wins_nothing() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    let answer = "I would fine-tune it, I think, because tuned models are better in general. \
                  The canteen was on the second floor and we had lunch there at noon every day.\n---\n\
                  Nothing to add.\n---\nNothing to add.";
    interview(root, answer, &[]);
    let before = report(root);
    let missing: Vec<u64> = numbers(&before["critique"])
        .into_iter()
        .filter(|(_, group, _)| *group == "missing")
        .map(|(number, ..)| number)
        .collect();
    assert!(!missing.is_empty());
    for number in missing.iter().take(3) {
        let output = well(run(
            root,
            &[
                "report",
                "--json",
                "--contest",
                &number.to_string(),
                "--words",
                "we had lunch there at noon",
            ],
        ));
        let told = lines(&output);
        assert_ne!(told[0]["after"]["verdict"], "covered", "{}", told[0]);
    }
    let after = report(root);
    assert_eq!(after["critique"], before["critique"]);
}

#[test]
fn in_study_mode_a_verdict_is_contested_where_it_was_shown() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    let answers = "/contest 1 too early\nI start with a prompt because it is cheap to try, and train only \
                   when the task is narrow.\n---\nNothing to add.\n---\n\
                   /contest 1 it is cheap to try\n/contest 1 never said\n/contest 99 cheap\n\
                   Nothing here.\n---\nNothing.";
    let more = [
        "--mode",
        "study",
        "--question",
        "leakage-forms-prevention",
        "--json",
    ];
    let output = interview(root, answers, &more);
    let told = lines(&output);
    let contests = of_type(&told, "contest");
    assert_eq!(contests.len(), 1, "{}", stdout(&output));
    assert_eq!(contests[0]["number"], 1);
    assert_eq!(contests[0]["words"]["text"], "it is cheap to try");
    let whole = report(root);
    let kept = list(&whole["contests"], "contests");
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["question"], "finetune-or-prompt");
    // It was contested before the critique was written, and still finds its
    // place in it.
    let shown = stdout(&well(run(root, &["report"])));
    assert!(shown.contains("contested: "), "{shown}");
}

#[test]
fn a_contradiction_is_asked_about_and_stands_in_the_critique() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    let answers = "We tagged tickets with it. The p99 was 40 ms. I like trying things.\n---\n\
                   It was fine for months. The p99 was 400 ms.\n---\n\
                   The second one holds, it got slower with the new hardware.\n---\nNothing to add.";
    let output = interview(root, answers, &["--mode", "pressure", "--json"]);
    let told = lines(&output);
    let asked: Vec<&Value> = of_type(&told, "follow_up")
        .into_iter()
        .filter(|line| line["intent"] == "reconcile")
        .collect();
    assert_eq!(asked.len(), 1, "{}", stdout(&output));
    let text = asked[0]["text"].as_str().expect("text");
    assert!(text.contains("\u{201c}The p99 was 40 ms\u{201d}"), "{text}");
    assert!(
        text.contains("\u{201c}The p99 was 400 ms\u{201d}"),
        "{text}"
    );
    assert_eq!(text.matches('?').count(), 1);
    let critique = of_type(&told, "critique")[0];
    let clashes = list(critique, "contradictions");
    assert_eq!(clashes.len(), 1);
    assert_eq!(clashes[0]["about"]["figure"], "p99 was 400 ms");
    for side in ["earlier", "later"] {
        let cited = &clashes[0][side];
        let question = list(critique, "questions")
            .iter()
            .find(|one| one["question"] == cited["question"])
            .expect("a question");
        let answer = question["answer"].as_str().expect("an answer");
        let place = |name: &str| cited["quote"][name].as_u64().expect("a place") as usize;
        assert_eq!(
            answer.get(place("start")..place("end")),
            cited["quote"]["text"].as_str()
        );
        assert!(!cited["guide"].as_str().unwrap_or_default().is_empty());
    }
    for format in ["terminal", "markdown", "html"] {
        let shown = stdout(&well(run(root, &["report", "--format", format])));
        assert!(shown.contains("What does not go together"), "{format}");
        assert!(shown.contains("The p99 was 400 ms"), "{format}");
        assert!(shown.contains("What to do next"), "{format}");
    }
}

#[test]
fn doctor_measures_the_models_lines_and_the_journal_keeps_an_interviews() {
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    let output = well(run(root, &["doctor", "--voice", "--json"]));
    let told = lines(&output);
    let voice = of_type(&told, "voice")[0];
    assert_eq!(voice["tier"], "small");
    let prompts = list(voice, "prompts");
    assert_eq!(prompts.len(), 1, "the starter words probes only");
    let probe = &prompts[0];
    assert_eq!(probe["prompt"], "probe-small");
    let count = |name: &str| probe[name].as_u64().expect("a count");
    assert_eq!(count("accepted") + count("fell_back"), count("lines"));
    assert!(count("drafts") >= count("lines"));
    assert!(count("mean_ms") <= count("slowest_ms"));
    for line in list(probe, "said") {
        if line["source"] == "guide" {
            assert_eq!(line["text"], line["guide"]);
            assert!(!list(line, "refused").is_empty());
        }
    }
    // An interview in which the model was asked keeps its counts.
    interview(root, ANSWER, &[]);
    let kept = report(root)["voice"].clone();
    for tally in list(&kept, "prompts") {
        let count = |name: &str| tally[name].as_u64().expect("a count");
        assert_eq!(count("accepted") + count("fell_back"), count("lines"));
    }
}
