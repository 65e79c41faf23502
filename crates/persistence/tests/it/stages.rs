//! Checkpoints: a finished stage is never run again, and only the holder of the job writes.

use std::collections::BTreeMap;

use domain::{
    Cost, Failure, FailureClass, FailureCode, JobEvent, JobState, OutsideCallId, StageResultId, kinds::melody_vocals,
};
use persistence::{Begun, Checkpoint, NewCall, OutsideCallState, StageResult, StageStart, StageState, WorkObject};
use serde_json::json;

use crate::bed::{Bed, later, noon, on_both, user};

fn checkpoint(hash: &str) -> Checkpoint {
    let object = WorkObject { key: "jobs/x/work/1/melody.json".to_owned(), sha256: "ab".repeat(32), size_bytes: 7 };
    Checkpoint {
        inputs_hash: hash.to_owned(),
        objects: Some(BTreeMap::from([("melody.json".to_owned(), object)])),
        output: Some(json!({"notes": 12})),
        provider: Some("offline".to_owned()),
    }
}

async fn a_stage_fails_starts_again_and_ends_as_a_checkpoint(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let (stages, pitch, generation) = (bed.db.stages(), melody_vocals::PITCH, job.generation);
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
        stages.start(job.id, generation, melody_vocals::LYRICS, 1, later(4)).await.unwrap(),
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
    let (stages, pitch) = (bed.db.stages(), melody_vocals::PITCH);
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

async fn equal_inputs_find_what_a_stage_made_for_the_same_owner_only(bed: &Bed) {
    let (ada, bob) = (user("ada"), user("bob"));
    let results = bed.db.stage_results();
    let object = WorkObject { key: "stage-results/1/melody.json".to_owned(), sha256: "ab".repeat(32), size_bytes: 7 };
    let made = |random: u8| StageResult {
        id: StageResultId::new(noon(), [random; 10]),
        owner: ada.clone(),
        stage: "pitch".to_owned(),
        inputs_hash: "h".to_owned(),
        provider: Some("offline".to_owned()),
        detail: serde_json::json!({ "notes": 3 }),
        objects: BTreeMap::from([("melody.json".to_owned(), object.clone())]),
        created_at: noon(),
        expires_at: later(100),
    };
    let find = async |who, hash, now, until| results.find(who, hash, now, until).await.unwrap();
    assert_eq!(find(&ada, "h", noon(), noon()).await, None);
    for random in [1, 2] {
        assert!(results.announce(&StageResult { expires_at: later(10), ..made(random) }).await.unwrap());
    }
    assert_eq!(find(&ada, "h", noon(), noon()).await, None, "its objects are not there yet");
    assert!(results.complete(&made(1)).await.unwrap());
    assert!(!results.complete(&made(2)).await.unwrap(), "the first of two that were made at once stays");
    assert!(!results.announce(&made(3)).await.unwrap(), "nothing is copied for a result that is there");
    assert_eq!(results.expired(later(9), 10).await.unwrap(), []);
    assert_eq!(results.expired(later(10), 10).await.unwrap(), [made(2).id], "whose copying never came to an end");
    results.forget(made(2).id).await.unwrap();
    assert!(!results.complete(&made(2)).await.unwrap(), "the sweep was quicker");
    assert_eq!(find(&ada, "h", later(1), later(2)).await, Some(made(1)));
    assert_eq!(find(&ada, "other", later(1), later(2)).await, None);
    assert_eq!(find(&bob, "h", later(1), later(2)).await, None, "what was made of somebody else's recording");
    // Whoever takes it can count on it for as long as they say.
    assert!(find(&ada, "h", later(99), later(500)).await.is_some());
    assert_eq!(results.expired(later(499), 10).await.unwrap(), []);
    assert_eq!(find(&ada, "h", later(501), later(900)).await, None);
    assert_eq!(results.expired(later(501), 10).await.unwrap(), [made(1).id]);
    results.forget(made(1).id).await.unwrap();
    assert_eq!(results.expired(later(501), 10).await.unwrap(), []);

    // What turns out to be damaged is found no more and stands in nobody's way.
    assert!(results.announce(&made(4)).await.unwrap() && results.complete(&made(4)).await.unwrap());
    results.withdraw(made(4).id, later(20)).await.unwrap();
    assert_eq!(find(&ada, "h", later(19), later(19)).await, None);
    assert_eq!(results.expired(later(20), 10).await.unwrap(), [made(4).id]);
    assert!(results.announce(&made(5)).await.unwrap() && results.complete(&made(5)).await.unwrap());
    assert_eq!(find(&ada, "h", later(21), later(22)).await, Some(made(5)));
}

async fn a_finished_stage_can_be_taken_back_by_the_holder_only(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let (stages, pitch) = (bed.db.stages(), melody_vocals::PITCH);
    let gone = Failure::new(FailureClass::Transient, FailureCode::Storage, "melody.json is gone");
    let reopen = async |generation| stages.reopen(job.id, generation, pitch.as_str(), &gone).await.unwrap();
    stages.start(job.id, job.generation, pitch, 1, noon()).await.unwrap();
    assert!(!reopen(job.generation).await, "it is not done");
    assert!(stages.finish(job.id, job.generation, pitch, &checkpoint("h"), later(1)).await.unwrap());
    assert!(!reopen(job.generation + 1).await, "somebody else's job");
    assert!(reopen(job.generation).await);
    let stage = stages.list(job.id).await.unwrap().remove(0);
    assert_eq!((stage.state, stage.checkpoint, stage.failure), (StageState::Failed, None, Some(gone.clone())));
    assert_eq!(stages.start(job.id, job.generation, pitch, 1, later(2)).await.unwrap(), StageStart::Started);
}

async fn what_is_asked_outside_is_asked_once(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let calls = bed.db.outside_calls();
    let begin = async |n: u8, generation, purpose| {
        let id = OutsideCallId::new(noon(), [n; 10]);
        let stage = (melody_vocals::VOCALS, purpose);
        calls
            .begin(&NewCall::new(id, (job.id, generation), stage, ("vendor", "main")), later(i64::from(n)))
            .await
            .unwrap()
    };
    let Begun::Fresh(call) = begin(1, job.generation, "take").await else { panic!("it is the first") };
    assert_eq!((call.state, call.correlation.as_str()), (OutsideCallState::Intended, call.id.to_string().as_str()));
    assert_eq!(begin(2, job.generation, "take").await, Begun::Known(call.clone()), "its answer may have been lost");
    assert_eq!(begin(3, job.generation - 1, "take").await, Begun::Lost);
    assert!(matches!(begin(4, job.generation, "another take").await, Begun::Fresh(_)));

    assert!(calls.opened(call.id, "v-1", later(5)).await.unwrap());
    assert_eq!(calls.by_outside_id(("vendor", "main"), "v-1").await.unwrap().map(|found| found.id), Some(call.id));
    for other in [("other", "main"), ("vendor", "default")] {
        assert_eq!(calls.by_outside_id(other, "v-1").await.unwrap(), None);
    }
    let cost = Cost { micros: 30_000, currency: "USD".to_owned() };
    assert!(calls.ended(call.id, OutsideCallState::Succeeded, Some(&cost), later(6)).await.unwrap());
    assert!(!calls.ended(call.id, OutsideCallState::Cancelled, None, later(7)).await.unwrap(), "the first word stands");
    // Paid for, but the checkpoint may have been lost: the result is fetched, not made again.
    let Begun::Known(paid) = begin(8, job.generation, "take").await else { panic!("it was paid for") };
    assert_eq!(
        (paid.state, paid.cost, paid.outside_id.as_deref()),
        (OutsideCallState::Succeeded, Some(cost), Some("v-1"))
    );

    // What nobody waits for any more is called off.
    let abandoned = async |before| {
        let found = calls.abandoned(before, 10).await.unwrap();
        found.into_iter().map(|call| call.purpose).collect::<Vec<_>>()
    };
    assert_eq!(abandoned(later(100)).await, Vec::<String>::new());
    let standing = calls.of_job(job.id).await.unwrap().remove(1);
    let open = standing.id;
    assert!(!calls.begin_call_off(&standing, later(9)).await.unwrap(), "its job still waits for it");
    bed.moved(job.id, JobEvent::Failed, later(10)).await;
    assert_eq!(abandoned(later(100)).await, ["another take"]);
    assert!(calls.begin_call_off(&standing, later(50)).await.unwrap());
    assert!(!calls.opened(open, "v-2", later(50)).await.unwrap(), "nobody waits for it any more");
    assert_eq!(abandoned(later(49)).await, Vec::<String>::new());
    calls.ended(open, OutsideCallState::NeverArrived, None, later(60)).await.unwrap();
    assert_eq!(abandoned(later(100)).await, Vec::<String>::new());
}

async fn a_call_in_a_state_of_a_newer_version_is_not_made_again(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let begin = async |n: u8| {
        let id = OutsideCallId::new(noon(), [n; 10]);
        let stage = (melody_vocals::VOCALS, "take");
        let calls = bed.db.outside_calls();
        calls
            .begin(&NewCall::new(id, (job.id, job.generation), stage, ("vendor", "main")), later(i64::from(n)))
            .await
            .unwrap()
    };
    assert!(matches!(begin(1).await, Begun::Fresh(_)));
    bed.execute("UPDATE outside_calls SET state = 'haggling'").await;
    assert_eq!(begin(2).await, Begun::Unknown, "it may have been paid for");
}

on_both!(
    a_stage_fails_starts_again_and_ends_as_a_checkpoint,
    who_lost_the_job_writes_no_stage,
    equal_inputs_find_what_a_stage_made_for_the_same_owner_only,
    a_finished_stage_can_be_taken_back_by_the_holder_only,
    what_is_asked_outside_is_asked_once,
    a_call_in_a_state_of_a_newer_version_is_not_made_again,
);
