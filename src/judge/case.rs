//! From the bank's questions to cases.

use super::assessment::{Basis, Case, CaseMistake, CasePoint};
use crate::guide::Question;

impl Case {
    /// Returns the case of an `answer` to `question`, asked in the words of
    /// `asked` (a variant, or [`Question::ask`]). Follow-up answers are joined
    /// to the first with a blank line by the caller.
    pub fn from_question(question: &Question, asked: &str, answer: &str) -> Self {
        Self {
            question: asked.to_owned(),
            points: question
                .points
                .iter()
                .map(|point| CasePoint {
                    id: point.id.clone(),
                    text: point.text.clone(),
                    // Weights are at most 100, which an f32 holds exactly.
                    weight: point.weight as f32,
                    kind: point.kind,
                    key_terms: point.key_terms.clone(),
                    star: point.star,
                })
                .collect(),
            mistakes: question
                .mistakes
                .iter()
                .map(|mistake| CaseMistake {
                    id: mistake.id.clone(),
                    text: mistake.text.clone(),
                    severity: mistake.severity,
                })
                .collect(),
            references: vec![question.model_answer.clone()],
            basis: Basis::Rubric,
            // A story is also asked for outside the behavioural round, by
            // the project walk-through for one: its points say so.
            behavioural: question.points.iter().any(|point| point.star.is_some()),
            answer: answer.to_owned(),
        }
    }
}
