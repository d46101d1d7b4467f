//! `viva doctor`: looks at everything an interview needs and says what to
//! mend. It changes nothing but a file it writes and removes to see whether
//! a folder can be written.

pub(in crate::commands) mod judge;
mod voice;

use std::path::Path;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use sysinfo::{MemoryRefreshKind, RefreshKind};

use super::Context;
use crate::guide::Library;
use crate::models::{Places, discover, select};
use crate::store::Journal;
use crate::ui::{Meaning, Text};
use crate::{Error, ErrorKind, Result};

/// Arguments of `viva doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Measure the judge on the calibration set instead; takes some minutes
    #[arg(long)]
    pub judge: bool,
    /// Have the chat model word every prompt's lines instead, and say how many
    /// were fit to be said
    #[arg(long, conflicts_with = "judge")]
    pub voice: bool,
}

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    /// What was found, a phrase or a sentence.
    found: String,
    /// What to do, full sentences; empty when all is well.
    advice: Vec<String>,
    /// The same for scripts.
    details: Value,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>, details: Value) -> Self {
        Self {
            name,
            state: State::Ok,
            found: found.into(),
            advice: Vec::new(),
            details,
        }
    }

    fn warn(mut self, advice: impl Into<String>) -> Self {
        self.state = self.state.max_with(State::Warn);
        self.advice.push(advice.into());
        self
    }

    fn failed(name: &'static str, error: &Error) -> Self {
        let causes = error.causes();
        let found = std::iter::once(error.to_string())
            .chain(causes)
            .collect::<Vec<_>>()
            .join(": ");
        Self {
            name,
            state: State::Fail,
            found,
            advice: error.hints().to_vec(),
            details: Value::Null,
        }
    }
}

impl State {
    fn max_with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fail, _) | (_, Self::Fail) => Self::Fail,
            (Self::Warn, _) | (_, Self::Warn) => Self::Warn,
            _ => Self::Ok,
        }
    }
}

/// Runs the checks and prints what they found.
///
/// # Errors
/// Fails, after everything was printed, when a check failed.
pub fn run(args: &DoctorArgs, ctx: &Context) -> Result<()> {
    if args.judge {
        return judge::run(ctx);
    }
    if args.voice {
        return voice::run(ctx);
    }
    let mut checks = vec![version(), settings(ctx)];
    checks.extend(ctx.paths.all().map(|(name, path)| folder(name, path)));
    checks.extend([
        journal(ctx),
        models(ctx),
        judge::check(ctx),
        engine(),
        memory(),
        terminal(ctx),
        guides(ctx),
    ]);
    if ctx.ui.is_json() {
        ctx.ui.json_line(&report(ctx, &checks));
    } else {
        show(ctx, &checks);
    }
    let failed: Vec<&str> = checks
        .iter()
        .filter(|check| check.state == State::Fail)
        .map(|check| check.name)
        .collect();
    let kind = match failed.as_slice() {
        [] => return Ok(()),
        ["models"] => ErrorKind::Model,
        ["guides" | "settings"] => ErrorKind::Content,
        ["engine"] => ErrorKind::Internal,
        _ => ErrorKind::Storage,
    };
    Err(
        Error::new(kind, format!("what failed is: {}", failed.join(", ")))
            .hint("The advice stands with each of them."),
    )
}

/// Returns everything as one object. Folders stand at the top as well, because
/// scripts ask for them most.
fn report(ctx: &Context, checks: &[Check]) -> Value {
    let folders: serde_json::Map<String, Value> = ctx
        .paths
        .all()
        .iter()
        .map(|(name, path)| {
            (
                (*name).to_owned(),
                json!({
                    "path": path,
                    "exists": path.is_dir(),
                    "writable": writable(path).is_ok(),
                }),
            )
        })
        .collect();
    json!({
        "schema": 1,
        "type": "doctor",
        "version": env!("CARGO_PKG_VERSION"),
        "folders": folders,
        "settings": ctx.config,
        "checks": checks,
    })
}

