//! A simple accompaniment for a melody: chords that fit its notes, and parts that play them in a style.
//!
//! It follows the singer: where tempo and bars are sure, chords change with the bars and the parts play on the singer's
//! own beats; where they are not, chords change with notes and phrases and nothing beats time against the voice.

mod chords;
mod parts;

use serde::{Deserialize, Serialize};

use crate::{key::Key, melody::Melody, meter::Meter, pitch::MidiPitch, rhythm::BeatGrid};

/// Kinds of chord that are used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    Major,
    Minor,
    Diminished,
    DominantSeventh,
}

impl Quality {
    /// Semitones above the root.
    pub const fn intervals(self) -> &'static [u8] {
        match self {
            Self::Major => &[0, 4, 7],
            Self::Minor => &[0, 3, 7],
            Self::Diminished => &[0, 3, 6],
            Self::DominantSeventh => &[0, 4, 7, 10],
        }
    }
}

/// A chord: pitch class of its root (0 = C) and its kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Chord {
    pub root: u8,
    pub quality: Quality,
}

impl Chord {
    pub fn has(&self, class: u8) -> bool {
        self.quality.intervals().contains(&((class + 12 - self.root % 12) % 12))
    }

    /// As it is written over a melody: `G`, `Em`, `Bdim`, `D7`; spelled as in the key.
    pub fn name_in(&self, key: &Key) -> String {
        // Any octave does: its digit is cut off.
        let root = MidiPitch::new(60 + self.root % 12).name_in(key);
        let suffix = match self.quality {
            Quality::Major => "",
            Quality::Minor => "m",
            Quality::Diminished => "dim",
            Quality::DominantSeventh => "7",
        };
        format!("{}{suffix}", root.trim_end_matches(|c: char| c.is_ascii_digit()))
    }
}

/// A chord in time, in seconds of the recording.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct ChordSpan {
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub chord: Chord,
}

/// How the chords are played.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    #[default]
    Ballad,
    Pop,
    Folk,
    Waltz,
    Rock,
}

impl Style {
    pub const ALL: [Self; 5] = [Self::Ballad, Self::Pop, Self::Folk, Self::Waltz, Self::Rock];

    /// As reports name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ballad => "ballad",
            Self::Pop => "pop",
            Self::Folk => "folk",
            Self::Waltz => "waltz",
            Self::Rock => "rock",
        }
    }

    /// The style that a genre asks for, by words in its name. Bars of three become a waltz, except where the genre asks
    /// for guitars.
    pub fn for_genre(genre: Option<&str>, meter: Meter) -> Self {
        let genre = genre.unwrap_or_default().to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| genre.contains(word));
        if has(&["rock", "metal", "punk", "grunge"]) {
            Self::Rock
        } else if has(&["folk", "country", "acoustic", "singer", "bluegrass", "reggae", "latin"]) {
            Self::Folk
        } else if meter == Meter::ThreeFour || genre.contains("waltz") {
            Self::Waltz
        } else if has(&["pop", "dance", "electro", "hip", "rap", "r&b", "rnb", "soul", "funk", "disco", "house"]) {
            Self::Pop
        } else {
            Self::Ballad
        }
    }
}

/// One note of a part. Drums have the General MIDI drum's number as their pitch.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct PartNote {
    pub onset_seconds: f64,
    pub duration_seconds: f64,
    pub pitch: MidiPitch,
    pub velocity: u8,
}

/// One instrument.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Part {
    pub name: String,
    /// MIDI channel, 0–15; 9 is drums, and 0 is left to the melody.
    pub channel: u8,
    /// General MIDI program, 0–127.
    pub program: u8,
    pub notes: Vec<PartNote>,
}

/// MIDI channel of drums.
pub const DRUM_CHANNEL: u8 = 9;

/// Chords and who plays them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Accompaniment {
    pub style: Style,
    /// Whether it plays on the singer's beats; otherwise chords change with notes and phrases.
    pub in_time: bool,
    pub chords: Vec<ChordSpan>,
    pub parts: Vec<Part>,
    /// Share (0–1) of the sung time under a chord whose note belongs to the chord.
    pub consonance: f64,
}

/// Accompanies a melody; `None` without notes. The same seed gives the same parts.
pub fn accompany(melody: &Melody, style: Style, seed: u64) -> Option<Accompaniment> {
    let chords = chords::find(melody, seed);
    if chords.is_empty() {
        return None;
    }
    let consonance = consonance(melody, &chords);
    let in_time = melody.rhythm.is_steady();
    let parts = parts::play(melody, &BeatGrid::of(melody), &chords, style, seed);
    Some(Accompaniment { style, in_time, chords, parts, consonance })
}

/// The chords that fit a melody, from the first bar to the end; none without notes. The same seed gives the same chords.
pub fn chords(melody: &Melody, seed: u64) -> Vec<ChordSpan> {
    chords::find(melody, seed)
}

/// Share (0–1) of the sung time under chords in which the note belongs to its chord; 0 when nothing sounds together.
pub fn consonance(melody: &Melody, chords: &[ChordSpan]) -> f64 {
    let (mut inside, mut all) = (0.0, 0.0);
    for note in &melody.notes {
        for span in chords {
            let together = note.end_seconds().min(span.end_seconds) - note.onset_seconds.max(span.start_seconds);
            if together > 0.0 {
                all += together;
                inside += if span.chord.has(note.pitch.class()) { together } else { 0.0 };
            }
        }
    }
    if all > 0.0 { inside / all } else { 0.0 }
}

/// A number from 0 to 1 that depends on a seed and a place only (SplitMix64: G. Steele, D. Lea and C. Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014).
fn chance(seed: u64, place: u64) -> f64 {
    let mut z = seed.wrapping_add(place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}
