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
    /// How the engine runs.
    #[command(flatten)]
    pub engine: EngineArgs,
}

/// How the engine runs; what is not given comes from the settings
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Engine")]
pub struct EngineArgs {
    /// Hold this many layers on a GPU; auto holds as many as it can
    #[arg(long, global = true, value_name = "auto|N")]
    pub gpu_layers: Option<GpuLayers>,
    /// Decode with this many threads
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub threads: Option<u16>,
    /// Hold this many tokens in the context
    #[arg(long, global = true, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(512..))]
    pub context: Option<u32>,
    /// Keep the KV cache in this type
    #[arg(long, global = true, value_name = "TYPE", value_parser = ["f16", "q8_0", "q4_0"])]
    pub kv_type: Option<String>,
    /// Read the weights into memory instead of mapping the file
    #[arg(long, global = true)]
    pub no_mmap: bool,
    /// Use this chat template instead of the model's own: a family or a file
    #[arg(long, global = true, value_name = "FAMILY|FILE")]
    pub chat_template: Option<String>,
}

/// Layers to hold on a GPU
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpuLayers {
    /// As many as the engine can.
    Auto,
    /// This many, 0 for none.
    Count(u32),
}

impl std::str::FromStr for GpuLayers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            number => number
                .parse()
                .map(Self::Count)
                .map_err(|_| "it is neither `auto` nor a number of layers".to_owned()),
        }
    }
}

/// The verbs
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sit in front of a panel
    Interview(commands::interview::InterviewArgs),
    /// Go on with an interview that was left
    Resume(commands::resume::ResumeArgs),
    /// Ask again for single points when they are due
    Drill(commands::drill::DrillArgs),
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
    /// Keep a bank of your own stories, checked and matched to questions
    Stories(commands::stories::StoriesArgs),
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
