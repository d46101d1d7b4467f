//! Finding questions by words.

use std::collections::{BTreeMap, BTreeSet};

use super::library::Library;
use super::model::Question;
use crate::interview::leak::stems;

/// A question that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit<'a> {
    /// The question.
    pub question: &'a Question,
    /// How well it fits; only the order means anything.
    pub score: f64,
}

/// How much a word counts where it stands: what a question is about says more
/// than what its model answer happens to mention.
const HEADLINE: f64 = 4.0;
const RUBRIC: f64 = 2.0;
const BODY: f64 = 1.0;

/// Returns the questions that hold the words of `query` by stem, best first;
/// equally good ones stand in the order of the guides. A question must hold
/// every word, unless none does: then any word will do.
pub fn search<'a>(library: &'a Library, query: &str) -> Vec<Hit<'a>> {
    let wanted: BTreeSet<String> = stems(query).into_iter().collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let indexed: Vec<(&Question, BTreeMap<String, f64>)> = library
        .questions()
        .map(|question| (question, index(question)))
        .collect();
    let rarity: BTreeMap<&String, f64> = wanted
        .iter()
        .map(|stem| {
            let holding = indexed
                .iter()
                .filter(|(_, words)| words.contains_key(stem))
                .count();
            // Smoothed inverse document frequency, as in BM25.
            let number = indexed.len() as f64;
            let rare = ((number - holding as f64 + 0.5) / (holding as f64 + 0.5) + 1.0).ln();
            (stem, rare)
        })
        .collect();
    let find = |all: bool| {
        indexed
            .iter()
            .filter(|(_, words)| {
                let mut held = wanted.iter().map(|stem| words.contains_key(stem));
                if all {
                    held.all(|held| held)
                } else {
                    held.any(|held| held)
                }
            })
            .map(|(question, words)| Hit {
                question,
                score: wanted
                    .iter()
                    .filter_map(|stem| Some(words.get(stem)? * rarity.get(stem)?))
                    .sum(),
            })
            .collect::<Vec<_>>()
    };
    let mut hits = find(true);
    if hits.is_empty() {
        hits = find(false);
    }
    hits.sort_by(|one, other| other.score.total_cmp(&one.score));
    hits
}

/// Returns the stems of a question with their weights.
fn index(question: &Question) -> BTreeMap<String, f64> {
    let mut words = BTreeMap::new();
    let mut add = |text: &str, weight: f64| {
        for stem in stems(text) {
            let known = words.entry(stem).or_insert(0.0_f64);
            *known = known.max(weight);
        }
    };
    add(&question.id.replace('-', " "), HEADLINE);
    add(&question.concept.replace('-', " "), HEADLINE);
    add(&question.ask, HEADLINE);
    for variant in &question.variants {
        add(variant, RUBRIC);
    }
    for point in &question.points {
        add(&point.text, RUBRIC);
        add(&point.key_terms.join(" "), RUBRIC);
    }
    for mistake in &question.mistakes {
        add(&mistake.text, BODY);
    }
    add(&question.model_answer, BODY);
    add(&question.panel_note, BODY);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::{Document, Origin};

    fn library() -> Library {
        let mut library = Library::built_in();
        let text = include_str!("../../tests/fixtures/guides/tiny.toml");
        let document = Document::new("tiny.toml", text).expect("small");
        library.add_guide(&document, Origin::BuiltIn);
        library
    }

    #[test]
    fn words_are_found_by_their_stem() {
        let library = library();
        let hits = search(&library, "rehearsing outages with jittering");
        assert_eq!(hits[0].question.id, "tiny-retry-storm");
    }

    #[test]
    fn what_a_question_is_about_comes_before_what_it_mentions() {
        let library = library();
        let hits = search(&library, "overfitting");
        assert!(hits.len() > 1);
        assert_eq!(hits[0].question.concept, "overfitting");
        assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }

    #[test]
    fn nothing_is_found_for_no_words() {
        let library = library();
        assert!(search(&library, " ?! ").is_empty());
        assert!(search(&library, "xylophone").is_empty());
    }
}
