//! Consuming: a worker subscribes, hands deliveries to the handler, settles them, and subscribes anew when its
//! connection or channel is lost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use contracts::topology::{DEAD_EXCHANGE, HEADER_DELIVERIES, HEADER_QUEUE, HEADER_REASON, Queue, retry_name};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Consumer as Subscription,
    message::Delivery as Taken,
    options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};
use telemetry::error_chain;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    config::RabbitConfig,
    link::{Link, within},
    publish::{self, Parcel, Publisher},
};
use crate::{
    consumer::{Consumer, Control},
    error::MessagingError,
    handling::{Delivery, Disposition, Handler, handle},
    observer::MessagingObserver,
    sealing::bounded,
};

/// Between attempts to subscribe.
const RESUBSCRIBE_PAUSE: Duration = Duration::from_millis(200);

/// The broker's header with the number of earlier deliveries of a message in a quorum queue.
const BROKER_DELIVERY_COUNT: &str = "x-delivery-count";

/// Everything that a consumer needs.
pub(super) struct Worker {
    pub queue: Queue,
    pub prefetch: u16,
    pub handler: Arc<dyn Handler>,
    pub link: Link,
    pub publisher: Arc<Publisher>,
    pub config: Arc<RabbitConfig>,
    pub observer: Arc<dyn MessagingObserver>,
}

/// Why a subscription ended.
enum End {
    Stopped,
    Lost,
}

impl Worker {
    /// Returns when the first subscription stands.
    pub(super) async fn start(self, bus_stop: &CancellationToken) -> Result<Consumer, MessagingError> {
        let control = Control::new(bus_stop);
        let patience = self.config.send_timeout;
        let (queue, (ready, subscribed)) = (self.queue, oneshot::channel());
        let consumer = Consumer::start(control.clone(), Arc::new(self).run(control, ready));
        match tokio::time::timeout(patience, subscribed).await {
            Ok(Ok(())) => Ok(consumer),
            Ok(Err(_)) => Err(MessagingError::Closed),
            Err(_) => {
                tracing::warn!(%queue, "cannot subscribe");
                Err(MessagingError::Unreachable { waited: patience, source: None })
            }
        }
    }

    async fn run(self: Arc<Self>, control: Control, ready: oneshot::Sender<()>) {
        let mut ready = Some(ready);
        // Across subscriptions: after a reconnection the handlers of before may still be at work. While they hold all
        // slots there is no new subscription either, so that other consumers get the messages.
        let slots = Arc::new(Semaphore::new(self.prefetch.into()));
        // Closed only after the last handler is done, since acknowledgements go through them.
        let mut last_channel = None;
        loop {
            let subscribing = self.subscribe(Instant::now() + self.config.send_timeout);
            let subscribed = tokio::select! {
                biased;
                () = control.stop.cancelled() => break,
                subscribed = subscribing => subscribed,
            };
            match subscribed {
                Ok((channel, subscription)) => {
                    if let Some(ready) = ready.take() {
                        // It fails when the caller has stopped waiting; then `stop` follows.
                        let _ = ready.send(());
                    }
                    let end = self.take(&channel, subscription, &slots, &control).await;
                    last_channel = Some(channel);
                    if matches!(end, End::Stopped) {
                        break;
                    }
                    tracing::warn!(queue = %self.queue, "lost a subscription");
                }
                Err(MessagingError::Closed) => break,
                Err(error) => {
                    tracing::debug!(queue = %self.queue, error = error_chain(&error), "cannot subscribe");
                }
            }
            tokio::select! {
                () = control.stop.cancelled() => break,
                () = tokio::time::sleep(RESUBSCRIBE_PAUSE) => {}
            }
        }
        control.handling.close();
        control.handling.wait().await;
        if let Some(channel) = last_channel
            && channel.status().connected()
        {
            // Gives back what was taken but not begun.
            let closing = channel.close(200, "drained".into());
            let _ = tokio::time::timeout(self.config.operation_timeout, closing).await;
        }
    }

    async fn subscribe(&self, deadline: Instant) -> Result<(Channel, Subscription), MessagingError> {
        let channel = self.link.channel(deadline).await?;
        within(deadline, channel.basic_qos(self.prefetch, BasicQosOptions::default())).await?;
        let tag = format!("{}.{}", self.config.service_name, uuid::Uuid::new_v4().simple());
        let options = BasicConsumeOptions::default();
        let consuming =
            channel.basic_consume(self.queue.name().into(), tag.as_str().into(), options, FieldTable::default());
        let subscription = within(deadline, consuming).await?;
        Ok((channel, subscription))
    }

    async fn take(
        self: &Arc<Self>,
        channel: &Channel,
        mut subscription: Subscription,
        slots: &Arc<Semaphore>,
        control: &Control,
    ) -> End {
        loop {
            let next = async {
                // The semaphore is never closed.
                let slot = Arc::clone(slots).acquire_owned().await.ok()?;
                Some((slot, subscription.next().await?.ok()?))
            };
            let next = tokio::select! {
                biased;
                () = control.stop.cancelled() => {
                    let cancelling = channel.basic_cancel(subscription.tag(), BasicCancelOptions::default());
                    let _ = tokio::time::timeout(self.config.operation_timeout, cancelling).await;
                    return End::Stopped;
                }
                next = next => next,
            };
            let Some((slot, taken)) = next else { return End::Lost };
            // The channel goes along, since dropping the last handle closes it.
            let (worker, channel, abandon) = (Arc::clone(self), channel.clone(), control.abandon.clone());
            control.handling.spawn(async move {
                worker.deliver(taken, &abandon).await;
                drop((slot, channel));
            });
        }
    }

