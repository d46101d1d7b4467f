//! Text as the judge sees it: words with the bytes they stand for, stems,
//! sentences and windows.
//!
//! Case, white space and punctuation are gone after this module, so that no
//! signal can depend on them: spoken answers arrive in lower case and without
//! full stops. Windows are counted in words for the same reason. Sentences are
//! found only to choose how much of the answer is shown as evidence.

use std::ops::Range;

use rust_stemmers::{Algorithm, Stemmer};

use super::lexicon;

/// Bytes of an answer that are judged; what follows is not read. It is about
/// an hour of speech, and bounds the time a hostile input can take.
pub const JUDGED_BYTES: usize = 20_000;

/// Words of a window: about the length of one spoken statement.
pub const WINDOW: usize = 32;

/// Words between the beginnings of two windows.
pub const STRIDE: usize = 8;

/// A word of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Lower-case letters and digits only.
    pub text: String,
    /// The stem, with British and American spellings folded together.
    pub stem: String,
    /// Whether it is a function word or a filler.
    pub stop: bool,
    /// The bytes of the text it stands for.
    pub span: Range<usize>,
}

/// A text in words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Text {
    /// Its words, in order.
    pub words: Vec<Word>,
}

impl Text {
    /// Returns the words of `text`, of its first [`JUDGED_BYTES`] at most.
    pub fn new(text: &str) -> Self {
        let text = head(text, JUDGED_BYTES);
        let stemmer = Stemmer::create(Algorithm::English);
        let mut words = Vec::new();
        for (raw, span) in raw_words(text) {
            match lexicon::split_compound(&raw) {
                Some((first, second)) => {
                    // Both halves point at the whole: there is no border in
                    // the text to point at.
                    for half in [first, second] {
                        words.push(word(half, span.clone(), &stemmer));
                    }
                }
                None => words.push(word(&raw, span, &stemmer)),
            }
        }
        Self { words }
    }

    /// Returns the number of words that are not function words.
    pub fn content_words(&self) -> usize {
        self.words.iter().filter(|word| !word.stop).count()
    }

    /// Returns the words joined by single spaces, as the encoder reads them.
    pub fn plain(&self, range: Range<usize>) -> String {
        let mut out = String::new();
        for word in &self.words[range] {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&word.text);
        }
        out
    }

    /// Returns the words as the trained reader reads them: lower case, without
    /// punctuation, numbers with their decimal point; `source` is the text the
    /// words were cut from. The same as `words` in `training/reader_data.py`.
    pub fn spoken(&self, source: &str) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for at in self.spoken_words() {
            let word = &self.words[at];
            let raw = source.get(word.span.clone()).unwrap_or(&word.text);
            let number = raw.replace(',', "");
            let decimal = number.contains('.')
                && number
                    .split('.')
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
            out.push(if decimal {
                number
            } else {
                raw.to_lowercase()
                    .chars()
                    .filter(|c| c.is_alphanumeric())
                    .collect()
            });
        }
        out
    }

    /// Returns which of the words those of [`Text::spoken`] are: all but the second
    /// halves of compounds, which stand for the same bytes.
    fn spoken_words(&self) -> Vec<usize> {
        let doubled = |at: usize| at > 0 && self.words[at].span == self.words[at - 1].span;
        (0..self.words.len()).filter(|at| !doubled(*at)).collect()
    }

    /// Returns ranges of words as ranges of those of [`Text::spoken`].
    pub fn spoken_ranges<'a>(
        &self,
        ranges: impl Iterator<Item = &'a Range<usize>>,
    ) -> Vec<Range<usize>> {
        let words = self.spoken_words();
        let before = |end: usize| words.partition_point(|at| *at < end);
        ranges
            .map(|range| before(range.start)..before(range.end))
            .collect()
    }

    /// Returns windows of [`WINDOW`] words that together hold every word;
    /// one window when the text is shorter, none when it is empty.
    pub fn windows(&self, stride: usize) -> Vec<Range<usize>> {
        windows(self.words.len(), WINDOW, stride)
    }

    /// Returns the bytes that the words of `range` stand for.
    pub fn bytes(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let words = self.words.get(range.clone())?;
        Some(words.first()?.span.start..words.last()?.span.end)
    }
}

