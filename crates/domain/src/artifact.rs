//! What a finished job leaves behind: roles, and what is true of each.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// The part that a stored file plays in a result: a row key, a part of object keys and a word in URLs. It may be one
/// that only a newer version knows.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, PartialOrd, Ord)]
#[serde(transparent)]
pub struct ArtifactRole(Cow<'static, str>);

impl ArtifactRole {
    /// The song to listen to.
    pub const AUDIO_MP3: Self = Self::new("audio_mp3");
    /// The song to work with.
    pub const AUDIO_WAV: Self = Self::new("audio_wav");
    /// The voice alone, of a song that has a backing.
    pub const VOCALS_WAV: Self = Self::new("vocals_wav");
    pub const LYRICS: Self = Self::new("lyrics");
    pub const MELODY_MIDI: Self = Self::new("melody_midi");
    /// Notes and syllables as a score.
    pub const MELODY_MUSICXML: Self = Self::new("melody_musicxml");
    /// F0, notes and syllables in one picture.
    pub const MELODY_SVG: Self = Self::new("melody_svg");
    /// All figures of the job.
    pub const REPORT: Self = Self::new("report");
    /// Waveform peaks for a player to draw.
    pub const WAVEFORM: Self = Self::new("waveform");

    const MAX_BYTES: usize = 64;

    /// For tables; what comes from outside goes through [`Self::parse`].
    pub const fn new(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// Any word of lower-case letters, digits and underscores: it becomes part of an object key.
    pub fn parse(word: &str) -> Result<Self, InvalidArtifactRole> {
        let fits = (1..=Self::MAX_BYTES).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if fits { Ok(Self(Cow::Owned(word.to_owned()))) } else { Err(InvalidArtifactRole) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArtifactRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ArtifactRole {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&word).map_err(serde::de::Error::custom)
    }
}

/// The text given as an artifact role cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is 1 to {} lower-case letters, digits and underscores", ArtifactRole::MAX_BYTES)]
pub struct InvalidArtifactRole;

/// What storage holds a file against before it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ContentCheck {
    /// UTF-8 that is not blank.
    Text,
    Json,
    /// A Standard MIDI File's header.
    Midi,
    /// A RIFF/WAVE header.
    Wav,
    MusicXml,
    /// A picture that runs no program in a browser.
    Svg,
    /// Certain bytes at a certain place.
    Signature {
        at: usize,
        bytes: &'static [u8],
    },
    /// Storage makes it from the result's sound; nobody can send it.
    MadeByStorage,
}

/// One role: its type, its bounds and its check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArtifactSpec {
    pub role: ArtifactRole,
    pub media_type: &'static str,
    /// File name ending, without the dot.
    pub extension: &'static str,
    pub max_bytes: u64,
    pub check: ContentCheck,
}

const MIB: u64 = 1024 * 1024;
/// Lyrics, scores, pictures and reports of five minutes stay far below.
const MAX_DOCUMENT_BYTES: u64 = 8 * MIB;
/// Ten minutes of 44.1 kHz 16-bit mono.
const MAX_VOICE_BYTES: u64 = 54 * MIB;
/// Ten minutes of 44.1 kHz 16-bit stereo are 101 MiB before they are packed.
const MAX_STEM_BYTES: u64 = 128 * MIB;
/// An hour of 44.1 kHz 16-bit stereo stays below.
const MAX_RENDITION_BYTES: u64 = 1024 * MIB;

// The roles that kinds share. A kind with a role of its own writes it into its own table.
pub const AUDIO_MP3: ArtifactSpec = ArtifactSpec {
    role: ArtifactRole::AUDIO_MP3,
    media_type: "audio/mpeg",
    extension: "mp3",
    max_bytes: MAX_RENDITION_BYTES,
    check: ContentCheck::MadeByStorage,
};
pub const AUDIO_WAV: ArtifactSpec = ArtifactSpec {
    role: ArtifactRole::AUDIO_WAV,
    media_type: "audio/wav",
    extension: "wav",
    max_bytes: MAX_RENDITION_BYTES,
    check: ContentCheck::MadeByStorage,
};
/// What one group of players of a song plays, of ten minutes at most.
pub const fn stem(role: &'static str) -> ArtifactSpec {
    ArtifactSpec {
        role: ArtifactRole::new(role),
        media_type: "audio/flac",
        extension: "flac",
        max_bytes: MAX_STEM_BYTES,
        check: ContentCheck::Signature { at: 0, bytes: b"fLaC" },
    }
}
pub const WAVEFORM: ArtifactSpec = ArtifactSpec {
    role: ArtifactRole::WAVEFORM,
    media_type: "application/json",
    extension: "json",
    max_bytes: MAX_DOCUMENT_BYTES,
    check: ContentCheck::MadeByStorage,
};
pub const VOCALS_WAV: ArtifactSpec = ArtifactSpec {
    role: ArtifactRole::VOCALS_WAV,
    media_type: "audio/wav",
    extension: "wav",
    max_bytes: MAX_VOICE_BYTES,
    check: ContentCheck::Wav,
};
pub const LYRICS: ArtifactSpec = ArtifactSpec {
    role: ArtifactRole::LYRICS,
    media_type: "text/plain; charset=utf-8",
    extension: "txt",
    max_bytes: MAX_DOCUMENT_BYTES,
    check: ContentCheck::Text,
};
pub const MELODY_MIDI: ArtifactSpec = ArtifactSpec {
    role: ArtifactRole::MELODY_MIDI,
    media_type: "audio/midi",
    extension: "mid",
    max_bytes: MAX_DOCUMENT_BYTES,
    check: ContentCheck::Midi,
};
pub const MELODY_MUSICXML: ArtifactSpec = ArtifactSpec {
    role: ArtifactRole::MELODY_MUSICXML,
    media_type: "application/vnd.recordare.musicxml+xml",
    extension: "musicxml",
    max_bytes: MAX_DOCUMENT_BYTES,
    check: ContentCheck::MusicXml,
};
pub const MELODY_SVG: ArtifactSpec = ArtifactSpec {
    role: ArtifactRole::MELODY_SVG,
    media_type: "image/svg+xml",
    extension: "svg",
    max_bytes: MAX_DOCUMENT_BYTES,
    check: ContentCheck::Svg,
};
pub const REPORT: ArtifactSpec = ArtifactSpec {
    role: ArtifactRole::REPORT,
    media_type: "application/json",
    extension: "json",
    max_bytes: MAX_DOCUMENT_BYTES,
    check: ContentCheck::Json,
};
