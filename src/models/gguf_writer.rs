//! Writes GGUF files, version 3: a header, metadata and aligned tensors.
//!
//! Layout as the GGUF specification of the ggml project gives it. This file
//! knows nothing of any model; [`super::bert`] decides what is written.

use std::io::{self, Write};

use half::f16;

/// Tensor data begins at, and each tensor is padded to, a multiple of this many
/// bytes (the format's default for `general.alignment`).
const ALIGNMENT: usize = 32;

/// Values of one Q8_0 block.
const BLOCK: usize = 32;

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An unsigned 32-bit number.
    U32(u32),
    /// A 32-bit floating-point number.
    F32(f32),
    /// A truth value.
    Bool(bool),
    /// Text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of signed 32-bit numbers.
    I32s(Vec<i32>),
}

impl Value {
    /// Returns the format's number of this type.
    fn type_id(&self) -> u32 {
        match self {
            Self::U32(_) => 4,
            Self::F32(_) => 6,
            Self::Bool(_) => 7,
            Self::Text(_) => 8,
            Self::Texts(_) | Self::I32s(_) => 9,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::U32(value) => out.extend(value.to_le_bytes()),
            Self::F32(value) => out.extend(value.to_le_bytes()),
            Self::Bool(value) => out.push(u8::from(*value)),
            Self::Text(value) => put_text(out, value),
            Self::Texts(values) => {
                out.extend(8_u32.to_le_bytes());
                out.extend((values.len() as u64).to_le_bytes());
                for value in values {
                    put_text(out, value);
                }
            }
            Self::I32s(values) => {
                out.extend(5_u32.to_le_bytes());
                out.extend((values.len() as u64).to_le_bytes());
                for value in values {
                    out.extend(value.to_le_bytes());
                }
            }
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// How the numbers of a tensor are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point.
    F16,
    /// Blocks of 32 signed bytes that share one 16-bit scale.
    Q8_0,
}

impl Element {
    fn type_id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q8_0 => 8,
        }
    }

    /// Returns whether rows of `width` numbers can be stored so.
    pub fn fits(self, width: usize) -> bool {
        self != Self::Q8_0 || width.is_multiple_of(BLOCK)
    }

    fn encode(self, values: &[f32]) -> Vec<u8> {
        match self {
            Self::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::F16 => values
                .iter()
                .flat_map(|v| f16::from_f32(*v).to_le_bytes())
                .collect(),
            Self::Q8_0 => quantise_q8_0(values),
        }
    }
}

/// Returns `values` as Q8_0 blocks: the scale is the largest magnitude over 127,
/// each number its nearest multiple (ggml's reference quantisation).
fn quantise_q8_0(values: &[f32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() / BLOCK * (BLOCK + 2));
    for block in values.chunks_exact(BLOCK) {
        let largest = block.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let scale = largest / 127.0;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        out.extend(f16::from_f32(scale).to_le_bytes());
        out.extend(
            block
                .iter()
                .flat_map(|v| ((v * inverse).round() as i8).to_le_bytes()),
        );
    }
    out
}

struct Tensor {
    name: String,
    /// Rows first, as safetensors and PyTorch order them.
    shape: Vec<usize>,
    element: Element,
    data: Vec<u8>,
}

/// A GGUF file in the making.
#[derive(Default)]
pub struct GgufWriter {
    metadata: Vec<(String, Value)>,
    tensors: Vec<Tensor>,
}

impl GgufWriter {
    /// Returns a file without metadata and tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a metadata value.
    pub fn set(&mut self, key: impl Into<String>, value: Value) {
        self.metadata.push((key.into(), value));
    }

    /// Adds a tensor of `shape` (rows first) and stores `values` as `element`.
    ///
    /// # Errors
    /// Fails when the number of values is not the product of the shape, or the
    /// rows cannot be stored as `element`.
    pub fn tensor(
        &mut self,
        name: impl Into<String>,
        shape: &[usize],
        element: Element,
        values: &[f32],
    ) -> io::Result<()> {
        let name = name.into();
        let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{name}: {why}"));
        let count = shape
            .iter()
            .try_fold(1_usize, |product, side| product.checked_mul(*side));
        if count != Some(values.len()) {
            return Err(bad("the shape does not match the number of values"));
        }
        if !element.fits(shape.last().copied().unwrap_or(0)) {
            return Err(bad("the rows are no multiple of the block size"));
        }
        self.tensors.push(Tensor {
            name,
            shape: shape.to_vec(),
            element,
            data: element.encode(values),
        });
        Ok(())
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Whatever `out` fails with.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut head = Vec::new();
        head.extend(b"GGUF");
        head.extend(3_u32.to_le_bytes());
        head.extend((self.tensors.len() as u64).to_le_bytes());
        head.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            put_text(&mut head, key);
            head.extend(value.type_id().to_le_bytes());
            value.write(&mut head);
        }
        let mut offset = 0_u64;
        for tensor in &self.tensors {
            put_text(&mut head, &tensor.name);
            head.extend((tensor.shape.len() as u32).to_le_bytes());
            for side in tensor.shape.iter().rev() {
                head.extend((*side as u64).to_le_bytes());
            }
            head.extend(tensor.element.type_id().to_le_bytes());
            head.extend(offset.to_le_bytes());
            offset += tensor.data.len().next_multiple_of(ALIGNMENT) as u64;
        }
        head.resize(head.len().next_multiple_of(ALIGNMENT), 0);
        out.write_all(&head)?;
        let padding = [0_u8; ALIGNMENT];
        for tensor in &self.tensors {
            out.write_all(&tensor.data)?;
            let rest = tensor.data.len().next_multiple_of(ALIGNMENT) - tensor.data.len();
            out.write_all(&padding[..rest])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_begins_on_an_aligned_byte() {
        let mut file = GgufWriter::new();
        file.set("general.name", Value::Text("x".to_owned()));
        file.tensor("a", &[3], Element::F32, &[1.0, 2.0, 3.0])
            .unwrap();
        file.tensor("b", &[1], Element::F32, &[4.0]).unwrap();
        let mut bytes = Vec::new();
        file.write(&mut bytes).unwrap();
        assert_eq!(&bytes[..4], b"GGUF");
        assert_eq!(bytes.len() % ALIGNMENT, 0);
        let last = bytes.len() - ALIGNMENT;
        assert_eq!(bytes[last..last + 4], 4.0_f32.to_le_bytes());
    }

    #[test]
    fn q8_0_keeps_the_largest_value_and_is_within_half_a_step() {
        let values: Vec<f32> = (0..64).map(|i| (i as f32 - 31.0) / 10.0).collect();
        let bytes = quantise_q8_0(&values);
        assert_eq!(bytes.len(), 2 * 34);
        for (block, stored) in values.chunks(32).zip(bytes.chunks(34)) {
            let scale = f16::from_le_bytes([stored[0], stored[1]]).to_f32();
            for (value, byte) in block.iter().zip(&stored[2..]) {
                let back = f32::from(*byte as i8) * scale;
                assert!((back - value).abs() <= scale * 0.56, "{back} for {value}");
            }
        }
    }

    #[test]
    fn a_block_of_zeros_stays_zero() {
        assert!(quantise_q8_0(&[0.0; 32]).iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_shape_that_does_not_match_is_refused() {
        let mut file = GgufWriter::new();
        assert!(file.tensor("a", &[2, 2], Element::F32, &[1.0]).is_err());
        assert!(file.tensor("a", &[1, 3], Element::Q8_0, &[1.0; 3]).is_err());
        assert!(
            file.tensor("a", &[usize::MAX, 2], Element::F32, &[])
                .is_err()
        );
    }
}
