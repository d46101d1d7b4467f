//! `viva assess`: judges one answer to a question of the bank and shows it
//! annotated.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Context, doctor};
use crate::guide::{Library, Question};
use crate::judge::{Assessment, Case, Flag, Judge, LocalJudge, Verdict, is_trusted, score, text};
use crate::llm::{Cancel, Engine, EngineError, EngineOptions};
use crate::ui::{Meaning, Text, Ui};
use crate::{Error, Result};

/// Bytes of an answer that are read from a file; more is refused, since it is
/// no answer somebody gave.
const MAX_ANSWER: u64 = 16 << 20;

/// Arguments of `viva assess`
#[derive(Debug, Args)]
pub struct AssessArgs {
    /// The question: its identifier or a beginning of it
    #[arg(long, value_name = "ID")]
    pub question: String,
    /// The answer; `-` reads standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
}

/// Judges the answer and shows verdicts with the words they rest on.
///
/// # Errors
/// Fails when the question is not known, the answer cannot be read, or a model
/// fails.
pub fn run(args: &AssessArgs, ctx: &Context) -> Result<()> {
    let library = Library::load(&ctx.paths)?;
    let question = library.resolve(&args.question)?;
    let answer = read_answer(args)?;
    if answer.len() > text::JUDGED_BYTES {
        ctx.ui.warn(&format!(
            "the answer has {} bytes; its first {} are judged",
            answer.len(),
            text::JUDGED_BYTES
        ));
    }
    let runtime = runtime()?;
    let judge = local_judge(ctx)?;
    let case = Case::from_question(question, &question.ask, &answer);
    let assessment = runtime.block_on(judge.assess(&case, Cancel::new()))?;
    if ctx.ui.is_json() {
        ctx.ui.json_line(&as_json(question, &case, &assessment));
    } else {
        show(
            ctx,
            question,
            &library.citation(question),
            &case,
            &assessment,
        );
    }
    Ok(())
}

/// Returns the judge with the models that are on this machine. Says on
/// standard error when it has to judge by words alone.
///
/// # Errors
/// Fails when a model that is there cannot be loaded.
pub fn local_judge(ctx: &Context) -> Result<LocalJudge> {
    let Some(embedder_file) = crate::models::embedder(&ctx.paths) else {
        ctx.ui
            .warn("there is no embedder on this machine: answers are judged by their words alone");
        ctx.ui
            .hint("`viva models pull embedder` fetches it once (45 MB).");
        return Ok(LocalJudge::new(None));
    };
    let reader = crate::models::reader(&ctx.paths)?;
    if reader.is_none() {
        ctx.ui.warn(
            "the starter model is not on this machine, so answers are judged by words and vectors only, which is far less reliable",
        );
        ctx.ui
            .hint("`viva models pull starter` fetches it once (98 MB).");
    }
    let reads = reader.is_some();
    let matcher = reads
        .then(|| crate::models::matcher(&ctx.paths))
        .transpose()?;
    let options = EngineOptions {
        embedder: Some(embedder_file.clone()),
        matcher,
        reader,
        ..EngineOptions::default()
    }
    .with_config(&ctx.config.engine)?;
    let runtime = runtime()?;
    let unusable = |what: String, error: EngineError| {
        Error::model(format!("{what} cannot be used"))
            .caused_by(error)
            .hint("`viva models verify` checks the files; `viva models pull` fetches one again.")
    };
    let engine = Engine::start(options)
        .map_err(|error| unusable("a model that judges".to_owned(), error))?;
    let embedder = runtime
        .block_on(engine.embedder())
        .map_err(|error| unusable(format!("the embedder {}", embedder_file.display()), error))?;
    if !reads {
        return Ok(LocalJudge::new(Some(embedder)));
    }
    let reader = runtime
        .block_on(engine.reader())
        .map_err(|error| unusable("the trained reader".to_owned(), error))?;
    let matcher = runtime
        .block_on(engine.matcher())
        .map_err(|error| unusable("the matcher".to_owned(), error))?;
    let judge = LocalJudge::trained(embedder, reader, matcher);
    let known = doctor::judge::known(&ctx.paths, &embedder_file, None);
    Ok(doctor::judge::marked(judge, known.as_ref()))
}

/// Returns a runtime for one command.
///
/// # Errors
/// Fails when the system refuses one.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal("the runtime could not be started").caused_by(error))
}

