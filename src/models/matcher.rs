//! The matcher's file: an encoder that is part of the program. Writes it into
//! the cache folder and says where it is; loads nothing.

use std::path::PathBuf;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::download::hexadecimal;
use super::reader::unpack;
use crate::Result;
use crate::paths::Paths;

/// The encoder; `models/matcher.md` is its card.
const ENCODER: &[u8] = include_bytes!("../../models/matcher.gguf");

static SHA256: LazyLock<String> = LazyLock::new(|| hexadecimal(&Sha256::digest(ENCODER)));

/// Returns the SHA-256 of the encoder, in hexadecimal.
pub fn matcher_sha256() -> &'static str {
    &SHA256
}

/// Returns the file of the matcher.
///
/// # Errors
/// Fails when the cache folder cannot be written.
pub fn matcher(paths: &Paths) -> Result<PathBuf> {
    let name = format!("matcher-{}.gguf", &matcher_sha256()[..16]);
    unpack(paths, &name, ENCODER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::matcher::Head;

    #[test]
    fn the_head_belongs_to_the_encoder() {
        let head = Head::shipped().expect("valid");
        assert_eq!(head.sha256, matcher_sha256());
        assert!(ENCODER.len() < 50 << 20);
    }
}
