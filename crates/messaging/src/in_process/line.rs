//! A queue in memory.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use contracts::{Envelope, topology::Queue};
use tokio::sync::{Notify, oneshot};

use crate::lock;

/// One queue.
pub(super) struct Line {
    pub queue: Queue,
    pub waiting: Mutex<VecDeque<Letter>>,
    pub arrived: Notify,
}

/// One message in a queue.
pub(super) struct Letter {
    pub bytes: Vec<u8>,
    /// Completed ones.
    pub deliveries: u32,
    pub asker: Option<oneshot::Sender<Envelope>>,
}

impl Line {
    pub fn new(queue: Queue) -> Self {
        Self { queue, waiting: Mutex::default(), arrived: Notify::new() }
    }

    pub fn push_back(&self, letter: Letter) {
        lock(&self.waiting).push_back(letter);
        self.arrived.notify_one();
    }

    pub async fn take(&self) -> Letter {
        loop {
            let arrived = self.arrived.notified();
            if let Some(letter) = self.pop() {
                return letter;
            }
            arrived.await;
        }
    }

    fn pop(&self) -> Option<Letter> {
        let mut waiting = lock(&self.waiting);
        let letter = waiting.pop_front();
        if letter.is_some() && !waiting.is_empty() {
            // One notification may stand for several letters.
            self.arrived.notify_one();
        }
        letter
    }
}

/// A letter that is being handled: goes back to the head of its queue unless it is settled, also when its task is
/// dropped.
pub(super) struct InHand {
    pub line: Arc<Line>,
    pub letter: Option<Letter>,
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(mut letter) = self.letter.take() {
            letter.deliveries = letter.deliveries.saturating_add(1);
            lock(&self.line.waiting).push_front(letter);
            self.line.arrived.notify_one();
        }
    }
}
