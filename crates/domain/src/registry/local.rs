//! Models whose files lie on this side, as rows.

use chrono::{DateTime, Utc};

use super::{ModelKind, ModelName, ModelStatus, ModelVersion, RegisteredModel};
use crate::ids::ModelId;

/// A model file that the engine can read, and whether it is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalModel {
    pub name: ModelName,
    /// Of the engine.
    pub provider: String,
    /// SHA-256 of the only file that counts as this model.
    pub sha256: ModelVersion,
    pub is_here: bool,
    pub description: String,
    pub licence: Option<String>,
}

/// The row of a local model as its folder says: a new one, or what the one before becomes. `None` where the name is another
/// model's, or nothing has changed.
pub fn as_found(
    before: Option<&RegisteredModel>,
    found: &LocalModel,
    id: ModelId,
    now: DateTime<Utc>,
) -> Option<RegisteredModel> {
    let LocalModel { name, provider, sha256, is_here, description, licence } = found;
    let base = match before {
        Some(model) if model.kind != ModelKind::Local => return None,
        Some(model) => model.clone(),
        None => RegisteredModel::bare(id, name.clone(), ModelKind::Local, provider, now),
    };
    let after = RegisteredModel {
        provider: provider.clone(),
        version: Some(sha256.clone()),
        status: if *is_here { ModelStatus::Ready } else { ModelStatus::Missing },
        description: Some(description.clone()),
        licence: licence.clone(),
        ..base
    };
    (before != Some(&after)).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_the_folder() {
        let id = ModelId::from_uuid(uuid::Uuid::nil());
        let now = DateTime::UNIX_EPOCH;
        let found = |is_here| LocalModel {
            name: ModelName::new("crepe-tiny").unwrap(),
            provider: "offline".to_owned(),
            sha256: ModelVersion::new(&"ab".repeat(32)).unwrap(),
            is_here,
            description: "pitch".to_owned(),
            licence: Some("MIT".to_owned()),
        };
        let absent = as_found(None, &found(false), id, now).unwrap();
        assert_eq!((absent.kind, absent.status), (ModelKind::Local, ModelStatus::Missing));
        assert_eq!(as_found(Some(&absent), &found(false), id, now), None, "nothing has changed");
        let here = as_found(Some(&absent), &found(true), id, now).unwrap();
        assert_eq!((here.status, here.provider.as_str()), (ModelStatus::Ready, "offline"));
        let of_others = RegisteredModel { kind: ModelKind::Base, ..here };
        assert_eq!(as_found(Some(&of_others), &found(true), id, now), None, "the name is taken");
    }
}
