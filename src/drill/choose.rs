//! What a sitting asks: the most valuable points first, concepts mixed, and
//! never more than fits the time, however long the person was away.

use std::collections::BTreeMap;

use super::card::Card;
use super::memory::{Rating, Scheduler};
use crate::guide::{Library, Point, PointKind, Question, Round};

/// Minutes of a sitting when none are given.
pub const MINUTES: u32 = 15;

/// Seconds one point takes: half a minute to a minute of answer, and the
/// reading of question and verdict.
const SECONDS_A_POINT: u32 = 80;

/// Seconds the full answer at the end takes.
const SECONDS_THE_WHOLE: u32 = 180;

/// The most points of one sitting, however many minutes there are: later ones
/// only tire.
const MOST_POINTS: usize = 40;

/// Points of one question in one sitting: more would make it an interview.
const A_QUESTION: usize = 2;

/// Returns how many points fit into a sitting of so many minutes, its full
/// answer at the end included; 1 at least.
pub fn capacity(minutes: u32) -> usize {
    let seconds = (minutes * 60).saturating_sub(SECONDS_THE_WHOLE);
    (seconds / SECONDS_A_POINT).clamp(1, MOST_POINTS as u32) as usize
}

/// The name of a rubric point: its question's identifier and its own.
pub type Key = (String, String);

/// A point that can be drilled, with what is known of it.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// The question it belongs to.
    pub question: &'a Question,
    /// The point.
    pub point: &'a Point,
    /// What its reviews add up to; `None` when there are none.
    pub card: Option<Card>,
    /// The wording it was asked in last.
    pub wording: Option<&'a str>,
}

impl Candidate<'_> {
    /// Returns the point's name.
    pub fn key(&self) -> Key {
        (self.question.id.clone(), self.point.id.clone())
    }

    /// Returns what the point is worth to a panel: weight times kind.
    pub fn worth(&self) -> f32 {
        // Weights are at most 100, which an f32 holds exactly.
        self.point.weight as f32 * kind_factor(self.point.kind)
    }

    /// Returns what asking for it now is worth: what it is worth to a panel,
    /// times the chance that it is not there.
    pub fn value(&self, scheduler: &Scheduler, now: i64) -> f32 {
        let recall = self.card.map_or(0.0, |card| card.recall(scheduler, now));
        self.worth() * (1.0 - recall)
    }

    /// Returns whether it was asked before and is due by `until`.
    pub fn is_due(&self, until: i64) -> bool {
        self.card.is_some_and(|card| card.due_at <= until)
    }

    /// Returns whether the person had trouble with it: not made, or only with
    /// help, when it was asked last, or lost once before.
    pub fn is_weak(&self) -> bool {
        self.card
            .is_some_and(|card| card.last <= Rating::Hard || card.lapses > 0)
    }
}

/// How much more an essential point counts than one that few make; as in the
/// critique's list of what to work on.
fn kind_factor(kind: PointKind) -> f32 {
    match kind {
        PointKind::Essential => 3.0,
        PointKind::Strong => 2.0,
        PointKind::Standout => 1.0,
    }
}

/// Returns every point of the library that can be asked for. The round in
/// which the candidate asks has none: its points are made by asking.
pub fn points(library: &Library) -> impl Iterator<Item = (&Question, &Point)> {
    library
        .questions()
        .filter(|question| question.round != Round::CandidateQuestions)
        .flat_map(|question| question.points.iter().map(move |point| (question, point)))
}

/// Which points a person wants to drill.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Wish {
    /// What is due, then what panels score most.
    #[default]
    Best,
    /// Only what is due.
    Due,
    /// Only what they had trouble with.
    Weak,
    /// Only points of this concept.
    Concept(String),
    /// Only points of the question with this identifier.
    Question(String),
    /// These points and no others: today's part of a plan.
    These(Vec<Key>),
}

/// When a sitting takes place, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// Milliseconds since 1970 in UTC.
    pub now: i64,
    /// The end of the person's day, likewise: what comes due today is due.
    pub day_end: i64,
    /// The most points to ask.
    pub points: usize,
    /// Decides between points of the same value.
    pub seed: u64,
}

