//! Changes of a model: out of use and back, a version on trial, the next version and the one before.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::registry::{ModelChange, ModelName, ModelVersion, RegisteredModel, Share, changed};
use persistence::ModelWritten;

use super::{
    add::{answer, check_form},
    unknown,
    wire::{CanaryForm, ModelCorrection, OneAdminModelBody, PromoteForm},
};
use crate::{
    app_state::AppState,
    json_body,
    problem::{ApiError, Problem},
};

/// Take a model out of use or bring it back; say its licence, what it is, what it takes and how good it is. For operators.
#[utoipa::path(
    patch, path = "/api/v1/admin/models/{name}", operation_id = "change_model", tag = "models",
    params(("name" = String, Path, description = "The model's name")), request_body = ModelCorrection,
    responses(
        (status = 200, body = OneAdminModelBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Its status does not allow this", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change(
    request: HttpRequest,
    payload: web::Payload,
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let form: ModelCorrection = json_body::read(&request, payload).await?;
    if form.is_empty() {
        let fields = "`disabled`, `licence`, `description`, `inputSchema`, `quality`";
        return Err(ApiError::InvalidBody { detail: format!("There is nothing to change: send one of {fields}.") });
    }
    let ModelCorrection { disabled, licence, description, input_schema, quality } = form;
    let licence = licence.map(|text| of_text("licence", text, RegisteredModel::MAX_LICENCE_CHARS)).transpose()?;
    let description =
        description.map(|text| of_text("description", text, RegisteredModel::MAX_DESCRIPTION_CHARS)).transpose()?;
    let told = |model: &RegisteredModel| {
        let model = match disabled {
            Some(true) => moved(model, ModelChange::Disable)?,
            Some(false) => moved(model, ModelChange::Enable)?,
            None => model.clone(),
        };
        Ok(RegisteredModel {
            licence: licence.clone().unwrap_or(model.licence),
            description: description.clone().unwrap_or(model.description),
            input_schema: input_schema.clone().unwrap_or(model.input_schema),
            quality: quality.clone().unwrap_or(model.quality),
            ..model
        })
    };
    store(&state, &name, told).await
}

/// Give a share of a model's jobs another version. For operators.
#[utoipa::path(
    post, path = "/api/v1/admin/models/{name}/canary", operation_id = "start_canary", tag = "models",
    params(("name" = String, Path, description = "The model's name")), request_body = CanaryForm,
    responses(
        (status = 200, body = OneAdminModelBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Its status does not allow this", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn canary(
    request: HttpRequest,
    payload: web::Payload,
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let CanaryForm { version, share } = json_body::read(&request, payload).await?;
    let share = Share::new(share)?;
    let start = |model: &RegisteredModel| {
        let version = version_of(&state, model, &version)?;
        moved(model, ModelChange::StartCanary { version, share })
    };
    store(&state, &name, start).await
}

/// Give all of a model's jobs the version that is on trial, or the one that is named. For operators.
#[utoipa::path(
    post, path = "/api/v1/admin/models/{name}/promote", operation_id = "promote_model", tag = "models",
    params(("name" = String, Path, description = "The model's name")), request_body = Option<PromoteForm>,
    responses(
        (status = 200, body = OneAdminModelBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No version is on trial, or its status does not allow this", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn promote(
    request: HttpRequest,
    payload: web::Payload,
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let form: PromoteForm = json_body::read_optional(&request, payload).await?.unwrap_or_default();
    let promote = |model: &RegisteredModel| {
        let version = form.version.as_ref().map(|version| version_of(&state, model, version)).transpose()?;
        moved(model, ModelChange::Promote { version })
    };
    store(&state, &name, promote).await
}

/// End a trial, or go back to the version before. For operators.
#[utoipa::path(
    post, path = "/api/v1/admin/models/{name}/rollback", operation_id = "roll_model_back", tag = "models",
    params(("name" = String, Path, description = "The model's name")),
    responses(
        (status = 200, body = OneAdminModelBody),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is nothing to go back to", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn roll_back(
    request: HttpRequest,
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    store(&state, &name, |model| moved(model, ModelChange::RollBack)).await
}

fn of_text(field: &'static str, text: Option<String>, most_chars: usize) -> Result<Option<String>, ApiError> {
    Ok(RegisteredModel::text(field, text.as_deref().unwrap_or_default(), most_chars)?)
}

fn moved(model: &RegisteredModel, change: ModelChange) -> Result<RegisteredModel, ApiError> {
    changed(model, change).map_err(|why| ApiError::ModelState { name: model.name.to_string(), detail: why.to_string() })
}

fn version_of(state: &AppState, model: &RegisteredModel, text: &str) -> Result<ModelVersion, ApiError> {
    let version = ModelVersion::at(model.path.as_ref(), text)?;
    check_form(state, &model.provider, model.path.as_ref(), &version)?;
    Ok(version)
}

/// Stores what `decide` makes of the model of that name, as it is then.
async fn store(
    state: &AppState,
    name: &str,
    decide: impl Fn(&RegisteredModel) -> Result<RegisteredModel, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let Ok(known) = ModelName::new(name) else { return Err(unknown(state, None, name).await?) };
    match state.database.models().change(&known, state.clock.now(), decide).await? {
        ModelWritten::Written(model) => {
            let version = model.version.as_ref().map(ModelVersion::as_str);
            tracing::info!(model = name, status = %model.status, version, revision = model.revision, "a model was changed");
            Ok(answer(*model))
        }
        ModelWritten::Refused(why) => Err(why),
        ModelWritten::Missing => Err(unknown(state, None, name).await?),
    }
}
