//! Figures that somebody gave for a named thing, read from words alone: "a p99
//! of 40 ms", "we were twelve", "recall was nine in ten". Made to be silent
//! rather than wrong: what is a bound, a wish, a change or one of several
//! figures of a sentence is left out.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::leak::stems;
use super::words::sentences;

/// What a figure counts; figures of different kinds are not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A share of a whole: 90%, 0.9, nine in ten.
    Share,
    /// A time, in seconds.
    Time,
    /// An amount of money.
    Money,
    /// A number of things.
    Count,
}

/// A figure for a named thing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    /// The stems of what it is a figure of.
    pub(super) name: Vec<String>,
    /// What it counts.
    pub(super) kind: Kind,
    /// How much, in the unit of its kind.
    pub(super) value: f64,
    /// The sentence it stands in, in bytes of the text.
    pub(super) sentence: Range<usize>,
    /// Name and figure, in bytes of the text.
    pub(super) place: Range<usize>,
}

/// Words of sentences whose figures are no statement of how it was: bounds,
/// wishes, suppositions, changes, comparisons, second thoughts.
const UNSTATED: &str = "if would could should might may i'd we'd you'd they'd i'll we'll suppose \
    imagine say hypothetically example least most under over above below within more less fewer \
    than until before after then now later today initially originally previously first finally \
    became grew rose fell dropped went cut reduced improved increased decreased down target aim \
    goal aimed wanted want need needed hoped expect expected against versus instead compared from \
    between another other others every each actually well mean said no used longer once \
    or not never unless";

/// Words between a name and its figure that carry no meaning of their own.
const FILLERS: &str = "about around roughly approximately some only just nearly almost maybe \
    perhaps probably the a an our my their its usually typically always still exactly";

/// Words that tie a figure to the name before it.
const LINKS: [&str; 9] = [
    "of", "was", "is", "were", "are", "at", "stood", "sat", "equals",
];

/// Words that are no name of anything measured.
const NOT_NAMES: &str = "came come coming ended end went going got get gets ran run running landed \
    settled stayed started began finished worked looked kept made make did do done have had has \
    been being it that this these those which they we i you he she there here what out up off in \
    on to for with and but so as by all both same thing things something rest lot bit part sort \
    kind group sum total out end because since when while where who how why also very too much \
    many is was were are be at of";

/// Units of time in seconds.
const TIMES: &[(&str, f64)] = &[
    ("ms", 0.001),
    ("millisecond", 0.001),
    ("milliseconds", 0.001),
    ("s", 1.0),
    ("sec", 1.0),
    ("second", 1.0),
    ("seconds", 1.0),
    ("min", 60.0),
    ("minute", 60.0),
    ("minutes", 60.0),
    ("hour", 3600.0),
    ("hours", 3600.0),
    ("day", 86_400.0),
    ("days", 86_400.0),
    ("week", 604_800.0),
    ("weeks", 604_800.0),
    ("month", 2_629_800.0),
    ("months", 2_629_800.0),
    ("year", 31_557_600.0),
    ("years", 31_557_600.0),
];

