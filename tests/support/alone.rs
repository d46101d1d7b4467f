//! The program away from its checkout, where it finds no models.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use insta_cmd::get_cargo_bin;

/// Returns the program in a folder of its own: in its checkout it finds the
/// models that lie there.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_folder, program) = PROGRAM.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("viva");
        std::fs::copy(get_cargo_bin("viva"), &program).expect("copied");
        (folder, program)
    });
    program
}
