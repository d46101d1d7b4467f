//! The library's process-wide state: started once, shared by all engines of
//! the process, freed with the last of them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use llama_cpp_2::llama_backend::LlamaBackend;

use super::api::EngineError;
use super::logs;

static SHARED: Mutex<Weak<LlamaBackend>> = Mutex::new(Weak::new());

/// A share of the library's process-wide state.
#[derive(Debug)]
pub(super) struct Backend(Option<Arc<LlamaBackend>>);

impl Backend {
    /// Returns a share, starting the library if it is not running.
    pub(super) fn acquire() -> Result<Self, EngineError> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(backend) = shared.upgrade() {
            return Ok(Self(Some(backend)));
        }
        logs::install();
        // With a callback set, a failed assertion of the library prints one
        // line instead of starting a debugger for a backtrace.
        // SAFETY: the callback lives for ever and only writes to standard error.
        unsafe { llama_cpp_sys_2::ggml_set_abort_callback(Some(last_words)) };
        let backend = LlamaBackend::init()
            .map(Arc::new)
            .map_err(|error| EngineError::Library(error.to_string()))?;
        *shared = Arc::downgrade(&backend);
        Ok(Self(Some(backend)))
    }

    /// Returns the proof that the library is running.
    pub(super) fn get(&self) -> Result<&LlamaBackend, EngineError> {
        self.0.as_deref().ok_or(EngineError::Stopped)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        // Freed under the lock: otherwise a new engine could try to start the
        // library while the last one is still stopping it.
        let _shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.take();
    }
}

/// The library is about to abort the process: says so in one line.
unsafe extern "C" fn last_words(message: *const std::ffi::c_char) {
    use std::io::Write;
    if message.is_null() {
        return;
    }
    // SAFETY: the library passes a NUL-terminated text.
    let message = unsafe { std::ffi::CStr::from_ptr(message) };
    let mut line = b"viva: the inference library gave up: ".to_vec();
    line.extend(message.to_bytes());
    line.push(b'\n');
    let _ = std::io::stderr().write_all(&line);
}
