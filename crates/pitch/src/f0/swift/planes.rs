//! Convolutions over small images of frequency and time, on whatever vector registers the processor has.

use pulp::{Arch, Simd, WithSimd};

/// More than any vector register holds: room behind each row for reading and writing whole registers.
const ROOM: usize = 32;
/// Zeros before each row: how far a kernel looks back in time.
const MARGIN: usize = 1;

/// Channels × rows (frequencies) × times, with zeros on both sides of each row.
#[derive(Default)]
pub(super) struct Planes {
    channels: usize,
    rows: usize,
    times: usize,
    values: Vec<f32>,
}

impl Planes {
    /// Gives it a shape. Values are zeros or left over; the margins are zeros.
    pub fn reshape(&mut self, channels: usize, rows: usize, times: usize) {
        if (self.channels, self.rows, self.times) != (channels, rows, times) {
            (self.channels, self.rows, self.times) = (channels, rows, times);
            self.values.clear();
            self.values.resize(channels * rows * self.stride(), 0.0);
        }
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn times(&self) -> usize {
        self.times
    }

    fn stride(&self) -> usize {
        self.times + ROOM + 2 * MARGIN
    }

    /// The values of one row over time.
    pub fn row(&self, channel: usize, row: usize) -> &[f32] {
        &self.padded(channel, row)[MARGIN..MARGIN + self.times]
    }

    pub fn row_mut(&mut self, channel: usize, row: usize) -> &mut [f32] {
        let (start, times) = ((channel * self.rows + row) * self.stride() + MARGIN, self.times);
        &mut self.values[start..start + times]
    }

    fn padded(&self, channel: usize, row: usize) -> &[f32] {
        let start = (channel * self.rows + row) * self.stride();
        &self.values[start..start + self.stride()]
    }
}

/// A convolution of 1 or 3 times by any number of rows to `OUT` channels, zeros around.
pub(super) struct Convolution<const OUT: usize> {
    in_channels: usize,
    /// Rows and times of the kernel.
    size: [usize; 2],
    /// Rows between the kernel's rows.
    dilation: usize,
    /// In channels × kernel rows × kernel times, a weight for each output channel.
    weights: Vec<[f32; OUT]>,
    bias: [f32; OUT],
}

impl<const OUT: usize> Convolution<OUT> {
    /// `weights` are out channels × in channels × rows × times, as ONNX and PyTorch store them; `times` is 1 or 3.
    pub fn new(weights: &[f32], bias: &[f32], in_channels: usize, size: [usize; 2], dilation: usize) -> Self {
        let taps = in_channels * size[0] * size[1];
        let weights = (0..taps).map(|tap| std::array::from_fn(|out| weights[out * taps + tap])).collect();
        Self { in_channels, size, dilation, weights, bias: std::array::from_fn(|out| bias[out]) }
    }

    /// `out` becomes `input` convolved, with `rows` rows: output row `r` is centred on input row `r`. Then `added` is
    /// added, and what is below zero becomes zero when `relu` is set.
    pub fn run(&self, input: &Planes, out: &mut Planes, rows: usize, added: Option<&Planes>, relu: bool) {
        out.reshape(OUT, rows, input.times);
        debug_assert!(input.channels == self.in_channels);
        Arch::new().dispatch(Pass { convolution: self, input, out, added, relu });
    }
}

struct Pass<'a, const OUT: usize> {
    convolution: &'a Convolution<OUT>,
    input: &'a Planes,
    out: &'a mut Planes,
    added: Option<&'a Planes>,
    relu: bool,
}

impl<const OUT: usize> WithSimd for Pass<'_, OUT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { convolution, input, out, added, relu } = self;
        let (times, stride, rows) = (out.times, out.stride(), out.rows);
        let floor = simd.splat_f32s(if relu { 0.0 } else { f32::NEG_INFINITY });
        for row in 0..rows {
            for start in (0..times).step_by(S::F32_LANES) {
                let sums = convolution.sums(simd, input, row, start);
                for (channel, &sum) in sums.iter().enumerate() {
                    let at = (channel * rows + row) * stride + MARGIN + start;
                    let mut sum = sum;
                    if let Some(added) = added {
                        sum = simd.add_f32s(sum, load::<S>(&added.values[at..]));
                    }
                    store::<S>(&mut out.values[at..], simd.max_f32s(sum, floor));
                }
            }
            // Whole registers were written: what lies behind the last moment must read as zeros.
            for channel in 0..OUT {
                let end = (channel * rows + row) * stride + MARGIN + times;
                out.values[end..end + ROOM].fill(0.0);
            }
        }
    }
}

impl<const OUT: usize> Convolution<OUT> {
    /// All output channels of one row, for as many moments from `start` on as a register holds.
    #[inline(always)]
    fn sums<S: Simd>(&self, simd: S, input: &Planes, row: usize, start: usize) -> [S::f32s; OUT] {
        let [kernel_rows, kernel_times] = self.size;
        let mut sums = self.bias.map(|bias| simd.splat_f32s(bias));
        for (channel, weights) in self.weights.chunks_exact(kernel_rows * kernel_times).enumerate() {
            for (kernel_row, weights) in weights.chunks_exact(kernel_times).enumerate() {
                let above = (kernel_rows / 2) * self.dilation;
                let Some(from) = (row + kernel_row * self.dilation).checked_sub(above) else { continue };
                if from >= input.rows {
                    continue;
                }
                let samples = &input.padded(channel, from)[start + MARGIN - kernel_times / 2..];
                for (time, weights) in weights.iter().enumerate() {
                    let samples = load::<S>(&samples[time..]);
                    for (sum, &weight) in sums.iter_mut().zip(weights) {
                        *sum = simd.mul_add_e_f32s(simd.splat_f32s(weight), samples, *sum);
                    }
                }
            }
        }
        sums
    }
}

/// The first register of a slice that is long enough.
#[inline(always)]
fn load<S: Simd>(values: &[f32]) -> S::f32s {
    S::as_simd_f32s(&values[..S::F32_LANES]).0[0]
}

#[inline(always)]
fn store<S: Simd>(values: &mut [f32], register: S::f32s) {
    S::as_mut_simd_f32s(&mut values[..S::F32_LANES]).0[0] = register;
}
