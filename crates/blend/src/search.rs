//! Makes a plan: whose tune over whose chords in each section, by exhaustive search under quotas.

use std::collections::HashMap;

use music::{
    Key, Mode,
    analysis::{ChordKind, ChordSymbol},
};

use crate::{
    accompany,
    dice::Dice,
    library::{self, Choice, Harmony, Letter, Library},
    plan::Plan,
    role::Role,
    tonal,
    tune::{self, Ground, Tune},
};

/// Blocks of harmony of each song that a plan tries: those that are best as harmony, and those that carry the song's own
/// tune best, so that a tune may have its own chords where those of the others would bend it.
const TRIED: usize = 4;
const TRIED_SUNG: usize = 2;
/// How much the quality of the chords matters beside how well the tune fits them.
const HARMONY: f64 = 1.0;
/// A song with less than this share of the weight need not have a section of its own.
const LEAST_OWN_SECTION: f64 = 0.15;

impl Library<'_> {
    /// The plan of a row of dice.
    pub fn plan(&self, dice: &mut Dice) -> Plan {
        let (choices, cost) = self.choose(dice);
        let mut plan = accompany::complete(self, &choices, cost, dice);
        plan.target.key = self.key(&choices);
        accompany::close(&mut plan);
        plan
    }

    /// The key that was asked for, or of the two with the same notes the one in which the chosen chords are at home.
    fn key(&self, choices: &[Choice]) -> Key {
        let key = self.target.key;
        if self.key_is_given {
            return key;
        }
        let home = tonal::relative_major(&key) as u8;
        let weight = |root: u8| {
            let of = |(letter, choice): (&Letter, &Choice)| {
                let slots = choice.chords.iter().filter(|chord| chord.root == root).count();
                let opens = choice.chords.first().is_some_and(|chord| chord.root == root);
                (slots as f64 + if opens { 2.0 } else { 0.0 }) * letter.all_bars as f64 / letter.bars as f64
            };
            self.letters.iter().zip(choices).map(of).sum::<f64>()
        };
        let (major, minor) = (weight(home), weight((home + 9) % 12));
        // The songs' own mode has the benefit of the doubt.
        match key.mode {
            Mode::Major if minor > 1.3 * major => Key { tonic: (home + 9) % 12, mode: Mode::Minor, ..key },
            Mode::Minor if major > 1.3 * minor => Key { tonic: home, mode: Mode::Major, ..key },
            _ => key,
        }
    }

    /// Songs that can give a tune: those with a real one, or else any.
    fn melodists(&self) -> Vec<usize> {
        let tuneful: Vec<usize> = (0..3).filter(|&song| self.shelves[song].is_tuneful()).collect();
        if !tuneful.is_empty() {
            return tuneful;
        }
        (0..3).filter(|&song| self.shelves[song].gives[Role::Melody.index()]).collect()
    }

    /// Tune and harmony for each letter: all assignments of songs are compared.
    fn choose(&self, dice: &mut Dice) -> (Vec<Choice>, f64) {
        let melodists = self.melodists();
        let tried = self.tried(dice);
        let noise: [Vec<f64>; 3] =
            std::array::from_fn(|song| (0..self.shelves[song].bars()).map(|_| 0.6 * self.noise(dice)).collect());
        let harmonists: Vec<usize> =
            (0..3).filter(|&song| tried.values().all(|songs| !songs[song].is_empty())).collect();
        let tunes = self.tunes(&tried, &melodists, &noise);
        let pairs: Vec<(Option<usize>, Option<usize>)> = options(&harmonists)
            .into_iter()
            .flat_map(|harmony| options(&melodists).into_iter().map(move |melody| (harmony, melody)))
            .collect();
        let mut best: Option<(f64, Vec<(usize, usize)>)> = None;
        let count = pairs.len().pow(self.letters.len() as u32);
        for number in 0..count {
            let mut rest = number;
            let mut picked: Vec<(usize, usize)> = Vec::with_capacity(self.letters.len());
            let mut cost = self.noise * 2.0 * dice.share();
            for (place, letter) in self.letters.iter().enumerate() {
                let pair = rest % pairs.len();
                rest /= pairs.len();
                let (option, own) = self.option(letter, pairs[pair], &picked, &pairs, &tried, &tunes);
                // The theme comes most often.
                cost += own * if place == 0 { 1.5 } else { 1.0 };
                cost += if pairs[pair].0.is_some() && pairs[pair].0 == pairs[pair].1 { 0.3 } else { 0.0 };
                picked.push((pair, option));
            }
            cost += self.balance(&picked, &pairs, &harmonists, &melodists);
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, picked));
            }
        }
        let (cost, picked) = best.unwrap_or_default();
        let choices = self
            .letters
            .iter()
            .zip(picked)
            .map(|(letter, (pair, option))| {
                let (harmony, melody) = pairs[pair];
                let found = harmony.map(|song| &tried[&letter.bars][song][option]);
                let chords = found.map_or_else(|| self.plain_chords(letter.bars), |found| found.chords.clone());
                let tune = melody.and_then(|song| tunes.get(&(letter.bars, harmony, option, song)).cloned());
                Choice { harmony: harmony.zip(found.map(|found| found.block)), chords, melody: melody.zip(tune) }
            })
            .collect();
        (choices, cost)
    }

    /// The blocks of harmony that this plan tries, by length of section and song.
    fn tried(&self, dice: &mut Dice) -> HashMap<usize, [Vec<Harmony>; 3]> {
        let mut lengths: Vec<usize> = self.harmony.keys().copied().collect();
        lengths.sort_unstable();
        let mut tried = HashMap::new();
        for length in lengths {
            let songs = std::array::from_fn(|song| {
                let mut some = self.harmony[&length][song].clone();
                for harmony in &mut some {
                    let noise = self.noise(dice);
                    harmony.cost += noise;
                    harmony.sung = harmony.sung.map(|cost| cost + noise);
                }
                library::keep(&mut some, TRIED, TRIED_SUNG);
                some
            });
            tried.insert(length, songs);
        }
        tried
    }

    /// The best tune of each song over each block.
    fn tunes(
        &self,
        tried: &HashMap<usize, [Vec<Harmony>; 3]>,
        melodists: &[usize],
        noise: &[Vec<f64>; 3],
    ) -> HashMap<(usize, Option<usize>, usize, usize), Tune> {
        let mut tunes = HashMap::new();
        let scale = tonal::scale(&self.target.key);
        for (&bars, songs) in tried {
            let mut grounds: Vec<(Option<usize>, usize, Vec<ChordSymbol>)> = Vec::new();
            for (song, harmonies) in songs.iter().enumerate() {
                let each = harmonies.iter().enumerate();
                grounds.extend(each.map(|(index, harmony)| (Some(song), index, harmony.chords.clone())));
            }
            if grounds.is_empty() {
                grounds.push((None, 0, self.plain_chords(bars)));
            }
            for (harmony, index, chords) in grounds {
                let sets: Vec<_> = chords.iter().map(|chord| tonal::tone_set(*chord, &self.target.key)).collect();
                let ground = Ground { chords: &sets, slots: self.target.slots(), scale, bars };
                for &song in melodists {
                    let found = tune::best(&self.materials[song], &self.shelves[song], &ground, &noise[song]);
                    if let Some(found) = found {
                        tunes.insert((bars, harmony, index, song), found);
                    }
                }
            }
        }
        tunes
    }

    /// The best block for a letter whose songs are given, and its cost with the tune over it. What other letters have
    /// taken already costs more.
    fn option(
        &self,
        letter: &Letter,
        (harmony, melody): (Option<usize>, Option<usize>),
        picked: &[(usize, usize)],
        pairs: &[(Option<usize>, Option<usize>)],
        tried: &HashMap<usize, [Vec<Harmony>; 3]>,
        tunes: &HashMap<(usize, Option<usize>, usize, usize), Tune>,
    ) -> (usize, f64) {
        let tune_of = |bars: usize, harmony, option, song| tunes.get(&(bars, harmony, option, song));
        let count = harmony.map_or(1, |song| tried[&letter.bars][song].len());
        let cost = |option: usize| {
            let mut cost = harmony.map_or(0.0, |song| HARMONY * tried[&letter.bars][song][option].cost);
            let tune = melody.map(|song| tune_of(letter.bars, harmony, option, song));
            cost += tune.map_or(0.0, |tune| tune.map_or(5.0, |tune| tune.cost));
            for (&(other_pair, other_option), other) in picked.iter().zip(&self.letters) {
                let (other_harmony, other_melody) = pairs[other_pair];
                if let Some(song) = harmony.filter(|_| harmony == other_harmony) {
                    let ours = tried[&letter.bars][song][option].block.start;
                    let theirs = tried[&other.bars][song][other_option].block.start;
                    let apart = ours.abs_diff(theirs) as f64 / letter.bars as f64;
                    cost += 0.8 * (1.0 - apart).max(0.0);
                }
                if let Some(song) = melody.filter(|_| melody == other_melody)
                    && let Some(Some(ours)) = tune
                    && let Some(theirs) = tune_of(other.bars, other_harmony, other_option, song)
                {
                    cost += 1.2 * ours.overlap(theirs);
                }
            }
            cost
        };
        let costs = (0..count).map(|option| (option, cost(option)));
        costs.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 5.0))
    }

    /// How far the sections of each song are from its weight, and what it costs that a song has none.
    fn balance(
        &self,
        picked: &[(usize, usize)],
        pairs: &[(Option<usize>, Option<usize>)],
        harmonists: &[usize],
        melodists: &[usize],
    ) -> f64 {
        let (mut harmony, mut melody) = ([0.0; 3], [0.0; 3]);
        for (&(pair, _), letter) in picked.iter().zip(&self.letters) {
            let bars = letter.all_bars as f64;
            if let Some(song) = pairs[pair].0 {
                harmony[song] += bars;
            }
            if let Some(song) = pairs[pair].1 {
                melody[song] += bars;
            }
        }
        let off = |counts: &[f64; 3], able: &[usize], weight: f64, missing: f64| {
            let (sum, able_share): (f64, f64) = (counts.iter().sum(), able.iter().map(|&song| self.shares[song]).sum());
            if sum <= 0.0 || able_share <= 0.0 {
                return 0.0;
            }
            // Most of a role in one hand is a medley of one song.
            let largest = counts.iter().copied().fold(0.0, f64::max) / sum;
            let heaviest = self.shares.iter().copied().fold(0.0, f64::max);
            let alone = if able.len() > 1 { 4.0 * (largest - f64::max(0.65, 2.0 * heaviest)).max(0.0) } else { 0.0 };
            let distance: f64 =
                able.iter().map(|&song| (counts[song] / sum - self.shares[song] / able_share).abs()).sum();
            let without = able.iter().filter(|&&song| counts[song] == 0.0 && self.shares[song] > LEAST_OWN_SECTION);
            weight * (distance + alone) + missing * without.count() as f64
        };
        off(&harmony, harmonists, 1.2, 0.8) + off(&melody, melodists, 1.5, 1.5)
    }

    /// Chords for songs that have none: the tonic, its relative, the fourth and the fifth degree, a bar each.
    fn plain_chords(&self, bars: usize) -> Vec<ChordSymbol> {
        let key = &self.target.key;
        let (relative, kind) = if key.mode == Mode::Major { (9, ChordKind::Minor) } else { (8, ChordKind::Major) };
        let round = [
            tonal::tonic_chord(key),
            ChordSymbol { root: (key.tonic + relative) % 12, kind },
            tonal::subdominant(key),
            tonal::dominant(key),
        ];
        (0..bars).flat_map(|bar| std::iter::repeat_n(round[bar % 4], self.target.slots())).collect()
    }
}

fn options(songs: &[usize]) -> Vec<Option<usize>> {
    if songs.is_empty() { vec![None] } else { songs.iter().copied().map(Some).collect() }
}
