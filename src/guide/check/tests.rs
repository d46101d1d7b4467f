//! One test for each fault: the right rule, at the right line.

use super::*;
use crate::guide::{MAX_DEPTH, MAX_FILE_BYTES, Origin};

const TINY: &str = include_str!("../../../tests/fixtures/guides/tiny.toml");

fn check(text: &str) -> Vec<Fault> {
    match Document::new("a.toml", text) {
        Ok(document) => Checker::new().check(&document),
        Err(fault) => vec![*fault],
    }
}

/// Exchanges `from`, which must stand in the sound guide, for `to`; expects one
/// fault of `rule` on the line on which `near` then stands, and returns it.
#[track_caller]
fn spoilt(from: &str, to: &str, rule: Rule, near: &str) -> Fault {
    assert!(TINY.contains(from), "the fixture has no {from}");
    let text = TINY.replacen(from, to, 1);
    let faults = check(&text);
    let line = text
        .lines()
        .position(|line| line.contains(near))
        .unwrap_or_else(|| panic!("no line holds {near}"))
        + 1;
    let found: Vec<(Rule, usize)> = faults.iter().map(|one| (one.rule, one.line)).collect();
    assert_eq!(found, [(rule, line)], "{faults:#?}");
    faults.into_iter().next().expect("one fault")
}

/// The same with the line replaced by `to`, on which the fault is expected.
#[track_caller]
fn line(from: &str, to: &str, rule: Rule) -> Fault {
    spoilt(from, to, rule, to)
}

#[test]
fn the_sound_guide_has_no_fault() {
    assert_eq!(check(TINY), []);
}

#[test]
fn the_template_of_new_has_no_fault() {
    assert_eq!(check(crate::guide::schema::TEMPLATE), []);
}

#[test]
fn the_template_of_new_can_be_played() {
    let mut library = Library::default();
    let document = Document::new("t.toml", crate::guide::schema::TEMPLATE).expect("small");
    library.add_guide(&document, Origin::BuiltIn);
    assert_eq!(library.warnings(), []);
    assert_eq!(library.questions().count(), 1);
}

#[test]
fn broken_toml_is_named() {
    let fault = line("difficulty = 3", "difficulty = = 3", Rule::Syntax);
    assert!(fault.help.contains("TOML"), "{fault:?}");
}

#[test]
fn a_missing_field_is_named_with_its_table() {
    let fault = spoilt(
        "weight = 30\nkind = \"essential\"\nkey_terms = [\"shed\"",
        "kind = \"essential\"\nkey_terms = [\"shed\"",
        Rule::Shape,
        "[[question.point]]",
    );
    assert!(fault.message.contains("weight"), "{fault:?}");
    assert!(fault.field.contains("limits-harm-first"), "{fault:?}");
}

#[test]
fn an_unknown_field_is_named() {
    let fault = line("harder = [", "harderr = [", Rule::Shape);
    assert!(fault.message.contains("harderr"), "{fault:?}");
    assert_eq!(fault.field, "question[tiny-retry-storm].harderr");
}

#[test]
fn a_value_of_the_wrong_type_is_named() {
    let fault = line("difficulty = 3", "difficulty = \"hard\"", Rule::Shape);
    assert_eq!(fault.field, "question[tiny-retry-storm].difficulty");
    assert_eq!(fault.column, 14);
}

#[test]
fn an_unknown_round_lists_the_rounds() {
    let fault = line("round = \"technical\"", "round = \"quiz\"", Rule::Shape);
    assert!(fault.message.contains("system-design"), "{fault:?}");
}

#[test]
fn another_format_version_is_refused() {
    line("schema = 1", "schema = 2", Rule::Version);
}

#[test]
fn identifiers_are_lower_case_words_with_hyphens() {
    line(
        "id = \"adds-backoff\"",
        "id = \"Adds_Backoff\"",
        Rule::Identifier,
    );
    line(
        "concept = \"retry-storm\"",
        "concept = \"retry storm\"",
        Rule::Identifier,
    );
    line("id = \"tiny\"", "id = \"-tiny\"", Rule::Identifier);
}

