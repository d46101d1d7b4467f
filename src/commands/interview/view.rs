//! How the interview's own parts look on the screen: question marks, time,
//! what a question tests, and the critique. Shows and computes nothing.

use std::time::Duration;

use crate::critique::{
    Critique, Hurt, Moment, Part, QuestionCritique, Quote, Recommendation, Remark, Rewrite, Vote,
    WorkItem,
};
use crate::guide::{Competency, PointKind, Severity};
use crate::interview::{Clock, Intent, Machine, Mode, Plan, PlannedQuestion, Recovery, Status};
use crate::judge::{Flag, Verdict};
use crate::ui::Ui;
use crate::ui::flow::Text;
use crate::ui::screen::Seat;
use crate::ui::theme::Meaning;

/// Letters of a quote that are shown; the critique itself keeps all of it.
const QUOTE_LETTERS: usize = 220;

/// Quotes shown for one point.
const QUOTES: usize = 2;

/// Shows who sits on the panel and what is planned.
pub fn header(ui: &Ui, plan: &Plan) {
    let panel: Vec<Seat<'_>> = plan
        .panel
        .iter()
        .map(|person| Seat {
            name: &person.name,
            role: &person.role,
        })
        .collect();
    let count = plan.questions.len();
    let details = format!(
        "{count} question{}, about {} minutes, {} mode, seed {}",
        if count == 1 { "" } else { "s" },
        plan.minutes,
        mode_word(plan.mode),
        plan.seed
    );
    ui.session_header(&plan.title, &details, &panel);
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Practice => "practice",
        Mode::Pressure => "pressure",
        Mode::Study => "study",
        Mode::Mixed => "mixed",
    }
}

/// Shows where an interview that is taken up again stands: the question in
/// play, what was answered, and what was asked last.
pub fn recap(ui: &Ui, machine: &Machine) {
    let Some(plan) = machine.plan() else { return };
    header(ui, plan);
    question_mark(ui, machine);
    let index = machine.index();
    for line in machine.said() {
        let again = line.question == Some(index)
            && (matches!(line.intent, Intent::Ask | Intent::Reply | Intent::Weigh)
                || line.intent.is_follow_up());
        let Some(person) = plan.panel.get(line.panellist).filter(|_| again) else {
            continue;
        };
        let mut speech = ui.speech(line.panellist, &person.name, &person.role);
        speech.say(&line.text);
        speech.end();
        ui.gap();
    }
}

/// Marks the beginning of the question in play.
pub fn question_mark(ui: &Ui, machine: &Machine) {
    let Some(plan) = machine.plan() else { return };
    let index = machine.index();
    let minutes = plan
        .questions
        .get(index)
        .filter(|_| plan.rules(index).clock)
        .map(|planned| planned.question.spoken_seconds)
        .map(|range| (range.min.div_ceil(60), range.max.div_ceil(60)));
    ui.question_mark(index + 1, plan.questions.len(), minutes);
}

/// Shows how long it has taken.
pub fn time(ui: &Ui, clock: Clock) {
    ui.time_card(
        Duration::from_millis(clock.question_ms),
        Duration::from_millis(clock.elapsed_ms),
        Some(Duration::from_secs(u64::from(clock.planned_minutes) * 60)),
    );
}

/// Shows how far it has come.
pub fn status(ui: &Ui, status: Status) {
    ui.remark(&format!(
        "Question {} of {}; follow-ups so far {}, hints {}.",
        status.question, status.questions, status.follow_ups, status.hints
    ));
}

/// Shows what a question tests.
pub fn why(ui: &Ui, planned: &PlannedQuestion) {
    let competencies: Vec<&str> = planned
        .question
        .competencies
        .iter()
        .map(|one| competency(*one))
        .collect();
    ui.stage_text(
        0,
        &Text::new()
            .with(Meaning::Heading, "What it tests")
            .plain(format!(": {}.", competencies.join(", "))),
    );
    ui.stage_text(2, &planned.question.panel_note.as_str().into());
    ui.stage_text(2, &muted(&format!("({})", planned.citation)));
}

