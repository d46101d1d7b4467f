//! `viva report`: what came of a session, on the screen or as a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::Context;
use super::contest::{self, Contested};
use super::history::{open, open_to_read, when, write_private};
use super::interview::{minds::Minds, runtime, second};
use crate::critique::contest::{Contestable, DOCUMENT};
use crate::critique::{Critique, QuestionCritique};
use crate::llm::Cancel;
use crate::report::{Report, how_said, is_contestable, minutes};
use crate::store::{Status, StoredEvent};
use crate::ui::{Ask, Editor, Entry, Meaning, Text};
use crate::{Error, Result};

/// Arguments of `viva report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A session's name, its end, or `last`
    #[arg(default_value = "last")]
    session: String,
    /// How to write it; without it the ending of --out decides
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The file to write; standard output without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Have the verdict with this number judged again, by words of your answer
    #[arg(long, value_name = "N", conflicts_with_all = ["format", "out"])]
    contest: Option<usize>,
    /// The words of the answer that make the point; asked for without this
    #[arg(long, value_name = "TEXT", requires = "contest")]
    words: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading here
    Terminal,
    /// Markdown
    #[value(alias = "md")]
    Markdown,
    /// One HTML file that needs no other
    Html,
    /// One JSON object
    Json,
}

/// Runs `viva report`.
///
/// # Errors
/// Fails when there is no such session, or the file cannot be written.
pub fn run(args: &ReportArgs, ctx: &Context) -> Result<()> {
    if let Some(number) = args.contest {
        return contest(args, number, ctx);
    }
    let journal = open_to_read(ctx)?;
    let id = journal.find(&args.session)?;
    let report = Report {
        session: journal.session(&id)?,
        critique: journal.document(&id, "critique")?,
        contests: journal
            .document(&id, DOCUMENT)?
            .and_then(|stored| serde_json::from_value(stored).ok())
            .unwrap_or_default(),
        voice: journal.document(&id, crate::voice::DOCUMENT)?,
        events: journal.events(&id)?,
    };
    let ending = args.out.as_ref().and_then(|out| out.extension()?.to_str());
    let format = match (args.format, ending) {
        (Some(format), _) => format,
        (None, Some("html" | "htm")) => Format::Html,
        (None, Some("json")) => Format::Json,
        (None, Some(_)) => Format::Markdown,
        (None, None) if ctx.ui.is_json() => Format::Json,
        (None, None) if args.out.is_some() => Format::Markdown,
        (None, None) => Format::Terminal,
    };
    let text = match format {
        Format::Terminal if args.out.is_none() => {
            terminal(ctx, &report);
            return Ok(());
        }
        // A file has no width and no colours of its own.
        Format::Terminal | Format::Markdown => report.to_markdown()?,
        Format::Html => report.to_html()?,
        Format::Json => format!("{}\n", report.to_json()),
    };
    match &args.out {
        None => ctx.ui.raw(&text),
        Some(file) => {
            write_private(file, |out| {
                out.write_all(text.as_bytes()).map_err(|error| {
                    Error::storage(format!("{} cannot be written", file.display())).caused_by(error)
                })
            })?;
            ctx.ui.status(&format!("Written to {}.", file.display()));
        }
    }
    Ok(())
}

/// Has a verdict judged again on words of the answer and shows both results.
fn contest(args: &ReportArgs, number: usize, ctx: &Context) -> Result<()> {
    let journal = open(ctx)?;
    let session = journal.find(&args.session)?;
    let critique: Critique = journal
        .document(&session, "critique")?
        .and_then(|stored| serde_json::from_value(stored).ok())
        .ok_or_else(|| {
            Error::usage(format!(
                "session {} has no critique to contest",
                session.short()
            ))
            .hint("`viva resume` continues an interview; its critique comes at the end.")
        })?;
    let machine = super::resume::machine_of(&journal, &session)?;
    let contested = Contested {
        journal: &journal,
        session: &session,
        machine: &machine,
        critique: &critique,
    };
    let (one, found) = contested.find(number)?;
    if args.words.is_none() && !ctx.ui.is_interactive() {
        return Err(
            Error::usage("no words of the answer were pointed at").hint(format!(
                "Give a part of the answer: viva report {} --contest {number} --words \"...\"",
                session.short()
            )),
        );
    }
    // What cannot be judged is said before any model is loaded.
    if let Some(words) = &args.words {
        contested.words(one, words)?;
    }
    runtime()?.play(async {
        let words = match &args.words {
            Some(words) => words.clone(),
            None => match ask_for_words(ctx, &contested, one, found, number).await? {
                Some(words) => words,
                None => {
                    ctx.ui.status("The verdict was left as it is.");
                    return Ok(());
                }
            },
        };
        let minds = Minds::start(ctx)?;
        let cancel = Cancel::new();
        let outcome = {
            let progress = ctx.ui.spinner("Judging these words");
            let mut judging = Box::pin(contested.contest(&minds, number, &words, cancel.clone()));
            let outcome = loop {
                tokio::select! {
                    outcome = &mut judging => break outcome,
                    Ok(()) = tokio::signal::ctrl_c() => cancel.cancel(),
                }
            };
            progress.finish();
            outcome?
        };
        if ctx.ui.is_json() {
            ctx.ui.json_line(&contest::line(&outcome));
        } else {
            ctx.ui.gap();
            second::contest(&ctx.ui, &outcome);
            ctx.ui.status(&format!(
                "Both results are kept. `viva report {}` shows them.",
                session.short()
            ));
        }
        Ok(())
    })
}

