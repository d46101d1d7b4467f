//! `viva doctor --judge`: judges the calibration set with the models of this
//! machine, says how far the result can be trusted, and keeps that for the
//! next interview.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::super::assess::runtime;
use super::{Check, Context};
use crate::judge::calibration::{self, Figures, Floor, Judged, Sample};
use crate::judge::vote::{self, Ballot, Election, Vote};
use crate::judge::{Case, Judge, LocalJudge, text};
use crate::llm::{Cancel, ChatModel, Engine, EngineOptions};
use crate::models;
use crate::paths::Paths;
use crate::store::standing::{self, Jitter, Standing};
use crate::ui::{Meaning, Text};
use crate::{Error, Result};

/// Every so many answers of the set are judged again, written otherwise.
const JITTER_STEP: usize = 12;

/// Measures and prints.
///
/// # Errors
/// Fails when the models that judge are not here or fail, or when the result
/// cannot be kept.
pub(super) fn run(ctx: &Context) -> Result<()> {
    let Some(embedder) = models::embedder(&ctx.paths) else {
        return Err(missing("embedder"));
    };
    let Some(reader) = models::reader(&ctx.paths)? else {
        return Err(missing("starter"));
    };
    let chat = models::select(&ctx.config, &ctx.globals, &ctx.paths)?;
    let options = EngineOptions {
        chat: Some(chat.path.clone()),
        embedder: Some(embedder.clone()),
        reader: Some(reader),
        matcher: Some(models::matcher(&ctx.paths)?),
        ..EngineOptions::default()
    }
    .with_config(&ctx.config.engine)?;
    let runtime = runtime()?;
    let failed = |error| {
        Error::model("a model that judges cannot be used")
            .caused_by(error)
            .hint("`viva models verify` checks the files.")
    };
    let engine = Engine::start(options).map_err(failed)?;
    let judge = LocalJudge::trained(
        runtime.block_on(engine.embedder()).map_err(failed)?,
        runtime.block_on(engine.reader()).map_err(failed)?,
        runtime.block_on(engine.matcher()).map_err(failed)?,
    );
    let voter = runtime.block_on(engine.chat()).map_err(failed)?;

    let samples = calibration::shipped()?;
    let bytes: usize = samples
        .iter()
        .flat_map(|sample| &sample.answers)
        .map(|answer| answer.answer.len() + 1)
        .sum();
    let progress = ctx
        .ui
        .progress_bar(bytes as u64, "Judging the calibration set");
    let told = |bytes: usize| progress.add(bytes as u64 + 1);
    let standing = runtime.block_on(measure(&judge, &voter, &samples, told))?;
    progress.finish();

    keep(&ctx.paths, &embedder, &chat.path, &standing)?;
    if ctx.ui.is_json() {
        let floors = standing.figures.floors();
        ctx.ui.json_line(&json!({
            "schema": 1,
            "type": "judge",
            "chat": chat.name,
            "standing": standing,
            "floors": floors,
            "scores_shown": is_trusted(&standing),
        }));
    } else {
        show(ctx, &chat.name, &standing);
    }
    Ok(())
}

/// Returns what is known of the judge without measuring: which models it has,
/// and what was measured of them before.
pub(super) fn check(ctx: &Context) -> Check {
    const NAME: &str = "judge";
    let lacking = |what: &str| {
        Check::ok(
            NAME,
            format!("the {what} is missing, so answers are judged by less and no score is shown"),
            json!({"reads": false}),
        )
        .warn(format!("Fetch it with: viva models pull {what}"))
    };
    let Some(embedder) = models::embedder(&ctx.paths) else {
        return lacking("embedder");
    };
    match models::reader::base(&ctx.paths) {
        Ok(Some(_)) => {}
        Ok(None) => return lacking("starter"),
        Err(error) => return Check::failed(NAME, &error),
    }
    let chat = models::select(&ctx.config, &ctx.globals, &ctx.paths)
        .ok()
        .map(|choice| choice.path);
    match known(&ctx.paths, &embedder, chat.as_deref()) {
        None => Check::ok(
            NAME,
            "reads with the shipped reader; `viva doctor --judge` measures how well",
            json!({"reads": true}),
        ),
        Some(found) => {
            let shown = is_trusted(&found);
            let check = Check::ok(
                NAME,
                format!(
                    "measured: tells made points from others with AUC {}; {}",
                    number(found.figures.point_auc),
                    if shown {
                        "scores are shown"
                    } else {
                        "scores are hidden"
                    }
                ),
                json!({"reads": true, "scores_shown": shown, "figures": found.figures}),
            );
            if shown {
                check
            } else {
                check.warn("`viva doctor --judge` says which floor is missed.")
            }
        }
    }
}

