//! The chat model's vote: what it thinks of a point, read off the logits of
//! "yes" and "no" after forks of one prefix, and how much that is worth.
//!
//! No text is generated. The weight is not assumed: it is fitted on the
//! calibration set with the model at hand, and is nothing where the vote does
//! not help on questions that the fit has not seen.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::assessment::Case;
use super::text::head;
use crate::llm::{
    BranchPrefix, BranchRequest, Cancel, ChatModel, EngineError, Message, Part, Role,
};

/// What the model is told; the wording is part of the vote's version.
const INSTRUCTIONS: &str = "You check interview answers against a rubric, one point at a time. \
    A point counts only if the answer itself says it or shows it by a concrete case. Naming the \
    topic is not enough, and saying the opposite is a no.";

/// Bytes of an answer the chat model is shown: some six minutes of speech, which
/// fits the smallest context in use with the rubric beside it.
const MOST_BYTES: usize = 6_000;

/// Nats of log loss a label must gain on unseen questions for a vote to count.
const WORTH: f64 = 0.005;

/// Parts the calibration set is split into, by question.
const FOLDS: usize = 5;

/// How the vote is mixed in: `logit' = base * logit + vote * z + shift`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mix {
    /// Weight of the judge's own logit.
    pub base: f32,
    /// Weight of the chat model's logit of yes against no; never negative.
    pub vote: f32,
    /// Added to both.
    pub shift: f32,
}

impl Mix {
    /// Returns the probability that both together give.
    pub fn probability(self, own: f32, vote: f32) -> f32 {
        let own = own.clamp(1e-6, 1.0 - 1e-6);
        let logit = (own / (1.0 - own)).ln();
        let mixed = self.base * logit + self.vote * vote + self.shift;
        1.0 / (1.0 + (-mixed).exp())
    }
}

/// A chat model with the weight it has earned.
#[derive(Clone)]
pub struct Vote {
    model: Arc<dyn ChatModel>,
    /// How it is mixed in.
    pub mix: Mix,
}

impl std::fmt::Debug for Vote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vote").field("mix", &self.mix).finish()
    }
}

impl Vote {
    /// Returns the vote of `model`, mixed in as `mix` says.
    pub fn new(model: Arc<dyn ChatModel>, mix: Mix) -> Self {
        Self { model, mix }
    }

    /// Returns the model's logit of yes against no for every point of `case`.
    ///
    /// # Errors
    /// Fails when the model does, or when cancelled.
    pub async fn ask(&self, case: &Case, cancel: Cancel) -> Result<Vec<f32>, EngineError> {
        ask(self.model.as_ref(), case, cancel).await
    }
}

/// Returns a chat model's logit of yes against no for every point of `case`.
///
/// # Errors
/// Fails when the model does, or when cancelled.
pub async fn ask(
    model: &dyn ChatModel,
    case: &Case,
    cancel: Cancel,
) -> Result<Vec<f32>, EngineError> {
    if case.points.is_empty() {
        return Ok(Vec::new());
    }
    let user = Message {
        role: Role::User,
        parts: vec![
            Part::Prompt("Question: ".into()),
            Part::Guide(case.question.clone()),
            Part::Prompt("\n\nThe candidate's answer:\n".into()),
            Part::Candidate(head(&case.answer, MOST_BYTES).to_owned()),
            Part::Prompt(
                "\n\nFor each point, say yes if the answer makes it and no if it does not.".into(),
            ),
        ],
        topic: None,
    };
    let system = Message::new(Role::System, Part::Prompt(INSTRUCTIONS.into()));
    let read = model
        .branch(
            BranchRequest {
                prefix: BranchPrefix::Chat(vec![system, user]),
                branches: case
                    .points
                    .iter()
                    .map(|point| format!("Point: {}\nDoes the answer make it?", point.text))
                    .collect(),
                words: vec![" yes".into(), " no".into(), " Yes".into(), " No".into()],
                likelihood: false,
                fresh: true,
            },
            cancel,
        )
        .await?;
    Ok(read
        .logits
        .iter()
        .map(|row| match row.as_slice() {
            &[yes, no, big_yes, big_no] => {
                let z = yes.max(big_yes) - no.max(big_no);
                if z.is_finite() {
                    z.clamp(-20.0, 20.0)
                } else {
                    0.0
                }
            }
            _ => 0.0,
        })
        .collect())
}

/// A labelled point: the judge's own probability, the chat model's logit, the
/// label (0, 0.5 or 1), and the question it belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ballot {
    /// The judge's probability without the vote.
    pub own: f32,
    /// The chat model's logit.
    pub vote: f32,
    /// Whether the point is made.
    pub label: f32,
    /// The question's number; folds are split by it.
    pub question: usize,
}

/// What was found about a chat model's vote.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Election {
    /// The mix; absent where the vote does not help.
    pub mix: Option<Mix>,
    /// Log loss of a point without the vote, on unseen questions.
    pub loss_without: f64,
    /// The same with it.
    pub loss_with: f64,
}

