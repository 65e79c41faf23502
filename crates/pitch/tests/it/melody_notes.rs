//! Notes against notes that are known: made hums and sung vowels with everything that makes them hard to read. Prints
//! the figures; the floors are a little below them. Real singers are measured by `cargo xtask bench engine`.

use music::{Note, midi_to_hz};
use pitch::{extract_melody, sample};

use crate::common::made::{self, Manner as Sung, Mouth, Onset, Swing};

/// Onset in seconds and pitch as a fractional MIDI number.
type Truth = Vec<(f64, f64)>;

const RATE: u32 = 44_100;

/// What a made hum is like.
struct Manner {
    name: &'static str,
    /// Silence between notes, and how deep the loudness falls in it, as a factor.
    gap_seconds: f64,
    gap_level: f64,
    glide_seconds: f64,
    vibrato_cents: f64,
    /// Level of white noise against the voice's peak.
    noise: f64,
    /// Swing of the loudness with the vibrato, from bottom to top.
    tremolo_db: f64,
}

const MANNERS: [Manner; 8] = [
    Manner {
        name: "plain",
        gap_seconds: 0.03,
        gap_level: 0.1,
        glide_seconds: 0.05,
        vibrato_cents: 0.0,
        noise: 0.0,
        tremolo_db: 0.0,
    },
    Manner {
        name: "short gaps",
        gap_seconds: 0.045,
        gap_level: 0.2,
        glide_seconds: 0.04,
        vibrato_cents: 15.0,
        noise: 0.001,
        tremolo_db: 1.0,
    },
    Manner {
        name: "legato",
        gap_seconds: 0.05,
        gap_level: 0.45,
        glide_seconds: 0.08,
        vibrato_cents: 20.0,
        noise: 0.001,
        tremolo_db: 1.0,
    },
    Manner {
        name: "glides",
        gap_seconds: 0.04,
        gap_level: 0.3,
        glide_seconds: 0.14,
        vibrato_cents: 10.0,
        noise: 0.001,
        tremolo_db: 1.0,
    },
    Manner {
        name: "vibrato",
        gap_seconds: 0.05,
        gap_level: 0.25,
        glide_seconds: 0.06,
        vibrato_cents: 60.0,
        noise: 0.001,
        tremolo_db: 1.0,
    },
    Manner {
        name: "noisy",
        gap_seconds: 0.05,
        gap_level: 0.2,
        glide_seconds: 0.06,
        vibrato_cents: 20.0,
        noise: 0.03,
        tremolo_db: 1.0,
    },
    Manner {
        name: "staccato",
        gap_seconds: 0.12,
        gap_level: 0.0,
        glide_seconds: 0.03,
        vibrato_cents: 0.0,
        noise: 0.002,
        tremolo_db: 0.0,
    },
    Manner {
        name: "tremolo",
        gap_seconds: 0.06,
        gap_level: 0.1,
        glide_seconds: 0.05,
        vibrato_cents: 40.0,
        noise: 0.001,
        tremolo_db: 4.0,
    },
];

/// Semitones and lengths in beats: repeated notes, steps, leaps, short and long.
const TUNE: [(f64, f64); 28] = [
    (0.0, 1.0),
    (0.0, 1.0),
    (7.0, 1.0),
    (7.0, 1.0),
    (9.0, 0.5),
    (9.0, 0.5),
    (7.0, 2.0),
    (5.0, 1.0),
    (5.0, 0.5),
    (5.0, 0.5),
    (4.0, 1.0),
    (2.0, 0.5),
    (4.0, 0.5),
    (2.0, 1.0),
    (0.0, 2.0),
    (12.0, 1.0),
    (11.0, 0.5),
    (12.0, 0.5),
    (7.0, 1.0),
    (8.0, 1.0),
    (7.0, 1.0),
    (3.0, 1.0),
    (2.0, 0.5),
    (2.0, 0.5),
    (-1.0, 1.0),
    (0.0, 1.0),
    (0.0, 1.0),
    (0.0, 2.0),
];

/// A hum of [`TUNE`] on a tonic, so many seconds to the beat.
fn hum(manner: &Manner, tonic: f64, beat: f64) -> (Vec<f32>, Truth) {
    let mut truth = Truth::new();
    let mut now = 0.4;
    for (step, beats) in TUNE {
        truth.push((now, tonic + step));
        now += beats * beat;
    }
    let ends: Vec<f64> = truth.iter().skip(1).map(|note| note.0).chain([now]).collect();
    let smooth = |x: f64| {
        let x = x.clamp(0.0, 1.0);
        x * x * (3.0 - 2.0 * x)
    };
    let (mut phase, mut state) = (0.0f64, 12_345u32);
    let samples = (0..((now + 0.5) * f64::from(RATE)) as usize).map(|i| {
        let time = i as f64 / f64::from(RATE);
        let index = ends.partition_point(|end| *end <= time).min(truth.len() - 1);
        let mut midi = truth[index].1;
        // Glides lie across the boundary.
        for (other, sign) in [(index.wrapping_sub(1), 1.0), (index + 1, -1.0)] {
            if let Some(neighbour) = truth.get(other) {
                let boundary = if sign > 0.0 { truth[index].0 } else { ends[index] };
                let into = sign * (time - boundary) / manner.glide_seconds;
                midi += (neighbour.1 - truth[index].1) * (1.0 - smooth(into + 0.5));
            }
        }
        midi += manner.vibrato_cents / 100.0 * (time * 5.6 * std::f64::consts::TAU).sin();
        let mut level = if time < truth[0].0 || time >= now { 0.0 } else { 1.0 };
        let edge = (time - truth[index].0).min(ends[index] - time).max(0.0);
        level *= manner.gap_level + (1.0 - manner.gap_level) * smooth(edge / (manner.gap_seconds / 2.0) - 0.2);
        level *= 10f64.powf(manner.tremolo_db / 40.0 * (time * 5.6 * std::f64::consts::TAU).sin());
        phase += midi_to_hz(midi) / f64::from(RATE);
        let voice: f64 = (1..=8).map(|n| (phase * f64::from(n) * std::f64::consts::TAU).sin() / f64::from(n * n)).sum();
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0;
        (0.4 * level * voice + manner.noise * noise) as f32
    });
    (samples.collect(), truth)
}