fn read_answer(args: &AssessArgs) -> Result<String> {
    let unreadable = |error: std::io::Error| {
        Error::usage(format!("the answer {} cannot be read", args.file.display()))
            .caused_by(error)
            .hint("Name a text file, or `-` for standard input.")
    };
    let mut bytes = Vec::new();
    if args.file.as_os_str() == "-" {
        std::io::stdin()
            .take(MAX_ANSWER)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    } else {
        std::fs::File::open(&args.file)
            .map_err(unreadable)?
            .take(MAX_ANSWER)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn as_json(question: &Question, case: &Case, found: &Assessment) -> serde_json::Value {
    let points: Vec<_> = case
        .points
        .iter()
        .zip(&found.points)
        .map(|(point, verdict)| {
            json!({
                "id": verdict.id,
                "text": point.text,
                "kind": point.kind,
                "weight": point.weight,
                "verdict": verdict.verdict,
                "probability": verdict.probability,
                "evidence": verdict.evidence.iter().map(|r| [r.start, r.end]).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mistakes: Vec<_> = case
        .mistakes
        .iter()
        .zip(&found.mistakes)
        .map(|(mistake, finding)| {
            json!({
                "id": finding.id,
                "text": mistake.text,
                "severity": mistake.severity,
                "made": finding.made,
                "probability": finding.probability,
                "evidence": finding.evidence.iter().map(|r| [r.start, r.end]).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "schema": 1,
        "type": "assessment",
        "question": question.id,
        "score": found.score,
        "points": points,
        "mistakes": mistakes,
        "flags": found.flags,
        "counted": score::counted(found.heard),
        "judge": found.judge,
    })
}

fn show(ctx: &Context, question: &Question, citation: &str, case: &Case, found: &Assessment) {
    let ui = &ctx.ui;
    ui.paragraph(0, &Text::new().with(Meaning::Question, &question.ask));
    ui.paragraph(0, &Text::new().with(Meaning::Muted, citation));
    ui.line("");
    let score = if is_trusted(&found.judge) {
        Text::new()
            .plain("Score ")
            .with(Meaning::Value, format!("{:.0}", found.score))
            .plain(" of 100")
    } else {
        Text::new().with(
            Meaning::Muted,
            "No score: this judge is not reliable enough (`viva doctor --judge`).",
        )
    };
    ui.paragraph(0, &score);
    for flag in &found.flags {
        ui.paragraph(0, &Text::new().with(Meaning::Warning, describe(*flag)));
    }
    let counted = score::counted(found.heard);
    if is_trusted(&found.judge) && counted < 1.0 && found.flags.is_empty() {
        let words = format!(
            "Little of it bears on this question, so the score is {:.0}% of what the points would give.",
            100.0 * counted
        );
        ui.paragraph(0, &Text::new().with(Meaning::Warning, words));
    }
    for (point, verdict) in case.points.iter().zip(&found.points) {
        let (word, meaning) = name(verdict.verdict);
        finding(ui, (word, meaning), &point.text, verdict.probability);
        quotes(ui, &case.answer, &verdict.evidence);
    }
    for (mistake, made) in case.mistakes.iter().zip(&found.mistakes) {
        if made.made {
            finding(
                ui,
                ("Mistake", Meaning::Bad),
                &mistake.text,
                made.probability,
            );
            quotes(ui, &case.answer, &made.evidence);
        }
    }
}

fn finding(ui: &Ui, (word, meaning): (&str, Meaning), text: &str, probability: f32) {
    ui.line("");
    ui.paragraph(
        0,
        &Text::new()
            .with(meaning, format!("{word:<8}"))
            .plain("  ")
            .plain(text)
            .with(Meaning::Muted, format!(" ({:.0}%)", 100.0 * probability)),
    );
}

fn quotes(ui: &Ui, answer: &str, ranges: &[std::ops::Range<usize>]) {
    for range in ranges {
        if let Some(words) = answer.get(range.clone()) {
            let quote = format!("“{}”", one_line(words));
            ui.paragraph(10, &Text::new().with(Meaning::Quote, quote));
        }
    }
}

fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn name(verdict: Verdict) -> (&'static str, Meaning) {
    match verdict {
        Verdict::Covered => ("Covered", Meaning::Good),
        Verdict::Partial => ("Partial", Meaning::Partly),
        Verdict::Missing => ("Missing", Meaning::Bad),
        Verdict::Wrong => ("Wrong", Meaning::Bad),
        Verdict::Unsure => ("Unsure", Meaning::Partly),
    }
}

fn describe(flag: Flag) -> &'static str {
    match flag {
        Flag::NonAnswer => "There is no answer here to judge.",
        Flag::OffTopic => "The answer speaks of something else.",
        Flag::QuestionEcho => "The answer says the question back and adds little.",
        Flag::KeywordSalad => "The answer is a row of keywords without sentences around them.",
        Flag::Recitation => {
            "The answer is a text by heart; a panel would ask again in other words."
        }
        Flag::GraderInstruction => "The answer speaks to the grader instead of answering.",
    }
}
