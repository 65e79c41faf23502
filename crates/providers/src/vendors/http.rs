//! Requests to a vendor: where they go, with which key, for how long, and what an answer that is no success means.

use std::time::{Duration, Instant};

use chrono::Utc;
use domain::{Cost, Failure, FailureClass, FailureCode, Usage};
use outbound::{Answer, Destination, Limits, Outbound, OutboundError, Request, StatusCode, header::HeaderName};
use resilience::Bulkhead;
use serde::de::DeserializeOwned;
use serde_json::Value;
use settings::{Secret, Vendor, VendorKind};

use super::{
    accounts::{Account, VendorAccess},
    pace, retry_table,
};
use crate::{SetupError, awaited, model_catalogue::NotAsked, outside::misdeed, outside_service::CallError};

/// Most that is read of an error.
const MAX_ERROR_BYTES: u64 = 64 * 1024;
/// Headers in which vendors say how much they take at once.
const MOST_AT_ONCE: &str = "maximum-concurrent-requests";
/// Where a vendor takes no call for no longer than this, the call waits for it; longer waits are the chain's to keep.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
/// What a client calls its request by, as OpenAI documents it; who does not know it passes over it.
const REQUEST_ID: &str = "x-client-request-id";

/// How a vendor wants its key.
#[derive(Clone, Copy, Debug)]
pub enum KeyIn {
    /// `Authorization: Bearer`.
    Bearer,
    /// A header of its own.
    Header(&'static str),
}

/// The way to one vendor. Cheap to clone.
#[derive(Clone)]
pub struct VendorHttp {
    pub name: String,
    pub kind: VendorKind,
    outbound: Outbound,
    at: Destination,
    key: Option<Secret<String>>,
    key_in: KeyIn,
    /// Of one answer.
    pub timeout: Duration,
    /// What is shared with whoever else has the same key.
    account: Account,
}

impl VendorHttp {
    /// # Errors
    /// When the vendor's address cannot be used.
    pub fn new(access: &VendorAccess, vendor: &Vendor, key_in: KeyIn) -> Result<Self, SetupError> {
        Ok(Self {
            name: vendor.name.clone(),
            kind: vendor.kind,
            outbound: access.outbound.clone(),
            at: Destination::configured(vendor.base_url.clone())?,
            key: vendor.api_key.clone(),
            key_in,
            timeout: vendor.timeout,
            account: access.accounts.account(vendor),
        })
    }

    /// Calls at once, of all capabilities of the vendor.
    pub const fn slots(&self) -> &Bulkhead {
        &self.account.slots
    }

    /// Takes the current trace along: for a service of the operator's own.
    #[must_use]
    pub fn traced(self) -> Self {
        Self { at: self.at.traced(), ..self }
    }

    /// For what lies elsewhere, such as the files that an answer names.
    pub const fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    pub fn get(&self, path: &str, max_body_bytes: u64) -> Request {
        self.with_key(self.outbound.get(&self.at, path), max_body_bytes)
    }

    pub fn post(&self, path: &str, max_body_bytes: u64) -> Request {
        self.with_key(self.outbound.post(&self.at, path), max_body_bytes)
    }

    /// A request that is paid for, with the id of the call's row: the vendor's records can be held against ours by it.
    pub fn post_known_as(&self, id: &str, path: &str, max_body_bytes: u64) -> Request {
        self.post(path, max_body_bytes).header(HeaderName::from_static(REQUEST_ID), id)
    }

    fn with_key(&self, request: Request, max_body_bytes: u64) -> Request {
        let request = request.limits(Limits::new(self.timeout, max_body_bytes));
        match (&self.key, self.key_in) {
            (None, _) => request,
            (Some(key), KeyIn::Bearer) => request.bearer(key),
            (Some(key), KeyIn::Header(name)) => request.secret_header(HeaderName::from_static(name), key),
        }
    }

    /// Sends a request that may cost something, and passes a success on.
    ///
    /// # Errors
    /// `Refused` where it certainly made nothing: it was not sent, or the vendor says so. `Unanswered` where nobody knows: no
    /// answer, or one that says no more than that something broke, which may have been behind the work.
    pub async fn paid(&self, request: Request) -> Result<Answer, CallError> {
        self.paid_for(request, None).await
    }

