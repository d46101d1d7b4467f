//! Tests of the way from verdicts to cards, on a journal in memory.

use serde_json::json;

use super::*;
use crate::store::{ModelStamp, SessionMeta, Status, VerdictRow, Versions};

fn meta(mode: &str) -> SessionMeta {
    SessionMeta {
        title: "A session".to_owned(),
        plan: mode.to_owned(),
        mode: mode.to_owned(),
        seed: 1,
        model: ModelStamp::default(),
        versions: Versions::default(),
        extra: serde_json::Value::Null,
    }
}

fn row(point: &str, verdict: &str, recovery: &str) -> VerdictRow {
    VerdictRow {
        question: "q".to_owned(),
        attempt: 0,
        source: VerdictSource::Interview,
        point: point.to_owned(),
        verdict: verdict.to_owned(),
        probability: 0.97,
        recovery: recovery.to_owned(),
        model_hash: String::new(),
        versions: Versions {
            judge: "2.abc-reader".to_owned(),
            ..Versions::default()
        },
    }
}

fn finished(journal: &Journal, rows: &[VerdictRow]) -> SessionId {
    let session = journal.begin(&meta("practice")).expect("begun");
    journal.record_verdicts(&session, rows).expect("stored");
    journal.finish(&session, Status::Finished).expect("ended");
    session
}

fn ratings_of(journal: &Journal) -> Vec<(String, u32)> {
    let reviews = journal.reviews().expect("readable");
    reviews
        .into_iter()
        .map(|review| (review.point, review.rating))
        .collect()
}

fn named(pairs: &[(&str, u32)]) -> Vec<(String, u32)> {
    pairs
        .iter()
        .map(|(name, rating)| ((*name).to_owned(), *rating))
        .collect()
}

#[test]
fn a_finished_interview_becomes_reviews_and_cards_once() {
    let journal = Journal::open_in_memory().expect("a journal");
    let rows = [
        row("a", "covered", "unaided"),
        row("b", "covered", "probe"),
        row("c", "covered", "hint"),
        row("d", "missing", "never"),
        row("e", "unsure", "never"),
        row("f", "partial", "never"),
        row("g", "covered", "hint-1"),
        row("h", "covered", "hint-2"),
    ];
    finished(&journal, &rows);
    catch_up(&journal).expect("caught up");
    // A journal from before the hint was kept has "hint" alone.
    let expected = named(&[
        ("a", 4),
        ("b", 2),
        ("c", 1),
        ("d", 1),
        ("f", 1),
        ("g", 2),
        ("h", 1),
    ]);
    assert_eq!(ratings_of(&journal), expected);
    let cards = journal.cards().expect("cards");
    assert_eq!(cards.len(), 7);
    assert!(cards.iter().all(|card| card.reviews == 1));
    catch_up(&journal).expect("caught up");
    assert_eq!(ratings_of(&journal), expected);
    assert!(journal.unscheduled(9).expect("readable").is_empty());
}

#[test]
fn a_contested_verdict_counts_as_it_was_settled_and_a_later_judge_does_not() {
    let journal = Journal::open_in_memory().expect("a journal");
    let contest = VerdictRow {
        source: VerdictSource::Contest,
        ..row("a", "covered", "unaided")
    };
    let regrade = VerdictRow {
        source: VerdictSource::Regrade,
        ..row("b", "covered", "unaided")
    };
    let rows = [
        row("a", "missing", "never"),
        contest,
        row("b", "missing", "never"),
        regrade,
    ];
    finished(&journal, &rows);
    catch_up(&journal).expect("caught up");
    assert_eq!(ratings_of(&journal), named(&[("a", 4), ("b", 1)]));
}

#[test]
fn an_unfinished_interview_is_left_alone() {
    let journal = Journal::open_in_memory().expect("a journal");
    let session = journal.begin(&meta("practice")).expect("begun");
    journal
        .record_verdicts(&session, &[row("a", "covered", "unaided")])
        .expect("stored");
    catch_up(&journal).expect("caught up");
    assert!(journal.cards().expect("cards").is_empty());
}

