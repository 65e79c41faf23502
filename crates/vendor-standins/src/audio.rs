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

/// Words that are spoken.
#[derive(Clone, Copy, Debug)]
pub struct Spoken<'a> {
    pub words: &'a str,
    /// 1 is the usual one.
    pub speed: f64,
    /// What is longer is cut off.
    pub most_seconds: f64,
}

/// Words as an answer, amiss as told: said by a voice where this machine has one, and as tones in their rhythm where it has none
/// or the codec knows tones alone. `None` where the codec has no such rate.
pub fn speech(spoken: &Spoken<'_>, codec: Codec, rate_hz: u32, amiss: Option<Sound>) -> Option<Answer> {
    let Spoken { words, speed, most_seconds } = *spoken;
    let is_plain = matches!(codec, Codec::Wav | Codec::WholeWav | Codec::Pcm);
    let said = if is_plain { sound::say(words, speed, rate_hz) } else { None };
    let Some(mut samples) = said else {
        let tones = sound::within(sound::spoken(words, speed), most_seconds);
        return answer(&tones, codec, rate_hz, 1, amiss);
    };
    let rate = f64::from(rate_hz);
    samples.truncate((most_seconds * rate) as usize);
    match amiss {
        None | Some(Sound::OutOfTune) => {}
        Some(Sound::Silent) => samples.fill(0),
        // What is no speech is made as for all the others, by the length that this would have.
        Some(Sound::NotAudio | Sound::Empty | Sound::Short | Sound::Long) => {
            let rest = Tone { seconds: samples.len() as f64 / rate, hz: 0.0 };
            return answer(&[rest], codec, rate_hz, 1, amiss);
        }
    }
    let bytes = if codec == Codec::Pcm { sound::pcm(&samples) } else { sound::wav(&samples, rate_hz, 1) };
    Some(Answer::bytes(200, codec.content_type(), bytes))
}
