//! Chords as they are written in charts and played by the band.

use std::fmt;

use music::{Key, MidiPitch};
use serde::{Serialize, Serializer};

macro_rules! qualities {
    ($($variant:ident [$($interval:literal)*] $suffix:literal [$($other:literal)*];)*) => {
        /// Kinds of chord.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Quality {
            $($variant,)*
        }

        impl Quality {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Semitones above the root, rising; ninths and thirteenths above the octave.
            pub const fn intervals(self) -> &'static [u8] {
                match self { $(Self::$variant => &[$($interval),*],)* }
            }

            /// What is written behind the root.
            pub const fn suffix(self) -> &'static str {
                match self { $(Self::$variant => $suffix,)* }
            }

            /// Other ways to write it.
            const fn others(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($other),*],)* }
            }
        }
    };
}

qualities! {
    Major [0 4 7] "" ["maj" "M" "major"];
    Minor [0 3 7] "m" ["min" "-" "mi" "minor"];
    Power [0 7] "5" [];
    Diminished [0 3 6] "dim" ["o" "°"];
    Augmented [0 4 8] "aug" ["+" "#5"];
    SuspendedFourth [0 5 7] "sus4" ["sus"];
    SuspendedSecond [0 2 7] "sus2" [];
    Dominant [0 4 7 10] "7" ["dom7"];
    MajorSeventh [0 4 7 11] "maj7" ["M7" "Δ" "Δ7" "j7" "ma7"];
    MinorSeventh [0 3 7 10] "m7" ["min7" "-7" "mi7"];
    MinorMajorSeventh [0 3 7 11] "mMaj7" ["mM7" "m(maj7)" "-Δ" "mmaj7"];
    HalfDiminished [0 3 6 10] "m7b5" ["ø" "ø7" "-7b5" "min7b5" "m7(b5)"];
    DiminishedSeventh [0 3 6 9] "dim7" ["o7" "°7"];
    AugmentedSeventh [0 4 8 10] "7#5" ["aug7" "+7"];
    DominantFlatFifth [0 4 6 10] "7b5" [];
    DominantSuspended [0 5 7 10] "7sus4" ["7sus"];
    Sixth [0 4 7 9] "6" ["maj6" "M6"];
    MinorSixth [0 3 7 9] "m6" ["min6" "-6"];
    SixNine [0 4 7 9 14] "6/9" ["69"];
    AddedNinth [0 4 7 14] "add9" ["add2" "2"];
    MinorAddedNinth [0 3 7 14] "madd9" ["m(add9)"];
    Ninth [0 4 7 10 14] "9" ["dom9"];
    MajorNinth [0 4 7 11 14] "maj9" ["M9" "Δ9"];
    MinorNinth [0 3 7 10 14] "m9" ["min9" "-9"];
    NinthSuspended [0 5 7 10 14] "9sus4" ["9sus" "11"];
    FlatNinth [0 4 7 10 13] "7b9" ["7(b9)"];
    SharpNinth [0 4 7 10 15] "7#9" ["7(#9)" "7alt" "alt"];
    MinorEleventh [0 3 7 10 17] "m11" ["min11" "-11"];
    Thirteenth [0 4 7 10 21] "13" ["dom13"];
}

impl Quality {
    fn has(self, interval: u8) -> bool {
        self.intervals().contains(&interval)
    }

    pub fn has_minor_third(self) -> bool {
        self.has(3)
    }

    /// A third, a tritone above it: wants to resolve.
    pub fn is_dominant(self) -> bool {
        self.has(10) && !self.has(3) && !self.has(6)
    }

    /// Whether a song can end on it: with a perfect fifth and nothing suspended or altered.
    pub(crate) fn is_at_rest(self) -> bool {
        let is_suspended = !self.has(3) && !self.has(4) && !matches!(self, Self::Power);
        self.has(7) && !is_suspended && !self.has(13) && !self.has(15)
    }

    pub fn has_seventh(self) -> bool {
        self.has(10) || self.has(11) || matches!(self, Self::DiminishedSeventh)
    }

    /// The fifth above the root, in semitones.
    pub(crate) fn fifth(self) -> u8 {
        [7, 6, 8].into_iter().find(|&fifth| self.has(fifth)).unwrap_or(7)
    }

