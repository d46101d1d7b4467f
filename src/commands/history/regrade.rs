//! `viva history regrade`: judges past answers again with today's models and
//! guides, keeps the verdicts beside the old ones and shows what changed. The
//! stored critique stays as it was.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use super::super::interview::history::{attempt_rows, with_version};
use super::super::interview::{JUDGED_WITH, minds::Minds, runtime};
use super::super::{Context, resume};
use super::{day_ms, open, open_to_read, when};
use crate::guide::{Library, Question};
use crate::interview::{Attempt, Judgement, Machine, PlannedQuestion};
use crate::judge::{Assessment, Case, Judge, is_trusted};
use crate::llm::Cancel;
use crate::progress::{
    MadeMistake, ModelFile, PastCritique, PointDrift, REGRADE, Regrade, RegradedQuestion, drift,
    guide_version,
};
use crate::store::{
    Journal, SessionFilter, SessionId, SessionSummary, Status, VerdictRow, VerdictSource, Versions,
};
use crate::ui::{Meaning, Progress, Text};
use crate::{Error, ErrorKind, Result};

/// Arguments of `viva history regrade`
#[derive(Debug, Args)]
pub struct RegradeArgs {
    /// A session's name, its end, or `last` [default: last]
    #[arg(conflicts_with_all = ["all", "since"])]
    session: Option<String>,
    /// Judge every finished session again
    #[arg(long)]
    all: bool,
    /// Judge the finished sessions from this day on again
    #[arg(long, value_name = "YYYY-MM-DD")]
    since: Option<jiff::civil::Date>,
    /// Judge again also where today's versions judged before, or where today's
    /// judge is not reliable
    #[arg(long)]
    force: bool,
}

/// One question of a past session that is to be judged again.
struct Job {
    /// The attempts, the last of which counts.
    attempts: Vec<Attempt>,
    /// The question as today's guides have it.
    question: Question,
    asked: String,
    guide: String,
    guide_before: String,
    before: Option<f64>,
    stored_rubric: bool,
}

/// A session with something to judge again.
struct Task {
    session: SessionSummary,
    jobs: Vec<Job>,
    done: Regrade,
}

impl Job {
    /// Returns how often the judge is asked.
    fn judgements(&self) -> usize {
        self.attempts
            .iter()
            .map(|attempt| attempt.judgements.len().max(1))
            .sum()
    }
}

/// Runs `viva history regrade`.
///
/// # Errors
/// Fails when there is no such session, when today's judge is not reliable,
/// and when nothing can be written; with [`ErrorKind::Interrupted`] when the
/// person stopped it, after what was judged is kept.
pub(super) fn run(args: &RegradeArgs, ctx: &Context) -> Result<()> {
    // Looking first makes no journal where there is none.
    drop(open_to_read(ctx)?);
    let journal = open(ctx)?;
    let sessions = sessions(args, &journal)?;
    let library = Library::load(&ctx.paths)?;
    runtime()?.play(async {
        let minds = Minds::start(ctx)?;
        let judge = minds.expected_judge();
        if !is_trusted(&judge) && !args.force {
            return Err(unreliable(&judge));
        }
        let models = judging(minds.files(), &judge);
        let mut tasks = Vec::new();
        for session in sessions {
            let today = (!args.force).then_some((judge.as_str(), models.as_slice()));
            tasks.extend(task(&journal, &library, session, today)?);
        }
        let total: usize = tasks
            .iter()
            .flat_map(|task| &task.jobs)
            .map(Job::judgements)
            .sum();
        let mut work = Work {
            ctx,
            journal: &journal,
            minds: &minds,
            models,
            force: args.force,
            bar: ctx.ui.progress_bar(total as u64, "Judging again"),
            done: Vec::new(),
            sessions: 0,
        };
        let mut outcome = Ok(());
        for task in tasks {
            outcome = work.judge(task).await;
            if outcome.is_err() {
                break;
            }
        }
        work.tell(&judge);
        outcome
    })
}

fn unreliable(judge: &str) -> Error {
    Error::model(format!(
        "today's judge ({judge}) is not reliable enough to judge the past again"
    ))
    .hint("`viva models pull starter` and `viva models pull embedder` bring what it reads with; `viva doctor` says what is missing.")
    .hint("--force judges all the same; progress leaves such verdicts out.")
}

