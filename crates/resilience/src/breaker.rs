//! The circuit breaker of one provider.
//!
//! failsafe counts the failures and keeps the time. On top of it: one single probe when half open (failsafe would let
//! every caller through), a probe that is released when its future is dropped, results that arrive after the state
//! has moved on are ignored, and only failures that say something about the provider's health count.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Failure, FailureClass, FailureCode};
use failsafe::{Config, Instrument, StateMachine, backoff, failure_policy};
use telemetry::metrics::{BreakerGauge, Metrics};

use crate::lock;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BreakerSettings {
    /// Consecutive failures that open it; zero reads as one.
    pub threshold: u32,
    /// How long it stays open before it lets one probe through.
    pub open_for: Duration,
}

impl Default for BreakerSettings {
    /// Five failures, one minute.
    fn default() -> Self {
        Self { threshold: 5, open_for: Duration::from_secs(60) }
    }
}

/// What a caller would meet now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BreakerState {
    Closed,
    /// Every call is refused until then.
    Open {
        until: DateTime<Utc>,
    },
    /// The next call is a probe, or a probe is on its way.
    HalfOpen,
}

impl BreakerState {
    /// The words of the seeds' statistics: `CLOSED`, `OPEN`, `HALF_OPEN`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Open { .. } => "OPEN",
            Self::HalfOpen => "HALF_OPEN",
        }
    }

    const fn gauge(self) -> BreakerGauge {
        match self {
            Self::Closed => BreakerGauge::Closed,
            Self::Open { .. } => BreakerGauge::Open,
            Self::HalfOpen => BreakerGauge::HalfOpen,
        }
    }
}

/// How long to wait when somebody else's probe is on its way; it ends within a call's deadline, which is not known here.
const PROBE_WAIT: Duration = Duration::from_secs(1);

const CLOSED: u8 = 0;
const HALF_OPEN: u8 = 1;
const OPEN: u8 = 2;

/// Tells which state failsafe's machine is in; the machine itself does not say.
#[derive(Clone, Debug, Default)]
struct Watch(Arc<AtomicU8>);

impl Watch {
    fn phase(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

impl Instrument for Watch {
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        self.0.store(OPEN, Ordering::Release);
    }

    fn on_half_open(&self) {
        self.0.store(HALF_OPEN, Ordering::Release);
    }

    fn on_closed(&self) {
        self.0.store(CLOSED, Ordering::Release);
    }
}

type Machine = StateMachine<failure_policy::ConsecutiveFailures<backoff::Constant>, Watch>;

/// What the machine does not know. Its lock is held around every call of the machine, so that both move together.
#[derive(Debug)]
struct Gate {
    probing: bool,
    open_until: Instant,
    /// Consecutive failures, for the statistics.
    failures: u32,
    /// Counted up at each change of state; a result that carries an older one says nothing about the present.
    generation: u64,
    /// Nobody is let through until then, whatever the machine says.
    held: Option<Held>,
    /// The same, as others have found out.
    told: Option<Held>,
    /// What others have found out before is over.
    reset_at: Option<DateTime<Utc>>,
    /// What an operator has to see to and keeps nobody out.
    note: Option<String>,
}

/// Why nobody is let through, and how long.
#[derive(Debug)]
struct Held {
    since: DateTime<Utc>,
    until: Instant,
    why: String,
}

impl Held {
    fn left(&self) -> Option<Duration> {
        self.until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

impl Gate {
    /// How long it is still held open.
    fn held(&self) -> Option<Duration> {
        self.held.iter().chain(&self.told).filter_map(Held::left).max()
    }
}

/// That somebody else keeps callers out, by the clock of whoever has found out why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToldHold {
    /// Of the breaker.
    pub name: String,
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub why: String,
}

/// Longest that anybody is believed.
const LONGEST_TOLD: Duration = Duration::from_secs(60 * 60);

/// The breaker of one provider. Shared as `Arc<Breaker>`.
pub struct Breaker {
    name: String,
    settings: BreakerSettings,
    machine: Machine,
    watch: Watch,
    gate: Mutex<Gate>,
    metrics: Metrics,
}

/// Permission for one call. Dropped without a verdict (cancelled, timed out outside) it only releases the probe.
struct CallPermit<'a> {
    breaker: &'a Breaker,
    generation: u64,
    probe: bool,
}

impl Drop for CallPermit<'_> {
    fn drop(&mut self) {
        if self.probe {
            let mut gate = lock(&self.breaker.gate);
            if gate.generation == self.generation {
                gate.probing = false;
            }
        }
    }
}

/// What a call's result says about the provider.
enum Health {
    Healthy,
    Unhealthy,
    /// It told us to wait, or our own share is used up: neither.
    Unknown,
}