/// Returns what a chat model's vote is worth: fitted in folds split by
/// question, and kept only when it lowers the log loss of unseen questions.
pub fn elect(ballots: &[Ballot]) -> Election {
    let rows: Vec<([f64; 3], f64)> = ballots.iter().map(row).collect();
    let (mut with, mut without, mut count) = (0.0, 0.0, 0_usize);
    for fold in 0..FOLDS {
        let unseen = |at: usize| ballots[at].question % FOLDS == fold;
        let train: Vec<_> = (0..rows.len())
            .filter(|&at| !unseen(at))
            .map(|at| rows[at])
            .collect();
        let both = fit(&train, true);
        let alone = fit(&train, false);
        for (x, y) in (0..rows.len()).filter(|&at| unseen(at)).map(|at| rows[at]) {
            with += loss(&both, &x, y);
            without += loss(&alone, &x, y);
            count += 1;
        }
    }
    let count = count.max(1) as f64;
    let (loss_with, loss_without) = (with / count, without / count);
    let whole = fit(&rows, true);
    let helps = loss_without - loss_with > WORTH && whole[1] > 0.0 && whole[0] > 0.0;
    Election {
        mix: helps.then_some(Mix {
            base: whole[0] as f32,
            vote: whole[1] as f32,
            shift: whole[2] as f32,
        }),
        loss_without,
        loss_with,
    }
}

fn row(ballot: &Ballot) -> ([f64; 3], f64) {
    let own = f64::from(ballot.own).clamp(1e-6, 1.0 - 1e-6);
    (
        [(own / (1.0 - own)).ln(), f64::from(ballot.vote), 1.0],
        f64::from(ballot.label),
    )
}

fn loss(w: &[f64; 3], x: &[f64; 3], y: f64) -> f64 {
    let p = sigmoid(dot(w, x)).clamp(1e-9, 1.0 - 1e-9);
    -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
}

fn dot(w: &[f64; 3], x: &[f64; 3]) -> f64 {
    w.iter().zip(x).map(|(a, b)| a * b).sum()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Pull towards the judge as it is: weight 1, no vote, no shift.
const RIDGE: f64 = 1.0;

/// What [`fit`] makes small.
fn objective(w: &[f64; 3], rows: &[([f64; 3], f64)]) -> f64 {
    let pull = (w[0] - 1.0).powi(2) + w[1].powi(2) + w[2].powi(2);
    rows.iter().map(|(x, y)| loss(w, x, *y)).sum::<f64>() + 0.5 * RIDGE * pull
}

/// Logistic regression by Newton's method with a small ridge, steps halved
/// until they help: far from the optimum a whole step overshoots. Without
/// `voting` the second weight stays nothing.
fn fit(rows: &[([f64; 3], f64)], voting: bool) -> [f64; 3] {
    let mut w = [1.0, 0.0, 0.0];
    for _ in 0..50 {
        let mut gradient = [RIDGE * (w[0] - 1.0), RIDGE * w[1], RIDGE * w[2]];
        let mut hessian = [[RIDGE, 0.0, 0.0], [0.0, RIDGE, 0.0], [0.0, 0.0, RIDGE]];
        for (x, y) in rows {
            let p = sigmoid(dot(&w, x));
            for i in 0..3 {
                gradient[i] += (p - y) * x[i];
                for j in 0..3 {
                    hessian[i][j] += p * (1.0 - p) * x[i] * x[j];
                }
            }
        }
        if !voting {
            gradient[1] = 0.0;
            hessian[1] = [0.0, 1.0, 0.0];
            hessian[0][1] = 0.0;
            hessian[2][1] = 0.0;
        }
        let step = solve(hessian, gradient);
        let before = objective(&w, rows);
        let better = (0..30).find_map(|halvings| {
            let share = 0.5_f64.powi(halvings);
            let next: [f64; 3] = std::array::from_fn(|i| w[i] - share * step[i]);
            (objective(&next, rows) < before).then_some(next)
        });
        match better {
            Some(next) => w = next,
            None => break,
        }
    }
    w
}

/// Solves three equations by Cramer's rule; the matrix is positive definite
/// because of the ridge.
fn solve(m: [[f64; 3]; 3], b: [f64; 3]) -> [f64; 3] {
    let det = |m: &[[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = det(&m);
    std::array::from_fn(|column| {
        let mut other = m;
        for (row, value) in other.iter_mut().zip(b) {
            row[column] = value;
        }
        det(&other) / whole
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels, an unsure judge, and a vote that is right `share` of the time.
    fn ballots(share: f64) -> Vec<Ballot> {
        (0..400)
            .map(|n| {
                let label = (n * 7 % 3 == 0) as u8 as f32;
                let right = ((n * 37 % 100) as f64) < share * 100.0;
                let sign = if right == (label == 1.0) { 1.0 } else { -1.0 };
                Ballot {
                    own: 0.25 + 0.2 * label,
                    vote: 3.0 * sign,
                    label,
                    question: n / 10,
                }
            })
            .collect()
    }

    #[test]
    fn a_vote_that_helps_is_kept_and_raises_what_it_says_yes_to() {
        let mut noisy = ballots(0.9);
        // The judge alone cannot tell them apart.
        noisy.iter_mut().for_each(|ballot| ballot.own = 0.4);
        let found = elect(&noisy);
        let mix = found.mix.expect("it helps");
        assert!(found.loss_with < found.loss_without);
        assert!(mix.probability(0.4, 3.0) > 0.6 && mix.probability(0.4, -3.0) < 0.3);
    }

    #[test]
    fn a_vote_by_coin_or_against_the_labels_is_dropped() {
        for share in [0.5, 0.1] {
            let mut noisy = ballots(share);
            noisy.iter_mut().for_each(|ballot| ballot.own = 0.4);
            assert_eq!(elect(&noisy).mix, None, "{share}");
        }
        assert_eq!(elect(&[]).mix, None);
    }

    #[test]
    fn three_equations_are_solved() {
        let x = solve(
            [[2.0, 0.0, 0.0], [0.0, 4.0, 1.0], [0.0, 1.0, 3.0]],
            [2.0, 6.0, 7.0],
        );
        for (found, wanted) in x.iter().zip([1.0, 1.0, 2.0]) {
            assert!((found - wanted).abs() < 1e-9, "{x:?}");
        }
    }
}
