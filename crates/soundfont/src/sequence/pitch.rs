//! The tuning of a channel: registered parameters 0 to 2 (MIDI 1.0 Detailed Specification, "Registered Parameter
//! Numbers"), kept to what no sample is torn by.

use crate::limits::{MOST_BEND_SEMITONES, MOST_COARSE_SEMITONES};
use crate::render::Message;

const NO_FINE_TUNE: u16 = 8_192;

/// Which parameter data entry is for, and what each is.
pub(super) struct Tuning {
    /// High and low number of the registered parameter; `None` while a non-registered one is chosen.
    parameter: Option<(u8, u8)>,
    bend_semitones: u8,
    bend_cents: u8,
    /// 14 bits; a semitone up or down around the middle.
    fine: u16,
    coarse: i8,
}

impl Tuning {
    pub(super) const fn new() -> Self {
        Self { parameter: None, bend_semitones: 2, bend_cents: 0, fine: NO_FINE_TUNE, coarse: 0 }
    }

    /// No parameter is chosen.
    pub(super) const fn reset(&mut self) {
        self.parameter = None;
    }

    /// Takes a controller; answers with what changes, if it is one of those for parameters.
    pub(super) fn control(&mut self, number: u8, value: u8) -> Option<Message> {
        match number {
            98 | 99 => self.parameter = None,
            100 => self.parameter = Some((self.parameter.map_or(127, |(high, _)| high), value)),
            101 => self.parameter = Some((value, self.parameter.map_or(127, |(_, low)| low))),
            6 => return self.data_entry(|_| value, None),
            38 => return self.data_entry(|old| old, Some(value)),
            96 => return self.data_entry(|old| old.saturating_add(1).min(127), None),
            97 => return self.data_entry(|old| old.saturating_sub(1), None),
            _ => {}
        }
        None
    }

    fn data_entry(&mut self, coarse: impl Fn(u8) -> u8, fine: Option<u8>) -> Option<Message> {
        match self.parameter? {
            (0, 0) => {
                self.bend_semitones = coarse(self.bend_semitones).min(MOST_BEND_SEMITONES);
                self.bend_cents = fine.unwrap_or(self.bend_cents).min(99);
                if self.bend_semitones == MOST_BEND_SEMITONES {
                    self.bend_cents = 0;
                }
                Some(Message::BendRange { semitones: self.bend_semitones, cents: self.bend_cents })
            }
            (0, 1) => {
                let high = coarse((self.fine >> 7) as u8);
                let low = fine.unwrap_or((self.fine & 127) as u8);
                self.fine = u16::from(high) << 7 | u16::from(low);
                Some(Message::FineTune(self.fine))
            }
            (0, 2) if fine.is_none() => {
                let value = coarse((self.coarse + 64) as u8).min(127);
                self.coarse = (value as i8 - 64).clamp(-MOST_COARSE_SEMITONES, MOST_COARSE_SEMITONES);
                Some(Message::CoarseTune(self.coarse))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(controls: &[(u8, u8)]) -> Vec<Message> {
        let mut tuning = Tuning::new();
        controls.iter().filter_map(|(number, value)| tuning.control(*number, *value)).collect()
    }

    #[test]
    fn ranges_and_tuning_are_kept_within_bounds() {
        let range = |semitones, cents| Message::BendRange { semitones, cents };
        assert_eq!(messages(&[(101, 0), (100, 0), (6, 12), (38, 50)]), [range(12, 0), range(12, 50)]);
        assert_eq!(messages(&[(101, 0), (100, 0), (6, 127), (38, 127)]), [range(24, 0), range(24, 0)]);
        assert_eq!(
            messages(&[(101, 0), (100, 2), (6, 127), (6, 0)]),
            [Message::CoarseTune(24), Message::CoarseTune(-24)]
        );
        assert_eq!(
            messages(&[(101, 0), (100, 1), (6, 127), (38, 127)]),
            [Message::FineTune(16_256), Message::FineTune(16_383)]
        );
        assert_eq!(messages(&[(101, 0), (100, 0), (96, 0), (97, 0)]), [range(3, 0), range(2, 0)]);
    }

    #[test]
    fn data_for_nothing_or_for_what_is_not_known_changes_nothing() {
        assert_eq!(messages(&[(6, 24), (38, 3)]), []);
        assert_eq!(messages(&[(101, 0), (100, 0), (99, 1), (6, 24)]), []);
        assert_eq!(messages(&[(101, 127), (100, 127), (6, 24)]), []);
        assert_eq!(messages(&[(101, 0), (100, 5), (6, 24)]), []);
    }
}