/// Shows the verdict on one question and the model answer, in study mode.
pub fn settled(ui: &Ui, one: &QuestionCritique) {
    ui.heading("How that went");
    remarks(ui, one);
    if has_numbers(one) {
        ui.stage_text(
            0,
            &Text::new()
                .with(Meaning::Muted, "A verdict with a number can be contested: ")
                .with(Meaning::Command, "/contest")
                .with(
                    Meaning::Muted,
                    ", its number, and the words of your answer that make the point.",
                ),
        );
    }
    ui.stage_text(0, &Text::new().with(Meaning::Heading, "A model answer"));
    ui.stage_text(2, &one.model_answer.as_str().into());
}

/// Returns whether a question has a verdict that can be contested.
fn has_numbers(one: &QuestionCritique) -> bool {
    one.hurt.iter().any(|hurt| hurt.number.is_some())
        || [&one.partial, &one.wrong, &one.unsure, &one.missing]
            .into_iter()
            .flatten()
            .any(|remark| remark.number.is_some())
}

/// Shows the critique.
pub fn critique(ui: &Ui, machine: &Machine, critique: &Critique) {
    ui.heading("Critique");
    for (number, one) in critique.questions.iter().enumerate() {
        ui.gap();
        ui.stage_hanging(
            &Text::new().with(Meaning::Heading, format!("{}. ", number + 1)),
            "   ",
            &Text::new().with(Meaning::Question, &one.asked),
        );
        remarks(ui, one);
    }
    if !critique.work_on.is_empty() {
        let count = match critique.work_on.len() {
            1 => "one thing",
            2 => "two things",
            _ => "three things",
        };
        let minutes: u32 = critique.work_on.iter().map(|item| item.minutes).sum();
        ui.heading(&format!("What to do next: {count}, {minutes} minutes"));
        for (number, item) in critique.work_on.iter().enumerate() {
            work_item(ui, machine, number + 1, item);
        }
    }
    super::second::contradictions(ui, critique);
    if let Some(better) = &critique.rewrite {
        rewrite(ui, better);
    }
    if critique.assessed > 0 {
        moments(ui, &critique.moments);
        votes(ui, critique);
        super::second::surprises(ui, critique);
    }
    recommendation(ui, critique);
}

fn remarks(ui: &Ui, one: &QuestionCritique) {
    ui.stage_text(3, &score_line(one));
    for flag in &one.flags {
        ui.stage_text(3, &Text::new().with(Meaning::Warning, flag_words(*flag)));
    }
    group(ui, "Covered", Meaning::Good, "+", &one.covered);
    group(ui, "Partly there", Meaning::Partly, "~", &one.partial);
    group(ui, "Not right", Meaning::Bad, "x", &one.wrong);
    group(ui, "Could not be told", Meaning::Partly, "?", &one.unsure);
    group(ui, "Missing", Meaning::Bad, "-", &one.missing);
    if !one.hurt.is_empty() {
        ui.stage_text(3, &Text::new().with(Meaning::Bad, "What hurt"));
        for hurt in &one.hurt {
            hurt_line(ui, hurt);
        }
    }
    if one.attempts.len() > 1 {
        attempts(ui, one);
    }
    if let Some(spoken) = &one.spoken {
        ui.stage_text(3, &Text::new().with(Meaning::Heading, "How you said it"));
        for line in spoken.lines() {
            ui.stage_text(5, &muted(&line));
        }
    }
    if let Some(round) = &one.reverse {
        super::employer::round(ui, round);
    }
}

fn score_line(one: &QuestionCritique) -> Text {
    let Some(score) = one.score else {
        let why = one.not_assessed.map_or("", |why| why.words());
        return muted(&format!("Not assessed: {why}. ({})", one.guide));
    };
    let mut text = Text::new()
        .plain("Score ")
        .with(Meaning::Value, format!("{score:.0}"))
        .plain(" of 100");
    if let Some(first) = one.first_score
        && format!("{first:.0}") != format!("{score:.0}")
    {
        text = text.plain(format!(", {first:.0} before the follow-ups"));
    }
    if one.hints > 0 {
        let plural = if one.hints == 1 { "" } else { "s" };
        text = text.plain(format!(", with {} hint{plural}", one.hints));
    }
    text.with(Meaning::Muted, format!(" ({})", one.guide))
}

