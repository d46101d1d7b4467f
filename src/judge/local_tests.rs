//! The judge on models that are made up: what it asks them, and what it makes
//! of what they say. The real ones are judged in `tests/judge_reader.rs`.

use super::*;
use crate::llm::fake::{FakeChat, FakeEmbedder};

#[tokio::test]
async fn the_reader_is_asked_as_it_was_trained() {
    let reader = Arc::new(FakeChat::new(["unused"]).with_branch(|request| {
        request
            .branches
            .iter()
            .map(|branch| match branch.contains("Mistake") {
                true => vec![-4.0, 4.0, -4.0],
                false => vec![4.0, -4.0, -4.0],
            })
            .collect()
    }));
    let judge = LocalJudge::trained(
        Arc::new(FakeEmbedder::new(8)),
        reader.clone(),
        Arc::new(FakeEmbedder::new(8)),
    );
    let case = Case {
        question: "What  is drift?".into(),
        points: vec![CasePoint {
            id: "p".into(),
            text: "Says that inputs change".into(),
            weight: 1.0,
            kind: crate::guide::PointKind::Strong,
            key_terms: Vec::new(),
            star: None,
        }],
        mistakes: vec![super::super::assessment::CaseMistake {
            id: "m".into(),
            text: "Says labels are shuffled".into(),
            severity: crate::guide::Severity::Serious,
        }],
        references: Vec::new(),
        basis: Basis::Rubric,
        behavioural: false,
        answer: "What comes in isn't what it was, by 0.3 or so!".into(),
    };
    let found = judge.assess(&case, Cancel::new()).await.expect("judged");
    assert_eq!(found.points[0].verdict, Verdict::Covered);
    assert!(!found.mistakes[0].made);
    let requests = reader.branch_requests();
    let [request] = requests.as_slice() else {
        panic!("one request: {requests:?}");
    };
    let BranchPrefix::Plain(parts) = &request.prefix else {
        panic!("plain text");
    };
    // As `prefix` and `branch` of training/reader_data.py write it.
    assert_eq!(
        parts.iter().map(Part::text).collect::<String>(),
        "Question: What is drift?\nAnswer: what comes in isnt what it was by 0.3 or so"
    );
    assert_eq!(
        request.branches,
        [
            "\nPoint: Says that inputs change\nVerdict:",
            "\nMistake: Says labels are shuffled\nVerdict:"
        ]
    );
    assert!(request.fresh && !request.likelihood);
    assert!(found.judge.ends_with("-reader"), "{}", found.judge);
}

#[test]
fn only_a_reading_judge_that_missed_no_floor_is_trusted() {
    let embedder = || Arc::new(FakeEmbedder::new(8)) as Arc<dyn Embedder>;
    let reader = || Arc::new(FakeChat::new(["unused"])) as Arc<dyn ChatModel>;
    let trusted = |judge: LocalJudge| is_trusted(&judge.version());
    assert!(!trusted(LocalJudge::new(None)));
    assert!(!trusted(LocalJudge::new(Some(embedder()))));
    let reading = LocalJudge::trained(embedder(), reader(), embedder());
    assert_eq!(reading.version(), LocalJudge::reading_version());
    assert!(trusted(reading.clone()));
    assert!(!trusted(reading.unproven()));
}
