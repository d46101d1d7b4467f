//! Settings: built-in values, then the settings file, then the environment.
//! Command-line options are laid over them by each verb.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cli::{EngineArgs, GpuLayers};
use crate::paths::Paths;
use crate::{Error, Result};

/// Everything that can be set in `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The model to use: a catalogue name, an imported name or a path.
    pub model: Option<String>,
    /// How the engine runs.
    pub engine: EngineConfig,
}

/// How the engine runs; `None` means: choose for this machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Threads used to decode, 1 to 512 (`VIVA_THREADS`).
    pub threads: Option<usize>,
    /// Tokens the context holds, 512 or more (`VIVA_CONTEXT`).
    pub context: Option<u32>,
    /// Layers to hold on a GPU (`VIVA_GPU_LAYERS`).
    pub gpu_layers: Option<u32>,
    /// KV cache element type: `f16`, `q8_0` or `q4_0` (`VIVA_KV_TYPE`).
    pub kv_type: Option<String>,
    /// Whether weights are mapped from the file instead of read (`VIVA_MMAP`).
    pub mmap: Option<bool>,
    /// A chat template to use instead of the model's own: a family name or a
    /// file (`VIVA_CHAT_TEMPLATE`).
    pub chat_template: Option<String>,
}

impl EngineConfig {
    /// Lays what the command line asks for over these settings.
    pub fn overlay(&mut self, args: &EngineArgs) {
        match args.gpu_layers {
            Some(GpuLayers::Auto) => self.gpu_layers = None,
            Some(GpuLayers::Count(layers)) => self.gpu_layers = Some(layers),
            None => {}
        }
        self.threads = args.threads.map(usize::from).or(self.threads);
        self.context = args.context.or(self.context);
        if args.no_mmap {
            self.mmap = Some(false);
        }
        for (asked, setting) in [
            (&args.kv_type, &mut self.kv_type),
            (&args.chat_template, &mut self.chat_template),
        ] {
            if let Some(asked) = asked {
                *setting = Some(asked.clone());
            }
        }
    }
}

/// KV cache element types the engine takes.
const KV_TYPES: [&str; 3] = ["f16", "q8_0", "q4_0"];

impl Config {
    /// Returns the settings of `explicit`, or else of the usual file, with the
    /// process environment laid over them; a usual file that does not exist
    /// means built-in values.
    ///
    /// # Errors
    /// Fails when a file cannot be read or is not valid, naming line and
    /// field, or when a variable is not valid, naming it.
    pub fn load(explicit: Option<&Path>, paths: &Paths) -> Result<Self> {
        let mut config = Self::from_file(explicit, paths)?;
        config.overlay(|name| std::env::var(name).ok())?;
        Ok(config)
    }

    fn from_file(explicit: Option<&Path>, paths: &Paths) -> Result<Self> {
        let usual = paths.settings();
        let path = explicit.unwrap_or(&usual);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if explicit.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(Error::content(format!(
                    "the settings file {} cannot be read",
                    path.display()
                ))
                .caused_by(error)
                .hint("Check the path given with --config."));
            }
        };
        let config: Self = toml::from_str(&text).map_err(|error| {
            Error::content(format!("the settings file {} is not valid", path.display()))
                .caused_by(error)
                .hint(
                    "Correct the line named above, or move the file away to use built-in settings.",
                )
        })?;
        config.engine.check(|field| {
            let key = field.rsplit('.').next().unwrap_or(field);
            let line = text
                .lines()
                .position(|line| line.trim_start().starts_with(key))
                .map_or(String::new(), |at| format!(" line {},", at + 1));
            format!("{},{line} {field}", path.display())
        })?;
        Ok(config)
    }

    /// Lays the variables that `lookup` knows over these settings. An empty
    /// variable counts as not set.
    fn overlay(&mut self, lookup: impl Fn(&str) -> Option<String>) -> Result<()> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let engine = &mut self.engine;
        number(&get, "VIVA_THREADS", &mut engine.threads)?;
        number(&get, "VIVA_CONTEXT", &mut engine.context)?;
        number(&get, "VIVA_GPU_LAYERS", &mut engine.gpu_layers)?;
        if let Some(value) = get("VIVA_MMAP") {
            engine.mmap = Some(match value.to_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => true,
                "0" | "false" | "no" | "off" => false,
                _ => {
                    return Err(Error::usage(format!("VIVA_MMAP is {value:?}"))
                        .hint("Set it to 1 or 0, or unset it."));
                }
            });
        }
        if let Some(value) = get("VIVA_KV_TYPE") {
            engine.kv_type = Some(value);
        }
        if let Some(value) = get("VIVA_CHAT_TEMPLATE") {
            engine.chat_template = Some(value);
        }
        engine.check(|field| {
            let key = field.rsplit('.').next().unwrap_or(field);
            format!("VIVA_{}", key.to_uppercase())
        })
    }
}

