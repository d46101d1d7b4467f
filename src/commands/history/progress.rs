//! `viva history progress`: reads the past and shows what it comes to, on the
//! screen, as a page or as JSON.

mod view;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::Context;
use super::{day_ms, write_private};
use crate::guide::{Competency, Library};
use crate::progress::{Past, REGRADE, Session, Topic, Wish, progress};
use crate::report::ProgressPage;
use crate::store::{Journal, SessionFilter};
use crate::{Error, Result};

/// Arguments of `viva history progress`
#[derive(Debug, Args)]
pub struct ProgressArgs {
    /// Look only at questions that show this competency
    #[arg(long, value_name = "COMPETENCY")]
    competency: Option<Competency>,
    /// Look only at questions about this concept
    #[arg(long, value_name = "CONCEPT")]
    concept: Option<String>,
    /// Look only at sessions from this day on
    #[arg(long, value_name = "YYYY-MM-DD")]
    since: Option<jiff::civil::Date>,
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

/// Runs `viva history progress`.
///
/// # Errors
/// Fails when the journal cannot be read, nothing is about the concept, or the
/// file cannot be written.
pub(super) fn run(args: &ProgressArgs, ctx: &Context) -> Result<()> {
    let library = Library::load(&ctx.paths)?;
    let since_ms = args.since.map(day_ms).transpose()?;
    let past = match Journal::open_to_read(&ctx.paths)? {
        Some(journal) => past(&journal, &library, since_ms)?,
        None => Past::default(),
    };
    if let Some(concept) = &args.concept {
        known(concept, &library)?;
    }
    let wish = Wish {
        competency: args.competency.map(|one| one.to_string()),
        concept: args.concept.clone(),
    };
    let progress = progress(&past, &wish);
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
    let page = ProgressPage {
        progress: &progress,
        wish: &wish,
        since_ms,
    };
    let text = match format {
        Format::Terminal if args.out.is_none() => {
            view::show(ctx, &progress, &wish);
            return Ok(());
        }
        Format::Json if args.out.is_none() => {
            ctx.ui.json_line(&page.to_json());
            return Ok(());
        }
        Format::Terminal | Format::Markdown => page.to_markdown()?,
        Format::Html => page.to_html()?,
        Format::Json => format!("{}\n", page.to_json()),
    };
    let Some(file) = &args.out else {
        ctx.ui.raw(&text);
        return Ok(());
    };
    write_private(file, |out| {
        out.write_all(text.as_bytes()).map_err(|error| {
            Error::storage(format!("{} cannot be written", file.display())).caused_by(error)
        })
    })?;
    if ctx.ui.is_json() {
        ctx.ui
            .json_line(&json!({"schema": 1, "type": "written", "file": file}));
    } else {
        ctx.ui.status(&format!("Written to {}.", file.display()));
    }
    Ok(())
}

/// Reads the past: one query each for sessions, verdicts, critiques and what
/// was judged again.
///
/// # Errors
/// Fails when the journal cannot be read.
fn past(journal: &Journal, library: &Library, since_ms: Option<i64>) -> Result<Past> {
    let sessions = journal.sessions(&SessionFilter {
        since_ms,
        ..SessionFilter::default()
    })?;
    let mut past = Past {
        sessions: sessions
            .into_iter()
            .map(|session| Session {
                id: session.id.to_string(),
                started_at: session.started_at,
                title: session.meta.title,
                guides: session.meta.versions.guides,
            })
            .collect(),
        verdicts: journal.verdicts_since(since_ms)?,
        ..Past::default()
    };
    // A document that cannot be read costs its quotes and scores; the verdicts
    // stand.
    journal.documents_since(
        "critique",
        since_ms,
        |session, text| match serde_json::from_str(text) {
            Ok(critique) => {
                past.critiques.insert(session, critique);
            }
            Err(error) => tracing::warn!(%error, %session, "a critique cannot be read"),
        },
    )?;
    journal.documents_since(REGRADE, since_ms, |session, text| {
        if let Ok(regrade) = serde_json::from_str(text) {
            past.regrades.insert(session, regrade);
        }
    })?;
    past.topics = library
        .questions()
        .map(|question| {
            let points = question.points.iter();
            let topic = Topic {
                ask: question.ask.clone(),
                concept: question.concept.clone(),
                competencies: question
                    .competencies
                    .iter()
                    .map(Competency::to_string)
                    .collect(),
                points: points.map(|p| (p.id.clone(), p.text.clone())).collect(),
            };
            (question.id.clone(), topic)
        })
        .collect();
    Ok(past)
}

fn known(concept: &str, library: &Library) -> Result<()> {
    if library.questions().any(|one| one.concept == concept) {
        return Ok(());
    }
    let mut near: Vec<&str> = library
        .questions()
        .map(|one| one.concept.as_str())
        .filter(|one| {
            concept
                .split('-')
                .any(|word| word.len() > 2 && one.contains(word))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.truncate(5);
    let error = Error::usage(format!("no question is about the concept '{concept}'"));
    Err(if near.is_empty() {
        error.hint("`viva guide list --json` names the concept of every question.")
    } else {
        error.hint(format!("Perhaps you mean {}.", near.join(", ")))
    })
}
