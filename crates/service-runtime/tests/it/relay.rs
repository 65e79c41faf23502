//! The outbox relay over real rows and real transports.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::Utc;
use contracts::{Envelope, topology::Queue, v1};
use domain::MessageId;
use messaging::{Bus, Handler, InProcessSettings, NoopObserver, Outcome, RabbitConfig};
use persistence::{Database, OutboxMessage};
use resilience::{Clock, SystemClock, ids::random10};
use service_runtime::{CancellationToken, OutboxRelay, outgoing};
use telemetry::Metrics;
use testbed::eventually;
use tokio::sync::Notify;

const BOUND: Duration = Duration::from_secs(20);

/// Counts how often each message came.
#[derive(Default)]
struct Counter(Mutex<BTreeMap<String, u32>>);

impl Counter {
    fn seen(&self) -> BTreeMap<String, u32> {
        self.0.lock().expect("nobody panicked").clone()
    }
}

#[async_trait]
impl Handler for Counter {
    async fn handle(&self, message: Envelope) -> Outcome {
        *self.0.lock().expect("nobody panicked").entry(message.message_id).or_default() += 1;
        Outcome::Done
    }
}

fn job_ready() -> OutboxMessage {
    let now = Utc::now();
    let ready = v1::JobReady { job_id: "018f6b1e-7c2a-7000-8000-000000000000".to_owned() };
    let envelope = contracts::envelope(ready, MessageId::new(now, random10()), now);
    outgoing(&envelope).expect("a command leaves")
}

fn relay(database: &Database, bus: &Arc<dyn Bus>, wake: &Arc<Notify>) -> OutboxRelay {
    OutboxRelay {
        database: database.clone(),
        bus: bus.clone(),
        clock: Arc::new(SystemClock),
        metrics: Metrics::new("test"),
        wake: wake.clone(),
        poll: Duration::from_millis(500),
    }
}

async fn pending(database: &Database) -> u64 {
    database.outbox().backlog(SystemClock.now()).await.expect("rows can be read").pending
}

#[tokio::test]
async fn messages_leave_soon_after_a_wake_up_and_on_the_way_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("rows.db").display());
    let database = Database::connect(&url, 4).await.expect("a database");
    database.migrate().await.expect("tables");
    let (bus, wake, counter) = (messaging::in_process(), Arc::new(Notify::new()), Arc::new(Counter::default()));
    let _consumer = bus.consume(Queue::OrchestratorJobs, 8, counter.clone()).await.expect("a consumer");
    let mut events = bus.subscribe_events(8).await.expect("a subscription");
    let stop = CancellationToken::new();
    // Would sleep for an hour if the wake-up did not reach it.
    let sleepy = OutboxRelay { poll: Duration::from_secs(3600), ..relay(&database, &bus, &wake) };
    let running = tokio::spawn(sleepy.run(stop.clone()));

    let now = Utc::now();
    let changed = contracts::envelope(v1::JobChanged::default(), MessageId::new(now, random10()), now);
    let event = outgoing(&changed).expect("an event leaves");
    let messages: Vec<_> = (0..100).map(|_| job_ready()).chain([event]).collect();
    database.outbox().put(messages, now).await.expect("rows");
    wake.notify_one();
    eventually("all messages", BOUND, || async {
        let seen = counter.seen().len();
        if seen == 100 { Ok(()) } else { Err(seen) }
    })
    .await;
    tokio::time::timeout(BOUND, events.next()).await.expect("the event comes").expect("the bus is open");
    eventually("marks on all of them", BOUND, || async {
        let left = pending(&database).await;
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
    assert!(counter.seen().values().all(|times| *times == 1), "nothing was published twice");

    // The last pass takes what nobody announced.
    database.outbox().put(vec![job_ready()], Utc::now()).await.expect("rows");
    stop.cancel();
    tokio::time::timeout(BOUND, running).await.expect("the relay ends").expect("no panic");
    assert_eq!(pending(&database).await, 0);
}

#[tokio::test]
async fn what_the_broker_refuses_stays_and_leaves_later() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("rows.db").display());
    let database = Database::connect(&url, 4).await.expect("a database");
    database.migrate().await.expect("tables");
    let wake = Arc::new(Notify::new());
    let full = messaging::in_process_with(InProcessSettings { queue_length: 0, ..InProcessSettings::default() });
    let good = messaging::in_process();
    database.outbox().put(vec![job_ready(), job_ready()], Utc::now()).await.expect("rows");

    let refused = relay(&database, &full, &wake).pass().await.expect("a pass");
    assert_eq!((refused.published, refused.failed), (0, 2));
    assert_eq!(pending(&database).await, 2);
    // Given back with a pause, then taken by whoever can publish.
    let able = relay(&database, &good, &wake);
    let published = eventually("the pause to pass", BOUND, || async {
        let pass = able.pass().await.expect("a pass");
        if pass.published == 2 { Ok(pass.published) } else { Err(pass) }
    });
    assert_eq!(published.await, 2);
    assert_eq!(pending(&database).await, 0);
}

#[tokio::test]
async fn relays_beside_each_other_publish_each_message_once() {
    let (rows, vhost) = (testbed::postgres_database().await, testbed::rabbitmq_vhost().await);
    let database = Database::connect(rows.url(), 8).await.expect("a database");
    database.migrate().await.expect("tables");
    service_runtime::install_crypto();
    let bus =
        messaging::rabbitmq(RabbitConfig::new(vhost.url(), "test"), Arc::new(NoopObserver)).await.expect("a broker");
    let counter = Arc::new(Counter::default());
    let _consumer = bus.consume(Queue::OrchestratorJobs, 32, counter.clone()).await.expect("a consumer");
    let (stop, wake) = (CancellationToken::new(), Arc::new(Notify::new()));
    let relays: Vec<_> = (0..3).map(|_| tokio::spawn(relay(&database, &bus, &wake).run(stop.clone()))).collect();
    for _ in 0..5 {
        database.outbox().put((0..60).map(|_| job_ready()).collect(), Utc::now()).await.expect("rows");
        wake.notify_waiters();
    }
    eventually("all messages", BOUND, || async {
        let seen = counter.seen().len();
        if seen == 300 { Ok(()) } else { Err(seen) }
    })
    .await;
    stop.cancel();
    for running in relays {
        tokio::time::timeout(BOUND, running).await.expect("the relay ends").expect("no panic");
    }
    assert!(counter.seen().values().all(|times| *times == 1), "nothing was published twice");
    assert_eq!(pending(&database).await, 0);
    bus.close().await;
}
