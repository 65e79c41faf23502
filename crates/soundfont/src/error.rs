//! What can go wrong with a font, and with a song.

use std::{io, path::PathBuf};

use crate::MOST_SECONDS;

/// Why a font cannot be used, or nothing can be played.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    #[error("cannot read the sound font {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the song needs more than {most_mib} MiB of sound from the sound font {name}; use a smaller one")]
    TooLarge { name: String, most_mib: u64 },
    #[error("{name} is no SoundFont that can be played: {reason}; use another .sf2 or .sf3")]
    Broken { name: String, reason: String },
    #[error(
        "cannot play {seconds} s at {sample_rate_hz} Hz: up to {MOST_SECONDS} s at 16000 to 192000 Hz are possible"
    )]
    Rendering { seconds: f64, sample_rate_hz: u32 },
    #[error("the synthesizer failed while it played the sound font {name}; use another one")]
    Synthesizer { name: String },
}

/// Why a song was not rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error(transparent)]
    Font(#[from] FontError),
    #[error("the song lasts {}, and up to {} can be rendered: render a part of it", minutes(*seconds), minutes(*most_seconds))]
    TooLong { seconds: f64, most_seconds: f64 },
    #[error("a song of {parts} parts is too much: {most} can be played at once")]
    TooManyParts { parts: usize, most: usize },
    #[error("stem {stem} names part {part}, and the song has {parts}")]
    NoSuchPart { stem: String, part: usize, parts: usize },
    #[error("the sound cannot be kept or measured")]
    Media(#[from] media::MediaError),
    #[error("rendering was stopped")]
    Stopped,
}

/// A length as people say it; a fraction of a second counts as a whole one.
fn minutes(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}
