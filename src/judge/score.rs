//! Verdicts into a score of 0 to 100.
//!
//! The formula, version 6, also in `docs/judge.md`. A point of probability
//! `p` earns a credit `c` that rises from 0 to .03 at .25, to .97 at .75 and to
//! 1 at 1, so that scores always rank answers; a wrong
//! one earns nothing and costs a quarter of its weight. A mistake of
//! probability `m` is made to the degree `d = clamp((m - 0.65) / 0.25, 0, 1)`.
//!
//! ```text
//! base  = 100 * sum(weight * credit) / sum(weight)
//! base  = min(base, 40 + 60 * essentials)      share of credit of the essential points
//! score = base - sum(5 * d minor) - sum(20 * d serious) - sum(40 * d fatal)
//! score = min(score, 100 - 40 * d) serious, min(score, 100 - 75 * d) fatal
//! score = score / 10                           for a flag that gates
//! score = score * clamp((h - 0.05) / 0.10, 0.1, 1)
//! ```
//!
//! with `h` the mean of the trained reader's probabilities over the points, where
//! there are three or more: somebody who makes none of them says nothing, however
//! many words of the field they say. An answer that is far from its question must
//! make more of them: with `t` the matcher's cosine of both, `h` is less by
//! `1.5 * max(0.35 - t, 0)`.
//!
//! In an exam people grade by the whole of a model answer. Where the points are
//! its sentences, the base is the share of it that was said; where it stands
//! beside points, that share counts two thirds and the points' mean probability
//! one. Without an encoder the base is that mean alone.
//!
//! Credits are continuous, so that a hair's breadth of probability never moves
//! the score by a whole point of the rubric.

use crate::guide::{PointKind, Severity};

use super::assessment::{Basis, Case, Flag, MistakeFinding, PointVerdict, Verdict};
use super::flags;

/// The most an answer can get that is flagged as no answer.
pub const GATE: f32 = 10.0;

/// Probability from which a point earns credit worth speaking of.
const CREDIT_FROM: f32 = 0.25;

/// Probability from which a point earns next to full credit.
const CREDIT_FULL: f32 = 0.75;

/// Credit below the first of these, and short of full at the second: a score of
/// one point still ranks answers (on realsumm, AUC .88 instead of .74).
const CREDIT_TAIL: f32 = 0.03;

/// Share of a whole model answer in the base of a row that has points too: among
/// a half, two thirds and all the best on the answers of SAF to questions that
/// nothing was trained on (r .56, .58 and .55; the points alone .38).
const MODEL_ANSWER: f32 = 2.0 / 3.0;

/// An answer of which no more than this is heard is worth a tenth...
const UNHEARD: f32 = 0.05;

/// ...and all of its score from here: see `far` in [`super::local`] for how both
/// were picked.
const HEARD: f32 = 0.15;

/// Share of its weight that a wrong point costs.
const WRONG_COSTS: f32 = 0.25;

/// Probability from which a mistake costs: from where it counts as made,
/// `mistake` of `models/judge.toml`...
const MADE_FROM: f32 = 0.65;

/// ...and from which it costs in full. Settled on the guides' own model answers,
/// of which 7 of 50 instead of 9 score below 30 so, at no loss on the validation part.
const MADE_FULLY: f32 = 0.90;

/// What is known of an answer as a whole, beside its points.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Overall {
    /// In an exam, the share of a whole model answer that was said, 0 to 1.
    pub whole: Option<f32>,
    /// How much of the rubric the reader hears in the answer, 1 at most; see
    /// [`super::assessment::Assessment::heard`].
    pub heard: Option<f32>,
}

/// Returns the score of a judged answer, 0 to 100.
pub fn score(
    case: &Case,
    points: &[PointVerdict],
    overall: Overall,
    mistakes: &[MistakeFinding],
    found: &[Flag],
) -> f32 {
    let mut total = Share::default();
    let mut essential = Share::default();
    for (point, verdict) in case.points.iter().zip(points) {
        let earned = if case.basis.is_written() {
            verdict.probability
        } else {
            credit(verdict)
        };
        total.add(point.weight, earned);
        if point.kind == PointKind::Essential {
            essential.add(point.weight, earned.max(0.0));
        }
    }
    let said = match (total.value(), overall.whole) {
        (Some(points), Some(whole)) if case.basis == Basis::Both => {
            (1.0 - MODEL_ANSWER) * points + MODEL_ANSWER * whole
        }
        (points, whole) => whole.or(points).unwrap_or(0.0),
    };
    let mut score = 100.0 * said.max(0.0);
    if let Some(share) = essential.value() {
        score = score.min(40.0 + 60.0 * share);
    }
    for (mistake, finding) in case.mistakes.iter().zip(mistakes) {
        let degree = (finding.probability - MADE_FROM) / (MADE_FULLY - MADE_FROM);
        let degree = degree.clamp(0.0, 1.0);
        let (cost, cap) = match mistake.severity {
            Severity::Minor => (5.0, 100.0),
            Severity::Serious => (20.0, 100.0 - 40.0 * degree),
            Severity::Fatal => (40.0, 100.0 - 75.0 * degree),
        };
        score = (score - cost * degree).min(cap);
    }
    if found.iter().any(|&flag| flags::gates(flag)) {
        score *= GATE / 100.0;
    }
    (score * counted(overall.heard)).clamp(0.0, 100.0)
}

