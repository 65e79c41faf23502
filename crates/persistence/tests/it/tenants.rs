//! What a user may see: theirs, and nobody else's.

use std::collections::BTreeSet;

use domain::{ArtifactRole, JobEvent, JobState, Tier, kinds::melody_vocals};
use persistence::{Artifact, CancelOutcome, HistoryFilter, HistoryPage, Journal, QueuePosition};

use crate::bed::{Bed, artifact_id, job_id, later, new_job, noon, on_both, telling_journal, user};

async fn nobody_elses_job_can_be_reached(bed: &Bed) {
    let (ada, eve) = (user("ada"), user("eve"));
    let job = bed.in_state(JobState::Running, &ada, noon()).await;
    let (theirs, mine) = (bed.db.jobs_of(&eve), bed.db.jobs_of(&ada));
    for id in [job.id, job_id()] {
        assert_eq!(theirs.get(id).await.unwrap(), None);
        assert_eq!(theirs.request_cancel(id, &telling_journal(), noon()).await.unwrap(), CancelOutcome::NotFound);
        assert_eq!(theirs.events_after(id, 0, 10).await.unwrap(), None);
        assert_eq!(theirs.artifacts(id).await.unwrap(), None);
        assert_eq!(theirs.queue_position(id).await.unwrap(), None);
        assert!(!theirs.rate(id, 1, Some("bad"), noon()).await.unwrap());
        assert_eq!(theirs.feedback(id).await.unwrap(), None);
    }
    assert_eq!(theirs.history(&HistoryFilter::default(), 10, 0).await.unwrap(), HistoryPage { jobs: vec![], total: 0 });
    assert_eq!(theirs.quota_usage(noon()).await.unwrap().total, 0);
    assert_eq!(mine.get(job.id).await.unwrap(), Some(job));
}

async fn a_history_has_pages_and_filters(bed: &Bed) {
    let ada = user("ada");
    let mut ids = Vec::new();
    for n in 0..7 {
        let job = bed.submitted(&ada, later(n)).await;
        if n % 2 == 0 {
            bed.moved(job.id, JobEvent::Failed, later(n)).await;
        }
        ids.insert(0, job.id);
    }
    bed.submitted(&user("bob"), later(3)).await;
    let page = async |filter: &HistoryFilter, limit, offset| {
        let HistoryPage { jobs, total } = bed.db.jobs_of(&ada).history(filter, limit, offset).await.unwrap();
        (jobs.into_iter().map(|job| job.id).collect::<Vec<_>>(), total)
    };
    let all = HistoryFilter { kind: Some(melody_vocals::NAME), ..HistoryFilter::default() };
    assert_eq!(page(&all, 3, 0).await, (ids[..3].to_vec(), 7));
    assert_eq!(page(&all, 3, 6).await, (ids[6..].to_vec(), 7));
    assert_eq!(page(&all, 3, 7).await, (vec![], 7));
    let failed = HistoryFilter { states: BTreeSet::from([JobState::Failed]), ..HistoryFilter::default() };
    assert_eq!(page(&failed, 10, 0).await, (vec![ids[0], ids[2], ids[4], ids[6]], 4));
    let middle =
        HistoryFilter { created_from: Some(later(2)), created_before: Some(later(4)), ..HistoryFilter::default() };
    assert_eq!(page(&middle, 10, 0).await, (vec![ids[3], ids[4]], 2));
}

async fn a_wish_to_cancel_is_stored_once_and_moves_nothing(bed: &Bed) {
    let ada = user("ada");
    let job = bed.in_state(JobState::Running, &ada, noon()).await;
    let cancel = async |at| bed.db.jobs_of(&ada).request_cancel(job.id, &telling_journal(), at).await.unwrap();
    let CancelOutcome::Requested(first) = cancel(later(1)).await else { panic!("not requested") };
    assert_eq!((first.state, first.cancel_requested_at), (JobState::Running, Some(later(1))));
    let CancelOutcome::Requested(second) = cancel(later(2)).await else { panic!("not requested") };
    assert_eq!(first, second);
    assert_eq!(bed.db.outbox().backlog(later(2)).await.unwrap().pending, 1);
    assert_eq!(bed.db.jobs_of(&ada).events_after(job.id, 0, 10).await.unwrap().unwrap().len(), 1);
    let held = bed.db.jobs().heartbeat(job.id, job.generation, later(60)).await.unwrap();
    assert_eq!(held, persistence::Held::Yes { cancel_requested: true });
    bed.moved(job.id, JobEvent::Failed, later(3)).await;
    assert_eq!(cancel(later(4)).await, CancelOutcome::AlreadyFinal(JobState::Failed));
}

