//! The parts of a story: which of situation, task, action, result and lesson a
//! behavioural answer tells (the STAR frame, with the lesson learned).
//!
//! Told from how people tell stories: time and place, duty, verbs in the first
//! person, outcomes with figures, hindsight.

use crate::guide::StarPart;

use super::text::Text;

const SITUATION: &[&str] = &[
    "last year",
    "last month",
    "last quarter",
    "when i was",
    "at my last",
    "at my previous",
    "in my last",
    "in my previous",
    "in my current",
    "at the time",
    "we had a",
    "there was a",
    "our team was",
    "my team was",
    "we were building",
    "i was working",
    "i worked on",
    "a few years",
    "years ago",
    "months ago",
    "during my",
    "at a startup",
    "at a bank",
    "the company",
];

const TASK: &[&str] = &[
    "my job",
    "my role",
    "my task",
    "my responsibility",
    "i was responsible",
    "i was asked",
    "i had to",
    "i needed to",
    "we had to",
    "we needed to",
    "i owned",
    "i was in charge",
    "the goal was",
    "the aim was",
    "the target was",
    "was on me",
    "i was leading",
    "i led",
];

const RESULT: &[&str] = &[
    "as a result",
    "in the end",
    "went up",
    "went down",
    "dropped",
    "dropped from",
    "increased",
    "reduced",
    "cut",
    "saved",
    "improved",
    "from there",
    "the outcome",
    "the result",
    "we shipped",
    "it shipped",
    "went live",
    "turned out",
    "ended up",
    "grew",
    "fell",
    "rose",
    "per cent",
    "percent",
    "doubled",
    "halved",
    "adopted",
];

const LESSON: &[&str] = &[
    "i learned",
    "i learnt",
    "taught me",
    "the lesson",
    "lesson",
    "next time",
    "in hindsight",
    "looking back",
    "since then",
    "these days i",
    "i would do differently",
    "do differently",
    "takeaway",
    "i now",
    "now i always",
    "i realised",
    "i realized",
    "if i did it again",
];

/// Verbs that, after `i`, are not something done.
const NOT_ACTIONS: &[&str] = &[
    "was", "am", "had", "have", "think", "thought", "guess", "feel", "felt", "mean", "believe",
    "would", "could", "dont", "didnt", "know", "like", "want", "wanted", "can", "will", "might",
    "just", "also", "really", "love", "enjoy", "hope", "agree", "suppose",
];

/// Returns how clearly `answer` tells `part`, 0 to 1.
pub fn signal(answer: &Text, part: StarPart) -> f32 {
    let plain = format!(" {} ", answer.plain(0..answer.words.len()));
    let heard = |phrases: &[&str]| -> f32 {
        let count = phrases
            .iter()
            .filter(|phrase| plain.contains(&format!(" {phrase} ")))
            .count();
        saturate(count, 1.0)
    };
    match part {
        StarPart::Situation => heard(SITUATION),
        StarPart::Task => heard(TASK),
        StarPart::Action => saturate(actions(answer), 2.0),
        StarPart::Result => {
            let figures = answer
                .words
                .iter()
                .any(|word| word.text.chars().any(|c| c.is_ascii_digit()));
            (heard(RESULT) + if figures { 0.3 } else { 0.0 }).min(1.0)
        }
        StarPart::Lesson => heard(LESSON),
    }
}

/// `1 - exp(-count / scale)`: more of the same adds less and less.
fn saturate(count: usize, scale: f32) -> f32 {
    1.0 - (-(count as f32) / scale).exp()
}

/// Returns the number of different things the speaker did.
fn actions(answer: &Text) -> usize {
    told(answer)
        .map(|(_, verb)| answer.words[verb].stem.as_str())
        .collect::<std::collections::BTreeSet<_>>()
        .len()
}

/// Returns where the speaker did something: positions of `i` and of the past
/// tense after it, an adverb between them allowed.
fn told(answer: &Text) -> impl Iterator<Item = (usize, usize)> {
    answer
        .words
        .iter()
        .enumerate()
        .filter_map(move |(at, word)| {
            if word.text != "i" {
                return None;
            }
            let verb = (at + 1..answer.words.len()).take(2).find(|next| {
                let next = answer.words[*next].text.as_str();
                !NOT_ACTIONS.contains(&next) && !next.ends_with("ly")
            })?;
            (answer.words[verb].text != "i").then_some((at, verb))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_tells_all_its_parts() {
        let story = Text::new(
            "Last year at a bank our fraud model broke. I was responsible for the fix, so I \
             traced the feed, rebuilt the join and talked to the vendor. Alerts dropped by 40 \
             percent. I learned to test feeds first.",
        );
        for part in [
            StarPart::Situation,
            StarPart::Task,
            StarPart::Action,
            StarPart::Result,
            StarPart::Lesson,
        ] {
            assert!(signal(&story, part) > 0.5, "{part:?}");
        }
    }

    #[test]
    fn an_opinion_tells_none() {
        let opinion = Text::new("Communication is important and teams should talk more.");
        for part in [
            StarPart::Task,
            StarPart::Action,
            StarPart::Result,
            StarPart::Lesson,
        ] {
            assert_eq!(signal(&opinion, part), 0.0, "{part:?}");
        }
    }
}
