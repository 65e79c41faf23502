//! An AI vendor's judgement on prompts and lyrics: the moderation endpoint of OpenAI, or of a service that speaks like
//! it. Sends nothing but the texts, and keeps neither them nor the answer.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;
use domain::{Failure, FailureClass, FailureCode};
use reqwest::{Client, StatusCode, redirect};
use resilience::{Breaker, BreakerRegistry};
use serde::{Deserialize, Serialize};
use settings::{ModerationSettings, Secret};
use telemetry::Metrics;
use url::Url;

use crate::retry_after;

/// The provider's name in metrics and among breakers.
pub const NAME: &str = "openai_moderation";
const CAPABILITY: &str = "moderation";
/// Most that is read of an answer: one result is about 2 kB.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// Most that is sent of one text, in bytes: longer ones are cut into pieces, so that all of it is judged.
const PIECE_BYTES: usize = 8 * 1024;
/// Most pieces of one judgement; a song has one or two.
const MOST_PIECES: usize = 32;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What the vendor says about some texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    Clean,
    /// The vendor's names of what it objects to, sorted.
    Flagged(Vec<String>),
    /// No judgement could be had, and the settings say to go on.
    Unknown,
}

/// Asks for judgements.
pub struct Moderator {
    http: Client,
    endpoint: Url,
    key: Secret<String>,
    model: String,
    timeout: Duration,
    fail_closed: bool,
    breaker: Arc<Breaker>,
    metrics: Metrics,
}

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    input: &'a [&'a str],
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Verdict>,
}

#[derive(Deserialize)]
struct Verdict {
    flagged: bool,
    /// Names may be added by the vendor, and values may be null.
    #[serde(default)]
    categories: BTreeMap<String, Option<bool>>,
}

impl Moderator {
    /// `None` when the settings have no key.
    pub fn new(
        settings: &ModerationSettings,
        breakers: &BreakerRegistry,
        metrics: &Metrics,
    ) -> Result<Option<Self>, reqwest::Error> {
        let Some(key) = settings.api_key.clone() else { return Ok(None) };
        let mut endpoint = settings.url.clone();
        let path = format!("{}/moderations", endpoint.path().trim_end_matches('/'));
        endpoint.set_path(&path);
        // A redirect would send texts and key to an address that nobody configured.
        let http = Client::builder().connect_timeout(CONNECT_TIMEOUT).redirect(redirect::Policy::none()).build()?;
        Ok(Some(Self {
            http,
            endpoint,
            key,
            model: settings.model.clone(),
            timeout: settings.timeout,
            fail_closed: settings.fail_closed,
            breaker: breakers.breaker(NAME),
            metrics: metrics.clone(),
        }))
    }

    /// One judgement on all texts together, within `remaining` and the configured timeout.
    ///
    /// # Errors
    /// Only when the settings say to fail closed: the vendor cannot be reached, is too slow, or answers nonsense.
    pub async fn judge(&self, texts: &[&str], remaining: Duration) -> Result<Judgement, Failure> {
        let pieces: Vec<&str> = texts.iter().flat_map(|text| pieces(text)).take(MOST_PIECES).collect();
        if pieces.is_empty() {
            return Ok(Judgement::Clean);
        }
        let budget = self.timeout.min(remaining);
        // The timeout lies inside the breaker, so that a vendor that hangs counts as a failure.
        let bounded = async {
            tokio::time::timeout(budget, self.ask(&pieces))
                .await
                .unwrap_or_else(|_| Err(failure(FailureClass::Transient, "did not answer in time")))
        };
        let started = Instant::now();
        let outcome = self.breaker.call(bounded).await;
        let word = outcome.as_ref().map_or_else(|failure| failure.class.as_str(), |_| "done");
        self.metrics.provider_call(NAME, CAPABILITY, word, started.elapsed());
        match outcome {
            Err(failure) if !self.fail_closed => {
                tracing::warn!(provider = NAME, class = %failure.class, "no judgement on a text, going on without");
                Ok(Judgement::Unknown)
            }
            outcome => outcome,
        }
    }

    async fn ask(&self, pieces: &[&str]) -> Result<Judgement, Failure> {
        let request = self
            .http
            .post(self.endpoint.clone())
            .bearer_auth(self.key.expose())
            .json(&Question { model: &self.model, input: pieces });
        let mut response = request.send().await.map_err(|_| failure(FailureClass::Transient, "cannot be reached"))?;
        if response.status() != StatusCode::OK {
            return Err(refused(response.status(), retry_after::requested(response.headers(), Utc::now())));
        }
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|_| failure(FailureClass::Transient, "broke its answer off"))?
        {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(failure(FailureClass::Transient, "sent more than it may"));
            }
            body.extend_from_slice(&chunk);
        }
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| failure(FailureClass::Transient, "sent an answer that is not what it promises"))?;
        if answer.results.len() < pieces.len() {
            return Err(failure(FailureClass::Transient, "judged less than it was asked to"));
        }
        Ok(verdict(&answer))
    }
}

fn verdict(answer: &Answer) -> Judgement {
    if !answer.results.iter().any(|result| result.flagged) {
        return Judgement::Clean;
    }
    let mut names: Vec<String> = answer
        .results
        .iter()
        .filter(|result| result.flagged)
        .flat_map(|result| result.categories.iter().filter(|(_, is)| **is == Some(true)).map(|(name, _)| name))
        // The names come from outside and go into messages.
        .filter(|name| name.len() <= 40 && name.chars().all(|c| c.is_ascii_lowercase() || "/-_".contains(c)))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    Judgement::Flagged(names)
}

/// The text in pieces of at most [`PIECE_BYTES`], cut between letters.
fn pieces(text: &str) -> Vec<&str> {
    let mut rest = text.trim();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let mut end = rest.len().min(PIECE_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (piece, tail) = rest.split_at(end);
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

fn refused(status: StatusCode, retry_after: Option<Duration>) -> Failure {
    match (status, retry_after) {
        (StatusCode::TOO_MANY_REQUESTS, Some(wait)) => {
            failure(FailureClass::RetryAfter, "is asked too often").with_retry_after(wait)
        }
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, _) => {
            failure(FailureClass::Config, "refused the key, the model or the address")
        }
        (StatusCode::PAYMENT_REQUIRED, _) => failure(FailureClass::Money, "wants credit"),
        _ => failure(FailureClass::Transient, "failed"),
    }
}

fn failure(class: FailureClass, what: &str) -> Failure {
    let code =
        if class == FailureClass::Config { FailureCode::ProviderConfig } else { FailureCode::ProviderUnavailable };
    Failure::new(class, code, format!("the moderation service {what}"))
}
