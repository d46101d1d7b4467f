//! Vectors of texts and of their tokens, from encoder models, and the scores
//! of cross-encoders.
//!
//! The context gives one vector a token; pooling is done here, so that one
//! context serves both. Spans are found by aligning the vocabulary's pieces
//! with the text.

use std::ops::Range;
use std::sync::Arc;

use llama_cpp_2::EncodeError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use unicode_normalization::UnicodeNormalization;

use super::api::{EngineError, TokenVectors};
use super::stop::{Stop, StopCell};

/// Short texts are encoded together up to this many tokens: enough to keep
/// the processor busy, few enough to stop quickly.
const PACK: usize = 256;
/// The most texts encoded together.
pub(super) const SEQUENCES: usize = 16;
/// A text is cut to this many bytes a token of context before it is
/// tokenised; no vocabulary's tokens are longer on average.
const BYTES_A_TOKEN: usize = 32;

/// An encoder with its context.
pub(super) struct Encoder<'m> {
    vocab: LlamaVocab<'m>,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    capacity: usize,
    n_vocab: i32,
    cell: Arc<StopCell>,
    /// Decoders that make vectors are decoded, true encoders encoded.
    causal: bool,
}

struct Tokens {
    ids: Vec<i32>,
    spans: Vec<Range<usize>>,
    /// Marks of the model's own in front of and behind the text's tokens.
    before: usize,
}

impl<'m> Encoder<'m> {
    /// Returns an encoder over `context`, whose abort callback reads `cell`.
    pub(super) fn new(
        model: &'m LlamaModel,
        context: LlamaContext<'m>,
        causal: bool,
        cell: Arc<StopCell>,
    ) -> Self {
        let capacity = context
            .n_ctx()
            .min(context.n_batch())
            .min(context.n_ubatch())
            .min(model.n_ctx_train().max(1)) as usize;
        Self {
            vocab: model.vocab(),
            batch: LlamaBatch::new(capacity, 1),
            capacity,
            n_vocab: model.n_vocab(),
            context,
            cell,
            causal,
        }
    }

    /// Returns one unit-length vector a text: the mean over all its tokens,
    /// the model's own marks included, as sentence-transformers does.
    pub(super) fn embed(
        &mut self,
        texts: &[String],
        stop: &Stop,
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut pooled = Vec::with_capacity(texts.len());
        self.encode(texts, stop, |rows, _| {
            let mut mean = vec![0.0f32; rows.first().map_or(0, |row| row.len())];
            for row in &rows {
                for (sum, value) in mean.iter_mut().zip(*row) {
                    *sum += value;
                }
            }
            pooled.push(unit(mean));
        })?;
        Ok(pooled)
    }

    /// Returns the vectors of each text's own tokens.
    pub(super) fn embed_tokens(
        &mut self,
        texts: &[String],
        stop: &Stop,
    ) -> Result<Vec<TokenVectors>, EngineError> {
        let mut all = Vec::with_capacity(texts.len());
        self.encode(texts, stop, |rows, tokens| {
            all.push(TokenVectors {
                vectors: rows[tokens.before..][..tokens.spans.len()]
                    .iter()
                    .map(|row| unit(row.to_vec()))
                    .collect(),
                spans: tokens.spans.clone(),
            });
        })?;
        Ok(all)
    }

