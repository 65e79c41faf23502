//! The pure core of Descant: what a job is, how it moves, what it may cost and how it may fail.
//!
//! Nothing here performs IO, is async, reads a clock or rolls dice: the moment, the ids and the randomness come in as
//! arguments. Every other crate may depend on this one; it depends on none of them.

pub mod artifact;
pub mod audio;
pub mod failure;
pub mod feed;
pub mod ids;
pub mod job;
pub mod kind;
pub mod options;
pub mod progress;
pub mod prompt;
pub mod quality;
pub mod quota;
pub mod request;
pub mod retention;
pub mod retry;
mod text;
pub mod tier;

pub use artifact::ArtifactRole;
pub use failure::{Failure, FailureClass, FailureCode, SeedErrorType};
pub use ids::{ArtifactId, EventId, JobId, MessageId, UploadId, UserId};
pub use job::{JobEvent, JobState, Transition, transition};
pub use kind::{JobKind, KindSpec, StageName, StageSpec};
pub use options::SongOptions;
pub use progress::Progress;
pub use tier::Tier;
