//! `viva drill`: asks for single rubric points when they are due, in other
//! words each time, and ends with one full answer.

mod export;
pub(in crate::commands) mod ledger;
mod play;
mod until;
mod view;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::Context;
use super::interview::candidate::{self, Input};
use super::interview::minds::Minds;
use super::interview::{open_answers, runtime, word};
use crate::drill::choose::{MINUTES, When, capacity, choose};
use crate::drill::{DrillEvent, Sitting, SittingPlan, Wish, tasks};
use crate::guide::{Library, Round};
use crate::store::{Journal, SessionId, SessionMeta, Versions};
use crate::ui::Slash;
use crate::{Error, Result};

use ledger::Deck;
use play::Player;

/// The mode, and the plan, that drills are stored as.
pub(in crate::commands) const MODE: &str = "drill";

/// The most minutes one sitting can have.
const MOST_MINUTES: i64 = 240;

/// The commands that mean something in a drill.
const COMMANDS: [Slash; 5] = [
    Slash::Help,
    Slash::Repeat,
    Slash::Hint,
    Slash::Skip,
    Slash::Quit,
];

/// Arguments of `viva drill`
#[derive(Debug, Default, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DrillArgs {
    /// Ask only for points that are due
    #[arg(long, group = "wish")]
    pub due: bool,
    /// Ask only for points you had trouble with
    #[arg(long, group = "wish")]
    pub weak: bool,
    /// Ask only for points of this concept
    #[arg(long, value_name = "CONCEPT", group = "wish")]
    pub concept: Option<String>,
    /// Ask only for points of this question, by its id or a beginning of it
    #[arg(long, value_name = "ID", group = "wish")]
    pub question: Option<String>,
    /// Take about this long [default: 15]; with --until, on each day
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_MINUTES))]
    pub minutes: Option<u32>,
    /// Plan up to an interview on this day: what can be ready, and what to do
    /// on each day
    #[arg(long, value_name = "YYYY-MM-DD", group = "wish")]
    pub until: Option<jiff::civil::Date>,
    /// With --until: the round the interview is, as of `viva interview`; what
    /// its panel asks is planned first, the rest where there is room
    #[arg(long, value_name = "ROUND", requires = "until", value_parser = word::<Round>)]
    pub round: Option<Round>,
    /// Read the answers from this file, divided by lines that hold `---`
    /// alone; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// What to do instead of drilling.
    #[command(subcommand)]
    pub action: Option<Action>,
}

/// What can be done with the points besides drilling them
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Write points as an Anki package, for the phone
    Export(export::ExportArgs),
}

impl DrillArgs {
    /// Returns whether something in particular was asked for.
    fn is_particular(&self) -> bool {
        self.due
            || self.weak
            || self.concept.is_some()
            || self.question.is_some()
            || self.until.is_some()
    }
}

/// Drills.
///
/// # Errors
/// Fails when what was asked for cannot be found, when the answers or the
/// journal cannot be read or written; with [`crate::ErrorKind::Interrupted`]
/// when the person left to come back later.
pub fn run(args: &DrillArgs, ctx: &Context) -> Result<()> {
    let library = Library::load(&ctx.paths)?;
    for fault in library.warnings() {
        ctx.ui.warn(&fault.to_string());
    }
    if let Some(Action::Export(args)) = &args.action {
        return export::run(args, ctx, &library);
    }
    let wish = wish(args, &library)?;
    let planned = args.until.is_some();
    let plays = args.answers.is_some() || !planned || begins(ctx);
    // Standard input is the keyboard of whoever begins today's part later.
    let input = if plays && !(planned && args.answers.is_none()) {
        open_answers(args.answers.as_deref(), ctx)?
    } else {
        None
    };
    let journal = Arc::new(super::history::open(ctx)?);
    ledger::catch_up(&journal)?;
    if !args.is_particular()
        && let Some(left) = journal
            .latest_unfinished()?
            .filter(|session| session.meta.mode == MODE)
    {
        ctx.ui.status(&format!(
            "Going on with the drill you left, session {}.",
            left.id.short()
        ));
        return resume_with(ctx, &journal, &left.id, input);
    }
    let scheduler = ledger::scheduler(&journal)?;
    let deck = Deck::read(&journal)?;
    let minutes = args.minutes.unwrap_or(MINUTES);
    let wish = match args.until {
        Some(date) => {
            let today = until::show(ctx, &library, &deck, &scheduler, date, minutes, args.round)?;
            if !plays || !until::may_begin(ctx, args.answers.is_some(), &today)? {
                return Ok(());
            }
            Wish::These(today)
        }
        None => wish,
    };
    let when = when(ctx, minutes)?;
    let choice = choose(deck.candidates(&library), &wish, &scheduler, when);
    if choice.points.is_empty() {
        nothing_to_ask(ctx, &wish, &deck, when.day_end);
        return Ok(());
    }
    let plan = tasks::sitting(&choice, &deck.lately(when.now), |id| {
        library
            .question(id)
            .map(|question| library.citation(question))
            .unwrap_or_default()
    });
    let why = match wish {
        Wish::Best if deck.is_empty() => view::Why::New,
        Wish::Best | Wish::Due => view::Why::Best,
        _ => view::Why::Asked,
    };
    begin(ctx, &journal, &library, plan, when.seed, input, why)
}

