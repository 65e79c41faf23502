//! Where trainings are jobs: the gateway, to which recordings are handed over, and whose answers are brought back as ours.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
};
use chrono::Utc;
use domain::{FailureCode, Tier, kinds::training::NAME};
use outbound::{
    Answer, Destination, Limits, Multipart, Outbound, OutboundError, Request, SetupError, header::HeaderName,
};
use providers::Outside;
use serde::Deserialize;
use serde_json::Value;
use settings::{Secret, Settings};
use url::Url;

use crate::{admission::bearer, dataset::Fetcher, refusal::Refusal};

/// Where the gateway takes jobs, below its own address.
const JOBS: &str = "api/v1/jobs/";
/// Carries the gateway's token where `Authorization` has the key of this service.
const GATEWAY_AUTHORIZATION: &str = "x-gateway-authorization";
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const IDEMPOTENT_REPLAYED: &str = "idempotent-replayed";

/// Of the whole way there and back: the gateway reads for a quarter of an hour at most, and judges each file after that.
const LONGEST_HAND_OVER: Duration = Duration::from_secs(20 * 60);
/// Of the question whether it knows the caller.
const LONGEST_LOOK: Duration = Duration::from_secs(15);
/// A list of one job, or an answer about a hundred files.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;
const MAX_PROBLEM_BYTES: u64 = 64 * 1024;
/// Of the question which models there are: whoever asks this service for them does not wait much longer.
const LONGEST_LIST: Duration = Duration::from_millis(1500);
const MAX_LIST_BYTES: u64 = 8 * 1024 * 1024;
/// When to come back to a gateway that is away and says nothing of it.
const USUAL_WAIT: Duration = Duration::from_secs(10);

/// Where trainings are asked for.
pub enum Trainings {
    /// Nobody has said.
    Unknown,
    /// Where people can read of it.
    Page(Url),
    Jobs(Box<TrainingJobs>),
}

impl Trainings {
    /// As `expert.training_url` says: an address that ends in `/jobs/training` is the gateway's, and any other one a page. Where
    /// nothing is said, the gateway is at `http.public_url`.
    ///
    /// # Errors
    /// When no request can be sent at all.
    pub fn of(settings: &Settings) -> Result<Self, SetupError> {
        let Some(url) = address(settings.expert.training_url.as_ref(), settings.http.public_url.as_ref()) else {
            return Ok(Self::Unknown);
        };
        match jobs_of(&url) {
            Some(jobs) => Ok(Self::Jobs(Box::new(TrainingJobs::new(settings, jobs, url)?))),
            None => Ok(Self::Page(url)),
        }
    }

    /// For people.
    pub fn url(&self) -> Option<&Url> {
        match self {
            Self::Unknown => None,
            Self::Page(url) => Some(url),
            Self::Jobs(jobs) => Some(&jobs.url),
        }
    }
}

fn address(named: Option<&Url>, public: Option<&Url>) -> Option<Url> {
    if let Some(named) = named {
        return Some(named.clone());
    }
    let mut gateway = public?.clone();
    gateway.set_path(&format!("{}/{JOBS}{NAME}", gateway.path().trim_end_matches('/')));
    Some(gateway)
}

/// The address of all jobs, where this is the one of trainings.
fn jobs_of(url: &Url) -> Option<Url> {
    let jobs = url.path().trim_end_matches('/').strip_suffix(NAME.as_str())?;
    let mut address = url.clone();
    address.set_path(jobs);
    jobs.ends_with("/jobs/").then_some(address)
}

/// What a caller sends along for the gateway.
pub struct Passed {
    token: Option<Secret<String>>,
    idempotency_key: Option<String>,
}

impl Passed {
    /// The gateway's token stands in `X-Gateway-Authorization`, else in `Authorization`. Where callers show a key of this service
    /// there (`has_own_key`), that is nobody else's business.
    ///
    /// # Errors
    /// 400 for a header that cannot be passed on.
    pub fn of(request: &HttpRequest, has_own_key: bool) -> Result<Self, Refusal> {
        let text = |name: &str| match request.headers().get(name).map(|value| value.to_str()) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text.trim())),
            Some(Err(_)) => Err(Refusal::invalid(format!("{name}: expected printable ASCII"))),
        };
        let token = match text(GATEWAY_AUTHORIZATION)? {
            Some(value) => Some(bearer(value).ok_or_else(|| {
                Refusal::invalid("X-Gateway-Authorization: expected Bearer and a token of the gateway")
            })?),
            None if has_own_key => None,
            None => text(header::AUTHORIZATION.as_str())?.and_then(bearer),
        };
        Ok(Self {
            token: token.map(|token| Secret::new(token.to_owned())),
            idempotency_key: text(IDEMPOTENCY_KEY)?.map(str::to_owned),
        })
    }

    pub const fn token(&self) -> Option<&Secret<String>> {
        self.token.as_ref()
    }
}