fn group(ui: &Ui, title: &str, meaning: Meaning, mark: &str, remarks: &[Remark]) {
    if remarks.is_empty() {
        return;
    }
    ui.stage_text(3, &Text::new().with(meaning, title));
    for remark in remarks {
        let mut text = Text::new().plain(&remark.text);
        let mut notes = Vec::new();
        match remark.recovery {
            Recovery::AfterProbe => notes.push("after a follow-up"),
            Recovery::AfterHint => notes.push("after a hint"),
            Recovery::Unaided | Recovery::Never => {}
        }
        match remark.kind {
            PointKind::Essential if remark.quotes.is_empty() => notes.push("essential"),
            PointKind::Standout => notes.push("few say it"),
            _ => {}
        }
        if !notes.is_empty() {
            text = text.with(Meaning::Muted, format!(" ({})", notes.join(", ")));
        }
        text = numbered(text, remark.number);
        let first = Text::new().plain("   ").with(meaning, mark).plain(" ");
        ui.stage_hanging(&first, "     ", &text);
        quotes(ui, 7, &remark.quotes);
    }
}

/// Adds the number by which a verdict can be contested.
fn numbered(text: Text, number: Option<usize>) -> Text {
    match number {
        Some(number) => text.with(Meaning::Muted, format!(" [{number}]")),
        None => text,
    }
}

fn hurt_line(ui: &Ui, hurt: &Hurt) {
    let weight = match hurt.severity {
        Severity::Minor => "noted against you",
        Severity::Serious => "costs the question",
        Severity::Fatal => "can end an interview",
    };
    let text = Text::new()
        .plain(&hurt.text)
        .with(Meaning::Muted, format!(" ({weight})"));
    let text = numbered(text, hurt.number);
    let first = Text::new().plain("   ").with(Meaning::Bad, "!").plain(" ");
    ui.stage_hanging(&first, "     ", &text);
    quotes(ui, 7, &hurt.quotes);
    ui.stage_text(7, &hurt.why.as_str().into());
}

fn attempts(ui: &Ui, one: &QuestionCritique) {
    ui.stage_text(3, &Text::new().with(Meaning::Heading, "Your attempts"));
    let texts: Vec<(&str, &str)> = [
        &one.covered,
        &one.partial,
        &one.wrong,
        &one.unsure,
        &one.missing,
    ]
    .into_iter()
    .flatten()
    .map(|remark| (remark.point.as_str(), remark.text.as_str()))
    .collect();
    for (number, attempt) in one.attempts.iter().enumerate() {
        let score = attempt
            .score
            .map_or("not assessed".to_owned(), |score| format!("{score:.0}"));
        let made = attempt
            .points
            .iter()
            .filter(|(_, verdict)| *verdict == Verdict::Covered)
            .count();
        ui.stage_text(
            5,
            &Text::new().plain(format!(
                "{}: {score}, {made} of {} points",
                number + 1,
                attempt.points.len()
            )),
        );
    }
    // Side by side: a column of marks an attempt, the point behind them.
    let points = one.attempts.iter().rev().find(|one| !one.points.is_empty());
    for (id, _) in points.into_iter().flat_map(|attempt| &attempt.points) {
        let Some((_, text)) = texts.iter().find(|(point, _)| point == id) else {
            continue;
        };
        let mut first = Text::new().plain("     ");
        for attempt in &one.attempts {
            let verdict = attempt.points.iter().find(|(point, _)| point == id);
            let (meaning, mark) =
                verdict.map_or((Meaning::Muted, "."), |(_, verdict)| mark(*verdict));
            first = first.with(meaning, mark).plain(" ");
        }
        let indent = " ".repeat(5 + 2 * one.attempts.len());
        ui.stage_hanging(&first, &indent, &muted(text));
    }
}

/// Returns how a verdict is marked.
fn mark(verdict: Verdict) -> (Meaning, &'static str) {
    match verdict {
        Verdict::Covered => (Meaning::Good, "+"),
        Verdict::Partial => (Meaning::Partly, "~"),
        Verdict::Unsure => (Meaning::Partly, "?"),
        Verdict::Wrong => (Meaning::Bad, "x"),
        Verdict::Missing => (Meaning::Bad, "-"),
    }
}

