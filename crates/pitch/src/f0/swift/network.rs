//! The residual network over bands and time, with a head for pitch and one for voicing.

use super::{
    planes::{Convolution, Planes},
    spectrum::BANDS,
};
use crate::{error::PitchError, f0::weights::Weights};

/// Pitches that are scored, evenly spaced in logarithm from [`LOWEST_HZ`] to [`HIGHEST_HZ`].
pub(super) const PITCHES: usize = 95;
pub(super) const LOWEST_HZ: f64 = 46.875;
pub(super) const HIGHEST_HZ: f64 = 2_093.75;

const CHANNELS: usize = 12;
const HEAD_CHANNELS: usize = 4;
const HIDDEN: usize = 16;
/// Frames on each side that a frame's answer depends on: seven layers look one frame to each side.
pub(super) const CONTEXT: usize = 7;

/// Rows, times and dilation of the two convolutions of each residual block, and their names in the file of swift-f0
/// 0.3.0: weights and bias of the first, of the second.
const BLOCKS: [([usize; 2], usize, [&str; 4]); 6] = [
    ([7, 3], 1, ["v357", "v358", "v361", "v362"]),
    ([7, 1], 17, ["v366", "v367", "v370", "v371"]),
    ([5, 1], 27, ["v375", "v376", "v379", "v380"]),
    ([3, 1], 40, ["v384", "v385", "v388", "v389"]),
    ([3, 1], 48, ["v393", "v394", "v397", "v398"]),
    ([7, 3], 2, ["v402", "v403", "v406", "v407"]),
];

pub(super) struct Network {
    entry: Convolution<CHANNELS>,
    blocks: Vec<[Convolution<CHANNELS>; 2]>,
    head: Convolution<HEAD_CHANNELS>,
    pitch: ([f32; HEAD_CHANNELS], f32),
    voicing: Convolution<HEAD_CHANNELS>,
    /// Hidden × (head channels and loudness) × 3 times.
    hidden: (Vec<f32>, Vec<f32>),
    sung: (Vec<f32>, f32),
}

/// Reused memory.
#[derive(Default)]
pub(super) struct Workspace {
    here: Planes,
    between: Planes,
    next: Planes,
    head: Planes,
    voicing: Planes,
}

/// One frame's answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Answer {
    pub hz: f64,
    /// 0 to 1; sung from 0.5 on.
    pub confidence: f32,
}

impl Network {
    /// # Errors
    /// [`PitchError::Weights`] naming the tensor that is missing or has another shape.
    pub fn new(weights: &Weights) -> Result<Self, PitchError> {
        let mut blocks = Vec::new();
        for (size, dilation, [first, first_bias, second, second_bias]) in BLOCKS {
            blocks.push([
                convolution(weights, [first, first_bias], CHANNELS, size, dilation)?,
                convolution(weights, [second, second_bias], CHANNELS, size, dilation)?,
            ]);
        }
        let scores = weights.of_shape("v425", &[1, HEAD_CHANNELS, 1, 1])?;
        let inputs = HEAD_CHANNELS + 1;
        Ok(Self {
            entry: convolution(weights, ["v353", "v354"], 3, [3, 3], 1)?,
            blocks,
            head: convolution(weights, ["v413", "v414"], CHANNELS, [3, 3], 1)?,
            pitch: (std::array::from_fn(|channel| scores[channel]), weights.of_shape("v426", &[1])?[0]),
            voicing: convolution(weights, ["v417", "v418"], HEAD_CHANNELS, [5, 1], 1)?,
            hidden: (
                weights.of_shape("v430", &[HIDDEN, inputs, 3])?.to_vec(),
                weights.of_shape("v431", &[HIDDEN])?.to_vec(),
            ),
            sung: (weights.of_shape("v434", &[1, HIDDEN, 1])?.to_vec(), weights.of_shape("v435", &[1])?[0]),
        })
    }

