//! Why there is no blend.

use thiserror::Error;

/// Nothing that was asked can be made; says what is wrong and what to do.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum BlendError {
    /// `number` counts from 1.
    #[error("song {number} (\"{title}\") has no notes: choose another song, or another file of it")]
    NoNotes { number: usize, title: String },
    #[error(
        "none of the three songs has a pitched note, so there is no melody, bass or chord to blend: choose at least one song that is more than drums"
    )]
    OnlyDrums,
    #[error(
        "weight of song {number} is {weight}: it must be a number from 0.05 to 20, relative to the others (1, 1, 1 is even)"
    )]
    Weight { number: usize, weight: f64 },
    #[error("length of {bars} bars: it must be from {least} to {most} bars")]
    Bars { bars: u32, least: u32, most: u32 },
    #[error("length of {bars} bars: at {bpm:.0} bpm in {beats}/4 it must be from {least} to {most} bars")]
    TooLong { bars: u32, bpm: f64, beats: u8, least: u32, most: u32 },
    #[error("length of {seconds} s: at {bpm:.0} bpm it must be from {least:.0} to {most:.0} s")]
    Seconds { seconds: f64, bpm: f64, least: f64, most: f64 },
    #[error("tempo of {bpm} bpm: it must be from {least:.0} to {most:.0} bpm")]
    Tempo { bpm: f64, least: f64, most: f64 },
    #[error("form \"{form}\": it must be 1 to 26 of the letters A to D, such as ABACA")]
    Form { form: String },
    #[error("{name} is {value}: it must be from 0 to 1")]
    Share { name: &'static str, value: f64 },
    #[error("{plans} plans: it must be from 1 to 64")]
    Plans { plans: u32 },
}

impl BlendError {
    /// A word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoNotes { .. } => "song_without_notes",
            Self::OnlyDrums => "songs_without_pitches",
            Self::Weight { .. } => "bad_weight",
            Self::Bars { .. } | Self::TooLong { .. } | Self::Seconds { .. } => "bad_length",
            Self::Tempo { .. } => "bad_tempo",
            Self::Form { .. } => "bad_form",
            Self::Share { .. } => "bad_share",
            Self::Plans { .. } => "bad_plans",
        }
    }
}
