//! A subscriber's bounded buffer of events.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use contracts::Envelope;
use futures_util::{Stream, StreamExt};
use tokio_util::sync::DropGuard;

use crate::lock;

/// What a subscriber gets.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    Message(Box<Envelope>),
    /// Some events were lost here, or may have been: read anew what you follow.
    Gap,
}

/// Events as they come, until the bus closes. A [`Stream`]; also ends the subscription when dropped.
pub struct EventStream {
    buffer: Arc<EventBuffer>,
    _subscription: Option<DropGuard>,
}

impl EventStream {
    pub(crate) fn new(buffer: Arc<EventBuffer>, subscription: Option<DropGuard>) -> Self {
        Self { buffer, _subscription: subscription }
    }

    /// The next event; `None` when the bus is closed. Losing this future loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        StreamExt::next(self).await
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.buffer.poll(context)
    }
}

/// Between the transport and the subscriber: at most `capacity` events, the oldest go first.
pub(crate) struct EventBuffer {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<Envelope>>,
    gap: bool,
    closed: bool,
    waker: Option<Waker>,
}

impl EventBuffer {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { capacity: capacity.max(1), state: Mutex::default() })
    }

    /// Returns whether an older event had to go.
    pub(crate) fn push(&self, event: Envelope) -> bool {
        let mut state = self.state();
        let full = state.waiting.len() >= self.capacity;
        if full {
            state.waiting.pop_front();
            state.gap = true;
        }
        state.waiting.push_back(Box::new(event));
        wake(state);
        full
    }

    /// Tells the subscriber that events may have been lost.
    pub(crate) fn mark_gap(&self) {
        let mut state = self.state();
        state.gap = true;
        wake(state);
    }

    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        wake(state);
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.state();
        if std::mem::take(&mut state.gap) {
            return Poll::Ready(Some(Event::Gap));
        }
        if let Some(event) = state.waiting.pop_front() {
            return Poll::Ready(Some(Event::Message(event)));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
