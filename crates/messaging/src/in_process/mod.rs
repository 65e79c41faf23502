//! The transport for one process: bounded queues in memory under the broker's delivery rules.
//!
//! Messages travel encoded, exactly as they would over the broker. Nothing survives the process: whoever needs that
//! keeps the truth in the database, as with the broker.

mod queue;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use contracts::{
    Envelope,
    topology::{Queue, event_key},
};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    Bus,
    consumer::{Consumer, Control},
    dead_letter::DeadLetter,
    encoding::{encode_bounded, encode_for, expires_at, into_reply},
    error::MessagingError,
    events::{EventBuffer, EventStream},
    handling::{Delivery, Disposition, Handler, handle},
    lock,
    observer::{MessagingObserver, NoopObserver, SendOutcome},
    rules::DeliveryRules,
};
use queue::{InFlightMessage, InProcessQueue, QueuedMessage};

/// Bounds of the in-process transport.
pub struct InProcessSettings {
    pub rules: DeliveryRules,
    /// Messages that a queue holds before [`Bus::send`] is refused.
    pub queue_length: usize,
    /// Dead letters that are kept; the oldest go, each with a log line.
    pub dead_letters: usize,
    pub observer: Arc<dyn MessagingObserver>,
}

impl Default for InProcessSettings {
    fn default() -> Self {
        Self {
            rules: DeliveryRules::default(),
            queue_length: 10_000,
            dead_letters: 1_000,
            observer: Arc::new(NoopObserver),
        }
    }
}

/// A bus inside this process, with the default bounds.
pub fn in_process() -> Arc<dyn Bus> {
    in_process_with(InProcessSettings::default())
}

/// A bus inside this process.
pub fn in_process_with(settings: InProcessSettings) -> Arc<dyn Bus> {
    Arc::new(InProcessBus {
        queues: Queue::ALL.map(|queue| Arc::new(InProcessQueue::new(queue))),
        broker: Arc::new(InProcessBroker { settings, dead: Mutex::default() }),
        subscribers: Mutex::default(),
        stop: CancellationToken::new(),
    })
}

struct InProcessBus {
    queues: [Arc<InProcessQueue>; Queue::ALL.len()],
    broker: Arc<InProcessBroker>,
    subscribers: Mutex<Vec<Weak<EventBuffer>>>,
    stop: CancellationToken,
}

/// Settings and dead letters, which all queues share.
struct InProcessBroker {
    settings: InProcessSettings,
    dead: Mutex<VecDeque<(DeadLetter, Vec<u8>)>>,
}

impl InProcessBus {
    fn queue(&self, id: Queue) -> &Arc<InProcessQueue> {
        // `queues` was made from `ALL`, in its order.
        let index = Queue::ALL.iter().position(|other| *other == id).unwrap_or_default();
        &self.queues[index]
    }

    fn enqueue(
        &self,
        queue: Queue,
        message: &Envelope,
        reply_to: Option<oneshot::Sender<Envelope>>,
    ) -> Result<(), MessagingError> {
        let result = self.try_enqueue(queue, message, reply_to);
        let outcome = if result.is_ok() { SendOutcome::Confirmed } else { SendOutcome::Failed };
        self.broker.settings.observer.sent(queue.metric_label(), outcome);
        result
    }

    fn try_enqueue(
        &self,
        queue: Queue,
        message: &Envelope,
        reply_to: Option<oneshot::Sender<Envelope>>,
    ) -> Result<(), MessagingError> {
        if self.stop.is_cancelled() {
            return Err(MessagingError::Closed);
        }
        let bytes = encode_for(queue, message)?;
        let target = self.queue(queue);
        let mut messages = lock(&target.messages);
        if messages.len() >= self.broker.settings.queue_length {
            return Err(MessagingError::Refused { target: queue.name().to_owned() });
        }
        messages.push_back(QueuedMessage { bytes, deliveries: 0, reply_to });
        drop(messages);
        target.arrived.notify_one();
        Ok(())
    }
}

#[async_trait]
impl Bus for InProcessBus {
    async fn send(&self, queue: Queue, message: Envelope) -> Result<(), MessagingError> {
        self.enqueue(queue, &message, None)
    }

    async fn request(&self, queue: Queue, message: Envelope, deadline: Duration) -> Result<Envelope, MessagingError> {
        let started = Instant::now();
        let (reply_to, reply) = oneshot::channel();
        let result = match self.enqueue(queue, &message.expiring(expires_at(deadline)), Some(reply_to)) {
            Err(error) => Err(error),
            Ok(()) => match tokio::time::timeout(deadline, reply).await {
                Ok(Ok(reply)) => into_reply(reply),
                // Handled without a reply: nothing will come.
                Ok(Err(_)) | Err(_) => Err(MessagingError::DeadlinePassed { queue, waited: started.elapsed() }),
            },
        };
        let label = result.as_ref().map_or_else(MessagingError::metric_label, |_| "ok");
        self.broker.settings.observer.answered(queue, label, started.elapsed());
        result
    }

    async fn publish_event(&self, message: Envelope) -> Result<(), MessagingError> {
        if self.stop.is_cancelled() {
            return Err(MessagingError::Closed);
        }
        if event_key(&message).is_none() {
            return Err(MessagingError::NotAnEvent { kind: message.kind() });
        }
        encode_bounded(&message)?;
        let subscribers: Vec<_> = {
            let mut subscribers = lock(&self.subscribers);
            subscribers.retain(|subscriber| subscriber.strong_count() > 0);
            subscribers.iter().filter_map(Weak::upgrade).collect()
        };
        for subscriber in subscribers {
            if subscriber.push(message.clone()) {
                self.broker.settings.observer.events_missed();
            }
        }
        self.broker.settings.observer.sent("events", SendOutcome::Confirmed);
        Ok(())
    }

