//! The judge on models that are made up: what it asks them, and what it makes
//! of what they say. The real ones are judged in `tests/judge_reader.rs`.

use super::*;
use crate::guide::PointKind;
use crate::judge::CasePoint;
use crate::judge::reading::REFERENCE_CHARACTERS;
use crate::llm::fake::{FakeChat, FakeEmbedder};
use crate::llm::{BranchPrefix, Part};

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
    // As `prompt` of training/reader_data.py writes it.
    assert_eq!(
        parts.iter().map(Part::text).collect::<String>(),
        "Question: What is drift?\nPoint 1: Says that inputs change\nAnswer: what comes in isnt what it was by 0.3 or so"
    );
    assert_eq!(
        request.branches,
        [
            "\nPoint: Says that inputs change\nVerdict:",
            "\nMistake: Says labels are shuffled\nVerdict:",
        ]
    );
    assert!(request.fresh && !request.likelihood);
    assert!(found.judge.ends_with("-reader"), "{}", found.judge);
}

#[tokio::test]
async fn a_long_rubric_is_read_in_parts() {
    // Each point is told apart by its number, each part by what stands before.
    let (judge, reader) = hearing_only("number 20");
    let points: Vec<String> = (1..=23).map(|n| format!("Says number {n} of it")).collect();
    let texts: Vec<&str> = points.iter().map(String::as_str).collect();
    let mut case = asked_for(&texts, &[], Basis::Rubric);
    case.mistakes = vec![super::super::assessment::CaseMistake {
        id: "m".into(),
        text: "Says number 20 is a mistake".into(),
        severity: crate::guide::Severity::Serious,
    }];
    let found = judged(&judge, &case).await;
    let heard = |s: &Signals| s.reader.is_some_and(|reading| reading.yes > 0.0);
    let made: Vec<usize> = (found.points.iter().zip(1..))
        .filter_map(|(signals, n)| heard(signals).then_some(n))
        .collect();
    assert_eq!(made, [20]);
    assert!(found.mistakes.iter().all(heard) && found.mistakes.len() == 1);
    let requests = reader.branch_requests();
    let sizes: Vec<usize> = requests.iter().map(|r| r.branches.len()).collect();
    assert_eq!(sizes, [10, 10, 4]);
    for (request, first) in requests.iter().zip(["number 1 ", "number 11", "number 21"]) {
        let BranchPrefix::Plain(parts) = &request.prefix else {
            panic!("plain text");
        };
        let sought = parts.iter().map(Part::text).collect::<String>();
        assert!(
            sought.contains(&format!("\nPoint 1: Says {first}")),
            "{sought}"
        );
    }
}

