//! How well a sound of any instruments goes with a tune: measured by the pitch classes that sound at each moment, whatever their
//! octave. Measures only; what is good enough is decided elsewhere.
//!
//! The strengths of the twelve pitch classes are a chroma vector (T. Fujishima, "Realtime chord recognition of musical sound",
//! ICMC 1999). How the one of a sound agrees with the notes of a tune says little by itself: sound in the tune's key agrees with
//! most of its notes. It is therefore measured for the tune as it is, and for the same moved in pitch and in time.

use std::{ops::RangeInclusive, sync::Arc};

use music::{Note, hz_to_midi};
use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};
use serde::{Deserialize, Serialize};

const CLASSES: usize = 12;
/// Between the moments that are listened to.
const HOP_SECONDS: f64 = 0.1;
/// Listened to around each, at least: long enough to tell the neighbours of the lowest pitch apart.
const WINDOW_SECONDS: f64 = 0.3;
/// Pitches that are listened to, as MIDI numbers: C3 to B6. Below, neighbours cannot be told apart; above are overtones.
const LOWEST: i32 = 48;
const SEMITONES: usize = 48;
/// What is further from a semitone than this, in semitones, belongs to none.
const NEAR: f64 = 0.35;
/// Weaker than this share of the strongest moment, a moment is silent.
const SILENT_SHARE: f64 = 0.003;
/// How far the tune is moved in time, in hops: half a second to four.
const DISPLACED: RangeInclusive<i64> = 5..=40;

/// Shares (0–1) of the sound that lie in the pitch class of the note that is sung, on average over the moments at which one is. By
/// chance it is a twelfth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TuneAgreement {
    /// Moments, a tenth of a second apart, at which a note of the tune sounds.
    pub moments: usize,
    /// For the tune as it is.
    pub as_sung: f64,
    /// For the tune one to eleven semitones higher: the mean of those.
    pub transposed: f64,
    /// For the tune half a second to four seconds earlier or later: the highest of those.
    pub displaced: f64,
}

/// Holds a mono sound against the notes of a tune, which are in order and in seconds of the sound. A silent sound agrees with
/// nothing.
pub fn tune_agreement(samples: &[f32], sample_rate_hz: u32, notes: &[Note]) -> TuneAgreement {
    let sound = chroma(samples, f64::from(sample_rate_hz.max(1)));
    let tune = sung(notes);
    let share = |semitones: usize, hops: i64| {
        let heard = tune.iter().filter_map(|(moment, class)| {
            let moment = usize::try_from(moment + hops).ok()?;
            Some(sound.get(moment)?[(class + semitones) % CLASSES])
        });
        // What lies outside of the sound agrees with nothing.
        heard.sum::<f64>() / tune.len().max(1) as f64
    };
    let transposed: f64 = (1..CLASSES).map(|semitones| share(semitones, 0)).sum();
    TuneAgreement {
        moments: tune.len(),
        as_sung: share(0, 0),
        transposed: transposed / (CLASSES - 1) as f64,
        displaced: DISPLACED.flat_map(|hops| [share(0, hops), share(0, -hops)]).fold(0.0, f64::max),
    }
}

/// The moments at which a note sounds, with its pitch class.
fn sung(notes: &[Note]) -> Vec<(i64, usize)> {
    let end = notes.last().map_or(0.0, Note::end_seconds);
    let moments = 0..(end / HOP_SECONDS).ceil().max(0.0) as i64;
    let class = |moment: i64| {
        let now = moment as f64 * HOP_SECONDS;
        let next = notes.partition_point(|note| note.onset_seconds <= now);
        let note = notes.get(next.checked_sub(1)?)?;
        (now < note.end_seconds()).then(|| (moment, usize::from(note.pitch.class())))
    };
    moments.filter_map(class).collect()
}

/// The shares of the pitch classes, C first, at every hop; nothing but zeros where it is silent.
fn chroma(samples: &[f32], rate: f64) -> Vec<[f64; CLASSES]> {
    let count = (samples.len() as f64 / rate / HOP_SECONDS).ceil() as usize;
    let mut listener = Listener::new(rate);
    let mut moments: Vec<[f64; CLASSES]> = (0..count)
        .map(|moment| listener.strengths(samples, (moment as f64 * HOP_SECONDS * rate).round() as usize))
        .collect();
    let total = |strengths: &[f64; CLASSES]| strengths.iter().sum::<f64>();
    let loudest = moments.iter().map(total).fold(0.0, f64::max);
    for strengths in &mut moments {
        let all = total(&*strengths);
        let is_heard = all > SILENT_SHARE * loudest;
        strengths.iter_mut().for_each(|strength| *strength = if is_heard { *strength / all } else { 0.0 });
    }
    moments
}

/// Listens to one moment after the other.
struct Listener {
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    output: Vec<Complex32>,
    scratch: Vec<Complex32>,
    /// The window's weights.
    weights: Vec<f32>,
    /// Bins with the semitone that they belong to, counted from [`LOWEST`].
    bins: Vec<(usize, usize)>,
}

