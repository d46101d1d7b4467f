//! The plan of one interview: who sits on the panel, which questions are
//! asked in which words and by whom.
//!
//! The same request over the same bank gives the same plan. A plan carries
//! whole copies of its questions, so that an interview can be replayed from
//! its journal after the guides have changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::mode::{Mode, Rules};
use super::reverse::{self, EmployerFlag};
use crate::guide::{Level, Panellist, PlanTemplate, Question, RedFlag, Round};

/// A question of the bank with its place in a guide.
#[derive(Debug, Clone, Copy)]
pub struct BankItem<'a> {
    /// The question.
    pub question: &'a Question,
    /// Where it stands, for example `recruiter-twelve, question 4`.
    pub citation: &'a str,
}

/// What an interview is planned from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanRequest {
    /// Draws everything random.
    pub seed: u64,
    /// How it is played.
    pub mode: Mode,
    /// Number of questions; 0 means the template's own.
    pub questions: usize,
    /// Questions of this level come first.
    pub level: Option<Level>,
    /// Questions to ask in any case, by id, in this order.
    pub wanted: Vec<String>,
    /// Questions asked in earlier interviews, avoided while others are left.
    pub asked_before: BTreeSet<String>,
    /// Weak points of earlier interviews: question, then point, then how much
    /// they matter (0 to 1). Questions that hold one come first.
    pub weak_points: BTreeMap<String, BTreeMap<String, f32>>,
}

/// Why no plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A wanted question is not in the bank.
    #[error("there is no question `{0}`")]
    UnknownQuestion(String),
    /// A panellist of the template is not in the panel file.
    #[error("the plan `{plan}` seats `{panellist}`, who is not in the panel file")]
    UnknownPanellist {
        /// The plan.
        plan: String,
        /// The panellist.
        panellist: String,
    },
    /// The template seats nobody.
    #[error("the plan `{0}` seats nobody")]
    EmptyPanel(String),
    /// No question fits.
    #[error("no question of the guides fits the plan `{0}`")]
    NoQuestions(String),
}

/// One interview, planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The template's identifier.
    pub id: String,
    /// Title shown to the reader.
    pub title: String,
    /// How it is played.
    pub mode: Mode,
    /// What it was drawn from.
    pub seed: u64,
    /// Usual length in minutes for this number of questions.
    pub minutes: u32,
    /// The people, chair first; never empty.
    pub panel: Vec<Panellist>,
    /// How the chair opens.
    pub opening: String,
    /// How the chair closes.
    pub closing: String,
    /// The questions in order; never empty.
    pub questions: Vec<PlannedQuestion>,
    /// What this employer is like, where the candidate gets to ask; empty
    /// where they do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub red_flags: Vec<EmployerFlag>,
    /// Whether the candidate is asked what they would give themselves before
    /// a verdict is shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub predict: bool,
}

/// A question of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedQuestion {
    /// The question as the guide has it.
    pub question: Question,
    /// Where it stands in the guides.
    pub citation: String,
    /// The words it is asked in.
    pub asked: String,
    /// Which words those are: 0 is `ask`, 1 the first variant.
    pub variant: usize,
    /// Index of the panellist who asks it.
    pub panellist: usize,
    /// How much each point mattered in earlier interviews, 0 to 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weak_points: BTreeMap<String, f32>,
}

impl Plan {
    /// Returns the rules of the question at `index`.
    pub fn rules(&self, index: usize) -> Rules {
        self.mode.rules(index)
    }

    /// Returns the panellist of the question at `index`.
    pub fn asks(&self, index: usize) -> Option<&Panellist> {
        self.panel.get(self.questions.get(index)?.panellist)
    }

