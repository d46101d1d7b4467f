//! A small made-up bank for this room's unit tests. Made for tests only; the
//! content that ships is under `content/`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::plan::{BankItem, Plan, PlanRequest, PlannedQuestion};
use super::{Event, EventKind, Mode};
use crate::guide::{
    Competency, Level, Library, Mistake, Panellist, PlanShare, PlanTemplate, Point, PointKind,
    Question, RedFlag, Round, Severity, Source, SpokenRange,
};
use crate::judge::{Assessment, Case, Flag, PointVerdict, Verdict};

/// Returns a question with the points `a` (essential), `b` (essential), `c`
/// (strong) and `d` (standout).
pub(crate) fn question(id: &str, round: Round, competency: Competency, concept: &str) -> Question {
    let point = |id: &str, weight, kind| Point {
        id: id.to_owned(),
        text: format!("Says the thing called {id}"),
        weight,
        kind,
        star: None,
        key_terms: vec![format!("secret{id}")],
        probes: vec![
            format!("What about matter {id}?"),
            format!("Could you open up {id} further?"),
        ],
        hints: (1..=3)
            .map(|rung| format!("Hint {rung} for {id}."))
            .collect(),
    };
    Question {
        id: id.to_owned(),
        source: Source {
            item: "question 1".to_owned(),
            file: None,
        },
        concept: concept.to_owned(),
        round,
        levels: vec![Level::Associate],
        difficulty: 2,
        competencies: vec![competency],
        spoken_seconds: SpokenRange { min: 60, max: 120 },
        ask: format!("Would you tell us about {id}?"),
        variants: vec![
            format!("First other way: {id}?"),
            format!("Second way: {id}?"),
        ],
        panel_note: "Scores what is said.".to_owned(),
        model_answer: "A model answer.".to_owned(),
        points: vec![
            point("a", 40, PointKind::Essential),
            point("b", 30, PointKind::Essential),
            point("c", 20, PointKind::Strong),
            point("d", 10, PointKind::Standout),
        ],
        mistakes: vec![Mistake {
            id: "m".to_owned(),
            text: "Says the wrong thing".to_owned(),
            severity: Severity::Serious,
            why: "It costs trust.".to_owned(),
        }],
        harder: vec![format!("And if {id} were ten times larger?")],
    }
}

/// Returns eight questions: five technical, two stories, one design; two of
/// the technical ones share a concept.
pub(crate) fn bank() -> Vec<Question> {
    let mut bank: Vec<Question> = (0..5)
        .map(|n| {
            let concept = if n == 4 { 3 } else { n };
            question(
                &format!("tech-{n}"),
                Round::Technical,
                Competency::Evaluation,
                &format!("concept-{concept}"),
            )
        })
        .collect();
    bank.extend((0..2).map(|n| {
        question(
            &format!("story-{n}"),
            Round::Behavioural,
            Competency::Collaboration,
            &format!("story-{n}"),
        )
    }));
    bank.push(question(
        "design-0",
        Round::SystemDesign,
        Competency::SystemDesign,
        "design",
    ));
    bank
}

/// Returns three people.
pub(crate) fn people() -> Vec<Panellist> {
    let person = |id: &str, name: &str, competency| Panellist {
        id: id.to_owned(),
        name: name.to_owned(),
        role: format!("Role of {id}"),
        brief: "Find out.".to_owned(),
        manner: "Plain.".to_owned(),
        listens_for: vec!["facts".to_owned()],
        competencies: vec![competency],
        rounds: vec![Round::Technical],
        greeting: format!("I'm {name}."),
        handovers: vec!["Over to {name}.".to_owned(), "{name}, yours.".to_owned()],
        acknowledgements: vec!["Right.".to_owned(), "Okay.".to_owned()],
    };
    vec![
        person("chair", "Ann Archer", Competency::Collaboration),
        person("engineer", "Ben Brook", Competency::Evaluation),
        person("designer", "Cara Cole", Competency::SystemDesign),
    ]
}