async fn a_waiting_job_knows_its_place(bed: &Bed) {
    let (ada, bob) = (user("ada"), user("bob"));
    let mut jobs = Vec::new();
    for who in [&ada, &bob, &bob, &ada] {
        jobs.push(bed.submitted(who, noon()).await.id);
    }
    let mut retry = new_job(noon());
    retry.due_at = later(30);
    let last = bed.submitted_as(&retry, &bob, noon()).await.id;
    let place = async |id| bed.db.jobs().queue_position(id).await.unwrap();
    assert_eq!(place(jobs[0]).await, Some(QueuePosition { overall: 1, of_owner: 1 }));
    assert_eq!(place(jobs[3]).await, Some(QueuePosition { overall: 4, of_owner: 2 }));
    assert_eq!(
        bed.db.jobs_of(&bob).queue_position(last).await.unwrap(),
        Some(QueuePosition { overall: 5, of_owner: 3 })
    );
    assert_eq!(bed.claimed(noon()).await.map(|job| job.id), Some(jobs[0]));
    assert_eq!(place(jobs[0]).await, None);
    bed.db.jobs_of(&bob).request_cancel(jobs[1], &Journal::silent(), noon()).await.unwrap();
    assert_eq!(place(jobs[3]).await, Some(QueuePosition { overall: 2, of_owner: 1 }));
}

fn artifact(job: domain::JobId, role: ArtifactRole, key: &str) -> Artifact {
    Artifact {
        id: artifact_id(),
        job_id: job,
        role,
        object_key: key.to_owned(),
        size_bytes: 1 << 33,
        sha256: "ab".repeat(32),
        media_type: "text/plain".to_owned(),
        file_name: "song.mp3".to_owned(),
        created_at: noon(),
    }
}

async fn artifacts_are_replaced_by_role_and_keep_their_ids(bed: &Bed) {
    let ada = user("ada");
    let job = bed.submitted(&ada, noon()).await.id;
    let lyrics = artifact(job, ArtifactRole::LYRICS, "a");
    let song = artifact(job, ArtifactRole::AUDIO_MP3, "b");
    let stored = bed.db.artifacts().upsert(&[lyrics.clone(), song.clone()]).await.unwrap();
    assert_eq!(stored, [song.clone(), lyrics.clone()]);
    let again = artifact(job, ArtifactRole::LYRICS, "c");
    let stored = bed.db.artifacts().upsert(std::slice::from_ref(&again)).await.unwrap();
    assert_eq!(stored, [Artifact { id: lyrics.id, ..again }]);
    let mine = bed.db.jobs_of(&ada).artifacts(job).await.unwrap().unwrap();
    assert_eq!(mine.iter().map(|kept| kept.object_key.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(bed.db.artifacts().of_job(job).await.unwrap(), mine);
    assert_eq!(bed.db.artifacts().upsert(&[]).await.unwrap(), []);
    assert_eq!(bed.db.artifacts().delete_of_job(job).await.unwrap(), 2);
    assert_eq!(bed.db.artifacts().of_job(job).await.unwrap(), []);
}

async fn a_rating_can_be_changed_but_not_be_out_of_range(bed: &Bed) {
    let ada = user("ada");
    let job = bed.submitted(&ada, noon()).await.id;
    let mine = bed.db.jobs_of(&ada);
    assert_eq!(mine.feedback(job).await.unwrap(), None);
    assert!(mine.rate(job, 1, Some("off key"), noon()).await.unwrap());
    assert!(mine.rate(job, 5, None, later(1)).await.unwrap());
    let kept = mine.feedback(job).await.unwrap().unwrap();
    assert_eq!((kept.rating, kept.text, kept.at), (5, None, later(1)));
    for rating in [0, 6, 255] {
        assert!(mine.rate(job, rating, None, noon()).await.is_err(), "{rating} was accepted");
    }
}

async fn a_tier_is_set_when_it_changes(bed: &Bed) {
    let ada = user("ada");
    bed.db.users().ensure(&ada, Tier::Free, noon()).await.unwrap();
    bed.db.users().ensure(&ada, Tier::Enterprise, later(9)).await.unwrap();
    let kept = bed.db.users().get(&ada).await.unwrap().unwrap();
    assert_eq!((kept.tier, kept.created_at), (Tier::Enterprise, noon()));
    assert_eq!(bed.db.users().get(&user("nobody")).await.unwrap(), None);
}

on_both!(
    nobody_elses_job_can_be_reached,
    a_history_has_pages_and_filters,
    a_wish_to_cancel_is_stored_once_and_moves_nothing,
    a_waiting_job_knows_its_place,
    artifacts_are_replaced_by_role_and_keep_their_ids,
    a_rating_can_be_changed_but_not_be_out_of_range,
    a_tier_is_set_when_it_changes,
);
