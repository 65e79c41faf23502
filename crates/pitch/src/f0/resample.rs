//! Sample-rate conversion by a windowed sinc. Made for analysis: flat to 90 % of the lower Nyquist frequency, images and
//! aliases below −70 dB. It never allocates per sample and can be asked for any stretch of the output.

use std::f64::consts::PI;

/// Zero crossings of the sinc on each side, at the lower of the two rates.
const ZERO_CROSSINGS: f64 = 20.0;
/// Pass band as a share of the lower Nyquist frequency.
const CUTOFF: f64 = 0.93;
/// Kaiser window shape; 7 gives about −70 dB.
const KAISER_BETA: f64 = 7.0;
/// Most distinct sub-sample positions kept. Common rates need fewer and are exact; for others the nearest position is
/// taken, a timing error below 1/2048 of a sample.
const MOST_PHASES: u64 = 1_024;

/// Converts mono samples from one rate to another.
pub struct Resampler {
    from_hz: u64,
    to_hz: u64,
    phases: u64,
    half_taps: i64,
    /// `phases` rows of `2 * half_taps` coefficients.
    table: Vec<f32>,
}

impl Resampler {
    /// Both rates in Hz, at least 1.
    pub fn new(from_hz: u32, to_hz: u32) -> Self {
        let (from_hz, to_hz) = (u64::from(from_hz.max(1)), u64::from(to_hz.max(1)));
        let phases = (to_hz / greatest_common_divisor(from_hz, to_hz)).min(MOST_PHASES);
        // Width of the kernel in input samples: it stretches when the rate goes down.
        let scale = (to_hz as f64 / from_hz as f64).min(1.0) * CUTOFF;
        let half_taps = (ZERO_CROSSINGS / scale).ceil() as i64;
        let mut table = Vec::with_capacity((phases as usize) * 2 * half_taps as usize);
        for phase in 0..phases {
            let fraction = phase as f64 / phases as f64;
            let start = table.len();
            for tap in 0..2 * half_taps {
                let distance = (tap - half_taps + 1) as f64 - fraction;
                table.push((sinc(distance * scale) * kaiser(distance / half_taps as f64)) as f32);
            }
            // Unit gain at DC for every phase, so that no phase-rate ripple appears.
            let sum: f32 = table[start..].iter().sum();
            table[start..].iter_mut().for_each(|tap| *tap /= sum);
        }
        Self { from_hz, to_hz, phases, half_taps, table }
    }

    /// How many output samples a recording of `input_len` samples gives.
    pub fn output_len(&self, input_len: usize) -> usize {
        (input_len as u64 * self.to_hz).div_ceil(self.from_hz) as usize
    }

    /// Appends output samples `start..end` of the converted `input` to `out`. Outside of the recording is silence, and
    /// not-finite samples count as silence.
    pub fn append_range(&self, input: &[f32], start: usize, end: usize, out: &mut Vec<f32>) {
        out.reserve(end.saturating_sub(start));
        let row_len = 2 * self.half_taps as usize;
        for index in start..end {
            let position = index as u64 * self.from_hz;
            let remainder = position % self.to_hz;
            let rounded = (remainder * self.phases + self.to_hz / 2) / self.to_hz;
            let (whole, phase) = if rounded == self.phases {
                ((position / self.to_hz) as i64 + 1, 0)
            } else {
                ((position / self.to_hz) as i64, rounded as usize)
            };
            let row = &self.table[phase * row_len..(phase + 1) * row_len];
            let first = whole - self.half_taps + 1;
            out.push(dot_at(input, first, row));
        }
    }

    /// The whole recording converted.
    pub fn convert(&self, input: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        self.append_range(input, 0, self.output_len(input.len()), &mut out);
        out
    }
}

/// Dot product of `row` with `input[first..]`, zero outside.
fn dot_at(input: &[f32], first: i64, row: &[f32]) -> f32 {
    let from = first.max(0);
    let to = (first + row.len() as i64).min(input.len() as i64);
    if from >= to {
        return 0.0;
    }
    let taps = &row[(from - first) as usize..(to - first) as usize];
    let sum = dot(&input[from as usize..to as usize], taps);
    if sum.is_finite() {
        return sum;
    }
    let clean = |x: f32| if x.is_finite() { x } else { 0.0 };
    let sum: f32 = input[from as usize..to as usize].iter().zip(taps).map(|(&x, tap)| clean(x) * tap).sum();
    clean(sum)
}

/// Eight partial sums, so that the compiler may use vector registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_parts, b_parts) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_parts.remainder().iter().zip(b_parts.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_parts.zip(b_parts) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Kaiser window at `x` in −1 to 1.
fn kaiser(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        return 0.0;
    }
    bessel_i0(KAISER_BETA * (1.0 - x * x).sqrt()) / bessel_i0(KAISER_BETA)
}

/// Modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate: u32, len: usize) -> Vec<f32> {
        (0..len).map(|i| (2.0 * PI * hz * i as f64 / f64::from(rate)).sin() as f32).collect()
    }

    #[test]
    fn a_tone_keeps_its_shape_at_every_rate() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 44_101, 48_000, 96_000, 191_999, 192_000] {
            let input = tone(997.0, rate, rate as usize / 2);
            let output = Resampler::new(rate, 16_000).convert(&input);
            let truth = tone(997.0, 16_000, output.len());
            let worst = (500..7_000).map(|i| (output[i] - truth[i]).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-3, "{rate} Hz: off by {worst}");
        }
    }

    #[test]
    fn what_lies_above_the_new_nyquist_is_gone() {
        let output = Resampler::new(44_100, 16_000).convert(&tone(9_500.0, 44_100, 22_050));
        let worst = output[500..7_000].iter().fold(0.0f32, |top, x| top.max(x.abs()));
        assert!(worst < 1e-3, "alias of {worst}");
    }

    #[test]
    fn stretches_join_without_a_seam() {
        let input = tone(300.0, 44_100, 44_100);
        let resampler = Resampler::new(44_100, 16_000);
        let mut parts = Vec::new();
        resampler.append_range(&input, 0, 777, &mut parts);
        resampler.append_range(&input, 777, 16_000, &mut parts);
        assert_eq!(parts, resampler.convert(&input));
    }

    #[test]
    fn not_finite_samples_are_silence() {
        let mut input = tone(300.0, 16_000, 1_000);
        input[500] = f32::NAN;
        input[501] = f32::INFINITY;
        assert!(Resampler::new(16_000, 16_000).convert(&input).iter().all(|x| x.is_finite()));
    }
}
