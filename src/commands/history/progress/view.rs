//! Progress on the screen: charts of at most 60 columns that read without
//! colour, and the words that show what moved.

use super::super::super::Context;
use super::super::when;
use crate::progress::{Estimate, Inconsistency, Line, Moved, Progress, Then, Wish};
use crate::ui::{Meaning, Text, Ui, chart};

/// Concepts that are shown unasked, the weakest ones.
const CONCEPTS: usize = 8;

/// Points and concepts that are shown of each kind, the latest ones.
const MOVED: usize = 5;

/// Columns of a subject's name beside its bar.
const NAME: usize = 20;

/// Answers from which own scores are compared with the panel's.
const CALIBRATED: usize = 4;

struct View<'a> {
    ui: &'a Ui,
    progress: &'a Progress,
    plain: bool,
}

/// Shows `progress`.
pub(super) fn show(ctx: &Context, progress: &Progress, wish: &Wish) {
    let view = View {
        ui: &ctx.ui,
        progress,
        plain: ctx.ui.is_plain(),
    };
    if progress.is_empty() {
        view.nothing();
        return;
    }
    view.judges();
    view.lines("Competencies", &progress.competencies, usize::MAX);
    let mut concepts = progress.concepts.clone();
    let mean = |line: &Line| line.credit.map_or(f64::INFINITY, |credit| credit.mean);
    concepts.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    let narrowed = wish.concept.is_some() || wish.competency.is_some();
    let most = if narrowed { usize::MAX } else { CONCEPTS };
    let heading = if concepts.len() > most {
        "Weakest concepts"
    } else {
        "Concepts, weakest first"
    };
    view.lines(heading, &concepts, most);
    view.legend();
    view.recall();
    view.calibration();
    view.speaking();
    view.moved("Better than the first time", &progress.improved);
    view.moved("Worse than before", &progress.regressed);
    view.inconsistent();
}

