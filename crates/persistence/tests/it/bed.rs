//! A database for one test, and jobs to put into it.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ArtifactId, JobEvent, JobId, JobState, MessageId, ModelId, SongId, Tier, UploadId, UserId, kinds::melody_vocals,
    quota::QuotaLimits,
};
use persistence::{
    Applied, Authority, BreakerRow, Claim, ClaimableKind, DailyFigures, Database, Destination, Job, Journal, NewEvent,
    NewInput, NewJob, OutboxMessage, Patch, Submission,
};
use sea_orm::ConnectionTrait;
use serde_json::json;

/// Runs each test over SQLite and over PostgreSQL.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() { super::$test(&crate::bed::Bed::sqlite().await).await })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() { super::$test(&crate::bed::Bed::postgres().await).await })*
        }
    };
}
pub(crate) use on_both;

/// An empty, migrated database.
pub struct Bed {
    pub db: Database,
    /// For connections of a test's own.
    pub url: String,
    _guard: Box<dyn std::any::Any + Send + Sync>,
}

impl Bed {
    pub async fn sqlite() -> Self {
        let bed = Self::bare_sqlite().await;
        bed.db.migrate().await.unwrap();
        bed
    }

    pub async fn postgres() -> Self {
        let bed = Self::bare_postgres().await;
        bed.db.migrate().await.unwrap();
        bed
    }

    pub async fn bare_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Self { db: Database::connect(&url, 8).await.unwrap(), url, _guard: Box::new(folder) }
    }

    pub async fn bare_postgres() -> Self {
        let database = testbed::postgres_database().await;
        let url = database.url().to_owned();
        Self { db: Database::connect(&url, 8).await.unwrap(), url, _guard: Box::new(database) }
    }

    /// Writes past the repositories, as another version might.
    pub async fn execute(&self, sql: &str) {
        let connection = sea_orm::Database::connect(&self.url).await.unwrap();
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Whole numbers of the first column of a query.
    pub async fn numbers(&self, sql: &str) -> Vec<i64> {
        let connection = sea_orm::Database::connect(&self.url).await.unwrap();
        let query = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(query).await.unwrap();
        connection.close().await.unwrap();
        rows.into_iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }

    /// A second pool to the same database, as another process would have.
    pub async fn another(&self) -> Database {
        Database::connect(&self.url, 4).await.unwrap()
    }

    pub async fn submitted(&self, owner: &UserId, now: DateTime<Utc>) -> Job {
        self.submitted_as(&new_job(now), owner, now).await
    }

    pub async fn submitted_as(&self, new: &NewJob, owner: &UserId, now: DateTime<Utc>) -> Job {
        let journal = Journal::silent();
        let answer = self.db.jobs_of(owner).submit(new, QuotaLimits::UNLIMITED, None, &journal, now).await.unwrap();
        match answer {
            Submission::Accepted { job, .. } => *job,
            other => panic!("not accepted: {other:?}"),
        }
    }

    pub async fn claimed(&self, now: DateTime<Utc>) -> Option<Job> {
        let kinds = every_kind(None);
        let claim =
            Claim { owner: "worker", lease_until: now + TimeDelta::seconds(30), kinds: &kinds, may_start: true };
        self.db.jobs().claim_due(claim, &Journal::silent(), now).await.unwrap().map(|claimed| claimed.job)
    }

    pub async fn applied(&self, id: JobId, event: JobEvent, now: DateTime<Utc>) -> Applied {
        self.db.jobs().apply(id, Authority::Anyone, event, &Patch::default(), &Journal::silent(), now).await.unwrap()
    }

    pub async fn moved(&self, id: JobId, event: JobEvent, now: DateTime<Utc>) -> Job {
        match self.applied(id, event, now).await {
            Applied::Moved(job) => *job,
            other => panic!("{event:?} did not move the job: {other:?}"),
        }
    }

    /// A job brought to a state by real moves. No other job may be due.
    pub async fn in_state(&self, state: JobState, owner: &UserId, now: DateTime<Utc>) -> Job {
        use JobEvent as E;
        let job = self.submitted(owner, now).await;
        if state != JobState::Queued {
            assert_eq!(self.claimed(now).await.map(|claimed| claimed.id), Some(job.id));
        }
        let events: &[JobEvent] = match state {
            JobState::Queued | JobState::Running => &[],
            JobState::Parked => &[],
            JobState::Storing => &[E::StoringStarted],
            JobState::Cancelling => &[E::CancelRequested],
            JobState::Completed => &[E::StoringStarted, E::Completed],
            JobState::Failed => &[E::Failed],
            JobState::Cancelled => &[E::CancelRequested, E::CancelConfirmed],
            JobState::Expired => &[E::DeadlinePassed],
        };
        if state == JobState::Parked {
            // Long enough for the next one to be claimed before it.
            let patch = Patch { due_at: Some(now + TimeDelta::days(1000)), ..Patch::default() };
            let (jobs, silent) = (self.db.jobs(), Journal::silent());
            let parked = jobs.apply(job.id, Authority::Anyone, E::Parked, &patch, &silent, now).await.unwrap();
            assert!(matches!(parked, Applied::Moved(_)), "{parked:?}");
        }
        for event in events {
            self.moved(job.id, *event, now).await;
        }
        let job = self.db.jobs().get(job.id).await.unwrap().unwrap();
        assert_eq!(job.state, state);
        job
    }
}

