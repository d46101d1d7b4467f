//! How often a model's lines were fit to be said, prompt by prompt.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::prompt::PromptInfo;
use super::{Rule, Spoken};
use crate::interview::Source;

/// The counts of one prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptTally {
    /// The prompt's identifier.
    pub prompt: String,
    /// The prompt's version.
    pub version: u32,
    /// Lines that were to be worded.
    pub lines: u32,
    /// Drafts that a model wrote for them.
    pub attempts: u32,
    /// Lines said in a model's words.
    pub accepted: u32,
    /// Lines said in the guide's words after all.
    pub fell_back: u32,
    /// How many drafts broke each rule.
    pub refused: BTreeMap<Rule, u32>,
}

impl PromptTally {
    /// Returns the share of lines said in a model's words, 0 to 1; `None`
    /// before the first line.
    pub fn acceptance(&self) -> Option<f32> {
        (self.lines > 0).then(|| self.accepted as f32 / self.lines as f32)
    }
}

/// The counts of all prompts of a session.
#[derive(Debug, Default)]
pub struct Tallies(Mutex<BTreeMap<String, PromptTally>>);

impl Tallies {
    /// Counts a line. One that the person stopped tells nothing and is left
    /// out.
    pub(super) fn count(&self, prompt: &PromptInfo, spoken: &Spoken) {
        if spoken.cancelled {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = all.entry(prompt.id.clone()).or_default();
        tally.prompt.clone_from(&prompt.id);
        tally.version = prompt.version;
        tally.lines += 1;
        tally.attempts += spoken.attempts;
        match spoken.source {
            Source::Model => tally.accepted += 1,
            Source::Guide => tally.fell_back += 1,
        }
        for refusal in &spoken.refused {
            let rules: std::collections::BTreeSet<Rule> =
                refusal.breaches.iter().map(|breach| breach.rule).collect();
            for rule in rules {
                *tally.refused.entry(rule).or_default() += 1;
            }
        }
    }

    /// Returns the counts by prompt.
    pub(super) fn all(&self) -> Vec<PromptTally> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }
}
