//! A voice over its backing.

use crate::loudness::{Loudness, measure_loudness, normalise};

/// The backing lies this far below the voice, in LU: the words stay clear, the chords are heard.
const VOICE_OVER_BACKING_LU: f64 = 9.0;
/// The backing gives way by up to this much where the voice sounds, in dB.
const DUCKING_DB: f64 = 3.0;
/// How fast it gives way, and comes back.
const DUCK_ATTACK_SECONDS: f64 = 0.04;
const DUCK_RELEASE_SECONDS: f64 = 0.35;
/// The voice is taken to sound from this far below its loudest moment on, in dB.
const SOUNDING_DB: f64 = -30.0;
/// Steps in which the level of the voice is looked at.
const STEP_SECONDS: f64 = 0.01;

/// A mix and how it came out.
#[derive(Clone, PartialEq, Debug)]
pub struct Mix {
    /// Interleaved stereo.
    pub samples: Vec<f32>,
    pub sample_rate_hz: u32,
    pub loudness: Loudness,
    /// Loudness of the voice less that of the backing, as mixed, in LU; `None` where one of them is silent.
    pub voice_over_backing_lu: Option<f64>,
}

/// Lays a mono voice in the middle over a stereo backing of the same rate (interleaved; shorter or longer is fine: the
/// mix is as long as the longer), which gives way to it, and brings the whole to a loudness and a true peak.
///
/// Without any voice or any backing the other is only brought to level.
pub fn mix(voice: &[f32], backing: &[f32], sample_rate_hz: u32, target_lufs: f64, max_dbtp: f64) -> Mix {
    let frames = voice.len().max(backing.len() / 2);
    let finite = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
    let mut sung: Vec<f32> = voice.iter().flat_map(|&x| [finite(x); 2]).collect();
    sung.resize(2 * frames, 0.0);
    let mut played: Vec<f32> = backing.iter().copied().map(finite).collect();
    played.resize(2 * frames, 0.0);
    duck(&mut played, voice, sample_rate_hz);

    let level = |samples: &[f32]| measure_loudness(samples, sample_rate_hz, 2).integrated_lufs;
    let levels = level(&sung).zip(level(&played));
    if let Some((voice_lufs, backing_lufs)) = levels {
        let gain = 10f64.powf((voice_lufs - VOICE_OVER_BACKING_LU - backing_lufs) / 20.0) as f32;
        played.iter_mut().for_each(|sample| *sample *= gain);
    }
    let voice_over_backing_lu = levels.and_then(|(voice_lufs, _)| Some(voice_lufs - level(&played)?));
    let mut samples: Vec<f32> = sung.iter().zip(&played).map(|(sung, played)| sung + played).collect();
    let loudness = normalise(&mut samples, sample_rate_hz, 2, target_lufs, max_dbtp);
    Mix { samples, sample_rate_hz, loudness, voice_over_backing_lu }
}

/// Turns the backing down where the voice sounds.
fn duck(backing: &mut [f32], voice: &[f32], sample_rate_hz: u32) {
    let rate = f64::from(sample_rate_hz.max(1));
    let step = ((STEP_SECONDS * rate) as usize).max(1);
    let levels: Vec<f32> = voice
        .chunks(step)
        .map(|part| part.iter().map(|x| x * x).filter(|x| x.is_finite()).sum::<f32>() / part.len() as f32)
        .collect();
    let loudest = levels.iter().copied().fold(0.0, f32::max);
    if loudest <= 0.0 {
        return;
    }
    let threshold = loudest * 10f32.powf(SOUNDING_DB as f32 / 10.0);
    let towards = |seconds: f64| 1.0 - (-1.0 / (seconds * rate)).exp();
    let (attack, release) = (towards(DUCK_ATTACK_SECONDS), towards(DUCK_RELEASE_SECONDS));
    let mut down = 0.0f64;
    for (frame, pair) in backing.chunks_exact_mut(2).enumerate() {
        let sounds = levels.get(frame / step).is_some_and(|level| *level > threshold);
        let wanted = if sounds { 1.0 } else { 0.0 };
        down += (wanted - down) * if wanted > down { attack } else { release };
        let gain = 10f64.powf(-DUCKING_DB * down / 20.0) as f32;
        pair.iter_mut().for_each(|sample| *sample *= gain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 44_100;

    fn tone(hz: f32, seconds: f32, level: f32) -> Vec<f32> {
        let count = (seconds * RATE as f32) as usize;
        (0..count).map(|i| (i as f32 * hz * std::f32::consts::TAU / RATE as f32).sin() * level).collect()
    }

    fn stereo(mono: &[f32]) -> Vec<f32> {
        mono.iter().flat_map(|&x| [x, x]).collect()
    }

    #[test]
    fn the_voice_lies_over_the_backing_at_the_promised_level() {
        for backing_level in [0.01, 0.3, 2.0] {
            let voice = tone(440.0, 6.0, 0.2);
            let made = mix(&voice, &stereo(&tone(220.0, 8.0, backing_level)), RATE, -14.0, -1.0);
            assert_eq!(made.samples.len(), 2 * 8 * RATE as usize);
            let apart = made.voice_over_backing_lu.unwrap();
            assert!((apart - VOICE_OVER_BACKING_LU).abs() < 0.2, "{apart} LU");
            assert!((made.loudness.integrated_lufs.unwrap() + 14.0).abs() < 0.5);
            assert!(made.loudness.true_peak_dbtp.unwrap() <= -1.0);
        }
    }

    #[test]
    fn the_backing_gives_way_and_comes_back() {
        let mut backing = stereo(&vec![0.5; 4 * RATE as usize]);
        let mut voice = vec![0.0; 4 * RATE as usize];
        let sung = tone(300.0, 1.0, 0.3);
        voice[RATE as usize..2 * RATE as usize].copy_from_slice(&sung);
        duck(&mut backing, &voice, RATE);
        let at = |seconds: f64| f64::from(backing[2 * (seconds * f64::from(RATE)) as usize]) / 0.5;
        let ducked = 10f64.powf(-DUCKING_DB / 20.0);
        assert!((at(0.9) - 1.0).abs() < 1e-3 && (at(1.6) - ducked).abs() < 0.01 && (at(3.9) - 1.0).abs() < 0.01);
        let steps = backing.chunks_exact(2).map(|pair| pair[0]).collect::<Vec<_>>();
        assert!(steps.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 1e-3), "no clicks");
    }

    #[test]
    fn silence_on_either_side_leaves_the_other() {
        let voice = tone(440.0, 3.0, 0.2);
        let alone = mix(&voice, &[], RATE, -14.0, -1.0);
        assert!(alone.voice_over_backing_lu.is_none());
        assert!((alone.loudness.integrated_lufs.unwrap() + 14.0).abs() < 0.5);
        let only_backing = mix(&[], &stereo(&voice), RATE, -14.0, -1.0);
        assert!((only_backing.loudness.integrated_lufs.unwrap() + 14.0).abs() < 0.5);
        let nothing = mix(&[], &[], RATE, -14.0, -1.0);
        assert!(nothing.samples.is_empty() && nothing.loudness.integrated_lufs.is_none());
        let broken = mix(&[f32::NAN; 100], &[f32::INFINITY; 300], RATE, -14.0, -1.0);
        assert!(broken.samples.iter().all(|x| x.is_finite()));
    }
}
