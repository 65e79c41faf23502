//! Objects: recordings on their way in, what the stages hand on, and results on their way out. Two backends behind one
//! face, a folder and anything that speaks S3; the only user of `aws-sdk-s3`.
//!
//! Knows nothing of jobs beyond the layout of their keys, nothing of rows, HTTP requests or retention. Never holds a
//! whole object in memory, and never lets a key reach outside its root.

mod attachment;
mod body;
mod error;
mod folder;
mod key;
mod observed;
mod range;
mod s3;
mod spool;

use std::{fs::File, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use url::Url;

pub use attachment::attachment;
pub use body::{ByteStream, bytes_body, collect, digest, file_body};
pub use error::BlobError;
pub use key::{InvalidKey, KeyPrefix, ObjectKey};
pub use observed::{Observation, Observer, observed};
pub use range::{ByteRange, ByteSpan};
pub use s3::{S3Config, S3Secret, ensure_bucket};

/// What a finished [`BlobStore::put`] took in, or [`digest`] read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    pub size_bytes: u64,
    /// SHA-256 of the content, 64 lower-case hexadecimal digits, computed while it passed.
    pub sha256: String,
}

/// What is known of an object without reading it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    pub size_bytes: u64,
    pub media_type: String,
    /// Changes when the content does; without quotes.
    pub etag: String,
    pub modified_at: DateTime<Utc>,
}

/// An opened object.
pub struct Object {
    /// Size of the whole object, also when only a part was asked for.
    pub size_bytes: u64,
    /// The part that [`Self::body`] holds.
    pub span: ByteSpan,
    pub media_type: String,
    /// Changes when the content does; without quotes.
    pub etag: String,
    pub body: ByteStream,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object")
            .field("size_bytes", &self.size_bytes)
            .field("span", &self.span)
            .field("media_type", &self.media_type)
            .field("etag", &self.etag)
            .finish_non_exhaustive()
    }
}

/// One line of a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    pub key: ObjectKey,
    pub size_bytes: u64,
    pub modified_at: DateTime<Utc>,
}

/// Where objects live. An object appears whole or not at all: a `put` that fails, exceeds its limit or is dropped
/// leaves nothing behind, and a reader never sees half of one.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Streams `body` in, replacing what was there. At most `limit_bytes` are taken; one more is
    /// [`BlobError::LimitExceeded`].
    async fn put(
        &self,
        key: &ObjectKey,
        body: ByteStream,
        media_type: &str,
        limit_bytes: u64,
    ) -> Result<Stored, BlobError>;

    /// Stores what is in memory already.
    async fn put_bytes(&self, key: &ObjectKey, bytes: Bytes, media_type: &str) -> Result<Stored, BlobError> {
        let limit_bytes = bytes.len() as u64;
        self.put(key, bytes_body(bytes), media_type, limit_bytes).await
    }

    /// Opens an object, or a part of it.
    async fn get(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Object, BlobError>;

    async fn head(&self, key: &ObjectKey) -> Result<Head, BlobError>;

    /// Idempotent: a key that holds nothing is no error.
    async fn delete(&self, key: &ObjectKey) -> Result<(), BlobError>;

    /// Deletes everything below `prefix`; returns how many objects went.
    async fn delete_prefix(&self, prefix: &KeyPrefix) -> Result<u64, BlobError>;

    /// Up to `limit` objects below `prefix` in the order of their keys, starting behind `after`.
    async fn list(&self, prefix: &KeyPrefix, after: Option<&ObjectKey>, limit: usize)
    -> Result<Vec<Listed>, BlobError>;

    /// An address from which anyone may read the object until `expires` has passed, as a download named `file_name`.
    /// `None` where the backend has no addresses of its own.
    async fn presign_get(
        &self,
        key: &ObjectKey,
        expires: Duration,
        file_name: &str,
        media_type: &str,
    ) -> Result<Option<Url>, BlobError>;

    /// The object as a local file without a name, positioned at its start; it vanishes when closed. Refuses an object
    /// of more than `limit_bytes`.
    async fn fetch_to_file(&self, key: &ObjectKey, limit_bytes: u64) -> Result<File, BlobError>;

    /// Removes what crashed writers left unfinished (temporary files, incomplete multipart uploads) before `before`;
    /// returns how many. Backends that cannot list them answer 0.
    async fn delete_unfinished(&self, before: DateTime<Utc>) -> Result<u64, BlobError>;

    /// A real round trip: whether the store can be reached and used.
    async fn health(&self) -> Result<(), BlobError>;
}

/// Objects as files below `root`, which is created when missing. A key is its file's path below the root.
pub fn folder(root: impl Into<PathBuf>) -> Result<Arc<dyn BlobStore>, BlobError> {
    Ok(Arc::new(folder::FolderStore::open(root.into())?))
}

/// Objects in one bucket of S3 or of anything that speaks it. Opens no connection yet.
pub fn s3(config: S3Config) -> Result<Arc<dyn BlobStore>, BlobError> {
    Ok(Arc::new(s3::S3Store::new(config)?))
}
