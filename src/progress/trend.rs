//! How the answers to a competency or a concept went, session by session.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::past::{Answer, Judged, Recall};
use super::statistics::{Estimate, Value, difference, estimate};

/// Sessions by one judge from which a trend may be told.
pub const MIN_SESSIONS: usize = 4;

/// What became better or worse over time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "direction")]
pub enum Trend {
    /// Fewer sessions than [`MIN_SESSIONS`].
    TooEarly {
        /// Sessions still needed.
        needed: usize,
    },
    /// The later half is better; the interval of the difference is above 0.
    Rising {
        /// Lower end of the difference, −1 to 1.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// The later half is worse.
    Falling {
        /// Lower end of the difference, −1 to 1.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// The interval holds 0.
    Unclear {
        /// Lower end of the difference, −1 to 1.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

impl Trend {
    /// Returns the words it is shown as.
    pub fn words(&self) -> String {
        match self {
            Self::TooEarly { needed: 1 } => "1 more session for a trend".to_owned(),
            Self::TooEarly { needed } => format!("{needed} more sessions for a trend"),
            Self::Rising { .. } => "rising".to_owned(),
            Self::Falling { .. } => "falling".to_owned(),
            Self::Unclear { .. } => "no clear change".to_owned(),
        }
    }
}

/// The answers of one session to one subject.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionValue {
    /// The session's place in [`super::Progress::sessions`].
    pub session: usize,
    /// The judge's place in [`super::Progress::judges`].
    pub judge: usize,
    /// Mean credit of the points, 0 to 1.
    pub credit: f64,
    /// Share of the points that were made in the first answer, unaided.
    pub unaided: f64,
    /// Answers it is the mean of.
    pub answers: usize,
    /// Points that were judged.
    pub points: usize,
}

/// How points came to be made; shares of the judged points of the answers by
/// the present judge, which add up to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Recalled {
    /// Points that were judged.
    pub points: usize,
    /// In the first answer.
    pub unaided: f64,
    /// After the panel asked again.
    pub probe: f64,
    /// After a hint.
    pub hint: f64,
    /// In a later attempt at the same question.
    pub again: f64,
    /// Not made, or half made.
    pub never: f64,
}

/// What is known of one subject: a competency or a concept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Its name, as the guides spell it.
    pub name: String,
    /// Mean credit of the answers by the present judge; `None` when that judge
    /// judged none.
    pub credit: Option<Estimate>,
    /// Share of points made unaided, likewise.
    pub unaided: Option<Estimate>,
    /// Whether it rises.
    pub trend: Trend,
    /// How points came to be made.
    pub recall: Recalled,
    /// Every session that had it, oldest first.
    pub sessions: Vec<SessionValue>,
    /// Whether sessions of other judges are among them, which may not be
    /// compared with the rest.
    pub broken: bool,
    /// The questions that were asked of it.
    pub questions: Vec<String>,
}

/// The values of one answer: credit and share made unaided. `None` when the
/// judge could settle no point of it.
fn values(answer: &Answer) -> Option<(Value, Value)> {
    let credits: Vec<f64> = answer.points.iter().filter_map(|p| p.credit()).collect();
    let points = credits.len();
    if points == 0 {
        return None;
    }
    let unaided = answer
        .points
        .iter()
        .filter(|point| point.recall == Recall::Unaided)
        .count();
    let mean = |sum: f64| Value {
        mean: sum / points as f64,
        points,
    };
    Some((mean(credits.iter().sum()), mean(unaided as f64)))
}

/// Returns one line a subject. `subjects` says which subjects an answer
/// belongs to, `judges` the judges in the order they are numbered by.
pub(super) fn lines(
    judged: &Judged,
    judges: &[String],
    subjects: impl Fn(&Answer) -> Vec<String>,
) -> Vec<Line> {
    let mut groups: BTreeMap<String, Vec<&Answer>> = BTreeMap::new();
    for answer in &judged.answers {
        for subject in subjects(answer) {
            groups.entry(subject).or_default().push(answer);
        }
    }
    groups
        .into_iter()
        .filter_map(|(name, answers)| line(judged, judges, name, &answers))
        .collect()
}

fn line(judged: &Judged, judges: &[String], name: String, answers: &[&Answer]) -> Option<Line> {
    let mut by_session: BTreeMap<(usize, usize), Vec<(Value, Value)>> = BTreeMap::new();
    let mut present: BTreeMap<usize, Vec<(Value, Value)>> = BTreeMap::new();
    for answer in answers {
        let Some(both) = values(answer) else { continue };
        let judge = judges.iter().position(|one| *one == answer.judge)?;
        by_session
            .entry((answer.session, judge))
            .or_default()
            .push(both);
        if answer.judge == judged.present {
            present.entry(answer.session).or_default().push(both);
        }
    }
    if by_session.is_empty() {
        return None;
    }
    let sessions = by_session
        .iter()
        .map(|((session, judge), both)| {
            let n = both.len() as f64;
            SessionValue {
                session: *session,
                judge: *judge,
                credit: both.iter().map(|(credit, _)| credit.mean).sum::<f64>() / n,
                unaided: both.iter().map(|(_, unaided)| unaided.mean).sum::<f64>() / n,
                answers: both.len(),
                points: both.iter().map(|(credit, _)| credit.points).sum(),
            }
        })
        .collect();
    let all = |pick: fn(&(Value, Value)) -> Value| -> Vec<Value> {
        present.values().flatten().map(pick).collect()
    };
    let questions: BTreeSet<&str> = answers.iter().map(|one| one.question.as_str()).collect();
    Some(Line {
        name,
        credit: estimate(&all(|both| both.0)),
        unaided: estimate(&all(|both| both.1)),
        trend: trend(&present),
        recall: recalled(
            answers
                .iter()
                .copied()
                .filter(|answer| answer.judge == judged.present),
        ),
        broken: by_session
            .keys()
            .any(|(_, judge)| judges.get(*judge) != Some(&judged.present)),
        sessions,
        questions: questions.into_iter().map(str::to_owned).collect(),
    })
}

/// Compares the earlier half of the sessions with the later half; of an odd
/// number the one in the middle is among the later.
fn trend(sessions: &BTreeMap<usize, Vec<(Value, Value)>>) -> Trend {
    if sessions.len() < MIN_SESSIONS {
        return Trend::TooEarly {
            needed: MIN_SESSIONS - sessions.len(),
        };
    }
    let half = sessions.len() / 2;
    let part = |later: bool| -> Vec<Value> {
        sessions
            .values()
            .enumerate()
            .filter(|(at, _)| (*at >= half) == later)
            .flat_map(|(_, both)| both.iter().map(|(credit, _)| *credit))
            .collect()
    };
    let (Some(earlier), Some(later)) = (estimate(&part(false)), estimate(&part(true))) else {
        return Trend::TooEarly { needed: 1 };
    };
    let (low, high) = difference(&earlier, &later);
    if low > 0.0 {
        Trend::Rising { low, high }
    } else if high < 0.0 {
        Trend::Falling { low, high }
    } else {
        Trend::Unclear { low, high }
    }
}

/// Counts how the points of the answers came to be made.
pub(super) fn recalled<'a>(answers: impl Iterator<Item = &'a Answer>) -> Recalled {
    let mut counts = [0_usize; 5];
    for point in answers.flat_map(|answer| &answer.points) {
        if point.credit().is_none() {
            continue;
        }
        let at = match point.recall {
            Recall::Unaided => 0,
            Recall::Probe => 1,
            Recall::Hint => 2,
            Recall::Again => 3,
            Recall::Never => 4,
        };
        counts[at] += 1;
    }
    let points: usize = counts.iter().sum();
    let [unaided, probe, hint, again, never] = counts.map(|count| {
        if points == 0 {
            0.0
        } else {
            count as f64 / points as f64
        }
    });
    Recalled {
        points,
        unaided,
        probe,
        hint,
        again,
        never,
    }
}
