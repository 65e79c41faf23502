//! Three MIDI files in, one out, as JSON with base64 (`POST generate`).

use std::io::Read as _;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use blend::{Length, Options};
use domain::{Failure, Usage};
use music::{
    Score,
    score::ScoreNote,
    smf::{self, Read},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{MlModelClient, local, next_where_refused, written};
use crate::{
    blending::{BlendedSong, MOST_BLEND_SECONDS, SongBlender, SongToBlend},
    calls::{Answered, Call, Make, ProviderCall},
    capability::blocking,
    input::AudioInput,
    outside_service::CallError,
    stop::Stop,
};

/// The songs of a job are blended there once: what has come is taken again after a restart.
const PURPOSE: &str = "blend";
/// A blend is no sound: it has a price for each call, if any.
const NOTHING: Usage = Usage { compute_seconds: 0.0, audio_seconds: 0.0, input_tokens: 0, output_tokens: 0 };

/// Largest MIDI file that is taken from the model.
const MAX_MIDI_BYTES: usize = 4 << 20;
/// Most that is read of an answer: such a file in base64, and some words around it.
const MAX_ANSWER_BYTES: u64 = MAX_MIDI_BYTES as u64 / 3 * 4 + (64 << 10);
/// Longest song that is read of the model, in seconds; what is longer than a blend may be is refused.
const READ_SECONDS: f64 = 1_800.0;
/// Share of the length asked for below which a song is no answer to it, and difference from it that is told, as shares of it.
const LEAST_SHARE: f64 = 0.25;
const TOLD_SHARE: f64 = 0.1;
/// The model is told a length in seconds; where bars are asked for and no tempo, they are of four beats at this.
const DEFAULT_BPM: f64 = 120.0;

#[derive(Serialize)]
struct Order {
    midi_files: [String; 3],
    options: OrderOptions,
}

#[derive(Serialize)]
struct OrderOptions {
    temperature: f64,
    creativity: f64,
    length_seconds: f64,
}

/// The name of the field is that of what the model's other route takes.
#[derive(Deserialize)]
struct MadeSong {
    midi_data: String,
}

#[async_trait]
impl SongBlender for MlModelClient {
    async fn blend(
        &self,
        songs: &[SongToBlend; 3],
        options: &Options,
        call: &ProviderCall<'_>,
    ) -> Result<BlendedSong, Stop> {
        let (owned, titles) = (songs.clone(), songs.each_ref().map(|song| song.title.clone()));
        // Our own writing of what we read, never a stranger's bytes.
        let midi_files = blocking(move || owned.map(|song| STANDARD.encode(smf::write(&song.score)))).await?;
        let order = Order { midi_files, options: order_options(options) };
        let asked = order.options.length_seconds;
        let made = if self.is_paid() {
            self.bought(order, call).await
        } else {
            self.song(&order, None).await.map(|(_, read)| read).map_err(|error| Stop::Failed(error.into_failure()))
        };
        let Read { mut score, warnings: mended } = made.map_err(next_where_refused)?;
        score.title = titles.join(" × ");
        let mut warnings = not_told(options);
        let seconds = score.seconds();
        if (seconds - asked).abs() > asked * TOLD_SHARE {
            warnings.push(format!("The model made {seconds:.0} s of the {asked:.0} s that it was asked for."));
        }
        if !mended.is_empty() {
            warnings.push(format!("The model's song had faults that were mended ({}).", mended.len()));
        }
        Ok(BlendedSong { score, part_roles: None, origin: None, warnings })
    }
}

impl MlModelClient {
    /// The song of a call that is a row of the log: as it comes, or as it was kept.
    async fn bought(&self, order: Order, call: &ProviderCall<'_>) -> Result<Read, Stop> {
        let of = Call {
            provider: &call.provider,
            credential: "default",
            purpose: PURPOSE,
            estimate: self.prices.cost(&NOTHING),
            may_repeat: false,
        };
        let (model, asked) = (self.clone(), order.options.length_seconds);
        let make: Make<'static> = Box::new(move |id| Box::pin(async move { model.answered(&order, id).await }));
        let answer = call.paid_once(of, make).await?;
        let no_song = || Stop::GivenUp(self.http.misbehaved("sent no song"));
        let kept = answer.files.into_iter().next().ok_or_else(no_song)?;
        let midi = blocking(move || bytes_of(&kept)).await??;
        // It would be the same again.
        self.read(midi, asked).await.map_err(Stop::GivenUp)
    }

    async fn answered(&self, order: &Order, id: String) -> Result<Answered, CallError> {
        let (midi, _) = self.song(order, Some(&id)).await?;
        let value = json!({ "bytes": midi.len() });
        let file = written(midi).await?;
        Ok(Answered { value, files: vec![file], usage: NOTHING, cost: self.prices.cost(&NOTHING) })
    }

    /// What the model makes: the file, and what is read in it. A call that is a row is known by its id.
    async fn song(&self, order: &Order, id: Option<&str>) -> Result<(Vec<u8>, Read), CallError> {
        let request = match id {
            Some(id) => self.http.post_known_as(id, "generate", MAX_ANSWER_BYTES),
            None => self.http.post("generate", MAX_ANSWER_BYTES),
        };
        let answer = self.sent(request.json(order)).await?;
        let made: MadeSong = answer.json().await.map_err(|error| self.spoilt(&error, NOTHING))?;
        let no_base64 = |_| self.useless(self.http.misbehaved("sent a song that is not in base64"), NOTHING);
        let midi = STANDARD.decode(made.midi_data.trim()).map_err(no_base64)?;
        let read = self.read(midi.clone(), order.options.length_seconds).await;
        Ok((midi, read.map_err(|failure| self.useless(failure, NOTHING))?))
    }

    /// A song of the model, if it can be played and is not far shorter than the `asked` seconds. What it makes amiss is its own
    /// fault, never that of whoever asked.
    async fn read(&self, midi: Vec<u8>, asked: f64) -> Result<Read, Failure> {
        let read = blocking(move || {
            let limits = smf::Limits { bytes: MAX_MIDI_BYTES, seconds: READ_SECONDS, ..smf::Limits::default() };
            smf::read(&midi, &limits)
        })
        .await?;
        let read = read.map_err(|_| self.http.misbehaved("sent something that is not a song in MIDI"))?;
        match fault(&read.score, asked) {
            Some(what) => Err(self.http.misbehaved(what)),
            None => Ok(read),
        }
    }
}

/// Blocking.
fn bytes_of(kept: &AudioInput) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    kept.reopen()?.read_to_end(&mut bytes).map_err(|error| local(&error))?;
    Ok(bytes)
}

