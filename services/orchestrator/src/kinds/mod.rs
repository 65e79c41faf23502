//! The registry: how each kind of job is run, a module each.

mod blend;
mod composition;
mod delivered;
mod kind;
mod melody_vocals;
mod played;
#[cfg(test)]
mod room;
mod training;

use std::{collections::BTreeMap, sync::Arc};

use domain::{KindName, KindSpec, StageName};

pub use kind::Kind;

/// One line a kind.
fn built_in() -> Vec<Kind> {
    vec![melody_vocals::kind(), blend::kind(), composition::kind(), training::kind()]
}

/// A kind whose table has a stage that nothing runs.
#[derive(Debug, thiserror::Error)]
#[error("the kind {kind} has no runner for its stage {stage}")]
pub struct MissingStage {
    kind: KindName,
    stage: StageName,
}

/// The kinds that an orchestrator runs.
#[derive(Clone)]
pub struct Registry(Arc<BTreeMap<&'static str, Kind>>);

impl Registry {
    /// The kinds of this version and `more`.
    ///
    /// # Errors
    /// When a stage of a kind has no runner.
    pub fn new(more: Vec<Kind>) -> Result<Self, MissingStage> {
        let mut kinds = BTreeMap::new();
        for kind in built_in().into_iter().chain(more) {
            if let Some(stage) = kind.spec.stages.iter().find(|stage| kind.stage(stage.name).is_none()) {
                return Err(MissingStage { kind: kind.spec.name.clone(), stage: stage.name });
            }
            kinds.insert(kind.spec.name.as_str(), kind);
        }
        Ok(Self(Arc::new(kinds)))
    }

    pub fn get(&self, name: &KindName) -> Option<&Kind> {
        self.0.get(name.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.0.values()
    }

    pub fn specs(&self) -> impl Iterator<Item = &'static KindSpec> {
        self.iter().map(|kind| kind.spec)
    }
}

#[cfg(test)]
mod tests {
    use domain::Kinds;

    use super::*;

    #[test]
    fn every_kind_of_the_domain_is_run_here() {
        let registry = Registry::new(Vec::new()).unwrap();
        for spec in Kinds::built_in().iter() {
            assert!(registry.get(&spec.name).is_some(), "{}", spec.name);
        }
    }

    #[test]
    fn a_kind_with_a_stage_that_nothing_runs_is_refused() {
        let lame = Kind::new(&domain::kinds::melody_vocals::SPEC, Vec::new());
        assert_eq!(
            Registry::new(vec![lame]).err().unwrap().to_string(),
            "the kind melody-to-vocals has no runner for its stage initialization"
        );
    }
}
