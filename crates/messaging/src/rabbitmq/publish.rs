//! Publishing with a confirmation for every message.
//!
//! Each message in flight has a channel of its own, taken from a pool. The reason is that lapin hands a returned
//! (unroutable) message to whichever confirmation of its channel comes next, so with several in flight on one channel a
//! lost message could read as confirmed. One at a time, there is nothing to mix up, and a channel on which anything went
//! wrong is thrown away. The broker still writes many channels' messages to disk together.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use contracts::topology::CONTENT_TYPE;
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use tokio::sync::Semaphore;

use super::{
    config::RabbitConfig,
    link::{Link, within},
};
use crate::{error::MessagingError, lock};

/// One message to publish.
#[derive(Clone)]
pub(super) struct Parcel<'a> {
    pub exchange: &'a str,
    pub routing_key: &'a str,
    /// Whether it is an error when no queue takes it.
    pub mandatory: bool,
    pub properties: BasicProperties,
    pub payload: &'a [u8],
}

/// The properties that all messages have.
pub(super) fn properties(config: &RabbitConfig, message_id: &str, kind: &str, persistent: bool) -> BasicProperties {
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_delivery_mode(if persistent { 2 } else { 1 })
        .with_message_id(message_id.into())
        .with_type(kind.into())
        .with_app_id(config.service_name.as_str().into())
}

/// Publishes and waits for confirmations, again and again within a deadline.
pub(super) struct Publisher {
    link: Link,
    config: Arc<RabbitConfig>,
    idle: Mutex<Vec<Channel>>,
    window: Semaphore,
}

/// Why one attempt failed.
pub(super) enum Failure {
    /// No queue takes it: trying again at once is no use.
    Unroutable(String),
    /// The queue is full, or has lost its majority.
    Refused,
    /// The channel or the connection broke.
    Broken(lapin::Error),
    /// No word from the broker.
    Silent,
}

impl Publisher {
    pub(super) fn new(link: Link, config: Arc<RabbitConfig>) -> Self {
        let window = Semaphore::new(config.publish_window.max(1));
        Self { link, config, idle: Mutex::default(), window }
    }

    /// `Ok` when the broker has confirmed that all its queues hold the message.
    pub(super) async fn publish(&self, parcel: Parcel<'_>, deadline: Instant) -> Result<(), MessagingError> {
        let started = Instant::now();
        let target = || if parcel.exchange.is_empty() { "a reply queue" } else { parcel.routing_key }.to_owned();
        let unconfirmed = |source: Option<lapin::Error>| MessagingError::Unconfirmed {
            target: target(),
            waited: started.elapsed(),
            source: source.map(Into::into),
        };
        // The semaphore is never closed.
        let Ok(Ok(_slot)) = tokio::time::timeout_at(deadline.into(), self.window.acquire()).await else {
            return Err(unconfirmed(None));
        };
        loop {
            let failure = match self.channel(deadline).await {
                Err(error) if Instant::now() >= deadline || matches!(error, MessagingError::Closed) => {
                    return Err(error);
                }
                Err(_) => None,
                Ok(channel) => {
                    let patience = self.config.confirm_timeout.min(deadline.saturating_duration_since(Instant::now()));
                    match publish_once(&channel, parcel.clone(), patience).await {
                        Ok(()) => {
                            self.idle().push(channel);
                            return Ok(());
                        }
                        Err(Failure::Unroutable(reply)) => {
                            return Err(MessagingError::Unroutable { target: target(), reply });
                        }
                        Err(Failure::Refused) => return Err(MessagingError::Refused { target: target() }),
                        Err(Failure::Broken(error)) => Some(error),
                        Err(Failure::Silent) => None,
                    }
                }
            };
            if Instant::now() + RETRY_PAUSE >= deadline {
                return Err(unconfirmed(failure));
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn channel(&self, deadline: Instant) -> Result<Channel, MessagingError> {
        loop {
            let idle = self.idle().pop();
            match idle {
                Some(channel) if channel.status().connected() => return Ok(channel),
                Some(_) => {}
                None => return confirming_channel(&self.link, deadline).await,
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Channel>> {
        lock(&self.idle)
    }
}

const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// A new channel on which the broker confirms.
pub(super) async fn confirming_channel(link: &Link, deadline: Instant) -> Result<Channel, MessagingError> {
    let channel = link.channel(deadline).await?;
    within(deadline, channel.confirm_select(ConfirmSelectOptions::default())).await?;
    Ok(channel)
}

/// One attempt on a channel that has no other message in flight. After any failure the channel must not be used again:
/// the confirmation may still come.
pub(super) async fn publish_once(channel: &Channel, parcel: Parcel<'_>, patience: Duration) -> Result<(), Failure> {
    let publishing = async {
        let options = BasicPublishOptions { mandatory: parcel.mandatory, ..Default::default() };
        let (exchange, key) = (parcel.exchange.into(), parcel.routing_key.into());
        channel.basic_publish(exchange, key, options, parcel.payload, parcel.properties).await?.await
    };
    match tokio::time::timeout(patience, publishing).await {
        Err(_) => Err(Failure::Silent),
        Ok(Err(error)) => Err(Failure::Broken(error)),
        Ok(Ok(Confirmation::Ack(None))) => Ok(()),
        // An unroutable message is acknowledged all the same; only the message that comes back tells.
        Ok(Ok(Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)))) => {
            Err(Failure::Unroutable(format!("{} {}", returned.reply_code, returned.reply_text)))
        }
        Ok(Ok(Confirmation::Nack(None) | Confirmation::NotRequested)) => Err(Failure::Refused),
    }
}
