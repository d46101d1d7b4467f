//! `viva stories`, run as a program; checks and fits on the real models.

#[path = "support/alone.rs"]
mod alone;
mod engine_support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use engine_support::{EMBEDDER, STARTER, model};
use insta_cmd::assert_cmd_snapshot;
use serde_json::Value;

/// The program on a data folder of its own and without any model: words alone.
fn viva(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(alone::program());
    command
        .env_clear()
        .env("HOME", root)
        .env("TZ", "UTC")
        .env("COLUMNS", "80")
        .env("VIVA_DATA_DIR", root.join("data"))
        .env("VIVA_CONFIG_DIR", root.join("config"))
        .env("VIVA_MODELS_DIR", root.join("models"))
        .current_dir(root)
        .stdin(Stdio::null())
        .args(args);
    command
}

/// The same with the models that judge, or a failure: what is claimed here is
/// claimed of the real thing.
fn with_models(root: &Path, args: &[&str]) -> Output {
    model(EMBEDDER);
    let models: PathBuf = model(STARTER).parent().expect("a folder").to_owned();
    let output = viva(root, args)
        .env("VIVA_MODELS_DIR", models)
        // What the reader unpacks is the same for all tests: once is enough.
        .env(
            "XDG_CACHE_HOME",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"),
        )
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    output
}

fn run(root: &Path, args: &[&str]) -> Output {
    viva(root, args).output().expect("the program runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(root: &Path, args: &[&str]) -> String {
    let output = run(root, args);
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect()
}

fn stories(root: &Path) -> Vec<Value> {
    lines(&done(root, &["stories", "--json"]))
}

fn story(name: &str) -> String {
    format!(
        "{}/tests/fixtures/stories/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// Adds a story of the fixtures without a model and returns its name.
fn add(root: &Path, name: &str, tag: &str) -> String {
    let text = done(
        root,
        &[
            "stories",
            "add",
            &story(name),
            "--title",
            name,
            "--tag",
            tag,
            "--json",
        ],
    );
    let line = &lines(&text)[0];
    assert_eq!(line["type"], "story");
    line["id"].as_str().expect("a name").to_owned()
}

/// Holds an interview of one behavioural question that is answered with a
/// story of the fixtures, without a model.
fn tell(root: &Path, question: &str, name: &str) {
    let answer = std::fs::read_to_string(story(name)).expect("a fixture");
    let file = root.join("answers.txt");
    std::fs::write(&file, format!("=== 1\n{answer}\n")).expect("written");
    let file = file.to_str().expect("a path");
    done(
        root,
        &[
            "interview",
            "--question",
            question,
            "--questions",
            "1",
            "--seed",
            "3",
            "--answers",
            file,
        ],
    );
}

#[test]
fn without_any_story_the_list_says_how_to_add_one() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_cmd_snapshot!(viva(dir.path(), &["stories"]), @r"
    success: true
    exit_code: 0
    ----- stdout -----

    ----- stderr -----
    No stories yet. `viva stories add` takes one down; `viva stories import` finds
      them in past answers.
    ");
    assert!(!dir.path().join("data").exists(), "looking makes nothing");
}

#[test]
fn what_cannot_be_a_story_is_refused_and_nothing_is_stored() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(root.join(name), bytes).expect("written");
    };
    file("empty.txt", b" \n\n");
    file("large.txt", "a story ".repeat(1 << 17).as_bytes());
    file("latin.txt", b"I said caf\xe9 and that was it.");
    for (args, said) in [
        (&["add", "empty.txt"][..], "there is no word in it"),
        (&["add", "large.txt"], "1048576 bytes"),
        (&["add", "latin.txt"], "byte 10 is the first"),
        (&["add", "-"], "there is no word in it"),
        (&["add", "nowhere.txt"], "cannot be read"),
        (
            &["add", "empty.txt", "--tag", "courage"],
            "data-judgment, feature-engineering",
        ),
        (&["add", "empty.txt", "--title", " "], "the title is empty"),
        (&["show", "deadbeef"], "there is no story \"deadbeef\""),
        (&["remove", "%"], "there is no story \"%\""),
        (
            &["tag", "deadbeef", "+courage"],
            "there is no competency 'courage'",
        ),
        (&["tag", "deadbeef", "growth"], "+NAME"),
        (&["fit", "regularisation-none"], "there is no question"),
        (&["fit", "finetune"], "does not ask for a story"),
    ] {
        let args: Vec<&str> = ["stories"].iter().chain(args).copied().collect();
        let output = run(root, &args);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            stderr(&output)
        );
        let text = stderr(&output)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(text.contains(said), "{args:?}: {text}");
        assert!(text.contains("Hint:"), "{args:?}: {text}");
        assert_eq!(stdout(&output), "");
    }
    assert!(stories(root).is_empty());
}

