//! The built-in tracker: YIN's candidates, judged by a small network, and the likeliest path through them.

use std::ops::RangeInclusive;

use music::{OutOfRange, PitchFrame, PitchTrack};

use super::{
    F0Tracker, HIGHEST_HZ, HOP_SECONDS, LOWEST_HZ, SAMPLE_RATES_HZ,
    candidates::Analyser,
    front::{self, FRAME_LEN},
    judge::{Candidate, Judge},
    outside,
    path::{self, Observation, PathCosts},
    tone::Tone,
    view::View,
};
use crate::error::PitchError;

/// Share of the work that goes into frames; the rest is the path.
const FRAMES_SHARE: f64 = 0.95;

/// YIN with judged candidates and a likeliest path.
#[derive(Clone, Debug, Default)]
pub struct YinTracker {
    costs: PathCosts,
}

impl F0Tracker for YinTracker {
    fn range_hz(&self) -> RangeInclusive<f64> {
        LOWEST_HZ..=HIGHEST_HZ
    }

    fn track(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<PitchTrack, PitchError> {
        let (track, _) = self.follow(samples, sample_rate_hz, progress)?;
        Ok(track)
    }

    fn track_in_range(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<(PitchTrack, OutOfRange), PitchError> {
        let (mut track, tones) = self.follow(samples, sample_rate_hz, progress)?;
        let outside = outside::silence(&tones, 1, samples, sample_rate_hz, &self.range_hz(), &mut track);
        Ok((track, outside))
    }
}

/// Tone and level, in dB, of each frame.
type Tones = Vec<(Option<Tone>, f64)>;

impl YinTracker {
    fn follow(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<(PitchTrack, Tones), PitchError> {
        if !SAMPLE_RATES_HZ.contains(&sample_rate_hz) {
            return Err(PitchError::SampleRate(sample_rate_hz));
        }
        let (observations, tones) = observe(samples, sample_rate_hz, self.costs.threshold, progress);
        let frames: Vec<PitchFrame> = path::cheapest(&observations, &self.costs);
        progress(1.0);
        Ok((PitchTrack { hop_seconds: HOP_SECONDS, frames }, tones))
    }
}

/// What each frame says. Keeps only verdicts and tones, so memory grows by about 300 bytes per frame.
fn observe(
    samples: &[f32],
    sample_rate_hz: u32,
    threshold: f32,
    progress: &mut dyn FnMut(f64),
) -> (Vec<Observation>, Tones) {
    let expected = (samples.len() as f64 / f64::from(sample_rate_hz) / HOP_SECONDS).max(1.0);
    let (mut analyser, judge) = (Analyser::new(), Judge::new());
    let mut observations = Vec::with_capacity(expected as usize + 2);
    let mut tones = Tones::with_capacity(observations.capacity());
    let mut keep = |view: &View, candidates: &[Candidate]| {
        tones.push((view.tone, outside::decibels(f64::from(view.level.whole).powi(2))));
        let mut candidates = judge.judge(candidates);
        if let Some(tone) = view.tone {
            tone.join(&mut candidates, threshold);
        }
        observations.push(Observation { level: view.level, candidates });
    };
    front::for_each_frame(samples, sample_rate_hz, FRAME_LEN, |index, frame| {
        analyser.hear(frame, &mut keep);
        if index % 256 == 0 {
            progress((index as f64 / expected).min(1.0) * FRAMES_SHARE);
        }
    });
    analyser.finish(&mut keep);
    (observations, tones)
}
