//! Pitch in Hz, in MIDI note numbers and in cents. A4 = 440 Hz = MIDI 69, twelve equal steps to the octave.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::key::Key;

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

    /// Its name as a musician writes it in a key: with flats in keys that have flats. MIDI 70 is `Bb4` in F major.
    pub fn name_in(self, key: &Key) -> String {
        const FLATS: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"];
        if key.sharps() >= 0 {
            return self.to_string();
        }
        format!("{}{}", FLATS[usize::from(self.class())], self.octave())
    }

    /// The octave in scientific pitch notation: MIDI 60 is in octave 4.
    pub const fn octave(self) -> i8 {
        (self.0 / 12) as i8 - 1
    }
}

/// Scientific pitch notation with sharps: MIDI 60 is `C4`.
impl fmt::Display for MidiPitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
        write!(f, "{}{}", NAMES[usize::from(self.class())], self.octave())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Mode;

    #[test]
    fn names_follow_the_key() {
        let check = |number, tonic, mode, expected: &str| {
            assert_eq!(MidiPitch::new(number).name_in(&Key { tonic, mode, confidence: 1.0 }), expected);
        };
        check(70, 5, Mode::Major, "Bb4");
        check(66, 7, Mode::Major, "F#4");
        check(61, 2, Mode::Minor, "Db4");
        check(60, 10, Mode::Major, "C4");
        check(0, 0, Mode::Major, "C-1");
        assert_eq!(MidiPitch::new(127).to_string(), "G9");
    }

    #[test]
    fn hertz_and_numbers_agree() {
        assert!((midi_to_hz(69.0) - 440.0).abs() < 1e-9 && (hz_to_midi(880.0) - 81.0).abs() < 1e-9);
        assert!((cents_between(440.0, 220.0) + 1200.0).abs() < 1e-9);
        for number in 0..=127 {
            assert_eq!(MidiPitch::nearest(hz_to_midi(MidiPitch::new(number).hz())).number(), number);
        }
        assert_eq!(MidiPitch::nearest(f64::NAN).number(), 0);
        assert_eq!((MidiPitch::nearest(-3.0).number(), MidiPitch::nearest(1e9).number()), (0, 127));
    }
}
