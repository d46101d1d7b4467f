//! The memory of one rubric point, by FSRS-6: how long it lasts, how likely it
//! is to be there today, and when to ask again. It knows no points, no clock
//! and no store; the formulas are the `fsrs` crate's.

use fsrs::{ComputeParametersInput, FSRS, FSRSItem, FSRSReview, MemoryState};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The share of points that should still be there when they come due. 0.90 is
/// the default of FSRS and of Anki, and the recall the drill aims at.
pub const DESIRED_RETENTION: f32 = 0.90;

/// Reviews on a later day than the one before that a fit needs. Anki asked for
/// 400 reviews before it fitted parameters (24.04); with fewer than 64 the
/// crate fits the four initial stabilities only, with fewer than 8 none.
pub const REVIEWS_TO_FIT: usize = 400;

/// Reviews of one card that a fit reads, the first ones: it holds every review
/// once for each later one, and what they teach is in the first of them.
const REVIEWS_A_CARD: usize = 64;

/// The longest pause between two reviews, in days: FSRS's own bound.
const MAX_INTERVAL_DAYS: f64 = 36_500.0;

/// How a review went, as FSRS counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rating {
    /// It was not there.
    Again = 1,
    /// It was there with trouble.
    Hard = 2,
    /// It was there.
    Good = 3,
    /// It was there at once.
    Easy = 4,
}

impl Rating {
    /// Returns 1 to 4, as FSRS and the store number them.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// Returns the rating of this number, or `None` outside of 1 to 4.
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Again, Self::Hard, Self::Good, Self::Easy]
            .into_iter()
            .find(|rating| rating.number() == number)
    }

    /// Returns whether the point was recalled at all.
    pub fn is_recalled(self) -> bool {
        self != Self::Again
    }
}

/// What is remembered of a point, in FSRS's two figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Days after which recall has fallen to 90%.
    pub stability_days: f32,
    /// How hard the point is to keep, 1 to 10.
    pub difficulty: f32,
}

impl From<Memory> for MemoryState {
    fn from(memory: Memory) -> Self {
        Self {
            stability: memory.stability_days,
            difficulty: memory.difficulty,
        }
    }
}

impl From<MemoryState> for Memory {
    fn from(state: MemoryState) -> Self {
        Self {
            stability_days: state.stability,
            difficulty: state.difficulty,
        }
    }
}

/// What a review leaves behind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reviewed {
    /// The memory after it.
    pub memory: Memory,
    /// Whole days until the point is due, 1 at least.
    pub interval_days: f64,
}

/// One review as a fit reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastReview {
    /// How it went.
    pub rating: Rating,
    /// Days since the review before it; 0 for the first.
    pub elapsed_days: f64,
}

/// FSRS with one set of parameters.
#[derive(Debug, Clone)]
pub struct Scheduler {
    fsrs: FSRS,
    decay: f32,
    retention: f32,
}

impl Default for Scheduler {
    /// Returns FSRS-6 with its default parameters and [`DESIRED_RETENTION`].
    fn default() -> Self {
        Self {
            fsrs: FSRS::default(),
            decay: fsrs::FSRS6_DEFAULT_DECAY,
            retention: DESIRED_RETENTION,
        }
    }
}

impl Scheduler {
    /// Returns FSRS-6 with these 21 parameters and [`DESIRED_RETENTION`].
    ///
    /// # Errors
    /// Fails when there are not 21 of them or one is not finite.
    pub fn with_parameters(parameters: &[f32]) -> Result<Self> {
        let unusable = || {
            Error::content("the parameters of the drill's memory model cannot be used")
                .hint("The default parameters do as well; they are fitted again in time.")
        };
        let decay = *parameters.get(20).ok_or_else(unusable)?;
        if parameters.len() != 21 || parameters.iter().any(|value| !value.is_finite()) {
            return Err(unusable());
        }
        Ok(Self {
            fsrs: FSRS::new(parameters).map_err(|_| unusable())?,
            decay,
            retention: DESIRED_RETENTION,
        })
    }

