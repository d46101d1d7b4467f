//! The judge with the shipped reader, on the real starter and encoder: what it
//! is worth on answers nothing was trained on, and what must not move it.

mod engine_support;

use std::collections::BTreeMap;

use engine_support::{EMBEDDER, STARTER, model};
use viva::judge::calibration::{self, Judged, Sample};
use viva::judge::grading::Row;
use viva::judge::matcher::{Kind, Matcher};
use viva::judge::{Assessment, Case, Judge, LocalJudge};
use viva::llm::*;

/// The reader's file as the program finds it; what it unpacks is shared by all
/// tests.
fn reader() -> std::path::PathBuf {
    viva::models::reader(&paths())
        .expect("the reader can be unpacked")
        .expect("the starter is there")
}

fn matcher() -> std::path::PathBuf {
    viva::models::matcher(&paths()).expect("the matcher can be unpacked")
}

fn paths() -> viva::paths::Paths {
    let starter = model(STARTER);
    let tmp = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    viva::paths::Paths {
        config: tmp.join("config"),
        data: tmp.join("data"),
        models: starter.parent().expect("a folder").to_path_buf(),
        cache: tmp.join("cache/viva"),
    }
}

async fn judge() -> LocalJudge {
    let engine = Engine::start(EngineOptions {
        embedder: Some(model(EMBEDDER)),
        matcher: Some(matcher()),
        reader: Some(reader()),
        // The tests run side by side.
        threads: Some(1),
        ..EngineOptions::default()
    })
    .expect("good files");
    LocalJudge::trained(
        engine.embedder().await.expect("the embedder loads"),
        engine.reader().await.expect("the reader loads"),
        engine.matcher().await.expect("the matcher loads"),
    )
}

async fn assess(judge: &LocalJudge, case: &Case) -> Assessment {
    judge
        .assess(case, Cancel::new())
        .await
        .expect("a judgement")
}

fn samples() -> Vec<Sample> {
    calibration::shipped().expect("the set is valid")
}

/// The first answer of this kind of every question that has one.
fn of_kind<'a>(samples: &'a [Sample], kind: &str) -> Vec<(&'a Sample, &'a str)> {
    samples
        .iter()
        .filter_map(|sample| {
            let answer = sample.answers.iter().find(|a| a.kind == kind)?;
            Some((sample, answer.answer.as_str()))
        })
        .collect()
}

/// Judges all answers of `samples`, and sees that what is quoted stands there.
async fn judged(samples: &[Sample]) -> Vec<Judged<'_>> {
    let judge = judge().await;
    let mut judged = Vec::new();
    for sample in samples {
        for answer in &sample.answers {
            let found = assess(&judge, &sample.case(&answer.answer)).await;
            for range in found
                .points
                .iter()
                .flat_map(|point| &point.evidence)
                .chain(found.mistakes.iter().flat_map(|mistake| &mistake.evidence))
            {
                assert!(
                    answer
                        .answer
                        .get(range.clone())
                        .is_some_and(|q| !q.is_empty())
                );
            }
            judged.push(Judged {
                sample,
                answer,
                found,
            });
        }
    }
    judged
}

