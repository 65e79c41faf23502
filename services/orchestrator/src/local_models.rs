//! Rows of the neural models whose files lie on this side: what the folder holds is told to the registry when it changes.

use domain::{
    ModelId,
    registry::{LocalModel, ModelName, ModelVersion},
};
use models::{Model, ModelsFolder, State};
use persistence::PersistenceError;
use providers::OFFLINE;
use resilience::ids::random10;

use crate::context::Context;

/// Remembers what was told last.
#[derive(Default)]
pub struct LocalModelReport {
    told: Option<Vec<LocalModel>>,
}

impl LocalModelReport {
    /// Tells what is new. What fails is tried again by the next call.
    pub async fn catch_up(&mut self, context: &Context) -> Result<(), PersistenceError> {
        let folder = context.models.clone();
        let found = tokio::task::spawn_blocking(move || found(&folder)).await.unwrap_or_default();
        if self.told.as_ref() == Some(&found) {
            return Ok(());
        }
        let now = context.tools.clock.now();
        let taken = context.tools.database.models().report_local(&found, || ModelId::new(now, random10()), now).await?;
        for name in taken {
            tracing::warn!(model = %name, "a model of the registry has the name of a file on this side, which is not listed");
        }
        self.told = Some(found);
        Ok(())
    }
}

/// A look at the folder: lengths only, which tells a missing file from one that is there.
fn found(folder: &ModelsFolder) -> Vec<LocalModel> {
    let as_row = |model: Model| {
        Some(LocalModel {
            name: ModelName::new(model.name()).ok()?,
            provider: OFFLINE.to_owned(),
            sha256: ModelVersion::new(model.sha256()).ok()?,
            is_here: folder.state(model) == State::Present,
            description: model.about().to_owned(),
            licence: Some(model.licence().to_owned()),
        })
    };
    Model::ALL.into_iter().filter_map(as_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_of_the_folder_has_a_row() {
        let folder = tempfile::tempdir().unwrap();
        let models = found(&ModelsFolder::new(folder.path()));
        assert_eq!(models.len(), Model::ALL.len());
        assert!(models.iter().all(|model| !model.is_here), "{models:?}");
        let tiny = std::fs::File::create(folder.path().join(Model::CrepeTiny.stored_as())).unwrap();
        tiny.set_len(Model::CrepeTiny.size_bytes()).unwrap();
        let here: Vec<bool> = found(&ModelsFolder::new(folder.path())).iter().map(|model| model.is_here).collect();
        assert_eq!(here.iter().filter(|is_here| **is_here).count(), 1);
    }
}
