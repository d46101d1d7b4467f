//! What scheduling is worth: a simulated candidate drills the same points
//! under FSRS, under fixed gaps and under SM-2, and the reviews are counted.
//!
//! Nothing here is used when a person drills. The candidate's memory is in
//! `candidate`, and no scheduler sees more of it than how a review went.
//!
//! On day 0 every point has been missed in an interview and its answer read;
//! the interview that counts is on the last day. A point is reviewed at most
//! once a day.

mod candidate;
mod sm2;

use serde::Serialize;

use self::candidate::Candidate;
pub use self::candidate::Curve;
use self::sm2::Sm2;
use super::until::FADES_TO;
use super::{Memory, Rating, Scheduler};

/// The recall that is aimed at, a mean over the chosen points.
pub const TARGET: f64 = 0.9;

/// Gaps of the fixed schedule in days; the last one is repeated.
const FIXED_DAYS: [u32; 4] = [1, 3, 7, 14];

/// Drilling to a date: the last days, on which every point comes due that would
/// be below [`TARGET`] on the date. Before them it is [`FADES_TO`] that counts.
const LAST_DAYS: u32 = 3;

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Points to keep.
    pub points: usize,
    /// The day of the interview, counted from 0.
    pub days: u32,
    /// Candidates, one a seed.
    pub seeds: u64,
    /// The first of their seeds.
    pub first_seed: u64,
}

/// Seeds from here on choose between ways of drilling to a date; no table is
/// made of them.
pub const CHOOSING_SEED: u64 = 1_000;

/// Seeds from here on make the table; nothing was chosen by them.
pub const TABLE_SEED: u64 = 2_000;

impl Default for Setting {
    fn default() -> Self {
        Self {
            points: 40,
            days: 60,
            seeds: 40,
            first_seed: TABLE_SEED,
        }
    }
}

/// How points come due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// FSRS that knows the date, as `viva drill --until` plans with time enough.
    FsrsToDate,
    /// FSRS, each point when its recall has fallen to 90%.
    Fsrs,
    /// After 1, 3, 7 and 14 days, then every 14, whatever the result.
    Fixed,
    /// The same, from 1 day again after a lapse.
    FixedAgain,
    /// SM-2 as published.
    Sm2,
}

impl Policy {
    /// Every policy, in the order of the table.
    pub const ALL: [Self; 5] = [
        Self::FsrsToDate,
        Self::Fsrs,
        Self::Fixed,
        Self::FixedAgain,
        Self::Sm2,
    ];

    /// Returns a name for a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::FsrsToDate => "FSRS, to the date",
            Self::Fsrs => "FSRS, at 90%",
            Self::Fixed => "1-3-7-14 days",
            Self::FixedAgain => "1-3-7-14, restarted",
            Self::Sm2 => "SM-2",
        }
    }
}

/// What came of one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Reviews of all points together.
    pub reviews: u32,
    /// Mean probability of recall on the last day, 0 to 1.
    pub recall: f64,
    /// The same as a mean over the second half of the days.
    pub held: f64,
    /// The most reviews on one day.
    pub busiest: u32,
}

/// Mean and standard deviation over the seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub sd: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let n = values.clone().count().max(1) as f64;
        let mean = values.clone().sum::<f64>() / n;
        let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        Self {
            mean,
            sd: variance.sqrt(),
        }
    }
}

/// A line of the table: one policy under one curve, over all seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Row {
    /// The candidate's forgetting curve.
    pub curve: Curve,
    /// How points came due.
    pub policy: Policy,
    /// Reviews of each point.
    pub reviews_per_point: Spread,
    /// Mean recall on the last day, 0 to 1.
    pub recall: Spread,
    /// Mean recall over the second half of the days, 0 to 1.
    pub held: Spread,
    /// Candidates whose recall on the last day was [`TARGET`] or more.
    pub reached: u64,
    /// The most reviews on one day, mean over the candidates.
    pub busiest_day: f64,
}

/// Returns the table: every policy under both curves.
pub fn compare(setting: &Setting) -> Vec<Row> {
    [Curve::Power, Curve::Exponential]
        .into_iter()
        .flat_map(|curve| Policy::ALL.map(|policy| row(curve, policy, setting)))
        .collect()
}

/// Recalls that [`sweep`] lets a point fade to on the way to the date; FSRS is
/// not asked for less than the first.
const SWEPT: [f32; 7] = [0.7, 0.725, 0.75, 0.775, 0.8, 0.85, 0.9];

