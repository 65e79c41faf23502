//! The models as operators see them, and new ones.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::{
    ModelId, UserId,
    registry::{ModelAddress, ModelKind, ModelName, ModelPath, ModelVersion, RegisteredModel},
};
use persistence::ModelAdded;
use resilience::ids::random10;
use settings::{Vendor, VendorKind};

use super::{
    unknown,
    wire::{AdminModelBody, AdminModelListBody, ModelForm, OneAdminModelBody},
};
use crate::{
    app_state::AppState,
    json_body,
    problem::{ApiError, Problem},
};

/// All models, whoever's. For operators.
#[utoipa::path(
    get, path = "/api/v1/admin/models", operation_id = "list_all_models", tag = "models",
    responses(
        (status = 200, body = AdminModelListBody),
        (status = 403, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_all(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let models = state.database.models().list(None).await?.into_iter().map(AdminModelBody::of).collect();
    Ok(HttpResponse::Ok().json(AdminModelListBody { success: true, models }))
}

/// A model, whoever's. For operators.
#[utoipa::path(
    get, path = "/api/v1/admin/models/{name}", operation_id = "read_any_model", tag = "models",
    params(("name" = String, Path, description = "The model's name")),
    responses(
        (status = 200, body = OneAdminModelBody),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn read_any(
    request: HttpRequest,
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let found = match ModelName::new(&name) {
        Ok(name) => state.database.models().get(&name).await?,
        Err(_) => None,
    };
    match found {
        Some(model) => Ok(answer(model)),
        None => Err(unknown(&state, None, &name).await?),
    }
}

/// Add a model. For operators.
#[utoipa::path(
    post, path = "/api/v1/admin/models", operation_id = "add_model", tag = "models", request_body = ModelForm,
    responses(
        (status = 201, body = OneAdminModelBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn add(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let form: ModelForm = json_body::read(&request, payload).await?;
    let now = state.clock.now();
    let model = asked(&state, form, ModelId::new(now, random10()))?;
    match state.database.models().add(&model, now).await? {
        ModelAdded::New(model) => {
            tracing::info!(model = %model.name, kind = %model.kind, provider = model.provider, "a model was added");
            let body = OneAdminModelBody { success: true, model: AdminModelBody::of(*model) };
            Ok(HttpResponse::Created().json(body))
        }
        ModelAdded::NameTaken => Err(ApiError::ModelNameTaken { name: model.name.to_string() }),
    }
}

pub fn answer(model: RegisteredModel) -> HttpResponse {
    HttpResponse::Ok().json(OneAdminModelBody { success: true, model: AdminModelBody::of(model) })
}

fn asked(state: &AppState, form: ModelForm, id: ModelId) -> Result<RegisteredModel, ApiError> {
    let ModelForm { name, kind, provider, path, version, licence, description, input_schema, quality, owner } = form;
    let name = ModelName::new(&name).map_err(|why| invalid("name", &why))?;
    let kind = match kind.as_deref() {
        None | Some("base") => ModelKind::Base,
        Some("fine-tuned") => ModelKind::FineTuned,
        Some(_) => return Err(invalid("kind", &"expected base or fine-tuned")),
    };
    RegisteredModel::check_provider(&provider)?;
    let path = path.map(|path| ModelPath::new(&path)).transpose()?;
    let (path, version) = match (path, version) {
        (Some(path), Some(version)) => {
            let version = ModelVersion::at(Some(&path), &version)?;
            (Some(path), Some(version))
        }
        (None, Some(version)) => {
            let ModelAddress { path, version } = version.parse()?;
            (path, Some(version))
        }
        (path, None) => (path, None),
    };
    match &version {
        Some(version) => check_form(state, &provider, path.as_ref(), version)?,
        None if is_asked(state, &provider) && path.is_some() => {}
        None => {
            let detail = "expected a version: it can be left out with a `path` at a provider that is set up here and can be asked \
                          for its latest, which is Replicate";
            return Err(invalid("version", &detail));
        }
    }
    let owner = owner.map(UserId::new).transpose().map_err(|why| invalid("owner", &why))?;
    let text =
        |field, text: Option<String>, most| RegisteredModel::text(field, text.as_deref().unwrap_or_default(), most);
    let bare = RegisteredModel::bare(id, name, kind, &provider, state.clock.now());
    // Who reaches the provider asks it soon; where nobody does, an operator's word is all there is.
    let base = if is_asked(state, &provider) { bare.pending(version) } else { RegisteredModel { version, ..bare } };
    Ok(RegisteredModel {
        path,
        owner,
        licence: text("licence", licence, RegisteredModel::MAX_LICENCE_CHARS)?,
        description: text("description", description, RegisteredModel::MAX_DESCRIPTION_CHARS)?,
        input_schema,
        quality,
        ..base
    })
}

/// Whether a provider is set up here that can be asked for versions of models.
fn is_asked(state: &AppState, provider: &str) -> bool {
    let is_it = |vendor: &Vendor| vendor.name == provider && vendor.kind == VendorKind::Replicate;
    state.settings.vendors.iter().any(is_it)
}

/// Replicate knows versions by their hashes only, also where no path is said.
pub fn check_form(
    state: &AppState,
    provider: &str,
    path: Option<&ModelPath>,
    version: &ModelVersion,
) -> Result<(), ApiError> {
    let vendor = state.settings.vendors.iter().find(|vendor| vendor.name == provider);
    let is_replicate = match vendor {
        Some(vendor) => vendor.kind == VendorKind::Replicate,
        None => provider == VendorKind::Replicate.as_str(),
    };
    if path.is_none() && is_replicate && !version.is_hash() {
        let detail =
            "expected owner/name:version with the 64 hexadecimal digits of a version, as the model's page lists them";
        return Err(invalid("version", &detail));
    }
    Ok(())
}

pub fn invalid(field: &'static str, why: &impl ToString) -> ApiError {
    ApiError::InvalidField { field, detail: why.to_string() }
}
