//! How second thoughts look on the screen: what came of contesting a verdict,
//! what a candidate said twice, differently, and what they would have given
//! themselves. Shows and computes nothing.

use super::super::contest::Outcome;
use super::view::{competency, muted, quotes, shorten};
use crate::critique::{About, Cited, Critique};
use crate::ui::Ui;
use crate::ui::flow::Text;
use crate::ui::theme::Meaning;

/// Shows what came of contesting a verdict.
pub(in crate::commands) fn contest(ui: &Ui, outcome: &Outcome) {
    let contest = &outcome.contest;
    ui.stage_hanging(
        &muted(&format!("[{}] ", contest.number)),
        "    ",
        &contest.text.as_str().into(),
    );
    quotes(ui, 4, std::slice::from_ref(&contest.words));
    let meaning = if contest.counts {
        Meaning::Good
    } else {
        Meaning::Muted
    };
    ui.stage_text(4, &Text::new().with(meaning, contest.line()));
    if let (Some(before), Some(now)) = (outcome.score, outcome.with_contests) {
        ui.stage_text(
            4,
            &muted(&format!(
                "The question has {now:.0} of 100 with contests, {before:.0} without."
            )),
        );
    }
}

/// Shows what does not go together in the answers, with both citations.
pub(super) fn contradictions(ui: &Ui, critique: &Critique) {
    if critique.contradictions.is_empty() {
        return;
    }
    ui.heading("What does not go together");
    for one in &critique.contradictions {
        let number = |cited: &Cited| {
            critique
                .questions
                .iter()
                .position(|question| question.question == cited.question)
                .map_or(0, |at| at + 1)
        };
        for (label, cited) in [("First", &one.earlier), ("Then", &one.later)] {
            let Some((shown, rest)) = shorten(&cited.quote.text) else {
                continue;
            };
            let dots = if rest { " \u{2026}" } else { "" };
            let text = Text::new()
                .with(
                    Meaning::Muted,
                    format!("{label}, to question {}: ", number(cited)),
                )
                .with(Meaning::Quote, format!("\u{201c}{shown}{dots}\u{201d}"))
                .with(Meaning::Muted, format!(" ({})", cited.guide));
            ui.stage_hanging(&Text::new().plain("  "), "    ", &text);
        }
        if let About::Statement(statement) = &one.about {
            ui.stage_text(4, &muted(&format!("Both are about: {statement}")));
        }
        ui.gap();
    }
    ui.stage_text(
        2,
        &muted("A panel hears both. Say which one holds, and what changed, before they ask."),
    );
}

/// Shows where the candidate's own scores lay far from the panel's.
pub(super) fn surprises(ui: &Ui, critique: &Critique) {
    if critique.surprises.is_empty() {
        return;
    }
    ui.heading("Where you and the panel differ");
    for one in &critique.surprises {
        let number = critique
            .questions
            .iter()
            .position(|question| question.question == one.question)
            .map_or(0, |at| at + 1);
        let topics: Vec<&str> = one
            .competencies
            .iter()
            .map(|one| competency(*one))
            .collect();
        let (meaning, end) = if one.is_overconfident() {
            (Meaning::Bad, "you were surer than the answer was good")
        } else {
            (Meaning::Good, "it was better than you thought")
        };
        let text = Text::new()
            .plain(format!(
                "Question {number} ({}): you gave yourself {} of 10, the panel {:.0} of 100; ",
                topics.join(", "),
                one.predicted,
                one.score
            ))
            .with(meaning, end)
            .plain(".");
        ui.stage_hanging(&Text::new().plain("  "), "  ", &text);
    }
}
