//! Requests for a verdict, from the bus and back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use blob_store::{BlobError, BlobStore, ObjectKey};
use chrono::{DateTime, Utc};
use contracts::{Envelope, Payload, ValidationRequest, v1};
use domain::{
    audio::{AudioLimits, Verdict},
    kind::InputCheck,
};
use media::{Bounds, judge_file};
use messaging::{Handler, Outcome};
use resilience::Clock;
use service_runtime::error_chain;
use settings::Settings;
use telemetry::Metrics;
use tokio::sync::Semaphore;

use crate::{error::ValidatorError, midi, recordings, verdict::too_large};

/// Answers requests for a verdict. Idempotent: it changes nothing.
pub struct Requests {
    settings: Arc<Settings>,
    objects: Arc<dyn BlobStore>,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    /// Recordings decoded at once: each keeps a core busy.
    workers: Semaphore,
}

impl Requests {
    /// `workers` recordings are decoded at once; the others wait.
    pub fn new(
        settings: Arc<Settings>,
        objects: Arc<dyn BlobStore>,
        metrics: Metrics,
        clock: Arc<dyn Clock>,
        workers: usize,
    ) -> Self {
        Self { settings, objects, metrics, clock, workers: Semaphore::new(workers.max(1)) }
    }

    async fn answer(&self, message: Envelope) -> Result<Verdict, ValidatorError> {
        let expires = message.expires();
        let request = ValidationRequest::try_from(v1::ValidateAudio::open(message)?)?;
        let limits = self.settings.audio_limits(request.tier);
        let limit_bytes = match request.check {
            InputCheck::Audio => limits.max_size_bytes,
            InputCheck::Midi => domain::midi::MAX_BYTES,
            InputCheck::Recordings => self.settings.training.limits(request.tier).max_file_bytes,
        };
        let key: ObjectKey = request.object_key.parse().map_err(BlobError::from)?;
        // Asked first, so that nothing is copied only to be refused for its size.
        let size_bytes = self.objects.head(&key).await?.size_bytes;
        if size_bytes > limit_bytes {
            return Ok(too_large(size_bytes, limit_bytes));
        }
        if request.check == InputCheck::Recordings
            && let Some(verdict) = recordings::archive(&*self.objects, &key, size_bytes).await?
        {
            return Ok(verdict);
        }
        let file = match self.objects.fetch_to_file(&key, limit_bytes).await {
            // It grew since it was asked for its size.
            Err(BlobError::LimitExceeded { limit_bytes, .. }) => return Ok(too_large(limit_bytes + 1, limit_bytes)),
            file => file?,
        };
        let worker = self.workers.acquire().await.map_err(|_| ValidatorError::Interrupted)?;
        let bounds = self.bounds(limits, expires);
        let (file_name, limits) = (request.file_name, limits.clone());
        let judge = move || match request.check {
            InputCheck::Audio => Ok(judge_file(file, file_name.as_deref(), &limits, &bounds)?),
            InputCheck::Midi => midi::judge(file).map_err(ValidatorError::Read),
            InputCheck::Recordings => recordings::recording(file, &bounds),
        };
        let judged = tokio::task::spawn_blocking(judge).await;
        drop(worker);
        judged.map_err(|_| ValidatorError::Interrupted)?
    }

    /// A recording may use the cores that no other one waits for, and the time until the requester gives up.
    fn bounds(&self, limits: &AudioLimits, expires: Option<DateTime<Utc>>) -> Bounds {
        let bounds = Bounds::for_duration(limits.max_duration_seconds);
        let left = expires.map(|at| (at - self.clock.now()).to_std().unwrap_or(Duration::ZERO));
        Bounds {
            deadline: left.map_or(bounds.deadline, |left| left.min(bounds.deadline)),
            max_threads: bounds.max_threads.min(1 + self.workers.available_permits()),
            ..bounds
        }
    }
}

#[async_trait]
impl Handler for Requests {
    async fn handle(&self, message: Envelope) -> Outcome {
        let started = Instant::now();
        let answer = self.answer(message).await;
        let took = started.elapsed();
        match answer {
            Ok(verdict) => {
                let outcome = if verdict.accepted() { "accepted" } else { "rejected" };
                self.metrics.validation(outcome, took);
                for finding in &verdict.findings {
                    self.metrics.validation_finding(finding.code.as_str());
                }
                let findings = verdict.findings.len();
                tracing::info!(outcome, findings, took_ms = took.as_millis() as u64, "recording judged");
                Outcome::reply(v1::AudioVerdict::from(verdict))
            }
            Err(error) => {
                self.metrics.validation("failed", took);
                tracing::warn!(error = error_chain(&error), code = error.code(), "recording not judged");
                Outcome::fault(error.code(), error.to_string(), error.is_retryable())
            }
        }
    }
}
