//! The transport over RabbitMQ.
//!
//! Reconnecting is ours, not lapin's: its automatic recovery waits without a bound for a handshake that hangs. Here each
//! attempt has a timeout that also shuts the socket, and what depends on a connection (channels, consumers, requests in
//! flight) is built anew on the next one.

mod config;
mod consume;
mod dead_letters;
mod link;
mod publish;
mod rpc;
mod socket;
mod subscribe;
mod topology;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use contracts::{
    Envelope,
    topology::{COMMAND_EXCHANGE, EVENT_EXCHANGE, Queue, event_key},
};
use lapin::options::QueueDeclareOptions;
use tokio_util::sync::CancellationToken;

pub use config::RabbitConfig;

use crate::{
    Bus, Consumer, DeadLetter, EventStream, Handler, MessagingError, MessagingObserver,
    encoding::{encode_bounded, encode_for, expires_at, into_reply},
    observer::{LinkRole, SendOutcome},
};
use config::Address;
use link::Link;
use publish::{OutgoingMessage, Publisher};
use rpc::RpcClient;

/// Connects to a broker, declares exchanges and queues, and keeps connected from then on.
///
/// # Errors
/// When the broker's address is not valid, the broker cannot be reached within [`RabbitConfig::connect_timeout`], or it
/// refuses the topology. Later losses of the connection are not errors: calls wait for the next one within their bounds.
pub async fn rabbitmq(
    config: RabbitConfig,
    observer: Arc<dyn MessagingObserver>,
) -> Result<Arc<dyn Bus>, MessagingError> {
    let stop = CancellationToken::new();
    // Also stops the first link when the second one fails.
    let guard = stop.clone().drop_guard();
    let address = Address::parse(&config)?;
    let config = Arc::new(config);
    let publish_link = Link::open(LinkRole::Publish, &address, &config, &observer, &stop).await?;
    let consume_link = Link::open(LinkRole::Consume, &address, &config, &observer, &stop).await?;
    let publisher = Arc::new(Publisher::new(publish_link.clone(), Arc::clone(&config)));
    let rpc = RpcClient::new(publish_link.clone(), Arc::clone(&config));
    guard.disarm();
    Ok(Arc::new(RabbitBus { config, observer, publish_link, consume_link, publisher, rpc, stop }))
}

struct RabbitBus {
    config: Arc<RabbitConfig>,
    observer: Arc<dyn MessagingObserver>,
    publish_link: Link,
    consume_link: Link,
    publisher: Arc<Publisher>,
    rpc: RpcClient,
    stop: CancellationToken,
}

impl RabbitBus {
    fn report(&self, target: &'static str, result: Result<(), MessagingError>) -> Result<(), MessagingError> {
        let outcome = if result.is_ok() { SendOutcome::Confirmed } else { SendOutcome::Failed };
        self.observer.sent(target, outcome);
        result
    }
}

#[async_trait]
impl Bus for RabbitBus {
    async fn send(&self, queue: Queue, message: Envelope) -> Result<(), MessagingError> {
        let bytes = encode_for(queue, &message)?;
        let outgoing = OutgoingMessage {
            exchange: COMMAND_EXCHANGE,
            routing_key: queue.name(),
            mandatory: true,
            properties: publish::properties(&self.config, &message.message_id, message.kind(), true),
            payload: &bytes,
        };
        let deadline = Instant::now() + self.config.send_timeout;
        let result = self.publisher.publish(outgoing, deadline).await;
        self.report(queue.metric_label(), result)
    }

    async fn request(&self, queue: Queue, message: Envelope, deadline: Duration) -> Result<Envelope, MessagingError> {
        let started = Instant::now();
        let message = message.expiring(expires_at(deadline));
        let bytes = encode_for(queue, &message)?;
        let result = self.rpc.call(queue, &message, &bytes, deadline).await;
        let result = result.and_then(|reply| into_reply(contracts::decode(&reply)?));
        let label = result.as_ref().map_or_else(MessagingError::metric_label, |_| "ok");
        self.observer.answered(queue, label, started.elapsed());
        result
    }

    async fn publish_event(&self, message: Envelope) -> Result<(), MessagingError> {
        let Some(routing_key) = event_key(&message) else {
            return Err(MessagingError::NotAnEvent { kind: message.kind() });
        };
        let bytes = encode_bounded(&message)?;
        let outgoing = OutgoingMessage {
            exchange: EVENT_EXCHANGE,
            routing_key,
            // Nobody need be listening.
            mandatory: false,
            properties: publish::properties(&self.config, &message.message_id, message.kind(), false),
            payload: &bytes,
        };
        let deadline = Instant::now() + self.config.send_timeout;
        let result = self.publisher.publish(outgoing, deadline).await;
        self.report("events", result)
    }

    async fn consume(
        &self,
        queue: Queue,
        prefetch: u16,
        handler: Arc<dyn Handler>,
    ) -> Result<Consumer, MessagingError> {
        let worker = consume::Worker {
            queue,
            prefetch: prefetch.max(1),
            handler,
            link: self.consume_link.clone(),
            publisher: Arc::clone(&self.publisher),
            config: Arc::clone(&self.config),
            observer: Arc::clone(&self.observer),
        };
        worker.start(&self.stop).await
    }

    async fn subscribe_events(&self, buffer: usize) -> Result<EventStream, MessagingError> {
        subscribe::subscribe(self.consume_link.clone(), &self.config, &self.observer, &self.stop, buffer).await
    }

    async fn depth(&self, queue: Queue) -> Result<u64, MessagingError> {
        let deadline = Instant::now() + self.config.operation_timeout;
        let channel = self.publish_link.channel(deadline).await?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
        let declaring = channel.queue_declare(queue.name().into(), passive, Default::default());
        let declared = link::within(deadline, declaring).await?;
        Ok(declared.message_count().into())
    }

    async fn health(&self) -> Result<(), MessagingError> {
        let deadline = Instant::now() + self.config.operation_timeout;
        self.publish_link.round_trip(deadline).await?;
        self.consume_link.round_trip(deadline).await
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, MessagingError> {
        let deadline = Instant::now() + self.config.send_timeout;
        dead_letters::peek(&self.consume_link, limit, deadline).await
    }

    async fn requeue_dead(&self, message_id: &str) -> Result<bool, MessagingError> {
        let deadline = Instant::now() + self.config.send_timeout;
        dead_letters::requeue(&self.consume_link, &self.publisher, &self.config, message_id, deadline).await
    }

    async fn close(&self) {
        self.stop.cancel();
        let timeout = self.config.operation_timeout;
        self.publish_link.wait_closed(timeout).await;
        self.consume_link.wait_closed(timeout).await;
    }
}

impl Drop for RabbitBus {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
