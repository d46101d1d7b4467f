//! A content file as text: read within limits, and able to say on which line a
//! field stands. It knows TOML, not guides.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Rule};

/// The largest content file that is read, in bytes. The largest built-in guide
/// is about 300 kB; two megabytes leave room for a long one and keep a stray
/// file from filling memory.
pub const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024;

/// The deepest nesting of brackets, and the most parts of a dotted key. The
/// format itself needs four.
pub const MAX_DEPTH: usize = 24;

/// One step of a way through a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a table, by key.
    Key(&'static str),
    /// Into an array, by index from 0.
    Item(usize),
}

impl From<&'static str> for Step {
    fn from(key: &'static str) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Item(index)
    }
}

/// A content file as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    name: String,
    text: String,
}

impl Document {
    /// Returns a document of `text` that faults will call `name`.
    ///
    /// # Errors
    /// Returns the fault when `text` is longer than [`MAX_FILE_BYTES`] or nested
    /// deeper than [`MAX_DEPTH`].
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Result<Self, Box<Fault>> {
        let document = Self {
            name: name.into(),
            text: text.into(),
        };
        let length = document.text.len() as u64;
        if length > MAX_FILE_BYTES {
            return Err(Box::new(too_large(&document.name, Some(length))));
        }
        if let Some(offset) = first_too_deep(&document.text) {
            return Err(Box::new(document.fault_at(
                offset,
                "",
                Rule::TooDeep,
                format!("the file is nested more than {MAX_DEPTH} levels deep"),
                "Write it as flat [[question]] and [[question.point]] tables; `viva guide new` shows how.",
            )));
        }
        Ok(document)
    }