/// Numbers in words.
const NUMBERS: &[(&str, f64)] = &[
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("thirteen", 13.0),
    ("fourteen", 14.0),
    ("fifteen", 15.0),
    ("sixteen", 16.0),
    ("seventeen", 17.0),
    ("eighteen", 18.0),
    ("nineteen", 19.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
];

/// Multipliers in words.
const MULTIPLIERS: &[(&str, f64)] = &[
    ("dozen", 12.0),
    ("hundred", 100.0),
    ("thousand", 1e3),
    ("million", 1e6),
    ("billion", 1e9),
];

/// Returns the figures of a text, sentence by sentence: no sentence changes
/// what is read from another.
pub(super) fn figures(text: &str) -> Vec<Figure> {
    sentences(text)
        .into_iter()
        .flat_map(|sentence| of_sentence(text, sentence))
        .collect()
}

/// Returns whether two figures of one kind say different things: shares that
/// are ten points apart, or amounts of which one is half as much again. People
/// round.
pub(super) fn differ(one: &Figure, other: &Figure) -> bool {
    let (a, b) = (one.value, other.value);
    match one.kind {
        Kind::Share => (a - b).abs() >= 0.1 - 1e-9,
        _ => a.max(b) >= 1.5 * a.min(b) - 1e-9,
    }
}

/// A word with its place.
struct Token {
    word: String,
    place: Range<usize>,
}

/// A number that was read: its value, kind, the tokens it takes and whether
/// it stands among them with its unit.
struct Read {
    kind: Kind,
    value: f64,
    tokens: Range<usize>,
}

fn of_sentence(text: &str, sentence: Range<usize>) -> Vec<Figure> {
    let body = &text[sentence.clone()];
    if body.ends_with('?') {
        return Vec::new();
    }
    let tokens: Vec<Token> = body
        .unicode_word_indices()
        .map(|(at, word)| Token {
            word: word.to_lowercase().replace('\u{2019}', "'"),
            place: sentence.start + at..sentence.start + at + word.len(),
        })
        .collect();
    let unstated = tokens.iter().any(|token| is_in(UNSTATED, &token.word));
    if unstated {
        return Vec::new();
    }
    let mut reads = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match read(text, &tokens, at) {
            Some(read) => {
                at = read.tokens.end;
                // "All in one room" counts nothing.
                let article = tokens[at - 1].word == "one" && read.kind == Kind::Count;
                if !article {
                    reads.push(read);
                }
            }
            None => at += 1,
        }
    }
    let alone = |kind: Kind| reads.iter().filter(|read| read.kind == kind).count() == 1;
    reads
        .iter()
        .filter(|read| alone(read.kind) && read.value > 0.0)
        .filter_map(|read| {
            let (name, from, to) = name(text, &tokens, read)?;
            Some(Figure {
                name,
                kind: read.kind,
                value: read.value,
                sentence: sentence.clone(),
                place: tokens[from].place.start..tokens[to].place.end,
            })
        })
        .collect()
}

/// Reads the number that begins at token `at`, with its unit.
fn read(text: &str, tokens: &[Token], at: usize) -> Option<Read> {
    let (mut value, mut next, mut kind) = plain(tokens, at)?;
    let word = |at: usize| tokens.get(at).map_or("", |token| token.word.as_str());
    let end = tokens[next - 1].place.end;
    let money = text[..tokens[at].place.start].ends_with(['\u{a3}', '$', '\u{20ac}']);
    if text[end..].starts_with('%') {
        (value, kind) = (value / 100.0, Some(Kind::Share));
    } else if matches!(word(next), "percent" | "pc") {
        (value, kind) = (value / 100.0, Some(Kind::Share));
        next += 1;
    } else if word(next) == "per" && word(next + 1) == "cent" {
        (value, kind) = (value / 100.0, Some(Kind::Share));
        next += 2;
    } else if let Some((_, seconds)) = TIMES.iter().find(|(unit, _)| *unit == word(next)) {
        (value, kind) = (value * seconds, Some(Kind::Time));
        next += 1;
    } else if let Some((whole, after)) = whole(tokens, next).filter(|(whole, _)| *whole >= value) {
        (value, kind) = (value / whole, Some(Kind::Share));
        next = after;
    }
    let kind = kind.unwrap_or(if money {
        Kind::Money
    } else if value < 1.0 && value.fract() != 0.0 {
        Kind::Share
    } else {
        Kind::Count
    });
    Some(Read {
        kind,
        value,
        tokens: at..next,
    })
}

/// Reads "in ten" or "out of ten" at token `at`: the whole, and the token
/// behind it.
fn whole(tokens: &[Token], at: usize) -> Option<(f64, usize)> {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.word.as_str());
    let from = match (word(at), word(at + 1)) {
        ("in", _) => at + 1,
        ("out", "of") => at + 2,
        _ => return None,
    };
    let (value, next, kind) = plain(tokens, from)?;
    // Years are no wholes: "three in 2020".
    (kind.is_none() && value >= 2.0 && !(1900.0..2100.0).contains(&value)).then_some((value, next))
}

