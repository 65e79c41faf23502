//! Numbers of controllers that are obeyed (MIDI 1.0 Detailed Specification, table III).

pub(super) const BANK: u8 = 0;
pub(super) const MODULATION: u8 = 1;
pub(super) const DATA_ENTRY: u8 = 6;
pub(super) const VOLUME: u8 = 7;
pub(super) const BALANCE: u8 = 8;
pub(super) const PAN: u8 = 10;
pub(super) const EXPRESSION: u8 = 11;
/// From a controller to the one for its lower seven bits.
pub(super) const FINE: u8 = 32;
pub(super) const SUSTAIN: u8 = 64;
pub(super) const SOSTENUTO: u8 = 66;
pub(super) const DATA_INCREMENT: u8 = 96;
pub(super) const REGISTERED_PARAMETER: u8 = 101;
pub(super) const ALL_SOUND_OFF: u8 = 120;
pub(super) const RESET: u8 = 121;
pub(super) const ALL_NOTES_OFF: u8 = 123;

/// Whether a controller changes nothing but a value that the next one of its number replaces: of several at one moment only
/// the last is heard. The others choose what later ones are about, or act when they come.
pub(super) const fn is_plain_value(number: u8) -> bool {
    const VOLUME_FINE: u8 = VOLUME + FINE;
    const EXPRESSION_FINE: u8 = EXPRESSION + FINE;
    matches!(number, MODULATION | VOLUME | BALANCE | PAN | EXPRESSION | VOLUME_FINE | EXPRESSION_FINE)
}

/// Whether anything is done for a controller.
pub(super) const fn is_obeyed(number: u8) -> bool {
    const DATA_ENTRY_FINE: u8 = DATA_ENTRY + FINE;
    is_plain_value(number)
        || matches!(
            number,
            BANK | DATA_ENTRY
                | DATA_ENTRY_FINE
                | SUSTAIN
                | SOSTENUTO
                | DATA_INCREMENT..=REGISTERED_PARAMETER
                | ALL_SOUND_OFF
                | RESET
                | ALL_NOTES_OFF..
        )
}
