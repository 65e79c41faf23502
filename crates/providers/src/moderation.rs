//! An AI vendor's judgement on prompts and lyrics: the moderation endpoint of OpenAI, or of a service that speaks like
//! it. Sends nothing but the texts, and keeps neither them nor the answer.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;
use domain::{Failure, FailureClass, FailureCode};
use outbound::{Destination, Limits, Outbound, SetupError, StatusCode};
use resilience::{Breaker, BreakerRegistry};
use serde::{Deserialize, Serialize};
use settings::{ModerationSettings, Secret};
use telemetry::Metrics;

use crate::outside::{Outside, misdeed};

/// The provider's name in metrics and among breakers.
pub const NAME: &str = "openai_moderation";
const CAPABILITY: &str = "moderation";
/// Most that is read of an answer: one result is about 2 kB.
const MAX_BODY_BYTES: u64 = 256 * 1024;
/// Most that is sent of one text, in bytes: longer ones are cut into pieces, so that all of it is judged.
const PIECE_BYTES: usize = 8 * 1024;
/// Most pieces of one judgement; a song has one or two.
const MOST_PIECES: usize = 32;

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
    outbound: Outbound,
    service: Destination,
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
        outside: &Outside,
        breakers: &BreakerRegistry,
        metrics: &Metrics,
    ) -> Result<Option<Self>, SetupError> {
        let Some(key) = settings.api_key.clone() else { return Ok(None) };
        Ok(Some(Self {
            outbound: outside.outbound()?,
            service: Destination::configured(settings.url.clone())?,
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
        let started = Instant::now();
        // The time ends inside the breaker, so that a vendor that hangs counts as a failure.
        let outcome = self.breaker.call(self.ask(&pieces, budget)).await;
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

    async fn ask(&self, pieces: &[&str], budget: Duration) -> Result<Judgement, Failure> {
        let away = |error| failure(FailureClass::Transient, misdeed(&error));
        let request = self.outbound.post(&self.service, "moderations").bearer(&self.key);
        let request = request.json(&Question { model: &self.model, input: pieces });
        let answer = request.limits(Limits::new(budget, MAX_BODY_BYTES)).send().await.map_err(away)?;
        if answer.status() != StatusCode::OK {
            return Err(refused(answer.status(), answer.retry_after(Utc::now())));
        }
        let answer: Answer = answer.json().await.map_err(away)?;
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
