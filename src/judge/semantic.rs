//! Meaning signals: late interaction of an encoder's token vectors.
//!
//! Every token of a statement looks for the closest token of the answer; the
//! mean of these cosines, weighted by how informative each word is, says how
//! much of the statement's meaning is there, and the tokens found say where
//! (Khattab and Zaharia 2020, "ColBERT", with weights). Statements are
//! encoded once each and kept; one call of the encoder reads the whole answer.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use serde::Serialize;

use super::lexical::Statement;
use super::lexicon;
use super::text::{Text, WINDOW};
use crate::llm::{Cancel, Embedder, EngineError, TokenVectors};

/// Words between the beginnings of two windows the encoder reads.
const STRIDE: usize = WINDOW / 2;

/// Words of an answer the encoder reads; what follows is judged by its words
/// alone. Ten minutes of speech, about a second of encoding.
const ENCODED_WORDS: usize = 1_500;

/// Words of a question with its points that are encoded together; the encoder
/// reads no more than some 250.
const ABOUT_WORDS: usize = 180;

/// Cosine below which a token found says nothing about the place; unrelated
/// tokens of this kind of encoder lie around 0.2 to 0.4.
const CLOSE: f32 = 0.4;

/// Words of an answer and of a whole model answer that are compared.
const WHOLE_WORDS: usize = 320;

/// Words of the pieces that an answer is cut into to know what of it is about a
/// model answer. Each is encoded by itself: beside the others filler takes on
/// their meaning.
const PIECE: usize = 8;

/// A piece is about a model answer whose tokens find a cosine of this on average.
/// From .20 to .27 agreement with people is about the same (r on sprag_ml within
/// .005); from .25 a paragraph of filler hardly moves the extent.
const ABOUT_IT: f32 = 0.25;

/// As many informative words as this share of the model answer's are enough...
const ENOUGH: f32 = 0.75;

/// ...and this many are added to both: where a model answer is short, a word more
/// or less says little.
const GIVEN_FREE: f32 = 4.0;

/// What a token of a function word weighs beside an informative one, and
const WEIGHT_OF_STOP: f32 = 0.05;

/// what one of a word of the question does: everybody says them.
const WEIGHT_OF_QUESTION: f32 = 0.15;

/// Statements kept encoded between answers.
const CACHED: usize = 512;

/// Token vectors with the word each stands for.
#[derive(Debug, Clone, Default)]
pub struct Encoded {
    vectors: Vec<Vec<f32>>,
    words: Vec<usize>,
}

impl Encoded {
    /// Assigns the tokens of `vectors`, read from `plain`, to words; the
    /// first word has index `offset`.
    fn new(plain: &str, vectors: TokenVectors, offset: usize) -> Self {
        let words = words_of(plain, &vectors.spans);
        Self {
            vectors: vectors.vectors,
            words: words.into_iter().map(|at| offset + at).collect(),
        }
    }

    fn pooled(&self) -> Vec<f32> {
        mean(&self.vectors)
    }
}

/// An answer, encoded as a whole and in pieces, each by itself.
#[derive(Debug, Default)]
struct TakenApart {
    whole: Encoded,
    pieces: Vec<Encoded>,
}

/// What a search by meaning found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Near {
    /// Weighted mean of the best cosines within the best window, 0 to 1.
    pub near: f32,
    /// The same over the whole answer.
    pub everywhere: f32,
    /// Cosine of the mean vectors of statement and best window, 0 to 1.
    pub pooled: f32,
    /// Words of the answer in the best window, with what they contribute.
    pub places: Vec<(usize, f32)>,
}

/// How much of a whole model answer was said, word for word or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Mean over the tokens of the model answer of the best cosine among the
    /// answer's tokens, -1 to 1.
    pub said: f32,
    /// The same, each token weighted by how informative its word is; words of
    /// the question and function words count little, not nothing.
    pub telling: f32,
    /// How many informative words the answer spends on it, as a share of what is
    /// enough, above 0 to 1: distinct words of the pieces that are about it, of three
    /// quarters of the model answer's; those of the question count in neither. Who
    /// says much less than the model answer has left something out, in whatever
    /// words; saying more earns nothing, and filler next to nothing.
    pub extent: f32,
}

/// An encoder with a memory for statements.
pub struct Semantic {
    embedder: Arc<dyn Embedder>,
    cache: Mutex<HashMap<String, Arc<Encoded>>>,
}

impl std::fmt::Debug for Semantic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Semantic").finish_non_exhaustive()
    }
}

