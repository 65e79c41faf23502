//! Following a job. Events are rows: this reads them in order from where the follower left off, and only lets messages
//! wake it up. So a reconnect loses nothing, also after a restart, and a finished job tells its whole story and ends.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use domain::{JobId, UserId};
use futures_util::Stream;
use messaging::{Body, Bus, Event};
use persistence::{Database, LoggedEvent, PersistenceError};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// How long a follower sleeps at most when no message wakes it: messages may be lost, rows are not.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Rows read at once.
const BATCH: u64 = 200;
/// Wake-ups that a slow follower may miss before it simply polls.
const WAKE_BUFFER: usize = 1024;

/// One event of a job, the same over Server-Sent Events and WebSocket.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventBody {
    /// Counts from 1 without a gap; `Last-Event-ID`.
    pub seq: u64,
    /// accepted, started, stalled, resumed, stage_started, progress, stage_finished, retry_scheduled, parked,
    /// retry_requested, cancelling, completed, failed, cancelled or expired. The stream ends behind the last event of a
    /// job that has ended; a failed or expired one may be tried again, and then its log goes on. New types may appear.
    #[serde(rename = "type")]
    pub kind: String,
    pub job_id: String,
    /// RFC 3339.
    pub at: String,
    /// state, status, progress, stage, stageLabel, provider, seconds, attempt, error, errorType, errorCode, retryAt,
    /// waitsFor: those that apply.
    pub data: Value,
}

impl EventBody {
    fn of(job: JobId, event: LoggedEvent) -> Self {
        Self {
            seq: event.seq,
            kind: event.kind,
            job_id: job.to_string(),
            at: event.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            data: event.data,
        }
    }
}

/// Tells followers in this process which jobs have news.
#[derive(Clone)]
pub struct News {
    /// `None` means any job: messages were lost.
    wakes: broadcast::Sender<Option<JobId>>,
}

impl Default for News {
    fn default() -> Self {
        Self { wakes: broadcast::channel(WAKE_BUFFER).0 }
    }
}

impl News {
    /// Passes the bus's events on until shutdown; subscribes again when the subscription breaks.
    pub async fn relay(self, bus: Arc<dyn Bus>, shutdown: CancellationToken) {
        const PAUSE: Duration = Duration::from_secs(1);
        while !shutdown.is_cancelled() {
            match bus.subscribe_events(WAKE_BUFFER).await {
                Ok(mut events) => loop {
                    let event = tokio::select! {
                        event = events.next() => event,
                        () = shutdown.cancelled() => return,
                    };
                    let changed = match event {
                        None => break,
                        Some(Event::Gap) => None,
                        Some(Event::Message(envelope)) => match envelope.body {
                            Some(Body::JobChanged(changed)) => match changed.job() {
                                Ok(job) => Some(job),
                                Err(_) => continue,
                            },
                            _ => continue,
                        },
                    };
                    // That nobody follows anything right now is no error.
                    let _ = self.wakes.send(changed);
                },
                Err(error) => tracing::warn!(%error, "no event subscription, followers poll"),
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Option<JobId>> {
        self.wakes.subscribe()
    }
}

/// Why a follower's stream ended before its job did.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("events cannot be read")]
    Rows(#[from] PersistenceError),
    #[error("the service is stopping")]
    Stopping,
}

struct Follower {
    database: Database,
    wakes: broadcast::Receiver<Option<JobId>>,
    user: UserId,
    job: JobId,
    after: u64,
    ready: VecDeque<EventBody>,
    ended: bool,
    shutdown: CancellationToken,
}

enum Batch {
    Events(Vec<EventBody>),
    NothingYet,
    NothingMore,
}

impl Follower {
    /// The state is read before the events: a job that ends in between is seen again, never missed. It is the state, not
    /// an event, that tells the end: behind `failed` the log goes on when the job is tried again.
    async fn next_batch(&self) -> Result<Batch, PersistenceError> {
        let jobs = self.database.jobs_of(&self.user);
        let ended = jobs.get(self.job).await?.is_none_or(|job| job.state.is_final());
        let rows = jobs.events_after(self.job, self.after, BATCH).await?.unwrap_or_default();
        Ok(match (rows.is_empty(), ended) {
            (false, _) => Batch::Events(rows.into_iter().map(|row| EventBody::of(self.job, row)).collect()),
            (true, false) => Batch::NothingYet,
            (true, true) => Batch::NothingMore,
        })
    }
}

/// Whether a job has no event behind `after` (yet).
pub async fn nothing_behind(
    database: &Database,
    user: &UserId,
    job: JobId,
    after: u64,
) -> Result<bool, PersistenceError> {
    Ok(database.jobs_of(user).events_after(job, after, 1).await?.is_none_or(|rows| rows.is_empty()))
}

/// The events of `user`'s job behind `after`, to the last one.
pub fn follow(
    database: Database,
    news: &News,
    user: UserId,
    job: JobId,
    after: u64,
    shutdown: CancellationToken,
) -> impl Stream<Item = Result<EventBody, FollowError>> + use<> {
    let state = Follower {
        database,
        wakes: news.subscribe(),
        user,
        job,
        after,
        ready: VecDeque::new(),
        ended: false,
        shutdown,
    };
    futures_util::stream::unfold(state, |mut state| async move {
        loop {
            if let Some(event) = state.ready.pop_front() {
                state.after = event.seq;
                return Some((Ok(event), state));
            }
            if state.ended {
                return None;
            }
            match state.next_batch().await {
                Ok(Batch::Events(events)) => {
                    state.ready.extend(events);
                    continue;
                }
                Ok(Batch::NothingYet) => {}
                Ok(Batch::NothingMore) => return None,
                Err(error) => {
                    state.ended = true;
                    return Some((Err(error.into()), state));
                }
            }
            if !wait(&mut state.wakes, state.job, &state.shutdown).await {
                state.ended = true;
                return Some((Err(FollowError::Stopping), state));
            }
        }
    })
}

/// Until the job has news, or some time has passed. False when the service is stopping.
async fn wait(wakes: &mut broadcast::Receiver<Option<JobId>>, job: JobId, shutdown: &CancellationToken) -> bool {
    let news = async {
        loop {
            match wakes.recv().await {
                Ok(changed) if changed.is_none_or(|changed| changed == job) => return,
                Ok(_) => {}
                // Too slow for the wake-ups: look at the rows.
                Err(broadcast::error::RecvError::Lagged(_)) => return,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        () = news => true,
        () = tokio::time::sleep(POLL_INTERVAL) => true,
        () = shutdown.cancelled() => false,
    }
}
