//! Cleans text before a terminal sees it.
//!
//! Whatever a model wrote, a candidate typed, or a file held is data: escape
//! sequences could move the cursor, rename the window or write to the
//! clipboard, and bidirectional or zero-width characters can make a line read
//! differently from what it says. All of them are dropped; line feeds stay,
//! tabs become spaces. The text that is stored or judged is never changed:
//! only what is shown.

use std::borrow::Cow;

/// Longest operating-system command or device-control string that is swallowed
/// before the text after it is taken for ordinary text again: a sequence
/// nobody ends must not hide the rest of an answer.
const MAX_STRING_SEQUENCE: usize = 256;

/// Returns `text` without anything that could act on a terminal or hide in it.
pub fn sanitise(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_clean) {
        return Cow::Borrowed(text);
    }
    let mut cleaner = Sanitiser::new();
    Cow::Owned(cleaner.clean(text))
}

/// As [`sanitise`], for a text of one line: line feeds become spaces.
pub fn sanitise_line(text: &str) -> String {
    sanitise(text).replace('\n', " ")
}

/// Whether a character passes through unchanged wherever it stands.
fn is_clean(c: char) -> bool {
    c == '\n' || !(c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Whether a character takes no room, turns the reading direction or is a tag:
/// the format characters of Unicode (general category Cf) and the fillers that
/// render as nothing.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}'
            | '\u{034F}'
            | '\u{061C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Where in an escape sequence the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Ordinary text.
    Ground,
    /// After ESC.
    Escape,
    /// In a control sequence (`ESC [`), until its final byte.
    Control,
    /// In a string sequence (`ESC ]`, `ESC P` and the like), with its length.
    Text(usize),
    /// After ESC within a string sequence.
    TextEscape,
}

/// Cleans text that arrives in pieces: a sequence that is cut between two
/// pieces is still recognised.
#[derive(Debug, Clone)]
pub struct Sanitiser {
    state: State,
}

impl Default for Sanitiser {
    fn default() -> Self {
        Self::new()
    }
}

impl Sanitiser {
    /// Returns a cleaner at the beginning of a text.
    pub fn new() -> Self {
        Self {
            state: State::Ground,
        }
    }

    /// Returns the clean text of the next piece.
    pub fn clean(&mut self, piece: &str) -> String {
        let mut out = String::with_capacity(piece.len());
        for c in piece.chars() {
            self.feed(c, &mut out);
        }
        out
    }

    fn feed(&mut self, c: char, out: &mut String) {
        // The eight-bit forms of ESC [ and of the string openers.
        let opens = |c: char| match c {
            '\u{1b}' => Some(State::Escape),
            '\u{9b}' => Some(State::Control),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => Some(State::Text(0)),
            _ => None,
        };
        match self.state {
            State::Ground => {
                if let Some(state) = opens(c) {
                    self.state = state;
                } else if c == '\t' {
                    out.push_str("    ");
                } else if matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}') {
                    out.push('\n');
                } else if is_clean(c) {
                    out.push(c);
                }
            }
            State::Escape => match c {
                '[' => self.state = State::Control,
                ']' | 'P' | 'X' | '^' | '_' => self.state = State::Text(0),
                // Intermediate bytes: one more character follows.
                ' '..='/' => {}
                '0'..='~' => self.state = State::Ground,
                _ => self.again(c, out),
            },
            State::Control => match c {
                ' '..='?' => {}
                '@'..='~' => self.state = State::Ground,
                _ => self.again(c, out),
            },
            State::Text(length) => match c {
                '\u{7}' | '\u{9c}' => self.state = State::Ground,
                '\u{1b}' => self.state = State::TextEscape,
                '\n' => self.again(c, out),
                _ if length >= MAX_STRING_SEQUENCE => self.again(c, out),
                _ => self.state = State::Text(length + 1),
            },
            State::TextEscape => {
                if c == '\\' {
                    self.state = State::Ground;
                } else {
                    self.state = State::Escape;
                    self.feed(c, out);
                }
            }
        }
    }

    /// Takes `c` as ordinary text: the sequence before it was cut short.
    fn again(&mut self, c: char, out: &mut String) {
        self.state = State::Ground;
        self.feed(c, out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_text_is_borrowed() {
        assert!(matches!(
            sanitise("Überall naïve — 東京 ✓\nnext"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn colours_titles_and_clipboard_writes_are_dropped_whole() {
        let text =
            "a\u{1b}[31;1mred\u{1b}[0m \u{1b}]0;title\u{7}b\u{1b}]52;c;aGk=\u{1b}\\c\u{9b}2Jd";
        assert_eq!(sanitise(text), "ared bcd");
    }

    #[test]
    fn direction_marks_and_zero_width_characters_are_dropped() {
        assert_eq!(sanitise("ad\u{202e}min\u{200b}\u{feff}\u{2066}!"), "admin!");
        assert_eq!(sanitise("tag\u{e0041}\u{e0042}s"), "tags");
    }

    #[test]
    fn an_unended_string_sequence_hides_no_more_than_its_limit() {
        let text = format!("\u{1b}]{}the answer", "x".repeat(MAX_STRING_SEQUENCE));
        assert_eq!(sanitise(&text), "the answer");
        assert_eq!(sanitise("\u{1b}]x\nthe answer"), "\nthe answer");
    }

    #[test]
    fn a_carriage_return_cannot_overwrite_a_line() {
        assert_eq!(sanitise("real\rfake\u{8}\u{7f}"), "realfake");
    }

    #[test]
    fn tabs_become_spaces_and_unicode_line_ends_line_feeds() {
        assert_eq!(sanitise("a\tb\u{2028}c"), "a    b\nc");
    }

    fn hostile() -> impl Strategy<Value = String> {
        proptest::collection::vec(
            prop_oneof![
                any::<char>().prop_map(String::from),
                "[ -~]{0,6}",
                Just("\u{1b}[".to_owned()),
                Just("\u{1b}]".to_owned()),
                Just("\u{1b}\\".to_owned()),
                Just("\u{9b}".to_owned()),
                Just("\u{202e}".to_owned()),
                Just("\n".to_owned()),
            ],
            0..40,
        )
        .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_that_acts_on_a_terminal_survives(text in hostile()) {
            let clean = sanitise(&text);
            prop_assert!(clean.chars().all(is_clean), "{clean:?}");
        }

        #[test]
        fn cleaning_twice_changes_nothing(text in hostile()) {
            let once = sanitise(&text).into_owned();
            prop_assert_eq!(sanitise(&once), once.as_str());
        }

        #[test]
        fn pieces_are_cleaned_like_the_whole(text in hostile(), cut in 0usize..60) {
            let cut = text.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(text.len());
            let mut cleaner = Sanitiser::new();
            let pieces = cleaner.clean(&text[..cut]) + &cleaner.clean(&text[cut..]);
            prop_assert_eq!(Sanitiser::new().clean(&text), pieces);
        }
    }
}
