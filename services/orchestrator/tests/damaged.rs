//! Checkpoints and kept results whose objects are gone or altered: the stage that made them runs again.

mod support;

use std::path::Path;

use domain::{JobId, JobState, quota::QuotaLimits};
use persistence::Journal;
use resilience::Clock;
use support::{Fixture, PREPARE};

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

impl Fixture {
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
        let house = Fixture::new().await;
        house.vendor.orders().refuses = true;
        let running = house.start();
        // Not reused, so that there is no copy to go on from.
        let id = house.submit_as("retried", false).await;
        house.with_time(id, JobState::Failed).await;
        house.harm(harm, &format!("jobs/{id}/work/"));

        house.vendor.orders().refuses = false;
        let now = house.clock.now();
        let jobs = house.database.jobs_of(&house.user);
        jobs.retry(id, QuotaLimits::UNLIMITED, &Journal::silent(), now).await.unwrap();
        house.with_time(id, JobState::Completed).await;
        assert_eq!(house.vendor.orders().made.len(), 1, "{harm:?}: it was ordered twice");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_result_that_is_gone_or_altered_is_made_and_kept_anew() {
    for harm in Harm::ALL {
        let house = Fixture::new().await;
        let running = house.start();
        let first = house.submit("same").await;
        house.with_time(first, JobState::Completed).await;
        house.harm(harm, "stage-results/");

        let second = house.submit("same").await;
        house.with_time(second, JobState::Completed).await;
        let made_anew = house.order_key(second).await;
        assert!(made_anew.starts_with(&format!("jobs/{second}/")), "{harm:?}: {made_anew}");
        let third = house.submit("same").await;
        house.with_time(third, JobState::Completed).await;
        let reused = house.order_key(third).await;
        assert!(reused.starts_with("stage-results/"), "{harm:?}: the new one was not kept: {reused}");
        running.stop().await;
    }
}
