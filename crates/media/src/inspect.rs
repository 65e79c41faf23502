//! Everything that validation wants to know about a file, by decoding it once.

use std::io::{Read, Seek};

use domain::audio::{AudioFacts, AudioFormat};

use crate::{Bounds, MediaError, source::Source, workers};

/// What a sound file is, as far as its container says: nothing is decoded, so what is inside may still be bad.
///
/// # Errors
/// See [`MediaError`].
pub fn recognise(source: impl Read + Seek + Send + 'static, bounds: &Bounds) -> Result<AudioFormat, MediaError> {
    Source::open(source, bounds).map(|source| source.format)
}

/// Facts about a sound file of `size_bytes`, gained by one pass over it.
///
/// # Errors
/// See [`MediaError`]; [`crate::finding`] turns one into the sentence for the file's owner, unless
/// [`MediaError::is_retryable`] says that the file is not to blame.
pub fn inspect(
    source: impl Read + Seek + Send + 'static,
    size_bytes: u64,
    bounds: &Bounds,
) -> Result<AudioFacts, MediaError> {
    let mut source = Source::open(source, bounds)?;
    let measured = workers::measure_stream(&mut source, bounds)?;
    let Some(shape) = measured.lengths.poorest() else {
        return Err(MediaError::NothingDecoded { errors: measured.errors });
    };
    let duration_seconds = measured.lengths.seconds();
    Ok(AudioFacts {
        format: source.format,
        codec: source.codec.to_owned(),
        size_bytes,
        duration_seconds,
        declared_duration_seconds: source.declared_beside(duration_seconds),
        sample_rate_hz: shape.rate_hz,
        channels: u16::try_from(shape.channels).unwrap_or(u16::MAX),
        bitrate_bps: (size_bytes as f64 * 8.0 / duration_seconds) as u64,
        mean_volume_dbfs: measured.levels.mean_dbfs(),
        peak_dbfs: measured.levels.peak_dbfs(),
        clipped_share: measured.levels.clipped_share(),
        decode_errors: measured.errors,
        absurd_samples: measured.levels.absurd(),
        ignored_streams: source.ignored_streams,
    })
}
