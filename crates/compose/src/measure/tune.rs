//! Measures of the tune, each with a lower and an upper bound: dull and erratic tunes both fail.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Gate,
    facts::{Facts, mean, share},
    spoil,
};
use crate::{
    composition::{Section, SectionKind},
    role::{LineNote, Role, TICKS_PER_QUARTER},
    style::Style,
};

/// Least of [`said_twice`].
const LEAST_TWICE: f64 = 0.25;

/// Figures of a line of single notes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tune {
    /// Semitones, between notes less than a bar apart.
    pub mean_interval: f64,
    pub pitches: usize,
    /// Most notes of one pitch in a row.
    pub longest_run: usize,
    /// Share of notes on the lowest or highest pitch of the line.
    pub at_edges: f64,
    /// Entropy of pitch classes, weighted by duration, in bits (Wu and Yang, "The Jazz Transformer on the front line", ISMIR
    /// 2020, H1).
    pub entropy: f64,
    /// Share of four-note figures (intervals and note values) that have been heard before.
    pub repeated: f64,
    /// The same of two notes each, which says more of a line of few notes.
    pub repeated_pairs: f64,
}

/// Measures a line; `None` of fewer than eight notes.
pub fn tune(line: &[LineNote]) -> Option<Tune> {
    if line.len() < 8 {
        return None;
    }
    let near = |pair: &&[LineNote]| pair[1].onset - pair[0].onset <= 4 * TICKS_PER_QUARTER;
    let intervals = line.windows(2).filter(near).map(|pair| f64::from(pair[0].pitch.abs_diff(pair[1].pitch)));
    let pitches: BTreeSet<u8> = line.iter().map(|note| note.pitch).collect();
    let (mut run, mut longest_run) = (1, 1);
    for pair in line.windows(2) {
        run = if pair[0].pitch == pair[1].pitch { run + 1 } else { 1 };
        longest_run = longest_run.max(run);
    }
    let edges = [pitches.first(), pitches.last()];
    let at_edges = share(line.iter().map(|note| edges.contains(&Some(&note.pitch))))?;
    let mut weights = [0.0f64; 12];
    line.iter().for_each(|note| weights[usize::from(note.pitch % 12)] += f64::from(note.duration));
    let total: f64 = weights.iter().sum();
    let entropy =
        weights.iter().filter(|weight| **weight > 0.0).map(|weight| -(weight / total) * (weight / total).log2()).sum();
    let figures = figures(line);
    let mut heard = BTreeSet::new();
    let repeated = share(figures.into_iter().map(|figure| !heard.insert(figure)))?;
    let mut pairs = BTreeSet::new();
    let pair = |two: &[LineNote]| {
        (i32::from(two[1].pitch) - i32::from(two[0].pitch), (two[1].onset - two[0].onset) * 4 / TICKS_PER_QUARTER)
    };
    let repeated_pairs = share(line.windows(2).map(|two| !pairs.insert(pair(two))))?;
    Some(Tune {
        mean_interval: mean(intervals)?,
        pitches: pitches.len(),
        longest_run,
        at_edges,
        entropy,
        repeated,
        repeated_pairs,
    })
}

/// Whether a style says little in a minute.
const fn is_slow(style: Style) -> bool {
    matches!(style, Style::Ambient | Style::Cinematic | Style::LoFi | Style::HipHop)
}

/// How far a line is from what [`gates`] ask of it, with a little to spare; 0 if it is not, or has too few notes to tell.
pub(crate) fn shortfall(style: Style, line: &[LineNote]) -> f64 {
    let Some(tune) = tune(line) else { return 0.0 };
    let below = |value: f64, least: f64| ((least - value) / least).max(0.0);
    let (pitches, repeats, edges) = if is_slow(style) {
        (7.0, below(tune.repeated_pairs, 0.34), 0.36)
    } else {
        (9.0, below(tune.repeated, 0.16), 0.26)
    };
    below(tune.pitches as f64, pitches)
        + repeats
        + below(tune.mean_interval, 1.8)
        + below(4.3, tune.mean_interval)
        + below(edges, tune.at_edges)
        + below(4.0, tune.longest_run as f64)
}

/// Each four notes as their intervals and the steps between their onsets.
pub fn figures(line: &[LineNote]) -> Vec<[i32; 6]> {
    let step = |a: &LineNote, b: &LineNote| ((b.onset - a.onset) * 4 / TICKS_PER_QUARTER).min(16) as i32;
    let up = |a: &LineNote, b: &LineNote| i32::from(b.pitch) - i32::from(a.pitch);
    let figure = |four: &[LineNote]| {
        let pairs = [(0, 1), (1, 2), (2, 3)].map(|(a, b)| (up(&four[a], &four[b]), step(&four[a], &four[b])));
        [pairs[0].0, pairs[1].0, pairs[2].0, pairs[0].1, pairs[1].1, pairs[2].1]
    };
    line.windows(4).map(figure).collect()
}

