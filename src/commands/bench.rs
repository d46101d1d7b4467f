//! `viva bench`: measures the engine on this machine.

use clap::Args;

use super::Context;
use crate::{Error, Result};

/// Arguments of `viva bench`
#[derive(Debug, Args)]
pub struct BenchArgs {}

/// Runs the benchmark.
///
/// # Errors
/// Fails when no model can be loaded.
pub fn run(_args: &BenchArgs, _ctx: &Context) -> Result<()> {
    Err(Error::internal("not wired yet"))
}
