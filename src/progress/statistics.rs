//! How sure a mean is: Wilson's interval, an effective number of answers, and
//! Newcombe's interval of a difference.
//!
//! One answer's credit is a number from 0 to 1, the mean of its points. Such a
//! number varies at most as much as a coin that falls heads as often, so that
//! Wilson's interval (Wilson 1927) with as many tosses as there are answers is
//! wide enough, and far too wide where answers are much alike. As for
//! proportions of complex samples (Korn and Graubard 1998), the number of
//! tosses is therefore raised to the effective one, `p (1 - p) / variance of
//! the mean`, and never beyond the number of points that were judged. With
//! fewer than [`MIN_ANSWERS`] answers their variance says nothing, and the
//! plain number of answers is used.

use serde::Serialize;

/// The two-sided 95% quantile of the normal distribution.
pub const Z: f64 = 1.959_963_984_540_054;

/// Answers from which their own variance is made use of.
pub const MIN_ANSWERS: usize = 4;

/// A mean with its 95% interval; all numbers are shares, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Answers it rests on.
    pub answers: usize,
}

/// A value of one answer: the mean over `points` judged points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// 0 to 1.
    pub mean: f64,
    /// Points it is the mean of.
    pub points: usize,
}

/// Returns Wilson's interval of the share `p` (0 to 1) of `n` trials, which
/// need not be a whole number; the whole scale when there was no trial.
pub fn wilson(p: f64, n: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let z2 = Z * Z;
    let scale = 1.0 + z2 / n;
    let middle = (p + z2 / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// Returns how many independent trials the answers are worth: between their
/// number and the number of their points.
pub fn effective(values: &[Value]) -> f64 {
    let n = values.len() as f64;
    let points: usize = values.iter().map(|value| value.points).sum();
    if values.len() < MIN_ANSWERS {
        return n;
    }
    let p = mean(values);
    let squares: f64 = values.iter().map(|value| (value.mean - p).powi(2)).sum();
    let variance_of_mean = squares / (n - 1.0) / n;
    let most = (points as f64).max(n);
    if variance_of_mean <= 0.0 {
        return most;
    }
    (p * (1.0 - p) / variance_of_mean).clamp(n, most)
}

/// Returns the mean of the answers with its interval; `None` for none.
pub fn estimate(values: &[Value]) -> Option<Estimate> {
    if values.is_empty() {
        return None;
    }
    let mean = mean(values);
    let (low, high) = wilson(mean, effective(values));
    Some(Estimate {
        mean,
        low,
        high,
        answers: values.len(),
    })
}

/// Returns the 95% interval of `later - earlier`, each a mean with its own
/// interval (Newcombe 1998, method 10).
pub fn difference(earlier: &Estimate, later: &Estimate) -> (f64, f64) {
    let by = later.mean - earlier.mean;
    let down = (later.mean - later.low).hypot(earlier.high - earlier.mean);
    let up = (later.high - later.mean).hypot(earlier.mean - earlier.low);
    (by - down, by + up)
}

fn mean(values: &[Value]) -> f64 {
    values.iter().map(|value| value.mean).sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 5e-4
    }

    fn values(means: &[f64], points: usize) -> Vec<Value> {
        let value = |&mean: &f64| Value { mean, points };
        means.iter().map(value).collect()
    }

    #[test]
    fn wilson_is_as_computed_by_hand() {
        // z² = 3.8415; scale 1.96036; middle 0.5;
        // half 1.95996 / 1.96036 * sqrt(0.0625 + 0.060023) = 0.34996.
        let (low, high) = wilson(0.5, 4.0);
        assert!(close(low, 0.1500) && close(high, 0.8500), "{low} {high}");
        // Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662.
        let (low, high) = wilson(81.0 / 263.0, 263.0);
        assert!(close(low, 0.2553) && close(high, 0.3662), "{low} {high}");
        assert_eq!(wilson(0.0, 0.0), (0.0, 1.0));
    }

    #[test]
    fn a_difference_is_as_published() {
        // Newcombe 1998, table II (a): 56/70 - 48/80 is 0.0524 to 0.3339.
        let of = |made: f64, n: f64| {
            let (low, high) = wilson(made / n, n);
            Estimate {
                mean: made / n,
                low,
                high,
                answers: 0,
            }
        };
        let (low, high) = difference(&of(48.0, 80.0), &of(56.0, 70.0));
        assert!(close(low, 0.0524) && close(high, 0.3339), "{low} {high}");
    }

    #[test]
    fn answers_that_are_alike_are_worth_more_than_their_number_and_at_most_their_points() {
        // Mean 0.5, squares 0.04, variance of the mean 0.04 / 3 / 4 = 1/300:
        // 0.25 * 300 = 75 trials, of which 24 points allow 24.
        assert_eq!(effective(&values(&[0.4, 0.6, 0.4, 0.6], 6)), 24.0);
        assert!(close(effective(&values(&[0.4, 0.6, 0.4, 0.6], 30)), 75.0));
        // As different as answers can be: no more than their number.
        assert_eq!(effective(&values(&[0.0, 1.0, 0.0, 1.0], 6)), 4.0);
        assert_eq!(effective(&values(&[0.5, 0.5], 6)), 2.0);
        assert_eq!(effective(&values(&[1.0; 5], 6)), 30.0);
    }

    #[test]
    fn no_answer_has_no_mean() {
        assert_eq!(estimate(&[]), None);
        let one = estimate(&values(&[1.0], 6)).expect("an estimate");
        // One answer: 1 / (1 + z²) = 0.2065.
        assert!(close(one.low, 0.2065) && one.high == 1.0, "{one:?}");
    }
}
