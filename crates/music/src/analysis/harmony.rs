//! Chords beat by beat: the best way to part every bar into stretches with one chord each.
//!
//! A stretch is judged by all its notes together, so that broken chords and Alberti basses are read as what they break,
//! and chords may still change with every beat if that is better by more than a change costs.

use super::{
    Bar, ChordKind, ChordSlot, ChordSymbol,
    material::{Material, Sound},
};
use crate::key::{Key, Mode};

/// A stretch has no more beats.
const MOST_BEATS: usize = 4;
const CHORDS: usize = ChordKind::ALL.len() * 12;
/// Index of "no chord".
const NONE: usize = CHORDS;
const STATES: usize = CHORDS + 1;
/// What a change of chord costs at the bar line, in the middle of the bar, and at another beat; in the measure of a
/// quarter of perfect fit.
const CHANGE_AT_BAR: f64 = 0.12;
const CHANGE_AT_HALF: f64 = 0.2;
const CHANGE_AT_BEAT: f64 = 0.42;
/// A note that begins with the beat says more.
const ON_BEAT: f64 = 1.3;
/// Melodies pass through foreign notes.
const MELODY_WEIGHT: f64 = 0.6;
/// A note of the chord that has less than this share is not there.
const PRESENT: f64 = 0.03;

/// What the chords are read from.
pub(super) struct Sources<'a> {
    /// All pitched notes that say something new.
    pub sounds: &'a [Sound],
    /// For each, whether it is of a melody.
    pub is_melody: &'a [bool],
}

/// What sounds in a beat.
#[derive(Clone, Copy)]
struct Beat {
    start: f64,
    end: f64,
    bar: usize,
    classes: [f64; 12],
    /// Lowest pitch that sounds for a good part of it.
    low: Option<u8>,
}

pub(super) fn read(
    material: &Material<'_>,
    bars: &[Bar],
    keys: impl Fn(usize) -> Option<Key>,
    sources: &Sources<'_>,
) -> Vec<ChordSlot> {
    let beats = beats(material, bars, sources);
    let model = Model::new();
    let mut decoder = Decoder::new(beats.len());
    for run in beats.chunk_by(|a, b| a.bar == b.bar) {
        decoder.bar(run, &model, keys(run[0].bar));
    }
    let path = decoder.path();
    let confidences = confidences(&beats, &path, &model);
    let told = beats.iter().zip(&path).zip(confidences);
    told.map(|((beat, &state), confidence)| ChordSlot {
        bar: beat.bar,
        offset_quarters: (beat.start - material.starts[beat.bar]).max(0.0),
        quarters: beat.end - beat.start,
        chord: model.chords.get(state).copied(),
        bass: beat.low.map(|low| low % 12),
        confidence,
    })
    .collect()
}

/// Beats of all bars with what sounds in them.
fn beats(material: &Material<'_>, bars: &[Bar], sources: &Sources<'_>) -> Vec<Beat> {
    let mut beats: Vec<Beat> = Vec::new();
    for (bar, shape) in bars.iter().enumerate() {
        let (start, length) = (material.starts[bar], material.bar_quarters(bar));
        let count = ((length / shape.beat_quarters() - 0.3).ceil() as usize).clamp(1, 16);
        for index in 0..count {
            let at =
                |beat: usize| if beat == count { start + length } else { start + beat as f64 * shape.beat_quarters() };
            beats.push(Beat { start: at(index), end: at(index + 1), bar, classes: [0.0; 12], low: None });
        }
    }
    for (sound, &is_melody) in sources.sounds.iter().zip(sources.is_melody) {
        let first = beats.partition_point(|beat| beat.end <= sound.onset + super::EARLY_QUARTERS);
        for beat in beats[first..].iter_mut().take_while(|beat| beat.start < sound.end) {
            let length = sound.within(beat.start, beat.end);
            if length <= 0.02 {
                continue;
            }
            let starts = (sound.onset - beat.start).abs() < 0.12;
            let weight = if is_melody { MELODY_WEIGHT } else { 1.0 } * if starts { ON_BEAT } else { 1.0 };
            beat.classes[sound.class()] += length * weight;
            let is_heard = starts || length >= 0.4 * (beat.end - beat.start);
            if is_heard && beat.low.is_none_or(|low| sound.pitch < low) {
                beat.low = Some(sound.pitch);
            }
        }
    }
    beats
}

/// The chords and how gladly they are read.
struct Model {
    chords: Vec<ChordSymbol>,
    /// As bits of pitch classes.
    masks: Vec<u16>,
}

