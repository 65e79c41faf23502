//! Whether a process lives, whether it can take work, and whether what it depends on answers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use blob_store::BlobStore;
use chrono::Utc;
use messaging::Bus;
use persistence::{BreakerRow, Database};
use resilience::{BreakerRegistry, BreakerSnapshot};
use serde::Serialize;
use telemetry::error_chain;

/// A dependency that takes longer counts as gone.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// Answers are kept this long, so that nobody can load the dependencies by asking for our health.
const KEPT: Duration = Duration::from_secs(1);

/// Where a process stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Some service cannot take work yet.
    Starting,
    Ready,
    /// Asked to stop; takes no new work.
    Draining,
}

/// One dependency as it answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Check {
    /// `database`, `broker` or `objects`.
    pub name: &'static str,
    pub healthy: bool,
    pub latency_ms: u64,
}

/// A provider outside, as the calls of late went. Whatever it does, work goes on by another one or waits:
/// it is nothing that a restart heals.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ProviderState {
    /// The provider as in settings and metrics, and what it does: `ml_model/blends`.
    pub name: String,
    /// Its circuit breaker: `CLOSED`, `HALF_OPEN`, or `OPEN` while it is left alone.
    pub breaker: String,
    /// Consecutive failures.
    pub failures: u32,
    /// What an operator has to see to before it is called again, such as a key that is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A process and its dependencies at a moment. Holds no addresses and no error texts: it is for anybody to see.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct HealthReport {
    pub healthy: bool,
    pub phase: Phase,
    pub service: &'static str,
    pub version: &'static str,
    pub instance: String,
    pub uptime_seconds: u64,
    pub checks: Vec<Check>,
    /// Of several orchestrators, the one that meets most failures.
    pub providers: Vec<ProviderState>,
}

impl HealthReport {
    /// Whether work should be sent here.
    pub fn is_ready(&self) -> bool {
        self.healthy && self.phase == Phase::Ready
    }
}

/// Answers for the health of a process. Cheap to clone.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    service: &'static str,
    instance: String,
    started: Instant,
    database: Option<Database>,
    bus: Option<Arc<dyn Bus>>,
    objects: Option<Arc<dyn BlobStore>>,
    breakers: BreakerRegistry,
    state: Mutex<State>,
    checks: tokio::sync::Mutex<Option<(Instant, Vec<Check>)>>,
}

#[derive(Default)]
struct State {
    services: BTreeMap<&'static str, bool>,
    draining: bool,
}

impl Health {
    pub(crate) fn new(
        service: &'static str,
        instance: &str,
        database: Option<Database>,
        bus: Option<Arc<dyn Bus>>,
        objects: Option<Arc<dyn BlobStore>>,
        breakers: BreakerRegistry,
    ) -> Self {
        Self(Arc::new(Inner {
            service,
            instance: instance.to_owned(),
            started: Instant::now(),
            database,
            bus,
            objects,
            breakers,
            state: Mutex::default(),
            checks: tokio::sync::Mutex::default(),
        }))
    }

    pub fn phase(&self) -> Phase {
        let state = self.state();
        match (state.draining, state.services.values().all(|ready| *ready) && !state.services.is_empty()) {
            (true, _) => Phase::Draining,
            (false, true) => Phase::Ready,
            (false, false) => Phase::Starting,
        }
    }

    /// Asks every dependency, or takes answers that are less than a second old.
    pub async fn report(&self) -> HealthReport {
        let checks = self.checks().await;
        HealthReport {
            healthy: checks.iter().all(|check| check.healthy),
            phase: self.phase(),
            service: self.0.service,
            version: env!("CARGO_PKG_VERSION"),
            instance: self.0.instance.clone(),
            uptime_seconds: self.0.started.elapsed().as_secs(),
            checks,
            providers: self.providers().await,
        }
    }

    /// As this process meets them; as orchestrators say, in one that calls none.
    async fn providers(&self) -> Vec<ProviderState> {
        let own = |BreakerSnapshot { name, state, failures, problem, .. }| ProviderState {
            name,
            breaker: state.as_str().to_owned(),
            failures,
            problem,
        };
        let own: Vec<ProviderState> = self.0.breakers.snapshot().into_iter().map(own).collect();
        let Some(database) = self.0.database.as_ref().filter(|_| own.is_empty()) else { return own };
        let told = tokio::time::timeout(CHECK_TIMEOUT, database.breakers().current(Utc::now())).await;
        let mut worst: BTreeMap<String, ProviderState> = BTreeMap::new();
        // A database that does not answer has its own line.
        for BreakerRow { provider: name, state: breaker, failures, problem, .. } in
            told.ok().and_then(Result::ok).unwrap_or_default()
        {
            let state = ProviderState { name: name.clone(), breaker, failures, problem };
            let known = worst.entry(name).or_insert_with(|| state.clone());
            if (state.problem.is_some(), state.failures) > (known.problem.is_some(), known.failures) {
                *known = state;
            }
        }
        worst.into_values().collect()
    }

