//! The pure core of Descant: what a job is, how it moves, what it may cost and how it may fail.
//!
//! Nothing here performs IO, is async, reads a clock or draws random numbers: the moment, the ids and the randomness come in as
//! arguments. Every other crate may depend on this one; it depends on none of them.

pub mod artifact;
pub mod audio;
pub mod daily;
pub mod failure;
pub mod feed;
pub mod field;
pub mod ids;
pub mod job;
pub mod key_choice;
pub mod kind;
pub mod kinds;
pub mod midi;
pub mod options;
pub mod progress;
pub mod prompt;
pub mod provider;
pub mod quality;
pub mod quota;
pub mod registry;
pub mod retention;
pub mod retry;
pub mod song;
pub mod sound_format;
pub mod starts;
mod text;
pub mod tier;

pub use artifact::{ArtifactRole, ArtifactSpec};
pub use failure::{Failure, FailureClass, FailureCode};
pub use field::InvalidField;
pub use ids::{ArtifactId, JobId, MessageId, ModelId, OutsideCallId, SongId, StageResultId, UploadId, UserId};
pub use job::{JobEvent, JobState, Transition, transition};
pub use key_choice::KeyChoice;
pub use kind::{KindName, KindSpec, StageName, StageSpec};
pub use kinds::Kinds;
pub use options::SongOptions;
pub use progress::Progress;
pub use provider::{Cost, Prices, Tried, Usage};
pub use song::{SongFacts, SongName, SongPart};
pub use sound_format::ExtraFormat;
pub use tier::Tier;
