//! Which story fits which behavioural question.
//!
//! Two things are known of a pair: the score the judge gives the story as an
//! answer, and how near the two are in meaning. The judge looks for the points
//! of a question and takes any well-told story for half of them; nearness
//! knows what a text is about and not how well it is told. A fit needs both.

use std::collections::BTreeMap;

use super::likeness::Print;
use crate::guide::{Competency, Question};

/// Stories shown for a question, and questions for a story.
pub const BEST: usize = 3;

/// Nearness at which a story is about something else, and from which it is
/// about the question: cosines of this encoder between a story and the points
/// of a question.
const FAR: f32 = 0.1;
const NEAR: f32 = 0.5;

/// What is left of a score when the story is about something else.
const LEAST: f32 = 0.2;

/// Share of the strongest competency's weight from which a second is
/// suggested too.
const ALSO: f32 = 0.6;

/// A story as an answer to a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Index of the story.
    pub story: usize,
    /// Index of the question.
    pub question: usize,
    /// The judge's score of the story as an answer, 0 to 100.
    pub score: f32,
    /// How near the two are in meaning, a cosine.
    pub near: f32,
}

impl Fit {
    /// Returns how well the story fits, 0 to 100.
    pub fn value(&self) -> f32 {
        let about = ((self.near - FAR) / (NEAR - FAR)).clamp(0.0, 1.0);
        self.score * (LEAST + (1.0 - LEAST) * about)
    }
}

/// Returns what a question asks for, in the words that are compared.
pub fn wording(question: &Question) -> String {
    let mut out = question.ask.clone();
    for point in &question.points {
        out.push_str(". ");
        out.push_str(&point.text);
    }
    out
}

/// Returns the cosine of two vectors of unit length.
pub fn cosine(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

/// Returns how near a story and a question are by their words alone, for a
/// machine without an embedder: the weight they share.
pub fn near_by_words(story: &str, question: &Question) -> f32 {
    Print::of(story).likeness(&Print::of(&wording(question)))
}

/// Returns the indices of the `count` largest of `near`, largest first.
pub fn nearest(near: &[f32], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..near.len()).collect();
    order.sort_by(|&a, &b| near[b].total_cmp(&near[a]).then(a.cmp(&b)));
    order.truncate(count);
    order
}

/// Returns the best of `fits` that `keep` lets through, best first.
pub fn best(fits: &[Fit], keep: impl Fn(&Fit) -> bool) -> Vec<Fit> {
    let mut out: Vec<Fit> = fits.iter().copied().filter(|fit| keep(fit)).collect();
    out.sort_by(|a, b| {
        b.value()
            .total_cmp(&a.value())
            .then((a.story, a.question).cmp(&(b.story, b.question)))
    });
    out.truncate(BEST);
    out
}

/// Returns the one or two competencies that a story shows, by the questions it
/// fits best: `fits` are of this story, `questions` what their indices mean.
pub fn suggest(fits: &[Fit], questions: &[&Question]) -> Vec<Competency> {
    let mut weights: BTreeMap<Competency, f32> = BTreeMap::new();
    for (rank, fit) in best(fits, |_| true).iter().enumerate() {
        let Some(question) = questions.get(fit.question) else {
            continue;
        };
        // A question's competencies come most important first.
        for (place, competency) in question.competencies.iter().enumerate() {
            *weights.entry(*competency).or_default() +=
                fit.value() / ((1 + rank) * (1 + place)) as f32;
        }
    }
    let mut order: Vec<(Competency, f32)> = weights
        .into_iter()
        .filter(|(_, weight)| *weight > 0.0)
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let most = order.first().map_or(0.0, |(_, weight)| *weight);
    order
        .into_iter()
        .take(2)
        .filter(|(_, weight)| *weight >= ALSO * most)
        .map(|(competency, _)| competency)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::Library;

    fn fit(story: usize, question: usize, score: f32, near: f32) -> Fit {
        Fit {
            story,
            question,
            score,
            near,
        }
    }

    #[test]
    fn a_well_told_story_about_something_else_does_not_fit() {
        assert!(fit(0, 0, 96.0, 0.1).value() < fit(1, 0, 76.0, 0.4).value());
        assert!(fit(0, 0, 40.0, 0.5).value() < fit(1, 0, 80.0, 0.5).value());
        assert_eq!(fit(0, 0, 80.0, 0.9).value(), 80.0);
    }

    #[test]
    fn the_best_come_first_and_are_few() {
        let fits: Vec<Fit> = (0..5).map(|n| fit(n, 0, 10.0 * n as f32, 0.5)).collect();
        let stories: Vec<usize> = best(&fits, |fit| fit.question == 0)
            .iter()
            .map(|fit| fit.story)
            .collect();
        assert_eq!(stories, [4, 3, 2]);
        assert_eq!(best(&fits, |fit| fit.question == 1), []);
        assert_eq!(nearest(&[0.1, 0.3, 0.2], 2), [1, 2]);
    }

    #[test]
    fn tags_are_those_of_the_questions_it_fits() {
        let library = Library::built_in();
        let question = |id: &str| library.question(id).expect("in the bank");
        let questions = [
            question("mentored-junior"),
            question("trust-in-new-team"),
            question("tight-budget"),
        ];
        let fits = [
            fit(0, 0, 80.0, 0.5),
            fit(0, 1, 60.0, 0.4),
            fit(0, 2, 20.0, 0.1),
        ];
        // Leadership comes second in both, so it is half as strong.
        assert_eq!(suggest(&fits, &questions), [Competency::Collaboration]);
        assert_eq!(suggest(&[], &questions), []);
    }

    #[test]
    fn by_words_a_question_is_nearest_to_itself_and_a_scrap_to_nothing() {
        let library = Library::built_in();
        let question = library.question("mentored-junior").expect("in the bank");
        let other = library.question("clear-charts").expect("in the bank");
        let own = near_by_words(&wording(question), question);
        assert!((own - 1.0).abs() < 1e-6, "{own}");
        assert!(near_by_words(&wording(question), other) < own);
        assert_eq!(near_by_words("a junior", question), 0.0);
    }
}
