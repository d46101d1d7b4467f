//! The report of one session (transcript, scorecard, debrief and plan) and the
//! progress over many, as Markdown, as one self-contained HTML file, or as
//! JSON.
//!
//! It computes no scores: everything shown is in the critique and the events
//! the journal holds. It prints and stores nothing. Whatever a person or a
//! model wrote is escaped for the format it goes into.

mod marks;
mod progress;
mod view;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde_json::{Value, json};

pub use progress::ProgressPage;
pub use view::{how_said, is_contestable, minutes};

use crate::critique::Contests;
use crate::store::{SessionSummary, StoredEvent};
use crate::{Error, Result};

/// What a report is made of.
#[derive(Debug, Clone)]
pub struct Report {
    /// The session.
    pub session: SessionSummary,
    /// The critique as the journal holds it; `None` before the debrief.
    pub critique: Option<Value>,
    /// Verdicts that were contested, with what came of it.
    pub contests: Contests,
    /// How the model's lines fared, as the journal holds it.
    pub voice: Option<Value>,
    /// What happened, in order.
    pub events: Vec<StoredEvent>,
}

impl Report {
    /// Returns the report as one JSON object with `"schema": 1`.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": 1,
            "type": "report",
            "session": self.session,
            "critique": self.critique,
            "contests": (!self.contests.contests.is_empty()).then_some(&self.contests),
            "voice": self.voice,
            "transcript": view::transcript(&self.events),
        })
    }

    /// Returns the critique with what came of contests beside the verdicts:
    /// `contested` and `contest_words` at a point or mistake, and
    /// `score_with_contests` at a question and at the whole.
    pub fn contested_critique(&self) -> Option<Value> {
        let mut critique = self.critique.clone()?;
        view::contested(&mut critique, &self.contests);
        Some(critique)
    }

    /// Returns the report as Markdown.
    ///
    /// # Errors
    /// Fails only by a defect of the template.
    pub fn to_markdown(&self) -> Result<String> {
        let text = render(
            "report.md",
            include_str!("templates/report.md"),
            view::view(self),
        )?;
        Ok(tidy(&text))
    }

    /// Returns the report as one HTML file that needs no other.
    ///
    /// # Errors
    /// Fails only by a defect of the template.
    pub fn to_html(&self) -> Result<String> {
        render(
            "report.html",
            include_str!("templates/report.html"),
            view::view(self),
        )
    }
}

/// Renders a template with what it sees; names that end in `.html` escape it.
fn render(name: &str, template: &str, view: Value) -> Result<String> {
    let failed = |error: minijinja::Error| {
        Error::internal(format!("the template {name} failed")).caused_by(error)
    };
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .map_err(failed)?;
    environment.set_syntax(syntax);
    environment.set_auto_escape_callback(|name| match name.rsplit('.').next() {
        Some("html") => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    environment.add_filter("md", |text: Option<String>| {
        markdown_escape(&text.unwrap_or_default())
    });
    environment.add_filter("quoted", |text: String| markdown_quote(&text));
    environment.add_filter("whole", |score: f64| format!("{score:.0}"));
    environment.add_filter("words", |name: String| name.replace(['-', '_'], " "));
    environment
        .add_template("style.css", include_str!("templates/style.css"))
        .and_then(|()| environment.add_template(name, template))
        .map_err(failed)?;
    environment
        .get_template(name)
        .and_then(|template| template.render(Serde(view)))
        .map_err(failed)
}

/// Escapes what Markdown or the HTML within it would act on.
fn markdown_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out.push_str("&amp;"),
            // At the start of a line these begin a list.
            '-' | '+'
                if text[..at].trim_end_matches([' ', '\t']).is_empty()
                    || text[..at].trim_end_matches([' ', '\t']).ends_with('\n') =>
            {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' | '\t' => out.push(if c == '\t' { ' ' } else { '\n' }),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Escapes `text` and sets it as a block quote.
fn markdown_quote(text: &str) -> String {
    markdown_escape(text)
        .lines()
        .map(|line| format!("> {line}").trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Takes out runs of empty lines that a template's conditions leave.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 1;
    for line in text.lines() {
        empty = if line.trim().is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests;
