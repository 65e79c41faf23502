//! A storage service at work: in-process bus, SQLite, a folder, and a clock that tests turn.

use std::{sync::Arc, time::Duration};

use blob_store::{BlobStore, KeyPrefix, ObjectKey};
use chrono::{TimeDelta, Utc};
use contracts::{IncomingFile, IngestPlan, IngestRequest, IngestedResult, Payload, StoredObject, envelope, v1};
use domain::{
    ArtifactRole, Failure, FailureClass, FailureCode, JobEvent, JobId, KindSpec, Kinds, MessageId, Tier, UploadId,
    UserId, kinds::melody_vocals, quota::QuotaLimits, retention::RetentionPolicy,
};
use messaging::{Bus, MessagingError, Queue};
use persistence::{
    Applied, Authority, Claim, ClaimableKind, Database, Job, Journal, NewInput, NewJob, Patch, Submission,
};
use resilience::{Clock, ManualClock, ids::random10};
use sha2::{Digest, Sha256};
use storage::{StorageService, StorageSettings, Tools};
use telemetry::Metrics;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const RATE_HZ: u32 = 44_100;

pub struct Harness {
    pub bus: Arc<dyn Bus>,
    pub database: Database,
    pub objects: Arc<dyn BlobStore>,
    pub clock: Arc<ManualClock>,
    pub service: Arc<StorageService>,
    pub shutdown: CancellationToken,
    pub running: JoinHandle<Result<(), storage::StorageError>>,
    pub home: TempDir,
}

impl Harness {
    pub async fn open() -> Self {
        let home = TempDir::new().unwrap();
        let objects = blob_store::folder(home.path().join("objects")).unwrap();
        Self::with(home, objects).await
    }

    pub async fn with(home: TempDir, objects: Arc<dyn BlobStore>) -> Self {
        let url = format!("sqlite:{}", home.path().join("rows.db").display());
        let database = Database::connect(&url, 4).await.unwrap();
        database.migrate().await.unwrap();
        let bus = messaging::in_process();
        let clock = Arc::new(ManualClock::new(Utc::now()));
        let tools = Tools {
            bus: bus.clone(),
            database: database.clone(),
            objects: objects.clone(),
            clock: clock.clone(),
            metrics: Metrics::new("storage"),
            kinds: Kinds::built_in(),
        };
        // Sweeps are started by the tests.
        let settings = StorageSettings { sweep: Duration::from_secs(3600), workers: 2, ..StorageSettings::default() };
        let service = StorageService::new(tools, settings);
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(service.clone().run(shutdown.clone(), || ()));
        Self { bus, database, objects, clock, service, shutdown, running, home }
    }

    /// A job that its orchestrator is storing, with an upload.
    pub async fn storing_job(&self) -> Job {
        self.storing_job_of(&melody_vocals::SPEC).await
    }

    pub async fn storing_job_of(&self, spec: &'static KindSpec) -> Job {
        let now = self.clock.now();
        let owner = UserId::local();
        // A kind that takes no files has none.
        let mut inputs = Vec::new();
        if let Some(input) = spec.inputs.first() {
            let upload = self.upload().await;
            inputs.push(NewInput {
                role: input.role.to_owned(),
                upload_id: Some(upload),
                object_key: ObjectKey::upload(upload).to_string(),
                sha256: String::new(),
                size_bytes: 100,
                file_name: None,
                verdict: None,
            });
        }
        let new = NewJob {
            id: JobId::new(now, random10()),
            kind: spec.name.clone(),
            tier: Tier::Enterprise,
            params: serde_json::json!({}),
            inputs,
            reuse: true,
            due_at: now,
            deadline_at: None,
            traceparent: None,
        };
        let submitted =
            self.database.jobs_of(&owner).submit(&new, QuotaLimits::UNLIMITED, None, &Journal::silent(), now).await;
        assert!(matches!(submitted, Ok(Submission::Accepted { .. })), "{submitted:?}");
        let kinds = [ClaimableKind::of(spec, None)];
        let claim = Claim { owner: "test", lease_until: now + TimeDelta::days(400), kinds: &kinds, may_start: true };
        let claimed = self.database.jobs().claim_due(claim, &Journal::silent(), now).await.unwrap().unwrap().job;
        assert_eq!(claimed.id, new.id);
        self.happen(new.id, JobEvent::StoringStarted).await
    }

    pub async fn upload(&self) -> UploadId {
        let id = UploadId::new(self.clock.now(), random10());
        let key = ObjectKey::upload(id);
        self.database.uploads().create(id, &UserId::local(), key.as_str(), self.clock.now()).await.unwrap();
        self.objects.put_bytes(&key, vec![1; 100].into(), "audio/wav").await.unwrap();
        id
    }

    /// Lets an event happen to a job; a final state gets its time of expiry.
    pub async fn happen(&self, id: JobId, event: JobEvent) -> Job {
        let now = self.clock.now();
        let kind = self.database.jobs().get(id).await.unwrap().unwrap().kind;
        let spec = Kinds::built_in().iter().find(|spec| spec.name == kind).unwrap();
        let policy = RetentionPolicy::default().of_kind(&spec.limits);
        let keep = if event == JobEvent::Completed { policy.completed } else { policy.failed };
        let failure = (event == JobEvent::Failed)
            .then(|| Failure::new(FailureClass::Config, FailureCode::Internal, "a test wanted it"));
        let patch = Patch { files_expire_at: Some(now + keep), failure, ..Patch::default() };
        let moved = self.database.jobs().apply(id, Authority::Anyone, event, &patch, &Journal::silent(), now).await;
        match moved {
            Ok(Applied::Moved(job)) => *job,
            other => panic!("{event:?}: {other:?}"),
        }
    }

