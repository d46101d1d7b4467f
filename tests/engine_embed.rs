//! The embedder on the real MiniLM model: meaning, spans, long and odd texts,
//! and a chat model beside it in one process.

mod engine_support;

use engine_support::{EMBEDDER, STARTER, model, request, say};
use viva::llm::*;

fn engine(chat: bool) -> Engine {
    Engine::start(EngineOptions {
        chat: chat.then(|| model(STARTER)),
        embedder: Some(model(EMBEDDER)),
        context: Some(512),
        threads: Some(1),
        ..EngineOptions::default()
    })
    .expect("good files")
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[tokio::test]
async fn texts_of_one_meaning_are_close_and_lie_beside_a_chat_model() {
    let engine = engine(true);
    let embedder = engine.embedder().await.expect("the embedder loads");
    let texts = [
        "The model memorised its training data.",
        "It overfits: the training set is learnt by heart.",
        "Bake the bread for forty minutes.",
    ];
    let ask = || texts.map(String::from).to_vec();
    let vectors = embedder.embed(ask(), Cancel::new()).await.expect("vectors");
    assert!(cosine(&vectors[0], &vectors[1]) > cosine(&vectors[0], &vectors[2]) + 0.2);
    for vector in &vectors {
        assert_eq!(vector.len(), 384);
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-4);
    }
    // Together or alone: the same vectors.
    let alone = embedder
        .embed(vec![texts[1].into()], Cancel::new())
        .await
        .expect("vectors");
    assert!(cosine(&alone[0], &vectors[1]) > 0.9999);
    let chat = engine.chat().await.expect("the starter loads");
    let text = chat
        .generate(
            request(&[say(Role::User, "Hello.")], 4),
            None,
            Cancel::new(),
        )
        .await;
    assert!(text.is_ok());
    let again = embedder.embed(ask(), Cancel::new()).await.expect("vectors");
    assert_eq!(again, vectors);
}

#[tokio::test]
async fn token_spans_point_at_the_words() {
    let engine = engine(false);
    let embedder = engine.embedder().await.expect("the embedder loads");
    let text = "Overfitting, Café — α and 漢字 ☃!";
    let tokens = embedder
        .embed_tokens(vec![text.into()], Cancel::new())
        .await
        .expect("vectors");
    let words: Vec<&str> = tokens[0]
        .spans
        .iter()
        .map(|span| &text[span.clone()])
        .collect();
    assert_eq!(tokens[0].vectors.len(), words.len());
    assert_eq!(words.concat(), text.replace(' ', ""), "{words:?}");
    for word in ["Café", "and", "漢", "字", "!"] {
        assert!(words.contains(&word), "{word} in {words:?}");
    }
}

#[tokio::test]
async fn odd_texts_have_vectors_and_long_ones_are_cut() {
    let engine = engine(false);
    let embedder = engine.embedder().await.expect("the embedder loads");
    let texts = vec![
        String::new(),
        " \n".into(),
        "\0\u{1b}[0m".into(),
        "word ".repeat(5000),
        "x".repeat(100_000),
        "[CLS] [SEP] [MASK]".into(),
    ];
    let vectors = embedder
        .embed(texts.clone(), Cancel::new())
        .await
        .expect("vectors");
    assert!(vectors.iter().flatten().all(|value| value.is_finite()));
    let tokens = embedder
        .embed_tokens(texts.clone(), Cancel::new())
        .await
        .expect("vectors");
    for (text, tokens) in texts.iter().zip(tokens) {
        assert!(tokens.vectors.len() <= 512);
        assert!(
            tokens
                .spans
                .into_iter()
                .all(|span| text.get(span).is_some())
        );
    }
    let none = embedder.embed(Vec::new(), Cancel::new()).await;
    assert_eq!(none.ok(), Some(Vec::new()));
    let cancelled = Cancel::new();
    cancelled.cancel();
    assert!(matches!(
        embedder.embed(texts, cancelled).await,
        Err(EngineError::Cancelled)
    ));
    let ranker = engine.ranker().await;
    assert!(matches!(ranker.err(), Some(EngineError::Stopped)));
    // An embedder given as a chat model is refused before it is loaded.
    let wrong = Engine::start(EngineOptions {
        chat: Some(model(EMBEDDER)),
        ..EngineOptions::default()
    });
    assert!(
        wrong
            .err()
            .is_some_and(|error| error.to_string().contains("embedding model"))
    );
}
