//! What the transport and the object store tell, as metrics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use blob_store::{Observation, Observer};
use contracts::topology::Queue;
use messaging::{HandlingOutcome, LinkRole, MessagingObserver, SendOutcome};
use telemetry::Metrics;

pub(crate) struct BusMetrics {
    pub metrics: Metrics,
    /// Set before the process closes its connections, whose end is then no news.
    pub leaving: Arc<AtomicBool>,
}

impl MessagingObserver for BusMetrics {
    fn sent(&self, target: &'static str, outcome: SendOutcome) {
        self.metrics.message_published(target, outcome.as_str());
    }

    fn handled(&self, queue: Queue, _kind: &'static str, outcome: HandlingOutcome, took: Duration) {
        self.metrics.message_consumed(queue.metric_label(), outcome.as_str(), took);
    }

    fn answered(&self, queue: Queue, outcome: &'static str, took: Duration) {
        self.metrics.message_answered(queue.metric_label(), outcome, took);
    }

    fn events_missed(&self) {
        self.metrics.events_missed();
    }

    fn link(&self, role: LinkRole, up: bool) {
        if up {
            tracing::info!(connection = role.as_str(), "connected to the broker");
        } else if !self.leaving.load(Ordering::Relaxed) {
            tracing::warn!(connection = role.as_str(), "connection to the broker lost");
        }
    }
}

pub(crate) fn object_metrics(metrics: Metrics) -> Observer {
    Arc::new(move |seen: Observation| {
        metrics.object_operation(seen.backend, seen.operation, seen.outcome, seen.took);
        for (direction, bytes) in [("in", seen.bytes_in), ("out", seen.bytes_out)] {
            if bytes > 0 {
                metrics.object_bytes(seen.backend, direction, bytes);
            }
        }
    })
}
