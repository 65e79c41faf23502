//! What came back.

use std::{fmt, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::{
    error::{OutboundError, Site},
    reading::Reading,
    retry_after::retry_after,
};

/// Longer media types are cut off.
const MAX_MEDIA_TYPE_CHARS: usize = 128;

/// Status, headers, and a body that is still on its way. Any status: what one means is the caller's to say.
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Reading,
}

/// What was written of a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Downloaded {
    pub bytes: u64,
    /// Of what was written; 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// As the other side has it, which is not believed.
    pub content_type: Option<String>,
}

impl Answer {
    pub(crate) const fn new(status: StatusCode, headers: HeaderMap, body: Reading) -> Self {
        Self { status, headers, body }
    }

    pub const fn status(&self) -> StatusCode {
        self.status
    }

    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Who answered, behind all redirects.
    pub const fn site(&self) -> &Site {
        self.body.from()
    }

    /// How long the other side tells us to wait, held against `now` where it names a moment.
    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        retry_after(&self.headers, now)
    }

    /// Takes a smaller body than the request does, such as of an answer that only says why not.
    #[must_use]
    pub fn at_most(mut self, max_body_bytes: u64) -> Self {
        self.body.at_most(max_body_bytes);
        self
    }

    /// The whole body in memory.
    ///
    /// # Errors
    /// When it is larger than the request takes, breaks off, or comes too slowly.
    pub async fn bytes(mut self) -> Result<Bytes, OutboundError> {
        let mut all = Vec::new();
        while let Some(piece) = self.body.next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.into())
    }

    /// The body as a `T`.
    ///
    /// # Errors
    /// As [`Answer::bytes`]; and when it is not JSON, or JSON of another shape. What stands in it is not repeated.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, OutboundError> {
        let from = self.site().clone();
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            if error.is_data() {
                OutboundError::OtherShape { from, line, column }
            } else {
                OutboundError::NotJson { from, line, column }
            }
        })
    }

    /// Writes the body down while it comes. What was written before an error stays.
    ///
    /// # Errors
    /// As [`Answer::bytes`]; and when it cannot be written.
    pub async fn download<W>(mut self, to: &mut W) -> Result<Downloaded, OutboundError>
    where
        W: AsyncWrite + Unpin + Send + ?Sized,
    {
        let from = self.site().clone();
        let write = |source| OutboundError::Write { from: from.clone(), source };
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        while let Some(piece) = self.body.next().await? {
            to.write_all(&piece).await.map_err(write)?;
            hash.update(&piece);
            bytes += piece.len() as u64;
        }
        to.flush().await.map_err(write)?;
        Ok(Downloaded { bytes, sha256: hex::encode(hash.finalize()), content_type: media_type(&self.headers) })
    }

    /// The body in pieces, as it comes.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, OutboundError>> + Send + Unpin {
        Box::pin(stream::try_unfold(
            self.body,
            |mut body| async move { Ok(body.next().await?.map(|piece| (piece, body))) },
        ))
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.chars().take(MAX_MEDIA_TYPE_CHARS).collect())
}

impl fmt::Debug for Answer {
    /// Headers may hold addresses and cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("site", self.site()).finish_non_exhaustive()
    }
}
