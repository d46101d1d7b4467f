//! Signals into a probability, and a probability into a verdict.
//!
//! A logistic combination whose weights are a data file, `models/judge.toml`.
//! It is monotone: no weight of a signal that speaks for a point is negative,
//! and that is checked when the file is read. The fit is a probability already
//! (log loss), so nothing is calibrated afterwards.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::assessment::Verdict;
use super::semantic::Agreement;

/// Share of what is said close together in what is said at all. Small, since
/// the order in which somebody says things is not what is judged, and there
/// may be no punctuation to tell sentences by.
const LOCAL: f32 = 0.2;

/// An answer this near to its question is about it; nearer is no better. The
/// median of the answers to other questions lies at .18, of real ones at .41.
const FULLY_ABOUT: f32 = 0.35;

/// The same by the matcher's vectors.
const FULLY_ANSWERS: f32 = 0.25;

/// What is known about one statement and one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Signals {
    /// Share of the statement's informative words said close together, 0 to 1.
    pub near: f32,
    /// Share of them said anywhere, 0 to 1.
    pub everywhere: f32,
    /// How much of what was said is turned round, 0 to 1.
    pub against: f32,
    /// How many of the point's key terms were said, 0 to 1.
    pub terms: f32,
    /// How clearly the STAR part was told, 0 to 1; 0 for other points.
    pub star: f32,
    /// How near the whole answer is to question and points together: the cosine
    /// of their mean vectors, -1 to 1; 0 without an encoder.
    pub about: f32,
    /// Signals of the encoder, when there is one.
    pub meaning: Option<Meaning>,
    /// What the trained reader says, when there is one.
    pub reader: Option<Reading>,
    /// The matcher's logit of the statement being there, when there is one.
    pub matcher: Option<f32>,
    /// How near the whole answer is to question and points together by the
    /// matcher: the cosine of their mean vectors, -1 to 1; 0 without.
    pub topic: f32,
    /// How much of the whole answer the reader finds wrong: the mean over the
    /// points, or the strongest mistake, whichever is more, 0 to 1. Somebody
    /// who is wrong about most of a matter seldom makes the rest of it.
    pub doubt: f32,
}

/// What the trained reader says of one statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Reading {
    /// Logit of "yes" against "no" and "wrong" together.
    pub yes: f32,
    /// Probability of "wrong" among the three, 0 to 1.
    pub wrong: f32,
}

impl Reading {
    /// What is read where nothing was said.
    pub const SILENCE: Self = Self {
        yes: -8.0,
        wrong: 0.0,
    };

    /// Returns the reading of two windows together: said in either is said.
    pub fn either(self, other: Self) -> Self {
        Self {
            yes: self.yes.max(other.yes),
            wrong: self.wrong.max(other.wrong),
        }
    }

    /// Returns how much of an answer is wrong whose first `points` readings
    /// are of points and the others of mistakes; see [`Signals::doubt`].
    pub fn doubt(all: &[Self], points: usize) -> f32 {
        let (points, mistakes) = all.split_at(points.min(all.len()));
        let sum: f32 = points.iter().map(|reading| reading.wrong).sum();
        let mean = sum / points.len().max(1) as f32;
        mistakes
            .iter()
            .map(|reading| reading.probability())
            .fold(mean, f32::max)
    }

    /// Returns the reading's own probability of "yes", 0 to 1.
    pub fn probability(self) -> f32 {
        logistic(self.yes)
    }

    /// Returns the reading of the logits of "yes", "no" and "wrong"; neutral
    /// when they are not three numbers.
    pub fn new(logits: &[f32]) -> Self {
        let &[yes, no, wrong] = logits else {
            return Self::default();
        };
        if !(yes.is_finite() && no.is_finite() && wrong.is_finite()) {
            return Self::default();
        }
        let most = no.max(wrong);
        let others = most + ((no - most).exp() + (wrong - most).exp()).ln();
        let top = yes.max(most);
        let all = (yes - top).exp() + (no - top).exp() + (wrong - top).exp();
        Self {
            yes: yes - others,
            wrong: (wrong - top).exp() / all,
        }
    }
}

/// How much of a whole model answer was said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Whole {
    /// By token vectors.
    pub agreement: Agreement,
    /// The matcher's logit of it, when there is a matcher.
    pub matcher: Option<f32>,
    /// The reader's logit of it, when there is a reader.
    pub reader: Option<f32>,
}

/// Signals of the encoder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Meaning {
    /// Late interaction within the best window, 0 to 1.
    pub near: f32,
    /// Late interaction over the whole answer, 0 to 1.
    pub everywhere: f32,
    /// Cosine of the means of statement and best window, 0 to 1.
    pub pooled: f32,
}

