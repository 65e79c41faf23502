//! What recordings become before a model is trained on them: read, judged, cleaned, cut, described and packed.
//!
//! No jobs, no requests, no rows: files in, one file and a report out. All of it blocks and uses the processor; callers run it
//! on a thread that may. Sound on its way lies in temporary files without names, so that memory does not grow with what is
//! sent.

mod caption;
mod cuts;
mod error;
mod levels;
mod limits;
mod listen;
mod pack;
mod piece;
mod prepare;
mod recording;
mod report;
mod sound;
mod trim;
mod uploads;
mod vocabulary;

pub use error::TrainingError;
pub use limits::Limits;
pub use listen::{Heard, listen};
pub use prepare::{Options, Prepared, prepare};
pub use report::{Figures, FileReport, PieceReport, Report, Verdict};
pub use uploads::NamedFile;

/// Of what is trained on: what the models of MusicGen's family work at, in Hz. One channel.
pub const SAMPLE_RATE_HZ: u32 = 32_000;
