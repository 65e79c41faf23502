//! A melody that a prediction is given, and what is made of it: its tune an octave lower, with the partials of every tone, of which
//! the third is the fifth above it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{models::Recipe, store::Store};
use crate::{audio::Codec, sound::Tone};

/// Listened to at once.
const FRAME_SECONDS: f64 = 0.05;
/// Quieter than this, of full scale, is a rest.
const SILENCE: f64 = 0.01;
/// Frames whose pitches are nearer than this share are one tone.
const NEAR: f64 = 0.03;

/// The same length of music, but of the melody's tune where the input has one that can be read.
pub fn follow(recipe: Recipe, input: &Value, store: &Store) -> Recipe {
    let Some(bytes) = input["input_audio"].as_str().and_then(|address| given(address, store)) else { return recipe };
    let seconds = crate::sound::seconds(&recipe.tones);
    let Some(tones) = tune(&bytes, seconds) else { return recipe };
    let codec = if recipe.codec == Codec::Wav { Codec::WholeWav } else { recipe.codec };
    Recipe { tones, codec, ..recipe }
}

/// What lies at an address: inside of it, or among the files that were uploaded. Nothing is fetched from elsewhere.
fn given(address: &str, store: &Store) -> Option<Vec<u8>> {
    if let Some(data) = address.strip_prefix("data:") {
        return STANDARD.decode(data.split_once("base64,")?.1).ok();
    }
    let id = address.split('?').next()?.rsplit('/').next()?;
    store.files.iter().find(|file| file.id == id).map(|file| file.content.to_vec())
}

/// The tune of a WAV file, an octave lower, exactly so long.
fn tune(wav: &[u8], seconds: f64) -> Option<Vec<Tone>> {
    let (samples, rate) = first_channel(wav)?;
    let frame = ((FRAME_SECONDS * rate) as usize).max(1);
    let mut tones: Vec<Tone> = Vec::new();
    let mut left = seconds;
    for samples in samples.chunks(frame) {
        let length = left.min(samples.len() as f64 / rate);
        left -= length;
        let hz = pitch(samples, rate) / 2.0;
        match tones.last_mut() {
            Some(last) if (last.hz - hz).abs() <= NEAR * last.hz => last.seconds += length,
            _ => tones.push(Tone { seconds: length, hz }),
        }
    }
    tones.push(Tone { seconds: left, hz: 0.0 });
    Some(tones)
}

/// By the moments at which a plain tone rises through zero; 0 for a rest.
fn pitch(samples: &[f64], rate: f64) -> f64 {
    let power = samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len().max(1) as f64;
    if power.sqrt() < SILENCE {
        return 0.0;
    }
    let rises: Vec<f64> = samples
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] <= 0.0 && pair[1] > 0.0)
        .map(|(at, pair)| at as f64 - pair[0] / (pair[1] - pair[0]))
        .collect();
    match (rises.first(), rises.last()) {
        (Some(first), Some(last)) if last > first => (rises.len() - 1) as f64 * rate / (last - first),
        _ => 0.0,
    }
}

/// The samples of the first channel and their rate; `None` for what is no 16-bit WAV file.
fn first_channel(wav: &[u8]) -> Option<(Vec<f64>, f64)> {
    let mut rest = wav.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut format = None;
    while let (Some(name), Some(size)) = (rest.get(..4), rest.get(4..8)) {
        let size = u32::from_le_bytes(size.try_into().ok()?) as usize;
        let body = rest.get(8..)?;
        let chunk = body.get(..size.min(body.len()))?;
        match name {
            b"fmt " => {
                let number = |at: usize| Some(u16::from_le_bytes(chunk.get(at..at + 2)?.try_into().ok()?));
                let rate = u32::from_le_bytes(chunk.get(4..8)?.try_into().ok()?);
                (number(14)? == 16).then_some(())?;
                format = Some((usize::from(number(2)?).max(1), f64::from(rate.max(1))));
            }
            b"data" => {
                let (channels, rate) = format?;
                let sample = |frame: &[u8]| f64::from(i16::from_le_bytes([frame[0], frame[1]])) / 32_768.0;
                return Some((chunk.chunks_exact(2 * channels).map(sample).collect(), rate));
            }
            _ => {}
        }
        // Chunks have an even length.
        rest = body.get(size + size % 2..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound;

    #[test]
    fn a_tune_is_heard_an_octave_lower() {
        let sung = [(0.5, 0.0), (1.0, 440.0), (0.25, 0.0), (1.0, 220.0)].map(|(seconds, hz)| Tone { seconds, hz });
        let wav = sound::wav(&sound::samples(&sung, 32_000, 2), 32_000, 2);
        let heard = tune(&wav, 4.0).unwrap();
        assert!((sound::seconds(&heard) - 4.0).abs() < 1e-9, "{heard:?}");
        let check = |hz: f64, seconds: f64| {
            let sounding = heard.iter().filter(|tone| (tone.hz - hz).abs() < 2.0).map(|tone| tone.seconds).sum::<f64>();
            assert!((sounding - seconds).abs() < 0.11, "{sounding} s of {hz} Hz: {heard:?}");
        };
        check(220.0, 1.0);
        check(110.0, 1.0);
        check(0.0, 2.0);
        assert!((sound::seconds(&tune(&wav, 1.0).unwrap()) - 1.0).abs() < 1e-9);
        assert_eq!((tune(b"RIFF", 1.0), tune(&wav[..30], 1.0)), (None, None));
    }
}
