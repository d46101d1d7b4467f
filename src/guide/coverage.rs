//! How much of the source guides is in the bank: the items expected of each
//! source (`content/coverage.toml`) against those that are there.

use serde::{Deserialize, Serialize};

use super::document::Document;
use super::fault::Fault;
use super::files::built_in_file;
use super::library::Library;
use super::model::{Guide, Source};
use crate::{Error, Result};

/// The expected items of every source.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageFile {
    /// The format version; 1.
    pub schema: u32,
    /// The sources.
    #[serde(rename = "source")]
    pub sources: Vec<ExpectedSource>,
}

/// What one source holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedSource {
    /// The file.
    pub file: String,
    /// What the file is, in our words.
    pub title: String,
    /// Its items by kind.
    #[serde(rename = "group")]
    pub groups: Vec<ExpectedGroup>,
}

/// Items of one kind in one source.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedGroup {
    /// What they are in the bank.
    pub kind: ItemKind,
    /// What the source calls them, and what their items begin with:
    /// `technical` expects `technical 1`, `technical 2` and so on, one for each
    /// label; a group of one expects the name alone.
    pub name: String,
    /// A short label of each, in our words and the source's order.
    pub labels: Vec<String>,
}

/// What an item is in the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// A question.
    Question,
    /// A stage of the process.
    Stage,
    /// A way an interview is held.
    Format,
    /// A career level.
    Level,
    /// A sign of an unready employer.
    RedFlag,
    /// A mistake of a whole interview.
    Pitfall,
    /// A piece of advice.
    Advice,
}

/// One expected item and whether it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its name in the source, for example `technical 3`.
    pub item: String,
    /// Its label in our words.
    pub label: String,
    /// Whether it is in the bank.
    pub present: bool,
    /// The identifiers it has in the bank.
    pub ids: Vec<String>,
}

/// One group of a coverage table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What its items are.
    pub kind: ItemKind,
    /// What the source calls them.
    pub name: String,
    /// How many are expected.
    pub expected: usize,
    /// How many are in the bank.
    pub present: usize,
    /// Each of them.
    pub items: Vec<Item>,
}

/// One source of a coverage table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceCoverage {
    /// The file.
    pub file: String,
    /// What it is.
    pub title: String,
    /// Its items by kind.
    pub groups: Vec<Group>,
}

impl SourceCoverage {
    /// Returns how many items are present and how many are expected.
    pub fn totals(&self) -> (usize, usize) {
        self.groups
            .iter()
            .fold((0, 0), |(present, expected), group| {
                (present + group.present, expected + group.expected)
            })
    }
}

/// Returns the built-in table of expected items.
///
/// # Errors
/// Fails when the table is missing from this build or not valid.
pub fn expected() -> Result<CoverageFile> {
    let broken = |fault: Box<Fault>| {
        Error::internal("the table of expected items is not valid")
            .caused_by(Error::content(fault.to_string()))
    };
    match built_in_file("coverage.toml") {
        Some(document) => document
            .map_err(broken)?
            .parse::<CoverageFile>()
            .map_err(broken),
        None => Err(Error::internal(
            "this build carries no table of expected items",
        )),
    }
}

/// Reads a table of expected items.
///
/// # Errors
/// Returns the fault when the document is not such a table.
pub fn parse(document: &Document) -> std::result::Result<CoverageFile, Box<Fault>> {
    document.parse()
}

/// Returns what of `expected` is in `library`.
pub fn coverage(library: &Library, expected: &CoverageFile) -> Vec<SourceCoverage> {
    let held: Vec<Held> = library.guides().flat_map(held_by).collect();
    expected
        .sources
        .iter()
        .map(|source| SourceCoverage {
            file: source.file.clone(),
            title: source.title.clone(),
            groups: source
                .groups
                .iter()
                .map(|group| cover(group, &source.file, &held))
                .collect(),
        })
        .collect()
}

/// Returns a coverage table as one JSON object, with the sums by kind.
pub fn report(sources: &[SourceCoverage]) -> serde_json::Value {
    let groups = || sources.iter().flat_map(|source| &source.groups);
    let mut kinds = serde_json::Map::new();
    for group in groups() {
        let kind = group.kind.to_string();
        if kinds.contains_key(&kind) {
            continue;
        }
        let alike = || groups().filter(|other| other.kind == group.kind);
        kinds.insert(
            kind,
            serde_json::json!({
                "expected": alike().map(|group| group.expected).sum::<usize>(),
                "present": alike().map(|group| group.present).sum::<usize>(),
            }),
        );
    }
    serde_json::json!({
        "schema": 1,
        "type": "coverage",
        "expected": groups().map(|group| group.expected).sum::<usize>(),
        "present": groups().map(|group| group.present).sum::<usize>(),
        "kinds": kinds,
        "sources": sources,
    })
}

