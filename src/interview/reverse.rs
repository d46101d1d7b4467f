//! The reverse round: the candidate questions the panel.
//!
//! It owns which of the guides' red flags this employer has, which of them a
//! message of the candidate asks after, what the panel answers, and which of
//! them the candidate names in the end. Everything is told from words by their
//! stems; no model is asked. When the round ends is the machine's to decide,
//! and how it is shown the critique's.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::follow_up::is_declined;
use super::lines;
use super::plan::Plan;
use super::record::{Attempt, Line, Turn};
use super::words::{clauses, content_stems, holds, sentences};
use crate::guide::{Panellist, RedFlag};

/// Red flags an employer has; the guides' others it does well. With two of
/// five, asking about one thing only rarely shows both.
pub const PLANTED: usize = 2;

/// Messages the panel answers before it asks what the candidate makes of it.
pub const MAX_MESSAGES: usize = 4;

/// Questions of one message that are answered.
const MAX_REPLIES: usize = 3;

/// Questions of one message that are looked at.
const MAX_QUESTIONS: usize = 12;

/// Clauses of the last answer that are looked at.
const MAX_CLAUSES: usize = 120;

/// What a topic in a text weighs against one other word in common.
const TOPIC: usize = 2;

/// What tells that a clause speaks of no worry, in lower case.
const CALM: [&str; 12] = [
    "no worr",
    "not worr",
    "no concern",
    "not concern",
    "happy with",
    "reassur",
    "impress",
    "pleased",
    "glad",
    "liked",
    "sounded good",
    "good to hear",
];

/// What tells that the candidate has asked enough, in lower case.
const DONE: [&str; 14] = [
    "that's all",
    "that is all",
    "that's it",
    "that is it",
    "that was all",
    "no more",
    "nothing more",
    "nothing further",
    "no further",
    "no questions",
    "no other questions",
    "i'm done",
    "i am done",
    "all my questions",
];

/// A longer message is not only a goodbye.
const DONE_WORDS: usize = 12;

/// A red flag of the guides and whether this employer has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmployerFlag {
    /// The flag as the guide has it.
    pub flag: RedFlag,
    /// Where it stands in the guides.
    pub citation: String,
    /// Whether this employer has it; if not, the employer does this well.
    pub planted: bool,
}

/// A question of the candidate's and what the panel answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The message it was asked in, counted from 0.
    pub message: usize,
    /// Where in that message it stands, in bytes.
    pub asked: Range<usize>,
    /// The red flag it asks after; `None` when the panel had nothing to say
    /// to it.
    pub flag: Option<String>,
    /// Index of the panellist who answers.
    pub panellist: usize,
    /// What was said, as it was shown; `None` until it was.
    pub said: Option<String>,
}

/// What the candidate makes of the answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Weighing {
    /// The words in which the panel asked.
    pub asked: String,
    /// What the candidate said; `None` when nothing was.
    pub answer: Option<Turn>,
}

/// What became of one red flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding<'a> {
    /// The flag.
    pub employer: &'a EmployerFlag,
    /// The exchanges in which the candidate asked after it and was answered.
    pub exchanges: Vec<&'a Exchange>,
    /// Where the candidate named it in the end, in bytes of that answer;
    /// always empty for a flag that was not asked after.
    pub named: Vec<Range<usize>>,
}

/// A line to be said in answer, with its exchange.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    pub(super) exchange: Exchange,
    pub(super) text: String,
}

/// Returns what this employer is like: [`PLANTED`] of `flags`, drawn by the
/// number `draw` gives each identifier, are there, and the others are not.
pub(super) fn plant(
    flags: Vec<(RedFlag, String)>,
    draw: impl Fn(&str) -> u64,
) -> Vec<EmployerFlag> {
    let mut order: Vec<(u64, String)> = flags
        .iter()
        .map(|(flag, _)| (draw(&flag.id), flag.id.clone()))
        .collect();
    order.sort();
    let planted: BTreeSet<String> = order.into_iter().take(PLANTED).map(|(_, id)| id).collect();
    flags
        .into_iter()
        .map(|(flag, citation)| EmployerFlag {
            planted: planted.contains(&flag.id),
            flag,
            citation,
        })
        .collect()
}

/// Returns whether a message says that there are no more questions.
pub(super) fn is_done(text: &str, flags: &[EmployerFlag]) -> bool {
    if text.contains('?') {
        return false;
    }
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    let short = lower.split_whitespace().count() <= DONE_WORDS;
    if short && DONE.iter().any(|phrase| lower.contains(phrase)) {
        return true;
    }
    is_declined(text) && flags.iter().all(|one| asks_after(&one.flag, text) == 0)
}

