//! The delivery rules, one suite over both transports.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use contracts::{Payload, v1};
use futures_util::future::join_all;
use messaging::{Envelope, Event, HandlingOutcome, MessagingError, Outcome, Queue};

use crate::support::{
    Fixture, Gate, PATIENCE, Probe, depth_is, eventually, job_changed, job_ready, message, rules, validate_audio,
};

const JOBS: Queue = Queue::OrchestratorJobs;
const REQUESTS: Queue = Queue::ValidatorRequests;

macro_rules! over_both_transports {
    ($($scenario:ident),+ $(,)?) => {
        mod in_process {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario(super::Fixture::in_process().await).await;
                }
            )+
        }

        mod rabbitmq {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::$scenario(super::Fixture::rabbitmq().await).await;
                }
            )+
        }
    };
}

over_both_transports! {
    delivers_what_was_sent,
    keeps_messages_until_somebody_consumes,
    a_handled_message_is_gone,
    a_panic_is_isolated_and_the_message_comes_again,
    retry_comes_again_after_a_while,
    retries_end_as_a_dead_letter,
    dead_letters_keep_their_reason_and_can_be_requeued,
    answers_requests,
    a_fault_is_an_error,
    a_request_to_a_dying_handler_is_answered,
    a_request_is_retried_until_it_is_answered,
    a_deadline_passes,
    without_a_consumer_the_deadline_passes_and_the_request_is_dropped,
    many_requests_find_their_own_answers,
    prefetch_is_the_most_at_a_time,
    events_reach_all_subscribers,
    a_slow_subscriber_is_told_of_the_gap,
    draining_finishes_what_was_begun,
    draining_gives_up_and_the_message_comes_again,
    a_dropped_consumer_takes_nothing_more,
    messages_in_the_wrong_place_are_refused,
    none_of_a_thousand_is_lost,
    a_closed_bus_says_so,
}

async fn delivers_what_was_sent(fixture: Fixture) {
    let probe = Probe::new(|_, _| Outcome::Done);
    let _consumer = fixture.other.consume(JOBS, 4, probe.clone()).await.unwrap();
    let sent = job_ready("a").traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    fixture.bus.send(JOBS, sent.clone()).await.unwrap();
    assert_eq!(probe.saw(1).await, [sent]);
}

async fn keeps_messages_until_somebody_consumes(fixture: Fixture) {
    for name in ["a", "b", "c"] {
        fixture.bus.send(JOBS, job_ready(name)).await.unwrap();
    }
    depth_is(fixture.bus.as_ref(), JOBS, 3).await;
    let probe = Probe::new(|_, _| Outcome::Done);
    let consumer = fixture.other.consume(JOBS, 4, probe.clone()).await.unwrap();
    probe.saw(3).await;
    consumer.drain(PATIENCE).await.unwrap();
    depth_is(fixture.bus.as_ref(), JOBS, 0).await;
}

async fn a_handled_message_is_gone(fixture: Fixture) {
    let first = Probe::new(|_, _| Outcome::Done);
    let consumer = fixture.bus.consume(JOBS, 1, first.clone()).await.unwrap();
    fixture.bus.send(JOBS, job_ready("a")).await.unwrap();
    first.saw(1).await;
    consumer.drain(PATIENCE).await.unwrap();

    // Whatever was not acknowledged would come before the next one.
    let second = Probe::new(|_, _| Outcome::Done);
    let _consumer = fixture.bus.consume(JOBS, 1, second.clone()).await.unwrap();
    let marker = job_ready("marker");
    fixture.bus.send(JOBS, marker.clone()).await.unwrap();
    assert_eq!(second.saw(1).await, [marker]);
}

async fn a_panic_is_isolated_and_the_message_comes_again(fixture: Fixture) {
    let probe = Probe::new(|message, times| match v1::JobReady::open(message.clone()) {
        Ok(ready) if ready.job_id == "bad" && times < 3 => panic!("a handler's bug"),
        _ => Outcome::Done,
    });
    let _consumer = fixture.bus.consume(JOBS, 1, probe.clone()).await.unwrap();
    let (bad, good) = (job_ready("bad"), job_ready("good"));
    fixture.bus.send(JOBS, bad.clone()).await.unwrap();
    fixture.bus.send(JOBS, good.clone()).await.unwrap();
    let seen = probe.saw(4).await;
    assert_eq!(seen.iter().filter(|message| message.message_id == bad.message_id).count(), 3);
    assert!(seen.contains(&good), "the consumer goes on after a panic");
    assert_eq!(fixture.ledger.count(HandlingOutcome::Panicked), 2);
}