/// Where the verdicts begin.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Covered from here.
    pub covered: f32,
    /// Partial from here.
    pub partial: f32,
    /// Unsure between here...
    pub unsure_low: f32,
    /// ...and here,
    pub unsure_high: f32,
    /// when words and meaning differ by more than this.
    pub disagreement: f32,
    /// Wrong when at least this share was said,
    pub wrong_said: f32,
    /// and at least this share of it is turned round.
    pub wrong_against: f32,
    /// Wrong when the trained reader gives "wrong" this probability.
    pub wrong_read: f32,
    /// A mistake counts as made from here.
    pub mistake: f32,
}

/// The weights of one combination.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    intercept: f32,
    said: f32,
    terms: f32,
    star: f32,
    against: f32,
    #[serde(default)]
    meaning: f32,
    #[serde(default)]
    pooled: f32,
    #[serde(default)]
    reader: f32,
    #[serde(default)]
    wrong: f32,
    #[serde(default)]
    doubt: f32,
    #[serde(default)]
    about: f32,
    #[serde(default)]
    matcher: f32,
    #[serde(default)]
    topic: f32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistakes {
    shift: f32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct References {
    /// Share of what was said of the whole in each sentence's probability.
    share: f32,
    intercept: f32,
    said: f32,
    telling: f32,
    extent: f32,
    #[serde(default)]
    matcher: f32,
    #[serde(default)]
    reader: f32,
}

/// Everything in `models/judge.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Version of the weights.
    pub version: String,
    /// Where the verdicts begin.
    pub thresholds: Thresholds,
    words: Weights,
    vectors: Weights,
    read: Weights,
    statements: Weights,
    mistakes: Mistakes,
    mistakes_read: Weights,
    references: References,
    references_vectors: References,
}

static SHIPPED: LazyLock<Result<Parameters, String>> =
    LazyLock::new(|| Parameters::parse(include_str!("../../models/judge.toml")));

impl Parameters {
    /// Returns the shipped parameters.
    ///
    /// # Errors
    /// Fails when the embedded file is not valid, which a test rules out.
    pub fn shipped() -> crate::Result<&'static Self> {
        SHIPPED.as_ref().map_err(|reason| {
            crate::Error::internal(format!("the judge's weights are not valid: {reason}"))
        })
    }

    /// Returns the parameters written in `text`.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let t = &read.thresholds;
        if !(0.0 < t.partial && t.partial <= t.covered && t.covered < 1.0) {
            return Err("thresholds must rise from partial to covered".into());
        }
        for whole in [&read.references, &read.references_vectors] {
            if !(0.0..=1.0).contains(&whole.share) {
                return Err("the share of a whole model answer must be 0 to 1".into());
            }
            let for_it = [
                whole.said,
                whole.telling,
                whole.extent,
                whole.matcher,
                whole.reader,
            ];
            if for_it.iter().any(|weight| weight.is_nan() || *weight < 0.0) {
                return Err("a weight has the wrong sign".into());
            }
        }
        for weights in [
            &read.words,
            &read.vectors,
            &read.read,
            &read.statements,
            &read.mistakes_read,
        ] {
            let for_it = [
                weights.said,
                weights.terms,
                weights.star,
                weights.meaning,
                weights.pooled,
                weights.reader,
                weights.about,
                weights.matcher,
                weights.topic,
                -weights.wrong,
                -weights.doubt,
                -weights.against,
            ];
            if for_it.iter().any(|weight| weight.is_nan() || *weight < 0.0) {
                return Err("a weight has the wrong sign".into());
            }
        }
        Ok(read)
    }

    /// Returns the probability that the answer makes the point.
    pub fn point(&self, signals: &Signals) -> f32 {
        let weights = match (signals.meaning, signals.reader) {
            (_, Some(_)) => &self.read,
            (Some(_), None) => &self.vectors,
            (None, None) => &self.words,
        };
        logistic(weights.logit(signals))
    }

    /// Returns the probability that a text says a statement, where nothing was
    /// asked. Words tell more there than in answers to a question.
    pub fn statement(&self, signals: &Signals) -> f32 {
        match signals.reader {
            Some(_) => logistic(self.statements.logit(signals)),
            None => self.point(signals),
        }
    }

    /// Returns the probability that the answer makes the mistake.
    pub fn mistake(&self, signals: &Signals) -> f32 {
        logistic(match (signals.meaning, signals.reader) {
            (_, Some(_)) => self.mistakes_read.logit(signals),
            (Some(_), None) => self.vectors.logit(signals) + self.mistakes.shift,
            (None, None) => self.words.logit(signals) + self.mistakes.shift,
        })
    }

    /// Returns the share of a whole model answer that was said, 0 to 1.
    pub fn whole(&self, whole: &Whole) -> f32 {
        let weights = match whole.matcher {
            Some(_) => &self.references,
            None => &self.references_vectors,
        };
        let found = &whole.agreement;
        logistic(
            weights.intercept
                + weights.said * found.said
                + weights.telling * found.telling
                + weights.extent * found.extent
                + weights.matcher * whole.matcher.unwrap_or(0.0)
                + weights.reader * whole.reader.unwrap_or(0.0),
        )
    }

    /// Returns the probability of a sentence of a model answer, from its own and
    /// from what was said of that answer as a whole.
    pub fn derived(&self, sentence: f32, whole: f32) -> f32 {
        let share = self.references.share;
        (1.0 - share) * sentence + share * whole
    }

    /// Returns the verdict on a point of this probability.
    pub fn verdict(&self, probability: f32, signals: &Signals) -> Verdict {
        let t = &self.thresholds;
        let wrong = match signals.reader {
            Some(reading) => reading.wrong >= t.wrong_read && probability < t.covered,
            None => signals.near >= t.wrong_said && signals.against >= t.wrong_against,
        };
        if wrong {
            return Verdict::Wrong;
        }
        let disagree = match (signals.reader, signals.meaning) {
            (Some(_), _) => true,
            (None, Some(meaning)) => (meaning.near - signals.near).abs() > t.disagreement,
            (None, None) => true,
        };
        if (t.unsure_low..t.unsure_high).contains(&probability) && disagree {
            return Verdict::Unsure;
        }
        if probability >= t.covered {
            Verdict::Covered
        } else if probability >= t.partial {
            Verdict::Partial
        } else {
            Verdict::Missing
        }
    }
}

