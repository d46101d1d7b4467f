//! The content model: the types that a guide's TOML file is read into.
//!
//! One file is one guide. Identifiers are lower-case words joined by hyphens
//! and unique within their kind over all loaded guides. Validation beyond the
//! types (weights, references, leaks, overlaps) is `guide::check`'s.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the guide file format this program reads.
pub const GUIDE_SCHEMA: u32 = 1;

/// A whole guide file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guide {
    /// The format version; [`GUIDE_SCHEMA`].
    pub schema: u32,
    /// Who the guide is.
    pub guide: GuideInfo,
    /// The questions, in the guide's order.
    #[serde(default, rename = "question", skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// The stages of the hiring process.
    #[serde(default, rename = "stage", skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// Ways an interview is held: telephone, video, panel and so on.
    #[serde(default, rename = "format", skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<Format>,
    /// Career levels with duties and pay.
    #[serde(default, rename = "level", skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelInfo>,
    /// Signs that an employer is not ready for machine learning.
    #[serde(default, rename = "red_flag", skip_serializing_if = "Vec::is_empty")]
    pub red_flags: Vec<RedFlag>,
    /// Mistakes of a whole interview rather than of one question.
    #[serde(default, rename = "pitfall", skip_serializing_if = "Vec::is_empty")]
    pub pitfalls: Vec<Pitfall>,
    /// Advice: tips, resources, learning steps, plans for the week before.
    #[serde(default, rename = "advice", skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<Advice>,
}

/// Who a guide is and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuideInfo {
    /// Identifier, for example `recruiter-twelve`.
    pub id: String,
    /// Title shown to the reader.
    pub title: String,
    /// What it covers, in one or two sentences.
    pub summary: String,
    /// Version of the content, `YYYY.N`; verdicts store it.
    pub version: String,
    /// The file the facts come from; items name their place in it.
    pub source: String,
}

/// The part of a hiring process a question belongs to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Round {
    /// First call: background, motivation, pay.
    Recruiter,
    /// Walking through a take-home exercise.
    TakeHome,
    /// Machine-learning knowledge and production practice.
    Technical,
    /// Designing a system from a vague prompt.
    SystemDesign,
    /// Stories of what the person did.
    Behavioural,
    /// The candidate questions the panel.
    CandidateQuestions,
}

/// A career level, as the guides name them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Graduate and first job.
    Graduate,
    /// Trainee and associate.
    Associate,
    /// Mid level and management of a team.
    Senior,
    /// Senior management and board.
    Head,
}

/// What a question asks somebody to show; panellists vote on these.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Competency {
    /// Core theory: regularisation, ensembles, dimensionality.
    MlFundamentals,
    /// Metrics, validation, experiments, evaluation sets.
    Evaluation,
    /// Data quality, leakage, labels, drift.
    DataJudgment,
    /// Features and their pipelines.
    FeatureEngineering,
    /// Deployment, monitoring, incidents.
    Production,
    /// Architecture of training and serving systems.
    SystemDesign,
    /// Prompting, fine-tuning, retrieval, inference cost of language models.
    LlmEngineering,
    /// Code quality, testing, technical debt.
    Engineering,
    /// Choosing what to build and which metric serves the product.
    ProductSense,
    /// Explaining to people outside the field.
    Communication,
    /// Working with others, conflict, mentoring.
    Collaboration,
    /// Setting direction, hiring, budgets, strategy.
    Leadership,
    /// Fairness, privacy, regulation.
    Responsibility,
    /// Planning, priorities, ambiguity, pressure.
    Delivery,
    /// Learning and taking feedback.
    Growth,
}

