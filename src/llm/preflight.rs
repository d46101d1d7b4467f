//! Judges a GGUF file by its header before the library sees it: is it whole,
//! is it the right kind of model, does it fit in memory.

use std::path::Path;

use super::api::EngineError;
use super::gguf::{Header, HeaderError, Value};
use super::options::KvType;

/// The most tokens a context holds unless more are asked for.
pub const USUAL_CONTEXT: u64 = 8192;
/// The fewest tokens a panel interview is any use with.
const LEAST_CONTEXT: u64 = 1024;
/// Memory left to the rest of the machine, and for compute buffers.
const HEADROOM: u64 = 512 << 20;

/// Architectures of encoder models, which make vectors and write no text
/// (after llama.cpp's list of architectures).
const ENCODERS: [&str; 11] = [
    "bert",
    "nomic-bert",
    "nomic-bert-moe",
    "neo-bert",
    "jina-bert-v2",
    "jina-bert-v3",
    "modern-bert",
    "eurobert",
    "gemma-embedding",
    "llama-embed",
    "t5encoder",
];

/// What a model needs of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Tokens the context will hold.
    pub context_tokens: u64,
    /// Size of the weights in bytes.
    pub weights_bytes: u64,
    /// Size of the KV cache in bytes.
    pub kv_bytes: u64,
}

/// Opens the file and checks that it is a whole GGUF model.
///
/// # Errors
/// [`EngineError::BadModel`] for a file that is missing, empty, truncated or
/// not a GGUF model.
pub fn inspect(path: &Path) -> Result<Header, EngineError> {
    if path.is_dir() {
        return Err(bad(path, "it is a folder", "Name the GGUF file inside it."));
    }
    if path.to_str().is_none_or(|text| text.contains('\0')) {
        return Err(bad(
            path,
            "its path is not valid text",
            "Rename the file or its folder to plain characters.",
        ));
    }
    let header = Header::open(path).map_err(|error| unreadable(path, &error))?;
    let whole = header
        .expected_bytes()
        .map_err(|error| unreadable(path, &error))?;
    if let Some(whole) = whole
        && header.file_bytes < whole
    {
        return Err(bad(
            path,
            format!(
                "it is cut short: {} of {} are there",
                size(header.file_bytes),
                size(whole)
            ),
            "Download it again; an interrupted download can be resumed.",
        ));
    }
    if header.architecture().is_none_or(str::is_empty) {
        return Err(bad(
            path,
            "it does not say what architecture it has",
            "Get the file again from its publisher.",
        ));
    }
    Ok(header)
}

/// Checks that a whole GGUF file is a chat model.
///
/// # Errors
/// [`EngineError::BadModel`].
pub fn check_chat(path: &Path, header: &Header) -> Result<(), EngineError> {
    check_kind(path, header)?;
    if is_embedder(header) {
        return Err(bad(
            path,
            format!(
                "it is an embedding model ({}), which cannot hold a conversation",
                header.architecture().unwrap_or("unknown")
            ),
            "Choose a chat model with --model; `viva models list` names some.",
        ));
    }
    if header.of_architecture("context_length") == Some(0) {
        return Err(bad(
            path,
            "it says that its context holds no tokens",
            "Get the file again from its publisher.",
        ));
    }
    Ok(())
}

/// Checks that a whole GGUF file is an embedding model.
///
/// # Errors
/// [`EngineError::BadModel`].
pub fn check_embedder(path: &Path, header: &Header) -> Result<(), EngineError> {
    check_kind(path, header)?;
    if !is_embedder(header) {
        return Err(bad(
            path,
            "it is not an embedding model",
            "Choose an embedding model such as MiniLM; `viva models list` names one.",
        ));
    }
    Ok(())
}

/// Checks that a whole GGUF file is a cross-encoder.
///
/// # Errors
/// [`EngineError::BadModel`].
pub fn check_ranker(path: &Path, header: &Header) -> Result<(), EngineError> {
    check_kind(path, header)?;
    let has_head = header
        .tensors
        .iter()
        .any(|t| t.name.starts_with("cls.") || t.name.starts_with("cls_"));
    if !has_head {
        return Err(bad(
            path,
            "it has no classifier head, so it cannot rank",
            "Choose a reranker model, for example one with \"reranker\" in its name.",
        ));
    }
    Ok(())
}

