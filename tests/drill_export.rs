//! `viva drill export` as a person meets it. That Anki itself takes the file in
//! is checked by `make anki-check`.

use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use insta_cmd::assert_cmd_snapshot;
use serde_json::Value;

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

/// Exports the points of one concept and returns the line it printed as JSON.
fn export(root: &Path, file: &str) -> Value {
    let done = viva(root)
        .args(["drill", "export", "--concept", "ml-lifecycle", "--json"])
        .arg(file)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Returns GUID and fields of each note in a package.
fn notes(package: &Path) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(package).unwrap()).unwrap();
    let mut bytes = Vec::new();
    zip.by_name("collection.anki2")
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    let mut query = connection
        .prepare("SELECT guid, flds FROM notes ORDER BY guid")
        .unwrap();
    query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .unwrap()
}

#[test]
fn a_file_that_anki_would_not_open_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert_cmd_snapshot!(viva(dir.path()).args(["drill", "export", "--all", "cards.zip"]), @r"
    success: false
    exit_code: 2
    ----- stdout -----

    ----- stderr -----
    Error: cards.zip does not end in .apkg, by which Anki knows its packages.
    Hint: Name the file viva.apkg, for example.
    ");
}

#[test]
fn where_nothing_is_due_no_file_is_written() {
    let dir = tempfile::tempdir().unwrap();
    assert_cmd_snapshot!(viva(dir.path()).args(["drill", "export", "cards.apkg"]), @r"
    success: true
    exit_code: 0
    ----- stdout -----

    ----- stderr -----
    Nothing is due, and no file was written. `--weak` takes what you had trouble
      with, `--all` every point.
    ");
    assert!(!dir.path().join("cards.apkg").exists());
}

#[test]
fn an_unknown_concept_is_a_usage_error() {
    let dir = tempfile::tempdir().unwrap();
    let done = viva(dir.path())
        .args(["drill", "export", "--concept", "xyzzy", "cards.apkg"])
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(2), "{done:?}");
}

#[test]
fn a_concept_is_exported_whole_and_again_under_the_same_names() {
    let dir = tempfile::tempdir().unwrap();
    let told = export(dir.path(), "one.apkg");
    assert_eq!(told["type"], "drill_export");
    assert_eq!(told["which"], "all");
    let one = notes(&dir.path().join("one.apkg"));
    assert_eq!(told["cards"], one.len());
    assert!(one.len() >= 4);
    for (_, fields) in &one {
        assert_eq!(fields.split('\u{1f}').count(), 6, "{fields}");
    }
    export(dir.path(), "two.apkg");
    assert_eq!(notes(&dir.path().join("two.apkg")), one);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join("one.apkg"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "what somebody is weak in is theirs");
    }
}
