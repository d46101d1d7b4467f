//! The panel's words: the guide's own, or a model's after every check.
//!
//! The program has decided what is to be said before this room is asked; it
//! only chooses the words. A line of a model is held against [`rules`] before
//! anybody sees it, drawn again up to twice when it breaks one, and then
//! replaced by the guide's own line. This room owns prompts, rules and counts;
//! it neither prints nor decides what is asked.

pub mod prompt;
pub mod rules;
mod tally;
#[cfg(test)]
mod tests;
mod words;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::interview::{Source, Utterance};
use crate::llm::{Cancel, ChatModel, Embedder, GenerateRequest, Part, Sampling};

pub use prompt::{Prompts, Slot, Slots, Tier};
pub use rules::{Breach, Rule, Standard};
pub use tally::{DOCUMENT, PromptTally, SessionTally, Tallies};

/// How often a line is drawn before the guide's words are said.
pub const MAX_ATTEMPTS: u32 = 3;

/// Longest part of an answer that a prompt carries, in characters: its first
/// and its last half of this. Probing needs no more, and a pasted megabyte
/// must not push the rules out of a small context.
const MAX_ANSWER: usize = 4000;

/// How many of the panel's earlier lines a prompt carries.
const MAX_EARLIER: usize = 8;

/// How often a stop by the person is looked for while a model writes.
const POLL: Duration = Duration::from_millis(20);

/// A line that a model wrote and that was not said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The line.
    pub line: String,
    /// The rules it broke.
    pub breaches: Vec<Breach>,
}

/// What was said in the end, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// Everything that went to the sink.
    pub text: String,
    /// Whose words carry the line.
    pub source: Source,
    /// The prompt that was used, if a model was asked.
    pub prompt: Option<String>,
    /// How often a model was asked.
    pub attempts: u32,
    /// What it wrote that was not said.
    pub refused: Vec<Refusal>,
    /// Why the engine could not be used, if it failed.
    pub trouble: Option<String>,
    /// Whether the person stopped the line before its end.
    pub cancelled: bool,
}

impl Spoken {
    fn by_guide(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            source: Source::Guide,
            prompt: None,
            attempts: 0,
            refused: Vec::new(),
            trouble: None,
            cancelled: false,
        }
    }
}

/// Where the words of a line go as soon as they may be seen.
pub type Sink<'a> = &'a mut (dyn FnMut(&str) + Send);

/// The panel's voice.
pub struct Voice {
    prompts: Prompts,
    models: RwLock<Models>,
    tallies: Tallies,
}

#[derive(Clone, Default)]
struct Models {
    chat: Option<(Arc<dyn ChatModel>, Tier)>,
    embedder: Option<Arc<dyn Embedder>>,
}

impl std::fmt::Debug for Voice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Voice")
            .field("tier", &self.tier())
            .finish_non_exhaustive()
    }
}

impl Voice {
    /// Returns a voice that says the guide's own words, until it is given a
    /// model.
    pub fn new(prompts: Prompts) -> Self {
        Self {
            prompts,
            models: RwLock::default(),
            tallies: Tallies::default(),
        }
    }

    /// Gives the voice a model, whose size decides what it is trusted with.
    /// May be called while an interview runs: the next line uses it.
    pub fn set_chat(&self, chat: Arc<dyn ChatModel>) {
        let tier = Tier::of(chat.info().parameters);
        self.set_chat_as(chat, tier);
    }

    /// Gives the voice a model to be treated as of this size.
    pub fn set_chat_as(&self, chat: Arc<dyn ChatModel>, tier: Tier) {
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        models.chat = Some((chat, tier));
    }

    /// Gives the voice an embedder, which tells whether a line asks what it
    /// was to ask; without one, shared words must do.
    pub fn set_embedder(&self, embedder: Arc<dyn Embedder>) {
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        models.embedder = Some(embedder);
    }

    /// Returns what the model is trusted with, if there is one.
    pub fn tier(&self) -> Option<Tier> {
        self.models().chat.map(|(_, tier)| tier)
    }

    /// Returns how often lines of each prompt were accepted and refused.
    pub fn tallies(&self) -> Vec<PromptTally> {
        self.tallies.all()
    }

    /// Returns the versions of all prompts, `id version` each, in the order of
    /// their identifiers.
    pub fn prompt_versions(&self) -> Vec<String> {
        self.prompts
            .all()
            .map(|prompt| format!("{} {}", prompt.info.id, prompt.info.version))
            .collect()
    }

