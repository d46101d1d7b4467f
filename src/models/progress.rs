//! What fetching and converting reports while it goes on. Drawing it is the
//! business of `ui/`.

use std::time::Duration;

/// A step of fetching, checking or converting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// Work begins, of a size in bytes where it is known. `from` bytes of it
    /// were done in an earlier run.
    Started {
        /// What is worked on.
        label: &'a str,
        /// Bytes in all.
        total: Option<u64>,
        /// Bytes already there.
        from: u64,
    },
    /// So many bytes are done.
    Advanced(u64),
    /// The connection failed; the next attempt follows after a pause.
    Retrying {
        /// Number of the coming attempt.
        attempt: u32,
        /// Attempts in all.
        of: u32,
        /// The pause.
        after: Duration,
        /// What failed, in words.
        reason: &'a str,
    },
    /// The work is done. Not sent when it fails.
    Finished,
}

/// Receives events. It must return quickly and must not panic; the same state
/// may be reported twice.
pub trait Observer {
    /// Takes note of an event.
    fn on_event(&mut self, event: &Event<'_>);
}

/// Takes note of nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on_event(&mut self, _event: &Event<'_>) {}
}