/// Returns what drilling to a date comes to under `curve` for each recall that
/// a point may fade to. [`FADES_TO`] is the [`best`] of them under the power
/// curve with the seeds from [`CHOOSING_SEED`] on.
pub fn sweep(curve: Curve, setting: &Setting) -> Vec<(f32, Row)> {
    SWEPT
        .map(|fades_to| {
            (
                fades_to,
                row_of(curve, Policy::FsrsToDate, setting, fades_to),
            )
        })
        .to_vec()
}

/// Returns the recall of a sweep that needs the fewest reviews of those that
/// reach [`TARGET`] on the date; `None` when none does.
pub fn best(swept: &[(f32, Row)]) -> Option<f32> {
    swept
        .iter()
        .filter(|(_, row)| row.recall.mean >= TARGET)
        .min_by(|(_, a), (_, b)| {
            a.reviews_per_point
                .mean
                .total_cmp(&b.reviews_per_point.mean)
        })
        .map(|(fades_to, _)| *fades_to)
}

fn row(curve: Curve, policy: Policy, setting: &Setting) -> Row {
    row_of(curve, policy, setting, FADES_TO)
}

fn row_of(curve: Curve, policy: Policy, setting: &Setting, fades_to: f32) -> Row {
    let seeds = setting.first_seed..setting.first_seed.saturating_add(setting.seeds);
    let outcomes: Vec<Outcome> = seeds
        .map(|seed| simulate_fading(curve, policy, setting, seed, fades_to))
        .collect();
    let each = |value: fn(&Outcome) -> f64| Spread::of(outcomes.iter().map(value));
    let points = setting.points.max(1) as f64;
    let reviews = each(|one| f64::from(one.reviews));
    Row {
        curve,
        policy,
        reviews_per_point: Spread {
            mean: reviews.mean / points,
            sd: reviews.sd / points,
        },
        recall: each(|one| one.recall),
        held: each(|one| one.held),
        reached: outcomes.iter().filter(|one| one.recall >= TARGET).count() as u64,
        busiest_day: each(|one| f64::from(one.busiest)).mean,
    }
}

/// Plays one candidate through all days. The same arguments give the same
/// outcome, and the same seed the same candidate under every policy.
pub fn simulate(curve: Curve, policy: Policy, setting: &Setting, seed: u64) -> Outcome {
    simulate_fading(curve, policy, setting, seed, FADES_TO)
}

fn simulate_fading(
    curve: Curve,
    policy: Policy,
    setting: &Setting,
    seed: u64,
    fades_to: f32,
) -> Outcome {
    let mut candidate = Candidate::new(curve, setting.points, seed);
    let mut plans: Vec<Plan> = (0..setting.points)
        .map(|point| {
            candidate.learn(point, 0);
            Plan::begin(policy, fades_to)
        })
        .collect();
    let mut outcome = Outcome {
        reviews: 0,
        recall: 0.0,
        held: 0.0,
        busiest: 0,
    };
    let second_half = setting.days / 2 + 1;
    for day in 1..=setting.days {
        let recall = candidate.mean_recall(day);
        if day >= second_half {
            outcome.held += recall / f64::from(setting.days + 1 - second_half);
        }
        outcome.recall = recall;
        if day == setting.days {
            break;
        }
        let mut today = 0;
        for (point, plan) in plans.iter_mut().enumerate() {
            if plan.is_due(day, setting.days) {
                let rating = candidate.review(point, day);
                plan.reviewed(day, rating);
                today += 1;
            }
        }
        outcome.reviews += today;
        outcome.busiest = outcome.busiest.max(today);
    }
    outcome
}

/// The schedule of one point.
#[derive(Debug, Clone)]
struct Plan {
    last: u32,
    due: u32,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Fsrs {
        scheduler: Scheduler,
        memory: Memory,
        to_date: bool,
    },
    Fixed {
        step: usize,
        again: bool,
    },
    Sm2(Sm2),
}

impl Plan {
    /// Returns the schedule of a point that was missed on day 0.
    fn begin(policy: Policy, fades_to: f32) -> Self {
        let fsrs = |scheduler: Scheduler, to_date| {
            let first = scheduler.review(None, 0.0, Rating::Again);
            let kind = Kind::Fsrs {
                scheduler,
                memory: first.memory,
                to_date,
            };
            (kind, first.interval_days as u32)
        };
        let (kind, due) = match policy {
            Policy::Fsrs => fsrs(Scheduler::default(), false),
            Policy::FsrsToDate => fsrs(Scheduler::default().with_retention(fades_to), true),
            Policy::Fixed | Policy::FixedAgain => {
                let again = policy == Policy::FixedAgain;
                (Kind::Fixed { step: 0, again }, FIXED_DAYS[0])
            }
            Policy::Sm2 => {
                let state = Sm2::default().after(Sm2::quality(Rating::Again));
                (Kind::Sm2(state), state.days())
            }
        };
        Self { last: 0, due, kind }
    }

