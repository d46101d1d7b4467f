//! Whether the panel follows up, and on what. The answer was judged first;
//! the program, not a model, picks the point.

use std::collections::BTreeMap;

use super::mode::Rules;
use super::record::Attempt;
use super::spoken::{Lack, lacks};
use crate::guide::{Point, PointKind, Question, Severity};
use crate::judge::{Assessment, Flag, Verdict};

/// From this score on, an answer that makes every essential point is strong
/// and is not probed. With the essential points of a question weighing about
/// two thirds of it, 70 means that something beyond them was said as well.
pub const STRONG_SCORE: f32 = 70.0;

/// What the panel does next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decision<'a> {
    /// Ask after a point.
    Probe(&'a Point),
    /// Ask for what is lacking behind a point that was made.
    Deepen(&'a Point, Lack),
    /// Offer an easier way in, through this point.
    Encourage(&'a Point),
    /// Take the answer in a harder direction: the one at this index.
    Harder(usize),
    /// Leave the question.
    MoveOn,
}

/// Returns what the panel does after the last judgement of `attempt`.
///
/// `weak_points` says how much a point mattered in earlier interviews, 0 to 1.
pub fn decide<'a>(
    question: &'a Question,
    attempt: &Attempt,
    rules: Rules,
    weak_points: &BTreeMap<String, f32>,
) -> Decision<'a> {
    let Some(assessment) = attempt.assessment() else {
        return Decision::MoveOn;
    };
    if attempt.panel_follow_ups() >= rules.follow_ups {
        return Decision::MoveOn;
    }
    let non_answer = assessment.flags.contains(&Flag::NonAnswer);
    let declined = attempt.turns.len() > 1
        && attempt
            .turns
            .last()
            .is_some_and(|turn| is_declined(&turn.text));
    if declined || (non_answer && attempt.turns.len() > 1) {
        // Asked once more and had nothing to add: a panel lets it rest.
        return Decision::MoveOn;
    }
    if assessment.flags.contains(&Flag::Recitation) {
        // Words learned by heart say nothing about understanding; a change of
        // the situation does.
        return next_harder(question, attempt).unwrap_or(Decision::MoveOn);
    }
    if is_strong(question, assessment) {
        let push = rules
            .push_the_strong
            .then(|| next_harder(question, attempt));
        // Strong and without one figure or one name: said from a book.
        return push
            .flatten()
            .or_else(|| deeper(question, attempt, assessment, &[Lack::Number]))
            .unwrap_or(Decision::MoveOn);
    }
    let ranked = unsettled(question, assessment, weak_points);
    let fresh = ranked.into_iter().find(|point| {
        attempt
            .follow_ups
            .iter()
            .all(|asked| asked.point.as_deref() != Some(point.id.as_str()))
    });
    match fresh {
        Some(point) if non_answer || assessment.flags.contains(&Flag::OffTopic) => {
            Decision::Encourage(point)
        }
        Some(point) => Decision::Probe(point),
        None => deeper(
            question,
            attempt,
            assessment,
            &[Lack::Number, Lack::TradeOff, Lack::Failure],
        )
        .unwrap_or(Decision::MoveOn),
    }
}

/// Returns the question for what the answer lacks, of those `asked_for`,
/// behind the heaviest point it makes; once a question at most.
fn deeper<'a>(
    question: &'a Question,
    attempt: &Attempt,
    assessment: &Assessment,
    asked_for: &[Lack],
) -> Option<Decision<'a>> {
    if attempt
        .follow_ups
        .iter()
        .any(|asked| asked.intent == super::Intent::Deepen)
    {
        return None;
    }
    let lack = lacks(&attempt.answer())
        .into_iter()
        .find(|lack| asked_for.contains(lack))?;
    let point = question
        .points
        .iter()
        .filter(|point| verdict_of(assessment, &point.id) == Some(Verdict::Covered))
        // What was asked after has been answered.
        .filter(|point| {
            attempt
                .follow_ups
                .iter()
                .all(|asked| asked.point.as_deref() != Some(point.id.as_str()))
        })
        .max_by_key(|point| (std::cmp::Reverse(rank(point.kind)), point.weight))?;
    Some(Decision::Deepen(point, lack))
}

/// Returns whether an answer is strong: it makes every essential point, scores
/// at least [`STRONG_SCORE`], and makes no serious mistake.
pub fn is_strong(question: &Question, assessment: &Assessment) -> bool {
    let essential_made = question
        .points
        .iter()
        .filter(|point| point.kind == PointKind::Essential)
        .all(|point| verdict_of(assessment, &point.id) == Some(Verdict::Covered));
    let serious = assessment.mistakes.iter().any(|finding| {
        finding.made
            && question
                .mistakes
                .iter()
                .any(|mistake| mistake.id == finding.id && mistake.severity != Severity::Minor)
    });
    essential_made && assessment.score >= STRONG_SCORE && !serious
}

