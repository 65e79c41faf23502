//! Numbers of the generators that this crate reads or writes ("SoundFont Technical Specification" 2.04, 8.1.2).

pub(crate) const START: u16 = 0;
pub(crate) const END: u16 = 1;
pub(crate) const LOOP_START: u16 = 2;
pub(crate) const LOOP_END: u16 = 3;
pub(crate) const START_COARSE: u16 = 4;
pub(crate) const MODULATION_LFO_TO_PITCH: u16 = 5;
pub(crate) const VIBRATO_LFO_TO_PITCH: u16 = 6;
pub(crate) const MODULATION_ENVELOPE_TO_PITCH: u16 = 7;
pub(crate) const FILTER_CUTOFF: u16 = 8;
pub(crate) const FILTER_Q: u16 = 9;
pub(crate) const MODULATION_LFO_TO_FILTER: u16 = 10;
pub(crate) const MODULATION_ENVELOPE_TO_FILTER: u16 = 11;
pub(crate) const END_COARSE: u16 = 12;
pub(crate) const MODULATION_LFO_TO_VOLUME: u16 = 13;
pub(crate) const MODULATION_LFO_FREQUENCY: u16 = 22;
pub(crate) const INSTRUMENT: u16 = 41;
pub(crate) const KEY_RANGE: u16 = 43;
pub(crate) const VELOCITY_RANGE: u16 = 44;
pub(crate) const LOOP_START_COARSE: u16 = 45;
pub(crate) const ATTENUATION: u16 = 48;
pub(crate) const LOOP_END_COARSE: u16 = 50;
pub(crate) const COARSE_TUNE: u16 = 51;
pub(crate) const FINE_TUNE: u16 = 52;
pub(crate) const SAMPLE: u16 = 53;
pub(crate) const SAMPLE_MODES: u16 = 54;
pub(crate) const SCALE_TUNING: u16 = 56;
pub(crate) const EXCLUSIVE_CLASS: u16 = 57;
pub(crate) const ROOT_KEY: u16 = 58;

/// Offsets into the samples; they become part of the sample headers of a prepared font.
pub(crate) const ADDRESSES: [u16; 8] =
    [START, END, LOOP_START, LOOP_END, START_COARSE, END_COARSE, LOOP_START_COARSE, LOOP_END_COARSE];

/// What the specification allows for generators whose excess could carry a pitch out of all bounds.
pub(crate) fn in_range(generator: u16, amount: i16) -> i16 {
    match generator {
        MODULATION_LFO_TO_PITCH | VIBRATO_LFO_TO_PITCH | MODULATION_ENVELOPE_TO_PITCH => amount.clamp(-12_000, 12_000),
        COARSE_TUNE => amount.clamp(-120, 120),
        FINE_TUNE => amount.clamp(-99, 99),
        SCALE_TUNING => amount.clamp(-1_200, 1_200),
        ROOT_KEY => {
            if (0..=127).contains(&amount) {
                amount
            } else {
                -1
            }
        }
        _ => amount,
    }
}
