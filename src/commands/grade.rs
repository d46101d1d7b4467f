//! `viva grade`: judges answers from JSON Lines.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Context;
use crate::judge::grading::{Graded, Row};
use crate::judge::measure::Agreement;
use crate::judge::{Detailed, LocalJudge};
use crate::llm::Cancel;
use crate::{Error, ErrorKind, Result};

/// Bytes of a line that is read; a longer one is refused.
const MAX_LINE: u64 = 8 << 20;

/// Arguments of `viva grade`
#[derive(Debug, Args)]
pub struct GradeArgs {
    /// JSON Lines to judge; `-` reads standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Print agreement with the rows' own `score` at the end
    #[arg(long)]
    pub report: bool,
    /// Add the signals behind each verdict
    #[arg(long)]
    pub signals: bool,
}

/// Judges every line, in order, as it is read.
///
/// # Errors
/// Fails when the input cannot be read or a model fails;
/// [`ErrorKind::Partial`] when some lines were refused.
pub fn run(args: &GradeArgs, ctx: &Context) -> Result<()> {
    let runtime = super::assess::runtime()?;
    let judge = super::assess::local_judge(ctx)?;
    let progress = ctx.ui.progress_bar(size(&args.file), "Judging");
    let mut input = open(&args.file)?;
    let mut pairs = Vec::new();
    let (mut number, mut refused) = (0_u64, 0_u64);
    loop {
        let mut line = Vec::new();
        let read = (&mut input)
            .take(MAX_LINE + 1)
            .read_until(b'\n', &mut line)
            .map_err(|error| unreadable(&args.file, error))?;
        if read == 0 {
            break;
        }
        number += 1;
        progress.add(read as u64);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let row = if read as u64 > MAX_LINE {
            skip_line(&mut input).map_err(|error| unreadable(&args.file, error))?;
            Err(format!("longer than {} MiB", MAX_LINE >> 20))
        } else {
            match std::str::from_utf8(&line) {
                Ok(text) => Row::parse(text.trim_start_matches('\u{feff}')),
                Err(error) => Err(format!("not valid UTF-8: {error}")),
            }
        };
        match row {
            Ok(row) => {
                let graded = runtime.block_on(grade(&judge, &row, args.signals))?;
                if let (Some(score), Some(grade)) = (graded.score, row.score) {
                    pairs.push((f64::from(score), grade));
                }
                ctx.ui.json_line(&graded);
            }
            Err(reason) => {
                refused += 1;
                ctx.ui
                    .status(&format!("Line {number} was refused: {reason}"));
            }
        }
    }
    progress.finish();
    if args.report {
        report(ctx, &Agreement::of(&pairs));
    }
    if refused > 0 {
        return Err(Error::new(
            ErrorKind::Partial,
            format!("{refused} of {number} lines were refused; the others were judged"),
        )
        .hint("Correct the lines named above and grade them again."));
    }
    Ok(())
}

async fn grade(judge: &LocalJudge, row: &Row, signals: bool) -> Result<Graded> {
    let mut cases = row.cases();
    if cases.is_empty() {
        cases.push(row.bare_case());
    }
    let mut judged: Vec<Detailed> = Vec::new();
    for case in &cases {
        judged.push(judge.detailed(case, Cancel::new()).await?);
    }
    Graded::new(row, &cases, &judged, signals)
        .ok_or_else(|| Error::internal("a row was judged without a result"))
}

fn report(ctx: &Context, found: &Agreement) {
    if ctx.ui.is_json() {
        ctx.ui
            .json_line(&serde_json::json!({"schema": 1, "type": "report", "agreement": found}));
        return;
    }
    let figure = |value: Option<f64>| match value {
        Some(value) => format!("{value:.3}"),
        None => "not defined".to_owned(),
    };
    ctx.ui
        .status(&format!("Rows with a grade   {}", found.rows));
    ctx.ui
        .status(&format!("Pearson r           {}", figure(found.pearson)));
    ctx.ui
        .status(&format!("AUC                 {}", figure(found.auc)));
    ctx.ui
        .status(&format!("RMSE                {}", figure(found.rmse)));
    ctx.ui.status(&format!(
        "Calibration error   {}",
        figure(found.calibration_error)
    ));
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn open(file: &Path) -> Result<Box<dyn BufRead>> {
    if is_stdin(file) {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let opened = std::fs::File::open(file).map_err(|error| unreadable(file, error))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// Bytes of the input, 0 when it is not known.
fn size(file: &Path) -> u64 {
    if is_stdin(file) {
        return 0;
    }
    std::fs::metadata(file).map_or(0, |found| found.len())
}

fn unreadable(file: &Path, error: std::io::Error) -> Error {
    let name = if is_stdin(file) {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    };
    Error::usage(format!("{name} cannot be read"))
        .caused_by(error)
        .hint("Name a file of JSON Lines, or `-` for standard input.")
}

/// Reads on to the end of a line without keeping it.
fn skip_line(input: &mut dyn BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        match buffer.iter().position(|&byte| byte == b'\n') {
            Some(at) => {
                input.consume(at + 1);
                return Ok(());
            }
            None => {
                let length = buffer.len();
                input.consume(length);
            }
        }
    }
}
