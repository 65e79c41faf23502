//! A stand-in for somebody outside that works ten minutes of the clock's time on each order, and misbehaves when told to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Cost, Failure, FailureClass, FailureCode};
use orchestrator::{CallError, OutsideProgress, OutsideService};
use providers::CERTAIN_AFTER;
use resilience::{Clock, ManualClock};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Holds up calls until it is opened.
#[derive(Debug)]
pub struct Gate(Semaphore);

impl Gate {
    pub fn closed() -> Arc<Self> {
        Arc::new(Self(Semaphore::new(0)))
    }

    pub fn open(&self) {
        self.0.close();
    }

    async fn pass(gate: Option<Arc<Self>>) {
        if let Some(gate) = gate {
            // There are no permits: this ends, with an error, when the semaphore is closed.
            let _ = gate.0.acquire().await;
        }
    }
}

#[derive(Debug)]
pub struct Vendor {
    name: &'static str,
    clock: Arc<ManualClock>,
    /// On each order.
    works: TimeDelta,
    state: Mutex<Orders>,
}

/// What the vendor was asked, has done, and will do amiss.
#[derive(Debug, Default)]
pub struct Orders {
    /// By the vendor's id: the correlation, and when it was ordered.
    pub made: BTreeMap<String, (String, DateTime<Utc>)>,
    pub cancelled: Vec<String>,
    /// How often each thing was asked, answered or not.
    pub creations: u32,
    /// With what.
    pub requests: Vec<Value>,
    pub looks: u32,
    pub cancel_requests: u32,
    /// Takes the next order and loses its answer.
    pub loses_answer: bool,
    /// Loses the next order itself.
    pub loses_order: bool,
    /// Takes orders and does not show them yet.
    pub hides_orders: bool,
    /// How long what it was asked for may be hidden, in seconds; the usual time when 0.
    pub certain_after_seconds: u64,
    /// Refuses orders, as failures of this class.
    pub refuses: Option<FailureClass>,
    /// The next looks that fail.
    pub blips: u32,
    /// What it makes is of no use, and is charged for all the same.
    pub botches: bool,
    /// What the next look says, instead of the truth.
    pub next_look: Option<Result<OutsideProgress, Failure>>,
    /// Never answers an attempt to call work off.
    pub ignores_cancel: bool,
    /// Answers every attempt to call work off with a failure.
    pub fails_cancel: bool,
    /// Orders are taken only when it is open.
    pub holds_orders: Option<Arc<Gate>>,
    /// Orders are taken, and answered only when it is open.
    pub holds_answers: Option<Arc<Gate>>,
    pub holds_looks: Option<Arc<Gate>>,
    pub holds_cancels: Option<Arc<Gate>>,
    /// The job's last stage fails after this one's work is done.
    pub fails_wrapping: bool,
    /// Another provider does what this one cannot.
    pub has_fallback: bool,
    /// How long a call may take, in milliseconds; the usual limit when 0.
    pub patience_ms: u64,
}

impl Orders {
    /// What is not worked on any more, by the vendor's ids. To call the same off again is no fault.
    pub fn called_off(&self) -> Vec<&str> {
        self.cancelled.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Vendor {
    pub const WORKS: TimeDelta = TimeDelta::minutes(10);

    pub fn new(name: &'static str, clock: Arc<ManualClock>) -> Self {
        Self::working(name, Self::WORKS, clock)
    }

    /// With another time for each order.
    pub fn working(name: &'static str, works: TimeDelta, clock: Arc<ManualClock>) -> Self {
        Self { name, clock, works, state: Mutex::default() }
    }

    pub fn clock(&self) -> Arc<ManualClock> {
        self.clock.clone()
    }

    pub fn orders(&self) -> MutexGuard<'_, Orders> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn away() -> Failure {
        Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "the vendor did not answer")
    }
}

#[async_trait]
impl OutsideService for Vendor {
    fn provider(&self) -> &str {
        self.name
    }

    fn answers_within(&self) -> Duration {
        match self.orders().patience_ms {
            0 => Duration::from_secs(10),
            ms => Duration::from_millis(ms),
        }
    }

    async fn create(&self, correlation: &str, request: &Value) -> Result<String, CallError> {
        let (before, after) = {
            let mut orders = self.orders();
            orders.creations += 1;
            orders.requests.push(request.clone());
            (orders.holds_orders.clone(), orders.holds_answers.clone())
        };
        Gate::pass(before).await;
        let (id, loses_answer) = {
            let mut orders = self.orders();
            if let Some(class) = orders.refuses {
                let why = Failure::new(class, FailureCode::ProviderRejected, "not like this");
                return Err(CallError::Refused(why));
            }
            if std::mem::take(&mut orders.loses_order) {
                return Err(CallError::Unanswered(Self::away()));
            }
            let id = format!("v-{}", orders.made.len() + 1);
            orders.made.insert(id.clone(), (correlation.to_owned(), self.clock.now()));
            (id, std::mem::take(&mut orders.loses_answer))
        };
        Gate::pass(after).await;
        if loses_answer { Err(CallError::Unanswered(Self::away())) } else { Ok(id) }
    }

    async fn find(&self, correlation: &str) -> Result<Option<String>, Failure> {
        let orders = self.orders();
        if orders.hides_orders {
            return Ok(None);
        }
        Ok(orders.made.iter().find(|(_, (known, _))| known == correlation).map(|(id, _)| id.clone()))
    }

    fn certain_after(&self) -> Duration {
        match self.orders().certain_after_seconds {
            0 => CERTAIN_AFTER,
            seconds => Duration::from_secs(seconds),
        }
    }

    async fn look(&self, outside_id: &str) -> Result<OutsideProgress, Failure> {
        let gate = {
            let mut orders = self.orders();
            orders.looks += 1;
            orders.holds_looks.clone()
        };
        Gate::pass(gate).await;
        let now = self.clock.now();
        let mut orders = self.orders();
        if let Some(answer) = orders.next_look.take() {
            return answer;
        }
        if orders.blips > 0 {
            orders.blips -= 1;
            return Err(Self::away());
        }
        let (_, ordered_at) = orders.made.get(outside_id).cloned().ok_or_else(Self::away)?;
        let worked = now - ordered_at;
        if worked < self.works {
            let fraction = worked.num_milliseconds() as f64 / self.works.num_milliseconds() as f64;
            return Ok(OutsideProgress::Working { fraction: Some(fraction), look_again_in: Duration::from_secs(60) });
        }
        let cost = Some(Cost { micros: 120_000, currency: "USD".to_owned() });
        if orders.botches {
            let why = Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "made nothing of use");
            return Ok(OutsideProgress::failed(why, cost));
        }
        Ok(OutsideProgress::succeeded(json!(format!("made as {outside_id}")), cost))
    }

    async fn cancel(&self, outside_id: &str) -> Result<(), Failure> {
        let (gate, ignores, fails) = {
            let mut orders = self.orders();
            orders.cancel_requests += 1;
            (orders.holds_cancels.clone(), orders.ignores_cancel, orders.fails_cancel)
        };
        if ignores {
            std::future::pending::<()>().await;
        }
        Gate::pass(gate).await;
        if fails {
            return Err(Self::away());
        }
        self.orders().cancelled.push(outside_id.to_owned());
        Ok(())
    }
}
