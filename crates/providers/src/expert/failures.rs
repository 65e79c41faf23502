//! What goes wrong with an expert, as a job takes it.

use std::time::Duration;

use chrono::Utc;
use domain::{Failure, FailureClass, FailureCode};
use outbound::{Answer, NotSent, OutboundError, StatusCode};

use super::{NAME, wire::ExpertProblem};
use crate::{outside::misdeed, outside_service::CallError};

/// Most that is read of a refusal.
const MAX_PROBLEM_BYTES: u64 = 64 * 1024;

/// Whose failures they are, as people read it.
#[derive(Clone, Debug)]
pub struct Blame(String);

impl Blame {
    pub fn of(provider: &str) -> Self {
        Self(if provider == NAME { "the expert service".to_owned() } else { format!("the expert service {provider}") })
    }

    pub fn away(&self, error: &OutboundError) -> Failure {
        tracing::debug!(%error, "expert call failed");
        match error {
            OutboundError::NotSent { why: NotSent::Refused(_), .. } => {
                self.misbehaved("named an address on another host")
            }
            error => self.misbehaved(misdeed(error)),
        }
    }

    /// It was asked rightly and answered wrongly.
    pub fn misbehaved(&self, what: &str) -> Failure {
        let message = format!("{} {what}", self.0);
        Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, message)
    }

    /// Passes a 2xx on; maps everything else to what a job should do about it.
    ///
    /// # Errors
    /// Of the class that the status stands for.
    pub async fn accepted(&self, answer: Answer) -> Result<Answer, Failure> {
        self.accepted_as_paid(answer).await.map_err(CallError::into_failure)
    }

    /// As [`Self::accepted`], of what may be paid for.
    ///
    /// # Errors
    /// `Unanswered` where the work may have been begun: something broke there, or in between. Only where the service says in
    /// its own words that it takes no work now, none was.
    pub async fn accepted_as_paid(&self, answer: Answer) -> Result<Answer, CallError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let retry_after = answer.retry_after(Utc::now());
        let problem: Option<ExpertProblem> = answer.at_most(MAX_PROBLEM_BYTES).json().await.ok();
        let may_have_begun = match status.as_u16() {
            503 => problem.is_none(),
            408 | 500..=599 => true,
            _ => false,
        };
        let refused = if may_have_begun { CallError::Unanswered } else { CallError::Refused };
        Err(refused(self.of_status(status, retry_after, problem)))
    }

    fn of_status(&self, status: StatusCode, retry_after: Option<Duration>, problem: Option<ExpertProblem>) -> Failure {
        let (class, code) = match status {
            StatusCode::TOO_MANY_REQUESTS if retry_after.is_some() => {
                (FailureClass::RetryAfter, FailureCode::ProviderUnavailable)
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT => {
                (FailureClass::Transient, FailureCode::ProviderUnavailable)
            }
            StatusCode::PAYMENT_REQUIRED => (FailureClass::Money, FailureCode::ProviderQuota),
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED => (FailureClass::Config, FailureCode::ProviderConfig),
            status if status.is_client_error() => (FailureClass::Caller, FailureCode::ProviderRejected),
            _ => (FailureClass::Transient, FailureCode::ProviderUnavailable),
        };
        let told = problem.as_ref().and_then(|problem| problem.code.parse::<FailureCode>().ok());
        // The service's own word counts only where it explains a refusal; it may not turn an outage into the caller's fault.
        let code = if class == FailureClass::Caller { told.unwrap_or(code) } else { code };
        let detail = problem.map_or_else(|| format!("{} answered {status}", self.0), |problem| problem.detail);
        let failure = Failure::new(class, code, detail);
        match retry_after {
            Some(wait) => failure.with_retry_after(wait),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_map_to_what_a_job_should_do() {
        let check = |status: u16, wait: Option<u64>, class| {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = Blame::of(NAME).of_status(status, wait.map(Duration::from_secs), None);
            assert_eq!(failure.class, class, "{status}");
            assert_eq!(failure.retry_after, wait.map(Duration::from_secs));
        };
        check(429, Some(7), FailureClass::RetryAfter);
        check(429, None, FailureClass::Transient);
        check(503, None, FailureClass::Transient);
        check(500, None, FailureClass::Transient);
        check(402, None, FailureClass::Money);
        check(401, None, FailureClass::Config);
        check(404, None, FailureClass::Config);
        check(400, None, FailureClass::Caller);
        check(422, None, FailureClass::Caller);
        check(302, None, FailureClass::Transient);
    }

    #[test]
    fn a_refusal_carries_the_services_own_word() {
        let problem = ExpertProblem { code: "no_melody".to_owned(), detail: "nothing was sung".to_owned() };
        let failure = Blame::of(NAME).of_status(StatusCode::UNPROCESSABLE_ENTITY, None, Some(problem));
        assert_eq!((failure.code, failure.message.as_str()), (FailureCode::NoMelody, "nothing was sung"));
    }

    #[test]
    fn whose_fault_it_is_is_said() {
        assert_eq!(Blame::of(NAME).misbehaved("is away").message, "the expert service is away");
        assert_eq!(Blame::of("studio").misbehaved("is away").message, "the expert service studio is away");
    }
}
