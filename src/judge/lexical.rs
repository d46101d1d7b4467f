//! Word signals: how much of a statement's informative words an answer says,
//! near each other, and whether it says them the other way round.
//!
//! Words of the question never count: everybody who answers says them.

use std::collections::{HashMap, HashSet};

use super::lexicon::{self, Concept};
use super::text::{Text, WINDOW};

/// Strength of a match by a phrase that says the same thing.
const SYNONYM: f32 = 0.85;

/// Strength of a match by a long common beginning, such as `calibrat`.
const PREFIX: f32 = 0.6;

/// Letters of a common beginning.
const PREFIX_LETTERS: usize = 6;

/// Words before a word in which a negator turns it round.
const NEGATION_REACH: usize = 4;

/// A statement to look for: a rubric point or a mistake.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its words.
    pub text: Text,
    /// How much each word counts; 0 for function words and words of the
    /// question.
    pub weights: Vec<f32>,
    concepts: Vec<Vec<Concept>>,
    negated: Vec<bool>,
}

impl Statement {
    /// Returns `statement`, ready to be looked for. When all its words stand in
    /// the question, they count after all.
    pub fn new(statement: &str, question: &HashSet<String>) -> Self {
        let text = Text::new(statement);
        let weigh = |skip: &HashSet<String>| -> Vec<f32> {
            text.words
                .iter()
                .map(|word| {
                    if word.stop || skip.contains(&word.stem) {
                        0.0
                    } else {
                        lexicon::weight(&word.stem)
                    }
                })
                .collect()
        };
        let mut weights = weigh(question);
        // "Names the metric" is about the metric; "names" frames it.
        if let (Some(first), Some(word)) = (weights.first_mut(), text.words.first())
            && lexicon::is_frame(&word.text)
        {
            *first = 0.0;
        }
        if weights.iter().all(|&weight| weight == 0.0) {
            weights = weigh(&HashSet::new());
        }
        let mut concepts = vec![Vec::new(); text.words.len()];
        for (concept, range) in lexicon::concepts(&text.words) {
            for at in range {
                concepts[at].push(concept);
            }
        }
        let negated = negations(&text);
        Self {
            text,
            weights,
            concepts,
            negated,
        }
    }

    /// Returns the sum of the weights; 0 only for a statement of function words.
    pub fn mass(&self) -> f32 {
        self.weights.iter().sum()
    }
}

/// An answer, ready to be searched.
#[derive(Debug, Clone)]
pub struct Searchable {
    /// Its words.
    pub text: Text,
    stems: HashMap<String, Vec<usize>>,
    concepts: HashMap<Concept, Vec<usize>>,
    negated: Vec<bool>,
}

