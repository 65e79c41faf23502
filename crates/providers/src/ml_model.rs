//! A model elsewhere that blends songs: three MIDI files in, one out, as JSON with base64 (`POST generate`). What it answers
//! is not believed: it is bounded, decoded and read as any stranger's file. Its other route plays songs.

mod playing;

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use blend::{Length, Options};
use chrono::Utc;
use domain::{Failure, FailureClass, FailureCode};
use music::{Score, score::ScoreNote, smf};
use outbound::{Destination, Limits, Outbound, Request, SetupError, StatusCode};
use serde::{Deserialize, Serialize};
use settings::Secret;
use url::Url;

use crate::{
    blending::{BlendedSong, MOST_BLEND_SECONDS, SongBlender, SongToBlend},
    capability::blocking,
    chain::TellsVersion,
    outside::misdeed,
};

/// What each of the routes does, to be said of the model.
const BLENDS: &str = "blends";

/// The provider's name in results, metrics and `/stats`.
pub const NAME: &str = "ml_model";

/// Largest MIDI file that is taken from the model.
const MAX_MIDI_BYTES: usize = 4 << 20;
/// Most that is read of an answer: such a file in base64, and some words around it.
const MAX_ANSWER_BYTES: u64 = MAX_MIDI_BYTES as u64 / 3 * 4 + (64 << 10);
/// Longest song that is read of the model, in seconds; what is longer than a blend may be is refused.
const READ_SECONDS: f64 = 1_800.0;
/// Share of the length asked for below which a song is no answer to it, and difference from it that is told, as shares of it.
const LEAST_SHARE: f64 = 0.25;
const TOLD_SHARE: f64 = 0.1;
/// Calls end long before, by the chain's deadline; this only says that none lives for ever.
const LONGEST_CALL: Duration = Duration::from_secs(24 * 3600);
/// The model is told a length in seconds; where bars are asked for and no tempo, they are of four beats at this.
const DEFAULT_BPM: f64 = 120.0;

#[derive(Serialize)]
struct Call {
    midi_files: [String; 3],
    options: CallOptions,
}

#[derive(Serialize)]
struct CallOptions {
    temperature: f64,
    creativity: f64,
    length_seconds: f64,
}

/// The name of the field is that of what the model's other route takes.
#[derive(Deserialize)]
struct Answer {
    midi_data: String,
}

/// Calls the model. Deadlines are the chain's.
pub struct MlModelClient {
    outbound: Outbound,
    service: Destination,
    key: Option<Secret<String>>,
}

impl MlModelClient {
    /// `base` is the model's address, such as `http://localhost:8000`.
    ///
    /// # Errors
    /// When `base` is no address to build upon.
    pub fn new(outbound: &Outbound, base: Url, key: Option<Secret<String>>) -> Result<Self, SetupError> {
        let service = Destination::configured(base)?.traced();
        Ok(Self { outbound: outbound.clone(), service, key })
    }

    /// A request to a route, of whose answer so much is read.
    fn post<T: Serialize>(&self, route: &str, body: &T, most_bytes: u64) -> Request {
        let limits = Limits::new(LONGEST_CALL, most_bytes);
        let request = self.outbound.post(&self.service, route).json(body).limits(limits);
        match &self.key {
            Some(key) => request.bearer(key),
            None => request,
        }
    }

    async fn ask(&self, call: &Call) -> Result<Vec<u8>, Failure> {
        let away = |error| failure(BLENDS, FailureClass::Transient, misdeed(&error));
        let answer = self.post("generate", call, MAX_ANSWER_BYTES).send().await.map_err(away)?;
        if answer.status() != StatusCode::OK {
            return Err(refused(BLENDS, answer.status(), answer.retry_after(Utc::now())));
        }
        let answer: Answer = answer.json().await.map_err(away)?;
        STANDARD
            .decode(answer.midi_data.trim())
            .map_err(|_| failure(BLENDS, FailureClass::Transient, "sent a song that is not in base64"))
    }
}

