//! The parts of the screen around the panel's words: who sits there, hints,
//! time, help.

use std::time::Duration;

use super::Ui;
use super::flow::{Text, layout};
use super::slash::Slash;
use super::theme::Meaning;

/// Somebody on the panel, as the session header shows them.
#[derive(Debug, Clone, Copy)]
pub struct Seat<'a> {
    /// First name and surname.
    pub name: &'a str,
    /// Job title.
    pub role: &'a str,
}

impl Ui {
    /// Writes an empty line to the stage.
    pub fn gap(&self) {
        self.write_stage("\n");
    }

    /// Writes a paragraph to the stage. Every line begins with `indent` spaces.
    pub fn stage_text(&self, indent: usize, text: &Text) {
        let spaces = " ".repeat(indent);
        self.stage_hanging(&spaces.as_str().into(), &spaces, text);
    }

    /// Writes a paragraph to the stage: `first` before its first line and
    /// `indent` before every further one.
    pub fn stage_hanging(&self, first: &Text, indent: &str, text: &Text) {
        let stage = self.stage();
        let out = layout(stage.theme, stage.width(), first, indent, text);
        self.write_stage(&out);
    }

    /// Writes a title to the stage, with an empty line before it.
    pub fn heading(&self, title: &str) {
        self.gap();
        self.stage_text(0, &Text::new().with(Meaning::Heading, title));
    }

    /// Shows what kind of interview this is and who sits on the panel.
    pub fn session_header(&self, title: &str, details: &str, panel: &[Seat<'_>]) {
        self.stage_text(0, &Text::new().with(Meaning::Heading, title));
        if !details.is_empty() {
            self.stage_text(0, &Text::new().with(Meaning::Muted, details));
        }
        let widest = panel
            .iter()
            .map(|seat| unicode_width::UnicodeWidthStr::width(seat.name))
            .max()
            .unwrap_or(0);
        self.gap();
        for (index, seat) in panel.iter().enumerate() {
            let pad = widest - unicode_width::UnicodeWidthStr::width(seat.name);
            let first = Text::new()
                .plain("  ")
                .with(Meaning::Panellist(index), seat.name)
                .plain(" ".repeat(pad + 2));
            let indent = " ".repeat(widest + 4);
            let role = Text::new().with(Meaning::Muted, seat.role);
            self.stage_hanging(&first, &indent, &role);
        }
        self.gap();
    }

    /// Marks the beginning of a question: its number and how long it may take.
    pub fn question_mark(&self, number: usize, of: usize, minutes: Option<(u32, u32)>) {
        let mut text = format!("Question {number} of {of}");
        if let Some((low, high)) = minutes {
            text.push_str(&if low == high {
                format!(", about {} to answer", minutes_text(low))
            } else {
                format!(", {low} to {} to answer", minutes_text(high))
            });
        }
        self.gap();
        self.stage_text(0, &Text::new().with(Meaning::Muted, text));
    }

    /// Says how to send an answer: at length the first time, in short later.
    pub fn how_to_answer(&self, first: bool) {
        if first {
            let text = Text::new()
                .with(
                    Meaning::Muted,
                    "Type your answer over as many lines as you like. A blank line or Ctrl-S sends it; ",
                )
                .with(Meaning::Command, "/help")
                .with(Meaning::Muted, " lists what else you can do.");
            self.stage_text(0, &text);
        } else {
            let text = Text::new().with(Meaning::Muted, "A blank line or Ctrl-S sends.");
            self.stage_text(0, &text);
        }
    }

    /// Shows a hint: the `step`th of `of`, counted from 1.
    pub fn hint_card(&self, step: usize, of: usize, hint: &str) {
        let first = Text::new()
            .with(Meaning::Hint, format!("Hint {step} of {of}"))
            .plain("  ");
        self.stage_hanging(&first, "  ", &hint.into());
    }

    /// Shows the time used, and the time left where there is a limit.
    pub fn time_card(&self, question: Duration, whole: Duration, limit: Option<Duration>) {
        let mut text = Text::new()
            .plain("This question ")
            .with(Meaning::Value, clock(question))
            .plain(", the interview ")
            .with(Meaning::Value, clock(whole));
        text = match limit.map(|limit| (limit.checked_sub(whole), limit)) {
            Some((Some(left), _)) => text.plain(format!(", {} left.", clock(left))),
            Some((None, limit)) => {
                let over = whole.saturating_sub(limit);
                text.with(
                    Meaning::Warning,
                    format!(", {} over the time set.", clock(over)),
                )
            }
            None => text.plain("."),
        };
        self.stage_text(0, &text);
    }

    /// Shows the commands that mean something now.
    pub fn command_help(&self, allowed: &[Slash]) {
        let name = |slash: &Slash| {
            let info = slash.info();
            if info.argument.is_empty() {
                info.name.to_owned()
            } else {
                format!("{} {}", info.name, info.argument)
            }
        };
        let widest = allowed.iter().map(|slash| name(slash).len()).max();
        let widest = widest.unwrap_or(0);
        for slash in allowed {
            let first = Text::new()
                .plain("  ")
                .with(Meaning::Command, format!("{:widest$}", name(slash)))
                .plain("  ");
            let indent = " ".repeat(widest + 4);
            self.stage_hanging(&first, &indent, &slash.info().help.into());
        }
        self.stage_text(
            2,
            &Text::new().with(
                Meaning::Muted,
                "Enter starts a new line; a blank line, Ctrl-S or Alt-Enter sends. Arrow keys go back to \
                 earlier lines. Ctrl-C clears the line and Ctrl-Y brings it back; Ctrl-C twice leaves; Ctrl-D ends.",
            ),
        );
    }

    /// Says something about the interview itself, on the stage: that an answer
    /// was saved, that a question was left out.
    pub fn remark(&self, text: &str) {
        self.stage_text(0, &Text::new().with(Meaning::Muted, text));
    }

    /// Shows what the candidate said, where it was not typed on this screen
    /// (answers from a file or a pipe).
    pub fn answer_echo(&self, answer: &str) {
        let first = if self.is_plain() {
            Text::new().plain("You: ")
        } else {
            Text::new().with(Meaning::Command, "you> ")
        };
        self.stage_hanging(&first, "  ", &answer.trim().into());
    }

    /// Keeps typing off the screen until the guard is dropped.
    pub fn quiet_typing(&self) -> super::terminal::QuietTyping {
        super::terminal::QuietTyping::start()
    }
}

fn minutes_text(minutes: u32) -> String {
    if minutes == 1 {
        "1 minute".into()
    } else {
        format!("{minutes} minutes")
    }
}

/// Returns a length of time as minutes and seconds, with hours where needed.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Look, Moment};
    use super::*;

