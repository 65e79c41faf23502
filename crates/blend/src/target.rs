//! What all three songs are brought to: key, tempo, meter, swing.

use music::{Key, Mode, analysis::Analysis};
use serde::Serialize;

use crate::{
    Source,
    options::{LEAST_BPM, MOST_BPM, Options},
    tonal,
};

/// What halving or doubling a song's note values costs, in octaves of tempo. Doubled, a tune becomes sparse and its
/// phrases long.
const HALVING_COST: f64 = 0.12;
const DOUBLING_COST: f64 = 0.25;
/// Share of the sounding time by which other seven notes than those of its key must fit a song better.
const OWN_KEY_BONUS: f64 = 0.03;
/// Tempos that are chosen without being asked for, in whole beats per minute.
pub const CHOSEN_BPM: std::ops::RangeInclusive<u32> = 66..=149;
/// Swing below this ratio, or less sure than this, is played straight.
const LEAST_SWING: f64 = 1.2;
const LEAST_SWING_CONFIDENCE: f64 = 0.5;

/// The frame of the blend.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Target {
    pub key: Key,
    /// Quarters per minute.
    pub bpm: f64,
    /// Quarters in a bar: 3 or 4.
    pub beats: u8,
    /// First eighth of a beat to the second; 1 is straight.
    pub swing: f64,
    /// Per song: semitones from its own key.
    pub shifts: [i32; 3],
    /// Per song: beats of the blend for one of its beats: ½, 1 or 2.
    pub scales: [f64; 3],
}

