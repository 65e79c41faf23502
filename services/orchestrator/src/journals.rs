//! What followers and other services are told of a change: events for the job's log and messages for the outbox, made
//! inside the transaction that changes the job.

use std::{collections::BTreeMap, sync::Arc};

use contracts::v1;
use domain::{
    Failure, JobState, KindSpec, MessageId,
    feed::{FeedData, FeedKind},
    kind::{Announcements, StageSpec},
};
use messaging::Body;
use persistence::{Job, Journal, NewEvent, OutboxMessage};
use resilience::{Clock, ids::random10};
use telemetry::trace;

/// Makes journals.
#[derive(Clone)]
pub struct Journals {
    clock: Arc<dyn Clock>,
    /// What is announced of jobs, by their kind.
    announcements: Arc<BTreeMap<&'static str, Announcements>>,
}

impl Journals {
    pub fn new(clock: Arc<dyn Clock>, kinds: impl Iterator<Item = &'static KindSpec>) -> Self {
        let announcements = kinds.filter_map(|kind| Some((kind.name.as_str(), kind.announcements?))).collect();
        Self { clock, announcements: Arc::new(announcements) }
    }

    /// An event made from the job as it is after the change, and the news that there is one.
    pub fn event<'a>(
        &self,
        kind: FeedKind,
        more: impl Fn(&Job, FeedData) -> FeedData + Send + Sync + 'a,
    ) -> Journal<'a> {
        let this = self.clone();
        Journal::silent()
            .events(move |job| vec![new_event(kind, more(job, FeedData::new(job.state, job.progress)))])
            .messages(move |job| this.changed(job).into_iter().collect())
    }

    pub fn plain<'a>(&self, kind: FeedKind) -> Journal<'a> {
        self.event(kind, |_, data| data)
    }

    pub fn of_stage<'a>(&self, kind: FeedKind, stage: &'static StageSpec) -> Journal<'a> {
        self.event(kind, move |_, data| data.stage(stage))
    }

    /// A job was claimed, because it was due or because its holder was not heard of any more.
    pub fn claimed<'a>(&self) -> Journal<'a> {
        let event = |kind: FeedKind, job: &Job| {
            let attempt = Some(job.attempt.max(1));
            vec![new_event(kind, FeedData { attempt, ..FeedData::new(job.state, job.progress) })]
        };
        let this = self.clone();
        Journal::silent()
            .events(move |job| event(FeedKind::Started, job))
            .takeover_events(move |job| event(FeedKind::Resumed, job))
            .messages(move |job| this.changed(job).into_iter().collect())
    }

    /// A job waits for its next attempt or for something outside, or has ended because its owner wanted it to stop in
    /// the same moment.
    pub fn waiting<'a>(&self, kind: FeedKind, more: impl Fn(FeedData) -> FeedData + Send + Sync + 'a) -> Journal<'a> {
        let this = self.clone();
        Journal::silent()
            .events(move |job| {
                let data = FeedData::new(job.state, job.progress);
                match FeedKind::of_final(job.state) {
                    Some(last) => vec![new_event(last, data)],
                    None => vec![new_event(kind, more(data))],
                }
            })
            .messages(move |job| {
                if job.state.is_final() { this.last_messages(job) } else { this.changed(job).into_iter().collect() }
            })
    }

    /// Wakes an orchestrator: the job waits again, handed back by one that stops. Or it has ended, as above.
    pub fn ready<'a>(&self) -> Journal<'a> {
        let this = self.clone();
        Journal::silent()
            .events(|job| {
                let data = FeedData::new(job.state, job.progress);
                FeedKind::of_final(job.state).map(|kind| new_event(kind, data)).into_iter().collect()
            })
            .messages(move |job| {
                if job.state.is_final() {
                    return this.last_messages(job);
                }
                this.message(job, v1::JobReady { job_id: job.id.to_string() }).into_iter().collect()
            })
    }

    /// A job has ended: the last event, the news, and the command to delete what is no longer needed. `failure` comes
    /// with the word of the kind's older API.
    pub fn ended<'a>(&self, failure: Option<(&Failure, &'static str)>) -> Journal<'a> {
        let this = self.clone();
        let failure = failure.map(|(failure, word)| (failure.clone(), word));
        Journal::silent()
            .events(move |job| {
                let data = FeedData::new(job.state, job.progress);
                let data = match &failure {
                    Some((failure, word)) => data.failure(failure, word),
                    None => data,
                };
                FeedKind::of_final(job.state).map(|kind| new_event(kind, data)).into_iter().collect()
            })
            .messages(move |job| this.last_messages(job))
    }

    /// The news of a job's end, and the command to delete what is no longer needed: all of a cancelled job, all but the
    /// result of a completed one. A failed or expired one keeps what it was made from and what its stages made for as
    /// long as its owner may have it tried again.
    fn last_messages(&self, job: &Job) -> Vec<OutboxMessage> {
        let artifacts_too = match job.state {
            JobState::Completed => Some(false),
            JobState::Cancelled => Some(true),
            _ => None,
        };
        let delete = artifacts_too.and_then(|artifacts_too| {
            self.message(job, v1::DeleteJobObjects { job_id: job.id.to_string(), artifacts_too })
        });
        [self.changed(job), delete, self.announcement(job)].into_iter().flatten().collect()
    }

    /// What other systems are told of a job's end, where its kind has words for it.
    fn announcement(&self, job: &Job) -> Option<OutboxMessage> {
        let event = self.announcements.get(job.kind.as_str())?.of_end(job.state)?;
        let (job_id, kind) = (job.id.to_string(), job.kind.to_string());
        self.message(job, v1::Announcement { job_id, kind, event: event.to_owned() })
    }

    fn changed(&self, job: &Job) -> Option<OutboxMessage> {
        let changed = v1::JobChanged {
            job_id: job.id.to_string(),
            sequence: job.event_seq,
            state: job.state.as_str().to_owned(),
            progress_percent: u32::from(job.progress.percent()),
        };
        self.message(job, changed)
    }

    fn message(&self, job: &Job, body: impl Into<Body>) -> Option<OutboxMessage> {
        let now = self.clock.now();
        let envelope = contracts::envelope(body, MessageId::new(now, random10()), now)
            .about(job.id, job.generation)
            .traced(trace::outgoing().traceparent());
        service_runtime::outgoing(&envelope)
    }
}

fn new_event(kind: FeedKind, data: FeedData) -> NewEvent {
    NewEvent::new(kind.as_str(), serde_json::to_value(data).unwrap_or_default())
}
