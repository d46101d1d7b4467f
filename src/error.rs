//! The one error type of the program's edge: a kind that decides the exit
//! code, a message, the chain of causes, and hints that say what to do next.
//!
//! Rooms may keep precise error enums of their own; they become an [`Error`]
//! where a command hands its result to `main`. Nothing here prints.

use std::error::Error as StdError;
use std::fmt;

/// What a failure means for the person and for a calling script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A defect of the program itself. Exit code 1.
    Internal,
    /// The command line or a value typed by the user. Exit code 2.
    Usage,
    /// A settings file, guide, plan or prompt that is not valid. Exit code 3.
    Content,
    /// A model that is missing, damaged, too large or of the wrong kind. Exit code 4.
    Model,
    /// The disk: a folder that cannot be written, a damaged or locked journal. Exit code 5.
    Storage,
    /// A download that could not be completed. Exit code 6.
    Network,
    /// The work was done, but some input lines were refused. Exit code 7.
    Partial,
    /// The person stopped the program (Ctrl-C twice). Exit code 130.
    Interrupted,
}

impl ErrorKind {
    /// Returns the process exit code of this kind: 1 to 7, or 130.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Content => 3,
            Self::Model => 4,
            Self::Storage => 5,
            Self::Network => 6,
            Self::Partial => 7,
            Self::Interrupted => 130,
        }
    }
}

/// A failure with its kind, its causes and advice.
///
/// The message is a full sentence without a trailing full stop, says what
/// happened and names the thing it happened to; each hint is a full sentence
/// that says what to do next.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync + 'static>>,
    hints: Vec<String>,
}

/// The result of everything that can fail at the edge.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns an error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
            hints: Vec::new(),
        }
    }

    /// Returns an [`ErrorKind::Internal`] error.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Returns an [`ErrorKind::Usage`] error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Returns an [`ErrorKind::Content`] error.
    pub fn content(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Content, message)
    }

    /// Returns an [`ErrorKind::Model`] error.
    pub fn model(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, message)
    }

    /// Returns an [`ErrorKind::Storage`] error.
    pub fn storage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Storage, message)
    }

    /// Returns an [`ErrorKind::Network`] error.
    pub fn network(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Network, message)
    }

    /// Attaches the failure that caused this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds a sentence of advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the kind, which decides the exit code.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the advice, one full sentence each.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns the messages of the causes, nearest first.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = self.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_listed_nearest_first() {
        let inner = Error::storage("the disk is full").caused_by(std::io::Error::other("ENOSPC"));
        let outer = Error::internal("could not save").caused_by(inner);
        assert_eq!(outer.causes(), ["the disk is full", "ENOSPC"]);
    }

    #[test]
    fn every_kind_has_its_own_exit_code() {
        let kinds = [
            ErrorKind::Internal,
            ErrorKind::Usage,
            ErrorKind::Content,
            ErrorKind::Model,
            ErrorKind::Storage,
            ErrorKind::Network,
            ErrorKind::Partial,
            ErrorKind::Interrupted,
        ];
        let codes: std::collections::BTreeSet<u8> = kinds.iter().map(|k| k.exit_code()).collect();
        assert_eq!(codes.len(), kinds.len());
    }
}
