//! What a panellist wants to say and what may be known while wording it.
//!
//! The state machine decides the intent and supplies the guide's own words as
//! a fallback; the voice room may word it anew or say the fallback. Nothing
//! here is shown to the candidate except [`Utterance::fallback`].

use serde::{Deserialize, Serialize};

use crate::guide::{Panellist, PointKind};
use crate::judge::Verdict;

/// Why a panellist speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// The chair opens the interview.
    Opening,
    /// A panellist introduces themself.
    Greeting,
    /// A panellist hands the next question to a colleague.
    Handover,
    /// A panellist asks a question of the guide.
    Ask,
    /// A panellist asks a question again, on request.
    Repeat,
    /// A panellist follows up on one unsettled point.
    Probe,
    /// A panellist asks for the number, the trade-off or the failure behind a
    /// point that was made and left vague.
    Deepen,
    /// A panellist asks how two things that the candidate said go together.
    Reconcile,
    /// A panellist cuts in where an answer runs past the question's time.
    Interrupt,
    /// A panellist offers an easier way in after a non-answer.
    Encourage,
    /// A panellist takes a strong or recited answer in a harder direction.
    Harder,
    /// A panellist answers a question of the candidate's.
    Reply,
    /// A panellist asks what the candidate makes of the panel's answers.
    Weigh,
    /// The chair closes the interview, without a verdict.
    Closing,
}

impl Intent {
    /// Returns whether the guide's words are said exactly as they stand: what
    /// is being asked, and what this employer is like, is the program's
    /// decision, and the first lines must not wait for a model.
    pub fn is_verbatim(self) -> bool {
        matches!(
            self,
            Self::Opening
                | Self::Greeting
                | Self::Ask
                | Self::Repeat
                | Self::Reply
                | Self::Weigh
                | Self::Deepen
                | Self::Reconcile
                | Self::Interrupt
        )
    }

    /// Returns whether the line asks about an answer just given, so that it
    /// must hold exactly one question and give nothing away.
    pub fn is_follow_up(self) -> bool {
        matches!(
            self,
            Self::Probe | Self::Deepen | Self::Reconcile | Self::Encourage | Self::Harder
        )
    }
}

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaker {
    /// The panellist's identifier.
    pub id: String,
    /// First name and surname.
    pub name: String,
    /// Job title.
    pub role: String,
    /// What this person wants to find out; private.
    pub brief: String,
    /// How this person speaks.
    pub manner: String,
}

impl From<&Panellist> for Speaker {
    fn from(person: &Panellist) -> Self {
        Self {
            id: person.id.clone(),
            name: person.name.clone(),
            role: person.role.clone(),
            brief: person.brief.clone(),
            manner: person.manner.clone(),
        }
    }
}

/// The rubric point a follow-up is after; private to the panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointFacts {
    /// Identifier within the question.
    pub id: String,
    /// The statement the candidate should come to; never said.
    pub text: String,
    /// Words that would give it away, lower case.
    pub key_terms: Vec<String>,
    /// How much the panel minds.
    pub kind: PointKind,
    /// What the judge said of it.
    pub verdict: Verdict,
    /// The candidate's own words nearest to it, verbatim; empty when there are
    /// none. A line may quote these and nothing else.
    pub quotes: Vec<String>,
}

/// What may be known while a line is worded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Identifier of the question in play.
    pub question: Option<String>,
    /// The question as it was asked.
    pub asked: Option<String>,
    /// What the panel scores, for the panellist's system prompt.
    pub panel_note: Option<String>,
    /// Everything the candidate said to this question, follow-ups joined with
    /// a blank line; empty before the first answer.
    pub answer: String,
    /// The point a follow-up is after.
    pub point: Option<PointFacts>,
    /// The guide's own wording of what the follow-up asks; part of the
    /// fallback.
    pub probe: Option<String>,
    /// Passages of the candidate's answers in this interview that the line
    /// puts beside each other, verbatim. A line may quote these too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<String>,
    /// A neutral remark the fallback begins with ("Right."), if any.
    pub lead: Option<String>,
    /// First name of the panellist who speaks next, for a handover.
    pub next_name: Option<String>,
    /// What the panel has said so far, oldest first, so that no line is said
    /// twice.
    pub earlier: Vec<String>,
    /// Seed of this line's random draw.
    pub seed: u32,
}

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utterance {
    /// Who says it.
    pub speaker: Speaker,
    /// Why.
    pub intent: Intent,
    /// The guide's own words for it, fit to be said as they stand.
    pub fallback: String,
    /// What may be known while wording it.
    pub facts: Facts,
}

/// Whose words were said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A language model's, after the rule checks.
    Model,
    /// The guide's.
    Guide,
}
