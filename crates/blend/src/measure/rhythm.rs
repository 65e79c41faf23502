//! Groove and variety of pitch.

use super::{Arrangement, Figure, Gate, GateName};
use crate::{
    blocks,
    form::SectionKind,
    material::{self, Material},
    role::{LineNote, Role},
};

const WINDOW: usize = 8;

/// Likeness of the bars inside sections, the end left out.
pub fn groove(arrangement: &Arrangement<'_>) -> Gate {
    let beats = arrangement.target.bar();
    let onsets: Vec<u16> = (0..arrangement.bars())
        .map(|bar| {
            let notes: Vec<LineNote> = Role::ALL.iter().flat_map(|&role| arrangement.notes_in(role, bar)).collect();
            if notes.is_empty() { 0 } else { material::onset_bits(&notes, beats) }
        })
        .collect();
    let mut stretches: Vec<std::ops::Range<usize>> = Vec::new();
    let mut add = |from: usize, to: usize| {
        let mut start = from;
        while start + 4 <= to {
            stretches.push(start..(start + WINDOW).min(to));
            start += WINDOW;
        }
    };
    if arrangement.sections.is_empty() {
        add(0, onsets.len());
    }
    for section in arrangement.sections.iter().filter(|section| section.kind != SectionKind::End) {
        add(section.first_bar, section.end_bar());
    }
    if stretches.is_empty() {
        return Gate::not_applicable(GateName::Groove, "there is no section of four bars");
    }
    let unity = stretches.iter().map(|bars| blocks::groove_unity(&onsets[bars.clone()], beats)).sum::<f64>();
    Gate::of(GateName::Groove, vec![Figure::least("groove inside sections", unity / stretches.len() as f64, 0.78)])
}

/// Entropy of pitch classes over one and four bars, in bits: within that of the songs, with a margin.
pub fn variety(arrangement: &Arrangement<'_>, songs: &[(f64, f64); 3]) -> Gate {
    let mut counts = vec![[0.0; 12]; arrangement.bars()];
    for (_, note) in arrangement.pitched() {
        counts[arrangement.bar_of(note)][note.class()] += 1.0;
    }
    let known: Vec<(f64, f64)> = songs.iter().copied().filter(|(one, _)| *one > 0.0).collect();
    if known.is_empty() {
        return Gate::not_applicable(GateName::Variety, "no song has a pitched note");
    }
    let (one, four) = entropies(&counts);
    let range = |pick: fn(&(f64, f64)) -> f64| {
        let values = known.iter().map(pick);
        (values.clone().fold(f64::MAX, f64::min) - 0.3, values.fold(f64::MIN, f64::max) + 0.3)
    };
    let (one_range, four_range) = (range(|of| of.0), range(|of| of.1));
    Gate::of(
        GateName::Variety,
        vec![
            Figure { most: Some(one_range.1), ..Figure::least("H1 in bits", one, one_range.0) },
            Figure { most: Some(four_range.1), ..Figure::least("H4 in bits", four, four_range.0) },
        ],
    )
}

/// H1 and H4 of a song.
pub fn variety_of(material: &Material) -> (f64, f64) {
    let of = |bar: &crate::material::MaterialBar| {
        let mut counts = [0.0; 12];
        let roles = Role::ALL.iter().filter(|role| **role != Role::Drums);
        roles.flat_map(|&role| bar.line(role)).for_each(|note| counts[note.class()] += 1.0);
        counts
    };
    entropies(&material.bars.iter().map(of).collect::<Vec<_>>())
}

/// Mean entropy over windows of one and of four bars in which something sounds.
fn entropies(bars: &[[f64; 12]]) -> (f64, f64) {
    let mean = |width: usize| {
        let windows = bars
            .windows(width.min(bars.len().max(1)))
            .map(|bars| std::array::from_fn::<f64, 12, _>(|class| bars.iter().map(|counts| counts[class]).sum()));
        let values: Vec<f64> = windows.filter_map(entropy).collect();
        values.iter().sum::<f64>() / values.len().max(1) as f64
    };
    (mean(1), mean(4))
}

fn entropy(counts: [f64; 12]) -> Option<f64> {
    let sum: f64 = counts.iter().sum();
    let bits = |count: &f64| -(count / sum) * (count / sum).log2();
    (sum > 0.0).then(|| counts.iter().filter(|count| **count > 0.0).map(bits).sum())
}
