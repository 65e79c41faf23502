//! The runners of every kind's stages. The order of a kind's stages is `domain::kind`'s; this only finds the runner.

mod finalization;
mod initialization;
mod lyrics;
mod pitch;
mod quality;
mod validation;
mod vocals;

use domain::{JobKind, StageName};

use crate::stage::Stage;

/// Names of objects in a job's working folder, shared by the stages that write and read them.
mod work {
    pub const MELODY: &str = "melody.json";
    pub const LYRICS: &str = "lyrics.json";
    pub const VOCALS: &str = "vocals.wav";
    /// The voice over its backing.
    pub const SONG: &str = "song.wav";
    /// The F0 that was meant to sound, and how the vocal came about.
    pub const VOCALS_PLAN: &str = "vocals.json";
    pub const LYRICS_TEXT: &str = "lyrics.txt";
    pub const MELODY_MIDI: &str = "melody.mid";
    pub const MELODY_MUSICXML: &str = "melody.musicxml";
    pub const MELODY_SVG: &str = "melody.svg";
    pub const REPORT: &str = "report.json";
}

/// The runner of a stage; `None` means that this version knows the stage's name but not how to run it.
pub fn runner(kind: JobKind, name: StageName) -> Option<&'static dyn Stage> {
    let runners: &[&'static dyn Stage] = match kind {
        JobKind::MelodyToVocals => &[
            &initialization::Initialization,
            &validation::Validation,
            &pitch::Pitch,
            &lyrics::LyricsWriting,
            &vocals::Vocals,
            &quality::Quality,
            &finalization::Finalization,
        ],
    };
    runners.iter().copied().find(|stage| stage.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_of_every_kind_has_a_runner() {
        for kind in JobKind::ALL {
            for stage in kind.spec().stages {
                assert!(runner(kind, stage.name).is_some(), "{kind}: no runner for {}", stage.name);
            }
        }
    }
}
