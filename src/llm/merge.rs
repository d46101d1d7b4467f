//! The reader's weights: the base model's with a LoRA adapter merged into
//! them, in another quantisation.
//!
//! The starter comes in Q4_1, for which the library has no blocked matrix
//! product on a processor; reading a prompt in Q8_0 is faster. An adapter that
//! is merged costs nothing at each token, one that is applied beside the model
//! two small products for every matrix. `docs/judge.md` has the times. The
//! values are the same but for rounding to 8 bits.

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::ptr;

use llama_cpp_sys_2 as sys;

use super::api::EngineError;
use super::backend::Backend;
use super::gguf::{Header, Value};
use super::preflight;

/// Writes the weights of the model `base` with the adapter `adapter` merged
/// into them, in Q8_0 and with only as many layers as the adapter was trained
/// behind (its `reader.block_count`, else all), to `to`; `to` is written as it goes, so name a
/// temporary file and move it. Every matrix `W` becomes
/// `W + alpha / rank * B A` (Hu et al. 2021, equation 3).
///
/// # Errors
/// [`EngineError::BadModel`] when `base` is no model or `adapter` does not
/// belong to it; [`EngineError::Library`] when the result cannot be written.
pub fn q8_0(base: &Path, adapter: &Path, to: &Path) -> Result<(), EngineError> {
    let header = preflight::inspect(base)?;
    preflight::check_chat(base, &header)?;
    let adapter_header = preflight::inspect(adapter)?;
    preflight::check_adapter(adapter, &adapter_header, &header)?;
    let Some(Value::Float(alpha)) = adapter_header.values.get("adapter.lora.alpha") else {
        return Err(preflight::bad(
            adapter,
            "it does not name its scale",
            "Get the adapter that belongs to this model.",
        ));
    };
    let layers = match adapter_header.values.get("reader.block_count") {
        Some(Value::Unsigned(layers)) => u32::try_from(*layers).unwrap_or(u32::MAX),
        _ => u32::MAX,
    };
    let output = text(to)?;
    let _backend = Backend::acquire()?;
    let weights = File::read(base)?;
    let updates = File::read(adapter)?;
    let merged = Output::like(&weights)?;
    if u64::from(layers) < header.of_architecture("block_count").unwrap_or(0) {
        let architecture = header.architecture().unwrap_or_default();
        merged.set(&format!("{architecture}.block_count"), layers)?;
    }
    // What the output points to, until it is written.
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let read = weights
        .tensors()
        .filter(|tensor| layer(&tensor.name()).is_none_or(|layer| layer < layers));
    for tensor in read {
        let mut values = tensor.floats()?;
        if let (Some(a), Some(b)) = (
            updates.tensor(&tensor, "lora_a"),
            updates.tensor(&tensor, "lora_b"),
        ) {
            let rank = a.rows();
            let scale = *alpha as f32 / rank.max(1) as f32;
            add_product(&mut values, &b.floats()?, &a.floats()?, rank, scale);
        }
        let kind = if tensor.rows() > 1 && tensor.columns().is_multiple_of(Q8_0_BLOCK) {
            sys::GGML_TYPE_Q8_0
        } else {
            sys::GGML_TYPE_F32
        };
        let bytes = quantised(&values, tensor.columns(), kind);
        merged.add(&tensor, kind, &bytes);
        kept.push(bytes);
    }
    let written = merged.write(&output);
    drop(kept);
    // The library does not say whether the last bytes reached the disk.
    let whole = Header::open(to).is_ok_and(|made| {
        made.expected_bytes()
            .is_ok_and(|bytes| bytes.is_some_and(|bytes| bytes <= made.file_bytes))
    });
    if written && whole {
        Ok(())
    } else {
        Err(EngineError::Library(
            "the merged weights could not be written".into(),
        ))
    }
}

/// Returns the layer a tensor belongs to, from its name.
fn layer(name: &str) -> Option<u32> {
    name.strip_prefix("blk.")?.split('.').next()?.parse().ok()
}

/// Numbers that share a scale in Q8_0.
const Q8_0_BLOCK: usize = 32;