fn missing(what: &str) -> Error {
    Error::model(format!("the {what} is not on this machine"))
        .hint(format!("Fetch it with: viva models pull {what}"))
}

/// Keeps what was measured with these models, and the part of it that holds
/// for the judge without the chat model: `assess` and `grade` load none.
fn keep(paths: &Paths, embedder: &Path, chat: &Path, measured: &Standing) -> Result<()> {
    standing::save(paths, &key(embedder, Some(chat))?, measured)?;
    standing::save(paths, &key(embedder, None)?, &measured.clone().voteless())
}

/// Returns the key under which these models' standing is kept. The starter is
/// not among the files: the adapter, whose hash is in the key, fits no other.
fn key(embedder: &Path, chat: Option<&Path>) -> Result<String> {
    let judge = LocalJudge::reading_version();
    let mut files: Vec<&Path> = vec![embedder];
    files.extend(chat);
    let version = format!(
        "{judge} {} {}",
        models::reader::adapter_sha256(),
        models::matcher::SHA256
    );
    standing::key(&version, &files)
}

/// Returns what was measured of a reading judge with these models before: with
/// this chat model, or else without one.
pub(in crate::commands) fn known(
    paths: &Paths,
    embedder: &Path,
    chat: Option<&Path>,
) -> Option<Standing> {
    let find = |chat: Option<&Path>| {
        let key = key(embedder, chat).ok()?;
        standing::load(paths, &key)
    };
    chat.and_then(|chat| find(Some(chat)))
        .or_else(|| find(None))
}

/// Returns `judge` marked as one that missed a floor, where it did.
pub(in crate::commands) fn marked(judge: LocalJudge, known: Option<&Standing>) -> LocalJudge {
    match known {
        Some(standing) if !is_trusted(standing) => judge.unproven(),
        _ => judge,
    }
}

fn is_trusted(standing: &Standing) -> bool {
    standing.figures.is_trusted()
}

/// Judges every answer without the vote, asks the chat model about each, and
/// judges again with the vote where it turns out to help.
async fn measure(
    judge: &LocalJudge,
    voter: &Arc<dyn ChatModel>,
    samples: &[Sample],
    told: impl Fn(usize),
) -> Result<Standing> {
    let mut judged: Vec<Judged> = Vec::new();
    let mut ballots = Vec::new();
    let mut jitter = Jitter::default();
    let mut moved_by_order = Vec::new();
    for (number, sample) in samples.iter().enumerate() {
        for answer in &sample.answers {
            let case = sample.case(&answer.answer);
            let found = judge.assess(&case, Cancel::new()).await?;
            let votes = vote::ask(voter.as_ref(), &case, Cancel::new())
                .await
                .map_err(|error| {
                    Error::model("the chat model could not be asked").caused_by(error)
                })?;
            for ((verdict, &label), &vote) in found.points.iter().zip(&answer.points).zip(&votes) {
                ballots.push(Ballot {
                    own: verdict.probability,
                    vote,
                    label: label.max(0.0),
                    question: number,
                });
            }
            if judged.len().is_multiple_of(JITTER_STEP) {
                let score = found.score;
                let again = async |text: String| -> Result<f64> {
                    let other = judge.assess(&sample.case(&text), Cancel::new()).await?;
                    Ok(f64::from((other.score - score).abs()))
                };
                jitter.answers += 1;
                let same = again(answer.answer.clone()).await?;
                jitter.same_text = jitter.same_text.max(same);
                let other = again(rewritten(&answer.answer)).await?;
                jitter.writing = jitter.writing.max(other);
                moved_by_order.push(again(reordered(&answer.answer)).await?);
            }
            judged.push(Judged {
                sample,
                answer,
                found,
            });
            told(answer.answer.len());
        }
    }
    jitter.order = moved_by_order.iter().sum::<f64>() / moved_by_order.len().max(1) as f64;
    let alone = calibration::figures(&judged);
    let election = vote::elect(&ballots);
    let figures = match election.mix {
        Some(mix) => {
            let voting = judge.clone().with_vote(Vote::new(voter.clone(), mix));
            for one in &mut judged {
                let case: Case = one.sample.case(&one.answer.answer);
                one.found = voting.assess(&case, Cancel::new()).await?;
            }
            calibration::figures(&judged)
        }
        None => alone.clone(),
    };
    Ok(Standing {
        schema: 1,
        judge: judge.version(),
        figures,
        without_vote: election.mix.map(|_| alone),
        election: Some(election),
        jitter,
    })
}

/// The same words in capitals, without punctuation, widely spaced.
fn rewritten(answer: &str) -> String {
    answer
        .to_uppercase()
        .chars()
        .filter(|c| !matches!(c, '.' | ',' | ';' | ':' | '!' | '?'))
        .collect::<String>()
        .replace(' ', "  ")
}

