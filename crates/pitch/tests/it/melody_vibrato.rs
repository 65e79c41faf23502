//! Ornaments that are part of a note: vibrato, and the slides and turns that are none.

use crate::common::made::{Manner, Mouth, Onset, Swing, found, notes, perform};

const HELD: [(f64, f64); 5] = [(60.0, 1.5), (64.0, 1.5), (67.0, 1.5), (62.0, 1.5), (60.0, 1.5)];

fn check(name: &str, tune: &[(f64, f64)], manner: &Manner) {
    let (samples, truth) = perform(tune, manner);
    let heard = notes(&samples);
    assert_eq!((found(&truth, &heard), heard.len()), (truth.len(), truth.len()), "{name}: {heard:#?}");
}

#[test]
fn vibrato_is_one_note_up_to_two_semitones_to_each_side() {
    for (number, cents) in [30.0, 70.0, 100.0, 150.0, 200.0].into_iter().enumerate() {
        for hz in [4.0, 5.0, 6.0, 7.0, 8.0] {
            for after_seconds in [0.0, 0.5] {
                for onset in [Onset::Legato, Onset::Rest { seconds: 0.06 }] {
                    let mouth = if number % 2 == 0 { Mouth::Vowel } else { Mouth::Hum };
                    let vibrato = Swing { depth: cents, hz, after_seconds };
                    let manner = Manner { mouth, onset, vibrato, ..Manner::default() };
                    let lower = HELD.map(|(midi, seconds)| (midi - 7.0, seconds));
                    let name = format!("{cents} cents at {hz} Hz after {after_seconds} s, {onset:?}");
                    if onset == Onset::Legato && cents > 100.0 {
                        // Without a gap nothing says where between two turns so wide the next note begins.
                        let heard = notes(&perform(&lower, &manner).0);
                        let pitches: Vec<f64> = heard.iter().map(|note| f64::from(note.pitch.number())).collect();
                        assert_eq!(pitches, lower.map(|note| note.0), "{name}");
                    } else {
                        check(&name, &lower, &manner);
                    }
                }
            }
        }
    }
}

#[test]
fn with_tremolo_too() {
    for (cents, level_db, hz) in [(50.0, 4.0, 5.0), (100.0, 6.0, 6.0), (150.0, 8.0, 5.5), (200.0, 5.0, 7.0)] {
        let manner = Manner {
            vibrato: Swing::new(cents, hz),
            tremolo: Swing::new(level_db, hz),
            noise_db: -40.0,
            ..Manner::default()
        };
        check(&format!("{cents} cents and {level_db} dB at {hz} Hz"), &HELD, &manner);
    }
}

#[test]
fn a_vibrato_whistled_is_one_note_too() {
    for (cents, hz) in [(60.0, 5.0), (100.0, 6.0), (150.0, 7.0)] {
        let manner = Manner { mouth: Mouth::Whistle, vibrato: Swing::new(cents, hz), ..Manner::default() };
        check(&format!("{cents} cents at {hz} Hz"), &HELD.map(|(midi, seconds)| (midi + 24.0, seconds)), &manner);
    }
}

#[test]
fn slides_between_notes_make_none() {
    for glide_seconds in [0.05, 0.1, 0.15] {
        for vibrato in [Swing::NONE, Swing { depth: 60.0, hz: 5.5, after_seconds: 0.3 }] {
            let manner = Manner { onset: Onset::Legato, glide_seconds, vibrato, ..Manner::default() };
            check(&format!("slides of {glide_seconds} s"), &HELD.map(|(midi, _)| (midi, 0.8)), &manner);
        }
    }
}

/// So many notes a second, in turn two semitones apart.
fn in_turn(per_second: f64, glide_seconds: f64, onset: Onset) -> (usize, usize, usize) {
    let tune: Vec<(f64, f64)> = (0..16).map(|i| (57.0 + f64::from(i % 2) * 2.0, 1.0 / per_second)).collect();
    let (samples, truth) = perform(&tune, &Manner { onset, glide_seconds, ..Manner::default() });
    let heard = notes(&samples);
    (found(&truth, &heard), heard.len(), truth.len())
}

#[test]
fn notes_in_turn_are_notes_and_a_shake_is_one() {
    for per_second in [3.0, 4.0, 5.0, 6.0] {
        let (right, heard, sung) = in_turn(per_second, 0.05, Onset::Legato);
        assert_eq!((right, heard), (sung, sung), "{per_second} notes a second");
    }
    // Each with its own syllable.
    let (right, heard, sung) = in_turn(5.0, 0.04, Onset::Nasal { depth_db: 6.0, seconds: 0.04 });
    assert_eq!((right, heard), (sung, sung));
    // All glide and no note: a shake, which is its middle.
    let (_, heard, _) = in_turn(10.0, 0.1, Onset::Legato);
    assert_eq!(heard, 1);
}
