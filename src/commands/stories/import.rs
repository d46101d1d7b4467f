//! `viva stories import`: stories from past answers to behavioural questions.

use serde_json::json;

use super::super::Context;
use super::super::assess::runtime;
use super::super::history::{open, open_to_read, when};
use super::telling::{Given, answers, replay, telling};
use super::{bench, count, list};
use crate::Result;
use crate::store::{Journal, Origin, SessionFilter, SessionId, SessionSummary, Story, StoryDraft};
use crate::stories::likeness::{Print, told};
use crate::stories::{self, title_of};
use crate::ui::editor::{Ask, Editor, Entry};
use crate::ui::{Meaning, Text};

/// Words below which an answer is no story to keep: 20 seconds of speech.
const LEAST_WORDS: usize = 45;

/// What came of an import.
#[derive(Default)]
struct Outcome {
    kept: Vec<Story>,
    known: usize,
    thin: usize,
    left: usize,
}

pub(super) fn run(session: Option<&str>, yes: bool, ctx: &Context) -> Result<()> {
    // A look at the past must not make a journal where there is none.
    open_to_read(ctx)?;
    let journal = open(ctx)?;
    let sessions: Vec<SessionSummary> = match session {
        Some(text) => vec![journal.session(&journal.find(text)?)?],
        None => {
            let mut all = journal.sessions(&SessionFilter::default())?;
            all.reverse();
            all
        }
    };
    let mut reader = if !yes && ctx.ui.is_interactive() {
        Some(Reader {
            editor: Editor::start(&ctx.ui)?,
            runtime: runtime()?,
        })
    } else {
        None
    };
    let mut outcome = Outcome::default();
    let mut bank = journal.stories()?;
    let mut prints: Vec<Print> = bank.iter().map(|story| Print::of(&story.text)).collect();
    // A bar would draw over the line editor.
    let progress = reader.is_none().then(|| {
        ctx.ui
            .progress_bar(sessions.len() as u64, "Looking through sessions")
    });
    let mut stopped = false;
    for summary in &sessions {
        if let Some(progress) = &progress {
            progress.add(1);
        }
        let machine = replay(&journal, &summary.id)?;
        for given in answers(&machine) {
            let Some(draft) = draft(&given, &summary.id) else {
                outcome.thin += 1;
                continue;
            };
            let at = summary.ended_at.unwrap_or(summary.started_at);
            if let Some((story, likeness)) = told(&draft.text, &prints) {
                journal.record_telling(&telling(
                    &bank[story].id,
                    &summary.id,
                    &given,
                    at,
                    likeness,
                ))?;
                outcome.known += 1;
                continue;
            }
            let keep = match &mut reader {
                _ if yes => Answer::Yes,
                _ if stopped => Answer::No,
                Some(reader) => {
                    propose(ctx, summary, &given, &draft);
                    reader.ask()?
                }
                None => {
                    if !ctx.ui.is_json() {
                        propose(ctx, summary, &given, &draft);
                    }
                    Answer::No
                }
            };
            match keep {
                Answer::Yes => {
                    let story = journal.add_story(&draft)?;
                    journal.record_telling(&telling(&story.id, &summary.id, &given, at, 1.0))?;
                    prints.push(Print::of(&story.text));
                    bank.push(story.clone());
                    outcome.kept.push(story);
                }
                Answer::No => outcome.left += 1,
                Answer::Stop => {
                    outcome.left += 1;
                    stopped = true;
                }
            }
        }
    }
    drop(progress);
    tell(ctx, &journal, &outcome, reader.is_some())
}

/// Returns the story in an answer, unless it is too thin to be one.
fn draft(given: &Given<'_>, session: &SessionId) -> Option<StoryDraft> {
    let text = stories::read(given.text.as_bytes()).ok()?;
    if given.flagged || text.split_whitespace().count() < LEAST_WORDS {
        return None;
    }
    Some(StoryDraft {
        title: title_of(&text),
        text,
        tags: given
            .question
            .competencies
            .iter()
            .map(ToString::to_string)
            .collect(),
        origin: Some(Origin {
            session: session.clone(),
            question: given.question.id.clone(),
            attempt: given.attempt,
        }),
    })
}

