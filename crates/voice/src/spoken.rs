//! The voice that somebody spoke: each line is said once, taken apart, and laid over the notes, sound by sound.

use std::ops::Range;

use lyrics::{LyricLine, Lyrics, Syllable};
use music::Melody;
use pitch::f0;

use super::{
    Speaker, SpeechError, SpokenWord, Utterance, Voice,
    brightness::SPOKEN_RATE_HZ,
    phones::{Manner, Phone},
    timing::SungSyllable,
};
use crate::vocoder::{self, Analysis};

/// Consonants are sung at least this long …
const SHORTEST_SECONDS: f64 = 0.035;
/// … and at most this long: what is longer was a pause.
const LONGEST_SECONDS: f64 = 0.17;
/// The pitch of a speaker stays within these shares of its median.
const PITCH_REACH: Range<f64> = 0.6..1.7;

/// A sound in a spoken line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Which line.
    pub line: usize,
    pub start: f64,
    pub end: f64,
}

impl Span {
    pub fn seconds(&self) -> f64 {
        self.end - self.start
    }
}

/// A whole text, spoken and taken apart.
pub struct Recital {
    pub lines: Vec<Analysis>,
    /// Where each sound was said, in the order of the syllables.
    pub spans: Vec<Span>,
}

/// Has every line said by `voice`. `progress` hears of the share done.
///
/// # Errors
/// Those of the speaker, and when it said other sounds than it was asked for.
pub fn recite(
    lyrics: &Lyrics,
    voice: Voice,
    speaker: &dyn Speaker,
    progress: &mut dyn FnMut(f64),
) -> Result<Recital, SpeechError> {
    let mut recital = Recital { lines: Vec::new(), spans: Vec::new() };
    let sung: Vec<&LyricLine> = lyrics.lines.iter().filter(|line| !line.syllables.is_empty()).collect();
    for (index, line) in sung.iter().enumerate() {
        let words = words_of(line);
        recital.add(line, &speaker.say(voice, &words)?)?;
        progress((index + 1) as f64 / sung.len() as f64);
    }
    Ok(recital)
}

/// Takes apart what was said of every line that has syllables, in order. `progress` hears of the share done.
///
/// # Errors
/// When other sounds were said than those of the lines.
pub fn recited(lyrics: &Lyrics, said: &[Utterance], progress: &mut dyn FnMut(f64)) -> Result<Recital, SpeechError> {
    let mut recital = Recital { lines: Vec::new(), spans: Vec::new() };
    let sung = lyrics.lines.iter().filter(|line| !line.syllables.is_empty());
    for (line, utterance) in sung.zip(said) {
        recital.add(line, utterance)?;
        progress(recital.lines.len() as f64 / said.len() as f64);
    }
    Ok(recital)
}

impl Recital {
    fn add(&mut self, line: &LyricLine, said: &Utterance) -> Result<(), SpeechError> {
        let asked: Vec<&'static Phone> =
            line.syllables.iter().flat_map(|s| &s.phones).filter_map(|name| Phone::named(name)).collect();
        let spans = spans(self.lines.len(), said)?;
        if spans.len() != asked.len() {
            let sounds = asked.len();
            return Err(SpeechError(format!("{} sounds were spoken for the {sounds} of a line", spans.len())));
        }
        self.lines.push(take_apart(said, &spans, &asked));
        self.spans.extend(spans);
        Ok(())
    }
}

/// Gives the consonants of each syllable the time in which they were spoken.
pub fn speak_as(sung: &mut [SungSyllable], lyrics: &Lyrics, recital: &Recital) {
    let mut spans = recital.spans.iter();
    let syllables = lyrics.lines.iter().flat_map(|line| &line.syllables);
    for (sung, syllable) in sung.iter_mut().zip(syllables) {
        let seconds: Vec<f64> = spans
            .by_ref()
            .take(syllable.phones.len())
            .map(|span| span.seconds().clamp(SHORTEST_SECONDS, LONGEST_SECONDS))
            .collect();
        sung.speak_as(&seconds);
    }
}

/// The words of a line with the sounds that its syllables have.
pub fn words_of(line: &LyricLine) -> Vec<SpokenWord> {
    let texts = lyrics::words_of(&line.text);
    line.syllables
        .chunk_by(|a: &Syllable, b| a.word_index == b.word_index)
        .map(|syllables| SpokenWord {
            text: texts.get(syllables[0].word_index).cloned().unwrap_or_default(),
            phones: syllables.iter().flat_map(|s| s.phones.iter().cloned()).collect(),
        })
        .collect()
}

