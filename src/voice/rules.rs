//! What a line must not do before it may be said.
//!
//! Every rule is a plain function of the line and of what is known, without
//! model or clock. They are strict on purpose: behind every refused line stand
//! the guide's own words, which are always fit to be said. Refusing a good
//! line costs a little variety; passing a bad one costs the interview.

mod lists;
mod relevance;

use serde::{Deserialize, Serialize};

use lists::{
    ASKS, CHATTER, DEBRIS, LABELS, OUTCOMES, OWN_VOICE, REPORTS, VERDICT_OPENINGS, VERDICTS,
};

use super::words::{QUESTION_WORDS, content_stems, is_function_word, quoted, sentences, words};
use crate::interview::leak::leaked;
use crate::interview::{Facts, Intent};

/// A rule that a line broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// There are no words.
    Empty,
    /// Traces of a template, of markup, of a speaker's label, or a sentence
    /// that does not end.
    Debris,
    /// It is not English.
    Language,
    /// More or fewer questions than the intent allows, or one that is not at
    /// the end.
    Questions,
    /// It gives the point away.
    Leak,
    /// It praises, grades or corrects.
    Verdict,
    /// It says again what was said, or repeats itself.
    Repeats,
    /// It says what the candidate did, thinks or said beyond their own words,
    /// or speaks as the candidate.
    WordsInMouth,
    /// A quotation is not the candidate's, letter for letter.
    Quote,
    /// It is too long.
    Long,
    /// It does not ask what it was to ask, or leaves out what it was to say.
    Meaning,
    /// It speaks of something that neither the question, the candidate nor the
    /// guide's line speaks of.
    Relevance,
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Debris => "debris",
            Self::Language => "language",
            Self::Questions => "questions",
            Self::Leak => "leak",
            Self::Verdict => "verdict",
            Self::Repeats => "repeats",
            Self::WordsInMouth => "words-in-mouth",
            Self::Quote => "quote",
            Self::Long => "long",
            Self::Meaning => "meaning",
            Self::Relevance => "relevance",
        })
    }
}

/// A broken rule with what broke it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// The rule.
    pub rule: Rule,
    /// What broke it, for the journal and `--verbose`.
    pub detail: String,
}

/// What a line is measured against.
#[derive(Debug, Clone, Copy)]
pub struct Standard<'a> {
    /// Why it is said.
    pub intent: Intent,
    /// What is known.
    pub facts: &'a Facts,
    /// The guide's own words for it.
    pub fallback: &'a str,
    /// The most words it may have.
    pub max_words: usize,
    /// Where vectors are at hand: how near it must be to the guide's probe.
    pub min_similarity: f32,
}

/// Below this cosine of two sentence vectors a line does not ask what the
/// guide's probe asks. Chosen on MiniLM vectors, where rewordings of one
/// question lie between 0.6 and 0.95 and different questions on one subject
/// between 0.2 and 0.55.
pub const MIN_SIMILARITY: f32 = 0.62;

/// As [`MIN_SIMILARITY`] for a model of fewer than a billion parameters. Read
/// line by line, what the starter writes below this is a different question,
/// or an odd one ("What part of that was your share?").
pub const MIN_SIMILARITY_SMALL: f32 = 0.8;

/// Without vectors: the share of the probe's meaning words a line must hold.
const MIN_SHARED_STEMS: f32 = 0.5;

/// Below this cosine a line that asks nothing does not say what the guide's
/// line says: a closing or a handover in other words lies above 0.4 on MiniLM
/// vectors, a sentence about something else below 0.2.
pub const MIN_RELEVANCE: f32 = 0.3;

/// A line that shares this much with an earlier one says it again.
const MAX_OVERLAP: f32 = 0.75;

/// This many words of the point's own statement, beyond those the candidate,
/// the question and the probe use, give it away.
const MAX_POINT_WORDS: usize = 2;

