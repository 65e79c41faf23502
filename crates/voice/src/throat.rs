//! The body of a singer: the length of the tract, the manner of the folds, the range of the voice.

use super::phones::{FORMANTS, Shape};

/// Formants above those that speech moves.
pub const FIXED_FORMANTS: usize = 6;

/// One singer.
#[derive(Debug, Clone, PartialEq)]
pub struct Throat {
    /// Formant frequencies against those of the phone table, which is a man's.
    pub scale: [f64; FORMANTS],
    pub fixed_hz: [f64; FIXED_FORMANTS],
    pub fixed_bandwidth_hz: [f64; FIXED_FORMANTS],
    /// Share of a cycle in which the folds are open.
    pub open_quotient: f64,
    /// Tilt of a full voice at 3 kHz in dB.
    pub tilt_db: f64,
    pub breathiness: f64,
    /// Level of the air noise around 5.6 kHz that goes with the voice.
    pub air: f64,
    /// Comfortable range as MIDI numbers.
    pub lowest: f64,
    pub highest: f64,
}

impl Throat {
    /// A baritone. Fifth formant and up after a uniform tube of 17.5 cm (500 Hz and its odd multiples).
    pub const LOW: Self = Self {
        scale: [1.0; FORMANTS],
        fixed_hz: [4300.0, 5300.0, 6350.0, 7400.0, 8500.0, 9600.0],
        fixed_bandwidth_hz: [240.0, 380.0, 500.0, 650.0, 800.0, 1000.0],
        open_quotient: 0.62,
        tilt_db: 3.0,
        breathiness: 1.0,
        air: 0.013,
        lowest: 43.0,
        highest: 67.0,
    };

    /// A mezzo-soprano: a tract shorter by a sixth (mean ratio of women to men in Peterson & Barney: 1.12, 1.17, 1.15).
    pub const HIGH: Self = Self {
        scale: [1.12, 1.17, 1.14, 1.14],
        fixed_hz: [4950.0, 6100.0, 7300.0, 8500.0, 9700.0, 10900.0],
        fixed_bandwidth_hz: [280.0, 430.0, 560.0, 720.0, 880.0, 1100.0],
        open_quotient: 0.62,
        tilt_db: 4.0,
        breathiness: 1.5,
        air: 0.015,
        lowest: 55.0,
        highest: 79.0,
    };

    /// The middle of the range as a MIDI number.
    pub fn centre(&self) -> f64 {
        0.5 * (self.lowest + self.highest)
    }

    /// Gain that takes out most of the difference in loudness between vowels, computed from the harmonics that pass.
    pub fn evenness(&self, shape: &Shape, f0_hz: f64) -> f64 {
        const REFERENCE: f64 = 1.3;
        const SHARE: f64 = 0.7;
        let mut power = 0.0;
        let harmonics = (5000.0 / f0_hz).floor().clamp(1.0, 80.0) as usize;
        for harmonic in 1..=harmonics {
            let hz = harmonic as f64 * f0_hz;
            let mut response = 1.0 / harmonic as f64;
            for i in 0..FORMANTS {
                let formant =
                    if i == 0 { tuned(shape.hz[0] * self.scale[0], f0_hz) } else { shape.hz[i] * self.scale[i] };
                response *= resonance(hz, formant, shape.bandwidth_hz[i]);
            }
            // The ear hears the middle better than the bottom.
            let ear = (hz / 300.0).min(1.0) * if hz > 1500.0 { 1.4 } else { 1.0 };
            power += (response * ear).powi(2);
        }
        (REFERENCE / power.sqrt()).powf(SHARE).clamp(0.3, 2.5)
    }
}

/// The first formant of a singer follows a pitch that would pass it.
pub fn tuned(f1_hz: f64, f0_hz: f64) -> f64 {
    f1_hz.max(1.06 * f0_hz)
}

/// Magnitude of a two-pole resonator with unit gain at 0 Hz.
fn resonance(hz: f64, formant_hz: f64, bandwidth_hz: f64) -> f64 {
    let ratio = hz / formant_hz;
    let damping = bandwidth_hz / formant_hz;
    1.0 / ((1.0 - ratio * ratio).powi(2) + (ratio * damping).powi(2)).sqrt()
}
