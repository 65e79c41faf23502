//! Keys and chords as sets of pitch classes.

use music::{
    Key, Mode,
    analysis::{ChordKind, ChordSymbol},
};

/// Semitones above the tonic; minor is natural minor.
const MAJOR: [u8; 7] = [0, 2, 4, 5, 7, 9, 11];
const MINOR: [u8; 7] = [0, 2, 3, 5, 7, 8, 10];

/// Pitch classes as bits 0 (C) to 11 (B).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Classes(pub u16);

impl Classes {
    pub fn has(self, class: usize) -> bool {
        self.0 >> (class % 12) & 1 == 1
    }

    pub fn with(self, class: usize) -> Self {
        Self(self.0 | 1 << (class % 12))
    }

    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..12).filter(move |&class| self.has(class))
    }
}

/// The seven notes of a key; of minor, those of natural minor.
pub fn scale(key: &Key) -> Classes {
    let steps = match key.mode {
        Mode::Major => MAJOR,
        Mode::Minor => MINOR,
    };
    steps.iter().fold(Classes::default(), |set, step| set.with(usize::from(key.tonic + step)))
}

/// The seven notes that the major key of a tonic has.
pub fn collection(tonic: usize) -> Classes {
    MAJOR.iter().fold(Classes::default(), |set, &step| set.with(tonic + usize::from(step)))
}

/// Tonic of the major key with the same seven notes.
pub fn relative_major(key: &Key) -> usize {
    match key.mode {
        Mode::Major => usize::from(key.tonic % 12),
        Mode::Minor => usize::from(key.tonic + 3) % 12,
    }
}

/// The way from one pitch class to another, −6 to 5 semitones.
pub fn nearest_shift(from: usize, to: usize) -> i32 {
    (to as i32 - from as i32 + 6).rem_euclid(12) - 6
}

/// Pitch classes of a chord in a key, its root first. A power chord gets the third that the key has over its root, if it
/// has exactly one.
pub fn tones(chord: ChordSymbol, key: &Key) -> Vec<usize> {
    let root = usize::from(chord.root % 12);
    if chord.kind == ChordKind::Power {
        let scale = scale(key);
        return match (scale.has(root + 3), scale.has(root + 4)) {
            (true, false) => vec![root, (root + 3) % 12, (root + 7) % 12],
            (false, true) => vec![root, (root + 4) % 12, (root + 7) % 12],
            _ => vec![root, (root + 7) % 12],
        };
    }
    chord.classes().map(usize::from).collect()
}

/// The same as a set.
pub fn tone_set(chord: ChordSymbol, key: &Key) -> Classes {
    tones(chord, key).into_iter().fold(Classes::default(), Classes::with)
}

/// The triad on the tonic.
pub fn tonic_chord(key: &Key) -> ChordSymbol {
    degree(key, 0, if key.mode == Mode::Major { ChordKind::Major } else { ChordKind::Minor })
}

/// The major or minor chord on the fourth degree.
pub fn subdominant(key: &Key) -> ChordSymbol {
    degree(key, 5, if key.mode == Mode::Major { ChordKind::Major } else { ChordKind::Minor })
}

/// The dominant seventh chord, with the leading note in minor as well.
pub fn dominant(key: &Key) -> ChordSymbol {
    degree(key, 7, ChordKind::Dominant)
}

fn degree(key: &Key, above: u8, kind: ChordKind) -> ChordSymbol {
    ChordSymbol { root: (key.tonic + above) % 12, kind }
}

/// A chord read with little confidence gets the kind that the key has on its root, so that a doubtful reading does not
/// bring foreign notes in. Chords inside the key, and on roots outside it, stay.
pub fn made_diatonic(chord: ChordSymbol, key: &Key) -> ChordSymbol {
    let scale = scale(key);
    let root = usize::from(chord.root % 12);
    if !scale.has(root) || tones(chord, key).into_iter().all(|class| scale.has(class)) {
        return chord;
    }
    let kind = match (scale.has(root + 4), scale.has(root + 3), scale.has(root + 7)) {
        (true, _, true) => ChordKind::Major,
        (_, true, true) => ChordKind::Minor,
        _ => ChordKind::Diminished,
    };
    ChordSymbol { kind, ..chord }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(tonic: u8, mode: Mode) -> Key {
        Key { tonic, mode, confidence: 1.0 }
    }

    #[test]
    fn relatives_share_their_notes() {
        for tonic in 0..12 {
            let minor = key(tonic, Mode::Minor);
            assert_eq!(scale(&minor), collection(relative_major(&minor)));
            let major = key(tonic, Mode::Major);
            assert_eq!(scale(&major), collection(usize::from(tonic)));
        }
    }

    #[test]
    fn power_chords_take_the_third_of_the_key() {
        let power = |root| ChordSymbol { root, kind: ChordKind::Power };
        assert_eq!(tones(power(9), &key(0, Mode::Major)), [9, 0, 4]);
        assert_eq!(tones(power(7), &key(0, Mode::Major)), [7, 11, 2]);
        // Over C sharp it has E and F: no third is better than a wrong one.
        assert_eq!(tones(power(1), &key(0, Mode::Major)), [1, 8]);
    }

    #[test]
    fn doubtful_chords_stay_inside_the_key() {
        let chord = |root, kind| ChordSymbol { root, kind };
        let c = key(0, Mode::Major);
        assert_eq!(made_diatonic(chord(2, ChordKind::Major), &c), chord(2, ChordKind::Minor));
        assert_eq!(made_diatonic(chord(11, ChordKind::Minor), &c), chord(11, ChordKind::Diminished));
        assert_eq!(made_diatonic(chord(7, ChordKind::Dominant), &c), chord(7, ChordKind::Dominant));
    }

    #[test]
    fn shifts_take_the_short_way() {
        assert_eq!([(0, 11), (11, 0), (0, 6), (3, 3)].map(|(a, b)| nearest_shift(a, b)), [-1, 1, -6, 0]);
    }
}
