//! Everything that plans are made from, worked out once for all of them.

use std::collections::HashMap;

use music::analysis::ChordSymbol;

use crate::{
    blocks::{self, Block, Shelf},
    dice::Dice,
    form::Section,
    material::Material,
    options::Options,
    role::Role,
    target::Target,
    tune::Tune,
};

/// Blocks of harmony that are kept per song: those that are best as harmony, and those with its own tunes over them.
const KEPT: usize = 24;
const KEPT_SUNG: usize = 8;
/// Bars of a phrase.
const PHRASE: usize = 4;
/// Noise on costs at temperature 1. At half of it plans differ clearly and still fit.
const NOISE: f64 = 0.7;
/// Middle of what plans try; at temperature 0.5 they differ by a tenth to either side.
const STIFFNESS: f64 = 0.4;

/// Everything that plans are made from.
pub struct Library<'a> {
    pub materials: &'a [Material; 3],
    pub shelves: [Shelf; 3],
    pub target: &'a Target,
    pub sections: &'a [Section],
    pub shares: [f64; 3],
    pub letters: Vec<Letter>,
    /// Harmony by length of section in bars, per song.
    pub harmony: HashMap<usize, [Vec<Harmony>; 3]>,
    pub noise: f64,
    pub key_is_given: bool,
    pub creativity: f64,
}

/// A letter of the form.
#[derive(Clone, Copy, Debug)]
pub struct Letter {
    pub index: u8,
    /// Of its longest section.
    pub bars: usize,
    /// Bars of all its sections.
    pub all_bars: usize,
}

/// A block as harmony.
#[derive(Clone, Debug)]
pub struct Harmony {
    pub block: Block,
    pub chords: Vec<ChordSymbol>,
    pub cost: f64,
    /// The same with what the song's own tune over these bars costs; `None` without one.
    pub sung: Option<f64>,
}

/// What a letter gets.
#[derive(Clone, Debug)]
pub struct Choice {
    /// `None` where no song has chords.
    pub harmony: Option<(usize, Block)>,
    pub chords: Vec<ChordSymbol>,
    pub melody: Option<(usize, Tune)>,
}

impl<'a> Library<'a> {
    pub fn new(materials: &'a [Material; 3], target: &'a Target, sections: &'a [Section], options: &Options) -> Self {
        let shelves = std::array::from_fn(|song| Shelf::new(&materials[song], target));
        let mut letters: Vec<Letter> = Vec::new();
        for section in sections {
            let Some(index) = section.letter() else { continue };
            match letters.iter_mut().find(|letter| usize::from(letter.index) == index) {
                Some(letter) => {
                    letter.bars = letter.bars.max(section.bars);
                    letter.all_bars += section.bars;
                }
                None => letters.push(Letter { index: index as u8, bars: section.bars, all_bars: section.bars }),
            }
        }
        let mut harmony = HashMap::new();
        for letter in &letters {
            harmony.entry(letter.bars).or_insert_with(|| {
                std::array::from_fn(|song| harmonies(&materials[song], &shelves[song], letter.bars, target))
            });
        }
        let shares = options.shares();
        let noise = NOISE * options.temperature;
        Self {
            materials,
            shelves,
            target,
            sections,
            shares,
            letters,
            harmony,
            noise,
            key_is_given: options.key.is_some(),
            creativity: options.creativity,
        }
    }

    pub fn noise(&self, dice: &mut Dice) -> f64 {
        self.noise * dice.share()
    }

    /// Between soft and stiff; see [`Plan::stiffness`].
    pub fn stiffness(&self, dice: &mut Dice) -> f64 {
        STIFFNESS + self.noise * (dice.share() - 0.5) * 0.6
    }
}

fn harmonies(material: &Material, shelf: &Shelf, bars: usize, target: &Target) -> Vec<Harmony> {
    if !shelf.gives_harmony {
        return Vec::new();
    }
    let blocks = blocks::blocks(material, bars, |bar| material.bars[bar].has_chord());
    let mut all: Vec<Harmony> = blocks
        .into_iter()
        .map(|block| {
            let chords = blocks::block_chords(material, &block, bars, target);
            let cost = blocks::harmony_cost(material, &block, &chords, bars, &target.key);
            Harmony { block, chords, cost, sung: own_tune(shelf, &block).map(|tune| cost + tune) }
        })
        .collect();
    keep(&mut all, KEPT, KEPT_SUNG);
    all
}

/// Keeps the `count` best blocks, best first, and behind them the `sung` best of the rest that carry the song's own tune.
pub fn keep(all: &mut Vec<Harmony>, count: usize, sung: usize) {
    all.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let mut others = all.split_off(count.min(all.len()));
    others.retain(|harmony| harmony.sung.is_some());
    others.sort_by(|a, b| a.sung.unwrap_or(f64::MAX).total_cmp(&b.sung.unwrap_or(f64::MAX)));
    others.truncate(sung);
    all.extend(others);
}

/// Cost of the melody that a song itself has over a block, phrase by phrase of four bars.
fn own_tune(shelf: &Shelf, block: &Block) -> Option<f64> {
    if !shelf.gives[Role::Melody.index()] {
        return None;
    }
    let starts = (block.start..block.start + block.period).step_by(PHRASE);
    let costs: Vec<f64> =
        starts.map(|start| shelf.tune(start, PHRASE.min(block.start + block.period - start))).collect();
    let mean = costs.iter().sum::<f64>() / costs.len().max(1) as f64;
    (mean < 1.0).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_that_carry_their_own_tune_are_kept_beside_the_best_ones() {
        let harmony = |start: usize, cost: f64, sung: Option<f64>| Harmony {
            block: Block { start, period: 8, cost },
            chords: Vec::new(),
            cost,
            sung,
        };
        let mut all = vec![
            harmony(0, 0.9, Some(0.7)),
            harmony(8, 0.1, Some(1.5)),
            harmony(16, 0.8, Some(1.2)),
            harmony(24, 0.2, None),
            harmony(32, 0.3, None),
        ];
        keep(&mut all, 2, 1);
        assert_eq!(all.iter().map(|harmony| harmony.block.start).collect::<Vec<_>>(), [8, 24, 0]);
    }
}
