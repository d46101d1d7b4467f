//! `viva resume`: takes an interview up again where it was left, whether the
//! candidate left it or the machine went down.

use std::sync::Arc;

use clap::Args;

use super::Context;
use super::interview::candidate::{Candidate, Keyboard, Script};
use super::interview::{minds::Minds, play, runtime};
use crate::interview::{Effect, EndReason, Event, EventKind, Machine};
use crate::store::{Journal, SessionId};
use crate::{Error, Result};

/// Arguments of `viva resume`
#[derive(Debug, Default, Args)]
pub struct ResumeArgs {
    /// The session, or a beginning of its name [default: the last unfinished one]
    #[arg(value_name = "SESSION")]
    pub session: Option<String>,
}

/// Goes on with an unfinished interview.
///
/// # Errors
/// Fails when there is none, when another process holds it, or as
/// [`super::interview::run`] does.
pub fn run(args: &ResumeArgs, ctx: &Context) -> Result<()> {
    let journal = Arc::new(Journal::open(&ctx.paths)?);
    let session = find(&journal, args)?;
    journal.resume(&session)?;
    let machine = replay(&journal, &session)?;
    let draft = journal.draft(&session)?.join("\n");
    runtime()?.play(async {
        let minds = Minds::start(ctx)?;
        let mut candidate: Box<dyn Candidate> = if ctx.ui.is_interactive() {
            Box::new(Keyboard::new(
                &ctx.ui,
                Arc::clone(&journal),
                session.clone(),
                draft,
            )?)
        } else {
            Box::new(Script::new(&ctx.ui, std::io::stdin()))
        };
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

/// Returns the interview as its events left it. Events that cannot be read
/// any more end the replay: what came before them still stands.
///
/// # Errors
/// Fails when the journal cannot be read.
pub(super) fn machine_of(journal: &Journal, session: &SessionId) -> Result<Machine> {
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
    Ok(Machine::replay(&events))
}

/// Returns an interview that can go on.
fn replay(journal: &Journal, session: &SessionId) -> Result<Machine> {
    let machine = machine_of(journal, session)?;
    match machine.due() {
        None => Err(Error::storage(format!(
            "session {} holds no interview that can go on",
            session.short()
        ))
        .hint("`viva interview` begins a new one.")),
        Some(Effect::End { reason }) if reason != EndReason::Interrupted => {
            Err(Error::usage(format!("session {} is over", session.short()))
                .hint(format!("`viva report {}` shows it.", session.short())))
        }
        Some(_) => Ok(machine),
    }
}
