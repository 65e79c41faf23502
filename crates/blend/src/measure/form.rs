//! Whether the theme returns and the piece ends.

use music::Mode;

use super::{Arrangement, Figure, Gate, GateName};
use crate::{
    form::Section,
    material,
    role::{LineNote, Role},
};

const LIKENESS: &str = "likeness of the theme's return";
const CONTRAST: &str = "the same minus the likeness of the middle";
const LEAST_LIKENESS: f64 = 0.80;
const LEAST_CONTRAST: f64 = 0.30;
const LEAST_BLOCKS: f64 = 0.70;
/// Bars from which on blocks of four are asked to return.
const MANY_BARS: usize = 24;
/// Bars of a section where none are known.
const WINDOW: usize = 8;

/// The theme's return is like it, the next letter is not, and blocks of four bars come again.
pub fn returns(arrangement: &Arrangement<'_>) -> Gate {
    let letters: Vec<&Section> = arrangement.sections.iter().filter(|section| section.letter().is_some()).collect();
    let blocks = repeated_blocks(arrangement);
    if arrangement.line(Role::Melody).is_empty() {
        return Gate::not_applicable(GateName::Return, "there is no melody");
    }
    let melody = melody_prints(arrangement);
    let Some(first) = letters.first() else {
        return windows_return(&melody, blocks);
    };
    let Some(back) = letters.iter().find(|s| s.letter() == first.letter() && s.occurrence == 1) else {
        return Gate::not_applicable(GateName::Return, "the form has no return");
    };
    let likeness = |a: &Section, b: &Section| {
        let bars = a.bars.min(b.bars);
        let pairs = (0..bars).map(|bar| cosine(&melody[a.first_bar + bar], &melody[b.first_bar + bar]));
        pairs.sum::<f64>() / bars.max(1) as f64
    };
    let returned = likeness(first, back);
    let mut figures = vec![Figure::least(LIKENESS, returned, LEAST_LIKENESS)];
    if let Some(other) = letters.iter().find(|section| section.letter() != first.letter()) {
        figures.push(Figure::least(CONTRAST, returned - likeness(first, other), LEAST_CONTRAST));
    }
    // Of A, B and A in four bars each, only two can return.
    let note = if arrangement.bars() >= MANY_BARS {
        figures.push(Figure::least("blocks of 4 bars that return", blocks, LEAST_BLOCKS));
        None
    } else {
        Some("too few bars for their blocks to return")
    };
    Gate::of(GateName::Return, figures).noted(note)
}

/// Without sections: the theme is that of all windows of 8 bars which comes back best after another one.
fn windows_return(melody: &[[f64; 28]], blocks: f64) -> Gate {
    let starts: Vec<usize> = (0..(melody.len() + 1).saturating_sub(WINDOW)).step_by(4).collect();
    let likeness = |a: usize, b: usize| {
        (0..WINDOW).map(|bar| cosine(&melody[a + bar], &melody[b + bar])).sum::<f64>() / WINDOW as f64
    };
    let mut best: Option<(f64, f64)> = None;
    for (index, &first) in starts.iter().enumerate() {
        for &back in starts[index..].iter().filter(|&&back| back >= first + 2 * WINDOW) {
            let returned = likeness(first, back);
            let middle = starts.iter().filter(|&&other| other >= first + WINDOW && other + WINDOW <= back);
            let contrast = returned - middle.map(|&other| likeness(first, other)).fold(f64::INFINITY, f64::min);
            let short = |(returned, contrast): (f64, f64)| {
                (LEAST_LIKENESS - returned).max(0.0) + (LEAST_CONTRAST - contrast).max(0.0)
            };
            if best.is_none_or(|best| short((returned, contrast)) < short(best)) {
                best = Some((returned, contrast));
            }
        }
    }
    let Some((returned, contrast)) = best else {
        return Gate::not_applicable(GateName::Return, "it is too short for a return");
    };
    let figures = vec![
        Figure::least(LIKENESS, returned, LEAST_LIKENESS),
        Figure::least(CONTRAST, contrast, LEAST_CONTRAST),
        Figure::least("blocks of 4 bars that return", blocks, LEAST_BLOCKS),
    ];
    Gate::of(GateName::Return, figures)
}

