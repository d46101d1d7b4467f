//! A chat model's context: prompts go in, text and logits come out.
//!
//! Owns the KV cache: a few sequences for transcripts, each remembered token
//! by token so that a new prompt decodes only what differs, and a range of
//! sequences for short-lived forks (see [`super::branch`]). Everything the
//! library would answer with an abort is checked before it is called.

use std::sync::Arc;
use std::time::Instant;

use llama_cpp_2::DecodeError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

use super::api::{EngineError, Finish, GenerateRequest, Generated, Message, Sampling, Usage};
use super::cache::{self, Placement, Slot};
use super::fold::fold_oldest;
use super::prompt::Tokenizer;
use super::sampling::{Draw, Drawer, validate};
use super::stop::{Stop, StopCell};
use super::stream::TextStream;
use super::template::Template;

/// Sequences that hold transcripts: a panel's seats take turns.
pub(super) const SLOTS: usize = 4;
/// Sequences for forks, after the transcripts' own.
pub(super) const FORKS: usize = 16;
/// Room that must be left for an answer before topics are folded away.
const LEAST_ROOM: usize = 64;

/// Why decoding did not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// The call has to end.
    Stopped(Finish),
    /// Something failed.
    Failed(EngineError),
}

impl From<EngineError> for Halt {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

impl Halt {
    /// Returns the error of a call that has no partial result to give.
    pub(super) fn into_error(self) -> EngineError {
        match self {
            Self::Stopped(_) => EngineError::Cancelled,
            Self::Failed(error) => error,
        }
    }
}

/// A model with its context.
pub(super) struct Session<'m> {
    pub(super) model: &'m LlamaModel,
    pub(super) context: LlamaContext<'m>,
    pub(super) batch: LlamaBatch<'static>,
    pub(super) tokenizer: Tokenizer<'m>,
    template: Result<Template, EngineError>,
    slots: Vec<Slot>,
    clock: u64,
    /// Tokens decoded at once: the micro-batch.
    pub(super) chunk: usize,
    /// Tokens the cache holds.
    pub(super) capacity: usize,
    /// Whether part of a sequence can be shared or removed (not in models
    /// with a recurrent state).
    divisible: bool,
    cell: Arc<StopCell>,
}

impl<'m> Session<'m> {
    /// Returns a session over `context`, whose abort callback reads `cell`.
    pub(super) fn new(
        model: &'m LlamaModel,
        context: LlamaContext<'m>,
        tokenizer: Tokenizer<'m>,
        template: Result<Template, EngineError>,
        cell: Arc<StopCell>,
    ) -> Self {
        let chunk = context.n_ubatch().min(context.n_batch()).max(1) as usize;
        Self {
            model,
            batch: LlamaBatch::new(chunk, 1),
            capacity: context.n_ctx() as usize,
            context,
            tokenizer,
            template,
            slots: vec![Slot::default(); SLOTS],
            clock: 0,
            chunk,
            divisible: !model.is_recurrent() && !model.is_hybrid(),
            cell,
        }
    }

    /// Writes the next assistant message; `emit` gets text as it comes.
    pub(super) fn generate(
        &mut self,
        request: GenerateRequest,
        stop: &Stop,
        mut emit: impl FnMut(&str),
    ) -> Result<Generated, EngineError> {
        self.cell.watch(stop);
        let result = self.generate_watched(request, stop, &mut emit);
        self.cell.clear();
        result
    }