/// The same sentences, last first.
fn reordered(answer: &str) -> String {
    let mut sentences: Vec<&str> = text::sentences(answer)
        .into_iter()
        .filter_map(|range| answer.get(range))
        .collect();
    sentences.reverse();
    sentences.join(" ")
}

fn show(ctx: &Context, chat: &str, standing: &Standing) {
    let ui = &ctx.ui;
    let heading = |text: &str| {
        ui.line("");
        ui.paragraph(0, &Text::new().with(Meaning::Heading, text));
    };
    let figures = &standing.figures;
    ui.paragraph(
        0,
        &Text::new().plain(format!(
            "Judge {} on {} answers and {} labelled points that it was not trained on.",
            standing.judge, figures.answers, figures.labels
        )),
    );
    heading("Agreement");
    for floor in figures.floors() {
        let (word, meaning) = if floor.is_met() {
            ("ok  ", Meaning::Good)
        } else {
            ("miss", Meaning::Warning)
        };
        let bound = if floor.more_is_better {
            "at least"
        } else {
            "at most"
        };
        ui.paragraph(
            0,
            &Text::new()
                .with(meaning, word)
                .plain(format!("  {:<36}", floor.name))
                .with(Meaning::Value, format!("{:>6}", number(floor.value)))
                .with(
                    Meaning::Muted,
                    format!("   {bound} {}", number(Some(floor.floor))),
                ),
        );
    }
    scores(ctx, figures);
    heading("How steady it is");
    let jitter = &standing.jitter;
    ui.paragraph(
        0,
        &Text::new().plain(format!(
            "Of {} answers judged again, the score moved by at most {:.1} for the same text, by at most {:.1} for capitals, spaces and punctuation, and by {:.1} on average for the sentences in reverse order.",
            jitter.answers, jitter.same_text, jitter.writing, jitter.order
        )),
    );
    if let Some(election) = &standing.election {
        heading("The chat model's vote");
        ui.paragraph(0, &Text::new().plain(verdict(chat, election)));
        if let Some(alone) = &standing.without_vote {
            ui.paragraph(
                0,
                &Text::new().plain(format!(
                    "Without it: AUC {}, agreement {}.",
                    number(alone.point_auc),
                    number(alone.accuracy)
                )),
            );
        }
    }
    ui.line("");
    if is_trusted(standing) {
        ui.paragraph(
            0,
            &Text::new().with(Meaning::Good, "Every floor is reached: scores are shown."),
        );
    } else {
        let missed: Vec<String> = figures
            .floors()
            .into_iter()
            .filter(|floor| !floor.is_met())
            .map(|floor: Floor| floor.name)
            .collect();
        ui.paragraph(
            0,
            &Text::new().with(
                Meaning::Warning,
                format!(
                    "Scores are hidden with these models, because a floor is missed: {}. Verdicts and quotes are still shown; read them as places to look.",
                    missed.join("; ")
                ),
            ),
        );
    }
}

fn scores(ctx: &Context, figures: &Figures) {
    let score = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.0}"));
    ctx.ui.paragraph(
        0,
        &Text::new().plain(format!(
            "Mean score: strong answers {}, medium {}, confident and wrong {}.",
            score(figures.strong),
            score(figures.medium),
            score(figures.wrong)
        )),
    );
}

fn verdict(chat: &str, election: &Election) -> String {
    let (without, with) = (election.loss_without, election.loss_with);
    match election.mix {
        Some(mix) => format!(
            "{chat} votes with weight {:.2}: on questions the fit had not seen, the log loss of a point fell from {without:.3} to {with:.3}.",
            mix.vote
        ),
        None => format!(
            "{chat} does not vote: on questions the fit had not seen, the log loss of a point went from {without:.3} to {with:.3}."
        ),
    }
}

