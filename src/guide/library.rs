//! The library: the built-in guides, panel and plans, overlaid by the user's
//! own, with every lookup the other rooms need.
//!
//! A fault in a content file never stops the program: what is sound is used,
//! and [`Library::warnings`] says what was left out and why.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::casting;
use super::document::Document;
use super::fault::{Fault, MAX_FAULTS, Rule};
use super::files::{built_in_file, built_in_guides, user_guides};
use super::model::*;
use super::structure;
use crate::paths::Paths;
use crate::{Error, Result};

/// The plan of an interview when none is asked for.
pub const DEFAULT_PLAN: &str = "panel";

/// Where a guide comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Compiled into the program.
    BuiltIn,
    /// A file of the user's.
    User(PathBuf),
}

/// A guide with where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelved {
    /// The guide.
    pub guide: Guide,
    /// Where it comes from.
    pub origin: Origin,
}

/// What questions to look for; an empty filter finds all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuestionFilter {
    /// Only of this round.
    pub round: Option<Round>,
    /// Only for this level.
    pub level: Option<Level>,
    /// Only about this concept.
    pub concept: Option<String>,
    /// Only those that show this competency.
    pub competency: Option<Competency>,
    /// Only of the guide with this identifier.
    pub guide: Option<String>,
}

impl QuestionFilter {
    /// Returns whether `question` (of the guide `guide`) passes.
    pub fn accepts(&self, guide: &str, question: &Question) -> bool {
        self.round.is_none_or(|round| question.round == round)
            && self
                .level
                .is_none_or(|level| question.levels.contains(&level))
            && self
                .concept
                .as_ref()
                .is_none_or(|concept| question.concept == *concept)
            && self
                .competency
                .is_none_or(|competency| question.competencies.contains(&competency))
            && self.guide.as_ref().is_none_or(|wanted| guide == wanted)
    }
}

/// All content in use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Library {
    shelf: Vec<Shelved>,
    panellists: Vec<Panellist>,
    plans: Vec<PlanTemplate>,
    warnings: Vec<Fault>,
}

impl Library {
    /// Returns the built-in content overlaid by the files in the user's
    /// configuration folder: `guides/*.toml`, `panel.toml` and `plans.toml`. A
    /// guide, panellist or plan of the user's replaces the built-in one of the
    /// same identifier.
    ///
    /// # Errors
    /// Fails only when the folder of the user's guides exists and cannot be
    /// listed; faults inside files become [`Library::warnings`].
    pub fn load(paths: &Paths) -> Result<Self> {
        let mut library = Self::built_in();
        for path in user_guides(&paths.guides())? {
            match Document::read(&path) {
                Ok(document) => library.add_guide(&document, Origin::User(path)),
                Err(fault) => library.warnings.push(*fault),
            }
        }
        for (name, add) in [
            ("panel.toml", Self::add_panel as fn(&mut Self, &Document)),
            ("plans.toml", Self::add_plans),
        ] {
            let path = paths.config.join(name);
            if path.exists() {
                match Document::read(&path) {
                    Ok(document) => add(&mut library, &document),
                    Err(fault) => library.warnings.push(*fault),
                }
            }
        }
        library.drop_broken_plans();
        Ok(library)
    }

    /// Returns the built-in content alone.
    pub fn built_in() -> Self {
        let mut library = Self::default();
        for document in built_in_guides() {
            match document {
                Ok(document) => library.add_guide(&document, Origin::BuiltIn),
                Err(fault) => library.warnings.push(*fault),
            }
        }
        for (name, add) in [
            ("panel.toml", Self::add_panel as fn(&mut Self, &Document)),
            ("plans.toml", Self::add_plans),
        ] {
            match built_in_file(name) {
                Some(Ok(document)) => add(&mut library, &document),
                Some(Err(fault)) => library.warnings.push(*fault),
                None => {}
            }
        }
        library.drop_broken_plans();
        library
    }

    /// Adds the guide in `document`, replacing one of the same identifier.
    /// What is unsound in it is left out and noted in the warnings.
    pub fn add_guide(&mut self, document: &Document, origin: Origin) {
        let mut guide: Guide = match document.parse() {
            Ok(guide) => guide,
            Err(fault) => return self.warnings.push(*fault),
        };
        self.shelf
            .retain(|shelved| shelved.guide.guide.id != guide.guide.id);
        let taken: BTreeSet<&str> = self
            .questions()
            .map(|question| question.id.as_str())
            .collect();
        let findings = structure::check_guide(document, &guide, &taken);
        let unsound: BTreeSet<usize> = findings
            .iter()
            .filter(|finding| !finding.fault.rule.is_playable())
            .filter_map(|finding| finding.question)
            .collect();
        let whole = findings.iter().any(|finding| {
            finding.question.is_none() && matches!(finding.fault.rule, Rule::Version)
        });
        self.warnings.extend(
            findings
                .into_iter()
                .map(|finding| finding.fault)
                .filter(|fault| !fault.rule.is_playable())
                .take(MAX_FAULTS),
        );
        if whole {
            return;
        }
        let mut index = 0;
        guide.questions.retain(|_| {
            index += 1;
            !unsound.contains(&(index - 1))
        });
        self.shelf.push(Shelved { guide, origin });
    }