#[test]
fn a_point_identifier_used_twice_is_found_at_the_second() {
    line(
        "id = \"rehearses-failure\"",
        "id = \"adds-backoff\" # again",
        Rule::Duplicate,
    );
}

#[test]
fn a_mistake_identifier_used_twice_is_found_at_the_second() {
    line(
        "id = \"blames-clients\"",
        "id = \"adds-machines-only\" # again",
        Rule::Duplicate,
    );
}

#[test]
fn a_question_identifier_of_another_guide_is_refused() {
    let first = Document::new("a.toml", TINY).expect("small");
    let renamed = TINY.replacen("id = \"tiny\"", "id = \"other\"", 1);
    let second = Document::new("b.toml", renamed).expect("small");
    let mut checker = Checker::new();
    assert_eq!(checker.check(&first), []);
    let faults = checker.check(&second);
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].rule, faults[0].line), (Rule::Duplicate, 12));
}

#[test]
fn a_guide_identifier_used_twice_is_refused() {
    let first = Document::new("a.toml", TINY).expect("small");
    let renamed = TINY.replace("tiny-retry-storm", "tiny-other");
    let second = Document::new("b.toml", renamed).expect("small");
    let mut checker = Checker::new();
    checker.check(&first);
    let faults = checker.check(&second);
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].rule, faults[0].line), (Rule::Duplicate, 5));
}

#[test]
fn a_guide_beside_the_library_may_replace_its_namesake() {
    let mut library = Library::default();
    let document = Document::new("a.toml", TINY).expect("small");
    library.add_guide(&document, Origin::BuiltIn);
    assert_eq!(Checker::beside(&library, &document).check(&document), []);
}

#[test]
fn weights_add_up_to_a_hundred() {
    let fault = spoilt("weight = 15", "weight = 20", Rule::Weights, "weight = 30");
    assert!(fault.message.contains("105"), "{fault:?}");
    assert_eq!(fault.help, "Take 5 away.");
}

#[test]
fn numbers_keep_to_their_ranges() {
    line("difficulty = 3", "difficulty = 6", Rule::Range);
    line(
        "spoken_seconds = { min = 60, max = 150 }",
        "spoken_seconds = { min = 150, max = 150 }",
        Rule::Range,
    );
    line(
        "spoken_seconds = { min = 60, max = 150 }",
        "spoken_seconds = { min = 60, max = 301 }",
        Rule::Range,
    );
}

#[test]
fn empty_texts_are_found() {
    line(
        "panel_note = \"Score",
        "panel_note = \"  \" # \"Score",
        Rule::Empty,
    );
    line("why = \"More", "why = \"\" # \"More", Rule::Empty);
}

#[test]
fn too_few_points_are_counted() {
    let (head, tail) = TINY.split_once("[[question.point]]").expect("a point");
    let (_, mistakes) = tail.split_once("[[question.mistake]]").expect("a mistake");
    let (point, _) = tail
        .split_once("[[question.point]]")
        .expect("another point");
    let text = format!(
        "{head}[[question.point]]{}[[question.mistake]]{mistakes}",
        point.replace("weight = 30", "weight = 100")
    );
    let faults = check(&text);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!((faults[0].rule, faults[0].line), (Rule::Count, 11));
    assert!(faults[0].message.contains("4 to 9"), "{faults:?}");
}

#[test]
fn probes_hints_rewordings_and_mistakes_are_counted() {
    spoilt(
        "    \"What is the first thing you would do with your hands on the keyboard?\",\n",
        "",
        Rule::Count,
        "probes = [",
    );
    spoilt(
        "    \"Say what you would do to shed load while you look.\",\n",
        "",
        Rule::Count,
        "hints = [",
    );
    spoilt(
        "    \"Suppose nothing had been deployed for a week and the same outage still happened. What would that tell you?\",\n",
        "",
        Rule::Count,
        "variants = [",
    );
    let (text, _) = TINY
        .rsplit_once("[[question.mistake]]")
        .expect("two mistakes");
    let faults = check(text);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].rule, Rule::Count);
}

