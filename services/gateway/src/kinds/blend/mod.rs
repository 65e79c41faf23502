//! Three songs become one: songs of the catalogue by title, files, or both; with the older API of blends.

mod present;
mod routes;
mod songs;
mod wire;

use actix_web::web::ServiceConfig;
use domain::{
    InvalidField, KindSpec,
    kinds::blend::{BLENDING, BlendRequest, RENDERING, SPEC},
    starts::StartLimit,
};
use persistence::Job;
use serde_json::{Map, Value, json};
use settings::{Settings, Wanted};
use utoipa::{OpenApi as _, openapi::OpenApi};

use crate::{
    fields::Fields,
    named_inputs::NamedInputs,
    problem::ApiError,
    routing::{posted, read},
    submit_kind::{Accepted, Asked, Priced, SubmitKind},
};

/// The kind `blend`.
pub struct BlendKind;

/// The field that names the songs.
const SONGS: &str = "songs";

/// All fields: the songs, then what the blend is to be.
const FIELDS: [&str; 1 + BlendRequest::FIELDS.len()] = {
    let mut fields = [SONGS; 1 + BlendRequest::FIELDS.len()];
    let mut at = 1;
    while at < fields.len() {
        fields[at] = BlendRequest::FIELDS[at - 1];
        at += 1;
    }
    fields
};

impl SubmitKind for BlendKind {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn fields(&self) -> &'static [&'static str] {
        &FIELDS
    }

    fn structured_fields(&self) -> &'static [&'static str] {
        &[SONGS]
    }

    fn list_fields(&self) -> &'static [&'static str] {
        &["weights", "formats"]
    }

    fn read(&self, fields: &Fields) -> Result<Asked, ApiError> {
        let request = BlendRequest::read(|name| fields.text(name), resilience::ids::seed())
            .map_err(|InvalidField { field, detail }| ApiError::InvalidField { field, detail })?;
        let mut params = serde_json::to_value(&request).map_err(|_| ApiError::Internal)?;
        // As they were asked for: the older API shows them.
        params[SONGS] = json!(songs::wanted(fields)?);
        Ok(Asked { params, texts: Vec::new() })
    }

    fn named_inputs(&self) -> Option<&dyn NamedInputs> {
        Some(&songs::CatalogueSongs)
    }

    fn start_limit(&self, settings: &Settings) -> Option<StartLimit> {
        settings.blend.starts.map(|starts| StartLimit { starts, within: settings.blend.within })
    }

    fn accepted(&self, accepted: &Accepted<'_>) -> Map<String, Value> {
        Map::from_iter([("songs".to_owned(), json!(present::titles(accepted)))])
    }

    fn paid_for(&self, settings: &Settings, _job: &Priced<'_>) -> Vec<Wanted> {
        let mut wanted = vec![Wanted { stage: BLENDING.as_str(), capability: "blends", ..Wanted::default() }];
        if settings.vendors.iter().any(|vendor| vendor.plays) {
            wanted.push(Wanted { stage: RENDERING.as_str(), capability: "playing", ..Wanted::default() });
        }
        wanted
    }

    fn result(&self, _job: &Job, made: &Value) -> Value {
        made.clone()
    }

    fn routes(&self, app: &mut ServiceConfig) {
        app.service(posted("/api/generate", routes::generate))
            .service(read("/api/status/{jobId}", routes::status))
            .service(read("/api/download/{fileId}", routes::download))
            .service(read("/api/jobs", routes::jobs));
    }

    fn openapi(&self) -> OpenApi {
        routes::Document::openapi()
    }
}
