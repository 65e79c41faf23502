//! What a provider says when it is asked for the versions of a model, and what becomes of the model.

use serde_json::Value;

use super::{Canary, ModelKind, ModelStatus, ModelVersion, RegisteredModel, file::AS_LISTED};

/// A version that a provider has.
#[derive(Clone, PartialEq, Debug)]
pub struct PublishedVersion {
    pub version: ModelVersion,
    /// What it takes, where the provider says.
    pub input_schema: Option<Value>,
}

/// What a provider said.
#[derive(Clone, PartialEq, Debug)]
pub struct Sighting {
    /// The version that was asked for; `None` for the latest.
    pub asked: Option<ModelVersion>,
    /// `None` where the provider does not have it.
    pub found: Option<PublishedVersion>,
    /// Whether it was looked for a while before as well, and not found then either: a new version is not shown everywhere at
    /// once.
    pub is_second_look: bool,
}

/// Whether a provider is asked for the latest of a model: it has no version yet, and may get one. One that is missing may come
/// later, where it has a place of its own to come to. Where an imported address named a version that is none, the latest is
/// not what was meant.
fn wants_latest(model: &RegisteredModel) -> bool {
    let may_come = match model.status {
        ModelStatus::Pending => true,
        ModelStatus::Missing => model.path.is_some() && !model.extra.contains_key(AS_LISTED),
        ModelStatus::Training | ModelStatus::Ready | ModelStatus::Disabled | ModelStatus::Failed => false,
    };
    model.version.is_none() && may_come
}

/// The versions of a model that its provider is to be asked for; `None` among them for the latest. None of a model that has no
/// version to ask for.
pub fn to_be_seen(model: &RegisteredModel) -> Vec<Option<ModelVersion>> {
    if model.kind == ModelKind::Local {
        return Vec::new();
    }
    let current = match &model.version {
        Some(version) => Some(Some(version.clone())),
        None => wants_latest(model).then_some(None),
    };
    let on_trial = model.canary.as_ref().map(|canary| Some(canary.version.clone()));
    current.into_iter().chain(on_trial).collect()
}

/// A model after its provider was asked; equal to the one before where that says nothing new. What is not there is nobody's
/// until it is back; what is ready is so until a second look finds it gone, and what an operator has taken out of use stays so.
pub fn sighted(model: &RegisteredModel, seen: &Sighting) -> RegisteredModel {
    let mut after = model.clone();
    if model.kind == ModelKind::Local {
        return after;
    }
    if let Some(canary) = &model.canary
        && seen.asked.as_ref() == Some(&canary.version)
    {
        after.canary = Some(Canary { is_missing: seen.found.is_none(), ..canary.clone() });
    }
    // It may have got another version since it was asked for.
    let is_still_wanted = seen.asked == model.version && (seen.asked.is_some() || wants_latest(model));
    if !is_still_wanted {
        return after;
    }
    let is_there = seen.found.is_some();
    after.status = match model.status {
        ModelStatus::Pending | ModelStatus::Ready | ModelStatus::Missing if is_there => ModelStatus::Ready,
        ModelStatus::Ready if !seen.is_second_look => ModelStatus::Ready,
        ModelStatus::Pending | ModelStatus::Ready | ModelStatus::Missing => ModelStatus::Missing,
        ModelStatus::Training | ModelStatus::Disabled | ModelStatus::Failed => model.status,
    };
    if let Some(PublishedVersion { version, input_schema }) = &seen.found {
        after.version = Some(version.clone());
        after.input_schema = input_schema.clone().or(after.input_schema);
    }
    after
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::{
        ids::ModelId,
        registry::{ModelName, ModelPath, Share, choose},
    };

    fn version(text: &str) -> ModelVersion {
        ModelVersion::new(text).unwrap()
    }

    fn model(status: ModelStatus, of: Option<&str>) -> RegisteredModel {
        let (id, name) = (ModelId::from_uuid(uuid::Uuid::nil()), ModelName::new("x").unwrap());
        let bare = RegisteredModel::bare(id, name, ModelKind::Base, "replicate", DateTime::UNIX_EPOCH);
        RegisteredModel { status, version: of.map(version), ..bare }
    }

    fn seen(asked: Option<&str>, found: Option<&str>) -> Sighting {
        let input_schema = Some(json!({ "type": "object" }));
        let found = found.map(|found| PublishedVersion { version: version(found), input_schema });
        Sighting { asked: asked.map(version), found, is_second_look: false }
    }

    fn again(asked: Option<&str>, found: Option<&str>) -> Sighting {
        Sighting { is_second_look: true, ..seen(asked, found) }
    }

    #[test]
    fn what_the_provider_has_is_ready_and_what_it_has_not_is_missing() {
        use ModelStatus as S;
        let check = |before: (ModelStatus, Option<&str>), seen: Sighting, expected: (ModelStatus, Option<&str>)| {
            let after = sighted(&model(before.0, before.1), &seen);
            let version = after.version.as_ref().map(ModelVersion::as_str);
            assert_eq!((after.status, version), expected, "{before:?} {seen:?}");
            let is_told = seen.found.is_some() && before != expected;
            assert!(!is_told || after.input_schema.is_some(), "{before:?} {seen:?}");
        };
        let (one, two) = (Some("one"), Some("two"));
        check((S::Pending, None), seen(None, two), (S::Ready, two));
        check((S::Pending, None), seen(None, None), (S::Missing, None));
        check((S::Pending, one), seen(one, one), (S::Ready, one));
        check((S::Ready, one), seen(one, None), (S::Ready, one));
        check((S::Ready, one), again(one, None), (S::Missing, one));
        check((S::Ready, one), again(one, one), (S::Ready, one));
        check((S::Missing, one), seen(one, one), (S::Ready, one));
        check((S::Missing, None), seen(None, two), (S::Missing, None));
        let placed = RegisteredModel { path: Some(ModelPath::new("a/b").unwrap()), ..model(S::Missing, None) };
        assert_eq!(to_be_seen(&placed), [None], "what was not published yet may be later");
        let extra = serde_json::Map::from_iter([(AS_LISTED.to_owned(), json!("a/b:version-id"))]);
        let is_asked = !to_be_seen(&RegisteredModel { extra, ..placed.clone() }).is_empty();
        assert!(!is_asked, "another version was meant");
        let published = sighted(&placed, &seen(None, two));
        assert_eq!((published.status, published.version), (S::Ready, Some(version("two"))));
        check((S::Disabled, one), seen(one, None), (S::Disabled, one));
        check((S::Training, None), seen(None, two), (S::Training, None));
        check((S::Ready, two), again(one, None), (S::Ready, two));
        let local = RegisteredModel { kind: ModelKind::Local, ..model(S::Ready, one) };
        assert_eq!(sighted(&local, &again(one, None)), local, "files on this side are somebody else's to look at");
    }

    #[test]
    fn a_version_on_trial_that_is_not_there_is_nobodys() {
        let canary = Canary::new(version("two"), Share::new(1.0).unwrap());
        let trial = RegisteredModel { canary: Some(canary), ..model(ModelStatus::Ready, Some("one")) };
        assert_eq!(to_be_seen(&trial), [Some(version("one")), Some(version("two"))]);
        let gone = sighted(&trial, &seen(Some("two"), None));
        assert_eq!((gone.status, choose(&gone, 0.0).unwrap().version.as_str()), (ModelStatus::Ready, "one"));
        let back = sighted(&gone, &seen(Some("two"), Some("two")));
        assert_eq!((choose(&back, 0.0).unwrap().version.as_str(), &back), ("two", &trial));
    }
}
