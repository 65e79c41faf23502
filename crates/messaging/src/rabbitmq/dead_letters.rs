//! Peeking at dead letters and requeueing them.
//!
//! They are taken and, when the channel closes, requeued by the broker in their old order. Whoever peeks at the same
//! moment sees fewer.

use std::{sync::Arc, time::Instant};

use contracts::topology::{COMMAND_EXCHANGE, DEAD_QUEUE, HEADER_QUEUE, HEADER_REASON, Queue};
use lapin::{
    BasicProperties, Channel,
    message::{BasicGetMessage, Delivery},
    options::{BasicAckOptions, BasicGetOptions},
    types::{AMQPValue, FieldTable},
};

use super::{
    config::RabbitConfig,
    consume::deliveries,
    link::{Link, within},
    publish::{OutgoingMessage, Publisher},
};
use crate::{dead_letter::DeadLetter, error::MessagingError};

/// Set by the broker when it made the message a dead letter by itself.
const BROKER_QUEUE: &str = "x-first-death-queue";
const BROKER_REASON: &str = "x-first-death-reason";

pub(super) async fn peek(link: &Link, limit: usize, deadline: Instant) -> Result<Vec<DeadLetter>, MessagingError> {
    let channel = link.channel(deadline).await?;
    let mut letters = Vec::new();
    while letters.len() < limit {
        let Some(taken) = take(&channel, deadline).await? else { break };
        letters.push(read(&taken.delivery));
    }
    requeue_taken(channel, deadline).await?;
    Ok(letters)
}

pub(super) async fn requeue(
    link: &Link,
    publisher: &Publisher,
    config: &Arc<RabbitConfig>,
    message_id: &str,
    deadline: Instant,
) -> Result<bool, MessagingError> {
    let channel = link.channel(deadline).await?;
    let mut found = false;
    while let Some(taken) = take(&channel, deadline).await? {
        let letter = read(&taken.delivery);
        let Some(queue) = letter.queue.filter(|_| letter.message_id == message_id) else { continue };
        let kind = letter.envelope.as_ref().map_or("unknown", |envelope| envelope.kind());
        let outgoing = OutgoingMessage {
            exchange: COMMAND_EXCHANGE,
            routing_key: queue.name(),
            mandatory: true,
            // New properties: without the deliveries of before, and without a reply address, since the requester has
            // long stopped waiting.
            properties: super::publish::properties(config, message_id, kind, true),
            payload: &taken.data,
        };
        publisher.publish(outgoing, deadline).await?;
        within(deadline, taken.ack(BasicAckOptions::default())).await?;
        found = true;
        break;
    }
    requeue_taken(channel, deadline).await?;
    Ok(found)
}

async fn take(channel: &Channel, deadline: Instant) -> Result<Option<BasicGetMessage>, MessagingError> {
    within(deadline, channel.basic_get(DEAD_QUEUE.into(), BasicGetOptions::default())).await
}

/// Closing the channel requeues what was taken on it and not acknowledged.
async fn requeue_taken(channel: Channel, deadline: Instant) -> Result<(), MessagingError> {
    within(deadline, channel.close(200, "seen".into())).await
}

fn read(taken: &Delivery) -> DeadLetter {
    let properties = &taken.properties;
    let envelope = contracts::decode(&taken.data).ok();
    let message_id = match properties.message_id() {
        Some(id) => id.as_str().to_owned(),
        None => envelope.as_ref().map(|envelope| envelope.message_id.clone()).unwrap_or_default(),
    };
    let queue = header(properties, HEADER_QUEUE).or_else(|| header(properties, BROKER_QUEUE));
    let reason = header(properties, HEADER_REASON).or_else(|| {
        let word = header(properties, BROKER_REASON)?;
        Some(format!("put here by the broker: {word}"))
    });
    DeadLetter {
        message_id,
        queue: queue.as_deref().and_then(Queue::from_name),
        reason: reason.unwrap_or_else(|| "not known".to_owned()),
        deliveries: deliveries(properties),
        envelope,
    }
}

fn header(properties: &BasicProperties, name: &str) -> Option<String> {
    let headers: &FieldTable = properties.headers().as_ref()?;
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}
