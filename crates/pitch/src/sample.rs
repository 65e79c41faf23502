//! A hummed tune made here, with exactly known F0 and notes, for tests, benchmarks and trying things out.
//!
//! The tune is the "Ode to Joy" theme (L. van Beethoven, Symphony No. 9, 1824, public domain). The hum is additive: the
//! harmonics of a glottal source under the resonances of a closed mouth, with the things that make a hum human and hard
//! to read: glides, vibrato, drift, soft re-articulation, breaths and a room. It is the same on every call.

use std::f64::consts::{PI, TAU};

use music::{MidiPitch, Note, PitchFrame, PitchTrack, hz_to_midi, midi_to_hz};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::f0::HOP_SECONDS;

/// Rate of the hummed tune.
pub const SAMPLE_RATE_HZ: u32 = 44_100;
const RATE: f64 = SAMPLE_RATE_HZ as f64;
const TEMPO_BPM: f64 = 136.0;
/// G3: a comfortable hum for most people.
const TONIC_MIDI: f64 = 55.0;
/// Semitones above the tonic and lengths in beats; each line ends with a breath.
const LINES: [&[(i32, f64)]; 4] = [
    &[(4, 1.0), (4, 1.0), (5, 1.0), (7, 1.0), (7, 1.0), (5, 1.0), (4, 1.0), (2, 1.0)],
    &[(0, 1.0), (0, 1.0), (2, 1.0), (4, 1.0), (4, 1.5), (2, 0.5), (2, 2.0)],
    &[(4, 1.0), (4, 1.0), (5, 1.0), (7, 1.0), (7, 1.0), (5, 1.0), (4, 1.0), (2, 1.0)],
    &[(0, 1.0), (0, 1.0), (2, 1.0), (4, 1.0), (2, 1.5), (0, 0.5), (0, 2.0)],
];
const LEAD_IN_SECONDS: f64 = 0.45;
/// Breath added after a line, and taken from the end of its last note.
const BREATH_ADDED_SECONDS: f64 = 0.12;
const BREATH_TAKEN_SECONDS: f64 = 0.26;
const TAIL_SECONDS: f64 = 0.6;
/// The pitch moves from note to note in about this time, most of it before the new note.
const GLIDE_SECONDS: f64 = 0.085;
const VIBRATO_HZ: f64 = 5.4;
const VIBRATO_CENTS: f64 = 22.0;
/// Vibrato starts this long after the note does, and grows as long again.
const VIBRATO_DELAY_SECONDS: f64 = 0.22;
/// Peak of the finished recording.
const PEAK: f64 = 0.6;
/// Samples between the points at which pitch and loudness are computed; straight lines between them.
const CONTROL_SAMPLES: usize = 64;
/// Harmonics above this are too weak to hear in a hum.
const HIGHEST_HARMONIC_HZ: f64 = 5_000.0;
const MOST_HARMONICS: usize = 40;
/// Weaker than this (against a full note) counts as silence in the truth.
const AUDIBLE: f64 = 0.06;

/// A recording and what is truly in it.
#[derive(Clone, Debug)]
pub struct HummedTune {
    pub sample_rate_hz: u32,
    /// Mono, within ±0.6.
    pub samples: Vec<f32>,
    /// The F0 that the samples were made from.
    pub track: PitchTrack,
    /// The notes that were meant.
    pub notes: Vec<Note>,
    /// Beats per minute that were meant.
    pub tempo_bpm: f64,
}

/// "Ode to Joy", hummed: four lines, 30 notes, about 15 s.
pub fn hummed_tune() -> HummedTune {
    let score = Score::new();
    let samples = render(&score);
    let frames = (score.seconds / HOP_SECONDS) as usize + 1;
    let track = PitchTrack {
        hop_seconds: HOP_SECONDS,
        frames: (0..frames)
            .map(|frame| {
                let time = frame as f64 * HOP_SECONDS;
                let voiced = score.loudness(time) > AUDIBLE;
                PitchFrame { hz: score.hz(time) as f32, confidence: f32::from(u8::from(voiced)), voiced }
            })
            .collect(),
    };
    HummedTune { sample_rate_hz: SAMPLE_RATE_HZ, samples, track, notes: score.notes(), tempo_bpm: TEMPO_BPM }
}

/// One note as it is hummed.
struct Hummed {
    start: f64,
    end: f64,
    midi: f64,
    first_of_line: bool,
    last_of_line: bool,
    accent: f64,
}

/// The whole performance as functions of time.
struct Score {
    notes: Vec<Hummed>,
    seconds: f64,
}

