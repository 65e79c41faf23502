//! Health and metrics over HTTP, for the services that have no HTTP of their own.

use std::net::{SocketAddr, TcpListener};

use actix_web::{
    App, FromRequest, Handler, HttpResponse, HttpServer, Resource, Responder,
    dev::ServerHandle,
    http::header::ALLOW,
    web::{self, ServiceConfig},
};
use serde::Serialize;
use telemetry::{Metrics, metrics::CONTENT_TYPE};

use crate::{
    error::RuntimeError,
    health::{Health, HealthReport, ProviderState},
};

/// Routes for `App::configure`: `/api/health`, `/api/health/live`, `/api/health/ready`, `/api/health/detailed` and
/// `/metrics`.
pub fn health_routes(health: Health, metrics: Metrics) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    move |config| {
        config
            .app_data(web::Data::new(health.clone()))
            .app_data(web::Data::new(metrics.clone()))
            .service(read_only("/api/health", live))
            .service(read_only("/api/health/live", live))
            .service(read_only("/api/health/ready", ready))
            .service(read_only("/api/health/detailed", detailed))
            .service(read_only("/metrics", render));
    }
}

/// A path that is there for GET, for HEAD, which some probes send, and for nothing else.
fn read_only<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args> + Clone,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(web::to(other_method))
}

/// A problem document as the public API has them (RFC 9457).
async fn other_method() -> HttpResponse {
    const ALLOWED: &str = "GET, HEAD";
    let detail = format!("Use {ALLOWED}.");
    HttpResponse::MethodNotAllowed().insert_header((ALLOW, ALLOWED)).content_type("application/problem+json").json(
        Problem {
            kind: "/problems/method_not_allowed",
            title: "This path takes another method",
            status: 405,
            detail: &detail,
            code: "method_not_allowed",
            success: false,
            error: &detail,
        },
    )
}

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    success: bool,
    error: &'a str,
}

#[derive(Serialize)]
struct StatusBody {
    status: &'static str,
    /// Providers that an operator has to see to. Work goes on without them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<ProviderState>,
}

impl StatusBody {
    const fn of(status: &'static str) -> Self {
        Self { status, problems: Vec::new() }
    }
}

/// Checks no dependency: an orchestrator of containers restarts who does not answer here, and that heals none of them.
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(StatusBody::of("healthy"))
}

async fn ready(health: web::Data<Health>) -> HttpResponse {
    let report = health.report().await;
    if report.is_ready() {
        let problems = report.providers.into_iter().filter(|provider| provider.problem.is_some()).collect();
        HttpResponse::Ok().json(StatusBody { status: "ready", problems })
    } else {
        HttpResponse::ServiceUnavailable().json(StatusBody::of("not_ready"))
    }
}

async fn detailed(health: web::Data<Health>) -> HttpResponse {
    let report: HealthReport = health.report().await;
    if report.healthy { HttpResponse::Ok().json(report) } else { HttpResponse::ServiceUnavailable().json(report) }
}

async fn render(metrics: web::Data<Metrics>) -> HttpResponse {
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(metrics.render())
}

/// The listener of a process without other HTTP.
pub(crate) struct Listener {
    handle: ServerHandle,
}

impl Listener {
    pub(crate) fn open(address: SocketAddr, health: Health, metrics: Metrics) -> Result<Self, RuntimeError> {
        let failed = |source| RuntimeError::Listen { address, source };
        let socket = TcpListener::bind(address).map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?;
        let routes = health_routes(health, metrics);
        let server = HttpServer::new(move || App::new().configure(routes.clone()))
            .workers(1)
            .disable_signals()
            .listen(socket)
            .map_err(failed)?
            .run();
        let handle = server.handle();
        tokio::spawn(server);
        tracing::info!(address = %bound, "health and metrics are served");
        Ok(Self { handle })
    }

    pub(crate) async fn close(self) {
        self.handle.stop(false).await;
    }
}
