//! What a kind of job is, as data: what goes in, which stages it has, what comes out, and within which limits. The
//! tables themselves are in [`crate::kinds`], a file each; the platform (leases, checkpoints, progress, retries,
//! storage) reads these tables and never asks which kind it carries.

use std::{borrow::Cow, fmt, time::Duration};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{
    artifact::{ArtifactRole, ArtifactSpec},
    failure::FailureCode,
    job::JobState,
    progress::ProgressSpan,
};

/// The name of a kind of job, as rows and URLs have it. It may be one that only a newer version knows: whoever needs
/// more than the name asks [`crate::Kinds`].
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KindName(Cow<'static, str>);

impl KindName {
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// As stored, whether this version knows it or not.
    pub fn stored(name: String) -> Self {
        Self(Cow::Owned(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a stage, unique within its kind: a row key and a metric label, so a closed set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, PartialOrd, Ord)]
#[serde(transparent)]
pub struct StageName(&'static str);

impl StageName {
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

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
    /// How a client of the kind's older API is told of a failure here whose code says no more than that we failed.
    pub error_word: &'static str,
}

/// What a validator checks an input for before a job is accepted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InputCheck {
    /// A recording, judged by [`crate::audio::judge`] with the limits of the caller's tier.
    Audio,
    /// A song in a Standard MIDI File, within the bounds of [`crate::midi`].
    Midi,
    /// A recording, or an archive of recordings, as far as can be seen without decoding it: files that turn out bad are told
    /// of later, and do not sink the others.
    Recordings,
}

impl InputCheck {
    /// Whether one good file is enough: what is wrong with the others is told when the job has looked into them.
    pub const fn tolerates_bad_files(self) -> bool {
        matches!(self, Self::Recordings)
    }
}

/// Files of one role that a job is made from.
#[derive(Debug)]
pub struct InputSpec {
    /// Which part it plays; also the name of its part in a form.
    pub role: &'static str,
    pub min: u32,
    pub max: u32,
    /// What it holds, in words for a person: "the recording".
    pub what: &'static str,
    pub check: InputCheck,
}

/// Limits of a kind. `None` leaves it to the settings that hold for all kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KindLimits {
    /// Total time from the first claim on.
    pub deadline: Option<Duration>,
    /// Jobs of this kind that one orchestrator works on at once.
    pub slots: Option<usize>,
    /// Attempts of one stage, the first included.
    pub max_attempts: Option<u32>,
    /// Wait before the second attempt, doubled for each after it. Kept to the moment, without jitter: it is a promise.
    pub retry_base: Option<Duration>,
    /// How long files are kept at most: those of a job that has ended, however it ended, and those of a finished stage
    /// that later jobs may reuse. Where settings say less, that holds.
    pub files_kept: Option<Duration>,
    /// How long a failed job keeps what its finished stages made, so that it can be tried again.
    pub failed_kept: Option<Duration>,
    /// Longest sound that it may end with.
    pub sound: Option<Duration>,
}

impl KindLimits {
    /// All left to the settings.
    pub const NONE: Self = Self {
        deadline: None,
        slots: None,
        max_attempts: None,
        retry_base: None,
        files_kept: None,
        failed_kept: None,
        sound: None,
    };

    /// How long files are kept that would be kept for this long.
    pub fn keeping(&self, usual: TimeDelta) -> TimeDelta {
        let own = self.files_kept.and_then(|kept| TimeDelta::from_std(kept).ok());
        own.map_or(usual, |own| own.min(usual))
    }
}

/// What other systems on the bus are told of a job, by the words of an older API: routing keys of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Announcements {
    /// When it is accepted.
    pub requested: &'static str,
    pub completed: &'static str,
    /// When it ends otherwise: failed, expired or cancelled.
    pub failed: &'static str,
}

impl Announcements {
    /// That of a job's end; `None` while it goes on.
    pub const fn of_end(&self, state: JobState) -> Option<&'static str> {
        match state {
            JobState::Completed => Some(self.completed),
            JobState::Failed | JobState::Expired | JobState::Cancelled => Some(self.failed),
            JobState::Queued | JobState::Running | JobState::Parked | JobState::Storing | JobState::Cancelling => None,
        }
    }
}

/// A kind of job.
#[derive(Debug)]
pub struct KindSpec {
    pub name: KindName,
    pub inputs: &'static [InputSpec],
    pub stages: &'static [StageSpec],
    /// What it leaves behind.
    pub artifacts: &'static [ArtifactSpec],
    /// Which artifact is meant when nobody says.
    pub default_role: ArtifactRole,
    pub limits: KindLimits,
    /// `None` for a kind of which nobody else is told.
    pub announcements: Option<Announcements>,
    /// What to do about a job of this kind that took too long, as a sentence for its owner.
    pub overtime_advice: &'static str,
    /// The words of the kind's older API for failures that a code names; others get the stage's own word.
    pub error_words: &'static [(FailureCode, &'static str)],
}

impl KindSpec {
    pub fn stage(&self, name: &str) -> Option<&'static StageSpec> {
        self.stages.iter().find(|stage| stage.name.as_str() == name)
    }

    pub fn input(&self, role: &str) -> Option<&'static InputSpec> {
        self.inputs.iter().find(|input| input.role == role)
    }

    /// The role under which a stem is kept, such as `stem_counter_melody` for `counter-melody`.
    pub fn stem_role(&self, stem: &str) -> Option<&'static ArtifactRole> {
        let word = format!("stem_{}", stem.replace('-', "_"));
        self.artifacts.iter().map(|artifact| &artifact.role).find(|role| role.as_str() == word)
    }

    pub fn artifact(&self, role: &ArtifactRole) -> Option<&'static ArtifactSpec> {
        self.artifacts.iter().find(|artifact| artifact.role == *role)
    }

    /// How a client of the kind's older API is told of a failure in a stage (`None`: between stages).
    pub fn error_word(&self, code: FailureCode, stage: Option<&str>) -> &'static str {
        let said = self.error_words.iter().find(|(named, _)| *named == code).map(|(_, word)| *word);
        let of_stage = || stage.and_then(|stage| self.stage(stage)).map(|stage| stage.error_word);
        said.or_else(of_stage).unwrap_or(UNKNOWN_ERROR)
    }
}

/// The older APIs' word for a failure that nothing more is known of.
pub const UNKNOWN_ERROR: &str = "UNKNOWN_ERROR";