    fn models(&self) -> Models {
        self.models
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Says a line: its words go to `sink` as soon as they may be seen. Always
    /// says something that can stand; what went wrong on the way is told in
    /// the result.
    ///
    /// The same utterance with the same seed, model and embedder gives the
    /// same words. A line that is cancelled before the model's words may be
    /// seen is said in the guide's words.
    pub async fn speak(&self, line: &Utterance, sink: Sink<'_>, cancel: &Cancel) -> Spoken {
        let models = self.models();
        let prepared = models.chat.as_ref().and_then(|(chat, tier)| {
            let prompt = self.prompts.find(line.intent, *tier)?;
            let slots = slots(line, *tier, models.embedder.is_some())?;
            (!line.intent.is_verbatim()).then_some((Arc::clone(chat), *tier, prompt, slots))
        });
        let Some((chat, tier, prompt, slots)) = prepared else {
            sink(&line.fallback);
            return Spoken::by_guide(&line.fallback);
        };
        let mut spoken = Spoken::by_guide("");
        spoken.prompt = Some(prompt.info.id.clone());
        let request = match prompt.render(&slots) {
            Ok(messages) => GenerateRequest {
                messages,
                prefill: None,
                sampling: Sampling {
                    seed: line.facts.seed,
                    temperature: prompt.info.temperature,
                    ..Sampling::default()
                },
                stop: prompt.info.stop.clone(),
                max_tokens: prompt.info.max_tokens,
                time_limit: None,
                grammar: None,
            },
            Err(error) => {
                sink(&line.fallback);
                spoken.trouble = Some(error.to_string());
                spoken.text.clone_from(&line.fallback);
                return spoken;
            }
        };
        let mut take = Take {
            line,
            standard: Standard {
                intent: line.intent,
                facts: &line.facts,
                fallback: &line.fallback,
                max_words: prompt.info.max_words,
                min_similarity: match tier {
                    Tier::Small => rules::MIN_SIMILARITY_SMALL,
                    Tier::Middle | Tier::Large => rules::MIN_SIMILARITY,
                },
            },
            chat: chat.as_ref(),
            embedder: models.embedder.as_deref(),
            stream: tier == Tier::Large,
            request,
            sink,
            cancel,
            spoken,
            shown: String::new(),
        };
        take.run().await;
        let spoken = take.spoken;
        self.tallies.count(&prompt.info, &spoken);
        tracing::debug!(
            prompt = prompt.info.id,
            attempts = spoken.attempts,
            source = ?spoken.source,
            refused = ?spoken.refused,
            "a line was worded"
        );
        spoken
    }
}

/// One line on its way.
struct Take<'a> {
    line: &'a Utterance,
    standard: Standard<'a>,
    chat: &'a dyn ChatModel,
    embedder: Option<&'a dyn Embedder>,
    /// Whether sentences are shown as they pass, or the whole line at the end.
    stream: bool,
    request: GenerateRequest,
    sink: Sink<'a>,
    cancel: &'a Cancel,
    spoken: Spoken,
    /// The model's sentences that were shown already.
    shown: String,
}

/// How an attempt ended.
enum Outcome {
    /// The line passed; what has not been shown yet.
    Passed(String),
    /// It broke rules.
    Refused(Refusal),
    /// The engine failed or the person stopped it.
    Ended,
}