/// Checks that a whole GGUF file is a LoRA adapter for `base`.
///
/// # Errors
/// [`EngineError::BadModel`].
pub fn check_adapter(path: &Path, header: &Header, base: &Header) -> Result<(), EngineError> {
    let hint = "Name the adapter that belongs to this model.";
    if header.text("general.type") != Some("adapter") || header.text("adapter.type") != Some("lora")
    {
        return Err(bad(path, "it is not a LoRA adapter", hint));
    }
    if header.architecture() != base.architecture() {
        return Err(bad(
            path,
            format!(
                "it is made for the architecture {}, and the model is {}",
                header.architecture().unwrap_or("unknown"),
                base.architecture().unwrap_or("unknown")
            ),
            hint,
        ));
    }
    if !matches!(header.values.get("adapter.lora.alpha"), Some(Value::Float(a)) if a.is_finite()) {
        return Err(bad(path, "it does not name its scale", hint));
    }
    let mut pairs = 0;
    for tensor in &header.tensors {
        let Some(name) = tensor.name.strip_suffix(".lora_a") else {
            if tensor.name.ends_with(".lora_b") {
                continue;
            }
            return Err(bad(
                path,
                format!("it holds a stray tensor {}", tensor.name),
                hint,
            ));
        };
        let other = format!("{name}.lora_b");
        let b = header.tensors.iter().find(|t| t.name == other);
        let target = base.tensors.iter().find(|t| t.name == name);
        let fits = match (b, target) {
            (Some(b), Some(target)) => {
                tensor.dims.len() == 2
                    && b.dims.len() == 2
                    && target.dims.len() == 2
                    && tensor.dims[0] == target.dims[0]
                    && tensor.dims[1] == b.dims[0]
                    && b.dims[1] == target.dims[1]
            }
            _ => false,
        };
        if !fits {
            return Err(bad(
                path,
                format!("its tensor {name} does not fit the model"),
                hint,
            ));
        }
        pairs += 1;
    }
    if pairs == 0 || pairs * 2 != header.tensors.len() {
        return Err(bad(path, "it holds no pairs of adapter tensors", hint));
    }
    Ok(())
}

/// Chooses the context and checks that weights and KV cache fit in
/// `available` bytes of memory; `wanted` is a context asked for by name.
///
/// # Errors
/// [`EngineError::BadModel`] when even a small context does not fit.
pub fn fit(
    path: &Path,
    header: &Header,
    kv_type: KvType,
    wanted: Option<u32>,
    available: u64,
) -> Result<Needs, EngineError> {
    let weights_bytes = header.file_bytes.saturating_sub(header.data_offset);
    let trained = header
        .of_architecture("context_length")
        .unwrap_or(USUAL_CONTEXT);
    let mut context_tokens = match wanted {
        // The library rounds up to a multiple of 256.
        Some(tokens) => u64::from(tokens.clamp(256, 1 << 20)).next_multiple_of(256),
        None => trained.clamp(256, USUAL_CONTEXT),
    };
    let needs = |context_tokens: u64| Needs {
        context_tokens,
        weights_bytes,
        kv_bytes: kv_bytes(header, kv_type, context_tokens),
    };
    let fits = |needs: &Needs| {
        needs
            .weights_bytes
            .saturating_add(needs.kv_bytes)
            .saturating_add(HEADROOM)
            <= available
    };
    if wanted.is_none() {
        while context_tokens > LEAST_CONTEXT && !fits(&needs(context_tokens)) {
            context_tokens = (context_tokens / 2).next_multiple_of(256);
        }
    }
    let chosen = needs(context_tokens);
    if fits(&chosen) {
        return Ok(chosen);
    }
    Err(bad(
        path,
        format!(
            "it needs about {} of memory ({} of weights, {} of cache) and {} are free",
            size(
                chosen
                    .weights_bytes
                    .saturating_add(chosen.kv_bytes)
                    .saturating_add(HEADROOM)
            ),
            size(chosen.weights_bytes),
            size(chosen.kv_bytes),
            size(available)
        ),
        "Choose a smaller model or quantisation, a smaller context, or close other programs.",
    ))
}

