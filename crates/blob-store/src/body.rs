//! Streams of bytes: what goes through is counted, hashed and held against a limit.

use std::{io, pin::Pin};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio_util::io::ReaderStream;

use crate::{BlobError, ObjectKey, Stored};

/// Content on its way; an error in it ends the operation that reads it.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Read-ahead of file streams; large enough that a hop to the blocking pool costs little per byte.
pub(crate) const CHUNK_BYTES: usize = 128 * 1024;

/// Bytes in memory as a stream of one chunk, or of none when empty.
pub fn bytes_body(bytes: Bytes) -> ByteStream {
    let chunk = (!bytes.is_empty()).then_some(Ok(bytes));
    Box::pin(futures_util::stream::iter(chunk))
}

/// A file from its current position to its end as a stream.
pub fn file_body(file: std::fs::File) -> ByteStream {
    Box::pin(ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK_BYTES))
}

/// Reads a stream into memory; more than `limit_bytes` is an error of kind [`io::ErrorKind::FileTooLarge`].
pub async fn collect(mut body: ByteStream, limit_bytes: usize) -> io::Result<Bytes> {
    let mut content = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if content.len().saturating_add(chunk.len()) > limit_bytes {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit_bytes} bytes")));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content.freeze())
}

/// Reads a stream to its end and says what it held, without keeping it.
///
/// # Errors
/// Those in the stream.
pub async fn digest(mut body: ByteStream) -> io::Result<Stored> {
    let (mut size_bytes, mut digest) = (0, Sha256::new());
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        size_bytes += chunk.len() as u64;
        digest.update(&chunk);
    }
    Ok(Stored { size_bytes, sha256: hex::encode(digest.finalize()) })
}

/// Counts and hashes what passes, and ends it at the limit.
pub(crate) struct Intake {
    key: ObjectKey,
    limit_bytes: u64,
    size_bytes: u64,
    digest: Sha256,
}

impl Intake {
    pub(crate) fn new(key: &ObjectKey, limit_bytes: u64) -> Self {
        Self { key: key.clone(), limit_bytes, size_bytes: 0, digest: Sha256::new() }
    }

    /// The next chunk, counted and hashed; `None` at the end of the stream.
    pub(crate) async fn next(&mut self, body: &mut ByteStream) -> Result<Option<Bytes>, BlobError> {
        let Some(chunk) = body.next().await else { return Ok(None) };
        let chunk = chunk.map_err(|source| BlobError::Body { key: self.key.clone(), source })?;
        self.size_bytes = self.size_bytes.saturating_add(chunk.len() as u64);
        if self.size_bytes > self.limit_bytes {
            return Err(BlobError::LimitExceeded { key: self.key.clone(), limit_bytes: self.limit_bytes });
        }
        self.digest.update(&chunk);
        Ok(Some(chunk))
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn finish(self) -> Stored {
        Stored { size_bytes: self.size_bytes, sha256: hex::encode(self.digest.finalize()) }
    }
}
