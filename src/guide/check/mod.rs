//! The checker: every fault of content files, sound or not, with the words
//! themselves looked at. It reads; it never changes a file.

mod answers;
mod leaks;
pub mod overlap;
mod rounds;
pub mod similarity;
pub mod wording;

use std::collections::BTreeSet;

pub use overlap::Sources;

use super::casting;
use super::document::{Document, Step};
use super::fault::{Fault, MAX_FAULTS, Rule};
use super::library::Library;
use super::model::*;
use super::structure::{self, Findings, with};
use crate::Result;
use crate::judge::Judge;
use crate::llm::Cancel;

/// What a content file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A guide.
    Guide,
    /// A panel file.
    Panel,
    /// A plans file.
    Plans,
    /// Anything else that is compiled in, looked at for borrowed words only.
    Text,
}

/// Checks documents one after another, remembering what earlier ones defined.
#[derive(Default)]
pub struct Checker<'a> {
    questions: BTreeSet<String>,
    guides: BTreeSet<String>,
    panellists: Vec<Panellist>,
    formats: BTreeSet<String>,
    sources: Option<&'a Sources>,
    judged: bool,
}

impl<'a> Checker<'a> {
    /// Returns a checker that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a checker for `document`, a file that comes on top of `library`:
    /// a guide of the same identifier in the library counts as replaced.
    pub fn beside(library: &Library, document: &Document) -> Self {
        let own = document
            .parse::<Guide>()
            .map(|guide| guide.guide.id)
            .unwrap_or_default();
        let others = || library.guides().filter(|guide| guide.guide.id != own);
        Self {
            questions: others()
                .flat_map(|guide| &guide.questions)
                .map(|question| question.id.clone())
                .collect(),
            guides: others().map(|guide| guide.guide.id.clone()).collect(),
            panellists: library.panellists().to_vec(),
            formats: library.formats().map(|format| format.id.clone()).collect(),
            ..Self::default()
        }
    }

    /// Holds everything against these source texts too.
    #[must_use]
    pub fn against(mut self, sources: Option<&'a Sources>) -> Self {
        self.sources = sources;
        self
    }

    /// Leaves model answers to a judge ([`judged`]), instead of looking at
    /// their words.
    #[must_use]
    pub fn leaving_answers_to_judge(mut self, judged: bool) -> Self {
        self.judged = judged;
        self
    }

    /// Makes panellists known, so that plans and questions can refer to them.
    pub fn know_panel(&mut self, panellists: &[Panellist]) {
        self.panellists.extend_from_slice(panellists);
    }

    /// Makes interview formats known, so that plans can refer to them.
    pub fn know_formats<'b>(&mut self, formats: impl Iterator<Item = &'b Format>) {
        self.formats.extend(formats.map(|format| format.id.clone()));
    }

    /// Returns the faults of one document, in the order of its lines.
    pub fn check(&mut self, document: &Document) -> Vec<Fault> {
        let mut faults = match kind_of(document) {
            Kind::Guide => match document.parse::<Guide>() {
                Ok(guide) => self.check_guide(document, &guide),
                Err(fault) => vec![*fault],
            },
            Kind::Panel => match document.parse::<PanelFile>() {
                Ok(file) => {
                    self.panellists.extend_from_slice(&file.panellists);
                    casting::check_panel(document, &file)
                }
                Err(fault) => vec![*fault],
            },
            Kind::Plans => match document.parse::<PlanFile>() {
                Ok(file) => self.check_plans(document, &file),
                Err(fault) => vec![*fault],
            },
            Kind::Text => Vec::new(),
        };
        if let Some(sources) = self.sources {
            faults.extend(sources.check(document));
        }
        faults.sort_by(|one, other| {
            (one.line, one.column, one.rule).cmp(&(other.line, other.column, other.rule))
        });
        faults.truncate(MAX_FAULTS);
        faults
    }

    fn check_guide(&mut self, document: &Document, guide: &Guide) -> Vec<Fault> {
        let taken: BTreeSet<&str> = self.questions.iter().map(String::as_str).collect();
        let mut list = structure::check_guide(document, guide, &taken);
        let locator = document.locator();
        let mut findings = Findings::new(&locator);
        if self.guides.contains(&guide.guide.id) {
            findings.note(
                &["guide".into(), "id".into()],
                Rule::Duplicate,
                format!("another guide has the identifier '{}'", guide.guide.id),
                "Give this guide an identifier of its own.",
            );
        }
        for (index, question) in guide.questions.iter().enumerate() {
            let way: Vec<Step> = vec!["question".into(), index.into()];
            check_words(&mut findings, &way, question);
            leaks::check(&mut findings, &way, question);
            rounds::check(&mut findings, &way, question);
            answers::check(&mut findings, &way, question, self.judged);
            self.check_voters(&mut findings, &way, question);
        }
        list.truncate(MAX_FAULTS);
        list.extend(findings.into_list().into_iter().take(MAX_FAULTS));
        self.guides.insert(guide.guide.id.clone());
        self.questions
            .extend(guide.questions.iter().map(|question| question.id.clone()));
        self.know_formats(guide.formats.iter());
        list.into_iter().map(|finding| finding.fault).collect()
    }

    /// Notes a question that nobody on the panel can sit in judgement on.
    fn check_voters(&self, findings: &mut Findings<'_>, way: &[Step], question: &Question) {
        if self.panellists.is_empty() || question.competencies.is_empty() {
            return;
        }
        let somebody = self.panellists.iter().any(|one| {
            question
                .competencies
                .iter()
                .any(|competency| one.competencies.contains(competency))
        });
        if !somebody {
            findings.note(
                &with(way, &["competencies".into()]),
                Rule::Reference,
                "nobody on the panel votes on any of these competencies",
                "Name a competency that a panellist votes on, or add a panellist.",
            );
        }
    }

    fn check_plans(&self, document: &Document, file: &PlanFile) -> Vec<Fault> {
        let known: BTreeSet<&str> = self.panellists.iter().map(|one| one.id.as_str()).collect();
        let mut faults = casting::check_plans(document, file, &known);
        let locator = document.locator();
        for (index, plan) in file.plans.iter().enumerate() {
            let Some(format) = &plan.format else { continue };
            if !self.formats.contains(format) {
                let known: Vec<&str> = self.formats.iter().map(String::as_str).collect();
                faults.push(locator.fault(
                    &["plan".into(), index.into(), "format".into()],
                    Rule::Reference,
                    "no guide describes this interview format",
                    if known.is_empty() {
                        "Describe it in a guide under [[format]].".to_owned()
                    } else {
                        format!("Name one of: {}.", known.join(", "))
                    },
                ));
            }
        }
        faults
    }
}

