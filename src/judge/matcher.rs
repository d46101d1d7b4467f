//! The matcher: the embedder's model, tuned on labelled answers for late
//! interaction.
//!
//! Answer and statement are encoded apart. Each token of a statement looks for
//! the closest token of the answer; a learned gate says how much each counts
//! (Khattab and Zaharia 2020, "ColBERT", with weights). That and the cosine of
//! the mean vectors say whether a point or a mistake is there, how much of a
//! whole model answer was said, and whether this is an answer to the question
//! at all. It cannot tell what is said wrongly: the trained reader can. The same
//! formulas stand in `training/train_matcher.py`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex};

use serde::Deserialize;

use super::combine::Reading;
use super::semantic::{dot, mean, nearest, words_of};
use super::text::{self, Text};
use crate::llm::{Cancel, Embedder};

/// Words of an answer that are encoded at a time.
const ANSWER_WORDS: usize = 190;

/// Tokens of a statement that count.
const STATEMENT_TOKENS: usize = 64;

/// Tokens of a whole model answer, or of a question with its points, that
/// count.
const REFERENCE_TOKENS: usize = 192;

/// Words of a text that can have so many tokens.
const REFERENCE_WORDS: usize = 192;

/// Cosine below which two tokens have nothing in common, and
const APART: f32 = 0.35;

/// from which they say the same.
const ALIKE: f32 = 0.75;

/// Speaking of the matter this much longer than the model answer is no better:
/// the logarithm of two and a half.
const MOST_MASS: f32 = 0.92;

/// What a passage in its context counts beside the passage alone, where evidence is
/// looked for. Picked on 84 answers of the validation part.
const IN_CONTEXT: f32 = 0.6;

/// Statements kept encoded between answers.
const CACHED: usize = 512;

/// What a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A point of a rubric.
    Point,
    /// A mistake somebody may make.
    Mistake,
    /// A whole model answer.
    Reference,
}

/// What the matcher says of one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// Cosine of the answer's mean vector and that of question and points, -1 to 1.
    pub topic: f32,
    /// Logit of each statement being there.
    pub statements: Vec<f32>,
    /// How much each passage of the answer has of each statement, by itself and in
    /// its context; nothing for a whole model answer.
    pub passages: Vec<Vec<f32>>,
}

/// What is learned beside the encoder, `models/matcher.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// SHA-256 of the encoder it was trained with.
    pub sha256: String,
    gate: Vec<f32>,
    gate_bias: f32,
    /// Bias, late interaction, cosine of means.
    point: [f32; 3],
    mistake: [f32; 3],
    /// Bias, plain mean, gated mean, mass.
    reference: [f32; 4],
}

static SHIPPED: LazyLock<Result<Head, String>> =
    LazyLock::new(|| Head::parse(include_str!("../../models/matcher.json")));

impl Head {
    /// Returns the head that belongs to `models/matcher.gguf`.
    ///
    /// # Errors
    /// Fails when the embedded file is not valid, which a test rules out.
    pub fn shipped() -> crate::Result<&'static Self> {
        SHIPPED.as_ref().map_err(|reason| {
            crate::Error::internal(format!("the matcher's head is not valid: {reason}"))
        })
    }

    /// Returns the head written in `text`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let head: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let more_is_more = [&head.point[1..], &head.mistake[1..], &head.reference[1..]]
            .concat()
            .iter()
            .all(|weight| *weight >= 0.0);
        match more_is_more {
            true => Ok(head),
            false => Err("a weight has the wrong sign".to_owned()),
        }
    }

    /// How much a token counts.
    fn weight(&self, vector: &[f32]) -> f32 {
        let z = self.gate_bias + dot(&self.gate, vector);
        // Softplus; what is large is itself.
        if z > 20.0 { z } else { z.exp().ln_1p() }
    }

    fn logit(&self, kind: Kind, found: Interaction) -> f32 {
        let of = |w: &[f32; 3]| w[0] + w[1] * found.telling + w[2] * found.pooled;
        match kind {
            Kind::Point => of(&self.point),
            Kind::Mistake => of(&self.mistake),
            Kind::Reference => {
                let w = &self.reference;
                w[0] + w[1] * found.said + w[2] * found.telling + w[3] * found.mass
            }
        }
    }
}

/// The tuned encoder with its head.
#[derive(Clone)]
pub struct Matcher {
    encoder: Arc<dyn Embedder>,
    known: Arc<Mutex<HashMap<String, Arc<Encoded>>>>,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matcher").finish_non_exhaustive()
    }
}

