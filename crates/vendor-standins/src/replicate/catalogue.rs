//! Models and their versions.

use serde_json::{Value, json};

use super::{
    Replicate, USER, invalid,
    models::{self, MODELS, Makes},
    not_found, problem,
    store::OwnModel,
};
use crate::{
    http::Answer,
    work::{Reply, Work},
};

/// When the versions that are known beforehand were made.
const LONG_AGO: &str = "2024-01-01T00:00:00.000000Z";

fn version(id: &str, makes: Makes) -> Value {
    json!({"id": id, "created_at": LONG_AGO, "cog_version": "0.9.4", "openapi_schema": models::openapi(makes)})
}

fn model(base: &str, owner: &str, name: &str, visibility: &str, latest: Option<&Value>) -> Value {
    json!({"url": format!("{base}/{owner}/{name}"), "owner": owner, "name": name, "description": null,
        "visibility": visibility, "github_url": null, "paper_url": null, "license_url": null, "run_count": 0,
        "cover_image_url": null, "default_example": null, "latest_version": latest})
}

impl Replicate {
    /// The versions of a model, newest first, if there is such a model.
    fn versions(&self, owner: &str, name: &str) -> Option<Vec<Value>> {
        if let Some(model) = MODELS.iter().find(|model| (model.owner, model.name) == (owner, name)) {
            return Some(vec![version(model.version, model.makes)]);
        }
        let store = self.store();
        let model = store.models.iter().find(|model| (model.owner.as_str(), model.name.as_str()) == (owner, name))?;
        Some(model.versions.iter().rev().map(|id| version(id, Makes::MusicGen)).collect())
    }

    pub(super) fn get_model(&self, work: &Work<'_>) -> Reply {
        let (owner, name) = (work.id(0), work.id(1));
        let Some(versions) = self.versions(owner, name) else { return not_found() };
        let model = model(&work.call.base, owner, name, "public", versions.first());
        Answer::json(200, &model).into()
    }

    pub(super) fn list_versions(&self, work: &Work<'_>) -> Reply {
        let Some(versions) = self.versions(work.id(0), work.id(1)) else { return not_found() };
        Answer::json(200, &json!({"previous": null, "next": null, "results": versions})).into()
    }

    pub(super) fn get_version(&self, work: &Work<'_>) -> Reply {
        let found = self.store().version(work.id(0), work.id(1), work.id(2));
        found.map_or_else(not_found, |makes| Answer::json(200, &version(work.id(2), makes)).into())
    }

    pub(super) fn create_model(&self, work: &Work<'_>) -> Reply {
        let Some(body) = work.call.object() else { return problem(400, "Bad request", "The body is not JSON").into() };
        for field in ["owner", "name", "visibility", "hardware"] {
            if body[field].as_str().is_none_or(str::is_empty) {
                return invalid(field, "is required");
            }
        }
        let (owner, name) = (body["owner"].as_str().unwrap_or_default(), body["name"].as_str().unwrap_or_default());
        if owner != USER {
            return problem(403, "Forbidden", &format!("You can only create models as {USER}.")).into();
        }
        if self.versions(owner, name).is_some() {
            return problem(409, "Conflict", "A model with that name and owner already exists").into();
        }
        self.store().models.push(OwnModel { owner: owner.to_owned(), name: name.to_owned(), versions: Vec::new() });
        let model = model(&work.call.base, owner, name, body["visibility"].as_str().unwrap_or_default(), None);
        Answer::json(201, &model).into()
    }
}
