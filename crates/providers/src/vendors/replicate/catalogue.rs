//! The models of the registry, held against what the vendor has.

use async_trait::async_trait;
use domain::registry::{ModelPath, ModelVersion, PublishedVersion};

use super::{
    client::Client,
    model_ref::{ModelRef, is_version},
    schema,
    wire::Version,
};
use crate::model_catalogue::{ModelCatalogue, NotAsked};

/// Asks for models and their versions. Costs nothing.
pub struct ReplicateModels {
    pub(super) client: Client,
    /// Whose versions those are that stand alone.
    pub(super) usual: ModelRef,
}

#[async_trait]
impl ModelCatalogue for ReplicateModels {
    fn provider(&self) -> &str {
        &self.client.http().name
    }

    async fn find(
        &self,
        path: Option<&ModelPath>,
        version: Option<&ModelVersion>,
    ) -> Result<Option<PublishedVersion>, NotAsked> {
        let of_path = path.and_then(|path| path.as_str().split_once('/'));
        let (owner, name) = of_path.unwrap_or((&self.usual.owner, &self.usual.name));
        let found = match version {
            // The vendor has no others.
            Some(version) if !is_version(version.as_str()) => None,
            Some(version) => {
                let model = ModelRef { owner: owner.to_owned(), name: name.to_owned(), version: None };
                self.client.version(&model, version.as_str()).await?.filter(|found| found.id == version.as_str())
            }
            None => self.client.model(owner, name).await?.and_then(|model| model.latest_version),
        };
        Ok(found.and_then(published))
    }
}

/// A version with what it takes; `None` where it is not one that can be asked for by its name.
fn published(found: Version) -> Option<PublishedVersion> {
    let version = ModelVersion::new(&found.id).ok().filter(|version| is_version(version.as_str()))?;
    Some(PublishedVersion { version, input_schema: schema::published(&found.openapi_schema) })
}
