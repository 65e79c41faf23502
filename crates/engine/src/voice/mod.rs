//! A singer made of nothing but arithmetic: syllables with their sounds, placed on notes, become a sung voice by
//! formant synthesis (Klatt 1980; Klatt & Klatt 1990).
//!
//! Vowels begin on their notes, consonants before them. The same melody, lyrics and options give the same samples.
//! Never reads a recording: no voice of a person is in here.

mod curve;
pub(crate) mod filters;
mod intonation;
mod master;
mod phones;
mod render;
mod source;
mod throat;
mod timing;
mod tract;

use music::{Melody, PitchTrack, midi_to_hz};
use serde::{Deserialize, Serialize};

use self::{
    phones::Band,
    throat::Throat,
    timing::{Segment, Stretch, SungSyllable},
    tract::{Movements, Noise},
};
use crate::{EngineError, lyrics::Lyrics};

pub const SAMPLE_RATE_HZ: u32 = 44_100;
/// Silence and room after the last sound.
const TAIL_SECONDS: f64 = 0.5;

/// Which voice sings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Register {
    /// Whichever voice has the melody in its range, else the nearer one.
    #[default]
    Auto,
    /// A man's voice, comfortable from G2 to G4.
    Low,
    /// A woman's voice, comfortable from G3 to G5.
    High,
}

/// Where the pitch comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expression {
    /// The notes, joined by glides, with vibrato on long ones.
    #[default]
    Notes,
    /// The recorded singer's own contour around the notes.
    Contour,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VoiceOptions {
    pub register: Register,
    pub expression: Expression,
    /// Quiet breaths before phrases that have time for one.
    pub breaths: bool,
    pub seed: u64,
}

impl Default for VoiceOptions {
    fn default() -> Self {
        Self { register: Register::Auto, expression: Expression::Notes, breaths: true, seed: 0 }
    }
}

/// A sung voice, mono.
#[derive(Debug, Clone, PartialEq)]
pub struct SungVocal {
    pub sample_rate_hz: u32,
    /// Within ±0.87, near −16 LUFS. Second 0 is second 0 of the melody.
    pub samples: Vec<f32>,
    /// The pitch that was meant, transposition included; voiced inside vowels only.
    pub target: PitchTrack,
    pub syllables_placed: usize,
    /// How far the melody was moved to lie in the voice. Single notes beyond every voice are moved further.
    pub octave_shift: i32,
    /// Never `Auto`.
    pub register: Register,
    /// Every sound, in order.
    pub sounds: Vec<Sound>,
}

/// One phone, placed in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sound {
    /// ARPAbet without stress digit; `AX` is the neutral vowel.
    pub phone: &'static str,
    pub start_seconds: f64,
    pub end_seconds: f64,
    /// Which of the placed syllables it belongs to.
    pub syllable: usize,
    pub is_vowel: bool,
}

/// Sings lyrics to a melody. `progress` hears of the share done, 0–1.
///
/// # Errors
/// `Mismatch` when lyrics and melody do not belong together, see [`crate::lyrics::Syllable`].
pub fn sing(
    melody: &Melody,
    lyrics: &Lyrics,
    options: &VoiceOptions,
    progress: &mut dyn FnMut(f64),
) -> Result<SungVocal, EngineError> {
    let sung = timing::syllables(melody, lyrics)?;
    if sung.is_empty() {
        return Err(EngineError::Mismatch("there is not one syllable to sing".into()));
    }
    let (register, octave_shift) = choose_voice(melody, &sung, options.register);
    let throat = if register == Register::Low { Throat::LOW } else { Throat::HIGH };
    let stretches = timing::stretches(&sung);
    let last = stretches.last().map_or(0.0, Stretch::end);
    let seconds = melody.duration_seconds.max(last + TAIL_SECONDS);
    let pitch = intonation::plan(melody, &sung, &stretches, octave_shift, options.expression, seconds, options.seed);
    let gain_of = |index: usize| sung.get(index).map_or(1.0, |s| loudness(melody, s));
    let pitch_of = |index: usize| {
        sung.get(index).map_or(150.0, |s| midi_to_hz(intonation::note_midi(melody, s.notes.start, octave_shift)))
    };
    let mut moves = tract::movements(&stretches, &throat, &gain_of, &pitch_of);
    if options.breaths {
        add_breaths(&mut moves, &stretches);
    }
    progress(0.05);
    let mut samples = render::render(&moves, &pitch, &throat, seconds, SAMPLE_RATE_HZ, options.seed, &mut |done| {
        progress(0.05 + 0.8 * done)
    });
    master::finish(&mut samples, SAMPLE_RATE_HZ);
    progress(1.0);
    let sounds = stretches.iter().flat_map(|s| &s.segments).map(sound).collect();
    Ok(SungVocal {
        sample_rate_hz: SAMPLE_RATE_HZ,
        samples,
        target: pitch.target,
        syllables_placed: sung.len(),
        octave_shift,
        register,
        sounds,
    })
}