    /// Plans an interview.
    ///
    /// Rounds get their share of the questions by the largest remainder; no
    /// concept comes twice, unless both questions were asked for by name.
    /// Within a round, questions of the level come first, then those with weak
    /// points, then those not asked before; chance decides the rest. What a
    /// round cannot supply is drawn from the template's other rounds.
    ///
    /// # Errors
    /// Fails when a wanted question or a panellist does not exist, or when
    /// there is nothing to ask.
    pub fn draw(
        request: &PlanRequest,
        template: &PlanTemplate,
        bank: &[BankItem<'_>],
        people: &[Panellist],
    ) -> Result<Self, PlanError> {
        let panel = seat(template, people)?;
        let chosen = choose(request, template, bank)?;
        let mut asked_by = vec![0_usize; panel.len()];
        let mut questions = Vec::with_capacity(chosen.len());
        for item in chosen {
            let panellist = best_panellist(&panel, item.question, &asked_by);
            asked_by[panellist] += 1;
            let variant = variant(request, item.question);
            questions.push(PlannedQuestion {
                asked: wording(item.question, variant).to_owned(),
                variant,
                panellist,
                citation: item.citation.to_owned(),
                weak_points: request
                    .weak_points
                    .get(&item.question.id)
                    .cloned()
                    .unwrap_or_default(),
                question: item.question.clone(),
            });
        }
        Ok(Self {
            id: template.id.clone(),
            title: template.title.clone(),
            mode: request.mode,
            seed: request.seed,
            minutes: scaled_minutes(template, questions.len()),
            panel,
            opening: template.opening.clone(),
            closing: template.closing.clone(),
            questions,
            red_flags: Vec::new(),
            predict: false,
        })
    }

    /// Returns the plan with an employer for the candidate to question: some
    /// of `flags`, drawn by the seed, are true of it. Changes nothing where no
    /// question of the plan hands the floor to the candidate.
    pub fn with_employer(mut self, flags: Vec<(RedFlag, String)>) -> Self {
        let reverse = |one: &PlannedQuestion| one.question.round == Round::CandidateQuestions;
        if self.questions.iter().any(reverse) {
            let seed = self.seed;
            self.red_flags = reverse::plant(flags, |id| draw(seed, id, "employer"));
        }
        self
    }

    /// Returns whether the candidate asks and the panel answers in the
    /// question at `index`.
    pub fn is_reverse(&self, index: usize) -> bool {
        !self.red_flags.is_empty()
            && self
                .questions
                .get(index)
                .is_some_and(|one| one.question.round == Round::CandidateQuestions)
    }
}

/// Returns the words of `variant`: 0 is `ask`, 1 the first variant, and so on
/// from the start again.
pub fn wording(question: &Question, variant: usize) -> &str {
    match variant % (question.variants.len() + 1) {
        0 => &question.ask,
        other => &question.variants[other - 1],
    }
}

/// Returns which words a question is asked in: its own the first time, so that
/// the rubric is met in the words it was written for; a variant drawn by the
/// seed once it was asked before, so that nobody can answer by heart.
fn variant(request: &PlanRequest, question: &Question) -> usize {
    let variants = question.variants.len() as u64;
    if variants == 0 || !request.asked_before.contains(&question.id) {
        return 0;
    }
    1 + (draw(request.seed, &question.id, "wording") % variants) as usize
}

fn scaled_minutes(template: &PlanTemplate, questions: usize) -> u32 {
    let usual = u64::from(template.questions.max(1));
    let scaled = u64::from(template.minutes) * questions as u64 / usual;
    u32::try_from(scaled.max(1)).unwrap_or(u32::MAX)
}

fn seat(template: &PlanTemplate, people: &[Panellist]) -> Result<Vec<Panellist>, PlanError> {
    if template.panel.is_empty() {
        return Err(PlanError::EmptyPanel(template.id.clone()));
    }
    template
        .panel
        .iter()
        .map(|id| {
            people
                .iter()
                .find(|person| person.id == *id)
                .cloned()
                .ok_or_else(|| PlanError::UnknownPanellist {
                    plan: template.id.clone(),
                    panellist: id.clone(),
                })
        })
        .collect()
}

fn choose<'a>(
    request: &PlanRequest,
    template: &PlanTemplate,
    bank: &[BankItem<'a>],
) -> Result<Vec<BankItem<'a>>, PlanError> {
    let mut chosen: Vec<BankItem<'a>> = Vec::new();
    for id in &request.wanted {
        let item = bank
            .iter()
            .find(|item| item.question.id == *id)
            .ok_or_else(|| PlanError::UnknownQuestion(id.clone()))?;
        if !chosen.iter().any(|other| other.question.id == *id) {
            chosen.push(*item);
        }
    }
    let total = match request.questions {
        0 if chosen.is_empty() => template.questions.max(1) as usize,
        0 => chosen.len(),
        asked_for => asked_for,
    };
    // Every question draws a number of its own from the seed, so that a new
    // question in a guide does not turn all plans upside down.
    let mut pool: Vec<BankItem<'a>> = bank.to_vec();
    pool.sort_by_cached_key(|item| {
        let id = &item.question.id;
        let number = draw(request.seed, id, "order");
        (preference(request, item.question), number, id.clone())
    });

