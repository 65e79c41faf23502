//! A recorded melody becomes a sung vocal, with the older API whose fields clients rely on.

mod present;
mod routes;
mod wire;

use actix_web::web::ServiceConfig;
use domain::{
    InvalidField, KindSpec, StageName,
    audio::Verdict,
    kinds::melody_vocals::MelodyToVocalsRequest,
    kinds::melody_vocals::{ARRANGEMENT, AUDIO, LYRICS, PITCH, SPEC, VOCALS},
    options::Backing,
};
use persistence::Job;
use serde_json::{Map, Value};
use settings::{Settings, USUAL_SECONDS, Wanted};
use utoipa::{OpenApi as _, openapi::OpenApi};

use crate::{
    fields::Fields,
    problem::ApiError,
    routing::{posted, read},
    submit_kind::{Accepted, Asked, Priced, SubmitKind},
};

/// The kind `melody-to-vocals`.
pub struct MelodyVocals;

impl SubmitKind for MelodyVocals {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn fields(&self) -> &'static [&'static str] {
        &MelodyToVocalsRequest::FIELDS
    }

    fn read(&self, fields: &Fields) -> Result<Asked, ApiError> {
        let request = MelodyToVocalsRequest::read(|name| fields.text(name), resilience::ids::seed())
            .map_err(|InvalidField { field, detail }| ApiError::InvalidField { field, detail })?;
        let texts = request.texts().into_iter().map(|(field, text)| (field, text.to_owned())).collect();
        Ok(Asked { params: serde_json::to_value(&request).map_err(|_| ApiError::Internal)?, texts })
    }

    fn accepted(&self, accepted: &Accepted<'_>) -> Map<String, Value> {
        Map::from_iter([("estimatedTime".to_owned(), estimated_time(accepted).into())])
    }

    fn parameters(&self, params: &Value) -> Value {
        present::parameters(params).and_then(|shown| serde_json::to_value(shown).ok()).unwrap_or(Value::Null)
    }

    fn stand_ins(&self) -> &'static [(&'static str, &'static str)] {
        &[("prompt", "a song about the sea")]
    }

    /// A band's song is a little longer than its melody, by an intro and an ending that nobody knows yet.
    fn paid_for(&self, _settings: &Settings, job: &Priced<'_>) -> Vec<Wanted> {
        let Ok(request) = serde_json::from_value::<MelodyToVocalsRequest>(job.params.clone()) else {
            return Vec::new();
        };
        let seconds = Some(job.seconds.unwrap_or(USUAL_SECONDS));
        let part =
            |stage: StageName, capability| Wanted { stage: stage.as_str(), capability, seconds, ..Wanted::default() };
        let sung = |stage, capability| Wanted { language: Some(request.options.language), ..part(stage, capability) };
        let band = (request.options.backing == Backing::Band).then(|| part(ARRANGEMENT, "accompaniment"));
        let mut wanted = vec![part(PITCH, "melody")];
        wanted.extend(band);
        wanted.extend([sung(LYRICS, "lyrics"), sung(VOCALS, "vocals")]);
        wanted
    }

    fn result(&self, job: &Job, made: &Value) -> Value {
        serde_json::to_value(present::song(job, made)).unwrap_or(Value::Null)
    }

    fn routes(&self, app: &mut ServiceConfig) {
        app.service(posted("/api/v1/melody-vocals/convert", routes::convert))
            .service(read("/api/v1/melody-vocals/status/{id}", routes::status))
            .service(posted("/api/v1/melody-vocals/cancel/{id}", routes::cancel))
            .service(read("/api/v1/melody-vocals/history", routes::history))
            .service(read("/api/v1/melody-vocals/quota", routes::quota))
            .service(read("/api/v1/melody-vocals/stats", routes::stats))
            .service(posted("/api/v1/melody-vocals/feedback/{id}", routes::feedback));
    }

    fn openapi(&self) -> OpenApi {
        routes::Document::openapi()
    }
}

/// A rough guess: the engine works faster than the melody plays, and jobs that wait come first.
fn estimated_time(accepted: &Accepted<'_>) -> String {
    let facts = recording(accepted).and_then(|verdict| verdict.facts.as_ref());
    let seconds = facts.map_or(0.0, |facts| facts.duration_seconds) * 0.5 + 5.0;
    let minutes = (seconds * (accepted.queue_position + 1) as f64 / 60.0).ceil().max(1.0);
    if minutes <= 3.0 { "1-3 minutes".to_owned() } else { format!("about {minutes:.0} minutes") }
}

/// The verdict on the one recording.
fn recording<'a>(accepted: &Accepted<'a>) -> Option<&'a Verdict> {
    accepted.inputs.iter().find(|input| input.role == AUDIO).map(|input| &input.verdict)
}
