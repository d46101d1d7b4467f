//! Finds models that are already on this machine: in the models folder, in
//! `models/` of a checkout, in the caches of the Hugging Face tools, LM Studio
//! and Ollama. Each is checked by its head; nothing is loaded or changed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, Kind};
use super::header::Header;
use super::manifest::{Manifest, inside};
use crate::Result;
use crate::paths::Paths;

/// Deepest folder level looked into, and most files looked at per place.
const DEEPEST: usize = 6;
const MOST_FILES: usize = 2000;

/// Whose folder a model was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The models folder of this program.
    Own,
    /// `models/` of a checkout.
    Checkout,
    /// The cache of the Hugging Face tools.
    HuggingFace,
    /// LM Studio.
    LmStudio,
    /// Ollama.
    Ollama,
}

impl Place {
    /// Returns how the place is called in a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Own => "in the models folder",
            Self::Checkout => "in models/ of this checkout",
            Self::HuggingFace => "in the Hugging Face cache",
            Self::LmStudio => "in LM Studio's folder",
            Self::Ollama => "in Ollama's folder",
        }
    }
}

/// A model on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name to ask for.
    pub name: String,
    /// The file; the first one of a model split over several.
    pub path: PathBuf,
    /// Bytes of all its files.
    pub size: u64,
    /// What its head says.
    pub header: Header,
    /// What it is for.
    pub kind: Kind,
    /// Whose folder it is in.
    pub place: Place,
}

/// The folders to look into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    own: PathBuf,
    checkouts: Vec<PathBuf>,
    hugging_face: Vec<PathBuf>,
    lm_studio: Vec<PathBuf>,
    ollama: Vec<PathBuf>,
}

impl Places {
    /// Returns the folders that the process environment points to.
    pub fn from_environment(paths: &Paths) -> Self {
        let mut checkouts = Vec::new();
        if let Ok(folder) = std::env::current_dir() {
            checkouts.push(folder.join("models"));
        }
        // target/release/viva -> the checkout it was built in
        if let Some(folder) = std::env::current_exe()
            .ok()
            .as_deref()
            .and_then(|exe| exe.ancestors().nth(3))
            .filter(|folder| folder.join("Cargo.toml").is_file())
        {
            checkouts.push(folder.join("models"));
        }
        Self::from_lookup(paths, checkouts, |name| std::env::var_os(name))
    }

