//! The only room that prints. The product goes to standard output, everything
//! else to standard error; nothing is computed here.

use std::io::Write;
use std::process::ExitCode;

use crate::Error;
use crate::cli::Globals;

/// The way to the terminal. Clones share it.
#[derive(Debug, Clone)]
pub struct Ui {
    json: bool,
}

impl Ui {
    /// Returns the way to the terminal that `globals` asks for.
    pub fn new(globals: &Globals) -> Self {
        Self { json: globals.json }
    }

    /// Returns whether standard output carries JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Writes a line of the product to standard output.
    pub fn line(&self, text: &str) {
        // A closed pipe is the reader's wish to stop, not an error of ours.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// Writes one JSON object on a line of its own to standard output.
    pub fn json_line(&self, value: &impl serde::Serialize) {
        if let Ok(text) = serde_json::to_string(value) {
            self.line(&text);
        }
    }

    /// Writes a line about what is going on to standard error.
    pub fn status(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Reports a failure with its causes and hints; returns its exit code.
    pub fn report(&self, error: &Error) -> ExitCode {
        let mut err = std::io::stderr().lock();
        let _ = writeln!(err, "Error: {error}.");
        for cause in error.causes() {
            let _ = writeln!(err, "Caused by: {cause}");
        }
        for hint in error.hints() {
            let _ = writeln!(err, "Hint: {hint}");
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
