//! Notes of one pitch: parted where a syllable begins, and only there.

use crate::common::made::{Manner, Mouth, Onset, Swing, found, notes, perform};

const JINGLE: [(f64, f64); 11] = [
    (64.0, 1.0),
    (64.0, 1.0),
    (64.0, 2.0),
    (64.0, 1.0),
    (64.0, 1.0),
    (64.0, 2.0),
    (64.0, 1.0),
    (67.0, 1.0),
    (60.0, 1.5),
    (62.0, 0.5),
    (64.0, 3.0),
];

fn check(name: &str, tune: &[(f64, f64)], manner: &Manner) {
    let (samples, truth) = perform(tune, manner);
    let heard = notes(&samples);
    assert_eq!((found(&truth, &heard), heard.len()), (truth.len(), truth.len()), "{name}: {heard:#?}");
}

#[test]
fn nasal_onsets_part_notes_of_one_pitch() {
    for beat in [0.25, 0.33, 0.45] {
        for shift in [-16.0, -9.0, -2.0, 4.0] {
            for depth_db in [4.0, 6.0, 9.0, 12.0] {
                // A high voice has few harmonics that the mouth could hold back.
                if depth_db < 6.0 && shift > -4.0 {
                    continue;
                }
                for (seconds, noise_db) in [(0.04, -60.0), (0.06, -40.0), (0.08, -60.0)] {
                    let manner = Manner { onset: Onset::Nasal { depth_db, seconds }, noise_db, ..Manner::default() };
                    let tune = JINGLE.map(|(midi, beats)| (midi + shift, beats.max(1.0) * beat));
                    check(&format!("{depth_db} dB for {seconds} s, {shift} up, beat {beat}"), &tune, &manner);
                }
            }
        }
    }
}

#[test]
fn a_hum_is_parted_where_it_weakens() {
    for mouth in [Mouth::Hum, Mouth::Vowel] {
        for shift in [-16.0, -4.0, 4.0] {
            for depth_db in [9.0, 12.0, 20.0] {
                let manner = Manner { mouth, onset: Onset::Dip { depth_db, seconds: 0.06 }, ..Manner::default() };
                let tune = JINGLE.map(|(midi, beats)| (midi + shift, beats.max(1.0) * 0.35));
                check(&format!("{mouth:?}, {depth_db} dB, {shift} up"), &tune, &manner);
            }
        }
    }
}

#[test]
fn a_held_note_with_tremolo_or_breath_is_one() {
    for mouth in [Mouth::Hum, Mouth::Vowel] {
        for shift in [-16.0, -4.0, 4.0] {
            for hz in [4.0, 5.5, 7.0, 8.0] {
                for (depth_db, noise_db) in [(0.0, -20.0), (3.0, -30.0), (6.0, -60.0), (8.0, -30.0), (10.0, -40.0)] {
                    let tune = [(60.0 + shift, 2.0), (62.0 + shift, 2.0), (62.0 + shift, 2.0)];
                    let manner = Manner { mouth, tremolo: Swing::new(depth_db, hz), noise_db, ..Manner::default() };
                    check(
                        &format!("{mouth:?}, {depth_db} dB at {hz} Hz, {shift} up, noise {noise_db}"),
                        &tune,
                        &manner,
                    );
                }
            }
        }
    }
}
