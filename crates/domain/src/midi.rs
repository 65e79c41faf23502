//! What a song in a MIDI file must be to become a job.

use serde::{Deserialize, Serialize};

/// Largest file; songs have 10 to 200 kB.
pub const MAX_BYTES: u64 = 4 << 20;
/// Longest song, in seconds; what is later is left out with a warning.
pub const MAX_SECONDS: f64 = 3_600.0;

/// What reading a song found out about it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MidiFacts {
    pub size_bytes: u64,
    pub duration_seconds: f64,
    pub notes: u64,
    /// Channels of tracks.
    pub parts: u32,
}