impl Take<'_> {
    async fn run(&mut self) {
        // The guide's neutral remark comes at once: a person who has just
        // spoken is not left in silence while a model thinks.
        let lead = self.lead();
        if !lead.is_empty() {
            self.show(&lead);
        }
        let base = self.request.sampling.clone();
        while self.spoken.attempts < MAX_ATTEMPTS && !self.cancel.is_cancelled() {
            let attempt = self.spoken.attempts;
            self.spoken.attempts += 1;
            // Another draw, a little freer, each time.
            self.request.sampling.seed = base.seed.wrapping_add(attempt.wrapping_mul(0x9E37_79B9));
            self.request.sampling.temperature = (base.temperature + 0.2 * attempt as f32).min(1.0);
            self.request.prefill = (!self.shown.is_empty()).then(|| format!("{} ", self.shown));
            match self.attempt().await {
                Outcome::Passed(rest) => {
                    self.show(&rest);
                    self.spoken.source = Source::Model;
                    return;
                }
                Outcome::Refused(refusal) => self.spoken.refused.push(refusal),
                Outcome::Ended => break,
            }
        }
        self.spoken.cancelled = self.cancel.is_cancelled();
        let rest = self.rest_of_fallback(&lead);
        self.show(&rest);
    }

    /// The remark the fallback begins with.
    fn lead(&self) -> String {
        self.line
            .facts
            .lead
            .as_deref()
            .map(str::trim)
            .filter(|lead| !lead.is_empty() && self.line.fallback.starts_with(lead))
            .unwrap_or_default()
            .to_owned()
    }

    /// What of the guide's line is still to be said.
    fn rest_of_fallback(&self, lead: &str) -> String {
        let whole = self.line.fallback.as_str();
        if self.shown.is_empty() {
            return whole.strip_prefix(lead).unwrap_or(whole).trim().to_owned();
        }
        // Some of the model's sentences stand already: only the question
        // itself is added.
        let probe = self.line.facts.probe.as_deref();
        probe.unwrap_or(whole).trim().to_owned()
    }

    fn show(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let gap = if self.spoken.text.is_empty() { "" } else { " " };
        let text = format!("{gap}{}", curly(text));
        (self.sink)(&text);
        self.spoken.text.push_str(&text);
    }

    async fn attempt(&mut self) -> Outcome {
        let (sender, mut pieces) = mpsc::channel(64);
        let stop = Cancel::new();
        let chat = self.chat;
        let writing = chat.generate(self.request.clone(), Some(sender), stop.clone());
        tokio::pin!(writing);
        let mut poll = tokio::time::interval(POLL);
        let before = self.shown.clone();
        let mut raw = String::new();
        let mut refusal = None;
        let mut finished = None;
        loop {
            let piece = tokio::select! {
                biased;
                piece = pieces.recv() => piece,
                result = &mut writing, if finished.is_none() => {
                    finished = Some(result);
                    // What was sent before the end is still taken out.
                    pieces.close();
                    continue;
                }
                _ = poll.tick(), if finished.is_none() => {
                    if self.cancel.is_cancelled() {
                        stop.cancel();
                    }
                    continue;
                }
            };
            match piece {
                Some(piece) => {
                    raw.push_str(&piece);
                    if self.stream && refusal.is_none() {
                        refusal = self.advance(&before, &raw);
                        if refusal.is_some() {
                            stop.cancel();
                        }
                    }
                }
                None if finished.is_some() => break,
                // The engine has closed its side; its result is on the way.
                None => finished = Some((&mut writing).await),
            }
        }
        if let Some(refusal) = refusal {
            return Outcome::Refused(refusal);
        }
        let text = match finished {
            Some(Ok(generated)) => generated.text,
            Some(Err(error)) => {
                self.spoken.trouble = Some(error.to_string());
                return Outcome::Ended;
            }
            None => return Outcome::Ended,
        };
        if self.cancel.is_cancelled() {
            return Outcome::Ended;
        }
        let whole = join(&before, &tidy(&text, self.line.intent.is_follow_up()));
        let similarity = match self.similarity(&whole).await {
            Ok(similarity) => similarity,
            Err(trouble) => {
                self.spoken.trouble = Some(trouble);
                return Outcome::Ended;
            }
        };
        let breaches = rules::check(&whole, &self.standard, similarity);
        if breaches.is_empty() {
            let rest = whole.strip_prefix(self.shown.as_str()).unwrap_or(&whole);
            Outcome::Passed(rest.trim().to_owned())
        } else {
            Outcome::Refused(Refusal {
                line: whole,
                breaches,
            })
        }
    }

    /// Shows every finished sentence that passes and asks nothing; the
    /// question itself waits until it can be checked whole. Returns what was
    /// refused.
    fn advance(&mut self, before: &str, raw: &str) -> Option<Refusal> {
        let so_far = join(before, &tidy(raw, false));
        // Nothing is known of a sentence until the next one begins.
        let mut finished = words::sentences(&so_far);
        finished.pop();
        let mut passed = String::new();
        for sentence in finished {
            passed = join(&passed, sentence);
            if passed.len() <= self.shown.len() {
                continue;
            }
            if sentence.contains('?') {
                break;
            }
            let breaches = rules::check_piece(&passed, &self.standard);
            if !breaches.is_empty() {
                return Some(Refusal {
                    line: passed,
                    breaches,
                });
            }
            self.show(sentence);
            self.shown.clone_from(&passed);
        }
        None
    }

    /// Returns how near the asking sentence is to the guide's probe; of a line
    /// that asks nothing, how near the whole is to the guide's line.
    async fn similarity(&self, whole: &str) -> Result<Option<f32>, String> {
        let Some(embedder) = self.embedder else {
            return Ok(None);
        };
        let texts = if self.line.intent.is_follow_up() {
            let Some(probe) = self.line.facts.probe.as_deref() else {
                return Ok(None);
            };
            let asking = words::sentences(whole)
                .into_iter()
                .rev()
                .find(|sentence| sentence.contains('?'))
                .unwrap_or(whole);
            vec![asking.to_owned(), probe.to_owned()]
        } else {
            vec![whole.to_owned(), self.line.fallback.clone()]
        };
        let vectors = embedder
            .embed(texts, self.cancel.clone())
            .await
            .map_err(|error| error.to_string())?;
        Ok(match vectors.as_slice() {
            [one, other] => Some(one.iter().zip(other).map(|(a, b)| a * b).sum()),
            _ => None,
        })
    }
}