#[test]
fn a_question_needs_an_essential_point() {
    let text = TINY.replace("kind = \"essential\"", "kind = \"strong\"");
    let faults = check(&text);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].rule, Rule::Count);
    assert!(faults[0].field.ends_with("point[limits-harm-first].kind"));
}

#[test]
fn control_characters_and_direction_marks_are_refused() {
    line(
        "title = \"One",
        "title = \"\\u001b[2JOne",
        Rule::ControlCharacter,
    );
    line(
        "ask = \"A scoring",
        "ask = \"\u{202e}A scoring",
        Rule::ControlCharacter,
    );
}

#[test]
fn a_point_that_says_two_things_is_refused() {
    let fault = line(
        "text = \"Adds randomised backoff to the clients\"",
        "text = \"Adds randomised backoff to the clients and explains why\"",
        Rule::Compound,
    );
    assert!(fault.message.contains("and explains"), "{fault:?}");
}

#[test]
fn a_probe_that_gives_its_point_away_is_refused() {
    let fault = line(
        "    \"What would the callers do differently next time?\",",
        "    \"Would jittering help the callers?\",",
        Rule::Leak,
    );
    assert!(fault.message.contains("jitter"), "{fault:?}");
}

#[test]
fn an_early_hint_that_gives_its_point_away_is_refused() {
    line(
        "    \"Look at the other end of the wire.\",",
        "    \"Look at jitter on the other end.\",",
        Rule::Leak,
    );
}

#[test]
fn a_rewording_that_gives_an_essential_point_away_is_refused() {
    let fault = line(
        "    \"Suppose nothing had been deployed for a week and the same outage still happened. What would that tell you?\",",
        "    \"Suppose you shed half of the load and the same outage still happened. What would that tell you?\",",
        Rule::Leak,
    );
    assert!(fault.message.contains("limits-harm-first"), "{fault:?}");
}

#[test]
fn a_rewording_too_close_to_the_question_is_refused() {
    line(
        "    \"Suppose nothing had been deployed for a week and the same outage still happened. What would that tell you?\",",
        "    \"A ranking service went down under its own clients last week. How would you find out why, and what would you change?\",",
        Rule::TooClose,
    );
}

#[test]
fn a_probe_asks_one_question() {
    line(
        "    \"What would the callers do differently next time?\",",
        "    \"What would the callers do? And when?\",",
        Rule::OneQuestion,
    );
    line(
        "    \"What would the callers do differently next time?\",",
        "    \"Tell me about the callers.\",",
        Rule::OneQuestion,
    );
}

#[test]
fn a_model_answer_that_misses_an_essential_point_is_refused() {
    let text = TINY
        .replacen(
            "key_terms = [\"shed\", \"load\", \"throttle\"]",
            "key_terms = [\"brownout\"]",
            1,
        )
        .replacen(
            "text = \"Sheds load before searching for the cause\"",
            "text = \"Declares an emergency\"",
            1,
        );
    let faults = check(&text);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].rule, Rule::ModelAnswer);
    assert!(faults[0].message.contains("limits-harm-first"));
    assert!(faults[0].field.ends_with("model_answer"));
}

#[test]
fn a_model_answer_of_the_wrong_length_is_refused() {
    let (head, rest) = TINY.split_once("I would first shed").expect("the answer");
    let (_, tail) = rest.split_once("\"\"\"").expect("its end");
    let faults = check(&format!(
        "{head}I would shed load and compare calls with users.\"\"\"{tail}"
    ));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!((faults[0].rule, faults[0].line), (Rule::ModelAnswer, 26));
    assert!(faults[0].message.contains("90 to 180"), "{faults:?}");
}

#[test]
fn a_behavioural_question_needs_its_star_parts() {
    let fault = spoilt(
        "round = \"technical\"",
        "round = \"behavioural\"",
        Rule::MissingPart,
        "[[question.point]]",
    );
    assert!(fault.message.contains("result"), "{fault:?}");
}

