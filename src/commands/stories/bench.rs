//! The judge for stories: checks one, and measures how it fits questions.

use serde::{Deserialize, Serialize};

use super::super::Context;
use super::super::assess::{local_judge, runtime};
use crate::Result;
use crate::guide::Question;
use crate::judge::{Assessment, Case, Judge, LocalJudge};
use crate::llm::Cancel;
use crate::store::{Journal, Story};
use crate::stories::check::{Check, case, check};
use crate::stories::fit::{self, Fit};

/// Questions that are judged to suggest tags.
const FOR_TAGS: usize = 5;

/// A judge with a runtime to ask it in.
pub(super) struct Bench {
    judge: LocalJudge,
    runtime: tokio::runtime::Runtime,
}

/// A check with what it was a check of.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// When the story had last changed.
    changed_at: i64,
    check: Check,
}

impl Bench {
    /// Loads the models that judge; says where there is only a part of them.
    ///
    /// # Errors
    /// Fails when a model that is there cannot be loaded.
    pub(super) fn open(ctx: &Context) -> Result<Self> {
        let progress = ctx.ui.spinner("Loading the judge");
        let judge = local_judge(ctx)?;
        progress.finish();
        Ok(Self {
            judge,
            runtime: runtime()?,
        })
    }

    /// Returns the version of the judge.
    pub(super) fn version(&self) -> String {
        self.judge.version()
    }

    /// Checks `story` and keeps what was found, so that a list need not ask.
    ///
    /// # Errors
    /// Fails when a model fails. A check that cannot be kept is made again.
    pub(super) fn check(&self, journal: &Journal, story: &Story) -> Result<Check> {
        let judged = self
            .runtime
            .block_on(self.judge.assess(&case(&story.text), Cancel::new()))?;
        // Without a reader the judge has no more to say than the words.
        let judged = crate::judge::is_trusted(&judged.judge).then_some(&judged);
        let found = check(&story.text, judged);
        let kept = Kept {
            changed_at: story.changed_at,
            check: found.clone(),
        };
        if let Ok(value) = serde_json::to_value(&kept)
            && let Err(error) = journal.put_story_check(&story.id, &value)
        {
            tracing::warn!(%error, "a check could not be kept");
        }
        Ok(found)
    }

    /// Returns how near each of `questions` is to each of `stories`, a row a
    /// story: by meaning where there is an embedder, else by words.
    ///
    /// # Errors
    /// Fails when the embedder does.
    pub(super) fn near(&self, stories: &[&str], questions: &[&Question]) -> Result<Vec<Vec<f32>>> {
        let texts: Vec<String> = stories
            .iter()
            .map(|story| (*story).to_owned())
            .chain(questions.iter().map(|question| fit::wording(question)))
            .collect();
        let vectors = self
            .runtime
            .block_on(self.judge.vectors(texts, Cancel::new()))?;
        Ok(match vectors {
            Some(vectors) => {
                let (of_stories, of_questions) = vectors.split_at(stories.len());
                of_stories
                    .iter()
                    .map(|story| {
                        of_questions
                            .iter()
                            .map(|question| fit::cosine(story, question))
                            .collect()
                    })
                    .collect()
            }
            None => stories
                .iter()
                .map(|story| {
                    questions
                        .iter()
                        .map(|question| fit::near_by_words(story, question))
                        .collect()
                })
                .collect(),
        })
    }

    /// Judges `story` as an answer to `question`.
    ///
    /// # Errors
    /// Fails when a model fails.
    pub(super) fn answer(&self, story: &str, question: &Question) -> Result<Assessment> {
        let case = Case::from_question(question, &question.ask, story);
        self.runtime
            .block_on(self.judge.assess(&case, Cancel::new()))
    }

    /// Returns the competencies that a story shows, by the questions it fits.
    ///
    /// # Errors
    /// Fails when a model fails.
    pub(super) fn tags(&self, story: &str, questions: &[&Question]) -> Result<Vec<String>> {
        let near = self.near(&[story], questions)?;
        let near = near.first().map_or(&[][..], Vec::as_slice);
        let mut fits = Vec::new();
        for question in fit::nearest(near, FOR_TAGS) {
            fits.push(Fit {
                story: 0,
                question,
                score: self.answer(story, questions[question])?.score,
                near: near[question],
            });
        }
        Ok(fit::suggest(&fits, questions)
            .iter()
            .map(ToString::to_string)
            .collect())
    }
}

/// Returns the check of `story` without asking anybody: the judge's last one
/// where the story has not changed since, else one by its words.
///
/// # Errors
/// Fails when the journal cannot be read.
pub(super) fn known(journal: &Journal, story: &Story) -> Result<Check> {
    let kept = journal
        .story_check(&story.id)?
        .and_then(|value| serde_json::from_value::<Kept>(value).ok())
        .filter(|kept| kept.changed_at == story.changed_at);
    Ok(kept.map_or_else(|| check(&story.text, None), |kept| kept.check))
}
