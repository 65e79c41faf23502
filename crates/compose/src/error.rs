//! Why there is no song.

use thiserror::Error;

use crate::{
    chart::ChartError,
    limits::{LEAST_BPM, LEAST_SECONDS, MOST_BPM, MOST_SECONDS},
};

/// What was asked cannot be made; says what is wrong and what to do.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum ComposeError {
    #[error("length of {seconds} s: it must be from {LEAST_SECONDS} to {MOST_SECONDS} s")]
    Seconds { seconds: f64 },
    #[error("tempo of {bpm} bpm: it must be from {LEAST_BPM} to {MOST_BPM} bpm")]
    Tempo { bpm: f64 },
    #[error("energy is {value}: it must be from 0 to 1")]
    Energy { value: f64 },
    #[error("every part of the band is left out: leave at least one of melody, comping, pad, bass and drums")]
    NobodyPlays,
    #[error("there is no melody that a band could play to: hum or play some notes")]
    NoMelody,
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// A table of our own is broken; no input of anybody leads here.
    #[error("the built-in style {style} cannot be read: line {line}: {problem}")]
    Style { style: &'static str, line: usize, problem: String },
}

impl ComposeError {
    /// A word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Seconds { .. } => "bad_length",
            Self::Tempo { .. } => "bad_tempo",
            Self::Energy { .. } => "bad_energy",
            Self::NobodyPlays => "nobody_plays",
            Self::NoMelody => "no_melody",
            Self::Chart(_) => "bad_chords",
            Self::Style { .. } => "broken_style",
        }
    }

    /// Whether other options would help.
    pub const fn is_callers(&self) -> bool {
        !matches!(self, Self::Style { .. })
    }
}
