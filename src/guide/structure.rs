//! The soundness of guides: identifiers, counts, ranges, weights. A fault found here keeps an item out of interviews. Whether the words are
//! any good is `guide::check`'s to say.

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Document, Locator, Step};
use super::fault::{Fault, MAX_FAULTS, Rule};
use super::model::*;

/// The fewest and most rubric points of a question.
pub const POINTS: (usize, usize) = (4, 9);
/// The fewest probes of a point: a panel that asks twice must not repeat itself.
pub const MIN_PROBES: usize = 2;
/// The hints of a point: a nudge, a direction, nearly the point.
pub const HINTS: usize = 3;
/// The fewest rewordings of a question.
pub const MIN_VARIANTS: usize = 2;
/// The fewest and most mistakes of a question.
pub const MISTAKES: (usize, usize) = (2, 4);
/// The fewest and most competencies of a question.
pub const COMPETENCIES: (usize, usize) = (1, 4);
/// The fewest directions for a strong answer.
pub const MIN_HARDER: usize = 1;
/// The shortest and longest expected spoken length, in seconds.
pub const SPOKEN_SECONDS: (u32, u32) = (30, 300);
/// What the weights of a question add up to.
pub const TOTAL_WEIGHT: u32 = 100;

/// A fault with the question it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The question's index in the guide; `None` for the rest of the guide.
    pub question: Option<usize>,
    /// The fault.
    pub fault: Fault,
}

/// Collects findings of one guide.
pub(super) struct Findings<'a> {
    locator: &'a Locator<'a>,
    list: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(locator: &'a Locator<'a>) -> Self {
        Self {
            locator,
            list: Vec::new(),
        }
    }

    /// Notes a fault at the field that `way` leads to.
    pub(super) fn note(
        &mut self,
        way: &[Step],
        rule: Rule,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let question = match way {
            [Step::Key("question"), Step::Item(index), ..] => Some(*index),
            _ => None,
        };
        let fault = if self.list.len() < MAX_FAULTS {
            self.locator.fault(way, rule, message, help)
        } else {
            // Not reported; it still keeps its question out.
            self.locator.somewhere(rule, message, help)
        };
        self.list.push(Finding { question, fault });
    }

    pub(super) fn into_list(self) -> Vec<Finding> {
        self.list
    }

    pub(super) fn identifier(&mut self, way: &[Step], id: &str) {
        if !is_kebab(id) {
            self.note(
                way,
                Rule::Identifier,
                format!(
                    "'{}' is not an identifier: lower-case words joined by hyphens are expected",
                    shown(id)
                ),
                "Write it like 'own-models-in-production', at most 60 characters.",
            );
        }
    }

    pub(super) fn text(&mut self, way: &[Step], text: &str, what: &str) {
        if text.trim().is_empty() {
            self.note(
                way,
                Rule::Empty,
                format!("{what} is empty"),
                "Write it, or take the whole item out.",
            );
        }
    }

    pub(super) fn texts(&mut self, way: &[Step], texts: &[String], what: &str) {
        for (index, text) in texts.iter().enumerate() {
            self.text(&with(way, &[index.into()]), text, what);
        }
    }

    pub(super) fn count(
        &mut self,
        way: &[Step],
        what: &str,
        number: usize,
        least: usize,
        most: usize,
    ) {
        if number < least || number > most {
            let expected = match (least, most) {
                (least, usize::MAX) => format!("at least {least} are expected"),
                (least, most) if least == most => format!("exactly {least} are expected"),
                (least, most) => format!("{least} to {most} are expected"),
            };
            let help = if number < least {
                format!("Add {} more.", least - number)
            } else {
                format!("Take {} out.", number - most)
            };
            self.note(
                way,
                Rule::Count,
                format!("there are {number} {what}, and {expected}"),
                help,
            );
        }
    }

    pub(super) fn unique(
        &mut self,
        way: &[Step],
        id: &str,
        seen: &mut BTreeSet<String>,
        kind: &str,
    ) {
        if !seen.insert(id.to_owned()) {
            self.note(
                way,
                Rule::Duplicate,
                format!("the identifier '{}' is used twice for a {kind}", shown(id)),
                "Give one of the two another identifier.",
            );
        }
    }
}

