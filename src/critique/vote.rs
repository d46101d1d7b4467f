//! How each panellist votes. All of them hear the same verdicts; each votes
//! on their own competencies only, and the program computes where they differ.

use super::{CompetencyScore, QuestionCritique, Recommendation, Split, Vote};
use crate::interview::Plan;

/// Points of score from which two votes count as a disagreement: about one
/// band of [`Recommendation::of_score`].
pub const SPLIT_DISTANCE: f32 = 20.0;

/// Returns one vote a panellist, chair first.
pub(super) fn votes(plan: &Plan, questions: &[QuestionCritique]) -> Vec<Vote> {
    plan.panel
        .iter()
        .map(|person| {
            let competencies: Vec<CompetencyScore> = person
                .competencies
                .iter()
                .map(|competency| {
                    let shown: Vec<(&QuestionCritique, f32)> = questions
                        .iter()
                        .filter(|one| one.competencies.contains(competency))
                        .filter_map(|one| Some((one, one.score?)))
                        .collect();
                    // What a question shows first counts most of all.
                    let weighted = shown.iter().map(|(one, score)| {
                        let place = one
                            .competencies
                            .iter()
                            .position(|other| other == competency)
                            .unwrap_or(0);
                        let weight = 1.0 / (1.0 + place as f32);
                        (weight, weight * score)
                    });
                    let (weights, sum) = weighted
                        .fold((0.0_f32, 0.0_f32), |(a, b), (weight, value)| {
                            (a + weight, b + value)
                        });
                    CompetencyScore {
                        competency: *competency,
                        score: (weights > 0.0).then(|| sum / weights),
                        questions: shown.iter().map(|(one, _)| one.question.clone()).collect(),
                    }
                })
                .collect();
            let heard: Vec<f32> = competencies.iter().filter_map(|one| one.score).collect();
            let score = (!heard.is_empty()).then(|| heard.iter().sum::<f32>() / heard.len() as f32);
            Vote {
                panellist: person.id.clone(),
                name: person.name.clone(),
                recommendation: score.map_or(Recommendation::NotAssessed, Recommendation::of_score),
                score,
                competencies,
            }
        })
        .collect()
}

/// Returns who differs most, where they differ by [`SPLIT_DISTANCE`] and do
/// not recommend the same.
pub(super) fn split(votes: &[Vote]) -> Option<Split> {
    let heard: Vec<(&Vote, f32)> = votes
        .iter()
        .filter_map(|vote| Some((vote, vote.score?)))
        .collect();
    let (most, high) = heard
        .iter()
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .copied()?;
    let (least, low) = heard
        .iter()
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .copied()?;
    let differ = most.recommendation != least.recommendation && high - low >= SPLIT_DISTANCE;
    differ.then(|| Split {
        for_it: most.name.clone(),
        against: least.name.clone(),
        distance: high - low,
    })
}
