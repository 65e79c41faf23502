//! Voices made for tests: hums, sung vowels and whistles with all that makes them hard to write down, in rooms or not.
//! Everything about them is known, and the same on every call.

use std::f64::consts::{PI, TAU};

use music::{Note, midi_to_hz};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use realfft::{RealFftPlanner, num_complex::Complex64};

/// Rate of every made sound.
pub const RATE_HZ: u32 = 24_000;
const RATE: f64 = RATE_HZ as f64;
/// Samples between the points at which pitch and loudness are computed; straight lines between them.
const CONTROL_SAMPLES: usize = 24;
const MOST_HARMONICS: usize = 48;
const HIGHEST_HARMONIC_HZ: f64 = 9_000.0;
const LEAD_IN_SECONDS: f64 = 0.4;

/// Onset in seconds and pitch as a MIDI number.
pub type Truth = Vec<(f64, f64)>;

/// Where the sound is made.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Mouth {
    /// Open: "ah".
    Vowel,
    /// Closed: "mm".
    Hum,
    /// Pursed lips: all but a pure tone, with the breath around it.
    Whistle,
}

/// How a note begins after another one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Onset {
    /// With the pitch alone.
    Legato,
    /// After so much silence, taken from the note before.
    Rest { seconds: f64 },
    /// The same sound, so much weaker for so long.
    Dip { depth_db: f64, seconds: f64 },
    /// As "n" or "m": the mouth closes for so long, the level falls by so much.
    Nasal { depth_db: f64, seconds: f64 },
}

/// A periodic change of pitch (in cents, from the middle to the top) or of level (in dB, from bottom to top).
#[derive(Clone, Copy, Debug)]
pub struct Swing {
    pub depth: f64,
    pub hz: f64,
    /// It begins so long after the note, and grows for a quarter of a second.
    pub after_seconds: f64,
}

impl Swing {
    pub const NONE: Self = Self { depth: 0.0, hz: 5.5, after_seconds: 0.0 };

    pub fn new(depth: f64, hz: f64) -> Self {
        Self { depth, hz, after_seconds: 0.0 }
    }

    /// −1 to 1 times its depth.
    fn at(&self, into_note: f64) -> f64 {
        let grown = if self.after_seconds > 0.0 { rise((into_note - self.after_seconds) / 0.25) } else { 1.0 };
        self.depth * grown * (TAU * self.hz * into_note).sin()
    }
}

/// A room of noise that decays exponentially.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Time in which it falls by 60 dB.
    pub rt60_seconds: f64,
    /// Energy of the direct sound over that of the room's answer.
    pub direct_db: f64,
    pub seed: u64,
}

/// How a tune is performed.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub mouth: Mouth,
    pub onset: Onset,
    pub glide_seconds: f64,
    pub vibrato: Swing,
    pub tremolo: Swing,
    /// White noise against the loudest notes, in dB; the sound of breath.
    pub noise_db: f64,
    pub room: Option<Room>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            mouth: Mouth::Vowel,
            onset: Onset::Rest { seconds: 0.06 },
            glide_seconds: 0.05,
            vibrato: Swing::NONE,
            tremolo: Swing::NONE,
            noise_db: -60.0,
            room: None,
        }
    }
}

/// A tune performed: samples at [`RATE_HZ`] and the notes that were meant. Notes are MIDI numbers and seconds.
pub fn perform(tune: &[(f64, f64)], manner: &Manner) -> (Vec<f32>, Truth) {
    let mut now = LEAD_IN_SECONDS;
    let truth: Truth = tune
        .iter()
        .map(|&(midi, seconds)| {
            now += seconds;
            (now - seconds, midi)
        })
        .collect();
    let score = Score { truth, end: now, manner };
    let tail = manner.room.map_or(0.0, |room| room.rt60_seconds);
    let mut samples = vec![0.0; ((now + 0.5 + tail) * RATE) as usize];
    score.render(&mut samples);
    if let Some(room) = manner.room {
        samples = room.answer(&samples);
    }
    let peak = samples.iter().fold(1e-9f64, |top, sample| top.max(sample.abs()));
    let noise = 10f64.powf(manner.noise_db / 20.0);
    let mut rng = ChaCha8Rng::seed_from_u64(99);
    let samples =
        samples.iter().map(|sample| ((sample / peak + noise * rng.random_range(-1.0..1.0)) * 0.5) as f32).collect();
    (samples, score.truth)
}

struct Score<'a> {
    truth: Truth,
    end: f64,
    manner: &'a Manner,
}

