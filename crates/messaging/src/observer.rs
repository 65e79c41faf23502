//! What a metrics registry may want to know; this crate keeps no figures itself.

use std::time::Duration;

use contracts::topology::Queue;

/// Observes traffic. Every argument comes from a closed set, fit for a metric's label. Must not block.
pub trait MessagingObserver: Send + Sync + 'static {
    /// A message was sent, or could not be. `target` is a queue's [`Queue::metric_label`], or `events`.
    fn sent(&self, target: &'static str, outcome: SendOutcome) {
        let _ = (target, outcome);
    }

    /// A delivery is over. `kind` is the body's name in `proto/` or `unknown`.
    fn handled(&self, queue: Queue, kind: &'static str, outcome: HandlingOutcome, took: Duration) {
        let _ = (queue, kind, outcome, took);
    }

    /// A request got its reply, or failed; `outcome` is `ok` or the error's label.
    fn answered(&self, queue: Queue, outcome: &'static str, took: Duration) {
        let _ = (queue, outcome, took);
    }

    /// A connection to the broker came up or was lost.
    fn link(&self, role: LinkRole, up: bool) {
        let _ = (role, up);
    }

    /// A subscriber may have missed events.
    fn events_missed(&self) {}
}

/// Observes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoopObserver;

impl MessagingObserver for NoopObserver {}

/// How sending ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SendOutcome {
    Confirmed,
    Failed,
}

impl SendOutcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
        }
    }
}

/// How a delivery ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum HandlingOutcome {
    Done,
    Replied,
    /// Comes again after a delay.
    Retried,
    /// The handler panicked; comes again after a delay.
    Panicked,
    /// Became a dead letter.
    Dead,
    /// A request whose requester has stopped waiting.
    Expired,
    /// A body from a newer version; acknowledged unread.
    Unknown,
    /// The consumer stopped before the handler was done; comes again at once.
    Abandoned,
}

impl HandlingOutcome {
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Replied,
        Self::Retried,
        Self::Panicked,
        Self::Dead,
        Self::Expired,
        Self::Unknown,
        Self::Abandoned,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Replied => "replied",
            Self::Retried => "retried",
            Self::Panicked => "panicked",
            Self::Dead => "dead",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Abandoned => "abandoned",
        }
    }
}

/// The two connections that a process has to the broker. A broker that runs out of memory stops reading from
/// connections that publish; acknowledgements must not be stuck behind that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LinkRole {
    Publish,
    Consume,
}

impl LinkRole {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
        }
    }
}