/// Reads a number without a unit at token `at`: value, the token behind it,
/// and its kind where the digits carry the unit ("40ms").
fn plain(tokens: &[Token], at: usize) -> Option<(f64, usize, Option<Kind>)> {
    let word = &tokens.get(at)?.word;
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return digits(tokens, at);
    }
    let lookup = |list: &[(&str, f64)], at: usize| {
        let word = &tokens.get(at)?.word;
        list.iter()
            .find(|(name, _)| name == word)
            .map(|(_, value)| *value)
    };
    let (mut total, mut group, mut next) = (0.0, 0.0, at);
    let mut begun = false;
    loop {
        if let Some(value) = lookup(NUMBERS, next) {
            // "Twenty five" is one number, "two five" is not.
            let joins = group == 0.0
                || (value < 10.0 && group % 100.0 >= 20.0 && group % 10.0 == 0.0)
                || group % 100.0 == 0.0;
            if !joins {
                break;
            }
            group += value;
        } else if let Some(value) = lookup(MULTIPLIERS, next) {
            let times = if group == 0.0 { 1.0 } else { group };
            if value == 100.0 {
                group = times * value;
            } else {
                total += times * value;
                group = 0.0;
            }
        } else if begun && tokens.get(next)?.word == "and" && lookup(NUMBERS, next + 1).is_some() {
            // Only "two hundred and fifty".
            if group % 100.0 != 0.0 || (group == 0.0 && total == 0.0) {
                break;
            }
            next += 1;
            continue;
        } else {
            break;
        }
        begun = true;
        next += 1;
        if next >= tokens.len() {
            break;
        }
    }
    begun.then_some((total + group, next, None))
}

fn digits(tokens: &[Token], at: usize) -> Option<(f64, usize, Option<Kind>)> {
    let word = tokens.get(at)?.word.replace(',', "");
    let split = word
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(word.len());
    let (number, suffix) = word.split_at(split);
    let value: f64 = number.parse().ok()?;
    let (value, kind) = match suffix {
        "" => (value, None),
        "k" => (value * 1e3, None),
        "m" | "mn" => (value * 1e6, None),
        "bn" => (value * 1e9, None),
        unit => {
            let (_, seconds) = TIMES.iter().find(|(name, _)| *name == unit)?;
            (value * seconds, Some(Kind::Time))
        }
    };
    let next = tokens.get(at + 1).map_or("", |token| token.word.as_str());
    let multiplier = MULTIPLIERS
        .iter()
        .find(|(name, _)| *name == next && suffix.is_empty());
    Some(match multiplier {
        Some((_, times)) => (value * times, at + 2, kind),
        None => (value, at + 1, kind),
    })
}

/// Returns what a number is a figure of, and the first and last token of name
/// and figure.
fn name(text: &str, tokens: &[Token], read: &Read) -> Option<(Vec<String>, usize, usize)> {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.word.as_str());
    let (start, end) = (read.tokens.start, read.tokens.end);
    let last = end - 1;
    // Marks between a name and its figure part them.
    let joined = |from: usize, to: usize| {
        tokens
            .get(from..=to)
            .into_iter()
            .flat_map(|part| part.windows(2))
            .all(|pair| {
                let between = &text[pair[0].place.end..pair[1].place.start];
                !between.contains([',', ';', ':', '(', ')', '\u{2013}', '\u{2014}'])
            })
    };
    let mut at = start;
    let back = |at: usize| at.checked_sub(1);
    while let Some(before) = back(at).filter(|before| is_in(FILLERS, word(*before))) {
        at = before;
    }
    // How many somebody was: "we were twelve", "there were four of us".
    let were = back(at).filter(|before| matches!(word(*before), "were" | "are"));
    if read.kind == Kind::Count
        && let Some(subject) = were.and_then(back)
    {
        let of_us = word(end) == "of" && word(end + 1) == "us";
        let bare = end >= tokens.len()
            || !joined(last, end)
            || matches!(
                word(end),
                "people" | "engineers" | "in" | "on" | "and" | "altogether" | "all" | "of"
            );
        let team =
            (word(subject) == "we" && bare && word(end) != "of" || of_us) && joined(subject, last);
        if team {
            let last = if of_us { end + 1 } else { last };
            return Some((vec!["team".to_owned()], subject, last));
        }
    }
    let mut linked = false;
    while let Some(before) = back(at) {
        if LINKS.contains(&word(before)) {
            linked = true;
        } else if !is_in(FILLERS, word(before)) {
            break;
        }
        at = before;
    }
    if !linked {
        return None;
    }
    let mut name: Vec<String> = Vec::new();
    let mut first = at;
    while let Some(before) = back(first).filter(|_| name.len() < 3) {
        let said = word(before);
        let is_name = said.chars().count() > 1
            && !is_in(NOT_NAMES, said)
            && !is_in(FILLERS, said)
            && !LINKS.contains(&said)
            && joined(before, before + 1);
        if !is_name {
            break;
        }
        name.extend(stems(said));
        first = before;
    }
    name.reverse();
    (!name.is_empty() && joined(first, last)).then_some((name, first, last))
}