    /// An answer for each frame of `bands`.
    pub fn run(&self, bands: &Planes, workspace: &mut Workspace, answers: &mut Vec<Answer>) {
        let Workspace { here, between, next, head, voicing } = workspace;
        self.entry.run(bands, here, BANDS, None, true);
        for [first, second] in &self.blocks {
            first.run(here, between, BANDS, None, true);
            second.run(between, next, BANDS, Some(here), true);
            std::mem::swap(here, next);
        }
        self.head.run(here, head, PITCHES, None, true);
        self.voicing.run(head, voicing, PITCHES, None, false);
        let confidences = self.confidences(bands, voicing);
        answers.clear();
        answers.extend(
            confidences
                .into_iter()
                .enumerate()
                .map(|(time, confidence)| Answer { hz: self.hz(head, time), confidence }),
        );
    }

    /// The best pitch and its neighbours, weighted.
    fn hz(&self, head: &Planes, time: usize) -> f64 {
        let (weights, bias) = &self.pitch;
        let score = |pitch: usize| {
            let sum = weights.iter().enumerate().map(|(channel, weight)| weight * head.row(channel, pitch)[time]);
            f64::from(sum.sum::<f32>() + bias)
        };
        let scores: [f64; PITCHES] = std::array::from_fn(score);
        let mut best = 0;
        for (pitch, score) in scores.iter().enumerate() {
            if *score > scores[best] {
                best = pitch;
            }
        }
        let (mut sum, mut weight) = (0.0, 0.0);
        for (pitch, score) in scores.iter().enumerate().take(best + 2).skip(best.saturating_sub(1)) {
            let share = (score - scores[best]).exp();
            sum += share * pitch as f64;
            weight += share;
        }
        LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(sum / weight / (PITCHES - 1) as f64)
    }

    /// The loudest answer of each channel over all pitches, and the mean of the bands, through two small layers.
    fn confidences(&self, bands: &Planes, voicing: &Planes) -> Vec<f32> {
        let (times, inputs) = (bands.times(), HEAD_CHANNELS + 1);
        let mut rows = vec![vec![0.0f32; times + 2]; inputs];
        for (channel, row) in rows.iter_mut().take(HEAD_CHANNELS).enumerate() {
            for (time, value) in row[1..=times].iter_mut().enumerate() {
                let values = (0..voicing.rows()).map(|pitch| voicing.row(channel, pitch)[time]);
                *value = values.fold(f32::NEG_INFINITY, f32::max);
            }
        }
        let all = (bands.channels() * bands.rows()) as f32;
        for channel in 0..bands.channels() {
            for band in 0..bands.rows() {
                for (mean, value) in rows[HEAD_CHANNELS][1..=times].iter_mut().zip(bands.row(channel, band)) {
                    *mean += value / all;
                }
            }
        }
        let (weights, biases) = &self.hidden;
        let (outer, outer_bias) = &self.sung;
        let confidence = |time: usize| {
            let mut sum = *outer_bias;
            for ((kernels, bias), outer) in weights.chunks_exact(inputs * 3).zip(biases).zip(outer) {
                let taps = kernels.chunks_exact(3).zip(&rows);
                let inner = taps.map(|(kernel, row)| kernel.iter().zip(&row[time..]).map(|(k, x)| k * x).sum::<f32>());
                sum += outer * (inner.sum::<f32>() + bias).max(0.0);
            }
            1.0 / (1.0 + (-sum).exp())
        };
        (0..times).map(confidence).collect()
    }
}

fn convolution<const OUT: usize>(
    weights: &Weights,
    [kernel, bias]: [&str; 2],
    in_channels: usize,
    size: [usize; 2],
    dilation: usize,
) -> Result<Convolution<OUT>, PitchError> {
    let kernel = weights.of_shape(kernel, &[OUT, in_channels, size[0], size[1]])?;
    Ok(Convolution::new(kernel, weights.of_shape(bias, &[OUT])?, in_channels, size, dilation))
}
