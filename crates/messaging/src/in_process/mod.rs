//! The transport for one process: bounded queues in memory under the broker's delivery rules.
//!
//! Messages travel encoded, exactly as they would over the broker. Nothing survives the process: whoever needs that
//! keeps the truth in the database, as with the broker.

mod line;

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
    error::MessagingError,
    events::{EventBuffer, EventStream},
    handling::{Delivery, Disposition, Handler, handle},
    lock,
    observer::{MessagingObserver, SendOutcome, Silent},
    rules::DeliveryRules,
    sealing::{bounded, expiry, opened, sealed},
};
use line::{InHand, Letter, Line};

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
        Self { rules: DeliveryRules::default(), queue_length: 10_000, dead_letters: 1_000, observer: Arc::new(Silent) }
    }
}

/// A bus inside this process, with the default bounds.
pub fn in_process() -> Arc<dyn Bus> {
    in_process_with(InProcessSettings::default())
}

/// A bus inside this process.
pub fn in_process_with(settings: InProcessSettings) -> Arc<dyn Bus> {
    Arc::new(InProcessBus {
        queues: Queue::ALL.map(|queue| Arc::new(Line::new(queue))),
        post: Arc::new(Post { settings, dead: Mutex::default() }),
        subscribers: Mutex::default(),
        stop: CancellationToken::new(),
    })
}

struct InProcessBus {
    queues: [Arc<Line>; Queue::ALL.len()],
    post: Arc<Post>,
    subscribers: Mutex<Vec<Weak<EventBuffer>>>,
    stop: CancellationToken,
}

/// What all queues share.
struct Post {
    settings: InProcessSettings,
    dead: Mutex<VecDeque<(DeadLetter, Vec<u8>)>>,
}

impl InProcessBus {
    fn line(&self, queue: Queue) -> &Arc<Line> {
        // `queues` was made from `ALL`, in its order.
        let place = Queue::ALL.iter().position(|other| *other == queue).unwrap_or_default();
        &self.queues[place]
    }

    fn enqueue(
        &self,
        queue: Queue,
        message: &Envelope,
        asker: Option<oneshot::Sender<Envelope>>,
    ) -> Result<(), MessagingError> {
        let result = self.try_enqueue(queue, message, asker);
        let outcome = if result.is_ok() { SendOutcome::Confirmed } else { SendOutcome::Failed };
        self.post.settings.observer.sent(queue.metric_label(), outcome);
        result
    }

    fn try_enqueue(
        &self,
        queue: Queue,
        message: &Envelope,
        asker: Option<oneshot::Sender<Envelope>>,
    ) -> Result<(), MessagingError> {
        if self.stop.is_cancelled() {
            return Err(MessagingError::Closed);
        }
        let bytes = sealed(queue, message)?;
        let line = self.line(queue);
        let mut waiting = lock(&line.waiting);
        if waiting.len() >= self.post.settings.queue_length {
            return Err(MessagingError::Refused { target: queue.name().to_owned() });
        }
        waiting.push_back(Letter { bytes, deliveries: 0, asker });
        drop(waiting);
        line.arrived.notify_one();
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
        let (asker, answer) = oneshot::channel();
        let result = match self.enqueue(queue, &message.expiring(expiry(deadline)), Some(asker)) {
            Err(error) => Err(error),
            Ok(()) => match tokio::time::timeout(deadline, answer).await {
                Ok(Ok(reply)) => opened(reply),
                // Handled without an answer: nothing will come.
                Ok(Err(_)) | Err(_) => Err(MessagingError::DeadlinePassed { queue, waited: started.elapsed() }),
            },
        };
        let label = result.as_ref().map_or_else(MessagingError::metric_label, |_| "ok");
        self.post.settings.observer.answered(queue, label, started.elapsed());
        result
    }

    async fn publish_event(&self, message: Envelope) -> Result<(), MessagingError> {
        if self.stop.is_cancelled() {
            return Err(MessagingError::Closed);
        }
        if event_key(&message).is_none() {
            return Err(MessagingError::NotAnEvent { kind: message.kind() });
        }
        bounded(&message)?;
        let subscribers: Vec<_> = {
            let mut subscribers = lock(&self.subscribers);
            subscribers.retain(|subscriber| subscriber.strong_count() > 0);
            subscribers.iter().filter_map(Weak::upgrade).collect()
        };
        for subscriber in subscribers {
            if subscriber.push(message.clone()) {
                self.post.settings.observer.events_missed();
            }
        }
        self.post.settings.observer.sent("events", SendOutcome::Confirmed);
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
        let intake = take_letters(
            Arc::clone(self.line(queue)),
            Arc::clone(&self.post),
            control.clone(),
            prefetch.max(1),
            handler,
        );
        Ok(Consumer::start(control, intake))
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
        Ok(lock(&self.line(queue).waiting).len() as u64)
    }