async fn retry_comes_again_after_a_while(fixture: Fixture) {
    let probe = Probe::new(|_, times| if times < 3 { Outcome::Retry } else { Outcome::Done });
    let consumer = fixture.bus.consume(JOBS, 1, probe.clone()).await.unwrap();
    let sent = job_ready("a");
    fixture.bus.send(JOBS, sent.clone()).await.unwrap();
    assert_eq!(probe.saw(3).await, [sent.clone(), sent.clone(), sent]);
    consumer.drain(PATIENCE).await.unwrap();
    assert_eq!(fixture.ledger.count(HandlingOutcome::Retried), 2);
    assert_eq!(fixture.ledger.count(HandlingOutcome::Done), 1);
    depth_is(fixture.bus.as_ref(), JOBS, 0).await;
}

async fn retries_end_as_a_dead_letter(fixture: Fixture) {
    let probe = Probe::new(|_, _| Outcome::Retry);
    let _consumer = fixture.bus.consume(JOBS, 1, probe.clone()).await.unwrap();
    let sent = job_ready("a");
    fixture.bus.send(JOBS, sent.clone()).await.unwrap();
    let dead = one_dead_letter(&fixture).await;
    assert_eq!(dead.message_id, sent.message_id);
    assert_eq!(dead.queue, Some(JOBS));
    assert_eq!(dead.deliveries, rules().max_deliveries);
    assert_eq!(dead.envelope, Some(sent));
    assert_eq!(probe.seen().len(), rules().max_deliveries as usize);
}

async fn dead_letters_keep_their_reason_and_can_be_requeued(fixture: Fixture) {
    let probe = Probe::new(|_, times| match times {
        1 => Outcome::Dead("the object has no bytes".to_owned()),
        _ => Outcome::Done,
    });
    let _consumer = fixture.bus.consume(JOBS, 1, probe.clone()).await.unwrap();
    let sent = job_ready("a");
    fixture.bus.send(JOBS, sent.clone()).await.unwrap();
    let dead = one_dead_letter(&fixture).await;
    assert_eq!((dead.reason.as_str(), dead.deliveries), ("the object has no bytes", 1));

    assert!(!fixture.bus.requeue_dead("no such id").await.unwrap());
    assert_eq!(one_dead_letter(&fixture).await.message_id, sent.message_id, "looking leaves it there");

    assert!(fixture.bus.requeue_dead(&sent.message_id).await.unwrap());
    assert_eq!(probe.saw(2).await[1], sent);
    assert!(fixture.bus.dead_letters(10).await.unwrap().is_empty());
}

async fn one_dead_letter(fixture: &Fixture) -> messaging::DeadLetter {
    eventually("one dead letter", || async {
        let mut letters = fixture.bus.dead_letters(10).await.map_err(|error| error.to_string())?;
        if letters.len() == 1 { Ok(letters.remove(0)) } else { Err(format!("{} letters", letters.len())) }
    })
    .await
}

fn verdict_about(message: &Envelope) -> v1::AudioVerdict {
    let asked = v1::ValidateAudio::open(message.clone()).unwrap();
    let finding = v1::Finding { code: "clipping".to_owned(), message: asked.object_key, ..Default::default() };
    v1::AudioVerdict { facts: None, findings: vec![finding], ..v1::AudioVerdict::default() }
}

async fn answers_requests(fixture: Fixture) {
    let probe = Probe::new(|message, _| Outcome::reply(verdict_about(message)));
    let _consumer = fixture.other.consume(REQUESTS, 4, probe.clone()).await.unwrap();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let asked = validate_audio("uploads/1").traced(trace);
    let reply = fixture.bus.request(REQUESTS, asked.clone(), PATIENCE).await.unwrap();
    assert_eq!(reply.traceparent, trace, "the reply carries the trace on");
    assert_ne!(reply.message_id, asked.message_id);
    assert_eq!(v1::AudioVerdict::open(reply).unwrap().findings[0].message, "uploads/1");
    assert!(probe.seen()[0].expires().is_some(), "a request says until when it is worth answering");
}

