//! Bringing a sound to a loudness: gone through block by block as often as it takes, so that no second copy of it is
//! ever in memory.

use std::convert::Infallible;

use crate::{BLOCK_FRAMES, Loudness, limiter::Limiter, loudness::Meter};

/// How far the limiter may push peaks down for the sake of loudness, in dB. More than this is heard as damage, so a
/// recording with higher peaks stays quieter than the target.
const MAX_LIMITING_DB: f64 = 12.0;
/// Rounds of gain, limiting and measuring; the error shrinks several times in each.
const ROUNDS: usize = 6;
/// Close enough to the target, in LU.
const TOLERANCE_LU: f64 = 0.1;
/// The limiter aims this far below the ceiling, in dB, because changing gain moves inter-sample peaks a little.
const CEILING_MARGIN_DB: f64 = 0.1;

/// Brings interleaved samples to `target_lufs` with one gain and a look-ahead limiter that keeps the true peak at or
/// below `max_dbtp`; returns what was reached, measured.
///
/// The target is met within 0.5 LU unless that took more than 12 dB of limiting; then the result is quieter. Silence
/// stays as it is, and so does the balance between the channels.
pub fn normalise(samples: &mut [f32], sample_rate_hz: u32, channels: u16, target_lufs: f64, max_dbtp: f64) -> Loudness {
    let shape = Shape { sample_rate_hz, channels };
    let block = BLOCK_FRAMES * usize::from(channels.max(1));
    let whole = samples.len() - samples.len() % usize::from(channels.max(1));
    let passed = |sink: &mut dyn FnMut(&[f32])| -> Result<(), Infallible> {
        samples[..whole].chunks(block).for_each(sink);
        Ok(())
    };
    let Ok((correction, reached)) = Correction::find(shape, target_lufs, max_dbtp, passed);
    let mut corrector = correction.begin();
    // What is written never overtakes what is read.
    let (mut taken, mut done) = (Vec::with_capacity(block), Vec::with_capacity(block));
    let mut written = 0;
    let mut write = |samples: &mut [f32], done: &mut Vec<f32>| {
        samples[written..written + done.len()].copy_from_slice(done);
        written += done.len();
        done.clear();
    };
    for start in (0..whole).step_by(block) {
        taken.clear();
        taken.extend_from_slice(&samples[start..whole.min(start + block)]);
        corrector.push(&taken, &mut done);
        write(samples, &mut done);
    }
    corrector.finish(&mut done);
    write(samples, &mut done);
    reached
}

/// What the samples of a sound are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) sample_rate_hz: u32,
    pub(crate) channels: u16,
}

/// What a sound is brought to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) target_lufs: f64,
    pub(crate) max_dbtp: f64,
    /// How far off the target is near enough.
    pub(crate) tolerance_lu: f64,
    /// By how much the peak that was measured before may be too low.
    pub(crate) peak_margin_db: f64,
}

/// What brings one sound to its loudness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correction {
    shape: Shape,
    gain_db: f64,
    /// Linear; `None` where no peak comes near the ceiling.
    limit: Option<f32>,
    /// Linear, behind the limiter.
    trim: f32,
}

impl Correction {
    /// Changes nothing.
    pub(crate) const fn none(shape: Shape) -> Self {
        Self::gain(shape, 0.0)
    }

    /// Only a gain.
    pub(crate) const fn gain(shape: Shape, gain_db: f64) -> Self {
        Self { shape, gain_db, limit: None, trim: 1.0 }
    }

    /// What the sound is turned up by, in dB, before it is limited.
    pub(crate) fn gain_db(&self) -> f64 {
        self.gain_db + 20.0 * f64::from(self.trim).log10()
    }

    /// Finds what brings a sound to `target_lufs` without a true peak above `max_dbtp`, and measures what that gives.
    /// `pass` goes through the sound from its beginning, in blocks of whole frames, each time the same; it is called up
    /// to `ROUNDS` + 2 times.
    ///
    /// # Errors
    /// Those of `pass`.
    pub(crate) fn find<E>(
        shape: Shape,
        target_lufs: f64,
        max_dbtp: f64,
        mut pass: impl FnMut(&mut dyn FnMut(&[f32])) -> Result<(), E>,
    ) -> Result<(Self, Loudness), E> {
        let before = Self::none(shape).measured(&mut pass)?;
        let goal = Goal { target_lufs, max_dbtp, tolerance_lu: TOLERANCE_LU, peak_margin_db: 0.0 };
        Self::find_from(before, shape, goal, pass)
    }