impl Listener {
    fn new(rate: f64) -> Self {
        let length = ((WINDOW_SECONDS * rate) as usize).max(2).next_power_of_two();
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(length);
        let (input, output, scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
        // Hann's.
        let weight = |place: usize| 0.5 - 0.5 * (std::f32::consts::TAU * place as f32 / length as f32).cos();
        let bin = |bin: usize| {
            let midi = hz_to_midi(bin as f64 * rate / length as f64);
            let semitone = usize::try_from(midi.round() as i32 - LOWEST).ok().filter(|at| *at < SEMITONES)?;
            ((midi - midi.round()).abs() <= NEAR).then_some((bin, semitone))
        };
        let bins = (1..output.len()).filter_map(bin).collect();
        Self { fft, input, output, scratch, weights: (0..length).map(weight).collect(), bins }
    }

    /// The amplitudes of the pitch classes around a sample.
    fn strengths(&mut self, samples: &[f32], centre: usize) -> [f64; CLASSES] {
        let half = self.input.len() / 2;
        for (place, (input, weight)) in self.input.iter_mut().zip(&self.weights).enumerate() {
            let sample = (centre + place).checked_sub(half).and_then(|at| samples.get(at));
            *input = sample.map_or(0.0, |sample| sample * weight);
        }
        let mut classes = [0.0; CLASSES];
        // The lengths are those that it asks for.
        if self.fft.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch).is_err() {
            return classes;
        }
        let mut powers = [0.0_f64; SEMITONES];
        for (bin, semitone) in &self.bins {
            powers[*semitone] += f64::from(self.output[*bin].norm_sqr());
        }
        for (semitone, power) in powers.iter().enumerate() {
            // The lowest is a C.
            classes[semitone % CLASSES] += power.sqrt();
        }
        classes
    }
}

#[cfg(test)]
mod tests {
    use music::MidiPitch;

    use super::*;

    const RATE: u32 = 32_000;
    const TUNE: [u8; 12] = [64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64];

    fn notes() -> Vec<Note> {
        let note = |(place, pitch): (usize, &u8)| Note {
            onset_seconds: 1.0 + 0.5 * place as f64,
            duration_seconds: 0.45,
            pitch: MidiPitch::new(*pitch),
            cents: 0.0,
            velocity: 80,
        };
        TUNE.iter().enumerate().map(note).collect()
    }

    /// The tune so much later and higher, an octave down with the fifth above it, over a beat of noise.
    fn played(late_seconds: f64, semitones: f64, noise: f64) -> Vec<f32> {
        let mut dice = 5u32;
        let mut chance = || {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(dice >> 8) / f64::from(1 << 24) - 0.5
        };
        let notes = notes();
        (0..8 * RATE)
            .map(|at| {
                let now = f64::from(at) / f64::from(RATE) - late_seconds;
                let sounding = notes.iter().find(|note| (note.onset_seconds..note.end_seconds()).contains(&now));
                let tone = sounding.map_or(0.0, |note| {
                    let hz = note.pitch.hz() * (semitones / 12.0).exp2() / 2.0;
                    let sine = |factor: f64| (std::f64::consts::TAU * hz * factor * now).sin();
                    0.2 * (sine(1.0) + 0.6 * sine(1.5) + 0.4 * sine(2.0))
                });
                (tone + noise * chance()) as f32
            })
            .collect()
    }

    #[test]
    fn what_follows_the_tune_agrees_with_it_alone() {
        let check = |what: &str, sound: Vec<f32>, in_pitch: bool, in_time: bool| {
            let found = tune_agreement(&sound, RATE, &notes());
            assert!((50..=60).contains(&found.moments), "{what}: {found:?}");
            assert_eq!(found.as_sung > 2.0 * found.transposed, in_pitch, "{what}: {found:?}");
            assert_eq!(found.as_sung > 0.8 * found.displaced, in_time, "{what}: {found:?}");
        };
        check("as it is", played(0.0, 0.0, 0.0), true, true);
        check("under noise", played(0.0, 0.0, 0.3), true, true);
        check("an octave up", played(0.0, 12.0, 0.0), true, true);
        check("a semitone up", played(0.0, 1.0, 0.0), false, false);
        check("a second late", played(1.0, 0.0, 0.0), false, false);
    }

    #[test]
    fn noise_agrees_by_chance_and_silence_with_nothing() {
        let noise = tune_agreement(&played(100.0, 0.0, 0.5), RATE, &notes());
        assert!((noise.as_sung / noise.transposed - 1.0).abs() < 0.25, "{noise:?}");
        let silent = tune_agreement(&vec![0.0; 8 * RATE as usize], RATE, &notes());
        assert_eq!((silent.as_sung, silent.transposed, silent.displaced), (0.0, 0.0, 0.0));
        assert_eq!(tune_agreement(&[0.5; 100], RATE, &[]), TuneAgreement::default());
        assert_eq!(tune_agreement(&[], 0, &notes()).as_sung, 0.0);
    }
}
