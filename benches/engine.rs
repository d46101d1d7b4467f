//! How long the engine takes for what an interview asks of it, on the starter
//! model: a short line with a warm cache, a fork, a batch of sentences.

use std::path::PathBuf;

use criterion::{Criterion, criterion_group, criterion_main};
use viva::llm::*;

fn starter() -> PathBuf {
    let folder = ["VIVA_TEST_MODELS", "VIVA_MODELS_DIR"]
        .iter()
        .find_map(std::env::var_os)
        .map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/models")),
            PathBuf::from,
        );
    folder.join("SmolLM2-135M-Instruct.Q4_1.gguf")
}

fn engine(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let engine = Engine::start(EngineOptions {
        chat: Some(starter()),
        context: Some(2048),
        ..EngineOptions::default()
    })
    .expect("the starter: run `make models`");
    let chat = runtime.block_on(engine.chat()).expect("the starter loads");
    let message = Message::new(Role::User, Part::Candidate("I would retrain it.".into()));
    let request = GenerateRequest {
        messages: vec![message],
        prefill: None,
        sampling: Sampling {
            temperature: 0.0,
            ..Sampling::default()
        },
        stop: Vec::new(),
        max_tokens: 16,
        time_limit: None,
        grammar: None,
    };
    criterion.bench_function("write 16 tokens, warm cache", |b| {
        b.iter(|| runtime.block_on(chat.generate(request.clone(), None, Cancel::new())));
    });
    let forks = BranchRequest {
        prefix: BranchPrefix::Plain(vec![Part::Candidate("I would retrain it.".into())]),
        branches: (0..8).map(|n| format!(" Point {n} is covered:")).collect(),
        words: vec![" yes".into(), " no".into()],
        likelihood: true,
        fresh: false,
    };
    criterion.bench_function("8 forks of one prefix", |b| {
        b.iter(|| runtime.block_on(chat.branch(forks.clone(), Cancel::new())));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = engine
}
criterion_main!(benches);
