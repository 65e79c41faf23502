//! The meter where the file says none, and where its bars begin.

use super::{
    DrumClass, MeterReading, MeterSource, bars,
    material::{Material, Sound, together},
};
use crate::score::{MeterChange, Score, Tick};

/// Lead of one meter's self-similarity over the other's from which it is believed, and at which it is certain.
const LEAD: f64 = 0.06;
const SURE_LEAD: f64 = 0.3;
/// What it counts that one place of the bar stands out, against self-similarity.
const CONTRAST: f64 = 1.0;
/// Lead of one place of the bar line over the next from which it is believed.
const PHASE_LEAD: f64 = 0.15;
/// Beats that are looked at; more say nothing new.
const MOST_BEATS: usize = 4_096;
/// Fewer beats than this tell nothing.
const LEAST_BEATS: usize = 24;

/// Meters to lay bars by, the ticks before the first whole bar, and how that was found.
pub(super) fn read(score: &Score, material: &Material<'_>) -> (Vec<MeterChange>, Tick, MeterReading) {
    let given = if score.meter_is_given { bars::believable(score) } else { Vec::new() };
    if let Some(first) = given.first() {
        let confidence = 1.0;
        let reading = MeterReading { source: MeterSource::Given, confidence, pickup_quarters: 0.0 };
        // Which two written bars are joined is for us to find.
        let pickup = if bars::joined(first) > 1 { joined_pickup(score, material, first) } else { 0 };
        return (given, pickup, reading);
    }
    let (ternary, quaternary) = similarities(material);
    let lead = ternary - quaternary + CONTRAST * (contrast(material, 3.0) - contrast(material, 4.0));
    let meter = |beats, unit| MeterChange { at: 0, beats, unit };
    let (found, source) = if lead > LEAD {
        (ternary_meter(material), MeterSource::Found)
    } else if lead < -LEAD {
        (meter(4, 4), MeterSource::Found)
    } else {
        (meter(4, 4), MeterSource::Assumed)
    };
    let (phase, phase_lead) = phase(material, f64::from(found.beats) * 4.0 / f64::from(found.unit), 1.0);
    let pickup_quarters = if phase_lead >= PHASE_LEAD { phase } else { 0.0 };
    let pickup = (pickup_quarters * f64::from(score.ticks_per_quarter.max(1))).round() as Tick;
    let confidence = (lead.abs() / SURE_LEAD).clamp(0.0, 1.0);
    (vec![found], pickup, MeterReading { source, confidence, pickup_quarters })
}

fn joined_pickup(score: &Score, material: &Material<'_>, meter: &MeterChange) -> Tick {
    let written = bars::quarters(meter);
    let whole = written * f64::from(bars::joined(meter));
    let (phase, lead) = phase(material, whole, written);
    if lead >= PHASE_LEAD { (phase * f64::from(score.ticks_per_quarter.max(1))).round() as Tick } else { 0 }
}

/// Mean likeness of beats that are 3, 6, 9, 18 apart, and of beats that are 4, 8, 16, 20 apart.
fn similarities(material: &Material<'_>) -> (f64, f64) {
    let beats = beat_features(material);
    if beats.len() < LEAST_BEATS {
        return (0.0, 0.0);
    }
    let at = |lag: usize| {
        let pairs = beats.len().saturating_sub(lag);
        let sum: f64 = (0..pairs).map(|index| dot(&beats[index], &beats[index + lag])).sum();
        if pairs < 8 { 0.0 } else { sum / pairs as f64 }
    };
    let mean = |lags: [usize; 4]| lags.into_iter().map(at).sum::<f64>() / 4.0;
    (mean([3, 6, 9, 18]), mean([4, 8, 16, 20]))
}

/// Pitch classes, onsets of pitched notes and of drums on the sixteenths of a beat.
const FEATURES: usize = 12 + 4 + 4;

fn beat_features(material: &Material<'_>) -> Vec<[f64; FEATURES]> {
    let count = (material.end().ceil() as usize).min(MOST_BEATS);
    let mut beats = vec![[0.0; FEATURES]; count];
    for voice in &material.voices {
        for sound in &voice.sounds {
            let sixteenth = (sound.onset * 4.0).round() as usize;
            if let Some(beat) = beats.get_mut(sixteenth / 4) {
                beat[12 + sixteenth % 4 + if voice.is_drums { 4 } else { 0 }] = 0.8;
            }
            if !voice.is_drums {
                spread(sound, &mut beats);
            }
        }
    }
    for beat in &mut beats {
        normalize(&mut beat[..12], 1.0);
        normalize(&mut beat[12..], 0.8);
    }
    // What all beats have in common does not part meters.
    let mut mean = [0.0; FEATURES];
    for beat in &beats {
        mean.iter_mut().zip(beat).for_each(|(sum, value)| *sum += value / count.max(1) as f64);
    }
    for beat in &mut beats {
        beat.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean);
        normalize(beat, 1.0);
    }
    beats
}

