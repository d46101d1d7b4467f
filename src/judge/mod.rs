//! The judge's room: question, rubric and answer in, [`Assessment`] out.
//!
//! It decides what an answer says, where it says it and how sure that is. It
//! neither prints nor stores, and it never asks a model for a number.
//!
//! The way of an answer: [`text`] cuts it into words, [`flags`] strikes what is
//! no answer, [`lexical`], [`semantic`], the trained reader (`reading`) and the [`matcher`] look for every
//! statement of the rubric, [`combine`] turns their signals into probabilities and verdicts,
//! [`evidence`] picks the words shown, and [`score`] adds up.

pub mod assessment;
pub mod calibration;
mod case;
pub mod combine;
pub mod contest;
pub mod evidence;
pub mod flags;
pub mod grading;
pub mod lexical;
pub mod lexicon;
pub mod local;
pub mod matcher;
pub mod measure;
mod reading;
pub mod score;
pub mod semantic;
mod sought;
pub mod star;
pub mod text;
pub mod vote;

pub use assessment::*;
pub use local::{Detailed, JUDGE_VERSION, LocalJudge, is_trusted};
