//! `viva doctor --voice`: has the chat model word every prompt's lines on fixed
//! facts, and says how many were fit to be said, how many fell back to the
//! guide's own words, and how long they took.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::assess::runtime;
use super::Context;
use crate::guide::{Library, Panellist, Question, Round};
use crate::interview::{Facts, Intent, PointFacts, Source, Speaker, Utterance};
use crate::judge::Verdict;
use crate::llm::{Cancel, Engine, EngineOptions};
use crate::models;
use crate::ui::{Meaning, Text};
use crate::voice::{PromptTally, Prompts, Spoken, Tier, Voice};
use crate::{Error, Result};

/// Lines that each prompt words: enough to see a rate of a half, few enough
/// for a minute with the starter.
const LINES: usize = 6;

/// What the candidate said, in every line.
const ANSWER: &str = "First I would retrain the model on newer data, and ship it the same week. We had \
                      alerts on latency, but nobody looked at the numbers until a customer complained. \
                      The team agreed in the end, and accuracy went back to where it was.";

/// Words of the answer that a line may quote.
const QUOTES: [&str; 3] = [
    "retrain the model on newer data",
    "nobody looked at the numbers",
    "accuracy went back to where it was",
];

/// One line and how it came out.
struct Worded {
    fallback: String,
    spoken: Spoken,
    took: Duration,
}

/// Measures and prints.
///
/// # Errors
/// Fails when there is no chat model, or it cannot be used.
pub(super) fn run(ctx: &Context) -> Result<()> {
    let prompts = Prompts::load(&ctx.paths.config.join("prompts"))?;
    let chat = models::select(&ctx.config, &ctx.globals, &ctx.paths)?;
    let embedder = models::embedder(&ctx.paths);
    let options = EngineOptions {
        chat: Some(chat.path.clone()),
        embedder: embedder.clone(),
        ..EngineOptions::default()
    }
    .with_config(&ctx.config.engine)?;
    let failed = |error| {
        Error::model("the chat model cannot be used")
            .caused_by(error)
            .hint("`viva models verify` checks the files.")
    };
    let runtime = runtime()?;
    let engine = Engine::start(options).map_err(failed)?;
    let model = runtime.block_on(engine.chat()).map_err(failed)?;
    let tier = Tier::of(model.info().parameters);
    let voice = Voice::new(prompts.clone());
    voice.set_chat(model);
    if embedder.is_some() {
        voice.set_embedder(runtime.block_on(engine.embedder()).map_err(failed)?);
    }
    let library = Library::built_in();
    let mut sets: Vec<(String, Vec<Utterance>)> = Vec::new();
    for prompt in prompts.all() {
        for intent in &prompt.info.intents {
            let used = prompts
                .find(*intent, tier)
                .is_some_and(|found| found.info.id == prompt.info.id);
            if used {
                sets.push((prompt.info.id.clone(), lines(&library, *intent)));
            }
        }
    }
    let total: usize = sets.iter().map(|(_, lines)| lines.len()).sum();
    let progress = ctx.ui.progress_bar(total as u64, "Wording lines");
    let mut worded: Vec<(String, Vec<Worded>)> = Vec::new();
    for (prompt, lines) in sets {
        let mut done = Vec::new();
        for line in lines {
            let begun = Instant::now();
            let spoken = runtime.block_on(voice.speak(&line, &mut |_: &str| {}, &Cancel::new()));
            done.push(Worded {
                fallback: line.fallback,
                spoken,
                took: begun.elapsed(),
            });
            progress.add(1);
        }
        worded.push((prompt, done));
    }
    progress.finish();
    if let Some(trouble) = worded
        .iter()
        .flat_map(|(_, lines)| lines)
        .find_map(|line| line.spoken.trouble.clone())
    {
        return Err(
            Error::model(format!("the chat model failed: {trouble}")).hint(
                "`viva bench engine` tries it by itself; `viva models verify` checks its file.",
            ),
        );
    }
    let tallies = voice.tallies();
    if ctx.ui.is_json() {
        ctx.ui
            .json_line(&report(&chat.name, tier, &tallies, &worded));
    } else {
        show(ctx, &chat.name, tier, &tallies, &worded);
    }
    Ok(())
}