    /// As [`Correction::find`], for a sound that was measured `before`.
    ///
    /// # Errors
    /// Those of `pass`.
    pub(crate) fn find_from<E>(
        before: Loudness,
        shape: Shape,
        goal: Goal,
        mut pass: impl FnMut(&mut dyn FnMut(&[f32])) -> Result<(), E>,
    ) -> Result<(Self, Loudness), E> {
        let Goal { target_lufs, max_dbtp, tolerance_lu, peak_margin_db } = goal;
        let mut correction = Self::none(shape);
        let Some(true_peak) = before.true_peak_dbtp else { return Ok((correction, before)) };
        // Too short to have a loudness: only the ceiling can be kept.
        let wanted_gain = before.integrated_lufs.map_or(0.0, |loudness| target_lufs - loudness);
        let highest_gain = max_dbtp - true_peak + MAX_LIMITING_DB;
        let ceiling = from_db(max_dbtp - CEILING_MARGIN_DB) as f32;
        let mut reached = before;
        let mut gain = wanted_gain.min(highest_gain);
        for _ in 0..ROUNDS {
            correction.gain_db = gain;
            correction.limit = (true_peak + peak_margin_db + gain > max_dbtp).then_some(ceiling);
            reached = correction.measured(&mut pass)?;
            let missing = reached.integrated_lufs.map_or(0.0, |loudness| target_lufs - loudness);
            let next = (gain + missing).min(highest_gain);
            if missing.abs() <= tolerance_lu || next == gain {
                break;
            }
            gain = next;
        }
        // The limiter and the standard's meter interpolate differently by some hundredths of a decibel; the meter is
        // right.
        let excess = reached.true_peak_dbtp.map_or(0.0, |peak| peak - max_dbtp);
        if excess > 0.0 {
            correction.trim = from_db(-excess - 0.001) as f32;
            reached = correction.measured(&mut pass)?;
        }
        Ok((correction, reached))
    }

    /// How loud the corrected sound is.
    pub(crate) fn measured<E>(
        &self,
        pass: &mut impl FnMut(&mut dyn FnMut(&[f32])) -> Result<(), E>,
    ) -> Result<Loudness, E> {
        let mut meter = Meter::new(self.shape.sample_rate_hz, self.shape.channels);
        let (mut corrector, mut done) = (self.begin(), Vec::new());
        pass(&mut |block| {
            corrector.push(block, &mut done);
            meter.push(&done);
            done.clear();
        })?;
        corrector.finish(&mut done);
        meter.push(&done);
        Ok(meter.read())
    }

    /// Ready for the beginning of the sound.
    pub(crate) fn begin(&self) -> Corrector {
        self.begin_with(self.shape.channels.into())
    }

    /// As [`Correction::begin`] for frames that have more samples behind those of the sound, which get its gains.
    pub(crate) fn begin_with(&self, channels: usize) -> Corrector {
        let limiter = |ceiling| Limiter::new(self.shape.sample_rate_hz, channels, self.shape.channels, ceiling);
        Corrector {
            factor: from_db(self.gain_db),
            limiter: self.limit.map(limiter),
            trim: self.trim,
            scaled: Vec::new(),
        }
    }
}

/// A correction at work.
pub(crate) struct Corrector {
    factor: f64,
    limiter: Option<Limiter>,
    trim: f32,
    scaled: Vec<f32>,
}

impl Corrector {
    /// Takes whole frames of interleaved samples, those that are no number as silence, and appends to `corrected` what is
    /// done: in all never more than was taken.
    pub(crate) fn push(&mut self, samples: &[f32], corrected: &mut Vec<f32>) {
        let factor = self.factor;
        let scaled =
            samples.iter().map(|&sample| if sample.is_finite() { (f64::from(sample) * factor) as f32 } else { 0.0 });
        let first = corrected.len();
        match &mut self.limiter {
            None => corrected.extend(scaled),
            Some(limiter) => {
                self.scaled.clear();
                self.scaled.extend(scaled);
                limiter.push(&self.scaled, corrected);
            }
        }
        trim(&mut corrected[first..], self.trim);
    }

    /// Appends what is left once the last sample was taken.
    pub(crate) fn finish(self, corrected: &mut Vec<f32>) {
        let first = corrected.len();
        if let Some(limiter) = self.limiter {
            limiter.finish(corrected);
        }
        trim(&mut corrected[first..], self.trim);
    }
}

fn trim(samples: &mut [f32], factor: f32) {
    samples.iter_mut().for_each(|sample| *sample *= factor);
}

fn from_db(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}