/// Returns windows of `width` of `count` words that together hold every word,
/// `stride` words between their beginnings; none of no words.
pub fn windows(count: usize, width: usize, stride: usize) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    while start < count {
        let end = (start + width).min(count);
        out.push(start..end);
        if end == count {
            break;
        }
        start += stride.max(1);
    }
    out
}

/// Returns the beginning of `text` of at most `bytes` bytes, cut between
/// characters.
pub fn head(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Returns the byte ranges of the sentences of `text`, white space trimmed.
/// A sentence ends at `.`, `!`, `?` or `;` followed by white space, or at the
/// end of a line.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let follows = chars.peek().map(|&(_, next)| next);
        let ends = match c {
            '\n' => true,
            '.' | '!' | '?' | ';' => follows.is_none_or(char::is_whitespace),
            _ => false,
        };
        if ends {
            push_trimmed(text, start..at + c.len_utf8(), &mut out);
            start = at + c.len_utf8();
        }
    }
    push_trimmed(text, start..text.len(), &mut out);
    out
}

fn push_trimmed(text: &str, range: Range<usize>, out: &mut Vec<Range<usize>>) {
    let piece = &text[range.clone()];
    let trimmed = piece.trim();
    if trimmed.is_empty() {
        return;
    }
    let start = range.start + (piece.len() - piece.trim_start().len());
    out.push(start..start + trimmed.len());
}

/// Returns the stem of one lower-case word.
pub fn stem(word: &str) -> String {
    stem_with(word, &Stemmer::create(Algorithm::English))
}

fn word(text: &str, span: Range<usize>, stemmer: &Stemmer) -> Word {
    Word {
        stem: stem_with(text, stemmer),
        stop: lexicon::is_stop_word(text),
        text: text.to_owned(),
        span,
    }
}

/// Folds British and American spellings together before stemming.
fn stem_with(word: &str, stemmer: &Stemmer) -> String {
    let mut folded = word.to_owned();
    for (british, american) in [
        ("isation", "ization"),
        ("ising", "izing"),
        ("ised", "ized"),
        ("ises", "izes"),
        ("ise", "ize"),
        ("yse", "yze"),
        ("ysed", "yzed"),
        ("ysing", "yzing"),
        ("our", "or"),
        ("ours", "ors"),
        ("iour", "ior"),
        ("elled", "eled"),
        ("elling", "eling"),
        ("ogue", "og"),
        ("ence", "ense"),
    ] {
        if word.len() > british.len() + 3
            && let Some(root) = word.strip_suffix(british)
        {
            folded = format!("{root}{american}");
            break;
        }
    }
    stemmer.stem(&folded).into_owned()
}

/// The words of `text`: runs of letters and digits, lower case. Apostrophes
/// inside a word, zero-width characters, and full stops and commas between
/// digits or single letters are dropped, so that `don't`, `0.5` and `e.g.`
/// are one word each.
fn raw_words(text: &str) -> Vec<(String, Range<usize>)> {
    let mut out: Vec<(String, Range<usize>)> = Vec::new();
    let mut current = String::new();
    let mut start = 0;
    let mut end = 0;
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    for (i, &(at, c)) in chars.iter().enumerate() {
        if c.is_alphanumeric() {
            if current.is_empty() {
                start = at;
            }
            current.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
            end = at + c.len_utf8();
            continue;
        }
        let next = chars.get(i + 1).map(|&(_, c)| c);
        if !current.is_empty() && joins(c, &chars, i, next) {
            continue;
        }
        if !current.is_empty() {
            out.push((std::mem::take(&mut current), start..end));
        }
    }
    if !current.is_empty() {
        out.push((current, start..end));
    }
    out
}