    /// Returns the folders that `lookup` points to, as the tools that own them
    /// document their variables.
    pub fn from_lookup(
        paths: &Paths,
        checkouts: Vec<PathBuf>,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let set = |name: &str| lookup(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let home = set("HOME").or_else(|| set("USERPROFILE"));
        let in_home = |tail: &str| home.as_ref().map(|home| home.join(tail));
        let hub = set("HF_HUB_CACHE")
            .or_else(|| set("HF_HOME").map(|folder| folder.join("hub")))
            .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/hub")))
            .or_else(|| in_home(".cache/huggingface/hub"));
        let ollama = match set("OLLAMA_MODELS") {
            Some(folder) => vec![folder],
            None => in_home(".ollama/models")
                .into_iter()
                .chain([PathBuf::from("/usr/share/ollama/.ollama/models")])
                .collect(),
        };
        Self {
            own: paths.models.clone(),
            checkouts,
            hugging_face: hub.into_iter().collect(),
            lm_studio: [".lmstudio/models", ".cache/lm-studio/models"]
                .into_iter()
                .filter_map(in_home)
                .collect(),
            ollama,
        }
    }
}

/// Returns the models on this machine, the program's own first, each file once.
///
/// A folder that does not exist or may not be read holds no models; a file that
/// is no GGUF model is passed over.
///
/// # Errors
/// Fails when the manifest or the catalogue is damaged.
pub fn discover(places: &Places) -> Result<Vec<Found>> {
    let catalogue = Catalogue::load()?;
    let manifest = Manifest::load(&places.own)?;
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut add = |path: &Path, place: Place, name: Option<String>| {
        let Ok(real) = path.canonicalize() else {
            return;
        };
        if !seen.insert(real) {
            return;
        }
        let Ok(header) = Header::read(path) else {
            return;
        };
        let file = file_name(path);
        let name = name
            .or_else(|| catalogue.by_file(&file).map(|entry| entry.name.clone()))
            .unwrap_or_else(|| file.trim_end_matches(".gguf").to_owned());
        found.push(Found {
            name,
            size: size_of(path),
            kind: header.kind(),
            header,
            path: path.to_path_buf(),
            place,
        });
    };
    for record in &manifest.models {
        if let Some(path) = inside(&places.own, &record.file) {
            add(&path, Place::Own, Some(record.name.clone()));
        }
    }
    let flat = |folder: &PathBuf| gguf_files(folder, 1);
    let deep = |folder: &PathBuf| gguf_files(folder, DEEPEST);
    for path in flat(&places.own) {
        add(&path, Place::Own, None);
    }
    for path in places.checkouts.iter().flat_map(flat) {
        add(&path, Place::Checkout, None);
    }
    for path in places.hugging_face.iter().flat_map(deep) {
        add(&path, Place::HuggingFace, None);
    }
    for path in places.lm_studio.iter().flat_map(deep) {
        add(&path, Place::LmStudio, None);
    }
    for (name, path) in places
        .ollama
        .iter()
        .flat_map(|folder| ollama_models(folder))
    {
        add(&path, Place::Ollama, Some(name));
    }
    Ok(found)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Returns the `.gguf` files at most `depth` levels below `folder`, sorted; of
/// a model split over several files the first one only.
fn gguf_files(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut level = vec![folder.to_path_buf()];
    for _ in 0..depth {
        let mut next = Vec::new();
        for entry in level
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .flatten()
        {
            let path = entry.path();
            let name = file_name(&path).to_lowercase();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                next.push(path);
            } else if name.ends_with(".gguf")
                && !name.starts_with('.')
                && split_of(&name).is_none_or(|(part, _)| part == 1)
                && files.len() < MOST_FILES
            {
                files.push(path);
            }
        }
        level = next;
    }
    files.sort();
    files
}

/// Returns part and count of a file named `…-00001-of-00003.gguf`.
fn split_of(name: &str) -> Option<(u32, u32)> {
    let (head, count) = name.strip_suffix(".gguf")?.rsplit_once("-of-")?;
    let (_, part) = head.rsplit_once('-')?;
    Some((part.parse().ok()?, count.parse().ok()?))
}

/// Returns the bytes of a model's file, or of all its files when it is split.
fn size_of(path: &Path) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
    let name = file_name(path);
    match split_of(&name) {
        Some((1, count)) if count <= 1000 => (1..=count)
            .map(|part| {
                size(&path.with_file_name(name.replace("-00001-", &format!("-{part:05}-"))))
            })
            .sum(),
        _ => size(path),
    }
}

#[derive(Deserialize)]
struct OllamaManifest {
    #[serde(default)]
    layers: Vec<OllamaLayer>,
}

#[derive(Deserialize)]
struct OllamaLayer {
    #[serde(rename = "mediaType")]
    media_type: String,
    digest: String,
}

/// Returns name and weights of each model in Ollama's folder. A manifest lies
/// at `manifests/HOST/NAMESPACE/NAME/TAG` and names blobs by their digest.
fn ollama_models(folder: &Path) -> Vec<(String, PathBuf)> {
    let root = folder.join("manifests");
    let mut found = Vec::new();
    let mut level = vec![root];
    for _ in 0..5 {
        let mut next = Vec::new();
        for path in level
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .flatten()
            .map(|entry| entry.path())
        {
            if path.is_dir() {
                next.push(path);
            } else if let Some(blob) = ollama_weights(folder, &path)
                && found.len() < MOST_FILES
            {
                let model = path.parent().map(file_name).unwrap_or_default();
                found.push((format!("{model}:{}", file_name(&path)), blob));
            }
        }
        level = next;
    }
    found.sort();
    found
}

