//! The beat: the tempo at which the distances between note onsets read best as notes of common lengths.
//!
//! Distances rather than moments, because nobody hums to a click and the beat drifts. A tune can be written at twice or
//! half its tempo, with notes of half or twice their lengths, and sounds the same; so three things decide together: how
//! well the distances keep to the beat, how common the note lengths are that they come out as, and how common the tempo
//! is. Where another reading is nearly as likely, it is told.

use music::Note;

const SLOWEST_BPM: f64 = 30.0;
const FASTEST_BPM: f64 = 260.0;
/// Tempo of a tune that says nothing about its own.
const UNKNOWN_BPM: f64 = 100.0;
/// Tempi are spread around this one; the spread is one standard deviation of the logarithm, in octaves (of songs; see
/// M. McKinney and D. Moelants, "Ambiguity in tempo perception", Music Perception 24(2), 2006).
const COMMON_BPM: f64 = 106.0;
const COMMON_OCTAVES: f64 = 0.55;
/// Onsets further apart than this share no beat any more.
const REACH_SECONDS: f64 = 2.5;
/// Onsets closer together than this are ornaments.
const LEAST_SECONDS: f64 = 0.1;
/// Neighbouring tempi tried differ by this factor: half a beat in a hundred.
const TEMPO_STEP: f64 = 1.005;
/// Fewer notes than about this tell little.
const ENOUGH_NOTES: f64 = 6.0;
/// Lengths in quarters and how common they are in tunes that people sing: mostly quarters and eighths.
const LENGTHS: [(f64, f64); 9] = [
    (0.25, 0.05),
    (1.0 / 3.0, 0.01),
    (0.5, 0.33),
    (0.75, 0.02),
    (1.0, 0.43),
    (1.5, 0.07),
    (2.0, 0.08),
    (3.0, 0.03),
    (4.0, 0.02),
];
/// How far a sung length strays from the written one: standard deviation of the logarithm, in octaves.
const LENGTH_OCTAVES: f64 = 0.12;
/// Chance density of a length that is none of the common ones.
const ANY_LENGTH: f64 = 0.02;
/// The lengths of a tune repeat each other: together they say as much as so many independent ones.
const LENGTHS_THAT_COUNT: f64 = 4.0;
/// What the comb counts against the two others, in nats.
const COMB_WEIGHT: f64 = 3.0;
/// A reading that is less likely than the best by more than this factor of e is not told.
const WORTH_TELLING: f64 = 3.5;

/// What the onsets say of the tempo.
#[derive(Debug, PartialEq)]
pub(super) struct Tempo {
    /// Quarters per minute, 30–260.
    pub bpm: f64,
    /// How well the onsets keep to the beat, 0–1: the mean of the comb over the distances of neighbouring onsets (1 when
    /// all lie on beats and halves), less for few notes.
    pub confidence: f64,
    /// Half or twice the tempo where the notes could as well be read so, the likelier first.
    pub alternatives_bpm: Vec<f64>,
}