/// Returns a template: technical 3, behavioural 2, design 1.
pub(crate) fn template() -> PlanTemplate {
    let share = |round, parts| PlanShare { round, parts };
    PlanTemplate {
        id: "panel".to_owned(),
        title: "Mixed panel".to_owned(),
        round: None,
        format: None,
        mix: vec![
            share(Round::Technical, 3),
            share(Round::Behavioural, 2),
            share(Round::SystemDesign, 1),
        ],
        panel: ["chair", "engineer", "designer"].map(str::to_owned).into(),
        questions: 3,
        minutes: 25,
        opening: "Welcome.".to_owned(),
        closing: "Thank you.".to_owned(),
    }
}

/// Returns the questions of a bank as a plan is drawn from them.
pub(crate) fn items(bank: &[Question]) -> Vec<BankItem<'_>> {
    bank.iter()
        .map(|question| BankItem {
            question,
            citation: "sample, question 1",
        })
        .collect()
}

/// Returns a plan of `questions` questions.
pub(crate) fn plan(seed: u64, questions: usize, mode: Mode) -> Plan {
    let request = PlanRequest {
        seed,
        mode,
        questions,
        ..PlanRequest::default()
    };
    Plan::draw(&request, &template(), &items(&bank()), &people()).expect("a plan")
}

/// Returns the red flags of the guides that ship, with their places.
pub(crate) fn red_flags() -> Vec<(RedFlag, String)> {
    static FLAGS: LazyLock<Vec<(RedFlag, String)>> = LazyLock::new(|| {
        Library::built_in()
            .red_flags()
            .map(|flag| (flag.clone(), format!("sample, {}", flag.source.item)))
            .collect()
    });
    FLAGS.clone()
}

/// Returns a plan that ends with a question in which the candidate asks, after
/// `others` of the usual ones.
pub(crate) fn reverse_plan(seed: u64, others: usize, mode: Mode) -> Plan {
    let mut plan = plan(seed, others.max(1), mode);
    plan.questions.truncate(others);
    let question = question(
        "yours",
        Round::CandidateQuestions,
        Competency::ProductSense,
        "yours",
    );
    plan.questions.push(PlannedQuestion {
        asked: question.ask.clone(),
        citation: "sample, question 12".to_owned(),
        variant: 0,
        panellist: 0,
        weak_points: BTreeMap::new(),
        question,
    });
    plan.with_employer(red_flags())
}

/// Returns an event.
pub(crate) fn at(at_ms: u64, kind: EventKind) -> Event {
    Event { at_ms, kind }
}

/// Returns an assessment whose verdicts are read from the answer: `+a` covers
/// a, `~a` is partial, `-a` wrong, `?a` unsure; "dunno" is a non-answer. The
/// last mark of a point counts.
pub(crate) fn assess(case: &Case) -> Assessment {
    let mut score = 0.0;
    let points = case
        .points
        .iter()
        .map(|point| {
            let mut verdict = Verdict::Missing;
            let mut evidence = Vec::new();
            let mut from = 0;
            for word in case.answer.split_whitespace() {
                let start = from + case.answer[from..].find(word).unwrap_or(0);
                from = start + word.len();
                let Some(rest) = word.strip_prefix(['+', '~', '-', '?']) else {
                    continue;
                };
                if rest == point.id {
                    verdict = match &word[..1] {
                        "+" => Verdict::Covered,
                        "~" => Verdict::Partial,
                        "-" => Verdict::Wrong,
                        _ => Verdict::Unsure,
                    };
                    evidence = std::iter::once(start..from).collect();
                }
            }
            if verdict == Verdict::Covered {
                score += point.weight;
            }
            PointVerdict {
                id: point.id.clone(),
                verdict,
                probability: if verdict == Verdict::Covered {
                    0.9
                } else {
                    0.2
                },
                evidence,
            }
        })
        .collect();
    let flags = if case.answer.split("\n\n").all(|part| part == "dunno") {
        vec![Flag::NonAnswer]
    } else {
        Vec::new()
    };
    Assessment {
        heard: None,
        judge: "sample-1".to_owned(),
        points,
        mistakes: Vec::new(),
        flags,
        score,
    }
}
