//! What text means, and how each meaning looks. Nothing else in the program
//! names a colour.
//!
//! The colours are of middling brightness, so that they read on light and on
//! dark backgrounds (contrast of 3.8 to 1 or more against both black and
//! white, by the WCAG 2 formula). No meaning rests on colour alone: wherever a
//! colour tells something, a mark or a word tells it too.

use anstyle::{Ansi256Color, AnsiColor, Color, Effects, Style};

/// Why a piece of text is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// Ordinary words.
    Plain,
    /// A title of a part of the screen.
    Heading,
    /// The name of the panellist in this seat, counted from 0.
    Panellist(usize),
    /// A panellist's question.
    Question,
    /// Guidance the person may ignore.
    Muted,
    /// Something to look at before going on.
    Warning,
    /// Something failed.
    Error,
    /// A line of advice after a failure.
    Hint,
    /// The candidate's own words, or somebody else's.
    Quote,
    /// Something that went well.
    Good,
    /// Something that was half there.
    Partly,
    /// Something that was missing or wrong.
    Bad,
    /// A command the person can type.
    Command,
    /// A number or value.
    Value,
}

/// How meanings look on one output stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// No escape sequences at all.
    Off,
    /// The sixteen colours every terminal has.
    Sixteen,
    /// The 256-colour table.
    Full,
}

/// The environment as far as colours go; made once, so that tests need no
/// process-wide variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColourWishes {
    /// `--plain` was given.
    pub plain: bool,
    /// `NO_COLOR` is set and not empty (<https://no-color.org>).
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set, not empty and not `0`.
    pub force: bool,
    /// `CLICOLOR` is `0`.
    pub clicolor_off: bool,
    /// The terminal's type, `TERM`.
    pub term: String,
    /// Whether the stream is a terminal.
    pub terminal: bool,
}