    fn is_due(&self, day: u32, date: u32) -> bool {
        if day >= self.due {
            return true;
        }
        match &self.kind {
            Kind::Fsrs {
                scheduler,
                memory,
                to_date: true,
            } => {
                let then = scheduler.retrievability(*memory, f64::from(date - self.last));
                date - day <= LAST_DAYS && f64::from(then) < TARGET
            }
            _ => false,
        }
    }

    fn reviewed(&mut self, day: u32, rating: Rating) {
        let elapsed = day - self.last;
        let days = match &mut self.kind {
            Kind::Fsrs {
                scheduler, memory, ..
            } => {
                let done = scheduler.review(Some(*memory), f64::from(elapsed), rating);
                *memory = done.memory;
                // Intervals are whole days of 1 to 36,500.
                done.interval_days as u32
            }
            Kind::Fixed { step, again } => {
                *step = if *again && !rating.is_recalled() {
                    0
                } else {
                    (*step + 1).min(FIXED_DAYS.len() - 1)
                };
                FIXED_DAYS[*step]
            }
            Kind::Sm2(state) => {
                *state = state.after(Sm2::quality(rating));
                state.days()
            }
        };
        self.last = day;
        self.due = day + days;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting() -> Setting {
        Setting {
            points: 12,
            days: 60,
            seeds: 5,
            first_seed: 0,
        }
    }

    #[test]
    fn what_a_point_fades_to_is_the_best_of_the_sweep_it_was_chosen_by() {
        let setting = Setting {
            first_seed: CHOOSING_SEED,
            ..Setting::default()
        };
        let swept = sweep(Curve::Power, &setting);
        assert_eq!(swept.len(), SWEPT.len());
        assert_eq!(best(&swept), Some(FADES_TO));
    }

    #[test]
    fn a_seed_gives_the_same_outcome_every_time_and_another_seed_another() {
        for curve in [Curve::Power, Curve::Exponential] {
            for policy in Policy::ALL {
                let once = simulate(curve, policy, &setting(), 7);
                assert_eq!(once, simulate(curve, policy, &setting(), 7));
                assert_ne!(once, simulate(curve, policy, &setting(), 8));
            }
        }
        assert_eq!(compare(&setting()), compare(&setting()));
    }

    #[test]
    fn the_fixed_schedule_reviews_on_its_days_whatever_happens() {
        // Days 1, 4, 11, 25, 39 and 53.
        for seed in 0..4 {
            let outcome = simulate(Curve::Power, Policy::Fixed, &setting(), seed);
            assert_eq!(outcome.reviews, 6 * 12);
            assert_eq!(outcome.busiest, 12);
        }
        let again = simulate(Curve::Power, Policy::FixedAgain, &setting(), 0);
        assert!(again.reviews > 6 * 12);
    }

    #[test]
    fn drilling_to_a_date_has_the_points_there_on_the_date() {
        for curve in [Curve::Power, Curve::Exponential] {
            let row = row(curve, Policy::FsrsToDate, &setting());
            assert!(row.recall.mean > row.held.mean, "{row:?}");
            assert!(row.recall.mean >= TARGET, "{row:?}");
        }
    }

    #[test]
    fn fewer_reviews_reach_the_target_than_with_fixed_gaps_or_sm2() {
        // What docs/drill.md claims, on fewer seeds.
        let setting = Setting {
            seeds: 20,
            ..Setting::default()
        };
        for curve in [Curve::Power, Curve::Exponential] {
            let of = |policy| row(curve, policy, &setting);
            let ours = of(Policy::FsrsToDate);
            for theirs in [of(Policy::Fixed), of(Policy::FixedAgain), of(Policy::Sm2)] {
                let fewer = ours.reviews_per_point.mean < theirs.reviews_per_point.mean;
                assert!(fewer || theirs.recall.mean < TARGET, "{ours:?} {theirs:?}");
                assert!(
                    ours.reached >= theirs.reached || fewer,
                    "{ours:?} {theirs:?}"
                );
            }
        }
    }

    #[test]
    fn a_spread_is_mean_and_standard_deviation() {
        let spread = Spread::of([1.0, 3.0].into_iter());
        assert_eq!((spread.mean, spread.sd), (2.0, 1.0));
    }
}
