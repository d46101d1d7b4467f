//! The part of a stored critique that progress reads, whatever version of the
//! program stored it.

use serde::Deserialize;
use unicode_segmentation::UnicodeSegmentation;

use crate::interview::Spoken;

/// The part of a stored critique that progress reads. A critique of an earlier
/// version may lack any of it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct PastCritique {
    /// One entry a question of the plan.
    #[serde(default)]
    pub questions: Vec<PastQuestion>,
}

/// What the critique says of one question.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct PastQuestion {
    /// The question's identifier.
    pub question: String,
    /// Its words.
    #[serde(default)]
    pub asked: String,
    /// What it shows.
    #[serde(default)]
    pub competencies: Vec<String>,
    /// 0 to 100.
    #[serde(default)]
    pub score: Option<f64>,
    /// What the candidate gave themselves, 0 to 10.
    #[serde(default)]
    pub predicted: Option<u8>,
    /// Words of all answers to it.
    #[serde(default, rename = "answer", deserialize_with = "count_words")]
    pub words: usize,
    /// Points under their verdicts.
    #[serde(default)]
    pub covered: Vec<PastRemark>,
    /// Likewise.
    #[serde(default)]
    pub partial: Vec<PastRemark>,
    /// Likewise.
    #[serde(default)]
    pub wrong: Vec<PastRemark>,
    /// Likewise.
    #[serde(default)]
    pub unsure: Vec<PastRemark>,
    /// Likewise.
    #[serde(default)]
    pub missing: Vec<PastRemark>,
    /// Mistakes made.
    #[serde(default)]
    pub hurt: Vec<PastHurt>,
    /// How it was said.
    #[serde(default)]
    pub spoken: Option<Spoken>,
}

/// What the critique says of one point.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct PastRemark {
    /// The point's identifier; critiques of the first days had none.
    #[serde(default)]
    pub point: String,
    /// The guide's statement.
    #[serde(default)]
    pub text: String,
    /// The candidate's words.
    #[serde(default)]
    pub quotes: Vec<PastQuote>,
}

/// A mistake that was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct PastHurt {
    /// The mistake's identifier.
    #[serde(default)]
    pub mistake: String,
    /// The guide's statement.
    #[serde(default)]
    pub text: String,
    /// The words that show it.
    #[serde(default)]
    pub quotes: Vec<PastQuote>,
}

/// The candidate's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct PastQuote {
    /// The words.
    pub text: String,
}

fn count_words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    Ok(String::deserialize(deserializer)?.unicode_words().count())
}

/// Returns the joined words of a remark's quotes, `None` where there are none.
pub(super) fn quote(quotes: &[PastQuote]) -> Option<String> {
    let words: Vec<&str> = quotes.iter().map(|quote| quote.text.trim()).collect();
    (!words.is_empty()).then(|| words.join(" … "))
}

impl PastQuestion {
    /// Returns what is said of `point`, under whichever verdict.
    pub(super) fn remark(&self, point: &str) -> Option<&PastRemark> {
        [
            &self.covered,
            &self.partial,
            &self.wrong,
            &self.unsure,
            &self.missing,
        ]
        .into_iter()
        .flatten()
        .find(|remark| remark.point == point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_critique_of_an_earlier_version_is_read_as_far_as_it_goes() {
        let text = r#"{"score": 3, "questions": [{"question": "q", "answer": "two words",
            "covered": [{"text": "t"}], "new": {"a": []}}]}"#;
        let read: PastCritique = serde_json::from_str(text).expect("readable");
        assert_eq!(read.questions[0].words, 2);
        assert_eq!(read.questions[0].covered[0].point, "");
    }
}
