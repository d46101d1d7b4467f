//! `viva bench journal`: what many stored sessions add to the start of a
//! command.
//!
//! Two journals are made in a temporary folder, one empty and one full, and
//! the program itself is started on each in turn, so that both meet the same
//! state of the machine. The person's own journal is not touched.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::commands::Context;
use crate::guide::{Library, Question};
use crate::paths::Paths;
use crate::store::{Journal, ModelStamp, SessionId, SessionMeta, SessionSummary, Status, Versions};
use crate::{Error, Result};

/// A command that is measured.
struct Start {
    /// The name it is shown under.
    name: &'static str,
    /// Its words.
    words: &'static [&'static str],
    /// The clock stops at a line of this type; without one, at the end.
    until: Option<&'static str>,
}

const STARTS: [Start; 3] = [
    Start {
        name: "history",
        words: &["history"],
        until: None,
    },
    Start {
        name: "history --json",
        words: &["history", "--json"],
        until: None,
    },
    // In JSON a drill tells when its first question is asked. A subject of its
    // own keeps a drill that was left from being gone on with.
    Start {
        name: "drill, first question",
        words: &["drill", "--concept", "ml-lifecycle", "--json"],
        until: Some("drill_question"),
    },
];

/// Questions of a session that is made up, and events of each of them.
const QUESTIONS: usize = 6;
const EVENTS_A_QUESTION: usize = 6;

/// Milliseconds between two sessions: about three a day.
const BETWEEN_MS: i64 = 8 * 3_600_000;

/// Arguments of `viva bench journal`
#[derive(Debug, Args)]
pub(super) struct JournalArgs {
    /// Store this many sessions
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    sessions: u32,
    /// Start each command this many times on either journal
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
}

/// The line of `viva bench journal --json`.
#[derive(Debug, Serialize)]
struct Report {
    schema: u32,
    r#type: &'static str,
    sessions: u32,
    runs: u32,
    journal_bytes: u64,
    filled_in_seconds: f64,
    commands: Vec<Measured>,
}

/// One command: medians of its whole run, in milliseconds.
#[derive(Debug, Serialize)]
struct Measured {
    command: &'static str,
    empty_ms: f64,
    full_ms: f64,
    difference_ms: f64,
    ratio: f64,
    /// The first start on the full journal, before anything is in memory.
    first_ms: f64,
}

/// Fills a journal, measures, and prints the table.
pub(super) fn run(args: &JournalArgs, ctx: &Context) -> Result<()> {
    let folder = tempfile::tempdir().map_err(|error| {
        Error::storage("no temporary folder can be made")
            .caused_by(error)
            .hint("Name one with room in TMPDIR.")
    })?;
    let (empty, full) = (folder.path().join("empty"), folder.path().join("full"));
    Journal::open(&Paths::under(&empty))?;
    let progress = ctx
        .ui
        .spinner(&format!("storing {} sessions", args.sessions));
    let begun = Instant::now();
    fill(&Paths::under(&full), args.sessions)?;
    let filled = begun.elapsed();
    progress.finish();
    let program = std::env::current_exe()
        .map_err(|error| Error::internal("the program does not find itself").caused_by(error))?;
    let mut commands = Vec::new();
    for measured in &STARTS {
        let start = |root: &Path| once(&program, measured, root);
        let first = start(&full)?;
        start(&empty)?;
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..args.runs {
            without.push(start(&empty)?);
            with.push(start(&full)?);
        }
        let (empty_ms, full_ms) = (median(without), median(with));
        commands.push(Measured {
            command: measured.name,
            empty_ms,
            full_ms,
            difference_ms: full_ms - empty_ms,
            ratio: full_ms / empty_ms,
            first_ms: first.as_secs_f64() * 1000.0,
        });
    }
    let journal_bytes =
        std::fs::metadata(Paths::under(&full).journal()).map_or(0, |data| data.len());
    let report = Report {
        schema: 1,
        r#type: "bench_journal",
        sessions: args.sessions,
        runs: args.runs,
        journal_bytes,
        filled_in_seconds: filled.as_secs_f64(),
        commands,
    };
    if ctx.ui.is_json() {
        ctx.ui.json_line(&report);
    } else {
        ctx.ui.line(&table(&report));
    }
    Ok(())
}