/// Adds `scale` times `b` (rows x rank) times `a` (rank x columns) to `w`.
fn add_product(w: &mut [f32], b: &[f32], a: &[f32], rank: usize, scale: f32) {
    let columns = a.len() / rank.max(1);
    if rank == 0 || columns == 0 {
        return;
    }
    for (row, factors) in w.chunks_exact_mut(columns).zip(b.chunks_exact(rank)) {
        for (direction, factor) in a.chunks_exact(columns).zip(factors) {
            let factor = factor * scale;
            for (value, change) in row.iter_mut().zip(direction) {
                *value += factor * change;
            }
        }
    }
}

/// Returns `values`, rows of `columns`, as the library stores elements of `kind`.
fn quantised(values: &[f32], columns: usize, kind: sys::ggml_type) -> Vec<u8> {
    if kind == sys::GGML_TYPE_F32 {
        return values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
    }
    let rows = values.len() / columns.max(1);
    // SAFETY: the type is one the library knows and whose blocks divide a row.
    let row = unsafe { sys::ggml_row_size(kind, columns as i64) };
    let mut out = vec![0u8; row * rows];
    // SAFETY: `values` holds `rows * columns` numbers, `out` the bytes that as
    // many quantised ones take, and Q8_0 needs no importance matrix.
    unsafe {
        sys::ggml_quantize_chunk(
            kind,
            values.as_ptr(),
            out.as_mut_ptr().cast(),
            0,
            rows as i64,
            columns as i64,
            ptr::null(),
        );
    }
    out
}

/// A GGUF file that the library holds in memory.
struct File {
    gguf: *mut sys::gguf_context,
    data: *mut sys::ggml_context,
}

impl File {
    /// Reads a file that passed the preflight.
    fn read(path: &Path) -> Result<Self, EngineError> {
        let name = text(path)?;
        let mut data = ptr::null_mut();
        let params = sys::gguf_init_params {
            no_alloc: false,
            ctx: &raw mut data,
        };
        // SAFETY: the path is NUL-terminated, and `data` outlives the call.
        let gguf = unsafe { sys::gguf_init_from_file(name.as_ptr(), params) };
        if gguf.is_null() || data.is_null() {
            return Err(preflight::bad(
                path,
                "the inference library refuses it",
                "Get the file again.",
            ));
        }
        Ok(Self { gguf, data })
    }

    /// Returns its tensors in the order of the file.
    fn tensors(&self) -> impl Iterator<Item = Tensor<'_>> {
        // SAFETY: `data` is a live context, and every tensor is one of it.
        let first = unsafe { sys::ggml_get_first_tensor(self.data) };
        // The file's header is held as a tensor before those of the file.
        std::iter::successors(ptr::NonNull::new(first), |tensor| {
            ptr::NonNull::new(unsafe { sys::ggml_get_next_tensor(self.data, tensor.as_ptr()) })
        })
        .map(|tensor| Tensor(unsafe { tensor.as_ref() }))
        .filter(|tensor| {
            // SAFETY: both are live, and the name is NUL-terminated.
            unsafe { sys::gguf_find_tensor(self.gguf, tensor.0.name.as_ptr()) >= 0 }
        })
    }

    /// Returns the tensor named as `of` with `ending` behind a dot.
    fn tensor(&self, of: &Tensor<'_>, ending: &str) -> Option<Tensor<'_>> {
        let wanted = format!("{}.{ending}", of.name());
        self.tensors().find(|tensor| tensor.name() == wanted)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: both were made by the library and are freed once.
        unsafe {
            sys::gguf_free(self.gguf);
            sys::ggml_free(self.data);
        }
    }
}

/// A tensor of a [`File`].
struct Tensor<'f>(&'f sys::ggml_tensor);

impl Tensor<'_> {
    fn name(&self) -> String {
        // SAFETY: the library ends every name with a NUL.
        unsafe { CStr::from_ptr(self.0.name.as_ptr()) }
            .to_string_lossy()
            .into_owned()
    }

    fn columns(&self) -> usize {
        usize::try_from(self.0.ne[0]).unwrap_or(0)
    }

    fn rows(&self) -> usize {
        let rows = self.0.ne[1..].iter().product::<i64>();
        usize::try_from(rows).unwrap_or(0)
    }

    /// Returns its numbers, row by row.
    fn floats(&self) -> Result<Vec<f32>, EngineError> {
        let mut out = vec![0f32; self.rows() * self.columns()];
        if self.0.type_ == sys::GGML_TYPE_F32 {
            // SAFETY: the data are that many numbers of four bytes.
            unsafe {
                ptr::copy_nonoverlapping(self.0.data.cast::<f32>(), out.as_mut_ptr(), out.len());
            }
            return Ok(out);
        }
        // SAFETY: the type was checked in the preflight; the traits are static.
        let convert = unsafe { (*sys::ggml_get_type_traits(self.0.type_)).to_float };
        let convert = convert.ok_or_else(|| {
            EngineError::Library(format!("{} has a type without conversion", self.name()))
        })?;
        // SAFETY: `out` has as many elements as the contiguous tensor.
        unsafe { convert(self.0.data, out.as_mut_ptr(), out.len() as i64) };
        Ok(out)
    }
}

