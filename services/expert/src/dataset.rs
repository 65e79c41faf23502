//! Recordings that lie at an address which the caller names: brought here within bounds, so that they can be handed over. The
//! address is a stranger's word, and goes through the policy for those.

use std::time::Duration;

use actix_web::http::StatusCode;
use domain::FailureCode;
use outbound::{Destination, Limits, NotSent, Outbound, OutboundError};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use crate::{
    refusal::Refusal,
    upload::{self, Uploaded},
};

/// At once; each may fill the disk with as much as an archive may hold.
const MOST_AT_ONCE: usize = 2;
/// Of one, redirects included.
const LONGEST: Duration = Duration::from_secs(10 * 60);
const MOST_REDIRECTS: u8 = 3;
/// When to come back where as many are brought as may be.
const WAIT: Duration = Duration::from_secs(30);
/// What a file is called whose address names none.
const UNNAMED: &str = "recordings";
const MAX_NAME_CHARS: usize = 100;

/// What was brought. It has its place among those that may be here at once until it is dropped.
pub struct Fetched<'a> {
    pub file: Uploaded,
    _place: SemaphorePermit<'a>,
}

/// Brings files from elsewhere.
pub struct Fetcher {
    outbound: Outbound,
    from: Destination,
    max_bytes: u64,
    places: Semaphore,
}

impl Fetcher {
    pub fn new(outbound: &Outbound, max_bytes: u64) -> Self {
        let (outbound, from) = (outbound.clone(), Destination::untrusted());
        Self { outbound, from, max_bytes, places: Semaphore::new(MOST_AT_ONCE) }
    }

    /// Brings what lies at an address. What it is, is for others to say.
    ///
    /// # Errors
    /// 400 for an address that nobody goes to, 413 for too much, 422 where nothing can be had, 429 where others are brought.
    pub async fn fetch(&self, address: &Url) -> Result<Fetched<'_>, Refusal> {
        let Ok(place) = self.places.try_acquire() else {
            let detail = "recordings of others are fetched just now";
            let refusal =
                Refusal::new(StatusCode::TOO_MANY_REQUESTS, FailureCode::ProviderUnavailable, detail).after(WAIT);
            return Err(refusal);
        };
        let limits = Limits::new(LONGEST, self.max_bytes);
        let request = self.outbound.get(&self.from, address.as_str()).limits(limits).follow(MOST_REDIRECTS);
        let answer = request.send().await.map_err(|error| self.unusable(&error))?;
        if !answer.status().is_success() {
            return Err(not_had(&format!("dataset_url answered {}", answer.status().as_u16())));
        }
        let mut file = upload::unnamed_file().await?;
        answer.download(&mut file).await.map_err(|error| self.unusable(&error))?;
        let audio = upload::written(file).await?;
        Ok(Fetched { file: Uploaded { audio, file_name: Some(file_name(address)) }, _place: place })
    }

    fn unusable(&self, error: &OutboundError) -> Refusal {
        match error {
            OutboundError::NotSent { why: NotSent::Refused(why), .. } | OutboundError::Redirected { why, .. } => {
                Refusal::invalid(format!("dataset_url leads to {why}"))
            }
            OutboundError::TooLarge { .. } => {
                let detail = format!("what lies at dataset_url is larger than {} MB", self.max_bytes / (1024 * 1024));
                Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, FailureCode::ProviderRejected, detail)
            }
            OutboundError::Write { source, .. } => {
                tracing::error!(error = %source, "recordings from elsewhere not written");
                Refusal::internal()
            }
            error => not_had(&format!("dataset_url: {error}")),
        }
    }
}

fn not_had(detail: &str) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, FailureCode::ProviderRejected, detail)
}

/// The last part of the path: nothing of the query, which may be signed.
fn file_name(address: &Url) -> String {
    let last = address.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = last.chars().filter(is_plain).take(MAX_NAME_CHARS).collect();
    if name.is_empty() { UNNAMED.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_as_their_addresses_end() {
        let check = |address: &str, expected: &str| assert_eq!(file_name(&address.parse().unwrap()), expected);
        check("https://files.example.org/takes.zip?signature=abc", "takes.zip");
        check("https://files.example.org/a/b/my%20takes.tar.gz", "my20takes.tar.gz");
        check("https://files.example.org/", "recordings");
        check("https://files.example.org", "recordings");
    }
}
