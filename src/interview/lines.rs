//! The guide's own words for every line the panel says, picked and put
//! together so that each can be said as it stands.

use super::contradiction::Contradiction;
use super::follow_up::Decision;
use super::intent::{Facts, Intent, PointFacts, Speaker, Utterance};
use super::leak::leaked;
use super::plan::Plan;
use super::record::{Attempt, Line};
use super::spoken::Lack;
use crate::guide::{Panellist, Point};
use crate::judge::Verdict;

/// What the chair says when an interview ends before its last question.
pub const EARLY_CLOSING: &str = "Let's stop there for today. Thank you for the time you gave us.";

/// What comes before an easier way in. None of them praises or grades.
const ENCOURAGEMENTS: [&str; 4] = [
    "No problem, let me come at it another way.",
    "That's all right, take a moment.",
    "Fine, let me make it more concrete.",
    "Let's try a smaller piece of it.",
];

/// What is asked when every probe of a point would give it away, or was said
/// already.
const OPEN_PROBES: [&str; 3] = [
    "What else would you look at before you were done?",
    "Could you walk me one step further?",
    "What would a careful colleague ask you about that?",
];

/// What is said to a question of the candidate's that the panel has no answer
/// to. Each fits any question and invites another.
const NO_ANSWERS: [&str; 4] = [
    "I can't give you a fair answer to that in this room, and I'd rather not guess. What else would you like to ask us?",
    "That is not one I can speak to today, I'm afraid, and a guess would not help you. Please, ask us another.",
    "I'd have to leave that to somebody who knows it better than I do. Is there anything else you want to hear from us?",
    "We won't get to the bottom of that one today, so let me pass on it. What would you ask us next?",
];

/// What is said to a question about something the panel has told all of.
const ALL_TOLD: [&str; 2] = [
    "You have had all I know about that one. What else would you like to ask?",
    "There is nothing I could add to what was said about that. Shall we take another of your questions?",
];

/// How the panel asks what the candidate makes of its answers. None says
/// whether there was anything to notice.
const WEIGH: [&str; 3] = [
    "From what you have heard, what would make you hesitate to join us?",
    "Then let me turn it round once: going by our answers, what would hold you back from working here?",
    "One from us before we stop: after what we have told you, what would you think twice about before signing?",
];

/// How the panel asks for a figure behind what was said.
const FIGURES: [&str; 3] = [
    "Can you put a figure on that?",
    "How much was that, roughly, in numbers?",
    "What did you measure there, and what came out?",
];

/// How the panel asks what something was weighed against.
const PRICES: [&str; 3] = [
    "What did you give up for that?",
    "What would have spoken for doing it the other way?",
    "And what does that cost you?",
];

/// How the panel asks where something breaks.
const BREAKS: [&str; 3] = [
    "Where would that break first?",
    "When has that gone wrong for you?",
    "What would make that fail?",
];

/// How the panel asks about two things that do not go together, {earlier} and
/// {later}. None says which of them is right, or that one is not.
const RECONCILIATIONS: [&str; 3] = [
    "Earlier you said \u{201c}{earlier}\u{201d}, and now \u{201c}{later}\u{201d}. How do those two go together?",
    "I have \u{201c}{earlier}\u{201d} from you in my notes, and then \u{201c}{later}\u{201d}. Which of the two should I go by?",
    "You said \u{201c}{earlier}\u{201d} before, and \u{201c}{later}\u{201d} just now. Would you help me put the two together?",
];

/// How the panel cuts in. None says what was made of the answer.
const INTERRUPTIONS: [&str; 4] = [
    "I'm going to stop you there, we have to watch the clock.",
    "Sorry, let me cut in here: that is the time we have for this one.",
    "Let me stop you for a moment, we are over time on this.",
    "I'll come in here, or we won't get through the rest.",
];

/// Quotes of fewer words say nothing; longer ones are tiring to hear.
const QUOTE_WORDS: std::ops::RangeInclusive<usize> = 3..=14;

/// Returns the lines that open an interview: the chair, then everybody else.
pub(super) fn opening(plan: &Plan) -> Vec<(usize, Utterance)> {
    plan.panel
        .iter()
        .enumerate()
        .map(|(index, person)| {
            let (intent, text) = if index == 0 {
                let text = format!("{} {}", person.greeting.trim(), plan.opening.trim());
                (Intent::Opening, text)
            } else {
                (Intent::Greeting, person.greeting.trim().to_owned())
            };
            (index, line(plan, index, intent, text))
        })
        .collect()
}

/// Returns the line that asks the question at `index`.
pub(super) fn ask(plan: &Plan, index: usize, intent: Intent) -> Option<(usize, Utterance)> {
    let planned = plan.questions.get(index)?;
    let mut utterance = line(plan, planned.panellist, intent, planned.asked.clone());
    utterance.facts = question_facts(plan, index, "")?;
    Some((planned.panellist, utterance))
}

