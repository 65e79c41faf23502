//! What is deleted on order, what goes by itself, and what stays.

use std::{collections::BTreeMap, time::Duration};

use blob_store::{KeyPrefix, ObjectKey};
use chrono::TimeDelta;
use domain::{JobEvent, JobId, StageResultId, UserId, kinds::blend};
use persistence::StageResult;
use resilience::{Clock, ids::random10};
use storage::Swept;
use testbed::eventually;

use crate::support::{Harness, quiet_voice};

impl Harness {
    /// A completed job with all its files.
    async fn completed_job(&self) -> JobId {
        let job = self.storing_job().await;
        let request = self.finished_work(&job, &quiet_voice(1.0)).await;
        self.ask(&request, job.generation).await.unwrap();
        self.happen(job.id, JobEvent::Completed).await;
        job.id
    }

    async fn has_upload(&self, job: JobId) -> bool {
        let upload = self.database.uploads().of_job(job).await.unwrap()[0].id;
        self.objects.head(&ObjectKey::upload(upload)).await.is_ok()
    }

    async fn counts(&self, job: JobId) -> (usize, usize, usize) {
        (
            self.keys(KeyPrefix::job_work(job)).await.len(),
            self.keys(KeyPrefix::job_result(job)).await.len(),
            self.database.artifacts().of_job(job).await.unwrap().len(),
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_to_delete_take_what_they_name() {
    let harness = Harness::open().await;
    let (job, neighbour) = (harness.completed_job().await, harness.completed_job().await);
    assert_eq!(harness.counts(job).await, (8, 9, 9));

    harness.order_deletion(job, false).await;
    eventually("working objects to go", Duration::from_secs(10), || async {
        let (counts, upload) = (harness.counts(job).await, harness.has_upload(job).await);
        if counts == (0, 9, 9) && !upload { Ok(()) } else { Err((counts, upload)) }
    })
    .await;
    let row = harness.database.jobs().get(job).await.unwrap().unwrap();
    assert_eq!(row.files_deleted_at, None, "its results are still there");

    harness.order_deletion(job, true).await;
    eventually("results to go", Duration::from_secs(10), || async {
        let row = harness.database.jobs().get(job).await.unwrap().unwrap();
        let counts = harness.counts(job).await;
        if counts == (0, 0, 0) && row.files_deleted_at.is_some() { Ok(()) } else { Err((counts, row.files_deleted_at)) }
    })
    .await;
    assert_eq!(harness.counts(neighbour).await, (8, 9, 9));
    assert!(harness.has_upload(neighbour).await);
    assert_eq!(harness.service.delete_job_objects(job, true).await.unwrap(), 1, "a repeat is no error");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_blend_go_after_a_day_however_it_ended() {
    let harness = Harness::open().await;
    let mut jobs = Vec::new();
    for events in [&[JobEvent::Completed][..], &[JobEvent::Failed], &[JobEvent::DeadlinePassed]] {
        let job = harness.storing_job_of(&blend::SPEC).await;
        harness.work(job.id, "song.wav", b"of a stage that had finished").await;
        for event in events {
            harness.happen(job.id, *event).await;
        }
        jobs.push(job.id);
    }
    let left = async || {
        let mut left = Vec::new();
        for job in &jobs {
            left.push((harness.keys(KeyPrefix::job_work(*job)).await.len(), harness.has_upload(*job).await));
        }
        left
    };
    harness.clock.advance(TimeDelta::hours(24) - TimeDelta::microseconds(1));
    assert_eq!(harness.service.sweep().await, Swept::default());
    assert_eq!(left().await, [(1, true); 3]);
    harness.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(harness.service.sweep().await.expired_jobs, 3);
    assert_eq!(left().await, [(0, false); 3]);
    // The rows stay, and say so.
    harness.clock.advance(TimeDelta::days(60));
    harness.service.sweep().await;
    for job in jobs {
        let row = harness.database.jobs().get(job).await.unwrap().unwrap();
        assert!(row.files_deleted_at.is_some() && !row.keeps_files(harness.clock.now()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_under_way_keeps_its_objects() {
    let harness = Harness::open().await;
    let job = harness.storing_job().await;
    harness.finished_work(&job, &quiet_voice(1.0)).await;
    harness.order_deletion(job.id, true).await;
    eventually("the order to be put aside", Duration::from_secs(10), || async {
        let dead = harness.bus.dead_letters(10).await.unwrap();
        if dead.len() == 1 { Ok(()) } else { Err(dead.len()) }
    })
    .await;
    assert_eq!(harness.counts(job.id).await, (7, 0, 0));
    assert!(harness.has_upload(job.id).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_of_a_job_without_a_row_can_still_be_deleted() {
    let harness = Harness::open().await;
    let job: JobId = "018f6b1e-7c2a-7000-8000-000000000001".parse().unwrap();
    harness
        .objects
        .put_bytes(&ObjectKey::job_stage(job, 1, "left").unwrap(), vec![1].into(), "text/plain")
        .await
        .unwrap();
    assert_eq!(harness.service.delete_job_objects(job, true).await.unwrap(), 1);
    assert!(harness.keys(KeyPrefix::all()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_takes_what_is_due_and_nothing_else() {
    let harness = Harness::open().await;
    let old = harness.completed_job().await;
    let failed = harness.storing_job().await.id;
    harness.happen(failed, JobEvent::Failed).await;
    let running = harness.storing_job().await;
    harness.finished_work(&running, &quiet_voice(1.0)).await;
    assert_eq!(harness.service.sweep().await, Swept::default(), "nothing is due yet");

    harness.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    let young = harness.completed_job().await;
    assert_eq!(harness.service.sweep().await, Swept::default(), "one second before");
    harness.clock.advance(TimeDelta::seconds(1));
    let swept = harness.service.sweep().await;
    assert_eq!((swept.expired_jobs, swept.objects, swept.failures), (1, 18, 0), "{swept:?}");
    assert_eq!(harness.counts(old).await, (0, 0, 0));
    let row = harness.database.jobs().get(old).await.unwrap().unwrap();
    assert_eq!(row.files_deleted_at, Some(harness.clock.now()), "its row stays as a tombstone");
    assert_eq!(harness.counts(young).await, (8, 9, 9));
    assert_eq!(harness.counts(running.id).await.0, 7, "a job under way keeps its objects");
    assert!(harness.has_upload(failed).await && !harness.has_upload(old).await);

    harness.clock.advance(TimeDelta::days(23));
    let swept = harness.service.sweep().await;
    assert_eq!((swept.expired_jobs, swept.failures), (2, 0), "the young one and the failed one: {swept:?}");
    assert!(!harness.has_upload(failed).await);
    assert_eq!(harness.service.sweep().await, Swept::default(), "nothing is swept twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_go_when_their_files_are_long_gone() {
    let harness = Harness::open().await;
    let job = harness.completed_job().await;
    harness.clock.advance(TimeDelta::days(8));
    assert_eq!(harness.service.sweep().await.expired_jobs, 1);
    harness.clock.advance(TimeDelta::days(61));
    assert_eq!(harness.service.sweep().await.tombstones, 0);
    harness.clock.advance(TimeDelta::days(2));
    let swept = harness.service.sweep().await;
    assert_eq!(swept.tombstones, 1, "{swept:?}");
    assert!(harness.database.jobs().get(job).await.unwrap().is_none());
    // Its upload's row belongs to nobody now and goes with the next sweep at the latest.
    harness.service.sweep().await;
    assert!(harness.keys(KeyPrefix::all()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_without_a_job_go_after_an_hour() {
    let harness = Harness::open().await;
    let orphan = harness.upload().await;
    let taken = harness.storing_job().await;
    harness.clock.advance(TimeDelta::minutes(59));
    let fresh = harness.upload().await;
    assert_eq!(harness.service.sweep().await, Swept::default());
    harness.clock.advance(TimeDelta::minutes(2));
    let swept = harness.service.sweep().await;
    assert_eq!(swept, Swept { orphaned_uploads: 1, ..Swept::default() });
    assert!(harness.objects.head(&ObjectKey::upload(orphan)).await.is_err());
    assert!(harness.database.uploads().get(orphan).await.unwrap().is_none());
    assert!(harness.objects.head(&ObjectKey::upload(fresh)).await.is_ok());
    assert!(harness.has_upload(taken.id).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_a_crash_left_are_cleaned_up_after_a_day() {
    let harness = Harness::open().await;
    std::fs::write(harness.home.path().join("objects/.incoming/half"), b"half").unwrap();
    assert_eq!(harness.service.sweep().await, Swept::default());
    harness.clock.advance(TimeDelta::hours(25));
    assert_eq!(harness.service.sweep().await, Swept { unfinished: 1, ..Swept::default() });
}

impl Harness {
    /// A stage result that expires after `keep`, with one object. Nobody finds it unless it is complete.
    async fn stage_result(&self, keep: TimeDelta, is_complete: bool) -> StageResult {
        let now = self.clock.now();
        let id = StageResultId::new(now, random10());
        let result = StageResult {
            id,
            owner: UserId::local(),
            stage: "pitch".to_owned(),
            inputs_hash: format!("hash of {id}"),
            provider: None,
            detail: serde_json::Value::Null,
            objects: BTreeMap::new(),
            created_at: now,
            expires_at: now + keep,
        };
        let results = self.database.stage_results();
        assert!(results.announce(&result).await.unwrap());
        let key = ObjectKey::stage_result(id, "melody.json").unwrap();
        self.objects.put_bytes(&key, vec![1].into(), "application/json").await.unwrap();
        if is_complete {
            assert!(results.complete(&result).await.unwrap());
        }
        result
    }

    async fn has_copies(&self, result: &StageResult) -> bool {
        !self.keys(KeyPrefix::stage_result(result.id)).await.is_empty()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_takes_stage_results_whose_time_is_over_and_copies_that_were_given_up() {
    let harness = Harness::open().await;
    let done = harness.stage_result(TimeDelta::hours(1), true).await;
    let given_up = harness.stage_result(TimeDelta::hours(1), false).await;
    let long = harness.stage_result(TimeDelta::hours(24), true).await;
    let copying = harness.stage_result(TimeDelta::hours(24), false).await;
    let damaged = harness.stage_result(TimeDelta::hours(24), true).await;
    harness.database.stage_results().withdraw(damaged.id, harness.clock.now() + TimeDelta::hours(1)).await.unwrap();
    harness.clock.advance(TimeDelta::hours(1) + TimeDelta::minutes(10) - TimeDelta::seconds(1));
    assert_eq!(harness.service.sweep().await, Swept::default(), "somebody may just be taking one");

    harness.clock.advance(TimeDelta::seconds(1));
    let swept = harness.service.sweep().await;
    assert_eq!(swept, Swept { stage_results: 3, ..Swept::default() });
    for gone in [&done, &given_up, &damaged] {
        assert!(!harness.has_copies(gone).await, "{}", gone.id);
    }
    for kept in [&long, &copying] {
        assert!(harness.has_copies(kept).await, "{}", kept.id);
    }
    let now = harness.clock.now();
    let found = harness.database.stage_results().find(&long.owner, &long.inputs_hash, now, now).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(long.id));
    assert_eq!(harness.service.sweep().await, Swept::default(), "nothing is swept twice");
    harness.clock.advance(TimeDelta::hours(24));
    assert_eq!(harness.service.sweep().await.stage_results, 2);
    assert!(harness.keys(KeyPrefix::all()).await.is_empty());
}
