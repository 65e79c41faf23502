//! Key and harmony.

use std::f64::consts::PI;

use super::{Arrangement, Figure, Gate, GateName};
use crate::{
    role::{LineNote, Role},
    tonal::{self, Classes},
};

/// Longer notes count as this long, in quarters.
const MOST_COUNTED: f64 = 2.0;

/// The best single collection of seven notes for the whole piece, without any help from chords: real songs modulate and
/// reach it less often, a paste of three songs seldom.
pub fn key_unity(arrangement: &Arrangement<'_>) -> Gate {
    let mut weights = [0.0; 12];
    arrangement.pitched().for_each(|(_, note)| weights[note.class()] += note.length.min(MOST_COUNTED));
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return Gate::not_applicable(GateName::KeyUnity, "there is no pitched note");
    }
    let share = |home: usize| {
        let notes = tonal::collection(home);
        notes.iter().map(|class| weights[class]).sum::<f64>() / total
    };
    let best = (0..12).map(share).fold(0.0, f64::max);
    Gate::of(GateName::KeyUnity, vec![Figure::least("share of the best seven notes", best, 0.88)])
}

/// The key's seven notes and the planned chord, never one that is estimated from the notes themselves.
pub fn plan_obeyed(arrangement: &Arrangement<'_>) -> Gate {
    let scale = tonal::scale(&arrangement.target.key);
    let (mut inside, mut total) = (0.0, 0.0);
    for (_, note) in arrangement.pitched() {
        let weight = note.length.min(MOST_COUNTED);
        let chord = arrangement
            .chord_at(note.onset)
            .map_or(Classes::default(), |chord| tonal::tone_set(chord, &arrangement.target.key));
        total += weight;
        inside += if scale.has(note.class()) || chord.has(note.class()) { weight } else { 0.0 };
    }
    if total <= 0.0 {
        return Gate::not_applicable(GateName::PlanObeyed, "there is no pitched note");
    }
    Gate::of(GateName::PlanObeyed, vec![Figure::least("share in key or planned chord", inside / total, 0.97)])
}

/// The melody against the other parts and against the chords: CTnCTR, PCS and MCTD as in Y.-C. Yeh et al., "Automatic
/// Melody Harmonization with Triad Chords" (J. New Music Research, 2021); MCTD in the tonal space of C. Harte et al.
/// (2006).
pub fn consonance(arrangement: &Arrangement<'_>) -> Gate {
    let melody = arrangement.line(Role::Melody);
    if melody.len() < 5 {
        return Gate::not_applicable(GateName::Consonance, "there is no melody");
    }
    let rub = rubbing_beats(arrangement, melody);
    let key = &arrangement.target.key;
    let (mut chord_tones, mut passing, mut others) = (0.0, 0.0, 0.0);
    let (mut agreement, mut distance, mut weights) = (0.0, 0.0, 0.0);
    for (index, note) in melody.iter().enumerate() {
        let Some(chord) = arrangement.chord_at(note.onset) else { continue };
        let tones = tonal::tones(chord, key);
        if tones.contains(&note.class()) {
            chord_tones += 1.0;
        } else if melody.get(index + 1).is_some_and(|next| (next.pitch - note.pitch).abs() <= 2) {
            passing += 1.0;
        } else {
            others += 1.0;
        }
        let weight = note.length.min(4.0);
        let consonant = |tone: &usize| match (note.class() + 12 - tone) % 12 {
            0 | 3 | 4 | 7 | 8 | 9 => 1.0,
            5 => 0.0,
            _ => -1.0,
        };
        agreement += weight * tones.iter().map(consonant).sum::<f64>() / tones.len() as f64;
        distance += weight * tonal_distance(note.class(), &tones);
        weights += weight;
    }
    let all = f64::max(chord_tones + passing + others, 1.0);
    let weights = f64::max(weights, 1e-9);
    Gate::of(
        GateName::Consonance,
        vec![
            Figure::most("beats with a semitone against the melody", rub, 0.18),
            Figure::least("CTnCTR", (chord_tones + passing) / all, 0.85),
            Figure::least("PCS", agreement / weights, 0.33),
            Figure::most("MCTD", distance / weights, 1.40),
        ],
    )
}

/// Share of the beats with melody and accompaniment on which both sound a semitone (or major seventh) apart.
fn rubbing_beats(arrangement: &Arrangement<'_>, melody: &[LineNote]) -> f64 {
    let end = arrangement.bars() * usize::from(arrangement.target.beats);
    let under: Vec<&LineNote> =
        arrangement.pitched().filter(|(role, _)| *role != Role::Melody).map(|(_, note)| note).collect();
    let at = |beat: usize, note: &LineNote| note.onset <= beat as f64 + 0.02 && note.end() > beat as f64 + 0.06;
    let mut sung: Vec<Option<i32>> = vec![None; end];
    for note in melody {
        let beats = note.onset.floor().max(0.0) as usize..(note.end().ceil() as usize).min(end);
        beats.filter(|&beat| at(beat, note)).for_each(|beat| sung[beat] = Some(note.pitch));
    }
    let (mut heard, mut rubs) = (vec![false; end], vec![false; end]);
    for note in under {
        let beats = note.onset.floor().max(0.0) as usize..(note.end().ceil() as usize).min(end);
        for beat in beats.filter(|&beat| at(beat, note)) {
            let Some(melody) = sung[beat].filter(|melody| *melody != note.pitch) else { continue };
            heard[beat] = true;
            rubs[beat] |= matches!((melody - note.pitch).rem_euclid(12), 1 | 11);
        }
    }
    let count = |beats: &[bool]| beats.iter().filter(|beat| **beat).count() as f64;
    count(&rubs) / count(&heard).max(1.0)
}

/// Distance of a pitch class from the middle of a chord on the circles of fifths, minor and major thirds.
fn tonal_distance(class: usize, tones: &[usize]) -> f64 {
    let point = |class: usize| -> [f64; 6] {
        let angle = |step: f64| class as f64 * step;
        let (fifths, minor, major) = (angle(7.0 * PI / 6.0), angle(3.0 * PI / 2.0), angle(2.0 * PI / 3.0));
        [fifths.sin(), fifths.cos(), minor.sin(), minor.cos(), 0.5 * major.sin(), 0.5 * major.cos()]
    };
    let mut middle = [0.0; 6];
    for &tone in tones {
        middle.iter_mut().zip(point(tone)).for_each(|(sum, value)| *sum += value / tones.len() as f64);
    }
    point(class).iter().zip(middle).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}
