//! The simulated candidate: what is remembered of each point, by a forgetting
//! curve that is known to the simulation and hidden from the schedulers.
//!
//! Two curves, so that no result hangs on one. Neither is FSRS's own model.
//!
//! **Power.** The activation of P. I. Pavlik and J. R. Anderson, "Practice and
//! forgetting effects on vocabulary memory: an activation-based model of the
//! spacing effect", Cognitive Science 29 (2005), 559–586. Each time a point is
//! seen leaves a trace that decays as a power of its age; the more active the
//! point is when it is seen, the faster the new trace decays, which is what
//! makes spacing pay. `m = b + ln Σ age^-d`, `d = c e^m' + a`, and recall has
//! the probability `1 / (1 + e^((τ - m) / s))`; `m'` is the activation from the
//! traces alone at the time of the new one. `a`, `c`, `τ`, `s` and the pace of time
//! outside of the laboratory (0.025) are those that the authors fitted.
//!
//! **Exponential.** Recall halves with every half-life, `p = 2^(-age / h)`.
//! A recall lengthens the half-life to `h (1 + g (1 - p))`: what was nearly
//! forgotten gains most. A lapse halves it, down to that of a new point.
//!
//! What is ours are the spreads between persons and between points, and the
//! levels around which they lie: a point read once is there the next day with
//! a probability of about 0.7, after a week of about 0.3 (power) or 0.1
//! (exponential).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::drill::Rating;

/// The forgetting curves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Curve {
    /// Traces that decay as a power of their age.
    Power,
    /// Half-lives.
    Exponential,
}

/// Parameters fitted by Pavlik and Anderson (2005).
const DECAY_INTERCEPT: f64 = 0.177;
const DECAY_SCALE: f64 = 0.217;
const THRESHOLD: f64 = -0.704;
const NOISE: f64 = 0.255;

/// Their unit is the second, of which days between sessions count a fortieth.
const SECONDS_A_DAY: f64 = 86_400.0 * 0.025;

/// The offset of the activation: mean, spread of persons, spread of points.
const OFFSET: (f64, f64, f64) = (0.8, 0.2, 0.3);

/// The half-life of a new point in days: median, and the spreads of persons and
/// of points as standard deviations of its logarithm.
const HALF_LIFE: (f64, f64, f64) = (2.0, 0.3, 0.5);

/// What a recall gains: median and the spread of persons, likewise. With 10, a
/// recall at 90% doubles the half-life.
const GAIN: (f64, f64) = (10.0, 0.25);

/// The margin (on the scale of logits) below which a recall was hard, and above
/// which it was easy. With a probability of 0.9 that comes to 13% hard, 63%
/// good and 14% easy, near what users of Anki press.
const HARD_BELOW: f64 = 1.0;
const EASY_ABOVE: f64 = 4.0;

/// Somebody with a known memory of a number of points.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    curve: Curve,
    gain: f64,
    points: Vec<Point>,
}

#[derive(Debug, Clone)]
struct Point {
    /// Draws how the reviews of this point go, and nothing else: the n-th
    /// review meets the same luck under every scheduler.
    luck: ChaCha8Rng,
    /// The offset of the activation, or the half-life of the point when new.
    level: f64,
    /// Power: when each trace was left (in days), and how fast it decays.
    traces: Vec<(f64, f64)>,
    /// Exponential: half-life in days, and when the point was last seen.
    half_life: f64,
    seen: Option<f64>,
}

