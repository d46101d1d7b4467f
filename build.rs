//! Rebuilds the crate when a file is added to or taken out of a folder that is
//! compiled into the program; changes inside known files are seen without this.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for folder in ["content", "prompts"] {
        // A folder that does not exist would count as changed at every build.
        if std::path::Path::new(folder).is_dir() {
            println!("cargo:rerun-if-changed={folder}");
        }
    }
}
