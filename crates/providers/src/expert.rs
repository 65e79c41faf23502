//! The Expert Music AI service over HTTP, and the shapes that it and its client share.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::Utc;
use domain::{Failure, FailureClass, FailureCode};
use lyrics::{Lyrics, LyricsRequest};
use media::Bounds;
use music::Melody;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use telemetry::trace;
use tokio::sync::Mutex;
use url::Url;
use voice::VoiceOptions;

use crate::{
    calls::ProviderCall,
    capability::{AudioInput, LyricsWriter, MelodyExtractor, Performance, ProgressSink, Vocal, VocalSynthesizer},
    chain::TellsVersion,
    retry_after,
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
const MAX_JSON_BYTES: usize = 32 * 1024 * 1024;
/// Most that is read of an audio answer: five minutes of 44.1 kHz 16-bit stereo, and some.
const MAX_AUDIO_BYTES: usize = 64 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
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
    http: Client,
    base: Url,
    /// What it said last, and when.
    models: Mutex<Option<(Instant, Arc<ModelsAnswer>)>>,
}

impl ExpertClient {
    /// `base` is the service's address, such as `http://localhost:8003`.
    pub fn new(mut base: Url) -> Result<Self, reqwest::Error> {
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        // A redirect would send a recording to an address that nobody configured.
        let http =
            Client::builder().connect_timeout(CONNECT_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, base, models: Mutex::default() })
    }

    fn url(&self, path: &str) -> Result<Url, Failure> {
        let url =
            self.base.join(path.trim_start_matches('/')).map_err(|_| misbehaved("named an address that is none"))?;
        if url.origin() != self.base.origin() {
            return Err(misbehaved("named an address on another host"));
        }
        Ok(url)
    }

    /// Takes the current trace along.
    fn traced(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("traceparent", trace::outgoing().traceparent())
    }

    async fn call_json<A: Serialize + Sync, T: DeserializeOwned>(&self, path: &str, call: &A) -> Result<T, Failure> {
        let response = self.traced(self.http.post(self.url(path)?)).json(call).send().await.map_err(unreachable)?;
        read_json(accepted(response).await?).await
    }

    async fn models(&self) -> Result<Arc<ModelsAnswer>, Failure> {
        // Held while it is asked: those who come meanwhile wait for the same answer.
        let mut last = self.models.lock().await;
        if let Some((_, models)) = last.as_ref().filter(|(at, _)| at.elapsed() < VERSIONS_LAST) {
            return Ok(models.clone());
        }
        let request = self.traced(self.http.get(self.url("models")?)).timeout(VERSIONS_TIMEOUT);
        let response = request.send().await.map_err(unreachable)?;
        let models: Arc<ModelsAnswer> = Arc::new(read_json(accepted(response).await?).await?);
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
        let request = self
            .traced(self.http.post(self.url("v1/melody")?))
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_LENGTH, audio.size_bytes)
            .body(reqwest::Body::from(tokio::fs::File::from_std(file)));
        let response = request.send().await.map_err(unreachable)?;
        let melody = read_json(accepted(response).await?).await?;
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
        let response = self.traced(self.http.get(self.url(&answer.audio_path)?)).send().await.map_err(unreachable)?;
        // The vocal lies on the replica that sang it: another one has never heard of it, and singing again helps.
        let response = accepted(response).await.map_err(|failure| match failure.class {
            FailureClass::Config => misbehaved("no longer has what it sang"),
            _ => failure,
        })?;
        let wav = read_bounded(response, MAX_AUDIO_BYTES).await?;
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

async fn read_json<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let body = read_bounded(response, MAX_JSON_BYTES).await?;
    serde_json::from_slice(&body).map_err(|_| misbehaved("sent an answer that is not what it promises"))
}

async fn read_bounded(mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        append_bounded(&mut body, &chunk, limit)?;
    }
    Ok(body)
}

fn append_bounded(body: &mut Vec<u8>, chunk: &Bytes, limit: usize) -> Result<(), Failure> {
    if body.len() + chunk.len() > limit {
        return Err(misbehaved("sent more than it may"));
    }
    body.extend_from_slice(chunk);
    Ok(())
}

fn unreachable(error: reqwest::Error) -> Failure {
    let what = if error.is_connect() {
        "the expert service cannot be reached"
    } else {
        "the connection to the expert service broke"
    };
    tracing::debug!(error = %error.without_url(), "expert call failed");
    Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, what)
}

fn misbehaved(what: &str) -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, format!("the expert service {what}"))
}

/// Passes a 2xx on; maps everything else to what a job should do about it.
async fn accepted(response: Response) -> Result<Response, Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after::requested(response.headers(), Utc::now());
    let body = read_bounded(response, 64 * 1024).await.unwrap_or_default();
    let problem: Option<ExpertProblem> = serde_json::from_slice(&body).ok();
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

    #[test]
    fn the_service_cannot_send_its_client_elsewhere() {
        let client = ExpertClient::new(Url::parse("http://localhost:8003/music").unwrap()).unwrap();
        assert_eq!(client.url("/files/1").unwrap().as_str(), "http://localhost:8003/music/files/1");
        assert!(client.url("http://elsewhere.invalid/files/1").is_err());
        assert!(client.url("//elsewhere.invalid/files/1").is_ok_and(|url| url.host_str() == Some("localhost")));
    }
}
