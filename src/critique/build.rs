//! Puts the critique together from the state of an interview.

use std::ops::Range;

use super::{
    AttemptScore, Cited, Clash, Critique, Hurt, Moment, NotAssessed, QuestionCritique, Quote,
    Recommendation, Remark, Surprise, contest, reverse, rewrite, vote, work,
};
use crate::guide::{PointKind, Severity};
use crate::interview::{
    Attempt, Intent, Machine, OwnScore, Passage, Plan, PlannedQuestion, QuestionRecord, Recovery,
    contradiction, spoken,
};
use crate::judge::{Assessment, PointVerdict, Verdict, is_trusted};

/// Returns the critique of an interview, which may still be in progress: what
/// has not been judged is not assessed.
pub fn critique(machine: &Machine) -> Critique {
    let Some(plan) = machine.plan() else {
        return Critique {
            questions: Vec::new(),
            work_on: Vec::new(),
            recommendation: Recommendation::NotAssessed,
            score: None,
            assessed: 0,
            votes: Vec::new(),
            split: None,
            moments: Vec::new(),
            rewrite: None,
            surprises: Vec::new(),
            contradictions: Vec::new(),
            notes: Vec::new(),
        };
    };
    let mut questions: Vec<QuestionCritique> = plan
        .questions
        .iter()
        .enumerate()
        .zip(machine.records())
        .map(|((index, planned), record)| question(machine, plan, index, planned, record))
        .collect();
    contest::number(&mut questions);
    let scores: Vec<f32> = questions.iter().filter_map(|one| one.score).collect();
    let score = mean(&scores);
    let votes = vote::votes(plan, &questions);
    Critique {
        work_on: work::work_on(plan, &questions),
        recommendation: recommend(&questions, score),
        assessed: scores.len(),
        score,
        split: vote::split(&votes),
        votes,
        moments: moments(plan, &questions),
        rewrite: rewrite::rewrite(plan, &questions),
        surprises: surprises(&questions),
        contradictions: contradictions(plan, machine),
        notes: machine.notes().to_vec(),
        questions,
    }
}

fn question(
    machine: &Machine,
    plan: &Plan,
    index: usize,
    planned: &PlannedQuestion,
    record: &QuestionRecord,
) -> QuestionCritique {
    let attempt = record.attempt();
    let assessment = record.assessment();
    let answer = attempt.map(Attempt::answer).unwrap_or_default();
    let mut critique = QuestionCritique {
        question: planned.question.id.clone(),
        asked: planned.asked.clone(),
        panellist: plan
            .asks(index)
            .map(|person| person.id.clone())
            .unwrap_or_default(),
        guide: planned.citation.clone(),
        competencies: planned.question.competencies.clone(),
        score: assessment.and_then(shown_score),
        first_score: attempt
            .and_then(|attempt| attempt.judgements.first())
            .and_then(|first| shown_score(&first.assessment)),
        not_assessed: not_assessed(machine, index, record),
        predicted: record.predicted.and_then(OwnScore::given),
        flags: assessment.map(|one| one.flags.clone()).unwrap_or_default(),
        covered: Vec::new(),
        partial: Vec::new(),
        wrong: Vec::new(),
        unsure: Vec::new(),
        missing: Vec::new(),
        hurt: Vec::new(),
        attempts: record.attempts.iter().map(attempt_score).collect(),
        follow_ups: attempt.map_or(0, |attempt| attempt.follow_ups.len()),
        hints: attempt.map_or(0, |attempt| {
            attempt.hints.iter().filter(|hint| hint.rung > 0).count()
        }),
        model_answer: planned.question.model_answer.clone(),
        spoken: attempt
            .filter(|attempt| attempt.exchanges.is_empty())
            .and_then(|attempt| spoken::spoken(attempt, planned.question.spoken_seconds)),
        reverse: attempt.and_then(|attempt| reverse::round(plan, index, attempt, &answer)),
        answer,
    };
    if let (Some(attempt), Some(assessment)) = (attempt, assessment) {
        for found in &assessment.points {
            let Some((verdict, remark)) = remark(planned, attempt, found, &critique.answer) else {
                continue;
            };
            match verdict {
                Verdict::Covered => critique.covered.push(remark),
                Verdict::Partial => critique.partial.push(remark),
                Verdict::Wrong => critique.wrong.push(remark),
                Verdict::Unsure => critique.unsure.push(remark),
                Verdict::Missing => critique.missing.push(remark),
            }
        }
        critique.hurt = assessment
            .mistakes
            .iter()
            .filter(|finding| finding.made)
            .filter_map(|finding| {
                let mistake = planned
                    .question
                    .mistakes
                    .iter()
                    .find(|mistake| mistake.id == finding.id)?;
                let quotes = quotes(&critique.answer, &finding.evidence);
                (!quotes.is_empty()).then(|| Hurt {
                    mistake: mistake.id.clone(),
                    text: mistake.text.clone(),
                    number: None,
                    severity: mistake.severity,
                    why: mistake.why.clone(),
                    quotes,
                    guide: format!("{}, mistake {}", planned.citation, mistake.id),
                })
            })
            .collect();
    }
    critique
}