impl ColourWishes {
    /// Returns the wishes of the process environment for a stream.
    pub fn from_environment(plain: bool, terminal: bool) -> Self {
        let text = |name: &str| {
            std::env::var_os(name)
                .map(|value| value.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let force = text("CLICOLOR_FORCE");
        Self {
            plain,
            no_color: !text("NO_COLOR").is_empty(),
            force: !force.is_empty() && force != "0",
            clicolor_off: text("CLICOLOR") == "0",
            term: text("TERM"),
            terminal,
        }
    }

    /// Returns the look these wishes come to: a flag counts before the
    /// environment, and the environment before what the stream is.
    pub fn theme(&self) -> Theme {
        if self.plain || self.no_color {
            return Theme::Off;
        }
        let wanted = self.force
            || (self.terminal
                && !self.clicolor_off
                && self.term != "dumb"
                && !self.term.is_empty());
        match (wanted, self.term.as_str()) {
            (false, _) => Theme::Off,
            (true, "linux" | "vt100" | "ansi" | "cygwin") => Theme::Sixteen,
            (true, _) => Theme::Full,
        }
    }
}

impl Theme {
    /// Returns how text of this meaning looks.
    pub fn style(self, meaning: Meaning) -> Style {
        let colour = |full: u8, sixteen: AnsiColor| match self {
            Self::Off => Style::new(),
            Self::Sixteen => Style::new().fg_color(Some(Color::Ansi(sixteen))),
            Self::Full => Style::new().fg_color(Some(Color::Ansi256(Ansi256Color(full)))),
        };
        let with = |style: Style, effects: Effects| match self {
            Self::Off => Style::new(),
            Self::Sixteen | Self::Full => style.effects(effects),
        };
        match meaning {
            Meaning::Plain | Meaning::Question | Meaning::Value => Style::new(),
            Meaning::Heading => with(Style::new(), Effects::BOLD),
            Meaning::Panellist(seat) => {
                let (full, sixteen) = match seat % 4 {
                    0 => (67, AnsiColor::Cyan),
                    1 => (133, AnsiColor::Magenta),
                    2 => (65, AnsiColor::Green),
                    _ => (130, AnsiColor::Blue),
                };
                with(colour(full, sixteen), Effects::BOLD)
            }
            Meaning::Muted => match self {
                Self::Sixteen => with(Style::new(), Effects::DIMMED),
                Self::Off | Self::Full => colour(244, AnsiColor::BrightBlack),
            },
            Meaning::Warning => with(colour(130, AnsiColor::Yellow), Effects::BOLD),
            Meaning::Error => with(colour(167, AnsiColor::Red), Effects::BOLD),
            Meaning::Hint => with(colour(67, AnsiColor::Cyan), Effects::BOLD),
            Meaning::Quote => with(colour(67, AnsiColor::Cyan), Effects::ITALIC),
            Meaning::Good => colour(64, AnsiColor::Green),
            Meaning::Partly => colour(130, AnsiColor::Yellow),
            Meaning::Bad => colour(167, AnsiColor::Red),
            Meaning::Command => colour(67, AnsiColor::Cyan),
        }
    }

    /// Appends `text` to `out` in the look of `meaning`. The text must be
    /// clean of control characters ([`super::sanitise::sanitise`]).
    pub fn paint(self, out: &mut String, meaning: Meaning, text: &str) {
        use std::fmt::Write as _;
        let style = self.style(meaning);
        // Writing to a string cannot fail.
        let _ = if style.is_plain() {
            out.write_str(text)
        } else {
            write!(out, "{style}{text}{style:#}")
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal() -> ColourWishes {
        ColourWishes {
            term: "xterm-256color".into(),
            terminal: true,
            ..ColourWishes::default()
        }
    }

    #[test]
    fn a_terminal_gets_colours_and_a_pipe_does_not() {
        assert_eq!(terminal().theme(), Theme::Full);
        let pipe = ColourWishes {
            terminal: false,
            ..terminal()
        };
        assert_eq!(pipe.theme(), Theme::Off);
    }

    #[test]
    fn force_colours_a_pipe_but_no_color_and_plain_win_over_it() {
        let forced = ColourWishes {
            terminal: false,
            force: true,
            ..terminal()
        };
        assert_eq!(forced.theme(), Theme::Full);
        let no_color = ColourWishes {
            no_color: true,
            ..forced.clone()
        };
        assert_eq!(no_color.theme(), Theme::Off);
        let plain = ColourWishes {
            plain: true,
            ..forced
        };
        assert_eq!(plain.theme(), Theme::Off);
    }

    #[test]
    fn a_dumb_terminal_gets_no_escapes_and_the_console_sixteen_colours() {
        let dumb = ColourWishes {
            term: "dumb".into(),
            ..terminal()
        };
        assert_eq!(dumb.theme(), Theme::Off);
        let console = ColourWishes {
            term: "linux".into(),
            ..terminal()
        };
        assert_eq!(console.theme(), Theme::Sixteen);
    }

    #[test]
    fn without_a_theme_painting_adds_nothing() {
        for meaning in [Meaning::Error, Meaning::Muted, Meaning::Panellist(2)] {
            let mut out = String::new();
            Theme::Off.paint(&mut out, meaning, "words");
            assert_eq!(out, "words");
        }
    }

    /// Relative luminance of an sRGB colour, WCAG 2.
    fn luminance(index: u8) -> f64 {
        let level = |n: u8| {
            if n == 0 {
                0.0
            } else {
                f64::from(n) * 40.0 + 55.0
            }
        };
        let rgb = if index >= 232 {
            [f64::from(index - 232) * 10.0 + 8.0; 3]
        } else {
            let cube = index - 16;
            [level(cube / 36), level(cube / 6 % 6), level(cube % 6)]
        };
        let linear = |value: f64| {
            let value = value / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2])
    }

    #[test]
    fn every_colour_reads_on_black_and_on_white() {
        let meanings = [
            Meaning::Panellist(0),
            Meaning::Panellist(1),
            Meaning::Panellist(2),
            Meaning::Panellist(3),
            Meaning::Muted,
            Meaning::Warning,
            Meaning::Error,
            Meaning::Hint,
            Meaning::Quote,
            Meaning::Good,
            Meaning::Partly,
            Meaning::Bad,
            Meaning::Command,
        ];
        for meaning in meanings {
            let Some(Color::Ansi256(Ansi256Color(index))) =
                Theme::Full.style(meaning).get_fg_color()
            else {
                panic!("{meaning:?} has no colour of the table");
            };
            let light = luminance(index);
            let on_black = (light + 0.05) / 0.05;
            let on_white = 1.05 / (light + 0.05);
            assert!(
                on_black > 3.8 && on_white > 3.5,
                "{meaning:?}: {on_black:.1} on black, {on_white:.1} on white"
            );
        }
    }
}
