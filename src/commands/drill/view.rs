//! What a person sees of a drill.

use super::play::Question;
use crate::drill::{Finding, Sitting, SittingPlan, Task};
use crate::judge::{Assessment, Case, Flag, Verdict};
use crate::ui::{Meaning, Text, Ui};

/// Why a sitting has the points it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Nothing is known of the person.
    New,
    /// They are what counts now.
    Best,
    /// They were asked for.
    Asked,
}

/// Returns `count` with the word for points.
pub(super) fn points(count: usize) -> String {
    match count {
        1 => "1 point".to_owned(),
        count => format!("{count} points"),
    }
}

/// Returns the day of a time, in the local time zone.
pub(super) fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map(|time| date(time.to_zoned(jiff::tz::TimeZone::system()).date()))
        .unwrap_or_else(|_| "?".to_owned())
}

/// Returns a day as a person reads it, for example `Thu 3 Dec`.
pub(super) fn date(date: jiff::civil::Date) -> String {
    date.strftime("%a %-d %b").to_string()
}

/// Returns the days from now to a time, in words.
fn in_days(ms: i64) -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    match crate::drill::card::days_between(now, ms).round() as i64 {
        0 => "later today".to_owned(),
        1 => "tomorrow".to_owned(),
        days if days < 60 => format!("in {days} days"),
        days => format!("in {} months", (days + 15) / 30),
    }
}

/// Shows what the sitting is about; `why` says what its points were chosen for.
pub(super) fn header(ui: &Ui, plan: &SittingPlan, why: Why) {
    ui.stage_text(
        0,
        &Text::new().with(
            Meaning::Heading,
            format!("Drill, {} and one full answer", points(plan.tasks.len())),
        ),
    );
    let why = match plan.due {
        _ if why == Why::New => {
            "Nothing is known of you yet, so these are points that panels score most.".to_owned()
        }
        // The person knows what they asked for.
        _ if why == Why::Asked => return,
        0 => "Nothing is due today; these are worth the most to a panel.".to_owned(),
        due if due > plan.tasks.len() => format!(
            "{} are due; the {} that are worth the most come now.",
            points(due),
            plan.tasks.len()
        ),
        1 => "1 of them is due today.".to_owned(),
        due if due == plan.tasks.len() => "All of them are due today.".to_owned(),
        due => format!("{due} points are due today."),
    };
    ui.stage_text(0, &Text::new().with(Meaning::Muted, why));
}

/// Shows where a sitting stands that is taken up again.
pub(super) fn recap(ui: &Ui, sitting: &Sitting) {
    ui.stage_text(
        0,
        &Text::new().with(Meaning::Heading, "The drill goes on where you left it"),
    );
    for finding in sitting.findings().iter().filter(|one| !one.whole) {
        let task = sitting
            .plan()
            .tasks
            .iter()
            .find(|task| (&task.question, &task.point) == (&finding.key.0, &finding.key.1));
        if let Some(task) = task {
            stated(ui, finding.verdict, &task.statement);
        }
    }
}

/// Shows the question at hand.
pub(super) fn question(ui: &Ui, sitting: &Sitting, question: &Question) {
    let (concept, wording, label) = match question {
        Question::Point(task, false) => (&task.concept, &task.wording, ""),
        Question::Point(task, true) => (&task.concept, &task.again, ", once more"),
        Question::Whole(whole) => (
            &whole.concept,
            &whole.wording,
            ", the full answer once more",
        ),
    };
    ui.gap();
    ui.stage_text(
        0,
        &Text::new().with(
            Meaning::Muted,
            format!(
                "{} of {}, {}{label}",
                sitting.number(),
                sitting.count(),
                concept.replace('-', " ")
            ),
        ),
    );
    if let Some(scenario) = &wording.scenario {
        ui.stage_text(0, &Text::new().plain(scenario));
        ui.stage_text(
            0,
            &Text::new()
                .plain("Of all that, one thing: ")
                .with(Meaning::Question, &wording.text),
        );
    } else {
        ui.stage_text(0, &Text::new().with(Meaning::Question, &wording.text));
    }
}

/// Shows the verdict on one point with the words it rests on.
pub(super) fn verdict(
    ui: &Ui,
    task: &Task,
    finding: &Finding,
    case: &Case,
    assessment: &Assessment,
    back: bool,
    due_at: Option<i64>,
) {
    ui.gap();
    stated(ui, finding.verdict, &task.statement);
    for found in &assessment.points {
        quotes(ui, case, &found.evidence);
    }
    for flag in &assessment.flags {
        if let Some(text) = flagged(*flag) {
            ui.stage_text(INDENT, &Text::new().with(Meaning::Warning, text));
        }
    }
    for mistake in assessment.mistakes.iter().filter(|one| one.made) {
        let text = case
            .mistakes
            .iter()
            .find(|one| one.id == mistake.id)
            .map_or("", |one| one.text.as_str());
        labelled(ui, "Careful", Meaning::Bad, text);
        quotes(ui, case, &mistake.evidence);
    }
    let next = match (finding.rating, back, due_at) {
        (_, true, _) if finding.verdict == Verdict::Unsure => {
            "The judge cannot tell from this answer, so it is not counted; it comes back once more."
                .to_owned()
        }
        (None, _, _) => "The judge cannot tell from this answer, so it is not counted.".to_owned(),
        (_, true, _) => "It comes back before the end.".to_owned(),
        (_, false, Some(at)) => format!("Due again {}.", in_days(at)),
        (_, false, None) => String::new(),
    };
    if !next.is_empty() {
        ui.stage_text(INDENT, &Text::new().with(Meaning::Muted, next));
    }
}

