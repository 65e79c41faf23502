//! Objects in one bucket, through `aws-sdk-s3`. Works with AWS and with what else speaks S3: no `If-None-Match`, no
//! batch delete, no object tags, checksums only where the service demands them.

mod buffers;
mod config;
mod error;
mod upload;

use std::{fs::File, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client, operation::get_object::GetObjectOutput, presigning::PresigningConfig, primitives::DateTime as AwsDateTime,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use url::Url;

pub use config::{S3Config, S3Secret};

use self::{buffers::PartBuffers, error::Call, upload::Uploader};
use crate::{
    BlobError, BlobStore, ByteRange, ByteSpan, ByteStream, Head, KeyPrefix, Listed, Object, ObjectKey, Stored,
    attachment, body::Intake, range::parse_content_range, spool::Spool,
};

/// What an object without a type counts as.
const UNKNOWN_TYPE: &str = "application/octet-stream";
/// Most keys that S3 lists at once.
const LIST_PAGE: usize = 1000;
/// Deletes of one prefix under way at once. One by one rather than in a batch: the batch call needs a checksum that
/// not every server accepts, and a job has a dozen objects.
const DELETES_AT_ONCE: usize = 8;
/// Longest life of a link that signature version 4 allows.
const MAX_LINK_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

pub(crate) struct S3Store {
    client: Client,
    /// Signs links; differs from `client` only where clients reach the service at another address.
    links: Client,
    bucket: Arc<str>,
    part_bytes: usize,
    parts_in_flight: usize,
    part_buffers: PartBuffers,
}

impl S3Store {
    pub(crate) fn new(config: S3Config) -> Result<Self, BlobError> {
        config.check()?;
        let client = config.client(config.endpoint.as_ref());
        let links = match &config.public_endpoint {
            Some(public) => config.client(Some(public)),
            None => client.clone(),
        };
        Ok(Self {
            client,
            links,
            bucket: config.bucket.into(),
            part_bytes: config.part_bytes,
            parts_in_flight: config.parts_in_flight,
            part_buffers: PartBuffers::new(config.part_buffers),
        })
    }

    fn uploader(&self, key: &ObjectKey, media_type: &str) -> Uploader {
        Uploader {
            client: self.client.clone(),
            bucket: self.bucket.clone(),
            key: key.clone(),
            media_type: media_type.to_owned(),
            part_bytes: self.part_bytes,
            parts_in_flight: self.parts_in_flight,
            part_buffers: self.part_buffers.clone(),
        }
    }

    async fn list_page(
        &self,
        prefix: &KeyPrefix,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<(Vec<Listed>, bool), BlobError> {
        let page = self
            .client
            .list_objects_v2()
            .bucket(&*self.bucket)
            .prefix(prefix.as_str())
            .set_start_after(after.map(ToString::to_string))
            .max_keys(i32::try_from(limit.min(LIST_PAGE)).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|e| Call::on("list", prefix.as_str()).failed(e))?;
        let more = page.is_truncated().unwrap_or(false);
        let listed = page.contents.unwrap_or_default().into_iter().filter_map(|object| {
            // A name that is no key is not ours: somebody else's object in a shared bucket.
            let key = object.key?.parse().ok()?;
            Some(Listed { key, size_bytes: size(object.size), modified_at: moment(object.last_modified.as_ref()) })
        });
        Ok((listed.collect(), more))
    }
}

/// Creates the configured bucket unless it exists. For tests and for trying things out: in production a bucket is
/// made with its policies, by whoever owns the account.
pub async fn ensure_bucket(config: &S3Config) -> Result<(), BlobError> {
    config.check()?;
    let client = config.client(config.endpoint.as_ref());
    match client.create_bucket().bucket(&config.bucket).send().await {
        Ok(_) => Ok(()),
        Err(e) => {
            let known = e.as_service_error().is_some_and(|e| {
                e.is_bucket_already_owned_by_you()
                    || e.is_bucket_already_exists()
                    || matches!(e.meta().code(), Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists"))
            });
            if known { Ok(()) } else { Err(Call::on("create", "its bucket").failed(e)) }
        }
    }
}

fn size(length: Option<i64>) -> u64 {
    length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
}

fn moment(at: Option<&AwsDateTime>) -> DateTime<Utc> {
    at.and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos())).unwrap_or_default()
}

fn etag(quoted: Option<&str>) -> String {
    quoted.unwrap_or_default().trim_matches('"').to_owned()
}

/// The answer of a get as our own type; `ranged` says whether a part was asked for.
fn opened(key: &ObjectKey, answer: GetObjectOutput, ranged: bool) -> Result<Object, BlobError> {
    let length = size(answer.content_length());
    let (span, size_bytes) = match answer.content_range() {
        Some(header) => parse_content_range(header).filter(|(span, _)| span.length == length).ok_or_else(|| {
            BlobError::Failed { operation: "read", subject: key.to_string(), source: "its range is malformed".into() }
        })?,
        // Without the header the whole object comes. A service that ignores ranges would be read wrongly.
        None if ranged => {
            return Err(BlobError::Failed {
                operation: "read",
                subject: key.to_string(),
                source: "the service ignores ranges".into(),
            });
        }
        None => (ByteSpan::whole(length), length),
    };
    let body = stream::try_unfold(answer.body, |mut body| async move {
        let chunk = body.try_next().await.map_err(io::Error::other)?;
        Ok(chunk.map(|chunk| (chunk, body)))
    });
    Ok(Object {
        size_bytes,
        span,
        media_type: answer.content_type.unwrap_or_else(|| UNKNOWN_TYPE.to_owned()),
        etag: etag(answer.e_tag.as_deref()),
        body: Box::pin(body),
    })
}

#[async_trait]
impl BlobStore for S3Store {
    async fn put(
        &self,
        key: &ObjectKey,
        body: ByteStream,
        media_type: &str,
        limit_bytes: u64,
    ) -> Result<Stored, BlobError> {
        self.uploader(key, media_type).stream(body, limit_bytes).await
    }

    async fn put_bytes(&self, key: &ObjectKey, bytes: Bytes, media_type: &str) -> Result<Stored, BlobError> {
        if bytes.len() > self.part_bytes {
            let limit_bytes = bytes.len() as u64;
            return self.put(key, crate::bytes_body(bytes), media_type, limit_bytes).await;
        }
        let mut intake = Intake::new(key, bytes.len() as u64);
        let mut body = crate::bytes_body(bytes.clone());
        while intake.next(&mut body).await?.is_some() {}
        self.uploader(key, media_type).single(bytes).await?;
        Ok(intake.finish())
    }

    async fn get(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Object, BlobError> {
        // An unsatisfiable order of ends is ignored by HTTP servers, so it is never sent.
        if matches!(range, Some(ByteRange::FromTo { first, last }) if first > last)
            || matches!(range, Some(ByteRange::Last { count: 0 }))
        {
            return Err(BlobError::InvalidRange { key: key.clone() });
        }
        let answer = self
            .client
            .get_object()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .set_range(range.map(ByteRange::header))
            .send()
            .await
            .map_err(|e| Call::on_object("read", key).failed(e))?;
        opened(key, answer, range.is_some())
    }

    async fn head(&self, key: &ObjectKey) -> Result<Head, BlobError> {
        let head = self
            .client
            .head_object()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .send()
            .await
            .map_err(|e| Call::on_object("look at", key).failed(e))?;
        Ok(Head {
            size_bytes: size(head.content_length()),
            media_type: head.content_type().unwrap_or(UNKNOWN_TYPE).to_owned(),
            etag: etag(head.e_tag()),
            modified_at: moment(head.last_modified()),
        })
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), BlobError> {
        let deleted = self.client.delete_object().bucket(&*self.bucket).key(key.as_str()).send().await;
        match deleted.map_err(|e| Call::on_object("delete", key).failed(e)) {
            Ok(_) | Err(BlobError::NotFound { .. }) => Ok(()),
            Err(e) => Err(e),
        }
    }

    async fn delete_prefix(&self, prefix: &KeyPrefix) -> Result<u64, BlobError> {
        let mut deleted = 0;
        let mut after = None;
        loop {
            let (listed, more) = self.list_page(prefix, after.as_ref(), LIST_PAGE).await?;
            deleted += listed.len() as u64;
            after = listed.last().map(|last| last.key.clone());
            stream::iter(listed.into_iter().map(|object| async move { self.delete(&object.key).await }))
                .buffer_unordered(DELETES_AT_ONCE)
                .try_collect::<()>()
                .await?;
            if !more || after.is_none() {
                return Ok(deleted);
            }
        }
    }

    async fn list(
        &self,
        prefix: &KeyPrefix,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<Listed>, BlobError> {
        let mut found: Vec<Listed> = Vec::new();
        while found.len() < limit {
            let after = found.last().map(|last| last.key.clone()).or_else(|| after.cloned());
            let (page, more) = self.list_page(prefix, after.as_ref(), limit - found.len()).await?;
            let nothing = page.is_empty();
            found.extend(page);
            if !more || nothing {
                break;
            }
        }
        Ok(found)
    }

    async fn presign_get(
        &self,
        key: &ObjectKey,
        expires: Duration,
        file_name: &str,
        media_type: &str,
    ) -> Result<Option<Url>, BlobError> {
        let failed = |source| BlobError::Failed { operation: "sign a link to", subject: key.to_string(), source };
        let life = PresigningConfig::expires_in(expires.min(MAX_LINK_LIFE)).map_err(|e| failed(Box::new(e)))?;
        let signed = self
            .links
            .get_object()
            .bucket(&*self.bucket)
            .key(key.as_str())
            .response_content_disposition(attachment(file_name))
            .response_content_type(media_type)
            .presigned(life)
            .await
            .map_err(|e| Call::on_object("sign a link to", key).failed(e))?;
        Url::parse(signed.uri()).map(Some).map_err(|e| failed(Box::new(e)))
    }

    async fn fetch_to_file(&self, key: &ObjectKey, limit_bytes: u64) -> Result<File, BlobError> {
        let object = self.get(key, None).await?;
        if object.size_bytes > limit_bytes {
            return Err(BlobError::LimitExceeded { key: key.clone(), limit_bytes });
        }
        let local = |source| BlobError::from_io("keep a copy of", None, source);
        let mut body = object.body;
        let mut spool = Spool::default();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|source| BlobError::Unavailable {
                operation: "read",
                subject: key.to_string(),
                source: Box::new(source),
            })?;
            // The size was checked above, but what is read from outside has its own bound.
            if (spool.len() + chunk.len()) as u64 > limit_bytes {
                return Err(BlobError::LimitExceeded { key: key.clone(), limit_bytes });
            }
            spool.push(&chunk).await.map_err(local)?;
        }
        spool.into_file().await.map_err(local)
    }

    async fn delete_unfinished(&self, before: DateTime<Utc>) -> Result<u64, BlobError> {
        upload::abort_unfinished(&self.client, &self.bucket, before).await
    }

    async fn health(&self) -> Result<(), BlobError> {
        let asked = self.client.head_bucket().bucket(&*self.bucket).send().await;
        asked.map_err(|e| Call::on("reach", "its bucket").failed(e))?;
        Ok(())
    }
}
