//! `viva guide` as the shipped binary runs it. Nothing here needs a model.

use std::path::Path;
use std::process::Command;

use insta_cmd::{assert_cmd_snapshot, get_cargo_bin};
use serde_json::Value;

const TINY: &str = include_str!("fixtures/guides/tiny.toml");

/// Returns the program with folders inside `home` and nothing of the machine's
/// environment.
fn viva(home: &Path) -> Command {
    let mut command = Command::new(get_cargo_bin("viva"));
    command
        .env_clear()
        .env("HOME", home)
        .env("VIVA_CONFIG_DIR", home.join("config"))
        .env("VIVA_DATA_DIR", home.join("data"))
        .env("VIVA_MODELS_DIR", home.join("models"))
        .current_dir(home)
        .arg("guide");
    command
}

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir_all(home.path().join("config/guides")).expect("created");
    home
}

fn json_lines(command: &mut Command) -> Vec<Value> {
    let output = command.output().expect("viva runs");
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON object a line"))
        .collect()
}

#[test]
fn a_sound_file_is_reported_as_such() {
    let home = home();
    std::fs::write(home.path().join("mine.toml"), TINY).expect("written");
    assert_cmd_snapshot!(viva(home.path()).args(["check", "mine.toml"]), @r"
    success: true
    exit_code: 0
    ----- stdout -----

    ----- stderr -----
    1 file checked, no fault (model answers by words).
    ");
}

#[test]
fn faults_are_reported_with_line_field_and_what_to_do() {
    let home = home();
    let text = TINY
        .replace("difficulty = 3", "difficulty = 9")
        .replace("weight = 15", "weight = 25");
    std::fs::write(home.path().join("mine.toml"), text).expect("written");
    assert_cmd_snapshot!(viva(home.path()).args(["check", "mine.toml", "none.toml"]), @r"
    success: false
    exit_code: 3
    ----- stdout -----
    mine.toml:17:1: question[tiny-retry-storm].difficulty: the difficulty is 9, and 1 to 5 is expected
        Use 1 for a warm-up and 5 for what few answer well.
    mine.toml:32:1: question[tiny-retry-storm].point[limits-harm-first].weight: the weights of this question's points add up to 110, and 100 is expected
        Take 10 away.
    none.toml:1:1: the file cannot be read: No such file or directory (os error 2)
        Check the path and its permissions.

    ----- stderr -----
    Error: 3 faults in 2 files.
    Hint: Mend the fields named above and check again; what is sound is used meanwhile.
    ");
}

#[test]
fn the_built_in_content_checks_clean() {
    let home = home();
    let lines = json_lines(viva(home.path()).args(["check", "--json"]));
    let last = lines.last().expect("a summary");
    assert_eq!(last["type"], "check");
    assert_eq!(last["faults"], 0, "{lines:#?}");
}

#[test]
fn a_file_that_borrows_a_sentence_is_refused() {
    let home = home();
    std::fs::write(home.path().join("mine.toml"), TINY).expect("written");
    let source = "More capacity feeds the storm and hides what began it, they said.";
    std::fs::write(home.path().join("source.txt"), source).expect("written");
    let lines = json_lines(viva(home.path()).args([
        "check",
        "mine.toml",
        "--json",
        "--against",
        "source.txt",
    ]));
    assert_eq!(lines[0]["rule"], "overlap");
    assert_eq!(lines[0]["schema"], 1);
    assert_eq!(lines[1]["faults"], 1);
}

#[test]
fn every_item_of_the_five_sources_is_in_the_bank() {
    let home = home();
    let lines = json_lines(viva(home.path()).args(["coverage", "--json"]));
    let table = &lines[0];
    let missing: Vec<&Value> = table["sources"]
        .as_array()
        .expect("sources")
        .iter()
        .flat_map(|source| source["groups"].as_array().expect("groups"))
        .flat_map(|group| group["items"].as_array().expect("items"))
        .filter(|item| item["present"] == false)
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert_eq!(table["kinds"]["question"]["present"], 98);
    assert_eq!(table["kinds"]["stage"]["present"], 5);
    assert_eq!(table["kinds"]["format"]["present"], 5);
    assert_eq!(table["kinds"]["level"]["present"], 4);
    assert_eq!(table["kinds"]["red-flag"]["present"], 5);
}

#[test]
fn ones_own_guide_is_listed_shown_and_found() {
    let home = home();
    std::fs::write(home.path().join("config/guides/tiny.toml"), TINY).expect("written");
    assert_cmd_snapshot!(viva(home.path()).args(["list", "--guide", "tiny"]), @r"
    success: true
    exit_code: 0
    ----- stdout -----
    One question about retries (tiny)
      tiny-retry-storm             technical           3  A scoring service went down under its own…

    ----- stderr -----
    1 question.
    ");
    let shown = json_lines(viva(home.path()).args(["show", "tiny-r", "--json"]));
    assert_eq!(shown[0]["source"], "tiny, question 1");
    assert_eq!(shown[0]["question"]["concept"], "retry-storm");
    let found = json_lines(viva(home.path()).args(["search", "retry", "storm", "--json"]));
    assert_eq!(found[0]["id"], "tiny-retry-storm");
}

#[test]
fn a_broken_guide_of_ones_own_is_warned_about_and_the_rest_is_used() {
    let home = home();
    std::fs::write(
        home.path().join("config/guides/a.toml"),
        "schema = 1\n[guide",
    )
    .expect("written");
    std::fs::write(home.path().join("config/guides/b.toml"), TINY).expect("written");
    let output = viva(home.path())
        .args(["list", "--guide", "tiny"])
        .output()
        .expect("viva runs");
    assert_eq!(output.status.code(), Some(0));
    let warnings = String::from_utf8_lossy(&output.stderr);
    assert!(warnings.contains("a.toml:2:"), "{warnings}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("tiny-retry-storm"));
}

#[test]
fn an_unknown_question_is_a_usage_error_with_neighbours() {
    let home = home();
    std::fs::write(home.path().join("config/guides/tiny.toml"), TINY).expect("written");
    assert_cmd_snapshot!(viva(home.path()).args(["show", "storm"]), @r"
    success: false
    exit_code: 2
    ----- stdout -----

    ----- stderr -----
    Error: there is no question 'storm'.
    Hint: Perhaps you mean tiny-retry-storm.
    ");
}

#[test]
fn an_unknown_round_lists_the_rounds() {
    let home = home();
    let output = viva(home.path())
        .args(["list", "--round", "quiz"])
        .output()
        .expect("viva runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("candidate-questions"), "{said}");
}

#[test]
fn the_template_is_written_checks_clean_and_is_never_overwritten() {
    let home = home();
    let written = viva(home.path())
        .args(["new", "--out", "mine.toml"])
        .output()
        .expect("viva runs");
    assert_eq!(written.status.code(), Some(0));
    let checked = viva(home.path())
        .args(["check", "mine.toml"])
        .output()
        .expect("viva runs");
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert_cmd_snapshot!(viva(home.path()).args(["new", "--out", "mine.toml"]), @r"
    success: false
    exit_code: 5
    ----- stdout -----

    ----- stderr -----
    Error: the template cannot be written to mine.toml.
    Caused by: File exists (os error 17)
    Hint: Name a file that does not exist yet; nothing was overwritten.
    ");
}

#[test]
fn the_schema_is_printed_as_json() {
    let home = home();
    let output = viva(home.path()).arg("schema").output().expect("viva runs");
    let schema: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(schema["title"], "viva guide");
}
