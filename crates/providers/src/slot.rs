//! The place of a call among those that its provider takes at once.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{Failure, FailureClass, FailureCode, retry::RetryPolicy};
use resilience::{Bulkhead, Permit};

/// Waiting for a slot again ends so long before the call does, so that the wait is not taken for the provider's silence.
const SPARE: Duration = Duration::from_secs(1);
/// Longest that a slot of a provider is waited for while another one could be asked.
const MOST_SLOT_WAIT: Duration = Duration::from_secs(10);
/// How long a provider that works on as much as it takes is sent fewer calls at once, where it does not say how long.
const NARROW_FOR: Duration = Duration::from_secs(30);

/// Held as long as it lives, unless it is let go before. The default is that of a provider that takes any number.
#[derive(Debug, Default)]
pub struct Slot {
    of: Option<Bulkhead>,
    held: Mutex<Option<Permit>>,
    /// Whether it was waited for again and did not come.
    is_lost: AtomicBool,
}

impl Slot {
    /// Waits for one so long. Waiting for it says nothing about the provider.
    ///
    /// # Errors
    /// `Saturated` where none came free.
    pub async fn of(bulkhead: &Bulkhead, longest: Duration, provider: &str) -> Result<Self, Failure> {
        let permit = permit(bulkhead, longest, provider).await?;
        Ok(Self { of: Some(bulkhead.clone()), held: Mutex::new(Some(permit)), is_lost: AtomicBool::default() })
    }

    /// One that is taken when a call begins.
    pub fn later(bulkhead: &Bulkhead) -> Self {
        Self { of: Some(bulkhead.clone()), held: Mutex::default(), is_lost: AtomicBool::default() }
    }

    fn held(&self) -> MutexGuard<'_, Option<Permit>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The provider has answered, and what comes is our own work: others may have the slot.
    pub fn let_go(&self) {
        drop(self.held().take());
    }

    /// Waits for it again where it was let go, until shortly before the call ends. Waiting says nothing about the provider.
    ///
    /// # Errors
    /// `Saturated` where none came free.
    pub async fn take_again(&self, until: Instant) -> Result<(), Failure> {
        let Some(bulkhead) = self.of.as_ref().filter(|_| self.held().is_none()) else { return Ok(()) };
        let longest = until.saturating_duration_since(Instant::now()).saturating_sub(SPARE);
        let permit = permit(bulkhead, longest, bulkhead.name()).await;
        let permit = permit.inspect_err(|_| self.is_lost.store(true, Ordering::Relaxed))?;
        *self.held() = Some(permit);
        Ok(())
    }

    /// The provider works on as much as it takes: for a while it is sent no more calls at once than it has taken beside this one.
    /// Says whether there is a line to wait in again.
    fn narrow(&self, hold: Option<Duration>) -> bool {
        let Some(bulkhead) = self.of.as_ref().filter(|_| !self.is_lost.load(Ordering::Relaxed)) else { return false };
        let own = usize::from(self.held().is_some());
        bulkhead.narrow(bulkhead.in_use().saturating_sub(own), hold.unwrap_or(NARROW_FOR));
        true
    }
}

/// A call's way through the line for its provider, from which it may be sent back.
#[derive(Debug, Default)]
pub struct Line {
    /// When it was sent back first.
    since: Option<Instant>,
    turns: u32,
    is_sent_back: bool,
}

impl Line {
    /// Until when it is stood in: as long as the call may take, and not for long while somebody else can be asked.
    pub fn ends_at(&self, is_last: bool, ends_at: Instant) -> Instant {
        let began = self.since.unwrap_or_else(Instant::now);
        if is_last { ends_at } else { ends_at.min(began + MOST_SLOT_WAIT) }
    }

    /// Notes how the provider has refused a call with this slot.
    pub fn note(&mut self, failure: &Failure, slot: &Slot) {
        self.is_sent_back = failure.class == FailureClass::Saturated && slot.narrow(failure.retry_after);
    }

    /// How long to wait before the line is joined again, where the provider has sent the call back into it and there is time for
    /// that. It is no attempt: nothing was begun.
    pub fn again(
        &mut self,
        failure: &Failure,
        retry: RetryPolicy,
        is_last: bool,
        ends_at: Instant,
    ) -> Option<Duration> {
        if !std::mem::take(&mut self.is_sent_back) {
            return None;
        }
        self.since.get_or_insert_with(Instant::now);
        self.turns += 1;
        let wait = retry.delay(self.turns, resilience::ids::random_unit());
        let wait = wait.max(failure.retry_after.unwrap_or_default());
        (Instant::now() + wait < self.ends_at(is_last, ends_at)).then_some(wait)
    }
}

async fn permit(bulkhead: &Bulkhead, longest: Duration, provider: &str) -> Result<Permit, Failure> {
    tokio::time::timeout(longest, bulkhead.acquire()).await.map_err(|_| {
        let message = format!("all {} calls that {provider} allows at once are in use", bulkhead.slots());
        Failure::new(FailureClass::Saturated, FailureCode::ProviderUnavailable, message)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use resilience::{BreakerRegistry, BreakerSettings};
    use telemetry::Metrics;

    use super::*;
    use crate::{CallLimits, CallScope, Chain, DirectCalls, Guard, Need, Stop, Terms, Version};

    #[tokio::test]
    async fn a_slot_that_was_let_go_is_somebody_elses_until_it_is_taken_again() {
        let bulkhead = Bulkhead::new("vendor", 1);
        let slot = Slot::of(&bulkhead, Duration::from_secs(60), "vendor").await.unwrap();
        let none = Slot::of(&bulkhead, Duration::from_millis(1), "vendor").await.unwrap_err();
        assert_eq!(none.class, FailureClass::Saturated);
        slot.let_go();
        let other = bulkhead.try_acquire();
        assert!(other.is_some());
        let none = slot.take_again(Instant::now()).await.unwrap_err();
        assert_eq!(none.class, FailureClass::Saturated);
        drop(other);
        let until = Instant::now() + Duration::from_secs(60);
        slot.take_again(until).await.unwrap();
        slot.take_again(until).await.unwrap();
        assert_eq!(bulkhead.in_use(), 1, "it is held once");
        drop(slot);
        assert_eq!(bulkhead.in_use(), 0);
        Slot::default().take_again(until).await.unwrap();
    }

    #[tokio::test]
    async fn waiting_for_our_own_slot_again_is_no_failure_of_the_provider() {
        let metrics = Metrics::new("test");
        let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
        let limits = CallLimits { call_timeout: Duration::from_millis(1_200), ..CallLimits::default() };
        let slots = Bulkhead::new("vendor", 1);
        let guard = Guard::new("vendor", "test", &breakers).sharing(slots.clone());
        let mut chain: Chain<str> = Chain::new("test", limits, metrics);
        let terms = Terms { is_paid: true, ..Terms::elsewhere(Version::Known("1".to_owned()), guard) };
        chain.push("vendor", terms, Arc::from("vendor"));
        let (log, slots) = (DirectCalls::default(), &slots);
        let stop = chain
            .call(CallScope::new(&log, Duration::from_secs(600)), &Need::default(), |_, call| async move {
                call.slot.let_go();
                let _somebody_elses = slots.acquire().await;
                call.slot.take_again(call.ends_at).await
            })
            .await
            .unwrap_err();
        assert!(matches!(&stop, Stop::Failed(failure) if failure.class == FailureClass::Saturated), "{stop:?}");
    }
}