impl Target {
    pub fn choose(sources: &[Source<'_>; 3], options: &Options) -> Self {
        let weights = options.shares();
        let analyses = sources.map(|source| source.analysis);
        let homes = sources.map(|source| home(&source));
        let key = options.key.unwrap_or_else(|| choose_key(analyses, homes, &weights));
        let target = tonal::relative_major(&key);
        let shifts = homes.map(|own| own.map_or(0, |own| tonal::nearest_shift(own, target)));
        let tempos = analyses.map(beat_bpm);
        let bpm = options.tempo_bpm.unwrap_or_else(|| choose_tempo(&tempos, &weights));
        let scales = tempos.map(|own| fold(own, bpm).1);
        Self {
            key,
            bpm,
            beats: choose_beats(analyses, &weights),
            swing: choose_swing(analyses, &weights),
            shifts,
            scales,
        }
    }

    /// Quarters in a bar.
    pub fn bar(&self) -> f64 {
        f64::from(self.beats)
    }

    /// Chords in a bar: half bars of four, whole bars of three.
    pub const fn slots(&self) -> usize {
        if self.beats == 4 { 2 } else { 1 }
    }

    /// Length of a chord in quarters.
    pub fn slot(&self) -> f64 {
        self.bar() / self.slots() as f64
    }

    /// Slot in which a moment of the piece (in quarters) lies.
    pub fn slot_at(&self, quarters: f64) -> usize {
        ((quarters + 1e-6) / self.slot()).max(0.0) as usize
    }
}

/// Tonic of the major key whose seven notes a song has most of: of a song in E minor with C sharps (E dorian), D. The
/// notes of its key have an advantage. `None` without pitched notes.
fn home(source: &Source<'_>) -> Option<usize> {
    let mut weights = [0.0; 12];
    for (part, score_part) in source.analysis.parts.iter().zip(&source.score.parts) {
        let is_heard = !score_part.drums && part.doubles.is_none() && part.role != music::analysis::Role::Effects;
        for note in part.notes.iter().filter(|_| is_heard) {
            weights[usize::from(note.pitch % 12)] += note.quarters.clamp(0.0, 2.0);
        }
    }
    let total: f64 = weights.iter().sum();
    let own = source.analysis.key.as_ref().map(tonal::relative_major);
    let fit = |home: &usize| {
        let inside: f64 = tonal::collection(*home).iter().map(|class| weights[class]).sum();
        inside / total + if own == Some(*home) { OWN_KEY_BONUS } else { 0.0 }
    };
    (total > 0.0).then(|| (0..12).max_by(|a, b| fit(a).total_cmp(&fit(b))).unwrap_or(0))
}

/// The collection of seven notes to which the songs move least, and the mode that most of them have.
fn choose_key(analyses: [&Analysis; 3], homes: [Option<usize>; 3], weights: &[f64; 3]) -> Key {
    let homes: Vec<(usize, f64)> =
        homes.iter().zip(weights).filter_map(|(home, &weight)| Some(((*home)?, weight))).collect();
    let cost = |target: usize| -> f64 {
        let move_cost =
            |(home, weight): &(usize, f64)| weight * f64::from(tonal::nearest_shift(*home, target).abs()).powf(1.2);
        homes.iter().map(move_cost).sum()
    };
    let home = (0..12).min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(0);
    let keys = || analyses.iter().zip(weights).filter_map(|(analysis, weight)| Some((analysis.key?, *weight)));
    let balance: f64 = keys().map(|(key, weight)| if key.mode == Mode::Minor { -weight } else { weight }).sum();
    let confidence = keys().map(|(key, weight)| key.confidence * weight).sum::<f64>();
    if balance >= 0.0 {
        Key { tonic: home as u8, mode: Mode::Major, confidence }
    } else {
        Key { tonic: ((home + 9) % 12) as u8, mode: Mode::Minor, confidence }
    }
}

/// Beats per minute of what is felt as a beat.
fn beat_bpm(analysis: &Analysis) -> f64 {
    let compound = analysis.bars.iter().filter(|bar| bar.is_compound()).count() * 2 > analysis.bars.len();
    let beat = if compound {
        analysis.bars.iter().find(|bar| bar.is_compound()).map_or(1.0, |bar| bar.beat_quarters())
    } else {
        1.0
    };
    let bpm = analysis.tempo.median_bpm / beat;
    if bpm.is_finite() { bpm.clamp(10.0, 1_000.0) } else { 120.0 }
}

/// Octaves of tempo between a song and the blend, and the scale of its note values that makes them fewest.
fn fold(own: f64, bpm: f64) -> (f64, f64) {
    let cost = |scale: f64| {
        if scale > 1.0 {
            DOUBLING_COST
        } else if scale < 1.0 {
            HALVING_COST
        } else {
            0.0
        }
    };
    let distance = |scale: f64| (bpm / (own * scale)).log2().abs() + cost(scale);
    let scale = [1.0, 0.5, 2.0].into_iter().min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap_or(1.0);
    (distance(scale), scale)
}

fn choose_tempo(tempos: &[f64; 3], weights: &[f64; 3]) -> f64 {
    let cost = |bpm: u32| -> f64 {
        tempos.iter().zip(weights).map(|(&own, weight)| weight * fold(own, f64::from(bpm)).0).sum()
    };
    let best = CHOSEN_BPM.min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(120);
    f64::from(best).clamp(LEAST_BPM, MOST_BPM)
}

/// 3 when most of the weight lies on songs in three, else 4.
fn choose_beats(analyses: [&Analysis; 3], weights: &[f64; 3]) -> u8 {
    let is_triple = |analysis: &Analysis| {
        let triple = |bar: &&music::analysis::Bar| (bar.quarters / bar.beat_quarters() - 3.0).abs() < 0.1;
        analysis.bars.iter().filter(triple).count() * 2 > analysis.bars.len()
    };
    let share: f64 =
        analyses.iter().zip(weights).filter(|(analysis, _)| is_triple(analysis)).map(|(_, weight)| weight).sum();
    if share > 0.5 { 3 } else { 4 }
}

/// The ratio of the songs that swing, if they have most of the weight.
fn choose_swing(analyses: [&Analysis; 3], weights: &[f64; 3]) -> f64 {
    let swung = |(analysis, weight): (&&Analysis, &f64)| is_swung(analysis).then_some((analysis.swing.ratio, *weight));
    let swinging: Vec<(f64, f64)> = analyses.iter().zip(weights).filter_map(swung).collect();
    let weight: f64 = swinging.iter().map(|(_, weight)| weight).sum();
    if weight <= 0.5 {
        return 1.0;
    }
    (swinging.iter().map(|(ratio, weight)| ratio * weight).sum::<f64>() / weight).clamp(1.0, 3.0)
}

/// Whether a song's eighths are to be made straight.
pub fn is_swung(analysis: &Analysis) -> bool {
    analysis.swing.ratio >= LEAST_SWING && analysis.swing.confidence >= LEAST_SWING_CONFIDENCE
}

/// Makes swung eighths straight: both halves of a beat are stretched to equal length. `quarters` from a bar line.
pub fn straightened(quarters: f64, ratio: f64) -> f64 {
    warp(quarters, ratio / (1.0 + ratio), 0.5)
}

/// Makes straight eighths swing; the inverse of [`straightened`].
pub fn swung(quarters: f64, ratio: f64) -> f64 {
    warp(quarters, 0.5, ratio / (1.0 + ratio))
}

/// Moves the second eighth of each beat from one place in it to another.
fn warp(quarters: f64, from: f64, to: f64) -> f64 {
    let beat = quarters.floor();
    let inside = quarters - beat;
    let moved = if inside < from { inside * to / from } else { to + (inside - from) * (1.0 - to) / (1.0 - from) };
    beat + moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swing_goes_there_and_back() {
        for ratio in [1.0, 1.5, 2.0, 3.0] {
            for step in 0..40 {
                let at = f64::from(step) * 0.1;
                assert!((swung(straightened(at, ratio), ratio) - at).abs() < 1e-9);
            }
        }
        assert!((straightened(1.0 + 2.0 / 3.0, 2.0) - 1.5).abs() < 1e-9);
        assert!((swung(0.5, 2.0) - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn fast_and_slow_songs_are_folded() {
        assert_eq!(fold(200.0, 100.0).1, 0.5);
        assert_eq!(fold(50.0, 100.0).1, 2.0);
        assert_eq!(fold(120.0, 100.0).1, 1.0);
        let chosen = choose_tempo(&[200.0, 50.0, 100.0], &[1.0 / 3.0; 3]);
        assert!((99.0..=101.0).contains(&chosen), "{chosen}");
    }
}
