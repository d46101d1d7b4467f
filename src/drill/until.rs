//! A plan up to an interview date: which points can be ready by then, which
//! cannot, and what to do on each day.
//!
//! The plan is what happens if reviews go well: a point that was never asked
//! is taken to come with trouble the first time, and to be there when it is
//! due from then on. It is due when it has faded to [`FADES_TO`], or on the eve;
//! or, where that leaves room for more points, to [`DESIRED_RETENTION`]. A point is ready when the chance that it is there on the
//! day of the interview is [`DESIRED_RETENTION`] or more.

use super::choose::{Candidate, Key, tie};
use super::memory::{DESIRED_RETENTION, Memory, Rating, Scheduler};
use crate::guide::{Advice, AdviceKind, Round};

/// The longest plan, in days: further ahead, what is drilled now is forgotten
/// and drilled again.
pub const MOST_DAYS: u32 = 366;

/// On the way to the date a point comes due when the chance that it is there
/// has fallen to this: what counts is the day itself, and a point that was
/// nearly forgotten gains most from a review. `viva bench drill --sweep` shows
/// how this was chosen, `viva bench drill` what it saves (docs/drill.md).
pub const FADES_TO: f32 = 0.7;

/// The advice whose steps fill the last week, by its identifier in the guides.
const WEEK_BEFORE: &str = "week-before";

/// The advice for the last evening.
const NIGHT_BEFORE: &str = "night-before";

/// One day of the plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Day {
    /// The points to ask, most valuable first; whether each is new.
    pub points: Vec<(Key, bool)>,
    /// What to do besides, from the guides.
    pub advice: Vec<String>,
}

/// What becomes of one point.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The point.
    pub key: Key,
    /// What it is about.
    pub concept: String,
    /// The round that asks for it.
    pub round: Round,
    /// The chance that it is there on the day of the interview, 0 to 1.
    pub recall: f32,
    /// How many reviews the plan gives it.
    pub reviews: u32,
}

/// A plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UntilPlan {
    /// The days, today first; the interview is on the day after the last.
    pub days: Vec<Day>,
    /// The points that can be ready, most valuable first.
    pub ready: Vec<Outlook>,
    /// The points that cannot, likewise.
    pub not_ready: Vec<Outlook>,
}

