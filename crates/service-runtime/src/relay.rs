//! The way from outbox rows to the broker.
//!
//! At least once: a message is marked only after the broker has confirmed it, so one that was published just before a
//! crash goes out again, with the same message id. Several relays may run: each row is taken by one at a time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use contracts::topology::Queue;
use domain::MessageId;
use futures_util::{StreamExt, stream};
use messaging::{Bus, MessagingError};
use persistence::{Database, Destination, PendingMessage, PersistenceError};
use resilience::Clock;
use telemetry::{Metrics, error_chain};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::error::RuntimeError;

/// Messages taken at once.
const BATCH: u64 = 64;
/// Messages under way at once.
const IN_FLIGHT: usize = 32;
/// Longer than all tries to send a batch can take (two rounds of fifteen seconds), so that nobody else sends it
/// meanwhile; short enough for what a killed relay had taken.
const CLAIM: TimeDelta = TimeDelta::seconds(60);
/// Pauses after a failure grow from the first to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// The pass after the last service has ended.
const LAST_PASS: Duration = Duration::from_secs(5);
const MEASURE_EVERY: Duration = Duration::from_secs(5);
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Published messages are kept this long, for people who look into what happened.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// Publishes what the outbox holds.
pub struct OutboxRelay {
    pub database: Database,
    pub bus: Arc<dyn Bus>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    /// Notified after a commit that left a message.
    pub wake: Arc<Notify>,
    /// How long to sleep when nobody wakes it.
    pub poll: Duration,
}

/// What one pass did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pass {
    pub published: usize,
    pub failed: usize,
}

impl OutboxRelay {
    /// Runs until `shutdown`, then makes one last pass.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut pause = None;
        let (mut measured, mut pruned) = (None, None);
        while !shutdown.is_cancelled() {
            let more = match self.pass().await {
                Ok(pass) if pass.failed > 0 => {
                    pause = Some(longer(pause));
                    false
                }
                Ok(pass) => {
                    if pause.take().is_some() {
                        tracing::info!(published = pass.published, "outbox messages leave again");
                    }
                    pass.published as u64 == BATCH
                }
                Err(why) => {
                    tracing::warn!(error = error_chain(&why), "outbox cannot be read");
                    pause = Some(longer(pause));
                    false
                }
            };
            self.keep_house(&mut measured, &mut pruned).await;
            if more {
                continue;
            }
            // While the broker is away, a wake-up is no reason to hurry.
            let woken = async {
                if pause.is_none() {
                    self.wake.notified().await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(pause.unwrap_or(self.poll)) => {}
                () = shutdown.cancelled() => {}
            }
        }
        match tokio::time::timeout(LAST_PASS, self.pass()).await {
            Ok(Ok(_)) => {}
            Ok(Err(why)) => tracing::warn!(error = error_chain(&why), "last messages stay in the outbox"),
            Err(_) => tracing::warn!("last messages stay in the outbox: no time left"),
        }
    }

    /// Takes one batch and publishes it.
    ///
    /// # Errors
    /// When rows cannot be read or marked. A message that cannot be published is no error: it is given back.
    pub async fn pass(&self) -> Result<Pass, PersistenceError> {
        let now = self.clock.now();
        let batch = self.database.outbox().claim_batch(now + CLAIM, BATCH, now).await?;
        let sent = stream::iter(batch).map(|pending| async move {
            let outcome = self.publish(&pending).await;
            (pending, outcome)
        });
        let sent: Vec<_> = sent.buffer_unordered(IN_FLIGHT).collect().await;
        let published: Vec<MessageId> =
            sent.iter().filter(|(_, outcome)| outcome.is_ok()).map(|(pending, _)| pending.message.id).collect();
        if !published.is_empty() {
            self.database.outbox().mark_published(&published, self.clock.now()).await?;
        }
        let failed = sent.len() - published.len();
        for (pending, outcome) in sent {
            if let Err(why) = outcome {
                self.give_back(&pending, &why).await?;
            }
        }
        Ok(Pass { published: published.len(), failed })
    }

    async fn publish(&self, pending: &PendingMessage) -> Result<(), MessagingError> {
        let envelope = contracts::decode(&pending.message.payload)?;
        match &pending.message.destination {
            Destination::Event => self.bus.publish_event(envelope).await,
            Destination::Queue(name) => match Queue::from_name(name) {
                Some(queue) => self.bus.send(queue, envelope).await,
                // Written by a newer version, and left to its relay.
                None => Err(MessagingError::Unroutable {
                    target: name.clone(),
                    reply: "this version knows no such queue".to_owned(),
                }),
            },
        }
    }

    async fn give_back(&self, pending: &PendingMessage, why: &MessagingError) -> Result<(), PersistenceError> {
        let doublings = pending.attempts.saturating_sub(1).min(16);
        let wait = PAUSES.0.saturating_mul(1 << doublings).min(PAUSES.1);
        tracing::warn!(
            message_id = %pending.message.id,
            attempts = pending.attempts,
            retry_in_ms = wait.as_millis() as u64,
            error = error_chain(why),
            "message not published yet"
        );
        let retry_at = self.clock.now() + wait;
        self.database.outbox().release(&[pending.message.id], retry_at).await
    }

    /// Figures for the metrics, and the end of what was published long ago.
    async fn keep_house(&self, measured: &mut Option<Instant>, pruned: &mut Option<Instant>) {
        if is_due(measured, MEASURE_EVERY) {
            match self.database.outbox().backlog(self.clock.now()).await {
                Ok(backlog) => self.metrics.outbox(backlog.pending, backlog.oldest.to_std().unwrap_or_default()),
                Err(why) => tracing::debug!(error = error_chain(&why), "outbox not measured"),
            }
            for queue in Queue::ALL {
                if let Ok(messages) = self.bus.depth(queue).await {
                    self.metrics.queue_depth(queue.metric_label(), messages);
                }
            }
        }
        if is_due(pruned, PRUNE_EVERY)
            && let Err(why) = self.database.outbox().prune(self.clock.now() - KEPT).await
        {
            tracing::warn!(error = error_chain(&why), "published messages not pruned");
        }
    }
}

impl TryFrom<&crate::Deps> for OutboxRelay {
    type Error = RuntimeError;

    fn try_from(deps: &crate::Deps) -> Result<Self, RuntimeError> {
        Ok(Self {
            database: deps.database()?,
            bus: deps.bus()?,
            clock: Arc::clone(&deps.clock),
            metrics: deps.metrics.clone(),
            wake: Arc::clone(&deps.outbox),
            poll: deps.settings.jobs.outbox_poll,
        })
    }
}

fn longer(pause: Option<Duration>) -> Duration {
    pause.map_or(PAUSES.0, |pause| (pause * 2).min(PAUSES.1))
}

fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    let due = last.is_none_or(|at| at.elapsed() >= every);
    if due {
        *last = Some(Instant::now());
    }
    due
}
