//! F0 tracking: which pitch a single voice sings at each moment, and whether it sings at all.
//!
//! The built-in tracker finds candidates by YIN (A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator
//! for speech and music", JASA 111(4), 2002) with a tapered, time-centred difference function in two window lengths. A
//! network of 3,002 weights, trained on voices made for it, says how likely each is, and the likeliest path through them
//! is the track. Whistles above a voice's compass are single lines of the spectrum and join the candidates. It never
//! separates voices: polyphony reads as whatever period fits best.

mod candidates;
mod crepe;
mod difference;
mod features;
mod front;
mod judge;
mod matmul;
mod mono;
mod outside;
mod path;
mod resample;
mod swift;
mod tone;
mod view;
mod weights;
mod yin;

use std::ops::RangeInclusive;

use music::{OutOfRange, PitchTrack};

use crate::error::PitchError;

pub use crepe::{Activations, CrepeTracker};
#[doc(hidden)]
pub use judge::FEATURES;
pub use resample::Resampler;
pub use swift::{SwiftFrame, SwiftTracker};
pub use weights::{Tensor, Weights};
pub use yin::YinTracker;

/// Time between frames of every track that this crate makes.
pub const HOP_SECONDS: f64 = 0.010;
/// Lowest pitch looked for: A1, below the compass of a bass.
pub const LOWEST_HZ: f64 = 55.0;
/// Highest pitch looked for: just above C8; few people whistle higher.
pub const HIGHEST_HZ: f64 = 4_300.0;
/// Sample rates that a tracker accepts.
pub const SAMPLE_RATES_HZ: RangeInclusive<u32> = 8_000..=192_000;

/// A way to find F0. Implementations are deterministic and hold no state between calls.
pub trait F0Tracker: Send + Sync {
    /// The pitches that it can find. What lies outside it cannot tell from something inside, often an octave away.
    fn range_hz(&self) -> RangeInclusive<f64>;

    /// Tracks a mono recording. `progress` is called with shares done, 0 to 1, never falling.
    ///
    /// Not-finite samples count as 0. An empty recording gives an empty track.
    ///
    /// # Errors
    /// [`PitchError::SampleRate`] outside [`SAMPLE_RATES_HZ`].
    fn track(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<PitchTrack, PitchError>;

    /// [`Self::track`], and what sounds outside of the range, which is not voiced in the track.
    ///
    /// # Errors
    /// As [`Self::track`].
    fn track_in_range(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<(PitchTrack, OutOfRange), PitchError> {
        let mut track = self.track(samples, sample_rate_hz, progress)?;
        let outside = outside::silence_outside(samples, sample_rate_hz, &self.range_hz(), &mut track);
        Ok((track, outside))
    }
}

/// Tracks with the default tracker. A sample rate outside [`SAMPLE_RATES_HZ`] gives an empty track.
pub fn track(samples: &[f32], sample_rate_hz: u32) -> PitchTrack {
    YinTracker::default()
        .track(samples, sample_rate_hz, &mut |_| {})
        .unwrap_or(PitchTrack { hop_seconds: HOP_SECONDS, frames: Vec::new() })
}

/// What the tracker's network is shown, for its training: for each frame the candidates with pitch in Hz and features.
#[doc(hidden)]
pub fn candidate_features(samples: &[f32], sample_rate_hz: u32) -> Vec<Vec<(f32, [f32; FEATURES])>> {
    let mut analyser = candidates::Analyser::new();
    let mut frames = Vec::new();
    let mut keep = |_: &view::View, found: &[judge::Candidate]| {
        frames.push(found.iter().map(|candidate| (candidate.hz, candidate.features)).collect());
    };
    front::for_each_frame(samples, sample_rate_hz, front::FRAME_LEN, |_, frame| analyser.hear(frame, &mut keep));
    analyser.finish(&mut keep);
    frames
}
