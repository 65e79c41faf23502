//! The tracker on sounds made here, where the truth is exact: no recordings needed.

use std::f64::consts::TAU;

use music::cents_between;
use pitch::{PitchError, f0};

const RATE: u32 = 44_100;

/// A sound with its F0 as a function of time, 0 where silent.
struct Sound {
    samples: Vec<f32>,
    hz: Box<dyn Fn(f64) -> f64>,
}

/// Harmonics with given amplitudes, at most up to 15 kHz, on an F0 curve.
fn sound(seconds: f64, amplitudes: &[f64], hz: impl Fn(f64) -> f64 + 'static) -> Sound {
    let mut phase = 0.0;
    let samples = (0..(seconds * f64::from(RATE)) as usize)
        .map(|index| {
            let now = hz(index as f64 / f64::from(RATE));
            phase += now / f64::from(RATE);
            if now <= 0.0 {
                return 0.0;
            }
            let partials = amplitudes.iter().enumerate().map(|(k, amplitude)| (k as f64 + 1.0, amplitude));
            let heard = partials.filter(|(number, _)| number * now < 15_000.0);
            heard.map(|(number, amplitude)| amplitude * (TAU * phase * number).sin()).sum::<f64>() as f32 * 0.2
        })
        .collect();
    Sound { samples, hz: Box::new(hz) }
}

/// White noise in −1 to 1, the same for a seed.
fn noise(len: usize, seed: u64) -> impl Iterator<Item = f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..len).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0) as f32
    })
}

fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|x| f64::from(x * x)).sum::<f64>() / samples.len() as f64
}

/// Noise that falls by 6 dB per octave.
fn brown_noise(len: usize) -> Vec<f32> {
    let mut walk = 0.0;
    noise(len, 3)
        .map(|x| {
            walk = 0.998 * walk + 0.03 * x;
            walk
        })
        .collect()
}

/// The mains and its harmonics.
fn hum(len: usize, rate: u32, mains_hz: f64) -> Vec<f32> {
    let partial = |time: f64, k: f64| (TAU * k * mains_hz * time + k).sin() / k;
    (0..len).map(|i| (1..=5).map(|k| partial(i as f64 / f64::from(rate), f64::from(k))).sum::<f64>() as f32).collect()
}

/// A Butterworth section (R. Bristow-Johnson, "Audio EQ Cookbook") at [`RATE`].
fn second_order(samples: &[f32], cutoff_hz: f64, high_pass: bool) -> Vec<f32> {
    let (sin, cos) = (TAU * cutoff_hz / f64::from(RATE)).sin_cos();
    let alpha = sin / 2f64.sqrt();
    let b1 = if high_pass { -(1.0 + cos) } else { 1.0 - cos };
    let b0 = b1.abs() / 2.0;
    let (mut first, mut second) = (0.0, 0.0);
    samples
        .iter()
        .map(|&x| {
            let (x, a0) = (f64::from(x), 1.0 + alpha);
            let y = (b0 / a0) * x + first;
            first = (b1 / a0) * x + (2.0 * cos / a0) * y + second;
            second = (b0 / a0) * x - ((1.0 - alpha) / a0) * y;
            y as f32
        })
        .collect()
}

impl Sound {
    fn changed(mut self, change: impl Fn(usize, f32) -> f32) -> Self {
        for (index, sample) in self.samples.iter_mut().enumerate() {
            *sample = change(index, *sample);
        }
        self
    }

    /// Adds `other` at a power so many decibels below the sound's.
    fn with(mut self, decibels_below: f64, other: &[f32]) -> Self {
        let gain = (power(&self.samples) / power(other) / 10f64.powf(decibels_below / 10.0)).sqrt() as f32;
        self.samples.iter_mut().zip(other).for_each(|(sample, other)| *sample += gain * other);
        self
    }

    fn with_noise(self, decibels_below: f64) -> Self {
        let white: Vec<f32> = noise(self.samples.len(), 5).collect();
        self.with(decibels_below, &white)
    }

    /// What a telephone passes: 300 to 3400 Hz, 12 dB per octave and steeper outside.
    fn by_telephone(mut self) -> Self {
        for _ in 0..2 {
            self.samples = second_order(&self.samples, 300.0, true);
            self.samples = second_order(&self.samples, 3_400.0, false);
        }
        self
    }