fn spans(line: usize, said: &Utterance) -> Result<Vec<Span>, SpeechError> {
    let length = said.samples.len() as f64 / f64::from(said.sample_rate_hz.max(1));
    let mut spans = Vec::new();
    let mut start = 0.0;
    for (phone, end) in &said.phones {
        if !(*end > start && *end <= length + 0.05) {
            return Err(SpeechError(format!("the spoken sound {phone} ends at {end} s, after {start} s")));
        }
        if phone != "pau" {
            spans.push(Span { line, start, end: *end });
        }
        start = *end;
    }
    Ok(spans)
}

/// Analyses a line with the speaker's pitch wherever a sound has one: the tracker alone would lose the edges of vowels.
fn take_apart(said: &Utterance, spans: &[Span], phones: &[&'static Phone]) -> Analysis {
    let resampled;
    let samples = if said.sample_rate_hz == SPOKEN_RATE_HZ {
        &said.samples
    } else {
        resampled = f0::Resampler::new(said.sample_rate_hz, SPOKEN_RATE_HZ).convert(&said.samples);
        &resampled
    };
    let track = f0::track(samples, SPOKEN_RATE_HZ);
    let mut heard: Vec<f64> = track.frames.iter().filter(|f| f.voiced).map(|f| f64::from(f.hz)).collect();
    heard.sort_by(f64::total_cmp);
    let median = heard.get(heard.len() / 2).copied().unwrap_or(120.0);
    let at = |seconds: f64| {
        let index = spans.partition_point(|span| span.end <= seconds);
        let inside = spans.get(index).filter(|span| span.start <= seconds)?;
        let phone = phones[index];
        let frame = track.at(inside.start.max(seconds))?;
        let has_pitch = match phone.manner {
            _ if phone.is_sonorant() => true,
            Manner::Stop { voiced: false }
            | Manner::Fricative { voiced: false }
            | Manner::Affricate { voiced: false } => false,
            _ => frame.voiced,
        };
        let hz = f64::from(frame.hz);
        let reach = PITCH_REACH.start * median..PITCH_REACH.end * median;
        has_pitch.then(|| if reach.contains(&hz) { hz } else { median })
    };
    vocoder::analyse(samples, SPOKEN_RATE_HZ, at)
}

/// Loudness that each syllable has to be given so that all vowels are equally loud, as a factor of power in nats, with
/// half of the recorded dynamics on top.
pub fn gains(sung: &[SungSyllable], lyrics: &Lyrics, recital: &Recital, melody: &Melody) -> Vec<f64> {
    const MOST: f64 = 2.3;
    let mut spans = recital.spans.iter();
    let levels: Vec<f64> = lyrics
        .lines
        .iter()
        .flat_map(|line| &line.syllables)
        .map(|syllable| {
            let own: Vec<&Span> = spans.by_ref().take(syllable.phones.len()).collect();
            let vowel = syllable.phones.iter().position(|p| Phone::named(p).is_some_and(Phone::is_vowel));
            vowel.and_then(|at| own.get(at)).map_or(0.0, |span| level(&recital.lines[span.line], span))
        })
        .collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let own = |index: usize| sung.get(index).map_or(0.0, |s| 2.0 * super::loudness(melody, s).ln());
    levels.iter().enumerate().map(|(index, level)| (middle - level).clamp(-MOST, MOST) + own(index)).collect()
}

/// Logarithm of the mean power in the middle of a sound.
fn level(analysis: &Analysis, span: &Span) -> f64 {
    let frame = |share: f64| ((span.start + share * span.seconds()) / vocoder::HOP_SECONDS).round() as usize;
    let frames = analysis.frames.get(frame(0.25)..=frame(0.75).min(analysis.frames.len() - 1)).unwrap_or_default();
    let power = |frame: &vocoder::Frame| frame.log_power.iter().map(|v| f64::from(*v).exp()).sum::<f64>();
    let total: f64 = frames.iter().map(power).sum();
    (total / (frames.len().max(1) * vocoder::BINS) as f64).max(1e-12).ln()
}