impl Semantic {
    /// Returns a searcher that reads with `embedder`.
    pub fn new(embedder: Arc<dyn Embedder>) -> Self {
        Self {
            embedder,
            cache: Mutex::default(),
        }
    }

    /// Returns a unit-length vector for each of `texts`; a text longer than the
    /// encoder reads is cut at its end.
    ///
    /// # Errors
    /// Fails when the encoder does.
    pub async fn vectors(
        &self,
        texts: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        self.embedder.embed(texts, cancel).await
    }

    /// Looks for each of `statements` in `answer`, and returns beside what was
    /// found how near the whole answer is to `about`: the cosine of its mean
    /// vector and the mean of the answer's windows, -1 to 1.
    ///
    /// # Errors
    /// Fails when the encoder does.
    pub async fn find(
        &self,
        statements: &[Statement],
        about: &Text,
        answer: &Text,
        cancel: Cancel,
    ) -> Result<(Vec<Near>, f32), EngineError> {
        let windows = encoder_windows(answer);
        if windows.is_empty() {
            return Ok((vec![Near::default(); statements.len()], 0.0));
        }
        let mut plain: Vec<String> = statements
            .iter()
            .map(|s| s.text.plain(0..s.text.words.len()))
            .collect();
        plain.push(about.plain(0..about.words.len().min(ABOUT_WORDS)));
        let mut known = Vec::with_capacity(plain.len());
        for text in &plain {
            known.push(match text.is_empty() {
                true => Arc::default(),
                false => self.encoded(text, cancel.clone()).await?,
            });
        }
        let window_texts: Vec<String> = windows.iter().map(|w| answer.plain(w.clone())).collect();
        let vectors = self
            .embedder
            .embed_tokens(window_texts.clone(), cancel)
            .await?;
        let encoded: Vec<(Encoded, Vec<f32>)> = windows
            .iter()
            .zip(&window_texts)
            .zip(vectors)
            .map(|((window, text), vectors)| {
                let encoded = Encoded::new(text, vectors, window.start);
                let pooled = encoded.pooled();
                (encoded, pooled)
            })
            .collect();
        let topic = known.pop().map_or(0.0, |about| {
            let mut whole = vec![0.0; about.vectors.first().map_or(0, Vec::len)];
            for (_, pooled) in &encoded {
                for (total, x) in whole.iter_mut().zip(pooled) {
                    *total += x;
                }
            }
            let length = dot(&whole, &whole).sqrt();
            dot(&whole, &about.pooled()) / length.max(f32::MIN_POSITIVE)
        });
        let found = statements
            .iter()
            .zip(known)
            .map(|(statement, tokens)| late_interaction(statement, &tokens, &encoded))
            .collect();
        Ok((found, topic))
    }

    /// Compares `answer` with whole model answers, token by token, and returns
    /// one agreement for each; `question` holds the stems of the question's
    /// words. All are read from their beginning as far as the encoder goes.
    ///
    /// # Errors
    /// Fails when the encoder does.
    pub async fn agreements(
        &self,
        references: &[Text],
        question: &HashSet<String>,
        answer: &Text,
        cancel: Cancel,
    ) -> Result<Vec<Agreement>, EngineError> {
        if references.is_empty() || answer.words.is_empty() {
            return Ok(vec![Agreement::default(); references.len()]);
        }
        let ours = self.taken_apart(answer, cancel.clone()).await?;
        let mut found = Vec::new();
        for reference in references {
            let theirs = reference.plain(0..reference.words.len().min(WHOLE_WORDS));
            found.push(if theirs.is_empty() {
                Agreement::default()
            } else {
                let theirs = self.encoded(&theirs, cancel.clone()).await?;
                agreement((&theirs, reference), question, (&ours, answer))
            });
        }
        Ok(found)
    }

    /// Encodes the beginning of `answer` as a whole, and in pieces that are all about
    /// as long.
    async fn taken_apart(&self, answer: &Text, cancel: Cancel) -> Result<TakenApart, EngineError> {
        let read = answer.words.len().min(WHOLE_WORDS);
        let count = read.div_ceil(PIECE);
        let pieces = (0..count).map(|n| n * read / count..(n + 1) * read / count);
        let ranges: Vec<Range<usize>> = std::iter::once(0..read).chain(pieces).collect();
        let texts: Vec<String> = ranges.iter().map(|r| answer.plain(r.clone())).collect();
        let vectors = self.embedder.embed_tokens(texts.clone(), cancel).await?;
        let mut encoded = texts
            .iter()
            .zip(vectors)
            .zip(&ranges)
            .map(|((text, vectors), range)| Encoded::new(text, vectors, range.start));
        Ok(TakenApart {
            whole: encoded.next().unwrap_or_default(),
            pieces: encoded.collect(),
        })
    }

