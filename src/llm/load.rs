//! Loads models and builds contexts, on the engine's thread. Files are judged
//! by [`super::preflight`] before they come here.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{KvCacheType, LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;

use super::api::{EngineError, ModelInfo};
use super::backend::Backend;
use super::chat::{FORKS, SLOTS};
use super::embed::SEQUENCES;
use super::gguf::Header;
use super::logs;
use super::options::{EngineOptions, KvType};
use super::preflight::{Needs, bad};
use super::stop::{StopCell, abort_on};

/// Loads the weights. `progress` gets 0 to 1; `shutdown` stops the load.
pub(super) fn weights(
    backend: &Backend,
    path: &Path,
    options: &EngineOptions,
    shutdown: &Arc<AtomicBool>,
    progress: impl Fn(f32) + 'static,
) -> Result<LlamaModel, EngineError> {
    let stop = Arc::clone(shutdown);
    let mut params = LlamaModelParams::default()
        .with_use_mmap(options.mmap.unwrap_or(true))
        // A panic in the callback would abort: it only stores numbers.
        .with_progress_callback(move |fraction| {
            progress(fraction);
            !stop.load(Ordering::Acquire)
        });
    if let Some(layers) = options.gpu_layers {
        params = params.with_n_gpu_layers(layers.min(i32::MAX as u32));
    }
    logs::begin();
    let loaded = LlamaModel::load_from_file(backend.get()?, path, &params);
    let lines = logs::taken();
    loaded.map_err(|error| {
        if shutdown.load(Ordering::Acquire) {
            return EngineError::Cancelled;
        }
        let unknown = lines
            .iter()
            .find_map(|line| line.split_once("unknown model architecture: "));
        match unknown {
            Some((_, name)) => bad(
                path,
                format!("its architecture, {}, is not known here", name.trim()),
                "Choose another model, or get a newer viva.",
            ),
            None => bad(
                path,
                format!(
                    "the inference library refuses it: {}",
                    reason(&lines, &error)
                ),
                "Get the file again from its publisher and check its checksum.",
            ),
        }
    })
}

/// The most telling of the library's error lines.
fn reason(lines: &[String], error: &dyn std::fmt::Display) -> String {
    let line = lines
        .iter()
        .find(|line| line.contains("error loading model"))
        .or(lines.first());
    match line {
        Some(line) => line.rsplit(": ").next().unwrap_or(line).to_owned(),
        None => error.to_string(),
    }
}

/// Builds a context for text. Its abort callback reads `cell`.
pub(super) fn chat_context<'m>(
    backend: &Backend,
    model: &'m LlamaModel,
    header: &Header,
    needs: &Needs,
    options: &EngineOptions,
    cell: &Arc<StopCell>,
) -> Result<LlamaContext<'m>, EngineError> {
    let chunk = micro_batch(header.parameters());
    let kv_type = match options.kv_type {
        KvType::F16 => KvCacheType::F16,
        KvType::Q8_0 => KvCacheType::Q8_0,
        KvType::Q4_0 => KvCacheType::Q4_0,
    };
    let threads = threads(options);
    // On a processor, flash attention shares the work out by thread, and the
    // last digits of the logits with it: without, a seed gives the same words
    // whatever the threads. (A prompt decoded in other pieces may still differ
    // in the last digits; the same calls in the same order never do.) A
    // quantised cache needs it, and graphics processors gain from it.
    let flash = if options.kv_type == KvType::F16 && !has_gpu() {
        llama_cpp_sys_2::LLAMA_FLASH_ATTN_TYPE_DISABLED
    } else {
        llama_cpp_sys_2::LLAMA_FLASH_ATTN_TYPE_AUTO
    };
    let params = LlamaContextParams::default()
        .with_flash_attention_policy(flash)
        .with_n_ctx(NonZeroU32::new(
            u32::try_from(needs.context_tokens).unwrap_or(u32::MAX),
        ))
        .with_n_batch(chunk)
        .with_n_ubatch(chunk)
        .with_n_seq_max((SLOTS + FORKS) as u32)
        .with_kv_unified(true)
        // A sliding window would forget what forks and later turns share.
        .with_swa_full(true)
        .with_type_k(kv_type)
        .with_type_v(kv_type)
        .with_n_threads(threads)
        .with_n_threads_batch(threads);
    build(backend, model, params, cell)
}

