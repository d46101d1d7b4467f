//! What the editor makes of a text and of a key, without a terminal.

use proptest::prelude::*;

use super::super::slash::Moment;
use super::*;

fn ask() -> Ask {
    Ask::answer(Slash::at(Moment::Answering))
}

#[test]
fn a_blank_line_sends_and_a_written_one_does_not() {
    assert_eq!(decide("We had a baseline.", &ask()), Decision::More);
    assert_eq!(decide("We had a baseline.\n", &ask()), Decision::Send);
    assert_eq!(decide("We had a baseline.\n  ", &ask()), Decision::Send);
}

#[test]
fn a_blank_line_inside_a_paste_does_not_send() {
    assert_eq!(decide("one paragraph\n\nanother", &ask()), Decision::More);
}

#[test]
fn the_line_of_the_cursor_is_what_ctrl_c_clears() {
    let text = "first\n\nlast";
    assert_eq!(line_at(text, 0), "first");
    assert_eq!(line_at(text, 5), "first");
    assert_eq!(line_at(text, 6), "");
    assert_eq!(line_at(text, text.len()), "last");
    assert_eq!(line_at("", 0), "");
}

#[test]
fn a_cleared_line_says_how_to_bring_it_back_until_something_is_typed() {
    let shared = Arc::new(Shared::default());
    let assistant = Assistant {
        shared: Arc::clone(&shared),
        ui: Ui::memory(crate::ui::Look::Plain, None).0,
    };
    let history = rustyline::history::MemHistory::new();
    let context = rustyline::Context::new(&history);
    let hint = |line: &str| {
        let hint = assistant.hint(line, line.len(), &context);
        hint.map(|note| note.display().to_owned())
    };
    assert_eq!(hint(""), None);
    shared.cleared.store(true, Ordering::Release);
    assert!(hint("").is_some_and(|note| note.contains("Ctrl-Y")));
    assert!(hint("one line\n").is_some_and(|note| note.contains("Ctrl-Y")));
    assert_eq!(hint("w"), None);
    assert_eq!(hint(""), None);
}

#[test]
fn nothing_typed_is_not_an_answer() {
    assert!(matches!(decide("", &ask()), Decision::Refuse(_)));
    assert!(matches!(decide(" \n ", &ask()), Decision::Refuse(_)));
}

#[test]
fn a_command_is_sent_by_one_enter_and_keeps_the_draft() {
    assert_eq!(decide("/hint", &ask()), Decision::Send);
    let text = "First I looked at the data.\n/time";
    assert_eq!(decide(text, &ask()), Decision::Send);
    assert_eq!(
        entry(text, &ask(), false),
        Entry::Command {
            command: Slash::Time,
            argument: String::new(),
            draft: "First I looked at the data.".into()
        }
    );
}

#[test]
fn an_unknown_command_is_explained_and_stays_in_the_editor() {
    let Decision::Refuse(message) = decide("/hnit", &ask()) else {
        panic!("/hnit must not be sent");
    };
    assert!(message.contains("/hint") && message.contains("Ctrl-S"));
    assert_eq!(entry("/hnit", &ask(), true), Entry::Text("/hnit".into()));
}

#[test]
fn ctrl_s_sends_even_a_command_as_words() {
    assert_eq!(entry("/skip", &ask(), true), Entry::Text("/skip".into()));
}

#[test]
fn one_line_is_sent_as_it_is_even_when_empty() {
    let ask = Ask::line("score");
    assert_eq!(decide("", &ask), Decision::Send);
    assert_eq!(entry(" 7 ", &ask, false), Entry::Text("7".into()));
    assert_eq!(decide("/anything", &ask), Decision::Send);
}

#[test]
fn tab_completes_commands_at_the_beginning_of_a_line_only() {
    let names = |line: &str| -> Vec<String> {
        complete(line, line.len(), &Slash::at(Moment::Answering))
            .1
            .into_iter()
            .map(|pair| pair.replacement)
            .collect()
    };
    assert_eq!(names("/hi"), ["/hint"]);
    assert_eq!(names("/h"), ["/help", "/hint", "/harder"]);
    assert_eq!(names("an answer\n/no"), ["/note "]);
    assert!(names("read/wri").is_empty());
    assert!(names("").is_empty());
}

#[test]
fn every_entered_line_is_reported_once() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shared = Shared::default();
    let log = Arc::clone(&seen);
    *lock(&shared.ask) = Some(ask().on_typed(Arc::new(move |text: &str| {
        lock(&log).push(text.to_owned());
    })));
    for text in ["a", "ab", "ab\n", "ab\nc", "ab\n", "ab\nx\ny\n"] {
        shared.note(text);
    }
    assert_eq!(*lock(&seen), ["ab", "ab\nx\ny"]);
}

proptest! {
    #[test]
    fn nothing_typed_is_ever_lost(text in "[ -~é\n]{0,80}") {
        match entry(&text, &ask(), false) {
            Entry::Text(kept) => prop_assert_eq!(kept, text.trim()),
            Entry::Command { command, argument, draft } => {
                let name = command.info().name;
                prop_assert!(text.to_ascii_lowercase().contains(name));
                prop_assert!(text.contains(&argument) && text.starts_with(&draft));
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn completion_never_fails(line in "[ -~é\n/]{0,40}", at in 0usize..40) {
        let pos = line.char_indices().map(|(at, _)| at).nth(at).unwrap_or(line.len());
        let (start, _) = complete(&line, pos, &Slash::at(Moment::Answering));
        prop_assert!(start <= pos && line.is_char_boundary(start));
    }
}
