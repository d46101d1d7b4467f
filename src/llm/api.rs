//! What the engine offers to the other rooms: chat, embeddings, forks and
//! their plain data types. Nothing here names llama.cpp, so that unit tests of
//! other rooms can stand in a deterministic fake.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// Who speaks a message of a chat transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions to the model.
    System,
    /// The other side of the conversation.
    User,
    /// The model itself.
    Assistant,
}

/// A piece of a message, by where its text comes from.
///
/// Every part is data: it is tokenised without control tokens, so that nothing
/// in it can end a turn or forge one. Only the chat template's own framing is
/// tokenised with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", content = "text", rename_all = "lowercase")]
pub enum Part {
    /// Text of a file in `prompts/`.
    Prompt(String),
    /// Text of a guide.
    Guide(String),
    /// What the candidate typed.
    Candidate(String),
    /// What a model wrote earlier.
    Model(String),
}

impl Part {
    /// Returns the text, whoever wrote it.
    pub fn text(&self) -> &str {
        match self {
            Self::Prompt(text) | Self::Guide(text) | Self::Candidate(text) | Self::Model(text) => {
                text
            }
        }
    }
}

/// A message of a chat transcript: a role and its parts, joined without
/// anything between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
    /// The settled topic (a question's id) this message belongs to. When the
    /// context is full, all messages of the oldest settled topic are folded
    /// away together. `None` is never folded.
    pub topic: Option<String>,
}

impl Message {
    /// Returns a message of one part without a topic.
    pub fn new(role: Role, part: Part) -> Self {
        Self {
            role,
            parts: vec![part],
            topic: None,
        }
    }
}

/// A flag that stops whatever it was handed to, at the next micro-batch or
/// token. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Returns a flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag, for good.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Returns whether the flag is set.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How tokens are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// Seed of the random draw; the same seed and input give the same text.
    pub seed: u32,
    /// 0 is greedy; above 1 is wild. 0 to 2.
    pub temperature: f32,
    /// Drop tokens less likely than this share of the likeliest; 0 is off. 0 to 1.
    pub min_p: f32,
    /// Keep this many of the likeliest tokens; 0 is all.
    pub top_k: i32,
    /// Divide the logits of recently used tokens by this; 1 is off.
    pub repeat_penalty: f32,
    /// How many tokens back `repeat_penalty` looks.
    pub repeat_last_n: i32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            seed: 0,
            temperature: 0.7,
            min_p: 0.05,
            top_k: 0,
            repeat_penalty: 1.05,
            repeat_last_n: 64,
        }
    }
}

/// A shape the output must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grammar {
    /// A grammar in GBNF whose start rule is `root`.
    Gbnf(String),
    /// A JSON Schema; the finished output is validated against it again.
    JsonSchema(serde_json::Value),
}

/// A request for text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerateRequest {
    /// The transcript so far; the model writes the next assistant message.
    pub messages: Vec<Message>,
    /// Words the assistant message is made to begin with; not part of the output.
    pub prefill: Option<String>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Output ends before the first of these strings.
    pub stop: Vec<String>,
    /// Output ends after this many tokens.
    pub max_tokens: usize,
    /// Output ends after this long, prefill included.
    pub time_limit: Option<Duration>,
    /// The shape the output must have.
    pub grammar: Option<Grammar>,
}

/// Why generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// The model ended its turn.
    EndOfTurn,
    /// A stop string was reached.
    Stop,
    /// The token limit was reached.
    MaxTokens,
    /// The time limit was reached.
    TimeLimit,
    /// The caller cancelled.
    Cancelled,
}

/// What one call cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the whole prompt.
    pub prompt_tokens: usize,
    /// Prompt tokens that had to be decoded.
    pub prefilled_tokens: usize,
    /// Prompt tokens found in the KV cache.
    pub reused_tokens: usize,
    /// Tokens written.
    pub generated_tokens: usize,
    /// Topics folded away because the context was full.
    pub folded_topics: usize,
    /// Milliseconds from the request to the first token.
    pub first_token_ms: f64,
    /// Milliseconds spent decoding the prompt.
    pub prefill_ms: f64,
    /// Milliseconds spent writing.
    pub decode_ms: f64,
}

/// Text a model wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// The text, without stop strings, thinking blocks or control tokens.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost.
    pub usage: Usage,
}

/// A request for the logits of named words after several continuations of one
/// shared prefix: the prefix is decoded once, the branches are forks of it,
/// decoded together. No text is generated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BranchRequest {
    /// The shared transcript.
    pub prefix: BranchPrefix,
    /// What follows the prefix in each fork; never empty.
    pub branches: Vec<String>,
    /// The words whose first token's logit is wanted, for example `" yes"`.
    pub words: Vec<String>,
    /// Whether the branches' own likelihood is wanted too. Without it only the
    /// end of a branch goes through the output matrix, which for a small model
    /// is a quarter of all the work.
    pub likelihood: bool,
    /// Whether everything the sequences hold is forgotten first, so that the
    /// same request gives the same bits whatever was asked before.
    pub fresh: bool,
}

/// The part that all branches share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum BranchPrefix {
    /// A chat; the branches continue the opened assistant message.
    Chat(Vec<Message>),
    /// Plain text without a chat template, as a tuned reader expects it.
    Plain(Vec<Part>),
}

