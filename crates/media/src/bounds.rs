//! How much of a hostile file may be believed, decoded and waited for.

use std::time::Duration;

/// Limits that hold whatever a file's header says. The limits of a *good* recording are
/// [`domain::audio::AudioLimits`]; these are wider, so that a recording which breaks those can still be measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Bounds {
    /// Decoding stops with an error once this much sound came out.
    pub max_seconds: f64,
    pub max_channels: u16,
    pub min_sample_rate_hz: u32,
    pub max_sample_rate_hz: u32,
    /// Of decoded samples, counted in the decoder's own format.
    pub max_decoded_bytes: u64,
    /// Wall time from the first read to the answer.
    pub deadline: Duration,
    /// Threads that may decode one file together, for the codecs whose packets allow it.
    pub max_threads: usize,
}

/// Past a recording's limit this share more is decoded, so that the answer can say how long a recording is that is
/// only a little too long.
const MEASURABLE_EXCESS: f64 = 1.1;
/// And this much more in any case.
const MEASURABLE_EXCESS_SECONDS: f64 = 10.0;

impl Bounds {
    /// Bounds for a recording that should not be longer than `max_seconds`.
    #[must_use]
    pub fn for_duration(max_seconds: f64) -> Self {
        Self { max_seconds: max_seconds * MEASURABLE_EXCESS + MEASURABLE_EXCESS_SECONDS, ..Self::default() }
    }
}

impl Default for Bounds {
    /// Ten minutes of sound, 1–8 channels, 8–192 kHz, 2 GiB decoded, 30 s of waiting, up to four threads.
    fn default() -> Self {
        Self {
            max_seconds: 600.0,
            max_channels: 8,
            min_sample_rate_hz: 8_000,
            max_sample_rate_hz: 192_000,
            max_decoded_bytes: 2 * 1024 * 1024 * 1024,
            deadline: Duration::from_secs(30),
            max_threads: std::thread::available_parallelism().map_or(1, usize::from).min(4),
        }
    }
}