/// Checks a whole line against every rule; returns all that it breaks.
///
/// `similarity` is the cosine between the vectors of what the line asks and of
/// the guide's probe, or of the whole line and the guide's where it asks
/// nothing; `None` without an embedder.
pub fn check(line: &str, standard: &Standard<'_>, similarity: Option<f32>) -> Vec<Breach> {
    let mut breaches = check_piece(line, standard);
    breaches.extend(questions(line, standard.intent));
    breaches.extend(meaning(line, standard, similarity));
    breaches.extend(
        similarity
            .filter(|similarity| !standard.intent.is_follow_up() && *similarity < MIN_RELEVANCE)
            .map(|similarity| Breach {
                rule: Rule::Relevance,
                detail: format!("similarity {similarity:.2}"),
            }),
    );
    breaches.extend(
        (!line.trim_end().ends_with(['.', '?', '!', '"', '\u{201d}'])).then(|| Breach {
            rule: Rule::Debris,
            detail: "does not end".into(),
        }),
    );
    breaches
}

/// Checks what can be checked of a part of a line: one sentence of it, or all
/// so far.
pub fn check_piece(line: &str, standard: &Standard<'_>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut broke = |rule: Rule, detail: Option<String>| {
        breaches.extend(detail.map(|detail| Breach { rule, detail }));
    };
    broke(Rule::Empty, empty(line));
    broke(Rule::Debris, debris(line));
    broke(Rule::Language, language(line));
    broke(Rule::Leak, leak(line, standard));
    broke(Rule::Verdict, verdict(line, standard));
    broke(Rule::Repeats, repeats(line, standard));
    broke(Rule::WordsInMouth, words_in_mouth(line, standard));
    broke(Rule::Quote, quote(line, standard.facts));
    broke(Rule::Long, long(line, standard));
    broke(Rule::Relevance, relevance::foreign(line, standard));
    breaches
}

fn empty(line: &str) -> Option<String> {
    let none = !line.chars().any(char::is_alphabetic);
    none.then(|| "no words".into())
}

fn debris(line: &str) -> Option<String> {
    let trimmed = line.trim();
    let lower = trimmed.to_lowercase().replace('\u{2019}', "'");
    if let Some(trace) = DEBRIS.iter().find(|trace| lower.contains(**trace)) {
        return Some((*trace).to_owned());
    }
    let spoken = words(trimmed).join(" ");
    if let Some(phrase) = CHATTER
        .iter()
        .find(|phrase| find_phrase(&spoken, phrase).is_some())
    {
        return Some((*phrase).to_owned());
    }
    if let Some((label, _)) = lower.split_once(':')
        && (LABELS.contains(&label.trim()) || label.split_whitespace().count() <= 1)
    {
        return Some(format!("{label}:"));
    }
    if !quoted(trimmed).balanced {
        return Some("a quotation mark without its partner".into());
    }
    let first = trimmed.chars().next()?;
    if !(first.is_uppercase() || matches!(first, '"' | '\u{201c}' | '\'' | '\u{2018}')) {
        return Some(format!("begins with {first:?}"));
    }
    if trimmed.chars().any(|c| {
        c.is_control()
            || matches!(
                c,
                '[' | ']' | '<' | '>' | '|' | '*' | '#' | '_' | '`' | '\\'
            )
    }) {
        return Some("a character of markup".into());
    }
    trimmed
        .contains("..")
        .then(|| "an unfinished sentence".into())
}

fn language(line: &str) -> Option<String> {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    let latin = line
        .chars()
        .filter(|c| c.is_alphabetic() && (c.is_ascii() || ('\u{c0}'..='\u{24f}').contains(c)))
        .count();
    let ascii = line.chars().filter(char::is_ascii_alphabetic).count();
    if latin < letters || ascii * 10 < letters * 9 {
        return Some("letters of another script".into());
    }
    let words = words(line);
    let grammar = words.iter().filter(|word| is_function_word(word)).count();
    (words.len() >= 4 && grammar * 6 < words.len())
        .then(|| "few of the small words of English".into())
}

fn questions(line: &str, intent: Intent) -> Option<Breach> {
    let outside = quoted(line).outside;
    let marks = outside.matches('?').count();
    let detail = if intent.is_follow_up() {
        if marks != 1 {
            Some(format!("{marks} question marks"))
        } else if !line.trim_end().ends_with('?') {
            Some("the question is not at the end".into())
        } else {
            second_question(&outside)
        }
    } else {
        (marks > 0).then(|| "a question where none belongs".into())
    };
    detail.map(|detail| Breach {
        rule: Rule::Questions,
        detail,
    })
}

