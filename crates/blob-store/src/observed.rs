//! A store that tells an observer how each operation went, so that metrics need no knowledge of backends and backends
//! none of metrics.

use std::{
    fs::File,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use url::Url;

use crate::{BlobError, BlobStore, ByteRange, ByteStream, Head, KeyPrefix, Listed, Object, ObjectKey, Stored};

/// How one operation went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Observation {
    /// As given to [`observed`].
    pub backend: &'static str,
    /// put, get, head, delete, delete_prefix, list, presign, fetch, delete_unfinished or health.
    pub operation: &'static str,
    /// `done`, or [`BlobError::metric_label`].
    pub outcome: &'static str,
    /// Until the answer; for a get, until its body can be read.
    pub took: Duration,
    /// Bytes that went into the store.
    pub bytes_in: u64,
    /// Bytes that were opened for reading.
    pub bytes_out: u64,
}

/// Called after each operation; must not block.
pub type Observer = Arc<dyn Fn(Observation) + Send + Sync>;

/// `store`, with every operation reported to `observer`. `backend` is a label, such as `s3`.
pub fn observed(store: Arc<dyn BlobStore>, backend: &'static str, observer: Observer) -> Arc<dyn BlobStore> {
    Arc::new(Observed { backend, store, observer })
}

struct Observed {
    backend: &'static str,
    store: Arc<dyn BlobStore>,
    observer: Observer,
}

impl Observed {
    async fn report<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, BlobError>>,
    ) -> Result<T, BlobError> {
        self.report_moved(operation, call, |_| (0, 0)).await
    }

    /// `moved` says how many bytes went in and out.
    async fn report_moved<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, BlobError>>,
        moved: impl Fn(&T) -> (u64, u64),
    ) -> Result<T, BlobError> {
        let started = Instant::now();
        let result = call.await;
        let outcome = result.as_ref().map_or_else(BlobError::metric_label, |_| "done");
        let (bytes_in, bytes_out) = result.as_ref().map_or((0, 0), moved);
        let took = started.elapsed();
        (self.observer)(Observation { backend: self.backend, operation, outcome, took, bytes_in, bytes_out });
        result
    }
}

#[async_trait]
impl BlobStore for Observed {
    async fn put(
        &self,
        key: &ObjectKey,
        body: ByteStream,
        media_type: &str,
        limit_bytes: u64,
    ) -> Result<Stored, BlobError> {
        self.report_moved("put", self.store.put(key, body, media_type, limit_bytes), |s| (s.size_bytes, 0)).await
    }

    async fn put_bytes(&self, key: &ObjectKey, bytes: Bytes, media_type: &str) -> Result<Stored, BlobError> {
        self.report_moved("put", self.store.put_bytes(key, bytes, media_type), |s| (s.size_bytes, 0)).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Object, BlobError> {
        self.report_moved("get", self.store.get(key, range), |o| (0, o.span.length)).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Head, BlobError> {
        self.report("head", self.store.head(key)).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), BlobError> {
        self.report("delete", self.store.delete(key)).await
    }

    async fn delete_prefix(&self, prefix: &KeyPrefix) -> Result<u64, BlobError> {
        self.report("delete_prefix", self.store.delete_prefix(prefix)).await
    }

    async fn list(
        &self,
        prefix: &KeyPrefix,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<Listed>, BlobError> {
        self.report("list", self.store.list(prefix, after, limit)).await
    }

    async fn presign_get(
        &self,
        key: &ObjectKey,
        expires: Duration,
        file_name: &str,
        media_type: &str,
    ) -> Result<Option<Url>, BlobError> {
        self.report("presign", self.store.presign_get(key, expires, file_name, media_type)).await
    }

    async fn fetch_to_file(&self, key: &ObjectKey, limit_bytes: u64) -> Result<File, BlobError> {
        let size = |file: &File| (0, file.metadata().map_or(0, |m| m.len()));
        self.report_moved("fetch", self.store.fetch_to_file(key, limit_bytes), size).await
    }

    async fn delete_unfinished(&self, before: DateTime<Utc>) -> Result<u64, BlobError> {
        self.report("delete_unfinished", self.store.delete_unfinished(before)).await
    }

    async fn health(&self) -> Result<(), BlobError> {
        self.report("health", self.store.health()).await
    }
}
