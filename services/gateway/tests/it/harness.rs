//! A gateway with everything that it needs, and a validator that finds every recording good whose name does not say
//! otherwise.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use blob_store::ObjectKey;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::{Envelope, Payload, ValidationRequest, v1};
use domain::{
    ArtifactId, ArtifactRole, JobEvent, JobId, KindName, ModelId, Tier, UserId, artifact,
    audio::{AudioFacts, AudioFormat, Finding, FindingCode, Verdict},
    kinds::melody_vocals,
    quota::QuotaLimits,
    registry::{ModelAddress, ModelName, ModelVersion, RegisteredModel},
};
use gateway::{Gateway, SubmitKind};
use messaging::{Handler, Outcome, Queue};
use persistence::{
    Applied, Artifact, Authority, Claim, ClaimableKind, Journal, ModelAdded, NewEvent, NewJob, Patch, Submission,
};
use resilience::{Clock, ManualClock, SystemClock, ids::random10};
use service_runtime::{CancellationToken, Deps, Exit, Service, run_until_with};
use settings::{LoadOptions, Settings};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::wire::{self, Answer};

/// What a finished job's song holds.
pub const SONG: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// A gateway at work. It stops when the harness is dropped.
pub struct Harness {
    pub address: SocketAddr,
    pub deps: Deps,
    /// What the validator was asked.
    pub judged: Arc<Mutex<Vec<ValidationRequest>>>,
    stop: CancellationToken,
    running: JoinHandle<Exit>,
    _folder: TempDir,
}

struct Validator {
    judged: Arc<Mutex<Vec<ValidationRequest>>>,
    started: oneshot::Sender<Deps>,
}

struct FindsGood(Arc<Mutex<Vec<ValidationRequest>>>);

#[async_trait]
impl Handler for FindsGood {
    async fn handle(&self, message: Envelope) -> Outcome {
        let request = v1::ValidateAudio::open(message).expect("a request for a verdict");
        let request: ValidationRequest = request.try_into().expect("a valid request");
        let silent = request.file_name.as_deref().is_some_and(|name| name.contains("silent"));
        self.0.lock().expect("no test panicked").push(request);
        if silent {
            let findings = vec![Finding::error(FindingCode::SilentAudio, "It is silent.")];
            return Outcome::reply(v1::AudioVerdict::from(Verdict { findings, ..Verdict::default() }));
        }
        let facts = AudioFacts {
            format: AudioFormat::Wav,
            codec: "pcm_s16le".to_owned(),
            size_bytes: 100_000,
            duration_seconds: 3.0,
            declared_duration_seconds: Some(3.0),
            sample_rate_hz: 44_100,
            channels: 2,
            bitrate_bps: 1_411_200,
            mean_volume_dbfs: Some(-18.0),
            peak_dbfs: Some(-3.0),
            clipped_share: 0.0,
            decode_errors: 0,
            absurd_samples: false,
            ignored_streams: 0,
        };
        Outcome::reply(v1::AudioVerdict::from(Verdict { facts: Some(facts), ..Verdict::default() }))
    }
}

#[async_trait]
impl Service for Validator {
    fn name(&self) -> &'static str {
        "validator"
    }

    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { judged, started } = *self;
        let consumer = deps.bus()?.consume(Queue::ValidatorRequests, 4, Arc::new(FindsGood(judged))).await?;
        deps.ready();
        // A test that has given up waits no more.
        let _ = started.send(deps);
        shutdown.cancelled().await;
        drop(consumer);
        Ok(())
    }
}

impl Harness {
    /// The embedded mode as it comes.
    pub async fn open() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(more: &[(&'static str, &'static str)]) -> Self {
        Self::with_kinds(more, &[]).await
    }

    /// With kinds of the test's own beside those that are built in.
    pub async fn with_kinds(more: &[(&'static str, &'static str)], kinds: &[Arc<dyn SubmitKind>]) -> Self {
        Self::start(more, kinds, Arc::new(SystemClock)).await
    }

    /// By a clock that the test turns.
    pub async fn by(clock: Arc<ManualClock>) -> Self {
        Self::start(&[], &[], clock).await
    }

    async fn start(
        more: &[(&'static str, &'static str)],
        kinds: &[Arc<dyn SubmitKind>],
        clock: Arc<dyn Clock>,
    ) -> Self {
        service_runtime::install_crypto();
        let folder = TempDir::new().expect("a temporary folder");
        let options = LoadOptions::default()
            .with("mode", "embedded")
            .with("data_dir", folder.path().display().to_string())
            .with("http.port", "0")
            .with("http.drain_ms", "100");
        let options = more.iter().fold(options, |options, (key, value)| options.with(key, *value));
        let settings = Settings::load(&options).expect("valid settings");
        let (stop, judged) = (CancellationToken::new(), Arc::default());
        let (bound, address) = oneshot::channel();
        let (started, deps) = oneshot::channel();
        let gateway = Gateway::announcing(move |address| {
            // A test that has given up waits no more.
            let _ = bound.send(address);
        });
        let gateway = kinds.iter().fold(gateway, |gateway, kind| gateway.with_kind(Arc::clone(kind)));
        let validator = Validator { judged: Arc::clone(&judged), started };
        let services: Vec<Box<dyn Service>> = vec![Box::new(validator), Box::new(gateway)];
        let running = tokio::spawn(run_until_with(clock, "test", settings, services, stop.clone()));
        let address = address.await.expect("the gateway listens");
        let deps = deps.await.expect("the validator starts");
        Self { address, deps, judged, stop, running, _folder: folder }
    }

