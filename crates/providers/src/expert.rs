//! The Expert Music AI service over HTTP, and the shapes that it and its client share.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::Utc;
use domain::{Failure, FailureClass, FailureCode};
use lyrics::{Lyrics, LyricsRequest};
use media::Bounds;
use music::Melody;
use outbound::{Answer, Destination, Limits, NotSent, Outbound, OutboundError, Request, SetupError, StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;
use url::Url;
use voice::VoiceOptions;

use crate::{
    calls::ProviderCall,
    capability::{AudioInput, LyricsWriter, MelodyExtractor, Performance, ProgressSink, Vocal, VocalSynthesizer},
    chain::TellsVersion,
    outside::misdeed,
    stop::Stop,
};

/// The provider's name in results, metrics and `/stats`.
pub const NAME: &str = "expert";

/// `POST v1/lyrics`.
#[derive(Debug, Serialize, Deserialize)]
pub struct LyricsCall {
    pub melody: Melody,
    pub request: LyricsRequest,
}

/// `POST v1/vocals`.
#[derive(Debug, Serialize, Deserialize)]
pub struct VocalsCall {
    pub melody: Melody,
    pub lyrics: Lyrics,
    pub voice: VoiceOptions,
}

/// The answer of `POST v1/vocals`: everything but the sound, which lies at `audio_path` for an hour.
#[derive(Debug, Serialize, Deserialize)]
pub struct VocalsAnswer {
    /// Relative to the service's address; a WAV file.
    pub audio_path: String,
    #[serde(flatten)]
    pub performance: Performance,
}

/// The error body of the service's own routes.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExpertProblem {
    /// A [`FailureCode`] as text.
    pub code: String,
    pub detail: String,
}

/// Most that is read of a JSON answer: a five-minute melody is about 3 MB.
const MAX_JSON_BYTES: u64 = 32 * 1024 * 1024;
/// Most that is read of an audio answer: five minutes of 44.1 kHz 16-bit stereo, and some.
const MAX_AUDIO_BYTES: u64 = 64 * 1024 * 1024;
/// Most that is read of a refusal.
const MAX_PROBLEM_BYTES: u64 = 64 * 1024;
/// Calls end long before, by the chain's deadline; this only says that none lives for ever.
const LONGEST_CALL: Duration = Duration::from_secs(24 * 3600);
const FOR_JSON: Limits = Limits::new(LONGEST_CALL, MAX_JSON_BYTES);
/// What the service says of its versions is believed for so long, and waited for no longer than that: without it nothing
/// is reused, which costs time and is never wrong.
const VERSIONS_LAST: Duration = Duration::from_secs(30);
const VERSIONS_TIMEOUT: Duration = Duration::from_secs(3);

/// What is read of `GET models`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ModelsAnswer {
    /// By name.
    pub base: BTreeMap<String, ServedModel>,
    pub fine_tuned: BTreeMap<String, serde_json::Value>,
}

/// What the service does one thing with.
#[derive(Debug, Serialize, Deserialize)]
pub struct ServedModel {
    pub capability: String,
    pub provider: String,
    /// Equal versions make the same of the same.
    pub version: String,
}

/// Calls an Expert Music AI service. Deadlines are the chain's.
pub struct ExpertClient {
    outbound: Outbound,
    service: Destination,
    /// What it said last, and when.
    models: Mutex<Option<(Instant, Arc<ModelsAnswer>)>>,
}

impl ExpertClient {
    /// `base` is the service's address, such as `http://localhost:8003`.
    ///
    /// # Errors
    /// When it is no address to build upon.
    pub fn new(outbound: &Outbound, base: Url) -> Result<Self, SetupError> {
        let service = Destination::configured(base)?.traced();
        Ok(Self { outbound: outbound.clone(), service, models: Mutex::default() })
    }

    fn get(&self, path: &str) -> Request {
        self.outbound.get(&self.service, path)
    }

    async fn call_json<A: Serialize + Sync, T: DeserializeOwned>(&self, path: &str, call: &A) -> Result<T, Failure> {
        let request = self.outbound.post(&self.service, path).json(call).limits(FOR_JSON);
        accepted(request).await?.json().await.map_err(away)
    }

    async fn models(&self) -> Result<Arc<ModelsAnswer>, Failure> {
        // Held while it is asked: those who come meanwhile wait for the same answer.
        let mut last = self.models.lock().await;
        if let Some((_, models)) = last.as_ref().filter(|(at, _)| at.elapsed() < VERSIONS_LAST) {
            return Ok(models.clone());
        }
        let request = self.get("models").limits(Limits::new(VERSIONS_TIMEOUT, MAX_JSON_BYTES));
        let models: Arc<ModelsAnswer> = Arc::new(accepted(request).await?.json().await.map_err(away)?);
        *last = Some((Instant::now(), models.clone()));
        Ok(models)
    }
}

#[async_trait]
impl TellsVersion for ExpertClient {
    async fn version(&self, capability: &str) -> Option<String> {
        let models = self.models().await;
        let models = models.inspect_err(|failure| tracing::debug!(code = %failure.code, "versions not told")).ok()?;
        let of_capability = models.base.iter().filter(|(_, model)| model.capability == capability);
        let versions: Vec<_> =
            of_capability.map(|(name, model)| format!("{name}={}/{}", model.provider, model.version)).collect();
        (!versions.is_empty()).then(|| versions.join(","))
    }
}

