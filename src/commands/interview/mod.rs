//! `viva interview`: plans an interview, seats the panel and plays it.

pub mod candidate;
pub mod driver;
mod employer;
pub(super) mod history;
pub(super) mod minds;
pub(super) mod second;
pub mod view;
pub mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use serde::Deserialize;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Context;
use crate::critique::Critique;
use crate::guide::{Level, Library, PlanTemplate, Round};
use crate::interview::{
    BankItem, EndReason, EventKind, Machine, Mode, Plan, PlanError, PlanRequest,
};
use crate::store::{Journal, ModelStamp, OUTCOME, SessionId, SessionMeta, Status, Versions};
use crate::{Error, ErrorKind, Result};

use candidate::{Candidate, Input};
use driver::{Clock, Driver, Outcome};
use minds::Minds;

/// The most questions one interview can have: nobody sits through more.
const MAX_QUESTIONS: i64 = 40;

/// The name of the document that holds the files a session was spoken and
/// judged with, checksums and quantisations included.
pub(super) const JUDGED_WITH: &str = "judged-with";

/// Arguments of `viva interview`
#[derive(Debug, Default, Args)]
pub struct InterviewArgs {
    /// Ask this many questions [default: as many as the plan says, usually 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_QUESTIONS))]
    pub questions: Option<u32>,
    /// Play one round: recruiter, take-home, technical, system-design,
    /// behavioural or candidate-questions
    #[arg(long, value_name = "ROUND", value_parser = word::<Round>, conflicts_with_all = ["format", "plan"])]
    pub round: Option<Round>,
    /// Play one way of being interviewed: telephone, video, in-person, panel
    /// or group
    #[arg(long, value_name = "FORMAT", conflicts_with = "plan")]
    pub format: Option<String>,
    /// Prefer questions of this level: graduate, associate, senior or head
    #[arg(long, value_name = "LEVEL", value_parser = word::<Level>)]
    pub level: Option<Level>,
    /// Play this plan of the plans file
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,
    /// Ask this question, by its id or a beginning of it; may be repeated
    #[arg(long = "question", value_name = "ID")]
    pub wanted: Vec<String>,
    /// Read the answers from this file, divided by lines that hold `---`
    /// alone; lines like `=== 2` begin the answers to the second question;
    /// `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Do not ask for your own scores before the verdicts
    #[arg(long)]
    pub no_predict: bool,
    /// How strict the panel is
    #[arg(long, value_enum, default_value_t)]
    pub mode: Mode,
}

/// Reads a word as the guides' TOML spells it.
pub(super) fn word<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, String> {
    T::deserialize(StrDeserializer::<ValueError>::new(text)).map_err(|error| error.to_string())
}

/// Plans and plays an interview.
///
/// # Errors
/// Fails when the plan, a question, the answers or a model asked for cannot be
/// found, or when the journal cannot be written; with
/// [`ErrorKind::Interrupted`] when the candidate left to come back later.
pub fn run(args: &InterviewArgs, ctx: &Context) -> Result<()> {
    let library = Library::load(&ctx.paths)?;
    for fault in library.warnings() {
        ctx.ui.warn(&fault.to_string());
    }
    let input = open_answers(args.answers.as_deref(), ctx)?;
    let journal = Arc::new(Journal::open(&ctx.paths)?);
    for notice in journal.notices() {
        ctx.ui.warn(notice);
    }
    let mut plan = plan(args, ctx, &library, &journal)?;
    // A script has answers and no opinion of them.
    plan.predict = input.is_none() && !args.no_predict;
    runtime()?.play(async {
        let minds = Minds::start(ctx)?;
        let meta = SessionMeta {
            title: plan.title.clone(),
            plan: plan.id.clone(),
            mode: mode_name(plan.mode),
            seed: plan.seed,
            model: minds.stamp(),
            versions: Versions {
                judge: minds.judge_version(),
                prompts: minds.all_prompts(),
                guides: guide_versions(&library, &plan),
            },
            extra: serde_json::Value::Null,
        };
        let session = journal.begin(&meta)?;
        let commands = candidate::allowed();
        let mut candidate =
            candidate::seat(&ctx.ui, &journal, &session, input, Vec::new(), &commands)?;
        if ctx.ui.is_json() {
            let line = wire::session(session.as_str(), &plan, minds.name());
            ctx.ui.json_line(&line);
        }
        let first = EventKind::Started {
            plan: Box::new(plan),
        };
        play(
            ctx,
            &journal,
            &session,
            candidate.as_mut(),
            &minds,
            Machine::new(),
            first,
        )
        .await
    })
}