/// Finds a second question behind "and" or "or" in the sentence that asks:
/// "What broke, and how did you find out?" is two.
fn second_question(outside: &str) -> Option<String> {
    let asking = sentences(outside)
        .into_iter()
        .rev()
        .find(|s| s.contains('?'))?;
    let words = words(asking);
    words
        .windows(2)
        .enumerate()
        .find(|(at, pair)| {
            let opened = words[..*at]
                .iter()
                .any(|word| QUESTION_WORDS.contains(&word.as_str()) || word == "you");
            opened
                && matches!(pair[0].as_str(), "and" | "or" | "then" | "also")
                && QUESTION_WORDS.contains(&pair[1].as_str())
        })
        .map(|(_, pair)| format!("a second question: {} {}", pair[0], pair[1]))
}

fn leak(line: &str, standard: &Standard<'_>) -> Option<String> {
    let facts = standard.facts;
    let point = facts.point.as_ref()?;
    if let Some(term) = leaked(line, &point.key_terms, &facts.answer) {
        return Some(term.to_owned());
    }
    // The point in other words: too many of the statement's own.
    let known: Vec<String> = [
        Some(facts.answer.as_str()),
        facts.asked.as_deref(),
        facts.probe.as_deref(),
    ]
    .into_iter()
    .flatten()
    .flat_map(content_stems)
    .collect();
    let mut shared: Vec<String> = content_stems(&point.text);
    shared.retain(|stem| !known.contains(stem));
    shared.sort_unstable();
    shared.dedup();
    let line = content_stems(line);
    shared.retain(|stem| line.contains(stem));
    (shared.len() >= MAX_POINT_WORDS).then(|| shared.join(", "))
}

fn verdict(line: &str, standard: &Standard<'_>) -> Option<String> {
    let outside = quoted(line).outside;
    let lower = format!(" {} ", words(&outside).join(" "));
    let own = format!(" {} ", words(standard.fallback).join(" "));
    let holds = |phrase: &&&str| {
        let phrase = format!(" {phrase} ");
        lower.contains(&phrase) && !own.contains(&phrase)
    };
    if let Some(phrase) = VERDICTS.iter().chain(OUTCOMES).find(holds) {
        return Some((*phrase).to_owned());
    }
    if outside.contains('!') {
        return Some("an exclamation mark".into());
    }
    sentences(&outside).into_iter().find_map(|sentence| {
        let first = words(sentence).into_iter().next()?;
        let judged = VERDICT_OPENINGS.contains(&first.as_str());
        // The guide's own opening ("Right.") is neutral.
        let own_opening = sentences(standard.fallback)
            .iter()
            .any(|own| words(own).first() == Some(&first));
        (judged && !own_opening).then(|| format!("begins with {first:?}"))
    })
}

fn repeats(line: &str, standard: &Standard<'_>) -> Option<String> {
    let facts = standard.facts;
    // Two passages of the candidate's may share words.
    let here = words(&quoted(line).outside);
    if here.len() >= 6 {
        let mut seen = std::collections::HashSet::new();
        if let Some(three) = here.windows(3).find(|three| !seen.insert(*three)) {
            return Some(three.join(" "));
        }
    }
    let asked = facts
        .asked
        .iter()
        .filter(|_| standard.intent.is_follow_up());
    facts
        .earlier
        .iter()
        .chain(asked)
        .find(|earlier| overlap(line, earlier) >= MAX_OVERLAP)
        .map(|earlier| format!("said before: {earlier}"))
}

/// Returns how much of the shorter text's words the longer one holds: 0 to 1.
fn overlap(one: &str, other: &str) -> f32 {
    let set =
        |text: &str| -> std::collections::BTreeSet<String> { words(text).into_iter().collect() };
    let (one, other) = (set(one), set(other));
    let all = one.union(&other).count();
    if all == 0 {
        return 0.0;
    }
    one.intersection(&other).count() as f32 / all as f32
}