fn work_item(ui: &Ui, machine: &Machine, number: usize, item: &WorkItem) {
    let asked = machine
        .plan()
        .and_then(|plan| {
            plan.questions
                .iter()
                .position(|planned| planned.question.id == item.question)
        })
        .map(|index| format!("question {}, ", index + 1))
        .unwrap_or_default();
    let text = Text::new().with(Meaning::Value, &item.title).with(
        Meaning::Muted,
        format!(" ({asked}{} minutes)", item.minutes),
    );
    ui.gap();
    ui.stage_hanging(&Text::new().plain(format!("{number}. ")), "   ", &text);
    ui.stage_text(3, &item.why.as_str().into());
    quotes(ui, 5, &item.quotes);
    if !item.advice.is_empty() {
        ui.stage_text(3, &item.advice.as_str().into());
    }
    ui.stage_hanging(
        &Text::new().plain("   ").with(Meaning::Muted, "Practise: "),
        "   ",
        &item.practise.as_str().into(),
    );
    ui.stage_text(3, &muted(&format!("({})", item.guide)));
}

fn moments(ui: &Ui, moments: &[Moment]) {
    if moments.is_empty() {
        return;
    }
    ui.heading("What decided it");
    for moment in moments {
        let (meaning, verb) = if moment.speaks_for {
            (Meaning::Good, "noted in your favour")
        } else {
            (Meaning::Bad, "held against you")
        };
        let Some((shown, rest)) = shorten(&moment.quote.text) else {
            continue;
        };
        let text = Text::new()
            .plain("When you said ")
            .with(Meaning::Quote, format!("\u{201c}{shown}\u{201d}"))
            .plain(if rest { " \u{2026} " } else { " " })
            .plain(format!("{} {verb}: ", first_name(&moment.panellist)))
            .with(meaning, &moment.thought);
        ui.stage_hanging(&Text::new().plain("  "), "  ", &text);
    }
}

fn rewrite(ui: &Ui, better: &Rewrite) {
    ui.heading("Your weakest answer, said again");
    ui.stage_text(
        0,
        &muted("Your own words where they made the point, and what to add to them."),
    );
    ui.stage_text(2, &Text::new().with(Meaning::Question, &better.asked));
    for part in &better.parts {
        let (first, text) = match part {
            Part::Own { quote, .. } => {
                let Some((shown, rest)) = shorten(&quote.text) else {
                    continue;
                };
                let dots = if rest { " \u{2026}" } else { "" };
                let words = format!("\u{201c}{shown}{dots}\u{201d}");
                (
                    Text::new().plain("    "),
                    Text::new().with(Meaning::Quote, words),
                )
            }
            Part::Add { text, .. } => (
                Text::new().plain("  ").with(Meaning::Good, "+").plain(" "),
                Text::new().with(Meaning::Value, text.as_str()),
            ),
        };
        ui.stage_hanging(&first, "    ", &text);
    }
}

fn votes(ui: &Ui, critique: &Critique) {
    ui.heading("How the panel votes");
    let widest = critique
        .votes
        .iter()
        .map(|vote| vote.name.chars().count())
        .max()
        .unwrap_or(0);
    for (seat, vote) in critique.votes.iter().enumerate() {
        let pad = " ".repeat(widest - vote.name.chars().count() + 2);
        let first = Text::new()
            .plain("  ")
            .with(Meaning::Panellist(seat), &vote.name)
            .plain(pad);
        ui.stage_hanging(&first, &" ".repeat(widest + 4), &vote_text(vote));
    }
    if let Some(split) = &critique.split {
        ui.stage_text(
            2,
            &Text::new().plain(format!(
                "They differ: {} leans to you, {} does not, {:.0} points apart.",
                first_name(&split.for_it),
                first_name(&split.against),
                split.distance
            )),
        );
    }
}

fn vote_text(vote: &Vote) -> Text {
    let mut text = Text::new().with(
        recommendation_meaning(vote.recommendation),
        vote.recommendation.words(),
    );
    let heard: Vec<String> = vote
        .competencies
        .iter()
        .filter_map(|one| {
            one.score
                .map(|score| format!("{} {score:.0}", competency(one.competency)))
        })
        .collect();
    if !heard.is_empty() {
        text = text.with(Meaning::Muted, format!(" ({})", heard.join(", ")));
    }
    text
}

