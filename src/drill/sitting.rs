//! One sitting as a pure state machine: which line comes next follows from the
//! events so far alone, so that a replay of the journal goes on where it was
//! and judges nothing twice.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::rating::{Help, rate};
use super::wording::Wording;
use super::{Key, Rating};
use crate::guide::PointKind;
use crate::judge::{Assessment, Case, Flag, Verdict, is_trusted};

/// Hints a point has.
pub const RUNGS: u8 = 3;

/// A point to ask for, with everything that takes: what is asked stays the
/// same when the guides change between two sittings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The question's identifier.
    pub question: String,
    /// The point's.
    pub point: String,
    /// What it is about.
    pub concept: String,
    /// What the panel wants to hear.
    pub statement: String,
    /// How much the panel minds.
    pub kind: PointKind,
    /// Where it stands in the guides.
    pub guide: String,
    /// The words it is asked in.
    pub wording: Wording,
    /// The words it is asked in if it was missed and comes back.
    pub again: Wording,
    /// Three hints, each plainer.
    pub hints: Vec<String>,
    /// What an answer is judged against: this point alone, without an answer.
    pub case: Case,
}

/// The question that is answered whole at the end of a sitting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Whole {
    /// The question's identifier.
    pub question: String,
    /// What it is about.
    pub concept: String,
    /// Where it stands in the guides.
    pub guide: String,
    /// The words it is asked in.
    pub wording: Wording,
    /// What an answer is judged against: all points, without an answer.
    pub case: Case,
}

/// What a sitting asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SittingPlan {
    /// The points, in order.
    pub tasks: Vec<Task>,
    /// Questions of which one is answered whole at the end: the one whose
    /// points were missed most. One for each question of the tasks.
    pub wholes: Vec<Whole>,
    /// How many points were due when it began.
    pub due: usize,
}

/// What can happen in a sitting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DrillEvent {
    /// It begins.
    DrillStarted {
        /// What it asks.
        plan: Box<SittingPlan>,
    },
    /// It goes on after a pause or a crash.
    Resumed,
    /// A question was shown.
    Spoken {
        /// The words.
        text: String,
    },
    /// An answer was sent.
    Answered {
        /// The whole answer.
        text: String,
    },
    /// The judge has spoken.
    Assessed {
        /// What it said.
        assessment: Box<Assessment>,
    },
    /// The judge could not speak.
    NotAssessed {
        /// Why, for the journal.
        reason: String,
    },
    /// A hint was asked for.
    Hinted,
    /// The point, or the whole answer, was left out.
    Skipped,
    /// The person left, to come back.
    Interrupted,
    /// The person ended the sitting.
    Quit,
    /// There is no more input.
    EndOfInput,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step<'a> {
    /// Show the question at hand.
    Ask(Asked<'a>),
    /// Wait for an answer to it.
    Listen(Asked<'a>),
    /// Judge this answer.
    Judge(Asked<'a>, &'a str),
    /// Nothing: the sitting is over.
    Done,
}

/// The question at hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Asked<'a> {
    /// One point.
    Point {
        /// The point.
        task: &'a Task,
        /// Whether it was missed before in this sitting.
        again: bool,
    },
    /// A whole question.
    Whole(&'a Whole),
}

impl<'a> Asked<'a> {
    /// Returns the words it is asked in.
    pub fn wording(self) -> &'a Wording {
        match self {
            Self::Point { task, again: false } => &task.wording,
            Self::Point { task, again: true } => &task.again,
            Self::Whole(whole) => &whole.wording,
        }
    }

    /// Returns the question's identifier.
    pub fn question(self) -> &'a str {
        match self {
            Self::Point { task, .. } => &task.question,
            Self::Whole(whole) => &whole.question,
        }
    }

    /// Returns what `answer` is judged against.
    pub fn case(self, answer: &str) -> Case {
        let case = match self {
            Self::Point { task, .. } => &task.case,
            Self::Whole(whole) => &whole.case,
        };
        Case {
            question: self.wording().whole(),
            answer: answer.to_owned(),
            ..case.clone()
        }
    }
}

