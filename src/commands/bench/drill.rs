//! `viva bench drill`: the table of reviews that drilling takes.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use crate::Result;
use crate::commands::Context;
use crate::drill::simulate::{self, Curve, Row, Setting, TARGET};

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
    };
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

fn table(report: &Report) -> String {
    let Setting {
        points,
        days,
        seeds,
    } = report.setting;
    let mut text = format!(
        "{seeds} simulated candidates keep {points} points for an interview on day {days}\n"
    );
    let mut curve = None;
    for row in &report.rows {
        if curve != Some(row.curve) {
            curve = Some(row.curve);
            let (name, reviews, recall, reached, busiest) = (
                match row.curve {
                    Curve::Power => "Power curve",
                    Curve::Exponential => "Exponential curve",
                },
                "reviews",
                "recall",
                "reach",
                "most",
            );
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n{name:<19}  {reviews:>11}  {recall:>10}  {reached:>7}  {busiest:>4}\n"
            );
            let _ = writeln!(
                text,
                "{:<19}  {:>11}  {:>10}  {:>7}  {:>4}",
                "",
                "a point",
                format!("on day {days}"),
                format!("{:.0}%", report.target * 100.0),
                "a day"
            );
        }
        let _ = writeln!(
            text,
            "{:<19}  {:>11}  {:>10}  {:>7}  {:>4.0}",
            row.policy.name(),
            format!(
                "{:.2} ± {:.2}",
                row.reviews_per_point.mean, row.reviews_per_point.sd
            ),
            format!(
                "{:.0}% ± {:.0}",
                row.recall.mean * 100.0,
                row.recall.sd * 100.0
            ),
            format!("{} of {seeds}", row.reached),
            row.busiest_day
        );
    }
    text.push_str("\n± is the standard deviation over the candidates.");
    text
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
        assert!(text.contains("of 2"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["points"], 4);
        assert_eq!(json["rows"][0]["policy"], "fsrs-to-date");
    }
}
