//! Routes for whoever runs the house.

use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use service_runtime::error_chain;

use crate::{
    problem::{ApiError, Problem},
    state::House,
};

/// Which breakers to close.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakerReset {
    /// All of them when absent.
    pub provider: Option<String>,
}

/// It has been told.
#[derive(Debug, Serialize, ToSchema)]
pub struct Told {
    pub success: bool,
    pub message: &'static str,
}

/// Close circuit breakers by hand, in every orchestrator.
#[utoipa::path(
    post, path = "/api/v1/operator/breakers/reset", tag = "operator", request_body = BreakerReset,
    responses(
        (status = 202, description = "Every orchestrator has been told", body = Told),
        (status = 403, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn reset_breakers(
    request: HttpRequest,
    form: Option<web::Json<BreakerReset>>,
    gateway: web::Data<House>,
) -> Result<HttpResponse, ApiError> {
    gateway.operator(&request).await?;
    let provider = form.and_then(|form| form.into_inner().provider).unwrap_or_default();
    let event = gateway.message(v1::ResetBreaker { provider });
    gateway.bus.publish_event(event).await.map_err(|error| {
        tracing::warn!(error = %error_chain(&error), "orchestrators not told");
        ApiError::Unavailable { what: "The message broker" }
    })?;
    Ok(HttpResponse::Accepted().json(Told { success: true, message: "Every orchestrator has been told" }))
}
