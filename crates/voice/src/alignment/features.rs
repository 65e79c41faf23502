//! What an alignment listens to, 200 times a second: the mel spectrum as cepstra with their changes, and whether there is
//! a voice.
//!
//! Mel cepstra after S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word
//! recognition", IEEE Trans. ASSP 28(4), 1980.

use std::f64::consts::{PI, TAU};

use pitch::f0;
use realfft::RealFftPlanner;

/// Rate of everything that is listened to.
pub const RATE_HZ: u32 = 16_000;
/// Time between frames.
pub const HOP_SECONDS: f64 = 0.005;
pub const BANDS: usize = 24;
const CEPSTRA: usize = 13;
/// Cepstra and their changes.
pub const FEATURES: usize = 2 * CEPSTRA;

const HOP: usize = 80;
const WINDOW: usize = 320;
const FFT_LEN: usize = 512;
const LOWEST_HZ: f64 = 100.0;
const HIGHEST_HZ: f64 = 7_000.0;
/// A change is taken over so many frames to each side.
const CHANGE_FRAMES: usize = 3;

pub type Bands = [f64; BANDS];
pub type Features = [f32; FEATURES];

/// A recording as power in mel bands; frame `i` is centred on `i` · [`HOP_SECONDS`].
pub struct Spectrum {
    pub frames: Vec<Bands>,
}

impl Spectrum {
    /// Of mono samples at [`RATE_HZ`].
    pub fn of(samples: &[f32]) -> Self {
        let forward = RealFftPlanner::<f64>::new().plan_fft_forward(FFT_LEN);
        let (mut time, mut bins) = (forward.make_input_vec(), forward.make_output_vec());
        let window: Vec<f64> =
            (0..WINDOW).map(|i| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / WINDOW as f64).cos()).collect();
        let places = band_places(bins.len());
        let frames = (0..=samples.len() / HOP)
            .map(|frame| {
                time.fill(0.0);
                for (place, slot) in time.iter_mut().enumerate().take(WINDOW) {
                    let at = (frame * HOP + place).checked_sub(WINDOW / 2).and_then(|at| samples.get(at));
                    *slot = at.copied().filter(|s| s.is_finite()).map_or(0.0, |s| f64::from(s) * window[place]);
                }
                let done = forward.process(&mut time, &mut bins);
                debug_assert!(done.is_ok());
                let mut bands = [0.0; BANDS];
                for (bin, place) in bins.iter().zip(&places) {
                    let Some((band, share)) = *place else { continue };
                    let power = bin.norm_sqr() / FFT_LEN as f64;
                    if let Some(lower) = band.checked_sub(1) {
                        bands[lower] += power * (1.0 - share);
                    }
                    if band < BANDS {
                        bands[band] += power * share;
                    }
                }
                bands
            })
            .collect();
        Self { frames }
    }

    /// Mean power of each band over the frames that are loud enough to be speech, and how many they are.
    pub fn loud(&self) -> (Bands, usize) {
        let totals: Vec<f64> = self.frames.iter().map(|bands| bands.iter().sum()).collect();
        let most = percentile(&totals, 0.95);
        let mut mean = [0.0; BANDS];
        let mut count = 0;
        for (bands, total) in self.frames.iter().zip(&totals) {
            if *total > 0.02 * most {
                count += 1;
                mean.iter_mut().zip(bands).for_each(|(mean, power)| *mean += power);
            }
        }
        mean.iter_mut().for_each(|mean| *mean /= count.max(1) as f64);
        (mean, count)
    }

    /// Power of each band where nobody speaks.
    pub fn quiet(&self) -> Bands {
        let mut quiet = [0.0; BANDS];
        for (band, slot) in quiet.iter_mut().enumerate() {
            *slot = percentile(&self.frames.iter().map(|bands| bands[band]).collect::<Vec<f64>>(), 0.1);
        }
        quiet
    }

    /// Cepstra and changes of the bands, each band multiplied by `gain` and lifted by `floor`.
    pub fn features(&self, gain: &Bands, floor: &Bands) -> Vec<Features> {
        let basis = basis();
        let cepstra: Vec<[f64; CEPSTRA]> = self
            .frames
            .iter()
            .map(|bands| {
                let mut logs = [0.0; BANDS];
                for (band, log) in logs.iter_mut().enumerate() {
                    *log = (bands[band] * gain[band] + floor[band]).max(1e-30).ln();
                }
                let mut cepstrum = [0.0; CEPSTRA];
                for (order, slot) in cepstrum.iter_mut().enumerate() {
                    *slot = logs.iter().zip(&basis[order]).map(|(log, weight)| log * weight).sum();
                }
                cepstrum
            })
            .collect();
        let last = cepstra.len().saturating_sub(1);
        (0..cepstra.len())
            .map(|at| {
                let mut features = [0.0; FEATURES];
                let (before, after) = (at.saturating_sub(CHANGE_FRAMES), (at + CHANGE_FRAMES).min(last));
                for order in 0..CEPSTRA {
                    features[order] = cepstra[at][order] as f32;
                    features[CEPSTRA + order] = (cepstra[after][order] - cepstra[before][order]) as f32;
                }
                features
            })
            .collect()
    }
}

