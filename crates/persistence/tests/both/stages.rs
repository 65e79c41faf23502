//! Checkpoints: a finished stage is never run again, and only the holder of the job writes.

use domain::{Failure, FailureClass, FailureCode, JobEvent, JobState, kind::melody_to_vocals};
use persistence::{Checkpoint, StageStart, StageState};
use serde_json::json;

use crate::bed::{Bed, later, noon, on_both, user};

fn checkpoint(hash: &str) -> Checkpoint {
    Checkpoint {
        inputs_hash: hash.to_owned(),
        output_key: Some("jobs/x/work/pitch".to_owned()),
        output_sha256: Some("ab".repeat(32)),
        output: Some(json!({"notes": 12})),
        provider: Some("offline".to_owned()),
    }
}

async fn a_stage_fails_starts_again_and_ends_as_a_checkpoint(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let (stages, pitch, generation) = (bed.db.stages(), melody_to_vocals::PITCH, job.generation);
    assert_eq!(stages.start(job.id, generation, pitch, 1, noon()).await.unwrap(), StageStart::Started);
    let failure = Failure::new(FailureClass::Transient, FailureCode::StageTimeout, "too slow");
    assert!(stages.fail(job.id, generation, pitch, &failure, later(1)).await.unwrap());
    assert!(!stages.finish(job.id, generation, pitch, &checkpoint("h"), later(1)).await.unwrap());
    let failed = stages.list(job.id).await.unwrap();
    assert_eq!((failed[0].state, failed[0].failure.as_ref()), (StageState::Failed, Some(&failure)));
    assert_eq!((failed[0].checkpoint.as_ref(), failed[0].finished_at), (None, Some(later(1))));

    assert_eq!(stages.start(job.id, generation, pitch, 2, later(2)).await.unwrap(), StageStart::Started);
    let running = stages.list(job.id).await.unwrap();
    assert_eq!((running[0].state, running[0].attempt, running[0].finished_at), (StageState::Running, 2, None));
    assert!(stages.finish(job.id, generation, pitch, &checkpoint("h"), later(3)).await.unwrap());
    assert!(!stages.finish(job.id, generation, pitch, &checkpoint("other"), later(4)).await.unwrap());
    assert_eq!(
        stages.start(job.id, generation, melody_to_vocals::LYRICS, 1, later(4)).await.unwrap(),
        StageStart::Started
    );

    let StageStart::AlreadyDone(done) = stages.start(job.id, generation, pitch, 3, later(5)).await.unwrap() else {
        panic!("a finished stage was started again")
    };
    assert_eq!((done.state, done.attempt, done.failure.as_ref()), (StageState::Done, 2, None));
    assert_eq!(done.checkpoint, Some(checkpoint("h")));
    let names: Vec<_> = stages.list(job.id).await.unwrap().into_iter().map(|stage| stage.name).collect();
    assert_eq!(names, ["pitch", "lyrics"]);
}

async fn who_lost_the_job_writes_no_stage(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let (stages, pitch) = (bed.db.stages(), melody_to_vocals::PITCH);
    assert_eq!(stages.start(job.id, job.generation, pitch, 1, noon()).await.unwrap(), StageStart::Started);
    let next = bed.claimed(later(60)).await.unwrap();
    assert!(!stages.finish(job.id, job.generation, pitch, &checkpoint("h"), later(61)).await.unwrap());
    assert_eq!(stages.start(job.id, job.generation, pitch, 2, later(61)).await.unwrap(), StageStart::Lost);
    // The new holder finds the attempt of the dead one and starts its own.
    assert_eq!(stages.start(job.id, next.generation, pitch, 2, later(62)).await.unwrap(), StageStart::Started);
    bed.moved(job.id, JobEvent::Failed, later(63)).await;
    assert!(!stages.finish(job.id, next.generation, pitch, &checkpoint("h"), later(64)).await.unwrap());
    assert_eq!(stages.list(job.id).await.unwrap()[0].state, StageState::Running);
}

async fn equal_inputs_find_a_checkpoint_of_the_same_owner_only(bed: &Bed) {
    let (ada, bob, pitch) = (user("ada"), user("bob"), melody_to_vocals::PITCH);
    let find = async |who, hash| bed.db.stages().find_reusable(who, pitch, hash).await.unwrap();
    let mut jobs = Vec::new();
    for n in 0..2 {
        let job = bed.in_state(JobState::Running, &ada, noon()).await;
        bed.db.stages().start(job.id, job.generation, pitch, 1, later(n)).await.unwrap();
        assert_eq!(find(&ada, "running").await, None);
        bed.db.stages().finish(job.id, job.generation, pitch, &checkpoint("h"), later(n)).await.unwrap();
        bed.moved(job.id, JobEvent::Failed, later(n)).await;
        jobs.push(job.id);
    }
    assert_eq!(find(&ada, "h").await.map(|stage| stage.job_id), Some(jobs[1]));
    assert_eq!(find(&ada, "other").await, None);
    assert_eq!(find(&bob, "h").await, None, "a checkpoint of somebody else's recording");
    assert_eq!(bed.db.stages().find_reusable(&ada, melody_to_vocals::LYRICS, "h").await.unwrap(), None);
    assert!(bed.db.jobs().mark_files_deleted(jobs[1], later(9)).await.unwrap());
    assert_eq!(find(&ada, "h").await.map(|stage| stage.job_id), Some(jobs[0]), "its object is gone");
}

on_both!(
    a_stage_fails_starts_again_and_ends_as_a_checkpoint,
    who_lost_the_job_writes_no_stage,
    equal_inputs_find_a_checkpoint_of_the_same_owner_only,
);
