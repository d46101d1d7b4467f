//! Where bytes go: the two standard streams, or memory in tests.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::theme::{ColourWishes, Theme};

/// Narrowest line that text is broken for.
pub const MIN_WIDTH: usize = 20;
/// Widest line that text is broken for: longer ones are hard to read.
pub const MAX_WIDTH: usize = 120;

/// Locks a mutex; a panic of another holder does not matter, since what is
/// guarded here stays valid after each single write.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a stream's bytes end up.
#[derive(Debug, Clone)]
enum Sink {
    Stdout,
    Stderr,
    Memory(Arc<Mutex<Vec<u8>>>),
}

/// One output stream and how text looks on it.
#[derive(Debug, Clone)]
pub struct Stream {
    sink: Sink,
    /// How meanings look here.
    pub theme: Theme,
    /// Whether somebody watches: the stream is a terminal.
    pub terminal: bool,
    /// A width that was asked for, instead of the terminal's own.
    columns: Option<usize>,
}

impl Stream {
    /// Returns standard output.
    pub fn stdout(plain: bool) -> Self {
        Self::standard(Sink::Stdout, plain, std::io::stdout().is_terminal())
    }

    /// Returns standard error.
    pub fn stderr(plain: bool) -> Self {
        Self::standard(Sink::Stderr, plain, std::io::stderr().is_terminal())
    }

    fn standard(sink: Sink, plain: bool, terminal: bool) -> Self {
        let columns = std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .filter(|columns| *columns > 0);
        Self {
            sink,
            theme: ColourWishes::from_environment(plain, terminal).theme(),
            terminal,
            columns: if terminal { None } else { columns },
        }
    }

    /// Returns a stream into memory, for tests, with the bytes it will hold.
    pub fn memory(theme: Theme, columns: Option<usize>) -> (Self, Arc<Mutex<Vec<u8>>>) {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let stream = Self {
            sink: Sink::Memory(Arc::clone(&bytes)),
            theme,
            terminal: false,
            columns,
        };
        (stream, bytes)
    }

    /// Returns the columns to break lines at, or `None` for lines of any
    /// length.
    ///
    /// On a terminal this is its width at this moment, so that a resize counts
    /// from the next print on. Elsewhere lines are not broken, so that a file
    /// or a pipe holds every quote in one piece, unless `COLUMNS` asks for it.
    pub fn width(&self) -> Option<usize> {
        let columns = match self.columns {
            Some(columns) => Some(columns),
            None if self.terminal => Some(self.terminal_columns().unwrap_or(80)),
            None => None,
        };
        columns.map(|columns| columns.clamp(MIN_WIDTH, MAX_WIDTH))
    }

    fn terminal_columns(&self) -> Option<usize> {
        let size = match self.sink {
            Sink::Stdout => terminal_size::terminal_size_of(std::io::stdout()),
            Sink::Stderr => terminal_size::terminal_size_of(std::io::stderr()),
            Sink::Memory(_) => None,
        };
        size.map(|(columns, _)| usize::from(columns.0))
            .filter(|columns| *columns > 0)
    }

    /// Writes `text` as it stands and hands it on at once.
    pub fn write(&self, text: &str) {
        // A closed pipe is the reader's wish to stop, not an error of ours.
        let _ = match &self.sink {
            Sink::Stdout => {
                let mut out = std::io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            }
            Sink::Stderr => std::io::stderr().lock().write_all(text.as_bytes()),
            Sink::Memory(bytes) => lock(bytes).write_all(text.as_bytes()),
        };
    }
}