    /// In a room that rings for `seconds` (60 dB): four combs and two all-passes (M. R. Schroeder, "Natural sounding
    /// artificial reverberation", JAES 10(3), 1962), at `wet` of the direct sound.
    fn in_a_room(mut self, seconds: f64, wet: f32) -> Self {
        let mut tail = vec![0.0f32; self.samples.len()];
        for delay in [1_309usize, 1_637, 1_811, 1_931] {
            let feedback = 10f64.powf(-3.0 * delay as f64 / f64::from(RATE) / seconds) as f32;
            let mut comb = vec![0.0f32; self.samples.len()];
            for i in delay..comb.len() {
                comb[i] = self.samples[i - delay] + feedback * comb[i - delay];
                tail[i] += 0.25 * comb[i];
            }
        }
        for delay in [221usize, 75] {
            let dry = tail.clone();
            for i in delay..tail.len() {
                tail[i] = -0.7 * dry[i] + dry[i - delay] + 0.7 * tail[i - delay];
            }
        }
        self.samples.iter_mut().zip(&tail).for_each(|(sample, tail)| *sample += wet * tail);
        self
    }

    /// Shares of frames in tune (50 cents) and voiced where it sounds, of frames voiced where it does not, and the
    /// median error. Frames within 30 ms of an edge belong to neither.
    fn judge(&self) -> (f64, f64, f64, f64) {
        let track = f0::track(&self.samples, RATE);
        let (mut right, mut voiced, mut sounding, mut wrong, mut silent) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let mut errors = Vec::new();
        let end = self.samples.len() as f64 / f64::from(RATE);
        for (index, frame) in track.frames.iter().enumerate() {
            let time = index as f64 * track.hop_seconds;
            let now = (self.hz)(time);
            let near = [-0.03, 0.03].map(|by| time + by);
            if near.iter().any(|&t| t < 0.0 || t > end || ((self.hz)(t) > 0.0) != (now > 0.0)) {
                continue;
            }
            if now > 0.0 {
                sounding += 1.0;
                voiced += f64::from(u8::from(frame.voiced));
                let error = cents_between(now, f64::from(frame.hz.max(1.0))).abs();
                right += f64::from(u8::from(error <= 50.0));
                errors.push(error);
            } else {
                silent += 1.0;
                wrong += f64::from(u8::from(frame.voiced));
            }
        }
        errors.sort_by(f64::total_cmp);
        let share = |part: f64, of: f64| if of > 0.0 { part / of } else { 0.0 };
        let median = errors.get(errors.len() / 2).copied().unwrap_or(0.0);
        (share(right, sounding), share(voiced, sounding), share(wrong, silent), median)
    }

    fn check(&self, name: &str, least_right: f64, most_median_cents: f64) {
        let (right, voiced, wrong, median) = self.judge();
        println!(
            "{name:26} in tune {:5.1} %  voiced {:5.1} %  false {:4.1} %  median {median:4.1} cents",
            100.0 * right,
            100.0 * voiced,
            100.0 * wrong
        );
        assert!(right >= least_right, "{name}: {right:.3} in tune");
        assert!(voiced >= 0.95, "{name}: {voiced:.3} voiced");
        assert!(wrong <= 0.02, "{name}: {wrong:.3} voiced in silence");
        assert!(median <= most_median_cents, "{name}: median {median:.1} cents");
    }
}

const PLAIN: [f64; 8] = [1.0, 0.6, 0.5, 0.35, 0.25, 0.2, 0.12, 0.08];

#[test]
fn steady_tones_over_the_whole_compass() {
    for hz in [65.4, 82.4, 110.0, 196.0, 261.6, 440.0, 700.0, 880.0, 1046.5, 1396.9] {
        sound(1.0, &PLAIN, move |_| hz).check(&format!("steady {hz} Hz"), 1.0, 1.0);
    }
}

