//! What the reconciler and the retention sweep find, and the figures.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::{JobEvent, JobState, kinds::melody_vocals};
use persistence::{Authority, Job, Journal, NewEvent, Patch, Submission};
use serde_json::json;

use crate::bed::{Bed, breaker, every_kind, input, later, new_job, noon, on_both, telling_journal, upload_id, user};

fn ids(jobs: Vec<Job>) -> Vec<domain::JobId> {
    jobs.into_iter().map(|job| job.id).collect()
}

async fn passed_deadlines_and_cancelled_jobs_are_found_until_they_end(bed: &Bed) {
    let ada = user("ada");
    let mut new = new_job(noon());
    new.deadline_at = Some(later(20));
    let late = bed.submitted_as(&new, &ada, noon()).await.id;
    let mut new = new_job(noon());
    new.deadline_at = Some(later(10));
    let later_still = bed.submitted_as(&new, &ada, noon()).await.id;
    let overdue = async |at, limit| ids(bed.db.jobs().overdue(&every_kind(None), at, limit).await.unwrap());
    assert_eq!(overdue(later(9), 10).await, []);
    assert_eq!(overdue(later(20), 10).await, [later_still, late]);
    assert_eq!(overdue(later(20), 1).await, [later_still]);
    bed.moved(later_still, JobEvent::DeadlinePassed, later(20)).await;
    assert_eq!(overdue(later(20), 10).await, [late]);

    let pending = async |at| ids(bed.db.jobs().cancel_pending(at, 10).await.unwrap());
    bed.db.jobs_of(&ada).request_cancel(late, &Journal::silent(), later(1)).await.unwrap();
    assert_eq!(pending(later(1)).await, [late]);
    bed.moved(late, JobEvent::CancelRequested, later(2)).await;
    assert_eq!(pending(later(2)).await, []);
    // A live holder sees to it by itself; a dead one does not.
    let held = bed.in_state(JobState::Running, &ada, noon()).await;
    bed.db.jobs_of(&ada).request_cancel(held.id, &Journal::silent(), later(3)).await.unwrap();
    assert_eq!(pending(later(30)).await, []);
    assert_eq!(pending(later(31)).await, [held.id]);
    bed.moved(held.id, JobEvent::CancelRequested, later(4)).await;
    assert_eq!(pending(later(31)).await, [held.id]);
    assert_eq!(bed.claimed(later(31)).await, None);
}

async fn a_silent_holder_is_found_once_and_again_when_there_was_news(bed: &Bed) {
    let ada = user("ada");
    // Leases of 30 seconds.
    let held = bed.in_state(JobState::Running, &ada, noon()).await;
    let cancelled = bed.in_state(JobState::Running, &ada, noon()).await;
    bed.db.jobs_of(&ada).request_cancel(cancelled.id, &Journal::silent(), noon()).await.unwrap();
    bed.in_state(JobState::Parked, &ada, noon()).await;
    bed.submitted(&ada, noon()).await;
    let silent = async |ends_before| ids(bed.db.jobs().silent(ends_before, "stalled", 10).await.unwrap());
    assert_eq!(silent(later(30)).await, []);
    assert_eq!(silent(later(31)).await, [held.id]);
    let report = async |kind: &'static str| {
        let journal = Journal::silent().events(move |_| vec![NewEvent::new(kind, json!({}))]);
        let jobs = bed.db.jobs();
        jobs.report(held.id, Authority::Anyone, &Patch::default(), &journal, later(20)).await.unwrap();
    };
    report("stalled").await;
    assert_eq!(silent(later(31)).await, [], "followers know");
    report("progress").await;
    assert_eq!(silent(later(31)).await, [held.id]);
    bed.db.jobs().heartbeat(held.id, held.generation, later(50)).await.unwrap();
    assert_eq!(silent(later(31)).await, []);
}

