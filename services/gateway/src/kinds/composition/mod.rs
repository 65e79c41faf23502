//! A sentence becomes music; with the older API of a music generator.

mod present;
mod routes;
mod wire;

use actix_web::web::ServiceConfig;
use compose::asked;
use domain::{
    InvalidField, KindSpec, StageName,
    kinds::composition::{COMPOSING, CompositionOptions, CompositionRequest, MODEL, SINGING, SPEC, WORDS},
    registry::ModelName,
};
use persistence::Job;
use serde_json::{Map, Value, json};
use settings::{Settings, Wanted};
use utoipa::{OpenApi as _, openapi::OpenApi};

use crate::{
    fields::Fields,
    problem::ApiError,
    routing::{posted, read},
    submit_kind::{Accepted, Asked, Priced, SubmitKind},
};

/// The kind `composition`.
pub struct CompositionKind;

impl SubmitKind for CompositionKind {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn fields(&self) -> &'static [&'static str] {
        &CompositionRequest::FIELDS
    }

    fn list_fields(&self) -> &'static [&'static str] {
        &["instruments", "formats", "without"]
    }

    /// What the composer would refuse is refused here, before there is a job.
    fn read(&self, fields: &Fields) -> Result<Asked, ApiError> {
        let refused = |InvalidField { field, detail }| ApiError::InvalidField { field, detail };
        let request = CompositionRequest::read(|name| fields.text(name), resilience::ids::seed()).map_err(refused)?;
        let request = asked::settled(request).map_err(refused)?;
        let texts = request.texts().into_iter().map(|(field, text)| (field, text.to_owned())).collect();
        Ok(Asked { params: serde_json::to_value(&request).map_err(|_| ApiError::Internal)?, texts })
    }

    fn model(&self, params: &Value) -> Option<ModelName> {
        serde_json::from_value::<CompositionRequest>(params.clone()).ok()?.options.model
    }

    /// What was read in the sentence.
    fn accepted(&self, accepted: &Accepted<'_>) -> Map<String, Value> {
        let request = serde_json::from_value::<CompositionRequest>(accepted.job.params.clone());
        let read = request.map(|request| compose::understand(request.prompt.as_str())).unwrap_or_default();
        let told = json!({
            "understood": read.understood,
            "notUnderstood": read.not_understood,
            "conflicts": read.conflicts,
        });
        Map::from_iter([("prompt".to_owned(), told)])
    }

    fn parameters(&self, params: &Value) -> Value {
        let mut shown = params.clone();
        shown["modelId"] = MODEL.into();
        shown
    }

    fn stand_ins(&self) -> &'static [(&'static str, &'static str)] {
        &[("prompt", "music")]
    }

    /// What comes from elsewhere has its voice in it, and its words, unless they are written here for whoever sings it; of a song that
    /// is composed here both are bought apart.
    fn paid_for(&self, settings: &Settings, job: &Priced<'_>) -> Vec<Wanted> {
        let Ok(request) = serde_json::from_value::<CompositionRequest>(job.params.clone()) else { return Vec::new() };
        let CompositionOptions { length_ms, language, chords, .. } = &request.options;
        let said = length_ms.map(|length| f64::from(length) / 1000.0).or(job.seconds);
        let seconds = said.or_else(|| compose::understand(request.prompt.as_str()).seconds);
        let part = |stage: StageName, capability| Wanted {
            stage: stage.as_str(),
            capability,
            seconds,
            language: *language,
            ..Wanted::default()
        };
        let song = Wanted {
            is_sung: request.is_sung(),
            has_chart: chords.is_some(),
            only: job.model_provider.map(str::to_owned),
            ..part(COMPOSING, "compositions")
        };
        let is_sung_here = request.is_sung() && settings.is_done_here(&song);
        let words = settings.is_sung_to_own_words(&song).then(|| part(COMPOSING, "lyrics"));
        let voice = is_sung_here.then(|| [part(WORDS, "lyrics"), part(SINGING, "vocals")]);
        std::iter::once(song).chain(words).chain(voice.into_iter().flatten()).collect()
    }

    fn result(&self, _job: &Job, made: &Value) -> Value {
        made.clone()
    }

    fn routes(&self, app: &mut ServiceConfig) {
        app.service(posted("/api/music-generator/generate", routes::generate))
            .service(read("/api/music-generator/status/{musicId}", routes::status))
            .service(read("/api/music-generator/download/{musicId}", routes::download));
    }

    fn openapi(&self) -> OpenApi {
        routes::Document::openapi()
    }
}
