//! The kinds of job that a gateway takes, a module a kind.

mod blend;
mod composition;
pub mod melody_vocals;
mod training;

use std::sync::Arc;

use crate::submit_kind::{SubmitKind, SubmitKinds};

/// One line a kind.
pub fn built_in() -> SubmitKinds {
    let kinds: Vec<Arc<dyn SubmitKind>> = vec![
        Arc::new(melody_vocals::MelodyVocals),
        Arc::new(blend::BlendKind),
        Arc::new(composition::CompositionKind),
        Arc::new(training::TrainingKind),
    ];
    SubmitKinds::new(kinds)
}