fn sessions(args: &RegradeArgs, journal: &Journal) -> Result<Vec<SessionSummary>> {
    if !args.all && args.since.is_none() {
        let id = journal.find(args.session.as_deref().unwrap_or("last"))?;
        let session = journal.session(&id)?;
        if session.status != Status::Finished {
            return Err(Error::usage(format!(
                "session {} is {} and has not been judged whole",
                id.short(),
                session.status
            ))
            .hint(format!("`viva resume {}` goes on with it.", id.short())));
        }
        return Ok(vec![session]);
    }
    let mut sessions = journal.sessions(&SessionFilter {
        status: Some(Status::Finished),
        since_ms: args.since.map(day_ms).transpose()?,
        ..SessionFilter::default()
    })?;
    sessions.reverse();
    Ok(sessions)
}

/// Returns the files that have a part in a verdict of this judge.
fn judging(files: &[ModelFile], judge: &str) -> Vec<ModelFile> {
    files
        .iter()
        .filter(|file| file.part != "chat" || judge.contains("vote"))
        .cloned()
        .collect()
}

/// Returns what is to be judged again of a session; nothing where `today`,
/// judge and models, are what judged it, or where nothing was answered.
fn task(
    journal: &Journal,
    library: &Library,
    session: SessionSummary,
    today: Option<(&str, &[ModelFile])>,
) -> Result<Option<Task>> {
    let machine = Machine::replay(&resume::events(journal, &session.id)?);
    let Some(plan) = machine.plan() else {
        return Ok(None);
    };
    let critique: PastCritique = read(journal, &session.id, "critique")?.unwrap_or_default();
    let done: Regrade = read(journal, &session.id, REGRADE)?.unwrap_or_default();
    let with: Vec<ModelFile> = journal
        .document(&session.id, JUDGED_WITH)?
        .and_then(|document| serde_json::from_value(document["models"].clone()).ok())
        .unwrap_or_default();
    let stored = journal.verdicts(&session.id)?;
    let guides = &session.meta.versions.guides;
    let mut jobs = Vec::new();
    for (planned, record) in plan.questions.iter().zip(machine.records()) {
        let attempts: Vec<Attempt> = record
            .attempts
            .iter()
            .filter(|attempt| !attempt.turns.is_empty())
            .cloned()
            .collect();
        if attempts.is_empty() {
            continue;
        }
        let (question, guide, stored_rubric) = rubric(library, planned, guides);
        let known = today.is_some_and(|(judge, models)| {
            stored.iter().any(|one| {
                let before = match one.row.source {
                    VerdictSource::Regrade => &done.models,
                    _ => &with,
                };
                one.row.question == planned.question.id
                    && one.row.versions.judge == judge
                    && guide_version(&one.row.versions.guides, guides) == guide_version(&guide, "")
                    && (before.is_empty() || judging(before, judge) == models)
            })
        });
        if known {
            continue;
        }
        let past = critique
            .questions
            .iter()
            .find(|one| one.question == planned.question.id);
        jobs.push(Job {
            attempts,
            question,
            asked: planned.asked.clone(),
            guide,
            guide_before: with_version(&planned.citation, guides),
            before: past.and_then(|one| one.score),
            stored_rubric,
        });
    }
    Ok((!jobs.is_empty()).then_some(Task {
        session,
        jobs,
        done,
    }))
}

/// Returns the question as today's guides have it, with its place and version;
/// as the session has it, and `true`, where they hold it no more.
fn rubric(library: &Library, planned: &PlannedQuestion, guides: &str) -> (Question, String, bool) {
    let id = &planned.question.id;
    match (library.question(id), library.guide_of(id)) {
        (Some(question), Some(guide)) => {
            let version = format!("{} {}", guide.guide.id, guide.guide.version);
            let place = with_version(&library.citation(question), &version);
            (question.clone(), place, false)
        }
        _ => (
            planned.question.clone(),
            with_version(&planned.citation, guides),
            true,
        ),
    }
}

fn read<T: serde::de::DeserializeOwned>(
    journal: &Journal,
    session: &SessionId,
    name: &str,
) -> Result<Option<T>> {
    Ok(journal
        .document(session, name)?
        .and_then(|document| serde_json::from_value(document).ok()))
}

/// Judging again as it goes on.
struct Work<'a> {
    ctx: &'a Context,
    journal: &'a Journal,
    minds: &'a Minds,
    models: Vec<ModelFile>,
    force: bool,
    bar: Progress,
    done: Vec<RegradedQuestion>,
    sessions: usize,
}

