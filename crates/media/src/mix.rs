//! A voice over its backing. Finding the level of a mix takes up to a dozen passes, more than a band would play again for,
//! so the sound waits in a temporary file.

use std::io::{Seek, Write};

use crate::{
    BLOCK_FRAMES, Encoding, Loudness, MediaError, Tags,
    encode::encode_blocks,
    loudness::Meter,
    normalise::{Correction, Shape},
    spool::Spool,
};

/// Of a mix.
const CHANNELS: u16 = 2;

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

/// A mix and how it came out. The sound lies in a temporary file that goes away with this.
#[derive(Debug)]
pub struct Mix {
    pub sample_rate_hz: u32,
    pub loudness: Loudness,
    /// Loudness of the voice less that of the backing, as mixed, in LU; `None` where one of them is silent.
    pub voice_over_backing_lu: Option<f64>,
    /// Stereo.
    sound: Spool,
}

impl Mix {
    /// Length in frames, each a sample of both channels.
    pub fn frames(&self) -> u64 {
        self.sound.frames()
    }

    /// Encodes the stereo sound into a writer, which is flushed and dropped at the end.
    ///
    /// # Errors
    /// As [`crate::encode_to`], and [`MediaError::Spool`] when the temporary file cannot be read.
    pub fn encode_to(
        &self,
        writer: impl Write + Seek + Send + 'static,
        encoding: Encoding,
        tags: &Tags,
    ) -> Result<(), MediaError> {
        encode_blocks(writer, self.sample_rate_hz, CHANNELS, encoding, tags, |sink| self.sound.each(sink))
    }
}

/// Lays a mono voice in the middle over a stereo backing of the same rate, which gives way to it, and brings the whole to
/// a loudness in LUFS and a true peak in dBTP. The backing comes in blocks of interleaved whole frames of any size and is
/// shorter or longer than the voice: the mix is as long as the longer. Neither it nor the mix is ever in memory as a
/// whole.
///
/// Without any voice or any backing the other is only brought to level.
///
/// # Errors
/// [`MediaError::Spool`] when there is no room for a temporary file of 8 bytes a frame.
pub fn mix(
    voice: &[f32],
    backing: impl IntoIterator<Item = Vec<f32>>,
    sample_rate_hz: u32,
    target_lufs: f64,
    max_dbtp: f64,
) -> Result<Mix, MediaError> {
    let (mut sound, backing_lufs) = ducked(voice, backing, sample_rate_hz)?;
    let levels = level_of_voice(voice, sound.frames(), sample_rate_hz).zip(backing_lufs);
    let mut voice_over_backing_lu = None;
    let mut gain = 1.0;
    if let Some((voice_lufs, backing_lufs)) = levels {
        gain = 10f64.powf((voice_lufs - VOICE_OVER_BACKING_LU - backing_lufs) / 20.0) as f32;
    }
    let mut meter = Meter::new(sample_rate_hz, CHANNELS);
    sound.change(|at, played| {
        played.iter_mut().for_each(|sample| *sample *= gain);
        meter.push(played);
        let sung = voice.get((at / 2) as usize..).unwrap_or_default();
        for (pair, sung) in played.chunks_exact_mut(2).zip(sung) {
            pair.iter_mut().for_each(|sample| *sample += finite(*sung));
        }
    })?;
    if let Some((voice_lufs, _)) = levels {
        voice_over_backing_lu = meter.read().integrated_lufs.map(|backing_lufs| voice_lufs - backing_lufs);
    }
    let shape = Shape { sample_rate_hz, channels: CHANNELS };
    let pass = |sink: &mut dyn FnMut(&[f32])| {
        sound.each(|block| {
            sink(block);
            Ok::<_, MediaError>(())
        })
    };
    let (correction, loudness) = Correction::find(shape, target_lufs, max_dbtp, pass)?;
    sound.correct(&correction)?;
    Ok(Mix { sample_rate_hz, loudness, voice_over_backing_lu, sound })
}

