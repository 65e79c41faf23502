//! All breakers of a process by provider name, for the statistics and for an operator's reset.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, Utc};
use telemetry::metrics::Metrics;

use crate::{
    breaker::{Breaker, BreakerSettings, BreakerState, ToldHold},
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
    /// What an operator has to see to: why callers are kept out whatever they met, such as a key that is wrong, or what is
    /// amiss and keeps nobody out.
    pub problem: Option<String>,
    /// Since when and until when callers are kept out for what was found out here.
    pub held: Option<(DateTime<Utc>, DateTime<Utc>)>,
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
                    problem: breaker.problem(),
                    held: breaker.held(),
                }
            })
            .collect()
    }

    /// Closes the breakers of that name, which is a breaker's own or that of a provider (`NAME` stands for each `NAME/…`);
    /// says how many there are.
    pub fn reset(&self, name: &str) -> usize {
        let breakers = self.named(name);
        breakers.iter().for_each(|breaker| breaker.reset());
        breakers.len()
    }

    /// Opens the breakers of that name, as [`Self::reset`] understands it, for so long, whatever their callers met.
    pub fn hold_open(&self, name: &str, hold: Duration, why: &str) {
        self.named(name).iter().for_each(|breaker| breaker.hold_open(hold, why));
    }

    /// Holds open what others hold open, by their breakers' own names, and nothing else that they held before.
    pub fn heed(&self, holds: &[ToldHold]) {
        let breakers: Vec<_> = lock(&self.breakers).values().cloned().collect();
        breakers.iter().for_each(|breaker| breaker.heed(holds));
    }

    /// Ends what [`Self::hold_open`] began.
    pub fn release(&self, name: &str) {
        self.named(name).iter().for_each(|breaker| breaker.release());
    }

    /// Says under a name of its own what is amiss and keeps nobody out; `None` when nothing is any more.
    pub fn note(&self, name: &str, what: Option<&str>) {
        match what {
            Some(_) => self.breaker(name).note(what),
            None => self.named(name).iter().for_each(|breaker| breaker.note(None)),
        }
    }

    fn named(&self, name: &str) -> Vec<Arc<Breaker>> {
        let is_named =
            |known: &str| known == name || known.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        lock(&self.breakers).iter().filter(|(known, _)| is_named(known)).map(|(_, breaker)| breaker.clone()).collect()
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

    use chrono::TimeDelta;
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

        assert_eq!(registry.reset("expert"), 1);
        assert_eq!(registry.reset("nobody"), 0, "and none is made by asking");
        assert!(registry.snapshot().iter().all(|b| b.state == BreakerState::Closed));
        assert_eq!(registry.reset_all(), 2);
    }

    #[tokio::test]
    async fn a_provider_is_held_open_with_all_that_it_does_until_it_is_reset() {
        let registry = BreakerRegistry::new(BreakerSettings::default(), Metrics::new("test"));
        let breakers = ["vendor/lyrics", "vendor/vocals", "vendors/lyrics"].map(|name| registry.breaker(name));
        registry.hold_open("vendor", Duration::from_secs(60), "its key is wrong");
        let is_let_through = async |breaker: &Breaker| breaker.call(ready(Ok::<_, Failure>(()))).await.is_ok();
        assert!(!is_let_through(&breakers[0]).await && !is_let_through(&breakers[1]).await);
        assert!(is_let_through(&breakers[2]).await, "another provider's name only begins alike");
        assert!(breakers[0].observe(ready(Ok::<_, Failure>(()))).await.is_ok(), "what is on its way is looked at");
        assert!(!is_let_through(&breakers[0]).await, "which says nothing about credit");
        assert!(matches!(breakers[0].state(), BreakerState::Open { .. }));
        let told = || registry.snapshot().into_iter().map(|breaker| breaker.problem).collect::<Vec<_>>();
        assert_eq!(told(), [Some("its key is wrong".to_owned()), Some("its key is wrong".to_owned()), None]);
        registry.release("vendor");
        assert_eq!((told(), breakers[0].state()), (vec![None, None, None], BreakerState::Closed));
        registry.hold_open("vendor", Duration::from_secs(60), "its key is wrong");
        assert_eq!(registry.reset("vendor"), 2);
        assert!(is_let_through(&breakers[0]).await && is_let_through(&breakers[1]).await);
    }

    #[tokio::test]
    async fn what_others_hold_is_held_until_they_let_go_or_somebody_resets_it() {
        let registry = BreakerRegistry::new(BreakerSettings::default(), Metrics::new("test"));
        let [lyrics, vocals] = ["vendor/lyrics", "vendor/vocals"].map(|name| registry.breaker(name));
        let told = |since: TimeDelta, until: TimeDelta| {
            let (name, why, now) = ("vendor/lyrics".to_owned(), "no credit".to_owned(), Utc::now());
            vec![ToldHold { name, since: now + since, until: now + until, why }]
        };
        let minute = TimeDelta::minutes(1);
        let check = |holds: &[ToldHold], expected: Option<&str>| {
            registry.heed(holds);
            assert_eq!(lyrics.held_because().as_deref(), expected, "{holds:?}");
            assert_eq!(matches!(lyrics.state(), BreakerState::Open { .. }), expected.is_some(), "{holds:?}");
            assert_eq!((vocals.state(), lyrics.held()), (BreakerState::Closed, None), "nothing was found out here");
        };
        let valid = told(-minute, minute);
        check(&valid, Some("no credit"));
        check(&[], None);
        check(&told(-minute * 2, -minute), None);
        check(&valid, Some("no credit"));
        registry.reset("vendor");
        check(&valid, None);
        check(&told(minute, minute * 2), Some("no credit"));
        // What was found out here stands by itself.
        registry.hold_open("vendor/lyrics", Duration::from_secs(60), "its key is wrong");
        registry.heed(&[]);
        assert!(lyrics.held().is_some_and(|(since, until)| since < until));
        assert_eq!(lyrics.held_because().as_deref(), Some("its key is wrong"));
    }

    #[tokio::test]
    async fn one_thing_that_a_provider_does_is_held_alone_and_what_is_only_told_holds_nothing() {
        let registry = BreakerRegistry::new(BreakerSettings::default(), Metrics::new("test"));
        let [music, speech] = ["vendor/music", "vendor/speech"].map(|name| registry.breaker(name));
        let told = || -> Vec<(String, &'static str, Option<String>)> {
            let all = registry.snapshot().into_iter();
            all.map(|breaker| (breaker.name, breaker.state.as_str(), breaker.problem)).collect()
        };
        registry.note("vendor/letters", None);
        assert_eq!(told().len(), 2, "nothing to tell makes no breaker");
        registry.hold_open("vendor/music", Duration::from_secs(60), "no such version");
        registry.note("vendor/letters", Some("another seal"));
        assert_eq!((music.state().as_str(), speech.state()), ("OPEN", BreakerState::Closed));
        let [letters, music, _] = <[_; 3]>::try_from(told()).unwrap();
        assert_eq!(letters, ("vendor/letters".to_owned(), "CLOSED", Some("another seal".to_owned())));
        assert_eq!(music.2.as_deref(), Some("no such version"));
        registry.release("vendor/music");
        registry.note("vendor/letters", None);
        assert!(told().iter().all(|(_, state, problem)| *state == "CLOSED" && problem.is_none()));
    }
}