/// What a sitting asks.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// The points, in the order in which they are asked.
    pub points: Vec<Candidate<'a>>,
    /// How many points are due in all.
    pub due: usize,
}

/// Chooses what a sitting asks.
pub fn choose<'a>(
    candidates: Vec<Candidate<'a>>,
    wish: &Wish,
    scheduler: &Scheduler,
    when: When,
) -> Choice<'a> {
    let due = candidates
        .iter()
        .filter(|one| one.is_due(when.day_end))
        .count();
    let narrow = matches!(wish, Wish::Concept(_) | Wish::Question(_) | Wish::These(_));
    let mut pool: Vec<Candidate<'a>> = candidates
        .into_iter()
        .filter(|one| match wish {
            Wish::Best => one.card.is_none() || one.is_due(when.day_end),
            Wish::Due => one.is_due(when.day_end),
            Wish::Weak => one.is_weak(),
            Wish::Concept(concept) => one.question.concept == *concept,
            Wish::Question(id) => one.question.id == *id,
            Wish::These(keys) => keys.contains(&one.key()),
        })
        .collect();
    // What is due goes before what is new: a point nearly kept is cheaper to
    // keep than a new one is to learn.
    pool.sort_by(|a, b| {
        let rank = |one: &Candidate<'_>| (one.is_due(when.day_end), one.card.is_none());
        rank(b)
            .cmp(&rank(a))
            .then(
                b.value(scheduler, when.now)
                    .total_cmp(&a.value(scheduler, when.now)),
            )
            .then(tie(when.seed, a).cmp(&tie(when.seed, b)))
    });
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let chosen: Vec<Candidate<'a>> = pool
        .into_iter()
        .filter(|one| {
            let count = taken.entry(one.question.id.clone()).or_default();
            *count += 1;
            narrow || *count <= A_QUESTION
        })
        .take(when.points)
        .collect();
    Choice {
        points: interleave(chosen, |one| one.question.concept.clone()),
        due,
    }
}

/// Returns `items` so that no two neighbours share a concept as far as that
/// can be; otherwise in the order given.
pub fn interleave<T>(items: Vec<T>, concept: impl Fn(&T) -> String) -> Vec<T> {
    let mut left: Vec<(String, T)> = items
        .into_iter()
        .map(|item| (concept(&item), item))
        .collect();
    let mut order = Vec::with_capacity(left.len());
    let mut last: Option<String> = None;
    while !left.is_empty() {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (concept, _) in &left {
            *counts.entry(concept).or_default() += 1;
        }
        // A concept with more than half of what is left has to come now, or
        // it will meet itself at the end.
        let pressing = counts
            .iter()
            .find(|(concept, count)| 2 * **count > left.len() && last.as_deref() != Some(**concept))
            .map(|(concept, _)| (*concept).to_owned());
        let at = left
            .iter()
            .position(|(concept, _)| match &pressing {
                Some(pressing) => concept == pressing,
                None => last.as_ref() != Some(concept),
            })
            .unwrap_or(0);
        let (concept, item) = left.remove(at);
        last = Some(concept);
        order.push(item);
    }
    order
}