/// The backing as it gives way to the voice, filled up with silence to the length of the mix; and its loudness in LUFS.
fn ducked(
    voice: &[f32],
    backing: impl IntoIterator<Item = Vec<f32>>,
    sample_rate_hz: u32,
) -> Result<(Spool, Option<f64>), MediaError> {
    let mut ducking = Ducking::under(voice, sample_rate_hz);
    let mut meter = Meter::new(sample_rate_hz, CHANNELS);
    let mut sound = Spool::new(CHANNELS)?;
    let mut keep = |block: &[f32]| {
        meter.push(block);
        sound.push(block)
    };
    let mut frames = 0;
    for mut block in backing {
        block.truncate(block.len() - block.len() % 2);
        block.iter_mut().for_each(|sample| *sample = finite(*sample));
        ducking.apply(&mut block);
        keep(&block)?;
        frames += block.len() / 2;
    }
    let silence = [0.0; 2 * BLOCK_FRAMES];
    while frames < voice.len() {
        let missing = BLOCK_FRAMES.min(voice.len() - frames);
        keep(&silence[..2 * missing])?;
        frames += missing;
    }
    let backing_lufs = meter.read().integrated_lufs;
    Ok((sound, backing_lufs))
}

/// Loudness in LUFS of the voice where it stands in the mix: in both channels, with silence behind it.
pub(crate) fn level_of_voice(voice: &[f32], frames: u64, sample_rate_hz: u32) -> Option<f64> {
    let mut meter = Meter::new(sample_rate_hz, CHANNELS);
    for block in voice.chunks(BLOCK_FRAMES) {
        let pairs: Vec<f32> = block.iter().flat_map(|&sample| [finite(sample); 2]).collect();
        meter.push(&pairs);
    }
    let mut behind = frames.saturating_sub(voice.len() as u64);
    let silence = [0.0; 2 * BLOCK_FRAMES];
    while behind > 0 {
        let part = behind.min(BLOCK_FRAMES as u64);
        meter.push(&silence[..2 * part as usize]);
        behind -= part;
    }
    meter.read().integrated_lufs
}

pub(crate) fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample } else { 0.0 }
}

/// Turns a backing down where the voice sounds.
pub(crate) struct Ducking {
    step_frames: usize,
    /// Whether the voice sounds in each step.
    sounds: Vec<bool>,
    attack: f64,
    release: f64,
    frame: usize,
    /// From 0, full level, to 1, as far down as it goes.
    down: f64,
}

impl Ducking {
    pub(crate) fn under(voice: &[f32], sample_rate_hz: u32) -> Self {
        let rate = f64::from(sample_rate_hz.max(1));
        let step_frames = ((STEP_SECONDS * rate) as usize).max(1);
        let levels: Vec<f32> = voice
            .chunks(step_frames)
            .map(|part| part.iter().map(|x| x * x).filter(|x| x.is_finite()).sum::<f32>() / part.len() as f32)
            .collect();
        let threshold = levels.iter().copied().fold(0.0, f32::max) * 10f32.powf(SOUNDING_DB as f32 / 10.0);
        let sounds = levels.into_iter().map(|level| level > threshold).collect();
        let towards = |seconds: f64| 1.0 - (-1.0 / (seconds * rate)).exp();
        let (attack, release) = (towards(DUCK_ATTACK_SECONDS), towards(DUCK_RELEASE_SECONDS));
        Self { step_frames, sounds, attack, release, frame: 0, down: 0.0 }
    }

    /// Goes on where the block before ended.
    fn apply(&mut self, backing: &mut [f32]) {
        for pair in backing.chunks_exact_mut(2) {
            let gain = self.next_gain();
            pair.iter_mut().for_each(|sample| *sample *= gain);
        }
    }

