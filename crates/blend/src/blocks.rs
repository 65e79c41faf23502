//! What the songs have to offer: blocks of harmony and accompaniment, phrases of melody, and what each would cost.

use music::{
    Key,
    analysis::{ChordKind, ChordSymbol},
};

use crate::{
    material::Material,
    role::Role,
    target::Target,
    tonal::{self, Classes},
};

/// Bars of a song from which is chosen: about twenty minutes.
pub const MOST_SEARCHED: usize = 600;
/// Longest phrase of a melody, in bars.
pub const MOST_PHRASE: usize = 8;
/// Share of a block's bars in which a role has to play.
const LEAST_COVER: f64 = 0.75;
/// Share of a song's bars in which a role has to play for the song to give it.
const LEAST_PRESENCE: f64 = 0.08;
/// Above this a melody is a riff, or comping, and is not given a section.
const MOST_TUNE_COST: f64 = 0.45;
/// A chord read less surely than this is made to fit the key.
const SURE_CHORD: f64 = 0.35;
/// The same for chords that are more often a passing note than meant.
const SURE_RARE_CHORD: f64 = 0.8;

/// Bars of a song in a row; they come again when they are fewer than the section.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Block {
    pub start: usize,
    pub period: usize,
    pub cost: f64,
}

impl Block {
    /// Bar of the material for the `index`-th bar of a section.
    pub const fn bar(&self, index: usize) -> usize {
        self.start + index % self.period
    }
}

/// What one song can give, worked out once for all plans.
pub struct Shelf {
    /// Cost of the melody of the bars from `start` on as a phrase of 1 to [`MOST_PHRASE`] bars: `[start][bars − 1]`.
    tune: Vec<[f64; MOST_PHRASE]>,
    /// Shift of the same bars, and the share of them that have it.
    shift: Vec<[(i32, f64); MOST_PHRASE]>,
    /// Least cost of a phrase of (up to) 4 bars.
    pub best_tune: f64,
    /// Whether it can give a role.
    pub gives: [bool; Role::COUNT],
    pub gives_harmony: bool,
}

impl Shelf {
    pub fn new(material: &Material, target: &Target) -> Self {
        let count = material.bars.len().min(MOST_SEARCHED);
        let tune: Vec<[f64; MOST_PHRASE]> = (0..count)
            .map(|start| {
                std::array::from_fn(|index| {
                    if start + index < count { tune_cost(material, start, index + 1, target.bar()) } else { f64::MAX }
                })
            })
            .collect();
        let shift = (0..count).map(|start| std::array::from_fn(|i| material.shift_of(start..start + i + 1))).collect();
        let plays = |start: usize| material.plays(Role::Melody, start);
        let length = count.clamp(1, 4);
        let costs = (0..count).filter(|&start| plays(start)).map(|start| tune[start][length - 1]);
        let best_tune = costs.fold(f64::MAX, f64::min);
        let harmonic = material.bars.iter().take(count).filter(|bar| bar.has_chord()).count();
        let gives = Role::ALL.map(|role| {
            let bars = (0..count).filter(|&bar| material.plays(role, bar)).count();
            bars > 0 && bars as f64 >= LEAST_PRESENCE * count as f64
        });
        Self { tune, shift, best_tune, gives, gives_harmony: harmonic as f64 > LEAST_PRESENCE * count as f64 }
    }

    /// Whether its melody is a tune.
    pub fn is_tuneful(&self) -> bool {
        self.gives[Role::Melody.index()] && self.best_tune < MOST_TUNE_COST
    }

    pub fn tune(&self, start: usize, bars: usize) -> f64 {
        self.tune.get(start).and_then(|costs| costs.get(bars - 1)).copied().unwrap_or(f64::MAX)
    }

    pub fn shift(&self, start: usize, bars: usize) -> (i32, f64) {
        self.shift.get(start).and_then(|shifts| shifts.get(bars - 1)).copied().unwrap_or((0, 0.0))
    }

    pub fn bars(&self) -> usize {
        self.tune.len()
    }
}

