//! The place of a call among those that its provider takes at once.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{Failure, FailureClass, FailureCode};
use resilience::{Bulkhead, Permit};

/// Held as long as it lives, unless it is let go before. The default is that of a provider that takes any number.
#[derive(Debug, Default)]
pub struct Slot {
    of: Option<Bulkhead>,
    held: Mutex<Option<Permit>>,
}

impl Slot {
    /// Waits for one so long. Waiting for it says nothing about the provider.
    ///
    /// # Errors
    /// `Saturated` where none came free.
    pub async fn of(bulkhead: &Bulkhead, longest: Duration, provider: &str) -> Result<Self, Failure> {
        match tokio::time::timeout(longest, bulkhead.acquire()).await {
            Ok(permit) => Ok(Self { of: Some(bulkhead.clone()), held: Mutex::new(Some(permit)) }),
            Err(_) => {
                let message = format!("all {} calls that {provider} allows at once are in use", bulkhead.slots());
                Err(Failure::new(FailureClass::Saturated, FailureCode::ProviderUnavailable, message))
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Permit>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The provider has answered, and what comes is our own work: others may have the slot.
    pub fn let_go(&self) {
        drop(self.held().take());
    }

    /// Waits for it again where it was let go; the deadline of the call bounds that.
    pub async fn take_again(&self) {
        let Some(bulkhead) = self.of.as_ref().filter(|_| self.held().is_none()) else { return };
        let permit = bulkhead.acquire().await;
        *self.held() = Some(permit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slot_that_was_let_go_is_somebody_elses_until_it_is_taken_again() {
        let bulkhead = Bulkhead::new("vendor", 1);
        let slot = Slot::of(&bulkhead, Duration::from_secs(60), "vendor").await.unwrap();
        let none = Slot::of(&bulkhead, Duration::from_millis(1), "vendor").await.unwrap_err();
        assert_eq!(none.class, FailureClass::Saturated);
        slot.let_go();
        let other = bulkhead.try_acquire();
        assert!(other.is_some());
        drop(other);
        slot.take_again().await;
        slot.take_again().await;
        assert_eq!(bulkhead.in_use(), 1, "it is held once");
        drop(slot);
        assert_eq!(bulkhead.in_use(), 0);
        Slot::default().take_again().await;
    }
}
