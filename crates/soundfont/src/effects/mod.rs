//! What a stem goes through between its synthesizer and the mix: level, two shelves, and how much of it the room hears.

mod room;
mod shelf;

pub(crate) use room::Room;
pub(crate) use shelf::Shelves;

/// How a stem is treated. The constants suit the roles of a song.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StemMix {
    /// Level, in dB.
    pub gain_db: f32,
    /// How much is added below 160 Hz, in dB.
    pub low_db: f32,
    /// How much is added above 6 kHz, in dB. Players that interpolate between two samples, as ours does, lose about 1 dB
    /// there.
    pub high_db: f32,
    /// Share of the sound that the room hears, 0 to 1.
    pub room: f32,
}

impl StemMix {
    pub const PLAIN: Self = Self { gain_db: 0.0, low_db: 0.0, high_db: 1.0, room: 0.15 };
    pub const DRUMS: Self = Self { gain_db: 0.0, low_db: 0.0, high_db: 1.5, room: 0.10 };
    pub const BASS: Self = Self { gain_db: 0.0, low_db: 1.0, high_db: -3.0, room: 0.03 };
    pub const CHORDS: Self = Self { gain_db: 0.0, low_db: -2.0, high_db: 1.0, room: 0.16 };
    pub const MELODY: Self = Self { gain_db: 0.0, low_db: -2.0, high_db: 1.5, room: 0.20 };
    pub const COUNTER_MELODY: Self = Self { gain_db: 0.0, low_db: -2.0, high_db: 1.0, room: 0.20 };
    pub const PAD: Self = Self { gain_db: 0.0, low_db: -3.0, high_db: -1.0, room: 0.28 };

    /// Every figure within what can be mixed.
    pub(crate) fn bounded(self) -> Self {
        let bounded = |value: f32, low: f32, high: f32| if value.is_finite() { value.clamp(low, high) } else { 0.0 };
        Self {
            gain_db: bounded(self.gain_db, -60.0, 24.0),
            low_db: bounded(self.low_db, -24.0, 24.0),
            high_db: bounded(self.high_db, -24.0, 24.0),
            room: bounded(self.room, 0.0, 1.0),
        }
    }
}
