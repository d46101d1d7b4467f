//! What is looked for in an answer, by whom.

use std::borrow::Cow;
use std::collections::HashSet;

use super::assessment::{Basis, Case, CasePoint};
use super::lexical::{Searchable, Statement};

/// Returns the points that reader and matcher are asked about: the sentences of
/// a model answer are not, it is compared as a whole.
pub(super) fn asked(case: &Case) -> &[CasePoint] {
    match case.basis {
        Basis::Rubric | Basis::Both | Basis::Statements => &case.points,
        Basis::Reference => &[],
    }
}

/// Returns the model answers that the answer is compared with as a whole.
pub(super) fn model_answers(case: &Case) -> Vec<Cow<'_, str>> {
    match case.basis {
        Basis::Rubric | Basis::Statements => Vec::new(),
        Basis::Both => case.references.iter().map(|r| r.as_str().into()).collect(),
        Basis::Reference => {
            let sentences: Vec<&str> = case.points.iter().map(|p| p.text.as_str()).collect();
            vec![sentences.join(" ").into()]
        }
    }
}

/// Returns the points, then the mistakes, then the question, as statements to find.
pub(super) fn statements(case: &Case, question: &HashSet<String>) -> Vec<Statement> {
    let points = case.points.iter().map(|point| point.text.as_str());
    let mistakes = case.mistakes.iter().map(|mistake| mistake.text.as_str());
    let mut out: Vec<Statement> = points
        .chain(mistakes)
        .map(|text| Statement::new(text, question))
        .collect();
    out.push(Statement::new(&case.question, &HashSet::new()));
    out
}

/// Returns what an answer is to be about: the question and all its points.
pub(super) fn about(case: &Case) -> String {
    let points = case.points.iter().map(|point| point.text.as_str());
    let all: Vec<&str> = std::iter::once(case.question.as_str())
        .chain(points)
        .collect();
    all.join(" ")
}

/// Returns how many of the point's key terms the answer says: one is half of
/// what two are. Terms of the question do not count.
pub(super) fn terms(point: &CasePoint, answer: &Searchable, question: &HashSet<String>) -> f32 {
    let said = point
        .key_terms
        .iter()
        .map(|term| Statement::new(term, question))
        .filter(|term| term.mass() > 0.0 && answer.find(term).near >= 0.8)
        .count();
    match said {
        0 => 0.0,
        1 => 0.6,
        2 => 0.85,
        _ => 1.0,
    }
}
