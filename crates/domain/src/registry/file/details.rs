//! What is known of a model beside its address, as the document has it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ids::{JobId, UserId},
    registry::{Canary, ModelKind, ModelStatus, ModelVersion, RegisteredModel},
};

/// Only what there is.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// Whether an operator has taken it out of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_version: Option<ModelVersion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained_from: Option<JobId>,
}

impl Details {
    pub fn read(value: &Value) -> Result<Self, String> {
        let read: Self =
            serde_json::from_value(value.clone()).map_err(|error| format!("its details cannot be read: {error}"))?;
        if let Some(provider) = &read.provider {
            RegisteredModel::check_provider(provider).map_err(|error| error.to_string())?;
        }
        let text = |field, text: &Option<String>, max| {
            RegisteredModel::text(field, text.as_deref().unwrap_or_default(), max).map_err(|error| error.to_string())
        };
        let licence = text("licence", &read.licence, RegisteredModel::MAX_LICENCE_CHARS)?;
        let description = text("description", &read.description, RegisteredModel::MAX_DESCRIPTION_CHARS)?;
        Ok(Self { licence, description, ..read })
    }

    /// Of a model, for a document whose entries are of `provider`.
    pub fn of(model: &RegisteredModel, provider: &str) -> Self {
        debug_assert!(model.kind != ModelKind::Local, "files on this side are not listed");
        Self {
            provider: (model.provider != provider).then(|| model.provider.clone()),
            owner: model.owner.clone(),
            disabled: (model.status == ModelStatus::Disabled).then_some(true),
            previous_version: model.previous_version.clone(),
            canary: model.canary.clone(),
            licence: model.licence.clone(),
            description: model.description.clone(),
            input_schema: model.input_schema.clone(),
            quality: model.quality.clone(),
            trained_from: model.trained_from,
        }
    }
}