/// Where an item stands in its guide's source, so that a critique can cite it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The item, for example `question 7` or `behavioural 2`.
    pub item: String,
    /// The file, where it differs from the guide's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A question with everything a panel needs to ask, probe, score and explain it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Identifier, unique over all guides.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// What it is about; questions with the same concept are never both asked
    /// in one interview.
    pub concept: String,
    /// The round it is asked in.
    pub round: Round,
    /// The levels it suits.
    pub levels: Vec<Level>,
    /// 1 (warm-up) to 5 (few answer it well).
    pub difficulty: u8,
    /// What it shows, most important first; one to four.
    pub competencies: Vec<Competency>,
    /// The spoken length a panel expects, in seconds, 60 to 180 for most.
    pub spoken_seconds: SpokenRange,
    /// The question as a panellist says it.
    pub ask: String,
    /// Rewordings that cannot be answered by reciting: another scenario or a
    /// counterfactual. At least two.
    pub variants: Vec<String>,
    /// What the panel scores, told to the panellist as a system prompt.
    pub panel_note: String,
    /// A good answer of 90 to 180 words that makes every essential point.
    pub model_answer: String,
    /// The rubric: 4 to 9 points.
    #[serde(rename = "point")]
    pub points: Vec<Point>,
    /// What loses the panel: two to four.
    #[serde(default, rename = "mistake")]
    pub mistakes: Vec<Mistake>,
    /// Harder directions for somebody whose answer was strong.
    pub harder: Vec<String>,
}

/// Expected spoken length in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpokenRange {
    /// Shorter than this is thin.
    pub min: u32,
    /// Longer than this is a ramble.
    pub max: u32,
}

/// How much a point means to the panel.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PointKind {
    /// An answer without it is thin.
    Essential,
    /// Good candidates say it.
    Strong,
    /// Few say it, and the panel remembers those who do.
    Standout,
}

/// The part of a STAR story a behavioural point checks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StarPart {
    /// The setting and what was at stake.
    Situation,
    /// What the person was responsible for.
    Task,
    /// What the person did themself.
    Action,
    /// What came of it, with a number or an observable change.
    Result,
    /// What was learned.
    Lesson,
}

/// One checkable statement of a rubric.
///
/// A point says one thing, and whether an answer makes it can be told from the
/// answer alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Identifier, unique within the question.
    pub id: String,
    /// The statement, for example "Starts from a simple baseline".
    pub text: String,
    /// Share of the question's score; the weights of a question add up to 100.
    pub weight: u32,
    /// How much the panel minds.
    pub kind: PointKind,
    /// The STAR part, for behavioural questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub star: Option<StarPart>,
    /// The words that would give the point away; a probe that contains one of
    /// them, or a word of the same stem, is refused unless the candidate
    /// already used it. Lower case.
    pub key_terms: Vec<String>,
    /// Follow-ups that lead to the point without naming it. At least two.
    pub probes: Vec<String>,
    /// Three hints, from a nudge to nearly the point itself.
    pub hints: Vec<String>,
}

/// How badly a mistake hurts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Noted against the candidate.
    Minor,
    /// Costs the question.
    Serious,
    /// Ends the interview in the panel's heads.
    Fatal,
}

/// Something that loses the panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    /// Identifier, unique within the question.
    pub id: String,
    /// The mistake as a checkable statement about the answer.
    pub text: String,
    /// How badly it hurts.
    pub severity: Severity,
    /// Why panels mind.
    pub why: String,
}

/// A stage of the hiring process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Identifier.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// Title shown to the reader.
    pub title: String,
    /// The round it is played as.
    pub round: Round,
    /// Length in minutes, shortest and longest.
    pub minutes: (u32, u32),
    /// What happens and what is looked at.
    pub text: String,
}

/// A way an interview is held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// Identifier: `telephone`, `video`, `in-person`, `panel` or `group`.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// Title shown to the reader.
    pub title: String,
    /// How to behave and prepare, one sentence each.
    pub conduct: Vec<String>,
    /// What to wear.
    pub dress: String,
}

/// A career level with duties and pay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelInfo {
    /// The level.
    pub id: Level,
    /// Where it comes from.
    pub source: Source,
    /// Job titles of this level.
    pub titles: Vec<String>,
    /// What somebody of this level does.
    pub duties: Vec<String>,
    /// Lowest usual pay in pounds a year.
    pub pay_from: u32,
    /// Highest usual pay in pounds a year, where the guide names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_to: Option<u32>,
}

