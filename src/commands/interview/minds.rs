//! The models of one interview: who words the panel's lines and who judges.
//!
//! Weights load in the background while the opening and the first question
//! are being read; whoever needs a model first waits for it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::super::Context;
use super::super::doctor;
use super::driver::{Sink, Words};
use crate::interview::{Source, Utterance};
use crate::judge::vote::Vote;
use crate::judge::{Assessment, Case, Judge, LocalJudge};
use crate::llm::{Cancel, ChatModel, Embedder, Engine, EngineError, EngineOptions};
use crate::models::{self, reader::adapter_sha256};
use crate::progress::ModelFile;
use crate::store::standing::Standing;
use crate::store::{Journal, ModelStamp, SessionId};
use crate::ui::Ui;
use crate::voice::{self, Prompts, SessionTally, Voice};
use crate::{Error, Result};

/// Who words and who judges.
pub(in crate::commands) struct Minds {
    ui: Ui,
    engine: Option<Engine>,
    has_chat: bool,
    has_embedder: bool,
    has_reader: bool,
    known: Option<Standing>,
    voice: Voice,
    voice_ready: OnceCell<()>,
    judge: OnceCell<LocalJudge>,
    stamp: ModelStamp,
    files: Vec<ModelFile>,
}

impl Minds {
    /// Chooses the models and begins to load them.
    ///
    /// Without a chat model the panel speaks in the guide's own words, and
    /// without an embedder answers are judged by their words alone; both are
    /// said. A model that was asked for must be there.
    ///
    /// # Errors
    /// Fails when the model asked for is not here or its file cannot be one,
    /// and when a prompt of the user's is not valid.
    pub(in crate::commands) fn start(ctx: &Context) -> Result<Self> {
        Self::begin(ctx, true)
    }

    /// As [`Minds::start`], where nobody words lines: the chat model is loaded
    /// only if its vote counts.
    ///
    /// # Errors
    /// As [`Minds::start`].
    pub(in crate::commands) fn to_judge(ctx: &Context) -> Result<Self> {
        Self::begin(ctx, false)
    }

    fn begin(ctx: &Context, words: bool) -> Result<Self> {
        let voice = Voice::new(Prompts::load(&ctx.paths.config.join("prompts"))?);
        let asked = ctx.globals.model.is_some() || ctx.config.model.is_some();
        let choice = match models::select(&ctx.config, &ctx.globals, &ctx.paths) {
            Ok(choice) => {
                if words {
                    ctx.ui.status(&choice.why);
                    if let Some(better) = &choice.better {
                        ctx.ui.hint(better);
                    }
                }
                Some(choice)
            }
            Err(error) if asked => return Err(error),
            Err(_) if !words => None,
            Err(error) => {
                ctx.ui.warn(&format!(
                    "{error}. The panel speaks in the guide's own words."
                ));
                for hint in error.hints() {
                    ctx.ui.hint(hint);
                }
                None
            }
        };
        let embedder = models::embedder(&ctx.paths);
        if embedder.is_none() {
            ctx.ui.warn(
                "There is no embedder, so answers are judged by their words alone and a paraphrase may go unheard.",
            );
            ctx.ui
                .hint("`make models` or `viva models pull embedder` brings it.");
        }
        let reader = match embedder.as_ref().map(|_| models::reader(&ctx.paths)) {
            None => None,
            Some(Ok(reader)) => reader,
            Some(Err(error)) => {
                ctx.ui.warn(&format!("{error}."));
                None
            }
        };
        if reader.is_none() && embedder.is_some() {
            ctx.ui.warn(
                "The trained reader is not here, so answers are judged by words and vectors only and no score is shown.",
            );
            ctx.ui.hint(
                "`viva models pull starter` brings what it needs; `viva doctor` says what is missing.",
            );
        }
        let matcher = match reader.as_ref().map(|_| models::matcher(&ctx.paths)) {
            None => None,
            Some(Ok(matcher)) => Some(matcher),
            Some(Err(error)) => {
                ctx.ui.warn(&format!("{error}."));
                None
            }
        };
        let reader = reader.filter(|_| matcher.is_some());
        let has_reader = reader.is_some();
        let known = embedder.as_deref().filter(|_| has_reader).and_then(|file| {
            let chat = choice.as_ref().map(|choice| choice.path.as_path());
            doctor::judge::known(&ctx.paths, file, chat)
        });
        let mut files = Vec::new();
        if let Some(choice) = &choice {
            files.push(file("chat", &choice.name, &choice.path, ctx));
        }
        if let Some(path) = &embedder {
            files.push(file("embedder", "embedder", path, ctx));
        }
        if has_reader {
            files.push(ModelFile {
                part: "reader".to_owned(),
                name: "adapter".to_owned(),
                quantisation: String::new(),
                hash: adapter_sha256().to_owned(),
            });
            files.push(ModelFile {
                part: "matcher".to_owned(),
                name: "encoder".to_owned(),
                quantisation: "Q8_0".to_owned(),
                hash: models::matcher::SHA256.to_owned(),
            });
            if let Some(base) = models::reader::base(&ctx.paths)? {
                files.push(file("reader-base", "starter", &base, ctx));
            }
        }
        let stamp = choice
            .as_ref()
            .map_or_else(ModelStamp::default, |choice| ModelStamp {
                name: choice.name.clone(),
                hash: match &choice.sha256 {
                    Some(sum) => sum.clone(),
                    None => models::digest(&choice.path, &ctx.paths),
                },
            });
        let votes = known
            .as_ref()
            .and_then(|known| known.election)
            .is_some_and(|election| election.mix.is_some());
        let chat = choice
            .as_ref()
            .filter(|_| words || votes)
            .map(|choice| choice.path.clone());
        let has_chat = chat.is_some();
        let options = EngineOptions {
            chat,
            embedder: embedder.clone(),
            matcher,
            reader,
            ..EngineOptions::default()
        }
        .with_config(&ctx.config.engine)?;
        let engine = if has_chat || embedder.is_some() {
            Some(Engine::start(options).map_err(engine_error)?)
        } else {
            None
        };
        Ok(Self {
            ui: ctx.ui.clone(),
            engine,
            has_chat,
            has_embedder: embedder.is_some(),
            has_reader,
            known,
            voice,
            voice_ready: OnceCell::new(),
            judge: OnceCell::new(),
            stamp,
            files,
        })
    }

