//! Memory for the parts that are being sent: a fixed number of buffers that all uploads of a store share, used again and
//! again. Allocating eight megabytes for each part would leave the allocator holding many times what is in use.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Clone)]
pub(crate) struct PartBuffers {
    free: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<BytesMut>>>,
}

/// The right to have one part in memory; given back on drop.
pub(crate) struct Turn {
    buffers: PartBuffers,
    /// What was sent, to be used again once nobody else holds it.
    sent: Option<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl PartBuffers {
    pub(crate) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), idle: Arc::default() }
    }

    /// Waits until fewer parts than buffers are in memory. `None` never happens: the semaphore is never closed.
    pub(crate) async fn turn(&self) -> Option<(Turn, BytesMut)> {
        let permit = self.free.clone().acquire_owned().await.ok()?;
        let buffer = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Some((Turn { buffers: self.clone(), sent: None, _permit: permit }, buffer))
    }
}

impl Turn {
    /// Keeps the content's memory for the next turn.
    pub(crate) fn sends(&mut self, content: &Bytes) {
        self.sent = Some(content.clone());
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Still shared when a call was cut off in the middle: then its memory is freed by whoever drops it last.
        if let Some(Ok(mut buffer)) = self.sent.take().map(Bytes::try_into_mut) {
            buffer.clear();
            self.buffers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_is_used_again_unless_somebody_still_holds_it() {
        let buffers = PartBuffers::new(1);
        let (mut turn, mut buffer) = buffers.turn().await.unwrap();
        assert_eq!(buffers.free.available_permits(), 0);
        buffer.extend_from_slice(&[7; 1000]);
        let content = buffer.freeze();
        let address = content.as_ptr();
        turn.sends(&content);
        drop(content);
        drop(turn);

        let (mut turn, mut buffer) = buffers.turn().await.unwrap();
        assert!(buffer.is_empty() && buffer.capacity() >= 1000);
        assert_eq!(buffer.as_ptr(), address);
        buffer.extend_from_slice(&[8; 10]);
        let content = buffer.freeze();
        turn.sends(&content);
        drop(turn);
        let (_turn, buffer) = buffers.turn().await.unwrap();
        assert_eq!((buffer.capacity(), content.len()), (0, 10), "the content that is still held was not taken");
    }
}