/// Returns the points worth asking after, the most valuable first: what was
/// wrong before what is unsure before what is missing or only partly there;
/// essential before strong before standout; then by weight and by how much
/// the point mattered before. A standout that was not mentioned is not asked
/// after: few say it, and asking would give it away.
pub fn unsettled<'a>(
    question: &'a Question,
    assessment: &Assessment,
    weak_points: &BTreeMap<String, f32>,
) -> Vec<&'a Point> {
    let mut points: Vec<(u8, &Point)> = question
        .points
        .iter()
        .filter_map(|point| {
            let urgency = match verdict_of(assessment, &point.id)? {
                Verdict::Covered => return None,
                Verdict::Wrong => 0,
                Verdict::Unsure => 1,
                Verdict::Partial | Verdict::Missing if point.kind == PointKind::Standout => {
                    return None;
                }
                Verdict::Partial | Verdict::Missing => 2,
            };
            Some((urgency, point))
        })
        .collect();
    points.sort_by(|(urgency_a, a), (urgency_b, b)| {
        urgency_a
            .cmp(urgency_b)
            .then(rank(a.kind).cmp(&rank(b.kind)))
            .then(value(b, weak_points).total_cmp(&value(a, weak_points)))
    });
    points.into_iter().map(|(_, point)| point).collect()
}

/// Returns the points of a question that nobody has answered yet in the order
/// hints are given: essential first, then by weight.
pub fn by_importance(question: &Question) -> Vec<&Point> {
    let mut points: Vec<&Point> = question.points.iter().collect();
    points.sort_by_key(|point| (rank(point.kind), std::cmp::Reverse(point.weight)));
    points
}

/// Returns the verdict on a point.
pub fn verdict_of(assessment: &Assessment, point: &str) -> Option<Verdict> {
    assessment
        .points
        .iter()
        .find(|found| found.id == point)
        .map(|found| found.verdict)
}

/// Returns whether a reply to a follow-up only says that there is nothing to
/// add. Short and without content; the judge decides about first answers.
pub fn is_declined(text: &str) -> bool {
    const PHRASES: [&str; 8] = [
        "don't know",
        "dont know",
        "do not know",
        "not sure",
        "no idea",
        "nothing to add",
        "nothing else",
        "can't say",
    ];
    const WORDS: [&str; 4] = ["dunno", "pass", "skip", "no"];
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    match words.len() {
        0 | 1 => true,
        2 | 3 if words.iter().any(|word| WORDS.contains(word)) => true,
        2..=8 => PHRASES.iter().any(|phrase| lower.contains(phrase)),
        _ => false,
    }
}

fn rank(kind: PointKind) -> u8 {
    match kind {
        PointKind::Essential => 0,
        PointKind::Strong => 1,
        PointKind::Standout => 2,
    }
}

fn value(point: &Point, weak_points: &BTreeMap<String, f32>) -> f32 {
    let history = weak_points.get(&point.id).copied().unwrap_or(0.0);
    // History may double a weight, never more.
    point.weight as f32 * (1.0 + history.clamp(0.0, 1.0))
}

