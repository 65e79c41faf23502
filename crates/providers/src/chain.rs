//! Providers in order of preference, each behind a breaker, a deadline and a few attempts.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::{
    Failure, FailureClass, FailureCode, Tried,
    retry::{RetryDecision, RetryPolicy},
};
use resilience::{Breaker, BreakerRegistry, Bulkhead};
use telemetry::Metrics;

use crate::{
    abilities::{Abilities, Need},
    calls::{CallScope, ProviderCall, ProviderName},
    slot::{Line, Slot},
    stop::Stop,
};

/// Longest wait that a provider asks for and that is kept where the call is made, and how often.
const MOST_TOLD_WAIT: Duration = Duration::from_secs(10);
const MOST_TOLD_WAITS: u32 = 3;

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

/// How a provider is called.
#[derive(Clone)]
pub struct Terms {
    pub version: Version,
    pub abilities: Abilities,
    /// `None` for one that fails only because of its input.
    pub guard: Option<Guard>,
    /// Of this provider, where they are not the chain's.
    pub limits: Option<CallLimits>,
    /// Whether it is paid for what it does: it is not asked for another take.
    pub is_paid: bool,
}

impl Terms {
    /// Of somebody in this process, who costs nothing and whose health is ours.
    pub fn of_own(version: impl Into<String>) -> Self {
        Self {
            version: Version::Known(version.into()),
            abilities: Abilities::default(),
            guard: None,
            limits: None,
            is_paid: false,
        }
    }

    /// Of somebody elsewhere, whose breaker is the provider's for this capability.
    pub fn elsewhere(version: Version, guard: Guard) -> Self {
        Self { version, abilities: Abilities::default(), guard: Some(guard), limits: None, is_paid: false }
    }
}

/// What keeps callers from a provider that is not well, and from taking more of it than it gives.
#[derive(Clone)]
pub struct Guard {
    breaker: Arc<Breaker>,
    breakers: BreakerRegistry,
    /// Calls at once.
    bulkhead: Option<Bulkhead>,
    /// Under which names the provider's credit is spent.
    account: Arc<[String]>,
}

impl Guard {
    /// With a breaker of its own for one capability.
    pub fn new(provider: &str, capability: &str, breakers: &BreakerRegistry) -> Self {
        Self {
            breaker: breakers.breaker(&format!("{provider}/{capability}")),
            breakers: breakers.clone(),
            bulkhead: None,
            account: [provider.to_owned()].into(),
        }
    }

    /// Of a provider whose credit is spent under all of these names, its own among them.
    #[must_use]
    pub fn of_account(mut self, names: &[String]) -> Self {
        self.account = names.into();
        self
    }

    /// With slots that all capabilities of the provider share.
    #[must_use]
    pub fn sharing(mut self, bulkhead: Bulkhead) -> Self {
        self.bulkhead = Some(bulkhead);
        self
    }

    /// How long nobody asks a provider whose money or key is at an end. An operator's reset ends it before.
    const fn left_alone(class: FailureClass) -> Option<Duration> {
        match class {
            FailureClass::Money => Some(Duration::from_secs(15 * 60)),
            FailureClass::Config => Some(Duration::from_secs(5 * 60)),
            _ => None,
        }
    }

    /// Keeps everybody from a provider that no caller can get anything of until an operator has acted.
    fn close_for_everybody(&self, provider: &str, failure: &Failure, metrics: &Metrics) {
        let Some(left_alone) = Self::left_alone(failure.class) else { return };
        // Credit is all of the account's; a version may be refused that is this capability's alone.
        if failure.class == FailureClass::Money {
            self.account.iter().for_each(|name| self.breakers.hold_open(name, left_alone, &failure.message));
        } else {
            self.breakers.hold_open(self.breaker.name(), left_alone, &failure.message);
        }
        metrics.provider_closed(provider, failure.class.as_str());
        tracing::error!(
            provider,
            class = %failure.class,
            minutes = left_alone.as_secs() / 60,
            why = failure.message,
            "a provider is left alone: an operator has to see to its key, its address or its credit"
        );
    }
}

struct Link<P: ?Sized> {
    name: ProviderName,
    terms: Terms,
    provider: Arc<P>,
}

impl<P: ?Sized> Clone for Link<P> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), terms: self.terms.clone(), provider: self.provider.clone() }
    }
}

impl<P: ?Sized> Link<P> {
    /// Whether somebody who has failed with this is looked at again when all others have failed: it may still answer, or has made
    /// what is better than nothing. Who costs nothing is asked anew by a later attempt.
    fn is_looked_at_again(&self, code: FailureCode, need: &Need) -> bool {
        let is_poor = need.takes_poor && code == FailureCode::QualityGate;
        is_poor || (self.terms.is_paid && code == FailureCode::StageTimeout)
    }

