//! Beats and bars under a melody that nobody sang to a click.
//!
//! Beats are quarter notes throughout, also in 6/8. They are placed by dynamic programming over note onsets (D. Ellis,
//! "Beat tracking by dynamic programming", Journal of New Music Research 36(1), 2007), so that they follow a singer who
//! hurries or lingers. The meter is the one whose accents and whose bar-to-bar repetition the notes fit best.

use crate::{
    melody::{Melody, Note, Phrase},
    meter::{Meter, Rhythm},
};

/// Seconds to quarters and back, from the start of the recording (quarter 0 is at 0 s).
#[derive(Clone, PartialEq, Debug)]
pub struct BeatGrid {
    /// Moment of each quarter; never empty, rising, the first 0.
    quarters_seconds: Vec<f64>,
    /// Length of the quarters after the last one.
    quarter_seconds: f64,
    pub meter: Meter,
    /// Quarters before the first whole bar, below the quarters of a bar.
    pub pickup_quarters: u32,
}

/// Tempo of a melody that has none that could be.
const PLAIN_BPM: f64 = 120.0;
/// Beats that come closer than this are no beats.
const LEAST_QUARTER_SECONDS: f64 = 0.01;
/// And no recording has so many of them before its first note.
const MOST_QUARTERS: f64 = 100_000.0;

impl BeatGrid {
    pub fn of(melody: &Melody) -> Self {
        let bpm = if melody.tempo_bpm.is_finite() && melody.tempo_bpm >= 4.0 { melody.tempo_bpm } else { PLAIN_BPM };
        let quarter_seconds = 60.0 / bpm;
        let Rhythm { beats_seconds, downbeat, meter, .. } = &melody.rhythm;
        let rising = beats_seconds.windows(2).all(|pair| pair[1] - pair[0] >= LEAST_QUARTER_SECONDS);
        let before = beats_seconds.first().map_or(0.0, |first| (first / quarter_seconds).round());
        let is_near = (0.0..MOST_QUARTERS).contains(&before);
        let Some(&first) = beats_seconds.first().filter(|first| rising && is_near && **first >= 0.0) else {
            let quarters_seconds = vec![0.0];
            return Self { quarters_seconds, quarter_seconds, meter: *meter, pickup_quarters: 0 };
        };
        let mut quarters_seconds: Vec<f64> = (0..before as usize).map(|i| i as f64 * first / before).collect();
        let pickup = (quarters_seconds.len() + downbeat) as u32 % meter.quarters_per_bar();
        quarters_seconds.extend(beats_seconds);
        quarters_seconds[0] = 0.0;
        Self { quarters_seconds, quarter_seconds, meter: *meter, pickup_quarters: pickup }
    }

    /// Quarters from the start; goes on at the tempo of the melody after the last beat.
    pub fn quarters_at(&self, seconds: f64) -> f64 {
        let known = &self.quarters_seconds;
        let next = known.partition_point(|&moment| moment <= seconds);
        if next == 0 {
            return seconds / self.quarter_seconds;
        }
        let start = known[next - 1];
        let length = known.get(next).map_or(self.quarter_seconds, |end| end - start);
        (next - 1) as f64 + (seconds - start) / length
    }

    pub fn seconds_at(&self, quarters: f64) -> f64 {
        let known = &self.quarters_seconds;
        let index = (quarters.max(0.0) as usize).min(known.len() - 1);
        let length = known.get(index + 1).map_or(self.quarter_seconds, |end| end - known[index]);
        known[index] + (quarters - index as f64) * length
    }

    /// Quarters at which bars begin, from the first whole bar on.
    pub fn bar_start(&self, bar: u32) -> f64 {
        f64::from(self.pickup_quarters) + f64::from(bar) * f64::from(self.meter.quarters_per_bar())
    }

    /// Moments at which the tempo may change, and each quarter's length from there on.
    pub fn tempo_steps(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let last = self.quarters_seconds.len() - 1;
        let lengths = self.quarters_seconds.windows(2).map(|pair| pair[1] - pair[0]).enumerate();
        lengths.chain(std::iter::once((last, self.quarter_seconds)))
    }
}

/// Steps of time in which beats are searched.
const STEP_SECONDS: f64 = 0.01;
/// What a beat costs that comes a factor of e early or late, in onsets: 10 % off costs a quarter of an onset.
const UNSTEADINESS_COST: f64 = 28.0;
/// Onsets this far from a beat are not on it.
const ONSET_WIDTH_SECONDS: f64 = 0.03;
/// Lead, in correlation, at which a meter is certain.
const SURE_LEAD: f64 = 0.35;
/// Most tunes are in four; the fewer notes speak, the more that counts.
const COMMON_METER_BONUS: f64 = 0.06;
const FEW_NOTES_BONUS: f64 = 0.4;
/// Half of all tunes begin with a bar.
const OPENING_BONUS: f64 = 0.12;
const OFF_BEAT_COST: f64 = 0.08;
/// More beats than this are not looked for (five minutes at 240 bpm are 1200).
const MOST_STEPS: usize = 360_000;