    /// Encodes texts, several at a time; `take` gets each text's rows in order.
    fn encode(
        &mut self,
        texts: &[String],
        stop: &Stop,
        mut take: impl FnMut(Vec<&[f32]>, &Tokens),
    ) -> Result<(), EngineError> {
        let tokens: Vec<Tokens> = texts.iter().map(|text| self.tokens(text)).collect();
        let mut rest = tokens.as_slice();
        while !rest.is_empty() {
            let mut count = 1;
            let mut total = rest[0].ids.len();
            while count < rest.len().min(SEQUENCES)
                && total + rest[count].ids.len() <= PACK.min(self.capacity)
            {
                total += rest[count].ids.len();
                count += 1;
            }
            let (now, later) = rest.split_at(count);
            self.batch.clear();
            for (sequence, tokens) in (0..).zip(now) {
                for (position, id) in (0..).zip(&tokens.ids) {
                    self.batch
                        .add(LlamaToken::new(*id), position, &[sequence], true)
                        .map_err(|error| EngineError::Library(error.to_string()))?;
                }
            }
            self.run(stop)?;
            let mut at = 0;
            for tokens in now {
                let rows = (at..at + tokens.ids.len())
                    .map(|n| self.context.embeddings_ith(n as i32))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| EngineError::Library(error.to_string()))?;
                at += tokens.ids.len();
                take(rows, tokens);
            }
            rest = later;
        }
        Ok(())
    }

    /// Runs the batch through the model.
    fn run(&mut self, stop: &Stop) -> Result<(), EngineError> {
        if stop.why().is_some() {
            return Err(EngineError::Cancelled);
        }
        let size = self.batch.n_tokens();
        if size == 0 || size as usize > self.capacity {
            return Err(EngineError::Library(
                "a batch has the wrong size".to_owned(),
            ));
        }
        self.cell.watch(stop);
        let result = if self.causal {
            self.context.clear_kv_cache();
            self.context
                .decode(&mut self.batch)
                .map_err(|error| error.to_string())
        } else {
            self.context
                .encode(&mut self.batch)
                .map_err(|error| match error {
                    EncodeError::Unknown(2) => String::new(),
                    error => error.to_string(),
                })
        };
        self.cell.clear();
        match result {
            Ok(()) => Ok(()),
            Err(_) if stop.why().is_some() => Err(EngineError::Cancelled),
            Err(reason) => Err(EngineError::Library(reason)),
        }
    }

    /// Returns the score of each document for `query` from a cross-encoder.
    pub(super) fn rank(
        &mut self,
        query: &str,
        documents: &[String],
        stop: &Stop,
    ) -> Result<Vec<f32>, EngineError> {
        let mut scores = Vec::with_capacity(documents.len());
        for document in documents {
            let ids = self.pair(query, document);
            self.batch.clear();
            for (position, id) in (0..).zip(&ids) {
                self.batch
                    .add(LlamaToken::new(*id), position, &[0], true)
                    .map_err(|error| EngineError::Library(error.to_string()))?;
            }
            self.run(stop)?;
            let score = self
                .context
                .embeddings_seq_ith(0)
                .map_err(|error| EngineError::Library(error.to_string()))?;
            scores.push(score.first().copied().unwrap_or(0.0));
        }
        Ok(scores)
    }

    /// A query and a document with the vocabulary's marks around them; the
    /// document is cut at its end where the pair does not fit.
    fn pair(&self, query: &str, document: &str) -> Vec<i32> {
        let mark = |token: LlamaToken| (token.0 >= 0 && token.0 < self.n_vocab).then_some(token.0);
        let begin = mark(self.vocab.bos()).filter(|_| self.vocab.should_add_bos());
        let end = mark(self.vocab.eos()).filter(|_| self.vocab.should_add_eos());
        let between = mark(self.vocab.sep()).filter(|_| self.vocab.should_add_sep());
        let mut ids: Vec<i32> = begin.into_iter().collect();
        let mut query_ids = self.raw(bounded(query, self.capacity));
        query_ids.truncate(self.capacity / 2);
        ids.extend(query_ids);
        ids.extend(end);
        ids.extend(between);
        let room = self.capacity.saturating_sub(ids.len() + 1);
        let mut document_ids = self.raw(bounded(document, self.capacity));
        document_ids.truncate(room);
        ids.extend(document_ids);
        ids.extend(end.or(between));
        ids.truncate(self.capacity);
        ids
    }

    fn raw(&self, text: &str) -> Vec<i32> {
        let tokens = self.vocab.tokenize(text.as_bytes(), false, false);
        tokens.into_iter().map(|token| token.0).collect()
    }

    /// Tokenises a text word by word (encoders split at white space first, so
    /// this gives what tokenising the whole would) and finds where each token
    /// stands. Cut at the end to what the context holds.
    fn tokens(&self, text: &str) -> Tokens {
        let marks = self.vocab.tokenize(b"", true, false);
        let (before, after) = match marks.len() {
            0 => (Vec::new(), Vec::new()),
            1 if self.vocab.should_add_eos() && !self.vocab.should_add_bos() => {
                (Vec::new(), vec![marks[0].0])
            }
            1 => (vec![marks[0].0], Vec::new()),
            _ => (vec![marks[0].0], vec![marks[marks.len() - 1].0]),
        };
        let room = self
            .capacity
            .saturating_sub(before.len() + after.len())
            .max(1);
        let mut ids = before.clone();
        let mut spans = Vec::new();
        let text = bounded(text, self.capacity);
        for word in words(text) {
            if spans.len() >= room {
                break;
            }
            let tokens = self.raw(&text[word.clone()]);
            let pieces: Vec<Option<String>> = tokens.iter().map(|id| self.text(*id)).collect();
            for (id, span) in tokens.iter().zip(align(&text[word.clone()], &pieces)) {
                if spans.len() < room {
                    ids.push(*id);
                    spans.push(word.start + span.start..word.start + span.end);
                }
            }
        }
        if ids.is_empty() && after.is_empty() {
            // A vocabulary without marks and a text without words: something
            // must be encoded for there to be a vector.
            ids.push(0);
        }
        ids.extend(after);
        Tokens {
            ids,
            spans,
            before: before.len(),
        }
    }

    /// A token's text without the mark of a word's start; `None` for a token
    /// that stands for an unknown word.
    fn text(&self, id: i32) -> Option<String> {
        if id < 0 || id >= self.n_vocab {
            return None;
        }
        let token = LlamaToken::new(id);
        let text = self.vocab.text(token)?.to_string_lossy().into_owned();
        if self.vocab.is_control(token) || text == "[UNK]" || text == "<unk>" {
            return None;
        }
        Some(text.trim_start_matches(['\u{2581}', '\u{120}']).to_owned())
    }
}

