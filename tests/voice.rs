//! The starter model wording real probes of the built-in guides: whatever it
//! writes, what is said passes every rule or is the guide's own line.

#[path = "engine_support/mod.rs"]
mod engine_support;

use viva::interview::{Facts, Intent, PointFacts, Source, Speaker, Utterance};
use viva::judge::Verdict;
use viva::llm::{Cancel, Embedder, Engine, EngineOptions};
use viva::voice::{Prompts, Standard, Voice, rules};

const ANSWER: &str = "I would retrain the model on newer data and put it out again. We had alerts on \
                      latency, but nobody looked at the numbers until a customer complained. The team \
                      agreed in the end, and accuracy went back to where it was.";

/// Words of the answer that a follow-up may quote.
const QUOTES: [&str; 3] = [
    "retrain the model on newer data",
    "nobody looked at the numbers",
    "accuracy went back to where it was",
];

/// Returns a probe for every point of some built-in questions, as the program
/// would ask it after `ANSWER`.
fn utterances(most: usize) -> Vec<Utterance> {
    let library = viva::guide::Library::built_in();
    let mut out: Vec<Utterance> = Vec::new();
    for question in library.questions() {
        for point in question.points.iter().take(2) {
            let quote = QUOTES[out.len() % QUOTES.len()];
            let probe = point.probes[0].clone();
            out.push(Utterance {
                speaker: Speaker {
                    id: "engineer".into(),
                    name: "Priya Raghunathan".into(),
                    role: "Senior machine learning engineer".into(),
                    brief: "You carry the pager.".into(),
                    manner: "Quick, dry, concrete.".into(),
                },
                intent: Intent::Probe,
                fallback: format!("Right. You said \u{201c}{quote}\u{201d}. {probe}"),
                facts: Facts {
                    question: Some(question.id.clone()),
                    asked: Some(question.ask.clone()),
                    panel_note: Some(question.panel_note.clone()),
                    answer: ANSWER.into(),
                    point: Some(PointFacts {
                        id: point.id.clone(),
                        text: point.text.clone(),
                        key_terms: point.key_terms.clone(),
                        kind: point.kind,
                        verdict: Verdict::Missing,
                        quotes: vec![quote.into()],
                    }),
                    probe: Some(probe),
                    lead: Some("Right.".into()),
                    earlier: out.iter().map(|line| line.fallback.clone()).collect(),
                    seed: 7,
                    ..Facts::default()
                },
            });
            if out.len() == most {
                return out;
            }
        }
    }
    out
}

/// Returns the cosine between a line's last sentence and the guide's probe.
async fn similarity(embedder: &dyn Embedder, own: &str, line: &Utterance) -> f32 {
    let asking = own.rsplit(". ").next().unwrap_or(own).to_owned();
    let probe = line.facts.probe.clone().unwrap_or_default();
    let vectors = embedder
        .embed(vec![asking, probe], Cancel::new())
        .await
        .expect("the embedder works");
    vectors[0].iter().zip(&vectors[1]).map(|(a, b)| a * b).sum()
}

#[tokio::test]
async fn the_starter_never_says_worse_than_the_guide() {
    let engine = Engine::start(EngineOptions {
        chat: Some(engine_support::model(engine_support::STARTER)),
        embedder: Some(engine_support::model(engine_support::EMBEDDER)),
        context: Some(2048),
        threads: Some(1),
        ..EngineOptions::default()
    })
    .expect("the models are good files");
    let voice = Voice::new(Prompts::built_in().expect("the built-in prompts"));
    voice.set_chat(engine.chat().await.expect("the starter loads"));
    let embedder = engine.embedder().await.expect("the embedder loads");
    voice.set_embedder(embedder.clone());
    let mut first = Vec::new();
    for line in utterances(6) {
        let spoken = voice.speak(&line, &mut |_: &str| {}, &Cancel::new()).await;
        assert_eq!(spoken.trouble, None);
        match spoken.source {
            Source::Guide => assert_eq!(spoken.text, line.fallback),
            Source::Model => {
                let own = spoken
                    .text
                    .strip_prefix("Right. ")
                    .expect("the lead comes first");
                let standard = Standard {
                    intent: line.intent,
                    facts: &line.facts,
                    fallback: &line.fallback,
                    max_words: 30,
                    min_similarity: rules::MIN_SIMILARITY_SMALL,
                };
                let near = similarity(embedder.as_ref(), own, &line).await;
                assert_eq!(rules::check(own, &standard, Some(near)), [], "{own}");
            }
        }
        first.push((line, spoken));
    }
    assert!(
        first.iter().all(|(_, spoken)| spoken.attempts > 0),
        "the model was asked"
    );
    // The same line again is the same words again.
    let (line, before) = &first[0];
    let again = voice.speak(line, &mut |_: &str| {}, &Cancel::new()).await;
    assert_eq!(again.text, before.text);
    // To be read by whoever changes the prompts.
    if std::env::var_os("VIVA_SHOW_LINES").is_some() {
        let shown = serde_json::to_string_pretty(
            &first.iter().map(|(_, spoken)| spoken).collect::<Vec<_>>(),
        );
        std::fs::write(
            std::env::temp_dir().join("viva-voice-lines.json"),
            shown.unwrap_or_default(),
        )
        .expect("a temporary file");
    }
    let tally = &voice.tallies()[0];
    assert_eq!(tally.accepted + tally.fell_back, tally.lines);
    engine.shutdown();
}

#[tokio::test]
async fn vectors_tell_a_line_in_other_words_from_one_about_something_else() {
    let engine = Engine::start(EngineOptions {
        embedder: Some(engine_support::model(engine_support::EMBEDDER)),
        threads: Some(1),
        ..EngineOptions::default()
    })
    .expect("the embedder is a good file");
    let embedder = engine.embedder().await.expect("the embedder loads");
    let near = async |one: &str, other: &str| -> f32 {
        let vectors = embedder
            .embed(vec![one.to_owned(), other.to_owned()], Cancel::new())
            .await
            .expect("the embedder works");
        vectors[0].iter().zip(&vectors[1]).map(|(a, b)| a * b).sum()
    };
    let close = "That is everything from our side. Thank you for thinking it through with us.";
    let hand = "Priya, would you like to go on from here?";
    for (guide, line) in [
        (
            close,
            "We have nothing further, so thank you for your time today.",
        ),
        (
            close,
            "That brings us to the end. Thank you for talking all of this through.",
        ),
        (
            close,
            "That's all we had. Thanks for working through it with us.",
        ),
        (hand, "Over to you, Priya, for the next part."),
        (hand, "Priya, I think you wanted to take it from here."),
    ] {
        let near = near(guide, line).await;
        assert!(near >= rules::MIN_RELEVANCE, "{near:.2}: {line}");
    }
    for (guide, line) in [
        (
            close,
            "The quarterly budget review covers travel expenses and office furniture.",
        ),
        (
            close,
            "A good soup needs onions, carrots and an hour on a low flame.",
        ),
        (
            hand,
            "Trains to the coast leave every hour from the second platform.",
        ),
    ] {
        let near = near(guide, line).await;
        assert!(near < rules::MIN_RELEVANCE, "{near:.2}: {line}");
    }
    engine.shutdown();
}
