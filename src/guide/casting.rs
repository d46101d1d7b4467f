//! The soundness of panels and plans: who there is, and who sits where.

use std::collections::BTreeSet;

use super::document::{Document, Step};
use super::fault::{Fault, Rule};
use super::model::{PanelFile, PlanFile};
use super::structure::{Findings, check_version, control_characters, shown, with};

/// Returns what is unsound in a panel file.
pub fn check_panel(document: &Document, file: &PanelFile) -> Vec<Fault> {
    let locator = document.locator();
    let mut findings = Findings::new(&locator);
    check_version(&mut findings, file.schema);
    let mut seen = BTreeSet::new();
    for (index, one) in file.panellists.iter().enumerate() {
        let way: Vec<Step> = vec!["panellist".into(), index.into()];
        let at = |key: &'static str| with(&way, &[key.into()]);
        findings.identifier(&at("id"), &one.id);
        findings.unique(&at("id"), &one.id, &mut seen, "panellist");
        for (key, text) in [
            ("name", &one.name),
            ("role", &one.role),
            ("brief", &one.brief),
            ("manner", &one.manner),
            ("greeting", &one.greeting),
        ] {
            findings.text(&at(key), text, &format!("'{key}'"));
        }
        let most = usize::MAX;
        findings.count(
            &at("listens_for"),
            "things to listen for",
            one.listens_for.len(),
            1,
            most,
        );
        findings.count(
            &at("competencies"),
            "competencies",
            one.competencies.len(),
            1,
            most,
        );
        findings.count(&at("rounds"), "rounds", one.rounds.len(), 1, most);
        findings.count(&at("handovers"), "handovers", one.handovers.len(), 1, most);
        findings.count(
            &at("acknowledgements"),
            "acknowledgements",
            one.acknowledgements.len(),
            2,
            most,
        );
        for (index, handover) in one.handovers.iter().enumerate() {
            if !handover.contains("{name}") {
                findings.note(
                    &with(&way, &["handovers".into(), index.into()]),
                    Rule::Reference,
                    "this handover does not name the next speaker",
                    "Write {name} where the next speaker's name belongs.",
                );
            }
        }
    }
    let mut list = findings.into_list();
    control_characters(document, &mut list);
    list.into_iter().map(|finding| finding.fault).collect()
}

/// Returns what is unsound in a plans file; `panellists` holds the identifiers
/// of everybody who can sit on a panel.
pub fn check_plans(
    document: &Document,
    file: &PlanFile,
    panellists: &BTreeSet<&str>,
) -> Vec<Fault> {
    let locator = document.locator();
    let mut findings = Findings::new(&locator);
    check_version(&mut findings, file.schema);
    let mut seen = BTreeSet::new();
    for (index, plan) in file.plans.iter().enumerate() {
        let way: Vec<Step> = vec!["plan".into(), index.into()];
        let at = |key: &'static str| with(&way, &[key.into()]);
        findings.identifier(&at("id"), &plan.id);
        findings.unique(&at("id"), &plan.id, &mut seen, "plan");
        for (key, text) in [
            ("title", &plan.title),
            ("opening", &plan.opening),
            ("closing", &plan.closing),
        ] {
            findings.text(&at(key), text, &format!("'{key}'"));
        }
        findings.count(
            &at("mix"),
            "rounds in the mix",
            plan.mix.len(),
            1,
            usize::MAX,
        );
        findings.count(&at("panel"), "people on the panel", plan.panel.len(), 1, 5);
        for (index, share) in plan.mix.iter().enumerate() {
            if share.parts == 0 {
                findings.note(
                    &with(&way, &["mix".into(), index.into(), "parts".into()]),
                    Rule::Range,
                    "a round has 0 parts of the mix, and 1 or more is expected",
                    "Give it a share, or take it out of the mix.",
                );
            }
        }
        for (index, id) in plan.panel.iter().enumerate() {
            if !panellists.contains(id.as_str()) {
                let known: Vec<&str> = panellists.iter().copied().collect();
                findings.note(
                    &with(&way, &["panel".into(), index.into()]),
                    Rule::Reference,
                    format!("there is no panellist '{}'", shown(id)),
                    format!("Name one of: {}.", known.join(", ")),
                );
            }
        }
        for (key, number) in [("questions", plan.questions), ("minutes", plan.minutes)] {
            if number == 0 {
                findings.note(
                    &at(key),
                    Rule::Range,
                    format!("'{key}' is 0, and 1 or more is expected"),
                    "Write the usual number.",
                );
            }
        }
    }
    let mut list = findings.into_list();
    control_characters(document, &mut list);
    list.into_iter().map(|finding| finding.fault).collect()
}
