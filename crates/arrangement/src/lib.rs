//! Songs in notes become sound: read out of MIDI files, three blended into one, or composed of a sentence; rendered in stems,
//! with a voice where there is one, and written down with picture, provenance and report. Each step is a function of its own,
//! for an orchestrator that keeps checkpoints in between and for the command line, so that a job, `descant blend`,
//! `descant compose` and `descant render` make the same.
//!
//! Nothing here knows of jobs, rows, messages or HTTP.

mod backing_sound;
mod blending;
mod composed;
mod composing;
mod cover;
mod flaws;
mod karaoke;
mod mastering;
mod playing;
mod reading;
mod rendering;
mod report;
mod roll;
mod samples;
mod sound_song;
mod vocals;
mod words;

pub use backing_sound::{BACKING, BackingSound, misfit};
pub use blending::{blend, blend_options};
pub use composed::{CompositionReport, EffectiveSummary, Reported, SectionSummary, Subject};
pub use composing::{Composers, Made, asked_seconds, compose, compose_with, composition_need, vocals_request};
pub use cover::cover;
pub use flaws::Flaws;
pub use karaoke::lrc;
pub use playing::{Mastered, PlayedElsewhere, Players, played};
pub use reading::{LIMITS, SongRead, read_song};
pub use rendering::{
    LOUDNESS, MOST_SECONDS, Rendering, VOICE, band_stems, check, composed_stems, render, render_exactly, stems_of,
    under_voice, with_voice,
};
pub use report::{BlendReport, FontSummary, RenderReport, SongShare, SoundSummary};
pub use roll::roll;
pub use samples::{Sample, sample_songs};
pub use sound_song::{FinishedSound, SoundSong};
pub use vocals::{VocalsSummary, check_voice};
pub use words::{TimedLine, TimedWord, lines_as_lrc, lines_as_text, sung_words, timed_lines};
