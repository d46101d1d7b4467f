//! The only room that prints. The product goes to standard output, everything
//! else to standard error; nothing is computed here.
//!
//! Whatever is shown passes through [`sanitise`]; how it looks is decided by
//! its [`Meaning`]. While the line editor holds the terminal, everything that
//! would be printed waits until it lets go.

pub mod chart;
pub mod editor;
pub mod flow;
mod out;
pub mod progress;
pub mod sanitise;
pub mod screen;
pub mod slash;
pub mod speech;
mod terminal;
pub mod theme;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::Error;
use crate::cli::Globals;

pub use editor::{Ask, Editor, Entry};
pub use flow::Text;
pub use out::{MAX_WIDTH, MIN_WIDTH};
pub use progress::Progress;
pub use slash::{Moment, Slash};
pub use speech::Speech;
pub use theme::{Meaning, Theme};

use out::{Stream, lock};

/// The way to the terminal. Clones share it.
#[derive(Debug, Clone)]
pub struct Ui {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    out: Stream,
    err: Stream,
    json: bool,
    /// `--plain`, or nobody watches.
    plain: bool,
    verbose: u8,
    multi: Option<MultiProgress>,
    held: Mutex<Held>,
}

/// What waits while the line editor holds the terminal.
#[derive(Debug, Default)]
struct Held {
    holders: usize,
    waiting: Vec<(Target, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Out,
    Err,
}

/// How a [`Ui`] into memory lays things out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As with `--plain`.
    Plain,
    /// As on a terminal, with a theme or without colours.
    Styled(Option<Theme>),
    /// As with `--json`, with nobody watching.
    Json,
}

/// What a [`Ui`] into memory has printed.
#[derive(Debug, Clone)]
pub struct Screen {
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
}

impl Screen {
    /// Returns everything written to standard output so far.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&lock(&self.out)).into_owned()
    }

    /// Returns everything written to standard error so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&lock(&self.err)).into_owned()
    }
}

/// Keeps everything else from printing; dropping it prints what has waited.
#[derive(Debug)]
pub(crate) struct Hold(Ui);

impl Drop for Hold {
    fn drop(&mut self) {
        let waiting = {
            let mut held = lock(&self.0.inner.held);
            held.holders = held.holders.saturating_sub(1);
            if held.holders > 0 {
                return;
            }
            std::mem::take(&mut held.waiting)
        };
        for (target, text) in waiting {
            self.0.write(target, &text);
        }
    }
}