/// Returns the line in which `from` hands over to the panellist of the
/// question at `index`.
pub(super) fn handover(
    plan: &Plan,
    from: usize,
    index: usize,
    said: &[Line],
) -> Option<(usize, Utterance)> {
    let speaker = plan.panel.get(from)?;
    let next = first_name(plan.asks(index)?);
    let texts: Vec<String> = speaker
        .handovers
        .iter()
        .map(|text| text.replace("{name}", next))
        .collect();
    let text = pick(&texts, plan.seed, index, said)?.clone();
    let mut utterance = line(plan, from, Intent::Handover, text);
    utterance.facts.next_name = Some(next.to_owned());
    Some((from, utterance))
}

/// Returns the chair's last line.
pub(super) fn closing(plan: &Plan, early: bool) -> (usize, Utterance) {
    let text = if early {
        EARLY_CLOSING
    } else {
        plan.closing.trim()
    };
    (0, line(plan, 0, Intent::Closing, text.to_owned()))
}

/// Returns the line of a follow-up, with the point it is after; `None` when
/// there is nothing to say.
pub(super) fn follow_up(
    plan: &Plan,
    index: usize,
    attempt: &Attempt,
    decision: Decision<'_>,
    said: &[Line],
) -> Option<(usize, Utterance, Option<String>)> {
    let planned = plan.questions.get(index)?;
    let speaker = plan.panel.get(planned.panellist)?;
    let answer = attempt.answer();
    let salt = index * 31 + attempt.turns.len();
    let mut facts = question_facts(plan, index, &answer)?;
    // A panellist's way of leading on may hold a word of the point asked after.
    let lead_to = |leads: &[String], point: &Point| {
        let fit: Vec<String> = leads
            .iter()
            .filter(|lead| leaked(lead, &point.key_terms, &answer).is_none())
            .cloned()
            .collect();
        pick(&fit, plan.seed, salt, said).cloned()
    };
    let (intent, point, lead, body) = match decision {
        Decision::MoveOn => return None,
        Decision::Harder(which) => {
            let lead = pick(&speaker.acknowledgements, plan.seed, salt, said).cloned();
            (
                Intent::Harder,
                None,
                lead,
                planned.question.harder.get(which)?.clone(),
            )
        }
        Decision::Probe(point) => {
            let lead = lead_to(&speaker.acknowledgements, point);
            let point_facts = point_facts(point, attempt, &answer);
            let probe = probe(point, &answer, plan.seed, salt, said);
            (Intent::Probe, Some(point_facts), lead, probe)
        }
        Decision::Deepen(point, lack) => {
            let list = match lack {
                Lack::Number => FIGURES,
                Lack::TradeOff => PRICES,
                Lack::Failure => BREAKS,
            };
            let lead = lead_to(&speaker.acknowledgements, point);
            let point_facts = point_facts(point, attempt, &answer);
            let body = pick(&list.map(str::to_owned), plan.seed, salt, said)?.clone();
            (Intent::Deepen, Some(point_facts), lead, body)
        }
        Decision::Encourage(point) => {
            let lead = lead_to(&ENCOURAGEMENTS.map(str::to_owned), point);
            let point_facts = point_facts(point, attempt, &answer);
            let probe = probe(point, &answer, plan.seed, salt, said);
            (Intent::Encourage, Some(point_facts), lead, probe)
        }
    };
    let quote = matches!(intent, Intent::Probe | Intent::Deepen)
        .then(|| point.as_ref()?.quotes.first())
        .flatten();
    let mut words: Vec<String> = lead.iter().cloned().collect();
    if let Some(quote) = quote {
        words.push(format!("You said \u{201c}{quote}\u{201d}."));
    }
    words.push(body.clone());
    let mut utterance = line(plan, planned.panellist, intent, words.join(" "));
    let point_id = point.as_ref().map(|point| point.id.clone());
    facts.point = point;
    facts.probe = Some(body);
    facts.lead = lead;
    facts.seed = seed_of(plan.seed, salt);
    utterance.facts = facts;
    Some((planned.panellist, utterance, point_id))
}