fn words_in_mouth(line: &str, standard: &Standard<'_>) -> Option<String> {
    let facts = standard.facts;
    let found = quoted(line);
    let said = content_stems(&facts.answer);
    let fallback = words(standard.fallback).join(" ");
    for sentence in sentences(&found.outside) {
        let lower = words(sentence).join(" ");
        for report in REPORTS {
            let Some(at) = find_phrase(&lower, report) else {
                continue;
            };
            // "What did you decide" and "if you used" claim nothing.
            let before = lower.get(..at).unwrap_or("").split_whitespace().next_back();
            let asks = before.is_some_and(|word| ASKS.contains(&word));
            if asks || find_phrase(&fallback, report).is_some() {
                continue;
            }
            if said.is_empty() {
                return Some(format!("{report}: nothing was said"));
            }
            // Up to the next clause, every word must be the candidate's.
            let from = sentence
                .to_lowercase()
                .replace('\u{2019}', "'")
                .find(report)
                .map_or(sentence.len(), |at| at + report.len());
            let clause = sentence.get(from..).unwrap_or("");
            let clause = clause
                .split([',', ';', ':', '.', '?', '\u{2014}'])
                .next()
                .unwrap_or("");
            if let Some(stem) = content_stems(clause)
                .into_iter()
                .find(|stem| !said.contains(stem))
            {
                return Some(format!("{report} \u{2026} {stem}"));
            }
        }
        let mut own = lower.clone();
        for phrase in OWN_VOICE {
            own = own.replace(phrase, "");
        }
        let own_words: Vec<&str> = own.split_whitespace().collect();
        let as_candidate = own_words.iter().find(|word| {
            matches!(
                **word,
                "i" | "i'm" | "i've" | "i'd" | "my" | "mine" | "we" | "we've" | "our"
            ) && find_phrase(&fallback, word).is_none()
        });
        if let Some(word) = as_candidate {
            return Some(format!("speaks as {word:?}"));
        }
    }
    None
}

/// Finds a phrase at word borders in words joined by single spaces.
fn find_phrase(text: &str, phrase: &str) -> Option<usize> {
    format!(" {text} ").find(&format!(" {phrase} "))
}

fn quote(line: &str, facts: &Facts) -> Option<String> {
    let allowed = facts.point.as_ref().map_or(&[][..], |point| &point.quotes);
    quoted(line)
        .quotes
        .into_iter()
        .find(|quote| {
            let bare = quote.trim_end_matches(['.', ',', '?', '!']);
            let passage = facts.passages.iter().any(|passage| passage.contains(bare));
            bare.split_whitespace().count() < 2
                || !(passage
                    || (facts.answer.contains(bare)
                        && allowed.iter().any(|allowed| allowed.contains(bare))))
        })
        .map(str::to_owned)
}

fn long(line: &str, standard: &Standard<'_>) -> Option<String> {
    let count = words(line).len();
    let most = if standard.intent == Intent::Harder {
        4
    } else {
        3
    };
    let spoken = sentences(line).len();
    if count > standard.max_words {
        Some(format!("{count} words"))
    } else if spoken > most {
        Some(format!("{spoken} sentences"))
    } else {
        None
    }
}

fn meaning(line: &str, standard: &Standard<'_>, similarity: Option<f32>) -> Option<Breach> {
    let facts = standard.facts;
    let detail = if standard.intent.is_follow_up() {
        let probe = facts.probe.as_deref().unwrap_or(standard.fallback);
        match similarity {
            Some(similarity) if similarity < standard.min_similarity => {
                Some(format!("similarity {similarity:.2}"))
            }
            Some(_) => None,
            None => {
                let wanted = content_stems(probe);
                let here = content_stems(&quoted(line).outside);
                let shared = wanted.iter().filter(|stem| here.contains(stem)).count();
                let share = shared as f32 / wanted.len().max(1) as f32;
                (share < MIN_SHARED_STEMS).then(|| format!("shares {shared} of {}", wanted.len()))
            }
        }
    } else if standard.intent == Intent::Handover {
        let name = facts.next_name.as_deref().unwrap_or("");
        (!line.contains(name) || name.is_empty()).then(|| "does not name the next speaker".into())
    } else {
        None
    };
    detail.map(|detail| Breach {
        rule: Rule::Meaning,
        detail,
    })
}

#[cfg(test)]
mod tests;