    /// Reads a file; faults will call it by its path.
    ///
    /// # Errors
    /// Returns the fault when the file cannot be read, is too large, too deeply
    /// nested or not UTF-8. A file that is too large is not read to its end.
    pub fn read(path: &Path) -> Result<Self, Box<Fault>> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            Box::new(whole_file(
                &name,
                Rule::Unreadable,
                format!("the file cannot be read: {error}"),
                "Check the path and its permissions.",
            ))
        };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Box::new(whole_file(
                &name,
                Rule::Unreadable,
                "this is a folder, and a file was expected".to_owned(),
                "Name the TOML files in it.",
            )));
        }
        if metadata.len() > MAX_FILE_BYTES {
            return Err(Box::new(too_large(&name, Some(metadata.len()))));
        }
        // A pipe or a growing file tells no length beforehand: stop one byte past the limit.
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(Box::new(too_large(&name, None)));
        }
        Self::from_bytes(name, &bytes)
    }

    /// Returns a document of `bytes` that faults will call `name`.
    ///
    /// # Errors
    /// As [`Document::new`], and when `bytes` are not UTF-8.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self, Box<Fault>> {
        let name = name.into();
        match std::str::from_utf8(bytes) {
            // A byte order mark is what some Windows editors begin a file with.
            Ok(text) => Self::new(name, text.strip_prefix('\u{feff}').unwrap_or(text)),
            Err(error) => {
                let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let before = String::from_utf8_lossy(good);
                let (line, column) = line_and_column(&before, before.len());
                Err(Box::new(Fault {
                    file: name,
                    line,
                    column,
                    field: String::new(),
                    rule: Rule::Encoding,
                    message: "the file is not UTF-8 from here on".to_owned(),
                    help: "Save it as UTF-8 in your editor.".to_owned(),
                }))
            }
        }
    }

    /// Returns what faults call this document.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the document into `T`.
    ///
    /// # Errors
    /// Returns the fault when the text is not TOML, or not of `T`'s shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Box<Fault>> {
        let error = match toml::from_str(&self.text) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let (root, syntax) = match DeTable::parse(&self.text) {
            Ok(root) => (Some(root), false),
            Err(_) => (None, true),
        };
        let span = error.span().unwrap_or(0..0);
        let field = root
            .as_ref()
            .map(|root| field_around(root, &span))
            .unwrap_or_default();
        let message = tidy(error.message());
        let (rule, help) = if syntax {
            (
                Rule::Syntax,
                "Mend the TOML on this line: check quotes, brackets and equals signs.",
            )
        } else {
            (Rule::Shape, shape_help(&message))
        };
        Err(Box::new(
            self.fault_at(span.start, field, rule, message, help),
        ))
    }

    /// Returns the name of the field that stands at the byte `offset`; empty
    /// outside all fields, or when the text is not TOML.
    pub fn field_at(&self, offset: usize) -> String {
        DeTable::parse(&self.text)
            .map(|root| field_around(&root, &(offset..offset)))
            .unwrap_or_default()
    }

    /// Returns a finder of fields in this document.
    pub fn locator(&self) -> Locator<'_> {
        Locator {
            document: self,
            root: DeTable::parse(&self.text).ok(),
        }
    }

    /// Returns a fault at the byte `offset`.
    pub fn fault_at(
        &self,
        offset: usize,
        field: impl Into<String>,
        rule: Rule,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Fault {
        let (line, column) = line_and_column(&self.text, offset);
        Fault {
            file: self.name.clone(),
            line,
            column,
            field: field.into(),
            rule,
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Finds fields of one document.
#[derive(Debug)]
pub struct Locator<'a> {
    document: &'a Document,
    root: Option<Spanned<DeTable<'a>>>,
}

impl Locator<'_> {
    /// Returns a fault at the field that `way` leads to, or at the nearest thing
    /// above it when the field is not there.
    pub fn fault(
        &self,
        way: &[Step],
        rule: Rule,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Fault {
        let (offset, field) = self.find(way);
        self.document.fault_at(offset, field, rule, message, help)
    }

    /// Returns a fault of the file as a whole, without looking for its place.
    pub fn somewhere(
        &self,
        rule: Rule,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Fault {
        self.document.fault_at(0, "", rule, message, help)
    }

    /// Returns the byte offset and the readable name of the field that `way`
    /// leads to; the offset is that of the nearest thing above a missing field.
    fn find(&self, way: &[Step]) -> (usize, String) {
        let mut field = String::new();
        let mut offset = 0;
        let mut table = self.root.as_ref().map(Spanned::get_ref);
        let mut value: Option<&Spanned<DeValue<'_>>> = None;
        for step in way {
            match step {
                Step::Key(key) => {
                    if !field.is_empty() {
                        field.push('.');
                    }
                    field.push_str(key);
                    let entry = table.and_then(|table| {
                        table
                            .iter()
                            .find(|(name, _)| name.get_ref().as_ref() == *key)
                    });
                    value = entry.map(|(_, value)| value);
                    if let Some((name, value)) = entry
                        // The elements of an array of tables carry their own headers.
                        && !matches!(value.get_ref(), DeValue::Array(items) if is_tables(items))
                    {
                        offset = name.span().start;
                    }
                }
                Step::Item(index) => {
                    value = value
                        .and_then(|value| value.get_ref().as_array())
                        .and_then(|items| items.get(*index));
                    if let Some(value) = value {
                        offset = value.span().start;
                    }
                    let id = value
                        .and_then(|value| value.get_ref().as_table())
                        .and_then(identifier);
                    match id {
                        Some(id) => field.push_str(&format!("[{id}]")),
                        None => field.push_str(&format!("[{}]", index + 1)),
                    }
                }
            }
            table = value.and_then(|value| value.get_ref().as_table());
        }
        (offset, field)
    }
}

fn is_tables(items: &[Spanned<DeValue<'_>>]) -> bool {
    items.iter().any(|item| item.get_ref().is_table())
}

fn identifier(table: &DeTable<'_>) -> Option<String> {
    let (_, value) = table
        .iter()
        .find(|(name, _)| name.get_ref().as_ref() == "id")?;
    let id = value.get_ref().as_str()?;
    // A hostile identifier must not reach a message whole.
    Some(
        id.chars()
            .filter(|c| !c.is_control())
            .take(60)
            .collect::<String>(),
    )
}

/// Returns the name of the innermost field whose key or value touches `span`.
fn field_around(root: &Spanned<DeTable<'_>>, span: &Range<usize>) -> String {
    let mut field = String::new();
    let mut table = root.get_ref();
    'down: for _ in 0..=MAX_DEPTH {
        for (name, value) in table.iter() {
            let at_key = name.span().start <= span.start && span.end <= name.span().end;
            match value.get_ref() {
                DeValue::Table(inner) if within(value, span) || holds(inner, span) => {
                    push_key(&mut field, name.get_ref());
                    table = inner;
                    continue 'down;
                }
                DeValue::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        let inner = item.get_ref().as_table();
                        if !within(item, span) && !inner.is_some_and(|inner| holds(inner, span)) {
                            continue;
                        }
                        push_key(&mut field, name.get_ref());
                        match inner.and_then(identifier) {
                            Some(id) => field.push_str(&format!("[{id}]")),
                            None => field.push_str(&format!("[{}]", index + 1)),
                        }
                        let Some(inner) = inner else { return field };
                        table = inner;
                        continue 'down;
                    }
                    if at_key || within(value, span) {
                        push_key(&mut field, name.get_ref());
                        return field;
                    }
                }
                _ if at_key || within(value, span) => {
                    push_key(&mut field, name.get_ref());
                    return field;
                }
                _ => {}
            }
        }
        break;
    }
    field
}

fn push_key(field: &mut String, key: &str) {
    if !field.is_empty() {
        field.push('.');
    }
    field.extend(key.chars().filter(|c| !c.is_control()).take(60));
}

fn within(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    value.span().start <= span.start && span.end <= value.span().end
}

/// Returns whether `span` lies in one of the fields of `table`: the span of a
/// `[header]` table covers its header only.
fn holds(table: &DeTable<'_>, span: &Range<usize>) -> bool {
    table.iter().any(|(name, value)| {
        (name.span().start <= span.start && span.end <= name.span().end)
            || within(value, span)
            || match value.get_ref() {
                DeValue::Table(inner) => holds(inner, span),
                DeValue::Array(items) => items.iter().any(|item| {
                    within(item, span)
                        || item
                            .get_ref()
                            .as_table()
                            .is_some_and(|inner| holds(inner, span))
                }),
                _ => false,
            }
    })
}

fn whole_file(name: &str, rule: Rule, message: String, help: &str) -> Fault {
    Fault {
        file: name.to_owned(),
        line: 1,
        column: 1,
        field: String::new(),
        rule,
        message,
        help: help.to_owned(),
    }
}

fn too_large(name: &str, length: Option<u64>) -> Fault {
    let limit = MAX_FILE_BYTES / (1024 * 1024);
    let message = match length {
        Some(length) => format!(
            "the file is {:.1} MiB, and at most {limit} MiB are read",
            length as f64 / (1024.0 * 1024.0)
        ),
        None => format!("the file is longer than the {limit} MiB that are read"),
    };
    whole_file(
        name,
        Rule::TooLarge,
        message,
        "Split it into several guides, or check that this is the file you meant.",
    )
}

/// Returns toml's message as the middle of a sentence, on one line.
fn tidy(message: &str) -> String {
    let line = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    line.replace('`', "'")
}

fn shape_help(message: &str) -> &'static str {
    if message.contains("missing field") {
        "Add the field to this table; `viva guide new` prints a template with every field explained."
    } else if message.contains("unknown field") {
        "Correct the spelling or take the field out; `viva guide schema` lists the fields."
    } else if message.contains("unknown variant") {
        "Use one of the names listed."
    } else {
        "Give the field a value of the type named; `viva guide schema` describes each."
    }
}

