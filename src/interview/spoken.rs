//! How an answer was said, counted and never graded: length against what the
//! panel expects, hedges and fillers, "I" against "we", numbers and named
//! tools, and how long it took to come to the first point. Every count names
//! its places in the answer. Also what an answer lacks that a panel asks for.

use std::ops::Range;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::record::Attempt;
use crate::guide::SpokenRange;
use crate::judge::Verdict;

/// Words a person speaks in a minute, at an interview's pace.
pub const WORDS_A_MINUTE: u32 = 140;

/// Words from which a paragraph is a wall: more than a minute without a pause
/// to breathe in, or for the panel to come in.
const WALL_WORDS: usize = 150;

/// Phrases, each in words.
type Phrases = Vec<Vec<String>>;

/// Returns the phrases of a list with commas between them.
fn phrases(list: &str) -> Phrases {
    list.split(", ")
        .map(|phrase| phrase.unicode_words().map(str::to_owned).collect())
        .collect()
}

/// Words that take the force out of a statement.
static HEDGES: LazyLock<Phrases> = LazyLock::new(|| {
    phrases(
        "i think, i guess, i suppose, i believe, i feel like, i would say, maybe, perhaps, \
         probably, possibly, hopefully, kind of, sort of, more or less, not sure, \
         or something, or whatever, as far as i know, i'm no expert, might have been, \
         to some extent, in a way",
    )
});

/// Words that say nothing.
static FILLERS: LazyLock<Phrases> = LazyLock::new(|| {
    phrases(
        "um, uh, erm, er, hmm, you know, i mean, basically, actually, literally, obviously, \
         so yeah, yeah so, okay so, and stuff, and things like that, at the end of the day, \
         to be honest, as i said, like i said",
    )
});

static SELF: LazyLock<Phrases> =
    LazyLock::new(|| phrases("i, i'm, i've, i'd, i'll, my, me, mine, myself"));
static TEAM: LazyLock<Phrases> =
    LazyLock::new(|| phrases("we, we're, we've, we'd, we'll, our, us, ours, ourselves"));

/// Numbers that are said in words; "one" is left out, since it is mostly none.
static NUMBER_WORDS: LazyLock<Phrases> = LazyLock::new(|| {
    phrases(
        "two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, \
         fourteen, fifteen, sixteen, seventeen, eighteen, nineteen, twenty, thirty, forty, \
         fifty, sixty, seventy, eighty, ninety, hundred, thousand, million, billion, dozen, \
         half, twice",
    )
});

/// Tools and systems that panels know by name.
static TOOLS: LazyLock<Phrases> = LazyLock::new(|| {
    phrases(
        "airflow, argo, arize, athena, aws, azure, bedrock, bentoml, bert, bigquery, \
         cassandra, catboost, chroma, clickhouse, cuda, dagster, dask, databricks, datadog, \
         dbt, debezium, deepspeed, docker, duckdb, dvc, dynamodb, elasticsearch, evidently, \
         faiss, fastapi, feast, flink, gcp, grafana, great expectations, gunicorn, hadoop, \
         hdbscan, hive, hugging face, iceberg, istio, jax, jenkins, kafka, keras, kinesis, \
         kserve, kubeflow, kubernetes, label studio, lambda, langchain, langfuse, lightgbm, \
         llama.cpp, looker, lora, metaflow, milvus, mlflow, mongodb, mysql, neptune, numpy, \
         nvidia, onnx, opensearch, optuna, pagerduty, pandas, parquet, pgvector, pinecone, \
         polars, postgres, postgresql, power bi, prefect, prometheus, pytest, pytorch, \
         qdrant, qlora, rabbitmq, ragas, ray, redis, redshift, s3, sagemaker, scikit-learn, \
         sentry, shap, sklearn, snowflake, spacy, spark, splunk, sqlite, streamlit, tableau, \
         tecton, tensorboard, tensorflow, tensorrt, terraform, trino, triton, unsloth, \
         vertex, vllm, weaviate, weights & biases, xgboost",
    )
});

