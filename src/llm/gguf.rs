//! Reads the header of a GGUF file: metadata and the list of tensors.
//!
//! Bounded and free of aborts on hostile input, unlike the library's own
//! reader: every length is checked against what is left of the file before
//! anything is read or allocated. Judges nothing; see [`super::preflight`].
//!
//! Layout after the GGUF specification of the ggml project (versions 2 and 3,
//! little-endian).

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A metadata value. Long arrays are counted, not kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// Any float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Text; bytes that are not UTF-8 are replaced.
    Text(String),
    /// An array of integers of at most [`KEPT_INTEGERS`] elements.
    Integers(Vec<i64>),
    /// Any other array: its length.
    Array(u64),
}

/// Arrays of integers up to this length are kept (one number a layer).
pub const KEPT_INTEGERS: u64 = 1024;
/// The longest text kept or accepted, in bytes (templates are tens of KiB).
const MAX_TEXT: u64 = 8 << 20;
/// The most metadata values accepted; real files have 20 to 60.
const MAX_VALUES: u64 = 1 << 16;
/// The most tensors accepted; the largest real files have some thousands.
const MAX_TENSORS: u64 = 1 << 18;

/// One tensor of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name, for example `blk.0.attn_q.weight`.
    pub name: String,
    /// Its dimensions, fastest first.
    pub dims: Vec<u64>,
    /// The number of its element type.
    pub kind: u32,
    /// Where its data begin, from the start of the data section.
    pub offset: u64,
}

impl Tensor {
    /// Returns the bytes its data take, or `None` for an unknown element type
    /// or dimensions that overflow.
    pub fn bytes(&self) -> Option<u64> {
        let (block, size) = block_of(self.kind)?;
        let elements = self.elements()?;
        elements.div_ceil(block).checked_mul(size)
    }

    /// Returns the number of elements, or `None` on overflow.
    pub fn elements(&self) -> Option<u64> {
        self.dims
            .iter()
            .try_fold(1u64, |n, dim| n.checked_mul(*dim))
    }
}

/// The header of a GGUF file.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Format version, 2 or 3.
    pub version: u32,
    /// Metadata by key.
    pub values: BTreeMap<String, Value>,
    /// The tensors in file order.
    pub tensors: Vec<Tensor>,
    /// Where the data section begins, in bytes from the start of the file.
    pub data_offset: u64,
    /// Size of the file in bytes.
    pub file_bytes: u64,
}