/// A GGUF file that is being put together.
struct Output(*mut sys::gguf_context);

impl Output {
    /// Returns one with the metadata of `file` and no tensors.
    fn like(file: &File) -> Result<Self, EngineError> {
        // SAFETY: the metadata are copied from a live context; the key is
        // NUL-terminated.
        unsafe {
            let made = sys::gguf_init_empty();
            if made.is_null() {
                return Err(EngineError::Library(
                    "no memory for the merged weights".into(),
                ));
            }
            sys::gguf_set_kv(made, file.gguf);
            sys::gguf_set_val_u32(
                made,
                c"general.file_type".as_ptr(),
                sys::LLAMA_FTYPE_MOSTLY_Q8_0,
            );
            Ok(Self(made))
        }
    }

    /// Sets a number of the metadata.
    fn set(&self, key: &str, value: u32) -> Result<(), EngineError> {
        let key = CString::new(key)
            .map_err(|_| EngineError::Library(format!("{key:?} is no name of a number")))?;
        // SAFETY: the file is live and the key NUL-terminated.
        unsafe { sys::gguf_set_val_u32(self.0, key.as_ptr(), value) };
        Ok(())
    }

    /// Adds a tensor named and shaped as `like`, whose data are `bytes` of
    /// `kind`; they must live until the file is written.
    fn add(&self, like: &Tensor<'_>, kind: sys::ggml_type, bytes: &[u8]) {
        let name: *const c_char = like.0.name.as_ptr();
        // SAFETY: the tensor is live, its name new in this file and
        // NUL-terminated, and a row is whole blocks of the kind.
        unsafe {
            sys::gguf_add_tensor(self.0, like.0);
            sys::gguf_set_tensor_type(self.0, name, kind);
            sys::gguf_set_tensor_data(self.0, name, bytes.as_ptr().cast());
        }
    }

    /// Writes the file; returns whether the library could.
    fn write(&self, path: &CStr) -> bool {
        // SAFETY: all tensors point to data that are alive; see `add`.
        unsafe { sys::gguf_write_to_file(self.0, path.as_ptr(), false) }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: made by the library, freed once; the data are not its own.
        unsafe { sys::gguf_free(self.0) };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_is_refused_before_the_library_sees_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, "no weights").expect("written");
        assert!(matches!(
            q8_0(&from, &from, &to),
            Err(EngineError::BadModel { .. })
        ));
        assert!(!to.exists());
    }

    #[test]
    fn the_layer_of_a_tensor_stands_in_its_name() {
        assert_eq!(layer("blk.23.attn_q.weight"), Some(23));
        assert_eq!(layer("output_norm.weight"), None);
        assert_eq!(layer("blk.x.attn_q.weight"), None);
    }

    #[test]
    fn the_product_is_added_row_by_row() {
        // Two rows, three columns, rank two.
        let mut w = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        let b = [1.0, 0.0, 2.0, -1.0];
        let a = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0];
        add_product(&mut w, &b, &a, 2, 0.5);
        assert_eq!(w, [0.5, 1.0, 1.5, -3.0, -7.0, -11.0]);
    }

    #[test]
    fn eight_bits_keep_a_number_to_a_hundredth_of_the_largest_beside_it() {
        let values: Vec<f32> = (0..64).map(|i| (i as f32 * 0.37).sin()).collect();
        let bytes = quantised(&values, 32, sys::GGML_TYPE_Q8_0);
        assert_eq!(bytes.len(), 2 * 34);
        for (row, block) in values.chunks(32).zip(bytes.chunks(34)) {
            let scale = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
            for (value, byte) in row.iter().zip(&block[2..]) {
                assert!((value - scale * f32::from(*byte as i8)).abs() < 0.01);
            }
        }
    }
}
