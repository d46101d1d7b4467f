//! Which words of the answer are shown as evidence.
//!
//! An answer is cut into passages, sentences or parts of long ones, and the one
//! that speaks for a statement most is shown. Who makes several points makes them
//! in different places: what a passage has in common with all statements counts
//! less. How often that is right is in `docs/judge.md`.

use std::ops::Range;

use super::text::{Text, sentences};

/// A sentence of more words is not shown whole, and
const LONG_SENTENCE: usize = 34;

/// its parts are of about as many words.
const PART: usize = 22;

/// Fewer words are no passage of their own: they belong to the one before.
const SHORT: usize = 4;

/// How much of what a passage has in common with all statements is taken away.
/// Picked on 84 answers of the validation part, where 385 points were marked.
const COMMON: f32 = 0.6;

/// A stretch of an answer that is shown as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Bytes of the answer, on character boundaries.
    pub bytes: Range<usize>,
    /// Words of its [`Text`].
    pub words: Range<usize>,
}

/// Returns the passages of `answer` in order, without overlap; `text` holds its
/// words. A passage is a sentence, or of a long one a few clauses, or where there
/// are none some twenty words.
pub fn passages(answer: &str, text: &Text) -> Vec<Passage> {
    let mut out: Vec<Passage> = Vec::new();
    for sentence in sentences(answer) {
        let words = words_in(text, &sentence);
        if words.is_empty() {
            continue;
        }
        if words.len() > LONG_SENTENCE {
            parts(answer, text, &sentence, words, &mut out);
            continue;
        }
        let near = |last: &Passage| {
            answer
                .get(last.bytes.end..sentence.start)
                .is_some_and(|gap| !gap.contains('\n'))
        };
        match out
            .last_mut()
            .filter(|last| words.len() < SHORT && near(last))
        {
            Some(last) => {
                last.bytes.end = sentence.end;
                last.words.end = words.end;
            }
            None => out.push(Passage {
                bytes: sentence,
                words,
            }),
        }
    }
    out
}

/// Returns the words of `text` that begin in `bytes`.
fn words_in(text: &Text, bytes: &Range<usize>) -> Range<usize> {
    let before = |end: usize| text.words.partition_point(|word| word.span.start < end);
    before(bytes.start)..before(bytes.end)
}

/// Cuts a long sentence at its commas into parts of about [`PART`] words.
fn parts(
    answer: &str,
    text: &Text,
    sentence: &Range<usize>,
    words: Range<usize>,
    out: &mut Vec<Passage>,
) {
    // Where a part may begin: after a comma, and in a long clause anywhere.
    let clause = |at: usize| {
        let gap = answer.get(text.words[at - 1].span.end..text.words[at].span.start);
        gap.is_some_and(|gap| {
            gap.contains([',', ':', '\u{2013}', '\u{2014}', '(', ')']) || gap.contains(" - ")
        })
    };
    let mut cuts: Vec<usize> = (words.start + 1..words.end)
        .filter(|at| clause(*at))
        .collect();
    cuts.push(words.end);
    let mut start = words.start;
    let mut end = start;
    let mut found = Vec::new();
    for cut in cuts {
        // A part is closed where it would be further from the wanted length with
        // the next clause than without it.
        if end > start
            && cut - start > PART
            && (cut - start) - PART > PART.saturating_sub(end - start)
        {
            found.push(start..end);
            start = end;
        }
        end = cut;
        while end - start > LONG_SENTENCE {
            let pieces = (end - start).div_ceil(PART);
            let next = start + (end - start) / pieces;
            found.push(start..next);
            start = next;
        }
    }
    found.push(start..end);
    if let [.., before, last] = found.as_mut_slice()
        && last.len() < SHORT
    {
        before.end = last.end;
        found.pop();
    }
    for range in found {
        let from = if range.start == words.start {
            sentence.start
        } else {
            text.words[range.start].span.start
        };
        let to = if range.end == words.end {
            sentence.end
        } else {
            text.words[range.end - 1].span.end
        };
        out.push(Passage {
            bytes: from..to,
            words: range,
        });
    }
}

/// Returns how much each passage speaks for a statement of which `places` were found:
/// words of the answer, with what each contributes. Where nothing was found, no passage
/// speaks for it.
pub fn by_places(passages: &[Passage], places: &[(usize, f32)]) -> Vec<f32> {
    let of = |passage: &Passage| {
        let here = places.iter().filter(|(at, _)| passage.words.contains(at));
        here.map(|(_, weight)| weight).sum()
    };
    let scores: Vec<f32> = passages.iter().map(of).collect();
    match scores.iter().any(|score| *score > 0.0) {
        true => scores,
        false => Vec::new(),
    }
}

