//! Beats through onsets whose score times are known.
//!
//! The curve of beats is the one that is near the onsets and whose tempo changes least: Whittaker's smoother with a
//! penalty on second differences (P. Eilers, "A perfect smoother", Analytical Chemistry 75(14), 2003). Between two onsets
//! far apart nothing pulls, so a long note has the tempo of what is around it.

/// Onsets stray by so much, in seconds; a quarter's length changes by such a share from one to the next (standard deviations).
const STRAY_SECONDS: f64 = 0.02;
const CHANGE_SHARE: f64 = 0.05;
/// Beats closer together than this share of a quarter of the global tempo are no beats: the curve is made stiffer.
const LEAST_SHARE: f64 = 0.3;
const MOST_STIFFENINGS: u32 = 12;

/// A moment and its place in quarters.
#[derive(Clone, Copy)]
pub(super) struct Anchor {
    pub seconds: f64,
    pub quarters: f64,
}

/// Moments of all whole quarters from the one at or before the first anchor to the last before `end_seconds`.
///
/// `anchors` are at least two and rise, the first within the quarter that begins at 0.
pub(super) fn through(anchors: &[Anchor], quarter_seconds: f64, end_seconds: f64) -> Vec<f64> {
    let Some(last) = anchors.last() else { return Vec::new() };
    let to_go = ((end_seconds - last.seconds) / quarter_seconds).clamp(0.0, 64.0);
    let count = (last.quarters + 1.5 * to_go).ceil() as usize + 2;
    let looseness = STRAY_SECONDS / (CHANGE_SHARE * quarter_seconds);
    for stiffening in 0..MOST_STIFFENINGS {
        let mut beats = smoothed(anchors, count, looseness * looseness * 10f64.powi(stiffening as i32));
        if beats.windows(2).all(|pair| pair[1] - pair[0] >= LEAST_SHARE * quarter_seconds) {
            let within = beats.partition_point(|&beat| beat < end_seconds);
            beats.truncate(within);
            return beats;
        }
    }
    Vec::new()
}

/// Minimises the squared distances to the anchors plus `stiffness` times the squared second differences of `count` beats.
fn smoothed(anchors: &[Anchor], count: usize, stiffness: f64) -> Vec<f64> {
    // Normal equations: a symmetric matrix with two side diagonals.
    let mut diagonals = vec![[0.0f64; 3]; count];
    let mut right = vec![0.0f64; count];
    for anchor in anchors {
        let at = (anchor.quarters as usize).min(count - 2);
        let share = anchor.quarters - at as f64;
        diagonals[at][0] += (1.0 - share) * (1.0 - share);
        diagonals[at][1] += share * (1.0 - share);
        diagonals[at + 1][0] += share * share;
        right[at] += (1.0 - share) * anchor.seconds;
        right[at + 1] += share * anchor.seconds;
    }
    for at in 0..count.saturating_sub(2) {
        for (row, one) in [1.0, -2.0, 1.0].into_iter().enumerate() {
            for (column, other) in [1.0, -2.0, 1.0].into_iter().enumerate().skip(row) {
                diagonals[at + row][column - row] += stiffness * one * other;
            }
        }
    }
    solve(diagonals, right)
}

/// Solves a banded, symmetric, positive definite system by LDLᵀ (G. Golub and C. Van Loan, "Matrix Computations", §4.3).
/// Row i of `bands` holds the elements (i, i), (i, i+1) and (i, i+2).
fn solve(mut bands: Vec<[f64; 3]>, mut right: Vec<f64>) -> Vec<f64> {
    let count = bands.len();
    for at in 0..count {
        let [pivot, first, second] = bands[at];
        let (to_first, to_second) = (first / pivot, second / pivot);
        if at + 1 < count {
            bands[at + 1][0] -= to_first * first;
            bands[at + 1][1] -= to_first * second;
            right[at + 1] -= to_first * right[at];
        }
        if at + 2 < count {
            bands[at + 2][0] -= to_second * second;
            right[at + 2] -= to_second * right[at];
        }
        bands[at] = [pivot, to_first, to_second];
    }
    for at in (0..count).rev() {
        right[at] /= bands[at][0];
        for apart in 1..=2 {
            if at + apart < count {
                right[at] -= bands[at][apart] * right[at + apart];
            }
        }
    }
    right
}
