//! One layer of CREPE: a convolution done exactly in the frequency domain, then ReLU, batch normalisation and pooling.
//!
//! A kernel of 64 taps over 128 samples is a product of spectra once the transform is long enough that nothing wraps
//! round into what is kept. The sum over input channels is then one small matrix product per frequency, with real and
//! imaginary parts stacked: `[Re | Im] · [[Wr, Wi], [−Wi, Wr]]`. A stride becomes as many input channels as it is long,
//! each holding every `stride`-th sample.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

use crate::f0::matmul;

/// Channels whose spectra are rearranged together: their values at one frequency fill a cache line.
const TOGETHER: usize = 16;
/// Output channels whose products are kept at a time: few enough for the cache.
const MOST_OUT_AT_ONCE: usize = 128;

/// Shape of a layer. `in_len` counts samples of a channel before the stride, `pad_left` the zeros before the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub in_channels: usize,
    pub out_channels: usize,
    pub in_len: usize,
    pub kernel: usize,
    pub stride: usize,
    pub pad_left: usize,
}

impl Shape {
    /// Outputs of the convolution in each channel; pooling halves them.
    fn conv_len(&self) -> usize {
        self.in_len / self.stride
    }

    pub fn out_len(&self) -> usize {
        self.conv_len() / 2
    }

    /// Where tap `k` reaches: the sub-channel, and how many of its samples ahead of the output.
    fn tap(&self, k: usize) -> (usize, isize) {
        let ahead = k as isize - self.pad_left as isize;
        let stride = self.stride as isize;
        (ahead.rem_euclid(stride) as usize, ahead.div_euclid(stride))
    }

    /// The shortest transform with which no tap wraps round into the kept outputs.
    fn fft_len(&self) -> usize {
        let reach = self.tap(0).1.unsigned_abs().max(self.tap(self.kernel - 1).1.unsigned_abs());
        (self.conv_len() + reach).next_multiple_of(2)
    }

    fn bins(&self) -> usize {
        self.fft_len() / 2 + 1
    }

    /// Channels that enter the products: the stride multiplies them.
    fn spectra(&self) -> usize {
        self.in_channels * self.stride
    }

    fn out_at_once(&self) -> usize {
        self.out_channels.min(MOST_OUT_AT_ONCE)
    }
}

/// What follows the convolution in a layer, each a value per output channel.
pub(super) struct Finish {
    pub bias: Vec<f32>,
    /// Batch normalisation as one multiplication …
    pub scale: Vec<f32>,
    /// … and one addition.
    pub shift: Vec<f32>,
}

/// Reused memory of a layer's work. One for each thread.
#[derive(Default)]
pub(super) struct Scratch {
    /// Bins × frames × [Re of all spectra | Im of all spectra].
    spectra: Vec<f32>,
    /// Bins × frames × [Re | Im] of the output channels at work.
    products: Vec<f32>,
    signal: Vec<f32>,
    bins: Vec<Complex32>,
    fft: Vec<Complex32>,
}

