//! How well a sound keeps to a pitch: measures only; what is good enough is decided elsewhere.

use music::{PitchTrack, cents_between};
use serde::{Deserialize, Serialize};

use crate::f0;

/// How well a sound keeps to the pitch that was meant. All shares are of the target's voiced frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PitchAgreement {
    /// Voiced frames of the target.
    pub frames: usize,
    /// Share (0–1) heard within 50 cents. A frame with no pitch heard is a miss.
    pub within_50: f64,
    /// Share (0–1) heard within 25 cents.
    pub within_25: f64,
    /// Share (0–1) with any pitch heard.
    pub heard: f64,
    /// Median distance in cents over the frames with pitch; 0 when there are none.
    pub median_cents: f64,
}

/// Tracks a mono sound and holds it against the target, in its octave. Frames that the target marks unvoiced
/// (consonants, rests) do not count. A sound that cannot be tracked agrees with nothing.
pub fn pitch_agreement(samples: &[f32], sample_rate_hz: u32, target: &PitchTrack) -> PitchAgreement {
    agreement(&f0::track(samples, sample_rate_hz), target)
}

/// The same for a sound that has been tracked already.
pub fn agreement(heard: &PitchTrack, target: &PitchTrack) -> PitchAgreement {
    let mut frames = 0usize;
    let mut distances = Vec::new();
    for (index, meant) in target.frames.iter().enumerate().filter(|(_, frame)| frame.voiced && frame.hz > 0.0) {
        frames += 1;
        let heard = heard.at(index as f64 * target.hop_seconds).filter(|frame| frame.voiced && frame.hz > 0.0);
        distances.extend(heard.map(|frame| cents_between(f64::from(meant.hz), f64::from(frame.hz)).abs()));
    }
    distances.sort_by(f64::total_cmp);
    let share = |most: f64| distances.partition_point(|d| *d <= most) as f64 / frames.max(1) as f64;
    PitchAgreement {
        frames,
        within_50: share(50.0),
        within_25: share(25.0),
        heard: distances.len() as f64 / frames.max(1) as f64,
        median_cents: distances.get(distances.len() / 2).copied().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use music::PitchFrame;

    use super::*;

    fn track(hz: &[f32]) -> PitchTrack {
        let frames = hz.iter().map(|&hz| PitchFrame { hz, confidence: 1.0, voiced: hz > 0.0 }).collect();
        PitchTrack { hop_seconds: 0.01, frames }
    }

    #[test]
    fn shares_are_of_the_voiced_frames_of_the_target() {
        let target = track(&[220.0, 220.0, 220.0, 220.0, 0.0]);
        let up = |cents: f32| 220.0 * (cents / 1200.0).exp2();
        let found = agreement(&track(&[220.0, up(30.0), up(60.0), 0.0, 500.0]), &target);
        assert_eq!(found.frames, 4);
        assert!((found.within_25 - 0.25).abs() < 1e-9 && (found.within_50 - 0.5).abs() < 1e-9);
        assert!((found.heard - 0.75).abs() < 1e-9 && (found.median_cents - 30.0).abs() < 0.01);
        // An octave off is off; a shorter sound misses the rest; nothing meant is nothing kept.
        assert_eq!(agreement(&track(&[440.0; 5]), &target).within_50, 0.0);
        assert!((agreement(&track(&[220.0; 2]), &target).within_50 - 0.5).abs() < 1e-9);
        assert_eq!(agreement(&target, &track(&[])), PitchAgreement::default());
    }
}
