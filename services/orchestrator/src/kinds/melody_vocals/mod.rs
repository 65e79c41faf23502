//! Melody-to-vocals: a recorded melody and a prompt become a sung vocal with lyrics, a stage in each file.

mod finalization;
mod initialization;
mod lyrics;
mod pitch;
mod quality;
mod validation;
mod vocals;

use domain::kinds::melody_vocals::SPEC;

use super::Kind;

pub fn kind() -> Kind {
    Kind::new(
        &SPEC,
        vec![
            Box::new(initialization::Initialization),
            Box::new(validation::Validation),
            Box::new(pitch::Pitch),
            Box::new(lyrics::LyricsWriting),
            Box::new(vocals::Vocals),
            Box::new(quality::Quality),
            Box::new(finalization::Finalization),
        ],
    )
}

/// Names of working objects, shared by the stages that write and read them.
mod work {
    pub const MELODY: &str = "melody.json";
    pub const LYRICS: &str = "lyrics.json";
    pub const VOCALS: &str = "vocals.wav";
    /// The voice over its backing.
    pub const SONG: &str = "song.wav";
    /// The F0 that was meant to sound, and how the vocal came about.
    pub const VOCALS_PLAN: &str = "vocals.json";
    pub const LYRICS_TEXT: &str = "lyrics.txt";
    pub const MELODY_MIDI: &str = "melody.mid";
    pub const MELODY_MUSICXML: &str = "melody.musicxml";
    pub const MELODY_SVG: &str = "melody.svg";
    pub const REPORT: &str = "report.json";
}
