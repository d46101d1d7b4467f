//! Text with meanings, and how it flows into lines.
//!
//! [`Text`] is what every screen is made of: pieces of clean text with a
//! meaning each. [`Flow`] breaks pieces into lines at word boundaries as they
//! arrive, so that a streamed line and a finished paragraph look the same.

use unicode_width::UnicodeWidthStr;

use super::sanitise::sanitise;
use super::theme::{Meaning, Theme};

/// Pieces of text with a meaning each. Every piece is cleaned on its way in,
/// so that a [`Text`] can always be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    pieces: Vec<(Meaning, String)>,
}

impl Text {
    /// Returns an empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds ordinary words.
    #[must_use]
    pub fn plain(self, text: impl AsRef<str>) -> Self {
        self.with(Meaning::Plain, text)
    }

    /// Adds words of a meaning.
    #[must_use]
    pub fn with(mut self, meaning: Meaning, text: impl AsRef<str>) -> Self {
        let text = sanitise(text.as_ref()).into_owned();
        self.pieces.push((meaning, text));
        self
    }

    /// Returns the pieces in order.
    pub fn pieces(&self) -> &[(Meaning, String)] {
        &self.pieces
    }

    /// Returns the words without their meanings.
    pub fn to_plain(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new().plain(text)
    }
}

/// Breaks a stream of words into lines of a width, with indents.
#[derive(Debug, Clone)]
pub struct Flow {
    theme: Theme,
    /// Columns of a line, or `None` for lines of any length.
    width: Option<usize>,
    /// What every line after the first begins with.
    indent: String,
    /// Columns of the current line that are used.
    column: usize,
    /// The word that is not finished yet.
    word: Vec<(Meaning, String)>,
    word_width: usize,
    /// Spaces that stand before the next word on the same line.
    gap: usize,
    /// Line feeds seen since the last word.
    breaks: usize,
    /// Whether a word has been written at all.
    begun: bool,
}

impl Flow {
    /// Returns a flow whose first line begins with `first` and every further
    /// line with `indent`; appends `first` to `out`.
    pub fn new(
        theme: Theme,
        width: Option<usize>,
        first: &Text,
        indent: &str,
        out: &mut String,
    ) -> Self {
        let mut column = 0;
        for (meaning, text) in first.pieces() {
            column += text.width();
            theme.paint(out, *meaning, text);
        }
        Self {
            theme,
            width: width.map(|width| width.max(indent.width() + 8)),
            indent: indent.to_owned(),
            column,
            word: Vec::new(),
            word_width: 0,
            gap: 0,
            breaks: 0,
            begun: false,
        }
    }

    /// Takes a piece of clean text; appends every word that it finishes.
    ///
    /// Runs of spaces count as one, a single line feed is kept as a line
    /// break, and more of them as one empty line.
    pub fn push(&mut self, meaning: Meaning, text: &str, out: &mut String) {
        for part in text.split_inclusive([' ', '\n']) {
            let (word, end) = match part.as_bytes().last() {
                Some(b' ') => (&part[..part.len() - 1], Some(' ')),
                Some(b'\n') => (&part[..part.len() - 1], Some('\n')),
                _ => (part, None),
            };
            if !word.is_empty() {
                self.word_width += word.width();
                match self.word.last_mut() {
                    Some((last, text)) if *last == meaning => text.push_str(word),
                    _ => self.word.push((meaning, word.to_owned())),
                }
            }
            match end {
                Some(' ') => {
                    self.flush(out);
                    if self.begun {
                        self.gap = 1;
                    }
                }
                Some(_) => {
                    self.flush(out);
                    self.breaks += usize::from(self.begun);
                }
                None => {}
            }
        }
    }

    /// Appends the last word; the flow can go on afterwards.
    pub fn flush(&mut self, out: &mut String) {
        if self.word.is_empty() {
            return;
        }
        if self.breaks > 0 {
            if self.breaks > 1 {
                out.push('\n');
            }
            self.new_line(out);
        } else if let Some(width) = self.width
            && self.begun
            && self.column + self.gap + self.word_width > width
        {
            self.new_line(out);
        } else {
            out.extend(std::iter::repeat_n(' ', self.gap));
            self.column += self.gap;
        }
        self.gap = 0;
        self.breaks = 0;
        self.begun = true;
        for (meaning, text) in std::mem::take(&mut self.word) {
            self.put(meaning, &text, out);
        }
        self.word_width = 0;
    }

