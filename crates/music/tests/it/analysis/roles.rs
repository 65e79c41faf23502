//! Who plays what: roles, doubles, lines, tunes; and sections.

use music::analysis::{Analysis, Role, analyse};

use super::{make::Maker, tune};

/// A song of 16 bars: tune, chords, bass.
const TUNE: [(u8, f64); 21] = [
    (72, 1.0),
    (74, 1.0),
    (76, 1.5),
    (74, 0.5),
    (72, 1.0),
    (69, 1.0),
    (67, 2.0),
    (69, 1.0),
    (72, 0.5),
    (71, 0.5),
    (69, 1.0),
    (65, 1.0),
    (67, 3.0),
    (0, 1.0),
    (76, 1.0),
    (77, 1.0),
    (79, 1.0),
    (76, 1.0),
    (74, 1.0),
    (72, 1.0),
    (71, 2.0),
];

struct Band {
    maker: Maker,
    bars: usize,
}

fn band() -> Band {
    let mut maker = Maker::new().meter(4, 4);
    let (lead, guitar, bass) = (maker.part("", 65), maker.part("", 25), maker.part("", 33));
    let mut at = 0.0;
    while at < 64.0 {
        at = tune(&mut maker, lead, at, &TUNE);
    }
    let bars = (at / 4.0) as usize;
    for bar in 0..bars {
        let root = [48, 45, 41, 43][bar % 4];
        let minor = u8::from(bar % 4 == 1);
        for beat in 0..4 {
            maker.chord(
                guitar,
                bar as f64 * 4.0 + f64::from(beat) + 0.5,
                0.4,
                &[root + 12, root + 16 - minor, root + 19],
            );
        }
        maker.note(bass, bar as f64 * 4.0, 1.9, root - 12);
        maker.note(bass, bar as f64 * 4.0 + 2.0, 1.9, root - 5);
    }
    Band { maker, bars }
}

fn roles(found: &Analysis) -> Vec<Role> {
    found.parts.iter().map(|part| part.role).collect()
}

#[test]
fn a_band_is_told_apart_without_names() {
    let Band { mut maker, bars } = band();
    let strings = maker.part("", 48);
    for bar in (0..bars).step_by(2) {
        maker.chord(strings, bar as f64 * 4.0, 7.8, &[60, 64, 69]);
    }
    let drums = maker.drums();
    (0..bars * 4).for_each(|beat| maker.note(drums, beat as f64, 0.1, 36));
    let nothing = maker.part("Text", 0);
    let found = analyse(&maker.finish());
    assert_eq!(roles(&found), [Role::Melody, Role::Chords, Role::Bass, Role::Pad, Role::Drums, Role::Silent]);
    assert!(found.parts[nothing].notes.is_empty() && found.parts[nothing].range.is_none());
    assert!(found.parts[0].notes.iter().all(|note| note.role == Role::Melody));
    assert!(found.melody.parts.iter().all(|part| *part == Some(0)), "{:?}", found.melody.parts);
    assert!(found.tunes.iter().all(|block| block.tunefulness > 0.5), "{:?}", found.tunes);
}

#[test]
fn octaves_and_echoes_are_doubles() {
    let Band { maker, .. } = band();
    let mut maker = maker;
    let (octave, echo) = (maker.part("", 73), maker.part("", 80));
    let lead = maker.score.parts[0].notes.clone();
    for note in lead {
        let (onset, quarters) = (note.onset as f64 / 480.0, note.duration as f64 / 480.0);
        maker.loud(octave, onset, quarters, note.pitch + 12, 50);
        maker.loud(echo, onset + 0.75, quarters * 0.9, note.pitch, 40);
    }
    let found = analyse(&maker.finish());
    let double = |part: usize| found.parts[part].doubles.map(|double| (double.of, double.lag_quarters));
    assert_eq!(double(0), None);
    assert_eq!(double(octave), Some((0, 0.0)));
    assert_eq!(double(echo), Some((0, 0.75)));
    assert_eq!(found.parts[octave].role, Role::Melody);
}

#[test]
fn of_an_octave_pair_the_higher_one_speaks_and_a_bass_stays_one() {
    let Band { mut maker, .. } = band();
    let (low, high) = (maker.part("", 44), maker.part("", 40));
    for note in maker.score.parts[0].notes.clone() {
        let (onset, quarters) = (note.onset as f64 / 480.0, note.duration as f64 / 480.0);
        maker.note(low, onset, quarters, note.pitch - 12);
        maker.note(high, onset, quarters, note.pitch + 12);
    }
    // A guitar that plays the bass's notes two octaves up.
    let riff = maker.part("", 30);
    for note in maker.score.parts[2].notes.clone() {
        maker.loud(riff, note.onset as f64 / 480.0, note.duration as f64 / 480.0, note.pitch + 24, 120);
    }
    let found = analyse(&maker.finish());
    assert_eq!(found.parts[high].doubles, None);
    assert_eq!(found.parts[low].doubles.map(|double| double.of), Some(high));
    assert_eq!(found.parts[0].doubles.map(|double| double.of), Some(high));
    assert_eq!((found.parts[2].role, found.parts[2].doubles), (Role::Bass, None));
    assert_eq!(found.parts[riff].doubles.map(|double| double.of), Some(2));
}

