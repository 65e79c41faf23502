//! What the tracker listens to: the recording at [`RATE_HZ`], without rumble, in blocks. Memory does not grow with the
//! length of the recording.

use super::resample::Resampler;

/// Rate that pitch is analysed at: enough for the harmonics that define a pitch, a third of the work of 48 kHz.
pub(super) const RATE_HZ: u32 = 16_000;
/// Samples between frames.
pub(super) const HOP: usize = 160;
/// Samples per frame: 64 ms, tapered, so that about the middle 30 ms count.
pub(super) const FRAME_LEN: usize = 1_024;
pub(super) const FFT_LEN: usize = 1_536;
/// Frames conditioned at a time.
const BLOCK_FRAMES: usize = 512;
/// Removes DC, handling noise and most of 50 Hz hum; a sung 60 Hz loses 3 dB.
const HIGH_PASS_HZ: f64 = 60.0;

/// Calls `each(index, frame)` with `frame_len` samples centred on each hop, in order. Returns the number of frames.
pub(super) fn for_each_frame(
    samples: &[f32],
    sample_rate_hz: u32,
    frame_len: usize,
    mut each: impl FnMut(usize, &[f32]),
) -> usize {
    if samples.is_empty() {
        return 0;
    }
    let resampler = Resampler::new(sample_rate_hz, RATE_HZ);
    let total = resampler.output_len(samples.len());
    let frames = total / HOP + 1;
    let mut high_pass = [HighPass::butterworth(HIGH_PASS_HZ, 0.541), HighPass::butterworth(HIGH_PASS_HZ, 1.307)];

    // `buffer` holds conditioned samples from `first_frame * HOP - frame_len / 2` on.
    let mut buffer = vec![0.0; frame_len / 2];
    let mut fresh = Vec::new();
    let (mut made, mut first_frame) = (0, 0);
    while first_frame < frames {
        let count = BLOCK_FRAMES.min(frames - first_frame);
        let want = (first_frame + count - 1) * HOP + frame_len - frame_len / 2;
        fresh.clear();
        resampler.append_range(samples, made, want.min(total).max(made), &mut fresh);
        fresh.resize(want - made, 0.0);
        for sample in &mut fresh {
            *sample = high_pass.iter_mut().fold(*sample, |x, stage| stage.next(x));
        }
        made = want;
        buffer.extend_from_slice(&fresh);
        for frame in 0..count {
            each(first_frame + frame, &buffer[frame * HOP..frame * HOP + frame_len]);
        }
        buffer.drain(..count * HOP);
        first_frame += count;
    }
    frames
}

/// Second-order high-pass section (R. Bristow-Johnson, "Audio EQ Cookbook"), transposed direct form II.
struct HighPass {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl HighPass {
    fn butterworth(cutoff_hz: f64, q: f64) -> Self {
        let omega = std::f64::consts::TAU * cutoff_hz / f64::from(RATE_HZ);
        let (sin, cos) = omega.sin_cos();
        let alpha = sin / (2.0 * q);
        let a0 = 1.0 + alpha;
        let b1 = -(1.0 + cos) / a0;
        Self { b: [-b1 / 2.0, b1, -b1 / 2.0], a: [-2.0 * cos / a0, (1.0 - alpha) / a0], state: [0.0; 2] }
    }

    fn next(&mut self, x: f32) -> f32 {
        let x = f64::from(x);
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y as f32
    }
}
