//! From a delivery's bytes to what becomes of the message; the same for both transports.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::Utc;
use contracts::{Body, Envelope, topology::Queue, v1};
use domain::MessageId;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    observer::{HandlingOutcome, MessagingObserver},
    rules::DeliveryRules,
};

/// Does what a message asks for. Called concurrently; must be idempotent by message id, since a message can come again
/// after any crash. Must finish within the broker's limit (30 minutes by default): longer work belongs into a job.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// The message's body is one that this version knows, though not necessarily one that belongs here. A panic counts
    /// as [`Outcome::Retry`].
    async fn handle(&self, message: Envelope) -> Outcome;
}

/// What a handler makes of a message.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// Handled; the message is gone.
    Done,
    /// Handled, and this is the answer. When nobody waits for one it is dropped.
    Reply(Box<Body>),
    /// Not now: the message comes again after a delay, until it has come too often.
    Retry,
    /// Never: the message becomes a dead letter, with this reason for an operator to read.
    Dead(String),
}

impl Outcome {
    pub fn reply(body: impl Into<Body>) -> Self {
        Self::Reply(Box::new(body.into()))
    }

    /// The answer that the request cannot be carried out. `retryable`: whether the same request may succeed later.
    /// `message` is a sentence for people; never a prompt, lyrics, a secret or a signed address.
    pub fn fault(code: impl Into<String>, message: impl Into<String>, retryable: bool) -> Self {
        Self::reply(v1::Fault { code: code.into(), message: message.into(), retryable })
    }
}

/// One delivery, as a transport took it from its queue.
pub(crate) struct Delivery<'a> {
    pub queue: Queue,
    pub bytes: &'a [u8],
    /// How often it has been delivered, this time included.
    pub deliveries: u32,
    pub expects_reply: bool,
}

/// What the transport shall do with the message.
pub(crate) enum Disposition {
    /// Acknowledge it: it leaves its queue.
    Ack,
    /// Send the reply, then acknowledge.
    Reply(Box<Envelope>),
    /// Deliver it again after this delay.
    RetryAfter(Duration),
    /// Make it a dead letter; also reply, so that a requester need not wait for its deadline.
    DeadLetter { reason: String, reply: Option<Box<Envelope>> },
    /// The consumer gave up on it: back to the head of the queue at once.
    Requeue,
}

/// Runs the handler on a delivery and decides.
pub(crate) async fn handle(
    delivery: Delivery<'_>,
    handler: &dyn Handler,
    rules: &DeliveryRules,
    observer: &dyn MessagingObserver,
    abandon: &CancellationToken,
) -> Disposition {
    let started = Instant::now();
    let (kind, outcome, disposition) = decide(&delivery, handler, rules, abandon).await;
    observer.handled(delivery.queue, kind, outcome, started.elapsed());
    disposition
}