/// The matcher computes what it was trained to: the expected figures are those of
/// `training/train_matcher.py` for the same texts, before its matrices were
/// brought to 8 bits.
#[tokio::test]
async fn the_matcher_computes_what_it_was_trained_to() {
    let engine = Engine::start(EngineOptions {
        matcher: Some(matcher()),
        threads: Some(1),
        ..EngineOptions::default()
    })
    .expect("a good file");
    let encoder = engine.matcher().await.expect("the matcher loads");
    let answer = "id look at the inputs first has the share of nulls moved by more than 0.5 per \
                  cent since training then the labels";
    let words: Vec<String> = answer.split(' ').map(str::to_owned).collect();
    let about = "How would you debug a model that got worse? Compares the distributions of the \
                 inputs with those of training Rolls back to the last good version";
    let found = Matcher::new(encoder)
        .read(
            about,
            &words,
            &[0..20, 20..23],
            &[
                (
                    Kind::Point,
                    "Compares the distributions of the inputs with those of training",
                ),
                (Kind::Point, "Rolls back to the last good version"),
                (
                    Kind::Mistake,
                    "Retrains at once without looking for the cause",
                ),
                (
                    Kind::Reference,
                    "Check the inputs for drift, then the labels, then the last release.",
                ),
            ],
            &Cancel::new(),
        )
        .await
        .expect("read");
    let expected = [2.446_f32, -2.229, -3.187, 0.225];
    for (got, wanted) in found.statements.iter().zip(expected) {
        assert!((got - wanted).abs() < 0.1, "{found:?}");
    }
    assert!((found.topic - 0.361).abs() < 0.01, "{found:?}");
    // What was said of the inputs stands in the first passage.
    assert!(
        matches!(found.passages[0][..], [inputs, labels] if inputs > labels + 0.2),
        "{found:?}"
    );
    assert!(found.passages[3].is_empty(), "a whole model answer");
}

#[tokio::test]
async fn the_calibration_set_passes_its_floors() {
    let samples = samples();
    // Two judges side by side, each with a thread.
    let (first, second) = samples.split_at(samples.len() / 2);
    let (mut judged, rest) = tokio::join!(judged(first), judged(second));
    judged.extend(rest);
    let figures = calibration::figures(&judged);
    // For reading, beside the assertions.
    let seen = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("calibration.txt");
    std::fs::write(seen, format!("{figures:#?}")).expect("the folder can be written");
    for floor in figures.floors() {
        assert!(floor.is_met(), "{floor:?} of {figures:#?}");
    }
}

/// In an exam length counts where it is spent on the matter, and nowhere else.
#[tokio::test]
async fn an_exam_answer_earns_by_what_it_says_and_not_by_filler() {
    const QUESTION: &str = "What does early stopping do?";
    const MODEL_ANSWER: &str = "Early stopping ends training when the loss on a validation set \
        no longer falls for some epochs. It keeps the weights of the best epoch and so limits \
        overfitting without a penalty term.";
    const SHORT: &str = "You end training when validation loss no longer gets better.";
    const MORE: &str = "You go back to the weights of the best epoch, so the network does not \
        overfit even without a regularisation term.";
    const FILLER: &str = "I have been asked this before, by a colleague on a train to Leeds. \
        There is a lot one could say here, and everybody does it a little differently, but that \
        is how I see it, and I hope it makes sense to you.";
    let judge = judge().await;
    let mut scores = BTreeMap::new();
    for (name, answer) in [
        ("model answer", MODEL_ANSWER.to_owned()),
        ("short", SHORT.to_owned()),
        ("both", format!("{SHORT} {MORE}")),
        ("padded", format!("{SHORT} {FILLER}")),
        ("filler", FILLER.to_owned()),
        ("question", QUESTION.to_owned()),
    ] {
        let row = serde_json::json!({
            "question": QUESTION, "references": [MODEL_ANSWER], "answer": answer,
        });
        let row = Row::parse(&row.to_string()).expect("a row");
        let cases = row.cases();
        scores.insert(name, assess(&judge, &cases[0]).await.score);
    }
    assert!(scores["model answer"] > 90.0, "{scores:?}");
    assert!(scores["both"] > scores["short"] + 10.0, "{scores:?}");
    assert!(scores["padded"] < scores["short"] + 5.0, "{scores:?}");
    assert!(scores["filler"] < 10.0, "{scores:?}");
    assert!(scores["question"] < 10.0, "{scores:?}");
}

#[tokio::test]
async fn the_same_answer_is_judged_the_same_whatever_was_judged_before() {
    let samples = samples();
    let answers = of_kind(&samples, "strong");
    let (sample, answer) = answers[0];
    let case = sample.case(answer);
    let first = judge().await;
    let alone = assess(&first, &case).await;
    for (other, text) in answers.iter().skip(1).take(3) {
        assess(&first, &other.case(text)).await;
        assert_eq!(assess(&first, &case).await, alone);
    }
    // A beginning of the same answer leaves nothing behind either.
    assess(&first, &sample.case(&answer[..answer.len() / 2])).await;
    assert_eq!(assess(&first, &case).await, alone);
}