/// Returns the line that asks how two passages of the candidate's go together;
/// `None` where one of them cannot be said aloud, or the line would give a
/// point of the question away.
pub(super) fn reconcile(
    plan: &Plan,
    index: usize,
    attempt: &Attempt,
    clash: &Contradiction,
    said: &[Line],
) -> Option<(usize, Utterance, Option<String>)> {
    let planned = plan.questions.get(index)?;
    let (earlier, later) = (clash.earlier.spoken.as_ref()?, clash.later.spoken.as_ref()?);
    let salt = index * 31 + attempt.turns.len();
    let list = RECONCILIATIONS.map(str::to_owned);
    let text = pick(&list, plan.seed, salt, said)?
        .replace("{earlier}", earlier)
        .replace("{later}", later);
    // What was said elsewhere in the interview may hold a key term of this
    // question that was not said to it.
    let answer = attempt.answer();
    let leaks = planned
        .question
        .points
        .iter()
        .any(|point| leaked(&text, &point.key_terms, &format!("{answer} {earlier}")).is_some());
    if leaks {
        return None;
    }
    let mut utterance = line(plan, planned.panellist, Intent::Reconcile, text.clone());
    let mut facts = question_facts(plan, index, &answer)?;
    facts.passages = vec![earlier.clone(), later.clone()];
    facts.probe = text.rsplit(". ").next().map(str::to_owned);
    utterance.facts = facts;
    Some((planned.panellist, utterance, None))
}

/// Returns the line in which a panellist answers the candidate.
pub(super) fn reply(
    plan: &Plan,
    index: usize,
    panellist: usize,
    text: String,
) -> Option<(usize, Utterance)> {
    let mut utterance = line(plan, panellist, Intent::Reply, text);
    utterance.facts = question_facts(plan, index, "")?;
    Some((panellist, utterance))
}

/// Returns the words of an answer that answers nothing; `told` when the panel
/// has said all it knows about the matter.
pub(super) fn no_answer(seed: u64, salt: usize, said: &[Line], told: bool) -> String {
    let list: Vec<String> = if told {
        ALL_TOLD.map(str::to_owned).into()
    } else {
        NO_ANSWERS.map(str::to_owned).into()
    };
    pick(&list, seed, salt, said).cloned().unwrap_or_default()
}

/// Returns the line that cuts in on an answer to the question at `index`.
pub(super) fn interruption(plan: &Plan, index: usize, said: &[Line]) -> Option<(usize, Utterance)> {
    let panellist = plan.questions.get(index)?.panellist;
    let list = INTERRUPTIONS.map(str::to_owned);
    let text = pick(&list, plan.seed, index * 31, said)?.clone();
    let mut utterance = line(plan, panellist, Intent::Interrupt, text);
    utterance.facts = question_facts(plan, index, "")?;
    Some((panellist, utterance))
}

/// Returns the line that asks what the candidate makes of the panel's answers.
pub(super) fn weigh(plan: &Plan, index: usize, said: &[Line]) -> Option<(usize, Utterance)> {
    let panellist = plan.questions.get(index)?.panellist;
    let text = pick(&WEIGH.map(str::to_owned), plan.seed, index * 31, said)?.clone();
    let mut utterance = line(plan, panellist, Intent::Weigh, text);
    utterance.facts = question_facts(plan, index, "")?;
    Some((panellist, utterance))
}

/// Returns the first name of a panellist.
pub fn first_name(person: &Panellist) -> &str {
    person
        .name
        .split_whitespace()
        .next()
        .unwrap_or(person.name.as_str())
}

fn line(plan: &Plan, panellist: usize, intent: Intent, text: String) -> Utterance {
    // The panel of a plan is never empty and every index comes from it; the
    // chair stands in where a journal was edited by hand.
    let speaker = plan
        .panel
        .get(panellist)
        .or_else(|| plan.panel.first())
        .map(Speaker::from)
        .unwrap_or_else(|| Speaker {
            id: "panel".to_owned(),
            name: "The panel".to_owned(),
            role: String::new(),
            brief: String::new(),
            manner: String::new(),
        });
    Utterance {
        speaker,
        intent,
        fallback: text,
        facts: Facts::default(),
    }
}

fn question_facts(plan: &Plan, index: usize, answer: &str) -> Option<Facts> {
    let planned = plan.questions.get(index)?;
    Some(Facts {
        question: Some(planned.question.id.clone()),
        asked: Some(planned.asked.clone()),
        panel_note: Some(planned.question.panel_note.clone()),
        answer: answer.to_owned(),
        seed: seed_of(plan.seed, index * 31),
        ..Facts::default()
    })
}

fn point_facts(point: &Point, attempt: &Attempt, answer: &str) -> PointFacts {
    let found = attempt
        .assessment()
        .and_then(|assessment| assessment.points.iter().find(|found| found.id == point.id));
    let verdict = found.map_or(Verdict::Missing, |found| found.verdict);
    let quotes = found
        .map(|found| {
            found
                .evidence
                .iter()
                .filter_map(|range| answer.get(range.clone()))
                .filter_map(quotable)
                .collect()
        })
        .unwrap_or_default();
    PointFacts {
        id: point.id.clone(),
        text: point.text.clone(),
        key_terms: point.key_terms.clone(),
        kind: point.kind,
        verdict,
        quotes,
    }
}

