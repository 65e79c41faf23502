//! What keeps an outside call from hurting the inside: circuit breakers, bulkheads, rate limits;
//! and the two inputs that the pure core asks for, the clock and randomness.
//!
//! Knows no provider, queue or row: it wraps futures that fail with [`domain::Failure`] and never makes a call itself.

pub mod breaker;
pub mod bulkhead;
pub mod clock;
pub mod ids;
pub mod rate;
pub mod registry;

pub use breaker::{Breaker, BreakerSettings, BreakerState, ToldHold};
pub use bulkhead::{Bulkhead, Permit};
pub use clock::{Clock, ManualClock, SystemClock};
pub use rate::RateLimiter;
pub use registry::{BreakerRegistry, BreakerSnapshot};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic while holding one of this crate's locks leaves nothing half-written that a later holder could misread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
