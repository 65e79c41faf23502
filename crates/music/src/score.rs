//! A song as its notes: parts on one axis of ticks, with tempo, meter, keys and words. What a MIDI file is read into, and
//! what analysis, blending, composing and rendering share.

use serde::{Deserialize, Serialize};

/// Position or length in ticks; a quarter note has [`Score::ticks_per_quarter`].
pub type Tick = u64;

/// A whole song. Lists are in order of time; those of changes have their first entry at tick 0.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Score {
    /// At least 1.
    pub ticks_per_quarter: u32,
    /// From the file's first text or track name; may be empty.
    pub title: String,
    /// Never empty.
    pub tempos: Vec<TempoChange>,
    /// Never empty; see [`Score::meter_is_given`].
    pub meters: Vec<MeterChange>,
    /// Whether the file said a meter; if not, `meters` holds 4/4.
    pub meter_is_given: bool,
    /// As the file says; often none, often wrong.
    pub key_signatures: Vec<KeySignature>,
    pub parts: Vec<Part>,
    pub lyrics: Vec<Text>,
    pub markers: Vec<Text>,
    /// Where the last note or event ends.
    pub end: Tick,
}

/// One channel of one track: what one player plays.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Part {
    pub track: u16,
    /// 0 to 15; 9 is the drum channel of General MIDI.
    pub channel: u8,
    /// Name of the track; may be empty.
    pub name: String,
    /// General MIDI program under most of its notes, 0 to 127.
    pub program: u8,
    /// Whether keys are drums: channel 10, or a channel that the file makes a rhythm channel.
    pub drums: bool,
    /// By onset, then pitch.
    pub notes: Vec<ScoreNote>,
    /// Everything but notes that changes how it sounds, in order.
    pub controls: Vec<Control>,
}

/// A note. No two of one part and one pitch overlap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ScoreNote {
    pub onset: Tick,
    /// At least 1.
    pub duration: Tick,
    /// MIDI key, 0 to 127.
    pub pitch: u8,
    /// 1 to 127.
    pub velocity: u8,
}

impl ScoreNote {
    pub const fn end(&self) -> Tick {
        self.onset + self.duration
    }
}

/// A change of a channel's sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Control {
    pub at: Tick,
    pub change: ControlChange,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlChange {
    /// 0 to 127.
    Program(u8),
    /// Controller number and value, both 0 to 127.
    Controller(u8, u8),
    /// −8192 to 8191.
    PitchBend(i16),
    /// Channel pressure, 0 to 127.
    Pressure(u8),
    /// Key and pressure, both 0 to 127.
    KeyPressure(u8, u8),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TempoChange {
    pub at: Tick,
    /// At least 1.
    pub micros_per_quarter: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MeterChange {
    pub at: Tick,
    /// At least 1.
    pub beats: u8,
    /// A power of two: 4 for a quarter.
    pub unit: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeySignature {
    pub at: Tick,
    /// Sharps (positive) or flats (negative), −7 to 7.
    pub sharps: i8,
    pub minor: bool,
}

/// A syllable of the lyrics, or a marker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Text {
    pub at: Tick,
    pub text: String,
}

impl Score {
    /// Seconds from the start to a tick.
    pub fn seconds_at(&self, tick: Tick) -> f64 {
        let mut seconds = 0.0;
        for (index, change) in self.tempos.iter().enumerate() {
            let until = self.tempos.get(index + 1).map_or(tick, |next| next.at.min(tick));
            if until > change.at {
                seconds += (until - change.at) as f64 * self.seconds_per_tick(change);
            }
        }
        seconds
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.seconds_at(self.end)
    }

    /// How many notes all parts have.
    pub fn note_count(&self) -> usize {
        self.parts.iter().map(|part| part.notes.len()).sum()
    }

    fn seconds_per_tick(&self, change: &TempoChange) -> f64 {
        f64::from(change.micros_per_quarter) / 1e6 / f64::from(self.ticks_per_quarter.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_follow_every_tempo() {
        let tempo = |at, micros_per_quarter| TempoChange { at, micros_per_quarter };
        let score = Score {
            ticks_per_quarter: 480,
            title: String::new(),
            tempos: vec![tempo(0, 500_000), tempo(960, 1_000_000)],
            meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
            meter_is_given: false,
            key_signatures: Vec::new(),
            parts: Vec::new(),
            lyrics: Vec::new(),
            markers: Vec::new(),
            end: 1_920,
        };
        assert_eq!([480, 960, 1_440].map(|tick| score.seconds_at(tick)), [0.5, 1.0, 2.0]);
        assert_eq!(score.seconds(), 3.0);
    }
}
