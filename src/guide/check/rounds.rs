//! What a round asks of the questions played in it: the parts of a STAR story,
//! the seven steps of a design.

use std::collections::BTreeSet;

use crate::guide::document::Step;
use crate::guide::fault::Rule;
use crate::guide::model::{Point, Question, Round, StarPart};
use crate::guide::structure::{Findings, with};
use crate::interview::leak::stems;

/// The steps of a design answer in the order of the frame, each with the words
/// that show a point speaks of it.
pub const DESIGN_STEPS: [(&str, &[&str]); 7] = [
    (
        "goal, users and moment of prediction",
        &[
            "goal",
            "clarify",
            "predict",
            "user",
            "decision",
            "scope",
            "purpose",
            "ask",
            "requirement",
            "who",
            "problem",
            "question",
        ],
    ),
    (
        "success metrics",
        &["metric", "guardrail", "success", "measure", "kpi", "target"],
    ),
    (
        "data and labels",
        &[
            "data", "label", "dataset", "history", "log", "event", "ground",
        ],
    ),
    (
        "approach from a baseline",
        &[
            "baseline",
            "heuristic",
            "model",
            "rule",
            "simple",
            "ranking",
            "ranker",
            "candidate",
            "approach",
        ],
    ),
    (
        "training and serving",
        &[
            "serve",
            "serving",
            "batch",
            "online",
            "latency",
            "pipeline",
            "train",
            "training",
            "endpoint",
            "precompute",
            "real-time",
            "nightly",
        ],
    ),
    (
        "monitoring and feedback",
        &[
            "monitor",
            "monitoring",
            "drift",
            "feedback",
            "alert",
            "retrain",
            "watch",
            "dashboard",
            "loop",
        ],
    ),
    (
        "risks",
        &[
            "risk",
            "bias",
            "cold",
            "adversarial",
            "abuse",
            "privacy",
            "fairness",
            "attack",
            "fail",
            "failure",
            "cost",
            "harm",
            "adversary",
            "game",
        ],
    ),
];

const STAR_PARTS: [(StarPart, &str); 4] = [
    (StarPart::Situation, "situation"),
    (StarPart::Task, "task"),
    (StarPart::Action, "action"),
    (StarPart::Result, "result"),
];

/// Notes what the question's round asks for and its points lack.
pub(super) fn check(findings: &mut Findings<'_>, way: &[Step], question: &Question) {
    if question.points.is_empty() {
        return;
    }
    let first = with(way, &["point".into(), 0.into()]);
    match question.round {
        Round::Behavioural => {
            let missing: Vec<&str> = STAR_PARTS
                .into_iter()
                .filter(|(part, _)| {
                    !question
                        .points
                        .iter()
                        .any(|point| point.star == Some(*part))
                })
                .map(|(_, name)| name)
                .collect();
            if !missing.is_empty() {
                findings.note(
                    &first,
                    Rule::MissingPart,
                    format!("no point has star = \"{}\"", missing.join("\" or \"")),
                    "Give a behavioural question a point for each STAR part; the action is the person's own, the result has a number.",
                );
            }
        }
        Round::SystemDesign => {
            let missing: Vec<&str> = DESIGN_STEPS
                .into_iter()
                .filter(|(_, words)| !question.points.iter().any(|point| speaks_of(point, words)))
                .map(|(name, _)| name)
                .collect();
            if !missing.is_empty() {
                findings.note(
                    &first,
                    Rule::MissingPart,
                    format!("no point covers the design step: {}", missing.join("; ")),
                    "Give each of the seven steps a point: goal, metrics, data, approach, serving, monitoring, risks.",
                );
            }
        }
        Round::Recruiter | Round::TakeHome | Round::Technical | Round::CandidateQuestions => {}
    }
}

fn speaks_of(point: &Point, words: &[&str]) -> bool {
    let mut text = format!("{} {}", point.id.replace('-', " "), point.text);
    for term in &point.key_terms {
        text.push(' ');
        text.push_str(term);
    }
    let said: BTreeSet<String> = stems(&text).into_iter().collect();
    words
        .iter()
        .any(|word| stems(word).iter().all(|stem| said.contains(stem)))
}