fn recommendation(ui: &Ui, critique: &Critique) {
    ui.gap();
    let mut text = Text::new().with(Meaning::Heading, "Recommendation: ").with(
        recommendation_meaning(critique.recommendation),
        critique.recommendation.words(),
    );
    text = match critique.score {
        Some(score) => text.with(
            Meaning::Muted,
            format!(
                " ({score:.0} of 100 over {} of {} questions)",
                critique.assessed,
                critique.questions.len()
            ),
        ),
        None => text.with(Meaning::Muted, " (there was no answer to go by)"),
    };
    ui.stage_text(0, &text);
}

fn recommendation_meaning(recommendation: Recommendation) -> Meaning {
    match recommendation {
        Recommendation::StrongYes | Recommendation::Yes => Meaning::Good,
        Recommendation::Borderline => Meaning::Partly,
        Recommendation::NotYet => Meaning::Bad,
        Recommendation::NotAssessed => Meaning::Muted,
    }
}

pub(super) fn quotes(ui: &Ui, indent: usize, quotes: &[Quote]) {
    for quote in quotes.iter().take(QUOTES) {
        let Some((shown, rest)) = shorten(&quote.text) else {
            continue;
        };
        let mut text = Text::new().with(Meaning::Quote, format!("\u{201c}{shown}\u{201d}"));
        if rest {
            text = text.plain(" \u{2026}");
        }
        ui.stage_text(indent, &text);
    }
}

/// Returns the beginning of a quote that is shown, verbatim, and whether more
/// follows: one line, whole words.
pub(super) fn shorten(quote: &str) -> Option<(&str, bool)> {
    let line = quote.lines().map(str::trim).find(|line| !line.is_empty())?;
    let shown = match line.char_indices().nth(QUOTE_LETTERS) {
        None => line,
        Some((end, _)) => {
            let head = &line[..end];
            head.rsplit_once(char::is_whitespace)
                .map_or(head, |(words, _)| words.trim_end())
        }
    };
    Some((shown, shown.len() < quote.trim().len()))
}

fn flag_words(flag: Flag) -> &'static str {
    match flag {
        Flag::NonAnswer => "There was no answer in it.",
        Flag::OffTopic => "It spoke of something else.",
        Flag::QuestionEcho => "It said the question back.",
        Flag::KeywordSalad => "It named the words without saying anything with them.",
        Flag::Recitation => "It came word for word from a text, so it shows little.",
        Flag::GraderInstruction => "Part of it addressed the grader instead of the panel.",
    }
}

pub(super) fn competency(competency: Competency) -> &'static str {
    match competency {
        Competency::MlFundamentals => "fundamentals",
        Competency::Evaluation => "evaluation",
        Competency::DataJudgment => "data judgement",
        Competency::FeatureEngineering => "features",
        Competency::Production => "production",
        Competency::SystemDesign => "system design",
        Competency::LlmEngineering => "language models",
        Competency::Engineering => "engineering",
        Competency::ProductSense => "product sense",
        Competency::Communication => "communication",
        Competency::Collaboration => "collaboration",
        Competency::Leadership => "leadership",
        Competency::Responsibility => "responsibility",
        Competency::Delivery => "delivery",
        Competency::Growth => "growth",
    }
}

pub(super) fn first_name(name: &str) -> &str {
    name.split_whitespace().next().unwrap_or(name)
}

pub(super) fn muted(text: &str) -> Text {
    Text::new().with(Meaning::Muted, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_quote_ends_at_a_word_and_stays_verbatim() {
        let long = "one two three ".repeat(40);
        let (shown, rest) = shorten(&long).expect("words");
        assert!(rest && long.starts_with(shown) && !shown.ends_with(' '));
        assert!(shown.chars().count() <= QUOTE_LETTERS);
    }

    #[test]
    fn a_quote_over_several_lines_shows_its_first() {
        assert_eq!(shorten("\n first line\nsecond"), Some(("first line", true)));
        assert_eq!(shorten("all of it"), Some(("all of it", false)));
        assert_eq!(shorten("  \n "), None);
    }
}
