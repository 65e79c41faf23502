//! When each sound is made: vowels begin on their note, consonants before it.

use std::ops::Range;

use lyrics::Lyrics;
use music::Melody;

use super::phones::{Manner, Phone};
use crate::VoiceError;

/// Notes nearer than this are sung on one breath without a break.
const LEGATO_GAP_SECONDS: f64 = 0.12;
/// Share of the time between two vowel onsets that consonants may take.
const CONSONANT_SHARE: f64 = 0.5;
/// The least rest that is left silent between a coda and the next onset.
const LEAST_REST_SECONDS: f64 = 0.05;

/// A phone with its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    pub phone: &'static Phone,
    pub start: f64,
    pub end: f64,
    /// Which sung syllable it belongs to.
    pub syllable: usize,
    /// Comes after the vowel of its syllable.
    pub is_coda: bool,
}

impl Segment {
    pub fn seconds(&self) -> f64 {
        self.end - self.start
    }
}

/// A run of sounds without silence between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    pub segments: Vec<Segment>,
    /// Last of its phrase: it may die away.
    pub is_phrase_end: bool,
}

impl Stretch {
    pub fn start(&self) -> f64 {
        self.segments.first().map_or(0.0, |s| s.start)
    }

    pub fn end(&self) -> f64 {
        self.segments.last().map_or(0.0, |s| s.end)
    }
}

/// A consonant and the time that it likes to take.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Consonant {
    phone: &'static Phone,
    seconds: f64,
}

/// A syllable with the time of its notes.
#[derive(Debug, Clone, PartialEq)]
pub struct SungSyllable {
    onset: Vec<Consonant>,
    vowel: &'static Phone,
    coda: Vec<Consonant>,
    /// Where the vowel begins.
    pub start: f64,
    /// Where the last of its notes ends.
    pub end: f64,
    pub phrase: usize,
    pub notes: Range<usize>,
}

impl SungSyllable {
    /// Gives the consonants the times that somebody spoke them in, vowel included: one for each sound, in order.
    pub fn speak_as(&mut self, seconds: &[f64]) {
        let vowel = self.onset.len();
        for (index, consonant) in self.onset.iter_mut().enumerate() {
            consonant.seconds = seconds.get(index).copied().unwrap_or(consonant.seconds);
        }
        for (index, consonant) in self.coda.iter_mut().enumerate() {
            consonant.seconds = seconds.get(vowel + 1 + index).copied().unwrap_or(consonant.seconds);
        }
    }
}

/// Gives every syllable its time. A note without a syllable prolongs the one before it in its phrase.
///
/// # Errors
/// `Mismatch` when a syllable names a note or phrase that does not exist, has an unknown phone or no vowel, or when
/// syllables go back in time.
pub fn syllables(melody: &Melody, lyrics: &Lyrics) -> Result<Vec<SungSyllable>, VoiceError> {
    let mut sung: Vec<SungSyllable> = Vec::new();
    let all: Vec<_> =
        lyrics.lines.iter().flat_map(|line| line.syllables.iter().map(move |s| (line.phrase, s))).collect();
    for pair in all.windows(2) {
        if pair[1].1.note < pair[0].1.note {
            return Err(VoiceError::Mismatch(format!("the syllable on note {} comes too late", pair[1].1.note)));
        }
    }
    for (phrase, syllable) in &all {
        let span =
            melody.phrases.get(*phrase).ok_or_else(|| VoiceError::Mismatch(format!("there is no phrase {phrase}")))?;
        if !(span.start..span.end.min(melody.notes.len())).contains(&syllable.note) {
            return Err(VoiceError::Mismatch(format!("note {} is not in phrase {phrase}", syllable.note)));
        }
    }
    for (index, (phrase, syllable)) in all.iter().enumerate() {
        let (span, note) = (melody.phrases[*phrase], syllable.note);
        let sharing = all.iter().filter(|(_, s)| s.note == note).count();
        let turn = all[..index].iter().rev().take_while(|(_, s)| s.note == note).count();
        let own = &melody.notes[note];
        let part = own.duration_seconds / sharing as f64;
        // Notes up to the next syllable of the phrase are held.
        let next_note =
            all.get(index + 1).filter(|(p, _)| p == phrase).map_or(span.end.min(melody.notes.len()), |(_, s)| s.note);
        let last_note = if turn + 1 == sharing { next_note.max(note + 1) - 1 } else { note };
        let start = own.onset_seconds + part * turn as f64;
        let end = if turn + 1 == sharing { melody.notes[last_note].end_seconds() } else { start + part };
        let (onset, vowel, coda) = parts(&syllable.phones)?;
        sung.push(SungSyllable {
            onset,
            vowel,
            coda,
            start,
            end: end.max(start + 0.02),
            phrase: *phrase,
            notes: note..last_note + 1,
        });
    }
    Ok(sung)
}

