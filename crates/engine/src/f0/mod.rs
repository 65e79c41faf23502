//! F0 tracking: which pitch a single voice sings at each moment, and whether it sings at all.
//!
//! The tracker is YIN (A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music",
//! JASA 111(4), 2002) with a tapered, time-centred difference function, several candidates per frame, and the cheapest
//! path through them. It has no weights and no training data. It never separates voices: polyphony reads as whatever
//! period fits best.

mod crepe;
mod front;
mod matmul;
mod mono;
mod path;
mod resample;
mod swift;
mod weights;
mod yin;

use music::PitchTrack;

use crate::error::EngineError;

pub use crepe::{Activations, CrepeTracker};
pub use resample::Resampler;
pub use swift::{SwiftFrame, SwiftTracker};
pub use weights::{Tensor, Weights};
pub use yin::YinTracker;

/// Time between frames of every track that this crate makes.
pub const HOP_SECONDS: f64 = 0.010;
/// Lowest pitch looked for: B1, below the compass of a bass.
pub const LOWEST_HZ: f64 = 60.0;
/// Highest pitch looked for: just above a soprano's F6.
pub const HIGHEST_HZ: f64 = 1_450.0;
/// Sample rates that a tracker accepts.
pub const SAMPLE_RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=192_000;

/// A way to find F0. Implementations are deterministic and hold no state between calls.
pub trait F0Tracker: Send + Sync {
    /// Tracks a mono recording. `progress` is called with shares done, 0 to 1, never falling.
    ///
    /// Not-finite samples count as 0. An empty recording gives an empty track.
    ///
    /// # Errors
    /// [`EngineError::SampleRate`] outside [`SAMPLE_RATES_HZ`].
    fn track(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<PitchTrack, EngineError>;
}

/// Tracks with the default tracker. A sample rate outside [`SAMPLE_RATES_HZ`] gives an empty track.
pub fn track(samples: &[f32], sample_rate_hz: u32) -> PitchTrack {
    YinTracker::default()
        .track(samples, sample_rate_hz, &mut |_| {})
        .unwrap_or(PitchTrack { hop_seconds: HOP_SECONDS, frames: Vec::new() })
}
