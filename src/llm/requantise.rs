//! Weights in another quantisation. The starter comes in Q4_1, for which the
//! library has no blocked matrix product on a processor; reading a prompt in
//! Q8_0 takes less than half the time, and the values are the same but for
//! rounding to 8 bits.

use std::ffi::CString;
use std::path::Path;

use super::api::EngineError;
use super::backend::Backend;
use super::preflight;

/// Writes the weights of `from` in Q8_0 to `to`; `to` is written as it goes,
/// so name a temporary file and move it.
///
/// # Errors
/// [`EngineError::BadModel`] when `from` is no model; [`EngineError::Library`]
/// when the library cannot convert or write it.
pub fn to_q8_0(from: &Path, to: &Path) -> Result<(), EngineError> {
    let header = preflight::inspect(from)?;
    preflight::check_chat(from, &header)?;
    let (input, output) = (text(from)?, text(to)?);
    let _backend = Backend::acquire()?;
    // SAFETY: returns a plain struct; it reads nothing of ours.
    let mut params = unsafe { llama_cpp_sys_2::llama_model_quantize_default_params() };
    params.ftype = llama_cpp_sys_2::LLAMA_FTYPE_MOSTLY_Q8_0;
    params.allow_requantize = true;
    // SAFETY: both paths are NUL-terminated and outlive the call, the
    // parameters hold no pointers of ours, and the input was inspected.
    let code = unsafe {
        llama_cpp_sys_2::llama_model_quantize(input.as_ptr(), output.as_ptr(), &raw const params)
    };
    match code {
        0 => Ok(()),
        code => Err(EngineError::Library(format!(
            "the weights could not be converted (code {code})"
        ))),
    }
}

fn text(path: &Path) -> Result<CString, EngineError> {
    path.to_str()
        .and_then(|path| CString::new(path).ok())
        .ok_or_else(|| {
            preflight::bad(
                path,
                "its name is not plain text",
                "Rename the file or its folder.",
            )
        })
}