#[test]
fn a_design_question_needs_its_seven_steps() {
    let fault = spoilt(
        "round = \"technical\"",
        "round = \"system-design\"",
        Rule::MissingPart,
        "[[question.point]]",
    );
    assert!(fault.message.contains("data and labels"), "{fault:?}");
}

#[test]
fn eight_words_of_a_source_are_refused() {
    let mut sources = Sources::default();
    sources.add(
        "source.txt",
        "It was a question. More capacity feeds the storm and hides what began it!",
    );
    let document = Document::new("a.toml", TINY).expect("small");
    let faults = Checker::new().against(Some(&sources)).check(&document);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].rule, Rule::Overlap);
    assert_eq!(
        faults[0].field,
        "question[tiny-retry-storm].mistake[adds-machines-only].why"
    );
}

#[test]
fn a_competency_that_nobody_votes_on_is_a_broken_reference() {
    let library = Library::built_in();
    let mut panellist = library.panellists()[0].clone();
    panellist.competencies = vec![Competency::Leadership];
    let mut checker = Checker::new();
    checker.know_panel(&[panellist]);
    let faults = checker.check(&Document::new("a.toml", TINY).expect("small"));
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].rule, faults[0].line), (Rule::Reference, 18));
}

#[test]
fn a_plan_names_people_and_formats_that_exist() {
    let plans = r#"schema = 1
[[plan]]
id = "mine"
title = "Mine"
format = "carrier-pigeon"
mix = [{ round = "technical", parts = 1 }]
panel = [
    "recruiter",
    "nobody",
]
questions = 1
minutes = 5
opening = "Hello."
closing = "Goodbye."
"#;
    let document = Document::new("plans.toml", plans).expect("small");
    let mut checker = Checker::new();
    checker.know_panel(Library::built_in().panellists());
    let faults = checker.check(&document);
    let found: Vec<(Rule, usize)> = faults.iter().map(|one| (one.rule, one.line)).collect();
    assert_eq!(found, [(Rule::Reference, 5), (Rule::Reference, 9)]);
}

#[test]
fn a_handover_names_the_next_speaker() {
    let panel = r#"schema = 1
[[panellist]]
id = "me"
name = "Me"
role = "Me"
brief = "Mine."
manner = "Plain."
listens_for = ["sense"]
competencies = ["production"]
rounds = ["technical"]
greeting = "Hello."
handovers = ["Over to you."]
acknowledgements = ["Right.", "I see."]
"#;
    let faults = Checker::new().check(&Document::new("panel.toml", panel).expect("small"));
    let found: Vec<(Rule, usize)> = faults.iter().map(|one| (one.rule, one.line)).collect();
    assert_eq!(found, [(Rule::Reference, 12)]);
}

#[test]
fn a_file_with_thousands_of_faults_reports_the_first_and_plays_none() {
    let (head, question) = TINY.split_once("[[question]]").expect("a question");
    let (question, _) = question.split_once("[[question.point]]").expect("a point");
    let bare =
        format!("[[question]]{question}point = []\n").replace("difficulty = 3", "difficulty = 0");
    let text = format!("{head}{}", bare.repeat(300));
    let document = Document::new("a.toml", text).expect("within limits");
    assert_eq!(
        Checker::new().check(&document).len(),
        crate::guide::fault::MAX_FAULTS
    );
    let mut library = Library::default();
    library.add_guide(&document, Origin::BuiltIn);
    assert_eq!(library.questions().count(), 0);
    assert_eq!(library.warnings().len(), crate::guide::fault::MAX_FAULTS);
}