    fn provided<T>(&self, value: T, started: Instant) -> Provided<T> {
        let (provider, is_paid) = (self.name.clone(), self.terms.is_paid);
        Provided { value, provider, is_paid, took: started.elapsed() }
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
    pub provider: ProviderName,
    /// Whether each further one would cost something.
    pub is_paid: bool,
    pub took: Duration,
}

impl<T> Provided<T> {
    /// The same of something made of it.
    pub fn with<U>(self, make: impl FnOnce(T) -> U) -> Provided<U> {
        let Self { value, provider, is_paid, took } = self;
        Provided { value: make(value), provider, is_paid, took }
    }
}

impl<P: ?Sized> Chain<P> {
    /// `capability` is a word for metrics, such as `melody`.
    pub fn new(capability: &'static str, limits: CallLimits, metrics: Metrics) -> Self {
        Self { capability, links: Vec::new(), limits, metrics }
    }

    /// Appends a provider; the first one appended is tried first.
    pub fn push(&mut self, name: &str, terms: Terms, provider: Arc<P>) {
        self.links.push(Link { name: name.into(), terms, provider });
    }

    /// Puts a provider before all that are there.
    pub fn put_first(&mut self, name: &str, terms: Terms, provider: Arc<P>) {
        self.links.insert(0, Link { name: name.into(), terms, provider });
    }

    /// The provider that is tried first for a request, and its version; `None` also when the version is not known.
    pub async fn preferred(&self, need: &Need) -> Option<(ProviderName, String)> {
        let link = self.links.iter().find(|link| link.terms.abilities.lacks(&link.name, need).is_none())?;
        let version = match &link.terms.version {
            Version::Known(version) => version.clone(),
            Version::Asked(provider) => provider.version(self.capability).await?,
        };
        Some((link.name.clone(), version))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|link| &*link.name)
    }

