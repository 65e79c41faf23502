//! The gateway: the HTTP API. Authenticates, receives uploads, has them checked, and accepts jobs; afterwards it only
//! reads what others write, and stores requests to cancel a job or to try it again.
//!
//! Never works on audio, never holds a whole upload in memory, never moves a job.

// Both panic when their reader has gone; `service_runtime::console` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod api;
mod app_state;
mod auth;
mod conditions;
mod content_coding;
mod cors;
mod disposition;
mod error_page;
mod estimate;
mod fields;
mod follow;
mod hooks;
mod jobs;
mod json_body;
mod kinds;
mod link_signer;
mod links;
mod loopback_guard;
mod models;
mod named_inputs;
mod observe;
mod operator;
mod origin;
mod problem;
mod quota;
mod renditions;
mod routing;
mod songs;
mod spending;
mod starts;
mod submission;
mod submit_kind;
mod upload;
mod webhook_secrets;
mod wire;

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    middleware, web,
};
use anyhow::Context;
use async_trait::async_trait;
use service_runtime::{CancellationToken, Deps, Service, health_routes};

pub use fields::Fields;
pub use problem::{ApiError, Problem};
pub use songs::{OneSongBody, SongBody, SongFileBody, SongImportBody, SongListBody, SongRemovedBody};
pub use submit_kind::{Accepted, Asked, HeldName, Priced, SubmitKind};

use app_state::AppState;
use submit_kind::SubmitKinds;

/// The OpenAPI document of a gateway as it comes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api::openapi(&kinds::built_in())
}

/// The service.
pub struct Gateway {
    kinds: SubmitKinds,
    /// Told the address once it is bound; port 0 takes a free one.
    on_bound: Box<dyn FnOnce(SocketAddr) + Send>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self::announcing(service_runtime::console::announce)
    }
}

impl Gateway {
    /// A gateway that tells `on_bound` where it listens.
    pub fn announcing(on_bound: impl FnOnce(SocketAddr) + Send + 'static) -> Self {
        Self { kinds: kinds::built_in(), on_bound: Box::new(on_bound) }
    }

    /// Takes one more kind of job, for a build with kinds of its own.
    #[must_use]
    pub fn with_kind(mut self, kind: Arc<dyn SubmitKind>) -> Self {
        self.kinds.add(kind);
        self
    }
}

#[async_trait]
impl Service for Gateway {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn has_http(&self) -> bool {
        true
    }

    /// Serves until shutdown, then lets running requests finish within the settings' drain time.
    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        let address = deps.settings.http.address();
        let listener = TcpListener::bind(address).with_context(|| format!("{address} cannot be listened on"))?;
        let bound = listener.local_addr().context("the listener has no address")?;
        let state = web::Data::new(AppState::new(&deps, self.kinds, shutdown.clone())?);
        let relay = tokio::spawn(state.news.clone().relay(state.bus.clone(), shutdown.clone()));
        let (server, handle) = server(listener, state, &deps)?;
        let stopper = tokio::spawn(async move {
            shutdown.cancelled().await;
            handle.stop(true).await;
        });
        tracing::info!(address = %bound, "listening");
        (self.on_bound)(bound);
        deps.ready();
        let served = server.await.context("the gateway's HTTP server failed");
        stopper.abort();
        relay.abort();
        served
    }
}

/// A client that does not finish its request head in this time is cut off (slow-loris).
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

fn server(listener: TcpListener, state: web::Data<AppState>, deps: &Deps) -> anyhow::Result<(Server, ServerHandle)> {
    let drain = state.settings.http.drain;
    let health = health_routes(deps.health.clone(), deps.metrics.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(routing::query_config())
            .wrap(middleware::from_fn(content_coding::known_codings))
            .wrap(middleware::from_fn(loopback_guard::guard))
            .wrap(middleware::from_fn(observe::observe))
            .wrap(cors::cors(&state.settings.http.cors_origins))
            .configure(health.clone())
            .configure(|app| api::configure(app, &state.kinds))
    })
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(drain.as_secs().max(1))
    .disable_signals()
    .listen(listener)
    .context("the gateway cannot listen")?
    .run();
    let handle = server.handle();
    Ok((server, handle))
}
