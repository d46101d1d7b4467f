//! Words, clauses and sentences of what a candidate wrote, as byte ranges, for
//! what the program tells from words alone.

use std::collections::BTreeSet;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::leak::stems;

/// Shorter words carry grammar.
const CONTENT_LETTERS: usize = 4;

/// Words that say nothing about what a text is about: grammar, and what every
/// text about this trade holds.
const COMMON: &str = "about after again also because been before being could data does doing done \
    down each ever every from gets going have having hear heard here into just know last like \
    long look made make many maybe model models more most much need next only other over people \
    really same sets should some somebody someone something start such take team tell than that \
    their them then there these they thing things think this those through time under until used \
    very walk want were what when where which while will with work would your yours";

/// Words that open a clause of their own.
const JOINTS: [&str; 5] = ["and", "or", "also", "plus", "while"];

/// Words that open a clause and turn against the one before.
const TURNS: [&str; 8] = [
    "but", "however", "though", "although", "except", "whereas", "yet", "still",
];

/// A clause of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// Where it stands, in bytes of the text.
    pub(super) range: Range<usize>,
    /// Whether it turns against the clause before it.
    pub(super) turns: bool,
}

/// Returns the stems of the words that say what a text is about.
pub(super) fn content_stems(text: &str) -> BTreeSet<String> {
    let common: BTreeSet<&str> = COMMON.split_whitespace().collect();
    text.unicode_words()
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= CONTENT_LETTERS && !common.contains(word.as_str()))
        .flat_map(|word| stems(&word))
        .collect()
}

/// Returns whether `term` stands in `words`, all of it and in order.
pub(super) fn holds(words: &[String], term: &[String]) -> bool {
    !term.is_empty() && words.windows(term.len()).any(|window| window == term)
}

/// Returns the sentences of a text without white space around them. A mark
/// ends one only where white space or the end follows, so that "0.5" does not.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, mark) in text.char_indices() {
        let end = at + mark.len_utf8();
        let ends = match mark {
            '\n' => true,
            '.' | '!' | '?' | ';' | '\u{2026}' => {
                text[end..].chars().next().is_none_or(char::is_whitespace)
            }
            _ => false,
        };
        if ends {
            found.extend(trimmed(text, start..end));
            start = end;
        }
    }
    found.extend(trimmed(text, start..text.len()));
    found
}

/// Returns the clauses of one sentence of `text`, without the marks between
/// them.
pub(super) fn clauses(text: &str, sentence: Range<usize>) -> Vec<Clause> {
    let mut found: Vec<Clause> = Vec::new();
    let mut open: Option<Clause> = None;
    let mut last_end = sentence.start;
    for (at, word) in text[sentence.clone()].unicode_word_indices() {
        let start = sentence.start + at;
        let end = start + word.len();
        let lower = word.to_lowercase();
        let turns = TURNS.contains(&lower.as_str());
        let marked = text[last_end..start].contains([',', ':', '(', ')', '\u{2013}', '\u{2014}']);
        match &mut open {
            Some(clause) if !marked && !turns && !JOINTS.contains(&lower.as_str()) => {
                clause.range.end = end;
            }
            _ => {
                found.extend(open.take());
                open = Some(Clause {
                    range: start..end,
                    turns,
                });
            }
        }
        last_end = end;
    }
    found.extend(open);
    found
}

fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    let part = part.trim();
    (!part.is_empty()).then(|| start..start + part.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<&str> {
        sentences(text)
            .into_iter()
            .flat_map(|sentence| clauses(text, sentence))
            .map(|clause| &text[clause.range])
            .collect()
    }

    #[test]
    fn clauses_part_at_marks_and_joints() {
        assert_eq!(
            shown("It ran at 0.5, and nobody watched. I liked it but not the rota!"),
            [
                "It ran at 0.5",
                "and nobody watched",
                "I liked it",
                "but not the rota"
            ]
        );
    }

    #[test]
    fn grammar_and_the_words_of_the_trade_say_nothing() {
        assert!(content_stems("What would they do with the model data?").is_empty());
        assert_eq!(content_stems("Deploying").len(), 1);
    }

    proptest! {
        #[test]
        fn clauses_lie_within_any_text_in_order(text in "\\PC{0,80}") {
            let mut last = 0;
            for sentence in sentences(&text) {
                for clause in clauses(&text, sentence.clone()) {
                    prop_assert!(clause.range.start >= last && clause.range.end <= sentence.end);
                    prop_assert!(text.get(clause.range.clone()).is_some());
                    last = clause.range.end;
                }
            }
        }
    }
}