async fn a_fault_is_an_error(fixture: Fixture) {
    let probe = Probe::new(|_, _| Outcome::fault("object_missing", "The recording is gone.", true));
    let _consumer = fixture.other.consume(REQUESTS, 4, probe).await.unwrap();
    let error = fixture.bus.request(REQUESTS, validate_audio("uploads/1"), PATIENCE).await.unwrap_err();
    assert!(error.is_retryable());
    let MessagingError::Fault { code, message, retryable: true } = error else { panic!("{error:?}") };
    assert_eq!((code.as_str(), message.as_str()), ("object_missing", "The recording is gone."));
}

async fn a_request_to_a_dying_handler_is_answered(fixture: Fixture) {
    let probe = Probe::new(|_, _| panic!("it always does"));
    let _consumer = fixture.other.consume(REQUESTS, 4, probe).await.unwrap();
    let error = fixture.bus.request(REQUESTS, validate_audio("uploads/1"), PATIENCE).await.unwrap_err();
    assert!(
        matches!(&error, MessagingError::Fault { code, retryable: false, .. } if code == "not_handled"),
        "{error:?}"
    );
    one_dead_letter(&fixture).await;
}

async fn a_request_is_retried_until_it_is_answered(fixture: Fixture) {
    let probe =
        Probe::new(|message, times| if times < 3 { Outcome::Retry } else { Outcome::reply(verdict_about(message)) });
    let _consumer = fixture.other.consume(REQUESTS, 4, probe.clone()).await.unwrap();
    fixture.bus.request(REQUESTS, validate_audio("uploads/1"), PATIENCE).await.unwrap();
    assert_eq!(probe.seen().len(), 3);
}

async fn a_deadline_passes(fixture: Fixture) {
    let gate = Gate::new();
    let consumer = fixture.other.consume(REQUESTS, 1, gate.clone()).await.unwrap();
    let asking = fixture.bus.request(REQUESTS, validate_audio("uploads/1"), Duration::from_millis(300));
    let error = asking.await.unwrap_err();
    assert!(matches!(error, MessagingError::DeadlinePassed { queue: REQUESTS, .. }), "{error:?}");
    // The answer that comes too late harms nobody.
    gate.open.add_permits(1);
    consumer.drain(PATIENCE).await.unwrap();
    fixture.bus.health().await.unwrap();
}

async fn without_a_consumer_the_deadline_passes_and_the_request_is_dropped(fixture: Fixture) {
    let asking = fixture.bus.request(REQUESTS, validate_audio("uploads/1"), Duration::from_millis(200));
    let error = asking.await.unwrap_err();
    assert!(matches!(error, MessagingError::DeadlinePassed { .. }), "{error:?}");

    let probe = Probe::new(|message, _| Outcome::reply(verdict_about(message)));
    let _consumer = fixture.other.consume(REQUESTS, 1, probe.clone()).await.unwrap();
    fixture.bus.request(REQUESTS, validate_audio("uploads/2"), PATIENCE).await.unwrap();
    assert_eq!(probe.seen().len(), 1, "nobody waits for the first one any more");
    assert_eq!(fixture.ledger.count(HandlingOutcome::Expired), 1);
}

async fn many_requests_find_their_own_answers(fixture: Fixture) {
    let probe = Probe::new(|message, _| Outcome::reply(verdict_about(message)));
    let _one = fixture.bus.consume(REQUESTS, 8, probe.clone()).await.unwrap();
    let _two = fixture.other.consume(REQUESTS, 8, probe.clone()).await.unwrap();
    let asking = (0..200).map(|number| {
        let bus = Arc::clone(&fixture.bus);
        async move {
            let key = format!("uploads/{number}");
            let reply = bus.request(REQUESTS, validate_audio(&key), PATIENCE).await.unwrap();
            assert_eq!(v1::AudioVerdict::open(reply).unwrap().findings[0].message, key);
        }
    });
    join_all(asking).await;
}

async fn prefetch_is_the_most_at_a_time(fixture: Fixture) {
    let gate = Gate::new();
    let consumer = fixture.other.consume(JOBS, 3, gate.clone()).await.unwrap();
    for number in 0..10 {
        fixture.bus.send(JOBS, job_ready(number)).await.unwrap();
    }
    gate.holds(3).await;
    depth_is(fixture.bus.as_ref(), JOBS, 7).await;
    gate.open.add_permits(10);
    eventually("all to be finished", || {
        let finished = gate.finished.load(Ordering::SeqCst);
        async move { if finished == 10 { Ok(()) } else { Err(finished) } }
    })
    .await;
    consumer.drain(PATIENCE).await.unwrap();
    assert_eq!(gate.most_at_work.load(Ordering::SeqCst), 3);
}

