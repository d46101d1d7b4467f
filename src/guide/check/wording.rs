//! Whether a point says one thing, and whether a probe asks one question.
//!
//! The compound rule is conservative: it fires only where the grammar shows a
//! second statement, and stays silent about lists ("Names inputs and outputs"),
//! which are one statement with several objects.

use unicode_segmentation::UnicodeSegmentation;

/// Verbs a rubric point can begin a second statement with. Each is hardly ever
/// a plural noun, so that "and" before it joins two statements.
const VERBS: &[&str] = &[
    "acknowledges",
    "adds",
    "adjusts",
    "admits",
    "agrees",
    "applies",
    "argues",
    "asks",
    "avoids",
    "begins",
    "brings",
    "builds",
    "calls",
    "chooses",
    "combines",
    "compares",
    "considers",
    "contrasts",
    "converts",
    "covers",
    "decides",
    "defines",
    "demonstrates",
    "deploys",
    "describes",
    "discusses",
    "distinguishes",
    "does",
    "draws",
    "ends",
    "ensures",
    "evaluates",
    "explains",
    "expresses",
    "fits",
    "follows",
    "gathers",
    "gives",
    "handles",
    "has",
    "holds",
    "identifies",
    "includes",
    "insists",
    "introduces",
    "is",
    "justifies",
    "keeps",
    "knows",
    "learns",
    "lets",
    "links",
    "lists",
    "logs",
    "maintains",
    "makes",
    "mentions",
    "monitors",
    "names",
    "notes",
    "observes",
    "offers",
    "picks",
    "points",
    "prefers",
    "presents",
    "prevents",
    "proposes",
    "protects",
    "proves",
    "provides",
    "puts",
    "quantifies",
    "quotes",
    "raises",
    "recognises",
    "recommends",
    "reduces",
    "refers",
    "refits",
    "refuses",
    "rejects",
    "relates",
    "removes",
    "replaces",
    "requires",
    "retrains",
    "returns",
    "runs",
    "says",
    "sees",
    "selects",
    "separates",
    "sets",
    "shows",
    "specifies",
    "states",
    "stops",
    "suggests",
    "takes",
    "tells",
    "treats",
    "tunes",
    "turns",
    "uses",
    "validates",
    "verifies",
    "warns",
    "weighs",
    "writes",
];

/// Words that are a verb only when an object follows: "checks the logs" against
/// "tests and checks".
const VERBS_BEFORE_OBJECT: &[&str] = &[
    "checks",
    "claims",
    "controls",
    "costs",
    "estimates",
    "leads",
    "limits",
    "measures",
    "moves",
    "plans",
    "ranks",
    "reports",
    "results",
    "samples",
    "scores",
    "shares",
    "splits",
    "starts",
    "tests",
    "tracks",
    "trains",
];

const OBJECT_STARTS: &[&str] = &[
    "a", "an", "at", "both", "each", "every", "from", "her", "his", "how", "it", "its", "no", "on",
    "one", "the", "their", "them", "these", "this", "those", "to", "two", "what", "when", "where",
    "whether", "which", "who", "why", "with",
];

/// Adverbs that may stand between "and" and its verb.
const BETWEEN: &[&str] = &["also", "even", "never", "not", "still", "then"];

/// Returns the place where `text` begins a second statement, as its words; none
/// when it says one thing as far as the grammar shows.
///
/// It fires on a semicolon; on a second sentence; and on "and", "but" or "then"
/// before a verb in the form points are written in ("Names a metric and
/// explains who owns it"), or before "that" when the statement already had one.
///
/// ```
/// use viva::guide::check::wording::second_statement;
/// assert_eq!(
///     second_statement("Names a metric and explains who owns it"),
///     Some("and explains".to_owned())
/// );
/// assert_eq!(second_statement("Names the inputs and outputs of the service"), None);
/// ```
pub fn second_statement(text: &str) -> Option<String> {
    if text.contains(';') {
        return Some(";".to_owned());
    }
    let trimmed = text.trim();
    if trimmed.split_sentence_bounds().count() > 1 && has_two_sentences(trimmed) {
        return Some(".".to_owned());
    }
    let words: Vec<String> = trimmed.unicode_words().map(str::to_lowercase).collect();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    for (at, joint) in words.iter().enumerate() {
        if at == 0 || !matches!(joint.as_str(), "and" | "but" | "then" | "plus") {
            continue;
        }
        let mut next = at + 1;
        while BETWEEN.contains(&word(next)) {
            next += 1;
        }
        let verb = word(next);
        let object = word(next + 1);
        let is_verb = VERBS.contains(&verb)
            || (VERBS_BEFORE_OBJECT.contains(&verb) && OBJECT_STARTS.contains(&object));
        // "what it is and does" and "who builds and runs it" have one subject.
        let relative = words
            .iter()
            .take(at)
            .any(|word| matches!(word.as_str(), "what" | "who" | "which" | "how" | "where"));
        let second_that = verb == "that" && words.iter().take(at).any(|word| word == "that");
        if (is_verb && !relative) || second_that {
            return Some(format!("{joint} {verb}"));
        }
    }
    None
}

/// Returns whether a full stop, and not one of an abbreviation, stands inside.
fn has_two_sentences(text: &str) -> bool {
    let sentences: Vec<&str> = text.split_sentence_bounds().collect();
    sentences.windows(2).any(|pair| {
        let [first, second] = pair else { return false };
        let first = first.trim_end();
        first.ends_with(['.', '!', '?'])
            && !["e.g.", "i.e.", "vs.", "etc."]
                .iter()
                .any(|short| first.ends_with(short))
            && second.chars().next().is_some_and(char::is_uppercase)
    })
}

/// Returns how many questions `text` asks.
pub fn questions_in(text: &str) -> usize {
    text.split('?').count() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_statements_are_seen() {
        for text in [
            "Names a production metric and says who owned it",
            "Splits by time; fits scalers inside the fold",
            "Starts from a baseline. Then compares models",
            "Says that drift comes first and that retraining comes last",
            "Looks at the inputs, then compares the labels",
            "Names the owner and then checks the logs",
        ] {
            assert!(second_statement(text).is_some(), "{text}");
        }
    }

    #[test]
    fn one_statement_with_several_objects_is_left_alone() {
        for text in [
            "Contrasts precision and recall",
            "Covers collecting and cleaning the data as a step of its own",
            "Names the tests and checks that ran before launch",
            "Gives a trade-off between cost and latency",
            "Explains what the feature store holds and provides",
            "Says most of the effort goes into data and iteration rather than modelling",
            "Mentions a tool such as Arize, e.g. for drift",
        ] {
            assert_eq!(second_statement(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
            let _ = second_statement(&text);
            let _ = questions_in(&text);
        }
    }
}
