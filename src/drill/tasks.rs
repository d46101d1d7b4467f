//! From the points chosen to a sitting: the words of each, and what its answer
//! is judged against.

use std::collections::BTreeSet;

use super::choose::{Candidate, Choice};
use super::sitting::{SittingPlan, Task, Whole};
use super::wording::{for_point, for_whole};
use crate::judge::Case;

/// Questions whose whole is kept ready for the end of a sitting: the weakest
/// of them is asked, and more would only fill the journal.
const WHOLES: usize = 6;

/// Returns the sitting that asks `choice`. `lately` names the questions that
/// were answered a short while ago; `cite` says where a question stands.
pub fn sitting(
    choice: &Choice<'_>,
    lately: &BTreeSet<String>,
    cite: impl Fn(&str) -> String,
) -> SittingPlan {
    let tasks: Vec<Task> = choice
        .points
        .iter()
        .map(|one| task(one, lately.contains(&one.question.id), &cite))
        .collect();
    let mut wholes: Vec<Whole> = Vec::new();
    for one in &choice.points {
        let id = &one.question.id;
        if wholes.len() == WHOLES || wholes.iter().any(|whole| whole.question == *id) {
            continue;
        }
        let used: Vec<&str> = tasks
            .iter()
            .filter(|task| task.question == *id)
            .flat_map(|task| [task.wording.id.as_str(), task.again.id.as_str()])
            .collect();
        let wording = for_whole(one.question, &used);
        wholes.push(Whole {
            question: id.clone(),
            concept: one.question.concept.clone(),
            guide: cite(id),
            case: Case::from_question(one.question, &wording.text, ""),
            wording,
        });
    }
    SittingPlan {
        tasks,
        wholes,
        due: choice.due,
    }
}

fn task(one: &Candidate<'_>, fresh: bool, cite: &impl Fn(&str) -> String) -> Task {
    let turn = one.card.map_or(0, |card| card.reviews);
    let wording = for_point(one.question, one.point, turn, one.wording, fresh);
    let again = for_point(one.question, one.point, turn + 1, Some(&wording.id), false);
    let mut case = Case::from_question(one.question, &wording.whole(), "");
    case.points.retain(|point| point.id == one.point.id);
    Task {
        question: one.question.id.clone(),
        point: one.point.id.clone(),
        concept: one.question.concept.clone(),
        statement: one.point.text.clone(),
        kind: one.point.kind,
        guide: cite(&one.question.id),
        wording,
        again,
        hints: one.point.hints.clone(),
        case,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::sample;

    #[test]
    fn each_task_is_judged_on_its_point_alone_and_the_whole_on_all() {
        let bank = sample::bank();
        let points: Vec<Candidate<'_>> = bank[0]
            .points
            .iter()
            .take(2)
            .map(|point| Candidate {
                question: &bank[0],
                point,
                card: None,
                wording: None,
            })
            .collect();
        let choice = Choice { points, due: 0 };
        let plan = sitting(&choice, &BTreeSet::new(), |id| format!("guide, {id}"));
        assert_eq!(plan.tasks.len(), 2);
        for task in &plan.tasks {
            assert_eq!(task.case.points.len(), 1);
            assert_eq!(task.case.points[0].id, task.point);
            assert_eq!(task.guide, "guide, tech-0");
            assert_ne!(task.wording.id, task.again.id);
            assert_ne!(task.wording.whole(), task.again.whole());
        }
        assert_eq!(plan.wholes.len(), 1);
        assert_eq!(plan.wholes[0].case.points.len(), 4);
    }
}
