//! Where a sound is cut into pieces.
//!
//! A trainer takes the first 30 s of every file and leaves off what is over. So every piece is 30 s and a little, the next one
//! begins before those 30 s are over, at the quietest moment near their end, and nothing is lost but the last seconds of a
//! recording.

use std::ops::Range;

/// What a trainer takes of a piece, in frames.
const TAKEN: usize = 3_000;
/// A piece, in frames: the margin is for the rounding of other resamplers.
pub const PIECE: usize = TAKEN + 20;
/// The next piece begins up to this much before the last one is over, in frames.
const OVERLAP: usize = 300;
/// A rest that is longer than this gets a piece, most of which was in the last one already; in frames.
const LEAST_NEW: usize = 500;
/// A later moment wins where it is no louder than this for every frame, in dB: pieces that overlap say things twice.
const LATER_DB: f32 = 0.02;
/// Moments are compared by their mean over this many frames to both sides.
const AROUND: usize = 3;

/// Pieces of a sound with these levels, one a frame.
pub fn cut(levels: &[f32]) -> Vec<Range<usize>> {
    let total = levels.len();
    let mut pieces = Vec::new();
    let mut at = 0;
    while at + PIECE <= total {
        pieces.push(at..at + PIECE);
        let next = quietest(levels, at + TAKEN - OVERLAP..at + TAKEN);
        if next + PIECE > total {
            if total - (at + TAKEN) >= LEAST_NEW {
                pieces.push(total - PIECE..total);
            }
            break;
        }
        at = next;
    }
    pieces
}

fn quietest(levels: &[f32], among: Range<usize>) -> usize {
    let end = among.end;
    let level = |frame: usize| {
        let around = levels.get(frame.saturating_sub(AROUND)..(frame + AROUND + 1).min(levels.len()));
        let around = around.unwrap_or_default();
        around.iter().sum::<f32>() / around.len().max(1) as f32 + LATER_DB * (end - frame) as f32
    };
    (among.start..=end).min_by(|&a, &b| level(a).total_cmp(&level(b))).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_and_lose_nothing_but_a_last_bit() {
        for total in (0..14_000).step_by(37).chain([PIECE - 1, PIECE, 3_499, 3_500]) {
            let levels: Vec<f32> = (0..total).map(|i| -30.0 + 10.0 * (i as f32 * 0.05).sin()).collect();
            let pieces = cut(&levels);
            assert_eq!(pieces.is_empty(), total < PIECE, "{total}");
            assert!(pieces.iter().all(|piece| piece.len() == PIECE && piece.end <= total), "{total}: {pieces:?}");
            assert!(pieces.windows(2).all(|pair| pair[1].start <= pair[0].start + TAKEN && pair[0] != pair[1]));
            let left = pieces.last().map_or(0, |last| total - (last.start + TAKEN));
            assert!(left < LEAST_NEW, "{total}: {left} frames are left off");
        }
    }

    #[test]
    fn pieces_begin_where_it_is_quiet() {
        let mut levels = vec![-20.0; 9_000];
        levels[2_850..2_870].fill(-60.0);
        let pieces = cut(&levels);
        assert!((2_850..2_870).contains(&pieces[1].start), "{pieces:?}");
        // Where nothing is quieter, they overlap as little as may be.
        assert_eq!(cut(&[-20.0; 9_000])[1].start, TAKEN);
    }
}
