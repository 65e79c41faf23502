//! Exchanges, queues, routing keys and headers on the broker: the one place that names them.
//!
//! Queue arguments cannot be changed on a queue that exists (the broker refuses the declaration), so names end in a
//! version: whoever changes an argument counts the version up, and the old queue is drained and deleted by hand.

use std::time::Duration;

use crate::v1::{Envelope, envelope::Body};

/// Direct exchange: commands and requests, routed by queue name.
pub const COMMAND_EXCHANGE: &str = "descant.commands.v1";
/// Topic exchange: events, to whoever listens.
pub const EVENT_EXCHANGE: &str = "descant.events.v1";
/// Fanout exchange: what nobody could handle.
pub const DEAD_EXCHANGE: &str = "descant.dead.v1";
/// Where everything from [`DEAD_EXCHANGE`] waits for an operator.
pub const DEAD_QUEUE: &str = "descant.dead-letters.v1";
/// First part of the name of each subscriber's own event queue; a random id follows.
pub const EVENT_QUEUE_PREFIX: &str = "descant.events.subscriber.";

/// Header: how often a message had been handed to a handler when it was put aside (a number).
pub const HEADER_DELIVERIES: &str = "x-descant-deliveries";
/// Header: why a message is dead (a sentence).
pub const HEADER_REASON: &str = "x-descant-reason";
/// Header: the queue from which a dead message came.
pub const HEADER_QUEUE: &str = "x-descant-queue";

/// Our headers.
pub const HEADERS: [&str; 3] = [HEADER_DELIVERIES, HEADER_REASON, HEADER_QUEUE];

/// `content_type` of every message.
pub const CONTENT_TYPE: &str = "application/x-protobuf; messageType=descant.v1.Envelope";

/// A message that was handed out this often without being handled is dead. Together with the retry delays it gives an
/// outage about five minutes to pass.
pub const MAX_DELIVERIES: u32 = 20;

/// How long a message waits before it is handed out again. Each delay is used for [`DELIVERIES_PER_DELAY`] deliveries;
/// the last one for all that follow.
pub const RETRY_DELAYS: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];
/// See [`RETRY_DELAYS`].
pub const DELIVERIES_PER_DELAY: u32 = 3;

/// Messages that a work queue holds before the broker refuses more: a sender then sees that nobody keeps up, instead of
/// the broker running out of memory. At 1 KiB a message, 100 MB.
pub const MAX_QUEUE_LENGTH: i64 = 100_000;

/// A queue that services share: each message goes to one of its consumers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Queue {
    /// To any orchestrator: a job may be due, or shall stop.
    OrchestratorJobs,
    /// To any validator: a recording to judge; the gateway waits for the verdict.
    ValidatorRequests,
    /// To any storage service: a result to take in; an orchestrator waits for the answer.
    StorageRequests,
    /// To any storage service: objects to delete. Apart from the requests, so that nobody waits behind a deletion.
    StorageDeletions,
    /// To any storage service: songs to take in, correct and remove; the gateway waits for the answer. Apart from the
    /// requests, so that no result waits behind an archive.
    StorageSongs,
}

impl Queue {
    pub const ALL: [Self; 5] = [
        Self::OrchestratorJobs,
        Self::ValidatorRequests,
        Self::StorageRequests,
        Self::StorageDeletions,
        Self::StorageSongs,
    ];

    /// The name on the broker, also the routing key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrchestratorJobs => "descant.orchestrator.jobs.v1",
            Self::ValidatorRequests => "descant.validator.requests.v1",
            Self::StorageRequests => "descant.storage.requests.v1",
            Self::StorageDeletions => "descant.storage.deletions.v1",
            Self::StorageSongs => "descant.storage.songs.v1",
        }
    }

    /// The queue with this name on the broker.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }

    /// For metrics.
    pub const fn metric_label(self) -> &'static str {
        match self {
            Self::OrchestratorJobs => "orchestrator_jobs",
            Self::ValidatorRequests => "validator_requests",
            Self::StorageRequests => "storage_requests",
            Self::StorageDeletions => "storage_deletions",
            Self::StorageSongs => "storage_songs",
        }
    }

    /// Where a command or request goes; `None` for replies and events, which go to no queue.
    pub const fn of(body: &Body) -> Option<Self> {
        match body {
            Body::JobReady(_) | Body::CancelJob(_) | Body::SignalJob(_) => Some(Self::OrchestratorJobs),
            Body::ValidateAudio(_) => Some(Self::ValidatorRequests),
            Body::IngestResult(_) | Body::MakeRendition(_) => Some(Self::StorageRequests),
            Body::DeleteJobObjects(_) => Some(Self::StorageDeletions),
            Body::ImportSongs(_) | Body::CorrectSong(_) | Body::RemoveSong(_) => Some(Self::StorageSongs),
            Body::AudioVerdict(_)
            | Body::ResultIngested(_)
            | Body::RenditionMade(_)
            | Body::Fault(_)
            | Body::SongsImported(_)
            | Body::SongCorrected(_)
            | Body::SongRemoved(_)
            | Body::JobChanged(_)
            | Body::ResetBreaker(_)
            | Body::Announcement(_) => None,
        }
    }
}

