//! Takes one object in: whole when it is small, in parts when it is not. Whatever ends an upload early (a limit, a
//! broken stream, a dropped future), its parts are removed from the service.

use std::{io, sync::Arc};

use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata,
    primitives::ByteStream as SdkBody,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::task::JoinSet;

use super::{
    buffers::{PartBuffers, Turn},
    error::Call,
    moment,
};
use crate::{BlobError, ByteStream, ObjectKey, Stored, body::Intake, spool::Spool};

/// Where one object goes and how.
#[derive(Clone)]
pub(crate) struct Uploader {
    pub(crate) client: Client,
    pub(crate) bucket: Arc<str>,
    pub(crate) key: ObjectKey,
    pub(crate) media_type: String,
    pub(crate) part_bytes: usize,
    pub(crate) parts_in_flight: usize,
    pub(crate) part_buffers: PartBuffers,
}

impl Uploader {
    pub(crate) async fn stream(&self, mut body: ByteStream, limit_bytes: u64) -> Result<Stored, BlobError> {
        let mut intake = Intake::new(&self.key, limit_bytes);
        let mut parts = None;
        let sent = async {
            let last = self.feed(&mut intake, &mut body, &mut parts).await?;
            match &mut parts {
                None => {
                    let (_turn, content) = in_memory(&self.part_buffers, last, &self.key).await?;
                    self.single(content).await
                }
                Some(parts) => {
                    parts.send(last).await?;
                    parts.complete(intake.size_bytes()).await
                }
            }
        };
        let result = sent.await;
        if let Some(parts) = parts
            && result.is_err()
        {
            parts.abort().await;
        }
        result.map(|()| intake.finish())
    }

    /// Sends full parts while the stream goes on behind them; returns what is left at its end.
    async fn feed(
        &self,
        intake: &mut Intake,
        body: &mut ByteStream,
        parts: &mut Option<Parts>,
    ) -> Result<Spool, BlobError> {
        let mut spool = Spool::default();
        while let Some(mut chunk) = intake.next(body).await? {
            while !chunk.is_empty() {
                if spool.len() == self.part_bytes {
                    if parts.is_none() {
                        *parts = Some(Parts::begin(self).await?);
                    }
                    if let Some(parts) = parts {
                        parts.send(std::mem::take(&mut spool)).await?;
                    }
                }
                let room = self.part_bytes - spool.len();
                let fitting = chunk.split_to(room.min(chunk.len()));
                spool.push(&fitting).await.map_err(|e| local(&self.key, e))?;
            }
        }
        Ok(spool)
    }

    /// Sends an object in one call.
    pub(crate) async fn single(&self, content: Bytes) -> Result<(), BlobError> {
        self.client
            .put_object()
            .bucket(&*self.bucket)
            .key(self.key.as_str())
            .content_type(&self.media_type)
            .content_length(i64::try_from(content.len()).unwrap_or(i64::MAX))
            .body(SdkBody::from(content))
            .send()
            .await
            .map_err(|e| Call::on("write", self.key.as_str()).failed(e))?;
        Ok(())
    }

    fn failed(&self, source: Box<dyn std::error::Error + Send + Sync>) -> BlobError {
        BlobError::Failed { operation: "write", subject: self.key.to_string(), source }
    }
}

/// Brings what was spooled into memory, once it is its turn; the turn lasts until it has been sent.
async fn in_memory(buffers: &PartBuffers, spool: Spool, key: &ObjectKey) -> Result<(Turn, Bytes), BlobError> {
    let turn = buffers.turn().await.ok_or_else(|| local(key, io::Error::other("the store is closed")));
    let (mut turn, buffer) = turn?;
    let content = spool.into_bytes(buffer).await.map_err(|e| local(key, e))?;
    turn.sends(&content);
    Ok((turn, content))
}

/// The disk that parts wait on is in trouble.
fn local(key: &ObjectKey, source: io::Error) -> BlobError {
    match BlobError::from_io("buffer", Some(key), source) {
        BlobError::NotFound { key } => BlobError::Failed {
            operation: "buffer",
            subject: key.to_string(),
            source: "the folder for temporary files is missing".into(),
        },
        other => other,
    }
}

