//! A model elsewhere that blends songs, and plays them where its table says so. Where it has a price, its calls are rows of the
//! log before they are made, held against the limits on spending, and their answers are kept; without one it is the operator's
//! own. What it answers is not believed: it is bounded, decoded and read as any stranger's.

mod blending;
mod playing;

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
};

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode, Prices, Usage};
use outbound::{Answer, OutboundError, Request, Trouble};
use resilience::Bulkhead;
use settings::Vendor;

use crate::{
    SetupError,
    capability::blocking,
    chain::TellsVersion,
    outside_service::CallError,
    setup_check::SetupCheck,
    stop::Stop,
    vendors::{KeyIn, VendorAccess, VendorHttp},
};

/// Most that is read of an answer that only says how it is.
const MAX_HEALTH_BYTES: u64 = 64 << 10;

/// Calls the model. Cheap to clone.
#[derive(Clone)]
pub struct MlModelClient {
    http: VendorHttp,
    prices: Prices,
}

impl MlModelClient {
    /// # Errors
    /// When the model's address cannot be used.
    pub fn new(access: impl Into<VendorAccess>, vendor: &Vendor) -> Result<Self, SetupError> {
        let http = VendorHttp::new(&access.into(), vendor, KeyIn::Bearer)?;
        // Strangers are not told of our traces: who is paid, or wants a key.
        let is_ours = vendor.prices.is_free() && vendor.api_key.is_none();
        let http = if is_ours { http.traced() } else { http };
        Ok(Self { http, prices: vendor.prices.clone() })
    }

    /// Calls at once.
    pub fn slots(&self) -> Bulkhead {
        self.http.slots().clone()
    }

    /// Whether its calls cost something. A key alone is no price: many have one for a service of their own.
    pub const fn is_paid(&self) -> bool {
        !self.prices.is_free()
    }

    /// Sends a request for work, and passes a success on.
    ///
    /// # Errors
    /// `Unanswered` where the work may have been done all the same.
    async fn sent(&self, request: Request) -> Result<Answer, CallError> {
        if self.is_paid() {
            return self.http.paid(request).await;
        }
        // Its own word that it failed is believed: what is done twice costs nothing.
        match request.send().await {
            Ok(answer) => self.http.success(answer).await.map_err(CallError::Refused),
            Err(error) if error.may_have_arrived() => Err(CallError::Unanswered(self.trouble(&error))),
            Err(error) => Err(CallError::Refused(self.trouble(&error))),
        }
    }

    /// The failure of a call without an answer that can be used. One whose time ran out is not made again while somebody else
    /// can be asked, also where an answer had begun.
    fn trouble(&self, error: &OutboundError) -> Failure {
        let failure = self.http.trouble(error);
        match error {
            OutboundError::TooSlow { .. } | OutboundError::Broken { why: Trouble::TimedOut, .. } => {
                Failure { code: FailureCode::StageTimeout, ..failure }
            }
            _ => failure,
        }
    }

    /// What it means that an answer which began cannot be used: it has come, or it was lost on its way.
    fn spoilt(&self, error: &OutboundError, usage: Usage) -> CallError {
        match error {
            OutboundError::NotJson { .. } | OutboundError::OtherShape { .. } | OutboundError::TooLarge { .. } => {
                self.useless(self.trouble(error), usage)
            }
            error => CallError::Unanswered(self.trouble(error)),
        }
    }

    fn useless(&self, failure: Failure, usage: Usage) -> CallError {
        CallError::Useless { failure, usage, cost: self.prices.cost(&usage) }
    }
}

/// A request that the model does not take is of our making: the next provider is asked, the refusal is told, and nothing is
/// held against the model's health.
fn next_where_refused(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(failure) if !failure.class.may_fall_back() => Stop::GivenUp(failure),
        stop => stop,
    }
}

/// A file with these bytes, at its start.
async fn written(bytes: Vec<u8>) -> Result<File, CallError> {
    let write = move || -> io::Result<File> {
        let mut file = tempfile::tempfile()?;
        file.write_all(&bytes)?;
        file.rewind()?;
        Ok(file)
    };
    let file = blocking(write).await.map_err(CallError::Unanswered)?;
    file.map_err(|error| CallError::Unanswered(local(&error)))
}

fn local(error: &io::Error) -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::Storage, format!("a file for an answer: {error}"))
}

/// Its contract has no word for it, so nothing that it made is taken for another job.
#[async_trait]
impl TellsVersion for MlModelClient {
    async fn version(&self, _capability: &str) -> Option<String> {
        None
    }
}

#[async_trait]
impl SetupCheck for MlModelClient {
    fn provider(&self) -> &str {
        &self.http.name
    }

    /// Asks where such services tell how they are, else at their root; the contract names neither. One that has neither is
    /// there all the same, and of its key nothing is known until it is called.
    async fn check(&self) -> Result<(), Failure> {
        for path in ["health", ""] {
            let request = self.http.get(path, MAX_HEALTH_BYTES);
            let answer = request.send().await.map_err(|error| self.trouble(&error))?;
            let status = answer.status();
            if matches!(status.as_u16(), 404 | 405 | 501) {
                continue;
            }
            // Many lead from their root to a page of documents.
            if status.is_redirection() {
                return Ok(());
            }
            return match self.http.success(answer).await {
                // What it has against the question says nothing of its key.
                Err(failure) if failure.class.may_fall_back() => Err(failure),
                _ => Ok(()),
            };
        }
        Ok(())
    }
}
