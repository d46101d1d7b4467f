//! What progress is computed from: sessions, verdict rows, critiques and what
//! was judged again, brought together into one judged answer a session and
//! question.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::documents::{PastCritique, quote};
use super::drift::Regrade;
use crate::interview::hint_of;
use crate::judge::{Verdict, is_trusted};
use crate::store::{SessionId, StoredVerdict, VerdictSource};

/// A session as far as progress names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Its whole name.
    pub id: String,
    /// When it began, milliseconds since 1970 in UTC.
    pub started_at: i64,
    /// A line a person recognises it by.
    pub title: String,
    /// The guides it was held with, `id version` each with commas between.
    #[serde(skip)]
    pub guides: String,
}

/// What a question is about, as the library knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topic {
    /// The question.
    pub ask: String,
    /// Its concept.
    pub concept: String,
    /// The competencies it shows, most important first.
    pub competencies: Vec<String>,
    /// The statements of its points by identifier.
    pub points: BTreeMap<String, String>,
}

/// Everything that is known of the past.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The sessions, in any order.
    pub sessions: Vec<Session>,
    /// The verdicts, in any order.
    pub verdicts: Vec<StoredVerdict>,
    /// The critiques by session.
    pub critiques: BTreeMap<SessionId, PastCritique>,
    /// What was judged again, by session.
    pub regrades: BTreeMap<SessionId, Regrade>,
    /// The questions by identifier.
    pub topics: BTreeMap<String, Topic>,
}

/// How a point came to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Recall {
    /// In the first answer, without help.
    Unaided,
    /// After the panel asked again.
    Probe,
    /// After a hint.
    Hint,
    /// In a later attempt, when what was missing had been shown.
    Again,
    /// Not at all.
    Never,
}

/// One judged point of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) verdict: Verdict,
    pub(super) recall: Recall,
    pub(super) quote: Option<String>,
}

impl Point {
    /// Returns what it earns, 0 to 1: 1 covered, one half partial, nothing
    /// missing or wrong; `None` where the judge could not tell, which is held
    /// against nobody.
    pub(super) fn credit(&self) -> Option<f64> {
        match self.verdict {
            Verdict::Covered => Some(1.0),
            Verdict::Partial => Some(0.5),
            Verdict::Missing | Verdict::Wrong => Some(0.0),
            Verdict::Unsure => None,
        }
    }
}

/// A mistake of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) quote: Option<String>,
}

/// One answer as one judge judged it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// Place of its session in [`Judged::sessions`].
    pub(super) session: usize,
    pub(super) question: String,
    /// What verdicts must share to be compared; see [`comparable`].
    pub(super) judge: String,
    /// The edition of the guide, its version up to the first full stop.
    pub(super) edition: String,
    pub(super) regraded: bool,
    pub(super) points: Vec<Point>,
    pub(super) mistakes: Vec<Made>,
    /// 0 to 100.
    pub(super) score: Option<f64>,
    pub(super) predicted: Option<u8>,
}

/// The past as it can be compared.
#[derive(Debug, Clone, Default)]
pub(super) struct Judged {
    /// The sessions, oldest first.
    pub(super) sessions: Vec<Session>,
    /// One answer a session and question: by the present judge where there is
    /// such a verdict, or else by the one that judged it last.
    pub(super) answers: Vec<Answer>,
    /// What verdicts of the present judge share; empty when there are none.
    pub(super) present: String,
    /// Sessions whose verdicts come from no reliable judge.
    pub(super) unreliable: usize,
}

/// Returns what two verdicts must share to be compared: the judge's version
/// (signals and formula, weights, layers), without the mark of a judge that
/// missed a floor.
pub fn comparable(judge: &str) -> &str {
    judge.strip_suffix("-unproven").unwrap_or(judge)
}

/// Returns the version of the guide that a verdict names, `id version, item`.
/// Rows of the first days name only `id, item`; their version is looked up in
/// the session's own list. Empty when it is not known.
pub fn guide_version(row: &str, session: &str) -> String {
    let named = row.split(',').next().unwrap_or_default().trim();
    if let Some((_, version)) = named.split_once(' ') {
        return version.to_owned();
    }
    session
        .split(',')
        .filter_map(|one| one.trim().split_once(' '))
        .find(|(id, _)| *id == named)
        .map(|(_, version)| version.to_owned())
        .unwrap_or_default()
}

fn edition(version: &str) -> String {
    version.split('.').next().unwrap_or_default().to_owned()
}