/// Its contract has no word for it, so nothing that it made is taken for another job.
#[async_trait]
impl TellsVersion for MlModelClient {
    async fn version(&self, _capability: &str) -> Option<String> {
        None
    }
}

#[async_trait]
impl SongBlender for MlModelClient {
    async fn blend(&self, songs: &[SongToBlend; 3], options: &Options) -> Result<BlendedSong, Failure> {
        let (owned, titles) = (songs.clone(), songs.each_ref().map(|song| song.title.clone()));
        // Our own writing of what we read, never a stranger's bytes.
        let midi_files = blocking(move || owned.map(|song| STANDARD.encode(smf::write(&song.score)))).await?;
        let call = Call { midi_files, options: call_options(options) };
        let bytes = self.ask(&call).await?;
        let read = blocking(move || {
            let limits = smf::Limits { bytes: MAX_MIDI_BYTES, seconds: READ_SECONDS, ..smf::Limits::default() };
            smf::read(&bytes, &limits)
        })
        .await?;
        let mut read =
            read.map_err(|_| failure(BLENDS, FailureClass::Transient, "sent something that is not a song in MIDI"))?;
        let asked = call.options.length_seconds;
        check(&read.score, asked)?;
        read.score.title = titles.join(" × ");
        let mut warnings = not_told(options);
        let seconds = read.score.seconds();
        if (seconds - asked).abs() > asked * TOLD_SHARE {
            warnings.push(format!("The model made {seconds:.0} s of the {asked:.0} s that it was asked for."));
        }
        if !read.warnings.is_empty() {
            warnings.push(format!("The model's song had faults that were mended ({}).", read.warnings.len()));
        }
        Ok(BlendedSong { score: read.score, part_roles: None, origin: None, warnings })
    }
}

/// Whether a song of the model can be played and is not far shorter than the `asked` seconds. What it makes amiss is its own
/// fault, never that of whoever asked.
fn check(score: &Score, asked: f64) -> Result<(), Failure> {
    let last = score.parts.iter().flat_map(|part| &part.notes).map(ScoreNote::end).max().unwrap_or(0);
    if score.seconds_at(last) < asked * LEAST_SHARE {
        return Err(failure(BLENDS, FailureClass::Transient, "sent far less than it was asked for"));
    }
    if score.seconds() > MOST_BLEND_SECONDS {
        return Err(failure(BLENDS, FailureClass::Transient, "sent a song that is too long"));
    }
    if score.parts.len() > soundfont::MOST_PARTS {
        return Err(failure(BLENDS, FailureClass::Transient, "sent a song with too many parts"));
    }
    Ok(())
}

fn call_options(options: &Options) -> CallOptions {
    let length_seconds = match options.length {
        Length::Seconds(seconds) => seconds,
        // Bars of four beats.
        Length::Bars(bars) => f64::from(bars) * 240.0 / options.tempo_bpm.unwrap_or(DEFAULT_BPM),
    };
    CallOptions { temperature: options.temperature, creativity: options.creativity, length_seconds }
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

fn refused(does: &str, status: StatusCode, retry_after: Option<Duration>) -> Failure {
    match (status, retry_after) {
        (StatusCode::TOO_MANY_REQUESTS, Some(wait)) => {
            failure(does, FailureClass::RetryAfter, "is asked too often").with_retry_after(wait)
        }
        (
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED,
            _,
        ) => failure(does, FailureClass::Config, "refused the key or the address"),
        (StatusCode::PAYMENT_REQUIRED, _) => failure(does, FailureClass::Money, "wants credit"),
        // It was sent what it promises to take: whatever it has against that, the engine may do better.
        _ => failure(does, FailureClass::Transient, "failed"),
    }
}

fn failure(does: &str, class: FailureClass, what: &str) -> Failure {
    let code = match class {
        FailureClass::Config => FailureCode::ProviderConfig,
        FailureClass::Money => FailureCode::ProviderQuota,
        _ => FailureCode::ProviderUnavailable,
    };
    Failure::new(class, code, format!("the model that {does} songs {what}"))
}