fn joins(c: char, chars: &[(usize, char)], at: usize, next: Option<char>) -> bool {
    match c {
        '\'' | '\u{2019}' => next.is_some_and(char::is_alphanumeric),
        '\u{200b}'..='\u{200d}' | '\u{feff}' | '\u{ad}' => true,
        '.' | ',' => {
            let before = at.checked_sub(1).and_then(|i| chars.get(i)).map(|x| x.1);
            let before_that = at.checked_sub(2).and_then(|i| chars.get(i)).map(|x| x.1);
            let digits = before.is_some_and(|c| c.is_ascii_digit())
                && next.is_some_and(|c| c.is_ascii_digit());
            let single = c == '.'
                && before.is_some_and(char::is_alphabetic)
                && before_that.is_none_or(|c| !c.is_alphanumeric())
                && next.is_some_and(char::is_alphabetic)
                && chars
                    .get(at + 2)
                    .is_none_or(|&(_, after)| !after.is_alphanumeric());
            digits || single
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn windows_hold_every_word_and_overlap() {
        assert!(windows(0, 320, 240).is_empty());
        assert_eq!(windows(320, 320, 240), [Range { start: 0, end: 320 }]);
        assert_eq!(windows(600, 320, 240), [0..320, 240..560, 480..600]);
    }

    #[test]
    fn the_reader_gets_words_without_punctuation_but_with_decimal_points() {
        let source = "Don't retrain, it's real-time: AUC fell from 0.91 to 0.9! 12,000 users, v1.5x (e.g. the dataset's).";
        // What `training/reader_data.py` makes of the same text.
        assert_eq!(
            Text::new(source).spoken(source).join(" "),
            "dont retrain its real time auc fell from 0.91 to 0.9 12000 users v15x eg the datasets"
        );
    }

    fn plain(text: &str) -> String {
        let text = Text::new(text);
        text.plain(0..text.words.len())
    }

    #[test]
    fn case_punctuation_and_white_space_are_gone() {
        assert_eq!(
            plain("Don't  trust\tACCURACY, e.g. 0.5!"),
            "dont trust accuracy eg 05"
        );
    }

    #[test]
    fn a_hyphen_may_be_there_or_not() {
        assert_eq!(plain("cross-validation"), plain("crossvalidation"));
    }

    #[test]
    fn british_and_american_spellings_have_one_stem() {
        assert_eq!(stem("regularisation"), stem("regularization"));
        assert_eq!(stem("behaviour"), stem("behavior"));
        assert_eq!(stem("optimise"), stem("optimizing"));
    }

    #[test]
    fn sentences_end_at_stops_and_lines() {
        let text = "One. Two is 0.5 wide\nthree";
        let found: Vec<&str> = sentences(text).into_iter().map(|r| &text[r]).collect();
        assert_eq!(found, ["One.", "Two is 0.5 wide", "three"]);
    }

    #[test]
    fn windows_hold_every_word() {
        let text = Text::new(&"word ".repeat(101));
        let windows = text.windows(STRIDE);
        assert_eq!(windows.first().map(|w| w.start), Some(0));
        assert_eq!(windows.last().map(|w| w.end), Some(101));
        assert!(windows.windows(2).all(|w| w[1].start <= w[0].end));
    }

    proptest! {
        #[test]
        fn spans_are_on_character_boundaries_and_in_order(text in "\\PC{0,200}") {
            let words = Text::new(&text).words;
            let mut last = 0;
            for word in words {
                prop_assert!(text.get(word.span.clone()).is_some());
                prop_assert!(word.span.end >= last);
                last = word.span.end;
            }
            for sentence in sentences(&text) {
                prop_assert!(text.get(sentence).is_some());
            }
        }
    }
}