impl Work<'_> {
    /// Judges a session again, question by question; each is stored before the
    /// next begins.
    async fn judge(&mut self, task: Task) -> Result<()> {
        let Task {
            session,
            jobs,
            mut done,
        } = task;
        self.sessions += 1;
        if done.models != self.models {
            // What other models said is told by its rows; the document speaks
            // of one set of models only.
            done = Regrade::default();
        }
        done.schema = 1;
        done.models = self.models.clone();
        let mut first = true;
        for job in jobs {
            let mut rows = Vec::new();
            let mut last = None;
            for (number, attempt) in (0_u32..).zip(&job.attempts) {
                let again = self.attempt(&job, attempt).await?;
                rows.extend(attempt_rows(
                    &again,
                    &VerdictRow {
                        question: job.question.id.clone(),
                        attempt: number,
                        source: VerdictSource::Regrade,
                        point: String::new(),
                        verdict: String::new(),
                        probability: 0.0,
                        recovery: String::new(),
                        model_hash: self.minds.stamp().hash,
                        versions: Versions {
                            judge: String::new(),
                            prompts: self.minds.all_prompts(),
                            guides: job.guide.clone(),
                        },
                    },
                ));
                last = Some((number, attempt, again));
            }
            let Some(question) =
                last.and_then(|(number, before, again)| drifted(&job, number, before, &again))
            else {
                continue;
            };
            self.journal.record_verdicts(&session.id, &rows)?;
            done.questions
                .retain(|one| one.question != question.question);
            done.questions.push(question.clone());
            self.journal.put_document(&session.id, REGRADE, &done)?;
            self.show(&session, &question, std::mem::take(&mut first));
            self.done.push(question);
        }
        Ok(())
    }

    /// Returns `attempt` with today's judgements: one after each answer, as in
    /// the interview, so that it shows again what came unaided.
    async fn attempt(&self, job: &Job, attempt: &Attempt) -> Result<Attempt> {
        let mut turns: Vec<usize> = attempt.judgements.iter().map(|one| one.turns).collect();
        if turns.is_empty() {
            turns.push(attempt.turns.len());
        }
        let mut again = Attempt {
            judgements: Vec::new(),
            ..attempt.clone()
        };
        for turns in turns {
            let answer = Attempt {
                turns: attempt.turns.iter().take(turns).cloned().collect(),
                ..Attempt::default()
            }
            .answer();
            let assessment = self
                .assess(&Case::from_question(&job.question, &job.asked, &answer))
                .await?;
            again.judgements.push(Judgement { turns, assessment });
            self.bar.add(1);
        }
        Ok(again)
    }

    async fn assess(&self, case: &Case) -> Result<Assessment> {
        let cancel = Cancel::new();
        let stopped = || {
            Error::new(ErrorKind::Interrupted, "judging the past again was stopped")
                .hint("What was judged is kept. The same command goes on with the rest.")
        };
        let assessment = tokio::select! {
            judged = self.minds.assess(case, cancel.clone()) => judged?,
            _ = tokio::signal::ctrl_c() => {
                cancel.cancel();
                return Err(stopped());
            }
        };
        if !is_trusted(&assessment.judge) && !self.force {
            return Err(unreliable(&assessment.judge));
        }
        Ok(assessment)
    }

    fn show(&self, session: &SessionSummary, question: &RegradedQuestion, first: bool) {
        let ui = &self.ctx.ui;
        if ui.is_json() {
            let mut line = json!({"schema": 1, "type": "regraded", "session": session.id});
            if let (Some(all), Ok(serde_json::Value::Object(own))) =
                (line.as_object_mut(), serde_json::to_value(question))
            {
                all.extend(own);
            }
            ui.json_line(&line);
            return;
        }
        if first {
            let place = format!(
                "  {} · session {}",
                when(session.started_at),
                session.id.short()
            );
            ui.paragraph(
                0,
                &Text::new()
                    .with(Meaning::Heading, &session.meta.title)
                    .with(Meaning::Muted, place),
            );
        }
        ui.paragraph(2, &Text::new().with(Meaning::Question, &question.asked));
        ui.paragraph(
            4,
            &Text::new().plain("  ").with(
                Meaning::Value,
                format!("{}, now {}", score(question.before), score(question.after)),
            ),
        );
        for (name, before, now) in [
            ("judge", &question.judge_before, &question.judge),
            ("guide", &question.guide_before, &question.guide),
        ] {
            if before != now {
                let before = if before.is_empty() { "none" } else { before };
                ui.paragraph(
                    4,
                    &Text::new().with(Meaning::Muted, format!("  {name} {before}, now {now}")),
                );
            }
        }
        if question.stored_rubric {
            ui.paragraph(
                4,
                &Text::new().with(
                    Meaning::Muted,
                    "  The guides hold this question no more; its own rubric was used.",
                ),
            );
        }
        for point in question.changed() {
            let before = point.before.map(word).unwrap_or_default();
            ui.paragraph(
                4,
                &Text::new().plain(format!(
                    "  {}: {before}, now {}",
                    point.text,
                    word(point.after)
                )),
            );
        }
    }

    fn tell(self, judge: &str) {
        let sum = drift(&self.done);
        let ui = &self.ctx.ui;
        self.bar.finish();
        if ui.is_json() {
            ui.json_line(&json!({
                "schema": 1, "type": "drift", "judge": judge, "sessions": self.sessions,
                "questions": sum.questions, "points": sum.points, "changed": sum.changed,
                "mean": sum.mean, "size": sum.size,
            }));
            return;
        }
        if sum.questions == 0 {
            ui.status(&format!(
                "Nothing to judge again: judge {judge}, these models and today's guides judged it already, or nothing was answered."
            ));
            return;
        }
        ui.line("");
        let moved = match (sum.mean, sum.size) {
            (Some(mean), Some(size)) => {
                format!(" Scores moved by {mean:+.1} on average, by {size:.1} without the sign.")
            }
            _ => String::new(),
        };
        ui.paragraph(
            0,
            &Text::new().plain(format!(
                "Judged again: {} by judge {judge}. {} of {} points have another verdict.{moved}",
                count(sum.questions, "answer"),
                sum.changed,
                sum.points,
            )),
        );
    }
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn score(score: Option<f64>) -> String {
    score.map_or_else(
        || "no score".to_owned(),
        |score| format!("{score:.0} of 100"),
    )
}