/// What sounds at a control point.
struct Control {
    hz: f64,
    amplitudes: [f64; MOST_HARMONICS],
}

impl Score<'_> {
    fn note_end(&self, index: usize) -> f64 {
        self.truth.get(index + 1).map_or(self.end, |next| next.0)
    }

    fn index_at(&self, time: f64) -> usize {
        self.truth.partition_point(|note| note.0 <= time).saturating_sub(1)
    }

    fn hz(&self, time: f64) -> f64 {
        let index = self.index_at(time);
        let (start, mut midi) = self.truth[index];
        // Glides lie across the boundary.
        let glide = self.manner.glide_seconds.max(1e-6);
        if index > 0 {
            midi += (self.truth[index - 1].1 - self.truth[index].1) * (1.0 - rise((time - start) / glide + 0.5));
        }
        if let Some(next) = self.truth.get(index + 1) {
            midi += (next.1 - self.truth[index].1) * rise((time - next.0) / glide + 0.5);
        }
        midi_to_hz(midi + self.manner.vibrato.at(time - start) / 100.0)
    }

    /// Level as an amplitude, and how far the mouth is closed, 0 to 1, with the depth in dB of what a closed one lets out.
    fn mouth(&self, time: f64) -> (f64, f64, f64) {
        if time < self.truth[0].0 || time >= self.end {
            return (0.0, 0.0, 0.0);
        }
        let index = self.index_at(time);
        let (start, end) = (self.truth[index].0, self.note_end(index));
        let edge = |seconds: f64| rise((time - start) / seconds) * rise((end - time) / seconds);
        // 0 outside a stretch that begins with the note, 1 inside of it.
        let within = |seconds: f64| rise((time - start) / 0.012) * (1.0 - rise((time - start - seconds) / 0.012 + 1.0));
        let ends = if index == 0 { rise((time - start) / 0.03) } else { 1.0 }
            * if index + 1 == self.truth.len() { rise((end - time) / 0.06) } else { 1.0 };
        let swing = 10f64.powf(self.manner.tremolo.at(time - start) / 40.0);
        match self.manner.onset {
            Onset::Legato => (ends * swing, 0.0, 0.0),
            Onset::Rest { seconds } => {
                let sounding = if time > end - seconds && index + 1 < self.truth.len() { 0.0 } else { 1.0 };
                let fade =
                    rise((time - start) / 0.02) * rise((end - seconds - time) / 0.02 + f64::from(seconds == 0.0));
                let fade = if index + 1 == self.truth.len() { edge(0.03) } else { fade };
                (sounding * fade * swing, 0.0, 0.0)
            }
            Onset::Dip { depth_db, seconds } if index > 0 => {
                (ends * swing * 10f64.powf(-depth_db * within(seconds) / 20.0), 0.0, 0.0)
            }
            Onset::Nasal { depth_db, seconds } => (ends * swing, within(seconds), depth_db),
            Onset::Dip { .. } => (ends * swing, 0.0, 0.0),
        }
    }

    fn control(&self, time: f64) -> Control {
        let hz = self.hz(time.max(self.truth[0].0).min(self.end - 1e-6));
        let (level, closed, depth_db) = self.mouth(time);
        let open = match self.manner.mouth {
            Mouth::Vowel => spectrum(hz, vowel_gain),
            Mouth::Hum => spectrum(hz, hum_gain),
            Mouth::Whistle => spectrum_of_whistle(),
        };
        let shut = spectrum(hz, hum_gain);
        let through = 10f64.powf(-depth_db / 20.0);
        let mut amplitudes = [0.0; MOST_HARMONICS];
        for ((out, open), shut) in amplitudes.iter_mut().zip(open).zip(shut) {
            *out = level * ((1.0 - closed) * open + closed * through * shut);
        }
        Control { hz, amplitudes }
    }

    fn render(&self, samples: &mut [f64]) {
        let mut phase = 0.0f64;
        let mut from = self.control(0.0);
        for (block, chunk) in samples.chunks_mut(CONTROL_SAMPLES).enumerate() {
            let to = self.control(((block + 1) * CONTROL_SAMPLES) as f64 / RATE);
            for (index, sample) in chunk.iter_mut().enumerate() {
                let mix = index as f64 / CONTROL_SAMPLES as f64;
                phase = (phase + (from.hz + (to.hz - from.hz) * mix) / RATE).fract();
                // sin(kφ) by the recurrence sin((k+1)φ) = 2 cos φ sin(kφ) − sin((k−1)φ).
                let (sin, cos) = (TAU * phase).sin_cos();
                let (mut before, mut here) = (0.0, sin);
                for (a, b) in from.amplitudes.iter().zip(&to.amplitudes) {
                    *sample += (a + (b - a) * mix) * here;
                    (before, here) = (here, 2.0 * cos * here - before);
                }
            }
            from = to;
        }
    }
}

