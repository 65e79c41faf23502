//! The key of the song, and the keys it passes through.
//!
//! Correlation of pitch-class durations with the profiles that listeners gave ([`key_profile`]), with what the bass and the
//! ending say added. Local keys are the best path through all keys (Viterbi), in which a change must pay for itself.

use std::ops::Range;

use super::{
    KeySpan,
    material::{Material, Sound},
};
use crate::{
    key::{Key, Mode},
    key_profile,
};

/// A held note counts no longer.
const MOST_COUNTED_QUARTERS: f64 = 2.0;
/// What the bass adds to the pitch classes, and what its time on a tonic adds to that key.
const BASS_SHARE: f64 = 0.3;
const BASS_ON_TONIC: f64 = 0.3;
/// What the share of notes in its scale adds to a key.
const IN_SCALE: f64 = 1.0;
/// What the lowest note of the end adds to its key.
const ENDING: f64 = 0.06;
/// Lead over the next key at which a key is certain.
const SURE_LEAD: f64 = 0.2;
/// 12 major keys, then 12 minor ones.
const KEYS: usize = 24;

/// Durations by pitch class.
type Chroma = [f64; 12];

/// What keys are read from: pitched notes that say something new, and the bass line.
pub(super) struct Sources<'a> {
    pub sounds: &'a [Sound],
    pub bass: &'a [Sound],
}

/// The home key and the keys bar by bar; nothing without notes.
pub(super) fn read(material: &Material<'_>, sources: &Sources<'_>) -> (Option<Key>, Vec<KeySpan>) {
    let bars = material.bar_count();
    let notes = by_bar(sources.sounds, bars);
    let bass = by_bar(sources.bass, bars);
    let all = sum(&notes);
    if all.iter().sum::<f64>() <= 0.0 {
        return (None, Vec::new());
    }
    let mut overall = scores(&all, &sum(&bass));
    if let Some(class) = ending(sources.sounds) {
        overall[class] += ENDING;
        overall[12 + class] += ENDING;
    }
    let path = local(&notes, &bass, best(&overall));
    let home = home(&path, best(&overall));
    let key = key(home, &overall);
    let spans = path.chunk_by(|a, b| a == b).scan(0, |start, run| {
        let bars = *start..*start + run.len();
        *start = bars.end;
        Some((run[0], bars))
    });
    let span = |(index, bars): (usize, Range<usize>)| {
        let scores = self::scores(&sum(&notes[bars.clone()]), &sum(&bass[bars.clone()]));
        KeySpan { bars, key: self::key(index, &scores) }
    };
    // A song in one key is as sure of it as a whole.
    let mut spans: Vec<KeySpan> = spans.map(span).collect();
    if let [only] = spans.as_mut_slice() {
        only.key = if index_of(&only.key) == home { key } else { only.key };
    }
    (Some(key), spans)
}

/// The key in which most bars are; of two that have nearly as many, the first.
fn home(path: &[usize], overall: usize) -> usize {
    let mut counts = [0usize; KEYS];
    path.iter().for_each(|&index| counts[index] += 1);
    let most = counts.iter().copied().max().unwrap_or(0);
    path.iter().copied().find(|&index| 10 * counts[index] >= 8 * most).unwrap_or(overall)
}

/// Index into the scores.
fn index_of(key: &Key) -> usize {
    usize::from(key.tonic) + if key.mode == Mode::Minor { 12 } else { 0 }
}

fn key(index: usize, scores: &[f64; KEYS]) -> Key {
    let next = (0..KEYS).filter(|&other| other != index).map(|other| scores[other]).fold(f64::MIN, f64::max);
    let confidence = ((scores[index] - next) / SURE_LEAD).clamp(0.0, 1.0);
    Key { tonic: (index % 12) as u8, mode: if index < 12 { Mode::Major } else { Mode::Minor }, confidence }
}

fn best(scores: &[f64; KEYS]) -> usize {
    (0..KEYS).max_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a))).unwrap_or(0)
}

/// Notes in the bar in which they begin.
fn by_bar(sounds: &[Sound], bars: usize) -> Vec<Chroma> {
    let mut chroma = vec![[0.0; 12]; bars];
    for sound in sounds {
        if let Some(classes) = chroma.get_mut(sound.bar) {
            classes[sound.class()] += sound.quarters().min(MOST_COUNTED_QUARTERS);
        }
    }
    chroma
}

fn sum(bars: &[Chroma]) -> Chroma {
    let mut all = [0.0; 12];
    for bar in bars {
        all.iter_mut().zip(bar).for_each(|(sum, value)| *sum += value);
    }
    all
}