    /// Returns the same with another share to be recalled when due, 0.7 to
    /// 0.99 (the range in which FSRS's authors call intervals sensible).
    #[must_use]
    pub fn with_retention(mut self, retention: f32) -> Self {
        self.retention = retention.clamp(0.7, 0.99);
        self
    }

    /// Returns what a review rated `rating` leaves behind, `elapsed_days`
    /// after the one before; `memory` is `None` for the first. Less than half
    /// a day counts as the same day, which FSRS treats by formulas of its own.
    pub fn review(&self, memory: Option<Memory>, elapsed_days: f64, rating: Rating) -> Reviewed {
        let days = whole_days(elapsed_days);
        let next = self
            .fsrs
            .next_states(memory.map(MemoryState::from), self.retention, days)
            .or_else(|_| self.fsrs.next_states(None, self.retention, 0));
        let state = next.ok().map(|next| match rating {
            Rating::Again => next.again,
            Rating::Hard => next.hard,
            Rating::Good => next.good,
            Rating::Easy => next.easy,
        });
        match state {
            Some(state) => Reviewed {
                memory: state.memory.into(),
                interval_days: f64::from(state.interval)
                    .round()
                    .clamp(1.0, MAX_INTERVAL_DAYS),
            },
            // Only a memory that is not finite is refused, and a new one is not.
            None => Reviewed {
                memory: memory.unwrap_or(Memory {
                    stability_days: 1.0,
                    difficulty: 5.0,
                }),
                interval_days: 1.0,
            },
        }
    }

    /// Returns the probability, 0 to 1, that the point is recalled
    /// `elapsed_days` after its last review.
    pub fn retrievability(&self, memory: Memory, elapsed_days: f64) -> f32 {
        fsrs::current_retrievability(memory.into(), elapsed_days.max(0.0) as f32, self.decay)
            .clamp(0.0, 1.0)
    }

    /// Returns the days after which recall has fallen to `retention`, a
    /// fraction between 0 and 1.
    pub fn days_until(&self, memory: Memory, retention: f32) -> f64 {
        f64::from(
            self.fsrs
                .next_interval(Some(memory.stability_days), retention, 0),
        )
    }
}

/// Returns parameters fitted to a person's reviews, card by card in order of
/// time; `None` when there are fewer than [`REVIEWS_TO_FIT`] on later days or
/// the fit fails, and then the parameters in use stand.
pub fn fit(cards: &[Vec<PastReview>]) -> Option<Vec<f32>> {
    if later_reviews(cards) < REVIEWS_TO_FIT {
        return None;
    }
    let mut train_set = Vec::new();
    for card in cards {
        let mut reviews = Vec::new();
        for (index, review) in card.iter().take(REVIEWS_A_CARD).enumerate() {
            let days = if index == 0 {
                0
            } else {
                whole_days(review.elapsed_days)
            };
            reviews.push(FSRSReview {
                rating: review.rating.number(),
                delta_t: days,
            });
            // The crate asks for one item a review with all before it, and
            // for items with at least one review on a later day.
            if reviews.iter().any(|review| review.delta_t > 0) && days > 0 {
                train_set.push(FSRSItem {
                    reviews: reviews.clone(),
                });
            }
        }
    }
    let fitted = fsrs::compute_parameters(ComputeParametersInput {
        train_set,
        ..ComputeParametersInput::default()
    })
    .ok()?;
    Scheduler::with_parameters(&fitted).ok().map(|_| fitted)
}

/// Returns how many reviews took place on a later day than the one before.
pub fn later_reviews(cards: &[Vec<PastReview>]) -> usize {
    cards
        .iter()
        .flat_map(|card| card.iter().skip(1))
        .filter(|review| whole_days(review.elapsed_days) > 0)
        .count()
}

