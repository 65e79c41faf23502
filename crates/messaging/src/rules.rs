//! The delivery rules that both transports keep.

use std::time::Duration;

use contracts::topology;

/// When a message comes again and when it is given up. All services of one system must agree on the delays: they are
/// part of the names of the broker's retry queues.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeliveryRules {
    /// After this many deliveries without success a message is dead.
    pub max_deliveries: u32,
    /// Delays before the next delivery, growing; see [`topology::RETRY_DELAYS`].
    pub retry_delays: Vec<Duration>,
    /// By how much the clocks of two services may differ: a request is dropped when it expired longer ago than this.
    pub clock_tolerance: Duration,
}

impl Default for DeliveryRules {
    fn default() -> Self {
        Self {
            max_deliveries: topology::MAX_DELIVERIES,
            retry_delays: topology::RETRY_DELAYS.to_vec(),
            clock_tolerance: Duration::from_secs(5),
        }
    }
}

impl DeliveryRules {
    pub(crate) fn retry_delay(&self, deliveries: u32) -> Duration {
        topology::retry_delay(&self.retry_delays, deliveries)
    }
}
