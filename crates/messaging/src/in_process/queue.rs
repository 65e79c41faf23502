//! A queue in memory.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use contracts::{Envelope, topology::Queue};
use tokio::sync::{Notify, oneshot};

use crate::lock;

/// One queue: its messages in order, and who waits for the next one.
pub(super) struct InProcessQueue {
    pub id: Queue,
    pub messages: Mutex<VecDeque<QueuedMessage>>,
    pub arrived: Notify,
}

/// One message in a queue.
pub(super) struct QueuedMessage {
    pub bytes: Vec<u8>,
    /// Completed ones.
    pub deliveries: u32,
    /// Where the requester waits for the reply; `None` for a command.
    pub reply_to: Option<oneshot::Sender<Envelope>>,
}

impl InProcessQueue {
    pub fn new(id: Queue) -> Self {
        Self { id, messages: Mutex::default(), arrived: Notify::new() }
    }

    pub fn push_back(&self, message: QueuedMessage) {
        lock(&self.messages).push_back(message);
        self.arrived.notify_one();
    }

    /// Waits for a message and takes it from the head.
    pub async fn pop(&self) -> QueuedMessage {
        loop {
            let arrived = self.arrived.notified();
            if let Some(message) = self.try_pop() {
                return message;
            }
            arrived.await;
        }
    }

    fn try_pop(&self) -> Option<QueuedMessage> {
        let mut messages = lock(&self.messages);
        let message = messages.pop_front();
        if message.is_some() && !messages.is_empty() {
            // One notification may stand for several messages.
            self.arrived.notify_one();
        }
        message
    }
}

/// A message that is being handled: goes back to the head of its queue unless it is settled, also when its task is
/// dropped.
pub(super) struct InFlightMessage {
    pub queue: Arc<InProcessQueue>,
    pub message: Option<QueuedMessage>,
}

impl Drop for InFlightMessage {
    fn drop(&mut self) {
        if let Some(mut message) = self.message.take() {
            message.deliveries = message.deliveries.saturating_add(1);
            lock(&self.queue.messages).push_front(message);
            self.queue.arrived.notify_one();
        }
    }
}
