//! What an entry makes of the model that has its name, if there is one.

use chrono::{DateTime, Utc};

use super::{ListedModel, details::Details};
use crate::{
    ids::ModelId,
    registry::{ModelKind, ModelStatus, RegisteredModel},
};

/// What is to be done about an entry.
#[derive(Clone, PartialEq, Debug)]
pub enum Merged {
    New(Box<RegisteredModel>),
    Changed(Box<RegisteredModel>),
    Unchanged,
    Refused(String),
}

impl ListedModel {
    /// The entry as a row. Nothing that is there is lost: what the entry does not say stays, a version gives way to the entry's
    /// and can be rolled back to, and one without a usable version takes none away.
    pub fn merged(&self, before: Option<&RegisteredModel>, id: ModelId, now: DateTime<Utc>) -> Merged {
        let Some(before) = before else {
            let bare = RegisteredModel::bare(id, self.name.clone(), self.kind, &self.provider, now);
            return Merged::New(Box::new(self.over(bare)));
        };
        let refused = |why: &str| Merged::Refused(why.to_owned());
        match (before.kind, before.status) {
            (ModelKind::Local, _) => return refused("the name is that of a file on this side"),
            (_, ModelStatus::Training) => return refused("a model with this name is in training"),
            (kind, _) if kind != self.kind => return Merged::Refused(format!("the name is that of a {kind} model")),
            _ => {}
        }
        if let (Some(problem), Some(_)) = (&self.problem, &before.version) {
            return Merged::Refused(format!("{problem}; the model keeps the version that it has"));
        }
        let after = self.over(before.clone());
        if after == *before { Merged::Unchanged } else { Merged::Changed(Box::new(after)) }
    }

    fn over(&self, before: RegisteredModel) -> RegisteredModel {
        let Self { name: _, kind: _, provider, path, version, problem: _, details, extra } = self;
        let Details {
            provider: _,
            owner,
            disabled,
            previous_version,
            canary,
            licence,
            description,
            input_schema,
            quality,
            trained_from,
        } = details.clone();
        let is_other_version = before.version.is_some() && before.version != *version;
        let gave_way = if is_other_version { before.version.clone() } else { before.previous_version.clone() };
        let status = match (disabled, before.status, version) {
            (Some(true), _, _) | (None, ModelStatus::Disabled, _) => ModelStatus::Disabled,
            // What its provider has said of this version stands.
            (_, known @ (ModelStatus::Pending | ModelStatus::Missing), Some(version))
                if before.version.as_ref() == Some(version) && before.path == *path && before.provider == *provider =>
            {
                known
            }
            (_, _, Some(_)) => ModelStatus::Ready,
            (_, _, None) => ModelStatus::Missing,
        };
        RegisteredModel {
            provider: provider.clone(),
            path: path.clone(),
            version: version.clone(),
            previous_version: previous_version.or(gave_way),
            status,
            canary: canary.or(if is_other_version { None } else { before.canary }),
            owner: owner.or(before.owner),
            licence: licence.or(before.licence),
            description: description.or(before.description),
            input_schema: input_schema.or(before.input_schema),
            quality: quality.or(before.quality),
            trained_from: trained_from.or(before.trained_from),
            extra: extra.clone(),
            id: before.id,
            name: before.name,
            kind: before.kind,
            revision: before.revision,
            created_at: before.created_at,
            updated_at: before.updated_at,
        }
    }
}
