//! Kinds of job and their stages, as data. A new kind is a new table here and a runner for each of its stages; the
//! platform (leases, checkpoints, progress, retries) never asks which kind it carries.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{failure::SeedErrorType, progress::ProgressSpan};

/// What a job makes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// A recorded melody and a prompt become a sung vocal with lyrics.
    MelodyToVocals,
}

impl JobKind {
    pub const ALL: [Self; 1] = [Self::MelodyToVocals];

    pub const fn spec(self) -> &'static KindSpec {
        match self {
            Self::MelodyToVocals => &MELODY_TO_VOCALS,
        }
    }

    pub const fn as_str(self) -> &'static str {
        self.spec().name
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text given as a kind of job names none that this version knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of job {0:?}")]
pub struct UnknownKind(pub String);

impl FromStr for JobKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// The name of a stage, unique within its kind: a row key and a metric label, so a closed set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, PartialOrd, Ord)]
#[serde(transparent)]
pub struct StageName(&'static str);

impl StageName {
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One step of a kind of job. When it finishes, its output is a checkpoint and it never runs again for that job.
#[derive(Debug)]
pub struct StageSpec {
    pub name: StageName,
    /// What a person reads while it runs.
    pub label: &'static str,
    /// The part of the 0–100 scale that this stage walks through.
    pub progress: ProgressSpan,
    /// How the seeds' clients are told of a failure here whose own code does not say more.
    pub seed_error: SeedErrorType,
}

/// A kind of job: its name in URLs, rows and metrics, and its stages in order.
#[derive(Debug)]
pub struct KindSpec {
    pub name: &'static str,
    pub stages: &'static [StageSpec],
}

impl KindSpec {
    pub fn stage(&self, name: &str) -> Option<&'static StageSpec> {
        self.stages.iter().find(|stage| stage.name.as_str() == name)
    }

    /// The stage after `name`, or `None` when `name` is the last or unknown.
    pub fn stage_after(&self, name: StageName) -> Option<&'static StageSpec> {
        let at = self.stages.iter().position(|stage| stage.name == name)?;
        self.stages.get(at + 1)
    }
}

/// The stages of melody-to-vocals by name, for their runners.
pub mod melody_to_vocals {
    use super::StageName;

    pub const INITIALIZATION: StageName = StageName("initialization");
    pub const VALIDATION: StageName = StageName("validation");
    pub const PITCH: StageName = StageName("pitch");
    pub const LYRICS: StageName = StageName("lyrics");
    pub const VOCALS: StageName = StageName("vocals");
    pub const QUALITY: StageName = StageName("quality");
    pub const FINALIZATION: StageName = StageName("finalization");
}

/// The seven stages and the progress scale that clients of the melody-to-vocals API already draw.
static MELODY_TO_VOCALS: KindSpec = KindSpec {
    name: "melody-to-vocals",
    stages: &[
        StageSpec {
            name: melody_to_vocals::INITIALIZATION,
            label: "Setting up",
            progress: ProgressSpan::new(0, 0),
            seed_error: SeedErrorType::UnknownError,
        },
        StageSpec {
            name: melody_to_vocals::VALIDATION,
            label: "Checking the recording",
            progress: ProgressSpan::new(5, 5),
            seed_error: SeedErrorType::ValidationError,
        },
        StageSpec {
            name: melody_to_vocals::PITCH,
            label: "Following the melody",
            progress: ProgressSpan::new(15, 30),
            seed_error: SeedErrorType::AudioProcessingError,
        },
        StageSpec {
            name: melody_to_vocals::LYRICS,
            label: "Writing lyrics",
            progress: ProgressSpan::new(40, 60),
            seed_error: SeedErrorType::AiServiceError,
        },
        StageSpec {
            name: melody_to_vocals::VOCALS,
            label: "Singing",
            progress: ProgressSpan::new(70, 90),
            seed_error: SeedErrorType::AiServiceError,
        },
        StageSpec {
            name: melody_to_vocals::QUALITY,
            label: "Listening back",
            progress: ProgressSpan::new(90, 95),
            seed_error: SeedErrorType::AudioProcessingError,
        },
        StageSpec {
            name: melody_to_vocals::FINALIZATION,
            label: "Storing the song",
            progress: ProgressSpan::new(95, 100),
            seed_error: SeedErrorType::StorageError,
        },
    ],
};