impl Candidate {
    /// Returns the candidate of `seed` with this many points, none seen yet.
    pub(super) fn new(curve: Curve, points: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mean, persons, spread) = match curve {
            Curve::Power => OFFSET,
            Curve::Exponential => HALF_LIFE,
        };
        let person = persons * normal(&mut rng);
        let gain = GAIN.0 * (GAIN.1 * normal(&mut rng)).exp();
        let points = (0..points)
            .map(|_| {
                let off = person + spread * normal(&mut rng);
                let level = match curve {
                    Curve::Power => mean + off,
                    Curve::Exponential => mean * off.exp(),
                };
                Point {
                    luck: ChaCha8Rng::seed_from_u64(rng.random()),
                    level,
                    traces: Vec::new(),
                    half_life: level,
                    seen: None,
                }
            })
            .collect();
        Self {
            curve,
            gain,
            points,
        }
    }

    /// Returns the probability, 0 to 1, of recalling `point` on `day`.
    pub(super) fn recall(&self, point: usize, day: u32) -> f64 {
        let (point, day) = (&self.points[point], f64::from(day));
        match self.curve {
            Curve::Power => match activation(&point.traces, day) {
                Some(active) => logistic((active + point.level - THRESHOLD) / NOISE),
                None => 0.0,
            },
            Curve::Exponential => match point.seen {
                Some(seen) => (-(day - seen) / point.half_life).exp2(),
                None => 0.0,
            },
        }
    }

    /// Returns the mean of [`Candidate::recall`] over all points.
    pub(super) fn mean_recall(&self, day: u32) -> f64 {
        let all: f64 = (0..self.points.len())
            .map(|point| self.recall(point, day))
            .sum();
        all / self.points.len().max(1) as f64
    }

    /// Shows the candidate the whole answer for the first time.
    pub(super) fn learn(&mut self, point: usize, day: u32) {
        self.see(point, day, false);
    }

    /// Asks for `point` on `day`, says how it went, and shows the answer.
    pub(super) fn review(&mut self, point: usize, day: u32) -> Rating {
        let p = self.recall(point, day).clamp(1e-9, 1.0 - 1e-9);
        let luck: f64 = self.points[point].luck.random();
        let luck = luck.clamp(1e-12, 1.0 - 1e-12);
        // Above 0 with the probability p: the noise is logistic.
        let margin = (p / (1.0 - p)).ln() + (luck / (1.0 - luck)).ln();
        let rating = if margin <= 0.0 {
            Rating::Again
        } else if margin < HARD_BELOW {
            Rating::Hard
        } else if margin <= EASY_ABOVE {
            Rating::Good
        } else {
            Rating::Easy
        };
        self.see(point, day, rating.is_recalled());
        rating
    }

    fn see(&mut self, point: usize, day: u32, recalled: bool) {
        let p = self.recall(point, day);
        let gain = self.gain;
        let (point, day) = (&mut self.points[point], f64::from(day));
        match self.curve {
            Curve::Power => {
                let active = activation(&point.traces, day).map_or(0.0, f64::exp);
                point
                    .traces
                    .push((day, DECAY_SCALE * active + DECAY_INTERCEPT));
            }
            Curve::Exponential => {
                point.half_life = if point.seen.is_none() {
                    point.level
                } else if recalled {
                    point.half_life * (1.0 + gain * (1.0 - p))
                } else {
                    (point.half_life / 2.0).max(point.level)
                };
                point.seen = Some(day);
            }
        }
    }
}

/// Returns the activation from `traces` on `day`; `None` without traces.
fn activation(traces: &[(f64, f64)], day: f64) -> Option<f64> {
    let sum: f64 = traces
        .iter()
        // Within the day of a trace its age counts as a second.
        .map(|(left, decay)| ((day - left) * SECONDS_A_DAY).max(1.0).powf(-decay))
        .sum();
    (sum > 0.0).then(|| sum.ln())
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Draws from the standard normal distribution (Box and Muller, 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVES: [Curve; 2] = [Curve::Power, Curve::Exponential];

    #[test]
    fn recall_falls_with_time_and_a_review_brings_it_back() {
        for curve in CURVES {
            let mut candidate = Candidate::new(curve, 20, 1);
            assert_eq!(candidate.mean_recall(0), 0.0);
            for point in 0..20 {
                candidate.learn(point, 0);
            }
            let over: Vec<f64> = (1..30).map(|day| candidate.mean_recall(day)).collect();
            assert!(over.windows(2).all(|two| two[1] < two[0]), "{over:?}");
            let before = candidate.mean_recall(12);
            for point in 0..20 {
                candidate.review(point, 10);
            }
            assert!(candidate.mean_recall(12) > before + 0.2, "{curve:?}");
        }
    }

    #[test]
    fn the_same_reviews_last_longer_when_they_are_spaced() {
        for curve in CURVES {
            let after = |days: [u32; 3]| {
                let mut candidate = Candidate::new(curve, 200, 2);
                for point in 0..200 {
                    candidate.learn(point, 0);
                    for day in days {
                        candidate.review(point, day);
                    }
                }
                candidate.mean_recall(days[2] + 30)
            };
            assert!(after([1, 4, 11]) > after([1, 2, 3]), "{curve:?}");
        }
    }

    #[test]
    fn points_and_persons_differ() {
        for curve in CURVES {
            let recall = |seed: u64| {
                let mut candidate = Candidate::new(curve, 3, seed);
                (0..3).for_each(|point| candidate.learn(point, 0));
                [0, 1, 2].map(|point| candidate.recall(point, 3))
            };
            let one = recall(1);
            assert!(one[0] != one[1] && one[1] != one[2], "{one:?}");
            assert_ne!(one, recall(2));
            assert_eq!(one, recall(1));
        }
    }

    #[test]
    fn as_many_reviews_succeed_as_the_probability_says() {
        let mut candidate = Candidate::new(Curve::Exponential, 2000, 3);
        (0..2000).for_each(|point| candidate.learn(point, 0));
        let expected = candidate.mean_recall(1);
        let ratings: Vec<Rating> = (0..2000).map(|point| candidate.review(point, 1)).collect();
        let share = |wanted: &dyn Fn(Rating) -> bool| {
            ratings.iter().filter(|rating| wanted(**rating)).count() as f64 / 2000.0
        };
        assert!((share(&Rating::is_recalled) - expected).abs() < 0.03);
        for rating in [Rating::Again, Rating::Hard, Rating::Good, Rating::Easy] {
            assert!(share(&|one| one == rating) > 0.01, "{rating:?}");
        }
    }
}