/// Words of somebody who weighs one thing against another.
static TRADE_OFFS: LazyLock<Phrases> = LazyLock::new(|| {
    phrases(
        "trade-off, trade-offs, tradeoff, tradeoffs, trade off, trade offs, instead of, \
         rather than, at the cost of, the cost, costs, cost us, the price, in exchange, \
         gave up, give up, downside, whereas, versus, slower, cheaper, overhead, not worth, \
         worth it, weigh, weighed, sacrifice, sacrificed",
    )
});

/// Words of somebody who has seen it go wrong.
static FAILURES: LazyLock<Phrases> = LazyLock::new(|| {
    phrases(
        "fail, fails, failed, failing, failure, failures, broke, breaks, broken, went wrong, \
         goes wrong, incident, outage, bug, missed, mistake, rollback, roll back, \
         rolled back, got it wrong, backfired, degraded, crashed, leaked, drifted",
    )
});

/// The candidate's own words: a byte range of the answer and what stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The words, verbatim.
    pub text: String,
}

/// What a panel asks for in an answer that is right and vague.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lack {
    /// No figure and no named tool.
    Number,
    /// Nothing weighed against anything.
    TradeOff,
    /// Nothing that went wrong.
    Failure,
}

/// Returns what an answer lacks, the most telling first.
pub fn lacks(answer: &str) -> Vec<Lack> {
    let words = Words::of(answer);
    let without = |phrases: &Phrases| words.phrases(answer, phrases).is_empty();
    let mut out = Vec::new();
    if words.numbers(answer).is_empty() && without(&TOOLS) {
        out.push(Lack::Number);
    }
    if without(&TRADE_OFFS) {
        out.push(Lack::TradeOff);
    }
    if without(&FAILURES) {
        out.push(Lack::Failure);
    }
    out
}

/// Returns the seconds that a text takes to say at [`WORDS_A_MINUTE`].
pub fn seconds_of(text: &str) -> u32 {
    seconds(text.unicode_words().count())
}

/// How an answer was said. Times are of the first answer alone, which is what
/// the expected length is for; everything else is of all that was said to the
/// question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    /// Words of the first answer.
    pub words: usize,
    /// Seconds they take to say at [`WORDS_A_MINUTE`].
    pub seconds: u32,
    /// Seconds from the end of the question until the first answer was sent,
    /// silence and typing included.
    pub took_seconds: u32,
    /// Seconds the panel expects, shortest and longest.
    pub expected: (u32, u32),
    /// Seconds of speech before the first point of the rubric; `None` when no
    /// point was made in the first answer.
    pub first_point_seconds: Option<u32>,
    /// Words that take the force out of a statement.
    pub hedges: Vec<Quote>,
    /// Words that say nothing.
    pub fillers: Vec<Quote>,
    /// "I", "my" and the like.
    pub own: Vec<Quote>,
    /// "We", "our" and the like.
    pub team: Vec<Quote>,
    /// Numbers, in digits or words.
    pub numbers: Vec<Quote>,
    /// Tools named.
    pub tools: Vec<Quote>,
    /// First byte and one past the last of paragraphs without a pause.
    pub walls: Vec<(usize, usize)>,
    /// Whether the panel cut in because the answer ran over.
    #[serde(default)]
    pub interrupted: bool,
}

