//! What judging the past again changed: per question the old score and the new
//! one, and the points whose verdict is another. Judges nothing.

use serde::{Deserialize, Serialize};

use crate::judge::Verdict;

/// The name of the document that holds a [`Regrade`].
pub const REGRADE: &str = "regrade";

/// A session judged again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Regrade {
    /// Version of this format.
    pub schema: u32,
    /// The models that judged, as [`crate::models::digest`] names them.
    #[serde(default)]
    pub models: Vec<ModelFile>,
    /// The questions that were judged again, in the plan's order.
    pub questions: Vec<RegradedQuestion>,
}

/// A file of weights that had a part in a verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// `embedder`, `reader`, `reader-base` or `chat`.
    pub part: String,
    /// What a person calls it.
    pub name: String,
    /// How its weights are rounded, for example `Q4_K_M`; empty when the file
    /// does not say.
    #[serde(default)]
    pub quantisation: String,
    /// Its checksum; see [`crate::store::ModelStamp::hash`].
    pub hash: String,
}

/// A question judged again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegradedQuestion {
    /// The question's identifier.
    pub question: String,
    /// Its words.
    pub asked: String,
    /// The attempt that counts: 0 for the first.
    pub attempt: u32,
    /// When it was judged again, milliseconds since 1970 in UTC.
    pub at_ms: i64,
    /// 0 to 100 as the interview had it; `None` when it was not shown.
    pub before: Option<f64>,
    /// 0 to 100 by today's judge; `None` when that is not reliable.
    pub after: Option<f64>,
    /// The judge of the interview, empty when there was none.
    pub judge_before: String,
    /// Today's judge.
    pub judge: String,
    /// The guide's version in the interview, empty when not known.
    pub guide_before: String,
    /// The guide's version today.
    pub guide: String,
    /// Whether the rubric is the one stored with the session, because the
    /// guides hold the question no more.
    #[serde(default)]
    pub stored_rubric: bool,
    /// The points of today's rubric.
    pub points: Vec<PointDrift>,
    /// Mistakes made, by today's judge.
    #[serde(default)]
    pub mistakes: Vec<MadeMistake>,
}

/// One point judged again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointDrift {
    /// The point's identifier.
    pub point: String,
    /// The guide's statement.
    pub text: String,
    /// The verdict of the interview; `None` for a point that is new.
    pub before: Option<Verdict>,
    /// Today's verdict.
    pub after: Verdict,
    /// The candidate's words it rests on.
    #[serde(default)]
    pub quote: Option<String>,
}

/// A mistake that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeMistake {
    /// The mistake's identifier.
    pub mistake: String,
    /// The guide's statement.
    pub text: String,
    /// The words that show it.
    pub quote: String,
}

impl RegradedQuestion {
    /// Returns the points whose verdict is another.
    pub fn changed(&self) -> impl Iterator<Item = &PointDrift> {
        self.points
            .iter()
            .filter(|point| point.before.is_some_and(|before| before != point.after))
    }

    /// Returns how far the score moved, points of 100; `None` where one of the
    /// two is missing.
    pub fn moved(&self) -> Option<f64> {
        Some(self.after? - self.before?)
    }
}

/// What several questions judged again come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Drift {
    /// Questions judged again.
    pub questions: usize,
    /// Points that had a verdict before.
    pub points: usize,
    /// Points whose verdict is another.
    pub changed: usize,
    /// Mean movement of the scores, points of 100; `None` for none.
    pub mean: Option<f64>,
    /// Mean size of the movement, likewise.
    pub size: Option<f64>,
}

/// Sums up what was judged again.
pub fn drift<'a>(questions: impl IntoIterator<Item = &'a RegradedQuestion>) -> Drift {
    let mut out = Drift::default();
    let mut moves = Vec::new();
    for question in questions {
        out.questions += 1;
        out.points += question
            .points
            .iter()
            .filter(|point| point.before.is_some())
            .count();
        out.changed += question.changed().count();
        moves.extend(question.moved());
    }
    if !moves.is_empty() {
        let n = moves.len() as f64;
        out.mean = Some(moves.iter().sum::<f64>() / n);
        out.size = Some(moves.iter().map(|by| by.abs()).sum::<f64>() / n);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(before: Option<f64>, after: Option<f64>) -> RegradedQuestion {
        let point = |id: &str, before, after| PointDrift {
            point: id.to_owned(),
            text: String::new(),
            before,
            after,
            quote: None,
        };
        RegradedQuestion {
            question: "q".to_owned(),
            asked: String::new(),
            attempt: 0,
            at_ms: 0,
            before,
            after,
            judge_before: String::new(),
            judge: String::new(),
            guide_before: String::new(),
            guide: String::new(),
            stored_rubric: false,
            points: vec![
                point("same", Some(Verdict::Covered), Verdict::Covered),
                point("other", Some(Verdict::Missing), Verdict::Partial),
                point("new", None, Verdict::Missing),
            ],
            mistakes: Vec::new(),
        }
    }

    #[test]
    fn drift_counts_what_had_a_verdict_and_moves_what_had_a_score() {
        let all = [
            question(Some(40.0), Some(50.0)),
            question(Some(60.0), Some(56.0)),
            question(None, Some(10.0)),
        ];
        let sum = drift(&all);
        assert_eq!((sum.questions, sum.points, sum.changed), (3, 6, 3));
        assert_eq!((sum.mean, sum.size), (Some(3.0), Some(7.0)));
        assert_eq!(drift(&[]).mean, None);
    }
}
