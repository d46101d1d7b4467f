//! Whether probes, hints and rewordings give away the points they lead to.

use std::collections::BTreeSet;

use crate::guide::document::Step;
use crate::guide::fault::Rule;
use crate::guide::model::{Point, PointKind, Question, StarPart};
use crate::guide::structure::{Findings, with};
use crate::interview::leak::{leaked, stems};

/// How many of an essential point's key terms a rewording may not hold. One
/// word may be what the scenario is about ("data", "model"); two of the same
/// point are its answer. The situation of a story is left out: a rewording
/// that sets another scene cannot but speak of it.
const TERMS_THAT_TELL: usize = 2;

/// The hints that may not name a key term; the last one nearly says the point.
const QUIET_HINTS: usize = 2;

/// Notes everything in `question` that gives a point away.
pub(super) fn check(findings: &mut Findings<'_>, way: &[Step], question: &Question) {
    for (index, point) in question.points.iter().enumerate() {
        let way = with(way, &["point".into(), index.into()]);
        for (index, probe) in point.probes.iter().enumerate() {
            if let Some(term) = leaked(probe, &point.key_terms, "") {
                findings.note(
                    &with(&way, &["probes".into(), index.into()]),
                    Rule::Leak,
                    format!("the probe gives its point away with the key term '{term}'"),
                    "Ask for the point without this word or one of its stem.",
                );
            }
        }
        for (index, hint) in point.hints.iter().enumerate().take(QUIET_HINTS) {
            if let Some(term) = leaked(hint, &point.key_terms, "") {
                findings.note(
                    &with(&way, &["hints".into(), index.into()]),
                    Rule::Leak,
                    format!(
                        "hint {} gives its point away with the key term '{term}'",
                        index + 1
                    ),
                    "Keep key terms for the third hint.",
                );
            }
        }
    }
    for (index, variant) in question.variants.iter().enumerate() {
        for point in question
            .points
            .iter()
            .filter(|point| point.kind == PointKind::Essential)
            .filter(|point| point.star != Some(StarPart::Situation))
        {
            let told = told(variant, point, &question.ask);
            if !told.is_empty() && told.len() >= TERMS_THAT_TELL.min(point.key_terms.len()) {
                findings.note(
                    &with(way, &["variants".into(), index.into()]),
                    Rule::Leak,
                    format!(
                        "the rewording gives the point '{}' away with '{}'",
                        point.id,
                        told.join("' and '")
                    ),
                    "Describe the scene without the words that answer it.",
                );
            }
        }
    }
}

/// Returns the point's key terms that stand in `variant` and not in `ask`; of
/// several with the same stems, the first.
fn told<'a>(variant: &str, point: &'a Point, ask: &str) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    point
        .key_terms
        .iter()
        .filter_map(|term| leaked(variant, std::slice::from_ref(term), ask))
        .filter(|term| seen.insert(stems(term)))
        .collect()
}
