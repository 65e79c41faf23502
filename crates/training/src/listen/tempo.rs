//! The beat: the lag at which the beginnings of sounds repeat themselves best.

use super::spectra::RATE;

/// Tempi that are said, in quarters per minute.
const SLOWEST_BPM: f64 = 50.0;
const FASTEST_BPM: f64 = 200.0;
/// Tempi are spread around this one; the spread is one standard deviation of the logarithm, in octaves (M. McKinney and
/// D. Moelants, "Ambiguity in tempo perception", Music Perception 24(2), 2006).
const COMMON_BPM: f64 = 112.0;
const COMMON_OCTAVES: f64 = 0.9;
/// A beat repeats at its double and at four times itself as well; the longest of them tells the tempo most exactly.
const MULTIPLES: [f64; 3] = [1.0, 2.0, 4.0];
/// Mean correlation (−1 to 1) of the flux with itself below which there is no steady beat.
const SURE: f64 = 0.2;
/// Neighbouring tempi tried differ by this factor.
const STEP: f64 = 1.002;
/// The mean of the flux over this many frames to both sides is what is usual; about 0.1 s.
const AROUND: usize = 12;
/// An onset stands this far above what is usual, in parts of the flux's spread, and this many frames from the last one.
const STANDS_OUT: f32 = 1.0;
const APART: usize = 8;

/// The tempo, where the flux keeps one.
pub fn estimate(flux: &[f32]) -> Option<f64> {
    let mean = flux.iter().sum::<f32>() / flux.len().max(1) as f32;
    let centred: Vec<f32> = smoothed(flux).iter().map(|value| value - mean).collect();
    let most = (RATE * 60.0 / SLOWEST_BPM * 4.0).ceil() as usize + 2;
    let correlation = correlation(&centred, most)?;
    let score = |bpm: f64| {
        let lag = RATE * 60.0 / bpm;
        MULTIPLES.iter().map(|multiple| at(&correlation, lag * multiple)).sum::<f64>() / MULTIPLES.len() as f64
    };
    let prior = |bpm: f64| (-0.5 * ((bpm / COMMON_BPM).log2() / COMMON_OCTAVES).powi(2)).exp();
    let steps = ((FASTEST_BPM / SLOWEST_BPM).ln() / STEP.ln()) as i32;
    let tempi = (0..=steps).map(|step| SLOWEST_BPM * STEP.powi(step));
    let best = tempi.max_by(|&a, &b| (score(a) * prior(a)).total_cmp(&(score(b) * prior(b))))?;
    (score(best) > SURE).then_some(best)
}

/// How many sounds begin.
pub fn onsets(flux: &[f32]) -> usize {
    let mean = flux.iter().sum::<f32>() / flux.len().max(1) as f32;
    let spread = (flux.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / flux.len().max(1) as f32).sqrt();
    if spread <= f32::EPSILON {
        return 0;
    }
    let (mut count, mut last) = (0, None);
    for (frame, value) in flux.iter().enumerate() {
        let around = flux.get(frame.saturating_sub(AROUND)..(frame + AROUND + 1).min(flux.len())).unwrap_or_default();
        let usual = around.iter().sum::<f32>() / around.len().max(1) as f32;
        let near = flux.get(frame.saturating_sub(2)..(frame + 3).min(flux.len())).unwrap_or_default();
        let is_peak = near.iter().all(|other| other <= value);
        if is_peak && *value > usual + STANDS_OUT * spread && last.is_none_or(|last| frame - last >= APART) {
            count += 1;
            last = Some(frame);
        }
    }
    count
}

/// Over five frames: beginnings are not exact to one.
fn smoothed(flux: &[f32]) -> Vec<f32> {
    const WEIGHTS: [f32; 5] = [1.0, 2.0, 3.0, 2.0, 1.0];
    let at = |frame: usize, tap: usize| (frame + tap).checked_sub(2).and_then(|i| flux.get(i)).copied().unwrap_or(0.0);
    let one = |frame: usize| WEIGHTS.iter().enumerate().map(|(tap, weight)| weight * at(frame, tap)).sum::<f32>() / 9.0;
    (0..flux.len()).map(one).collect()
}

/// Correlation with itself at every lag up to `most`, relative to that at none. `None` where there is too little, or nothing.
fn correlation(values: &[f32], most: usize) -> Option<Vec<f64>> {
    if values.len() < 2 * most {
        return None;
    }
    let at = |lag: usize| {
        let pairs = values.len() - lag;
        let sum: f64 = values.iter().zip(values.get(lag..).unwrap_or_default()).map(|(a, b)| f64::from(a * b)).sum();
        sum / pairs as f64
    };
    let none = at(0);
    (none > 1e-9).then(|| (0..=most).map(|lag| at(lag) / none).collect())
}

/// Between lags.
fn at(correlation: &[f64], lag: f64) -> f64 {
    let (whole, part) = (lag.floor() as usize, lag.fract());
    let value = |index: usize| correlation.get(index).copied().unwrap_or(0.0);
    value(whole) * (1.0 - part) + value(whole + 1) * part
}
