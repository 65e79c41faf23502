//! Failed jobs that their owners have tried again, and lists that are walked while they grow.

use domain::{JobEvent, JobState, quota::QuotaLimits};
use persistence::{CancelOutcome, HistoryFilter, Journal, RetryOutcome};

use crate::bed::{Bed, later, noon, on_both, telling_journal, user};

const LIMITS: QuotaLimits = QuotaLimits { daily: Some(2), monthly: None };

async fn a_failed_job_goes_back_to_the_queue_as_if_it_were_new(bed: &Bed) {
    let ada = user("ada");
    let failed = bed.in_state(JobState::Failed, &ada, noon()).await;
    let mine = bed.db.jobs_of(&ada);
    let retry = async |at| mine.retry(failed.id, LIMITS, &telling_journal(), at).await.unwrap();
    let RetryOutcome::Requeued { job, usage } = retry(later(5)).await else { panic!("not put back") };
    assert_eq!((job.state, job.attempt, job.crashes, job.due_at), (JobState::Queued, 0, 0, later(5)));
    assert_eq!((job.finished_at, job.deadline_at, job.files_expire_at), (None, None, None));
    assert_eq!(usage.daily, 1, "it counts again");
    assert!(matches!(retry(later(6)).await, RetryOutcome::AlreadyQueued(_)));
    let again = bed.claimed(later(7)).await.unwrap();
    assert_eq!((again.id, again.generation), (failed.id, failed.generation + 1), "an old holder stays locked out");
    assert_eq!(retry(later(8)).await, RetryOutcome::NotFailed(JobState::Running));
}

async fn a_retry_takes_an_earlier_request_to_cancel_back(bed: &Bed) {
    let ada = user("ada");
    let mine = bed.db.jobs_of(&ada);
    for (n, end) in [(0, JobEvent::Failed), (100, JobEvent::DeadlinePassed)] {
        // It ended before its holder heard of the request.
        let job = bed.in_state(JobState::Running, &ada, later(n)).await;
        let requested = mine.request_cancel(job.id, &Journal::silent(), later(n + 1)).await.unwrap();
        assert!(matches!(requested, CancelOutcome::Requested(_)), "{requested:?}");
        assert!(bed.moved(job.id, end, later(n + 2)).await.cancel_requested_at.is_some());
        let unlimited = QuotaLimits::UNLIMITED;
        let retried = mine.retry(job.id, unlimited, &Journal::silent(), later(n + 3)).await.unwrap();
        assert!(matches!(retried, RetryOutcome::Requeued { .. }), "{retried:?}");
        let stored = bed.db.jobs().get(job.id).await.unwrap().unwrap();
        assert_eq!(stored.cancel_requested_at, None, "the next sweep would cancel it");
        let again = mine.request_cancel(job.id, &Journal::silent(), later(n + 4)).await.unwrap();
        assert!(matches!(again, CancelOutcome::Requested(_)), "{again:?}");
        bed.moved(job.id, JobEvent::CancelRequested, later(n + 5)).await;
    }
}

async fn only_what_can_be_tried_again_is(bed: &Bed) {
    let (ada, eve) = (user("ada"), user("eve"));
    let job = bed.in_state(JobState::Expired, &ada, noon()).await;
    let none = Journal::silent;
    let theirs = bed.db.jobs_of(&eve).retry(job.id, LIMITS, &none(), later(1)).await.unwrap();
    assert_eq!(theirs, RetryOutcome::NotFound);
    for state in [JobState::Completed, JobState::Cancelled] {
        let over = bed.in_state(state, &ada, noon()).await;
        let refused = bed.db.jobs_of(&ada).retry(over.id, LIMITS, &none(), later(1)).await.unwrap();
        assert_eq!(refused, RetryOutcome::NotFailed(state));
    }
    bed.submitted(&ada, noon()).await;
    let full = bed.db.jobs_of(&ada).retry(job.id, LIMITS, &none(), later(1)).await.unwrap();
    assert!(matches!(full, RetryOutcome::OverQuota { .. }), "{full:?}");
    assert!(bed.db.jobs().mark_files_deleted(job.id, later(2)).await.unwrap());
    let gone = bed.db.jobs_of(&ada).retry(job.id, QuotaLimits::UNLIMITED, &none(), later(3)).await.unwrap();
    assert_eq!(gone, RetryOutcome::FilesGone);
}

async fn a_list_that_is_walked_shows_each_job_once(bed: &Bed) {
    let ada = user("ada");
    let mut expected = Vec::new();
    for n in 0..5 {
        // Two of the same moment: the id decides.
        expected.insert(0, bed.submitted(&ada, later(n / 2)).await);
    }
    expected.sort_by_key(|job| std::cmp::Reverse((job.created_at, job.id)));
    let (mut walked, mut cursor) = (Vec::new(), None);
    loop {
        let page = bed.db.jobs_of(&ada).list(&HistoryFilter::default(), cursor, 2).await.unwrap();
        assert!(page.jobs.len() <= 2);
        walked.extend(page.jobs.into_iter().map(|job| job.id));
        // What is added meanwhile comes before the place where the walk is.
        let newer = bed.submitted(&ada, later(100)).await;
        bed.moved(newer.id, JobEvent::Failed, later(100)).await;
        let Some(next) = page.next else { break };
        cursor = Some(next);
    }
    assert_eq!(walked, expected.iter().map(|job| job.id).collect::<Vec<_>>());
}

on_both!(
    a_failed_job_goes_back_to_the_queue_as_if_it_were_new,
    a_retry_takes_an_earlier_request_to_cancel_back,
    only_what_can_be_tried_again_is,
    a_list_that_is_walked_shows_each_job_once,
);