async fn events_reach_all_subscribers(fixture: Fixture) {
    let mut streams = vec![
        fixture.bus.subscribe_events(16).await.unwrap(),
        fixture.bus.subscribe_events(16).await.unwrap(),
        fixture.other.subscribe_events(16).await.unwrap(),
    ];
    let events = [job_changed(1), message(v1::ResetBreaker { provider: "expert".to_owned() }), job_changed(2)];
    for event in &events {
        fixture.bus.publish_event(event.clone()).await.unwrap();
    }
    for stream in &mut streams {
        for event in &events {
            let next = tokio::time::timeout(PATIENCE, stream.next()).await.unwrap();
            assert_eq!(next, Some(Event::Message(Box::new(event.clone()))));
        }
    }
    // A subscriber that has left is in nobody's way.
    drop(streams);
    fixture.bus.publish_event(job_changed(3)).await.unwrap();
}

async fn a_slow_subscriber_is_told_of_the_gap(fixture: Fixture) {
    let mut slow = fixture.other.subscribe_events(4).await.unwrap();
    let mut quick = fixture.other.subscribe_events(64).await.unwrap();
    for sequence in 1..=40 {
        fixture.bus.publish_event(job_changed(sequence)).await.unwrap();
    }
    for sequence in 1..=40 {
        let next = tokio::time::timeout(PATIENCE, quick.next()).await.unwrap();
        assert!(matches!(next, Some(Event::Message(event)) if sequence_of(&event) == sequence));
    }
    eventually("the last event to reach the slow subscriber's buffer", || {
        let missed = fixture.ledger.missed.load(Ordering::SeqCst);
        async move { if missed >= 36 { Ok(()) } else { Err(missed) } }
    })
    .await;
    assert_eq!(slow.next().await, Some(Event::Gap));
    for sequence in 37..=40 {
        let next = tokio::time::timeout(PATIENCE, slow.next()).await.unwrap();
        assert!(matches!(next, Some(Event::Message(event)) if sequence_of(&event) == sequence), "the newest are kept");
    }
}

fn sequence_of(event: &Envelope) -> u64 {
    v1::JobChanged::open(event.clone()).unwrap().sequence
}

async fn draining_finishes_what_was_begun(fixture: Fixture) {
    let gate = Gate::new();
    let consumer = fixture.other.consume(JOBS, 2, gate.clone()).await.unwrap();
    for number in 0..5 {
        fixture.bus.send(JOBS, job_ready(number)).await.unwrap();
    }
    gate.holds(2).await;
    // In this order: the consumer is told to stop before the handlers may finish.
    let (drained, ()) = tokio::join!(biased; consumer.drain(PATIENCE), async { gate.open.add_permits(2) });
    drained.unwrap();
    assert_eq!(gate.finished.load(Ordering::SeqCst), 2, "what was begun is finished, and no more is begun");
    depth_is(fixture.bus.as_ref(), JOBS, 3).await;
}

async fn draining_gives_up_and_the_message_comes_again(fixture: Fixture) {
    let gate = Gate::new();
    let consumer = fixture.other.consume(JOBS, 2, gate.clone()).await.unwrap();
    let sent = job_ready("a");
    fixture.bus.send(JOBS, sent.clone()).await.unwrap();
    gate.holds(1).await;
    let error = consumer.drain(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, MessagingError::NotDrained { abandoned: 1, .. }), "{error:?}");
    gate.holds(0).await;

    let probe = Probe::new(|_, _| Outcome::Done);
    let _consumer = fixture.bus.consume(JOBS, 1, probe.clone()).await.unwrap();
    assert_eq!(probe.saw(1).await, [sent]);
    assert_eq!(fixture.ledger.count(HandlingOutcome::Abandoned), 1);
}

