//! `viva history`: what was done before, taking it along, and forgetting it.

use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::Context;
use crate::store::{Journal, SessionFilter, SessionId, SessionSummary, Status};
use crate::ui::{Meaning, Text};
use crate::{Error, Result};

/// Arguments of `viva history`
#[derive(Debug, Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    filter: FilterArgs,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Default, Clone, Args)]
struct FilterArgs {
    /// Show only sessions in this state: unfinished, finished or abandoned
    #[arg(long, value_name = "STATE", value_parser = status)]
    status: Option<Status>,
    /// Show only sessions whose title, plan or mode contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Show only sessions from this day on
    #[arg(long, value_name = "YYYY-MM-DD")]
    since: Option<jiff::civil::Date>,
    /// Show at most this many, the newest
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the sessions, newest first
    List(FilterArgs),
    /// Show what was said in one session
    Show {
        /// A session's name, its end, or `last`
        #[arg(default_value = "last")]
        session: String,
    },
    /// Write everything as JSON Lines
    Export {
        /// The file to write; standard output without it
        file: Option<PathBuf>,
    },
    /// Take in what export wrote
    Import {
        /// The file to read; `-` is standard input
        file: PathBuf,
    },
    /// Remove a session, or all of them, for good
    Forget {
        /// A session's name, its end, or `last`
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        session: Option<String>,
        /// Remove every session and every story
        #[arg(long)]
        all: bool,
    },
    /// Set a damaged journal aside and keep what can be read of it
    Recover,
}

fn status(word: &str) -> Result<Status, String> {
    Status::parse(word).ok_or_else(|| "use unfinished, finished or abandoned".to_owned())
}

/// Runs `viva history`.
///
/// # Errors
/// Fails when the journal cannot be read or written, or a session is not
/// there.
pub fn run(args: &HistoryArgs, ctx: &Context) -> Result<()> {
    match &args.action {
        None => list(&args.filter, ctx),
        Some(Action::List(filter)) => list(filter, ctx),
        Some(Action::Show { session }) => show(session, ctx),
        Some(Action::Export { file }) => export(file.as_deref(), ctx),
        Some(Action::Import { file }) => import(file, ctx),
        Some(Action::Forget { session, .. }) => forget(session.as_deref(), ctx),
        Some(Action::Recover) => recover(ctx),
    }
}

/// Opens the journal to write and passes on what the opening found.
pub(super) fn open(ctx: &Context) -> Result<Journal> {
    let journal = Journal::open(&ctx.paths)?;
    for notice in journal.notices() {
        ctx.ui.warn(notice);
    }
    Ok(journal)
}

/// Opens the journal to read; an error that says there is nothing yet.
pub(super) fn open_to_read(ctx: &Context) -> Result<Journal> {
    Journal::open_to_read(&ctx.paths)?
        .ok_or_else(|| Error::usage("there is no session yet").hint("`viva interview` holds one."))
}

/// Returns a time as a person reads it, in the local time zone.
pub(super) fn when(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map(|time| {
            time.to_zoned(jiff::tz::TimeZone::system())
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        })
        .unwrap_or_else(|_| "?".to_owned())
}

fn list(args: &FilterArgs, ctx: &Context) -> Result<()> {
    let since_ms = args
        .since
        .map(|day| {
            day.to_zoned(jiff::tz::TimeZone::system())
                .map(|time| time.timestamp().as_millisecond())
                .map_err(|error| Error::usage("--since is out of range").caused_by(error))
        })
        .transpose()?;
    let filter = SessionFilter {
        status: args.status,
        since_ms,
        text: args.filter.clone(),
        limit: args.limit,
    };
    let sessions = match Journal::open_to_read(&ctx.paths)? {
        Some(journal) => journal.sessions(&filter)?,
        None => Vec::new(),
    };
    if ctx.ui.is_json() {
        for session in &sessions {
            ctx.ui.json_line(&json_of(session));
        }
        return Ok(());
    }
    if sessions.is_empty() {
        ctx.ui
            .status("No sessions here. `viva interview` holds one.");
    }
    for session in &sessions {
        ctx.ui.line(&format!(
            "{}  {}  {:<10}  {:<8}  {}",
            session.id.short(),
            when(session.started_at),
            session.status.as_str(),
            session.meta.mode,
            crate::ui::sanitise::sanitise_line(&session.meta.title),
        ));
    }
    Ok(())
}

fn json_of(session: &SessionSummary) -> serde_json::Value {
    let mut value = json!({"schema": 1, "type": "session"});
    if let (Some(all), Ok(serde_json::Value::Object(own))) =
        (value.as_object_mut(), serde_json::to_value(session))
    {
        all.extend(own);
    }
    value
}

