//! The Expert Music AI service over HTTP: the shapes that it and its client share, and the client.
//!
//! Two services speak so. Descant's own has the stages of a song as endpoints; the older one that it takes the place of
//! makes whole songs only (`POST generate`), and says so by what `GET models` answers.

mod charged;
mod client;
mod failures;
mod generate;
mod joining;
pub mod mixed;
mod stages;
mod wire;

pub use client::ExpertClient;
pub use joining::ExpertProvider;
pub use wire::{
    ExpertProblem, GenerateCall, GeneratedSong, LyricsCall, ModelsAnswer, ServedModel, VocalsAnswer, VocalsCall,
};

/// The name in results, metrics and `/stats` of the service that `providers.expert_url` names.
pub const NAME: &str = "expert";