async fn files_then_tombstones_go_and_the_total_stays(bed: &Bed) {
    let ada = user("ada");
    let mut finished = Vec::new();
    for event in [JobEvent::Completed, JobEvent::Failed, JobEvent::Completed] {
        let job = bed.in_state(JobState::Storing, &ada, noon()).await;
        let patch = Patch { files_expire_at: Some(later(100)), ..Patch::default() };
        let journal = telling_journal();
        bed.db.jobs().apply(job.id, Authority::Anyone, event, &patch, &journal, noon()).await.unwrap();
        finished.push(job.id);
    }
    let running = bed.in_state(JobState::Running, &ada, noon()).await.id;
    let upload = upload_id();
    bed.db.uploads().create(upload, &ada, "uploads/x", noon()).await.unwrap();
    let mut new = new_job(noon());
    new.inputs = vec![input(Some(upload))];
    bed.submitted_as(&new, &ada, noon()).await;
    bed.moved(new.id, JobEvent::Failed, noon()).await;

    let due = async |at| ids(bed.db.jobs().files_due(at, 10).await.unwrap());
    assert_eq!(due(later(99)).await, []);
    assert_eq!(due(later(100)).await, finished);
    assert!(!bed.db.jobs().mark_files_deleted(running, later(101)).await.unwrap(), "files of a running job");
    for id in finished.iter().chain([&new.id]) {
        assert!(bed.db.jobs().mark_files_deleted(*id, later(101)).await.unwrap());
        assert!(!bed.db.jobs().mark_files_deleted(*id, later(102)).await.unwrap());
    }
    assert_eq!(due(later(100)).await, []);

    let total = async || bed.db.jobs_of(&ada).quota_usage(noon()).await.unwrap();
    assert_eq!(total().await.total, 3);
    assert_eq!(bed.db.jobs().delete_tombstones(later(101), 10).await.unwrap(), 0);
    assert_eq!(bed.db.jobs().delete_tombstones(later(102), 3).await.unwrap(), 3);
    assert_eq!(bed.db.jobs().delete_tombstones(later(102), 3).await.unwrap(), 1);
    assert_eq!(bed.db.jobs().get(finished[0]).await.unwrap(), None);
    assert_eq!(bed.db.jobs().events_after(finished[0], 0, 10).await.unwrap(), []);
    assert_eq!((total().await.total, total().await.monthly), (3, 1));
    let orphan = bed.db.uploads().get(upload).await.unwrap().unwrap();
    assert_eq!(orphan.job_id, None, "a deleted job's upload must stay findable");
}

async fn tombstone_sweeps_at_once_count_each_job_once(bed: &Bed) {
    let ada = user("ada");
    for _ in 0..20 {
        let job = bed.in_state(JobState::Completed, &ada, noon()).await;
        assert!(bed.db.jobs().mark_files_deleted(job.id, noon()).await.unwrap());
    }
    let other = bed.another().await;
    other.ping().await.unwrap();
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(6));
    let sweeps: Vec<_> = (0..6)
        .map(|n| {
            let (db, start) = (if n % 2 == 0 { bed.db.clone() } else { other.clone() }, start.clone());
            tokio::spawn(async move {
                start.wait().await;
                db.jobs().delete_tombstones(later(1), 15).await.unwrap()
            })
        })
        .collect();
    for sweep in sweeps {
        sweep.await.unwrap();
    }
    while bed.db.jobs().delete_tombstones(later(1), 15).await.unwrap() > 0 {}
    assert_eq!(bed.db.jobs_of(&ada).quota_usage(noon()).await.unwrap().total, 20);
    assert_eq!(bed.db.jobs().stats(None, noon()).await.unwrap().by_state, BTreeMap::new());
}

async fn orphaned_uploads_are_found_and_never_become_a_job_again(bed: &Bed) {
    let ada = user("ada");
    let mut uploads = Vec::new();
    for n in 0..3 {
        let id = upload_id();
        bed.db.uploads().create(id, &ada, &format!("uploads/{n}"), later(n)).await.unwrap();
        uploads.push(id);
    }
    let mut new = new_job(noon());
    new.inputs = vec![input(Some(uploads[1]))];
    bed.submitted_as(&new, &ada, noon()).await;
    assert_eq!(bed.db.uploads().of_job(new.id).await.unwrap()[0].id, uploads[1]);
    let sweep = async |at, limit| {
        let found = bed.db.uploads().condemn_orphans(at, limit, later(50)).await.unwrap();
        found.into_iter().map(|upload| upload.id).collect::<Vec<_>>()
    };
    assert_eq!(sweep(noon(), 10).await, []);
    assert_eq!(sweep(later(3), 1).await, [uploads[0]]);
    // The sweep died before it deleted anything: they come again.
    assert_eq!(sweep(later(3), 10).await, [uploads[0], uploads[2]]);
    bed.db.uploads().delete(uploads[0]).await.unwrap();
    bed.db.uploads().delete(uploads[0]).await.unwrap();
    assert_eq!(sweep(later(3), 10).await, [uploads[2]]);
    assert!(!bed.db.uploads().complete(uploads[0], 1, "x").await.unwrap());
}

