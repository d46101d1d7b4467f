//! Between the journal and the drill: verdicts and drills become reviews,
//! reviews become cards, and parameters are fitted to the person.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::drill::card::{Card, past};
use crate::drill::sitting::RUNGS;
use crate::drill::{
    Candidate, DrillEvent, Finding, Help, Key, Memory, Rating, Scheduler, Sitting, choose, memory,
    rate,
};
use crate::guide::Library;
use crate::interview::hint_of;
use crate::judge::{Verdict, is_trusted};
use crate::store::{
    CardRow, Journal, ReviewRow, SessionId, StoredEvent, StoredVerdict, VerdictSource,
};

use super::MODE;

/// Under this name the parameters fitted to the person are kept.
const PARAMETERS: &str = "drill-parameters";

/// Under this name the wording that was asked last is kept for each point,
/// also where the answer was no review.
const ASKED: &str = "drill-asked";

/// Sessions that are caught up on when a drill begins. There are more only
/// after an update; the rest follows the next times, so that no start is slow.
const CATCH_UP: u32 = 40;

/// Parameters are fitted again when there are so many times the reviews there
/// were the last time.
const GROWTH: f64 = 1.25;

/// A question answered within so many days counts as answered lately.
const LATELY_DAYS: f64 = 2.0;

/// The words in which the answers of an interview were asked for: a wording of
/// its own, since a whole question stood behind it.
const INTERVIEW: &str = "interview";

#[derive(Debug, Serialize, Deserialize)]
struct Fitted {
    parameters: Vec<f32>,
    reviews: u64,
}

/// Returns the memory model with the person's own parameters, or else with
/// the usual ones.
///
/// # Errors
/// Fails when the journal cannot be read.
pub(in crate::commands) fn scheduler(journal: &Journal) -> Result<Scheduler> {
    Ok(fitted(journal)?
        .and_then(|fitted| Scheduler::with_parameters(&fitted.parameters).ok())
        .unwrap_or_default())
}

fn fitted(journal: &Journal) -> Result<Option<Fitted>> {
    Ok(journal
        .kept(PARAMETERS)?
        .and_then(|value| serde_json::from_value(value).ok()))
}

/// Takes in finished sessions that have not become reviews yet, and computes
/// the cards again where an import or a forgotten session made them wrong.
///
/// # Errors
/// Fails when the journal cannot be read or written.
pub(in crate::commands) fn catch_up(journal: &Journal) -> Result<()> {
    let missing = journal.unscheduled(CATCH_UP)?;
    if !missing.is_empty() {
        take_in(journal, &missing)?;
    }
    if journal.are_cards_stale()? {
        recompute(journal, &scheduler(journal)?)?;
    }
    Ok(())
}

/// Makes the verdicts of one finished session reviews, and computes the cards
/// of its points. Doing so twice changes nothing.
///
/// # Errors
/// As [`catch_up`].
pub(in crate::commands) fn enter(journal: &Journal, session: &SessionId) -> Result<()> {
    take_in(journal, std::slice::from_ref(session))
}

fn take_in(journal: &Journal, sessions: &[SessionId]) -> Result<()> {
    let mut all = Vec::new();
    for session in sessions {
        let rows = if journal.session(session)?.meta.mode == MODE {
            of_sitting(&journal.events(session)?)
        } else {
            of_verdicts(&journal.verdicts(session)?)
        };
        all.push((session.clone(), rows));
    }
    journal.schedule(&all)?;
    update(journal, all.iter().flat_map(|(_, rows)| rows))
}

/// Stores what a drill has judged so far.
///
/// # Errors
/// As [`catch_up`].
pub(super) fn keep_sitting(journal: &Journal, session: &SessionId) -> Result<()> {
    let rows = of_sitting(&journal.events(session)?);
    journal.put_reviews(session, &rows)?;
    update(journal, rows.iter())
}

/// Computes the cards of the points that `rows` are about.
fn update<'r>(journal: &Journal, rows: impl Iterator<Item = &'r ReviewRow>) -> Result<()> {
    let keys: BTreeSet<Key> = rows
        .map(|row| (row.question.clone(), row.point.clone()))
        .collect();
    if keys.is_empty() {
        return Ok(());
    }
    let scheduler = scheduler(journal)?;
    let mut cards = Vec::new();
    for (question, point) in keys {
        cards.extend(card(&scheduler, &journal.reviews_of(&question, &point)?));
    }
    journal.put_cards(&cards)
}