/// Unit vectors of a text's tokens, with what each weighs.
#[derive(Debug, Clone, Default, PartialEq)]
struct Encoded {
    vectors: Vec<Vec<f32>>,
    weights: Vec<f32>,
    /// The word each stands for.
    words: Vec<usize>,
}

/// What two texts have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Interaction {
    said: f32,
    telling: f32,
    mass: f32,
    pooled: f32,
}

impl Matcher {
    /// Returns a matcher that reads with `encoder`, the shipped one.
    pub fn new(encoder: Arc<dyn Embedder>) -> Self {
        Self {
            encoder,
            known: Arc::default(),
        }
    }

    /// Looks for `statements` in `words`, an answer as it is spoken, and says how
    /// near it is to `about`, the question with its points, and how much of each
    /// statement is in each of `passages`, ranges of its words. A long answer is
    /// encoded in pieces; nothing is said in no words.
    ///
    /// # Errors
    /// Fails when the encoder does.
    pub async fn read(
        &self,
        about: &str,
        words: &[String],
        passages: &[Range<usize>],
        statements: &[(Kind, &str)],
        cancel: &Cancel,
    ) -> crate::Result<Matched> {
        let head = Head::shipped()?;
        if words.is_empty() {
            return Ok(Matched {
                topic: 0.0,
                statements: vec![Reading::SILENCE.yes; statements.len()],
                passages: vec![Vec::new(); statements.len()],
            });
        }
        let mut answer = Encoded::default();
        let mut pieces = Vec::new();
        for window in text::windows(words.len(), ANSWER_WORDS, ANSWER_WORDS) {
            let before = window.start;
            let piece = self.encode(head, &words[window].join(" "), cancel).await?;
            pieces.push(mean(&piece.vectors));
            answer.vectors.extend(piece.vectors);
            answer.weights.extend(piece.weights);
            answer
                .words
                .extend(piece.words.iter().map(|at| before + at));
        }
        // Whole model answers are not looked for in passages.
        let passages = match statements.iter().any(|(kind, _)| *kind != Kind::Reference) {
            true => passages,
            false => &[],
        };
        let mut alone = Vec::new();
        for passage in passages {
            alone.push(
                self.encode(head, &words[passage.clone()].join(" "), cancel)
                    .await?,
            );
        }
        let (mut found, mut scores) = (Vec::new(), Vec::new());
        for (kind, statement) in statements {
            let tokens = match kind {
                Kind::Reference => REFERENCE_TOKENS,
                Kind::Point | Kind::Mistake => STATEMENT_TOKENS,
            };
            let statement = self.statement(head, statement, tokens, cancel).await?;
            found.push(head.logit(*kind, interact(&statement, &answer, &pieces)));
            let score = |(passage, alone): (&Range<usize>, &Encoded)| {
                let from = answer.words.partition_point(|at| *at < passage.start);
                let to = answer.words.partition_point(|at| *at < passage.end);
                telling(&statement, alone.vectors.iter())
                    + IN_CONTEXT * telling(&statement, answer.vectors[from..to].iter())
            };
            scores.push(match kind {
                Kind::Reference => Vec::new(),
                Kind::Point | Kind::Mistake => passages.iter().zip(&alone).map(score).collect(),
            });
        }
        let about = self
            .statement(head, about, REFERENCE_TOKENS, cancel)
            .await?;
        Ok(Matched {
            topic: dot(&mean(&about.vectors), &mean(&answer.vectors)),
            statements: found,
            passages: scores,
        })
    }

    /// Encodes a statement as it is spoken, or remembers it. Each alone: what is
    /// encoded beside a text moves its last digits.
    async fn statement(
        &self,
        head: &Head,
        statement: &str,
        tokens: usize,
        cancel: &Cancel,
    ) -> crate::Result<Arc<Encoded>> {
        let key = format!("{tokens} {statement}");
        if let Some(found) = self.cache().get(&key) {
            return Ok(Arc::clone(found));
        }
        let words = Text::new(statement).spoken(statement);
        let plain = words[..words.len().min(REFERENCE_WORDS)].join(" ");
        let mut encoded = self.encode(head, &plain, cancel).await?;
        encoded.vectors.truncate(tokens);
        encoded.weights.truncate(tokens);
        encoded.words.truncate(tokens);
        let encoded = Arc::new(encoded);
        let mut cache = self.cache();
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&encoded));
        Ok(encoded)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Encoded>>> {
        self.known.lock().unwrap_or_else(|e| e.into_inner())
    }

    async fn encode(&self, head: &Head, plain: &str, cancel: &Cancel) -> crate::Result<Encoded> {
        let found = self
            .encoder
            .embed_tokens(vec![plain.to_owned()], cancel.clone())
            .await
            .map_err(super::local::judge_error)?;
        let found = found.into_iter().next().unwrap_or_default();
        let vectors = found.vectors;
        Ok(Encoded {
            weights: vectors.iter().map(|vector| head.weight(vector)).collect(),
            words: words_of(plain, &found.spans),
            vectors,
        })
    }
}

