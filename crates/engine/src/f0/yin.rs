//! The built-in tracker: YIN's candidates, judged by a small network, and the likeliest path through them.

use music::{PitchFrame, PitchTrack};

use super::{
    F0Tracker, HOP_SECONDS, SAMPLE_RATES_HZ,
    candidates::{Analyser, Candidate, FRAME_LEN, Level},
    front,
    judge::Judge,
    path::{self, Observation, PathCosts},
};
use crate::error::EngineError;

/// Share of the work that goes into frames; the rest is the path.
const FRAMES_SHARE: f64 = 0.95;

/// YIN with judged candidates and a likeliest path.
#[derive(Clone, Debug, Default)]
pub struct YinTracker {
    costs: PathCosts,
}

impl F0Tracker for YinTracker {
    fn track(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<PitchTrack, EngineError> {
        if !SAMPLE_RATES_HZ.contains(&sample_rate_hz) {
            return Err(EngineError::SampleRate(sample_rate_hz));
        }
        let observations = observe(samples, sample_rate_hz, progress);
        let frames: Vec<PitchFrame> = path::cheapest(&observations, &self.costs);
        progress(1.0);
        Ok(PitchTrack { hop_seconds: HOP_SECONDS, frames })
    }
}

/// What each frame says. Keeps only verdicts, so memory grows by about 300 bytes per frame.
fn observe(samples: &[f32], sample_rate_hz: u32, progress: &mut dyn FnMut(f64)) -> Vec<Observation> {
    let expected = (samples.len() as f64 / f64::from(sample_rate_hz) / HOP_SECONDS).max(1.0);
    let (mut analyser, judge) = (Analyser::new(), Judge::new());
    let mut observations = Vec::with_capacity(expected as usize + 2);
    let mut keep = |level: Level, candidates: &[Candidate]| {
        observations.push(Observation { level, candidates: judge.judge(candidates) });
    };
    front::for_each_frame(samples, sample_rate_hz, FRAME_LEN, |index, frame| {
        analyser.hear(frame, &mut keep);
        if index % 256 == 0 {
            progress((index as f64 / expected).min(1.0) * FRAMES_SHARE);
        }
    });
    analyser.finish(&mut keep);
    observations
}
