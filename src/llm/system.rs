//! What the inference library really uses on this machine, for `viva doctor`.

use std::ffi::CStr;

use llama_cpp_2::LlamaBackendDeviceType;
use serde::Serialize;

use super::api::EngineError;
use super::backend::Backend;

/// A device the engine can compute on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its name, for example `CUDA0` or `CPU`.
    pub name: String,
    /// Its description, for example the processor's model.
    pub description: String,
    /// The library's part that drives it, for example `CUDA`.
    pub backend: String,
    /// Whether it is a graphics processor.
    pub is_gpu: bool,
    /// Its memory in bytes, 0 when unknown.
    pub memory_bytes: u64,
    /// Its free memory in bytes, 0 when unknown.
    pub free_bytes: u64,
}

/// What the engine uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SystemInfo {
    /// The processor's vector and matrix instructions in use, for example
    /// `AVX2`; empty when the library was built without any.
    pub instruction_sets: Vec<String>,
    /// The devices, processors included.
    pub devices: Vec<Device>,
    /// Whether weights can be mapped from the file.
    pub mmap: bool,
    /// Threads used to decode unless told otherwise.
    pub threads: usize,
    /// Memory that can be had without pushing other programs out, in bytes.
    pub available_bytes: u64,
}

/// Asks the library what it uses.
///
/// # Errors
/// [`EngineError::Library`] when it cannot be started.
pub fn system_info() -> Result<SystemInfo, EngineError> {
    let backend = Backend::acquire()?;
    let mmap = backend.get()?.supports_mmap();
    // SAFETY: the library is running; it returns a NUL-terminated text that
    // lives until the next such call, and the copy is made at once, under the
    // lock of this statement's only caller.
    let line = unsafe {
        let text = llama_cpp_sys_2::llama_print_system_info();
        if text.is_null() {
            String::new()
        } else {
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    };
    let devices = llama_cpp_2::list_llama_ggml_backend_devices()
        .into_iter()
        .map(|device| Device {
            is_gpu: matches!(
                device.device_type,
                LlamaBackendDeviceType::Gpu | LlamaBackendDeviceType::IntegratedGpu
            ),
            name: device.name,
            description: device.description,
            backend: device.backend,
            memory_bytes: device.memory_total as u64,
            free_bytes: device.memory_free as u64,
        })
        .collect();
    Ok(SystemInfo {
        instruction_sets: instruction_sets(&line),
        devices,
        mmap,
        threads: usize::try_from(super::load::threads(&super::EngineOptions::default()))
            .unwrap_or(1),
        available_bytes: super::engine::available_memory(),
    })
}

/// Takes the names that are on from the library's line, which reads
/// `CPU : SSE3 = 1 | AVX = 1 | LLAMAFILE = 1 | REPACK = 1 |`.
fn instruction_sets(line: &str) -> Vec<String> {
    /// Names in the line that are no instruction sets.
    const OTHERS: [&str; 4] = ["LLAMAFILE", "REPACK", "OPENMP", "ACCELERATE"];
    line.split(['|', ':'])
        .filter_map(|entry| entry.split_once('='))
        .filter(|(_, on)| on.trim() == "1")
        .map(|(name, _)| name.trim())
        .filter(|name| !name.is_empty() && !OTHERS.contains(name))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_instruction_sets_that_are_on_are_named() {
        let line = "CPU : SSE3 = 1 | AVX = 0 | AVX2 = 1 | LLAMAFILE = 1 | REPACK = 1 | ";
        assert_eq!(instruction_sets(line), ["SSE3", "AVX2"]);
        assert!(instruction_sets("").is_empty());
    }
}