/// A training that the gateway has accepted.
pub struct AcceptedTraining {
    pub job_id: String,
    /// In the word of older clients, such as `pending`.
    pub status: String,
    pub job_url: String,
    /// Whether it was accepted before, under the same key.
    pub is_replayed: bool,
}

/// As much of the gateway's answer as is told.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Submitted {
    job_id: String,
    status: String,
    links: SubmittedLinks,
}

#[derive(Deserialize)]
struct SubmittedLinks {
    job: String,
}

/// The gateway.
pub struct TrainingJobs {
    outbound: Outbound,
    /// Its address of all jobs.
    jobs: Destination,
    url: Url,
    /// Brings recordings that lie elsewhere.
    pub fetcher: Fetcher,
}

impl TrainingJobs {
    fn new(settings: &Settings, jobs: Url, url: Url) -> Result<Self, SetupError> {
        let outbound = Outside::new(&settings.outbound).outbound()?;
        // Tiers are the gateway's business.
        let limits = settings.training.limits(Tier::Enterprise);
        let fetcher = Fetcher::new(&outbound, limits.max_file_bytes.min(limits.max_upload_bytes));
        Ok(Self { outbound, jobs: Destination::configured(jobs)?.traced(), url, fetcher })
    }

    /// Asks whether the gateway is there and knows the caller, before anything large is brought or sent in their name.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn admit(&self, passed: &Passed) -> Result<(), Refusal> {
        // Their list, which has no slash behind it as the address below which they lie.
        let list = format!("../jobs?kind={NAME}&limit=1");
        let request = self.outbound.get(&self.jobs, &list).limits(Limits::new(LONGEST_LOOK, MAX_ANSWER_BYTES));
        let answer = with_token(request, passed).send().await.map_err(|error| self.away(&error, false))?;
        if answer.status().is_success() { Ok(()) } else { Err(self.refused(answer).await) }
    }

    /// Asks for the models that the caller sees.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn registry(&self, passed: &Passed) -> Result<Answer, OutboundError> {
        let request = self.outbound.get(&self.jobs, "../models").limits(Limits::new(LONGEST_LIST, MAX_LIST_BYTES));
        with_token(request, passed).send().await
    }

    /// Hands a training over.
    ///
    /// # Errors
    /// The gateway's own refusals with their statuses; 503 where it is away, or is no gateway.
    pub async fn submit(&self, form: Multipart, passed: &Passed) -> Result<AcceptedTraining, Refusal> {
        let limits = Limits::new(LONGEST_HAND_OVER, MAX_ANSWER_BYTES);
        let request = self.outbound.post(&self.jobs, NAME.as_str()).limits(limits).multipart(form);
        let request = match &passed.idempotency_key {
            Some(key) => request.header(HeaderName::from_static(IDEMPOTENCY_KEY), key),
            None => request,
        };
        let answer = with_token(request, passed).send().await.map_err(|error| self.away(&error, true))?;
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let is_replayed = answer.headers().get(IDEMPOTENT_REPLAYED).is_some_and(|value| value == "true");
        match answer.json().await {
            Ok(Submitted { job_id, status, links }) => {
                Ok(AcceptedTraining { job_id, status, job_url: links.job, is_replayed })
            }
            Err(error @ (OutboundError::NotJson { .. } | OutboundError::OtherShape { .. })) => {
                tracing::error!(%error, "the address of trainings answers with something else than a job");
                Err(self.no_gateway())
            }
            Err(error) => Err(self.away(&error, true)),
        }
    }

    /// `is_handed_over` where recordings were on their way.
    fn away(&self, error: &OutboundError, is_handed_over: bool) -> Refusal {
        tracing::warn!(%error, "the gateway cannot be asked for a training");
        let detail = if is_handed_over && error.may_have_arrived() {
            "the gateway did not answer, and may have accepted the training all the same: look at the jobs there, or repeat the \
             request with the Idempotency-Key that it had"
        } else {
            "the gateway, where trainings are jobs, cannot be reached: repeat the request later"
        };
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, FailureCode::ProviderUnavailable, detail).after(USUAL_WAIT)
    }

    fn no_gateway(&self) -> Refusal {
        let detail = format!("no trainings are taken at {}: an operator has to see to expert.training_url", self.url);
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, FailureCode::ProviderConfig, detail)
    }

    async fn refused(&self, answer: Answer) -> Refusal {
        let (status, wait) = (answer.status().as_u16(), answer.retry_after(Utc::now()));
        let problem: Option<Value> = answer.at_most(MAX_PROBLEM_BYTES).json().await.ok();
        let Some((status, usual_code)) = meaning(status) else {
            tracing::error!(status, "the address of trainings takes none");
            return self.no_gateway();
        };
        let word = |name: &str| problem.as_ref().and_then(|problem| problem.get(name)?.as_str());
        // What is wrong with the request is for the gateway to say; what is wrong with the gateway is not.
        let told = word("code").filter(|_| status.is_client_error()).and_then(|code| code.parse().ok());
        let mut detail = word("detail").map_or_else(|| format!("the gateway answered {status}"), str::to_owned);
        if status == StatusCode::UNAUTHORIZED {
            detail += " The gateway's token is passed on from X-Gateway-Authorization.";
        }
        let mut refusal = Refusal::new(status, told.unwrap_or(usual_code), detail);
        let is_for_later = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        if let Some(wait) = wait.or(is_for_later.then_some(USUAL_WAIT)) {
            refusal = refusal.after(wait);
        }
        if status == StatusCode::NOT_IMPLEMENTED {
            refusal = refusal.at(self.url.clone());
        }
        match problem {
            Some(problem) => refusal.because(problem),
            None => refusal,
        }
    }
}

