//! Loudness by EBU R128 (ITU-R BS.1770-4), and bringing a recording to a target loudness.

use ebur128::{EbuR128, Mode};

use crate::{levels::clipped_share, limiter};

/// How loud a whole recording is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Loudness {
    /// Gated integrated loudness in LUFS; `None` below the gate of −70 LUFS or for less than 0.4 s.
    pub integrated_lufs: Option<f64>,
    /// Highest inter-sample magnitude of any channel in dBTP; `None` for digital silence.
    pub true_peak_dbtp: Option<f64>,
    /// Loudness range (EBU Tech 3342) in LU.
    pub range_lu: f64,
    /// Share (0–1) of samples in runs of at least three at full scale.
    pub clipped_share: f64,
}

/// How far the limiter may push peaks down for the sake of loudness, in dB. More than this is heard as damage, so a
/// recording with higher peaks stays quieter than the target.
const MAX_LIMITING_DB: f64 = 12.0;
/// Rounds of gain, limiting and measuring; the error shrinks several times in each.
const ROUNDS: usize = 6;
/// Close enough to the target, in LU.
const TOLERANCE_LU: f64 = 0.1;
/// The limiter aims this far below the ceiling, in dB, because changing gain moves inter-sample peaks a little.
const CEILING_MARGIN_DB: f64 = 0.1;

/// Measures interleaved samples. Answers with no level at all where there is nothing to measure: no samples, a rate or
/// channel count out of the standard's reach, or samples that are not finite.
pub fn measure_loudness(samples: &[f32], sample_rate_hz: u32, channels: u16) -> Loudness {
    let clipped_share = clipped_share(samples, channels);
    let nothing = Loudness { integrated_lufs: None, true_peak_dbtp: None, range_lu: 0.0, clipped_share };
    let whole = samples.len() - samples.len() % usize::from(channels.max(1));
    let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
    let Ok(mut meter) = EbuR128::new(channels.into(), sample_rate_hz, mode) else { return nothing };
    if whole == 0 || meter.add_frames_f32(&samples[..whole]).is_err() {
        return nothing;
    }
    let peak = (0..u32::from(channels)).filter_map(|channel| meter.true_peak(channel).ok()).fold(0.0, f64::max);
    Loudness {
        integrated_lufs: meter.loudness_global().ok().filter(|loudness| loudness.is_finite()),
        true_peak_dbtp: (peak > 0.0 && peak.is_finite()).then(|| 20.0 * peak.log10()),
        range_lu: meter.loudness_range().ok().filter(|range| range.is_finite()).unwrap_or(0.0),
        clipped_share,
    }
}

/// Brings interleaved samples to `target_lufs` with one gain and a look-ahead limiter that keeps the true peak at or
/// below `max_dbtp`; returns what was reached, measured.
///
/// The target is met within 0.5 LU unless that took more than 12 dB of limiting; then the result is quieter. Silence
/// stays as it is, and so does the balance between the channels.
pub fn normalise(samples: &mut [f32], sample_rate_hz: u32, channels: u16, target_lufs: f64, max_dbtp: f64) -> Loudness {
    for sample in samples.iter_mut().filter(|sample| !sample.is_finite()) {
        *sample = 0.0;
    }
    let before = measure_loudness(samples, sample_rate_hz, channels);
    let Some(true_peak) = before.true_peak_dbtp else { return before };
    // Too short to have a loudness: only the ceiling can be kept.
    let wanted_gain = before.integrated_lufs.map_or(0.0, |loudness| target_lufs - loudness);
    let highest_gain = max_dbtp - true_peak + MAX_LIMITING_DB;
    let mut gain = wanted_gain.min(highest_gain);
    let original = samples.to_vec();
    let ceiling = from_db(max_dbtp - CEILING_MARGIN_DB);
    let mut reached = before;
    for _ in 0..ROUNDS {
        let factor = from_db(gain);
        for (sample, original) in samples.iter_mut().zip(&original) {
            *sample = (f64::from(*original) * factor) as f32;
        }
        if true_peak + gain > max_dbtp {
            limiter::limit(samples, sample_rate_hz, channels, ceiling as f32);
        }
        reached = measure_loudness(samples, sample_rate_hz, channels);
        let missing = reached.integrated_lufs.map_or(0.0, |loudness| target_lufs - loudness);
        let next = (gain + missing).min(highest_gain);
        if missing.abs() <= TOLERANCE_LU || next == gain {
            break;
        }
        gain = next;
    }
    keep_ceiling(samples, sample_rate_hz, channels, max_dbtp, reached)
}

/// The limiter and the standard's meter interpolate differently by some hundredths of a decibel; the meter is right.
fn keep_ceiling(samples: &mut [f32], sample_rate_hz: u32, channels: u16, max_dbtp: f64, reached: Loudness) -> Loudness {
    let excess = reached.true_peak_dbtp.map_or(0.0, |peak| peak - max_dbtp);
    if excess <= 0.0 {
        return reached;
    }
    let factor = from_db(-excess - 0.001) as f32;
    for sample in samples.iter_mut() {
        *sample *= factor;
    }
    measure_loudness(samples, sample_rate_hz, channels)
}

fn from_db(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}