/// Returns how the answers of `attempt` were said; `None` when there are none.
pub fn spoken(attempt: &Attempt, expected: SpokenRange) -> Option<Spoken> {
    let first = attempt.turns.first()?;
    let answer = attempt.answer();
    let words = Words::of(&answer);
    let count = first.text.unicode_words().count();
    let first_point = attempt
        .judgements
        .first()
        .filter(|judgement| judgement.turns == 1)
        .into_iter()
        .flat_map(|judgement| &judgement.assessment.points)
        .filter(|point| matches!(point.verdict, Verdict::Covered | Verdict::Partial))
        .flat_map(|point| &point.evidence)
        .map(|range| range.start)
        .min();
    Some(Spoken {
        words: count,
        seconds: seconds(count),
        took_seconds: u32::try_from(first.took_ms / 1000).unwrap_or(u32::MAX),
        expected: (expected.min, expected.max),
        first_point_seconds: first_point.map(|at| {
            seconds(
                words
                    .0
                    .iter()
                    .take_while(|(range, _)| range.end <= at)
                    .count(),
            )
        }),
        hedges: words.phrases(&answer, &HEDGES),
        fillers: words.phrases(&answer, &FILLERS),
        own: words.phrases(&answer, &SELF),
        team: words.phrases(&answer, &TEAM),
        numbers: words.numbers(&answer),
        tools: words.phrases(&answer, &TOOLS),
        walls: walls(&answer),
        interrupted: first.interrupted,
    })
}

/// Seconds that `words` words take to say, to the nearest.
fn seconds(words: usize) -> u32 {
    let words = u32::try_from(words).unwrap_or(u32::MAX / 60);
    (words * 60 + WORDS_A_MINUTE / 2) / WORDS_A_MINUTE
}

/// The words of a text in lower case, with their places.
struct Words(Vec<(Range<usize>, String)>);

impl Words {
    fn of(text: &str) -> Self {
        Self(
            text.unicode_word_indices()
                .map(|(at, word)| {
                    let plain = word.to_lowercase().replace('\u{2019}', "'");
                    (at..at + word.len(), plain)
                })
                .collect(),
        )
    }

    /// Returns where one of `phrases` stands, longest first at each place, no
    /// two overlapping. White space and punctuation between words are free.
    fn phrases(&self, text: &str, phrases: &Phrases) -> Vec<Quote> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < self.0.len() {
            let longest = phrases
                .iter()
                .filter(|phrase| {
                    self.0.get(at..at + phrase.len()).is_some_and(|words| {
                        words
                            .iter()
                            .zip(*phrase)
                            .all(|((_, word), said)| word == said)
                    })
                })
                .map(Vec::len)
                .max();
            match longest {
                Some(length) if length > 0 => {
                    out.extend(self.place(text, at..at + length));
                    at += length;
                }
                _ => at += 1,
            }
        }
        out
    }

    /// Returns the runs of words that are numbers: "two thousand", "95%".
    fn numbers(&self, text: &str) -> Vec<Quote> {
        let is_number = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_digit())
                || NUMBER_WORDS.iter().any(|said| said[0] == word)
        };
        let mut out = Vec::new();
        let mut at = 0;
        while at < self.0.len() {
            let length = self.0[at..]
                .iter()
                .take_while(|(_, word)| is_number(word))
                .count();
            if length > 0 {
                out.extend(self.place(text, at..at + length));
            }
            at += length.max(1);
        }
        out
    }

    fn place(&self, text: &str, words: Range<usize>) -> Option<Quote> {
        let words = self.0.get(words)?;
        let (start, end) = (words.first()?.0.start, words.last()?.0.end);
        Some(Quote {
            start,
            end,
            text: text.get(start..end)?.to_owned(),
        })
    }
}

fn walls(text: &str) -> Vec<(usize, usize)> {
    let mut at = 0;
    let mut out = Vec::new();
    for paragraph in text.split('\n') {
        if paragraph.unicode_words().count() > WALL_WORDS {
            out.push((at, at + paragraph.len()));
        }
        at += paragraph.len() + 1;
    }
    out
}

