//! The rules of the queue that clients of the older music-generator API know, by a clock that the test turns.

use chrono::TimeDelta;
use domain::{
    JobState,
    kinds::composition::{self, CompositionRequest},
};
use serde_json::json;

use crate::harness::Harness;

/// Nothing listens there, and no song is made of words that nobody has judged.
const NOBODY_JUDGES: [(&str, &str); 3] = [
    ("moderation.openai_api_key", "a key"),
    ("moderation.openai_url", "http://127.0.0.1:9/v1"),
    ("moderation.fail_closed", "true"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_composition_is_tried_again_after_half_a_minute_to_the_moment_and_then_given_up() {
    let harness = Harness::with(&NOBODY_JUDGES).await;
    let request = CompositionRequest::read(|name| (name == "prompt").then_some("a calm waltz"), 7).unwrap();
    let song = harness.submit_job(composition::NAME, json!(request), None).await;
    let orchestrator = harness.start();
    let waiting = harness.until(song, "tried once", |job| job.state == JobState::Queued && job.attempt == 2).await;
    assert_eq!(waiting.due_at - harness.now(), TimeDelta::seconds(30));

    // Whoever looks for due jobs a moment before passes it over.
    harness.clock.advance(TimeDelta::seconds(30) - TimeDelta::milliseconds(1));
    let tried = harness.events(song).await;
    let other = harness.submit("beside it").await;
    harness.until_state(other, JobState::Parked).await;
    assert_eq!(harness.events(song).await, tried);
    assert!(harness.deletions.announced(song).is_empty(), "it has not ended");

    harness.clock.advance(TimeDelta::milliseconds(1));
    let failed = harness.until_state(song, JobState::Failed).await;
    assert_eq!(failed.attempt, 2, "two attempts");
    assert_eq!(failed.files_expire_at, failed.finished_at.map(|at| at + TimeDelta::hours(24)));
    let count = |events: &[String], kind: &str| events.iter().filter(|event| *event == kind).count();
    let events = harness.events(song).await;
    assert_eq!((count(&events, "stage_started"), count(&events, "retry_scheduled")), (2, 1), "{events:?}");
    let announced = async || {
        while harness.deletions.announced(song).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        harness.deletions.announced(song)
    };
    let announced = tokio::time::timeout(crate::harness::PATIENCE, announced()).await.unwrap();
    assert_eq!(announced, ["music.generation.failed"]);
    orchestrator.stop().await;
}