/// A prompt of the reader, and what the training code's model says at the end
/// of each branch (`training/export_reader.py --reference`).
#[derive(serde::Deserialize)]
struct Reference {
    prefix: String,
    branches: Vec<String>,
    /// Logits of yes, no and wrong.
    logits: Vec<[f32; 3]>,
}

#[tokio::test]
async fn the_reader_says_what_it_said_in_training() {
    let text = include_str!("fixtures/reader-reference.json");
    let references: Vec<Reference> = serde_json::from_str(text).expect("references");
    let engine = Engine::start(EngineOptions {
        reader: Some(reader()),
        threads: Some(1),
        ..EngineOptions::default()
    })
    .expect("a good file");
    let reader = engine.reader().await.expect("the reader loads");
    let (mut differences, mut sure) = (Vec::new(), [0, 0]);
    for reference in references {
        let request = BranchRequest {
            prefix: BranchPrefix::Plain(vec![Part::Prompt(reference.prefix)]),
            branches: reference.branches,
            words: vec![" yes".into(), " no".into(), " wrong".into()],
            likelihood: false,
            fresh: true,
        };
        let read = reader.branch(request, Cancel::new()).await.expect("read");
        assert_eq!(read.logits.len(), reference.logits.len());
        for (found, wanted) in read.logits.iter().zip(reference.logits) {
            let yes = |row: &[f32]| {
                let sum: f32 = row.iter().map(|logit| logit.exp()).sum();
                row[0].exp() / sum
            };
            differences.push((yes(found) - yes(&wanted)).abs());
            sure[0] += u32::from(yes(&wanted) > 0.7);
            sure[1] += u32::from(yes(&wanted) < 0.3);
        }
    }
    // Rounding to 8 bits is all that differs.
    let mean = differences.iter().sum::<f32>() / differences.len() as f32;
    assert!(mean < 0.03, "{differences:?}");
    assert!(sure.iter().all(|count| *count > 3), "{sure:?}");
}

#[tokio::test]
async fn case_space_and_punctuation_do_not_move_the_score() {
    let judge = judge().await;
    let samples = samples();
    for (sample, answer) in of_kind(&samples, "half").into_iter().take(6) {
        let score = assess(&judge, &sample.case(answer)).await.score;
        let bare: String = answer
            .chars()
            .filter(|c| !matches!(c, ',' | ';' | ':' | '!' | '?' | '"'))
            .collect();
        for other in [
            answer.to_uppercase(),
            answer.to_lowercase(),
            answer.replace(' ', " \n\t "),
            bare,
        ] {
            let moved = (assess(&judge, &sample.case(&other)).await.score - score).abs();
            assert!(moved <= 5.0, "{moved}: {other}");
        }
    }
}

#[tokio::test]
async fn a_long_answer_is_read_to_its_end() {
    let judge = judge().await;
    let samples = samples();
    // Six minutes of talk about something else, and then a strong answer.
    let talk = "we had a long meeting about the office plants and the coffee machine and then \
                somebody asked about parking and the lift "
        .repeat(40);
    let mut heard = BTreeMap::new();
    for (sample, answer) in of_kind(&samples, "strong").into_iter().take(3) {
        let alone = assess(&judge, &sample.case(answer)).await;
        let late = assess(&judge, &sample.case(&format!("{talk}. {answer}"))).await;
        let sum = |found: &Assessment| found.points.iter().map(|p| p.probability).sum::<f32>();
        heard.insert(sample.id.clone(), (sum(&alone), sum(&late)));
    }
    let (alone, late) = heard
        .values()
        .fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    assert!(late > 0.6 * alone, "{heard:?}");
}
