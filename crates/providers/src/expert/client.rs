//! The way to one service: what it is asked with, and what it says of itself.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Failure, FailureClass, Prices};
use outbound::{Answer, Destination, Limits, Outbound, Request, SetupError, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::Value;
use settings::{Secret, Vendor};
use tokio::sync::Mutex;
use url::Url;

use super::{
    failures::Blame,
    mixed,
    wire::{ModelsAnswer, ServedModel, VocalsAnswer},
};
use crate::{chain::TellsVersion, setup_check::SetupCheck, stop::Stop};

/// Most that is read of a JSON answer: a five-minute melody is about 3 MB.
pub(super) const MAX_JSON_BYTES: u64 = 32 * 1024 * 1024;
/// Most that is read of an audio answer: five minutes of 44.1 kHz 16-bit stereo, and some.
pub(super) const MAX_AUDIO_BYTES: u64 = 64 * 1024 * 1024;
/// Calls end long before, by the chain's deadline; this only says that none lives for ever.
const LONGEST_CALL: Duration = Duration::from_secs(24 * 3600);
/// What the service says of its versions is believed for so long, and waited for no longer than that: without it nothing
/// is reused, which costs time and is never wrong.
const VERSIONS_LAST: Duration = Duration::from_secs(30);
const VERSIONS_TIMEOUT: Duration = Duration::from_secs(3);
/// What is asked for where an answer has a sound.
pub(super) const WITH_PARTS: &str = "multipart/mixed, application/json;q=0.9";

/// What a stage answers.
pub(super) struct Parts {
    pub json: Bytes,
    pub sound: Option<Bytes>,
}

/// What a service says of itself.
#[derive(Debug)]
pub(super) struct Served {
    /// What each stage is done with.
    stages: Vec<(String, ServedModel)>,
    /// Whether the stages of a song are endpoints of it.
    pub has_stages: bool,
}

impl Served {
    /// The older service answers a list, or models by their references alone; an older one of ours has its stages among the
    /// base models.
    fn read(answer: Value) -> Self {
        let Ok(ModelsAnswer { base, stages, .. }) = serde_json::from_value(answer) else {
            return Self { stages: Vec::new(), has_stages: false };
        };
        let of_base = base.into_iter().filter_map(|(name, model)| Some((name, serde_json::from_value(model).ok()?)));
        let stages: Vec<_> = if stages.is_empty() { of_base.collect() } else { stages.into_iter().collect() };
        Self { has_stages: !stages.is_empty(), stages }
    }
}

/// What a service said of itself, and when.
type LastSaid = (Instant, Arc<Served>);

/// Calls an Expert Music AI service. Deadlines are the chain's. Clones share what the service says of itself.
#[derive(Clone)]
pub struct ExpertClient {
    pub(super) name: String,
    pub(super) blame: Blame,
    pub(super) outbound: Outbound,
    pub(super) service: Destination,
    key: Option<Secret<String>>,
    timeout: Duration,
    /// What its work costs; `None` for a service of our own, whom nobody pays.
    pub(super) prices: Option<Prices>,
    /// What it said last, and when.
    models: Arc<Mutex<Option<LastSaid>>>,
}

impl ExpertClient {
    /// `name` is the provider's in the settings, `base` the service's address, such as `http://localhost:8003`, and `key`
    /// what it asks for, if it asks.
    ///
    /// # Errors
    /// When `base` is no address to build upon.
    pub fn new(outbound: &Outbound, name: &str, base: Url, key: Option<Secret<String>>) -> Result<Self, SetupError> {
        Ok(Self {
            name: name.to_owned(),
            blame: Blame::of(name),
            outbound: outbound.clone(),
            service: Destination::configured(base)?.traced(),
            key,
            timeout: LONGEST_CALL,
            prices: None,
            models: Arc::default(),
        })
    }

    /// A service that the settings name among the vendors.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_vendor(outbound: &Outbound, vendor: &Vendor) -> Result<Self, SetupError> {
        let client = Self::new(outbound, &vendor.name, vendor.base_url.clone(), vendor.api_key.clone())?;
        Ok(Self { timeout: vendor.timeout, prices: Some(vendor.prices.clone()), ..client })
    }

    pub(super) fn get(&self, path: &str, max_body_bytes: u64) -> Request {
        self.as_ours(self.outbound.get(&self.service, path), max_body_bytes)
    }

    pub(super) fn post(&self, path: &str, max_body_bytes: u64) -> Request {
        self.as_ours(self.outbound.post(&self.service, path), max_body_bytes)
    }

    fn as_ours(&self, request: Request, max_body_bytes: u64) -> Request {
        let request = request.limits(Limits::new(self.timeout, max_body_bytes));
        match &self.key {
            Some(key) => request.bearer(key),
            None => request,
        }
    }

    pub(super) async fn accepted(&self, request: Request) -> Result<Answer, Failure> {
        let answer = request.send().await.map_err(|error| self.blame.away(&error))?;
        self.blame.accepted(answer).await
    }

    async fn json<T: DeserializeOwned>(&self, answer: Answer) -> Result<T, Failure> {
        answer.json().await.map_err(|error| self.blame.away(&error))
    }

    /// What a refusal of a stage means: a service that has no stages is well, and makes whole songs.
    pub(super) async fn stopped(&self, failure: Failure) -> Stop {
        if failure.class != FailureClass::Config {
            return failure.into();
        }
        match self.models().await {
            Ok(served) if !served.has_stages => Stop::NotAsked(self.blame.misbehaved("makes whole songs only")),
            _ => failure.into(),
        }
    }

    pub(super) async fn models(&self) -> Result<Arc<Served>, Failure> {
        // Held while it is asked: those who come meanwhile wait for the same answer.
        let mut last = self.models.lock().await;
        if let Some((_, models)) = last.as_ref().filter(|(at, _)| at.elapsed() < VERSIONS_LAST) {
            return Ok(models.clone());
        }
        let request = self.get("models", MAX_JSON_BYTES).limits(Limits::new(VERSIONS_TIMEOUT, MAX_JSON_BYTES));
        let answer = self.accepted(request).await?;
        let models = Arc::new(Served::read(self.json(answer).await?));
        *last = Some((Instant::now(), models.clone()));
        Ok(models)
    }

    /// What a stage has made, with its sound: parts of one answer, or of an older service a file that lies with it.
    pub(super) async fn parts(&self, answer: Answer, has_sound: bool) -> Result<Parts, Failure> {
        let content_type = content_type(&answer);
        let body = answer.bytes().await.map_err(|error| self.blame.away(&error))?;
        if !has_sound {
            return Ok(Parts { json: body, sound: None });
        }
        if mixed::is_mixed(&content_type) {
            let (json, sound) = mixed::read(&content_type, &body).ok_or_else(|| self.garbled())?;
            return Ok(Parts { json, sound: Some(sound) });
        }
        let VocalsAnswer { audio_path, .. } = serde_json::from_slice(&body).map_err(|_| self.garbled())?;
        // It lies on the replica that sang it: another one has never heard of it, and singing again helps.
        let request = self.get(&audio_path, MAX_AUDIO_BYTES);
        let sound = self.accepted(request).await.map_err(|failure| match failure.class {
            FailureClass::Config => self.blame.misbehaved("no longer has what it sang"),
            _ => failure,
        })?;
        let sound = sound.bytes().await.map_err(|error| self.blame.away(&error))?;
        Ok(Parts { json: body, sound: Some(sound) })
    }

    pub(super) fn garbled(&self) -> Failure {
        self.blame.misbehaved("sent an answer that is not what it promises")
    }
}

