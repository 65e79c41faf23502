//! Tremolo told from syllables: dips of the level that follow each other like waves on a held pitch part no notes.

use std::ops::RangeInclusive;

/// Frames of 10 ms from dip to dip: 3 to 9 times a second.
const PERIOD_FRAMES: RangeInclusive<usize> = 11..=38;
/// Dips in a row that make a tremolo.
const LEAST_DIPS: usize = 3;
/// Periods differ at most by this factor from one to the next, and depths by so many dB.
const PERIOD_RATIO: f32 = 1.5;
const DEPTH_DB: f32 = 4.0;
/// The pitch at neighbouring dips is the same within so many semitones.
const SAME_SEMITONES: f32 = 0.7;
/// Share of a period that lies below half the depth: a half for a wave, less where a syllable's consonant is short
/// against its vowel. Of one period, which is short in frames; and of all together.
const WAVE_SHARE: f32 = 0.3;
const MEAN_WAVE_SHARE: f32 = 0.42;
/// Dips nearer than this are one, with noise at its bottom.
const BOTTOM_FRAMES: usize = 6;
/// A dip this shallow is nothing.
const LEAST_DEPTH_DB: f32 = 1.5;

/// Sets the `depths` of dips that belong to a tremolo to 0. `db` are the levels in which they were found.
pub(super) fn take_out(db: &[f32], contour: &[Option<f32>], depths: &mut [f32]) {
    let dips = bottoms(depths);
    // A wave is between two dips; the first and the last dip may begin notes of their own.
    let waves: Vec<Option<f32>> =
        dips.windows(2).map(|pair| wave_share(db, contour, depths, pair[0], pair[1])).collect();
    let mut waves_away: Vec<usize> = Vec::new();
    let mut start = 0;
    while start < waves.len() {
        let mut end = start;
        while end < waves.len() && waves[end].is_some() && (end == start || is_like(&dips[end - 1..=end + 1], depths)) {
            end += 1;
        }
        let shares: f32 = waves[start..end].iter().flatten().sum();
        if end + 1 - start >= LEAST_DIPS && shares >= MEAN_WAVE_SHARE * (end - start) as f32 {
            let chain = &dips[start..=end];
            let mut usual: Vec<f32> = chain.iter().map(|&dip| depths[dip]).collect();
            usual.sort_by(f32::total_cmp);
            let most = usual[usual.len() / 2] + DEPTH_DB;
            waves_away.extend(chain.iter().filter(|dip| depths[**dip] <= most));
        }
        start = end.max(start + 1);
    }
    for dip in waves_away {
        // With what noise made of its bottom.
        let until = (dip + BOTTOM_FRAMES + 1).min(depths.len());
        depths[dip.saturating_sub(BOTTOM_FRAMES)..until].fill(0.0);
    }
}

/// The deepest of dips that are one bottom.
fn bottoms(depths: &[f32]) -> Vec<usize> {
    let mut bottoms: Vec<usize> = Vec::new();
    for at in (0..depths.len()).filter(|&at| depths[at] >= LEAST_DEPTH_DB) {
        match bottoms.last_mut() {
            Some(last) if at - *last <= BOTTOM_FRAMES => {
                if depths[at] > depths[*last] {
                    *last = at;
                }
            }
            _ => bottoms.push(at),
        }
    }
    bottoms
}

fn is_like(dips: &[usize], depths: &[f32]) -> bool {
    let (first, second) = ((dips[1] - dips[0]) as f32, (dips[2] - dips[1]) as f32);
    first.max(second) <= PERIOD_RATIO * first.min(second) && (depths[dips[1]] - depths[dips[2]]).abs() <= DEPTH_DB
}

/// The share of the time from dip to dip that is spent below half the depth, where the two may be of one wave.
fn wave_share(db: &[f32], contour: &[Option<f32>], depths: &[f32], from: usize, to: usize) -> Option<f32> {
    // In its trough the voice may be weaker than the noise.
    let unvoiced = contour[from..to].iter().filter(|frame| frame.is_none()).count();
    if !PERIOD_FRAMES.contains(&(to - from)) || 2 * unvoiced > to - from {
        return None;
    }
    let before = contour[from..to].iter().find_map(|frame| *frame)?;
    let after = contour[from..to].iter().rev().find_map(|frame| *frame)?;
    let between = &db[from..to];
    let top = between.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let half = top - 0.25 * (depths[from] + depths[to]);
    let low = between.iter().filter(|level| **level < half).count() as f32;
    let share = low / between.len() as f32;
    ((before - after).abs() <= SAME_SEMITONES && share >= WAVE_SHARE).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Depths that are left of dips `apart` frames from each other, for a level within them.
    fn left(apart: usize, level: impl Fn(f32) -> f32) -> usize {
        let db: Vec<f32> = (0..200).map(|at| level((at % apart) as f32 / apart as f32)).collect();
        let mut depths = vec![0.0; 200];
        (apart..200 - apart).step_by(apart).for_each(|at| depths[at] = 8.0);
        take_out(&db, &[Some(60.0); 200], &mut depths);
        depths.iter().filter(|depth| **depth > 0.0).count()
    }

    #[test]
    fn waves_are_taken_out_and_consonants_are_not() {
        for apart in [13, 17, 20, 25, 33] {
            assert_eq!(left(apart, |into| -4.0 - 4.0 * (into * std::f32::consts::TAU).cos()), 0, "{apart}");
            assert!(left(apart, |into| if into < 0.25 { -8.0 } else { 0.0 }) > 3, "{apart}");
        }
    }
}
