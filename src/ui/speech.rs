//! A panellist's line on the screen while it is being said.

use super::Ui;
use super::flow::{Flow, Text};
use super::sanitise::Sanitiser;
use super::theme::Meaning;

/// A line that appears word by word. Dropping it ends the line.
#[derive(Debug)]
pub struct Speech {
    ui: Ui,
    flow: Flow,
    cleaner: Sanitiser,
    meaning: Meaning,
    said: bool,
    over: bool,
}

impl Speech {
    /// Begins a line of the panellist in `seat` (counted from 0).
    pub(super) fn begin(ui: &Ui, seat: usize, name: &str, role: &str) -> Self {
        let mut out = String::new();
        let theme = ui.stage().theme;
        let mut heading = Text::new().with(Meaning::Panellist(seat), name);
        if !role.is_empty() {
            heading = heading.with(Meaning::Muted, format!(", {role}"));
        }
        let flow = if ui.is_plain() {
            // Without colours the name and its words share a line, so that a
            // transcript can be searched by speaker.
            let first = Text::new().plain(name).plain(": ");
            Flow::new(theme, ui.stage().width(), &first, "  ", &mut out)
        } else {
            out.push_str(&super::flow::layout(
                theme,
                ui.stage().width(),
                &Text::new(),
                "  ",
                &heading,
            ));
            Flow::new(theme, ui.stage().width(), &"  ".into(), "  ", &mut out)
        };
        ui.write_stage(&out);
        Self {
            ui: ui.clone(),
            flow,
            cleaner: Sanitiser::new(),
            meaning: Meaning::Question,
            said: false,
            over: false,
        }
    }

    /// Says the next piece; words appear as soon as they are whole.
    pub fn say(&mut self, piece: &str) {
        let clean = self.cleaner.clean(piece);
        let mut out = String::new();
        self.flow.push(self.meaning, &clean, &mut out);
        if !out.is_empty() {
            self.said = true;
            self.ui.write_stage(&out);
        }
    }

    /// Ends the line.
    pub fn end(mut self) {
        self.close("");
    }

    /// Ends the line in the middle of a sentence, with a dash that shows it.
    pub fn cut(mut self) {
        let dash = if self.ui.is_plain() {
            " --"
        } else {
            " \u{2014}"
        };
        self.close(dash);
    }

    fn close(&mut self, last: &str) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let mut out = String::new();
        self.flow.push(self.meaning, last, &mut out);
        self.flow.flush(&mut out);
        out.push('\n');
        self.ui.write_stage(&out);
    }
}

impl Drop for Speech {
    fn drop(&mut self) {
        self.close("");
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Look, Ui};

    #[test]
    fn tokens_become_wrapped_lines_under_the_name() {
        let (ui, screen) = Ui::memory(Look::Styled(None), Some(30));
        let mut speech = ui.speech(0, "Priya Raman", "Hiring manager");
        for token in [
            "Tell",
            " me",
            " about a week in which",
            " produc",
            "tion broke",
            "?",
        ] {
            speech.say(token);
        }
        speech.end();
        assert_eq!(
            screen.stdout(),
            "Priya Raman, Hiring manager\n  Tell me about a week in\n  which production broke?\n"
        );
    }

    #[test]
    fn plain_lines_begin_with_the_name() {
        let (ui, screen) = Ui::memory(Look::Plain, None);
        let mut speech = ui.speech(1, "Tom Hale", "Engineer");
        speech.say("What broke?");
        speech.end();
        assert_eq!(screen.stdout(), "Tom Hale: What broke?\n");
    }

    #[test]
    fn a_line_stopped_in_the_middle_says_so() {
        let (ui, screen) = Ui::memory(Look::Plain, None);
        let mut speech = ui.speech(1, "Tom Hale", "");
        speech.say("What broke first, and wh");
        speech.cut();
        assert_eq!(screen.stdout(), "Tom Hale: What broke first, and wh --\n");
    }

    #[test]
    fn escapes_split_over_tokens_never_reach_the_terminal() {
        let (ui, screen) = Ui::memory(Look::Plain, None);
        let mut speech = ui.speech(0, "Tom", "");
        speech.say("red \u{1b}");
        speech.say("[31mherring");
        drop(speech);
        assert_eq!(screen.stdout(), "Tom: red herring\n");
    }
}
