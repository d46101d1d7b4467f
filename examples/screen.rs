//! Shows the screens and the line editor without a model, to look at them at
//! several widths: `cargo run --release --example screen`.

use viva::ui::screen::Seat;
use viva::ui::{Ask, Editor, Entry, Meaning, Moment, Slash, Text, Ui};

#[tokio::main]
async fn main() -> viva::Result<()> {
    let ui = Ui::new(&viva::cli::Globals::default());
    let panel = [
        Seat {
            name: "Bronwen Pritchard",
            role: "Technical recruiter",
        },
        Seat {
            name: "Daniel Okafor",
            role: "Engineering manager, applied machine learning",
        },
        Seat {
            name: "Priya Raghunathan",
            role: "Senior machine learning engineer",
        },
    ];
    ui.session_header("Panel interview", "2 questions, about 12 minutes", &panel);
    for (seat, person) in panel.iter().enumerate() {
        let mut speech = ui.speech(seat, person.name, person.role);
        for word in "Hello, and thank you for coming in. I look after a part of this and would like to hear how you work when nobody is watching."
            .split_inclusive(' ')
        {
            speech.say(word);
        }
        speech.end();
        ui.gap();
    }
    ui.question_mark(1, 2, Some((1, 3)));
    ui.hint_card(
        1,
        3,
        "Think of what comes into the model before you think of the model.",
    );
    let colours = Text::new()
        .with(Meaning::Good, "good ")
        .with(Meaning::Partly, "partly ")
        .with(Meaning::Bad, "bad ")
        .with(Meaning::Quote, "\u{201c}quote\u{201d} ")
        .with(Meaning::Muted, "muted ")
        .with(Meaning::Warning, "warning ")
        .with(Meaning::Command, "/command");
    ui.stage_text(2, &colours);
    let editor = Editor::start(&ui)?;
    ui.how_to_answer(true);
    let mut draft = String::new();
    loop {
        let ask = Ask::answer(Slash::at(Moment::Answering)).with_draft(std::mem::take(&mut draft));
        match editor.read(ask).await? {
            Entry::Text(text) => ui.line(&format!("[sent: {text:?}]")),
            Entry::Command {
                command: Slash::Help,
                draft: kept,
                ..
            } => {
                ui.command_help(&Slash::at(Moment::Answering));
                draft = kept;
            }
            Entry::Command {
                command,
                argument,
                draft: kept,
            } => {
                ui.line(&format!("[{command:?} {argument:?}]"));
                draft = kept;
            }
            Entry::Leave { draft } => {
                ui.line(&format!("[left with {draft:?}]"));
                return Ok(());
            }
            Entry::End => {
                ui.line("[ended]");
                return Ok(());
            }
        }
    }
}
