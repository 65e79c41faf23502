//! Songs in MIDI files become sound: read and analysed, three blended into one, rendered in stems, and written down with
//! picture, provenance and report. Each step is a function of its own, for an orchestrator that keeps checkpoints in between
//! and for the command line, so that a job, `descant blend` and `descant render` make the same.
//!
//! Nothing here knows of jobs, rows, messages or HTTP.

mod blending;
mod cover;
mod karaoke;
mod reading;
mod rendering;
mod report;
mod samples;

pub use blending::{blend, blend_options};
pub use cover::cover;
pub use karaoke::lrc;
pub use reading::{LIMITS, SongRead, read_song};
pub use rendering::{LOUDNESS, MOST_SECONDS, Rendering, check, render, stems_of};
pub use report::{BlendReport, FontSummary, RenderReport, SongShare, SoundSummary};
pub use samples::{Sample, sample_songs};
