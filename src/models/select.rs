//! Chooses the model: the one asked for, or else the best on this machine that
//! fits its memory. Says which and why, and names a better one to fetch.

use std::path::{Path, PathBuf};

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::catalogue::{Catalogue, Entry, Kind};
use super::discover::{Found, Place, Places, discover};
use super::manifest::Manifest;
use crate::cli::Globals;
use crate::config::Config;
use crate::paths::Paths;
use crate::{Error, Result};

/// Share of the machine's memory a model may take: the rest is the system's,
/// the browser's and the editor's.
const SHARE: f64 = 0.7;
/// Largest weights chosen without being asked for when there is no GPU back-end.
/// A processor reads every weight for every token; at the 25 to 50 GB a second
/// of a laptop's memory, 6 GB is five to eight tokens a second, the slowest that
/// still feels like somebody talking.
const LARGEST_ON_CPU: u64 = 6_000_000_000;

/// Memory taken for granted where the system does not say how much there is.
const UNMEASURED: u64 = 4_000_000_000;

/// What this machine can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Bytes of memory this process may use in all.
    pub memory: u64,
    /// Whether a GPU back-end is built in.
    pub gpu: bool,
}

impl Machine {
    /// Measures this machine: physical memory, or the control group's limit
    /// where that is lower.
    pub fn measure() -> Self {
        let system = System::new_with_specifics(
            RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()),
        );
        let memory = system.map_or(UNMEASURED, |system| {
            let physical = system.total_memory();
            system
                .cgroup_limits()
                .map(|limits| limits.total_memory)
                .filter(|limit| *limit > 0)
                .map_or(physical, |limit| limit.min(physical))
        });
        Self {
            memory,
            gpu: cfg!(any(
                feature = "cuda",
                feature = "vulkan",
                feature = "metal",
                feature = "rocm"
            )),
        }
    }

    /// Returns whether a run that needs this many bytes fits.
    pub fn holds(self, needed: u64) -> bool {
        needed as f64 <= self.memory as f64 * SHARE
    }

    /// Returns whether weights of this size are quick enough to choose unasked.
    pub fn is_quick_with(self, weights: u64) -> bool {
        self.gpu || weights <= LARGEST_ON_CPU
    }
}

/// The model to use and the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The name to show.
    pub name: String,
    /// The file to load.
    pub path: PathBuf,
    /// Why this one: a full sentence to show.
    pub why: String,
    /// A better model this machine could run: a full sentence with the command
    /// that fetches it. `None` when asked for by name or nothing is better.
    pub better: Option<String>,
    /// Checksum of the file where the catalogue has it.
    pub sha256: Option<String>,
}

/// Returns the model to use: `--model` (or `VIVA_MODEL`), else the settings
/// file's, else the best one on this machine that fits its memory.
///
/// Whether the file can be loaded is left to the engine.
///
/// # Errors
/// Fails when the model asked for is not here, or none is; the hints name the
/// command that fetches one.
pub fn select(config: &Config, globals: &Globals, paths: &Paths) -> Result<Choice> {
    let asked = globals.model.as_deref().map(|name| (name, "as asked"));
    let set = config
        .model
        .as_deref()
        .map(|name| (name, "as the settings say"));
    let places = Places::from_environment(paths);
    match asked.or(set) {
        Some((name, why)) => named(name, why, &places),
        None => best(&discover(&places)?, &Catalogue::load()?, Machine::measure()),
    }
}

/// Returns the model called `name`: a path, a name of a model on this machine,
/// or a catalogue name whose file is here.
fn named(name: &str, why: &str, places: &Places) -> Result<Choice> {
    let catalogue = Catalogue::load()?;
    let choice = |found_name: &str, path: &Path| Choice {
        name: found_name.to_owned(),
        path: path.to_path_buf(),
        why: format!("Using {found_name}, {why}."),
        better: None,
        sha256: path
            .file_name()
            .and_then(|file| catalogue.by_file(&file.to_string_lossy()))
            .and_then(|entry| entry.sha256.clone()),
    };
    let path = Path::new(name);
    let looks_like_a_path = path.components().count() > 1
        || path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
    if path.is_file() {
        let stem = path
            .file_stem()
            .map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into());
        return Ok(choice(&stem, path));
    }
    let present = discover(places)?;
    if let Some(found) = present
        .iter()
        .find(|found| found.name.eq_ignore_ascii_case(name))
    {
        return Ok(choice(&found.name, &found.path));
    }
    if let Some(rest) = name.strip_prefix("hf:") {
        let file = rest.rsplit('/').next().unwrap_or(rest);
        if let Some(found) = present.iter().find(|found| {
            found
                .path
                .file_name()
                .is_some_and(|name| name.to_string_lossy() == file)
        }) {
            return Ok(choice(&found.name, &found.path));
        }
        return Err(
            Error::model(format!("the model {name} is not on this machine"))
                .hint(format!("Fetch it with: viva models pull {name}")),
        );
    }
    if let Some(entry) = catalogue.find(name) {
        return Err(
            Error::model(format!("the model {} is not on this machine", entry.name)).hint(format!(
                "Fetch it with: viva models pull {} ({}).",
                entry.name,
                gigabytes(entry.size)
            )),
        );
    }
    if looks_like_a_path {
        return Err(Error::model(format!("there is no model file {name}"))
            .hint("Check the path, or give a name from: viva models list"));
    }
    Err(Error::model(format!("no model is called {name:?}"))
        .hint("See the names with: viva models list"))
}

