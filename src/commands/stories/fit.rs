//! `viva stories fit`: which story fits which behavioural question.

use serde_json::{Value, json};

use super::super::Context;
use super::bench::Bench;
use super::{behavioural, no_story, reading};
use crate::guide::{Library, Question};
use crate::judge::{Assessment, Verdict, is_trusted};
use crate::store::Story;
use crate::stories::fit::{BEST, Fit, best, nearest};
use crate::stories::is_behavioural;
use crate::ui::{Meaning, Text};
use crate::{Error, Result};

/// Questions that are judged for a story when nothing else is asked for.
const SHORTLIST: usize = 6;

/// Stories that are judged for a question; of a larger bank the nearest.
const STORIES: usize = 8;

/// Points left out that are named.
const LEFT_OUT: usize = 3;

/// A fit with what the judge found.
struct Judged {
    fit: Fit,
    found: Assessment,
}

pub(super) fn run(question: Option<&str>, all: bool, ctx: &Context) -> Result<()> {
    let library = Library::load(&ctx.paths)?;
    let one = question.map(|text| library.resolve(text)).transpose()?;
    if let Some(question) = one
        && !is_behavioural(question)
    {
        return Err(
            Error::usage(format!("'{}' does not ask for a story", question.id))
                .hint("`viva guide list --round behavioural` shows the questions that do."),
        );
    }
    let stories = reading(ctx)?.stories()?;
    if stories.is_empty() {
        return Err(no_story());
    }
    let questions = match one {
        Some(question) => vec![question],
        None => behavioural(&library),
    };
    let bench = Bench::open(ctx)?;
    let judged = judged(ctx, &bench, &stories, &questions, one.is_some() || all)?;
    let trusted = is_trusted(&bench.version());
    if ctx.ui.is_json() {
        for one in &judged {
            ctx.ui
                .json_line(&as_json(one, &stories, &questions, &bench.version()));
        }
        return Ok(());
    }
    let fits: Vec<Fit> = judged.iter().map(|one| one.fit).collect();
    for (at, question) in questions.iter().enumerate() {
        let best = best(&fits, |fit| fit.question == at);
        if !best.is_empty() {
            for_question(
                ctx,
                question,
                &best,
                &judged,
                &stories,
                trusted,
                one.is_some(),
            );
        }
    }
    if one.is_none() {
        for (at, story) in stories.iter().enumerate() {
            for_story(
                ctx,
                story,
                &best(&fits, |fit| fit.story == at),
                &questions,
                trusted,
            );
        }
    }
    if !trusted {
        ctx.ui.status(
            "The order is by words and nearness; this judge's scores are not reliable enough to be shown.",
        );
    }
    Ok(())
}

/// Judges stories as answers to questions: every pair when `every`, else the
/// questions nearest to each story.
fn judged(
    ctx: &Context,
    bench: &Bench,
    stories: &[Story],
    questions: &[&Question],
    every: bool,
) -> Result<Vec<Judged>> {
    let texts: Vec<&str> = stories.iter().map(|story| story.text.as_str()).collect();
    let near = bench.near(&texts, questions)?;
    let mut pairs: Vec<(usize, usize)> = if every {
        (0..questions.len())
            .flat_map(|question| {
                let column: Vec<f32> = near.iter().map(|row| row[question]).collect();
                nearest(&column, STORIES)
                    .into_iter()
                    .map(move |story| (question, story))
            })
            .collect()
    } else {
        near.iter()
            .enumerate()
            .flat_map(|(story, row)| {
                nearest(row, SHORTLIST)
                    .into_iter()
                    .map(move |question| (question, story))
            })
            .collect()
    };
    pairs.sort_unstable();
    if stories.len() > STORIES && every {
        ctx.ui.status(&format!(
            "Of {} stories the {STORIES} nearest to a question are judged.",
            stories.len()
        ));
    }
    let progress = ctx.ui.progress_bar(pairs.len() as u64, "Judging");
    let mut out = Vec::new();
    for (question, story) in pairs {
        let found = bench.answer(texts[story], questions[question])?;
        out.push(Judged {
            fit: Fit {
                story,
                question,
                score: found.score,
                near: near[story][question],
            },
            found,
        });
        progress.add(1);
    }
    progress.finish();
    Ok(out)
}

fn for_question(
    ctx: &Context,
    question: &Question,
    best: &[Fit],
    judged: &[Judged],
    stories: &[Story],
    trusted: bool,
    closely: bool,
) {
    ctx.ui.paragraph(
        0,
        &Text::new()
            .with(Meaning::Question, &question.ask)
            .with(Meaning::Muted, format!(" ({})", question.id)),
    );
    for (rank, fit) in (1..).zip(best) {
        let story = &stories[fit.story];
        let line = Text::new()
            .plain(&story.title)
            .with(Meaning::Muted, format!(" ({})", story.id.short()));
        ctx.ui
            .stage_hanging(&mark(rank, fit, trusted), "           ", &line);
        let found = judged
            .iter()
            .find(|one| one.fit == *fit)
            .filter(|_| closely && trusted);
        if let Some(one) = found {
            let left_out: Vec<String> = left_out(question, &one.found)
                .into_iter()
                .take(LEFT_OUT)
                .collect();
            if !left_out.is_empty() {
                ctx.ui.stage_hanging(
                    &Text::new().with(Meaning::Bad, "           leaves out: "),
                    "             ",
                    &Text::new().plain(left_out.join("; ")),
                );
            }
        }
    }
    ctx.ui.line("");
}

fn for_story(ctx: &Context, story: &Story, best: &[Fit], questions: &[&Question], trusted: bool) {
    ctx.ui.paragraph(
        0,
        &Text::new()
            .with(Meaning::Heading, &story.title)
            .with(Meaning::Muted, format!(" ({}) fits best", story.id.short())),
    );
    for (rank, fit) in (1..).zip(best) {
        let question = questions[fit.question];
        ctx.ui.stage_hanging(
            &mark(rank, fit, trusted),
            "           ",
            &Text::new()
                .plain(&question.ask)
                .with(Meaning::Muted, format!(" ({})", question.id)),
        );
    }
    ctx.ui.line("");
}

/// Returns the rank of a fit and, where it is fit to be shown, its value.
fn mark(rank: usize, fit: &Fit, trusted: bool) -> Text {
    let value = if trusted {
        format!("{:>3.0}%", fit.value())
    } else {
        "    ".to_owned()
    };
    Text::new()
        .plain(format!("  {rank}. "))
        .with(Meaning::Value, value)
        .plain("  ")
}

fn left_out(question: &Question, found: &Assessment) -> Vec<String> {
    question
        .points
        .iter()
        .zip(&found.points)
        .filter(|(_, point)| matches!(point.verdict, Verdict::Missing | Verdict::Wrong))
        .map(|(point, _)| point.text.clone())
        .collect()
}

fn as_json(one: &Judged, stories: &[Story], questions: &[&Question], judge: &str) -> Value {
    let story = &stories[one.fit.story];
    let question = questions[one.fit.question];
    json!({
        "schema": 1,
        "type": "story-fit",
        "story": story.id,
        "title": story.title,
        "question": question.id,
        "ask": question.ask,
        "competencies": question.competencies,
        "fit": one.fit.value(),
        "score": one.fit.score,
        "near": one.fit.near,
        "judge": judge,
        "leaves_out": left_out(question, &one.found),
    })
}

const _: () = assert!(BEST <= STORIES, "the best are chosen from those judged");
