//! `POST /v1/audio/speech`.

use serde_json::Value;

use super::{SPEECH_MODELS, error, invalid, model};
use crate::{
    audio::{self, Codec, Spoken},
    prices,
    work::{Reply, Work},
};

const VOICES: [&str; 13] =
    ["alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse", "marin", "cedar"];
/// Of the model that others serve.
pub(super) const KOKORO_VOICES: [&str; 5] = ["af_heart", "af_bella", "am_adam", "bf_emma", "bm_george"];
const LONGEST_INPUT: usize = 4_096;
const RATE_HZ: u32 = 24_000;

pub(super) fn answer(work: &Work<'_>, body: &Value) -> Reply {
    let model = match model(body, &SPEECH_MODELS) {
        Ok(model) => model,
        Err(refused) => return refused,
    };
    let Some(input) = body["input"].as_str().filter(|input| !input.is_empty()) else {
        return invalid("input", "Input should be a non-empty string");
    };
    let characters = input.chars().count();
    if characters > LONGEST_INPUT {
        return invalid("input", "String should have at most 4096 characters");
    }
    let voices: &[&str] = if model == "kokoro" { &KOKORO_VOICES } else { &VOICES };
    if !body["voice"].as_str().is_some_and(|voice| voices.contains(&voice)) {
        return invalid("voice", &format!("Input should be one of {}", voices.join(", ")));
    }
    let speed = if body["speed"].is_null() { Some(1.0) } else { body["speed"].as_f64() };
    let Some(speed) = speed.filter(|speed| (0.25..=4.0).contains(speed)) else {
        return invalid("speed", "Input should be from 0.25 to 4");
    };
    let codec = match body["response_format"].as_str().unwrap_or("mp3") {
        "mp3" => Codec::Mp3 { kbps: 64 },
        "wav" => Codec::Wav,
        "pcm" => Codec::Pcm,
        "opus" | "aac" | "flac" => {
            let message = "the stand-in has no encoder for this format: ask for mp3, wav or pcm";
            return error(501, "server_error", None, Some("response_format"), message).into();
        }
        _ => return invalid("response_format", "Input should be mp3, opus, aac, flac, wav or pcm"),
    };
    let spoken = Spoken { words: input, speed, most_seconds: f64::INFINITY };
    let Some(answer) = audio::speech(&spoken, codec, RATE_HZ, work.sound()) else {
        return error(500, "server_error", None, None, "The server had an error.").into();
    };
    let amount = characters as u64 * prices::SPEECH_CHARACTER_MICROS;
    Reply { answer, charge: Some(work.charge(amount, None)) }
}
