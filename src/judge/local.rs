//! The judge itself: gathers the signals of every layer, combines them and
//! writes the [`Assessment`].

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;

use crate::llm::{Cancel, ChatModel, Embedder, EngineError};
use crate::{Error, Result};

use super::assessment::{
    Assessment, Basis, Case, Flag, Judge, MistakeFinding, PointVerdict, Verdict,
};
use super::combine::{Meaning, Parameters, Reading, Signals, Whole};
use super::lexical::{Found, Searchable, Statement, question_stems};
use super::matcher::{Kind, Matched, Matcher};
use super::reading::{self, Asked, Read};
use super::score::{self, Overall};
use super::semantic::{Near, Semantic};
use super::sought::{about, asked, model_answers, statements, terms};
use super::text::Text;
use super::vote::Vote;
use super::{evidence, flags, star};

/// A mistake with fewer informative words of its own than this is not heard
/// without a reader: "says that X is always better" would be found in every
/// answer that calls anything better. Saying so wrongly costs a person's trust.
const TELLING_WORDS: usize = 3;

/// The probability such a mistake gets at most; below what costs anything.
const UNHEARD: f32 = 0.45;

/// Version of signals and score formula; the version of the weights follows
/// it in [`Assessment::judge`].
pub const JUDGE_VERSION: &str = "6";

/// Heard of a rubric from which an answer is not off topic for being far from it in
/// its words. With the reader of version 4.8 nothing of the validation part hung on
/// it; of the test part's 240 good answers 4 were so called, and one of 96 to other
/// questions got by.
const LOUD: f32 = 0.45;

/// The judge that runs on this machine.
#[derive(Clone)]
pub struct LocalJudge {
    semantic: Option<Arc<Semantic>>,
    reader: Option<Arc<dyn ChatModel>>,
    matcher: Option<Matcher>,
    vote: Option<Vote>,
    unproven: bool,
}

/// What the version of a judge ends with that missed a floor of the
/// calibration set on this machine.
const UNPROVEN: &str = "-unproven";

/// Returns whether scores of a judge of this version are fit to be shown:
/// without the trained reader they are not, since words and vectors alone put
/// confident, wrong answers above strong ones (`docs/judge.md`), nor where
/// `viva doctor --judge` found a floor missed.
pub fn is_trusted(version: &str) -> bool {
    !["-words", "-vectors", UNPROVEN]
        .iter()
        .any(|ending| version.ends_with(ending))
}

impl std::fmt::Debug for LocalJudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalJudge")
            .field("semantic", &self.semantic.is_some())
            .field("reader", &self.reader.is_some())
            .field("vote", &self.vote)
            .field("unproven", &self.unproven)
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
    /// What is known of a whole model answer, where its sentences stand in for
    /// a rubric.
    pub whole: Option<Whole>,
}

impl LocalJudge {
    /// Returns a judge that reads words, and meaning where there is an
    /// `embedder`. Without one it hears no paraphrase, and says "unsure" more
    /// often. Nothing trained is asked: see [`LocalJudge::trained`].
    pub fn new(embedder: Option<Arc<dyn Embedder>>) -> Self {
        Self {
            semantic: embedder.map(|embedder| Arc::new(Semantic::new(embedder))),
            reader: None,
            matcher: None,
            vote: None,
            unproven: false,
        }
    }

    /// Returns a judge that also asks the trained `reader` and the `matcher`,
    /// the encoder of `models/matcher.gguf`. The three go together: that is
    /// what the weights were fitted with.
    pub fn trained(
        embedder: Arc<dyn Embedder>,
        reader: Arc<dyn ChatModel>,
        matcher: Arc<dyn Embedder>,
    ) -> Self {
        Self {
            reader: Some(reader),
            matcher: Some(Matcher::new(matcher)),
            ..Self::new(Some(embedder))
        }
    }

    /// Returns this judge with a chat model's vote on points, at the weight it
    /// earned on the calibration set.
    #[must_use]
    pub fn with_vote(mut self, vote: Vote) -> Self {
        self.vote = Some(vote);
        self
    }