/// Is this a phrase of a tune? Small leaps, a range that can be sung, not too dense, beginning and ending where a phrase
/// does. About −0.2 for a song's melody, 0.5 for a riff.
fn tune_cost(material: &Material, start: usize, bars: usize, beats: f64) -> f64 {
    let mut notes: Vec<(f64, f64, i32)> = Vec::new();
    let mut silent = 0usize;
    for bar in 0..bars {
        let line = material.bars[start + bar].line(Role::Melody);
        silent += usize::from(line.is_empty());
        notes.extend(line.iter().map(|note| (bar as f64 * beats + note.onset, note.length, note.pitch)));
    }
    if (notes.len() as f64) < 1.2 * bars as f64 {
        return 1.0;
    }
    let leaps: Vec<i32> = notes.windows(2).map(|pair| (pair[1].2 - pair[0].2).abs()).collect();
    let share =
        |test: fn(i32) -> bool| leaps.iter().filter(|&&leap| test(leap)).count() as f64 / leaps.len().max(1) as f64;
    let lowest = notes.iter().map(|note| note.2).min().unwrap_or(60);
    let highest = notes.iter().map(|note| note.2).max().unwrap_or(60);
    let mut cost = share(|leap| leap > 7);
    cost += 0.05 * f64::from((highest - lowest - 17).max(0));
    cost += 0.6 * (share(|leap| leap == 0) - 0.5).max(0.0);
    cost += 0.06 * (notes.len() as f64 / bars as f64 - 2.0 * beats).max(0.0);
    cost += 0.15 * (0.6 * beats - notes.len() as f64 / bars as f64).max(0.0);
    cost += 0.12 * silent as f64;
    cost += 0.3 * material.bars[start..start + bars].iter().filter(|bar| !bar.is_whole).count() as f64;
    // Short strokes with holes between them are an ostinato rather than a tune.
    let sounding: f64 = notes.iter().map(|note| note.1).sum();
    let span = (notes[notes.len() - 1].0 - notes[0].0).max(1.0);
    cost += 0.8 * (0.35 - sounding / span).max(0.0);
    // A phrase that goes on and on up or down, or stays on two notes, says little.
    let distinct = notes.iter().fold(Classes::default(), |set, note| set.with(note.2.rem_euclid(12) as usize)).count();
    cost += if distinct < 3 { 0.25 } else { 0.0 };
    if notes[0].0 > 1.01 {
        cost += 0.15;
    }
    let (onset, length, _) = notes[notes.len() - 1];
    let rest = bars as f64 * beats - (onset + length);
    cost += if length >= 0.9 || rest >= 0.9 { -0.15 } else { 0.15 };
    if let Some(before) = start.checked_sub(1).and_then(|bar| material.bars[bar].line(Role::Melody).last()) {
        let gap = beats - before.end();
        cost += if gap < -0.1 {
            0.3
        } else if before.length >= 0.9 || gap > 0.4 {
            0.0
        } else {
            0.1
        };
    }
    cost
}