    let rest = total.saturating_sub(chosen.len());
    let mut drawn: Vec<(usize, BankItem<'a>)> = Vec::new();
    for (place, (round, count)) in shares(template, rest).into_iter().enumerate() {
        for _ in 0..count {
            let free = next_free(&pool, &chosen, &drawn, |question| question.round == round);
            if let Some(item) = free {
                drawn.push((place, item));
            }
        }
    }
    while drawn.len() < rest {
        let in_plan = |question: &Question| {
            template
                .mix
                .iter()
                .any(|share| share.round == question.round)
        };
        let Some(item) = next_free(&pool, &chosen, &drawn, in_plan) else {
            break;
        };
        let place = template
            .mix
            .iter()
            .position(|share| share.round == item.question.round)
            .unwrap_or(template.mix.len());
        drawn.push((place, item));
    }
    // Rounds in the plan's order, and within a round the easier question first.
    drawn.sort_by_key(|(place, item)| (*place, item.question.difficulty));
    chosen.extend(drawn.into_iter().map(|(_, item)| item));
    if chosen.is_empty() {
        return Err(PlanError::NoQuestions(template.id.clone()));
    }
    Ok(chosen)
}

/// Returns the number that `id` draws from `seed` for `purpose`: FNV-1a over
/// the names, mixed by SplitMix64's finaliser.
fn draw(seed: u64, id: &str, purpose: &str) -> u64 {
    let mut z = seed ^ 0xcbf2_9ce4_8422_2325;
    for byte in purpose.bytes().chain([0]).chain(id.bytes()) {
        z = (z ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn preference(request: &PlanRequest, question: &Question) -> (bool, bool, bool) {
    let other_level = request
        .level
        .is_some_and(|level| !question.levels.contains(&level));
    let weak = request
        .weak_points
        .get(&question.id)
        .is_some_and(|points| points.values().any(|weight| *weight > 0.0));
    let stale = request.asked_before.contains(&question.id) && !weak;
    (other_level, !weak, stale)
}

fn next_free<'a>(
    pool: &[BankItem<'a>],
    chosen: &[BankItem<'a>],
    drawn: &[(usize, BankItem<'a>)],
    fits: impl Fn(&Question) -> bool,
) -> Option<BankItem<'a>> {
    pool.iter()
        .find(|item| {
            fits(item.question)
                && !chosen
                    .iter()
                    .chain(drawn.iter().map(|(_, item)| item))
                    .any(|other| {
                        other.question.id == item.question.id
                            || other.question.concept == item.question.concept
                    })
        })
        .copied()
}

/// Shares `total` out over the template's rounds by the largest remainder
/// (Hamilton's method); ties go to the round named first.
fn shares(template: &PlanTemplate, total: usize) -> Vec<(Round, usize)> {
    let parts: u64 = template
        .mix
        .iter()
        .map(|share| u64::from(share.parts))
        .sum();
    if parts == 0 {
        return Vec::new();
    }
    let total = total as u64;
    let mut rounds: Vec<(Round, u64, u64)> = template
        .mix
        .iter()
        .map(|share| {
            let exact = total * u64::from(share.parts);
            (share.round, exact / parts, exact % parts)
        })
        .collect();
    let given: u64 = rounds.iter().map(|(_, count, _)| count).sum();
    let mut order: Vec<usize> = (0..rounds.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(rounds[index].2));
    for &index in order.iter().take((total - given) as usize) {
        rounds[index].1 += 1;
    }
    rounds
        .into_iter()
        .map(|(round, count, _)| (round, count as usize))
        .collect()
}

/// Returns who asks: the person who votes on what the question shows, the
/// first competency counting most; then whoever has asked least; then the
/// order of the panel.
fn best_panellist(panel: &[Panellist], question: &Question, asked_by: &[usize]) -> usize {
    let fit = |person: &Panellist| -> usize {
        let competencies: usize = question
            .competencies
            .iter()
            .enumerate()
            .filter(|(_, competency)| person.competencies.contains(competency))
            .map(|(place, _)| 8_usize.saturating_sub(2 * place).max(1))
            .sum();
        competencies + usize::from(person.rounds.contains(&question.round))
    };
    (0..panel.len())
        .min_by_key(|&index| {
            // An even share matters as much as the second competency does:
            // a panel in which one person asks everything is no panel.
            let loaded = 3 * asked_by[index];
            (
                std::cmp::Reverse((fit(&panel[index]) + 100).saturating_sub(loaded)),
                index,
            )
        })
        .unwrap_or(0)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