/// Returns two pieces of a line as one.
fn join(one: &str, other: &str) -> String {
    match (one.is_empty(), other.is_empty()) {
        (true, _) => other.to_owned(),
        (_, true) => one.to_owned(),
        _ => format!("{one} {other}"),
    }
}

/// Puts what a model wrote on one line, without quotation marks around the
/// whole of it; of a follow-up, what comes after its first question is left
/// out.
fn tidy(text: &str, ends_with_question: bool) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (open, close) in [('"', '"'), ('\u{201c}', '\u{201d}')] {
        let inner = line
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        if let Some(inner) = inner
            && !inner.contains([open, close])
        {
            line = inner.trim().to_owned();
        }
    }
    if ends_with_question {
        let mut inside = false;
        let end = line.char_indices().find(|(_, c)| {
            match c {
                '"' => inside = !inside,
                '\u{201c}' => inside = true,
                '\u{201d}' => inside = false,
                _ => {}
            }
            *c == '?' && !inside
        });
        if let Some((at, c)) = end {
            line.truncate(at + c.len_utf8());
        }
    }
    line
}

/// Returns a line with curly quotation marks, as the guide's own lines have.
fn curly(line: &str) -> String {
    let mut open = false;
    line.chars()
        .map(|c| {
            if c != '"' {
                return c;
            }
            open = !open;
            if open { '\u{201c}' } else { '\u{201d}' }
        })
        .collect()
}

/// Returns what a prompt may refer to, or `None` where the model is not to be
/// asked: a small model rewords a probe well only around a quotation, and is
/// believed only where vectors can tell whether the question is still the same.
fn slots(line: &Utterance, tier: Tier, vectors: bool) -> Option<Slots> {
    let facts = &line.facts;
    let quotes = facts.point.as_ref().map_or(&[][..], |point| &point.quotes);
    if tier == Tier::Small && (quotes.is_empty() || !vectors) {
        return None;
    }
    let guide = |text: &str| Slot::One(Part::Guide(text.to_owned()));
    let known = |text: &Option<String>| guide(text.as_deref().unwrap_or_default());
    let earlier = facts.earlier.iter().rev().take(MAX_EARLIER).rev();
    Some(Slots::from([
        ("name", guide(&line.speaker.name)),
        ("role", guide(&line.speaker.role)),
        ("brief", guide(&line.speaker.brief)),
        ("manner", guide(&line.speaker.manner)),
        ("panel_note", known(&facts.panel_note)),
        ("asked", known(&facts.asked)),
        ("probe", known(&facts.probe)),
        ("next_name", known(&facts.next_name)),
        ("fallback", guide(&line.fallback)),
        ("answer", Slot::One(Part::Candidate(shorten(&facts.answer)))),
        (
            "quote",
            Slot::One(Part::Candidate(quotes.first().cloned().unwrap_or_default())),
        ),
        (
            "quotes",
            Slot::Many(quotes.iter().cloned().map(Part::Candidate).collect()),
        ),
        (
            "earlier",
            Slot::Many(earlier.cloned().map(Part::Model).collect()),
        ),
    ]))
}

/// Returns an answer without its middle, if it is longer than a prompt
/// carries.
fn shorten(answer: &str) -> String {
    let count = answer.chars().count();
    if count <= MAX_ANSWER {
        return answer.to_owned();
    }
    let head: String = answer.chars().take(MAX_ANSWER / 2).collect();
    let tail: String = answer.chars().skip(count - MAX_ANSWER / 2).collect();
    format!("{head} \u{2026} {tail}")
}