/// Returns the share of its score, .1 to 1, that an answer keeps of which this much
/// was `heard`; all of it where that is not known. See [`Overall::heard`].
pub fn counted(heard: Option<f32>) -> f32 {
    heard.map_or(1.0, |heard| {
        ((heard - UNHEARD) / (HEARD - UNHEARD)).clamp(GATE / 100.0, 1.0)
    })
}

fn credit(verdict: &PointVerdict) -> f32 {
    if verdict.verdict == Verdict::Wrong {
        return -WRONG_COSTS;
    }
    let p = verdict.probability.clamp(0.0, 1.0);
    if p < CREDIT_FROM {
        CREDIT_TAIL * p / CREDIT_FROM
    } else if p < CREDIT_FULL {
        let share = (p - CREDIT_FROM) / (CREDIT_FULL - CREDIT_FROM);
        CREDIT_TAIL + (1.0 - 2.0 * CREDIT_TAIL) * share
    } else {
        1.0 - CREDIT_TAIL * (1.0 - p) / (1.0 - CREDIT_FULL)
    }
}

#[derive(Debug, Default)]
struct Share {
    earned: f32,
    weight: f32,
}

impl Share {
    fn add(&mut self, weight: f32, credit: f32) {
        // A weight that is no positive number counts as nothing.
        if weight.is_finite() && weight > 0.0 {
            self.weight += weight;
            self.earned += weight * credit;
        }
    }