/// Returns the model answers of a guide that `judge` says miss an essential
/// point; nothing for a document that is no guide.
///
/// # Errors
/// Fails when the judge fails or is cancelled.
pub async fn judged(document: &Document, judge: &dyn Judge, cancel: &Cancel) -> Result<Vec<Fault>> {
    let (Kind::Guide, Ok(guide)) = (kind_of(document), document.parse::<Guide>()) else {
        return Ok(Vec::new());
    };
    let locator = document.locator();
    let mut findings = Findings::new(&locator);
    answers::check_judged(&mut findings, &guide, judge, cancel).await?;
    Ok(findings
        .into_list()
        .into_iter()
        .map(|finding| finding.fault)
        .collect())
}

/// Returns what a document is: by its name when that is no TOML file's, by its
/// top-level keys otherwise; a guide when in doubt.
pub fn kind_of(document: &Document) -> Kind {
    let name = document.name();
    if name.ends_with(".md") || name == "content/coverage.toml" {
        return Kind::Text;
    }
    let Ok(root) = toml::de::DeTable::parse(document.text()) else {
        return Kind::Guide;
    };
    let has = |key: &str| {
        root.get_ref()
            .keys()
            .any(|name| name.get_ref().as_ref() == key)
    };
    if has("guide") || has("question") {
        Kind::Guide
    } else if has("panellist") {
        Kind::Panel
    } else if has("plan") {
        Kind::Plans
    } else {
        Kind::Guide
    }
}

fn check_words(findings: &mut Findings<'_>, way: &[Step], question: &Question) {
    for (index, point) in question.points.iter().enumerate() {
        let way = with(way, &["point".into(), index.into()]);
        if let Some(place) = wording::second_statement(&point.text) {
            findings.note(
                &with(&way, &["text".into()]),
                Rule::Compound,
                format!("the point says two things, joined by '{place}'"),
                "Make two points of it, or keep the one that matters.",
            );
        }
        for (index, probe) in point.probes.iter().enumerate() {
            let number = wording::questions_in(probe);
            if number != 1 && !probe.trim().is_empty() {
                findings.note(
                    &with(&way, &["probes".into(), index.into()]),
                    Rule::OneQuestion,
                    format!("the probe asks {number} questions, and exactly one is expected"),
                    "End it with one question mark.",
                );
            }
        }
    }
    let wordings: Vec<&String> = std::iter::once(&question.ask)
        .chain(&question.variants)
        .collect();
    for (index, variant) in question.variants.iter().enumerate() {
        let earlier = wordings.iter().take(index + 1);
        let nearest = earlier
            .map(|wording| similarity::similarity(wording, variant))
            .fold(0.0, f64::max);
        if nearest >= similarity::TOO_CLOSE && !variant.trim().is_empty() {
            findings.note(
                &with(way, &["variants".into(), index.into()]),
                Rule::TooClose,
                format!(
                    "the rewording is {:.0}% like another wording of this question, and less than {:.0}% is expected",
                    nearest * 100.0,
                    similarity::TOO_CLOSE * 100.0
                ),
                "Set another scene, or turn it into a what-if.",
            );
        }
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
