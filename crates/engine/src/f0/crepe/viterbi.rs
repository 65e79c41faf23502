//! The path through the activations that torchcrepe takes: `torchcrepe.decode.viterbi` 0.0.24 over
//! `librosa.sequence.viterbi` 0.11.

use super::network::BINS;

/// Bins that one frame may move, with a triangular probability.
const REACH: usize = 11;
/// librosa adds the smallest normal number of single precision to every probability before the logarithm. So a move
/// further than [`REACH`] costs 87.3 nats and is allowed, and without that whole recordings would stick to a wrong
/// octave.
const FLOOR: f64 = f32::MIN_POSITIVE as f64;

/// The most likely bin of each frame. `activations` are frames × [`BINS`]; bins outside of `allowed` count as
/// impossible, as torchcrepe's `fmin` and `fmax` make them.
pub(super) fn best_path(activations: &[f32], allowed: std::ops::Range<usize>) -> Vec<u16> {
    let moves = Moves::new();
    let frames = activations.len() / BINS;
    let mut from: Vec<u16> = Vec::with_capacity(frames * BINS);
    let mut emissions = [0.0f64; BINS];
    let mut totals = [0.0f64; BINS];
    let mut next = [0.0f64; BINS];
    for (frame, row) in activations.chunks_exact(BINS).enumerate() {
        log_softmax(row, &allowed, &mut emissions);
        if frame == 0 {
            let start = (1.0 / BINS as f64 + FLOOR).ln();
            for (total, emission) in totals.iter_mut().zip(&emissions) {
                *total = emission + start;
            }
            from.resize(BINS, 0);
            continue;
        }
        let summit = first_maximum(&totals);
        for to in 0..BINS {
            let (origin, arrival) = moves.best_arrival(&totals, summit, to);
            from.push(origin as u16);
            next[to] = emissions[to] + arrival;
        }
        totals = next;
    }
    let mut path = vec![0u16; frames];
    let mut state = first_maximum(&totals);
    for frame in (0..frames).rev() {
        path[frame] = state as u16;
        state = usize::from(from[frame * BINS + state]);
    }
    path
}

/// Logarithms of the probabilities of moving.
struct Moves {
    /// From each bin, to the bins `REACH` below it up to `REACH` above it.
    near: Vec<[f64; 2 * REACH + 1]>,
    far: f64,
}

impl Moves {
    fn new() -> Self {
        let weight = |from: usize, to: usize| (REACH + 1).saturating_sub(from.abs_diff(to)) as f64;
        let near = (0..BINS)
            .map(|from| {
                let sum: f64 = (0..BINS).map(|to| weight(from, to)).sum();
                std::array::from_fn(|step| {
                    let to = (from + step).saturating_sub(REACH);
                    (weight(from, to) / sum + FLOOR).ln()
                })
            })
            .collect();
        Self { near, far: FLOOR.ln() }
    }

    /// Where it is best to come from, and the total then; the lower bin of equals, as NumPy has it. `summit` is the
    /// best bin of all: when it is too far for a near move, it is the best of the far ones.
    fn best_arrival(&self, totals: &[f64; BINS], summit: usize, to: usize) -> (usize, f64) {
        let (low, high) = (to.saturating_sub(REACH), (to + REACH).min(BINS - 1));
        let mut best = (low, f64::NEG_INFINITY);
        for origin in low..=high {
            let total = totals[origin] + self.near[origin][to + REACH - origin];
            if total > best.1 {
                best = (origin, total);
            }
        }
        let far = totals[summit] + self.far;
        if !(low..=high).contains(&summit) && (far > best.1 || (far == best.1 && summit < best.0)) {
            best = (summit, far);
        }
        best
    }
}

/// Logarithm of the softmax over the activations, in single precision like the original up to the last step.
fn log_softmax(row: &[f32], allowed: &std::ops::Range<usize>, out: &mut [f64; BINS]) {
    let row = &row[..BINS];
    let highest = row[allowed.clone()].iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = row[allowed.clone()].iter().map(|value| (value - highest).exp()).sum();
    for (bin, out) in out.iter_mut().enumerate() {
        let probability = if allowed.contains(&bin) { (row[bin] - highest).exp() / sum } else { 0.0 };
        *out = f64::from((probability + f32::MIN_POSITIVE).ln());
    }
}

fn first_maximum(values: &[f64; BINS]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}