/// Shows the verdict and the answer, and asks which words make the point until
/// they stand in the answer; `None` when the person lets it be.
async fn ask_for_words(
    ctx: &Context,
    contested: &Contested<'_>,
    one: &QuestionCritique,
    found: Contestable<'_>,
    number: usize,
) -> Result<Option<String>> {
    let ui = &ctx.ui;
    let before = contested.before(one, &found.target())?;
    let statement = found.text();
    ui.stage_text(0, &Text::new().with(Meaning::Question, &one.asked));
    ui.gap();
    ui.stage_hanging(
        &Text::new().with(Meaning::Muted, format!("[{number}] ")),
        "    ",
        &Text::new().with(Meaning::Value, statement).with(
            Meaning::Muted,
            format!(" ({}, {:.2})", before.verdict.words(), before.probability),
        ),
    );
    ui.gap();
    ui.stage_text(0, &Text::new().with(Meaning::Muted, "Your answer:"));
    for paragraph in one.answer.lines().filter(|line| !line.trim().is_empty()) {
        ui.stage_text(2, &Text::new().with(Meaning::Quote, paragraph));
    }
    ui.gap();
    ui.stage_text(
        0,
        &Text::new().with(
            Meaning::Muted,
            "Which words make the point? Type or paste a part of your answer; an empty line leaves it as it is.",
        ),
    );
    let editor = Editor::start(ui)?;
    loop {
        let typed = match editor.read(Ask::line("words")).await? {
            Entry::Text(text) if !text.trim().is_empty() => text,
            _ => return Ok(None),
        };
        match contested.words(one, &typed) {
            Ok(_) => return Ok(Some(typed)),
            Err(_) => ui.remark(
                "These words are not in your answer. Copy a part of it as it stands above; white space and case are free.",
            ),
        }
    }
}

fn terminal(ctx: &Context, report: &Report) {
    let ui = &ctx.ui;
    let session = &report.session;
    ui.paragraph(
        0,
        &Text::new()
            .with(Meaning::Heading, &session.meta.title)
            .with(
                Meaning::Muted,
                format!(
                    "  {} · {} · session {}",
                    when(session.started_at),
                    session.status,
                    session.id.short()
                ),
            ),
    );
    let Some(critique) = &report.contested_critique() else {
        ui.line("");
        if session.status == Status::Unfinished {
            ui.line("This session has no debrief yet. `viva resume` continues it.");
        } else if session.meta.mode == super::drill::MODE {
            ui.line("A drill: its verdicts were told after each answer.");
        } else {
            ui.line("This session has no debrief.");
        }
        transcript(ctx, &report.events);
        return;
    };
    ui.line("");
    let score = match critique["score"].as_f64() {
        Some(score) => format!(", {score:.0} of 100{}", with_contests(critique)),
        None => String::new(),
    };
    ui.paragraph(
        0,
        &Text::new()
            .plain("The panel's recommendation: ")
            .with(Meaning::Value, words(&critique["recommendation"]))
            .plain(score),
    );
    for (number, question) in (1..).zip(list(&critique["questions"])) {
        ui.line("");
        ui.paragraph(
            0,
            &Text::new().with(
                Meaning::Question,
                format!("{number}. {}", text(&question["asked"])),
            ),
        );
        let outcome = match question["score"].as_f64() {
            Some(score) => format!("{score:.0} of 100{}", with_contests(question)),
            None => match words(&question["not_assessed"]).as_str() {
                "" => "not assessed".to_owned(),
                why => format!("not assessed: {why}"),
            },
        };
        ui.paragraph(2, &Text::new().with(Meaning::Value, outcome));
        for (name, label, meaning) in [
            ("covered", "covered: ", Meaning::Good),
            ("partial", "partly: ", Meaning::Partly),
            ("wrong", "wrong: ", Meaning::Bad),
            ("unsure", "unclear: ", Meaning::Muted),
            ("missing", "missing: ", Meaning::Bad),
            ("hurt", "hurt: ", Meaning::Bad),
        ] {
            for remark in list(&question[name]) {
                let mut line = Text::new()
                    .with(meaning, label)
                    .plain(text(&remark["text"]));
                for quote in list(&remark["quotes"]) {
                    line = line.with(Meaning::Quote, format!(" “{}”", text(&quote["text"])));
                }
                if let Some(number) = remark["number"].as_u64() {
                    line = line.with(Meaning::Muted, format!(" [{number}]"));
                }
                ui.paragraph(2, &line);
                if let Some(contested) = remark["contested"].as_str() {
                    let words = format!(" “{}”", text(&remark["contest_words"]));
                    let line = Text::new()
                        .with(Meaning::Value, contested)
                        .with(Meaning::Quote, words);
                    ui.stage_hanging(&"  ".into(), "    ", &line);
                }
            }
        }
        for line in how_said(question) {
            ui.paragraph(2, &Text::new().with(Meaning::Muted, line));
        }
    }
    if is_contestable(critique) {
        ui.line("");
        ui.paragraph(
            0,
            &Text::new().with(
                Meaning::Muted,
                format!(
                    "A verdict with a number, [1] say, can be contested: `viva report {} --contest 1` has it judged again on the words you point at.",
                    session.id.short()
                ),
            ),
        );
    }
    let work: Vec<&Value> = list(&critique["work_on"]).collect();
    if !work.is_empty() {
        ui.line("");
        let heading = match minutes(critique) {
            0 => "What to do next".to_owned(),
            minutes => format!("What to do next, {minutes} minutes"),
        };
        ui.paragraph(0, &Text::new().with(Meaning::Heading, heading));
        for (number, item) in (1..).zip(work) {
            ui.paragraph(
                2,
                &Text::new()
                    .plain(format!("{number}. "))
                    .with(Meaning::Value, text(&item["title"]).trim_end_matches('.'))
                    .with(
                        Meaning::Muted,
                        match item["minutes"].as_u64() {
                            Some(minutes) => format!(" ({minutes} minutes)"),
                            None => String::new(),
                        },
                    )
                    .plain(format!(
                        ". {} {}",
                        text(&item["why"]),
                        text(&item["advice"])
                    )),
            );
            if let Some(practise) = item["practise"].as_str() {
                ui.stage_hanging(
                    &Text::new()
                        .plain("     ")
                        .with(Meaning::Muted, "Practise: "),
                    "     ",
                    &practise.into(),
                );
            }
        }
    }
    afterwards(ctx, critique);
}

