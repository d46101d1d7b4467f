//! `viva grade` and `viva assess`, as a script sees them.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs the program in empty folders, so that no model is found, with `input`.
fn viva(arguments: &[&str], input: &[u8]) -> Output {
    let home = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_viva"))
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home.path())
        .env("VIVA_MODELS_DIR", home.path().join("models"))
        .env("VIVA_DATA_DIR", home.path().join("data"))
        .env("VIVA_CONFIG_DIR", home.path().join("config"))
        .current_dir(home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let bytes = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The program may end before it has read everything.
        let _ = stdin.write_all(&bytes);
    });
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer ends");
    output
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

const GOOD: &str = r#"{"id": "a", "question": "What is overfitting?", "points": [{"text": "The model memorises noise of the training set", "weight": 2}, {"text": "It does badly on unseen data"}], "mistakes": ["Says that more training always helps"], "answer": "It memorises the noise in the training set, so it does badly on unseen data.", "score": 1.0}"#;
const EMPTY: &str = r#"{"id": 2, "question": "What is overfitting?", "references": ["The model fits noise. It generalises badly."], "answer": "I don't know", "score": 0.0}"#;

#[test]
fn rows_come_back_in_order_with_verdicts_and_evidence_in_the_answer() {
    let output = viva(&["grade"], format!("{GOOD}\n\n{EMPTY}\n").as_bytes());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let rows = lines(&output);
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["id"], &rows[1]["id"]), (&"a".into(), &2.into()));
    assert!(rows[0]["score"].as_f64() > Some(0.8), "{}", rows[0]);
    assert!(rows[1]["score"].as_f64() <= Some(0.1), "{}", rows[1]);
    assert_eq!(rows[0]["schema"], 1);
    assert_eq!(rows[0]["points"][0]["verdict"], "covered");
    assert_eq!(rows[1]["flags"][0], "non-answer");
    assert_eq!(rows[1]["points"].as_array().map(Vec::len), Some(2));
    let range = &rows[0]["points"][0]["evidence"][0];
    let answer = "It memorises the noise in the training set, so it does badly on unseen data.";
    let (start, end) = (range[0].as_u64(), range[1].as_u64());
    let words = answer.get(start.expect("start") as usize..end.expect("end") as usize);
    assert!(words.is_some_and(|words| words.contains("memorises the noise")));
    assert!(rows[0]["mistakes"][0]["probability"].as_f64() < Some(0.5));
}

#[test]
fn a_bad_line_is_named_and_the_rest_go_on() {
    let input = [
        GOOD.as_bytes(),
        b"\n{\"id\": 1}\n\xff\xfe\n",
        EMPTY.as_bytes(),
    ]
    .concat();
    let output = viva(&["grade"], &input);
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(lines(&output).len(), 2);
    let stderr = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(
        stderr.contains("line 2") && stderr.contains("line 3"),
        "{stderr}"
    );
    assert!(stderr.contains("2 of 4 lines"), "{stderr}");
}

#[test]
fn a_row_without_points_and_references_has_no_score() {
    let output = viva(
        &["grade"],
        br#"{"id": 1, "question": "Q?", "answer": "Some words."}"#,
    );
    assert!(lines(&output)[0]["score"].is_null());
}

#[test]
fn the_report_is_printed_beside_the_rows() {
    let output = viva(
        &["grade", "--report"],
        format!("{GOOD}\n{EMPTY}").as_bytes(),
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    for word in ["Pearson", "AUC", "RMSE", "Calibration"] {
        assert!(stderr.contains(word), "{stderr}");
    }
    assert_eq!(lines(&output).len(), 2);
    let json = viva(
        &["grade", "--report", "--json"],
        format!("{GOOD}\n{EMPTY}").as_bytes(),
    );
    let report = lines(&json).pop().expect("a line");
    assert_eq!(report["type"], "report");
    assert_eq!(report["agreement"]["auc"], 1.0);
}

#[test]
fn the_same_input_gives_the_same_output() {
    let input = format!("{GOOD}\n{EMPTY}\n");
    let once = viva(&["grade", "--signals"], input.as_bytes()).stdout;
    assert_eq!(once, viva(&["grade", "--signals"], input.as_bytes()).stdout);
}

#[test]
fn an_answer_to_a_question_of_the_bank_is_annotated() {
    let answer =
        "We had 210,000 labelled tickets, and the support team was losing hours to misrouted ones.";
    let output = viva(
        &[
            "assess",
            "--question",
            "prototype-to-production",
            "-",
            "--json",
        ],
        answer.as_bytes(),
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found = &lines(&output)[0];
    assert_eq!(found["question"], "prototype-to-production");
    assert!(
        found["points"]
            .as_array()
            .is_some_and(|points| points.len() >= 4)
    );
    let text = viva(
        &["assess", "--question", "prototype-to-production"],
        answer.as_bytes(),
    );
    let stdout = String::from_utf8_lossy(&text.stdout);
    assert!(stdout.contains("of 100"), "{stdout}");
}

#[test]
fn an_unknown_question_is_a_usage_error() {
    let output = viva(&["assess", "--question", "no-such-thing"], b"words");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty());
}