    /// Returns the chat model's name, if there is one.
    pub(in crate::commands) fn name(&self) -> Option<&str> {
        Some(self.stamp.name.as_str()).filter(|name| !name.is_empty())
    }

    /// Returns which weights speak.
    pub(in crate::commands) fn stamp(&self) -> ModelStamp {
        self.stamp.clone()
    }

    /// Returns the version of the judge's signals and formula. Each verdict
    /// carries the full version, which also says which layers were there.
    pub(in crate::commands) fn judge_version(&self) -> String {
        crate::judge::JUDGE_VERSION.to_owned()
    }

    /// Returns the files that speak and judge, with their checksums.
    pub(in crate::commands) fn files(&self) -> &[ModelFile] {
        &self.files
    }

    /// Returns the version that verdicts of these models carry, without
    /// waiting for a model. One that turns out not to load makes it another.
    pub(in crate::commands) fn expected_judge(&self) -> String {
        if !self.has_reader {
            return LocalJudge::untrusted_version(self.has_embedder);
        }
        let election = self.known.as_ref().and_then(|known| known.election);
        let votes = self.has_chat && election.is_some_and(|election| election.mix.is_some());
        let version = if votes {
            LocalJudge::voting_version()
        } else {
            LocalJudge::reading_version()
        };
        match &self.known {
            Some(known) if !known.figures.is_trusted() => LocalJudge::unproven_version(&version),
            _ => version,
        }
    }

    /// Returns the versions of all prompts there are for the panel's lines;
    /// empty where no model words them.
    pub(in crate::commands) fn all_prompts(&self) -> String {
        if self.has_chat {
            self.voice.prompt_versions().join(", ")
        } else {
            String::new()
        }
    }

    /// Returns the versions of the prompts that were used so far.
    pub(in crate::commands) fn prompts_version(&self) -> String {
        let used: Vec<String> = self
            .voice
            .tallies()
            .iter()
            .map(|tally| format!("{} {}", tally.prompt, tally.version))
            .collect();
        used.join(", ")
    }

    /// Keeps how the model's lines fared with the session, together with what
    /// an earlier part of it kept.
    ///
    /// # Errors
    /// Fails when nothing can be written.
    pub(in crate::commands) fn keep_tallies(
        &self,
        journal: &Journal,
        session: &SessionId,
    ) -> Result<()> {
        let tallies = self.voice.tallies();
        if tallies.is_empty() {
            return Ok(());
        }
        let before: SessionTally = journal
            .document(session, voice::DOCUMENT)?
            .and_then(|stored| serde_json::from_value(stored).ok())
            .unwrap_or_default();
        journal.put_document(session, voice::DOCUMENT, &before.with(&tallies))
    }

