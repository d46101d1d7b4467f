//! Points that became better or worse, and concepts that were answered one way
//! in one session and another way in the next, each with the words that show
//! it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::past::{Answer, Judged, Point};
use crate::critique::Surprise;
use crate::judge::Verdict;

/// What was said of a point in one session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Then {
    /// The session's place in [`super::Progress::sessions`].
    pub session: usize,
    /// The verdict.
    pub verdict: Verdict,
    /// The candidate's words; `None` when it was not said.
    pub quote: Option<String>,
}

/// A point judged in two sessions with different outcomes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// The question's identifier.
    pub question: String,
    /// What it is about.
    pub concept: String,
    /// The point's identifier.
    pub point: String,
    /// The guide's statement.
    pub text: String,
    /// The earlier time: the first for an improvement, the last time it was
    /// as good as ever for a relapse.
    pub then: Then,
    /// The latest time.
    pub now: Then,
}

/// A concept that was answered one way and then another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Inconsistency {
    /// A point was made, and later it was missing or wrong.
    Point(Moved),
    /// A mistake was made in one session and not in the other.
    Mistake {
        /// The question's identifier.
        question: String,
        /// What it is about.
        concept: String,
        /// The mistake's identifier.
        mistake: String,
        /// The guide's statement.
        text: String,
        /// The session in which it was made; a place in
        /// [`super::Progress::sessions`].
        made: usize,
        /// The words that show it.
        quote: Option<String>,
        /// The latest session in which the question was answered without it.
        avoided: usize,
    },
    /// Two questions about the concept were answered far apart, the later one
    /// worse.
    Questions {
        /// What both are about.
        concept: String,
        /// The question answered well.
        well: String,
        /// Where; a place in [`super::Progress::sessions`].
        well_session: usize,
        /// Its score, 0 to 100.
        well_score: f64,
        /// The question answered badly.
        badly: String,
        /// Where.
        badly_session: usize,
        /// Its score, 0 to 100.
        badly_score: f64,
    },
}

/// What comparing the points of the past shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Compared {
    pub(super) improved: Vec<Moved>,
    pub(super) regressed: Vec<Moved>,
    pub(super) inconsistent: Vec<Inconsistency>,
}

/// Compares answers of the present judge; those to one question also share the
/// edition of their guide. `concept` names what a question is about.
pub(super) fn compare(judged: &Judged, concept: impl Fn(&str) -> String) -> Compared {
    let mut out = Compared::default();
    let mut by_question: BTreeMap<&str, Vec<&Answer>> = BTreeMap::new();
    let mut by_concept: BTreeMap<String, Vec<&Answer>> = BTreeMap::new();
    for answer in judged
        .answers
        .iter()
        .filter(|answer| answer.judge == judged.present)
    {
        by_question
            .entry(&answer.question)
            .or_default()
            .push(answer);
        by_concept
            .entry(concept(&answer.question))
            .or_default()
            .push(answer);
    }
    for (question, mut answers) in by_question {
        answers.sort_by_key(|answer| answer.session);
        let Some(edition) = answers.last().map(|answer| answer.edition.clone()) else {
            continue;
        };
        answers.retain(|answer| answer.edition == edition);
        points(question, &concept(question), &answers, &mut out);
        mistakes(question, &concept(question), &answers, &mut out);
    }
    for (concept, mut answers) in by_concept {
        answers.sort_by(|a, b| (a.session, &a.question).cmp(&(b.session, &b.question)));
        out.inconsistent.extend(apart(&concept, &answers));
    }
    // What happened last is what a person wants to see first.
    let latest = |moved: &Moved| std::cmp::Reverse(moved.now.session);
    out.improved.sort_by_key(latest);
    out.regressed.sort_by_key(latest);
    out
}

fn points(question: &str, concept: &str, answers: &[&Answer], out: &mut Compared) {
    let mut histories: BTreeMap<&str, Vec<(usize, &Point, f64)>> = BTreeMap::new();
    for answer in answers {
        for point in &answer.points {
            if let Some(credit) = point.credit() {
                histories
                    .entry(&point.id)
                    .or_default()
                    .push((answer.session, point, credit));
            }
        }
    }
    for history in histories.values() {
        let [first, .., last] = history.as_slice() else {
            continue;
        };
        let earlier = &history[..history.len() - 1];
        let best = earlier.iter().map(|one| one.2).fold(0.0, f64::max);
        let moved = |from: &(usize, &Point, f64)| Moved {
            question: question.to_owned(),
            concept: concept.to_owned(),
            point: last.1.id.clone(),
            text: last.1.text.clone(),
            then: then(from),
            now: then(last),
        };
        if last.2 < best {
            let Some(from) = earlier.iter().rev().find(|one| one.2 >= best) else {
                continue;
            };
            let moved = moved(from);
            if from.1.verdict == Verdict::Covered
                && matches!(last.1.verdict, Verdict::Missing | Verdict::Wrong)
            {
                out.inconsistent.push(Inconsistency::Point(moved.clone()));
            }
            out.regressed.push(moved);
        } else if last.2 > first.2 {
            out.improved.push(moved(first));
        }
    }
}

fn then((session, point, _): &(usize, &Point, f64)) -> Then {
    Then {
        session: *session,
        verdict: point.verdict,
        quote: point.quote.clone(),
    }
}

fn mistakes(question: &str, concept: &str, answers: &[&Answer], out: &mut Compared) {
    let mut made: BTreeMap<&str, (usize, &super::past::Made)> = BTreeMap::new();
    for answer in answers {
        for mistake in &answer.mistakes {
            made.insert(&mistake.id, (answer.session, mistake));
        }
    }
    for (id, (session, mistake)) in made {
        let avoided = answers
            .iter()
            .rev()
            .find(|answer| answer.mistakes.iter().all(|one| one.id != id));
        if let Some(avoided) = avoided {
            out.inconsistent.push(Inconsistency::Mistake {
                question: question.to_owned(),
                concept: concept.to_owned(),
                mistake: id.to_owned(),
                text: mistake.text.clone(),
                made: session,
                quote: mistake.quote.clone(),
                avoided: avoided.session,
            });
        }
    }
}

/// Returns the latest answer to the concept that lies at least
/// [`Surprise::DISTANCE`] below an earlier one to another question.
fn apart(concept: &str, answers: &[&Answer]) -> Option<Inconsistency> {
    let badly = answers.last()?;
    let badly_score = badly.score?;
    let (well, well_score) = answers
        .iter()
        .filter(|one| one.session < badly.session && one.question != badly.question)
        .filter_map(|one| Some((one, one.score?)))
        .rfind(|(_, score)| score - badly_score >= f64::from(Surprise::DISTANCE))?;
    Some(Inconsistency::Questions {
        concept: concept.to_owned(),
        well: well.question.clone(),
        well_session: well.session,
        well_score,
        badly: badly.question.clone(),
        badly_session: badly.session,
        badly_score,
    })
}
