//! `viva bench drill`: the table of reviews that drilling takes.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::Result;
use crate::commands::Context;
use crate::drill::simulate::{self, CHOOSING_SEED, Curve, Row, Setting, TABLE_SEED, TARGET};

/// Arguments of `viva bench drill`
#[derive(Debug, Args)]
pub(super) struct DrillArgs {
    /// Simulate this many candidates
    #[arg(long, value_name = "N", default_value_t = Setting::default().seeds, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// Let each of them keep this many points
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=1000))]
    points: u16,
    /// Hold the interview on this day
    #[arg(long, value_name = "N", default_value_t = Setting::default().days, value_parser = clap::value_parser!(u32).range(2..=3650))]
    days: u32,
    /// Give the first of them this seed and the others the next ones
    #[arg(long, value_name = "SEED", value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    first_seed: Option<u64>,
    /// Compare instead how far a point may fade on the way to a date, under the
    /// power curve and with the seeds from 1000 on: what `viva drill --until`
    /// does was chosen so
    #[arg(long)]
    sweep: bool,
}

/// The line of `viva bench drill --json`.
#[derive(Debug, Serialize)]
struct Report {
    schema: u32,
    r#type: &'static str,
    #[serde(flatten)]
    setting: Setting,
    target: f64,
    rows: Vec<Row>,
}

/// Simulates and prints the table.
pub(super) fn run(args: &DrillArgs, ctx: &Context) -> Result<()> {
    let setting = Setting {
        points: usize::from(args.points),
        days: args.days,
        seeds: args.seeds,
        first_seed: args.first_seed.unwrap_or(if args.sweep {
            CHOOSING_SEED
        } else {
            TABLE_SEED
        }),
    };
    if args.sweep {
        sweep(&setting, ctx);
        return Ok(());
    }
    let report = Report {
        schema: 1,
        r#type: "bench_drill",
        setting,
        target: TARGET,
        rows: simulate::compare(&setting),
    };
    if ctx.ui.is_json() {
        ctx.ui.json_line(&report);
    } else {
        ctx.ui.line(&table(&report));
    }
    Ok(())
}

/// Tries recalls to fade to on the way to a date and prints what each costs.
fn sweep(setting: &Setting, ctx: &Context) {
    let swept = simulate::sweep(Curve::Power, setting);
    let best = simulate::best(&swept);
    if ctx.ui.is_json() {
        let rows: Vec<_> = swept
            .iter()
            .map(|(fades_to, row)| {
                json!({"fades_to": fades_to, "best": best == Some(*fades_to), "row": row})
            })
            .collect();
        ctx.ui.json_line(&json!({
            "schema": 1, "type": "bench_drill_sweep", "setting": setting, "target": TARGET,
            "rows": rows,
        }));
        return;
    }
    let mut text = String::from("Power curve\nfades to  reviews a point  recall\n");
    for (fades_to, row) in &swept {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:>7.1}%  {:>15.2}  {:>5.1}%{}",
            fades_to * 100.0,
            row.reviews_per_point.mean,
            row.recall.mean * 100.0,
            if best == Some(*fades_to) {
                "  the fewest of those at 90%"
            } else {
                ""
            },
        );
    }
    ctx.ui.line(text.trim_end());
}

fn table(report: &Report) -> String {
    let Setting {
        points,
        days,
        seeds,
        ..
    } = report.setting;
    let mut text =
        format!("{seeds} candidates keep {points} points for an interview on day {days}\n");
    let on_day = format!("on day {days}");
    let target = format!("{:.0}%", report.target * 100.0);
    let mut curve = None;
    for row in &report.rows {
        if curve != Some(row.curve) {
            curve = Some(row.curve);
            let name = match row.curve {
                Curve::Power => "Power curve",
                Curve::Exponential => "Exponential curve",
            };
            text.push('\n');
            line(&mut text, name, ["reviews", "recall", "reach", "most"]);
            line(&mut text, "", ["a point", &on_day, &target, "a day"]);
        }
        let (reviews, recall) = (row.reviews_per_point, row.recall);
        let reviews = format!("{:.2} ± {:.2}", reviews.mean, reviews.sd);
        let recall = format!("{:.0}% ± {:.0}", recall.mean * 100.0, recall.sd * 100.0);
        let reached = format!("{:.0}%", row.reached as f64 * 100.0 / seeds as f64);
        let busiest = format!("{:.0}", row.busiest_day);
        line(
            &mut text,
            row.policy.name(),
            [&reviews, &recall, &reached, &busiest],
        );
    }
    text.push_str("\n± is the standard deviation over the candidates.");
    text
}

/// Adds a line of the table.
fn line(text: &mut String, name: &str, [reviews, recall, reached, busiest]: [&str; 4]) {
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{name:<19}  {reviews:>11}  {recall:>10}  {reached:>5}  {busiest:>5}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_policy_and_fits_a_narrow_terminal() {
        let setting = Setting {
            points: 4,
            days: 20,
            seeds: 2,
            first_seed: 0,
        };
        let report = Report {
            schema: 1,
            r#type: "bench_drill",
            setting,
            target: TARGET,
            rows: simulate::compare(&setting),
        };
        let text = table(&report);
        for policy in simulate::Policy::ALL {
            let lines = text
                .lines()
                .filter(|line| line.starts_with(&format!("{}  ", policy.name())))
                .count();
            assert_eq!(lines, 2, "{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 60),
            "{text}"
        );
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["points"], 4);
        assert_eq!(json["rows"][0]["policy"], "fsrs-to-date");
    }
}
