//! The logic of a bank of one's own stories: what a story tells and leaves
//! out, which competencies have none, which is told too often, which fits a
//! question, and whether an answer was one of them.
//!
//! Nothing here asks a model, reads a file or prints: the judge's verdicts and
//! an embedder's vectors come in as values.

pub mod check;
pub mod coverage;
pub mod fit;
pub mod likeness;
pub mod parts;
mod pattern;

pub use check::{Check, Found, State};
pub use coverage::{Answered, Overuse, Row};
pub use fit::Fit;

use unicode_segmentation::UnicodeSegmentation;

use crate::guide::{Competency, Question};
use crate::judge::text;

/// Seconds of speech a panel gives a story, shortest and longest; the range of
/// the guides' behavioural questions.
pub const SECONDS: (u32, u32) = (60, 180);

/// Bytes a story may have: what the judge reads, an hour of speech.
pub const MAX_BYTES: usize = text::JUDGED_BYTES;

/// Bytes a title may have.
pub const MAX_TITLE: usize = 200;

/// Letters of a title taken from a story's own words.
const TITLE_LETTERS: usize = 48;

/// Returns whether `question` asks for a story: its points name parts of one.
pub fn is_behavioural(question: &Question) -> bool {
    question.points.iter().any(|point| point.star.is_some())
}

/// Every competency there is, in the guides' order.
pub const COMPETENCIES: [Competency; 15] = [
    Competency::MlFundamentals,
    Competency::Evaluation,
    Competency::DataJudgment,
    Competency::FeatureEngineering,
    Competency::Production,
    Competency::SystemDesign,
    Competency::LlmEngineering,
    Competency::Engineering,
    Competency::ProductSense,
    Competency::Communication,
    Competency::Collaboration,
    Competency::Leadership,
    Competency::Responsibility,
    Competency::Delivery,
    Competency::Growth,
];

/// Why a text cannot be a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The bytes are not text.
    #[error("it is not text in UTF-8 (byte {0} is the first that is not)")]
    NotText(usize),
    /// There is no word in it.
    #[error("there is no word in it")]
    Empty,
    /// It is longer than [`MAX_BYTES`].
    #[error("it has {0} bytes, and a story may have {most}, about an hour of speech", most = MAX_BYTES)]
    TooLong(usize),
}

/// Returns the story in `bytes`: white space at both ends and a byte order mark
/// taken off, line ends made plain.
///
/// # Errors
/// Says why it cannot be one.
pub fn read(bytes: &[u8]) -> Result<String, Refused> {
    if bytes.len() > 2 * MAX_BYTES {
        return Err(Refused::TooLong(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Refused::NotText(error.valid_up_to()))?;
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let text = text.trim();
    if text.unicode_words().next().is_none() {
        return Err(Refused::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(Refused::TooLong(text.len()));
    }
    Ok(text.to_owned())
}

/// Returns the beginning of a story as a title: its first sentence, cut between
/// words where it is long.
pub fn title_of(story: &str) -> String {
    let first = text::sentences(story)
        .into_iter()
        .next()
        .map_or(story, |range| &story[range]);
    let first = first.trim_end_matches(['.', ';', ',']);
    let mut title = String::new();
    for word in first.split_whitespace() {
        if !title.is_empty() && title.chars().count() + word.chars().count() >= TITLE_LETTERS {
            title.push('\u{2026}');
            break;
        }
        if !title.is_empty() {
            title.push(' ');
        }
        title.extend(word.chars().take(TITLE_LETTERS));
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_story_is_refused_and_says_why() {
        assert_eq!(read(b""), Err(Refused::Empty));
        assert_eq!(read(" \n\t\u{feff} ...".as_bytes()), Err(Refused::Empty));
        assert_eq!(read(b"I did \xff it"), Err(Refused::NotText(6)));
        let long = vec![b'a'; 1 << 20];
        assert_eq!(read(&long), Err(Refused::TooLong(1 << 20)));
        let just = "word ".repeat(MAX_BYTES / 5);
        assert_eq!(read(just.as_bytes()), Ok(just.trim().to_owned()));
        assert_eq!(
            read("\u{feff}  One.\r\nTwo.\n".as_bytes()),
            Ok("One.\nTwo.".to_owned())
        );
    }

    #[test]
    fn a_title_is_the_first_sentence_cut_between_words() {
        assert_eq!(title_of("I traced it. Then more."), "I traced it");
        let long = title_of(
            "Last year, when I was at a payments company, our fraud model started to fail.",
        );
        assert_eq!(
            long,
            "Last year, when I was at a payments company, our\u{2026}"
        );
        assert_eq!(title_of(&"é".repeat(100)).chars().count(), TITLE_LETTERS);
    }

    #[test]
    fn the_list_of_competencies_is_whole() {
        for (at, one) in COMPETENCIES.iter().enumerate() {
            assert_eq!(*one as usize, at, "{one}");
        }
        // The last of the enumeration is the last of the list.
        assert_eq!(COMPETENCIES.last(), Some(&Competency::Growth));
    }
}
