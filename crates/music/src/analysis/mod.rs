//! What a [`Score`] is, musically: bars, tempo, keys, chords, sections, the roles of its parts, its tune, its grooves.
//!
//! Pure and deterministic; bounded time and memory for any score; never panics. Everything refers to bars by index and
//! to places inside a bar in quarter notes, so that material can be lifted out of one song and put into another. What
//! was estimated carries a confidence from 0 (a guess) to 1 (certain).

mod assemble;
mod bars;
mod chord;
mod doubles;
mod features;
mod form;
mod grooves;
mod harmony;
mod keys;
mod lines;
mod material;
mod melody;
mod meter;
mod query;
mod roles;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use self::chord::{ChordKind, ChordSymbol};
use crate::{
    key::Key,
    score::{Score, Tick},
};

/// Bars that are analysed: two hours of 4/4 at 180 bpm. Whatever lies behind them is left out, see
/// [`Analysis::is_complete`].
pub const MOST_BARS: usize = 6_000;
/// A note this little before a bar line (in quarters) is a note of the bar that begins there, played early.
pub const EARLY_QUARTERS: f64 = 0.06;

/// Analyses a score. A score without notes has bars, tempo and meter, and nothing else.
pub fn analyse(score: &Score) -> Analysis {
    assemble::analyse(score)
}

/// The analysis of a song. Lists "per bar" have as many entries as [`Analysis::bars`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Analysis {
    /// At least 1.
    pub ticks_per_quarter: u32,
    /// In order, without gaps, the first at tick 0; the last one reaches to the end of the last note or beyond. Never
    /// empty.
    pub bars: Vec<Bar>,
    /// Whether all notes lie in `bars`; only scores of more than [`MOST_BARS`] do not.
    pub is_complete: bool,
    pub meter: MeterReading,
    pub tempo: Tempo,
    /// Key of the song as a whole: where it is at home. `None` without pitched notes.
    pub key: Option<Key>,
    /// Keys bar by bar: in order, without gaps, from bar 0 to the last; more than one if the song modulates. Empty
    /// without pitched notes.
    pub keys: Vec<KeySpan>,
    /// In order, without gaps, one or more for each bar; see [`ChordSlot`]. Empty without pitched notes.
    pub chords: Vec<ChordSlot>,
    /// As many as the score has, in its order.
    pub parts: Vec<PartAnalysis>,
    /// The tune, whoever plays it.
    pub melody: Line,
    /// A second tune beside the melody; often empty.
    pub counter_melody: Line,
    /// The lowest line: of the bass, or where there is none (keyboard music), of the lowest part.
    pub bass: Line,
    /// How much of a tune the melody is, in blocks of 8 bars that begin at [`Form::phrase_offset`].
    pub tunes: Vec<TuneBlock>,
    pub form: Form,
    /// Per bar.
    pub grooves: Vec<Groove>,
    pub swing: Swing,
}

/// A bar as the music has it. Short written bars (2/4, 3/8 …) are joined to bars of at least 3 quarters.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Bar {
    pub start: Tick,
    /// Start of the next bar.
    pub end: Tick,
    /// Length; above 0, at most 12 or so. Less than its meter says for a pickup and before a change of meter.
    pub quarters: f64,
    /// Upper and lower number of its meter, after joining: 4/4 for two bars of 2/4.
    pub beats: u8,
    pub unit: u8,
    /// How many bars of the file it is; 1 unless short ones were joined.
    pub written_bars: u8,
    /// From the start of the song.
    pub start_seconds: f64,
    /// Mean tempo inside it, quarters per minute.
    pub bpm: f64,
    pub texture: Texture,
}

/// What sounds in a bar, over all parts; doubles and effects are left out.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Texture {
    /// Moments at which at least one pitched note begins, per quarter.
    pub onsets_per_quarter: f64,
    /// Drum notes per quarter.
    pub drums_per_quarter: f64,
    /// Mean velocity of the notes that begin in it, 0 to 127; of the bar before if none does.
    pub velocity: f64,
    /// Lowest and highest pitch that sounds (begins or is held).
    pub pitches: Option<PitchRange>,
    /// Pitched parts that sound.
    pub parts: u16,
    /// Nothing sounds, held notes included.
    pub is_silent: bool,
}

/// MIDI keys, both inclusive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PitchRange {
    pub low: u8,
    pub high: u8,
}

/// How the bars were found.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct MeterReading {
    pub source: MeterSource,
    /// 0–1; 1 for a meter that the file says.
    pub confidence: f64,
    /// Length of the short bar before the first whole one that was put in because the bar lines were found to be
    /// elsewhere than a count from tick 0 says; 0 if none was.
    pub pickup_quarters: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeterSource {
    /// The file says it.
    Given,
    /// The file says none (or an absurd one); the notes speak for this one.
    Found,
    /// The file says none and the notes do not tell: 4/4.
    Assumed,
}

/// Tempo of the song as a whole, quarters per minute; [`Bar::bpm`] has it bar by bar.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tempo {
    /// Median over the quarters in which something sounds.
    pub median_bpm: f64,
    /// Tenth and ninetieth percentile of the same.
    pub slow_bpm: f64,
    pub fast_bpm: f64,
}