async fn a_dropped_consumer_takes_nothing_more(fixture: Fixture) {
    let first = Probe::new(|_, _| Outcome::Done);
    drop(fixture.bus.consume(JOBS, 4, first.clone()).await.unwrap());
    let second = Probe::new(|_, _| Outcome::Done);
    let _consumer = fixture.bus.consume(JOBS, 4, second.clone()).await.unwrap();
    for number in 0..20 {
        fixture.bus.send(JOBS, job_ready(number)).await.unwrap();
    }
    eventually("all twenty", || {
        let seen = (first.seen().len(), second.seen().len());
        async move { if seen.0 + seen.1 == 20 { Ok(()) } else { Err(seen) } }
    })
    .await;
    // Some may have reached it before it was gone, but then it handled them.
    assert!(second.seen().len() > first.seen().len());
}

async fn messages_in_the_wrong_place_are_refused(fixture: Fixture) {
    let error = fixture.bus.send(REQUESTS, job_ready("a")).await.unwrap_err();
    assert!(matches!(error, MessagingError::WrongQueue { queue: REQUESTS, kind: "job_ready" }), "{error:?}");
    let error = fixture.bus.request(JOBS, validate_audio("a"), PATIENCE).await.unwrap_err();
    assert!(matches!(error, MessagingError::WrongQueue { .. }), "{error:?}");
    let error = fixture.bus.publish_event(job_ready("a")).await.unwrap_err();
    assert!(matches!(error, MessagingError::NotAnEvent { kind: "job_ready" }), "{error:?}");
    let error = fixture.bus.send(JOBS, job_ready("a".repeat(300_000))).await.unwrap_err();
    assert!(matches!(error, MessagingError::TooLarge { .. }), "{error:?}");
    depth_is(fixture.bus.as_ref(), JOBS, 0).await;
}

async fn none_of_a_thousand_is_lost(fixture: Fixture) {
    // Every seventh delivery goes wrong the first time, in turns.
    let probe = Probe::new(|message, times| {
        let number: u64 = v1::JobReady::open(message.clone()).unwrap().job_id.parse().unwrap();
        match number % 14 {
            0 if times == 1 => Outcome::Retry,
            7 if times == 1 => panic!("on purpose"),
            _ => Outcome::Done,
        }
    });
    let mut consumers = Vec::new();
    for bus in [&fixture.bus, &fixture.other, &fixture.bus, &fixture.other] {
        consumers.push(bus.consume(JOBS, 25, probe.clone()).await.unwrap());
    }
    let sending = (0..10).map(|tens| {
        let bus = if tens % 2 == 0 { Arc::clone(&fixture.bus) } else { Arc::clone(&fixture.other) };
        tokio::spawn(async move {
            for number in (0..1000).filter(|number| number % 10 == tens) {
                bus.send(JOBS, job_ready(number)).await.unwrap();
            }
        })
    });
    for sent in join_all(sending).await {
        sent.unwrap();
    }
    let again = (0..1000).filter(|number| number % 7 == 0).count();
    probe.saw(1000 + again).await;
    for consumer in consumers {
        consumer.drain(PATIENCE).await.unwrap();
    }
    let mut times = BTreeMap::<String, usize>::new();
    for message in probe.seen() {
        *times.entry(v1::JobReady::open(message).unwrap().job_id).or_default() += 1;
    }
    let missing: BTreeSet<_> =
        (0..1000).map(|number| number.to_string()).filter(|id| !times.contains_key(id)).collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    assert_eq!(times.values().sum::<usize>(), 1000 + again, "and none is delivered more often than it must be");
    assert_eq!(fixture.ledger.count(HandlingOutcome::Done), 1000);
}

async fn a_closed_bus_says_so(fixture: Fixture) {
    let mut events = fixture.bus.subscribe_events(4).await.unwrap();
    fixture.bus.close().await;
    assert_eq!(tokio::time::timeout(PATIENCE, events.next()).await.unwrap(), None);
    let error = fixture.bus.send(JOBS, job_ready("a")).await.unwrap_err();
    assert!(matches!(error, MessagingError::Closed), "{error:?}");
    let error = fixture.bus.request(REQUESTS, validate_audio("a"), PATIENCE).await.unwrap_err();
    assert!(matches!(error, MessagingError::Closed), "{error:?}");
    assert!(matches!(fixture.bus.health().await, Err(MessagingError::Closed)));
    let probe = Probe::new(|_, _| Outcome::Done);
    assert!(matches!(fixture.bus.consume(JOBS, 1, probe).await, Err(MessagingError::Closed)));
}
