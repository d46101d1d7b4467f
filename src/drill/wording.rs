//! In which words a point is asked for: another scenario and a question that
//! leads to the point, never the words of the time before.

use serde::{Deserialize, Serialize};

use crate::guide::{Point, Question};

/// Ways to put the question itself where a guide gives no other words for it.
const FRAMES: [&str; 2] = [
    "Say it as you would to a colleague from outside the field.",
    "Say it as you would to somebody who doubts it.",
];

/// The words of one asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// A name for the words, unique within the point: `variant-1+probe-0`,
    /// `probe-1`, `frame-0`; `ask` or `variant-2` for a whole question.
    pub id: String,
    /// The scenario it is set in, if one is told.
    pub scenario: Option<String>,
    /// The question.
    pub text: String,
}

impl Wording {
    /// Returns scenario and question as one text, as the judge reads them.
    pub fn whole(&self) -> String {
        match &self.scenario {
            Some(scenario) => format!("{scenario} {}", self.text),
            None => self.text.clone(),
        }
    }
}

/// Returns the words to ask for `point` of `question`, which are not those
/// called `last`. `turn` counts the times it was asked: the wordings take
/// turns. `fresh` says that the question was answered a short while ago: then
/// the panel asks on from there instead of telling another scenario.
pub fn for_point(
    question: &Question,
    point: &Point,
    turn: u32,
    last: Option<&str>,
    fresh: bool,
) -> Wording {
    let all = wordings(question, point, fresh);
    let start = turn as usize;
    (0..all.len())
        .filter_map(|step| all.get((start + step) % all.len()))
        .find(|wording| Some(wording.id.as_str()) != last)
        .cloned()
        // There are two frames at least, so that one is always left.
        .unwrap_or_else(|| frame(question, 0))
}

fn wordings(question: &Question, point: &Point, fresh: bool) -> Vec<Wording> {
    let mut all: Vec<Wording> = Vec::new();
    let probes = point.probes.len();
    let told = |probe: usize, id: String, scenario: &String| {
        point.probes.get(probe).map(|text| Wording {
            id,
            scenario: Some(scenario.clone()),
            text: text.clone(),
        })
    };
    if (fresh && probes > 1) || question.variants.is_empty() {
        all.extend((0..probes).filter_map(|p| told(p, format!("probe-{p}"), &question.ask)));
    } else {
        // Scenario and question both change from one turn to the next.
        for shift in 0..probes {
            all.extend(
                question
                    .variants
                    .iter()
                    .enumerate()
                    .filter_map(|(v, variant)| {
                        let p = (v + shift) % probes;
                        told(p, format!("variant-{v}+probe-{p}"), variant)
                    }),
            );
        }
    }
    if all.len() < 2 {
        all.extend((0..FRAMES.len()).map(|n| frame(question, n)));
    }
    all
}

fn frame(question: &Question, n: usize) -> Wording {
    Wording {
        id: format!("frame-{n}"),
        scenario: Some(question.ask.clone()),
        text: FRAMES[n % FRAMES.len()].to_owned(),
    }
}

/// Returns the words to ask the whole of `question` once more: the first of
/// its variants that no wording of `used` (names as in [`Wording::id`]) took
/// its scenario from, or else the question as it stands.
pub fn for_whole(question: &Question, used: &[&str]) -> Wording {
    let free = question.variants.iter().enumerate().find(|(n, _)| {
        let name = format!("variant-{n}");
        !used
            .iter()
            .any(|id| id.split('+').next() == Some(name.as_str()))
    });
    match free {
        Some((n, variant)) => Wording {
            id: format!("variant-{n}"),
            scenario: None,
            text: variant.clone(),
        },
        None => Wording {
            id: "ask".to_owned(),
            scenario: None,
            text: question.ask.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::guide::{Competency, Round};
    use crate::interview::sample;

    fn question() -> Question {
        sample::question("q", Round::Technical, Competency::Evaluation, "c")
    }

    #[test]
    fn a_point_asked_before_comes_in_another_scenario() {
        let question = question();
        let point = &question.points[0];
        let first = for_point(&question, point, 0, None, false);
        assert_eq!(first.id, "variant-0+probe-0");
        let second = for_point(&question, point, 1, Some(&first.id), false);
        assert_eq!(second.id, "variant-1+probe-1");
        assert_ne!(first.scenario, second.scenario);
        assert_ne!(first.text, second.text);
    }

    #[test]
    fn a_question_answered_a_short_while_ago_is_probed_further() {
        let question = question();
        let asked = for_point(&question, &question.points[0], 0, Some("ask"), true);
        assert_eq!(asked.id, "probe-0");
        assert_eq!(asked.text, question.points[0].probes[0]);
        assert_eq!(asked.scenario, Some(question.ask.clone()));
    }

    #[test]
    fn the_whole_is_asked_in_a_scenario_that_was_not_told_yet() {
        let question = question();
        let free = for_whole(&question, &["variant-0+probe-1", "probe-0"]);
        assert_eq!(free.id, "variant-1");
        let none = for_whole(&question, &["variant-0+probe-1", "variant-1+probe-0"]);
        assert_eq!(none.text, question.ask);
    }

    proptest! {
        #[test]
        fn the_same_words_are_never_asked_twice_in_a_row(
            variants in 0_usize..4,
            probes in 0_usize..4,
            fresh in prop::collection::vec(any::<bool>(), 1..20),
        ) {
            let mut question = question();
            question.variants = (0..variants).map(|n| format!("Scenario {n}?")).collect();
            question.points[0].probes = (0..probes).map(|n| format!("Probe {n}?")).collect();
            let mut last: Option<Wording> = None;
            for (turn, fresh) in (0_u32..).zip(fresh) {
                let name = last.as_ref().map(|wording| wording.id.as_str());
                let next = for_point(&question, &question.points[0], turn, name, fresh);
                if let Some(last) = &last {
                    prop_assert_ne!(&last.id, &next.id);
                    prop_assert_ne!(last.whole(), next.whole());
                }
                last = Some(next);
            }
        }
    }
}
