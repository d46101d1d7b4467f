//! What an engine is asked to load and how, and how loading goes on.
//! Decides nothing about the machine; see [`super::preflight`].

use std::path::PathBuf;

/// Which models to load and how to run them; `None` means: choose for this
/// machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EngineOptions {
    /// The chat model's GGUF file.
    pub chat: Option<PathBuf>,
    /// The embedder's GGUF file.
    pub embedder: Option<PathBuf>,
    /// The GGUF file of the encoder tuned to read an answer beside statements.
    pub matcher: Option<PathBuf>,
    /// The cross-encoder's GGUF file.
    pub ranker: Option<PathBuf>,
    /// The tuned reader's GGUF file.
    pub reader: Option<PathBuf>,
    /// Threads used to decode; default: physical cores that are not busy.
    pub threads: Option<usize>,
    /// Tokens the chat context holds; default: what the model was trained for,
    /// at most 8192 and what memory allows.
    pub context: Option<u32>,
    /// Layers to hold on a GPU; default: as many as fit, none without a GPU.
    pub gpu_layers: Option<u32>,
    /// Element type of the KV cache.
    pub kv_type: KvType,
    /// Whether weights are mapped from the file instead of read; default: yes.
    pub mmap: Option<bool>,
    /// A chat template to use instead of the model's own: a family name (see
    /// [`super::template::FAMILIES`]) or a file.
    pub chat_template: Option<String>,
}

/// Element type of the KV cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KvType {
    /// Half precision: the usual choice.
    #[default]
    F16,
    /// 8 bits: about half the memory, next to no loss.
    Q8_0,
    /// 4 bits: about a quarter of the memory, some loss.
    Q4_0,
}

impl KvType {
    /// Returns the bytes that `elements` cached numbers take.
    pub fn bytes(self, elements: u64) -> u64 {
        match self {
            Self::F16 => elements.saturating_mul(2),
            Self::Q8_0 => elements.div_ceil(32).saturating_mul(34),
            Self::Q4_0 => elements.div_ceil(32).saturating_mul(18),
        }
    }
}

impl std::str::FromStr for KvType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "f16" => Ok(Self::F16),
            "q8_0" => Ok(Self::Q8_0),
            "q4_0" => Ok(Self::Q4_0),
            _ => Err(format!(
                "{text:?} is not a KV cache type; f16, q8_0 and q4_0 are"
            )),
        }
    }
}

/// How far loading has come.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LoadProgress {
    /// The share of all bytes to load that is done, 0 to 1.
    pub fraction: f32,
    /// Whether loading is over, for good or ill.
    pub done: bool,
}

impl EngineOptions {
    /// Returns these options with what the settings file says laid under them.
    ///
    /// # Errors
    /// Fails on a KV cache type that does not exist.
    pub fn with_config(mut self, config: &crate::config::EngineConfig) -> crate::Result<Self> {
        self.threads = self.threads.or(config.threads);
        self.context = self.context.or(config.context);
        self.gpu_layers = self.gpu_layers.or(config.gpu_layers);
        self.mmap = self.mmap.or(config.mmap);
        self.chat_template = self.chat_template.or_else(|| config.chat_template.clone());
        if let Some(kv_type) = &config.kv_type {
            self.kv_type = kv_type.parse().map_err(|reason: String| {
                crate::Error::content(reason)
                    .hint("Correct `kv_type` under [engine] in the settings file.")
            })?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_fill_only_what_was_not_asked_for() {
        let config = crate::config::EngineConfig {
            threads: Some(3),
            context: Some(512),
            kv_type: Some("q8_0".into()),
            ..Default::default()
        };
        let asked = EngineOptions {
            threads: Some(1),
            ..EngineOptions::default()
        };
        let options = asked.with_config(&config).expect("valid");
        assert_eq!((options.threads, options.context), (Some(1), Some(512)));
        assert_eq!(options.kv_type, KvType::Q8_0);
    }

    #[test]
    fn an_unknown_kv_type_is_refused() {
        let config = crate::config::EngineConfig {
            kv_type: Some("q3".into()),
            ..Default::default()
        };
        assert!(EngineOptions::default().with_config(&config).is_err());
    }
}
