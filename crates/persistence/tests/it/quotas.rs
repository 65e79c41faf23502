//! The birth of a job: limits that hold exactly, and all or nothing.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    JobEvent, JobState, Tier,
    kinds::{blend, melody_vocals},
    quota::{Period, QuotaLimits, QuotaUsage},
    starts::{StartLimit, Starts},
};
use persistence::{
    Begin, HistoryFilter, IdempotencyKey, IdempotentAnswer, Journal, KeyClaim, NewJob, Submission, SubmissionLimits,
};
use serde_json::json;

use crate::bed::{Bed, input, later, new_job, noon, on_both, telling_journal, upload_id, user};

const UNLIMITED: QuotaLimits = QuotaLimits::UNLIMITED;

async fn an_accepted_job_is_stored_with_all_that_belongs_to_it(bed: &Bed) {
    let ada = user("ada");
    let now = noon() + TimeDelta::nanoseconds(123_456_789);
    let upload = upload_id();
    bed.db.uploads().create(upload, &ada, "uploads/x", now).await.unwrap();
    assert!(bed.db.uploads().complete(upload, 42, "cafe").await.unwrap());
    let mut new = new_job(now);
    new.inputs = vec![input(Some(upload))];
    new.tier = Tier::Premium;
    let answer = bed.db.jobs_of(&ada).submit(&new, UNLIMITED, None, &telling_journal(), now).await.unwrap();
    let Submission::Accepted { job, usage, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(usage, QuotaUsage { daily: 1, monthly: 1, total: 1 });
    assert_eq!(bed.db.jobs().get(job.id).await.unwrap().as_ref(), Some(&*job), "what was said is not what is stored");
    assert_eq!((job.state, job.event_seq, job.version), (JobState::Queued, 1, 1));
    assert_eq!(job.created_at, noon() + TimeDelta::microseconds(123_456));
    assert_eq!((&job.params, &job.traceparent), (&new.params, &new.traceparent));
    let events = bed.db.jobs().events_after(job.id, 0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].seq, events[0].kind.as_str(), &events[0].data), (1, "state", &json!({"state": "queued"})));
    let messages = bed.db.outbox().claim_batch(later(60), 10, now).await.unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].message.payload, 1_u64.to_be_bytes());
    let kept = bed.db.uploads().get(upload).await.unwrap().unwrap();
    assert_eq!((kept.job_id, kept.size_bytes, kept.sha256.as_deref()), (Some(job.id), Some(42), Some("cafe")));
    assert_eq!(bed.db.users().get(&ada).await.unwrap().unwrap().tier, Tier::Premium);
}

async fn however_many_submit_at_once_the_limit_holds_exactly(bed: &Bed) {
    const LIMIT: u32 = 7;
    let limits = QuotaLimits { daily: Some(LIMIT), monthly: Some(100) };
    let other = Arc::new(bed.another().await);
    let mut submitting = Vec::new();
    for n in 0..40 {
        // Half of them through another pool, as another gateway would; some by a user who is in nobody's way.
        let db = if n % 2 == 0 { Arc::new(bed.db.clone()) } else { Arc::clone(&other) };
        let who = if n % 10 == 9 { user("bob") } else { user("ada") };
        submitting.push(tokio::spawn(async move {
            let journal = telling_journal();
            (who.clone(), db.jobs_of(&who).submit(&new_job(noon()), limits, None, &journal, noon()).await.unwrap())
        }));
    }
    let mut accepted = Vec::new();
    let mut daily_seen = BTreeSet::new();
    for task in submitting {
        match task.await.unwrap() {
            (who, Submission::Accepted { usage, .. }) => {
                if who == user("ada") {
                    daily_seen.insert(usage.daily);
                }
                accepted.push(who);
            }
            (who, Submission::OverQuota { exceeded, usage }) => {
                assert_eq!(who, user("ada"));
                assert_eq!((exceeded.period, exceeded.limit, usage.daily), (Period::Daily, LIMIT, LIMIT));
            }
            (_, other) => panic!("{other:?}"),
        }
    }
    assert_eq!(accepted.iter().filter(|who| **who == user("ada")).count(), LIMIT as usize);
    assert_eq!(accepted.iter().filter(|who| **who == user("bob")).count(), 4);
    assert_eq!(daily_seen, (1..=LIMIT).collect(), "two jobs were told the same place in the quota");
    assert_eq!(bed.db.outbox().backlog(noon()).await.unwrap().pending, u64::from(LIMIT) + 4);
}

