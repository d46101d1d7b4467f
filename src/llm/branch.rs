//! Forks: one prefix decoded once, several continuations of it decoded
//! together, and the logits of named words after each.

use std::time::Instant;

use super::api::{BranchLogits, BranchPrefix, BranchRequest, EngineError, Part, Usage};
use super::chat::{FORKS, Halt, SLOTS, Session, millis};
use super::stop::Stop;

/// The most branches of one request.
const MOST_BRANCHES: usize = 4096;

/// A branch being evaluated.
struct Fork {
    /// Its place in the request.
    index: usize,
    tokens: Vec<i32>,
    /// Whether the likelihood of its tokens is wanted.
    likelihood: bool,
}

/// What a row of logits says about the branch it belongs to.
struct Wanted {
    /// Its place in the batch.
    row: i32,
    /// The branch's place in the request.
    index: usize,
    /// The branch's token that follows, or none after the last one.
    next: Option<i32>,
}

impl Session<'_> {
    /// Evaluates `request`; see [`BranchRequest`].
    pub(super) fn branch(
        &mut self,
        request: BranchRequest,
        stop: &Stop,
    ) -> Result<BranchLogits, EngineError> {
        self.watched(stop, |this| this.branch_watched(request, stop))
            .map_err(Halt::into_error)
    }

    fn branch_watched(
        &mut self,
        request: BranchRequest,
        stop: &Stop,
    ) -> Result<BranchLogits, Halt> {
        let refuse = |what: &str| Halt::Failed(EngineError::BadRequest(what.to_owned()));
        if request.branches.is_empty() || request.branches.len() > MOST_BRANCHES {
            return Err(refuse("there must be 1 to 4096 branches"));
        }
        let start = Instant::now();
        let words = request
            .words
            .iter()
            .map(|word| self.tokenizer.continuation(word).first().copied())
            .collect::<Option<Vec<i32>>>()
            .ok_or_else(|| refuse("a word is empty"))?;
        let forks: Vec<Fork> = request
            .branches
            .iter()
            .enumerate()
            .map(|(index, text)| Fork {
                index,
                tokens: self.tokenizer.continuation(text),
                likelihood: request.likelihood,
            })
            .collect();
        let longest = forks.iter().map(|f| f.tokens.len()).max().unwrap_or(0);
        let (prompt, folded) = match request.prefix {
            BranchPrefix::Chat(messages) => self.fitted(messages, None, longest + 1)?,
            BranchPrefix::Plain(parts) => {
                let text: String = parts.iter().map(Part::text).collect();
                let tokens = self.tokenizer.plain_text(&text);
                let needed = tokens.len() + longest + 1;
                if needed > self.capacity {
                    return Err(EngineError::ContextFull {
                        needed,
                        available: self.capacity,
                    }
                    .into());
                }
                (tokens, 0)
            }
        };
        if prompt.is_empty() {
            return Err(refuse("the prefix is empty"));
        }
        let mut usage = Usage {
            prompt_tokens: prompt.len() + forks.iter().map(|f| f.tokens.len()).sum::<usize>(),
            folded_topics: folded,
            ..Usage::default()
        };
        if request.fresh {
            for slot in 0..SLOTS {
                self.forget(slot);
            }
        }
        let slot = self.prefill(&prompt, longest, stop, &mut usage)?;
        usage.prefill_ms = millis(start);
        usage.first_token_ms = usage.prefill_ms;
        let mut result = BranchLogits {
            logits: vec![Vec::new(); forks.len()],
            log_likelihood: forks
                .iter()
                .filter(|fork| fork.likelihood)
                .map(|f| (0.0, f.tokens.len()))
                .collect(),
            usage,
        };
        let last = self.batch.n_tokens() - 1;
        let row = self.context.get_logits_ith(last);
        let normaliser = if request.likelihood {
            log_sum_exp(row)
        } else {
            0.0
        };
        for fork in &forks {
            let next = fork.tokens.first().copied();
            if next.is_none() || fork.likelihood {
                read(&mut result, row, normaliser, fork.index, next, &words);
            }
        }
        let forking = Instant::now();
        let mut waiting = forks
            .into_iter()
            .filter(|f| !f.tokens.is_empty())
            .peekable();
        while waiting.peek().is_some() {
            let mut group = Vec::new();
            let mut cells = 0;
            while let Some(fork) = waiting.peek() {
                let more = cells + fork.tokens.len();
                if group.len() == FORKS
                    || (!group.is_empty()
                        && (more > self.chunk || prompt.len() + more > self.capacity))
                {
                    break;
                }
                cells = more;
                group.extend(waiting.next());
            }
            let done = self.group(slot, prompt.len(), &group, &words, &mut result, stop);
            for n in 0..group.len() {
                self.clear(SLOTS + n);
            }
            done?;
            result.usage.prefilled_tokens += cells;
        }
        result.usage.decode_ms = millis(forking);
        Ok(result)
    }

    /// Decodes the forks of one group, each in a sequence of its own. A group
    /// of several fits one micro-batch; a long branch alone takes several.
    fn group(
        &mut self,
        slot: usize,
        prefix: usize,
        group: &[Fork],
        words: &[i32],
        result: &mut BranchLogits,
        stop: &Stop,
    ) -> Result<(), Halt> {
        self.make_room(slot, group.iter().map(|f| f.tokens.len()).sum());
        for n in 0..group.len() {
            self.clear(SLOTS + n);
            if !self.share(slot, SLOTS + n, prefix) {
                return Err(
                    EngineError::Library("a sequence could not be forked".to_owned()).into(),
                );
            }
        }
        let mut wanted = Vec::new();
        self.batch.clear();
        for (n, fork) in group.iter().enumerate() {
            for (at, token) in fork.tokens.iter().enumerate() {
                if self.batch.n_tokens() as usize == self.chunk {
                    self.decode_and_read(&mut wanted, words, result, stop)?;
                }
                let next = fork.tokens.get(at + 1).copied();
                let asked = next.is_none() || fork.likelihood;
                self.add(*token, prefix + at, SLOTS + n, asked)?;
                if asked {
                    wanted.push(Wanted {
                        row: self.batch.n_tokens() - 1,
                        index: fork.index,
                        next,
                    });
                }
            }
        }
        self.decode_and_read(&mut wanted, words, result, stop)
    }

    fn decode_and_read(
        &mut self,
        wanted: &mut Vec<Wanted>,
        words: &[i32],
        result: &mut BranchLogits,
        stop: &Stop,
    ) -> Result<(), Halt> {
        if self.batch.n_tokens() == 0 {
            return Ok(());
        }
        if let Some(reason) = stop.why() {
            return Err(Halt::Stopped(reason));
        }
        self.decode(stop)?;
        for wanted in wanted.drain(..) {
            let row = self.context.get_logits_ith(wanted.row);
            let normaliser = wanted.next.map_or(0.0, |_| log_sum_exp(row));
            read(result, row, normaliser, wanted.index, wanted.next, words);
        }
        self.batch.clear();
        Ok(())
    }
}

/// Takes from one row what its branch needs: the log probability of the token
/// that follows, or after the last token the words' logits.
fn read(
    result: &mut BranchLogits,
    row: &[f32],
    normaliser: f32,
    index: usize,
    next: Option<i32>,
    words: &[i32],
) {
    let at = |token: i32| {
        usize::try_from(token)
            .ok()
            .and_then(|n| row.get(n))
            .copied()
            .unwrap_or(f32::NEG_INFINITY)
    };
    match next {
        Some(token) => result.log_likelihood[index].0 += at(token) - normaliser,
        None => result.logits[index] = words.iter().map(|word| at(*word)).collect(),
    }
}

/// The logarithm of the sum of exponentials, without overflow.
fn log_sum_exp(row: &[f32]) -> f32 {
    let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !top.is_finite() {
        return top;
    }
    let sum: f64 = row.iter().map(|x| f64::from(x - top).exp()).sum();
    top + sum.ln() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_sum_exp_does_not_overflow() {
        let value = log_sum_exp(&[1000.0, 1000.0]);
        assert!((value - 1000.0 - 2f32.ln()).abs() < 1e-3);
        assert_eq!(log_sum_exp(&[f32::NEG_INFINITY]), f32::NEG_INFINITY);
    }
}