type Parts = (Vec<Consonant>, &'static Phone, Vec<Consonant>);

fn parts(phones: &[String]) -> Result<Parts, VoiceError> {
    let known = phones
        .iter()
        .map(|p| Phone::named(p).ok_or_else(|| VoiceError::Mismatch(format!("\"{p}\" is no ARPAbet phone"))))
        .collect::<Result<Vec<_>, _>>()?;
    let at = known
        .iter()
        .position(|p| p.is_vowel())
        .ok_or_else(|| VoiceError::Mismatch(format!("the syllable {} has no vowel", phones.join(" "))))?;
    Ok((unhurried(&known[..at], false), known[at], unhurried(&known[at + 1..], true)))
}

fn unhurried(phones: &[&'static Phone], is_coda: bool) -> Vec<Consonant> {
    (0..phones.len())
        .map(|index| Consonant { phone: phones[index], seconds: seconds_in(phones, index, is_coda) })
        .collect()
}

/// Sets the consonants between the vowels and joins what is sung without a break.
pub fn stretches(sung: &[SungSyllable]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut segments: Vec<Segment> = Vec::new();
    let mut vowel_start = sung.first().map_or(0.0, |first| {
        let wanted = seconds_of(&first.onset);
        let room = first.start.max(0.0);
        // At the very beginning there is no time before the note: the vowel gives some of its own.
        let late = (wanted - room).max(0.0).min(0.25 * (first.end - first.start));
        let scale = ((room + late) / wanted.max(1e-9)).min(1.0);
        let start = first.start.max(0.0) + late;
        lay(&mut segments, &first.onset, start - wanted * scale, scale, 0, false);
        start
    });
    for (index, syllable) in sung.iter().enumerate() {
        let next = sung.get(index + 1);
        let coda = seconds_of(&syllable.coda);
        let onset = next.map_or(0.0, |n| seconds_of(&n.onset));
        let next_start = next.map_or(f64::INFINITY, |n| n.start.max(vowel_start + 0.02));
        let gap = next_start - syllable.end;
        // A coda may outlast its note where there is a rest to take it.
        let coda_end = syllable.end + (0.6 * coda).min((gap - onset - LEAST_REST_SECONDS).max(0.0)).min(0.08);
        let is_linked = gap < LEGATO_GAP_SECONDS || coda_end + onset + LEAST_REST_SECONDS > next_start;
        if let (true, Some(next)) = (is_linked, next) {
            let room = CONSONANT_SHARE * (next_start - vowel_start);
            let scale = (room / (coda + onset).max(1e-9)).min(1.0);
            let vowel_end = next_start - (coda + onset) * scale;
            segments.push(nucleus(syllable, index, vowel_start, vowel_end));
            lay(&mut segments, &syllable.coda, vowel_end, scale, index, true);
            lay(&mut segments, &next.onset, next_start - onset * scale, scale, index + 1, false);
        } else {
            let length = coda_end - vowel_start;
            let scale = (CONSONANT_SHARE * length / coda.max(1e-9)).min(1.0);
            let vowel_end = coda_end - coda * scale;
            segments.push(nucleus(syllable, index, vowel_start, vowel_end));
            lay(&mut segments, &syllable.coda, vowel_end, scale, index, true);
            let is_phrase_end = next.is_none_or(|n| n.phrase != syllable.phrase);
            stretches.push(Stretch { segments: std::mem::take(&mut segments), is_phrase_end });
            if let Some(next) = next {
                let room = next_start - coda_end;
                let scale = (room / onset.max(1e-9)).min(1.0);
                lay(&mut segments, &next.onset, next_start - onset * scale, scale, index + 1, false);
            }
        }
        vowel_start = next_start;
    }
    stretches
}

fn nucleus(syllable: &SungSyllable, index: usize, start: f64, end: f64) -> Segment {
    Segment { phone: syllable.vowel, start, end, syllable: index, is_coda: false }
}

fn lay(segments: &mut Vec<Segment>, consonants: &[Consonant], from: f64, scale: f64, syllable: usize, is_coda: bool) {
    let mut start = from;
    for consonant in consonants {
        let end = start + consonant.seconds * scale;
        segments.push(Segment { phone: consonant.phone, start, end, syllable, is_coda });
        start = end;
    }
}

fn seconds_of(consonants: &[Consonant]) -> f64 {
    consonants.iter().map(|consonant| consonant.seconds).sum()
}

/// Length of a consonant among its neighbours: shorter in clusters, sonorants longer after a vowel, no breath after s.
fn seconds_in(phones: &[&'static Phone], index: usize, is_coda: bool) -> f64 {
    let phone = phones[index];
    let mut seconds = phone.seconds;
    if phones.len() > 1 {
        seconds *= 0.85;
    }
    if is_coda && phone.is_sonorant() {
        seconds *= if phone.name == "R" { 1.7 } else { 1.35 };
    }
    if !is_coda && is_unaspirated(phones, index) {
        seconds *= 0.72;
    }
    seconds
}

/// p, t, k after s have no breath.
fn is_unaspirated(phones: &[&'static Phone], index: usize) -> bool {
    matches!(phones[index].manner, Manner::Stop { voiced: false }) && index > 0 && phones[index - 1].name == "S"
}
