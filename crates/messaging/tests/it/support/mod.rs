//! Both transports behind one fixture, and handlers that misbehave on purpose.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::Utc;
use contracts::{envelope, v1};
use domain::MessageId;
use messaging::{
    Body, Bus, DeliveryRules, Envelope, Handler, HandlingOutcome, InProcessSettings, MessagingObserver, Outcome, Queue,
    RabbitConfig, in_process_with, rabbitmq,
};
use testbed::TestVhost;
use tokio::sync::Semaphore;

/// Long enough for a busy machine; conditions are awaited, so it costs nothing when all is well.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Quick retries, no tolerance for clocks (there is only one), and few deliveries until a message is dead.
pub fn rules() -> DeliveryRules {
    DeliveryRules {
        max_deliveries: 5,
        retry_delays: vec![Duration::from_millis(20), Duration::from_millis(60)],
        clock_tolerance: Duration::ZERO,
    }
}

/// A bus to test. `other` is what another process would hold.
pub struct Fixture {
    pub bus: Arc<dyn Bus>,
    pub other: Arc<dyn Bus>,
    pub ledger: Arc<Ledger>,
    pub vhost: Option<TestVhost>,
}

impl Fixture {
    pub async fn in_process() -> Self {
        let ledger = Arc::new(Ledger::default());
        let settings =
            InProcessSettings { rules: rules(), observer: Arc::clone(&ledger) as _, ..InProcessSettings::default() };
        let bus = in_process_with(settings);
        Self { other: Arc::clone(&bus), bus, ledger, vhost: None }
    }

    pub async fn rabbitmq() -> Self {
        let vhost = testbed::rabbitmq_vhost().await;
        let ledger = Arc::new(Ledger::default());
        let bus = rabbitmq(rabbit_config(vhost.url()), Arc::clone(&ledger) as _).await.unwrap();
        let other = rabbitmq(rabbit_config(vhost.url()), Arc::clone(&ledger) as _).await.unwrap();
        Self { bus, other, ledger, vhost: Some(vhost) }
    }
}

pub fn rabbit_config(url: &str) -> RabbitConfig {
    let name = format!("test-{}", uuid::Uuid::new_v4().simple());
    RabbitConfig { rules: rules(), ..RabbitConfig::new(url, name) }
}

/// Counts what the bus reports.
#[derive(Default)]
pub struct Ledger {
    handled: Mutex<HashMap<(Queue, HandlingOutcome), usize>>,
    pub missed: AtomicUsize,
}

impl MessagingObserver for Ledger {
    fn handled(&self, queue: Queue, _kind: &'static str, outcome: HandlingOutcome, _took: Duration) {
        *self.handled.lock().unwrap().entry((queue, outcome)).or_default() += 1;
    }

    fn events_missed(&self) {
        self.missed.fetch_add(1, Ordering::SeqCst);
    }
}

impl Ledger {
    pub fn count(&self, outcome: HandlingOutcome) -> usize {
        let handled = self.handled.lock().unwrap();
        handled.iter().filter(|((_, other), _)| *other == outcome).map(|(_, count)| count).sum()
    }
}

/// Remembers what it was given and does what a closure says.
pub struct Probe<F> {
    seen: Mutex<Vec<Envelope>>,
    act: F,
}

impl<F> Probe<F>
where
    F: Fn(&Envelope, usize) -> Outcome + Send + Sync + 'static,
{
    /// `act` gets the message and how often this message has been seen, this time included.
    pub fn new(act: F) -> Arc<Self> {
        Arc::new(Self { seen: Mutex::default(), act })
    }
}

impl<F> Probe<F> {
    pub fn seen(&self) -> Vec<Envelope> {
        self.seen.lock().unwrap().clone()
    }

    pub async fn saw(&self, count: usize) -> Vec<Envelope> {
        eventually(&format!("{count} deliveries"), || {
            let seen = self.seen();
            async move { if seen.len() >= count { Ok(seen) } else { Err(seen.len()) } }
        })
        .await
    }
}

#[async_trait]
impl<F> Handler for Probe<F>
where
    F: Fn(&Envelope, usize) -> Outcome + Send + Sync + 'static,
{
    async fn handle(&self, message: Envelope) -> Outcome {
        let times = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(message.clone());
            seen.iter().filter(|other| other.message_id == message.message_id).count()
        };
        (self.act)(&message, times)
    }
}

/// Holds every message until it is let go.
pub struct Gate {
    pub at_work: AtomicUsize,
    pub most_at_work: AtomicUsize,
    pub finished: AtomicUsize,
    pub open: Semaphore,
}

impl Gate {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            at_work: AtomicUsize::new(0),
            most_at_work: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            open: Semaphore::new(0),
        })
    }

    pub async fn holds(&self, count: usize) {
        eventually(&format!("{count} messages in the handler's hands"), || {
            let at_work = self.at_work.load(Ordering::SeqCst);
            async move { if at_work == count { Ok(()) } else { Err(at_work) } }
        })
        .await;
    }
}

#[async_trait]
impl Handler for Gate {
    async fn handle(&self, _message: Envelope) -> Outcome {
        /// Also counts down when the future is dropped.
        struct AtWork<'a>(&'a AtomicUsize);
        impl Drop for AtWork<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let at_work = self.at_work.fetch_add(1, Ordering::SeqCst) + 1;
        let _guard = AtWork(&self.at_work);
        self.most_at_work.fetch_max(at_work, Ordering::SeqCst);
        self.open.acquire().await.unwrap().forget();
        self.finished.fetch_add(1, Ordering::SeqCst);
        Outcome::Done
    }
}

pub fn message(body: impl Into<Body>) -> Envelope {
    envelope(body, MessageId::from_uuid(uuid::Uuid::now_v7()), Utc::now())
}

/// For [`Queue::OrchestratorJobs`].
pub fn job_ready(name: impl std::fmt::Display) -> Envelope {
    message(v1::JobReady { job_id: name.to_string() })
}

/// For [`Queue::ValidatorRequests`].
pub fn validate_audio(key: &str) -> Envelope {
    message(v1::ValidateAudio {
        object_key: key.to_owned(),
        file_name: String::new(),
        tier: "free".to_owned(),
        check: String::new(),
    })
}

pub fn job_changed(sequence: u64) -> Envelope {
    message(v1::JobChanged { job_id: "j".to_owned(), sequence, state: "running".to_owned(), progress_percent: 1 })
}

pub async fn eventually<T, E, F>(what: &str, look: impl FnMut() -> F) -> T
where
    E: std::fmt::Debug,
    F: Future<Output = Result<T, E>>,
{
    testbed::eventually(what, PATIENCE, look).await
}

/// Waits until the queue holds this many messages.
pub async fn depth_is(bus: &dyn Bus, queue: Queue, depth: u64) {
    eventually(&format!("{depth} messages in {queue}"), || async {
        match bus.depth(queue).await {
            Ok(seen) if seen == depth => Ok(()),
            seen => Err(seen.map_err(|error| error.to_string())),
        }
    })
    .await;
}
