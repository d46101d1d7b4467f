//! Whether a line speaks of what was asked, said or planned, told by the stems
//! of its words. Where vectors are at hand, [`super::MIN_RELEVANCE`] and the
//! comparison with the guide's probe say the same of whole lines.

use std::collections::BTreeSet;

use super::Standard;
use crate::voice::words::{content_stems, quoted, sentences};

/// Share of a sentence's meaning words that must stand, by their stems, in the
/// question, the candidate's words or the guide's line. Rewordings keep a half
/// and more of them; what a model makes up keeps none or one.
const MIN_KNOWN_STEMS: f32 = 0.25;

/// A sentence with fewer meaning words from elsewhere is let through: manner
/// has words of its own.
const FOREIGN_STEMS: usize = 3;

/// Words of a conversation that any line may have: they speak of nothing.
const MANNER: &str = "answer ask back bit bring call chance close come concrete conversation \
    curious day detail everything exactly example follow further get give go going good hand hear help \
    imagine interest keep kind let like listen little look make mean mind moment move need next \
    okay part picture piece place point pick practice question quick really right round same say see side \
    situation speak specific start stay step stop suppose take talk tell thank thanks thing think \
    time today together topic turn understand use walk want way wonder word work";

/// Finds a sentence that speaks of something else: few of its meaning words
/// stand in anything that was asked, said or planned.
pub(super) fn foreign(line: &str, standard: &Standard<'_>) -> Option<String> {
    let facts = standard.facts;
    let known: BTreeSet<String> = [
        Some(standard.fallback),
        facts.asked.as_deref(),
        facts.probe.as_deref(),
        facts.next_name.as_deref(),
        Some(facts.answer.as_str()),
        Some(MANNER),
    ]
    .into_iter()
    .flatten()
    .flat_map(content_stems)
    .collect();
    let manner: BTreeSet<String> = content_stems(MANNER).into_iter().collect();
    let outside = quoted(line).outside;
    sentences(&outside).into_iter().find_map(|sentence| {
        let mut said = content_stems(sentence);
        said.sort_unstable();
        said.dedup();
        let foreign: Vec<&str> = said
            .iter()
            .filter(|stem| !known.contains(*stem))
            .map(String::as_str)
            .collect();
        let about = said.iter().filter(|stem| !manner.contains(*stem)).count();
        let share = (about - foreign.len()) as f32 / about.max(1) as f32;
        (foreign.len() >= FOREIGN_STEMS && share < MIN_KNOWN_STEMS)
            .then(|| format!("speaks of {}", foreign.join(", ")))
    })
}
