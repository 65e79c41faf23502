//! What a song can be, in seconds and beats per minute.

/// Length of a song in seconds, both inclusive.
pub const LEAST_SECONDS: f64 = 3.0;
pub const MOST_SECONDS: f64 = 600.0;
/// Tempo in beats (quarters) per minute, both inclusive.
pub const LEAST_BPM: f64 = 40.0;
pub const MOST_BPM: f64 = 240.0;