impl Score {
    fn new() -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(1824);
        let mut notes = Vec::new();
        let mut now = LEAD_IN_SECONDS;
        for line in LINES {
            for (index, &(step, beats)) in line.iter().enumerate() {
                let seconds = beats * 60.0 / TEMPO_BPM;
                let last_of_line = index + 1 == line.len();
                let early = rng.random_range(-0.012..0.012);
                let taken = if last_of_line { BREATH_TAKEN_SECONDS.min(0.4 * seconds) } else { 0.0 };
                notes.push(Hummed {
                    start: now + early,
                    end: now + seconds - taken,
                    midi: TONIC_MIDI + f64::from(step) + rng.random_range(-0.09..0.09),
                    first_of_line: index == 0,
                    last_of_line,
                    accent: if index % 2 == 0 { 1.0 } else { rng.random_range(0.78..0.92) },
                });
                now += seconds;
            }
            now += BREATH_ADDED_SECONDS;
        }
        for index in 1..notes.len() {
            if !notes[index].first_of_line {
                notes[index - 1].end = notes[index].start;
            }
        }
        Self { notes, seconds: now - BREATH_ADDED_SECONDS + TAIL_SECONDS }
    }

    /// The note that sounds at a moment, or the next one, or the last.
    fn index_at(&self, time: f64) -> usize {
        self.notes.partition_point(|note| note.end <= time).min(self.notes.len() - 1)
    }

    fn hz(&self, time: f64) -> f64 {
        let index = self.index_at(time);
        let note = &self.notes[index];
        let mut midi = note.midi;
        // Glides lie across the boundary, two thirds before the new note.
        if let Some(next) = self.notes.get(index + 1)
            && !note.last_of_line
        {
            midi += (next.midi - note.midi) * rise((time - next.start) / GLIDE_SECONDS + 0.67);
        }
        if !note.first_of_line && index > 0 {
            let before = &self.notes[index - 1];
            midi -= (note.midi - before.midi) * (1.0 - rise((time - note.start) / GLIDE_SECONDS + 0.67));
        } else {
            // A line is scooped into from a little below.
            midi -= 0.8 * (-(time - note.start).max(0.0) / 0.045).exp();
        }
        let grown = rise((time - note.start - VIBRATO_DELAY_SECONDS) / VIBRATO_DELAY_SECONDS);
        let vibrato = grown * VIBRATO_CENTS * (TAU * VIBRATO_HZ * time + 0.6 * (TAU * 0.31 * time).sin()).sin();
        // Up by ten cents in the course of the tune, and never quite still.
        let drift = 10.0 * time / self.seconds + 5.0 * (TAU * 0.23 * time).sin() + 2.5 * (TAU * 1.7 * time + 1.0).sin();
        midi_to_hz(midi + (vibrato + drift) / 100.0)
    }

    /// 0 to about 1.
    fn loudness(&self, time: f64) -> f64 {
        let index = self.index_at(time);
        let note = &self.notes[index];
        let mut level = note.accent * (0.88 + 0.12 * (TAU * 0.4 * time).sin());
        if note.first_of_line {
            level *= rise((time - note.start) / 0.06 + 0.2);
        } else if index > 0 {
            level *= self.dip(index, time);
            let before = self.notes[index - 1].accent;
            let into = rise((time - note.start) / 0.08);
            level *= (before + (note.accent - before) * into) / note.accent;
        }
        if note.last_of_line {
            level *= 1.0 - rise((time - note.end) / 0.14 + 1.0);
        } else if index + 1 < self.notes.len() {
            level *= self.dip(index + 1, time);
        }
        level
    }

    /// The tongue or the glottis parts the notes: nearly closed between two of one pitch, hardly at all in a glide.
    fn dip(&self, index: usize, time: f64) -> f64 {
        let (before, note) = (&self.notes[index - 1], &self.notes[index]);
        let same = (before.midi - note.midi).abs() < 0.5;
        let (depth, half_width) = if same { (0.88, 0.045) } else { (0.4, 0.035) };
        let distance = ((time - note.start + 0.012) / half_width).abs().min(1.0);
        1.0 - depth * 0.5 * (1.0 + (PI * distance).cos())
    }

    /// Loudness of the breath drawn before each line but the first, 0 to 1.
    fn breath(&self, time: f64) -> f64 {
        let lines = self.notes.iter().enumerate().filter(|(index, note)| note.first_of_line && *index > 0);
        lines
            .map(|(index, note)| {
                let (from, to) = (self.notes[index - 1].end + 0.02, note.start - 0.03);
                let at = (time - from) / (to - from);
                if (0.0..=1.0).contains(&at) { (PI * at.powf(1.4)).sin() } else { 0.0 }
            })
            .sum()
    }

    /// Notes as an ideal listener writes them down: pitches without ornament, as meant.
    fn notes(&self) -> Vec<Note> {
        self.notes
            .iter()
            .map(|note| {
                let middle = 0.5 * (note.start + note.end);
                let pitch = MidiPitch::nearest(note.midi);
                let cents = (hz_to_midi(self.hz(middle)) - f64::from(pitch.number())) * 100.0;
                Note {
                    onset_seconds: note.start,
                    duration_seconds: note.end - note.start,
                    pitch,
                    cents,
                    velocity: (96.0 * note.accent) as u8,
                }
            })
            .collect()
    }
}

