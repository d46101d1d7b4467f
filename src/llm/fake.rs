//! Deterministic stand-ins for the engine, for unit tests of other rooms.
//!
//! They never load a file and are never reachable from a command: a shipped
//! program without a model says so instead of pretending. Owns no model.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::api::*;

/// Returns made-up facts about a model called `name`.
pub fn info(name: &str) -> ModelInfo {
    ModelInfo {
        path: PathBuf::from(format!("/fake/{name}.gguf")),
        name: name.to_owned(),
        architecture: "fake".to_owned(),
        quantisation: "F32".to_owned(),
        parameters: 1,
        weights_bytes: 4,
        kv_bytes: 4,
        context_tokens: 4096,
        gpu_layers: 0,
        threads: 1,
    }
}

type BranchFn = dyn Fn(&BranchRequest) -> Vec<Vec<f32>> + Send + Sync;

/// A chat model that says what it was told to say.
///
/// Replies are used in order; when they run out the last one is repeated.
/// Stop strings, `max_tokens` (counted in words) and cancelling are honoured.
pub struct FakeChat {
    info: ModelInfo,
    replies: Mutex<VecDeque<String>>,
    requests: Mutex<Vec<GenerateRequest>>,
    branches: Mutex<Vec<BranchRequest>>,
    branch: Box<BranchFn>,
}

impl FakeChat {
    /// Returns a model that gives `replies`, one a call.
    pub fn new<S: Into<String>>(replies: impl IntoIterator<Item = S>) -> Self {
        Self {
            info: info("fake-chat"),
            replies: Mutex::new(replies.into_iter().map(Into::into).collect()),
            requests: Mutex::default(),
            branches: Mutex::default(),
            branch: Box::new(|request| {
                let row = |text: &String| {
                    request
                        .words
                        .iter()
                        .map(|word| unit(hash(&format!("{text}\u{0}{word}"))))
                        .collect()
                };
                request.branches.iter().map(row).collect()
            }),
        }
    }

    /// Makes [`ChatModel::branch`] answer with the logits that `branch` gives.
    #[must_use]
    pub fn with_branch(
        mut self,
        branch: impl Fn(&BranchRequest) -> Vec<Vec<f32>> + Send + Sync + 'static,
    ) -> Self {
        self.branch = Box::new(branch);
        self
    }

    /// Returns the requests for text so far.
    pub fn requests(&self) -> Vec<GenerateRequest> {
        lock(&self.requests).clone()
    }

    /// Returns the requests for logits so far.
    pub fn branch_requests(&self) -> Vec<BranchRequest> {
        lock(&self.branches).clone()
    }
}

#[async_trait]
impl ChatModel for FakeChat {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn generate(
        &self,
        request: GenerateRequest,
        sink: Option<mpsc::Sender<String>>,
        cancel: Cancel,
    ) -> Result<Generated, EngineError> {
        let reply = {
            let mut replies = lock(&self.replies);
            match replies.len() {
                0 => String::new(),
                1 => replies.front().cloned().unwrap_or_default(),
                _ => replies.pop_front().unwrap_or_default(),
            }
        };
        let mut finish = Finish::EndOfTurn;
        let mut text = reply.as_str();
        let stop = request.stop.iter().filter(|stop| !stop.is_empty());
        if let Some(at) = stop.filter_map(|stop| text.find(stop.as_str())).min() {
            text = &text[..at];
            finish = Finish::Stop;
        }
        let max_tokens = request.max_tokens;
        lock(&self.requests).push(request);
        let mut written = String::new();
        let mut generated_tokens = 0;
        for piece in text.split_inclusive(' ') {
            if cancel.is_cancelled() {
                finish = Finish::Cancelled;
                break;
            }
            if generated_tokens == max_tokens {
                finish = Finish::MaxTokens;
                break;
            }
            written.push_str(piece);
            generated_tokens += 1;
            if let Some(sink) = &sink {
                let _ = sink.send(piece.to_owned()).await;
            }
        }
        Ok(Generated {
            text: written,
            finish,
            usage: Usage {
                generated_tokens,
                ..Usage::default()
            },
        })
    }

    async fn branch(
        &self,
        request: BranchRequest,
        cancel: Cancel,
    ) -> Result<BranchLogits, EngineError> {
        if cancel.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        let logits = (self.branch)(&request);
        let log_likelihood = request
            .branches
            .iter()
            .filter(|_| request.likelihood)
            .map(|branch| {
                let words = branch.split_whitespace().count();
                (-(words as f32) * (1.0 + unit(hash(branch))), words)
            })
            .collect();
        lock(&self.branches).push(request);
        Ok(BranchLogits {
            logits,
            log_likelihood,
            usage: Usage::default(),
        })
    }
}

