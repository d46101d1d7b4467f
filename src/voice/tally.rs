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

    /// Returns the counts in one line.
    pub fn line(&self) -> String {
        let share = self.acceptance().unwrap_or(0.0) * 100.0;
        let mut line = format!(
            "{} of {} lines in the model's words ({share:.0}%), {} in the guide's, {} drafts",
            self.accepted, self.lines, self.fell_back, self.attempts
        );
        if !self.refused.is_empty() {
            let rules: Vec<String> = self
                .refused
                .iter()
                .map(|(rule, count)| format!("{rule} {count}"))
                .collect();
            line.push_str(&format!("; refused: {}", rules.join(", ")));
        }
        line.push('.');
        line
    }

    /// Adds the counts of the same prompt in another part of a session. Those
    /// of another version are not mixed in: the prompt is not the same.
    fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.attempts += other.attempts;
        self.accepted += other.accepted;
        self.fell_back += other.fell_back;
        for (rule, count) in &other.refused {
            *self.refused.entry(*rule).or_default() += count;
        }
    }
}

/// The name under which the journal keeps the counts of a session.
pub const DOCUMENT: &str = "voice";

/// The counts of a session as the journal keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTally {
    /// One entry a prompt and version.
    pub prompts: Vec<PromptTally>,
}

impl SessionTally {
    /// Adds the counts of another part of the session: a resumed interview
    /// counts from nothing again.
    #[must_use]
    pub fn with(mut self, more: &[PromptTally]) -> Self {
        for tally in more {
            let known = self
                .prompts
                .iter_mut()
                .find(|one| (&one.prompt, one.version) == (&tally.prompt, tally.version));
            match known {
                Some(known) => known.add(tally),
                None => self.prompts.push(tally.clone()),
            }
        }
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(prompt: &str, version: u32, accepted: u32) -> PromptTally {
        PromptTally {
            prompt: prompt.to_owned(),
            version,
            lines: accepted + 1,
            attempts: accepted + 3,
            accepted,
            fell_back: 1,
            refused: BTreeMap::from([(Rule::Leak, 2)]),
        }
    }

    #[test]
    fn parts_of_a_session_add_up_and_versions_stay_apart() {
        let all = SessionTally::default()
            .with(&[tally("probe-small", 1, 3)])
            .with(&[tally("probe-small", 1, 2), tally("probe-small", 2, 1)]);
        assert_eq!(all.prompts.len(), 2);
        assert_eq!((all.prompts[0].accepted, all.prompts[0].lines), (5, 7));
        assert_eq!(all.prompts[0].refused[&Rule::Leak], 4);
        assert_eq!(all.prompts[1].accepted, 1);
    }

    #[test]
    fn a_line_tells_rates_and_reasons() {
        assert_eq!(
            tally("probe-small", 1, 3).line(),
            "3 of 4 lines in the model's words (75%), 1 in the guide's, 6 drafts; refused: leak 2."
        );
    }
}
