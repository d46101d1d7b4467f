//! Shows the plan up to an interview date, and asks whether to begin.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::json;

use super::super::Context;
use super::super::interview::{runtime, wire::SCHEMA};
use super::ledger::Deck;
use super::view;
use crate::drill::choose::capacity;
use crate::drill::until::{Day, MOST_DAYS, Outlook, UntilPlan, advise, plan};
use crate::drill::{Key, Scheduler};
use crate::guide::{Library, Round};
use crate::ui::{Ask, Editor, Entry, Meaning, Text, Ui};
use crate::{Error, Result};

/// Days at either end of a long plan that are shown one by one.
const SHOWN: usize = 7;

/// Columns before what is to be done on a day: the width of its name.
const MARGIN: usize = 12;

/// Concepts that are named in one line.
const NAMED: usize = 8;

/// Plans up to `interview`, which may be of one `round`, and shows the plan;
/// returns today's points.
///
/// # Errors
/// Fails when the date is not ahead, or too far, and for a round whose points
/// cannot be drilled.
pub(super) fn show(
    ctx: &Context,
    library: &Library,
    deck: &Deck,
    scheduler: &Scheduler,
    interview: Date,
    minutes: u32,
    round: Option<Round>,
) -> Result<Vec<Key>> {
    let now = jiff::Zoned::now();
    let today = now.date();
    let days = today
        .until(interview)
        .ok()
        .map(|span| span.get_days())
        .unwrap_or(0);
    let days = u32::try_from(days).unwrap_or(0);
    if days == 0 {
        return Err(
            Error::usage(format!("{interview} is not after today, {today}"))
                .hint("`viva drill` asks for what is worth the most now."),
        );
    }
    if days > MOST_DAYS {
        return Err(Error::usage(format!(
            "{interview} is {days} days away; a plan reaches {MOST_DAYS} days at the most"
        ))
        .hint("`viva drill` each day keeps what you know until the date is near."));
    }
    let candidates = deck.candidates(library);
    if let Some(round) = round
        && !candidates.iter().any(|one| one.question.round == round)
    {
        return Err(
            Error::usage(format!("the round {round} has no points to drill"))
                .hint(format!("`viva interview --round {round}` plays it."))
                .hint("`viva drill --until` without `--round` plans for all the others."),
        );
    }
    let mut made = plan(
        &candidates,
        scheduler,
        now.timestamp().as_millisecond(),
        days,
        capacity(minutes),
        round,
    );
    advise(&mut made, library.advice());
    let concept = |key: &Key| {
        candidates
            .iter()
            .find(|one| one.question.id == key.0)
            .map_or("", |one| one.question.concept.as_str())
    };
    let wanted = Wanted {
        today,
        interview,
        minutes,
        round,
    };
    if ctx.ui.is_json() {
        ctx.ui.json_line(&as_json(&made, wanted));
    } else {
        print(&ctx.ui, &made, wanted, concept);
    }
    Ok(made
        .days
        .first()
        .into_iter()
        .flat_map(|day| day.points.iter().map(|(key, _)| key.clone()))
        .collect())
}

/// Asks whether today's part begins now; with answers it does.
///
/// # Errors
/// Fails when the terminal cannot be used.
pub(super) fn may_begin(ctx: &Context, scripted: bool, today: &[Key]) -> Result<bool> {
    if today.is_empty() {
        ctx.ui.status("There is nothing to ask today.");
        return Ok(false);
    }
    if scripted {
        return Ok(true);
    }
    ctx.ui.gap();
    runtime()?.play(async {
        let editor = Editor::start(&ctx.ui)?;
        let ask = Ask::line("Enter begins today's part, q leaves it");
        Ok(match editor.read(ask).await? {
            Entry::Text(text) => !text.trim().to_lowercase().starts_with(['q', 'n']),
            _ => false,
        })
    })
}

/// What was asked for.
#[derive(Clone, Copy)]
struct Wanted {
    today: Date,
    interview: Date,
    minutes: u32,
    round: Option<Round>,
}

fn as_json(plan: &UntilPlan, wanted: Wanted) -> serde_json::Value {
    let Wanted {
        today,
        interview,
        minutes,
        round,
    } = wanted;
    let days: Vec<_> = (0_i32..)
        .zip(&plan.days)
        .map(|(index, day)| {
            let points: Vec<_> = day
                .points
                .iter()
                .map(|((question, point), new)| {
                    json!({"question": question, "point": point, "new": new})
                })
                .collect();
            json!({
                "date": today.saturating_add(index.days()).to_string(),
                "points": points,
                "advice": day.advice,
            })
        })
        .collect();
    let outlook = |list: &[Outlook]| -> Vec<serde_json::Value> {
        list.iter()
            .map(|one| {
                json!({
                    "question": one.key.0, "point": one.key.1, "concept": one.concept,
                    "round": one.round, "recall": one.recall, "reviews": one.reviews,
                })
            })
            .collect()
    };
    json!({
        "schema": SCHEMA,
        "type": "drill_plan",
        "until": interview.to_string(),
        "minutes": minutes,
        "round": round,
        "days": days,
        "ready": outlook(&plan.ready),
        "not_ready": outlook(&plan.not_ready),
    })
}