fn begins(ctx: &Context) -> bool {
    ctx.ui.is_interactive() && !ctx.ui.is_json()
}

fn begin(
    ctx: &Context,
    journal: &Arc<Journal>,
    library: &Library,
    plan: SittingPlan,
    seed: u64,
    input: Option<Input>,
    why: view::Why,
) -> Result<()> {
    runtime()?.play(async {
        let minds = Minds::to_judge(ctx)?;
        let session = journal.begin(&meta(library, &plan, seed, &minds))?;
        let mut candidate =
            candidate::seat(&ctx.ui, journal, &session, input, Vec::new(), &COMMANDS)?;
        view::header(&ctx.ui, &plan, why);
        wire::line(&ctx.ui, || wire::begun(session.as_str(), &plan, seed));
        let first = DrillEvent::DrillStarted {
            plan: Box::new(plan),
        };
        Player::new(ctx, journal, &session, candidate.as_mut(), &minds)
            .run(Sitting::default(), first)
            .await
    })
}

/// Goes on with a drill that was left.
///
/// # Errors
/// Fails when another process holds it, when nothing of it can go on, or as
/// [`run`] does.
pub(super) fn resume(ctx: &Context, journal: &Arc<Journal>, session: &SessionId) -> Result<()> {
    let input = open_answers(None, ctx)?;
    resume_with(ctx, journal, session, input)
}

fn resume_with(
    ctx: &Context,
    journal: &Arc<Journal>,
    session: &SessionId,
    input: Option<Input>,
) -> Result<()> {
    journal.resume(session)?;
    let mut events: Vec<DrillEvent> = Vec::new();
    for stored in journal.events(session)? {
        match serde_json::from_value(stored.event) {
            Ok(event) => events.push(event),
            Err(error) => {
                tracing::warn!(%error, seq = stored.seq, "an event cannot be read");
                break;
            }
        }
    }
    let sitting = Sitting::replay(&events);
    if sitting.plan().tasks.is_empty() {
        return Err(Error::storage(format!(
            "session {} holds no drill that can go on",
            session.short()
        ))
        .hint(format!(
            "`viva history forget {}` removes it; `viva drill --due` begins another.",
            session.short()
        )));
    }
    let draft = journal.draft(session)?;
    // What a crash kept from being counted is counted now.
    ledger::keep_sitting(journal, session)?;
    runtime()?.play(async {
        let minds = Minds::to_judge(ctx)?;
        let mut candidate = candidate::seat(&ctx.ui, journal, session, input, draft, &COMMANDS)?;
        view::recap(&ctx.ui, &sitting);
        Player::new(ctx, journal, session, candidate.as_mut(), &minds)
            .run(sitting, DrillEvent::Resumed)
            .await
    })
}

fn meta(library: &Library, plan: &SittingPlan, seed: u64, minds: &Minds) -> SessionMeta {
    let mut guides: Vec<String> = plan
        .tasks
        .iter()
        .filter_map(|task| library.guide_of(&task.question))
        .map(|guide| format!("{} {}", guide.guide.id, guide.guide.version))
        .collect();
    guides.sort();
    guides.dedup();
    SessionMeta {
        title: format!("Drill, {}", view::points(plan.tasks.len())),
        plan: MODE.to_owned(),
        mode: MODE.to_owned(),
        seed,
        model: minds.stamp(),
        versions: Versions {
            judge: minds.judge_version(),
            prompts: String::new(),
            guides: guides.join(", "),
        },
        extra: serde_json::Value::Null,
    }
}

