//! Contested verdicts: which ones have a number, what came of contesting one,
//! and the scores with all of it. The critique itself is never changed by a
//! contest; both results stand beside each other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Critique, Hurt, QuestionCritique, Quote, Remark};
use crate::judge::contest::{Ruled, Target};
use crate::judge::{Assessment, Case, Flag};

/// The name under which the journal keeps the contests of a session.
pub const DOCUMENT: &str = "contests";

/// How often one verdict may be contested: enough to find one's own words in
/// a long answer, too few to try every sentence of it.
pub const MAX_CONTESTS: usize = 3;

/// A contest and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contest {
    /// The number the verdict had in the critique, from 1.
    pub number: usize,
    /// The question.
    pub question: String,
    /// The attempt at it, from 0.
    pub attempt: usize,
    /// What was contested.
    #[serde(flatten)]
    pub target: Target,
    /// The guide's statement.
    pub text: String,
    /// The words pointed at, a range of the question's `answer`.
    pub words: Quote,
    /// The first result.
    pub before: Ruled,
    /// The result of judging again.
    pub after: Ruled,
    /// Whether the new result is better for the person and stands; otherwise
    /// the first one does.
    pub counts: bool,
    /// Why the words could not count, if they could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Flag>,
    /// When, milliseconds since 1970 in UTC.
    pub at_ms: i64,
}

/// The contests of a session, as the journal keeps them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Contests {
    /// All of them, the first one first.
    pub contests: Vec<Contest>,
    /// The score of each question with its contests, 0 to 100; only where the
    /// judge that judged again is the one that judged first.
    pub scores: BTreeMap<String, f32>,
    /// The mean score of the interview with them.
    pub score: Option<f32>,
}

/// A verdict that can be contested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Contestable<'a> {
    /// A point that was not found made.
    Point(&'a Remark),
    /// A mistake that was found made.
    Mistake(&'a Hurt),
}

impl Contestable<'_> {
    /// Returns what a contest of it would be about.
    pub fn target(&self) -> Target {
        match self {
            Self::Point(remark) => Target::Point(remark.point.clone()),
            Self::Mistake(hurt) => Target::Mistake(hurt.mistake.clone()),
        }
    }

    /// Returns the guide's statement.
    pub fn text(&self) -> &str {
        match self {
            Self::Point(remark) => &remark.text,
            Self::Mistake(hurt) => &hurt.text,
        }
    }
}

/// Gives every verdict that can be contested its number: 1, 2, 3 through the
/// questions, in the order in which a critique shows them.
pub(super) fn number(questions: &mut [QuestionCritique]) {
    let mut next = 1;
    let mut give = |number: &mut Option<usize>| {
        *number = Some(next);
        next += 1;
    };
    for one in questions {
        for remarks in [
            &mut one.partial,
            &mut one.wrong,
            &mut one.unsure,
            &mut one.missing,
        ] {
            remarks
                .iter_mut()
                .for_each(|remark| give(&mut remark.number));
        }
        one.hurt.iter_mut().for_each(|hurt| give(&mut hurt.number));
    }
}

/// Returns the verdict with this number and the question it belongs to.
pub fn numbered(
    critique: &Critique,
    number: usize,
) -> Option<(&QuestionCritique, Contestable<'_>)> {
    critique.questions.iter().find_map(|one| {
        [&one.partial, &one.wrong, &one.unsure, &one.missing]
            .into_iter()
            .flatten()
            .find(|remark| remark.number == Some(number))
            .map(Contestable::Point)
            .or_else(|| {
                one.hurt
                    .iter()
                    .find(|hurt| hurt.number == Some(number))
                    .map(Contestable::Mistake)
            })
            .map(|found| (one, found))
    })
}

/// Returns how many verdicts of a critique can be contested.
pub fn count(critique: &Critique) -> usize {
    let most = |one: &QuestionCritique| {
        one.hurt
            .iter()
            .map(|hurt| hurt.number)
            .chain(
                [&one.partial, &one.wrong, &one.unsure, &one.missing]
                    .into_iter()
                    .flatten()
                    .map(|remark| remark.number),
            )
            .flatten()
            .max()
    };
    critique
        .questions
        .iter()
        .filter_map(most)
        .max()
        .unwrap_or(0)
}

impl Contests {
    /// Returns the contests of one verdict, the first one first.
    pub fn on(&self, question: &str, attempt: usize, target: &Target) -> Vec<&Contest> {
        self.contests
            .iter()
            .filter(|one| {
                one.question == question && one.attempt == attempt && one.target == *target
            })
            .collect()
    }

    /// Returns the contest that decides about a verdict: the best for the
    /// person of those that count, or else the last.
    pub fn deciding(&self, question: &str, attempt: usize, target: &Target) -> Option<&Contest> {
        let mut best: Option<&Contest> = None;
        for one in self.on(question, attempt, target) {
            let better = best.is_none_or(|best| {
                !best.counts
                    || (one.counts && crate::judge::contest::is_better(&one.after, &best.after))
            });
            if better {
                best = Some(one);
            }
        }
        best
    }

