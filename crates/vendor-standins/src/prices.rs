//! What things cost here: round figures of the order that the vendors ask, so that ledgers can be added up. Not the
//! vendors' price lists.

/// Of a text model, in micro-USD: so much for a token in, so much for one out.
pub fn text_micros(model: &str, tokens_in: u64, tokens_out: u64) -> u64 {
    let (input, output) = match model {
        _ if model.contains("haiku") || model.contains("mini") => (1, 5),
        _ if model.contains("opus") => (5, 25),
        _ => (3, 15),
    };
    tokens_in * input + tokens_out * output
}

/// Of speech, in micro-USD a character.
pub const SPEECH_CHARACTER_MICROS: u64 = 15;
/// Of a prediction, in micro-USD a second of work.
pub const PREDICTION_SECOND_MICROS: u64 = 1_000;
/// Of a training, in micro-USD a second of work.
pub const TRAINING_SECOND_MICROS: u64 = 10_000;
/// Of composed music, in micro-USD a second of sound.
pub const MUSIC_SECOND_MICROS: u64 = 5_000;
/// Of a blend, in micro-USD.
pub const BLEND_MICROS: u64 = 20_000;

/// Tokens of a text, as a rule of thumb: four characters each.
pub fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}