/// Returns the best of the models `present` for `machine`: with a chat template
/// before without, then the larger file, then the nearer place.
fn best(present: &[Found], catalogue: &Catalogue, machine: Machine) -> Result<Choice> {
    let chat: Vec<&Found> = present.iter().filter(|f| f.kind == Kind::Chat).collect();
    let fitting = chat.iter().copied().filter(|found| {
        machine.holds(memory_of(found, catalogue)) && machine.is_quick_with(found.size)
    });
    let rank = |found: &&Found| {
        (
            found.header.chat_template,
            found.size,
            std::cmp::Reverse(found.place),
        )
    };
    let Some(found) = fitting.max_by_key(rank) else {
        return Err(none_fits(&chat, machine));
    };
    let others = chat.len() - 1;
    let reason = match others {
        0 => "the only chat model on this machine".to_owned(),
        _ => format!(
            "the best of the {} chat models on this machine that suit its {} of memory",
            others + 1,
            gigabytes(machine.memory)
        ),
    };
    Ok(Choice {
        name: found.name.clone(),
        path: found.path.clone(),
        why: format!(
            "Using {} ({}, {}): {reason}.",
            found.name,
            gigabytes(found.size),
            found.place.phrase()
        ),
        better: better(found.size, catalogue, machine).map(|entry| {
            format!(
                "This machine could run {} ({}): viva models pull {}",
                entry.title,
                gigabytes(entry.size),
                entry.name
            )
        }),
        sha256: (found.place <= Place::Checkout)
            .then(|| catalogue.find(&found.name))
            .flatten()
            .and_then(|entry| entry.sha256.clone()),
    })
}

/// Returns the largest catalogued chat model that suits `machine` and is
/// clearly larger than `size`.
pub fn better(size: u64, catalogue: &Catalogue, machine: Machine) -> Option<&Entry> {
    catalogue
        .entries()
        .iter()
        .filter(|entry| entry.kind == Kind::Chat)
        .filter(|entry| machine.holds(entry.memory) && machine.is_quick_with(entry.size))
        .filter(|entry| entry.size as f64 > size as f64 * 1.25)
        .max_by_key(|entry| entry.size)
}

/// Returns the bytes a run needs: the catalogue's number, or the weights, a
/// fifth more for buffers and half a gigabyte of context.
fn memory_of(found: &Found, catalogue: &Catalogue) -> u64 {
    let file = found
        .path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    catalogue
        .by_file(&file)
        .map_or(found.size + found.size / 5 + 500_000_000, |entry| {
            entry.memory
        })
}

fn none_fits(chat: &[&Found], machine: Machine) -> Error {
    match chat.iter().min_by_key(|found| found.size) {
        None => Error::model("there is no chat model on this machine yet")
            .hint("Fetch the small starter with: viva models pull starter")
            .hint("Or use a GGUF file of your own with: --model PATH"),
        Some(smallest) => Error::model(format!(
            "none of the models on this machine suits its {} of memory; the smallest is {} ({})",
            gigabytes(machine.memory),
            smallest.name,
            gigabytes(smallest.size)
        ))
        .hint("Fetch the small starter with: viva models pull starter")
        .hint(format!("Or insist with: --model {}", smallest.name)),
    }
}

/// Returns a number of bytes in words, decimal units.
pub fn gigabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Returns the checksum that a verdict names these weights by: the file's
/// SHA-256 in hexadecimal where the manifest or the catalogue has it, or else
/// `ends:` and a hash of its size and both ends, since summing up gigabytes
/// would keep a person waiting. Empty when the file cannot be read.
pub fn digest(path: &Path, paths: &Paths) -> String {
    let file = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let recorded = (path.parent() == Some(paths.models.as_path()))
        .then(|| Manifest::load(&paths.models).ok())
        .flatten()
        .and_then(|manifest| Some(manifest.by_file(&file)?.sha256.clone()));
    let size = std::fs::metadata(path).map(|found| found.len()).ok();
    let catalogued = || {
        let catalogue = Catalogue::load().ok()?;
        let entry = catalogue.by_file(&file)?;
        (size == Some(entry.size)).then(|| entry.sha256.clone())?
    };
    recorded
        .or_else(catalogued)
        .or_else(|| crate::store::standing::ends_hash(path).ok())
        .unwrap_or_default()
}

