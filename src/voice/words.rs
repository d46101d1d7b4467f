//! Small things about English words that the rule checks share.

use unicode_segmentation::UnicodeSegmentation;

use crate::interview::leak::stems;

/// Words that carry grammar rather than meaning.
const FUNCTION_WORDS: &[&str] = &[
    "a", "about", "after", "again", "all", "am", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "being", "but", "by", "can", "could", "did", "do", "does",
    "doing", "down", "else", "for", "from", "had", "has", "have", "having", "he", "her", "here",
    "his", "how", "i", "i'd", "i'll", "i'm", "if", "in", "into", "is", "it", "it's", "its", "just",
    "let", "let's", "like", "me", "more", "most", "much", "my", "no", "not", "now", "of", "off",
    "on", "once", "one", "only", "or", "other", "our", "out", "over", "own", "same", "she",
    "should", "so", "some", "such", "than", "that", "that's", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "through", "to", "too", "under", "until", "up",
    "us", "very", "was", "we", "were", "what", "what's", "when", "where", "which", "while", "who",
    "whom", "why", "will", "with", "would", "you", "you'd", "you're", "you've", "your",
];

/// Words that open a question of their own.
pub(super) const QUESTION_WORDS: &[&str] = &[
    "what", "how", "why", "which", "who", "when", "where", "whose", "what's",
];

/// Returns whether a word, in lower case, carries grammar only.
pub(super) fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.binary_search(&word).is_ok()
}

/// Returns the words of a text in lower case, apostrophes made straight.
pub(super) fn words(text: &str) -> Vec<String> {
    text.unicode_words()
        .map(|word| word.to_lowercase().replace('\u{2019}', "'"))
        .collect()
}

/// Returns the stems of the words that carry meaning, in order.
pub(super) fn content_stems(text: &str) -> Vec<String> {
    words(text)
        .iter()
        .filter(|word| !is_function_word(word) && word.chars().any(char::is_alphanumeric))
        .flat_map(|word| stems(word))
        .collect()
}

/// Returns the sentences of a text, each with its end mark; what comes after
/// the last end mark is a sentence too.
///
/// A mark ends a sentence only where white space or the end follows it, so
/// that "0.5" and "e.g." inside a clause do not; closing quotation marks
/// belong to the sentence.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let mut index = 0;
    while index < chars.len() {
        let (_, c) = chars[index];
        if matches!(c, '.' | '?' | '!' | '\u{2026}') {
            let mut next = index + 1;
            while next < chars.len()
                && matches!(
                    chars[next].1,
                    '.' | '?' | '!' | '"' | '\u{201d}' | ')' | '\''
                )
            {
                next += 1;
            }
            let end = chars.get(next).map_or(text.len(), |(at, _)| *at);
            let ended = chars.get(next).is_none_or(|(_, c)| c.is_whitespace());
            let lower_follows = chars[next.min(chars.len())..]
                .iter()
                .find(|(_, c)| !c.is_whitespace())
                .is_some_and(|(_, c)| c.is_lowercase());
            if ended && !(c == '.' && lower_follows) {
                let sentence = text[start..end].trim();
                if !sentence.is_empty() {
                    out.push(sentence);
                }
                start = end;
            }
            index = next;
        } else {
            index += 1;
        }
    }
    let rest = text[start..].trim();
    if !rest.is_empty() {
        out.push(rest);
    }
    out
}

/// The quotations of a text and the text without them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Quoted<'a> {
    /// What stands between quotation marks.
    pub quotes: Vec<&'a str>,
    /// The text with an empty pair of marks in place of each quotation.
    pub outside: String,
    /// Whether every mark has its partner.
    pub balanced: bool,
}

/// Finds the quotations of a text: between straight or curly double marks, or
/// between single ones that stand at the edges of words.
pub(super) fn quoted(text: &str) -> Quoted<'_> {
    let mut quotes = Vec::new();
    let mut outside = String::with_capacity(text.len());
    let mut balanced = true;
    let mut rest = text;
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        let edge = before.is_none_or(|c: char| !c.is_alphanumeric());
        let close = match c {
            '"' => Some('"'),
            '\u{201c}' => Some('\u{201d}'),
            '\u{2018}' if edge => Some('\u{2019}'),
            '\'' if edge => Some('\''),
            '\u{201d}' => {
                balanced = false;
                None
            }
            _ => None,
        };
        let body = &rest[c.len_utf8()..];
        if let Some(close) = close {
            if let Some(end) = closing(body, close) {
                quotes.push(&body[..end]);
                outside.push_str("\"\"");
                before = Some(close);
                rest = &body[end + close.len_utf8()..];
                continue;
            }
            // A lone apostrophe at the edge of a word is only that.
            balanced &= matches!(c, '\'' | '\u{2018}');
        }
        outside.push(c);
        before = Some(c);
        rest = body;
    }
    Quoted {
        quotes,
        outside,
        balanced,
    }
}

/// Returns where the closing mark stands.
fn closing(body: &str, close: char) -> Option<usize> {
    body.match_indices(close)
        .map(|(at, _)| at)
        .find(|at| match close {
            // Not the apostrophe of "don't".
            '\'' | '\u{2019}' => !body[at + close.len_utf8()..]
                .chars()
                .next()
                .is_some_and(char::is_alphanumeric),
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_list_of_function_words_is_in_order() {
        assert!(FUNCTION_WORDS.is_sorted());
    }

    #[test]
    fn sentences_end_at_marks_that_end_them() {
        assert_eq!(
            sentences("You said \"it broke.\" Was that at 0.5 or more, e.g. at night? And"),
            [
                "You said \"it broke.\"",
                "Was that at 0.5 or more, e.g. at night?",
                "And"
            ]
        );
    }

    #[test]
    fn quotations_of_every_style_are_found_and_apostrophes_are_not() {
        let found =
            quoted("You said \u{201c}don't ship it\u{201d} and 'we can't'. It's the team's call.");
        assert_eq!(found.quotes, ["don't ship it", "we can't"]);
        assert_eq!(
            found.outside,
            "You said \"\" and \"\". It's the team's call."
        );
        assert!(found.balanced);
    }

    #[test]
    fn a_mark_without_its_partner_is_noticed() {
        assert!(!quoted("You said \"it broke").balanced);
        assert!(!quoted("it broke\u{201d} you said").balanced);
    }

    proptest! {
        #[test]
        fn no_word_is_lost_between_sentences(text in "[a-zA-Z.?! \"é]{0,80}") {
            let squash = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(squash(&sentences(&text).join(" ")), squash(&text));
        }

        #[test]
        fn finding_quotations_never_fails(text in "\\PC{0,80}") {
            for quote in quoted(&text).quotes {
                prop_assert!(text.contains(quote));
            }
        }
    }
}
