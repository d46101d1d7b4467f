//! What the candidate found out about the employer by asking: which red flags
//! were there, which of them the candidate's questions brought up, and which
//! the candidate named in the end.
//!
//! Everything said rests on quotes: the candidate's question, the panel's
//! words as they were shown, the candidate's words at the end. It changes no
//! score: the questions themselves are judged by their rubric.

use serde::{Deserialize, Serialize};

use super::Quote;
use crate::interview::reverse::{Finding, findings};
use crate::interview::{Attempt, Plan};

/// What the candidate found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReverseRound {
    /// One entry a red flag of the guides, in their order.
    pub flags: Vec<FlagRemark>,
    /// What the candidate said would make them hesitate; `None` when that was
    /// not asked or not answered.
    pub weighed: Option<String>,
}

/// What became of one red flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagRemark {
    /// The flag's identifier.
    pub flag: String,
    /// The guide's words for it.
    pub title: String,
    /// Why it matters to somebody who would work there.
    pub why: String,
    /// Whether this employer has it.
    pub present: bool,
    /// Whether a question of the candidate's brought an answer about it.
    pub uncovered: bool,
    /// Whether the candidate asked after it and named it in the end; never
    /// true of a flag that was not there.
    pub caught: bool,
    /// The candidate's questions that brought it up: ranges of `answer`.
    pub asked: Vec<Quote>,
    /// What the panel answered.
    pub said: Vec<PanelWords>,
    /// Where the candidate named it: ranges of `weighed`. Of a flag that was
    /// not there this is a false alarm.
    pub named: Vec<Quote>,
    /// A question of the guide that brings it to light.
    pub ask: String,
    /// The guide's item.
    pub guide: String,
}

/// A panellist's words, verbatim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanelWords {
    /// Who said them: first name and surname.
    pub panellist: String,
    /// The words as they were shown.
    pub text: String,
}

/// Returns what the candidate found out in the attempt; `None` when the
/// question did not hand them the floor or they did not answer it. `answer`
/// holds the attempt's messages, joined.
pub(super) fn round(
    plan: &Plan,
    index: usize,
    attempt: &Attempt,
    answer: &str,
) -> Option<ReverseRound> {
    if !plan.is_reverse(index) || attempt.turns.is_empty() {
        return None;
    }
    let weighed = attempt
        .weighing
        .as_ref()
        .and_then(|weighing| weighing.answer.as_ref())
        .map(|turn| turn.text.clone());
    let flags = findings(plan, attempt)
        .iter()
        .map(|finding| remark(plan, attempt, answer, weighed.as_deref(), finding))
        .collect();
    Some(ReverseRound { flags, weighed })
}

fn remark(
    plan: &Plan,
    attempt: &Attempt,
    answer: &str,
    weighed: Option<&str>,
    finding: &Finding<'_>,
) -> FlagRemark {
    let employer = finding.employer;
    let asked: Vec<_> = finding
        .exchanges
        .iter()
        .map(|one| {
            let from = attempt.offset(one.message);
            from + one.asked.start..from + one.asked.end
        })
        .collect();
    let named = super::build::quotes(weighed.unwrap_or_default(), &finding.named);
    FlagRemark {
        flag: employer.flag.id.clone(),
        title: employer.flag.title.clone(),
        why: employer.flag.why.clone(),
        present: employer.planted,
        uncovered: !finding.exchanges.is_empty(),
        caught: employer.planted && !named.is_empty(),
        asked: super::build::quotes(answer, &asked),
        said: finding
            .exchanges
            .iter()
            .filter_map(|one| {
                Some(PanelWords {
                    panellist: plan.panel.get(one.panellist)?.name.clone(),
                    text: one.said.clone()?,
                })
            })
            .collect(),
        named,
        ask: employer.flag.asks.first().cloned().unwrap_or_default(),
        guide: employer.citation.clone(),
    }
}
