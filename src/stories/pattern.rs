//! Patterns over the words of a sentence, written as lines of alternatives:
//! `i|we had|needed to`. `word?` may be left out, `~3` stands for up to three
//! words of any kind, and a name in angle brackets for a class of words.

use crate::judge::text::Word;

/// One line of patterns.
pub struct Pattern(Vec<Item>);

enum Item {
    /// One of these words or classes; whether it may be left out.
    Word(Vec<&'static str>, bool),
    /// Up to so many words of any kind.
    Gap(usize),
}

/// Words that name a place of work.
const ORGANISATIONS: &str = "company|startup|start|bank|firm|shop|hospital|lab|agency|retailer|\
    insurer|telco|university|school|clinic|charity|ministry|employer|internship|\
    factory|airline|carrier|publisher|studio|consultancy|marketplace|platform|bookshop|business|\
    broker|utility|app|supermarket|brewery|newspaper|fintech|scaleup|unicorn|organisation|\
    organization|division|corporation|provider|vendor|manufacturer|operator";

/// Words that name a time that comes again.
const SEASONS: &str = "spring|summer|autumn|fall|winter|year|month|week|weekend|quarter|january|\
    february|march|april|may|june|july|august|september|october|november|december|christmas|\
    easter|monday|tuesday|wednesday|thursday|friday|saturday|sunday|night|morning|evening";

/// Words that measure time.
const SPANS: &str = "years|year|months|month|weeks|week|days|day|hours|jobs|summers|winters";

/// Numbers in words.
const NUMBERS: &str = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|\
    fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|\
    eighty|ninety|hundred|hundreds|thousand|thousands|million|millions|billion|dozen|zero|none|\
    half|nothing";

/// Verbs whose past does not end in "ed".
const IRREGULAR: &str = "began|bought|broke|brought|built|caught|chose|came|cut|dealt|did|dug|drew|\
    drove|fed|felt|flew|found|fought|froze|gave|got|grew|heard|held|hid|kept|knew|laid|learnt|led|\
    left|let|lost|made|meant|met|overcame|paid|put|ran|rang|read|rebuilt|redid|rerun|reran|reset|\
    rewrote|rode|said|sat|saw|sent|set|shot|shut|sold|spent|split|spoke|spun|stood|stuck|swept|\
    taught|thought|threw|told|took|understood|was|went|were|won|wound|withdrew|woke|wrote|drank|\
    hung|had";

/// Returns the patterns in `lines`, one a line.
pub fn patterns(lines: &'static str) -> Vec<Pattern> {
    lines
        .lines()
        .map(|line| {
            Pattern(
                line.split_whitespace()
                    .map(|item| match item.strip_prefix('~') {
                        Some(most) => Item::Gap(most.parse().unwrap_or(1)),
                        None => {
                            let words = item.trim_end_matches('?');
                            Item::Word(words.split('|').collect(), words.len() < item.len())
                        }
                    })
                    .collect(),
            )
        })
        .collect()
}

/// Returns where any of `patterns` is found in `words`: at each place the
/// first that fits, and none within another.
pub fn any_of(patterns: &[Pattern], words: &[Word]) -> Vec<std::ops::Range<usize>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let end = patterns
            .iter()
            .find_map(|pattern| fits(&pattern.0, words, at));
        match end {
            Some(end) => {
                out.push(at..end);
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    out
}

/// Returns whether `word` is a verb in the past, as far as its letters tell.
pub fn is_past(word: &str) -> bool {
    (word.len() > 4 && word.ends_with("ed") && word != "indeed")
        || IRREGULAR.split('|').any(|verb| verb == word)
}

/// Returns the end of `items` in `words` from `at` on, if they fit there.
fn fits(items: &[Item], words: &[Word], at: usize) -> Option<usize> {
    let Some((item, rest)) = items.split_first() else {
        return Some(at);
    };
    match item {
        Item::Gap(most) => (0..=*most)
            .take_while(|skipped| at + skipped <= words.len())
            .find_map(|skipped| fits(rest, words, at + skipped)),
        Item::Word(choices, optional) => {
            let here = words
                .get(at)
                .filter(|word| choices.iter().any(|choice| is(&word.text, choice)))
                .and_then(|_| fits(rest, words, at + 1));
            match (here, optional) {
                (None, true) => fits(rest, words, at),
                (here, _) => here,
            }
        }
    }
}

/// Returns whether `word` is `choice`, or of the class that it names.
fn is(word: &str, choice: &str) -> bool {
    let listed = |list: &str| list.split('|').any(|one| one == word);
    let digits = || word.starts_with(|c: char| c.is_ascii_digit());
    match choice {
        "<organisation>" => listed(ORGANISATIONS),
        "<season>" => listed(SEASONS),
        "<span>" => listed(SPANS),
        "<number>" => digits() || listed(NUMBERS),
        "<year>" => word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()),
        plain => word == plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::text::Text;

    #[test]
    fn a_pattern_finds_its_words_with_gaps_options_and_classes() {
        let lines = patterns("i ~2 took ~2 on\n<number>|few of? <span> ago");
        let found = |text: &str| {
            let text = Text::new(text);
            any_of(&lines, &text.words)
                .into_iter()
                .map(|range| text.plain(range))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found("So I then took it on, 3 years ago, a few of weeks ago."),
            ["i then took it on", "3 years ago", "few of weeks ago"]
        );
        assert_eq!(found("I took, years ago"), [""; 0]);
        assert_eq!(found(""), [""; 0]);
    }

    #[test]
    fn the_past_is_told_by_its_letters() {
        assert!(is_past("traced") && is_past("wrote"));
        assert!(!is_past("need") && !is_past("red") && !is_past("write"));
    }
}