impl Model {
    fn new() -> Self {
        let symbols = ChordKind::ALL.into_iter().flat_map(|kind| (0..12).map(move |root| ChordSymbol { root, kind }));
        let chords: Vec<ChordSymbol> = symbols.collect();
        let mask = |chord: &ChordSymbol| chord.classes().fold(0u16, |mask, class| mask | 1 << class);
        let masks = chords.iter().map(mask).collect();
        Self { chords, masks }
    }

    /// Fit per quarter of every chord to what sounds in a stretch; `low` are its lowest notes, the first one first.
    fn fit(&self, classes: &[f64; 12], low: &[Option<u8>], key: Option<Key>) -> [f64; STATES] {
        let mut fit = [-1.0; STATES];
        let sum: f64 = classes.iter().sum();
        if sum <= 0.0 {
            fit[NONE] = 0.3;
            return fit;
        }
        fit[NONE] = -0.05;
        // Square roots, so that one long note does not drown the rest of its chord.
        let mut weights = classes.map(|weight| (weight / sum).sqrt());
        let norm: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= norm);
        let grounds = grounds(low);
        let scale = key.map(scale_mask);
        for (index, chord) in self.chords.iter().enumerate() {
            let (mut inside, mut missing) = (0.0, 0u32);
            for class in chord.classes() {
                let weight = weights[usize::from(class)];
                inside += weight;
                missing += u32::from(weight < PRESENT);
            }
            let ground: f64 = (0..12)
                .map(|class| {
                    let value = if class == usize::from(chord.root) {
                        0.22
                    } else if self.masks[index] >> class & 1 == 1 {
                        0.05
                    } else {
                        -0.1
                    };
                    grounds[class] * value
                })
                .sum();
            let outside = scale.map_or(0, |scale| (self.masks[index] & !scale).count_ones());
            fit[index] = inside - 0.6 * (1.0 - inside) - 0.16 * f64::from(missing) + ground + liking(chord.kind)
                - 0.02 * f64::from(outside);
        }
        fit
    }
}

/// Share of each pitch class in the lowest notes; the first one counts most.
fn grounds(low: &[Option<u8>]) -> [f64; 12] {
    let mut grounds = [0.0; 12];
    let mut sum = 0.0;
    for (index, pitch) in low.iter().enumerate() {
        if let Some(pitch) = pitch {
            let weight = if index == 0 { 1.0 } else { 0.35 };
            grounds[usize::from(pitch % 12)] += weight;
            sum += weight;
        }
    }
    if sum > 0.0 {
        grounds.iter_mut().for_each(|ground| *ground /= sum);
    }
    grounds
}

/// Pitch classes of a key as bits; minor has both its sixths and sevenths.
fn scale_mask(key: Key) -> u16 {
    let degrees: &[u8] = match key.mode {
        Mode::Major => &[0, 2, 4, 5, 7, 9, 11],
        Mode::Minor => &[0, 2, 3, 5, 7, 8, 9, 10, 11],
    };
    degrees.iter().fold(0, |mask, degree| mask | 1 << ((key.tonic + degree) % 12))
}

/// Plain chords are read rather than rare ones.
const fn liking(kind: ChordKind) -> f64 {
    match kind {
        ChordKind::Major | ChordKind::Minor => 0.1,
        ChordKind::Power => 0.02,
        ChordKind::Dominant | ChordKind::MinorSeventh => 0.0,
        ChordKind::MajorSeventh => -0.04,
        ChordKind::Diminished | ChordKind::HalfDiminished | ChordKind::SuspendedFourth => -0.08,
        ChordKind::DiminishedSeventh | ChordKind::SuspendedSecond => -0.1,
        ChordKind::MajorSixth | ChordKind::MinorSixth => -0.12,
        ChordKind::Augmented => -0.15,
    }
}

/// Where a state at the end of a beat came from.
#[derive(Clone, Copy)]
struct Step {
    beats: u8,
    from: u8,
}

/// Semi-Markov Viterbi: totals by last chord at the end of each beat; stretches do not cross bar lines.
struct Decoder {
    totals: [f64; STATES],
    steps: Vec<[Step; STATES]>,
}

impl Decoder {
    fn new(beats: usize) -> Self {
        Self { totals: [0.0; STATES], steps: Vec::with_capacity(beats) }
    }

