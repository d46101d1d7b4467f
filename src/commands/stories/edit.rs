//! Changing a story: its words in the person's own editor, its title, its
//! tags; and removing it.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::super::Context;
use super::super::history::open;
use super::add::refused;
use super::{bench, competency, draft, list, show, title};
use crate::store::{Story, StoryDraft};
use crate::stories;
use crate::{Error, Result};

pub(super) fn run(story: &str, new_title: Option<&str>, ctx: &Context) -> Result<()> {
    let new_title = new_title.map(title).transpose()?;
    let journal = open(ctx)?;
    let story = journal.find_story(story)?;
    if let Some(title) = new_title {
        let story = journal.change_story(
            &story.id,
            &StoryDraft {
                title,
                ..draft_of(&story)
            },
        )?;
        return tell(ctx, &journal, &story);
    }
    let file = draft::of(&ctx.paths, &story.id);
    match draft::read(&file).filter(|before| *before != story.text) {
        Some(_) => ctx.ui.status(
            "An earlier change to this story was not saved; the editor shows it for you to go on.",
        ),
        None => draft::write(&file, &format!("{}\n", story.text))?,
    }
    let text = edited(&file)?;
    if text == story.text {
        draft::remove(&file);
        ctx.ui.status("Nothing was changed.");
        return tell(ctx, &journal, &story);
    }
    let story = journal.change_story(
        &story.id,
        &StoryDraft {
            text,
            ..draft_of(&story)
        },
    )?;
    draft::remove(&file);
    ctx.ui
        .status(&format!("Story {} is changed.", story.id.short()));
    show::checked(ctx, &journal, &story)
}

/// Lets the person's editor change `file` and returns the story that is in it
/// then. Whatever fails, the file stays as it was left.
fn edited(file: &Path) -> Result<String> {
    let kept = format!(
        "The story is as it was. What you typed is in {}; `viva stories edit` goes on with it.",
        file.display()
    );
    let wanted = ["VISUAL", "EDITOR"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|editor| !editor.trim().is_empty())
        .unwrap_or_else(|| "vi".to_owned());
    // An editor may come with options, as in `code --wait`.
    let mut words = wanted.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program)
        .args(words)
        .arg(file)
        .status()
        .map_err(|error| {
            Error::usage(format!("the editor {program} cannot be started"))
                .caused_by(error)
                .hint("Name one in VISUAL or EDITOR, or use `viva stories add FILE`.")
                .hint(kept.clone())
        })?;
    if !status.success() {
        return Err(Error::usage(format!("the editor {program} failed ({status})")).hint(kept));
    }
    let bytes = std::fs::read(file).map_err(|error| {
        Error::storage(format!("{} cannot be read", file.display())).caused_by(error)
    })?;
    stories::read(&bytes).map_err(|why| {
        // An emptied file is no work to be kept.
        if why == stories::Refused::Empty {
            draft::remove(file);
            refused("what the editor left", why).hint("The story is as it was.")
        } else {
            refused("what the editor left", why).hint(kept)
        }
    })
}

pub(super) fn tag(story: &str, changes: &[String], ctx: &Context) -> Result<()> {
    let mut add = Vec::new();
    let mut take = Vec::new();
    for change in changes {
        let (name, list) = match change.split_at_checked(1) {
            Some(("+", name)) => (name, &mut add),
            Some(("-", name)) if !name.starts_with('-') => (name, &mut take),
            _ => {
                return Err(Error::usage(format!("'{change}' is no change of tags")).hint(
                    "Write +NAME to add a competency and -NAME to take it off; options such as --json come before the story.",
                ));
            }
        };
        list.push(competency(name)?.to_string());
    }
    let journal = open(ctx)?;
    let story = journal.find_story(story)?;
    let mut tags = story.tags.clone();
    tags.retain(|tag| !take.contains(tag));
    for tag in add {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let check = journal.story_check(&story.id)?;
    let changed = journal.change_story(
        &story.id,
        &StoryDraft {
            tags,
            ..draft_of(&story)
        },
    )?;
    // The words are the same, and so is what the judge found in them.
    if let Some(mut check) = check
        && check["changed_at"] == json!(story.changed_at)
    {
        check["changed_at"] = json!(changed.changed_at);
        journal.put_story_check(&changed.id, &check)?;
    }
    tell(ctx, &journal, &changed)
}

pub(super) fn remove(story: &str, ctx: &Context) -> Result<()> {
    let journal = open(ctx)?;
    let story = journal.find_story(story)?;
    journal.remove_story(&story.id)?;
    draft::remove(&draft::of(&ctx.paths, &story.id));
    if ctx.ui.is_json() {
        ctx.ui
            .json_line(&json!({"schema": 1, "type": "story-removed", "id": story.id}));
    } else {
        let told = format!(
            "Story {} is removed: \u{201c}{}\u{201d}.",
            story.id.short(),
            story.title
        );
        ctx.ui.paragraph(0, &told.as_str().into());
    }
    Ok(())
}

/// Shows the head of a story that was changed.
fn tell(ctx: &Context, journal: &crate::store::Journal, story: &Story) -> Result<()> {
    let check = bench::known(journal, story)?;
    let tellings = journal.tellings()?;
    if ctx.ui.is_json() {
        ctx.ui.json_line(&list::as_json(story, &check, &tellings));
    } else {
        list::head(ctx, story, &check, &tellings);
    }
    Ok(())
}

fn draft_of(story: &Story) -> StoryDraft {
    StoryDraft {
        title: story.title.clone(),
        text: story.text.clone(),
        tags: story.tags.clone(),
        origin: story.origin.clone(),
    }
}
