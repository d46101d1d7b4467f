//! The matcher's file: an encoder that is part of the program. Writes it into
//! the cache folder and says where it is; loads nothing.

use std::path::PathBuf;

use super::reader::unpack;
use crate::Result;
use crate::paths::Paths;

/// The encoder; `models/matcher.md` is its card.
const ENCODER: &[u8] = include_bytes!("../../models/matcher.gguf");

/// The SHA-256 of the encoder, in hexadecimal. Written by
/// `training/export_matcher.py`, since summing up 25 MB takes time at every
/// start.
pub const SHA256: &str = include_str!("../../models/matcher.sha256");

/// Returns the file of the matcher.
///
/// # Errors
/// Fails when the cache folder cannot be written.
pub fn matcher(paths: &Paths) -> Result<PathBuf> {
    unpack(paths, &format!("matcher-{SHA256}.gguf"), ENCODER)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::judge::matcher::Head;
    use crate::models::download::hexadecimal;

    #[test]
    fn head_and_checksum_belong_to_the_encoder() {
        assert_eq!(hexadecimal(&Sha256::digest(ENCODER)), SHA256);
        assert_eq!(Head::shipped().expect("valid").sha256, SHA256);
        assert!(ENCODER.len() < 50 << 20);
    }
}
