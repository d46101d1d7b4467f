//! The library's log: silent for people, handed to `tracing` for `-vv`, and
//! error lines kept so that a failed load can say why.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use std::sync::Once;

use llama_cpp_sys_2::{
    GGML_LOG_LEVEL_ERROR, GGML_LOG_LEVEL_WARN, ggml_log_level, ggml_log_set, llama_log_set,
};

/// The most lines kept; the first say most.
const KEPT: usize = 16;

thread_local! {
    /// Error lines since [`begin`]; loading logs on the thread that loads.
    static ERRORS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Sends the library's log here, once a process.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the callback lives for ever, takes no user data and cannot
        // unwind into C.
        unsafe {
            llama_log_set(Some(on_log), std::ptr::null_mut());
            ggml_log_set(Some(on_log), std::ptr::null_mut());
        }
    });
}

/// Forgets the error lines of this thread.
pub(super) fn begin() {
    ERRORS.with_borrow_mut(Vec::clear);
}

/// Returns the error lines of this thread since [`begin`].
pub(super) fn taken() -> Vec<String> {
    ERRORS.with_borrow_mut(std::mem::take)
}

unsafe extern "C" fn on_log(level: ggml_log_level, text: *const c_char, _: *mut c_void) {
    if text.is_null() {
        return;
    }
    // A panic must not cross into C; there is no one to tell.
    let _ = std::panic::catch_unwind(|| {
        // SAFETY: the library passes a NUL-terminated text that outlives the call.
        let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
        let text = text.trim();
        if text.is_empty() || text.bytes().all(|byte| byte == b'.') {
            return;
        }
        if level == GGML_LOG_LEVEL_ERROR {
            let _ = ERRORS.try_with(|errors| {
                if let Ok(mut errors) = errors.try_borrow_mut()
                    && errors.len() < KEPT
                {
                    errors.push(text.to_owned());
                }
            });
            tracing::debug!(target: "viva::llama", error = true, "{text}");
        } else if level == GGML_LOG_LEVEL_WARN {
            tracing::debug!(target: "viva::llama", "{text}");
        } else {
            tracing::trace!(target: "viva::llama", "{text}");
        }
    });
}