fn ollama_weights(folder: &Path, manifest: &Path) -> Option<PathBuf> {
    const WEIGHTS: &str = "application/vnd.ollama.image.model";
    let text = std::fs::read_to_string(manifest).ok()?;
    let manifest: OllamaManifest = serde_json::from_str(&text).ok()?;
    let digest = manifest
        .layers
        .into_iter()
        .find(|layer| layer.media_type == WEIGHTS)?
        .digest;
    let blob = digest.replace(':', "-");
    inside(&folder.join("blobs"), &blob)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::models::gguf_writer::{Element, GgufWriter, Value};

    /// Writes a small GGUF file that says it is of `architecture`.
    pub(crate) fn write_model(path: &Path, architecture: &str, weights: usize) {
        let mut file = GgufWriter::new();
        file.set("general.architecture", Value::Text(architecture.into()));
        file.set("tokenizer.chat_template", Value::Text("{{ x }}".into()));
        file.tensor("w", &[weights], Element::F32, &vec![0.5; weights])
            .unwrap();
        let mut bytes = Vec::new();
        file.write(&mut bytes).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn places(root: &Path) -> Places {
        let paths = Paths {
            config: root.join("config"),
            data: root.join("data"),
            models: root.join("own"),
            cache: root.join("cache"),
        };
        let home = root.join("home");
        Places::from_lookup(&paths, vec![root.join("checkout")], |name| {
            (name == "HOME").then(|| home.clone().into_os_string())
        })
    }

    #[test]
    fn every_place_is_found_and_named() {
        let root = tempfile::tempdir().unwrap();
        let at = |tail: &str| root.path().join(tail);
        write_model(&at("own/SmolLM2-135M-Instruct.Q4_1.gguf"), "llama", 1);
        write_model(&at("checkout/mine.gguf"), "llama", 1);
        write_model(
            &at("home/.cache/huggingface/hub/models--o--r/snapshots/abc/Qwen3-4B-Q4_K_M.gguf"),
            "qwen3",
            1,
        );
        write_model(&at("home/.lmstudio/models/o/r/lm.gguf"), "llama", 1);
        write_model(&at("home/.ollama/models/blobs/sha256-aa"), "llama", 1);
        let manifest = at("home/.ollama/models/manifests/registry/library/llama3.2/3b");
        std::fs::create_dir_all(manifest.parent().unwrap()).unwrap();
        std::fs::write(
            manifest,
            r#"{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:aa"}]}"#,
        )
        .unwrap();
        let found = discover(&places(root.path())).unwrap();
        let names: Vec<(&str, Place)> = found.iter().map(|f| (f.name.as_str(), f.place)).collect();
        assert_eq!(
            names,
            [
                ("starter", Place::Own),
                ("mine", Place::Checkout),
                ("qwen3-4b", Place::HuggingFace),
                ("lm", Place::LmStudio),
                ("llama3.2:3b", Place::Ollama),
            ]
        );
    }

    #[test]
    fn files_that_are_no_models_are_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("own");
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("page.gguf"), "<html>").unwrap();
        std::fs::write(own.join("empty.gguf"), "").unwrap();
        std::fs::write(own.join("half.gguf.part"), "GGUF").unwrap();
        assert_eq!(discover(&places(root.path())).unwrap(), []);
    }

    #[test]
    fn a_split_model_is_found_once_with_the_size_of_all_its_files() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("own");
        write_model(&own.join("big-00001-of-00002.gguf"), "llama", 1);
        std::fs::write(own.join("big-00002-of-00002.gguf"), vec![0; 1000]).unwrap();
        let found = discover(&places(root.path())).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].size > 1000);
    }

    #[test]
    fn an_ollama_digest_cannot_lead_out_of_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("ollama");
        let manifest = folder.join("m");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(
            &manifest,
            r#"{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"../../etc/passwd"}]}"#,
        )
        .unwrap();
        assert_eq!(ollama_weights(&folder, &manifest), None);
    }
}
