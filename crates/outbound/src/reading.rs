//! The body of an answer, piece by piece and within its bounds.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Response,
    header::{CONTENT_ENCODING, HeaderMap},
};
use tokio::time::{Instant, timeout};

use crate::{
    error::{OutboundError, Site, Trouble},
    gzip::Gzip,
    limits::Limits,
};

/// A body on its way.
pub struct Reading {
    response: Response,
    from: Site,
    limits: Limits,
    ends_at: Instant,
    coding: Coding,
    /// After decompression.
    received_bytes: u64,
    /// In the current stretch of waiting: for how long, and what came of it.
    waited: Duration,
    came_bytes: u64,
}

enum Coding {
    Plain,
    Gzip(Box<Gzip>),
    Unknown,
}

impl Reading {
    pub fn new(response: Response, from: Site, limits: Limits, ends_at: Instant) -> Self {
        let coding = coding(response.headers());
        Self { response, from, limits, ends_at, coding, received_bytes: 0, waited: Duration::ZERO, came_bytes: 0 }
    }

    pub const fn from(&self) -> &Site {
        &self.from
    }

    pub fn at_most(&mut self, max_body_bytes: u64) {
        self.limits.max_body_bytes = self.limits.max_body_bytes.min(max_body_bytes);
    }

    /// The next piece, never empty; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, OutboundError> {
        let piece = self.decoded().await?;
        if let Some(piece) = &piece {
            self.received_bytes += piece.len() as u64;
            if self.received_bytes > self.limits.max_body_bytes {
                return Err(self.too_large());
            }
        }
        Ok(piece)
    }

    async fn decoded(&mut self) -> Result<Option<Bytes>, OutboundError> {
        loop {
            match &mut self.coding {
                Coding::Plain => {
                    // A length that is told and too much need not be waited for.
                    if self.response.content_length().is_some_and(|length| length > self.limits.max_body_bytes) {
                        return Err(self.too_large());
                    }
                    return self.raw().await;
                }
                Coding::Unknown => return Err(self.broken(Trouble::Coding)),
                Coding::Gzip(gzip) if !gzip.is_idle() => {
                    let bytes = gzip.step().map_err(|_| self.broken(Trouble::Coding))?;
                    if !bytes.is_empty() {
                        return Ok(Some(bytes));
                    }
                }
                Coding::Gzip(_) => {
                    let came = self.raw().await?;
                    let Coding::Gzip(gzip) = &mut self.coding else { continue };
                    let Some(bytes) = came else {
                        let rest = gzip.finish().map_err(|_| self.broken(Trouble::Coding))?;
                        return Ok((!rest.is_empty()).then_some(rest));
                    };
                    gzip.feed(bytes);
                }
            }
        }
    }

    /// As it comes over the wire.
    async fn raw(&mut self) -> Result<Option<Bytes>, OutboundError> {
        loop {
            let window = self.limits.slowest.window;
            let began = Instant::now();
            let left = self.ends_at.saturating_duration_since(began);
            if left.is_zero() {
                return Err(self.broken(Trouble::TimedOut));
            }
            let wait = left.min(window.saturating_sub(self.waited));
            let came = timeout(wait, self.response.chunk()).await;
            self.waited += began.elapsed();
            let piece = match came {
                Ok(Ok(None)) => return Ok(None),
                Ok(Ok(Some(piece))) => Some(piece),
                Ok(Err(_)) => return Err(self.broken(Trouble::Broke)),
                Err(_) => None,
            };
            self.came_bytes += piece.as_ref().map_or(0, |piece| piece.len() as u64);
            if self.waited >= window {
                if u128::from(self.came_bytes) < self.limits.slowest.least_bytes() {
                    return Err(OutboundError::TooSlow { from: self.from.clone() });
                }
                (self.waited, self.came_bytes) = (Duration::ZERO, 0);
            }
            if let Some(piece) = piece.filter(|piece| !piece.is_empty()) {
                return Ok(Some(piece));
            }
        }
    }

    fn broken(&self, why: Trouble) -> OutboundError {
        OutboundError::Broken { from: self.from.clone(), why }
    }

    fn too_large(&self) -> OutboundError {
        OutboundError::TooLarge { from: self.from.clone(), limit_bytes: self.limits.max_body_bytes }
    }
}

/// None is asked for; some send gzip in any case.
fn coding(headers: &HeaderMap) -> Coding {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let (Some(value), None) = (codings.next(), codings.next()) else {
        return if headers.contains_key(CONTENT_ENCODING) { Coding::Unknown } else { Coding::Plain };
    };
    match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Coding::Plain,
        "gzip" | "x-gzip" => Coding::Gzip(Box::new(Gzip::new())),
        _ => Coding::Unknown,
    }
}