    /// Encodes `text`, or remembers it. Alone: what is encoded beside a text
    /// moves its last digits, and the same answer must be judged the same
    /// whatever is cached.
    async fn encoded(&self, text: &str, cancel: Cancel) -> Result<Arc<Encoded>, EngineError> {
        if let Some(known) = self.known(text) {
            return Ok(known);
        }
        let found = self
            .embedder
            .embed_tokens(vec![text.to_owned()], cancel)
            .await?;
        let encoded = Arc::new(
            found
                .into_iter()
                .next()
                .map_or_else(Encoded::default, |vectors| Encoded::new(text, vectors, 0)),
        );
        self.remember(text, &encoded);
        Ok(encoded)
    }

    fn known(&self, text: &str) -> Option<Arc<Encoded>> {
        let cache = self.cache.lock().unwrap_or_else(|e| e.into_inner());
        cache.get(text).cloned()
    }

    fn remember(&self, text: &str, encoded: &Arc<Encoded>) {
        let mut cache = self.cache.lock().unwrap_or_else(|e| e.into_inner());
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(text.to_owned(), encoded.clone());
    }
}

fn encoder_windows(answer: &Text) -> Vec<Range<usize>> {
    answer
        .windows(STRIDE)
        .into_iter()
        .take_while(|window| window.start < ENCODED_WORDS)
        .collect()
}

fn late_interaction(
    statement: &Statement,
    tokens: &Encoded,
    windows: &[(Encoded, Vec<f32>)],
) -> Near {
    // A word cut into several tokens counts once.
    let mut pieces: HashMap<usize, f32> = HashMap::new();
    for &word in &tokens.words {
        *pieces.entry(word).or_insert(0.0) += 1.0;
    }
    let weights: Vec<f32> = tokens
        .words
        .iter()
        .map(|word| statement.weights.get(*word).copied().unwrap_or(0.0) / pieces[word])
        .collect();
    let mass: f32 = weights.iter().sum();
    if mass <= 0.0 {
        return Near::default();
    }
    let statement_pooled = tokens.pooled();
    let mut best_anywhere = vec![0.0_f32; weights.len()];
    let mut found = Near::default();
    for (window, pooled) in windows {
        found.pooled = found.pooled.max(dot(&statement_pooled, pooled));
        let mut total = 0.0;
        let mut places = Vec::new();
        for (i, (token, weight)) in tokens.vectors.iter().zip(&weights).enumerate() {
            if *weight == 0.0 {
                continue;
            }
            let mut best = (0.0_f32, 0);
            for (vector, word) in window.vectors.iter().zip(&window.words) {
                let cosine = dot(token, vector);
                if cosine > best.0 {
                    best = (cosine, *word);
                }
            }
            best_anywhere[i] = best_anywhere[i].max(best.0);
            total += weight * best.0;
            places.push((best.1, *weight, best.0));
        }
        // Where nothing is close, the closest there is still says where to
        // look: the trained reader hears paraphrases that the encoder does not.
        let from = match places.iter().any(|(_, _, cosine)| *cosine > CLOSE) {
            true => CLOSE,
            false => 0.0,
        };
        let places: Vec<(usize, f32)> = places
            .into_iter()
            .map(|(word, weight, cosine)| (word, weight * (cosine - from).max(0.0)))
            .collect();
        if total / mass > found.near {
            found.near = total / mass;
            found.places = places;
        }
    }
    let everywhere: f32 = best_anywhere.iter().zip(&weights).map(|(c, w)| c * w).sum();
    found.everywhere = everywhere / mass;
    found
}

/// Returns the word, counted from 0, that each of `spans` of `plain` is part of;
/// single spaces lie between its words.
pub(super) fn words_of(plain: &str, spans: &[Range<usize>]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    for word in plain.split(' ') {
        starts.push(at);
        at += word.len() + 1;
    }
    let word = |span: &Range<usize>| starts.partition_point(|&s| s <= span.start).max(1) - 1;
    spans.iter().map(word).collect()
}

/// The unit-length mean of `vectors`; nothing of none.
pub(super) fn mean(vectors: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; vectors.first().map_or(0, Vec::len)];
    for vector in vectors {
        for (total, x) in sum.iter_mut().zip(vector) {
            *total += x;
        }
    }
    let norm = dot(&sum, &sum).sqrt();
    if norm > 0.0 {
        sum.iter_mut().for_each(|x| *x /= norm);
    }
    sum
}

