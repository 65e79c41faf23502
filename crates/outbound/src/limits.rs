//! How long a request may take and how much may come back.

use std::time::Duration;

/// Bounds of one request and its answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    /// From the first attempt to connect to the last byte of the answer, redirects included. Where it is shorter than the
    /// time to connect, an address that does not answer at all ends as [`crate::OutboundError::Unanswered`].
    pub deadline: Duration,
    /// From the same moment to the headers of each answer.
    pub first_byte: Option<Duration>,
    /// Largest body, counted after decompression.
    pub max_body_bytes: u64,
    /// A body that comes slower ends; only time spent waiting for it counts.
    pub slowest: MinimumRate,
}

/// The least that has to come while it is waited for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MinimumRate {
    pub bytes_per_second: u32,
    /// What the rate is taken over.
    pub window: Duration,
}

impl MinimumRate {
    /// 64 bytes a second over 30 s: what a living connection always has, and a deliberate trickle has not.
    pub const DEFAULT: Self = Self { bytes_per_second: 64, window: Duration::from_secs(30) };

    /// What has to come in a window.
    pub(crate) fn least_bytes(self) -> u128 {
        u128::from(self.bytes_per_second) * self.window.as_millis() / 1000
    }
}

impl Limits {
    /// With no bound of its own on the time to the first byte, and the usual slowest rate.
    pub const fn new(deadline: Duration, max_body_bytes: u64) -> Self {
        Self { deadline, first_byte: None, max_body_bytes, slowest: MinimumRate::DEFAULT }
    }
}
