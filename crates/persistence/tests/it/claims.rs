//! Leases: who gets which job, and who has lost it.

use std::{collections::BTreeSet, sync::Arc};

use chrono::TimeDelta;
use domain::{JobEvent, JobState, KindName};
use persistence::{
    Applied, Authority, Claim, ClaimableKind, Claimed, Held, Job, Journal, NewEvent, NewJob, Patch, Reported,
};
use serde_json::json;

use crate::bed::{Bed, every_kind, later, new_job, noon, on_both, telling_journal, user};

async fn eight_workers_claim_two_hundred_jobs_none_twice(bed: &Bed) {
    let mut expected = BTreeSet::new();
    for n in 0..200 {
        expected.insert(bed.submitted(&user(&format!("user {}", n % 7)), noon()).await.id);
    }
    let other = Arc::new(bed.another().await);
    let workers: Vec<_> = (0..8)
        .map(|n| {
            let db = if n % 2 == 0 { Arc::new(bed.db.clone()) } else { Arc::clone(&other) };
            tokio::spawn(async move {
                let mut mine = Vec::new();
                let name = format!("worker {n}");
                let kinds = every_kind(None);
                let claim = Claim { owner: &name, lease_until: later(60), kinds: &kinds, may_start: true };
                while let Some(Claimed { job, .. }) =
                    db.jobs().claim_due(claim, &telling_journal(), later(1)).await.unwrap()
                {
                    assert_eq!((job.state, job.generation, job.event_seq), (JobState::Running, 1, 1));
                    assert_eq!(job.lease_owner.as_deref(), Some(name.as_str()));
                    mine.push(job.id);
                }
                mine
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    assert_eq!(claimed.len(), 200, "a job was claimed twice or never");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(bed.db.outbox().backlog(noon()).await.unwrap().pending, 200);
    assert_eq!(bed.db.jobs().end_leases(later(1)).await.unwrap(), 200, "every claim has made a lease");
}

async fn the_job_that_has_been_due_longest_comes_first(bed: &Bed) {
    let ada = user("ada");
    // Whole seconds, halves and microseconds: on SQLite these are texts of different lengths.
    let offsets_us = [1_500_000, 0, 1_000_000, 1_000_001, 999_999, 500_000, 2_000_000];
    let mut due = Vec::new();
    for offset in offsets_us {
        let mut new = new_job(noon());
        new.due_at = noon() + TimeDelta::microseconds(offset);
        due.push((new.due_at, bed.submitted_as(&new, &ada, noon()).await.id));
    }
    due.sort();
    assert_eq!(bed.claimed(noon() - TimeDelta::microseconds(1)).await, None, "claimed before it was due");
    for (at, id) in due {
        assert_eq!(bed.claimed(at).await.map(|job| job.id), Some(id));
        assert_eq!(bed.claimed(at).await, None, "claimed before it was due");
    }
}

async fn a_lapsed_lease_is_taken_over_and_counts_a_crash(bed: &Bed) {
    let job = bed.submitted(&user("ada"), noon()).await;
    let first = bed.claimed(noon()).await.unwrap();
    assert_eq!((first.generation, first.crashes, first.started_at), (1, 0, Some(noon())));
    assert_eq!(bed.claimed(later(30)).await, None, "a live lease was taken");
    let lease_until = later(60);
    let held = Held::Yes { cancel_requested: false };
    assert_eq!(bed.db.jobs().heartbeat(job.id, 1, lease_until).await.unwrap(), held);
    assert_eq!(bed.claimed(later(31)).await, None, "the heartbeat did not prolong the lease");

    bed.moved(job.id, JobEvent::StoringStarted, later(40)).await;
    let kept = bed.db.jobs().get(job.id).await.unwrap().unwrap();
    assert_eq!(kept.lease_until, Some(lease_until), "a move took the lease back to where it was");
    let second = bed.claimed(later(61)).await.unwrap();
    assert_eq!((second.id, second.generation, second.crashes), (job.id, 2, 1));
    assert_eq!((second.state, second.started_at), (JobState::Running, Some(noon())));
    assert_eq!(bed.db.jobs().heartbeat(job.id, 1, later(900)).await.unwrap(), Held::Lost);
    assert_eq!(bed.db.jobs().check_lease(job.id, 1).await.unwrap(), Held::Lost);
    assert_eq!(bed.db.jobs().check_lease(job.id, 2).await.unwrap(), held);
    // Late but alive: nobody took it, so it goes on.
    assert_eq!(bed.db.jobs().heartbeat(job.id, 2, later(2000)).await.unwrap(), held);

    bed.moved(job.id, JobEvent::Failed, later(70)).await;
    assert_eq!(bed.db.jobs().heartbeat(job.id, 2, later(3000)).await.unwrap(), Held::Lost);
    assert_eq!(bed.claimed(later(90_000)).await, None, "a finished job was claimed");
}

async fn a_takeover_is_told_apart_from_a_claim_of_what_was_due(bed: &Bed) {
    let job = bed.submitted(&user("ada"), noon()).await;
    let event = |kind: &'static str| move |_: &persistence::Job| vec![NewEvent::new(kind, json!({}))];
    let journal = Journal::silent().events(event("started")).takeover_events(event("resumed"));
    let claim = async |now| {
        let kinds = every_kind(None);
        let claim = Claim { owner: "w", lease_until: now + TimeDelta::seconds(30), kinds: &kinds, may_start: true };
        bed.db.jobs().claim_due(claim, &journal, now).await.unwrap().unwrap().job
    };
    claim(noon()).await;
    let held = claim(later(31)).await;
    assert_eq!((held.crashes, held.event_seq), (1, 2));
    // A crash long ago does not make the next claim a takeover.
    bed.db.jobs().release(job.id, held.generation, &Journal::silent(), later(32)).await.unwrap();
    claim(later(32)).await;
    let events = bed.db.jobs().events_after(job.id, 0, 10).await.unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["started", "resumed", "started"]);
}

async fn what_is_to_end_is_not_claimed(bed: &Bed) {
    let ada = user("ada");
    let cancelled = bed.submitted(&ada, noon()).await;
    bed.db.jobs_of(&ada).request_cancel(cancelled.id, &Journal::silent(), noon()).await.unwrap();
    let mut new = new_job(noon());
    new.deadline_at = Some(later(10));
    bed.submitted_as(&new, &ada, noon()).await;
    assert_eq!(bed.claimed(later(10)).await, None);
    assert_eq!(bed.claimed(later(9)).await.map(|job| job.id), Some(new.id));
}

/// Claims at `now`, with a lease of a second and `deadline` for whoever has none.
async fn claimed_with(bed: &Bed, deadline: i64, now: i64) -> Option<Job> {
    let kinds = every_kind(Some(later(deadline)));
    let claim = Claim { owner: "w", lease_until: later(now + 1), kinds: &kinds, may_start: true };
    bed.db.jobs().claim_due(claim, &Journal::silent(), later(now)).await.unwrap().map(|claimed| claimed.job)
}

async fn a_deadline_is_set_by_the_first_claim_and_stands_still_while_nobody_works(bed: &Bed) {
    let job = bed.submitted(&user("ada"), noon()).await;
    let jobs = bed.db.jobs();
    let first = claimed_with(bed, 300, 0).await.unwrap();
    assert_eq!((first.id, first.deadline_at), (job.id, Some(later(300))));
    // A holder that died is not to be paid for by the job: from the end of its lease on, nobody worked.
    assert_eq!(jobs.overdue(&every_kind(None), later(7200), 10).await.unwrap(), []);
    let second = claimed_with(bed, 9000, 7200).await.unwrap();
    assert_eq!((second.crashes, second.deadline_at), (1, Some(later(7200 + 299))));
    // Given back with 289 s to go; an hour in the queue takes nothing of them.
    jobs.release(job.id, second.generation, &Journal::silent(), later(7210)).await.unwrap();
    let waiting = jobs.get(job.id).await.unwrap().unwrap();
    assert_eq!((waiting.deadline_at, waiting.time_left_ms), (None, Some(289_000)));
    assert_eq!(jobs.overdue(&every_kind(None), later(90_000), 10).await.unwrap(), []);
    let third = claimed_with(bed, 99_000, 10_810).await.unwrap();
    assert_eq!((third.deadline_at, third.time_left_ms), (Some(later(10_810 + 289)), None));
    // A wait that somebody chose is its own time.
    let patch = Patch { due_at: Some(later(10_870)), ..Patch::default() };
    let holder = Authority::Holder { generation: third.generation };
    let event = JobEvent::RetryScheduled;
    jobs.apply(job.id, holder, event, &patch, &Journal::silent(), later(10_810)).await.unwrap();
    assert_eq!(jobs.get(job.id).await.unwrap().unwrap().time_left_ms, Some(229_000));
    // While somebody works, it runs.
    let fourth = claimed_with(bed, 99_000, 10_900).await.unwrap();
    let lease_until = later(20_000);
    jobs.heartbeat(job.id, fourth.generation, lease_until).await.unwrap();
    let overdue = jobs.overdue(&every_kind(None), later(10_900 + 229), 10).await.unwrap();
    assert_eq!(overdue.iter().map(|job| job.id).collect::<Vec<_>>(), [job.id]);
}

async fn a_job_given_back_is_due_at_once_and_counts_no_crash(bed: &Bed) {
    let job = bed.submitted(&user("ada"), noon()).await;
    let held = bed.claimed(noon()).await.unwrap();
    let released = bed.db.jobs().release(job.id, held.generation, &telling_journal(), later(5)).await.unwrap();
    let Applied::Moved(waiting) = released else { panic!("{released:?}") };
    assert_eq!((waiting.state, waiting.due_at, waiting.attempt), (JobState::Queued, later(5), 0));
    assert_eq!((waiting.lease_owner, waiting.lease_until), (None, None));
    let again = bed.claimed(later(5)).await.unwrap();
    assert_eq!((again.generation, again.crashes), (2, 0));
}

async fn what_was_begun_goes_before_what_was_not(bed: &Bed) {
    let ada = user("ada");
    let begun = bed.submitted(&ada, noon()).await.id;
    let held = bed.claimed(noon()).await.unwrap();
    let mut fresh = Vec::new();
    for second in 1..=3 {
        fresh.push(bed.submitted(&ada, later(second)).await.id);
    }
    bed.db.jobs().release(begun, held.generation, &Journal::silent(), later(20)).await.unwrap();
    let position = async |id| bed.db.jobs().queue_position(id).await.unwrap().unwrap().overall;
    assert_eq!((position(begun).await, position(fresh[0]).await, position(fresh[2]).await), (1, 2, 4));
    let mut order = Vec::new();
    while let Some(job) = bed.claimed(later(21)).await {
        order.push(job.id);
    }
    assert_eq!(order, [vec![begun], fresh].concat());
}

async fn only_the_kinds_that_are_asked_for_are_claimed_each_with_its_own_deadline(bed: &Bed) {
    let ada = user("ada");
    let carving = NewJob { kind: KindName::new("carving"), ..new_job(noon()) };
    bed.submitted_as(&carving, &ada, noon()).await;
    assert_eq!(bed.claimed(later(9)).await, None, "a kind that nobody asked for was claimed");
    let song = bed.submitted(&ada, later(1)).await;
    let mut kinds = every_kind(Some(later(60)));
    kinds.push(ClaimableKind { name: KindName::new("carving"), stages: Vec::new(), deadline_at: Some(later(3600)) });
    let claim = Claim { owner: "w", lease_until: later(600), kinds: &kinds, may_start: true };
    let mut claimed = Vec::new();
    while let Some(Claimed { job, .. }) = bed.db.jobs().claim_due(claim, &Journal::silent(), later(9)).await.unwrap() {
        claimed.push((job.id, job.deadline_at));
    }
    assert_eq!(claimed, [(carving.id, Some(later(3600))), (song.id, Some(later(60)))]);
}

async fn a_parked_job_is_held_by_nobody_until_it_is_due(bed: &Bed) {
    let job = bed.submitted(&user("ada"), noon()).await;
    let held = bed.claimed(noon()).await.unwrap();
    let patch = Patch {
        due_at: Some(later(600)),
        waits_for: Some("a vendor".to_owned()),
        signals_seen: Some(held.signals),
        ..Patch::default()
    };
    let holder = Authority::Holder { generation: held.generation };
    let jobs = bed.db.jobs();
    let parked = jobs.apply(job.id, holder, JobEvent::Parked, &patch, &telling_journal(), later(1)).await.unwrap();
    let Applied::Moved(parked) = parked else { panic!("{parked:?}") };
    assert_eq!((parked.state, parked.due_at, parked.lease_until), (JobState::Parked, later(600), None));
    assert_eq!(parked.waits_for.as_deref(), Some("a vendor"));
    assert_eq!(bed.claimed(later(599)).await, None, "claimed before it was due");
    let again = bed.claimed(later(600)).await.unwrap();
    assert_eq!((again.generation, again.crashes, again.attempt), (2, 0, 0), "waiting is no crash and no attempt");
    assert_eq!((again.state, again.waits_for), (JobState::Running, None));
}

/// A signal may come while the stage is still about to park: it must not be lost.
async fn a_signal_makes_a_parked_job_due_whenever_it_comes(bed: &Bed) {
    let jobs = bed.db.jobs();
    for before in [true, false] {
        let job = bed.submitted(&user("ada"), noon()).await;
        let held = bed.claimed(noon()).await.unwrap();
        if before {
            jobs.signal(job.id, &telling_journal(), later(1)).await.unwrap();
        }
        let patch = Patch { due_at: Some(later(600)), signals_seen: Some(held.signals), ..Patch::default() };
        let holder = Authority::Holder { generation: held.generation };
        jobs.apply(job.id, holder, JobEvent::Parked, &patch, &telling_journal(), later(2)).await.unwrap();
        if !before {
            assert_eq!(bed.claimed(later(3)).await, None);
            jobs.signal(job.id, &telling_journal(), later(3)).await.unwrap();
        }
        let again = bed.claimed(later(4)).await.map(|job| (job.id, job.signals));
        assert_eq!(again, Some((job.id, 1)), "signalled before it parked: {before}");
        bed.moved(job.id, JobEvent::Failed, later(5)).await;
        let over = jobs.signal(job.id, &telling_journal(), later(6)).await.unwrap();
        assert_eq!(over, Reported::Lost(JobState::Failed));
    }
}

on_both!(
    only_the_kinds_that_are_asked_for_are_claimed_each_with_its_own_deadline,
    a_parked_job_is_held_by_nobody_until_it_is_due,
    a_signal_makes_a_parked_job_due_whenever_it_comes,
    eight_workers_claim_two_hundred_jobs_none_twice,
    the_job_that_has_been_due_longest_comes_first,
    a_lapsed_lease_is_taken_over_and_counts_a_crash,
    a_takeover_is_told_apart_from_a_claim_of_what_was_due,
    what_is_to_end_is_not_claimed,
    a_deadline_is_set_by_the_first_claim_and_stands_still_while_nobody_works,
    what_was_begun_goes_before_what_was_not,
    a_job_given_back_is_due_at_once_and_counts_no_crash,
);