    /// The third, or what stands for it.
    pub(crate) fn third(self) -> u8 {
        [4, 3, 5, 2].into_iter().find(|&third| self.has(third)).unwrap_or(7)
    }
}

/// A chord. Written as `F#m7/C#`, with sharps; [`Chord::name_in`] spells it as its key does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Chord {
    /// Pitch class, 0 = C … 11 = B.
    pub root: u8,
    pub quality: Quality,
    /// Pitch class of the lowest note, if that is not the root.
    pub bass: Option<u8>,
}

impl Chord {
    pub const fn new(root: u8, quality: Quality) -> Self {
        Self { root: root % 12, quality, bass: None }
    }

    /// Pitch class of what the bass plays on 1.
    pub fn bass_class(&self) -> u8 {
        self.bass.unwrap_or(self.root) % 12
    }

    /// Pitch classes, the root first.
    pub fn classes(&self) -> impl Iterator<Item = u8> + '_ {
        self.quality.intervals().iter().map(|interval| (self.root + interval) % 12)
    }

    pub fn has(&self, class: u8) -> bool {
        self.classes().any(|own| own == class % 12)
    }

    /// The same chord some semitones higher.
    pub fn moved(&self, semitones: i32) -> Self {
        let moved = |class: u8| (i32::from(class) + semitones).rem_euclid(12) as u8;
        Self { root: moved(self.root), quality: self.quality, bass: self.bass.map(moved) }
    }

    pub fn name_in(&self, key: &Key) -> String {
        let spelled = |class: u8| {
            let name = MidiPitch::new(60 + class % 12).name_in(key);
            name.trim_end_matches(|digit: char| digit.is_ascii_digit()).to_owned()
        };
        let bass = self.bass.map(|bass| format!("/{}", spelled(bass))).unwrap_or_default();
        format!("{}{}{bass}", spelled(self.root), self.quality.suffix())
    }

    /// Reads `Bbmaj7/D`. `None` if it is no chord.
    pub fn parse(text: &str) -> Option<Self> {
        let (root, rest) = class(text)?;
        let known = |suffix: &str| {
            let plain = suffix.trim_start_matches('(').trim_end_matches(')');
            let same = |quality: &&Quality| {
                let names = || quality.others().iter().copied().chain([quality.suffix()]);
                names().any(|name| name == suffix || name == plain)
            };
            Quality::ALL.iter().find(same).copied()
        };
        let rest = rest.replace('♭', "b").replace('♯', "#");
        if let Some(quality) = known(&rest) {
            return Some(Self::new(root, quality));
        }
        let (suffix, under) = rest.rsplit_once('/')?;
        let (bass, nothing) = class(under)?;
        let quality = known(suffix).filter(|_| nothing.is_empty())?;
        Some(Self { bass: Some(bass).filter(|bass| *bass != root), ..Self::new(root, quality) })
    }
}

/// Pitch class of a note's name, and what stands behind it.
fn class(text: &str) -> Option<(u8, &str)> {
    let mut letters = text.chars();
    let natural = match letters.next()? {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let after = letters.as_str();
    Some(match letters.next() {
        Some('#' | '♯') => ((natural + 1) % 12, letters.as_str()),
        Some('b' | '♭') => ((natural + 11) % 12, letters.as_str()),
        _ => (natural, after),
    })
}

/// With sharps.
impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name_in(&Key { tonic: 0, mode: music::Mode::Major, confidence: 1.0 }))
    }
}

/// As it is displayed.
impl Serialize for Chord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quality_is_read_back_however_it_is_written() {
        for &quality in Quality::ALL {
            for suffix in quality.others().iter().chain([&quality.suffix()]) {
                let read = Chord::parse(&format!("F#{suffix}"));
                assert_eq!(read, Some(Chord::new(6, quality)), "F#{suffix}");
                let read = Chord::parse(&format!("Bb{suffix}/D"));
                assert_eq!(read, Some(Chord { bass: Some(2), ..Chord::new(10, quality) }), "Bb{suffix}/D");
            }
            assert!(quality.intervals().is_sorted() && quality.intervals()[0] == 0);
        }
        for text in ["", "H", "c", "Cx", "C7/", "C/H", "Am7b", "C//G", "##", "é", "C\u{0}"] {
            assert_eq!(Chord::parse(text), None, "{text}");
        }
    }
}
