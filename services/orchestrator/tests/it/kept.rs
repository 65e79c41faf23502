//! How long the files of a job are kept that has ended, by its kind and however it ended.

use chrono::TimeDelta;
use domain::{JobState, kinds::blend};
use persistence::Job;
use serde_json::json;

use crate::harness::{Harness, SPEC};

fn kept(job: &Job) -> Option<TimeDelta> {
    Some(job.files_expire_at? - job.finished_at?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blend_keeps_nothing_longer_than_a_day() {
    let harness = Harness::new().await;
    // A job of this kind that no stage can read.
    let broken = async |kind| harness.submit_job(kind, json!({ "seed": "none" }), None).await;
    let late = Some(harness.now() + TimeDelta::seconds(1));
    let (cancelled, other) = (broken(blend::NAME).await, broken(SPEC.name.clone()).await);
    let expired = harness.submit_job(blend::NAME, json!({}), late).await;
    let failed = broken(blend::NAME).await;
    for job in [cancelled, other] {
        harness.request_cancel(job).await;
    }
    harness.clock.advance(TimeDelta::seconds(2));
    let orchestrator = harness.start();
    for (job, state) in [(cancelled, JobState::Cancelled), (expired, JobState::Expired), (failed, JobState::Failed)] {
        let job = harness.until_state(job, state).await;
        assert_eq!(kept(&job), Some(TimeDelta::hours(24)), "{state}");
    }
    let other = harness.until_state(other, JobState::Cancelled).await;
    assert_eq!(kept(&other), Some(TimeDelta::days(30)), "a kind without a limit is as the settings say");
    orchestrator.stop().await;
}
