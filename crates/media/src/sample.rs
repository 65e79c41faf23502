//! A synthetic voice, so that tests and benchmarks need no recordings: a glottal pulse train on a slow melody with
//! vibrato, three formants that change with each note, breath noise, pauses. Deterministic.

use std::f32::consts::TAU;

/// Notes of the tune in semitones above its lowest; `None` is a breath.
const TUNE: [Option<f32>; 12] = [
    Some(4.0),
    Some(4.0),
    Some(5.0),
    Some(7.0),
    Some(7.0),
    Some(5.0),
    Some(4.0),
    Some(2.0),
    Some(0.0),
    Some(2.0),
    Some(4.0),
    None,
];
const NOTE_SECONDS: f32 = 0.5;
/// Peak of the noise in each channel, about −65 dBFS RMS.
const ROOM_NOISE: f32 = 0.001;
const LOWEST_HZ: f32 = 130.81;
/// First three formants in Hz of five vowels (Peterson & Barney 1952, men).
const VOWELS: [[f32; 3]; 5] = [
    [730.0, 1090.0, 2440.0],
    [530.0, 1840.0, 2480.0],
    [270.0, 2290.0, 3010.0],
    [570.0, 840.0, 2410.0],
    [300.0, 870.0, 2240.0],
];

/// A two-pole resonator.
#[derive(Default, Clone, Copy)]
struct Formant {
    y1: f32,
    y2: f32,
}

impl Formant {
    fn run(&mut self, input: f32, hz: f32, bandwidth_hz: f32, rate: f32) -> f32 {
        let radius = (-std::f32::consts::PI * bandwidth_hz / rate).exp();
        let a1 = 2.0 * radius * (TAU * hz / rate).cos();
        let output = (1.0 - radius) * input + a1 * self.y1 - radius * radius * self.y2;
        self.y2 = std::mem::replace(&mut self.y1, output);
        output
    }
}

/// Interleaved samples of a voice with a peak of about 0.7, bright like a close microphone: what lies above 8 kHz is
/// about 35 dB below the whole. It stands in the middle: all channels hear it alike, each with a noise of its own.
pub fn voice(seconds: f64, sample_rate_hz: u32, channels: u16) -> Vec<f32> {
    let rate = sample_rate_hz as f32;
    let frames = (seconds * f64::from(sample_rate_hz)).round() as usize;
    let (mut phase, mut noise, mut level) = (0.0f32, 0x2545_f491_u32, 0.0f32);
    let mut formants = [Formant::default(); 3];
    let mut mono = Vec::with_capacity(frames);
    for i in 0..frames {
        let time = i as f32 / rate;
        let note = (time / NOTE_SECONDS) as usize;
        let pitch = TUNE[note % TUNE.len()];
        let vibrato = 0.3 * (TAU * 5.5 * time).sin();
        let hz = LOWEST_HZ * 2f32.powf((pitch.unwrap_or(0.0) + vibrato) / 12.0);
        phase = (phase + hz / rate).fract();
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let breath = (noise >> 8) as f32 / (1 << 24) as f32 - 0.5;
        // The glottis: open for six tenths of a period, shut with a snap.
        let pulse = if phase < 0.6 { (phase / 0.6) * (phase / 0.6) * (1.0 - phase / 0.6) * 6.75 } else { 0.0 };
        level += (pitch.map_or(0.0, |_| 1.0) - level) * 0.0008;
        let excitation = level * (pulse - 0.28) + breath * (0.02 + 0.03 * level);
        let vowel = VOWELS[note % VOWELS.len()];
        let mut output = 0.0;
        for (formant, (hz, (bandwidth, gain))) in
            formants.iter_mut().zip(vowel.into_iter().zip([(80.0, 1.0), (100.0, 0.6), (140.0, 0.35)]))
        {
            output += gain * formant.run(excitation, hz, bandwidth, rate);
        }
        mono.push(output + 0.15 * excitation + 0.06 * (0.2 + level) * breath);
    }
    let peak = mono.iter().fold(1e-9f32, |peak, sample| peak.max(sample.abs()));
    mono.iter_mut().for_each(|sample| *sample *= 0.7 / peak);
    let mut samples = Vec::with_capacity(frames * usize::from(channels));
    for sample in mono {
        for _ in 0..channels {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            samples.push(sample + ROOM_NOISE * ((noise >> 8) as f32 / (1 << 23) as f32 - 1.0));
        }
    }
    samples
}