    fn bar(&mut self, beats: &[Beat], model: &Model, key: Option<Key>) {
        // Totals at the start of the bar and at the end of each of its beats.
        let mut ends: Vec<[f64; STATES]> = vec![self.totals];
        for end in 1..=beats.len() {
            let mut totals = [f64::NEG_INFINITY; STATES];
            let mut steps = [Step { beats: 1, from: 0 }; STATES];
            for start in end.saturating_sub(MOST_BEATS)..end {
                let stretch = &beats[start..end];
                let mut classes = [0.0; 12];
                stretch
                    .iter()
                    .for_each(|beat| classes.iter_mut().zip(beat.classes).for_each(|(sum, value)| *sum += value));
                let mut low = [None; MOST_BEATS];
                low.iter_mut().zip(stretch).for_each(|(low, beat)| *low = beat.low);
                let fit = model.fit(&classes, &low[..stretch.len()], key);
                let quarters = stretch[stretch.len() - 1].end - stretch[0].start;
                let before = &ends[start];
                let best = (0..STATES).max_by(|&a, &b| before[a].total_cmp(&before[b]).then(b.cmp(&a))).unwrap_or(NONE);
                let is_first = self.steps.is_empty() && start == 0;
                let moved = before[best] - if is_first { 0.0 } else { change_cost(start, beats) };
                for state in 0..STATES {
                    let (total, from) = if before[state] >= moved { (before[state], state) } else { (moved, best) };
                    let total = total + quarters * fit[state];
                    if total > totals[state] {
                        totals[state] = total;
                        steps[state] = Step { beats: stretch.len() as u8, from: from as u8 };
                    }
                }
            }
            ends.push(totals);
            self.steps.push(steps);
        }
        self.totals = ends[beats.len()];
        // Only differences matter; sums over thousands of bars lose nothing this way.
        let most = self.totals.iter().copied().fold(f64::MIN, f64::max);
        self.totals.iter_mut().for_each(|total| *total -= most);
    }

    /// State of every beat.
    fn path(&self) -> Vec<usize> {
        let mut state =
            (0..STATES).max_by(|&a, &b| self.totals[a].total_cmp(&self.totals[b]).then(b.cmp(&a))).unwrap_or(NONE);
        let mut path = vec![NONE; self.steps.len()];
        let mut end = self.steps.len();
        while end > 0 {
            let step = self.steps[end - 1][state];
            let start = end.saturating_sub(usize::from(step.beats.max(1)));
            path[start..end].fill(state);
            state = usize::from(step.from);
            end = start;
        }
        path
    }
}

const _: () = assert!(STATES <= 256, "a state is kept in a byte");

fn change_cost(start: usize, beats: &[Beat]) -> f64 {
    if start == 0 {
        CHANGE_AT_BAR
    } else if beats.len().is_multiple_of(2) && start == beats.len() / 2 {
        CHANGE_AT_HALF
    } else {
        CHANGE_AT_BEAT
    }
}

/// Lead over the best chord with another root at which a chord is certain.
const SURE_LEAD: f64 = 0.35;

/// Of every beat, from all beats of its bar that have its chord without a break.
fn confidences(beats: &[Beat], path: &[usize], model: &Model) -> Vec<f64> {
    let mut confidences = Vec::with_capacity(beats.len());
    let indices: Vec<usize> = (0..beats.len()).collect();
    for run in indices.chunk_by(|&a, &b| beats[a].bar == beats[b].bar && path[a] == path[b]) {
        let stretch = &beats[run[0]..run[0] + run.len()];
        let confidence = model.chords.get(path[run[0]]).map_or(0.0, |chord| confidence(stretch, *chord, model));
        confidences.extend(run.iter().map(|_| confidence));
    }
    confidences
}

/// How far the chord leads over those with other roots, times the share of notes that belong to it, less where only one
/// or two pitch classes sound.
fn confidence(beats: &[Beat], chord: ChordSymbol, model: &Model) -> f64 {
    let mut classes = [0.0; 12];
    beats.iter().for_each(|beat| classes.iter_mut().zip(beat.classes).for_each(|(sum, value)| *sum += value));
    let low: Vec<Option<u8>> = beats.iter().map(|beat| beat.low).collect();
    let sum: f64 = classes.iter().sum();
    if sum <= 0.0 {
        return 0.0;
    }
    let fit = model.fit(&classes, &low, None);
    let (mut own, mut other) = (f64::MIN, f64::MIN);
    for (symbol, fit) in model.chords.iter().zip(fit) {
        let best = if symbol.root == chord.root { &mut own } else { &mut other };
        *best = best.max(fit);
    }
    let lead = ((own - other) / SURE_LEAD).clamp(0.0, 1.0);
    let inside = chord.classes().map(|class| classes[usize::from(class)]).sum::<f64>() / sum;
    let heard = classes.iter().filter(|&&weight| weight > PRESENT * sum).count();
    let evidence = match heard {
        1 => 0.4,
        2 => 0.7,
        _ => 1.0,
    };
    ((0.3 + 0.7 * lead) * inside * evidence).clamp(0.0, 1.0)
}
