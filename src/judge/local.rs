//! The judge itself: gathers the signals of every layer, combines them and
//! writes the [`Assessment`].

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::llm::{BranchPrefix, BranchRequest, Cancel, ChatModel, Embedder, EngineError, Part};
use crate::{Error, Result};

use super::assessment::{
    Assessment, Case, CasePoint, Flag, Judge, MistakeFinding, PointVerdict, Verdict,
};
use super::combine::{Meaning, Parameters, Reading, Signals};
use super::lexical::{Found, Searchable, Statement, question_stems};
use super::semantic::{Near, Semantic};
use super::text::{self, Text};
use super::{evidence, flags, score, star};

/// A mistake with fewer informative words of its own than this is not heard
/// without a reader: "says that X is always better" would be found in every
/// answer that calls anything better. Saying so wrongly costs a person's trust.
const TELLING_WORDS: usize = 3;

/// The probability such a mistake gets at most; below what costs anything.
const UNHEARD: f32 = 0.45;

/// Version of signals and score formula; the version of the weights follows
/// it in [`Assessment::judge`].
pub const JUDGE_VERSION: &str = "1";

/// Bytes of an answer that the trained reader reads.
const READER_BYTES: usize = 6_000;

/// The judge that runs on this machine.
#[derive(Clone)]
pub struct LocalJudge {
    semantic: Option<Arc<Semantic>>,
    reader: Option<Arc<dyn ChatModel>>,
}

impl std::fmt::Debug for LocalJudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalJudge")
            .field("semantic", &self.semantic.is_some())
            .field("reader", &self.reader.is_some())
            .finish()
    }
}

/// An assessment with the signals it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Detailed {
    /// The assessment.
    pub assessment: Assessment,
    /// The signals of each point, in the rubric's order.
    pub points: Vec<Signals>,
    /// The signals of each mistake, in the rubric's order.
    pub mistakes: Vec<Signals>,
}

impl LocalJudge {
    /// Returns a judge that reads words, and meaning and with a trained reader
    /// where these are given. Without `embedder` it hears no paraphrase, and
    /// says "unsure" more often. A `reader` without a weight in
    /// `models/judge.toml` is not asked.
    pub fn new(embedder: Option<Arc<dyn Embedder>>, reader: Option<Arc<dyn ChatModel>>) -> Self {
        Self {
            semantic: embedder.map(|embedder| Arc::new(Semantic::new(embedder))),
            reader,
        }
    }

    /// Returns the version that its assessments carry: signals and formula,
    /// weights, and which layers were there.
    pub fn version(&self) -> String {
        let weights = Parameters::shipped().map_or("none", |p| p.version.as_str());
        let layers = match (&self.semantic, self.active_reader()) {
            (_, Some(_)) => "reader",
            (Some(_), None) => "vectors",
            (None, None) => "words",
        };
        format!("{JUDGE_VERSION}.{weights}-{layers}")
    }

    fn active_reader(&self) -> Option<&Arc<dyn ChatModel>> {
        let used = Parameters::shipped().is_ok_and(Parameters::uses_reader);
        self.reader.as_ref().filter(|_| used)
    }

    /// Judges `case`, and says what the verdicts rest on.
    ///
    /// # Errors
    /// Fails when a model it relies on fails, or when cancelled.
    pub async fn detailed(&self, case: &Case, cancel: Cancel) -> Result<Detailed> {
        let parameters = Parameters::shipped()?;
        let screened = flags::screen(case, Text::new(&case.answer));
        let mut found_flags = screened.flags;
        let stems = question_stems(&Text::new(&case.question));
        let answer = Searchable::new(screened.text);
        let statements: Vec<Statement> = statements(case, &stems);
        let words: Vec<Found> = statements.iter().map(|s| answer.find(s)).collect();
        // The question itself is looked for last, to know what is off topic.
        let meaning = match &self.semantic {
            Some(semantic) => Some(
                semantic
                    .find(&statements, &answer.text, cancel.clone())
                    .await
                    .map_err(judge_error)?,
            ),
            None => None,
        };
        let reader = self.read(case, &cancel).await?;
        let strongest = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, f32::max);
        let relation = strongest(&mut words.iter().map(|found| found.everywhere));
        let closest = meaning
            .as_ref()
            .map(|near| strongest(&mut near.iter().map(|near| near.pooled)));
        if found_flags.is_empty() && flags::off_topic(&answer.text, relation, closest) {
            found_flags.push(Flag::OffTopic);
        }

