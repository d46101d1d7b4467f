//! `viva bench`: measures the engine and the journal on this machine, and what
//! drilling is worth.

mod drill;
mod journal;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Context;
use crate::llm::{
    Cancel, ChatModel, Engine, EngineOptions, GenerateRequest, Message, Part, Role, Sampling,
};
use crate::{Error, Result};

/// Arguments of `viva bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure
    #[command(subcommand)]
    what: What,
}

/// What can be measured
#[derive(Debug, Subcommand)]
enum What {
    /// Measure how fast a model reads and writes, and what the cache saves
    Engine(EngineArgs),
    /// Count the reviews that a simulated candidate needs under several schedules
    Drill(drill::DrillArgs),
    /// Measure what many stored sessions add to the start of a command
    Journal(journal::JournalArgs),
}

/// Arguments of `viva bench engine`
#[derive(Debug, Args)]
struct EngineArgs {
    /// Turns of conversation to measure
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    turns: u32,
}

/// The line of `viva bench engine --json`.
#[derive(Debug, Serialize)]
struct Report {
    schema: u32,
    model: String,
    threads: usize,
    prefill_tokens_per_second: f64,
    decode_tokens_per_second: f64,
    turns: Vec<Turn>,
    peak_rss_bytes: u64,
    weights_bytes: u64,
    kv_bytes: u64,
}

/// One turn of the conversation.
#[derive(Debug, Serialize)]
struct Turn {
    new_tokens: usize,
    prefilled_tokens: usize,
    reused_tokens: usize,
    generated_tokens: usize,
    first_token_ms: f64,
}

/// Runs the benchmark.
///
/// # Errors
/// Fails when no model can be loaded, or a measured command fails.
pub fn run(args: &BenchArgs, ctx: &Context) -> Result<()> {
    match &args.what {
        What::Engine(args) => engine(args, ctx),
        What::Drill(args) => drill::run(args, ctx),
        What::Journal(args) => journal::run(args, ctx),
    }
}

fn engine(args: &EngineArgs, ctx: &Context) -> Result<()> {
    let path: PathBuf = crate::models::select::select(&ctx.config, &ctx.globals, &ctx.paths)?.path;
    let options = EngineOptions {
        chat: Some(path),
        ..EngineOptions::default()
    }
    .with_config(&ctx.config.engine)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal("the runtime cannot be started").caused_by(error))?;
    let report = runtime.block_on(async {
        let engine = Engine::start(options)?;
        let chat = engine.chat().await?;
        measure(chat.as_ref(), args.turns).await
    })?;
    if ctx.ui.is_json() {
        ctx.ui.json_line(&report);
    } else {
        ctx.ui.line(&table(&report));
    }
    Ok(())
}

/// Holds a conversation of `turns` turns and measures each.
async fn measure(chat: &dyn ChatModel, turns: u32) -> Result<Report> {
    let mut messages = vec![Message::new(
        Role::System,
        Part::Prompt("You are an engineer on an interview panel. Ask one short question.".into()),
    )];
    let mut report = Report {
        schema: 1,
        model: chat.info().name.clone(),
        threads: chat.info().threads,
        prefill_tokens_per_second: 0.0,
        decode_tokens_per_second: 0.0,
        turns: Vec::new(),
        peak_rss_bytes: 0,
        weights_bytes: chat.info().weights_bytes,
        kv_bytes: chat.info().kv_bytes,
    };
    let (mut read, mut read_ms, mut written, mut written_ms) = (0, 0.0, 0, 0.0);
    let mut held = 0;
    for turn in 0..turns {
        let answer = format!(
            "In project {turn} I trained a ranking model on click logs, split the data by \
             week, compared it with a popularity baseline, and watched recall at ten on \
             the newest week before each release."
        );
        messages.push(Message::new(Role::User, Part::Candidate(answer)));
        let request = GenerateRequest {
            messages: messages.clone(),
            prefill: None,
            sampling: Sampling {
                temperature: 0.0,
                ..Sampling::default()
            },
            stop: Vec::new(),
            max_tokens: 32,
            time_limit: None,
            grammar: None,
        };
        let reply = chat.generate(request, None, Cancel::new()).await?;
        let usage = reply.usage;
        report.turns.push(Turn {
            new_tokens: usage.prompt_tokens.saturating_sub(held),
            prefilled_tokens: usage.prefilled_tokens,
            reused_tokens: usage.reused_tokens,
            generated_tokens: usage.generated_tokens,
            first_token_ms: usage.first_token_ms,
        });
        // The last token written is drawn but not decoded.
        held = usage.prompt_tokens + usage.generated_tokens.saturating_sub(1);
        read += usage.prefilled_tokens;
        read_ms += usage.prefill_ms;
        written += usage.generated_tokens;
        written_ms += usage.decode_ms;
        messages.push(Message::new(Role::Assistant, Part::Model(reply.text)));
    }
    report.prefill_tokens_per_second = rate(read, read_ms);
    report.decode_tokens_per_second = rate(written, written_ms);
    report.peak_rss_bytes = peak_rss();
    Ok(report)
}

fn rate(tokens: usize, ms: f64) -> f64 {
    if ms > 0.0 {
        tokens as f64 * 1000.0 / ms
    } else {
        0.0
    }
}

/// The most memory this process ever held, in bytes; where the system does
/// not say, what it holds now.
fn peak_rss() -> u64 {
    let peak = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        });
    peak.map_or_else(current_rss, |kilobytes| kilobytes * 1024)
}

fn current_rss() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else {
        return 0;
    };
    let Ok(pid) = sysinfo::get_current_pid() else {
        return 0;
    };
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), true);
    system.process(pid).map_or(0, sysinfo::Process::memory)
}

fn table(report: &Report) -> String {
    let mut text = format!(
        "{}, {} threads\n\nreads   {:8.1} tokens a second\nwrites  {:8.1} tokens a second\n\n",
        report.model,
        report.threads,
        report.prefill_tokens_per_second,
        report.decode_tokens_per_second
    );
    text.push_str("turn     new    read  reused  written  first token\n");
    for (n, turn) in (1..).zip(&report.turns) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{n:>4}  {:>6}  {:>6}  {:>6}  {:>7}  {:>8.0} ms",
            turn.new_tokens,
            turn.prefilled_tokens,
            turn.reused_tokens,
            turn.generated_tokens,
            turn.first_token_ms
        );
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let _ = write!(
        text,
        "\nmemory  {:.0} MB at most: weights {:.0} MB, cache {:.0} MB",
        megabytes(report.peak_rss_bytes),
        megabytes(report.weights_bytes),
        megabytes(report.kv_bytes)
    );
    text
}
