//! What a decade played instead of an instrument, and on which drums.

use crate::{role::Role, wishes::Era};

/// Kits of Roland's GS, which many fonts have; one without them plays its standard kit.
mod kit {
    pub const ROOM: u8 = 8;
    pub const POWER: u8 = 16;
    pub const ELECTRONIC: u8 = 24;
    pub const TR_808: u8 = 25;
    pub const JAZZ: u8 = 32;
}

/// The programs of a band as a decade would have them; of drums, the kit.
pub fn played(decade: u16, programs: [u8; Role::COUNT]) -> [u8; Role::COUNT] {
    let is_synth = |role: Role| matches!(programs[role.index()], 38..=39 | 62..=63 | 80..=103);
    let has_synths = [Role::Comping, Role::Pad, Role::Bass].into_iter().filter(|role| is_synth(*role)).count() >= 2;
    let mut played = programs.map(|program| of_era(decade, program));
    let kit = match (decade, has_synths) {
        (..=1959, _) => kit::JAZZ,
        (1960..=1979, _) => programs[Role::Drums.index()],
        (1980..=1989, _) => kit::ELECTRONIC,
        (1990..=1999, false) => kit::ROOM,
        (2000..=2009, true) => kit::ELECTRONIC,
        (_, true) => kit::TR_808,
        (_, false) => kit::POWER,
    };
    played[Role::Drums.index()] = kit;
    played
}

/// Says that a decade that is asked for is not heard in the parts that play.
pub fn silence(era: Option<Era>, of_era: &[bool; Role::COUNT], playing: &[Role]) -> Option<String> {
    let era = era.filter(|_| playing.iter().all(|role| !of_era[role.index()]))?;
    Some(format!("the {era} make no difference here: nothing that this band plays had another sound then"))
}

/// General MIDI programs, both.
const fn of_era(decade: u16, program: u8) -> u8 {
    match (decade, program) {
        (..=1959, 33..=39) => 32,
        (..=1959, 27..=31) => 26,
        (..=1959, 4..=7 | 16..=18) => 0,
        (..=1959, 80..=95) => 48,
        (1960..=1969, 34..=39) => 33,
        (1960..=1969, 80..=103) => 16,
        (1960..=1969, 4..=7) => 16,
        (1970..=1979, 0) => 4,
        (1970..=1979, 88..=95) => 48,
        (1980..=1989, 32..=37) => 38,
        (1980..=1989, 0 | 4) => 5,
        (1980..=1989, 48 | 89) => 90,
        (1980..=1989, 71..=75) => 81,
        // The bright piano and percussive organ of house, string machines, the second synth bass.
        (1990..=1999, 0) => 1,
        (1990..=1999, 16) => 17,
        (1990..=1999, 48) => 50,
        (1990..=1999, 38) => 39,
        (1990..=1999, 80) => 81,
        // Sawtooth leads, guitars that distort, a bass with a pick.
        (2000..=2009, 80) => 81,
        (2000..=2009, 29) => 30,
        (2000..=2009, 33) => 34,
        (2000..=2009, 89) => 90,
        // Basses are synthesized, pads sweep; later the electric piano is back.
        (2010..=2019, 33..=37) => 38,
        (2010.., 80) => 81,
        (2010..=2019, 48 | 89) => 95,
        (2020.., 33..=37) => 39,
        (2020.., 0) => 4,
        _ => program,
    }
}
