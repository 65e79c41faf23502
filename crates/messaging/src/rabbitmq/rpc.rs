//! Requests and their replies over direct reply-to.
//!
//! The broker sends replies to the channel that published the request, so each reply channel has a reply consumer
//! of its own. When a channel breaks, the replies to it are lost; whoever waits sends the request again on a new one,
//! within the deadline and with the same message id.

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
    publish::{self, OutgoingMessage, PublishFailure, confirming_channel, publish_once},
};
use crate::{error::MessagingError, lock};

/// The broker's pseudo-queue for direct reply-to: replies go to the channel that published the request.
const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// Channels for requests; each publishes one request at a time (see `publish`), and any number wait for replies.
const REPLY_CHANNELS: usize = 4;

const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Sends requests and waits for their replies.
pub(super) struct RpcClient {
    link: Link,
    config: Arc<RabbitConfig>,
    reply_channels: [tokio::sync::Mutex<Option<ReplyChannel>>; REPLY_CHANNELS],
    next: AtomicUsize,
}

/// A channel that publishes requests, and those who wait for their replies, by correlation id.
struct ReplyChannel {
    channel: Channel,
    pending: PendingReplies,
    consumer: AbortHandle,
}

type PendingReplies = Arc<Mutex<HashMap<String, oneshot::Sender<Vec<u8>>>>>;

impl Drop for ReplyChannel {
    fn drop(&mut self) {
        self.consumer.abort();
        // Dropping the senders wakes those who wait.
        lock(&self.pending).clear();
    }
}

/// A request's entry among those that wait for a reply: removed on drop, for whatever reason the waiting ends.
struct PendingReply {
    correlation_id: String,
    entries: PendingReplies,
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        lock(&self.entries).remove(&self.correlation_id);
    }
}

impl RpcClient {
    pub(super) fn new(link: Link, config: Arc<RabbitConfig>) -> Self {
        Self { link, config, reply_channels: Default::default(), next: AtomicUsize::new(0) }
    }

    /// Sends a request, again if need be, and returns the reply's bytes.
    pub(super) async fn call(
        &self,
        queue: Queue,
        message: &Envelope,
        bytes: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, MessagingError> {
        let started = Instant::now();
        let deadline = started + timeout;
        let passed = || MessagingError::DeadlinePassed { queue, waited: started.elapsed() };
        loop {
            let publishing = self.publish(queue, message, bytes, deadline);
            let published = tokio::time::timeout_at(deadline.into(), publishing).await.map_err(|_| passed())?;
            match published {
                Ok((pending, reply)) => {
                    match tokio::time::timeout_at(deadline.into(), reply).await {
                        Err(_) => return Err(passed()),
                        Ok(Ok(reply)) => return Ok(reply),
                        // The channel broke.
                        Ok(Err(_)) => tracing::debug!(correlation_id = pending.correlation_id, "asking again"),
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

    /// Publishes the request to its queue. `Err(None)`: worth another attempt.
    async fn publish(
        &self,
        queue: Queue,
        message: &Envelope,
        bytes: &[u8],
        deadline: Instant,
    ) -> Result<(PendingReply, oneshot::Receiver<Vec<u8>>), Option<MessagingError>> {
        let mut slot = self.reply_channels[self.next.fetch_add(1, Ordering::Relaxed) % REPLY_CHANNELS].lock().await;
        let reply_channel = match slot.take() {
            Some(open) if open.channel.status().connected() => open,
            _ => match self.open_reply_channel(deadline).await {
                Ok(opened) => opened,
                Err(MessagingError::Closed) => return Err(Some(MessagingError::Closed)),
                Err(_) => return Err(None),
            },
        };
        let correlation_id = uuid::Uuid::new_v4().simple().to_string();
        let (sender, reply) = oneshot::channel();
        lock(&reply_channel.pending).insert(correlation_id.clone(), sender);
        let pending = PendingReply { correlation_id, entries: Arc::clone(&reply_channel.pending) };
        let properties = publish::properties(&self.config, &message.message_id, message.kind(), true)
            .with_reply_to(REPLY_TO.into())
            .with_correlation_id(pending.correlation_id.as_str().into());
        let outgoing = OutgoingMessage {
            exchange: COMMAND_EXCHANGE,
            routing_key: queue.name(),
            mandatory: true,
            properties,
            payload: bytes,
        };
        let timeout = self.config.confirm_timeout.min(deadline.saturating_duration_since(Instant::now()));
        // The channel is out of its slot meanwhile: a failure, or this future's end, drops it.
        match publish_once(&reply_channel.channel, outgoing, timeout).await {
            Ok(()) => {
                *slot = Some(reply_channel);
                Ok((pending, reply))
            }
            Err(PublishFailure::Unroutable(returned)) => {
                // The confirmation has come, so the channel is still good.
                *slot = Some(reply_channel);
                Err(Some(MessagingError::Unroutable { target: queue.name().to_owned(), reply: returned }))
            }
            Err(PublishFailure::Refused) => {
                *slot = Some(reply_channel);
                Err(Some(MessagingError::Refused { target: queue.name().to_owned() }))
            }
            Err(PublishFailure::ChannelLost(error)) => {
                tracing::debug!(%error, "a request could not be sent");
                Err(None)
            }
            Err(PublishFailure::TimedOut) => Err(None),
        }
    }

    async fn open_reply_channel(&self, deadline: Instant) -> Result<ReplyChannel, MessagingError> {
        let channel = confirming_channel(&self.link, deadline).await?;
        // Required by direct reply-to; when a reply gets lost the request is sent again.
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let consuming = channel.basic_consume(REPLY_TO.into(), "replies".into(), options, FieldTable::default());
        let mut consumer = within(deadline, consuming).await?;
        let pending = PendingReplies::default();
        let entries = Arc::clone(&pending);
        let task = tokio::spawn(async move {
            while let Some(Ok(reply)) = consumer.next().await {
                let correlation_id = reply.properties.correlation_id().as_ref().map(|id| id.as_str().to_owned());
                match correlation_id.and_then(|id| lock(&entries).remove(&id)) {
                    // It fails when the requester has just stopped waiting.
                    Some(requester) => drop(requester.send(reply.data)),
                    None => tracing::info!("a reply came too late"),
                }
            }
            lock(&entries).clear();
        });
        Ok(ReplyChannel { channel, pending, consumer: task.abort_handle() })
    }
}