/// Plays from `first` to the end, and stores what came of it.
///
/// # Errors
/// As [`run`].
pub(super) async fn play(
    ctx: &Context,
    journal: &Journal,
    session: &SessionId,
    candidate: &mut dyn Candidate,
    minds: &Minds,
    machine: Machine,
    first: EventKind,
) -> Result<()> {
    match &first {
        EventKind::Started { plan } => view::header(&ctx.ui, plan),
        _ => view::recap(&ctx.ui, &machine),
    }
    let from = machine.now_ms();
    let clock = if candidate.is_scripted() {
        Clock::Spoken(from)
    } else {
        Clock::Wall(Instant::now(), from)
    };
    let outcome = Driver {
        ui: &ctx.ui,
        journal,
        session,
        candidate,
        words: minds,
        judge: minds,
        clock,
        stops: stops(),
        machine,
    }
    .run(first)
    .await?;
    conclude(ctx, journal, session, minds, &outcome)
}

fn conclude(
    ctx: &Context,
    journal: &Journal,
    session: &SessionId,
    minds: &Minds,
    outcome: &Outcome,
) -> Result<()> {
    if let Some(critique) = &outcome.critique {
        let (stamp, prompts) = (minds.stamp(), minds.prompts_version());
        keep(
            journal,
            session,
            &outcome.machine,
            critique,
            &stamp,
            &prompts,
        )?;
        journal.put_document(session, JUDGED_WITH, &json!({"models": minds.files()}))?;
    }
    minds.keep_tallies(journal, session)?;
    if outcome.reason == EndReason::Interrupted {
        return Err(Error::new(
            ErrorKind::Interrupted,
            format!("you left session {} before its end", session.short()),
        )
        .hint("Everything is saved. `viva resume` goes on where you stopped."));
    }
    // Which story was told is worth knowing, and no reason to lose the rest.
    if let Err(error) = super::stories::remember(journal, session, &outcome.machine) {
        ctx.ui
            .warn(&format!("which story you told could not be kept: {error}"));
    }
    journal.finish(session, Status::Finished)?;
    // What was said is kept already; the drill reads it again when it begins.
    if let Err(error) = super::drill::ledger::enter(journal, session) {
        tracing::warn!(%error, "the verdicts could not be made reviews");
    }
    minds.tell(&ctx.ui);
    ctx.ui.status(&format!(
        "Saved as session {}. `viva report {}` shows it again.",
        session.as_str(),
        session.short()
    ));
    let contestable = outcome
        .critique
        .as_ref()
        .is_some_and(|critique| crate::critique::contest::count(critique) > 0);
    if ctx.ui.is_interactive() && contestable {
        ctx.ui.hint(&format!(
            "A verdict with a number, [1] say, can be contested: `viva report {} --contest 1`.",
            session.short()
        ));
    }
    Ok(())
}

/// Stores what came of an interview; doing so twice changes nothing.
///
/// # Errors
/// Fails when nothing can be written.
pub(super) fn keep(
    journal: &Journal,
    session: &SessionId,
    machine: &Machine,
    critique: &Critique,
    model: &ModelStamp,
    prompts: &str,
) -> Result<()> {
    journal.put_document(session, "critique", critique)?;
    journal.put_document(
        session,
        OUTCOME,
        &json!({
            "recommendation": critique.recommendation,
            "score": critique.score.map(plainly),
        }),
    )?;
    let guides = journal.session(session)?.meta.versions.guides;
    journal.record_verdicts(session, &history::rows(machine, model, prompts, &guides))
}

/// Returns a score as it is written in a critique: the shortest number that is
/// the same in 32 bits.
pub(super) fn plainly(score: f32) -> f64 {
    score.to_string().parse().unwrap_or(f64::from(score))
}

/// Hears Ctrl-C while nobody is typing. While the line editor holds the
/// terminal the key is the editor's.
pub(super) fn stops() -> UnboundedReceiver<()> {
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).is_ok() {}
    });
    receiver
}

/// A runtime that does not wait for a thread that still reads standard input.
pub(super) struct Stage(tokio::runtime::Runtime);

impl Stage {
    /// Plays to the end, then leaves without waiting for blocked readers.
    pub(super) fn play<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let result = self.0.block_on(work);
        self.0.shutdown_background();
        result
    }
}

/// Returns a runtime for one interview.
///
/// # Errors
/// Fails when the system refuses one.
pub(super) fn runtime() -> Result<Stage> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map(Stage)
        .map_err(|error| Error::internal("the runtime could not be started").caused_by(error))
}

