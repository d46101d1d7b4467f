//! Reads what selection needs from the head of a GGUF file: architecture,
//! name and what the model is for. Sizes are bounded before anything is
//! allocated, so that a hostile file costs neither memory nor time.
//!
//! Whether a file can be loaded is the engine's question, not this one's.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::catalogue::Kind;

/// More entries than any real file has; a larger count means damage.
const MOST_ENTRIES: u64 = 1 << 16;
/// Longest text that is kept, in bytes; chat templates are some ten thousand.
const LONGEST_TEXT: u64 = 1 << 20;

/// What the head of a GGUF file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// `general.architecture`, for example `llama`.
    pub architecture: String,
    /// `general.name`.
    pub name: Option<String>,
    /// `general.size_label`, for example `7B`.
    pub size_label: Option<String>,
    /// `general.file_type`, llama.cpp's number of the quantisation.
    pub file_type: Option<u32>,
    /// `general.type`: `model`, `adapter`, `mmproj` and so on.
    pub file_kind: Option<String>,
    /// How token vectors become one vector, by llama.cpp's number.
    pub pooling: Option<u32>,
    /// Tokens the model was trained on at a time.
    pub context: Option<u32>,
    /// Whether there is a chat template.
    pub chat_template: bool,
    /// Number of tensors.
    pub tensors: u64,
}

impl Header {
    /// Reads the head of the file at `path`.
    ///
    /// # Errors
    /// Fails when the file cannot be read, is no GGUF file, or its head is
    /// damaged; the error's text is fit to be shown.
    pub fn read(path: &Path) -> io::Result<Self> {
        Self::parse(&mut BufReader::with_capacity(1 << 16, File::open(path)?))
    }

    /// Reads a head from `input`.
    ///
    /// # Errors
    /// As [`Header::read`].
    pub fn parse(input: &mut impl Read) -> io::Result<Self> {
        let mut reader = Reader { input };
        let magic: [u8; 4] = reader.bytes()?;
        if &magic != b"GGUF" {
            return Err(damaged("it does not begin with the letters GGUF"));
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            return Err(damaged("its GGUF version is neither 2 nor 3"));
        }
        let mut header = Self {
            tensors: reader.u64()?,
            ..Self::default()
        };
        let entries = reader.u64()?;
        if entries > MOST_ENTRIES || header.tensors > MOST_ENTRIES {
            return Err(damaged("its head counts more entries than a model has"));
        }
        for _ in 0..entries {
            let key = reader.text()?;
            let kind = reader.u32()?;
            header.take(&key, kind, &mut reader)?;
        }
        Ok(header)
    }

    fn take(&mut self, key: &str, kind: u32, reader: &mut Reader<'_, impl Read>) -> io::Result<()> {
        const U32: u32 = 4;
        const TEXT: u32 = 8;
        match (key, kind) {
            ("general.architecture", TEXT) => self.architecture = reader.text()?,
            ("general.name", TEXT) => self.name = Some(reader.text()?),
            ("general.size_label", TEXT) => self.size_label = Some(reader.text()?),
            ("general.type", TEXT) => self.file_kind = Some(reader.text()?),
            ("general.file_type", U32) => self.file_type = Some(reader.u32()?),
            ("tokenizer.chat_template", TEXT) => self.chat_template = !reader.text()?.is_empty(),
            (key, U32) if key.ends_with(".pooling_type") => self.pooling = Some(reader.u32()?),
            (key, U32) if key.ends_with(".context_length") => self.context = Some(reader.u32()?),
            _ => reader.skip_value(kind)?,
        }
        Ok(())
    }

    /// Returns what the model is for, by its architecture and pooling.
    pub fn kind(&self) -> Kind {
        const ENCODERS: [&str; 9] = [
            "bert",
            "nomic-bert",
            "nomic-bert-moe",
            "jina-bert-v2",
            "jina-bert-v3",
            "modern-bert",
            "neo-bert",
            "eurobert",
            "gemma-embedding",
        ];
        const POOLING_RANK: u32 = 4;
        if self
            .file_kind
            .as_deref()
            .is_some_and(|kind| kind != "model")
            || ["clip", "t5encoder", ""].contains(&self.architecture.as_str())
            || self.tensors == 0
        {
            return Kind::Other;
        }
        match self.pooling {
            Some(POOLING_RANK) => Kind::Ranker,
            Some(pooling) if pooling > 0 => Kind::Embedder,
            _ if ENCODERS.contains(&self.architecture.as_str()) => Kind::Embedder,
            _ => Kind::Chat,
        }
    }

    /// Returns the name of the quantisation, for example `Q4_K_M`; `None` when
    /// the number is absent or not one of the common ones.
    pub fn quantisation(&self) -> Option<&'static str> {
        // Numbers of `llama_ftype` in llama.cpp's `llama.h`.
        Some(match self.file_type? {
            0 => "F32",
            1 => "F16",
            2 => "Q4_0",
            3 => "Q4_1",
            7 => "Q8_0",
            8 => "Q5_0",
            9 => "Q5_1",
            10 => "Q2_K",
            11 => "Q3_K_S",
            12 => "Q3_K_M",
            13 => "Q3_K_L",
            14 => "Q4_K_S",
            15 => "Q4_K_M",
            16 => "Q5_K_S",
            17 => "Q5_K_M",
            18 => "Q6_K",
            25 => "IQ4_NL",
            30 => "IQ4_XS",
            32 => "BF16",
            _ => return None,
        })
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

struct Reader<'a, R> {
    input: &'a mut R,
}

