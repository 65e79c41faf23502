//! The models that a caller knows by name: those of the file in the folder of models, and above them those of the registry, where a
//! gateway is known. The registry shows its callers everybody's models and their own, so it is asked in the caller's name.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use actix_web::HttpRequest;
use serde::Deserialize;
use settings::Secret;

use crate::{
    AppState,
    refusal::Refusal,
    registry::{NamedModel, NamedModels},
    training_jobs::{Passed, TrainingJobs, Trainings},
};

/// How long an answer is believed, and how long a gateway that gave none is not asked again. A model that was trained just now is
/// there that much later.
const BELIEVED_FOR: Duration = Duration::from_secs(3);
/// Callers whose answers are remembered at once.
const MAX_CALLERS: usize = 100;
/// Models of one answer that are looked at.
const MAX_MODELS: usize = 1000;
const READY: &str = "ready";

/// All models that a request may name.
///
/// # Errors
/// 400 for a header that cannot be passed on to the gateway.
pub async fn known_to(request: &HttpRequest, state: &AppState) -> Result<NamedModels, Refusal> {
    let of_file = state.models.models().await;
    let Trainings::Jobs(gateway) = &state.trainings else { return Ok(of_file) };
    let passed = Passed::of(request, state.admission.has_key())?;
    Ok(of_file.below(state.registry.models(gateway, &passed).await))
}

/// What the gateway has said to a caller, and when. None where it said nothing.
struct Said {
    token: Option<Secret<String>>,
    at: Instant,
    models: NamedModels,
}

/// The registry behind the gateway.
#[derive(Default)]
pub struct Registry(Mutex<Vec<Said>>);

impl Registry {
    fn said(&self) -> MutexGuard<'_, Vec<Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The models that the caller sees; none where the gateway does not answer, which is logged.
    async fn models(&self, gateway: &TrainingJobs, passed: &Passed) -> NamedModels {
        let token = passed.token();
        let known = {
            let mut said = self.said();
            said.retain(|said| said.at.elapsed() < BELIEVED_FOR);
            said.iter().find(|said| said.token.as_ref() == token).map(|said| said.models.clone())
        };
        if let Some(models) = known {
            return models;
        }
        let models = asked(gateway, passed).await;
        let mut said = self.said();
        if said.len() >= MAX_CALLERS {
            said.remove(0);
        }
        said.push(Said { token: token.cloned(), at: Instant::now(), models: models.clone() });
        models
    }
}

async fn asked(gateway: &TrainingJobs, passed: &Passed) -> NamedModels {
    let answer = match gateway.registry(passed).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(%error, "the gateway does not tell its models: those of the file are known alone");
            return NamedModels::default();
        }
    };
    let status = answer.status();
    if matches!(status.as_u16(), 401 | 403) {
        // Whoever is nobody there has no models there.
        tracing::debug!("the gateway does not know a caller who asks for models");
        return NamedModels::default();
    }
    if !status.is_success() {
        let status = status.as_u16();
        tracing::warn!(status, "the gateway does not tell its models: those of the file are known alone");
        return NamedModels::default();
    }
    match answer.json::<Listed>().await {
        Ok(listed) => listed.named(),
        Err(error) => {
            tracing::warn!(%error, "the gateway tells something else than models: those of the file are known alone");
            NamedModels::default()
        }
    }
}

/// As much of the gateway's answer as is used.
#[derive(Deserialize)]
struct Listed {
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    name: String,
    kind: String,
    status: String,
    provider: String,
    path: Option<String>,
    version: Option<String>,
    description: Option<String>,
}

impl Listed {
    /// Local models listen to recordings and make no music.
    fn named(self) -> NamedModels {
        let (mut base, mut fine_tuned, mut away) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for model in self.models.into_iter().take(MAX_MODELS) {
            let list = match model.kind.as_str() {
                "base" => &mut base,
                "fine-tuned" => &mut fine_tuned,
                _ => continue,
            };
            match model.version.filter(|_| model.status == READY) {
                Some(version) => {
                    let reference = match model.path {
                        Some(path) => format!("{path}:{version}"),
                        None => version,
                    };
                    let named =
                        NamedModel { reference, description: model.description, provider: Some(model.provider) };
                    list.insert(model.name, named);
                }
                None => _ = away.insert(model.name, model.status),
            }
        }
        NamedModels { base, fine_tuned, away }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn models_that_make_music_are_known_with_their_versions_or_with_why_they_are_away() {
        let model = |name: &str, kind: &str, status: &str, path: Option<&str>, version: Option<&str>| {
            json!({ "name": name, "kind": kind, "status": status, "provider": "studio", "path": path,
                "version": version, "description": null, "private": false, "quality": null })
        };
        let listed = json!({ "success": true, "models": [
            model("small", "base", "ready", Some("meta/musicgen"), Some("b05b")),
            model("tagged", "base", "ready", None, Some("3f")),
            model("telecaster", "fine-tuned", "ready", Some("me/telecaster"), Some("1f")),
            model("strat", "fine-tuned", "training", None, None),
            model("gone", "base", "missing", Some("me/gone"), Some("2f")),
            model("swift-f0", "local", "ready", None, Some("4f")),
        ] });
        let named = serde_json::from_value::<Listed>(listed).unwrap().named();
        let check = |name: &str, reference: Option<&str>, away: Option<&str>| {
            assert_eq!(named.find(name).map(|model| model.reference.as_str()), reference, "{name}");
            assert_eq!(named.away.get(name).map(String::as_str), away, "{name}");
        };
        check("small", Some("meta/musicgen:b05b"), None);
        check("tagged", Some("3f"), None);
        check("telecaster", Some("me/telecaster:1f"), None);
        check("strat", None, Some("training"));
        check("gone", None, Some("missing"));
        check("swift-f0", None, None);
        assert_eq!(named.find("small").unwrap().provider.as_deref(), Some("studio"));
    }
}
