//! What is written beside a change of a job, in the same transaction: rows of its event log and messages about it.

use serde_json::Value;

use crate::{Job, OutboxMessage};

/// One row for a job's event log, which its owner may read. Never a secret.
#[derive(Clone, PartialEq, Debug)]
pub struct NewEvent {
    /// A word that clients switch on, such as `progress`.
    pub kind: String,
    pub data: Value,
}

impl NewEvent {
    pub fn new(kind: impl Into<String>, data: Value) -> Self {
        Self { kind: kind.into(), data }
    }
}

/// Makes the events and messages that go with a change. It is asked inside the transaction, because only there is it
/// known which job was claimed or which number its events got; it may be asked again when the change has to be tried
/// again, and must not do anything else.
#[derive(Default)]
pub struct Journal<'a> {
    events: Option<Box<MakeEvents<'a>>>,
    takeover: Option<Box<MakeEvents<'a>>>,
    messages: Option<Box<MakeMessages<'a>>>,
}

type MakeEvents<'a> = dyn Fn(&Job) -> Vec<NewEvent> + Send + Sync + 'a;
type MakeMessages<'a> = dyn Fn(&Job) -> Vec<OutboxMessage> + Send + Sync + 'a;

impl<'a> Journal<'a> {
    /// Writes nothing.
    pub fn silent() -> Self {
        Self::default()
    }

    /// Events from the job as it is after the change; its `event_seq` is still the one before these events.
    #[must_use]
    pub fn events(mut self, make: impl Fn(&Job) -> Vec<NewEvent> + Send + Sync + 'a) -> Self {
        self.events = Some(Box::new(make));
        self
    }

    /// Events in place of the others, when a claim takes a job over from a holder whose lease ran out.
    #[must_use]
    pub fn takeover_events(mut self, make: impl Fn(&Job) -> Vec<NewEvent> + Send + Sync + 'a) -> Self {
        self.takeover = Some(Box::new(make));
        self
    }

    /// Messages from the job as it is after the change; its `event_seq` is the number of the last event.
    #[must_use]
    pub fn messages(mut self, make: impl Fn(&Job) -> Vec<OutboxMessage> + Send + Sync + 'a) -> Self {
        self.messages = Some(Box::new(make));
        self
    }

    pub(crate) fn events_of(&self, after: &Job) -> Vec<NewEvent> {
        self.events.as_ref().map(|make| make(after)).unwrap_or_default()
    }

    pub(crate) fn takeover_events_of(&self, after: &Job) -> Vec<NewEvent> {
        self.takeover.as_ref().map_or_else(|| self.events_of(after), |make| make(after))
    }

    pub(crate) fn messages_of(&self, after: &Job) -> Vec<OutboxMessage> {
        self.messages.as_ref().map(|make| make(after)).unwrap_or_default()
    }
}
