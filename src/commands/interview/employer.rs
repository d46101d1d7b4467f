//! How it looks what a candidate found out about the employer. Shows and
//! computes nothing.

use super::view::{first_name, muted, quotes, shorten};
use crate::critique::{FlagRemark, ReverseRound};
use crate::ui::Ui;
use crate::ui::flow::Text;
use crate::ui::theme::Meaning;

/// Shows which red flags were there and what the candidate made of them.
pub(super) fn round(ui: &Ui, round: &ReverseRound) {
    ui.stage_text(
        3,
        &Text::new().with(Meaning::Heading, "Red flags at this employer"),
    );
    for flag in round.flags.iter().filter(|flag| flag.present) {
        present(ui, flag);
    }
    let absent: Vec<&FlagRemark> = round.flags.iter().filter(|flag| !flag.present).collect();
    if absent.is_empty() {
        return;
    }
    ui.stage_text(3, &Text::new().with(Meaning::Heading, "Red flags not here"));
    for flag in absent {
        healthy(ui, flag);
    }
}

fn present(ui: &Ui, flag: &FlagRemark) {
    let (meaning, mark, note) = match (flag.uncovered, flag.caught) {
        (_, true) => (Meaning::Good, "+", "you asked, and you caught it"),
        (true, false) => (Meaning::Partly, "~", "you asked, and it went by you"),
        (false, false) => (Meaning::Bad, "-", "you did not ask after it"),
    };
    line(ui, flag, meaning, mark, note);
    answered(ui, flag);
    if flag.caught {
        ui.stage_text(7, &muted("You named it:"));
        quotes(ui, 7, &flag.named);
    } else {
        ui.stage_text(7, &flag.why.as_str().into());
    }
    if !flag.uncovered && !flag.ask.is_empty() {
        ui.stage_hanging(
            &Text::new()
                .plain("       ")
                .with(Meaning::Muted, "Ask next time: "),
            "       ",
            &flag.ask.as_str().into(),
        );
    }
    ui.stage_text(7, &muted(&format!("({})", flag.guide)));
}

fn healthy(ui: &Ui, flag: &FlagRemark) {
    if !flag.named.is_empty() {
        let note = "you held it against them, and it is not so";
        line(ui, flag, Meaning::Partly, "~", note);
        answered(ui, flag);
        ui.stage_text(7, &muted("You said:"));
        quotes(ui, 7, &flag.named);
        ui.stage_text(7, &muted(&format!("({})", flag.guide)));
    } else if flag.uncovered {
        line(
            ui,
            flag,
            Meaning::Good,
            "+",
            "you asked, and heard that it is not so",
        );
    } else {
        let note = "you did not ask";
        line(ui, flag, Meaning::Muted, ".", note);
    }
}

fn line(ui: &Ui, flag: &FlagRemark, meaning: Meaning, mark: &str, note: &str) {
    let first = Text::new().plain("   ").with(meaning, mark).plain(" ");
    let text = Text::new()
        .plain(&flag.title)
        .with(Meaning::Muted, format!(" ({note})"));
    ui.stage_hanging(&first, "     ", &text);
}

fn answered(ui: &Ui, flag: &FlagRemark) {
    for words in &flag.said {
        let Some((shown, rest)) = shorten(&words.text) else {
            continue;
        };
        let text = Text::new()
            .plain(format!("{} said ", first_name(&words.panellist)))
            .with(Meaning::Quote, format!("\u{201c}{shown}\u{201d}"))
            .plain(if rest { " \u{2026}" } else { "" });
        ui.stage_text(7, &text);
    }
}
