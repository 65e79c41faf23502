//! Owns every object once a job is accepted: takes finished results in (verified, loudness-normalised, as MP3 and WAV
//! with a waveform), deletes what is no longer needed, and sweeps what has expired.
//!
//! Writes rows of artifacts and marks of retention, and no others. Never moves a job, never calls a provider, never
//! keeps a file that is not what its sender says it is.

// Both panic when their reader has gone; `service_runtime::console` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod deletion;
mod error;
mod handlers;
mod incoming;
mod ingest;
mod render;
mod rendition;
mod running;
mod service;
mod song_requests;
pub mod songs;
mod sweep;
mod waveform;

pub use error::StorageError;
pub use running::Storage;
pub use service::{StorageService, StorageSettings, Tools};
pub use sweep::Swept;
pub use waveform::Waveform;