pub(super) fn estimate(notes: &[Note]) -> Tempo {
    let distances = distances(notes);
    let neighbours: Vec<f64> =
        distances.iter().filter(|(_, weight)| *weight > 0.9).map(|(seconds, _)| *seconds).collect();
    if neighbours.is_empty() {
        return Tempo { bpm: UNKNOWN_BPM, confidence: 0.0, alternatives_bpm: Vec::new() };
    }
    let score = |bpm: f64| {
        COMB_WEIGHT * comb(&distances, 60.0 / bpm) + LENGTHS_THAT_COUNT * reading(&neighbours, bpm) + prior(bpm)
    };
    let steps = ((FASTEST_BPM / SLOWEST_BPM).ln() / TEMPO_STEP.ln()) as i32;
    let tempi = (0..=steps).map(|step| SLOWEST_BPM * TEMPO_STEP.powi(step));
    let best = tempi.max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap_or(UNKNOWN_BPM);
    let mut others: Vec<(f64, f64)> = [best / 2.0, best * 2.0]
        .into_iter()
        .filter(|bpm| (SLOWEST_BPM..=FASTEST_BPM).contains(bpm))
        .map(|bpm| (score(bpm), bpm))
        // Of a tempo that is rare in itself, the more common reading is always worth a word.
        .filter(|&(other, bpm)| score(best) - other <= WORTH_TELLING + (prior(bpm) - prior(best)).max(0.0))
        .collect();
    others.sort_by(|a, b| b.0.total_cmp(&a.0));
    let pairs: Vec<(f64, f64)> = neighbours.iter().map(|&seconds| (seconds, 1.0)).collect();
    let enough = 1.0 - (-(notes.len() as f64) / ENOUGH_NOTES).exp();
    let rounded = |bpm: f64| (bpm * 10.0).round() / 10.0;
    Tempo {
        bpm: rounded(best),
        confidence: (comb(&pairs, 60.0 / best).max(0.0) * enough).clamp(0.0, 1.0),
        alternatives_bpm: others.into_iter().map(|(_, bpm)| rounded(bpm)).collect(),
    }
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

/// Mean logarithm of the chances of the lengths that distances of neighbours have at a tempo.
fn reading(neighbours: &[f64], bpm: f64) -> f64 {
    let chance = |seconds: f64| -> f64 {
        let quarters = seconds * bpm / 60.0;
        let near = |length: f64| (-0.5 * ((quarters / length).log2() / LENGTH_OCTAVES).powi(2)).exp();
        LENGTHS.iter().map(|&(length, common)| common * near(length)).sum::<f64>() + ANY_LENGTH
    };
    neighbours.iter().map(|&seconds| chance(seconds).ln()).sum::<f64>() / neighbours.len() as f64
}

fn prior(bpm: f64) -> f64 {
    -0.5 * ((bpm / COMMON_BPM).log2() / COMMON_OCTAVES).powi(2)
}

#[cfg(test)]
mod tests {
    use music::MidiPitch;

    use super::*;

    fn notes(beats: &[f64], bpm: f64, wobble_seconds: f64) -> Vec<Note> {
        let mut onset = 0.3;
        let note = |(i, beat): (usize, &f64)| {
            let duration_seconds = beat * 60.0 / bpm;
            let wobble = wobble_seconds * (i as f64 * 2.4 + bpm).sin();
            let (onset_seconds, pitch) = (onset + wobble, MidiPitch::new(60));
            onset += duration_seconds;
            Note { onset_seconds, duration_seconds, pitch, cents: 0.0, velocity: 90 }
        };
        beats.iter().enumerate().map(note).collect()
    }

    fn is_near(found: f64, expected: f64) -> bool {
        (found / expected - 1.0).abs() < 0.04
    }

    fn check(beats: &[f64], bpm: f64, wobble_seconds: f64, expected_bpm: f64) {
        let found = estimate(&notes(beats, bpm, wobble_seconds));
        assert!(is_near(found.bpm, expected_bpm), "{found:?} for {expected_bpm}");
    }

    #[test]
    fn the_beat_is_found_under_rhythms() {
        check(&[1.0; 16], 100.0, 0.0, 100.0);
        check(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.5, 2.0], 112.0, 0.02, 112.0);
        check(&[1.0, 0.5, 0.5, 1.0, 1.0, 0.5, 0.5, 1.0, 2.0, 1.0, 0.5, 0.5], 84.0, 0.02, 84.0);
        // Notes of one length are quarters as long as that is a tempo of songs, whatever somebody counted.
        check(&[1.0; 16], 50.0, 0.0, 50.0);
        check(&[2.0; 10], 130.0, 0.0, 65.0);
        check(&[1.0; 16], 200.0, 0.0, 200.0);
    }

    #[test]
    fn the_other_reading_is_told() {
        for bpm in [45.0, 50.0, 190.0, 200.0] {
            let found = estimate(&notes(&[1.0; 16], bpm, 0.0));
            let all: Vec<f64> = found.alternatives_bpm.iter().copied().chain([found.bpm]).collect();
            assert!(all.len() > 1 && all.iter().any(|&read| is_near(read, bpm)), "{found:?} for {bpm}");
        }
        // Nobody writes this at 220, in halves, or at 55, in sixteenths.
        let sure = estimate(&notes(&[1.0, 1.0, 1.0, 0.5, 0.5, 2.0, 1.0, 0.5, 0.5, 1.0, 1.0, 4.0], 110.0, 0.01));
        assert_eq!(sure.alternatives_bpm, [0.0; 0], "{sure:?}");
    }

    #[test]
    fn too_little_to_tell_gives_a_plain_tempo() {
        let plain = Tempo { bpm: UNKNOWN_BPM, confidence: 0.0, alternatives_bpm: Vec::new() };
        assert_eq!(estimate(&[]), plain);
        assert_eq!(estimate(&notes(&[1.0], 77.0, 0.0)), plain);
    }

    /// Rhythms with the tempi that they are sung at.
    const RHYTHMS: [(&str, std::ops::RangeInclusive<u32>, &[f64]); 12] = [
        ("quarters", 40..=220, &[1.0; 16]),
        ("eighths", 50..=140, &[0.5; 24]),
        ("with a dot", 60..=180, &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.5, 2.0]),
        ("halves close", 60..=160, &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0]),
        ("bells", 80..=220, &[1.0, 1.0, 2.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.5, 0.5, 4.0]),
        ("mixed", 50..=140, &[1.0, 0.5, 0.5, 1.0, 1.0, 0.5, 0.5, 1.0, 2.0, 1.0, 0.5, 0.5]),
        ("offbeat", 60..=140, &[0.5, 1.0, 0.5, 1.0, 1.0, 0.5, 1.0, 0.5, 2.0, 0.5, 1.0, 0.5, 1.0, 1.0]),
        ("waltz", 70..=200, &[2.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 3.0, 2.0, 1.0, 2.0, 1.0, 3.0]),
        ("jig", 60..=130, &[1.0, 0.5, 1.0, 0.5, 0.5, 0.5, 0.5, 1.5, 1.0, 0.5, 1.0, 0.5, 1.5]),
        ("hymn", 50..=130, &[1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 4.0]),
        ("dotted", 50..=140, &[1.5, 0.5, 1.0, 1.0, 1.5, 0.5, 2.0, 1.5, 0.5, 1.0, 1.0, 3.0]),
        ("ballad", 50..=90, &[0.5, 0.5, 1.0, 0.5, 0.5, 2.0, 0.5, 0.5, 1.0, 1.5, 0.5, 2.0]),
    ];

    /// Prints how often the octave is right; the floors are a little below the figures.
    #[test]
    fn the_octave_is_mostly_right_and_else_told() {
        let (mut right, mut told, mut all) = (0, 0, 0);
        for (name, tempi, beats) in RHYTHMS {
            let (before, own) = ((right, told, all), [0.0, 0.02, 0.035]);
            for bpm in tempi.step_by(10).map(f64::from) {
                for wobble in own {
                    let found = estimate(&notes(beats, bpm, wobble));
                    all += 1;
                    right += u32::from(is_near(found.bpm, bpm));
                    told += u32::from(
                        is_near(found.bpm, bpm) || found.alternatives_bpm.iter().any(|&other| is_near(other, bpm)),
                    );
                }
            }
            println!("{name}: {} right and {} told of {}", right - before.0, told - before.1, all - before.2);
        }
        println!("all: {right} right and {told} told of {all}");
        assert!(f64::from(right) >= 0.78 * f64::from(all), "{right} of {all}");
        assert!(f64::from(told) >= 0.94 * f64::from(all), "{told} of {all}");
    }
}
