//! Hums and vowels in rooms: the tail of a note is none.

use crate::common::made::{Manner, Mouth, Onset, Room, found, notes, perform};

const TWINKLE: [(f64, f64); 13] = [
    (60.0, 1.0),
    (60.0, 1.0),
    (67.0, 1.0),
    (67.0, 1.0),
    (69.0, 1.0),
    (69.0, 1.0),
    (67.0, 2.0),
    (65.0, 1.0),
    (65.0, 1.0),
    (64.0, 1.0),
    (64.0, 1.0),
    (62.0, 1.0),
    (60.0, 2.0),
];

/// Notes sung, found and heard of the tune in rooms of several seeds, voices and tempi.
fn in_rooms(rt60_seconds: f64, direct_db: f64) -> (usize, usize, usize) {
    let (mut sung, mut right, mut all) = (0, 0, 0);
    for (seed, mouth, shift, beat, rest) in [
        (1, Mouth::Vowel, -12.0, 0.35, 0.06),
        (2, Mouth::Hum, -12.0, 0.5, 0.1),
        (3, Mouth::Vowel, -3.0, 0.5, 0.15),
        (4, Mouth::Hum, -3.0, 0.4, 0.1),
        (5, Mouth::Vowel, 4.0, 0.6, 0.3),
        (6, Mouth::Hum, 4.0, 0.6, 0.2),
    ] {
        let manner = Manner {
            mouth,
            onset: Onset::Rest { seconds: rest },
            room: Some(Room { rt60_seconds, direct_db, seed }),
            ..Manner::default()
        };
        let (samples, truth) = perform(&TWINKLE.map(|(midi, beats)| (midi + shift, beats * beat)), &manner);
        let heard = notes(&samples);
        let hits = found(&truth, &heard);
        println!(
            "rt {rt60_seconds}, direct {direct_db}, {mouth:?} {shift}, {beat}, rest {rest}: {hits} of {}",
            heard.len()
        );
        sung += truth.len();
        right += hits;
        all += heard.len();
    }
    (sung, right, all)
}

#[test]
fn tails_are_no_notes() {
    for rt60_seconds in [0.3, 0.6, 1.0, 1.5] {
        for direct_db in [10.0, 5.0] {
            let (sung, right, heard) = in_rooms(rt60_seconds, direct_db);
            println!("{rt60_seconds} s, direct sound {direct_db} dB above: {right} of {sung} found, {heard} heard");
            // In the longest, two notes of one pitch melt into one here and there.
            let lost = if rt60_seconds > 1.0 && direct_db < 10.0 { sung / 12 } else { 1 };
            assert!(right + lost >= sung, "{rt60_seconds} s, {direct_db} dB: {right} of {sung}");
            assert!(heard <= sung, "{rt60_seconds} s, {direct_db} dB: {heard} for {sung}");
        }
    }
}

#[test]
fn far_from_the_singer_most_is_still_found() {
    for (rt60_seconds, least_percent) in [(0.3, 97), (0.6, 95), (1.0, 90), (1.5, 80)] {
        let (sung, right, heard) = in_rooms(rt60_seconds, 0.0);
        println!("{rt60_seconds} s, as loud as the direct sound: {right} of {sung} found, {heard} heard");
        assert!(100 * right >= least_percent * sung && heard <= sung, "{rt60_seconds} s: {right}, {heard}");
    }
}

#[test]
fn a_last_note_dies_away_and_is_one() {
    for seed in 0..6 {
        for (rt60_seconds, direct_db) in [(0.8, 8.0), (1.0, 5.0), (1.5, 5.0)] {
            let room = Some(Room { rt60_seconds, direct_db, seed });
            let (samples, truth) = perform(&[(57.0, 0.8)], &Manner { room, ..Manner::default() });
            let heard = notes(&samples);
            assert_eq!((found(&truth, &heard), heard.len()), (1, 1), "{rt60_seconds} s, {direct_db} dB, seed {seed}");
        }
    }
}
