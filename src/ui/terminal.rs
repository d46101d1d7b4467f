//! The terminal's own state: kept while the line editor lives, put back when
//! it goes.
//!
//! The editor reads on a thread of its own in raw mode. When the program ends
//! or panics while that thread still waits for a key, nothing else would put
//! the terminal back; this guard does.

/// Puts the terminal back as it was when dropped, and when the program panics.
#[derive(Debug)]
pub(super) struct TerminalGuard {
    #[cfg(unix)]
    kept: Option<rustix::termios::Termios>,
}

impl TerminalGuard {
    /// Remembers the terminal's state.
    pub(super) fn new() -> Self {
        #[cfg(unix)]
        {
            let kept = rustix::termios::tcgetattr(std::io::stdin()).ok();
            if let Some(kept) = kept.clone() {
                let earlier = std::panic::take_hook();
                std::panic::set_hook(Box::new(move |info| {
                    restore(&kept);
                    earlier(info);
                }));
            }
            Self { kept }
        }
        #[cfg(not(unix))]
        Self {}
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(kept) = &self.kept {
            restore(kept);
        }
    }
}

#[cfg(unix)]
fn restore(kept: &rustix::termios::Termios) {
    use std::io::Write as _;

    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    let raw = tcgetattr(&stdin).is_ok_and(|now| !now.local_modes.contains(LocalModes::ICANON));
    if raw && kept.local_modes.contains(LocalModes::ICANON) {
        let _ = tcsetattr(&stdin, OptionalActions::Now, kept);
        // The editor had switched bracketed paste on.
        let _ = std::io::stdout().write_all(b"\x1b[?2004l\r\n");
        let _ = std::io::stdout().flush();
    }
}

/// Keeps what is typed off the screen while a panellist speaks; dropping it
/// lets the typing show again. What was typed meanwhile is not lost: the next
/// reader gets it.
#[derive(Debug)]
pub struct QuietTyping {
    #[cfg(unix)]
    kept: Option<rustix::termios::Termios>,
}

impl QuietTyping {
    /// Switches the echo off, where standard input is a terminal.
    pub(super) fn start() -> Self {
        #[cfg(unix)]
        {
            use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
            let stdin = std::io::stdin();
            let kept = tcgetattr(&stdin).ok();
            if let Some(kept) = &kept {
                let mut quiet = kept.clone();
                quiet.local_modes.remove(LocalModes::ECHO);
                let _ = tcsetattr(&stdin, OptionalActions::Now, &quiet);
            }
            Self { kept }
        }
        #[cfg(not(unix))]
        Self {}
    }
}

impl Drop for QuietTyping {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(kept) = &self.kept {
            use rustix::termios::{OptionalActions, tcsetattr};
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, kept);
        }
    }
}
