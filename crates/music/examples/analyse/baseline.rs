//! What a plain analysis would say: the baselines of the benchmark.

use music::{Mode, analysis::Analysis, key_profile, score::Score};
use serde_json::{Value, json};

/// The key by listeners' profiles on a plain histogram of durations; for each beat the triad that has most of what
/// sounds in it; the melody as the part that is highest on average, the bass as the lowest.
pub fn report(score: &Score, found: &Analysis) -> Value {
    let quarters = |tick: u64| tick as f64 / f64::from(score.ticks_per_quarter);
    let pitched = || score.parts.iter().filter(|part| !part.drums).flat_map(|part| &part.notes);
    let mut histogram = [0.0; 12];
    pitched().for_each(|note| histogram[usize::from(note.pitch % 12)] += quarters(note.duration));
    let chord = |slot: &music::analysis::ChordSlot| {
        let start = quarters(found.bars[slot.bar].start) + slot.offset_quarters;
        let mut classes = [0.0; 12];
        for note in pitched() {
            let (from, to) = (quarters(note.onset).max(start), quarters(note.end()).min(start + slot.quarters));
            classes[usize::from(note.pitch % 12)] += (to - from).max(0.0);
        }
        triad(&classes)
    };
    let mean = |part: &music::score::Part| {
        part.notes.iter().map(|note| f64::from(note.pitch)).sum::<f64>() / part.notes.len().max(1) as f64
    };
    let parts = score.parts.iter().enumerate().filter(|(_, part)| !part.drums && !part.notes.is_empty());
    let mut parts: Vec<(f64, usize)> = parts.map(|(index, part)| (mean(part), index)).collect();
    parts.sort_by(|a, b| a.0.total_cmp(&b.0));
    json!({
        "key": key(&histogram),
        "chords": found.chords.iter().map(chord).collect::<Vec<_>>(),
        "melody": parts.last().map(|(_, index)| index),
        "bass": parts.first().map(|(_, index)| index),
    })
}

fn key(histogram: &[f64; 12]) -> Option<(usize, bool)> {
    let centred = |values: &[f64; 12]| {
        let mean = values.iter().sum::<f64>() / 12.0;
        values.map(|value| value - mean)
    };
    let ours = centred(histogram);
    let mut best: Option<(f64, (usize, bool))> = None;
    for (mode, is_minor) in [(Mode::Major, false), (Mode::Minor, true)] {
        let profile = centred(key_profile::of(mode));
        let norm = profile.iter().map(|value| value * value).sum::<f64>().sqrt();
        for tonic in 0..12 {
            let score = (0..12).map(|degree| profile[degree] * ours[(tonic + degree) % 12]).sum::<f64>() / norm;
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, (tonic, is_minor)));
            }
        }
    }
    best.filter(|_| histogram.iter().sum::<f64>() > 0.0).map(|(_, key)| key)
}

fn triad(classes: &[f64; 12]) -> Option<usize> {
    let sum: f64 = classes.iter().sum();
    let mut best: Option<(f64, usize)> = None;
    for root in 0..12 {
        for third in [4, 3] {
            let score: f64 = [0, third, 7].iter().map(|above| classes[(root + above) % 12]).sum();
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, root));
            }
        }
    }
    best.filter(|_| sum > 0.0).map(|(_, root)| root)
}