/// What is wrong with a song, to be said behind the name of who made it.
fn fault(score: &Score, asked: f64) -> Option<&'static str> {
    let last = score.parts.iter().flat_map(|part| &part.notes).map(ScoreNote::end).max().unwrap_or(0);
    if score.seconds_at(last) < asked * LEAST_SHARE {
        return Some("sent far less than it was asked for");
    }
    if score.seconds() > MOST_BLEND_SECONDS {
        return Some("sent a song that is too long");
    }
    (score.parts.len() > soundfont::MOST_PARTS).then_some("sent a song with too many parts")
}

fn order_options(options: &Options) -> OrderOptions {
    let length_seconds = match options.length {
        Length::Seconds(seconds) => seconds,
        // Bars of four beats.
        Length::Bars(bars) => f64::from(bars) * 240.0 / options.tempo_bpm.unwrap_or(DEFAULT_BPM),
    };
    OrderOptions { temperature: options.temperature, creativity: options.creativity, length_seconds }
}

/// What was asked for and is not part of what the model is told.
fn not_told(options: &Options) -> Vec<String> {
    let default = Options::default();
    let asked = [
        ("weights", options.weights != default.weights),
        ("tempo", options.tempo_bpm.is_some()),
        ("key", options.key.is_some()),
        ("form", options.form.is_some()),
    ];
    let names: Vec<&str> = asked.into_iter().filter(|(_, is_asked)| *is_asked).map(|(name, _)| name).collect();
    if names.is_empty() {
        return Vec::new();
    }
    vec![format!("The model that blended the songs takes no {}: these were left to it.", names.join(", "))]
}
