//! Turns a sentence-transformers BERT (safetensors, vocabulary) into a GGUF
//! embedding model that llama.cpp runs: names, metadata and token rewriting
//! follow llama.cpp's own converter (`convert_hf_to_gguf.py`, `BertModel`).
//!
//! It reads a folder and returns a [`GgufWriter`]; where the file goes is the
//! business of [`mod@super::import`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::gguf_writer::{Element, GgufWriter, Value};
use crate::{Error, Result};

/// Mean pooling, by llama.cpp's number.
const POOLING_MEAN: u32 = 1;
/// Pooling by the first token, by llama.cpp's number.
const POOLING_CLS: u32 = 2;
/// A token of ordinary text, by GGUF's number.
const TOKEN_NORMAL: i32 = 1;
/// A control token, by GGUF's number.
const TOKEN_CONTROL: i32 = 3;
/// More than this is no embedding model for a laptop; the file is read whole.
const LARGEST_FILE: u64 = 4 << 30;
/// Width of one attention head when the folder does not say how many there are:
/// 32 for the MiniLM family (384 wide, 12 heads), 64 for every other BERT.
const MINILM_WIDTH: usize = 384;

/// How the weights of a converted model are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum WeightType {
    /// 16-bit floating point
    #[default]
    #[value(name = "f16")]
    F16,
    /// 8 bits a weight, in blocks of 32
    #[value(name = "q8_0")]
    Q8_0,
}

impl WeightType {
    /// Returns the name as it is written in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Q8_0 => "q8_0",
        }
    }

    /// Returns `general.file_type`, by llama.cpp's numbers.
    fn file_type(self) -> u32 {
        match self {
            Self::F16 => 1,
            Self::Q8_0 => 7,
        }
    }
}

/// `config.json`, as far as it matters; a package may come without the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BertConfig {
    model_type: Option<String>,
    num_attention_heads: Option<usize>,
    layer_norm_eps: Option<f32>,
    hidden_act: Option<String>,
    position_embedding_type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PoolingConfig {
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    do_lower_case: Option<bool>,
}

/// Returns the folder at or below `root` (three levels at most) that holds
/// `model.safetensors`.
pub fn find_folder(root: &Path) -> Option<PathBuf> {
    let mut level = vec![root.to_path_buf()];
    for _ in 0..4 {
        if let Some(found) = level
            .iter()
            .find(|folder| folder.join("model.safetensors").is_file())
        {
            return Some(found.clone());
        }
        level = level
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        level.sort();
    }
    None
}

/// Converts the model in `folder` and calls it `name` in its metadata.
///
/// # Errors
/// Fails when a file is missing or unreadable, or the tensors are not those of
/// a BERT encoder; the message names the file or the tensor.
pub fn convert(folder: &Path, name: &str, weight_type: WeightType) -> Result<GgufWriter> {
    let weights_path = folder.join("model.safetensors");
    let size = std::fs::metadata(&weights_path)
        .map_err(|error| unreadable(&weights_path, error))?
        .len();
    if size > LARGEST_FILE {
        return Err(not_bert(folder, "model.safetensors is larger than 4 GiB"));
    }
    let bytes = std::fs::read(&weights_path).map_err(|error| unreadable(&weights_path, error))?;
    let weights = SafeTensors::deserialize(&bytes).map_err(|error| {
        Error::model(format!(
            "{} is not a valid safetensors file",
            weights_path.display()
        ))
        .caused_by(error)
        .hint("Fetch the model again: the file is damaged or incomplete.")
    })?;
    let config: BertConfig = read_json(&folder.join("config.json"))?.unwrap_or_default();
    let tokens = read_vocabulary(folder)?;
    let plan = Plan::new(folder, &weights, &config, tokens.len())?;

    let mut out = GgufWriter::new();
    write_metadata(&mut out, folder, name, weight_type, &plan, &config)?;
    write_vocabulary(&mut out, folder, &tokens)?;
    for (target, source) in &plan.tensors {
        let values = plan.values(folder, &weights, source)?;
        let shape = plan.shape(&weights, source);
        // Norms, biases and the two small tables stay in full precision, as the
        // reference converter keeps them: they cost nothing and matter most.
        let small = shape.len() < 2
            || target.starts_with("position_embd")
            || target.starts_with("token_types");
        let width = shape.last().copied().unwrap_or(0);
        let element = match weight_type {
            _ if small => Element::F32,
            WeightType::Q8_0 if Element::Q8_0.fits(width) => Element::Q8_0,
            WeightType::Q8_0 | WeightType::F16 => Element::F16,
        };
        out.tensor(target, &shape, element, &values)
            .map_err(|error| not_bert(folder, &error.to_string()))?;
    }
    Ok(out)
}