fn show(session: &str, ctx: &Context) -> Result<()> {
    let journal = open_to_read(ctx)?;
    let id = journal.find(session)?;
    let events = journal.events(&id)?;
    let draft = journal.draft(&id)?;
    if ctx.ui.is_json() {
        ctx.ui.json_line(&json_of(&journal.session(&id)?));
        for event in &events {
            ctx.ui.json_line(&json!({
                "schema": 1, "type": "event", "session": id, "seq": event.seq,
                "at_ms": event.at_ms, "kind": event.kind, "event": event.event,
            }));
        }
        return Ok(());
    }
    let summary = journal.session(&id)?;
    ctx.ui.paragraph(
        0,
        &Text::new()
            .with(Meaning::Heading, &summary.meta.title)
            .with(
                Meaning::Muted,
                format!(
                    "  {} · {} · seed {} · {}",
                    when(summary.started_at),
                    summary.status,
                    summary.meta.seed,
                    summary.meta.model.name
                ),
            ),
    );
    super::report::transcript(ctx, &events);
    if !draft.is_empty() {
        ctx.ui.line("");
        ctx.ui.paragraph(
            0,
            &Text::new().with(Meaning::Muted, "Typed so far, not sent:"),
        );
        for line in &draft {
            ctx.ui.paragraph(2, &Text::new().with(Meaning::Quote, line));
        }
    }
    Ok(())
}

fn export(file: Option<&Path>, ctx: &Context) -> Result<()> {
    let journal = open_to_read(ctx)?;
    let done = match file {
        None => {
            let mut text = Vec::new();
            let done = journal.export(&mut text)?;
            ctx.ui.raw(&String::from_utf8_lossy(&text));
            done
        }
        Some(file) => write_private(file, |out| journal.export(out))?,
    };
    let stories = match done.stories {
        0 => String::new(),
        stories => format!(" and {stories} stories"),
    };
    ctx.ui
        .status(&format!("{} sessions{stories} exported.", done.sessions));
    Ok(())
}

/// Writes `file` for the owner alone, whole or not at all: what was there
/// before stays until the new text is complete.
pub(super) fn write_private<T>(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T>,
) -> Result<T> {
    let failed = |error: std::io::Error| {
        Error::storage(format!("{} cannot be written", file.display()))
            .caused_by(error)
            .hint("Name a file in a folder that exists and that you may write to.")
    };
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let temporary = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut out = BufWriter::new(temporary);
    let done = write(&mut out)?;
    let temporary = out
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary
        .persist(file)
        .map_err(|error| failed(error.error))?;
    Ok(done)
}

fn import(file: &Path, ctx: &Context) -> Result<()> {
    let input: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(|error| {
            Error::usage(format!("{} cannot be read", file.display()))
                .caused_by(error)
                .hint("Check the path; `-` reads standard input.")
        })?)
    };
    let done = open(ctx)?.import(&mut BufReader::new(input))?;
    if ctx.ui.is_json() {
        ctx.ui.json_line(&json!({
            "schema": 1, "type": "imported", "sessions": done.sessions,
            "known": done.known, "events": done.events, "stories": done.stories,
        }));
    } else {
        let stories = match done.stories {
            0 => String::new(),
            stories => format!(" {stories} stories taken in."),
        };
        ctx.ui.line(&format!(
            "{} sessions taken in, {} were here already.{stories}",
            done.sessions, done.known
        ));
    }
    Ok(())
}

fn forget(session: Option<&str>, ctx: &Context) -> Result<()> {
    let journal = open(ctx)?;
    let (gone, stories, told) = match session {
        Some(session) => {
            let id: SessionId = journal.find(session)?;
            let taken = journal
                .stories()?
                .iter()
                .filter(|story| story.origin.as_ref().is_some_and(|from| from.session == id))
                .count();
            journal.forget(&id)?;
            if taken > 0 {
                ctx.ui.hint(&format!(
                    "{taken} stories taken from it stay in your bank; `viva stories remove` removes one."
                ));
            }
            (1, 0, format!("Session {} is forgotten.", id.short()))
        }
        None => {
            let stories = journal.stories()?.len();
            let gone = journal.forget_all()?;
            let drafts = super::stories::forget_drafts(&ctx.paths)?;
            let told = match (gone, stories + drafts) {
                (0, 0) => "There was nothing to forget.".to_owned(),
                (gone, 0) => format!("All {gone} sessions are forgotten."),
                (gone, _) => format!("All {gone} sessions and {stories} stories are forgotten."),
            };
            (gone, stories, told)
        }
    };
    for file in journal.set_aside_files() {
        ctx.ui.warn(&format!(
            "{} is a damaged journal set aside earlier; it may still hold what you typed. Delete it when you no longer need it.",
            file.display()
        ));
    }
    if ctx.ui.is_json() {
        ctx.ui.json_line(&json!({
            "schema": 1, "type": "forgotten", "sessions": gone, "stories": stories,
        }));
    } else {
        ctx.ui.line(&told);
    }
    Ok(())
}

fn recover(ctx: &Context) -> Result<()> {
    let journal = Journal::open_with_full_check(&ctx.paths)?;
    match journal.notices() {
        [] => ctx.ui.line("The journal is sound; nothing was changed."),
        notices => notices.iter().for_each(|notice| ctx.ui.line(notice)),
    }
    Ok(())
}