fn wish(args: &DrillArgs, library: &Library) -> Result<Wish> {
    if let Some(text) = &args.question {
        let question = library.resolve(text)?;
        if question.round == Round::CandidateQuestions {
            return Err(Error::usage(format!(
                "the points of {} are made by asking the panel and cannot be drilled",
                question.id
            ))
            .hint("`viva interview --round candidate-questions` plays that round."));
        }
        return Ok(Wish::Question(question.id.clone()));
    }
    if let Some(concept) = &args.concept {
        return known_concept(concept, library).map(Wish::Concept);
    }
    Ok(match (args.due, args.weak) {
        (true, _) => Wish::Due,
        (_, true) => Wish::Weak,
        _ => Wish::Best,
    })
}

/// Returns the concept that a person means: its name, with spaces or hyphens,
/// or a part of it that no other concept has.
fn known_concept(text: &str, library: &Library) -> Result<String> {
    let wanted = text.trim().to_lowercase().replace([' ', '_'], "-");
    let mut all: Vec<&str> = crate::drill::choose::points(library)
        .map(|(question, _)| question.concept.as_str())
        .collect();
    all.sort_unstable();
    all.dedup();
    if all.contains(&wanted.as_str()) {
        return Ok(wanted);
    }
    let near: Vec<&str> = all
        .iter()
        .copied()
        .filter(|concept| !wanted.is_empty() && concept.contains(&wanted))
        .collect();
    if let [one] = near.as_slice() {
        return Ok((*one).to_owned());
    }
    let shares = |concept: &&str| {
        wanted
            .split('-')
            .any(|word| word.len() > 3 && concept.contains(word))
    };
    let near: Vec<&str> = if near.is_empty() {
        all.into_iter().filter(shares).take(6).collect()
    } else {
        near.into_iter().take(6).collect()
    };
    let error = Error::usage(format!("there is no concept {text:?}"));
    Err(if near.is_empty() {
        error.hint("`viva guide list` shows the questions with what they are about.")
    } else {
        error.hint(format!("Perhaps you mean {}.", near.join(", ")))
    })
}

fn when(ctx: &Context, minutes: u32) -> Result<When> {
    let now = jiff::Zoned::now();
    let day_end = now
        .end_of_day()
        .map_err(|error| Error::internal("the clock cannot be read").caused_by(error))?;
    Ok(When {
        now: now.timestamp().as_millisecond(),
        day_end: day_end.timestamp().as_millisecond(),
        points: capacity(minutes),
        seed: ctx
            .globals
            .seed
            .unwrap_or_else(|| u64::from(rand::random::<u16>())),
    })
}

/// Says why there is nothing to ask, and when there will be.
fn nothing_to_ask(ctx: &Context, wish: &Wish, deck: &Deck, day_end: i64) {
    let next = deck.next_due(day_end);
    wire::line(&ctx.ui, || wire::nothing(next.map(|(at, _)| at)));
    let mut text = match wish {
        Wish::Due => "Nothing is due.".to_owned(),
        Wish::Weak => "There is no point you had trouble with.".to_owned(),
        _ => "There is nothing to ask.".to_owned(),
    };
    if let Some((at, count)) = next {
        text.push_str(&format!(
            " The next {} due on {}.",
            match count {
                1 => "point is".to_owned(),
                count => format!("{count} points are"),
            },
            view::day(at)
        ));
    }
    ctx.ui.status(&text);
    ctx.ui
        .hint("`viva drill` asks for what panels score most; `viva drill --concept NAME` for one subject.");
}

/// Fits the memory model to the person once there is enough to go by.
fn refit(ctx: &Context, journal: &Journal) {
    match ledger::refit(journal) {
        Ok(Some(reviews)) => ctx.ui.status(&format!(
            "The drill's timing is now fitted to your own {reviews} reviews."
        )),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the parameters could not be fitted"),
    }
}
