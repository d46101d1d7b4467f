//! From judgements to a critique: per question what was made, half made,
//! wrong and missing, what hurt, three things to work on, how each panellist
//! votes and what they recommend.
//!
//! It judges nothing again and words nothing freely: every line is put
//! together from the guide's statements and the candidate's own words, and a
//! line about something said carries both citations, the byte range of the
//! answer and the guide's item. A line that lacks one is not made.

mod build;
pub mod contest;
mod reverse;
mod rewrite;
mod vote;
mod work;

use serde::{Deserialize, Serialize};

use crate::guide::{Competency, PointKind, Severity, StarPart};
use crate::interview::{Recovery, Spoken};
use crate::judge::{Flag, Verdict};

pub use crate::interview::{About, Quote};
pub use build::critique;
pub use contest::{Contest, Contests};
pub use reverse::{FlagRemark, PanelWords, ReverseRound};
pub use rewrite::{Part, Rewrite, YOUR_NUMBER};

/// A score from which a question counts as answered strongly.
///
/// The bands are the program's reading of how the guides describe panels: a
/// clear yes makes nearly every point, a yes makes the essential ones and
/// some more, and below half of the rubric a panel says "not yet".
pub const STRONG_YES: f32 = 85.0;
/// A score from which a panel leans to yes.
pub const YES: f32 = 65.0;
/// A score from which a panel is undecided.
pub const BORDERLINE: f32 = 45.0;

/// Everything the panel says after the interview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Critique {
    /// One entry a question of the plan, in its order.
    pub questions: Vec<QuestionCritique>,
    /// The things that are worth the most to the next interview, at most three.
    pub work_on: Vec<WorkItem>,
    /// What the panel recommends.
    pub recommendation: Recommendation,
    /// Mean score of the assessed questions, 0 to 100; `None` when there are none.
    pub score: Option<f32>,
    /// Assessed questions.
    pub assessed: usize,
    /// How each panellist votes.
    pub votes: Vec<Vote>,
    /// Where the panellists differ, if they do.
    pub split: Option<Split>,
    /// The moments that decided it, at most three.
    pub moments: Vec<Moment>,
    /// The weakest answer said again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Rewrite>,
    /// Where the candidate's own scores lay far from the panel's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surprises: Vec<Surprise>,
    /// What the candidate said in one answer and unsaid in another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contradictions: Vec<Clash>,
    /// Remarks the candidate kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Two passages of the candidate's that cannot both be so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clash {
    /// What was said first.
    pub earlier: Cited,
    /// What was said later.
    pub later: Cited,
    /// What they are about: a figure's name, or a statement of the guides.
    pub about: About,
}

/// A passage of an answer with both citations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cited {
    /// The question it was said to.
    pub question: String,
    /// The words, a range of that question's `answer`.
    pub quote: Quote,
    /// The guide's item.
    pub guide: String,
}

/// A question on which the candidate was far from the panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surprise {
    /// The question.
    pub question: String,
    /// What it was about.
    pub competencies: Vec<Competency>,
    /// What the candidate gave themselves, 0 to 10.
    pub predicted: u8,
    /// What the panel gave, 0 to 100.
    pub score: f32,
}

impl Surprise {
    /// Distance from which it is one, of 100: a band and a half of the scale
    /// that recommendations are made on, more than a panel itself differs by.
    pub const DISTANCE: f32 = 30.0;

    /// Returns whether the candidate thought better of it than the panel.
    pub fn is_overconfident(&self) -> bool {
        f32::from(self.predicted) * 10.0 > self.score
    }
}

/// What a panel recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recommendation {
    /// There was nothing to go by.
    NotAssessed,
    /// Not this time.
    NotYet,
    /// The panel would have to talk about it.
    Borderline,
    /// Take them.
    Yes,
    /// Take them before somebody else does.
    StrongYes,
}

impl Recommendation {
    /// Returns the words it is shown as.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotAssessed => "not assessed",
            Self::NotYet => "not yet",
            Self::Borderline => "borderline",
            Self::Yes => "yes",
            Self::StrongYes => "strong yes",
        }
    }

    /// Returns the recommendation a score of 0 to 100 stands for.
    pub fn of_score(score: f32) -> Self {
        if score >= STRONG_YES {
            Self::StrongYes
        } else if score >= YES {
            Self::Yes
        } else if score >= BORDERLINE {
            Self::Borderline
        } else {
            Self::NotYet
        }
    }
}

/// Why a question has no score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotAssessed {
    /// The interview ended before it was asked.
    NotAsked,
    /// It was asked and not answered.
    NotAnswered,
    /// The candidate skipped it.
    Skipped,
    /// It was answered, and the judge failed.
    NotJudged,
    /// It was judged, by a judge whose scores are not reliable enough.
    NotReliable,
}

impl NotAssessed {
    /// Returns the words it is shown as.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotAsked => "not asked",
            Self::NotAnswered => "not answered",
            Self::Skipped => "skipped",
            Self::NotJudged => "could not be judged",
            Self::NotReliable => "judged without the models that make a score reliable",
        }
    }
}

