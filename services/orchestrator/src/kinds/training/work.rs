//! Names of working objects, shared by the stages that write and read them, and what stages leave for those after them.

use domain::{Failure, FailureClass, FailureCode, StageName};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::stage::{StageRun, unreadable};

/// The pieces, packed as trainers take them.
pub const DATASET: &str = "recordings.zip";
/// What was made of each recording.
pub const PREPARED: &str = "prepared.json";
/// What the new model made.
pub const SAMPLE: &str = "sample.wav";
pub const TRIAL: &str = "trial.json";
pub const REPORT: &str = "report.json";

/// A model that was trained, as the detail of its stage keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trained {
    /// Where the vendor keeps it.
    pub path: String,
    pub version: String,
    /// On what terms it may be used, where that is known.
    #[serde(default)]
    pub licence: Option<String>,
}

impl Trained {
    /// `owner/name:version`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.path, self.version)
    }
}

/// The detail of a finished stage.
pub fn detail<T: DeserializeOwned>(run: &StageRun<'_>, stage: StageName) -> Result<T, Failure> {
    let finished = run.done.get(stage.as_str()).ok_or_else(|| {
        let message = format!("the stage {stage} has left nothing");
        Failure::new(FailureClass::Config, FailureCode::Internal, message)
    })?;
    serde_json::from_value(finished.detail.clone()).map_err(|error| unreadable(stage.as_str(), &error))
}

/// Who did a stage.
pub fn provider<'a>(run: &'a StageRun<'_>, stage: StageName) -> &'a str {
    run.done.get(stage.as_str()).and_then(|stage| stage.provider.as_deref()).unwrap_or("unknown")
}
