//! Sound from elsewhere, brought to the loudness of every song.

use std::{fs::File, ops::ControlFlow, time::Duration};

use domain::{Failure, FailureClass, FailureCode};
use media::{Bounds, Master, MediaError, Multitrack};
use telemetry::error_chain;

use crate::rendering::LOUDNESS;

/// Of every song, in Hz.
pub const RATE_HZ: u32 = 44_100;
/// While it is decoded it is written down, too.
const DECODED_WITHIN: Duration = Duration::from_secs(300);

/// What is kept of a block of sound (interleaved stereo); it may stop the work.
pub type Keep<'k> = dyn FnMut(&[f32]) -> ControlFlow<(), Vec<f32>> + 'k;

/// Decodes a sound of at most `most_seconds`, keeps what `keep` makes of each block (interleaved stereo), and brings that to
/// [`LOUDNESS`]. Blocking; `keep` may stop the work.
///
/// # Errors
/// `Transient` when there is no room for temporary files or the work was stopped, `Config` when it does not decode.
pub fn mastered(sound: File, most_seconds: f64, keep: &mut Keep<'_>) -> Result<Master, Failure> {
    let mut tracks = Multitrack::new(RATE_HZ, 0).map_err(|error| of_media(&error))?;
    let bounds = Bounds { deadline: DECODED_WITHIN, ..Bounds::for_duration(most_seconds) };
    let mut is_stopped = false;
    let decoded = media::decode_stereo(sound, RATE_HZ, &bounds, |block| match keep(block) {
        ControlFlow::Continue(kept) => tracks.push(&kept, &[]),
        ControlFlow::Break(()) => {
            is_stopped = true;
            Err(MediaError::DeadlinePassed { limit: bounds.deadline })
        }
    });
    if is_stopped {
        return Err(Failure::new(FailureClass::Transient, FailureCode::StageTimeout, "nobody waits for the song"));
    }
    decoded.map_err(|error| of_media(&error))?;
    tracks.master(LOUDNESS.lufs, LOUDNESS.max_dbtp).map_err(|error| of_media(&error))
}

pub fn of_media(error: &MediaError) -> Failure {
    let class = if error.is_retryable() { FailureClass::Transient } else { FailureClass::Config };
    Failure::new(class, FailureCode::AudioProcessing, error_chain(error))
}