fn sound(segment: &Segment) -> Sound {
    Sound {
        phone: segment.phone.name,
        start_seconds: segment.start,
        end_seconds: segment.end,
        syllable: segment.syllable,
        is_vowel: segment.phone.is_vowel(),
    }
}

/// The voice and the octaves by which the melody has to move for it: least time outside of the range first, then the
/// least movement.
fn choose_voice(melody: &Melody, sung: &[SungSyllable], asked: Register) -> (Register, i32) {
    let notes: Vec<(f64, f64)> = sung
        .iter()
        .flat_map(|s| s.notes.clone())
        .map(|i| (melody.notes[i].sung_midi(), melody.notes[i].duration_seconds))
        .collect();
    let total: f64 = notes.iter().map(|(_, seconds)| seconds).sum::<f64>().max(1e-9);
    let mean = notes.iter().map(|(midi, seconds)| midi * seconds).sum::<f64>() / total;
    let cost = |throat: &Throat, octaves: i32| {
        let shift = 12.0 * f64::from(octaves);
        let outside: f64 = notes
            .iter()
            .map(|(midi, seconds)| {
                seconds * ((throat.lowest - midi - shift).max(midi + shift - throat.highest)).max(0.0)
            })
            .sum::<f64>();
        outside / total + 0.5 * f64::from(octaves.abs()) + 0.02 * (mean + shift - throat.centre()).abs()
    };
    let voices: &[(Register, Throat)] = match asked {
        Register::Auto => &[(Register::Low, Throat::LOW), (Register::High, Throat::HIGH)],
        Register::Low => &[(Register::Low, Throat::LOW)],
        Register::High => &[(Register::High, Throat::HIGH)],
    };
    voices
        .iter()
        .flat_map(|(register, throat)| (-6..=6).map(move |octaves| (*register, octaves, cost(throat, octaves))))
        .min_by(|a, b| a.2.total_cmp(&b.2))
        .map_or((Register::Low, 0), |(register, octaves, _)| (register, octaves))
}

/// Gain of a syllable from the velocity of its first note: half of the recorded dynamics.
fn loudness(melody: &Melody, syllable: &SungSyllable) -> f64 {
    let velocity = f64::from(melody.notes[syllable.notes.start].velocity).clamp(30.0, 120.0);
    (velocity / 90.0).sqrt()
}

/// Air taken in before a phrase, where at least 0.4 s are free.
fn add_breaths(moves: &mut Movements, stretches: &[Stretch]) {
    const SECONDS: f64 = 0.24;
    for pair in stretches.windows(2) {
        let (end, start) = (pair[0].end(), pair[1].start());
        if pair[0].is_phrase_end && start - end > 0.4 {
            let end = start - 0.07;
            moves.noises.push(Noise {
                start: end - SECONDS,
                end,
                attack: 0.12,
                release: 0.1,
                gain: 1.0,
                bands: vec![
                    Band { hz: 1100.0, width_hz: 600.0, db: -47.0 },
                    Band { hz: 2400.0, width_hz: 1500.0, db: -46.0 },
                    Band { hz: 5000.0, width_hz: 3000.0, db: -50.0 },
                ],
                floor_hz: 200.0,
                is_voiced: false,
            });
        }
    }
    moves.noises.sort_by(|a, b| a.start.total_cmp(&b.start));
}