/// Names one multipart upload.
#[derive(Clone)]
struct Ticket {
    client: Client,
    bucket: Arc<str>,
    key: ObjectKey,
    upload_id: String,
}

/// A multipart upload under way. Dropped before its end, it removes itself in the background.
struct Parts {
    ticket: Ticket,
    parts_in_flight: usize,
    part_buffers: PartBuffers,
    /// Numbers count from 1.
    last_number: i32,
    sending: JoinSet<Result<CompletedPart, BlobError>>,
    sent: Vec<CompletedPart>,
    open: bool,
}

impl Parts {
    /// On a task of its own: when nobody waits for the beginning any more, what was begun all the same is dropped
    /// there, and so removed.
    async fn begin(uploader: &Uploader) -> Result<Self, BlobError> {
        let begun = tokio::spawn(Self::begin_to_its_end(uploader.clone()));
        begun.await.unwrap_or_else(|stopped| Err(uploader.failed(stopped.into())))
    }

    async fn begin_to_its_end(uploader: Uploader) -> Result<Self, BlobError> {
        let begun = uploader
            .client
            .create_multipart_upload()
            .bucket(&*uploader.bucket)
            .key(uploader.key.as_str())
            .content_type(&uploader.media_type)
            .send()
            .await
            .map_err(|e| Call::on("begin", uploader.key.as_str()).failed(e))?;
        let upload_id = begun.upload_id.ok_or_else(|| uploader.failed("the service named no upload".into()))?;
        Ok(Self {
            ticket: Ticket {
                client: uploader.client.clone(),
                bucket: uploader.bucket.clone(),
                key: uploader.key.clone(),
                upload_id,
            },
            parts_in_flight: uploader.parts_in_flight,
            part_buffers: uploader.part_buffers.clone(),
            last_number: 0,
            sending: JoinSet::new(),
            sent: Vec::new(),
            open: true,
        })
    }

    /// Sends a part in the background, once fewer than the allowed number are under way.
    async fn send(&mut self, mut spool: Spool) -> Result<(), BlobError> {
        spool.settle().await.map_err(|e| local(&self.ticket.key, e))?;
        while self.sending.len() >= self.parts_in_flight {
            self.settle_one().await?;
        }
        self.last_number += 1;
        let (ticket, number, buffers) = (self.ticket.clone(), self.last_number, self.part_buffers.clone());
        self.sending.spawn(async move {
            let (_turn, content) = in_memory(&buffers, spool, &ticket.key).await?;
            ticket.send_part(number, content).await
        });
        Ok(())
    }

    async fn settle_one(&mut self) -> Result<(), BlobError> {
        match self.sending.join_next().await {
            None => Ok(()),
            Some(Ok(part)) => {
                self.sent.push(part?);
                Ok(())
            }
            Some(Err(stopped)) => Err(self.ticket.failed(Box::new(stopped))),
        }
    }

    async fn complete(&mut self, size_bytes: u64) -> Result<(), BlobError> {
        while !self.sending.is_empty() {
            self.settle_one().await?;
        }
        self.sent.sort_by_key(|part| part.part_number);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.sent))).build();
        let ticket = &self.ticket;
        let completed = ticket
            .client
            .complete_multipart_upload()
            .bucket(&*ticket.bucket)
            .key(ticket.key.as_str())
            .upload_id(&ticket.upload_id)
            .multipart_upload(parts)
            .send()
            .await;
        if let Err(error) = completed {
            // The SDK tried again after losing the answer of a completion that had worked.
            let unknown_now = error.as_service_error().is_some_and(|e| e.code() == Some("NoSuchUpload"));
            if !(unknown_now && ticket.exists_with(size_bytes).await) {
                return Err(Call::on("complete", ticket.key.as_str()).failed(error));
            }
        }
        self.open = false;
        Ok(())
    }

    async fn abort(mut self) {
        self.open = false;
        let sending = std::mem::take(&mut self.sending);
        self.ticket.clone().abort(sending).await;
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let (ticket, sending) = (self.ticket.clone(), std::mem::take(&mut self.sending));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(ticket.abort(sending));
            }
            Err(_) => tracing::warn!(key = %ticket.key, "multipart upload left behind: dropped outside of a runtime"),
        }
    }
}

