//! Requests and their replies over direct reply-to.
//!
//! The broker sends replies to the channel that asked, so a lane is a channel with its own reply consumer. When a lane
//! breaks, the replies to it are lost; whoever waits asks again on a new one, within the deadline and with the same
//! message id.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use contracts::{
    Envelope,
    topology::{COMMAND_EXCHANGE, Queue},
};
use futures_util::StreamExt;
use lapin::{Channel, options::BasicConsumeOptions, types::FieldTable};
use tokio::{sync::oneshot, task::AbortHandle};

use super::{
    config::RabbitConfig,
    link::{Link, within},
    publish::{self, Failure, Parcel, confirming_channel, publish_once},
};
use crate::{error::MessagingError, lock};

/// The broker's name for "the channel that asks".
const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// Lanes; each publishes one request at a time (see `publish`), and any number wait for replies.
const LANES: usize = 4;

const RETRY_PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Asker {
    link: Link,
    config: Arc<RabbitConfig>,
    lanes: [tokio::sync::Mutex<Option<Lane>>; LANES],
    next: AtomicUsize,
}

/// A channel that asks, and those who wait for its replies, by correlation id.
struct Lane {
    channel: Channel,
    waiting: Waiting,
    replies: AbortHandle,
}

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Vec<u8>>>>>;

impl Drop for Lane {
    fn drop(&mut self) {
        self.replies.abort();
        // Dropping the senders wakes those who wait.
        lock(&self.waiting).clear();
    }
}

/// Removes its entry when the asker stops waiting, for whatever reason.
struct Ticket {
    correlation_id: String,
    waiting: Waiting,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.waiting).remove(&self.correlation_id);
    }
}

impl Asker {
    pub(super) fn new(link: Link, config: Arc<RabbitConfig>) -> Self {
        Self { link, config, lanes: Default::default(), next: AtomicUsize::new(0) }
    }

    /// The reply's bytes.
    pub(super) async fn ask(
        &self,
        queue: Queue,
        message: &Envelope,
        bytes: &[u8],
        patience: Duration,
    ) -> Result<Vec<u8>, MessagingError> {
        let started = Instant::now();
        let deadline = started + patience;
        let passed = || MessagingError::DeadlinePassed { queue, waited: started.elapsed() };
        loop {
            let asking = self.put(queue, message, bytes, deadline);
            let question = tokio::time::timeout_at(deadline.into(), asking).await.map_err(|_| passed())?;
            match question {
                Ok((ticket, answer)) => {
                    match tokio::time::timeout_at(deadline.into(), answer).await {
                        Err(_) => return Err(passed()),
                        Ok(Ok(reply)) => return Ok(reply),
                        // The lane broke.
                        Ok(Err(_)) => tracing::debug!(correlation_id = ticket.correlation_id, "asking again"),
                    }
                }
                Err(Some(error)) => return Err(error),
                Err(None) => {}
            }
            if Instant::now() + RETRY_PAUSE >= deadline {
                return Err(passed());
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Brings the request into its queue. `Err(None)`: worth another attempt.
    async fn put(
        &self,
        queue: Queue,
        message: &Envelope,
        bytes: &[u8],
        deadline: Instant,
    ) -> Result<(Ticket, oneshot::Receiver<Vec<u8>>), Option<MessagingError>> {
        let mut place = self.lanes[self.next.fetch_add(1, Ordering::Relaxed) % LANES].lock().await;
        let lane = match place.take() {
            Some(lane) if lane.channel.status().connected() => lane,
            _ => match self.open_lane(deadline).await {
                Ok(lane) => lane,
                Err(MessagingError::Closed) => return Err(Some(MessagingError::Closed)),
                Err(_) => return Err(None),
            },
        };
        let correlation_id = uuid::Uuid::new_v4().simple().to_string();
        let (sender, answer) = oneshot::channel();
        lock(&lane.waiting).insert(correlation_id.clone(), sender);
        let ticket = Ticket { correlation_id, waiting: Arc::clone(&lane.waiting) };
        let properties = publish::properties(&self.config, &message.message_id, message.kind(), true)
            .with_reply_to(REPLY_TO.into())
            .with_correlation_id(ticket.correlation_id.as_str().into());
        let parcel = Parcel {
            exchange: COMMAND_EXCHANGE,
            routing_key: queue.name(),
            mandatory: true,
            properties,
            payload: bytes,
        };
        let patience = self.config.confirm_timeout.min(deadline.saturating_duration_since(Instant::now()));
        // The lane is out of its place meanwhile: a failure, or this future's end, drops it.
        match publish_once(&lane.channel, parcel, patience).await {
            Ok(()) => {
                *place = Some(lane);
                Ok((ticket, answer))
            }
            Err(Failure::Unroutable(reply)) => {
                // The confirmation has come, so the channel is still good.
                *place = Some(lane);
                Err(Some(MessagingError::Unroutable { target: queue.name().to_owned(), reply }))
            }
            Err(Failure::Refused) => {
                *place = Some(lane);
                Err(Some(MessagingError::Refused { target: queue.name().to_owned() }))
            }
            Err(Failure::Broken(error)) => {
                tracing::debug!(%error, "a request could not be sent");
                Err(None)
            }
            Err(Failure::Silent) => Err(None),
        }
    }

    async fn open_lane(&self, deadline: Instant) -> Result<Lane, MessagingError> {
        let channel = confirming_channel(&self.link, deadline).await?;
        // Required by direct reply-to; a reply that gets lost is asked for again.
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let consuming = channel.basic_consume(REPLY_TO.into(), "replies".into(), options, FieldTable::default());
        let mut consumer = within(deadline, consuming).await?;
        let waiting = Waiting::default();
        let askers = Arc::clone(&waiting);
        let replies = tokio::spawn(async move {
            while let Some(Ok(reply)) = consumer.next().await {
                let correlation_id = reply.properties.correlation_id().as_ref().map(|id| id.as_str().to_owned());
                match correlation_id.and_then(|id| lock(&askers).remove(&id)) {
                    // It fails when the asker has just left.
                    Some(asker) => drop(asker.send(reply.data)),
                    None => tracing::info!("a reply came too late"),
                }
            }
            lock(&askers).clear();
        });
        Ok(Lane { channel, waiting, replies: replies.abort_handle() })
    }
}
