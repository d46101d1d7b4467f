//! The verbs, one file each. A verb wires rooms together and holds no logic
//! worth testing on its own.

pub mod assess;
pub mod bench;
mod contest;
pub mod doctor;
pub mod drill;
pub mod grade;
pub mod guide;
pub mod history;
pub mod interview;
pub mod models;
pub mod report;
pub mod resume;
pub mod stories;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, Globals};
use crate::config::Config;
use crate::paths::Paths;
use crate::ui::Ui;
use crate::{Error, Result};

/// What every verb is handed.
#[derive(Debug)]
pub struct Context {
    /// Options that every command takes.
    pub globals: Globals,
    /// Settings: built-in, file, environment, in that order.
    pub config: Config,
    /// The folders in use.
    pub paths: Paths,
    /// The only way to print.
    pub ui: Ui,
}

/// Runs the program on `args` (the program's name first) and returns its exit
/// code: 0, or an [`crate::ErrorKind::exit_code`].
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return Ui::report_clap(&error),
    };
    let ui = Ui::new(&cli.globals);
    match run(cli, ui.clone()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ui.report(&error),
    }
}

fn run(cli: Cli, ui: Ui) -> Result<(), Error> {
    let paths = Paths::from_environment()?;
    let mut config = Config::load(cli.globals.config.as_deref(), &paths)?;
    config.engine.overlay(&cli.globals.engine);
    let ctx = Context {
        globals: cli.globals,
        config,
        paths,
        ui,
    };
    match cli.command {
        Command::Assess(args) => assess::run(&args, &ctx),
        Command::Bench(args) => bench::run(&args, &ctx),
        Command::Guide(args) => guide::run(&args, &ctx),
        Command::Models(args) => models::run(&args, &ctx),
        Command::Grade(args) => grade::run(&args, &ctx),
        Command::Drill(args) => drill::run(&args, &ctx),
        Command::Doctor(args) => doctor::run(&args, &ctx),
        Command::History(args) => history::run(&args, &ctx),
        Command::Interview(args) => interview::run(&args, &ctx),
        Command::Report(args) => report::run(&args, &ctx),
        Command::Resume(args) => resume::run(&args, &ctx),
        Command::Stories(args) => stories::run(&args, &ctx),
    }
}