    /// As [`Self::paid`], of work to a plan: where the vendor suggests another one, the failure says what that would change.
    ///
    /// # Errors
    /// As [`Self::paid`].
    pub async fn paid_to_plan(&self, request: Request, plan: &Value) -> Result<Answer, CallError> {
        self.paid_for(request, Some(plan)).await
    }

    async fn paid_for(&self, request: Request, plan: Option<&Value>) -> Result<Answer, CallError> {
        self.its_turn().await?;
        awaited::goes_out();
        match request.send().await {
            Ok(answer) => self.success_of(answer, plan).await,
            Err(error) if error.may_have_arrived() => Err(CallError::Unanswered(self.trouble(&error))),
            Err(error) => Err(CallError::Refused(self.trouble(&error))),
        }
    }

    /// Sends a request that costs nothing, and passes a success on.
    ///
    /// # Errors
    /// Of the class that the retry table says.
    pub async fn free(&self, request: Request) -> Result<Answer, Failure> {
        match request.send().await {
            Ok(answer) => self.success(answer).await,
            Err(error) => Err(self.trouble(&error)),
        }
    }

    /// Sends a request that costs nothing for what not every server has; `None` where this one has no such thing.
    ///
    /// # Errors
    /// As [`VendorHttp::free`].
    pub async fn free_if_there(&self, request: Request) -> Result<Option<Answer>, Failure> {
        match request.send().await {
            Ok(answer) if matches!(answer.status().as_u16(), 404 | 405 | 501) => Ok(None),
            Ok(answer) => self.success(answer).await.map(Some),
            Err(error) => Err(self.trouble(&error)),
        }
    }

    /// As [`Self::free`], of something that may not be there: `None` where the vendor says so.
    ///
    /// # Errors
    /// Of the class that the retry table says.
    pub async fn found(&self, request: Request) -> Result<Option<Answer>, Failure> {
        match request.send().await {
            Ok(answer) if answer.status() == StatusCode::NOT_FOUND => Ok(None),
            Ok(answer) => self.success(answer).await.map(Some),
            Err(error) => Err(self.trouble(&error)),
        }
    }

    /// As [`Self::found`]; a failure comes with whether it is of this one thing or of whatever is asked of the vendor.
    ///
    /// # Errors
    /// Of the class that the retry table says.
    pub async fn look_up(&self, request: Request) -> Result<Option<Answer>, NotAsked> {
        match request.send().await {
            Ok(answer) if answer.status() == StatusCode::NOT_FOUND => Ok(None),
            Ok(answer) => {
                let is_key_refused = answer.status() == StatusCode::UNAUTHORIZED;
                self.success(answer).await.map(Some).map_err(|failure| {
                    let is_provider_away = match failure.class {
                        FailureClass::RetryAfter | FailureClass::Money => true,
                        FailureClass::Config => is_key_refused,
                        FailureClass::Transient
                        | FailureClass::Saturated
                        | FailureClass::Caller
                        | FailureClass::Content => false,
                    };
                    NotAsked { failure, is_provider_away }
                })
            }
            // What was not even sent has found no connection.
            Err(error) => Err(NotAsked { failure: self.trouble(&error), is_provider_away: !error.may_have_arrived() }),
        }
    }

    /// A success, or what the error that it is asks of us.
    pub(crate) async fn success(&self, answer: Answer) -> Result<Answer, Failure> {
        self.success_of(answer, None).await.map_err(CallError::into_failure)
    }

    async fn success_of(&self, answer: Answer, plan: Option<&Value>) -> Result<Answer, CallError> {
        self.learn_slots(&answer);
        let status = answer.status();
        let told = answer.retry_after(Utc::now());
        // What is said of this one request is stronger than what is said of all.
        let closed_for = pace::closed_for(answer.headers(), Utc::now()).filter(|_| told.is_none());
        if let Some(wait) = closed_for {
            tracing::info!(provider = self.name, ms = wait.as_millis() as u64, "a vendor takes no more calls for now");
            self.account.pace.leave_alone(wait);
        }
        if status.is_success() {
            return Ok(answer);
        }
        let told = told.or(closed_for);
        let body = answer.at_most(MAX_ERROR_BYTES).bytes().await.unwrap_or_default();
        let error = retry_table::read(&body);
        tracing::warn!(
            provider = self.name,
            status = status.as_u16(),
            code = error.code,
            "a vendor answered with an error"
        );
        let failure = retry_table::failure((&self.name, self.kind), status, told, (&body, plan));
        // Whoever is told to come back later is told for all: others would only be told the same.
        if let (FailureClass::RetryAfter, Some(wait)) = (failure.class, failure.retry_after) {
            self.account.pace.leave_alone(wait);
        }
        let refused = if retry_table::may_have_begun(self.kind, status, &error) {
            CallError::Unanswered
        } else {
            CallError::Refused
        };
        Err(refused(failure))
    }