/// How alike two sections are: share of the onsets of one, by place and pitch class, that the other has.
fn alike(facts: &Facts<'_>, a: usize, b: usize) -> Option<f64> {
    let notes = |place: usize| -> BTreeSet<(u32, u8)> {
        let section = &facts.song.sections[place];
        let from = section.first_bar as usize;
        let bars = facts.bars[from..from + section.bars as usize].iter().enumerate();
        let up = section.transposed.rem_euclid(12) as u8;
        let notes = bars.flat_map(|(bar, facts_of)| {
            facts
                .inside(Role::Melody, facts_of)
                .map(move |(at, note)| (bar as u32 * facts.bar_ticks + at, (note.pitch + 12 - up) % 12))
        });
        notes.collect()
    };
    let (a, b) = (notes(a), notes(b));
    share(a.iter().map(|note| b.contains(note)))
}

/// How much more a section is like its return than like a contrasting one.
fn returns(facts: &Facts<'_>) -> Option<f64> {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, section) in facts.song.sections.iter().enumerate() {
        if matches!(section.kind, SectionKind::A | SectionKind::FullA | SectionKind::B) {
            by_name.entry(section.name.as_str()).or_default().push(place);
        }
    }
    let theme = by_name.get("A")?;
    let bars = |place: &usize| facts.song.sections[*place].bars;
    // A shortened chorus is no return of the whole.
    let whole = theme.iter().skip(1).find(|place| facts.style != Style::Blues || bars(place) == bars(&theme[0]));
    let again = alike(facts, *theme.first()?, *whole?)?;
    let other = facts.song.sections.iter().position(|section| {
        section.kind != SectionKind::Intro
            && section.bars > 0
            && !section.name.starts_with('A')
            && section.kind != SectionKind::Tag
    })?;
    Some(again - alike(facts, theme[0], other)?)
}

/// How much more the rhythm of bars 5 to 8 of a chorus of twelve is like that of bars 1 to 4 than that of bars 9 to 12 is, on
/// average over choruses that begin at `starts`.
fn said_twice(line: &[LineNote], starts: impl Iterator<Item = u32>, bar_ticks: u32) -> Option<f64> {
    let places = |from: u32| -> BTreeSet<u32> {
        let inside = line.iter().map(|note| note.onset).filter(|onset| (from..from + 4 * bar_ticks).contains(onset));
        inside.map(|onset| onset - from).collect()
    };
    mean(starts.filter_map(|start| {
        let (one, two, three) = (places(start), places(start + 4 * bar_ticks), places(start + 8 * bar_ticks));
        let like = |other: &BTreeSet<u32>| share(one.iter().map(|place| other.contains(place)));
        Some(like(&two)? - like(&three)?)
    }))
}

/// How far choruses of twelve bars, which begin at `starts`, are from having a line that is said twice.
pub(crate) fn chorus_shortfall(line: &[LineNote], starts: &[u32], bar_ticks: u32) -> f64 {
    said_twice(line, starts.iter().copied(), bar_ticks).map_or(0.0, |twice| (LEAST_TWICE + 0.05 - twice).max(0.0))
}

/// The whole tune.
pub fn gates(facts: &Facts<'_>) -> Vec<Gate> {
    let slow = is_slow(facts.style);
    let figures = tune(facts.line(Role::Melody));
    let of = |figure: fn(&Tune) -> f64| figures.as_ref().map(figure);
    // Slow styles say less in a minute.
    let least = if slow { 6.0 } else { 8.0 };
    // Seven pitches, each as often, are 0.29; more is a tune that is pinned to its lowest or highest.
    let most_at_edges = if slow { 0.4 } else { 0.3 };
    let mut gates = vec![
        Gate::new("mean interval in semitones", of(|tune| tune.mean_interval), 1.6, 4.6, spoil::drone),
        Gate::new("different pitches", of(|tune| tune.pitches as f64), least, 30.0, spoil::drone),
        Gate::new("longest run of one pitch", of(|tune| tune.longest_run as f64), 1.0, 5.0, spoil::drone),
        Gate::new("share at the edges", of(|tune| tune.at_edges), 0.0, most_at_edges, spoil::drone),
        // Of few notes there are few figures of four.
        if slow {
            Gate::new("pairs heard before", of(|tune| tune.repeated_pairs), 0.3, 0.98, spoil::scatter)
        } else {
            Gate::new("figures heard before", of(|tune| tune.repeated), 0.12, 0.96, spoil::scatter)
        },
    ];
    // A line that is said twice in each chorus of a blues; two choruses have no theme that returns, more have one.
    if facts.style == Style::Blues {
        let is_chorus = |section: &&Section| section.bars == 12 && section.kind != SectionKind::Solo;
        let choruses = facts.song.sections.iter().filter(is_chorus);
        let starts = choruses.filter_map(|section| facts.bars.get(section.first_bar as usize)).map(|bar| bar.start);
        let twice = said_twice(facts.line(Role::Melody), starts, facts.bar_ticks);
        gates.push(Gate::new("a line said twice", twice, LEAST_TWICE, 1.0, spoil::scatter));
    }
    let themes = facts.song.sections.iter().filter(|section| section.name == "A" && section.bars == 12).count();
    if facts.style != Style::Blues || themes > 1 {
        gates.push(Gate::new("return less contrast", returns(facts), 0.25, 1.0, spoil::scatter));
    }
    gates
}