    /// Returns this judge as one that missed a floor on this machine; its
    /// version says so.
    #[must_use]
    pub fn unproven(mut self) -> Self {
        self.unproven = true;
        self
    }

    /// Returns the version that its assessments carry: signals and formula,
    /// weights, and which layers were there.
    pub fn version(&self) -> String {
        let layers = match (&self.semantic, &self.reader, &self.vote) {
            (_, Some(_), Some(_)) => "reader+vote",
            (_, Some(_), None) => "reader",
            (Some(_), None, _) => "vectors",
            (None, None, _) => "words",
        };
        let doubt = if self.unproven { UNPROVEN } else { "" };
        format!("{}{doubt}", version_of(layers))
    }

    /// Returns the version of a judge with embedder and trained reader.
    pub fn reading_version() -> String {
        version_of("reader")
    }

    /// Returns the version of a judge with embedder, trained reader and a
    /// chat model's vote.
    pub fn voting_version() -> String {
        version_of("reader+vote")
    }

    /// Returns the version of a judge without the trained reader.
    pub fn untrusted_version(embedder: bool) -> String {
        version_of(if embedder { "vectors" } else { "words" })
    }

    /// Returns what `version` becomes where the judge missed a floor.
    pub fn unproven_version(version: &str) -> String {
        format!("{version}{UNPROVEN}")
    }

    /// Returns a unit-length vector for each of `texts`, whose products say how
    /// near two meanings are; `None` without an embedder.
    ///
    /// # Errors
    /// Fails when the embedder does, or when cancelled.
    pub async fn vectors(
        &self,
        texts: Vec<String>,
        cancel: Cancel,
    ) -> Result<Option<Vec<Vec<f32>>>> {
        match &self.semantic {
            Some(semantic) => semantic
                .vectors(texts, cancel)
                .await
                .map(Some)
                .map_err(judge_error),
            None => Ok(None),
        }
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
        let (meaning, topical) = match &self.semantic {
            Some(semantic) => Some(
                semantic
                    .find(
                        &statements,
                        &Text::new(&about(case)),
                        &answer.text,
                        cancel.clone(),
                    )
                    .await
                    .map_err(judge_error)?,
            ),
            None => None,
        }
        .unzip();
        let spoken = answer.text.spoken(&case.answer);
        let reader = self.read(case, &spoken, &cancel).await?;
        let passages = evidence::passages(&case.answer, &answer.text);
        let ranges = answer.text.spoken_ranges(passages.iter().map(|p| &p.words));
        let matched = self.matched(case, &spoken, &ranges, &cancel).await?;
        let whole = self
            .whole(
                case,
                &stems,
                &answer.text,
                reader.as_ref(),
                matched.as_ref(),
                &cancel,
            )
            .await?;
        let said_of_whole = whole.map(|whole| parameters.whole(&whole));
        let votes = match &self.vote {
            Some(vote) => Some((
                vote.mix,
                vote.ask(case, cancel.clone()).await.map_err(judge_error)?,
            )),
            None => None,
        };
        let strongest = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, f32::max);
        let relation = strongest(&mut words.iter().map(|found| found.everywhere));
        let closest = meaning
            .as_ref()
            .map(|near| strongest(&mut near.iter().map(|near| near.pooled)));
        // Exam answers are too short for their topic to be told.
        let on_question = matched
            .as_ref()
            .filter(|_| !case.basis.is_written())
            .map(|m| m.topic);
        let said = reader.as_ref().and_then(|all| heard(case, &all.statements));
        let nearness = telling_nearness(on_question, said);
        if found_flags.is_empty() && flags::off_topic(&answer.text, relation, closest, nearness) {
            found_flags.push(Flag::OffTopic);
        }