impl Ticket {
    fn failed(&self, source: Box<dyn std::error::Error + Send + Sync>) -> BlobError {
        BlobError::Failed { operation: "write", subject: self.key.to_string(), source }
    }

    async fn send_part(&self, number: i32, content: Bytes) -> Result<CompletedPart, BlobError> {
        let sent = self
            .client
            .upload_part()
            .bucket(&*self.bucket)
            .key(self.key.as_str())
            .upload_id(&self.upload_id)
            .part_number(number)
            .content_length(i64::try_from(content.len()).unwrap_or(i64::MAX))
            .body(SdkBody::from(content))
            .send()
            .await
            .map_err(|e| Call::on("write", self.key.as_str()).failed(e))?;
        // With default checksums, the completion must name those of the parts.
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32)
            .set_checksum_crc32_c(sent.checksum_crc32_c)
            .set_checksum_crc64_nvme(sent.checksum_crc64_nvme)
            .set_checksum_sha1(sent.checksum_sha1)
            .set_checksum_sha256(sent.checksum_sha256)
            .build())
    }

    async fn exists_with(&self, size_bytes: u64) -> bool {
        let head = self.client.head_object().bucket(&*self.bucket).key(self.key.as_str()).send().await;
        head.is_ok_and(|head| head.content_length().and_then(|l| u64::try_from(l).ok()) == Some(size_bytes))
    }

    /// Removes the upload and its parts. Parts under way are waited for, not cut: one that arrived after the abort
    /// would stay, unseen and billed.
    async fn abort(self, mut sending: JoinSet<Result<CompletedPart, BlobError>>) {
        while sending.join_next().await.is_some() {}
        let aborted = self
            .client
            .abort_multipart_upload()
            .bucket(&*self.bucket)
            .key(self.key.as_str())
            .upload_id(&self.upload_id)
            .send()
            .await;
        if let Err(error) = aborted
            && error.as_service_error().is_none_or(|e| e.code() != Some("NoSuchUpload"))
        {
            let error = Call::on("abort", self.key.as_str()).failed(error);
            tracing::warn!(key = %self.key, error = %error, "multipart upload could not be aborted");
        }
    }
}

/// Aborts the multipart uploads that began before `before`: what crashed processes left. A service that cannot list
/// them answers 0; there a lifecycle rule of the bucket does it.
pub(crate) async fn abort_unfinished(
    client: &Client,
    bucket: &Arc<str>,
    before: DateTime<Utc>,
) -> Result<u64, BlobError> {
    let mut aborted = 0;
    let (mut key_marker, mut id_marker) = (None, None);
    loop {
        let listed = client
            .list_multipart_uploads()
            .bucket(&**bucket)
            .set_key_marker(key_marker)
            .set_upload_id_marker(id_marker)
            .send()
            .await;
        let page = match listed {
            Ok(page) => page,
            Err(error) if error.raw_response().is_some_and(|r| r.status().as_u16() == 501) => return Ok(aborted),
            Err(error) => return Err(Call::on("list", "unfinished uploads").failed(error)),
        };
        for upload in page.uploads.unwrap_or_default() {
            let (Some(key), Some(upload_id), Some(initiated)) = (upload.key, upload.upload_id, upload.initiated) else {
                continue;
            };
            // A name that is no key is somebody else's upload in a shared bucket.
            let Ok(key) = key.parse::<ObjectKey>() else { continue };
            if moment(Some(&initiated)) >= before {
                continue;
            }
            Ticket { client: client.clone(), bucket: bucket.clone(), key, upload_id }.abort(JoinSet::new()).await;
            aborted += 1;
        }
        (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        if !page.is_truncated.unwrap_or(false) || key_marker.is_none() {
            return Ok(aborted);
        }
    }
}