async fn however_many_start_at_once_so_many_are_accepted(bed: &Bed) {
    const LIMIT: StartLimit = StartLimit { starts: 10, within: Duration::from_secs(900) };
    let limits = SubmissionLimits { quota: UNLIMITED, starts: Some(LIMIT) };
    let other = Arc::new(bed.another().await);
    // Another user's, another kind's, and one that has just gone out of the window are in nobody's way.
    bed.submitted(&user("bob"), noon()).await;
    bed.submitted_as(&NewJob { kind: blend::NAME, ..new_job(noon()) }, &user("ada"), noon()).await;
    bed.submitted(&user("ada"), noon() - TimeDelta::seconds(900)).await;
    let mut submitting = Vec::new();
    for n in 0..20 {
        let db = if n % 2 == 0 { Arc::new(bed.db.clone()) } else { Arc::clone(&other) };
        submitting.push(tokio::spawn(async move {
            let (ada, journal) = (user("ada"), telling_journal());
            db.jobs_of(&ada).submit(&new_job(noon()), limits, None, &journal, noon()).await.unwrap()
        }));
    }
    let (mut left, mut refused) = (BTreeSet::new(), 0);
    for task in submitting {
        match task.await.unwrap() {
            Submission::Accepted { starts: Some(starts), .. } => {
                assert_eq!((starts.limit, starts.reset), (LIMIT, LIMIT.within));
                assert!(left.insert(starts.remaining), "two jobs were told the same place");
            }
            Submission::TooManyStarts { starts } => {
                assert_eq!(starts, Starts { limit: LIMIT, remaining: 0, reset: LIMIT.within });
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((left, refused), ((0..10).collect(), 10));
    let ada = user("ada");
    assert_eq!(bed.db.jobs_of(&ada).history(&HistoryFilter::default(), 1, 0).await.unwrap().total, 12);
    // However they end, they were started; and they are over when their time is.
    let starts = async |now| bed.db.jobs_of(&ada).starts(&melody_vocals::NAME, LIMIT, now).await.unwrap();
    assert_eq!(starts(later(1)).await, Starts { limit: LIMIT, remaining: 0, reset: Duration::from_secs(899) });
    assert_eq!(starts(later(900)).await, Starts { limit: LIMIT, remaining: 10, reset: Duration::ZERO });
}

async fn usage_counts_what_is_in_flight_or_completed_in_the_utc_day_and_month(bed: &Bed) {
    let ada = user("ada");
    let usage = async |now: DateTime<Utc>| bed.db.jobs_of(&ada).quota_usage(now).await.unwrap();
    assert_eq!(usage(noon()).await, QuotaUsage::default());
    for state in JobState::ALL {
        // In flight ones hold leases that nobody else's claim may take.
        bed.in_state(state, &ada, noon()).await;
        if state == JobState::Queued {
            let waiting = bed.claimed(noon()).await.unwrap();
            assert_eq!(waiting.state, JobState::Running);
        }
    }
    // Queued (claimed since), running, parked, storing, cancelling and completed.
    assert_eq!(usage(noon()).await, QuotaUsage { daily: 6, monthly: 6, total: 6 });

    let month_start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
    let before = month_start - TimeDelta::microseconds(1);
    for at in [before, month_start] {
        let job = bed.submitted(&ada, at).await;
        bed.moved(job.id, JobEvent::Claimed, at).await;
    }
    assert_eq!(usage(noon()).await, QuotaUsage { daily: 6, monthly: 7, total: 8 });
    assert_eq!(usage(month_start).await.daily, 1);
    assert_eq!(usage(before).await, QuotaUsage { daily: 1, monthly: 1, total: 8 });

    let limits = QuotaLimits { daily: Some(100), monthly: Some(7) };
    let full = bed.db.jobs_of(&ada).submit(&new_job(noon()), limits, None, &Journal::silent(), noon()).await.unwrap();
    let Submission::OverQuota { exceeded, .. } = full else { panic!("{full:?}") };
    assert_eq!(exceeded.period, Period::Monthly);
    assert_eq!(exceeded.resets_at, "2026-04-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
}

async fn a_refused_submission_leaves_nothing(bed: &Bed) {
    let (ada, bob) = (user("ada"), user("bob"));
    let submit = async |new: &persistence::NewJob| {
        bed.db.jobs_of(&ada).submit(new, UNLIMITED, None, &telling_journal(), noon()).await.unwrap()
    };
    let theirs = upload_id();
    bed.db.uploads().create(theirs, &bob, "uploads/bob", noon()).await.unwrap();
    let mut new = new_job(noon());
    for upload in [theirs, upload_id()] {
        new.inputs = vec![input(Some(upload))];
        assert_eq!(submit(&new).await, Submission::UploadGone);
    }
    let condemned = upload_id();
    bed.db.uploads().create(condemned, &ada, "uploads/old", noon()).await.unwrap();
    let swept = bed.db.uploads().condemn_orphans(later(1), 10, later(1)).await.unwrap();
    assert_eq!(swept.iter().map(|upload| upload.id).collect::<Vec<_>>(), [theirs, condemned]);
    new.inputs = vec![input(Some(condemned))];
    assert_eq!(submit(&new).await, Submission::UploadGone);

    assert_eq!(bed.db.jobs().get(new.id).await.unwrap(), None);
    assert_eq!(bed.db.outbox().backlog(noon()).await.unwrap().pending, 0);
    assert_eq!(bed.db.jobs_of(&ada).quota_usage(noon()).await.unwrap(), QuotaUsage::default());

    let mine = upload_id();
    bed.db.uploads().create(mine, &ada, "uploads/mine", noon()).await.unwrap();
    new.inputs = vec![input(Some(mine))];
    assert!(matches!(submit(&new).await, Submission::Accepted { .. }));
    let mut second = new_job(noon());
    second.inputs = vec![input(Some(mine))];
    assert_eq!(submit(&second).await, Submission::UploadGone, "one upload became two jobs");
}

async fn begin(bed: &Bed, now: DateTime<Utc>) -> Begin {
    let key = IdempotencyKey { user: user("ada"), key: "k".to_owned(), route: "convert".to_owned() };
    bed.db.idempotency().begin(&key, "hash", now, TimeDelta::seconds(60)).await.unwrap()
}

async fn the_answer_for_repeats_is_stored_with_the_job_or_not_at_all(bed: &Bed) {
    let ada = user("ada");
    let submit = async |claim: &KeyClaim, now: DateTime<Utc>| {
        let body = |job: &persistence::Job, usage: QuotaUsage| json!({"jobId": job.id, "used": usage.daily});
        let answer = IdempotentAnswer { claim, status: 202, body: &body, expires_at: later(86_400) };
        let new = new_job(now);
        bed.db.jobs_of(&ada).submit(&new, UNLIMITED, Some(answer), &Journal::silent(), now).await.unwrap()
    };
    let Begin::Fresh(slow) = begin(bed, noon()).await else { panic!("the key is not free") };
    assert_eq!(begin(bed, later(59)).await, Begin::InFlight);
    // The first request takes longer than it said; the second takes the key over.
    let Begin::Fresh(quick) = begin(bed, later(61)).await else { panic!("a dead request keeps its key") };
    assert_eq!(submit(&slow, later(61)).await, Submission::KeyLost, "answered for a key that another holds");
    bed.db.idempotency().abandon(&slow).await.unwrap();
    assert_eq!(begin(bed, later(61)).await, Begin::InFlight, "freed a key that another holds");
    let accepted = submit(&quick, later(62)).await;
    let Submission::Accepted { job, .. } = accepted else { panic!("{accepted:?}") };
    assert_eq!(submit(&slow, later(63)).await, Submission::KeyLost, "one key made two jobs");
    assert_eq!(bed.db.jobs_of(&ada).quota_usage(noon()).await.unwrap().daily, 1);
    let replay = Begin::Replay { status: 202, body: json!({"jobId": job.id, "used": 1}), job_id: Some(job.id) };
    assert_eq!(begin(bed, later(120)).await, replay);
    assert!(matches!(begin(bed, later(86_401)).await, Begin::Fresh(_)), "an expired answer is still replayed");
}

on_both!(
    an_accepted_job_is_stored_with_all_that_belongs_to_it,
    however_many_submit_at_once_the_limit_holds_exactly,
    however_many_start_at_once_so_many_are_accepted,
    usage_counts_what_is_in_flight_or_completed_in_the_utc_day_and_month,
    a_refused_submission_leaves_nothing,
    the_answer_for_repeats_is_stored_with_the_job_or_not_at_all,
);