    async fn checks(&self) -> Vec<Check> {
        // Held while checking: of many callers at once, one checks and the others get its result.
        let mut kept = self.0.checks.lock().await;
        if let Some((at, checks)) = &*kept
            && at.elapsed() < KEPT
        {
            return checks.clone();
        }
        let database = async {
            let Some(database) = &self.0.database else { return None };
            Some(check("database", async { database.ping().await.map_err(|why| error_chain(&why)) }).await)
        };
        let bus = async {
            let Some(bus) = &self.0.bus else { return None };
            Some(check("broker", async { bus.health().await.map_err(|why| error_chain(&why)) }).await)
        };
        let objects = async {
            let Some(objects) = &self.0.objects else { return None };
            Some(check("objects", async { objects.health().await.map_err(|why| error_chain(&why)) }).await)
        };
        let (database, bus, objects) = tokio::join!(database, bus, objects);
        let checks: Vec<Check> = [database, bus, objects].into_iter().flatten().collect();
        *kept = Some((Instant::now(), checks.clone()));
        checks
    }

    pub(crate) fn expect_service(&self, name: &'static str) {
        self.state().services.insert(name, false);
    }

    pub(crate) fn service_ready(&self, name: &'static str) {
        if self.state().services.insert(name, true) != Some(true) {
            tracing::info!(ready = name, "service is ready");
        }
    }

    pub(crate) fn begin_drain(&self) {
        self.state().draining = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn check(name: &'static str, ask: impl Future<Output = Result<(), String>>) -> Check {
    let started = Instant::now();
    let answer = tokio::time::timeout(CHECK_TIMEOUT, ask).await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
    let latency_ms = started.elapsed().as_millis() as u64;
    if let Err(error) = &answer {
        tracing::warn!(dependency = name, error, latency_ms, "dependency is not healthy");
    }
    Check { name, healthy: answer.is_ok(), latency_ms }
}

#[cfg(test)]
mod tests {
    use domain::{Failure, FailureClass, FailureCode};
    use resilience::BreakerSettings;
    use telemetry::Metrics;

    use super::*;

    fn breakers() -> BreakerRegistry {
        BreakerRegistry::new(BreakerSettings { threshold: 1, ..BreakerSettings::default() }, Metrics::new("descant"))
    }

    #[tokio::test]
    async fn a_provider_that_fails_is_told_and_costs_no_readiness() {
        let breakers = breakers();
        let health = Health::new("descant", "here", None, Some(messaging::in_process()), None, breakers.clone());
        health.expect_service("orchestrator");
        health.service_ready("orchestrator");
        assert_eq!(health.report().await.providers, []);
        let model = breakers.breaker("ml_model");
        let fails = async { Err::<(), _>(Failure::new(FailureClass::Transient, FailureCode::Internal, "gone")) };
        model.call(fails).await.unwrap_err();
        let report = health.report().await;
        let model =
            ProviderState { name: "ml_model".to_owned(), breaker: "OPEN".to_owned(), failures: 1, problem: None };
        assert_eq!((report.providers.as_slice(), report.is_ready()), ([model].as_slice(), true));
    }

    #[tokio::test]
    async fn a_provider_with_a_wrong_key_is_told_with_the_reason_and_costs_no_readiness() {
        let breakers = breakers();
        let health = Health::new("descant", "here", None, Some(messaging::in_process()), None, breakers.clone());
        health.expect_service("orchestrator");
        health.service_ready("orchestrator");
        breakers.breaker("vendor/lyrics");
        breakers.hold_open("vendor", Duration::from_secs(60), "vendor refused the key (401)");
        let report = health.report().await;
        assert_eq!(report.providers[0].problem.as_deref(), Some("vendor refused the key (401)"));
        assert!(report.is_ready());
    }

    #[tokio::test]
    async fn a_process_is_ready_when_all_its_services_are_and_until_it_drains() {
        let health = Health::new("descant", "here", None, Some(messaging::in_process()), None, breakers());
        assert_eq!(health.phase(), Phase::Starting);
        health.expect_service("gateway");
        health.expect_service("storage");
        health.service_ready("gateway");
        assert_eq!(health.phase(), Phase::Starting);
        health.service_ready("storage");
        assert!(health.report().await.is_ready());
        health.begin_drain();
        let report = health.report().await;
        assert!(!report.is_ready() && report.healthy);
        assert_eq!(report.phase, Phase::Draining);
    }

    #[tokio::test]
    async fn a_lost_dependency_is_named_and_ends_readiness() {
        let bus = messaging::in_process();
        let health = Health::new("descant", "here", None, Some(bus.clone()), None, breakers());
        health.expect_service("gateway");
        health.service_ready("gateway");
        bus.close().await;
        let report = health.report().await;
        assert!(!report.healthy && !report.is_ready());
        assert_eq!(report.checks.iter().map(|check| check.name).collect::<Vec<_>>(), ["broker"]);
    }
}