/// Returns the embedder's file: one recorded as `embedder`, or the catalogued
/// file in the models folder or in `models/` of a checkout; the smaller q8_0
/// conversion serves too.
pub fn embedder(paths: &Paths) -> Option<PathBuf> {
    let entry = Catalogue::load().ok()?.find("embedder")?.clone();
    let q8 = entry.file.replace(".f16.", ".q8_0.");
    let present = discover(&Places::from_environment(paths)).ok()?;
    let near = |found: &&Found| found.kind == Kind::Embedder && found.place <= Place::Checkout;
    let has_file = |found: &Found, file: &str| found.path.file_name().is_some_and(|f| f == file);
    present
        .iter()
        .filter(near)
        .find(|found| has_file(found, &entry.file))
        .or_else(|| {
            present
                .iter()
                .filter(near)
                .find(|found| found.name == entry.name || has_file(found, &q8))
        })
        .map(|found| found.path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::discover::tests::{places, write_model};

    const SMALL: Machine = Machine {
        memory: 4_000_000_000,
        gpu: false,
    };

    fn found(name: &str, size: u64, kind: Kind, template: bool) -> Found {
        Found {
            name: name.into(),
            path: format!("/x/{name}.gguf").into(),
            size,
            header: super::super::header::Header {
                chat_template: template,
                ..Default::default()
            },
            kind,
            place: Place::Own,
        }
    }

    #[test]
    fn the_largest_chat_model_that_fits_is_chosen_and_a_better_one_named() {
        let present = [
            found("tiny", 100_000_000, Kind::Chat, true),
            found("right", 1_000_000_000, Kind::Chat, true),
            found("huge", 9_000_000_000, Kind::Chat, true),
            found("vectors", 1_500_000_000, Kind::Embedder, true),
            found("base", 1_200_000_000, Kind::Chat, false),
        ];
        let choice = best(&present, &Catalogue::load().unwrap(), SMALL).unwrap();
        assert_eq!(choice.name, "right");
        assert!(
            choice.why.contains("best of the 4 chat models"),
            "{}",
            choice.why
        );
        assert_eq!(
            choice.better, None,
            "nothing of the catalogue is clearly larger and fits"
        );
        let roomy = Machine {
            memory: 32_000_000_000,
            gpu: false,
        };
        let choice = best(&present[..1], &Catalogue::load().unwrap(), roomy).unwrap();
        assert!(
            choice
                .better
                .unwrap()
                .ends_with("viva models pull qwen3-8b")
        );
    }

    #[test]
    fn without_a_gpu_no_very_large_model_is_chosen_unasked() {
        let catalogue = Catalogue::load().unwrap();
        let cpu = Machine {
            memory: 64_000_000_000,
            gpu: false,
        };
        let gpu = Machine { gpu: true, ..cpu };
        assert_eq!(better(0, &catalogue, cpu).unwrap().name, "qwen3-8b");
        assert_eq!(better(0, &catalogue, gpu).unwrap().name, "phi-4");
    }

    #[test]
    fn no_model_at_all_is_an_error_that_names_the_starter() {
        let error = best(&[], &Catalogue::load().unwrap(), SMALL).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Model);
        assert!(error.hints()[0].contains("viva models pull starter"));
        let big = [found("huge", 9_000_000_000, Kind::Chat, true)];
        let error = best(&big, &Catalogue::load().unwrap(), SMALL).unwrap_err();
        assert!(error.to_string().contains("the smallest is huge"));
    }

    #[test]
    fn a_model_is_found_by_path_by_name_and_by_its_hub_name() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("own/Qwen3-4B-Q4_K_M.gguf");
        write_model(&file, "qwen3", 1);
        let places = places(root.path());
        for name in [
            file.to_str().unwrap(),
            "QWEN3-4b",
            "hf:Qwen/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf",
        ] {
            assert_eq!(
                named(name, "as asked", &places).unwrap().path,
                file,
                "{name}"
            );
        }
    }

    #[test]
    fn a_model_that_is_not_here_says_how_to_fetch_it() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        let hint = |name: &str| named(name, "as asked", &places).unwrap_err().hints()[0].clone();
        assert!(hint("qwen3-8b").starts_with("Fetch it with: viva models pull qwen3-8b (5.0 GB)"));
        assert!(hint("hf:a/b/c.gguf").ends_with("viva models pull hf:a/b/c.gguf"));
        assert!(hint("./nothing.gguf").starts_with("Check the path"));
        assert!(hint("nobody").contains("viva models list"));
    }
}