fn whole_days(days: f64) -> u32 {
    // Casts from floats saturate; a negative or absent time is the same day.
    days.round().clamp(0.0, MAX_INTERVAL_DAYS) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_review_gives_the_published_default_intervals() {
        let scheduler = Scheduler::default();
        let days = |rating| scheduler.review(None, 0.0, rating).interval_days;
        assert_eq!(days(Rating::Again), 1.0);
        assert_eq!(days(Rating::Good), 2.0);
        assert_eq!(days(Rating::Easy), 8.0);
    }

    #[test]
    fn recall_has_fallen_to_nine_tenths_after_the_stability() {
        let scheduler = Scheduler::default();
        let memory = scheduler.review(None, 0.0, Rating::Good).memory;
        let after = f64::from(memory.stability_days);
        assert!((scheduler.retrievability(memory, after) - 0.9).abs() < 1e-3);
        assert!((scheduler.retrievability(memory, 0.0) - 1.0).abs() < 1e-6);
        assert!((scheduler.days_until(memory, 0.9) - after).abs() < 1e-2);
    }

    #[test]
    fn numbers_and_ratings_go_both_ways() {
        for number in 1..=4 {
            let rating = Rating::from_number(number).expect("a rating");
            assert_eq!(rating.number(), number);
        }
        assert_eq!(Rating::from_number(0), None);
        assert_eq!(Rating::from_number(5), None);
    }

    #[test]
    fn parameters_that_are_none_are_refused() {
        assert!(Scheduler::with_parameters(&[1.0; 3]).is_err());
        assert!(Scheduler::with_parameters(&[f32::NAN; 21]).is_err());
        assert!(Scheduler::with_parameters(&fsrs::DEFAULT_PARAMETERS).is_ok());
    }

    /// A person whose points last a third as long as the average person's.
    fn forgetful(cards: usize) -> Vec<Vec<PastReview>> {
        let gaps = [1.0, 2.0, 4.0, 7.0, 11.0];
        (0..cards)
            .map(|card| {
                let first = PastReview {
                    rating: Rating::Good,
                    elapsed_days: 0.0,
                };
                let later = gaps.iter().enumerate().map(|(step, days)| PastReview {
                    rating: if (card + step) % 3 == 0 {
                        Rating::Good
                    } else {
                        Rating::Again
                    },
                    elapsed_days: *days,
                });
                std::iter::once(first).chain(later).collect()
            })
            .collect()
    }

    #[test]
    fn a_fit_waits_for_enough_reviews_and_then_follows_the_person() {
        assert_eq!(fit(&forgetful(79)), None);
        let fitted = fit(&forgetful(100)).expect("500 reviews are enough");
        let own = Scheduler::with_parameters(&fitted).expect("21 parameters");
        let average = Scheduler::default();
        let days = |scheduler: &Scheduler| {
            scheduler
                .review(None, 0.0, Rating::Good)
                .memory
                .stability_days
        };
        assert!(days(&own) < days(&average), "{fitted:?}");
    }

    proptest! {
        #[test]
        fn any_order_of_reviews_leaves_a_sound_memory_due_after_the_review(
            steps in prop::collection::vec((1_u32..=4, 0.0_f64..400.0), 1..40),
        ) {
            let scheduler = Scheduler::default();
            let mut memory = None;
            for (number, elapsed) in steps {
                let rating = Rating::from_number(number).expect("1 to 4");
                let done = scheduler.review(memory, elapsed, rating);
                prop_assert!(done.interval_days >= 1.0 && done.interval_days.is_finite());
                prop_assert!(done.memory.stability_days > 0.0);
                prop_assert!((1.0..=10.0).contains(&done.memory.difficulty));
                let now = scheduler.retrievability(done.memory, 0.0);
                let later = scheduler.retrievability(done.memory, 30.0);
                prop_assert!(later <= now);
                memory = Some(done.memory);
            }
        }
    }
}