type Decision = (&'static str, HandlingOutcome, Disposition);

async fn decide(
    delivery: &Delivery<'_>,
    handler: &dyn Handler,
    rules: &DeliveryRules,
    abandon: &CancellationToken,
) -> Decision {
    let message = match contracts::decode(delivery.bytes) {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(queue = %delivery.queue, code = error.code(), "a message cannot be read");
            let disposition = Disposition::DeadLetter { reason: error.to_string(), reply: None };
            return ("unknown", HandlingOutcome::Dead, disposition);
        }
    };
    let kind = message.kind();
    if is_expired(&message, rules) {
        tracing::info!(queue = %delivery.queue, message_id = message.message_id, kind, "dropped an expired request");
        return (kind, HandlingOutcome::Expired, Disposition::Ack);
    }
    let context = ReplyContext::of(&message, delivery.expects_reply);
    if message.body.is_none() {
        // A newer version sent it, and a newer consumer of this queue may take it when it comes again.
        tracing::warn!(queue = %delivery.queue, message_id = message.message_id, "put back a message of an unknown kind");
        return retry_or_dead_letter(
            kind,
            HandlingOutcome::Unknown,
            "it was of a kind that nobody here knows",
            delivery,
            rules,
            context,
        );
    }
    if delivery.deliveries > rules.max_deliveries {
        let reason = format!("delivered {} times without an end: its consumer dies of it", delivery.deliveries - 1);
        return dead_letter(kind, reason, context);
    }

    let span = tracing::info_span!(
        "message",
        kind,
        queue = %delivery.queue,
        message_id = message.message_id,
        job_id = message.job_id,
        trace_id = trace_id(&message.traceparent),
        delivery = delivery.deliveries,
    );
    let handling = AssertUnwindSafe(handler.handle(message)).catch_unwind().instrument(span.clone());
    let result = tokio::select! {
        biased;
        result = handling => result,
        () = abandon.cancelled() => return (kind, HandlingOutcome::Abandoned, Disposition::Requeue),
    };
    let _entered = span.enter();
    match result {
        Ok(Outcome::Done) => (kind, HandlingOutcome::Done, Disposition::Ack),
        Ok(Outcome::Reply(body)) => match context.reply(*body) {
            Some(reply) => (kind, HandlingOutcome::Replied, Disposition::Reply(reply)),
            None => (kind, HandlingOutcome::Done, Disposition::Ack),
        },
        Ok(Outcome::Dead(reason)) => dead_letter(kind, reason, context),
        Ok(Outcome::Retry) => {
            retry_or_dead_letter(kind, HandlingOutcome::Retried, "put aside", delivery, rules, context)
        }
        // Its words stay out of the log: they may quote the message.
        Err(_) => {
            tracing::error!("the handler panicked");
            retry_or_dead_letter(kind, HandlingOutcome::Panicked, "its handler panicked", delivery, rules, context)
        }
    }
}

fn retry_or_dead_letter(
    kind: &'static str,
    outcome: HandlingOutcome,
    what: &str,
    delivery: &Delivery<'_>,
    rules: &DeliveryRules,
    context: ReplyContext,
) -> Decision {
    if delivery.deliveries >= rules.max_deliveries {
        return dead_letter(kind, format!("delivered {} times, the last time {what}", delivery.deliveries), context);
    }
    (kind, outcome, Disposition::RetryAfter(rules.retry_delay(delivery.deliveries)))
}

fn dead_letter(kind: &'static str, reason: String, context: ReplyContext) -> Decision {
    tracing::error!(reason, kind, "a message is dead");
    let fault = v1::Fault {
        code: "not_handled".to_owned(),
        message: "the request could not be handled and was put aside for an operator".to_owned(),
        retryable: false,
    };
    let reply = context.reply(fault.into());
    (kind, HandlingOutcome::Dead, Disposition::DeadLetter { reason, reply })
}

fn is_expired(message: &Envelope, rules: &DeliveryRules) -> bool {
    message.expires().is_some_and(|at| {
        let late = Utc::now().signed_duration_since(at);
        late.to_std().is_ok_and(|late| late > rules.clock_tolerance)
    })
}

/// The second part of a W3C `traceparent`; empty when there is none.
fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

/// What a reply takes over from its request.
struct ReplyContext {
    expected: bool,
    job_id: String,
    generation: u64,
    traceparent: String,
}

impl ReplyContext {
    fn of(message: &Envelope, expected: bool) -> Self {
        Self {
            expected,
            job_id: message.job_id.clone(),
            generation: message.generation,
            traceparent: message.traceparent.clone(),
        }
    }

    fn reply(self, body: Body) -> Option<Box<Envelope>> {
        if !self.expected {
            return None;
        }
        let id = MessageId::from_uuid(uuid::Uuid::now_v7());
        let reply = Envelope {
            job_id: self.job_id,
            generation: self.generation,
            traceparent: self.traceparent,
            ..contracts::envelope(body, id, Utc::now())
        };
        Some(Box::new(reply))
    }
}