/// Returns the plan for an interview in `days` days (1 or more), with room for
/// `a_day` points each day. `now` is in milliseconds since 1970. Where the
/// interview is of one `round`, its questions' points go before all others,
/// which take the room that is left.
pub fn plan(
    candidates: &[Candidate<'_>],
    scheduler: &Scheduler,
    now: i64,
    days: u32,
    a_day: usize,
    round: Option<Round>,
) -> UntilPlan {
    let days = days.clamp(1, MOST_DAYS) as usize;
    let mut order: Vec<&Candidate<'_>> = candidates.iter().collect();
    let asked = |one: &Candidate<'_>| round.is_some_and(|round| one.question.round == round);
    // At the same worth, what was begun is finished first.
    order.sort_by(|a, b| {
        asked(b)
            .cmp(&asked(a))
            .then(b.worth().total_cmp(&a.worth()))
            .then(b.card.is_some().cmp(&a.card.is_some()))
            // Without this the guides' order would put one round first; the
            // same plan comes out every day.
            .then(tie(0, a).cmp(&tie(0, b)))
    });
    let [late, early] = [FADES_TO, DESIRED_RETENTION]
        .map(|fades_to| plan_fading(&order, scheduler, now, days, a_day, fades_to));
    // Late reviews are fewer, but they all want the last days.
    let merit = |plan: &UntilPlan| {
        let of_round = plan.ready.iter().filter(|one| Some(one.round) == round);
        (
            of_round.count(),
            plan.ready.len(),
            std::cmp::Reverse(reviews(plan)),
        )
    };
    if merit(&early) > merit(&late) {
        early
    } else {
        late
    }
}

/// Returns how many reviews the days of a plan hold.
fn reviews(plan: &UntilPlan) -> usize {
    plan.days.iter().map(|day| day.points.len()).sum()
}

/// Plans with points, the first of them first, that come due when they have
/// faded to `fades_to`.
fn plan_fading(
    order: &[&Candidate<'_>],
    scheduler: &Scheduler,
    now: i64,
    days: usize,
    a_day: usize,
    fades_to: f32,
) -> UntilPlan {
    let mut plan = UntilPlan {
        days: vec![Day::default(); days],
        ..UntilPlan::default()
    };
    for one in order {
        let (outlook, taken) = place(one, scheduler, now, &plan.days, a_day, fades_to);
        let ready = outlook.recall >= DESIRED_RETENTION;
        if !ready {
            plan.not_ready.push(outlook);
            continue;
        }
        plan.ready.push(outlook);
        for (step, day) in taken.into_iter().enumerate() {
            let new = step == 0 && one.card.is_none();
            if let Some(day) = plan.days.get_mut(day) {
                day.points.push((one.key(), new));
            }
        }
    }
    plan
}

/// Finds days with room for the reviews one point needs.
fn place(
    one: &Candidate<'_>,
    scheduler: &Scheduler,
    now: i64,
    days: &[Day],
    a_day: usize,
    fades_to: f32,
) -> (Outlook, Vec<usize>) {
    let interview = days.len();
    let free = |from: usize| {
        days.iter()
            .enumerate()
            .skip(from)
            .find(|(_, day)| day.points.len() < a_day)
            .map(|(index, _)| index)
    };
    // Days since the last review, as of today; the memory after it.
    let mut state: Option<(Memory, f64)> = one.card.map(|card| {
        let since = super::card::days_between(card.last_at, now);
        (card.memory, -since)
    });
    let mut taken = Vec::new();
    // A review a day is the most; on the way each interval at least doubles,
    // so that the loop is short.
    loop {
        let recall = state.map_or(0.0, |(memory, last)| {
            scheduler.retrievability(memory, interview as f64 - last)
        });
        let done = |taken: Vec<usize>| {
            let outlook = Outlook {
                key: one.key(),
                concept: one.question.concept.clone(),
                round: one.question.round,
                recall,
                reviews: taken.len() as u32,
            };
            (outlook, taken)
        };
        if recall >= DESIRED_RETENTION {
            return done(taken);
        }
        let wanted = match state {
            None => 0,
            Some((memory, last)) => {
                let due = last + scheduler.days_until(memory, fades_to);
                let soonest = taken.last().map_or(0, |day| day + 1);
                (due.round().max(0.0) as usize).clamp(soonest, interview.max(soonest))
            }
        };
        // Where the day it comes due is too late to count, the eve will do, and
        // where the eve is full, the last day before it that is not.
        let wanted = wanted.min(interview.saturating_sub(1));
        let before = || {
            let from = taken.last().map_or(0, |day| day + 1);
            (from..wanted)
                .rev()
                .find(|day| days.get(*day).is_some_and(|day| day.points.len() < a_day))
        };
        let Some(day) = free(wanted)
            .or_else(before)
            .filter(|day| taken.last().is_none_or(|last| day > last))
        else {
            return done(taken);
        };
        let (memory, rating) = match state {
            None => (None, Rating::Hard),
            Some((memory, _)) => (Some(memory), Rating::Good),
        };
        let elapsed = state.map_or(0.0, |(_, last)| day as f64 - last);
        let after = scheduler.review(memory, elapsed, rating).memory;
        state = Some((after, day as f64));
        taken.push(day);
    }
}

/// Works the guides' advice for the last week into the days: one step a day
/// from a week before the interview, more where there are fewer days, and the
/// last evening's on the last day. Other preparation with steps is for today.
pub fn advise<'a>(plan: &mut UntilPlan, advice: impl Iterator<Item = &'a Advice>) {
    let count = plan.days.len();
    let mut put = |day: usize, text: String| {
        if let Some(day) = plan.days.get_mut(day) {
            day.advice.push(text);
        }
    };
    for one in advice.filter(|one| one.kind == AdviceKind::Preparation) {
        match one.id.as_str() {
            WEEK_BEFORE => {
                // The eve has steps of its own, if there is a day besides.
                let last = count.saturating_sub(1).max(1);
                let first = last.saturating_sub(one.steps.len());
                let room = last - first;
                for (index, step) in one.steps.iter().enumerate() {
                    let day = first + index * room / one.steps.len().max(1);
                    put(day, sentence(step));
                }
            }
            NIGHT_BEFORE => {
                for step in &one.steps {
                    put(count.saturating_sub(1), sentence(step));
                }
            }
            _ => put(0, sentence(&one.title)),
        }
    }
}

fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::super::card::{Card, DAY_MS};
    use super::*;
    use crate::guide::{Library, Question};
    use crate::interview::sample;

    const NOW: i64 = 1_000 * DAY_MS;

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

    #[test]
    fn with_time_everything_is_ready_and_no_day_is_too_full() {
        let bank = sample::bank();
        let all = fresh(&bank);
        let plan = plan(&all, &Scheduler::default(), NOW, 30, 9, None);
        assert_eq!(plan.ready.len(), all.len());
        assert!(plan.not_ready.is_empty());
        assert!(plan.days.iter().all(|day| day.points.len() <= 9));
        assert!(plan.ready.iter().all(|one| one.recall >= 0.9));
    }

    #[test]
    fn without_time_the_most_valuable_points_are_ready() {
        let bank = sample::bank();
        let all = fresh(&bank);
        let plan = plan(&all, &Scheduler::default(), NOW, 3, 4, None);
        assert!(!plan.ready.is_empty() && !plan.not_ready.is_empty());
        assert_eq!(plan.ready.len() + plan.not_ready.len(), all.len());
        let worth = |one: &Outlook| {
            all.iter()
                .find(|candidate| candidate.key() == one.key)
                .map_or(0.0, Candidate::worth)
        };
        let least = plan.ready.iter().map(worth).fold(f32::MAX, f32::min);
        let most = plan.not_ready.iter().map(worth).fold(0.0, f32::max);
        assert!(least >= most, "{least} {most}");
        assert!(plan.days.iter().all(|day| day.points.len() <= 4));
    }

    #[test]
    fn the_round_that_is_prepared_for_goes_first_and_leaves_the_rest_its_room() {
        let bank = sample::bank();
        let all = fresh(&bank);
        let made = |a_day, round| plan(&all, &Scheduler::default(), NOW, 3, a_day, round);
        let of = |list: &[Outlook], round| list.iter().filter(|one| one.round == round).count();
        let round = Round::Behavioural;
        let any = made(4, None);
        assert!(of(&any.not_ready, round) > 0 && of(&any.ready, round) < any.ready.len());
        let chosen = made(4, Some(round));
        assert!(of(&chosen.ready, round) > of(&any.ready, round));
        // Nothing of another round is ready while a point of this one is not.
        assert!(
            of(&chosen.not_ready, round) == 0 || of(&chosen.ready, round) == chosen.ready.len()
        );
        assert!(chosen.days[0].points.iter().all(|(key, _)| {
            all.iter()
                .any(|one| one.key() == *key && one.question.round == round)
        }));
        // With room for everything the rest is there too.
        let wide = plan(&all, &Scheduler::default(), NOW, 30, 9, Some(round));
        assert_eq!(wide.ready.len(), all.len());
    }

    #[test]
    fn points_fade_on_the_way_only_where_that_leaves_no_point_out() {
        let bank = sample::bank();
        let all = fresh(&bank);
        let scheduler = Scheduler::default();
        for (days, a_day) in [(3, 4), (10, 4), (60, 9)] {
            let best = plan(&all, &scheduler, NOW, days, a_day, None);
            for fades_to in [FADES_TO, DESIRED_RETENTION] {
                let one = plan_fading(
                    &all.iter().collect::<Vec<_>>(),
                    &scheduler,
                    NOW,
                    days as usize,
                    a_day,
                    fades_to,
                );
                assert!(best.ready.len() >= one.ready.len(), "{days} days");
                assert!(
                    best.ready.len() > one.ready.len() || reviews(&best) <= reviews(&one),
                    "{days} days"
                );
            }
        }
        let wide = plan(&all, &scheduler, NOW, 60, 9, None);
        let early = plan_fading(
            &all.iter().collect::<Vec<_>>(),
            &scheduler,
            NOW,
            60,
            9,
            DESIRED_RETENTION,
        );
        assert!(reviews(&wide) < reviews(&early));
    }

    #[test]
    fn what_is_kept_well_needs_no_review() {
        let bank = sample::bank();
        let mut all = fresh(&bank);
        all.truncate(1);
        let reviews: Vec<(i64, Rating)> = [90, 70, 40, 1]
            .into_iter()
            .map(|days| (NOW - days * DAY_MS, Rating::Good))
            .collect();
        all[0].card = Card::of(&Scheduler::default(), &reviews);
        let plan = plan(&all, &Scheduler::default(), NOW, 7, 9, None);
        assert_eq!(plan.ready[0].reviews, 0);
        assert!(plan.days.iter().all(|day| day.points.is_empty()));
    }

    #[test]
    fn a_point_is_asked_once_a_day_at_most_and_new_only_the_first_time() {
        let bank = sample::bank();
        let plan = plan(&fresh(&bank), &Scheduler::default(), NOW, 60, 5, None);
        let mut seen = std::collections::BTreeSet::new();
        for day in &plan.days {
            let mut today = std::collections::BTreeSet::new();
            for (key, new) in &day.points {
                assert!(today.insert(key.clone()), "{key:?} twice a day");
                assert_eq!(seen.insert(key.clone()), *new, "{key:?}");
            }
        }
    }

    #[test]
    fn the_guides_last_week_is_worked_in_whatever_time_there_is() {
        let library = Library::built_in();
        let steps = library
            .advice()
            .find(|one| one.id == WEEK_BEFORE)
            .map_or(0, |one| one.steps.len());
        assert!(steps > 1);
        for days in [1, 2, 5, 7, 8, 30] {
            let mut plan = plan(&[], &Scheduler::default(), NOW, days, 9, None);
            advise(&mut plan, library.advice());
            let all: usize = plan.days.iter().map(|day| day.advice.len()).sum();
            assert!(all > steps, "{days} days");
            let last = plan.days.last().expect("a day");
            assert!(!last.advice.is_empty(), "{days} days");
            if days == 30 {
                let from = plan.days.len() - steps - 1;
                let week = &plan.days[from..plan.days.len() - 1];
                assert!(week.iter().all(|day| day.advice.len() == 1));
            }
        }
    }
}