/// Returns the size of a KV cache of `context_tokens` tokens in bytes.
pub fn kv_bytes(header: &Header, kv_type: KvType, context_tokens: u64) -> u64 {
    let layers = header.of_architecture("block_count").unwrap_or(0);
    let width = header.of_architecture("embedding_length").unwrap_or(0);
    let heads = header
        .of_architecture("attention.head_count")
        .unwrap_or(1)
        .max(1);
    let kv_heads = header
        .of_architecture("attention.head_count_kv")
        .unwrap_or(heads);
    let key = header
        .of_architecture("attention.key_length")
        .unwrap_or(width / heads);
    let value = header
        .of_architecture("attention.value_length")
        .unwrap_or(width / heads);
    let elements = layers
        .saturating_mul(kv_heads)
        .saturating_mul(key.saturating_add(value))
        .saturating_mul(context_tokens);
    kv_type.bytes(elements)
}

/// Returns whether the model makes vectors instead of text.
pub fn is_embedder(header: &Header) -> bool {
    let Some(architecture) = header.architecture() else {
        return false;
    };
    ENCODERS.contains(&architecture)
        || header.flag(&format!("{architecture}.attention.causal")) == Some(false)
        || header
            .of_architecture("pooling_type")
            .is_some_and(|kind| kind > 0)
}

/// Refuses files that are GGUF but no model of their own.
fn check_kind(path: &Path, header: &Header) -> Result<(), EngineError> {
    let kind = header.text("general.type").unwrap_or("model");
    if kind != "model" {
        return Err(bad(
            path,
            format!("it is not a model but a file of the kind {kind:?}"),
            "Name the model's own GGUF file.",
        ));
    }
    if header.number("split.count").is_some_and(|count| count > 1)
        && header.number("split.no").is_some_and(|no| no > 0)
    {
        return Err(bad(
            path,
            "it is a later part of a model split into several files",
            "Name the first part; the others are found beside it.",
        ));
    }
    if header.tensors.is_empty() {
        return Err(bad(
            path,
            "it holds a vocabulary but no weights",
            "Get the whole model from its publisher.",
        ));
    }
    Ok(())
}

fn unreadable(path: &Path, error: &HeaderError) -> EngineError {
    match error {
        HeaderError::Io(io) if io.kind() == std::io::ErrorKind::NotFound => bad(
            path,
            "there is no such file",
            "Check the path, or get a model with `viva models pull`.",
        ),
        HeaderError::Io(io) if io.kind() == std::io::ErrorKind::PermissionDenied => bad(
            path,
            "this user may not read it",
            "Change the file's permissions.",
        ),
        HeaderError::NotGguf => bad(
            path,
            error.to_string(),
            "Models must be GGUF files; look for a GGUF version of this one.",
        ),
        HeaderError::Version(_) => bad(
            path,
            error.to_string(),
            "Get a newer conversion of the model, or a newer viva.",
        ),
        HeaderError::Empty | HeaderError::Truncated => bad(
            path,
            error.to_string(),
            "Download it again; an interrupted download can be resumed.",
        ),
        _ => bad(
            path,
            error.to_string(),
            "Get the file again from its publisher and check its checksum.",
        ),
    }
}

/// Returns [`EngineError::BadModel`].
pub(super) fn bad(path: &Path, reason: impl Into<String>, hint: &str) -> EngineError {
    EngineError::BadModel {
        path: path.to_path_buf(),
        reason: reason.into(),
        hint: hint.to_owned(),
    }
}

