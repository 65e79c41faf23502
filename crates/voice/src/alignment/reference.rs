//! How a line may sound when it is spoken: said by the formant voice, which knows the time of each of its sounds, or by a
//! speaker who tells them.

use lyrics::{LyricLine, Lyrics, Syllable};
use music::{Melody, MidiPitch, Note, Phrase, hz_to_midi};
use pitch::f0;

use super::features::RATE_HZ;
use crate::{
    Expression, Speaker, Utterance, Voice, VoiceError, formant, intonation,
    phones::{Manner, Phone},
    spoken,
    throat::Throat,
    timing,
};

/// Below this a speaker has the tract of a man: midway between the means of men and women (Peterson & Barney 1952: 132 and
/// 223 Hz).
pub const LOW_BELOW_HZ: f64 = 170.0;
const LEAD_SECONDS: f64 = 0.25;
/// Vowels in hurried speech, stressed and not (D. Klatt, "Linguistic uses of segmental duration in English", JASA 59(5),
/// 1976, rounded).
const STRESSED_SECONDS: f64 = 0.13;
const UNSTRESSED_SECONDS: f64 = 0.07;
/// A diphthong and the last vowel of a line take so much longer.
const DIPHTHONG: f64 = 1.25;
const FINAL: f64 = 1.3;
/// Share of their unhurried time that consonants take.
const CONSONANTS: f64 = 0.75;

/// One sound of a line.
#[derive(Debug, Clone, Copy)]
pub struct Sound {
    pub phone: &'static Phone,
    /// Where it is in the rendition.
    pub start: f64,
    pub end: f64,
    /// How long it takes in speech, against the other sounds.
    pub expected_seconds: f64,
    pub is_word_end: bool,
}

/// A line as somebody known said it.
pub struct Rendition {
    /// At [`RATE_HZ`].
    pub samples: Vec<f32>,
    pub sounds: Vec<Sound>,
}

/// Who says the lines that a recording is held against.
#[derive(Clone, Copy)]
pub enum Model<'a> {
    /// The formant voice, near the pitch of whom it is held against, in Hz.
    Formant {
        hz: f64,
    },
    Spoken(&'a dyn Speaker, Voice),
}

impl Model<'_> {
    /// # Errors
    /// `Mismatch` for syllables that nobody can say; `Speech` when the speaker fails.
    pub fn say(&self, line: &LyricLine) -> Result<Rendition, VoiceError> {
        let sounds = sounds(line)?;
        match *self {
            Self::Formant { hz } => render(line, sounds, hz),
            Self::Spoken(speaker, voice) => {
                let said = speaker
                    .say(voice, &spoken::words_of(line))
                    .map_err(|error| VoiceError::Speech { voice, reason: error.0 })?;
                timed(&said, sounds)
                    .ok_or_else(|| VoiceError::Speech { voice, reason: "other sounds were said".into() })
            }
        }
    }
}

/// The sounds of a line, not yet placed.
fn sounds(line: &LyricLine) -> Result<Vec<Sound>, VoiceError> {
    let last_syllable = line.syllables.len().saturating_sub(1);
    let mut sounds = Vec::new();
    for (index, syllable) in line.syllables.iter().enumerate() {
        let is_last_of_word = line.syllables.get(index + 1).is_none_or(|next| next.word_index != syllable.word_index);
        for (place, name) in syllable.phones.iter().enumerate() {
            let phone =
                Phone::named(name).ok_or_else(|| VoiceError::Mismatch(format!("\"{name}\" is no ARPAbet phone")))?;
            sounds.push(Sound {
                phone,
                start: 0.0,
                end: 0.0,
                expected_seconds: expected(phone, name, index == last_syllable),
                is_word_end: is_last_of_word && place + 1 == syllable.phones.len(),
            });
        }
    }
    Ok(sounds)
}

fn expected(phone: &Phone, name: &str, is_final: bool) -> f64 {
    let own = match phone.manner {
        Manner::Vowel { to } => {
            let stressed = if name.ends_with('0') { UNSTRESSED_SECONDS } else { STRESSED_SECONDS };
            stressed * if to.is_some() { DIPHTHONG } else { 1.0 }
        }
        _ => CONSONANTS * phone.seconds,
    };
    own * if is_final { FINAL } else { 1.0 }
}

