//! Agreement between scores and people's grades.

use serde::Serialize;

/// Bins of the calibration error.
const BINS: usize = 10;

/// Grades from here count as right, for the area under the curve.
const RIGHT: f64 = 0.5;

/// How well scores agree with grades; a figure is absent where it is not
/// defined (no spread, or one class only).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Rows with a grade and a score.
    pub rows: usize,
    /// Pearson's correlation.
    pub pearson: Option<f64>,
    /// Area under the ROC curve; a grade of 0.5 or more is right.
    pub auc: Option<f64>,
    /// Root mean squared error.
    pub rmse: Option<f64>,
    /// Expected calibration error over ten bins of equal width.
    pub calibration_error: Option<f64>,
}

impl Agreement {
    /// Returns the agreement of pairs of score and grade, both 0 to 1.
    pub fn of(pairs: &[(f64, f64)]) -> Self {
        Self {
            rows: pairs.len(),
            pearson: pearson(pairs),
            auc: auc(pairs),
            rmse: rmse(pairs),
            calibration_error: calibration_error(pairs),
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 2 {
        return None;
    }
    let x = mean(pairs.iter().map(|p| p.0));
    let y = mean(pairs.iter().map(|p| p.1));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        xy += (a - x) * (b - y);
        xx += (a - x).powi(2);
        yy += (b - y).powi(2);
    }
    (xx > 0.0 && yy > 0.0).then(|| xy / (xx * yy).sqrt())
}

/// The share of pairs of a right and a wrong row that the score orders
/// rightly, ties one half (Mann and Whitney 1947).
pub(super) fn auc(pairs: &[(f64, f64)]) -> Option<f64> {
    let mut sorted: Vec<(f64, bool)> = pairs.iter().map(|&(s, g)| (s, g >= RIGHT)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let right = sorted.iter().filter(|(_, right)| *right).count();
    let wrong = sorted.len() - right;
    if right == 0 || wrong == 0 {
        return None;
    }
    let (mut won, mut below) = (0.0, 0.0);
    let mut rest = sorted.as_slice();
    while let Some(&(value, _)) = rest.first() {
        let tied = rest.iter().take_while(|(s, _)| *s == value).count();
        let (group, after) = rest.split_at(tied);
        let here = group.iter().filter(|(_, right)| *right).count() as f64;
        let others = tied as f64 - here;
        won += here * (below + 0.5 * others);
        below += others;
        rest = after;
    }
    Some(won / (right as f64 * wrong as f64))
}

fn rmse(pairs: &[(f64, f64)]) -> Option<f64> {
    (!pairs.is_empty()).then(|| mean(pairs.iter().map(|(s, g)| (s - g).powi(2))).sqrt())
}

pub(super) fn calibration_error(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.is_empty() {
        return None;
    }
    let mut bins = [(0.0, 0.0); BINS];
    for (score, grade) in pairs {
        let at = ((score * BINS as f64) as usize).min(BINS - 1);
        bins[at].0 += score;
        bins[at].1 += grade;
    }
    let off: f64 = bins
        .iter()
        .map(|(score, grade)| (score - grade).abs())
        .sum();
    Some(off / pairs.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: Option<f64>, other: f64) -> bool {
        one.is_some_and(|one| (one - other).abs() < 1e-9)
    }

    #[test]
    fn figures_agree_with_those_worked_out_by_hand() {
        let found = Agreement::of(&[(0.1, 0.0), (0.4, 1.0), (0.35, 0.0), (0.8, 1.0)]);
        assert!(close(found.auc, 1.0));
        assert!(close(
            found.rmse,
            ((0.01 + 0.36 + 0.1225 + 0.04) / 4.0_f64).sqrt()
        ));
        assert!(close(
            found.calibration_error,
            (0.1 + 0.6 + 0.35 + 0.2) / 4.0
        ));
        assert!(close(found.pearson, 0.747_203_222_080_076_8), "{found:?}");
    }

    #[test]
    fn ties_count_half() {
        assert!(close(auc(&[(0.5, 0.0), (0.5, 1.0)]), 0.5));
    }

    #[test]
    fn figures_that_are_not_defined_are_absent() {
        let found = Agreement::of(&[(0.5, 1.0), (0.5, 1.0)]);
        assert_eq!((found.pearson, found.auc), (None, None));
        assert_eq!(Agreement::of(&[]).rmse, None);
    }
}