    async fn deliver(&self, taken: Taken, abandon: &CancellationToken) {
        let deliveries = deliveries(&taken.properties).saturating_add(1);
        let delivery = Delivery {
            queue: self.queue,
            bytes: &taken.data,
            deliveries,
            expects_reply: taken.properties.reply_to().is_some(),
        };
        let rules = &self.config.rules;
        let disposition = handle(delivery, self.handler.as_ref(), rules, self.observer.as_ref(), abandon).await;
        if let Err(error) = self.settle(&taken, deliveries, disposition).await {
            // Handled, or put aside, but not known to be: the message comes again.
            tracing::warn!(queue = %self.queue, error = error_chain(&error), "could not settle a message");
            put_back(&taken).await;
        }
    }

    /// What must be published is confirmed before the message leaves its queue.
    async fn settle(&self, taken: &Taken, deliveries: u32, disposition: Disposition) -> Result<(), MessagingError> {
        match disposition {
            Disposition::Remove => {}
            Disposition::Answer(reply) => self.answer(taken, &reply).await?,
            Disposition::PutAside(delay) => {
                let exchange = retry_name(delay);
                let headers = [(HEADER_DELIVERIES, AMQPValue::LongLongInt(deliveries.into()))];
                self.forward(taken, &exchange, &headers).await?;
            }
            Disposition::Bury { reason, answer } => {
                let headers = [
                    (HEADER_DELIVERIES, AMQPValue::LongLongInt(deliveries.into())),
                    (HEADER_REASON, AMQPValue::LongString(reason.into())),
                    (HEADER_QUEUE, AMQPValue::LongString(self.queue.name().into())),
                ];
                self.forward(taken, DEAD_EXCHANGE, &headers).await?;
                if let Some(reply) = answer {
                    self.answer(taken, &reply).await?;
                }
            }
            Disposition::PutBack => {
                put_back(taken).await;
                return Ok(());
            }
        }
        // When the channel was lost in the meantime nothing is acknowledged, and the message comes again.
        match tokio::time::timeout(self.config.operation_timeout, taken.ack(BasicAckOptions::default())).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false) | Err(_)) | Err(_) => {
                tracing::debug!(queue = %self.queue, "a message was handled but not acknowledged; it comes again");
            }
        }
        Ok(())
    }

    async fn answer(&self, taken: &Taken, reply: &contracts::Envelope) -> Result<(), MessagingError> {
        let Some(reply_to) = taken.properties.reply_to() else { return Ok(()) };
        let mut properties = publish::properties(&self.config, &reply.message_id, reply.kind(), false);
        if let Some(correlation_id) = taken.properties.correlation_id() {
            properties = properties.with_correlation_id(correlation_id.clone());
        }
        let bytes = bounded(reply)?;
        let parcel = Parcel {
            exchange: "",
            routing_key: reply_to.as_str(),
            // The broker would return every reply: it does not count an asker's channel as a queue.
            mandatory: false,
            properties,
            payload: &bytes,
        };
        self.publisher.publish(parcel, self.deadline()).await
    }

    /// Sends the message on as it is, with headers of ours.
    async fn forward(
        &self,
        taken: &Taken,
        exchange: &str,
        ours: &[(&'static str, AMQPValue)],
    ) -> Result<(), MessagingError> {
        let mut headers = FieldTable::default();
        for (name, value) in ours {
            headers.insert((*name).into(), value.clone());
        }
        let parcel = Parcel {
            exchange,
            routing_key: self.queue.name(),
            mandatory: true,
            properties: taken.properties.clone().with_headers(headers),
            payload: &taken.data,
        };
        self.publisher.publish(parcel, self.deadline()).await
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.config.send_timeout
    }
}

/// Back to the head of the queue at once. When it fails the channel is gone, and the message goes back by itself.
async fn put_back(taken: &Taken) {
    let options = BasicNackOptions { requeue: true, ..Default::default() };
    let _ = tokio::time::timeout(Duration::from_secs(1), taken.nack(options)).await;
}

/// How often a message was handed out before: put aside by us, and returned to the queue by the broker since then.
pub(super) fn deliveries(properties: &BasicProperties) -> u32 {
    let Some(headers) = properties.headers() else { return 0 };
    let count = |name| headers.inner().get(name).and_then(number).unwrap_or(0);
    count(HEADER_DELIVERIES).saturating_add(count(BROKER_DELIVERY_COUNT))
}

fn number(value: &AMQPValue) -> Option<u32> {
    let number = match value {
        AMQPValue::ShortShortInt(number) => i64::from(*number),
        AMQPValue::ShortShortUInt(number) => i64::from(*number),
        AMQPValue::ShortInt(number) => i64::from(*number),
        AMQPValue::ShortUInt(number) => i64::from(*number),
        AMQPValue::LongInt(number) => i64::from(*number),
        AMQPValue::LongUInt(number) => i64::from(*number),
        AMQPValue::LongLongInt(number) => *number,
        _ => return None,
    };
    Some(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}
