//! Which story was told in an interview.

use crate::Result;
use crate::interview::{Event, Machine};
use crate::store::{Journal, SessionId, Telling};
use crate::stories::is_behavioural;
use crate::stories::likeness::{Print, told};

/// One answer to a behavioural question.
pub(super) struct Given<'a> {
    /// The question, as the plan of the session holds it.
    pub(super) question: &'a crate::guide::Question,
    /// Which attempt, 0 for the first.
    pub(super) attempt: u32,
    /// All that was said.
    pub(super) text: String,
    /// Whether the judge took it for no answer at all.
    pub(super) flagged: bool,
}

/// Returns the answers to behavioural questions of an interview, in order.
pub(super) fn answers(machine: &Machine) -> Vec<Given<'_>> {
    let Some(plan) = machine.plan() else {
        return Vec::new();
    };
    plan.questions
        .iter()
        .zip(machine.records())
        .filter(|(planned, _)| is_behavioural(&planned.question))
        .flat_map(|(planned, record)| {
            (0_u32..)
                .zip(&record.attempts)
                .filter(|(_, attempt)| !attempt.turns.is_empty())
                .map(move |(number, attempt)| Given {
                    question: &planned.question,
                    attempt: number,
                    text: attempt.answer(),
                    flagged: attempt
                        .assessment()
                        .is_some_and(|found| !found.flags.is_empty()),
                })
        })
        .collect()
}

/// Returns the interview of `session` as its events left it; events that
/// cannot be read end it.
///
/// # Errors
/// Fails when the journal cannot be read.
pub(super) fn replay(journal: &Journal, session: &SessionId) -> Result<Machine> {
    let events: Vec<Event> = journal
        .events(session)?
        .into_iter()
        .map_while(|stored| serde_json::from_value(stored.event).ok())
        .collect();
    Ok(Machine::replay(&events))
}

/// Compares every behavioural answer of an interview with the bank and stores
/// which story was told; returns how many were. By words alone: nothing is
/// loaded for it.
///
/// # Errors
/// Fails when the journal cannot be read or written.
pub(in crate::commands) fn remember(
    journal: &Journal,
    session: &SessionId,
    machine: &Machine,
) -> Result<usize> {
    let answers = answers(machine);
    if answers.is_empty() {
        return Ok(0);
    }
    let stories = journal.stories()?;
    let prints: Vec<Print> = stories.iter().map(|story| Print::of(&story.text)).collect();
    let mut found = 0;
    for given in answers {
        let Some((story, likeness)) = told(&given.text, &prints) else {
            continue;
        };
        journal.record_telling(&telling(
            &stories[story].id,
            session,
            &given,
            jiff::Timestamp::now().as_millisecond(),
            likeness,
        ))?;
        found += 1;
    }
    Ok(found)
}

/// Returns the telling of a story in an answer.
pub(super) fn telling(
    story: &crate::store::StoryId,
    session: &SessionId,
    given: &Given<'_>,
    at_ms: i64,
    likeness: f32,
) -> Telling {
    Telling {
        story: story.clone(),
        session: session.clone(),
        question: given.question.id.clone(),
        attempt: given.attempt,
        at_ms,
        likeness: f64::from(likeness),
    }
}