impl std::fmt::Display for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Every routing key on [`EVENT_EXCHANGE`] but those of announcements, which the kinds' tables have.
pub const EVENT_KEYS: [&str; 2] = ["job.changed", "breaker.reset"];

/// The routing key of an event; `None` for what is not one.
pub fn event_key(envelope: &Envelope) -> Option<&str> {
    match &envelope.body {
        Some(Body::JobChanged(_)) => Some(EVENT_KEYS[0]),
        Some(Body::ResetBreaker(_)) => Some(EVENT_KEYS[1]),
        Some(Body::Announcement(announcement)) => Some(announcement.event.as_str()).filter(|event| !event.is_empty()),
        Some(
            Body::JobReady(_)
            | Body::CancelJob(_)
            | Body::SignalJob(_)
            | Body::ValidateAudio(_)
            | Body::IngestResult(_)
            | Body::MakeRendition(_)
            | Body::RenditionMade(_)
            | Body::DeleteJobObjects(_)
            | Body::AudioVerdict(_)
            | Body::ResultIngested(_)
            | Body::ImportSongs(_)
            | Body::CorrectSong(_)
            | Body::RemoveSong(_)
            | Body::SongsImported(_)
            | Body::SongCorrected(_)
            | Body::SongRemoved(_)
            | Body::Fault(_),
        )
        | None => None,
    }
}

/// The delay before delivery `deliveries + 1`, after `deliveries` (from 1) did not handle the message.
pub fn retry_delay(delays: &[Duration], deliveries: u32) -> Duration {
    let step = usize::try_from(deliveries.saturating_sub(1) / DELIVERIES_PER_DELAY).unwrap_or(usize::MAX);
    delays.get(step).or(delays.last()).copied().unwrap_or_default()
}

/// Name of the retry exchange with this delay and of its only queue.
pub fn retry_name(delay: Duration) -> String {
    format!("descant.retry.{}ms.v1", delay.as_millis())
}

/// How an exchange routes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExchangeKind {
    Direct,
    Topic,
    Fanout,
}

/// An exchange to declare, durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExchangeSpec {
    pub name: String,
    pub kind: ExchangeKind,
}

/// A queue to declare, durable, and its only binding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueSpec {
    pub name: String,
    pub exchange: String,
    /// Empty for a fanout exchange.
    pub routing_key: String,
    pub arguments: Vec<Argument>,
}