/// Returns `way` followed by `more`.
pub(super) fn with(way: &[Step], more: &[Step]) -> Vec<Step> {
    [way, more].concat()
}

/// Returns whether `id` is lower-case words and digits joined by single hyphens.
pub(super) fn is_kebab(id: &str) -> bool {
    (1..=60).contains(&id.len())
        && id.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Returns the beginning of `text` without control characters, for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// Returns what is unsound in `guide`. `taken` holds the identifiers of
/// questions in other guides.
pub fn check_guide(document: &Document, guide: &Guide, taken: &BTreeSet<&str>) -> Vec<Finding> {
    let locator = document.locator();
    let mut findings = Findings::new(&locator);
    check_version(&mut findings, guide.schema);
    check_info(&mut findings, &guide.guide);
    let mut seen = BTreeSet::new();
    for (index, question) in guide.questions.iter().enumerate() {
        let way: Vec<Step> = vec!["question".into(), index.into()];
        let id = with(&way, &["id".into()]);
        findings.unique(&id, &question.id, &mut seen, "question");
        if taken.contains(question.id.as_str()) {
            findings.note(
                &id,
                Rule::Duplicate,
                format!(
                    "the identifier '{}' belongs to a question of another guide",
                    shown(&question.id)
                ),
                "Give this question an identifier of its own.",
            );
        }
        check_question(&mut findings, &way, question);
    }
    check_surroundings(&mut findings, guide);
    let mut list = findings.into_list();
    control_characters(document, &mut list);
    list
}

/// Notes a format version that this program does not read.
pub(super) fn check_version(findings: &mut Findings<'_>, schema: u32) {
    if schema != GUIDE_SCHEMA {
        findings.note(
            &["schema".into()],
            Rule::Version,
            format!("the format version is {schema}, and this program reads {GUIDE_SCHEMA}"),
            format!("Write schema = {GUIDE_SCHEMA}, or use the viva this file was written for."),
        );
    }
}

fn check_info(findings: &mut Findings<'_>, info: &GuideInfo) {
    findings.identifier(&["guide".into(), "id".into()], &info.id);
    for (key, text) in [
        ("title", &info.title),
        ("summary", &info.summary),
        ("version", &info.version),
        ("source", &info.source),
    ] {
        findings.text(&["guide".into(), key.into()], text, &format!("the {key}"));
    }
}

fn check_question(findings: &mut Findings<'_>, way: &[Step], question: &Question) {
    let at = |key: &'static str| with(way, &[key.into()]);
    findings.identifier(&at("id"), &question.id);
    findings.identifier(&at("concept"), &question.concept);
    findings.text(
        &with(way, &["source".into(), "item".into()]),
        &question.source.item,
        "the item of the source",
    );
    for (key, text) in [
        ("ask", &question.ask),
        ("panel_note", &question.panel_note),
        ("model_answer", &question.model_answer),
    ] {
        findings.text(&at(key), text, &format!("'{key}'"));
    }
    findings.texts(&at("variants"), &question.variants, "this rewording");
    findings.texts(&at("harder"), &question.harder, "this direction");
    if !(1..=5).contains(&question.difficulty) {
        findings.note(
            &at("difficulty"),
            Rule::Range,
            format!(
                "the difficulty is {}, and 1 to 5 is expected",
                question.difficulty
            ),
            "Use 1 for a warm-up and 5 for what few answer well.",
        );
    }
    check_spoken(findings, &at("spoken_seconds"), question.spoken_seconds);
    let most = usize::MAX;
    findings.count(&at("levels"), "levels", question.levels.len(), 1, 4);
    let (least, competencies) = COMPETENCIES;
    findings.count(
        &at("competencies"),
        "competencies",
        question.competencies.len(),
        least,
        competencies,
    );
    findings.count(
        &at("variants"),
        "rewordings",
        question.variants.len(),
        MIN_VARIANTS,
        most,
    );
    findings.count(
        &at("harder"),
        "harder directions",
        question.harder.len(),
        MIN_HARDER,
        most,
    );
    findings.count(
        &at("point"),
        "points",
        question.points.len(),
        POINTS.0,
        POINTS.1,
    );
    findings.count(
        &at("mistake"),
        "mistakes",
        question.mistakes.len(),
        MISTAKES.0,
        MISTAKES.1,
    );
    check_points(findings, way, &question.points);
    let mut seen = BTreeSet::new();
    for (index, mistake) in question.mistakes.iter().enumerate() {
        let way = with(way, &["mistake".into(), index.into()]);
        let at = |key: &'static str| with(&way, &[key.into()]);
        findings.identifier(&at("id"), &mistake.id);
        findings.unique(
            &at("id"),
            &mistake.id,
            &mut seen,
            "mistake of this question",
        );
        findings.text(&at("text"), &mistake.text, "the mistake");
        findings.text(&at("why"), &mistake.why, "'why'");
    }
}

fn check_spoken(findings: &mut Findings<'_>, way: &[Step], spoken: SpokenRange) {
    let (least, most) = SPOKEN_SECONDS;
    if spoken.min < least || spoken.max > most || spoken.min >= spoken.max {
        findings.note(
            way,
            Rule::Range,
            format!(
                "the spoken length is {} to {} seconds, and a range within {least} to {most} is expected",
                spoken.min, spoken.max
            ),
            "Let min be smaller than max; most answers take 60 to 180 seconds.",
        );
    }
}

fn check_points(findings: &mut Findings<'_>, way: &[Step], points: &[Point]) {
    let mut seen = BTreeSet::new();
    for (index, point) in points.iter().enumerate() {
        let way = with(way, &["point".into(), index.into()]);
        let at = |key: &'static str| with(&way, &[key.into()]);
        findings.identifier(&at("id"), &point.id);
        findings.unique(&at("id"), &point.id, &mut seen, "point of this question");
        findings.text(&at("text"), &point.text, "the point");
        findings.texts(&at("probes"), &point.probes, "this probe");
        findings.texts(&at("hints"), &point.hints, "this hint");
        findings.texts(&at("key_terms"), &point.key_terms, "this key term");
        findings.count(
            &at("probes"),
            "probes",
            point.probes.len(),
            MIN_PROBES,
            usize::MAX,
        );
        findings.count(&at("hints"), "hints", point.hints.len(), HINTS, HINTS);
        findings.count(
            &at("key_terms"),
            "key terms",
            point.key_terms.len(),
            1,
            usize::MAX,
        );
        if point.weight == 0 || point.weight > TOTAL_WEIGHT {
            findings.note(
                &at("weight"),
                Rule::Weights,
                format!(
                    "the weight is {}, and 1 to {TOTAL_WEIGHT} is expected",
                    point.weight
                ),
                "Give every point its share of the question's 100.",
            );
        }
    }
    let total: u64 = points.iter().map(|point| u64::from(point.weight)).sum();
    if !points.is_empty() && total != u64::from(TOTAL_WEIGHT) {
        let advice = if total < u64::from(TOTAL_WEIGHT) {
            format!("Share out {} more.", u64::from(TOTAL_WEIGHT) - total)
        } else {
            format!("Take {} away.", total - u64::from(TOTAL_WEIGHT))
        };
        findings.note(
            &with(way, &["point".into(), 0.into(), "weight".into()]),
            Rule::Weights,
            format!("the weights of this question's points add up to {total}, and {TOTAL_WEIGHT} is expected"),
            advice,
        );
    }
    if !points.is_empty()
        && !points
            .iter()
            .any(|point| point.kind == PointKind::Essential)
    {
        findings.note(
            &with(way, &["point".into(), 0.into(), "kind".into()]),
            Rule::Count,
            "no point is essential, and at least one is expected",
            "Mark the points without which an answer is thin as kind = \"essential\".",
        );
    }
}

/// Checks what stands around the questions.
fn check_surroundings(findings: &mut Findings<'_>, guide: &Guide) {
    let mut seen = BTreeSet::new();
    let mut item = |findings: &mut Findings<'_>,
                    kind: &'static str,
                    index: usize,
                    id: &str,
                    source: &Source,
                    texts: &[(&'static str, &str)]| {
        let way: Vec<Step> = vec![kind.into(), index.into()];
        let at = |key: &'static str| with(&way, &[key.into()]);
        findings.identifier(&at("id"), id);
        findings.unique(
            &at("id"),
            &format!("{kind} {id}"),
            &mut seen,
            "item of this kind",
        );
        findings.text(
            &with(&way, &["source".into(), "item".into()]),
            &source.item,
            "the item of the source",
        );
        for (key, text) in texts {
            findings.text(&at(key), text, &format!("'{key}'"));
        }
    };
    for (index, one) in guide.stages.iter().enumerate() {
        let texts = [("title", one.title.as_str()), ("text", &one.text)];
        item(findings, "stage", index, &one.id, &one.source, &texts);
        if one.minutes.0 == 0 || one.minutes.0 > one.minutes.1 {
            findings.note(
                &["stage".into(), index.into(), "minutes".into()],
                Rule::Range,
                "the shortest length in minutes is 0 or more than the longest",
                "Write minutes = [30, 45], shortest first.",
            );
        }
    }
    for (index, one) in guide.formats.iter().enumerate() {
        let texts = [("title", one.title.as_str()), ("dress", &one.dress)];
        item(findings, "format", index, &one.id, &one.source, &texts);
    }
    for (index, one) in guide.red_flags.iter().enumerate() {
        let texts = [("title", one.title.as_str()), ("why", &one.why)];
        item(findings, "red_flag", index, &one.id, &one.source, &texts);
        for (key, list) in [
            ("topics", &one.topics),
            ("asks", &one.asks),
            ("planted", &one.planted),
            ("healthy", &one.healthy),
        ] {
            let way: Vec<Step> = vec!["red_flag".into(), index.into(), key.into()];
            findings.count(
                &way,
                &format!("entries in '{key}'"),
                list.len(),
                1,
                usize::MAX,
            );
            findings.texts(&way, list, "this entry");
        }
    }
    for (index, one) in guide.pitfalls.iter().enumerate() {
        let texts = [
            ("title", one.title.as_str()),
            ("text", &one.text),
            ("instead", &one.instead),
        ];
        item(findings, "pitfall", index, &one.id, &one.source, &texts);
    }
    for (index, one) in guide.advice.iter().enumerate() {
        let texts = [("title", one.title.as_str()), ("text", &one.text)];
        item(findings, "advice", index, &one.id, &one.source, &texts);
    }
    for (index, one) in guide.levels.iter().enumerate() {
        if one.pay_to.is_some_and(|to| to < one.pay_from) {
            findings.note(
                &["level".into(), index.into(), "pay_to".into()],
                Rule::Range,
                "the highest pay is lower than the lowest",
                "Let pay_to be at least pay_from, or leave it out.",
            );
        }
    }
}

/// Notes every text of `document` that holds control characters, direction
/// marks or other invisible characters a terminal could act on.
pub(super) fn control_characters(document: &Document, list: &mut Vec<Finding>) {
    let Ok(root) = DeTable::parse(document.text()) else {
        return;
    };
    for (name, value) in root.get_ref().iter() {
        let key = name.get_ref().as_ref();
        match value.get_ref() {
            DeValue::Array(items) if key == "question" => {
                for (index, item) in items.iter().enumerate() {
                    walk(document, item, key, Some(index), list);
                }
            }
            _ => walk(document, value, key, None, list),
        }
    }
}

fn walk(
    document: &Document,
    value: &Spanned<DeValue<'_>>,
    field: &str,
    question: Option<usize>,
    list: &mut Vec<Finding>,
) {
    match value.get_ref() {
        DeValue::String(text) => {
            if let Some(bad) = text.chars().find(|c| is_unsafe(*c)) {
                // As with other faults, the place of the two-hundredth is enough.
                let near = list.len() < MAX_FAULTS;
                let fault = document.fault_at(
                    if near { value.span().start } else { 0 },
                    field,
                    Rule::ControlCharacter,
                    format!("the text holds the character U+{:04X}", u32::from(bad)),
                    "Take it out: only letters, punctuation, spaces and line breaks are shown to people.",
                );
                list.push(Finding { question, fault });
            }
        }
        DeValue::Array(items) => {
            for item in items.iter() {
                walk(document, item, field, question, list);
            }
        }
        DeValue::Table(table) => {
            for (name, value) in table.iter() {
                let field = format!("{field}.{}", name.get_ref());
                walk(document, value, &field, question, list);
            }
        }
        _ => {}
    }
}

/// Returns whether a character could move the cursor, change the direction of
/// writing, or hide: control characters but line breaks and tabs, bidirectional
/// marks, zero-width characters.
fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
