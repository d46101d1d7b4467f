//! From a verdict to a rating. What a person thinks of their own answer plays
//! no part in it.
//!
//! | verdict | help | judge | rating |
//! | --- | --- | --- | --- |
//! | covered | none, nothing named the point | 95% sure or more | easy |
//! | covered | none | 80% sure or more | good |
//! | covered | none | less sure, or not a judge to rely on | hard |
//! | covered | asked after it, or the first hint | any | hard |
//! | covered | the second hint or the third | any | again |
//! | partial | none | any | hard |
//! | partial | any | any | again |
//! | missing, wrong | any | any | again |
//! | unsure | any | any | no review |
//!
//! The later hints nearly say the point, so that making it after them shows
//! reading and not memory. An unsure verdict says nothing about the person.

use super::memory::Rating;
use crate::judge::Verdict;

/// From this probability on, a point made without being asked for is easy.
const VERY_SURE: f32 = 0.95;

/// From this probability on, the judge is sure enough for a whole success.
const SURE: f32 = 0.80;

/// What help an answer had before the point was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Help {
    /// The question was about the whole; nothing led to the point.
    None,
    /// The question led to the point without naming it, as a drill's does.
    Cued,
    /// It was asked for after an answer that lacked it.
    Probed,
    /// So many hints.
    Hints(u8),
}

/// Returns how a review counts, or `None` when it does not. `probability` is
/// the judge's, 0 to 1; `trusted` says whether the judge met its floors.
pub fn rate(verdict: Verdict, probability: f32, help: Help, trusted: bool) -> Option<Rating> {
    let unaided = matches!(help, Help::None | Help::Cued | Help::Hints(0));
    Some(match verdict {
        Verdict::Unsure => return None,
        Verdict::Missing | Verdict::Wrong => Rating::Again,
        Verdict::Partial if unaided => Rating::Hard,
        Verdict::Partial => Rating::Again,
        Verdict::Covered => match help {
            Help::Hints(2..) => Rating::Again,
            Help::Probed | Help::Hints(1) => Rating::Hard,
            _ if !trusted || probability < SURE => Rating::Hard,
            Help::None if probability >= VERY_SURE => Rating::Easy,
            _ => Rating::Good,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_as_written() {
        use Rating::{Again, Easy, Good, Hard};
        use Verdict::{Covered, Missing, Partial, Unsure, Wrong};
        for (verdict, probability, help, expected) in [
            (Covered, 0.97, Help::None, Some(Easy)),
            (Covered, 0.97, Help::Cued, Some(Good)),
            (Covered, 0.85, Help::None, Some(Good)),
            (Covered, 0.60, Help::Cued, Some(Hard)),
            (Covered, 0.99, Help::Probed, Some(Hard)),
            (Covered, 0.99, Help::Hints(1), Some(Hard)),
            (Covered, 0.99, Help::Hints(3), Some(Again)),
            (Partial, 0.45, Help::Cued, Some(Hard)),
            (Partial, 0.45, Help::Hints(1), Some(Again)),
            (Missing, 0.02, Help::None, Some(Again)),
            (Wrong, 0.10, Help::Cued, Some(Again)),
            (Unsure, 0.50, Help::None, None),
        ] {
            let found = rate(verdict, probability, help, true);
            assert_eq!(found, expected, "{verdict:?} {probability} {help:?}");
        }
    }

    #[test]
    fn a_judge_that_is_not_reliable_never_says_more_than_hard() {
        for help in [Help::None, Help::Cued, Help::Probed] {
            let found = rate(Verdict::Covered, 1.0, help, false);
            assert_eq!(found, Some(Rating::Hard));
        }
    }

    #[test]
    fn help_never_makes_a_rating_better() {
        let order = [
            Help::None,
            Help::Cued,
            Help::Probed,
            Help::Hints(1),
            Help::Hints(2),
        ];
        for verdict in [Verdict::Covered, Verdict::Partial, Verdict::Missing] {
            for probability in [0.1, 0.5, 0.8, 0.95, 1.0] {
                for pair in order.windows(2) {
                    let less = rate(verdict, probability, pair[0], true);
                    let more = rate(verdict, probability, pair[1], true);
                    assert!(more <= less, "{verdict:?} {probability} {pair:?}");
                }
            }
        }
    }
}
