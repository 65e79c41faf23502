//! At most so many starts in any stretch of a minute.
//!
//! Counts within one process: with several orchestrators each holds its own limit.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::lock;

/// A sliding window over the moments of the last starts: unlike a bucket it never lets twice the limit through in one
/// window.
#[derive(Debug)]
pub struct RateLimiter {
    limit: usize,
    window: Duration,
    starts: Mutex<VecDeque<Instant>>,
    /// Waiters pass one at a time, in the order they came.
    turnstile: tokio::sync::Mutex<()>,
}

impl RateLimiter {
    /// Zero would never let anything through and reads as one.
    pub fn per_minute(limit: u32) -> Self {
        Self::new(limit, Duration::from_secs(60))
    }

    pub fn new(limit: u32, window: Duration) -> Self {
        Self {
            limit: usize::try_from(limit.max(1)).unwrap_or(usize::MAX),
            window,
            starts: Mutex::new(VecDeque::new()),
            turnstile: tokio::sync::Mutex::new(()),
        }
    }

    /// Starts now, or says how long to wait until the next start is free (others may be waiting for it too).
    pub fn try_acquire(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let mut starts = lock(&self.starts);
        while starts.front().is_some_and(|oldest| now.duration_since(*oldest) >= self.window) {
            starts.pop_front();
        }
        match starts.front() {
            Some(oldest) if starts.len() >= self.limit => Err(self.window - now.duration_since(*oldest)),
            _ => {
                starts.push_back(now);
                Ok(())
            }
        }
    }

    /// Waits for its turn and for a free start. Dropping the future takes nothing from the limit.
    pub async fn acquire(&self) {
        let _turn = self.turnstile.lock().await;
        while let Err(wait) = self.try_acquire() {
            sleep_until(Instant::now() + wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_window_slides() {
        let limiter = RateLimiter::per_minute(2);
        let begun = Instant::now();
        limiter.acquire().await;
        tokio::time::advance(Duration::from_secs(20)).await;
        limiter.acquire().await;
        assert_eq!(limiter.try_acquire(), Err(Duration::from_secs(40)));
        limiter.acquire().await;
        assert_eq!(begun.elapsed().as_secs(), 60, "a minute after the first");
        limiter.acquire().await;
        assert_eq!(begun.elapsed().as_secs(), 80, "a minute after the second");
    }

    #[tokio::test(start_paused = true)]
    async fn any_window_holds_at_most_the_limit() {
        let limiter = RateLimiter::new(3, Duration::from_secs(1));
        let mut starts = Vec::new();
        for _ in 0..20 {
            limiter.acquire().await;
            starts.push(Instant::now());
        }
        for pair in starts.windows(4) {
            assert!(pair[3] - pair[0] >= Duration::from_secs(1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_gives_up_takes_no_start() {
        let limiter = RateLimiter::per_minute(1);
        limiter.acquire().await;
        assert!(tokio::time::timeout(Duration::from_secs(5), limiter.acquire()).await.is_err());
        tokio::time::advance(Duration::from_secs(55)).await;
        assert_eq!(limiter.try_acquire(), Ok(()));
    }
}