#[tokio::test]
async fn the_reader_reads_a_model_answer_whole() {
    let (judge, reader) = hearing_only("queue");
    let long = format!("The queue grows. {}", "It waits. ".repeat(100));
    let far = "Lions roar at night.";
    let case = asked_for(&["It waits"], &[far, &long], Basis::Both);
    let found = judged(&judge, &case).await.whole.expect("compared");
    assert!(found.reader.is_some_and(|yes| yes > 2.0), "{found:?}");
    let requests = reader.branch_requests();
    let cut: String = long.trim().chars().take(REFERENCE_CHARACTERS).collect();
    let asked: Vec<(String, &[String])> = requests
        .iter()
        .map(|request| {
            let BranchPrefix::Plain(parts) = &request.prefix else {
                panic!("plain text");
            };
            let sought = parts.iter().map(Part::text).collect::<String>();
            (sought, request.branches.as_slice())
        })
        .collect();
    let prefix = |sought: &str| format!("Question: {}{sought}\nAnswer: ", case.question);
    let expected = [
        ("\nPoint 1: It waits", "\nPoint: It waits\nVerdict:"),
        (
            &*format!("\nModel answer 1: {far}"),
            &*format!("\nModel answer: {far}\nVerdict:"),
        ),
        (
            &*format!("\nModel answer 1: {cut}"),
            &*format!("\nModel answer: {cut}\nVerdict:"),
        ),
    ];
    assert_eq!(asked.len(), expected.len());
    for ((found, branches), (sought, branch)) in asked.iter().zip(expected) {
        assert!(found.starts_with(&prefix(sought)), "{found}");
        assert_eq!(*branches, [branch.to_owned()]);
    }
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

/// A judge whose reader gives every statement this logit of "yes".
fn hearing(yes: f32) -> LocalJudge {
    hearing_by(yes, 8)
}

/// The same with vectors of so many dimensions.
fn hearing_by(yes: f32, dimensions: usize) -> LocalJudge {
    let reader = FakeChat::new(["unused"])
        .with_branch(move |request| vec![vec![yes, 0.0, -9.0]; request.branches.len()]);
    LocalJudge::trained(
        Arc::new(FakeEmbedder::new(dimensions)),
        Arc::new(reader),
        Arc::new(FakeEmbedder::new(dimensions)),
    )
}

/// Returns a judge whose reader hears the statements that hold `word`, and that reader.
fn hearing_only(word: &'static str) -> (LocalJudge, Arc<FakeChat>) {
    let reader = Arc::new(FakeChat::new(["unused"]).with_branch(move |request| {
        let yes = |branch: &String| if branch.contains(word) { 3.0 } else { -3.0 };
        let branches = request.branches.iter();
        branches.map(|b| vec![yes(b), 0.0, -9.0]).collect()
    }));
    let judge = LocalJudge::trained(
        Arc::new(FakeEmbedder::new(8)),
        reader.clone(),
        Arc::new(FakeEmbedder::new(8)),
    );
    (judge, reader)
}

fn asked_for(points: &[&str], references: &[&str], basis: Basis) -> Case {
    let point = |text: &&str| CasePoint {
        id: (*text).to_owned(),
        text: (*text).to_owned(),
        weight: 1.0,
        kind: PointKind::Strong,
        key_terms: Vec::new(),
        star: None,
    };
    Case {
        question: "Why is it slow?".into(),
        points: points.iter().map(point).collect(),
        mistakes: Vec::new(),
        references: references.iter().map(|one| (*one).to_owned()).collect(),
        basis,
        behavioural: false,
        answer: "The queue grows when the workers wait for the disk.".into(),
    }
}

async fn judged(judge: &LocalJudge, case: &Case) -> Detailed {
    judge.detailed(case, Cancel::new()).await.expect("judged")
}

#[tokio::test]
async fn what_the_reader_hears_of_a_rubric_scales_the_score() {
    let three = ["The queue grows", "Workers wait", "The disk is slow"];
    let rubric = asked_for(&three, &[], Basis::Rubric);
    let loud = judged(&hearing(4.0), &rubric).await.assessment;
    let quiet = judged(&hearing(-4.0), &rubric).await.assessment;
    assert!(quiet.heard.is_some_and(|heard| heard < 0.05), "{quiet:?}");
    let louder = loud.heard.zip(quiet.heard).map(|(a, b)| a - b);
    assert!(louder.is_some_and(|more| more > 0.9), "{loud:?}");
    let of = |heard| {
        let overall = Overall { whole: None, heard };
        score::score(&rubric, &quiet.points, overall, &[], &quiet.flags)
    };
    assert_eq!(quiet.score, of(quiet.heard));
    assert!((of(None) - 10.0 * quiet.score).abs() < 1e-3 && quiet.score > 0.0);
    // Of two points, or in an exam, it says nothing.
    for case in [
        asked_for(&three[..2], &[], Basis::Rubric),
        asked_for(&three, &["The disk."], Basis::Both),
    ] {
        assert_eq!(judged(&hearing(-4.0), &case).await.assessment.heard, None);
    }
}

#[tokio::test]
async fn who_is_heard_is_not_off_topic_in_other_words() {
    let points = ["Lions roar at dusk", "Tall grass hides them", "Zebras run"];
    let mut case = asked_for(&points, &[], Basis::Rubric);
    case.question = "Why do lions roar?".into();
    // Two of its words are in a point, so that it is not off topic by its words.
    case.answer = "At Zebras, where I run the billing, invoices were printed twice because somebody restarted the billing \
                   worker while another one was still holding last month's batch open, so finance \
                   blamed support, and support called every customer by telephone."
        .into();
    let mut far_away = 0;
    // Made-up vectors are near or far as it happens.
    for dimensions in 8..24 {
        let quiet = judged(&hearing_by(-4.0, dimensions), &case).await;
        let loud = judged(&hearing_by(4.0, dimensions), &case).await;
        let topic = quiet.points[0].topic;
        assert_eq!(loud.assessment.flags, []);
        assert_eq!(
            quiet.assessment.flags.contains(&Flag::OffTopic),
            topic < 0.09
        );
        far_away += usize::from(topic < 0.09);
        // Who is away from the question must make more of it.
        for (found, yes) in [(&quiet, -4.0), (&loud, 4.0)] {
            let mean = Reading { yes, wrong: 0.0 }.probability();
            let heard = found.assessment.heard.expect("three points");
            assert!(
                (heard - (mean - far(Some(topic)))).abs() < 0.03,
                "{heard} {topic}"
            );
        }
    }
    assert!((1..16).contains(&far_away), "{far_away}");
}

#[test]
fn an_answer_away_from_its_question_must_make_more_of_it() {
    assert_eq!(far(None), 0.0);
    assert_eq!(far(Some(0.35)), 0.0);
    assert_eq!(far(Some(0.9)), 0.0);
    assert!((far(Some(0.15)) - 0.3).abs() < 1e-6);
    assert!(score::counted(Some(0.5 - far(Some(0.0)))) < score::counted(Some(0.5)));
    assert_eq!(score::counted(None), 1.0);
}

#[tokio::test]
async fn an_exam_is_graded_by_its_points_and_the_nearest_model_answer() {
    let parameters = Parameters::shipped().expect("weights");
    let points = ["The queue grows", "Lions roar"];
    let far = "Lions roar at night in tall grass.";
    let near = "The queue grows when the workers wait for the disk.";
    let judge = hearing(1.0);
    let of = async |references: &[&str]| {
        judged(&judge, &asked_for(&points, references, Basis::Both)).await
    };
    let (both, alone) = (of(&[far, near]).await, of(&[near]).await);
    assert_eq!(both.whole, alone.whole, "the nearest counts");
    let whole = both.whole.expect("compared");
    assert!((whole.agreement.said - 1.0).abs() < 1e-3, "{whole:?}");
    assert!(of(&[far]).await.assessment.score < both.assessment.score);
    let points: f32 = both.assessment.points.iter().map(|p| p.probability).sum();
    let wanted = 100.0 * (points / 2.0 + 2.0 * parameters.whole(&whole)) / 3.0;
    assert!((both.assessment.score - wanted).abs() < 1e-2, "{both:?}");
}

#[tokio::test]
async fn where_nothing_was_asked_nothing_is_off_topic_and_statements_have_weights_of_their_own() {
    let judge = hearing(1.0);
    let asked = asked_for(&["It waits", "It runs", "It stops"], &[], Basis::Rubric);
    let text = Case {
        question: String::new(),
        basis: Basis::Statements,
        ..asked.clone()
    };
    let (asked, text) = (judged(&judge, &asked).await, judged(&judge, &text).await);
    assert!(asked.assessment.heard.is_some());
    assert_eq!(text.assessment.heard, None);
    assert!(!text.assessment.flags.contains(&Flag::OffTopic));
    let parameters = Parameters::shipped().expect("weights");
    for (point, signals) in text.assessment.points.iter().zip(&text.points) {
        assert_eq!(point.probability, parameters.statement(signals));
    }
}