    /// Tells how the model's lines fared, where the person wants to know more.
    pub(in crate::commands) fn tell(&self, ui: &Ui) {
        if ui.verbosity() == 0 {
            return;
        }
        for tally in self.voice.tallies() {
            ui.status(&format!("Prompt {}: {}", tally.prompt, tally.line()));
        }
    }

    /// Waits for the models that word lines.
    async fn voice(&self) -> &Voice {
        self.voice_ready
            .get_or_init(|| async {
                let Some(engine) = self.engine.as_ref().filter(|_| self.has_chat) else {
                    return;
                };
                let progress = self.ui.spinner("Loading the model");
                match engine.chat().await {
                    Ok(chat) => self.voice.set_chat(chat),
                    Err(error) => self.ui.warn(&format!(
                        "The panel goes on in the guide's own words: {error}."
                    )),
                }
                if self.has_embedder
                    && let Ok(embedder) = engine.embedder().await
                {
                    self.voice.set_embedder(embedder);
                }
                progress.finish();
            })
            .await;
        &self.voice
    }

    /// Waits for the models that judge.
    async fn judge(&self) -> &LocalJudge {
        self.judge
            .get_or_init(|| async {
                let embedder = match self.engine.as_ref().filter(|_| self.has_embedder) {
                    Some(engine) => match engine.embedder().await {
                        Ok(embedder) => Some(embedder),
                        Err(error) => {
                            self.ui.warn(&format!(
                                "Answers are judged by their words alone: {error}."
                            ));
                            None
                        }
                    },
                    None => None,
                };
                let trained = match self.engine.as_ref().filter(|_| self.has_reader) {
                    Some(engine) => match trained(engine).await {
                        Ok(both) => Some(both),
                        Err(error) => {
                            self.ui.warn(&format!(
                                "Answers are judged without the trained reader, far less reliably: {error}."
                            ));
                            None
                        }
                    },
                    None => None,
                };
                let read = trained.is_some() && embedder.is_some();
                let judge = match (embedder, trained) {
                    (Some(embedder), Some((reader, matcher))) => {
                        LocalJudge::trained(embedder, reader, matcher)
                    }
                    (embedder, _) => LocalJudge::new(embedder),
                };
                let Some(known) = self.known.as_ref().filter(|_| read) else {
                    return judge;
                };
                // Only a vote that counts is worth waiting for the chat model.
                let mix = known.election.and_then(|election| election.mix);
                let judge = match (mix, self.engine.as_ref().filter(|_| self.has_chat)) {
                    (Some(mix), Some(engine)) => match engine.chat().await {
                        Ok(chat) => judge.with_vote(Vote::new(chat, mix)),
                        Err(_) => judge,
                    },
                    _ => judge,
                };
                doctor::judge::marked(judge, Some(known))
            })
            .await
    }
}

/// Waits for the models that were trained for this: reader and matcher.
async fn trained(
    engine: &Engine,
) -> std::result::Result<(Arc<dyn ChatModel>, Arc<dyn Embedder>), EngineError> {
    Ok((engine.reader().await?, engine.matcher().await?))
}

#[async_trait(?Send)]
impl Words for Minds {
    async fn speak(&self, line: &Utterance, sink: Sink<'_>, cancel: &Cancel) -> (String, Source) {
        // Lines that are never worded anew do not wait for a model.
        let voice = if line.intent.is_verbatim() {
            &self.voice
        } else {
            self.voice().await
        };
        let spoken = voice.speak(line, sink, cancel).await;
        if let Some(trouble) = &spoken.trouble {
            self.ui.warn(&format!(
                "The model could not be asked, so the guide's words stand: {trouble}."
            ));
        }
        (spoken.text, spoken.source)
    }
}

#[async_trait]
impl Judge for Minds {
    async fn assess(&self, case: &Case, cancel: Cancel) -> Result<Assessment> {
        self.judge().await.assess(case, cancel).await
    }
}

fn file(part: &str, name: &str, path: &std::path::Path, ctx: &Context) -> ModelFile {
    let header = models::header::Header::read(path).ok();
    ModelFile {
        part: part.to_owned(),
        name: name.to_owned(),
        quantisation: header
            .and_then(|header| header.quantisation())
            .unwrap_or_default()
            .to_owned(),
        hash: models::digest(path, &ctx.paths),
    }
}

/// Returns what a refused model means for the person.
fn engine_error(error: EngineError) -> Error {
    match error {
        EngineError::BadModel { path, reason, hint } => Error::model(format!(
            "{} cannot be used as a model: {reason}",
            path.display()
        ))
        .hint(hint),
        other => Error::model("the engine could not be started")
            .caused_by(other)
            .hint("`viva doctor` says what the engine finds on this machine."),
    }
}