/// Said on short notes that fall, as statements do.
fn render(line: &LyricLine, mut sounds: Vec<Sound>, hz: f64) -> Result<Rendition, VoiceError> {
    let count = line.syllables.len();
    let middle = hz_to_midi(hz).clamp(38.0, 74.0);
    let mut now = LEAD_SECONDS;
    let mut notes = Vec::with_capacity(count);
    for (index, syllable) in line.syllables.iter().enumerate() {
        let seconds = seconds_of(syllable) + line.syllables.get(index + 1).map_or(0.0, onset_seconds);
        let fall = 4.0 * (0.5 - index as f64 / count.max(1) as f64);
        notes.push(Note {
            onset_seconds: now,
            duration_seconds: seconds,
            pitch: MidiPitch::new((middle + fall).round() as u8),
            cents: 0.0,
            velocity: 85,
        });
        now += seconds;
    }
    let melody =
        Melody { duration_seconds: now, phrases: vec![Phrase { start: 0, end: count }], notes, ..Melody::default() };
    let placed = |(note, syllable): (usize, &Syllable)| Syllable { note, ..syllable.clone() };
    let syllables = line.syllables.iter().enumerate().map(placed).collect();
    let line = LyricLine { phrase: 0, syllables, ..line.clone() };
    let text = Lyrics { title: String::new(), lines: vec![line], language: String::new() };
    let sung = timing::syllables(&melody, &text)?;
    let stretches = timing::stretches(&sung);
    let seconds = stretches.last().map_or(now, timing::Stretch::end).max(now) + LEAD_SECONDS;
    let pitch = intonation::plan(&melody, &sung, &stretches, 0, Expression::Notes, seconds, 0);
    let score = formant::Score {
        melody: &melody,
        sung: &sung,
        stretches: &stretches,
        pitch: &pitch,
        octave_shift: 0,
        seconds,
        breaths: false,
        seed: 0,
    };
    let throat = if hz < LOW_BELOW_HZ { Throat::LOW } else { Throat::HIGH };
    let samples = formant::sing(&score, &throat, &mut |_| {});
    for (sound, segment) in sounds.iter_mut().zip(stretches.iter().flat_map(|stretch| &stretch.segments)) {
        (sound.start, sound.end) = (segment.start, segment.end);
    }
    Ok(Rendition { samples: f0::Resampler::new(crate::SAMPLE_RATE_HZ, RATE_HZ).convert(&samples), sounds })
}

/// Time of a vowel and what comes after it in its syllable.
fn seconds_of(syllable: &Syllable) -> f64 {
    let mut phones = syllable.phones.iter().skip_while(|name| !Phone::named(name).is_some_and(Phone::is_vowel));
    let vowel = phones.next().map_or(STRESSED_SECONDS, |name| if name.ends_with('0') { 0.1 } else { STRESSED_SECONDS });
    vowel + phones.filter_map(|name| Phone::named(name)).map(|phone| CONSONANTS * phone.seconds).sum::<f64>()
}

fn onset_seconds(syllable: &Syllable) -> f64 {
    let phones = syllable.phones.iter().filter_map(|name| Phone::named(name));
    phones.take_while(|phone| !phone.is_vowel()).map(|phone| CONSONANTS * phone.seconds).sum()
}

/// What a speaker said, with its own times.
fn timed(said: &Utterance, mut sounds: Vec<Sound>) -> Option<Rendition> {
    let mut left = sounds.iter_mut();
    let mut start = 0.0;
    for (name, end) in &said.phones {
        if name != "pau" {
            let sound = left.next()?;
            (sound.start, sound.end, sound.expected_seconds) = (start, *end, end - start);
        }
        start = *end;
    }
    let all = left.next().is_none();
    let samples = f0::Resampler::new(said.sample_rate_hz, RATE_HZ).convert(&said.samples);
    all.then_some(Rendition { samples, sounds })
}
