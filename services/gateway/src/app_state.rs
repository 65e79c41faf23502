//! What every handler shares.

use std::sync::Arc;

use actix_web::HttpRequest;
use blob_store::BlobStore;
use contracts::{Envelope, v1};
use domain::{JobId, KindSpec, Kinds, MessageId};
use messaging::{Body, Bus};
use persistence::{Database, Job, OutboxMessage, PersistenceError};
use resilience::{Bulkhead, Clock, ids::random10};
use safety::WordGate;
use service_runtime::{Deps, error_chain};
use settings::{AuthMode, Settings};
use telemetry::{Metrics, trace};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Authenticator, Caller},
    follow::News,
    link_signer::LinkSigner,
    links::LinkMaker,
    origin,
    problem::ApiError,
    submit_kind::SubmitKinds,
    webhook_secrets::WebhookSecrets,
};

/// The gateway's parts, and what it shares with the other services of its process.
pub struct AppState {
    pub settings: Arc<Settings>,
    pub database: Database,
    pub blobs: Arc<dyn BlobStore>,
    pub bus: Arc<dyn Bus>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    pub auth: Authenticator,
    /// What can be submitted here.
    pub kinds: SubmitKinds,
    /// What the process knows besides, if only to show it.
    known_kinds: Kinds,
    /// For what is stored; answers have [`Self::links`].
    pub stored_links: LinkMaker,
    pub signer: LinkSigner,
    pub news: News,
    /// Words that no job starts with; the job asks again, and an AI vendor where there is one.
    pub words: WordGate,
    /// Who may tell of work outside.
    pub webhook_secrets: WebhookSecrets,
    /// Uploads that are received at once.
    pub uploads: Bulkhead,
    /// Wakes the outbox relay of this process.
    pub outbox: Arc<Notify>,
    pub shutdown: CancellationToken,
}

impl AppState {
    pub fn new(deps: &Deps, kinds: SubmitKinds, shutdown: CancellationToken) -> anyhow::Result<Self> {
        let settings = deps.settings.clone();
        Ok(Self {
            auth: Authenticator::from_settings(&settings.auth)?,
            kinds,
            known_kinds: deps.kinds.clone(),
            stored_links: LinkMaker::new(settings.http.public_url.as_ref()),
            signer: LinkSigner::new(match &settings.auth.mode {
                AuthMode::Hs256 { secret } => Some(secret.expose().as_str()),
                AuthMode::None | AuthMode::Jwks { .. } => None,
            }),
            news: News::default(),
            words: settings.safety.word_gate()?,
            webhook_secrets: WebhookSecrets::new(&settings.vendors, &settings.outbound),
            uploads: Bulkhead::new("uploads", settings.http.upload_concurrency),
            database: deps.database()?,
            blobs: deps.objects()?,
            bus: deps.bus()?,
            clock: deps.clock.clone(),
            metrics: deps.metrics.clone(),
            outbox: deps.outbox.clone(),
            settings,
            shutdown,
        })
    }

    pub async fn caller(&self, request: &HttpRequest) -> Result<Caller, ApiError> {
        self.auth.caller(request).await
    }

    /// Makes the links of the answer to a request.
    pub fn links(&self, request: &HttpRequest) -> LinkMaker {
        self.stored_links.asked_at(origin::of(request))
    }

    /// The caller, if they may use the operator's routes.
    pub async fn operator(&self, request: &HttpRequest) -> Result<Caller, ApiError> {
        let caller = self.caller(request).await?;
        if caller.operator { Ok(caller) } else { Err(ApiError::Forbidden) }
    }

    /// The table of a stored job's kind; `None` when only another version knows it.
    pub fn spec(&self, kind: &str) -> Option<&'static KindSpec> {
        self.kinds.get(kind).map(|kind| kind.spec()).or_else(|| self.known_kinds.get(kind))
    }

    /// A message in the request's trace.
    pub fn message(&self, body: impl Into<Body>) -> Envelope {
        let now = self.clock.now();
        contracts::envelope(body, MessageId::new(now, random10()), now).traced(trace::outgoing().traceparent())
    }

    pub fn message_about(&self, job: JobId, body: impl Into<Body>) -> Envelope {
        self.message(body).about(job, 0)
    }

    /// What is to be told of a job that was accepted: to an orchestrator, and to whoever follows its kind.
    pub fn job_accepted(&self, job: &Job) -> Vec<OutboxMessage> {
        let told = self.spec(job.kind.as_str()).and_then(|spec| spec.announcements);
        let announcement = told.and_then(|told| {
            let (job_id, kind, event) = (job.id.to_string(), job.kind.to_string(), told.requested.to_owned());
            service_runtime::outgoing(&self.message_about(job.id, v1::Announcement { job_id, kind, event }))
        });
        self.job_ready(job).into_iter().chain(announcement).collect()
    }

    /// What tells an orchestrator that a job waits.
    pub fn job_ready(&self, job: &Job) -> Vec<OutboxMessage> {
        let ready = self.message_about(job.id, v1::JobReady { job_id: job.id.to_string() });
        service_runtime::outgoing(&ready).into_iter().collect()
    }
}

/// An id from a path. What is no id is nobody's job.
pub fn job_id(text: &str) -> Result<JobId, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound)
}

impl From<PersistenceError> for ApiError {
    fn from(error: PersistenceError) -> Self {
        let chain = error_chain(&error);
        if error.is_retryable() {
            tracing::warn!(error = %chain, "rows cannot be reached");
            Self::Unavailable { what: "The database" }
        } else {
            tracing::error!(error = %chain, "rows failed");
            Self::Internal
        }
    }
}
