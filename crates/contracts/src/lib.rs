//! What the services say to each other: generated message types, the envelope around them, their conversions to the
//! domain, and the topology of exchanges and queues.
//!
//! Never performs IO; knows nothing of lapin, HTTP or rows.

mod audio;
mod envelope;
mod error;
mod songs;
mod storage;
pub mod topology;

pub use audio::ValidationRequest;
pub use envelope::{MAX_ENVELOPE_BYTES, Payload, decode, encode, envelope, moment, timestamp};
pub use error::ContractError;
pub use songs::{NO_TIME, SongCounts, SongFile, SongImport, SongOutcome, SongReport, SongReportLine};
pub use storage::{IncomingFile, IngestPlan, IngestRequest, IngestedResult, StoredArtifact, StoredObject};
pub use v1::{Envelope, envelope::Body};

/// Generated from `proto/descant/v1`.
#[allow(clippy::all, missing_docs)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/descant.v1.rs"));
}

/// Every message with its fields, as `proto/` defines them; for checks of documents and dashboards.
pub const VOCABULARY: &[(&str, &[&str])] = include!(concat!(env!("OUT_DIR"), "/vocabulary.rs"));