/// Blocks of `bars` bars in which `plays` holds almost everywhere; shorter ones that are repeated where there are none.
pub fn blocks(material: &Material, bars: usize, plays: impl Fn(usize) -> bool) -> Vec<Block> {
    let count = material.bars.len().min(MOST_SEARCHED);
    for period in [bars, 8, 4, 2, 1] {
        if period > bars || period > count || period == 0 {
            continue;
        }
        let mut found = Vec::new();
        for start in 0..=count - period {
            let cover = (start..start + period).filter(|&bar| plays(bar)).count() as f64 / period as f64;
            if cover < LEAST_COVER || !plays(start) {
                continue;
            }
            let bar = &material.bars[start];
            let misplaced = if bar.on_grid {
                0.0
            } else if bar.begins_phrase {
                0.3
            } else {
                0.6
            };
            let repeated = if period < bars { 0.2 + 0.2 * (bars as f64 / period as f64).log2().min(3.0) } else { 0.0 };
            found.push(Block { start, period, cost: 0.5 * misplaced + (1.0 - cover) + repeated });
        }
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// The chords of a block in the key of the blend, one per slot; gaps hold the chord before.
pub fn block_chords(material: &Material, block: &Block, bars: usize, target: &Target) -> Vec<ChordSymbol> {
    let (shift, _) = material.shift_of(block.start..block.start + block.period);
    let read = (0..bars).flat_map(|index| material.bars[block.bar(index)].chords.iter().copied());
    let moved: Vec<Option<ChordSymbol>> = read
        .map(|chord| {
            let (chord, sure) = chord?;
            let chord = chord.transposed(shift);
            let least = if is_rare(chord.kind) { SURE_RARE_CHORD } else { SURE_CHORD };
            Some(if sure < least { tonal::made_diatonic(chord, &target.key) } else { chord })
        })
        .collect();
    let mut held = moved.iter().flatten().next().copied().unwrap_or_else(|| tonal::tonic_chord(&target.key));
    moved
        .into_iter()
        .map(|chord| {
            held = chord.unwrap_or(held);
            held
        })
        .collect()
}

/// How little a block is worth as the harmony of a section: unclear, static or foreign chords cost; to begin on the tonic
/// and to end open gains.
pub fn harmony_cost(material: &Material, block: &Block, chords: &[ChordSymbol], bars: usize, key: &Key) -> f64 {
    let scale = tonal::scale(key);
    let each = |chord: &ChordSymbol| {
        let tones = tonal::tone_set(*chord, key);
        let foreign = tones.iter().filter(|&class| !scale.has(class)).count() as f64 / f64::from(tones.count().max(1));
        0.8 * foreign + if is_rare(chord.kind) { 0.5 } else { 0.0 }
    };
    let count = chords.len().max(1) as f64;
    let mut cost = chords.iter().map(each).sum::<f64>() / count;
    let roots = chords.iter().fold(Classes::default(), |set, chord| set.with(usize::from(chord.root))).count();
    let length = bars as f64 / 8.0;
    cost += length.min(1.0)
        * match roots {
            0 | 1 => 0.6,
            2 => 0.25,
            _ => 0.0,
        };
    if roots > 6 {
        cost += 0.1;
    }
    let longest = chords.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap_or(0) as f64;
    cost += 0.1 * (longest - 4.0).max(0.0) * length;
    if chords.first().is_some_and(|chord| chord.root == key.tonic) {
        cost -= 0.2;
    }
    if chords.last().is_some_and(|chord| matches!((chord.root + 12 - key.tonic) % 12, 2 | 7)) {
        cost -= 0.1;
    }
    let bars_of = &material.bars[block.start..block.start + block.period];
    let sure: Vec<f64> =
        bars_of.iter().flat_map(|bar| bar.chords.iter().map(|chord| chord.map_or(0.0, |(_, s)| s))).collect();
    cost += 0.5 * (1.0 - sure.iter().sum::<f64>() / sure.len().max(1) as f64);
    // Half in one key and half in another.
    let (_, unity) = material.shift_of(block.start..block.start + block.period);
    cost + 1.0 * (1.0 - unity) + block.cost
}

const fn is_rare(kind: ChordKind) -> bool {
    matches!(
        kind,
        ChordKind::Augmented
            | ChordKind::Diminished
            | ChordKind::DiminishedSeventh
            | ChordKind::HalfDiminished
            | ChordKind::SuspendedFourth
            | ChordKind::SuspendedSecond
    )
}

/// Per slot of a bar under a chord: what of the melody's weight is foreign to it, and all of it.
pub fn misfit(weights: &[[f64; 12]], shift: i32, chords: &[Classes], scale: Classes) -> (f64, f64) {
    let (mut bad, mut all) = (0.0, 0.0);
    for (weights, &chord) in weights.iter().zip(chords) {
        for (class, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            let class = (class as i32 + shift).rem_euclid(12) as usize;
            bad += weight
                * if chord.has(class) {
                    0.0
                } else if scale.has(class) {
                    0.6
                } else {
                    1.3
                };
            all += weight;
        }
    }
    (bad, all)
}

/// 0–1: mean likeness of all pairs of bars, by which of their sixteenths have onsets (grooving similarity of S.-L. Wu and
/// Y.-H. Yang, "The Jazz Transformer on the Front Line", ISMIR 2020). 1 for fewer than two bars.
pub fn groove_unity(bars: &[u16], beats: f64) -> f64 {
    let sounding: Vec<u16> = bars.iter().copied().filter(|&bits| bits != 0).collect();
    let steps = beats * 4.0;
    let (mut sum, mut pairs) = (0.0, 0usize);
    for (index, a) in sounding.iter().enumerate() {
        for b in &sounding[index + 1..] {
            sum += 1.0 - f64::from((a ^ b).count_ones()) / steps;
            pairs += 1;
        }
    }
    if pairs == 0 { 1.0 } else { sum / pairs as f64 }
}

/// F-measure of the onsets of two bars; 1 when both are silent.
pub fn onset_likeness(a: u16, b: u16) -> f64 {
    let all = a.count_ones() + b.count_ones();
    if all == 0 { 1.0 } else { 2.0 * f64::from((a & b).count_ones()) / f64::from(all) }
}