/// Returns what the answers say against each other, with both citations.
fn contradictions(plan: &Plan, machine: &Machine) -> Vec<Clash> {
    let cited = |passage: Passage| {
        let planned = plan.questions.get(passage.question)?;
        Some(Cited {
            question: planned.question.id.clone(),
            quote: passage.quote,
            guide: planned.citation.clone(),
        })
    };
    contradiction::find(plan, machine.records())
        .into_iter()
        .filter_map(|one| {
            Some(Clash {
                earlier: cited(one.earlier)?,
                later: cited(one.later)?,
                about: one.about,
            })
        })
        .collect()
}

/// Returns where the candidate's own scores lay far from the panel's, the
/// farthest first.
fn surprises(questions: &[QuestionCritique]) -> Vec<Surprise> {
    let distance = |one: &Surprise| (f32::from(one.predicted) * 10.0 - one.score).abs();
    let mut found: Vec<Surprise> = questions
        .iter()
        .filter_map(|one| {
            Some(Surprise {
                question: one.question.clone(),
                competencies: one.competencies.clone(),
                predicted: one.predicted?,
                score: one.score?,
            })
        })
        .filter(|one| distance(one) >= Surprise::DISTANCE)
        .collect();
    found.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
    found
}

fn not_assessed(machine: &Machine, index: usize, record: &QuestionRecord) -> Option<NotAssessed> {
    if let Some(assessment) = record.assessment() {
        return shown_score(assessment)
            .is_none()
            .then_some(NotAssessed::NotReliable);
    }
    let answered = record
        .attempt()
        .is_some_and(|attempt| !attempt.turns.is_empty());
    let asked = machine.said().iter().any(|line| {
        line.question == Some(index) && matches!(line.intent, Intent::Ask | Intent::Repeat)
    });
    Some(if answered {
        NotAssessed::NotJudged
    } else if record.skipped {
        NotAssessed::Skipped
    } else if asked {
        NotAssessed::NotAnswered
    } else {
        NotAssessed::NotAsked
    })
}

fn attempt_score(attempt: &Attempt) -> AttemptScore {
    AttemptScore {
        score: attempt.assessment().and_then(shown_score),
        points: attempt
            .assessment()
            .map(|one| {
                one.points
                    .iter()
                    .map(|point| (point.id.clone(), point.verdict))
                    .collect()
            })
            .unwrap_or_default(),
    }
}

/// Returns the verdict to show and the remark. A point without words to show
/// for it is missing where the judge was unsure or saw half of it, and left
/// out where it called it made or wrong: neither can be shown without a quote.
fn remark(
    planned: &PlannedQuestion,
    attempt: &Attempt,
    found: &PointVerdict,
    answer: &str,
) -> Option<(Verdict, Remark)> {
    let point = planned
        .question
        .points
        .iter()
        .find(|point| point.id == found.id)?;
    let quotes = match found.verdict {
        Verdict::Missing => Vec::new(),
        _ => quotes(answer, &found.evidence),
    };
    let verdict = match found.verdict {
        Verdict::Covered | Verdict::Wrong if quotes.is_empty() => return None,
        Verdict::Partial | Verdict::Unsure if quotes.is_empty() => Verdict::Missing,
        verdict => verdict,
    };
    let remark = Remark {
        point: point.id.clone(),
        text: point.text.clone(),
        kind: point.kind,
        weight: point.weight,
        star: point.star,
        number: None,
        recovery: attempt.recovery(&point.id).unwrap_or(Recovery::Never),
        probability: found.probability,
        quotes,
        guide: format!("{}, point {}", planned.citation, point.id),
    };
    Some((verdict, remark))
}

