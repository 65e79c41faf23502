//! All breakers of a process by provider name, for the statistics and for an operator's reset.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use telemetry::metrics::Metrics;

use crate::{
    breaker::{Breaker, BreakerSettings, BreakerState},
    lock,
};

/// Name → breaker. Cheap to clone; clones share the breakers.
#[derive(Clone, Debug)]
pub struct BreakerRegistry {
    settings: BreakerSettings,
    metrics: Metrics,
    breakers: Arc<Mutex<BTreeMap<String, Arc<Breaker>>>>,
}

/// One breaker as it stood at a moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BreakerSnapshot {
    pub name: String,
    pub state: BreakerState,
    /// Consecutive failures.
    pub failures: u32,
    /// Consecutive failures that open it.
    pub threshold: u32,
}

impl BreakerRegistry {
    pub fn new(settings: BreakerSettings, metrics: Metrics) -> Self {
        Self { settings, metrics, breakers: Arc::default() }
    }

    /// The breaker of that name, made on first use. Names come from code or settings, never from a request.
    pub fn breaker(&self, name: &str) -> Arc<Breaker> {
        let mut breakers = lock(&self.breakers);
        if let Some(breaker) = breakers.get(name) {
            return Arc::clone(breaker);
        }
        let breaker = Arc::new(Breaker::new(name, self.settings, self.metrics.clone()));
        breakers.insert(name.to_owned(), Arc::clone(&breaker));
        breaker
    }

    /// All breakers in the order of their names; also brings their gauges up to date.
    pub fn snapshot(&self) -> Vec<BreakerSnapshot> {
        let breakers: Vec<_> = lock(&self.breakers).values().cloned().collect();
        breakers
            .iter()
            .map(|breaker| {
                breaker.refresh_gauge();
                BreakerSnapshot {
                    name: breaker.name().to_owned(),
                    state: breaker.state(),
                    failures: breaker.failures(),
                    threshold: breaker.settings().threshold,
                }
            })
            .collect()
    }

    /// Closes the breaker of that name; `false` when there is none.
    pub fn reset(&self, name: &str) -> bool {
        let breaker = lock(&self.breakers).get(name).cloned();
        breaker.is_some_and(|breaker| {
            breaker.reset();
            true
        })
    }

    /// Closes all of them and says how many there are.
    pub fn reset_all(&self) -> usize {
        let breakers: Vec<_> = lock(&self.breakers).values().cloned().collect();
        breakers.iter().for_each(|breaker| breaker.reset());
        breakers.len()
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use domain::{Failure, FailureClass, FailureCode};

    use super::*;

    #[tokio::test]
    async fn one_breaker_per_name_shared_by_all_callers() {
        let registry =
            BreakerRegistry::new(BreakerSettings { threshold: 1, ..Default::default() }, Metrics::new("test"));
        registry.breaker("melody");
        let failure = Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "no answer");
        let _: Result<(), _> = registry.clone().breaker("expert").call(ready(Err(failure))).await;

        let snapshot = registry.snapshot();
        let brief: Vec<_> = snapshot.iter().map(|b| (b.name.as_str(), b.state.as_str(), b.failures)).collect();
        assert_eq!(brief, [("expert", "OPEN", 1), ("melody", "CLOSED", 0)]);

        assert!(registry.reset("expert"));
        assert!(!registry.reset("nobody"), "and none is made by asking");
        assert!(registry.snapshot().iter().all(|b| b.state == BreakerState::Closed));
        assert_eq!(registry.reset_all(), 2);
    }
}
