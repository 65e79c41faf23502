//! What can go wrong on the way to another service.

use std::time::Duration;

use contracts::{ContractError, topology::Queue};

/// Boxed, because the broker client's error type is none of our callers' business.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a message did not arrive, or an answer did not come.
#[derive(Debug, thiserror::Error)]
pub enum MessagingError {
    #[error("cannot reach the broker{}", after(waited))]
    Unreachable {
        waited: Duration,
        #[source]
        source: Option<Source>,
    },
    #[error("the broker's address is not valid")]
    InvalidAddress(#[source] Source),
    #[error("the broker refused to declare {name}: it exists with other arguments, or rights are missing")]
    Topology {
        name: String,
        #[source]
        source: Source,
    },
    #[error("the broker did not confirm a message to {target}{}", after(waited))]
    Unconfirmed {
        target: String,
        waited: Duration,
        #[source]
        source: Option<Source>,
    },
    #[error("no queue takes messages to {target}: {reply}")]
    Unroutable { target: String, reply: String },
    #[error("{target} is full or not available")]
    Refused { target: String },
    #[error("no answer from {queue}{}", after(waited))]
    DeadlinePassed { queue: Queue, waited: Duration },
    /// The other service's answer. `retryable` is its opinion.
    #[error("{code}: {message}")]
    Fault { code: String, message: String, retryable: bool },
    #[error("a {kind} message does not belong into {queue}")]
    WrongQueue { queue: Queue, kind: &'static str },
    #[error("a {kind} message is not an event")]
    NotAnEvent { kind: &'static str },
    #[error("the message has {size_bytes} bytes; {limit_bytes} is the most")]
    TooLarge { size_bytes: usize, limit_bytes: usize },
    #[error("the message cannot be read")]
    Contract(#[from] ContractError),
    #[error("{abandoned} messages were still being handled{}; they will be delivered again", after(waited))]
    NotDrained { abandoned: usize, waited: Duration },
    #[error("the bus is closed")]
    Closed,
}

fn after(waited: &Duration) -> String {
    format!(" after {:.1} s", waited.as_secs_f64())
}

impl MessagingError {
    /// Whether the same call may succeed later.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Unconfirmed { .. }
            | Self::Unroutable { .. }
            | Self::Refused { .. }
            | Self::DeadlinePassed { .. }
            | Self::NotDrained { .. } => true,
            Self::Fault { retryable, .. } => *retryable,
            Self::InvalidAddress(_)
            | Self::Topology { .. }
            | Self::WrongQueue { .. }
            | Self::NotAnEvent { .. }
            | Self::TooLarge { .. }
            | Self::Contract(_)
            | Self::Closed => false,
        }
    }

    /// A word that a program can act on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "broker_unreachable",
            Self::InvalidAddress(_) => "broker_address",
            Self::Topology { .. } => "broker_topology",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::Unroutable { .. } => "unroutable",
            Self::Refused { .. } => "refused",
            Self::DeadlinePassed { .. } => "deadline_passed",
            Self::Fault { .. } => "fault",
            Self::WrongQueue { .. } => "wrong_queue",
            Self::NotAnEvent { .. } => "not_an_event",
            Self::TooLarge { .. } => "too_large",
            Self::Contract(_) => "contract",
            Self::NotDrained { .. } => "not_drained",
            Self::Closed => "closed",
        }
    }

    /// For metrics: the same closed set of words as [`Self::code`].
    pub const fn metric_label(&self) -> &'static str {
        self.code()
    }
}