    fn new_line(&mut self, out: &mut String) {
        out.push('\n');
        out.push_str(&self.indent);
        self.column = self.indent.width();
    }

    /// Writes part of a word, cutting it where it is longer than a line.
    fn put(&mut self, meaning: Meaning, text: &str, out: &mut String) {
        let Some(width) = self.width else {
            self.theme.paint(out, meaning, text);
            return;
        };
        let mut rest = text;
        while self.column + rest.width() > width {
            let room = width.saturating_sub(self.column);
            let mut used = 0;
            let cut = rest
                .char_indices()
                .find(|(_, c)| {
                    used += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
                    used > room
                })
                .map_or(rest.len(), |(at, _)| at);
            // A character wider than an empty line is written all the same.
            let cut = if cut == 0 && self.column <= self.indent.width() {
                rest.chars().next().map_or(rest.len(), char::len_utf8)
            } else {
                cut
            };
            if cut > 0 {
                self.theme.paint(out, meaning, &rest[..cut]);
                rest = &rest[cut..];
            }
            if rest.is_empty() {
                self.column = width;
                return;
            }
            self.new_line(out);
        }
        self.theme.paint(out, meaning, rest);
        self.column += rest.width();
    }
}

/// Returns a text as lines of at most `width` columns, the last one ended: the
/// first begins with `first`, every further one with `indent`.
pub fn layout(
    theme: Theme,
    width: Option<usize>,
    first: &Text,
    indent: &str,
    text: &Text,
) -> String {
    let mut out = String::new();
    let mut flow = Flow::new(theme, width, first, indent, &mut out);
    for (meaning, piece) in text.pieces() {
        flow.push(*meaning, piece, &mut out);
    }
    flow.flush(&mut out);
    let kept = out.trim_end_matches(' ').len();
    out.truncate(kept);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(width: usize, first: &str, indent: &str, text: &str) -> String {
        layout(Theme::Off, Some(width), &first.into(), indent, &text.into())
    }

    #[test]
    fn further_lines_hang_under_the_first() {
        assert_eq!(
            plain(20, "Priya: ", "  ", "What went wrong in that week?"),
            "Priya: What went\n  wrong in that\n  week?\n"
        );
    }

    #[test]
    fn without_a_width_a_paragraph_is_one_line() {
        let text = "one two three ".repeat(40);
        let out = layout(Theme::Off, None, &"> ".into(), "  ", &text.as_str().into());
        assert_eq!(out.lines().count(), 1);
    }

    #[test]
    fn paragraphs_stay_apart() {
        assert_eq!(
            plain(40, "", "", "one\n\n\ntwo\nthree"),
            "one\n\ntwo\nthree\n"
        );
    }

    #[test]
    fn a_word_longer_than_the_line_is_cut() {
        assert_eq!(
            plain(10, "", "  ", "abcdefghijklmnop"),
            "abcdefghij\n  klmnop\n"
        );
    }

    #[test]
    fn a_word_of_two_meanings_is_not_torn_apart() {
        let text = Text::new()
            .plain("says ")
            .with(Meaning::Quote, "\"it drifted\"")
            .plain(", then stops");
        assert_eq!(
            layout(Theme::Off, Some(16), &Text::new(), "", &text),
            "says \"it\ndrifted\", then\nstops\n"
        );
    }

    #[test]
    fn wide_characters_count_as_two_columns() {
        assert_eq!(plain(9, "", "", "東京 大阪 名古屋"), "東京 大阪\n名古屋\n");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked_and_no_word_is_lost(
            words in proptest::collection::vec("[a-zé東]{1,30}", 0..30),
            width in 12usize..60,
        ) {
            let text = words.join(" ");
            let out = plain(width, "> ", "  ", &text);
            for line in out.lines() {
                prop_assert!(line.width() <= width, "{line:?}");
            }
            let kept: String = out.chars().skip(1).filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(kept, words.concat());
        }

        #[test]
        fn pieces_flow_like_the_whole(text in "[a-z \n]{0,80}", cut in 0usize..80) {
            let cut = cut.min(text.len());
            let whole = plain(20, "", "  ", &text);
            let pieces = Text::new().plain(&text[..cut]).plain(&text[cut..]);
            let out = layout(Theme::Off, Some(20), &Text::new(), "  ", &pieces);
            prop_assert_eq!(whole, out);
        }
    }
}
