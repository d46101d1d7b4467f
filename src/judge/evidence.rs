//! Which words of the answer are shown as evidence.

use std::ops::Range;

use super::text::{Text, sentences};

/// A sentence longer than this, in bytes, is not shown whole.
const LONG_SENTENCE: usize = 240;

/// Words shown on either side of the words found, in a long sentence.
const AROUND: usize = 3;

/// At most so many ranges are shown.
const RANGES: usize = 2;

/// Returns the byte ranges of `answer` that hold most of what `places` found:
/// whole sentences where they are short, the words found with a few around
/// them where they are not. `places` are words of `text` with what each
/// contributes. The ranges are in order, on character boundaries, and do not
/// overlap.
pub fn ranges(answer: &str, text: &Text, places: &[(usize, f32)]) -> Vec<Range<usize>> {
    let mut scored: Vec<(f32, Range<usize>, Vec<usize>)> = sentences(answer)
        .into_iter()
        .map(|range| (0.0, range, Vec::new()))
        .collect();
    for &(at, weight) in places {
        let Some(word) = text.words.get(at) else {
            continue;
        };
        let holder = scored
            .iter_mut()
            .find(|(_, range, _)| range.start <= word.span.start && word.span.start < range.end);
        if let Some((total, _, words)) = holder {
            *total += weight;
            words.push(at);
        }
    }
    let whole: f32 = scored.iter().map(|(total, _, _)| total).sum();
    if whole <= 0.0 {
        return Vec::new();
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.start.cmp(&b.1.start)));
    let mut out = Vec::new();
    let mut shown = 0.0;
    for (total, sentence, words) in scored.into_iter().take(RANGES) {
        // A second range only when the first leaves a good part out.
        if total <= 0.0 || shown / whole > 0.66 {
            break;
        }
        shown += total;
        out.push(narrow(text, sentence, &words));
    }
    out.sort_by_key(|range| range.start);
    out
}

fn narrow(text: &Text, sentence: Range<usize>, words: &[usize]) -> Range<usize> {
    if sentence.len() <= LONG_SENTENCE {
        return sentence;
    }
    let (Some(&first), Some(&last)) = (words.iter().min(), words.iter().max()) else {
        return sentence;
    };
    let from = first.saturating_sub(AROUND);
    let to = (last + AROUND + 1).min(text.words.len());
    match text.bytes(&(from..to)) {
        Some(range) => range.start.max(sentence.start)..range.end.min(sentence.end),
        None => sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_that_holds_the_words_is_shown() {
        let answer = "Well, hard to say. I would hold out the last month. That is all.";
        let text = Text::new(answer);
        let at = text.words.iter().position(|word| word.text == "month");
        let shown = ranges(answer, &text, &[(at.unwrap_or(0), 1.0)]);
        let shown: Vec<&str> = shown.into_iter().map(|r| &answer[r]).collect();
        assert_eq!(shown, ["I would hold out the last month."]);
    }

    #[test]
    fn of_an_answer_without_full_stops_only_the_words_around_are_shown() {
        let filler = "and so on and on it goes ".repeat(20);
        let answer = format!("{filler} we hold out the last month {filler}");
        let text = Text::new(&answer);
        let at = text.words.iter().position(|word| word.text == "hold");
        let shown = ranges(&answer, &text, &[(at.unwrap_or(0), 1.0)]);
        assert_eq!(shown.len(), 1);
        assert!(answer[shown[0].clone()].contains("hold out the"));
        assert!(shown[0].len() < 60);
    }

    #[test]
    fn nothing_found_shows_nothing() {
        assert!(ranges("Some words.", &Text::new("Some words."), &[]).is_empty());
    }
}