impl<R: Read> Reader<'_, R> {
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                damaged("it ends inside its head")
            } else {
                error
            }
        })?;
        Ok(bytes)
    }

    fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn text(&mut self) -> io::Result<String> {
        let length = self.u64()?;
        if length > LONGEST_TEXT {
            return Err(damaged("a text in its head is too long"));
        }
        let mut bytes = Vec::new();
        self.input.take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(damaged("it ends inside its head"));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.input.take(count), &mut io::sink())?;
        if skipped != count {
            return Err(damaged("it ends inside its head"));
        }
        Ok(())
    }

    fn skip_value(&mut self, kind: u32) -> io::Result<()> {
        const TEXT: u32 = 8;
        const LIST: u32 = 9;
        match kind {
            TEXT => {
                let length = self.u64()?;
                self.skip(length)
            }
            LIST => {
                let kind = self.u32()?;
                let count = self.u64()?;
                match (kind, width(kind)) {
                    (TEXT, _) => {
                        for _ in 0..count {
                            let length = self.u64()?;
                            self.skip(length)?;
                        }
                        Ok(())
                    }
                    (_, Some(width)) => self.skip(
                        count
                            .checked_mul(width)
                            .ok_or_else(|| damaged("a list in its head is too long"))?,
                    ),
                    _ => Err(damaged("its head holds a list of an unknown type")),
                }
            }
            _ => match width(kind) {
                Some(width) => self.skip(width),
                None => Err(damaged("its head holds a value of an unknown type")),
            },
        }
    }
}

/// Returns the bytes of a value of fixed width, by GGUF's number of its type.
fn width(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::models::gguf_writer::{Element, GgufWriter, Value};

    pub(crate) fn sample(architecture: &str, pooling: Option<u32>) -> Vec<u8> {
        let mut file = GgufWriter::new();
        file.set("general.architecture", Value::Text(architecture.into()));
        file.set("general.file_type", Value::U32(15));
        file.set(
            "tokenizer.ggml.tokens",
            Value::Texts(vec!["a".into(), "bc".into()]),
        );
        file.set("tokenizer.ggml.token_type", Value::I32s(vec![1, 2]));
        file.set("tokenizer.chat_template", Value::Text("{{ x }}".into()));
        if let Some(pooling) = pooling {
            file.set(format!("{architecture}.pooling_type"), Value::U32(pooling));
        }
        file.tensor("w", &[1], Element::F32, &[1.0]).unwrap();
        let mut bytes = Vec::new();
        file.write(&mut bytes).unwrap();
        bytes
    }

    fn parse(mut bytes: &[u8]) -> io::Result<Header> {
        Header::parse(&mut bytes)
    }

    #[test]
    fn a_head_is_read_past_its_lists() {
        let header = parse(&sample("llama", None)).unwrap();
        assert_eq!(header.architecture, "llama");
        assert_eq!(header.quantisation(), Some("Q4_K_M"));
        assert!(header.chat_template);
        assert_eq!(header.kind(), Kind::Chat);
    }

    #[test]
    fn embedders_and_rankers_are_told_apart_from_chat_models() {
        let kind = |architecture, pooling| parse(&sample(architecture, pooling)).unwrap().kind();
        assert_eq!(kind("bert", Some(1)), Kind::Embedder);
        assert_eq!(kind("nomic-bert", None), Kind::Embedder);
        assert_eq!(kind("qwen3", Some(3)), Kind::Embedder);
        assert_eq!(kind("bert", Some(4)), Kind::Ranker);
        assert_eq!(kind("clip", None), Kind::Other);
        assert_eq!(kind("qwen3", None), Kind::Chat);
    }

    #[test]
    fn what_is_not_a_gguf_file_is_named_so() {
        assert!(parse(b"").unwrap_err().to_string().contains("ends inside"));
        let error = parse(b"<!DOCTYPE html>").unwrap_err();
        assert!(error.to_string().contains("letters GGUF"));
    }

    proptest! {
        #[test]
        fn a_damaged_head_is_an_error_or_a_header_and_never_a_panic(
            at in 0_usize..200,
            byte in any::<u8>(),
            cut in 0_usize..400,
        ) {
            let mut bytes = sample("llama", Some(0));
            if let Some(slot) = bytes.get_mut(at) {
                *slot = byte;
            }
            bytes.truncate(cut);
            let _ = parse(&bytes);
        }

        #[test]
        fn any_bytes_after_the_magic_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut all = b"GGUF\x03\0\0\0".to_vec();
            all.extend(bytes);
            let _ = parse(&all);
        }
    }
}