fn table(report: &Report) -> String {
    let mut text = format!(
        "{} sessions, {:.0} MB, stored in {:.0} s; medians of {} starts in ms\n\n",
        report.sessions,
        report.journal_bytes as f64 / 1e6,
        report.filled_in_seconds,
        report.runs
    );
    let _ = writeln!(
        text,
        "{:<20}  {:>6}  {:>6}  {:>6}  {:>5}  {:>6}",
        "", "empty", "full", "more", "ratio", "first"
    );
    for one in &report.commands {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<20}  {:>6.1}  {:>6.1}  {:>+6.1}  {:>5.2}  {:>6.1}",
            one.command, one.empty_ms, one.full_ms, one.difference_ms, one.ratio, one.first_ms
        );
    }
    text.trim_end().to_owned()
}

/// Starts the program once on the journal beneath `root` and returns how long
/// it took. There are no models there, so that none is loaded.
fn once(program: &Path, start: &Start, root: &Path) -> Result<Duration> {
    let words = start.words.join(" ");
    let failed = |what: String| {
        Error::internal(format!("`viva {words}` failed while it was measured"))
            .caused_by(std::io::Error::other(what))
    };
    let broken = |error: std::io::Error| failed(error.to_string());
    let paths = Paths::under(root);
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(start.words)
        .env("VIVA_CONFIG_DIR", &paths.config)
        .env("VIVA_DATA_DIR", &paths.data)
        .env("VIVA_MODELS_DIR", &paths.models)
        .env("XDG_CACHE_HOME", &paths.cache)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(broken)?;
    let mut took = None;
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines() {
            let line = line.map_err(broken)?;
            let is_of = |wanted: &str| {
                serde_json::from_str::<Value>(&line).is_ok_and(|line| line["type"] == wanted)
            };
            if took.is_none() && start.until.is_some_and(is_of) {
                took = Some(begun.elapsed());
                // The end of the answers: the drill closes by itself.
                drop(child.stdin.take());
            }
        }
    }
    let status = child.wait().map_err(broken)?;
    match (status.success(), start.until, took) {
        (false, _, _) => Err(failed(status.to_string())),
        (true, None, _) => Ok(begun.elapsed()),
        (true, Some(_), Some(took)) => Ok(took),
        (true, Some(kind), None) => Err(failed(format!("no line of type {kind} came"))),
    }
}

/// Returns the median in milliseconds, 0 of nothing.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times
        .get(times.len() / 2)
        .map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

/// Stores `sessions` finished sessions, by way of an import: what is stored is
/// what the journal itself would store.
fn fill(paths: &Paths, sessions: u32) -> Result<()> {
    let library = Library::built_in();
    let questions: Vec<&Question> = library.questions().collect();
    let now = jiff::Timestamp::now().as_millisecond();
    let lines = Lines {
        next: 0,
        sessions,
        begin_ms: now - i64::from(sessions) * BETWEEN_MS,
        questions: &questions,
        buffer: Vec::new(),
        read: 0,
    };
    Journal::open(paths)?.import(&mut BufReader::new(lines))?;
    Ok(())
}

/// The lines of an export, made while they are read.
struct Lines<'a> {
    next: u32,
    sessions: u32,
    begin_ms: i64,
    questions: &'a [&'a Question],
    buffer: Vec<u8>,
    read: usize,
}

impl Read for Lines<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.read == self.buffer.len() && self.next <= self.sessions {
            self.buffer.clear();
            self.read = 0;
            let lines = match self.next {
                0 => vec![json!({
                    "schema": 1, "type": "viva-journal", "sessions": self.sessions,
                })],
                n => self.session(n),
            };
            for line in lines {
                serde_json::to_writer(&mut self.buffer, &line)?;
                self.buffer.push(b'\n');
            }
            self.next += 1;
        }
        let left = self.buffer.get(self.read..).unwrap_or_default();
        let count = left.len().min(out.len());
        out[..count].copy_from_slice(&left[..count]);
        self.read += count;
        Ok(count)
    }
}

