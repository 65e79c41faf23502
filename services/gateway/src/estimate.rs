//! What a job would cost, before it is asked for: read as a submission would be, priced by whoever is asked first for each stage.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use settings::Expected;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app_state::AppState,
    fields::{Fields, Shapes},
    models::check_usable,
    problem::{ApiError, Problem},
    spending::Money,
    submission::REUSE,
    submit_kind::{Priced, SubmitKind},
};

/// Longest music whose price is told, in seconds.
const MOST_SECONDS: f64 = 36_000.0;
const KIND: &str = "kind";
const SECONDS: &str = "seconds";

/// What is to be priced.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes what is read field by field")]
pub struct EstimateQuery {
    /// A kind of job, such as `composition`.
    pub kind: String,
    /// Length of the music, or of the recording, 0 to 36000, where the kind's own fields say none. 60 when nothing does.
    pub seconds: Option<f64>,
}

/// What one stage of a job would cost with whoever is asked first for it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PricedStageBody {
    /// As a job tells of it, such as `words`.
    pub stage: &'static str,
    /// What the provider does there, as in the settings: such as `lyrics`.
    pub capability: &'static str,
    pub provider: String,
    /// Absent where nothing is charged for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// When the prices were read, as the operator wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices_as_of: Option<String>,
}

/// An estimate: the providers' prices times what such a job usually takes. A provider that fails makes it another one's.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EstimateBody {
    pub success: bool,
    /// Those that a vendor does, in the order of the job's stages.
    pub stages: Vec<PricedStageBody>,
    /// A line for each currency; empty where nothing is charged for.
    pub total: Vec<Money>,
    /// The oldest day of the prices that are in it, as the operator wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices_as_of: Option<String>,
}

/// What a job would cost, as far as vendors are paid. Beside the parameters that are listed, each field that a submission of the
/// kind has may be there by the same name, and counts as it would there; one that submissions need may be left out.
#[utoipa::path(
    get, path = "/api/v1/estimate", tag = "spending", params(EstimateQuery),
    responses(
        (status = 200, body = EstimateBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such model", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The model is not ready", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn estimate(
    request: HttpRequest,
    query: web::Query<Vec<(String, String)>>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(&request).await?;
    let query = query.into_inner();
    let wanted = value(&query, KIND);
    let Some(kind) = wanted.and_then(|name| state.kinds.get(name)) else {
        let detail = format!("expected one of {}", state.kinds.names().join(", "));
        return Err(ApiError::InvalidField { field: KIND, detail });
    };
    let seconds = seconds(value(&query, SECONDS))?;
    let params = kind.read(&fields(kind, query)?)?.params;
    let model_provider = match kind.model(&params) {
        Some(name) => Some(check_usable(&state, &caller.user, &name).await?.provider),
        None => None,
    };
    let priced = Priced { params: &params, seconds, model_provider: model_provider.as_deref() };
    let stages = state.settings.estimate(&kind.paid_for(&state.settings, &priced));
    Ok(HttpResponse::Ok().json(body(stages)))
}

fn value<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let text = query.iter().find(|(known, _)| known == name).map(|(_, text)| text.trim());
    text.filter(|text| !text.is_empty())
}

fn seconds(text: Option<&str>) -> Result<Option<f64>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=MOST_SECONDS).contains(seconds));
    let detail = || format!("expected a number from 0 to {MOST_SECONDS:.0}");
    seconds.map(Some).ok_or_else(|| ApiError::InvalidField { field: SECONDS, detail: detail() })
}

/// The fields of a submission, with something in the place of what it could not be without.
fn fields(kind: &dyn SubmitKind, mut query: Vec<(String, String)>) -> Result<Fields, ApiError> {
    let known: Vec<&'static str> = kind.fields().iter().copied().chain([REUSE]).collect();
    let is_known = |name: &str| name == KIND || name == SECONDS || known.contains(&name);
    if let Some((stranger, _)) = query.iter().find(|(name, _)| !is_known(name)) {
        let shown: String = stranger.chars().filter(|c| !c.is_control()).take(40).collect();
        let detail =
            format!("`{shown}` is not known here; known are {KIND}, {SECONDS} and {}.", kind.fields().join(", "));
        return Err(ApiError::InvalidBody { detail });
    }
    for (name, text) in kind.stand_ins() {
        if value(&query, name).is_none() {
            query.push(((*name).to_owned(), (*text).to_owned()));
        }
    }
    let shapes = Shapes { known, structured: kind.structured_fields(), lists: kind.list_fields() };
    Fields::of_form(query, &shapes)
}

fn body(stages: Vec<Expected>) -> EstimateBody {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for cost in stages.iter().filter_map(|stage| stage.cost.as_ref()) {
        let sum = sums.entry(cost.currency.clone()).or_default();
        *sum = sum.saturating_add(cost.micros);
    }
    let stages: Vec<PricedStageBody> = stages.into_iter().map(priced_stage).collect();
    EstimateBody {
        success: true,
        total: sums.into_iter().map(|(currency, micros)| Money::of(micros, &currency)).collect(),
        prices_as_of: stages.iter().filter_map(|stage| stage.prices_as_of.clone()).min(),
        stages,
    }
}

fn priced_stage(Expected { stage, capability, provider, cost, prices_as_of }: Expected) -> PricedStageBody {
    PricedStageBody {
        stage,
        capability,
        provider,
        prices_as_of: Some(prices_as_of).filter(|day| cost.is_some() && !day.is_empty()),
        cost: cost.map(|cost| Money::of(cost.micros, &cost.currency)),
    }
}