impl Searchable {
    /// Returns `text`, ready to be searched.
    pub fn new(text: Text) -> Self {
        let mut stems: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, word) in text.words.iter().enumerate() {
            stems.entry(word.stem.clone()).or_default().push(at);
        }
        let mut concepts: HashMap<Concept, Vec<usize>> = HashMap::new();
        for (concept, range) in lexicon::concepts(&text.words) {
            concepts.entry(concept).or_default().push(range.start);
        }
        let negated = negations(&text);
        Self {
            text,
            stems,
            concepts,
            negated,
        }
    }

    /// Returns where and how strongly each word of `statement` is said.
    fn matches(&self, statement: &Statement) -> Vec<Match> {
        let mut out = Vec::new();
        for (word, &weight) in statement.weights.iter().enumerate() {
            if weight == 0.0 {
                continue;
            }
            let mut best: HashMap<usize, f32> = HashMap::new();
            let mut note = |places: &[usize], strength: f32| {
                for &place in places {
                    let entry = best.entry(place).or_insert(0.0);
                    *entry = entry.max(strength);
                }
            };
            let stem = &statement.text.words[word].stem;
            if let Some(places) = self.stems.get(stem) {
                note(places, 1.0);
            }
            for concept in &statement.concepts[word] {
                if let Some(places) = self.concepts.get(concept) {
                    note(places, SYNONYM);
                }
            }
            if let Some(beginning) = stem.get(..PREFIX_LETTERS) {
                for (other, places) in &self.stems {
                    if other != stem && other.starts_with(beginning) {
                        note(places, PREFIX);
                    }
                }
            }
            out.extend(
                best.into_iter()
                    .map(|(at, strength)| Match { at, word, strength }),
            );
        }
        // The maps' order is random; the judgement must not be.
        out.sort_by_key(|found| (found.at, found.word));
        out
    }

    /// Looks for `statement`.
    pub fn find(&self, statement: &Statement) -> Found {
        let mass = statement.mass();
        if mass == 0.0 || self.text.words.is_empty() {
            return Found::default();
        }
        let matches = self.matches(statement);
        let everywhere = recall(&matches, statement) / mass;
        let mut found = Found {
            everywhere,
            ..Found::default()
        };
        let mut best = -1.0;
        for (i, first) in matches.iter().enumerate() {
            if i > 0 && matches[i - 1].at == first.at {
                continue;
            }
            let count = matches[i..]
                .iter()
                .take_while(|next| next.at < first.at + WINDOW)
                .count();
            let here = &matches[i..i + count];
            let near = recall(here, statement) / mass;
            let against = self.contradiction(here, first.at, statement);
            let value = near * (1.0 - 0.25 * against);
            if value > best {
                best = value;
                found.near = near;
                found.against = against;
                found.places = here
                    .iter()
                    .map(|m| (m.at, m.strength * statement.weights[m.word]))
                    .collect();
            }
        }
        found
    }

    /// Returns how much of what matched stands the other way round, 0 to 1: a
    /// negator on one side only, or an antonym in the word's place.
    fn contradiction(&self, here: &[Match], start: usize, statement: &Statement) -> f32 {
        let (mut said, mut turned) = (0.0, 0.0);
        for found in here {
            let weight = found.strength * statement.weights[found.word];
            said += weight;
            if self.negated[found.at] != statement.negated[found.word] {
                turned += weight;
            }
        }
        if said == 0.0 {
            return 0.0;
        }
        let matched: HashSet<usize> = here.iter().map(|found| found.word).collect();
        let end = (start + WINDOW).min(self.text.words.len());
        // The window begins at a word that matched; what it is about may
        // stand a little before.
        let start = start.saturating_sub(NEGATION_REACH);
        let opposed = statement.text.words.iter().enumerate().any(|(at, word)| {
            !matched.contains(&at)
                && !self.text.words[start..end]
                    .iter()
                    .any(|w| w.stem == word.stem)
                && lexicon::antonyms(&word.stem).iter().any(|antonym| {
                    self.stems.get(antonym).is_some_and(|places| {
                        places
                            .iter()
                            .any(|&p| p >= start && p < end && !self.negated[p])
                    })
                })
        });
        let negation = turned / said;
        if opposed {
            // Turned round twice is said straight.
            1.0 - negation
        } else {
            negation
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Match {
    /// Word of the answer.
    at: usize,
    /// Word of the statement.
    word: usize,
    strength: f32,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Share of the statement's weight said in the best window, 0 to 1.
    pub near: f32,
    /// Share of the statement's weight said anywhere, 0 to 1.
    pub everywhere: f32,
    /// How much of what was said in that window is turned round, 0 to 1.
    pub against: f32,
    /// Words of the answer in that window that match, with their weight.
    pub places: Vec<(usize, f32)>,
}

fn recall(matches: &[Match], statement: &Statement) -> f32 {
    let mut best = vec![0.0_f32; statement.weights.len()];
    for found in matches {
        best[found.word] = best[found.word].max(found.strength);
    }
    best.iter()
        .zip(&statement.weights)
        .map(|(strength, weight)| strength * weight)
        .sum()
}

/// Returns for each word whether an odd number of negators stands shortly
/// before it in the same clause. Clauses are told by the words that begin
/// them: there may be no punctuation to tell them by.
fn negations(text: &Text) -> Vec<bool> {
    let negator: Vec<bool> = text
        .words
        .iter()
        .map(|word| lexicon::is_negator(&word.text))
        .collect();
    (0..text.words.len())
        .map(|at| {
            let reach = (at.saturating_sub(NEGATION_REACH)..at).rev();
            let before = reach.take_while(|&i| !begins_clause(&text.words[i + 1].text));
            before.filter(|&i| negator[i]).count() % 2 == 1
        })
        .collect()
}

/// Returns whether `word` usually begins a clause.
fn begins_clause(word: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "i", "we", "you", "they", "he", "she", "it", "and", "but", "so", "because", "if", "when",
        "then", "while", "since", "first", "which", "who", "im", "ive", "id", "ill", "weve",
        "youd", "theyre", "at", "until", "unless", "also", "honestly", "although", "though",
        "after", "before", "instead", "however", "finally",
    ];
    BEGINNINGS.contains(&word)
}

/// Returns the stems of the informative words of a question.
pub fn question_stems(question: &Text) -> HashSet<String> {
    question
        .words
        .iter()
        .filter(|word| !word.stop)
        .map(|word| word.stem.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(statement: &str, answer: &str) -> Found {
        let statement = Statement::new(statement, &HashSet::new());
        Searchable::new(Text::new(answer)).find(&statement)
    }

    #[test]
    fn a_statement_said_outright_is_found_whole() {
        let found = find(
            "Starts from a simple baseline",
            "First I started with a simple baseline.",
        );
        assert!(found.near > 0.99, "{found:?}");
        assert_eq!(found.against, 0.0);
    }

    #[test]
    fn abbreviations_and_synonyms_match() {
        let found = find("Uses cross-validation", "we ran five folds");
        assert!(found.near > 0.4, "{found:?}");
    }

    #[test]
    fn words_far_apart_do_not_add_up_near() {
        let filler = "and then we talked about other matters for a while ".repeat(6);
        let found = find(
            "Calibrates the threshold",
            &format!("calibrate {filler} threshold"),
        );
        assert!(found.everywhere > 0.9 && found.near < 0.7, "{found:?}");
    }

    #[test]
    fn a_negation_on_one_side_turns_it_round() {
        let with = find(
            "Scaling is fitted on all data",
            "scaling is fitted on all data",
        );
        let without = find(
            "Scaling is fitted on all data",
            "scaling is never fitted on all data",
        );
        assert_eq!(with.against, 0.0);
        assert!(without.against > 0.3, "{without:?}");
    }

    #[test]
    fn an_antonym_in_place_of_the_word_turns_it_round() {
        let found = find(
            "Regularisation reduces the variance of the coefficients",
            "regularisation increases the variance of the coefficients",
        );
        assert!(found.against > 0.5, "{found:?}");
    }

    #[test]
    fn words_of_the_question_do_not_count() {
        let question = question_stems(&Text::new("What is regularisation?"));
        let statement = Statement::new("Regularisation penalises large weights", &question);
        let found = Searchable::new(Text::new("regularisation is regularisation")).find(&statement);
        assert_eq!(found.near, 0.0);
    }
}