async fn of_a_sweep_and_a_submission_exactly_one_gets_an_upload(bed: &Bed) {
    let ada = user("ada");
    let other = bed.another().await;
    for _ in 0..24 {
        let upload = upload_id();
        bed.db.uploads().create(upload, &ada, "uploads/x", noon()).await.unwrap();
        let mut new = new_job(noon());
        new.inputs = vec![input(Some(upload))];
        let (db, owner) = (bed.db.clone(), ada.clone());
        let submitting = tokio::spawn(async move {
            let limits = domain::quota::QuotaLimits::UNLIMITED;
            db.jobs_of(&owner).submit(&new, limits, None, &Journal::silent(), noon()).await.unwrap()
        });
        let db = other.clone();
        let sweeping = tokio::spawn(async move { db.uploads().condemn_orphans(later(1), 10, later(1)).await.unwrap() });
        let swept = sweeping.await.unwrap().iter().any(|found| found.id == upload);
        match submitting.await.unwrap() {
            Submission::Accepted { .. } => assert!(!swept, "the upload of an accepted job was condemned"),
            Submission::UploadGone => assert!(swept, "nobody has the upload"),
            other => panic!("{other:?}"),
        }
        bed.db.uploads().delete(upload).await.unwrap();
    }
}

async fn figures_of_the_last_day(bed: &Bed) {
    let ada = user("ada");
    let empty = bed.db.jobs().stats(None, noon()).await.unwrap();
    assert_eq!(empty, persistence::JobStats::default());
    let yesterday = noon() - TimeDelta::hours(25);
    bed.in_state(JobState::Completed, &ada, yesterday).await;
    // Waited 2 s and 4 s, worked 1.5 s and 2.5 s.
    for (wait, work_us) in [(2, 1_500_000), (4, 2_500_000)] {
        let job = bed.submitted(&ada, noon()).await;
        bed.claimed(later(wait)).await.unwrap();
        bed.moved(job.id, JobEvent::StoringStarted, later(wait)).await;
        bed.moved(job.id, JobEvent::Completed, later(wait) + TimeDelta::microseconds(work_us)).await;
    }
    let failed = bed.submitted(&ada, noon()).await;
    bed.moved(failed.id, JobEvent::Failed, later(500)).await;
    bed.submitted(&ada, later(1)).await;

    // Nothing of what came at the moment asked for, or after it.
    let until = bed.db.jobs().stats(None, later(4)).await.unwrap();
    assert_eq!((until.submitted_last_day, until.ended_last_day), (4, BTreeMap::from([(JobState::Completed, 1)])));
    assert!((until.mean_wait_ms.unwrap() - 2000.0).abs() < 2.0, "{:?}", until.mean_wait_ms);
    assert_eq!(bed.db.jobs().stats(None, noon()).await.unwrap().submitted_last_day, 0);

    for kind in [None, Some(&melody_vocals::NAME)] {
        let stats = bed.db.jobs().stats(kind, later(600)).await.unwrap();
        let now = [(JobState::Queued, 1), (JobState::Completed, 3), (JobState::Failed, 1)];
        assert_eq!(stats.by_state, BTreeMap::from(now));
        assert_eq!(stats.ended_last_day, BTreeMap::from([(JobState::Completed, 2), (JobState::Failed, 1)]));
        assert_eq!(stats.submitted_last_day, 4);
        let near = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 2.0;
        assert!(near(stats.mean_processing_ms, 2000.0), "{stats:?}");
        assert!(near(stats.mean_wait_ms, 3000.0), "{stats:?}");
    }
}