impl Lines<'_> {
    /// Returns the lines of the session with this number, 1 or more.
    fn session(&self, number: u32) -> Vec<Value> {
        let id = SessionId::fresh();
        let at = self.begin_ms + i64::from(number) * BETWEEN_MS;
        let versions = Versions {
            judge: "bench-judge".into(),
            prompts: "bench-prompts".into(),
            guides: "bench-guides".into(),
        };
        let summary = SessionSummary {
            id: id.clone(),
            started_at: at,
            ended_at: Some(at + 30 * 60_000),
            status: Status::Finished,
            meta: SessionMeta {
                title: format!("Mixed panel {number}"),
                plan: "panel".into(),
                mode: "practice".into(),
                seed: u64::from(number),
                model: ModelStamp {
                    name: "bench".into(),
                    hash: "0".repeat(64),
                },
                versions,
                extra: Value::Null,
            },
            events: 0,
        };
        let mut lines = vec![with_type("session", &json!(summary))];
        let asked: Vec<&Question> = (0..QUESTIONS)
            .filter_map(|n| {
                let index = number as usize * QUESTIONS + n;
                self.questions.get(index % self.questions.len().max(1))
            })
            .copied()
            .collect();
        let mut seq = 0;
        for question in &asked {
            for n in 0..EVENTS_A_QUESTION {
                let (kind, words) = match n {
                    0 => ("spoken", &question.ask),
                    1 => ("answered", &question.model_answer),
                    _ => ("noted", &question.panel_note),
                };
                lines.push(json!({
                    "schema": 1, "type": "event", "session": id, "seq": seq, "at_ms": at,
                    "kind": kind, "event": {"event": kind, "at_ms": at, "text": words},
                }));
                seq += 1;
            }
        }
        for (n, point) in asked
            .iter()
            .flat_map(|question| question.points.iter().map(move |point| (question, point)))
            .enumerate()
        {
            let (question, point) = point;
            let there = !(n + number as usize).is_multiple_of(3);
            let verdict = if there { "covered" } else { "missing" };
            let recovery = if there { "unaided" } else { "never" };
            lines.push(json!({
                "schema": 1, "type": "verdict", "session": id, "at_ms": at,
                "question": question.id, "point": point.id, "verdict": verdict,
                "probability": 0.8, "recovery": recovery, "model_hash": "0".repeat(64),
                "judge": "bench-judge", "prompts": "bench-prompts", "guides": "bench-guides",
            }));
            lines.push(json!({
                "schema": 1, "type": "review", "session": id, "question": question.id,
                "point": point.id, "n": 0, "at_ms": at, "source": "interview",
                "rating": if there { 3 } else { 1 }, "verdict": verdict, "probability": 0.8,
                "recovery": recovery, "wording": "interview",
            }));
        }
        lines.push(json!({"schema": 1, "type": "scheduled", "session": id}));
        lines.push(json!({
            "schema": 1, "type": "document", "session": id, "name": "outcome", "at_ms": at,
            "document": {
                "recommendation": "borderline", "score": 50.0 + f64::from(number % 40),
            },
        }));
        lines.push(json!({
            "schema": 1, "type": "document", "session": id, "name": "critique", "at_ms": at,
            "document": {
                "recommendation": "borderline", "score": 50.0 + f64::from(number % 40),
                "assessed": QUESTIONS, "work_on": [], "votes": [], "moments": [],
                "questions": asked.iter().map(|question| json!({
                    "question": question.id, "asked": question.ask, "panellist": "recruiter",
                    "guide": "bench", "score": 50.0, "answer": question.model_answer,
                    "model_answer": question.model_answer,
                })).collect::<Vec<Value>>(),
            },
        }));
        lines
    }
}

/// Returns `value`, an object, as a line of an export of this type.
fn with_type(name: &str, value: &Value) -> Value {
    let mut line = json!({"schema": 1, "type": name});
    if let (Some(all), Some(own)) = (line.as_object_mut(), value.as_object()) {
        all.extend(own.clone());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SessionFilter;

    #[test]
    fn the_journal_is_filled_with_whole_sessions() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = Paths::under(folder.path());
        fill(&paths, 3).expect("filled");
        let journal = Journal::open_to_read(&paths)
            .expect("readable")
            .expect("there");
        let sessions = journal.sessions(&SessionFilter::default()).expect("a list");
        assert_eq!(sessions.len(), 3);
        for session in &sessions {
            assert_eq!(session.status, Status::Finished);
            assert_eq!(session.events as usize, QUESTIONS * EVENTS_A_QUESTION);
            assert!(journal.verdicts(&session.id).expect("verdicts").len() > QUESTIONS);
            let critique: Option<Value> = journal.document(&session.id, "critique").expect("read");
            assert!(critique.is_some());
        }
        assert!(sessions[0].started_at > sessions[2].started_at);
    }

    #[test]
    fn the_median_of_an_odd_number_of_times_is_the_middle_one() {
        let times = [5, 1, 3].map(Duration::from_millis).to_vec();
        assert_eq!(median(times), 3.0);
        assert_eq!(median(Vec::new()), 0.0);
    }
}