impl Health {
    fn of<T>(result: &Result<T, Failure>) -> Self {
        match result {
            Ok(_) => Self::Healthy,
            Err(failure) if failure.class.feeds_breaker() => Self::Unhealthy,
            Err(failure) => match failure.class {
                FailureClass::RetryAfter | FailureClass::Saturated => Self::Unknown,
                _ => Self::Healthy,
            },
        }
    }
}

impl Breaker {
    pub fn new(name: impl Into<String>, settings: BreakerSettings, metrics: Metrics) -> Self {
        let name = name.into();
        let settings = BreakerSettings { threshold: settings.threshold.max(1), ..settings };
        let watch = Watch::default();
        let policy = failure_policy::consecutive_failures(settings.threshold, backoff::constant(settings.open_for));
        let machine = Config::new().failure_policy(policy).instrument(watch.clone()).build();
        let gate = Gate {
            probing: false,
            open_until: Instant::now(),
            failures: 0,
            generation: 0,
            held: None,
            told: None,
            reset_at: None,
            note: None,
        };
        metrics.breaker_state(&name, BreakerGauge::Closed);
        Self { name, settings, machine, watch, gate: Mutex::new(gate), metrics }
    }

    /// Runs `work` if the breaker lets it through. Put the deadline inside `work`: a dropped future counts as nothing.
    ///
    /// While it refuses, the failure is [`FailureClass::Saturated`] with the time left as `retry_after`.
    pub async fn call<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let permit = self.admit()?;
        let result = work.await;
        self.settle(&permit, Health::of(&result));
        result
    }

    /// What a call would be answered now if it would be refused, without being one: asked before anything is waited for.
    pub fn refusing(&self) -> Option<Failure> {
        let left = match self.state() {
            BreakerState::Open { until } => (until - Utc::now()).to_std().unwrap_or_default(),
            BreakerState::Closed | BreakerState::HalfOpen => return None,
        };
        let is_held = lock(&self.gate).held().is_some();
        Some(self.refusal(left, is_held))
    }

    /// Runs `work` whatever the state; what it meets counts as in [`Self::call`].
    pub async fn observe<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let generation = lock(&self.gate).generation;
        let result = work.await;
        self.settle(&CallPermit { breaker: self, generation, probe: false }, Health::of(&result));
        result
    }

    /// Keeps everybody out for so long, whatever callers met. `why` is for operators.
    pub fn hold_open(&self, hold: Duration, why: &str) {
        let mut gate = lock(&self.gate);
        let until = Instant::now() + hold;
        let until = gate.held.as_ref().map_or(until, |known| known.until.max(until));
        gate.held = Some(Held { since: Utc::now(), until, why: why.to_owned() });
        self.publish(&gate);
    }

    /// Why everybody is kept out, while they are.
    pub fn held_because(&self) -> Option<String> {
        let gate = lock(&self.gate);
        gate.held.iter().chain(&gate.told).find(|held| held.left().is_some()).map(|held| held.why.clone())
    }

    /// Since when and until when [`Self::hold_open`] keeps everybody out, while it does.
    pub fn held(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let gate = lock(&self.gate);
        let held = gate.held.as_ref()?;
        let left = TimeDelta::from_std(held.left()?).unwrap_or(TimeDelta::days(1));
        Some((held.since, Utc::now() + left))
    }

    /// Keeps everybody out as long as others do, by what they say now: what they said before and say no more is over, as is what
    /// they found out before the last reset.
    pub fn heed(&self, holds: &[ToldHold]) {
        let mut gate = lock(&self.gate);
        let reset_at = gate.reset_at;
        let is_valid = |hold: &&ToldHold| hold.name == self.name && reset_at.is_none_or(|reset| hold.since > reset);
        let told = holds.iter().filter(is_valid).max_by_key(|hold| hold.until).and_then(|hold| {
            let left = (hold.until - Utc::now()).to_std().ok()?.min(LONGEST_TOLD);
            Some(Held { since: hold.since, until: Instant::now() + left, why: hold.why.clone() })
        });
        match (&gate.told, &told) {
            (None, None) => return,
            (None, Some(held)) => {
                tracing::warn!(provider = self.name, why = held.why, "left alone, since others have found out why");
            }
            (Some(_), None) => tracing::info!(provider = self.name, "others do not leave it alone any more"),
            (Some(_), Some(_)) => {}
        }
        gate.told = told;
        self.publish(&gate);
    }

    /// Lets callers in again whom [`Self::hold_open`] kept out; what callers met stands.
    pub fn release(&self) {
        let mut gate = lock(&self.gate);
        gate.held = None;
        self.publish(&gate);
    }

    /// Says what is amiss without keeping anybody out, for operators; `None` when nothing is any more.
    pub fn note(&self, what: Option<&str>) {
        lock(&self.gate).note = what.map(str::to_owned);
    }

    /// What an operator has to see to: why everybody is kept out, else what is amiss besides.
    pub fn problem(&self) -> Option<String> {
        self.held_because().or_else(|| lock(&self.gate).note.clone())
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn settings(&self) -> BreakerSettings {
        self.settings
    }

    pub fn state(&self) -> BreakerState {
        self.state_of(&lock(&self.gate))
    }

    /// Consecutive failures so far.
    pub fn failures(&self) -> u32 {
        lock(&self.gate).failures
    }

    /// Closes it by hand; calls on their way no longer count.
    pub fn reset(&self) {
        let mut gate = lock(&self.gate);
        self.machine.reset();
        // The machine's reset leaves the count of a closed breaker as it is.
        self.machine.on_success();
        gate.failures = 0;
        gate.probing = false;
        (gate.held, gate.told, gate.reset_at) = (None, None, Some(Utc::now()));
        gate.generation += 1;
        self.publish(&gate);
        tracing::info!(provider = self.name, "circuit breaker reset");
    }

    fn admit(&self) -> Result<CallPermit<'_>, Failure> {
        let mut gate = lock(&self.gate);
        if let Some(left) = gate.held() {
            return Err(self.refusal(left, true));
        }
        let before = self.watch.phase();
        if before == HALF_OPEN && gate.probing {
            return Err(self.refusal(PROBE_WAIT.min(self.settings.open_for), false));
        }
        if !self.machine.is_call_permitted() {
            return Err(self.refusal(gate.open_until.saturating_duration_since(Instant::now()), false));
        }
        let probe = self.watch.phase() == HALF_OPEN;
        if probe {
            gate.probing = true;
            if before != HALF_OPEN {
                gate.generation += 1;
                self.publish(&gate);
                tracing::info!(provider = self.name, "circuit breaker half open: one call goes through as a probe");
            }
        }
        Ok(CallPermit { breaker: self, generation: gate.generation, probe })
    }

    fn settle(&self, permit: &CallPermit<'_>, health: Health) {
        let mut gate = lock(&self.gate);
        if gate.generation != permit.generation {
            return;
        }
        let before = self.watch.phase();
        match health {
            Health::Unknown => return,
            Health::Healthy => {
                self.machine.on_success();
                gate.failures = 0;
            }
            Health::Unhealthy => {
                gate.failures = gate.failures.saturating_add(1);
                // What is looked at while it is open makes it no longer: the machine lets a probe through all the same.
                if before != OPEN {
                    gate.open_until = Instant::now() + self.settings.open_for;
                }
                self.machine.on_error();
            }
        }
        if self.watch.phase() != before {
            self.moved(gate);
        }
    }

    fn moved(&self, mut gate: MutexGuard<'_, Gate>) {
        gate.generation += 1;
        gate.probing = false;
        self.publish(&gate);
        if self.watch.phase() == OPEN {
            let open_ms = self.settings.open_for.as_millis() as u64;
            tracing::warn!(provider = self.name, failures = gate.failures, open_ms, "circuit breaker opened");
        } else {
            tracing::info!(provider = self.name, "circuit breaker closed");
        }
    }

    /// What a caller is told. Why somebody is held back is an operator's business, and told where the health is.
    fn refusal(&self, wait: Duration, is_held: bool) -> Failure {
        self.metrics.breaker_rejected(&self.name);
        let why = if is_held {
            "is left alone for now: an operator has to see to it"
        } else {
            "has failed repeatedly and is left alone for a while; try again later"
        };
        let message = format!("{} {why}", self.name);
        Failure::new(FailureClass::Saturated, FailureCode::ProviderUnavailable, message)
            .with_retry_after(wait.max(Duration::from_millis(1)))
    }

    fn state_of(&self, gate: &Gate) -> BreakerState {
        let open_for = |left| {
            let left = TimeDelta::from_std(left).unwrap_or(TimeDelta::days(1));
            BreakerState::Open { until: Utc::now() + left }
        };
        if let Some(left) = gate.held() {
            return open_for(left);
        }
        match self.watch.phase() {
            CLOSED => BreakerState::Closed,
            OPEN => match gate.open_until.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => open_for(left),
                // The time is over, but nobody has called since.
                _ => BreakerState::HalfOpen,
            },
            _ => BreakerState::HalfOpen,
        }
    }

    fn publish(&self, gate: &Gate) {
        self.metrics.breaker_state(&self.name, self.state_of(gate).gauge());
    }

    /// Brings the gauge up to date: an open breaker whose time is over turns half open without an event.
    pub(crate) fn refresh_gauge(&self) {
        self.publish(&lock(&self.gate));
    }
}

impl std::fmt::Debug for Breaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breaker").field("name", &self.name).field("state", &self.state()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
