//! Whether an answer tells a story of the bank again.
//!
//! Nobody tells a story twice in the same words, but its names, things and
//! numbers come back. So what is compared are the informative stems of both
//! texts, each counted once and weighed by how rare it is; the likeness is the
//! weight they share over the weight of the smaller of the two, so that a short
//! telling of a long story is one.

use std::collections::HashMap;

use crate::judge::lexicon;
use crate::judge::text::Text;

/// Likeness from which an answer is a story told again.
///
/// Measured on the stories of `tests/fixtures/stories` and on the guides' 48
/// behavioural model answers, all in one field and so in many of the same
/// words: the four retellings there reach 0.48 to 0.85, while of the 1,128 pairs
/// of model answers none is above 0.32, and no story is above 0.36 with a model
/// answer or 0.26 with another story. 0.40 lies between.
pub const RETOLD: f32 = 0.4;

/// Different informative stems below which a text is too short to tell.
const LEAST_STEMS: usize = 12;

/// What a text is compared by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Print(HashMap<String, f32>);

impl Print {
    /// Returns the print of `text`.
    pub fn of(text: &str) -> Self {
        Self(
            Text::new(text)
                .words
                .into_iter()
                .filter(|word| !word.stop)
                .map(|word| {
                    let weight = lexicon::weight(&word.stem);
                    (word.stem, weight)
                })
                .collect(),
        )
    }

    fn mass(&self) -> f32 {
        self.0.values().sum()
    }

    /// Returns how alike two texts are, 0 to 1; 0 when one is too short to
    /// tell.
    pub fn likeness(&self, other: &Self) -> f32 {
        if self.0.len().min(other.0.len()) < LEAST_STEMS {
            return 0.0;
        }
        let smaller = self.mass().min(other.mass());
        if smaller <= 0.0 {
            return 0.0;
        }
        // Added in one order, so that the last digits do not depend on the map's.
        let mut shared: Vec<f32> = self
            .0
            .iter()
            .filter(|(stem, _)| other.0.contains_key(*stem))
            .map(|(_, weight)| *weight)
            .collect();
        shared.sort_by(f32::total_cmp);
        (shared.iter().sum::<f32>() / smaller).min(1.0)
    }
}

/// Returns which of `stories` the `answer` tells, with the likeness; `None`
/// when it tells none of them.
pub fn told(answer: &str, stories: &[Print]) -> Option<(usize, f32)> {
    let answer = Print::of(answer);
    stories
        .iter()
        .map(|story| answer.likeness(story))
        .enumerate()
        .max_by(|(a, one), (b, other)| one.total_cmp(other).then(b.cmp(a)))
        .filter(|(_, likeness)| *likeness >= RETOLD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::Library;
    use crate::stories::is_behavioural;

    const STORIES: [(&str, &str); 5] = [
        (
            "feed",
            include_str!("../../tests/fixtures/stories/feed.txt"),
        ),
        (
            "sceptic",
            include_str!("../../tests/fixtures/stories/sceptic.txt"),
        ),
        (
            "junior",
            include_str!("../../tests/fixtures/stories/junior.txt"),
        ),
        (
            "deadline",
            include_str!("../../tests/fixtures/stories/deadline.txt"),
        ),
        (
            "outage",
            include_str!("../../tests/fixtures/stories/outage.txt"),
        ),
    ];

    fn bank() -> Vec<Print> {
        STORIES.iter().map(|(_, text)| Print::of(text)).collect()
    }

    fn name(found: Option<(usize, f32)>) -> Option<&'static str> {
        found.map(|(at, _)| STORIES[at].0)
    }

    #[test]
    fn a_story_told_again_in_other_words_is_known() {
        for (text, story) in [
            (
                include_str!("../../tests/fixtures/stories/feed-retold-1.txt"),
                "feed",
            ),
            (
                include_str!("../../tests/fixtures/stories/feed-retold-2.txt"),
                "feed",
            ),
            (
                include_str!("../../tests/fixtures/stories/sceptic-retold-1.txt"),
                "sceptic",
            ),
            (
                include_str!("../../tests/fixtures/stories/junior-retold-1.txt"),
                "junior",
            ),
        ] {
            let found = told(text, &bank());
            assert_eq!(name(found), Some(story), "{found:?}");
        }
        for (at, (name, text)) in STORIES.iter().enumerate() {
            let found = told(text, &bank());
            assert!(
                found.is_some_and(|(i, l)| i == at && l > 0.99),
                "{name}: {found:?}"
            );
        }
    }

    #[test]
    fn another_story_of_the_same_field_is_another_story() {
        for (at, (name, text)) in STORIES.iter().enumerate() {
            let mut others = bank();
            others.remove(at);
            assert_eq!(told(text, &others), None, "{name}");
        }
        let library = Library::built_in();
        let answers: Vec<Print> = library
            .questions()
            .filter(|question| is_behavioural(question))
            .map(|question| Print::of(&question.model_answer))
            .collect();
        assert!(answers.len() > 40);
        let mut most: f32 = 0.0;
        for (at, one) in answers.iter().enumerate() {
            for other in answers[..at].iter().chain(&bank()) {
                most = most.max(one.likeness(other));
            }
        }
        assert!(most < RETOLD - 0.03, "{most}");
    }

    #[test]
    fn a_few_words_are_no_story() {
        let thin = include_str!("../../tests/fixtures/stories/thin.txt");
        assert_eq!(told(thin, &bank()), None);
        assert_eq!(told("", &bank()), None);
        assert_eq!(told("The vendor renamed a column.", &bank()), None);
        assert_eq!(told("anything", &[]), None);
    }
}
