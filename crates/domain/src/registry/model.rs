//! A model that is known by a name.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ModelAddress, ModelKind, ModelName, ModelPath, ModelStatus, ModelVersion};
use crate::{
    field::{InvalidField, wrong},
    ids::{JobId, ModelId, UserId},
};

/// A share of jobs, 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(f64);

impl Share {
    /// # Errors
    /// When it is no number from 0 to 1.
    pub fn new(share: f64) -> Result<Self, InvalidField> {
        let is_share = (0.0..=1.0).contains(&share);
        if is_share { Ok(Self(share)) } else { Err(wrong("share", "expected a number from 0 to 1")) }
    }

    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Share {
    type Error = InvalidField;

    fn try_from(share: f64) -> Result<Self, InvalidField> {
        Self::new(share)
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

/// A version on trial: so many of the model's jobs get it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Canary {
    pub version: ModelVersion,
    pub share: Share,
    /// Whether the provider does not have it: no job gets it meanwhile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_missing: bool,
}

impl Canary {
    pub const fn new(version: ModelVersion, share: Share) -> Self {
        Self { version, share, is_missing: false }
    }
}

/// One model of the registry.
#[derive(Clone, PartialEq, Debug)]
pub struct RegisteredModel {
    pub id: ModelId,
    pub name: ModelName,
    pub kind: ModelKind,
    /// Of whom it is had, by the name in the settings.
    pub provider: String,
    /// Where the provider has it, if it has paths.
    pub path: Option<ModelPath>,
    /// What jobs get; `None` while there is none.
    pub version: Option<ModelVersion>,
    /// What they got before.
    pub previous_version: Option<ModelVersion>,
    pub status: ModelStatus,
    pub canary: Option<Canary>,
    /// Whose it is alone; `None` for everybody's.
    pub owner: Option<UserId>,
    /// Such as `MIT` or `CC-BY-NC-4.0`; `None` when nobody has said.
    pub licence: Option<String>,
    pub description: Option<String>,
    /// What the model takes, as its vendor publishes it.
    pub input_schema: Option<Value>,
    /// Figures of how good it is, as whoever measured them calls them.
    pub quality: Option<Value>,
    /// The job that trained the current version.
    pub trained_from: Option<JobId>,
    /// What an imported entry said besides.
    pub extra: Map<String, Value>,
    /// Grows by one with every change of the row.
    pub revision: u64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl RegisteredModel {
    /// Longest licence, in characters.
    pub const MAX_LICENCE_CHARS: usize = 200;
    /// Longest description, in characters.
    pub const MAX_DESCRIPTION_CHARS: usize = 2_000;
    /// Longest name of a provider, in characters.
    pub const MAX_PROVIDER_CHARS: usize = 64;

    /// A base model for everybody, ready.
    pub fn base(id: ModelId, name: ModelName, provider: &str, address: ModelAddress, now: DateTime<Utc>) -> Self {
        let ModelAddress { path, version } = address;
        Self { path, version: Some(version), ..Self::bare(id, name, ModelKind::Base, provider, now) }
    }

    /// The same while its provider has yet to be asked: for the version that is named, or for its latest.
    #[must_use]
    pub fn pending(self, version: Option<ModelVersion>) -> Self {
        Self { version, status: ModelStatus::Pending, ..self }
    }

    /// One whose training has begun: it holds its name, and nobody can use it yet.
    pub fn in_training(
        id: ModelId,
        name: ModelName,
        provider: &str,
        (owner, job): (UserId, JobId),
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            status: ModelStatus::Training,
            owner: Some(owner),
            trained_from: Some(job),
            ..Self::bare(id, name, ModelKind::FineTuned, provider, now)
        }
    }

    /// Ready, everybody's, and nothing said of it. A version is the caller's to give.
    pub fn bare(id: ModelId, name: ModelName, kind: ModelKind, provider: &str, now: DateTime<Utc>) -> Self {
        Self {
            id,
            name,
            kind,
            provider: provider.to_owned(),
            path: None,
            version: None,
            previous_version: None,
            status: ModelStatus::Ready,
            canary: None,
            owner: None,
            licence: None,
            description: None,
            input_schema: None,
            quality: None,
            trained_from: None,
            extra: Map::new(),
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether a user sees it and may use it.
    pub fn is_visible_to(&self, user: &UserId) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner == user)
    }

    /// `owner/name:version`, as far as there is one.
    pub fn address(&self) -> Option<ModelAddress> {
        Some(ModelAddress { path: self.path.clone(), version: self.version.clone()? })
    }

    /// The provider's name, if it can be one.
    ///
    /// # Errors
    /// When it is not a word of lower-case letters, digits, `-` and `_`.
    pub fn check_provider(provider: &str) -> Result<(), InvalidField> {
        let is_inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        let is_good =
            !provider.is_empty() && provider.len() <= Self::MAX_PROVIDER_CHARS && provider.chars().all(is_inside);
        if is_good {
            Ok(())
        } else {
            Err(wrong("provider", "expected a provider's name in the settings, such as replicate"))
        }
    }

    /// A licence or a description as it is kept: without blanks around it, `None` when nothing is left.
    ///
    /// # Errors
    /// When it is too long or has control characters (line breaks may stand in a description).
    pub fn text(field: &'static str, text: &str, max_chars: usize) -> Result<Option<String>, InvalidField> {
        let text = text.trim();
        let is_good = text.chars().count() <= max_chars && text.chars().all(|c| c == '\n' || !c.is_control());
        if !is_good {
            return Err(wrong(field, format!("expected at most {max_chars} printable characters")));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_texts_keep_their_bounds() {
        for (share, is_good) in
            [(0.0, true), (1.0, true), (0.05, true), (-0.01, false), (1.01, false), (f64::NAN, false)]
        {
            assert_eq!(Share::new(share).is_ok(), is_good, "{share}");
        }
        let text = |text: &str| RegisteredModel::text("licence", text, 5);
        assert_eq!(text(" MIT "), Ok(Some("MIT".to_owned())));
        assert_eq!(text("  "), Ok(None));
        assert_eq!(text("Größe"), Ok(Some("Größe".to_owned())), "characters, not bytes");
        assert!(text("123456").is_err() && text("a\u{7}").is_err());
        for (provider, is_good) in
            [("replicate", true), ("my_vendor-2", true), ("", false), ("Repl", false), ("a b", false)]
        {
            assert_eq!(RegisteredModel::check_provider(provider).is_ok(), is_good, "{provider}");
        }
    }

    #[test]
    fn a_model_with_an_owner_is_theirs_alone() {
        let (ada, ben) = (UserId::new("ada").unwrap(), UserId::new("ben").unwrap());
        let name = ModelName::new("x").unwrap();
        let id = ModelId::from_uuid(uuid::Uuid::nil());
        let everybodys = RegisteredModel::bare(id, name, ModelKind::FineTuned, "replicate", DateTime::UNIX_EPOCH);
        let theirs = RegisteredModel { owner: Some(ada.clone()), ..everybodys.clone() };
        assert!(everybodys.is_visible_to(&ada) && everybodys.is_visible_to(&ben));
        assert!(theirs.is_visible_to(&ada) && !theirs.is_visible_to(&ben));
    }
}
