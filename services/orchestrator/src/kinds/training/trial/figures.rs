//! What is measured of the music that a new model made.

use domain::{Failure, FailureClass, FailureCode};
use media::{Bounds, Encoding, MediaError, Tags, measure_loudness};
use providers::AudioInput;
use serde::{Deserialize, Serialize};
use telemetry::error_chain;

/// Longest sound that is listened to, in seconds: models may make more than they are asked for.
const MOST_SECONDS: f64 = 60.0;
/// Frames over which it is decided whether there is silence, in seconds.
const SILENCE_WINDOW: f64 = 0.05;
/// Windows whose mean power is below this count as silent, in dBFS.
const SILENCE_DBFS: f64 = -60.0;
/// More silence than this is no music.
const MOST_SILENCE: f64 = 0.95;

/// Figures of a trial.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialFigures {
    pub seconds: f64,
    pub sample_rate_hz: u32,
    pub channels: u16,
    /// Integrated loudness.
    pub loudness_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    /// Share of the time that is silent, 0–1.
    pub silence_share: f64,
    /// Share of samples that are clipped, 0–1.
    pub clipped_share: f64,
}

/// The sound as WAV, with its figures. Blocking.
///
/// # Errors
/// `Transient` where nothing can be decoded or heard.
pub fn measured(sound: &AudioInput) -> Result<(Vec<u8>, TrialFigures), Failure> {
    let file = sound.reopen()?;
    let sound = media::decode(file, &Bounds::for_duration(MOST_SECONDS)).map_err(|error| of_media(&error))?;
    let loudness = measure_loudness(&sound.samples, sound.sample_rate_hz, sound.channels);
    let window = (f64::from(sound.sample_rate_hz) * SILENCE_WINDOW) as usize * usize::from(sound.channels);
    let figures = TrialFigures {
        seconds: sound.duration_seconds(),
        sample_rate_hz: sound.sample_rate_hz,
        channels: sound.channels,
        loudness_lufs: loudness.integrated_lufs,
        true_peak_dbtp: loudness.true_peak_dbtp,
        silence_share: silence_share(&sound.samples, window),
        clipped_share: loudness.clipped_share,
    };
    if figures.silence_share > MOST_SILENCE {
        return Err(unheard("the model made silence"));
    }
    let wav = media::encode(&sound.samples, sound.sample_rate_hz, sound.channels, Encoding::Wav16, &Tags::default());
    Ok((wav.map_err(|error| of_media(&error))?, figures))
}

fn silence_share(samples: &[f32], window: usize) -> f64 {
    let threshold = 10f64.powf(SILENCE_DBFS / 10.0);
    let (mut silent, mut all) = (0_u32, 0_u32);
    for piece in samples.chunks(window.max(1)) {
        let power = piece.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / piece.len() as f64;
        all += 1;
        silent += u32::from(power < threshold);
    }
    if all == 0 { 1.0 } else { f64::from(silent) / f64::from(all) }
}

fn of_media(error: &MediaError) -> Failure {
    if error.is_retryable() {
        return Failure::new(FailureClass::Transient, FailureCode::Storage, error_chain(error));
    }
    unheard(&format!("the model made a sound that cannot be played: {}", error_chain(error)))
}

fn unheard(what: &str) -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::QualityGate, what)
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use super::*;

    const RATE: u32 = 32_000;

    fn input(bytes: &[u8]) -> AudioInput {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        AudioInput::new(file).unwrap()
    }

    /// A tone of so many seconds behind as much silence, both channels.
    fn sound(silence: f64, tone: f64, gain: f32) -> AudioInput {
        let frames = |seconds: f64| (seconds * f64::from(RATE)) as usize;
        let mut samples = vec![0.0; 2 * frames(silence)];
        for frame in 0..frames(tone) {
            let value = gain * (std::f32::consts::TAU * 220.0 * frame as f32 / RATE as f32).sin();
            samples.extend([value, value]);
        }
        input(&media::encode(&samples, RATE, 2, Encoding::Wav16, &Tags::default()).unwrap())
    }

    #[test]
    fn what_was_made_is_measured() {
        let (wav, figures) = measured(&sound(2.0, 6.0, 0.25)).unwrap();
        assert!(wav.starts_with(b"RIFF"));
        assert_eq!((figures.sample_rate_hz, figures.channels), (RATE, 2));
        assert!((figures.seconds - 8.0).abs() < 0.01, "{figures:?}");
        assert!((figures.silence_share - 0.25).abs() < 0.02, "{figures:?}");
        assert!(figures.clipped_share.abs() < 1e-9, "{figures:?}");
        // A sine of −12 dBFS on both sides lies about there; the gate leaves the silence out.
        assert!(figures.loudness_lufs.is_some_and(|lufs| (-14.0..=-10.0).contains(&lufs)), "{figures:?}");
        let (_, loud) = measured(&sound(0.0, 2.0, 4.0)).unwrap();
        assert!(loud.clipped_share > 0.5, "{loud:?}");
    }

    #[test]
    fn silence_and_noise_that_is_no_sound_are_no_music() {
        for (sound, word) in [(sound(5.0, 0.01, 0.1), "silence"), (input(b"no sound at all"), "cannot be played")] {
            let failure = measured(&sound).unwrap_err();
            assert!(failure.message.contains(word), "{failure}");
            assert_eq!(failure.code, FailureCode::QualityGate);
        }
    }
}