async fn figures_of_the_last_hour_and_what_waits(bed: &Bed) {
    let ada = user("ada");
    let jobs = bed.db.jobs();
    assert_eq!(jobs.recent(&melody_vocals::NAME, noon()).await.unwrap(), persistence::RecentJobs::default());
    for (event, end) in [(JobEvent::Completed, 2), (JobEvent::Completed, 6), (JobEvent::DeadlinePassed, 9)] {
        let job = bed.in_state(JobState::Storing, &ada, noon()).await;
        bed.moved(job.id, event, later(end)).await;
    }
    let recent = jobs.recent(&melody_vocals::NAME, noon()).await.unwrap();
    assert_eq!(recent.ended, BTreeMap::from([(JobState::Completed, 2), (JobState::Expired, 1)]));
    assert!((recent.mean_latency_ms.unwrap() - 4000.0).abs() < 2.0, "{recent:?}");
    assert!((recent.error_rate_percent() - 100.0 / 3.0).abs() < 1e-9);
    let later_on = jobs.recent(&melody_vocals::NAME, later(7)).await.unwrap();
    assert_eq!(later_on.ended, BTreeMap::from([(JobState::Expired, 1)]));

    bed.submitted(&ada, noon()).await;
    let mut retry = new_job(noon());
    retry.due_at = later(30);
    bed.submitted_as(&retry, &ada, noon()).await;
    assert_eq!((jobs.waiting().await.unwrap(), jobs.delayed(&melody_vocals::NAME, later(29)).await.unwrap()), (2, 1));
    let other = domain::KindName::new("from-the-future");
    assert_eq!(jobs.delayed(&other, later(29)).await.unwrap(), 0, "of another kind");
    assert_eq!(jobs.delayed(&melody_vocals::NAME, later(30)).await.unwrap(), 0);
}

async fn breakers_are_replaced_read_while_fresh_and_pruned(bed: &Bed) {
    let breakers = bed.db.breakers();
    breakers.report(&[]).await.unwrap();
    let old = breaker("a", "offline", noon());
    breakers.report(&[old.clone(), breaker("a", "expert", noon())]).await.unwrap();
    let mended = persistence::BreakerRow {
        state: "closed".to_owned(),
        failures: 0,
        open_until: None,
        held_since: None,
        ..breaker("a", "expert", later(60))
    };
    let other = persistence::BreakerRow { problem: Some("a key".to_owned()), ..breaker("b", "expert", later(60)) };
    breakers.report(&[mended.clone(), other.clone()]).await.unwrap();
    assert_eq!(breakers.current(later(90)).await.unwrap(), [mended.clone(), other.clone(), old]);
    assert_eq!(breakers.current(later(91)).await.unwrap(), [mended.clone(), other.clone()]);
    assert_eq!(breakers.prune(later(91)).await.unwrap(), 1);
    assert_eq!(breakers.current(later(60)).await.unwrap(), [mended, other]);
}

async fn a_job_that_runs_without_a_lease_is_taken_up(bed: &Bed) {
    // No correct sender makes this, but a job must not be stuck for ever if one does.
    let job = bed.submitted(&user("ada"), noon()).await;
    let running = bed.moved(job.id, JobEvent::Claimed, noon()).await;
    assert_eq!((running.state, running.lease_until), (JobState::Running, None));
    assert_eq!(bed.claimed(noon()).await.map(|job| job.id), Some(job.id));
}

on_both!(
    figures_of_the_last_hour_and_what_waits,
    breakers_are_replaced_read_while_fresh_and_pruned,
    a_job_that_runs_without_a_lease_is_taken_up,
    passed_deadlines_and_cancelled_jobs_are_found_until_they_end,
    a_silent_holder_is_found_once_and_again_when_there_was_news,
    files_then_tombstones_go_and_the_total_stays,
    tombstone_sweeps_at_once_count_each_job_once,
    orphaned_uploads_are_found_and_never_become_a_job_again,
    of_a_sweep_and_a_submission_exactly_one_gets_an_upload,
    figures_of_the_last_day,
);
