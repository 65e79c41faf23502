//! Checkpoints and kept results whose objects are gone or altered: the stage that made them runs again.

use std::path::Path;

use domain::{FailureClass, JobId, JobState};

use crate::harness::{Harness, ORDER, PREPARE};

/// What may happen to an object.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Deleted,
    Altered,
}

impl Harm {
    const ALL: [Self; 2] = [Self::Deleted, Self::Altered];

    fn do_to(self, file: &Path) {
        match self {
            Self::Deleted => std::fs::remove_file(file).unwrap(),
            Self::Altered => std::fs::write(file, r#"{"words":"others"}"#).unwrap(),
        }
    }
}

impl Harness {
    /// Where the stage's document lies that a job goes on from.
    async fn order_key(&self, id: JobId) -> String {
        let stages = self.database.stages().list(id).await.unwrap();
        let prepared = stages.into_iter().find(|stage| stage.name == PREPARE.as_str()).unwrap();
        prepared.checkpoint.unwrap().objects.unwrap()["order.json"].key.clone()
    }

    fn harm(&self, harm: Harm, prefix: &str) {
        let files = self.objects(&format!("/objects/{prefix}"), "order.json");
        assert_eq!(files.len(), 1, "{files:?}");
        harm.do_to(&files[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_job_goes_on_when_what_a_finished_stage_left_is_gone_or_altered() {
    for harm in Harm::ALL {
        let harness = Harness::new().await;
        harness.vendor.orders().refuses = Some(FailureClass::Caller);
        let running = harness.start();
        // Not reused, so that there is no copy to go on from.
        let id = harness.submit_as("retried", false).await;
        harness.with_time(id, JobState::Failed).await;
        harness.harm(harm, &format!("jobs/{id}/"));

        harness.vendor.orders().refuses = None;
        harness.retry(id).await;
        harness.with_time(id, JobState::Completed).await;
        assert_eq!(harness.vendor.orders().made.len(), 1, "{harm:?}: it was ordered twice");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_result_that_is_gone_or_altered_is_made_and_kept_anew() {
    for harm in Harm::ALL {
        let harness = Harness::new().await;
        let running = harness.start();
        let first = harness.submit("same").await;
        harness.with_time(first, JobState::Completed).await;
        harness.harm(harm, "stage-results/");

        let second = harness.submit("same").await;
        harness.with_time(second, JobState::Completed).await;
        let made_anew = harness.order_key(second).await;
        assert!(made_anew.starts_with(&format!("jobs/{second}/")), "{harm:?}: {made_anew}");
        let third = harness.submit("same").await;
        harness.with_time(third, JobState::Completed).await;
        let reused = harness.order_key(third).await;
        assert!(reused.starts_with("stage-results/"), "{harm:?}: the new one was not kept: {reused}");
        running.stop().await;
    }
}

/// What is made again may come out otherwise, so nothing that followed from the old one may stay beside it.
#[tokio::test(flavor = "multi_thread")]
async fn what_followed_from_a_damaged_stage_is_made_again_too() {
    for harm in Harm::ALL {
        let harness = Harness::new().await;
        harness.vendor.orders().fails_wrapping = true;
        let running = harness.start();
        let id = harness.submit_as("retried", false).await;
        harness.with_time(id, JobState::Failed).await;
        harness.harm(harm, &format!("jobs/{id}/"));

        harness.vendor.orders().fails_wrapping = false;
        harness.retry(id).await;
        let done = harness.with_time(id, JobState::Completed).await;
        let stages = harness.database.stages().list(id).await.unwrap();
        let ordered = stages.into_iter().find(|stage| stage.name == ORDER.as_str()).unwrap();
        let ordered = ordered.checkpoint.unwrap().output.unwrap();
        let result = done.result.unwrap();
        assert!(result["prepared_at"].is_u64(), "{result}");
        assert_eq!(ordered["of"], result["prepared_at"], "{harm:?}: the order is of what was lost");
        assert_eq!(harness.vendor.orders().made.len(), 1, "{harm:?}: it was ordered twice");
        running.stop().await;
    }
}
