//! Sound that the stand-ins make: speech, or bursts of tones in its rhythm where this machine has no voice, and small tunes.

mod g711;
mod mp3;
mod voice;
mod wav;

pub use g711::{alaw, ulaw};
pub use mp3::mp3;
pub use voice::say;
pub use wav::wav;

use std::f64::consts::TAU;

/// One tone of a tune or one syllable of speech.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tone {
    pub seconds: f64,
    /// 0 is a rest.
    pub hz: f64,
}

/// Longest time that is synthesised of what follows no tune; what is longer repeats it.
const LONGEST_PHRASE_SECONDS: f64 = 16.0;
const LEVEL: f64 = 0.25;
/// Amplitudes of the partials of a tone.
const PARTIALS: [f64; 3] = [1.0, 0.5, 0.25];
/// How long a tone takes to rise and to fall.
const EDGE_SECONDS: f64 = 0.015;

/// Tones in the rhythm of a text being spoken: one for each syllable, a rest behind each word and a longer one behind each line.
pub fn spoken(text: &str, speed: f64) -> Vec<Tone> {
    let mut tones = vec![Tone { seconds: 0.1 / speed, hz: 0.0 }];
    for line in text.lines() {
        for (index, word) in line.split_whitespace().enumerate() {
            for syllable in 0..syllables(word) {
                let hz = 120.0 + 15.0 * ((index * 2 + syllable) % 5) as f64;
                tones.push(Tone { seconds: 0.19 / speed, hz });
            }
            tones.push(Tone { seconds: 0.04 / speed, hz: 0.0 });
        }
        tones.push(Tone { seconds: 0.25 / speed, hz: 0.0 });
    }
    tones
}

/// As many of the tones as fit into so many seconds.
pub fn within(mut tones: Vec<Tone>, most_seconds: f64) -> Vec<Tone> {
    let mut left = most_seconds;
    tones.retain(|tone| {
        left -= tone.seconds;
        left >= 0.0
    });
    tones
}

/// Groups of vowels, at least one.
pub fn syllables(word: &str) -> usize {
    let mut groups = 0;
    let mut inside = false;
    for letter in word.chars() {
        let vowel = "aeiouyáéíóúäöüAEIOUY".contains(letter);
        groups += usize::from(vowel && !inside);
        inside = vowel;
    }
    groups.max(1)
}

/// A tune on a pentatonic scale in quarters of half a second, exactly as long as told.
pub fn tune(seconds: f64, seed: u64) -> Vec<Tone> {
    const SEMITONES: [f64; 6] = [0.0, 2.0, 4.0, 7.0, 9.0, 12.0];
    const QUARTER_SECONDS: f64 = 0.5;
    let mut tones = Vec::new();
    let (mut left, mut state) = (seconds, seed | 1);
    while left > 0.0 {
        // A linear congruential step (Knuth's MMIX constants): enough for a tune.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = SEMITONES[(state >> 33) as usize % SEMITONES.len()];
        let length = left.min(QUARTER_SECONDS);
        tones.push(Tone { seconds: length, hz: 261.63 * (step / 12.0).exp2() });
        left -= length;
    }
    tones
}

/// How long tones last together, in seconds.
pub fn seconds(tones: &[Tone]) -> f64 {
    tones.iter().map(|tone| tone.seconds).sum()
}

/// The same tones, silent.
pub fn silenced(tones: &[Tone]) -> Vec<Tone> {
    tones.iter().map(|tone| Tone { hz: 0.0, ..*tone }).collect()
}

/// The same tones, so many semitones higher.
pub fn raised(tones: &[Tone], semitones: f64) -> Vec<Tone> {
    tones.iter().map(|tone| Tone { hz: tone.hz * (semitones / 12.0).exp2(), ..*tone }).collect()
}

/// Samples of tones at a rate, each once for every channel. What is longer than a phrase repeats it.
pub fn samples(tones: &[Tone], rate_hz: u32, channels: u16) -> Vec<i16> {
    synthesised(tones, rate_hz, channels, LONGEST_PHRASE_SECONDS)
}

/// The same from the first tone to the last.
pub fn whole(tones: &[Tone], rate_hz: u32, channels: u16) -> Vec<i16> {
    synthesised(tones, rate_hz, channels, f64::INFINITY)
}

fn synthesised(tones: &[Tone], rate_hz: u32, channels: u16, longest_seconds: f64) -> Vec<i16> {
    let rate = f64::from(rate_hz);
    let total = (seconds(tones) * rate).round() as usize;
    let phrase = ((longest_seconds * rate) as usize).min(total);
    let mut mono: Vec<i16> = Vec::with_capacity(phrase);
    let mut end = 0.0;
    for tone in tones {
        end += tone.seconds;
        let until = ((end * rate).round() as usize).min(phrase);
        let count = until.saturating_sub(mono.len());
        let edge = (EDGE_SECONDS * rate).min(count as f64 / 2.0).max(1.0);
        for index in 0..count {
            let phase = TAU * tone.hz * index as f64 / rate;
            let wave: f64 =
                (1..).zip(PARTIALS).map(|(partial, level)| level * (phase * f64::from(partial)).sin()).sum();
            let envelope = (index as f64 / edge).min((count - index) as f64 / edge).min(1.0);
            mono.push((wave * envelope * LEVEL * f64::from(i16::MAX)) as i16);
        }
    }
    mono.resize(phrase, 0);
    let repeated = mono.iter().cycle().take(if mono.is_empty() { 0 } else { total });
    repeated.flat_map(|sample| std::iter::repeat_n(*sample, usize::from(channels))).collect()
}

/// Samples as raw 16-bit little-endian PCM.
pub fn pcm(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tune_is_as_long_as_told_and_heard() {
        for asked in [0.3, 3.0, 40.0] {
            let samples = samples(&tune(asked, 7), 8_000, 2);
            assert_eq!(samples.len(), (asked * 8_000.0).round() as usize * 2);
            assert!(samples.iter().any(|sample| sample.unsigned_abs() > 4_000));
        }
    }

    #[test]
    fn speech_has_a_burst_for_each_syllable() {
        let bursts = spoken("a paper boat\nsails", 1.0).iter().filter(|tone| tone.hz > 0.0).count();
        assert_eq!(bursts, 5);
        assert!(seconds(&spoken("a paper boat", 2.0)) < seconds(&spoken("a paper boat", 1.0)));
        assert!(samples(&silenced(&spoken("boat", 1.0)), 8_000, 1).iter().all(|sample| *sample == 0));
    }
}
