//! Progress as a page: what the past sessions come to, with a chart a
//! competency. It computes no claims; [`crate::progress`] does.

use serde_json::{Map, Value, json};

use super::view::clean;
use super::{render, tidy};
use crate::Result;
use crate::progress::{Estimate, Inconsistency, Line, Progress, Then, Wish};

/// Width and height of a chart's drawing space, and the room at its left for
/// the scale and at its foot.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 40.0;
const FOOT: f64 = 20.0;
const TOP: f64 = 10.0;

/// Concepts, points and inconsistencies that the page shows of each kind.
const MOST: usize = 20;

/// What the page is made of.
#[derive(Debug, Clone, Copy)]
pub struct ProgressPage<'a> {
    /// What the past comes to.
    pub progress: &'a Progress,
    /// What was asked for.
    pub wish: &'a Wish,
    /// The sessions begin at or after this, milliseconds since 1970 in UTC.
    pub since_ms: Option<i64>,
}

impl ProgressPage<'_> {
    /// Returns progress as one JSON object with `"schema": 1`.
    pub fn to_json(&self) -> Value {
        let mut value = json!({
            "schema": 1,
            "type": "progress",
            "since": self.since_ms,
            "competency": self.wish.competency,
            "concept": self.wish.concept,
            "broken": self.progress.is_broken(),
        });
        if let (Some(all), Ok(Value::Object(own))) =
            (value.as_object_mut(), serde_json::to_value(self.progress))
        {
            all.extend(own);
        }
        value
    }

    /// Returns the page as Markdown.
    ///
    /// # Errors
    /// Fails only by a defect of the template.
    pub fn to_markdown(&self) -> Result<String> {
        let text = render(
            "progress.md",
            include_str!("templates/progress.md"),
            self.view(),
        )?;
        Ok(tidy(&text))
    }

    /// Returns the page as one HTML file that needs no other.
    ///
    /// # Errors
    /// Fails only by a defect of the template.
    pub fn to_html(&self) -> Result<String> {
        render(
            "progress.html",
            include_str!("templates/progress.html"),
            self.view(),
        )
    }

    fn view(&self) -> Value {
        let progress = self.progress;
        let mut concepts: Vec<&Line> = progress.concepts.iter().collect();
        let mean = |line: &Line| line.credit.map_or(f64::INFINITY, |credit| credit.mean);
        concepts.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
        let moved = |all: &[crate::progress::Moved]| -> Vec<Value> {
            all.iter()
                .take(MOST)
                .map(|one| {
                    json!({
                        "text": one.text, "concept": words(&one.concept),
                        "then": self.then(&one.then), "now": self.then(&one.now),
                    })
                })
                .collect()
        };
        let judges: Vec<Value> = progress
            .judges
            .iter()
            .map(|judge| {
                json!({
                    "version": judge.version, "sessions": judge.sessions,
                    "present": judge.present, "from": day(judge.from), "to": day(judge.to),
                })
            })
            .collect();
        let mut view = json!({
            "sessions": progress.sessions.len(),
            "first": progress.sessions.first().map(|one| day(one.started_at)),
            "last": progress.sessions.last().map(|one| day(one.started_at)),
            "competency": self.wish.competency.as_deref().map(words),
            "concept": self.wish.concept.as_deref().map(words),
            "broken": progress.is_broken(),
            "unreliable": progress.unreliable,
            "empty": progress.is_empty(),
            "judges": judges,
            "competencies": progress.competencies.iter().enumerate()
                .map(|(at, line)| self.line(at, line)).collect::<Vec<_>>(),
            "concepts": concepts.iter().take(MOST).enumerate()
                .map(|(at, line)| self.line(at, line)).collect::<Vec<_>>(),
            "recall": progress.recall,
            "calibration": progress.calibration,
            "speaking": progress.speaking,
            "improved": moved(&progress.improved),
            "regressed": moved(&progress.regressed),
            "inconsistent": progress.inconsistent.iter().take(MOST)
                .map(|one| self.inconsistent(one)).collect::<Vec<_>>(),
        });
        clean(&mut view);
        view
    }

    fn session(&self, at: usize) -> String {
        self.progress
            .sessions
            .get(at)
            .map(|session| format!("{}, {}", day(session.started_at), session.title))
            .unwrap_or_default()
    }

    fn then(&self, then: &Then) -> Value {
        json!({
            "verdict": then.verdict, "quote": then.quote, "session": self.session(then.session),
        })
    }

    fn inconsistent(&self, one: &Inconsistency) -> Value {
        match one {
            Inconsistency::Point(moved) => json!({
                "kind": "point", "concept": words(&moved.concept), "text": moved.text,
                "then": self.then(&moved.then), "now": self.then(&moved.now),
            }),
            Inconsistency::Mistake {
                concept,
                text,
                made,
                quote,
                avoided,
                ..
            } => json!({
                "kind": "mistake", "concept": words(concept), "text": text, "quote": quote,
                "made": self.session(*made), "avoided": self.session(*avoided),
            }),
            Inconsistency::Questions {
                concept,
                well,
                well_session,
                well_score,
                badly,
                badly_session,
                badly_score,
            } => json!({
                "kind": "questions", "concept": words(concept),
                "well": well, "well_score": well_score, "well_session": self.session(*well_session),
                "badly": badly, "badly_score": badly_score,
                "badly_session": self.session(*badly_session),
            }),
        }
    }

    /// Returns a subject with its chart: where to draw, and the same in words.
    fn line(&self, at: usize, line: &Line) -> Value {
        let values: Vec<Value> = line
            .sessions
            .iter()
            .map(|one| {
                let present = self
                    .progress
                    .judges
                    .get(one.judge)
                    .is_some_and(|j| j.present);
                json!({
                    "session": self.session(one.session), "credit": one.credit * 100.0,
                    "unaided": one.unaided * 100.0, "present": present,
                    "answers": one.answers,
                })
            })
            .collect();
        let mut out = Map::new();
        out.insert("id".into(), json!(format!("chart-{at}")));
        out.insert("name".into(), json!(words(&line.name)));
        out.insert("credit".into(), percent(line.credit.as_ref()));
        out.insert("unaided".into(), percent(line.unaided.as_ref()));
        out.insert("trend".into(), json!(line.trend.words()));
        out.insert("recall".into(), json!(line.recall));
        out.insert("broken".into(), json!(line.broken));
        out.insert("values".into(), json!(values));
        out.insert("chart".into(), self.chart(line));
        Value::Object(out)
    }

    fn chart(&self, line: &Line) -> Value {
        let n = line.sessions.len();
        let x = |at: usize| {
            let room = WIDTH - LEFT - 20.0;
            match n {
                0 | 1 => LEFT + room / 2.0,
                _ => LEFT + 10.0 + room * at as f64 / (n - 1) as f64,
            }
        };
        let y = |share: f64| TOP + (HEIGHT - TOP - FOOT) * (1.0 - share.clamp(0.0, 1.0));
        let mut dots = Vec::new();
        let mut runs: Vec<Vec<String>> = Vec::new();
        let mut breaks = Vec::new();
        let mut before: Option<(usize, usize)> = None;
        for (at, one) in line.sessions.iter().enumerate() {
            let point = format!("{:.1},{:.1}", x(at), y(one.credit));
            match (before, runs.last_mut()) {
                (Some((_, judge)), Some(run)) if judge == one.judge => run.push(point),
                (Some((place, _)), _) => {
                    breaks.push(format!("{:.1}", (x(place) + x(at)) / 2.0));
                    runs.push(vec![point]);
                }
                _ => runs.push(vec![point]),
            }
            before = Some((at, one.judge));
            let present = self
                .progress
                .judges
                .get(one.judge)
                .is_some_and(|j| j.present);
            dots.push(json!({
                "x": format!("{:.1}", x(at)), "y": format!("{:.1}", y(one.credit)),
                "present": present,
            }));
        }
        let runs: Vec<String> = runs
            .into_iter()
            .filter(|run| run.len() > 1)
            .map(|run| run.join(" "))
            .collect();
        let scale: Vec<Value> = [0.0, 0.5, 1.0]
            .iter()
            .map(|share| {
                json!({"y": format!("{:.1}", y(*share)), "label": format!("{:.0}", share * 100.0)})
            })
            .collect();
        let band = line.credit.as_ref().map(|credit| {
            json!({
                "y": format!("{:.1}", y(credit.high)),
                "height": format!("{:.1}", (y(credit.low) - y(credit.high)).max(1.0)),
                "mean": format!("{:.1}", y(credit.mean)),
            })
        });
        json!({
            "width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - 10.0,
            "top": TOP, "bottom": HEIGHT - FOOT,
            "dots": dots, "runs": runs, "breaks": breaks, "scale": scale, "band": band,
        })
    }
}

fn percent(estimate: Option<&Estimate>) -> Value {
    estimate.map_or(Value::Null, |one| {
        json!({
            "mean": one.mean * 100.0, "low": one.low * 100.0, "high": one.high * 100.0,
            "answers": one.answers,
        })
    })
}

fn words(name: &str) -> String {
    name.replace('-', " ")
}

fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map(|time| {
            time.to_zoned(jiff::tz::TimeZone::system())
                .strftime("%Y-%m-%d")
                .to_string()
        })
        .unwrap_or_default()
}