    /// Adds the panellists in `document`, each replacing one of the same
    /// identifier.
    pub fn add_panel(&mut self, document: &Document) {
        match document.parse::<PanelFile>() {
            Ok(file) => {
                let faults = casting::check_panel(document, &file);
                if faults.is_empty() {
                    for panellist in file.panellists {
                        replace(&mut self.panellists, panellist, |one| &one.id);
                    }
                }
                self.warnings.extend(faults);
            }
            Err(fault) => self.warnings.push(*fault),
        }
    }

    /// Adds the plans in `document`, each replacing one of the same identifier.
    pub fn add_plans(&mut self, document: &Document) {
        match document.parse::<PlanFile>() {
            Ok(file) => {
                let known: BTreeSet<&str> =
                    self.panellists.iter().map(|one| one.id.as_str()).collect();
                let faults = casting::check_plans(document, &file, &known);
                if faults.is_empty() {
                    for plan in file.plans {
                        replace(&mut self.plans, plan, |one| &one.id);
                    }
                }
                self.warnings.extend(faults);
            }
            Err(fault) => self.warnings.push(*fault),
        }
    }

    /// Takes out plans whose people are not all on the panel.
    fn drop_broken_plans(&mut self) {
        let panellists = &self.panellists;
        self.plans.retain(|plan| {
            plan.panel
                .iter()
                .all(|id| panellists.iter().any(|one| one.id == *id))
        });
    }

    /// Returns what was left out of the library, and why.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// Returns the guides with their origins.
    pub fn shelf(&self) -> &[Shelved] {
        &self.shelf
    }

    /// Returns the guides.
    pub fn guides(&self) -> impl Iterator<Item = &Guide> {
        self.shelf.iter().map(|shelved| &shelved.guide)
    }

    /// Returns the guide with this identifier.
    pub fn guide(&self, id: &str) -> Option<&Guide> {
        self.guides().find(|guide| guide.guide.id == id)
    }

