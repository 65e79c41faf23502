//! Sound as an answer.

use crate::{
    http::Answer,
    sound::{self, Tone},
    steps::Sound,
    work::NOT_AUDIO,
};

/// How samples are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    Wav,
    /// The same without a repetition, for what follows a tune.
    WholeWav,
    /// 16 bits, little-endian, without a header.
    Pcm,
    /// In kbit/s.
    Mp3 {
        kbps: u32,
    },
    Ulaw,
    Alaw,
}

impl Codec {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Wav | Self::WholeWav => "audio/wav",
            Self::Pcm => "audio/pcm",
            Self::Mp3 { .. } => "audio/mpeg",
            Self::Ulaw => "audio/basic",
            Self::Alaw => "audio/x-alaw-basic",
        }
    }
}

/// Tones as bytes, amiss as told; `None` where the codec has no such rate.
pub fn bytes(tones: &[Tone], codec: Codec, rate_hz: u32, channels: u16, amiss: Option<Sound>) -> Option<Vec<u8>> {
    let changed;
    let tones = match amiss {
        Some(Sound::NotAudio) => return Some(NOT_AUDIO.as_bytes().to_vec()),
        Some(Sound::Empty) => return Some(Vec::new()),
        Some(Sound::Silent) => {
            changed = sound::silenced(tones);
            &changed
        }
        Some(Sound::Short) => {
            changed = sound::tune(sound::seconds(tones) / 10.0, 1);
            &changed
        }
        Some(Sound::OutOfTune) => {
            changed = sound::raised(tones, 1.0);
            &changed
        }
        Some(Sound::Long) => {
            changed = sound::tune(sound::seconds(tones) * 3.0, 1);
            &changed
        }
        None => tones,
    };
    if let Codec::Mp3 { kbps } = codec {
        return sound::mp3(tones, rate_hz, channels, kbps);
    }
    let samples = match codec {
        Codec::WholeWav => sound::whole(tones, rate_hz, channels),
        _ => sound::samples(tones, rate_hz, channels),
    };
    Some(match codec {
        Codec::Wav | Codec::WholeWav => sound::wav(&samples, rate_hz, channels),
        Codec::Ulaw => samples.into_iter().map(sound::ulaw).collect(),
        Codec::Alaw => samples.into_iter().map(sound::alaw).collect(),
        Codec::Pcm | Codec::Mp3 { .. } => sound::pcm(&samples),
    })
}

/// The same as an answer with its content type.
pub fn answer(tones: &[Tone], codec: Codec, rate_hz: u32, channels: u16, amiss: Option<Sound>) -> Option<Answer> {
    let bytes = bytes(tones, codec, rate_hz, channels, amiss)?;
    Some(Answer::bytes(200, codec.content_type(), bytes))
}
