//! The band that plays under a voice: the instruments of one sound font, loaded when they are first needed.

use std::{
    error::Error,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use domain::{Failure, FailureClass, FailureCode};
use media::Mix;
use music::Accompaniment;
use soundfont::{FontError, Instruments};

use crate::song::{MAX_DBTP, TARGET_LUFS};

/// Cheap to clone; clones share their instruments.
#[derive(Clone)]
pub struct Band {
    configured: Option<PathBuf>,
    instruments: Arc<OnceLock<Instruments>>,
}

impl Band {
    /// `configured` is the sound font to use; without one, the system's, and without that, the built-in one.
    pub fn new(configured: Option<PathBuf>) -> Self {
        Self { configured, instruments: Arc::default() }
    }

    /// Lays a voice (mono) over what the band plays, at the loudness of every result. The band plays while it is mixed,
    /// block by block. Blocking: some 20 ms per second of sound, and the time to read a large font when it is the first
    /// call.
    ///
    /// # Errors
    /// `Config` when the configured sound font cannot be used; `Transient` when there is no room for the mix's temporary
    /// file.
    pub fn play_under(
        &self,
        voice: &[f32],
        sample_rate_hz: u32,
        accompaniment: &Accompaniment,
    ) -> Result<Mix, Failure> {
        let sung_seconds = voice.len() as f64 / f64::from(sample_rate_hz.max(1));
        // The last chord is played to its end.
        let seconds = accompaniment.chords.last().map_or(0.0, |chord| chord.end_seconds).max(sung_seconds);
        let playing = self.instruments().and_then(|band| band.play(&accompaniment.parts, seconds, sample_rate_hz));
        let playing = playing
            .map_err(|error| Failure::new(FailureClass::Config, FailureCode::ProviderConfig, with_cause(&error)))?;
        media::mix(voice, playing, sample_rate_hz, TARGET_LUFS, MAX_DBTP).map_err(|error| {
            let class = if error.is_retryable() { FailureClass::Transient } else { FailureClass::Config };
            Failure::new(class, FailureCode::AudioProcessing, format!("the mix was not made: {}", with_cause(&error)))
        })
    }

    fn instruments(&self) -> Result<&Instruments, FontError> {
        if let Some(loaded) = self.instruments.get() {
            return Ok(loaded);
        }
        let loaded = Instruments::find(self.configured.as_deref())?;
        tracing::info!(soundfont = loaded.name(), "instruments loaded");
        Ok(self.instruments.get_or_init(|| loaded))
    }
}

fn with_cause(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_font_that_is_not_there_is_named() {
        let band = Band::new(Some("nowhere/piano.sf2".into()));
        let accompaniment = Accompaniment {
            style: music::harmony::Style::Ballad,
            in_time: true,
            chords: Vec::new(),
            parts: Vec::new(),
            consonance: 0.0,
        };
        let failure = band.play_under(&[0.0; 100], 44_100, &accompaniment).unwrap_err();
        assert_eq!(failure.class, FailureClass::Config);
        assert!(failure.message.contains("nowhere/piano.sf2"), "{}", failure.message);
    }
}