/// Returns line and column, both from 1, the column in characters.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let offset = text.floor_char_boundary(offset.min(text.len()));
    let before = text.get(..offset).unwrap_or_default();
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Returns the offset at which brackets, or the parts of a dotted key, first
/// exceed [`MAX_DEPTH`]. One pass, without recursion, before any parser sees
/// the text.
fn first_too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut dots = 0usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => {
                while bytes.get(at).is_some_and(|byte| *byte != b'\n') {
                    at += 1;
                }
                continue;
            }
            quote @ (b'"' | b'\'') => {
                at = end_of_string(bytes, at, quote);
                continue;
            }
            b'[' | b'{' => {
                depth += 1;
                dots = 0;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                dots = 0;
            }
            b'.' => dots += 1,
            b'=' | b',' | b'\n' => dots = 0,
            _ => {}
        }
        if depth > MAX_DEPTH || dots > MAX_DEPTH {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// Returns the offset after the string that opens at `start`, or the end of
/// the text when it is never closed.
fn end_of_string(bytes: &[u8], start: usize, quote: u8) -> usize {
    let triple = [quote; 3];
    let rest = bytes.get(start..).unwrap_or_default();
    let multi = rest.starts_with(&triple);
    let mut at = start + if multi { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' && quote == b'"' {
            at += 2;
        } else if multi && bytes.get(at..).unwrap_or_default().starts_with(&triple) {
            return at + 3;
        } else if !multi && (byte == quote || byte == b'\n') {
            return at + 1;
        } else {
            at += 1;
        }
    }
    at
}