#[async_trait]
impl MelodyExtractor for ExpertClient {
    async fn extract(&self, audio: &AudioInput, progress: ProgressSink) -> Result<Melody, Failure> {
        let file = audio.reopen()?;
        let request = self.outbound.post(&self.service, "v1/melody").file(file, audio.size_bytes).limits(FOR_JSON);
        let melody = accepted(request).await?.json().await.map_err(away)?;
        progress(1.0);
        Ok(melody)
    }
}

#[async_trait]
impl LyricsWriter for ExpertClient {
    async fn write(&self, melody: &Melody, request: &LyricsRequest, _call: &ProviderCall<'_>) -> Result<Lyrics, Stop> {
        Ok(self.call_json("v1/lyrics", &LyricsCall { melody: melody.clone(), request: request.clone() }).await?)
    }
}

#[async_trait]
impl VocalSynthesizer for ExpertClient {
    async fn sing(
        &self,
        melody: &Melody,
        lyrics: &Lyrics,
        voice: &VoiceOptions,
        progress: ProgressSink,
        _call: &ProviderCall<'_>,
    ) -> Result<Vocal, Stop> {
        let call = VocalsCall { melody: melody.clone(), lyrics: lyrics.clone(), voice: voice.clone() };
        let answer: VocalsAnswer = self.call_json("v1/vocals", &call).await?;
        progress(0.8);
        let request = self.get(&answer.audio_path).limits(Limits::new(LONGEST_CALL, MAX_AUDIO_BYTES));
        // The vocal lies on the replica that sang it: another one has never heard of it, and singing again helps.
        let sound = accepted(request).await.map_err(|failure| match failure.class {
            FailureClass::Config => misbehaved("no longer has what it sang"),
            _ => failure,
        })?;
        let wav = sound.bytes().await.map_err(away)?;
        let sound = tokio::task::spawn_blocking(move || {
            media::decode_mono(std::io::Cursor::new(wav), voice::SAMPLE_RATE_HZ, &Bounds::default())
        })
        .await
        .map_err(|_| misbehaved("sent sound that could not be decoded"))?
        .map_err(|_| misbehaved("sent sound that could not be decoded"))?;
        progress(1.0);
        Ok(Vocal { sample_rate_hz: sound.sample_rate_hz, samples: sound.samples, performance: answer.performance })
    }
}

fn away(error: OutboundError) -> Failure {
    tracing::debug!(%error, "expert call failed");
    match error {
        OutboundError::NotSent { why: NotSent::Refused(_), .. } => misbehaved("named an address on another host"),
        error => misbehaved(misdeed(&error)),
    }
}

fn misbehaved(what: &str) -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, format!("the expert service {what}"))
}

/// Passes a 2xx on; maps everything else to what a job should do about it.
async fn accepted(request: Request) -> Result<Answer, Failure> {
    let answer = request.send().await.map_err(away)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let retry_after = answer.retry_after(Utc::now());
    let problem: Option<ExpertProblem> = answer.at_most(MAX_PROBLEM_BYTES).json().await.ok();
    Err(failure_of_status(status, retry_after, problem))
}

fn failure_of_status(status: StatusCode, retry_after: Option<Duration>, problem: Option<ExpertProblem>) -> Failure {
    let (class, code) = match status {
        StatusCode::TOO_MANY_REQUESTS if retry_after.is_some() => {
            (FailureClass::RetryAfter, FailureCode::ProviderUnavailable)
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT => {
            (FailureClass::Transient, FailureCode::ProviderUnavailable)
        }
        StatusCode::PAYMENT_REQUIRED => (FailureClass::Money, FailureCode::ProviderQuota),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            (FailureClass::Config, FailureCode::ProviderConfig)
        }
        status if status.is_client_error() => (FailureClass::Caller, FailureCode::ProviderRejected),
        _ => (FailureClass::Transient, FailureCode::ProviderUnavailable),
    };
    let told = problem.as_ref().and_then(|problem| problem.code.parse::<FailureCode>().ok());
    // The service's own word counts only where it explains a refusal; it may not turn an outage into the caller's fault.
    let code = if class == FailureClass::Caller { told.unwrap_or(code) } else { code };
    let detail = problem.map_or_else(|| format!("the expert service answered {status}"), |problem| problem.detail);
    let failure = Failure::new(class, code, detail);
    match retry_after {
        Some(wait) => failure.with_retry_after(wait),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_map_to_what_a_job_should_do() {
        let check = |status: u16, wait: Option<u64>, class| {
            let failure = failure_of_status(StatusCode::from_u16(status).unwrap(), wait.map(Duration::from_secs), None);
            assert_eq!(failure.class, class, "{status}");
            assert_eq!(failure.retry_after, wait.map(Duration::from_secs));
        };
        check(429, Some(7), FailureClass::RetryAfter);
        check(429, None, FailureClass::Transient);
        check(503, None, FailureClass::Transient);
        check(500, None, FailureClass::Transient);
        check(402, None, FailureClass::Money);
        check(401, None, FailureClass::Config);
        check(404, None, FailureClass::Config);
        check(400, None, FailureClass::Caller);
        check(422, None, FailureClass::Caller);
        check(302, None, FailureClass::Transient);
    }

    #[test]
    fn a_refusal_carries_the_services_own_word() {
        let problem = ExpertProblem { code: "no_melody".to_owned(), detail: "nothing was sung".to_owned() };
        let failure = failure_of_status(StatusCode::UNPROCESSABLE_ENTITY, None, Some(problem));
        assert_eq!((failure.code, failure.message.as_str()), (FailureCode::NoMelody, "nothing was sung"));
    }
}