fn cover(group: &ExpectedGroup, file: &str, held: &[Held]) -> Group {
    let items: Vec<Item> = group
        .labels
        .iter()
        .enumerate()
        .map(|(index, label)| {
            let item = if group.labels.len() == 1 {
                group.name.clone()
            } else {
                format!("{} {}", group.name, index + 1)
            };
            let ids: Vec<String> = held
                .iter()
                .filter(|one| one.kind == group.kind && one.file == file && one.item == item)
                .map(|one| one.id.clone())
                .collect();
            Item {
                item,
                label: label.clone(),
                present: !ids.is_empty(),
                ids,
            }
        })
        .collect();
    Group {
        kind: group.kind,
        name: group.name.clone(),
        expected: items.len(),
        present: items.iter().filter(|item| item.present).count(),
        items,
    }
}

/// An item of the bank.
struct Held {
    kind: ItemKind,
    file: String,
    item: String,
    id: String,
}

fn held_by(guide: &Guide) -> Vec<Held> {
    let mut held = Vec::new();
    let mut add = |kind: ItemKind, source: &Source, id: &str| {
        held.push(Held {
            kind,
            file: source
                .file
                .clone()
                .unwrap_or_else(|| guide.guide.source.clone()),
            item: source.item.clone(),
            id: id.to_owned(),
        });
    };
    for one in &guide.questions {
        add(ItemKind::Question, &one.source, &one.id);
    }
    for one in &guide.stages {
        add(ItemKind::Stage, &one.source, &one.id);
    }
    for one in &guide.formats {
        add(ItemKind::Format, &one.source, &one.id);
    }
    for one in &guide.levels {
        add(ItemKind::Level, &one.source, &one.id.to_string());
    }
    for one in &guide.red_flags {
        add(ItemKind::RedFlag, &one.source, &one.id);
    }
    for one in &guide.pitfalls {
        add(ItemKind::Pitfall, &one.source, &one.id);
    }
    for one in &guide.advice {
        add(ItemKind::Advice, &one.source, &one.id);
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::Origin;

    #[test]
    fn an_item_is_present_when_kind_file_and_name_agree() {
        let mut library = Library::default();
        let text = include_str!("../../tests/fixtures/guides/tiny.toml");
        let document = Document::new("tiny.toml", text).expect("small");
        library.add_guide(&document, Origin::BuiltIn);
        let table = r#"
schema = 1
[[source]]
file = "made up for the tests"
title = "Tiny"
[[source.group]]
kind = "question"
name = "question"
labels = ["retries", "not there"]
[[source.group]]
kind = "advice"
name = "question 1"
labels = ["another kind"]
[[source]]
file = "elsewhere"
title = "Other"
[[source.group]]
kind = "question"
name = "question 1"
labels = ["another file"]
"#;
        let table = parse(&Document::new("t.toml", table).expect("small")).expect("a table");
        let found = coverage(&library, &table);
        let items = &found[0].groups[0].items;
        assert_eq!(items[0].ids, ["tiny-retry-storm"]);
        assert!(!items[1].present);
        assert_eq!(found[0].totals(), (1, 3));
        assert_eq!(found[1].totals(), (0, 1));
    }

    #[test]
    fn the_built_in_table_names_every_item_of_the_five_sources() {
        let table = expected().expect("a table");
        let count = |kind: ItemKind, file: &str| -> usize {
            table
                .sources
                .iter()
                .filter(|source| source.file.starts_with(file))
                .flat_map(|source| &source.groups)
                .filter(|group| group.kind == kind)
                .map(|group| group.labels.len())
                .sum()
        };
        assert_eq!(count(ItemKind::Question, "000"), 15);
        assert_eq!(count(ItemKind::Question, "001"), 12);
        assert_eq!(count(ItemKind::Question, "002"), 21);
        assert_eq!(count(ItemKind::Question, "003"), 10);
        assert_eq!(count(ItemKind::Question, "004"), 40);
        assert_eq!(count(ItemKind::Stage, ""), 5);
        assert_eq!(count(ItemKind::Format, ""), 5);
        assert_eq!(count(ItemKind::Level, ""), 4);
        assert_eq!(count(ItemKind::RedFlag, ""), 5);
    }
}