    /// Returns all questions, in the order of the guides.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.guides().flat_map(|guide| &guide.questions)
    }

    /// Returns the questions that pass `filter`, in the order of the guides.
    pub fn find(&self, filter: &QuestionFilter) -> Vec<&Question> {
        self.guides()
            .flat_map(|guide| {
                guide
                    .questions
                    .iter()
                    .map(move |question| (guide, question))
            })
            .filter(|(guide, question)| filter.accepts(&guide.guide.id, question))
            .map(|(_, question)| question)
            .collect()
    }

    /// Returns the question with this identifier, exactly.
    pub fn question(&self, id: &str) -> Option<&Question> {
        self.questions().find(|question| question.id == id)
    }

    /// Returns the question that a person means by `text`: its identifier or a
    /// beginning of it that no other question shares.
    ///
    /// # Errors
    /// Fails when no question or several answer to `text`; the hint names the
    /// nearest.
    pub fn resolve(&self, text: &str) -> Result<&Question> {
        if let Some(question) = self.question(text) {
            return Ok(question);
        }
        let near: Vec<&Question> = self
            .questions()
            .filter(|question| !text.is_empty() && question.id.starts_with(text))
            .collect();
        match near.as_slice() {
            [one] => Ok(one),
            [] => {
                let error = Error::usage(format!("there is no question '{text}'"));
                let close: Vec<&str> = self
                    .questions()
                    .filter(|question| shares_word(&question.id, text))
                    .map(|question| question.id.as_str())
                    .take(4)
                    .collect();
                Err(if close.is_empty() {
                    error.hint("`viva guide list` shows every question with its identifier.")
                } else {
                    error.hint(format!("Perhaps you mean {}.", close.join(", ")))
                })
            }
            several => {
                let ids: Vec<&str> = several
                    .iter()
                    .map(|question| question.id.as_str())
                    .take(6)
                    .collect();
                Err(Error::usage(format!(
                    "'{text}' is the beginning of {} questions",
                    several.len()
                ))
                .hint(format!("Say which: {}.", ids.join(", "))))
            }
        }
    }

    /// Returns the guide that holds the question.
    pub fn guide_of(&self, question_id: &str) -> Option<&Guide> {
        self.guides().find(|guide| {
            guide
                .questions
                .iter()
                .any(|question| question.id == question_id)
        })
    }

    /// Returns where the question comes from, for example
    /// `recruiter-twelve, question 4`.
    pub fn citation(&self, question: &Question) -> String {
        match self.guide_of(&question.id) {
            Some(guide) => format!("{}, {}", guide.guide.id, question.source.item),
            None => question.source.item.clone(),
        }
    }

    /// Returns everybody who can sit on a panel.
    pub fn panellists(&self) -> &[Panellist] {
        &self.panellists
    }

    /// Returns the panellist with this identifier.
    pub fn panellist(&self, id: &str) -> Option<&Panellist> {
        self.panellists.iter().find(|one| one.id == id)
    }

    /// Returns the plans.
    pub fn plans(&self) -> &[PlanTemplate] {
        &self.plans
    }

    /// Returns the plan with this identifier.
    pub fn plan(&self, id: &str) -> Option<&PlanTemplate> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// Returns the plan of an interview when none is asked for: the one called
    /// [`DEFAULT_PLAN`], or else the first.
    pub fn default_plan(&self) -> Option<&PlanTemplate> {
        self.plan(DEFAULT_PLAN).or_else(|| self.plans.first())
    }

    /// Returns the plan that plays `round`.
    pub fn plan_for_round(&self, round: Round) -> Option<&PlanTemplate> {
        self.plans.iter().find(|plan| plan.round == Some(round))
    }

    /// Returns the plan that plays the interview format `format`.
    pub fn plan_for_format(&self, format: &str) -> Option<&PlanTemplate> {
        self.plans
            .iter()
            .find(|plan| plan.format.as_deref() == Some(format))
    }

    /// Returns the people of a plan, chair first.
    pub fn panel_of(&self, plan: &PlanTemplate) -> Vec<&Panellist> {
        plan.panel
            .iter()
            .filter_map(|id| self.panellist(id))
            .collect()
    }

    /// Returns the stages of a hiring process.
    pub fn stages(&self) -> impl Iterator<Item = &Stage> {
        self.guides().flat_map(|guide| &guide.stages)
    }

    /// Returns the ways an interview is held.
    pub fn formats(&self) -> impl Iterator<Item = &Format> {
        self.guides().flat_map(|guide| &guide.formats)
    }

    /// Returns the format with this identifier.
    pub fn format(&self, id: &str) -> Option<&Format> {
        self.formats().find(|format| format.id == id)
    }

    /// Returns the career levels.
    pub fn levels(&self) -> impl Iterator<Item = &LevelInfo> {
        self.guides().flat_map(|guide| &guide.levels)
    }

    /// Returns what is known of a career level.
    pub fn level(&self, level: Level) -> Option<&LevelInfo> {
        self.levels().find(|info| info.id == level)
    }

    /// Returns the signs of an employer who is not ready.
    pub fn red_flags(&self) -> impl Iterator<Item = &RedFlag> {
        self.guides().flat_map(|guide| &guide.red_flags)
    }

    /// Returns the mistakes of a whole interview.
    pub fn pitfalls(&self) -> impl Iterator<Item = &Pitfall> {
        self.guides().flat_map(|guide| &guide.pitfalls)
    }

    /// Returns the advice.
    pub fn advice(&self) -> impl Iterator<Item = &Advice> {
        self.guides().flat_map(|guide| &guide.advice)
    }
}

fn replace<T>(list: &mut Vec<T>, item: T, id: impl Fn(&T) -> &String) {
    match list.iter_mut().find(|one| id(one) == id(&item)) {
        Some(place) => *place = item,
        None => list.push(item),
    }
}