/// Returns what the panel answers to the message that follows `attempt`: one
/// reply a question, each about another red flag, or one line that says that
/// the panel has no answer. Never empty.
pub(super) fn replies(
    plan: &Plan,
    index: usize,
    attempt: &Attempt,
    message: &str,
    said: &[Line],
) -> Vec<Reply> {
    let number = attempt.turns.len();
    let salt = index * 31 + number;
    let mut replies: Vec<Reply> = Vec::new();
    let mut matched = false;
    for asked in questions(message) {
        if replies.len() == MAX_REPLIES {
            break;
        }
        let Some(employer) = best(plan, attempt, &message[asked.clone()]) else {
            continue;
        };
        matched = true;
        let known = |reply: &Reply| reply.exchange.flag.as_deref() == Some(&employer.flag.id);
        if replies.iter().any(known) {
            continue;
        }
        let Some(text) = lines::pick_unsaid(employer.answers(), plan.seed, salt, said) else {
            continue;
        };
        let mut spoken = vec![0_usize; plan.panel.len()];
        let before = replies.iter().map(|reply| reply.exchange.panellist);
        for who in before.chain(attempt.exchanges.iter().map(|one| one.panellist)) {
            if let Some(count) = spoken.get_mut(who) {
                *count += 1;
            }
        }
        replies.push(Reply {
            exchange: Exchange {
                message: number,
                asked,
                flag: Some(employer.flag.id.clone()),
                panellist: answers(&plan.panel, &employer.flag, &spoken),
                said: None,
            },
            text: text.clone(),
        });
    }
    if replies.is_empty() {
        let asker = plan.questions.get(index).map_or(0, |one| one.panellist);
        replies.push(Reply {
            exchange: Exchange {
                message: number,
                asked: 0..message.len(),
                flag: None,
                panellist: asker,
                said: None,
            },
            text: lines::no_answer(plan.seed, salt, said, matched),
        });
    }
    replies
}

/// Returns what became of each red flag of the plan, in its order.
pub fn findings<'a>(plan: &'a Plan, attempt: &'a Attempt) -> Vec<Finding<'a>> {
    let mut findings: Vec<Finding<'a>> = plan
        .red_flags
        .iter()
        .map(|employer| Finding {
            employer,
            exchanges: attempt
                .exchanges
                .iter()
                .filter(|one| {
                    one.said.is_some() && one.flag.as_deref() == Some(employer.flag.id.as_str())
                })
                .collect(),
            named: Vec::new(),
        })
        .collect();
    let answer = attempt
        .weighing
        .as_ref()
        .and_then(|weighing| weighing.answer.as_ref());
    if let Some(answer) = answer {
        name(&mut findings, &answer.text);
    }
    findings
}

impl EmployerFlag {
    fn answers(&self) -> &[String] {
        if self.planted {
            &self.flag.planted
        } else {
            &self.flag.healthy
        }
    }
}

/// Returns the questions of a message as byte ranges; a message without a
/// question mark is one question, and what follows the last mark is none.
fn questions(message: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, mark) in message.match_indices('?').take(MAX_QUESTIONS) {
        let end = at + mark.len();
        if message[start..at].chars().any(char::is_alphanumeric) {
            found.push(start..end);
        }
        start = end;
    }
    if found.is_empty() {
        found.push(0..message.len());
    }
    found
}

/// Returns the flag that a question asks after: the most words in common,
/// then the one not spoken of yet, then the guide's order.
fn best<'a>(plan: &'a Plan, attempt: &Attempt, question: &str) -> Option<&'a EmployerFlag> {
    plan.red_flags
        .iter()
        .enumerate()
        .map(|(place, employer)| (asks_after(&employer.flag, question), place, employer))
        .filter(|(score, _, _)| *score > 0)
        .max_by_key(|(score, place, employer)| {
            let id = Some(employer.flag.id.as_str());
            let fresh = attempt
                .exchanges
                .iter()
                .all(|one| one.flag.as_deref() != id);
            (*score, fresh, std::cmp::Reverse(*place))
        })
        .map(|(_, _, employer)| employer)
}

