//! The tracker and the note finder against recordings with known pitch. Prints the figures; the floors are modest, so
//! that only a real loss of quality fails.

mod common;

use std::time::Instant;

use engine::{extract_melody, f0};
use music::{Note, hz_to_midi};

/// Recording, truth, least raw pitch accuracy and greatest false alarm in percent.
const RECORDINGS: [(&str, &str, f64, f64); 12] = [
    ("vocadito_1.flac", "vocadito_1_f0.csv", 98.5, 7.0),
    ("vocadito_10.wav", "vocadito_10_pseudo_f0.csv", 99.0, 8.0),
    ("singing_female.wav", "singing_female_pseudo_f0.csv", 99.0, 5.0),
    ("speech_male.wav", "speech_male_pseudo_f0.csv", 95.0, 10.0),
    ("resyn_voc10.flac", "resyn_voc10_f0.csv", 98.0, 18.0),
    ("resyn_arctic.flac", "resyn_arctic_f0.csv", 92.5, 6.0),
    ("resyn_libri.flac", "resyn_libri_f0.csv", 95.0, 6.0),
    ("tone_clean.flac", "tone_clean_f0.csv", 99.0, 2.0),
    ("tone_clip.flac", "tone_clip_f0.csv", 99.0, 10.0),
    ("tone_hum.flac", "tone_hum_f0.csv", 99.0, 2.0),
    ("tone_noise5.flac", "tone_noise5_f0.csv", 99.0, 3.0),
    ("tone_phone_male.flac", "tone_phone_male_f0.csv", 99.0, 3.0),
];

#[test]
fn pitch_of_real_and_resynthesised_voices() {
    let Some(folder) = common::shared_data() else { return };
    for (audio, truth, least_raw_pitch, most_false_alarm) in RECORDINGS {
        let (samples, rate) = common::read_audio(&folder.join(audio));
        let rows = common::read_csv(&folder.join(truth));
        let begun = Instant::now();
        let track = f0::track(&samples, rate);
        let speed = samples.len() as f64 / f64::from(rate) / begun.elapsed().as_secs_f64();
        let figures = common::score(rows[rows.len() - 1][0], |time| common::truth_at(&rows, time), &track);
        println!("{audio:22} {figures}  {speed:5.0} x real time");
        assert!(figures.raw_pitch >= least_raw_pitch, "{audio}: {figures}");
        // Not a number where nothing is unvoiced.
        assert!(figures.false_alarm.is_nan() || figures.false_alarm <= most_false_alarm, "{audio}: {figures}");
    }
}

/// F1 of note onsets (±100 ms) and pitches (±50 cents), as `mir_eval.transcription` without offsets. Both lists are in
/// order, so the largest matching is a longest common subsequence.
fn note_f1(truth: &[(f64, f64)], found: &[Note]) -> f64 {
    let fits = |t: &(f64, f64), n: &Note| {
        (t.0 - n.onset_seconds).abs() <= 0.1 && (hz_to_midi(t.1) - n.sung_midi()).abs() <= 0.5
    };
    let mut best = vec![vec![0usize; found.len() + 1]; truth.len() + 1];
    for (i, t) in truth.iter().enumerate() {
        for (j, n) in found.iter().enumerate() {
            let matched = best[i][j] + usize::from(fits(t, n));
            best[i + 1][j + 1] = matched.max(best[i][j + 1]).max(best[i + 1][j]);
        }
    }
    2.0 * best[truth.len()][found.len()] as f64 / (truth.len() + found.len()) as f64
}

#[test]
fn notes_of_a_real_singer() {
    let Some(folder) = common::shared_data() else { return };
    let (samples, rate) = common::read_audio(&folder.join("vocadito_1.flac"));
    let begun = Instant::now();
    let melody = extract_melody(&samples, rate, &mut |_| {}).expect("a melody");
    let speed = melody.duration_seconds / begun.elapsed().as_secs_f64();
    for annotator in ["vocadito_1_notesA1.csv", "vocadito_1_notesA2.csv"] {
        let rows = common::read_csv(&folder.join(annotator));
        let truth: Vec<(f64, f64)> = rows.iter().map(|row| (row[0], row[1])).collect();
        let f1 = note_f1(&truth, &melody.notes);
        println!("{annotator}: {} notes, {} found, F1 {f1:.3}", truth.len(), melody.notes.len());
        assert!(f1 >= 0.86, "{annotator}: F1 {f1:.3}");
    }
    let lengths: Vec<usize> = melody.phrases.iter().map(|phrase| phrase.note_count()).collect();
    println!("{}, {} bpm, phrases of {lengths:?} notes, {speed:.0} x real time", melody.key, melody.tempo_bpm);
    assert!(lengths.iter().all(|length| (2..=12).contains(length)), "{lengths:?}");
}

#[test]
fn every_recording_of_singing_has_a_melody_and_noise_has_none() {
    let Some(folder) = common::shared_data() else { return };
    for audio in ["vocadito_10.wav", "singing_female.wav", "resyn_voc10.flac", "tone_clean.flac"] {
        let (samples, rate) = common::read_audio(&folder.join(audio));
        let melody = extract_melody(&samples, rate, &mut |_| {}).unwrap_or_else(|error| panic!("{audio}: {error}"));
        let names: Vec<String> = melody.notes.iter().map(|note| note.pitch.to_string()).collect();
        println!("{audio}: {}, {} bpm, {}", melody.key, melody.tempo_bpm, names.join(" "));
        assert_is_sound(&melody);
    }
    for audio in ["white_noise_2s.wav", "silence_2s.wav"] {
        let (samples, rate) = common::read_audio(&folder.join("../variants").join(audio));
        assert!(extract_melody(&samples, rate, &mut |_| {}).is_err(), "a melody in {audio}");
    }
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
