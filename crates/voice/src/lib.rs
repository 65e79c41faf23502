//! The singer: syllables with their sounds, placed on notes, become a sung voice.
//!
//! The sounds come from somebody who speaks ([`Speaker`]) and go through the vocoder, or, with nobody there, from formant
//! synthesis. Vowels begin on their notes, consonants before them. The same melody, lyrics, options and speaker give the
//! same samples. Does no IO: whoever speaks is handed in.

mod alignment;
mod brightness;
mod curve;
mod error;
pub(crate) mod filters;
mod formant;
mod intonation;
mod master;
mod onsets;
mod overlay;
mod phones;
mod recorded;
mod render;
mod source;
mod speaker;
mod spoken;
mod throat;
mod timing;
mod tract;
mod vocoder;

use std::ops::Range;

use lyrics::Lyrics;
use music::{Melody, PitchTrack};
use serde::{Deserialize, Serialize};

use self::{
    throat::Throat,
    timing::{Segment, Stretch, SungSyllable},
};

/// What may be chosen of a voice is the same wherever it is asked for.
pub use domain::options::{Expression, Register, Voice};
pub use error::VoiceError;
pub use onsets::{Onset, VowelOnsets, onsets_near, vowel_onset_error};
pub use recorded::{SpokenPart, align_spoken, sing_spoken};
pub use speaker::{Speaker, SpeechError, SpokenWord, Utterance};

pub const SAMPLE_RATE_HZ: u32 = 44_100;
/// Silence and room after the last sound.
const TAIL_SECONDS: f64 = 0.5;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VoiceOptions {
    pub voice: Voice,
    pub register: Register,
    pub expression: Expression,
    /// Quiet breaths before phrases that have time for one.
    pub breaths: bool,
    /// Sing in the octave that is written, wherever that lies for the voice.
    pub stay_in_octave: bool,
    pub seed: u64,
}

impl Default for VoiceOptions {
    fn default() -> Self {
        Self {
            voice: Voice::Auto,
            register: Register::Auto,
            expression: Expression::Notes,
            breaths: true,
            stay_in_octave: false,
            seed: 0,
        }
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
    /// Which voice sang; `Auto` only for that of a recording ([`sing_spoken`]).
    pub voice: Voice,
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

/// Sings lyrics to a melody, with the voice of `speaker` where there is one. `progress` hears of the share done, 0–1.
///
/// # Errors
/// `Mismatch` when lyrics and melody do not belong together, see [`lyrics::Syllable`]; `VoiceMissing` when the
/// options name a voice that the speaker does not have; `Speech` when a named voice fails. Where no voice is named, the
/// formant voice takes the place of one that fails.
pub fn sing(
    melody: &Melody,
    lyrics: &Lyrics,
    options: &VoiceOptions,
    speaker: Option<&dyn Speaker>,
    progress: &mut dyn FnMut(f64),
) -> Result<SungVocal, VoiceError> {
    let mut sung = timing::syllables(melody, lyrics)?;
    if sung.is_empty() {
        return Err(VoiceError::Mismatch("there is not one syllable to sing".into()));
    }
    let speaker = speaker.map(|speaker| (speaker, speaker.voices()));
    let installed = speaker.as_ref().map_or(&[][..], |(_, voices)| voices);
    let asked = if options.register == Register::Auto { options.voice.register() } else { options.register };
    let (register, octave_shift) = choose_register(melody, &sung, asked, options.stay_in_octave);
    let mut voice = choose_voice(options.voice, register, installed)?;
    progress(0.01);
    let recital = match &speaker {
        Some((speaker, _)) if voice != Voice::Formant => {
            let mut share = |done: f64| progress(0.01 + 0.2 * done);
            match spoken::recite(lyrics, voice, *speaker, &mut share) {
                Ok(recital) => {
                    spoken::speak_as(&mut sung, lyrics, &recital);
                    Some(recital)
                }
                Err(_) if options.voice == Voice::Auto => {
                    voice = Voice::Formant;
                    None
                }
                Err(error) => return Err(VoiceError::Speech { voice, reason: error.0 }),
            }
        }
        _ => None,
    };
    let take = Take { melody, lyrics, sung: &sung, register, octave_shift, voice, options };
    Ok(take.perform(recital, &mut |done| progress(0.21 + 0.79 * done)))
}

/// Everything that is settled before a sound is made.
struct Take<'a> {
    melody: &'a Melody,
    lyrics: &'a Lyrics,
    sung: &'a [SungSyllable],
    register: Register,
    octave_shift: i32,
    voice: Voice,
    options: &'a VoiceOptions,
}

impl Take<'_> {
    /// Sings with what was spoken, or with the formant voice.
    fn perform(&self, recital: Option<spoken::Recital>, progress: &mut dyn FnMut(f64)) -> SungVocal {
        let Self { melody, sung, register, octave_shift, voice, options, .. } = *self;
        let stretches = timing::stretches(sung);
        let last = stretches.last().map_or(0.0, Stretch::end);
        let seconds = melody.duration_seconds.max(last + TAIL_SECONDS);
        let pitch = intonation::plan(melody, sung, &stretches, octave_shift, options.expression, seconds, options.seed);
        let mut rendering = |done: f64| progress(0.8 * done.min(1.0));
        let mut samples = if let Some(recital) = &recital {
            let gains = spoken::gains(sung, self.lyrics, recital, melody);
            let breaths = if options.breaths { breaths(&stretches).collect() } else { Vec::new() };
            let score = overlay::Score {
                recital,
                gains: &gains,
                stretches: &stretches,
                pitch: &pitch,
                seconds,
                breaths,
                seed: options.seed,
            };
            overlay::sing(&score, &mut rendering)
        } else {
            let throat = if register == Register::Low { Throat::LOW } else { Throat::HIGH };
            let score = formant::Score {
                melody,
                sung,
                stretches: &stretches,
                pitch: &pitch,
                octave_shift,
                seconds,
                breaths: options.breaths,
                seed: options.seed,
            };
            formant::sing(&score, &throat, &mut rendering)
        };
        // Taken apart, a spoken text is larger than the song.
        drop(recital);
        master::finish(&mut samples, SAMPLE_RATE_HZ);
        progress(1.0);
        let sounds = stretches.iter().flat_map(|s| &s.segments).map(sound).collect();
        SungVocal {
            sample_rate_hz: SAMPLE_RATE_HZ,
            samples,
            target: pitch.target,
            syllables_placed: sung.len(),
            octave_shift,
            register,
            voice,
            sounds,
        }
    }
}

