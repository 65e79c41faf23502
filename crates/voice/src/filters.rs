//! Second-order sections.

use std::f64::consts::{PI, TAU};

/// A resonance with unit gain at 0 Hz, as in Klatt (1980), or its inverse.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    x: [f64; 2],
    y: [f64; 2],
}

impl Resonator {
    pub fn tune(&mut self, hz: f64, bandwidth_hz: f64, rate_hz: f64) {
        let hz = hz.clamp(20.0, 0.46 * rate_hz);
        let radius = (-PI * bandwidth_hz.max(10.0) / rate_hz).exp();
        self.c = -radius * radius;
        self.b = 2.0 * radius * (TAU * hz / rate_hz).cos();
        self.a = 1.0 - self.b - self.c;
    }

    pub fn resonate(&mut self, x: f64) -> f64 {
        let y = self.a * x + self.b * self.y[0] + self.c * self.y[1];
        self.y = [y, self.y[0]];
        y
    }

    /// The mirror of `resonate`: a zero where that has a pole.
    pub fn cancel(&mut self, x: f64) -> f64 {
        let y = (x - self.b * self.x[0] - self.c * self.x[1]) / self.a;
        self.x = [x, self.x[0]];
        y
    }

    /// A band of unit gain at its centre: the resonance with zeros at 0 Hz and half the rate.
    pub fn band(&mut self, x: f64) -> f64 {
        let gain = 0.5 * (1.0 + self.c);
        let y = gain * (x - self.x[1]) + self.b * self.y[0] + self.c * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y
    }
}

/// A general section after Bristow-Johnson's audio EQ cookbook.
#[derive(Debug, Clone, Copy, Default)]
pub struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    x: [f64; 2],
    y: [f64; 2],
}

impl Biquad {
    pub fn high_pass(hz: f64, q: f64, rate_hz: f64) -> Self {
        let (sin, cos) = (TAU * hz / rate_hz).sin_cos();
        let alpha = sin / (2.0 * q);
        let b = 0.5 * (1.0 + cos);
        Self::scaled([b, -2.0 * b, b], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    pub fn peak(hz: f64, q: f64, gain_db: f64, rate_hz: f64) -> Self {
        let (sin, cos) = (TAU * hz / rate_hz).sin_cos();
        let alpha = sin / (2.0 * q);
        let a = 10f64.powf(gain_db / 40.0);
        Self::scaled([1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a], [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a])
    }

    pub fn high_shelf(hz: f64, gain_db: f64, rate_hz: f64) -> Self {
        let (sin, cos) = (TAU * hz / rate_hz).sin_cos();
        let a = 10f64.powf(gain_db / 40.0);
        let alpha = sin * std::f64::consts::FRAC_1_SQRT_2;
        let root = 2.0 * a.sqrt() * alpha;
        let (plus, minus) = (a + 1.0, a - 1.0);
        Self::scaled(
            [a * (plus + minus * cos + root), -2.0 * a * (minus + plus * cos), a * (plus + minus * cos - root)],
            [plus - minus * cos + root, 2.0 * (minus - plus * cos), plus - minus * cos - root],
        )
    }

    fn scaled(b: [f64; 3], a: [f64; 3]) -> Self {
        Self { b: b.map(|v| v / a[0]), a: [a[1] / a[0], a[2] / a[0]], ..Self::default() }
    }

    pub fn next(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.b[1] * self.x[0] + self.b[2] * self.x[1]
            - self.a[0] * self.y[0]
            - self.a[1] * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_resonance_is_nothing() {
        let (mut pole, mut zero) = (Resonator::default(), Resonator::default());
        pole.tune(500.0, 80.0, 44100.0);
        zero.tune(500.0, 80.0, 44100.0);
        for i in 0..200 {
            let x = f64::from(i % 7) - 3.0;
            assert!((zero.cancel(pole.resonate(x)) - x).abs() < 1e-6);
        }
    }

    #[test]
    fn bands_and_high_passes_take_out_what_does_not_change() {
        let mut band = Resonator::default();
        band.tune(3000.0, 500.0, 44100.0);
        let mut high = Biquad::high_pass(80.0, 0.7, 44100.0);
        let last = (0..44100).map(|_| (band.band(1.0), high.next(1.0))).last().expect("samples");
        assert!(last.0.abs() < 1e-6 && last.1.abs() < 1e-6);
    }
}