    async fn health(&self) -> Result<(), MessagingError> {
        if self.stop.is_cancelled() { Err(MessagingError::Closed) } else { Ok(()) }
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, MessagingError> {
        Ok(lock(&self.post.dead).iter().take(limit).map(|(letter, _)| letter.clone()).collect())
    }

    async fn requeue_dead(&self, message_id: &str) -> Result<bool, MessagingError> {
        let mut dead = lock(&self.post.dead);
        let place = dead.iter().position(|(letter, _)| letter.message_id == message_id && letter.queue.is_some());
        let Some((letter, bytes)) = place.and_then(|place| dead.remove(place)) else { return Ok(false) };
        drop(dead);
        if let Some(queue) = letter.queue {
            self.line(queue).push_back(Letter { bytes, deliveries: 0, asker: None });
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

/// A consumer's intake: ends when it was told to stop and all that it took is settled.
async fn take_letters(line: Arc<Line>, post: Arc<Post>, control: Control, prefetch: u16, handler: Arc<dyn Handler>) {
    let slots = Arc::new(Semaphore::new(prefetch.into()));
    loop {
        let next = async {
            // The semaphore is never closed.
            let slot = Arc::clone(&slots).acquire_owned().await.ok()?;
            Some((slot, line.take().await))
        };
        let (slot, letter) = tokio::select! {
            biased;
            () = control.stop.cancelled() => break,
            next = next => match next {
                Some(next) => next,
                None => break,
            },
        };
        let in_hand = InHand { line: Arc::clone(&line), letter: Some(letter) };
        let (post, handler, abandon) = (Arc::clone(&post), Arc::clone(&handler), control.abandon.clone());
        control.handling.spawn(async move {
            post.deliver(in_hand, handler.as_ref(), &abandon).await;
            drop(slot);
        });
    }
    control.handling.close();
    control.handling.wait().await;
}

impl Post {
    async fn deliver(&self, mut in_hand: InHand, handler: &dyn Handler, abandon: &CancellationToken) {
        let Some(letter) = &in_hand.letter else { return };
        let delivery = Delivery {
            queue: in_hand.line.queue,
            bytes: &letter.bytes,
            deliveries: letter.deliveries.saturating_add(1),
            expects_reply: letter.asker.is_some(),
        };
        let disposition =
            handle(delivery, handler, &self.settings.rules, self.settings.observer.as_ref(), abandon).await;
        if matches!(disposition, Disposition::PutBack) {
            return;
        }
        let Some(mut letter) = in_hand.letter.take() else { return };
        letter.deliveries = letter.deliveries.saturating_add(1);
        match disposition {
            Disposition::Remove | Disposition::PutBack => {}
            Disposition::Answer(reply) => answer(letter.asker, *reply),
            Disposition::PutAside(delay) => {
                let line = Arc::clone(&in_hand.line);
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    line.push_back(letter);
                });
            }
            Disposition::Bury { reason, answer: reply } => {
                self.bury(in_hand.line.queue, &letter, reason);
                if let Some(reply) = reply {
                    answer(letter.asker, *reply);
                }
            }
        }
    }

    fn bury(&self, queue: Queue, letter: &Letter, reason: String) {
        let envelope = contracts::decode(&letter.bytes).ok();
        let message_id = envelope.as_ref().map(|envelope| envelope.message_id.clone()).unwrap_or_default();
        let dead_letter =
            DeadLetter { message_id, queue: Some(queue), reason, deliveries: letter.deliveries, envelope };
        let mut dead = lock(&self.dead);
        if dead.len() >= self.settings.dead_letters.max(1)
            && let Some((oldest, _)) = dead.pop_front()
        {
            tracing::error!(message_id = oldest.message_id, "too many dead letters, dropped the oldest");
        }
        dead.push_back((dead_letter, letter.bytes.clone()));
    }
}

fn answer(asker: Option<oneshot::Sender<Envelope>>, reply: Envelope) {
    if let Some(asker) = asker
        && asker.send(reply).is_err()
    {
        tracing::info!("an answer came too late");
    }
}

#[cfg(test)]
mod tests;
