//! How well the candidate knows where they stand, and how they speak.

use std::collections::BTreeMap;

use serde::Serialize;

use super::past::{Answer, Judged, Past};
use crate::critique::Surprise;
use crate::store::SessionId;

/// Own scores against the panel's, of the answers by the present judge.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Calibration {
    /// Answers that have both.
    pub answers: usize,
    /// Mean of own score less the panel's, of 100; above 0 the candidate
    /// thinks better of it. `None` for no answer.
    pub bias: Option<f64>,
    /// Mean distance of the two, of 100.
    pub distance: Option<f64>,
    /// Answers on which the candidate was [`Surprise::DISTANCE`] above.
    pub over: usize,
    /// Likewise below.
    pub under: usize,
    /// The same by competency, in the order of their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub competencies: BTreeMap<String, Calibration>,
}

/// How long and how firmly answers were given; no verdict has a part in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Speaking {
    /// Answers that were measured.
    pub answers: usize,
    /// First answers shorter than the panel expects.
    pub short: usize,
    /// Within what it expects.
    pub within: usize,
    /// Longer.
    pub long: usize,
    /// Mean seconds of a first answer.
    pub seconds: Option<f64>,
    /// Mean of the shortest and of the longest time the panel expects.
    pub expected: Option<(f64, f64)>,
    /// Hedges in 100 words.
    pub hedges: Option<f64>,
    /// Fillers in 100 words.
    pub fillers: Option<f64>,
    /// Share of "I" among "I" and "we"; `None` when neither was said.
    pub own: Option<f64>,
    /// The same session by session, oldest first.
    pub sessions: Vec<SpeakingSession>,
}

/// How one session was spoken.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SpeakingSession {
    /// The session's place in [`super::Progress::sessions`].
    pub session: usize,
    /// Answers that were measured.
    pub answers: usize,
    /// Mean seconds of a first answer.
    pub seconds: f64,
    /// Mean of the shortest time the panel expects.
    pub expected_min: f64,
    /// Mean of the longest.
    pub expected_max: f64,
    /// Hedges in 100 words.
    pub hedges: f64,
    /// Fillers in 100 words.
    pub fillers: f64,
}

/// Returns how own scores lie against the panel's.
pub(super) fn calibration(
    judged: &Judged,
    competencies: impl Fn(&Answer) -> Vec<String>,
) -> Calibration {
    let mut all = Vec::new();
    let mut by_competency: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for answer in judged
        .answers
        .iter()
        .filter(|answer| answer.judge == judged.present)
    {
        let (Some(own), Some(score)) = (answer.predicted, answer.score) else {
            continue;
        };
        let by = f64::from(own) * 10.0 - score;
        all.push(by);
        for name in competencies(answer) {
            by_competency.entry(name).or_default().push(by);
        }
    }
    Calibration {
        competencies: by_competency
            .into_iter()
            .map(|(name, by)| (name, of(&by)))
            .collect(),
        ..of(&all)
    }
}

fn of(by: &[f64]) -> Calibration {
    let mean = |sum: f64| (!by.is_empty()).then(|| sum / by.len() as f64);
    let far = f64::from(Surprise::DISTANCE);
    Calibration {
        answers: by.len(),
        bias: mean(by.iter().sum()),
        distance: mean(by.iter().map(|one| one.abs()).sum()),
        over: by.iter().filter(|one| **one >= far).count(),
        under: by.iter().filter(|one| **one <= -far).count(),
        competencies: BTreeMap::new(),
    }
}

#[derive(Debug, Default)]
struct Sum {
    answers: usize,
    seconds: f64,
    min: f64,
    max: f64,
    words: usize,
    hedges: usize,
    fillers: usize,
    own: usize,
    team: usize,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.seconds += other.seconds;
        self.min += other.min;
        self.max += other.max;
        self.words += other.words;
        self.hedges += other.hedges;
        self.fillers += other.fillers;
        self.own += other.own;
        self.team += other.team;
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        (self.answers > 0).then(|| sum / self.answers as f64)
    }

    fn per_hundred(&self, count: usize) -> Option<f64> {
        (self.words > 0).then(|| 100.0 * count as f64 / self.words as f64)
    }
}

/// Returns how the answers to the questions that `wanted` lets through were
/// said.
pub(super) fn speaking(past: &Past, judged: &Judged, wanted: impl Fn(&str) -> bool) -> Speaking {
    let mut out = Speaking::default();
    let mut all = Sum::default();
    for (at, session) in judged.sessions.iter().enumerate() {
        let critique = SessionId::parse(&session.id).and_then(|id| past.critiques.get(&id));
        let mut sum = Sum::default();
        for question in critique.into_iter().flat_map(|one| &one.questions) {
            let Some(spoken) = question
                .spoken
                .as_ref()
                .filter(|_| wanted(&question.question))
            else {
                continue;
            };
            let (min, max) = spoken.expected;
            match spoken.seconds {
                seconds if seconds < min => out.short += 1,
                seconds if seconds > max => out.long += 1,
                _ => out.within += 1,
            }
            sum.add(&Sum {
                answers: 1,
                seconds: f64::from(spoken.seconds),
                min: f64::from(min),
                max: f64::from(max),
                words: question.words.max(spoken.words),
                hedges: spoken.hedges.len(),
                fillers: spoken.fillers.len(),
                own: spoken.own.len(),
                team: spoken.team.len(),
            });
        }
        if let (Some(seconds), Some(expected_min), Some(expected_max)) =
            (sum.mean(sum.seconds), sum.mean(sum.min), sum.mean(sum.max))
        {
            out.sessions.push(SpeakingSession {
                session: at,
                answers: sum.answers,
                seconds,
                expected_min,
                expected_max,
                hedges: sum.per_hundred(sum.hedges).unwrap_or(0.0),
                fillers: sum.per_hundred(sum.fillers).unwrap_or(0.0),
            });
        }
        all.add(&sum);
    }
    out.answers = all.answers;
    out.seconds = all.mean(all.seconds);
    out.expected = all.mean(all.min).zip(all.mean(all.max));
    out.hedges = all.per_hundred(all.hedges);
    out.fillers = all.per_hundred(all.fillers);
    let persons = all.own + all.team;
    out.own = (persons > 0).then(|| all.own as f64 / persons as f64);
    out
}