    /// Calls the providers in turn until one succeeds. Passed over is one that cannot do what is needed, and one that the log
    /// says was given up. The next one is tried when a failure's class allows. When all have failed, whoever was waited for no
    /// longer and has answered since, or still may, is taken at its word, and then what somebody has made badly; else the last
    /// failure is returned. Never takes longer than the scope says.
    pub async fn call<'a, T, E, F, Fut>(&self, scope: CallScope<'a>, need: &Need, call: F) -> Result<Provided<T>, Stop>
    where
        E: Into<Stop>,
        F: Fn(Arc<P>, ProviderCall<'a>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let ends_at = Instant::now() + scope.remaining;
        let mut tried = scope.calls.tried().await?;
        let mut last = Failure::new(FailureClass::Config, FailureCode::ProviderConfig, "no provider is configured");
        let mut has_failed = false;
        let mut late = Vec::new();
        for (index, link) in self.links.iter().enumerate() {
            if let Some(known) = tried.iter().find(|tried| *tried.provider == *link.name) {
                // Whoever ran the stage before may have died with this as its last word.
                if let (Some(class), Some(code)) = (known.class, known.code) {
                    last = Failure::new(class, code, known.why.clone());
                    has_failed = true;
                    if link.is_looked_at_again(code, need) {
                        late.push((code, link));
                    }
                }
                continue;
            }
            if let Some(why) = link.terms.abilities.lacks(&link.name, need) {
                // How somebody who can do it has failed says more.
                if !has_failed {
                    last = self.cannot(&link.name, &why);
                }
                tried.push(Tried::passed_over(&link.name, why));
                scope.calls.give_up(tried[tried.len() - 1].clone()).await?;
                continue;
            }
            let started = Instant::now();
            let is_able = |link: &Link<P>| link.terms.abilities.lacks(&link.name, need).is_none();
            let is_last = !self.links[index + 1..].iter().any(is_able);
            // A provider that hangs must leave time for the one after it.
            let link_ends_at = if is_last { ends_at } else { started + ends_at.saturating_duration_since(started) / 2 };
            let within = ProviderCall {
                calls: scope.calls,
                provider: link.name.clone(),
                model: need.model.clone(),
                ends_at: link_ends_at,
                remaining: ends_at.saturating_duration_since(started),
                stage_ends_at: ends_at,
                is_last,
                may_be_poor: is_last,
                slot: Arc::default(),
            };
            match self.call_link(link, within, &call).await {
                Ok(value) => return Ok(link.provided(value, started)),
                Err(Stop::Parked(parking)) => return Err(Stop::Parked(parking)),
                Err(Stop::Failed(failure)) if !failure.class.may_fall_back() => return Err(failure.into()),
                Err(Stop::Failed(failure) | Stop::GivenUp(failure) | Stop::NotAsked(failure)) => {
                    let (class, code) = (failure.class, failure.code);
                    tracing::warn!(provider = &*link.name, %class, %code, "provider failed");
                    scope.calls.give_up(Tried::failed(&link.name, &failure)).await?;
                    if link.is_looked_at_again(code, need) {
                        late.push((code, link));
                    }
                    last = failure;
                    has_failed = true;
                }
            }
        }
        // What is good is taken before what is poor.
        late.sort_by_key(|(code, _)| *code == FailureCode::QualityGate);
        for (_, link) in late {
            if let Some(made) = self.call_late(link, scope, need, ends_at, &call).await? {
                return Ok(made);
            }
        }
        Err(last.into())
    }

    /// Has of a provider that was given up what it has answered, also since. `None` where it has not, or where that is of
    /// no use: how it was given up is told already.
    async fn call_late<'a, T, E, F, Fut>(
        &self,
        link: &Link<P>,
        scope: CallScope<'a>,
        need: &Need,
        ends_at: Instant,
        call: &F,
    ) -> Result<Option<Provided<T>>, Stop>
    where
        E: Into<Stop>,
        F: Fn(Arc<P>, ProviderCall<'a>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let started = Instant::now();
        if !scope.calls.has_late_answer(&link.name, ends_at).await? {
            return Ok(None);
        }
        let within = ProviderCall {
            calls: scope.calls,
            provider: link.name.clone(),
            model: need.model.clone(),
            ends_at,
            remaining: ends_at.saturating_duration_since(Instant::now()),
            stage_ends_at: ends_at,
            // Work that was given up is not waited for anew.
            is_last: false,
            may_be_poor: true,
            slot: Arc::default(),
        };
        match self.call_link(link, within, call).await {
            Ok(value) => {
                tracing::info!(provider = &*link.name, "an answer that was given up is used");
                Ok(Some(link.provided(value, started)))
            }
            Err(Stop::Failed(failure)) if !failure.class.may_fall_back() => Err(failure.into()),
            Err(stop) => {
                let code = stop.into_failure().code;
                tracing::warn!(provider = &*link.name, %code, "an answer that was given up is of no use");
                Ok(None)
            }
        }
    }

    fn cannot(&self, provider: &str, why: &str) -> Failure {
        Failure::new(
            FailureClass::Caller,
            FailureCode::ImpossibleOptions,
            format!("no provider can do this for {}: of {provider}, {why}", self.capability),
        )
    }

    async fn call_link<'a, T, E, F, Fut>(&self, link: &Link<P>, within: ProviderCall<'a>, call: &F) -> Result<T, Stop>
    where
        E: Into<Stop>,
        F: Fn(Arc<P>, ProviderCall<'a>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let limits = link.terms.limits.unwrap_or(self.limits);
        let (mut attempt, mut waits, mut line) = (1, 0, Line::default());
        loop {
            let stop = match self.call_once(link, &within, limits, &mut line, call).await {
                Ok(value) => return Ok(value),
                Err(Stop::Failed(failure)) => failure,
                Err(stop) => return Err(stop),
            };
            // What is wrong with one model that was asked for by name is nothing of the provider's, nor is a slip of ours.
            let is_the_providers = matches!(stop.code, FailureCode::ProviderConfig | FailureCode::ProviderQuota);
            if let Some(guard) = link.terms.guard.as_ref().filter(|_| is_the_providers && within.model.is_none()) {
                guard.close_for_everybody(&link.name, &stop, &self.metrics);
            }
            if stop.code == FailureCode::StageTimeout && !within.is_last {
                // Somebody else may do better in the time that is left.
                return Err(stop.into());
            }
            if let Some(wait) = line.again(&stop, limits.retry, within.is_last, within.ends_at) {
                tokio::time::sleep(wait).await;
                continue;
            }
            let Some((wait, counts)) = Self::wait_before_retry(limits.retry, &stop, (attempt, waits), within.ends_at)
            else {
                return Err(stop.into());
            };
            tokio::time::sleep(wait).await;
            if counts {
                attempt += 1;
            } else {
                waits += 1;
            }
        }
    }

    async fn call_once<'a, T, E, F, Fut>(
        &self,
        link: &Link<P>,
        within: &ProviderCall<'a>,
        limits: CallLimits,
        line: &mut Line,
        call: &F,
    ) -> Result<T, Stop>
    where
        E: Into<Stop>,
        F: Fn(Arc<P>, ProviderCall<'a>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let left = || within.ends_at.saturating_duration_since(Instant::now());
        let has_begun = link.terms.guard.is_some() && within.calls.has_begun(&link.name).await?;
        // Before a slot is waited for: one whose calls hang holds all of them.
        if let Some(refusal) =
            link.terms.guard.as_ref().filter(|_| !has_begun).and_then(|guard| guard.breaker.refusing())
        {
            self.metrics.provider_call(&link.name, self.capability, refusal.class.as_str(), Duration::ZERO);
            return Err(refusal.into());
        }
        let longest = line.ends_at(within.is_last, within.ends_at).saturating_duration_since(Instant::now());
        let has_all = has_begun && link.terms.is_paid && within.calls.has_all(&link.name).await?;
        let slot: Arc<Slot> = match link.terms.guard.as_ref().and_then(|guard| guard.bulkhead.as_ref()) {
            // Its own call may be what has the slot that it would wait for.
            Some(bulkhead) if has_all => Arc::new(Slot::later(bulkhead)),
            Some(bulkhead) => Arc::new(Slot::of(bulkhead, longest, &link.name).await?),
            None => Arc::default(),
        };
        let budget = left().min(limits.call_timeout);
        let asked = ProviderCall { slot: slot.clone(), ends_at: Instant::now() + budget, ..within.clone() };
        let mut stopped = None;
        let nothing_known = || {
            let unknown = "nothing is known of its health";
            Failure::new(FailureClass::Saturated, FailureCode::ProviderUnavailable, unknown)
        };
        // The timeout lies inside the breaker, so that a call that hangs counts as a failure.
        let bounded = async {
            let work = async { call(link.provider.clone(), asked).await.map_err(Into::into) };
            match tokio::time::timeout(budget, work).await {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(Stop::Failed(failure))) => {
                    line.note(&failure, &slot);
                    Err(failure)
                }
                Ok(Err(Stop::GivenUp(failure))) => {
                    stopped = Some(Stop::GivenUp(failure.clone()));
                    Err(failure)
                }
                // What it was asked for may be there, and is waited for; that it does not answer counts all the same.
                Ok(Err(Stop::Parked(parking))) if parking.is_unanswered => {
                    stopped = Some(Stop::Parked(parking));
                    let silent = format!("{} did not answer", link.name);
                    Err(Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, silent))
                }
                // It works on it, or was not asked: that says nothing about its health.
                Ok(Err(other @ (Stop::Parked(_) | Stop::NotAsked(_)))) => {
                    stopped = Some(other);
                    Err(nothing_known())
                }
                Err(_) => {
                    let message = format!("{} did not answer within {} s", link.name, budget.as_secs());
                    let failure = Failure::new(FailureClass::Transient, FailureCode::StageTimeout, message);
                    // It was another process that was waited for, which may have died: nothing was sent from here.
                    if has_begun && within.calls.is_made_elsewhere(&link.name).await.unwrap_or(false) {
                        stopped = Some(Stop::NotAsked(failure));
                        return Err(nothing_known());
                    }
                    // It may have been paid for what was cut off.
                    stopped = link.terms.is_paid.then(|| Stop::GivenUp(failure.clone()));
                    Err(failure)
                }
            }
        };
        let started = Instant::now();
        let outcome = match &link.terms.guard {
            None => bounded.await,
            // What it works on is looked at, however many others it fails.
            Some(guard) if has_begun => guard.breaker.observe(bounded).await,
            Some(guard) => guard.breaker.call(bounded).await,
        };
        let word = match (&outcome, &stopped) {
            (_, Some(Stop::Parked(_))) => "parked",
            (_, Some(Stop::NotAsked(_))) => "not_asked",
            (Ok(_), _) => "done",
            (Err(failure), _) => failure.class.as_str(),
        };
        self.metrics.provider_call(&link.name, self.capability, word, started.elapsed());
        match (outcome, stopped) {
            (_, Some(stop)) => Err(stop),
            (Ok(value), None) => Ok(value),
            (Err(failure), None) => Err(failure.into()),
        }
    }

    /// How long to wait before the same provider is called again, and whether that is an attempt; `None` when it is not worth it.
    /// A short wait that the provider has asked for is kept here; longer ones are left to the next provider, and at last to the
    /// job's own retry, which holds no slot while it waits.
    fn wait_before_retry(
        retry: RetryPolicy,
        failure: &Failure,
        (attempt, waits): (u32, u32),
        ends_at: Instant,
    ) -> Option<(Duration, bool)> {
        let decision = retry.decide(failure, attempt, resilience::ids::random_unit());
        let RetryDecision::Again { after, counts } = decision else { return None };
        let is_told = failure.class == FailureClass::RetryAfter && failure.retry_after.is_some();
        let is_short = is_told && after <= MOST_TOLD_WAIT && waits < MOST_TOLD_WAITS;
        ((counts || is_short) && Instant::now() + after < ends_at).then_some((after, counts))
    }
}

#[cfg(test)]
mod tests;