/// Returns where scripted answers come from; `None` means the keyboard.
pub(super) fn open_answers(answers: Option<&Path>, ctx: &Context) -> Result<Option<Input>> {
    match answers {
        Some(path) if path.as_os_str() != "-" => {
            let file = std::fs::File::open(path).map_err(|error| {
                Error::usage(format!("the answers {} cannot be read", path.display()))
                    .caused_by(error)
                    .hint("Name a text file; a line `---` divides two answers.")
            })?;
            Ok(Some(Input::File(file)))
        }
        None if ctx.ui.is_interactive() => Ok(None),
        Some(_) | None => Ok(Some(Input::Pipe)),
    }
}

fn plan(args: &InterviewArgs, ctx: &Context, library: &Library, journal: &Journal) -> Result<Plan> {
    let template = template(args, library)?;
    let wanted = args
        .wanted
        .iter()
        .map(|id| library.resolve(id).map(|question| question.id.clone()))
        .collect::<Result<Vec<String>>>()?;
    let mut request = PlanRequest {
        seed: ctx
            .globals
            .seed
            .unwrap_or_else(|| u64::from(rand::random::<u16>())),
        mode: args.mode,
        questions: args.questions.unwrap_or(0) as usize,
        level: args.level,
        wanted,
        ..PlanRequest::default()
    };
    // A seed given by hand asks for the same interview again, whatever was
    // asked in between.
    if ctx.globals.seed.is_none() {
        history::apply(journal, &mut request)?;
    }
    let citations: Vec<String> = library
        .questions()
        .map(|question| library.citation(question))
        .collect();
    let bank: Vec<BankItem<'_>> = library
        .questions()
        .zip(&citations)
        .map(|(question, citation)| BankItem { question, citation })
        .collect();
    let plan = Plan::draw(&request, template, &bank, library.panellists()).map_err(|error| {
        let hint = match &error {
            PlanError::UnknownQuestion(_) => "`viva guide list` shows the questions there are.",
            PlanError::NoQuestions(_) => {
                "Choose another round, or add questions of your own: `viva guide new`."
            }
            _ => "Correct the plans or panel file; `viva guide check` names the line.",
        };
        Error::content(error.to_string()).hint(hint)
    })?;
    let flags = library.guides().flat_map(|guide| {
        guide.red_flags.iter().map(|flag| {
            let citation = format!("{}, {}", guide.guide.id, flag.source.item);
            (flag.clone(), citation)
        })
    });
    Ok(plan.with_employer(flags.collect()))
}

fn template<'a>(args: &InterviewArgs, library: &'a Library) -> Result<&'a PlanTemplate> {
    let known = || {
        let ids: Vec<&str> = library
            .plans()
            .iter()
            .map(|plan| plan.id.as_str())
            .collect();
        format!("The plans are {}.", ids.join(", "))
    };
    if let Some(id) = &args.plan {
        return library
            .plan(id)
            .ok_or_else(|| Error::usage(format!("there is no plan `{id}`")).hint(known()));
    }
    if let Some(round) = args.round {
        return library
            .plan_for_round(round)
            .ok_or_else(|| Error::content("no plan plays that round".to_owned()).hint(known()));
    }
    if let Some(format) = &args.format {
        return library.plan_for_format(format).ok_or_else(|| {
            let formats: Vec<&str> = library
                .plans()
                .iter()
                .filter_map(|plan| plan.format.as_deref())
                .collect();
            Error::usage(format!("no plan plays the format `{format}`"))
                .hint(format!("The formats are {}.", formats.join(", ")))
        });
    }
    // A level alone is an interview as people of that level meet it.
    let level = args
        .level
        .and_then(|level| library.plan(&level.to_string()));
    level
        .or_else(|| library.default_plan())
        .ok_or_else(|| Error::content("there is no plan to play").hint(known()))
}

fn mode_name(mode: Mode) -> String {
    serde_json::to_value(mode)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn guide_versions(library: &Library, plan: &Plan) -> String {
    let mut versions: Vec<String> = plan
        .questions
        .iter()
        .filter_map(|planned| library.guide_of(&planned.question.id))
        .map(|guide| format!("{} {}", guide.guide.id, guide.guide.version))
        .collect();
    versions.sort();
    versions.dedup();
    versions.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_stored_as_short_as_it_is() {
        assert_eq!(plainly(42.745_39), 42.745_39);
        assert_eq!(plainly(0.1), 0.1);
    }

    #[test]
    fn rounds_and_levels_are_read_as_the_guides_spell_them() {
        assert_eq!(word::<Round>("system-design"), Ok(Round::SystemDesign));
        assert_eq!(word::<Level>("head"), Ok(Level::Head));
        let error = word::<Round>("lunch").expect_err("no round");
        assert!(error.contains("take-home"), "{error}");
    }
}
