//! Corrections: what is asked for happens, and whatever is asked for leaves notes that can be sung.

use music::{
    BeatGrid, Corrections, Key, Melody, MidiPitch, Mode, Note, Phrase, PitchFrame, PitchTrack, correct,
    correct::{CorrectionError, Grid, Quantise},
    rhythm,
};
use proptest::prelude::*;

fn note(onset_seconds: f64, duration_seconds: f64, number: u8, cents: f64) -> Note {
    Note { onset_seconds, duration_seconds, pitch: MidiPitch::new(number), cents, velocity: 90 }
}

fn melody(notes: Vec<Note>) -> Melody {
    Melody {
        duration_seconds: notes.last().map_or(0.0, Note::end_seconds) + 0.5,
        phrases: vec![Phrase { start: 0, end: notes.len() }],
        notes,
        key: Key { tonic: 0, mode: Mode::Major, confidence: 0.9 },
        tempo_bpm: 120.0,
        ..Melody::default()
    }
}

fn numbers(melody: &Melody) -> Vec<u8> {
    melody.notes.iter().map(|note| note.pitch.number()).collect()
}

#[test]
fn wrong_notes_go_to_the_nearer_neighbour_in_the_key() {
    let sung = melody(vec![note(0.0, 0.4, 60, 0.0), note(0.5, 0.4, 61, 30.0), note(1.0, 0.4, 66, -30.0)]);
    let snapped = correct::apply(&sung, &Corrections { snap_to_key: true, ..Default::default() }).unwrap();
    assert_eq!(numbers(&snapped), [60, 62, 65]);
    assert_eq!(snapped.uncorrected.as_deref(), Some(&sung.notes[..]));
    assert_eq!(snapped.track, sung.track);
}

#[test]
fn transposing_moves_the_key_and_starts_from_what_was_sung() {
    let sung = melody(vec![note(0.0, 0.4, 60, 10.0), note(0.5, 0.4, 64, 0.0)]);
    let up = Corrections { transpose_semitones: 3, octave: -1, ..Default::default() };
    let once = correct::apply(&sung, &up).unwrap();
    assert_eq!((numbers(&once), once.key.tonic, once.notes[0].cents), (vec![51, 55], 3, 10.0));
    assert_eq!(correct::apply(&once, &up).unwrap(), once, "applied twice is applied once");
    assert_eq!(correct::apply(&once, &Corrections::default()).unwrap(), sung, "and none restores");
}

#[test]
fn quantising_puts_onsets_on_the_beat_and_half_way_at_half_strength() {
    let sung = melody(vec![note(0.03, 0.42, 60, 0.0), note(0.46, 0.5, 62, 0.0), note(1.05, 0.4, 64, 0.0)]);
    let moved = |strength| {
        let quantise = Some(Quantise { grid: Grid::Eighth, strength });
        let made = correct::apply(&sung, &Corrections { quantise, ..Default::default() }).unwrap();
        made.notes.iter().map(|note| (note.onset_seconds * 1000.0).round()).collect::<Vec<_>>()
    };
    assert_eq!(moved(1.0), [0.0, 500.0, 1000.0]);
    assert_eq!(moved(0.5), [15.0, 480.0, 1025.0]);
    assert_eq!(moved(0.0), [30.0, 460.0, 1050.0]);
}

#[test]
fn what_is_out_of_range_is_named() {
    let sung = melody(vec![note(0.0, 0.4, 60, 0.0)]);
    let refused = |corrections| correct::apply(&sung, &corrections).unwrap_err();
    assert_eq!(refused(Corrections { transpose_semitones: 25, ..Default::default() }), CorrectionError::Transposition);
    assert_eq!(refused(Corrections { octave: -4, ..Default::default() }), CorrectionError::Octave);
    let quantise = Some(Quantise { grid: Grid::Quarter, strength: f64::NAN });
    assert_eq!(refused(Corrections { quantise, ..Default::default() }), CorrectionError::Strength);
}

