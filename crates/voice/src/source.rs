//! The sound at the larynx: pulses of the vocal folds and breath.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Relative size of the random change from cycle to cycle.
const JITTER: f64 = 0.0025;
const SHIMMER: f64 = 0.02;

/// Glottal flow derivative after Klatt & Klatt (1990), KLGLOTT88: 2φ − 3φ² while the folds are open, nothing while they
/// are shut. The jump at closing is band-limited (two-sample polynomial), else it would alias at high pitch.
#[derive(Debug, Clone)]
pub struct Folds {
    /// Position in the cycle, 0–1.
    phase: f64,
    open_quotient: f64,
    stretch: f64,
    strength: f64,
    tilt_state: f64,
}

/// One sample of the larynx.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    pub flow: f64,
    pub is_open: bool,
}

impl Folds {
    pub const fn new(open_quotient: f64) -> Self {
        Self { phase: 0.0, open_quotient, stretch: 1.0, strength: 1.0, tilt_state: 0.0 }
    }

    /// The next sample. `tilt` is the coefficient of a one-pole low-pass (0: none).
    pub fn next(&mut self, f0_hz: f64, rate_hz: f64, tilt: f64, dice: &mut ChaCha8Rng) -> Pulse {
        let step = (f0_hz * self.stretch / rate_hz).min(0.45);
        self.phase += step;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            self.stretch = 1.0 + JITTER * dice.random_range(-1.0..1.0);
            self.strength = 1.0 + SHIMMER * dice.random_range(-1.0..1.0);
        }
        let open = self.open_quotient;
        let mut flow = if self.phase < open {
            let x = self.phase / open;
            2.0 * x - 3.0 * x * x
        } else {
            0.0
        };
        let samples_past = (self.phase - open) / step;
        flow += 0.5 * step_correction(samples_past);
        flow *= self.strength;
        self.tilt_state = flow * (1.0 - tilt) + self.tilt_state * tilt;
        Pulse { flow: self.tilt_state, is_open: self.phase < open }
    }
}

/// Correction of a unit step of height 2 at a distance in samples (polyBLEP, Välimäki & Huovilainen 2007).
fn step_correction(samples_past: f64) -> f64 {
    if (0.0..1.0).contains(&samples_past) {
        2.0 * samples_past - samples_past * samples_past - 1.0
    } else if (-1.0..0.0).contains(&samples_past) {
        samples_past * samples_past + 2.0 * samples_past + 1.0
    } else {
        0.0
    }
}

/// White noise with a variance of about one.
pub fn noise(dice: &mut ChaCha8Rng) -> f64 {
    1.73 * dice.random_range(-1.0..1.0)
}

/// Coefficient of the one-pole low-pass that is `db` below its level at 0 Hz at 3 kHz.
pub fn tilt_coefficient(db: f64, rate_hz: f64) -> f64 {
    if db < 0.05 {
        return 0.0;
    }
    // |1 - a| / |1 - a e^-jw| = g  →  quadratic in a.
    let g = 10f64.powf(-db / 20.0).powi(2);
    let cos = (std::f64::consts::TAU * 3000.0 / rate_hz).cos();
    let b = (1.0 - g * cos) / (1.0 - g);
    b - (b * b - 1.0).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tilt_is_what_was_asked_for() {
        for db in [1.0, 6.0, 20.0] {
            let a = tilt_coefficient(db, 44100.0);
            assert!((0.0..1.0).contains(&a));
            let w = std::f64::consts::TAU * 3000.0 / 44100.0;
            let magnitude = (1.0 - a) / (1.0 - 2.0 * a * w.cos() + a * a).sqrt();
            assert!((20.0 * magnitude.log10() + db).abs() < 0.01);
        }
    }
}
