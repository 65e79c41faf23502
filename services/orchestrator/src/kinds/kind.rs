//! A kind of job as the orchestrator runs it.

use std::sync::Arc;

use domain::{KindSpec, StageName};
use providers::OutsideService;

use crate::stage::Stage;

/// A kind of job with what runs it.
pub struct Kind {
    pub spec: &'static KindSpec,
    /// One for each stage of the table, in any order.
    pub stages: Vec<Box<dyn Stage>>,
    /// The providers that its stages wait for, so that what was asked of them can be called off.
    pub outside: Vec<Arc<dyn OutsideService>>,
}

impl Kind {
    pub fn new(spec: &'static KindSpec, stages: Vec<Box<dyn Stage>>) -> Self {
        Self { spec, stages, outside: Vec::new() }
    }

    #[must_use]
    pub fn waiting_for(mut self, service: Arc<dyn OutsideService>) -> Self {
        self.outside.push(service);
        self
    }

    /// The runner of a stage of the table; the registry has made sure that there is one.
    pub fn stage(&self, name: StageName) -> Option<&dyn Stage> {
        self.stages.iter().map(Box::as_ref).find(|stage| stage.name() == name)
    }
}
