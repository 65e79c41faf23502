//! A recorded melody, understood: F0, notes, phrases, key, tempo and meter.
//!
//! Pure signal processing: deterministic, no IO, no clock, no async, no ffmpeg. Callers give it samples and run it on a
//! thread that may block.

mod agreement;
mod chroma;
mod error;
pub mod f0;
pub mod melody;
pub mod sample;

pub use agreement::{PitchAgreement, agreement, pitch_agreement};
pub use chroma::{TuneAgreement, tune_agreement};
pub use error::PitchError;
pub use melody::{extract_melody, extract_melody_with};