#[test]
fn vibrato_and_glides_are_followed_without_lag() {
    sound(3.0, &PLAIN, |t| 220.0 * (0.05 * (TAU * 6.0 * t).sin()).exp2()).check("vibrato 60 cents", 1.0, 8.0);
    sound(3.0, &PLAIN, |t| 440.0 * (0.1 * (TAU * 5.5 * t).sin()).exp2()).check("vibrato 120 cents", 0.99, 16.0);
    sound(4.0, &PLAIN, |t| 110.0 * (t * 0.75).exp2()).check("glide up three octaves", 1.0, 2.0);
    sound(4.0, &PLAIN, |t| 880.0 * (-t * 0.75).exp2()).check("glide down three octaves", 1.0, 2.0);
}

#[test]
fn octave_traps() {
    let missing: Vec<f64> = [0.0, 1.0, 0.8, 0.7, 0.6, 0.4].to_vec();
    sound(2.0, &missing, |_| 150.0).check("missing fundamental", 1.0, 2.0);
    sound(2.0, &[0.15, 1.0, 0.1, 0.5, 0.1, 0.2], |_| 165.0).check("strong second harmonic", 1.0, 2.0);
    sound(2.0, &[0.2, 0.3, 1.0, 0.2, 0.1, 0.3], |_| 130.0).check("strong third harmonic", 1.0, 2.0);
    sound(2.0, &[1.0], |_| 330.0).check("pure tone", 1.0, 2.0);
    sound(2.0, &[0.2, 1.0, 0.2], |t| if t < 1.0 { 220.0 } else { 330.0 }).check("hollow, a fifth up", 0.98, 3.0);
}

#[test]
fn dirt() {
    let tune = |t: f64| if t.fract() < 0.5 { 196.0 * (0.03 * (TAU * 5.0 * t).sin()).exp2() } else { 0.0 };
    sound(4.0, &PLAIN, tune).check("with pauses", 1.0, 5.0);
    sound(4.0, &PLAIN, tune).with_noise(10.0).check("noise 10 dB below", 0.99, 6.0);
    sound(4.0, &PLAIN, tune).with_noise(3.0).check("noise 3 dB below", 0.97, 10.0);
    sound(4.0, &PLAIN, tune).changed(|_, x| (x * 8.0).clamp(-0.5, 0.5)).check("clipped", 1.0, 5.0);
    sound(4.0, &PLAIN, tune).changed(|_, x| x * 0.002).check("54 dB quieter", 1.0, 5.0);
    sound(4.0, &PLAIN, tune).changed(|_, x| x + 0.3).check("DC", 1.0, 5.0);
    let pure_hum = |i: usize, x: f32| x + 0.02 * (TAU * 50.0 * i as f64 / f64::from(RATE)).sin() as f32;
    sound(4.0, &PLAIN, tune).changed(pure_hum).check("mains hum", 1.0, 5.0);
    let mains = hum(4 * RATE as usize, RATE, 60.0);
    sound(4.0, &PLAIN, tune).with(20.0, &mains).check("60 Hz and harmonics", 1.0, 5.0);
    sound(4.0, &PLAIN, tune).with(10.0, &brown_noise(4 * RATE as usize)).check("brown noise 10 dB below", 1.0, 5.0);
    let broken = |i: usize, x: f32| if i % 30_011 == 17 { f32::NAN } else { x };
    sound(4.0, &PLAIN, tune).changed(broken).check("not-a-number samples", 0.99, 5.0);
}

#[test]
fn lines_and_rooms() {
    let bass = |t: f64| if t.fract() < 0.6 { 98.0 * (0.04 * (TAU * 5.0 * t).sin()).exp2() } else { 0.0 };
    sound(4.0, &PLAIN, bass).by_telephone().check("bass by telephone", 1.0, 8.0);
    sound(4.0, &PLAIN, bass).by_telephone().with_noise(15.0).check("… with noise", 0.99, 10.0);
    // A tail rings on with the pitch of what was sung, so only the pitch is judged.
    for (name, tune) in [("C2", 65.41), ("A3", 220.0), ("F5", 698.5)] {
        let notes = move |t: f64| if t.fract() < 0.7 { tune * (t.floor() * 2.0 / 12.0).exp2() } else { 0.0 };
        let (right, _, _, median) = sound(4.0, &PLAIN, notes).in_a_room(0.6, 0.5).judge();
        println!("room, from {name}: in tune {:.1} %, median {median:.1} cents", 100.0 * right);
        assert!(right >= 0.95 && median <= 10.0, "room, from {name}: {right:.3} in tune, median {median:.1}");
    }
}

