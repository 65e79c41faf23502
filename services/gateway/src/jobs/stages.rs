//! Who made each stage of a job, who was asked before, and what it cost.

use std::collections::BTreeMap;

use domain::{Cost, Tried, Usage};
use persistence::{Job, OutsideCall, Stage};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app_state::AppState, problem::ApiError, spending::Money};

/// One stage that has begun.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageBody {
    pub name: String,
    /// running, done or failed.
    pub state: &'static str,
    /// Who did it; absent for what only the platform does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Providers that were asked, or passed over, before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<TriedBody>,
    /// Time from its start to its end, waiting included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What vendors say that they used for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub usage: Option<Usage>,
    /// By the prices of the settings, a line for each currency.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cost: Vec<Money>,
}

/// A provider that did not do it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriedBody {
    pub provider: String,
    /// Whether it was asked, or passed over because it cannot.
    pub asked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<&'static str>,
    pub why: String,
}

impl TriedBody {
    fn of(tried: Tried) -> Self {
        let Tried { provider, class, code, why } = tried;
        Self { provider, asked: class.is_some(), error_code: code.map(domain::FailureCode::as_str), why }
    }
}

/// The stages of a job in the order of their beginning, and what they cost together.
pub async fn of_job(state: &AppState, job: &Job) -> Result<(Vec<StageBody>, Vec<Money>), ApiError> {
    let stages = state.database.stages().list(job.id).await?;
    let calls = state.database.outside_calls().of_job(job.id).await?;
    let total = money(calls.iter());
    let mut bodies: Vec<(chrono::DateTime<chrono::Utc>, StageBody)> = stages
        .into_iter()
        .map(|stage| {
            let of_stage: Vec<&OutsideCall> = calls.iter().filter(|call| call.stage == stage.name).collect();
            (stage.started_at, body(stage, &of_stage))
        })
        .collect();
    bodies.sort_by_key(|(started_at, _)| *started_at);
    Ok((bodies.into_iter().map(|(_, body)| body).collect(), total))
}

fn body(stage: Stage, calls: &[&OutsideCall]) -> StageBody {
    let mut usage = Usage::default();
    calls.iter().for_each(|call| usage += call.usage);
    StageBody {
        state: stage.state.as_str(),
        provider: stage.checkpoint.and_then(|checkpoint| checkpoint.provider),
        tried: stage.tried.into_iter().map(TriedBody::of).collect(),
        seconds: stage.finished_at.map(|at| (at - stage.started_at).num_milliseconds() as f64 / 1000.0),
        usage: (usage != Usage::default()).then_some(usage),
        cost: money(calls.iter().copied()),
        name: stage.name,
    }
}

/// What calls cost, by currency.
fn money<'a>(calls: impl Iterator<Item = &'a OutsideCall>) -> Vec<Money> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for Cost { micros, currency } in calls.filter_map(|call| call.cost.as_ref()) {
        *sums.entry(currency).or_default() += micros;
    }
    sums.into_iter().map(|(currency, micros)| Money::of(micros, currency)).collect()
}
