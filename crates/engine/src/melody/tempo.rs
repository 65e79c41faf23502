//! The beat: the period whose comb the distances between note onsets fit best.
//!
//! Distances rather than moments, because nobody hums to a click and the beat drifts. A period's half fits as well as
//! the period, so a broad preference for walking pace decides between them.

use music::Note;

const SLOWEST_BPM: f64 = 40.0;
const FASTEST_BPM: f64 = 240.0;
/// Tempo of a tune that says nothing about its own.
const UNKNOWN_BPM: f64 = 100.0;
/// Tempi that people tap to most; further away the preference falls off over this many octaves.
const PREFERRED_BPM: std::ops::RangeInclusive<f64> = 70.0..=140.0;
const FALL_OFF_OCTAVES: f64 = 0.25;
/// Inside, the middle is a little better than the edges.
const MIDDLE_BPM: f64 = 99.0;
const MIDDLE_OCTAVES: f64 = 1.2;
/// Onsets further apart than this share no beat any more.
const REACH_SECONDS: f64 = 2.5;
/// Onsets closer together than this are ornaments.
const LEAST_SECONDS: f64 = 0.1;
/// Neighbouring tempi tried differ by this factor: half a beat in a hundred.
const TEMPO_STEP: f64 = 1.005;
/// Fewer notes than about this tell little.
const ENOUGH_NOTES: f64 = 6.0;

/// Quarters per minute, 40–240, and how sure that is, 0–1: the mean of the comb over the distances of neighbouring
/// onsets (1 when all lie on beats and halves), less for few notes.
pub(super) fn estimate(notes: &[Note]) -> (f64, f64) {
    let distances = distances(notes);
    if distances.is_empty() {
        return (UNKNOWN_BPM, 0.0);
    }
    let steps = ((FASTEST_BPM / SLOWEST_BPM).ln() / TEMPO_STEP.ln()) as i32;
    let tempi = (0..=steps).map(|step| SLOWEST_BPM * TEMPO_STEP.powi(step));
    let score = |bpm: f64| comb(&distances, 60.0 / bpm) * preference(bpm);
    let best = tempi.max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap_or(UNKNOWN_BPM);
    let neighbours: Vec<(f64, f64)> = distances.iter().copied().filter(|(_, weight)| *weight > 0.4).collect();
    let enough = 1.0 - (-(notes.len() as f64) / ENOUGH_NOTES).exp();
    let confidence = (comb(&neighbours, 60.0 / best).max(0.0) * enough).clamp(0.0, 1.0);
    ((best * 10.0).round() / 10.0, confidence)
}

/// Distances between near onsets with their weights: neighbours count most.
fn distances(notes: &[Note]) -> Vec<(f64, f64)> {
    let mut found = Vec::new();
    for (index, first) in notes.iter().enumerate() {
        for (apart, second) in notes[index + 1..].iter().enumerate() {
            let seconds = second.onset_seconds - first.onset_seconds;
            if seconds > REACH_SECONDS {
                break;
            }
            if seconds >= LEAST_SECONDS {
                found.push((seconds, 1.0 / (apart as f64 + 1.0)));
            }
        }
    }
    found
}

/// Mean of a comb at the distances, −1 to 1. Its teeth stand on whole beats and, lower, on halves, so that eighth notes
/// do not speak against a beat of quarters.
fn comb(distances: &[(f64, f64)], period_seconds: f64) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for &(seconds, weight) in distances {
        let phase = std::f64::consts::TAU * seconds / period_seconds;
        sum += weight * (0.4 * phase.cos() + 0.6 * (2.0 * phase).cos());
        weights += weight;
    }
    sum / weights
}

fn preference(bpm: f64) -> f64 {
    let bell = |octaves: f64, width: f64| (-0.5 * (octaves / width).powi(2)).exp();
    let outside = (bpm / PREFERRED_BPM.end()).log2().max((PREFERRED_BPM.start() / bpm).log2()).max(0.0);
    bell(outside, FALL_OFF_OCTAVES) * bell((bpm / MIDDLE_BPM).log2(), MIDDLE_OCTAVES)
}

#[cfg(test)]
mod tests {
    use music::MidiPitch;

    use super::*;

    fn check(beats: &[f64], bpm: f64, wobble_seconds: f64, expected_bpm: f64) {
        let mut onset = 0.3;
        let notes: Vec<Note> = beats
            .iter()
            .enumerate()
            .map(|(i, beat)| {
                let duration_seconds = beat * 60.0 / bpm;
                let wobble = wobble_seconds * (i as f64 * 2.4).sin();
                let note = Note {
                    onset_seconds: onset + wobble,
                    duration_seconds,
                    pitch: MidiPitch::new(60),
                    cents: 0.0,
                    velocity: 90,
                };
                onset += duration_seconds;
                note
            })
            .collect();
        let (found, _) = estimate(&notes);
        assert!((found / expected_bpm - 1.0).abs() < 0.04, "{found} bpm for {expected_bpm}");
    }

    #[test]
    fn the_beat_is_found_under_rhythms() {
        check(&[1.0; 16], 100.0, 0.0, 100.0);
        check(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.5, 2.0], 112.0, 0.02, 112.0);
        check(&[1.0, 0.5, 0.5, 1.0, 1.0, 0.5, 0.5, 1.0, 2.0, 1.0, 0.5, 0.5], 84.0, 0.02, 84.0);
        check(&[0.5; 24], 90.0, 0.0, 90.0);
        check(&[2.0; 10], 130.0, 0.0, 130.0);
    }

    #[test]
    fn too_little_to_tell_gives_a_plain_tempo() {
        assert_eq!(estimate(&[]), (UNKNOWN_BPM, 0.0));
        check(&[1.0], 77.0, 0.0, UNKNOWN_BPM);
    }
}