/// What is said of one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuestionCritique {
    /// The question's identifier.
    pub question: String,
    /// The question as it was asked.
    pub asked: String,
    /// Who asked it: the panellist's identifier.
    pub panellist: String,
    /// Where it stands in the guides.
    pub guide: String,
    /// What it shows.
    pub competencies: Vec<Competency>,
    /// 0 to 100 after all follow-ups; `None` means not assessed, which is not 0.
    pub score: Option<f32>,
    /// 0 to 100 for the first answer alone.
    pub first_score: Option<f32>,
    /// Why there is no score.
    pub not_assessed: Option<NotAssessed>,
    /// What the candidate would have given themselves, 0 to 10, said before
    /// the verdict was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<u8>,
    /// Everything the candidate said to it in the attempt that counts, answers
    /// joined with a blank line. Quotes are ranges of this text.
    pub answer: String,
    /// What the answer as a whole is, where something is wrong with it.
    pub flags: Vec<Flag>,
    /// Points made.
    pub covered: Vec<Remark>,
    /// Points nearly made.
    pub partial: Vec<Remark>,
    /// Points that were got wrong.
    pub wrong: Vec<Remark>,
    /// Points the judge could not settle; they are not held against anybody.
    pub unsure: Vec<Remark>,
    /// Points that were not mentioned.
    pub missing: Vec<Remark>,
    /// What hurt: mistakes the panel minds.
    pub hurt: Vec<Hurt>,
    /// Scores of all attempts, the first one first.
    pub attempts: Vec<AttemptScore>,
    /// Follow-ups the panel asked.
    pub follow_ups: usize,
    /// Hints taken.
    pub hints: usize,
    /// A model answer of the guide, to compare with.
    pub model_answer: String,
    /// How it was said: facts, without a grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spoken: Option<Spoken>,
    /// What the candidate found out, where the panel answered their questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverse: Option<ReverseRound>,
}

/// One attempt at a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptScore {
    /// 0 to 100, or `None` when it was not judged.
    pub score: Option<f32>,
    /// The verdict on each point, in the rubric's order.
    pub points: Vec<(String, Verdict)>,
}

/// What is said of one point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remark {
    /// The point's identifier within the question.
    pub point: String,
    /// The guide's statement.
    pub text: String,
    /// How much the panel minds.
    pub kind: PointKind,
    /// Its share of the score.
    pub weight: u32,
    /// The STAR part it checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub star: Option<StarPart>,
    /// The number by which it can be contested; none where it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
    /// How it came to be made.
    pub recovery: Recovery,
    /// Probability that the answer makes it, 0 to 1.
    pub probability: f32,
    /// The candidate's words it rests on; empty only for missing points.
    pub quotes: Vec<Quote>,
    /// The guide's item.
    pub guide: String,
}

/// A mistake that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hurt {
    /// The mistake's identifier within the question.
    pub mistake: String,
    /// The guide's statement of it.
    pub text: String,
    /// The number by which it can be contested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
    /// How badly it hurts.
    pub severity: Severity,
    /// Why panels mind.
    pub why: String,
    /// The words that show it; never empty.
    pub quotes: Vec<Quote>,
    /// The guide's item.
    pub guide: String,
}

/// Something to work on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkItem {
    /// The question.
    pub question: String,
    /// The point, or the mistake where one was made.
    pub point: String,
    /// What to be able to do, in the guide's statement.
    pub title: String,
    /// What stood in the answer instead, in one sentence.
    pub why: String,
    /// What to do about it, from the guide.
    pub advice: String,
    /// A question to practise on.
    pub practise: String,
    /// Minutes to give it.
    pub minutes: u32,
    /// The words it is about, if any were said.
    pub quotes: Vec<Quote>,
    /// The guide's item.
    pub guide: String,
}

/// How one panellist votes, on their own competencies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    /// The panellist's identifier.
    pub panellist: String,
    /// First name and surname.
    pub name: String,
    /// What they recommend.
    pub recommendation: Recommendation,
    /// 0 to 100; `None` when no question showed their competencies.
    pub score: Option<f32>,
    /// The competencies they vote on.
    pub competencies: Vec<CompetencyScore>,
}

/// What was heard of one competency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompetencyScore {
    /// The competency.
    pub competency: Competency,
    /// 0 to 100; `None` when no assessed question showed it.
    pub score: Option<f32>,
    /// The assessed questions that showed it.
    pub questions: Vec<String>,
}

/// A disagreement within the panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The panellist most in favour.
    pub for_it: String,
    /// The panellist least in favour.
    pub against: String,
    /// Points of score between them.
    pub distance: f32,
}

/// A moment that decided it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// The question.
    pub question: String,
    /// Who took note: the panellist's name.
    pub panellist: String,
    /// Whether it spoke for the candidate.
    pub speaks_for: bool,
    /// What was said.
    pub quote: Quote,
    /// What the panellist noted, in the guide's statement.
    pub thought: String,
    /// The guide's item.
    pub guide: String,
}