/// Pitch classes and onsets of the melody, by bar.
fn melody_prints(arrangement: &Arrangement<'_>) -> Vec<[f64; 28]> {
    let beats = arrangement.target.bar();
    let mut prints = vec![[0.0; 28]; arrangement.bars()];
    for note in arrangement.line(Role::Melody) {
        let bar = arrangement.bar_of(note);
        let step = (((note.onset - bar as f64 * beats) * 4.0).round().max(0.0) as usize).min(15);
        prints[bar][note.class()] += note.length.min(2.0);
        prints[bar][12 + step] += 0.5;
    }
    prints
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths <= 0.0 { 0.0 } else { dot(a, b) / lengths }
}

/// Mean, over blocks of four bars, of the likeness of the block that is most like it and not next to it.
fn repeated_blocks(arrangement: &Arrangement<'_>) -> f64 {
    let bars = arrangement.bars();
    let beats = arrangement.target.bar();
    let melody = melody_prints(arrangement);
    let mut counts = vec![[0.0; 12]; bars];
    arrangement.pitched().for_each(|(_, note)| counts[arrangement.bar_of(note)][note.class()] += 1.0);
    let grooves: Vec<[f64; 16]> = (0..bars)
        .map(|bar| {
            let notes: Vec<LineNote> = Role::ALL.iter().flat_map(|&role| arrangement.notes_in(role, bar)).collect();
            let bits = if notes.is_empty() { 0 } else { material::onset_bits(&notes, beats) };
            std::array::from_fn(|step| f64::from(bits >> step & 1))
        })
        .collect();
    // From where the sections begin: an intro may have two bars.
    let letters = arrangement.sections.iter().find(|section| section.letter().is_some());
    let first = letters.map_or(0, |section| section.first_bar % 4);
    let starts: Vec<usize> = (first..bars.saturating_sub(3)).step_by(4).collect();
    let likeness = |a: usize, b: usize| {
        let bar = |offset: usize| {
            let (a, b) = (a + offset, b + offset);
            0.4 * cosine(&counts[a], &counts[b])
                + 0.2 * cosine(&grooves[a], &grooves[b])
                + 0.4 * cosine(&melody[a], &melody[b])
        };
        (0..4).map(bar).sum::<f64>() / 4.0
    };
    let best = |index: usize| {
        let others = (0..starts.len()).filter(|other| other.abs_diff(index) > 1);
        others.map(|other| likeness(starts[index], starts[other])).fold(0.0, f64::max)
    };
    (0..starts.len()).map(best).sum::<f64>() / starts.len().max(1) as f64
}

/// Lowest note the tonic, highest in its triad, held, and nothing struck into it.
pub fn ending(arrangement: &Arrangement<'_>) -> Gate {
    let pitched: Vec<&LineNote> = arrangement.pitched().map(|(_, note)| note).collect();
    let end = pitched.iter().map(|note| note.end()).fold(0.0, f64::max);
    let last: Vec<&&LineNote> = pitched.iter().filter(|note| note.end() > end - 0.6).collect();
    let (Some(low), Some(high)) =
        (last.iter().min_by_key(|note| note.pitch), last.iter().max_by_key(|note| note.pitch))
    else {
        return Gate::not_applicable(GateName::Ending, "there is no pitched note");
    };
    let key = &arrangement.target.key;
    let tonic = usize::from(key.tonic);
    let third = if key.mode == Mode::Major { 4 } else { 3 };
    let in_triad = [0, third, 7].iter().any(|step| (tonic + step) % 12 == high.class());
    let held = last.iter().map(|note| note.length).fold(0.0, f64::max);
    let struck = pitched.iter().map(|note| note.onset).fold(0.0, f64::max);
    let truth = |holds: bool| f64::from(u8::from(holds));
    Gate::of(
        GateName::Ending,
        vec![
            Figure::least("lowest note is the tonic", truth(low.class() == tonic), 1.0),
            Figure::least("highest note is in its triad", truth(in_triad), 1.0),
            Figure::least("quarters held", held, 1.9),
            Figure::least("quarters since the last onset", end - struck, 1.9),
        ],
    )
}