/// The sizes of a BERT and which of its tensors goes where.
struct Plan {
    prefix: &'static str,
    context: usize,
    width: usize,
    inner: usize,
    blocks: usize,
    heads: usize,
    token_types: usize,
    /// GGUF name and safetensors name, in the order they are written.
    tensors: Vec<(String, String)>,
}

impl Plan {
    fn new(
        folder: &Path,
        weights: &SafeTensors<'_>,
        config: &BertConfig,
        vocabulary: usize,
    ) -> Result<Self> {
        if let Some(other) = config.model_type.as_deref().filter(|kind| *kind != "bert") {
            return Err(not_bert(
                folder,
                &format!("config.json says the model type is {other:?}"),
            ));
        }
        if config
            .hidden_act
            .as_deref()
            .is_some_and(|act| act != "gelu")
        {
            return Err(not_bert(folder, "its activation function is not gelu"));
        }
        if config
            .position_embedding_type
            .as_deref()
            .is_some_and(|kind| kind != "absolute")
        {
            return Err(not_bert(folder, "its position embeddings are not absolute"));
        }
        let prefix = ["", "bert.", "model."]
            .into_iter()
            .find(|prefix| {
                weights
                    .tensor(&format!("{prefix}embeddings.word_embeddings.weight"))
                    .is_ok()
            })
            .ok_or_else(|| not_bert(folder, "embeddings.word_embeddings.weight is missing"))?;
        let shape = |name: &str| -> Result<(usize, usize)> {
            let tensor = weights
                .tensor(&format!("{prefix}{name}"))
                .map_err(|_| not_bert(folder, &format!("the tensor {name} is missing")))?;
            match tensor.shape() {
                [rows, columns] => Ok((*rows, *columns)),
                _ => Err(not_bert(folder, &format!("the tensor {name} is no matrix"))),
            }
        };
        let (words, width) = shape("embeddings.word_embeddings.weight")?;
        let (context, _) = shape("embeddings.position_embeddings.weight")?;
        let (token_types, _) = shape("embeddings.token_type_embeddings.weight")?;
        let (inner, _) = shape("encoder.layer.0.intermediate.dense.weight")?;
        if words != vocabulary {
            return Err(not_bert(
                folder,
                &format!("the vocabulary has {vocabulary} tokens, the embeddings have {words}"),
            ));
        }
        let blocks = (0..)
            .take_while(|block| {
                weights
                    .tensor(&format!(
                        "{prefix}encoder.layer.{block}.intermediate.dense.weight"
                    ))
                    .is_ok()
            })
            .count();
        let heads = config
            .num_attention_heads
            .unwrap_or(width / if width == MINILM_WIDTH { 32 } else { 64 });
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(not_bert(
                folder,
                &format!("{heads} heads do not divide a width of {width}"),
            ));
        }
        Ok(Self {
            prefix,
            context,
            width,
            inner,
            blocks,
            heads,
            token_types,
            tensors: tensor_names(blocks),
        })
    }

    fn shape(&self, weights: &SafeTensors<'_>, source: &str) -> Vec<usize> {
        weights
            .tensor(&format!("{}{source}", self.prefix))
            .map(|tensor| tensor.shape().to_vec())
            .unwrap_or_default()
    }

    fn values(&self, folder: &Path, weights: &SafeTensors<'_>, source: &str) -> Result<Vec<f32>> {
        let tensor = weights
            .tensor(&format!("{}{source}", self.prefix))
            .map_err(|_| not_bert(folder, &format!("the tensor {source} is missing")))?;
        let data = tensor.data();
        match tensor.dtype() {
            Dtype::F32 => Ok(data
                .as_chunks::<4>()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect()),
            Dtype::F16 => Ok(data
                .as_chunks::<2>()
                .0
                .iter()
                .map(|bytes| f16::from_le_bytes(*bytes).to_f32())
                .collect()),
            Dtype::BF16 => Ok(data
                .as_chunks::<2>()
                .0
                .iter()
                .map(|bytes| bf16::from_le_bytes(*bytes).to_f32())
                .collect()),
            other => Err(not_bert(
                folder,
                &format!("the tensor {source} holds {other:?}, not floating-point numbers"),
            )),
        }
    }
}