/// Returns the words at `ranges`, verbatim, without white space at their ends;
/// a range that does not lie on character boundaries of `answer` is left out.
pub(super) fn quotes(answer: &str, ranges: &[Range<usize>]) -> Vec<Quote> {
    ranges
        .iter()
        .filter_map(|range| {
            let text = answer.get(range.clone())?;
            let start = range.start + (text.len() - text.trim_start().len());
            let text = text.trim();
            (!text.is_empty()).then(|| Quote {
                start,
                end: start + text.len(),
                text: text.to_owned(),
            })
        })
        .collect()
}

/// The score of an assessment, where its judge is reliable enough for one.
fn shown_score(assessment: &Assessment) -> Option<f32> {
    is_trusted(&assessment.judge).then_some(assessment.score)
}

fn mean(scores: &[f32]) -> Option<f32> {
    (!scores.is_empty()).then(|| scores.iter().sum::<f32>() / scores.len() as f32)
}

/// Returns what the panel recommends: the band of the mean score, held back by
/// what the guides say a panel does not forgive. A fatal mistake is "not yet";
/// a yes needs every answered question to be at least borderline; a strong yes
/// needs first answers that would have earned a yes, since what a panel has to ask
/// for is no reason for enthusiasm.
fn recommend(questions: &[QuestionCritique], score: Option<f32>) -> Recommendation {
    let Some(score) = score else {
        return Recommendation::NotAssessed;
    };
    let band = Recommendation::of_score(score);
    let fatal = questions
        .iter()
        .flat_map(|one| &one.hurt)
        .any(|hurt| hurt.severity == Severity::Fatal);
    let weakest = questions
        .iter()
        .filter_map(|one| one.score)
        .fold(f32::INFINITY, f32::min);
    let unaided: Vec<f32> = questions
        .iter()
        .filter_map(|one| one.score.and(one.first_score))
        .collect();
    let band = match mean(&unaided) {
        Some(unaided) if unaided < super::YES => band.min(Recommendation::Yes),
        _ => band,
    };
    if fatal {
        Recommendation::NotYet
    } else if weakest < super::BORDERLINE {
        band.min(Recommendation::Borderline)
    } else {
        band
    }
}

/// Returns the moments that decided it: the point that spoke most for the
/// candidate, then what spoke most against, by weight; at most three.
fn moments(plan: &Plan, questions: &[QuestionCritique]) -> Vec<Moment> {
    let mut spoke_for: Vec<(u32, Moment)> = Vec::new();
    let mut spoke_against: Vec<(u32, Moment)> = Vec::new();
    for one in questions {
        let name = plan
            .panel
            .iter()
            .find(|person| person.id == one.panellist)
            .map(|person| person.name.clone())
            .unwrap_or_default();
        let moment = |speaks_for, quote: &Quote, thought: &str, guide: &str| Moment {
            question: one.question.clone(),
            panellist: name.clone(),
            speaks_for,
            quote: quote.clone(),
            thought: thought.to_owned(),
            guide: guide.to_owned(),
        };
        for remark in &one.covered {
            // A standout is what a panel remembers; help takes half of it away.
            let rarity = if remark.kind == PointKind::Standout {
                3
            } else {
                2
            };
            let share = if remark.recovery == Recovery::Unaided {
                2
            } else {
                1
            };
            if let Some(quote) = remark.quotes.first() {
                let value = remark.weight * rarity * share;
                spoke_for.push((value, moment(true, quote, &remark.text, &remark.guide)));
            }
        }
        for hurt in &one.hurt {
            let value = match hurt.severity {
                Severity::Fatal => 400,
                Severity::Serious => 200,
                Severity::Minor => 40,
            };
            if let Some(quote) = hurt.quotes.first() {
                spoke_against.push((value, moment(false, quote, &hurt.text, &hurt.guide)));
            }
        }
        for remark in &one.wrong {
            if let Some(quote) = remark.quotes.first() {
                let value = remark.weight * 3;
                spoke_against.push((value, moment(false, quote, &remark.text, &remark.guide)));
            }
        }
    }
    spoke_for.sort_by_key(|(value, _)| std::cmp::Reverse(*value));
    spoke_against.sort_by_key(|(value, _)| std::cmp::Reverse(*value));
    let against: Vec<Moment> = spoke_against
        .into_iter()
        .map(|(_, one)| one)
        .take(2)
        .collect();
    spoke_for
        .into_iter()
        .map(|(_, one)| one)
        .take(3 - against.len().max(1))
        .chain(against)
        .collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
