//! `viva history`: what was done before, taking it along, and forgetting it.

mod progress;
mod regrade;

use std::collections::HashMap;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Context;
use crate::store::{Journal, Outcome, SessionFilter, SessionId, SessionSummary, Status};
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
    /// Show at most this many, the newest; 20 on the screen, all in JSON
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Show all of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// Sessions that are listed when nobody says how many.
const NEWEST: u32 = 20;

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
    /// Show what the past sessions come to: trends, recall, what moved
    Progress(progress::ProgressArgs),
    /// Judge past answers again with today's models and guides
    Regrade(regrade::RegradeArgs),
    /// Set a damaged journal aside and keep what can be read of it
    Recover {
        /// A damaged journal set aside earlier, to take in what can be read of it
        file: Option<PathBuf>,
    },
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
        Some(Action::Progress(args)) => progress::run(args, ctx),
        Some(Action::Regrade(args)) => regrade::run(args, ctx),
        Some(Action::Recover { file }) => recover(file.as_deref(), ctx),
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

/// Returns a number of things in words.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Returns when a day begins in the local time zone, milliseconds since 1970.
fn day_ms(day: jiff::civil::Date) -> Result<i64> {
    day.to_zoned(jiff::tz::TimeZone::system())
        .map(|time| time.timestamp().as_millisecond())
        .map_err(|error| Error::usage("--since is out of range").caused_by(error))
}

fn list(args: &FilterArgs, ctx: &Context) -> Result<()> {
    // One more than is shown tells whether there are older ones.
    let cut = args.limit.is_none() && !args.all && !ctx.ui.is_json();
    let filter = SessionFilter {
        status: args.status,
        since_ms: args.since.map(day_ms).transpose()?,
        text: args.filter.clone(),
        limit: if cut { Some(NEWEST + 1) } else { args.limit },
    };
    let (mut sessions, outcomes) = match Journal::open_to_read(&ctx.paths)? {
        Some(journal) => {
            let sessions = journal.sessions(&filter)?;
            let outcomes = match sessions.last() {
                Some(first) => journal.outcomes(Some(first.started_at))?,
                None => HashMap::new(),
            };
            (sessions, outcomes)
        }
        None => (Vec::new(), HashMap::new()),
    };
    if ctx.ui.is_json() {
        for session in &sessions {
            ctx.ui
                .json_line(&with_outcome(session, outcomes.get(&session.id)));
        }
        return Ok(());
    }
    if sessions.is_empty() {
        ctx.ui
            .status("No sessions here. `viva interview` holds one.");
    }
    let older = cut && sessions.len() > NEWEST as usize;
    if older {
        sessions.truncate(NEWEST as usize);
    }
    let width = ctx.ui.width();
    for session in &sessions {
        ctx.ui.line(&row(session, outcomes.get(&session.id), width));
    }
    if older {
        ctx.ui.status(&format!(
            "The newest {NEWEST}; `viva history --all` lists the older ones too."
        ));
    }
    Ok(())
}

/// Columns from which the time and the mode are shown too.
const WIDE: usize = 76;

/// Returns a session as a line of the list, of at most `width` columns.
fn row(session: &SessionSummary, outcome: Option<&Outcome>, width: Option<usize>) -> String {
    let came_out = outcome.map_or_else(
        || session.status.as_str().to_owned(),
        |outcome| {
            let words = outcome.recommendation.as_deref().unwrap_or("finished");
            let words = words.replace('-', " ");
            match outcome.score {
                Some(score) => format!("{score:>3.0} {words}"),
                None => words,
            }
        },
    );
    let time = when(session.started_at);
    let title = crate::ui::sanitise::sanitise_line(&session.meta.title);
    let wide = width.is_none_or(|width| width >= WIDE);
    let head = if wide {
        format!(
            "{}  {time}  {came_out:<14}  {:<8}  ",
            session.id.short(),
            session.meta.mode
        )
    } else {
        let day = time.split(' ').next().unwrap_or_default();
        format!("{}  {day}  {came_out:<14}  ", session.id.short())
    };
    let line = format!("{head}{title}");
    match width {
        Some(width) if line.width() > width => shorten(&line, width),
        _ => line.trim_end().to_owned(),
    }
}

/// Cuts `line` to `width` columns, with three full stops for what is gone.
fn shorten(line: &str, width: usize) -> String {
    let mut out = String::new();
    let mut columns = 3;
    for c in line.chars() {
        columns += c.width().unwrap_or(0);
        if columns > width {
            break;
        }
        out.push(c);
    }
    format!("{}...", out.trim_end())
}

/// Returns a session of the list with how it came out: `score` and
/// `recommendation`, null where there is no debrief.
fn with_outcome(session: &SessionSummary, outcome: Option<&Outcome>) -> serde_json::Value {
    let mut value = json_of(session);
    if let Some(members) = value.as_object_mut() {
        members.insert("score".into(), json!(outcome.and_then(|one| one.score)));
        members.insert(
            "recommendation".into(),
            json!(outcome.and_then(|one| one.recommendation.as_deref())),
        );
    }
    value
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
    let journal = open(ctx)?;
    let done = journal.import(&mut BufReader::new(input))?;
    super::drill::ledger::catch_up(&journal)?;
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
            super::drill::ledger::catch_up(&journal)?;
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

fn recover(file: Option<&Path>, ctx: &Context) -> Result<()> {
    let journal = Journal::open_with_full_check(&ctx.paths)?;
    if let Some(file) = file {
        for notice in journal.notices() {
            ctx.ui.line(notice);
        }
        let told = journal.take_in_damaged(file)?;
        ctx.ui.line(&format!("{}: {told}", file.display()));
        return Ok(());
    }
    match journal.notices() {
        [] => ctx.ui.line("The journal is sound; nothing was changed."),
        notices => notices.iter().for_each(|notice| ctx.ui.line(notice)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SessionMeta;

    fn session(title: &str, status: Status) -> SessionSummary {
        SessionSummary {
            id: SessionId::parse("0190a000-0000-7000-8000-0000deadbeef").expect("a name"),
            started_at: 1_790_000_000_000,
            ended_at: None,
            status,
            meta: SessionMeta {
                title: title.to_owned(),
                mode: "practice".to_owned(),
                ..SessionMeta::default()
            },
            events: 0,
        }
    }

    #[test]
    fn a_row_says_how_it_went_and_keeps_to_a_narrow_terminal() {
        let good = Outcome {
            recommendation: Some("strong-yes".to_owned()),
            score: Some(91.4),
        };
        let finished = session("A panel for machine-learning engineers", Status::Finished);
        let narrow = row(&finished, Some(&good), Some(60));
        assert!(narrow.width() <= 60, "{narrow}");
        assert!(narrow.contains("   91 strong yes  A panel for"), "{narrow}");
        assert!(narrow.ends_with("..."), "{narrow}");
        let wide = row(&finished, Some(&good), None);
        assert!(wide.contains("practice  A panel for machine-learning engineers"));
        let open = row(&session("Wörter", Status::Unfinished), None, Some(60));
        assert!(open.contains("  unfinished      Wörter"), "{open}");
    }

    #[test]
    fn a_session_without_a_score_has_none_in_json() {
        let finished = session("t", Status::Finished);
        let outcome = Outcome {
            recommendation: Some("not-assessed".to_owned()),
            score: None,
        };
        let line = with_outcome(&finished, Some(&outcome));
        assert_eq!(line["score"], serde_json::Value::Null);
        assert_eq!(line["recommendation"], "not-assessed");
        assert_eq!(
            with_outcome(&finished, None)["recommendation"],
            serde_json::Value::Null
        );
    }
}
