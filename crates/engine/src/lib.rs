//! The offline engine: a recorded melody in, a sung vocal with lyrics out, with no network and no key.
//!
//! Pure signal and text processing: deterministic for a seed, no IO, no clock, no async, no ffmpeg. Callers give it
//! samples and run it on a thread that may block.

/// Changes with the release, and with any change of the sources that a song follows from: what one version made of some
/// inputs, another may make differently.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("ENGINE_SOURCES"));

mod error;
pub mod f0;
pub mod lyrics;
pub mod melody;
pub mod picture;
pub mod quality;
pub mod sample;
pub mod vocoder;
pub mod voice;

pub use error::EngineError;
pub use lyrics::{LyricLine, Lyrics, LyricsRequest, Syllable, write_lyrics};
pub use melody::extract_melody;
pub use picture::{SongPicture, draw_song_svg};
pub use quality::{
    LyricsFit, PitchAgreement, VowelOnsets, lyrics_figures, lyrics_fit, pitch_agreement, vowel_onset_error,
};
/// The word check that its own lines keep to.
pub use safety;
pub use voice::{Speaker, SungVocal, Voice, VoiceOptions, sing};