    fn now(&self) -> DateTime<Utc> {
        self.deps.clock.now()
    }

    /// `path` may also be an address that an answer told.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let path = path.strip_prefix(&self.url("")).unwrap_or(path);
        wire::ask(self.address, method, path, headers, b"").await
    }

    /// The whole address of a path, as links have it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A finished job of the local user with two events and a song.
    pub async fn finished_job(&self) -> JobId {
        let job = self.running_job().await;
        for event in [JobEvent::StoringStarted, JobEvent::Completed] {
            self.happens(job, event).await;
        }
        self.add_artifact(job, ArtifactRole::AUDIO_MP3, "Rivers.mp3").await;
        job
    }

    /// A file of a finished job, whatever its role.
    pub async fn add_artifact(&self, job: JobId, role: ArtifactRole, file_name: &str) {
        let key = ObjectKey::artifact(job, &artifact::ArtifactSpec { role: role.clone(), ..artifact::AUDIO_MP3 });
        let objects = self.deps.objects().expect("there are objects");
        let stored = objects.put_bytes(&key, SONG.into(), "audio/mpeg").await.expect("the song is stored");
        let artifact = Artifact {
            id: ArtifactId::new(self.now(), random10()),
            job_id: job,
            role,
            object_key: key.to_string(),
            size_bytes: stored.size_bytes,
            sha256: stored.sha256,
            media_type: "audio/mpeg".to_owned(),
            file_name: file_name.to_owned(),
            created_at: self.now(),
        };
        self.deps.database().expect("rows").artifacts().upsert(&[artifact]).await.expect("the artifact is written");
    }

    /// A model that is everybody's.
    pub async fn add_model(&self, name: &str) {
        let now = self.now();
        let name = ModelName::new(name).expect("a name");
        let address = ModelAddress { path: None, version: ModelVersion::new("one").expect("a version") };
        let model = RegisteredModel::base(ModelId::new(now, random10()), name, "vendor", address, now);
        let added = self.deps.database().expect("rows").models().add(&model, now).await;
        assert!(matches!(added, Ok(ModelAdded::New(_))), "{added:?}");
    }

    /// A job with one event that somebody works on.
    pub async fn running_job(&self) -> JobId {
        let job = self.waiting_job(melody_vocals::NAME).await;
        self.claim(job).await;
        job
    }

    /// A job of any kind, with one event.
    pub async fn waiting_job(&self, kind: KindName) -> JobId {
        let now = self.now();
        let new = NewJob {
            id: JobId::new(now, random10()),
            kind,
            tier: Tier::Enterprise,
            params: serde_json::json!({}),
            inputs: Vec::new(),
            reuse: true,
            due_at: now,
            deadline_at: None,
            traceparent: None,
        };
        let database = self.deps.database().expect("rows");
        let journal = told("accepted");
        let submitted =
            database.jobs_of(&UserId::local()).submit(&new, QuotaLimits::UNLIMITED, None, &journal, now).await;
        assert!(matches!(submitted, Ok(Submission::Accepted { .. })), "{submitted:?}");
        new.id
    }

    /// The job that has waited longest, which must be this one, is taken up.
    pub async fn claim(&self, job: JobId) {
        let database = self.deps.database().expect("rows");
        let kind = database.jobs().get(job).await.expect("rows").expect("a job").kind;
        let kinds = [ClaimableKind { name: kind, stages: Vec::new(), deadline_at: None }];
        let claim =
            Claim { owner: "test", lease_until: self.now() + TimeDelta::days(1), kinds: &kinds, may_start: true };
        let claimed = database.jobs().claim_due(claim, &Journal::silent(), self.now()).await.expect("rows");
        let claimed = claimed.map(|claimed| claimed.job);
        assert_eq!(claimed.map(|job| job.id), Some(job));
    }

    pub async fn happens(&self, job: JobId, event: JobEvent) {
        self.happens_so(job, event, Patch::default()).await;
    }

    /// The same, with what else changes.
    pub async fn happens_so(&self, job: JobId, event: JobEvent, patch: Patch) {
        let journal = match event {
            JobEvent::Completed => told("completed"),
            JobEvent::Failed => told("failed"),
            _ => Journal::silent(),
        };
        let database = self.deps.database().expect("rows");
        let patch = Patch { files_expire_at: Some(self.now() + TimeDelta::days(1)), ..patch };
        let moved = database.jobs().apply(job, Authority::Anyone, event, &patch, &journal, self.now()).await;
        assert!(matches!(moved, Ok(Applied::Moved(_))), "{event:?}: {moved:?}");
    }
}

fn told(kind: &'static str) -> Journal<'static> {
    Journal::silent().events(move |_| vec![NewEvent::new(kind, serde_json::json!({}))])
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.stop.cancel();
        self.running.abort();
    }
}