fn next_harder<'a>(question: &Question, attempt: &Attempt) -> Option<Decision<'a>> {
    let used = attempt
        .follow_ups
        .iter()
        .filter(|asked| asked.intent == super::Intent::Harder)
        .count();
    // One harder direction of the panel's own accord; more on request.
    (used == 0 && !question.harder.is_empty()).then_some(Decision::Harder(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::{Competency, Round};
    use crate::interview::record::{FollowUp, Judgement, Turn};
    use crate::interview::{Intent, Mode, Source, sample};
    use crate::judge::Case;

    fn attempt(question: &Question, answers: &[&str], asked: &[&str]) -> Attempt {
        let mut attempt = Attempt::default();
        for answer in answers {
            attempt.turns.push(Turn {
                text: (*answer).to_owned(),
                at_ms: 0,
                took_ms: 0,
                interrupted: false,
            });
            let case = Case::from_question(question, &question.ask, &attempt.answer());
            attempt.judgements.push(Judgement {
                turns: attempt.turns.len(),
                assessment: sample::assess(&case),
            });
        }
        attempt.follow_ups = asked
            .iter()
            .map(|point| FollowUp {
                point: Some((*point).to_owned()),
                intent: Intent::Probe,
                text: String::new(),
                source: Source::Guide,
                asked_for: false,
                after_turns: 1,
            })
            .collect();
        attempt
    }

    fn decision(answers: &[&str], asked: &[&str], mode: Mode) -> String {
        let question = sample::question("q", Round::Technical, Competency::Evaluation, "q");
        let attempt = attempt(&question, answers, asked);
        match decide(&question, &attempt, mode.rules(0), &BTreeMap::new()) {
            Decision::Probe(point) => format!("probe {}", point.id),
            Decision::Encourage(point) => format!("encourage {}", point.id),
            Decision::Deepen(point, lack) => format!("deepen {} {lack:?}", point.id),
            Decision::Harder(index) => format!("harder {index}"),
            Decision::MoveOn => "move on".to_owned(),
        }
    }

    #[test]
    fn what_was_wrong_comes_before_what_is_unsure_before_what_is_missing() {
        let practice = Mode::Practice;
        assert_eq!(decision(&["I say -c ?b"], &[], practice), "probe c");
        assert_eq!(decision(&["I say ?b"], &[], practice), "probe b");
        assert_eq!(decision(&["I say nothing of it"], &[], practice), "probe a");
        assert_eq!(decision(&["I say ~a +b"], &[], practice), "probe a");
    }

    #[test]
    fn a_strong_answer_is_left_alone_in_practice_and_pushed_under_pressure() {
        let strong = &["I say +a +b in 40 ms"];
        assert_eq!(decision(strong, &[], Mode::Practice), "move on");
        assert_eq!(decision(strong, &[], Mode::Pressure), "harder 0");
    }

    #[test]
    fn what_is_right_and_vague_is_asked_for_what_it_lacks() {
        let asked = |answer: &str| decision(&[answer], &["b"], Mode::Practice);
        assert_eq!(
            decision(&["I say +a +b"], &[], Mode::Practice),
            "deepen a Number"
        );
        assert_eq!(asked("I say +a ~b +c"), "deepen a Number");
        assert_eq!(asked("I say +a ~b +c in 40 ms"), "deepen a TradeOff");
        assert_eq!(
            asked("I say +a ~b +c in 40 ms instead of 90"),
            "deepen a Failure"
        );
        assert_eq!(
            asked("I say +a ~b +c in 40 ms instead of 90 and it broke"),
            "move on"
        );
    }

    #[test]
    fn a_point_is_not_probed_twice() {
        assert_eq!(
            decision(&["I say", "still nothing new"], &["a"], Mode::Practice),
            "probe b"
        );
    }

    #[test]
    fn the_budget_holds() {
        assert_eq!(
            decision(
                &["I say", "this and that", "and more"],
                &["a", "b"],
                Mode::Practice
            ),
            "move on"
        );
    }

    #[test]
    fn a_non_answer_gets_one_gentle_probe() {
        assert_eq!(decision(&["dunno"], &[], Mode::Practice), "encourage a");
        assert_eq!(
            decision(&["dunno", "dunno"], &["a"], Mode::Practice),
            "move on"
        );
    }

    #[test]
    fn somebody_who_has_nothing_to_add_is_not_pressed() {
        assert_eq!(
            decision(&["I say +b", "No, I don't know."], &["a"], Mode::Practice),
            "move on"
        );
    }

    #[test]
    fn a_standout_that_was_not_mentioned_is_not_asked_after() {
        assert_eq!(
            decision(
                &["I say +a ~b +c with 40 instead of 90 and it broke"],
                &["b"],
                Mode::Practice
            ),
            "move on"
        );
        assert_eq!(
            decision(&["I say +a ~b +c ?d"], &["b"], Mode::Practice),
            "probe d"
        );
    }

    #[test]
    fn history_breaks_a_tie_of_kind() {
        let question = sample::question("q", Round::Technical, Competency::Evaluation, "q");
        let attempt = attempt(&question, &["I say"], &[]);
        let weak = BTreeMap::from([("b".to_owned(), 1.0)]);
        let decision = decide(&question, &attempt, Mode::Practice.rules(0), &weak);
        assert!(matches!(decision, Decision::Probe(point) if point.id == "b"));
    }

    #[test]
    fn a_serious_mistake_makes_no_strong_answer() {
        let question = sample::question("q", Round::Technical, Competency::Evaluation, "q");
        let attempt = attempt(&question, &["I say +a +b"], &[]);
        let mut assessment = attempt.assessment().expect("judged").clone();
        assert!(is_strong(&question, &assessment));
        assessment.mistakes.push(crate::judge::MistakeFinding {
            id: "m".to_owned(),
            made: true,
            probability: 0.9,
            evidence: Vec::new(),
        });
        assert!(!is_strong(&question, &assessment));
    }
}
