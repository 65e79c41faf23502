//! One piece: levelled, listened to, described and encoded.

use media::{Encoding, Loudness, Tags};

use crate::{SAMPLE_RATE_HZ, caption::caption, error::TrainingError, listen::listen};

/// Loudness of every piece in LUFS, and the ceiling of its true peaks in dBTP.
pub const LOUDNESS_LUFS: f64 = -16.0;
pub const CEILING_DBTP: f64 = -1.0;
/// A passage that is quieter than its recording by more than this stays quieter by what is over, in LU: brought to the
/// loudness of the rest, it would be mostly its noise.
const QUIET_PASSAGE_LU: f64 = 6.0;
/// Both ends fade over this many samples, 10 ms.
const FADE: usize = SAMPLE_RATE_HZ as usize / 100;

/// A piece, ready to be packed.
pub struct Piece {
    /// WAVE, 16 bits: trainers look for captions beside `.wav` and `.mp3` files only.
    pub wave: Vec<u8>,
    pub caption: String,
    pub seconds: f64,
    /// As it is now.
    pub loudness: Loudness,
}

/// What is known of a piece before it is listened to.
pub struct Known<'a> {
    /// What people wrote, the nearest to the piece first.
    pub descriptions: Vec<&'a str>,
    pub words: Vec<&'static str>,
    /// Of the whole recording.
    pub loudness_lufs: Option<f64>,
}

/// Makes a piece of samples of one channel.
///
/// # Errors
/// When it cannot be encoded.
pub fn make(mut samples: Vec<f32>, known: &Known<'_>) -> Result<Piece, TrainingError> {
    fade(&mut samples);
    let own = media::measure_loudness(&samples, SAMPLE_RATE_HZ, 1).integrated_lufs;
    let below = known.loudness_lufs.zip(own).map_or(0.0, |(whole, own)| whole - own);
    let target = LOUDNESS_LUFS - (below - QUIET_PASSAGE_LU).max(0.0);
    let loudness = media::normalise(&mut samples, SAMPLE_RATE_HZ, 1, target, CEILING_DBTP);
    let heard = listen(&samples).words();
    let parts = known.descriptions.iter().copied().chain(known.words.iter().copied());
    let caption = caption(parts.chain(heard.iter().map(String::as_str)));
    let seconds = samples.len() as f64 / f64::from(SAMPLE_RATE_HZ);
    let wave =
        media::encode(&samples, SAMPLE_RATE_HZ, 1, Encoding::Wav16, &Tags::default()).map_err(TrainingError::Media)?;
    Ok(Piece { wave, caption, seconds, loudness })
}

fn fade(samples: &mut [f32]) {
    let gain = |index: usize| (index as f32 + 0.5) / FADE as f32;
    samples.iter_mut().take(FADE).enumerate().for_each(|(index, sample)| *sample *= gain(index));
    samples.iter_mut().rev().take(FADE).enumerate().for_each(|(index, sample)| *sample *= gain(index));
}
