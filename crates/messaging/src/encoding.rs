//! Between callers and transports: which messages may be sent, when a request expires, and what a reply holds.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{Envelope, topology::Queue};

use crate::error::MessagingError;

/// The bytes of a message that may go into `queue`.
pub(crate) fn encode_for(queue: Queue, message: &Envelope) -> Result<Vec<u8>, MessagingError> {
    if message.body.as_ref().and_then(Queue::of) != Some(queue) {
        return Err(MessagingError::WrongQueue { queue, kind: message.kind() });
    }
    encode_bounded(message)
}

/// The bytes of a message that is not too large to travel.
pub(crate) fn encode_bounded(message: &Envelope) -> Result<Vec<u8>, MessagingError> {
    let bytes = contracts::encode(message);
    if bytes.len() > contracts::MAX_ENVELOPE_BYTES {
        let limit_bytes = contracts::MAX_ENVELOPE_BYTES;
        return Err(MessagingError::TooLarge { size_bytes: bytes.len(), limit_bytes });
    }
    Ok(bytes)
}

/// When a request made now with this deadline expires.
pub(crate) fn expires_at(deadline: Duration) -> DateTime<Utc> {
    let deadline = TimeDelta::from_std(deadline).unwrap_or(TimeDelta::MAX);
    Utc::now().checked_add_signed(deadline).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The reply, or the fault in it as an error.
pub(crate) fn into_reply(reply: Envelope) -> Result<Envelope, MessagingError> {
    match reply.fault() {
        Some(fault) => Err(MessagingError::Fault {
            code: fault.code.clone(),
            message: fault.message.clone(),
            retryable: fault.retryable,
        }),
        None => Ok(reply),
    }
}