/// Returns the lines that are worded for an intent, on fixed facts.
fn lines(library: &Library, intent: Intent) -> Vec<Utterance> {
    let mut out: Vec<Utterance> = Vec::new();
    let people = library.panellists();
    // The answer is about a model that got worse: questions of that kind.
    let technical = library
        .questions()
        .filter(|question| question.round == Round::Technical);
    for (number, question) in technical.enumerate() {
        if out.len() == LINES {
            break;
        }
        let Some(speaker) = people.get(number % people.len().max(1)) else {
            break;
        };
        let next = &people[(number + 1) % people.len()];
        let said: Vec<String> = out.iter().map(|line| line.fallback.clone()).collect();
        let (fallback, facts) = match intent {
            Intent::Closing => {
                let plans = library.plans();
                let Some(plan) = plans.get(number % plans.len().max(1)) else {
                    break;
                };
                (plan.closing.trim().to_owned(), Facts::default())
            }
            Intent::Handover => {
                let Some((text, name)) = handover(speaker, next, number) else {
                    continue;
                };
                let facts = Facts {
                    next_name: Some(name),
                    ..Facts::default()
                };
                (text, facts)
            }
            _ => match follow_up(question, intent, number) {
                Some(line) => line,
                None => continue,
            },
        };
        out.push(Utterance {
            speaker: Speaker::from(speaker),
            intent,
            fallback,
            facts: Facts {
                earlier: if intent.is_follow_up() {
                    said
                } else {
                    Vec::new()
                },
                seed: u32::try_from(number).unwrap_or_default() + 1,
                ..facts
            },
        });
    }
    out
}

fn handover(speaker: &Panellist, next: &Panellist, number: usize) -> Option<(String, String)> {
    let text = speaker
        .handovers
        .get(number % speaker.handovers.len().max(1))?;
    let name = next.name.split_whitespace().next()?;
    Some((text.replace("{name}", name), name.to_owned()))
}

/// Returns a follow-up to [`ANSWER`] as the program would ask it.
fn follow_up(question: &Question, intent: Intent, number: usize) -> Option<(String, Facts)> {
    let quote = QUOTES[number % QUOTES.len()];
    let point = question.points.get(number % 2)?;
    let (lead, probe) = match intent {
        Intent::Harder => ("Right.", question.harder.first()?.clone()),
        Intent::Encourage => (
            "Fine, let me make it more concrete.",
            point.probes.first()?.clone(),
        ),
        _ => ("Right.", point.probes.first()?.clone()),
    };
    let quoted = intent == Intent::Probe;
    let fallback = if quoted {
        format!("{lead} You said \u{201c}{quote}\u{201d}. {probe}")
    } else {
        format!("{lead} {probe}")
    };
    let about = PointFacts {
        id: point.id.clone(),
        text: point.text.clone(),
        key_terms: point.key_terms.clone(),
        kind: point.kind,
        verdict: Verdict::Missing,
        quotes: quoted.then(|| quote.to_owned()).into_iter().collect(),
    };
    let facts = Facts {
        question: Some(question.id.clone()),
        asked: Some(question.ask.clone()),
        panel_note: Some(question.panel_note.clone()),
        answer: ANSWER.to_owned(),
        point: (intent != Intent::Harder).then_some(about),
        probe: Some(probe),
        lead: Some(lead.to_owned()),
        ..Facts::default()
    };
    Some((fallback, facts))
}

/// Returns mean and longest time of lines, in milliseconds.
fn times(lines: &[Worded]) -> (u64, u64) {
    let ms = |took: Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let sum: u64 = lines.iter().map(|line| ms(line.took)).sum();
    let most = lines.iter().map(|line| ms(line.took)).max().unwrap_or(0);
    (sum / (lines.len().max(1) as u64), most)
}

fn report(
    model: &str,
    tier: Tier,
    tallies: &[PromptTally],
    worded: &[(String, Vec<Worded>)],
) -> Value {
    let prompts: Vec<Value> = worded
        .iter()
        .map(|(prompt, lines)| {
            let tally = tallies.iter().find(|tally| tally.prompt == *prompt);
            let (mean, most) = times(lines);
            let said: Vec<Value> = lines
                .iter()
                .map(|line| {
                    json!({
                        "guide": line.fallback,
                        "text": line.spoken.text,
                        "source": line.spoken.source,
                        "refused": line.spoken.refused,
                    })
                })
                .collect();
            json!({
                "prompt": prompt,
                "version": tally.map(|tally| tally.version),
                "lines": lines.len(),
                "accepted": tally.map_or(0, |tally| tally.accepted),
                "fell_back": tally.map_or(lines.len(), |tally| tally.fell_back as usize),
                "drafts": tally.map_or(0, |tally| tally.attempts),
                "acceptance": tally.and_then(PromptTally::acceptance),
                "refused": tally.map(|tally| &tally.refused),
                "mean_ms": mean,
                "slowest_ms": most,
                "said": said,
            })
        })
        .collect();
    json!({
        "schema": 1,
        "type": "voice",
        "model": model,
        "tier": tier,
        "prompts": prompts,
    })
}