#[test]
fn the_ends_of_the_compass_with_vibrato() {
    let vibrato = |hz: f64| move |t: f64| hz * (0.05 * (TAU * 5.5 * t).sin()).exp2();
    sound(3.0, &PLAIN, vibrato(65.41)).check("C2", 1.0, 10.0);
    let rich: Vec<f64> = (1..=40).map(|k| 1.0 / f64::from(k)).collect();
    sound(3.0, &rich, vibrato(65.41)).with_noise(10.0).check("C2, noise 10 dB below", 0.99, 12.0);
    sound(3.0, &PLAIN, vibrato(1_300.0)).check("below F6", 1.0, 10.0);
    sound(3.0, &[1.0, 0.3], vibrato(1_300.0)).with_noise(5.0).check("below F6, noise 5 dB below", 0.99, 15.0);
}

#[test]
fn nothing_is_heard_where_nothing_sings() {
    let voiced_share = |samples: &[f32]| {
        let frames = f0::track(samples, 16_000).frames;
        frames.iter().filter(|frame| frame.voiced).count() as f64 / frames.len() as f64
    };
    let len = 16_000 * 20;
    assert_eq!(voiced_share(&vec![0.0; len]), 0.0, "silence");
    assert_eq!(voiced_share(&vec![0.25; len]), 0.0, "DC");
    let white: Vec<f32> = noise(len, 3).map(|x| x * 0.3).collect();
    let brown = brown_noise(len);
    let mains: Vec<f32> = hum(len, 16_000, 50.0).iter().zip(&white).map(|(hum, x)| 0.1 * hum + 0.01 * x).collect();
    let mut low = 0.0;
    let rumble: Vec<f32> = white
        .iter()
        .map(|x| {
            low += 0.1 * (x - low);
            low
        })
        .collect();
    let clicks: Vec<f32> = (0..len).map(|i| if i % 12_347 == 0 { 0.9 } else { 0.0 }).collect();
    for (name, samples) in [("white", white), ("brown", brown), ("rumble", rumble), ("clicks", clicks), ("hum", mains)]
    {
        let share = voiced_share(&samples);
        println!("{name:8} voiced {:.2} %", 100.0 * share);
        assert!(share <= 0.01, "{name}: {share:.3} voiced");
        let melody = pitch::extract_melody(&samples, 16_000, &mut |_| {});
        assert!(matches!(melody, Err(PitchError::NoMelody { .. })), "a melody in {name}");
    }
}

#[test]
fn every_rate_gives_the_same_pitch_and_length() {
    for rate in [8_000u32, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000] {
        let samples: Vec<f32> =
            (0..rate).map(|i| 0.3 * (TAU * 300.0 * f64::from(i) / f64::from(rate)).sin() as f32).collect();
        let track = f0::track(&samples, rate);
        assert_eq!(track.frames.len(), 101, "{rate} Hz");
        for frame in &track.frames[5..96] {
            assert!(frame.voiced && cents_between(300.0, f64::from(frame.hz)).abs() < 3.0, "{rate} Hz: {frame:?}");
        }
    }
}

#[test]
fn odd_input_is_an_answer_not_a_panic() {
    for rate in [0, 1, 7_999, 192_001, u32::MAX] {
        assert_eq!(pitch::extract_melody(&[0.1; 100], rate, &mut |_| {}), Err(PitchError::SampleRate(rate)));
        assert!(f0::track(&[0.1; 100], rate).frames.is_empty());
    }
    for samples in [
        vec![],
        vec![0.5],
        vec![f32::NAN; 5_000],
        vec![f32::INFINITY; 5_000],
        vec![f32::MAX; 5_000],
        vec![1e-30; 5_000],
    ] {
        let answer = pitch::extract_melody(&samples, 16_000, &mut |_| {});
        assert!(matches!(answer, Err(PitchError::NoMelody { .. })), "{answer:?}");
    }
}
