//! The ways an interview is played, and what each allows.

use serde::{Deserialize, Serialize};

/// How strict the panel is and how much help there is.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Hints, second attempts, and what a question tests once it was answered
    #[default]
    Practice,
    /// No help, and the clock runs
    Pressure,
    /// A critique and the model answer after every question
    Study,
    /// Practice and pressure in turn, question by question
    Mixed,
}

/// What a mode allows for one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Follow-ups the panel may ask of its own accord.
    pub follow_ups: usize,
    /// Whether hints, `/why`, `/again` and `/easier` are there.
    pub help: bool,
    /// Whether a strong answer is taken in a harder direction.
    pub push_the_strong: bool,
    /// Whether the verdict and the model answer are shown once the question
    /// is settled.
    pub critique_each: bool,
    /// Whether the time taken and the expected length are shown.
    pub clock: bool,
}

impl Mode {
    /// Returns the rules of the question at `index`, counted from 0.
    pub fn rules(self, index: usize) -> Rules {
        match self {
            // Two: enough to settle the essential points of most questions,
            // and what a panel with a full plan has the time for.
            Self::Practice => Rules {
                follow_ups: 2,
                help: true,
                push_the_strong: false,
                critique_each: false,
                clock: false,
            },
            // Three is the most a panel asks about one question.
            Self::Pressure => Rules {
                follow_ups: 3,
                help: false,
                push_the_strong: true,
                critique_each: false,
                clock: true,
            },
            // One: the critique that follows says the rest.
            Self::Study => Rules {
                follow_ups: 1,
                help: true,
                push_the_strong: false,
                critique_each: true,
                clock: false,
            },
            Self::Mixed if index.is_multiple_of(2) => Self::Practice.rules(index),
            Self::Mixed => Self::Pressure.rules(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_takes_practice_and_pressure_in_turn() {
        assert_eq!(Mode::Mixed.rules(0), Mode::Practice.rules(0));
        assert_eq!(Mode::Mixed.rules(1), Mode::Pressure.rules(1));
        assert_eq!(Mode::Mixed.rules(2), Mode::Practice.rules(2));
    }

    #[test]
    fn no_mode_asks_more_than_three_follow_ups() {
        for mode in [Mode::Practice, Mode::Pressure, Mode::Study, Mode::Mixed] {
            for index in 0..4 {
                assert!(mode.rules(index).follow_ups <= 3);
            }
        }
    }
}
