//! Scripted candidates in front of the panel, on the real starter model (ten
//! in `make test`, all thirty in `make candidates`): each causes what `tests/fixtures/candidates/table.toml` says and
//! nothing it rules out, and no line of any interview breaks a rule of
//! conduct.

mod engine_support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use engine_support::{EMBEDDER, STARTER, model};
use insta_cmd::get_cargo_bin;
use serde::Deserialize;
use serde_json::Value;
use viva::guide::Library;
use viva::interview::leak::leaked;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    sets: BTreeMap<String, Vec<String>>,
    candidates: BTreeMap<String, Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    mode: String,
    mean: Option<(f64, f64)>,
    probes: (usize, usize),
    #[serde(default)]
    harder: Option<(usize, usize)>,
    #[serde(default)]
    recovered: usize,
    #[serde(default)]
    cut_in: usize,
    #[serde(default)]
    flags: BTreeMap<String, usize>,
    #[serde(default)]
    verdicts: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/candidates")
}

/// Plays one interview and returns its JSON lines.
fn play(set: &[String], file: &Path, mode: &str) -> Vec<Value> {
    let root = tempfile::tempdir().expect("a folder");
    let starter = model(STARTER);
    let models = starter.parent().expect("a folder");
    // Without it the judge hears no paraphrase.
    model(EMBEDDER);
    let mut command = Command::new(get_cargo_bin("viva"));
    command
        .env_clear()
        .env("HOME", root.path())
        .env("VIVA_MODELS_DIR", models)
        .env(
            "XDG_CACHE_HOME",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"),
        )
        .env("VIVA_DATA_DIR", root.path().join("data"))
        .env("VIVA_CONFIG_DIR", root.path().join("config"))
        .stdin(Stdio::null())
        // Two interviews run side by side.
        .args([
            "--json",
            "--threads",
            "1",
            "--seed",
            "7",
            "interview",
            "--mode",
            mode,
        ]);
    for id in set {
        command.args(["--question", id.as_str()]);
    }
    let output = command
        .arg("--answers")
        .arg(file)
        .output()
        .expect("the program runs");
    assert!(
        output.status.success(),
        "{}: {}",
        file.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn of_type<'a>(lines: &'a [Value], name: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == name).collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// Words that praise or grade, which a panel keeps to itself until the end.
const GRADES: &[&str] = &[
    "good answer",
    "great answer",
    "great point",
    "good point",
    "well done",
    "excellent",
    "perfect",
    "impressive",
    "correct",
    "incorrect",
    "that's right",
    "that is right",
    "that's wrong",
    "not quite",
    "exactly right",
    "your score",
    "would score",
    "points for",
    "nice work",
    "good job",
    "brilliant",
    "you missed",
    "you forgot",
];

/// Returns what a panel must not do and did in this interview.
fn misconduct(lines: &[Value], library: &Library) -> Vec<String> {
    let mut found = Vec::new();
    let mut said: BTreeSet<&str> = BTreeSet::new();
    let mut answers: BTreeMap<&str, String> = BTreeMap::new();
    for line in lines {
        let spoken = text(line, "text");
        match text(line, "type") {
            "answer" => {
                let so_far = answers.entry(text(line, "question")).or_default();
                if !so_far.is_empty() {
                    so_far.push_str("\n\n");
                }
                so_far.push_str(spoken);
            }
            kind @ ("question" | "follow_up" | "interrupt") => {
                if !said.insert(spoken) {
                    found.push(format!("said twice: {spoken}"));
                }
                let questions = spoken.matches('?').count();
                let allowed = match kind {
                    "interrupt" => 0..=0,
                    "follow_up" => 1..=1,
                    _ => 0..=2,
                };
                if !allowed.contains(&questions) {
                    found.push(format!("{questions} questions at once: {spoken}"));
                }
                if kind == "question" {
                    continue;
                }
                // A contradiction may be with the answer to another question.
                let own = if text(line, "intent") == "reconcile" {
                    answers.values().cloned().collect::<Vec<_>>().join("\n\n")
                } else {
                    answers
                        .get(text(line, "question"))
                        .cloned()
                        .unwrap_or_default()
                };
                // What the candidate said may hold any word.
                let mut bare = spoken.to_owned();
                for quote in spoken
                    .split('\u{201c}')
                    .skip(1)
                    .filter_map(|rest| rest.split('\u{201d}').next())
                {
                    if !own.contains(quote) {
                        found.push(format!("not the candidate's words: {quote}"));
                    }
                    bare = bare.replace(quote, "");
                }
                let lower = bare.to_lowercase();
                for grade in GRADES {
                    if lower.contains(grade) {
                        found.push(format!("grades ({grade}): {spoken}"));
                    }
                }
                let point = library
                    .question(text(line, "question"))
                    .and_then(|question| {
                        question
                            .points
                            .iter()
                            .find(|point| point.id == text(line, "point"))
                    });
                if let Some(term) =
                    point.and_then(|point| leaked(&bare, &point.key_terms, &own).map(str::to_owned))
                {
                    found.push(format!("gives {term:?} away: {spoken}"));
                }
            }
            _ => {}
        }
    }
    let critique = of_type(lines, "critique");
    for question in critique
        .iter()
        .flat_map(|critique| list(critique, "questions"))
    {
        let answer = text(question, "answer");
        for group in ["covered", "partial", "wrong", "unsure", "hurt"] {
            for remark in list(question, group) {
                if list(remark, "quotes").is_empty() || text(remark, "guide").is_empty() {
                    found.push(format!("a line without both citations: {remark}"));
                }
                for quote in list(remark, "quotes") {
                    let place =
                        |name: &str| quote[name].as_u64().and_then(|at| usize::try_from(at).ok());
                    let there = place("start")
                        .zip(place("end"))
                        .and_then(|(start, end)| answer.get(start..end));
                    if there != Some(text(quote, "text")) {
                        found.push(format!("a quote that does not stand there: {quote}"));
                    }
                }
            }
        }
    }
    if critique.len() != 1
        || lines
            .last()
            .is_none_or(|line| line["reason"] != "completed")
    {
        found.push("it does not end with one critique".to_owned());
    }
    found
}

/// Returns how an interview departs from its row.
fn departures(row: &Row, lines: &[Value]) -> (String, Vec<String>) {
    let mut found = Vec::new();
    let critique = of_type(lines, "critique")[0];
    let questions = list(critique, "questions");
    let scores: Vec<f64> = questions
        .iter()
        .filter_map(|one| one["score"].as_f64())
        .collect();
    let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
    let intents = |wanted: &[&str]| {
        of_type(lines, "follow_up")
            .iter()
            .filter(|line| wanted.contains(&text(line, "intent")))
            .count()
    };
    let (probes, harder) = (intents(&["probe", "encourage"]), intents(&["harder"]));
    let recovered = questions
        .iter()
        .flat_map(|one| list(one, "covered"))
        .filter(|remark| remark["recovery"] == "after-probe")
        .count();
    let cut_in = of_type(lines, "interrupt").len();
    let recommendation = text(critique, "recommendation").to_owned();
    if scores.len() != questions.len() {
        found.push(format!(
            "{} of {} questions are assessed",
            scores.len(),
            questions.len()
        ));
    }
    if row
        .mean
        .is_some_and(|(low, high)| !(low..=high).contains(&mean))
    {
        found.push(format!("mean {mean:.0}"));
    }
    if !(row.probes.0..=row.probes.1).contains(&probes) {
        found.push(format!("{probes} probes"));
    }
    if row
        .harder
        .is_some_and(|(low, high)| !(low..=high).contains(&harder))
    {
        found.push(format!("{harder} harder directions"));
    }
    if recovered < row.recovered {
        found.push(format!("{recovered} points recovered"));
    }
    if cut_in < row.cut_in {
        found.push(format!("cut in {cut_in} times"));
    }
    for (flag, fewest) in &row.flags {
        let flagged = questions
            .iter()
            .filter(|one| list(one, "flags").iter().any(|found| found == flag))
            .count();
        if flagged < *fewest {
            found.push(format!("{flagged} answers flagged {flag}"));
        }
    }
    if !row.verdicts.is_empty() && !row.verdicts.contains(&recommendation) {
        found.push(format!("the panel says {recommendation}"));
    }
    let scores: Vec<String> = scores.iter().map(|score| format!("{score:.0}")).collect();
    let summary = format!(
        "{} | {probes} | {harder} | {recovered} | {cut_in} | {recommendation}",
        scores.join(" ")
    );
    (summary, found)
}

#[test]
fn scripted_candidates_cause_what_the_table_says_and_no_line_breaks_a_rule() {
    let table: Table =
        toml::from_str(&std::fs::read_to_string(folder().join("table.toml")).expect("the table"))
            .expect("a valid table");
    let library = Library::built_in();
    let mut jobs: Vec<(String, PathBuf, &Vec<String>, &Row)> = Vec::new();
    let all = std::env::var_os("VIVA_CANDIDATES").is_some_and(|value| value == "all");
    for (set, questions) in table.sets.iter().filter(|(set, _)| all || *set == "a") {
        for (name, row) in &table.candidates {
            let file = folder().join(set).join(format!("{name}.txt"));
            jobs.push((format!("{set}/{name}"), file, questions, row));
        }
    }
    assert_eq!(jobs.len(), if all { 30 } else { 10 });
    let queue = Mutex::new(jobs.into_iter());
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no panic").next();
                    let Some((name, file, questions, row)) = next else {
                        break;
                    };
                    let lines = play(questions, &file, &row.mode);
                    let (summary, mut wrong) = departures(row, &lines);
                    wrong.extend(misconduct(&lines, &library));
                    results
                        .lock()
                        .expect("no panic")
                        .insert(name, (summary, wrong));
                }
            });
        }
    });
    let results = results.into_inner().expect("no panic");
    let mut lines = vec![
        "candidate | scores | probes | harder | recovered | cut in | recommendation".to_owned(),
    ];
    let mut wrong = Vec::new();
    for (name, (summary, found)) in results {
        lines.push(format!("{name} | {summary}"));
        wrong.extend(found.into_iter().map(|one| format!("{name}: {one}")));
    }
    // For reading, beside the assertion.
    let seen = Path::new(env!("CARGO_TARGET_TMPDIR")).join("candidates.txt");
    std::fs::write(seen, lines.join("\n")).expect("the folder can be written");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