/// Returns a size as people say it, for example `3.4 GB`.
fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes >= 1e9 {
        format!("{:.1} GB", bytes / 1e9)
    } else if bytes >= 1e6 {
        format!("{:.0} MB", bytes / 1e6)
    } else {
        format!("{bytes:.0} bytes")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::gguf::tests::Builder;
    use super::*;

    fn header(builder: Builder) -> Header {
        let bytes = builder.build();
        let length = bytes.len() as u64;
        Header::parse(Cursor::new(bytes), length).expect("valid")
    }

    fn llama() -> Builder {
        Builder::default()
            .text("general.architecture", "llama")
            .number("llama.block_count", 2)
            .number("llama.embedding_length", 64)
            .number("llama.attention.head_count", 4)
            .number("llama.attention.head_count_kv", 2)
            .number("llama.context_length", 4096)
            .tensor("blk.0.attn_q.weight", &[64, 64])
    }

    fn reason(result: Result<impl Sized, EngineError>) -> String {
        match result {
            Err(EngineError::BadModel { reason, .. }) => reason,
            Err(other) => other.to_string(),
            Ok(_) => "no error".to_owned(),
        }
    }

    #[test]
    fn files_that_are_no_models_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("written");
            path
        };
        let whole = llama().build();
        let says = |path: &Path| reason(inspect(path));
        assert_eq!(says(&folder.path().join("none")), "there is no such file");
        assert_eq!(says(folder.path()), "it is a folder");
        assert_eq!(says(&file("empty", b"")), "the file is empty");
        assert_eq!(
            says(&file("zip", b"PK\x03\x04 and more")),
            "it is not a GGUF file"
        );
        assert_eq!(
            says(&file("cut", &whole[..100])),
            "it ends in the middle of its header"
        );
        assert!(says(&file("short", &whole[..whole.len() - 64])).starts_with("it is cut short"));
        assert_eq!(says(&file("whole", &whole)), "no error");
    }

    #[test]
    fn an_embedding_model_is_no_chat_model() {
        let path = Path::new("m.gguf");
        let bert = header(
            Builder::default()
                .text("general.architecture", "bert")
                .tensor("token_embd.weight", &[8]),
        );
        assert!(reason(check_chat(path, &bert)).contains("embedding model"));
        assert!(check_embedder(path, &bert).is_ok());
        assert!(reason(check_ranker(path, &bert)).contains("no classifier head"));
        assert!(check_embedder(path, &header(llama())).is_err());
        assert!(check_chat(path, &header(llama())).is_ok());
    }

    #[test]
    fn the_context_shrinks_before_a_model_is_refused() {
        let path = Path::new("m.gguf");
        let header = header(llama());
        let roomy = fit(path, &header, KvType::F16, None, 1 << 34).expect("fits");
        assert_eq!(roomy.context_tokens, 4096);
        // 2 layers, 2 heads, 16 + 16 numbers of 2 bytes.
        assert_eq!(roomy.kv_bytes, 4096 * 2 * 2 * 32 * 2);
        let tight = HEADROOM + roomy.weights_bytes + roomy.kv_bytes / 2;
        let small = fit(path, &header, KvType::F16, None, tight).expect("fits");
        assert_eq!(small.context_tokens, 2048);
        assert!(reason(fit(path, &header, KvType::F16, None, 1 << 20)).contains("of memory"));
        assert!(fit(path, &header, KvType::F16, Some(4096), tight).is_err());
    }

    #[test]
    fn an_adapter_must_fit_its_base() {
        let path = Path::new("a.gguf");
        let base = header(llama());
        let adapter = |inside: u64| {
            let mut header = header(
                Builder::default()
                    .text("general.architecture", "llama")
                    .text("general.type", "adapter")
                    .text("adapter.type", "lora")
                    .tensor("blk.0.attn_q.weight.lora_a", &[64, inside])
                    .tensor("blk.0.attn_q.weight.lora_b", &[8, 64]),
            );
            header
                .values
                .insert("adapter.lora.alpha".to_owned(), Value::Float(16.0));
            header
        };
        assert!(check_adapter(path, &adapter(8), &base).is_ok());
        assert!(reason(check_adapter(path, &adapter(4), &base)).contains("does not fit"));
        assert!(reason(check_adapter(path, &base, &base)).contains("not a LoRA"));
    }
}
