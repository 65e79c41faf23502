//! The JSON of models.

use chrono::{DateTime, Utc};
use domain::registry::{Canary, RegisteredModel};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// Models by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelListBody {
    pub success: bool,
    pub models: Vec<ModelBody>,
}

/// One model.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneModelBody {
    pub success: bool,
    pub model: ModelBody,
}

/// A model as users see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelBody {
    /// What a request names it by.
    pub name: String,
    /// `base`, `fine-tuned` or `local`.
    pub kind: &'static str,
    /// `training`, `pending`, `ready`, `disabled`, `failed` or `missing`. Requests may name ready ones, but no local ones.
    pub status: &'static str,
    /// Of whom it is had.
    pub provider: String,
    /// `owner/name`, where the provider has it.
    pub path: Option<String>,
    /// What jobs get; of a local one the SHA-256 of its file.
    pub version: Option<String>,
    /// `null` when nobody has said.
    pub licence: Option<String>,
    pub description: Option<String>,
    /// Whether it is yours alone.
    pub private: bool,
    /// Figures of how good it is, as whoever measured them calls them.
    #[schema(value_type = Option<Object>)]
    pub quality: Option<Value>,
    /// What it takes, as its vendor publishes it; only of a single model.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub input_schema: Option<Value>,
    /// The job that trained its version.
    pub trained_from: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl ModelBody {
    pub fn of(model: RegisteredModel) -> Self {
        AdminModelBody::of(model).model
    }
}

/// All models by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminModelListBody {
    pub success: bool,
    pub models: Vec<AdminModelBody>,
}

/// One model, for operators.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneAdminModelBody {
    pub success: bool,
    pub model: AdminModelBody,
}

/// A model as operators see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminModelBody {
    #[serde(flatten)]
    pub model: ModelBody,
    /// Whose it is alone; `null` for everybody's.
    pub owner: Option<String>,
    /// What a rollback goes back to.
    pub previous_version: Option<String>,
    /// The version that is on trial.
    pub canary: Option<CanaryBody>,
    /// Grows by one with every change.
    pub revision: u64,
    /// What an imported entry said besides.
    #[schema(value_type = Object)]
    pub extra: Map<String, Value>,
}

/// A version on trial.
#[derive(Debug, Serialize, ToSchema)]
pub struct CanaryBody {
    pub version: String,
    /// Of the model's jobs, 0 to 1.
    pub share: f64,
    /// Whether the provider does not have it, so that no job gets it; absent when it has.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

impl AdminModelBody {
    pub fn of(model: RegisteredModel) -> Self {
        let RegisteredModel {
            id: _,
            name,
            kind,
            provider,
            path,
            version,
            previous_version,
            status,
            canary,
            owner,
            licence,
            description,
            input_schema,
            quality,
            trained_from,
            extra,
            revision,
            created_at,
            updated_at,
        } = model;
        let canary = canary.map(|Canary { version, share, is_missing }| CanaryBody {
            version: version.into(),
            share: share.get(),
            missing: is_missing,
        });
        let body = ModelBody {
            name: name.into(),
            kind: kind.as_str(),
            status: status.as_str(),
            provider,
            path: path.map(String::from),
            version: version.map(String::from),
            licence,
            description,
            private: owner.is_some(),
            quality,
            input_schema,
            trained_from: trained_from.map(|job| job.to_string()),
            created_at,
            updated_at,
        };
        Self {
            model: body,
            owner: owner.map(String::from),
            previous_version: previous_version.map(String::from),
            canary,
            revision,
            extra,
        }
    }
}

/// A model that is to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ModelForm {
    /// 1 to 64 lower-case letters, digits, `-`, `_` and `.`, a letter or a digit first.
    #[schema(example = "metro_drums")]
    pub name: String,
    /// `base` (when absent) or `fine-tuned`.
    pub kind: Option<String>,
    /// By its name in the settings, such as `replicate`.
    pub provider: String,
    /// `owner/name`, where the provider has paths.
    #[schema(example = "meta/musicgen")]
    pub path: Option<String>,
    /// 64 hexadecimal digits with Replicate, or `owner/name:version` without `path`; the provider's latest when absent.
    pub version: Option<String>,
    pub licence: Option<String>,
    pub description: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub input_schema: Option<Value>,
    #[schema(value_type = Option<Object>)]
    pub quality: Option<Value>,
    /// Whose it is alone; everybody's when absent.
    pub owner: Option<String>,
}

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ModelCorrection {
    /// Whether nobody new gets it.
    pub disabled: Option<bool>,
    /// Null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub licence: Option<Option<String>>,
    /// Null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    pub input_schema: Option<Option<Value>>,
    /// Null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    pub quality: Option<Option<Value>>,
}

impl ModelCorrection {
    pub const fn is_empty(&self) -> bool {
        let Self { disabled, licence, description, input_schema, quality } = self;
        disabled.is_none() && licence.is_none() && description.is_none() && input_schema.is_none() && quality.is_none()
    }
}

/// Tells null from absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// A version that is to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryForm {
    pub version: String,
    /// Of the model's jobs, 0 to 1.
    #[schema(example = 0.05)]
    pub share: f64,
}

/// Which version all jobs are to get.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromoteForm {
    /// The one that is on trial when absent.
    pub version: Option<String>,
}

/// Of whom the entries are.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProviderQuery {
    /// The provider of entries whose details name no other; `replicate` when absent.
    pub provider: Option<String>,
}

/// What became of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportBody {
    pub success: bool,
    pub added: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub refused: usize,
    pub models: Vec<ImportedModelBody>,
}

impl ImportBody {
    pub fn of(models: Vec<ImportedModelBody>) -> Self {
        let count = |outcome: &str| models.iter().filter(|model| model.outcome == outcome).count();
        let (added, updated) = (count("added"), count("updated"));
        let (unchanged, refused) = (count("unchanged"), count("refused"));
        Self { success: true, added, updated, unchanged, refused, models }
    }
}

/// What became of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedModelBody {
    pub name: String,
    /// `base` or `fine_tuned`.
    pub section: &'static str,
    /// `added`, `updated`, `unchanged` or `refused`.
    pub outcome: &'static str,
    /// Why it was refused, or why what was taken is not ready.
    pub why: Option<String>,
}
