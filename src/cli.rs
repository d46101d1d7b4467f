//! The command line: clap's types and nothing else. Each verb keeps its own
//! arguments beside its code in `commands/`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;

/// A panel interview on your own laptop
///
/// viva seats a panel of interviewers for machine-learning engineers, asks,
/// probes where an answer was thin, and ends with a critique. Everything runs
/// on this machine.
#[derive(Debug, Parser)]
#[command(name = "viva", version, propagate_version = true, max_term_width = 80)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes
#[derive(Debug, Clone, Default, Args)]
pub struct Globals {
    /// Use this model: a catalogue name, an imported name, or a path to a GGUF file
    #[arg(long, global = true, value_name = "NAME|PATH", env = "VIVA_MODEL")]
    pub model: Option<String>,
    /// Write versioned JSON to standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Use no colours, spinners or cursor movement
    #[arg(long, global = true)]
    pub plain: bool,
    /// Draw everything random from this seed
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Read settings from this file instead of the usual place
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say more; twice for the engine's own log
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The verbs
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sit in front of a panel
    Interview(commands::interview::InterviewArgs),
    /// Go on with an interview that was left
    Resume(commands::resume::ResumeArgs),
    /// Judge one answer and show it annotated
    Assess(commands::assess::AssessArgs),
    /// List, show, search, check and extend the content
    Guide(commands::guide::GuideArgs),
    /// Measure the engine on this machine
    Bench(commands::bench::BenchArgs),
    /// List, fetch, check and remove models
    Models(commands::models::ModelsArgs),
    /// Judge answers read as JSON Lines
    Grade(commands::grade::GradeArgs),
    /// Check this installation and say what to mend
    Doctor(commands::doctor::DoctorArgs),
    /// List, show, export, import or forget past sessions
    History(commands::history::HistoryArgs),
    /// Show what came of a session, or write it to a file
    Report(commands::report::ReportArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn everything_on_the_command_line_has_a_line_of_help() {
        fn check(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name} {argument}");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
