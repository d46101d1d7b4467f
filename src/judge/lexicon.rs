//! What is known of words: function words, how informative a word is, phrases
//! that say the same thing, negators and antonyms.
//!
//! The lists are data files in `data/`, embedded and read once.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use super::text::{self, Word};

/// Weight of a word that is in no list: rare words tell most. The natural
/// logarithm of the number of groups `word_weights.txt` was counted in.
const UNKNOWN_WEIGHT: f32 = 5.4;

/// A group of phrases that say the same thing.
pub type Concept = u16;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::load);

static STOP_WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| listed(include_str!("data/stop_words.txt")).collect());

static NEGATORS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| listed(include_str!("data/negators.txt")).collect());

static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let weighted = include_str!("data/word_weights.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(' ').next());
    let named = include_str!("data/synonyms.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split([',', ' ']));
    weighted
        .chain(named)
        .filter(|word| word.len() >= 4)
        .collect()
});

struct Lexicon {
    weights: HashMap<String, f32>,
    phrases: HashMap<String, Vec<(Vec<String>, Concept)>>,
    antonyms: HashMap<String, Vec<String>>,
}

impl Lexicon {
    fn load() -> Self {
        let mut weights: HashMap<String, f32> = HashMap::new();
        for file in [
            include_str!("data/word_weights.txt"),
            include_str!("data/domain_weights.txt"),
        ] {
            for line in file.lines().filter(|line| !line.starts_with('#')) {
                let Some((word, tenths)) = line.split_once(' ') else {
                    continue;
                };
                let Ok(tenths) = tenths.trim().parse::<f32>() else {
                    continue;
                };
                // The commonest form of a stem decides.
                let weight = weights.entry(text::stem(word)).or_insert(UNKNOWN_WEIGHT);
                *weight = weight.min(tenths / 10.0);
            }
        }
        let mut phrases: HashMap<String, Vec<(Vec<String>, Concept)>> = HashMap::new();
        let groups = include_str!("data/synonyms.txt")
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        for (concept, line) in (0..).zip(groups) {
            for phrase in line.split(',') {
                let stems: Vec<String> = phrase.split_whitespace().map(text::stem).collect();
                if let Some(first) = stems.first() {
                    phrases
                        .entry(first.clone())
                        .or_default()
                        .push((stems, concept));
                }
            }
        }
        let mut antonyms: HashMap<String, Vec<String>> = HashMap::new();
        for line in include_str!("data/antonyms.txt").lines() {
            let Some((one, other)) = line.split_once(' ').filter(|_| !line.starts_with('#')) else {
                continue;
            };
            let (one, other) = (text::stem(one), text::stem(other));
            antonyms.entry(one.clone()).or_default().push(other.clone());
            antonyms.entry(other).or_default().push(one);
        }
        Self {
            weights,
            phrases,
            antonyms,
        }
    }
}

fn listed(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
}

/// Returns whether a lower-case word is a function word or a filler.
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(word)
}

/// Returns whether a lower-case word turns a statement round.
pub fn is_negator(word: &str) -> bool {
    NEGATORS.contains(word)
}

/// Returns whether a word at the beginning of a rubric point only frames it,
/// as in "Names the metric".
pub fn is_frame(word: &str) -> bool {
    const FRAMES: &[&str] = &[
        "names",
        "explains",
        "describes",
        "says",
        "gives",
        "mentions",
        "states",
        "shows",
        "tells",
        "lists",
        "notes",
        "points",
        "argues",
        "claims",
        "suggests",
        "proposes",
        "recommends",
        "offers",
        "admits",
        "acknowledges",
        "recognises",
        "identifies",
        "defines",
        "discusses",
        "covers",
        "outlines",
        "sketches",
        "illustrates",
        "believes",
        "thinks",
        "treats",
        "talks",
        "speaks",
        "brings",
        "makes",
        "sets",
    ];
    FRAMES.contains(&word)
}

/// Returns how informative a stem is: an inverse document frequency as a
/// natural logarithm, about 1 to 5.4.
pub fn weight(stem: &str) -> f32 {
    LEXICON.weights.get(stem).copied().unwrap_or(UNKNOWN_WEIGHT)
}

/// Returns the stems that say the opposite of `stem`.
pub fn antonyms(stem: &str) -> &'static [String] {
    LEXICON.antonyms.get(stem).map_or(&[], Vec::as_slice)
}

/// Returns the phrases of the field found in `words`, with the words they are
/// made of. Phrases may overlap.
pub fn concepts(words: &[Word]) -> Vec<(Concept, Range<usize>)> {
    let mut out = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let Some(phrases) = LEXICON.phrases.get(&word.stem) else {
            continue;
        };
        for (stems, concept) in phrases {
            let end = at + stems.len();
            let fits = words.get(at..end).is_some_and(|here| {
                here.iter()
                    .zip(stems)
                    .all(|(word, stem)| word.stem == *stem)
            });
            if fits {
                out.push((*concept, at..end));
            }
        }
    }
    out
}

/// Splits a word such as `crossvalidation` into the two known words it is
/// made of; `None` for a word that is known or cannot be split.
pub fn split_compound(word: &str) -> Option<(&str, &str)> {
    if word.len() < 9 || !word.is_ascii() || KNOWN.contains(word) || is_stop_word(word) {
        return None;
    }
    (4..=word.len() - 4)
        .map(|at| word.split_at(at))
        .find(|(first, second)| KNOWN.contains(first) && KNOWN.contains(second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::text::Text;

    fn same(one: &str, other: &str) -> bool {
        let one = concepts(&Text::new(one).words);
        let other = concepts(&Text::new(other).words);
        one.iter().any(|(c, _)| other.iter().any(|(d, _)| c == d))
    }

    #[test]
    fn an_abbreviation_is_its_long_form() {
        assert!(same("k-fold", "Cross-Validation"));
        assert!(same("PCA", "principal component analysis"));
        assert!(!same("PCA", "docker"));
    }

    #[test]
    fn rare_words_weigh_more_than_common_ones() {
        assert!(weight(&text::stem("isotonic")) > weight(&text::stem("function")));
        assert!(weight(&text::stem("model")) < 2.0);
    }

    #[test]
    fn opposites_know_each_other() {
        assert!(antonyms(&text::stem("higher")).contains(&text::stem("lower")));
        assert!(antonyms(&text::stem("table")).is_empty());
    }

    #[test]
    fn only_unknown_words_are_split() {
        assert_eq!(
            split_compound("crossvalidation"),
            Some(("cross", "validation"))
        );
        assert_eq!(split_compound("regularisation"), None);
        assert_eq!(split_compound("zzzzzzzzzzzz"), None);
    }
}