/// Prints the weakest answer said again, and where the candidate's own scores
/// lay far from the panel's.
fn afterwards(ctx: &Context, critique: &Value) {
    let parts: Vec<&Value> = list(&critique["rewrite"]["parts"]).collect();
    if !parts.is_empty() {
        ctx.ui.line("");
        ctx.ui.paragraph(
            0,
            &Text::new().with(Meaning::Heading, "Your weakest answer, said again"),
        );
        ctx.ui.paragraph(
            2,
            &Text::new().with(Meaning::Question, text(&critique["rewrite"]["asked"])),
        );
        for part in parts {
            let line = match text(&part["from"]) {
                "own" => Text::new().with(
                    Meaning::Quote,
                    format!("\u{201c}{}\u{201d}", text(&part["quote"]["text"])),
                ),
                _ => Text::new()
                    .with(Meaning::Good, "add: ")
                    .plain(text(&part["text"])),
            };
            ctx.ui.paragraph(2, &line);
        }
    }
    let mut clashes = list(&critique["contradictions"]).peekable();
    if clashes.peek().is_some() {
        ctx.ui.line("");
        ctx.ui.paragraph(
            0,
            &Text::new().with(Meaning::Heading, "What does not go together"),
        );
    }
    for one in clashes {
        for (label, cited) in [("first: ", &one["earlier"]), ("then: ", &one["later"])] {
            let quote = format!("\u{201c}{}\u{201d}", text(&cited["quote"]["text"]));
            let line = Text::new()
                .with(Meaning::Muted, label)
                .with(Meaning::Quote, quote)
                .with(Meaning::Muted, format!(" ({})", text(&cited["guide"])));
            ctx.ui.paragraph(2, &line);
        }
    }
    let mut surprises = list(&critique["surprises"]).peekable();
    if surprises.peek().is_some() {
        ctx.ui.line("");
        ctx.ui.paragraph(
            0,
            &Text::new().with(Meaning::Heading, "Where you and the panel differ"),
        );
    }
    for one in surprises {
        let topics: Vec<String> = list(&one["competencies"]).map(words).collect();
        ctx.ui.paragraph(
            2,
            &Text::new().plain(format!(
                "{}: you gave yourself {} of 10, the panel {:.0} of 100.",
                topics.join(", "),
                one["predicted"].as_u64().unwrap_or(0),
                one["score"].as_f64().unwrap_or(0.0)
            )),
        );
    }
}

/// Prints what was said in a session.
pub(super) fn transcript(ctx: &Context, events: &[StoredEvent]) {
    for stored in events {
        let (who, meaning) = match stored.kind.as_str() {
            "spoken" => ("Panel", Meaning::Plain),
            "answered" => ("You", Meaning::Quote),
            _ => continue,
        };
        ctx.ui.line("");
        ctx.ui.paragraph(0, &Text::new().with(Meaning::Muted, who));
        ctx.ui
            .paragraph(2, &Text::new().with(meaning, text(&stored.event["text"])));
    }
}

fn with_contests(value: &Value) -> String {
    value["score_with_contests"]
        .as_f64()
        .map(|score| format!(" ({score:.0} with contests)"))
        .unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn words(value: &Value) -> String {
    text(value).replace(['-', '_'], " ")
}