/// Why a header could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// The first four bytes are not `GGUF`.
    #[error("it is not a GGUF file")]
    NotGguf,
    /// A version this program does not read.
    #[error("it is written in GGUF version {0}, and versions 2 and 3 are supported")]
    Version(u32),
    /// The file ends inside its header.
    #[error("it ends in the middle of its header")]
    Truncated,
    /// A field has a value that no valid file has.
    #[error("its header is damaged: {0}")]
    Malformed(&'static str),
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl Header {
    /// Reads the header of the file at `path`.
    ///
    /// # Errors
    /// See [`HeaderError`].
    pub fn open(path: &Path) -> Result<Self, HeaderError> {
        let file = std::fs::File::open(path)?;
        let bytes = file.metadata()?.len();
        Self::parse(io::BufReader::with_capacity(1 << 16, file), bytes)
    }

    /// Reads a header from `reader`, which holds `file_bytes` bytes.
    ///
    /// # Errors
    /// See [`HeaderError`].
    pub fn parse(reader: impl Read + Seek, file_bytes: u64) -> Result<Self, HeaderError> {
        if file_bytes == 0 {
            return Err(HeaderError::Empty);
        }
        let mut input = Input {
            reader,
            left: file_bytes,
        };
        if file_bytes < 4 || input.array::<4>()? != *b"GGUF" {
            return Err(HeaderError::NotGguf);
        }
        let version = input.u32()?;
        if !(2..=3).contains(&version) {
            return Err(HeaderError::Version(version));
        }
        let tensor_count = input.u64()?;
        let value_count = input.u64()?;
        if tensor_count > MAX_TENSORS {
            return Err(HeaderError::Malformed("too many tensors"));
        }
        if value_count > MAX_VALUES {
            return Err(HeaderError::Malformed("too many metadata values"));
        }
        let mut values = BTreeMap::new();
        for _ in 0..value_count {
            let key = input.text()?;
            let kind = input.u32()?;
            let value = input.value(kind)?;
            values.insert(key, value);
        }
        let mut tensors = Vec::new();
        for _ in 0..tensor_count {
            tensors.push(input.tensor()?);
        }
        let alignment = match values.get("general.alignment") {
            None => 32,
            Some(Value::Unsigned(n)) if n.is_power_of_two() && *n <= 1 << 20 => *n,
            Some(_) => {
                return Err(HeaderError::Malformed(
                    "the alignment is not a power of two",
                ));
            }
        };
        Ok(Self {
            version,
            values,
            tensors,
            data_offset: (file_bytes - input.left).next_multiple_of(alignment),
            file_bytes,
        })
    }

    /// Returns the text of `key`.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns the number of `key`; of an array the largest.
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.values.get(key)? {
            Value::Unsigned(n) => Some(*n),
            Value::Signed(n) => u64::try_from(*n).ok(),
            Value::Integers(all) => all.iter().max().and_then(|n| u64::try_from(*n).ok()),
            _ => None,
        }
    }

    /// Returns the truth value of `key`.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.values.get(key) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Returns the architecture, for example `llama`.
    pub fn architecture(&self) -> Option<&str> {
        self.text("general.architecture")
    }

    /// Returns the number of `<architecture>.<key>`.
    pub fn of_architecture(&self, key: &str) -> Option<u64> {
        self.number(&format!("{}.{key}", self.architecture()?))
    }

    /// Returns the size the file must have by its list of tensors, or `None`
    /// when an element type is unknown.
    ///
    /// # Errors
    /// [`HeaderError::Malformed`] when sizes overflow.
    pub fn expected_bytes(&self) -> Result<Option<u64>, HeaderError> {
        let overflow = HeaderError::Malformed("the tensor sizes overflow");
        let mut end = self.data_offset;
        for tensor in &self.tensors {
            if block_of(tensor.kind).is_none() {
                return Ok(None);
            }
            let stop = tensor
                .bytes()
                .and_then(|bytes| tensor.offset.checked_add(bytes))
                .and_then(|bytes| self.data_offset.checked_add(bytes));
            match stop {
                Some(stop) => end = end.max(stop),
                None => return Err(overflow),
            }
        }
        Ok(Some(end))
    }

    /// Returns the number of parameters; 0 when it overflows.
    pub fn parameters(&self) -> u64 {
        self.tensors
            .iter()
            .try_fold(0u64, |sum, tensor| sum.checked_add(tensor.elements()?))
            .unwrap_or(0)
    }

    /// Returns the quantisation's usual name, for example `Q4_K_M`.
    pub fn quantisation(&self) -> &'static str {
        match self.number("general.file_type") {
            Some(0) => "F32",
            Some(1) => "F16",
            Some(2) => "Q4_0",
            Some(3) => "Q4_1",
            Some(7) => "Q8_0",
            Some(8) => "Q5_0",
            Some(9) => "Q5_1",
            Some(10) => "Q2_K",
            Some(11) => "Q3_K_S",
            Some(12) => "Q3_K_M",
            Some(13) => "Q3_K_L",
            Some(14) => "Q4_K_S",
            Some(15) => "Q4_K_M",
            Some(16) => "Q5_K_S",
            Some(17) => "Q5_K_M",
            Some(18) => "Q6_K",
            Some(19) => "IQ2_XXS",
            Some(20) => "IQ2_XS",
            Some(21) => "Q2_K_S",
            Some(22) => "IQ3_XS",
            Some(23) => "IQ3_XXS",
            Some(24) => "IQ1_S",
            Some(25) => "IQ4_NL",
            Some(26) => "IQ3_S",
            Some(27) => "IQ3_M",
            Some(28) => "IQ2_S",
            Some(29) => "IQ2_M",
            Some(30) => "IQ4_XS",
            Some(31) => "IQ1_M",
            Some(32) => "BF16",
            Some(36) => "TQ1_0",
            Some(37) => "TQ2_0",
            Some(38) => "MXFP4",
            _ => "unknown",
        }
    }
}

