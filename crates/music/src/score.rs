//! A song as its notes: parts on one axis of ticks, with tempo, meter, keys and words. What a MIDI file is read into, and
//! what analysis, blending, composing and rendering share.

use serde::{Deserialize, Serialize};

/// Position or length in ticks; a quarter note has [`Score::ticks_per_quarter`].
pub type Tick = u64;

/// A whole song. Lists are in order of time; tempos and meters have their first entry at tick 0. Nothing is later than
/// `end`. What [`Score::broken_rule`] holds against it is what every reader and maker of scores keeps to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Score {
    /// At least 1.
    pub ticks_per_quarter: u32,
    /// As the file calls itself; may be empty.
    pub title: String,
    /// Never empty.
    pub tempos: Vec<TempoChange>,
    /// Never empty; see [`Score::meter_is_given`].
    pub meters: Vec<MeterChange>,
    /// Whether the file said a meter; if not, `meters` holds 4/4.
    pub meter_is_given: bool,
    /// As the file says; often none, often wrong.
    pub key_signatures: Vec<KeySignature>,
    /// By track, then channel.
    pub parts: Vec<Part>,
    /// Syllables as they are to be put together: spaces are part of them, and `\n` begins a line.
    pub lyrics: Vec<Text>,
    pub markers: Vec<Text>,
    /// Where the last note or event ends.
    pub end: Tick,
}

/// One channel of one track: what one player plays. A part without notes sets up a channel that another track plays on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Part {
    pub track: u16,
    /// 0 to 127. Files for more than 16 channels number the outputs; parts share a channel only if their ports are equal.
    /// All parts of a track have one port.
    pub port: u8,
    /// 0 to 15; 9 is the drum channel of General MIDI.
    pub channel: u8,
    /// Name of the track; may be empty.
    pub name: String,
    /// General MIDI program under most of its notes, 0 to 127. `controls` say programs only where a channel changes them.
    pub program: u8,
    /// Whether keys are drums: channel 10, or a channel that the file makes a rhythm channel.
    pub drums: bool,
    /// By onset, then pitch.
    pub notes: Vec<ScoreNote>,
    /// Everything but notes that changes how it sounds, in order; at one tick before the notes. Never "all notes off" and
    /// its like (controllers 120 and 123 to 127): notes say themselves where they end.
    pub controls: Vec<Control>,
}

impl Part {
    fn broken_rule(&self, end: Tick) -> Option<&'static str> {
        let mut free_from = [0; 128];
        for note in &self.notes {
            let Some(free_from) = free_from.get_mut(usize::from(note.pitch)) else {
                return Some("an impossible pitch");
            };
            if note.duration == 0 {
                return Some("a note without length");
            }
            if note.onset < *free_from {
                return Some("two notes of one pitch at once");
            }
            *free_from = note.end();
        }
        let rules = [
            (self.channel < 16 && self.port < 128 && self.program < 128, "an impossible channel, port or program"),
            (self.notes.is_sorted_by_key(|note| (note.onset, note.pitch)), "notes out of order"),
            (self.notes.iter().all(|note| (1..128).contains(&note.velocity)), "an impossible velocity"),
            (self.notes.iter().all(|note| note.end() <= end), "a note after the end"),
            (self.controls.is_sorted_by_key(|control| control.at), "controls out of order"),
            (self.controls.iter().all(|control| control.at <= end), "a control after the end"),
            (self.controls.iter().all(|control| control.change.is_possible()), "an impossible control"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule)
    }
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

impl ControlChange {
    const fn is_possible(self) -> bool {
        match self {
            Self::Program(value) | Self::Pressure(value) => value < 128,
            Self::Controller(number, value) => number < 123 && number != 120 && value < 128,
            Self::PitchBend(bend) => -8_192 <= bend && bend <= 8_191,
            Self::KeyPressure(key, value) => key < 128 && value < 128,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TempoChange {
    pub at: Tick,
    /// 1 to 16,777,215 (24 bits).
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

    /// Seconds from the start to each of these ticks, which must not go back. One walk through the tempos for all of them.
    pub fn seconds_of(&self, ticks: impl IntoIterator<Item = Tick>) -> impl Iterator<Item = f64> {
        let mut changes = self.tempos.iter().peekable();
        let (mut at, mut seconds, mut per_tick) = (0, 0.0, 0.0);
        ticks.into_iter().map(move |tick| {
            while let Some(change) = changes.next_if(|change| change.at <= tick) {
                seconds += change.at.saturating_sub(at) as f64 * per_tick;
                (at, per_tick) = (change.at, self.seconds_per_tick(change));
            }
            seconds + tick.saturating_sub(at) as f64 * per_tick
        })
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.seconds_at(self.end)
    }

    /// How many notes all parts have.
    pub fn note_count(&self) -> usize {
        self.parts.iter().map(|part| part.notes.len()).sum()
    }

    /// What the score has that no score may have, if anything: the first rule of this module that is broken.
    pub fn broken_rule(&self) -> Option<&'static str> {
        let rules = [
            (self.ticks_per_quarter > 0, "a quarter note without ticks"),
            (self.tempos.first().is_some_and(|first| first.at == 0), "no tempo at the start"),
            (self.meters.first().is_some_and(|first| first.at == 0), "no meter at the start"),
            (self.tempos.is_sorted_by_key(|change| change.at), "tempos out of order"),
            (self.meters.is_sorted_by_key(|change| change.at), "meters out of order"),
            (self.key_signatures.is_sorted_by_key(|change| change.at), "keys out of order"),
            (self.lyrics.is_sorted_by_key(|text| text.at), "lyrics out of order"),
            (self.markers.is_sorted_by_key(|text| text.at), "markers out of order"),
            (self.tempos.iter().all(|tempo| (1..1 << 24).contains(&tempo.micros_per_quarter)), "an impossible tempo"),
            (self.meters.iter().all(|m| m.beats > 0 && m.unit.is_power_of_two()), "an impossible meter"),
            (self.key_signatures.iter().all(|key| key.sharps.abs() <= 7), "an impossible key"),
            (self.tempos.iter().all(|change| change.at <= self.end), "a tempo after the end"),
            (self.meters.iter().all(|change| change.at <= self.end), "a meter after the end"),
            (self.key_signatures.iter().all(|change| change.at <= self.end), "a key after the end"),
            (self.lyrics.iter().chain(&self.markers).all(|text| text.at <= self.end), "a text after the end"),
            (self.parts.is_sorted_by_key(|part| (part.track, part.channel)), "parts out of order"),
        ];
        let broken = rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule);
        broken.or_else(|| self.parts.iter().find_map(|part| part.broken_rule(self.end)))
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
