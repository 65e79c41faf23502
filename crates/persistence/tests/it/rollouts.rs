//! Two versions over the same rows: what an older one left is understood, and what a newer one wrote sets that row aside
//! and never stops the rest.

use domain::{ArtifactRole, JobState, OutsideCallId};
use persistence::{HistoryFilter, NewCall, NewJob};

use crate::bed::{Bed, every_kind, later, message_id, new_job, noon, on_both, user};

/// How an identifier of this test is written in SQL.
fn of(id: domain::JobId, bed: &Bed) -> String {
    match bed.db.backend() {
        persistence::Backend::Sqlite => format!("lower(hex(id)) = '{}' OR lower(id) = '{id}'", id.uuid().simple()),
        persistence::Backend::Postgres => format!("id = '{id}'"),
    }
}

async fn set(bed: &Bed, id: domain::JobId, change: &str) {
    bed.execute(&format!("UPDATE jobs SET {change} WHERE {}", of(id, bed))).await;
}

async fn rows_of_a_newer_version_are_set_aside_and_stop_nothing(bed: &Bed) {
    let ada = user("ada");
    // Each stands before the job that this version knows.
    let mut strange = Vec::new();
    for change in ["state = 'levitating'", "tier = 'studio'", "kind = 'opera'"] {
        let job = bed.submitted(&ada, noon()).await;
        set(bed, job.id, change).await;
        strange.push(job.id);
    }
    let known = bed.submitted(&ada, later(1)).await;
    assert_eq!(bed.claimed(later(2)).await.map(|job| job.id), Some(known.id), "the head of the queue stopped it");
    assert_eq!(bed.claimed(later(2)).await, None, "something strange was claimed");

    let kinds = domain::Kinds::built_in();
    assert_eq!(bed.db.jobs().set_aside(kinds.iter()).await.unwrap(), 3, "an operator sees how many");
    let stats = bed.db.jobs().stats(None, later(2)).await.unwrap();
    assert_eq!(stats.by_state.get(&JobState::Running), Some(&1));
    set(bed, known.id, "deadline_at = created_at").await;
    bed.execute("UPDATE jobs SET deadline_at = created_at").await;
    let overdue = bed.db.jobs().overdue(&every_kind(None), later(3), 10).await.unwrap();
    assert!(overdue.iter().any(|job| job.id == known.id), "the sweep passes over what it cannot read");
    assert!(overdue.iter().all(|job| job.state != JobState::Completed));

    // Its owner is told so, and nobody else that there is one.
    let mine = bed.db.jobs_of(&ada);
    assert!(mine.is_of_newer_version(strange[0]).await.unwrap() && mine.is_of_newer_version(strange[1]).await.unwrap());
    assert!(!mine.is_of_newer_version(known.id).await.unwrap());
    assert!(!bed.db.jobs_of(&user("eve")).is_of_newer_version(strange[0]).await.unwrap());

    // A kind that only a newer version knows is still shown to its owner.
    let listed = bed.db.jobs_of(&ada).list(&HistoryFilter::default(), None, 10).await.unwrap();
    let mut kinds: Vec<&str> = listed.jobs.iter().map(|job| job.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["melody-to-vocals", "opera"]);
}

/// A stage or an outside call in a state of a newer version: the job is left to that version, and counted, instead of
/// being claimed and handed back over and over.
async fn a_job_with_parts_of_a_newer_version_is_set_aside(bed: &Bed) {
    let ada = user("ada");
    let pitch = domain::kinds::melody_vocals::PITCH;
    let staged = bed.in_state(JobState::Running, &ada, noon()).await;
    bed.db.stages().start(staged.id, staged.generation, pitch, 1, noon()).await.unwrap();
    bed.execute("UPDATE job_stages SET state = 'simmering'").await;
    let calling = bed.in_state(JobState::Running, &ada, noon()).await;
    let (holder, call) = ((calling.id, calling.generation), OutsideCallId::from_uuid(message_id().uuid()));
    bed.db
        .outside_calls()
        .begin(&NewCall::new(call, holder, (pitch, "sing"), ("vendor", "default")), noon())
        .await
        .unwrap();
    bed.execute("UPDATE outside_calls SET state = 'haggling'").await;
    // Their leases have run out, and they have been due for longer than the one that this version knows.
    let known = bed.submitted(&ada, later(60)).await;
    assert_eq!(bed.claimed(later(61)).await.map(|job| job.id), Some(known.id));
    assert_eq!(bed.claimed(later(61)).await, None, "something strange was claimed");
    let set_aside = async || bed.db.jobs().set_aside(domain::Kinds::built_in().iter()).await.unwrap();
    assert_eq!(set_aside().await, 2, "an operator sees how many");
    // Nobody here takes them over, so that their deadlines are to be kept.
    bed.execute("UPDATE jobs SET deadline_at = created_at").await;
    let overdue = bed.db.jobs().overdue(&every_kind(None), later(62), 10).await.unwrap();
    assert!([staged.id, calling.id].iter().all(|id| overdue.iter().any(|job| job.id == *id)), "{overdue:?}");

    // One that is understood after all is taken up.
    bed.execute("UPDATE job_stages SET state = 'running'").await;
    assert_eq!(set_aside().await, 1);
    assert_eq!(bed.claimed(later(62)).await.map(|job| job.id), Some(staged.id));
    assert_eq!(bed.claimed(later(62)).await, None);
}

