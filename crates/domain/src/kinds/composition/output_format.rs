//! The main file of a song by the words of ElevenLabs' `output_format`: codec, sample rate in Hz, kilobits a second.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::artifact::ArtifactRole;

/// What the main file is written as. All of it is 44.1 kHz stereo.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum OutputFormat {
    /// MP3 of a constant bitrate, in kbit/s.
    Mp3 { kbps: u32 },
    /// 16 bits a sample, here as WAV: samples without a header say nothing of themselves.
    Pcm,
}

impl Default for OutputFormat {
    /// What the model `music_v1` makes where nobody says, and what `auto` means.
    fn default() -> Self {
        Self::Mp3 { kbps: 128 }
    }
}

/// Those that are made, as they are written.
const MADE: [(&str, OutputFormat); 6] = [
    ("mp3_44100_32", OutputFormat::Mp3 { kbps: 32 }),
    ("mp3_44100_64", OutputFormat::Mp3 { kbps: 64 }),
    ("mp3_44100_96", OutputFormat::Mp3 { kbps: 96 }),
    ("mp3_44100_128", OutputFormat::Mp3 { kbps: 128 }),
    ("mp3_44100_192", OutputFormat::Mp3 { kbps: 192 }),
    ("pcm_44100", OutputFormat::Pcm),
];

/// The others that the vendor has: known, and not made here.
const NOT_MADE: [&str; 19] = [
    "mp3_22050_32",
    "mp3_24000_48",
    "mp3_48000_128",
    "mp3_48000_192",
    "mp3_48000_240",
    "mp3_48000_320",
    "pcm_8000",
    "pcm_16000",
    "pcm_22050",
    "pcm_24000",
    "pcm_32000",
    "pcm_48000",
    "ulaw_8000",
    "alaw_8000",
    "opus_48000_32",
    "opus_48000_64",
    "opus_48000_96",
    "opus_48000_128",
    "opus_48000_192",
];

impl OutputFormat {
    /// The file that it is.
    pub const fn role(self) -> ArtifactRole {
        match self {
            Self::Mp3 { .. } => ArtifactRole::AUDIO_MP3,
            Self::Pcm => ArtifactRole::AUDIO_WAV,
        }
    }

    /// Bitrate of the MP3 that there is beside it or that it is, in kbit/s.
    pub const fn mp3_kbps(self) -> u32 {
        match self {
            Self::Mp3 { kbps } => kbps,
            Self::Pcm => 192,
        }
    }

    /// As it is asked for; none for a bitrate that nobody can ask for.
    pub fn as_str(self) -> &'static str {
        MADE.iter().find(|(_, format)| *format == self).map_or("auto", |(word, _)| word)
    }
}

/// The text names no format that is made here.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{}expected one of auto, {}; other formats are in `formats`",
    if *.is_known { "that one is not made here: " } else { "" },
    MADE.map(|(word, _)| word).join(", ")
)]
pub struct UnknownOutputFormat {
    /// Whether the vendor has it.
    is_known: bool,
}

impl FromStr for OutputFormat {
    type Err = UnknownOutputFormat;

    fn from_str(text: &str) -> Result<Self, UnknownOutputFormat> {
        let is = |word: &str| word.eq_ignore_ascii_case(text.trim());
        if is("auto") {
            return Ok(Self::default());
        }
        let made = MADE.into_iter().find(|(word, _)| is(word));
        made.map(|(_, format)| format).ok_or_else(|| UnknownOutputFormat { is_known: NOT_MADE.into_iter().any(is) })
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for OutputFormat {
    type Error = UnknownOutputFormat;

    fn try_from(text: String) -> Result<Self, UnknownOutputFormat> {
        text.parse()
    }
}

impl From<OutputFormat> for String {
    fn from(format: OutputFormat) -> Self {
        format.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_of_the_vendor_is_made_or_refused_with_the_list() {
        for (word, format) in MADE {
            assert_eq!(word.parse(), Ok(format));
            assert_eq!(format.to_string(), word);
            assert_eq!(word.to_uppercase().parse(), Ok(format));
        }
        assert_eq!("auto".parse(), Ok(OutputFormat::Mp3 { kbps: 128 }));
        for word in NOT_MADE {
            let refused = word.parse::<OutputFormat>().unwrap_err().to_string();
            assert!(refused.starts_with("that one is not made here: expected one of auto, mp3_44100_32"), "{refused}");
        }
        for word in ["", "mp3", "mp3_44100", "mp3_44100_129", "flac"] {
            assert!(
                word.parse::<OutputFormat>().unwrap_err().to_string().starts_with("expected one of auto"),
                "{word}"
            );
        }
    }
}