/// One queue argument with the reason for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Argument {
    pub name: &'static str,
    pub value: ArgumentValue,
    pub reason: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgumentValue {
    Text(&'static str),
    Number(i64),
}

const fn text(name: &'static str, value: &'static str, reason: &'static str) -> Argument {
    Argument { name, value: ArgumentValue::Text(value), reason }
}

const fn number(name: &'static str, value: i64, reason: &'static str) -> Argument {
    Argument { name, value: ArgumentValue::Number(value), reason }
}

const QUORUM: Argument = text(
    "x-queue-type",
    "quorum",
    "replicated and always on disk; with confirms, an accepted message survives the loss of a minority of the nodes",
);
const REJECT_PUBLISH: Argument = text(
    "x-overflow",
    "reject-publish",
    "a full queue refuses, so that the sender knows; dropping the oldest would lose accepted messages. At-least-once \
     dead lettering also requires it",
);
const AT_LEAST_ONCE: Argument = text(
    "x-dead-letter-strategy",
    "at-least-once",
    "a message leaves its queue only when the next one has confirmed it; the default may lose it in between",
);

/// Every exchange.
pub fn exchanges(retry_delays: &[Duration]) -> Vec<ExchangeSpec> {
    let fixed = [
        (COMMAND_EXCHANGE, ExchangeKind::Direct),
        (EVENT_EXCHANGE, ExchangeKind::Topic),
        (DEAD_EXCHANGE, ExchangeKind::Fanout),
    ];
    let fixed = fixed.into_iter().map(|(name, kind)| ExchangeSpec { name: name.to_owned(), kind });
    // A fanout exchange of its own for each delay keeps the routing key free to say where the message goes afterwards.
    let retries =
        retry_delays.iter().map(|delay| ExchangeSpec { name: retry_name(*delay), kind: ExchangeKind::Fanout });
    fixed.chain(retries).collect()
}

/// Every queue that outlives its consumers.
pub fn queues(retry_delays: &[Duration]) -> Vec<QueueSpec> {
    let mut queues: Vec<_> = Queue::ALL.into_iter().map(work_queue).collect();
    queues.extend(retry_delays.iter().map(|delay| retry_queue(*delay)));
    queues.push(dead_queue());
    queues
}

fn work_queue(queue: Queue) -> QueueSpec {
    QueueSpec {
        name: queue.name().to_owned(),
        exchange: COMMAND_EXCHANGE.to_owned(),
        routing_key: queue.name().to_owned(),
        arguments: vec![
            QUORUM,
            text(
                "x-dead-letter-exchange",
                DEAD_EXCHANGE,
                "what is rejected or delivered too often waits for an operator",
            ),
            AT_LEAST_ONCE,
            REJECT_PUBLISH,
            number("x-max-length", MAX_QUEUE_LENGTH, "every queue has a bound"),
            number(
                "x-delivery-limit",
                MAX_DELIVERIES as i64,
                "a message that kills its consumer each time must end as well, though no handler lives to count",
            ),
        ],
    }
}

fn retry_queue(delay: Duration) -> QueueSpec {
    let name = retry_name(delay);
    QueueSpec {
        name: name.clone(),
        exchange: name,
        routing_key: String::new(),
        arguments: vec![
            QUORUM,
            number(
                "x-message-ttl",
                i64::try_from(delay.as_millis()).unwrap_or(i64::MAX),
                "one delay for the whole queue: with a delay per message, a long one at the head would hold up the \
                 short ones behind it",
            ),
            text(
                "x-dead-letter-exchange",
                COMMAND_EXCHANGE,
                "when its time is over a message goes back to its queue, which its routing key still names",
            ),
            AT_LEAST_ONCE,
            REJECT_PUBLISH,
            number("x-max-length", MAX_QUEUE_LENGTH, "every queue has a bound"),
        ],
    }
}

fn dead_queue() -> QueueSpec {
    QueueSpec {
        name: DEAD_QUEUE.to_owned(),
        exchange: DEAD_EXCHANGE.to_owned(),
        routing_key: String::new(),
        arguments: vec![
            QUORUM,
            REJECT_PUBLISH,
            number("x-max-length", MAX_QUEUE_LENGTH, "when it is full, work stays in its queue instead of being lost"),
            number(
                "x-delivery-limit",
                1_000_000,
                "looking at dead letters counts as delivering them, and RabbitMQ 4 drops after 20 by default",
            ),
        ],
    }
}

/// Arguments of a subscriber's own event queue, which holds at most `buffer` events.
pub fn event_queue_arguments(buffer: i64) -> Vec<Argument> {
    vec![
        number("x-max-length", buffer, "a subscriber that does not keep up must not fill the broker"),
        text("x-overflow", "drop-head", "the newest events matter: the database has the others"),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_versioned() {
        let queues: Vec<_> = queues(&RETRY_DELAYS).into_iter().map(|queue| queue.name).collect();
        assert_eq!(queues.iter().collect::<BTreeSet<_>>().len(), queues.len());
        let exchanges: Vec<_> = exchanges(&RETRY_DELAYS).into_iter().map(|exchange| exchange.name).collect();
        assert_eq!(exchanges.iter().collect::<BTreeSet<_>>().len(), exchanges.len());
        for name in queues.iter().chain(&exchanges) {
            assert!(name.starts_with("descant.") && name.ends_with(".v1"), "{name}");
        }
    }

    #[test]
    fn every_queue_is_bound_to_a_declared_exchange() {
        let exchanges: Vec<_> = exchanges(&RETRY_DELAYS).into_iter().map(|exchange| exchange.name).collect();
        for queue in queues(&RETRY_DELAYS) {
            assert!(exchanges.contains(&queue.exchange), "{}", queue.name);
        }
    }

    #[test]
    fn delays_grow_and_stay_at_the_last() {
        let at = |deliveries| retry_delay(&RETRY_DELAYS, deliveries);
        assert_eq!(at(0), RETRY_DELAYS[0]);
        assert_eq!(at(1), RETRY_DELAYS[0]);
        assert_eq!(at(3), RETRY_DELAYS[0]);
        assert_eq!(at(4), RETRY_DELAYS[1]);
        assert_eq!(at(10), RETRY_DELAYS[3]);
        assert_eq!(at(u32::MAX), RETRY_DELAYS[3]);
        assert_eq!(retry_delay(&[], 1), Duration::ZERO);
    }

    #[test]
    fn names_read_back() {
        for queue in Queue::ALL {
            assert_eq!(Queue::from_name(queue.name()), Some(queue));
        }
        assert_eq!(Queue::from_name(DEAD_QUEUE), None);
    }
}