impl Spoken {
    /// Returns the facts in a few short sentences, the longest first.
    pub fn lines(&self) -> Vec<String> {
        let (shortest, longest) = self.expected;
        let mut length = format!(
            "First answer: {} words, about {} seconds spoken; the panel reckons with {shortest} to {longest}",
            self.words, self.seconds
        );
        if let Some(seconds) = self.first_point_seconds {
            length.push_str(&format!("; the first point came after {seconds}"));
        }
        let mut out = vec![format!("{length}.")];
        let said = |places: &[Quote]| {
            let mut words: Vec<String> = Vec::new();
            for place in places {
                let word = format!("\u{201c}{}\u{201d}", place.text.to_lowercase());
                if words.len() < 3 && !words.contains(&word) {
                    words.push(word);
                }
            }
            words.join(", ")
        };
        let mut counts = vec![format!(
            "In all: I {}, we {}",
            self.own.len(),
            self.team.len()
        )];
        for (name, places) in [
            ("numbers", &self.numbers),
            ("tools", &self.tools),
            ("hedges", &self.hedges),
            ("fillers", &self.fillers),
        ] {
            counts.push(match places.len() {
                0 => format!("no {name}"),
                count => format!("{name} {count} ({})", said(places)),
            });
        }
        if !self.walls.is_empty() {
            counts.push("more than a minute without a pause".to_owned());
        }
        if self.interrupted {
            counts.push("the panel cut in".to_owned());
        }
        out.push(format!("{}.", counts.join("; ")));
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::interview::Turn;

    fn said(text: &str) -> Spoken {
        let attempt = Attempt {
            turns: vec![Turn {
                text: text.to_owned(),
                at_ms: 61_000,
                took_ms: 61_500,
                interrupted: false,
            }],
            ..Attempt::default()
        };
        spoken(&attempt, SpokenRange { min: 60, max: 120 }).expect("something was said")
    }

    fn texts(places: &[Quote]) -> Vec<&str> {
        places.iter().map(|place| place.text.as_str()).collect()
    }

    #[test]
    fn what_is_counted_is_named_where_it_stands() {
        let text = "Um, I think we cut p99 from 250 ms to two thousand, sort of. My Kafka and Great  Expectations, you know.";
        let found = said(text);
        assert_eq!(texts(&found.hedges), ["I think", "sort of"]);
        assert_eq!(texts(&found.fillers), ["Um", "you know"]);
        assert_eq!(texts(&found.own), ["I", "My"]);
        assert_eq!(texts(&found.team), ["we"]);
        assert_eq!(texts(&found.numbers), ["250", "two thousand"]);
        assert_eq!(texts(&found.tools), ["Kafka", "Great  Expectations"]);
        for place in found.hedges.iter().chain(&found.tools) {
            assert_eq!(&text[place.start..place.end], place.text);
        }
    }

    #[test]
    fn a_hundred_and_forty_words_are_a_minute() {
        let found = said(&"word ".repeat(140));
        assert_eq!(
            (found.words, found.seconds, found.took_seconds),
            (140, 60, 61)
        );
        assert!(found.walls.is_empty());
        assert_eq!(said(&"word ".repeat(151)).walls, [(0, 151 * 5)]);
    }

    #[test]
    fn what_an_answer_lacks_is_what_a_panel_asks_for() {
        assert_eq!(
            lacks("We look at the data and then at the model."),
            [Lack::Number, Lack::TradeOff, Lack::Failure]
        );
        assert_eq!(
            lacks("We moved to Kafka, at the cost of a day, and it broke twice."),
            []
        );
        assert_eq!(lacks("It cost us a week and failed."), [Lack::Number]);
    }

    #[test]
    fn nothing_said_is_not_measured() {
        assert_eq!(
            spoken(&Attempt::default(), SpokenRange { min: 60, max: 120 }),
            None
        );
    }

    proptest! {
        #[test]
        fn every_place_is_verbatim(text in "(I|we|um|you know|12|kafka|é| |\n|,|’){0,60}") {
            let attempt = Attempt {
                turns: vec![Turn { text: text.clone(), at_ms: 0, took_ms: 0, interrupted: false }],
                ..Attempt::default()
            };
            if let Some(found) = spoken(&attempt, SpokenRange { min: 60, max: 120 }) {
                let all = [&found.own, &found.team, &found.fillers, &found.numbers, &found.tools];
                for place in all.into_iter().flatten() {
                    prop_assert_eq!(text.get(place.start..place.end), Some(place.text.as_str()));
                }
            }
        }
    }
}
