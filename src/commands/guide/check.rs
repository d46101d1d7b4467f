//! `viva guide check`: every fault of content files, with its line.

use serde_json::json;

use super::CheckArgs;
use crate::commands::Context;
use crate::guide::check::{Checker, Sources};
use crate::guide::library::built_in_documents;
use crate::guide::{Document, Fault, Library, user_guides};
use crate::{Error, Result};

pub(super) fn run(args: &CheckArgs, ctx: &Context) -> Result<()> {
    let mut sources = Sources::default();
    for path in &args.against {
        sources.read(path)?;
    }
    let sources = (!args.against.is_empty()).then_some(&sources);
    let (files, faults) = if args.files.is_empty() {
        check_all(sources, ctx)?
    } else {
        check_files(args, sources, ctx)?
    };
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
            ctx.ui.line(&fault.to_string());
            ctx.ui.line(&format!("    {}", fault.help));
        }
    }
    if ctx.ui.is_json() {
        ctx.ui.json_line(&json!({
            "schema": 1,
            "type": "check",
            "files": files,
            "faults": faults.len(),
            "model_answers": "words",
        }));
    }
    let plural = |number: usize, word: &str| {
        format!("{number} {word}{}", if number == 1 { "" } else { "s" })
    };
    if faults.is_empty() {
        ctx.ui
            .status(&format!("{} checked, no fault.", plural(files, "file")));
        return Ok(());
    }
    Err(Error::content(format!(
        "{} in {}",
        plural(faults.len(), "fault"),
        plural(files, "file")
    ))
    .hint("Mend the fields named above and check again; what is sound is used meanwhile."))
}

/// Checks the built-in content and the user's own.
fn check_all(sources: Option<&Sources>, ctx: &Context) -> Result<(usize, Vec<Fault>)> {
    let mut documents = built_in_documents();
    let built_in = documents.len();
    documents.extend(
        user_guides(&ctx.paths.guides())?
            .iter()
            .map(|path| Document::read(path)),
    );
    for name in ["panel.toml", "plans.toml"] {
        let path = ctx.paths.config.join(name);
        if path.exists() {
            documents.push(Document::read(&path));
        }
    }
    let files = documents.len();
    let library = Library::built_in();
    let mut checker = Checker::new().against(sources);
    checker.know_panel(library.panellists());
    checker.know_formats(library.formats());
    let mut faults = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        match document {
            Ok(document) if index < built_in => faults.extend(checker.check(document)),
            // A guide of the user's may replace a built-in one, so it is held
            // against the library without its namesake.
            Ok(document) => {
                let mut beside = Checker::beside(&library, document).against(sources);
                faults.extend(beside.check(document));
            }
            Err(fault) => faults.push((**fault).clone()),
        }
    }
    Ok((files, faults))
}

/// Checks the files named on the command line, each beside the library.
fn check_files(
    args: &CheckArgs,
    sources: Option<&Sources>,
    ctx: &Context,
) -> Result<(usize, Vec<Fault>)> {
    let library = Library::load(&ctx.paths)?;
    let mut faults = Vec::new();
    for path in &args.files {
        match Document::read(path) {
            Ok(document) => {
                let mut checker = Checker::beside(&library, &document).against(sources);
                faults.extend(checker.check(&document));
            }
            Err(fault) => faults.push(*fault),
        }
    }
    Ok((args.files.len(), faults))
}
