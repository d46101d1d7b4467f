//! Who answers: scripts, drafts and own scores.

use super::*;

#[test]
fn a_contest_names_a_number_and_words() {
    let contest = |argument| command_of(Slash::Contest, argument);
    assert_eq!(
        contest("3  I said that"),
        Some(Command::Contest {
            number: 3,
            words: "I said that".to_owned()
        })
    );
    assert_eq!(
        contest("3"),
        Some(Command::Contest {
            number: 3,
            words: String::new()
        })
    );
    assert_eq!(contest("that one"), None);
    assert_eq!(contest(""), None);
}

fn answers(bytes: &'static [u8]) -> Vec<String> {
    let mut input = BufReader::new(Box::new(bytes) as Box<dyn Read + Send>);
    std::iter::from_fn(|| read_answer(&mut input, &mut |_| ()).expect("memory can be read"))
        .filter_map(|piece| piece.text)
        .collect()
}

#[test]
fn answers_are_divided_by_lines_of_three_dashes() {
    assert_eq!(
        answers(b"one\n\ntwo\n---\nthree --- four\r\n---\r\n"),
        ["one\n\ntwo", "three --- four"]
    );
}

#[test]
fn an_empty_answer_between_dividers_is_silence() {
    assert_eq!(answers(b"one\n---\n\n---\nthree"), ["one", "", "three"]);
    assert!(answers(b"").is_empty());
    assert!(answers(b"\n\n").is_empty());
}

#[test]
fn bytes_that_are_not_utf_8_are_replaced() {
    assert_eq!(answers(b"caf\xe9 ok"), ["caf\u{fffd} ok"]);
}

#[tokio::test]
async fn leading_commands_are_taken_off_an_answer() {
    let (ui, _screen) = Ui::memory(crate::ui::Look::Plain, Some(80));
    let mut script = Script::new(&ui, &b"/hint\n/note ask later\nMy answer\n---\n/quit"[..]);
    let listen = Listen {
        question: 0,
        follow_up: false,
        seconds: None,
        help: true,
    };
    let mut heard = Vec::new();
    for _ in 0..5 {
        heard.push(script.listen(&listen).await.expect("heard"));
    }
    assert_eq!(
        heard,
        [
            Heard::Command(Command::Hint),
            Heard::Command(Command::Note("ask later".to_owned())),
            Heard::Answer("My answer".to_owned()),
            Heard::Command(Command::Quit),
            Heard::End,
        ]
    );
}

/// A pipe that gives one line at a time.
struct Lines(std::collections::VecDeque<&'static str>);

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let line = self.0.pop_front().unwrap_or_default();
        buffer[..line.len()].copy_from_slice(line.as_bytes());
        Ok(line.len())
    }
}

#[tokio::test]
async fn lines_of_a_pipe_are_kept_when_they_arrive_and_come_first_after_a_crash() {
    let (ui, _screen) = Ui::memory(crate::ui::Look::Plain, Some(80));
    let journal = Arc::new(Journal::open_in_memory().expect("a journal"));
    let session = journal.begin(&Default::default()).expect("a session");
    let listen = Listen {
        question: 0,
        follow_up: false,
        seconds: None,
        help: true,
    };
    // The pipe ends in the middle of the second answer, as in a crash.
    let pipe = Lines(["one\n", "---\n", "/hint\n", "two\n"].into());
    let mut script = Script::kept(&ui, pipe, Arc::clone(&journal), session.clone(), &[]);
    let heard = script.listen(&listen).await.expect("heard");
    assert_eq!(heard, Heard::Answer("one".to_owned()));
    assert_eq!(journal.draft(&session).expect("kept"), ["one", "---"]);
    let answered = serde_json::json!({"event": "answered", "text": "one"});
    journal.append(&session, &answered).expect("stored");
    let heard = script.listen(&listen).await.expect("heard");
    assert_eq!(heard, Heard::Command(Command::Hint));
    let commanded = serde_json::json!({"event": "commanded", "command": {"name": "hint"}});
    journal.append(&session, &commanded).expect("stored");
    let draft = journal.draft(&session).expect("kept");
    assert_eq!(draft, ["two"], "the command is an event now");

    let rest = Lines(["more of two\n", "---\n"].into());
    let mut script = Script::kept(&ui, rest, Arc::clone(&journal), session.clone(), &draft);
    let heard = script.listen(&listen).await.expect("heard");
    assert_eq!(heard, Heard::Answer("two\nmore of two".to_owned()));
    let draft = journal.draft(&session).expect("kept");
    assert_eq!(draft, ["two", "more of two", "---"], "nothing twice");
}

#[test]
fn an_own_score_is_a_number_from_nought_to_ten_or_nothing() {
    assert_eq!(own_score(" 10 "), Some(Some(10)));
    assert_eq!(own_score("0"), Some(Some(0)));
    assert_eq!(own_score(" "), Some(None));
    for text in ["11", "-1", "7.5", "eleven", "256"] {
        assert_eq!(own_score(text), None, "{text}");
    }
}

#[tokio::test]
async fn sections_fit_whatever_is_asked() {
    let (ui, _screen) = Ui::memory(crate::ui::Look::Plain, Some(80));
    let file =
        &b"=== 1\none\n---\nmore of one\n---\nnever asked for\n=== 2\ntwo\n=== 4\nfour\n"[..];
    let mut script = Script::new(&ui, file);
    let mut heard = Vec::new();
    for (question, follow_up) in [
        (0, false),
        (0, true),
        (1, false),
        (1, true),
        (2, false),
        (3, false),
        (3, true),
        (4, false),
    ] {
        let listen = Listen {
            question,
            follow_up,
            seconds: None,
            help: true,
        };
        heard.push(match script.listen(&listen).await.expect("heard") {
            Heard::Answer(text) => text,
            other => format!("{other:?}"),
        });
    }
    let nothing = NOTHING_MORE;
    assert_eq!(
        heard,
        [
            "one",
            "more of one",
            "two",
            nothing,
            nothing,
            "four",
            nothing,
            "End"
        ]
    );
}

#[test]
fn a_very_long_answer_is_echoed_in_part() {
    let long = "word ".repeat(200_000);
    assert!(echo(&long).len() < 5_000);
    assert_eq!(echo("short"), "short");
}