/// Returns GGUF names beside safetensors names for an encoder of `blocks` layers.
fn tensor_names(blocks: usize) -> Vec<(String, String)> {
    let mut names = vec![
        (
            "token_embd.weight".to_owned(),
            "embeddings.word_embeddings.weight".to_owned(),
        ),
        (
            "position_embd.weight".to_owned(),
            "embeddings.position_embeddings.weight".to_owned(),
        ),
        (
            "token_types.weight".to_owned(),
            "embeddings.token_type_embeddings.weight".to_owned(),
        ),
        (
            "token_embd_norm.weight".to_owned(),
            "embeddings.LayerNorm.weight".to_owned(),
        ),
        (
            "token_embd_norm.bias".to_owned(),
            "embeddings.LayerNorm.bias".to_owned(),
        ),
    ];
    let parts = [
        ("attn_q", "attention.self.query"),
        ("attn_k", "attention.self.key"),
        ("attn_v", "attention.self.value"),
        ("attn_output", "attention.output.dense"),
        ("attn_output_norm", "attention.output.LayerNorm"),
        ("ffn_up", "intermediate.dense"),
        ("ffn_down", "output.dense"),
        ("layer_output_norm", "output.LayerNorm"),
    ];
    for block in 0..blocks {
        for (target, source) in parts {
            for kind in ["weight", "bias"] {
                names.push((
                    format!("blk.{block}.{target}.{kind}"),
                    format!("encoder.layer.{block}.{source}.{kind}"),
                ));
            }
        }
    }
    names
}

fn write_metadata(
    out: &mut GgufWriter,
    folder: &Path,
    name: &str,
    weight_type: WeightType,
    plan: &Plan,
    config: &BertConfig,
) -> Result<()> {
    let pooling: PoolingConfig =
        read_json(&folder.join("1_Pooling/config.json"))?.unwrap_or(PoolingConfig {
            pooling_mode_cls_token: false,
            pooling_mode_mean_tokens: true,
        });
    let pooling = match pooling {
        PoolingConfig {
            pooling_mode_mean_tokens: true,
            pooling_mode_cls_token: false,
        } => POOLING_MEAN,
        PoolingConfig {
            pooling_mode_mean_tokens: false,
            pooling_mode_cls_token: true,
        } => POOLING_CLS,
        _ => {
            return Err(not_bert(
                folder,
                "1_Pooling/config.json asks for a pooling that is neither the mean nor the first token",
            ));
        }
    };
    let number = |value: usize| Value::U32(u32::try_from(value).unwrap_or(u32::MAX));
    out.set("general.architecture", Value::Text("bert".to_owned()));
    out.set("general.name", Value::Text(name.to_owned()));
    out.set("general.file_type", Value::U32(weight_type.file_type()));
    out.set("general.quantization_version", Value::U32(2));
    out.set("bert.block_count", number(plan.blocks));
    out.set("bert.context_length", number(plan.context));
    out.set("bert.embedding_length", number(plan.width));
    out.set("bert.feed_forward_length", number(plan.inner));
    out.set("bert.attention.head_count", number(plan.heads));
    out.set(
        "bert.attention.layer_norm_epsilon",
        Value::F32(config.layer_norm_eps.unwrap_or(1e-12)),
    );
    out.set("bert.attention.causal", Value::Bool(false));
    out.set("bert.pooling_type", Value::U32(pooling));
    out.set("tokenizer.ggml.token_type_count", number(plan.token_types));
    Ok(())
}

fn write_vocabulary(out: &mut GgufWriter, folder: &Path, tokens: &[String]) -> Result<()> {
    let special = |text: &str| -> Result<u32> {
        tokens
            .iter()
            .position(|token| token == text)
            .and_then(|id| u32::try_from(id).ok())
            .ok_or_else(|| not_bert(folder, &format!("the vocabulary has no {text}")))
    };
    let tokenizer: TokenizerConfig =
        read_json(&folder.join("tokenizer_config.json"))?.unwrap_or_default();
    out.set("tokenizer.ggml.model", Value::Text("bert".to_owned()));
    out.set("tokenizer.ggml.pre", Value::Text("default".to_owned()));
    let cls = special("[CLS]")?;
    out.set("tokenizer.ggml.bos_token_id", Value::U32(cls));
    out.set("tokenizer.ggml.cls_token_id", Value::U32(cls));
    // The misspelt key is the format's own.
    out.set(
        "tokenizer.ggml.seperator_token_id",
        Value::U32(special("[SEP]")?),
    );
    out.set(
        "tokenizer.ggml.unknown_token_id",
        Value::U32(special("[UNK]")?),
    );
    out.set(
        "tokenizer.ggml.padding_token_id",
        Value::U32(special("[PAD]")?),
    );
    out.set(
        "tokenizer.ggml.mask_token_id",
        Value::U32(special("[MASK]")?),
    );
    out.set(
        "tokenizer.ggml.normalizer.lowercase",
        Value::Bool(tokenizer.do_lower_case.unwrap_or(true)),
    );
    const CONTROL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    out.set(
        "tokenizer.ggml.token_type",
        Value::I32s(
            tokens
                .iter()
                .map(|token| {
                    if CONTROL.contains(&token.as_str()) {
                        TOKEN_CONTROL
                    } else {
                        TOKEN_NORMAL
                    }
                })
                .collect(),
        ),
    );
    out.set(
        "tokenizer.ggml.tokens",
        Value::Texts(tokens.iter().map(|token| phantom_space(token)).collect()),
    );
    Ok(())
}