/// Returns how much a question asks after a flag; 0 is not at all. It counts
/// the flag's topics, and the words it shares with a question of the guide
/// that brings the flag to light, where they are most of that question.
fn asks_after(flag: &RedFlag, question: &str) -> usize {
    let words = super::leak::stems(question);
    let content: BTreeSet<String> = content_stems(question);
    let shared = flag
        .asks
        .iter()
        .filter_map(|ask| {
            let ask = content_stems(ask);
            let shared = ask.intersection(&content).count();
            // Three words in five: a paraphrase, not an accident.
            (shared >= 2 && shared * 5 >= ask.len() * 3).then_some(shared)
        })
        .max()
        .unwrap_or(0);
    TOPIC * topics(flag, &words) + shared
}

/// Returns how many topics of a flag stand in `words`, one a stem.
fn topics(flag: &RedFlag, words: &[String]) -> usize {
    let topics: BTreeSet<Vec<String>> = flag
        .topics
        .iter()
        .map(|topic| super::leak::stems(topic))
        .collect();
    topics.iter().filter(|topic| holds(words, topic)).count()
}

/// Returns who answers: whose role, competencies and interests share most
/// words with the flag, unless somebody else has hardly spoken.
fn answers(panel: &[Panellist], flag: &RedFlag, spoken: &[usize]) -> usize {
    let about: BTreeSet<String> = flag
        .topics
        .iter()
        .chain([&flag.title])
        .flat_map(|text| content_stems(text))
        .collect();
    (0..panel.len())
        .min_by_key(|&index| {
            let person = &panel[index];
            let competencies: Vec<String> = person
                .competencies
                .iter()
                .map(|one| format!("{one:?}"))
                .collect();
            let knows: BTreeSet<String> = person
                .listens_for
                .iter()
                .chain(&competencies)
                .chain([&person.role])
                .flat_map(|text| content_stems(text))
                .collect();
            let fit = 2 * knows.intersection(&about).count();
            (
                std::cmp::Reverse((fit + 100).saturating_sub(3 * spoken[index])),
                index,
            )
        })
        .unwrap_or(0)
}

/// Finds the flags that were asked after in what the candidate said at the
/// end. A clause names the flag with which it shares most words; one that
/// speaks of no worry names none. Where no clause of a sentence names any, the
/// whole sentence may.
fn name(findings: &mut [Finding<'_>], text: &str) {
    let mut looked = 0;
    for sentence in sentences(text) {
        let mut calm = false;
        let mut settled = false;
        for clause in clauses(text, sentence.clone()) {
            looked += 1;
            if looked > MAX_CLAUSES {
                return;
            }
            // "I'm not worried about monitoring or metrics, but ..."
            calm = (calm && !clause.turns) || is_calm(&text[clause.range.clone()]);
            settled |= calm || name_in(findings, text, clause.range);
        }
        if !settled {
            name_in(findings, text, sentence);
        }
    }
}

/// Returns whether a clause speaks of no worry.
fn is_calm(clause: &str) -> bool {
    let lower = clause.to_lowercase().replace('\u{2019}', "'");
    CALM.iter().any(|mark| {
        lower.match_indices(mark).any(|(at, _)| {
            let before = &lower[..at];
            !["not ", "n't ", "less ", "never ", "un"]
                .iter()
                .any(|turn| before.ends_with(turn))
        })
    })
}

fn name_in(findings: &mut [Finding<'_>], text: &str, range: Range<usize>) -> bool {
    let words = super::leak::stems(&text[range.clone()]);
    let content = content_stems(&text[range.clone()]);
    let scores: Vec<usize> = findings
        .iter()
        .map(|finding| {
            if finding.exchanges.is_empty() {
                return 0;
            }
            let flag = &finding.employer.flag;
            let title = content_stems(&flag.title).intersection(&content).count();
            let heard: BTreeSet<String> = finding
                .exchanges
                .iter()
                .filter_map(|one| one.said.as_deref())
                .flat_map(content_stems)
                .collect();
            let heard = heard.intersection(&content).count();
            // One word of an answer may be there by chance.
            let heard = if heard >= 2 { heard } else { 0 };
            TOPIC * topics(flag, &words) + title + heard
        })
        .collect();
    let most = scores.iter().copied().max().unwrap_or(0);
    if most < TOPIC {
        return false;
    }
    let planted = findings
        .iter()
        .zip(&scores)
        .any(|(finding, score)| *score == most && finding.employer.planted);
    for (finding, score) in findings.iter_mut().zip(scores) {
        if score == most && finding.employer.planted == planted {
            finding.named.push(range.clone());
        }
    }
    true
}

#[cfg(test)]
#[path = "reverse_tests.rs"]
mod tests;