fn show(ctx: &Context, checks: &[Check]) {
    for check in checks {
        let (word, meaning) = match check.state {
            State::Ok => ("ok  ", Meaning::Good),
            State::Warn => ("warn", Meaning::Warning),
            State::Fail => ("FAIL", Meaning::Error),
        };
        ctx.ui.paragraph(
            0,
            &Text::new()
                .with(meaning, word)
                .plain("  ")
                .with(Meaning::Heading, format!("{:<10}", check.name))
                .plain(format!("  {}", check.found)),
        );
        for advice in &check.advice {
            ctx.ui
                .paragraph(18, &Text::new().with(Meaning::Hint, advice));
        }
    }
}

fn version() -> Check {
    let found = format!(
        "viva {} for {} on {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    Check::ok(
        "version",
        found,
        json!({"version": env!("CARGO_PKG_VERSION")}),
    )
}

fn settings(ctx: &Context) -> Check {
    let usual = ctx.paths.settings();
    let file = ctx.globals.config.as_deref().unwrap_or(&usual);
    let found = if file.exists() {
        format!("from {}", file.display())
    } else {
        format!("built-in values; {} does not exist", file.display())
    };
    let engine = &ctx.config.engine;
    Check::ok("settings", found, json!({"file": file, "engine": engine}))
}

fn folder(name: &'static str, path: &Path) -> Check {
    let details = json!({"path": path, "exists": path.is_dir()});
    match writable(path) {
        Ok(()) => {
            let found = match path.is_dir() {
                true => path.display().to_string(),
                false => format!("{} (made when needed)", path.display()),
            };
            Check::ok(name, found, details)
        }
        // Nothing is ever written to settings or guides.
        Err(_) if name == "config" && path.is_dir() => Check::ok(
            name,
            format!("{} (can be read, not written)", path.display()),
            details,
        ),
        Err(error) => {
            let mut check = Check::ok(
                name,
                format!("{} cannot be written: {error}", path.display()),
                details,
            )
            .warn("Give yourself the right to write there, or name another folder in VIVA_CONFIG_DIR, VIVA_DATA_DIR or VIVA_MODELS_DIR.");
            if name == "data" {
                check.state = State::Fail;
            }
            check
        }
    }
}

/// Returns whether a file can be made in `path`, or `path` itself could be
/// made. Asking the file system is the only answer that also holds for
/// read-only mounts and access lists.
fn writable(path: &Path) -> std::io::Result<()> {
    let existing = path
        .ancestors()
        .find(|folder| folder.exists())
        .ok_or(std::io::ErrorKind::NotFound)?;
    if !existing.is_dir() {
        return Err(std::io::ErrorKind::NotADirectory.into());
    }
    tempfile::Builder::new()
        .prefix(".viva-doctor-")
        .tempfile_in(existing)
        .map(drop)
}

fn journal(ctx: &Context) -> Check {
    match Journal::health(&ctx.paths) {
        Ok(None) => Check::ok(
            "journal",
            "none yet; the first session makes it",
            Value::Null,
        ),
        Ok(Some(health)) => {
            let found = format!(
                "{} sessions with {} events, {:.1} MB",
                health.sessions,
                health.events,
                health.bytes as f64 / 1e6
            );
            let mut check = Check::ok("journal", found, json!(health));
            for damage in &health.damage {
                check = check.warn(&damage.what);
            }
            if !health.damage.is_empty() {
                check.state = State::Fail;
                check = check.warn("Run `viva history export` for a copy of what is sound, then `viva history recover`.");
            }
            check
        }
        Err(error) => Check::failed("journal", &error),
    }
}

fn models(ctx: &Context) -> Check {
    let found = match discover(&Places::from_environment(&ctx.paths)) {
        Ok(found) => found,
        Err(error) => return Check::failed("models", &error),
    };
    let list: Vec<Value> = found
        .iter()
        .map(|model| {
            json!({
                "name": model.name, "path": model.path, "bytes": model.size,
                "place": model.place.phrase(),
            })
        })
        .collect();
    match select(&ctx.config, &ctx.globals, &ctx.paths) {
        Ok(choice) => {
            let details = json!({
                "found": list,
                "chosen": {"name": choice.name, "path": choice.path, "why": choice.why},
                "better": choice.better,
            });
            let mut check = Check::ok(
                "models",
                format!(
                    "{} on this machine. {}",
                    match list.len() {
                        1 => "one".to_owned(),
                        n => n.to_string(),
                    },
                    choice.why
                ),
                details,
            );
            check.advice.extend(choice.better);
            check
        }
        Err(error) => {
            let mut check = Check::failed("models", &error);
            check.details = json!({"found": list, "chosen": null});
            check
        }
    }
}