/// Shows the verdicts on a whole answer.
pub(super) fn whole(ui: &Ui, case: &Case, assessment: &Assessment) {
    ui.gap();
    for flag in &assessment.flags {
        if let Some(text) = flagged(*flag) {
            ui.stage_text(0, &Text::new().with(Meaning::Warning, text));
        }
    }
    for (point, found) in case.points.iter().zip(&assessment.points) {
        stated(ui, found.verdict, &point.text);
        quotes(ui, case, &found.evidence);
    }
}

/// Shows what came of the sitting; `left` points are due still, and `next` is
/// when the next ones are, and how many.
pub(super) fn closing(ui: &Ui, sitting: &Sitting, left: usize, next: Option<(i64, usize)>) {
    let first: Vec<&Finding> = sitting
        .findings()
        .iter()
        .filter(|one| !one.whole && one.n == 0)
        .collect();
    let count = |wanted: &[Verdict]| {
        first
            .iter()
            .filter(|one| wanted.contains(&one.verdict))
            .count()
    };
    let recovered = sitting
        .findings()
        .iter()
        .filter(|one| !one.whole && one.n > 0 && one.verdict == Verdict::Covered)
        .count();
    let mut parts = Vec::new();
    for (number, word) in [
        (count(&[Verdict::Covered]), "covered"),
        (count(&[Verdict::Partial]), "partly"),
        (count(&[Verdict::Missing, Verdict::Wrong]), "missed"),
        (count(&[Verdict::Unsure]), "unclear"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    ui.heading("This sitting");
    if parts.is_empty() {
        ui.stage_text(0, &"Nothing was judged.".into());
    } else {
        let again = match recovered {
            0 => String::new(),
            several => format!("; {several} came the second time"),
        };
        ui.stage_text(
            0,
            &Text::new().plain(format!(
                "Of {} asked: {}{again}.",
                points(first.len()),
                parts.join(", ")
            )),
        );
    }
    let next = match (left, next) {
        (0, None) => return,
        (0, Some((at, count))) => format!("Next due: {} {}.", points(count), in_days(at)),
        (left, _) => format!(
            "{} due still; another sitting takes the next.",
            match left {
                1 => "1 point is".to_owned(),
                left => format!("{left} points are"),
            }
        ),
    };
    ui.stage_text(0, &Text::new().with(Meaning::Muted, next));
}

/// Columns before what belongs to a verdict: the width of its word.
const INDENT: usize = 9;

fn stated(ui: &Ui, verdict: Verdict, statement: &str) {
    let (word, meaning) = match verdict {
        Verdict::Covered => ("Covered", Meaning::Good),
        Verdict::Partial => ("Partly", Meaning::Partly),
        Verdict::Missing => ("Missing", Meaning::Bad),
        Verdict::Wrong => ("Wrong", Meaning::Bad),
        Verdict::Unsure => ("Unclear", Meaning::Partly),
    };
    labelled(ui, word, meaning, statement);
}

fn labelled(ui: &Ui, word: &str, meaning: Meaning, text: &str) {
    let first = Text::new().with(meaning, format!("{word:<7}")).plain("  ");
    ui.stage_hanging(&first, &" ".repeat(INDENT), &text.into());
}

fn quotes(ui: &Ui, case: &Case, evidence: &[std::ops::Range<usize>]) {
    for range in evidence {
        if let Some(words) = case.answer.get(range.clone()) {
            let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
            ui.stage_text(
                INDENT,
                &Text::new().with(Meaning::Quote, format!("\u{201c}{line}\u{201d}")),
            );
        }
    }
}

/// Returns what a flag means to somebody who practises.
fn flagged(flag: Flag) -> Option<&'static str> {
    Some(match flag {
        Flag::NonAnswer => "There is no answer here to judge.",
        Flag::OffTopic => "The answer speaks of something else.",
        Flag::QuestionEcho => "The answer says the question back and adds little.",
        Flag::KeywordSalad => "Keywords without sentences around them do not count.",
        Flag::Recitation => "That is a text by heart; a panel would ask again in other words.",
        Flag::GraderInstruction => "The answer speaks to the grader instead of answering.",
    })
}