fn shares_word(id: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    id.split('-').any(|word| {
        word.len() > 3
            && text
                .split(|c: char| !c.is_alphanumeric())
                .any(|part| part == word)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const TINY: &str = include_str!("../../tests/fixtures/guides/tiny.toml");

    fn paths(config: &Path) -> Paths {
        Paths {
            config: config.to_owned(),
            data: config.join("data"),
            models: config.join("models"),
            cache: config.join("cache"),
        }
    }

    fn with_tiny() -> Library {
        let mut library = Library::built_in();
        let document = Document::new("tiny.toml", TINY).expect("within limits");
        library.add_guide(&document, Origin::User("tiny.toml".into()));
        library
    }

    #[test]
    fn the_built_in_content_is_sound() {
        let library = Library::built_in();
        assert_eq!(library.warnings(), []);
        assert!(library.questions().count() > 0);
        assert!(library.panellists().len() >= 6);
        assert!(library.default_plan().is_some());
    }

    #[test]
    fn every_plan_seats_people_who_exist() {
        let library = Library::built_in();
        for plan in library.plans() {
            assert_eq!(
                library.panel_of(plan).len(),
                plan.panel.len(),
                "{}",
                plan.id
            );
        }
    }

    #[test]
    fn a_question_is_found_by_the_beginning_of_its_identifier() {
        let library = with_tiny();
        let question = library.resolve("tiny-re").expect("one question");
        assert_eq!(question.id, "tiny-retry-storm");
        assert_eq!(library.citation(question), "tiny, question 1");
    }

    #[test]
    fn an_unknown_question_names_its_neighbours() {
        let library = with_tiny();
        let error = library.resolve("storm").expect_err("no such beginning");
        assert!(error.hints()[0].contains("tiny-retry-storm"), "{error:?}");
        assert!(library.resolve("").is_err());
    }

    #[test]
    fn a_filter_takes_all_its_parts_together() {
        let library = with_tiny();
        let filter = QuestionFilter {
            round: Some(Round::Technical),
            level: Some(Level::Senior),
            concept: Some("retry-storm".to_owned()),
            competency: Some(Competency::Production),
            guide: Some("tiny".to_owned()),
        };
        assert_eq!(library.find(&filter).len(), 1);
        let graduate = QuestionFilter {
            level: Some(Level::Graduate),
            ..filter
        };
        assert!(library.find(&graduate).is_empty());
    }

    #[test]
    fn a_guide_of_the_users_is_added_and_replaces_by_identifier() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("guides")).expect("created");
        std::fs::write(folder.path().join("guides/tiny.toml"), TINY).expect("written");
        let library = Library::load(&paths(folder.path())).expect("loaded");
        assert_eq!(library.warnings(), []);
        assert!(library.question("tiny-retry-storm").is_some());

        let renamed = TINY.replace("id = \"tiny-retry-storm\"", "id = \"tiny-other\"");
        std::fs::write(folder.path().join("guides/zz.toml"), renamed).expect("written");
        let library = Library::load(&paths(folder.path())).expect("loaded");
        assert!(library.question("tiny-retry-storm").is_none());
        assert!(library.question("tiny-other").is_some());
    }

    #[test]
    fn a_faulty_question_is_left_out_and_the_rest_is_used() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("guides")).expect("created");
        let second = TINY
            .split_once("[[question]]")
            .map(|(_, rest)| format!("\n[[question]]{rest}"))
            .expect("a question")
            .replace("tiny-retry-storm", "tiny-unbalanced")
            .replace("weight = 15", "weight = 20");
        std::fs::write(
            folder.path().join("guides/tiny.toml"),
            format!("{TINY}{second}"),
        )
        .expect("written");
        std::fs::write(folder.path().join("guides/broken.toml"), "schema = ").expect("written");
        let library = Library::load(&paths(folder.path())).expect("loaded");
        assert!(library.question("tiny-retry-storm").is_some());
        assert!(library.question("tiny-unbalanced").is_none());
        let rules: Vec<Rule> = library.warnings().iter().map(|fault| fault.rule).collect();
        assert_eq!(rules, [Rule::Syntax, Rule::Weights]);
    }

    #[test]
    fn a_panel_and_plans_of_the_users_are_laid_over_the_built_in_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        let plans = r#"
schema = 1
[[plan]]
id = "panel"
title = "Mine"
mix = [{ round = "technical", parts = 1 }]
panel = ["recruiter"]
questions = 1
minutes = 5
opening = "Hello."
closing = "Goodbye."
"#;
        std::fs::write(folder.path().join("plans.toml"), plans).expect("written");
        let library = Library::load(&paths(folder.path())).expect("loaded");
        assert_eq!(
            library.default_plan().map(|plan| plan.title.as_str()),
            Some("Mine")
        );
        assert!(library.plans().len() > 1);

        let stranger = plans.replace("\"recruiter\"", "\"nobody\"");
        std::fs::write(folder.path().join("plans.toml"), stranger).expect("written");
        let library = Library::load(&paths(folder.path())).expect("loaded");
        assert_ne!(
            library.default_plan().map(|plan| plan.title.as_str()),
            Some("Mine")
        );
        assert_eq!(library.warnings()[0].rule, Rule::Reference);
        assert_eq!(library.warnings()[0].line, 7);
    }
}