/// Asks the inference library, not the processor, which instructions it uses:
/// a build without the right flags leaves them lying idle.
fn engine() -> Check {
    let info = match crate::llm::system_info() {
        Ok(info) => info,
        Err(error) => {
            return Check::failed(
                "engine",
                &Error::internal("the inference library does not start").caused_by(error),
            );
        }
    };
    let sets = match info.instruction_sets.as_slice() {
        [] => "no vector instructions beyond the base".to_owned(),
        sets => sets.join(" "),
    };
    let gpus: Vec<String> = info
        .devices
        .iter()
        .filter(|device| device.is_gpu)
        .map(|device| format!("; {} ({})", device.description, device.backend))
        .collect();
    let found = format!("{} threads; {sets}{}", info.threads, gpus.concat());
    let details = json!({
        "threads": info.threads,
        "instruction_sets": info.instruction_sets,
        "devices": info.devices,
        "mmap": info.mmap,
        "gpu_backends": gpu(),
    });
    let check = Check::ok("engine", found, details);
    if cfg!(target_arch = "x86_64") && !info.instruction_sets.iter().any(|set| set == "AVX2") {
        return check
            .warn("Without AVX2 a model answers several times slower; prefer a small one.");
    }
    check
}

/// Returns which GPU back-ends this build carries.
fn gpu() -> Vec<&'static str> {
    [
        ("cuda", cfg!(feature = "cuda")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("metal", cfg!(feature = "metal")),
        ("rocm", cfg!(feature = "rocm")),
    ]
    .into_iter()
    .filter_map(|(name, built)| built.then_some(name))
    .collect()
}

fn memory() -> Check {
    let system = match sysinfo::System::new_with_specifics(
        RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()),
    ) {
        Ok(system) => system,
        Err(error) => {
            return Check::ok("memory", format!("not known: {error}"), Value::Null)
                .warn("Choose a model by hand with --model if the one chosen is too large.");
        }
    };
    let (total, free) = (system.total_memory(), system.available_memory());
    let gb = |bytes: u64| bytes as f64 / 1e9;
    let check = Check::ok(
        "memory",
        format!("{:.1} GB, {:.1} GB of it available", gb(total), gb(free)),
        json!({"total_bytes": total, "available_bytes": free}),
    );
    // The starter needs about 300 MB with its context.
    if free < 500_000_000 {
        return check.warn("Close other programs: even the smallest model needs some 300 MB.");
    }
    check
}

fn terminal(ctx: &Context) -> Check {
    let width = ctx.ui.width();
    let found = match width {
        Some(columns) => format!("{columns} columns"),
        None => "standard output is not a terminal".to_owned(),
    };
    let colour = !ctx.ui.is_plain();
    let details = json!({
        "columns": width, "plain": !colour, "interactive": ctx.ui.is_interactive(),
        "term": std::env::var("TERM").ok(), "no_color": std::env::var("NO_COLOR").ok(),
    });
    let check = Check::ok("terminal", found, details);
    match width {
        Some(columns) if columns < 60 => {
            check.warn("Widen the window to 60 columns or more for whole sentences on a line.")
        }
        _ => check,
    }
}

fn guides(ctx: &Context) -> Check {
    let library = match Library::load(&ctx.paths) {
        Ok(library) => library,
        Err(error) => return Check::failed("guides", &error),
    };
    let questions = library.questions().count();
    let faults = library.warnings();
    let mut check = Check::ok(
        "guides",
        format!("{questions} questions"),
        json!({"questions": questions, "faults": faults}),
    );
    for fault in faults {
        check = check.warn(format!(
            "{}:{}:{} {}: {}. {}",
            fault.file, fault.line, fault.column, fault.field, fault.message, fault.help
        ));
    }
    if questions == 0 {
        check.state = State::Fail;
        check = check.warn("No question can be asked; correct the faults above.");
    }
    check
}