/// Noon of a day in the middle of a month.
pub fn noon() -> DateTime<Utc> {
    "2026-03-15T12:00:00Z".parse().unwrap()
}

pub fn later(seconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::seconds(seconds)
}

pub fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// Ten bytes that nobody else got; ids made from them sort in the order of the calls.
fn fresh_bytes() -> [u8; 10] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    bytes
}

pub fn job_id() -> JobId {
    JobId::new(noon(), fresh_bytes())
}

pub fn upload_id() -> UploadId {
    UploadId::new(noon(), fresh_bytes())
}

pub fn message_id() -> MessageId {
    MessageId::new(noon(), fresh_bytes())
}

pub fn song_id() -> SongId {
    SongId::new(noon(), fresh_bytes())
}

pub fn model_id() -> ModelId {
    ModelId::new(noon(), fresh_bytes())
}

pub fn artifact_id() -> ArtifactId {
    ArtifactId::new(noon(), fresh_bytes())
}

pub fn new_job(now: DateTime<Utc>) -> NewJob {
    NewJob {
        id: job_id(),
        kind: melody_vocals::NAME,
        tier: Tier::Free,
        params: json!({"prompt": "a sea shanty", "loudness": -14.0, "näme": [1, null, true]}),
        inputs: vec![input(None)],
        reuse: true,
        due_at: now,
        deadline_at: None,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

pub fn message(destination: Destination) -> OutboxMessage {
    OutboxMessage { id: message_id(), destination, payload: vec![0, 159, 146, 150, 255] }
}

/// One event that says where the job stands, and one message that names the event's number.
pub fn telling_journal() -> Journal<'static> {
    Journal::silent().events(|job| vec![NewEvent::new("state", json!({"state": job.state.as_str()}))]).messages(|job| {
        let payload = job.event_seq.to_be_bytes().to_vec();
        vec![OutboxMessage { id: message_id(), destination: Destination::Event, payload }]
    })
}

pub fn breaker(instance: &str, provider: &str, at: DateTime<Utc>) -> BreakerRow {
    BreakerRow {
        instance: instance.to_owned(),
        provider: provider.to_owned(),
        state: "open".to_owned(),
        failures: 5,
        open_until: Some(at + TimeDelta::seconds(60)),
        problem: None,
        held_since: Some(at),
        updated_at: at,
    }
}

/// What happened to one kind on a day such as `2026-02-14`.
pub fn figures_of(day: &str) -> DailyFigures {
    DailyFigures {
        kind: melody_vocals::NAME,
        day: day.parse().unwrap(),
        submitted: 5,
        completed: 4,
        failed: 3,
        expired: 2,
        cancelled: 1,
        mean_wait_ms: None,
        mean_processing_ms: Some(2.5),
    }
}

/// What a new job is made from.
pub fn input(upload_id: Option<UploadId>) -> NewInput {
    NewInput {
        role: melody_vocals::AUDIO.to_owned(),
        upload_id,
        object_key: "uploads/x".to_owned(),
        sha256: "ab".repeat(32),
        size_bytes: 1000,
        file_name: Some("hum.wav".to_owned()),
        verdict: Some(json!({"findings": []})),
    }
}

/// Every kind of this version, with a deadline for those that have none yet.
pub fn every_kind(deadline_at: Option<DateTime<Utc>>) -> Vec<ClaimableKind> {
    domain::Kinds::built_in().iter().map(|kind| ClaimableKind::of(kind, deadline_at)).collect()
}
