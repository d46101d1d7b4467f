//! The shipped binary's edges: help, usage errors, how failures look, and
//! when they are coloured. Nothing here needs a model.

use std::path::Path;
use std::process::Command;

use insta_cmd::{assert_cmd_snapshot, get_cargo_bin};

/// Returns the program with an environment that holds nothing of the
/// machine's: its folders are inside `home`.
fn viva(home: &Path) -> Command {
    let mut command = Command::new(get_cargo_bin("viva"));
    command
        .env_clear()
        .env("HOME", home)
        .env("VIVA_CONFIG_DIR", home.join("config"))
        .env("VIVA_DATA_DIR", home.join("data"))
        .env("VIVA_MODELS_DIR", home.join("models"))
        .env("TERM", "xterm-256color")
        .current_dir(home);
    command
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A settings file with a mistake on its second line.
fn with_bad_settings(home: &Path) {
    std::fs::write(home.join("bad.toml"), "model = \"x\"\nengine = 3\n").expect("a file");
}

#[test]
fn no_command_shows_the_help_and_fails_as_a_usage_error() {
    let home = home();
    let output = viva(home.path()).output().expect("viva runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let help = String::from_utf8_lossy(&output.stderr);
    assert!(help.contains("Usage: viva"), "{help}");
}

#[test]
fn help_goes_to_standard_output_and_fits_eighty_columns() {
    let home = home();
    let output = viva(home.path()).arg("--help").output().expect("viva runs");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let help = String::from_utf8_lossy(&output.stdout);
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
    assert!(help.contains("--plain"), "{help}");
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    let home = home();
    let output = viva(home.path())
        .args(["models", "list", "--colour"])
        .output()
        .expect("viva runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("unexpected argument '--colour'"), "{shown}");
}

#[test]
fn a_mistake_in_the_settings_is_shown_with_its_place_and_advice() {
    let home = home();
    with_bad_settings(home.path());
    assert_cmd_snapshot!(viva(home.path()).args(["models", "list", "--config", "bad.toml"]), @r"
    success: false
    exit_code: 3
    ----- stdout -----

    ----- stderr -----
    Error: the settings file bad.toml is not valid.
    Caused by:
      TOML parse error at line 2, column 10
        |
      2 | engine = 3
        |          ^
      invalid type: integer `3`, expected struct EngineConfig
    Hint: Correct the line named above, or move the file away to use built-in settings.
    ");
}

#[test]
fn settings_that_do_not_exist_are_named() {
    let home = home();
    assert_cmd_snapshot!(viva(home.path()).args(["models", "list", "--config", "none.toml"]), @r"
    success: false
    exit_code: 3
    ----- stdout -----

    ----- stderr -----
    Error: the settings file none.toml cannot be read.
    Caused by: No such file or directory (os error 2)
    Hint: Check the path given with --config.
    ");
}

/// What the program writes to standard error for a broken settings file.
fn failure(home: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    with_bad_settings(home);
    let output = viva(home)
        .envs(variables.iter().copied())
        .args(["models", "list", "--config", "bad.toml"])
        .args(arguments)
        .output()
        .expect("viva runs");
    assert_eq!(output.status.code(), Some(3));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_pipe_gets_no_colours_unless_they_are_forced() {
    let home = home();
    assert!(!failure(home.path(), &[], &[]).contains('\u{1b}'));
    let forced = failure(home.path(), &[("CLICOLOR_FORCE", "1")], &[]);
    assert!(forced.contains("\u{1b}["), "{forced:?}");
}

#[test]
fn no_color_and_plain_win_over_force_but_an_empty_no_color_does_not_count() {
    let home = home();
    let force = ("CLICOLOR_FORCE", "1");
    let off = failure(home.path(), &[force, ("NO_COLOR", "yes")], &[]);
    assert!(!off.contains('\u{1b}'));
    let plain = failure(home.path(), &[force], &["--plain"]);
    assert!(!plain.contains('\u{1b}'));
    let empty = failure(home.path(), &[force, ("NO_COLOR", "")], &[]);
    assert!(empty.contains('\u{1b}'));
}

#[test]
fn escapes_in_a_file_name_never_reach_the_terminal() {
    let home = home();
    let name = "\u{1b}]0;owned\u{7}none\u{202e}.toml";
    let output = viva(home.path())
        .args(["models", "list", "--config", name])
        .output()
        .expect("viva runs");
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("none.toml"), "{shown:?}");
    assert!(
        !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{shown:?}"
    );
}

#[test]
fn the_engine_can_be_set_on_the_command_line_and_bad_values_are_named() {
    let home = tempfile::tempdir().expect("a folder");
    let output = viva(home.path())
        .args(["doctor", "--json", "--gpu-layers", "3", "--threads", "2"])
        .args(["--kv-type", "q8_0", "--chat-template", "chatml"])
        .output()
        .expect("viva runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let engine = &report["settings"]["engine"];
    assert_eq!(engine["gpu_layers"], 3);
    assert_eq!(engine["threads"], 2);
    assert_eq!(engine["kv_type"], "q8_0");
    assert_eq!(engine["chat_template"], "chatml");
    let output = viva(home.path())
        .args(["doctor", "--json", "--gpu-layers", "auto"])
        .env("VIVA_GPU_LAYERS", "7")
        .output()
        .expect("viva runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(report["settings"]["engine"]["gpu_layers"].is_null());
    let output = viva(home.path())
        .args(["doctor", "--gpu-layers", "many"])
        .output()
        .expect("viva runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("neither `auto` nor a number"));
}
