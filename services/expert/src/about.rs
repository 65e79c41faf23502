//! What the service says of itself: that it runs, how it is, and what it works with.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use providers::{
    Chain, Need, ProviderName,
    expert::{ModelsAnswer, ServedModel},
};
use resilience::BreakerSnapshot;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{AppState, equipment::Equipment, known_models::known_to, refusal::Refusal, registry::NamedModel};

/// The version of the API that older clients look for.
const API_VERSION: &str = "1.0.0";
const NAME: &str = "Expert Music AI";

pub async fn about() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "service": NAME, "version": API_VERSION, "status": "running" }))
}

/// What it works with, and whether that works.
#[derive(Serialize)]
struct Dependencies<'a> {
    engine: &'static str,
    #[serde(flatten)]
    equipment: &'a Equipment,
}

/// Healthy as long as it can make songs by itself, 503 while it cannot; that a provider outside is left alone costs no readiness.
/// What an operator has to see to stands beside it.
pub async fn health(state: web::Data<AppState>) -> HttpResponse {
    let (capabilities, stages) = (&state.pipeline.capabilities, &state.stages);
    let faults = state.probe.faults(&state).await;
    let breakers = state.breakers.snapshot();
    let exposure = state.exposure.as_ref().map(|why| json!({ "name": "expert.api_key", "problem": why }));
    let own = faults.iter().map(|fault| json!(fault));
    let problems: Vec<Value> = own.chain(breakers.iter().filter_map(problem)).chain(exposure).collect();
    let breakers: BTreeMap<String, Value> = breakers.into_iter().map(of_breaker).collect();
    let (mut response, status, engine) = if faults.is_empty() {
        (HttpResponse::Ok(), "healthy", "ok")
    } else {
        (HttpResponse::ServiceUnavailable(), "unhealthy", "failing")
    };
    let dependencies = Dependencies { engine, equipment: &state.equipment };
    response.json(json!({
        "status": status,
        "service": NAME,
        "version": API_VERSION,
        "dependencies": dependencies,
        "providers": {
            "melody": names(&capabilities.melody),
            "lyrics": names(&capabilities.lyrics),
            "vocals": names(&capabilities.vocals),
            "compositions": names(&capabilities.compositions),
        },
        "stages": {
            "melody": names(&stages.melody),
            "lyrics": names(&stages.lyrics),
            "vocals": names(&stages.vocals),
        },
        "breakers": breakers,
        "problems": problems,
    }))
}

fn names<P: ?Sized>(chain: &Chain<P>) -> Vec<&str> {
    chain.names().collect()
}

/// As the gateway tells it, without a figure that stands among the breakers.
fn problem(breaker: &BreakerSnapshot) -> Option<Value> {
    let problem = breaker.problem.as_ref()?;
    Some(json!({ "name": breaker.name, "problem": problem }))
}

fn of_breaker(breaker: BreakerSnapshot) -> (String, Value) {
    let BreakerSnapshot { name, state, failures, .. } = breaker;
    (name, json!({ "state": state.as_str(), "failures": failures }))
}

/// What each capability is done with, and by which version of it: callers reuse what equal versions made. Models of the
/// registry stand beside it by their references.
pub async fn models(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, Refusal> {
    let (capabilities, stages) = (&state.pipeline.capabilities, &state.stages);
    let need = Need::default();
    let melody = stages.melody.preferred(&need).await;
    let lyrics = stages.lyrics.preferred(&need).await;
    let vocals = stages.vocals.preferred(&need).await;
    let compositions = capabilities.compositions.preferred(&need).await;
    let served = [
        ("offline-f0", "melody", &melody),
        ("offline-lyrics-en", "lyrics", &lyrics),
        ("offline-lyrics-es", "lyrics", &lyrics),
        ("offline-formant", "vocals", &vocals),
        ("offline-composer", "compositions", &compositions),
    ];
    let model = |(name, capability, preferred): (&str, &str, &Option<(ProviderName, String)>)| {
        let (provider, version) = preferred.clone()?;
        let model = ServedModel { capability: capability.to_owned(), provider: provider.to_string(), version };
        Some((name.to_owned(), model))
    };
    let stages: BTreeMap<String, ServedModel> = served.into_iter().filter_map(model).collect();
    let named = known_to(&request, &state).await?;
    let references = |models: BTreeMap<String, NamedModel>| -> BTreeMap<String, Value> {
        models.into_iter().map(|(name, model)| (name, model.reference.into())).collect()
    };
    let own = stages.iter().map(|(name, model)| (name.clone(), format!("{}:{}", model.provider, model.version).into()));
    let mut base: BTreeMap<String, Value> = own.collect();
    base.extend(references(named.base));
    Ok(HttpResponse::Ok().json(ModelsAnswer { base, fine_tuned: references(named.fine_tuned), stages }))
}

pub async fn metrics(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().content_type(telemetry::metrics::CONTENT_TYPE).body(state.metrics.render())
}