#[test]
fn a_file_of_ten_megabytes_is_refused_without_being_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("big.toml");
    let file = std::fs::File::create(&path).expect("created");
    file.set_len(10 * 1024 * 1024).expect("sparse");
    let fault = Document::read(&path).expect_err("too large");
    assert_eq!(fault.rule, Rule::TooLarge);
    assert!(fault.message.contains("10.0 MiB"), "{fault:?}");

    let long = "x".repeat(usize::try_from(MAX_FILE_BYTES).expect("small") + 1);
    let fault = Document::new("long.toml", long).expect_err("too large");
    assert_eq!(fault.rule, Rule::TooLarge);
}

#[test]
fn deep_nesting_is_refused_before_it_is_parsed() {
    for text in [
        format!("schema = 1\nx = {}", "[".repeat(100_000)),
        format!("schema = 1\nx = {}", "{a=".repeat(100_000)),
        format!("schema = 1\n{}a = 1", "a.".repeat(100_000)),
        format!("schema = 1\n[{}a]", "a.".repeat(100_000)),
    ] {
        let faults = check(&text);
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].rule, faults[0].line), (Rule::TooDeep, 2));
    }
    let shallow = format!("x = {}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert_ne!(check(&shallow)[0].rule, Rule::TooDeep);
}

#[test]
fn brackets_inside_strings_and_comments_are_no_nesting() {
    let many = "[".repeat(200);
    let text = TINY
        .replacen("# The smallest", &format!("# {many} \" The smallest"), 1)
        .replacen("summary = \"A", &format!("summary = \"\\\"{many} A"), 1)
        .replacen("source = \"made", &format!("source = '''{many}'''\n#"), 1);
    assert_eq!(check(&text), []);
}

#[test]
fn text_that_is_not_utf8_is_named_with_its_line() {
    let mut bytes = TINY.as_bytes().to_vec();
    let at = TINY.find("tiny-retry").expect("it stands there");
    bytes[at] = 0xff;
    let fault = Document::from_bytes("a.toml", &bytes).expect_err("not UTF-8");
    assert_eq!(
        (fault.rule, fault.line, fault.column),
        (Rule::Encoding, 12, 7)
    );
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_read() {
    let text = format!("\u{feff}{}", TINY.replace('\n', "\r\n"));
    let document = Document::from_bytes("a.toml", text.as_bytes()).expect("UTF-8");
    assert_eq!(Checker::new().check(&document), []);
}

#[test]
fn a_missing_file_and_a_folder_are_unreadable() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in [folder.path().to_owned(), folder.path().join("none.toml")] {
        let fault = Document::read(&path).expect_err("unreadable");
        assert_eq!(fault.rule, Rule::Unreadable);
    }
}

#[test]
fn a_judge_that_misses_an_essential_point_is_heard() {
    struct Deaf;
    #[async_trait::async_trait]
    impl Judge for Deaf {
        async fn assess(
            &self,
            case: &crate::judge::Case,
            _: Cancel,
        ) -> Result<crate::judge::Assessment> {
            let points = case.points.iter().map(|point| crate::judge::PointVerdict {
                id: point.id.clone(),
                verdict: crate::judge::Verdict::Missing,
                probability: 0.1,
                evidence: Vec::new(),
            });
            Ok(crate::judge::Assessment {
                heard: None,
                judge: "deaf".to_owned(),
                points: points.collect(),
                mistakes: Vec::new(),
                flags: Vec::new(),
                score: 0.0,
            })
        }
    }
    let document = Document::new("a.toml", TINY).expect("small");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let faults = runtime
        .block_on(judged(&document, &Deaf, &Cancel::default()))
        .expect("judged");
    // The two essential points, and neither the strong nor the standout one.
    assert_eq!(faults.len(), 2);
    assert!(faults.iter().all(|fault| fault.rule == Rule::ModelAnswer));
}

#[test]
fn the_built_in_content_has_no_fault() {
    let library = Library::built_in();
    let mut checker = Checker::new();
    checker.know_panel(library.panellists());
    checker.know_formats(library.formats());
    let faults: Vec<String> = crate::guide::files::built_in_documents()
        .into_iter()
        .flat_map(|document| checker.check(&document.expect("within limits")))
        .map(|fault| fault.to_string())
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