fn propose(ctx: &Context, session: &SessionSummary, given: &Given<'_>, draft: &StoryDraft) {
    ctx.ui.gap();
    ctx.ui.stage_text(
        0,
        &Text::new().with(
            Meaning::Muted,
            format!(
                "{}, session {}, {}",
                when(session.started_at),
                session.id.short(),
                given.question.id
            ),
        ),
    );
    ctx.ui
        .stage_text(0, &Text::new().with(Meaning::Question, &given.question.ask));
    ctx.ui
        .stage_text(2, &Text::new().with(Meaning::Quote, &draft.text));
    ctx.ui.stage_text(
        0,
        &Text::new()
            .plain("Title: ")
            .with(Meaning::Heading, &draft.title)
            .with(Meaning::Muted, format!("  {}", draft.tags.join(", "))),
    );
}

enum Answer {
    Yes,
    No,
    Stop,
}

struct Reader {
    editor: Editor,
    runtime: tokio::runtime::Runtime,
}

impl Reader {
    fn ask(&mut self) -> Result<Answer> {
        loop {
            let ask = Ask::line("Keep it? y, n, or q to stop");
            return Ok(match self.runtime.block_on(self.editor.read(ask))? {
                Entry::Text(text) => match text.trim().to_lowercase().as_str() {
                    "y" | "yes" => Answer::Yes,
                    "n" | "no" => Answer::No,
                    "q" | "quit" => Answer::Stop,
                    _ => continue,
                },
                Entry::Command { .. } => continue,
                Entry::Leave { .. } | Entry::End => Answer::Stop,
            });
        }
    }
}

fn tell(ctx: &Context, journal: &Journal, outcome: &Outcome, asked: bool) -> Result<()> {
    if ctx.ui.is_json() {
        let tellings = journal.tellings()?;
        for story in &outcome.kept {
            let check = bench::known(journal, story)?;
            ctx.ui.json_line(&list::as_json(story, &check, &tellings));
        }
        ctx.ui.json_line(&json!({
            "schema": 1, "type": "stories-imported", "stories": outcome.kept.len(),
            "known": outcome.known, "thin": outcome.thin, "left": outcome.left,
        }));
        return Ok(());
    }
    if outcome.left > 0 {
        ctx.ui.gap();
    }
    for story in &outcome.kept {
        ctx.ui.paragraph(
            2,
            &Text::new()
                .with(Meaning::Command, story.id.short())
                .plain("  ")
                .plain(&story.title)
                .with(Meaning::Muted, format!("  {}", story.tags.join(", "))),
        );
    }
    let mut line = format!("{} taken in", count(outcome.kept.len(), "story", "stories"));
    if outcome.known > 0 {
        line.push_str(&format!(
            ", {} tell a story that is here",
            count(outcome.known, "answer", "answers")
        ));
    }
    if outcome.thin > 0 {
        line.push_str(&format!(
            ", {} too thin to be one",
            count(outcome.thin, "answer", "answers")
        ));
    }
    ctx.ui.paragraph(0, &format!("{line}.").as_str().into());
    if outcome.kept.is_empty() && outcome.left + outcome.known + outcome.thin == 0 {
        ctx.ui.hint("No past interview has an answer to a behavioural question: `viva interview --round behavioural` asks some.");
    } else if outcome.left > 0 && !asked {
        ctx.ui.hint(&format!(
            "{} could be taken in: `viva stories import --yes` takes all; with a keyboard you are asked for each.",
            count(outcome.left, "answer", "answers")
        ));
    } else if !outcome.kept.is_empty() {
        ctx.ui
            .hint("`viva stories show ID` has the judge check one.");
    }
    Ok(())
}
