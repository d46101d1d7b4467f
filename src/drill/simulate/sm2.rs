//! SM-2, the scheduler of SuperMemo 2, which the simulation compares with.
//!
//! Source: P. A. Woźniak, "Optimization of repetition spacing in the practice
//! of learning", 1990, chapter 3.2 of his master's thesis, and
//! <https://super-memory.com/english/ol/sm2.htm>. Nothing in the drill itself
//! uses it.
//!
//! One thing of the original is left out: that on the day of a repetition all
//! items graded below 4 are shown again until they are not. It would add
//! reviews, and so speak against SM-2 in a comparison.

use crate::drill::Rating;

/// The easiness factor of a new item.
const FIRST_EASINESS: f64 = 2.5;

/// Below this the original does not let the easiness factor fall.
const LEAST_EASINESS: f64 = 1.3;

/// What SM-2 remembers of an item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sm2 {
    /// Repetitions in a row that were recalled.
    repetition: u32,
    /// The easiness factor, 1.3 or more.
    easiness: f64,
    /// The interval before the next repetition, in days; 0 before the first.
    interval: u32,
}

impl Default for Sm2 {
    fn default() -> Self {
        Self {
            repetition: 0,
            easiness: FIRST_EASINESS,
            interval: 0,
        }
    }
}

impl Sm2 {
    /// Returns the state after a repetition of `quality`, 0 (a blackout) to 5
    /// (perfect); 3 and more count as recalled. What is above 5 counts as 5.
    #[must_use]
    pub fn after(self, quality: u8) -> Self {
        let quality = f64::from(quality.min(5));
        if quality < 3.0 {
            // From the beginning, with the easiness factor left as it is.
            return Self {
                repetition: 0,
                interval: 1,
                ..self
            };
        }
        // I(1) = 1, I(2) = 6, I(n) = I(n - 1) * EF, fractions rounded up.
        let interval = match self.repetition {
            0 => 1,
            1 => 6,
            // A conversion beyond the range stops at its end.
            _ => (f64::from(self.interval) * self.easiness).ceil() as u32,
        };
        // EF' = EF + (0.1 - (5 - q) * (0.08 + (5 - q) * 0.02)).
        let short = 5.0 - quality;
        let easiness = self.easiness + (0.1 - short * (0.08 + short * 0.02));
        Self {
            repetition: self.repetition + 1,
            easiness: easiness.max(LEAST_EASINESS),
            interval,
        }
    }

    /// Returns the days until the next repetition, 1 or more.
    pub fn days(self) -> u32 {
        self.interval.max(1)
    }

    /// Returns the quality that a rating comes to.
    pub fn quality(rating: Rating) -> u8 {
        match rating {
            Rating::Again => 2,
            Rating::Hard => 3,
            Rating::Good => 4,
            Rating::Easy => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the intervals after each of `qualities`.
    fn days(qualities: &[u8]) -> Vec<u32> {
        let mut state = Sm2::default();
        qualities
            .iter()
            .map(|quality| {
                state = state.after(*quality);
                state.days()
            })
            .collect()
    }

    #[test]
    fn quality_four_keeps_the_easiness_and_spaces_as_published() {
        // 1, 6, then times 2.5: 15, 37.5 rounded up, 95.
        assert_eq!(days(&[4, 4, 4, 4, 4]), [1, 6, 15, 38, 95]);
    }

    #[test]
    fn perfect_recall_widens_and_hard_recall_narrows_the_spacing() {
        // EF 2.6 after one 5, 2.7 after two: 6 * 2.7 = 16.2.
        assert_eq!(days(&[5, 5, 5]), [1, 6, 17]);
        // EF 2.36 after one 3, 2.22 after two: 6 * 2.22 = 13.32.
        assert_eq!(days(&[3, 3, 3]), [1, 6, 14]);
    }

    #[test]
    fn a_lapse_starts_again_with_the_easiness_as_it_was() {
        let before = Sm2::default().after(5).after(5);
        let lapsed = before.after(2);
        assert_eq!(lapsed.days(), 1);
        assert_eq!(lapsed.easiness, before.easiness);
        assert_eq!(days(&[4, 4, 1, 4, 4, 4]), [1, 6, 1, 1, 6, 15]);
    }

    #[test]
    fn the_easiness_never_falls_below_its_floor() {
        let worn = (0..40).fold(Sm2::default(), |state, _| state.after(3));
        assert_eq!(worn.easiness, LEAST_EASINESS);
    }
}
