//! The key: how much of each pitch class there is, against the profiles that listeners gave ([`music::key_profile`]).

use music::{Key, Mode, key_profile};
use realfft::RealFftPlanner;

use super::spectra::hann;
use crate::SAMPLE_RATE_HZ;

/// Long enough to tell semitones from A2 on: bins of 3.9 Hz.
const WINDOW: usize = 8_192;
const HOP: usize = 4_096;
/// What counts, in Hz: below, bins are wider than semitones; above are overtones.
const LOWEST_HZ: f64 = 100.0;
const HIGHEST_HZ: f64 = 1_600.0;
/// Correlation below which no key stands out, and the lead over the next key that it must have.
const SURE: f64 = 0.7;
const LEAD: f64 = 0.04;
/// Spread of the pitch classes relative to their mean below which they are those of noise.
const LEAST_CONTRAST: f64 = 0.25;
/// Lead at which a key is certain.
const SURE_LEAD: f64 = 0.2;

/// The best of the 24 keys, where one stands out.
pub fn estimate(samples: &[f32]) -> Option<Key> {
    let classes = classes(samples);
    if contrast(&classes) < LEAST_CONTRAST {
        return None;
    }
    let mut keys: Vec<(f64, u8, Mode)> = (0..12_u8)
        .flat_map(|tonic| [(tonic, Mode::Major), (tonic, Mode::Minor)])
        .map(|(tonic, mode)| (key_profile::correlation(&classes, usize::from(tonic), mode), tonic, mode))
        .collect();
    keys.sort_by(|a, b| b.0.total_cmp(&a.0));
    let [(best, tonic, mode), (next, ..), ..] = keys[..] else { return None };
    let lead = best - next;
    let confidence = (lead / SURE_LEAD).clamp(0.0, 1.0);
    (best >= SURE && lead >= LEAD).then_some(Key { tonic, mode, confidence })
}

/// Magnitudes by pitch class, every frame counting alike however loud it is. Only peaks of the spectrum count: noise and
/// drums have few.
fn classes(samples: &[f32]) -> [f64; 12] {
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
    let (mut input, mut output) = (fft.make_input_vec(), fft.make_output_vec());
    let window = hann(WINDOW);
    let hz_of_bin = f64::from(SAMPLE_RATE_HZ) / WINDOW as f64;
    let mut classes = [0.0; 12];
    for frame in samples.windows(WINDOW).step_by(HOP) {
        for ((to, from), weight) in input.iter_mut().zip(frame).zip(&window) {
            *to = from * weight;
        }
        if fft.process(&mut input, &mut output).is_err() {
            break;
        }
        let magnitudes: Vec<f64> = output.iter().map(|value| f64::from(value.norm())).collect();
        let mut own = [0.0; 12];
        for (bin, around) in magnitudes.windows(3).enumerate() {
            let &[before, here, after] = around else { continue };
            if here <= before || here < after {
                continue;
            }
            // The peak lies between the bins: a parabola through the logarithms of the three.
            let [a, b, c] = [before, here, after].map(|value| value.max(1e-12).ln());
            let curve = a - 2.0 * b + c;
            let shift = if curve < 0.0 { 0.5 * (a - c) / curve } else { 0.0 };
            let hz = (bin as f64 + 1.0 + shift) * hz_of_bin;
            if (LOWEST_HZ..HIGHEST_HZ).contains(&hz) {
                let class = (music::hz_to_midi(hz).round() as i64).rem_euclid(12) as usize;
                own[class] += here;
            }
        }
        let sum: f64 = own.iter().sum();
        if sum > 1e-6 {
            classes.iter_mut().zip(own).for_each(|(all, own)| *all += own / sum);
        }
    }
    classes
}

/// Standard deviation over mean.
fn contrast(classes: &[f64; 12]) -> f64 {
    let mean = classes.iter().sum::<f64>() / 12.0;
    let variance = classes.iter().map(|class| (class - mean).powi(2)).sum::<f64>() / 12.0;
    if mean > 0.0 { variance.sqrt() / mean } else { 0.0 }
}