#[test]
fn noises_are_effects() {
    let Band { mut maker, .. } = band();
    let (cymbal, hit, bell) = (maker.part("", 119), maker.part("", 55), maker.part("", 14));
    (0..4).for_each(|bar| maker.note(cymbal, f64::from(bar) * 16.0, 32.0, 60));
    maker.note(hit, 0.0, 0.5, 60);
    (0..16).for_each(|bar| maker.note(bell, f64::from(bar) * 4.0, 1.0, 84));
    let found = analyse(&maker.finish());
    assert_eq!(roles(&found)[3..], [Role::Effects; 3]);
    assert_eq!(roles(&found)[0], Role::Melody);
}

#[test]
fn the_tune_passes_from_one_part_to_the_next() {
    let mut maker = Maker::new().meter(4, 4);
    let (first, second, bass) = (maker.part("", 65), maker.part("", 73), maker.part("", 33));
    let mut at = 0.0;
    let mut player = first;
    while at < 96.0 {
        at = tune(&mut maker, player, at, &TUNE);
        player = if at >= 48.0 { second } else { first };
    }
    (0..24).for_each(|bar| maker.note(bass, f64::from(bar) * 4.0, 3.9, [36, 33, 29, 31][bar as usize % 4]));
    let found = analyse(&maker.finish());
    assert_eq!((found.melody.parts[2], found.melody.parts[20]), (Some(first), Some(second)));
}

#[test]
fn a_piano_has_tune_chords_and_bass() {
    let mut maker = Maker::new().meter(4, 4);
    let piano = maker.part("Piano", 0);
    let mut at = 0.0;
    while at < 64.0 {
        at = tune(&mut maker, piano, at, &TUNE);
    }
    for bar in 0..16 {
        let root = [48, 45, 41, 43][bar % 4];
        maker.note(piano, bar as f64 * 4.0, 3.9, root - 12);
        for beat in 0..4 {
            maker.chord(piano, bar as f64 * 4.0 + f64::from(beat), 0.9, &[root + 4, root + 7]);
        }
    }
    let found = analyse(&maker.finish());
    let has = |pitch: u8, role: Role| found.parts[0].notes.iter().any(|note| note.pitch == pitch && note.role == role);
    assert!(has(36, Role::Bass) && has(76, Role::Melody) && has(52, Role::Chords));
    let sung: Vec<u8> = found.melody.notes.iter().take(7).map(|note| note.pitch).collect();
    assert_eq!(sung, [72, 74, 76, 74, 72, 69, 67]);
    assert!(found.bass.notes.iter().all(|note| note.pitch < 50));
}

#[test]
fn overlapping_notes_of_a_singer_are_cut() {
    let mut maker = Maker::new().meter(4, 4);
    let (voice, bass) = (maker.part("", 53), maker.part("", 33));
    let pitches = [72, 71, 69, 67, 65, 67, 69, 72];
    for index in 0..64 {
        // Every note is held into the next three.
        maker.note(voice, f64::from(index), 3.5, pitches[index as usize % 8]);
    }
    (0..16).for_each(|bar| maker.note(bass, f64::from(bar) * 4.0, 3.9, [36, 33, 29, 31][bar as usize % 4]));
    let found = analyse(&maker.finish());
    let sung: Vec<u8> = found.melody.notes.iter().take(8).map(|note| note.pitch).collect();
    assert_eq!(sung, pitches);
    assert!(found.melody.notes.iter().take(63).all(|note| note.quarters <= 1.0 + 1e-9));
}

#[test]
fn an_ostinato_is_less_of_a_tune_than_a_song() {
    let mut maker = Maker::new().meter(4, 4);
    let (riff, bass) = (maker.part("", 80), maker.part("", 33));
    for sixteenth in 0..256 {
        maker.note(riff, f64::from(sixteenth) / 4.0, 0.2, [60, 72, 63, 72][sixteenth as usize % 4]);
    }
    (0..16).for_each(|bar| maker.note(bass, f64::from(bar) * 4.0, 3.9, 36));
    let found = analyse(&maker.finish());
    let song = analyse(&band().maker.finish());
    let best = |found: &Analysis| found.tunes.iter().map(|block| block.tunefulness).fold(0.0, f64::max);
    assert!(best(&found) < 0.3 && best(&song) > 0.7, "{}, {}", best(&found), best(&song));
}

#[test]
fn sections_come_again() {
    let mut maker = Maker::new().meter(4, 4);
    let (lead, piano, bass) = (maker.part("", 73), maker.part("", 0), maker.part("", 33));
    let verse = [(48, 60), (45, 64), (41, 65), (43, 62)];
    let chorus = [(41, 77), (43, 79), (48, 76), (45, 72)];
    for (place, letter) in "AABA".chars().enumerate() {
        for bar in 0..8 {
            let start = (place * 8 + bar) as f64 * 4.0;
            let (root, top) = if letter == 'A' { verse[bar % 4] } else { chorus[bar % 4] };
            let shift = u8::from(bar >= 4) * 2;
            tune(&mut maker, lead, start, &[(top + shift, 1.0), (top + 2, 1.0), (top + 4 - shift, 2.0)]);
            maker.chord(piano, start, 3.9, &[root + 12, root + 19]);
            maker.note(bass, start, 3.9, root - 12);
        }
    }
    let found = analyse(&maker.finish());
    let form: Vec<(usize, String, usize)> =
        found.form.sections.iter().map(|section| (section.bars.start, section.letter(), section.repeat)).collect();
    let section = |bar, letter: &str, repeat| (bar, letter.to_owned(), repeat);
    assert_eq!(form, [section(0, "A", 0), section(8, "A", 1), section(16, "B", 0), section(24, "A", 2)]);
}
