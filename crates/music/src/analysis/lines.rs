//! Lines: one note at a time, out of what a part plays.

use std::ops::Range;

use super::{
    BarNote, Line, PitchRange, Role,
    material::{Material, Sound, together},
};

/// What a note costs per semitone below the top, and a leap per semitone beyond a major third.
const BELOW_TOP_COST: f64 = 0.10;
const LEAP_COST: f64 = 0.14;
const FREE_LEAP: f64 = 4.0;
/// Over a rest as long as this leaps cost less.
const REST_QUARTERS: f64 = 2.0;
const LEAP_SHARE_OVER_REST: f64 = 0.3;
/// Notes that begin under a held one are of the accompaniment, for so long.
const MOST_HELD_QUARTERS: f64 = 4.0;
/// A part with fewer chords than this means a line: what overlaps in it is legato.
const LEGATO_CHORDAL: f64 = 0.1;
/// Candidates of one onset.
const MOST_CANDIDATES: usize = 8;
/// A short note further than this from both neighbours is no part of a tune.
const SPIKE: u8 = 11;
const SPIKE_QUARTERS: f64 = 0.4;

/// Which end of the chords the line is at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    Top,
    Bottom,
}

impl Edge {
    fn height(self, pitch: u8) -> f64 {
        match self {
            Self::Top => f64::from(pitch),
            Self::Bottom => -f64::from(pitch),
        }
    }
}

/// One note per onset by Viterbi, near the edge but with small leaps; each is cut where the next begins.
pub(super) fn extract(sounds: &[Sound], edge: Edge) -> Vec<Sound> {
    let groups = candidates(sounds, edge);
    let mut line = best_path(&groups, edge);
    for index in 1..line.len() {
        let next = line[index].onset;
        line[index - 1].end = line[index - 1].end.min(next);
    }
    line.retain(|note| note.quarters() > 1e-6);
    if edge == Edge::Top { without_spikes(&line) } else { line }
}

/// Onsets with their candidates, best first.
fn candidates(sounds: &[Sound], edge: Edge) -> Vec<Vec<Sound>> {
    let (mut chords, mut onsets) = (0usize, 0usize);
    for group in together(sounds) {
        onsets += 1;
        chords += usize::from(group.len() > 1);
    }
    let is_legato = (chords as f64) < LEGATO_CHORDAL * onsets as f64;
    let mut kept: Vec<Vec<Sound>> = Vec::with_capacity(onsets);
    let mut held: Option<(f64, f64)> = None;
    for group in together(sounds) {
        let mut group = group.to_vec();
        group.sort_by(|a, b| edge.height(b.pitch).total_cmp(&edge.height(a.pitch)));
        group.truncate(MOST_CANDIDATES);
        let (onset, height) = (group[0].onset, edge.height(group[0].pitch));
        if !is_legato && held.is_some_and(|(until, above)| onset < until - 0.1 && height < above - 2.0) {
            continue;
        }
        held = Some((group[0].end.min(onset + MOST_HELD_QUARTERS), height));
        kept.push(group);
    }
    kept
}

fn best_path(groups: &[Vec<Sound>], edge: Edge) -> Vec<Sound> {
    let Some(first) = groups.first() else { return Vec::new() };
    let below = |group: &[Sound], sound: &Sound| {
        BELOW_TOP_COST * (edge.height(group[0].pitch) - edge.height(sound.pitch)).max(0.0)
    };
    let mut costs: Vec<f64> = first.iter().map(|sound| below(first, sound)).collect();
    let mut back: Vec<Vec<u8>> = Vec::with_capacity(groups.len());
    for pair in groups.windows(2) {
        let (from, to) = (&pair[0], &pair[1]);
        let is_near = to[0].onset - from[0].onset < REST_QUARTERS;
        let share = if is_near { 1.0 } else { LEAP_SHARE_OVER_REST };
        let step = |sound: &Sound| {
            let reach = |(index, before): (usize, &Sound)| {
                let leap = f64::from(before.pitch.abs_diff(sound.pitch)) - FREE_LEAP;
                (costs[index] + LEAP_COST * share * leap.max(0.0), index)
            };
            let best = from.iter().enumerate().map(reach).min_by(|a, b| a.0.total_cmp(&b.0));
            best.unwrap_or((0.0, 0))
        };
        let steps: Vec<(f64, usize)> = to.iter().map(step).collect();
        costs = to.iter().zip(&steps).map(|(sound, (cost, _))| cost + below(to, sound)).collect();
        back.push(steps.iter().map(|(_, index)| *index as u8).collect());
    }
    let best = costs.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
    let mut choice = best.map_or(0, |(index, _)| index);
    let mut line = vec![groups[groups.len() - 1][choice]];
    for (group, back) in groups.iter().rev().skip(1).zip(back.iter().rev()) {
        choice = usize::from(back[choice]);
        line.push(group[choice]);
    }
    line.reverse();
    line
}

fn without_spikes(line: &[Sound]) -> Vec<Sound> {
    let is_spike = |index: usize| {
        let note = line[index];
        let far = |other: &Sound| other.pitch.abs_diff(note.pitch) > SPIKE;
        index > 0 && index + 1 < line.len() && note.quarters() < SPIKE_QUARTERS && {
            far(&line[index - 1]) && far(&line[index + 1])
        }
    };
    (0..line.len()).filter(|&index| !is_spike(index)).map(|index| line[index]).collect()
}

/// Rest or long note after which a phrase ends, and the shortest one that does.
const PHRASE_REST_QUARTERS: f64 = 0.9;
const PHRASE_LONG_QUARTERS: f64 = 1.9;
/// A phrase has at least so many notes, unless a long rest parts it.
const LEAST_PHRASE_NOTES: usize = 3;

/// Runs between rests, and after long notes.
pub(super) fn phrases(line: &[Sound]) -> Vec<Range<usize>> {
    let mut phrases = Vec::new();
    let mut start = 0;
    for index in 1..line.len() {
        let (before, note) = (&line[index - 1], &line[index]);
        let rest = note.onset - before.end;
        let ends = rest >= PHRASE_REST_QUARTERS || note.onset - before.onset >= PHRASE_LONG_QUARTERS;
        let is_long_enough = index - start >= LEAST_PHRASE_NOTES || rest >= 2.0 * PHRASE_REST_QUARTERS;
        if ends && is_long_enough {
            phrases.push(start..index);
            start = index;
        }
    }
    if start < line.len() {
        phrases.push(start..line.len());
    }
    phrases
}

/// A line for the outside.
pub(super) fn line(material: &Material<'_>, sounds: &[Sound], parts: Vec<Option<usize>>, role: Role) -> Line {
    let notes = sounds.iter().map(|sound| bar_note(material, sound, role)).collect();
    Line { notes, parts, phrases: phrases(sounds), range: range(sounds.iter().map(|sound| sound.pitch)) }
}

pub(super) fn range(pitches: impl Iterator<Item = u8> + Clone) -> Option<PitchRange> {
    Some(PitchRange { low: pitches.clone().min()?, high: pitches.max()? })
}

/// A note for the outside.
pub(super) fn bar_note(material: &Material<'_>, sound: &Sound, role: Role) -> BarNote {
    BarNote {
        bar: sound.bar,
        onset_quarters: sound.onset - material.starts[sound.bar],
        quarters: sound.quarters(),
        pitch: sound.pitch,
        velocity: sound.velocity,
        role,
    }
}