    fn generate_watched(
        &mut self,
        request: GenerateRequest,
        stop: &Stop,
        emit: &mut dyn FnMut(&str),
    ) -> Result<Generated, EngineError> {
        let start = Instant::now();
        let mut drawer = Drawer::new(self.model, &request.sampling, request.grammar.as_ref())?;
        let room = request.max_tokens.clamp(1, LEAST_ROOM);
        let (prompt, folded) = self.fitted(request.messages, request.prefill.as_deref(), room)?;
        let mut usage = Usage {
            prompt_tokens: prompt.len(),
            folded_topics: folded,
            ..Usage::default()
        };
        let longest = request.max_tokens.min(self.capacity - prompt.len());
        let placed = self.prefill(&prompt, longest, stop, &mut usage);
        usage.prefill_ms = millis(start);
        let mut stream = TextStream::new(&request.stop);
        let slot = match placed {
            Ok(slot) => slot,
            Err(Halt::Stopped(finish)) => {
                return Ok(Generated {
                    text: String::new(),
                    finish,
                    usage,
                });
            }
            Err(Halt::Failed(error)) => return Err(error),
        };
        remember(&mut drawer, &request.sampling, &prompt);
        let writing = Instant::now();
        let mut finish = Finish::MaxTokens;
        // Greedy models may repeat blanks for ever; the token limit ends that.
        while usage.generated_tokens < longest {
            if let Some(reason) = stop.why() {
                finish = reason;
                break;
            }
            let last = self.batch.n_tokens() - 1;
            let token = match drawer.draw(self.context.token_data_array_ith(last))? {
                Draw::Token(token) if self.tokenizer.ends_turn(token) => {
                    finish = Finish::EndOfTurn;
                    break;
                }
                Draw::Token(token) => token,
                Draw::Nothing => {
                    finish = Finish::EndOfTurn;
                    break;
                }
            };
            if usage.generated_tokens == 0 {
                usage.first_token_ms = millis(start);
            }
            usage.generated_tokens += 1;
            let text = stream.push(&self.tokenizer.piece(token, false));
            if !text.is_empty() {
                emit(&text);
            }
            if stream.stopped() {
                finish = Finish::Stop;
                break;
            }
            if usage.generated_tokens < longest {
                match self.extend(slot, &[token], stop) {
                    Ok(()) => {}
                    Err(Halt::Stopped(reason)) => {
                        finish = reason;
                        break;
                    }
                    Err(Halt::Failed(error)) => return Err(error),
                }
            }
        }
        let rest = stream.finish();
        if !rest.is_empty() {
            emit(&rest);
        }
        usage.decode_ms = millis(writing);
        let text = stream.into_text();
        if let Some(grammar) = &request.grammar
            && finish != Finish::Cancelled
        {
            validate(grammar, &text)?;
        }
        Ok(Generated {
            text,
            finish,
            usage,
        })
    }

    /// Returns the prompt's tokens, with the oldest settled topics folded away
    /// until `room` tokens are left beside it, and how many were folded.
    pub(super) fn fitted(
        &self,
        mut messages: Vec<Message>,
        prefill: Option<&str>,
        room: usize,
    ) -> Result<(Vec<i32>, usize), EngineError> {
        let template = self.template.as_ref().map_err(Clone::clone)?;
        let mut folded = 0;
        loop {
            if messages.is_empty() {
                return Err(EngineError::BadRequest("there are no messages".to_owned()));
            }
            let segments = template
                .render(&messages)
                .map_err(|error| EngineError::BadRequest(error.to_string()))?;
            let tokens = self.tokenizer.transcript(&segments, prefill);
            if tokens.is_empty() {
                return Err(EngineError::BadRequest("the prompt is empty".to_owned()));
            }
            if tokens.len() + room <= self.capacity {
                return Ok((tokens, folded));
            }
            if !fold_oldest(&mut messages) {
                return Err(EngineError::ContextFull {
                    needed: tokens.len() + room,
                    available: self.capacity,
                });
            }
            folded += 1;
        }
    }

    /// Makes a sequence hold exactly `prompt`, its last token decoded last so
    /// that its logits are at hand; keeps `room` cells free beside it.
    pub(super) fn prefill(
        &mut self,
        prompt: &[i32],
        room: usize,
        stop: &Stop,
        usage: &mut Usage,
    ) -> Result<usize, Halt> {
        if let Some(reason) = stop.why() {
            return Err(Halt::Stopped(reason));
        }
        let Placement {
            slot,
            mut keep,
            copy_from,
        } = cache::place(&self.slots, prompt);
        let spare: Vec<usize> = [Some(slot), copy_from].into_iter().flatten().collect();
        let needed = prompt.len() + room;
        for other in cache::evictions(&self.slots, &spare, needed, self.capacity) {
            self.forget(other);
        }
        if let Some(from) = copy_from {
            self.forget(slot);
            // The source's cells beyond the shared beginning may be in the way.
            let beyond = self.slots[from].tokens.len().saturating_sub(keep);
            let tight = needed + beyond > self.capacity;
            if self.divisible && self.share(from, slot, keep) {
                self.slots[slot].tokens = prompt[..keep].to_vec();
            } else {
                keep = 0;
            }
            if tight {
                self.forget(from);
            }
        }
        keep = self.truncate(slot, keep);
        self.clock += 1;
        self.slots[slot].used = self.clock;
        let result = self.extend(slot, &prompt[keep..], stop);
        let held = self.slots[slot].tokens.len();
        usage.reused_tokens = keep;
        usage.prefilled_tokens = held.saturating_sub(keep);
        result.map(|()| slot)
    }

