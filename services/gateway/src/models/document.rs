//! The registry as one document, `registry.json`.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use domain::{
    ModelId,
    registry::{ListedModel, Merged, ModelKind, RefusedEntry, RegisteredModel, RegistryFile},
};
use persistence::ModelAdded;
use resilience::ids::random10;
use serde_json::Value;
use settings::VendorKind;

use super::wire::{ImportBody, ImportedModelBody, ProviderQuery};
use crate::{
    app_state::AppState,
    json_body,
    problem::{ApiError, Problem},
};

/// Longest document. Some hundred bytes an entry, and schemas where there are some.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Others may change the same model meanwhile; each round one of those who race succeeds.
const MAX_TRIES: u32 = 8;

/// The registry as a document. For operators.
#[utoipa::path(
    get, path = "/api/v1/admin/models/export", operation_id = "export_models", tag = "models", params(ProviderQuery),
    responses(
        (status = 200, description = "`base` and `fine_tuned` with addresses by name, `details` with the rest, and what an imported document held besides", body = Object),
        (status = 403, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn export(
    request: HttpRequest,
    query: web::Query<ProviderQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let provider = provider(query.into_inner())?;
    let models = state.database.models();
    let document = RegistryFile::write(&models.list(None).await?, &models.registry_keys().await?, &provider);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"registry.json\""))
        .json(document))
}

/// Take models out of a document. Those that are there get what it says of them; none is removed. For operators.
#[utoipa::path(
    post, path = "/api/v1/admin/models/import", operation_id = "import_models", tag = "models", params(ProviderQuery),
    request_body = Object,
    responses(
        (status = 200, description = "What became of each entry", body = ImportBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn import(
    request: HttpRequest,
    payload: web::Payload,
    query: web::Query<ProviderQuery>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    state.operator(&request).await?;
    let provider = provider(query.into_inner())?;
    let document: Value = json_body::read_up_to(&request, payload, MAX_BYTES).await?;
    let RegistryFile { models, refused, keys } = RegistryFile::read(document, &provider)
        .map_err(|why| ApiError::InvalidBody { detail: format!("The body is no registry: {}.", why.detail) })?;
    let mut entries: Vec<ImportedModelBody> = refused.into_iter().map(of_refused).collect();
    for listed in models {
        entries.push(take(&state, &listed).await?);
    }
    if !keys.is_empty() {
        state.database.models().put_registry_keys(&keys).await?;
    }
    let body = ImportBody::of(entries);
    tracing::info!(added = body.added, updated = body.updated, refused = body.refused, "models were imported");
    Ok(HttpResponse::Ok().json(body))
}

fn provider(query: ProviderQuery) -> Result<String, ApiError> {
    let provider = query.provider.unwrap_or_else(|| VendorKind::Replicate.as_str().to_owned());
    RegisteredModel::check_provider(&provider)?;
    Ok(provider)
}

fn of_refused(refused: RefusedEntry) -> ImportedModelBody {
    let RefusedEntry { section, name, why } = refused;
    ImportedModelBody { name, section, outcome: "refused", why: Some(why) }
}

/// Writes one entry down, over whatever is there when it is written.
async fn take(state: &AppState, listed: &ListedModel) -> Result<ImportedModelBody, ApiError> {
    let section = if listed.kind == ModelKind::Base { "base" } else { "fine_tuned" };
    let told = |outcome, why| ImportedModelBody { name: listed.name.to_string(), section, outcome, why };
    let models = state.database.models();
    for _ in 0..MAX_TRIES {
        let now = state.clock.now();
        let before = models.get(&listed.name).await?;
        match listed.merged(before.as_ref(), ModelId::new(now, random10()), now) {
            // Its version is told to be missing each time, until somebody fills it in.
            Merged::Unchanged => return Ok(told("unchanged", listed.problem.clone())),
            Merged::Refused(why) => return Ok(told("refused", Some(why))),
            Merged::New(model) => {
                if let ModelAdded::New(_) = models.add(&model, now).await? {
                    return Ok(told("added", listed.problem.clone()));
                }
            }
            Merged::Changed(model) => {
                if models.put(&model, now).await?.is_some() {
                    return Ok(told("updated", listed.problem.clone()));
                }
            }
        }
    }
    Ok(told("refused", Some("it was changed by others all the while: import it again".to_owned())))
}
