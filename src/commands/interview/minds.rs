//! The models of one interview: who words the panel's lines and who judges.
//! Models load in the background while the first question is being read.

use async_trait::async_trait;

use super::super::Context;
use super::driver::{Sink, Words};
use crate::Result;
use crate::interview::{Source, Utterance};
use crate::judge::{Assessment, Case, Judge, LocalJudge};
use crate::llm::Cancel;
use crate::store::ModelStamp;
use crate::ui::Ui;
use crate::voice::{Prompts, Voice};

/// Who words and who judges.
pub(in crate::commands) struct Minds {
    voice: Voice,
    judge: LocalJudge,
    stamp: ModelStamp,
}

impl Minds {
    /// Begins to load what there is.
    ///
    /// # Errors
    /// Fails when a prompt of the user's is not valid.
    pub(in crate::commands) fn start(ctx: &Context) -> Result<Self> {
        Ok(Self {
            voice: Voice::new(Prompts::load(&ctx.paths.config.join("prompts"))?),
            judge: LocalJudge::new(None, None),
            stamp: ModelStamp::default(),
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

    /// Returns the judge's version.
    pub(in crate::commands) fn judge_version(&self) -> String {
        self.judge.version()
    }

    /// Returns the prompts' version.
    pub(in crate::commands) fn prompts_version(&self) -> String {
        String::new()
    }

    /// Tells how the model's lines fared, where the person wants to know more.
    pub(in crate::commands) fn tell(&self, ui: &Ui) {
        if ui.verbosity() == 0 {
            return;
        }
        for tally in self.voice.tallies() {
            ui.status(&format!("{tally:?}"));
        }
    }
}

#[async_trait(?Send)]
impl Words for Minds {
    async fn speak(&self, line: &Utterance, sink: Sink<'_>, cancel: &Cancel) -> (String, Source) {
        let spoken = self.voice.speak(line, sink, cancel).await;
        (spoken.text, spoken.source)
    }
}

#[async_trait]
impl Judge for Minds {
    async fn assess(&self, case: &Case, cancel: Cancel) -> Result<Assessment> {
        self.judge.assess(case, cancel).await
    }
}
