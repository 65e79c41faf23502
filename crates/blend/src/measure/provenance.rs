//! Whether a bar is nearest, among all bars of all three songs, to the song that it is claimed to be from: role by role,
//! by rhythm, pitch classes and contour. Beside it the null model: the same test with the claims moved to another song,
//! which must fail, or the test says nothing.

use std::collections::BTreeSet;

use music::analysis::DrumClass;

use super::{Arrangement, Figure, Gate, GateName};
use crate::{
    blocks,
    material::{self, Material},
    role::{LineNote, Role},
};

/// Most steps of a contour that are compared.
const MOST_STEPS: usize = 20;
/// Likenesses that differ by less are the same.
const SAME: f64 = 1e-9;
/// Longer notes count as this long, in quarters.
const MOST_COUNTED: f64 = 2.0;

/// All bars of the songs, by role and song, each once.
pub struct Index {
    bars: Vec<[Vec<Print>; 3]>,
    beats: f64,
}

/// What is compared of a bar.
#[derive(Clone, Debug)]
struct Print {
    onsets: u16,
    /// Of length 1, or all 0.
    classes: [f64; 12],
    contour: Contour,
    /// By [`DrumClass`].
    drums: [u16; 7],
}

/// Signs of the intervals, as the places in the row that rise, fall or stay.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Contour {
    signs: [u32; 3],
    steps: u32,
}

impl Contour {
    fn of(notes: &[LineNote]) -> Self {
        let mut order: Vec<&LineNote> = notes.iter().collect();
        order.sort_by(|a, b| a.onset.total_cmp(&b.onset).then(b.pitch.cmp(&a.pitch)));
        let mut contour = Self::default();
        for (index, pair) in order.windows(2).take(MOST_STEPS).enumerate() {
            let sign = (pair[1].pitch - pair[0].pitch).signum() + 1;
            contour.signs[sign as usize] |= 1 << index;
            contour.steps += 1;
        }
        contour
    }

    fn sign(&self, step: u32) -> usize {
        (0..3).find(|&sign| self.signs[sign] >> step & 1 == 1).unwrap_or(1)
    }

    /// Longest common subsequence over the longer of both, 0–1 (bit-parallel, H. Hyyrö 2004).
    fn likeness(&self, other: &Self) -> f64 {
        let longer = self.steps.max(other.steps);
        if self.steps == 0 || other.steps == 0 {
            return 0.0;
        }
        let mut row = u32::MAX;
        for step in 0..other.steps {
            let matches = row & self.signs[other.sign(step)];
            row = row.wrapping_add(matches) | (row - matches);
        }
        let inside = (1u32 << self.steps) - 1;
        f64::from((!row & inside).count_ones()) / f64::from(longer)
    }
}

impl Print {
    fn new(notes: &[LineNote], role: Role, shift: i32, beats: f64) -> Self {
        let mut classes = [0.0; 12];
        let mut drums = [0u16; 7];
        if role == Role::Drums {
            let last = (beats * 4.0) as i32 - 1;
            for note in notes {
                let step = ((note.onset * 4.0).round() as i32).clamp(0, last);
                drums[DrumClass::of(note.pitch.clamp(0, 127) as u8) as usize] |= 1 << step;
            }
        } else {
            for note in notes {
                classes[(note.pitch + shift).rem_euclid(12) as usize] += note.length.min(MOST_COUNTED);
            }
            let length = classes.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
            if length > 0.0 {
                classes.iter_mut().for_each(|weight| *weight /= length);
            }
        }
        let contour = if role == Role::Drums { Contour::default() } else { Contour::of(notes) };
        Self { onsets: material::onset_bits(notes, beats), classes, contour, drums }
    }

    /// 0–1. Below `least` it need not be exact.
    fn likeness(&self, other: &Self, role: Role, least: f64) -> f64 {
        if role == Role::Drums {
            let (mut both, mut all) = (0, 0);
            for (a, b) in self.drums.iter().zip(other.drums) {
                both += (a & b).count_ones();
                all += a.count_ones() + b.count_ones();
            }
            return if all == 0 { 0.0 } else { 2.0 * f64::from(both) / f64::from(all) };
        }
        let rhythm = blocks::onset_likeness(self.onsets, other.onsets);
        let pitch: f64 = self.classes.iter().zip(other.classes).map(|(a, b)| a * b).sum();
        let likeness = 0.5 * rhythm + 0.25 * pitch;
        if likeness + 0.25 <= least { likeness } else { likeness + 0.25 * self.contour.likeness(&other.contour) }
    }

