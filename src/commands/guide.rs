//! `viva guide`: the content in use, looked at, searched, checked and extended.

mod browse;
mod check;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Context;
use crate::guide::{
    Competency, Level, Library, QuestionFilter, Round, coverage as expected_items, schema,
};
use crate::{Error, Result};

/// Arguments of `viva guide`
#[derive(Debug, Args)]
pub struct GuideArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: GuideCommand,
}

/// What can be done with guides
#[derive(Debug, Subcommand)]
pub enum GuideCommand {
    /// List the questions
    List(FilterArgs),
    /// Show a question, or another item, with everything known of it
    Show(ShowArgs),
    /// Find questions by words
    Search(SearchArgs),
    /// Check content files and report every fault with its line
    Check(CheckArgs),
    /// Show which items of the source guides are in the bank
    Coverage(CoverageArgs),
    /// Write a commented template for a guide of your own
    New(NewArgs),
    /// Print the JSON Schema of guide files
    Schema,
}

/// Which questions
#[derive(Debug, Clone, Default, Args)]
pub struct FilterArgs {
    /// Only of this round: recruiter, take-home, technical, system-design,
    /// behavioural or candidate-questions
    #[arg(long)]
    pub round: Option<Round>,
    /// Only for this level: graduate, associate, senior or head
    #[arg(long)]
    pub level: Option<Level>,
    /// Only about this concept
    #[arg(long)]
    pub concept: Option<String>,
    /// Only those that show this competency
    #[arg(long)]
    pub competency: Option<Competency>,
    /// Only of this guide
    #[arg(long)]
    pub guide: Option<String>,
}

impl FilterArgs {
    fn filter(&self) -> QuestionFilter {
        QuestionFilter {
            round: self.round,
            level: self.level,
            concept: self.concept.clone(),
            competency: self.competency,
            guide: self.guide.clone(),
        }
    }
}

/// Arguments of `viva guide show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A question's identifier or the beginning of it; or the identifier of a
    /// guide, panellist, plan, stage, format, level, red flag, pitfall or advice
    pub id: String,
}

/// Arguments of `viva guide search`
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// The words to look for
    #[arg(required = true)]
    pub words: Vec<String>,
    /// Show at most this many
    #[arg(long, default_value_t = 10)]
    pub limit: usize,
}

/// Arguments of `viva guide check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Files to check; without any, the built-in content and your own guides
    pub files: Vec<PathBuf>,
    /// Refuse runs of eight words that stand in this text, or in the .txt and
    /// .md files of this folder; may be given several times
    #[arg(long, value_name = "PATH")]
    pub against: Vec<PathBuf>,
    /// Let the judge say whether model answers make their essential points,
    /// instead of looking at their words; slower
    #[arg(long)]
    pub judge: bool,
}

/// Arguments of `viva guide coverage`
#[derive(Debug, Args)]
pub struct CoverageArgs {
    /// Name every item, not only the missing ones
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `viva guide new`
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Write to this file, which must not exist yet, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Runs `viva guide`.
///
/// # Errors
/// Fails when an item does not exist, a checked file has a fault, or a file
/// cannot be written.
pub fn run(args: &GuideArgs, ctx: &Context) -> Result<()> {
    match &args.command {
        GuideCommand::List(args) => {
            browse::list(&load(ctx)?, args, ctx);
            Ok(())
        }
        GuideCommand::Show(args) => browse::show(&load(ctx)?, args, ctx),
        GuideCommand::Search(args) => browse::search(&load(ctx)?, args, ctx),
        GuideCommand::Check(args) => check::run(args, ctx),
        GuideCommand::Coverage(args) => coverage(args, ctx),
        GuideCommand::New(args) => new(args, ctx),
        GuideCommand::Schema => {
            let text = serde_json::to_string_pretty(&schema::schema()).map_err(|error| {
                Error::internal("the schema cannot be written").caused_by(error)
            })?;
            ctx.ui.line(&text);
            Ok(())
        }
    }
}

/// Returns the library; what was left out of it is said on standard error.
fn load(ctx: &Context) -> Result<Library> {
    let library = Library::load(&ctx.paths)?;
    for fault in library.warnings() {
        ctx.ui.warn(&format!("{fault}. {}", fault.help));
    }
    Ok(library)
}

fn coverage(args: &CoverageArgs, ctx: &Context) -> Result<()> {
    // The sources are those of the built-in guides; a user's guide that
    // replaces one must not hide what is missing.
    let library = Library::built_in();
    let sources = expected_items::coverage(&library, &expected_items::expected()?);
    if ctx.ui.is_json() {
        ctx.ui.json_line(&expected_items::report(&sources));
        return Ok(());
    }
    for source in &sources {
        let (present, expected) = source.totals();
        ctx.ui.line(&format!(
            "{}  {}  {present} of {expected}",
            source.file, source.title
        ));
        for group in &source.groups {
            let kind = group.kind.to_string();
            ctx.ui.line(&format!(
                "  {kind:<9} {:<24} {:>3} of {}",
                group.name, group.present, group.expected
            ));
            for item in &group.items {
                if args.all || !item.present {
                    let state = if item.present {
                        item.ids.join(", ")
                    } else {
                        "missing".to_owned()
                    };
                    ctx.ui
                        .line(&format!("      {} ({}): {state}", item.item, item.label));
                }
            }
        }
    }
    Ok(())
}

fn new(args: &NewArgs, ctx: &Context) -> Result<()> {
    let Some(path) = &args.out else {
        ctx.ui.line(schema::TEMPLATE.trim_end());
        return Ok(());
    };
    write_new(path)?;
    ctx.ui.status(&format!(
        "Wrote {}. Fill it in, then run: viva guide check {}",
        path.display(),
        path.display()
    ));
    Ok(())
}

/// Writes the template to a file that must not exist yet.
fn write_new(path: &Path) -> Result<()> {
    use std::io::Write;
    let failed = |error: std::io::Error| {
        let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
        let error = Error::storage(format!(
            "the template cannot be written to {}",
            path.display()
        ))
        .caused_by(error);
        if exists {
            error.hint("Name a file that does not exist yet; nothing was overwritten.")
        } else {
            error.hint("Check that the folder exists and may be written to.")
        }
    };
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(schema::TEMPLATE.as_bytes()).map_err(failed)
}
