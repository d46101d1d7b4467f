//! `viva report`: what came of a session, on the screen or as a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::Context;
use super::history::{open_to_read, when, write_private};
use crate::report::{Report, how_said};
use crate::store::{Status, StoredEvent};
use crate::ui::{Meaning, Text};
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
    let journal = open_to_read(ctx)?;
    let id = journal.find(&args.session)?;
    let report = Report {
        session: journal.session(&id)?,
        critique: journal.document(&id, "critique")?,
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
    let Some(critique) = &report.critique else {
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
        Some(score) => format!(", {score:.0} of 100"),
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
            Some(score) => format!("{score:.0} of 100"),
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
                ui.paragraph(2, &line);
            }
        }
        for line in how_said(question) {
            ui.paragraph(2, &Text::new().with(Meaning::Muted, line));
        }
    }
    let work: Vec<&Value> = list(&critique["work_on"]).collect();
    if !work.is_empty() {
        ui.line("");
        ui.paragraph(0, &Text::new().with(Meaning::Heading, "What to work on"));
        for (number, item) in (1..).zip(work) {
            ui.paragraph(
                2,
                &Text::new()
                    .plain(format!("{number}. "))
                    .with(Meaning::Value, text(&item["title"]).trim_end_matches('.'))
                    .plain(format!(
                        ". {} {}",
                        text(&item["why"]),
                        text(&item["advice"])
                    )),
            );
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

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn words(value: &Value) -> String {
    text(value).replace(['-', '_'], " ")
}
