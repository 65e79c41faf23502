//! Sound that a provider delivered in the place of notes: what stages of several kinds share that keep it and ask for it.

use std::collections::BTreeMap;

use domain::StageName;

use crate::stage::FinishedStage;

/// The file as it came.
pub const DELIVERED: &str = "delivered";
/// Which of the two it is, in the detail of the stage that had it made.
pub const CAME_AS_SOUND: &str = "cameAsSound";

/// Whether what a stage had made came as sound.
pub fn came_as_sound(done: &BTreeMap<String, FinishedStage>, stage: StageName) -> bool {
    done.get(stage.as_str()).is_some_and(|stage| stage.detail[CAME_AS_SOUND] == true)
}
