//! A subscriber's own event queue.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use contracts::topology::{EVENT_EXCHANGE, EVENT_QUEUE_PREFIX, event_queue_arguments};
use futures_util::StreamExt;
use lapin::{
    Channel, Consumer as Subscription,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use telemetry::error_chain;
use tokio_util::sync::CancellationToken;

use super::{
    config::RabbitConfig,
    link::{Link, within},
    topology::table,
};
use crate::{
    error::MessagingError,
    events::{EventBuffer, EventStream},
    observer::MessagingObserver,
};

/// Between attempts to subscribe.
const RESUBSCRIBE_PAUSE: Duration = Duration::from_millis(200);

/// Returns when the subscription stands. It stands again by itself after the connection was lost.
pub(super) async fn subscribe(
    link: Link,
    config: &Arc<RabbitConfig>,
    observer: &Arc<dyn MessagingObserver>,
    bus_stop: &CancellationToken,
    capacity: usize,
) -> Result<EventStream, MessagingError> {
    let buffer = EventBuffer::new(capacity);
    let patience = config.send_timeout;
    let mut current = bind(&link, capacity, Instant::now() + patience).await?;
    let stop = bus_stop.child_token();
    let stream = EventStream::new(Arc::clone(&buffer), Some(stop.clone().drop_guard()));
    let observer = Arc::clone(observer);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = pass_on(&mut current.1, &buffer, observer.as_ref()) => {}
            }
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                next = bind_again(&link, capacity, patience) => next,
            };
            let Some(next) = next else { break };
            current = next;
            // After binding: the subscriber reads anew, and whatever comes after that is in the new queue.
            observer.events_missed();
            buffer.mark_gap();
        }
        buffer.close();
    });
    Ok(stream)
}

/// Until the subscription is lost.
async fn pass_on(subscription: &mut Subscription, buffer: &EventBuffer, observer: &dyn MessagingObserver) {
    while let Some(Ok(taken)) = subscription.next().await {
        match contracts::decode(&taken.data) {
            Ok(event) if event.body.is_some() => {
                if buffer.push(event) {
                    observer.events_missed();
                }
            }
            // Of a newer version: nothing that this one follows.
            Ok(_) => {}
            Err(error) => tracing::warn!(code = error.code(), "an event cannot be read"),
        }
    }
}

/// `None` when the bus is closed.
async fn bind_again(link: &Link, capacity: usize, patience: Duration) -> Option<(Channel, Subscription)> {
    loop {
        tokio::time::sleep(RESUBSCRIBE_PAUSE).await;
        match bind(link, capacity, Instant::now() + patience).await {
            Ok(bound) => return Some(bound),
            Err(MessagingError::Closed) => return None,
            Err(error) => tracing::debug!(error = error_chain(&error), "cannot subscribe to events"),
        }
    }
}

async fn bind(link: &Link, capacity: usize, deadline: Instant) -> Result<(Channel, Subscription), MessagingError> {
    let channel = link.channel(deadline).await?;
    // A new name each time: the broker may not have noticed yet that the connection of the old one is dead.
    let name = format!("{EVENT_QUEUE_PREFIX}{}", uuid::Uuid::new_v4().simple());
    let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    let length = i64::try_from(capacity.max(1)).unwrap_or(i64::MAX);
    let arguments = table(&event_queue_arguments(length));
    within(deadline, channel.queue_declare(name.as_str().into(), own, arguments)).await?;
    let binding = channel.queue_bind(
        name.as_str().into(),
        EVENT_EXCHANGE.into(),
        "#".into(),
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    within(deadline, binding).await?;
    // Events are not worth an acknowledgement each; the buffer here is bounded.
    let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..Default::default() };
    let consuming = channel.basic_consume(name.as_str().into(), "events".into(), options, FieldTable::default());
    let subscription = within(deadline, consuming).await?;
    Ok((channel, subscription))
}
