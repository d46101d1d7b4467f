//! `viva stories`: the bank of one's own stories.

mod add;
mod bench;
mod coverage;
mod draft;
mod edit;
mod fit;
mod import;
mod list;
mod show;
mod telling;

use std::path::PathBuf;
use std::str::FromStr as _;

use clap::{Args, Subcommand};

use super::Context;
use crate::guide::{Competency, Library, Question};
use crate::store::Journal;
use crate::stories::{self, COMPETENCIES};
use crate::{Error, Result};

pub(super) use draft::forget as forget_drafts;
pub(super) use telling::remember;

/// Arguments of `viva stories`
#[derive(Debug, Args)]
pub struct StoriesArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the stories, oldest first
    List,
    /// Add a story: typed here, or from a file
    Add(AddArgs),
    /// Show a story, annotated by part
    Show {
        /// A story's name or the end of it
        story: String,
    },
    /// Change a story's words in your editor, or its title
    Edit {
        /// A story's name or the end of it
        story: String,
        /// Give it this title and leave the words
        #[arg(long)]
        title: Option<String>,
    },
    /// Say what a story shows: +NAME adds a competency, -NAME takes it off
    Tag {
        /// A story's name or the end of it
        story: String,
        /// +NAME or -NAME, as many as you like
        #[arg(
            required = true,
            allow_hyphen_values = true,
            value_name = "+NAME|-NAME"
        )]
        changes: Vec<String>,
    },
    /// Remove a story for good
    Remove {
        /// A story's name or the end of it
        story: String,
    },
    /// Take stories from past answers to behavioural questions
    Import {
        /// A session's name, its end, or `last`; all sessions without it
        session: Option<String>,
        /// Take all that are found, without asking
        #[arg(long)]
        yes: bool,
    },
    /// Show which competencies have a story, and which story is told too often
    Coverage,
    /// Show which story fits which behavioural question
    Fit {
        /// The question: its identifier or a beginning of it; without it, the
        /// questions nearest to each story
        question: Option<String>,
        /// Judge every story for every question
        #[arg(long, conflicts_with = "question")]
        all: bool,
    },
}

/// Arguments of `viva stories add`
#[derive(Debug, Args)]
struct AddArgs {
    /// The file to read; `-` is standard input; without it you type here
    file: Option<PathBuf>,
    /// A line you recognise the story by [default: its first words]
    #[arg(long)]
    title: Option<String>,
    /// A competency it shows; may be repeated [default: by what it fits]
    #[arg(long = "tag", value_name = "NAME")]
    tags: Vec<String>,
}

/// Runs `viva stories`.
///
/// # Errors
/// Fails when a story or question is not known, a text cannot be a story, a
/// model fails, or the journal cannot be read or written.
pub fn run(args: &StoriesArgs, ctx: &Context) -> Result<()> {
    match &args.action {
        None | Some(Action::List) => list::run(ctx),
        Some(Action::Add(args)) => add::run(args, ctx),
        Some(Action::Show { story }) => show::run(story, ctx),
        Some(Action::Edit { story, title }) => edit::run(story, title.as_deref(), ctx),
        Some(Action::Tag { story, changes }) => edit::tag(story, changes, ctx),
        Some(Action::Remove { story }) => edit::remove(story, ctx),
        Some(Action::Import { session, yes }) => import::run(session.as_deref(), *yes, ctx),
        Some(Action::Coverage) => coverage::run(ctx),
        Some(Action::Fit { question, all }) => fit::run(question.as_deref(), *all, ctx),
    }
}

/// Returns the competency that a person means by `name`.
///
/// # Errors
/// Fails with the list of those there are.
fn competency(name: &str) -> Result<Competency> {
    Competency::from_str(name).map_err(|_| {
        let known: Vec<String> = COMPETENCIES.iter().map(ToString::to_string).collect();
        Error::usage(format!("there is no competency '{name}'"))
            .hint(format!("The competencies are {}.", known.join(", ")))
    })
}

/// Returns the title in `text`.
///
/// # Errors
/// Fails when there is no word in it, or it is no title for its length.
fn title(text: &str) -> Result<String> {
    let line = crate::ui::sanitise::sanitise_line(text);
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return Err(Error::usage("the title is empty")
            .hint("Give a few words, for example the thing that broke."));
    }
    if line.len() > stories::MAX_TITLE {
        return Err(
            Error::usage(format!("the title has {} bytes", line.len())).hint(format!(
                "{} are enough to know a story by.",
                stories::MAX_TITLE
            )),
        );
    }
    Ok(line)
}

/// Opens the journal to read; an error that says there is no story yet.
fn reading(ctx: &Context) -> Result<Journal> {
    Journal::open_to_read(&ctx.paths)?.ok_or_else(no_story)
}

fn no_story() -> Error {
    Error::usage("there is no story yet").hint(
        "`viva stories add` takes one down; `viva stories import` finds them in past answers.",
    )
}

/// Returns the questions of the library that ask for a story.
fn behavioural(library: &Library) -> Vec<&Question> {
    library
        .questions()
        .filter(|question| stories::is_behavioural(question))
        .collect()
}

/// Returns `count` of a thing in words: "1 story", "3 stories".
fn count(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}
