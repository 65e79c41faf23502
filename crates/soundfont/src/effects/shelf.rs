//! Two shelving filters for both sides (R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter
//! coefficients"; transposed direct form II).

use std::f64::consts::{SQRT_2, TAU};

use super::StemMix;

const LOW_HZ: f64 = 160.0;
const HIGH_HZ: f64 = 6_000.0;
/// Keeps the filters out of numbers that processors are slow with.
const FLOOR: f32 = 1e-18;

/// Filters and sides in step, as processors like it: left and right of the low shelf, then of the high one.
const LANES: usize = 4;

/// Level, low shelf and high shelf of a stereo sound. What comes out is one frame late: the second filter works on what the
/// first made of the frame before.
pub(crate) struct Shelves {
    gain: f32,
    /// For each lane: b0, b1, b2, a1, a2 over a0.
    coefficients: [[f32; LANES]; 5],
    state: [[f32; LANES]; 2],
    between: [f32; 2],
}

impl Shelves {
    pub(crate) fn new(mix: &StemMix, sample_rate_hz: u32) -> Self {
        let mix = mix.bounded();
        let low = shelf(LOW_HZ, mix.low_db.into(), sample_rate_hz, Kind::Low);
        let high = shelf(HIGH_HZ, mix.high_db.into(), sample_rate_hz, Kind::High);
        Self {
            gain: 10f32.powf(mix.gain_db / 20.0),
            coefficients: std::array::from_fn(|index| [low[index], low[index], high[index], high[index]]),
            state: [[0.0; LANES]; 2],
            between: [0.0; 2],
        }
    }

    pub(crate) fn apply(&mut self, left: &mut [f32], right: &mut [f32]) {
        let [b0, b1, b2, a1, a2] = self.coefficients;
        let ([mut first, mut second], mut between) = (self.state, self.between);
        for (left, right) in left.iter_mut().zip(right) {
            let x = [*left * self.gain + FLOOR, *right * self.gain + FLOOR, between[0], between[1]];
            let y: [f32; LANES] = std::array::from_fn(|lane| b0[lane] * x[lane] + first[lane]);
            first = std::array::from_fn(|lane| b1[lane] * x[lane] - a1[lane] * y[lane] + second[lane]);
            second = std::array::from_fn(|lane| b2[lane] * x[lane] - a2[lane] * y[lane]);
            (*left, *right, between) = (y[2], y[3], [y[0], y[1]]);
        }
        (self.state, self.between) = ([first, second], between);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Low,
    High,
}

/// A shelf of slope 1.
fn shelf(hz: f64, db: f64, sample_rate_hz: u32, kind: Kind) -> [f32; 5] {
    let a = 10f64.powf(db / 40.0);
    let (sin, cos) = (TAU * hz / f64::from(sample_rate_hz.max(1))).sin_cos();
    let slope = 2.0 * a.sqrt() * sin / SQRT_2;
    let cos = if kind == Kind::High { -cos } else { cos };
    let turned = if kind == Kind::High { -1.0 } else { 1.0 };
    let b = [
        a * ((a + 1.0) - (a - 1.0) * cos + slope),
        turned * 2.0 * a * ((a - 1.0) - (a + 1.0) * cos),
        a * ((a + 1.0) - (a - 1.0) * cos - slope),
    ];
    let a0 = (a + 1.0) + (a - 1.0) * cos + slope;
    let feedback = [turned * -2.0 * ((a - 1.0) + (a + 1.0) * cos), (a + 1.0) + (a - 1.0) * cos - slope];
    [b[0], b[1], b[2], feedback[0], feedback[1]].map(|value| (value / a0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Level of a sine after the shelves, in dB.
    fn gain_at(mix: StemMix, hz: f32) -> f32 {
        const RATE: u32 = 44_100;
        let tone: Vec<f32> = (0..RATE).map(|i| (i as f32 * hz * std::f32::consts::TAU / RATE as f32).sin()).collect();
        let (mut left, mut right) = (tone.clone(), vec![0.0; tone.len()]);
        Shelves::new(&mix, RATE).apply(&mut left, &mut right);
        assert!(right.iter().all(|x| x.abs() < 1e-9));
        let level = |x: &[f32]| x[22_050..].iter().map(|x| x * x).sum::<f32>();
        10.0 * (level(&left) / level(&tone)).log10()
    }

    #[test]
    fn shelves_lift_their_ends_and_leave_the_middle() {
        let mix = StemMix { gain_db: -6.0, low_db: 4.0, high_db: -5.0, room: 0.0 };
        for (hz, expected) in [(30.0, -2.0), (160.0, -4.0), (1_000.0, -6.0), (6_000.0, -8.5), (18_000.0, -11.0)] {
            let gain = gain_at(mix, hz);
            assert!((gain - expected).abs() < 0.35, "{hz} Hz: {gain} dB instead of {expected}");
        }
        assert!(gain_at(StemMix { low_db: f32::NAN, high_db: 0.0, ..StemMix::PLAIN }, 1_000.0).abs() < 0.01);
    }
}