/// Elements in a block and bytes of a block, by element type (ggml.h and
/// ggml-common.h of the pinned llama.cpp).
fn block_of(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        24 => (1, 1),
        27 | 28 => (1, 8),
        2 | 20 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 | 21 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 | 35 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        22 => (256, 82),
        23 => (256, 136),
        29 => (256, 56),
        34 => (256, 54),
        39 => (32, 17),
        _ => return None,
    })
}

/// A reader that knows how many bytes are left.
struct Input<R> {
    reader: R,
    left: u64,
}

impl<R: Read + Seek> Input<R> {
    fn claim(&mut self, bytes: u64) -> Result<(), HeaderError> {
        self.left = self.left.checked_sub(bytes).ok_or(HeaderError::Truncated)?;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        self.claim(N as u64)?;
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), HeaderError> {
        self.reader.read_exact(bytes).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                HeaderError::Truncated
            } else {
                HeaderError::Io(error)
            }
        })
    }

    fn u32(&mut self) -> Result<u32, HeaderError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, HeaderError> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<String, HeaderError> {
        let length = self.u64()?;
        self.claim(length)?;
        if length > MAX_TEXT {
            return Err(HeaderError::Malformed("a text is too long"));
        }
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), HeaderError> {
        self.claim(bytes)?;
        let bytes = i64::try_from(bytes).map_err(|_| HeaderError::Truncated)?;
        self.reader.seek(SeekFrom::Current(bytes))?;
        Ok(())
    }

    fn value(&mut self, kind: u32) -> Result<Value, HeaderError> {
        Ok(match kind {
            0 => Value::Unsigned(self.array::<1>()?[0].into()),
            1 => Value::Signed(i8::from_le_bytes(self.array()?).into()),
            2 => Value::Unsigned(u16::from_le_bytes(self.array()?).into()),
            3 => Value::Signed(i16::from_le_bytes(self.array()?).into()),
            4 => Value::Unsigned(self.u32()?.into()),
            5 => Value::Signed(i32::from_le_bytes(self.array()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array()?).into()),
            7 => Value::Bool(self.array::<1>()?[0] != 0),
            8 => Value::Text(self.text()?),
            9 => self.values()?,
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(i64::from_le_bytes(self.array()?)),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            _ => {
                return Err(HeaderError::Malformed(
                    "a metadata value has an unknown type",
                ));
            }
        })
    }

    fn values(&mut self) -> Result<Value, HeaderError> {
        let kind = self.u32()?;
        let count = self.u64()?;
        let width = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => {
                // Each text takes at least its length field.
                if count > self.left / 8 {
                    return Err(HeaderError::Truncated);
                }
                for _ in 0..count {
                    let length = self.u64()?;
                    self.pass(length)?;
                }
                return Ok(Value::Array(count));
            }
            _ => return Err(HeaderError::Malformed("an array has an unknown type")),
        };
        if count <= KEPT_INTEGERS && !matches!(kind, 6 | 7 | 12) {
            let mut all = Vec::new();
            for _ in 0..count {
                all.push(match self.value(kind)? {
                    Value::Unsigned(n) => i64::try_from(n).unwrap_or(i64::MAX),
                    Value::Signed(n) => n,
                    _ => 0,
                });
            }
            return Ok(Value::Integers(all));
        }
        self.skip(count.checked_mul(width).ok_or(HeaderError::Truncated)?)?;
        Ok(Value::Array(count))
    }

    /// Passes over a few bytes by reading: a seek would drop the buffer.
    fn pass(&mut self, bytes: u64) -> Result<(), HeaderError> {
        if bytes > 4096 {
            return self.skip(bytes);
        }
        self.claim(bytes)?;
        let mut waste = [0; 4096];
        self.fill(&mut waste[..bytes as usize])
    }

    fn tensor(&mut self) -> Result<Tensor, HeaderError> {
        let name = self.text()?;
        let count = self.u32()?;
        if count > 4 {
            return Err(HeaderError::Malformed("a tensor has too many dimensions"));
        }
        let dims = (0..count).map(|_| self.u64()).collect::<Result<_, _>>()?;
        Ok(Tensor {
            name,
            dims,
            kind: self.u32()?,
            offset: self.u64()?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    /// Builds small GGUF files.
    #[derive(Default)]
    pub(crate) struct Builder {
        values: Vec<u8>,
        value_count: u64,
        tensors: Vec<u8>,
        tensor_count: u64,
        data: u64,
    }

    impl Builder {
        fn key(mut self, key: &str, kind: u32) -> Self {
            self.values.extend((key.len() as u64).to_le_bytes());
            self.values.extend(key.as_bytes());
            self.values.extend(kind.to_le_bytes());
            self.value_count += 1;
            self
        }

        pub(crate) fn text(self, key: &str, text: &str) -> Self {
            let mut this = self.key(key, 8);
            this.values.extend((text.len() as u64).to_le_bytes());
            this.values.extend(text.as_bytes());
            this
        }

        pub(crate) fn number(self, key: &str, number: u32) -> Self {
            let mut this = self.key(key, 4);
            this.values.extend(number.to_le_bytes());
            this
        }

        pub(crate) fn tensor(mut self, name: &str, dims: &[u64]) -> Self {
            self.tensors.extend((name.len() as u64).to_le_bytes());
            self.tensors.extend(name.as_bytes());
            self.tensors.extend((dims.len() as u32).to_le_bytes());
            for dim in dims {
                self.tensors.extend(dim.to_le_bytes());
            }
            self.tensors.extend(0u32.to_le_bytes());
            self.tensors.extend(self.data.to_le_bytes());
            self.data += (dims.iter().product::<u64>() * 4).next_multiple_of(32);
            self.tensor_count += 1;
            self
        }

        pub(crate) fn build(self) -> Vec<u8> {
            let mut file = b"GGUF".to_vec();
            file.extend(3u32.to_le_bytes());
            file.extend(self.tensor_count.to_le_bytes());
            file.extend(self.value_count.to_le_bytes());
            file.extend(self.values);
            file.extend(self.tensors);
            file.resize(file.len().next_multiple_of(32) + self.data as usize, 0);
            file
        }
    }

    fn parse(bytes: &[u8]) -> Result<Header, HeaderError> {
        Header::parse(Cursor::new(bytes), bytes.len() as u64)
    }

    fn sample() -> Vec<u8> {
        Builder::default()
            .text("general.architecture", "llama")
            .number("llama.block_count", 2)
            .tensor("token_embd.weight", &[8, 4])
            .build()
    }

    #[test]
    fn a_small_file_is_read_back() {
        let bytes = sample();
        let header = parse(&bytes).expect("valid");
        assert_eq!(header.architecture(), Some("llama"));
        assert_eq!(header.of_architecture("block_count"), Some(2));
        assert_eq!(header.parameters(), 32);
        assert_eq!(header.expected_bytes().ok(), Some(Some(bytes.len() as u64)));
    }

    #[test]
    fn every_cut_of_the_header_is_noticed() {
        let bytes = sample();
        let header = parse(&bytes).expect("valid");
        for length in 0..header.data_offset as usize - 31 {
            assert!(parse(&bytes[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn a_huge_count_does_not_allocate() {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(0u64.to_le_bytes());
        bytes.extend(1u64.to_le_bytes());
        bytes.extend(1u64.to_le_bytes());
        bytes.push(b'k');
        bytes.extend(9u32.to_le_bytes());
        bytes.extend(8u32.to_le_bytes());
        bytes.extend(u64::MAX.to_le_bytes());
        assert!(matches!(parse(&bytes), Err(HeaderError::Truncated)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn any_changed_byte_is_survived(at in 0usize..200, byte in any::<u8>()) {
            let mut bytes = sample();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(header) = parse(&bytes) {
                let _ = header.expected_bytes();
                let _ = header.parameters();
            }
        }
    }
}
