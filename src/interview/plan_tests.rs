//! Plans as they are drawn: what a seed fixes, and what no plan may do. Questions,
//! people and template are those of [`sample`].

use super::*;
use crate::interview::sample;

fn draw(request: &PlanRequest) -> Plan {
    draw_from(&sample::bank(), request)
}

fn draw_from(bank: &[Question], request: &PlanRequest) -> Plan {
    let (template, people) = (sample::template(), sample::people());
    Plan::draw(request, &template, &sample::items(bank), &people).expect("a plan")
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.questions
        .iter()
        .map(|planned| planned.question.id.as_str())
        .collect()
}

#[test]
fn the_same_seed_draws_the_same_plan_and_seeds_differ() {
    let request = |seed| PlanRequest {
        seed,
        questions: 4,
        ..PlanRequest::default()
    };
    assert_eq!(draw(&request(7)), draw(&request(7)));
    let plans: Vec<Plan> = (0..20).map(|seed| draw(&request(seed))).collect();
    let first = ids(&plans[0]);
    assert!(plans.iter().any(|plan| ids(plan) != first));
}

#[test]
fn a_new_question_leaves_most_plans_as_they_were() {
    let mut bank = sample::bank();
    let request = |seed| PlanRequest {
        seed,
        questions: 3,
        ..PlanRequest::default()
    };
    let plan = |bank: &[Question], seed| draw_from(bank, &request(seed));
    let before: Vec<_> = (0..60).map(|seed| plan(&bank, seed)).collect();
    bank.push(sample::question(
        "story-9",
        Round::Behavioural,
        crate::guide::Competency::Collaboration,
        "story-9",
    ));
    let same = (0..60)
        .filter(|&seed| plan(&bank, seed) == before[seed as usize])
        .count();
    assert!((30..60).contains(&same), "{same}");
}

#[test]
fn no_concept_comes_twice() {
    for seed in 0..50 {
        let plan = draw(&PlanRequest {
            seed,
            questions: 20,
            ..PlanRequest::default()
        });
        let mut concepts: Vec<&str> = plan
            .questions
            .iter()
            .map(|planned| planned.question.concept.as_str())
            .collect();
        concepts.sort_unstable();
        let before = concepts.len();
        concepts.dedup();
        assert_eq!(concepts.len(), before);
    }
}

#[test]
fn rounds_get_their_share() {
    let plan = draw(&PlanRequest {
        seed: 3,
        questions: 3,
        ..PlanRequest::default()
    });
    let rounds: Vec<Round> = plan
        .questions
        .iter()
        .map(|planned| planned.question.round)
        .collect();
    assert_eq!(
        rounds,
        [Round::Technical, Round::Technical, Round::Behavioural]
    );
}

#[test]
fn what_was_asked_before_is_avoided_while_others_are_left() {
    let before: BTreeSet<String> = ["tech-0", "tech-1"].map(str::to_owned).into();
    for seed in 0..30 {
        let plan = draw(&PlanRequest {
            seed,
            questions: 3,
            asked_before: before.clone(),
            ..PlanRequest::default()
        });
        assert!(ids(&plan).iter().all(|id| !before.contains(*id)));
    }
}

#[test]
fn weak_points_bring_their_question_back() {
    let weak = BTreeMap::from([(
        "tech-2".to_owned(),
        BTreeMap::from([("a".to_owned(), 1.0_f32)]),
    )]);
    for seed in 0..30 {
        let plan = draw(&PlanRequest {
            seed,
            questions: 2,
            asked_before: ["tech-2".to_owned()].into(),
            weak_points: weak.clone(),
            ..PlanRequest::default()
        });
        assert!(ids(&plan).contains(&"tech-2"));
    }
}

#[test]
fn a_wanted_question_is_asked_alone_unless_more_are_asked_for() {
    let request = PlanRequest {
        wanted: vec!["story-0".to_owned()],
        ..PlanRequest::default()
    };
    assert_eq!(ids(&draw(&request)), ["story-0"]);
    let more = PlanRequest {
        questions: 2,
        ..request
    };
    let plan = draw(&more);
    assert_eq!(plan.questions.len(), 2);
    assert_eq!(ids(&plan)[0], "story-0");
}

#[test]
fn an_unknown_question_is_named() {
    let request = PlanRequest {
        wanted: vec!["nowhere".to_owned()],
        ..PlanRequest::default()
    };
    let error = Plan::draw(&request, &sample::template(), &[], &sample::people());
    assert_eq!(error, Err(PlanError::UnknownQuestion("nowhere".to_owned())));
}

#[test]
fn the_panellist_who_votes_on_the_competency_asks() {
    let plan = draw(&PlanRequest {
        wanted: vec!["story-0".to_owned()],
        ..PlanRequest::default()
    });
    assert_eq!(plan.asks(0).map(|person| person.id.as_str()), Some("chair"));
}

#[test]
fn a_new_question_is_asked_in_its_own_words_and_a_known_one_in_others() {
    let variants = |asked_before: BTreeSet<String>| -> BTreeSet<usize> {
        (0..60)
            .map(|seed| {
                let plan = draw(&PlanRequest {
                    seed,
                    wanted: vec!["tech-0".to_owned()],
                    asked_before: asked_before.clone(),
                    ..PlanRequest::default()
                });
                plan.questions[0].variant
            })
            .collect()
    };
    assert_eq!(variants(BTreeSet::new()), BTreeSet::from([0]));
    let known = BTreeSet::from(["tech-0".to_owned()]);
    assert_eq!(variants(known), BTreeSet::from([1, 2]));
}
