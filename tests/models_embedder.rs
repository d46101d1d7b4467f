//! The converted embedder, run by the engine, against vectors that another
//! implementation computed from the original weights.

use std::path::PathBuf;

use serde::Deserialize;
use viva::llm::{Cancel, Engine, EngineOptions};

#[derive(Deserialize)]
struct Reference {
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    text: String,
    vector: Vec<f32>,
}

/// Returns the converted embedder, which this test cannot do without.
fn model() -> PathBuf {
    let folder = ["VIVA_TEST_MODELS", "VIVA_MODELS_DIR"]
        .into_iter()
        .find_map(std::env::var_os)
        .map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models"),
            PathBuf::from,
        );
    let path = folder.join("all-MiniLM-L6-v2.f16.gguf");
    assert!(
        path.is_file(),
        "{} is missing: fetch it with `make models`",
        path.display()
    );
    path
}

#[tokio::test]
async fn the_converted_embedder_agrees_with_the_original_weights() {
    let text = include_str!("fixtures/embedder-reference.json");
    let reference: Reference = serde_json::from_str(text).unwrap();
    let engine = Engine::start(EngineOptions {
        embedder: Some(model()),
        ..EngineOptions::default()
    })
    .unwrap();
    let embedder = engine.embedder().await.unwrap();
    let texts: Vec<String> = reference.sentences.iter().map(|s| s.text.clone()).collect();
    let vectors = embedder.embed(texts, Cancel::new()).await.unwrap();
    assert_eq!(vectors.len(), 12);
    for (sentence, vector) in reference.sentences.iter().zip(&vectors) {
        // Both are of unit length: the product is the cosine.
        let cosine: f32 = sentence.vector.iter().zip(vector).map(|(a, b)| a * b).sum();
        assert!(cosine >= 0.999, "{cosine} for {:?}", sentence.text);
    }
}