    async fn consume(
        &self,
        queue: Queue,
        prefetch: u16,
        handler: Arc<dyn Handler>,
    ) -> Result<Consumer, MessagingError> {
        if self.stop.is_cancelled() {
            return Err(MessagingError::Closed);
        }
        let control = Control::new(&self.stop);
        let taking = take_messages(
            Arc::clone(self.queue(queue)),
            Arc::clone(&self.broker),
            control.clone(),
            prefetch.max(1),
            handler,
        );
        Ok(Consumer::start(control, taking))
    }

    async fn subscribe_events(&self, buffer: usize) -> Result<EventStream, MessagingError> {
        if self.stop.is_cancelled() {
            return Err(MessagingError::Closed);
        }
        let buffer = EventBuffer::new(buffer);
        lock(&self.subscribers).push(Arc::downgrade(&buffer));
        Ok(EventStream::new(buffer, None))
    }

    async fn depth(&self, queue: Queue) -> Result<u64, MessagingError> {
        Ok(lock(&self.queue(queue).messages).len() as u64)
    }

    async fn health(&self) -> Result<(), MessagingError> {
        if self.stop.is_cancelled() { Err(MessagingError::Closed) } else { Ok(()) }
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, MessagingError> {
        Ok(lock(&self.broker.dead).iter().take(limit).map(|(letter, _)| letter.clone()).collect())
    }

    async fn requeue_dead(&self, message_id: &str) -> Result<bool, MessagingError> {
        let mut dead = lock(&self.broker.dead);
        let index = dead.iter().position(|(dead, _)| dead.message_id == message_id && dead.queue.is_some());
        let Some((letter, bytes)) = index.and_then(|index| dead.remove(index)) else { return Ok(false) };
        drop(dead);
        if let Some(queue) = letter.queue {
            self.queue(queue).push_back(QueuedMessage { bytes, deliveries: 0, reply_to: None });
        }
        Ok(true)
    }

    async fn close(&self) {
        self.stop.cancel();
        for subscriber in lock(&self.subscribers).drain(..).filter_map(|subscriber| subscriber.upgrade()) {
            subscriber.close();
        }
    }
}

impl Drop for InProcessBus {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The task of a consumer: ends after its `stop` was cancelled and all that it took is settled.
async fn take_messages(
    queue: Arc<InProcessQueue>,
    broker: Arc<InProcessBroker>,
    control: Control,
    prefetch: u16,
    handler: Arc<dyn Handler>,
) {
    let slots = Arc::new(Semaphore::new(prefetch.into()));
    loop {
        let next = async {
            // The semaphore is never closed.
            let slot = Arc::clone(&slots).acquire_owned().await.ok()?;
            Some((slot, queue.pop().await))
        };
        let (slot, message) = tokio::select! {
            biased;
            () = control.stop.cancelled() => break,
            next = next => match next {
                Some(next) => next,
                None => break,
            },
        };
        let in_flight = InFlightMessage { queue: Arc::clone(&queue), message: Some(message) };
        let (broker, handler, abandon) = (Arc::clone(&broker), Arc::clone(&handler), control.abandon.clone());
        control.handling.spawn(async move {
            broker.deliver(in_flight, handler.as_ref(), &abandon).await;
            drop(slot);
        });
    }
    control.handling.close();
    control.handling.wait().await;
}

impl InProcessBroker {
    async fn deliver(&self, mut in_flight: InFlightMessage, handler: &dyn Handler, abandon: &CancellationToken) {
        let Some(message) = &in_flight.message else { return };
        let delivery = Delivery {
            queue: in_flight.queue.id,
            bytes: &message.bytes,
            deliveries: message.deliveries.saturating_add(1),
            expects_reply: message.reply_to.is_some(),
        };
        let disposition =
            handle(delivery, handler, &self.settings.rules, self.settings.observer.as_ref(), abandon).await;
        if matches!(disposition, Disposition::Requeue) {
            return;
        }
        let Some(mut message) = in_flight.message.take() else { return };
        message.deliveries = message.deliveries.saturating_add(1);
        match disposition {
            Disposition::Ack | Disposition::Requeue => {}
            Disposition::Reply(reply) => send_reply(message.reply_to, *reply),
            Disposition::RetryAfter(delay) => {
                let queue = Arc::clone(&in_flight.queue);
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    queue.push_back(message);
                });
            }
            Disposition::DeadLetter { reason, reply } => {
                self.dead_letter(in_flight.queue.id, &message, reason);
                if let Some(reply) = reply {
                    send_reply(message.reply_to, *reply);
                }
            }
        }
    }

    fn dead_letter(&self, queue: Queue, message: &QueuedMessage, reason: String) {
        let envelope = contracts::decode(&message.bytes).ok();
        let message_id = envelope.as_ref().map(|envelope| envelope.message_id.clone()).unwrap_or_default();
        let dead_letter =
            DeadLetter { message_id, queue: Some(queue), reason, deliveries: message.deliveries, envelope };
        let mut dead = lock(&self.dead);
        if dead.len() >= self.settings.dead_letters.max(1)
            && let Some((oldest, _)) = dead.pop_front()
        {
            tracing::error!(message_id = oldest.message_id, "too many dead letters, dropped the oldest");
        }
        dead.push_back((dead_letter, message.bytes.clone()));
    }
}

fn send_reply(reply_to: Option<oneshot::Sender<Envelope>>, reply: Envelope) {
    if let Some(reply_to) = reply_to
        && reply_to.send(reply).is_err()
    {
        tracing::info!("an answer came too late");
    }
}

#[cfg(test)]
mod tests;
