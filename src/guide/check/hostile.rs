//! Files that nobody meant: whatever the bytes, faults come back and nothing
//! panics.

use proptest::prelude::*;

use crate::guide::check::Checker;
use crate::guide::{Document, Fault, Library, Origin};

const TINY: &str = include_str!("../../../tests/fixtures/guides/tiny.toml");

fn check(text: &str) -> Vec<Fault> {
    match Document::new("a.toml", text) {
        Ok(document) => Checker::new().check(&document),
        Err(fault) => vec![*fault],
    }
}

/// A sound guide with a piece cut out and another put in.
fn spoilt_guide() -> impl Strategy<Value = String> {
    let length = TINY.len();
    let piece = prop_oneof![
        Just(String::new()),
        "[\\[\\]{}.=\"'#,\\\\\n a-z0-9]{0,12}",
        "\\PC{0,8}",
    ];
    (0..length, 0usize..40, piece).prop_map(move |(at, cut, piece)| {
        let start = TINY.floor_char_boundary(at);
        let end = TINY.floor_char_boundary((start + cut).min(length));
        format!("{}{piece}{}", &TINY[..start], &TINY[end..])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(document) = Document::from_bytes("a.toml", &bytes) {
            let faults = Checker::new().check(&document);
            prop_assert!(!faults.is_empty());
        }
    }

    #[test]
    fn any_toml_like_text_is_read_without_panic(
        text in "(\\[\\[?[a-z.]{1,8}\\]?\\]\n|[a-z]{1,6} = [\\[{\"]{0,3}[a-z0-9.,= ]{0,9}[\\]}\"]{0,3}\n){0,12}"
    ) {
        let _ = check(&text);
    }

    #[test]
    fn a_spoilt_guide_is_read_without_panic_and_its_faults_lie_inside(text in spoilt_guide()) {
        let lines = text.lines().count() + 1;
        for fault in check(&text) {
            prop_assert!(fault.line >= 1 && fault.line <= lines, "{:?}", fault);
            prop_assert!(fault.column >= 1);
            prop_assert!(!fault.message.is_empty() && !fault.help.is_empty());
        }
    }

    #[test]
    fn a_spoilt_guide_never_stops_the_library(text in spoilt_guide()) {
        if let Ok(document) = Document::new("a.toml", text) {
            let mut library = Library::default();
            library.add_guide(&document, Origin::BuiltIn);
            for question in library.questions() {
                prop_assert_eq!(question.points.iter().map(|point| point.weight).sum::<u32>(), 100);
            }
        }
    }
}