/// Correlation with every key's profile, −1 to 1, and what the bass adds.
fn scores(notes: &Chroma, bass: &Chroma) -> [f64; KEYS] {
    let notes_sum: f64 = notes.iter().sum::<f64>().max(1e-9);
    let bass_sum: f64 = bass.iter().sum();
    let mut chroma = [0.0; 12];
    for (class, value) in chroma.iter_mut().enumerate() {
        *value = notes[class] / notes_sum;
        if bass_sum > 0.0 {
            *value += BASS_SHARE * bass[class] / bass_sum;
        }
    }
    let mut scores = [0.0; KEYS];
    for (index, score) in scores.iter_mut().enumerate() {
        let mode = if index < 12 { Mode::Major } else { Mode::Minor };
        let tonic = index % 12;
        *score = key_profile::correlation(&chroma, tonic, mode) + IN_SCALE * in_scale(&chroma, index);
        if bass_sum > 0.0 {
            *score += BASS_ON_TONIC * bass[tonic] / bass_sum;
        }
    }
    scores
}

/// Share of what belongs to a key's scale. Minor has both its sevenths, the raised one counting less.
fn in_scale(chroma: &Chroma, index: usize) -> f64 {
    const MAJOR: [f64; 12] = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
    const MINOR: [f64; 12] = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.7];
    let scale = if index < 12 { &MAJOR } else { &MINOR };
    let inside: f64 = (0..12).map(|degree| scale[degree] * chroma[(index + degree) % 12]).sum();
    inside / chroma.iter().sum::<f64>().max(1e-9)
}

/// Pitch class of the lowest note among those that end last.
fn ending(sounds: &[Sound]) -> Option<usize> {
    let end = sounds.iter().map(|sound| sound.end).max_by(f64::total_cmp)?;
    let last = sounds.iter().filter(|sound| sound.end > end - 0.3);
    last.min_by_key(|sound| sound.pitch).map(Sound::class)
}

/// Bars to each side that a bar's key is read from.
const CONTEXT_BARS: usize = 2;
/// What a change of key must gain, in correlation summed over bars; more to a key with the same notes or the same tonic,
/// since these are easily taken for each other.
const CHANGE_COST: f64 = 1.5;
const KINDRED_COST: f64 = 2.6;
/// What the home key has in advance.
const HOME: f64 = 0.06;

/// Key of every bar.
fn local(notes: &[Chroma], bass: &[Chroma], home: usize) -> Vec<usize> {
    let bars = notes.len();
    let change = change_costs();
    let mut totals = [0.0; KEYS];
    let mut back: Vec<[u8; KEYS]> = Vec::with_capacity(bars);
    for bar in 0..bars {
        let context = bar.saturating_sub(CONTEXT_BARS)..(bar + CONTEXT_BARS + 1).min(bars);
        let here = sum(&notes[context.clone()]);
        let mut emission =
            if here.iter().sum::<f64>() > 0.0 { scores(&here, &sum(&bass[context])) } else { [0.0; KEYS] };
        emission[home] += HOME;
        let mut next = [0.0; KEYS];
        let mut came = [0u8; KEYS];
        for (index, total) in next.iter_mut().enumerate() {
            let reach = |from: usize| totals[from] - if bar == 0 { 0.0 } else { change[from][index] };
            let from = (0..KEYS).max_by(|&a, &b| reach(a).total_cmp(&reach(b)).then(b.cmp(&a))).unwrap_or(index);
            let from = if reach(index) >= reach(from) { index } else { from };
            *total = reach(from) + emission[index];
            came[index] = from as u8;
        }
        totals = next;
        back.push(came);
    }
    let mut state = best(&totals);
    let mut path = Vec::with_capacity(bars);
    for came in back.iter().rev() {
        path.push(state);
        state = usize::from(came[state]);
    }
    path.reverse();
    path
}

fn change_costs() -> [[f64; KEYS]; KEYS] {
    let mut costs = [[CHANGE_COST; KEYS]; KEYS];
    for (from, row) in costs.iter_mut().enumerate() {
        for (to, cost) in row.iter_mut().enumerate() {
            let relative_of = |index: usize| if index < 12 { 12 + (index + 9) % 12 } else { (index - 12 + 3) % 12 };
            if from == to {
                *cost = 0.0;
            } else if to == relative_of(from) || from % 12 == to % 12 {
                *cost = KINDRED_COST;
            }
        }
    }
    costs
}
