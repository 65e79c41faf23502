//! How the services reach each other: one face over two transports, RabbitMQ and in-process queues, with the same
//! delivery rules. The only crate that uses lapin.
//!
//! - A command or request is delivered *at least once*: it leaves its queue when a handler has finished with it, so
//!   handlers are idempotent by message id.
//! - A handler that panics, or asks for it, gets the message again after a growing delay; after
//!   [`DeliveryRules::max_deliveries`] deliveries the message is a dead letter that an operator can look at and requeue.
//! - Requests are repeated within their deadline when a connection is lost, so they too may arrive twice.
//! - Events may be lost; a subscriber is told when some may have been ([`Event::Gap`]) and reads the truth anew.
//! - Every queue, buffer and wait has a bound.
//!
//! Never decides what a message means, never writes rows, never logs a message's content.

mod consumer;
mod dead_letter;
mod error;
mod events;
mod handling;
mod in_process;
mod observer;
mod rabbitmq;
mod rules;
mod sealing;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

pub use consumer::Consumer;
pub use contracts::{Body, Envelope, topology::Queue};
pub use dead_letter::DeadLetter;
pub use error::MessagingError;
pub use events::{Event, EventStream};
pub use handling::{Handler, Outcome};
pub use in_process::{InProcessSettings, in_process, in_process_with};
pub use observer::{HandlingOutcome, LinkRole, MessagingObserver, SendOutcome, Silent};
pub use rabbitmq::{RabbitConfig, rabbitmq};
pub use rules::DeliveryRules;

/// The way to the other services. Its consumers and subscriptions end when it is closed or dropped.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Brings a command into a queue. `Ok` means that the queue holds it safely.
    ///
    /// # Errors
    /// [`MessagingError::WrongQueue`] for a body that does not belong there; anything else means that the queue may or
    /// may not hold it: send again with the same message id.
    async fn send(&self, queue: Queue, message: Envelope) -> Result<(), MessagingError>;

    /// Brings a request into a queue and waits for its reply. Sets the message's `expires_at`.
    ///
    /// # Errors
    /// [`MessagingError::Fault`] when the handler answers with one, [`MessagingError::DeadlinePassed`] when nobody
    /// answers in time, and those of [`Bus::send`].
    async fn request(&self, queue: Queue, message: Envelope, deadline: Duration) -> Result<Envelope, MessagingError>;

    /// Tells whoever listens. `Ok` does not mean that anybody did.
    async fn publish_event(&self, message: Envelope) -> Result<(), MessagingError>;

    /// Hands the queue's messages to `handler`, at most `prefetch` at a time, until the consumer is drained or dropped.
    async fn consume(&self, queue: Queue, prefetch: u16, handler: Arc<dyn Handler>)
    -> Result<Consumer, MessagingError>;

    /// All events from now on. At most `buffer` wait for the subscriber; when it falls further behind, the oldest go.
    async fn subscribe_events(&self, buffer: usize) -> Result<EventStream, MessagingError>;

    /// Messages that wait in a queue: neither those in a handler's hands nor those that wait for a retry.
    async fn depth(&self, queue: Queue) -> Result<u64, MessagingError>;

    /// A real round trip to the broker.
    async fn health(&self) -> Result<(), MessagingError>;

    /// Looks at the oldest dead letters, at most `limit`, and leaves them where they are.
    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, MessagingError>;

    /// Brings a dead letter back into the queue from which it came, with its deliveries forgotten. `false` when there is
    /// none with this message id.
    async fn requeue_dead(&self, message_id: &str) -> Result<bool, MessagingError>;

    /// Says goodbye to the broker. Drain the consumers first. Everything else fails afterwards.
    async fn close(&self);
}

/// A panic while holding one of this crate's locks leaves nothing half-written that a later holder could misread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
