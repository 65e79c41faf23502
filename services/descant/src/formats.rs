//! What a song is written as.

use media::Encoding;

const MP3: Encoding = Encoding::Mp3 { kbps: 192 };
/// In an MP4 file; about as good as the MP3.
const M4A: Encoding = Encoding::M4a { kbps: 160 };
const OGG: Encoding = Encoding::Ogg { quality: 6.0 };

/// What the sound is written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Format {
    Mp3,
    Wav,
    Flac,
    M4a,
    Ogg,
    Mid,
}

impl Format {
    pub const fn encoding(self) -> Option<(&'static str, Encoding)> {
        match self {
            Self::Mp3 => Some(("song.mp3", MP3)),
            Self::Wav => Some(("song.wav", Encoding::Wav16)),
            Self::Flac => Some(("song.flac", Encoding::Flac)),
            Self::M4a => Some(("song.m4a", M4A)),
            Self::Ogg => Some(("song.ogg", OGG)),
            Self::Mid => None,
        }
    }

    pub const fn file_name(self) -> &'static str {
        match self.encoding() {
            Some((name, _)) => name,
            None => "song.mid",
        }
    }
}

/// Each format once, in the order of the list.
pub fn distinct(formats: &[Format]) -> Vec<Format> {
    let mut distinct = Vec::new();
    for format in formats {
        if !distinct.contains(format) {
            distinct.push(*format);
        }
    }
    distinct
}
