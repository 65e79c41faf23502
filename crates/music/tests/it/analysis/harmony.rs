//! Keys and chords.

use music::{
    analysis::{Analysis, ChordKind, analyse},
    key::Mode,
};

use super::{make::Maker, tune};

fn names(found: &Analysis) -> Vec<String> {
    let name = |bar: usize| {
        let slots = found.chords_in(bar);
        slots[0].chord.map_or_else(|| "-".to_owned(), |chord| chord.to_string())
    };
    (0..found.bars.len()).map(name).collect()
}

fn roots(found: &Analysis) -> Vec<u8> {
    (0..found.bars.len()).filter_map(|bar| Some(found.chord_at(bar, 0.0)?.chord?.root)).collect()
}

#[test]
fn a_twelve_bar_blues_has_its_three_chords() {
    let mut maker = Maker::new().meter(4, 4);
    let (piano, bass) = (maker.part("", 0), maker.part("", 32));
    let form = [0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7];
    for bar in 0..24u8 {
        let root = form[usize::from(bar % 12)];
        let start = f64::from(bar) * 4.0;
        for beat in 0..4u8 {
            maker.chord(piano, start + f64::from(beat), 0.6, &[55 + root, 59 + root, 62 + root, 65 + root]);
            maker.note(bass, start + f64::from(beat), 0.9, 31 + root + [0, 4, 7, 9][usize::from(beat)]);
        }
    }
    let found = analyse(&maker.finish());
    let expected: Vec<u8> = (0..24).map(|bar| (7 + form[bar % 12]) % 12).collect();
    assert_eq!(roots(&found), expected);
    assert!(found.chords.iter().all(|slot| slot.chord.is_some_and(|chord| chord.kind == ChordKind::Dominant)));
    assert_eq!(found.key.map(|key| key.tonic), Some(7));
}

#[test]
fn an_alberti_bass_is_the_chord_that_it_breaks() {
    let mut maker = Maker::new().meter(4, 4);
    let (right, left) = (maker.part("", 0), maker.part("", 0));
    let chords: [[u8; 3]; 4] = [[48, 52, 55], [48, 53, 57], [47, 50, 55], [48, 52, 55]];
    for (bar, chord) in chords.iter().cycle().take(8).enumerate() {
        for eighth in 0..8 {
            let pitch = chord[[0, 2, 1, 2][eighth % 4]];
            maker.note(left, bar as f64 * 4.0 + eighth as f64 / 2.0, 0.48, pitch);
        }
        let top = chord[2] + 24;
        tune(&mut maker, right, bar as f64 * 4.0, &[(top, 1.5), (top + 2, 0.5), (top, 1.0), (top - 2, 1.0)]);
    }
    let found = analyse(&maker.finish());
    assert_eq!(names(&found)[..4], ["C", "F", "G", "C"]);
    assert!(found.parts[1].is_broken);
    // One root to the bar, though no beat has all of its chord.
    let root = |slot: &music::analysis::ChordSlot| slot.chord.map(|chord| chord.root);
    for bar in 0..8 {
        let roots: Vec<Option<u8>> = found.chords_in(bar).iter().map(root).collect();
        assert!(roots.iter().all(|other| *other == roots[0]), "bar {bar}: {roots:?}");
    }
}

#[test]
fn fifths_without_thirds_are_power_chords() {
    let mut maker = Maker::new().meter(4, 4);
    let (guitar, bass) = (maker.part("", 30), maker.part("", 34));
    for bar in 0..8u8 {
        let root = 40 + [0, 3, 5, 3][usize::from(bar % 4)];
        for eighth in 0..8u8 {
            let at = f64::from(bar) * 4.0 + f64::from(eighth) / 2.0;
            maker.chord(guitar, at, 0.4, &[root, root + 7, root + 12]);
            maker.note(bass, at, 0.4, root - 12);
        }
    }
    assert_eq!(names(&analyse(&maker.finish()))[..4], ["E5", "G5", "A5", "G5"]);
}

#[test]
fn every_kind_of_chord_is_told_in_every_key() {
    for kind in ChordKind::ALL {
        for root in 0..12u8 {
            let mut maker = Maker::new().meter(4, 4);
            let (piano, bass) = (maker.part("", 0), maker.part("", 32));
            for bar in 0..4u8 {
                let start = f64::from(bar) * 4.0;
                let pitches: Vec<u8> = kind.intervals().iter().map(|interval| 60 + root + interval).collect();
                maker.chord(piano, start, 3.9, &pitches);
                maker.note(bass, start, 3.9, 36 + root);
            }
            let found = analyse(&maker.finish());
            let chord = found.chord_at(2, 2.0).and_then(|slot| slot.chord).expect("a chord");
            // Kinds of the same notes are told apart by the bass alone.
            assert_eq!((chord.root, chord.kind), (root, kind), "{kind:?} on {root}");
        }
    }
}

#[test]
fn clear_chords_are_surer_than_vague_ones() {
    let sure = |pitches: &[u8]| {
        let mut maker = Maker::new().meter(4, 4);
        let piano = maker.part("", 0);
        (0..8).for_each(|bar| maker.chord(piano, f64::from(bar) * 4.0, 3.9, pitches));
        analyse(&maker.finish()).chords[8].confidence
    };
    let (triad, lone, cluster) = (sure(&[48, 60, 64, 67]), sure(&[60]), sure(&[60, 61, 62, 63, 64, 65]));
    assert!(triad > 0.7, "{triad}");
    assert!(lone < 0.5 && cluster < 0.5, "{lone}, {cluster}");
}

/// Two phrases of I vi IV V with the tonic's scale over them, for each of the tonics.
fn in_keys(tonics: &[u8]) -> Analysis {
    let mut maker = Maker::new().meter(4, 4);
    let (lead, piano, bass) = (maker.part("", 73), maker.part("", 0), maker.part("", 32));
    for (place, tonic) in tonics.iter().enumerate() {
        for bar in 0..8 {
            let start = (place * 8 + bar) as f64 * 4.0;
            let (root, third) = [(0, 4), (9, 3), (5, 4), (7, 4)][bar % 4];
            let chord = [root, root + third, root + 7].map(|above| 48 + tonic + above);
            maker.chord(piano, start, 3.9, &chord);
            maker.note(bass, start, 3.9, 36 + (chord[0] % 12));
            let steps = [0, third, 7, third].map(|above| (60 + tonic + root + above, 1.0));
            tune(&mut maker, lead, start, &steps);
        }
    }
    analyse(&maker.finish())
}

#[test]
fn a_key_change_is_found_to_the_bar() {
    let found = in_keys(&[0, 0, 3, 3, 0]);
    let keys: Vec<(usize, u8)> = found.keys.iter().map(|span| (span.bars.start, span.key.tonic)).collect();
    assert_eq!(keys.iter().map(|key| key.1).collect::<Vec<_>>(), [0, 3, 0]);
    assert!(keys[1].0.abs_diff(16) <= 1 && keys[2].0.abs_diff(32) <= 1, "{keys:?}");
    assert_eq!(found.key.map(|key| (key.tonic, key.mode)), Some((0, Mode::Major)));
    assert_eq!(found.key_at(20).map(|key| key.tonic), Some(3));
}

#[test]
fn a_song_in_one_key_has_one() {
    for tonic in 0..12 {
        let found = in_keys(&[tonic, tonic, tonic]);
        assert_eq!(found.keys.len(), 1, "{:?}", found.keys);
        assert_eq!(found.key.map(|key| (key.tonic, key.mode)), Some((tonic, Mode::Major)));
    }
}
