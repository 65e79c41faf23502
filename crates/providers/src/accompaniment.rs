//! The instruments of one sound font, loaded when they are first needed, playing under a voice.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use domain::{Failure, FailureClass, FailureCode};
use media::Mix;
use music::Accompaniment;
use soundfont::{FontError, Instruments};
use telemetry::error_chain;

/// How loud a mix is to be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LoudnessTarget {
    /// Integrated, EBU R128.
    pub lufs: f64,
    /// Highest true peak.
    pub max_dbtp: f64,
}

/// Plays accompaniments and mixes them with a voice. Cheap to clone; clones share their instruments.
#[derive(Clone)]
pub struct AccompanimentPlayer {
    configured: Option<PathBuf>,
    instruments: Arc<OnceLock<Instruments>>,
}

impl AccompanimentPlayer {
    /// `configured` is the sound font to use; without one, the system's, and without that, the built-in one.
    pub fn new(configured: Option<PathBuf>) -> Self {
        Self { configured, instruments: Arc::default() }
    }

    /// Lays a voice (mono) over an accompaniment, which is played while it is mixed, block by block. Blocking: some 20 ms
    /// per second of sound.
    ///
    /// # Errors
    /// `Config` when the configured sound font cannot be used; `Transient` when there is no room for the mix's temporary
    /// file.
    pub fn play_under(
        &self,
        voice: &[f32],
        sample_rate_hz: u32,
        accompaniment: &Accompaniment,
        target: LoudnessTarget,
    ) -> Result<Mix, Failure> {
        let sung_seconds = voice.len() as f64 / f64::from(sample_rate_hz.max(1));
        // The last chord is played to its end.
        let seconds = accompaniment.chords.last().map_or(0.0, |chord| chord.end_seconds).max(sung_seconds);
        let playing = self.instruments().and_then(|font| font.play(&accompaniment.parts, seconds, sample_rate_hz));
        let mut playing = playing.map_err(|error| font_failure(&error))?;
        let mixed = media::mix(voice, playing.by_ref(), sample_rate_hz, target.lufs, target.max_dbtp);
        if let Some(error) = playing.failure() {
            return Err(font_failure(error));
        }
        mixed.map_err(|error| {
            let class = if error.is_retryable() { FailureClass::Transient } else { FailureClass::Config };
            Failure::new(class, FailureCode::AudioProcessing, format!("the mix was not made: {}", error_chain(&error)))
        })
    }

    /// The sound font, for whole songs.
    ///
    /// # Errors
    /// When the configured one cannot be used.
    pub fn instruments(&self) -> Result<&Instruments, FontError> {
        if let Some(loaded) = self.instruments.get() {
            return Ok(loaded);
        }
        let loaded = Instruments::find(self.configured.as_deref())?;
        tracing::info!(soundfont = loaded.name(), "instruments loaded");
        Ok(self.instruments.get_or_init(|| loaded))
    }
}

/// What it means for a job that the sound font cannot be used.
pub fn font_failure(error: &FontError) -> Failure {
    Failure::new(FailureClass::Config, FailureCode::ProviderConfig, error_chain(error).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_font_that_is_not_there_is_named() {
        let player = AccompanimentPlayer::new(Some("nowhere/piano.sf2".into()));
        let accompaniment = Accompaniment {
            style: music::harmony::Style::Ballad,
            in_time: true,
            chords: Vec::new(),
            parts: Vec::new(),
            consonance: 0.0,
        };
        let target = LoudnessTarget { lufs: -16.0, max_dbtp: -1.0 };
        let failure = player.play_under(&[0.0; 100], 44_100, &accompaniment, target).unwrap_err();
        assert_eq!(failure.class, FailureClass::Config);
        assert!(failure.message.contains("nowhere/piano.sf2"), "{}", failure.message);
    }
}
