//! Providers in order of preference, each behind a breaker, a deadline and a few attempts.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode,
    retry::{RetryDecision, RetryPolicy},
};
use resilience::Breaker;
use telemetry::Metrics;

/// Bounds on one call and on its repetitions.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// Longest that one call may take.
    pub call_timeout: Duration,
    pub retry: RetryPolicy,
}

impl Default for CallLimits {
    /// Three minutes a call, three attempts, two seconds base.
    fn default() -> Self {
        Self { call_timeout: Duration::from_secs(180), retry: RetryPolicy::PROVIDER_CALL }
    }
}

/// What a provider makes of the same inputs changes with its version only.
#[derive(Clone)]
pub enum Version {
    /// Of a provider in this process.
    Known(String),
    /// Of a provider elsewhere, which may be replaced while this process runs.
    Asked(Arc<dyn TellsVersion>),
}

/// A provider elsewhere that says which version it is.
#[async_trait]
pub trait TellsVersion: Send + Sync {
    /// The version of what it does for a capability; `None` when it does not say, or cannot be asked just now.
    async fn version(&self, capability: &str) -> Option<String>;
}

struct Link<P: ?Sized> {
    name: &'static str,
    version: Version,
    provider: Arc<P>,
    breaker: Option<Arc<Breaker>>,
}

impl<P: ?Sized> Clone for Link<P> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            version: self.version.clone(),
            provider: self.provider.clone(),
            breaker: self.breaker.clone(),
        }
    }
}

/// The providers of one capability.
pub struct Chain<P: ?Sized> {
    /// For metrics.
    capability: &'static str,
    links: Vec<Link<P>>,
    limits: CallLimits,
    metrics: Metrics,
}

impl<P: ?Sized> Clone for Chain<P> {
    fn clone(&self) -> Self {
        Self {
            capability: self.capability,
            links: self.links.clone(),
            limits: self.limits,
            metrics: self.metrics.clone(),
        }
    }
}

/// A result with the name of who made it, for the job's record.
#[derive(Clone, Debug, PartialEq)]
pub struct Provided<T> {
    pub value: T,
    pub provider: &'static str,
    pub took: Duration,
}

impl<P: ?Sized> Chain<P> {
    /// `capability` is a word for metrics, such as `melody`.
    pub fn new(capability: &'static str, limits: CallLimits, metrics: Metrics) -> Self {
        Self { capability, links: Vec::new(), limits, metrics }
    }

    /// Appends a provider; the first one appended is tried first.
    pub fn push(&mut self, name: &'static str, version: Version, provider: Arc<P>, breaker: Option<Arc<Breaker>>) {
        self.links.push(Link { name, version, provider, breaker });
    }

    /// Puts a provider before all that are there.
    pub fn put_first(&mut self, name: &'static str, version: Version, provider: Arc<P>, breaker: Option<Arc<Breaker>>) {
        self.links.insert(0, Link { name, version, provider, breaker });
    }

    /// The provider that is tried first, and its version; `None` also when the version is not known.
    pub async fn preferred(&self) -> Option<(&'static str, String)> {
        let link = self.links.first()?;
        let version = match &link.version {
            Version::Known(version) => version.clone(),
            Version::Asked(provider) => provider.version(self.capability).await?,
        };
        Some((link.name, version))
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.links.iter().map(|link| link.name)
    }

