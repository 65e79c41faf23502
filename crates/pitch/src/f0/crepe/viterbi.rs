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
        for (origin, total) in totals.iter().enumerate().take(high + 1).skip(low) {
            let total = total + self.near[origin][to + REACH - origin];
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

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The textbook: every move between every two bins, as librosa has it.
    fn every_move(activations: &[f32], allowed: std::ops::Range<usize>) -> Vec<u16> {
        let weight = |from: usize, to: usize| 12usize.saturating_sub(from.abs_diff(to)) as f64;
        let sums: Vec<f64> = (0..BINS).map(|from| (0..BINS).map(|to| weight(from, to)).sum()).collect();
        let moving = |from: usize, to: usize| (weight(from, to) / sums[from] + FLOOR).ln();
        let frames: Vec<&[f32]> = activations.chunks_exact(BINS).collect();
        let mut emissions = [0.0; BINS];
        log_softmax(frames[0], &allowed, &mut emissions);
        let mut totals: Vec<f64> = emissions.iter().map(|e| e + (1.0 / 360.0 + FLOOR).ln()).collect();
        let mut from = vec![vec![0usize; BINS]];
        for row in &frames[1..] {
            log_softmax(row, &allowed, &mut emissions);
            let arrive = |to: usize| {
                let totals = (0..BINS).map(|from| totals[from] + moving(from, to));
                totals.enumerate().fold((0, f64::NEG_INFINITY), |best, now| if now.1 > best.1 { now } else { best })
            };
            let arrivals: Vec<(usize, f64)> = (0..BINS).map(arrive).collect();
            from.push(arrivals.iter().map(|arrival| arrival.0).collect());
            totals = arrivals.iter().zip(&emissions).map(|(arrival, e)| arrival.1 + e).collect();
        }
        let mut state = (0..BINS).rev().max_by(|&a, &b| totals[a].total_cmp(&totals[b])).unwrap();
        let mut path = Vec::new();
        for from in from.iter().rev() {
            path.push(state as u16);
            state = from[state];
        }
        path.reverse();
        path
    }

    #[test]
    fn the_path_is_the_best_of_all_moves() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        // A clear pitch that jumps far after 120 frames: staying would cost more than the jump.
        let clear: Vec<f32> = (0..240)
            .flat_map(|frame| (0..BINS).map(move |bin| bin == if frame < 120 { 40 } else { 300 }))
            .map(|lit| if lit { 1.0 } else { 0.0 })
            .collect();
        let noisy: Vec<f32> = (0..60 * BINS).map(|_| rng.random_range(0.0..1.0f32).powi(4)).collect();
        let flat = vec![0.25f32; 30 * BINS];
        for activations in [clear, noisy, flat] {
            for allowed in [0..BINS, 39..BINS, 100..200] {
                let path = best_path(&activations, allowed.clone());
                assert_eq!(path, every_move(&activations, allowed.clone()));
                assert!(path.iter().all(|&bin| allowed.contains(&usize::from(bin))));
            }
        }
        assert_eq!(best_path(&[], 0..BINS), Vec::<u16>::new());
    }

    #[test]
    fn a_far_jump_is_dear_but_possible() {
        let frame = |bin: usize| (0..BINS).map(move |b| if b == bin { 1.0 } else { 0.0 });
        let jump = |frames: usize| -> Vec<f32> {
            (0..2 * frames).flat_map(|index| frame(if index < frames { 10 } else { 350 })).collect()
        };
        // So far that a glide through 31 frames would cost more.
        let long = best_path(&jump(500), 0..BINS);
        assert_eq!((long[0], long[499], long[500], long[999]), (10, 10, 350, 350));
        let short = best_path(&jump(20), 0..BINS);
        assert!(short.windows(2).all(|pair| pair[0].abs_diff(pair[1]) <= 11), "20 frames are not worth 87 nats");
    }
}
