//! Sounds by arithmetic, deterministic: struck and plucked strings, a bowed choir of them, and drums.

use std::f32::consts::TAU;

use super::sf2::SAMPLE_RATE_HZ;

const RATE: f32 = SAMPLE_RATE_HZ as f32;

/// White noise, −1..1, the same every time (a xorshift generator: G. Marsaglia, Journal of Statistical Software 8(14),
/// 2003).
pub(super) struct Noise(u32);

impl Noise {
    pub fn new(seed: u32) -> Self {
        Self(seed.wrapping_mul(2_654_435_761) | 1)
    }

    pub fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as f32 / u32::MAX as f32 * 2.0 - 1.0
    }
}

pub(super) fn hz(key: u8) -> f32 {
    440.0 * ((f32::from(key) - 69.0) / 12.0).exp2()
}

fn frames(seconds: f32) -> usize {
    (seconds * RATE) as usize
}

/// To a peak, with short fades at both ends against clicks.
pub(super) fn finished(mut wave: Vec<f32>, peak: f32) -> Vec<f32> {
    let highest = wave.iter().fold(1e-9f32, |top, x| top.max(x.abs()));
    let count = wave.len();
    let fade = frames(0.02).min(count / 4).max(1);
    for (at, x) in wave.iter_mut().enumerate() {
        *x *= peak / highest * ((count - at) as f32 / fade as f32).min(1.0);
    }
    wave
}

/// A decaying partial.
fn add_partial(wave: &mut [f32], hz: f32, level: f32, decay_seconds: f32, phase: f32) {
    if hz > 0.45 * RATE {
        return;
    }
    // A rotating, shrinking pointer: one multiplication for each sample.
    let (step_sin, step_cos) = (TAU * hz / RATE).sin_cos();
    let shrink = (-1.0 / (decay_seconds * RATE)).exp();
    let (mut sin, mut cos) = phase.sin_cos();
    let mut level = level;
    for x in wave.iter_mut() {
        *x += level * sin;
        (sin, cos) = (sin * step_cos + cos * step_sin, cos * step_cos - sin * step_sin);
        level *= shrink;
    }
}

/// A soft piano: stretched partials that die the faster the higher they are, in two strings a little apart, and the
/// thump of the hammer (N. Fletcher and T. Rossing, "The Physics of Musical Instruments", 1998, ch. 12).
pub(super) fn piano(key: u8, seconds: f32) -> Vec<f32> {
    let root = hz(key);
    let mut wave = vec![0.0; frames(seconds)];
    let stiffness = 0.000_35 * (root / 262.0).powf(0.8);
    let ring = 2.6 * (262.0 / root).powf(0.55);
    for number in 1..=18u8 {
        let n = f32::from(number);
        let partial = root * n * (1.0 + stiffness * n * n).sqrt();
        // The hammer strikes at an eighth of the string and is soft.
        let struck = (n * std::f32::consts::PI / 8.0).sin().abs().max(0.08);
        let level = struck * (-partial / 1_900.0).exp() / n.powf(0.5);
        let decay = ring / (1.0 + 0.28 * (n - 1.0));
        for (detune, share) in [(0.9997, 0.5), (1.0004, 0.5)] {
            add_partial(&mut wave, partial * detune, level * share, decay * (0.6 + share), n * 0.7);
        }
    }
    let mut noise = Noise::new(u32::from(key));
    let mut low = 0.0;
    for (at, x) in wave.iter_mut().take(frames(0.06)).enumerate() {
        low += 0.06 * (noise.next() - low);
        *x += 0.5 * low * (-(at as f32) / (0.012 * RATE)).exp();
        *x *= (at as f32 / (0.002 * RATE)).min(1.0);
    }
    finished(wave, 0.8)
}

/// An electric piano: a tine whose bell-like overtone dies at once (two-operator frequency modulation: J. Chowning,
/// Journal of the Audio Engineering Society 21(7), 1973).
pub(super) fn electric_piano(key: u8, seconds: f32) -> Vec<f32> {
    let root = hz(key);
    let wave = (0..frames(seconds))
        .map(|at| {
            let time = at as f32 / RATE;
            let body = (-time / (2.2 * (262.0 / root).powf(0.4))).exp();
            let bark = 1.1 * (-time / 0.9).exp() * (TAU * root * time).sin();
            let bell = 0.18 * (-time / 0.12).exp() * (TAU * root * 7.0 * time).sin();
            body * (TAU * root * time + bark + bell).sin() * (time / 0.003).min(1.0)
        })
        .collect();
    finished(wave, 0.75)
}