impl Ui {
    /// Returns the way to the terminal that `globals` asks for.
    pub fn new(globals: &Globals) -> Self {
        let out = Stream::stdout(globals.plain);
        let err = Stream::stderr(globals.plain);
        let multi = (err.terminal && !globals.plain)
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)));
        let watched = if globals.json {
            err.terminal
        } else {
            out.terminal
        };
        Self {
            inner: Arc::new(Inner {
                out,
                err,
                json: globals.json,
                plain: globals.plain || !watched,
                verbose: globals.verbose,
                multi,
                held: Mutex::default(),
            }),
        }
    }

    /// Returns a way to memory, for tests: lines break at `columns`, or never.
    pub fn memory(look: Look, columns: Option<usize>) -> (Self, Screen) {
        let theme = match look {
            Look::Plain | Look::Styled(None) | Look::Json => Theme::Off,
            Look::Styled(Some(theme)) => theme,
        };
        let (out, out_bytes) = Stream::memory(theme, columns);
        let (err, err_bytes) = Stream::memory(theme, columns);
        let ui = Self {
            inner: Arc::new(Inner {
                out,
                err,
                json: look == Look::Json,
                plain: matches!(look, Look::Plain | Look::Json),
                verbose: 0,
                multi: None,
                held: Mutex::default(),
            }),
        };
        let screen = Screen {
            out: out_bytes,
            err: err_bytes,
        };
        (ui, screen)
    }

    /// Returns whether standard output carries JSON.
    pub fn is_json(&self) -> bool {
        self.inner.json
    }

    /// Returns whether the layout is the plain one: `--plain` was given, or
    /// the interview does not go to a terminal.
    pub fn is_plain(&self) -> bool {
        self.inner.plain
    }

    /// Returns how often `--verbose` was given.
    pub fn verbosity(&self) -> u8 {
        self.inner.verbose
    }

    /// Returns whether a person can be asked: standard input is a terminal and
    /// so is the stream the interview is shown on.
    pub fn is_interactive(&self) -> bool {
        std::io::stdin().is_terminal() && self.stage().terminal
    }

    /// Returns the columns that lines of the interview break at, or `None`
    /// when they do not break.
    pub fn width(&self) -> Option<usize> {
        self.stage().width()
    }

    /// The stream the interview is shown on: standard output, or standard
    /// error where standard output carries JSON.
    fn stage(&self) -> &Stream {
        if self.inner.json {
            &self.inner.err
        } else {
            &self.inner.out
        }
    }

    /// Returns whether the interview is shown at all: beside JSON it is only
    /// shown to somebody who watches.
    pub fn has_stage(&self) -> bool {
        !self.inner.json || self.inner.err.terminal
    }

    fn write_stage(&self, text: &str) {
        if !self.has_stage() {
            return;
        }
        let target = if self.inner.json {
            Target::Err
        } else {
            Target::Out
        };
        self.write(target, text);
    }

    fn write(&self, target: Target, text: &str) {
        {
            let mut held = lock(&self.inner.held);
            if held.holders > 0 {
                held.waiting.push((target, text.to_owned()));
                return;
            }
        }
        let stream = match target {
            Target::Out => &self.inner.out,
            Target::Err => &self.inner.err,
        };
        match &self.inner.multi {
            // Bars step aside while something is written.
            Some(multi) => multi.suspend(|| stream.write(text)),
            None => stream.write(text),
        }
    }

    /// Takes the terminal for the line editor.
    pub(crate) fn hold(&self) -> Hold {
        lock(&self.inner.held).holders += 1;
        Hold(self.clone())
    }

    /// Writes a line of the product to standard output, unbroken.
    pub fn line(&self, text: &str) {
        self.write(Target::Out, &format!("{}\n", sanitise::sanitise(text)));
    }

    /// Writes text of the product to standard output as it stands, cleaned,
    /// without a line end of its own.
    pub fn raw(&self, text: &str) {
        self.write(Target::Out, &sanitise::sanitise(text));
    }

    /// Writes a paragraph of the product to standard output, broken at the
    /// width; every line after the first begins with `indent` spaces.
    pub fn paragraph(&self, indent: usize, text: &Text) {
        let stream = &self.inner.out;
        let indent = " ".repeat(indent);
        let out = flow::layout(stream.theme, stream.width(), &Text::new(), &indent, text);
        self.write(Target::Out, &out);
    }

    /// Writes one JSON object on a line of its own to standard output.
    ///
    /// JSON escapes control characters itself, so that the text inside stays
    /// byte for byte what it was.
    pub fn json_line(&self, value: &impl serde::Serialize) {
        if let Ok(text) = serde_json::to_string(value) {
            self.write(Target::Out, &format!("{text}\n"));
        }
    }

    /// Writes a line about what is going on to standard error.
    pub fn status(&self, text: &str) {
        self.aside(&Text::new().with(Meaning::Muted, text));
    }

    /// Writes a line of several meanings to standard error.
    pub fn aside(&self, text: &Text) {
        self.labelled(&Text::new(), text);
    }

    /// Warns on standard error.
    pub fn warn(&self, text: &str) {
        self.labelled(
            &Text::new().with(Meaning::Warning, "Warning:").plain(" "),
            &text.into(),
        );
    }

    /// Advises on standard error.
    pub fn hint(&self, text: &str) {
        self.labelled(
            &Text::new().with(Meaning::Hint, "Hint:").plain(" "),
            &text.into(),
        );
    }

    fn labelled(&self, label: &Text, text: &Text) {
        let stream = &self.inner.err;
        let out = flow::layout(stream.theme, stream.width(), label, "  ", text);
        self.write(Target::Err, &out);
    }

    /// Begins a line of the panellist in `seat`, counted from 0.
    pub fn speech(&self, seat: usize, name: &str, role: &str) -> Speech {
        Speech::begin(self, seat, name, role)
    }

    /// Shows a spinner while something of unknown length goes on.
    pub fn spinner(&self, label: &str) -> Progress {
        Progress::spinner(self.inner.multi.as_ref(), label)
    }

    /// Shows a bar that counts to `total` things.
    pub fn progress_bar(&self, total: u64, label: &str) -> Progress {
        Progress::count(self.inner.multi.as_ref(), total, label)
    }

    /// Shows a bar that counts bytes, with speed and time left; without a
    /// total, a spinner with the bytes so far.
    pub fn bytes_bar(&self, total: Option<u64>, label: &str) -> Progress {
        Progress::bytes(self.inner.multi.as_ref(), total, label)
    }

    /// Reports a failure with its causes and hints; returns its exit code.
    pub fn report(&self, error: &Error) -> ExitCode {
        let label = |meaning, text: &str| Text::new().with(meaning, text).plain(" ");
        self.labelled(
            &label(Meaning::Error, "Error:"),
            &format!("{error}.").as_str().into(),
        );
        for cause in error.causes() {
            // Parsers draw arrows under the text they complain about: such
            // causes keep their columns.
            if cause.trim_end().contains('\n') {
                let theme = self.inner.err.theme;
                let mut out = String::new();
                theme.paint(&mut out, Meaning::Error, "Caused by:");
                out.push('\n');
                for line in sanitise::sanitise(cause.trim_end()).lines() {
                    out.push_str(&format!("  {line}\n"));
                }
                self.write(Target::Err, &out);
            } else {
                self.labelled(&label(Meaning::Error, "Caused by:"), &cause.as_str().into());
            }
        }
        for hint in error.hints() {
            self.hint(hint);
        }
        ExitCode::from(error.kind().exit_code())
    }

    /// Shows clap's help, version or usage error; returns 0 for help and
    /// version, 2 for an error.
    pub fn report_clap(error: &clap::Error) -> ExitCode {
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_with_its_causes_and_advice() {
        let (ui, screen) = Ui::memory(Look::Plain, None);
        let error = Error::storage("the journal cannot be opened")
            .caused_by(std::io::Error::other("disk \u{1b}[31mfull"))
            .hint("Free some space.");
        ui.report(&error);
        assert_eq!(
            screen.stderr(),
            "Error: the journal cannot be opened.\nCaused by: disk full\nHint: Free some space.\n"
        );
        assert_eq!(screen.stdout(), "");
    }

    #[test]
    fn a_cause_of_several_lines_keeps_its_columns() {
        let (ui, screen) = Ui::memory(Look::Plain, Some(30));
        let error = Error::content("the file is not valid").caused_by(std::io::Error::other(
            "line 3\n  |\n3 |   x = \n  |      ^\n",
        ));
        ui.report(&error);
        assert!(screen.stderr().contains("\n  3 |   x = \n    |      ^\n"));
    }

    #[test]
    fn what_is_printed_during_a_hold_waits_for_its_end() {
        let (ui, screen) = Ui::memory(Look::Plain, None);
        let hold = ui.hold();
        ui.line("later");
        ui.status("later too");
        assert_eq!(screen.stdout(), "");
        drop(hold);
        assert_eq!(screen.stdout(), "later\n");
        assert_eq!(screen.stderr(), "later too\n");
    }

    #[test]
    fn json_keeps_control_characters_as_escapes() {
        let (ui, screen) = Ui::memory(Look::Plain, None);
        ui.json_line(&serde_json::json!({"text": "\u{1b}[2J"}));
        assert_eq!(screen.stdout(), "{\"text\":\"\\u001b[2J\"}\n");
    }
}