/// A number that orders points of the same value, another for each seed
/// (FNV-1a over the seed and the point's name).
pub(super) fn tie(seed: u64, one: &Candidate<'_>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let bytes = seed
        .to_le_bytes()
        .into_iter()
        .chain(one.question.id.bytes())
        .chain(std::iter::once(b'/'))
        .chain(one.point.id.bytes());
    for byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::card::DAY_MS;
    use super::*;
    use crate::interview::sample;

    const NOW: i64 = 1_000 * DAY_MS;

    fn when(points: usize) -> When {
        When {
            now: NOW,
            day_end: NOW + DAY_MS / 2,
            points,
            seed: 7,
        }
    }

    fn fresh(bank: &[Question]) -> Vec<Candidate<'_>> {
        bank.iter()
            .flat_map(|question| question.points.iter().map(move |point| (question, point)))
            .map(|(question, point)| Candidate {
                question,
                point,
                card: None,
                wording: None,
            })
            .collect()
    }

    fn card(days_ago: i64, rating: Rating) -> Option<Card> {
        Card::of(&Scheduler::default(), &[(NOW - days_ago * DAY_MS, rating)])
    }

    #[test]
    fn without_history_the_points_that_panels_score_most_come_first() {
        let bank = sample::bank();
        let chosen = choose(fresh(&bank), &Wish::Best, &Scheduler::default(), when(4));
        assert_eq!(chosen.due, 0);
        assert!(chosen.points.iter().all(|one| one.point.id == "a"));
    }

    #[test]
    fn what_is_due_comes_before_what_is_new_and_what_is_not_due_stays_away() {
        let bank = sample::bank();
        let mut all = fresh(&bank);
        all[3].card = card(60, Rating::Good);
        all[5].card = card(0, Rating::Easy);
        let (due, rested) = (all[3].key(), all[5].key());
        let chosen = choose(all, &Wish::Best, &Scheduler::default(), when(5));
        let keys: Vec<Key> = chosen.points.iter().map(Candidate::key).collect();
        assert_eq!(chosen.due, 1);
        assert!(keys.contains(&due), "{keys:?}");
        assert!(!keys.contains(&rested), "{keys:?}");
    }

    #[test]
    fn weak_points_are_those_that_were_missed_or_came_with_trouble() {
        let bank = sample::bank();
        let mut all = fresh(&bank);
        all[0].card = card(1, Rating::Again);
        all[4].card = card(1, Rating::Hard);
        all[8].card = card(1, Rating::Good);
        let chosen = choose(all, &Wish::Weak, &Scheduler::default(), when(9));
        assert_eq!(chosen.points.len(), 2);
    }

    #[test]
    fn a_wish_for_one_question_takes_all_its_points() {
        let bank = sample::bank();
        let wish = Wish::Question("tech-1".to_owned());
        let chosen = choose(fresh(&bank), &wish, &Scheduler::default(), when(9));
        assert_eq!(chosen.points.len(), 4);
        let few = choose(fresh(&bank), &Wish::Best, &Scheduler::default(), when(40));
        for question in &bank {
            let count = few
                .points
                .iter()
                .filter(|one| one.question.id == question.id)
                .count();
            assert!(count <= A_QUESTION, "{}", question.id);
        }
    }

    #[test]
    fn time_decides_how_much_is_asked() {
        assert_eq!(capacity(1), 1);
        assert_eq!(capacity(MINUTES), 9);
        assert_eq!(capacity(100_000), MOST_POINTS);
    }

    proptest! {
        #[test]
        fn a_long_break_makes_no_avalanche(days in 1_i64..2_000, minutes in 1_u32..60) {
            let bank = sample::bank();
            let mut all = fresh(&bank);
            for one in &mut all {
                one.card = card(days, Rating::Again);
            }
            let count = all.len();
            let chosen = choose(all, &Wish::Best, &Scheduler::default(), when(capacity(minutes)));
            prop_assert_eq!(chosen.due, count);
            prop_assert!(chosen.points.len() <= capacity(minutes));
            let worth: f32 = chosen.points.iter().map(Candidate::worth).fold(f32::MAX, f32::min);
            prop_assert!(chosen.points.len() > 8 || worth >= 90.0);
        }

        #[test]
        fn neighbours_share_a_concept_only_where_they_must(
            concepts in prop::collection::vec(0_u8..5, 0..30),
        ) {
            let order = interleave(concepts.clone(), u8::to_string);
            let mut sorted = (order.clone(), concepts.clone());
            sorted.0.sort_unstable();
            sorted.1.sort_unstable();
            prop_assert_eq!(&sorted.0, &sorted.1);
            let most = (0..5)
                .map(|concept| concepts.iter().filter(|one| **one == concept).count())
                .max()
                .unwrap_or(0);
            let together = order.windows(2).filter(|pair| pair[0] == pair[1]).count();
            // One concept with m of n items meets itself 2m - n - 1 times at
            // the least.
            let least = (2 * most).saturating_sub(concepts.len() + 1);
            prop_assert_eq!(together, least);
        }
    }
}