#[test]
fn a_story_is_added_tagged_retitled_and_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let id = add(root, "feed", "production");
    let short = &id[28..];
    done(
        root,
        &[
            "stories",
            "tag",
            short,
            "+growth",
            "-production",
            "+data-judgment",
        ],
    );
    done(
        root,
        &["stories", "edit", short, "--title", "The vendor's  column"],
    );
    insta::with_settings!({filters => vec![(short, "[story]")]}, {
        assert_cmd_snapshot!(viva(root, &["stories"]), @r"
        success: true
        exit_code: 0
        ----- stdout -----
        The vendor's column
          [story] STARL 61 s not told yet
          growth, data-judgment

        ----- stderr -----
        1 story. STARL: situation, task, action, result, lesson; · half there, -
          missing.
        ");
    });
    done(root, &["stories", "remove", short]);
    assert!(stories(root).is_empty());
}

#[test]
fn a_story_from_a_pipe_is_saved_and_shown_with_its_parts() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = std::fs::File::open(story("thin")).expect("a fixture");
    let output = viva(dir.path(), &["stories", "add", "--tag", "collaboration"])
        .stdin(file)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("Say what was yours to do."), "{text}");
    assert!(text.contains("13 seconds"), "{text}");
    assert_eq!(stories(dir.path())[0]["check"]["judge"], Value::Null);
}

#[cfg(unix)]
#[test]
fn an_editor_that_fails_or_leaves_nothing_changes_nothing() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let id = add(root, "feed", "production");
    let old = stories(root)[0]["text"].clone();
    let edit = |script: &str| {
        let editor = root.join("editor.sh");
        std::fs::write(&editor, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o700)).expect("run");
        viva(root, &["stories", "edit", &id])
            .env("VISUAL", &editor)
            .env("PATH", "/usr/bin:/bin")
            .output()
            .expect("the program runs")
    };
    let draft = root.join(format!("data/story-{id}.draft.txt"));
    for script in [": > \"$1\"", "printf 'caf\\351' > \"$1\"; exit 0", "exit 3"] {
        let output = edit(script);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{script}: {}",
            stderr(&output)
        );
        assert_eq!(stories(root)[0]["text"], old, "{script}");
        std::fs::remove_file(&draft).ok();
    }
    // What was typed before an editor failed is there the next time.
    edit("echo 'I typed this before the crash.' > \"$1\"; exit 3");
    assert_eq!(
        draft.metadata().expect("kept").permissions().mode() & 0o777,
        0o600
    );
    let output = edit("echo 'And this after it.' >> \"$1\"");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        stories(root)[0]["text"],
        "I typed this before the crash.\nAnd this after it."
    );
    assert!(!draft.exists());
    // Nothing changed is nothing to save.
    assert!(stderr(&edit("true")).contains("Nothing was changed"));
    assert!(!draft.exists());
}

#[test]
fn an_interview_remembers_which_story_was_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    add(root, "sceptic", "communication");
    add(root, "junior", "leadership");
    tell(root, "stakeholder-explained", "sceptic-retold-1");
    tell(root, "mentored-junior", "deadline");
    let stories = stories(root);
    let told = |name: &str| {
        stories
            .iter()
            .find(|story| story["title"] == name)
            .expect("in the bank")["told"]
            .clone()
    };
    assert_eq!((told("sceptic"), told("junior")), (1.into(), 0.into()));
    assert_eq!(
        stories[0]["tellings"][0]["question"],
        "stakeholder-explained"
    );
    let coverage = &lines(&done(root, &["stories", "coverage", "--json"]))[0];
    assert_eq!(coverage["type"], "stories-coverage");
    assert_eq!(coverage["sessions"], 2);
    let row = |name: &str| {
        coverage["competencies"]
            .as_array()
            .expect("rows")
            .iter()
            .find(|row| row["competency"] == name)
            .expect("asked for")
    };
    assert_eq!(row("communication")["told"], 1);
    let gaps = coverage["gaps"].as_array().expect("gaps");
    assert!(gaps.contains(&"growth".into()) && !gaps.contains(&"leadership".into()));
}

#[test]
fn a_story_told_again_and_again_is_overused() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    add(root, "junior", "leadership");
    for question in ["mentored-junior", "trust-in-new-team", "led-to-delivery"] {
        tell(root, question, "junior-retold-1");
    }
    let text = done(root, &["stories", "coverage"]);
    assert!(text.contains("Told too often"), "{text}");
    assert!(text.contains("in 3 of the last 3 sessions"), "{text}");
}