fn word(verdict: crate::judge::Verdict) -> String {
    serde_json::to_value(verdict)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Returns what judging the attempt that counts again changed.
fn drifted(job: &Job, number: u32, before: &Attempt, again: &Attempt) -> Option<RegradedQuestion> {
    let old = before.assessment();
    let new = again.assessment()?;
    let answer = again.answer();
    let words = |ranges: &[std::ops::Range<usize>]| -> Option<String> {
        let texts: Vec<&str> = ranges
            .iter()
            .filter_map(|range| Some(answer.get(range.clone())?.trim()))
            .collect();
        (!texts.is_empty()).then(|| texts.join(" … "))
    };
    let texts: BTreeMap<&str, &str> = job
        .question
        .points
        .iter()
        .map(|point| (point.id.as_str(), point.text.as_str()))
        .collect();
    Some(RegradedQuestion {
        question: job.question.id.clone(),
        asked: job.asked.clone(),
        attempt: number,
        at_ms: jiff::Timestamp::now().as_millisecond(),
        before: job.before,
        after: is_trusted(&new.judge).then(|| f64::from(new.score)),
        judge_before: old.map(|old| old.judge.clone()).unwrap_or_default(),
        judge: new.judge.clone(),
        guide_before: job.guide_before.clone(),
        guide: job.guide.clone(),
        stored_rubric: job.stored_rubric,
        points: new
            .points
            .iter()
            .map(|point| PointDrift {
                point: point.id.clone(),
                text: texts
                    .get(point.id.as_str())
                    .map_or_else(|| point.id.clone(), |text| (*text).to_owned()),
                before: old.and_then(|old| {
                    old.points
                        .iter()
                        .find(|one| one.id == point.id)
                        .map(|one| one.verdict)
                }),
                after: point.verdict,
                quote: words(&point.evidence),
            })
            .collect(),
        mistakes: new
            .mistakes
            .iter()
            .filter(|mistake| mistake.made)
            .filter_map(|mistake| {
                let known = job.question.mistakes.iter().find(|m| m.id == mistake.id)?;
                Some(MadeMistake {
                    mistake: mistake.id.clone(),
                    text: known.text.clone(),
                    quote: words(&mistake.evidence)?,
                })
            })
            .collect(),
    })
}
