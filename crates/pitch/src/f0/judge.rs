//! The small network that judges candidates.
//!
//! Each candidate goes through the same three layers by itself; what comes out is compared over the candidates of a
//! frame. The network has seen only voices and sounds made for it (`xtask/f0_training`). Plain sums in a fixed order: the
//! same answer on every machine.

/// Numbers that describe a candidate.
pub const FEATURES: usize = 36;

const FIRST: usize = 48;
const SECOND: usize = 24;
/// Preference as the pitch of its frame, and odds that the frame is voiced if it is.
const ANSWERS: usize = 2;
const WEIGHT_COUNT: usize = (FEATURES + 1) * FIRST + (FIRST + 1) * SECOND + (SECOND + 1) * ANSWERS;

/// Little-endian f32, layer by layer: weights by input and then output, biases.
static WEIGHTS: &[u8; WEIGHT_COUNT * 4] = include_bytes!("judge.weights");

/// A period that a frame suggests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub hz: f32,
    /// What the judge sees of it.
    pub features: [f32; FEATURES],
}

/// What the network says of a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    pub hz: f32,
    /// `log2` of `hz`.
    pub octaves: f32,
    /// Natural logarithm of the probability that this is the pitch, among the candidates of its frame.
    pub log_share: f32,
    /// Natural logarithm of the odds that the frame is voiced if this is its pitch.
    pub log_odds: f32,
}

/// A layer's weights by input, and its biases.
struct Layer<const IN: usize, const OUT: usize> {
    weights: Vec<[f32; OUT]>,
    biases: [f32; OUT],
}

impl<const IN: usize, const OUT: usize> Layer<IN, OUT> {
    fn take(values: &mut impl Iterator<Item = f32>) -> Self {
        let mut row = || std::array::from_fn(|_| values.next().unwrap_or_default());
        Self { weights: (0..IN).map(|_| row()).collect(), biases: row() }
    }

    fn apply(&self, input: &[f32; IN]) -> [f32; OUT] {
        let mut out = self.biases;
        for (row, x) in self.weights.iter().zip(input) {
            for (sum, weight) in out.iter_mut().zip(row) {
                *sum += weight * x;
            }
        }
        out
    }
}

/// The network with its weights.
pub(super) struct Judge {
    first: Layer<FEATURES, FIRST>,
    second: Layer<FIRST, SECOND>,
    third: Layer<SECOND, ANSWERS>,
}

impl Judge {
    pub fn new() -> Self {
        let mut values = WEIGHTS.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        Self { first: Layer::take(&mut values), second: Layer::take(&mut values), third: Layer::take(&mut values) }
    }

    /// Judges the candidates of one frame.
    pub fn judge(&self, candidates: &[Candidate]) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = candidates
            .iter()
            .map(|candidate| {
                let hidden = self.second.apply(&self.first.apply(&candidate.features).map(rectified)).map(rectified);
                let [log_share, log_odds] = self.third.apply(&hidden);
                Verdict { hz: candidate.hz, octaves: candidate.hz.log2(), log_share, log_odds }
            })
            .collect();
        let most = verdicts.iter().map(|verdict| verdict.log_share).fold(f32::NEG_INFINITY, f32::max);
        let sum = verdicts.iter().map(|verdict| (verdict.log_share - most).exp()).sum::<f32>();
        for verdict in &mut verdicts {
            verdict.log_share -= most + sum.ln();
        }
        verdicts
    }
}

fn rectified(x: f32) -> f32 {
    x.max(0.0)
}