    /// Decodes `tokens` at the end of a sequence, micro-batch by micro-batch;
    /// the last one's logits are asked for.
    pub(super) fn extend(&mut self, slot: usize, tokens: &[i32], stop: &Stop) -> Result<(), Halt> {
        let mut rest = tokens;
        while !rest.is_empty() {
            if let Some(reason) = stop.why() {
                return Err(Halt::Stopped(reason));
            }
            let held = self.slots[slot].tokens.len();
            // Micro-batches end at multiples of their size, so that the same
            // prompt is decoded in the same pieces.
            let length = (self.chunk - held % self.chunk).min(rest.len());
            let (now, later) = rest.split_at(length);
            self.batch.clear();
            for (n, token) in now.iter().enumerate() {
                let wanted = later.is_empty() && n + 1 == now.len();
                self.add(*token, held + n, slot, wanted)?;
            }
            match self.decode(stop) {
                Ok(()) => self.slots[slot].tokens.extend_from_slice(now),
                Err(halt) => {
                    self.truncate(slot, held);
                    return Err(halt);
                }
            }
            rest = later;
        }
        Ok(())
    }

    /// Adds a token to the batch; sequence and room are checked, because the
    /// library would overrun its buffers.
    pub(super) fn add(
        &mut self,
        token: i32,
        position: usize,
        sequence: usize,
        logits: bool,
    ) -> Result<(), EngineError> {
        if token < 0 || token >= self.model.n_vocab() || sequence >= SLOTS + FORKS {
            return Err(EngineError::BadRequest(
                "a token or sequence is out of range".to_owned(),
            ));
        }
        let position = i32::try_from(position)
            .map_err(|_| EngineError::BadRequest("the text is too long".to_owned()))?;
        self.batch
            .add(LlamaToken::new(token), position, &[sequence as i32], logits)
            .map_err(|error| EngineError::Library(error.to_string()))
    }

    /// Decodes the batch; a full cache is cleared of idle transcripts once.
    pub(super) fn decode(&mut self, stop: &Stop) -> Result<(), Halt> {
        if self.batch.n_tokens() == 0 || self.batch.n_tokens() as usize > self.chunk {
            return Err(EngineError::Library("a batch has the wrong size".to_owned()).into());
        }
        match self.context.decode(&mut self.batch) {
            Ok(()) => Ok(()),
            // 2: the abort callback said so; the cells are taken back by the caller.
            Err(DecodeError::Unknown(2)) => {
                Err(Halt::Stopped(stop.why().unwrap_or(Finish::Cancelled)))
            }
            Err(DecodeError::NoKvCacheSlot) => Err(EngineError::ContextFull {
                needed: self.slots.iter().map(|s| s.tokens.len()).sum(),
                available: self.capacity,
            }
            .into()),
            Err(error) => Err(EngineError::Library(error.to_string()).into()),
        }
    }

    /// Shares the first `keep` cells of one sequence with an empty one.
    pub(super) fn share(&mut self, from: usize, to: usize, keep: usize) -> bool {
        let Ok(keep) = u32::try_from(keep) else {
            return false;
        };
        from < SLOTS + FORKS
            && to < SLOTS + FORKS
            && self
                .context
                .kv_cache_seq_cp(from as i32, to as i32, Some(0), Some(keep))
                .is_ok()
    }

    /// Cuts a sequence to its first `keep` tokens; returns how many are left
    /// (none, when the model cannot forget a part).
    fn truncate(&mut self, slot: usize, keep: usize) -> usize {
        let at = u32::try_from(keep).ok();
        let held = self.slots[slot].tokens.len();
        if keep > 0
            && (self.divisible || keep == held)
            && self.context.kv_cache_seq_rm(slot as i32, at, None).is_ok()
        {
            self.slots[slot].tokens.truncate(keep);
            return keep;
        }
        self.forget(slot);
        0
    }

    /// Empties a sequence.
    pub(super) fn forget(&mut self, slot: usize) {
        self.clear(slot);
        self.slots[slot].tokens.clear();
    }

    /// Removes all cells of a sequence; whole removals always succeed.
    pub(super) fn clear(&mut self, sequence: usize) {
        if sequence < SLOTS + FORKS {
            let _ = self.context.kv_cache_seq_rm(sequence as i32, None, None);
        }
    }

    /// Makes room for `needed` cells beside a sequence.
    pub(super) fn make_room(&mut self, slot: usize, needed: usize) {
        let needed = needed + self.slots[slot].tokens.len();
        for other in cache::evictions(&self.slots, &[slot], needed, self.capacity) {
            self.forget(other);
        }
    }

    /// Runs `work` with the abort callback watching `stop`.
    pub(super) fn watched<T>(&mut self, stop: &Stop, work: impl FnOnce(&mut Self) -> T) -> T {
        self.cell.watch(stop);
        let result = work(self);
        self.cell.clear();
        result
    }
}

/// The repeat penalty sees the end of the prompt too, as a reader would.
fn remember(drawer: &mut Drawer, sampling: &Sampling, prompt: &[i32]) {
    let back = usize::try_from(sampling.repeat_last_n)
        .unwrap_or(prompt.len())
        .min(prompt.len());
    drawer.remember(&prompt[prompt.len() - back..]);
}

/// Milliseconds since `start`.
pub(super) fn millis(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
