//! What is spent with vendors: what a user has spent this month, and what everybody has.

use actix_web::{HttpRequest, HttpResponse, web};
use persistence::Spent;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app_state::AppState,
    problem::{ApiError, Problem},
};

/// An amount of money.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Money {
    /// In the currency's unit.
    pub amount: f64,
    /// ISO 4217.
    pub currency: String,
}

impl Money {
    pub fn of(micros: i64, currency: &str) -> Self {
        Self { amount: micros as f64 / 1e6, currency: currency.to_owned() }
    }
}

/// What was spent in a month.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpentBody {
    /// house, provider or user.
    pub scope: String,
    /// Whose; absent for the house.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub spent: Money,
    /// Set aside for calls that are on their way.
    pub reserved: Money,
    /// Most that may be spent; absent where there is no limit in this currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Money>,
}

/// What was spent in the current UTC month.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpendingBody {
    pub success: bool,
    /// Such as `2026-11`.
    pub month: String,
    pub spending: Vec<SpentBody>,
}

fn limit(state: &AppState, spent: &Spent) -> Option<Money> {
    let settings = &state.settings;
    let (micros, currency) = match spent.scope.as_str() {
        "house" => (settings.spending.monthly_limit, &settings.spending.currency),
        "user" => (settings.spending.user_monthly_limit, &settings.spending.currency),
        _ => {
            let vendor = settings.vendors.iter().find(|vendor| vendor.name == spent.name)?;
            (vendor.monthly_limit, &vendor.prices.currency)
        }
    };
    let micros = micros.filter(|_| *currency == spent.currency)?;
    Some(Money::of(micros, currency))
}

fn body(state: &AppState, lines: Vec<Spent>) -> HttpResponse {
    let month = state.clock.now().format("%Y-%m").to_string();
    let line = |spent: Spent| SpentBody {
        limit: limit(state, &spent),
        spent: Money::of(spent.spent_micros, &spent.currency),
        reserved: Money::of(spent.reserved_micros, &spent.currency),
        name: Some(spent.name).filter(|name| !name.is_empty()),
        scope: spent.scope,
    };
    let spending = lines.into_iter().map(line).collect();
    HttpResponse::Ok().json(SpendingBody { success: true, month, spending })
}

/// What your jobs have cost this month, as far as vendors are paid.
#[utoipa::path(get, path = "/api/v1/spending", tag = "spending", responses((status = 200, body = SpendingBody)))]
pub async fn own(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(&request).await?;
    let lines = state.database.spending().of_user(caller.user.as_str(), state.clock.now()).await?;
    Ok(body(&state, lines))
}

/// What was spent this month by everybody, with each provider and for each user.
#[utoipa::path(
    get, path = "/api/v1/operator/spending", tag = "operator",
    responses((status = 200, body = SpendingBody), (status = 403, body = Problem, content_type = "application/problem+json"))
)]
pub async fn everybodys(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let lines = state.database.spending().of_month(state.clock.now()).await?;
    Ok(body(&state, lines))
}
