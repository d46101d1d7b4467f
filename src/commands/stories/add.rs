//! `viva stories add`: a story from the keyboard, a file or a pipe.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::super::Context;
use super::super::assess::runtime;
use super::super::history::{open, when};
use super::bench::Bench;
use super::{AddArgs, behavioural, competency, draft, show, title};
use crate::guide::Library;
use crate::store::StoryDraft;
use crate::stories::{self, Refused, title_of};
use crate::ui::editor::{Ask, Editor, Entry};
use crate::{Error, ErrorKind, Result};

pub(super) fn run(args: &AddArgs, ctx: &Context) -> Result<()> {
    // What can be wrong is looked at before anything is typed.
    let tags = args
        .tags
        .iter()
        .map(|tag| competency(tag).map(|tag| tag.to_string()))
        .collect::<Result<Vec<String>>>()?;
    let given = args.title.as_deref().map(title).transpose()?;
    let library = Library::load(&ctx.paths)?;
    let journal = open(ctx)?;
    let typed = draft::new(&ctx.paths);
    let (text, given) = match &args.file {
        Some(file) => (from_file(file)?, given),
        None if ctx.ui.is_interactive() => from_keyboard(ctx, &typed, given)?,
        None => (from_file(Path::new("-"))?, given),
    };
    let mut story = journal.add_story(&StoryDraft {
        title: given.unwrap_or_else(|| title_of(&text)),
        text,
        tags,
        origin: None,
    })?;
    if args.file.is_none() {
        draft::remove(&typed);
    }
    ctx.ui.status(&format!(
        "Saved as story {}. `viva stories edit {}` changes it.",
        story.id.short(),
        story.id.short()
    ));
    let bench = Bench::open(ctx)?;
    let spinner = ctx.ui.spinner("Checking the story");
    if story.tags.is_empty() {
        let tags = bench.tags(&story.text, &behavioural(&library))?;
        story = journal.change_story(
            &story.id,
            &StoryDraft {
                title: story.title.clone(),
                text: story.text.clone(),
                tags,
                origin: None,
            },
        )?;
    }
    let check = bench.check(&journal, &story)?;
    spinner.finish();
    if args.tags.is_empty() && !story.tags.is_empty() {
        ctx.ui.status(&format!(
            "Tagged {} by the questions it fits. `viva stories tag {} +NAME -NAME` changes that.",
            story.tags.join(", "),
            story.id.short()
        ));
    }
    show::shown(ctx, &journal, &story, &check)
}

/// Returns the error for a text that cannot be a story.
pub(super) fn refused(what: &str, why: Refused) -> Error {
    let error = Error::usage(format!("{what} cannot be a story")).caused_by(why);
    match why {
        Refused::NotText(_) => error.hint("Save it as plain text in UTF-8."),
        Refused::Empty => error.hint("Write down what you did, as you would say it."),
        Refused::TooLong(_) => {
            error.hint("A panel listens to three minutes, some 420 words: keep to one story.")
        }
    }
}

fn from_file(file: &Path) -> Result<String> {
    let (name, input): (String, Box<dyn std::io::Read>) = if file.as_os_str() == "-" {
        ("standard input".to_owned(), Box::new(std::io::stdin()))
    } else {
        let opened = std::fs::File::open(file);
        let name = file.display().to_string();
        match opened {
            Ok(opened) => (name, Box::new(opened)),
            Err(error) => return Err(unreadable(&name, error)),
        }
    };
    // One byte more than is read into a story tells a long text from a fit one.
    let mut bytes = Vec::new();
    input
        .take(16 << 20)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&name, error))?;
    stories::read(&bytes).map_err(|why| refused(&name, why))
}

fn unreadable(name: &str, error: std::io::Error) -> Error {
    Error::usage(format!("{name} cannot be read"))
        .caused_by(error)
        .hint("Name a text file, or `-` for standard input.")
}

/// Lets the person type; every line entered is in the draft at once.
fn from_keyboard(
    ctx: &Context,
    typed: &Path,
    given: Option<String>,
) -> Result<(String, Option<String>)> {
    let before = draft::read(typed);
    let editor = Editor::start(&ctx.ui)?;
    let runtime = runtime()?;
    if before.is_some() {
        let at = std::fs::metadata(typed)
            .and_then(|data| data.modified())
            .ok()
            .and_then(|at| jiff::Timestamp::try_from(at).ok())
            .map(|at| format!(" on {}", when(at.as_millisecond())))
            .unwrap_or_default();
        ctx.ui
            .remark(&format!("This is what you typed{at}; go on with it."));
    } else {
        ctx.ui.remark(
            "Tell it as you would say it: where it was and what was at stake, what was yours, what you did, what came of it in numbers, what you learned.",
        );
    }
    ctx.ui
        .remark("A blank line or Ctrl-S sends it. Each line is kept as you type.");
    let mut so_far = before.unwrap_or_default();
    let text = loop {
        let file = typed.to_owned();
        let mut ask = Ask::answer(Vec::new())
            .with_draft(so_far.clone())
            .on_typed(Arc::new(move |text: &str| {
                if let Err(error) = draft::write(&file, text) {
                    tracing::warn!(%error, "a line could not be stored");
                }
            }));
        ask.prompt = "story".to_owned();
        match runtime.block_on(editor.read(ask))? {
            Entry::Text(text) => {
                draft::write(typed, &text)?;
                match stories::read(text.as_bytes()) {
                    Ok(text) => break text,
                    Err(why) => {
                        ctx.ui.remark(&format!("Not saved: {why}."));
                        so_far = text;
                    }
                }
            }
            Entry::Leave { draft } => {
                if !draft.trim().is_empty() {
                    draft::write(typed, &draft)?;
                }
                return Err(left(typed));
            }
            Entry::End | Entry::Command { .. } => return Err(left(typed)),
        }
    };
    let given = match given {
        Some(given) => given,
        None => {
            let proposed = title_of(&text);
            let ask = Ask::line(format!("Title (Enter takes \u{201c}{proposed}\u{201d})"));
            match runtime.block_on(editor.read(ask))? {
                Entry::Text(line) if !line.trim().is_empty() => title(&line).unwrap_or(proposed),
                Entry::Leave { .. } => return Err(left(typed)),
                _ => proposed,
            }
        }
    };
    Ok((text, Some(given)))
}

fn left(typed: &Path) -> Error {
    let error = Error::new(
        ErrorKind::Interrupted,
        "you left before the story was saved",
    );
    if draft::read(typed).is_some() {
        error.hint("What you typed is kept; `viva stories add` goes on with it.")
    } else {
        error.hint("Nothing was typed.")
    }
}