/// Finds beats and meter for notes in order whose tempo is known. `tempo_bpm` counts quarters.
pub fn estimate(notes: &[Note], phrases: &[Phrase], tempo_bpm: f64, tempo_confidence: f64) -> Rhythm {
    let nothing = Rhythm { tempo_confidence, ..Rhythm::default() };
    if notes.len() < 3 || !(4.0..=1000.0).contains(&tempo_bpm) {
        return nothing;
    }
    let weights = onset_weights(notes, phrases, 60.0 / tempo_bpm);
    let beats = beats(notes, &weights, 60.0 / tempo_bpm);
    if beats.len() < 3 {
        return nothing;
    }
    let accents = accents_on_eighths(notes, &weights, &beats);
    let enough = 1.0 - (-(notes.len() as f64) / 10.0).exp();
    let common = COMMON_METER_BONUS + FEW_NOTES_BONUS * (1.0 - enough);
    let mut best: Vec<(f64, Meter, usize)> = Meter::ALL.iter().map(|&meter| fit(&accents, meter, common)).collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (score, meter, eighth) = best[0];
    let meter_confidence = ((score - best[1].0) / SURE_LEAD * enough).clamp(0.0, 1.0);
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

/// How much each onset asks for a strong beat, 0 to about 1.5: long notes and first notes of phrases do.
fn onset_weights(notes: &[Note], phrases: &[Phrase], quarter_seconds: f64) -> Vec<f64> {
    (0..notes.len())
        .map(|index| {
            let until = notes.get(index + 1).map_or(notes[index].end_seconds(), |next| next.onset_seconds);
            let quarters = ((until - notes[index].onset_seconds) / quarter_seconds).clamp(0.1, 2.0);
            let starts_phrase = phrases.iter().any(|phrase| phrase.start == index && phrase.note_count() > 1);
            let loud = f64::from(notes[index].velocity) / 127.0;
            0.25 + 0.4 * quarters + 0.1 * f64::from(u8::from(starts_phrase)) + 0.15 * loud
        })
        .collect()
}

/// Beats from the first onset to the last note's end.
fn beats(notes: &[Note], weights: &[f64], quarter_seconds: f64) -> Vec<f64> {
    let begin = notes[0].onset_seconds;
    let end = notes[notes.len() - 1].end_seconds();
    let steps = ((end - begin) / STEP_SECONDS).ceil().max(1.0) as usize + 1;
    let period = quarter_seconds / STEP_SECONDS;
    if steps > MOST_STEPS || period < 4.0 {
        return Vec::new();
    }
    let mut strength = vec![0.0f64; steps];
    for (note, weight) in notes.iter().zip(weights) {
        let centre = (note.onset_seconds - begin) / STEP_SECONDS;
        let reach = (3.0 * ONSET_WIDTH_SECONDS / STEP_SECONDS) as usize;
        for (step, value) in
            strength.iter_mut().enumerate().skip((centre as usize).saturating_sub(reach)).take(2 * reach + 1)
        {
            let away = (step as f64 - centre) * STEP_SECONDS / ONSET_WIDTH_SECONDS;
            *value = value.max(weight * (-0.5 * away * away).exp());
        }
    }
    let (near, far) = ((period * 0.6) as usize, (period * 1.6) as usize);
    let costs: Vec<f64> = (0..=far).map(|d| UNSTEADINESS_COST * (d.max(1) as f64 / period).ln().powi(2)).collect();
    let mut score = strength.clone();
    let mut from: Vec<Option<usize>> = vec![None; steps];
    for step in 0..steps {
        for distance in near.max(1)..=far.min(step) {
            let candidate = score[step - distance] + strength[step] - costs[distance];
            // The first beat stands at most half a period into the melody.
            if candidate > score[step] || (from[step].is_none() && step as f64 > period / 2.0) {
                score[step] = candidate;
                from[step] = Some(step - distance);
            }
        }
    }
    let tail = steps.saturating_sub(period as usize).min(steps - 1);
    let mut at = (tail..steps).max_by(|&a, &b| score[a].total_cmp(&score[b]));
    let mut found = Vec::new();
    while let Some(step) = at {
        found.push(begin + step as f64 * STEP_SECONDS);
        at = from[step];
    }
    found.reverse();
    found
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

/// Best score of a meter (`common` more for 4/4), and the eighth (below those of a bar) at which its first bar begins.
fn fit(accents: &[f64], meter: Meter, common: f64) -> (f64, Meter, usize) {
    let template = meter.accents();
    let bar = template.len();
    let repeats = (correlation_at(accents, bar) + correlation_at(accents, 2 * bar)) / 2.0;
    let bonus = if meter == Meter::FourFour { common } else { 0.0 };
    let agreement = |phase: usize| {
        let expected = (0..accents.len()).map(|at| template[(at + bar - phase) % bar]);
        let prior = match phase {
            0 => OPENING_BONUS,
            // What the search took for beats mostly are some.
            odd if odd % 2 == 1 => -OFF_BEAT_COST,
            _ => 0.0,
        };
        correlation(accents.iter().copied().zip(expected)) + prior
    };
    let phase = (0..bar).max_by(|&a, &b| agreement(a).total_cmp(&agreement(b))).unwrap_or(0);
    (agreement(phase) + 0.7 * repeats + bonus, meter, phase)
}

fn correlation_at(values: &[f64], lag: usize) -> f64 {
    let overlap = values.len().saturating_sub(lag);
    if overlap < lag.min(6) {
        0.0
    } else {
        correlation(values[..overlap].iter().copied().zip(values[lag..].iter().copied()))
    }
}

/// Pearson's correlation; 0 where either side does not vary.
fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let count = pairs.clone().count().max(1) as f64;
    let (a_sum, b_sum) = pairs.clone().fold((0.0, 0.0), |sums, (a, b)| (sums.0 + a, sums.1 + b));
    let (a_mean, b_mean) = (a_sum / count, b_sum / count);
    let (mut together, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        together += (a - a_mean) * (b - b_mean);
        of_a += (a - a_mean).powi(2);
        of_b += (b - b_mean).powi(2);
    }
    if of_a > 1e-12 && of_b > 1e-12 { together / (of_a * of_b).sqrt() } else { 0.0 }
}

fn half_later(beats: &[f64]) -> Vec<f64> {
    beats.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect()
}
