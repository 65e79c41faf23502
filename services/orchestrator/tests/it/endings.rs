//! What is said of a job's end, and what is kept of it, is that of the state that it ended in, whoever ended it.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use contracts::v1;
use domain::{FailureClass, FailureCode, JobId, JobState, feed::FeedKind};
use resilience::Clock;

use crate::harness::{Gate, Harness, PATIENCE, SPEC};

/// Where a job is when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Nobody holds it: it waits for the vendor.
    Parked,
    /// Nobody holds it: it waits for another attempt.
    Queued,
    /// Its holder waits for an answer of the vendor.
    Held,
}

impl Harness {
    /// A job that is somewhere, with little or all of its time left.
    async fn job_at(&self, at: At, left: Option<TimeDelta>) -> JobId {
        let id = match at {
            At::Queued => {
                self.vendor.orders().refuses = Some(FailureClass::Transient);
                let id = self.submit("queued").await;
                let waits = self.until(id, "waiting", |job| job.state == JobState::Queued && job.attempt == 2).await;
                assert!(waits.due_at > self.clock.now());
                self.vendor.orders().refuses = None;
                id
            }
            At::Parked | At::Held => {
                let id = self.submit("parked").await;
                self.until_state(id, JobState::Parked).await;
                id
            }
        };
        if at == At::Held {
            let looks = self.vendor.orders().looks;
            self.vendor.orders().holds_looks = Some(Gate::closed());
            if let Some(left) = left {
                self.clock.set(self.job(id).await.deadline_at.unwrap() - left);
            }
            self.signal(id).await;
            self.until_vendor("looked at", |orders| orders.looks > looks).await;
        }
        id
    }

    async fn check_ended(&self, id: JobId, state: JobState, context: &str) {
        let job = self.until(id, "over", |job| job.state.is_final()).await;
        assert_eq!(job.state, state, "{context}");
        let last = FeedKind::of_final(state).unwrap();
        let log = self.log(id).await;
        let finals: Vec<_> = log.iter().filter(|event| is_final(&event.kind)).collect();
        assert_eq!(finals.len(), 1, "{context}: {log:?}");
        let event = log.last().unwrap();
        assert_eq!((event.kind.as_str(), event.seq), (last.as_str(), job.event_seq), "{context}");
        assert_eq!(
            (&event.data["state"], &event.data["status"]),
            (&state.as_str().into(), &state.seed_status().into())
        );
        let told = event.data["errorCode"].as_str().map(str::to_owned);
        let expected = (state == JobState::Expired).then(|| FailureCode::StageTimeout.as_str().to_owned());
        assert_eq!(told, expected, "{context}");
        let keeps = self.settings.retention_policy().files_expire_at(state, job.finished_at.unwrap());
        assert_eq!((job.files_expire_at, keeps.is_some()), (keeps, true), "{context}");
        self.vendor.orders().holds_looks = None;
        self.check_announced(id, state, context).await;
    }

    /// Others are told of the end, once and by the words of the kind's table.
    async fn check_announced(&self, id: JobId, state: JobState, context: &str) {
        let expected = SPEC.announcements.unwrap().of_end(state).unwrap();
        let started = Instant::now();
        while self.deletions.announced(id).is_empty() {
            assert!(started.elapsed() < PATIENCE, "never announced: {context}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(self.deletions.announced(id), [expected], "{context}");
    }
}

fn is_final(kind: &str) -> bool {
    let finals = JobState::ALL.into_iter().filter_map(FeedKind::of_final);
    finals.into_iter().any(|last| last.as_str() == kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_retention_and_deletions_are_those_of_the_state_that_a_job_ended_in() {
    let harness = Harness::new().await;
    let running = harness.start();
    let mut cancelled = Vec::new();
    for at in [At::Parked, At::Queued, At::Held] {
        // Its deadline passes: of a parked one by the clock, for its holder in a moment. In the queue it stands still.
        if at != At::Queued {
            let id = harness.job_at(at, Some(TimeDelta::milliseconds(200))).await;
            if at == At::Parked {
                harness.clock.set(harness.job(id).await.deadline_at.unwrap());
            }
            harness.check_ended(id, JobState::Expired, &format!("{at:?}, overdue")).await;
        }

        let id = harness.job_at(at, None).await;
        harness.request_cancel(id).await;
        harness.check_ended(id, JobState::Cancelled, &format!("{at:?}, cancelled")).await;
        cancelled.push(v1::DeleteJobObjects { job_id: id.to_string(), artifacts_too: true });
    }
    // Of expired jobs nothing is deleted, so that they can be tried again. Messages are published in the order of their
    // changes: with the last one all have come.
    harness.until_published(cancelled.len()).await;
    assert_eq!(harness.deletions.published(), cancelled);
    running.stop().await;
}