/// Which band a bin rises into and with what share; the rest belongs to the band below. `None` outside of all bands.
fn band_places(bins: usize) -> Vec<Option<(usize, f64)>> {
    let mel = |hz: f64| (1.0 + hz / 700.0).ln();
    let width = (mel(HIGHEST_HZ) - mel(LOWEST_HZ)) / (BANDS + 1) as f64;
    (0..bins)
        .map(|bin| {
            let hz = bin as f64 * f64::from(RATE_HZ) / FFT_LEN as f64;
            let place = (mel(hz) - mel(LOWEST_HZ)) / width;
            (place >= 0.0 && place < (BANDS + 1) as f64).then_some((place as usize, place.fract()))
        })
        .collect()
}

fn basis() -> [[f64; BANDS]; CEPSTRA] {
    let mut basis = [[0.0; BANDS]; CEPSTRA];
    for (order, row) in basis.iter_mut().enumerate() {
        for (band, slot) in row.iter_mut().enumerate() {
            *slot = (PI * order as f64 * (band as f64 + 0.5) / BANDS as f64).cos() / BANDS as f64;
        }
    }
    basis
}

/// Where there is a voice, for each of `count` frames, and its median pitch in Hz.
pub fn voicing(samples: &[f32], count: usize) -> (Vec<bool>, Option<f64>) {
    let track = f0::track(samples, RATE_HZ);
    let mut heard: Vec<f64> = track.frames.iter().filter(|f| f.voiced).map(|f| f64::from(f.hz)).collect();
    heard.sort_by(f64::total_cmp);
    let voiced = (0..count).map(|i| track.at(i as f64 * HOP_SECONDS).is_some_and(|frame| frame.voiced)).collect();
    (voiced, heard.get(heard.len() / 2).copied())
}

/// The value that the share of all values is below; 0 of none.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((share * sorted.len().saturating_sub(1) as f64).round() as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, seconds: f64) -> Vec<f32> {
        let count = (seconds * f64::from(RATE_HZ)) as usize;
        (0..count).map(|i| (0.3 * (TAU * hz * i as f64 / f64::from(RATE_HZ)).sin()) as f32).collect()
    }

    #[test]
    fn a_tone_is_in_its_band_and_in_time() {
        let mut samples = vec![0.0; 8_000];
        samples.extend(tone(1_000.0, 0.5));
        let spectrum = Spectrum::of(&samples);
        assert_eq!(spectrum.frames.len(), 201);
        let at = |frame: usize| spectrum.frames[frame].iter().sum::<f64>();
        assert!(at(90) < 1e-9 * at(150) && at(110) > 0.8 * at(150));
        let loudest =
            |frame: usize| (0..BANDS).max_by(|a, b| spectrum.frames[frame][*a].total_cmp(&spectrum.frames[frame][*b]));
        let other = Spectrum::of(&tone(4_000.0, 0.2));
        let higher = (0..BANDS).max_by(|a, b| other.frames[20][*a].total_cmp(&other.frames[20][*b]));
        assert!(higher > loudest(150), "{higher:?}");
    }

    #[test]
    fn a_change_of_level_changes_one_cepstrum_alone() {
        let spectrum = Spectrum::of(&tone(500.0, 0.3));
        let plain = spectrum.features(&[1.0; BANDS], &[1e-12; BANDS]);
        let louder = spectrum.features(&[4.0; BANDS], &[4e-12; BANDS]);
        let (a, b) = (&plain[30], &louder[30]);
        assert!((b[0] - a[0] - 4f32.ln()).abs() < 1e-4);
        assert!(a.iter().zip(b).skip(1).all(|(a, b)| (a - b).abs() < 1e-4));
        assert!(Spectrum::of(&[]).features(&[1.0; BANDS], &[1e-12; BANDS]).len() == 1);
        assert!(Spectrum::of(&[f32::NAN; 900]).frames.iter().flatten().all(|power| *power == 0.0));
    }
}