/// Builds a context for vectors, one a token, or for scores.
pub(super) fn encoder_context<'m>(
    backend: &Backend,
    model: &'m LlamaModel,
    options: &EngineOptions,
    pooling: LlamaPoolingType,
    cell: &Arc<StopCell>,
) -> Result<LlamaContext<'m>, EngineError> {
    // All tokens of a text attend to one another: they must be one micro-batch.
    let tokens = model.n_ctx_train().clamp(32, 512);
    let threads = threads(options);
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(tokens))
        .with_n_batch(tokens)
        .with_n_ubatch(tokens)
        .with_n_seq_max(SEQUENCES as u32)
        .with_kv_unified(true)
        .with_embeddings(true)
        .with_pooling_type(pooling)
        .with_n_threads(threads)
        .with_n_threads_batch(threads);
    build(backend, model, params, cell)
}

fn build<'m>(
    backend: &Backend,
    model: &'m LlamaModel,
    params: LlamaContextParams,
    cell: &Arc<StopCell>,
) -> Result<LlamaContext<'m>, EngineError> {
    // SAFETY: the session that owns the context keeps the cell alive, and the
    // engine's thread keeps another share of it longer than any session.
    let params = unsafe { abort_on(params, cell) };
    logs::begin();
    model
        .new_context(backend.get()?, params)
        .map_err(|error| EngineError::Library(reason(&logs::taken(), &error)))
}

/// Tokens decoded at once, by the model's size: small enough that one
/// operation of the graph takes well under 100 ms on a laptop's processor, and
/// a function of nothing else, so that a prompt is always cut the same way.
fn micro_batch(parameters: u64) -> u32 {
    match parameters {
        0..1_000_000_000 => 256,
        1_000_000_000..5_000_000_000 => 128,
        _ => 64,
    }
}

/// Whether the library can compute on anything but the processor.
fn has_gpu() -> bool {
    llama_cpp_2::list_llama_ggml_backend_devices()
        .iter()
        .any(|device| device.backend != "CPU")
}

/// Threads for a machine as busy as it is now: the physical cores, less those
/// other programs keep busy. The library's threads wait for each other
/// spinning, so one thread too many makes all of them a hundred times slower.
/// Takes a fifth of a second.
pub(super) fn quiet_threads() -> usize {
    let most = usize::try_from(threads(&EngineOptions::default())).unwrap_or(1);
    let Ok(mut system) = sysinfo::System::new() else {
        return most;
    };
    system.refresh_cpu_usage();
    std::thread::sleep(sysinfo::MINIMUM_CPU_UPDATE_INTERVAL);
    system.refresh_cpu_usage();
    let share = f64::from(system.global_cpu_usage()) / 100.0;
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    spare(most, processors, share)
}

/// The threads to use of `most`, when `share` of all `processors` is busy.
fn spare(most: usize, processors: f64, share: f64) -> usize {
    let idle = (processors * (1.0 - share.clamp(0.0, 1.0))).round() as usize;
    idle.clamp(1, most.max(1))
}

/// Threads to decode with.
pub(super) fn threads(options: &EngineOptions) -> i32 {
    let threads = options.threads.unwrap_or_else(|| {
        sysinfo::System::physical_core_count()
            .or_else(|_| std::thread::available_parallelism().map(usize::from))
            .unwrap_or(1)
    });
    // A container may allow fewer processors than the machine has.
    let allowed = std::thread::available_parallelism().map_or(usize::MAX, usize::from);
    let limit = if options.threads.is_some() {
        512
    } else {
        allowed
    };
    threads.clamp(1, limit.max(1)) as i32
}

/// Returns what is known of a loaded model.
pub(super) fn info(
    path: &Path,
    header: &Header,
    model: &LlamaModel,
    options: &EngineOptions,
    needs: &Needs,
    context_tokens: usize,
) -> ModelInfo {
    ModelInfo {
        path: path.to_path_buf(),
        name: header
            .text("general.name")
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map_or_else(
                || {
                    path.file_stem()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned()
                },
                str::to_owned,
            ),
        architecture: header.architecture().unwrap_or("unknown").to_owned(),
        quantisation: header.quantisation().to_owned(),
        parameters: model.n_params(),
        weights_bytes: model.size(),
        kv_bytes: needs.kv_bytes,
        context_tokens,
        gpu_layers: if has_gpu() {
            options
                .gpu_layers
                .unwrap_or(u32::MAX)
                .min(model.n_layer() + 1)
        } else {
            0
        },
        threads: usize::try_from(threads(options)).unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_processors_are_left_alone() {
        assert_eq!(spare(8, 16.0, 0.1), 8);
        assert_eq!(spare(8, 8.0, 0.5), 4);
        assert_eq!(spare(2, 2.0, 1.0), 1);
        assert_eq!(spare(2, 2.0, 0.2), 2);
    }

    #[test]
    fn larger_models_are_decoded_in_smaller_pieces() {
        assert_eq!(micro_batch(135_000_000), 256);
        assert_eq!(micro_batch(3_000_000_000), 128);
        assert_eq!(micro_batch(8_000_000_000), 64);
    }
}
