//! What can only go wrong with a broker in between.

#[path = "support/broker.rs"]
mod broker;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use broker::{Network, Proxy, broker_address, close_connection, connections, impatient, inject, manage, raw_client};
use contracts::{Payload, topology, v1};
use futures_util::future::join_all;
use lapin::{
    options::{BasicGetOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use messaging::{Event, HandlingOutcome, MessagingError, NoopObserver, Outcome, Queue, RabbitConfig, rabbitmq};

use crate::support::{
    Fixture, PATIENCE, Probe, depth_is, eventually, job_changed, job_ready, rabbit_config, validate_audio,
};

const JOBS: Queue = Queue::OrchestratorJobs;
const REQUESTS: Queue = Queue::ValidatorRequests;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unroutable_message_is_an_error_and_only_that_one() {
    let fixture = Fixture::rabbitmq().await;
    let (_connection, channel) = raw_client(fixture.vhost.as_ref().unwrap().url()).await;
    channel.queue_delete(REQUESTS.name().into(), QueueDeleteOptions::default()).await.unwrap();
    channel.queue_delete(Queue::StorageDeletions.name().into(), QueueDeleteOptions::default()).await.unwrap();

    // Many at a time, so that returned messages and confirmations of others come mixed.
    let sending = (0..200).map(|number| {
        let bus = Arc::clone(&fixture.bus);
        async move {
            if number % 5 == 0 {
                let lost =
                    crate::support::message(v1::DeleteJobObjects { job_id: number.to_string(), artifacts_too: false });
                let error = bus.send(Queue::StorageDeletions, lost).await.unwrap_err();
                assert!(matches!(error, MessagingError::Unroutable { .. }), "{error:?}");
                assert!(error.is_retryable());
            } else {
                bus.send(JOBS, job_ready(number)).await.unwrap();
            }
        }
    });
    join_all(sending).await;
    depth_is(fixture.bus.as_ref(), JOBS, 160).await;

    let started = Instant::now();
    let error = fixture.bus.request(REQUESTS, validate_audio("a"), PATIENCE).await.unwrap_err();
    assert!(matches!(error, MessagingError::Unroutable { .. }), "{error:?}");
    assert!(started.elapsed() < PATIENCE, "it does not wait for an answer that cannot come");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_messages_go_back_and_unreadable_ones_die() {
    let fixture = Fixture::rabbitmq().await;
    let (_connection, channel) = raw_client(fixture.vhost.as_ref().unwrap().url()).await;
    // Field 999, a message: a body of a later version.
    inject(&channel, JOBS.name(), &[0xba, 0x3e, 0x00]).await;
    inject(&channel, JOBS.name(), b"\xff\xff").await;
    depth_is(fixture.bus.as_ref(), JOBS, 2).await;

    let probe = Probe::new(|_, _| Outcome::Done);
    let consumer = fixture.bus.consume(JOBS, 1, probe.clone()).await.unwrap();
    let marker = job_ready("marker");
    fixture.bus.send(JOBS, marker.clone()).await.unwrap();
    assert_eq!(probe.saw(1).await, [marker]);
    // It goes back, for a consumer of a later version, and comes again.
    eventually("the unknown message to come again", || async {
        let count = fixture.ledger.count(HandlingOutcome::Unknown);
        if count >= 2 { Ok(()) } else { Err(count) }
    })
    .await;
    consumer.drain(PATIENCE).await.unwrap();
    assert_eq!(fixture.ledger.count(HandlingOutcome::Dead), 1);
    let letters = fixture.bus.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].envelope.clone(), letters[0].queue), (None, Some(JOBS)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_kills_its_consumers_ends_as_a_dead_letter() {
    let fixture = Fixture::rabbitmq().await;
    fixture.bus.send(JOBS, job_ready("a")).await.unwrap();
    let (connection, mut channel) = raw_client(fixture.vhost.as_ref().unwrap().url()).await;
    for _ in 0..=topology::MAX_DELIVERIES {
        eventually("the message to be delivered again", || async {
            match channel.basic_get(JOBS.name().into(), BasicGetOptions::default()).await {
                Ok(Some(_)) => Ok(()),
                other => Err(other.map(|_| "no message")),
            }
        })
        .await;
        // Dies with the message in its hands.
        channel.close(200, "crash".into()).await.unwrap();
        channel = connection.create_channel().await.unwrap();
    }
    let letter = eventually("a dead letter", || async {
        fixture.bus.dead_letters(10).await.map_err(|error| error.to_string())?.pop().ok_or_else(|| "none".to_owned())
    })
    .await;
    assert_eq!(letter.queue, Some(JOBS));
    assert!(letter.reason.contains("delivery_limit"), "{}", letter.reason);
    assert!(fixture.bus.requeue_dead(&letter.message_id).await.unwrap());
    depth_is(fixture.bus.as_ref(), JOBS, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_confirmed_message_is_lost_when_the_broker_closes_connections() {
    let fixture = Fixture::rabbitmq().await;
    let vhost = fixture.vhost.as_ref().unwrap().name().to_owned();
    let probe = Probe::new(|_, _| Outcome::Done);
    let answering = Probe::new(|_, _| Outcome::reply(v1::AudioVerdict::default()));
    let _jobs = fixture.other.consume(JOBS, 20, probe.clone()).await.unwrap();
    let _requests = fixture.other.consume(REQUESTS, 20, answering).await.unwrap();
    let mut events = fixture.bus.subscribe_events(1000).await.unwrap();

    let done = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let (bus, done) = (Arc::clone(&fixture.bus), Arc::clone(&done));
            tokio::spawn(async move {
                let mut confirmed = Vec::new();
                while !done.load(Ordering::SeqCst) {
                    let name = format!("{sender}-{}", confirmed.len());
                    bus.send(JOBS, job_ready(&name)).await.unwrap();
                    confirmed.push(name);
                    bus.request(REQUESTS, validate_audio("a"), PATIENCE).await.unwrap();
                }
                confirmed
            })
        })
        .collect();

    let mut closed = BTreeSet::new();
    for _ in 0..3 {
        // The broker's statistics are some seconds late.
        let names = eventually("all four connections in the statistics", || async {
            let names: Vec<_> = connections(&vhost).await.into_iter().filter(|name| !closed.contains(name)).collect();
            if names.len() >= 4 { Ok(names) } else { Err(names) }
        })
        .await;
        for name in names {
            close_connection(&name).await;
            closed.insert(name);
        }
    }
    done.store(true, Ordering::SeqCst);
    let mut confirmed = BTreeSet::new();
    for sender in senders {
        confirmed.extend(sender.await.unwrap());
    }
    assert!(confirmed.len() > 100, "traffic went on: {}", confirmed.len());

    eventually("every confirmed message to be handled", || {
        let seen = probe.seen().into_iter().map(|message| v1::JobReady::open(message).unwrap().job_id).collect();
        let missing: Vec<_> = confirmed.difference(&seen).cloned().collect();
        async move { if missing.is_empty() { Ok(()) } else { Err(missing) } }
    })
    .await;

    // The subscriber knows that it was cut off, and listens again.
    assert_eq!(tokio::time::timeout(PATIENCE, events.next()).await.unwrap(), Some(Event::Gap));
    fixture.other.publish_event(job_changed(7)).await.unwrap();
    loop {
        match tokio::time::timeout(PATIENCE, events.next()).await.unwrap() {
            Some(Event::Gap) => {}
            Some(Event::Message(event)) => break assert_eq!(v1::JobChanged::open(*event).unwrap().sequence, 7),
            None => panic!("the stream ended"),
        }
    }
    fixture.bus.health().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_an_error_in_time_and_leaves_nothing_behind() {
    let proxy = Proxy::start(broker_address().await).await;
    proxy.cut(Network::Silent);
    let config =
        RabbitConfig { connect_timeout: Duration::from_millis(300), ..impatient(&proxy.url("amqp://a:b@localhost")) };
    let connecting = tokio::time::timeout(PATIENCE, rabbitmq(config, Arc::new(NoopObserver))).await;
    let error = connecting.expect("connecting has a bound").err().expect("nobody answered");
    assert!(matches!(error, MessagingError::Unreachable { .. }), "{error:?}");
    eventually("the client to hang up", || {
        let left = proxy.left.load(Ordering::SeqCst);
        async move { if left == 1 { Ok(()) } else { Err(left) } }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reconnecting_does_not_hang_on_a_silent_server() {
    let vhost = testbed::rabbitmq_vhost().await;
    let proxy = Proxy::start(broker_address().await).await;
    let config = RabbitConfig {
        // Long enough for the first connection, on a busy machine too.
        connect_timeout: Duration::from_millis(1500),
        send_timeout: PATIENCE,
        ..impatient(&proxy.url(vhost.url()))
    };
    let bus = rabbitmq(config, Arc::new(NoopObserver)).await.unwrap();
    let probe = Probe::new(|_, _| Outcome::Done);
    let _consumer = bus.consume(JOBS, 1, probe.clone()).await.unwrap();
    bus.send(JOBS, job_ready("before")).await.unwrap();
    probe.saw(1).await;

    proxy.cut(Network::Silent);
    let sent = job_ready("meanwhile");
    let sending = tokio::spawn({
        let (bus, sent) = (Arc::clone(&bus), sent.clone());
        async move { bus.send(JOBS, sent).await }
    });
    let accepted = proxy.accepted.load(Ordering::SeqCst);
    eventually("several attempts of both connections to be given up", || {
        let now = proxy.accepted.load(Ordering::SeqCst);
        async move { if now >= accepted + 4 { Ok(()) } else { Err(now - accepted) } }
    })
    .await;
    proxy.cut(Network::Good);
    sending.await.unwrap().unwrap();
    let mut seen = probe.saw(2).await;
    if seen[1] == seen[0] {
        // The cut has swallowed its acknowledgement.
        seen = probe.saw(3).await;
    }
    assert_eq!(seen.last(), Some(&sent));
    bus.health().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_network_is_noticed_and_sending_has_a_bound() {
    let vhost = testbed::rabbitmq_vhost().await;
    let proxy = Proxy::start(broker_address().await).await;
    let config = RabbitConfig { send_timeout: Duration::from_secs(1), ..impatient(&proxy.url(vhost.url())) };
    let bus = rabbitmq(config, Arc::new(NoopObserver)).await.unwrap();
    proxy.freeze();
    let error = bus.send(JOBS, job_ready("lost")).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert!(bus.health().await.is_err());
    eventually("the heartbeat to give the connections up", || {
        let left = proxy.left.load(Ordering::SeqCst);
        async move { if left >= 2 { Ok(()) } else { Err(left) } }
    })
    .await;
    proxy.cut(Network::Good);
    eventually("the bus to be well again", || async { bus.health().await.map_err(|error| error.to_string()) }).await;
    bus.send(JOBS, job_ready("a")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_handler_held_when_the_connection_broke_comes_again() {
    let vhost = testbed::rabbitmq_vhost().await;
    let proxy = Proxy::start(broker_address().await).await;
    let bus = rabbitmq(impatient(&proxy.url(vhost.url())), Arc::new(NoopObserver)).await.unwrap();
    let gate = crate::support::Gate::new();
    let consumer = bus.consume(JOBS, 2, gate.clone()).await.unwrap();
    bus.send(JOBS, job_ready("a")).await.unwrap();
    gate.holds(1).await;
    proxy.cut(Network::Good);
    // The handler of before does not know that its message was given out again.
    gate.holds(2).await;
    let (_connection, channel) = raw_client(vhost.url()).await;
    eventually("the bus to be well again", || async { bus.health().await.map_err(|error| error.to_string()) }).await;
    bus.send(JOBS, job_ready("b")).await.unwrap();
    eventually("the new subscription to be given the second message", || async {
        let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
        let queue = channel.queue_declare(JOBS.name().into(), look, FieldTable::default()).await.unwrap();
        if (queue.consumer_count(), queue.message_count()) == (1, 0) { Ok(()) } else { Err(format!("{queue:?}")) }
    })
    .await;
    // Time for a handler to start that should not.
    bus.health().await.unwrap();
    gate.open.add_permits(3);
    eventually("three deliveries to be handled", || {
        let finished = gate.finished.load(Ordering::SeqCst);
        async move { if finished == 3 { Ok(()) } else { Err(finished) } }
    })
    .await;
    assert_eq!(gate.most_at_work.load(Ordering::SeqCst), 2, "never more at a time than the prefetch");
    consumer.drain(PATIENCE).await.unwrap();
    depth_is(bus.as_ref(), JOBS, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses() {
    let fixture = Fixture::rabbitmq().await;
    let vhost = fixture.vhost.as_ref().unwrap().name();
    let policy = r#"{"pattern":".*","apply-to":"queues","definition":{"max-length":3}}"#;
    manage("PUT", &format!("/api/policies/{vhost}/small"), policy).await;
    // The broker lets a few more through before it notices.
    let error = eventually("the queue to refuse", || async {
        match fixture.bus.send(JOBS, job_ready("a")).await {
            Ok(()) => Err("taken"),
            Err(error) => Ok(error),
        }
    })
    .await;
    assert!(matches!(error, MessagingError::Refused { .. }), "{error:?}");
    fixture.bus.health().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_with_other_arguments_is_named() {
    let vhost = testbed::rabbitmq_vhost().await;
    let (_connection, channel) = raw_client(vhost.url()).await;
    channel.queue_declare(JOBS.name().into(), QueueDeclareOptions::durable(), FieldTable::default()).await.unwrap();
    let error = rabbitmq(rabbit_config(vhost.url()), Arc::new(NoopObserver)).await.err().expect("the queue is another");
    assert!(matches!(&error, MessagingError::Topology { name, .. } if name == JOBS.name()), "{error:?}");
    assert!(!error.is_retryable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_and_passwords_are_checked_and_never_shown() {
    let vhost = testbed::rabbitmq_vhost().await;
    let mut wrong = url::Url::parse(vhost.url()).unwrap();
    wrong.set_password(Some("hunter2")).unwrap();
    for url in [wrong.as_str(), "http://guest:hunter2@localhost", "amqp://guest:hunter2@127.0.0.1:1"] {
        let config = impatient(url);
        assert!(!format!("{config:?}").contains("hunter2"));
        let error = rabbitmq(config, Arc::new(NoopObserver)).await.err().expect("it cannot connect");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_services_can_start_at_once() {
    let vhost = testbed::rabbitmq_vhost().await;
    let starting = (0..6).map(|_| rabbitmq(rabbit_config(vhost.url()), Arc::new(NoopObserver)));
    for bus in join_all(starting).await {
        bus.unwrap().health().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_and_dropping_end_the_connections() {
    let vhost = testbed::rabbitmq_vhost().await;
    let proxy = Proxy::start(broker_address().await).await;
    let all_closed = || {
        let (accepted, ended) = (proxy.accepted.load(Ordering::SeqCst), proxy.ended.load(Ordering::SeqCst));
        async move { if accepted == ended { Ok(accepted) } else { Err((accepted, ended)) } }
    };

    let bus = rabbitmq(impatient(&proxy.url(vhost.url())), Arc::new(NoopObserver)).await.unwrap();
    bus.send(JOBS, job_ready("a")).await.unwrap();
    bus.close().await;
    assert!(matches!(bus.send(JOBS, job_ready("b")).await, Err(MessagingError::Closed)));
    assert_eq!(eventually("the closed bus to hang up", all_closed).await, 2);

    let dropped = rabbitmq(impatient(&proxy.url(vhost.url())), Arc::new(NoopObserver)).await.unwrap();
    depth_is(dropped.as_ref(), JOBS, 1).await;
    let _consumer = dropped.consume(REQUESTS, 1, Probe::new(|_, _| Outcome::Done)).await.unwrap();
    let _events = dropped.subscribe_events(1).await.unwrap();
    drop(dropped);
    assert_eq!(eventually("the dropped bus to hang up", all_closed).await, 4);
}
