//! `viva guide check`: every fault of content files, with its line.

use std::path::PathBuf;

use serde_json::json;

use super::CheckArgs;
use crate::commands::Context;
use crate::commands::assess::{local_judge, runtime};
use crate::guide::check::{Checker, Sources, judged};
use crate::guide::files::built_in_documents;
use crate::guide::{Document, Fault, Library, user_guides};
use crate::judge::Judge;
use crate::llm::Cancel;
use crate::ui::{Meaning, Text};
use crate::{Error, Result};

pub(super) fn run(args: &CheckArgs, ctx: &Context) -> Result<()> {
    let mut sources = Sources::default();
    for path in &args.against {
        sources.read(path)?;
    }
    let sources = (!args.against.is_empty()).then_some(&sources);
    let documents = documents(args, ctx)?;
    let files = documents.len();
    let mut faults = check_words(args, &documents, sources, ctx)?;
    let mut judged_by = "words".to_owned();
    if args.judge {
        let judge = local_judge(ctx)?;
        judged_by = judge.version();
        if judged_by.ends_with("-words") {
            ctx.ui.warn(
                "no embedder is at hand, so the judge knows words and no paraphrase: \
                 it will miss points that are there.",
            );
        }
        faults.extend(check_answers(&documents, &judge, ctx)?);
    }
    for fault in &faults {
        if ctx.ui.is_json() {
            let mut line = json!({ "schema": 1, "type": "fault" });
            if let (Some(line), Ok(serde_json::Value::Object(fields))) =
                (line.as_object_mut(), serde_json::to_value(fault))
            {
                line.extend(fields);
            }
            ctx.ui.json_line(&line);
        } else {
            ctx.ui.paragraph(
                4,
                &Text::new()
                    .with(
                        Meaning::Muted,
                        format!("{}:{}:{}: ", fault.file, fault.line, fault.column),
                    )
                    .with(Meaning::Value, &fault.field)
                    .plain(if fault.field.is_empty() { "" } else { ": " })
                    .plain(&fault.message),
            );
            ctx.ui.stage_hanging(
                &Text::new().plain("    "),
                "    ",
                &Text::new().with(Meaning::Hint, &fault.help),
            );
        }
    }
    if ctx.ui.is_json() {
        ctx.ui.json_line(&json!({
            "schema": 1,
            "type": "check",
            "files": files,
            "faults": faults.len(),
            "model_answers": judged_by,
        }));
    }
    let plural = |number: usize, word: &str| {
        format!("{number} {word}{}", if number == 1 { "" } else { "s" })
    };
    if faults.is_empty() {
        ctx.ui.status(&format!(
            "{} checked, no fault (model answers by {judged_by}).",
            plural(files, "file")
        ));
        return Ok(());
    }
    Err(Error::content(format!(
        "{} in {}",
        plural(faults.len(), "fault"),
        plural(files, "file")
    ))
    .hint("Mend the fields named above and check again; what is sound is used meanwhile."))
}

/// A file to check: what was read of it, and whether it is compiled in.
struct Target {
    document: std::result::Result<Document, Box<Fault>>,
    built_in: bool,
}

/// Returns the files named on the command line; without any, the built-in
/// content and the user's own.
fn documents(args: &CheckArgs, ctx: &Context) -> Result<Vec<Target>> {
    let from_disk = |path: &PathBuf| Target {
        document: Document::read(path),
        built_in: false,
    };
    if !args.files.is_empty() {
        return Ok(args.files.iter().map(from_disk).collect());
    }
    let mut targets: Vec<Target> = built_in_documents()
        .into_iter()
        .map(|document| Target {
            document,
            built_in: true,
        })
        .collect();
    let mut own = user_guides(&ctx.paths.guides())?;
    own.extend(
        ["panel.toml", "plans.toml"]
            .map(|name| ctx.paths.config.join(name))
            .into_iter()
            .filter(|path| path.exists()),
    );
    targets.extend(own.iter().map(from_disk));
    Ok(targets)
}

/// Returns what can be seen without a judge.
fn check_words(
    args: &CheckArgs,
    targets: &[Target],
    sources: Option<&Sources>,
    ctx: &Context,
) -> Result<Vec<Fault>> {
    let built_in = Library::built_in();
    let library = Library::load(&ctx.paths)?;
    let mut together = Checker::new()
        .against(sources)
        .leaving_answers_to_judge(args.judge);
    together.know_panel(built_in.panellists());
    together.know_formats(built_in.formats());
    let mut faults = Vec::new();
    for target in targets {
        match &target.document {
            Ok(document) if target.built_in => faults.extend(together.check(document)),
            // A guide of the user's may replace another, so it is held against
            // the library without its namesake.
            Ok(document) => faults.extend(
                Checker::beside(&library, document)
                    .against(sources)
                    .leaving_answers_to_judge(args.judge)
                    .check(document),
            ),
            Err(fault) => faults.push((**fault).clone()),
        }
    }
    Ok(faults)
}

/// Returns the model answers that the judge finds wanting.
fn check_answers(targets: &[Target], judge: &dyn Judge, ctx: &Context) -> Result<Vec<Fault>> {
    let runtime = runtime()?;
    let progress = ctx
        .ui
        .progress_bar(targets.len() as u64, "Judging model answers");
    let mut faults = Vec::new();
    for target in targets {
        if let Ok(document) = &target.document {
            faults.extend(runtime.block_on(judged(document, judge, &Cancel::new()))?);
        }
        progress.add(1);
    }
    progress.finish();
    Ok(faults)
}