/// Computes every card again from its reviews.
fn recompute(journal: &Journal, scheduler: &Scheduler) -> Result<()> {
    let cards: Vec<CardRow> = by_point(&journal.reviews()?)
        .filter_map(|rows| card(scheduler, rows))
        .collect();
    journal.replace_cards(&cards)
}

/// Returns the reviews of each point; `rows` are in order of the points.
fn by_point(rows: &[ReviewRow]) -> impl Iterator<Item = &[ReviewRow]> {
    rows.chunk_by(|a, b| (&a.question, &a.point) == (&b.question, &b.point))
}

fn ratings(rows: &[ReviewRow]) -> Vec<(i64, Rating)> {
    rows.iter()
        .filter_map(|row| Some((row.at_ms, Rating::from_number(row.rating)?)))
        .collect()
}

/// Returns the card of one point's reviews, oldest first.
fn card(scheduler: &Scheduler, rows: &[ReviewRow]) -> Option<CardRow> {
    let last = rows.last()?;
    let card = Card::of(scheduler, &ratings(rows))?;
    Some(CardRow {
        question: last.question.clone(),
        point: last.point.clone(),
        stability: f64::from(card.memory.stability_days),
        difficulty: f64::from(card.memory.difficulty),
        last_at: card.last_at,
        due_at: card.due_at,
        reviews: card.reviews,
        lapses: card.lapses,
        wording: last.wording.clone(),
        last_rating: card.last.number(),
    })
}

/// Returns the reviews that a drill's events hold.
fn of_sitting(events: &[StoredEvent]) -> Vec<ReviewRow> {
    // What cannot be read any more ends the replay; what came before stands.
    let read: Vec<(i64, DrillEvent)> = events
        .iter()
        .map_while(|stored| {
            let event = DrillEvent::deserialize(&stored.event).ok()?;
            Some((stored.at_ms, event))
        })
        .collect();
    let sitting = Sitting::replay(read.iter().map(|(_, event)| event));
    sitting
        .findings()
        .iter()
        .filter_map(|finding| {
            let at_ms = read.get(finding.event)?.0;
            of_finding(finding, at_ms)
        })
        .collect()
}

fn of_finding(finding: &Finding, at_ms: i64) -> Option<ReviewRow> {
    Some(ReviewRow {
        question: finding.key.0.clone(),
        point: finding.key.1.clone(),
        n: finding.n,
        at_ms,
        source: MODE.to_owned(),
        rating: finding.rating?.number(),
        verdict: word(finding.verdict),
        probability: f64::from(finding.probability),
        recovery: finding.recovery.to_owned(),
        wording: finding.wording.clone(),
    })
}

/// Returns the reviews that an interview's verdicts amount to: one a point and
/// attempt. A verdict that was contested counts as it was settled; one judged
/// again later is another judge's, not another answer.
fn of_verdicts(verdicts: &[StoredVerdict]) -> Vec<ReviewRow> {
    let mut counted: BTreeMap<(&str, u32, &str), &StoredVerdict> = BTreeMap::new();
    for stored in verdicts {
        let row = &stored.row;
        let name = (row.question.as_str(), row.attempt, row.point.as_str());
        match row.source {
            VerdictSource::Regrade => {}
            VerdictSource::Contest => {
                counted.insert(name, stored);
            }
            VerdictSource::Interview => {
                counted.entry(name).or_insert(stored);
            }
        }
    }
    counted
        .into_values()
        .filter_map(|stored| {
            let row = &stored.row;
            let verdict = verdict(&row.verdict)?;
            let help = match (row.recovery.as_str(), hint_of(&row.recovery)) {
                ("unaided", _) => Help::None,
                // The easier way in counts as the first hint. Where it was not
                // kept which one it took, the last stands for all.
                (_, Some(rung)) => Help::Hints(rung.map_or(RUNGS, |rung| rung.max(1))),
                // The panel asks after what an answer lacks.
                _ => Help::Probed,
            };
            let trusted = is_trusted(&row.versions.judge);
            let rating = rate(verdict, row.probability as f32, help, trusted)?;
            Some(ReviewRow {
                question: row.question.clone(),
                point: row.point.clone(),
                n: row.attempt,
                at_ms: stored.at_ms,
                source: INTERVIEW.to_owned(),
                rating: rating.number(),
                verdict: row.verdict.clone(),
                probability: row.probability,
                recovery: row.recovery.clone(),
                wording: INTERVIEW.to_owned(),
            })
        })
        .collect()
}

fn verdict(word: &str) -> Option<Verdict> {
    Verdict::deserialize(StrDeserializer::<ValueError>::new(word)).ok()
}

