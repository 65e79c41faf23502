//! Singing with the voice of a recording: somebody spoke the lines, with no tune and in a time of their own.

use std::ops::Range;

use lyrics::{LyricLine, Lyrics};
use music::Melody;

use super::{
    Register, Speaker, SungVocal, Take, Utterance, Voice, VoiceError, VoiceOptions,
    alignment::{self, Aligned, LOW_BELOW_HZ, Model, Part},
    choose_register, spoken, timing,
};

/// Some lines of the lyrics, spoken one after the other. Silence, breath, noise or music may be before, after and between
/// the lines, silence also between words.
#[derive(Debug, Clone, PartialEq)]
pub struct SpokenPart {
    /// Which lines of the lyrics.
    pub lines: Range<usize>,
    pub sample_rate_hz: u32,
    /// Mono, within ±1.
    pub samples: Vec<f32>,
}

/// Sings lyrics to a melody with the voice of a recording. The parts say every line that has syllables, in order.
/// `options.voice` means nothing here; the register is that of the speaker where it is `Auto`. `progress` hears of the share
/// done, 0–1.
///
/// # Errors
/// `Mismatch` when lyrics, melody and parts do not belong together; `Unaligned` when a part does not say its lines.
pub fn sing_spoken(
    melody: &Melody,
    lyrics: &Lyrics,
    parts: &[SpokenPart],
    options: &VoiceOptions,
    progress: &mut dyn FnMut(f64),
) -> Result<SungVocal, VoiceError> {
    let mut sung = timing::syllables(melody, lyrics)?;
    if sung.is_empty() {
        return Err(VoiceError::Mismatch("there is not one syllable to sing".into()));
    }
    let mut aligning = |done: f64| progress(0.3 * done);
    let aligned = alignment::align(&placed(lyrics, parts)?, None, &mut aligning)?;
    let Aligned { lines, median_hz } = aligned;
    let mut taking_apart = |done: f64| progress(0.3 + 0.15 * done);
    let recital = spoken::recited(lyrics, &lines, &mut taking_apart)
        .map_err(|error| VoiceError::Unaligned { line: 0, reason: error.0 })?;
    drop(lines);
    spoken::speak_as(&mut sung, lyrics, &recital);
    let own = if median_hz.is_some_and(|hz| hz >= LOW_BELOW_HZ) { Register::High } else { Register::Low };
    let asked = if options.register == Register::Auto { own } else { options.register };
    let (register, octave_shift) = choose_register(melody, &sung, asked, options.stay_in_octave);
    let take = Take { melody, lyrics, sung: &sung, register, octave_shift, voice: Voice::Auto, options };
    Ok(take.perform(Some(recital), &mut |done| progress(0.45 + 0.55 * done)))
}

/// Finds when each sound is made in recordings of lines: what was said of each line that has syllables, cut out, with its
/// times. The recordings are held against the formant voice, or against a speaker whose times are known; only against the
/// formant voice it is judged whether the words are there at all.
///
/// # Errors
/// As [`sing_spoken`]; `Speech` when the speaker fails.
pub fn align_spoken(
    lyrics: &Lyrics,
    parts: &[SpokenPart],
    against: Option<(&dyn Speaker, Voice)>,
) -> Result<Vec<Utterance>, VoiceError> {
    let model = against.map(|(speaker, voice)| Model::Spoken(speaker, voice));
    Ok(alignment::align(&placed(lyrics, parts)?, model, &mut |_| {})?.lines)
}

/// The parts with their lines, which are all lines that have syllables, in order.
fn placed<'a>(lyrics: &'a Lyrics, parts: &'a [SpokenPart]) -> Result<Vec<Part<'a>>, VoiceError> {
    let has_syllables = |line: &&(usize, &LyricLine)| !line.1.syllables.is_empty();
    let all: Vec<(usize, &LyricLine)> = lyrics.lines.iter().enumerate().collect();
    let mut placed = Vec::with_capacity(parts.len());
    let mut next = 0;
    for part in parts {
        let own = all.get(part.lines.clone()).filter(|_| part.lines.start >= next);
        let own =
            own.ok_or_else(|| VoiceError::Mismatch(format!("there are no lines {:?} to be spoken", part.lines)))?;
        if let Some(line) = all[next..part.lines.start].iter().find(has_syllables) {
            return Err(VoiceError::Mismatch(format!("nobody spoke line {}", line.0 + 1)));
        }
        next = part.lines.end;
        let lines: Vec<(usize, &LyricLine)> = own.iter().filter(has_syllables).copied().collect();
        if !lines.is_empty() {
            placed.push(Part { lines, sample_rate_hz: part.sample_rate_hz, samples: &part.samples });
        }
    }
    match all[next..].iter().find(has_syllables) {
        Some(line) => Err(VoiceError::Mismatch(format!("nobody spoke line {}", line.0 + 1))),
        None => Ok(placed),
    }
}