/// A sign that an employer is not ready, for the round in which the candidate
/// asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedFlag {
    /// Identifier.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// The sign, in a few words.
    pub title: String,
    /// Why it matters to somebody who would work there.
    pub why: String,
    /// Words in a candidate's question that ask after it. Lower case.
    pub topics: Vec<String>,
    /// Questions that bring it to light.
    pub asks: Vec<String>,
    /// A panellist's answer in which the flag can be heard, without naming it.
    pub planted: Vec<String>,
    /// A panellist's answer of an employer that does this well.
    pub healthy: Vec<String>,
}

/// A mistake of a whole interview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pitfall {
    /// Identifier.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// The mistake, in a few words.
    pub title: String,
    /// What the panel hears.
    pub text: String,
    /// What to do instead.
    pub instead: String,
}

/// What a piece of advice is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AdviceKind {
    /// A general tip.
    Tip,
    /// A book, a site, a course.
    Resource,
    /// A step of a learning path.
    LearningStep,
    /// Something to do in the last week or the night before.
    Preparation,
    /// An answer to a common question about interviews.
    Faq,
    /// A competency employers look for.
    Competency,
    /// A frame for structuring an answer.
    Frame,
    /// A format of interview round and what it tests.
    RoundFormat,
}

/// A piece of advice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// Identifier.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// What it is.
    pub kind: AdviceKind,
    /// Title shown to the reader.
    pub title: String,
    /// The advice.
    pub text: String,
    /// Its steps, where it has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// How long to give it, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

/// The panel file: everybody who can sit on a panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PanelFile {
    /// The format version; [`GUIDE_SCHEMA`].
    pub schema: u32,
    /// The people.
    #[serde(rename = "panellist")]
    pub panellists: Vec<Panellist>,
}

/// Somebody who sits on a panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Panellist {
    /// Identifier.
    pub id: String,
    /// First name and surname.
    pub name: String,
    /// Job title.
    pub role: String,
    /// The private brief: what this person wants to find out.
    pub brief: String,
    /// How this person speaks.
    pub manner: String,
    /// What this person listens for, one phrase each.
    pub listens_for: Vec<String>,
    /// What this person votes on.
    pub competencies: Vec<Competency>,
    /// The rounds this person sits in.
    pub rounds: Vec<Round>,
    /// How this person introduces themself at the start, one or two sentences.
    pub greeting: String,
    /// How this person hands the next question over, several to choose from;
    /// `{name}` stands for the next speaker.
    pub handovers: Vec<String>,
    /// Neutral things this person says between an answer and a probe: they
    /// neither praise nor grade.
    pub acknowledgements: Vec<String>,
}

/// The plans file: which rounds an interview is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// The format version; [`GUIDE_SCHEMA`].
    pub schema: u32,
    /// The plans.
    #[serde(rename = "plan")]
    pub plans: Vec<PlanTemplate>,
}

/// A recipe for an interview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanTemplate {
    /// Identifier, for example `panel` or `technical`.
    pub id: String,
    /// Title shown to the reader.
    pub title: String,
    /// The round it plays, where it plays one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<Round>,
    /// The interview format it plays, where it plays one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The rounds questions are drawn from, with their share.
    pub mix: Vec<PlanShare>,
    /// The people on the panel by id, chair first.
    pub panel: Vec<String>,
    /// Usual number of questions.
    pub questions: u32,
    /// Usual length in minutes.
    pub minutes: u32,
    /// How the chair opens, one to three sentences.
    pub opening: String,
    /// How the chair closes, one to three sentences, without a verdict.
    pub closing: String,
}

/// The share of a round in a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanShare {
    /// The round.
    pub round: Round,
    /// How many parts of the whole, 1 or more.
    pub parts: u32,
}
