//! What the engine's tests share: where the real models are, and short ways
//! to ask.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::PathBuf;

use viva::llm::*;

/// The starter model's file name.
pub const STARTER: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// The embedder's file name.
pub const EMBEDDER: &str = "all-MiniLM-L6-v2.f16.gguf";

/// Returns the path of a model, which must be there: a test that claims the
/// real thing does not pass without it.
pub fn model(name: &str) -> PathBuf {
    let folders = ["VIVA_TEST_MODELS", "VIVA_MODELS_DIR"]
        .iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from)
        .chain([PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/models"
        ))]);
    for folder in folders {
        let path = folder.join(name);
        if path.is_file() {
            return path;
        }
    }
    panic!("the model {name} is missing: run `make models`, or set VIVA_TEST_MODELS to its folder");
}

/// Starts an engine with the starter as its chat model.
pub fn chat_engine() -> Engine {
    Engine::start(EngineOptions {
        chat: Some(model(STARTER)),
        context: Some(2048),
        // Test machines are shared: a second thread would mostly wait.
        threads: Some(1),
        ..EngineOptions::default()
    })
    .expect("the starter is a good file")
}

/// A message of candidate or prompt text.
pub fn say(role: Role, text: &str) -> Message {
    let part = match role {
        Role::System => Part::Prompt(text.to_owned()),
        Role::User => Part::Candidate(text.to_owned()),
        Role::Assistant => Part::Model(text.to_owned()),
    };
    Message::new(role, part)
}

/// A request with a fixed seed.
pub fn request(messages: &[Message], max_tokens: usize) -> GenerateRequest {
    GenerateRequest {
        messages: messages.to_vec(),
        prefill: None,
        sampling: Sampling {
            seed: 7,
            ..Sampling::default()
        },
        stop: Vec::new(),
        max_tokens,
        time_limit: None,
        grammar: None,
    }
}