/// Returns the part of an evidence span that can be said aloud: one line of a
/// few words without marks at its ends, verbatim.
fn quotable(span: &str) -> Option<String> {
    let text = span.trim().trim_end_matches(|c: char| ".,;:!?".contains(c));
    let words = text.split_whitespace().count();
    let plain =
        !text.contains(['\n', '"', '\u{201c}', '\u{201d}']) && !text.chars().any(char::is_control);
    (QUOTE_WORDS.contains(&words) && plain).then(|| text.to_owned())
}

fn probe(point: &Point, answer: &str, seed: u64, salt: usize, said: &[Line]) -> String {
    let clean: Vec<String> = point
        .probes
        .iter()
        .filter(|probe| leaked(probe, &point.key_terms, answer).is_none())
        .cloned()
        .collect();
    let open = OPEN_PROBES.map(str::to_owned);
    pick_unsaid(&clean, seed, salt, said)
        .or_else(|| pick(&open, seed, salt, said))
        .cloned()
        .unwrap_or_default()
}

/// Returns an entry by seed, one that nobody has said yet where there is one.
fn pick<'a>(list: &'a [String], seed: u64, salt: usize, said: &[Line]) -> Option<&'a String> {
    pick_unsaid(list, seed, salt, said).or_else(|| list.get(start(list.len(), seed, salt)))
}

pub(super) fn pick_unsaid<'a>(
    list: &'a [String],
    seed: u64,
    salt: usize,
    said: &[Line],
) -> Option<&'a String> {
    let from = start(list.len(), seed, salt);
    list.iter()
        .cycle()
        .skip(from)
        .take(list.len())
        .find(|text| !said.iter().any(|line| line.text.contains(text.as_str())))
}

fn start(len: usize, seed: u64, salt: usize) -> usize {
    seed_of(seed, salt) as usize % len.max(1)
}

/// Mixes seed and salt (SplitMix64's finaliser), so that neighbouring lines do
/// not pick neighbouring words.
fn seed_of(seed: u64, salt: usize) -> u32 {
    let mut z = seed.wrapping_add(
        (salt as u64)
            .wrapping_add(1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15),
    );
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_a_few_words_on_one_line() {
        assert_eq!(
            quotable(" I would retrain it. ").as_deref(),
            Some("I would retrain it")
        );
        assert_eq!(quotable("yes"), None);
        assert_eq!(quotable("one\ntwo three four"), None);
        assert_eq!(quotable("say \"this\" to them now"), None);
        assert_eq!(quotable(&"word ".repeat(30)), None);
    }

    #[test]
    fn the_last_question_does_not_say_what_there_was_to_notice() {
        for text in WEIGH {
            let lower = text.to_lowercase();
            assert_eq!(text.matches('?').count(), 1);
            assert!(
                !["flag", "warning", "wrong", "problem", "two"]
                    .iter()
                    .any(|word| lower.contains(word))
            );
        }
    }

    #[test]
    fn what_asks_for_more_is_one_question_and_an_interruption_none() {
        for text in FIGURES.iter().chain(&PRICES).chain(&BREAKS) {
            assert_eq!(text.matches('?').count(), 1, "{text}");
        }
        for text in INTERRUPTIONS {
            assert!(!text.contains('?'), "{text}");
        }
    }

    #[test]
    fn asking_about_two_passages_is_one_question_that_takes_no_side() {
        for text in RECONCILIATIONS {
            assert_eq!(text.matches('?').count(), 1, "{text}");
            assert!(text.contains("{earlier}") && text.contains("{later}"));
            let lower = text.to_lowercase();
            for word in ["wrong", "contradict", "but", "mistake", "right", "true"] {
                assert!(!lower.contains(word), "{word}: {text}");
            }
        }
    }

    #[test]
    fn a_lead_that_holds_a_word_of_the_point_is_not_said() {
        let mut plan = crate::interview::sample::plan(7, 1, crate::interview::Mode::Practice);
        let seat = plan.questions[0].panellist;
        plan.panel[seat].acknowledgements = vec!["One thing I want to come back to.".to_owned()];
        let point = plan.questions[0].question.points[0].clone();
        let probed = |key_terms: &[&str]| {
            let mut point = point.clone();
            point.key_terms = key_terms.iter().map(|term| (*term).to_owned()).collect();
            let decision = Decision::Probe(&point);
            let (_, utterance, _) =
                follow_up(&plan, 0, &Attempt::default(), decision, &[]).expect("a follow-up");
            utterance.fallback.contains("One thing I want")
        };
        assert!(probed(&["baseline"]));
        assert!(!probed(&["wanted"]));
    }

    #[test]
    fn no_encouragement_asks_or_grades() {
        for text in ENCOURAGEMENTS {
            assert!(!text.contains('?') && !text.to_lowercase().contains("good"));
        }
    }
}