impl View<'_> {
    fn nothing(&self) {
        let ui = self.ui;
        let sessions = self.progress.sessions.len();
        match (sessions, self.progress.unreliable) {
            (0, _) => ui.status("No sessions here. `viva interview` holds one."),
            (_, 0) => ui.status("Nothing in these sessions has been judged."),
            (_, n) => {
                ui.status(&format!(
                    "No verdicts to compare: the judge of {} was not reliable.",
                    count(n, "session")
                ));
                ui.hint("`viva doctor` says what is missing; then `viva history regrade --all` judges them again.");
            }
        }
    }

    fn heading(&self, text: &str) {
        self.ui.line("");
        self.ui
            .paragraph(0, &Text::new().with(Meaning::Heading, text));
    }

    /// Writes a paragraph that begins with two spaces.
    fn inset(&self, text: Text) {
        let mut inset = Text::new().plain("  ");
        for (meaning, piece) in text.pieces() {
            inset = inset.with(*meaning, piece);
        }
        self.ui.paragraph(4, &inset);
    }

    fn day(&self, session: usize) -> String {
        let Some(session) = self.progress.sessions.get(session) else {
            return String::new();
        };
        let day = when(session.started_at);
        let day = day.split(' ').next().unwrap_or_default();
        let from = session.id.len().saturating_sub(8);
        let short = session.id.get(from..).unwrap_or(&session.id);
        format!("{day}, session {short}")
    }

    fn judges(&self) {
        let progress = self.progress;
        let judged: usize = progress.judges.iter().map(|one| one.sessions).sum();
        let mut text = format!("{} with verdicts", count(judged, "session"));
        if let Some(judge) = progress.judges.iter().find(|one| one.present) {
            text.push_str(&format!(", judge {}", judge.version));
        }
        self.ui
            .paragraph(0, &Text::new().with(Meaning::Muted, format!("{text}.")));
        if progress.is_broken() {
            for judge in progress.judges.iter().filter(|one| !one.present) {
                let day = |ms| when(ms).split(' ').next().unwrap_or_default().to_owned();
                self.ui.warn(&format!(
                    "{} of {} to {} came from another judge ({}). They are drawn apart by a | and no claim rests on them.",
                    count(judge.sessions, "session"),
                    day(judge.from),
                    day(judge.to),
                    judge.version
                ));
            }
            self.ui.hint(
                "`viva history regrade --all` judges them again, so that all can be compared.",
            );
        }
        if progress.unreliable > 0 {
            self.ui.warn(&format!(
                "{} left out: the judge was not reliable.",
                count(progress.unreliable, "session")
            ));
        }
    }

    fn lines(&self, heading: &str, lines: &[Line], most: usize) {
        if lines.is_empty() {
            return;
        }
        self.heading(heading);
        for line in lines.iter().take(most) {
            let name = line.name.replace('-', " ");
            let numbers = line.credit.as_ref().map_or_else(
                || "no verdict of the present judge".to_owned(),
                |credit| {
                    let bar = chart::bar(credit.low, credit.high, self.plain);
                    format!("{bar} {}", numbers(credit))
                },
            );
            if name.chars().count() > NAME {
                self.ui.line(&name);
                self.ui.line(&format!("{:<NAME$} {numbers}", ""));
            } else {
                self.ui.line(&format!("{name:<NAME$} {numbers}"));
            }
            let values: Vec<(f64, usize)> = line
                .sessions
                .iter()
                .map(|one| (one.credit, one.judge))
                .collect();
            let answers = line.credit.map_or(0, |credit| credit.answers);
            self.ui.line(&format!(
                "  {}  {}, {}",
                chart::sparks(&values, self.plain),
                count(answers, "answer"),
                line.trend.words()
            ));
        }
        if let Some(more) = lines.len().checked_sub(most).filter(|more| *more > 0) {
            self.ui.paragraph(
                0,
                &Text::new().with(
                    Meaning::Muted,
                    format!("{more} more with --json, or name one with --concept."),
                ),
            );
        }
    }

    fn legend(&self) {
        let (full, shaded) = if self.plain {
            ('#', '+')
        } else {
            ('\u{2588}', '\u{2592}')
        };
        let digits = if self.plain {
            ", its digit the tenths"
        } else {
            ""
        };
        self.ui.line("");
        self.ui.paragraph(
            0,
            &Text::new().with(
                Meaning::Muted,
                format!(
                    "Of 100: the mean share of a rubric that answers make, and its 95% interval ({full} surely, {shaded} perhaps). Below, one mark a session, oldest first{digits}."
                ),
            ),
        );
    }

    fn recall(&self) {
        let recall = self.progress.recall;
        if recall.points == 0 {
            return;
        }
        self.heading("How points came");
        for (label, share) in [
            ("unaided", recall.unaided),
            ("when asked again", recall.probe),
            ("after a hint", recall.hint),
            ("at another attempt", recall.again),
            ("half or not at all", recall.never),
        ] {
            if share > 0.0 {
                self.ui.line(&format!(
                    "{label:<NAME$} {} {:>3.0}%",
                    chart::bar(share, share, self.plain),
                    share * 100.0
                ));
            }
        }
    }

    fn calibration(&self) {
        let calibration = &self.progress.calibration;
        let (Some(bias), Some(distance)) = (calibration.bias, calibration.distance) else {
            return;
        };
        self.heading("Your own scores");
        if calibration.answers < CALIBRATED {
            self.inset(Text::new().plain(format!(
                "{} scored by yourself; {} are too few to compare.",
                count(calibration.answers, "answer"),
                calibration.answers
            )));
            return;
        }
        let side = if bias.abs() < 5.0 {
            "about where the panel is".to_owned()
        } else if bias > 0.0 {
            format!("{bias:.0} above the panel")
        } else {
            format!("{:.0} below the panel", -bias)
        };
        self.inset(Text::new().plain(format!(
            "Over {} you put yourself {side} on average, {distance:.0} of 100 away on a typical answer; far above {}, far below {}.",
            count(calibration.answers, "answer"),
            times(calibration.over),
            times(calibration.under),
        )));
        for (name, one) in &calibration.competencies {
            if let Some(bias) = one
                .bias
                .filter(|bias| one.answers >= CALIBRATED && bias.abs() >= 15.0)
            {
                self.inset(Text::new().plain(format!(
                    "{}: {bias:+.0} of 100 over {}.",
                    name.replace('-', " "),
                    count(one.answers, "answer")
                )));
            }
        }
    }

    fn speaking(&self) {
        let speaking = &self.progress.speaking;
        let (Some(seconds), Some((min, max))) = (speaking.seconds, speaking.expected) else {
            return;
        };
        self.heading("How you speak");
        self.inset(Text::new().plain(format!(
            "{seconds:.0} seconds on average where panels expect {min:.0} to {max:.0}: of {}, {} too short, {} in time, {} too long.",
            count(speaking.answers, "first answer"),
            speaking.short,
            speaking.within,
            speaking.long
        )));
        let longest = speaking
            .sessions
            .iter()
            .map(|one| one.seconds)
            .fold(1.0, f64::max);
        let values: Vec<(f64, usize)> = speaking
            .sessions
            .iter()
            .map(|one| (one.seconds / longest, 0))
            .collect();
        if values.len() > 1 {
            self.ui.line(&format!(
                "  {}  seconds, session by session",
                chart::sparks(&values, self.plain)
            ));
        }
        if let (Some(hedges), Some(fillers)) = (speaking.hedges, speaking.fillers) {
            let own = speaking.own.map_or_else(String::new, |own| {
                format!(" Of \"I\" and \"we\", {:.0}% were \"I\".", own * 100.0)
            });
            self.inset(Text::new().plain(format!(
                "In 100 words: {hedges:.1} hedges, {fillers:.1} fillers.{own}"
            )));
        }
    }

    fn moved(&self, heading: &str, moved: &[Moved]) {
        if moved.is_empty() {
            return;
        }
        self.heading(heading);
        for one in moved.iter().take(MOVED) {
            self.ui.paragraph(
                2,
                &Text::new().plain(&one.text).with(
                    Meaning::Muted,
                    format!(" ({})", one.concept.replace('-', " ")),
                ),
            );
            self.then("then", &one.then);
            self.then("now", &one.now);
        }
        self.more(moved.len());
    }

    fn then(&self, label: &str, then: &Then) {
        let text = Text::new().with(
            Meaning::Muted,
            format!(
                "{label} {}, {}: ",
                verdict(then.verdict),
                self.day(then.session)
            ),
        );
        self.inset(match &then.quote {
            Some(quote) => text.with(Meaning::Quote, format!("\u{201c}{quote}\u{201d}")),
            None => text.plain("not said."),
        });
    }

    fn inconsistent(&self) {
        let all = &self.progress.inconsistent;
        if all.is_empty() {
            return;
        }
        self.heading("Answered one way and then another");
        for one in all.iter().take(MOVED) {
            match one {
                Inconsistency::Point(moved) => {
                    self.about(
                        &moved.concept,
                        &format!("\"{}\" came and went.", moved.text),
                    );
                    self.then("then", &moved.then);
                    self.then("now", &moved.now);
                }
                Inconsistency::Mistake {
                    concept,
                    text,
                    made,
                    quote,
                    avoided,
                    ..
                } => {
                    self.about(concept, &format!("a mistake in one session only. {text}"));
                    let words =
                        Text::new().with(Meaning::Muted, format!("made {}: ", self.day(*made)));
                    self.inset(match quote {
                        Some(quote) => {
                            words.with(Meaning::Quote, format!("\u{201c}{quote}\u{201d}"))
                        }
                        None => words,
                    });
                    self.inset(
                        Text::new()
                            .with(Meaning::Muted, format!("not made {}.", self.day(*avoided))),
                    );
                }
                Inconsistency::Questions {
                    concept,
                    well,
                    well_session,
                    well_score,
                    badly,
                    badly_session,
                    badly_score,
                } => {
                    self.about(concept, "two questions, far apart.");
                    for (question, score, session) in [
                        (well, well_score, well_session),
                        (badly, badly_score, badly_session),
                    ] {
                        self.inset(Text::new().plain(format!(
                            "{score:.0} of 100 for {question}, {}.",
                            self.day(*session)
                        )));
                    }
                }
            }
        }
        self.more(all.len());
    }

    fn about(&self, concept: &str, text: &str) {
        self.ui.paragraph(
            2,
            &Text::new()
                .with(Meaning::Value, concept.replace('-', " "))
                .plain(format!(": {text}")),
        );
    }

    fn more(&self, all: usize) {
        if let Some(more) = all.checked_sub(MOVED).filter(|more| *more > 0) {
            self.ui.paragraph(
                0,
                &Text::new().with(Meaning::Muted, format!("{more} more with --json.")),
            );
        }
    }
}

fn numbers(estimate: &Estimate) -> String {
    format!(
        "{:>3.0} ({:.0} to {:.0})",
        estimate.mean * 100.0,
        estimate.low * 100.0,
        estimate.high * 100.0
    )
}

fn verdict(verdict: crate::judge::Verdict) -> &'static str {
    use crate::judge::Verdict::{Covered, Missing, Partial, Unsure, Wrong};
    match verdict {
        Covered => "made",
        Partial => "half made",
        Missing => "missing",
        Wrong => "wrong",
        Unsure => "unsettled",
    }
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn times(n: usize) -> String {
    match n {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        n => format!("{n} times"),
    }
}
