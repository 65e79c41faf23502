//! SwiftF0: L. Nieradzik, "SwiftF0: Fast and Accurate Monophonic Pitch Detection", 2025, with the weights of the Python
//! package swift-f0 0.3.0.
//!
//! One run gives a frame every 16 ms, the same as there. The tracker runs it twice, the second time half a frame later,
//! and reads the frames of 10 ms between those of 8 ms.

mod network;
mod planes;
mod spectrum;

use std::ops::RangeInclusive;

use music::{PitchFrame, PitchTrack};

use super::{F0Tracker, HOP_SECONDS, mono::Mono, mono::RATE_HZ, weights::Weights};
use crate::error::PitchError;
use network::{Answer, CONTEXT, HIGHEST_HZ, LOWEST_HZ, Network, Workspace};
use planes::Planes;
use spectrum::{LONGEST_WINDOW, Spectra};

/// Samples between the network's frames: 16 ms.
const HOP: usize = 256;
/// Frames answered at a time, besides their context: the planes stay small enough for the cache.
const BLOCK: usize = 240;
/// Confidence from which on a frame is sung.
const VOICED: f32 = 0.5;
/// A frame whose own samples peak below this is silent: the network has never seen that and answers by chance.
const SILENCE_PEAK: f32 = 1e-3;
/// Quiet recordings are made this loud first: below −35 dBFS the network starts to miss voices.
const WANTED_PEAK: f32 = 0.5;
/// Most that a recording is amplified: 40 dB. What is weaker still is the noise of a converter.
const MOST_GAIN: f32 = 100.0;
/// Neighbouring frames further apart than a semitone are two notes: no pitch lies between them.
const LARGEST_GLIDE: f64 = 1.0 / 12.0;

/// Pitch and voicing of a frame of 16 ms.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SwiftFrame {
    pub hz: f64,
    /// 0 to 1; sung from 0.5 on.
    pub confidence: f32,
}

/// Tracks with SwiftF0.
pub struct SwiftTracker {
    network: Network,
    spectra: Spectra,
}

impl SwiftTracker {
    /// A tracker from the constants in the ONNX file of swift-f0 0.3.0. Constants that it does not need are ignored.
    ///
    /// # Errors
    /// [`PitchError::Weights`] naming the constant that is missing or has another shape.
    pub fn new(weights: &Weights) -> Result<Self, PitchError> {
        Ok(Self { network: Network::new(weights)?, spectra: Spectra::new(weights)? })
    }

    /// What `swift_f0.SwiftF0().detect` of the Python package gives for the recording: frame `i` is centred on
    /// `i` hops of 16 ms. `progress` is called with shares done.
    ///
    /// # Errors
    /// [`PitchError::SampleRate`] outside [`super::SAMPLE_RATES_HZ`].
    pub fn frames(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Vec<SwiftFrame>, PitchError> {
        let mono = Mono::new(samples, sample_rate_hz)?;
        Ok(self.run(&mono, 0, 1.0, progress))
    }

    /// Frames centred on `offset` samples behind the start of each hop.
    fn run(&self, mono: &Mono<'_>, offset: usize, gain: f32, progress: &mut dyn FnMut(f64)) -> Vec<SwiftFrame> {
        if mono.len() <= offset {
            return Vec::new();
        }
        let count = ((mono.len() - offset) / HOP).max(1);
        let (mut spectra, mut workspace, mut bands) = (self.spectra.clone(), Workspace::default(), Planes::default());
        let (mut samples, mut answers) = (Vec::new(), Vec::new());
        let mut frames = Vec::with_capacity(count);
        for start in (0..count).step_by(BLOCK) {
            let end = (start + BLOCK).min(count);
            let (first, last) = (start.saturating_sub(CONTEXT), (end + CONTEXT).min(count));
            let times = last - first;
            let from = (first * HOP + offset) as isize - (LONGEST_WINDOW / 2) as isize;
            mono.read(from, (times - 1) * HOP + LONGEST_WINDOW, &mut samples);
            samples.iter_mut().for_each(|sample| *sample *= gain);
            spectra.write(&samples, HOP, times, &mut bands);
            self.network.run(&bands, &mut workspace, &mut answers);
            for (index, &Answer { hz, confidence }) in answers.iter().enumerate().take(end - first).skip(start - first)
            {
                let own = &samples[index * HOP + LONGEST_WINDOW / 2..][..HOP];
                let silent = own.iter().all(|sample| sample.abs() < SILENCE_PEAK);
                frames.push(SwiftFrame { hz, confidence: if silent { 0.0 } else { confidence } });
            }
            progress(end as f64 / count as f64);
        }
        frames
    }
}

impl F0Tracker for SwiftTracker {
    fn range_hz(&self) -> RangeInclusive<f64> {
        LOWEST_HZ..=HIGHEST_HZ
    }

    fn track(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<PitchTrack, PitchError> {
        let mono = Mono::new(samples, sample_rate_hz)?;
        if samples.is_empty() {
            return Ok(PitchTrack { hop_seconds: HOP_SECONDS, frames: Vec::new() });
        }
        let gain = gain(samples);
        let even = self.run(&mono, 0, gain, &mut |done| progress(done / 2.0));
        let odd = self.run(&mono, HOP / 2, gain, &mut |done| progress(0.5 + done / 2.0));
        let mut both: Vec<SwiftFrame> = even.iter().zip(&odd).flat_map(|(even, odd)| [*even, *odd]).collect();
        both.extend(even.get(odd.len()));
        let step_seconds = HOP as f64 / 2.0 / f64::from(RATE_HZ);
        let last = (mono.len() as f64 / f64::from(RATE_HZ) / HOP_SECONDS) as usize;
        let frames = (0..=last).map(|frame| between(&both, frame as f64 * HOP_SECONDS / step_seconds)).collect();
        progress(1.0);
        Ok(PitchTrack { hop_seconds: HOP_SECONDS, frames })
    }
}

/// What brings a quiet recording to the level that the network was trained at.
fn gain(samples: &[f32]) -> f32 {
    let peak = samples.iter().map(|sample| sample.abs()).filter(|level| level.is_finite()).fold(0.0, f32::max);
    if peak > 0.0 { (WANTED_PEAK / peak).clamp(1.0, MOST_GAIN) } else { 1.0 }
}

/// The frame at a place between two others; behind the last one, the last one.
fn between(frames: &[SwiftFrame], place: f64) -> PitchFrame {
    let Some(last) = frames.last() else { return PitchFrame { hz: 0.0, confidence: 0.0, voiced: false } };
    let here = frames.get(place as usize).unwrap_or(last);
    let next = frames.get(place as usize + 1).unwrap_or(last);
    let share = place.fract();
    let glide = (next.hz / here.hz).log2();
    let hz = if glide.abs() <= LARGEST_GLIDE {
        here.hz * (glide * share).exp2()
    } else if share < 0.5 {
        here.hz
    } else {
        next.hz
    };
    let confidence = here.confidence + (next.confidence - here.confidence) * share as f32;
    PitchFrame { hz: hz as f32, confidence, voiced: confidence >= VOICED }
}
