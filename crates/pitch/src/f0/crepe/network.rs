//! The network: six convolution layers and a classifier over 360 pitch bins. The number of channels is read from the
//! weights, so the same code runs every size.

use super::convolution::{Finish, Layer, Scratch, Shape};
use crate::{
    error::PitchError,
    f0::{matmul, weights::Weights},
};

/// Samples of a frame: 64 ms.
pub(super) const FRAME_LEN: usize = 1_024;
/// Pitch bins, 20 cents apart.
pub(super) const BINS: usize = 360;
/// Batch normalisation's epsilon, a converted model's 0.001 in single precision.
const EPSILON: f32 = 0.001;

const LAYERS: usize = 6;
/// More channels than this are no CREPE, and would ask for more memory than anybody has.
const MOST_CHANNELS: usize = 4_096;

pub(super) struct Network {
    layers: Vec<Layer>,
    /// Features × bins.
    classifier: Vec<f32>,
    classifier_bias: Vec<f32>,
}

/// Reused memory of one thread.
#[derive(Default)]
pub(super) struct Workspace {
    scratch: Scratch,
    here: Vec<f32>,
    next: Vec<f32>,
}

impl Network {
    /// # Errors
    /// [`PitchError::Weights`] naming the tensor that is missing or has another shape.
    pub fn new(weights: &Weights) -> Result<Self, PitchError> {
        let mut layers: Vec<Layer> = Vec::with_capacity(LAYERS);
        for index in 1..=LAYERS {
            let before = layers.last().map(|layer| layer.shape);
            layers.push(read_layer(weights, index, before)?);
        }
        let last = layers[LAYERS - 1].shape;
        let features = last.out_channels * last.out_len();
        let rows = weights.of_shape("classifier.weight", &[BINS, features])?;
        // The features come out as channels × time and are stored as time × channels.
        let (channels, times) = (last.out_channels, last.out_len());
        let mut classifier = vec![0.0; features * BINS];
        for (bin, row) in rows.chunks_exact(features).enumerate() {
            for (feature, &weight) in row.iter().enumerate() {
                let (time, channel) = (feature / channels, feature % channels);
                classifier[(channel * times + time) * BINS + bin] = weight;
            }
        }
        let classifier_bias = weights.of_shape("classifier.bias", &[BINS])?.to_vec();
        Ok(Self { layers, classifier, classifier_bias })
    }

    /// Activations of normalised frames: `frames` holds frames × [`FRAME_LEN`], `out` frames × [`BINS`], 0 to 1 each.
    pub fn run(&self, frames: &[f32], workspace: &mut Workspace, out: &mut [f32]) {
        let count = out.len() / BINS;
        let Workspace { scratch, here, next } = workspace;
        here.clear();
        here.extend_from_slice(frames);
        for layer in &self.layers {
            layer.run(here, count, scratch, next);
            std::mem::swap(here, next);
        }
        let features = self.classifier.len() / BINS;
        matmul::multiply(out, here, &self.classifier, count, features, BINS);
        for row in out.chunks_exact_mut(BINS) {
            for (value, bias) in row.iter_mut().zip(&self.classifier_bias) {
                *value = 1.0 / (1.0 + (-(*value + bias)).exp());
            }
        }
    }
}

/// Layer 1 has 512 taps, stride 4 and 254 zeros on each side; the others 64 taps, 31 zeros before and 32 behind.
fn read_layer(weights: &Weights, index: usize, before: Option<Shape>) -> Result<Layer, PitchError> {
    let name = format!("conv{index}");
    let kernels = weights.any_shape(&format!("{name}.weight"))?;
    let out_channels = kernels.shape.first().copied().unwrap_or_default();
    if !(1..=MOST_CHANNELS).contains(&out_channels) {
        return Err(PitchError::Weights(format!("{name}.weight has {out_channels} channels")));
    }
    let shape = match before {
        None => Shape { in_channels: 1, out_channels, in_len: FRAME_LEN, kernel: 512, stride: 4, pad_left: 254 },
        Some(before) => Shape {
            in_channels: before.out_channels,
            out_channels,
            in_len: before.out_len(),
            kernel: 64,
            stride: 1,
            pad_left: 31,
        },
    };
    let kernels = weights.of_shape(&format!("{name}.weight"), &[out_channels, shape.in_channels, shape.kernel, 1])?;
    let channels = |part: &str| weights.of_shape(&format!("{name}{part}"), &[out_channels]);
    let (mean, variance) = (channels("_BN.running_mean")?, channels("_BN.running_var")?);
    if variance.iter().any(|&variance| variance < 0.0) {
        return Err(PitchError::Weights(format!("{name}_BN.running_var is negative")));
    }
    let scale: Vec<f32> =
        channels("_BN.weight")?.iter().zip(variance).map(|(weight, var)| weight / (var + EPSILON).sqrt()).collect();
    let shift =
        channels("_BN.bias")?.iter().zip(mean).zip(&scale).map(|((bias, mean), scale)| bias - mean * scale).collect();
    let finish = Finish { bias: channels(".bias")?.to_vec(), scale, shift };
    Ok(Layer::new(shape, kernels, finish))
}