    #[test]
    fn the_header_lines_up_names_and_roles() {
        let (ui, screen) = Ui::memory(Look::Plain, Some(60));
        let panel = [
            Seat {
                name: "Priya Raman",
                role: "Hiring manager",
            },
            Seat {
                name: "Tom Hale",
                role: "Staff engineer",
            },
        ];
        ui.session_header("Panel interview", "3 questions", &panel);
        assert_eq!(
            screen.stdout(),
            "Panel interview\n3 questions\n\n  Priya Raman  Hiring manager\n  Tom Hale     Staff engineer\n\n"
        );
    }

    #[test]
    fn time_over_the_limit_is_said_in_words() {
        let (ui, screen) = Ui::memory(Look::Plain, None);
        let minutes = |n: u64| Duration::from_secs(n * 60);
        ui.time_card(Duration::from_secs(75), minutes(32), Some(minutes(30)));
        assert_eq!(
            screen.stdout(),
            "This question 1:15, the interview 32:00, 2:00 over the time set.\n"
        );
    }

    #[test]
    fn help_fits_sixty_columns() {
        let (ui, screen) = Ui::memory(Look::Plain, Some(60));
        ui.command_help(&Slash::at(Moment::Answering));
        let help = screen.stdout();
        assert!(
            help.lines().all(|line| line.chars().count() <= 60),
            "{help}"
        );
        assert!(help.contains("/hint"));
    }

    #[test]
    fn hours_are_shown_only_when_there_are_any() {
        assert_eq!(clock(Duration::from_secs(59)), "0:59");
        assert_eq!(clock(Duration::from_secs(3725)), "1:02:05");
    }
}