/// Smooth step from 0 at 0 to 1 at 1.
fn rise(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

fn render(score: &Score) -> Vec<f32> {
    let length = (score.seconds * RATE) as usize;
    let mut samples = vec![0.0f64; length];
    add_voice(score, &mut samples);
    add_air(score, &mut samples);
    let peak = samples.iter().fold(1e-9f64, |top, sample| top.max(sample.abs()));
    samples.iter().map(|sample| (sample * PEAK / peak) as f32).collect()
}

/// What sounds at a control point.
struct Control {
    hz: f64,
    amplitudes: [f64; MOST_HARMONICS],
}

impl Control {
    fn at(score: &Score, time: f64) -> Self {
        let hz = score.hz(time);
        let level = score.loudness(time);
        let mut amplitudes = [0.0; MOST_HARMONICS];
        for (index, amplitude) in amplitudes.iter_mut().enumerate() {
            let number = (index + 1) as f64;
            let frequency = number * hz;
            if frequency > HIGHEST_HARMONIC_HZ {
                break;
            }
            // Softer is also darker: the glottis closes less sharply.
            let tilt = number.powf(-1.1 - 0.6 * (1.0 - level));
            *amplitude = level * tilt * closed_mouth_gain(frequency);
        }
        Self { hz, amplitudes }
    }
}

/// Resonances of a hum (a nasal murmur: K. N. Stevens, "Acoustic Phonetics", 1998, ch. 9): strong near 270 Hz, a zero
/// from the closed mouth near 850 Hz, weak resonances above.
fn closed_mouth_gain(hz: f64) -> f64 {
    let resonance = |centre: f64, width: f64| 1.0 / (1.0 + ((hz - centre) / width).powi(2)).sqrt();
    let poles = resonance(270.0, 110.0)
        + 0.18 * resonance(1_050.0, 140.0)
        + 0.10 * resonance(2_250.0, 220.0)
        + 0.05 * resonance(3_200.0, 300.0);
    let zero = 1.0 - 0.8 * resonance(850.0, 120.0).powi(2);
    poles * zero
}

fn add_voice(score: &Score, samples: &mut [f64]) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut phase = 0.0f64;
    let mut from = Control::at(score, 0.0);
    let mut shimmer = 1.0;
    for (block, chunk) in samples.chunks_mut(CONTROL_SAMPLES).enumerate() {
        let to = Control::at(score, ((block + 1) * CONTROL_SAMPLES) as f64 / RATE);
        let shimmer_to = 0.97 * shimmer + 0.03 * rng.random_range(0.7..1.3);
        for (index, sample) in chunk.iter_mut().enumerate() {
            let mix = index as f64 / CONTROL_SAMPLES as f64;
            phase = (phase + (from.hz + (to.hz - from.hz) * mix) / RATE).fract();
            // sin(kφ) by the recurrence sin((k+1)φ) = 2 cos φ sin(kφ) − sin((k−1)φ).
            let (sin, cos) = (TAU * phase).sin_cos();
            let (mut before, mut here, mut sum) = (0.0, sin, 0.0);
            for (a, b) in from.amplitudes.iter().zip(&to.amplitudes) {
                sum += (a + (b - a) * mix) * here;
                (before, here) = (here, 2.0 * cos * here - before);
            }
            *sample += sum * (shimmer + (shimmer_to - shimmer) * mix);
        }
        from = to;
        shimmer = shimmer_to;
    }
}

/// Breath through the nose while humming, breaths between lines, and the room.
fn add_air(score: &Score, samples: &mut [f64]) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    // Two one-pole filters each: noise through the nose has its middle near 1.5 kHz, a room hums low.
    let (mut low, mut lower, mut room) = (0.0, 0.0, 0.0);
    let mut air_level = 0.0;
    for (index, sample) in samples.iter_mut().enumerate() {
        let time = index as f64 / RATE;
        if index % CONTROL_SAMPLES == 0 {
            air_level = 0.006 * score.loudness(time) + 0.035 * score.breath(time);
        }
        let white: f64 = rng.random_range(-1.0..1.0);
        low += 0.28 * (white - low);
        lower += 0.09 * (low - lower);
        room += 0.02 * (white - room);
        *sample += (low - lower) * air_level * 3.0 + room * 0.004 + white * 0.0002;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_every_time_and_of_the_promised_shape() {
        let (one, two) = (hummed_tune(), hummed_tune());
        assert_eq!(one.samples, two.samples);
        assert_eq!(one.notes.len(), 30);
        let seconds = one.samples.len() as f64 / RATE;
        assert!((12.0..17.0).contains(&seconds), "{seconds} s");
        let peak = one.samples.iter().fold(0.0f32, |top, sample| top.max(sample.abs()));
        assert!((f64::from(peak) - PEAK).abs() < 1e-3);
        let mean = one.samples.iter().map(|&sample| f64::from(sample)).sum::<f64>() / one.samples.len() as f64;
        assert!(mean.abs() < 1e-3, "DC of {mean}");
    }

    #[test]
    fn nothing_jumps() {
        let tune = hummed_tune();
        let step = tune.samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.15, "a click of {step}");
        for pair in tune.track.frames.windows(2).filter(|pair| pair[0].voiced && pair[1].voiced) {
            let cents = music::cents_between(f64::from(pair[0].hz), f64::from(pair[1].hz));
            assert!(cents.abs() < 90.0, "the pitch leaps by {cents} cents in 10 ms");
        }
    }
}