impl Past {
    /// Brings everything together; the order of rows and sessions does not
    /// matter.
    pub(super) fn judged(&self) -> Judged {
        let mut sessions = self.sessions.clone();
        sessions.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
        sessions.dedup_by(|a, b| a.id == b.id);
        let places: BTreeMap<&str, usize> = sessions
            .iter()
            .enumerate()
            .map(|(at, session)| (session.id.as_str(), at))
            .collect();

        // The attempt that counts is the last one.
        let mut last: BTreeMap<(usize, &str), u32> = BTreeMap::new();
        for stored in &self.verdicts {
            if let Some(&at) = places.get(stored.session.as_str()) {
                let latest = last.entry((at, &stored.row.question)).or_default();
                *latest = stored.row.attempt.max(*latest);
            }
        }
        type Rows<'a> = BTreeMap<&'a str, &'a StoredVerdict>;
        type ByJudge<'a> = BTreeMap<&'a str, Rows<'a>>;
        let mut groups: BTreeMap<(usize, &str), ByJudge<'_>> = BTreeMap::new();
        let mut present = ("", i64::MIN);
        let mut unreliable = BTreeSet::new();
        let mut reliable = BTreeSet::new();
        for stored in &self.verdicts {
            let row = &stored.row;
            let Some(&at) = places.get(stored.session.as_str()) else {
                continue;
            };
            if !is_trusted(&row.versions.judge) {
                unreliable.insert(at);
                continue;
            }
            reliable.insert(at);
            let judge = comparable(&row.versions.judge);
            if (stored.at_ms, judge) > (present.1, present.0) {
                present = (judge, stored.at_ms);
            }
            if last.get(&(at, row.question.as_str())) != Some(&row.attempt) {
                continue;
            }
            let rows = groups
                .entry((at, &row.question))
                .or_default()
                .entry(judge)
                .or_default();
            let newer = rows
                .get(row.point.as_str())
                .is_none_or(|old| precedence(stored) > precedence(old));
            if newer {
                rows.insert(&row.point, stored);
            }
        }
        let answers = groups
            .into_iter()
            .filter_map(|((at, question), mut by_judge)| {
                let newest = |rows: &Rows<'_>| rows.values().map(|row| row.at_ms).max();
                let judge = if by_judge.contains_key(present.0) {
                    present.0
                } else {
                    by_judge
                        .iter()
                        .max_by_key(|(judge, rows)| (newest(rows), **judge))
                        .map(|(judge, _)| *judge)?
                };
                let mut rows = by_judge.remove(judge)?;
                keep_latest_rubric(&mut rows);
                Some(self.answer(at, &sessions, question, judge, &rows))
            })
            .collect();
        Judged {
            answers,
            present: present.0.to_owned(),
            unreliable: unreliable.difference(&reliable).count(),
            sessions,
        }
    }

    fn answer(
        &self,
        at: usize,
        sessions: &[Session],
        question: &str,
        judge: &str,
        rows: &BTreeMap<&str, &StoredVerdict>,
    ) -> Answer {
        let session = sessions.get(at);
        let id = session.and_then(|session| SessionId::parse(&session.id));
        let critique = id
            .as_ref()
            .and_then(|id| self.critiques.get(id))
            .and_then(|critique| critique.questions.iter().find(|q| q.question == question));
        let regraded = rows
            .values()
            .any(|stored| stored.row.source == VerdictSource::Regrade);
        let again = id
            .as_ref()
            .filter(|_| regraded)
            .and_then(|id| self.regrades.get(id))
            .and_then(|regrade| {
                regrade
                    .questions
                    .iter()
                    .find(|q| q.question == question && comparable(&q.judge) == judge)
            });
        let topic = self.topics.get(question);
        let points = rows
            .values()
            .filter_map(|stored| {
                let row = &stored.row;
                let verdict = verdict(&row.verdict)?;
                let remark = critique.and_then(|one| one.remark(&row.point));
                let redrawn =
                    again.and_then(|one| one.points.iter().find(|p| p.point == row.point));
                let text = topic
                    .and_then(|topic| topic.points.get(&row.point))
                    .map(String::as_str)
                    .or_else(|| remark.map(|remark| remark.text.as_str()))
                    .or_else(|| redrawn.map(|point| point.text.as_str()))
                    .unwrap_or(&row.point);
                Some(Point {
                    id: row.point.clone(),
                    text: text.to_owned(),
                    verdict,
                    recall: recall(&row.recovery, row.attempt, verdict),
                    quote: match redrawn {
                        Some(point) => point.quote.clone(),
                        None => remark.and_then(|remark| quote(&remark.quotes)),
                    },
                })
            })
            .collect();
        let mistakes = match again {
            Some(again) => again
                .mistakes
                .iter()
                .map(|made| Made {
                    id: made.mistake.clone(),
                    text: made.text.clone(),
                    quote: Some(made.quote.clone()),
                })
                .collect(),
            None => critique
                .map(|one| one.hurt.iter())
                .into_iter()
                .flatten()
                .map(|hurt| Made {
                    id: hurt.mistake.clone(),
                    text: hurt.text.clone(),
                    quote: quote(&hurt.quotes),
                })
                .collect(),
        };
        let version = rows
            .values()
            .map(|stored| {
                let own = session.map_or("", |session| session.guides.as_str());
                guide_version(&stored.row.versions.guides, own)
            })
            .max()
            .unwrap_or_default();
        Answer {
            session: at,
            question: question.to_owned(),
            judge: judge.to_owned(),
            edition: edition(&version),
            regraded,
            points,
            mistakes,
            score: match again {
                Some(again) => again.after,
                None if regraded => None,
                None => critique.and_then(|one| one.score),
            },
            predicted: critique.and_then(|one| one.predicted),
        }
    }

