//! Progress: what the past sessions say of the next one.
//!
//! Verdict rows, critiques and sessions in, a [`Progress`] out; the order in
//! which they come does not matter. Nothing here reads the journal, a clock or
//! a model, and nothing is judged: `viva history regrade` does that.
//!
//! Verdicts are only compared where the same judge made them
//! ([`comparable`]): the judge of the latest reliable verdict is the present
//! one, and claims rest on its verdicts alone. Those of other judges are shown
//! apart. Points are compared only within one edition of their guide.
//! [`statistics`] says how intervals are made.

mod drift;
mod habits;
mod past;
mod points;
pub mod statistics;
#[cfg(test)]
mod tests;
mod trend;

use std::collections::BTreeMap;

use serde::Serialize;

pub use drift::{
    Drift, MadeMistake, ModelFile, PointDrift, REGRADE, Regrade, RegradedQuestion, drift,
};
pub use habits::{Calibration, Speaking, SpeakingSession};
pub use past::{
    Past, PastCritique, PastHurt, PastQuestion, PastQuote, PastRemark, Session, Topic, comparable,
    guide_version,
};
pub use points::{Inconsistency, Moved, Then};
pub use statistics::Estimate;
pub use trend::{Line, MIN_SESSIONS, Recalled, SessionValue, Trend};

/// What to look at; nothing given is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Only questions that show this competency.
    pub competency: Option<String>,
    /// Only questions about this concept.
    pub concept: Option<String>,
}

/// A judge whose verdicts are part of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PastJudge {
    /// Its version, as [`comparable`] has it.
    pub version: String,
    /// Sessions with answers it judged that no later judge did.
    pub sessions: usize,
    /// When the first of them began, milliseconds since 1970 in UTC.
    pub from: i64,
    /// When the last of them began.
    pub to: i64,
    /// Whether it is the present one.
    pub present: bool,
}

/// What the past comes to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Progress {
    /// The sessions that the numbers below name, oldest first; counted from 0.
    pub sessions: Vec<Session>,
    /// The judges, the one that judged the earliest session first.
    pub judges: Vec<PastJudge>,
    /// Sessions left out because their judge was not reliable.
    pub unreliable: usize,
    /// One line a competency, in the order of their names.
    pub competencies: Vec<Line>,
    /// One line a concept, likewise.
    pub concepts: Vec<Line>,
    /// How points came to be made, over everything.
    pub recall: Recalled,
    /// Own scores against the panel's.
    pub calibration: Calibration,
    /// How it was said.
    pub speaking: Speaking,
    /// Points that are better than the first time.
    pub improved: Vec<Moved>,
    /// Points that are worse than the best time.
    pub regressed: Vec<Moved>,
    /// What was answered one way and then another.
    pub inconsistent: Vec<Inconsistency>,
}

impl Progress {
    /// Returns whether verdicts of more than one judge are there, which may
    /// not be compared.
    pub fn is_broken(&self) -> bool {
        self.judges.len() > 1
    }

    /// Returns whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.competencies.is_empty() && self.concepts.is_empty() && self.speaking.answers == 0
    }
}

/// Returns what `past` comes to, as far as `wish` asks for it.
pub fn progress(past: &Past, wish: &Wish) -> Progress {
    let mut judged = past.judged();
    let mut topics: BTreeMap<String, Topic> = BTreeMap::new();
    let asked = past.critiques.values().flat_map(|one| &one.questions);
    for question in judged
        .answers
        .iter()
        .map(|answer| &answer.question)
        .chain(asked.map(|question| &question.question))
    {
        if !topics.contains_key(question) {
            topics.insert(question.clone(), past.topic(question));
        }
    }
    let wanted = |question: &str| {
        topics.get(question).is_some_and(|topic| {
            wish.concept
                .as_ref()
                .is_none_or(|concept| topic.concept == *concept)
                && wish
                    .competency
                    .as_ref()
                    .is_none_or(|one| topic.competencies.contains(one))
        })
    };
    judged.answers.retain(|answer| wanted(&answer.question));
    let judges = judges(&judged);
    let versions: Vec<String> = judges.iter().map(|one| one.version.clone()).collect();
    let concept = |question: &str| {
        topics
            .get(question)
            .map_or_else(|| question.to_owned(), |topic| topic.concept.clone())
    };
    let competencies = |answer: &past::Answer| -> Vec<String> {
        let all = topics
            .get(&answer.question)
            .map(|topic| topic.competencies.clone())
            .unwrap_or_default();
        match &wish.competency {
            Some(one) => all.into_iter().filter(|name| name == one).collect(),
            None => all,
        }
    };
    let compared = points::compare(&judged, concept);
    Progress {
        competencies: trend::lines(&judged, &versions, competencies),
        concepts: trend::lines(&judged, &versions, |answer| vec![concept(&answer.question)]),
        recall: trend::recalled(
            judged
                .answers
                .iter()
                .filter(|answer| answer.judge == judged.present),
        ),
        calibration: habits::calibration(&judged, competencies),
        speaking: habits::speaking(past, &judged, wanted),
        improved: compared.improved,
        regressed: compared.regressed,
        inconsistent: compared.inconsistent,
        unreliable: judged.unreliable,
        judges,
        sessions: judged.sessions,
    }
}

fn judges(judged: &past::Judged) -> Vec<PastJudge> {
    let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for answer in &judged.answers {
        let sessions = found.entry(&answer.judge).or_default();
        if sessions.last() != Some(&answer.session) {
            sessions.push(answer.session);
        }
    }
    let began = |at: Option<&usize>| {
        at.and_then(|at| judged.sessions.get(*at))
            .map_or(0, |session| session.started_at)
    };
    let mut judges: Vec<PastJudge> = found
        .into_iter()
        .map(|(version, sessions)| PastJudge {
            version: version.to_owned(),
            sessions: sessions.len(),
            from: began(sessions.first()),
            to: began(sessions.last()),
            present: version == judged.present,
        })
        .collect();
    judges.sort_by(|a, b| (a.from, &a.version).cmp(&(b.from, &b.version)));
    judges
}