/// F1 of note onsets (±100 ms) and pitches (±50 cents), as `mir_eval.transcription` without offsets. Both lists are in
/// order, so the largest matching is a longest common subsequence.
fn note_f1(truth: &[(f64, f64)], found: &[Note]) -> f64 {
    let mut best = vec![vec![0usize; found.len() + 1]; truth.len() + 1];
    for (i, t) in truth.iter().enumerate() {
        for (j, n) in found.iter().enumerate() {
            let fits = (t.0 - n.onset_seconds).abs() <= 0.1 && (t.1 - n.sung_midi()).abs() <= 0.5;
            best[i + 1][j + 1] = (best[i][j] + usize::from(fits)).max(best[i][j + 1]).max(best[i + 1][j]);
        }
    }
    2.0 * best[truth.len()][found.len()] as f64 / (truth.len() + found.len()).max(1) as f64
}

fn notes(samples: &[f32], rate: u32) -> Vec<Note> {
    extract_melody(samples, rate, &mut |_| {}).map(|melody| melody.notes).unwrap_or_default()
}

#[test]
fn made_hums_are_written_down() {
    let mut all = Vec::new();
    for manner in &MANNERS {
        for (tonic, beat) in [(45.0, 0.5), (52.3, 0.42), (57.0, 0.36), (64.4, 0.6)] {
            let (samples, truth) = hum(manner, tonic, beat);
            let found = notes(&samples, RATE);
            let f1 = note_f1(&truth, &found);
            println!(
                "{:10} on {tonic:4}, {beat} s to the beat: {} of {} notes, F1 {f1:.3}",
                manner.name,
                found.len(),
                truth.len()
            );
            assert!(f1 >= 0.8, "{} on {tonic}: {f1:.3}", manner.name);
            all.push(f1);
        }
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    println!("made hums: mean note F1 {mean:.3}");
    assert!(mean >= 0.95, "{mean:.3}");
}

#[test]
fn the_sample_tune_is_written_down() {
    let tune = sample::hummed_tune();
    let truth: Truth = tune.notes.iter().map(|note| (note.onset_seconds, note.sung_midi())).collect();
    let f1 = note_f1(&truth, &notes(&tune.samples, tune.sample_rate_hz));
    println!("sample tune: note F1 {f1:.3}");
    assert!(f1 >= 0.96, "{f1:.3}");
}

#[test]
fn sung_vowels_and_hums_are_written_down_and_all_of_it_is_sound() {
    let mut all = Vec::new();
    let onsets = [Onset::Rest { seconds: 0.08 }, Onset::Nasal { depth_db: 8.0, seconds: 0.06 }];
    for (number, onset) in onsets.into_iter().enumerate() {
        for mouth in [Mouth::Vowel, Mouth::Hum] {
            for (tonic, noise_db) in [(43.0, -50.0), (52.0, -30.0), (60.0, -20.0), (67.0, -40.0)] {
                // A hum is closed already: its syllables are dips.
                let onset = if mouth == Mouth::Hum && number == 1 {
                    Onset::Dip { depth_db: 12.0, seconds: 0.06 }
                } else {
                    onset
                };
                let vibrato = Swing { depth: 40.0, hz: 5.5, after_seconds: 0.3 };
                let tremolo = Swing { depth: 2.0, hz: 5.5, after_seconds: 0.3 };
                let manner = Sung { mouth, onset, vibrato, tremolo, noise_db, ..Sung::default() };
                let (samples, truth) = made::perform(&TUNE.map(|(step, beats)| (tonic + step, beats * 0.5)), &manner);
                let melody = extract_melody(&samples, made::RATE_HZ, &mut |_| {}).expect("a melody");
                assert_is_sound(&melody);
                let f1 = note_f1(&truth, &melody.notes);
                println!("{mouth:?} on {tonic}, noise {noise_db} dB, {onset:?}: F1 {f1:.3}");
                assert!(f1 >= 0.9, "{mouth:?} on {tonic}, noise {noise_db} dB, {onset:?}: F1 {f1:.3}");
                all.push(f1);
            }
        }
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    println!("sung vowels and hums: mean note F1 {mean:.3}");
    assert!(mean >= 0.97, "{mean:.3}");
}

/// What the type promises about its fields.
fn assert_is_sound(melody: &music::Melody) {
    assert!(melody.notes.windows(2).all(|pair| pair[0].end_seconds() <= pair[1].onset_seconds + 1e-9));
    assert!(melody.notes.iter().all(|note| note.duration_seconds > 0.0 && (-100.0..=100.0).contains(&note.cents)));
    assert!(melody.notes.iter().all(|note| (1..=127).contains(&note.velocity)));
    assert!(melody.notes.last().is_some_and(|note| note.end_seconds() <= melody.duration_seconds));
    assert_eq!(melody.phrases.first().map(|phrase| phrase.start), Some(0));
    assert_eq!(melody.phrases.last().map(|phrase| phrase.end), Some(melody.notes.len()));
    assert!(melody.phrases.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert!((40.0..=240.0).contains(&melody.tempo_bpm));
}