pub(super) fn content_type(answer: &Answer) -> String {
    let value = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

#[async_trait]
impl TellsVersion for ExpertClient {
    async fn version(&self, capability: &str) -> Option<String> {
        let models = self.models().await;
        let models = models.inspect_err(|failure| tracing::debug!(code = %failure.code, "versions not told")).ok()?;
        let of_capability = models.stages.iter().filter(|(_, model)| model.capability == capability);
        let versions: Vec<_> =
            of_capability.map(|(name, model)| format!("{name}={}/{}", model.provider, model.version)).collect();
        (!versions.is_empty()).then(|| versions.join(","))
    }
}

#[async_trait]
impl SetupCheck for ExpertClient {
    fn provider(&self) -> &str {
        &self.name
    }

    async fn check(&self) -> Result<(), Failure> {
        self.models().await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_has_stages_says_so() {
        let stage = json!({ "capability": "melody", "provider": "offline", "version": "1" });
        let check = |answer: Value, stages: usize| {
            let served = Served::read(answer.clone());
            assert_eq!((served.stages.len(), served.has_stages), (stages, stages > 0), "{answer}");
        };
        check(json!({ "base": { "small": "meta/musicgen:b05b" }, "fine_tuned": {}, "stages": { "f0": stage } }), 1);
        check(json!({ "base": { "f0": stage }, "fine_tuned": {} }), 1);
        check(json!({ "base": { "small": "meta/musicgen:b05b" }, "fine_tuned": {} }), 0);
        check(json!([{ "name": "base_small", "model_id": "meta/musicgen:b05b", "type": "base" }]), 0);
        check(json!("sorry"), 0);
    }
}