/// Returns a WordPiece token as llama.cpp wants it: a word's first piece carries
/// U+2581 in front, a later piece loses its `##`, a bracketed token stays.
fn phantom_space(token: &str) -> String {
    if token.starts_with('[') && token.ends_with(']') {
        token.to_owned()
    } else if let Some(rest) = token.strip_prefix("##") {
        rest.to_owned()
    } else {
        format!("\u{2581}{token}")
    }
}

/// Returns the tokens by id, from `vocab.txt` or else `tokenizer.json`.
fn read_vocabulary(folder: &Path) -> Result<Vec<String>> {
    let path = folder.join("vocab.txt");
    if path.is_file() {
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        // Not `lines()`: some of the vocabulary's tokens are exotic separators.
        let text = text.strip_suffix('\n').unwrap_or(&text);
        return Ok(text
            .split('\n')
            .map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned())
            .collect());
    }
    #[derive(Deserialize)]
    struct TokenizerFile {
        model: TokenizerModel,
    }
    #[derive(Deserialize)]
    struct TokenizerModel {
        vocab: BTreeMap<String, usize>,
    }
    let path = folder.join("tokenizer.json");
    let Some(file) = read_json::<TokenizerFile>(&path)? else {
        return Err(not_bert(
            folder,
            "neither vocab.txt nor tokenizer.json lies beside model.safetensors",
        ));
    };
    let mut tokens = vec![None; file.model.vocab.len()];
    for (token, id) in file.model.vocab {
        match tokens.get_mut(id) {
            Some(slot) => *slot = Some(token),
            None => return Err(not_bert(folder, "tokenizer.json skips a token id")),
        }
    }
    tokens
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| not_bert(folder, "tokenizer.json uses a token id twice"))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, error)),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        Error::model(format!("{} is not valid", path.display()))
            .caused_by(error)
            .hint("Fetch the model again: the file is damaged or of another kind.")
    })
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::model(format!("{} cannot be read", path.display()))
        .caused_by(error)
        .hint("Check that the path is right and that you may read it.")
}

fn not_bert(folder: &Path, why: &str) -> Error {
    Error::model(format!(
        "{} does not hold a BERT embedding model that can be converted",
        folder.display()
    ))
    .caused_by(std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        why.to_owned(),
    ))
    .hint(
        "Give a sentence-transformers folder with model.safetensors and vocab.txt, \
         or a model that is already a GGUF file.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_get_a_phantom_space_and_continuations_lose_their_marks() {
        assert_eq!(phantom_space("model"), "\u{2581}model");
        assert_eq!(phantom_space("##ing"), "ing");
        assert_eq!(phantom_space("[CLS]"), "[CLS]");
        assert_eq!(phantom_space("["), "\u{2581}[");
    }

    #[test]
    fn six_layers_have_one_hundred_and_one_tensors() {
        assert_eq!(tensor_names(6).len(), 5 + 6 * 16);
    }

    #[test]
    fn a_folder_without_weights_is_refused_with_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let error = convert(folder.path(), "x", WeightType::F16).err().unwrap();
        assert!(
            error
                .to_string()
                .contains("model.safetensors cannot be read")
        );
        assert!(!error.hints().is_empty());
    }

    #[test]
    fn damaged_weights_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.safetensors"), b"not weights").unwrap();
        let error = convert(folder.path(), "x", WeightType::F16).err().unwrap();
        assert!(error.to_string().contains("not a valid safetensors file"));
    }
}
