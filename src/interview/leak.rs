//! Whether a line gives a rubric point away.
//!
//! A line leaks when it holds a key term of the point, or words of the same
//! stems in the same order, that the candidate has not said already. Stems are
//! Porter2's for English, so that "leaking" and "leakage" count as one word.

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// Returns the lower-case word stems of `text`, in order.
///
/// A hyphenated word counts as its parts, so that "hold-out" and "hold out"
/// are the same.
pub fn stems(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    text.unicode_words()
        .map(|word| {
            let lower = word.to_lowercase().replace('\u{2019}', "'");
            stemmer.stem(&lower).into_owned()
        })
        .collect()
}

/// Returns the first of `key_terms` that `line` gives away: it stands in the
/// line and not in `said`, the candidate's own words.
///
/// ```
/// let terms = vec!["data leakage".to_owned(), "holdout".to_owned()];
/// let said = "I split the data first.";
/// assert_eq!(
///     viva::interview::leak::leaked("Was there any data leakage?", &terms, said),
///     Some("data leakage")
/// );
/// assert_eq!(
///     viva::interview::leak::leaked("How did you split?", &terms, said),
///     None
/// );
/// ```
pub fn leaked<'a>(line: &str, key_terms: &'a [String], said: &str) -> Option<&'a str> {
    let line = stems(line);
    let said = stems(said);
    key_terms.iter().map(String::as_str).find(|term| {
        let term = stems(term);
        holds(&line, &term) && !holds(&said, &term)
    })
}

fn holds(words: &[String], term: &[String]) -> bool {
    !term.is_empty() && words.windows(term.len()).any(|window| window == term)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(list: &[&str]) -> Vec<String> {
        list.iter().map(|term| (*term).to_owned()).collect()
    }

    #[test]
    fn a_word_of_the_same_stem_leaks() {
        let terms = terms(&["scaler", "fit"]);
        let found = leaked("Were the scalers fitted twice?", &terms, "");
        assert_eq!(found, Some("scaler"));
    }

    #[test]
    fn what_the_candidate_said_already_does_not_leak() {
        let terms = terms(&["baseline"]);
        assert_eq!(
            leaked("What was your baseline?", &terms, "I built two baselines."),
            None
        );
        assert_eq!(
            leaked("What was your baseline?", &terms, "I built two models."),
            Some("baseline")
        );
    }

    #[test]
    fn a_term_of_several_words_must_stand_together() {
        let terms = terms(&["time split"]);
        assert_eq!(
            leaked("How much time did the split take?", &terms, ""),
            None
        );
        assert_eq!(
            leaked("Would a time-split help?", &terms, ""),
            Some("time split")
        );
    }

    #[test]
    fn an_empty_term_never_leaks() {
        assert_eq!(leaked("Anything at all?", &terms(&["", "  "]), ""), None);
    }

    proptest::proptest! {
        #[test]
        fn a_line_that_repeats_the_candidate_never_leaks(said in ".{0,120}") {
            let terms: Vec<String> = said.split_whitespace().map(str::to_lowercase).collect();
            proptest::prop_assert_eq!(leaked(&said, &terms, &said), None);
        }
    }
}