#[test]
fn forgetting_a_session_takes_its_reviews_out_of_the_cards() {
    let journal = Journal::open_in_memory().expect("a journal");
    let first = finished(
        &journal,
        &[row("a", "missing", "never"), row("b", "missing", "never")],
    );
    let second = finished(&journal, &[row("a", "covered", "unaided")]);
    catch_up(&journal).expect("caught up");
    let both = journal.cards().expect("cards");
    assert_eq!(both.len(), 2);
    journal.forget(&first).expect("forgotten");
    // A card without reviews is gone at once; the other is computed again.
    assert_eq!(journal.cards().expect("cards").len(), 1);
    catch_up(&journal).expect("caught up");
    let left = journal.cards().expect("cards");
    assert_eq!((left.len(), left[0].reviews), (1, 1));
    let alone = Journal::open_in_memory().expect("a journal");
    finished(&alone, &[row("a", "covered", "unaided")]);
    catch_up(&alone).expect("caught up");
    assert_eq!(
        alone.cards().expect("cards")[0].stability,
        left[0].stability
    );
    journal.forget(&second).expect("forgotten");
    assert!(journal.cards().expect("cards").is_empty());
}

#[test]
fn an_export_brings_reviews_and_kept_values_along_and_the_cards_again() {
    let journal = Journal::open_in_memory().expect("a journal");
    finished(
        &journal,
        &[row("a", "covered", "unaided"), row("b", "wrong", "never")],
    );
    catch_up(&journal).expect("caught up");
    note_asked(&journal, "q", "a", "variant-1+probe-0").expect("kept");
    let mut text = Vec::new();
    journal.export(&mut text).expect("exported");
    let other = Journal::open_in_memory().expect("a journal");
    other.keep("mine", &json!(1)).expect("kept");
    other.import(&mut text.as_slice()).expect("imported");
    assert!(other.unscheduled(9).expect("readable").is_empty());
    assert_eq!(
        other.reviews().expect("reviews"),
        journal.reviews().expect("reviews")
    );
    assert!(other.cards().expect("cards").is_empty());
    catch_up(&other).expect("caught up");
    assert_eq!(
        other.cards().expect("cards"),
        journal.cards().expect("cards")
    );
    assert_eq!(
        asked(&other).expect("asked").get("q/a").map(String::as_str),
        Some("variant-1+probe-0")
    );
    assert_eq!(other.kept("mine").expect("readable"), Some(json!(1)));
    let mut again = Vec::new();
    other.forget_all().expect("forgotten");
    other.import(&mut text.as_slice()).expect("imported");
    catch_up(&other).expect("caught up");
    other.export(&mut again).expect("exported");
    assert_eq!(again, text);
    other.forget_all().expect("forgotten");
    assert_eq!(other.kept("mine").expect("readable"), None);
    assert!(other.cards().expect("cards").is_empty());
}

#[test]
fn parameters_are_fitted_once_there_are_enough_reviews_and_the_cards_follow() {
    let journal = Journal::open_in_memory().expect("a journal");
    let session = journal.begin(&meta("practice")).expect("begun");
    let day = crate::drill::card::DAY_MS;
    let review = |card: u32, n: u32| ReviewRow {
        question: format!("q{card}"),
        point: "a".to_owned(),
        n,
        at_ms: i64::from(n * n) * day,
        source: "drill".to_owned(),
        rating: if n == 0 || (card + n).is_multiple_of(3) {
            3
        } else {
            1
        },
        verdict: "covered".to_owned(),
        probability: 0.9,
        recovery: "unaided".to_owned(),
        wording: "ask".to_owned(),
    };
    let all = |cards: std::ops::Range<u32>| -> Vec<ReviewRow> {
        cards
            .flat_map(|card| (0..6).map(move |n| review(card, n)))
            .collect()
    };
    journal.put_reviews(&session, &all(0..60)).expect("stored");
    assert_eq!(refit(&journal).expect("readable"), None);
    journal
        .put_reviews(&session, &all(60..100))
        .expect("stored");
    recompute(&journal, &Scheduler::default()).expect("computed");
    let before = journal.cards().expect("cards")[0].stability;
    assert_eq!(refit(&journal).expect("fitted"), Some(600));
    let after = journal.cards().expect("cards")[0].stability;
    assert_ne!(before, after);
    // Not again until there is a quarter more.
    assert_eq!(refit(&journal).expect("readable"), None);
}

#[test]
fn the_wording_asked_last_is_known_also_where_nothing_was_judged() {
    let journal = Journal::open_in_memory().expect("a journal");
    let library = Library::built_in();
    let (question, point) = choose::points(&library).next().expect("a point");
    note_asked(&journal, &question.id, &point.id, "variant-0+probe-0").expect("kept");
    let deck = Deck::read(&journal).expect("a deck");
    let found = deck.candidates(&library);
    assert_eq!(found[0].wording, Some("variant-0+probe-0"));
    assert!(found[0].card.is_none());
    assert!(deck.is_empty());
}