/// The byte ranges between white space.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(|c: char| !c.is_whitespace())?;
        let length = text[start..]
            .find(char::is_whitespace)
            .unwrap_or(text.len() - start);
        at = start + length;
        Some(start..at)
    })
}

/// Finds the pieces of one word in it, in order: both without case and
/// accents, as the vocabulary sees them. An unknown piece spans what lies
/// before the next known one; a piece that cannot be found is taken for one.
fn align(word: &str, pieces: &[Option<String>]) -> Vec<Range<usize>> {
    let letters: Vec<(usize, char)> = word
        .char_indices()
        .map(|(at, letter)| (at, plain(letter)))
        .collect();
    let end_of = |n: usize| letters.get(n).map_or(word.len(), |(at, _)| *at);
    let mut spans: Vec<Range<usize>> = Vec::with_capacity(pieces.len());
    let mut next = 0;
    let mut pending: Option<usize> = None;
    for piece in pieces {
        let found = piece
            .as_deref()
            .filter(|p| !p.is_empty())
            .and_then(|piece| {
                let wanted: Vec<char> = piece.chars().map(plain).collect();
                let last = letters.len().checked_sub(wanted.len())?;
                (next..=last)
                    .find(|&from| {
                        letters[from..from + wanted.len()]
                            .iter()
                            .map(|(_, letter)| letter)
                            .eq(wanted.iter())
                    })
                    .map(|from| from..from + wanted.len())
            });
        match found {
            Some(found) => {
                if let Some(unknown) = pending.take() {
                    spans[unknown].end = end_of(found.start).max(spans[unknown].start);
                }
                next = found.end;
                spans.push(end_of(found.start)..end_of(found.end));
            }
            None => {
                let start = end_of(next);
                pending = pending.or(Some(spans.len()));
                spans.push(start..word.len());
            }
        }
    }
    spans
}

/// A letter without case and accents.
fn plain(letter: char) -> char {
    let lower = letter.to_lowercase().next().unwrap_or(letter);
    std::iter::once(lower).nfd().next().unwrap_or(lower)
}

/// The beginning of a text that can matter to a context of `capacity` tokens.
fn bounded(text: &str, capacity: usize) -> &str {
    let mut end = text.len().min(capacity.saturating_mul(BYTES_A_TOKEN));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The vector at unit length; a vector of zeros stays as it is.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 && length.is_finite() {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans(word: &str, pieces: &[&str]) -> Vec<String> {
        let pieces: Vec<Option<String>> = pieces
            .iter()
            .map(|p| (*p != "?").then(|| (*p).to_owned()))
            .collect();
        align(word, &pieces)
            .into_iter()
            .map(|span| word[span].to_owned())
            .collect()
    }

    #[test]
    fn pieces_are_found_whatever_case_and_accents() {
        assert_eq!(
            spans("Overfitting,", &["over", "fitting", ","]),
            ["Over", "fitting", ","]
        );
        assert_eq!(spans("Café", &["cafe"]), ["Café"]);
    }

    #[test]
    fn an_unknown_piece_spans_up_to_the_next_known_one() {
        assert_eq!(spans("(☃)", &["(", "?", ")"]), ["(", "☃", ")"]);
        assert_eq!(spans("☃☃", &["?"]), ["☃☃"]);
    }

    #[test]
    fn words_are_what_lies_between_white_space() {
        let text = " a\u{a0}b  ç ";
        let found: Vec<&str> = words(text).map(|w| &text[w]).collect();
        assert_eq!(found, ["a", "b", "ç"]);
    }

    proptest! {
        #[test]
        fn spans_are_always_valid_ranges_in_order(
            word in "[a-cA-Cé☃.]{1,12}",
            pieces in proptest::collection::vec(proptest::option::of("[a-c]{1,3}"), 1..6),
        ) {
            let found = align(&word, &pieces);
            prop_assert_eq!(found.len(), pieces.len());
            for span in found {
                prop_assert!(word.get(span).is_some());
            }
        }
    }
}
