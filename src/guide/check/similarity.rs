//! How close two wordings of a question are.

use std::collections::BTreeSet;

use unicode_segmentation::UnicodeSegmentation;

use crate::interview::leak::stems;

/// From this similarity on a rewording is called too close to another wording.
///
/// Half of the letters' trigrams or half of the content words in common means
/// that the sentence was kept and words were exchanged. Among the rewordings
/// of the built-in bank, written as other scenarios, none reaches 0.45;
/// exchanging two words of a question of fifteen leaves about 0.7.
pub const TOO_CLOSE: f64 = 0.5;

/// Words that two questions may share without being alike.
const COMMON: &[&str] = &[
    "a", "about", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "did", "do",
    "does", "for", "from", "had", "has", "have", "how", "i", "if", "in", "is", "it", "its", "me",
    "my", "of", "on", "or", "so", "tell", "that", "the", "their", "them", "then", "there", "they",
    "this", "to", "us", "was", "we", "were", "what", "when", "where", "which", "who", "why",
    "will", "with", "would", "you", "your", "describe", "explain", "walk", "through",
];

/// Returns the similarity of two wordings, 0 (nothing in common) to 1 (the
/// same): the larger of the Dice coefficient of their letter trigrams and the
/// Jaccard index of their content words' stems.
pub fn similarity(one: &str, other: &str) -> f64 {
    let trigrams = dice(&trigrams(one), &trigrams(other));
    let words = jaccard(&content(one), &content(other));
    trigrams.max(words)
}

fn trigrams(text: &str) -> BTreeSet<String> {
    let letters: Vec<char> = text
        .unicode_words()
        .flat_map(|word| word.chars().chain([' ']))
        .flat_map(char::to_lowercase)
        .collect();
    letters.windows(3).map(String::from_iter).collect()
}

fn content(text: &str) -> BTreeSet<String> {
    let plain: String = text
        .unicode_words()
        .filter(|word| !COMMON.contains(&word.to_lowercase().as_str()))
        .flat_map(|word| [word, " "])
        .collect();
    stems(&plain).into_iter().collect()
}

fn dice(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let total = one.len() + other.len();
    if total == 0 {
        return 0.0;
    }
    2.0 * one.intersection(other).count() as f64 / total as f64
}

fn jaccard(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let shared = one.intersection(other).count();
    let total = one.len() + other.len() - shared;
    // Two or three content words decide nothing.
    if total < 4 {
        return 0.0;
    }
    shared as f64 / total as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanging_a_word_is_too_close() {
        let ask = "How would you debug a model whose performance has degraded in production?";
        let near =
            "How would you investigate a model whose performance has worsened in production?";
        let far = "On Monday the click rate of your ranker is a third lower and nobody has deployed. Where do you look?";
        assert!(
            similarity(ask, near) >= TOO_CLOSE,
            "{}",
            similarity(ask, near)
        );
        assert!(
            similarity(ask, far) < TOO_CLOSE / 2.0,
            "{}",
            similarity(ask, far)
        );
    }

    #[test]
    fn a_wording_is_the_same_as_itself_and_nothing_is_like_nothing() {
        let ask = "Where would the money go if you had twice as much of it?";
        assert!((similarity(ask, ask) - 1.0).abs() < 1e-9);
        assert_eq!(similarity("", ""), 0.0);
    }

    proptest::proptest! {
        #[test]
        fn similarity_is_symmetric_and_bounded(one in "\\PC{0,80}", other in "\\PC{0,80}") {
            let there = similarity(&one, &other);
            proptest::prop_assert!((0.0..=1.0).contains(&there));
            proptest::prop_assert_eq!(there, similarity(&other, &one));
        }
    }
}
