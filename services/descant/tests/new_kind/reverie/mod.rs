//! A kind of job of the tests' own, as a newcomer would add one: made from nothing, in three stages, of which the second
//! waits for a vendor outside.

pub mod gateway;
pub mod orchestrator;

use std::time::Duration;

use domain::{
    ArtifactRole, KindName, KindSpec, StageName, StageSpec, artifact, kind::KindLimits, progress::ProgressSpan,
};

pub const THINK: StageName = StageName::new("think");
pub const DREAM: StageName = StageName::new("dream");
pub const WRITE: StageName = StageName::new("write");

/// The table of the kind: what goes in, which stages it has, what comes out.
pub static SPEC: KindSpec = KindSpec {
    name: KindName::new("reverie"),
    inputs: &[],
    stages: &[
        StageSpec { name: THINK, label: "Thinking", progress: ProgressSpan::new(0, 10), error_word: "THINKING_ERROR" },
        StageSpec { name: DREAM, label: "Dreaming", progress: ProgressSpan::new(10, 90), error_word: "DREAMING_ERROR" },
        StageSpec {
            name: WRITE,
            label: "Writing it down",
            progress: ProgressSpan::new(90, 100),
            error_word: "WRITING_ERROR",
        },
    ],
    artifacts: &[artifact::LYRICS, artifact::REPORT],
    default_role: ArtifactRole::LYRICS,
    limits: KindLimits { deadline: Some(Duration::from_secs(3600)), slots: Some(2), ..KindLimits::NONE },
    announcements: None,
    overtime_advice: "Try again with a shorter theme.",
    error_words: &[],
};