impl Weights {
    fn logit(&self, s: &Signals) -> f32 {
        let meaning = s.meaning.unwrap_or_default();
        let reading = s.reader.unwrap_or_default();
        self.intercept
            + self.said * blend(s.near, s.everywhere)
            + self.terms * s.terms
            + self.star * s.star
            + self.against * s.against * s.near
            + self.meaning * blend(meaning.near, meaning.everywhere)
            + self.pooled * meaning.pooled
            + self.reader * reading.yes
            + self.wrong * reading.wrong
            + self.doubt * s.doubt
            + self.about * s.about.min(FULLY_ABOUT)
            + self.matcher * s.matcher.unwrap_or(0.0)
            + self.topic * s.topic.min(FULLY_ANSWERS)
    }
}

fn blend(near: f32, everywhere: f32) -> f32 {
    LOCAL * near + (1.0 - LOCAL) * everywhere
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_shipped_weights_are_valid() {
        assert!(Parameters::shipped().is_ok(), "{:?}", Parameters::shipped());
    }

    #[test]
    fn a_weight_of_the_wrong_sign_is_refused() {
        let text = include_str!("../../models/judge.toml").replacen("\nsaid = ", "\nsaid = -", 1);
        assert!(Parameters::parse(&text).is_err());
    }

    #[test]
    fn matcher_reader_and_extent_all_have_a_word_on_a_whole_model_answer() {
        let parameters = Parameters::shipped().expect("weights");
        let of = |matcher, reader, extent| {
            parameters.whole(&Whole {
                agreement: Agreement {
                    extent,
                    ..Agreement::default()
                },
                matcher: Some(matcher),
                reader: Some(reader),
            })
        };
        assert!(of(0.0, 2.0, 0.5) > of(0.0, -2.0, 0.5));
        assert!(of(2.0, 0.0, 0.5) > of(-2.0, 0.0, 0.5));
        assert!(of(0.0, 0.0, 1.0) > of(0.0, 0.0, 0.2));
    }

    proptest! {
        #[test]
        fn saying_more_of_a_point_never_lowers_it(
            near in 0.0_f32..1.0, more in 0.0_f32..1.0, cosine in 0.0_f32..1.0, closer in 0.0_f32..1.0,
        ) {
            let Ok(parameters) = Parameters::shipped() else { return Ok(()); };
            let less = Signals {
                near,
                meaning: Some(Meaning { near: cosine, ..Meaning::default() }),
                ..Signals::default()
            };
            let said = Signals {
                near: near.max(more),
                meaning: Some(Meaning { near: cosine.max(closer), ..Meaning::default() }),
                ..Signals::default()
            };
            prop_assert!(parameters.point(&said) >= parameters.point(&less));
        }
    }
}