fn with_token(request: Request, passed: &Passed) -> Request {
    match &passed.token {
        Some(token) => request.bearer(token),
        None => request,
    }
}

/// How a status of the gateway reads as ours, with the code where it tells none that we know; `None` for what no gateway
/// answers.
fn meaning(status: u16) -> Option<(StatusCode, FailureCode)> {
    let code = match status {
        400 | 409 | 413 | 422 => FailureCode::ProviderRejected,
        401 | 403 | 501 => FailureCode::ProviderConfig,
        402 => FailureCode::ProviderQuota,
        415 => FailureCode::InvalidAudio,
        429 => FailureCode::ProviderUnavailable,
        408 | 500 | 502..=599 => return Some((StatusCode::SERVICE_UNAVAILABLE, FailureCode::ProviderUnavailable)),
        _ => return None,
    };
    Some((StatusCode::from_u16(status).ok()?, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_is_known_by_its_address() {
        let check = |named: Option<&str>, public: Option<&str>, url: Option<&str>, jobs: Option<&str>| {
            let parsed = |text: Option<&str>| text.map(|text| text.parse::<Url>().unwrap());
            let found = address(parsed(named).as_ref(), parsed(public).as_ref());
            assert_eq!(found.as_ref().map(Url::as_str), url, "{named:?} {public:?}");
            assert_eq!(found.and_then(|url| jobs_of(&url)), parsed(jobs), "{named:?} {public:?}");
        };
        let (route, jobs) = ("http://gateway:3000/api/v1/jobs/training", "http://gateway:3000/api/v1/jobs/");
        check(None, None, None, None);
        check(Some(route), None, Some(route), Some(jobs));
        check(Some(&format!("{route}/")), None, Some(&format!("{route}/")), Some(jobs));
        check(Some(route), Some("https://music.example.org"), Some(route), Some(jobs));
        check(None, Some("http://gateway:3000"), Some(route), Some(jobs));
        let below = "https://example.org/music/api/v1/jobs/";
        check(None, Some("https://example.org/music/"), Some(&format!("{below}training")), Some(below));
        for page in ["https://music.example.org/", "https://music.example.org/training", "http://x/jobs/pretraining"] {
            check(Some(page), Some("http://gateway:3000"), Some(page), None);
        }
    }

    #[test]
    fn statuses_of_the_gateway_are_ours_where_they_are_the_callers() {
        let check = |status: u16, expected: Option<u16>| {
            assert_eq!(meaning(status).map(|(status, _)| status.as_u16()), expected, "{status}");
        };
        for status in [400, 401, 402, 403, 409, 413, 415, 422, 429, 501] {
            check(status, Some(status));
        }
        for status in [408, 500, 502, 503, 504, 529] {
            check(status, Some(503));
        }
        for status in [301, 304, 404, 405, 410] {
            check(status, None);
        }
    }
}
