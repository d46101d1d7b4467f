//! The engine on the real starter model: text, cache, forks, cancelling.

mod engine_support;

use std::time::Duration;

use engine_support::{chat_engine, request, say};
use viva::llm::*;

#[tokio::test]
async fn text_streams_and_the_same_seed_gives_the_same_text() {
    let engine = chat_engine();
    let chat = engine.chat().await.expect("the starter loads");
    let ask = || request(&[say(Role::User, "Name one colour.")], 24);
    let (sink, mut pieces) = tokio::sync::mpsc::channel(64);
    let first = chat
        .generate(ask(), Some(sink), Cancel::new())
        .await
        .expect("text");
    let mut streamed = String::new();
    while let Some(piece) = pieces.recv().await {
        streamed.push_str(&piece);
    }
    assert_eq!(streamed, first.text);
    assert!(!first.text.trim().is_empty());
    // Other work in between must not change what the seed gives.
    let other = request(
        &[
            say(Role::System, "Be brief."),
            say(Role::User, "Say hello."),
        ],
        16,
    );
    chat.generate(other, None, Cancel::new())
        .await
        .expect("text");
    let longer = request(&[say(Role::User, "Name one colour. Name two animals.")], 16);
    chat.generate(longer, None, Cancel::new())
        .await
        .expect("text");
    let again = chat
        .generate(ask(), None, Cancel::new())
        .await
        .expect("text");
    assert_eq!(again.text, first.text);
}

#[tokio::test]
async fn the_number_of_threads_does_not_change_what_a_seed_gives() {
    // Long enough for every way the library has of sharing out the work.
    let long = "The model was trained on clicks, and the loss fell. ".repeat(55);
    let messages = [
        say(Role::User, &long),
        say(Role::Assistant, "I see."),
        say(Role::User, "Why?"),
    ];
    let mut texts = Vec::new();
    for threads in [1, 2] {
        let engine = Engine::start(EngineOptions {
            chat: Some(engine_support::model(engine_support::STARTER)),
            context: Some(2048),
            threads: Some(threads),
            ..EngineOptions::default()
        })
        .expect("the starter is a good file");
        let chat = engine.chat().await.expect("the starter loads");
        let whole = chat
            .generate(request(&messages, 12), None, Cancel::new())
            .await
            .expect("text");
        assert!(whole.usage.prompt_tokens > 512);
        texts.push(whole.text);
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}

#[tokio::test]
async fn a_later_turn_prefills_only_its_own_tokens() {
    let engine = chat_engine();
    let chat = engine.chat().await.expect("the starter loads");
    let mut messages = vec![
        say(
            Role::System,
            "You are a senior engineer on an interview panel. Ask one short question.",
        ),
        say(
            Role::User,
            "I trained a classifier on two million rows of clicks.",
        ),
    ];
    let mut held = 0;
    for turn in 0..4 {
        let mut ask = request(&messages, 12);
        ask.sampling.temperature = 0.0;
        let written = chat.generate(ask, None, Cancel::new()).await.expect("text");
        let usage = written.usage;
        assert_eq!(
            usage.prompt_tokens,
            usage.prefilled_tokens + usage.reused_tokens
        );
        if turn > 0 {
            let new = usage.prompt_tokens - held;
            assert!(
                usage.prefilled_tokens <= new + 4,
                "turn {turn}: {} prefilled for {new} new tokens",
                usage.prefilled_tokens
            );
        }
        held = usage.prompt_tokens + usage.generated_tokens;
        messages.push(say(Role::Assistant, &written.text));
        messages.push(say(
            Role::User,
            "It was a gradient boosted tree with early stopping.",
        ));
    }
}

#[tokio::test]
async fn cancelling_ends_a_long_prefill_quickly() {
    let engine = chat_engine();
    let chat = engine.chat().await.expect("the starter loads");
    let long = "The validation loss rose after the third epoch. ".repeat(180);
    let cancel = Cancel::new();
    let flag = cancel.clone();
    let task = tokio::spawn({
        let chat = chat.clone();
        async move {
            chat.generate(request(&[say(Role::User, &long)], 8), None, flag)
                .await
        }
    });
    tokio::time::sleep(Duration::from_millis(150)).await;
    cancel.cancel();
    let written = task.await.expect("joined").expect("a partial result");
    assert_eq!(written.finish, Finish::Cancelled);
    // It ended in the middle of reading, not after it.
    assert!(written.usage.prefilled_tokens < written.usage.prompt_tokens);
    // What was decoded before is kept, and the engine goes on.
    let next = chat
        .generate(
            request(&[say(Role::User, "Hello.")], 4),
            None,
            Cancel::new(),
        )
        .await;
    assert!(next.is_ok());
}
