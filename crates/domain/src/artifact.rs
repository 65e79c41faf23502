//! What a finished job leaves behind.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The part that a stored file plays in a result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactRole {
    /// The song to listen to.
    AudioMp3,
    /// The song to work with.
    AudioWav,
    /// The voice alone, of a song that has a backing.
    VocalsWav,
    Lyrics,
    MelodyMidi,
    /// Notes and syllables as a score.
    MelodyMusicxml,
    /// F0, notes and syllables in one picture.
    MelodySvg,
    /// All figures of the job.
    Report,
    /// Waveform peaks for a player to draw.
    Waveform,
}

impl ArtifactRole {
    pub const ALL: [Self; 9] = [
        Self::AudioMp3,
        Self::AudioWav,
        Self::VocalsWav,
        Self::Lyrics,
        Self::MelodyMidi,
        Self::MelodyMusicxml,
        Self::MelodySvg,
        Self::Report,
        Self::Waveform,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AudioMp3 => "audio_mp3",
            Self::AudioWav => "audio_wav",
            Self::VocalsWav => "vocals_wav",
            Self::Lyrics => "lyrics",
            Self::MelodyMidi => "melody_midi",
            Self::MelodyMusicxml => "melody_musicxml",
            Self::MelodySvg => "melody_svg",
            Self::Report => "report",
            Self::Waveform => "waveform",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::AudioMp3 => "audio/mpeg",
            Self::AudioWav | Self::VocalsWav => "audio/wav",
            Self::Lyrics => "text/plain; charset=utf-8",
            Self::MelodyMidi => "audio/midi",
            Self::MelodyMusicxml => "application/vnd.recordare.musicxml+xml",
            Self::MelodySvg => "image/svg+xml",
            Self::Report | Self::Waveform => "application/json",
        }
    }

    /// File name ending, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::AudioMp3 => "mp3",
            Self::AudioWav | Self::VocalsWav => "wav",
            Self::Lyrics => "txt",
            Self::MelodyMidi => "mid",
            Self::MelodyMusicxml => "musicxml",
            Self::MelodySvg => "svg",
            Self::Report | Self::Waveform => "json",
        }
    }
}

impl fmt::Display for ArtifactRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text given as an artifact role names none that this version knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown artifact role {0:?}")]
pub struct UnknownArtifactRole(pub String);

impl FromStr for ArtifactRole {
    type Err = UnknownArtifactRole;

    fn from_str(text: &str) -> Result<Self, UnknownArtifactRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownArtifactRole(text.to_owned()))
    }
}