    /// Waits while the vendor takes no call, if that is over within `longest` and before `ends_at`: for who has begun, and
    /// would lose what was paid for.
    pub async fn rest(&self, longest: Duration, ends_at: Instant) {
        let is_worth_it = |wait: &Duration| *wait <= longest && Instant::now() + *wait < ends_at;
        if let Some(wait) = self.account.pace.left().filter(is_worth_it) {
            tokio::time::sleep(wait).await;
        }
    }

    /// Waits while the vendor takes no call, if that is over soon.
    ///
    /// # Errors
    /// `Refused`, with the time that is left, where it is not; also where nobody waits for the call any more.
    async fn its_turn(&self) -> Result<(), CallError> {
        self.takes_calls().map_err(CallError::Refused)?;
        if let Some(wait) = self.account.pace.left() {
            awaited::kept_back(tokio::time::sleep(wait.min(SHORT_PAUSE))).await;
        }
        awaited::check(&self.name)
    }

    /// Whether the vendor takes calls, or will soon: asked before something is paid for that a call needs.
    ///
    /// # Errors
    /// `RetryAfter`, with the time that is left, where it does not.
    pub fn takes_calls(&self) -> Result<(), Failure> {
        let Some(wait) = self.account.pace.left().filter(|wait| *wait > SHORT_PAUSE) else { return Ok(()) };
        let seconds = wait.as_secs_f64().ceil();
        let message = format!("{} takes no more calls for {seconds} s", self.name);
        let failure = Failure::new(FailureClass::RetryAfter, FailureCode::ProviderUnavailable, message);
        Err(failure.with_retry_after(wait))
    }

    /// How many calls the vendor says it takes at once; where it says how many it takes at all, no more than those, and no
    /// more than the settings allow.
    fn learn_slots(&self, answer: &Answer) {
        let headers = answer.headers();
        let at_once = headers.get(MOST_AT_ONCE).and_then(|value| value.to_str().ok()?.trim().parse::<usize>().ok());
        let left = pace::calls_left(headers).map(|left| left.clamp(1, self.account.concurrency));
        if let Some(slots) = at_once.filter(|slots| (1..=1000).contains(slots)).or(left) {
            self.account.slots.resize(slots);
        }
    }

    /// The failure of a call that was not answered as it should be.
    pub fn trouble(&self, error: &OutboundError) -> Failure {
        let code = match error {
            OutboundError::Unanswered { why: outbound::Trouble::TimedOut, .. } => FailureCode::StageTimeout,
            _ => FailureCode::ProviderUnavailable,
        };
        Failure::new(FailureClass::Transient, code, format!("{} {}", self.name, misdeed(error)))
    }

    /// A failure of its own making: it was asked rightly and answered wrongly.
    pub fn misbehaved(&self, what: &str) -> Failure {
        let message = format!("{} {what}", self.name);
        Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, message)
    }

    /// The body of a success that was paid for.
    ///
    /// # Errors
    /// `Useless` where it is not what the vendor promises; `Unanswered` where it broke off.
    pub async fn json_of_paid<T: DeserializeOwned>(
        &self,
        answer: Answer,
        charge: impl FnOnce() -> (Usage, Option<Cost>),
    ) -> Result<T, CallError> {
        answer.json().await.map_err(|error| match error {
            OutboundError::NotJson { .. } | OutboundError::OtherShape { .. } | OutboundError::TooLarge { .. } => {
                let (usage, cost) = charge();
                CallError::Useless { failure: self.trouble(&error), usage, cost }
            }
            error => CallError::Unanswered(self.trouble(&error)),
        })
    }
}
