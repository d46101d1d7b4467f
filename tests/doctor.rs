//! `viva doctor` as a script and a person meet it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn doctor(root: &Path, args: &[&str]) -> Output {
    Command::new(insta_cmd::get_cargo_bin("viva"))
        .arg("doctor")
        .args(args)
        .env_clear()
        .env("HOME", root)
        .env("VIVA_CONFIG_DIR", root.join("config"))
        .env("VIVA_DATA_DIR", root.join("data"))
        .env("VIVA_MODELS_DIR", root.join("models"))
        .current_dir(root)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no check named {name}"))
}

#[test]
fn every_folder_in_use_is_reported_and_none_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let report = json(&doctor(dir.path(), &["--json"]));
    assert_eq!(report["schema"], 1);
    for name in ["config", "data", "models"] {
        let folder = &report["folders"][name];
        assert_eq!(folder["path"], dir.path().join(name).to_str().unwrap());
        assert_eq!(folder["exists"], false);
        assert_eq!(folder["writable"], true);
        assert!(!dir.path().join(name).exists());
    }
    assert_eq!(check(&report, "journal")["state"], "ok");
    assert_eq!(check(&report, "guides")["state"], "ok");
}

#[test]
fn a_data_folder_that_cannot_be_written_fails_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    // A file in the folder's place: permissions would not stop root.
    std::fs::write(dir.path().join("data"), "in the way").unwrap();
    let output = doctor(dir.path(), &["--json"]);
    assert_eq!(output.status.code(), Some(5));
    let report = json(&output);
    assert_eq!(report["folders"]["data"]["writable"], false);
    let data = check(&report, "data");
    assert_eq!(data["state"], "fail");
    assert!(
        data["advice"][0]
            .as_str()
            .unwrap()
            .contains("VIVA_DATA_DIR")
    );
}

#[test]
fn a_broken_journal_is_reported_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let file = dir.path().join("data/journal.sqlite3");
    std::fs::write(&file, "this is no database ".repeat(300)).unwrap();
    let output = doctor(dir.path(), &["--json"]);
    assert_eq!(output.status.code(), Some(5));
    let report = json(&output);
    assert_eq!(check(&report, "journal")["state"], "fail");
    assert!(
        check(&report, "journal")["advice"]
            .to_string()
            .contains("history recover")
    );
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .starts_with("this is no database")
    );
}

#[test]
fn a_guide_with_a_fault_is_named_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("config/guides")).unwrap();
    std::fs::write(dir.path().join("config/guides/mine.toml"), "id = 3\n").unwrap();
    let report = json(&doctor(dir.path(), &["--json"]));
    let guides = check(&report, "guides");
    assert_eq!(guides["state"], "warn");
    assert!(
        guides["advice"].to_string().contains("mine.toml:1:"),
        "{guides}"
    );
}

#[test]
fn every_check_has_a_line_of_its_own_for_people() {
    let dir = tempfile::tempdir().unwrap();
    let output = doctor(dir.path(), &["--plain"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for name in [
        "version", "settings", "data", "journal", "models", "engine", "memory", "guides",
    ] {
        assert!(
            text.lines()
                .any(|line| line.split_whitespace().nth(1) == Some(name)),
            "{name}: {text}"
        );
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_engine_uses_the_vector_units_this_build_was_made_for() {
    let dir = tempfile::tempdir().unwrap();
    let report = json(&doctor(dir.path(), &["--json"]));
    let sets = check(&report, "engine")["details"]["instruction_sets"].clone();
    let has = |name: &str| sets.as_array().unwrap().iter().any(|set| set == name);
    assert_eq!(has("AVX2"), cfg!(target_feature = "avx2"), "{sets}");
    assert_eq!(has("AVX512"), cfg!(target_feature = "avx512f"), "{sets}");
}
