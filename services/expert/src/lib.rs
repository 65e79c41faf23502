//! Expert Music AI: the engine as a network service. One call makes a whole song from a recording, as its older clients
//! know it; three more make the parts, for an orchestrator that keeps checkpoints in between.
//!
//! Owns no rows and knows no jobs. What it makes lies in a temporary folder for an hour.

// Both panic when their reader has gone; `service_runtime::console` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod answer;
mod bounds;
mod files;
mod routes;
mod upload;

use std::net::{SocketAddr, TcpListener};

use actix_web::{
    App, HttpServer,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::{self, Next},
    web,
};
use anyhow::Context;
use async_trait::async_trait;
use domain::Tier;
use providers::Capabilities;
use service_runtime::{CancellationToken, Deps, Needs, Service};
use song::Pipeline;
use telemetry::Metrics;

use files::SongFiles;

/// The service.
pub struct Expert {
    /// Told the address once it is bound; port 0 takes a free one.
    on_bound: Box<dyn FnOnce(SocketAddr) + Send>,
}

impl Default for Expert {
    fn default() -> Self {
        Self { on_bound: Box::new(service_runtime::console::announce) }
    }
}

#[async_trait]
impl Service for Expert {
    fn name(&self) -> &'static str {
        "expert"
    }

    fn needs(&self) -> Needs {
        Needs::NONE
    }

    fn has_http(&self) -> bool {
        true
    }

    /// Serves until shutdown, then lets running requests finish within the settings' drain time.
    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        let address = deps.settings.expert.address();
        let listener = TcpListener::bind(address).with_context(|| format!("{address} cannot be listened on"))?;
        let bound = listener.local_addr().context("the listener has no address")?;
        let state = web::Data::new(AppState::new(&deps)?);
        let sweeper = {
            let (state, shutdown) = (state.clone(), shutdown.clone());
            tokio::spawn(async move { state.files.sweep_until(shutdown).await })
        };
        let server = HttpServer::new(move || {
            App::new().app_data(state.clone()).wrap(middleware::from_fn(observe)).configure(routes::configure)
        })
        .workers(2)
        .shutdown_timeout(deps.settings.http.drain.as_secs().max(1))
        .disable_signals()
        .listen(listener)
        .context("the expert service cannot listen")?
        .run();
        let handle = server.handle();
        let stopper = tokio::spawn(async move {
            shutdown.cancelled().await;
            handle.stop(true).await;
        });
        tracing::info!(address = %bound, "listening");
        (self.on_bound)(bound);
        deps.ready();
        let served = server.await.context("the expert service's HTTP server failed");
        stopper.abort();
        sweeper.abort();
        served
    }
}

/// Middleware: trace, metrics, log line.
async fn observe(
    state: web::Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    service_runtime::observe("expert", &state.metrics, request, next).await
}

/// What the handlers share.
pub(crate) struct AppState {
    pub pipeline: Pipeline,
    pub files: SongFiles,
    pub metrics: Metrics,
}

impl AppState {
    fn new(deps: &Deps) -> anyhow::Result<Self> {
        let settings = &deps.settings;
        let pipeline = Pipeline {
            capabilities: Capabilities::offline(settings, &deps.breakers, &deps.metrics)?,
            gate: settings.quality_gate().clone(),
            // Tiers are the gateway's business: what it lets through must not be refused here.
            limits: settings.audio_limits(Tier::Enterprise).clone(),
            step_timeout: settings.providers.call_timeout,
        };
        Ok(Self { pipeline, files: SongFiles::new()?, metrics: deps.metrics.clone() })
    }
}
