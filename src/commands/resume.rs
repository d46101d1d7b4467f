//! `viva resume`: takes an interview up again where it was left, whether the
//! candidate left it or the machine went down.

use std::sync::Arc;

use clap::Args;

use super::Context;
use super::interview::{candidate, keep, minds::Minds, open_answers, play, runtime, view, wire};
use crate::critique::critique;
use crate::interview::{Effect, EndReason, Event, EventKind, Machine};
use crate::store::{Journal, SessionId, Status};
use crate::{Error, Result};

/// Arguments of `viva resume`
#[derive(Debug, Default, Args)]
pub struct ResumeArgs {
    /// The session, or a beginning of its name [default: the last unfinished one]
    #[arg(value_name = "SESSION")]
    pub session: Option<String>,
}

/// Goes on with an unfinished interview or drill.
///
/// # Errors
/// Fails when there is none, when another process holds it, or as
/// [`super::interview::run`] does.
pub fn run(args: &ResumeArgs, ctx: &Context) -> Result<()> {
    let journal = Arc::new(Journal::open(&ctx.paths)?);
    let session = find(&journal, args)?;
    if journal.session(&session)?.meta.mode == super::drill::MODE {
        return super::drill::resume(ctx, &journal, &session);
    }
    journal.resume(&session)?;
    let machine = replay(&journal, &session)?;
    if matches!(machine.due(), Some(Effect::End { reason }) if reason != EndReason::Interrupted) {
        return settle(ctx, &journal, &session, &machine);
    }
    let draft = journal.draft(&session)?;
    let input = open_answers(None, ctx)?;
    runtime()?.play(async {
        let minds = Minds::start(ctx)?;
        let commands = candidate::allowed();
        let mut candidate = candidate::seat(&ctx.ui, &journal, &session, input, draft, &commands)?;
        play(
            ctx,
            &journal,
            &session,
            candidate.as_mut(),
            &minds,
            machine,
            EventKind::Resumed,
        )
        .await
    })
}

/// Stores what came of an interview that ended just before the program did.
fn settle(ctx: &Context, journal: &Journal, session: &SessionId, machine: &Machine) -> Result<()> {
    let meta = journal.session(session)?.meta;
    let critique = critique(machine);
    keep(
        journal,
        session,
        machine,
        &critique,
        &meta.model,
        &meta.versions.prompts,
    )?;
    journal.finish(session, Status::Finished)?;
    view::critique(&ctx.ui, machine, &critique);
    if ctx.ui.is_json() {
        ctx.ui.json_line(&wire::critique(&critique));
    }
    ctx.ui.status(&format!(
        "Session {} had come to its end; its critique is saved now.",
        session.short()
    ));
    Ok(())
}

fn find(journal: &Journal, args: &ResumeArgs) -> Result<SessionId> {
    if let Some(text) = &args.session {
        return journal.find(text);
    }
    journal
        .latest_unfinished()?
        .map(|session| session.id)
        .ok_or_else(|| {
            Error::usage("there is no unfinished interview")
                .hint("`viva interview` begins one; `viva history` lists those that are over.")
        })
}

/// Returns the interview as its events left it.
fn replay(journal: &Journal, session: &SessionId) -> Result<Machine> {
    let machine = machine_of(journal, session)?;
    match machine.due() {
        None => Err(Error::storage(format!(
            "session {} holds no interview that can go on",
            session.short()
        ))
        .hint("`viva interview` begins a new one.")),
        Some(_) => Ok(machine),
    }
}

/// Returns the interview as its events left it. Events that cannot be
/// read any more end the replay: what came before them still stands.
///
/// # Errors
/// Fails when the journal cannot be read.
pub(super) fn machine_of(journal: &Journal, session: &SessionId) -> Result<Machine> {
    Ok(Machine::replay(&events(journal, session)?))
}

/// Returns the events of an interview. Those that cannot be read any more end
/// the list: what came before them still stands.
///
/// # Errors
/// Fails when the journal cannot be read.
pub(super) fn events(journal: &Journal, session: &SessionId) -> Result<Vec<Event>> {
    let mut events: Vec<Event> = Vec::new();
    for stored in journal.events(session)? {
        match serde_json::from_value(stored.event) {
            Ok(event) => events.push(event),
            Err(error) => {
                tracing::warn!(%error, seq = stored.seq, "an event cannot be read");
                break;
            }
        }
    }
    Ok(events)
}