fn print<'a>(ui: &Ui, plan: &UntilPlan, wanted: Wanted, concept: impl Fn(&Key) -> &'a str) {
    let Wanted {
        today,
        interview,
        minutes,
        round,
    } = wanted;
    let count = plan.days.len();
    ui.stage_text(
        0,
        &Text::new().with(
            Meaning::Heading,
            format!(
                "Until {}: {}, {minutes} minutes a day",
                view::date(interview),
                if count == 1 {
                    "1 day".to_owned()
                } else {
                    format!("{count} days")
                }
            ),
        ),
    );
    // What the panel asks is told apart from what else there was room for.
    let parted = |list: &[Outlook], asked: bool| -> Vec<Outlook> {
        list.iter()
            .filter(|one| round.is_none_or(|round| one.round == round) == asked)
            .cloned()
            .collect()
    };
    let (kind, others) = match round {
        Some(round) => (format!(" for {round}"), " of other rounds"),
        None => (String::new(), ""),
    };
    for (asked, of) in [(true, kind.as_str()), (false, others)] {
        for (label, meaning, list) in [
            ("Can be ready", Meaning::Good, &plan.ready),
            ("Cannot", Meaning::Bad, &plan.not_ready),
        ] {
            outlook(ui, &format!("{label}{of}"), meaning, &parted(list, asked));
        }
    }
    ui.stage_text(
        0,
        &Text::new().with(
            Meaning::Muted,
            "Ready means that the point is likely (90%) to be there on the day if the reviews go well.",
        ),
    );
    ui.gap();
    let long = count > 2 * SHOWN + 1;
    for (index, day) in plan.days.iter().enumerate() {
        if long && (SHOWN..count - SHOWN).contains(&index) {
            if index == SHOWN {
                between(ui, &plan.days[SHOWN..count - SHOWN]);
            }
            continue;
        }
        let date = today.saturating_add((index as i64).days());
        one_day(ui, index, date, day, &concept);
    }
}

fn outlook(ui: &Ui, label: &str, meaning: Meaning, list: &[Outlook]) {
    if list.is_empty() {
        return;
    }
    let mut named: Vec<String> = Vec::new();
    let mut others = std::collections::BTreeSet::new();
    for one in list {
        let name = one.concept.replace('-', " ");
        if named.contains(&name) || others.contains(&name) {
            continue;
        }
        if named.len() < NAMED {
            named.push(name);
        } else {
            others.insert(name);
        }
    }
    let mut text = named.join(", ");
    if !others.is_empty() {
        text.push_str(&format!(" and {} more subjects", others.len()));
    }
    let first = Text::new().with(meaning, format!("{label}: "));
    let line = format!("{} of {text}.", view::points(list.len()));
    ui.stage_hanging(&first, "  ", &line.as_str().into());
}

fn one_day<'a>(ui: &Ui, index: usize, date: Date, day: &Day, concept: &impl Fn(&Key) -> &'a str) {
    let name = if index == 0 {
        "Today".to_owned()
    } else {
        view::date(date)
    };
    let new = day.points.iter().filter(|(_, new)| *new).count();
    let mut concepts: Vec<String> = Vec::new();
    for (key, _) in &day.points {
        let name = concept(key).replace('-', " ");
        if !concepts.contains(&name) {
            concepts.push(name);
        }
    }
    let what = match (day.points.len(), new) {
        (0, _) => "nothing to drill".to_owned(),
        (count, 0) => view::points(count),
        (count, new) if count == new => format!("{}, all new", view::points(count)),
        (count, new) => format!("{}, {new} new", view::points(count)),
    };
    let margin = " ".repeat(MARGIN);
    let first = Text::new().with(Meaning::Value, format!("{name:<MARGIN$}"));
    let mut line = Text::new().plain(what);
    if !concepts.is_empty() {
        let more = concepts.len().saturating_sub(3);
        concepts.truncate(3);
        let mut text = format!(": {}", concepts.join(", "));
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        line = line.with(Meaning::Muted, text);
    }
    ui.stage_hanging(&first, &margin, &line);
    for advice in &day.advice {
        let first = Text::new().plain(&margin).with(Meaning::Command, "+ ");
        ui.stage_hanging(&first, &format!("{margin}  "), &advice.as_str().into());
    }
}

fn between(ui: &Ui, days: &[Day]) {
    let reviews: usize = days.iter().map(|day| day.points.len()).sum();
    let busy = days.iter().filter(|day| !day.points.is_empty()).count();
    ui.stage_text(
        MARGIN,
        &Text::new().with(
            Meaning::Muted,
            format!(
                "{} days in between, {} with something to drill, {} in all",
                days.len(),
                busy,
                view::points(reviews)
            ),
        ),
    );
}