/// A point of an answer that was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The question and the point.
    pub key: Key,
    /// Which review of the point in this sitting: 0 for the first.
    pub n: u32,
    /// The verdict.
    pub verdict: Verdict,
    /// The judge's probability, 0 to 1.
    pub probability: f32,
    /// `unaided` or `hint`, or `never` where the point was not made.
    pub recovery: &'static str,
    /// The name of the words it was asked in.
    pub wording: String,
    /// How it counts; `None` when it does not.
    pub rating: Option<Rating>,
    /// Whether a whole question was answered.
    pub whole: bool,
    /// The place of the judge's event among the events handled, 0 for the
    /// first: when it was.
    pub event: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Point { task: usize, again: bool },
    Whole(usize),
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    Asking,
    Listening,
    Judging(String),
}

/// A sitting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sitting {
    plan: SittingPlan,
    at: Option<Place>,
    phase: Option<Phase>,
    queue: VecDeque<usize>,
    missed: VecDeque<usize>,
    whole_asked: bool,
    hints: u8,
    number: usize,
    findings: Vec<Finding>,
    events: usize,
    over: bool,
}

impl Sitting {
    /// Returns the sitting that `events` led to.
    pub fn replay<'e>(events: impl IntoIterator<Item = &'e DrillEvent>) -> Self {
        let mut sitting = Self::default();
        for event in events {
            sitting.handle(event);
        }
        sitting
    }

    /// Returns what comes next.
    pub fn step(&self) -> Step<'_> {
        let (false, Some(asked), Some(phase)) = (self.over, self.asked(), &self.phase) else {
            return Step::Done;
        };
        match phase {
            Phase::Asking => Step::Ask(asked),
            Phase::Listening => Step::Listen(asked),
            Phase::Judging(answer) => Step::Judge(asked, answer),
        }
    }

    /// Lets something that happened take effect. What makes no sense at this
    /// point, as after a defect, changes nothing.
    pub fn handle(&mut self, event: &DrillEvent) {
        let index = self.events;
        self.events += 1;
        match event {
            DrillEvent::DrillStarted { plan } => {
                self.queue = (0..plan.tasks.len()).collect();
                self.plan = (**plan).clone();
                self.advance();
            }
            // The question is shown again, and the answer that was sent is
            // judged if it was not.
            DrillEvent::Resumed => {
                if self.phase == Some(Phase::Listening) {
                    self.phase = Some(Phase::Asking);
                }
            }
            DrillEvent::Spoken { .. } => {
                if self.phase == Some(Phase::Asking) {
                    self.phase = Some(Phase::Listening);
                }
            }
            DrillEvent::Answered { text } => {
                if self.phase == Some(Phase::Listening) {
                    self.phase = Some(Phase::Judging(text.clone()));
                }
            }
            DrillEvent::Assessed { assessment } => {
                if matches!(self.phase, Some(Phase::Judging(_))) {
                    self.judged(assessment, index);
                    self.advance();
                }
            }
            DrillEvent::NotAssessed { .. } | DrillEvent::Skipped => self.advance(),
            DrillEvent::Hinted => self.hints = (self.hints + 1).min(RUNGS),
            DrillEvent::Interrupted => {}
            DrillEvent::Quit | DrillEvent::EndOfInput => self.over = true,
        }
    }

    fn asked(&self) -> Option<Asked<'_>> {
        Some(match self.at? {
            Place::Point { task, again } => Asked::Point {
                task: self.plan.tasks.get(task)?,
                again,
            },
            Place::Whole(whole) => Asked::Whole(self.plan.wholes.get(whole)?),
        })
    }

    fn advance(&mut self) {
        self.hints = 0;
        self.number += 1;
        self.phase = Some(Phase::Asking);
        self.at = if let Some(task) = self.queue.pop_front() {
            Some(Place::Point { task, again: false })
        } else if let Some(task) = self.missed.pop_front() {
            Some(Place::Point { task, again: true })
        } else if !self.whole_asked {
            self.whole_asked = true;
            self.weakest_whole().map(Place::Whole)
        } else {
            None
        };
    }

    fn judged(&mut self, assessment: &Assessment, event: usize) {
        let trusted = is_trusted(&assessment.judge);
        let Some(at) = self.at else { return };
        match at {
            Place::Point { task, again } => {
                let Some((one, found)) = self.plan.tasks.get(task).zip(assessment.points.first())
                else {
                    return;
                };
                let key = (one.question.clone(), one.point.clone());
                let help = match self.hints {
                    0 => Help::Cued,
                    hints => Help::Hints(hints),
                };
                let asked = Asked::Point { task: one, again };
                let finding = Finding {
                    n: u32::from(again),
                    verdict: found.verdict,
                    probability: found.probability,
                    recovery: recovery(found.verdict, self.hints),
                    wording: asked.wording().id.clone(),
                    rating: rate(found.verdict, found.probability, help, trusted),
                    whole: false,
                    event,
                    key,
                };
                let missed = finding.rating == Some(Rating::Again)
                    || found.verdict == Verdict::Partial
                    || found.verdict == Verdict::Unsure;
                if missed && !again {
                    self.missed.push_back(task);
                }
                self.findings.push(finding);
            }
            Place::Whole(whole) => {
                let Some(one) = self.plan.wholes.get(whole) else {
                    return;
                };
                let mut new = Vec::new();
                for found in &assessment.points {
                    let key = (one.question.clone(), found.id.clone());
                    // Points asked for in this sitting were told minutes ago:
                    // saying them now is no second sign of memory.
                    let told = self.findings.iter().any(|finding| finding.key == key);
                    new.push(Finding {
                        n: 0,
                        verdict: found.verdict,
                        probability: found.probability,
                        recovery: recovery(found.verdict, 0),
                        wording: one.wording.id.clone(),
                        rating: if told {
                            None
                        } else {
                            rate(found.verdict, found.probability, Help::None, trusted)
                        },
                        whole: true,
                        event,
                        key,
                    });
                }
                self.findings.extend(new);
            }
        }
    }

    /// Returns the whole whose points were missed most; at the same number the
    /// one asked for first.
    fn weakest_whole(&self) -> Option<usize> {
        let missed = |whole: &Whole| {
            self.findings
                .iter()
                .filter(|finding| finding.key.0 == whole.question)
                .filter(|finding| finding.verdict != Verdict::Covered)
                .count()
        };
        (0..self.plan.wholes.len())
            .rev()
            .max_by_key(|index| self.plan.wholes.get(*index).map(missed))
    }

    /// Returns what the sitting asks.
    pub fn plan(&self) -> &SittingPlan {
        &self.plan
    }

    /// Returns the number of the question at hand, counted from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns how many questions there are as far as that is known: the
    /// points, those that come back, and the whole at the end.
    pub fn count(&self) -> usize {
        let coming = self.queue.len() + self.missed.len();
        self.number + coming + usize::from(!self.whole_asked && !self.plan.wholes.is_empty())
    }

    /// Returns how many hints were given to the question at hand.
    pub fn hints(&self) -> u8 {
        self.hints
    }

    /// Returns what was judged so far, in order.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns whether a point just judged will come back in this sitting,
    /// be it next.
    pub fn comes_back(&self, key: &Key) -> bool {
        let next = match self.at {
            Some(Place::Point { task, again: true }) => Some(task),
            _ => None,
        };
        self.missed.iter().copied().chain(next).any(|task| {
            self.plan
                .tasks
                .get(task)
                .is_some_and(|task| task.question == key.0 && task.point == key.1)
        })
    }

    /// Returns whether the person ended it before its end.
    pub fn is_cut_short(&self) -> bool {
        self.over
    }
}

/// Returns the judgement as a drill counts it: where there was no answer, no
/// point was made, whatever its words came near to.
pub fn as_counted(mut assessment: Assessment) -> Assessment {
    if assessment.flags.contains(&Flag::NonAnswer) {
        for point in &mut assessment.points {
            point.verdict = Verdict::Missing;
            point.probability = 0.0;
            point.evidence.clear();
        }
    }
    assessment
}

fn recovery(verdict: Verdict, hints: u8) -> &'static str {
    match (verdict, hints) {
        (Verdict::Covered, 0) => "unaided",
        (Verdict::Covered, _) => "hint",
        _ => "never",
    }
}

#[cfg(test)]
#[path = "sitting_tests.rs"]
mod tests;