        let near = |at: usize| meaning.as_ref().and_then(|all| all.get(at));
        let mut signals = Vec::new();
        let mut points = Vec::new();
        for (at, point) in case.points.iter().enumerate() {
            let found = &words[at];
            let mut s = gathered(found, near(at));
            s.terms = terms(point, &answer, &stems);
            s.star = point
                .star
                .map_or(0.0, |part| star::signal(&answer.text, part));
            s.reader = reader.as_ref().and_then(|all| all.get(at).copied());
            let probability = parameters.point(&s);
            let verdict = parameters.verdict(probability, &s);
            let evidence = if verdict == Verdict::Missing {
                Vec::new()
            } else {
                evidence::ranges(&case.answer, &answer.text, &places(found, near(at)))
            };
            signals.push(s);
            points.push(PointVerdict {
                id: point.id.clone(),
                verdict,
                probability,
                evidence,
            });
        }
        let mut mistake_signals = Vec::new();
        let mut mistakes = Vec::new();
        for (at, mistake) in case.mistakes.iter().enumerate() {
            let at = case.points.len() + at;
            let found = &words[at];
            let mut s = gathered(found, near(at));
            s.reader = reader.as_ref().and_then(|all| all.get(at).copied());
            let mut probability = parameters.mistake(&s);
            let telling = statements[at].weights.iter().filter(|w| **w > 0.0).count();
            if s.reader.is_none() && telling < TELLING_WORDS {
                probability = probability.min(UNHEARD);
            }
            let made = probability >= parameters.thresholds.mistake;
            let evidence = if made {
                evidence::ranges(&case.answer, &answer.text, &places(found, near(at)))
            } else {
                Vec::new()
            };
            mistake_signals.push(s);
            mistakes.push(MistakeFinding {
                id: mistake.id.clone(),
                made,
                probability,
                evidence,
            });
        }
        let score = score::score(case, &points, &mistakes, &found_flags);
        Ok(Detailed {
            assessment: Assessment {
                judge: self.version(),
                points,
                mistakes,
                flags: found_flags,
                score,
            },
            points: signals,
            mistakes: mistake_signals,
        })
    }

    /// Returns what the trained reader says of every point and then of every
    /// mistake: question and answer are decoded once, the statements are forks
    /// of them. The prompt is the one of `training/train_reader.py`.
    async fn read(&self, case: &Case, cancel: &Cancel) -> Result<Option<Vec<Reading>>> {
        let Some(reader) = self.active_reader() else {
            return Ok(None);
        };
        let points = case.points.iter().map(|point| {
            format!(
                "\nPoint: {}\nDoes the answer make this point?",
                collapse(&point.text)
            )
        });
        let mistakes = case.mistakes.iter().map(|mistake| {
            format!(
                "\nMistake: {}\nDoes the answer make this mistake?",
                collapse(&mistake.text)
            )
        });
        let branches: Vec<String> = points.chain(mistakes).collect();
        if branches.is_empty() {
            return Ok(None);
        }
        let answer = text::head(&case.answer, READER_BYTES);
        let read = reader
            .branch(
                BranchRequest {
                    prefix: BranchPrefix::Plain(vec![
                        Part::Prompt("Question: ".into()),
                        Part::Guide(collapse(&case.question)),
                        Part::Prompt("\nAnswer: ".into()),
                        Part::Candidate(collapse(answer)),
                    ]),
                    branches,
                    words: vec![" yes".into(), " no".into(), " wrong".into()],
                },
                cancel.clone(),
            )
            .await
            .map_err(judge_error)?;
        Ok(Some(
            read.logits.iter().map(|row| Reading::new(row)).collect(),
        ))
    }
}

#[async_trait]
impl Judge for LocalJudge {
    async fn assess(&self, case: &Case, cancel: Cancel) -> Result<Assessment> {
        Ok(self.detailed(case, cancel).await?.assessment)
    }
}

/// The points, then the mistakes, then the question, as statements to find.
fn statements(case: &Case, question: &HashSet<String>) -> Vec<Statement> {
    let points = case.points.iter().map(|point| point.text.as_str());
    let mistakes = case.mistakes.iter().map(|mistake| mistake.text.as_str());
    let mut out: Vec<Statement> = points
        .chain(mistakes)
        .map(|text| Statement::new(text, question))
        .collect();
    out.push(Statement::new(&case.question, &HashSet::new()));
    out
}

fn gathered(found: &Found, near: Option<&Near>) -> Signals {
    Signals {
        near: found.near,
        everywhere: found.everywhere,
        against: found.against,
        meaning: near.map(|near| Meaning {
            near: near.near,
            everywhere: near.everywhere,
            pooled: near.pooled,
        }),
        ..Signals::default()
    }
}

/// Returns how many of the point's key terms the answer says: one is half of
/// what two are. Terms of the question do not count.
fn terms(point: &CasePoint, answer: &Searchable, question: &HashSet<String>) -> f32 {
    let said = point
        .key_terms
        .iter()
        .map(|term| Statement::new(term, question))
        .filter(|term| term.mass() > 0.0 && answer.find(term).near >= 0.8)
        .count();
    match said {
        0 => 0.0,
        1 => 0.6,
        2 => 0.85,
        _ => 1.0,
    }
}

fn places(found: &Found, near: Option<&Near>) -> Vec<(usize, f32)> {
    let mut out = found.places.clone();
    if let Some(near) = near {
        out.extend(near.places.iter().filter(|(_, weight)| *weight > 0.0));
    }
    out
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn judge_error(error: EngineError) -> Error {
    match error {
        EngineError::Cancelled => Error::new(
            crate::ErrorKind::Interrupted,
            "judging the answer was stopped",
        ),
        other => Error::model("the answer could not be judged")
            .caused_by(other)
            .hint("Run `viva doctor` to see which models are in use."),
    }
}