#[test]
fn the_contour_follows_its_note() {
    let mut sung = melody(vec![note(0.5, 0.5, 57, 0.0), note(1.1, 0.4, 59, 0.0)]);
    let hz = |i: usize| if (50..100).contains(&i) { 220.0 } else { 246.94 };
    let frame = |i| PitchFrame { hz: hz(i), confidence: 1.0, voiced: (50..150).contains(&i) };
    sung.track = PitchTrack { hop_seconds: 0.01, frames: (0..200).map(frame).collect() };
    assert_eq!(correct::corrected_track(&sung), sung.track);
    let up = correct::apply(&sung, &Corrections { octave: 1, ..Default::default() }).unwrap();
    let track = correct::corrected_track(&up);
    assert!((track.frames[70].hz - 440.0).abs() < 0.1 && (track.frames[130].hz - 493.88).abs() < 0.1);
    assert!(!track.frames[20].voiced && track.frames.len() == 200);
}

fn any_corrections() -> impl Strategy<Value = Corrections> {
    let grid = prop_oneof![Just(Grid::Quarter), Just(Grid::Eighth), Just(Grid::Sixteenth), Just(Grid::EighthTriplet)];
    let quantise = prop::option::of((grid, 0.0..=1.0).prop_map(|(grid, strength)| Quantise { grid, strength }));
    (any::<bool>(), quantise, -24i8..=24, -3i8..=3).prop_map(|(snap_to_key, quantise, transpose_semitones, octave)| {
        Corrections { snap_to_key, quantise, transpose_semitones, octave }
    })
}

proptest! {
    /// Whatever is corrected: as many notes, in order, none empty, none overlapping, all in range; intervals survive
    /// when nothing snaps; and the sung notes come back.
    #[test]
    fn notes_stay_notes(
        parts in prop::collection::vec((0.0..0.6, 0.03..1.5, 0u8..=127, -50.0..50.0), 1..60),
        corrections in any_corrections(), tempo_bpm in 40.0..240.0, with_beats in any::<bool>(),
    ) {
        let mut now = 0.0;
        let notes: Vec<Note> = parts.iter().map(|&(rest, length, number, cents)| {
            let made = note(now + rest, length, number, cents);
            now = made.end_seconds();
            made
        }).collect();
        let mut sung = Melody { tempo_bpm, ..melody(notes) };
        if with_beats {
            sung.rhythm = rhythm::estimate(&sung.notes, &sung.phrases, tempo_bpm, 0.5);
        }
        let made = correct::apply(&sung, &corrections).unwrap();
        prop_assert_eq!(made.notes.len(), sung.notes.len());
        prop_assert!(made.notes.iter().all(|note| note.duration_seconds > 0.0 && note.onset_seconds >= 0.0));
        for pair in made.notes.windows(2) {
            prop_assert!(pair[0].onset_seconds < pair[1].onset_seconds);
            prop_assert!(pair[0].end_seconds() <= pair[1].onset_seconds + 1e-9, "{:?}", pair);
        }
        prop_assert_eq!(made.sung_notes(), &sung.notes[..]);
        let low_enough = sung.notes.iter().all(|note| (60..=67).contains(&note.pitch.number()));
        if !corrections.snap_to_key && low_enough {
            let shift = i32::from(corrections.transpose_semitones) + 12 * i32::from(corrections.octave);
            for (before, after) in sung.notes.iter().zip(&made.notes) {
                prop_assert_eq!(i32::from(after.pitch.number()) - i32::from(before.pitch.number()), shift);
            }
        }
        prop_assert_eq!(correct::apply(&made, &Corrections::default()).unwrap().notes, sung.notes);
    }

    /// Quarters and seconds are inverse to each other, beats known or not.
    #[test]
    fn the_grid_is_a_clock(
        lengths in prop::collection::vec(0.2..1.0, 0..20), first in 0.0..5.0, tempo_bpm in 40.0..240.0,
        moment in 0.0..40.0,
    ) {
        let mut made = Melody { tempo_bpm, ..melody(vec![note(0.0, 0.3, 60, 0.0)]) };
        let mut now = first;
        made.rhythm.beats_seconds = lengths.iter().map(|length| { now += length; now }).collect();
        let grid = BeatGrid::of(&made);
        prop_assert!((grid.seconds_at(grid.quarters_at(moment)) - moment).abs() < 1e-6);
        prop_assert!(grid.pickup_quarters < 4);
    }
}