#[test]
fn stories_are_taken_from_past_answers_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    tell(root, "incident-under-pressure", "feed");
    tell(root, "incident-under-pressure", "feed-retold-2");
    tell(root, "mentored-junior", "thin");
    // Without a yes nothing is taken.
    let looked = run(root, &["stories", "import"]);
    assert!(
        stdout(&looked).contains("0 stories taken in"),
        "{}",
        stdout(&looked)
    );
    assert!(stderr(&looked).contains("--yes"));
    assert!(stories(root).is_empty());
    let taken = done(root, &["stories", "import", "--yes", "--json"]);
    let taken = lines(&taken);
    assert_eq!(taken.len(), 2);
    assert_eq!(
        taken[0]["tags"],
        serde_json::json!(["production", "delivery"])
    );
    assert_eq!(taken[0]["origin"]["question"], "incident-under-pressure");
    assert_eq!(taken[1]["type"], "stories-imported");
    assert_eq!(taken[1]["stories"], 1);
    assert_eq!(taken[1]["known"], 1);
    assert_eq!(taken[1]["thin"], 1);
    let again = &lines(&done(root, &["stories", "import", "--yes", "--json"]))[0];
    assert_eq!((&again["stories"], &again["known"]), (&0.into(), &2.into()));
    assert_eq!(stories(root)[0]["told"], 2);
}

#[test]
fn stories_are_exported_forgotten_and_brought_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    add(root, "feed", "production");
    tell(root, "incident-under-pressure", "feed-retold-1");
    let before = stories(root);
    assert_eq!(before[0]["told"], 1);
    done(root, &["history", "export", "all.jsonl"]);
    std::fs::write(root.join("data/story-new.draft.txt"), "half a story").expect("written");
    assert_eq!(
        done(root, &["history", "forget", "--all"]),
        "All 1 sessions and 1 stories are forgotten.\n"
    );
    assert!(stories(root).is_empty());
    assert!(!root.join("data/story-new.draft.txt").exists());
    done(root, &["history", "import", "all.jsonl"]);
    assert_eq!(stories(root), before);
    // A session forgotten takes its tellings along and leaves the story.
    done(root, &["history", "forget", "last"]);
    assert_eq!(stories(root)[0]["told"], 0);
}

#[test]
fn the_judge_finds_the_parts_and_the_tags_of_a_story() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let check = |name: &str| {
        let output = with_models(root, &["stories", "add", &story(name), "--json"]);
        lines(&stdout(&output)).remove(0)
    };
    let whole = check("junior");
    assert_eq!(whole["check"]["letters"], "STARL", "{whole}");
    assert!(whole["check"]["judge"].is_string());
    let text = whole["text"].as_str().expect("text");
    for part in whole["check"]["parts"].as_array().expect("parts") {
        let quotes = part["quotes"].as_array().expect("quotes");
        assert!(!quotes.is_empty(), "{part}");
        for quote in quotes {
            let place = |name: &str| quote[name].as_u64().expect("a byte") as usize;
            assert_eq!(
                text.get(place("start")..place("end")),
                quote["text"].as_str()
            );
        }
    }
    let tags = whole["tags"].as_array().expect("tags");
    assert!(!tags.is_empty() && tags.len() <= 2, "{tags:?}");
    let thin = check("thin");
    let letters = thin["check"]["letters"].as_str().expect("letters");
    assert!(
        letters.starts_with(|c| c != 'S') && letters.ends_with('-'),
        "{letters}"
    );
    // The list knows what the judge found without asking again.
    let listed = stories(root);
    assert_eq!(listed[0]["check"], whole["check"]);
}

#[test]
fn the_story_about_it_fits_a_question_and_most_well_told_others_do_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    for (name, tag) in [
        ("feed", "production"),
        ("sceptic", "communication"),
        ("junior", "leadership"),
    ] {
        add(root, name, tag);
    }
    let mut far_off = 0;
    for (question, wanted) in [
        ("mentored-junior", "junior"),
        ("stakeholder-explained", "sceptic"),
        ("incident-under-pressure", "feed"),
    ] {
        let output = with_models(root, &["stories", "fit", question, "--json"]);
        let fits = lines(&stdout(&output));
        assert_eq!(fits.len(), 3);
        let value = |fit: &Value| fit["fit"].as_f64().expect("a number");
        let wanted_ones = fits.iter().filter(|fit| fit["title"] == wanted);
        let own = wanted_ones.map(value).fold(0.0, f64::max);
        let best = fits.iter().map(value).fold(0.0, f64::max);
        // Two stories may fit all but alike; another may never fit clearly better.
        assert!(own > 0.95 * best, "{question}: {fits:#?}");
        far_off += fits.iter().filter(|fit| value(fit) < 0.5 * best).count();
    }
    // Of the six others.
    assert!(far_off >= 3, "{far_off} of 6");
}
