//! Moves by compare-and-swap: the domain's table, fields that go with a move, and races.

use chrono::TimeDelta;
use domain::{
    Failure, FailureClass, FailureCode, JobEvent, JobState, Progress, Transition, kinds::melody_vocals, transition,
};
use persistence::{Applied, Authority, CancelOutcome, Journal, NewEvent, Patch, Reported};
use serde_json::json;

use crate::bed::{Bed, job_id, later, noon, on_both, telling_journal, user};

async fn every_pair_of_state_and_event_does_what_the_domain_says(bed: &Bed) {
    let ada = user("ada");
    for state in JobState::ALL {
        for event in JobEvent::ALL {
            let job = bed.in_state(state, &ada, noon()).await;
            let answer = bed.applied(job.id, event, later(1)).await;
            let stored = bed.db.jobs().get(job.id).await.unwrap().unwrap();
            match (transition(state, event), answer) {
                (Transition::To(to), Applied::Moved(moved)) => {
                    assert_eq!((stored.state, stored.version), (to, job.version + 1), "{state} {event:?}");
                    assert_eq!(stored, *moved, "{state} {event:?}: what was said is not what is stored");
                    assert_eq!(stored.finished_at.is_some(), to.is_final(), "{state} {event:?}");
                    let held = !to.is_final() && !matches!(to, JobState::Queued | JobState::Parked);
                    assert_eq!(stored.lease_until.is_some(), held && job.lease_until.is_some(), "{state} {event:?}");
                }
                (Transition::Duplicate, Applied::Duplicate(at))
                | (Transition::Stale, Applied::Stale(at))
                | (Transition::Impossible, Applied::Impossible(at)) => {
                    assert_eq!((at, &stored), (state, &job), "{state} {event:?} wrote something");
                }
                (expected, got) => panic!("{state} {event:?}: expected {expected:?}, got {got:?}"),
            }
            // Nothing of this may be due when the next one is claimed.
            if !bed.db.jobs().get(job.id).await.unwrap().unwrap().state.is_final() {
                bed.applied(job.id, JobEvent::Failed, noon()).await;
            }
        }
    }
    assert_eq!(bed.applied(job_id(), JobEvent::Failed, noon()).await, Applied::Missing);
}

async fn what_goes_with_a_move_is_stored_with_it(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let holder = Authority::Holder { generation: job.generation };
    let failure = Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "no answer");
    let retry = Patch {
        progress: Some(Progress::new(40)),
        stage: Some(melody_vocals::LYRICS),
        attempt: Some(1),
        due_at: Some(later(5)),
        failure: Some(failure.clone()),
        ..Patch::default()
    };
    let event = JobEvent::RetryScheduled;
    let waiting = bed.db.jobs().apply(job.id, holder, event, &retry, &telling_journal(), later(1)).await.unwrap();
    let Applied::Moved(waiting) = waiting else { panic!("{waiting:?}") };
    assert_eq!((waiting.due_at, waiting.attempt, waiting.progress), (later(5), 1, Progress::new(40)));
    assert_eq!((waiting.failure.as_ref(), waiting.stage.as_deref()), (Some(&failure), Some("lyrics")));
    assert_eq!(bed.claimed(later(4)).await, None);

    bed.claimed(later(5)).await.unwrap();
    let late =
        bed.db.jobs().apply(job.id, holder, JobEvent::Failed, &retry, &telling_journal(), later(6)).await.unwrap();
    assert_eq!(late, Applied::Stale(JobState::Running), "the holder of an older lease moved the job");
    // Not an echo of its own: the other holder's success is not this one's.
    bed.moved(job.id, JobEvent::StoringStarted, later(6)).await;
    let echo = JobEvent::StoringStarted;
    let late = bed.db.jobs().apply(job.id, holder, echo, &retry, &telling_journal(), later(6)).await.unwrap();
    assert_eq!(late, Applied::Stale(JobState::Storing));
    bed.moved(job.id, JobEvent::RetryScheduled, later(6)).await;
    let again = bed.claimed(later(6)).await.unwrap();
    let holder = Authority::Holder { generation: again.generation };
    let back = Patch { progress: Some(Progress::new(15)), ..Patch::default() };
    let move_on = async |event, patch: &Patch, at| match bed
        .db
        .jobs()
        .apply(job.id, holder, event, patch, &telling_journal(), at)
        .await
        .unwrap()
    {
        Applied::Moved(job) => job,
        other => panic!("{event:?} did not move the job: {other:?}"),
    };
    let storing = move_on(JobEvent::StoringStarted, &back, later(7)).await;
    assert_eq!(storing.progress, Progress::new(40), "progress went back");

    let done = Patch { result: Some(json!({"score": 0.5})), files_expire_at: Some(later(9000)), ..Patch::default() };
    let completed = move_on(JobEvent::Completed, &done, later(8)).await;
    assert_eq!((completed.progress, completed.finished_at), (Progress::DONE, Some(later(8))));
    assert_eq!((completed.result.as_ref(), completed.failure.as_ref()), (Some(&json!({"score": 0.5})), None));
    assert_eq!(completed.files_expire_at, Some(later(9000)));
    assert_eq!(bed.db.jobs().get(job.id).await.unwrap().as_ref(), Some(&*completed));

    let words: Vec<_> = bed.db.jobs().events_after(job.id, 0, 10).await.unwrap();
    let words: Vec<_> = words.iter().map(|event| (event.seq, event.data["state"].as_str().unwrap())).collect();
    assert_eq!(words, [(1, "queued"), (2, "storing"), (3, "completed")]);
    let messages = bed.db.outbox().claim_batch(later(60), 10, later(9)).await.unwrap();
    let numbers: Vec<_> = messages.iter().map(|pending| pending.message.payload[7]).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