/// The logits of a [`BranchRequest`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BranchLogits {
    /// One row a branch, one logit a word.
    pub logits: Vec<Vec<f32>>,
    /// Sum of the log probabilities of each branch's own tokens, and their
    /// number; empty when not asked for.
    pub log_likelihood: Vec<(f32, usize)>,
    /// What it cost.
    pub usage: Usage,
}

/// Vectors of the tokens of one text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenVectors {
    /// Unit-length vectors, one a token; the model's own begin and end marks left out.
    pub vectors: Vec<Vec<f32>>,
    /// The byte range of the text each token stands for.
    pub spans: Vec<Range<usize>>,
}

/// What is known of a loaded model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The file it was loaded from.
    pub path: PathBuf,
    /// Name from the file's metadata, or the file's name.
    pub name: String,
    /// Architecture from the metadata, for example `llama`.
    pub architecture: String,
    /// Quantisation from the metadata, for example `Q4_1`.
    pub quantisation: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Size of the weights in bytes.
    pub weights_bytes: u64,
    /// Size of the KV cache in bytes.
    pub kv_bytes: u64,
    /// Tokens a context holds.
    pub context_tokens: usize,
    /// Layers held on a GPU.
    pub gpu_layers: u32,
    /// Threads used to decode.
    pub threads: usize,
}

/// What went wrong in the engine.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The file cannot be used as a model.
    #[error("{path} cannot be used as a model: {reason}")]
    BadModel {
        /// The file.
        path: PathBuf,
        /// Why, in plain words.
        reason: String,
        /// What to do next.
        hint: String,
    },
    /// The request does not fit the context even after folding.
    #[error("the text needs {needed} tokens and the context holds {available}")]
    ContextFull {
        /// Tokens needed.
        needed: usize,
        /// Tokens available.
        available: usize,
    },
    /// The request is not valid, for example a grammar that does not parse.
    #[error("the request to the model is not valid: {0}")]
    BadRequest(String),
    /// The output does not have the shape asked for.
    #[error("the model's output does not have the shape asked for: {0}")]
    BadOutput(String),
    /// The caller cancelled.
    #[error("the call was cancelled")]
    Cancelled,
    /// The library refused or failed.
    #[error("the inference library failed: {0}")]
    Library(String),
    /// The engine's thread is gone.
    #[error("the engine has stopped")]
    Stopped,
}

/// A model that writes text.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// Returns what is known of the model.
    fn info(&self) -> &ModelInfo;

    /// Writes the next assistant message. Pieces of text are sent to `sink` as
    /// they are decoded, valid UTF-8 each; a closed sink is not an error.
    ///
    /// # Errors
    /// [`EngineError::ContextFull`], [`EngineError::BadRequest`],
    /// [`EngineError::BadOutput`] when a grammar was given and the output does
    /// not parse, [`EngineError::Library`]. Cancelling is not an error: the
    /// text so far comes back with [`Finish::Cancelled`].
    async fn generate(
        &self,
        request: GenerateRequest,
        sink: Option<mpsc::Sender<String>>,
        cancel: Cancel,
    ) -> Result<Generated, EngineError>;

    /// Returns the logits of named words after forks of one prefix.
    ///
    /// # Errors
    /// As [`ChatModel::generate`], and [`EngineError::Cancelled`].
    async fn branch(
        &self,
        request: BranchRequest,
        cancel: Cancel,
    ) -> Result<BranchLogits, EngineError>;
}

/// A model that turns text into vectors.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// Returns what is known of the model.
    fn info(&self) -> &ModelInfo;

    /// Returns one unit-length mean-pooled vector a text.
    ///
    /// # Errors
    /// [`EngineError::Library`], [`EngineError::Cancelled`]. A text longer
    /// than the model's context is cut at its end.
    async fn embed(&self, texts: Vec<String>, cancel: Cancel)
    -> Result<Vec<Vec<f32>>, EngineError>;

    /// Returns the token vectors of each text.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    async fn embed_tokens(
        &self,
        texts: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<TokenVectors>, EngineError>;
}

/// A cross-encoder: scores pairs of texts.
#[async_trait]
pub trait Ranker: Send + Sync {
    /// Returns one score a document, higher for a better match with `query`.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    async fn rank(
        &self,
        query: String,
        documents: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<f32>, EngineError>;
}

impl From<EngineError> for crate::Error {
    fn from(error: EngineError) -> Self {
        match &error {
            EngineError::BadModel { hint, .. } => {
                let hint = hint.clone();
                Self::model(error.to_string()).hint(hint)
            }
            EngineError::ContextFull { .. } => Self::model(error.to_string())
                .hint("Shorten the text, or give the model a larger context in the settings."),
            EngineError::Cancelled => Self::new(crate::ErrorKind::Interrupted, error.to_string()),
            EngineError::Library(_) => Self::model(error.to_string())
                .hint("Run `viva doctor`; `-vv` shows the engine's own log."),
            EngineError::BadRequest(_) | EngineError::BadOutput(_) | EngineError::Stopped => {
                Self::internal(error.to_string())
            }
        }
    }
}
