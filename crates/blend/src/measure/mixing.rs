//! How the songs are mixed.

use super::{Arrangement, Figure, Gate, GateName};
use crate::{form::SectionKind, role::Role};

const WINDOW: usize = 8;

/// Songs in a bar, as bits.
fn songs_in(arrangement: &Arrangement<'_>, bar: usize) -> u8 {
    let cells = arrangement.cells.iter().filter_map(|line| line.get(bar).copied().flatten());
    cells.filter_map(|cell| cell.song).fold(0, |bits, song| bits | 1 << song)
}

/// Two songs at once in nearly all bars, all three in nearly all stretches of eight: what neither of the cheap ways does.
pub fn mixed(arrangement: &Arrangement<'_>) -> Gate {
    let songs: Vec<u8> = (0..arrangement.bars()).map(|bar| songs_in(arrangement, bar)).collect();
    let claimed: Vec<u8> = songs.iter().copied().filter(|&bits| bits != 0).collect();
    let share = |count: usize, all: usize| count as f64 / all.max(1) as f64;
    let two = share(claimed.iter().filter(|bits| bits.count_ones() >= 2).count(), claimed.len());
    let windows: Vec<u8> =
        songs.windows(WINDOW.min(songs.len().max(1))).map(|bars| bars.iter().fold(0, |a, b| a | b)).collect();
    let three = share(windows.iter().filter(|bits| bits.count_ones() >= 3).count(), windows.len());
    Gate::of(
        GateName::Mixed,
        vec![
            Figure::least("bars with two songs or more", two, 0.90),
            Figure::least("stretches of 8 bars with all three", three, 0.90),
        ],
    )
}

/// Cells (bar × role) of each song against its weight. A song that lacks roles can only have as many cells as the roles
/// that it gives. Every tuneful song has a section of melody, and none has nearly all, or more than the form's main letter.
pub fn shares(
    arrangement: &Arrangement<'_>,
    weights: &[f64; 3],
    gives: &[[bool; Role::COUNT]; 3],
    tuneful: &[bool; 3],
) -> Gate {
    const NAMES: [&str; 3] = ["share of song 1", "share of song 2", "share of song 3"];
    let mut cells = [[0.0; Role::COUNT]; 3];
    for role in Role::ALL {
        for song in arrangement.cells[role.index()].iter().flatten().filter_map(|cell| cell.song) {
            cells[song][role.index()] += 1.0;
        }
    }
    let per_role: [f64; Role::COUNT] = std::array::from_fn(|role| cells.iter().map(|of| of[role]).sum());
    let all: f64 = per_role.iter().sum::<f64>().max(1.0);
    let mut figures = Vec::new();
    for song in 0..3 {
        let possible = Role::ALL.iter().filter(|role| gives[song][role.index()] && **role != Role::CounterMelody);
        let most_possible: f64 = possible.clone().map(|role| per_role[role.index()]).sum::<f64>() / all;
        let share = cells[song].iter().sum::<f64>() / all;
        // With three of the four roles or more: 20 to 50 % at even weights.
        let least = if possible.count() >= 3 { 0.6 * weights[song] } else { 0.6 * weights[song].min(most_possible) };
        let most = (1.5 * weights[song]).min(0.9);
        figures.push(Figure { most: Some(most), ..Figure::least(NAMES[song], share, least) });
    }
    let melody: [f64; 3] = std::array::from_fn(|song| cells[song][Role::Melody.index()]);
    let sung: f64 = melody.iter().sum();
    let singers = tuneful.iter().filter(|tuneful| **tuneful).count();
    let mut letters: Vec<usize> = arrangement.sections.iter().filter_map(|section| section.letter()).collect();
    letters.sort_unstable();
    letters.dedup();
    let sections_suffice = arrangement.sections.is_empty() || letters.len() >= singers;
    let mut note = None;
    if sung > 0.0 && singers > 1 {
        let heaviest = weights.iter().copied().fold(0.0, f64::max);
        let largest = melody.iter().copied().fold(0.0, f64::max) / sung;
        let most = f64::max(0.65, 2.0 * heaviest).max(form_share(arrangement));
        figures.push(Figure::most("largest share of the melody", largest, most));
        if sections_suffice {
            let wanted = (0..3).filter(|&song| tuneful[song] && weights[song] > 0.15);
            let fewest = wanted.map(|song| melody[song]).fold(f64::MAX, f64::min);
            // A section of melody, with its rests.
            let section =
                arrangement.sections.iter().filter(|s| s.letter().is_some()).map(|s| s.bars).min().unwrap_or(8);
            if fewest < f64::MAX {
                figures.push(Figure::least(
                    "bars of melody of the tuneful song with fewest",
                    fewest,
                    0.6 * section.min(8) as f64,
                ));
            }
        } else {
            note = Some("there are fewer letters than songs with a tune");
        }
    }
    Gate::of(GateName::Shares, figures).noted(note)
}

/// Share of the bars that the letter with the most bars has, with the end, where its tune is heard once more. In a short ABA
/// that is more than two thirds. Nothing without sections.
fn form_share(arrangement: &Arrangement<'_>) -> f64 {
    let mut bars = [0usize; 26];
    let (mut letters, mut end) = (0, 0);
    for section in arrangement.sections {
        match (section.letter(), section.kind) {
            (Some(letter), _) => {
                bars[letter] += section.bars;
                letters += section.bars;
            }
            (None, SectionKind::End) => end += section.bars,
            _ => {}
        }
    }
    let most = bars.into_iter().max().unwrap_or(0);
    if bars.iter().filter(|bars| **bars > 0).count() < 2 { 0.0 } else { (most + end) as f64 / (letters + end) as f64 }
}