/// Compares a statement with an answer, whose pieces have the mean vectors
/// `pieces`.
fn interact(statement: &Encoded, answer: &Encoded, pieces: &[Vec<f32>]) -> Interaction {
    if statement.vectors.is_empty() || answer.vectors.is_empty() {
        return Interaction::default();
    }
    let mut best = vec![-1.0_f32; statement.vectors.len()];
    let mut near = vec![-1.0_f32; answer.vectors.len()];
    for (token, best) in statement.vectors.iter().zip(&mut best) {
        for (other, near) in answer.vectors.iter().zip(&mut near) {
            let cosine = dot(token, other);
            *best = best.max(cosine);
            *near = near.max(cosine);
        }
    }
    let total: f32 = statement.weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    let gated: f32 = best
        .iter()
        .zip(&statement.weights)
        .map(|(c, w)| c * w)
        .sum();
    let about: f32 = near
        .iter()
        .zip(&answer.weights)
        .map(|(cosine, w)| w * ((cosine - APART) / (ALIKE - APART)).clamp(0.0, 1.0))
        .sum();
    let whole = mean(&statement.vectors);
    Interaction {
        said: best.iter().sum::<f32>() / best.len() as f32,
        telling: gated / total,
        mass: (about / total).ln_1p().min(MOST_MASS),
        pooled: pieces
            .iter()
            .map(|piece| dot(&whole, piece))
            .fold(-1.0, f32::max),
    }
}

/// Returns how much of a statement is said by some of an answer's tokens, as the
/// weighted mean of the best cosines.
fn telling<'a>(statement: &Encoded, tokens: impl Iterator<Item = &'a Vec<f32>> + Clone) -> f32 {
    let said = statement.vectors.iter().zip(&statement.weights);
    let said: f32 = said
        .map(|(own, weight)| weight * nearest(own, tokens.clone()))
        .sum();
    said / statement.weights.iter().sum::<f32>().max(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::fake::FakeEmbedder;

    fn encoded(vectors: &[[f32; 2]]) -> Encoded {
        Encoded {
            vectors: vectors.iter().map(|v| v.to_vec()).collect(),
            weights: vec![1.0; vectors.len()],
            words: (0..vectors.len()).collect(),
        }
    }

    #[test]
    fn the_shipped_head_is_valid() {
        assert!(Head::shipped().is_ok(), "{:?}", Head::shipped());
    }

    #[test]
    fn a_head_that_counts_against_what_was_said_is_refused() {
        let text = r#"{"sha256": "", "gate": [], "gate_bias": 0.0, "point": [0, -1, 0], "mistake": [0, 1, 0], "reference": [0, 1, 1, 1]}"#;
        assert!(Head::parse(text).is_err_and(|reason| reason.contains("sign")));
        assert!(Head::parse(&text.replace("-1", "1")).is_ok());
    }

    #[test]
    fn a_statement_is_compared_token_by_token() {
        let statement = encoded(&[[1.0, 0.0], [0.0, 1.0]]);
        let answer = encoded(&[[1.0, 0.0], [-1.0, 0.0]]);
        let found = interact(&statement, &answer, &[vec![0.0, 1.0]]);
        // One token is there, the other finds nothing.
        assert_eq!((found.said, found.telling), (0.5, 0.5));
        // One of the answer's tokens is about it, of two wanted.
        assert!((found.mass - 1.5_f32.ln()).abs() < 1e-6);
        assert!((found.pooled - 0.5_f32.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn saying_more_never_lowers_what_was_found() {
        let statement = encoded(&[[1.0, 0.0], [0.0, 1.0]]);
        let less = encoded(&[[1.0, 0.0]]);
        let more = encoded(&[[1.0, 0.0], [0.6, 0.8]]);
        let (less, more) = (
            interact(&statement, &less, &[vec![1.0, 0.0]]),
            interact(&statement, &more, &[vec![1.0, 0.0]]),
        );
        assert!(more.said >= less.said && more.telling >= less.telling && more.mass >= less.mass);
    }

    #[tokio::test]
    async fn nothing_is_found_in_silence() {
        let matcher = Matcher::new(Arc::new(FakeEmbedder::new(8)));
        let found = matcher
            .read(
                "Why?",
                &[],
                &[],
                &[(Kind::Point, "because")],
                &Cancel::new(),
            )
            .await
            .expect("read");
        assert_eq!(found.statements, [Reading::SILENCE.yes]);
    }
}
