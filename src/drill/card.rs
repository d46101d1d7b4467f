//! The state of one point's memory, computed from its reviews.

use super::memory::{Memory, PastReview, Rating, Scheduler};

/// Milliseconds in a day.
pub const DAY_MS: i64 = 86_400_000;

/// What the reviews of a point add up to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Card {
    /// The memory after the last review.
    pub memory: Memory,
    /// When that was, milliseconds since 1970 in UTC.
    pub last_at: i64,
    /// When the point is due, likewise; never before `last_at`.
    pub due_at: i64,
    /// How many reviews there were.
    pub reviews: u32,
    /// How many of them found a point gone that had been there.
    pub lapses: u32,
    /// How the last one went.
    pub last: Rating,
}

impl Card {
    /// Returns the card of `reviews`, each a time (milliseconds since 1970)
    /// and a rating, in any order; `None` when there are none.
    pub fn of(scheduler: &Scheduler, reviews: &[(i64, Rating)]) -> Option<Self> {
        let mut sorted: Vec<(i64, Rating)> = reviews.to_vec();
        // A stable sort: reviews of the same moment keep their order.
        sorted.sort_by_key(|(at, _)| *at);
        let mut card: Option<Self> = None;
        for (at, rating) in sorted {
            card = Some(match card {
                None => Self::begun(scheduler, at, rating),
                Some(card) => card.reviewed(scheduler, at, rating),
            });
        }
        card
    }

    fn begun(scheduler: &Scheduler, at: i64, rating: Rating) -> Self {
        let done = scheduler.review(None, 0.0, rating);
        Self {
            memory: done.memory,
            last_at: at,
            due_at: due(at, done.interval_days),
            reviews: 1,
            lapses: 0,
            last: rating,
        }
    }

    /// Returns the card after one more review at `at`.
    #[must_use]
    pub fn reviewed(&self, scheduler: &Scheduler, at: i64, rating: Rating) -> Self {
        let elapsed = days_between(self.last_at, at);
        let done = scheduler.review(Some(self.memory), elapsed, rating);
        let lapsed = !rating.is_recalled() && self.last.is_recalled();
        Self {
            memory: done.memory,
            last_at: at,
            due_at: due(at, done.interval_days),
            reviews: self.reviews + 1,
            lapses: self.lapses + u32::from(lapsed),
            last: rating,
        }
    }

    /// Returns the probability, 0 to 1, that the point is there at `now`.
    pub fn recall(&self, scheduler: &Scheduler, now: i64) -> f32 {
        scheduler.retrievability(self.memory, days_between(self.last_at, now))
    }
}

/// Returns the reviews of a card as a fit reads them.
pub fn past(reviews: &[(i64, Rating)]) -> Vec<PastReview> {
    let mut sorted: Vec<(i64, Rating)> = reviews.to_vec();
    sorted.sort_by_key(|(at, _)| *at);
    let mut before: Option<i64> = None;
    sorted
        .into_iter()
        .map(|(at, rating)| PastReview {
            rating,
            elapsed_days: before
                .replace(at)
                .map_or(0.0, |from| days_between(from, at)),
        })
        .collect()
}

/// Returns the days from one time to another, 0 where the clock went back.
pub fn days_between(from: i64, to: i64) -> f64 {
    to.saturating_sub(from).max(0) as f64 / DAY_MS as f64
}

fn due(at: i64, days: f64) -> i64 {
    at.saturating_add((days * DAY_MS as f64) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_point_that_is_gone_again_has_lapsed_and_one_never_there_has_not() {
        let scheduler = Scheduler::default();
        let never = [(0, Rating::Again), (DAY_MS, Rating::Again)];
        let card = Card::of(&scheduler, &never).expect("a card");
        assert_eq!((card.reviews, card.lapses), (2, 0));
        let gone = [(0, Rating::Good), (3 * DAY_MS, Rating::Again)];
        let card = Card::of(&scheduler, &gone).expect("a card");
        assert_eq!((card.reviews, card.lapses), (2, 1));
        assert_eq!(Card::of(&scheduler, &[]), None);
    }

    #[test]
    fn the_order_in_which_reviews_are_read_does_not_matter() {
        let scheduler = Scheduler::default();
        let one = [
            (0, Rating::Good),
            (2 * DAY_MS, Rating::Hard),
            (9 * DAY_MS, Rating::Good),
        ];
        let other = [one[2], one[0], one[1]];
        assert_eq!(Card::of(&scheduler, &one), Card::of(&scheduler, &other));
    }

    proptest! {
        #[test]
        fn a_point_is_never_due_before_its_last_review(
            reviews in prop::collection::vec(
                (0_i64..4_000_000_000_000, 1_u32..=4),
                1..30,
            ),
        ) {
            let reviews: Vec<(i64, Rating)> = reviews
                .into_iter()
                .map(|(at, number)| (at, Rating::from_number(number).expect("1 to 4")))
                .collect();
            let scheduler = Scheduler::default();
            let card = Card::of(&scheduler, &reviews).expect("a card");
            let last = reviews.iter().map(|(at, _)| *at).max().expect("one");
            prop_assert_eq!(card.last_at, last);
            prop_assert!(card.due_at >= card.last_at + DAY_MS);
            prop_assert!(card.lapses < card.reviews);
            let recall = card.recall(&scheduler, card.due_at);
            prop_assert!((0.0..=1.0).contains(&recall));
        }
    }
}