fn spread(sound: &Sound, beats: &mut [[f64; FEATURES]]) {
    let first = (sound.onset.max(0.0) as usize).min(beats.len());
    let last = (sound.end.ceil() as usize).min(beats.len());
    for (index, beat) in beats[first..last.max(first)].iter_mut().enumerate() {
        let start = (first + index) as f64;
        beat[sound.class()] += sound.within(start, start + 1.0);
    }
}

fn normalize(values: &mut [f64], length: f64) {
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    if norm > 1e-9 {
        values.iter_mut().for_each(|value| *value *= length / norm);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The meter whose beats are where notes begin in bars of three quarters: 3/4, 6/8, or 12/16, a shuffle of four beats
/// that was written as triplets without the sign.
fn ternary_meter(material: &Material<'_>) -> MeterChange {
    const LEAD: f64 = 1.3;
    let (mut quarters, mut middle, mut fourths) = (0.0, 0.0, 0.0);
    for sound in material.voices.iter().flat_map(|voice| &voice.sounds) {
        let place = sound.onset.rem_euclid(3.0);
        let near = |wanted: f64| (place - wanted).abs() < 0.1;
        if near(1.5) {
            middle += 1.0;
        } else if near(1.0) || near(2.0) {
            quarters += 0.5;
        } else if near(0.75) || near(2.25) {
            fourths += 0.5;
        }
    }
    let (beats, unit) = match (middle > LEAD * quarters, fourths > LEAD * quarters) {
        (true, true) => (12, 16),
        (true, false) => (6, 8),
        _ => (3, 4),
    };
    MeterChange { at: 0, beats, unit }
}

/// Where in a cycle of `period` quarters the bar begins, in steps, and its lead over the next best place.
fn phase(material: &Material<'_>, period: f64, step: f64) -> (f64, f64) {
    let scores = downbeats(material, period, step);
    if scores.len() < 2 {
        return (0.0, 0.0);
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    (order[0] as f64 * step, scores[order[0]] - scores[order[1]])
}

/// How much one place of a cycle stands out as its beginning: 0 if none does, 1 if all speaks for one.
fn contrast(material: &Material<'_>, period: f64) -> f64 {
    let scores = downbeats(material, period, 1.0);
    let sum: f64 = scores.iter().sum();
    let mean = sum / scores.len() as f64;
    let most = scores.iter().copied().fold(0.0, f64::max);
    if sum > mean { (most - mean) / (sum - mean) } else { 0.0 }
}

/// What speaks for a bar line at each step of a cycle of `period` quarters, summing up to 2. Bass and long notes begin
/// there, kick and crash sound there, the snare does not, and the harmony changes.
fn downbeats(material: &Material<'_>, period: f64, step: f64) -> Vec<f64> {
    let places = ((period / step).round() as usize).max(1);
    let mut accents = vec![0.0; places];
    for voice in &material.voices {
        for group in together(&voice.sounds) {
            let place = group[0].onset / step;
            if (place - place.round()).abs() * step < 0.12 {
                accents[place.round() as usize % places] += accent(group, voice.is_drums);
            }
        }
    }
    let mut changes = vec![0.0; places];
    harmony_changes(material, step, &mut changes);
    let share = |values: &[f64]| {
        let sum: f64 = values.iter().map(|value: &f64| value.max(0.0)).sum();
        values.iter().map(|value| if sum > 1e-9 { value.max(0.0) / sum } else { 0.0 }).collect::<Vec<_>>()
    };
    share(&accents).iter().zip(share(&changes)).map(|(a, b)| a + b).collect()
}

fn accent(group: &[Sound], is_drums: bool) -> f64 {
    if is_drums {
        let weight = |sound: &Sound| match DrumClass::of(sound.pitch) {
            DrumClass::Kick => 0.6,
            DrumClass::Crash => 2.0,
            DrumClass::Snare => -0.6,
            _ => 0.0,
        };
        return group.iter().map(weight).sum();
    }
    let length = group.iter().map(Sound::quarters).sum::<f64>() / group.len() as f64;
    let is_low = group[0].pitch < 50;
    0.3 * length.min(4.0) * if is_low { 1.6 } else { 1.0 }
}

fn harmony_changes(material: &Material<'_>, step: f64, changes: &mut [f64]) {
    let count = ((material.end() / step).ceil() as usize).min(MOST_BEATS);
    let mut chroma = vec![[0.0; 12]; count + 1];
    for sound in material.voices.iter().filter(|voice| !voice.is_drums).flat_map(|voice| &voice.sounds) {
        let first = ((sound.onset / step) as usize).min(count);
        let last = ((sound.end / step) as usize).min(count);
        for (index, classes) in chroma[first..=last.max(first)].iter_mut().enumerate() {
            let start = (first + index) as f64 * step;
            classes[sound.class()] += sound.within(start, start + step);
        }
    }
    for index in 1..count {
        let (a, b) = (&chroma[index - 1], &chroma[index]);
        let norm = (dot(a, a) * dot(b, b)).sqrt();
        if norm > 1e-9 {
            changes[index % changes.len()] += 1.0 - dot(a, b) / norm;
        }
    }
}