/// A stage that only a newer version has: here the job would end without it.
async fn a_job_in_a_stage_of_a_newer_version_is_set_aside(bed: &Bed) {
    let ada = user("ada");
    let set_aside = async || bed.db.jobs().set_aside(domain::Kinds::built_in().iter()).await.unwrap();
    let pitch = domain::kinds::melody_vocals::PITCH;
    // One is in the stage, of another it was the one before; both leases have run out.
    let within = bed.in_state(JobState::Running, &ada, noon()).await;
    set(bed, within.id, "stage = 'mastering'").await;
    let past = bed.in_state(JobState::Running, &ada, noon()).await;
    bed.db.stages().start(past.id, past.generation, pitch, 1, noon()).await.unwrap();
    bed.execute("UPDATE job_stages SET name = 'mastering'").await;
    let known = bed.submitted(&ada, later(60)).await;
    set(bed, known.id, &format!("stage = '{pitch}'")).await;
    assert_eq!(bed.claimed(later(61)).await.map(|job| job.id), Some(known.id));
    assert_eq!(bed.claimed(later(61)).await, None, "it would be completed without a stage");
    assert_eq!(set_aside().await, 2, "an operator sees how many");

    bed.execute(&format!("UPDATE job_stages SET name = '{pitch}'")).await;
    assert_eq!(bed.claimed(later(62)).await.map(|job| job.id), Some(past.id));
    assert_eq!(set_aside().await, 1);
}

async fn a_stage_and_a_role_of_a_newer_version_are_shown(bed: &Bed) {
    let ada = user("ada");
    let job = bed.in_state(JobState::Running, &ada, noon()).await;
    set(bed, job.id, "stage = 'mastering'").await;
    let seen = bed.db.jobs_of(&ada).get(job.id).await.unwrap().unwrap();
    assert_eq!(seen.stage.as_deref(), Some("mastering"));
    let hologram = persistence::Artifact {
        id: crate::bed::artifact_id(),
        job_id: job.id,
        role: ArtifactRole::parse("audio_hologram").unwrap(),
        object_key: "k".to_owned(),
        size_bytes: 1,
        sha256: "s".to_owned(),
        media_type: "audio/hologram".to_owned(),
        file_name: "f".to_owned(),
        created_at: noon(),
    };
    bed.db.artifacts().upsert(std::slice::from_ref(&hologram)).await.unwrap();
    assert_eq!(bed.db.artifacts().of_job(job.id).await.unwrap(), [hologram]);
}

async fn a_job_of_the_version_before_still_has_its_recording(bed: &Bed) {
    let ada = user("ada");
    let old = NewJob { inputs: Vec::new(), ..new_job(noon()) };
    let job = bed.submitted_as(&old, &ada, noon()).await;
    assert_eq!(bed.db.jobs().inputs(job.id).await.unwrap(), [], "a job may be made from nothing");
    let verdict = r#"{"facts": {"size_bytes": 4242}}"#;
    set(bed, job.id, &format!("input_key = 'uploads/old', input_sha256 = 'cd', verdict = '{verdict}'")).await;
    let inputs = bed.db.jobs().inputs(job.id).await.unwrap();
    assert_eq!(inputs.len(), 1);
    let input = &inputs[0];
    assert_eq!((input.role.as_str(), input.object_key.as_str()), ("audio", "uploads/old"));
    assert_eq!((input.sha256.as_str(), input.size_bytes), ("cd", Some(4242)));
}

on_both!(
    rows_of_a_newer_version_are_set_aside_and_stop_nothing,
    a_job_with_parts_of_a_newer_version_is_set_aside,
    a_job_in_a_stage_of_a_newer_version_is_set_aside,
    a_stage_and_a_role_of_a_newer_version_are_shown,
    a_job_of_the_version_before_still_has_its_recording,
);