/// Amplitudes of unit power: a glottal source behind a mouth.
fn spectrum(hz: f64, gain: fn(f64) -> f64) -> [f64; MOST_HARMONICS] {
    let mut amplitudes = [0.0; MOST_HARMONICS];
    for (index, amplitude) in amplitudes.iter_mut().enumerate() {
        let number = (index + 1) as f64;
        if number * hz < HIGHEST_HARMONIC_HZ {
            *amplitude = number.powf(-1.2) * gain(number * hz);
        }
    }
    let power = amplitudes.iter().map(|a| a * a).sum::<f64>().max(1e-12);
    amplitudes.map(|a| a / power.sqrt())
}

fn spectrum_of_whistle() -> [f64; MOST_HARMONICS] {
    let mut amplitudes = [0.0; MOST_HARMONICS];
    amplitudes[..2].copy_from_slice(&[1.0, 0.02]);
    amplitudes
}

fn resonance(hz: f64, centre: f64, width: f64) -> f64 {
    1.0 / (1.0 + ((hz - centre) / width).powi(2)).sqrt()
}

fn vowel_gain(hz: f64) -> f64 {
    0.05 + resonance(hz, 700.0, 90.0) + 0.5 * resonance(hz, 1_200.0, 110.0) + 0.2 * resonance(hz, 2_600.0, 170.0)
}

fn hum_gain(hz: f64) -> f64 {
    0.01 + resonance(hz, 270.0, 110.0) + 0.1 * resonance(hz, 1_050.0, 140.0) + 0.05 * resonance(hz, 2_250.0, 220.0)
}

/// Smooth step from 0 at 0 to 1 at 1.
fn rise(x: f64) -> f64 {
    0.5 - 0.5 * (PI * x.clamp(0.0, 1.0)).cos()
}

impl Room {
    /// What is heard in the room, as long as what was played.
    pub fn answer(&self, samples: &[f64]) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let count = (self.rt60_seconds * RATE) as usize;
        let mut response: Vec<f64> = (0..count)
            .map(|i| rng.random_range(-1.0..1.0) * 10f64.powf(-3.0 * i as f64 / RATE / self.rt60_seconds))
            .collect();
        response[..48].fill(0.0);
        let energy: f64 = response.iter().map(|x| x * x).sum();
        let gain = (10f64.powf(-self.direct_db / 10.0) / energy).sqrt();
        response.iter_mut().for_each(|x| *x *= gain);
        response[0] = 1.0;

        let len = (samples.len() + count).next_power_of_two();
        let mut planner = RealFftPlanner::<f64>::new();
        let (forward, inverse) = (planner.plan_fft_forward(len), planner.plan_fft_inverse(len));
        let transformed = |of: &[f64]| {
            let mut padded = of.to_vec();
            padded.resize(len, 0.0);
            let mut spectrum = forward.make_output_vec();
            forward.process(&mut padded, &mut spectrum).expect("lengths are the planner's");
            spectrum
        };
        let (a, b) = (transformed(samples), transformed(&response));
        let mut product: Vec<Complex64> = a.iter().zip(&b).map(|(a, b)| a * b / len as f64).collect();
        let mut heard = vec![0.0; len];
        inverse.process(&mut product, &mut heard).expect("lengths are the planner's");
        heard.truncate(samples.len());
        heard
    }
}

/// How many of the notes were found: begun within 100 ms, with their exact semitone.
pub fn found(truth: &[(f64, f64)], notes: &[Note]) -> usize {
    let fits = |t: &(f64, f64), n: &Note| {
        (t.0 - n.onset_seconds).abs() <= 0.1 && (t.1.round() - f64::from(n.pitch.number())).abs() < 0.5
    };
    let mut taken = vec![false; notes.len()];
    truth
        .iter()
        .filter(|t| {
            let hit = (0..notes.len()).find(|&index| !taken[index] && fits(t, &notes[index]));
            if let Some(hit) = hit {
                taken[hit] = true;
            }
            hit.is_some()
        })
        .count()
}

/// The notes of a made sound; none where there is no melody.
pub fn notes(samples: &[f32]) -> Vec<Note> {
    pitch::extract_melody(samples, RATE_HZ, &mut |_| {}).map(|melody| melody.notes).unwrap_or_default()
}
