//! What an operator sees of a message that nobody could handle.

use contracts::{Envelope, topology::Queue};

/// A message that ended as a dead letter.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// As the sender set it; empty when it could not be read.
    pub message_id: String,
    /// Where it came from; `None` for a queue that this version does not know.
    pub queue: Option<Queue>,
    /// A sentence.
    pub reason: String,
    /// How often it was handed to a handler, as far as known.
    pub deliveries: u32,
    /// `None` when the bytes are not an envelope.
    pub envelope: Option<Envelope>,
}