    fn value(&self) -> Option<f32> {
        (self.weight > 0.0).then(|| self.earned / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::assessment::{CaseMistake, CasePoint};

    fn case(kinds: &[PointKind], severities: &[Severity]) -> Case {
        Case {
            question: String::new(),
            points: kinds
                .iter()
                .enumerate()
                .map(|(i, &kind)| CasePoint {
                    id: i.to_string(),
                    text: String::new(),
                    weight: 10.0,
                    kind,
                    key_terms: Vec::new(),
                    star: None,
                })
                .collect(),
            mistakes: severities
                .iter()
                .map(|&severity| CaseMistake {
                    id: "m".into(),
                    text: String::new(),
                    severity,
                })
                .collect(),
            references: Vec::new(),
            basis: Basis::Rubric,
            behavioural: false,
            answer: String::new(),
        }
    }

    fn verdict(verdict: Verdict, probability: f32) -> PointVerdict {
        PointVerdict {
            id: String::new(),
            verdict,
            probability,
            evidence: Vec::new(),
        }
    }

    fn mistake(probability: f32) -> MistakeFinding {
        MistakeFinding {
            id: "m".into(),
            made: probability > 0.6,
            probability,
            evidence: Vec::new(),
        }
    }

    fn made() -> [PointVerdict; 2] {
        [(); 2].map(|()| verdict(Verdict::Covered, 1.0))
    }

    const ALL: [PointKind; 2] = [PointKind::Essential, PointKind::Strong];

    const NONE: Overall = Overall {
        whole: None,
        heard: None,
    };

    const WHOLE: Overall = Overall {
        whole: Some(0.8),
        heard: None,
    };

    #[test]
    fn everything_covered_is_a_hundred_and_nothing_is_nought() {
        let case = case(&ALL, &[]);
        let covered = [
            verdict(Verdict::Covered, 1.0),
            verdict(Verdict::Covered, 1.0),
        ];
        let missing = [
            verdict(Verdict::Missing, 0.0),
            verdict(Verdict::Missing, 0.0),
        ];
        assert_eq!(score(&case, &covered, NONE, &[], &[]), 100.0);
        assert_eq!(score(&case, &missing, NONE, &[], &[]), 0.0);
    }

    #[test]
    fn without_its_essentials_an_answer_cannot_be_good() {
        let case = case(
            &[PointKind::Essential, PointKind::Strong, PointKind::Strong],
            &[],
        );
        let points = [
            verdict(Verdict::Missing, 0.0),
            verdict(Verdict::Covered, 0.9),
            verdict(Verdict::Covered, 0.9),
        ];
        assert_eq!(score(&case, &points, NONE, &[], &[]), 40.0);
    }

    #[test]
    fn a_wrong_point_costs_more_than_a_missing_one() {
        let case = case(&ALL, &[]);
        let wrong = [verdict(Verdict::Covered, 0.9), verdict(Verdict::Wrong, 0.5)];
        let missing = [
            verdict(Verdict::Covered, 0.9),
            verdict(Verdict::Missing, 0.1),
        ];
        assert!(score(&case, &wrong, NONE, &[], &[]) < score(&case, &missing, NONE, &[], &[]));
    }

    #[test]
    fn a_fatal_mistake_caps_the_score() {
        let case = case(&ALL, &[Severity::Fatal]);
        let points = made();
        assert!(score(&case, &points, NONE, &[mistake(0.9)], &[]) <= 25.0);
        assert_eq!(score(&case, &points, NONE, &[mistake(0.2)], &[]), 100.0);
    }

    #[test]
    fn sentences_of_a_model_answer_earn_their_probability() {
        let mut case = case(&[PointKind::Strong, PointKind::Strong], &[]);
        case.basis = Basis::Reference;
        let points = [verdict(Verdict::Covered, 0.9), verdict(Verdict::Wrong, 0.1)];
        assert!((score(&case, &points, NONE, &[], &[]) - 50.0).abs() < 1e-3);
        assert!((score(&case, &points, WHOLE, &[], &[]) - 80.0).abs() < 1e-3);
    }

    #[test]
    fn beside_points_a_model_answer_counts_two_thirds() {
        let mut case = case(&[PointKind::Strong, PointKind::Strong], &[]);
        case.basis = Basis::Both;
        let points = [verdict(Verdict::Covered, 0.9), verdict(Verdict::Wrong, 0.1)];
        assert!((score(&case, &points, WHOLE, &[], &[]) - 70.0).abs() < 1e-3);
        assert!((score(&case, &points, NONE, &[], &[]) - 50.0).abs() < 1e-3);
    }

    #[test]
    fn a_mistake_costs_from_where_it_counts_as_made() {
        let shipped = super::super::combine::Parameters::shipped().expect("weights");
        assert_eq!(MADE_FROM, shipped.thresholds.mistake);
        let case = case(&ALL, &[Severity::Serious]);
        let of = |p| score(&case, &made(), NONE, &[mistake(p)], &[]);
        assert_eq!(of(MADE_FROM), 100.0);
        assert!(of(0.7) < 100.0 && of(0.8) < of(0.7));
        assert_eq!(of(MADE_FULLY), of(1.0));
    }

    #[test]
    fn an_answer_of_which_the_reader_hears_nothing_is_worth_a_tenth() {
        let case = case(&ALL, &[]);
        let points = made();
        let of = |heard| score(&case, &points, Overall { heard, ..NONE }, &[], &[]);
        assert!((of(Some(0.05)) - 10.0).abs() < 1e-3);
        assert!((of(Some(0.10)) - 50.0).abs() < 1e-3);
        assert_eq!(of(Some(0.15)), 100.0);
        assert_eq!(of(None), 100.0);
        assert!((0..100).all(|h| of(Some(h as f32 / 100.0)) <= of(Some((h + 1) as f32 / 100.0))));
    }

    #[test]
    fn more_probable_is_more_everywhere() {
        let case = case(&[PointKind::Strong], &[]);
        let of = |p: u8| {
            let point = verdict(Verdict::Covered, f32::from(p) / 100.0);
            score(&case, &[point], NONE, &[], &[])
        };
        assert!((0..100).all(|p| of(p) < of(p + 1)));
        let ends = [(0, 0.0), (25, 3.0), (75, 97.0), (100, 100.0)];
        assert!(ends.iter().all(|&(p, s)| (of(p) - s).abs() < 1e-3));
    }

    #[test]
    fn a_flagged_answer_gets_ten_at_most_but_recitation_keeps_its_score() {
        let case = case(&ALL, &[]);
        let points = made();
        assert_eq!(
            score(&case, &points, NONE, &[], &[Flag::KeywordSalad]),
            GATE
        );
        assert_eq!(score(&case, &points, NONE, &[], &[Flag::Recitation]), 100.0);
    }

    #[test]
    fn weights_that_are_no_numbers_do_not_spoil_the_score() {
        let mut case = case(&ALL, &[]);
        case.points[0].weight = f32::NAN;
        let points = [
            verdict(Verdict::Missing, 0.0),
            verdict(Verdict::Covered, 0.9),
        ];
        assert!(score(&case, &points, NONE, &[], &[]).is_finite());
    }
}