pub(super) struct Layer {
    pub shape: Shape,
    finish: Finish,
    /// Blocks of output channels × bins × (2 · spectra) × (2 · channels of the block).
    weights: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl Layer {
    /// `kernels` are out channels × in channels × taps, as PyTorch stores them.
    pub fn new(shape: Shape, kernels: &[f32], finish: Finish) -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(shape.fft_len()), planner.plan_fft_inverse(shape.fft_len()));
        let weights = spectral_weights(&shape, kernels, &forward);
        Self { shape, finish, weights, forward, inverse }
    }

    /// `input` is frames × in channels × `in_len`; `out` becomes frames × out channels × `out_len`.
    pub fn run(&self, input: &[f32], frames: usize, scratch: &mut Scratch, out: &mut Vec<f32>) {
        let shape = &self.shape;
        out.resize(frames * shape.out_channels * shape.out_len(), 0.0);
        self.transform(input, frames, scratch);
        for (block, start) in (0..shape.out_channels).step_by(shape.out_at_once()).enumerate() {
            let width = shape.out_at_once().min(shape.out_channels - start);
            self.multiply(block, width, frames, scratch);
            self.finish_block(start..start + width, frames, scratch, out);
        }
    }

    /// Spectra of all channels of all frames, gathered by frequency.
    fn transform(&self, input: &[f32], frames: usize, scratch: &mut Scratch) {
        let shape = &self.shape;
        let (bins, row) = (shape.bins(), 2 * shape.spectra());
        scratch.spectra.resize(bins * frames * row, 0.0);
        scratch.signal.resize(shape.fft_len(), 0.0);
        scratch.bins.resize(TOGETHER * bins, Complex32::default());
        scratch.fft.resize(self.forward.get_scratch_len().max(self.inverse.get_scratch_len()), Complex32::default());
        for (frame, input) in input.chunks_exact(shape.in_channels * shape.in_len).take(frames).enumerate() {
            for first in (0..shape.spectra()).step_by(TOGETHER) {
                let count = TOGETHER.min(shape.spectra() - first);
                for (offset, spectrum) in scratch.bins.chunks_exact_mut(bins).take(count).enumerate() {
                    let (channel, phase) = ((first + offset) / shape.stride, (first + offset) % shape.stride);
                    let samples = &input[channel * shape.in_len + phase..(channel + 1) * shape.in_len];
                    scratch.signal.fill(0.0);
                    for (to, from) in scratch.signal.iter_mut().zip(samples.iter().step_by(shape.stride)) {
                        *to = *from;
                    }
                    // Lengths are those of the plan, so the transform cannot refuse.
                    let done = self.forward.process_with_scratch(&mut scratch.signal, spectrum, &mut scratch.fft);
                    debug_assert!(done.is_ok());
                }
                for bin in 0..bins {
                    let at = (bin * frames + frame) * row + first;
                    let (re, im) = scratch.spectra[at..].split_at_mut(shape.spectra());
                    for offset in 0..count {
                        let value = scratch.bins[offset * bins + bin];
                        re[offset] = value.re;
                        im[offset] = value.im;
                    }
                }
            }
        }
    }

    fn multiply(&self, block: usize, width: usize, frames: usize, scratch: &mut Scratch) {
        let shape = &self.shape;
        let (bins, inner) = (shape.bins(), 2 * shape.spectra());
        scratch.products.resize(bins * frames * 2 * width, 0.0);
        let first = block * bins * inner * 2 * shape.out_at_once();
        let weights = self.weights[first..].chunks_exact(inner * 2 * width);
        let spectra = scratch.spectra.chunks_exact(frames * inner);
        let products = scratch.products.chunks_exact_mut(frames * 2 * width);
        for ((product, spectrum), weight) in products.zip(spectra).zip(weights) {
            matmul::multiply(product, spectrum, weight, frames, inner, 2 * width);
        }
    }

    /// Back to time, then bias, ReLU, normalisation and pooling, for a block of output channels.
    fn finish_block(&self, channels: std::ops::Range<usize>, frames: usize, scratch: &mut Scratch, out: &mut [f32]) {
        let shape = &self.shape;
        let (bins, row, width) = (shape.bins(), 2 * channels.len(), channels.len());
        for (frame, out) in out.chunks_exact_mut(shape.out_channels * shape.out_len()).enumerate() {
            for first in (0..width).step_by(TOGETHER) {
                let count = TOGETHER.min(width - first);
                for bin in 0..bins {
                    let at = (bin * frames + frame) * row + first;
                    let (re, im) = (&scratch.products[at..][..count], &scratch.products[at + width..][..count]);
                    for (offset, (&re, &im)) in re.iter().zip(im).enumerate() {
                        scratch.bins[offset * bins + bin] = Complex32::new(re, im);
                    }
                }
                for (offset, spectrum) in scratch.bins.chunks_exact_mut(bins).take(count).enumerate() {
                    // What rounding left there would make the inverse transform refuse.
                    spectrum[0].im = 0.0;
                    spectrum[bins - 1].im = 0.0;
                    let done = self.inverse.process_with_scratch(spectrum, &mut scratch.signal, &mut scratch.fft);
                    debug_assert!(done.is_ok());
                    let channel = channels.start + first + offset;
                    let to = &mut out[channel * shape.out_len()..][..shape.out_len()];
                    self.pool(channel, &scratch.signal, to);
                }
            }
        }
    }

    fn pool(&self, channel: usize, signal: &[f32], out: &mut [f32]) {
        let Finish { bias, scale, shift } = &self.finish;
        let (bias, scale, shift) = (bias[channel], scale[channel], shift[channel]);
        let value = |x: f32| (x + bias).max(0.0) * scale + shift;
        for (out, pair) in out.iter_mut().zip(signal.chunks_exact(2)) {
            *out = value(pair[0]).max(value(pair[1]));
        }
    }
}

/// The kernels' spectra in the order of [`Layer::weights`]. PyTorch's convolution is a correlation: the tap that reaches
/// `q` samples ahead stands at `−q`.
fn spectral_weights(shape: &Shape, kernels: &[f32], forward: &Arc<dyn RealToComplex<f32>>) -> Vec<f32> {
    let (bins, spectra, fft_len) = (shape.bins(), shape.spectra(), shape.fft_len());
    let mut weights = vec![0.0; bins * 2 * spectra * 2 * shape.out_channels];
    let mut signal = vec![0.0f32; fft_len];
    let mut spectrum = vec![Complex32::default(); bins];
    let mut scratch = vec![Complex32::default(); forward.get_scratch_len()];
    for (out, kernels) in kernels.chunks_exact(shape.in_channels * shape.kernel).enumerate() {
        let block_start = out - out % shape.out_at_once();
        let width = shape.out_at_once().min(shape.out_channels - block_start);
        let column = out - block_start;
        let block = &mut weights[block_start * bins * 2 * spectra * 2..];
        for (channel, kernel) in kernels.chunks_exact(shape.kernel).enumerate() {
            for phase in 0..shape.stride {
                signal.fill(0.0);
                for (k, &tap) in kernel.iter().enumerate().filter(|(k, _)| shape.tap(*k).0 == phase) {
                    signal[(-shape.tap(k).1).rem_euclid(fft_len as isize) as usize] = tap / fft_len as f32;
                }
                let done = forward.process_with_scratch(&mut signal, &mut spectrum, &mut scratch);
                debug_assert!(done.is_ok());
                let row = channel * shape.stride + phase;
                for (matrix, value) in block.chunks_exact_mut(2 * spectra * 2 * width).zip(&spectrum) {
                    let (real_rows, imaginary_rows) = matrix.split_at_mut(spectra * 2 * width);
                    real_rows[row * 2 * width + column] = value.re;
                    real_rows[row * 2 * width + width + column] = value.im;
                    imaginary_rows[row * 2 * width + column] = -value.im;
                    imaginary_rows[row * 2 * width + width + column] = value.re;
                }
            }
        }
    }
    weights
}