/// The voice for a register: the one asked for, else the first that is installed, else the formant voice.
fn choose_voice(asked: Voice, register: Register, installed: &[Voice]) -> Result<Voice, VoiceError> {
    match asked {
        Voice::Formant => Ok(asked),
        Voice::Auto => {
            let fits = |voice: &&Voice| voice.register() == register && installed.contains(voice);
            Ok(Voice::SPOKEN.iter().find(fits).copied().unwrap_or(Voice::Formant))
        }
        voice if installed.contains(&voice) => Ok(voice),
        voice => Err(VoiceError::VoiceMissing { voice }),
    }
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

/// The register and the octaves by which the melody has to move for it: least time outside of the range first, then the
/// least movement.
fn choose_register(melody: &Melody, sung: &[SungSyllable], asked: Register, stay_in_octave: bool) -> (Register, i32) {
    let most = if stay_in_octave { 0 } else { 6 };
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
        .flat_map(|(register, throat)| (-most..=most).map(move |octaves| (*register, octaves, cost(throat, octaves))))
        .min_by(|a, b| a.2.total_cmp(&b.2))
        .map_or((Register::Low, 0), |(register, octaves, _)| (register, octaves))
}

/// Gain of a syllable from the velocity of its first note: half of the recorded dynamics.
fn loudness(melody: &Melody, syllable: &SungSyllable) -> f64 {
    let velocity = f64::from(melody.notes[syllable.notes.start].velocity).clamp(30.0, 120.0);
    (velocity / 90.0).sqrt()
}

/// When air is taken in: before phrases, where at least 0.4 s are free.
fn breaths(stretches: &[Stretch]) -> impl Iterator<Item = Range<f64>> + '_ {
    const SECONDS: f64 = 0.24;
    stretches.windows(2).filter_map(|pair| {
        let (end, start) = (pair[0].end(), pair[1].start());
        (pair[0].is_phrase_end && start - end > 0.4).then_some(start - 0.07 - SECONDS..start - 0.07)
    })
}
