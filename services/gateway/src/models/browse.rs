//! The models as users see them.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::registry::ModelName;

use super::{
    unknown,
    wire::{ModelBody, ModelListBody, OneModelBody},
};
use crate::{
    app_state::AppState,
    problem::{ApiError, Problem},
};

/// Models that are everybody's, and your own.
#[utoipa::path(
    get, path = "/api/v1/models", operation_id = "list_models", tag = "models",
    responses((status = 200, body = ModelListBody))
)]
pub async fn list(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(&request).await?;
    let models = state.database.models().list(Some(&caller.user)).await?;
    // What a model takes may be long; it stands with the single one.
    let models = models.into_iter().map(|model| ModelBody { input_schema: None, ..ModelBody::of(model) }).collect();
    Ok(HttpResponse::Ok().json(ModelListBody { success: true, models }))
}

/// A model, with what it takes.
#[utoipa::path(
    get, path = "/api/v1/models/{name}", operation_id = "read_model", tag = "models",
    params(("name" = String, Path, description = "The model's name")),
    responses(
        (status = 200, body = OneModelBody),
        (status = 404, description = "`detail` names those that there are", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn read(
    request: HttpRequest,
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let caller = state.caller(&request).await?;
    let found = match ModelName::new(&name) {
        Ok(name) => state.database.models().get(&name).await?,
        // What cannot be a name is nobody's.
        Err(_) => None,
    };
    match found.filter(|model| model.is_visible_to(&caller.user)) {
        Some(model) => Ok(HttpResponse::Ok().json(OneModelBody { success: true, model: ModelBody::of(model) })),
        None => Err(unknown(&state, Some(&caller.user), &name).await?),
    }
}