/// Takes from each statement's scores of the passages some of what all of
/// `statements` score there on average.
pub fn set_apart(statements: &[Vec<f32>], scores: &[f32]) -> Vec<f32> {
    let common = |passage: usize| {
        let all = statements.iter().filter_map(|scores| scores.get(passage));
        all.sum::<f32>() / statements.len().max(1) as f32
    };
    let scores = scores.iter().enumerate();
    scores
        .map(|(passage, score)| score - COMMON * common(passage))
        .collect()
}

/// Returns the bytes of the passage with the highest of `scores`, the first of equals;
/// nothing when there is none.
pub fn best(passages: &[Passage], scores: &[f32]) -> Vec<Range<usize>> {
    let mut found: Option<(&Passage, f32)> = None;
    for (passage, score) in passages.iter().zip(scores) {
        if found.is_none_or(|(_, most)| *score > most) {
            found = Some((passage, *score));
        }
    }
    found
        .into_iter()
        .map(|(passage, _)| passage.bytes.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(answer: &str) -> Vec<&str> {
        let found = passages(answer, &Text::new(answer));
        found
            .into_iter()
            .map(|passage| &answer[passage.bytes])
            .collect()
    }

    #[test]
    fn a_sentence_is_a_passage_and_a_word_or_two_belong_to_the_one_before() {
        let answer = "I would hold out the last month. Of course. Then I would compare both models on it.\nRight.";
        assert_eq!(
            shown(answer),
            [
                "I would hold out the last month. Of course.",
                "Then I would compare both models on it.",
                "Right."
            ]
        );
    }

    #[test]
    fn a_long_sentence_is_cut_at_its_clauses() {
        let answer = "So the first thing I would look at is the inputs, month by month, one column after the other, and only then, \
            when they have not moved, would I ask whether the labels have changed, which takes longer to find out, as you can imagine.";
        let shown = shown(answer);
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(
            shown[0].ends_with("and only then") && shown[1].starts_with("when they"),
            "{shown:?}"
        );
    }

    #[test]
    fn where_there_are_no_clauses_some_twenty_words_are_a_passage() {
        let answer = "and so on and on it goes ".repeat(12);
        let shown = shown(&answer);
        assert!(shown.len() >= 3, "{shown:?}");
        assert!(
            shown
                .iter()
                .all(|passage| (14..=LONG_SENTENCE).contains(&passage.split(' ').count()))
        );
    }

    #[test]
    fn the_passage_that_holds_most_of_what_was_found_is_shown() {
        let answer =
            "Well, that is hard to say. I would hold out the last month. That is all there is.";
        let text = Text::new(answer);
        let at = text.words.iter().position(|word| word.text == "month");
        let passages = passages(answer, &text);
        let scores = by_places(&passages, &[(at.unwrap_or(0), 1.0), (0, 0.5)]);
        let bytes = best(&passages, &scores);
        assert_eq!(bytes.len(), 1);
        assert_eq!(
            &answer[bytes[0].clone()],
            "I would hold out the last month."
        );
    }

    #[test]
    fn what_a_passage_has_in_common_with_all_statements_counts_less() {
        let statements = [vec![0.8, 0.7], vec![0.9, 0.3]];
        let apart = set_apart(&statements, &statements[0]);
        assert!(apart[1] > apart[0], "{apart:?}");
        let apart = set_apart(&statements, &statements[1]);
        assert!(apart[0] > apart[1], "{apart:?}");
    }

    #[test]
    fn no_words_have_no_evidence() {
        assert!(passages(" \n... ", &Text::new(" \n... ")).is_empty());
        assert!(best(&[], &[]).is_empty());
    }

    #[test]
    fn nothing_found_shows_nothing() {
        let answer = "Some words. And there are some more of them.";
        let passages = passages(answer, &Text::new(answer));
        assert_eq!(passages.len(), 2);
        assert!(best(&passages, &by_places(&passages, &[])).is_empty());
    }

    proptest! {
        #[test]
        fn passages_lie_in_order_and_hold_every_word(answer in "([a-z0-9'é]{1,9}[ ,.\n]{1,2}){0,120}") {
            let text = Text::new(&answer);
            let found = passages(&answer, &text);
            let (mut byte, mut word) = (0, 0);
            for passage in &found {
                prop_assert!(answer.get(passage.bytes.clone()).is_some());
                prop_assert!(passage.bytes.start >= byte && !passage.bytes.is_empty());
                prop_assert_eq!(passage.words.start, word);
                prop_assert!(passage.words.len() <= LONG_SENTENCE + SHORT);
                (byte, word) = (passage.bytes.end, passage.words.end);
            }
            prop_assert_eq!(word, text.words.len());
        }
    }
}