    /// Returns what `question` is about: as the library knows it, or else as
    /// the latest critique does.
    pub(super) fn topic(&self, question: &str) -> Topic {
        if let Some(topic) = self.topics.get(question) {
            return topic.clone();
        }
        let known = self
            .critiques
            .values()
            .rev()
            .flat_map(|critique| &critique.questions)
            .find(|one| one.question == question);
        Topic {
            ask: known.map_or_else(|| question.to_owned(), |one| one.asked.clone()),
            concept: question.to_owned(),
            competencies: known.map_or_else(Vec::new, |one| one.competencies.clone()),
            points: BTreeMap::new(),
        }
    }
}

/// Leaves out points that only an earlier edition of the rubric had: what was
/// judged last, contested verdicts apart, says which points there are.
fn keep_latest_rubric(rows: &mut BTreeMap<&str, &StoredVerdict>) {
    let base = rows
        .values()
        .filter(|stored| stored.row.source != VerdictSource::Contest)
        .max_by_key(|stored| precedence(stored))
        .map(|stored| (stored.row.source, stored.row.versions.guides.clone()));
    if let Some((source, guides)) = base {
        rows.retain(|_, stored| {
            let row = &stored.row;
            row.source == VerdictSource::Contest
                || (row.source == source && row.versions.guides == guides)
        });
    }
}

/// Later verdicts count before earlier ones of the same judge; everything
/// else is there so that the order of rows never decides.
fn precedence(stored: &StoredVerdict) -> (i64, u8, &str, &str, &str) {
    let source = match stored.row.source {
        VerdictSource::Interview => 0,
        VerdictSource::Contest => 1,
        VerdictSource::Regrade => 2,
    };
    let row = &stored.row;
    (
        stored.at_ms,
        source,
        &row.versions.guides,
        &row.verdict,
        &row.recovery,
    )
}

fn verdict(word: &str) -> Option<Verdict> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

fn recall(recovery: &str, attempt: u32, verdict: Verdict) -> Recall {
    match recovery {
        _ if verdict != Verdict::Covered => Recall::Never,
        hint if hint_of(hint).is_some() => Recall::Hint,
        "probe" => Recall::Probe,
        "unaided" if attempt == 0 => Recall::Unaided,
        "unaided" => Recall::Again,
        _ => Recall::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guide_is_known_by_the_row_or_else_by_the_session() {
        assert_eq!(guide_version("basics 2026.2, question 4", ""), "2026.2");
        let session = "other 2025.1, basics 2026.1";
        assert_eq!(guide_version("basics, question 4", session), "2026.1");
        assert_eq!(guide_version("gone, question 4", session), "");
        assert_eq!(edition("2026.12"), "2026");
    }

    #[test]
    fn a_judge_that_missed_a_floor_is_not_another_judge() {
        assert_eq!(comparable("2.w1-reader-unproven"), "2.w1-reader");
        assert_eq!(comparable("2.w1-reader"), "2.w1-reader");
    }

    #[test]
    fn a_point_that_came_at_the_second_attempt_is_no_unaided_recall() {
        assert_eq!(recall("unaided", 0, Verdict::Covered), Recall::Unaided);
        assert_eq!(recall("unaided", 1, Verdict::Covered), Recall::Again);
        assert_eq!(recall("probe", 0, Verdict::Covered), Recall::Probe);
        assert_eq!(recall("never", 0, Verdict::Partial), Recall::Never);
    }
}
