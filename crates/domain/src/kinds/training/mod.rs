//! Recordings become a model of one's own, which is used by its name from then on.

mod request;

pub use request::{BaseModel, TrainingRequest, UnknownBaseModel};

use std::time::Duration;

use crate::{
    artifact::{self, ArtifactRole, ArtifactSpec, ContentCheck},
    failure::FailureCode,
    kind::{InputCheck, InputSpec, KindLimits, KindName, KindSpec, StageName, StageSpec, UNKNOWN_ERROR},
    progress::ProgressSpan,
};

pub const NAME: KindName = KindName::new("training");

/// A recording, or an archive of recordings.
pub const RECORDING: &str = "recording";
/// Files of one form. Who has more packs them into an archive.
pub const MOST_FILES: u32 = 100;

pub const PREPARATION: StageName = StageName::new("preparation");
pub const TRAINING: StageName = StageName::new("training");
pub const REGISTRATION: StageName = StageName::new("registration");
pub const TRIAL: StageName = StageName::new("trial");
pub const FINALIZATION: StageName = StageName::new("finalization");

/// What the new model made of its own description.
pub const SAMPLE: ArtifactRole = ArtifactRole::new("sample");

/// Length of the music that a new model is tried with, in seconds.
pub const TRIAL_SECONDS: f64 = 10.0;

const MIB: u64 = 1 << 20;
/// A minute of 16-bit stereo at 48 kHz is 11 MiB; a trial is far shorter.
const MAX_SAMPLE_BYTES: u64 = 32 * MIB;

/// A training takes from a quarter of an hour to some hours, and waits for a machine before that.
const DEADLINE: Duration = Duration::from_secs(8 * 3600);

// What clients are told where a code says no more than that we failed.
const PREPARATION_ERROR: &str = "PREPARATION_ERROR";
const TRAINING_ERROR: &str = "TRAINING_ERROR";
const REGISTRATION_ERROR: &str = "REGISTRATION_ERROR";
const STORAGE_ERROR: &str = "STORAGE_ERROR";
const TIMEOUT_ERROR: &str = "TIMEOUT_ERROR";

pub static SPEC: KindSpec = KindSpec {
    name: NAME,
    inputs: &[InputSpec {
        role: RECORDING,
        min: 1,
        max: MOST_FILES,
        what: "a recording, or an archive (zip, tar or tar.gz) of recordings",
        check: InputCheck::Recordings,
    }],
    stages: &[
        StageSpec {
            name: PREPARATION,
            label: "Preparing the recordings",
            progress: ProgressSpan::new(0, 20),
            error_word: PREPARATION_ERROR,
        },
        StageSpec {
            name: TRAINING,
            label: "Training the model",
            progress: ProgressSpan::new(20, 88),
            error_word: TRAINING_ERROR,
        },
        StageSpec {
            name: REGISTRATION,
            label: "Registering the model",
            progress: ProgressSpan::new(88, 90),
            error_word: REGISTRATION_ERROR,
        },
        StageSpec {
            name: TRIAL,
            label: "Trying the model",
            progress: ProgressSpan::new(90, 97),
            error_word: TRAINING_ERROR,
        },
        StageSpec {
            name: FINALIZATION,
            label: "Storing the report",
            progress: ProgressSpan::new(97, 100),
            error_word: STORAGE_ERROR,
        },
    ],
    artifacts: &[
        artifact::REPORT,
        ArtifactSpec {
            role: SAMPLE,
            media_type: "audio/wav",
            extension: "wav",
            max_bytes: MAX_SAMPLE_BYTES,
            check: ContentCheck::Wav,
        },
    ],
    default_role: ArtifactRole::REPORT,
    limits: KindLimits {
        deadline: Some(DEADLINE),
        // Recordings are prepared one job at a time: hours of sound are decoded, measured and cut. While a vendor trains, a
        // job holds no slot.
        slots: Some(1),
        // What is tried again may have to be paid for again.
        max_attempts: Some(2),
        ..KindLimits::NONE
    },
    announcements: None,
    overtime_advice: "Try again later, or with fewer epochs.",
    error_words: &[
        (FailureCode::InvalidAudio, PREPARATION_ERROR),
        (FailureCode::AudioProcessing, PREPARATION_ERROR),
        (FailureCode::ContentRejected, PREPARATION_ERROR),
        (FailureCode::ProviderRejected, TRAINING_ERROR),
        (FailureCode::ProviderUnavailable, TRAINING_ERROR),
        (FailureCode::ProviderQuota, TRAINING_ERROR),
        (FailureCode::ProviderConfig, TRAINING_ERROR),
        (FailureCode::StageTimeout, TIMEOUT_ERROR),
        (FailureCode::Storage, STORAGE_ERROR),
        (FailureCode::TooManyCrashes, UNKNOWN_ERROR),
        (FailureCode::Internal, UNKNOWN_ERROR),
    ],
};
