//! A piece as a run of short spectra, of which only what is needed further on is kept.

use realfft::RealFftPlanner;

use crate::SAMPLE_RATE_HZ;

/// Samples between frames and samples of a frame: 8 and 32 ms.
const HOP: usize = 256;
const WINDOW: usize = 1024;
/// Frames per second.
pub const RATE: f64 = SAMPLE_RATE_HZ as f64 / HOP as f64;
/// Magnitudes count by the logarithm of one plus this many times themselves: a soft note begins as much as a loud one.
const COMPRESSION: f32 = 100.0;
/// Frames so far below the loudest have no tone of their own, in dB.
const QUIET_DB: f32 = 40.0;

/// What the spectra say.
pub struct Spectra {
    /// How much of the sound is new in each frame: the sum of what grows in the compressed spectrum (spectral flux; S. Dixon,
    /// "Onset detection revisited", DAFx 2006).
    pub flux: Vec<f32>,
    /// Mean of the spectral centroid over frames that sound, in Hz.
    pub brightness_hz: f64,
}

impl Spectra {
    pub fn of(samples: &[f32]) -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
        let (mut input, mut output) = (fft.make_input_vec(), fft.make_output_vec());
        let window = hann(WINDOW);
        let mut last = vec![0.0_f32; output.len()];
        let mut flux = Vec::new();
        // Power and centroid of each frame.
        let mut tones: Vec<(f32, f32)> = Vec::new();
        for frame in samples.windows(WINDOW).step_by(HOP) {
            for ((to, from), weight) in input.iter_mut().zip(frame).zip(&window) {
                *to = from * weight;
            }
            if fft.process(&mut input, &mut output).is_err() {
                // Only lengths that do not fit are refused, and these do.
                break;
            }
            let (mut grown, mut sum, mut weighted, mut power) = (0.0, 0.0, 0.0, 0.0);
            for (bin, (value, last)) in output.iter().zip(&mut last).enumerate() {
                let magnitude = value.norm() / (WINDOW as f32 / 4.0);
                let compressed = (1.0 + COMPRESSION * magnitude).ln();
                grown += (compressed - *last).max(0.0);
                *last = compressed;
                sum += magnitude;
                weighted += magnitude * bin as f32;
                power += magnitude * magnitude;
            }
            flux.push(grown);
            let hz_of_bin = SAMPLE_RATE_HZ as f32 / WINDOW as f32;
            tones.push((power, if sum > 0.0 { weighted / sum * hz_of_bin } else { 0.0 }));
        }
        // The first frame comes out of nothing.
        if let Some(first) = flux.first_mut() {
            *first = 0.0;
        }
        Self { flux, brightness_hz: brightness(&tones) }
    }
}

fn brightness(tones: &[(f32, f32)]) -> f64 {
    let loudest = tones.iter().map(|(power, _)| *power).fold(0.0, f32::max);
    let least = loudest * 10f32.powf(-QUIET_DB / 10.0);
    let heard: Vec<f64> = tones.iter().filter(|tone| tone.0 > least).map(|tone| f64::from(tone.1)).collect();
    if heard.is_empty() { 0.0 } else { heard.iter().sum::<f64>() / heard.len() as f64 }
}

/// A Hann window.
pub fn hann(length: usize) -> Vec<f32> {
    let step = std::f32::consts::TAU / length as f32;
    (0..length).map(|i| 0.5 - 0.5 * (step * i as f32).cos()).collect()
}