    /// Calls the providers in turn until one succeeds. The next one is tried when a failure's class allows; the last
    /// failure is returned. Never takes longer than `remaining`.
    pub async fn call<T, F, Fut>(&self, remaining: Duration, call: F) -> Result<Provided<T>, Failure>
    where
        F: Fn(Arc<P>) -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let ends_at = Instant::now() + remaining;
        let mut last = Failure::new(FailureClass::Config, FailureCode::ProviderConfig, "no provider is configured");
        for (index, link) in self.links.iter().enumerate() {
            let started = Instant::now();
            let is_last = index + 1 == self.links.len();
            // A provider that hangs must leave time for the one after it.
            let link_ends_at = if is_last { ends_at } else { started + ends_at.saturating_duration_since(started) / 2 };
            match self.call_link(link, link_ends_at, is_last, &call).await {
                Ok(value) => return Ok(Provided { value, provider: link.name, took: started.elapsed() }),
                Err(failure) if failure.class.may_fall_back() => {
                    tracing::warn!(provider = link.name, class = %failure.class, code = %failure.code, "provider failed");
                    last = failure;
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(last)
    }

    async fn call_link<T, F, Fut>(
        &self,
        link: &Link<P>,
        ends_at: Instant,
        is_last: bool,
        call: &F,
    ) -> Result<T, Failure>
    where
        F: Fn(Arc<P>) -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let mut attempt = 1;
        loop {
            let budget = ends_at.saturating_duration_since(Instant::now()).min(self.limits.call_timeout);
            // The timeout lies inside the breaker, so that a call that hangs counts as a failure.
            let bounded = async {
                tokio::time::timeout(budget, call(link.provider.clone())).await.unwrap_or_else(|_| {
                    Err(Failure::new(
                        FailureClass::Transient,
                        FailureCode::StageTimeout,
                        format!("{} did not answer within {} s", link.name, budget.as_secs()),
                    ))
                })
            };
            let started = Instant::now();
            let outcome = match &link.breaker {
                Some(breaker) => breaker.call(bounded).await,
                None => bounded.await,
            };
            let word = outcome.as_ref().map_or_else(|failure| failure.class.as_str(), |_| "done");
            self.metrics.provider_call(link.name, self.capability, word, started.elapsed());
            let failure = match outcome {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            if failure.code == FailureCode::StageTimeout && !is_last {
                // Somebody else may do better in the time that is left.
                return Err(failure);
            }
            let Some(wait) = self.wait_before_retry(&failure, attempt, ends_at) else { return Err(failure) };
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// How long to wait before the same provider is called again; `None` when it is not worth it. Waits that do not
    /// count as attempts are left to the job's own retry, which holds no slot while it waits.
    fn wait_before_retry(&self, failure: &Failure, attempt: u32, ends_at: Instant) -> Option<Duration> {
        match self.limits.retry.decide(failure, attempt, resilience::ids::random_unit()) {
            RetryDecision::Again { after, counts: true } if Instant::now() + after < ends_at => Some(after),
            RetryDecision::Again { .. } | RetryDecision::GiveUp => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn limits() -> CallLimits {
        CallLimits {
            call_timeout: Duration::from_millis(50),
            retry: RetryPolicy { max_attempts: 3, base: Duration::from_millis(1), cap: Duration::from_millis(2) },
        }
    }

    fn chain_of(names: &[&'static str]) -> Chain<str> {
        let mut chain = Chain::new("test", limits(), Metrics::new("test"));
        for name in names {
            chain.push(name, Version::Known("1".to_owned()), Arc::from(*name), None);
        }
        chain
    }

    fn failure(class: FailureClass) -> Failure {
        Failure::new(class, FailureCode::ProviderUnavailable, "as the test wants")
    }

    #[tokio::test]
    async fn transient_failures_are_tried_again_and_then_the_next_provider_is_asked() {
        let calls = AtomicU32::new(0);
        let provided = chain_of(&["first", "second"])
            .call(Duration::from_secs(5), |provider| {
                calls.fetch_add(1, Ordering::SeqCst);
                async move { if &*provider == "first" { Err(failure(FailureClass::Transient)) } else { Ok(7) } }
            })
            .await
            .unwrap();
        assert_eq!((provided.value, provided.provider, calls.into_inner()), (7, "second", 4));
    }

    #[tokio::test]
    async fn a_callers_mistake_ends_the_chain_at_once() {
        let calls = AtomicU32::new(0);
        let refused = chain_of(&["first", "second"])
            .call(Duration::from_secs(5), |_| {
                calls.fetch_add(1, Ordering::SeqCst);
                async { Err::<(), _>(failure(FailureClass::Caller)) }
            })
            .await
            .unwrap_err();
        assert_eq!((refused.class, calls.into_inner()), (FailureClass::Caller, 1));
    }

    #[tokio::test]
    async fn a_call_that_hangs_is_cut_off() {
        let hung = chain_of(&["only"])
            .call(Duration::from_secs(5), |_| std::future::pending::<Result<(), Failure>>())
            .await
            .unwrap_err();
        assert_eq!(hung.code, FailureCode::StageTimeout);
    }

    #[tokio::test]
    async fn a_provider_that_hangs_is_asked_once_and_leaves_time_for_the_next() {
        let calls = AtomicU32::new(0);
        let provided = chain_of(&["hangs", "works"])
            .call(Duration::from_secs(5), |provider| {
                calls.fetch_add(1, Ordering::SeqCst);
                async move {
                    if &*provider == "hangs" {
                        std::future::pending::<()>().await;
                    }
                    Ok(7)
                }
            })
            .await
            .unwrap();
        assert_eq!((provided.provider, calls.into_inner()), ("works", 2));
    }

    #[tokio::test]
    async fn an_empty_chain_is_a_mistake_of_the_configuration() {
        let none = chain_of(&[]).call(Duration::from_secs(1), |_| async { Ok(()) }).await.unwrap_err();
        assert_eq!(none.class, FailureClass::Config);
    }
}