        // How many of the readings are of points; see `read`.
        let derived = case.basis == Basis::Reference;
        let read_points = asked(case).len();
        let doubt = reader
            .as_ref()
            .map_or(0.0, |all| Reading::doubt(&all.statements, read_points));
        let heard = said.map(|said| said - far(on_question));
        let reading_of = |at: usize| reader.as_ref()?.statements.get(at).copied();
        let match_of = |at: usize| matched.as_ref()?.statements.get(at).copied();
        let topic = matched.as_ref().map_or(0.0, |found| found.topic);
        let near = |at: usize| meaning.as_ref().and_then(|all| all.get(at));
        let evidence = |of: usize, read: Option<usize>| {
            let apart = matched.as_ref().zip(read).and_then(|(all, read)| {
                let points = all.passages.get(..read_points)?;
                Some(evidence::set_apart(points, all.passages.get(read)?))
            });
            let scores = apart
                .unwrap_or_else(|| evidence::by_places(&passages, &places(&words[of], near(of))));
            evidence::best(&passages, &scores)
        };
        let mut signals = Vec::new();
        let mut points = Vec::new();
        for (at, point) in case.points.iter().enumerate() {
            let found = &words[at];
            let mut s = gathered(found, near(at));
            s.terms = terms(point, &answer, &stems);
            s.about = topical.unwrap_or(0.0);
            s.star = point
                .star
                .map_or(0.0, |part| star::signal(&answer.text, part));
            if !derived {
                s.reader = reading_of(at);
                s.matcher = match_of(at);
                s.doubt = doubt;
            }
            s.topic = topic;
            let mut probability = match case.basis {
                Basis::Statements => parameters.statement(&s),
                _ => parameters.point(&s),
            };
            if let Some(whole) = said_of_whole.filter(|_| derived) {
                probability = parameters.derived(probability, whole);
            }
            if let Some((mix, all)) = &votes
                && let Some(&vote) = all.get(at)
            {
                probability = mix.probability(probability, vote);
            }
            let verdict = parameters.verdict(probability, &s);
            let evidence = if verdict == Verdict::Missing {
                Vec::new()
            } else {
                evidence(at, (!derived).then_some(at))
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
            let read_at = read_points + at;
            let at = case.points.len() + at;
            let found = &words[at];
            let mut s = gathered(found, near(at));
            s.reader = reading_of(read_at);
            s.matcher = match_of(read_at);
            let mut probability = parameters.mistake(&s);
            let telling = statements[at].weights.iter().filter(|w| **w > 0.0).count();
            if s.reader.is_none() && telling < TELLING_WORDS {
                probability = probability.min(UNHEARD);
            }
            let made = probability >= parameters.thresholds.mistake;
            let evidence = if made {
                evidence(at, Some(read_at))
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
        let overall = Overall {
            whole: said_of_whole,
            heard,
        };
        let score = score::score(case, &points, overall, &mistakes, &found_flags);
        Ok(Detailed {
            assessment: Assessment {
                judge: self.version(),
                points,
                mistakes,
                flags: found_flags,
                heard,
                score,
            },
            points: signals,
            mistakes: mistake_signals,
            whole,
        })
    }

    async fn read(&self, case: &Case, words: &[String], cancel: &Cancel) -> Result<Option<Read>> {
        let Some(reader) = &self.reader else {
            return Ok(None);
        };
        let references = model_answers(case);
        let all = Asked {
            question: &case.question,
            points: asked(case),
            mistakes: &case.mistakes,
            references: &references,
        };
        let found = reading::read(reader.as_ref(), &all, words, cancel);
        Ok(Some(found.await?))
    }

    /// Returns what the matcher says of every point that the reader was asked
    /// about, then of every mistake, then of every whole model answer.
    async fn matched(
        &self,
        case: &Case,
        words: &[String],
        passages: &[Range<usize>],
        cancel: &Cancel,
    ) -> Result<Option<Matched>> {
        let Some(matcher) = &self.matcher else {
            return Ok(None);
        };
        let whole = model_answers(case);
        let points = asked(case).iter().map(|p| (Kind::Point, p.text.as_str()));
        let mistakes = case
            .mistakes
            .iter()
            .map(|m| (Kind::Mistake, m.text.as_str()));
        let whole = whole.iter().map(|text| (Kind::Reference, text.as_ref()));
        let statements: Vec<(Kind, &str)> = points.chain(mistakes).chain(whole).collect();
        let found = matcher
            .read(&about(case), words, passages, &statements, cancel)
            .await?;
        Ok(Some(found))
    }

    /// Returns how much of a whole model answer was said, of that one of which
    /// most was, in an exam.
    async fn whole(
        &self,
        case: &Case,
        question: &HashSet<String>,
        answer: &Text,
        reader: Option<&Read>,
        matched: Option<&Matched>,
        cancel: &Cancel,
    ) -> Result<Option<Whole>> {
        let Some(semantic) = &self.semantic else {
            return Ok(None);
        };
        let parameters = Parameters::shipped()?;
        let references: Vec<Text> = model_answers(case)
            .iter()
            .map(|reference| Text::new(reference))
            .collect();
        let agreements = semantic
            .agreements(&references, question, answer, cancel.clone())
            .await
            .map_err(judge_error)?;
        // The matcher's logits of them come last.
        let before = asked(case).len() + case.mistakes.len();
        let logit = |at: usize| matched?.statements.get(before + at).copied();
        let reading = |at: usize| Some(reader?.references.get(at)?.yes);
        Ok(agreements
            .into_iter()
            .enumerate()
            .map(|(at, agreement)| Whole {
                agreement,
                matcher: logit(at),
                reader: reading(at),
            })
            .max_by(|a, b| parameters.whole(a).total_cmp(&parameters.whole(b))))
    }
}

/// Returns the nearness to the question where it can tell that an answer speaks of
/// something else: somebody of whom much is heard only uses other words.
fn telling_nearness(topic: Option<f32>, heard: Option<f32>) -> Option<f32> {
    topic.filter(|_| heard.is_none_or(|heard| heard < LOUD))
}

/// Returns how much more of a rubric must be heard in an answer that is this near
/// to the question and its points by the matcher: nothing where it is near.
/// Picked on the validation part, together with the bounds in [`score`], among
/// fifteen settings: of 164 answers worth nothing 7 score above 10 with it, and of
/// 316 good ones 7 score 10 or less.
fn far(topic: Option<f32>) -> f32 {
    const NEAR: f32 = 0.35;
    const STRICTNESS: f32 = 1.5;
    topic.map_or(0.0, |topic| STRICTNESS * (NEAR - topic).max(0.0))
}

/// Returns how much of a rubric the reader hears, by its `readings` of the points
/// and then of the mistakes; see [`Assessment::heard`].
fn heard(case: &Case, readings: &[Reading]) -> Option<f32> {
    // One point or two are seldom all that an answer is about.
    const ENOUGH: usize = 3;
    let points = readings.get(..asked(case).len())?;
    (case.basis == Basis::Rubric && points.len() >= ENOUGH).then(|| {
        let all: f32 = points.iter().map(|reading| reading.probability()).sum();
        all / points.len() as f32
    })
}

#[async_trait]
impl Judge for LocalJudge {
    async fn assess(&self, case: &Case, cancel: Cancel) -> Result<Assessment> {
        Ok(self.detailed(case, cancel).await?.assessment)
    }
}

fn version_of(layers: &str) -> String {
    let weights = Parameters::shipped().map_or("none", |p| p.version.as_str());
    format!("{JUDGE_VERSION}.{weights}-{layers}")
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

/// Returns the words of an answer in which a statement was found, with what each
/// contributes.
fn places(found: &Found, near: Option<&Near>) -> Vec<(usize, f32)> {
    let mut out = found.places.clone();
    if let Some(near) = near {
        out.extend(near.places.iter().filter(|(_, weight)| *weight > 0.0));
    }
    out
}

pub(super) fn judge_error(error: EngineError) -> Error {
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

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