/// A plucked string (K. Karplus and A. Strong, "Digital synthesis of plucked-string and drum timbres", Computer Music
/// Journal 7(2), 1983), tuned by an all-pass filter (D. Jaffe and J. Smith, same issue). `softness` 0..1 takes the edge
/// off the pluck, `ring` 0..1 lets it sound longer.
pub(super) fn plucked(key: u8, seconds: f32, softness: f32, ring: f32) -> Vec<f32> {
    let period = RATE / hz(key);
    // The averaging filter delays by half a sample.
    let length = (period - 0.5).floor().max(2.0);
    let rest = period - 0.5 - length;
    let allpass = (1.0 - rest) / (1.0 + rest);
    let mut noise = Noise::new(u32::from(key) + 77);
    let mut string: Vec<f32> = (0..length as usize).map(|_| noise.next()).collect();
    // Twice round a one-pole filter, so that the end meets the beginning.
    let mut low = 0.0;
    for _ in 0..2 {
        for x in &mut string {
            low += (1.0 - 0.92 * softness) * (*x - low);
            *x = low;
        }
    }
    // Plucked at a fifth of the string: what is symmetric about it cancels.
    let picked: Vec<f32> =
        (0..string.len()).map(|at| string[at] - 0.9 * string[(at + string.len() / 5) % string.len()]).collect();
    string = picked;
    // Level after a period, for a decay time that is longer for low strings.
    let decay_seconds = (0.5 + 2.0 * ring) * (196.0 / hz(key)).powf(0.35);
    let keep = (-period / RATE / decay_seconds).exp();
    let (mut before, mut into, mut out) = (0.0, 0.0, 0.0);
    let count = string.len();
    let wave = (0..frames(seconds))
        .map(|at| {
            let place = at % count;
            let x = string[place];
            let averaged = keep * (0.5 * x + 0.5 * before);
            before = x;
            out = allpass * averaged + into - allpass * out;
            into = averaged;
            string[place] = out;
            x
        })
        .collect();
    finished(wave, 0.8)
}

/// A sustained sound that repeats without a seam: three voices whose periods all fit the loop, `bright` 0..1; and by how
/// many cents that puts it off its key.
pub(super) fn sustained(key: u8, bright: f32) -> (Vec<f32>, f32) {
    const LOOP: usize = 65_536;
    let cycles = (hz(key) * LOOP as f32 / RATE).round();
    let mut wave = vec![0.0f32; LOOP];
    for (voice, detune) in [-1.0f32, 0.0, 1.0].into_iter().enumerate() {
        for number in 1..=24u8 {
            let n = f32::from(number);
            let turns = (cycles + detune) * n;
            let partial = turns * RATE / LOOP as f32;
            if partial > 9_000.0 {
                break;
            }
            let level = n.powf(-1.15) * (-partial / (700.0 + 3_000.0 * bright)).exp();
            let phase = n * n * 0.37 + voice as f32 * 2.1;
            let (step_sin, step_cos) = (f64::from(turns) * std::f64::consts::TAU / LOOP as f64).sin_cos();
            let (mut sin, mut cos) = f64::from(phase).sin_cos();
            for x in &mut wave {
                *x += level * sin as f32;
                (sin, cos) = (sin * step_cos + cos * step_sin, cos * step_cos - sin * step_sin);
            }
        }
    }
    let highest = wave.iter().fold(1e-9f32, |top, x| top.max(x.abs()));
    wave.iter_mut().for_each(|x| *x *= 0.6 / highest);
    (wave, 1_200.0 * (cycles * RATE / LOOP as f32 / hz(key)).log2())
}

/// A falling sine and a click.
pub(super) fn kick() -> Vec<f32> {
    let mut phase = 0.0;
    let wave = (0..frames(0.35))
        .map(|at| {
            let time = at as f32 / RATE;
            phase += TAU * (48.0 + 110.0 * (-time / 0.03).exp()) / RATE;
            phase.sin() * (-time / 0.11).exp() + 0.25 * (-time / 0.002).exp()
        })
        .collect();
    finished(wave, 0.95)
}

/// Noise in a band, dying away: `low_hz` and `high_hz` are the edges of two one-pole filters.
pub(super) fn hiss(seconds: f32, decay_seconds: f32, low_hz: f32, high_hz: f32, tone: Option<f32>) -> Vec<f32> {
    let mut noise = Noise::new(high_hz as u32);
    let share = |hz: f32| 1.0 - (-TAU * hz / RATE).exp();
    let (mut fast, mut slow) = (0.0, 0.0);
    let wave = (0..frames(seconds))
        .map(|at| {
            let time = at as f32 / RATE;
            fast += share(high_hz) * (noise.next() - fast);
            slow += share(low_hz) * (fast - slow);
            let body = tone.map_or(0.0, |hz| 0.7 * (TAU * hz * time).sin() * (-time / 0.05).exp());
            (fast - slow) * (-time / decay_seconds).exp() + body
        })
        .collect();
    finished(wave, 0.8)
}