/// An embedder whose word vectors come from a hash of the lower-cased word:
/// texts that share words are close, others are nearly at right angles.
pub struct FakeEmbedder {
    info: ModelInfo,
    dimensions: usize,
}

impl FakeEmbedder {
    /// Returns an embedder with vectors of `dimensions` numbers.
    pub fn new(dimensions: usize) -> Self {
        Self {
            info: info("fake-embedder"),
            dimensions: dimensions.max(1),
        }
    }

    fn tokens(&self, text: &str) -> TokenVectors {
        let (spans, vectors) = words(text)
            .map(|span| {
                let vector = self.word(&text[span.clone()].to_lowercase());
                (span, vector)
            })
            .unzip();
        TokenVectors { vectors, spans }
    }

    fn word(&self, word: &str) -> Vec<f32> {
        let mut state = hash(word);
        let vector = (0..self.dimensions)
            .map(|_| {
                state = splitmix(state);
                unit(state) * 2.0 - 1.0
            })
            .collect();
        normalised(vector)
    }
}

#[async_trait]
impl Embedder for FakeEmbedder {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn embed(
        &self,
        texts: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        if cancel.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        let pool = |text: &String| {
            let mut sum = vec![0.0; self.dimensions];
            for vector in self.tokens(text).vectors {
                for (total, value) in sum.iter_mut().zip(vector) {
                    *total += value;
                }
            }
            normalised(sum)
        };
        Ok(texts.iter().map(pool).collect())
    }

    async fn embed_tokens(
        &self,
        texts: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<TokenVectors>, EngineError> {
        if cancel.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        Ok(texts.iter().map(|text| self.tokens(text)).collect())
    }
}

/// A ranker that counts the words a document shares with the query.
#[derive(Debug, Default)]
pub struct FakeRanker;

#[async_trait]
impl Ranker for FakeRanker {
    async fn rank(
        &self,
        query: String,
        documents: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<f32>, EngineError> {
        if cancel.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        let set = |text: &str| -> std::collections::BTreeSet<String> {
            words(text).map(|span| text[span].to_lowercase()).collect()
        };
        let wanted = set(&query);
        let score = |document: &String| set(document).intersection(&wanted).count() as f32;
        Ok(documents.iter().map(score).collect())
    }
}

fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(char::is_alphanumeric)?;
        let length = text[start..]
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(text.len() - start);
        rest = start + length;
        Some(start..rest)
    })
}

fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    } else if let Some(first) = vector.first_mut() {
        *first = 1.0;
    }
    vector
}

/// FNV-1a, 64 bits: stable across platforms and compiler versions.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn splitmix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number from 0 to 1 made of the upper bits of `state`.
fn unit(state: u64) -> f32 {
    (splitmix(state) >> 40) as f32 / (1u64 << 24) as f32
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(stop: &[&str]) -> GenerateRequest {
        GenerateRequest {
            messages: vec![Message::new(Role::User, Part::Candidate("hello".into()))],
            prefill: None,
            sampling: Sampling::default(),
            stop: stop.iter().map(|s| (*s).to_owned()).collect(),
            max_tokens: 100,
            time_limit: None,
            grammar: None,
        }
    }

    #[tokio::test]
    async fn replies_come_in_order_and_stop_where_asked() {
        let chat = FakeChat::new(["one\ntwo", "three"]);
        let first = chat.generate(request(&["\n"]), None, Cancel::new()).await;
        assert_eq!(
            first.map(|g| (g.text, g.finish)).ok(),
            Some(("one".into(), Finish::Stop))
        );
        for _ in 0..2 {
            let next = chat.generate(request(&[]), None, Cancel::new()).await;
            assert_eq!(next.map(|g| g.text).ok(), Some("three".into()));
        }
        assert_eq!(chat.requests().len(), 3);
    }

    #[tokio::test]
    async fn texts_that_share_words_are_closer() {
        let embedder = FakeEmbedder::new(64);
        let texts = ["the loss fell", "the loss rose", "bread and butter"];
        let vectors = embedder
            .embed(texts.map(String::from).to_vec(), Cancel::new())
            .await
            .unwrap_or_default();
        let dot = |a: usize, b: usize| -> f32 {
            vectors[a].iter().zip(&vectors[b]).map(|(x, y)| x * y).sum()
        };
        assert!(dot(0, 1) > 0.5 && dot(0, 2) < 0.4);
    }

    #[tokio::test]
    async fn token_spans_are_the_words() {
        let embedder = FakeEmbedder::new(8);
        let tokens = embedder
            .embed_tokens(vec!["Ünder-fit, 2x".into()], Cancel::new())
            .await
            .unwrap_or_default();
        assert_eq!(tokens[0].spans, [0..6, 7..10, 12..14]);
    }
}
