//! Pitch in Hz, in MIDI note numbers and in cents. A4 = 440 Hz = MIDI 69, twelve equal steps to the octave.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A MIDI note number, 0–127; 69 is A4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MidiPitch(u8);

impl MidiPitch {
    /// Numbers above 127 read as 127.
    pub const fn new(number: u8) -> Self {
        Self(if number > 127 { 127 } else { number })
    }

    /// The nearest note to a fractional number.
    pub fn nearest(midi: f64) -> Self {
        Self(midi.round().clamp(0.0, 127.0) as u8)
    }

    pub const fn number(self) -> u8 {
        self.0
    }

    /// 0 = C … 11 = B.
    pub const fn class(self) -> u8 {
        self.0 % 12
    }

    pub fn hz(self) -> f64 {
        midi_to_hz(f64::from(self.0))
    }
}

/// Scientific pitch notation with sharps: MIDI 60 is `C4`.
impl fmt::Display for MidiPitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
        write!(f, "{}{}", NAMES[usize::from(self.class())], i16::from(self.0 / 12) - 1)
    }
}

/// Fractional MIDI number of a frequency in Hz (> 0).
pub fn hz_to_midi(hz: f64) -> f64 {
    69.0 + 12.0 * (hz / 440.0).log2()
}

/// Frequency in Hz of a fractional MIDI number.
pub fn midi_to_hz(midi: f64) -> f64 {
    440.0 * ((midi - 69.0) / 12.0).exp2()
}

/// Signed distance from `from_hz` up to `to_hz` in cents (both > 0).
pub fn cents_between(from_hz: f64, to_hz: f64) -> f64 {
    1200.0 * (to_hz / from_hz).log2()
}