    /// Keeps a contest, and computes the question's score with all contests of
    /// this attempt. `case` and `assessment` are the first judgement of it;
    /// `shown` are the scores of the critique by question.
    pub fn add(
        &mut self,
        contest: Contest,
        case: &Case,
        assessment: &Assessment,
        shown: &[(String, Option<f32>)],
    ) {
        let (question, attempt) = (contest.question.clone(), contest.attempt);
        self.contests.push(contest);
        // Scores of different judges are not compared, and not mixed.
        let rulings: Vec<(Target, Ruled)> = self
            .contests
            .iter()
            .filter(|one| {
                one.question == question
                    && one.attempt == attempt
                    && one.counts
                    && one.after.judge == assessment.judge
            })
            .filter_map(|one| self.deciding(&question, attempt, &one.target))
            .map(|one| (one.target.clone(), one.after.clone()))
            .collect();
        let was_shown = shown
            .iter()
            .any(|(id, score)| *id == question && score.is_some());
        if rulings.is_empty() || !was_shown {
            self.scores.remove(&question);
        } else {
            let score = crate::judge::contest::score_with(case, assessment, &rulings);
            self.scores.insert(question, score);
        }
        let scores: Vec<f32> = shown
            .iter()
            .filter_map(|(id, score)| score.map(|score| *self.scores.get(id).unwrap_or(&score)))
            .collect();
        self.score = (!self.scores.is_empty() && !scores.is_empty())
            .then(|| scores.iter().sum::<f32>() / scores.len() as f32);
    }
}

impl Contest {
    /// Returns what came of it in one line, without the words pointed at.
    pub fn line(&self) -> String {
        let (now, was) = (self.after.verdict.words(), self.before.verdict.words());
        let (new, old) = (self.after.probability, self.before.probability);
        if let Some(flag) = self.refused {
            let why = match flag {
                Flag::NonAnswer => "say too little to be judged",
                Flag::OffTopic => "speak of something else",
                Flag::QuestionEcho => "say the question back",
                Flag::KeywordSalad => "name words without saying anything with them",
                Flag::GraderInstruction => "address the grader",
                Flag::Recitation => "come from a text",
            };
            return format!("contested: these words {why}; still {was} ({old:.2})");
        }
        if !self.counts {
            return format!("contested: still {was} ({old:.2}); these words gave {new:.2}");
        }
        if now == was {
            format!("contested: still {now} ({new:.2}, was {old:.2})")
        } else {
            format!("contested: now {now} ({new:.2}), was {was} ({old:.2})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::{Competency, Round};
    use crate::interview::sample;
    use crate::judge::contest::Ruling;

    fn contest(id: &str, probability: f32, before: f32) -> Contest {
        let ruled = |verdict, probability| Ruled {
            verdict,
            probability,
            judge: "sample-1".to_owned(),
        };
        let counts = probability > before;
        Contest {
            number: 1,
            question: "q".to_owned(),
            attempt: 0,
            target: Target::Point(id.to_owned()),
            text: "Says it".to_owned(),
            words: Quote {
                start: 0,
                end: 5,
                text: "I say".to_owned(),
            },
            before: ruled(Ruling::Missing, before),
            after: ruled(
                if probability > 0.6 {
                    Ruling::Covered
                } else {
                    Ruling::Missing
                },
                probability,
            ),
            counts,
            refused: None,
            at_ms: 0,
        }
    }

    fn judged() -> (Case, Assessment) {
        let question = sample::question("q", Round::Technical, Competency::Evaluation, "q");
        let case = Case::from_question(&question, &question.ask, "I say +a here");
        let assessment = sample::assess(&case);
        (case, assessment)
    }

    #[test]
    fn the_best_of_several_contests_decides() {
        let (case, assessment) = judged();
        let shown = [("q".to_owned(), Some(40.0)), ("r".to_owned(), Some(80.0))];
        let mut all = Contests::default();
        for probability in [0.1, 0.9, 0.3] {
            all.add(contest("b", probability, 0.2), &case, &assessment, &shown);
        }
        let target = Target::Point("b".to_owned());
        let decides = all.deciding("q", 0, &target).expect("contested");
        assert_eq!(decides.after.probability, 0.9);
        assert_eq!(all.on("q", 0, &target).len(), 3);
        let with = all.scores["q"];
        assert!(with > crate::judge::contest::score_with(&case, &assessment, &[]));
        assert_eq!(all.score, Some((with + 80.0) / 2.0));
    }

    #[test]
    fn a_contest_that_fails_gives_no_score_of_its_own() {
        let (case, assessment) = judged();
        let shown = [("q".to_owned(), Some(40.0))];
        let mut all = Contests::default();
        all.add(contest("b", 0.1, 0.2), &case, &assessment, &shown);
        assert!(all.scores.is_empty() && all.score.is_none());
    }

    #[test]
    fn scores_of_different_judges_are_not_mixed() {
        let (case, assessment) = judged();
        let shown = [("q".to_owned(), Some(40.0))];
        let mut all = Contests::default();
        let mut other = contest("b", 0.9, 0.2);
        other.after.judge = "sample-2".to_owned();
        all.add(other, &case, &assessment, &shown);
        assert!(all.scores.is_empty() && all.score.is_none());
    }

    #[test]
    fn both_results_are_told() {
        assert_eq!(
            contest("b", 0.9, 0.2).line(),
            "contested: now covered (0.90), was missing (0.20)"
        );
        assert_eq!(
            contest("b", 0.1, 0.2).line(),
            "contested: still missing (0.20); these words gave 0.10"
        );
        let mut refused = contest("b", 0.9, 0.95);
        refused.refused = Some(Flag::KeywordSalad);
        assert!(refused.line().contains("still missing"));
    }
}