/// A stretch of bars in one key.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct KeySpan {
    pub bars: Range<usize>,
    pub key: Key,
}

/// The chord of one beat, see [`Bar::beat_quarters`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct ChordSlot {
    pub bar: usize,
    /// From the start of the bar.
    pub offset_quarters: f64,
    pub quarters: f64,
    /// `None` where nothing pitched sounds, or nothing that has a root.
    pub chord: Option<ChordSymbol>,
    /// Pitch class of the lowest note under it, if one sounds.
    pub bass: Option<u8>,
    /// 0–1: how well the notes of all beats that it lasts in this bar say this chord and none with another root.
    pub confidence: f64,
}

/// What a part, a line or a note is there for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Melody,
    CounterMelody,
    /// Struck or broken chords, riffs, ostinati: what accompanies in rhythm.
    Chords,
    Bass,
    Drums,
    /// Long held chords.
    Pad,
    /// Noises, single hits, sirens.
    Effects,
    /// No notes.
    Silent,
}

/// A part of the score, in the same place of the list as there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PartAnalysis {
    /// What it is for most of its time; single notes may differ, see [`BarNote::role`].
    pub role: Role,
    /// That it plays what another part plays; then its notes say nothing new.
    pub doubles: Option<Double>,
    /// Chords that are broken into single notes (Alberti bass, arpeggio).
    pub is_broken: bool,
    /// Every note, by bar, then onset, then pitch.
    pub notes: Vec<BarNote>,
    /// All pitches; `None` for drums and silence.
    pub range: Option<PitchRange>,
    /// Where most of it lies: tenth to ninetieth percentile by duration.
    pub tessitura: Option<PitchRange>,
    /// Onsets (a chord is one) per quarter of the bars in which it plays.
    pub onsets_per_quarter: f64,
    /// Notes at once while it sounds, on average.
    pub polyphony: f64,
    /// Share of the bars in which it sounds.
    pub active_share: f64,
}

/// A part that another one doubles.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Double {
    /// Index of the part that has the notes; never itself a double.
    pub of: usize,
    /// How much later it plays them; an echo. May be negative.
    pub lag_quarters: f64,
    /// Share of its notes that the other one has.
    pub share: f64,
}

/// A note in its bar.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct BarNote {
    pub bar: usize,
    /// From the start of the bar, as played; not below −[`EARLY_QUARTERS`], below the length of the bar.
    pub onset_quarters: f64,
    /// Above 0; may reach into later bars.
    pub quarters: f64,
    /// MIDI key; of drums, the General MIDI drum.
    pub pitch: u8,
    pub velocity: u8,
    /// What this note is: one piano part may have notes of melody, chords and bass.
    pub role: Role,
}

/// One note at a time.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Line {
    /// In order; each ends where the next begins, or earlier.
    pub notes: Vec<BarNote>,
    /// Per bar: the part that has the line there (index into the score's parts).
    pub parts: Vec<Option<usize>>,
    /// Runs of `notes` between rests or long notes: as indices into it, in order, without gaps.
    pub phrases: Vec<Range<usize>>,
    pub range: Option<PitchRange>,
}

/// A stretch of (at most) 8 bars, and how much its melody is one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TuneBlock {
    pub bars: Range<usize>,
    /// 0–1. Song melodies and solos lie above 0.5, riffs, arpeggios and comping below; 0 where the line is silent.
    pub tunefulness: f64,
}

/// How a song is built of sections, and these of phrases of 4 bars.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Form {
    /// Bars before the first whole phrase, 0 to 3 (a count-in, an upbeat).
    pub phrase_offset: usize,
    /// In order, without gaps, over all bars.
    pub sections: Vec<Section>,
    /// Phrases of (mostly) 4 bars, in order, without gaps, over all bars; sections consist of whole ones.
    pub phrases: Vec<Section>,
}

/// A section or a phrase. Those that sound alike have one label.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Section {
    pub bars: Range<usize>,
    /// 0 for A, 1 for B …, by first appearance.
    pub label: usize,
    /// 0 when it comes for the first time, 1 for its first repeat …
    pub repeat: usize,
    /// 0–1: likeness to the first one of its label; 1 for that itself.
    pub likeness: f64,
}

/// Kinds of drum that make a groove.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrumClass {
    Kick,
    /// Snare, rim, clap.
    Snare,
    /// Hi-hat, open, closed or by foot.
    HiHat,
    Tom,
    /// Crash, splash and Chinese cymbals.
    Crash,
    Ride,
    /// Everything else: tambourine, congas, cowbell …
    Percussion,
}

/// Where notes begin in a bar, on its sixteenths; swing is taken out.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Groove {
    /// Sixteenths in the bar: 16 in 4/4, 12 in 3/4 and 6/8; 1 to 64.
    pub steps: usize,
    /// Per step, the loudest velocity of pitched notes that begin there, 0 for none; without effects and doubles.
    pub pitched: Vec<u8>,
    /// The same of drums, by [`DrumClass`] in its order; empty when no drum plays in the bar.
    pub drums: Vec<[u8; 7]>,
}

/// How eighths are played.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Swing {
    /// First eighth of a beat to the second: 1 is straight, 2 is triplets, 3 dotted.
    pub ratio: f64,
    /// 0–1: how uniformly, and from how many beats.
    pub confidence: f64,
}
