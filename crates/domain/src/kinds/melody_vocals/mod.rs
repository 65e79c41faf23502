//! A recorded melody and a prompt become a sung vocal with lyrics.

mod request;

pub use request::{Label, MelodyToVocalsRequest};

use crate::{
    artifact::{self, ArtifactRole},
    failure::FailureCode,
    kind::{InputCheck, InputSpec, KindLimits, KindName, KindSpec, StageName, StageSpec, UNKNOWN_ERROR},
    progress::ProgressSpan,
};

pub const NAME: KindName = KindName::new("melody-to-vocals");

/// The hummed or sung recording.
pub const AUDIO: &str = "audio";

pub const INITIALIZATION: StageName = StageName::new("initialization");
pub const VALIDATION: StageName = StageName::new("validation");
pub const PITCH: StageName = StageName::new("pitch");
/// Only where a band is asked for.
pub const ARRANGEMENT: StageName = StageName::new("arrangement");
pub const LYRICS: StageName = StageName::new("lyrics");
pub const VOCALS: StageName = StageName::new("vocals");
pub const QUALITY: StageName = StageName::new("quality");
pub const FINALIZATION: StageName = StageName::new("finalization");

// The six error types of the older API; the sixth is the one that is common to all kinds.
const VALIDATION_ERROR: &str = "VALIDATION_ERROR";
const AUDIO_PROCESSING_ERROR: &str = "AUDIO_PROCESSING_ERROR";
const AI_SERVICE_ERROR: &str = "AI_SERVICE_ERROR";
const TIMEOUT_ERROR: &str = "TIMEOUT_ERROR";
const STORAGE_ERROR: &str = "STORAGE_ERROR";

/// On the progress scale that clients of the older API already draw: seven stages, and one more where a band plays.
pub static SPEC: KindSpec = KindSpec {
    name: NAME,
    inputs: &[InputSpec { role: AUDIO, min: 1, max: 1, what: "the recording", check: InputCheck::Audio }],
    stages: &[
        StageSpec {
            name: INITIALIZATION,
            label: "Setting up",
            progress: ProgressSpan::new(0, 0),
            error_word: UNKNOWN_ERROR,
        },
        StageSpec {
            name: VALIDATION,
            label: "Checking the recording",
            progress: ProgressSpan::new(5, 5),
            error_word: VALIDATION_ERROR,
        },
        StageSpec {
            name: PITCH,
            label: "Following the melody",
            progress: ProgressSpan::new(15, 30),
            error_word: AUDIO_PROCESSING_ERROR,
        },
        StageSpec {
            name: ARRANGEMENT,
            label: "Arranging the band",
            progress: ProgressSpan::new(30, 40),
            error_word: AUDIO_PROCESSING_ERROR,
        },
        StageSpec {
            name: LYRICS,
            label: "Writing lyrics",
            progress: ProgressSpan::new(40, 60),
            error_word: AI_SERVICE_ERROR,
        },
        StageSpec { name: VOCALS, label: "Singing", progress: ProgressSpan::new(70, 90), error_word: AI_SERVICE_ERROR },
        StageSpec {
            name: QUALITY,
            label: "Listening back",
            progress: ProgressSpan::new(90, 95),
            error_word: AUDIO_PROCESSING_ERROR,
        },
        StageSpec {
            name: FINALIZATION,
            label: "Storing the song",
            progress: ProgressSpan::new(95, 100),
            error_word: STORAGE_ERROR,
        },
    ],
    artifacts: &[
        artifact::AUDIO_MP3,
        artifact::AUDIO_WAV,
        artifact::VOCALS_WAV,
        artifact::stem("stem_voice"),
        artifact::stem("stem_counter_melody"),
        artifact::stem("stem_chords"),
        artifact::stem("stem_bass"),
        artifact::stem("stem_drums"),
        artifact::stem("stem_pad"),
        artifact::stem("stem_backing"),
        artifact::LYRICS,
        artifact::MELODY_MIDI,
        artifact::MELODY_MUSICXML,
        artifact::MELODY_SVG,
        artifact::REPORT,
        artifact::WAVEFORM,
    ],
    default_role: ArtifactRole::AUDIO_MP3,
    limits: KindLimits::NONE,
    announcements: None,
    overtime_advice: "Try again, or send a shorter recording.",
    error_words: &[
        (FailureCode::InvalidAudio, VALIDATION_ERROR),
        (FailureCode::NoMelody, AUDIO_PROCESSING_ERROR),
        (FailureCode::AudioProcessing, AUDIO_PROCESSING_ERROR),
        (FailureCode::QualityGate, AUDIO_PROCESSING_ERROR),
        (FailureCode::ContentRejected, AI_SERVICE_ERROR),
        (FailureCode::ProviderRejected, AI_SERVICE_ERROR),
        (FailureCode::ProviderUnavailable, AI_SERVICE_ERROR),
        (FailureCode::ProviderQuota, AI_SERVICE_ERROR),
        (FailureCode::ProviderConfig, AI_SERVICE_ERROR),
        (FailureCode::StageTimeout, TIMEOUT_ERROR),
        (FailureCode::Storage, STORAGE_ERROR),
        (FailureCode::TooManyCrashes, UNKNOWN_ERROR),
        (FailureCode::Internal, UNKNOWN_ERROR),
    ],
};