fn is_in(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Vec<(String, Kind, f64)> {
        figures(text)
            .into_iter()
            .map(|figure| {
                let value = (figure.value * 1e6).round() / 1e6;
                (figure.name.join(" "), figure.kind, value)
            })
            .collect()
    }

    fn one(text: &str) -> (String, Kind, f64) {
        let found = shown(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found[0].clone()
    }

    #[test]
    fn a_figure_belongs_to_the_name_before_it() {
        for (text, name, kind, value) in [
            ("We ran at a p99 of 40 ms.", "p99", Kind::Time, 0.04),
            ("The p99 was about 400ms", "p99", Kind::Time, 0.4),
            ("It was a team of four.", "team", Kind::Count, 4.0),
            ("We were twelve.", "team", Kind::Count, 12.0),
            ("There were four of us.", "team", Kind::Count, 4.0),
            ("Recall was 90 per cent.", "recal", Kind::Share, 0.9),
            ("Our recall stood at 0.9", "recal", Kind::Share, 0.9),
            ("The budget was \u{a3}20k.", "budget", Kind::Money, 20_000.0),
            (
                "The old service had a latency of two hundred and fifty ms.",
                "latenc",
                Kind::Time,
                0.25,
            ),
            ("The set was 12,000 rows.", "set", Kind::Count, 12_000.0),
        ] {
            assert_eq!(one(text), (name.to_owned(), kind, value), "{text}");
        }
    }

    #[test]
    fn the_same_share_in_other_words_is_the_same_figure() {
        let share = |text: &str| one(text).2;
        for text in [
            "Recall was 90%.",
            "Recall was 0.9.",
            "Recall was nine in ten.",
            "Recall was 9 out of 10.",
            "Recall was ninety percent.",
            "Recall was 90 per cent.",
        ] {
            assert_eq!(share(text), 0.9, "{text}");
        }
        assert_eq!(
            one("The job was of 1 hour").2,
            one("The job was of 60 minutes").2
        );
    }

    #[test]
    fn what_is_no_statement_of_how_it_was_is_left_out() {
        for text in [
            "I'd want a p99 of 40 ms.",
            "The p99 would be 40 ms.",
            "The p99 went from 400 ms to 40 ms.",
            "The p99 is at least 40 ms.",
            "The target was a p99 of 40 ms.",
            "The p99 was 400 ms, no, sorry, it was 40.",
            "Before that the p99 was 400 ms.",
            "Was the p99 of 40 ms enough?",
            "Accuracy was 99.1 against 98.7.",
            "It came out at 92 per cent.",
            "That was 40 ms.",
            "We did four weeks of it.",
            "The p99, we said, was fine at 40.",
        ] {
            let found = shown(text);
            assert!(
                found.is_empty() || found.iter().all(|(name, ..)| name == "fine"),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn words_before_a_name_tell_it_from_others() {
        assert_ne!(
            one("The old service latency was 400 ms.").0,
            one("The new service latency was 40 ms.").0
        );
    }

    #[test]
    fn people_round() {
        let differ = |a: &str, b: &str| differ(&figures(a)[0], &figures(b)[0]);
        assert!(!differ("Recall was 90%.", "Recall was 0.91."));
        assert!(differ("Recall was 90%.", "Recall was 60%."));
        assert!(!differ("We were twelve.", "We were eleven."));
        assert!(differ("We were twelve.", "We were four."));
        assert!(differ("The p99 was 40 ms.", "The p99 was 400 ms."));
    }

    proptest! {
        #[test]
        fn reading_anything_never_fails_and_points_into_the_text(text in "\\PC{0,100}") {
            for figure in figures(&text) {
                prop_assert!(text.get(figure.place.clone()).is_some());
                prop_assert!(figure.sentence.start <= figure.place.start);
                prop_assert!(figure.place.end <= figure.sentence.end);
            }
        }

        #[test]
        fn reading_number_words_never_fails(
            words in prop::collection::vec(prop_oneof![
                Just("p99"), Just("was"), Just("of"), Just("twenty"), Just("two"), Just("hundred"),
                Just("thousand"), Just("and"), Just("5"), Just("0.5"), Just("ms"), Just("%"),
                Just("in"), Just("ten"), Just("we"), Just("were"), Just("us"),
            ], 0..12)
        ) {
            for figure in figures(&words.join(" ")) {
                prop_assert!(figure.value.is_finite() && figure.value > 0.0);
            }
        }
    }
}
