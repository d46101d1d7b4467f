//! What ends a call early: the caller's flag, the time limit, or the engine
//! shutting down. Checked between micro-batches and, through the library's
//! abort callback, between the operations inside one.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_sys_2::llama_context_params;

use super::api::{Cancel, Finish};

/// What ends the call in progress.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    /// The caller's flag.
    pub(super) cancel: Cancel,
    /// The engine is shutting down.
    pub(super) shutdown: Arc<AtomicBool>,
    /// When time is up.
    pub(super) deadline: Option<Instant>,
}

impl Stop {
    /// Returns why the call has to end, or `None`.
    pub(super) fn why(&self) -> Option<Finish> {
        if self.cancel.is_cancelled() || self.shutdown.load(Ordering::Acquire) {
            Some(Finish::Cancelled)
        } else if self.deadline.is_some_and(|at| Instant::now() >= at) {
            Some(Finish::TimeLimit)
        } else {
            None
        }
    }
}

/// Where the abort callback of one context finds the call in progress. Lives
/// at one address at least as long as the context.
#[derive(Debug, Default)]
pub(super) struct StopCell(Mutex<Option<Stop>>);

impl StopCell {
    /// Watches `stop` until [`StopCell::clear`].
    pub(super) fn watch(&self, stop: &Stop) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop.clone());
    }

    /// Watches nothing.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn is_set(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .is_some_and(|stop| stop.why().is_some())
    }
}

/// Makes contexts built from `params` ask `cell` whether to abort.
///
/// # Safety
/// `cell` must outlive every context built from the returned parameters.
pub(super) unsafe fn abort_on(
    mut params: LlamaContextParams,
    cell: &StopCell,
) -> LlamaContextParams {
    // The wrapper has no setter for this field. It is a struct of one field
    // whose size and alignment equal the field's, checked at compile time, so
    // both begin at one address; the version is pinned exactly.
    const {
        assert!(size_of::<LlamaContextParams>() == size_of::<llama_context_params>());
        assert!(align_of::<LlamaContextParams>() == align_of::<llama_context_params>());
    }
    // SAFETY: see above; the reference ends before `params` is used again.
    let raw = unsafe { &mut *(&raw mut params).cast::<llama_context_params>() };
    raw.abort_callback = Some(asked);
    raw.abort_callback_data = std::ptr::from_ref(cell).cast_mut().cast();
    params
}

unsafe extern "C" fn asked(cell: *mut c_void) -> bool {
    if cell.is_null() {
        return false;
    }
    // SAFETY: `abort_on` was handed a cell that outlives the context, and the
    // cell is only ever read through shared references.
    let cell = unsafe { &*cell.cast::<StopCell>() };
    cell.is_set()
}