    fn key(&self) -> (u16, [u16; 7], Contour, [i32; 12]) {
        (self.onsets, self.drums, self.contour, self.classes.map(|weight| (weight * 1_000.0).round() as i32))
    }
}

/// Which line of a song a role of the blend is made from.
fn source_role(role: Role) -> Role {
    if role == Role::CounterMelody { Role::Melody } else { role }
}

impl Index {
    pub fn new(materials: &[Material; 3], beats: f64) -> Self {
        let of = |role: Role, material: &Material| {
            let mut seen = BTreeSet::new();
            let lines = material.bars.iter().map(|bar| (bar.line(source_role(role)), bar.shift));
            let prints =
                lines.filter(|(line, _)| !line.is_empty()).map(|(line, shift)| Print::new(line, role, shift, beats));
            prints.filter(|print| seen.insert(print.key())).collect()
        };
        let bars = Role::ALL.iter().map(|&role| std::array::from_fn(|song| of(role, &materials[song]))).collect();
        Self { bars, beats }
    }

    /// Share of the cells whose nearest song is the claimed one.
    pub fn gate(&self, arrangement: &Arrangement<'_>) -> Gate {
        let (mut claimed, mut alone, mut cells) = (0.0, 0.0, 0.0);
        // Of claims that are moved to a song that has the very same bar nothing can be said.
        let (mut moved, mut movable) = (0.0, 0.0);
        for role in Role::ALL {
            for bar in 0..arrangement.bars() {
                let Some(song) = arrangement.cells[role.index()][bar].and_then(|cell| cell.song) else { continue };
                let notes = arrangement.notes_in(role, bar);
                if notes.len() < 2 {
                    continue;
                }
                let print = Print::new(&notes, role, 0, self.beats);
                let best: [f64; 3] = std::array::from_fn(|song| self.best(&print, role, song));
                let others = [(song + 1) % 3, (song + 2) % 3];
                let highest = best.into_iter().fold(0.0, f64::max);
                cells += 1.0;
                claimed += truth(best[song] >= highest - SAME);
                alone += truth(others.iter().all(|&other| best[song] > best[other] + SAME));
                for other in others.into_iter().filter(|&other| (best[other] - best[song]).abs() > SAME) {
                    movable += 1.0;
                    moved += truth(best[other] >= highest - SAME);
                }
            }
        }
        if cells == 0.0 {
            return Gate::not_applicable(GateName::Provenance, "no bar is claimed to be from a song");
        }
        let figures = vec![
            Figure::least("cells nearest to their song", claimed / cells, 0.90),
            Figure::new("nearest to it alone", alone / cells),
            Figure::most("null model: claims moved to another song", moved / f64::max(movable, 1.0), 0.15),
        ];
        let note = (movable == 0.0).then_some("the songs have the same bars, so claims cannot be told apart");
        Gate::of(GateName::Provenance, figures).noted(note)
    }

    fn best(&self, print: &Print, role: Role, song: usize) -> f64 {
        let mut best = 0.0;
        for other in &self.bars[role.index()][song] {
            best = f64::max(best, print.likeness(other, role, best));
        }
        best
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pitches: &[i32]) -> Vec<LineNote> {
        let note =
            |(index, &pitch): (usize, &i32)| LineNote { onset: index as f64 * 0.25, length: 0.25, pitch, velocity: 80 };
        pitches.iter().enumerate().map(note).collect()
    }

    #[test]
    fn contours_are_compared_as_by_the_textbook() {
        let naive = |a: &[i32], b: &[i32]| {
            let signs = |p: &[i32]| p.windows(2).map(|w| (w[1] - w[0]).signum()).collect::<Vec<_>>();
            let (a, b) = (signs(a), signs(b));
            let mut table = vec![vec![0usize; b.len() + 1]; a.len() + 1];
            for (i, x) in a.iter().enumerate() {
                for (j, y) in b.iter().enumerate() {
                    table[i + 1][j + 1] = if x == y { table[i][j] + 1 } else { table[i][j + 1].max(table[i + 1][j]) };
                }
            }
            table[a.len()][b.len()] as f64 / a.len().max(b.len()) as f64
        };
        let lines: [&[i32]; 4] = [
            &[60, 62, 64, 62, 60],
            &[60, 60, 67, 65, 64, 62, 62, 59],
            &[72, 71, 69, 71, 72],
            &[60, 61, 60, 61, 60, 61, 60, 61, 61, 61, 60, 64, 66, 60, 59, 58, 57],
        ];
        for a in lines {
            for b in lines {
                let fast = Contour::of(&line(a)).likeness(&Contour::of(&line(b)));
                assert!((fast - naive(a, b)).abs() < 1e-9, "{a:?} {b:?}");
            }
        }
    }
}
