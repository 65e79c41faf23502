//! From an envelope to the row that the relay publishes.

use contracts::{
    Envelope,
    topology::{Queue, event_key},
};
use persistence::{Destination, OutboxMessage};

/// The outbox row of a command or an event. `None` for what is neither (a reply), or has no valid id: there is no way
/// to publish it.
pub fn outgoing(envelope: &Envelope) -> Option<OutboxMessage> {
    let destination = match envelope.body.as_ref().and_then(Queue::of) {
        Some(queue) => Destination::Queue(queue.name().to_owned()),
        None if event_key(envelope).is_some() => Destination::Event,
        None => return None,
    };
    Some(OutboxMessage { id: envelope.id().ok()?, destination, payload: contracts::encode(envelope) })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use contracts::v1;
    use domain::MessageId;

    use super::*;

    fn destination(body: impl Into<contracts::Body>) -> Option<Destination> {
        let id = MessageId::new(DateTime::UNIX_EPOCH, [7; 10]);
        outgoing(&contracts::envelope(body, id, DateTime::UNIX_EPOCH)).map(|message| message.destination)
    }

    #[test]
    fn commands_go_to_their_queue_events_to_listeners_and_replies_nowhere() {
        let ready = v1::JobReady { job_id: "018f6b1e-7c2a-7000-8000-000000000000".to_owned() };
        assert_eq!(destination(ready), Some(Destination::Queue(Queue::OrchestratorJobs.name().to_owned())));
        assert_eq!(destination(v1::JobChanged::default()), Some(Destination::Event));
        assert_eq!(destination(v1::Fault::default()), None);
    }
}
