//! The HTTP API of Replicate: predictions, trainings, models, files and webhooks, and the host of output files.

mod catalogue;
mod create;
mod files;
mod follow;
mod models;
mod multipart;
mod run;
mod runs;
mod store;
mod webhooks;

pub use webhooks::{Sent, signature};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use self::{store::Store, webhooks::Courier};
use crate::{
    http::{Answer, key_is_good},
    ledger::Ledger,
    routes::Route,
    steps::{Fault, Pace, Retry},
    work::{Reply, Work},
};

/// Who owns what is made here.
pub const USER: &str = "descant";
/// The name of the file with what a training has learnt.
const WEIGHTS: &str = "weights.tar";

/// The vendor with everything that it keeps.
pub struct Replicate {
    store: Mutex<Store>,
    courier: Arc<Courier>,
    ledger: Arc<Ledger>,
    pace: Pace,
    /// Entries of one page of a list.
    page: usize,
    /// Told whenever a run changes.
    changed: Notify,
}

fn problem(status: u16, title: &str, detail: &str) -> Answer {
    Answer::json(status, &json!({"type": "about:blank", "title": title, "status": status, "detail": detail}))
}

fn not_found() -> Reply {
    problem(404, "Not found", "The requested resource could not be found.").into()
}

fn invalid(field: &str, what: &str) -> Reply {
    let detail = format!("- {field} {what}\n");
    let fields = json!([{"type": "invalid", "field": field, "description": what}]);
    let body = json!({"type": "about:blank", "title": "Input validation failed", "status": 422, "detail": detail,
        "invalid_fields": fields});
    Answer::json(422, &body).into()
}

/// An error in the form of RFC 7807, or of the throttle.
pub fn fault(fault: Fault, retry: Retry) -> Answer {
    let (status, title, detail) = match fault {
        Fault::RateLimited | Fault::SlowDown | Fault::TooManyConcurrent | Fault::SystemBusy => {
            let wait = match retry {
                Retry::Text(seconds) => format!(" Your rate limit resets in ~{seconds}s."),
                _ => String::new(),
            };
            return Answer::json(429, &json!({"detail": format!("Request was throttled.{wait}")}));
        }
        Fault::RequestTimeout => (408, "Request timeout", "The request took too long to arrive."),
        Fault::Conflict => (409, "Conflict", "The resource is being changed by another request."),
        Fault::EdgeUnknown => return Answer::of_edge(520),
        Fault::EdgeTimeout => return Answer::of_edge(524),
        Fault::ServerError => (500, "Internal server error", "Something went wrong."),
        Fault::BadGateway => (502, "Bad gateway", "Bad gateway."),
        Fault::Unavailable | Fault::Overloaded => (503, "Service unavailable", "Please try again."),
        Fault::GatewayTimeout => (504, "Gateway timeout", "Gateway timeout."),
        Fault::QuotaExceeded | Fault::CreditExhausted | Fault::SpendLimit => {
            (402, "Insufficient credit", "You have insufficient credit to run this model.")
        }
        Fault::BadKey => (401, "Unauthenticated", "You did not pass a valid authentication token"),
        Fault::Forbidden | Fault::PlanTooSmall => (403, "Forbidden", "You do not have permission to do this."),
        Fault::NotFound => (404, "Not found", "The requested resource could not be found."),
        Fault::TooLarge => (413, "Payload too large", "The request is too large."),
        Fault::Unprocessable => (422, "Input validation failed", "- input: prompt is required\n"),
        Fault::BadRequest | Fault::BadPrompt | Fault::HarmfulPrompt | Fault::BadCompositionPlan => {
            (400, "Bad request", "The request is not valid.")
        }
    };
    problem(status, title, detail)
}

impl Replicate {
    /// Runs go at this pace unless told otherwise; lists have pages of `page` entries.
    pub fn new(ledger: Arc<Ledger>, seed: u64, pace: Pace, page: usize) -> Arc<Self> {
        let key = Sha256::digest(format!("webhooks {seed}")).to_vec();
        let courier = Arc::new(Courier::new(key));
        Arc::new(Self { store: Mutex::default(), courier, ledger, pace, page: page.max(1), changed: Notify::new() })
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secret that webhooks are signed with.
    pub fn secret(&self) -> String {
        self.courier.secret()
    }

    /// The webhooks that were sent.
    pub fn webhooks(&self) -> Vec<Sent> {
        self.courier.sent()
    }

    /// Forgets everything.
    pub fn reset(&self) {
        *self.store() = Store::default();
        self.courier.clear();
        self.changed.notify_waiters();
    }

    /// Answers a call.
    pub async fn answer(self: &Arc<Self>, work: &Work<'_>) -> Reply {
        match work.target.route {
            // These carry their right in the address.
            Route::Delivery => return self.delivery(work),
            Route::DownloadFile => return self.download_file(work),
            _ => {}
        }
        match work.call.bearer() {
            None => {
                return problem(401, "Unauthenticated", "You did not pass an authentication token").into();
            }
            Some(key) if !key_is_good(key) => return fault(Fault::BadKey, Retry::Absent).into(),
            Some(_) => {}
        }
        match work.target.route {
            Route::CreatePrediction => self.create_prediction(work).await,
            Route::CreateTraining => self.create_training(work).await,
            Route::GetPrediction => self.get(work.id(0), false),
            Route::GetTraining => self.get(work.id(0), true),
            Route::ListPredictions => self.list(work.call, false),
            Route::ListTrainings => self.list(work.call, true),
            Route::CancelPrediction => self.cancel(work.id(0), false),
            Route::CancelTraining => self.cancel(work.id(0), true),
            Route::CreateModel => self.create_model(work),
            Route::GetModel => self.get_model(work),
            Route::ListVersions => self.list_versions(work),
            Route::GetVersion => self.get_version(work),
            Route::CreateFile => self.create_file(work),
            Route::ListFiles => self.list_files(&work.call.base),
            Route::GetFile => self.get_file(work),
            Route::DeleteFile => self.delete_file(work.id(0)),
            Route::WebhookSecret => Answer::json(200, &json!({"key": self.secret()})).into(),
            Route::Account => {
                let account: Value = json!({"type": "user", "username": USER, "name": "Descant", "github_url": null});
                Answer::json(200, &account).into()
            }
            _ => not_found(),
        }
    }
}
