//! The model's other route: notes in, an MP3 out (`POST convert-to-mp3`). The contract does not say in which form the sound comes;
//! it is taken as it is, and in base64 in JSON under the names that such services use.

use std::collections::HashMap;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::Usage;
use music::{Score, smf};
use serde::Serialize;
use serde_json::{Value, json};

use super::{MlModelClient, next_where_refused, written};
use crate::{
    calls::{Answered, Call, Make, ProviderCall},
    capability::blocking,
    outside_service::CallError,
    playing::{PlayedSong, SongPlayer},
    stop::Stop,
};

/// A song is sent there once for each job: what has come is taken again after a restart.
const PURPOSE: &str = "play";
/// The best that there is; MP3s have no higher rate that is usual.
const QUALITY: &str = "high";
const SAMPLE_RATE_HZ: u32 = 44_100;
/// The most that an MP3 has, 320 kbit/s, and room for what dies away behind the last note, for tags and a picture.
const MOST_BYTES_PER_SECOND: f64 = 40_000.0;
const MOST_TAIL_SECONDS: f64 = 15.0;
const AROUND_BYTES: u64 = 1 << 20;
/// Under what a sound stands in JSON, the likeliest first.
const NAMES: [&str; 8] =
    ["mp3_data", "audio_data", "mp3", "audio", "data", "mp3_base64", "audio_base64", "audio_content"];

#[derive(Serialize)]
struct Order {
    midi_data: String,
    options: OrderOptions,
}

#[derive(Serialize)]
struct OrderOptions {
    quality: &'static str,
    sample_rate: u32,
}

#[async_trait]
impl SongPlayer for MlModelClient {
    async fn play(&self, score: &Score, call: &ProviderCall<'_>) -> Result<PlayedSong, Stop> {
        let owned = score.clone();
        let midi_data = blocking(move || STANDARD.encode(smf::write(&owned))).await?;
        let order = Order { midi_data, options: OrderOptions { quality: QUALITY, sample_rate: SAMPLE_RATE_HZ } };
        let usage = Usage { audio_seconds: score.seconds(), ..Usage::default() };
        let asked = Call {
            provider: &call.provider,
            credential: "default",
            purpose: PURPOSE,
            estimate: self.prices.cost(&usage),
            may_repeat: false,
        };
        let model = self.clone();
        let make: Make<'static> = Box::new(move |id| Box::pin(async move { model.played(&order, usage, &id).await }));
        let answer = call.paid_once(asked, make).await.map_err(next_where_refused)?;
        match answer.files.into_iter().next() {
            Some(sound) => Ok(PlayedSong::Sound(sound)),
            None => Err(Stop::GivenUp(self.http.misbehaved("sent no sound"))),
        }
    }
}

impl MlModelClient {
    /// The sound of a song with that use of the model, which is as long as the song.
    async fn played(&self, order: &Order, usage: Usage, id: &str) -> Result<Answered, CallError> {
        let most_bytes = most_bytes(usage.audio_seconds);
        let most_answered = most_bytes / 3 * 4 + AROUND_BYTES;
        let answer = self.sent(self.http.post_known_as(id, "convert-to-mp3", most_answered).json(order)).await?;
        let body = answer.bytes().await.map_err(|error| self.spoilt(&error, usage))?;
        let sound = blocking(move || sound_in(&body, most_bytes)).await.map_err(CallError::Unanswered)?;
        let sound = sound.map_err(|what| self.useless(self.http.misbehaved(what), usage))?;
        let value = json!({ "bytes": sound.len() });
        let file = written(sound).await?;
        Ok(Answered { value, files: vec![file], usage, cost: self.prices.cost(&usage) })
    }
}

fn most_bytes(seconds: f64) -> u64 {
    ((seconds + MOST_TAIL_SECONDS) * MOST_BYTES_PER_SECOND) as u64 + AROUND_BYTES
}

/// The sound in a body, whatever its type says; whether it is one is seen when it is listened to.
fn sound_in(body: &[u8], most_bytes: u64) -> Result<Vec<u8>, &'static str> {
    // No sound file begins with a brace.
    let sound = if body.trim_ascii_start().first() == Some(&b'{') { of_json(body)? } else { body.to_vec() };
    match sound.len() as u64 {
        0 => Err("sent no sound"),
        bytes if bytes > most_bytes => Err("sent more than it may"),
        _ => Ok(sound),
    }
}

fn of_json(body: &[u8]) -> Result<Vec<u8>, &'static str> {
    let promised = "sent an answer that is not what it promises";
    let fields: HashMap<String, Value> = serde_json::from_slice(body).map_err(|_| promised)?;
    let text = NAMES.iter().find_map(|name| fields.get(*name)?.as_str()).ok_or(promised)?;
    // Some put `data:audio/mpeg;base64,` in front.
    let text = text.strip_prefix("data:").and_then(|rest| rest.split_once(',')).map_or(text, |(_, data)| data);
    let unbroken: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(unbroken).map_err(|_| "sent a sound that is not in base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_found_in_what_such_services_answer() {
        let check = |body: &str, expected: Result<&[u8], &str>| {
            assert_eq!(sound_in(body.as_bytes(), 10), expected.map(<[u8]>::to_vec), "{body}");
        };
        check("ID3raw", Ok(b"ID3raw"));
        for name in NAMES {
            check(&format!("{{\"{name}\": \"SUQz\"}}"), Ok(b"ID3"));
        }
        check("\n {\"format\": \"mp3\", \"audio\": \"data:audio/mpeg;base64,SU\\nQz\"}", Ok(b"ID3"));
        check("", Err("sent no sound"));
        check("{\"mp3_data\": \"\"}", Err("sent no sound"));
        check("ID3 and so on", Err("sent more than it may"));
        check("{\"mp3_data\": \"!\"}", Err("sent a sound that is not in base64"));
        for other in ["{", "{\"mp3_data\": 7}", "{\"url\": \"http://localhost/song.mp3\"}"] {
            check(other, Err("sent an answer that is not what it promises"));
        }
    }
}