fn show(
    ctx: &Context,
    model: &str,
    tier: Tier,
    tallies: &[PromptTally],
    worded: &[(String, Vec<Worded>)],
) {
    let ui = &ctx.ui;
    let trusted = match tier {
        Tier::Small => {
            "too small for more than rewording a probe; all other lines are the guide's own words"
        }
        Tier::Middle => "trusted with whole lines, checked before a word is shown",
        Tier::Large => "trusted with whole lines, shown sentence by sentence as they pass",
    };
    ui.paragraph(0, &Text::new().plain(format!("{model} is {trusted}.")));
    for (prompt, lines) in worded {
        let tally = tallies.iter().find(|tally| tally.prompt == *prompt);
        let (mean, most) = times(lines);
        ui.line("");
        ui.paragraph(0, &Text::new().with(Meaning::Heading, prompt));
        let text = match tally {
            None => Text::new().plain("The model was never asked: the guide's own words stand."),
            Some(tally) => Text::new().plain(tally.line()),
        };
        ui.stage_text(2, &text);
        ui.stage_text(
            2,
            &Text::new().plain(format!(
                "{:.1} s a line, {:.1} s the slowest.",
                mean as f64 / 1000.0,
                most as f64 / 1000.0
            )),
        );
        if ui.verbosity() > 0 {
            lines.iter().for_each(|line| show_line(ctx, line));
        }
    }
    if ui.verbosity() == 0 {
        ui.line("");
        ui.paragraph(
            0,
            &Text::new().with(
                Meaning::Muted,
                "With --verbose every line and every refused draft is shown.",
            ),
        );
    }
}

fn show_line(ctx: &Context, line: &Worded) {
    let (label, meaning) = match line.spoken.source {
        Source::Model => ("model: ", Meaning::Good),
        Source::Guide => ("guide: ", Meaning::Muted),
    };
    ctx.ui.gap();
    ctx.ui.stage_hanging(
        &Text::new().plain("  ").with(meaning, label),
        "    ",
        &line.spoken.text.as_str().into(),
    );
    for refusal in &line.spoken.refused {
        let why: Vec<String> = refusal
            .breaches
            .iter()
            .map(|breach| format!("{}: {}", breach.rule, breach.detail))
            .collect();
        ctx.ui.stage_hanging(
            &Text::new()
                .plain("    ")
                .with(Meaning::Warning, "refused: "),
            "      ",
            &Text::new()
                .plain(format!("{} ", refusal.line))
                .with(Meaning::Muted, format!("({})", why.join("; "))),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_intent_that_a_prompt_words_has_its_lines() {
        let prompts = Prompts::built_in().expect("the built-in prompts");
        let library = Library::built_in();
        for prompt in prompts.all() {
            for intent in &prompt.info.intents {
                let lines = lines(&library, *intent);
                assert_eq!(lines.len(), LINES, "{intent:?}");
                for line in lines {
                    assert!(!line.intent.is_verbatim());
                    assert!(!line.fallback.is_empty() && !line.fallback.contains('{'));
                    if let Some(point) = &line.facts.point {
                        for quote in &point.quotes {
                            assert!(line.facts.answer.contains(quote.as_str()));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn times_are_mean_and_longest() {
        let line = |ms| Worded {
            fallback: String::new(),
            spoken: Spoken {
                text: String::new(),
                source: Source::Guide,
                prompt: None,
                attempts: 0,
                refused: Vec::new(),
                trouble: None,
                cancelled: false,
            },
            took: Duration::from_millis(ms),
        };
        assert_eq!(times(&[line(100), line(300)]), (200, 300));
        assert_eq!(times(&[]), (0, 0));
    }
}