async fn a_move_on_what_was_read_fails_once_the_job_has_changed(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let read = Authority::AsRead { version: job.version };
    let patch = Patch { progress: Some(Progress::new(5)), ..Patch::default() };
    let reported = bed.db.jobs().report(job.id, read, &patch, &Journal::silent(), noon()).await.unwrap();
    assert!(matches!(reported, Reported::Written(_)));
    let answer = bed.db.jobs().apply(job.id, read, JobEvent::Failed, &patch, &Journal::silent(), noon()).await.unwrap();
    assert_eq!(answer, Applied::Stale(JobState::Running));
    let again = bed.db.jobs().report(job.id, read, &patch, &Journal::silent(), noon()).await.unwrap();
    assert_eq!(again, Reported::Lost(JobState::Running));
    assert_eq!(
        bed.db.jobs().report(job_id(), read, &patch, &Journal::silent(), noon()).await.unwrap(),
        Reported::Missing
    );
}

async fn of_completion_cancellation_failure_and_expiry_exactly_one_wins(bed: &Bed) {
    let ada = user("ada");
    let other = bed.another().await;
    let mut winners = std::collections::BTreeMap::<JobState, u32>::new();
    for round in 0..24 {
        let job = bed.in_state(JobState::Cancelling, &ada, noon()).await;
        let mut ends = [JobEvent::Completed, JobEvent::CancelConfirmed, JobEvent::Failed, JobEvent::DeadlinePassed];
        ends.rotate_left(round % 4);
        let racing: Vec<_> = ends
            .into_iter()
            .enumerate()
            .map(|(n, event)| {
                let db = if n % 2 == 0 { bed.db.clone() } else { other.clone() };
                tokio::spawn(async move {
                    let journal = telling_journal();
                    let at = later(1) + TimeDelta::microseconds(n as i64);
                    db.jobs().apply(job.id, Authority::Anyone, event, &Patch::default(), &journal, at).await.unwrap()
                })
            })
            .collect();
        let mut moved = Vec::new();
        for racer in racing {
            match racer.await.unwrap() {
                Applied::Moved(job) => moved.push(job),
                Applied::Stale(_) | Applied::Duplicate(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(moved.len(), 1, "not exactly one of the ends won: {moved:?}");
        let stored = bed.db.jobs().get(job.id).await.unwrap().unwrap();
        assert_eq!(stored, *moved[0]);
        assert_eq!(bed.db.jobs().events_after(job.id, 0, 10).await.unwrap().len(), 1, "a loser wrote its event");
        *winners.entry(stored.state).or_default() += 1;
    }
    assert_eq!(winners.values().sum::<u32>(), 24);
    assert_eq!(bed.db.outbox().backlog(noon()).await.unwrap().pending, 24);
}

async fn a_wish_to_cancel_and_a_completion_agree_on_who_was_first(bed: &Bed) {
    let ada = user("ada");
    for _ in 0..24 {
        let job = bed.in_state(JobState::Storing, &ada, noon()).await;
        let (cancelling, completing) = (bed.db.clone(), bed.another().await);
        let owner = ada.clone();
        let cancel = tokio::spawn(async move {
            cancelling.jobs_of(&owner).request_cancel(job.id, &telling_journal(), later(1)).await.unwrap()
        });
        let end = tokio::spawn(async move {
            let holder = Authority::Holder { generation: job.generation };
            let journal = telling_journal();
            completing.jobs().apply(job.id, holder, JobEvent::Completed, &Patch::default(), &journal, later(1)).await
        });
        let cancel = cancel.await.unwrap();
        assert!(matches!(end.await.unwrap().unwrap(), Applied::Moved(_)));
        let stored = bed.db.jobs().get(job.id).await.unwrap().unwrap();
        let events = bed.db.jobs().events_after(job.id, 0, 10).await.unwrap();
        let words: Vec<_> = events.iter().map(|event| event.data["state"].as_str().unwrap()).collect();
        match cancel {
            CancelOutcome::Requested(_) => {
                assert!(stored.cancel_requested_at.is_some());
                assert_eq!(words, ["storing", "completed"]);
            }
            CancelOutcome::AlreadyFinal(JobState::Completed) => {
                assert_eq!(stored.cancel_requested_at, None);
                assert_eq!(words, ["completed"]);
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn events_written_at_once_get_numbers_without_gaps(bed: &Bed) {
    const WRITERS: u64 = 12;
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let other = bed.another().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let db = if n % 2 == 0 { bed.db.clone() } else { other.clone() };
            tokio::spawn(async move {
                let journal = Journal::silent().events(move |_| {
                    vec![NewEvent::new("first", json!({"writer": n})), NewEvent::new("second", json!({"writer": n}))]
                });
                let patch = Patch { progress: Some(Progress::new(n as u8)), ..Patch::default() };
                let holder = Authority::Holder { generation: job.generation };
                match db.jobs().report(job.id, holder, &patch, &journal, later(1)).await.unwrap() {
                    Reported::Written(job) => job.event_seq,
                    other => panic!("{other:?}"),
                }
            })
        })
        .collect();
    let mut last = Vec::new();
    for writer in writers {
        last.push(writer.await.unwrap());
    }
    last.sort_unstable();
    assert_eq!(last, (1..=WRITERS).map(|n| n * 2).collect::<Vec<_>>());
    let events = bed.db.jobs().events_after(job.id, 0, 100).await.unwrap();
    let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=WRITERS * 2).collect::<Vec<_>>());
    for pair in events.chunks(2) {
        assert_eq!((pair[0].kind.as_str(), pair[1].kind.as_str()), ("first", "second"));
        assert_eq!(pair[0].data, pair[1].data);
    }
    let page = bed.db.jobs().events_after(job.id, 5, 3).await.unwrap();
    assert_eq!(page.iter().map(|event| event.seq).collect::<Vec<_>>(), [6, 7, 8]);
    assert_eq!(bed.db.jobs().events_after(job.id, u64::MAX, 3).await.unwrap(), []);
    let stored = bed.db.jobs().get(job.id).await.unwrap().unwrap();
    assert_eq!(stored.progress, Progress::new(WRITERS as u8 - 1));
}

on_both!(
    every_pair_of_state_and_event_does_what_the_domain_says,
    what_goes_with_a_move_is_stored_with_it,
    a_move_on_what_was_read_fails_once_the_job_has_changed,
    of_completion_cancellation_failure_and_expiry_exactly_one_wins,
    a_wish_to_cancel_and_a_completion_agree_on_who_was_first,
    events_written_at_once_get_numbers_without_gaps,
);