    /// Of the next frame.
    pub(crate) fn next_gain(&mut self) -> f32 {
        let sounds = self.sounds.get(self.frame / self.step_frames).is_some_and(|sounds| *sounds);
        let wanted = if sounds { 1.0 } else { 0.0 };
        self.down += (wanted - self.down) * if wanted > self.down { self.attack } else { self.release };
        self.frame += 1;
        10f64.powf(-DUCKING_DB * self.down / 20.0) as f32
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

    fn blocks(backing: &[f32], frames: usize) -> Vec<Vec<f32>> {
        backing.chunks(2 * frames).map(<[f32]>::to_vec).collect()
    }

    fn mixed(voice: &[f32], backing: &[f32]) -> Mix {
        mix(voice, blocks(backing, 4096), RATE, -14.0, -1.0).unwrap()
    }

    fn samples(mix: &Mix) -> Vec<f32> {
        let mut samples = Vec::new();
        let collected = mix.sound.each(|block| {
            samples.extend_from_slice(block);
            Ok::<_, MediaError>(())
        });
        collected.unwrap();
        samples
    }

    /// The whole way with everything in memory, as the words of [`mix`] say it.
    fn mixed_in_memory(voice: &[f32], backing: &[f32]) -> (Vec<f32>, Loudness, Option<f64>) {
        let frames = voice.len().max(backing.len() / 2);
        let mut sung = stereo(voice);
        sung.resize(2 * frames, 0.0);
        let mut played = backing.to_vec();
        played.resize(2 * frames, 0.0);
        Ducking::under(voice, RATE).apply(&mut played);
        let level = |samples: &[f32]| crate::measure_loudness(samples, RATE, 2).integrated_lufs.unwrap();
        let gain = 10f64.powf((level(&sung) - VOICE_OVER_BACKING_LU - level(&played)) / 20.0) as f32;
        played.iter_mut().for_each(|sample| *sample *= gain);
        let apart = level(&sung) - level(&played);
        let mut samples: Vec<f32> = sung.iter().zip(&played).map(|(sung, played)| sung + played).collect();
        let loudness = crate::normalise(&mut samples, RATE, 2, -14.0, -1.0);
        (samples, loudness, Some(apart))
    }

    #[test]
    fn block_by_block_the_mix_is_the_same_sample_for_sample() {
        let voice = crate::sample::voice(5.3, RATE, 1);
        for seconds in [3.1, 7.7] {
            let backing: Vec<f32> = crate::sample::voice(seconds, RATE, 2).into_iter().rev().collect();
            let whole = mixed_in_memory(&voice, &backing);
            for frames in [441, 4096, 5000, 1_000_000] {
                let made = mix(&voice, blocks(&backing, frames), RATE, -14.0, -1.0).unwrap();
                assert!(samples(&made) == whole.0, "{seconds} s in blocks of {frames}");
                assert_eq!((made.loudness, made.voice_over_backing_lu), (whole.1, whole.2));
            }
        }
    }

    #[test]
    fn the_files_hold_the_mix() {
        let voice = crate::sample::voice(2.0, RATE, 1);
        let made = mixed(&voice, &stereo(&tone(220.0, 2.5, 0.3)));
        for encoding in [Encoding::Wav16, Encoding::Mp3 { kbps: 192 }] {
            let streamed = tempfile::NamedTempFile::new().unwrap();
            made.encode_to(streamed.reopen().unwrap(), encoding, &Tags::default()).unwrap();
            let at_once = crate::encode(&samples(&made), RATE, 2, encoding, &Tags::default()).unwrap();
            assert!(std::fs::read(streamed.path()).unwrap() == at_once, "{encoding:?}");
        }
    }

    #[test]
    fn the_voice_lies_over_the_backing_at_the_promised_level() {
        for backing_level in [0.01, 0.3, 2.0] {
            let voice = tone(440.0, 6.0, 0.2);
            let made = mixed(&voice, &stereo(&tone(220.0, 8.0, backing_level)));
            assert_eq!(made.frames(), 8 * u64::from(RATE));
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
        Ducking::under(&voice, RATE).apply(&mut backing);
        let at = |seconds: f64| f64::from(backing[2 * (seconds * f64::from(RATE)) as usize]) / 0.5;
        let ducked = 10f64.powf(-DUCKING_DB / 20.0);
        assert!((at(0.9) - 1.0).abs() < 1e-3 && (at(1.6) - ducked).abs() < 0.01 && (at(3.9) - 1.0).abs() < 0.01);
        let steps = backing.chunks_exact(2).map(|pair| pair[0]).collect::<Vec<_>>();
        assert!(steps.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 1e-3), "no clicks");
    }

    #[test]
    fn silence_on_either_side_leaves_the_other() {
        let voice = tone(440.0, 3.0, 0.2);
        let alone = mixed(&voice, &[]);
        assert!(alone.voice_over_backing_lu.is_none());
        assert!((alone.loudness.integrated_lufs.unwrap() + 14.0).abs() < 0.5);
        let only_backing = mixed(&[], &stereo(&voice));
        assert!((only_backing.loudness.integrated_lufs.unwrap() + 14.0).abs() < 0.5);
        let nothing = mixed(&[], &[]);
        assert!(nothing.frames() == 0 && nothing.loudness.integrated_lufs.is_none());
        let broken = mixed(&[f32::NAN; 100], &[f32::INFINITY; 300]);
        assert!(samples(&broken).iter().all(|x| x.is_finite()));
    }
}