    /// Leaves what the stages of a job without a band would leave, and says what to ask for. The result has a file of every
    /// role but the stems.
    pub async fn finished_work(&self, job: &Job, samples: &[f32]) -> IngestRequest {
        let wav = media::encode(samples, RATE_HZ, 1, media::Encoding::Wav16, &media::Tags::default()).unwrap();
        let audio = Some(self.work(job.id, "vocals.wav", &wav).await);
        let mut files = Vec::new();
        let contents: [(ArtifactRole, &str, &[u8]); 6] = [
            (ArtifactRole::LYRICS, "lyrics.txt", "Für dich\nla la la".as_bytes()),
            (ArtifactRole::MELODY_MIDI, "melody.mid", b"MThd\0\0\0\x06\0\0\0\x01\0\x60"),
            (ArtifactRole::VOCALS_WAV, "voice.wav", b"RIFF\x04\0\0\0WAVE"),
            (ArtifactRole::MELODY_MUSICXML, "melody.musicxml", b"<score-partwise version=\"4.0\"/>"),
            (ArtifactRole::MELODY_SVG, "melody.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
            (ArtifactRole::REPORT, "report.json", b"{\"quality\":{}}"),
        ];
        for (role, name, content) in contents {
            files.push(self.file(job.id, role, name, content).await);
        }
        let plan = IngestPlan { title: "Für dich".to_owned(), audio, files, ..IngestPlan::default() };
        IngestRequest { job_id: job.id, plan, plan_object: None }
    }

    pub async fn file(&self, job: JobId, role: ArtifactRole, name: &str, content: &[u8]) -> IncomingFile {
        let StoredObject { object_key, sha256, size_bytes } = self.work(job, name, content).await;
        let media_type = melody_vocals::SPEC.artifact(&role).unwrap().media_type.to_owned();
        IncomingFile { role, object_key, sha256, size_bytes, media_type, file_name: name.to_owned() }
    }

    pub async fn work(&self, job: JobId, name: &str, content: &[u8]) -> StoredObject {
        let key = ObjectKey::job_stage(job, 1, name).unwrap();
        let stored = self.objects.put_bytes(&key, content.to_vec().into(), "audio/wav").await.unwrap();
        StoredObject { object_key: key.to_string(), sha256: stored.sha256, size_bytes: stored.size_bytes }
    }

    pub async fn ask(&self, request: &IngestRequest, generation: u64) -> Result<IngestedResult, MessagingError> {
        // The plan as it is now: tests spoil parts of it.
        let plan = serde_json::to_vec(&request.plan).unwrap();
        let plan_object = Some(self.work(request.job_id, "ingest.json", &plan).await);
        let request = &IngestRequest { plan_object, ..request.clone() };
        let message = envelope(v1::IngestResult::from(request.clone()), self.message_id(), Utc::now())
            .about(request.job_id, generation);
        let reply = self.bus.request(Queue::StorageRequests, message, Duration::from_secs(60)).await?;
        Ok(v1::ResultIngested::open(reply).unwrap().try_into().unwrap())
    }

    /// Asks for a song in one more format; answers with the code of a refusal.
    pub async fn ask_rendition(&self, job: JobId, role: &str) -> Result<(), String> {
        let request = v1::MakeRendition { job_id: job.to_string(), role: role.to_owned() };
        let message = envelope(request, self.message_id(), Utc::now());
        match self.bus.request(Queue::StorageRequests, message, Duration::from_secs(60)).await {
            Ok(reply) => v1::RenditionMade::open(reply).map(drop).map_err(|error| error.to_string()),
            Err(MessagingError::Fault { code, .. }) => Err(code),
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// Asks for what must be refused; the code and whether to try again.
    pub async fn refused(&self, request: &IngestRequest, generation: u64) -> (String, bool) {
        match self.ask(request, generation).await {
            Err(MessagingError::Fault { code, retryable, .. }) => (code, retryable),
            other => panic!("expected a fault, got {other:?}"),
        }
    }

    pub async fn order_deletion(&self, job: JobId, artifacts_too: bool) {
        let order = v1::DeleteJobObjects { job_id: job.to_string(), artifacts_too };
        let message = envelope(order, self.message_id(), Utc::now()).about(job, 0);
        self.bus.send(Queue::StorageDeletions, message).await.unwrap();
    }

    fn message_id(&self) -> MessageId {
        MessageId::new(Utc::now(), random10())
    }

    /// All keys below a prefix.
    pub async fn keys(&self, prefix: KeyPrefix) -> Vec<String> {
        let listed = self.objects.list(&prefix, None, 1000).await.unwrap();
        listed.into_iter().map(|object| object.key.to_string()).collect()
    }

    pub async fn read(&self, key: &str) -> Vec<u8> {
        let object = self.objects.get(&key.parse().unwrap(), None).await.unwrap();
        blob_store::collect(object.body, 100_000_000).await.unwrap().to_vec()
    }
}

pub fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// A quiet voice.
pub fn quiet_voice(seconds: f64) -> Vec<f32> {
    media::sample::voice(seconds, RATE_HZ, 1).into_iter().map(|sample| sample * 0.05).collect()
}
