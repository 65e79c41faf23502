//! A composed song and what it was made with.

use music::{Key, Melody, Meter, Score};
use serde::{Deserialize, Serialize};

use crate::{
    chord::Chord,
    genre::Genre,
    role::{LineNote, Role},
    style::Style,
    wishes::{Era, Mood},
};

/// A song.
#[derive(Clone, PartialEq, Debug)]
pub struct Composition {
    /// One part for each role that plays, in the order of [`Role::ALL`]; of a song that is sung, solos and breaks are a part of
    /// their own ([`SOLO_PART`](crate::SOLO_PART)) behind the voice's. Its last key is let go early enough for the sound to
    /// die away before `seconds`.
    pub score: Score,
    /// The role of each part of the score.
    pub part_roles: Vec<Role>,
    /// Exact length, the sound of the last chord included.
    pub seconds: f64,
    pub effective: Effective,
    pub sections: Vec<Section>,
    pub chords: Vec<ChordSpan>,
    /// The melody as a voice sings it: with swing and without human timing, solos and breaks left out. Without notes if the
    /// melody is left out.
    pub melody: Melody,
    /// The notes of each role as they are written: in straight time, before swing and human timing. In the order of
    /// [`Role::ALL`].
    pub lines: [Vec<LineNote>; Role::COUNT],
}

/// What was in effect: everything that was asked, and what was chosen for the rest.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Effective {
    pub style: Style,
    pub mood: Option<Mood>,
    /// Quarters per minute, constant throughout.
    pub tempo_bpm: f64,
    /// Whether the tempo was asked for, and therefore kept exactly.
    pub tempo_is_given: bool,
    pub key: Key,
    pub meter: Meter,
    /// Length of the first of two eighths (or sixteenths, in styles that swing those) relative to the second; 1 is straight.
    pub swing: f64,
    /// Names of the sections in order, such as `intro A A B A ending`.
    pub form: String,
    pub seed: u64,
    /// 0 to 1.
    pub energy: f64,
    pub era: Option<Era>,
    /// Parts and instruments that were left out because that was asked for, by name.
    #[serde(default)]
    pub without: Vec<String>,
    /// The genre that the style stands in for.
    #[serde(default)]
    pub genre: Option<Genre>,
    /// Exact length.
    pub seconds: f64,
    /// Whole bars before the last chord.
    pub bars: u32,
    /// Beats before the first whole bar.
    pub pickup_beats: u32,
    /// Who is heard. The melody of a song that is sung is the voice's: there its player is who plays solos, if there are any.
    pub instruments: Vec<Player>,
    pub instrumental: bool,
    /// Whether the chords are those of a chart.
    pub has_chart: bool,
    /// Wishes that could be met only in part, in sentences.
    pub warnings: Vec<String>,
}

/// Who plays a part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Player {
    pub role: Role,
    /// As General MIDI calls it.
    pub instrument: String,
    /// General MIDI program, 0 to 127.
    pub program: u8,
}

/// A stretch of the song.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Section {
    pub kind: SectionKind,
    /// As it is shown: `intro`, `A`, `solo`. Sections of one letter have the same tune over the same chords.
    pub name: String,
    /// Counted from 0, without the pickup.
    pub first_bar: u32,
    /// 0 of a pickup and of the ending.
    pub bars: u32,
    pub start_seconds: f64,
    pub seconds: f64,
    /// Semitones that it lies above the key of the song.
    pub transposed: i32,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectionKind {
    Pickup,
    Intro,
    /// The first time that the main theme is heard.
    A,
    /// The main theme with the whole band.
    FullA,
    B,
    /// Another theme: C or D of a form, or of a long song.
    Other,
    /// The chords of the main theme under an improvised melody.
    Solo,
    /// The band steps back.
    Break,
    /// The last bars once more.
    Tag,
    /// The last chord.
    Ending,
}

/// A chord in time.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ChordSpan {
    /// Counted from 0 without the pickup; the last chord is in the bar after the last. `None` in the pickup.
    pub bar: Option<u32>,
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub chord: Chord,
    /// Spelled as in the key of its section.
    pub name: String,
}