fn number(value: Option<f64>) -> String {
    match value {
        Some(value) if value.abs() >= 10.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.3}"),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::text::Text as Words;
    use crate::llm::fake::{FakeChat, FakeEmbedder};
    use crate::llm::{BranchPrefix, Part};

    /// A model that gives the logits of `say(label)` for every labelled point
    /// of the set, and no mistakes.
    fn oracle(samples: &[Sample], say: impl Fn(f32, usize) -> Vec<f32>) -> FakeChat {
        let mut known = Vec::new();
        for sample in samples {
            for answer in &sample.answers {
                let spoken = Words::new(&answer.answer).spoken(&answer.answer).join(" ");
                let points = sample.case("").points;
                for (at, (point, label)) in points.iter().zip(&answer.points).enumerate() {
                    let texts = [spoken.clone(), answer.answer.clone()];
                    known.push((texts, point.text.clone(), say(*label, at)));
                }
            }
        }
        FakeChat::new(["unused"]).with_branch(move |request| {
            let prefix = match &request.prefix {
                BranchPrefix::Plain(parts) => parts.iter().map(Part::text).collect::<String>(),
                BranchPrefix::Chat(messages) => messages
                    .iter()
                    .flat_map(|message| &message.parts)
                    .map(Part::text)
                    .collect(),
            };
            let row = |branch: &String| {
                known
                    .iter()
                    .find(|(texts, point, _)| {
                        branch.contains(point.as_str())
                            && !branch.contains("Mistake")
                            && texts.iter().any(|text| prefix.contains(text.as_str()))
                    })
                    .map_or(vec![-3.0, 3.0, -3.0, -9.0], |(_, _, row)| row.clone())
                    .into_iter()
                    .take(request.words.len())
                    .collect()
            };
            request.branches.iter().map(row).collect()
        })
    }

    /// The trained reader's logits of yes, no and wrong.
    fn sure(label: f32) -> Vec<f32> {
        match label {
            1.0 => vec![5.0, -5.0, -5.0, -9.0],
            -1.0 => vec![-5.0, -4.0, 5.0, -9.0],
            _ => vec![-5.0, 5.0, -5.0, -9.0],
        }
    }

    fn measured(reader: FakeChat, voter: FakeChat, samples: &[Sample]) -> Standing {
        let judge = LocalJudge::trained(
            Arc::new(FakeEmbedder::new(16)),
            Arc::new(reader),
            Arc::new(FakeEmbedder::new(16)),
        );
        let voter: Arc<dyn ChatModel> = Arc::new(voter);
        runtime()
            .expect("a runtime")
            .block_on(measure(&judge, &voter, samples, |_| ()))
            .expect("figures")
    }

    #[test]
    fn a_vote_is_weighed_by_what_it_adds_and_dropped_when_it_adds_nothing() {
        let samples: Vec<Sample> = calibration::shipped()
            .expect("valid")
            .into_iter()
            .take(6)
            .collect();
        // The reader is right about every other point and blind to the rest.
        let half_blind = |samples: &[Sample]| {
            oracle(samples, |label, at| match at % 2 {
                0 => sure(label),
                _ => vec![0.0, 0.0, -5.0, -9.0],
            })
        };
        let knows = oracle(&samples, |label, _| match label {
            1.0 => vec![5.0, -5.0, -9.0, -9.0],
            _ => vec![-5.0, 5.0, -9.0, -9.0],
        });
        let helped = measured(half_blind(&samples), knows, &samples);
        let alone = helped.without_vote.expect("there was a vote to leave out");
        assert!(helped.election.is_some_and(|one| one.mix.is_some()));
        assert!(helped.figures.point_auc > alone.point_auc);
        // One that says the same of every point tells nothing.
        let deaf = oracle(&samples, |_, _| vec![1.0, 0.0, -5.0, -9.0]);
        let same = measured(half_blind(&samples), deaf, &samples);
        assert!(same.without_vote.is_none());
        assert!(same.election.is_some_and(|one| one.mix.is_none()));
        assert_eq!(same.figures, alone);
        assert_eq!(same.jitter.same_text, 0.0);
        assert!(same.jitter.answers > 0);
    }

    #[test]
    fn the_next_interview_finds_what_was_measured_with_its_models() {
        let root = tempfile::tempdir().expect("a folder");
        let paths = Paths::under(root.path());
        let file = |name: &str| {
            let path = root.path().join(name);
            std::fs::write(&path, name).expect("written");
            path
        };
        let (embedder, chat, other) = (file("embedder"), file("chat"), file("other"));
        let measured = |answers| Standing {
            schema: 1,
            judge: LocalJudge::reading_version(),
            figures: Figures {
                answers,
                ..calibration::figures(&[])
            },
            without_vote: None,
            election: None,
            jitter: Jitter::default(),
        };
        assert_eq!(known(&paths, &embedder, Some(&chat)), None);
        keep(&paths, &embedder, &chat, &measured(3)).expect("kept");
        let found = |chat: Option<&Path>| known(&paths, &embedder, chat).map(|s| s.figures.answers);
        assert_eq!(found(Some(&chat)), Some(3));
        // Another chat model has no vote yet: the judge without one is known.
        assert_eq!(found(Some(&other)), Some(3));
        assert_eq!(found(None), Some(3));
        assert_eq!(known(&paths, &other, Some(&chat)), None);
    }

    #[test]
    fn answers_are_written_otherwise_without_losing_a_word() {
        let answer = "First, we look. Then we act!";
        assert_eq!(rewritten(answer), "FIRST  WE  LOOK  THEN  WE  ACT");
        assert_eq!(reordered(answer), "Then we act! First, we look.");
    }
}
