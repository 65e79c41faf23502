//! Beats and bars under a melody that nobody sang to a click.
//!
//! Beats are quarter notes throughout, also in 6/8. First every onset gets its place among the quarters, together with the
//! local tempo (`score_times`); then beats are drawn through those places (`beats`), so that they follow a singer who
//! hurries or lingers. The meter is the one whose accents and whose bar-to-bar repetition the notes fit best (`bars`).

mod bars;
mod beats;
mod grid;
mod score_times;

pub use grid::BeatGrid;

use beats::Anchor;
use score_times::Onset;

use crate::{
    melody::{Melody, Note, Phrase},
    meter::{Meter, Rhythm},
};

/// Lead, in correlation, at which a meter is certain.
const SURE_LEAD: f64 = 0.35;
/// Most tunes are in four; the fewer notes speak, the more that counts.
const COMMON_METER_BONUS: f64 = 0.06;
const FEW_NOTES_BONUS: f64 = 0.4;
/// Onsets closer together than this are one.
const LEAST_APART_SECONDS: f64 = 0.02;
/// A meter that leads over 4/4 by less, as a share of a sure lead, is not told: most tunes are in four.
const LEAST_LEAD: f64 = 0.2;
/// Longer melodies have no beats: an hour, or so many onsets.
const MOST_SECONDS: f64 = 3600.0;
const MOST_ONSETS: usize = 10_000;

/// Finds beats and meter for notes in order whose tempo is known. `tempo_bpm` counts quarters.
pub fn estimate(notes: &[Note], phrases: &[Phrase], tempo_bpm: f64, tempo_confidence: f64) -> Rhythm {
    let nothing = Rhythm { tempo_confidence, ..Rhythm::default() };
    if notes.len() < 3 || !(4.0..=1000.0).contains(&tempo_bpm) {
        return nothing;
    }
    let quarter_seconds = 60.0 / tempo_bpm;
    let weights = onset_weights(notes, quarter_seconds);
    let beats = beats_under(notes, phrases, &weights, quarter_seconds);
    if beats.len() < 3 {
        return nothing;
    }
    let accents = accents_on_eighths(notes, &weights, &beats);
    let enough = 1.0 - (-(notes.len() as f64) / 10.0).exp();
    let common = COMMON_METER_BONUS + FEW_NOTES_BONUS * (1.0 - enough);
    let mut best: Vec<(f64, Meter, usize)> =
        Meter::ALL.iter().map(|&meter| bars::fit(&accents, meter, common)).collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0));
    let lead = |over: &(f64, Meter, usize)| (best[0].0 - over.0) / SURE_LEAD * enough;
    let meter_confidence = lead(&best[1]).clamp(0.0, 1.0);
    let is_told = |read: &&(f64, Meter, usize)| read.1 == Meter::FourFour && lead(read) < LEAST_LEAD;
    let &(_, meter, eighth) = best.iter().find(is_told).unwrap_or(&best[0]);
    // A bar that begins between two beats means that the beats stand half a beat off.
    let beats = if eighth % 2 == 1 { half_later(&beats) } else { beats };
    let downbeat = eighth / 2;
    Rhythm { beats_seconds: beats, downbeat, meter, meter_confidence, tempo_confidence }
}

/// The melody read at a tempo that somebody who knows it has told: beats and meter are found anew.
pub fn at_tempo(melody: Melody, tempo_bpm: f64) -> Melody {
    const TOLD: f64 = 1.0;
    let rhythm = estimate(&melody.notes, &melody.phrases, tempo_bpm, TOLD);
    Melody { tempo_bpm, tempo_alternatives_bpm: Vec::new(), rhythm, ..melody }
}

/// How much each onset asks for a strong beat, about 0.3 to 1.2: long notes do, and loud ones.
fn onset_weights(notes: &[Note], quarter_seconds: f64) -> Vec<f64> {
    (0..notes.len())
        .map(|index| {
            let until = notes.get(index + 1).map_or(notes[index].end_seconds(), |next| next.onset_seconds);
            let quarters = ((until - notes[index].onset_seconds) / quarter_seconds).clamp(0.1, 2.0);
            let loud = f64::from(notes[index].velocity) / 127.0;
            0.25 + 0.4 * quarters + 0.15 * loud
        })
        .collect()
}

/// Beats from the first onset, or a little before it, to the last note's end.
fn beats_under(notes: &[Note], phrases: &[Phrase], weights: &[f64], quarter_seconds: f64) -> Vec<f64> {
    let end_seconds = notes[notes.len() - 1].end_seconds();
    if !(0.0..=MOST_SECONDS).contains(&(end_seconds - notes[0].onset_seconds)) {
        return Vec::new();
    }
    let mut onsets: Vec<Onset> = Vec::new();
    for (index, (note, &weight)) in notes.iter().zip(weights).enumerate() {
        let seconds = note.onset_seconds;
        if onsets.last().is_none_or(|before| seconds - before.seconds >= LEAST_APART_SECONDS) {
            let starts_phrase = phrases.iter().any(|phrase| phrase.start == index);
            onsets.push(Onset { seconds, weight, starts_phrase });
        }
    }
    if onsets.len() > MOST_ONSETS {
        return Vec::new();
    }
    let anchors: Vec<Anchor> = score_times::find(&onsets, quarter_seconds)
        .into_iter()
        .map(|(index, ticks)| Anchor {
            seconds: onsets[index].seconds,
            quarters: ticks as f64 / score_times::TICKS_PER_QUARTER as f64,
        })
        .collect();
    if anchors.len() < 2 {
        return Vec::new();
    }
    let mut beats = beats::through(&anchors, quarter_seconds, end_seconds);
    // A beat before the recording begins cannot be told.
    beats.retain(|&beat| beat >= 0.0);
    beats
}

/// The accents that sound, on eighths counted from the first beat; 0 where no note begins.
fn accents_on_eighths(notes: &[Note], weights: &[f64], beats: &[f64]) -> Vec<f64> {
    let mut accents = vec![0.0f64; 2 * beats.len()];
    for (note, weight) in notes.iter().zip(weights) {
        let next = beats.partition_point(|&beat| beat <= note.onset_seconds).clamp(1, beats.len() - 1);
        let (start, end) = (beats[next - 1], beats[next]);
        let eighth = (2.0 * ((next - 1) as f64 + (note.onset_seconds - start) / (end - start))).round();
        if let Some(accent) = accents.get_mut(eighth.max(0.0) as usize) {
            *accent = accent.max(*weight);
        }
    }
    accents
}

fn half_later(beats: &[f64]) -> Vec<f64> {
    beats.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect()
}