impl EngineConfig {
    /// Checks the ranges; `place` says where a field was set.
    fn check(&self, place: impl Fn(&str) -> String) -> Result<()> {
        let bad = |field: &str, value: &dyn std::fmt::Display, expected: &str| {
            Err(
                Error::content(format!("{}: {value} cannot be used", place(field)))
                    .hint(format!("Set it to {expected}.")),
            )
        };
        match self.threads {
            Some(threads) if !(1..=512).contains(&threads) => {
                bad("engine.threads", &threads, "a number from 1 to 512")
            }
            _ => Ok(()),
        }?;
        match self.context {
            Some(context) if context < 512 => bad("engine.context", &context, "512 tokens or more"),
            _ => Ok(()),
        }?;
        match &self.kv_type {
            Some(kv_type) if !KV_TYPES.contains(&kv_type.as_str()) => {
                bad("engine.kv_type", kv_type, "f16, q8_0 or q4_0")
            }
            _ => Ok(()),
        }
    }
}

fn number<T: FromStr>(
    get: &impl Fn(&str) -> Option<String>,
    name: &str,
    into: &mut Option<T>,
) -> Result<()> {
    if let Some(value) = get(name) {
        let parsed = value.trim().parse().map_err(|_| {
            Error::usage(format!("{name} is {value:?}"))
                .hint("Set it to a whole number, or unset it.")
        })?;
        *into = Some(parsed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Config> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        let paths = Paths {
            config: dir.path().into(),
            data: dir.path().into(),
            models: dir.path().into(),
            cache: dir.path().into(),
        };
        Config::from_file(None, &paths)
    }

    #[test]
    fn the_environment_is_laid_over_the_file() {
        let mut config = settings("[engine]\nthreads = 2\ncontext = 4096\n").unwrap();
        config
            .overlay(|name| (name == "VIVA_THREADS").then(|| "6".to_owned()))
            .unwrap();
        assert_eq!(config.engine.threads, Some(6));
        assert_eq!(config.engine.context, Some(4096));
    }

    #[test]
    fn a_mistake_in_the_file_names_line_and_field() {
        let error = settings("model = \"x\"\n[engine]\nthredas = 2\n").unwrap_err();
        let said = error.causes().join("\n");
        assert!(
            said.contains("line 3") && said.contains("thredas"),
            "{said}"
        );
        let error = settings("[engine]\nkv_type = \"q3\"\n").unwrap_err();
        assert!(
            error.to_string().contains("line 2, engine.kv_type"),
            "{error}"
        );
    }

    #[test]
    fn a_mistake_in_the_environment_names_the_variable() {
        for (name, value) in [
            ("VIVA_THREADS", "many"),
            ("VIVA_THREADS", "0"),
            ("VIVA_CONTEXT", "7"),
            ("VIVA_MMAP", "perhaps"),
            ("VIVA_KV_TYPE", "q3"),
        ] {
            let error = Config::default()
                .overlay(|asked| (asked == name).then(|| value.to_owned()))
                .unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
