//! Chords laid out for hands, moved as little as possible from one to the next.

use crate::{chord::Chord, spec::Voicing};

/// Notes from below, in a register (both inclusive).
pub fn voiced(chord: &Chord, kind: Voicing, (low, high): (u8, u8), before: &[u8]) -> Vec<u8> {
    let (low, high) = (i32::from(low), i32::from(high));
    match kind {
        Voicing::Power => power(chord, low, high, before),
        Voicing::Wide => wide(chord, low, high),
        Voicing::Close | Voicing::Rootless => close(chord, kind, low, high, before),
    }
}

/// Intervals above the root that are played, at most four.
fn chosen(chord: &Chord, kind: Voicing) -> Vec<i32> {
    let all: Vec<i32> = chord.quality.intervals().iter().map(|interval| i32::from(*interval)).collect();
    let fifth = i32::from(chord.quality.fifth());
    match all.len() {
        ..=3 => all,
        4 if kind == Voicing::Rootless => all,
        // Of a seventh chord the fifth is left to the bass's overtones.
        4 => all.into_iter().filter(|interval| *interval != fifth || fifth != 7).collect(),
        // Of a ninth the root is left to the bass.
        _ => all.into_iter().filter(|interval| *interval != 0).collect(),
    }
}

fn close(chord: &Chord, kind: Voicing, low: i32, high: i32, before: &[u8]) -> Vec<u8> {
    let root = i32::from(chord.root);
    let classes: Vec<i32> = chosen(chord, kind).iter().map(|interval| (root + interval) % 12).collect();
    let centre = (low + high) / 2;
    let mut best: (i32, Vec<u8>) = (i32::MAX, Vec::new());
    for bottom in low..=high {
        if !classes.contains(&(bottom % 12)) {
            continue;
        }
        // From the lowest note each next one is the nearest above.
        let mut sorted: Vec<i32> = classes.iter().map(|class| (class - bottom).rem_euclid(12)).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let pitches: Vec<i32> = sorted.iter().map(|above| bottom + above).collect();
        let top = pitches.last().copied().unwrap_or(bottom);
        let outside = (top - high).max(0);
        let middle = pitches.iter().sum::<i32>() / pitches.len().max(1) as i32;
        let moved: i32 = pitches
            .iter()
            .map(|pitch| before.iter().map(|old| (i32::from(*old) - pitch).abs()).min().unwrap_or(0))
            .sum();
        // Seconds at the bottom are muddy.
        let muddy = if pitches.len() > 1 && pitches[1] - pitches[0] < 3 { 3 } else { 0 };
        let cost = 2 * moved + (middle - centre).abs() + 5 * outside + muddy;
        if cost < best.0 {
            best = (cost, pitches.iter().map(|pitch| (*pitch).clamp(0, 127) as u8).collect());
        }
    }
    best.1
}

fn power(chord: &Chord, low: i32, high: i32, before: &[u8]) -> Vec<u8> {
    let fifth = i32::from(chord.quality.fifth());
    let roots = (low..=(high - 12).max(low + 11)).filter(|pitch| pitch % 12 == i32::from(chord.root));
    let near = before.first().map_or((2 * low + high) / 3, |before| i32::from(*before));
    let root = roots.min_by_key(|pitch| (pitch - near).abs() + (pitch - low) / 3).unwrap_or(low);
    [root, root + fifth, root + 12].map(|pitch| pitch.clamp(0, 127) as u8).to_vec()
}

/// Root, fifth, octave and what lies above them, as far as the register goes.
fn wide(chord: &Chord, low: i32, high: i32) -> Vec<u8> {
    let root = (low..low + 12).find(|pitch| pitch % 12 == i32::from(chord.root)).unwrap_or(low);
    let third = i32::from(chord.quality.third());
    let fifth = i32::from(chord.quality.fifth());
    let mut above = vec![0, fifth, 12, 12 + third, 12 + fifth];
    above.extend(
        chord
            .quality
            .intervals()
            .iter()
            .skip(3)
            .map(|interval| i32::from(*interval) + if *interval < 12 { 12 } else { 0 }),
    );
    above.push(24);
    above.sort_unstable();
    above.dedup();
    let notes: Vec<u8> = above
        .iter()
        .map(|above| root + above)
        .filter(|pitch| *pitch <= high)
        .map(|pitch| pitch.clamp(0, 127) as u8)
        .collect();
    if notes.len() >= 3 {
        notes
    } else {
        [root, root + third, root + fifth].map(|pitch| pitch.clamp(0, 127) as u8).to_vec()
    }
}
