//! The gateway: the HTTP API. Authenticates, receives uploads, has them checked, and accepts jobs; afterwards it only
//! reads what others write, and stores wishes to cancel.
//!
//! Never works on audio, never holds a whole upload in memory, never moves a job.

mod api;
mod auth;
mod body;
mod conditions;
mod cors;
mod disposition;
mod follow;
mod jobs;
mod links;
mod local;
mod melody_vocals;
mod observe;
mod operator;
mod page;
mod problem;
mod state;
mod upload;

use std::{
    net::{SocketAddr, TcpListener},
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

pub use api::openapi;
pub use problem::{ApiError, Problem};

/// The service.
pub struct Gateway {
    /// Told the address once it is bound; port 0 takes a free one.
    on_bound: Box<dyn FnOnce(SocketAddr) + Send>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self::announcing(|address| println!("listening on http://{address}"))
    }
}

impl Gateway {
    /// A gateway that tells `on_bound` where it listens.
    pub fn announcing(on_bound: impl FnOnce(SocketAddr) + Send + 'static) -> Self {
        Self { on_bound: Box::new(on_bound) }
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
        let house = web::Data::new(state::House::new(&deps, shutdown.clone())?);
        let relay = tokio::spawn(house.news.clone().relay(house.bus.clone(), shutdown.clone()));
        let (server, handle) = server(listener, house, &deps)?;
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

fn server(
    listener: TcpListener,
    house: web::Data<state::House>,
    deps: &Deps,
) -> anyhow::Result<(Server, ServerHandle)> {
    let drain = house.settings.http.drain;
    let health = health_routes(deps.health.clone(), deps.metrics.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(house.clone())
            .app_data(api::query_config())
            .wrap(middleware::from_fn(body::known_codings))
            .wrap(middleware::from_fn(local::guard))
            .wrap(middleware::from_fn(observe::observe))
            .wrap(cors::cors(&house.settings.http.cors_origins))
            .configure(health.clone())
            .configure(api::configure)
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
