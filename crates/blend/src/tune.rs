//! The best tune for given chords: whole phrases of one song, put together over a section by dynamic programming.

use crate::{
    blocks::{self, MOST_PHRASE, Shelf},
    material::Material,
    role::Role,
    tonal::Classes,
};

/// What a tune of several phrases costs for each of them.
const JOIN: f64 = 0.12;
/// What it costs to begin or to end where the song's phrases do not.
const NO_BEGINNING: f64 = 0.35;
const NO_ENDING: f64 = 0.25;
const OFF_GRID: f64 = 0.1;
/// How much it matters that the line is a tune.
const TUNEFUL: f64 = 1.1;

/// Bars of a song's melody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Phrase {
    /// Index of the first bar of the material, and how many there are.
    pub start: usize,
    pub bars: usize,
    pub shift: i32,
}

/// Phrases that fill a section.
#[derive(Clone, PartialEq, Debug)]
pub struct Tune {
    pub phrases: Vec<Phrase>,
    pub cost: f64,
}

impl Tune {
    /// Material bar and shift for each bar of the section.
    pub fn bars(&self) -> impl Iterator<Item = (usize, i32)> + '_ {
        self.phrases.iter().flat_map(|phrase| (0..phrase.bars).map(|bar| (phrase.start + bar, phrase.shift)))
    }

    /// Share of its bars that are also in another one of the same song.
    pub fn overlap(&self, other: &Self) -> f64 {
        let shared = self.bars().filter(|(bar, _)| other.bars().any(|(theirs, _)| theirs == *bar)).count();
        shared as f64 / self.bars().count().max(1) as f64
    }
}

/// Chords of a section to look for a tune over: the set of tones per slot, and the key's.
pub struct Ground<'a> {
    pub chords: &'a [Classes],
    pub slots: usize,
    pub scale: Classes,
    pub bars: usize,
}

/// The best tune of a song over chords; `noise` is added per first bar of a phrase. `None` if the song has no bars.
pub fn best(material: &Material, shelf: &Shelf, ground: &Ground<'_>, noise: &[f64]) -> Option<Tune> {
    let (count, bars) = (shelf.bars(), ground.bars);
    if count == 0 || bars == 0 {
        return None;
    }
    // Sums of misfit and weight along diagonals: place in the section and bar of the song go forward together.
    let mut sums = vec![(0.0f64, 0.0f64); (bars + 1) * (count + 1)];
    let at = |place: usize, bar: usize| place * (count + 1) + bar;
    for place in 0..bars {
        let chords = &ground.chords[place * ground.slots..(place + 1) * ground.slots];
        for (bar, source) in material.bars.iter().take(count).enumerate() {
            let (bad, all) = blocks::misfit(&source.weights, source.shift, chords, ground.scale);
            let before = sums[at(place, bar)];
            sums[at(place + 1, bar + 1)] = (before.0 + bad, before.1 + all);
        }
    }
    let shortest = 2.min(bars).min(count);
    let mut best: Vec<(f64, usize, usize)> = vec![(f64::MAX, 0, 0); bars + 1];
    best[0].0 = 0.0;
    for place in 0..bars {
        if best[place].0 == f64::MAX {
            continue;
        }
        for length in shortest..=MOST_PHRASE.min(bars - place).min(count) {
            // Nothing shorter than a phrase may be left over.
            let left = bars - place - length;
            if left > 0 && left < shortest {
                continue;
            }
            for start in 0..=count - length {
                if !material.plays(Role::Melody, start) && !material.plays(Role::Melody, start + length - 1) {
                    continue;
                }
                let (from, to) = (sums[at(place, start)], sums[at(place + length, start + length)]);
                let (bad, all) = (to.0 - from.0, to.1 - from.1);
                let fit = if all > 1e-9 { bad / all } else { 1.5 };
                let phrase = fit
                    + TUNEFUL * shelf.tune(start, length)
                    + edges(material, start, length)
                    + noise[start]
                    + 0.5 * (1.0 - shelf.shift(start, length).1);
                let cost = best[place].0 + phrase * length as f64 / bars as f64 + JOIN;
                if cost < best[place + length].0 {
                    best[place + length] = (cost, start, length);
                }
            }
        }
    }
    let cost = best[bars].0;
    if cost == f64::MAX {
        return None;
    }
    let mut phrases = Vec::new();
    let mut place = bars;
    while place > 0 {
        let (_, start, length) = best[place];
        phrases.push(Phrase { start, bars: length, shift: shelf.shift(start, length).0 });
        place -= length;
    }
    phrases.reverse();
    Some(Tune { phrases, cost })
}

fn edges(material: &Material, start: usize, bars: usize) -> f64 {
    let (first, last) = (&material.bars[start], &material.bars[start + bars - 1]);
    let begins = if first.begins_phrase { 0.0 } else { NO_BEGINNING };
    let ends = if last.ends_phrase { 0.0 } else { NO_ENDING };
    begins + ends + if first.on_grid { 0.0 } else { OFF_GRID }
}