pub(super) fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

/// Compares an answer with a whole model answer.
fn agreement(
    (theirs, reference): (&Encoded, &Text),
    question: &HashSet<String>,
    (ours, answer): (&TakenApart, &Text),
) -> Agreement {
    let weights = theirs
        .words
        .iter()
        .map(|at| match reference.words.get(*at) {
            Some(word) if word.stop => WEIGHT_OF_STOP,
            Some(word) if question.contains(&word.stem) => WEIGHT_OF_QUESTION,
            Some(word) => lexicon::weight(&word.stem),
            None => 0.0,
        });
    let (mut said, mut telling, mut total) = (0.0, 0.0, 0.0);
    for (token, weight) in theirs.vectors.iter().zip(weights) {
        let best = nearest(token, &ours.whole.vectors);
        said += best;
        telling += weight * best;
        total += weight;
    }
    Agreement {
        said: said / theirs.vectors.len().max(1) as f32,
        telling: telling / total.max(f32::MIN_POSITIVE),
        extent: extent((theirs, reference), question, (&ours.pieces, answer)),
    }
}

/// Returns how many informative words an answer spends on a whole model answer; see
/// [`Agreement::extent`].
fn extent(
    (theirs, reference): (&Encoded, &Text),
    question: &HashSet<String>,
    (pieces, answer): (&[Encoded], &Text),
) -> f32 {
    let stems = |text: &Text, words: &[usize]| -> HashSet<String> {
        words
            .iter()
            .filter_map(|&at| text.words.get(at))
            .filter(|word| !word.stop && !question.contains(&word.stem))
            .map(|word| word.stem.clone())
            .collect()
    };
    let wanted = stems(reference, &theirs.words);
    let given: HashSet<String> = pieces
        .iter()
        .filter(|piece| {
            let near = piece.vectors.iter().map(|v| nearest(v, &theirs.vectors));
            near.sum::<f32>() >= ABOUT_IT * piece.vectors.len() as f32
        })
        .flat_map(|piece| stems(answer, &piece.words))
        .collect();
    let enough = ENOUGH * wanted.len() as f32;
    ((given.len() as f32).min(enough) + GIVEN_FREE) / (enough + GIVEN_FREE)
}

/// Returns the cosine of `token` and the nearest of `others`, 0 at least.
pub(super) fn nearest<'a>(token: &[f32], others: impl IntoIterator<Item = &'a Vec<f32>>) -> f32 {
    others
        .into_iter()
        .map(|other| dot(token, other))
        .fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_assigned_to_the_words_they_are_part_of() {
        let vectors = TokenVectors {
            vectors: vec![vec![1.0]; 4],
            spans: vec![0..2, 2..5, 6..8, 9..12],
        };
        let encoded = Encoded::new("cross of val", vectors, 10);
        assert_eq!(encoded.words, [10, 10, 11, 12]);
    }

    #[test]
    fn the_extent_counts_distinct_words_about_the_matter_and_no_more_than_wanted() {
        let (near, far) = (vec![1.0, 0.0], vec![0.0, 1.0]);
        let piece = |vector: &Vec<f32>, words: Range<usize>| Encoded {
            vectors: vec![vector.clone(); words.len()],
            words: words.collect(),
        };
        let question = HashSet::from([super::super::text::stem("lasso")]);
        let reference = Text::new("lasso gives sparse weights");
        let theirs = piece(&near, 0..4);
        let of = |answer: &str, pieces: &[Encoded]| {
            extent(
                (&theirs, &reference),
                &question,
                (pieces, &Text::new(answer)),
            )
        };
        // One and four, where three quarters of two and four are enough: said twice it
        // counts once, and the question's not at all.
        let some = of("lasso sparse sparse", &[piece(&near, 0..3)]);
        assert!((some - 5.0 / 5.5).abs() < 1e-6, "{some}");
        let padded = of(
            "lasso sparse sparse gardens need water",
            &[piece(&near, 0..3), piece(&far, 3..6)],
        );
        assert_eq!(padded, some);
        let long = of(
            "zero penalty shrink coefficient drop",
            &[piece(&near, 0..5)],
        );
        assert_eq!(long, 1.0);
    }

    #[test]
    fn the_encoder_reads_a_bounded_number_of_words() {
        let text = Text::new(&"word ".repeat(4_000));
        let windows = encoder_windows(&text);
        assert!(
            windows
                .last()
                .is_some_and(|w| w.end <= ENCODED_WORDS + WINDOW)
        );
    }
}