/// Returns a verdict's word, as the judge spells it.
pub(super) fn word(verdict: Verdict) -> String {
    serde_json::to_value(verdict)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Fits the parameters to the person's reviews if there are enough of them and
/// a quarter more than the last time. Returns how many reviews they rest on.
///
/// # Errors
/// As [`catch_up`].
pub(super) fn refit(journal: &Journal) -> Result<Option<u64>> {
    let count = journal.review_count()?;
    let before = fitted(journal)?.map_or(0, |fitted| fitted.reviews);
    if count < memory::REVIEWS_TO_FIT as u64 || (count as f64) < GROWTH * before as f64 {
        return Ok(None);
    }
    let reviews = journal.reviews()?;
    let cards: Vec<Vec<memory::PastReview>> = by_point(&reviews)
        .map(|rows| past(&ratings(rows)))
        .collect();
    let Some(parameters) = memory::fit(&cards) else {
        return Ok(None);
    };
    let scheduler = Scheduler::with_parameters(&parameters)?;
    journal.keep(
        PARAMETERS,
        &Fitted {
            parameters,
            reviews: count,
        },
    )?;
    recompute(journal, &scheduler)?;
    Ok(Some(count))
}

/// What is known of every point of the library.
#[derive(Debug)]
pub(super) struct Deck {
    cards: BTreeMap<Key, CardRow>,
    asked: BTreeMap<String, String>,
}

impl Deck {
    /// Reads what is known.
    ///
    /// # Errors
    /// Fails when the journal cannot be read.
    pub(super) fn read(journal: &Journal) -> Result<Self> {
        let cards = journal
            .cards()?
            .into_iter()
            .map(|card| ((card.question.clone(), card.point.clone()), card))
            .collect();
        Ok(Self {
            cards,
            asked: asked(journal)?,
        })
    }

    /// Returns every point that can be asked for.
    pub(super) fn candidates<'a>(&'a self, library: &'a Library) -> Vec<Candidate<'a>> {
        choose::points(library)
            .map(|(question, point)| {
                let row = self.cards.get(&(question.id.clone(), point.id.clone()));
                Candidate {
                    question,
                    point,
                    card: row.and_then(of_row),
                    wording: self
                        .asked
                        .get(&asked_name(&question.id, &point.id))
                        .or_else(|| row.map(|row| &row.wording))
                        .map(String::as_str),
                }
            })
            .collect()
    }

    /// Returns the questions that were answered a short while before `now`.
    pub(super) fn lately(&self, now: i64) -> BTreeSet<String> {
        self.cards
            .values()
            .filter(|card| crate::drill::card::days_between(card.last_at, now) <= LATELY_DAYS)
            .map(|card| card.question.clone())
            .collect()
    }

    /// Returns whether the person has met no point yet.
    pub(super) fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// Returns when the next point comes due after `after`, and how many come
    /// due within a day of it.
    pub(super) fn next_due(&self, after: i64) -> Option<(i64, usize)> {
        let coming = || {
            self.cards
                .values()
                .map(|card| card.due_at)
                .filter(move |at| *at > after)
        };
        let first = coming().min()?;
        let until = first + crate::drill::card::DAY_MS;
        Some((first, coming().filter(|at| *at < until).count()))
    }

    /// Returns how many points are due at `now`.
    pub(super) fn due(&self, now: i64) -> usize {
        self.cards
            .values()
            .filter(|card| card.due_at <= now)
            .count()
    }

    /// Returns when a point is due.
    pub(super) fn due_at(&self, key: &Key) -> Option<i64> {
        self.cards.get(key).map(|card| card.due_at)
    }
}

fn of_row(row: &CardRow) -> Option<Card> {
    Some(Card {
        memory: Memory {
            stability_days: row.stability as f32,
            difficulty: row.difficulty as f32,
        },
        last_at: row.last_at,
        due_at: row.due_at,
        reviews: row.reviews,
        lapses: row.lapses,
        last: Rating::from_number(row.last_rating)?,
    })
}

fn asked(journal: &Journal) -> Result<BTreeMap<String, String>> {
    Ok(journal
        .kept(ASKED)?
        .and_then(|value| serde_json::from_value(value).ok())
        .unwrap_or_default())
}

fn asked_name(question: &str, point: &str) -> String {
    format!("{question}/{point}")
}

/// Notes in which words a point was asked for, whatever becomes of it.
///
/// # Errors
/// Fails when the journal cannot be read or written.
pub(super) fn note_asked(
    journal: &Journal,
    question: &str,
    point: &str,
    wording: &str,
) -> Result<()> {
    let mut all = asked(journal)?;
    all.insert(asked_name(question, point), wording.to_owned());
    journal.keep(ASKED, &all)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
