//! What the parts of the orchestrator share.

use std::sync::Arc;

use chrono::TimeDelta;
use models::ModelsFolder;
use providers::OutsideService;
use telemetry::Metrics;
use tokio::sync::Notify;

use crate::{ended_jobs::CallOffs, journals::Journals, kinds::Registry, rules::JobRules, stage::StageTools};

/// Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub kinds: Registry,
    pub tools: StageTools,
    pub rules: Arc<JobRules>,
    pub journals: Journals,
    pub metrics: Metrics,
    /// How long finished stages are kept for later jobs; `None` when they are not.
    pub keep_results: Option<TimeDelta>,
    /// Where jobs that have ended are told, so that what they asked for outside is called off.
    pub call_offs: CallOffs,
    /// Where neural models lie as files.
    pub models: ModelsFolder,
    /// Wakes the outbox relay of this process after a change that left messages.
    pub outbox: Arc<Notify>,
}

impl Context {
    /// The service that a call was made to.
    pub fn outside(&self, provider: &str, credential: &str) -> Option<Arc<dyn OutsideService>> {
        let is_it =
            |service: &&Arc<dyn OutsideService>| service.provider() == provider && service.credential() == credential;
        let of_kinds = self.kinds.iter().flat_map(|kind| &kind.outside);
        of_kinds.chain(&self.tools.capabilities.outside).find(is_it).cloned()
    }
}
